"""A conversation's life on both sides, as one table: (side, state, event) → (next state, who, requirement, guard).

    requester   new → prepared → sent → candidate → identified → requested → released → acknowledged → reported
                       (delayed) └→ no-hit · unsearchable · refused · expired    └→ declined · release-refused
    holder      new → received → answering → answered-hit → requested ⇄ paused, → prepared → released → acknowledged
                                   └→ answered-no-hit · answered-unsearchable · answered-refused · expired → closed
    conclude    candidate (holder: answered-hit) → examined → disagreement → identified · excluded · inconclusive
                where both sides confirm, the requester's own identification is `confirmed` until the holder's comes

A guard says under which terms of the agreement a row stands: who confirms (`requester`, `holder`, `both`; `asks` and
`holds` for the side that does), and by how many examiners (`one`, `two`). What is not in the table is not possible:
`advance` returns a refusal for it, and nothing changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from mithaq.pact.agreement import Agreement
from mithaq.pact.gate import Refused, refused
from mithaq.pact.terms import AnswerTerms


class Side(StrEnum):
    """Which end of a conversation a node is: the one that asked, or the one whose file is searched."""

    REQUESTER = "requester"
    HOLDER = "holder"


class State(StrEnum):
    """Where a conversation stands. Some names serve both sides; a state is always read together with its side."""

    NEW = "new"
    PREPARED = "prepared"  # requester: in the queue; holder: a release awaits its second officer
    SENT = "sent"
    DELAYED = "delayed"  # the holder cannot answer in time, said so, and keeps the query
    CANDIDATE = "candidate"  # a hit that no person has confirmed
    NO_HIT = "no-hit"
    UNSEARCHABLE = "unsearchable"
    REFUSED = "refused"
    EXPIRED = "expired"
    EXAMINED = "examined"  # the first of two examiners has concluded
    DISAGREEMENT = "disagreement"  # of two examiners of one side
    CONFIRMED = "confirmed"  # the requester's identification, which waits for the holder's
    CONTESTED = "contested"  # one side identifies, the other excludes
    IDENTIFIED = "identified"
    EXCLUDED = "excluded"
    INCONCLUSIVE = "inconclusive"
    REQUESTED = "requested"
    PAUSED = "paused"  # the holder waits for somebody else's leave, and its clock stands still
    APPROVED = "approved"  # data of special nature await their third officer
    REQUEST_RECEIPTED = "request-receipted"
    RELEASED = "released"
    RELEASE_REFUSED = "release-refused"
    ACKNOWLEDGED = "acknowledged"
    DECLINED = "declined"  # the receiver did not accept the conditions, and erased the data
    OUTCOME_ASKED = "outcome-asked"
    REPORTED = "reported"
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
    DELAY = "delay"
    EXAMINE = "examine"  # the first of two examiners
    DISAGREE = "disagree"  # the second one, who concludes otherwise
    CONCLUDE_IDENTIFIED = "conclude-identified"
    CONCLUDE_EXCLUDED = "conclude-excluded"
    CONCLUDE_INCONCLUSIVE = "conclude-inconclusive"
    HOLDER_IDENTIFIED = "holder-identified"
    HOLDER_EXCLUDED = "holder-excluded"
    HOLDER_INCONCLUSIVE = "holder-inconclusive"
    REQUEST = "request"
    PAUSE = "pause"
    RESUME = "resume"
    PREPARE_RELEASE = "prepare-release"
    RETURN_RELEASE = "return-release"
    APPROVE = "approve"
    RELEASE = "release"
    RELEASE_PART = "release-part"
    REFUSE_RELEASE = "refuse-release"
    ACKNOWLEDGE = "acknowledge"
    ACCEPT = "accept"
    DECLINE = "decline"
    ASK_OUTCOME = "ask-outcome"
    REPORT_OUTCOME = "report-outcome"
    CLOSE = "close"


class Actor(StrEnum):
    """Who may do a step. `system` is the node itself; `partner` a message that was opened and trusted."""

    SYSTEM = "system"
    PARTNER = "partner"
    OFFICER = "officer"
    SECOND_OFFICER = "second-officer"
    THIRD_OFFICER = "third-officer"
    EXAMINER = "examiner"
    SECOND_EXAMINER = "second-examiner"
    THIRD_EXAMINER = "third-examiner"


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
    PARTIAL = "partial"
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
HOLDER_EVENT: Mapping[Conclusion, Event] = MappingProxyType({
    Conclusion.IDENTIFIED: Event.HOLDER_IDENTIFIED,
    Conclusion.EXCLUDED: Event.HOLDER_EXCLUDED,
    Conclusion.INCONCLUSIVE: Event.HOLDER_INCONCLUSIVE,
})  # fmt: skip
RELEASE_EVENT: Mapping[ReleaseOutcome, Event] = MappingProxyType({
    ReleaseOutcome.RELEASED: Event.RELEASE,
    ReleaseOutcome.PARTIAL: Event.RELEASE_PART,
    ReleaseOutcome.REFUSED: Event.REFUSE_RELEASE,
})  # fmt: skip


@dataclass(frozen=True)
class Transition:
    """One row: the state that follows, who may do the step, the requirement that asks for it, and the guard."""

    to: State
    actor: Actor
    requirement: str
    guard: str = ""


# side, state, event, next state, actor, requirement, guard
_ROWS = """
requester  new                    prepare                prepared               officer         REQ-013
requester  prepared               receipt                sent                   partner         REQ-045
requester  prepared               answer-hit             candidate              partner         REQ-032
requester  prepared               answer-no-hit          no-hit                 partner         REQ-031
requester  prepared               answer-unsearchable    unsearchable           partner         REQ-042
requester  prepared               answer-refused         refused                partner         REQ-031
requester  prepared               answer-expired         expired                partner         REQ-031
requester  prepared               expire                 expired                system          REQ-031
requester  prepared               delay                  delayed                partner         REQ-043
requester  sent                   answer-hit             candidate              partner         REQ-032
requester  sent                   answer-no-hit          no-hit                 partner         REQ-031
requester  sent                   answer-unsearchable    unsearchable           partner         REQ-042
requester  sent                   answer-refused         refused                partner         REQ-031
requester  sent                   answer-expired         expired                partner         REQ-031
requester  sent                   expire                 expired                system          REQ-031
requester  sent                   delay                  delayed                partner         REQ-043
requester  delayed                answer-hit             candidate              partner         REQ-032
requester  delayed                answer-no-hit          no-hit                 partner         REQ-031
requester  delayed                answer-unsearchable    unsearchable           partner         REQ-042
requester  delayed                answer-refused         refused                partner         REQ-031
requester  delayed                answer-expired         expired                partner         REQ-031
requester  delayed                expire                 expired                system          REQ-031
requester  delayed                delay                  delayed                partner         REQ-043
requester  candidate              examine                examined               examiner        REQ-035  asks+two
requester  candidate              conclude-identified    identified             examiner        REQ-032  requester+one
requester  candidate              conclude-identified    confirmed              examiner        REQ-033  both+one
requester  candidate              conclude-excluded      excluded               examiner        REQ-035  asks+one
requester  candidate              conclude-inconclusive  inconclusive           examiner        REQ-035  asks+one
requester  examined               conclude-identified    identified             second-examiner REQ-035  requester
requester  examined               conclude-identified    confirmed              second-examiner REQ-033  both
requester  examined               conclude-excluded      excluded               second-examiner REQ-035
requester  examined               conclude-inconclusive  inconclusive           second-examiner REQ-035
requester  examined               disagree               disagreement           second-examiner REQ-035
requester  disagreement           conclude-identified    identified             third-examiner  REQ-035  requester
requester  disagreement           conclude-identified    confirmed              third-examiner  REQ-033  both
requester  disagreement           conclude-excluded      excluded               third-examiner  REQ-035
requester  disagreement           conclude-inconclusive  inconclusive           third-examiner  REQ-035
requester  candidate              holder-identified      identified             partner         REQ-033  holder
requester  candidate              holder-excluded        excluded               partner         REQ-033  holder
requester  candidate              holder-inconclusive    inconclusive           partner         REQ-033  holder
requester  confirmed              holder-identified      identified             partner         REQ-033  both
requester  confirmed              holder-excluded        contested              partner         REQ-033  both
requester  confirmed              holder-inconclusive    inconclusive           partner         REQ-033  both
requester  identified             request                requested              officer         REQ-050
requester  requested              receipt                request-receipted      partner         REQ-045
requester  requested              release                released               partner         REQ-051
requester  requested              release-part           released               partner         REQ-051
requester  requested              refuse-release         release-refused        partner         REQ-051
requester  request-receipted      release                released               partner         REQ-051
requester  request-receipted      release-part           released               partner         REQ-051
requester  request-receipted      refuse-release         release-refused        partner         REQ-051
requester  released               acknowledge            acknowledged           system          REQ-059
requester  released               accept                 acknowledged           officer         REQ-056
requester  released               decline                declined               officer         REQ-056
requester  acknowledged           ask-outcome            outcome-asked          partner         REQ-059
requester  acknowledged           report-outcome         reported               officer         REQ-059
requester  outcome-asked          report-outcome         reported               officer         REQ-059
holder     new                    receive                received               partner         REQ-045
holder     received               start                  answering              system          REQ-040
holder     received               answer-refused         answered-refused       system          REQ-031
holder     received               answer-expired         expired                system          REQ-031
holder     answering              answer-hit             answered-hit           system          REQ-030
holder     answering              answer-no-hit          answered-no-hit        system          REQ-031
holder     answering              answer-unsearchable    answered-unsearchable  system          REQ-042
holder     answering              answer-refused         answered-refused       system          REQ-031
holder     answering              answer-expired         expired                system          REQ-031
holder     answered-hit           request                requested              partner         REQ-050  requester
holder     answered-hit           examine                examined               examiner        REQ-035  holds+two
holder     answered-hit           conclude-identified    identified             examiner        REQ-033  holds+one
holder     answered-hit           conclude-excluded      excluded               examiner        REQ-033  holds+one
holder     answered-hit           conclude-inconclusive  inconclusive           examiner        REQ-033  holds+one
holder     examined               conclude-identified    identified             second-examiner REQ-035
holder     examined               conclude-excluded      excluded               second-examiner REQ-035
holder     examined               conclude-inconclusive  inconclusive           second-examiner REQ-035
holder     examined               disagree               disagreement           second-examiner REQ-035
holder     disagreement           conclude-identified    identified             third-examiner  REQ-035
holder     disagreement           conclude-excluded      excluded               third-examiner  REQ-035
holder     disagreement           conclude-inconclusive  inconclusive           third-examiner  REQ-035
holder     identified             request                requested              partner         REQ-050
holder     answered-hit           close                  closed                 system          REQ-082
holder     examined               close                  closed                 system          REQ-082
holder     disagreement           close                  closed                 system          REQ-082
holder     identified             close                  closed                 system          REQ-082
holder     excluded               close                  closed                 system          REQ-080
holder     inconclusive           close                  closed                 system          REQ-080
holder     answered-no-hit        close                  closed                 system          REQ-081
holder     answered-unsearchable  close                  closed                 system          REQ-080
holder     answered-refused       close                  closed                 system          REQ-080
holder     expired                close                  closed                 system          REQ-080
holder     requested              pause                  paused                 officer         REQ-044
holder     paused                 resume                 requested              officer         REQ-044
holder     paused                 refuse-release         release-refused        officer         REQ-051
holder     requested              prepare-release        prepared               officer         REQ-054
holder     requested              refuse-release         release-refused        officer         REQ-051
holder     prepared               return-release         requested              second-officer  REQ-054
holder     prepared               approve                approved               second-officer  REQ-055
holder     prepared               release                released               second-officer  REQ-054
holder     prepared               release-part           released               second-officer  REQ-051
holder     prepared               refuse-release         release-refused        second-officer  REQ-051
holder     approved               return-release         requested              third-officer   REQ-055
holder     approved               release                released               third-officer   REQ-055
holder     approved               release-part           released               third-officer   REQ-055
holder     approved               refuse-release         release-refused        third-officer   REQ-051
holder     released               acknowledge            acknowledged           partner         REQ-059
holder     released               decline                declined               partner         REQ-056
holder     acknowledged           ask-outcome            outcome-asked          officer         REQ-059
holder     acknowledged           report-outcome         closed                 partner         REQ-059
holder     outcome-asked          report-outcome         closed                 partner         REQ-059
holder     acknowledged           close                  closed                 system          REQ-059
holder     declined               close                  closed                 system          REQ-056
holder     release-refused        close                  closed                 system          REQ-051
"""

_WORDS: Mapping[str, Callable[[AnswerTerms], bool]] = {
    "requester": lambda terms: terms.confirm_by == "requester",
    "holder": lambda terms: terms.confirm_by == "holder",
    "both": lambda terms: terms.confirm_by == "both",
    "asks": lambda terms: terms.confirm_by != "holder",
    "holds": lambda terms: terms.confirm_by != "requester",
    "one": lambda terms: terms.examiners == 1,
    "two": lambda terms: terms.examiners == 2,
}


def _table() -> Mapping[tuple[Side, State, Event], tuple[Transition, ...]]:
    table: dict[tuple[Side, State, Event], tuple[Transition, ...]] = {}
    for line in _ROWS.strip().splitlines():
        side, state, event, to, actor, requirement, *guard = line.split()
        key = (Side(side), State(state), Event(event))
        row = Transition(State(to), Actor(actor), requirement, *guard)
        if any(row.guard == other.guard for other in table.get(key, ())) or not all(
            word in _WORDS for word in row.guard.split("+") if word
        ):
            raise ValueError("a row of the state table stands twice, or under an unknown guard")
        table[key] = (*table.get(key, ()), row)
    return MappingProxyType(table)


TRANSITIONS = _table()


def advance(side: Side, state: State, event: Event, *, by: Actor, agreement: Agreement) -> State | Refused:
    """The state that follows, or why this step is not possible now or not by this role.

    Two officers being two persons is not seen here, where only roles are known: the steps and `gate_release` check it.
    """
    transition = possible(side, state, agreement).get(event)
    if transition is None:
        return refused("step-not-allowed", agreement, event=str(event), state=str(state))
    if transition.actor is not by:
        return refused("wrong-actor", agreement, event=str(event), actor=str(by))
    return transition.to


def possible(side: Side, state: State, agreement: Agreement) -> Mapping[Event, Transition]:
    """The steps that the table has from this state under this agreement, for pages that show what can be done next."""
    return {
        event: row
        for (s, st, event), rows in TRANSITIONS.items()
        if s is side and st is state
        for row in rows
        if all(_WORDS[word](agreement.answer) for word in row.guard.split("+") if word)
    }


def is_final(side: Side, state: State) -> bool:
    """True where no step leads out of the state, under whatever agreement."""
    return not any(s is side and st is state for s, st, _ in TRANSITIONS)


def overturn(side: Side, state: State, agreement: Agreement, *, told: bool = False) -> State | Refused:
    """The state after a confirmed match was found to be none: whatever rests on the hit ends (REQ-095).

    A requester that is `told` so by the holder ends a candidate too, which nobody has confirmed yet.
    """
    resting = {State.ANSWERED_HIT if side is Side.HOLDER else State.CANDIDATE if told else State.IDENTIFIED}
    while more := {row.to for known in resting for row in possible(side, known, agreement).values()} - resting:
        resting |= more
    ends = state in resting - {State.EXCLUDED, State.INCONCLUSIVE, State.FALSE_HIT}
    return State.FALSE_HIT if ends else refused("no-hit-to-follow", agreement)
