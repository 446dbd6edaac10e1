"""New records and transactions from plain values, in the style of the current edition: padded tags, no trailing items.

    fields, header items ──► Record (LEN counted) ──► Transaction (1.003 CNT made)

Not done here: what a profile asks of them (`check`), the border's own transactions (`exchange`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mithaq.errors import FormatError
from mithaq.record.model import (
    BINARY_ITEMS,
    UNUSED_POSITION,
    Field,
    Record,
    Transaction,
    Value,
    value_bytes,
    with_contents,
    with_length,
)


def tagged_record(
    record_type: int, fields: Mapping[int, Value], *, idc: int | None = None, encoding: str = "utf-8"
) -> Record:
    """A record of Types 1, 2, 9 and up with these fields in ascending order; LEN, and IDC where given, are put first.

    FormatError REC-022, REC-023 for text that cannot stand in a field, REC-026 for a type or number that does not exist.
    """
    if not (1 <= record_type <= 99) or record_type in BINARY_ITEMS:
        raise FormatError("REC-026", f"there is no tagged record of Type {record_type}", expected="1, 2, or 9 to 99")
    values: dict[int, Value] = {1: b"0"}
    if idc is not None:
        values[2] = b"%02d" % idc  # ASCII, whatever the text around it is
    values.update(fields)
    if min(values) < 1:
        raise FormatError("REC-026", "field numbers begin at 1", record=record_type)
    made = []
    for number in sorted(values):
        tag = b"%d.%03d:" % (record_type, number)
        raw = value_bytes(values[number], field=f"{record_type}.{number:03d}", encoding=encoding)
        made.append(Field(record_type, number, memoryview(raw), tag))
    return with_length(Record(record_type, tuple(made)))


def binary_record(record_type: int, idc: int, items: Sequence[int | Sequence[int]], data: bytes) -> Record:
    """A record of Types 3 to 8: `items` are the header's numbers after LEN and IDC, a position list as a sequence.

    For Type-4: [IMP, [FGP, ...], ISR, HLL, VLL, GCA]; for Type-8: [SIG, SRT, ISR, HLL, VLL]; for Type-7: [].
    FormatError REC-026 where the numbers do not fit their widths.
    """
    layout = BINARY_ITEMS.get(record_type)
    values = [0, idc, *items]
    if layout is None or len(values) != len(layout):
        raise FormatError(
            "REC-026", f"these are not the items of a Type-{record_type} record", expected="as the layout says"
        )
    made = []
    for (number, width), value in zip(layout, values, strict=True):
        try:
            if isinstance(value, int):
                raw = value.to_bytes(width, "big")
            else:
                raw = bytes(value).ljust(width, bytes([UNUSED_POSITION]))
        except (OverflowError, ValueError):
            raw = b""
        if len(raw) != width:
            raise FormatError(
                "REC-026",
                "the number does not fit",
                field=f"{record_type}.{number:03d}",
                expected=f"{width} bytes, unsigned",
            )
        made.append(Field(record_type, number, memoryview(raw)))
    made.append(Field(record_type, len(made) + 1, memoryview(data)))
    return with_length(Record(record_type, tuple(made), b""))


def new_transaction(fields: Mapping[int, Value], records: Sequence[Record]) -> Transaction:
    """A transaction of a Type-1 record with these fields (CNT is made here) and `records` in this order.

    FormatError REC-023 where a Type-1 field is not 7-bit ASCII.
    """
    first = tagged_record(1, {3: b"", **{n: v for n, v in fields.items() if n != 3}}, encoding="ascii")
    return Transaction((with_contents(first, records), *records))
