"""A record as leaves: each element that holds a value, where it stands and what is in it. Both ways.

    Record ──to_leaves──► Leaf(place, text or payload) … ──from_leaves──► Record

Neither way fails on odd values: what cannot be said on the other side is left out there, and the caller finds it by going
there and back. Payloads are passed on as views. Not done here: XML's own spelling (`parse`, `write`).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from mithaq.errors import FormatError
from mithaq.record.limits import XML_CLAUSE, XML_MOST_TEXT
from mithaq.record.model import (
    BINARY_ITEMS,
    DATA_NUMBER,
    FS,
    RS,
    UNUSED_POSITION,
    US,
    Field,
    Record,
    number_in,
    value_bytes,
    with_length,
)
from mithaq.record.xml.table import ANY, OWN_NUMBERS, Node, Row, table
from mithaq.record.xml.values import NOT_XML, joined, to_text, to_xml

Items = list[list[str]]
_ENDS = re.compile(rb"[\x1c\x1d]")  # what would end a field, or the record, before its time
_VECTOR = struct.Struct(">HHB")


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value at its place. `key` orders leaves as the document does; `subfield` and `repetition` are counted from 0.

    `number` is the field's own, where the element is ours and holds any field.
    """

    node: Node
    key: tuple[int, ...]
    subfield: int
    repetition: int
    value: str | memoryview
    number: int = ANY

    @property
    def name(self) -> tuple[int, int, int, int, int]:
        """What it is a value of, however the element is called."""
        row = self.node.rows[0] if self.node.rows else None
        if row is None or row.number == ANY:
            return (self.number, 0, self.subfield, 0, 0)
        return (row.number, row.item, self.subfield, self.repetition, row.part)


def place(node: Node, subfield: int, repetition: int) -> tuple[int, ...]:
    """The key of a node's element: rank and index of each step."""
    key: list[int] = []
    for step in node.steps:
        index = subfield - step.first if step.mark == "*" else repetition if step.mark == "+" else 0
        key += (step.rank, index)
    return tuple(key)


def kept_fields(record: Record) -> dict[int, Field]:
    """Of each number the field that counts, as `Record.field` has it: the first, but of x.999 the last."""
    kept: dict[int, Field] = {}
    for part in record.fields:
        if part.record_type == record.type and (part.number not in kept or part.number == 999):
            kept[part.number] = part
    return kept


def to_leaves(record: Record, codec: str, *, int_i: bool) -> list[Leaf]:
    """The leaves of a record of one of the RECORDS, in the order of the document, and numbered as a reader counts them."""
    leaves = sorted(_Spread(record, codec, int_i).leaves(), key=lambda leaf: leaf.key)
    return list(_counted(leaves))


def _counted(leaves: Iterable[Leaf]) -> Iterator[Leaf]:
    """The leaves with the indexes that their elements have in the document, where a subfield may have left a gap."""
    keys: dict[tuple[int, ...], tuple[int, ...]] = {(): ()}
    counts: dict[tuple[int, ...], int] = {}
    for leaf in leaves:
        subfield = repetition = 0
        for depth, step in enumerate(leaf.node.steps):
            old = leaf.key[: 2 * depth + 2]
            outer = keys[old[:-2]]
            if old not in keys:
                index = counts.get((*outer, step.rank), 0)
                counts[*outer, step.rank] = index + 1
                keys[old] = (*outer, step.rank, index)
            index = keys[old][-1]
            subfield = index + step.first if step.mark == "*" else subfield
            repetition = index if step.mark == "+" else repetition
        key = keys[leaf.key]
        same = key == leaf.key and subfield == leaf.subfield and repetition == leaf.repetition
        yield leaf if same else Leaf(leaf.node, key, subfield, repetition, leaf.value, leaf.number)


class _Spread:
    """Spreads one record over leaves."""

    def __init__(self, record: Record, codec: str, int_i: bool) -> None:
        self._record = record
        self._codec = codec
        self._int_i = int_i
        self._kept = kept_fields(record)

    def leaves(self) -> Iterator[Leaf]:
        others = 0
        for part in self._record.fields:
            if part.record_type != self._record.type or part.number in (0, 1):
                continue
            rows = [row for row in table(self._record.type).rows.get(part.number, []) if self._may_stand(row)]
            if rows and self._kept[part.number] is not part:
                continue
            made = list(self._of_field(part, rows)) if rows else []
            if not made and part.number in OWN_NUMBERS and not (rows and part.is_binary_item):
                made = list(self._other(part, others))
                others += len(made)
            yield from made

    def _other(self, part: Field, index: int) -> Iterator[Leaf]:
        """A field without an element of its own, or whose value that cannot hold at all, in ours."""
        for row in table(self._record.type).rows.get(ANY, []):
            node = self._place_of(row, "", [])
            value: str | memoryview = part.value
            if not part.is_binary_item:
                text = decoded(part.value, self._codec)
                value = "\x1e".join("\x1f".join(items) for items in text) if text is not None else part.value
                plain = "" if text is None else "".join(item for items in text for item in items)
                if len(plain) > XML_MOST_TEXT or NOT_XML.search(plain):
                    value = part.value
            if node is not None:
                yield Leaf(node, place(node, index, 0), index, 0, value, part.number)

    def _of_field(self, part: Field, rows: Sequence[Row]) -> Iterator[Leaf]:
        if part.is_binary_item and part.number == DATA_NUMBER[self._record.type]:
            yield from self._data(part, rows)
            return
        if rows[0].kind == "base64":
            yield from self._payload(part, rows[0])
            return
        items = self._items(part)
        if items is None:
            return
        _, size = table(self._record.type).group.get(part.number, (0, 0))
        for subfield, texts in enumerate(items):
            for row in rows:
                positions = range(row.item, len(texts), size) if row.repeats else range(row.item, row.item + 1)
                for repetition, position in enumerate(positions):
                    if position < len(texts):
                        last = position == len(texts) - 1
                        yield from self._of_item(row, texts, position, subfield, repetition, last)

    def _of_item(
        self, row: Row, texts: Sequence[str], position: int, subfield: int, repetition: int, last: bool
    ) -> Iterator[Leaf]:
        text = texts[position]
        if not text and not last:
            return
        node = self._place_of(row, text, texts)
        if node is None or not _stands(node, subfield):
            return
        for at, made in enumerate(to_xml(row, text)):
            if made is not None:
                index = max(at, repetition)
                yield Leaf(node, place(node, subfield, index), subfield, index, made)

    def _items(self, part: Field) -> Items | None:
        if not part.is_binary_item:
            return decoded(part.value, self._codec)
        if len(part.value) == 6:
            return [[str(code) for code in part.value if code != UNUSED_POSITION]]
        return [[str(int.from_bytes(part.value, "big"))]]

    def _payload(self, part: Field, row: Row) -> Iterator[Leaf]:
        node = self._place_of(row, "", [])
        if node is not None:
            yield Leaf(node, place(node, 0, 0), 0, 0, part.value)

    def _data(self, part: Field, rows: Sequence[Row]) -> Iterator[Leaf]:
        vectors = [row for row in rows if row.kind == "vector"]
        if vectors and self._record.integer(4) == 2 and part.value and not len(part.value) % _VECTOR.size:
            for at, numbers in enumerate(_VECTOR.iter_unpack(part.value)):
                for row in vectors:
                    node = row.places[0][0]
                    yield Leaf(node, place(node, 0, at), 0, at, str(numbers[row.part]))
        else:
            yield from self._payload(part, rows[0])

    def _place_of(self, row: Row, text: str, texts: Sequence[str]) -> Node | None:
        return next((node for node, when in row.places if self._holds(when, text, texts)), None)

    def _may_stand(self, row: Row) -> bool:
        """True where this record has a place for the row, whatever the value."""
        conditions = (when.partition("&")[0] for _, when in row.places)
        return any(condition.startswith("A=") or self._holds(condition, "", []) for condition in conditions)

    def _holds(self, when: str, text: str, texts: Sequence[str]) -> bool:
        condition, _, own = when.partition("&")
        if own == "date" and len(text) != 8:
            return False
        if condition in ("", "never"):
            return not condition
        if condition == "int-i":
            return self._int_i
        for case in condition.split(";"):
            name, equal, values = case.partition("=" if "=" in case else "~")
            met = (texts[0] if texts else "") if name == "A" else self._heads.get(int(name), "")
            if ((met.lstrip("0") or met[:1]) in values.split(" ")) == (equal == "="):
                return True
        return False

    @cached_property
    def _heads(self) -> dict[int, str]:
        """The first item of the fields that decide in which element the picture stands."""
        found = {}
        for number in (3, 13, 14):
            part = self._kept.get(number)
            items = None if part is None else self._items(part)
            found[number] = items[0][0] if items and items[0] else ""
        return found


def _stands(node: Node, subfield: int) -> bool:
    """True where the subfield of that number can stand in the node's element."""
    star = next((step for step in node.steps if step.mark == "*"), None)
    return subfield == 0 if star is None else subfield >= star.first


def decoded(value: memoryview, codec: str) -> Items | None:
    """The subfields' items as text; None where the bytes are not text in that encoding, or more than a value may have."""
    if len(value) > 4 * XML_MOST_TEXT:
        return None
    try:
        return [[item.decode(codec) for item in part.split(US)] for part in bytes(value).split(RS)]
    except UnicodeDecodeError:
        return None


# ---------------------------------------------------------------- back


def from_leaves(record_type: int, leaves: Iterable[Leaf], codec: str) -> Record:
    """The record whose leaves these are, in the style of the current edition; LEN is counted.

    FormatError REC-036 where a number does not fit the header of a binary record, REC-022 and REC-023 where text cannot be
    written in that encoding.
    """
    values, others = _gathered(record_type, leaves)
    if record_type in BINARY_ITEMS:
        return _binary(record_type, values, others)
    made: list[tuple[int, memoryview]] = [(1, memoryview(b"0"))]
    ended = False  # by x.999: a second one would be read as part of the first
    for number, value in [*values.items(), *others]:
        if isinstance(value, memoryview):
            raw = value
        else:
            raw = memoryview(value_bytes(value, field=f"{record_type}.{number:03d}", encoding=codec))
        payload = number == 999 and number in table(record_type).rows
        if not (ended and number == 999) and (payload or _ENDS.search(raw) is None):
            made.append((number, raw))
            ended = ended or number == 999
    made.sort(key=lambda field: field[0])
    fields = tuple(Field(record_type, number, value, b"%d.%03d:" % (record_type, number)) for number, value in made)
    return with_length(Record(record_type, fields, FS))


Value = Items | memoryview


def _gathered(record_type: int, leaves: Iterable[Leaf]) -> tuple[dict[int, Value], list[tuple[int, Value]]]:
    groups = table(record_type).group
    data: dict[int, Value] = {}
    others: list[tuple[int, Value]] = []
    cells: dict[int, dict[int, dict[int, tuple[Row, dict[tuple[int, int], str]]]]] = {}
    for leaf in leaves:
        for row in leaf.node.rows:
            if row.number == ANY:
                others.append((leaf.number, _split(leaf.value)))
            elif isinstance(leaf.value, memoryview):
                data[row.number] = leaf.value
            else:
                size = groups[row.number][1] if row.repeats else 0
                position = row.item + size * leaf.repetition
                repetition = 0 if row.repeats else leaf.repetition
                subfield = cells.setdefault(row.number, {}).setdefault(leaf.subfield, {})
                subfield.setdefault(position, (row, {}))[1][repetition, row.part] = to_text(row, leaf.value)
    for number, subfields in cells.items():
        row = next(iter(next(iter(subfields.values())).values()))[0]
        if row.kind == "vector":
            data[number] = memoryview(_vectors(record_type, number, subfields[0][0][1]))
        else:
            data[number] = [_texts(subfields.get(at, {})) for at in range(max(subfields) + 1)]
    return data, others


def _split(value: str | memoryview) -> Value:
    return value if isinstance(value, memoryview) else [items.split("\x1f") for items in value.split("\x1e")]


def _texts(cells: dict[int, tuple[Row, dict[tuple[int, int], str]]]) -> list[str]:
    texts = [""] * (max(cells, default=0) + 1)
    for position, (row, parts) in cells.items():
        texts[position] = joined(row, parts)
    return texts


def _vectors(record_type: int, number: int, parts: dict[tuple[int, int], str]) -> bytes:
    last = max(at for at, _ in parts)
    try:
        return b"".join(_VECTOR.pack(*(int(parts[at, part]) for part in range(3))) for at in range(last + 1))
    except (KeyError, ValueError, struct.error):
        raise _no_number(record_type, number, "X, Y and pressure of each point of the signature") from None


def _binary(record_type: int, values: dict[int, Value], others: list[tuple[int, Value]]) -> Record:
    made = []
    for number, width in BINARY_ITEMS[record_type]:
        found = values.get(number, [["0" if width < 6 else ""]])
        texts = [] if isinstance(found, memoryview) else [text for text in found[0] if text or width < 6]
        raw = b""
        numbers = [number_in(text.encode("utf-8", "replace")) for text in texts]
        if width == 6 and all(code is not None and code < 256 for code in numbers):
            raw = bytes(code or 0 for code in numbers).ljust(6, bytes([UNUSED_POSITION]))
        elif numbers and numbers[0] is not None and numbers[0] < 1 << 8 * width:
            raw = numbers[0].to_bytes(width, "big")
        if len(raw) != width:
            raise _no_number(record_type, number, f"a number of {width} bytes")
        made.append(Field(record_type, number, memoryview(raw)))
    number = DATA_NUMBER[record_type]
    data = values.get(number) or next((value for at, value in others if at == number), None)
    made.append(Field(record_type, number, data if isinstance(data, memoryview) else memoryview(b"")))
    return with_length(Record(record_type, tuple(made), b""))


def _no_number(record_type: int, number: int, expected: str) -> FormatError:
    return FormatError(
        "REC-036",
        "the value does not fit the traditional header",
        field=f"{record_type}.{number:03d}",
        expected=expected,
        remedy="ask the sender to mend the record",
        clause=XML_CLAUSE,
    )
