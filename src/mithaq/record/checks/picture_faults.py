"""Pictures against what their records say: compression, length, size, depth, resolution.

    [Picture, ...] ──picture_faults──► PlacedFault, PlacedFault, ...

Not done here: reading the headers (`payload`), weighing what is found (`faults`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mithaq.record.checks.faults import PlacedFault
from mithaq.record.checks.pictures import FRICTION_RIDGES, Picture
from mithaq.record.images import per_mm
from mithaq.record.model import Transaction

_LEAST_PPI = 490  # 500 ppi less the tolerance of old scanners; the class of Types 4, 6 and 13 to 15
_WSQ_MOST_PPI = 600  # WSQ is for the 500 ppi class
_NOMINAL_PER_MM = (19.49, 19.89)  # 495 to 505 ppi, what "nominal" means for Types 4 and 6
_ALIKE = 0.02  # resolutions that differ by less are the same: 197 per cm, 19.69 per mm, 500 per inch


def picture_faults(tx: Transaction, found: Sequence[Picture]) -> Iterator[PlacedFault]:
    """Every disagreement between the pictures and their records, in file order."""
    yield from _scanning(tx)
    for picture in found:
        if picture.record.type != 8 or picture.compression == "NONE":
            yield from _data(picture)
        if picture.record.type in FRICTION_RIDGES:
            yield from _resolution(picture)


def _data(picture: Picture) -> Iterator[PlacedFault]:
    stated, index, number = picture.compression, picture.index, picture.number
    if stated in ("", "T.6"):
        return  # no code that is known, or one whose data has no header to compare with
    if stated == "NONE" and len(picture.data) in (lengths := _lengths(picture)):
        return
    header = picture.header
    if header is None and stated == "NONE":
        said = "the uncompressed picture has another length than its pixels"
        yield PlacedFault(
            "length", "REC-128", index, number, said, f"{min(lengths)} bytes", f"{len(picture.data)} bytes"
        )
    elif header is None:
        said = "the picture does not begin as its compression does, or cannot be read"
        yield PlacedFault("compression", "REC-128", index, number, said, f"data of {stated}", "other bytes")
    else:
        if header.kind not in (stated, {"JP2L": "JP2"}.get(stated)):
            said = "the picture is of another kind than its record states"
            met = f"data of {header.kind}"
            yield PlacedFault("compression", "REC-128", index, number, said, f"data of {stated}", met)
        if (header.width, header.height) != (picture.width, picture.height):
            side = 6 if header.width != picture.width else 7
            said = "the picture has another size than its record states"
            expected, met = f"{picture.width} by {picture.height}", f"{header.width} by {header.height}"
            yield PlacedFault("size", "REC-140", index, side, said, expected, met)
        if picture.bits > 1 and header.bits != picture.bits:
            place = number if picture.record.is_binary else 12
            said = "the picture has another depth than its record states"
            met = f"{header.bits} bits"
            yield PlacedFault("bits", "REC-141", index, place, said, f"{picture.bits} bits for a pixel", met)


def _lengths(picture: Picture) -> set[int]:
    """Lengths that an uncompressed picture may have: lines of bilevel pictures may end at whole bytes, or run on."""
    pixels = picture.width * picture.height
    if picture.bits == 1:
        packed = {(pixels + 7) // 8, (picture.width + 7) // 8 * picture.height}
        return packed | {pixels} if picture.record.type == 8 else packed  # signatures are met with a byte a pixel too
    one = pixels * max((picture.bits + 7) // 8, 1)
    return {one, 3 * pixels} if picture.in_colour else {one}


def _resolution(picture: Picture) -> Iterator[PlacedFault]:
    index, record, ppi = picture.index, picture.record, picture.ppi
    if not record.is_binary:
        units, across, down = (record.integer(number) for number in (8, 9, 10))
        if units == 0:
            said = "the picture of friction ridges states no scale, only the shape of its pixels"
            yield PlacedFault("scale", "REC-142", index, 8, said, "pixels per inch or centimetre")
        elif units in (1, 2) and across and down and across != down:
            yield PlacedFault("scale", "REC-142", index, 10, "the scales of the two axes differ", "the same on both")
    if ppi is None:
        return
    if ppi < _LEAST_PPI and record.type not in (3, 5):
        said = "the resolution is too low for friction ridges"
        yield PlacedFault(
            "resolution", "REC-142", index, 5 if record.is_binary else 9, said, "500 ppi or more", f"{ppi:.0f} ppi"
        )
    if picture.compression == "WSQ20" and ppi > _WSQ_MOST_PPI:
        said = "WSQ is for pictures of 500 ppi"
        yield PlacedFault("resolution", "REC-142", index, picture.number, said, "JPEG 2000", f"WSQ at {ppi:.0f} ppi")
    claimed = None if picture.header is None else picture.header.ppi
    if claimed and abs(claimed - ppi) > _ALIKE * ppi:
        said = "the comment inside the picture claims another resolution"
        number = 5 if record.is_binary else 9
        yield PlacedFault("comment", "REC-143", index, number, said, f"{ppi:.0f} ppi", f"{claimed} ppi")


def _scanning(tx: Transaction) -> Iterator[PlacedFault]:
    """1.011 and 1.012 speak of Types 3 to 7 (and of 8, which has an ISR); without any they are 00.00."""
    types = {record.type for record in tx.records}
    native, nominal = per_mm(tx.records[0], 11), per_mm(tx.records[0], 12)
    if native is None or nominal is None:
        return  # a finding of the field's own rule
    if not types & {3, 4, 5, 6, 7, 8} and (native or nominal):
        said = "a resolution is stated, and there is no binary picture that it could be of"
        yield PlacedFault("scanning", "REC-142", 1, 11 if native else 12, said, "00.00", f"{native or nominal:.2f}")
    for index, record in enumerate(tx.records, 1):
        if record.type not in (3, 4, 5, 6) or not record.is_binary:
            continue
        if not native or not nominal:
            said = "a binary picture follows, and the resolution is stated as none"
            yield PlacedFault(
                "scanning", "REC-142", 1, 11 if not native else 12, said, "pixels per millimetre", "00.00"
            )
            return
        least, most = _NOMINAL_PER_MM
        if record.type in (4, 6) and record.integer(5) == 0 and not least <= native <= most:
            said = "the record says that its resolution is nominal, and 1.011 states another"
            yield PlacedFault("scanning", "REC-142", index, 5, said, f"{least} to {most} in 1.011", f"{native:.2f}")
