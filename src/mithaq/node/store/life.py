"""Questions about an agreement's life: what was declared about it, by whom, and since when it is known here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import bindparam, func, insert, or_, select, update

from mithaq.node.store.database import Tx
from mithaq.node.store.tables import conversations, counters, life_events, messages


@dataclass(frozen=True, slots=True)
class LifeEvent:
    """One declaration: `terms` are those of its notice, `acts` our own officers' signed acts (JWS)."""

    id: str
    partner: str
    by: str
    about: str
    agreement: str
    terms: Mapping[str, Any]
    acts: Sequence[str]
    message: str
    at: str


_NAMES = [f.name for f in fields(LifeEvent)]
_COLUMNS = [life_events.c[name] for name in _NAMES]
_OF = select(*_COLUMNS).where(life_events.c.partner == bindparam("of")).order_by(life_events.c.number)


def add_event(tx: Tx, event: LifeEvent) -> None:
    """Keep a declaration as the newest with that partner, in the transaction of its ledger entry and after that: the
    ledger's lock keeps two declarations apart."""
    number = select(func.count()).where(life_events.c.partner == event.partner)
    values = {name: getattr(event, name) for name in _NAMES}
    tx.execute(insert(life_events), {**values, "number": int(tx.execute(number).scalar_one()) + 1})


def events_with(tx: Tx, partner: str) -> list[LifeEvent]:
    """Every declaration between us and the partner, oldest first."""
    return [LifeEvent(*row) for row in tx.execute(_OF, {"of": partner})]


def find_event(tx: Tx, event_id: str) -> LifeEvent | None:
    """The declaration of that id, or None."""
    row = tx.execute(select(*_COLUMNS).where(life_events.c.id == event_id)).first()
    return LifeEvent(*row) if row else None


def make_work_due(tx: Tx, partner: str, now: str) -> None:
    """Let what was parked with that partner be done now: messages that wait, and queries that wait for their answer."""
    tx.execute(
        update(messages)
        .where(messages.c.direction == "out", messages.c.partner == partner, messages.c.due_at > now)
        .values(due_at=now)
    )
    tx.execute(
        update(conversations)
        .where(conversations.c.partner == partner, conversations.c.due_at > now)
        .values(due_at=now, attempts=conversations.c.attempts + 1)
    )


def counts(tx: Tx, partner: str, direction: str, days: Sequence[str]) -> dict[tuple[str, str], int]:
    """What was counted, by (search type, day), on these days; a year is a day of its own, under the type "*"."""
    where = or_(*(counters.c.day == day for day in days))
    rows = tx.execute(
        select(counters.c.search_type, counters.c.day, counters.c.used).where(
            counters.c.partner == partner, counters.c.direction == direction, where
        )
    )
    return {(str(row[0]), str(row[1])): int(row[2]) for row in rows}


def raise_count(tx: Tx, partner: str, direction: str, search_type: str, day: str, to: int) -> None:
    """Set a count to `to` where it is lower; it never falls."""
    key = {"partner": partner, "direction": direction, "search_type": search_type, "day": day}
    where = [counters.c[name] == value for name, value in key.items()]
    found = tx.execute(select(counters.c.used).where(*where)).scalar()
    if found is None:
        tx.execute(insert(counters).values(**key, used=to))
    elif found < to:
        tx.execute(update(counters).where(*where).values(used=to))


def queries_on_their_way(tx: Tx, partner: str) -> dict[str, int]:
    """Our queries to the partner that it has not receipted yet, by search type."""
    rows = tx.execute(
        select(conversations.c.search_type, func.count())
        .select_from(messages.join(conversations, messages.c.conversation == conversations.c.id))
        .where(messages.c.partner == partner, messages.c.direction == "out", messages.c.kind == "query")
        .where(messages.c.due_at.is_not(None))
        .group_by(conversations.c.search_type)
    )
    return {str(row[0]): int(row[1]) for row in rows}


def has_receipt(tx: Tx, message_id: str) -> bool:
    """True where the partner's receipt for that message of ours is in."""
    found = tx.execute(
        select(messages.c.id).where(
            messages.c.id == message_id, messages.c.direction == "out", messages.c.receipt.is_not(None)
        )
    ).first()
    return found is not None
