"""Every rule of every profile is broken, by name, and only its own finding appears; every skeleton keeps its profile.

The breakings are made from the rules themselves. Rules that cannot be broken alone stand in `BESIDE`, with the reason.
"""

from __future__ import annotations

import pytest

from mithaq.record import check, load_profile, profile_names, read_transaction, skeleton, write_transaction
from mithaq.record.examples.breaking import breakings
from mithaq.record.examples.skeleton import WORD, turned_on
from mithaq.record.rules.kinds import CountRule, FieldRule, Profile

NAMES = [name for name in profile_names() if load_profile(name).transactions]

# profile:rule -> why another rule is always broken with it.
BESIDE = {
    "mithaq-1:count.1": "a second Type-1 record holds fields that every Type-1 record holds",
    "mithaq-1:count.4": "each reference number of a hit names a print, so no print leaves a number without one",
    "mithaq-1:count.6": "no field of a print has a place in an error",
    "mithaq-1:4.001": "four bytes never spell a number of more than ten digits",
    "mithaq-1:4.004": "a position that no rule knows cannot be one of a finger",
    "mithaq-1:4.008": "a compression without a code is not the picture's",
    "mithaq-1:14.011": "a compression without a name is not the picture's",
    "int-i-6:4.004": "a position that no rule knows cannot be one of a finger",
    "pruem-4.22:MPS.9": "one latent has one set of minutiae, a second set belongs to no picture",
    "pruem-4.22:MMS.9": "one latent has one set of minutiae, a second set belongs to no picture",
    "ebts-9.1:SRL.4+14": "designation characters end at 99, and a hundredth picture needs another",
    "ebts-9.1:10.003": "the profile of a capture (10.013) goes with the kind of picture",
}
# rules that another one always comes before, so that they are never seen.
UNSEEN = {"mithaq-1:1.004": "an unknown type of transaction ends the check"}
# what the checks of every transaction ask, and tests of their own break: tests/record/test_record_findings.py and others.
ELSEWHERE = ("structure.payload",)


def rules_of(profile: Profile) -> list[str]:
    frame = [name for name, weight in profile.families[""].items() if weight.severity != "off"]
    frame = [name for name in frame if name != "types" or profile.types]
    structure = [f"structure.{name}" for name in profile.families["structure"]]
    return [*profile.rules, *frame, *(name for name in structure if name not in ELSEWHERE)]


def family(profile: Profile, rule_id: str) -> str:
    """Rules are grouped so that a test names the group that fails, not one of a thousand cases."""
    rule = profile.rules.get(rule_id)
    if rule is None:
        return "every transaction"
    if isinstance(rule, FieldRule):
        return f"Type-{rule.record_type}"
    return type(rule).__name__


CASES = sorted({(name, family(load_profile(name), rule)) for name in NAMES for rule in rules_of(load_profile(name))})


@pytest.mark.parametrize(("name", "group"), CASES)
def test_each_rule_is_broken_alone(name: str, group: str) -> None:
    profile = load_profile(name)
    wrong = []
    for rule_id in rules_of(profile):
        full = f"{name}:{rule_id}"
        if family(profile, rule_id) != group or full in UNSEEN:
            continue
        seen = turned_on(profile, rule_id) if rule_id in profile.rules else profile
        ways = breakings(profile, rule_id)
        alone = [way for way in ways if not way.others]
        if not ways or (not alone and full not in BESIDE):
            wrong.append(f"{full}: {[way.others for way in ways]}")
        for way in alone:
            assert check(way.good, seen) == []
            assert [found.rule for found in check(way.bad, seen)] == [full]
            assert write_transaction(way.good) != write_transaction(way.bad)
    assert wrong == []


def test_a_field_rule_is_broken_in_every_respect_that_it_speaks_of() -> None:
    """A rule with codes, a length, a kind of characters, one subfield and one item, which must stand: six codes of findings."""
    codes = {way.finding.code for way in breakings(load_profile("ebts-9.1"), "2.005")}
    assert codes == {"REC-110", "REC-112", "REC-113", "REC-114", "REC-115", "REC-116", "REC-119"}


@pytest.mark.parametrize("name", NAMES)
def test_every_skeleton_passes_its_own_check(name: str) -> None:
    profile = load_profile(name)
    for tot in profile.transactions:
        data = write_transaction(skeleton(tot, profile))
        tx = read_transaction(data)
        assert check(tx, profile) == [], tot
        assert tx.tot == tot


def test_a_skeleton_says_plainly_that_it_is_one() -> None:
    tx = skeleton("CAR", load_profile("ebts-9.1"))
    body = tx.records[1]
    assert body.text(18) == WORD and body.text(24) == "F" and body.text(22) == "00000001"
    assert all(record.data for record in tx.records[2:])


def test_the_counts_of_a_profile_are_of_records_that_exist() -> None:
    for name in NAMES:
        for rule in load_profile(name).counts:
            assert isinstance(rule, CountRule) and set(rule.types) <= set(range(1, 23)) | {98, 99}
