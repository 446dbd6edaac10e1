"""A TOML table that is taken apart: every key must be known, asked for and of its kind, and none may be left.

    Table("field[3]") ──take, words, span, weight ...──► values        anything else is a SettingsError with its key

Not done here: what the keys of a profile mean (`file`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar, cast, get_args

from mithaq.errors import SettingsError
from mithaq.record.rules.kinds import UNSURE, Severity, Span, Trust, Weight

T = TypeVar("T")


class Table:
    """A table on its way into values. `problem` makes the SettingsError REC-091 of a key."""

    def __init__(self, values: Mapping[str, Any], file: str, path: str = "") -> None:
        self._left = dict(values)
        self._file = file
        self._path = path

    def problem(self, key: str, expected: str) -> SettingsError:
        return SettingsError(
            "REC-091", "the profile is not in order", file=self._file, key=self._key(key), expected=expected
        )

    def has(self, key: str) -> bool:
        return key in self._left

    def names(self) -> tuple[str, ...]:
        return tuple(self._left)

    def take(self, key: str, kind: type[T], otherwise: T | None = None) -> T:
        value = self._left.pop(key, otherwise)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.problem(key, f"a value of kind {kind.__name__}")
        return value

    def table(self, key: str) -> Table:
        """The table under the key, an empty one where there is none."""
        return Table(self.take(key, dict, {}), self._file, self._key(key))

    def tables(self, key: str) -> list[Table]:
        entries = self.take(key, list, [])
        if not all(isinstance(entry, dict) for entry in entries):
            raise self.problem(key, "tables")
        return [Table(entry, self._file, f"{self._key(key)}[{i}]") for i, entry in enumerate(entries)]

    def row(self, number: int, values: Mapping[str, Any]) -> Table:
        """A table of values that were read from a line of this one."""
        return Table(values, self._file, f"{self._path} row {number}")

    def words(self, key: str) -> tuple[str, ...]:
        """A list of strings, or one string of words."""
        value = self._left.pop(key, [])
        values = value.split() if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
            raise self.problem(key, "a list of strings, or words in one string")
        return tuple(values)

    def numbers(self, key: str) -> tuple[int, ...]:
        """A list of numbers, or one string of numbers and ranges ("1-10 13"), or a single number."""
        value = self._left.pop(key, [])
        values = [value] if isinstance(value, int) else value
        if isinstance(value, str):
            matches = [re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", word) for word in value.split()]
            if not all(matches):
                raise self.problem(key, 'numbers and ranges, as "1-10 13"')
            return tuple(n for m in matches if m for n in range(int(m[1]), int(m[2] or m[1]) + 1))
        if not isinstance(values, list) or not all(isinstance(one, int) for one in values):
            raise self.problem(key, "a list of numbers")
        return tuple(values)

    def choice(self, key: str, known: tuple[str, ...], otherwise: str | None = None) -> str:
        value = self.take(key, str, otherwise)
        if value not in known:
            raise self.problem(key, " or ".join(known))
        return value

    def span(self, key: str, otherwise: str | None = None) -> Span:
        match = re.fullmatch(r"(\d{1,9})(-(\d{1,9})?)?", self.take(key, str, otherwise))
        if match is None:
            raise self.problem(key, 'bounds, as "1", "1-40" or "1-"')
        least = int(match[1])
        return Span(least, least if match[2] is None else int(match[3]) if match[3] else None)

    def optional_span(self, key: str) -> Span | None:
        return self.span(key) if self.has(key) else None

    def field(self, key: str) -> tuple[int, int]:
        match = re.fullmatch(r"(\d{1,2})\.(\d{3,4})", self.take(key, str))
        if match is None:
            raise self.problem(key, 'a field, as "2.007"')
        return int(match[1]), int(match[2])

    def weight(self, default: Weight | None = None) -> Weight:
        """Severity, trust and clause, each from the default where it is not given.

        SettingsError REC-092 where an error would rest on a source that is only recalled.
        """
        severity, trust, clause = (None,) * 3 if default is None else (default.severity, default.trust, default.clause)
        weight = Weight(
            cast(Severity, self.choice("severity", get_args(Severity), severity)),
            cast(Trust, self.choice("trust", get_args(Trust), trust)),
            self.take("clause", str, clause),
        )
        if weight.severity == "error" and weight.trust in UNSURE:
            raise SettingsError(
                "REC-092",
                "a rule that is only recalled, or doubted, would refuse a transaction",
                file=self._file,
                key=self._key("severity"),
                expected=f"warn or off with trust {weight.trust}; or trust C, P or M, with the clause that was read",
            )
        return weight

    def finish(self) -> None:
        if self._left:
            raise self.problem(next(iter(self._left)), "no key of that name")

    def _key(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key
