"""A conversation's life on both sides, as one table: (side, state, event) → (next state, who may do it, requirement).

    requester   new → prepared → sent → candidate → identified → requested → request-receipted → released → acknowledged
                                   ├→ no-hit · unsearchable · refused · expired   └→ excluded · inconclusive
    holder      new → received → answering → answered-hit → requested → prepared → released → closed
                                   └→ answered-no-hit · answered-unsearchable · answered-refused · expired → closed

What is not in the table is not possible: `advance` returns a refusal for it, and nothing changes. A receipt that the
answer overtook changes nothing either, and is in the table for that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from mithaq.pact.agreement import Agreement
from mithaq.pact.gate import Refused, refused


class Side(StrEnum):
    """Which end of a conversation a node is: the one that asked, or the one whose file is searched."""

    REQUESTER = "requester"
    HOLDER = "holder"


class State(StrEnum):
    """Where a conversation stands. Some names serve both sides; a state is always read together with its side."""

    NEW = "new"
    PREPARED = "prepared"  # requester: in the queue; holder: a release awaits its second officer
    SENT = "sent"
    CANDIDATE = "candidate"  # a hit that no person has confirmed
    NO_HIT = "no-hit"
    UNSEARCHABLE = "unsearchable"
    REFUSED = "refused"
    EXPIRED = "expired"
    IDENTIFIED = "identified"
    EXCLUDED = "excluded"
    INCONCLUSIVE = "inconclusive"
    REQUESTED = "requested"
    REQUEST_RECEIPTED = "request-receipted"
    RELEASED = "released"
    RELEASE_REFUSED = "release-refused"
    ACKNOWLEDGED = "acknowledged"
    RECEIVED = "received"
    ANSWERING = "answering"
    ANSWERED_HIT = "answered-hit"
    ANSWERED_NO_HIT = "answered-no-hit"
    ANSWERED_UNSEARCHABLE = "answered-unsearchable"
    ANSWERED_REFUSED = "answered-refused"
    CLOSED = "closed"
    FALSE_HIT = "false-hit"  # a confirmed match that was none: nothing follows from it any more


class Event(StrEnum):
    """What moves a conversation. The names serve both sides: an answer is given by one and received by the other."""

    PREPARE = "prepare"
    RECEIPT = "receipt"
    RECEIVE = "receive"
    START = "start"
    ANSWER_HIT = "answer-hit"
    ANSWER_NO_HIT = "answer-no-hit"
    ANSWER_UNSEARCHABLE = "answer-unsearchable"
    ANSWER_REFUSED = "answer-refused"
    ANSWER_EXPIRED = "answer-expired"
    EXPIRE = "expire"  # the requester's own clock ran out; a holder says it with an answer
    CONCLUDE_IDENTIFIED = "conclude-identified"
    CONCLUDE_EXCLUDED = "conclude-excluded"
    CONCLUDE_INCONCLUSIVE = "conclude-inconclusive"
    REQUEST = "request"
    PREPARE_RELEASE = "prepare-release"
    RETURN_RELEASE = "return-release"
    RELEASE = "release"
    REFUSE_RELEASE = "refuse-release"
    ACKNOWLEDGE = "acknowledge"
    CLOSE = "close"


class Actor(StrEnum):
    """Who may do a step. `system` is the node itself; `partner` a message that was opened and trusted."""

    SYSTEM = "system"
    PARTNER = "partner"
    OFFICER = "officer"
    SECOND_OFFICER = "second-officer"
    EXAMINER = "examiner"


class Outcome(StrEnum):
    """How a query ends, as the answer says on the wire: exactly one of these (REQ-031)."""

    HIT = "hit"
    NO_HIT = "no-hit"
    UNSEARCHABLE = "unsearchable"
    REFUSED = "refused"
    EXPIRED = "expired"


class Conclusion(StrEnum):
    """What an examiner may conclude of a candidate."""

    IDENTIFIED = "identified"
    EXCLUDED = "excluded"
    INCONCLUSIVE = "inconclusive"


class ReleaseOutcome(StrEnum):
    """How a follow-up request ends, as the holder's message says."""

    RELEASED = "released"
    REFUSED = "refused"


ANSWER_EVENT: Mapping[Outcome, Event] = MappingProxyType({
    Outcome.HIT: Event.ANSWER_HIT,
    Outcome.NO_HIT: Event.ANSWER_NO_HIT,
    Outcome.UNSEARCHABLE: Event.ANSWER_UNSEARCHABLE,
    Outcome.REFUSED: Event.ANSWER_REFUSED,
    Outcome.EXPIRED: Event.ANSWER_EXPIRED,
})  # fmt: skip
CONCLUSION_EVENT: Mapping[Conclusion, Event] = MappingProxyType({
    Conclusion.IDENTIFIED: Event.CONCLUDE_IDENTIFIED,
    Conclusion.EXCLUDED: Event.CONCLUDE_EXCLUDED,
    Conclusion.INCONCLUSIVE: Event.CONCLUDE_INCONCLUSIVE,
})  # fmt: skip
RELEASE_EVENT: Mapping[ReleaseOutcome, Event] = MappingProxyType({
    ReleaseOutcome.RELEASED: Event.RELEASE,
    ReleaseOutcome.REFUSED: Event.REFUSE_RELEASE,
})  # fmt: skip


@dataclass(frozen=True)
class Transition:
    """One row: the state that follows, who may do the step, and the requirement that asks for it."""

    to: State
    actor: Actor
    requirement: str


# side, state, event, next state, actor, requirement
_ROWS = """
requester  new                    prepare                prepared               officer         REQ-013
requester  prepared               receipt                sent                   partner         REQ-045
requester  prepared               answer-hit             candidate              partner         REQ-032
requester  prepared               answer-no-hit          no-hit                 partner         REQ-031
requester  prepared               answer-unsearchable    unsearchable           partner         REQ-042
requester  prepared               answer-refused         refused                partner         REQ-031
requester  prepared               answer-expired         expired                partner         REQ-031
requester  prepared               expire                 expired                system          REQ-031
requester  sent                   answer-hit             candidate              partner         REQ-032
requester  sent                   answer-no-hit          no-hit                 partner         REQ-031
requester  sent                   answer-unsearchable    unsearchable           partner         REQ-042
requester  sent                   answer-refused         refused                partner         REQ-031
requester  sent                   answer-expired         expired                partner         REQ-031
requester  sent                   expire                 expired                system          REQ-031
requester  candidate              receipt                candidate              partner         REQ-045
requester  no-hit                 receipt                no-hit                 partner         REQ-045
requester  unsearchable           receipt                unsearchable           partner         REQ-045
requester  refused                receipt                refused                partner         REQ-045
requester  expired                receipt                expired                partner         REQ-045
requester  candidate              conclude-identified    identified             examiner        REQ-032
requester  candidate              conclude-excluded      excluded               examiner        REQ-035
requester  candidate              conclude-inconclusive  inconclusive           examiner        REQ-035
requester  identified             request                requested              officer         REQ-050
requester  requested              receipt                request-receipted      partner         REQ-045
requester  requested              release                released               partner         REQ-051
requester  requested              refuse-release         release-refused        partner         REQ-051
requester  request-receipted      release                released               partner         REQ-051
requester  request-receipted      refuse-release         release-refused        partner         REQ-051
requester  released               receipt                released               partner         REQ-045
requester  release-refused        receipt                release-refused        partner         REQ-045
requester  released               acknowledge            acknowledged           system          REQ-059
holder     new                    receive                received               partner         REQ-045
holder     received               start                  answering              system          REQ-040
holder     received               answer-refused         answered-refused       system          REQ-031
holder     received               answer-expired         expired                system          REQ-031
holder     answering              answer-hit             answered-hit           system          REQ-030
holder     answering              answer-no-hit          answered-no-hit        system          REQ-031
holder     answering              answer-unsearchable    answered-unsearchable  system          REQ-042
holder     answering              answer-refused         answered-refused       system          REQ-031
holder     answering              answer-expired         expired                system          REQ-031
holder     answered-hit           request                requested              partner         REQ-050
holder     answered-hit           close                  closed                 system          REQ-082
holder     answered-no-hit        close                  closed                 system          REQ-081
holder     answered-unsearchable  close                  closed                 system          REQ-080
holder     answered-refused       close                  closed                 system          REQ-080
holder     expired                close                  closed                 system          REQ-080
holder     requested              prepare-release        prepared               officer         REQ-054
holder     requested              refuse-release         release-refused        officer         REQ-051
holder     prepared               return-release         requested              second-officer  REQ-054
holder     prepared               release                released               second-officer  REQ-054
holder     prepared               refuse-release         release-refused        second-officer  REQ-051
holder     released               acknowledge            closed                 partner         REQ-059
holder     release-refused        close                  closed                 system          REQ-051
"""


def _table() -> Mapping[tuple[Side, State, Event], Transition]:
    rows = [line.split() for line in _ROWS.strip().splitlines()]
    table = {
        (Side(side), State(state), Event(event)): Transition(State(to), Actor(actor), requirement)
        for side, state, event, to, actor, requirement in rows
    }
    if len(table) != len(rows):
        raise ValueError("a row of the state table stands twice")
    return MappingProxyType(table)


TRANSITIONS = _table()


def advance(side: Side, state: State, event: Event, *, by: Actor, agreement: Agreement) -> State | Refused:
    """The state that follows, or why this step is not possible now or not by this role.

    Two officers being two persons is not seen here, where only roles are known: `gate.gate_release` checks it.
    """
    transition = TRANSITIONS.get((side, state, event))
    if transition is None:
        return refused("step-not-allowed", agreement, event=str(event), state=str(state))
    if transition.actor is not by:
        return refused("wrong-actor", agreement, event=str(event), actor=str(by))
    return transition.to


def possible(side: Side, state: State) -> Mapping[Event, Transition]:
    """The steps that the table has from this state, for pages that show what can be done next."""
    return {event: row for (s, st, event), row in TRANSITIONS.items() if s is side and st is state}


def is_final(side: Side, state: State) -> bool:
    """True where no step leads out of the state (a late receipt leads back to where it was)."""
    return all(row.to is state for row in possible(side, state).values())


def overturn(side: Side, state: State, agreement: Agreement, *, told: bool = False) -> State | Refused:
    """The state after a confirmed match was found to be none: whatever rests on the hit ends (REQ-095).

    A requester that is `told` so by the holder ends a candidate too, which nobody has confirmed yet.
    """
    resting = {State.ANSWERED_HIT if side is Side.HOLDER else State.CANDIDATE if told else State.IDENTIFIED}
    while more := {row.to for known in resting for row in possible(side, known).values()} - resting:
        resting |= more
    ends = state in resting - {State.EXCLUDED, State.INCONCLUSIVE, State.FALSE_HIT}
    return State.FALSE_HIT if ends else refused("no-hit-to-follow", agreement)
