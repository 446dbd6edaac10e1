"""A transaction that keeps every rule of base-2015, and ways to change one thing in it. Synthetic throughout."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from transactions import PIXELS

from mithaq.record import (
    Record,
    Transaction,
    binary_record,
    new_transaction,
    read_transaction,
    tagged_record,
    write_transaction,
)
from mithaq.record.model import Value

HEADER: dict[int, Value] = {
    2: "0502",
    4: "CAR",
    5: "20260310",
    7: "DAI",
    8: "ORI",
    9: "TCN1",
    11: "19.69",
    12: "19.69",
    13: [["DOMAIN", "1"]],
}
PRINT: dict[int, Value] = {
    3: "0",
    4: "ORI",
    5: "20260310",
    6: "32",
    7: "32",
    8: "1",
    9: "500",
    10: "500",
    11: "NONE",
    12: "8",
    13: "1",
    999: PIXELS,
}
M1: dict[int, Value] = {
    3: "0",
    4: "U",
    126: [["27", "513", "0001"]],
    128: "32",
    129: "32",
    130: "1",
    131: "500",
    132: "500",
    134: "1",
    136: "2",
    137: [["1", "10", "10", "45", "1", "50"], ["2", "20", "12", "90", "2", "0"]],
}
LEGACY: dict[int, Value] = {3: "0", 4: "S", 6: "1", 10: "1", 11: "1", 12: [["001", "00500050045", "02", "A", "255,15"]]}
EFS: dict[int, Value] = {3: "4", 4: "U", 300: [["120", "120", "10", "10"]], 331: [["50", "60", "359", "E", "10", "5"]]}

Changes = Mapping[int, Value | None]


def tagged(record_type: int, idc: int, values: Changes, changes: Changes | None = None) -> Record:
    """A tagged record with some fields changed, or left out where the change is None."""
    merged = {**values, **(changes or {})}
    return tagged_record(record_type, {n: v for n, v in merged.items() if v is not None}, idc=idc)


def four(
    idc: int = 1, *, impression: int = 0, positions: tuple[int, ...] = (1,), isr: int = 0, code: int = 0
) -> Record:
    return binary_record(4, idc, [impression, positions, isr, 32, 32, code], PIXELS)


def wsq(width: int = 32, height: int = 32, ppi: int | None = None) -> bytes:
    """The head of a WSQ picture: enough to say its size, and no picture at all."""
    comment = b"" if ppi is None else b"NIST_COM 2\nPPI %d\n" % ppi
    made = b"\xff\xa0"
    if comment:
        made += b"\xff\xa8" + struct.pack(">H", len(comment) + 2) + comment
    frame = struct.pack(">BBHHBHBHBH", 0, 255, height, width, 1, 100, 1, 100, 0, 0)
    return made + b"\xff\xa2" + struct.pack(">H", len(frame) + 2) + frame + b"\xff\xa3\x00\x03\x00" + bytes(8)


def jpeg(width: int = 32, height: int = 32, components: int = 1, marker: int = 0xC0) -> bytes:
    frame = struct.pack(">BHHB", 8, height, width, components) + bytes(3 * components)
    return (
        b"\xff\xd8\xff\xe0\x00\x04ab\xff" + bytes((marker,)) + struct.pack(">H", len(frame) + 2) + frame + b"\xff\xd9"
    )


def png(width: int = 32, height: int = 32, colour: int = 0) -> bytes:
    return b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + struct.pack(">IIBB", width, height, 8, colour) + bytes(8)


def codestream(width: int = 32, height: int = 32, components: int = 1) -> bytes:
    sizes = struct.pack(">HIIIIIIIIHB", 0, width, height, 0, 0, width, height, 0, 0, components, 7)
    return b"\xff\x4f\xff\x51\x00\x29" + sizes + bytes(8)


def jp2(width: int = 32, height: int = 32, components: int = 1) -> bytes:
    header = struct.pack(">I4sIIHB", 22, b"ihdr", height, width, components, 7) + b"\x07\x00\x00"
    signature = b"\x00\x00\x00\x0cjP  \r\n\x87\n" + b"\x00\x00\x00\x14ftypjp2 \x00\x00\x00\x00jp2 "
    return signature + struct.pack(">I4s", 8 + len(header), b"jp2h") + header


def made(*records: Record, **header: Value | None) -> Transaction:
    """A transaction of these records, read back from its bytes; `f2="0300"` changes a field of Type-1."""
    changed = {**HEADER, **{int(name[1:]): value for name, value in header.items()}}
    fields = {n: v for n, v in changed.items() if v is not None}
    return read_transaction(write_transaction(new_transaction(fields, records)))


def sound() -> Transaction:
    """Types 1, 2, 4, 9 in three forms, 10, 13, 14 and 15, each as it should be."""
    return made(
        tagged_record(2, {3: "free text"}, idc=0),
        four(1),
        tagged(9, 1, LEGACY),
        tagged(14, 2, PRINT, {11: "WSQ20", 999: wsq(ppi=500)}),
        tagged(9, 2, M1),
        tagged(13, 3, PRINT, {3: "4"}),
        tagged(9, 3, EFS),
        tagged(15, 4, PRINT, {13: "21", 11: "PNG", 999: png()}),
        tagged(
            10,
            5,
            PRINT,
            {3: "FACE", 8: "0", 9: "1", 10: "1", 11: "JPEGB", 12: "SRGB", 13: None, 999: jpeg(components=3)},
        ),
    )
