"""What a gallery's columns mean, in memory: the view of one commit, and who bears which reference.

    columns, mapped ─► View (frozen): Fields for the kernels, templates and references one by one
                        └─► Register: reference ─► person ─► rows, built when first asked and following the gallery

A View stays as it is while the gallery grows, so a search in another thread keeps working on the one it began with. No
Python object is kept for a row. Not done here: files (`files`), scores (`ranking`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mithaq.finger import Template
from mithaq.search.columns import Spans
from mithaq.search.fields import Fields, kinds
from mithaq.search.filters import Attributes
from mithaq.search.layout import COLUMNS, Commit, Damaged
from mithaq.search.parameters import LONGEST_REFERENCE
from mithaq.search.shape import Counts, Impression
from mithaq.search.sums import weighted_sum
from mithaq.units import FingerPosition


@dataclass(frozen=True, eq=False)
class View:
    """The gallery as of one commit."""

    commit: Commit
    columns: Mapping[str, NDArray[Any]]
    fields: Fields

    @classmethod
    def of(cls, commit: Commit, columns: Mapping[str, NDArray[Any]]) -> View:
        """Damaged "column" where a number in them points outside of them."""
        live = np.ones(commit.rows, np.uint8)
        removed = columns["removed"]
        if len(removed) and int(removed.max()) >= commit.rows:
            raise Damaged("column", where="removed")
        live[removed] = 0
        names = Fields.__dataclass_fields__.keys() - {"live"}
        return cls(commit, columns, Fields(live=live, **{name: columns[name] for name in names}))

    @property
    def attributes(self) -> NDArray[np.uint32] | None:
        return self.columns.get("attributes")

    def reference(self, person: int) -> str:
        return self.reference_bytes(person).decode("ascii", "replace")

    def reference_bytes(self, person: int) -> bytes:
        ends = self.columns["name_ends"]
        return self.columns["names"][int(ends[person]) : int(ends[person + 1])].tobytes()

    def template(self, row: int) -> Template:
        """The row's template as it was added, but for the statistics of its picture, which no gallery keeps."""
        first, last = int(self.fields.starts[row]), int(self.fields.starts[row + 1])
        count = int(self.fields.count[row])
        column = self.columns
        width, height = column["size"][row].tolist()
        return Template(
            width=width,
            height=height,
            x_px=column["x"][first:last].reshape(-1)[:count],
            y_px=column["y"][first:last].reshape(-1)[:count],
            angle=column["angle"][first:last].reshape(-1)[:count],
            quality=column["quality"][first:last].reshape(-1)[:count],
            kind=kinds(column["kind"][first:last]).reshape(-1)[:count],
            codes=column["codes"][first:last].transpose(0, 2, 1).reshape(-1, self.commit.words)[:count],
            reliability=column["reliability"][first:last].reshape(-1)[:count],
            quality_score=int(column["grade"][row]),
            statistics=None,
            descriptor=self.commit.descriptor,
        )

    def holds(self, row: int, template: Template) -> bool:
        """Whether the row is of this very print: its codes follow from the rest."""
        mine = self.template(row)
        return (mine.width, mine.height, len(mine)) == (template.width, template.height, len(template)) and all(
            np.array_equal(getattr(mine, name), getattr(template, name))
            for name in ("x_px", "y_px", "angle", "quality", "kind")
        )

    def impression(self, row: int) -> Impression:
        attributes = self.attributes
        bits = 0 if attributes is None else int(attributes[row])
        return Impression(
            self.reference(int(self.fields.person[row])),
            FingerPosition(int(self.fields.position[row])),
            int(self.fields.impression[row]),
            self.template(row),
            Attributes.unpack(bits) if bits else None,
        )

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """Those that are searched, in the order of enrolment."""
        return np.flatnonzero(self.fields.live)

    @cached_property
    def counts(self) -> Counts:
        person = self.fields.person[self.rows].astype(np.uint64)
        fingers = _distinct(person << np.uint64(8) | self.fields.position[self.rows])
        return Counts(len(_distinct(fingers >> np.uint64(8))), len(fingers), len(self.rows))

    def spans(self, rows: NDArray[np.int64]) -> Spans:
        """What of the columns belongs to these rows, and the letters of persons who have no other; neighbours as one."""
        if not len(rows):
            return {}
        starts = self.fields.starts
        ends = self.columns["name_ends"]
        rows = np.sort(rows)
        persons = np.unique(self.fields.person[rows]).tolist()
        return {
            "rows": _joined([(row, row + 1) for row in rows.tolist()]),
            "blocks": _joined([(int(starts[row]), int(starts[row + 1])) for row in rows.tolist()]),
            "letters": _joined([(int(ends[person]), int(ends[person + 1])) for person in persons]),
        }

    def unerased(self) -> Spans:
        """What of removed rows is still to be written over."""
        return self.spans(self.columns["removed"][self.commit.erased :].astype(np.int64))

    def damaged_column(self, since: Commit | None = None) -> str | None:
        """The first column whose elements do not add up to what the commit says; None where all do.

        With `since`, a commit that was found sound: only what was appended after it is looked at.
        """
        unerased = self.unerased() if since is None else {}
        for column, (added, removed), before in zip(
            COLUMNS, self.commit.sums, (since or self.commit).sums, strict=True
        ):
            if column.name not in self.columns:
                continue
            elements = self.columns[column.name]
            if since is None:
                gaps = _between(unerased.get(column.unit, ()) if column.erased else (), len(elements))
                expected = added - removed
            else:
                gaps, expected = [(since.count(column.unit) + column.extra, len(elements))], added - before[0]
            met = sum(weighted_sum(elements[first:last], first) for first, last in gaps)
            if (met - expected) % 2**64:
                return column.name
        return None


def _distinct(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The different values, ascending; without sorting where they ascend, as those of most galleries do."""
    if len(values) and not (values[1:] >= values[:-1]).all():
        values = np.sort(values)
    return np.compress(np.concatenate([np.ones(min(1, len(values)), bool), values[1:] != values[:-1]]), values)


def _between(spans: Sequence[tuple[int, int]], end: int) -> list[tuple[int, int]]:
    """What lies outside of these ascending spans."""
    edges = [0, *(edge for span in spans for edge in span), end]
    return list(zip(edges[::2], edges[1::2], strict=True))


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans, those that follow on one another as one, empty ones left out."""
    joined: list[tuple[int, int]] = []
    for first, last in spans:
        if joined and joined[-1][1] == first:
            joined[-1] = (joined[-1][0], last)
        elif first < last:
            joined.append((first, last))
    return joined


_POWERS = np.array([pow(0x9E3779B97F4A7C15, k + 1, 2**64) for k in range(LONGEST_REFERENCE + 1)], np.uint64)
_AT_ONCE = 1 << 16  # references hashed at once: some 20 MB of intermediate numbers
_FEW = 4096  # followed one by one; more are sorted in anew


def reference_hash(reference: bytes) -> int:
    return int(sum(letter * power for letter, power in zip(reference, _POWERS.tolist(), strict=False)) % 2**64)


def reference_hashes(names: NDArray[np.uint8], ends: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """The hash of each person's reference, uint64 (persons): the same as `reference_hash` of its bytes."""
    hashes = np.zeros(len(ends) - 1, np.uint64)
    for first in range(0, len(hashes), _AT_ONCE):
        bounds = ends[first : first + _AT_ONCE + 1].astype(np.int64)
        starts, lengths = bounds[:-1] - bounds[0], np.diff(bounds)
        place = np.arange(bounds[-1] - bounds[0]) - np.repeat(starts, lengths)
        letters = names[bounds[0] : bounds[-1]].astype(np.uint64) * _POWERS[place]
        hashes[first : first + len(starts)] = np.add.reduceat(letters, starts)
    return hashes


def _equal(ascending: NDArray[Any], value: Any) -> range:
    """Where an ascending array holds this value, which must be of its type."""
    return range(int(np.searchsorted(ascending, value, "left")), int(np.searchsorted(ascending, value, "right")))


class Register:
    """Reference -> person -> rows, of one generation. The Gallery holds its lock around every call.

    Sorted arrays (12 bytes a person, 8 a row) for what there was when it was last sorted, dictionaries for what came since.
    """

    def __init__(self) -> None:
        self._hashes = np.empty(0, np.uint64)
        self._persons = np.empty(0, np.int64)
        self._owners = np.empty(0, np.uint32)
        self._rows = np.empty(0, np.int64)
        self._new_persons: dict[bytes, int] = {}
        self._new_rows: dict[int, list[int]] = {}
        self._seen = (0, 0)  # persons and rows

    def person(self, reference: str, view: View) -> int | None:
        """The person who bears this reference and has rows; None where there is none."""
        self._follow(view)
        name = reference.encode("ascii")
        newest = self._new_persons.get(name)
        if newest is not None and len(self.rows(newest, view)):
            return newest
        for place in _equal(self._hashes, np.uint64(reference_hash(name))):
            person = int(self._persons[place])
            if view.reference_bytes(person) == name and len(self.rows(person, view)):
                return person
        return None

    def rows(self, person: int, view: View) -> NDArray[np.int64]:
        """The person's rows that are not removed, ascending."""
        self._follow(view)
        places = _equal(self._owners, np.uint32(person))
        new = np.array(self._new_rows.get(person, []), np.int64)
        rows = np.concatenate([self._rows[places.start : places.stop], new])
        return np.compress(view.fields.live[rows] != 0, rows)

    def _follow(self, view: View) -> None:
        persons, rows = self._seen
        if persons == view.commit.persons and rows == view.commit.rows:
            return
        if view.commit.rows - len(self._rows) > max(_FEW, len(self._rows) // 8):
            self._sort(view)
        else:
            for person in range(persons, view.commit.persons):
                self._new_persons[view.reference_bytes(person)] = person
            for row in range(rows, view.commit.rows):
                self._new_rows.setdefault(int(view.fields.person[row]), []).append(row)
        self._seen = (view.commit.persons, view.commit.rows)

    def _sort(self, view: View) -> None:
        hashes = reference_hashes(view.columns["names"], view.columns["name_ends"])
        self._persons = np.argsort(hashes, kind="stable")
        self._hashes = hashes[self._persons]
        self._rows = np.argsort(view.fields.person, kind="stable")
        self._owners = view.fields.person[self._rows]
        self._new_persons.clear()
        self._new_rows.clear()
