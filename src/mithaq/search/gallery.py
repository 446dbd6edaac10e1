"""The gallery: impressions of known fingers in a folder of files, added to while it is searched, safe from SIGKILL.

    Gallery(path, writable=True).add(reference, position, impression, template)      one process at a time
    Gallery(path).search(probes, threshold=…, top=…) -> [Candidate, …]               any number of processes and threads

What is compared with what is `engine`'s matter; what stands on the disk is that of `files`, `columns` and `layout`. When
a gallery is opened, its commit, and the heads and lengths of its files are looked at; before the first answer, all they
hold (`check`); later, what came since. What a removal erases and what it cannot is in docs/search.md.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import Self

import numpy as np

from mithaq.finger import Template, compare
from mithaq.finger.descriptor import DESCRIPTOR, WORDS
from mithaq.search.columns import Piece
from mithaq.search.engine import Engine, Find
from mithaq.search.entry import Entry, check_template, kept_pieces
from mithaq.search.fields import Fields
from mithaq.search.files import GalleryFiles
from mithaq.search.filters import Attributes, Filters
from mithaq.search.layout import Commit, Damaged
from mithaq.search.parameters import EXHAUSTIVE_IMPRESSIONS, RESCORED_ROWS
from mithaq.search.refusals import refusal
from mithaq.search.shape import Counts, How, Impression, check_reference, check_request
from mithaq.search.shelf import Register, View
from mithaq.units import Candidate, FingerPosition


class Gallery:
    """One gallery's files, open for reading or, in one process at a time, for writing. Safe for several threads.

    StorageError GAL-001 to GAL-020, GAL-040 and GAL-041 where it cannot be used. `exhaustive` and `rescored` replace the
    numbers of `parameters`; `stop_at` is for tests of crashes (see GalleryFiles).
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        writable: bool = False,
        exhaustive: int = EXHAUSTIVE_IMPRESSIONS,
        rescored: int = RESCORED_ROWS,
        stop_at: Callable[[str], None] | None = None,
    ) -> None:
        self.path = Path(path)
        self._engine = Engine(exhaustive=exhaustive, rescored=rescored)
        self._lock = RLock()
        self._closed = False
        self._sound: Commit | None = None  # what was found to add up
        self._register = Register()
        self._files = GalleryFiles(self.path, writable=writable, descriptor=(DESCRIPTOR, WORDS), stop_at=stop_at)
        try:
            self._view = self._map()
            if writable and self._view.commit.erased < self._view.commit.removed:  # a killed writer's erasure
                self._files.erase(self._view.unerased())
        except BaseException:
            self.close()
            raise

    @property
    def writable(self) -> bool:
        return self._files.writable

    # ---- reading ----------------------------------------------------------------------------------------------

    def search(
        self,
        probes: Sequence[Template],
        *,
        threshold: float,
        top: int,
        positions: Sequence[FingerPosition] | None = None,
        filters: Filters | None = None,
        how: How = "exhaustive",
    ) -> list[Candidate]:
        """At most `top` persons who score `threshold` (0 to 1) or more, best first, equal scores by reference.

        Without `positions` each probe may be any finger, and the best comparison counts. With them, one for each probe
        (0 where it is not known), the probes are one person's fingers and their evidence is joined first. Sees what was
        acknowledged before it began, and never answers with somebody who was removed before it ended. `parts` and `probe`
        say how the score came about. StorageError GAL-035 and GAL-044 for a request that means nothing, GAL-042 for a
        template of another descriptor.
        """
        place = str(self.path)
        check_request(len(probes), threshold, top, place, positions=positions, filters=filters, how=how)
        for probe in probes:
            check_template(probe, place)
        with self._lock:
            view = self._ready()
        fields = view.fields
        if filters:
            fields = fields.with_live(filters.rows(fields, view.attributes))
        found = self._engine.persons(fields, view.commit.generation, probes, positions, threshold, how)
        while True:
            best = self._still_there(found, view)[:top]
            candidates = [self._candidate(find, reference, view, probes) for reference, find in best]
            if self._still_there([find for _, find in best], view) == best:  # nobody was removed while it was told
                return candidates

    def _still_there(self, found: Iterable[Find], view: View) -> list[tuple[str, Find]]:
        """Those who have not been removed meanwhile, with their references; the highest score first, then by reference."""
        with self._lock:
            now = self._read_on()
            same = now.commit.generation == view.commit.generation
            named = []
            for find in found:
                reference = view.reference(find.person)
                if now.fields.live[find.row] if same else self._register.person(reference, now) is not None:
                    named.append((reference, find))
        return sorted(named, key=lambda pair: (-pair[1].score, pair[0]))

    def _candidate(self, find: Find, reference: str, view: View, probes: Sequence[Template]) -> Candidate:
        score = compare(probes[find.probe], view.template(find.row))
        position = FingerPosition(int(view.fields.position[find.row]))
        impression = int(view.fields.impression[find.row])
        return Candidate(reference, position, impression, find.score, dict(score.parts), find.probe)

    def prepare(self, how: How = "exhaustive") -> None:
        """Reads and checks what the first search would, and loads the compiled comparisons, so that it waits for nothing."""
        with self._lock:
            view = self._ready()
        if len(view.rows):
            self.search([view.template(int(view.rows[0]))], threshold=0.0, top=1, how=how)

    def count(self) -> Counts:
        """Persons (references), fingers (positions of a reference) and impressions at this moment."""
        with self._lock:
            return self._read_on().counts

    @property
    def fields(self) -> Fields:
        """All rows as the kernels see them at this moment, mapped and read-only: for measurements and indexes."""
        with self._lock:
            return self._ready().fields

    @property
    def commit(self) -> Commit:
        """What the files hold at this moment, removed rows too; its `bytes` are those of all files together."""
        with self._lock:
            return self._read_on().commit

    def __contains__(self, reference: object) -> bool:
        with self._lock:
            view = self._read_on()
            return (
                isinstance(reference, str)
                and reference.isascii()
                and self._register.person(reference, view) is not None
            )

    def impressions(self) -> Iterator[Impression]:
        """All that it holds at this moment, in the order of enrolment, but what is removed before its turn comes."""
        with self._lock:
            view = self._ready()
        for row in view.rows.tolist():
            one = view.impression(row)
            with self._lock:
                now = self._read_on()
                same = now.commit.generation == view.commit.generation
                is_there = now.fields.live[row] if same else one.reference in self
            if is_there:
                yield one

    def slots(self) -> Iterator[tuple[str, int, int]]:
        """Reference, position and impression code of all that it holds at this moment, in the order of enrolment."""
        with self._lock:
            view = self._read_on()
        for row in view.rows.tolist():
            fields = view.fields
            yield view.reference(int(fields.person[row])), int(fields.position[row]), int(fields.impression[row])

    def refresh(self) -> bool:
        """True where another process changed the gallery since this one looked last. `search` and `count` do it too."""
        with self._lock:
            step = self._view.commit.step
            return self._read_on().commit.step != step

    def check(self) -> None:
        """Adds up every file anew, from the disk's pages as they are; StorageError GAL-006 names one that is damaged."""
        with self._lock:
            self._sound = None
            self._ready()

    def _map(self) -> View:
        try:
            return View.of(self._files.commit, self._files.map())
        except Damaged as damage:
            raise self._files.refuse(damage, self._files.folder.name) from None

    def _read_on(self) -> View:
        """The view of the newest commit."""
        self._require_open()
        commit = self._files.advance()
        if commit.step != self._view.commit.step:
            if commit.generation != self._view.commit.generation:
                self._register, self._sound = Register(), None
            self._view = self._map()
        return self._view

    def _ready(self) -> View:
        """The newest view, once its columns add up. A sum that is not right while somebody is being erased is looked at again."""
        while True:
            view = self._read_on()
            if self._sound is not None and self._sound.step == view.commit.step:
                return view
            damaged = view.damaged_column(self._sound) and view.damaged_column()
            if damaged is None:
                self._sound = view.commit
                return view
            if self._files.advance().step == view.commit.step:
                raise self._files.refuse(Damaged("column", where=damaged), self._files.folder.name)

    # ---- writing ----------------------------------------------------------------------------------------------

    def add(
        self, reference: str, position: int, impression: int, template: Template, attributes: Attributes | None = None
    ) -> bool:
        """Adds one impression; it is on the disk when this returns. False where exactly this one is there already.

        `position` is a finger position 0 to 12, `impression` an IMP code. StorageError GAL-009 to GAL-015, GAL-042 to 046.
        """
        if position not in set(FingerPosition):
            raise refusal("impression", str(self.path))
        one = Impression(reference, FingerPosition(position), impression, template, attributes)
        return self.add_many([one]) == 1

    def add_many(self, impressions: Iterable[Impression]) -> int:
        """Adds all of them as one step, or none; how many were not there already. Repeating it is safe.

        They are taken one after another, so that a generator of a million need not fit into memory.
        """
        with self._lock:
            view = self._to_write()
            entry = Entry(str(self.path), view, self._register)
            self._append(entry.pieces(impressions))
            return entry.added

    def add_fields(self, fields: Fields, references: Sequence[str], *, size: tuple[int, int] = (500, 500)) -> None:
        """Adds rows that are packed already, as one step: for large synthetic galleries, tens of thousands a second.

        `fields.person` numbers the references, each of which is new to the gallery (not looked at). Quality and kind of
        minutiae are not known of them, so that another descriptor may describe them less well.
        """
        with self._lock:
            persons = self._to_write().commit.persons
            names = [check_reference(reference, str(self.path)).encode("ascii") for reference in references]
            rows, blocks = len(fields), len(fields.angle)
            self._append(
                [
                    {
                        "starts": fields.starts[1:].astype(np.int64),
                        "codes": fields.codes,
                        "angle": fields.angle,
                        "reliability": fields.reliability,
                        "x": fields.x,
                        "y": fields.y,
                        "quality": np.zeros((blocks, 8), np.uint8),
                        "kind": np.zeros(blocks, np.uint16),
                        "count": fields.count,
                        "position": fields.position,
                        "impression": fields.impression,
                        "size": np.full((rows, 2), size, np.uint16),
                        "grade": np.zeros(rows, np.uint8),
                        "person": fields.person + np.uint32(persons),
                        "attributes": np.zeros(rows, np.uint32),
                        "name_ends": np.cumsum([len(name) for name in names], dtype=np.int64),
                        "names": np.frombuffer(b"".join(names), np.uint8),
                    }
                ]
            )

    def _to_write(self) -> View:
        self._require_open()
        self._files.require_writer()
        return self._read_on()

    def _append(self, pieces: Iterable[Piece]) -> None:
        """The pieces as one step; no step where there are none."""
        source = iter(pieces)
        for first in source:
            self._files.append(chain([first], source))
        self._read_on()

    def remove(self, reference: str) -> int:
        """Removes a person and writes zeros over the templates, both on the disk when this returns how many there were.

        StorageError GAL-018 where the removal holds but the zeros do not: opening it for writing again finishes them.
        """
        with self._lock:
            view = self._to_write()
            person = self._register.person(check_reference(reference, str(self.path)), view)
            if person is None:
                return 0
            rows = self._register.rows(person, view)
            self._files.remove(rows.astype(np.uint32), view.spans(rows))
            self._files.erase(self._read_on().unerased())
            self._read_on()
            return len(rows)

    def compact(self) -> None:
        """Writes the files anew without what was removed, as one step. Searches under way are not disturbed."""
        with self._lock:
            self._to_write()
            view = self._ready()
            self._files.rewrite(kept_pieces(view))
            self._read_on()

    # ---- the rest ---------------------------------------------------------------------------------------------

    def _require_open(self) -> None:
        if self._closed:
            raise refusal("closed", str(self.path))

    def close(self) -> None:
        """Lets go of the files and the writer's lock. What was acknowledged needs no closing to be safe."""
        with self._lock:
            self._closed = True
            self._files.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
