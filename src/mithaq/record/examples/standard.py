"""The rules of [fields] and [cross] in words, and for each an example that breaks it and nothing else.

    rule ──example──► (a transaction that keeps it, the same with one thing changed)

The transactions hold placeholders, nobody's data; their pictures are a grey square and heads of pictures without pixels.
Not done here: rules of one profile and of structure.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import cache

from mithaq.record.build import binary_record, new_transaction, tagged_record
from mithaq.record.model import Record, Transaction, Value

_SIDE = 32
_PIXELS = bytes(range(256)) * 4
_NOW = "20260310"

WORDS: Mapping[str, tuple[str, str]] = {
    "fields.mandatory": ("A field that the standard asks for stands in the record.", "حقل إلزامي"),
    "fields.conditional": ("A field that another one makes necessary stands in the record.", "حقل إلزامي بشرط"),
    "fields.occurrences": ("A field has as many subfields as the standard allows.", "عدد الحقول الفرعية"),
    "fields.items": ("A subfield has the items that its field consists of.", "عناصر الحقل الفرعي"),
    "fields.length": ("A value is as long as its field allows.", "طول القيمة"),
    "fields.characters": ("A value is written in the characters of its field.", "نوع المحارف"),
    "fields.range": ("A number lies in the range of its field.", "مدى القيمة"),
    "fields.codes": ("A code is one of its list.", "قائمة الرموز"),
    "fields.form": ("A value has the form of its field.", "صيغة القيمة"),
    "fields.date": ("A day or instant exists.", "تاريخ صحيح"),
    "fields.encoding": ("Text is in the encoding that 1.015 names.", "ترميز النص"),
    "fields.empty": ("A field that stands there holds something.", "حقل فارغ"),
    "fields.data": ("The field for the data holds some.", "بيانات مفقودة"),
    "fields.unknown": ("A field has a number that the standard knows.", "حقل غير معروف"),
    "fields.type": ("A record has a type that the standard knows.", "نوع سجل غير معروف"),
    "fields.edition": ("Records, fields and codes are those of the edition in 1.002.", "إصدار المعيار"),
    "cross.compression": ("The picture is compressed as its record says.", "ضغط الصورة"),
    "cross.length": ("An uncompressed picture has as many bytes as its pixels need.", "طول بيانات الصورة"),
    "cross.size": ("The picture is as wide and as high as its record says.", "أبعاد الصورة"),
    "cross.bits": ("The picture has as many bits for a pixel as its record says.", "عمق البكسل"),
    "cross.scale": ("A picture of friction ridges states its scale, alike on both axes.", "مقياس الصورة"),
    "cross.resolution": ("A picture of friction ridges has 500 ppi or more; WSQ is for 500.", "دقة الصورة"),
    "cross.scanning": (
        "1.011 and 1.012 state the resolution of the binary pictures, or none without any.",
        "دقة المسح",
    ),
    "cross.comment": (
        "The comment inside a picture claims the resolution that its record states.",
        "تعليق داخل الصورة",
    ),
    "cross.position": ("A position is one that its type of record holds.", "موضع البصمة"),
    "cross.impression": ("An impression goes with its position and its record.", "نوع الطبعة"),
    "cross.segment": ("A segment lies inside its picture.", "مقطع الصورة"),
    "cross.minutiae": ("Minutiae lie inside their picture.", "موضع النقاط المميِّزة"),
    "cross.count": ("As many minutiae are listed as are stated.", "عدد النقاط المميِّزة"),
    "cross.picture": ("Minutiae come with the picture that has their IDC.", "صورة النقاط المميِّزة"),
    "cross.hash": ("The hash is that of the data.", "قيمة تجزئة البيانات"),
    "cross.first": ("A transaction has one Type-1 record.", "سجل واحد من النوع 1"),
}


def _wsq_head(ppi: int) -> bytes:
    """The beginning of a WSQ picture with its comment and its size; there is no picture behind it."""
    comment = b"NIST_COM 2\nPPI %d\n" % ppi
    frame = struct.pack(">BBHHBHBHBH", 0, 255, _SIDE, _SIDE, 1, 100, 1, 100, 0, 0)
    segments = ((0xA8, comment), (0xA2, frame), (0xA3, b"\0"))
    return b"\xff\xa0" + b"".join(
        b"\xff%c%b%b" % (kind, struct.pack(">H", len(body) + 2), body) for kind, body in segments
    )


_WSQ, _RAW, _MINUTIAE = 3, 4, 5  # places of records in the example
# rule: (place of the record, what is changed in it); a field without a value is left out
_BROKEN: Mapping[str, tuple[int, Mapping[int, Value | None]]] = {
    "fields.mandatory": (_RAW, {4: None}),
    "fields.conditional": (_RAW, {8: None}),
    "fields.occurrences": (_RAW, {4: [["AGENCY"], ["AGENCY"]]}),
    "fields.items": (_RAW, {22: [["1"]]}),
    "fields.length": (_RAW, {3: "000"}),
    "fields.characters": (_RAW, {9: "5OO"}),
    "fields.range": (_RAW, {22: [["1", "7"]]}),
    "fields.codes": (_RAW, {30: "SLEEPING"}),
    "fields.form": (0, {11: "19,69"}),
    "fields.date": (_RAW, {5: "20260230"}),
    "fields.encoding": (_RAW, {20: "نص".encode()}),
    "fields.empty": (_RAW, {20: ""}),
    "fields.data": (_RAW, {999: b""}),
    "fields.unknown": (_RAW, {950: "x"}),
    "fields.edition": (_RAW, {3: "2"}),
    "cross.compression": (_WSQ, {11: "PNG"}),
    "cross.length": (_RAW, {999: _PIXELS[:-1]}),
    "cross.size": (_WSQ, {7: "33"}),
    "cross.bits": (_WSQ, {12: "24"}),
    "cross.scale": (_RAW, {8: "0"}),
    "cross.resolution": (_RAW, {9: "300", 10: "300"}),
    "cross.scanning": (0, {12: "00.00"}),
    "cross.comment": (_WSQ, {999: _wsq_head(250)}),
    "cross.position": (_RAW, {13: "21"}),
    "cross.impression": (_RAW, {3: "1", 13: "13"}),
    "cross.segment": (_RAW, {21: [["1", "5", "40", "5", "10"]]}),
    "cross.minutiae": (_MINUTIAE, {137: [["1", "32", "10", "45", "1", "50"]]}),
    "cross.count": (_MINUTIAE, {136: "2"}),
    "cross.picture": (_MINUTIAE, {2: "09"}),
    "cross.hash": (_RAW, {996: "0" * 64}),
}


def example(rule: str) -> tuple[Transaction, Transaction] | None:
    """A transaction that keeps the rule, and one that breaks it alone under base-2015; None for other rules."""
    good = sound()
    if rule == "fields.type":
        return good, good.with_records([*good.records, tagged_record(23, {3: "x"}, idc=9)])
    if rule == "cross.first":
        return good, good.with_records([*good.records, good.records[0]])
    if rule not in _BROKEN:
        return None
    place, changes = _BROKEN[rule]
    record = good.records[place]
    for number, value in changes.items():
        record = record.without_field(number) if value is None else record.with_field(number, value)
    return good, good.replace_record(place, record)


@cache
def sound() -> Transaction:
    """Types 1, 2, 4, 14 and 9, with nothing that base-2015 finds fault with."""
    header: dict[int, Value] = {
        2: "0502",
        4: "CAR",
        5: _NOW,
        7: "AGENCY",
        8: "AGENCY",
        9: "NUMBER",
        11: "19.69",
        12: "19.69",
    }
    minutiae: dict[int, Value] = {
        3: "0",
        4: "U",
        126: [["27", "513", "0001"]],
        128: str(_SIDE),
        129: str(_SIDE),
        130: "1",
        131: "500",
        132: "500",
        134: "1",
        136: "1",
        137: [["1", "10", "10", "45", "1", "50"]],
    }
    records = [
        tagged_record(2, {}, idc=0),
        binary_record(4, 1, [0, [1], 0, _SIDE, _SIDE, 0], _PIXELS),
        _print(2, "WSQ20", _wsq_head(500)),
        _print(3, "NONE", _PIXELS),
        tagged_record(9, minutiae, idc=1),
    ]
    return new_transaction(header, records)


def _print(idc: int, compression: str, data: bytes) -> Record:
    frame: dict[int, Value] = {3: "0", 4: "AGENCY", 5: _NOW, 6: str(_SIDE), 7: str(_SIDE), 8: "1", 9: "500", 10: "500"}
    return tagged_record(14, {**frame, 11: compression, 12: "8", 13: "1", 999: data}, idc=idc)
