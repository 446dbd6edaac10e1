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

from mithaq.errors import SettingsError
from mithaq.record.rules.kinds import WITHOUT_1015, CountRule, FieldRule, Profile, Rule, Span, Weight
from mithaq.record.rules.reader import DOUBTED, RuleReader
from mithaq.record.rules.toml_table import Table

BASE = "base-2015"  # whose weights count where a profile gives none of its own
STRUCTURE = ("length", "contents", "order", "repeated", "foreign", "separator", "tail", "designation", "tag")
_COUNTED = re.compile(r"([^.]+)\.(\d[\d+]*|others)")  # the id of a rule that a transaction's own list of records makes


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
    reader = RuleReader(top, frozenset(meanings), {}, {})
    families = {
        family: _weights(top.table(family), {} if base is None else base.families[family])
        for family in ("structure", "fields", "cross")
    }
    for name in STRUCTURE:
        if name not in families["structure"]:
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
        families={"": _frame(top.table("frame"), title, closed), **families},
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
    reader = RuleReader(top, frozenset(names), profile.groups, profile.codes)
    made = _by_id(top, [*_record_counts(tables, top.table("records")), *reader.rules(top)])
    changed = replace(
        profile,
        title=title,
        transactions=names,
        groups=reader.groups,
        codes=reader.codes,
        encodings={**profile.encodings, **_encodings(top.table("encodings"))},
    ).with_rules({**_without_lists(profile, tables), **made})
    changes = top.table("change")
    for name in changes.names():
        changed = _changed(changed, name, changes)
    top.finish()
    return changed


def _without_lists(profile: Profile, tables: Mapping[str, Table]) -> dict[str, Rule]:
    """The profile's rules but for those that a transaction's list of records made, where it has a new list."""
    matches = {name: _COUNTED.fullmatch(name) for name in profile.rules}
    old = {name for name, match in matches.items() if match is not None and match[1] in tables}
    return {name: rule for name, rule in profile.rules.items() if name not in old}


def _changed(profile: Profile, name: str, changes: Table) -> Profile:
    change = changes.table(name)
    rule = profile.rules.get(name)
    family, _, kind = name.rpartition(".")
    weights = profile.families.get(family, {})
    if rule is not None:
        presence = change.table("presence") if change.has("presence") else None
        weight = change.weight(rule.weight)
        made = replace(rule, weight=weight)
        if isinstance(rule, FieldRule) and isinstance(made, FieldRule):
            if presence is not None:
                made = replace(made, presence=presence.weight(rule.presence))
                presence.finish()
            elif rule.presence == rule.weight or name.endswith(DOUBTED):
                made = replace(made, presence=weight)
        profile = profile.with_rules({**profile.rules, name: made})
    elif kind in weights:
        changed = {**weights, kind: change.weight(weights[kind])}
        profile = replace(profile, families={**profile.families, family: changed})
    else:
        raise changes.problem(name, f"a rule of {profile.name}, named as its findings name it")
    change.finish()
    return profile


def _parsed(text: str, file: str) -> Table:
    try:
        return Table(tomllib.loads(text), file)
    except (ValueError, RecursionError) as error:  # TOMLDecodeError, or a number of more digits than Python reads
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
            if times == Span(0, None):
                continue  # as many as there are: named only so that they are none of the others
            made.append(CountRule(f"{name}.{match[1]}", frozenset((name,)), types, times, None, weight))
        if others is not None:
            made.append(
                CountRule(f"{name}.others", frozenset((name,)), tuple(listed), Span(0, 0), None, others, others=True)
            )
    return made
