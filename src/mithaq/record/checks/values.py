"""What a field holds, against the rule for it: its subfields, its items, and each item's length, characters and form.

    FieldRule, Field ──value_findings──► Finding, Finding, ...

A finding says of what shape a value is, never what it is. Not done here: whether the field may stand there (`check`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from mithaq.record.checks.characters import CHARACTERS, FORMS, is_moment
from mithaq.record.checks.faults import Weigher
from mithaq.record.findings import Finding
from mithaq.record.model import Field
from mithaq.record.rules.kinds import FieldRule, Item
from mithaq.record.text import decode

KINDS = CHARACTERS | {
    "TEXT": (re.compile(r"[ -~\t\r\n]*"), "printable ASCII characters and line ends"),
    # No control characters, no line or paragraph separators, and none that turn the order of what is shown.
    "U": (
        re.compile("[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufffe\uffff]*"),
        "characters without control or direction marks",
    ),
}
_CODES_SHOWN = 12
_MOST_DIGITS = 20  # a longer number is out of any range


def value_findings(weigher: Weigher, rule: FieldRule, index: int, part: Field, encoding: str) -> Iterator[Finding]:
    """Every departure of the field's value from the rule, in order. `encoding` is the transaction's for free text."""
    finding = partial(_finding, weigher, rule, index)
    if rule.items[0].kind in ("B", "ANY"):
        length = rule.items[0].length
        if len(part.value) not in length:
            said, met = "the data has another length", f"{len(part.value)} bytes"
            yield finding("REC-114", said, f"{length} bytes", met, f"mend {rule.name}")
        return
    spoken = encoding if any(item.kind == "U" for item in rule.items) else "ascii"
    text = _text(part, spoken)
    if text is None:
        said, named = "the value is not text in the encoding of the field", "ASCII" if spoken == "ascii" else spoken
        yield finding("REC-119", said, named, "", "write it in that encoding, or name another in 1.015")
        return
    count = text.count("\x1e") + 1
    if count not in rule.occurs:
        said = "the field has another number of subfields"
        yield finding("REC-112", said, str(rule.occurs), str(count), "mend the number of subfields")
    item_count = rule.item_count
    for at, subfield in enumerate(_subfields(text, count, rule.occurs.most), 1):
        texts = subfield.split("\x1f")
        if len(texts) not in item_count:
            said, expected = "a subfield has another number of items", ", ".join(item.name for item in rule.items)
            yield finding("REC-113", said, expected, f"{len(texts)} items", "mend the number of items", at)
            continue
        for number, (item, spelt) in enumerate(zip(rule.items, texts, strict=False), 1):
            problem = None if item.optional and not spelt else item_problem(item, spelt)
            if problem is not None:
                yield finding(*problem, f"mend {item.name}", at, number if len(texts) > 1 else 0)


def _finding(
    weigher: Weigher,
    rule: FieldRule,
    index: int,
    code: str,
    said: str,
    expected: str,
    met: str,
    remedy: str,
    subfield: int = 0,
    item: int = 0,
) -> Finding:
    return weigher.finding(
        rule.id, rule.weight, code, index, rule.number, said, expected, met, remedy=remedy, subfield=subfield, item=item
    )


def item_problem(item: Item, text: str) -> tuple[str, str, str, str] | None:
    """Code, problem, what was expected and the shape of what was met; None where the item is in order."""
    if len(text) not in item.length:
        return "REC-114", "the value has another length", f"{item.length} characters", f"{len(text)} characters"
    characters, words = KINDS[item.kind]
    if not characters.fullmatch(text):
        return "REC-115", "the value has characters of another kind", words, "others"
    if item.codes and text not in item.codes:
        return "REC-116", "the value is not in the list of codes", codes_in_words(item.codes), "another"
    if item.range is not None and not (text.isdigit() and len(text) <= _MOST_DIGITS and int(text) in item.range):
        return "REC-177", "the number is out of its range", str(item.range), "another"
    if item.pattern is not None and text and not item.pattern.fullmatch(text):
        return "REC-117", "the value has another form", f"{item.name}, as {item.example}", "another"
    if item.form and not is_moment(text, item.form):
        return "REC-118", "there is no such day or instant", FORMS[item.form][2], "another"
    return None


def codes_in_words(codes: tuple[str, ...]) -> str:
    """A list of codes as a sentence shows it: the first of a long one, and how many there are."""
    shown = ", ".join(codes[:_CODES_SHOWN])
    return shown if len(codes) <= _CODES_SHOWN else f"{shown} or one of {len(codes) - _CODES_SHOWN} others"


def _text(part: Field, encoding: str) -> str | None:
    """The field as text; the numbers of a binary item as its subfields. None where it is not in that encoding."""
    if part.is_binary_item:
        return part.text().replace(" ", "\x1e")
    try:
        return decode(part.value, encoding)
    except UnicodeDecodeError:
        return None


def _subfields(text: str, count: int, most: int | None) -> Iterator[str]:
    """The subfields one after another, no more than there may be: what is beyond is one finding, however many there are."""
    start = 0
    for _ in range(count if most is None else min(count, most)):
        end = text.find("\x1e", start)
        yield text[start : end if end >= 0 else len(text)]
        start = end + 1
