"""A transaction against a profile: every departure from it in one pass, none of them shown with what the field held.

    Transaction, Profile ──check──► [Finding, ...]
        structure · the type of transaction · counts of records · fields · what several records or fields say together

The code applies rules and knows none: they stand in the profile's file. Not done here: items of a field (`values`), rules
over several fields (`joint`), anything that needs a decoded picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mithaq.record.checks.cross import cross_findings
from mithaq.record.checks.fields import dictionary_findings
from mithaq.record.checks.joint import joint_findings
from mithaq.record.checks.pictures import Decoder
from mithaq.record.checks.structure import structure_findings
from mithaq.record.checks.values import MOST_ALIKE, value_problems
from mithaq.record.findings import Finding
from mithaq.record.model import Field, Record, Transaction
from mithaq.record.offsets import offsets
from mithaq.record.rules.conditions import Scope, When
from mithaq.record.rules.kinds import FieldRule, Profile, Weight, types_in_words
from mithaq.record.text import codec_of


def check(
    tx: Transaction, profile: Profile, *, decode: Decoder | None = None, encoding: str | None = None
) -> list[Finding]:
    """Every departure from the profile: structure first, then by record and field. Empty where there is none.

    Where the type of transaction is not one of the profile's, no rule of it can say what the transaction holds, and only
    what is asked of every transaction is checked. `decode` sharpens what is said of pictures (`crosscheck`); `encoding` is
    the codec of text outside Type-1, where the partner's agreement says another than the profile and 1.015 do.
    """
    encoding = codec_of(tx, encoding if encoding is not None else profile.declared(tx))
    findings = list(structure_findings(tx, profile))
    if not profile.closed:
        findings.extend(dictionary_findings(tx, profile, encoding=encoding))
    findings.extend(cross_findings(tx, profile, decode=decode))
    own: list[Finding] = []
    if tx.tot in profile.transactions:
        asked = _Asked(tx, profile, encoding)
        own.extend(_counts(asked))
        for index, record in enumerate(tx.records, 1):
            own.extend(_record(asked, index, record))
        own.extend(joint_findings(tx, profile, asked.holds))
    elif profile.transactions:
        own.append(_unknown_transaction(tx, profile))
    findings.extend(_placed(tx, own))
    return [found for found in findings if found.severity != "off"]


def _placed(tx: Transaction, findings: list[Finding]) -> Iterator[Finding]:
    """The findings with the byte at which their field begins, or their record where it has no such field."""
    places = offsets(tx)
    starts: dict[str, int] = {}
    index = 0
    for found in findings:
        if not found.record:
            yield found
            continue
        if found.record != index:
            index = found.record
            parts = zip(tx.records[index - 1].fields, places.fields(index), strict=True)
            starts = {}
            for part, start in parts:
                starts.setdefault(part.name, start)
        yield replace(found, offset=starts.get(found.field, places.record(index)))


class _Asked:
    """What one check is about; conditions and the encoding are looked up once, so that the time stays linear."""

    def __init__(self, tx: Transaction, profile: Profile, encoding: str) -> None:
        self.tx = tx
        self.profile = profile
        self.transaction = tx.tot or ""
        self.encoding = encoding
        self._scope = Scope(tx)
        self._held: dict[tuple[int, int], bool] = {}

    def holds(self, when: When | None, here: Record | None = None) -> bool:
        """True where there is no condition, or the transaction, and the record being checked, fulfil it."""
        if when is None:
            return True
        key = (id(when), id(here))
        if key not in self._held:
            self._held[key] = when.holds(self._scope, here)
        return self._held[key]


def _unknown_transaction(tx: Transaction, profile: Profile) -> Finding:
    weight = profile.frame["transactions"]
    known = list(profile.transactions)
    return Finding(
        code="REC-101",
        rule=f"{profile.name}:transactions",
        severity=weight.severity,
        record=1,
        record_type=1,
        field="1.004",
        problem="the type of transaction is not one of the profile's",
        expected=", ".join(known[:12]) + (f" or one of {len(known) - 12} others" if len(known) > 12 else ""),
        met="none" if tx.tot is None else "another",
        clause=weight.clause,
        trust=weight.trust,
        remedy="check with the profile that the transaction was made for",
    )


def _counts(asked: _Asked) -> Iterator[Finding]:
    for rule in asked.profile.counts:
        if asked.transaction not in rule.transactions or not asked.holds(rule.when):
            continue
        count = sum((record.type in rule.types) != rule.others for record in asked.tx.records)
        if count not in rule.times:
            types = types_in_words(rule.types, "or")
            kinds = f"other records than {types}" if rule.others else f"{types} records"
            yield Finding(
                code="REC-102",
                rule=f"{asked.profile.name}:{rule.id}",
                severity=rule.weight.severity,
                record=0,
                record_type=None,
                field="",
                problem=f"the transaction holds another number of {kinds} than {asked.transaction} does",
                expected=str(rule.times),
                met=str(count),
                clause=rule.weight.clause,
                trust=rule.weight.trust,
                remedy="add or remove records",
            )


def _record(asked: _Asked, index: int, record: Record) -> Iterator[Finding]:
    profile = asked.profile
    if profile.types and record.type not in profile.types:
        weight = profile.frame["types"]
        yield Finding(
            code="REC-103",
            rule=f"{profile.name}:types",
            severity=weight.severity,
            record=index,
            record_type=record.type,
            field="",
            problem="the profile knows no record of that type",
            expected=", ".join(f"Type-{kind}" for kind in sorted(profile.types)),
            met=f"Type-{record.type}",
            clause=weight.clause,
            trust=weight.trust,
            remedy="leave the record out",
        )
        return
    present = {part.number for part in record.fields if part.record_type == record.type}
    for rule in profile.by_type.get(record.type, ()):
        if (
            asked.transaction in rule.must
            and rule.number not in present
            and asked.holds(rule.when, record)
            and asked.holds(rule.must_when, record)
        ):
            condition = f", which must stand where {rule.must_when}" if rule.must_when is not None else ""
            yield _finding(
                "REC-110",
                f"{profile.name}:{rule.id}",
                rule.presence,
                index,
                record,
                rule.field,
                f"the field is absent{condition}",
                expected=rule.name,
                remedy="add the field",
            )
    for part in record.fields:
        if part.record_type != record.type or part.number == 0:
            continue  # a finding of structure
        here = profile.rule(record.type, part.number, asked.transaction)
        if here is None:
            yield from _stray(asked, index, record, part)
        elif not asked.holds(here.when, record):
            yield _finding(
                "REC-111",
                f"{profile.name}:{here.id}",
                here.presence,
                index,
                record,
                part.name,
                f"the field has no place in {asked.transaction}, for it stands only where {here.when}",
                expected="no such field here",
                remedy="leave the field out",
            )
        else:
            yield from _value(asked, here, index, record, part)


def _stray(asked: _Asked, index: int, record: Record, part: Field) -> Iterator[Finding]:
    """A field that the profile does not place: in an open profile that is one which it names for other transactions."""
    profile = asked.profile
    known = (record.type, part.number) in profile.by_field
    if profile.closed or known:
        yield _finding(
            "REC-111",
            f"{profile.name}:fields",
            profile.frame["fields"],
            index,
            record,
            part.name,
            f"the field has no place in {asked.transaction}",
            expected=f"only the fields that the profile names{'' if profile.closed else ' for it'}",
            remedy="leave the field out",
        )


def _value(asked: _Asked, rule: FieldRule, index: int, record: Record, part: Field) -> Iterator[Finding]:
    encoding = "ascii" if record.type == 1 else asked.encoding
    for count, found in enumerate(value_problems(rule, part, encoding)):
        if count == MOST_ALIKE:
            said, remedy = "more findings about this field are not listed", "mend those that are"
            name = f"{asked.profile.name}:{rule.id}"
            yield _finding("REC-136", name, rule.weight, index, record, rule.field, said, remedy=remedy)
            return
        yield _finding(
            found.code,
            f"{asked.profile.name}:{rule.id}",
            rule.weight,
            index,
            record,
            rule.field,
            found.problem,
            expected=found.expected,
            met=found.met,
            remedy=found.remedy,
            subfield=found.subfield,
            item=found.item,
        )


def _finding(
    code: str,
    rule: str,
    weight: Weight,
    index: int,
    record: Record,
    field: str,
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
        rule=rule,
        severity=weight.severity,
        record=index,
        record_type=record.type,
        field=field,
        problem=problem,
        expected=expected,
        met=met,
        clause=weight.clause,
        trust=weight.trust,
        remedy=remedy,
        subfield=subfield,
        item=item,
    )
