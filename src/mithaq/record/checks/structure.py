"""What every transaction must keep whatever its profile: lengths, the list of contents, order, tags, separators.

    Transaction ──structure_faults──► PlacedFault, PlacedFault, ... in file order

The reader keeps all of these defects; this names them. Not done here: weighing them (`faults`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from mithaq.record.checks.faults import PlacedFault
from mithaq.record.codec import contents
from mithaq.record.model import BINARY_ITEMS, Record, Transaction

_PADDED_TAG = re.compile(rb"[1-9][0-9]?\.(0[0-9]{2}|[1-9][0-9]{2,8}):")
_RESERVED_IN_FIELDS = re.compile(rb"[\x02\x03\x1c\x1d]")

STRUCTURE_REMEDIES = {
    "length": "count again from the record's first byte to its last",
    "contents": "list the records in file order, and their number first",
    "order": "put x.001 first, x.002 second, x.999 last",
    "repeated": "join them into one field",
    "foreign": "leave them out, or put them into a record of their type",
    "separator": "write GS between fields, FS at the end, and none of the six reserved characters inside text",
    "tail": "cut them off",
    "designation": "number the records through",
    "tag": "write three digits",
}


def structure_faults(tx: Transaction) -> Iterator[PlacedFault]:
    """Every defect of structure."""
    yield from _contents(tx)
    for index, record in enumerate(tx.records, 1):
        stated = record.integer(1)
        if stated != record.size:
            said, met = "the length is not the record's size", "no number" if stated is None else f"{stated} bytes"
            yield PlacedFault("length", "REC-120", index, 1, said, f"{record.size} bytes", met, at=0)
        yield from _order(record, index)
        yield from _tags(record, index)
        yield from _separators(record, index)
    yield from _designations(tx)
    if tx.tail:
        yield PlacedFault("tail", "REC-126", 0, 0, "bytes follow the last record", "none", f"{len(tx.tail)} bytes")


def _contents(tx: Transaction) -> Iterator[PlacedFault]:
    first = tx.records[0]
    found = first.field(3)
    if found is None:
        return  # its absence is a finding of the field's own rule
    head = bytes(found.value).partition(b"\x1e")[0].split(b"\x1f")
    listed = contents(first)
    met = [(record.type, record.idc) for record in tx.records[1:]]
    counted = head[1] if len(head) == 2 else b""
    if (
        head[0] != b"1"
        or not counted.isdigit()
        or len(counted) > 4
        or int(counted) != len(met)
        or len(listed) != len(met)
    ):
        said = "the list of contents counts other records than follow"
        expected = f"1 and {len(met)}, then {len(met)} entries"
        yield PlacedFault("contents", "REC-121", 1, 3, said, expected, f"{len(listed)} entries")
        return
    for index, (stated, is_there) in enumerate(zip(listed, met, strict=True), 2):
        if stated != is_there and not (stated[0] == is_there[0] == 1):  # a second Type-1 has no IDC to be listed
            said = f"the list of contents says otherwise than record {index}"
            expected, named = (f"Type-{kind} with IDC {idc}" for kind, idc in (is_there, stated))
            yield PlacedFault("contents", "REC-121", 1, 3, said, expected, named)


def _order(record: Record, index: int) -> Iterator[PlacedFault]:
    numbers = [part.number for part in record.fields]
    if numbers[0] != 1 or (record.type != 1 and (len(numbers) < 2 or numbers[1] != 2)):
        yield PlacedFault("order", "REC-122", index, 0, "the record does not begin as it must", "LEN, then IDC", at=0)
    if not record.is_binary and 999 in numbers[:-1] and numbers[-1] != 999:
        at = numbers.index(999)
        yield PlacedFault("order", "REC-122", index, 999, "fields follow the data", "x.999 last", at=at)
    again: dict[int, int] = {}
    times: Counter[int] = Counter()
    for at, number in enumerate(numbers):
        if times[number]:
            again.setdefault(number, at)
        times[number] += 1
    for number, at in again.items():
        if number:
            said, expected = "the field occurs more than once", "once, repeats as subfields"
            yield PlacedFault("repeated", "REC-123", index, number, said, expected, f"{times[number]} times", at=at)


def _tags(record: Record, index: int) -> Iterator[PlacedFault]:
    if record.type in BINARY_ITEMS and not record.is_binary:
        said, expected = "the record has tags, which its type has not", "the binary header of its type"
        yield PlacedFault("foreign", "REC-124", index, 0, said, expected, at=0, remedy="write the record without tags")
    strangers = sum(part.record_type != record.type or part.number == 0 for part in record.fields)
    if strangers:
        said, expected = (
            "the record holds bytes under no tag, or under another type's tag",
            f"tags of Type-{record.type}",
        )
        yield PlacedFault("foreign", "REC-124", index, 0, said, expected, f"{strangers} such fields", at=0)
    if any(part.tag and not _PADDED_TAG.fullmatch(part.tag) for part in record.fields):
        said = "tags are not padded to three digits, or are padded beyond them"
        yield PlacedFault("tag", "REC-130", index, 0, said, f'as "{record.type}.001:"', at=0)


def _separators(record: Record, index: int) -> Iterator[PlacedFault]:
    if record.is_binary:
        return
    if not record.end:
        yield PlacedFault("separator", "REC-125", index, 0, "no FS closes the record", "FS (1C)", at=0)
    for at, part in enumerate(record.fields):
        if not (part.number == 999 and record.type >= 10) and _RESERVED_IN_FIELDS.search(part.value):
            said = "the field holds a separator of records, or an escape"
            yield PlacedFault("separator", "REC-125", index, part.number, said, "RS and US only", at=at)


def _designations(tx: Transaction) -> Iterator[PlacedFault]:
    """x.002 of each further record. Records of one type share none; across types a minutiae record shares its picture's."""
    seen: set[tuple[bool, int]] = set()
    for index, record in enumerate(tx.records[1:], 2):
        if record.type == 1:
            continue
        idc = record.idc
        key = (record.type == 9, -1 if idc is None else idc)
        if idc is None or key in seen:
            absent = "the record has no designation character"
            said, met = (absent, "none") if idc is None else ("the designation character is used twice", f"IDC {idc}")
            at = int(len(record.fields) > 1 and record.fields[1].number == 2)
            yield PlacedFault("designation", "REC-127", index, 2, said, "a number of its own", met, at=at)
        seen.add(key)
