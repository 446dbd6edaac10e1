"""Questions about the clocks of conversations: which run, which are late, which stand still."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import delete, insert, select, update

from mithaq.node.store.database import Tx
from mithaq.node.store.tables import clocks


@dataclass(frozen=True, slots=True)
class Clock:
    """One limit of one conversation, as it stands: instants in UTC, None for what did not happen."""

    conversation: str
    name: str
    started_at: str
    due_at: str
    paused_at: str | None = None
    reason: str = ""
    stopped_at: str | None = None
    breached_at: str | None = None
    told_at: str | None = None


_COLUMNS = [clocks.c[f.name] for f in fields(Clock)]


def _this(conversation_id: str, name: str) -> Any:
    return (clocks.c.conversation == conversation_id) & (clocks.c.name == name)


def put_clock(tx: Tx, clock: Clock) -> None:
    """Start a clock; one of that name that ran before in the conversation is replaced."""
    tx.execute(delete(clocks).where(_this(clock.conversation, clock.name)))
    tx.execute(insert(clocks).values({f.name: getattr(clock, f.name) for f in fields(Clock)}))


def find_clock(tx: Tx, conversation_id: str, name: str) -> Clock | None:
    """The clock of that name, or None."""
    row = tx.execute(select(*_COLUMNS).where(_this(conversation_id, name))).first()
    return Clock(*row) if row else None


def change_clock(tx: Tx, conversation_id: str, name: str, **values: Any) -> None:
    """Set columns of one clock."""
    tx.execute(update(clocks).where(_this(conversation_id, name)).values(**values))


def clocks_of(tx: Tx, conversation_id: str) -> list[Clock]:
    """The clocks of a conversation, in the order in which they started."""
    statement = select(*_COLUMNS).where(clocks.c.conversation == conversation_id)
    return [Clock(*row) for row in tx.execute(statement.order_by(clocks.c.started_at, clocks.c.name))]


def late_clocks(tx: Tx, now: str, *, limit: int = 1000) -> list[Clock]:
    """Clocks that run, do not stand still, and whose limit has passed, the latest first."""
    statement = select(*_COLUMNS).where(
        clocks.c.stopped_at.is_(None), clocks.c.paused_at.is_(None), clocks.c.due_at <= now
    )
    return [Clock(*row) for row in tx.execute(statement.order_by(clocks.c.due_at).limit(limit))]
