"""The limits of a conversation: started, stopped, standing still, passed. What follows from a passed one is in `alarms`.

    answer      holder and requester, from the query to the answer             answer.automated_hours, expedited_seconds
    confirm     whichever side concludes, from the hit to the conclusion       retention.hit_reference_at_requester_days
    follow-up   holder and requester, from the request to the release          follow_up.hours_urgent, hours_ordinary
    conditions  holder and requester, from a release with conditions to        follow_up.hours_ordinary
                their acceptance or not: it is never taken for given
    outcome     holder and requester, from the question to the report          duties.outcome_days

Instants are this node's own clock in UTC; the partner's signed times stand beside them in the ledger (REQ-045).
A pause moves the limit on by as long as it lasted (REQ-044).
"""

from __future__ import annotations

from datetime import timedelta

from mithaq.node import journal
from mithaq.node.gateway import Node
from mithaq.node.store import Tx
from mithaq.node.store import clocks as store
from mithaq.node.store.clocks import Clock
from mithaq.node.store.conversations import Conversation
from mithaq.pact.agreement import Agreement
from mithaq.units import parse_timestamp, timestamp

ANSWER, CONFIRM, FOLLOW_UP, OUTCOME, CONDITIONS = "answer", "confirm", "follow-up", "outcome", "conditions"


def limit_of(agreement: Agreement, name: str, *, expedited: bool = False, urgent: bool = False) -> timedelta:
    """How long the agreement gives for a step: the answer, the conclusion, the follow-up, the word on its conditions, the
    report of its result."""
    if name == ANSWER:
        terms = agreement.answer
        return timedelta(seconds=terms.expedited_seconds) if expedited else timedelta(hours=terms.automated_hours)
    if name == CONFIRM:
        return timedelta(days=agreement.retention.hit_reference_at_requester_days)
    if name == CONDITIONS:
        return timedelta(hours=agreement.follow_up.hours_ordinary)
    if name == FOLLOW_UP:
        return timedelta(hours=agreement.follow_up.hours_urgent if urgent else agreement.follow_up.hours_ordinary)
    return timedelta(days=agreement.duties.outcome_days)


def start(tx: Tx, node: Node, conversation_id: str, name: str, limit: timedelta) -> None:
    """Start a clock now."""
    now = node.clock()
    store.put_clock(tx, Clock(conversation_id, name, timestamp(now), timestamp(now + limit)))


def stop(tx: Tx, node: Node, conversation: Conversation, name: str) -> None:
    """Stop a clock; one that is late by now is recorded as such, so that no breach goes uncounted."""
    resume(tx, node, conversation.id, name)
    clock = store.find_clock(tx, conversation.id, name)
    now = timestamp(node.clock())
    if clock is None or clock.stopped_at is not None:
        return
    if clock.due_at <= now:
        breach(tx, node, conversation, clock)
    store.change_clock(tx, conversation.id, name, stopped_at=now)


def find(tx: Tx, conversation_id: str, name: str) -> Clock | None:
    """A conversation's clock of that name, or None."""
    return store.find_clock(tx, conversation_id, name)


def pause(tx: Tx, node: Node, conversation_id: str, name: str, reason: str) -> None:
    """Let a running clock stand still, for a coded reason that both sides see."""
    clock = store.find_clock(tx, conversation_id, name)
    if clock is not None and clock.stopped_at is None and clock.paused_at is None:
        store.change_clock(tx, conversation_id, name, paused_at=timestamp(node.clock()), reason=reason)


def resume(tx: Tx, node: Node, conversation_id: str, name: str) -> None:
    """Let a clock run again: what is left of its limit is what was left when it stopped."""
    clock = store.find_clock(tx, conversation_id, name)
    if clock is not None and clock.paused_at is not None:
        stood = node.clock() - parse_timestamp(clock.paused_at)
        due = timestamp(parse_timestamp(clock.due_at) + stood)
        store.change_clock(tx, conversation_id, name, paused_at=None, due_at=due)


def breach(tx: Tx, node: Node, conversation: Conversation, clock: Clock) -> None:
    """Record that a limit has passed, once: clock, ledger and metrics (REQ-041)."""
    if clock.breached_at is not None:
        return
    store.change_clock(tx, conversation.id, clock.name, breached_at=timestamp(node.clock()))
    journal.write(
        tx, node, "clock-breached", conversation=conversation.id, clock=clock.name, party=conversation.partner
    )
    node.metrics.late.labels(clock.name, conversation.side).inc()


def of_conversation(node: Node, conversation_id: str) -> list[Clock]:
    """The clocks of a conversation, for a page."""
    with node.database.read() as tx:
        return store.clocks_of(tx, conversation_id)


def late(node: Node) -> list[Clock]:
    """Every clock that runs and whose limit has passed."""
    with node.database.read() as tx:
        return store.late_clocks(tx, timestamp(node.clock()))


__all__ = [
    "ANSWER", "CONDITIONS", "CONFIRM", "FOLLOW_UP", "OUTCOME", "Clock", "breach", "find", "late", "limit_of", "of_conversation", "pause",
    "resume", "start", "stop",
]  # fmt: skip
