"""What follows here from the partner's notices of a conversation's life (`pact.steps`), in the message's own transaction.

    conclusion ─► the requester's state      delay ─► the query waits longer     clock-paused, -resumed ─► the clock
    conditions-accepted, -declined, outcome-request, outcome-report ─► the state

Each handler returns what the ledger entry says besides. One that does not fit the conversation is a FormatError, and
then nothing changed; one that merely comes too late changes nothing either, and is logged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mithaq.errors import FormatError
from mithaq.node import clocks
from mithaq.node.gateway import Node
from mithaq.node.states import QUERY_LIFE, erase_prints, may, move, of_message
from mithaq.node.store import Tx, conversations
from mithaq.node.store.conversations import Act, Conversation
from mithaq.pact.agreement import Agreement
from mithaq.pact.gate import same_person
from mithaq.pact.lifecycle import HOLDER_EVENT, Actor, Conclusion, Event, Side, State
from mithaq.pact.message import Opened
from mithaq.pact.steps import By, Delay, HolderConclusion, Outcome, Pause
from mithaq.pact.strict import canonical, load, plain, read
from mithaq.units import timestamp

SETTLED = (State.IDENTIFIED, State.EXCLUDED, State.INCONCLUSIVE, State.CONTESTED)
HOLDERS_WORD = "holder-conclusion"


def conclusion(tx: Tx, node: Node, agreement: Agreement, opened: Opened, terms: HolderConclusion) -> dict[str, Any]:
    """Keep the holder's conclusion, and act on it where this side has said its own or has none to say (REQ-033)."""
    conversation = of_message(tx, node, opened, Side.REQUESTER)
    if agreement.answer.confirm_by == "requester":
        raise FormatError("NOD-220", "under this agreement the requester alone concludes", field="about")
    if terms.reference not in conversation.candidates:
        raise FormatError("NOD-221", "the conclusion is about a reference that was not answered", field="reference")
    second = terms.second_by or ""
    if agreement.answer.examiners == 2 and (not second or same_person(second, terms.by)):
        raise FormatError(
            "NOD-222", "the agreement wants two examiners, and the conclusion names one", field="second_by"
        )
    if holders_word(tx, conversation.id) is not None:
        raise FormatError("NOD-223", "the holder has concluded already", field="about")
    keep(tx, node, conversation, HOLDERS_WORD, terms.by, terms)
    apply_conclusion(tx, node, conversation, agreement, terms)
    return {"conclusion": terms.decision, "reference": terms.reference, "by": terms.by}


def apply_conclusion(
    tx: Tx, node: Node, conversation: Conversation, agreement: Agreement, terms: HolderConclusion
) -> Conversation:
    """The requester's conversation after the holder's conclusion; unchanged while this side's own is still open."""
    decision = Conclusion(terms.decision)
    theirs_only = agreement.answer.confirm_by == "holder"
    if not theirs_only and decision is Conclusion.IDENTIFIED and terms.reference != conversation.reference:
        decision = Conclusion.EXCLUDED  # the holder identifies somebody else
    event = HOLDER_EVENT[decision]
    if may(conversation, event, Actor.PARTNER, agreement):
        return conversation
    named = {"reference": terms.reference} if theirs_only and decision is Conclusion.IDENTIFIED else {}
    conversation = move(tx, node, conversation, event, Actor.PARTNER, agreement, **named)
    settle(tx, node, conversation)
    return conversation


def settle(tx: Tx, node: Node, conversation: Conversation) -> None:
    """Once it is decided, stop the clock and erase the prints that the decision has made useless."""
    state = State(conversation.state)
    if state in (State.IDENTIFIED, State.CONFIRMED):
        reference = conversation.reference or ""
        erase_prints(tx, node, conversation.id, ["candidate"], reason="another-identified", but=reference)
    elif state in SETTLED:
        erase_prints(tx, node, conversation.id, ["candidate", "query"], reason=str(state))
    if state in SETTLED:
        clocks.stop(tx, node, conversation, clocks.CONFIRM)


def delay(tx: Tx, node: Node, agreement: Agreement, opened: Opened, terms: Delay) -> dict[str, Any]:
    """The holder keeps the query: it waits longer here, too (REQ-043). After the answer this changes nothing."""
    conversation = of_message(tx, node, opened, Side.REQUESTER)
    if may(conversation, Event.DELAY, Actor.PARTNER, agreement) is None:
        until = timestamp(node.clock() + QUERY_LIFE)
        move(tx, node, conversation, Event.DELAY, Actor.PARTNER, agreement, expires_at=until)
    return {"reason": terms.reason}


def paused(tx: Tx, node: Node, agreement: Agreement, opened: Opened, terms: Pause) -> dict[str, Any]:
    """The follow-up's clock stands still here as it does there (REQ-044)."""
    conversation = of_message(tx, node, opened, Side.REQUESTER)
    if terms.reason not in agreement.follow_up.pause_on:
        raise FormatError("NOD-224", "the clock may not stand still for this reason", field="reason", clause="REQ-044")
    clocks.pause(tx, node, conversation.id, clocks.FOLLOW_UP, terms.reason)
    return {"reason": terms.reason}


def resumed(tx: Tx, node: Node, agreement: Agreement, opened: Opened, terms: Pause) -> dict[str, Any]:
    """The follow-up's clock runs again."""
    clocks.resume(tx, node, of_message(tx, node, opened, Side.REQUESTER).id, clocks.FOLLOW_UP)
    return {"reason": terms.reason}


def accepted(tx: Tx, node: Node, agreement: Agreement, opened: Opened, terms: By) -> dict[str, Any]:
    """The receiver is bound by the conditions (REQ-056)."""
    conversation = of_message(tx, node, opened, Side.HOLDER)
    clocks.stop(tx, node, conversation, clocks.CONDITIONS)
    move(tx, node, conversation, Event.ACKNOWLEDGE, Actor.PARTNER, agreement)
    return {"by": terms.by}


def declined(tx: Tx, node: Node, agreement: Agreement, opened: Opened, terms: By) -> dict[str, Any]:
    """The receiver did not accept the conditions and has erased the data (REQ-056)."""
    conversation = of_message(tx, node, opened, Side.HOLDER)
    clocks.stop(tx, node, conversation, clocks.CONDITIONS)
    move(tx, node, conversation, Event.DECLINE, Actor.PARTNER, agreement)
    return {"by": terms.by}


def outcome_asked(tx: Tx, node: Node, agreement: Agreement, opened: Opened, terms: By) -> dict[str, Any]:
    """The holder asks what was done with its data: a clock runs here until an officer says it (REQ-059)."""
    conversation = of_message(tx, node, opened, Side.REQUESTER)
    if may(conversation, Event.ASK_OUTCOME, Actor.PARTNER, agreement) is None:
        move(tx, node, conversation, Event.ASK_OUTCOME, Actor.PARTNER, agreement)
        clocks.start(tx, node, conversation.id, clocks.OUTCOME, clocks.limit_of(agreement, clocks.OUTCOME))
    return {"by": terms.by}


def outcome(tx: Tx, node: Node, agreement: Agreement, opened: Opened, terms: Outcome) -> dict[str, Any]:
    """The receiver says what became of the data (REQ-059)."""
    conversation = of_message(tx, node, opened, Side.HOLDER)
    clocks.stop(tx, node, conversation, clocks.OUTCOME)
    move(tx, node, conversation, Event.REPORT_OUTCOME, Actor.PARTNER, agreement)
    keep(tx, node, conversation, "outcome-kept", terms.by, terms)
    return {"by": terms.by, "outcome": terms.result}


def keep(tx: Tx, node: Node, conversation: Conversation, kind: str, officer: str, terms: object) -> None:
    """Keep the partner's word with the conversation, as its notice had it."""
    at = timestamp(node.clock())
    conversations.add_act(
        tx, Act(node.new_id(), conversation.id, kind, officer[:64], canonical(plain(terms)).decode(), at)
    )


def holders_word(tx: Tx, conversation_id: str) -> HolderConclusion | None:
    """The holder's conclusion that a requester keeps, or None."""
    kept = [act for act in conversations.conversation_acts(tx, conversation_id) if act.kind == HOLDERS_WORD]
    return (
        read(HolderConclusion, load(kept[-1].signed.encode(), what=HOLDERS_WORD), what=HOLDERS_WORD) if kept else None
    )


FOLLOWS: Mapping[str, Any] = {
    "conclusion": conclusion,
    "delay": delay,
    "clock-paused": paused,
    "clock-resumed": resumed,
    "conditions-accepted": accepted,
    "conditions-declined": declined,
    "outcome-request": outcome_asked,
    "outcome-report": outcome,
}
