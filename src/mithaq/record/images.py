"""The pictures of fingers in a transaction, with what their records say about them.

    Types 4, 13, 14 ──► PrintImage(position, impression, compression, width, height, ppi, data), still compressed

Left out: records without data, and positions that are no finger (palms, soles, pairs, whole joints: FGP 19 and above).
Positions 16 to 18 (extra digits, unknown ridges) have none of the ten numbers and become UNKNOWN. Not done here: decoding.
"""

from __future__ import annotations

from mithaq.record.model import UNUSED_POSITION, Record, Transaction, number_in
from mithaq.record.payload import payload_kind
from mithaq.units import FingerPosition, PrintImage

PRINT_TYPES = (4, 13, 14)
BINARY_COMPRESSION = {0: "NONE", 1: "WSQ20", 2: "JPEGB", 3: "JPEGL", 4: "JP2", 5: "JP2L", 6: "PNG"}
SPELT_OTHERWISE = {"WSQ": "WSQ20", **{str(code): name for code, name in BINARY_COMPRESSION.items()}}
_LAST_POSITION = int(max(FingerPosition))
_UNNUMBERED = (16, 17, 18)
UNKNOWN_IMPRESSION = 29
INCH_MM = 25.4
INCH_CM = 2.54
CLASSES_PPI = (500.0, 1000.0)
_NOMINAL_PPI = {3: 250.0, 4: 500.0, 5: 250.0, 6: 500.0}  # the class of each type; 1.012 is about several types at once


def images(tx: Transaction) -> tuple[PrintImage, ...]:
    """The transaction's finger pictures in file order; the first of several positions counts.

    Where a record names no compression, its first bytes do. Resolution: Types 13 and 14 by their scale units (1 per
    inch, 2 per centimetre; both axes alike); Type-4 by its ISR, 1 for 1.011, 0 for 1.012 and at least 500 ppi. None
    where nothing is stated. A value within one step of its own unit from 500 or 1000 ppi is that (19.69 per mm and 197
    per cm are 500).
    """
    found = (image_of(tx, record) for record in tx.records)
    return tuple(picture for picture in found if picture is not None)


def image_of(tx: Transaction, record: Record) -> PrintImage | None:
    """The finger picture in one record of the transaction, as `images` gives it; None where it holds none."""
    if record.type not in PRINT_TYPES or record.is_binary != (record.type == 4):
        return None
    data, position = record.data, _finger(first_position(record))
    if not data or position is None:
        return None
    if record.is_binary:
        code, impression = record.integer(8) or 0, record.integer(3)
        compression = BINARY_COMPRESSION.get(code, str(code))
    else:
        stated, impression = (short_text(record, 11) or payload_kind(data) or "NONE").upper(), _first_number(record, 3)
        compression = SPELT_OTHERWISE.get(stated, stated)
    return PrintImage(
        position=position,
        impression=UNKNOWN_IMPRESSION if impression is None else impression,
        compression=compression,
        width=record.integer(6) or 0,
        height=record.integer(7) or 0,
        ppi=stated_ppi(tx, record),
        data=bytes(data),
    )


def stated_ppi(tx: Transaction, record: Record) -> float | None:
    """The resolution that the record states, in pixels per inch; None where it states none.

    Tagged records by their scale, where both axes have the same; Types 3 to 6 by their ISR: 1 for 1.011 and 1.012, 0 for
    the nominal resolution of their type, which 1.012 may raise for Type-4.
    """
    if not record.is_binary:
        return _tagged_ppi(record)
    nominal_ppi = _NOMINAL_PPI.get(record.type)
    if nominal_ppi is None:
        return None
    native, nominal = _scanned_ppi(tx.records[0], 11), _scanned_ppi(tx.records[0], 12)
    if record.integer(5) == 0:
        return max(nominal or 0.0, nominal_ppi) if record.type == 4 else nominal_ppi
    return native or nominal


def first_position(record: Record) -> int | None:
    """The code of the first position that the record names; None where it names none."""
    if not record.is_binary:
        return _first_number(record, 13)
    codes = record.field(4)
    return None if codes is None or codes.value[0] == UNUSED_POSITION else codes.value[0]


def short_text(record: Record, number: int) -> str:
    """The field's text without blanks around it; "" where it is absent or longer than any code or number."""
    found = record.field(number)
    return "" if found is None or len(found.value) > 16 else str(found.value, "ascii", "replace").strip()


def per_mm(first: Record, number: int) -> float | None:
    """1.011 or 1.012 in pixels per millimetre; None where it is absent or no number."""
    text = short_text(first, number)
    whole, _, rest = text.partition(".")
    return float(text) if (whole + rest).isascii() and (whole + rest).isdigit() else None


def _finger(code: int | None) -> FingerPosition | None:
    """The position of a code, or None where it is no finger."""
    if code is None or code == UNUSED_POSITION or code in _UNNUMBERED:
        return FingerPosition.UNKNOWN
    return FingerPosition(code) if code <= _LAST_POSITION else None


def _scanned_ppi(first: Record, number: int) -> float | None:
    value = per_mm(first, number)
    return _settled(value * INCH_MM, INCH_MM / 100) if value else None


def _tagged_ppi(record: Record) -> float | None:
    units, across, down = (record.integer(number) for number in (8, 9, 10))
    if not across or across != (down or across):
        return None
    if units == 1:
        return float(across)
    return _settled(across * INCH_CM, INCH_CM) if units == 2 else None


def _settled(ppi: float, step: float) -> float:
    return next((exact for exact in CLASSES_PPI if abs(ppi - exact) < step), round(ppi, 3))


def _first_number(record: Record, number: int) -> int | None:
    found = record.field(number)
    if found is None:
        return None
    return number_in(bytes(found.value[:64]).partition(b"\x1e")[0].partition(b"\x1f")[0])
