"""A transaction against a profile: every departure from it in one pass, none of them shown with what the field held.

    Transaction, Profile ──check──► [Finding, ...]
                    structure · the type of transaction · counts of records · fields · links between them

The code applies rules and knows none: they stand in the profile's file. Not done here: anything that needs a decoded picture.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from mithaq.record.crosscheck import cross_findings
from mithaq.record.fields_check import dictionary_findings
from mithaq.record.findings import Finding
from mithaq.record.model import Field, Record, Transaction, number_in
from mithaq.record.pictures import Decoder
from mithaq.record.profile import CountRule, FieldRule, Item, Profile, Weight, When
from mithaq.record.structure import structure_findings

_CHARACTERS = {
    "A": re.compile(r"[A-Za-z]*"),
    "N": re.compile(r"[0-9]*"),
    "AN": re.compile(r"[A-Za-z0-9]*"),
    "NS": re.compile(r"[0-9!-/:-@\[-`{-~ ]*"),
    "ANS": re.compile(r"[ -~]*"),
    # No control characters, no line or paragraph separators, and none that turn the order of what is shown.
    "U": re.compile("[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufffe\uffff]*"),
}
_CHARACTERS_IN_WORDS = {
    "A": "letters",
    "N": "digits",
    "AN": "letters and digits",
    "NS": "digits and special characters",
    "ANS": "printable ASCII characters",
    "U": "characters without control or direction marks",
}
_FORMS = {"date": ("%Y%m%d", 8, "YYYYMMDD"), "instant": ("%Y%m%d%H%M%SZ", 15, "YYYYMMDDHHMMSSZ")}


def check(
    tx: Transaction, profile: Profile, *, decode: Decoder | None = None, encoding: str | None = None
) -> list[Finding]:
    """Every departure from the profile: structure first, then by record and field. Empty where there is none.

    Where the type of transaction is not the profile's, no rule of it can say what the transaction holds, and only what is
    asked of every transaction is checked. `decode` sharpens what is said of pictures (`crosscheck`); `encoding` is the
    codec of text outside Type-1, where the partner's agreement says another than 1.015 does.
    """
    findings = list(structure_findings(tx, profile))
    if not profile.closed:
        findings.extend(dictionary_findings(tx, profile, encoding=encoding))
    findings.extend(cross_findings(tx, profile, decode=decode))
    transaction = tx.tot
    if not profile.transactions:
        return findings
    if transaction is None or transaction not in profile.transactions:
        findings.append(_unknown_transaction(tx, profile))
        return findings
    asked = _Asked(tx, profile, transaction)
    findings.extend(_counts(asked))
    for index, record in enumerate(tx.records, 1):
        findings.extend(_fields(asked, index, record))
    findings.extend(_links(asked))
    return [found for found in findings if found.severity != "off"]


class _Asked:
    """What one check is about; conditions and the encoding are looked up once, so that the time stays linear."""

    def __init__(self, tx: Transaction, profile: Profile, transaction: str) -> None:
        self.tx = tx
        self.profile = profile
        self.transaction = transaction
        self.encoding = tx.encoding
        rules: list[FieldRule | CountRule] = [*profile.fields, *profile.counts]
        self._holds = {rule.when: rule.when.holds(tx) for rule in rules if rule.when is not None}

    def holds(self, when: When | None) -> bool:
        """True where there is no condition, or the transaction fulfils it."""
        return when is None or self._holds[when]


def _unknown_transaction(tx: Transaction, profile: Profile) -> Finding:
    return Finding(
        code="REC-101",
        rule=f"{profile.name}:transactions",
        severity="error",
        record=1,
        record_type=1,
        field="1.004",
        problem="the type of transaction is not one of the profile's",
        expected=", ".join(profile.transactions),
        met="none" if tx.tot is None else "another",
        clause=profile.title,
        trust="M",
        remedy="check with the profile that the transaction was made for",
    )


def _counts(asked: _Asked) -> Iterator[Finding]:
    for number, rule in enumerate(asked.profile.counts, 1):
        if asked.transaction not in rule.transactions or not asked.holds(rule.when):
            continue
        count = sum(record.type in rule.types for record in asked.tx.records)
        if count not in rule.times:
            types = " or ".join(f"Type-{kind}" for kind in rule.types)
            yield _finding(
                "REC-102",
                f"{asked.profile.name}:count.{number}",
                rule.weight,
                problem=f"the transaction holds another number of {types} records than {asked.transaction} does",
                expected=str(rule.times),
                met=str(count),
                remedy="add or remove records",
            )


def _fields(asked: _Asked, index: int, record: Record) -> Iterator[Finding]:
    profile = asked.profile
    if record.type not in profile.types:
        yield Finding(
            code="REC-103",
            rule=f"{profile.name}:types",
            severity="error",
            record=index,
            record_type=record.type,
            field="",
            problem="the profile knows no record of that type",
            expected=", ".join(f"Type-{kind}" for kind in sorted(profile.types)),
            met=f"Type-{record.type}",
            clause=profile.title,
            trust="M",
            remedy="leave the record out",
        )
        return
    present = {part.number for part in record.fields if part.record_type == record.type}
    for rule in profile.fields:
        must = asked.transaction in rule.must and asked.holds(rule.when)
        if must and rule.record_type == record.type and rule.number not in present:
            yield _field_finding(
                "REC-110",
                profile,
                rule,
                index,
                record,
                "the field is absent",
                expected=rule.name,
                remedy="add the field",
            )
    for part in record.fields:
        if part.record_type != record.type or part.number == 0:
            continue  # a finding of structure
        here = profile.rule(record.type, part.number, asked.transaction)
        if here is None or not asked.holds(here.when):
            yield _stray(asked, index, record, part, here)
        else:
            yield from _value(profile, here, index, record, part, "ascii" if record.type == 1 else asked.encoding)


def _stray(asked: _Asked, index: int, record: Record, part: Field, rule: FieldRule | None) -> Finding:
    profile = asked.profile
    condition = "" if rule is None else f", for it stands only where {rule.when}"
    return Finding(
        code="REC-111",
        rule=f"{profile.name}:{part.name}",
        severity="error",
        record=index,
        record_type=record.type,
        field=part.name,
        problem=f"the field has no place in {asked.transaction}{condition}",
        expected="only the fields that the profile names",
        met="",
        clause=profile.title if rule is None else rule.weight.clause,
        trust="M",
        remedy="leave the field out",
    )


def _value(
    profile: Profile, rule: FieldRule, index: int, record: Record, part: Field, encoding: str
) -> Iterator[Finding]:
    if rule.items[0].kind == "B":
        if len(part.value) not in rule.items[0].length:
            yield _field_finding(
                "REC-114",
                profile,
                rule,
                index,
                record,
                "the data has another length",
                expected=f"{rule.items[0].length} bytes",
                met=f"{len(part.value)} bytes",
                remedy="give the picture, or leave the record out",
            )
        return
    kinds = {item.kind for item in rule.items}
    subfields = _subfields(part, encoding if "U" in kinds else "ascii")
    if subfields is None:
        yield _field_finding(
            "REC-119",
            profile,
            rule,
            index,
            record,
            "the value is not text in the encoding of the field",
            expected=encoding if "U" in kinds else "ASCII",
            remedy="write it in that encoding, or name another in 1.015",
        )
        return
    if len(subfields) not in rule.occurs:
        yield _field_finding(
            "REC-112",
            profile,
            rule,
            index,
            record,
            "the field has another number of subfields",
            expected=str(rule.occurs),
            met=str(len(subfields)),
            remedy="mend the number of subfields",
        )
    for at, items in enumerate(subfields, 1):
        if len(items) != len(rule.items):
            yield _field_finding(
                "REC-113",
                profile,
                rule,
                index,
                record,
                "a subfield has another number of items",
                expected=", ".join(item.name for item in rule.items),
                met=f"{len(items)} items",
                remedy="mend the number of items",
                subfield=at,
            )
            continue
        for number, (item, text) in enumerate(zip(rule.items, items, strict=True), 1):
            problem = _item_problem(item, text)
            if problem is not None:
                code, said, expected, met = problem
                yield _field_finding(
                    code,
                    profile,
                    rule,
                    index,
                    record,
                    said,
                    expected=expected,
                    met=met,
                    remedy=f"mend {item.name}",
                    subfield=at,
                    item=number if len(items) > 1 else 0,
                )


def _subfields(part: Field, encoding: str) -> list[list[str]] | None:
    if part.is_binary_item:
        return [[number] for number in part.text().split(" ")]
    try:
        text = str(part.value, encoding)
    except UnicodeDecodeError:
        return None
    return [subfield.split("\x1f") for subfield in text.split("\x1e")]


def _item_problem(item: Item, text: str) -> tuple[str, str, str, str] | None:
    """Code, problem, what was expected and the shape of what was met; None where the item is in order."""
    if len(text) not in item.length:
        return "REC-114", "the value has another length", f"{item.length} characters", f"{len(text)} characters"
    if not _CHARACTERS[item.kind].fullmatch(text):
        return "REC-115", "the value has characters of another kind", _CHARACTERS_IN_WORDS[item.kind], "others"
    if item.codes and text not in item.codes:
        return "REC-116", "the value is not in the list of codes", ", ".join(item.codes), "another"
    if item.pattern is not None and text and not item.pattern.fullmatch(text):
        return "REC-117", "the value has another form", item.name, "another"
    if item.form and not _exists(item.form, text):
        return "REC-118", "there is no such day or instant", _FORMS[item.form][2], "another"
    return None


def _exists(form: str, text: str) -> bool:
    layout, length, _ = _FORMS[form]
    if len(text) != length:
        return False
    try:
        datetime.strptime(text, layout)
    except ValueError:
        return False
    return True


def _links(asked: _Asked) -> Iterator[Finding]:
    tx, profile = asked.tx, asked.profile
    for rule in profile.links:
        if asked.transaction not in rule.transactions:
            continue
        record = tx.first(rule.record_type)
        found = None if record is None else record.field(rule.number)
        subfields = [] if found is None else bytes(found.value).split(b"\x1e")
        items = [subfield.split(b"\x1f") for subfield in subfields]
        named = Counter(number_in(item[rule.item - 1]) for item in items if len(item) >= rule.item)
        carried = Counter(other.idc for other in tx.records if other.type in rule.types)
        if named != carried:
            yield _finding(
                "REC-129",
                f"{profile.name}:link.{rule.record_type}.{rule.number:03d}",
                rule.weight,
                problem=f"field {rule.record_type}.{rule.number:03d} does not name each print exactly once",
                expected=f"the IDC of each of {carried.total()} prints",
                met=f"{named.total()} entries",
                remedy="name every print that is sent, and no other",
            )


def _finding(code: str, rule: str, weight: Weight, *, problem: str, expected: str, met: str, remedy: str) -> Finding:
    return Finding(
        code=code,
        rule=rule,
        severity=weight.severity,
        record=0,
        record_type=None,
        field="",
        problem=problem,
        expected=expected,
        met=met,
        clause=weight.clause,
        trust=weight.trust,
        remedy=remedy,
    )


def _field_finding(
    code: str,
    profile: Profile,
    rule: FieldRule,
    index: int,
    record: Record,
    problem: str,
    *,
    expected: str = "",
    met: str = "",
    remedy: str,
    subfield: int = 0,
    item: int = 0,
) -> Finding:
    return Finding(
        code=code,
        rule=f"{profile.name}:{rule.field}",
        severity=rule.weight.severity,
        record=index,
        record_type=record.type,
        field=rule.field,
        problem=problem,
        expected=expected,
        met=met,
        clause=rule.weight.clause,
        trust=rule.weight.trust,
        remedy=remedy,
        subfield=subfield,
        item=item,
    )
