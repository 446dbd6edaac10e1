"""Questions about messages: what must still be sent, what was received, and the receipts of both."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update

from mithaq.node.store.database import Tx
from mithaq.node.store.tables import messages


@dataclass(frozen=True, slots=True)
class Message:
    """One sealed message, outgoing or received. `sealed` is kept for outgoing ones until their receipt is in."""

    id: str
    direction: str
    partner: str
    kind: str
    conversation: str
    agreement: str
    digest: str
    manifest: str
    sealed: bytes | None
    receipt: bytes | None
    attempts: int
    due_at: str | None
    last_error: str | None
    expires_at: str
    created_at: str
    done_at: str | None


# Statements of every message are made once: building one costs more than running it.
_NAMES = [f.name for f in fields(Message)]
_COLUMNS = [messages.c[name] for name in _NAMES]
_ADD = insert(messages)
_FIND = select(*_COLUMNS).where(messages.c.id == bindparam("of"), messages.c.direction == bindparam("way"))
_FIND_FROM = _FIND.where(messages.c.partner == bindparam("by"))
_CHANGE = update(messages).where(
    messages.c.id == bindparam("of"), messages.c.direction == bindparam("way"), messages.c.partner == bindparam("by")
)
_DUE = (
    select(messages.c.id)
    .where(messages.c.direction == "out", messages.c.due_at.is_not(None), messages.c.due_at <= bindparam("now"))
    .order_by(messages.c.due_at, messages.c.created_at)
    .limit(bindparam("most"))
)


def add_message(tx: Tx, message: Message) -> None:
    """Store a message in the transaction of the state change that it tells of."""
    tx.execute(_ADD, {name: getattr(message, name) for name in _NAMES})


def find_message(tx: Tx, message_id: str, direction: str, partner: str | None = None) -> Message | None:
    """The message of that id, or None. A received one is found by its sender too: ids are the sender's own."""
    of = {"of": message_id, "way": direction}
    row = tx.execute(_FIND, of).first() if partner is None else tx.execute(_FIND_FROM, {**of, "by": partner}).first()
    return Message(*row) if row else None


def change_message(tx: Tx, message: Message, **values: Any) -> None:
    """Set columns of one message."""
    tx.execute(_CHANGE, {"of": message.id, "way": message.direction, "by": message.partner, **values})


def due_messages(tx: Tx, now: str, *, limit: int) -> list[str]:
    """The ids of outgoing messages whose next attempt is due, oldest first."""
    return list(tx.execute(_DUE, {"now": now, "most": limit}).scalars())


def make_due(tx: Tx, now: str, *, partner: str | None = None, most: int | None = None) -> None:
    """Let outgoing messages that wait for their next attempt have it now: all, or the oldest to one partner."""
    waiting = (messages.c.direction == "out") & (messages.c.due_at > now)
    if partner is not None:
        waiting &= messages.c.partner == partner
    if most is not None:
        oldest = select(messages.c.id).where(waiting).order_by(messages.c.created_at, messages.c.id).limit(most)
        waiting &= messages.c.id.in_(oldest)
    tx.execute(update(messages).where(waiting).values(due_at=now))


def conversation_messages(tx: Tx, conversation_id: str) -> list[Message]:
    """The messages of a conversation, oldest first."""
    statement = (
        select(*_COLUMNS)
        .where(messages.c.conversation == conversation_id)
        .order_by(messages.c.created_at, messages.c.id)
    )
    return [Message(*row) for row in tx.execute(statement)]


def receipted_messages(tx: Tx, direction: str) -> list[Message]:
    """Every message in that direction that has a receipt."""
    statement = select(*_COLUMNS).where(messages.c.direction == direction, messages.c.receipt.is_not(None))
    return [Message(*row) for row in tx.execute(statement)]


def count_waiting(tx: Tx) -> int:
    """How many outgoing messages have no receipt yet."""
    statement = select(func.count()).where(messages.c.direction == "out", messages.c.due_at.is_not(None))
    return int(tx.execute(statement).scalar_one())


def count_delivered_and_sealed(tx: Tx) -> int:
    """How many outgoing messages are done and still hold their sealed bytes: there should be none."""
    done = messages.c.done_at.is_not(None) & messages.c.sealed.is_not(None)
    return int(tx.execute(select(func.count()).where(messages.c.direction == "out", done)).scalar_one())


def count_receipted(tx: Tx) -> int:
    """How many outgoing messages have their receipt."""
    statement = select(func.count()).where(messages.c.direction == "out", messages.c.receipt.is_not(None))
    return int(tx.execute(statement).scalar_one())
