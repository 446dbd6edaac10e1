"""Questions about erasing: what is due, what is held and until when, the certificates, and what has outlived its time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields

from sqlalchemy import delete, insert, select, update

from mithaq.node.store.database import Tx
from mithaq.node.store.tables import (
    certificates,
    conversations,
    erasures_due,
    erasures_held,
    exposure_rules,
    holds,
    ledger_entries,
    local_records,
    matter_texts,
    messages,
    metadata,
    persons,
    prints,
    received,
    reference_prints,
)


@dataclass(frozen=True, slots=True)
class Hold:
    """A legal hold on a conversation, a reference number or the whole log, until an instant."""

    id: str
    subject: str
    reason: str
    note: str
    author: str
    signed: str
    lifted: str
    begins_at: str
    ends_at: str


@dataclass(frozen=True, slots=True)
class Certificate:
    """A deletion certificate: of ours (`out`), or of the partner's and verified (`in`)."""

    id: str
    direction: str
    partner: str
    conversation: str
    reference: str
    signed: str
    at: str


@dataclass(frozen=True, slots=True)
class HeldErasure:
    """An erasure of a conversation's prints that waits for the end of a hold."""

    conversation: str
    role: str
    but: str
    reason: str


_HOLD = [holds.c[f.name] for f in fields(Hold)]
_CERTIFICATE = [certificates.c[f.name] for f in fields(Certificate)]


def plan_erasures(tx: Tx, labels: Sequence[str], at: str) -> None:
    """Note that the keys of these records are to be destroyed; call it in the transaction that decides and logs it."""
    known = set(tx.execute(select(erasures_due.c.label).where(erasures_due.c.label.in_(labels))).scalars())
    rows = [{"label": label, "at": at} for label in dict.fromkeys(labels) if label not in known]
    if rows:
        tx.execute(insert(erasures_due), rows)


def planned_erasures(tx: Tx, *, limit: int = 1000) -> list[str]:
    """The labels whose keys are to be destroyed, oldest first."""
    return list(tx.execute(select(erasures_due.c.label).order_by(erasures_due.c.at).limit(limit)).scalars())


def erasures_done(tx: Tx, labels: Sequence[str]) -> None:
    """Forget erasures that are done."""
    tx.execute(delete(erasures_due).where(erasures_due.c.label.in_(labels)))


def print_ids(tx: Tx, conversation: str, role: str, *, but: str = "") -> list[str]:
    """The ids of a conversation's prints in one role, those of the reference `but` left out."""
    where = (prints.c.conversation == conversation) & (prints.c.role == role)
    if but:
        where &= prints.c.reference != but
    return list(tx.execute(select(prints.c.id).where(where)).scalars())


def hold_erasure(tx: Tx, held: HeldErasure) -> None:
    """Remember an erasure that a hold suspends; the last one of a conversation and role counts."""
    same = (erasures_held.c.conversation == held.conversation) & (erasures_held.c.role == held.role)
    tx.execute(delete(erasures_held).where(same))
    tx.execute(insert(erasures_held).values({f.name: getattr(held, f.name) for f in fields(HeldErasure)}))


def held_erasures(tx: Tx) -> list[HeldErasure]:
    """The erasures that holds suspend."""
    columns = [erasures_held.c[f.name] for f in fields(HeldErasure)]
    return [HeldErasure(*row) for row in tx.execute(select(*columns).order_by(erasures_held.c.conversation))]


def release_erasure(tx: Tx, held: HeldErasure) -> None:
    """Forget a suspended erasure: it is being done."""
    same = (erasures_held.c.conversation == held.conversation) & (erasures_held.c.role == held.role)
    tx.execute(delete(erasures_held).where(same))


def add_hold(tx: Tx, hold: Hold) -> None:
    """Place a hold."""
    tx.execute(insert(holds).values({f.name: getattr(hold, f.name) for f in fields(Hold)}))


def find_hold(tx: Tx, hold_id: str) -> Hold | None:
    """The hold of that id, or None."""
    row = tx.execute(select(*_HOLD).where(holds.c.id == hold_id)).first()
    return Hold(*row) if row else None


def end_hold(tx: Tx, hold_id: str, at: str, signed: str) -> None:
    """Set the end of a hold, with the signed act of whoever ends it."""
    tx.execute(update(holds).where(holds.c.id == hold_id).values(ends_at=at, lifted=signed))


def list_holds(tx: Tx) -> list[Hold]:
    """All holds, past ones included, newest first."""
    return [Hold(*row) for row in tx.execute(select(*_HOLD).order_by(holds.c.begins_at.desc(), holds.c.id))]


def signed_acts(tx: Tx) -> list[tuple[str, str]]:
    """(act, signature) of every hold, every early end of one, and every version of the exposure rule."""
    kept = list_holds(tx)
    rules = tx.execute(select(exposure_rules.c.signed)).scalars()
    return [
        *(("hold", one.signed) for one in kept),
        *(("hold-lifted", one.lifted) for one in kept if one.lifted),
        *(("exposure-rule", str(signed)) for signed in rules),
    ]


def held_subjects(tx: Tx, now: str) -> set[str]:
    """What is under a hold at that instant."""
    return set(tx.execute(select(holds.c.subject).where(holds.c.begins_at <= now, holds.c.ends_at > now)).scalars())


def keep_certificate(tx: Tx, certificate: Certificate) -> None:
    """Keep a deletion certificate."""
    tx.execute(insert(certificates).values({f.name: getattr(certificate, f.name) for f in fields(Certificate)}))


def list_certificates(tx: Tx, *, limit: int = 500) -> list[Certificate]:
    """The certificates of both directions, newest first."""
    statement = select(*_CERTIFICATE).order_by(certificates.c.at.desc(), certificates.c.id).limit(limit)
    return [Certificate(*row) for row in tx.execute(statement)]


def received_since(identities: Tx) -> list[tuple[str, str]]:
    """(conversation, instant) of every release that is kept, oldest first (identities database)."""
    statement = select(received.c.conversation, received.c.at).order_by(received.c.at)
    return [(row.conversation, row.at) for row in identities.execute(statement)]


def release_digest(tx: Tx, conversation: str, direction: str) -> str:
    """SHA-256 (hex) of the sealed message that released data in a conversation; "" where there is none."""
    wanted = (messages.c.conversation == conversation) & (messages.c.kind == "release")
    statement = select(messages.c.digest).where(wanted, messages.c.direction == direction)
    return str(tx.execute(statement.order_by(messages.c.created_at.desc())).scalar() or "")


def old_entries(tx: Tx, before: str) -> list[tuple[int, bytes]]:
    """(index, body) of the ledger's entries that were written before an instant and are not erased, in order. `erased`
    entries are left out: they prove the others."""
    columns = (ledger_entries.c.position, ledger_entries.c.body)
    old = (ledger_entries.c.at < before) & ledger_entries.c.body.is_not(None) & (ledger_entries.c.kind != "erased")
    statement = select(*columns).where(old).order_by(ledger_entries.c.position)
    return [(int(row.position), bytes(row.body)) for row in tx.execute(statement)]


def erase_entries(tx: Tx, first: int, last: int) -> int:
    """Erase salts and bodies of the entries from `first` to `last`, `erased` entries left out; returns how many."""
    where = ledger_entries.c.position.between(first, last) & ledger_entries.c.body.is_not(None)
    where &= ledger_entries.c.kind != "erased"
    return int(tx.execute(update(ledger_entries).where(where).values(salt=None, body=None)).rowcount)


def with_prints(tx: Tx, side: str, states: Sequence[str]) -> list[tuple[str, str, str]]:
    """(id, agreement, beginning) of the conversations on that side, in one of the states, that hold prints."""
    columns = (conversations.c.id, conversations.c.agreement, conversations.c.created_at)
    holds_prints = conversations.c.id.in_(select(prints.c.conversation))
    statement = select(*columns).where(conversations.c.side == side, conversations.c.state.in_(states), holds_prints)
    return [(row.id, row.agreement, row.created_at) for row in tx.execute(statement)]


def finished_conversations(tx: Tx, before: str) -> list[tuple[str, str, str]]:
    """(id, agreement, last change) of the conversations that did not change since an instant and wait for no work here."""
    columns = (conversations.c.id, conversations.c.agreement, conversations.c.changed_at)
    where = (conversations.c.changed_at < before) & conversations.c.due_at.is_(None)
    return [(row.id, row.agreement, row.changed_at) for row in tx.execute(select(*columns).where(where))]


def kept_ids(tx: Tx) -> set[str]:
    """The ids of all conversations and messages."""
    found = set(tx.execute(select(conversations.c.id)).scalars())
    return found | set(tx.execute(select(messages.c.id)).scalars())


def delete_conversation(tx: Tx, conversation: str) -> int:
    """Delete what the tables say of a conversation: its messages, every row that refers to it, and its own; how many."""
    count = int(tx.execute(delete(messages).where(messages.c.conversation == conversation)).rowcount)
    for table in reversed(metadata.sorted_tables):  # those that refer to others first
        for column in table.columns:
            if column.references(conversations.c.id):
                count += int(tx.execute(delete(table).where(column == conversation)).rowcount)
    return count + int(tx.execute(delete(conversations).where(conversations.c.id == conversation)).rowcount)


def delete_old_messages(tx: Tx, before: str, *, but: Collection[str] = ()) -> int:
    """Delete the messages that were done before an instant and belong to no conversation (notices), those of the matters
    `but` left out; how many."""
    alone = messages.c.conversation.not_in(select(conversations.c.id)) & messages.c.conversation.not_in(sorted(but))
    where = messages.c.done_at.is_not(None) & (messages.c.done_at < before) & alone
    return int(tx.execute(delete(messages).where(where)).rowcount)


def print_labels(tx: Tx) -> set[str]:
    """The labels of all prints that are kept, queries' and references'."""
    found = {f"print:{row.conversation}:{row.id}" for row in tx.execute(select(prints.c.conversation, prints.c.id))}
    columns = (reference_prints.c.reference, reference_prints.c.position, reference_prints.c.impression)
    return found | {f"reference:{row[0]}:{row[1]}:{row[2]}" for row in tx.execute(select(*columns))}


def query_prints(tx: Tx) -> list[tuple[str, str, str]]:
    """(side, state, agreement) of the conversation of each query print that is kept, those under a suspended erasure
    left out."""
    held = select(erasures_held.c.conversation).where(erasures_held.c.role == "query")
    columns = (conversations.c.side, conversations.c.state, conversations.c.agreement)
    statement = select(*columns).select_from(prints.join(conversations))
    statement = statement.where(prints.c.role == "query", prints.c.conversation.not_in(held))
    return [(row.side, row.state, row.agreement) for row in tx.execute(statement)]


def identity_labels(identities: Tx) -> set[str]:
    """The labels of all personal data that are kept (identities database)."""
    found = {f"person:{reference}" for reference in identities.execute(select(persons.c.reference)).scalars()}
    found |= {f"local:{reference}" for reference in identities.execute(select(local_records.c.reference)).scalars()}
    texts = identities.execute(select(matter_texts.c.matter, matter_texts.c.step))
    found |= {f"matter:{row.matter}:{row.step}" for row in texts}
    return found | {f"released:{one}" for one in identities.execute(select(received.c.conversation)).scalars()}
