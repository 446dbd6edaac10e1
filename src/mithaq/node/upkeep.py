"""What a node does by itself between queries: expiry, sessions, co-signing, postponed work; and how it is doing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import structlog

from mithaq.errors import MithaqError, PartnerError
from mithaq.node import alarms, clocks, erasing, exposure, extracts, journal, retention, standing, witness
from mithaq.node.gateway import Node
from mithaq.node.states import erase_prints
from mithaq.node.store import conversations, ledger, matters, messages, references
from mithaq.pact.agreement import active
from mithaq.pact.gate import Refused
from mithaq.pact.lifecycle import Actor, Event, Side, State, advance
from mithaq.units import timestamp

_log = structlog.get_logger("mithaq.upkeep")
RETRY_STEP_S = 5.0  # a step that broke unexpectedly waits this long


def requeue(node: Node) -> None:
    """At start: give what is due a new attempt number, so that no step of the last life is mistaken for it."""
    now = timestamp(node.clock())
    with node.database.write() as tx:
        messages.make_due(tx, now)
        for conversation in conversations.due_conversations(tx, "9999", limit=100_000):
            conversations.change_conversation(tx, conversation.id, attempts=conversation.attempts + 1)


def postpone(node: Node, *, message_id: str = "", conversation_id: str = "") -> None:
    """Set a broken step's row to be tried again later."""
    later = timestamp(node.clock() + timedelta(seconds=RETRY_STEP_S))
    with node.database.write() as tx:
        message = messages.find_message(tx, message_id, "out") if message_id else None
        if message is not None:
            messages.change_message(tx, message, attempts=message.attempts + 1, due_at=later)
        conversation = conversations.find_conversation(tx, conversation_id) if conversation_id else None
        if conversation is not None and conversation.due_at is not None:
            conversations.change_conversation(tx, conversation.id, attempts=conversation.attempts + 1, due_at=later)


def expire(node: Node) -> None:
    """End the conversations whose time is up and erase their prints; forget sessions that have ended."""
    now = timestamp(node.clock())
    waiting = [str(State.PREPARED), str(State.SENT), str(State.DELAYED)]
    with node.database.read() as tx:
        late = conversations.expired_conversations(tx, now, waiting)
    with node.database.write() as tx:
        references.end_old_sessions(tx, now)
        for conversation in late:
            agreement = node.agreements.find(conversation.agreement)
            if conversation.side != Side.REQUESTER or agreement is None:
                continue
            moved = advance(
                Side.REQUESTER, State(conversation.state), Event.EXPIRE, by=Actor.SYSTEM, agreement=agreement
            )
            if isinstance(moved, Refused):
                continue
            conversations.change_conversation(tx, conversation.id, state=str(moved), changed_at=now)
            journal.write(tx, node, "conversation-expired", conversation=conversation.id, reason="no-answer")
            erase_prints(tx, node, conversation.id, ["query"], reason="expired")
            clocks.stop(tx, node, conversation, clocks.ANSWER)
    birthdays(node)
    retention.late_candidates(node)
    alarms.sweep(node)
    erasing.finish(node)


def birthdays(node: Node) -> int:
    """Once a day, where the exposure rule asks for an age: decide every record anew; returns how many changed (REQ-025)."""
    today = timestamp(node.clock())[:10]
    if node.exposed_on == today:
        return 0
    _, rule = exposure.current_rule(node)
    changed = exposure.again(node) if rule is not None and rule.min_age else 0
    node.exposed_on = today
    return changed


def cosign(node: Node) -> None:
    """Offer our ledger's newest checkpoint to each partner that has not yet co-signed it."""
    for partner in sorted(node.agreements.partners()):
        if not node.may_cosign(partner):
            continue
        try:
            witness.offer(node, partner)
            node.cosign_done(partner)
        except MithaqError as error:
            witness.failed(node, partner, error)
            grave = not isinstance(error, PartnerError) or error.code in witness.ROLLED_BACK
            (_log.error if grave else _log.info)("not co-signed", partner=partner, code=error.code)


def health(node: Node) -> dict[str, Any]:
    """Each part's state, and `ok` where all of them can serve. No part names a person, a case or a print."""
    parts: dict[str, Any] = {}
    try:
        with node.database.read() as tx:
            parts["ledger_size"] = ledger.ledger_size(tx)
            parts["waiting"] = messages.count_waiting(tx)
        parts["database"] = "ok"
    except MithaqError as error:
        parts["database"] = error.code
    try:
        counts = node.searcher.count()
        parts["gallery"] = {"persons": counts.persons, "fingers": counts.fingers, "impressions": counts.impressions}
    except MithaqError as error:
        parts["gallery"] = error.code
    now = node.clock()
    in_force = [one for one in node.agreements.all() if active(one, now)]
    parts["agreements"] = len(in_force)
    parts["agreements_end_in_days"] = {partner: days for partner, days, _ in standing.alarms(node)}
    parts["limits_passed"] = len(clocks.late(node))
    parts["queries_wait"] = dict(node.held)
    whole = not any(code in witness.ROLLED_BACK for code in node.held.values())
    parts["ok"] = parts["database"] == "ok" and isinstance(parts["gallery"], dict) and bool(in_force) and whole
    return parts


def measure(node: Node) -> None:
    """Bring the gauges up to date."""
    with node.database.read() as tx:
        node.metrics.ledger_size.set(ledger.ledger_size(tx))
        node.metrics.waiting.set(messages.count_waiting(tx))
        node.metrics.overdue.set(matters.count_overdue(tx, timestamp(node.clock())))
    for partner, days, _ in standing.alarms(node):
        node.metrics.agreement_alarm.labels(partner).set(days)
    node.metrics.extracts_late.set(sum(left < 0 for _, left in extracts.due(node)))
    node.metrics.gallery.set(node.searcher.count().impressions)
