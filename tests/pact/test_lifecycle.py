"""A conversation's states, restated by hand: what may happen, and by exclusion everything that may not."""

from __future__ import annotations

import itertools
from collections.abc import Collection

import agreements
import pytest

from mithaq.pact.agreement import Agreement
from mithaq.pact.gate import Refused
from mithaq.pact.lifecycle import (
    ANSWER_EVENT,
    CONCLUSION_EVENT,
    HOLDER_EVENT,
    RELEASE_EVENT,
    TRANSITIONS,
    Actor,
    Conclusion,
    Event,
    Outcome,
    ReleaseOutcome,
    Side,
    State,
    advance,
    is_final,
    possible,
)
from mithaq.pact.wording import label

TERMS = [(by, examiners) for by in ("requester", "holder", "both") for examiners in (1, 2)]


def under(confirm_by: str = "requester", examiners: int = 1) -> Agreement:
    return agreements.agreement(answer={"confirm_by": confirm_by, "examiners": examiners})


AGREEMENT = under()
ANSWERS = {
    "answer-hit": ("partner", "candidate"),
    "answer-no-hit": ("partner", "no-hit"),
    "answer-unsearchable": ("partner", "unsearchable"),
    "answer-refused": ("partner", "refused"),
    "answer-expired": ("partner", "expired"),
    "expire": ("system", "expired"),
    "delay": ("partner", "delayed"),
}


def conclusions(who: str, identified: str) -> dict[str, tuple[str, str]]:
    return {
        "conclude-identified": (who, identified),
        "conclude-excluded": (who, "excluded"),
        "conclude-inconclusive": (who, "inconclusive"),
    }


def of_the_holder(identified: str, excluded: str) -> dict[str, tuple[str, str]]:
    return {
        "holder-identified": ("partner", identified),
        "holder-excluded": ("partner", excluded),
        "holder-inconclusive": ("partner", "inconclusive"),
    }


def requester(confirm_by: str, examiners: int) -> dict[str, dict[str, tuple[str, str]]]:
    """Written from the flow, not from the code: state -> {event: (who, next)}."""
    released = {
        "release": ("partner", "released"),
        "release-part": ("partner", "released"),
        "refuse-release": ("partner", "release-refused"),
    }
    own = "confirmed" if confirm_by == "both" else "identified"
    two = {
        # These states are reached only where two examiners of this side conclude.
        "examined": {**conclusions("second-examiner", own), "disagree": ("second-examiner", "disagreement")},
        "disagreement": conclusions("third-examiner", own),
    }
    if confirm_by == "holder":  # no way leads there: what stands for any guard is asked below
        for events in two.values():
            del events["conclude-identified"]
    candidate = {
        "requester": conclusions("examiner", "identified"),
        "holder": of_the_holder("identified", "excluded"),
        "both": conclusions("examiner", "confirmed"),
    }[confirm_by]
    if examiners == 2 and confirm_by != "holder":
        candidate = {"examine": ("examiner", "examined")}
    return {
        "new": {"prepare": ("officer", "prepared")},
        "prepared": {**ANSWERS, "receipt": ("partner", "sent")},
        "sent": ANSWERS,
        "delayed": ANSWERS,
        "candidate": candidate,
        **two,
        "confirmed": of_the_holder("identified", "contested") if confirm_by == "both" else {},
        "contested": {},
        "no-hit": {},
        "unsearchable": {},
        "refused": {},
        "expired": {},
        "identified": {"request": ("officer", "requested")},
        "excluded": {},
        "inconclusive": {},
        "requested": {**released, "receipt": ("partner", "request-receipted")},
        "request-receipted": released,
        "released": {
            "acknowledge": ("system", "acknowledged"),
            "accept": ("officer", "acknowledged"),
            "decline": ("officer", "declined"),
        },
        "release-refused": {},
        "declined": {},
        "acknowledged": {"ask-outcome": ("partner", "outcome-asked"), "report-outcome": ("officer", "reported")},
        "outcome-asked": {"report-outcome": ("officer", "reported")},
        "reported": {},
    }


def holder(confirm_by: str, examiners: int) -> dict[str, dict[str, tuple[str, str]]]:
    close = {"close": ("system", "closed")}
    if confirm_by == "requester":
        hit = {"request": ("partner", "requested")}
    else:
        hit = {"examine": ("examiner", "examined")} if examiners == 2 else conclusions("examiner", "identified")

    def decided(who: str) -> dict[str, tuple[str, str]]:
        return {
            "return-release": (who, "requested"),
            "release": (who, "released"),
            "release-part": (who, "released"),
            "refuse-release": (who, "release-refused"),
        }

    return {
        "new": {"receive": ("partner", "received")},
        "received": {
            "start": ("system", "answering"),
            "answer-refused": ("system", "answered-refused"),
            "answer-expired": ("system", "expired"),
        },
        "answering": {
            "answer-hit": ("system", "answered-hit"),
            "answer-no-hit": ("system", "answered-no-hit"),
            "answer-unsearchable": ("system", "answered-unsearchable"),
            "answer-refused": ("system", "answered-refused"),
            "answer-expired": ("system", "expired"),
        },
        "answered-hit": {**hit, **close},
        "examined": {
            **conclusions("second-examiner", "identified"),
            "disagree": ("second-examiner", "disagreement"),
            **close,
        },
        "disagreement": {**conclusions("third-examiner", "identified"), **close},
        "identified": {"request": ("partner", "requested"), **close},
        "excluded": close,
        "inconclusive": close,
        "answered-no-hit": close,
        "answered-unsearchable": close,
        "answered-refused": close,
        "expired": close,
        "requested": {
            "prepare-release": ("officer", "prepared"),
            "refuse-release": ("officer", "release-refused"),
            "pause": ("officer", "paused"),
        },
        "paused": {"resume": ("officer", "requested"), "refuse-release": ("officer", "release-refused")},
        "prepared": {**decided("second-officer"), "approve": ("second-officer", "approved")},
        "approved": decided("third-officer"),
        "released": {"acknowledge": ("partner", "acknowledged"), "decline": ("partner", "declined")},
        "acknowledged": {"ask-outcome": ("officer", "outcome-asked"), "report-outcome": ("partner", "closed"), **close},
        "outcome-asked": {"report-outcome": ("partner", "closed")},
        "declined": close,
        "release-refused": close,
        "closed": {},
    }


BY_HAND = {Side.REQUESTER: requester, Side.HOLDER: holder}


@pytest.mark.parametrize(("confirm_by", "examiners"), TERMS)
@pytest.mark.parametrize("side", list(Side))
def test_every_step_that_is_allowed_and_every_step_that_is_not(side: Side, confirm_by: str, examiners: int) -> None:
    agreement, by_hand = under(confirm_by, examiners), BY_HAND[side](confirm_by, examiners)
    for state, event in itertools.product(State, Event):
        allowed = by_hand.get(state.value, {}).get(event.value)
        for actor in Actor:
            after = advance(side, state, event, by=actor, agreement=agreement)
            if allowed is None:
                assert isinstance(after, Refused), (state, event, actor)
                assert after.reason == "step-not-allowed"
            elif allowed[0] != actor:
                assert isinstance(after, Refused), (state, event, actor)
                assert after.reason == "wrong-actor"
            else:
                assert after == allowed[1], (state, event, actor)


def test_a_refused_step_has_its_clause_and_both_languages() -> None:
    after = advance(Side.REQUESTER, State.CANDIDATE, Event.REQUEST, by=Actor.OFFICER, agreement=AGREEMENT)
    assert isinstance(after, Refused)
    assert after.clause_ref == "Art. 5(1)"
    assert "request" in after.text.en
    assert "candidate" in after.text.ar


def reached(side: Side, agreement: Agreement, without: Collection[Event] = ()) -> set[State]:
    """Every state that steps from the start lead to, those events left out."""
    found, frontier = {State.NEW}, [State.NEW]
    while frontier:
        for event, row in possible(side, frontier.pop(), agreement).items():
            if event not in without and row.to not in found:
                found.add(row.to)
                frontier.append(row.to)
    return found


@pytest.mark.parametrize(("confirm_by", "examiners"), TERMS)
def test_no_data_are_requested_or_released_without_the_agreed_persons_conclusions(
    confirm_by: str, examiners: int
) -> None:
    agreement = under(confirm_by, examiners)
    data = {State.REQUESTED, State.REQUEST_RECEIPTED, State.PREPARED, State.RELEASED}
    own, theirs = {Event.CONCLUDE_IDENTIFIED}, {Event.HOLDER_IDENTIFIED}
    of_requester = {"requester": [own], "holder": [theirs], "both": [own, theirs]}[confirm_by]
    for needed in of_requester:
        assert reached(Side.REQUESTER, agreement, needed).isdisjoint(data - {State.PREPARED})
    if confirm_by != "requester":
        assert reached(Side.HOLDER, agreement, own).isdisjoint(data)
    side = Side.HOLDER if confirm_by == "holder" else Side.REQUESTER
    one_opinion = reached(side, agreement, {Event.EXAMINE})
    confirmed = State.CONFIRMED if confirm_by == "both" else State.IDENTIFIED
    assert (confirmed in one_opinion) is (examiners == 1)


def test_two_examiners_who_differ_reach_nothing_without_a_third() -> None:
    for row in possible(Side.REQUESTER, State.DISAGREEMENT, under("requester", 2)).values():
        assert row.actor is Actor.THIRD_EXAMINER


def test_a_release_always_passes_through_two_officers_hands_and_a_blocked_one_through_three() -> None:
    into = {
        (state, row.actor)
        for (side, state, _), rows in TRANSITIONS.items()
        for row in rows
        if side is Side.HOLDER and row.to is State.RELEASED
    }
    assert into == {(State.PREPARED, Actor.SECOND_OFFICER), (State.APPROVED, Actor.THIRD_OFFICER)}
    for state, actor in ((State.PREPARED, Actor.OFFICER), (State.APPROVED, Actor.SECOND_OFFICER)):
        assert [
            row.actor
            for (side, _, _), rows in TRANSITIONS.items()
            for row in rows
            if side is Side.HOLDER and row.to is state
        ] == [actor]


def test_a_query_ends_in_exactly_one_outcome() -> None:
    """Once an answer came, no other answer is possible, and every outcome has its event on both sides."""
    ends = {State.CANDIDATE, State.NO_HIT, State.UNSEARCHABLE, State.REFUSED, State.EXPIRED}
    for state, event in itertools.product(ends, ANSWER_EVENT.values()):
        assert (Side.REQUESTER, state, event) not in TRANSITIONS
    assert set(ANSWER_EVENT) == set(Outcome)
    for event in ANSWER_EVENT.values():
        for state in (State.PREPARED, State.SENT, State.DELAYED):
            assert (Side.REQUESTER, state, event) in TRANSITIONS
        assert (Side.HOLDER, State.ANSWERING, event) in TRANSITIONS
    assert set(CONCLUSION_EVENT) == set(HOLDER_EVENT) == set(Conclusion)
    assert set(RELEASE_EVENT) == set(ReleaseOutcome)


def test_every_state_is_reachable_leads_somewhere_and_has_a_name() -> None:
    for side, table in BY_HAND.items():
        found = set().union(*(reached(side, under(*terms)) for terms in TERMS))
        assert {state.value for state in found} == set(table("both", 2))
    assert {state.value for state in State if is_final(Side.REQUESTER, state) and state.value in requester("both", 2)} == {
        "no-hit", "unsearchable", "refused", "expired", "excluded", "inconclusive", "contested", "release-refused",
        "declined", "reported",
    }  # fmt: skip
    assert [s.value for s in State if is_final(Side.HOLDER, s) and s.value in holder("both", 2)] == ["closed"]
    for state in State:
        assert label(state.value).ar


def test_each_row_names_a_requirement() -> None:
    assert all(row.requirement.startswith("REQ-") for rows in TRANSITIONS.values() for row in rows)
