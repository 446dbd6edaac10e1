"""Impressions on their way into a gallery: checked, known ones left out, packed into pieces of a few thousand rows.

    Impression, … ─► checked ─► not there yet? ─► person number ─► Piece (each column's new elements)

What is there already is found by its content, so that an interrupted enrolment is simply repeated.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mithaq.finger import Template
from mithaq.finger.descriptor import DESCRIPTOR, WORDS
from mithaq.finger.parameters import MAX_MINUTIAE
from mithaq.search.columns import Piece
from mithaq.search.fields import pack
from mithaq.search.refusals import refusal
from mithaq.search.shape import ONE_FINGER, Impression, check_reference
from mithaq.search.shelf import Register, View

ROWS_A_PIECE = 2048


class Entry:
    """One step's impressions. `added` counts those that were not there; `view` None for a gallery that holds nothing yet."""

    def __init__(self, place: str, view: View | None, register: Register) -> None:
        self.added = 0
        self._place = place
        self._view = view
        self._register = register
        self._persons: dict[str, int] = {}  # of this step
        self._next = view.commit.persons if view is not None else 0
        self._seen: dict[bytes, int] = {}  # impressions of this step, with their attributes

    def pieces(self, impressions: Iterable[Impression]) -> Iterator[Piece]:
        """What is to be appended; nothing for impressions that are there. StorageError GAL-010 to GAL-012, GAL-042 to GAL-045."""
        source = iter(impressions)
        while chunk := list(islice(source, ROWS_A_PIECE)):
            rows: list[tuple[Impression, int, int]] = []
            names: list[bytes] = []
            for one in chunk:
                bits = self._checked(one)
                person, is_new = self._person(one.reference)
                if is_new:
                    names.append(one.reference.encode("ascii"))
                if not self._is_there(one, person, bits):
                    rows.append((one, person, bits))
            if rows:
                self.added += len(rows)
                yield _piece(rows, names)

    def _checked(self, one: Impression) -> int:
        """The attributes' bits of an impression that a gallery takes."""
        check_reference(one.reference, self._place)
        if one.position not in ONE_FINGER or not 0 <= one.impression <= 255:
            raise refusal("impression", self._place)
        check_template(one.template, self._place)
        return one.attributes.pack(self._place) if one.attributes is not None else 0

    def _person(self, reference: str) -> tuple[int, bool]:
        """The number of the person with that reference, and whether it is given out here and now."""
        person = self._persons.get(reference)
        if person is None and self._view is not None:
            person = self._register.person(reference, self._view)
        is_new = person is None
        if person is None:
            person, self._next = self._next, self._next + 1
        self._persons[reference] = person
        return person, is_new

    def _is_there(self, one: Impression, person: int, bits: int) -> bool:
        key = _digest(person, one)
        known = self._seen.get(key)
        view = self._view
        if known is None and view is not None and person < view.commit.persons:
            for row in self._register.rows(person, view).tolist():
                fields = view.fields
                same_place = fields.position[row] == one.position and fields.impression[row] == one.impression
                if same_place and view.holds(row, one.template):
                    known = 0 if view.attributes is None else int(view.attributes[row])
                    break
        if known is None:
            self._seen[key] = bits
            return False
        if known != bits:
            raise refusal("other-attributes", self._place)
        return True


def check_template(template: Template, place: str) -> None:
    """StorageError GAL-012 or GAL-042 for a template that a gallery cannot hold or compare."""
    if template.descriptor != DESCRIPTOR or template.codes.shape[1:] != (WORDS,):
        raise refusal("template-descriptor", place, met=template.descriptor, expected=DESCRIPTOR)
    if len(template) > MAX_MINUTIAE:
        raise refusal("template-size", place, met=len(template), expected=MAX_MINUTIAE)


def _digest(person: int, one: Impression) -> bytes:
    """Of the impression and all that its template is made of."""
    template = one.template
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f"{person} {int(one.position)} {one.impression} {template.width} {template.height}".encode())
    for part in (template.x_px, template.y_px, template.angle, template.quality, template.kind):
        digest.update(part.tobytes())
    return digest.digest()


def _piece(rows: list[tuple[Impression, int, int]], names: list[bytes]) -> Piece:
    packed = pack([one.template for one, _, _ in rows])
    piece: dict[str, NDArray[Any]] = {
        name: getattr(packed, name) for name in type(packed).__dataclass_fields__ if name != "starts"
    }
    return piece | {
        "starts": packed.starts[1:].astype(np.int64),
        "position": np.array([one.position for one, _, _ in rows], np.uint8),
        "impression": np.array([one.impression for one, _, _ in rows], np.uint8),
        "person": np.array([person for _, person, _ in rows], np.uint32),
        "attributes": np.array([bits for _, _, bits in rows], np.uint32),
        "name_ends": np.cumsum([len(name) for name in names], dtype=np.int64),
        "names": np.frombuffer(b"".join(names), np.uint8),
    }


def kept_pieces(view: View) -> Iterator[Piece]:
    """The rows of a view that are not removed, column by column as they are, persons numbered anew."""
    rows = view.rows
    persons, first_rows, numbers = np.unique(view.fields.person[rows], return_index=True, return_inverse=True)
    order = np.argsort(first_rows, kind="stable")  # of persons, by their first row
    new_number = np.empty(len(persons), np.int64)
    new_number[order] = np.arange(len(persons))
    numbers = new_number[numbers.reshape(-1)]
    starts, column = view.fields.starts.astype(np.int64), view.columns
    named = 0
    for first in range(0, len(rows), ROWS_A_PIECE):
        some = rows[first : first + ROWS_A_PIECE]
        person = numbers[first : first + len(some)]
        spans = np.diff(starts)[some]
        ends = np.cumsum(spans)
        blocks = np.repeat(starts[some] - (ends - spans), spans) + np.arange(ends[-1])
        newest = max(named, int(person.max()) + 1)
        names = [view.reference_bytes(int(persons[k])) for k in order[named:newest]]
        named = newest
        piece: dict[str, NDArray[Any]] = {
            name: column[name][blocks] for name in ("codes", "angle", "reliability", "x", "y", "quality", "kind")
        }
        for name in ("count", "position", "impression", "size", "grade", "attributes"):
            if name in column:
                piece[name] = column[name][some]
        yield piece | {
            "starts": ends,
            "person": person.astype(np.uint32),
            "name_ends": np.cumsum([len(name) for name in names], dtype=np.int64),
            "names": np.frombuffer(b"".join(names), np.uint8),
        }
