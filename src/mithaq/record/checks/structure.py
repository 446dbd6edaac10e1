"""What every transaction must keep whatever its profile: lengths, the list of contents, order, tags, separators.

    Transaction ──structure_findings──► findings, weighed as the profile's [structure] says

The reader keeps all of these defects; this names them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from mithaq.record.codec import contents
from mithaq.record.findings import Finding
from mithaq.record.model import BINARY_ITEMS, Record, Transaction
from mithaq.record.offsets import Places, offsets
from mithaq.record.profile import Profile

_PADDED_TAG = re.compile(rb"[1-9][0-9]?\.(0[0-9]{2}|[1-9][0-9]{2,8}):")
_RESERVED_IN_FIELDS = re.compile(rb"[\x02\x03\x1c\x1d]")


def structure_findings(tx: Transaction, profile: Profile) -> Iterator[Finding]:
    """Findings about structure, in file order; rules that the profile turns off give none."""
    return (found for found in _all(tx, profile) if found.severity != "off")


def _all(tx: Transaction, profile: Profile) -> Iterator[Finding]:
    places = offsets(tx)
    make = _Maker(profile, places)
    yield from _contents(tx, make)
    for index, record in enumerate(tx.records, 1):
        stated = record.integer(1)
        if stated != record.size:
            yield make(
                "length",
                "REC-120",
                index,
                record,
                1,
                "the length is not the record's size",
                expected=f"{record.size} bytes",
                met="no number" if stated is None else f"{stated} bytes",
                remedy="count again from the record's first byte to its last",
            )
        yield from _order(record, index, make)
        yield from _separators(record, index, make)
    yield from _designations(tx, make)
    if tx.tail:
        yield make(
            "tail",
            "REC-126",
            0,
            None,
            0,
            "bytes follow the last record",
            expected="none",
            met=f"{len(tx.tail)} bytes",
            remedy="cut them off",
        )


class _Maker:
    def __init__(self, profile: Profile, places: Places) -> None:
        self._profile = profile
        self._places = places

    def __call__(
        self,
        name: str,
        code: str,
        index: int,
        record: Record | None,
        number: int,
        problem: str,
        *,
        expected: str = "",
        met: str = "",
        remedy: str,
        at: int | None = None,
    ) -> Finding:
        """`at` is the field's place in its record; without it, the record's own beginning is where the finding is."""
        weight = self._profile.structure[name]
        if index:
            offset = self._places.record(index) if at is None else self._places.fields(index)[at]
        else:
            offset = self._places.tail
        return Finding(
            code=code,
            rule=f"{self._profile.name}:structure.{name}",
            severity=weight.severity,
            record=index,
            record_type=None if record is None else record.type,
            field=f"{record.type}.{number:03d}" if record is not None and number else "",
            problem=problem,
            expected=expected,
            met=met,
            clause=weight.clause,
            trust=weight.trust,
            remedy=remedy,
            offset=offset,
        )


def _contents(tx: Transaction, make: _Maker) -> Iterator[Finding]:
    first = tx.records[0]
    found = first.field(3)
    at = next((at for at, part in enumerate(first.fields) if part is found), None)
    remedy = "list the records in file order, and their number first"
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
        yield make(
            "contents",
            "REC-121",
            1,
            first,
            3,
            "the list of contents counts other records than follow",
            expected=f"1 and {len(met)}, then {len(met)} entries",
            met=f"{len(listed)} entries",
            remedy=remedy,
            at=at,
        )
        return
    for index, (said, is_there) in enumerate(zip(listed, met, strict=True), 2):
        if said != is_there and not (said[0] == is_there[0] == 1):  # a second Type-1 has no IDC to be listed
            yield make(
                "contents",
                "REC-121",
                1,
                first,
                3,
                f"the list of contents says otherwise than record {index}",
                expected=f"Type-{is_there[0]} with IDC {is_there[1]}",
                met=f"Type-{said[0]} with IDC {said[1]}",
                remedy=remedy,
                at=at,
            )


def _order(record: Record, index: int, make: _Maker) -> Iterator[Finding]:
    numbers = [part.number for part in record.fields]
    remedy = "put x.001 first, x.002 second, x.999 last"
    if numbers[0] != 1 or (record.type != 1 and (len(numbers) < 2 or numbers[1] != 2)):
        yield make(
            "order",
            "REC-122",
            index,
            record,
            0,
            "the record does not begin as it must",
            expected="LEN, then IDC",
            remedy=remedy,
        )
    if not record.is_binary and 999 in numbers[:-1] and numbers[-1] != 999:
        yield make(
            "order",
            "REC-122",
            index,
            record,
            999,
            "fields follow the data",
            expected="x.999 last",
            remedy=remedy,
            at=numbers.index(999),
        )
    again: dict[int, int] = {}
    seen: set[int] = set()
    for at, number in enumerate(numbers):
        if number in seen:
            again.setdefault(number, at)
        seen.add(number)
    times = Counter(numbers)
    for number, at in again.items():
        if number:
            yield make(
                "repeated",
                "REC-123",
                index,
                record,
                number,
                "the field occurs more than once",
                expected="once, repeats as subfields",
                met=f"{times[number]} times",
                remedy="join them into one field",
                at=at,
            )
    if record.type in BINARY_ITEMS and not record.is_binary:
        yield make(
            "foreign",
            "REC-124",
            index,
            record,
            0,
            "the record has tags, which its type has not",
            expected="the binary header of its type",
            remedy="write the record without tags",
        )
    strangers = sum(part.record_type != record.type or part.number == 0 for part in record.fields)
    if strangers:
        yield make(
            "foreign",
            "REC-124",
            index,
            record,
            0,
            "the record holds bytes under no tag, or under another type's tag",
            expected=f"tags of Type-{record.type}",
            met=f"{strangers} such fields",
            remedy="leave them out, or put them into a record of their type",
        )
    if any(part.tag and not _PADDED_TAG.fullmatch(part.tag) for part in record.fields):
        yield make(
            "tag",
            "REC-130",
            index,
            record,
            0,
            "tags are not padded to three digits, or are padded beyond them",
            expected=f'as "{record.type}.{1:03d}:"',
            remedy="write three digits",
        )


def _separators(record: Record, index: int, make: _Maker) -> Iterator[Finding]:
    remedy = "write GS between fields, FS at the end, and none of the six reserved characters inside text"
    if not record.is_binary and not record.end:
        yield make(
            "separator", "REC-125", index, record, 0, "no FS closes the record", expected="FS (1C)", remedy=remedy
        )
    if record.is_binary:
        return
    for at, part in enumerate(record.fields):
        if part.number == 999 and record.type >= 10:
            continue
        if _RESERVED_IN_FIELDS.search(part.value):
            yield make(
                "separator",
                "REC-125",
                index,
                record,
                part.number,
                "the field holds a separator of records, or an escape",
                expected="RS and US only",
                remedy=remedy,
                at=at,
            )


def _designations(tx: Transaction, make: _Maker) -> Iterator[Finding]:
    """x.002 of each further record. Records of one type share none; across types a minutiae record shares its picture's."""
    seen: set[tuple[bool, int]] = set()
    for index, record in enumerate(tx.records[1:], 2):
        if record.type == 1:
            continue
        idc = record.idc
        key = (record.type == 9, -1 if idc is None else idc)
        if idc is None or key in seen:
            yield make(
                "designation",
                "REC-127",
                index,
                record,
                2,
                "the record has no designation character" if idc is None else "the designation character is used twice",
                expected="a number of its own",
                met="none" if idc is None else f"IDC {idc}",
                remedy="number the records through",
                at=1 if len(record.fields) > 1 and record.fields[1].number == 2 else None,
            )
        seen.add(key)
