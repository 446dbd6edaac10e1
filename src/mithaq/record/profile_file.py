"""Reads a profile, or a partner's override of one, from TOML text.

    [profile] [transactions] [records]     what exists, and how many records of each type
    [structure] [fields] [cross] [frame]   weights of what is checked of every transaction
    [[field]] [[table]]                    rules for fields, one each or as rows of a table
    [[count]] [[link]] [[image]] [[letter]] [[tally]]
    [groups] [codes] [encodings]           named lists that rules refer to as "@name"; codecs by index of 1.015

Every key must be known; a rule that is only recalled can never refuse. Not done here: applying the rules (`check`).
"""

from __future__ import annotations

import codecs
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, cast, get_args

from mithaq.errors import SettingsError
from mithaq.record.conditions import Each, FieldIs, Holds, Present, Same, TotIs, When
from mithaq.record.rules import (
    CountRule,
    FieldRule,
    Form,
    ImageRule,
    Item,
    Kind,
    LetterRule,
    LinkRule,
    Profile,
    Rule,
    Span,
    TallyRule,
    Weight,
)
from mithaq.record.toml_table import Table

BASE = "base-2015"  # whose weights count where a profile gives none of its own
STRUCTURE = ("length", "contents", "order", "repeated", "foreign", "separator", "tail", "designation", "tag")
FRAME = ("transactions", "types", "fields")  # a type of transaction, of record, and a field that has no place
WITHOUT_1015 = -1
_DOUBTED = "/doubted"


def read_profile(text: str, *, file: str = "profile", shipped: Callable[[str], Profile] | None = None) -> Profile:
    """The profile in TOML text; `shipped` finds the profile whose weights it takes over.

    SettingsError REC-091 with the key that is missing, unknown or not of its kind; REC-092 as `Table.weight`.
    """
    top = _parsed(text, file)
    head = top.table("profile")
    title = head.take("title", str)
    closed = head.take("closed", bool, False)
    extended = head.take("extends", str, BASE)
    base = shipped(extended) if shipped is not None else None
    meanings, tables = _transactions(top)
    reader = _Reader(top, frozenset(meanings), {}, {})
    weights = {
        family: _weights(top.table(family), {} if base is None else inherited)
        for family, inherited in (
            ("structure", base.structure if base else {}),
            ("fields", base.dictionary if base else {}),
            ("cross", base.cross if base else {}),
        )
    }
    for name in STRUCTURE:
        if name not in weights["structure"]:
            raise top.problem(f"structure.{name}", "severity, trust and clause")
    profile = Profile(
        name=head.take("name", str),
        title=title,
        edition=head.take("edition", str, ""),
        closed=closed,
        domain=head.words("domain"),
        application=head.words("application"),
        types=frozenset(head.numbers("types")),
        transactions=meanings,
        frame=_frame(top.table("frame"), title, closed),
        structure=weights["structure"],
        dictionary=weights["fields"],
        cross=weights["cross"],
        rules={},
        groups=reader.groups,
        codes=reader.codes,
        encodings=_encodings(top.table("encodings")),
    )
    rules = _by_id(top, [*_record_counts(tables, top.table("records")), *reader.rules(top)])
    for table in (head, top):
        table.finish()
    return profile.with_rules(rules)


def overridden(profile: Profile, text: str, *, file: str = "override") -> Profile:
    """The profile with a partner's changes: `[change."ID"]` gives a rule another severity, trust or clause; a rule with
    the id of an existing one replaces it, any other is added; `[codes]`, `[groups]` and `[encodings]` add or replace.

    SettingsError as `read_profile`; REC-093 where the override is for another profile.
    """
    top = _parsed(text, file)
    head = top.table("override")
    meant = head.take("profile", str)
    if meant != profile.name:
        raise SettingsError(
            "REC-093", "the override is for another profile", file=file, key="override.profile", expected=profile.name
        )
    title = head.take("title", str, profile.title)
    head.finish()
    meanings, tables = _transactions(top)
    names = {**profile.transactions, **meanings}
    reader = _Reader(top, frozenset(names), profile.groups, profile.codes)
    made = _by_id(top, [*_record_counts(tables, top.table("records")), *reader.rules(top)])
    changed = replace(
        profile,
        title=title,
        transactions=names,
        groups=reader.groups,
        codes=reader.codes,
        encodings={**profile.encodings, **_encodings(top.table("encodings"))},
    ).with_rules({**profile.rules, **made})
    changes = top.table("change")
    for name in changes.names():
        changed = _changed(changed, name, changes)
    top.finish()
    return changed


def _changed(profile: Profile, name: str, changes: Table) -> Profile:
    change = changes.table(name)
    rule = profile.rules.get(name)
    family, _, kind = name.rpartition(".")
    attribute = {"": "frame", "structure": "structure", "fields": "dictionary", "cross": "cross"}.get(family, "")
    weights: Mapping[str, Weight] = getattr(profile, attribute) if attribute else {}
    if rule is not None:
        presence = change.table("presence") if change.has("presence") else None
        weight = change.weight(rule.weight)
        made = replace(rule, weight=weight)
        if isinstance(rule, FieldRule) and isinstance(made, FieldRule):
            if presence is not None:
                made = replace(made, presence=presence.weight(rule.presence))
                presence.finish()
            elif rule.presence == rule.weight or name.endswith(_DOUBTED):
                made = replace(made, presence=weight)
        profile = profile.with_rules({**profile.rules, name: made})
    elif kind in weights:
        changed: dict[str, Any] = {attribute: {**weights, kind: change.weight(weights[kind])}}
        profile = replace(profile, **changed)
    else:
        raise changes.problem(name, f"a rule of {profile.name}, named as its findings name it")
    change.finish()
    return profile


def _parsed(text: str, file: str) -> Table:
    try:
        return Table(tomllib.loads(text), file)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError("REC-091", f"the profile is not TOML ({error})", file=file) from None


def _by_id(top: Table, rules: Iterable[Rule]) -> dict[str, Rule]:
    made: dict[str, Rule] = {}
    for rule in rules:
        if rule.id in made:
            raise top.problem(rule.id, 'an id of its own for each rule, as id = "2.905/ERR"')
        made[rule.id] = rule
    return made


# ---------------------------------------------------------------- weights


def _weights(table: Table, inherited: Mapping[str, Weight]) -> dict[str, Weight]:
    made = dict(inherited)
    for name in table.names():
        if inherited and name not in inherited:
            raise table.problem(name, ", ".join(inherited))
        entry = table.table(name)
        made[name] = entry.weight(inherited.get(name))
        entry.finish()
    table.finish()
    return made


def _frame(table: Table, title: str, closed: bool) -> dict[str, Weight]:
    """What has no place: refused by a closed profile; in an open one only an unknown transaction is spoken of."""
    none = Weight("error" if closed else "off", "M", title)
    made = {"transactions": Weight("error" if closed else "warn", "M", title), "types": none, "fields": none}
    return _weights(table, made)


def _encodings(table: Table) -> dict[int, str]:
    made = {}
    for index in table.names():
        codec = table.take(index, str)
        try:
            "\x1e".encode(codec).decode(codec)
            known = codecs.lookup(codec).name
        except (LookupError, UnicodeError, TypeError, ValueError):
            raise table.problem(index, "the name of a character encoding, as cp1256") from None
        if index != "none" and not re.fullmatch(r"\d{1,3}", index):
            raise table.problem(index, 'an index of 1.015, as "128", or "none"')
        made[WITHOUT_1015 if index == "none" else int(index)] = known
    return made


# ---------------------------------------------------------------- transactions and their records


def _transactions(top: Table) -> tuple[dict[str, str], dict[str, Table]]:
    """The meaning of each type of transaction, and the tables of those that list their records."""
    inner = top.table("transactions")
    meanings: dict[str, str] = {}
    tables: dict[str, Table] = {}
    for name in inner.names():
        meaning = inner.take(name, object)
        if isinstance(meaning, dict):
            tables[name] = inner.row(0, meaning)
            meanings[name] = tables[name].take("meaning", str)
        elif isinstance(meaning, str):
            meanings[name] = meaning
        else:
            raise inner.problem(name, "its meaning")
    return meanings, tables


def _record_counts(tables: Mapping[str, Table], defaults: Table) -> list[CountRule]:
    """The counts of `records = "2:1 4+14:1-14"`, and that no record of another type stands there."""
    made: list[CountRule] = []
    if not tables:
        return made
    usual = defaults.weight()
    others = defaults.table("others").weight(usual) if defaults.has("others") else None
    defaults.finish()
    for name, table in tables.items():
        words = table.words("records")
        weight = table.weight(usual)
        table.finish()
        listed = [1]
        for word in words:
            match = re.fullmatch(r"(\d{1,2}(?:\+\d{1,2})*):(\d{1,3}(?:-\d{0,3})?)", word)
            if match is None:
                raise table.problem("records", 'types and counts, as "2:1 4+14:1-14"')
            types = tuple(int(kind) for kind in match[1].split("+"))
            listed += types
            times = Table({"times": match[2]}, name).span("times")
            made.append(CountRule(f"{name}.{match[1]}", frozenset((name,)), types, times, None, weight))
        if others is not None:
            made.append(
                CountRule(f"{name}.others", frozenset((name,)), tuple(listed), Span(0, 0), None, others, others=True)
            )
    return made


# ---------------------------------------------------------------- rules


class _Reader:
    """Reads rules, with the named lists that they refer to."""

    def __init__(
        self,
        top: Table,
        names: frozenset[str],
        groups: Mapping[str, frozenset[str]],
        codes: Mapping[str, tuple[str, ...]],
    ) -> None:
        self._names = names
        self.groups = dict(groups)
        self.codes = dict(codes)
        inner = top.table("groups")
        for name in inner.names():
            self.groups[name] = self._chosen(inner, name)
        inner = top.table("codes")
        for name in inner.names():
            self.codes[name] = inner.words(name)

    def rules(self, top: Table) -> list[Rule]:
        made: list[Rule] = []
        for number, entry in enumerate(top.tables("count"), 1):
            made.append(self._count(entry, f"count.{number}"))
        kinds: dict[str, Callable[[Table], Rule]] = {
            "link": self._link,
            "field": self._field,
            "image": self._image,
            "letter": self._letter,
            "tally": self._tally,
        }
        for name, read in kinds.items():
            made += [read(entry) for entry in top.tables(name)]
        for entry in top.tables("table"):
            made += self._rows(entry)
        return made

    def _count(self, table: Table, name: str) -> CountRule:
        rule = CountRule(
            id=table.take("id", str, name),
            transactions=self._chosen(table, "in"),
            types=table.numbers("types"),
            times=table.span("times"),
            when=self._when(table, "when"),
            weight=table.weight(),
        )
        table.finish()
        return rule

    def _link(self, table: Table) -> LinkRule:
        record_type, number = table.field("field")
        rule = LinkRule(
            id=table.take("id", str, f"link.{record_type}.{number:03d}"),
            transactions=self._chosen(table, "in"),
            record_type=record_type,
            number=number,
            item=table.take("item", int),
            types=table.numbers("types"),
            when=self._when(table, "when"),
            weight=table.weight(),
        )
        table.finish()
        return rule

    def _image(self, table: Table) -> ImageRule:
        rule = ImageRule(
            id=table.take("id", str),
            transactions=self._chosen(table, "in"),
            types=table.numbers("types"),
            positions=table.numbers("positions"),
            width=table.optional_span("width"),
            height=table.optional_span("height"),
            ppi=table.numbers("ppi"),
            least_ppi=table.take("least_ppi", int, 0),
            compression=table.words("compression"),
            bits=table.numbers("bits"),
            ratio=table.take("ratio", int) if table.has("ratio") else None,
            when=self._when(table, "when"),
            weight=table.weight(),
        )
        table.finish()
        return rule

    def _letter(self, table: Table) -> LetterRule:
        record_type, number = table.field("field")
        rule = LetterRule(
            id=table.take("id", str, f"letter.{record_type}.{number:03d}"),
            transactions=self._chosen(table, "in"),
            record_type=record_type,
            number=number,
            letters=table.take("letters", str),
            when=self._when(table, "when"),
            weight=table.weight(),
        )
        table.finish()
        return rule

    def _tally(self, table: Table) -> TallyRule:
        record_type, number = table.field("field")
        rule = TallyRule(
            id=table.take("id", str, f"tally.{record_type}.{number:03d}"),
            transactions=self._chosen(table, "in"),
            record_type=record_type,
            number=number,
            types=table.numbers("types"),
            of=table.take("of", int, 0),
            when=self._when(table, "when"),
            weight=table.weight(),
        )
        table.finish()
        return rule

    def _field(self, table: Table, usual: Weight | None = None, presence: Weight | None = None) -> FieldRule:
        spelt = table.take("field", str)
        name = table.take("name", str)
        record_type, number = table.row(0, {"field": spelt.partition("/")[0]}).field("field")
        items = tuple(self._item(entry) for entry in table.tables("items"))
        weight = table.weight(usual)
        usual_presence = presence or weight
        rule = FieldRule(
            id=table.take("id", str, spelt),
            record_type=record_type,
            number=number,
            mnemonic=table.take("mnemonic", str, ""),
            name=name,
            must=self._chosen(table, "must"),
            may=self._chosen(table, "may"),
            when=self._when(table, "when"),
            must_when=self._when(table, "must_when"),
            occurs=table.span("occurs", "1"),
            items=items or (self._item(table, name),),
            presence=table.table("presence").weight(usual_presence) if table.has("presence") else usual_presence,
            weight=weight,
        )
        table.finish()
        return rule

    def _item(self, table: Table, name: str = "") -> Item:
        pattern = table.take("pattern", str, "")
        example = table.take("example", str, "")
        try:
            compiled = re.compile(pattern) if pattern else None
        except (re.error, RecursionError, OverflowError):
            raise table.problem("pattern", "a regular expression") from None
        if compiled is not None and not compiled.fullmatch(example):
            raise table.problem("example", "a value that matches the pattern")
        kind = cast(Kind, table.choice("kind", get_args(Kind)))
        item = Item(
            name=name or table.take("name", str),
            kind=kind,
            length=table.span("length", "0-" if kind == "ANY" else None),
            codes=self._codes(table),
            pattern=compiled,
            form=cast(Form, table.choice("form", get_args(Form), "")),
            range=table.optional_span("range"),
            example=example,
            optional=table.take("optional", bool, False),
        )
        if not name:
            table.finish()
        return item

    def _codes(self, table: Table) -> tuple[str, ...]:
        made: list[str] = []
        for word in table.words("codes"):
            if word.startswith("@"):
                if word[1:] not in self.codes:
                    raise table.problem("codes", "a list of [codes]")
                made += self.codes[word[1:]]
            else:
                made.append(word)
        return tuple(made)

    def _chosen(self, table: Table, key: str) -> frozenset[str]:
        """Types of transaction: names, "@group", "*" for all, "-NAME" for all of these but that one."""
        made: set[str] = set()
        for word in table.words(key):
            named = word.lstrip("-")
            if named == "*":
                found = self._names
            elif named.startswith("@"):
                found = self.groups.get(named[1:], frozenset())
            else:
                found = frozenset((named,)) & self._names
            if not found:
                raise table.problem(key, f"transactions of this profile, which {named} is not")
            made = made - found if word.startswith("-") else made | found
        return frozenset(made)

    def _when(self, table: Table, key: str) -> When | None:
        return self._condition(table.table(key)) if table.has(key) else None

    def _condition(self, inner: Table) -> When:
        made: When
        if inner.has("all") or inner.has("any"):
            key = "all" if inner.has("all") else "any"
            made = Each(key == "all", tuple(self._condition(part) for part in inner.tables(key)))
        elif inner.has("tot"):
            made = TotIs(tuple(sorted(self._chosen(inner, "tot"))))
        elif inner.has("records"):
            made = Holds(inner.numbers("records"), inner.take("present", bool, True))
        else:
            record_type, number = inner.field("field")
            if inner.has("present"):
                made = Present(record_type, number, inner.take("present", bool))
            elif inner.has("same_as"):
                made = Same(record_type, number, *inner.field("same_as"))
            else:
                made = FieldIs(
                    record_type,
                    number,
                    inner.words("is"),
                    subfield=inner.take("subfield", int, 0),
                    item=inner.take("item", int, 0),
                )
        inner.finish()
        return made

    # ------------------------------------------------------------ rules as rows of a table

    def _rows(self, table: Table) -> list[FieldRule]:
        """Rules of a table: the first row names the columns; a row without a field is an item of the one above it.

        A column `doubt` names transactions in which the source's own mark "must" is doubted: a rule of its own, which
        weighs as the table's `doubt` says.
        """
        usual = table.weight()
        presence = table.table("presence").weight(usual) if table.has("presence") else None
        doubt = table.table("doubt").weight(usual) if table.has("doubt") else None
        lines = [line for line in table.take("rows", str).splitlines() if line.strip()]
        table.finish()
        columns = [cell.strip() for cell in lines[0].split("|")] if lines else []
        made: list[FieldRule] = []
        for number, values in _entries(table, columns, lines[1:]):
            doubted = values.pop("doubt", "")
            rule = self._field(table.row(number, values), usual, presence)
            made.append(rule)
            if doubted:
                inner = table.row(number, {"must": doubted})
                if doubt is None:
                    raise inner.problem("doubt", "a weight for it in the table")
                must = self._chosen(inner, "must")
                made.append(
                    replace(rule, id=rule.id + _DOUBTED, must=must, may=frozenset(), presence=doubt, weight=doubt)
                )
        return made


def _entries(table: Table, columns: list[str], lines: list[str]) -> list[tuple[int, dict[str, object]]]:
    made: list[tuple[int, dict[str, object]]] = []
    for number, line in enumerate(lines, 1):
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > len(columns):
            raise table.row(number, {}).problem("rows", " | ".join(columns))
        values: dict[str, object] = {name: cell for name, cell in zip(columns, cells, strict=False) if cell}
        if "optional" in values:
            values["optional"] = True
        if "field" in values:
            made.append((number, values))
        elif made:
            items = made[-1][1].setdefault("items", [])
            if isinstance(items, list):
                items.append({key: value for key, value in values.items() if key != "mnemonic"})
        else:
            raise table.row(number, {}).problem("field", 'a field, as "2.007"')
    return made
