"""New transactions that keep a profile: every field that must stand, with values that are plainly placeholders.

    type of transaction, Profile ──skeleton──► Transaction     PLACEHOLDER, 1970-01-01, pictures of the word PLACEHOLDER

What is made has been checked, and mended by its own findings, until the profile has none. Not done here: real values; they
are the caller's, who puts them in with `Record.with_field`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib.resources import files

from mithaq.errors import SettingsError
from mithaq.record.build import binary_record, new_transaction, tagged_record
from mithaq.record.check import check
from mithaq.record.checks.values import item_problem
from mithaq.record.findings import Finding
from mithaq.record.images import BINARY_COMPRESSION
from mithaq.record.model import BINARY_ITEMS, Record, Transaction, Value
from mithaq.record.rules.conditions import Scope
from mithaq.record.rules.kinds import (
    CountRule,
    FieldRule,
    ImageRule,
    Item,
    LetterRule,
    LinkRule,
    Profile,
    TallyRule,
    Weight,
)

WORD = "PLACEHOLDER"
DAY = "19700101"
SIDE = 128  # pixels of a placeholder picture, both ways
_INSTANT = "19700101000000Z"
_SCALE, _NO_SCALE = "19.69", "00.00"  # pixels per millimetre: 500 ppi; without a record of Types 3 to 7
_FILES = {
    "WSQ20": "picture.wsq",
    "JPEGB": "picture.jpg",
    "JP2": "picture.jp2",
    "JP2L": "picture.jp2",
    "PNG": "picture.png",
}
_AT_500_PPI = ("WSQ20", "PNG", "JPEGB", "JP2", "JP2L", "NONE")
_AT_1000_PPI = ("JP2", "JP2L", "PNG", "NONE", "WSQ20", "JPEGB")
_ROUNDS = 12  # of mending; each adds or removes what the findings of the one before ask for
# What a record of each type says before any profile: impression or kind, and position.
_USUAL = {10: ("FACE", ""), 13: ("4", "0"), 15: ("0", "21"), 19: ("28", "60")}


def skeleton(tot: str, profile: Profile) -> Transaction:
    """A transaction of that type that the profile finds no error in; nothing in it is about anybody.

    SettingsError REC-094 where the profile has no such transaction.
    """
    if profile.transactions and tot not in profile.transactions:
        raise SettingsError(
            "REC-094",
            "the profile has no transaction of that type",
            key="TOT",
            expected=", ".join(profile.transactions),
        )
    header: dict[int, Value] = {
        4: tot, 5: DAY, 7: WORD, 8: WORD, 9: WORD, 11: _NO_SCALE, 12: _NO_SCALE, 2: profile.edition or "0502"
    }  # fmt: skip
    for number, usual in header.items():
        header[number] = _fitting(profile.rule(1, number, tot), str(usual))
    return mended(new_transaction(header, [tagged_record(2, {}, idc=0)]), profile)


def mended(tx: Transaction, profile: Profile) -> Transaction:
    """The transaction with what its findings ask for: fields and records added, or taken out."""
    for _ in range(_ROUNDS):
        found = check(tx, profile)
        changed = tx
        for finding in found:
            changed = _mend(changed, profile, finding)
            if len(changed.records) != len(tx.records):
                break  # the other findings number the records as they were
        if changed is tx:
            break
        tx = settled(changed, profile)
    return tx


def with_record(tx: Transaction, profile: Profile, record_type: int) -> Transaction:
    """The transaction with one more record of that type, under an IDC and at a position that are free."""
    idc = max((record.idc or 0 for record in tx.records), default=0) + 1
    count = sum(record.type == record_type for record in tx.records)
    if record_type == 9:
        taken = {record.idc for record in tx.all(9)}
        idc = next((one.idc for one in tx.records if one.type > 2 and one.idc and one.idc not in taken), idc)
    made = tx.with_records([*tx.records, _record(tx, profile, record_type, idc, count)])
    return settled(_completed(made, profile), profile)


def value_of(rule: FieldRule) -> list[list[str]]:
    """The least that the rule asks for: its subfields, each with every item that may not be left out."""
    items = [item_value(item) for item in rule.items if not item.optional] or [item_value(rule.items[0])]
    if any(item.optional for item in rule.items[: len(items)]):
        items = ["" if item.optional else item_value(item) for item in rule.items]
    return [items] * max(rule.occurs.least, 1)


def item_value(item: Item) -> str:
    """A placeholder that the item's rule accepts."""
    if item.codes:
        return item.codes[0]
    if item.form:
        return DAY if item.form == "date" else _INSTANT
    if item.example:
        return item.example
    if item.range is not None:
        return str(item.range.least).rjust(item.length.least, "0")
    if item.kind in ("N", "NS", "H"):
        return "1".rjust(max(item.length.least, 1), "0")
    most = item.length.most
    return WORD.ljust(item.length.least, "X")[:most]


@cache
def placeholder(name: str) -> bytes:
    """The bytes of one of the package's placeholder pictures."""
    return files("mithaq.record").joinpath("placeholders", name).read_bytes()


def picture(compression: str) -> bytes:
    """A placeholder picture, grey, 128 by 128, compressed as x.011 names it."""
    return bytes(SIDE * SIDE) if compression == "NONE" else placeholder(_FILES.get(compression, "picture.jpg"))


# ---------------------------------------------------------------- mending


def _mend(tx: Transaction, profile: Profile, finding: Finding) -> Transaction:
    rule = profile.rules.get(finding.rule.partition(":")[2])
    if isinstance(rule, CountRule) and finding.code == "REC-102":
        return _counted(tx, profile, rule)
    if isinstance(rule, FieldRule) and finding.code == "REC-110":
        record = tx.records[finding.record - 1]
        if record.field(rule.number) is None and not record.is_binary:
            return tx.replace_record(finding.record - 1, record.with_field(rule.number, value_of(rule)))
    if finding.code == "REC-111":
        record = tx.records[finding.record - 1]
        return tx.replace_record(finding.record - 1, record.without_field(int(finding.field.partition(".")[2])))
    return tx


def _counted(tx: Transaction, profile: Profile, rule: CountRule) -> Transaction:
    counted = [record for record in tx.records if (record.type in rule.types) != rule.others]
    for _ in range(rule.times.least - len(counted)):
        tx = with_record(tx, profile, rule.types[0])
    surplus = counted[rule.times.most :] if rule.times.most is not None else []
    return tx.with_records([record for record in tx.records if not any(record is one for one in surplus)])


def _completed(tx: Transaction, profile: Profile) -> Transaction:
    """The transaction with every field in its last record that must stand there."""
    index, scope = len(tx.records) - 1, Scope(tx)
    record = tx.records[index]
    for rule in profile.by_type.get(record.type, ()) if not record.is_binary else ():
        asked = tx.tot in rule.must and all(
            when is None or when.holds(scope, record) for when in (rule.when, rule.must_when)
        )
        if asked and record.field(rule.number) is None:
            record = record.with_field(rule.number, value_of(rule))
    return tx.replace_record(index, record)


def settled(tx: Transaction, profile: Profile) -> Transaction:
    """The transaction with what follows from others set right: resolutions of 1.011, check letters, links and tallies."""
    stated = tx.records[0].text(11)
    wanted = _SCALE if any(3 <= record.type <= 7 for record in tx.records) else _NO_SCALE
    if stated in (_SCALE, _NO_SCALE) and stated != wanted:
        tx = tx.replace_record(0, tx.records[0].with_field(11, wanted).with_field(12, wanted))
    for rule in profile.joint:
        if tx.tot not in rule.transactions or isinstance(rule, ImageRule) or rule.weight.severity == "off":
            continue
        index = next((at for at, record in enumerate(tx.records) if record.type == rule.record_type), None)
        found = None if index is None else tx.records[index].field(rule.number)
        if index is None or found is None:
            continue
        text = str(found.value, "ascii", "replace")
        value: Value = text
        if isinstance(rule, LetterRule) and text[:-1].isdigit():
            value = text[:-1] + rule.letter(text[:-1])
        elif isinstance(rule, LinkRule):
            items = text.partition("\x1e")[0].split("\x1f")
            idcs = [record.idc or 0 for record in tx.records if record.type in rule.types]
            value = [[*items[: rule.item - 1], f"{idc:02d}", *items[rule.item :]] for idc in idcs]
        elif isinstance(rule, TallyRule):
            value = _tallied(tx, rule, text)
        if value and value != text:
            raw = value.encode() if isinstance(value, str) else value
            tx = tx.replace_record(index, tx.records[index].with_field(rule.number, raw))
    return tx


def _tallied(tx: Transaction, rule: TallyRule, text: str) -> str:
    if not rule.of:
        return str(sum(record.type in rule.types for record in tx.records))
    record = tx.first(rule.record_type)
    other = None if record is None else record.field(rule.of)
    times = 0 if other is None else bytes(other.value).count(b"\x1e") + 1
    return "\x1e".join([text.partition("\x1e")[0]] * times)


# ---------------------------------------------------------------- records


def _record(tx: Transaction, profile: Profile, record_type: int, idc: int, count: int) -> Record:
    tot = tx.tot or ""
    if record_type == 2:
        second = tx.first(2)
        fields = {} if second is None else {p.number: bytes(p.value) for p in second.fields if p.number > 2}
        return tagged_record(2, dict(fields), idc=idc)
    if record_type == 9:
        return tagged_record(9, {3: "1", 4: "U"}, idc=idc)
    if record_type in BINARY_ITEMS:
        return _binary(tot, profile, record_type, idc, count)
    kind, position = _USUAL.get(record_type, ("1", str(count % 10 + 1)))
    ppi, compression = _picture_kind(tot, profile, record_type)
    values = {3: kind, 4: WORD, 5: DAY, 6: str(SIDE), 7: str(SIDE), 8: "1", 9: ppi, 10: ppi, 11: compression, 12: "8"}
    if position:
        values[13] = position
    data = picture(compression)
    if record_type == 10:
        values |= {8: "0", 9: "100", 10: "100", 11: "JPEGB", 12: "SRGB"}
        data = placeholder("colour.jpg")
    made: dict[int, Value] = {n: _fitting(profile.rule(record_type, n, tot), usual) for n, usual in values.items()}
    return tagged_record(record_type, {**made, 999: data}, idc=idc)


def _binary(tot: str, profile: Profile, record_type: int, idc: int, count: int) -> Record:
    if record_type == 7:
        return binary_record(7, idc, [], placeholder("picture.wsq"))
    if record_type == 8:
        return binary_record(8, idc, [0, 0, 0, SIDE, SIDE], bytes(SIDE * SIDE // 8))
    _, compression = _picture_kind(tot, profile, record_type)
    code = next(number for number, name in BINARY_COMPRESSION.items() if name == compression)
    impression = int(_fitting(profile.rule(record_type, 3, tot), "1"))
    return binary_record(record_type, idc, [impression, [count % 10 + 1], 0, SIDE, SIDE, code], picture(compression))


def _picture_kind(tot: str, profile: Profile, record_type: int) -> tuple[str, str]:
    """The resolution and compression that the profile's limits leave open."""
    limits = [
        rule
        for rule in profile.joint
        if isinstance(rule, ImageRule) and tot in rule.transactions and record_type in rule.types and rule.when is None
    ]
    ppi = max((rule.least_ppi for rule in limits), default=0) or 500
    known = _AT_500_PPI if ppi < 1000 else _AT_1000_PPI
    if record_type in (3, 5, 6):
        return str(ppi), "NONE"
    rule = profile.rule(record_type, 11, tot)
    for name in known:
        if all(not limit.compression or name in limit.compression for limit in limits) and (
            rule is None or item_problem(rule.items[0], name) is None
        ):
            return str(ppi), name
    return str(ppi), known[0]


def _fitting(rule: FieldRule | None, usual: str) -> str:
    """The usual value where the rule accepts it, else one that it accepts."""
    if rule is None or (len(rule.items) == 1 and item_problem(rule.items[0], usual) is None):
        return usual
    return item_value(rule.items[0])


def turned_on(profile: Profile, rule_id: str) -> Profile:
    """The profile with that rule as a warning where it is off, so that it can be seen to work; else the profile itself."""
    rule = profile.rules[rule_id]
    made = replace(rule, weight=_on(rule.weight))
    if isinstance(made, FieldRule):
        made = replace(made, presence=_on(made.presence))
    return profile if made == rule else profile.with_rules({**profile.rules, rule_id: made})


def _on(weight: Weight) -> Weight:
    return replace(weight, severity="warn") if weight.severity == "off" else weight
