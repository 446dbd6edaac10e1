"""Sealing a message and putting it out; what becomes of it; and the receipts of both directions."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any

from mithaq.errors import PartnerError, TrustError
from mithaq.node import clocks, journal
from mithaq.node.gateway import Node
from mithaq.node.stages import Stages
from mithaq.node.states import QUERY_LIFE, erase_prints
from mithaq.node.store import Tx, conversations, messages
from mithaq.node.store.life import events_with
from mithaq.node.store.messages import Message
from mithaq.pact.agreement import Agreement
from mithaq.pact.gate import Refused
from mithaq.pact.ledger import Entry
from mithaq.pact.lifecycle import Actor, Event, Side, State, advance
from mithaq.pact.message import Kind, Manifest, Opened, make_manifest, partner_of, seal, sealed_digest
from mithaq.pact.receipt import Receipt, make_receipt, verify_receipt
from mithaq.pact.rotation import encrypt_to, partner_now, revoked
from mithaq.pact.strict import canonical, load, plain, read
from mithaq.units import parse_timestamp, timestamp

TRANSACTION_TYPE = "ansi-nist"
JSON_TYPE = "json"
# Which contact points a message of each kind runs between: (role of the sender, role of the recipient).
ROLES = {
    "query": ("query", "query"),
    "answer": ("query", "query"),
    "request": ("query", "release"),
    "release": ("release", "query"),
}


def post(
    tx: Tx,
    node: Node,
    agreement: Agreement,
    partner: str,
    conversation: str,
    kind: Kind,
    body: bytes,
    roles: tuple[str, str] | None = None,
    /,
    *,
    stages: Stages,
    **facts: Any,
) -> Message:
    """Seal a message, log it and put it out, in the transaction of the state change that it tells of (Law 7).

    `roles` are those of the two contact points; None means what `ROLES` says of the kind. `facts` go to the ledger.
    """
    now = node.clock()
    expires = now + QUERY_LIFE
    told = events_with(tx, partner)
    if node.keys.sign.thumbprint in revoked(node.party, told) and facts.get("about") != "key-revoked":
        raise TrustError(
            "NOD-213",
            "this node revoked the key that it signs with; nothing is sent under it",
            place=f"keys/sign.pem for {partner}",
            remedy="agree on a new key by an amendment (docs/life.md)",
        )
    sender_role, recipient_role = roles or ROLES[kind]
    message_id = node.new_id()
    with stages("seal"):
        manifest = make_manifest(
            body,
            kind=kind,
            sender=node.party,
            sender_contact=node.own_contact(agreement, sender_role),
            recipient=partner,
            recipient_contact=node.partner_contact(agreement, partner, recipient_role),
            agreement=agreement.id,
            body_type=TRANSACTION_TYPE if kind in ("query", "answer") else JSON_TYPE,
            created=now,
            expires=expires,
            id=message_id,
            conversation=conversation,
        )
        sealed = seal(manifest, body, sign_key=node.keys.sign, encrypt_to=encrypt_to(agreement, partner, told))
    digest = sealed_digest(sealed)
    with stages("ledger"):
        journal.write(tx, node, f"{kind}-sent", **journal.envelope(manifest, digest), **facts)
    message = Message(
        id=message_id,
        direction="out",
        partner=partner,
        kind=kind,
        conversation=conversation,
        agreement=agreement.id,
        digest=digest,
        manifest=canonical(plain(manifest)).decode(),
        sealed=sealed,
        receipt=None,
        attempts=0,
        due_at=timestamp(now),
        last_error=None,
        expires_at=timestamp(expires),
        created_at=timestamp(now),
        done_at=None,
    )
    messages.add_message(tx, message)
    return message


def received_row(node: Node, opened: Opened, receipt: bytes) -> Message:
    """What is kept of a received message: who, when, its digest and our receipt; not its content."""
    manifest, now = opened.manifest, timestamp(node.clock())
    return Message(
        id=manifest.id,
        direction="in",
        partner=manifest.sender,
        kind=manifest.kind,
        conversation=manifest.conversation,
        agreement=manifest.agreement,
        digest=opened.digest,
        manifest=canonical(plain(manifest)).decode(),
        sealed=None,
        receipt=receipt,
        attempts=0,
        due_at=None,
        last_error=None,
        expires_at=manifest.expires,
        created_at=now,
        done_at=now,
    )


def receipt_for(node: Node, opened: Opened, entry: Entry) -> bytes:
    """Our signed receipt for a message that has just had its effect."""
    return make_receipt(
        opened.manifest,
        opened.digest,
        received_at=parse_timestamp(json.loads(entry.body or b"")["at"]),  # the same instant in both ledgers
        index=entry.index,
        leaf_hash=entry.leaf_hash,
        sign_key=node.keys.sign,
    )


def check_receipt(node: Node, agreement: Agreement, message: Message, receipt: bytes) -> Receipt:
    """The partner's receipt, verified; a bad one is a PartnerError, since the message must then be sent again."""
    try:
        return verify_receipt(
            receipt,
            partner_now(partner_of([agreement], message.partner), node.told(message.partner)).signing_keys,
            manifest=manifest_of(message),
            digest=message.digest,
            now=node.clock(),
        )
    except TrustError as error:
        raise PartnerError("NOD-046", f"the partner's receipt does not hold ({error.code})") from None


def manifest_of(message: Message) -> Manifest:
    """The manifest of a stored message."""
    return read(Manifest, load(message.manifest.encode(), what="manifest"), what="manifest")


def postpone(node: Node, message: Message, error: PartnerError) -> None:
    """Set the next attempt: twice as long after each failure, up to the setting's limit."""
    delivery = node.settings.delivery
    wait_s = error.retry_after_s or min(
        delivery.longest_retry_s, delivery.first_retry_s * 2 ** min(message.attempts, 30)
    )
    with node.database.write() as tx:
        messages.change_message(
            tx,
            message,
            attempts=message.attempts + 1,
            due_at=timestamp(node.clock() + timedelta(seconds=wait_s)),
            last_error=str(error)[:200],
        )


def give_up(node: Node, message: Message, reason: str, error: PartnerError | None) -> None:
    """Stop trying: the message expired, or the partner refused it for good. The conversation and the ledger say so."""
    agreement = node.agreements.by_id(message.agreement)
    text = str(error) if error else reason
    with node.database.write() as tx:
        messages.change_message(
            tx, message, due_at=None, sealed=None, last_error=text[:200], done_at=timestamp(node.clock())
        )
        journal.write(
            tx,
            node,
            "undeliverable",
            message=message.id,
            conversation=message.conversation,
            reason=reason,
            code=error.code if error else None,
        )
        conversation = conversations.find_conversation(tx, message.conversation, lock=True)
        if conversation is None or message.kind != "query":
            return
        event, by = (Event.ANSWER_REFUSED, Actor.PARTNER) if error else (Event.EXPIRE, Actor.SYSTEM)
        moved = advance(Side.REQUESTER, State(conversation.state), event, by=by, agreement=agreement)
        if not isinstance(moved, Refused):
            conversations.change_conversation(tx, conversation.id, state=str(moved), reasons=[[reason, text[:200]]])
            erase_prints(tx, node, conversation.id, ["query"], reason=reason)
            clocks.stop(tx, node, conversation, clocks.ANSWER)


def log_receipt(tx: Tx, node: Node, message: Message, receipt: Receipt, data: bytes) -> None:
    """Log the partner's receipt: where the message stands in its ledger."""
    journal.write(
        tx,
        node,
        "receipt-received",
        message=message.id,
        digest=message.digest,
        receipt=hashlib.sha256(data).hexdigest(),
        received_at=receipt.received_at,
        partner_index=receipt.index,
        leaf=receipt.leaf,
    )


def keep_receipt(tx: Tx, node: Node, message: Message, data: bytes) -> None:
    """Keep the receipt and forget the sealed message: it is delivered."""
    done = timestamp(node.clock())
    messages.change_message(tx, message, receipt=data, sealed=None, due_at=None, last_error=None, done_at=done)


def receipt_again(known: Message, opened: Opened) -> bytes:
    """The receipt that was given before, byte for byte; TrustError where the same id now stands on another message."""
    if known.digest != opened.digest or known.receipt is None:
        raise TrustError("NOD-047", "a message of that id was received before, with other bytes", place="message")
    return known.receipt


def first_message(tx: Tx, conversation_id: str, kind: str) -> str:
    """The id of a conversation's first message of a kind; "" where there is none."""
    found = [one for one in messages.conversation_messages(tx, conversation_id) if one.kind == kind]
    return found[0].id if found else ""
