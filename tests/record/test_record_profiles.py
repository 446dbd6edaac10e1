"""Profiles and overrides as data: what is read, what is refused, and what a partner's file changes."""

from __future__ import annotations

import random
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transactions import answer, query

from mithaq.errors import FormatError, SettingsError
from mithaq.record import (
    Transaction,
    check,
    load_profile,
    profile_names,
    read_transaction,
    skeleton,
    tagged_record,
    write_transaction,
)
from mithaq.record.examples.arrange import arranged
from mithaq.record.rules.conditions import Each, FieldIs, Holds, Present, Same, Scope, TotIs, When
from mithaq.record.rules.file import read_profile
from mithaq.record.rules.kinds import FieldRule, Span

OWN = ("mithaq-1", "pruem-4.22", "ebts-9.1", "int-i-6")
CHANGE = '[override]\nprofile = "pruem-4.22"\n'


def text_of(name: str) -> str:
    return files("mithaq.record").joinpath("profiles", f"{name}.toml").read_text(encoding="utf-8")


def rules_found(tx: Transaction, name: str, override: Path | str | None = None) -> dict[str, str]:
    return {found.rule.partition(":")[2]: found.severity for found in check(tx, load_profile(name, override))}


def without(tx: Transaction, record_type: int, number: int) -> Transaction:
    at = next(at for at, record in enumerate(tx.records) if record.type == record_type)
    return tx.replace_record(at, tx.records[at].without_field(number))


# ---------------------------------------------------------------- what the package ships


def test_the_four_profiles_are_there() -> None:
    assert set(OWN) <= set(profile_names())
    assert len(load_profile("ebts-9.1").transactions) == 71
    assert set(load_profile("int-i-6").transactions) == {"CPS", "NPS", "MPS", "ATP", "SRE", "ERR"}
    assert set(load_profile("pruem-4.22").transactions) == {"CPS", "PMS", "MPS", "MMS", "SRE", "ERR"}


@pytest.mark.parametrize("name", OWN)
def test_no_rule_that_is_recalled_or_doubted_refuses(name: str) -> None:
    profile = load_profile(name)
    weights = [rule.weight for rule in profile.rules.values()]
    weights += [rule.presence for rule in profile.rules.values() if isinstance(rule, FieldRule)]
    weights += [weight for family in profile.families.values() for weight in family.values()]
    assert all(weight.trust not in "R?" for weight in weights if weight.severity == "error")
    assert all(weight.clause for weight in weights)


def test_what_our_own_nodes_send_has_no_finding() -> None:
    for tx in (query(), answer(), answer([], outcome="no-hit")):
        assert check(tx, load_profile("mithaq-1")) == []


def test_a_closed_profile_refuses_what_it_does_not_name_and_an_open_one_does_not() -> None:
    tx = query()
    more = tx.replace_record(1, tx.records[1].with_field(800, "x"))
    assert rules_found(more, "mithaq-1") == {"fields": "error"}
    pruem = skeleton("CPS", load_profile("pruem-4.22"))
    more = pruem.replace_record(1, pruem.records[1].with_field(800, "x"))
    assert rules_found(more, "pruem-4.22") == {}


def test_an_open_profile_says_once_that_it_does_not_know_the_transaction() -> None:
    tx = skeleton("CPS", load_profile("pruem-4.22"))
    other = tx.replace_record(0, tx.records[0].with_field(4, "XYZ"))
    assert [(found.code, found.severity) for found in check(other, load_profile("pruem-4.22"))] == [("REC-101", "warn")]


def test_a_field_of_another_transaction_is_named_in_an_open_profile() -> None:
    tx = skeleton("CAR", load_profile("ebts-9.1"))
    tx = tx.replace_record(1, tx.records[1].with_field(59, "I"))
    assert rules_found(tx, "ebts-9.1") == {"fields": "warn"}


def test_the_check_letter_of_the_published_samples_and_of_the_decision() -> None:
    tx = skeleton("SRE", load_profile("int-i-6"))
    for number in ("19125458357684J", "19125458357683H"):
        assert rules_found(tx.replace_record(0, tx.records[0].with_field(9, number)), "int-i-6") == {}
    pruem = skeleton("CPS", load_profile("pruem-4.22"))
    pruem = pruem.replace_record(0, pruem.records[0].with_field(9, "0200000004F"))
    assert rules_found(pruem, "pruem-4.22") == {"letter.1.009": "warn"}


@pytest.mark.parametrize(("size", "found"), [(820, {}), (819, {"image.4": "warn"})])
def test_an_image_limit_is_kept_to_the_byte(size: int, found: dict[str, str]) -> None:
    """16384 pixels in 819 bytes are a little more than 20 to 1."""
    tx = skeleton("CPS", load_profile("pruem-4.22"))
    tx = tx.replace_record(2, tx.records[2].with_field(9, bytes(tx.records[2].data or b"")[:size]))
    assert rules_found(tx, "pruem-4.22") == found


# ---------------------------------------------------------------- conditions


def test_conditions_hold_as_they_say() -> None:
    tx = query()
    scope = Scope(tx)
    cases: list[tuple[When, bool]] = [
        (FieldIs(2, 904, ("TP/TP",)), True),
        (FieldIs(2, 904, ("LT/TP",)), False),
        (FieldIs(1, 13, ("1",), item=2), True),
        (FieldIs(1, 3, ("1\x1f2",), subfield=1), True),
        (FieldIs(1, 3, ("9",), subfield=40), False),
        (Present(2, 904, True), True),
        (Present(2, 805, False), True),
        (Same(14, 9, 14, 10), True),
        (Same(14, 6, 14, 9), False),
        (TotIs(("CPS", "SRE")), True),
        (Holds((4, 14), True), True),
        (Holds((13,), True), False),
        (Each(True, (TotIs(("CPS",)), Holds((13,), False))), True),
        (Each(False, (TotIs(("SRE",)), Holds((13,), True))), False),
    ]
    for when, wanted in cases:
        assert when.holds(scope, None) is wanted, str(when)


def test_a_condition_looks_at_the_record_that_is_checked() -> None:
    tx = query()
    second = tagged_record(14, {18: [["1", "XX"]]}, idc=9)
    both = tx.with_records([*tx.records, second])
    when = Present(14, 18, True)
    assert not when.holds(Scope(both), both.records[2]) and when.holds(Scope(both), both.records[3])


@pytest.mark.parametrize(
    "when", [FieldIs(2, 64, ("I",), subfield=2), Present(2, 63, True), Present(2, 3, False), Holds((13,), True)]
)
def test_a_condition_can_be_arranged(when: When) -> None:
    profile = load_profile("pruem-4.22")
    tx = arranged(skeleton("SRE", profile), profile, when)
    assert when.holds(Scope(tx), None)


def test_spans() -> None:
    assert 3 in Span(1, 3) and 4 not in Span(1, 3) and 10**9 in Span(1, None) and "1" not in Span(1, None)
    assert [str(one) for one in (Span(1, None), Span(2, 2), Span(1, 3))] == ["1 or more", "2", "1 to 3"]


# ---------------------------------------------------------------- overrides


def test_an_override_changes_the_severity_of_a_rule() -> None:
    tx = skeleton("CPS", load_profile("pruem-4.22"))
    tx = tx.replace_record(0, tx.records[0].with_field(9, "0200000004F"))
    assert rules_found(tx, "pruem-4.22", CHANGE + '[change."letter.1.009"]\nseverity = "off"\n') == {}
    signed = '[change."letter.1.009"]\nseverity = "error"\ntrust = "C"\nclause = "interface document, 4.2"\n'
    found = check(tx, load_profile("pruem-4.22", CHANGE + signed))
    assert [(one.severity, one.trust, one.clause) for one in found] == [("error", "C", "interface document, 4.2")]


def test_an_override_adds_and_replaces_rules() -> None:
    override = f"""{CHANGE}title = "with partner XX"
[codes]
UNIT = "A1 B2"
[[field]]
field = "2.800"
name = "unit"
must = ["CPS"]
kind = "AN"
length = "2"
codes = ["@UNIT"]
severity = "error"
trust = "M"
clause = "agreement with XX, annex 1"
[[field]]
field = "1.006"
mnemonic = "PRY"
name = "priority"
must = ["*"]
kind = "N"
length = "1"
range = "1-4"
severity = "error"
trust = "M"
clause = "agreement with XX, annex 1"
"""
    profile = load_profile("pruem-4.22", override)
    assert profile.title == "with partner XX"
    assert [found.rule for found in check(skeleton("CPS", load_profile("pruem-4.22")), profile)] == ["pruem-4.22:2.800"]
    made = skeleton("CPS", profile)
    assert made.records[1].text(800) == "A1"
    low = made.replace_record(0, made.records[0].with_field(6, "5"))
    assert [(found.code, found.rule) for found in check(low, profile)] == [("REC-177", "pruem-4.22:1.006")]
    assert load_profile("pruem-4.22").rules["1.006"] != profile.rules["1.006"]


def test_a_new_list_of_records_takes_the_place_of_the_old_one() -> None:
    override = f"""{CHANGE}
[records]
severity = "warn"
trust = "M"
clause = "agreement with XX"
[transactions]
CPS = {{ meaning = "query with a face", records = "2:1 4:1-10 10:0-1" }}
"""
    profile = load_profile("pruem-4.22", override)
    assert {name for name in profile.rules if name.startswith("CPS.")} == {"CPS.2", "CPS.4", "CPS.10"}
    assert "PMS.others" in profile.rules and "SRE.no-hit" in profile.rules


def test_a_doubted_mark_is_off_until_an_override_turns_it_on() -> None:
    tx = without(skeleton("TPIS", load_profile("ebts-9.1")), 2, 7)
    assert rules_found(tx, "ebts-9.1") == {}
    override = '[override]\nprofile = "ebts-9.1"\n[change."2.007/doubted"]\nseverity = "warn"\n'
    assert rules_found(tx, "ebts-9.1", override) == {"2.007/doubted": "warn"}


def test_absence_is_weighed_apart() -> None:
    tx = without(skeleton("MPS", load_profile("pruem-4.22")), 2, 7)
    assert rules_found(tx, "pruem-4.22") == {"2.007": "warn"}
    override = CHANGE + '[change."2.007".presence]\nseverity = "error"\ntrust = "M"\nclause = "agreement"\n'
    assert rules_found(tx, "pruem-4.22", override) == {"2.007": "error"}


def test_an_override_weighs_what_is_asked_of_every_transaction() -> None:
    tx = replace(skeleton("CPS", load_profile("pruem-4.22")), tail=memoryview(b"\r\n"))
    assert rules_found(tx, "pruem-4.22") == {"structure.tail": "error"}
    override = CHANGE + '[change."structure.tail"]\nseverity = "warn"\n[change."transactions"]\nseverity = "error"\n'
    assert rules_found(tx, "pruem-4.22", override) == {"structure.tail": "warn"}


def test_an_override_declares_an_encoding() -> None:
    """128 is Windows-1256 between these partners: Arabic text in 2.063 is text, and without the override it is not."""
    tx = skeleton("CPS", load_profile("pruem-4.22"))
    tx = tx.replace_record(0, tx.records[0].with_field(15, [["128", "PLACEHOLDER"]]))
    tx = tx.replace_record(1, tx.records[1].with_field(63, "نص تجريبي".encode("cp1256")))
    assert [found.code for found in check(tx, load_profile("pruem-4.22"))] == ["REC-119"]
    assert check(tx, load_profile("pruem-4.22", CHANGE + '[encodings]\n128 = "cp1256"\n')) == []
    tx = without(tx, 1, 15)
    assert check(tx, load_profile("pruem-4.22", CHANGE + '[encodings]\nnone = "cp1256"\n')) == []


def test_an_override_can_be_a_file(tmp_path: Path) -> None:
    file = tmp_path / "partner.toml"
    file.write_text(CHANGE + '[change."1.006"]\nseverity = "warn"\n', encoding="utf-8")
    assert load_profile("pruem-4.22", file).rules["1.006"].weight.severity == "warn"
    with pytest.raises(SettingsError) as refused:
        load_profile("pruem-4.22", tmp_path / "absent.toml")
    assert refused.value.code == "REC-093" and str(tmp_path) not in str(refused.value)


# ---------------------------------------------------------------- what is refused

FIELD = """
[[field]]
field = "2.800"
name = "x"
may = ["CPS"]
kind = "AN"
length = "2"
severity = "warn"
trust = "M"
clause = "x"
"""


@pytest.mark.parametrize(
    ("text", "code", "key"),
    [
        ('[override]\nprofile = "ebts-9.1"\n', "REC-093", "override.profile"),
        (CHANGE + '[change."letter.1.009"]\nseverity = "error"\n', "REC-092", "change.letter.1.009.severity"),
        (CHANGE + '[change."2.999"]\nseverity = "off"\n', "REC-091", "change.2.999"),
        (CHANGE + '[change."structure.none"]\nseverity = "off"\n', "REC-091", "change.structure.none"),
        (CHANGE + '[change."1.006"]\nsevere = "off"\n', "REC-091", "change.1.006.severe"),
        (CHANGE + '[encodings]\n128 = "no-such"\n', "REC-091", "encodings.128"),
        (CHANGE + '[encodings]\n128 = "hex"\n', "REC-091", "encodings.128"),
        (CHANGE + '[encodings]\nfirst = "utf-8"\n', "REC-091", "encodings.first"),
        (CHANGE + "[[field]\n", "REC-091", ""),
        (CHANGE + FIELD.replace('"warn"', '"error"').replace('"M"', '"?"'), "REC-092", "field[0].severity"),
        (CHANGE + FIELD.replace('["CPS"]', '["CAR"]'), "REC-091", "field[0].may"),
        (CHANGE + FIELD.replace('["CPS"]', '["@nobody"]'), "REC-091", "field[0].may"),
        (CHANGE + FIELD.replace('"AN"', '"ZZ"'), "REC-091", "field[0].kind"),
        (CHANGE + FIELD.replace('length = "2"', 'length = "2-x"'), "REC-091", "field[0].length"),
        (CHANGE + FIELD + 'pattern = "[a"\n', "REC-091", "field[0].pattern"),
        (CHANGE + FIELD + 'pattern = "[a-z]{2}"\nexample = "A1"\n', "REC-091", "field[0].example"),
        (CHANGE + FIELD + 'codes = ["@NONE"]\n', "REC-091", "field[0].codes"),
        (CHANGE + FIELD + 'when = { field = "2.900" }\n', "REC-091", "field[0].when.is"),
        (CHANGE + FIELD + FIELD, "REC-091", "2.800"),
        (CHANGE + '[transactions]\nNEW = 3\n', "REC-091", "transactions.NEW"),
        (CHANGE + '[[table]]\nseverity = "warn"\ntrust = "M"\nclause = "x"\nrows = """\nfield | name\n2.800 | a | b\n"""\n',
         "REC-091", "table[0] row 1.rows"),
    ],
)  # fmt: skip
def test_what_is_not_in_order_is_refused_with_its_key(text: str, code: str, key: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_profile("pruem-4.22", text)
    assert (refused.value.code, refused.value.key) == (code, key)


def test_a_profile_that_does_not_exist_and_a_transaction_that_does_not() -> None:
    with pytest.raises(SettingsError) as refused:
        load_profile("../mithaq-1")
    assert refused.value.code == "REC-090"
    with pytest.raises(SettingsError) as refused:
        skeleton("XYZ", load_profile("ebts-9.1"))
    assert refused.value.code == "REC-094"


def test_a_million_wrong_subfields_are_a_thousand_findings() -> None:
    tx = skeleton("CPS", load_profile("pruem-4.22"))
    tx = tx.replace_record(1, tx.records[1].with_field(63, b"\x07\x1e" * 1_000_000))
    found = check(tx, load_profile("pruem-4.22"))
    assert len(found) == 1001 and found[-1].code == "REC-136"
    tx = tx.replace_record(1, tx.records[1].with_field(63, b"x").with_field(12, b"\x07\x1e" * 1_000_000))
    assert [one.code for one in check(tx, load_profile("pruem-4.22"))] == ["REC-112", "REC-115"]


@settings(max_examples=60)
@given(st.sampled_from(OWN), st.randoms(use_true_random=False))
def test_a_spoilt_profile_is_read_or_refused_and_nothing_else(name: str, chance: random.Random) -> None:
    lines = text_of(name).splitlines()
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(lines))
        lines[at] = chance.choice(
            ["", lines[at].replace('"', "'", 1), lines[at][: len(lines[at]) // 2], lines[at] * 2, "x = 1"]
        )
    try:
        read_profile("\n".join(lines))
    except SettingsError as refused:
        assert refused.code in ("REC-091", "REC-092")


@settings(max_examples=80)
@given(st.sampled_from(OWN), st.randoms(use_true_random=False))
def test_a_check_of_anything_that_can_be_read_gives_findings_and_nothing_else(name: str, chance: random.Random) -> None:
    profile = load_profile(name)
    data = bytearray(write_transaction(skeleton(chance.choice(list(profile.transactions)), profile)))
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(min(len(data), 700))
        data[at : at + chance.randint(0, 2)] = bytes(
            chance.choices(b"\x00\x1c\x1d\x1e\x1f09AZ.:\xff", k=chance.randint(0, 3))
        )
    try:
        tx = read_transaction(bytes(data))
    except FormatError:
        return
    for found in check(tx, profile):
        assert found.rule.startswith(f"{name}:") and found.code.startswith("REC-1")
