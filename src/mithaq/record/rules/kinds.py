"""A profile and the kinds of rule that it holds, as plain values. Every rule has an id, a weight and a clause.

    Count      how many records of some types        Field    where a field stands and what it holds
    Link       a field names records, each once       Image    limits of a picture, by position
    Letter     a check letter at the end of a number  Tally    a field counts records, or as many as another has

Not done here: reading them (`reader`), applying them (`check`), showing them (`examples`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from mithaq.record.model import Transaction, number_in
from mithaq.record.rules.conditions import When

Severity = Literal["error", "warn", "off"]
Trust = Literal["C", "P", "R", "?", "M"]
Kind = Literal["A", "N", "AN", "AS", "NS", "ANS", "H", "TEXT", "U", "B", "ANY"]
Form = Literal["", "date", "instant"]

WITHOUT_1015 = -1  # stands for an index of 1.015 in a transaction that has none
UNSURE: tuple[Trust, ...] = ("R", "?")  # sources that no refusal may rest on


@dataclass(frozen=True, slots=True)
class Span:
    """Bounds of a count, both included; `most` None is no upper limit."""

    least: int
    most: int | None

    def __contains__(self, count: object) -> bool:
        return isinstance(count, int) and self.least <= count and (self.most is None or count <= self.most)

    def __str__(self) -> str:
        if self.most is None:
            return f"{self.least} or more"
        return str(self.least) if self.least == self.most else f"{self.least} to {self.most}"


@dataclass(frozen=True, slots=True)
class Weight:
    """What stands beside every rule: how serious a departure is, how far the source is trusted, where it says so."""

    severity: Severity
    trust: Trust
    clause: str


@dataclass(frozen=True, slots=True)
class Item:
    """One information item: its kind of characters, its length, and what else is asked of it.

    `example` is given with every pattern, and matches it. An `optional` item may be left out at the end of a subfield.
    """

    name: str
    kind: Kind
    length: Span
    codes: tuple[str, ...] = ()
    pattern: re.Pattern[str] | None = None
    form: Form = ""
    range: Span | None = None
    example: str = ""
    optional: bool = False


class _OfField:
    """What rules for one field share."""

    __slots__ = ()
    record_type: int
    number: int

    @property
    def field(self) -> str:
        """The field as a person writes it: "14.013"."""
        return f"{self.record_type}.{self.number:03d}"


@dataclass(frozen=True, slots=True)
class FieldRule(_OfField):
    """One field in some transactions: where it must and may stand, how often its subfields repeat, what each holds.

    It stands only where `when` holds, and of `must` it is asked only where `must_when` holds too. `presence` weighs its
    absence, `weight` everything else.
    """

    id: str
    record_type: int
    number: int
    mnemonic: str
    name: str
    must: frozenset[str]
    may: frozenset[str]
    when: When | None
    must_when: When | None
    occurs: Span
    items: tuple[Item, ...]
    presence: Weight
    weight: Weight

    @property
    def transactions(self) -> frozenset[str]:
        """Where it may stand at all."""
        return self.must | self.may

    @property
    def item_count(self) -> Span:
        """How many items a subfield may have."""
        optional = 0
        for item in reversed(self.items):
            if not item.optional:
                break
            optional += 1
        return Span(len(self.items) - optional, len(self.items))


@dataclass(frozen=True, slots=True)
class CountRule:
    """How many records of these types together a transaction holds; with `others`, how many of no such type."""

    id: str
    transactions: frozenset[str]
    types: tuple[int, ...]
    times: Span
    when: When | None
    weight: Weight
    others: bool = False


@dataclass(frozen=True, slots=True)
class LinkRule(_OfField):
    """An item of a Type-2 field names the IDC of every record of these types, each exactly once."""

    id: str
    transactions: frozenset[str]
    record_type: int
    number: int
    item: int
    types: tuple[int, ...]
    when: When | None
    weight: Weight


@dataclass(frozen=True, slots=True)
class ImageRule:
    """Limits of the pictures in records of these types, at these positions (none named: all).

    Width and height in pixels, resolution in ppi (within 1 %), compression as x.011 spells it, bits per pixel, and how
    many times smaller than its pixels the data may be.
    """

    id: str
    transactions: frozenset[str]
    types: tuple[int, ...]
    positions: tuple[int, ...]
    width: Span | None
    height: Span | None
    ppi: tuple[int, ...]
    least_ppi: int
    compression: tuple[str, ...]
    bits: tuple[int, ...]
    ratio: int | None
    when: When | None
    weight: Weight


@dataclass(frozen=True, slots=True)
class LetterRule(_OfField):
    """The last character of a number is the letter at (the digits as one integer, modulo the count of `letters`)."""

    id: str
    transactions: frozenset[str]
    record_type: int
    number: int
    letters: str
    when: When | None
    weight: Weight

    def letter(self, digits: str) -> str:
        """The letter that belongs to the digits."""
        return self.letters[int(digits) % len(self.letters)]


@dataclass(frozen=True, slots=True)
class TallyRule(_OfField):
    """The field's number is the count of records of `types`; or, with `of`, it has as many subfields as that field."""

    id: str
    transactions: frozenset[str]
    record_type: int
    number: int
    types: tuple[int, ...]
    of: int
    when: When | None
    weight: Weight


def types_in_words(types: Sequence[int], word: str) -> str:
    """Types of record as a sentence lists them: "Type-4, Type-13 or Type-15"."""
    names = [f"Type-{kind}" for kind in dict.fromkeys(types)]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {word} {names[-1]}"


Rule = FieldRule | CountRule | LinkRule | ImageRule | LetterRule | TallyRule


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile as loaded. `transactions` maps each type of transaction (1.004) to its meaning; `rules` each rule by id.

    `families` weigh what is checked of every transaction: "structure", "fields" and "cross", and "" what has no place in it.
    `groups` and `codes` are the named lists of its file. `encodings` maps an index of 1.015, or WITHOUT_1015, to a
    codec of Python.
    """

    name: str
    title: str
    edition: str
    closed: bool
    domain: tuple[str, ...]
    application: tuple[str, ...]
    types: frozenset[int]
    transactions: Mapping[str, str]
    families: Mapping[str, Mapping[str, Weight]]
    rules: Mapping[str, Rule]
    groups: Mapping[str, frozenset[str]]
    codes: Mapping[str, tuple[str, ...]]
    encodings: Mapping[int, str]
    fields: tuple[FieldRule, ...] = ()
    counts: tuple[CountRule, ...] = ()
    joint: tuple[LinkRule | ImageRule | LetterRule | TallyRule, ...] = ()
    by_field: Mapping[tuple[int, int], tuple[FieldRule, ...]] = field(default_factory=dict)  # by record type and number
    by_type: Mapping[int, tuple[FieldRule, ...]] = field(default_factory=dict)

    def rule(self, record_type: int, number: int, transaction: str) -> FieldRule | None:
        """The rule for a field in a transaction, or None where the profile does not place the field there."""
        for rule in self.by_field.get((record_type, number), ()):
            if transaction in rule.must or transaction in rule.may:
                return rule
        return None

    def declared(self, tx: Transaction) -> str | None:
        """The codec that the profile declares for the transaction's 1.015, or for its absence; None where it does not."""
        found = tx.records[0].field(15)
        index = WITHOUT_1015 if found is None else number_in(bytes(found.value[:3]).partition(b"\x1f")[0])
        return None if index is None else self.encodings.get(index)

    def with_rules(self, rules: Mapping[str, Rule]) -> Profile:
        """A copy with these rules."""
        return replace(self, rules=rules, **_found_by(rules.values()))


def _found_by(rules: Iterable[Rule]) -> dict[str, Any]:
    fields = tuple(rule for rule in rules if isinstance(rule, FieldRule))
    by_field: dict[tuple[int, int], tuple[FieldRule, ...]] = {}
    by_type: dict[int, tuple[FieldRule, ...]] = {}
    for rule in fields:
        key = (rule.record_type, rule.number)
        by_field[key] = (*by_field.get(key, ()), rule)
    for kind in {rule.record_type for rule in fields}:
        by_type[kind] = tuple(rule for rule in fields if rule.record_type == kind)
    return {
        "fields": fields,
        "counts": tuple(rule for rule in rules if isinstance(rule, CountRule)),
        "joint": tuple(rule for rule in rules if not isinstance(rule, (FieldRule, CountRule))),
        "by_field": by_field,
        "by_type": by_type,
    }
