"""The gallery: impressions of known fingers in a folder of files, added to while it is searched, safe from SIGKILL.

    Gallery(path, writable=True).add(reference, position, impression, template)      one process at a time
    Gallery(path).search(probes, threshold=…, top=…) -> [Candidate, …]               any number of processes and threads

The answer equals brute force: up to EXHAUSTIVE_IMPRESSIONS every impression is compared in full; in larger galleries
the first stage chooses RESCORED_IMPRESSIONS for each probe, and an impression that it leaves out is not answered.
What stands on the disk is `files` and `layout`; what a removal erases and what it cannot is in docs/search.md.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import Self

from mithaq.errors import FormatError
from mithaq.finger import Template
from mithaq.search.files import GalleryFiles
from mithaq.search.layout import IMPRESSION, REMOVAL, Damaged, pack_record
from mithaq.search.parameters import EXHAUSTIVE_IMPRESSIONS, LARGEST_TEMPLATE, RESCORED_IMPRESSIONS, TEMPLATES_KEPT
from mithaq.search.ranking import best_rows, in_full
from mithaq.search.refusals import refusal
from mithaq.search.shape import Counts, Impression, check_reference, check_request, persons
from mithaq.search.shelf import Packed, Shelf, View
from mithaq.units import Candidate, FingerPosition

_Key = tuple[str, int, int, bytes]
_ONE_FINGER = frozenset(position for position in FingerPosition if position.is_one_finger)


class Gallery:
    """One gallery's files, open for reading or, in one process at a time, for writing. Safe for several threads.

    StorageError GAL-001 to GAL-019 where it cannot be used. `exhaustive` and `rescored` replace the numbers of
    `parameters`; `stop_at` is for tests of crashes (see GalleryFiles).
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        writable: bool = False,
        exhaustive: int = EXHAUSTIVE_IMPRESSIONS,
        rescored: int = RESCORED_IMPRESSIONS,
        stop_at: Callable[[str], None] | None = None,
    ) -> None:
        self.path = Path(path)
        self.exhaustive = exhaustive
        self.rescored = rescored
        self._lock = RLock()
        self._closed = False
        self._files = GalleryFiles(self.path, writable=writable, stop_at=stop_at)
        self._shelf = Shelf()
        self._log = self._files.commit.log
        try:
            self._read_on()
            self._check_first_template()
            if writable:
                self._finish_erasures()
        except BaseException:
            self.close()
            raise

    @property
    def writable(self) -> bool:
        return self._files.writable

    # ---- reading ----------------------------------------------------------------------------------------------

    def search(self, probes: Sequence[Template], *, threshold: float, top: int) -> list[Candidate]:
        """At most `top` persons whose best impression scores `threshold` (0 to 1) or more against any of the probes.

        Sees what was acknowledged before it began, and never answers with somebody who was removed before it ended.
        Best first, equal scores by reference; `parts` and `probe` say how the best score came about. StorageError GAL-035
        for a request that means nothing.
        """
        check_request(len(probes), threshold, top, str(self.path))
        with self._lock:
            shelf, view, packed = self._ready()
        found = list(self._candidates(probes, threshold, shelf, view, packed))
        with self._lock:
            self._read_on()
            present = self._shelf.rows_of
            return persons((candidate for candidate in found if candidate.reference in present), top)

    def _candidates(
        self, probes: Sequence[Template], threshold: float, shelf: Shelf, view: View, packed: Packed | None
    ) -> Iterator[Candidate]:
        for index, probe in enumerate(probes):
            rows = view.rows if packed is None else best_rows(probe, packed, view.rows, self.rescored)
            for row, score in in_full(probe, rows.tolist(), lambda row: self._template(shelf, row), threshold):
                yield Candidate(
                    reference=view.references[row],
                    position=FingerPosition(view.positions[row]),
                    impression=view.impressions[row],
                    score=score.value,
                    parts=dict(score.parts),
                    probe=index,
                )

    def prepare(self) -> None:
        """Reads what the first search would read, and loads the compiled comparisons, so that it waits for nothing."""
        with self._lock:
            shelf, view, _ = self._ready()
        rows = view.rows.tolist()
        for row in rows[:TEMPLATES_KEPT]:
            self._template(shelf, row)
        some = self._template(shelf, rows[0]) if rows else None
        if some is not None:
            self.search([some], threshold=1.0, top=1)

    def count(self) -> Counts:
        """Persons (references), fingers (positions of a reference) and impressions at this moment."""
        with self._lock:
            self._read_on()
            shelf = self._shelf
            return Counts(len(shelf.rows_of), len(shelf.fingers), shelf.impressions_live)

    def __contains__(self, reference: object) -> bool:
        with self._lock:
            self._read_on()
            return reference in self._shelf.rows_of

    def impressions(self) -> Iterator[Impression]:
        """All that it holds at this moment, in the order of enrolment."""
        with self._lock:
            self._read_on()
            shelf, view = self._shelf, self._shelf.view()
        for row in view.rows.tolist():
            template = self._template(shelf, row)
            if template is not None:
                position = FingerPosition(view.positions[row])
                yield Impression(view.references[row], position, view.impressions[row], template)

    def refresh(self) -> bool:
        """True where another process changed the gallery since this one looked last. `search` and `count` do it too."""
        with self._lock:
            return self._read_on()

    def _read_on(self) -> bool:
        """Takes up what was committed since. A body that is just being erased is known by a commit that is newer."""
        self._require_open()
        changed = False
        while True:
            commit = self._files.advance()
            if commit.log != self._log:
                self._shelf, self._log = Shelf(), commit.log
            elif self._shelf.end == commit.length:
                return changed
            try:
                self._shelf.read_on(self._files.map_log(), commit)
                changed = True
            except Damaged as damage:
                if self._files.advance().step == commit.step:
                    raise self._files.refuse(damage, self._files.log_path.name, damage.met) from None

    def _template(self, shelf: Shelf, row: int) -> Template | None:
        """A row's template; None where it was removed meanwhile."""
        with self._lock:
            self._require_open()
            try:
                return shelf.template(row)
            except FormatError as error:
                raise refusal("template", str(self.path), code=error.code) from None
            except Damaged as damage:
                self._read_on()
                if shelf is not self._shelf or shelf.template_is_gone(row):
                    return None
                raise self._files.refuse(damage, self._files.log_path.name, damage.met) from None

    def _ready(self) -> tuple[Shelf, View, Packed | None]:
        """What a search beginning now works on; the packed codes only where the gallery is too large to do without."""
        while True:
            self._read_on()
            shelf = self._shelf
            view = shelf.view()
            try:
                return shelf, view, shelf.packed() if len(view.rows) > self.exhaustive else None
            except FormatError as error:
                raise refusal("template", str(self.path), code=error.code) from None
            except Damaged as damage:
                if not self._read_on():  # nothing was removed meanwhile that explains it
                    raise self._files.refuse(damage, self._files.log_path.name, damage.met) from None

    def _check_first_template(self) -> None:
        """Says at once, not at the first search, that the templates are of another version."""
        rows = self._shelf.view().rows
        if len(rows):
            self._template(self._shelf, int(rows[0]))

    # ---- writing ----------------------------------------------------------------------------------------------

    def add(self, reference: str, position: int, impression: int, template: Template) -> bool:
        """Adds one impression; it is on the disk when this returns. False where exactly this one is there already.

        `position` is a finger position 0 to 12, `impression` an IMP code. StorageError GAL-009 to GAL-015.
        """
        return self._add([self._key(reference, position, impression, template)]) == 1

    def add_many(self, impressions: Iterable[Impression]) -> int:
        """Adds all of them as one step, or none; how many were not there already. Repeating it is safe."""
        return self._add([self._key(i.reference, i.position, i.impression, i.template) for i in impressions])

    def _key(self, reference: str, position: int, impression: int, template: Template) -> _Key:
        """What is to be stored, checked."""
        place = str(self.path)
        check_reference(reference, place)
        if position not in _ONE_FINGER or not 0 <= impression <= 255:
            raise refusal("impression", place)
        data = template.to_bytes()
        if len(data) > LARGEST_TEMPLATE:
            raise refusal("template-size", place, met=len(data), expected=LARGEST_TEMPLATE)
        return reference, int(position), impression, data

    def _add(self, keys: Sequence[_Key]) -> int:
        with self._lock:
            self._require_open()
            self._files.require_writer()
            self._read_on()
            fresh = [key for key in dict.fromkeys(keys) if not self._is_there(key)]
            if fresh:
                first = self._shelf.records
                self._files.append([_record(key, first + n) for n, key in enumerate(fresh)])
                self._read_on()
            return len(fresh)

    def _is_there(self, key: _Key) -> bool:
        reference, position, code, data = key
        shelf = self._shelf
        return any(
            shelf.positions[row] == position and shelf.impressions[row] == code and shelf.template_bytes(row) == data
            for row in shelf.rows_of.get(reference, ())
        )

    def remove(self, reference: str) -> int:
        """Removes a person and writes zeros over the templates, both on the disk when this returns how many there were.

        StorageError GAL-018 where the removal holds but the zeros do not: opening it for writing again finishes them.
        """
        with self._lock:
            self._require_open()
            self._files.require_writer()
            self._read_on()
            shelf = self._shelf
            rows = list(shelf.rows_of.get(check_reference(reference, str(self.path)), ()))
            if rows:
                spans = shelf.spans(rows)
                self._files.append([pack_record(REMOVAL, shelf.records, shelf.removal(rows))])
                self._read_on()
                self._files.erase(spans)
            return len(rows)

    def compact(self) -> None:
        """Writes the log anew without what was removed, as one step. Searches under way are not disturbed."""
        with self._lock:
            self._require_open()
            self._files.require_writer()
            self._read_on()
            shelf, rows = self._shelf, self._shelf.view().rows.tolist()
            self._files.replace_log((shelf.record_bytes(row, n) for n, row in enumerate(rows)), len(rows))
            self._read_on()

    def _finish_erasures(self) -> None:
        """What a killed writer had removed and not yet written over."""
        spans = self._shelf.unerased()
        if spans:
            self._files.erase(spans)

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


def _record(key: _Key, ordinal: int) -> bytes:
    reference, position, impression, data = key
    name = reference.encode("ascii")
    return pack_record(IMPRESSION, ordinal, name + data, position=position, impression=impression, name=len(name))
