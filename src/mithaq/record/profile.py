"""A profile: which transactions exist, which records and fields they hold, and how serious each departure is.

    profiles/NAME.toml ──load_profile──► Profile(transactions, structure, counts, links, fields)

Rules are data: the file names, beside each rule, its severity, its clause and how far its source is trusted. A profile that is
closed says it all: what it does not name may not stand in its transactions. Not done here: applying it (`check`).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any, Literal, TypeVar, cast, get_args

from mithaq.errors import SettingsError
from mithaq.record.model import Transaction

Severity = Literal["error", "warn", "off"]
Trust = Literal["C", "P", "R", "?", "M"]
Kind = Literal["A", "N", "AN", "NS", "ANS", "U", "B"]
Form = Literal["", "date", "instant"]

STRUCTURE = ("length", "contents", "order", "repeated", "foreign", "separator", "tail", "designation", "tag")
BASE = "base-2015"  # whose weights count where a profile gives none of its own
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")

T = TypeVar("T")


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
    """One information item: its kind of characters, its length, and what else is asked of it."""

    name: str
    kind: Kind
    length: Span
    codes: tuple[str, ...]
    pattern: re.Pattern[str] | None
    form: Form


@dataclass(frozen=True, slots=True)
class When:
    """Holds where the field's first item is one of `values`."""

    record_type: int
    number: int
    values: tuple[str, ...]

    def holds(self, tx: Transaction) -> bool:
        """True where the transaction's first record of that type says so."""
        record = tx.first(self.record_type)
        found = None if record is None else record.field(self.number)
        return found is not None and any(bytes(found.value) == value.encode() for value in self.values)

    def __str__(self) -> str:
        return f"{self.record_type}.{self.number:03d} is {' or '.join(self.values)}"


@dataclass(frozen=True, slots=True)
class FieldRule:
    """One field in some transactions: where it must and may stand, how often its subfields repeat, what each holds."""

    record_type: int
    number: int
    mnemonic: str
    name: str
    must: frozenset[str]
    may: frozenset[str]
    when: When | None
    occurs: Span
    items: tuple[Item, ...]
    weight: Weight

    @property
    def field(self) -> str:
        return f"{self.record_type}.{self.number:03d}"


@dataclass(frozen=True, slots=True)
class CountRule:
    """How many records of these types together a transaction holds."""

    transactions: frozenset[str]
    types: tuple[int, ...]
    times: Span
    when: When | None
    weight: Weight


@dataclass(frozen=True, slots=True)
class LinkRule:
    """An item of a Type-2 field names the IDC of every record of these types, each exactly once."""

    transactions: frozenset[str]
    record_type: int
    number: int
    item: int
    types: tuple[int, ...]
    weight: Weight


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile as loaded. `transactions` maps each type of transaction (1.004) to its meaning."""

    name: str
    title: str
    edition: str
    domain: tuple[str, ...]
    application: tuple[str, ...]
    types: frozenset[int]
    closed: bool
    transactions: Mapping[str, str]
    structure: Mapping[str, Weight]
    dictionary: Mapping[str, Weight]
    cross: Mapping[str, Weight]
    counts: tuple[CountRule, ...]
    links: tuple[LinkRule, ...]
    fields: tuple[FieldRule, ...]
    by_field: Mapping[tuple[int, int], tuple[FieldRule, ...]]  # the same, found by record type and number

    def rule(self, record_type: int, number: int, transaction: str) -> FieldRule | None:
        """The rule for a field in a transaction, or None where the field may not stand there."""
        for rule in self.by_field.get((record_type, number), ()):
            if transaction in rule.must or transaction in rule.may:
                return rule
        return None

    def number(self, record_type: int, mnemonic: str) -> int:
        """The number of a field by its mnemonic. SettingsError REC-091 where the profile has none of that name."""
        for rule in self.fields:
            if rule.record_type == record_type and rule.mnemonic == mnemonic:
                return rule.number
        raise SettingsError("REC-091", f"the profile has no field {mnemonic} in Type-{record_type}", file=self.name)


@cache
def load_profile(name: str) -> Profile:
    """The profile of that name. SettingsError REC-090 where there is none, REC-091 where its file is not in order."""
    shelf = files("mithaq.record").joinpath("profiles")
    known = sorted(entry.name.removesuffix(".toml") for entry in shelf.iterdir() if entry.name.endswith(".toml"))
    if not _NAME.fullmatch(name) or name not in known:
        raise SettingsError("REC-090", "there is no profile of that name", key="profile", expected=", ".join(known))
    profile = read_profile(shelf.joinpath(f"{name}.toml").read_text(encoding="utf-8"), file=f"{name}.toml")
    if name == BASE:
        return profile
    base = load_profile(BASE)
    return replace(profile, dictionary={**base.dictionary, **profile.dictionary}, cross={**base.cross, **profile.cross})


def read_profile(text: str, *, file: str = "profile") -> Profile:
    """The profile in TOML text. SettingsError REC-091 with the key that is missing, unknown or not of its kind."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError("REC-091", f"the profile is not TOML ({error})", file=file) from None
    top = _Table(values, file, "")
    head = top.table("profile")
    meanings = {name: str(meaning) for name, meaning in top.take("transactions", dict).items()}
    names = frozenset(meanings)
    structure = top.table("structure")
    fields = tuple(_field(entry, names) for entry in top.tables("field"))
    by_field: dict[tuple[int, int], tuple[FieldRule, ...]] = {}
    for rule in fields:
        key = (rule.record_type, rule.number)
        by_field[key] = (*by_field.get(key, ()), rule)
    profile = Profile(
        name=head.take("name", str),
        title=head.take("title", str),
        edition=head.take("edition", str),
        domain=head.words("domain"),
        application=head.words("application"),
        types=frozenset(head.numbers("types")),
        closed=head.take("closed", bool, True),
        transactions=meanings,
        structure={name: _weight(structure.table(name), last=True) for name in STRUCTURE},
        dictionary=_weights(top, "fields"),
        cross=_weights(top, "cross"),
        counts=tuple(_count(entry, names) for entry in top.tables("count")),
        links=tuple(_link(entry, names) for entry in top.tables("link")),
        fields=fields,
        by_field=by_field,
    )
    for table in (head, structure, top):
        table.finish()
    return profile


def _count(table: _Table, names: frozenset[str]) -> CountRule:
    rule = CountRule(
        transactions=table.transactions("in", names),
        types=table.numbers("types"),
        times=table.span("times"),
        when=_when(table),
        weight=_weight(table),
    )
    table.finish()
    return rule


def _link(table: _Table, names: frozenset[str]) -> LinkRule:
    record_type, number = table.field("field")
    rule = LinkRule(
        transactions=table.transactions("in", names),
        record_type=record_type,
        number=number,
        item=table.take("item", int),
        types=table.numbers("types"),
        weight=_weight(table),
    )
    table.finish()
    return rule


def _field(table: _Table, names: frozenset[str]) -> FieldRule:
    record_type, number = table.field("field")
    name = table.take("name", str)
    items = tuple(_item(entry) for entry in table.tables("items"))
    rule = FieldRule(
        record_type=record_type,
        number=number,
        mnemonic=table.take("mnemonic", str),
        name=name,
        must=table.transactions("must", names),
        may=table.transactions("may", names),
        when=_when(table),
        occurs=table.span("occurs", "1"),
        items=items or (_item(table, name),),
        weight=_weight(table),
    )
    table.finish()
    return rule


def _item(table: _Table, name: str = "") -> Item:
    pattern = table.take("pattern", str, "")
    try:
        compiled = re.compile(pattern) if pattern else None
    except re.error:
        raise table.problem("pattern", "a regular expression") from None
    item = Item(
        name=name or table.take("name", str),
        kind=cast(Kind, table.choice("kind", get_args(Kind))),
        length=table.span("length"),
        codes=table.words("codes"),
        pattern=compiled,
        form=cast(Form, table.choice("form", get_args(Form), "")),
    )
    if not name:
        table.finish()
    return item


def _when(table: _Table) -> When | None:
    if not table.has("when"):
        return None
    inner = table.table("when")
    record_type, number = inner.field("field")
    when = When(record_type, number, inner.words("is"))
    inner.finish()
    return when


def _weights(top: _Table, family: str) -> dict[str, Weight]:
    table = top.table(family) if top.has(family) else None
    return {} if table is None else {name: _weight(table.table(name), last=True) for name in table.names()}


def _weight(table: _Table, *, last: bool = False) -> Weight:
    weight = Weight(
        severity=cast(Severity, table.choice("severity", get_args(Severity))),
        trust=cast(Trust, table.choice("trust", get_args(Trust))),
        clause=table.take("clause", str),
    )
    if last:
        table.finish()
    return weight


class _Table:
    """A TOML table that is taken apart: every key must be known, asked for and of its kind, and none may be left."""

    def __init__(self, values: Mapping[str, Any], file: str, path: str) -> None:
        self._left = dict(values)
        self._file = file
        self._path = path

    def problem(self, key: str, expected: str) -> SettingsError:
        return SettingsError(
            "REC-091", "the profile is not in order", file=self._file, key=self._key(key), expected=expected
        )

    def names(self) -> list[str]:
        return list(self._left)

    def has(self, key: str) -> bool:
        return key in self._left

    def take(self, key: str, kind: type[T], otherwise: T | None = None) -> T:
        value = self._left.pop(key, otherwise)
        if not isinstance(value, kind):
            raise self.problem(key, f"a value of kind {kind.__name__}")
        return value

    def table(self, key: str) -> _Table:
        return _Table(self.take(key, dict), self._file, self._key(key))

    def tables(self, key: str) -> list[_Table]:
        entries = self.take(key, list, [])
        if not all(isinstance(entry, dict) for entry in entries):
            raise self.problem(key, "tables")
        return [_Table(entry, self._file, f"{self._key(key)}[{i}]") for i, entry in enumerate(entries)]

    def words(self, key: str) -> tuple[str, ...]:
        values = self.take(key, list, [])
        if not all(isinstance(value, str) for value in values):
            raise self.problem(key, "a list of strings")
        return tuple(values)

    def numbers(self, key: str) -> tuple[int, ...]:
        values = self.take(key, list)
        if not all(isinstance(value, int) for value in values):
            raise self.problem(key, "a list of numbers")
        return tuple(values)

    def choice(self, key: str, known: tuple[str, ...], otherwise: str | None = None) -> str:
        value = self.take(key, str, otherwise)
        if value not in known:
            raise self.problem(key, " or ".join(known))
        return value

    def transactions(self, key: str, names: frozenset[str]) -> frozenset[str]:
        words = self.words(key)
        if "*" in words:
            return names
        if not names.issuperset(words):
            raise self.problem(key, "transactions of this profile")
        return frozenset(words)

    def span(self, key: str, otherwise: str | None = None) -> Span:
        match = re.fullmatch(r"(\d{1,9})(-(\d{1,9})?)?", self.take(key, str, otherwise))
        if match is None:
            raise self.problem(key, 'bounds, as "1", "1-40" or "1-"')
        least = int(match[1])
        return Span(least, least if match[2] is None else int(match[3]) if match[3] else None)

    def field(self, key: str) -> tuple[int, int]:
        match = re.fullmatch(r"(\d{1,2})\.(\d{3,4})", self.take(key, str))
        if match is None:
            raise self.problem(key, 'a field, as "2.007"')
        return int(match[1]), int(match[2])

    def finish(self) -> None:
        if self._left:
            raise self.problem(next(iter(self._left)), "no key of that name")

    def _key(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key
