"""Conditions of a rule: what must be true of a transaction for the rule to count. They are data, read from a profile.

    { field = "2.905", is = ["hit"] }   { field = "2.010", present = false }   { tot = ["SRE"] }   { records = [13, 15] }
    { field = "14.009", same_as = "14.010" }   { all = [ ... ] }   { any = [ ... ] }

A field is looked up in the record that is being checked where it is of that type, else in the first record of the type.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mithaq.record.model import Field, Record, Transaction


class Scope:
    """A transaction as conditions see it: its type, and the first record of each type found once."""

    def __init__(self, tx: Transaction) -> None:
        self.tot = tx.tot
        self._first: dict[int, Record] = {}
        for record in tx.records:
            self._first.setdefault(record.type, record)

    def has(self, types: Sequence[int]) -> bool:
        """True where the transaction holds a record of one of the types."""
        return any(kind in self._first for kind in types)

    def field(self, record_type: int, number: int, here: Record | None) -> Field | None:
        """The field in the record being checked, where it is of that type, else in the first record of the type."""
        record = here if here is not None and here.type == record_type else self._first.get(record_type)
        return None if record is None else record.field(number)


@dataclass(frozen=True, slots=True)
class FieldIs:
    """The field's value, or one item of it (counted from 1; 0 is the whole value), is one of `values`."""

    record_type: int
    number: int
    values: tuple[str, ...]
    subfield: int = 0
    item: int = 0

    def holds(self, scope: Scope, here: Record | None) -> bool:
        found = scope.field(self.record_type, self.number, here)
        return found is not None and part_of(found, self.subfield, self.item) in self.values

    def __str__(self) -> str:
        part = f", subfield {self.subfield}," if self.subfield else ""
        part += f", item {self.item}," if self.item else ""
        return f"{self.record_type}.{self.number:03d}{part} is {' or '.join(self.values)}"


@dataclass(frozen=True, slots=True)
class Present:
    """The field stands there, or does not."""

    record_type: int
    number: int
    present: bool

    def holds(self, scope: Scope, here: Record | None) -> bool:
        return (scope.field(self.record_type, self.number, here) is not None) == self.present

    def __str__(self) -> str:
        return f"{self.record_type}.{self.number:03d} is {'present' if self.present else 'absent'}"


@dataclass(frozen=True, slots=True)
class Same:
    """Two fields hold the same value."""

    record_type: int
    number: int
    other_type: int
    other_number: int

    def holds(self, scope: Scope, here: Record | None) -> bool:
        one = scope.field(self.record_type, self.number, here)
        other = scope.field(self.other_type, self.other_number, here)
        return one is not None and other is not None and part_of(one, 0, 0) == part_of(other, 0, 0)

    def __str__(self) -> str:
        return f"{self.record_type}.{self.number:03d} equals {self.other_type}.{self.other_number:03d}"


@dataclass(frozen=True, slots=True)
class TotIs:
    """The type of transaction (1.004) is one of `values`."""

    values: tuple[str, ...]

    def holds(self, scope: Scope, here: Record | None) -> bool:
        return scope.tot in self.values

    def __str__(self) -> str:
        return f"the transaction is {' or '.join(self.values)}"


@dataclass(frozen=True, slots=True)
class Holds:
    """The transaction holds a record of one of the types, or none."""

    types: tuple[int, ...]
    present: bool

    def holds(self, scope: Scope, here: Record | None) -> bool:
        return scope.has(self.types) == self.present

    def __str__(self) -> str:
        kinds = " or ".join(f"Type-{kind}" for kind in self.types)
        return f"the transaction holds {'a' if self.present else 'no'} {kinds} record"


@dataclass(frozen=True, slots=True)
class Each:
    """All of the parts hold (`all`), or one of them does."""

    all: bool
    parts: tuple[When, ...]

    def holds(self, scope: Scope, here: Record | None) -> bool:
        found = (part.holds(scope, here) for part in self.parts)
        return all(found) if self.all else any(found)

    def __str__(self) -> str:
        return (" and " if self.all else " or ").join(
            f"({part})" if isinstance(part, Each) else str(part) for part in self.parts
        )


When = FieldIs | Present | Same | TotIs | Holds | Each


def part_of(found: Field, subfield: int, item: int) -> str | None:
    """A subfield, or an item of one (the first, where none is named), of a field; 0 and 0 is the whole value."""
    if found.is_binary_item:
        return found.text() if not item else None
    text = str(found.value, "utf-8", "surrogateescape")
    if not subfield and not item:
        return text
    subfields = text.split("\x1e")
    if max(subfield, 1) > len(subfields):
        return None
    chosen = subfields[max(subfield, 1) - 1]
    if not item:
        return chosen
    items = chosen.split("\x1f")
    return items[item - 1] if item <= len(items) else None
