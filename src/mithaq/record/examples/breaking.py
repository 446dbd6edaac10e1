"""Breaks a rule of a profile, each way it can be broken alone: how a rule is shown, and how the tests prove that it works.

    Profile, id of a rule ──breakings──► [Breaking(code, transaction that keeps it, one that breaks it), ...]

A breaking counts only where the check of the first finds nothing and the check of the second finds that rule's departure,
once, and nothing else. Not done here: how single values are spoilt (`spoiling`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from mithaq.record.check import check
from mithaq.record.examples.arrange import arranged, place, upset, with_value
from mithaq.record.examples.skeleton import (
    SIDE,
    mended,
    picture,
    placeholder,
    settled,
    skeleton,
    turned_on,
    with_record,
)
from mithaq.record.examples.spoiling import header_item, put_in, spoilt_frames, spoilt_structures, spoilt_values
from mithaq.record.examples.standard import example, sound
from mithaq.record.findings import Finding
from mithaq.record.images import BINARY_COMPRESSION
from mithaq.record.model import BINARY_ITEMS, DATA_NUMBER, Record, Transaction
from mithaq.record.rules.conditions import TotIs
from mithaq.record.rules.kinds import CountRule, FieldRule, ImageRule, LetterRule, LinkRule, Profile, Rule, TallyRule

_MOST_RECORDS = 120  # a count without a limit that can be reached is shown by what is missing
_OTHER_TYPES = (8, 16, 17, 10, 14, 13, 15, 7, 9, 4)


@dataclass(frozen=True, slots=True)
class Breaking:
    """One way in which a rule is broken, beside what keeps it. `finding` is the rule's own in the check of `bad`.

    `others` are the rules that the same fault breaks; empty, but for the few rules that cannot be broken alone.
    """

    good: Transaction
    bad: Transaction
    finding: Finding
    others: tuple[str, ...] = ()


def breakings(profile: Profile, rule_id: str) -> list[Breaking]:
    """Each way of breaking the rule alone, one for every code that it can give; one with others where there is none.

    A rule that is off is turned on for it. Empty where the rule cannot be broken, for another one is broken before it.
    """
    rule = profile.rules.get(rule_id)
    if rule is not None:
        profile = turned_on(profile, rule_id)
    elif example(rule_id) is not None:  # a rule of every transaction, shown with one that is no profile's
        profile = replace(profile, transactions={})
    name = f"{profile.name}:{rule_id}"
    alone: dict[str, Breaking] = {}
    beside: Breaking | None = None
    for good, bad in _candidates(profile, rule) if rule is not None else _without_rule(profile, rule_id):
        findings = check(bad, profile)
        own = [found for found in findings if found.rule == name]
        others = tuple(sorted({found.rule for found in findings if found.rule != name}))
        if len(findings) == 1 and own:
            alone.setdefault(own[0].code, Breaking(good, bad, own[0]))
            if rule is None:
                break
        elif own and (beside is None or len(others) < len(beside.others)):
            beside = Breaking(good, bad, own[0], others)
    return list(alone.values()) or ([beside] if beside is not None else [])


def _without_rule(profile: Profile, rule_id: str) -> Iterator[tuple[Transaction, Transaction]]:
    family, _, name = rule_id.rpartition(".")
    if (shown := example(rule_id)) is not None:
        yield shown
        return
    for tx in _starts(profile):
        if family == "structure":
            spoilt = spoilt_structures(tx, profile, name)
        else:
            spoilt = spoilt_frames(tx, profile, name) if not family else iter(())
        yield from ((tx, bad) for bad in spoilt)


def _starts(profile: Profile, names: frozenset[str] = frozenset()) -> Iterator[Transaction]:
    """Transactions that keep the profile, of these types or of any."""
    if not profile.transactions:
        yield sound()
    for name in sorted(names or profile.transactions):
        yield _start(_Same(profile), name)


class _Same:
    """A profile as the key of a cache: that one, not an equal one."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile

    def __hash__(self) -> int:
        return id(self.profile)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.profile is other.profile


@lru_cache(maxsize=256)
def _start(key: _Same, name: str) -> Transaction:
    return skeleton(name, key.profile)


# ---------------------------------------------------------------- by kind of rule


def _candidates(profile: Profile, rule: Rule) -> Iterator[tuple[Transaction, Transaction]]:
    if isinstance(rule, FieldRule):
        yield from _fields(profile, rule)
        return
    for start in _starts(profile, rule.transactions):
        tx = start if rule.when is None else mended(arranged(start, profile, rule.when), profile)
        if isinstance(rule, CountRule):
            pairs = _counts(tx, profile, rule)
        elif isinstance(rule, ImageRule):
            pairs = _images(tx, profile, rule)
        elif (index := place(tx, rule.record_type)) is None:
            continue
        elif isinstance(rule, LinkRule):
            pairs = _links(tx, rule, index)
        elif isinstance(rule, LetterRule):
            pairs = _letters(tx, profile, rule, index)
        else:
            pairs = _tallies(tx, profile, rule, index)
        good, is_good = start, True
        some = False
        for kept, bad in pairs:
            if kept is not good:
                good, is_good = kept, not check(kept, profile)
            if is_good:
                some = True
                yield good, bad
        if some:
            return


def _fields(profile: Profile, rule: FieldRule) -> Iterator[tuple[Transaction, Transaction]]:
    """The field taken out, put where it has no place, and spoilt, in transactions in which it may stand."""
    for names in (rule.must, rule.may):
        for good in _goods(profile, rule, names) if names else ():
            index = place(good, rule.record_type)
            if index is None:
                continue
            record = good.records[index]
            if names is rule.must and not record.is_binary:
                asked = mended(arranged(good, profile, rule.must_when, index), profile)
                yield asked, asked.replace_record(index, asked.records[index].without_field(rule.number))
            if rule.when is not None:
                yield good, upset(good, profile, rule.when, index)
            for spoilt in spoilt_values(record, rule):
                yield good, put_in(good, index, spoilt)
            if rule.number == 2:
                other = record.with_field(2, bytes((200,)) if record.is_binary else "98")
                yield good, good.with_records([*good.records[:index], other, *good.records[index + 1 :]])


def _goods(profile: Profile, rule: FieldRule, names: frozenset[str]) -> Iterator[Transaction]:
    """The first of these transactions in which the field can stand; and, for a short list of codes, with each of them."""
    for start in _starts(profile, names):
        good = _with_field(start, profile, rule)
        index = None if good is None else place(good, rule.record_type)
        if good is None or index is None:
            continue
        yield good
        for code in rule.items[0].codes[1:] if len(rule.items) == 1 and len(rule.items[0].codes) <= 4 else ():
            record = good.records[index]
            if not record.is_binary:
                other = mended(good.replace_record(index, record.with_field(rule.number, code)), profile)
                if not check(other, profile):
                    yield other
        return


def _with_field(start: Transaction, profile: Profile, rule: FieldRule) -> Transaction | None:
    """The transaction with the field in it, and nothing to be found; None where the profile does not let it stand there."""
    if isinstance(rule.when, TotIs) and start.tot not in rule.when.values:
        return None
    tx = start if place(start, rule.record_type) is not None else with_record(start, profile, rule.record_type)
    tx = arranged(tx, profile, rule.when, place(tx, rule.record_type))
    index = place(tx, rule.record_type)
    if index is None:
        return None
    tx = tx.replace_record(index, with_value(tx, profile, tx.records[index], rule.number))
    if tx.records == start.records:
        return start
    tx = mended(tx, profile)
    index = place(tx, rule.record_type)
    return tx if index is not None and tx.records[index].field(rule.number) and not check(tx, profile) else None


def _counts(tx: Transaction, profile: Profile, rule: CountRule) -> Iterator[tuple[Transaction, Transaction]]:
    if rule.others:
        kind = next((kind for kind in _OTHER_TYPES if kind not in rule.types), None)
        if kind is not None:
            yield tx, with_record(tx, profile, kind)
        return
    counted = [record for record in tx.records if record.type in rule.types]
    if rule.times.most is not None and rule.times.most < _MOST_RECORDS:
        for kind in rule.types:
            more = tx
            for _ in range(rule.times.most + 1 - len(counted)):
                more = with_record(more, profile, kind)
            yield tx, more
    if 0 < rule.times.least == len(counted) and 1 not in rule.types:
        left = [record for record in tx.records if record is not counted[-1]]
        yield tx, settled(tx.with_records(left), profile)


def _links(tx: Transaction, rule: LinkRule, index: int) -> Iterator[tuple[Transaction, Transaction]]:
    found = tx.records[index].field(rule.number)
    if found is not None:
        subfields = [list(subfield) for subfield in found.subfields]
        subfields[-1][rule.item - 1] = "99"
        yield tx, tx.replace_record(index, tx.records[index].with_field(rule.number, subfields))


def _letters(
    tx: Transaction, profile: Profile, rule: LetterRule, index: int
) -> Iterator[tuple[Transaction, Transaction]]:
    tx = tx.replace_record(index, with_value(tx, profile, tx.records[index], rule.number))
    text = tx.records[index].text(rule.number) or ""
    wrong = rule.letters[(rule.letters.index(text[-1]) + 1) % len(rule.letters)] if text[-1:] in rule.letters else ""
    if wrong:
        yield tx, tx.replace_record(index, tx.records[index].with_field(rule.number, text[:-1] + wrong))


def _tallies(
    tx: Transaction, profile: Profile, rule: TallyRule, index: int
) -> Iterator[tuple[Transaction, Transaction]]:
    record = with_value(tx, profile, tx.records[index], rule.number)
    if rule.of:
        record = with_value(tx, profile, record, rule.of)
        text = record.text(rule.number) or ""
        more = f"{text}\x1e{text}".encode()
    else:
        stated = sum(one.type in rule.types for one in tx.records)
        record = record.with_field(rule.number, str(stated))
        more = str(stated + 1).encode()
    yield tx.replace_record(index, record), tx.replace_record(index, record.with_field(rule.number, more))


def _images(tx: Transaction, profile: Profile, rule: ImageRule) -> Iterator[tuple[Transaction, Transaction]]:
    """A picture within the limits, then one over each of them. What is larger is stated of a picture that is as large."""
    kind = rule.types[0]
    if place(tx, kind) is None:
        tx = with_record(tx, profile, kind)
    index = place(tx, kind)
    if index is None:
        return
    tx = arranged(tx, profile, rule.when, index)
    record = tx.records[index]
    if rule.positions:
        record = _stating(_stating(record, 3, 3, 0), 4, 13, rule.positions[0])
    across = None if record.is_binary else record.field(9)
    if across is not None:
        record = record.with_field(10, bytes(across.value))
    tx = mended(tx.replace_record(index, record), profile)
    index = place(tx, kind)
    if index is None:
        return
    for name in BINARY_COMPRESSION.values() if check(tx, profile) else ():
        other = tx.replace_record(index, _with_picture(tx.records[index], name, picture(name)))
        if not check(other, profile):
            tx = other
            break
    record = tx.records[index]
    for number, span in ((6, rule.width), (7, rule.height)):
        if span is not None and span.most is not None:
            large = _with_picture(record, "NONE", bytes((span.most + 1) * SIDE))
            yield tx, tx.replace_record(index, _stating(large, number, number, span.most + 1))
    if rule.ppi or rule.least_ppi:
        wrong = 300 if record.is_binary else (rule.least_ppi or min(rule.ppi)) // 2
        other = tx
        if record.is_binary:
            first = tx.records[0].with_field(11, f"{wrong / 25.4:05.2f}")
            other = tx.replace_record(0, first).replace_record(index, record.with_field(5, b"\x01"))
        else:
            scaled = record.with_field(9, str(wrong)).with_field(10, str(wrong))
            other = tx.replace_record(index, scaled)
        yield tx, other
    if rule.compression:
        for name in BINARY_COMPRESSION.values():
            if name not in rule.compression:
                yield tx, tx.replace_record(index, _with_picture(record, name, picture(name)))
    if rule.bits:
        deep = bytes(SIDE * SIDE * 2)
        yield tx, tx.replace_record(index, record.with_field(12, "16"))
        yield tx, tx.replace_record(index, _with_picture(record.with_field(12, "16"), "NONE", deep))
    if rule.ratio is not None:
        yield tx, tx.replace_record(index, _with_picture(record, "WSQ20", placeholder("flat.wsq")))


def _with_picture(record: Record, compression: str, data: bytes) -> Record:
    code = next((number for number, name in BINARY_COMPRESSION.items() if name == compression), 0)
    changed = record.with_field(8, bytes((code,))) if record.is_binary else record.with_field(11, compression)
    return changed.with_field(DATA_NUMBER[record.type] if record.is_binary else 999, data)


def _stating(record: Record, binary: int, tagged: int, value: int) -> Record:
    """The record with a number in its header, or in the field that stands for it."""
    if not record.is_binary:
        return record.with_field(tagged, str(value))
    width = dict(BINARY_ITEMS[record.type])[binary]
    return record.with_field(binary, header_item(width, value))
