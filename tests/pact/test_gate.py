"""The gate, check by check: what passes, what is refused, with which reason, clause and parameter."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import agreements
import pytest
from agreements import AT, CHAIN, END, LATER, QUERY, RELEASE, REQUEST, START
from hypothesis import given, settings
from hypothesis import strategies as st

from mithaq.errors import FormatError
from mithaq.pact.agreement import Agreement
from mithaq.pact.caveats import Caveat, Handling
from mithaq.pact.gate import (
    Accepted,
    Concluded,
    Offence,
    Refused,
    gate,
    gate_release,
    gate_request,
    gate_use,
    is_serious,
    parse_offence,
    same_person,
)
from mithaq.pact.quota import quota_day
from mithaq.pact.terms import Bilingual
from mithaq.pact.wording import all_reasons

AGREEMENT = agreements.agreement()


def asked(
    agreement: Agreement = AGREEMENT,
    at: datetime = AT,
    used: int = 0,
    side: Any = "sender",
    served: Any = None,
    **changes: Any,
) -> Accepted | Refused:
    return gate(replace(QUERY, **changes), agreement, at=at, used_today=used, side=side, served=served)


@pytest.mark.parametrize("side", ["sender", "holder"])
@pytest.mark.parametrize("search_type", ["TP/TP", "LT/TP", "LP/PP", "TP/UL", "LT/UL", "PP/ULP", "LP/ULP"])
def test_the_records_must_hold_what_the_search_type_says(side: str, search_type: str) -> None:
    """REQ-023: the seven types are told apart, and the type that is stated is held against the contents."""
    agreed = agreements.agreement(modalities={"fingerprint": True, "palm": True})
    for held in ("TP", "LT", "LP", "PP", "mixed"):
        decision = asked(agreed, side=side, search_type=search_type, contents=held, prints=1)
        assert (reason(decision) == "search-type-contents") is (held != search_type[:2]), (held, decision)


def reason(decision: Accepted | Refused) -> str:
    if isinstance(decision, Accepted):
        return "accepted"
    assert decision.clause is not None
    assert decision.clause_ref == decision.clause.ref
    assert decision.text.ar
    assert decision.text.en
    assert "{" not in decision.text.ar + decision.text.en + decision.parameter
    return decision.reason


def test_a_good_query_is_accepted_at_both_ends() -> None:
    assert asked() == Accepted(remaining_today=99, follow_up=True)
    assert asked(side="holder", ordered_by="", run_by="", approved_by="") == Accepted(99)
    assert asked(expedited=True, used=40) == Accepted(59)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"origin_party": "FR"}, "party-unknown"),
        ({"destination_party": "FR"}, "party-unknown"),
        ({"destination_party": "QA"}, "party-same"),
        ({"origin_contact": "us-ncp"}, "contact-unknown"),
        ({"destination_contact": "qa-ncp"}, "contact-unknown"),
        ({"origin_contact": ""}, "contact-unknown"),
        ({"origin_contact": "qa-supply"}, "contact-role"),
        ({"format_version": "mithaq-2"}, "format-version"),
        ({"purpose": "espionage"}, "purpose-not-agreed"),
        ({"purpose": ""}, "purpose-not-agreed"),
        ({"purpose": "border-identification"}, "purpose-not-agreed"),
        ({"purpose": "terrorism", "destination_contact": "us-border"}, "contact-purpose"),
        ({"search_type": "TP/XX"}, "search-type-not-agreed"),
        ({"offence": Offence("", 120)}, "offence-missing"),
        ({"offence": Offence("shoplifting", 6)}, "offence-below-threshold"),
        ({"offence": Offence("theft", 12)}, "offence-below-threshold"),
        ({"case": ""}, "case-missing"),
        ({"case": "   "}, "case-missing"),
        ({"case": "A-1, A-2"}, "case-not-individual"),
        ({"case": "A-1;A-2"}, "case-not-individual"),
        ({"case": "A-1\nA-2"}, "case-not-individual"),
        ({"case": "A" * 129}, "case-not-individual"),
        ({"case": "A-1,"}, "case-not-individual"),
        ({"case": "A-1\x00"}, "case-not-individual"),
        ({"persons": 2}, "case-not-individual"),
        ({"persons": 0}, "case-not-individual"),
        ({"legal_basis": " "}, "legal-basis-missing"),
        ({"approved_by": ""}, "approver-missing"),
        ({"ordered_by": ""}, "originator-missing"),
        ({"run_by": ""}, "executor-missing"),
        ({"prints": 0}, "prints-missing"),
        ({"prints": 15}, "prints-too-many"),
    ],
)
def test_one_wrong_fact_refuses_the_query(changes: dict[str, Any], expected: str) -> None:
    assert reason(asked(**changes)) == expected
    if "approver" not in expected and "originator" not in expected and "executor" not in expected:
        assert reason(asked(side="holder", **changes)) == expected


def test_nothing_passes_before_the_start_or_from_the_end_on() -> None:
    tick = timedelta(microseconds=1)
    assert reason(asked(at=START - tick)) == "agreement-not-yet-in-force"
    assert reason(asked(at=START)) == "accepted"
    assert reason(asked(at=END - tick)) == "accepted"
    assert reason(asked(at=END)) == "agreement-expired"


def test_a_search_type_that_a_node_does_not_serve_or_that_was_not_agreed() -> None:
    assert reason(asked(served={"LT/TP"})) == "search-type-not-served"
    assert reason(asked(served={"TP/TP"})) == "accepted"
    without = agreements.agreement(search_types={"LP/PP": None})
    assert reason(asked(without, search_type="LP/PP", prints=1)) == "search-type-not-agreed"


def test_a_modality_that_is_off_is_refused_even_where_its_search_type_stands() -> None:
    """Parsing refuses such a document; the gate does not rest on that."""
    off = replace(AGREEMENT, modalities=replace(AGREEMENT.modalities, fingerprint=False))
    assert reason(asked(off)) == "modality-not-agreed"
    assert reason(asked(off, search_type="PP/ULP")) == "accepted"


def test_the_quota_is_the_same_figure_at_both_ends_and_to_the_unit() -> None:
    for side in ("sender", "holder"):
        assert asked(used=99, side=side) == Accepted(0)
        refusal = asked(used=100, side=side)
        assert reason(refusal) == "quota-exceeded"
    assert isinstance(refusal, Refused)
    assert refusal.parameter == "search_types.TP/TP.day"
    assert refusal.clause_ref == "Art. 9(1)"
    assert refusal.text.en == "Today's quota of 100 TP/TP queries is used up."
    assert "\u2066100\u2069" in refusal.text.ar  # a figure keeps its direction inside the Arabic sentence
    with pytest.raises(ValueError, match="zero"):
        asked(used=-1)


def test_a_quota_of_zero_lets_nothing_pass() -> None:
    closed = agreements.agreement(search_types={"TP/TP": {"day": 0}})
    assert reason(asked(closed)) == "quota-exceeded"


def test_the_day_begins_at_the_agreed_hour_whatever_zone_the_clock_shows() -> None:
    nine = agreements.agreement(quota={"day_boundary": "21:00Z"})
    assert quota_day(datetime(2026, 3, 10, 20, 59, 59, tzinfo=UTC), nine) == "2026-03-09"
    assert quota_day(datetime(2026, 3, 10, 21, 0, tzinfo=UTC), nine) == "2026-03-10"
    doha = timezone(timedelta(hours=3))
    assert quota_day(datetime(2026, 3, 11, 0, 0, tzinfo=doha), nine) == "2026-03-10"
    assert quota_day(datetime(2026, 3, 10, 23, 59, 59, tzinfo=UTC), AGREEMENT) == "2026-03-10"
    assert quota_day(datetime(2026, 3, 11, 0, 0, tzinfo=UTC), AGREEMENT) == "2026-03-11"


def test_a_naive_instant_is_a_mistake_of_the_caller() -> None:
    for call in (lambda: asked(at=datetime(2026, 3, 1)), lambda: quota_day(datetime(2026, 3, 1), AGREEMENT)):
        with pytest.raises(ValueError, match="aware"):
            call()


@pytest.mark.parametrize(
    ("crime", "offence", "serious"),
    [
        ({}, Offence("theft", 13), True),
        ({}, Offence("theft", 12), False),
        ({"bound": "at-least"}, Offence("theft", 12), True),
        ({"bound": "at-least", "min_max_penalty_months": 36}, Offence("theft", 35), False),
        ({"listed": [{"category": "smuggling", "min_max_penalty_months": 12}], "bound": "at-least",
          "min_max_penalty_months": 36}, Offence("smuggling", 12), True),
        ({"listed": [{"category": "smuggling", "min_max_penalty_months": 12}], "bound": "at-least",
          "min_max_penalty_months": 36}, Offence("smuggling", 11), False),
        ({"listed": [{"category": "smuggling", "min_max_penalty_months": 12}], "bound": "at-least",
          "min_max_penalty_months": 36}, Offence("theft", 12), False),
    ],
)  # fmt: skip
def test_the_offence_threshold_and_the_list(crime: dict[str, Any], offence: Offence, serious: bool) -> None:
    agreement = agreements.agreement(crime=crime)
    assert is_serious(offence, agreement) is serious
    assert reason(asked(agreement, offence=offence)) == ("accepted" if serious else "offence-below-threshold")


def test_an_excluded_offence_may_be_queried_but_nothing_follows() -> None:
    agreement = agreements.agreement(crime={"excluded": ["robbery"]})
    assert asked(agreement) == Accepted(99, follow_up=False)
    assert reason(gate_request(REQUEST, CHAIN, agreement, at=LATER)) == "offence-excluded"
    assert reason(gate_release(RELEASE, CHAIN, agreement, at=LATER)) == "offence-excluded"


def test_an_offence_is_written_as_one_word_and_a_number() -> None:
    assert parse_offence("armed-robbery:120") == Offence("armed-robbery", 120)
    assert str(Offence("armed-robbery", 120)) == "armed-robbery:120"
    for text in (
        "",
        "robbery",
        "robbery:",
        ":12",
        "Robbery:12",
        "robbery:12:3",
        "robbery:-1",
        "robbery:12345",
        "a b:12",
    ):
        with pytest.raises(FormatError) as caught:
            parse_offence(text)
        assert caught.value.code == "PAC-030"


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40), st.text(max_size=80))
def test_a_refusal_shows_no_foreign_text(purpose: str, contact: str, search_type: str, case: str) -> None:
    for changes in (
        {"purpose": purpose + "\u202e"},
        {"origin_contact": contact + " "},
        {"search_type": "<b>" + search_type},
        {"case": "a\x00" + case},
    ):
        decision = asked(**changes)
        assert isinstance(decision, Refused)
        assert not {"\u202e", "\x00", "<"} & set(decision.text.ar + decision.text.en + decision.parameter)


def test_a_confirmed_hit_opens_a_request_and_a_release() -> None:
    assert reason(gate_request(REQUEST, CHAIN, AGREEMENT, at=LATER)) == "accepted"
    assert reason(gate_request(replace(REQUEST, fields=("sex", "health")), CHAIN, AGREEMENT, at=LATER)) == "accepted"
    assert reason(gate_release(RELEASE, CHAIN, AGREEMENT, at=LATER)) == "accepted"


@pytest.mark.parametrize(
    ("facts", "chain", "expected"),
    [
        ({"origin_party": "FR"}, {}, "party-unknown"),
        ({"destination_party": "QA"}, {}, "party-same"),
        ({}, {"origin_party": "US"}, "not-the-requester"),
        ({"origin_contact": "qa-supply"}, {}, "contact-role"),
        ({"destination_contact": "us-border"}, {}, "contact-role"),
        ({"origin_contact": "nobody"}, {}, "contact-unknown"),
        ({}, {"purpose": "espionage"}, "accepted"),
        ({}, {"outcome": "no-hit"}, "no-hit-to-follow"),
        ({}, {"outcome": "unsearchable"}, "no-hit-to-follow"),
        ({}, {"outcome": None}, "no-hit-to-follow"),
        ({"reference": "r-99"}, {}, "reference-not-answered"),
        ({}, {"references": ()}, "reference-not-answered"),
        ({}, {"conclusion": None}, "conclusion-missing"),
        ({}, {"concluded_by": " "}, "conclusion-missing"),
        ({}, {"conclusion": "inconclusive"}, "not-identified"),
        ({}, {"conclusion": "excluded"}, "not-identified"),
        ({"reference": "r-81"}, {}, "reference-not-concluded"),
        ({"case": "CASE-2026-0043"}, {}, "case-differs"),
        ({}, {"answered_at": None}, "request-too-late"),
        ({}, {"answered_at": LATER - timedelta(days=30)}, "request-too-late"),
        ({}, {"answered_at": LATER - timedelta(days=29, hours=23)}, "accepted"),
        ({"requested_by": ""}, {}, "originator-missing"),
        ({"fields": ("salary",)}, {}, "field-not-agreed"),
    ],
)
def test_a_follow_up_request_needs_its_whole_ground(
    facts: dict[str, Any], chain: dict[str, Any], expected: str
) -> None:
    decision = gate_request(replace(REQUEST, **facts), replace(CHAIN, **chain), AGREEMENT, at=LATER)
    assert reason(decision) == expected


def test_a_request_after_the_end_of_the_agreement() -> None:
    chain = replace(CHAIN, answered_at=END - timedelta(days=1))
    assert reason(gate_request(REQUEST, chain, AGREEMENT, at=END)) == "agreement-expired"


def test_a_contact_point_asks_only_for_what_it_is_competent_for() -> None:
    facts = replace(
        REQUEST, origin_party="US", origin_contact="us-border", destination_party="QA", destination_contact="qa-ncp"
    )
    chain = replace(CHAIN, origin_party="US", origin_contact="us-border")
    assert reason(gate_request(facts, chain, AGREEMENT, at=LATER)) == "accepted"
    terror = replace(chain, purpose="terrorism")
    assert reason(gate_request(facts, terror, AGREEMENT, at=LATER)) == "contact-purpose"


@pytest.mark.parametrize(
    ("facts", "chain", "expected"),
    [
        ({"destination_party": "US", "origin_party": "QA"}, {}, "not-the-requester"),
        ({"origin_contact": "us-border"}, {}, "contact-role"),
        ({}, {"outcome": "no-hit"}, "no-hit-to-follow"),
        ({}, {"conclusion": None}, "conclusion-missing"),
        ({}, {"conclusion": "excluded"}, "not-identified"),
        ({}, {"requested_at": None}, "not-requested"),
        ({}, {"requested_by": ""}, "not-requested"),
        ({}, {"requested_reference": "r-81"}, "not-requested"),
        ({"reference": "r-81"}, {}, "reference-not-concluded"),
        ({}, {"requested_at": datetime(2026, 3, 10, 11, 0, tzinfo=UTC)}, "chain-out-of-order"),
        ({}, {"requested_at": LATER + timedelta(seconds=1)}, "chain-out-of-order"),
        ({}, {"answered_at": None}, "chain-out-of-order"),
        ({"case": "other"}, {}, "case-differs"),
        ({"prepared_by": ""}, {}, "approver-missing"),
        ({"approved_by": " "}, {}, "approver-missing"),
        ({"approved_by": "us-1"}, {}, "same-officer"),
        ({"approved_by": " US-1 "}, {}, "same-officer"),
        ({"fields": ()}, {}, "nothing-to-release"),
        ({"fields": ("family_name", "passport_number")}, {}, "field-not-agreed"),
        ({"fields": ("family_name", "belief")}, {}, "special-category-blocked"),
    ],
)
def test_a_release_needs_its_whole_chain_and_two_officers(
    facts: dict[str, Any], chain: dict[str, Any], expected: str
) -> None:
    decision = gate_release(replace(RELEASE, **facts), replace(CHAIN, **chain), AGREEMENT, at=LATER)
    assert reason(decision) == expected


def test_data_of_special_nature_needs_a_statement_and_a_third_person() -> None:
    special = replace(RELEASE, fields=("health",))
    statement = "The suspect carries a contagious disease."

    def outcome(**changes: str) -> str:
        return reason(gate_release(replace(special, **changes), CHAIN, AGREEMENT, at=LATER))

    assert outcome() == "special-category-blocked"
    assert outcome(relevance_statement=statement) == "special-category-blocked"
    assert outcome(second_approved_by="us-3") == "special-category-blocked"
    assert outcome(relevance_statement=statement, second_approved_by="us-1") == "special-category-blocked"
    assert outcome(relevance_statement=statement, second_approved_by="us-2") == "special-category-blocked"
    assert outcome(relevance_statement=statement, second_approved_by="us-3") == "accepted"


OWN = Concluded("identified", "r-7f", "examiner-1", "examiner-2")
THEIRS = Concluded("identified", "r-7f", "us-examiner-1", "us-examiner-2")


@pytest.mark.parametrize("confirm_by", ["requester", "holder", "both"])
@pytest.mark.parametrize("examiners", [1, 2])
def test_whoever_confirms_must_have_identified_that_reference_with_as_many_examiners_as_agreed(
    confirm_by: str, examiners: int
) -> None:
    terms = agreements.agreement(answer={"confirm_by": confirm_by, "examiners": examiners})
    flaws: dict[str, Any] = {
        "conclusion-missing": None,
        "not-identified": {"decision": "excluded"},
        "reference-not-concluded": {"reference": "r-81"},
    }
    if examiners == 2:
        flaws["second-examiner-missing"] = {"second_by": ""}
        twice = replace(OWN, second_by=" Examiner-1 "), replace(THEIRS, second_by="us-examiner-1")
        assert reason(released(terms, *twice)) == "second-examiner-missing"

    def with_flaw(said: Concluded, flaw: dict[str, Any] | None) -> Concluded | None:
        return None if flaw is None else replace(said, **flaw)

    assert reason(released(terms, OWN, THEIRS)) == "accepted"
    for expected, flaw in flaws.items():
        own_counts, theirs_count = confirm_by != "holder", confirm_by != "requester"
        decision = released(terms, with_flaw(OWN, flaw), THEIRS)
        assert reason(decision) == (expected if own_counts else "accepted")
        decision = released(terms, OWN, with_flaw(THEIRS, flaw))
        assert reason(decision) == (expected if theirs_count else "accepted")


def released(terms: Agreement, own: Concluded | None, theirs: Concluded | None) -> Accepted | Refused:
    said = own or Concluded(None, "", "")
    chain = replace(
        CHAIN, conclusion=said.decision, concluded_reference=said.reference, concluded_by=said.by,
        second_concluded_by=said.second_by, by_holder=theirs,
    )  # fmt: skip
    first = gate_request(REQUEST, chain, terms, at=LATER)
    second = gate_release(RELEASE, chain, terms, at=LATER)
    assert reason(first) == reason(second)
    return second


def caveat(code: Any = "H1", ground: Any = "court-order", text: Bilingual | None = None) -> Handling:
    return Handling((Caveat(code, ground, text),))


@pytest.mark.parametrize(
    ("handling", "expected"),
    [
        (caveat(), "accepted"),
        (caveat("H3", text=Bilingual("شرط", "a condition")), "accepted"),
        (caveat("H4"), "caveat-not-agreed"),
        (caveat("H2"), "caveat-not-agreed"),
        (caveat(ground="data-protection-law"), "caveat-without-ground"),
        (caveat(ground=""), "caveat-without-ground"),
        (caveat("H3"), "caveat-text"),
        (caveat("H1", text=Bilingual("شرط", "a condition")), "caveat-text"),
        (Handling(caveat().caveats * 2), "caveat-text"),
    ],
)
def test_a_caveat_is_of_an_agreed_code_and_has_a_ground_of_its_own(handling: Handling, expected: str) -> None:
    terms = agreements.agreement(handling=["H0", "H1", "H3"])
    assert reason(gate_release(replace(RELEASE, handling=handling), CHAIN, terms, at=LATER)) == expected


def test_what_is_withheld_has_a_coded_reason() -> None:
    for code, expected in (("national-law", "accepted"), ("because", "withheld-without-reason")):
        facts = replace(RELEASE, withheld={"birth_date": code})
        assert reason(gate_release(facts, CHAIN, AGREEMENT, at=LATER)) == expected


def test_h2_forbids_sharing_and_h1_a_court_and_the_others_neither() -> None:
    for code in ("H0", "H1", "H2", "H3"):
        for use, forbidden in (("share", "H2"), ("judicial", "H1")):
            decision = gate_use(caveat(code), AGREEMENT, use)  # type: ignore[arg-type]
            assert reason(decision) == ("caveat-forbids" if code == forbidden else "accepted")


def test_two_spellings_of_one_officer_are_one_person() -> None:
    assert same_person("A.Smith", " a.smith")
    assert same_person("\uff21\uff22", "ab")
    assert not same_person("us-1", "us-2")


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_no_release_passes_with_any_one_link_of_the_chain_missing(data: st.DataObject) -> None:
    links: dict[str, Any] = {
        "outcome": data.draw(st.sampled_from(["hit", "no-hit", None])),
        "references": data.draw(st.sampled_from([("r-7f",), (), ("r-81",)])),
        "conclusion": data.draw(st.sampled_from(["identified", "excluded", "inconclusive", None])),
        "concluded_reference": data.draw(st.sampled_from(["r-7f", "r-81", ""])),
        "concluded_by": data.draw(st.sampled_from(["examiner-1", ""])),
        "requested_at": data.draw(st.sampled_from([CHAIN.requested_at, None])),
        "requested_reference": data.draw(st.sampled_from(["r-7f", ""])),
        "requested_by": data.draw(st.sampled_from(["officer-1", ""])),
    }
    whole = links == {
        "outcome": "hit", "references": ("r-7f",), "conclusion": "identified", "concluded_reference": "r-7f",
        "concluded_by": "examiner-1", "requested_at": CHAIN.requested_at, "requested_reference": "r-7f",
        "requested_by": "officer-1",
    }  # fmt: skip
    decision = gate_release(RELEASE, replace(CHAIN, **links), AGREEMENT, at=LATER)
    assert isinstance(decision, Accepted) is whole


def test_every_reason_of_the_list_is_given_by_some_test_or_by_the_state_table() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parents[1].rglob("test_*.py"))
    elsewhere = {"step-not-allowed", "wrong-actor", "executor-not-authorised"}
    elsewhere |= {"same-examiner", "relevance-missing", "conditions-open", "pause-not-agreed"}  # tests/flow
    assert {name for name in all_reasons() if f'"{name}"' not in source} <= elsewhere
