"""Makes a condition of a rule true, or untrue, in a transaction: what `explain` and the tests need to show the rule.

    Transaction, When ──arranged──► Transaction in which it holds

What is put in are placeholders that the profile's own rules accept. Not done here: breaking the rule (`breaking`).
"""

from __future__ import annotations

from mithaq.record.examples.skeleton import WORD, value_of, with_record
from mithaq.record.model import Record, Transaction, Value
from mithaq.record.rules.conditions import Each, FieldIs, Holds, Present, Same, Scope, TotIs, When
from mithaq.record.rules.kinds import Profile, TallyRule


def arranged(tx: Transaction, profile: Profile, when: When | None, here: int | None = None) -> Transaction:
    """The transaction with the condition fulfilled, where that can be done; `here` is the index of the record in question."""
    if when is None or when.holds(Scope(tx), None if here is None else tx.records[here]):
        return tx
    if isinstance(when, Each):
        for part in when.parts if when.all else when.parts[:1]:
            tx = arranged(tx, profile, part, here)
        return tx
    if isinstance(when, Holds):
        if when.present:
            return with_record(tx, profile, when.types[0])
        return tx.with_records([record for record in tx.records if record.type not in when.types])
    if isinstance(when, TotIs):
        return tx
    index = place(tx, when.record_type, here)
    if index is None:
        return tx
    record = tx.records[index]
    if isinstance(when, Present):
        changed = with_value(tx, profile, record, when.number) if when.present else record.without_field(when.number)
    elif isinstance(when, Same):
        other = record.field(when.other_number)
        changed = record if other is None else record.with_field(when.number, bytes(other.value))
    else:
        changed = _with_part(with_value(tx, profile, record, when.number), when, when.values[0])
    return tx.replace_record(index, changed)


def upset(tx: Transaction, profile: Profile, when: When, here: int | None = None) -> Transaction:
    """The transaction with the condition no longer fulfilled, where that can be done."""
    if isinstance(when, Each):
        for part in when.parts[:1] if when.all else when.parts:
            tx = upset(tx, profile, part, here)
        return tx
    if isinstance(when, Present):
        return arranged(tx, profile, Present(when.record_type, when.number, not when.present), here)
    if isinstance(when, Holds):
        return arranged(tx, profile, Holds(when.types, not when.present), here)
    if isinstance(when, FieldIs):
        index = place(tx, when.record_type, here)
        rule = profile.rule(when.record_type, when.number, tx.tot or "")
        known = rule.items[max(when.item, 1) - 1].codes if rule is not None else ()
        other = next((code for code in known if code not in when.values), WORD)
        if index is not None:
            return tx.replace_record(index, _with_part(tx.records[index], when, other))
    return tx


def place(tx: Transaction, record_type: int, here: int | None = None) -> int | None:
    """The index of the record in which a rule looks for its fields: the one in question, else the first of the type."""
    if here is not None and tx.records[here].type == record_type:
        return here
    return next((at for at, record in enumerate(tx.records) if record.type == record_type), None)


def with_value(tx: Transaction, profile: Profile, record: Record, number: int) -> Record:
    """The record with that field in it: as it is, else as the profile's rule wants it."""
    if record.field(number) is not None or record.is_binary:
        return record
    for tally in profile.joint:
        if isinstance(tally, TallyRule) and tally.of and (tally.record_type, tally.number) == (record.type, number):
            record = with_value(tx, profile, record, tally.of)
    rule = profile.rule(record.type, number, tx.tot or "")
    value: Value = WORD if rule is None else b"X" if rule.items[0].kind == "B" else value_of(rule)
    return record.with_field(number, value)


def _with_part(record: Record, when: FieldIs, value: str) -> Record:
    found = record.field(when.number)
    if found is None or found.is_binary_item:
        return record
    if not when.subfield and not when.item:
        return record.with_field(when.number, value)
    subfields = [list(subfield) for subfield in found.subfields]
    while len(subfields) < max(when.subfield, 1):
        subfields.append(list(subfields[-1]))
    items = subfields[max(when.subfield, 1) - 1]
    if when.item:
        items[when.item - 1] = value
    else:
        items[:] = [value]
    return record.with_field(when.number, subfields)
