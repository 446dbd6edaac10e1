"""Spoils single values, records and bytes, each in one respect: too long, of other characters, out of its place, ...

    Record, FieldRule ──spoilt_values──► records with that field spoilt      Transaction ──spoilt_structures──► transactions

Which of them break one rule alone is for `breaking` to find out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mithaq.record.checks.values import item_problem
from mithaq.record.examples.skeleton import WORD, item_value, value_of, with_record
from mithaq.record.model import (
    BINARY_ITEMS,
    DATA_NUMBER,
    UNUSED_POSITION,
    Field,
    Record,
    Transaction,
    with_contents,
    with_length,
)
from mithaq.record.rules.kinds import FieldRule, Item, Profile

_LONGEST = 300_000  # characters of a value that is made too long
_STRANGER = {"N": "A", "H": "G", "A": "1", "AN": "-", "AS": "1", "NS": "A", "ANS": "\x01", "TEXT": "\x01", "U": "\x01"}
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-./: "
_NUMBERS = ("0", "1", "2", "5", "7", "9", "11", "16", "17", "18", "33", "77", "99", "255")


def spoilt_values(record: Record, rule: FieldRule) -> Iterator[Record]:
    """The record with that field spoilt in every respect that its rule speaks of, several tries for some."""
    number = rule.number
    if number == 1:
        yield _longer_length(record, rule.items[0])
        return
    if record.is_binary:
        yield from _spoilt_header(record, rule)
        return
    if rule.items[0].kind in ("B", "ANY"):
        if rule.items[0].length.least:
            yield record.with_field(number, b"")
        return
    usual = record.field(number)
    kept = [list(part) for part in usual.subfields] if usual is not None else value_of(rule)
    if rule.occurs.most is not None and rule.occurs.most <= 1000:
        spare = rule.occurs.most + 1 - len(kept)
        yield record.with_field(number, [*kept, *([kept[-1]] * max(spare, 1))])
    if rule.occurs.least > 1:
        yield record.with_field(number, kept[: rule.occurs.least - 1])
    yield record.with_field(number, [[*kept[0], *([WORD] * (len(rule.items) + 1 - len(kept[0])))], *kept[1:]])
    for at, item in enumerate(rule.items[: len(kept[0])]):
        for spelt in _spoilt_item(item, kept[0][at]):
            for which in {0, len(kept) - 1}:
                subfields = [list(part) for part in kept]
                if at < len(subfields[which]):
                    subfields[which][at] = spelt
                    yield record.with_field(number, subfields)
                    if number == 11 and record.type >= 10:  # without a picture, for nothing else can be said of it
                        yield record.with_field(number, subfields).with_field(18, [["1", "XX"]]).without_field(999)
    yield record.with_field(number, b"\xff")  # text in neither ASCII nor UTF-8


def _spoilt_item(item: Item, usual: str) -> Iterator[str]:
    usual = usual or item_value(item)
    most = item.length.most
    if most is not None and most < _LONGEST:
        filler = "0" if item.kind in ("N", "NS", "H") else "X"
        yield usual.rjust(most + 1, filler) if usual else filler * (most + 1)
    if item.length.least:
        yield usual[: item.length.least - 1]
    if usual:
        stranger = _STRANGER.get(item.kind, "\x01")
        yield stranger + usual[1:]
        yield usual[:-1] + stranger
    if item.codes or item.range is not None or item.pattern is not None:
        numbers = (text.rjust(item.length.least, "0") for text in _NUMBERS)
        for text in (*numbers, *_one_letter_off(usual)):
            found = item_problem(item, text)
            if found is not None and found[0] in ("REC-116", "REC-177", "REC-117"):
                yield text
                break
    if item.form:
        yield usual[:4] + "0231" + usual[8:]


def _one_letter_off(usual: str) -> Iterator[str]:
    for at in range(len(usual)):
        for letter in _ALPHABET:
            yield usual[:at] + letter + usual[at + 1 :]


def _longer_length(record: Record, item: Item) -> Record:
    """LEN with more digits than it may have, and still the record's size."""
    found = record.fields[0]
    digits = (item.length.most or 10) + 1
    size = record.size - len(found.value) + digits
    return _changed(record, 0, b"%0*d" % (digits, size))


def _spoilt_header(record: Record, rule: FieldRule) -> Iterator[Record]:
    """A number of a binary header that is none of its codes, or out of its range; data that is empty."""
    if rule.number == DATA_NUMBER.get(record.type):
        yield record.with_field(rule.number, b"")
        return
    if rule.number in (6, 7) and record.type == 4:
        other = record.integer(13 - rule.number) or 0
        small = record.with_field(rule.number, b"\x00\x08").with_field(8, b"\x00")  # as many pixels, not compressed
        yield small.with_field(DATA_NUMBER[4], bytes(8 * other))
    at, width = next((at, width) for at, (n, width) in enumerate(BINARY_ITEMS[record.type]) if n == rule.number)
    for value in (*range(254, -1, -1), *((60_000,) if width == 2 else ())):
        if item_problem(rule.items[0], str(value)) is not None:
            yield _changed(record, at, header_item(width, value))


def header_item(width: int, value: int) -> bytes:
    """A number as an item of a binary header has it; where six bytes wide, as the first of a list of positions."""
    return bytes((value,)).ljust(6, bytes((UNUSED_POSITION,))) if width == 6 else value.to_bytes(width, "big")


def _changed(record: Record, at: int, value: bytes) -> Record:
    part = replace(record.fields[at], value=memoryview(value))
    return replace(record, fields=(*record.fields[:at], part, *record.fields[at + 1 :]))


# ---------------------------------------------------------------- what is asked of every transaction


def spoilt_frames(tx: Transaction, profile: Profile, name: str) -> Iterator[Transaction]:
    """A type of transaction, a type of record, or a field that the profile has not."""
    if name == "transactions":
        yield tx.replace_record(0, tx.records[0].with_field(4, "XXX" if "XXX" not in profile.transactions else "YYY"))
    elif name == "types":
        for kind in (16, 17, 8, 99):
            if kind not in profile.types:
                yield with_record(tx, profile, kind)
    else:
        for index, record in enumerate(tx.records[1:], 1):
            numbers = [899] if profile.closed else [n for kind, n in profile.by_field if kind == record.type]
            for number in numbers:
                if record.field(number) is None:
                    yield tx.replace_record(index, record.with_field(number, WORD))


def spoilt_structures(tx: Transaction, profile: Profile, name: str) -> Iterator[Transaction]:
    """The transaction with its structure spoilt in that respect."""
    records = list(tx.records)
    first, last = records[0], records[-1]
    if name == "length":
        stated = first.fields[0].value
        yield put_in(tx, 0, _changed(first, 0, b"%0*d" % (len(stated), first.size - 1)))
    elif name == "contents":
        at = next(at for at, part in enumerate(first.fields) if part.number == 3)
        listed = bytes(first.fields[at].value)
        yield put_in(tx, 0, _changed(first, at, listed[:-1] + (b"1" if listed[-1:] != b"1" else b"2")))
    elif name == "order":
        for index, record in enumerate(records[1:], 1):
            part = record.fields
            if len(part) > 2 and not record.is_binary:
                yield put_in(tx, index, replace(record, fields=(part[0], part[2], part[1], *part[3:])))
    elif name == "repeated":
        for index, record in enumerate(records[1:], 1):
            if len(record.fields) > 2 and not record.is_binary:
                doubled = replace(record, fields=(*record.fields[:3], *record.fields[2:]))
                yield put_in(tx, index, with_length(doubled))
    elif name == "foreign":
        stranger = Field(2, 0, memoryview(WORD.encode()))
        yield put_in(tx, 1, with_length(replace(records[1], fields=(*records[1].fields, stranger))))
    elif name == "separator":
        if not last.is_binary:
            yield put_in(tx, len(records) - 1, with_length(replace(last, end=b"")))
    elif name == "tail":
        yield replace(tx, tail=memoryview(WORD.encode()))
    elif name == "designation":
        twice = with_record(tx, profile, last.type)
        made = list(twice.records)
        if len(made) > len(records) > 2 and not last.is_binary:
            made[-1] = made[-1].with_field(2, bytes(last.fields[1].value))
        elif last.is_binary:
            made[-1] = made[-1].with_field(2, bytes((last.idc or 0,)))
        yield Transaction((with_contents(first, made[1:]), *made[1:]), tx.tail)
    elif name == "tag":
        for index, record in enumerate(records):
            if not record.is_binary:
                end = record.fields[-1]
                spelt = replace(end, tag=end.tag.replace(b".", b".0", 1))
                yield put_in(tx, index, with_length(replace(record, fields=(*record.fields[:-1], spelt))))


def put_in(tx: Transaction, index: int, record: Record) -> Transaction:
    """The transaction with that record as it is: neither lengths nor the list of contents are made anew."""
    return replace(tx, records=(*tx.records[:index], record, *tx.records[index + 1 :]))
