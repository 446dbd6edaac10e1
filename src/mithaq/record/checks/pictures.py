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
_BILEVEL = frozenset((5, 6, 8))
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
    if not data or record.type == 7 or not (record.is_binary or record.type in TAGGED):
        return None  # the layout of Type-7 is the domain's own
    number, compression = _binary_compression(record) if record.is_binary else (11, _compression(record))
    if record.is_binary:
        bits, ppi = 8 if record.type in (3, 4) else 1, _binary_ppi(tx.records[0], record)
    else:
        bits, ppi = 0 if record.type == 10 else record.integer(12) or 0, _ppi(record)
    return Picture(
        index=index,
        record=record,
        width=record.integer(6) or 0,
        height=record.integer(7) or 0,
        bits=bits,
        in_colour=record.type in _COLOUR_SPACE and short_text(record, _COLOUR_SPACE[record.type]) in _COLOURS,
        compression=compression,
        number=number,
        ppi=ppi,
        data=data,
        decode=decode,
    )


def _compression(record: Record) -> str:
    word = short_text(record, 11).upper()
    stated = SPELT_OTHERWISE.get(word, word)
    return stated if stated in BINARY_COMPRESSION.values() else ""


def _binary_compression(record: Record) -> tuple[int, str]:
    """The number of the header's item, and what it states."""
    number = 4 if record.type == 8 else 8
    code = record.integer(number)
    names = _BILEVEL_COMPRESSION if record.type in _BILEVEL else BINARY_COMPRESSION
    return number, names.get(-1 if code is None else code, "")


def _ppi(record: Record) -> float | None:
    across, scale = record.integer(9), {1: 1.0, 2: INCH_CM}.get(record.integer(8) or 0)
    return across * scale if across and scale else None


def _binary_ppi(first: Record, record: Record) -> float | None:
    """ISR 1: what 1.011 states; 0: the class of the type, 250 ppi for Types 3 and 5, 500 for 4 and 6."""
    if record.type == 8:
        return None
    if record.integer(5) == 1:
        native = per_mm(first, 11)
        return native * INCH_MM if native else None
    return 250.0 if record.type in (3, 5) else 500.0
