"""A rule explained: in words, with its clause, and with two examples that are what they are said to be."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from mithaq.errors import SettingsError
from mithaq.record import explain, load_profile, profile_names


@pytest.mark.parametrize(
    ("rule", "said", "kept", "broken", "code"),
    [
        ("pruem-4.22:2.007", "must stand in MPS, MMS, and may stand in SRE", "2.007:PLACEHOLDER", "no such field", "REC-110"),
        ("pruem-4.22:letter.1.009", "number modulo 23", "1.009:0000000000Z", "1.009:0000000000A", "REC-175"),
        ("pruem-4.22:SRE.no-hit", "Only where 2.064, subfield 2, is N", "records Type-1, Type-2",
         "records Type-1, Type-2, Type-4", "REC-102"),
        ("int-i-6:2.010", "where 2.011 is absent", "2.010:PLACEHOLDER", "no such field", "REC-110"),
        ("ebts-9.1:2.005", "one of Y, N", "2.005:Y", "no such field", "REC-110"),
        ("ebts-9.1:CAR.4+14", "CAR holds 1 to 14 Type-4 or Type-14 records", "records Type-1, Type-2, Type-4",
         "records Type-1, Type-2, Type-4 x 15", "REC-102"),
        ("ebts-9.1:2.089", "1 to 99 subfields, each 1 to 6 digits", "2.089:1", "2.089:1<US>PLACEHOLDER", "REC-113"),
        ("ebts-9.1:tally.2.089", "as many subfields as 2.064", "2.089:1", "2.089:1<RS>1", "REC-176"),
        ("mithaq-1:structure.tail", "Nothing follows", "records Type-1, Type-2, Type-4, and nothing after them",
         "records Type-1, Type-2, Type-4, then 11 bytes", "REC-126"),
        ("mithaq-1:structure.length", "number of bytes", "1.001:", "1.001:", "REC-120"),
        ("mithaq-1:fields", "no place for it", "no such field", "2.899:PLACEHOLDER", "REC-111"),
    ],
)  # fmt: skip
def test_a_rule_is_explained(rule: str, said: str, kept: str, broken: str, code: str) -> None:
    told = explain(None, rule)
    assert told.rule == rule and said in told.words and told.clause
    assert told.kept.startswith(kept) and told.broken.startswith(broken)
    assert told.finding is not None and (told.finding.rule, told.finding.code) == (rule, code)
    assert told.rule.partition(":")[2] in told.words_ar and "المصدر" in told.words_ar
    assert asdict(told)["finding"]["code"] == code and told.clause in str(told)


def test_every_rule_can_be_explained_without_examples_being_made_up() -> None:
    profile = load_profile("pruem-4.22")
    for name in profile.rules:
        told = explain(profile, name)
        assert told.finding is not None and told.kept != told.broken


@pytest.mark.parametrize("name", profile_names())
def test_every_rule_that_all_transactions_keep_has_its_examples(name: str) -> None:
    profile = load_profile(name)
    names = ["structure", "cross"]
    if name == "base-2015":  # other profiles have rules of their own in place of some of these
        names.append("fields")
    for family in names:
        for rule, weight in profile.families[family].items():
            told = explain(profile, f"{family}.{rule}")
            assert (told.finding is None) == (weight.severity == "off"), told.rule
            assert weight.severity == "off" or told.kept != told.broken or family == "structure", told.rule


def test_the_way_of_breaking_can_be_chosen() -> None:
    told = explain(load_profile("ebts-9.1"), "2.005", code="REC-116")
    assert told.finding is not None and told.finding.code == "REC-116"
    assert (told.kept, told.broken[:6]) == ("2.005:Y", "2.005:")


def test_a_rule_that_is_off_is_explained_and_said_to_be_off() -> None:
    told = explain(None, "ebts-9.1:2.007/doubted")
    assert told.severity == "off" and "an override can turn it on" in told.words and told.finding is not None


def test_a_rule_that_cannot_be_broken_alone_says_what_goes_with_it() -> None:
    assert "mithaq-1:link.2.906" in explain(None, "mithaq-1:count.4").words
    assert explain(None, "mithaq-1:1.004").finding is None


@pytest.mark.parametrize("rule", ["pruem-4.22:2.999", "ebts-9.1:2.007", "2.07", ""])
def test_a_rule_that_does_not_exist_is_refused_with_near_names(rule: str) -> None:
    with pytest.raises(SettingsError) as refused:
        explain(load_profile("pruem-4.22"), rule)
    assert refused.value.code == "REC-095" and "pruem-4.22:" in refused.value.expected
