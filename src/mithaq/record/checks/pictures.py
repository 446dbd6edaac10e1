"""What the records of a transaction say of their pictures, and what the pictures say of themselves, side by side.

    Transaction ──pictures──► Picture(stated size, depth, compression, ppi; data) ──header──► what the data says

Every record with a picture, not only those of fingers (`images`). Not done here: the comparison (`picture_faults`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from mithaq.record.images import BINARY_COMPRESSION, INCH_CM, INCH_MM, SPELT_OTHERWISE, per_mm, short_text
from mithaq.record.model import Record, Transaction
from mithaq.record.payload import Header, read_header

Decoder = Callable[[memoryview, str], tuple[int, int, int] | None]

TAGGED = frozenset((10, 13, 14, 15, 16, 17, 19, 20))
BILEVEL = frozenset((5, 6))
FRICTION_RIDGES = frozenset((3, 4, 5, 6, 13, 14, 15, 19))
_COLOURS = frozenset(("RGB", "SRGB", "YCC", "SYCC"))
_BILEVEL_COMPRESSION = {0: "NONE", 1: "T.6"}
_COLOUR_SPACE = {10: 12, 16: 13, 17: 13, 20: 13}


@dataclass(frozen=True)
class Picture:
    """One record's picture, as it states it.

    `compression` is a code of x.011, T.6 for fax coding, or "" where the record names none that is known; `number` is that
    of the field that names it. `bits` is 0 and `ppi` None where the record does not say them.
    """

    index: int
    record: Record
    width: int
    height: int
    bits: int
    in_colour: bool
    compression: str
    number: int
    ppi: float | None
    data: memoryview
    decode: Decoder | None = None

    @cached_property
    def header(self) -> Header | None:
        """What the data says of itself; the caller's decoder has the last word where there is one."""
        header = read_header(self.data)
        if self.decode is None or header is None:
            return header
        seen = self.decode(self.data, header.kind)
        return None if seen is None else Header(header.kind, *seen, header.ppi)


def pictures(tx: Transaction, decode: Decoder | None = None) -> list[Picture]:
    """Every picture of the transaction that has data, in file order."""
    found = (_picture(tx, index, record, decode) for index, record in enumerate(tx.records, 1))
    return [picture for picture in found if picture is not None]


def _picture(tx: Transaction, index: int, record: Record, decode: Decoder | None) -> Picture | None:
    data = record.data
    if not data:
        return None
    if record.is_binary:
        return _binary(tx, index, record, data, decode)
    if record.type not in TAGGED:
        return None
    word = short_text(record, 11).upper()
    stated = SPELT_OTHERWISE.get(word, word)
    units, across = record.integer(8), record.integer(9)
    scale = {1: 1.0, 2: INCH_CM}.get(units or 0)
    return Picture(
        index=index,
        record=record,
        width=record.integer(6) or 0,
        height=record.integer(7) or 0,
        bits=0 if record.type == 10 else record.integer(12) or 0,
        in_colour=short_text(record, _COLOUR_SPACE.get(record.type, 0)) in _COLOURS,
        compression=stated if stated in BINARY_COMPRESSION.values() else "",
        number=11,
        ppi=across * scale if across and scale else None,
        data=data,
        decode=decode,
    )


def _binary(tx: Transaction, index: int, record: Record, data: memoryview, decode: Decoder | None) -> Picture | None:
    if record.type == 7:
        return None  # its layout is the domain's own
    if record.type == 8:
        code, number, names = record.integer(4), 4, _BILEVEL_COMPRESSION
    else:
        code, number = record.integer(8), 8
        names = _BILEVEL_COMPRESSION if record.type in BILEVEL else BINARY_COMPRESSION
    return Picture(
        index=index,
        record=record,
        width=record.integer(6) or 0,
        height=record.integer(7) or 0,
        bits=8 if record.type in (3, 4) else 1,
        in_colour=False,
        compression=names.get(-1 if code is None else code, ""),
        number=number,
        ppi=_binary_ppi(tx.records[0], record),
        data=data,
        decode=decode,
    )


def _binary_ppi(first: Record, record: Record) -> float | None:
    """ISR 1: what 1.011 states; 0: the class of the type, 250 ppi for Types 3 and 5, 500 for 4 and 6."""
    if record.type == 8:
        return None
    if record.integer(5) == 1:
        native = per_mm(first, 11)
        return native * INCH_MM if native else None
    return 250.0 if record.type in (3, 5) else 500.0
