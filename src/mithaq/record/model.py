"""A transaction as values: frozen, in the order it was read, nothing left out.

    Transaction ─ records ─► Record ─ fields ─► Field(tag, value)        value: a view of the bytes that were read

A record that was read keeps its bytes, and is cut into fields when they are first asked for. Putting tags, values and
separators one after another gives the bytes back. A change makes a new value and sets right the lengths and the list of
contents (1.003) that the change touches; everything else keeps its style. Not done here: finding the records in bytes
(`codec`), rules (`check`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from mithaq.errors import FormatError
from mithaq.record.limits import MOST_LENGTH_DIGITS, MOST_TAG_ZEROS

FS, GS, RS, US = b"\x1c", b"\x1d", b"\x1e", b"\x1f"
RESERVED = b"\x1c\x1d\x1e\x1f\x02\x03"  # separators and the two escapes; no character encoding may use them

# Records without tags: each item's number and width in bytes; what follows them is the data, under the last number.
_IMAGE = ((1, 4), (2, 1), (3, 1), (4, 6), (5, 1), (6, 2), (7, 2), (8, 1))
BINARY_ITEMS: dict[int, tuple[tuple[int, int], ...]] = {
    3: _IMAGE,
    4: _IMAGE,
    5: _IMAGE,
    6: _IMAGE,
    7: ((1, 4), (2, 1)),
    8: ((1, 4), (2, 1), (3, 1), (4, 1), (5, 1), (6, 2), (7, 2)),
}
DATA_NUMBER = {record_type: items[-1][0] + 1 for record_type, items in BINARY_ITEMS.items()}
UNUSED_POSITION = 255  # fills the six bytes of a binary FGP

FIRST_TAG = re.compile(rb"0{0,%d}([1-9][0-9]?)\.0{0,%d}1:" % (MOST_TAG_ZEROS, MOST_TAG_ZEROS))
_TAG = re.compile(rb"0{0,%d}([1-9][0-9]?)\.([0-9]{1,9}):" % MOST_TAG_ZEROS)
_CODECS = {0: "ascii", 2: "utf-16-be", 3: "utf-8", 4: "utf-32-be"}

Value = str | bytes | memoryview | Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its number, its bytes as read, and its tag as it was spelt ("14.013:", "1.01:").

    Items of the binary records 3 to 8 have no tag. Bytes between two separators that begin with no tag at all are kept
    as a field of number 0. `value` is not shown in `repr`, because it may name a person.
    """

    record_type: int
    number: int
    value: memoryview = field(repr=False)
    tag: bytes = b""

    @property
    def name(self) -> str:
        """The field as a person writes it: "14.013"."""
        return f"{self.record_type}.{self.number:03d}"

    @property
    def size(self) -> int:
        """Bytes of tag and value, the separator after them left out."""
        return len(self.tag) + len(self.value)

    @property
    def is_binary_item(self) -> bool:
        """True for an item of the records 3 to 8, which has neither tag nor characters."""
        return not self.tag and self.record_type in BINARY_ITEMS

    def text(self, encoding: str = "utf-8") -> str:
        """The value as characters; the numbers of a binary item in decimal. FormatError REC-021 where it has none."""
        if self.is_binary_item:
            return self._binary_text()
        try:
            return str(self.value, encoding)
        except UnicodeDecodeError:
            raise FormatError(
                "REC-021",
                f"the value is not {encoding} text",
                field=self.name,
                expected="text in the encoding that 1.015 names",
                clause="ANSI/NIST-ITL 1-2011, 1.015 DCS",
            ) from None

    @property
    def pieces(self) -> list[list[bytes]]:
        """The value cut at RS into subfields and at US into items, as bytes."""
        return [subfield.split(US) for subfield in bytes(self.value).split(RS)]

    @property
    def subfields(self) -> tuple[tuple[str, ...], ...]:
        """The value cut at RS into subfields and at US into items; bytes that are not UTF-8 become surrogates."""
        text = str(self.value, "utf-8", "surrogateescape")
        return tuple(tuple(subfield.split("\x1f")) for subfield in text.split("\x1e"))

    def _binary_text(self) -> str:
        items = BINARY_ITEMS[self.record_type]
        if self.number == 0 or self.number > len(items):
            raise FormatError(
                "REC-021", "the value is data, not text", field=self.name, expected="an item of the header"
            )
        if items[self.number - 1][1] == 6:
            return " ".join(str(code) for code in self.value if code != UNUSED_POSITION)
        return str(int.from_bytes(self.value, "big"))


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its type and its fields in file order. `end` is what closes it: FS, or nothing.

    `source` is the record's bytes where it was read, `payload` where in them the bytes of x.999 begin; neither is part
    of the record's value.
    """

    type: int
    fields: tuple[Field, ...]
    end: bytes = FS
    source: memoryview | None = field(default=None, init=False, repr=False, compare=False)
    payload: int | None = field(default=None, init=False, repr=False, compare=False)

    @classmethod
    def read(cls, record_type: int, source: memoryview, end: bytes, payload: int | None = None) -> Record:
        """The record in those bytes, without looking at its fields yet."""
        record = cls.__new__(cls)
        for name, value in (("type", record_type), ("end", end), ("source", source), ("payload", payload)):
            object.__setattr__(record, name, value)
        return record

    if not TYPE_CHECKING:

        def __getattr__(self, name):
            """The fields of a record that was read, cut on first use: Python asks here while their slot is empty."""
            if name != "fields":
                raise AttributeError(name)
            cut = _cut_tagged if self.type not in BINARY_ITEMS or FIRST_TAG.match(self.source) else _cut_binary
            object.__setattr__(self, "fields", cut(self))
            return self.fields

    @property
    def is_binary(self) -> bool:
        """True for the records 3 to 8, which have a header of fixed widths and no tags."""
        return bool(self.fields) and not self.fields[0].tag

    @property
    def idc(self) -> int | None:
        """The information designation character as a number; None for Type-1, or where x.002 is no number."""
        found = None if self.type == 1 else self.field(2)
        if found is None:
            return None
        if found.is_binary_item:
            return found.value[0]
        return number_in(found.value)

    @property
    def size(self) -> int:
        """Bytes of the whole record, its closing separator included."""
        if self.source is not None:
            return len(self.source)
        gaps = 0 if self.is_binary else len(self.fields) - 1
        return sum(part.size for part in self.fields) + gaps + len(self.end)

    @property
    def data(self) -> memoryview | None:
        """The payload without copying it: the last x.999, or what follows a binary header. None where there is none."""
        number = DATA_NUMBER[self.type] if self.is_binary else 999
        found = self.field(number)
        return None if found is None else found.value

    def field(self, number: int) -> Field | None:
        """The field of that number, or None. Of several the first; of several x.999 the last, earlier ones are decoys."""
        for part in reversed(self.fields) if number == 999 else self.fields:
            if part.number == number and part.record_type == self.type:
                return part
        return None

    def text(self, number: int, encoding: str = "utf-8") -> str | None:
        """The field's text, or None where there is no such field. FormatError as `Field.text`."""
        found = self.field(number)
        return None if found is None else found.text(encoding)

    def integer(self, number: int) -> int | None:
        """The field as a number, or None where there is none or it is not one."""
        found = self.field(number)
        if found is None:
            return None
        return int.from_bytes(found.value, "big") if found.is_binary_item else number_in(found.value)

    def with_field(self, number: int, value: Value, *, encoding: str = "utf-8") -> Record:
        """A copy with that field's value replaced, or with the field put in by number; LEN is set right.

        FormatError REC-022 where text holds a separator, REC-023 where it cannot be encoded, REC-024 where a binary
        item has another width.
        """
        made = value_bytes(value, field=f"{self.type}.{number:03d}", encoding=encoding)
        old = self.field(number)
        fields = list(self.fields)
        if old is not None:
            at = next(i for i, part in enumerate(fields) if part is old)
            if old.is_binary_item and number != DATA_NUMBER[self.type] and len(made) != len(old.value):
                raise FormatError(
                    "REC-024",
                    f"the item would have {len(made)} bytes",
                    field=old.name,
                    expected=f"{len(old.value)} bytes",
                    clause="ANSI/NIST-ITL 1-2011, binary records",
                )
            fields[at] = replace(old, value=memoryview(made))
        elif self.is_binary:
            raise FormatError("REC-024", "a binary record has no such item", field=f"{self.type}.{number:03d}")
        else:
            at = next((i for i, part in enumerate(fields) if part.number > number), len(fields))
            fields.insert(at, Field(self.type, number, memoryview(made), tag_like(fields[0], number)))
        return with_length(replace(self, fields=tuple(fields)))

    def without_field(self, number: int) -> Record:
        """A copy without the fields of that number (LEN excepted); LEN is set right."""
        kept = tuple(part for part in self.fields if part.number != number or part.number == 1)
        return with_length(replace(self, fields=kept))

    def chunks(self) -> Iterator[bytes | memoryview]:
        """The record's bytes in order, nothing copied."""
        if self.source is not None:
            yield self.source
            return
        between = b"" if self.is_binary else GS
        for index, part in enumerate(self.fields):
            if index and between:
                yield between
            if part.tag:
                yield part.tag
            yield part.value
        yield self.end


@dataclass(frozen=True, slots=True)
class Transaction:
    """A whole transaction: its records in file order, and what followed the last of them (usually nothing)."""

    records: tuple[Record, ...]
    tail: memoryview = field(default=memoryview(b""), repr=False)

    def first(self, record_type: int) -> Record | None:
        """The first record of that type, or None."""
        return next((record for record in self.records if record.type == record_type), None)

    def all(self, record_type: int) -> tuple[Record, ...]:
        """Every record of that type, in file order."""
        return tuple(record for record in self.records if record.type == record_type)

    @property
    def tot(self) -> str | None:
        """1.004, the type of transaction; None where it is absent or not ASCII."""
        return self._header(4)

    @property
    def tcn(self) -> str | None:
        """1.009, the transaction control number; None where it is absent or not ASCII."""
        return self._header(9)

    @property
    def tcr(self) -> str | None:
        """1.010, the control number that this transaction answers; None where it is absent or not ASCII."""
        return self._header(10)

    @property
    def version(self) -> str | None:
        """1.002, the edition that it keeps, as "0502"; None where it is absent or not ASCII."""
        return self._header(2)

    @property
    def domain(self) -> tuple[str, str]:
        """Name and version of 1.013 DOM; "" for what is not stated."""
        found = self.records[0].field(13)
        items = [] if found is None else str(found.value[:64], "ascii", "replace").split("\x1e")[0].split("\x1f")
        return items[0] if items else "", items[1] if len(items) > 1 else ""

    @property
    def encoding(self) -> str:
        """The codec of character fields outside Type-1: what 1.015 DCS names, else 7-bit ASCII."""
        found = self.records[0].field(15)
        if found is not None:
            for subfield in found.subfields:
                index = number_in(subfield[0].encode("utf-8", "surrogateescape"))
                if index in _CODECS and index != 0:
                    return _CODECS[index]
        return "ascii"

    def replace_record(self, index: int, record: Record) -> Transaction:
        """A copy with the record at `index` (0 is Type-1) replaced; 1.003 CNT is made anew where types or IDCs changed."""
        records = list(self.records)
        records[index] = record
        return self.with_records(records)

    def with_records(self, records: Sequence[Record]) -> Transaction:
        """A copy with these records; 1.003 CNT is made anew where types or IDCs differ from before. FormatError REC-025."""
        if not records or records[0].type != 1:
            raise FormatError(
                "REC-025", "the first record would not be Type-1", expected="one Type-1 record at the start"
            )
        made = tuple(records)
        if _contents(made) != _contents(self.records):
            made = (with_contents(made[0], made[1:]), *made[1:])
        return replace(self, records=made)

    def _header(self, number: int) -> str | None:
        found = self.records[0].field(number)
        if found is None or not bytes(found.value).isascii():
            return None
        return str(found.value, "ascii")


def _cut_tagged(record: Record) -> tuple[Field, ...]:
    source, payload = record.source or memoryview(b""), record.payload
    closed = len(source) - len(record.end)
    parts = bytes(source[: closed if payload is None else payload]).split(GS)
    made, at = [], 0
    for part in parts:
        stop = at + len(part)
        match = _TAG.match(part)
        if match is None:
            made.append(Field(record.type, 0, source[at:stop]))
        else:
            made.append(Field(int(match[1]), int(match[2]), source[at + match.end() : stop], match[0]))
        at = stop + 1
    if payload is not None:
        made[-1] = replace(made[-1], value=source[payload:closed])
    return tuple(made)


def _cut_binary(record: Record) -> tuple[Field, ...]:
    source = record.source or memoryview(b"")
    made, at = [], 0
    for number, width in BINARY_ITEMS[record.type]:
        if at + width > len(source):
            if at < len(source):
                made.append(Field(record.type, 0, source[at:]))
            return tuple(made)
        made.append(Field(record.type, number, source[at : at + width]))
        at += width
    return (*made, Field(record.type, DATA_NUMBER[record.type], source[at:]))


def number_in(value: bytes | memoryview, *, digits: int = MOST_LENGTH_DIGITS) -> int | None:
    """The decimal number that the bytes spell, or None; a number of more than `digits` digits is not believed."""
    spelt = bytes(value) if len(value) <= digits else b""
    return int(spelt) if spelt.isdigit() else None


def value_bytes(value: Value, *, field: str, encoding: str = "utf-8") -> bytes:
    """The bytes of a value: bytes as they are, text as one item, a sequence as subfields of items.

    FormatError REC-022 where text holds a separator or escape, REC-023 where it cannot be encoded.
    """
    if isinstance(value, (bytes, memoryview)):
        return bytes(value)
    subfields = [[value]] if isinstance(value, str) else value
    made = []
    for subfield in subfields:
        for item in subfield:
            try:
                encoded = item.encode(encoding)
            except UnicodeEncodeError:
                raise FormatError(
                    "REC-023", f"the text cannot be written as {encoding}", field=field, expected=f"{encoding} text"
                ) from None
            if any(code in encoded for code in RESERVED):
                raise FormatError(
                    "REC-022",
                    "the text holds a character that parts fields",
                    field=field,
                    expected="no characters 02, 03 and 1C to 1F",
                    clause="ANSI/NIST-ITL 1-2011, separators",
                )
        made.append(US.join(item.encode(encoding) for item in subfield))
    return RS.join(made)


def tag_like(first: Field, number: int) -> bytes:
    """A tag for `number` in the style of the record's first: "1.01:" is followed by "1.05:", "14.001:" by "14.013:"."""
    kind, _, digits = first.tag[:-1].partition(b".")
    return b"%s.%s:" % (kind, b"%0*d" % (len(digits), number))


def with_length(record: Record) -> Record:
    """The record with its LEN set to its size."""
    old = record.field(1)
    if old is None:
        return record
    if old.is_binary_item:
        if record.size >= 1 << 32:
            raise FormatError(
                "REC-024", "the record is too long for its LEN", field=old.name, expected="less than 4 GiB"
            )
        made = record.size.to_bytes(4, "big")
    else:
        rest = record.size - len(old.value)
        total = rest + 1
        while rest + len(str(total)) != total:
            total = rest + len(str(total))
        made = b"%d" % total
    fields = tuple(replace(part, value=memoryview(made)) if part is old else part for part in record.fields)
    return replace(record, fields=fields)


def with_contents(first: Record, others: Sequence[Record]) -> Record:
    """The Type-1 record with 1.003 CNT listing `others`."""
    listed = [["1", str(len(others))], *([str(record.type), f"{record.idc or 0:02d}"] for record in others)]
    return first.with_field(3, listed)


def _contents(records: Sequence[Record]) -> list[tuple[int, int | None]]:
    return [(record.type, record.idc) for record in records[1:]]
