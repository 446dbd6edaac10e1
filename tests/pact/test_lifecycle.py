"""A conversation's states, restated by hand: what may happen, and by exclusion everything that may not."""

from __future__ import annotations

import itertools

import agreements
import pytest

from mithaq.pact.gate import Refused
from mithaq.pact.lifecycle import (
    ANSWER_EVENT,
    CONCLUSION_EVENT,
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

AGREEMENT = agreements.agreement()

# Written from the flow, not from the code: state -> {event: (who, next)}.
REQUESTER = {
    "new": {"prepare": ("officer", "prepared")},
    "prepared": {
        "receipt": ("partner", "sent"),
        "answer-hit": ("partner", "candidate"),
        "answer-no-hit": ("partner", "no-hit"),
        "answer-unsearchable": ("partner", "unsearchable"),
        "answer-refused": ("partner", "refused"),
        "answer-expired": ("partner", "expired"),
        "expire": ("system", "expired"),
    },
    "sent": {
        "answer-hit": ("partner", "candidate"),
        "answer-no-hit": ("partner", "no-hit"),
        "answer-unsearchable": ("partner", "unsearchable"),
        "answer-refused": ("partner", "refused"),
        "answer-expired": ("partner", "expired"),
        "expire": ("system", "expired"),
    },
    "candidate": {
        "receipt": ("partner", "candidate"),
        "conclude-identified": ("examiner", "identified"),
        "conclude-excluded": ("examiner", "excluded"),
        "conclude-inconclusive": ("examiner", "inconclusive"),
    },
    "no-hit": {"receipt": ("partner", "no-hit")},
    "unsearchable": {"receipt": ("partner", "unsearchable")},
    "refused": {"receipt": ("partner", "refused")},
    "expired": {"receipt": ("partner", "expired")},
    "identified": {"request": ("officer", "requested")},
    "excluded": {},
    "inconclusive": {},
    "requested": {
        "receipt": ("partner", "request-receipted"),
        "release": ("partner", "released"),
        "refuse-release": ("partner", "release-refused"),
    },
    "request-receipted": {"release": ("partner", "released"), "refuse-release": ("partner", "release-refused")},
    "released": {"receipt": ("partner", "released"), "acknowledge": ("system", "acknowledged")},
    "release-refused": {"receipt": ("partner", "release-refused")},
    "acknowledged": {},
}
HOLDER = {
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
    "answered-hit": {"request": ("partner", "requested"), "close": ("system", "closed")},
    "answered-no-hit": {"close": ("system", "closed")},
    "answered-unsearchable": {"close": ("system", "closed")},
    "answered-refused": {"close": ("system", "closed")},
    "expired": {"close": ("system", "closed")},
    "requested": {"prepare-release": ("officer", "prepared"), "refuse-release": ("officer", "release-refused")},
    "prepared": {
        "return-release": ("second-officer", "requested"),
        "release": ("second-officer", "released"),
        "refuse-release": ("second-officer", "release-refused"),
    },
    "released": {"acknowledge": ("partner", "closed")},
    "release-refused": {"close": ("system", "closed")},
    "closed": {},
}
BY_HAND = {Side.REQUESTER: REQUESTER, Side.HOLDER: HOLDER}


@pytest.mark.parametrize("side", list(Side))
def test_every_step_that_is_allowed_and_every_step_that_is_not(side: Side) -> None:
    for state, event, actor in itertools.product(State, Event, Actor):
        allowed = BY_HAND[side].get(state.value, {}).get(event.value)
        after = advance(side, state, event, by=actor, agreement=AGREEMENT)
        if allowed is None:
            assert isinstance(after, Refused)
            assert after.reason == "step-not-allowed"
        elif allowed[0] != actor:
            assert isinstance(after, Refused)
            assert after.reason == "wrong-actor"
        else:
            assert after == allowed[1]


def test_a_refused_step_has_its_clause_and_both_languages() -> None:
    after = advance(Side.REQUESTER, State.CANDIDATE, Event.REQUEST, by=Actor.OFFICER, agreement=AGREEMENT)
    assert isinstance(after, Refused)
    assert after.clause_ref == "Art. 5(1)"
    assert "request" in after.text.en
    assert "candidate" in after.text.ar


def test_no_data_are_requested_or_released_without_a_persons_conclusion() -> None:
    """Without the examiner's step, no path from the start reaches a request, on the requester's side."""
    reached, frontier = {State.NEW}, [State.NEW]
    while frontier:
        for event, row in possible(Side.REQUESTER, frontier.pop()).items():
            if event is not Event.CONCLUDE_IDENTIFIED and row.to not in reached:
                reached.add(row.to)
                frontier.append(row.to)
    assert reached.isdisjoint({State.IDENTIFIED, State.REQUESTED, State.REQUEST_RECEIPTED, State.RELEASED})


def test_a_release_always_passes_through_two_officers_hands() -> None:
    into_released = {key: row for key, row in TRANSITIONS.items() if row.to is State.RELEASED and key[0] is Side.HOLDER}
    assert {(state, row.actor) for (_, state, _), row in into_released.items()} == {
        (State.PREPARED, Actor.SECOND_OFFICER)
    }
    into_prepared = [row for key, row in TRANSITIONS.items() if row.to is State.PREPARED and key[0] is Side.HOLDER]
    assert [row.actor for row in into_prepared] == [Actor.OFFICER]


def test_a_query_ends_in_exactly_one_outcome() -> None:
    """Once an answer came, no other answer is possible, and every outcome has its event on both sides."""
    ends = {State.CANDIDATE, State.NO_HIT, State.UNSEARCHABLE, State.REFUSED, State.EXPIRED}
    for state, event in itertools.product(ends, ANSWER_EVENT.values()):
        assert (Side.REQUESTER, state, event) not in TRANSITIONS
    assert set(ANSWER_EVENT) == set(Outcome)
    for event in ANSWER_EVENT.values():
        assert (Side.REQUESTER, State.SENT, event) in TRANSITIONS
        assert (Side.HOLDER, State.ANSWERING, event) in TRANSITIONS
    assert set(CONCLUSION_EVENT) == set(Conclusion)
    assert set(RELEASE_EVENT) == set(ReleaseOutcome)


def test_every_state_is_reachable_leads_somewhere_and_has_a_name() -> None:
    for side, table in BY_HAND.items():
        reached = {State.NEW} | {row.to for (s, _, _), row in TRANSITIONS.items() if s is side}
        assert {state.value for state in reached} == set(table)
    assert {state.value for state in State if is_final(Side.REQUESTER, state) and state.value in REQUESTER} == {
        "no-hit", "unsearchable", "refused", "expired", "excluded", "inconclusive", "release-refused", "acknowledged",
    }  # fmt: skip
    assert [state.value for state in State if is_final(Side.HOLDER, state) and state.value in HOLDER] == ["closed"]
    for state in State:
        assert label(state.value).ar


def test_each_row_names_a_requirement() -> None:
    assert all(row.requirement.startswith("REQ-") for row in TRANSITIONS.values())
