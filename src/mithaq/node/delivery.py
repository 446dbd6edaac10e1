"""What is put out goes to the partner, and the signed receipt comes back.

sealed messages that are due ─► partner, one after another ─► receipts, checked ─► ledger, message, conversation
                                └─ cannot be reached: later, twice as long each time; refused or too old: given up
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mithaq.errors import PartnerError
from mithaq.node import outgoing, standing, witness
from mithaq.node.followup import release_receipted
from mithaq.node.gateway import Node
from mithaq.node.stages import Stages
from mithaq.node.states import add_stages, may, move
from mithaq.node.store import conversations, messages
from mithaq.node.store.messages import Message
from mithaq.pact.lifecycle import Actor, Event, Side
from mithaq.pact.receipt import Receipt
from mithaq.units import timestamp

KEEP_RECEIPTS_EVERY_S = 0.2  # a commit for many receipts is cheap; a receipt that waits longer looks like a stall
UNREACHED = ("NOD-040", "NOD-041", "NOD-042", "NOD-048")  # the connection failed; all else is an answer
KNOCK_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message with its receipt, as it came and as it was read; `stages` is the time that sending took."""

    message: Message
    data: bytes
    receipt: Receipt
    stages: Stages


def deliver(node: Node, *message_ids: str) -> None:
    """Hand sealed messages to their partners, one after another, and keep the signed receipts, several in a transaction.

    A failure sets when to try that message again. Dying in between loses nothing: what has no receipt here is due still,
    and the partner gives the same receipt again.
    """
    with node.database.read() as tx:
        found = [messages.find_message(tx, message_id, "out") for message_id in message_ids]
        parked = {one.id for one in found if one is not None and one.due_at and standing.is_parked(tx, node, one)}
    delivered: list[Delivered] = []
    began = node.monotonic()
    for message in found:
        if message is None or message.sealed is None or message.due_at is None:
            continue  # delivered by another run of this step
        if (one := _send(node, message, is_parked=message.id in parked)) is not None:
            delivered.append(one)
        if node.monotonic() - began >= KEEP_RECEIPTS_EVERY_S:
            _keep_receipts(node, delivered)
            delivered, began = [], node.monotonic()
    _keep_receipts(node, delivered)


def knock(node: Node) -> None:
    """Try one message to each partner that could not be reached: what waits must not sit out a long back-off once it
    is there again."""
    for partner, last in list(node.unreached.items()):
        if node.monotonic() - last >= KNOCK_EVERY_S:
            node.unreached[partner] = node.monotonic()
            _make_due(node, partner, most=1)


def _make_due(node: Node, partner: str, *, most: int | None = None) -> None:
    with node.database.write() as tx:
        messages.make_due(tx, timestamp(node.clock()), partner=partner, most=most)
    node.wake.set()


def _send(node: Node, message: Message, *, is_parked: bool) -> Delivered | None:
    """The partner's receipt; None where there is none, and what becomes of the message then is set."""
    stages = Stages()
    agreement = node.agreements.by_id(message.agreement)
    if timestamp(node.clock()) >= message.expires_at:
        outgoing.give_up(node, message, "expired", None)
        return None
    node.stop_at("before-send")
    try:
        if is_parked:
            raise PartnerError(
                "NOD-203",
                "the agreement is suspended; the message waits",
                place=message.partner,
                retry_after_s=standing.PARKED_S,
            )
        if message.kind == "query":
            witness.require_compared(node, message.partner)
        with stages("send"):
            data = node.post(message.partner, agreement).deliver(message.sealed or b"")
        node.stop_at("sent-before-receipt-kept")
        with stages("receipt"):
            return Delivered(message, data, outgoing.check_receipt(node, agreement, message, data), stages)
    except PartnerError as error:
        if error.code in UNREACHED:
            node.unreached.setdefault(message.partner, node.monotonic())
        node.metrics.deliveries.labels("retry" if error.may_retry else "refused").inc()
        if error.may_retry:
            outgoing.postpone(node, message, error)
        else:
            outgoing.give_up(node, message, "refused-by-partner", error)
        return None


def _keep_receipts(node: Node, delivered: Sequence[Delivered]) -> None:
    """Log each receipt, forget the sealed message, and take its conversation on."""
    if not delivered:
        return
    with node.database.write() as tx:
        for one in delivered:
            message = one.message
            with one.stages("ledger"):
                outgoing.log_receipt(tx, node, message, one.receipt, one.data)
            outgoing.keep_receipt(tx, node, message, one.data)
            conversation = conversations.find_conversation(tx, message.conversation, lock=True)
            if conversation is None:
                continue
            agreement = node.agreements.by_id(message.agreement)
            if conversation.side == Side.REQUESTER and message.kind in ("query", "request"):
                # What came before the receipt, an answer above all, has taken the conversation on already.
                if may(conversation, Event.RECEIPT, Actor.PARTNER, agreement) is None:
                    conversation = move(tx, node, conversation, Event.RECEIPT, Actor.PARTNER, agreement)
            elif conversation.side == Side.HOLDER and message.kind == "release":
                conversation = release_receipted(tx, node, conversation, agreement)
            add_stages(tx, conversation, one.stages)
    for partner in {one.message.partner for one in delivered} & node.unreached.keys():
        node.unreached.pop(partner, None)
        _make_due(node, partner)
    node.metrics.deliveries.labels("delivered").inc(len(delivered))
    node.stop_at("receipt-kept")
