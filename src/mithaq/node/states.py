"""Moving a conversation along the state table, and storing what moves with it. Shared by the steps of `flow`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from mithaq.errors import FormatError, TrustError
from mithaq.node import journal
from mithaq.node.gateway import Node
from mithaq.node.stages import Stages
from mithaq.node.store import Tx, conversations, retention
from mithaq.node.store.conversations import Conversation
from mithaq.node.store.retention import HeldErasure
from mithaq.pact.agreement import Agreement
from mithaq.pact.gate import QueryFacts, Refused
from mithaq.pact.lifecycle import Actor, Event, Side, State, advance
from mithaq.pact.message import Opened
from mithaq.units import PrintImage, parse_timestamp, timestamp

QUERY_LIFE = timedelta(days=7)  # longer than the 24 h answer clock: a query outlives its holder's outage (REQ-043)


def begin(
    node: Node,
    agreement: Agreement,
    side: Side,
    conversation_id: str,
    facts: QueryFacts,
    tcn: str,
    event: Event,
    by: Actor,
) -> Conversation:
    """A new conversation after its first event, not stored yet."""
    now = node.clock()
    conversation = Conversation(
        id=conversation_id,
        side=str(side),
        partner=facts.destination_party if side is Side.REQUESTER else facts.origin_party,
        agreement=agreement.id,
        state=str(State.NEW),
        search_type=facts.search_type,
        purpose=facts.purpose,
        case_number=facts.case,
        offence={"category": facts.offence.category, "max_penalty_months": facts.offence.max_penalty_months},
        legal_basis=facts.legal_basis,
        expedited=facts.expedited,
        ordered_by=facts.ordered_by,
        run_by=facts.run_by,
        approved_by=facts.approved_by,
        tcn=tcn,
        candidates=[],
        reference=None,
        reasons=[],
        clause=None,
        stages={},
        created_at=timestamp(now),
        changed_at=timestamp(now),
        expires_at=timestamp(now + QUERY_LIFE),
        attempts=0,
        due_at=None,
    )
    return _step(conversation, event, by, agreement)


def move(
    tx: Tx, node: Node, conversation: Conversation, event: Event, by: Actor, agreement: Agreement, **values: Any
) -> Conversation:
    """The conversation after an event that the table must allow, stored with whatever else changes.

    A partner's message that breaks the table is a FormatError; persons' steps are asked of the table first (`may`).
    """
    conversation = _step(conversation, event, by, agreement)
    values["changed_at"] = timestamp(node.clock())
    conversations.change_conversation(tx, conversation.id, state=conversation.state, **values)
    return replace(conversation, **values)


def may(conversation: Conversation, event: Event, by: Actor, agreement: Agreement) -> Refused | None:
    """Why a person's step is not possible now; None where it is."""
    moved = advance(Side(conversation.side), State(conversation.state), event, by=by, agreement=agreement)
    return moved if isinstance(moved, Refused) else None


def _step(conversation: Conversation, event: Event, by: Actor, agreement: Agreement) -> Conversation:
    moved = advance(Side(conversation.side), State(conversation.state), event, by=by, agreement=agreement)
    if isinstance(moved, Refused):
        raise FormatError(
            "NOD-105", f"{event} does not follow {conversation.state}", field="kind", clause=moved.clause_ref
        )
    return replace(conversation, state=str(moved))


def open_conversation(tx: Tx, node: Node, conversation_id: str) -> tuple[Conversation, Agreement]:
    """A conversation of this node with the version of its agreement that it goes on under (REQ-161), locked for this
    transaction; FormatError where there is none."""
    conversation = conversations.find_conversation(tx, conversation_id, lock=True)
    if conversation is None:
        raise FormatError(
            "NOD-106",
            "there is no such conversation here",
            place=conversation_id[:40],
            remedy="`mithaq node status` lists them",
        )
    return conversation, node.agreements.governing(conversation.agreement, node.clock())


def of_message(tx: Tx, node: Node, opened: Opened, side: Side) -> Conversation:
    """The conversation a partner's message belongs to: known, on that side, with that partner, under the version that it
    goes on under."""
    manifest = opened.manifest
    conversation = conversations.find_conversation(tx, manifest.conversation, lock=True)
    if conversation is None or conversation.partner != manifest.sender or conversation.side != side:
        raise FormatError("NOD-107", "the message belongs to no conversation of this partner", field="conversation")
    skew = timedelta(seconds=node.settings.delivery.clock_skew_s)
    if manifest.created_at + skew < parse_timestamp(conversation.created_at):
        raise TrustError(
            "NOD-307",
            "the message was made before its conversation began",
            place="manifest",
            expected=f"clocks that differ by at most {node.settings.delivery.clock_skew_s:.0f} s",
            remedy="check the clock of both nodes",
        )
    when = (manifest.created_at, node.clock())  # a version may take effect while a message is on its way
    if manifest.agreement not in {node.agreements.governing(conversation.agreement, at).id for at in when}:
        raise TrustError(
            "NOD-108", "the message names another agreement than its conversation goes on under", place="manifest"
        )
    return conversation


def keep_prints(
    tx: Tx, node: Node, conversation: Conversation, role: str, prints: Sequence[PrintImage], *, reference: str = ""
) -> None:
    """Keep prints, sealed, while the conversation needs them."""
    for stored in node.seal_prints(conversation.id, role, prints, reference=reference):
        conversations.add_print(tx, stored)


def erase_prints(tx: Tx, node: Node, conversation_id: str, roles: Sequence[str], *, reason: str, but: str = "") -> int:
    """Erase prints that a conversation no longer needs (those of the reference `but` excepted), and say so in the ledger.

    Returns how many. Their rows go with this transaction, their keys right after it (`erasing.finish`). Under a legal hold they stay until
    the first sweep after its end (REQ-085).
    """
    now = timestamp(node.clock())
    if conversation_id in retention.held_subjects(tx, now):
        for role in roles:
            if retention.print_ids(tx, conversation_id, role, but=but):
                retention.hold_erasure(tx, HeldErasure(conversation_id, role, but, reason))
        return 0
    erased = 0
    for role in roles:
        ids = retention.print_ids(tx, conversation_id, role, but=but)
        retention.plan_erasures(tx, [f"print:{conversation_id}:{one}" for one in ids], now)
        erased += conversations.erase_prints(tx, conversation_id, role, but=but)
    if erased:
        journal.write(tx, node, "prints-erased", conversation=conversation_id, prints=erased, reason=reason)
    return erased


def add_stages(tx: Tx, conversation: Conversation | None, stages: Stages) -> None:
    """Add a step's milliseconds to those of its conversation, given as it stands in the store; None is none."""
    if conversation is None:
        return
    merged = dict(conversation.stages)
    for name, spent in stages.milliseconds.items():
        merged[name] = round(merged.get(name, 0.0) + spent, 3)
    conversations.change_conversation(tx, conversation.id, stages=merged)
