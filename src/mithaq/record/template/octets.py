"""Numbers, lengths and blocks of binary interchange records: what FMR and FIR files of every edition share.

    memoryview ──Cursor──► numbers, bytes, Extension blocks          numbers ──packed──► bytes, big-endian

Lengths in a file are compared with what is there and never believed beyond it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from mithaq.errors import FormatError
from mithaq.record.template.remarks import Fault

BLOCK_HEAD = 4
MOST_BLOCKS = 256  # in one view; empty ones of four bytes would else be a million objects

Parts = tuple[tuple[str, int], ...]
T = TypeVar("T")

_CAPTURE: Parts = (("capture_time", 9), ("technology", 1), ("vendor", 2), ("device", 2))
NO_CAPTURE = {"capture_time": (1 << 72) - 1, "technology": 0, "vendor": 0, "device": 0}
_QUALITY, _CERTIFICATE = 5, 3  # bytes of a block: score, vendor 2, algorithm 2; authority 2, scheme


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension block: its type (1 ridge counts, 2 cores and deltas, 3 zonal quality, others a vendor's) and content.

    `head` is how many of its first four bytes its length counts: 4, or 0 in files of some writers of 19794-2:2005.
    """

    type: int
    data: memoryview = field(repr=False)
    head: int = BLOCK_HEAD


class Cursor:
    """Takes numbers and bytes from `data` one after another, up to `end`; FormatError REC-065 where they run out."""

    def __init__(self, data: memoryview, at: int = 0, end: int | None = None) -> None:
        self.data, self.at = data, at
        self.end = len(data) if end is None else end

    def take(self, size: int, what: str) -> memoryview:
        after = self.at + size
        if after > self.end:
            raise FormatError(
                "REC-065",
                f"the data end inside {what}",
                offset=self.at,
                expected=f"{size} bytes, {max(self.end - self.at, 0)} are left",
                remedy="the file is cut off or damaged: ask for it again",
            )
        found = self.data[self.at : after]
        self.at = after
        return found

    def number(self, width: int, what: str) -> int:
        return int.from_bytes(self.take(width, what), "big")

    def numbers(self, parts: Parts, what: str) -> dict[str, int]:
        return {name: self.number(width, what) for name, width in parts}


def read_capture(cursor: Cursor, certified: bool, what: str) -> tuple[dict[str, int], memoryview, memoryview]:
    """What the 2011 editions say of each view first: how it was captured, its quality and its certification blocks."""
    fields = cursor.numbers(_CAPTURE, what)
    qualities = cursor.take(_QUALITY * cursor.number(1, what), what)
    return fields, qualities, cursor.take(_CERTIFICATE * cursor.number(1, what) if certified else 0, what)


def capture_bytes(fields: Mapping[str, int], qualities: memoryview, certificates: memoryview, certified: bool) -> bytes:
    """The same, written."""
    made = packed(_CAPTURE, fields) + number_bytes(len(qualities) // _QUALITY, 1, "qualities") + qualities
    if certified:
        made += number_bytes(len(certificates) // _CERTIFICATE, 1, "certificates") + certificates
    return made


def extensions_of(cursor: Cursor, total: int, faults: list[Fault], view: int) -> tuple[Extension, ...]:
    """The extension blocks in the next `total` bytes."""
    end = cursor.at + total
    if end > cursor.end:
        problem = f"extensions of {total} bytes end past the data"
        faults.append(Fault("REC-074", view, problem, "cut to what is there", cursor.at))
        end = cursor.end
    return block_list(cursor, end, faults, view)


def block_list(cursor: Cursor, end: int, faults: list[Fault], view: int) -> tuple[Extension, ...]:
    """The extension blocks up to `end`; what does not fit is cut, what follows the last is ignored, and both are said."""
    start = cursor.at
    head = BLOCK_HEAD
    if start < end and _tiles(cursor.data, start, end, 0) and not _tiles(cursor.data, start, end, BLOCK_HEAD):
        head = 0
        problem = "extension lengths leave out their own four bytes"
        faults.append(Fault("REC-074", view, problem, "read and kept so", start))
    found: list[Extension] = []
    while cursor.at + BLOCK_HEAD <= end:
        if len(found) == MOST_BLOCKS:
            raise too_much(f"more than {MOST_BLOCKS} extension blocks in a view", f"at most {MOST_BLOCKS}", cursor.at)
        at = cursor.at
        kind, length = cursor.number(2, "an extension"), cursor.number(2, "an extension")
        size = min(max(length - head, 0), end - cursor.at)
        if length != size + head:
            problem = f"an extension block of {length} bytes does not fit"
            faults.append(Fault("REC-074", view, problem, "cut to what is there", at))
        found.append(Extension(kind, cursor.take(size, "an extension"), head))
    if cursor.at < end:
        problem = f"{end - cursor.at} bytes after the last extension block"
        faults.append(Fault("REC-074", view, problem, "ignored", cursor.at))
        cursor.at = end
    return tuple(found)


def _tiles(data: memoryview, at: int, end: int, head: int) -> bool:
    """Whether blocks whose lengths count `head` bytes of their own heads fill the space exactly."""
    while at + BLOCK_HEAD <= end:
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if length < head:
            return False
        at += length + BLOCK_HEAD - head
    return at == end


def extension_bytes(blocks: Sequence[Extension]) -> bytes:
    """The blocks one after another, each with its type and length."""
    return b"".join(
        number_bytes(block.type, 2, "extension type")
        + number_bytes(len(block.data) + block.head, 2, "extension")
        + block.data
        for block in blocks
    )


def soundest(readings: Sequence[Callable[[], T]], faults_of: Callable[[T], int]) -> T:
    """Of the editions that share a version string, what reads with the fewest faults; the first of equals.

    Where none can be read, the FormatError of the one that came furthest.
    """
    read: list[T] = []
    errors: list[FormatError] = []
    for reading in readings:
        try:
            read.append(reading())
        except FormatError as error:
            errors.append(error)
    if not read:
        raise max(errors, key=lambda error: error.offset or 0)
    return min(read, key=faults_of)


def judge_length(stated: int, used: int, present: int, faults: list[Fault]) -> None:
    if stated < used or stated > present:
        problem = f"the total length says {stated} bytes, the content has {used}"
        faults.append(Fault("REC-072", 0, problem, "the content counts", 8))
    elif stated > used:
        problem = f"{stated - used} bytes within the total length belong to nothing"
        faults.append(Fault("REC-073", 0, problem, "ignored", used))
    if present > max(used, stated):
        problem = f"{present - max(used, stated)} bytes after the record"
        faults.append(Fault("REC-073", 0, problem, "ignored", max(used, stated)))


def packed(parts: Parts, values: Mapping[str, int]) -> bytes:
    return b"".join(number_bytes(values[name], width, name) for name, width in parts)


def number_bytes(value: int, width: int, what: str) -> bytes:
    try:
        return value.to_bytes(width, "big")
    except OverflowError:
        raise FormatError(
            "REC-069", f"the {what} is {value}", expected=f"at most {256**width - 1}", remedy="choose another form"
        ) from None


def too_much(met: str, expected: str, offset: int | None = None) -> FormatError:
    """The error for sizes and counts past the limits."""
    return FormatError(
        "REC-066", met, expected=expected, remedy="split the file, or ask for a smaller one", offset=offset
    )
