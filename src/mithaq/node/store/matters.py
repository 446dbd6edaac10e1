"""Questions about matters (exchanges beside a query), marks on supplied data, and who else got it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import delete, func, insert, or_, select, update

from mithaq.node.store.conversations import Act, StoredPrint
from mithaq.node.store.database import Tx
from mithaq.node.store.tables import (
    conversations,
    disseminations,
    marks,
    matter_acts,
    matter_texts,
    matters,
    prints,
    recalls,
    received,
)


@dataclass(frozen=True, slots=True)
class Matter:
    """One exchange beside a query. `facts` holds codes and instants; what was written lies in the identities store."""

    id: str
    kind: str
    ours: bool
    partner: str
    agreement: str
    subject: str
    state: str
    facts: Mapping[str, Any]
    due_at: str | None
    created_at: str
    changed_at: str


@dataclass(frozen=True, slots=True)
class Mark:
    """How data that a partner supplied stand: active, flagged, blocked (but for one `use`) or deleted."""

    subject: str
    state: str
    reason: str
    use: str
    matter: str
    at: str


@dataclass(frozen=True, slots=True)
class Dissemination:
    """Which body got supplied data, what for, under which caveat (REQ-103)."""

    id: str
    subject: str
    recipient: str
    recipient_kind: str
    use: str
    caveat: str
    fields: Sequence[str]
    consent: str
    officer: str
    at: str


@dataclass(frozen=True, slots=True)
class Recall:
    """One recipient who must be told of a correction, and what came of it."""

    matter: str
    dissemination: str
    action: str
    told_at: str | None
    told_by: str | None
    receipt: str | None


def _values(row: Any) -> dict[str, Any]:
    return {field.name: getattr(row, field.name) for field in fields(row)}


def add_matter(tx: Tx, matter: Matter) -> None:
    """Store a new matter."""
    tx.execute(insert(matters).values(_values(matter)))


def find_matter(tx: Tx, matter_id: str) -> Matter | None:
    """The matter of that id, or None; locked until the transaction ends."""
    row = tx.execute(select(matters).where(matters.c.id == matter_id).with_for_update()).first()
    return Matter(*row) if row else None


def change_matter(tx: Tx, matter_id: str, **values: Any) -> None:
    """Set columns of one matter."""
    tx.execute(update(matters).where(matters.c.id == matter_id).values(values))


def delete_matter(tx: Tx, matter_id: str) -> None:
    """Delete a matter, the acts in it and who was told in it; of a supply also the mark and the recipients of its data."""
    tx.execute(delete(recalls).where(recalls.c.matter == matter_id))
    delete_subject(tx, matter_id)
    tx.execute(delete(matters).where(matters.c.id == matter_id))


def delete_subject(tx: Tx, subject: str) -> None:
    """Delete the mark on supplied data, the acts on them, and the list of who got them."""
    given = select(disseminations.c.id).where(disseminations.c.subject == subject)
    tx.execute(delete(recalls).where(recalls.c.dissemination.in_(given)))
    tx.execute(delete(disseminations).where(disseminations.c.subject == subject))
    tx.execute(delete(marks).where(marks.c.subject == subject))
    tx.execute(delete(matter_acts).where(matter_acts.c.matter == subject))


def text_steps(identities: Tx, matter_id: str) -> list[str]:
    """The steps of a matter in which something was written."""
    return list(identities.execute(select(matter_texts.c.step).where(matter_texts.c.matter == matter_id)).scalars())


def list_matters(
    tx: Tx, *, begins: str = "", subject: str = "", kinds: Sequence[str] = (), due_before: str = "", limit: int = 500
) -> list[Matter]:
    """Matters, newest first: whose id begins so, about that subject, of these kinds, due before that instant."""
    statement = select(matters).order_by(matters.c.created_at.desc(), matters.c.id).limit(limit)
    if begins:
        statement = statement.where(matters.c.id.startswith(begins, autoescape=True))
    if subject:
        statement = statement.where(matters.c.subject == subject)
    if kinds:
        statement = statement.where(matters.c.kind.in_(kinds))
    if due_before:
        statement = statement.where(matters.c.due_at <= due_before)
    return [Matter(*row) for row in tx.execute(statement)]


def count_overdue(tx: Tx, now: str) -> int:
    """How many matters wait longer than their time."""
    return int(tx.execute(select(func.count()).where(matters.c.due_at <= now)).scalar_one())


def add_act(tx: Tx, act: Act) -> None:
    """Keep an officer's signed act; `act.conversation` is the matter's id."""
    row = {"id": act.id, "matter": act.conversation, "kind": act.kind, "officer": act.officer}
    tx.execute(insert(matter_acts).values(**row, signed=act.signed, at=act.at))


def acts(tx: Tx, matter_id: str = "") -> list[Act]:
    """The acts in a matter, or in all, oldest first."""
    columns = (matter_acts.c.id, matter_acts.c.matter, matter_acts.c.kind, matter_acts.c.officer, matter_acts.c.signed)
    statement = select(*columns, matter_acts.c.at).order_by(matter_acts.c.at, matter_acts.c.id)
    if matter_id:
        statement = statement.where(matter_acts.c.matter == matter_id)
    return [Act(*row) for row in tx.execute(statement)]


def find_mark(tx: Tx, subject: str) -> Mark | None:
    """The mark on supplied data, or None where they are active."""
    row = tx.execute(select(marks).where(marks.c.subject == subject).with_for_update()).first()
    return Mark(*row) if row else None


def set_mark(tx: Tx, mark: Mark) -> None:
    """Put a mark in the place of the one before."""
    tx.execute(delete(marks).where(marks.c.subject == mark.subject))
    tx.execute(insert(marks).values(_values(mark)))


def add_dissemination(tx: Tx, row: Dissemination) -> None:
    """Record who got data."""
    tx.execute(insert(disseminations).values(_values(row)))


def disseminated(tx: Tx, subject: str) -> list[Dissemination]:
    """Who got the data of a subject, oldest first."""
    statement = select(disseminations).where(disseminations.c.subject == subject).order_by(disseminations.c.at)
    return [Dissemination(*row) for row in tx.execute(statement)]


def add_recall(tx: Tx, recall: Recall) -> None:
    """Record that a recipient must be told."""
    tx.execute(insert(recalls).values(_values(recall)))


def list_recalls(tx: Tx, matter_id: str) -> list[Recall]:
    """Who must be told in a matter."""
    return [Recall(*row) for row in tx.execute(select(recalls).where(recalls.c.matter == matter_id))]


def told(tx: Tx, matter_id: str, dissemination: str, *, at: str, by: str, receipt: str) -> int:
    """Record that a recipient was told; returns 1, or 0 where nobody waited to be told so."""
    where = (recalls.c.matter == matter_id) & (recalls.c.dissemination == dissemination) & recalls.c.told_at.is_(None)
    return int(tx.execute(update(recalls).where(where).values(told_at=at, told_by=by, receipt=receipt)).rowcount)


def conversations_about(tx: Tx, references: Sequence[str], cases: Sequence[str]) -> list[str]:
    """Ids of the conversations whose hit names one of these references, or that belong to one of these cases."""
    statement = select(conversations.c.id, conversations.c.candidates, conversations.c.case_number).where(
        or_(conversations.c.reference.is_not(None), conversations.c.case_number.in_(list(cases)))
    )
    wanted = set(references)
    return [str(row[0]) for row in tx.execute(statement) if wanted.intersection(row[1] or ()) or row[2] in set(cases)]


def partners_prints(tx: Tx) -> list[StoredPrint]:
    """The prints kept that a partner sent: hits' reference prints here, and query prints where we are the holder."""
    statement = (
        select(*[prints.c[field.name] for field in fields(StoredPrint)])
        .join(conversations, conversations.c.id == prints.c.conversation)
        .where(or_(prints.c.role == "candidate", conversations.c.side == "holder"))
    )
    return [StoredPrint(*row) for row in tx.execute(statement)]


# ---------------------------------------------------------------- identities database


def keep_text(identities: Tx, matter_id: str, step: str, sealed: bytes, at: str) -> None:
    """Keep what was written in a step of a matter, sealed; a repeat replaces it."""
    where = (matter_texts.c.matter == matter_id) & (matter_texts.c.step == step)
    identities.execute(delete(matter_texts).where(where))
    identities.execute(insert(matter_texts).values(matter=matter_id, step=step, sealed=sealed, at=at))


def texts(identities: Tx, matter_id: str) -> list[tuple[str, bytes, str]]:
    """(step, sealed text, instant) of a matter, oldest first."""
    columns = (matter_texts.c.step, matter_texts.c.sealed, matter_texts.c.at)
    statement = select(*columns).where(matter_texts.c.matter == matter_id).order_by(matter_texts.c.at)
    return [(str(row[0]), bytes(row[1]), str(row[2])) for row in identities.execute(statement)]


def received_subjects(identities: Tx) -> list[str]:
    """What released or supplied data there are, by their subject."""
    return [str(row[0]) for row in identities.execute(select(received.c.conversation).order_by(received.c.at))]


def replace_received(identities: Tx, subject: str, sealed: bytes) -> int:
    """Put corrected data in the place of those that were supplied; returns how many rows that were (0 or 1)."""
    return int(
        identities.execute(update(received).where(received.c.conversation == subject).values(sealed=sealed)).rowcount
    )


def erase_received(identities: Tx, subject: str) -> int:
    """Erase supplied data; returns how many rows that were (0 or 1)."""
    return int(identities.execute(delete(received).where(received.c.conversation == subject)).rowcount)
