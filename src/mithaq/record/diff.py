"""Where two transactions differ, field by field and in words.

    Transaction, Transaction ──differences──► Difference, Difference, ...

Records are paired by type and IDC, fields by number, both by how often they came before. A payload is compared by size and
digest. A length (x.001) is named only where nothing else of its record differs. Values are shown as in `show`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from mithaq.record.dictionary import is_payload
from mithaq.record.model import Field, Record, Transaction
from mithaq.record.names import Names, record_name
from mithaq.record.show import value_text
from mithaq.record.text import field_encoding

Kind = Literal["added", "removed", "changed"]
MOST_ITEMS = 50  # differences named within one field; past it the field is said to differ as a whole

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. `field` is "" where a whole record was added or removed; counts are from 1, 0 is the whole field."""

    kind: Kind
    record_type: int
    idc: int | None
    field: str
    mnemonic: str
    name: str
    name_ar: str
    before: str
    after: str
    subfield: int = 0
    item: int = 0

    @property
    def place(self) -> str:
        """Where it is: "Type-14, IDC 01, 14.013, subfield 2, item 1"."""
        parts = [f"Type-{self.record_type}"] if self.record_type else ["the transaction"]
        if self.idc is not None:
            parts.append(f"IDC {self.idc:02d}")
        if self.field:
            parts.append(self.field)
        if self.subfield:
            parts.append(f"subfield {self.subfield}")
        if self.item:
            parts.append(f"item {self.item}")
        return ", ".join(parts)

    @property
    def said(self) -> str:
        """What happened: "was 1, is 2"."""
        if self.kind == "added":
            return f"is new: {self.after}" if self.after else "is new"
        if self.kind == "removed":
            return f"is gone: {self.before}" if self.before else "is gone"
        return f"was {self.before or 'empty'}, is {self.after or 'empty'}"

    def __str__(self) -> str:
        known = " ".join(part for part in (self.mnemonic, self.name) if part)
        return f"{self.place}{f' ({known})' if known else ''} {self.said}"


def differences(a: Transaction, b: Transaction) -> Iterator[Difference]:
    """Every difference of `b` from `a`, in the order of `a`'s records, then what is new in `b`. None where bytes agree."""
    found = False
    sides = (_Side(Names(a), a.encoding), _Side(Names(b), b.encoding))
    for before, after in _paired(a.records, b.records, lambda record: (record.type, record.idc)):
        for one in _records(before, after, sides):
            found = True
            yield one
    order = [[(record.type, record.idc) for record in tx.records] for tx in (a, b)]
    if not found and order[0] != order[1]:
        was, now = (", ".join(f"Type-{kind}" for kind, _ in one[:40]) for one in order)
        yield Difference("changed", 0, None, "", "", "order of records", "ترتيب السجلات", was, now)
    if a.tail != b.tail:
        was, now = (f"{len(tx.tail)} bytes after the last record" for tx in (a, b))
        yield Difference("changed", 0, None, "", "", "tail", "ذيل الملف", was, now)


@dataclass(frozen=True, slots=True)
class _Side:
    names: Names
    encoding: str

    def text(self, part: Field | None) -> str:
        """The field's value, short; a payload by size and digest."""
        if part is None:
            return ""
        if is_payload(part.record_type, part.number):
            digest = hashlib.sha256(part.value).hexdigest()[:16]
            return f"{len(part.value):,} bytes with SHA-256 {digest}…"
        return value_text(part, field_encoding(part, self.encoding))


def _records(before: Record | None, after: Record | None, sides: tuple[_Side, _Side]) -> Iterator[Difference]:
    one = before or after
    if one is None or before is after:
        return
    if before is None or after is None:
        en, ar = record_name(one.type)
        size = f"{one.size:,} bytes"
        kind: Kind = "added" if before is None else "removed"
        yield Difference(kind, one.type, one.idc, "", "", en, ar, size if after is None else "", size if after else "")
        return
    if before == after:
        return
    found = [
        difference
        for old, new in _paired(before.fields, after.fields, lambda part: (part.record_type, part.number))
        for difference in _fields(one, old, new, sides)
    ]
    length = f"{one.type}.001"
    others = [each for each in found if each.field != length]
    yield from others or found
    if not others and _spelling(before) != _spelling(after):
        yield Difference(
            "changed", one.type, one.idc, "", "", "spelling", "الكتابة", _spelling(before), _spelling(after)
        )


def _fields(record: Record, old: Field | None, new: Field | None, sides: tuple[_Side, _Side]) -> Iterator[Difference]:
    one = old or new
    if one is None or (old is not None and new is not None and old.value == new.value):
        return
    name, items = sides[old is None].names.field(one.record_type, one.number)
    kind: Kind = "added" if old is None else "removed" if new is None else "changed"

    def difference(parts: tuple[Field | None, Field | None], subfield: int = 0, item: int = 0) -> Difference:
        called = items[item - 1] if 0 < item <= len(items) else name
        was, now = (side.text(part) for side, part in zip(sides, parts, strict=True))
        place = (record.type, record.idc, one.name, called.mnemonic, called.en, called.ar)
        return Difference(kind, *place, was, now, subfield, item)

    inner = [] if old is None or new is None else _items(old, new)
    if 0 < len(inner) <= MOST_ITEMS:
        for subfield, item, before, after in inner:
            yield difference((before, after), subfield, item)
    elif old is not None and new is not None:
        at, before, after = _from_first(old, new)
        yield difference((before, after), at)
    else:
        yield difference((old, new))


def _items(old: Field, new: Field) -> list[tuple[int, int, Field, Field]]:
    """Items that differ, where both fields are text of the same shape and of more than one item; else nothing."""
    if old.is_binary_item or is_payload(old.record_type, old.number):
        return []
    shapes = [part.pieces for part in (old, new)]
    widths = [[len(subfield) for subfield in shape] for shape in shapes]
    if widths[0] != widths[1] or widths[0] == [1]:
        return []
    many = len(widths[0]) > 1
    return [
        (at if many else 0, number, replace(old, value=memoryview(before)), replace(new, value=memoryview(after)))
        for at, pair in enumerate(zip(*shapes, strict=True), 1)
        for number, (before, after) in enumerate(zip(*pair, strict=True), 1)
        if before != after
    ]


def _from_first(old: Field, new: Field) -> tuple[int, Field, Field]:
    """Both fields from the first subfield that differs on, and its number; 0 and both whole where there is only one."""
    if old.is_binary_item or is_payload(old.record_type, old.number):
        return 0, old, new
    pieces = [bytes(part.value).split(b"\x1e") for part in (old, new)]
    if len(pieces[0]) == len(pieces[1]) == 1:
        return 0, old, new
    at = next((k for k, (before, after) in enumerate(zip(*pieces, strict=False)) if before != after), None)
    at = min(map(len, pieces)) if at is None else at
    before, after = (memoryview(b"\x1e".join(one[at:])) for one in pieces)
    return at + 1, replace(old, value=before), replace(new, value=after)


def _spelling(record: Record) -> str:
    """What differs where all values agree: tags, and what closes the record."""
    tags = " ".join(part.tag.decode("ascii", "replace") for part in record.fields[:3])
    return f"{tags}{'…' if len(record.fields) > 3 else ''}, closed by {'FS' if record.end else 'nothing'}"


def _numbered(parts: Iterable[T], key: Callable[[T], Hashable]) -> Iterator[tuple[tuple[Hashable, int], T]]:
    seen: Counter[Hashable] = Counter()
    for part in parts:
        kind = key(part)
        seen[kind] += 1
        yield (kind, seen[kind]), part


def _paired(a: Sequence[T], b: Sequence[T], key: Callable[[T], Hashable]) -> Iterator[tuple[T | None, T | None]]:
    """Each of `a` with its like of `b`, then those of `b` that are left; the n-th of a key goes with the n-th."""
    others = dict(_numbered(b, key))
    for place, one in _numbered(a, key):
        yield one, others.pop(place, None)
    for one in others.values():
        yield None, one
