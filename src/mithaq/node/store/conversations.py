"""Questions about conversations, their prints, their acts and the daily counts. One function per question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, or_, select, update

from mithaq.node.store.database import Tx
from mithaq.node.store.tables import acts, conversations, counters, prints


@dataclass(frozen=True, slots=True)
class Conversation:
    """One query's life on one side.

    `candidates` are the hit's reference numbers, best first; `reference` is the one that is followed: the best, and from
    a conclusion on the one that it names. `reasons` holds (code, text) pairs; `stages` milliseconds by stage.
    """

    id: str
    side: str
    partner: str
    agreement: str
    state: str
    search_type: str
    purpose: str
    case_number: str
    offence: Mapping[str, Any]
    legal_basis: str
    expedited: bool
    ordered_by: str
    run_by: str
    approved_by: str
    tcn: str
    candidates: Sequence[str]
    reference: str | None
    reasons: Sequence[Sequence[str]]
    clause: Mapping[str, str] | None
    stages: Mapping[str, float]
    created_at: str
    changed_at: str
    expires_at: str
    attempts: int
    due_at: str | None
    release: Mapping[str, Any] | None = None
    other_channel: str = ""


@dataclass(frozen=True, slots=True)
class StoredPrint:
    """A print that is kept while a conversation needs it; `sealed` opens with the prints key."""

    id: str
    conversation: str
    role: str
    reference: str
    position: int
    impression: int
    sealed: bytes
    created_at: str


@dataclass(frozen=True, slots=True)
class Act:
    """What one officer did, signed with that officer's own credential."""

    id: str
    conversation: str
    kind: str
    officer: str
    signed: str
    at: str
    turn: int = 0


_NAMES = [f.name for f in fields(Conversation)]
_COLUMNS = [conversations.c[name] for name in _NAMES]
_ADD = insert(conversations)
_FIND = select(*_COLUMNS).where(conversations.c.id == bindparam("of"))
_FIND_LOCKED = _FIND.with_for_update()  # SQLite ignores it: there the transaction holds the write lock from its start
_CHANGE = update(conversations).where(conversations.c.id == bindparam("of"))


def add_conversation(tx: Tx, conversation: Conversation) -> None:
    """Store a new conversation."""
    tx.execute(_ADD, {name: getattr(conversation, name) for name in _NAMES})


def find_conversation(tx: Tx, conversation_id: str, *, lock: bool = False) -> Conversation | None:
    """The conversation of that id, or None; `lock` keeps others from changing it until the transaction ends."""
    row = tx.execute(_FIND_LOCKED if lock else _FIND, {"of": conversation_id}).first()
    return Conversation(*row) if row else None


def change_conversation(tx: Tx, conversation_id: str, **values: Any) -> None:
    """Set columns of one conversation."""
    tx.execute(_CHANGE, {"of": conversation_id, **values})


def list_conversations(
    tx: Tx, *, side: str | None = None, states: Sequence[str] | None = None, limit: int = 500
) -> list[Conversation]:
    """Conversations, newest first."""
    statement = select(*_COLUMNS).order_by(conversations.c.created_at.desc(), conversations.c.id).limit(limit)
    if side:
        statement = statement.where(conversations.c.side == side)
    if states:
        statement = statement.where(conversations.c.state.in_(states))
    return [Conversation(*row) for row in tx.execute(statement)]


def due_conversations(tx: Tx, now: str, *, limit: int) -> list[Conversation]:
    """Conversations whose work here is due: expedited ones first, then in order of receipt (REQ-040)."""
    statement = (
        select(*_COLUMNS)
        .where(conversations.c.due_at.is_not(None), conversations.c.due_at <= now)
        .order_by(conversations.c.expedited.desc(), conversations.c.created_at, conversations.c.id)
        .limit(limit)
    )
    return [Conversation(*row) for row in tx.execute(statement)]


def make_answers_due(tx: Tx, now: str) -> None:
    """Let every query that was postponed have its turn now, so that they go on in order of receipt (REQ-040)."""
    tx.execute(update(conversations).where(conversations.c.due_at > now).values(due_at=now))


def expired_conversations(tx: Tx, now: str, states: Sequence[str]) -> list[Conversation]:
    """Conversations in one of `states` whose time is up."""
    statement = select(*_COLUMNS).where(conversations.c.expires_at <= now, conversations.c.state.in_(states))
    return [Conversation(*row) for row in tx.execute(statement)]


def channel_conversations(tx: Tx, channel: str, *, limit: int = 500) -> list[Conversation]:
    """Conversations whose answer also went through that other channel, newest first (REQ-167)."""
    statement = (
        select(*_COLUMNS)
        .where(conversations.c.other_channel == channel)
        .order_by(conversations.c.created_at.desc())
        .limit(limit)
    )
    return [Conversation(*row) for row in tx.execute(statement)]


def count_states(tx: Tx) -> dict[tuple[str, str], int]:
    """How many conversations stand in each (side, state)."""
    statement = select(conversations.c.side, conversations.c.state, func.count()).group_by(
        conversations.c.side, conversations.c.state
    )
    return {(side, state): int(count) for side, state, count in tx.execute(statement)}


def add_print(tx: Tx, stored: StoredPrint) -> None:
    """Keep a sealed print for a conversation."""
    tx.execute(insert(prints).values({f.name: getattr(stored, f.name) for f in fields(StoredPrint)}))


def conversation_prints(tx: Tx, conversation_id: str, role: str) -> list[StoredPrint]:
    """The prints of a conversation in one role, in the order they were stored."""
    statement = (
        select(*[prints.c[f.name] for f in fields(StoredPrint)])
        .where(prints.c.conversation == conversation_id, prints.c.role == role)
        .order_by(prints.c.created_at, prints.c.id)
    )
    return [StoredPrint(*row) for row in tx.execute(statement)]


def erase_prints(tx: Tx, conversation_id: str, role: str, *, but: str = "") -> int:
    """Erase the prints of a conversation in one role, those of the reference `but` excepted; returns how many."""
    where = (prints.c.conversation == conversation_id) & (prints.c.role == role)
    if but:
        where &= prints.c.reference != but
    return int(tx.execute(delete(prints).where(where)).rowcount)


def candidate_days(tx: Tx, partner: str) -> dict[str, int]:
    """How many of our conversations with the partner hold a hit's reference prints, by the day on which each began."""
    day = func.substr(conversations.c.created_at, 1, 10)
    holds = select(prints.c.conversation).where(prints.c.role == "candidate")
    rows = tx.execute(
        select(day, func.count())
        .where(conversations.c.id.in_(holds), conversations.c.side == "requester", conversations.c.partner == partner)
        .group_by(day)
    )
    return {str(row[0]): int(row[1]) for row in rows}


def add_act(tx: Tx, act: Act) -> None:
    """Store an officer's signed act, in its turn among those of its kind in the conversation."""
    before = select(func.count()).where(acts.c.conversation == act.conversation, acts.c.kind == act.kind)
    turn = int(tx.execute(before).scalar_one())
    tx.execute(insert(acts).values({**{f.name: getattr(act, f.name) for f in fields(Act)}, "turn": turn}))


def conversation_acts(tx: Tx, conversation_id: str) -> list[Act]:
    """The acts of a conversation, oldest first."""
    statement = (
        select(*[acts.c[f.name] for f in fields(Act)])
        .where(acts.c.conversation == conversation_id)
        .order_by(acts.c.at, acts.c.turn, acts.c.id)
    )
    return [Act(*row) for row in tx.execute(statement)]


def all_acts(tx: Tx) -> list[Act]:
    """Every officer's act, oldest first."""
    return [
        Act(*row) for row in tx.execute(select(*[acts.c[f.name] for f in fields(Act)]).order_by(acts.c.at, acts.c.id))
    ]


def used_today(tx: Tx, partner: str, direction: str, search_type: str, day: str) -> int:
    """How many queries of that type were counted on that day."""
    return int(
        tx.execute(
            select(counters.c.used).where(
                counters.c.partner == partner,
                counters.c.direction == direction,
                counters.c.search_type == search_type,
                counters.c.day == day,
            )
        ).scalar()
        or 0
    )


def count_query(tx: Tx, partner: str, direction: str, search_type: str, day: str) -> None:
    """Count one query; call it in the transaction of the query's own effect."""
    where = (
        (counters.c.partner == partner)
        & (counters.c.direction == direction)
        & (counters.c.search_type == search_type)
        & (counters.c.day == day)
    )
    if not tx.execute(update(counters).where(where).values(used=counters.c.used + 1)).rowcount:
        tx.execute(
            insert(counters).values(partner=partner, direction=direction, search_type=search_type, day=day, used=1)
        )


def search_conversations(tx: Tx, text: str, *, limit: int = 50) -> list[Conversation]:
    """Conversations whose id starts with, or whose case number equals, the text."""
    statement = (
        select(*_COLUMNS)
        .where(or_(conversations.c.id.startswith(text, autoescape=True), conversations.c.case_number == text))
        .order_by(conversations.c.created_at.desc())
        .limit(limit)
    )
    return [Conversation(*row) for row in tx.execute(statement)]
