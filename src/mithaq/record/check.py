"""A transaction against a profile: every departure from it in one pass, none of them shown with what the field held.

    Transaction, Profile ──check──► [Finding, ...]
        structure · the type of transaction · counts of records · fields · what several records or fields say together

The code applies rules and knows none: they stand in the profile's file. Not done here: items of a field (`checks.values`), rules
over several fields (`checks.joint`), anything that needs a decoded picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from mithaq.record.checks.cross import CROSS_REMEDIES, cross_faults
from mithaq.record.checks.faults import MOST_ALIKE, Weigher
from mithaq.record.checks.fields import dictionary_findings
from mithaq.record.checks.joint import joint_findings
from mithaq.record.checks.pictures import Decoder
from mithaq.record.checks.structure import STRUCTURE_REMEDIES, structure_faults
from mithaq.record.checks.values import codes_in_words, value_findings
from mithaq.record.findings import Finding
from mithaq.record.model import Field, Record, Transaction
from mithaq.record.rules.conditions import Scope, When
from mithaq.record.rules.kinds import FieldRule, Profile, types_in_words
from mithaq.record.text import codec_of


def check(
    tx: Transaction, profile: Profile, *, decode: Decoder | None = None, encoding: str | None = None
) -> list[Finding]:
    """Every departure from the profile: structure first, then by record and field. Empty where there is none.

    Where the type of transaction is not one of the profile's, no rule of it can say what the transaction holds, and only
    what is asked of every transaction is checked. `decode` sharpens what is said of pictures (`checks.cross`); `encoding` is
    the codec of text outside Type-1, where the partner's agreement says another than the profile and 1.015 do.
    """
    encoding = codec_of(tx, encoding if encoding is not None else profile.declared(tx))
    weigher = Weigher(tx, profile)
    findings = list(weigher.weighed("structure", STRUCTURE_REMEDIES, structure_faults(tx)))
    if not profile.closed:
        findings += dictionary_findings(weigher, encoding)
    findings += weigher.weighed("cross", CROSS_REMEDIES, cross_faults(tx, decode))
    if tx.tot in profile.transactions:
        asked = _Asked(weigher, encoding)
        findings += _counts(asked)
        for index, record in enumerate(tx.records, 1):
            findings += _record(asked, index, record)
        findings += joint_findings(weigher, asked.holds)
    elif profile.transactions:
        findings.append(_unknown_transaction(weigher))
    return [found for found in findings if found.severity != "off"]


class _Asked:
    """What one check is about; conditions and the encoding are looked up once, so that the time stays linear."""

    def __init__(self, weigher: Weigher, encoding: str) -> None:
        self.weigher = weigher
        self.tx = weigher.tx
        self.profile = weigher.profile
        self.transaction = self.tx.tot or ""
        self.encoding = encoding
        self._scope = Scope(self.tx)
        self._held: dict[tuple[int, int], bool] = {}

    def holds(self, when: When | None, here: Record | None = None) -> bool:
        """True where there is no condition, or the transaction, and the record being checked, fulfil it."""
        if when is None:
            return True
        key = (id(when), id(here))
        if key not in self._held:
            self._held[key] = when.holds(self._scope, here)
        return self._held[key]


def _unknown_transaction(weigher: Weigher) -> Finding:
    said, remedy = (
        "the type of transaction is not one of the profile's",
        "check with the profile that the transaction was made for",
    )
    weight, known = weigher.profile.families[""]["transactions"], codes_in_words(tuple(weigher.profile.transactions))
    met = "none" if weigher.tx.tot is None else "another"
    return weigher.finding("transactions", weight, "REC-101", 1, 4, said, known, met, remedy=remedy)


def _counts(asked: _Asked) -> Iterator[Finding]:
    for rule in asked.profile.counts:
        if asked.transaction not in rule.transactions or not asked.holds(rule.when):
            continue
        count = sum((record.type in rule.types) != rule.others for record in asked.tx.records)
        if count not in rule.times:
            types = types_in_words(rule.types, "or")
            kinds = f"other records than {types}" if rule.others else f"{types} records"
            said = f"the transaction holds another number of {kinds} than {asked.transaction} does"
            yield asked.weigher.finding(
                rule.id, rule.weight, "REC-102", 0, 0, said, str(rule.times), str(count), remedy="add or remove records"
            )


def _record(asked: _Asked, index: int, record: Record) -> Iterator[Finding]:
    profile, finding = asked.profile, asked.weigher.finding
    if profile.types and record.type not in profile.types:
        said, known = "the profile knows no record of that type", ", ".join(f"Type-{n}" for n in sorted(profile.types))
        weight, met = profile.families[""]["types"], f"Type-{record.type}"
        yield finding("types", weight, "REC-103", index, 0, said, known, met, remedy="leave the record out")
        return
    present = {part.number for part in record.fields if part.record_type == record.type}
    for rule in profile.by_type.get(record.type, ()):
        if (
            asked.transaction in rule.must
            and rule.number not in present
            and asked.holds(rule.when, record)
            and asked.holds(rule.must_when, record)
        ):
            where = f", which must stand where {rule.must_when}" if rule.must_when is not None else ""
            said, remedy = f"the field is absent{where}", "add the field"
            yield finding(rule.id, rule.presence, "REC-110", index, rule.number, said, rule.name, remedy=remedy)
    for part in record.fields:
        if part.record_type != record.type or part.number == 0:
            continue  # a finding of structure
        here = profile.rule(record.type, part.number, asked.transaction)
        if here is not None and asked.holds(here.when, record):
            yield from _value(asked, here, index, part)
            continue
        said, remedy = f"the field has no place in {asked.transaction}", "leave the field out"
        if here is not None:
            said, expected = f"{said}, for it stands only where {here.when}", "no such field here"
            yield finding(here.id, here.presence, "REC-111", index, part.number, said, expected, remedy=remedy)
        elif profile.closed or (record.type, part.number) in profile.by_field:  # open: one that other transactions have
            expected = f"only the fields that the profile names{'' if profile.closed else ' for it'}"
            weight = profile.families[""]["fields"]
            yield finding("fields", weight, "REC-111", index, part.number, said, expected, remedy=remedy)


def _value(asked: _Asked, rule: FieldRule, index: int, part: Field) -> Iterator[Finding]:
    encoding = "ascii" if part.record_type == 1 else asked.encoding
    findings = value_findings(asked.weigher, rule, index, part, encoding)
    yield from islice(findings, MOST_ALIKE)
    if next(findings, None) is not None:
        said, remedy = "more findings about this field are not listed", "mend those that are"
        yield asked.weigher.finding(rule.id, rule.weight, "REC-136", index, rule.number, said, remedy=remedy)
