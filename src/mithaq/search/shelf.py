"""What a gallery's log means, in memory: one row per impression, and the packed codes of the first stage.

    records.N, mapped ─ read_on ─► rows: reference, position, impression, where its template lies ─► View (frozen)
                                     └─ pack ─► codes, reliabilities, angles of all rows, only once a search needs them

Rows are only added, and a removed one is left out of every later View, so a search in another thread keeps working on
the View it began with. Not done here: files (`files`), scores (`ranking`).
"""

from __future__ import annotations

import mmap
import zlib
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mithaq.finger import Template
from mithaq.finger.descriptor import WORDS
from mithaq.search.layout import (
    IMPRESSION,
    LOG_HEADER_BYTES,
    RECORD_HEAD_BYTES,
    Commit,
    Damaged,
    RecordHead,
    pack_record,
    read_head,
)
from mithaq.search.parameters import TEMPLATES_KEPT


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """Codes of many impressions in one piece: row i's minutiae are starts[i] to starts[i + 1] of the others."""

    codes: NDArray[np.uint64]
    reliability: NDArray[np.uint8]
    angle: NDArray[np.uint8]
    starts: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The gallery as of one commit: `rows` int64 (r) are those that are searched, in the order of enrolment."""

    rows: NDArray[np.int64]
    references: list[str]
    positions: bytearray
    impressions: bytearray


class Shelf:
    """The rows of one log, growing as the log does. The Gallery holds its lock around every call."""

    def __init__(self) -> None:
        self.references: list[str] = []
        self.positions = bytearray()
        self.impressions = bytearray()
        self.end = LOG_HEADER_BYTES
        self.records = 0
        self.impressions_live = 0
        self.rows_of: dict[str, list[int]] = {}  # rows that are searched, by reference
        self.fingers: Counter[tuple[str, int]] = Counter()
        self._offsets: list[int] = []  # of each row's record, ascending
        self._heads: list[tuple[int, int, int]] = []  # reference bytes, body bytes, body checksum
        self._live = bytearray()
        self._map: mmap.mmap | None = None
        self._view: View | None = None
        self._templates: dict[int, Template] = {}
        self._codes = np.empty((0, WORDS), np.uint64)
        self._reliability = np.empty(0, np.uint8)
        self._angle = np.empty(0, np.uint8)
        self._starts = np.zeros(1, np.int64)
        self._packed_rows = 0

    # ---- reading the log --------------------------------------------------------------------------------------

    def read_on(self, log: mmap.mmap, commit: Commit) -> None:
        """Takes up the records between where it stood and the commit. Damaged, changing nothing, where one is not sound.

        A body's checksum is looked at after the removals, since a removed body may be zeros, or be just becoming so.
        """
        found, removed = self._scan(log, commit)
        gone = {offset for offset, _ in removed}
        for offset, head in found:
            start = offset + RECORD_HEAD_BYTES
            body = log[start : start + head.body_bytes]
            if offset not in gone and (zlib.crc32(body) != head.body_crc or not body[: head.reference_bytes].isascii()):
                raise Damaged("record", offset)
        for offset, head in found:
            self._add_row(log, offset, head)
        self._map, self._view = log, None
        self.end, self.records = commit.length, commit.records
        for offset, _ in removed:
            self._drop_row(self._row_at(offset))

    def _scan(self, log: mmap.mmap, commit: Commit) -> tuple[list[tuple[int, RecordHead]], list[tuple[int, int]]]:
        """The impressions (offset, head) and the removed (offset, ordinal of the removal) between here and the commit."""
        found: list[tuple[int, RecordHead]] = []
        removed: list[tuple[int, int]] = []
        new: set[int] = set()
        at, ordinal = self.end, self.records
        while at < commit.length:
            try:
                head = read_head(log[at : at + RECORD_HEAD_BYTES])
            except Damaged:
                raise Damaged("record", at) from None
            if head.ordinal != ordinal or at + head.span > commit.length:
                raise Damaged("record", at)
            if head.kind == IMPRESSION:
                found.append((at, head))
                new.add(at)
            else:
                body = log[at + RECORD_HEAD_BYTES : at + RECORD_HEAD_BYTES + head.body_bytes]
                offsets = np.frombuffer(body, "<u8").tolist()
                if zlib.crc32(body) != head.body_crc or not all(o in new or self._is_row(o) for o in offsets):
                    raise Damaged("record", at)
                removed += [(offset, ordinal) for offset in offsets]
            at, ordinal = at + head.span, ordinal + 1
        if ordinal != commit.records:
            raise Damaged("record", at)
        return found, removed

    def _add_row(self, log: mmap.mmap, offset: int, head: RecordHead) -> None:
        start = offset + RECORD_HEAD_BYTES
        reference = log[start : start + head.reference_bytes].decode("ascii", "replace")
        row = len(self.references)
        self.references.append(reference)
        self.positions.append(head.position)
        self.impressions.append(head.impression)
        self._offsets.append(offset)
        self._heads.append((head.reference_bytes, head.body_bytes, head.body_crc))
        self._live.append(1)
        self.impressions_live += 1
        self.rows_of.setdefault(reference, []).append(row)
        self.fingers[reference, head.position] += 1

    def _row_at(self, offset: int) -> int:
        return bisect_left(self._offsets, offset)

    def _is_row(self, offset: int) -> bool:
        row = self._row_at(offset)
        return row < len(self._offsets) and self._offsets[row] == offset

    def _drop_row(self, row: int) -> None:
        """Takes a row out of every later View, its reference and its codes out of memory."""
        if not self._live[row]:
            return
        self._live[row] = 0
        self.impressions_live -= 1
        reference, finger = self.references[row], (self.references[row], self.positions[row])
        self.rows_of[reference].remove(row)
        if not self.rows_of[reference]:
            del self.rows_of[reference]
        self.fingers[finger] -= 1
        if not self.fingers[finger]:
            del self.fingers[finger]
        self._templates.pop(row, None)
        if row < self._packed_rows:
            self._codes[self._starts[row] : self._starts[row + 1]] = 0
            self._reliability[self._starts[row] : self._starts[row + 1]] = 0

    def unerased(self) -> list[tuple[int, int]]:
        """(offset, length) of removed bodies that are not zeros yet: of these the writer has still to write over."""
        spans = []
        for row, live in enumerate(self._live):
            if not live:
                span = (self._offsets[row] + RECORD_HEAD_BYTES, self._heads[row][1])
                assert self._map is not None  # a row was read from it
                if any(self._map[span[0] : span[0] + span[1]]):
                    spans.append(span)
        return spans

    # ---- what is on it ----------------------------------------------------------------------------------------

    def view(self) -> View:
        """What a search beginning now sees."""
        if self._view is None:
            rows = np.flatnonzero(np.frombuffer(bytes(self._live), np.uint8)).astype(np.int64)
            self._view = View(rows, self.references, self.positions, self.impressions)
        return self._view

    def template_bytes(self, row: int) -> bytes | None:
        """The bytes that were added; None where the row was removed. Damaged where its checksum no longer holds."""
        if not self._live[row] or self._map is None:
            return None
        name, size, crc = self._heads[row]
        start = self._offsets[row] + RECORD_HEAD_BYTES
        body = self._map[start : start + size]
        if zlib.crc32(body) != crc:
            raise Damaged("record", self._offsets[row])
        return body[name:]

    def template_is_gone(self, row: int) -> bool:
        return not self._live[row]

    def template(self, row: int) -> Template | None:
        """The row's template, the last few thousand of them kept; None where it was removed. FormatError, Damaged."""
        kept = self._templates.get(row)
        if kept is not None:
            return kept
        data = self.template_bytes(row)
        if data is None:
            return None
        template = Template.from_bytes(data)
        if len(self._templates) < TEMPLATES_KEPT:
            self._templates[row] = template
        return template

    def record_bytes(self, row: int, ordinal: int) -> bytes:
        """The row's whole record as the record number `ordinal` of another log."""
        name, size, _ = self._heads[row]
        start = self._offsets[row] + RECORD_HEAD_BYTES
        assert self._map is not None  # a row was read from it
        body = self._map[start : start + size]
        position, impression = self.positions[row], self.impressions[row]
        return pack_record(IMPRESSION, ordinal, body, position=position, impression=impression, name=name)

    def removal(self, rows: list[int]) -> bytes:
        """The body of a record that removes these rows."""
        return np.array([self._offsets[row] for row in rows], "<u8").tobytes()

    def spans(self, rows: list[int]) -> list[tuple[int, int]]:
        """(offset, length) of these rows' bodies."""
        return [(self._offsets[row] + RECORD_HEAD_BYTES, self._heads[row][1]) for row in rows]

    # ---- the first stage's arrays -----------------------------------------------------------------------------

    def packed(self) -> Packed:
        """The codes of all rows. FormatError or Damaged where a template cannot be read."""
        rows = len(self.references)
        if self._packed_rows < rows:
            self._pack(rows)
        end = int(self._starts[rows])
        return Packed(self._codes[:end], self._reliability[:end], self._angle[:end], self._starts[: rows + 1])

    def _pack(self, rows: int) -> None:
        fresh = [self.template(row) for row in range(self._packed_rows, rows)]  # None where it was removed
        start = int(self._starts[self._packed_rows])
        ends = start + np.cumsum([len(template) if template else 0 for template in fresh])
        self._reserve(rows + 1, int(ends[-1]))
        for template, end in zip(fresh, ends.tolist(), strict=True):
            if template:
                part = slice(end - len(template), end)
                self._codes[part], self._angle[part] = template.codes, template.angle
                self._reliability[part] = template.reliability
        self._starts[self._packed_rows + 1 : rows + 1] = ends
        self._packed_rows = rows

    def _reserve(self, starts: int, minutiae: int) -> None:
        """Room for so many. What a running search holds stays as it is: grown arrays are new ones."""
        if starts > len(self._starts):
            self._starts = _grown(self._starts, starts)
        if minutiae > len(self._reliability):
            self._codes = _grown(self._codes, minutiae)
            self._reliability = _grown(self._reliability, minutiae)
            self._angle = _grown(self._angle, minutiae)


_Number = TypeVar("_Number", bound=np.generic)


def _grown(array: NDArray[_Number], needed: int) -> NDArray[_Number]:
    """A copy with room for `needed` and, where it held something before, an eighth more for the next additions."""
    room = needed + needed // 8 if len(array) > 1 else needed
    grown = np.zeros((room, *array.shape[1:]), array.dtype)
    grown[: len(array)] = array
    return grown
