"""The gate of supplied data: which use, which recipient, which consent; the marks; the gate of a spontaneous supply."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import agreements
import pytest
from agreements import AT

from mithaq.pact.exchanges import ABROAD, MARKS, USES, Consent, SupplyFacts, UseFacts, gate_supply, gate_use
from mithaq.pact.gate import Accepted, Refused
from mithaq.pact.lifecycle import Side, State, overturn

AGREEMENT = agreements.agreement()
QA, US = AGREEMENT.parties
OPEN = UseFacts(released=True, state="active", use_left="", use="criminal-investigation")
CONSENT = Consent("0" * 32, "1" * 32, "third-state", "Ministry of X", (), "2026-06-01T00:00:00.000000Z")


def reason(facts: UseFacts) -> str:
    decision = gate_use(facts, AGREEMENT, at=AT)
    return decision.reason if isinstance(decision, Refused) else ""


def test_law_only_consent_opens_another_use_or_a_way_abroad() -> None:
    """Every combination: what is accepted without a standing consent is one of the three uses, at home (REQ-100, 101)."""
    kinds = ("", "domestic", *ABROAD, "unknown")
    states = ("active", "flagged", "blocked", "deleted")
    accepted = 0
    for released, state, use, kind, consent, stands in product(
        (True, False), states, (*USES, "curiosity"), kinds, (None, CONSENT), (True, False)
    ):
        facts = UseFacts(released, state, "related-proceedings", use, kind, "Ministry of X", consent, stands)
        if reason(facts):
            continue
        accepted += 1
        assert released
        assert state != "deleted"
        assert use in USES
        assert kind in ("", "domestic", *ABROAD)
        if state == "blocked":
            assert use == "related-proceedings"
        if use == "consented" or kind in ABROAD:
            assert stands
            assert consent is not None
            assert kind == consent.use
    assert accepted > 40


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, ""),
        ({"state": "flagged"}, ""),
        ({"state": "deleted"}, "data-deleted"),
        ({"released": False}, "not-released"),
        ({"use": "curiosity"}, "use-not-permitted"),
        ({"state": "blocked", "use_left": "public-security"}, "data-blocked"),
        ({"state": "blocked", "use_left": "criminal-investigation"}, ""),
        ({"recipient_kind": "domestic", "recipient": " "}, "recipient-missing"),
        ({"recipient_kind": "elsewhere", "recipient": "X"}, "recipient-missing"),
        ({"use": "consented"}, "consent-missing"),
        ({"recipient_kind": "private", "recipient": "X"}, "consent-missing"),
        ({"use": "consented", "consent": CONSENT}, "consent-ended"),
        (
            {
                "use": "consented",
                "consent": replace(CONSENT, until="2026-03-10T12:00:00.000000Z"),
                "consent_stands": True,
            },
            "consent-ended",
        ),
        ({"use": "consented", "consent": CONSENT, "consent_stands": True}, "consent-for-another"),
    ],
)
def test_each_check_of_a_use(changes: dict[str, object], why: str) -> None:
    assert reason(replace(OPEN, **changes)) == why  # type: ignore[arg-type]


def test_deleted_is_the_end_and_every_other_state_can_reach_it() -> None:
    states = {before for before, _ in MARKS} | set(MARKS.values())
    assert states == {"active", "flagged", "blocked", "deleted"}
    for state in states:
        assert ((state, "delete") in MARKS) is (state != "deleted")
    assert MARKS["blocked", "clear"] == "active"  # un-blockable if later found right (REQ-093)
    assert MARKS["blocked", "flag"] == "blocked"  # a doubt never opens what is blocked


SUPPLY = SupplyFacts(
    QA, "", US, "", "serious-crime", "facts", "S-1", "robbery", ("family_name",), "officer-1", "officer-2"
)


def facts(**changes: object) -> SupplyFacts:
    contacts = {
        name: next(point.id for point in AGREEMENT.parties[code].contact_points if "spontaneous" in point.roles)
        for name, code in (("origin_contact", QA), ("destination_contact", US))
    }
    return replace(SUPPLY, **{**contacts, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, ""),
        ({"ground": ""}, "supply-ground-missing"),
        ({"facts": " "}, "supply-ground-missing"),
        ({"case": ""}, "case-missing"),
        ({"case": "a;b"}, "case-not-individual"),
        ({"fields": ()}, "nothing-to-release"),
        ({"fields": ("face_image",)}, "field-not-agreed"),
        ({"fields": ("health",)}, "special-category-blocked"),
        ({"approved_by": "Officer-1 "}, "same-officer"),
        ({"approved_by": ""}, "approver-missing"),
        ({"conditions": (("H2", "protects-a-source"), ("H3", "court-order"))}, ""),
        ({"conditions": (("H2", ""),)}, "caveat-without-ground"),
        ({"conditions": (("H3", "data-protection-law"),)}, "caveat-without-ground"),
        ({"conditions": (("H9", "court-order"),)}, "caveat-not-agreed"),
        ({"destination_contact": "nobody"}, "contact-unknown"),
        ({"destination_party": QA}, "party-same"),
    ],
)
def test_each_check_of_a_supply(changes: dict[str, object], why: str) -> None:
    decision = gate_supply(facts(**changes), AGREEMENT, at=AT, side="sender")
    assert (decision.reason if isinstance(decision, Refused) else "") == why


def test_a_supply_goes_only_between_supply_contact_points() -> None:
    """REQ-006: a contact point with other roles alone neither sends nor takes one."""
    for party, name in ((QA, "origin_contact"), (US, "destination_contact")):
        code = AGREEMENT.parties[party]
        points = tuple(replace(point, roles=("query", "release")) for point in code.contact_points)
        agreement = replace(AGREEMENT, parties={**AGREEMENT.parties, party: replace(code, contact_points=points)})
        decision = gate_supply(facts(**{name: points[0].id}), agreement, at=AT, side="sender")
        assert isinstance(decision, Refused)
        assert decision.reason == "contact-role"


def test_a_receiver_does_not_ask_who_approved() -> None:
    decision = gate_supply(facts(prepared_by="", approved_by=""), AGREEMENT, at=AT, side="holder")
    assert isinstance(decision, Accepted)


def test_a_false_hit_ends_what_rests_on_a_hit_and_nothing_else() -> None:
    def ends(side: Side, state: State, **told: bool) -> bool:
        return overturn(side, state, AGREEMENT, **told) == State.FALSE_HIT

    for state in (State.IDENTIFIED, State.REQUESTED, State.RELEASED, State.ACKNOWLEDGED, State.RELEASE_REFUSED):
        assert ends(Side.REQUESTER, state)
    for state in (State.ANSWERED_HIT, State.REQUESTED, State.PREPARED, State.RELEASED, State.CLOSED):
        assert ends(Side.HOLDER, state)
    for state in (State.SENT, State.NO_HIT, State.REFUSED, State.EXCLUDED, State.INCONCLUSIVE, State.FALSE_HIT):
        assert not ends(Side.REQUESTER, state, told=True)
    assert not ends(Side.REQUESTER, State.CANDIDATE)  # nobody has confirmed it
    assert ends(Side.REQUESTER, State.CANDIDATE, told=True)
