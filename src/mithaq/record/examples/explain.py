"""Explains a rule of a profile: what it asks in words, where that stands, and one example that keeps it, one that breaks it.

    Profile, "pruem-4.22:2.007" ──explain──► Explanation

The examples are made from the rule and checked before they are shown: nothing is found in the one, the rule's own finding in
the other. They hold placeholders, nobody's data. Not done here: making them (`breaking`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import sha256

from mithaq.errors import SettingsError
from mithaq.record.checks.characters import FORMS
from mithaq.record.checks.values import KINDS, codes_in_words
from mithaq.record.examples.breaking import breakings
from mithaq.record.examples.standard import WORDS
from mithaq.record.findings import Finding
from mithaq.record.model import Field, Record, Transaction
from mithaq.record.profile import load_profile
from mithaq.record.rules.kinds import (
    CountRule,
    FieldRule,
    ImageRule,
    Item,
    LetterRule,
    LinkRule,
    Profile,
    Rule,
    Severity,
    Span,
    TallyRule,
    Trust,
    Weight,
    types_in_words,
)

TRUST: dict[Trust, str] = {
    "C": "read in the source",
    "P": "read in an excerpt of the source",
    "R": "recalled, not confirmed",
    "?": "doubtful",
    "M": "mithaq's own rule",
}
_SEVERITY_AR: dict[Severity, str] = {"error": "خطأ", "warn": "تنبيه", "off": "موقوفة"}
_TRUST_AR: dict[Trust, str] = {
    "C": "مقروء في المصدر",
    "P": "مقروء في مقتطف من المصدر",
    "R": "من الذاكرة، غير مؤكد",
    "?": "مشكوك فيه",
    "M": "قاعدة خاصة بميثاق",
}
_OF_EVERY_TRANSACTION = {
    "transactions": ("1.004 names a type of transaction that the profile has.", "نوع المعاملة"),
    "types": ("No record is of a type that the profile does not know.", "أنواع السجلات"),
    "fields": ("No field stands where the profile has no place for it.", "مواضع الحقول"),
    "structure.length": ("x.001 is the number of bytes of the record.", "طول السجل"),
    "structure.contents": ("1.003 lists every record that follows, in order.", "قائمة المحتويات"),
    "structure.order": ("A record begins with x.001, then x.002; x.999 is its last field.", "ترتيب الحقول"),
    "structure.repeated": ("No field stands twice in a record; repeats are subfields.", "تكرار الحقول"),
    "structure.foreign": ("A record holds fields of its own type, each under a tag.", "حقول غريبة"),
    "structure.separator": ("GS stands between fields, FS after the last, and neither inside text.", "الفواصل"),
    "structure.tail": ("Nothing follows the last record.", "ما بعد آخر سجل"),
    "structure.designation": ("Each record after Type-1 has an IDC of its own in x.002.", "رمز تعيين المعلومات"),
    "structure.tag": ("Field numbers in tags have three digits.", "صيغة الوسوم"),
    **WORDS,
}
_SHOWN = 100  # characters of a value in an example
_FIELDS_SHOWN = 4
_NAMES_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Explanation:
    """A rule explained. `kept` and `broken` show what differs between an example that keeps it and one that breaks it.

    `finding` is what the check finds in the second. Without examples all three are empty: the rule is one that the checks
    of every transaction apply, or it cannot be broken because another one is broken first.
    """

    rule: str
    words: str
    words_ar: str
    clause: str
    trust: Trust
    severity: Severity
    kept: str
    broken: str
    finding: Finding | None

    def __str__(self) -> str:
        lines = [
            f"{self.rule}: {self.severity}, {TRUST[self.trust]}",
            self.words,
            self.words_ar,
            f"Clause: {self.clause}",
        ]
        if self.finding is not None:
            lines += [f"Keeps it:  {self.kept}", f"Breaks it: {self.broken}", f"Found:     {self.finding}"]
        return "\n".join(lines)


def explain(profile: Profile | None, rule: str, *, code: str = "") -> Explanation:
    """The rule explained, named as findings print it ("pruem-4.22:2.007") or without the profile's name.

    `code` chooses among the ways in which it can be broken. Without a profile, the one that the rule names is loaded.
    SettingsError REC-095 where the profile has no such rule.
    """
    named, _, name = rule.rpartition(":")
    if profile is None:
        profile = load_profile(named)
    weight = _weight(profile, name) if named in ("", profile.name) else None
    if weight is None:
        near = get_close_matches(name, _names(profile), n=3) or list(_names(profile))[:3]
        raise SettingsError(
            "REC-095",
            "the profile has no rule of that name",
            key=name[:80],
            expected=f"a rule as a finding names it: {', '.join(f'{profile.name}:{one}' for one in near)}",
        )
    ways = breakings(profile, name)
    way = next((one for one in ways if one.finding.code == code), ways[0] if ways else None)
    words, words_ar = _in_words(profile, name, weight)
    if way is not None and way.others:
        words += f" It is never broken alone: with it goes {', '.join(way.others)}."
    kept, broken = ("", "") if way is None else _differences(way.good, way.bad)
    return Explanation(
        rule=f"{profile.name}:{name}",
        words=words,
        words_ar=words_ar,
        clause=weight.clause,
        trust=weight.trust,
        severity=weight.severity,
        kept=kept,
        broken=broken,
        finding=None if way is None else way.finding,
    )


def _weight(profile: Profile, name: str) -> Weight | None:
    rule = profile.rules.get(name)
    return rule.weight if rule is not None else dict(_families(profile)).get(name)


def _names(profile: Profile) -> list[str]:
    return [*profile.rules, *(name for name, _ in _families(profile))]


def _families(profile: Profile) -> Iterator[tuple[str, Weight]]:
    for family, weights in profile.families.items():
        yield from ((f"{family}.{name}" if family else name, weight) for name, weight in weights.items())


# ---------------------------------------------------------------- in words


def _in_words(profile: Profile, name: str, weight: Weight) -> tuple[str, str]:
    rule = profile.rules.get(name)
    if rule is None:
        said, kind_ar = _OF_EVERY_TRANSACTION.get(name, (f"Asked of every transaction: {weight.clause}.", name))
    else:
        said, kind_ar = _said(profile, rule)
        when = rule.when
        if when is not None:
            said += f" Only where {when}."
        if isinstance(rule, FieldRule) and rule.presence != rule.weight:
            presence = rule.presence
            said += f" Its absence is weighed apart: {presence.severity}, {TRUST[presence.trust]} ({presence.clause})."
    if weight.severity == "off":
        said += " The rule is off; an override can turn it on."
    arabic = (
        f"القاعدة {name} من توصيف {profile.name}: {kind_ar}. "
        f"الخطورة: {_SEVERITY_AR[weight.severity]}. المصدر: {_TRUST_AR[weight.trust]}."
    )
    return said, arabic


def _said(profile: Profile, rule: Rule) -> tuple[str, str]:
    where = _transactions(profile, rule.transactions)
    if isinstance(rule, FieldRule):
        return _field_said(profile, rule), f"الحقل {rule.field} {rule.mnemonic}".rstrip()
    kinds = "" if isinstance(rule, LetterRule) or not rule.types else types_in_words(rule.types, "and")
    if isinstance(rule, CountRule):
        if rule.others:
            return f"{where} holds no records but {types_in_words((1, *rule.types), 'and')}.", "سجلات أخرى"
        times = "no" if rule.times == Span(0, 0) else str(rule.times)
        return f"{where} holds {times} {types_in_words(rule.types, 'or')} records.", "عدد السجلات"
    if isinstance(rule, LinkRule):
        return (
            f"In {where}, item {rule.item} of {rule.field} names the IDC of every {kinds} record, each once.",
            "ربط السجلات",
        )
    if isinstance(rule, LetterRule):
        said = (
            f"In {where}, {rule.field} ends with the letter at its number modulo {len(rule.letters)} of {rule.letters}."
        )
        return said, "حرف التحقق"
    if isinstance(rule, TallyRule):
        counted = (
            f"as many subfields as {rule.record_type}.{rule.of:03d}" if rule.of else f"the number of {kinds} records"
        )
        return f"In {where}, {rule.field} has {counted}.", "عدد مذكور في حقل"
    return f"In {where}, pictures in {kinds} records are {_image_said(rule)}.", "حدود الصورة"


def _field_said(profile: Profile, rule: FieldRule) -> str:
    title = f"{rule.field} {rule.mnemonic}".rstrip()
    said = f"{title} ({rule.name})"
    if rule.must:
        said += f" must stand in {_transactions(profile, rule.must)}"
        said += f" where {rule.must_when}" if rule.must_when is not None else ""
    only = rule.may - rule.must
    if only:
        said += f"{', and' if rule.must else ''} may stand in {_transactions(profile, only)}"
    times = "" if (rule.occurs.least, rule.occurs.most) == (1, 1) else f" {rule.occurs} subfields, each"
    if len(rule.items) == 1:
        return f"{said}. It holds{times} {_item_said(rule.items[0])}."
    items = "; ".join(f"{item.name}{' (optional)' if item.optional else ''}: {_item_said(item)}" for item in rule.items)
    return f"{said}. It holds{times or ' one subfield'} of {rule.item_count} items: {items}."


def _item_said(item: Item) -> str:
    if item.kind in ("B", "ANY"):
        return f"{item.length} bytes"
    words = KINDS[item.kind][1]
    parts = [f"1 character ({words})" if item.length == Span(1, 1) else f"{item.length} {words}"]
    if item.codes:
        parts.append(f"one of {codes_in_words(item.codes)}")
    if item.range is not None:
        parts.append(f"a number from {item.range}")
    if item.pattern is not None:
        parts.append(f"of the form of {item.example}")
    if item.form:
        parts.append(f"as {FORMS[item.form][2]}")
    return ", ".join(parts)


def _image_said(rule: ImageRule) -> str:
    parts = [
        f"{span} pixels {name}" for span, name in ((rule.width, "wide"), (rule.height, "high")) if span is not None
    ]
    if rule.ppi:
        parts.append(" or ".join(f"{ppi} ppi" for ppi in rule.ppi))
    if rule.least_ppi:
        parts.append(f"{rule.least_ppi} ppi or more")
    if rule.compression:
        parts.append(f"compressed as {' or '.join(rule.compression)}")
    if rule.bits:
        parts.append(f"{' or '.join(map(str, rule.bits))} bits per pixel")
    if rule.ratio is not None:
        parts.append(f"compressed at most {rule.ratio} to 1")
    said = ", ".join(parts)
    return f"{said} (positions {', '.join(map(str, rule.positions))})" if rule.positions else said


def _transactions(profile: Profile, names: frozenset[str]) -> str:
    if names == frozenset(profile.transactions):
        return "every transaction"
    listed = [name for name in profile.transactions if name in names]
    shown = ", ".join(listed[:_NAMES_SHOWN])
    return shown if len(listed) <= _NAMES_SHOWN else f"{shown} and {len(listed) - _NAMES_SHOWN} others"


# ---------------------------------------------------------------- examples


def _differences(good: Transaction, bad: Transaction) -> tuple[str, str]:
    """What differs between the two, as a person writes it: fields, else the records they hold, else what follows them."""
    if [record.type for record in good.records] != [record.type for record in bad.records]:
        return _records(good), _records(bad)
    kept, broken = [], []
    for one, other in zip(good.records, bad.records, strict=True):
        for was, now in _changed(one, other):
            kept.append(_shown(was, one))
            broken.append(_shown(now, other))
    said = [(k, b) for k, b in zip(kept, broken, strict=True) if ".001:" not in k] or list(
        zip(kept, broken, strict=True)
    )
    if not said:
        return f"{_records(good)}, and nothing after them", f"{_records(bad)}, then {len(bad.tail)} bytes"
    said = said[:_FIELDS_SHOWN]
    return "; ".join(k for k, _ in said), "; ".join(b for _, b in said)


def _changed(one: Record, other: Record) -> Iterator[tuple[Field | None, Field | None]]:
    numbers = sorted({part.number for part in (*one.fields, *other.fields)})
    moved = [part.number for part in one.fields] != [part.number for part in other.fields]
    for number in numbers:
        was = [part for part in one.fields if part.number == number]
        now = [part for part in other.fields if part.number == number]
        if len(now) > len(was):
            yield (was[0] if was else None), now[-1]
        elif [(p.value, p.tag) for p in was] != [(p.value, p.tag) for p in now]:
            yield was[0], (now[0] if now else None)
    if (
        moved
        and {p.number for p in one.fields} == {p.number for p in other.fields}
        and len(one.fields) == len(other.fields)
    ):
        yield one.fields[-1], other.fields[-1]
    if one.end != other.end:
        yield one.fields[-1], other.fields[-1]


def _shown(part: Field | None, record: Record) -> str:
    if part is None:
        return "no such field"
    tag = part.tag.decode("ascii", "replace") or f"{part.name}:"
    if part.number == 999 or (record.is_binary and part is record.fields[-1]):
        return f"{tag}{len(part.value)} bytes, SHA-256 {sha256(part.value).hexdigest()[:8]}…"
    text = part.text() if part.is_binary_item else str(bytes(part.value[: _SHOWN + 1]), "utf-8", "backslashreplace")
    text = text.replace("\x1e", "<RS>").replace("\x1f", "<US>")
    spelt = "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
    end = "" if len(text) <= _SHOWN else "..."
    return f"{tag}{spelt[:_SHOWN]}{end}{'' if record.end or record.is_binary else ' (no FS)'}"


def _records(tx: Transaction) -> str:
    counted: dict[int, int] = {}
    for record in tx.records:
        counted[record.type] = counted.get(record.type, 0) + 1
    return "records " + ", ".join(f"Type-{kind}" + (f" x {n}" if n > 1 else "") for kind, n in counted.items())
