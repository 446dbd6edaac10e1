"""One information item against its row of the dictionary: characters, length, range, code list, date or form.

    ItemEntry, bytes of the item ──item_fault──► Fault(name of the weight, code, what to say), or None
    field ──layout_of──► Layout: which rule each item of a subfield goes by

A fault says of what shape the value is, never what it is. Not done here: how serious a fault is (`fields`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from mithaq.record.checks.characters import CHARACTERS, FORMS, is_moment
from mithaq.record.checks.faults import Fault
from mithaq.record.dictionary import code_table, entry
from mithaq.record.fields import ItemEntry

_TEXT = "U"
_CHARACTERS = CHARACTERS | {
    "B64": (re.compile(r"[A-Za-z0-9+/=\r\n]*"), "base 64"),
    # No control characters but tabs and line ends (02 and 03 are a finding of structure), no marks that turn what is shown.
    _TEXT: (
        re.compile("[^\x00\x01\x04-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]*"),
        "text without control marks",
    ),
}
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{0,15})?")
_DATE = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_SHORT_NUMBER = re.compile(r"[0-9]{1,9}")
_PLAIN = re.compile(rb"[\x20-\x7e]*")
_INSTANT = re.compile(r"[0-9]{14}Z")


@dataclass(frozen=True, slots=True)
class Layout:
    """How the items of a subfield follow one another: `cycle` of them at the end repeat together, `least` must be there.

    A row that says nothing of its items has one rule of no kind, which every item goes by.
    """

    rules: tuple[ItemEntry, ...]
    cycle: int
    least: int

    def slot(self, at: int) -> int | None:
        """Which rule the item at that place, from 0, goes by; None where it is one too many."""
        if at < len(self.rules):
            return at
        fixed = len(self.rules) - self.cycle
        return fixed + (at - fixed) % self.cycle if self.cycle else None

    def amiss(self, items: Sequence[bytes]) -> Fault | None:
        """The fault of a subfield with items too few or too many; empty ones at the end are none too many."""
        if len(items) >= self.least and (self.cycle or not any(items[len(self.rules) :])):
            return None
        expected = ", ".join(rule.name for rule in self.rules)
        return Fault("items", "REC-113", "a subfield has another number of items", expected, f"{len(items)} items")


@lru_cache(4096)
def layout_of(record_type: int, number: int) -> Layout:
    """The layout of a field that the dictionary has."""
    known = entry(record_type, number)
    rules = () if known is None else known.items
    cycle = 0
    for rule in reversed(rules):
        if rule.kind and rule.occurs[1] == 1:
            break
        cycle += 1
    must = [at for at, rule in enumerate(rules[: len(rules) - cycle], 1) if rule.condition == "M"]
    return Layout(rules, cycle, max(must, default=1))


def item_fault(rule: ItemEntry, raw: bytes, encoding: str, edition: str, *, counted: bool = True) -> Fault | None:
    """The first fault of an item, or None. `counted` is False for items of the binary records, which have no characters.

    `encoding` is that of text; every other kind is ASCII. `edition` is 1.002, or "" where no rule shall go by it.
    """
    if not raw:
        if rule.condition == "M" and rule.kind:
            return Fault("items", "REC-113", "an item that must stand is empty", rule.name)
        return None
    text = _decoded(rule, raw, encoding)
    if text is None:
        return Fault("encoding", "REC-119", "the value is not text in its encoding", encoding)
    allowed, spoken = _CHARACTERS[rule.kind or _TEXT]
    if not allowed.fullmatch(text):
        return Fault("characters", "REC-115", "the value has characters of another kind", spoken, "others")
    least, most = rule.length
    if counted and (len(text) < least or (most is not None and len(text) > most)):
        expected = f"{least} characters" if least == most else f"{least} to {most or 'any number of'} characters"
        return Fault("length", "REC-114", "the value has another length", expected, f"{len(text)} characters")
    if rule.values and not _in_range(rule, text):
        expected = ", ".join(f"{low} to {high}" if low != high else f"{low}" for low, high in rule.values)
        return Fault("range", "REC-131", "the number is outside its range", expected, "another")
    if rule.codes:
        return _code_fault(rule.codes, text, edition)
    return _form_fault(rule.form, text) if rule.form else None


def _decoded(rule: ItemEntry, raw: bytes, encoding: str) -> str | None:
    """The item as text; None where it is not in its encoding. What is no text is read byte by byte: its characters tell."""
    if rule.kind not in (_TEXT, "") or (not rule.kind and _PLAIN.fullmatch(raw)):
        return raw.decode("latin-1")
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None


def _code_fault(table: str, text: str, edition: str) -> Fault | None:
    known = code_table(table)
    code = text if text in known or not _SHORT_NUMBER.fullmatch(text) else str(int(text))
    if code not in known:
        expected = ", ".join(list(known)[:24]) + (f" and {len(known) - 24} more" if len(known) > 24 else "")
        return Fault("codes", "REC-116", "the value is not in the list of codes", expected, "another")
    if edition and code not in code_table(table, edition):
        said = "the edition in 1.002 does not have that code"
        return Fault("edition", "REC-134", said, f"a code of edition {edition}", "one of another edition")
    return None


def _in_range(rule: ItemEntry, text: str) -> bool:
    number = float(text) if _NUMBER.fullmatch(text) else None
    return number is not None and any(low <= number <= high for low, high in rule.values)


def _form_fault(form: str, text: str) -> Fault | None:
    if form in ("date", "instant"):
        exists = _is_date(text) if form == "date" else _INSTANT.fullmatch(text) is not None and is_moment(text, form)
        said = "there is no such day or instant"
        return None if exists else Fault("date", "REC-118", said, FORMS[form][2], "another")
    if not _pattern(form).fullmatch(text):
        return Fault("form", "REC-117", "the value has another form", f"as {form}", "another")
    return None


def _is_date(text: str) -> bool:
    """A day; or a month or year alone, or nothing at all, with zeros for what is not known."""
    match = _DATE.fullmatch(text)
    if match is None:
        return False
    year, month, day = match.groups()
    if day == "00":
        return int(month) <= 12 and not (month != "00" and year == "0000")
    return is_moment(text, "date")


@cache
def _pattern(form: str) -> re.Pattern[str]:
    return re.compile(form)
