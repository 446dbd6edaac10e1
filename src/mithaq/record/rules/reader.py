"""Reads the rules of a profile from its TOML tables, one table for each, or as rows of a table that people can read.

    [[field]] [[count]] [[link]] [[image]] [[letter]] [[tally]] ──RuleReader──► rules
    [[table]] rows = '''field | name | must | kind | length ...''' ──────────► rules for fields

"@name" refers to a list of [groups] or [codes]. Not done here: the profile around the rules (`rules.file`).
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar, cast, get_args

from mithaq.record.rules.conditions import Each, FieldIs, Holds, Present, Same, TotIs, When
from mithaq.record.rules.kinds import (
    CountRule,
    FieldRule,
    Form,
    ImageRule,
    Item,
    Kind,
    LetterRule,
    LinkRule,
    Rule,
    TallyRule,
    Weight,
)
from mithaq.record.rules.toml_table import Table

R = TypeVar("R", bound=Rule)
DOUBTED = "/doubted"  # ends the id of a rule that the source has, and that is doubted


class RuleReader:
    """Reads the rules of a profile or override, with the named lists that they refer to, `groups` and `codes` among them."""

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
            made.append(_finished(entry, self._count(entry, f"count.{number}")))
        kinds: dict[str, Callable[[Table], Rule]] = {
            "link": self._link,
            "field": self._field,
            "image": self._image,
            "letter": self._letter,
            "tally": self._tally,
        }
        for name, read in kinds.items():
            made += [_finished(entry, read(entry)) for entry in top.tables(name)]
        for entry in top.tables("table"):
            made += self._rows(entry)
        return made

    def _count(self, table: Table, name: str) -> CountRule:
        return CountRule(
            id=table.take("id", str, name),
            transactions=self._chosen(table, "in"),
            types=table.numbers("types"),
            times=table.span("times"),
            when=self._when(table, "when"),
            weight=table.weight(),
        )

    def _link(self, table: Table) -> LinkRule:
        record_type, number = table.field("field")
        return LinkRule(
            id=table.take("id", str, f"link.{record_type}.{number:03d}"),
            transactions=self._chosen(table, "in"),
            record_type=record_type,
            number=number,
            item=table.take("item", int),
            types=table.numbers("types"),
            when=self._when(table, "when"),
            weight=table.weight(),
        )

    def _image(self, table: Table) -> ImageRule:
        return ImageRule(
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

    def _letter(self, table: Table) -> LetterRule:
        record_type, number = table.field("field")
        return LetterRule(
            id=table.take("id", str, f"letter.{record_type}.{number:03d}"),
            transactions=self._chosen(table, "in"),
            record_type=record_type,
            number=number,
            letters=table.take("letters", str),
            when=self._when(table, "when"),
            weight=table.weight(),
        )

    def _tally(self, table: Table) -> TallyRule:
        record_type, number = table.field("field")
        return TallyRule(
            id=table.take("id", str, f"tally.{record_type}.{number:03d}"),
            transactions=self._chosen(table, "in"),
            record_type=record_type,
            number=number,
            types=table.numbers("types"),
            of=table.take("of", int, 0),
            when=self._when(table, "when"),
            weight=table.weight(),
        )

    def _field(self, table: Table, usual: Weight | None = None, presence: Weight | None = None) -> FieldRule:
        spelt = table.take("field", str)
        name = table.take("name", str)
        record_type, number = table.row(0, {"field": spelt.partition("/")[0]}).field("field")
        items = tuple(self._item(entry) for entry in table.tables("items"))
        weight = table.weight(usual)
        usual_presence = presence or weight
        return FieldRule(
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

    def _item(self, table: Table, name: str = "") -> Item:
        pattern = table.take("pattern", str, "")
        example = table.take("example", str, "")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # what Python doubts about a pattern, its writer should settle
                compiled = re.compile(pattern) if pattern else None
        except (re.error, RecursionError, OverflowError, Warning):
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
                values = inner.words("is")
                if not values:
                    raise inner.problem("is", "the values for which it holds")
                made = FieldIs(
                    record_type,
                    number,
                    values,
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
            row = table.row(number, values)
            rule = _finished(row, self._field(row, usual, presence))
            made.append(rule)
            if doubted:
                inner = table.row(number, {"must": doubted})
                if doubt is None:
                    raise inner.problem("doubt", "a weight for it in the table")
                must = self._chosen(inner, "must")
                made.append(
                    replace(rule, id=rule.id + DOUBTED, must=must, may=frozenset(), presence=doubt, weight=doubt)
                )
        return made


def _finished(table: Table, rule: R) -> R:
    """The rule, where it took every key of its table."""
    table.finish()
    return rule


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
