"""Type-9 records against the pictures that they belong to: minutiae inside, counts that hold, segments too.

    Type-9 and its picture (same IDC) ──minutiae_faults──► PlacedFault, PlacedFault, ...

    legacy 9.012    0.01 mm, origin bottom left     inside the picture
    M1     9.137    pixels, origin top left         inside 9.128 by 9.129, which are the picture's
    EFS    9.331    0.01 mm, origin of 9.300        inside that region, which lies in the picture

At most a thousand of a kind in one record are listed. Not done here: one item's form (`items`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from mithaq.record.checks.faults import MOST_ALIKE, PlacedFault
from mithaq.record.checks.pictures import FRICTION_RIDGES, Picture
from mithaq.record.images import INCH_MM
from mithaq.record.model import Record, Transaction, number_in

_UNITS_PER_MM = 100
_SLACK = 6  # units of 0.01 mm: one pixel at 500 ppi, for rounding
_SEGMENTS = {14: 21, 15: 21}
_EFS_POINTS = (320, 321, 331, 340, 345)
_COUNTED = ((10, 12), (136, 137))


def minutiae_faults(tx: Transaction, found: Sequence[Picture]) -> Iterator[PlacedFault]:
    """Every disagreement of minutiae and segments with their pictures, in file order."""
    by_idc = {picture.record.idc: picture for picture in found if picture.record.type in FRICTION_RIDGES}
    for picture in found:
        if picture.record.type in _SEGMENTS:
            yield from islice(_segments(picture), MOST_ALIKE)
    private = {record.idc for record in tx.records if record.type in (7, 10, 16, 20, 99)}
    for index, record in enumerate(tx.records, 1):
        if record.type != 9:
            continue
        own = by_idc.get(record.idc)
        if own is None and record.idc not in private:
            said = "no picture has the IDC of these minutiae"
            yield PlacedFault("picture", "REC-148", index, 2, said, "the picture of the print")
        yield from _counts(index, record)
        for kind in (_legacy, _m1, _efs):
            yield from islice(kind(index, record, own), MOST_ALIKE)


def _counts(index: int, record: Record) -> Iterator[PlacedFault]:
    for stated, listed in _COUNTED:
        count = record.integer(stated)
        entries = len(_subfields(record, listed))
        if count is not None and count != entries and (entries or count):
            said = "another number of minutiae is stated than listed"
            yield PlacedFault("count", "REC-147", index, stated, said, str(entries), "another number")


def _legacy(index: int, record: Record, own: Picture | None) -> Iterator[PlacedFault]:
    if own is None or not own.ppi or not own.width:
        return
    across, down = (_hundredths(size, own.ppi) for size in (own.width, own.height))
    for at, items in enumerate(_subfields(record, 12), 1):
        place = items[1] if len(items) > 1 else b""
        if len(place) == 11 and place.isdigit() and not (int(place[:4]) <= across and int(place[4:8]) <= down):
            yield _outside(index, 12, at, 2, "the picture")


def _m1(index: int, record: Record, own: Picture | None) -> Iterator[PlacedFault]:
    width, height = record.integer(128), record.integer(129)
    for number, stated, true in ((128, width, own and own.width), (129, height, own and own.height)):
        if stated and true and stated != true:
            said = "the minutiae refer to a picture of another size"
            yield PlacedFault("minutiae", "REC-146", index, number, said, str(true), str(stated))
    if not width or not height:
        return
    for at, items in enumerate(_subfields(record, 137), 1):
        x, y = (number_in(item) for item in items[1:3]) if len(items) > 2 else (None, None)
        if (x is not None and x >= width) or (y is not None and y >= height):
            yield _outside(index, 137, at, 2 if x is not None and x >= width else 3, "9.128 by 9.129")


def _efs(index: int, record: Record, own: Picture | None) -> Iterator[PlacedFault]:
    region = _subfields(record, 300)
    numbers = [number_in(item) for item in region[0][:4]] if region else []
    if len(numbers) < 2 or not numbers[0] or not numbers[1]:
        return
    width, height = numbers[0], numbers[1]
    if own is not None and own.ppi and own.width:
        across, down = (_hundredths(size, own.ppi) for size in (own.width, own.height))
        left, top = ((numbers[at] if len(numbers) > at else None) or 0 for at in (2, 3))
        if left + width > across or top + height > down:
            yield _outside(index, 300, 1, 0, "the picture", "the region of interest lies")
    for number in _EFS_POINTS:
        for at, items in enumerate(_subfields(record, number), 1):
            x, y = (number_in(item) for item in items[:2]) if len(items) > 1 else (None, None)
            if (x is not None and x > width) or (y is not None and y > height):
                yield _outside(index, number, at, 1 if x is not None and x > width else 2, "the region of interest")


def _segments(picture: Picture) -> Iterator[PlacedFault]:
    number = _SEGMENTS[picture.record.type]
    for at, items in enumerate(_subfields(picture.record, number), 1):
        found = [number_in(item) for item in items[1:5]]
        if len(found) == 4 and None not in found:
            left, right, top, bottom = (value or 0 for value in found)
            if not (left < right <= picture.width and top < bottom <= picture.height):
                said = "the segment is empty, or lies outside its picture"
                expected = "left before right, top before bottom, inside the picture"
                yield PlacedFault("segment", "REC-146", picture.index, number, said, expected, subfield=at)


def _outside(index: int, number: int, at: int, item: int, of: str, what: str = "the point lies") -> PlacedFault:
    expected = f"coordinates inside {of}"
    return PlacedFault("minutiae", "REC-146", index, number, f"{what} outside {of}", expected, subfield=at, item=item)


def _hundredths(pixels: int, ppi: float) -> float:
    return pixels / ppi * INCH_MM * _UNITS_PER_MM + _SLACK


def _subfields(record: Record, number: int) -> list[list[bytes]]:
    part = record.field(number)
    return [] if part is None else part.pieces
