"""Questions about the ledger: its entries, the tree's stored hashes, and the checkpoints of both sides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, func, insert, select, update

from mithaq.node.store.database import Tx
from mithaq.node.store.tables import checkpoints, ledger_entries, ledger_head, ledger_nodes
from mithaq.pact.ledger import Entry

_ENTRY = (ledger_entries.c.position, ledger_entries.c.commitment, ledger_entries.c.salt, ledger_entries.c.body)
# Statements of every entry are made once: building one costs more than running it.
_SIZE = select(ledger_head.c.size).where(ledger_head.c.id == 1)
_NODE = select(ledger_nodes.c.hash).where(
    ledger_nodes.c.level == bindparam("height"), ledger_nodes.c.position == bindparam("place")
)
_ADD_ENTRY, _ADD_NODES = insert(ledger_entries), insert(ledger_nodes)
_GROW = update(ledger_head).where(ledger_head.c.id == 1)


@dataclass(frozen=True, slots=True)
class Note:
    """A checkpoint of `owner`'s ledger as a signed note, with the signature of `witness` on it."""

    owner: str
    witness: str
    size: int
    note: str
    at: str


def ledger_size(tx: Tx) -> int:
    """How many entries the ledger has."""
    return int(tx.execute(_SIZE).scalar_one())


def node_hash(tx: Tx, level: int, position: int) -> bytes:
    """The stored hash of a complete subtree; KeyError where the tree has none there."""
    found = tx.execute(_NODE, {"height": level, "place": position}).scalar()
    if found is None:
        raise KeyError((level, position))
    return bytes(found)


class NodeReader:
    """`node_hash` for a reader that goes through the tree from its left: each level is read ahead in blocks."""

    def __init__(self, tx: Tx, *, block: int = 1000) -> None:
        self._tx, self._block = tx, block
        self._read: dict[int, dict[int, bytes]] = {}

    def __call__(self, level: int, position: int) -> bytes:
        found = self._read.get(level, {})
        if position not in found:
            ahead = ledger_nodes.c.position.between(position, position + self._block - 1)
            statement = select(ledger_nodes.c.position, ledger_nodes.c.hash).where(ledger_nodes.c.level == level, ahead)
            found = {int(row.position): bytes(row.hash) for row in self._tx.execute(statement)}
            self._read[level] = found
        return found[position]


def add_entry(tx: Tx, entry: Entry, kind: str, at: str, nodes: Sequence[tuple[int, int, bytes]]) -> None:
    """Append an entry with the subtree hashes it completes; the caller holds the ledger's lock."""
    row = {"position": entry.index, "kind": kind, "at": at}
    tx.execute(_ADD_ENTRY, {**row, "commitment": entry.commitment, "salt": entry.salt, "body": entry.body})
    tx.execute(_ADD_NODES, [{"level": level, "position": at_, "hash": value} for level, at_, value in nodes])
    tx.execute(_GROW, {"size": entry.index + 1})


def add_entries(tx: Tx, new: Sequence[Entry], kind: str, at: str, nodes: Sequence[tuple[int, int, bytes]]) -> None:
    """Append entries of one kind and instant with all the subtree hashes that they complete."""
    rows = [{"position": e.index, "commitment": e.commitment, "salt": e.salt, "body": e.body} for e in new]
    tx.execute(_ADD_ENTRY, [{**row, "kind": kind, "at": at} for row in rows])
    tx.execute(_ADD_NODES, [{"level": level, "position": at_, "hash": value} for level, at_, value in nodes])
    tx.execute(_GROW, {"size": new[-1].index + 1})


def entries(tx: Tx, *, start: int = 0, batch: int = 1000) -> Iterator[Entry]:
    """All entries from `start` on, in order."""
    while True:
        statement = (
            select(*_ENTRY).where(ledger_entries.c.position >= start).order_by(ledger_entries.c.position).limit(batch)
        )
        rows = tx.execute(statement).all()
        for row in rows:
            yield Entry(row.position, _bytes(row.commitment) or b"", _bytes(row.salt), _bytes(row.body))
        if len(rows) < batch:
            return
        start = rows[-1].position + 1


def entry_instants(tx: Tx) -> Iterator[tuple[int, str, bytes | None]]:
    """Of every entry in order: its index, its instant, its body (None once erased)."""
    columns = (ledger_entries.c.position, ledger_entries.c.at, ledger_entries.c.body)
    for row in tx.execute(select(*columns).order_by(ledger_entries.c.position)):
        yield int(row.position), row.at, _bytes(row.body)


def entries_at(tx: Tx, indexes: Sequence[int], *, batch: int = 500) -> list[Entry]:
    """The entries at these indexes, in order."""
    found = []
    for start in range(0, len(indexes), batch):
        chosen = ledger_entries.c.position.in_(indexes[start : start + batch])
        for row in tx.execute(select(*_ENTRY).where(chosen)):
            found.append(Entry(row.position, _bytes(row.commitment) or b"", _bytes(row.salt), _bytes(row.body)))
    return sorted(found, key=lambda entry: entry.index)


def bodies(tx: Tx, kinds: Sequence[str], since: str) -> Iterator[tuple[str, bytes | None]]:
    """Kind and body (None once erased) of the entries of these kinds from an instant on, in order."""
    wanted = select(ledger_entries.c.kind, ledger_entries.c.body).where(
        ledger_entries.c.kind.in_(kinds), ledger_entries.c.at >= since
    )
    for row in tx.execute(wanted.order_by(ledger_entries.c.position)):
        yield row.kind, _bytes(row.body)


def dated_bodies(tx: Tx, kinds: Sequence[str]) -> Iterator[tuple[int, str, str, bytes | None]]:
    """Position, kind, instant and body (None once erased) of every entry of these kinds, in order."""
    columns = (ledger_entries.c.position, ledger_entries.c.kind, ledger_entries.c.at, ledger_entries.c.body)
    wanted = select(*columns).where(ledger_entries.c.kind.in_(kinds)).order_by(ledger_entries.c.position)
    for row in tx.execute(wanted):
        yield int(row.position), row.kind, row.at, _bytes(row.body)


def body_days(tx: Tx) -> dict[str, int]:
    """How many bodies that are not erased were written on each day."""
    day = func.substr(ledger_entries.c.at, 1, 10)
    rows = tx.execute(select(day, func.count()).where(ledger_entries.c.body.is_not(None)).group_by(day))
    return {str(row[0]): int(row[1]) for row in rows}


def latest_entries(tx: Tx, limit: int) -> list[tuple[int, str, str]]:
    """The newest entries, newest first: (position, kind, instant)."""
    statement = (
        select(ledger_entries.c.position, ledger_entries.c.kind, ledger_entries.c.at)
        .order_by(ledger_entries.c.position.desc())
        .limit(limit)
    )
    return [(int(row.position), row.kind, row.at) for row in tx.execute(statement)]


def find_note(tx: Tx, owner: str, witness: str) -> Note | None:
    """The newest checkpoint of the owner's ledger that the witness signed."""
    row = tx.execute(
        select(
            checkpoints.c.owner, checkpoints.c.witness, checkpoints.c.size, checkpoints.c.note, checkpoints.c.at
        ).where(checkpoints.c.owner == owner, checkpoints.c.witness == witness)
    ).first()
    return Note(*row) if row else None


def keep_note(tx: Tx, note: Note) -> None:
    """Replace the newest checkpoint of that owner and witness."""
    tx.execute(delete(checkpoints).where(checkpoints.c.owner == note.owner, checkpoints.c.witness == note.witness))
    tx.execute(
        insert(checkpoints).values(owner=note.owner, witness=note.witness, size=note.size, note=note.note, at=note.at)
    )


def _bytes(value: object) -> bytes | None:
    """A stored value as bytes, also where an edit made text of it: a check must find that, not stumble over it."""
    if value is None:
        return None
    return value.encode() if isinstance(value, str) else bytes(value)  # type: ignore[call-overload]
