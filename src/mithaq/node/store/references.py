"""Questions about what a node holds: prints, enrolments, officers, sessions; and, in the other database, persons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from sqlalchemy import delete, func, insert, select, update

from mithaq.node.store.database import Tx
from mithaq.node.store.tables import (
    enrolments,
    local_records,
    matter_texts,
    officers,
    persons,
    received,
    reference_prints,
    sessions,
)


@dataclass(frozen=True, slots=True)
class ReferencePrint:
    """A print that may be searched and returned; `sealed` opens with the prints key."""

    reference: str
    position: int
    impression: int
    sealed: bytes
    created_at: str


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What became of one file of a batch."""

    digest: str
    batch: str
    reference: str | None
    outcome: str
    reasons: Sequence[Sequence[str]]
    created_at: str


@dataclass(frozen=True, slots=True)
class Officer:
    """A person who may act at this node, with the credential that signs for them."""

    id: str
    name: Mapping[str, str]
    roles: Sequence[str]
    credential: Mapping[str, object]
    valid_from: str
    valid_to: str | None

    def is_valid(self, at: str) -> bool:
        """True where the officer may act at that instant."""
        return self.valid_from <= at and (self.valid_to is None or at < self.valid_to)


def add_reference_print(tx: Tx, stored: ReferencePrint) -> None:
    """Keep a sealed reference print, replacing the one of the same finger and impression."""
    tx.execute(
        delete(reference_prints).where(
            reference_prints.c.reference == stored.reference,
            reference_prints.c.position == stored.position,
            reference_prints.c.impression == stored.impression,
        )
    )
    tx.execute(insert(reference_prints).values({f.name: getattr(stored, f.name) for f in fields(ReferencePrint)}))


def prints_of(tx: Tx, reference: str) -> list[ReferencePrint]:
    """The reference prints under a reference number, by position."""
    statement = (
        select(*[reference_prints.c[f.name] for f in fields(ReferencePrint)])
        .where(reference_prints.c.reference == reference)
        .order_by(reference_prints.c.position, reference_prints.c.impression)
    )
    return [ReferencePrint(*row) for row in tx.execute(statement)]


def all_reference_prints(tx: Tx) -> list[tuple[str, int, int]]:
    """(reference, position, impression) of every stored reference print, by reference: that is random, so a gallery made
    from them does not tell who was enrolled when (REQ-020)."""
    columns = (reference_prints.c.reference, reference_prints.c.position, reference_prints.c.impression)
    statement = select(*columns).order_by(*columns)
    return [(row.reference, int(row.position), int(row.impression)) for row in tx.execute(statement)]


def find_enrolment(tx: Tx, digest: str) -> Enrolment | None:
    """What became of that file, or None where it was not met before."""
    row = tx.execute(
        select(*[enrolments.c[f.name] for f in fields(Enrolment)]).where(enrolments.c.digest == digest)
    ).first()
    return Enrolment(*row) if row else None


def add_enrolment(tx: Tx, enrolment: Enrolment) -> None:
    """Record what became of one file."""
    tx.execute(insert(enrolments).values({f.name: getattr(enrolment, f.name) for f in fields(Enrolment)}))


def count_enrolments(tx: Tx) -> dict[str, int]:
    """How many files ended in each outcome."""
    statement = select(enrolments.c.outcome, func.count()).group_by(enrolments.c.outcome)
    return {outcome: int(count) for outcome, count in tx.execute(statement)}


def add_officer(tx: Tx, officer: Officer) -> None:
    """Add an officer; the id must be new."""
    tx.execute(insert(officers).values({f.name: getattr(officer, f.name) for f in fields(Officer)}))


def find_officer(tx: Tx, officer_id: str) -> Officer | None:
    """The officer of that id, or None."""
    row = tx.execute(select(*[officers.c[f.name] for f in fields(Officer)]).where(officers.c.id == officer_id)).first()
    return Officer(*row) if row else None


def list_officers(tx: Tx) -> list[Officer]:
    """All officers, by id."""
    return [
        Officer(*row)
        for row in tx.execute(select(*[officers.c[f.name] for f in fields(Officer)]).order_by(officers.c.id))
    ]


def end_officer(tx: Tx, officer_id: str, at: str) -> None:
    """Set the end of an officer's validity and close their sessions."""
    tx.execute(update(officers).where(officers.c.id == officer_id).values(valid_to=at))
    tx.execute(delete(sessions).where(sessions.c.officer == officer_id))


def add_session(tx: Tx, token: str, officer_id: str, expires_at: str) -> None:
    """Remember a signed-in officer by the digest of the session's token."""
    tx.execute(insert(sessions).values(token=token, officer=officer_id, expires_at=expires_at))


def session_officer(tx: Tx, token: str, now: str) -> Officer | None:
    """The officer of a session that has not ended, or None."""
    row = tx.execute(
        select(*[officers.c[f.name] for f in fields(Officer)])
        .join(sessions, sessions.c.officer == officers.c.id)
        .where(sessions.c.token == token, sessions.c.expires_at > now)
    ).first()
    return Officer(*row) if row else None


def end_session(tx: Tx, token: str) -> None:
    """Forget a session."""
    tx.execute(delete(sessions).where(sessions.c.token == token))


def end_old_sessions(tx: Tx, now: str) -> None:
    """Forget the sessions whose time is up."""
    tx.execute(delete(sessions).where(sessions.c.expires_at <= now))


def add_person(identities: Tx, reference: str, person_key: str, sealed: bytes) -> None:
    """Keep a sealed identity under its reference number (identities database)."""
    identities.execute(insert(persons).values(reference=reference, person_key=person_key, sealed=sealed))


def reference_of(identities: Tx, person_key: str) -> str | None:
    """The reference number of a person already known under that keyed digest, or None (identities database)."""
    found = identities.execute(select(persons.c.reference).where(persons.c.person_key == person_key)).scalar()
    return str(found) if found is not None else None


def sealed_person(identities: Tx, reference: str) -> bytes | None:
    """The sealed identity under a reference number, or None (identities database)."""
    found = identities.execute(select(persons.c.sealed).where(persons.c.reference == reference)).scalar()
    return bytes(found) if found is not None else None


def keep_received(identities: Tx, conversation_id: str, sealed: bytes, at: str) -> None:
    """Keep sealed personal data that a partner released (identities database); a repeat changes nothing."""
    if identities.execute(select(received.c.at).where(received.c.conversation == conversation_id)).first() is None:
        identities.execute(insert(received).values(conversation=conversation_id, sealed=sealed, at=at))


def received_days(identities: Tx) -> dict[str, int]:
    """How many releases are kept, by the day on which each came."""
    day = func.substr(received.c.at, 1, 10)
    return {str(row[0]): int(row[1]) for row in identities.execute(select(day, func.count()).group_by(day))}


def sealed_received(identities: Tx, conversation_id: str) -> bytes | None:
    """The sealed personal data of a conversation, or None (identities database)."""
    found = identities.execute(select(received.c.sealed).where(received.c.conversation == conversation_id)).scalar()
    return bytes(found) if found is not None else None


_FORGET = {
    "person": (persons, persons.c.reference),
    "local": (local_records, local_records.c.reference),
    "released": (received, received.c.conversation),
}


def forget(identities: Tx, label: str) -> None:
    """Delete the row of personal data that a label names (identities database); nothing for a label of another kind."""
    kind, _, key = label.partition(":")
    if kind == "matter":
        matter, _, step = key.partition(":")
        identities.execute(delete(matter_texts).where(matter_texts.c.matter == matter, matter_texts.c.step == step))
    elif kind in _FORGET:
        table, column = _FORGET[kind]
        identities.execute(delete(table).where(column == key))


def delete_reference(tx: Tx, reference: str) -> list[str]:
    """Delete the prints and enrolments under a reference number; returns the labels of the prints."""
    labels = [f"reference:{reference}:{one.position}:{one.impression}" for one in prints_of(tx, reference)]
    tx.execute(delete(reference_prints).where(reference_prints.c.reference == reference))
    tx.execute(delete(enrolments).where(enrolments.c.reference == reference))
    return labels


def local_record(identities: Tx, reference: str) -> bytes | None:
    """The sealed codes that the exposure rule looks at, or None (identities database)."""
    found = identities.execute(select(local_records.c.sealed).where(local_records.c.reference == reference)).scalar()
    return bytes(found) if found is not None else None


def local_references(identities: Tx) -> list[str]:
    """The reference numbers of all persons (identities database)."""
    return list(identities.execute(select(persons.c.reference).order_by(persons.c.reference)).scalars())


def keep_local_record(identities: Tx, reference: str, sealed: bytes) -> None:
    """Keep or replace the sealed codes of a record (identities database)."""
    identities.execute(delete(local_records).where(local_records.c.reference == reference))
    identities.execute(insert(local_records).values(reference=reference, sealed=sealed))


def replace_person(identities: Tx, reference: str, sealed: bytes) -> None:
    """Replace a sealed identity (identities database)."""
    identities.execute(update(persons).where(persons.c.reference == reference).values(sealed=sealed))
