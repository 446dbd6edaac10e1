"""The key store: one wrapped data key for each sealed record, in a small database of its own that forgets for good.

    (vault, label) ─► wrapped key       a record's key is made before the record, and destroyed after it

Destroying a key makes every copy of its record unreadable, also the copies in back-ups of the other databases
(REQ-086). So this file is SQLite always, overwrites what it deletes, and empties its write-ahead log at once. What a
copy of this file itself means is in docs/retention.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta

from sqlalchemy import delete, func, insert, select, update

from mithaq.errors import StorageError
from mithaq.node.store.database import Database, require_file
from mithaq.node.store.tables import record_keys, record_keys_metadata
from mithaq.units import timestamp, utc_now

_NAME = "key store"
_AT_ONCE = 400  # labels in one statement


class RecordKeys:
    """The open key store. Safe for several threads and processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, vault: str, label: str) -> bytes | None:
        """The wrapped key of a record, or None where it was destroyed or never made."""
        statement = select(record_keys.c.wrapped).where(record_keys.c.vault == vault, record_keys.c.label == label)
        with self._database.read() as tx:
            found = tx.execute(statement).scalar()
        return bytes(found) if found is not None else None

    def keep(self, vault: str, labels: Iterable[str], make: Callable[[str], bytes]) -> Mapping[str, bytes]:
        """The wrapped keys of these labels by label; those that are not there are made, all in one transaction."""
        wanted = list(dict.fromkeys(labels))
        found: dict[str, bytes] = {}
        with self._database.write() as tx:
            for start in range(0, len(wanted), _AT_ONCE):
                chosen = record_keys.c.label.in_(wanted[start : start + _AT_ONCE])
                rows = tx.execute(
                    select(record_keys.c.label, record_keys.c.wrapped).where(record_keys.c.vault == vault, chosen)
                )
                found.update({row.label: bytes(row.wrapped) for row in rows})
            made = {label: make(label) for label in wanted if label not in found}
            if made:
                now = timestamp(utc_now())
                new = [{"vault": vault, "label": one, "wrapped": key, "made_at": now} for one, key in made.items()]
                tx.execute(insert(record_keys), new)
        return found | made

    def destroy(self, pairs: Iterable[tuple[str, str]]) -> int:
        """Overwrite and delete the keys of these (vault, label); returns how many there were. On the disk when it returns.

        StorageError NOD-261 where a reader kept the write-ahead log from being emptied: the next call empties it.
        """
        destroyed = 0
        with self._database.write() as tx:
            for vault, label in pairs:
                where = (record_keys.c.vault == vault) & (record_keys.c.label == label)
                tx.execute(update(record_keys).where(where).values(wrapped=bytes(64)))
                destroyed += int(tx.execute(delete(record_keys).where(where)).rowcount)
        if not self._database.truncate_log():
            raise StorageError(
                "NOD-261", "destroyed keys may still stand in the key store's log", place=_NAME, remedy="sweep again"
            )
        return destroyed

    def rewrap(self, anew: Callable[[str, str, bytes], bytes]) -> int:
        """Replace every wrapped key by what `anew` makes of (vault, label, wrapped), all or none; returns how many."""
        with self._database.write() as tx:
            rows = tx.execute(select(record_keys)).all()
            for row in rows:
                where = (record_keys.c.vault == row.vault) & (record_keys.c.label == row.label)
                wrapped = anew(row.vault, row.label, bytes(row.wrapped))
                tx.execute(update(record_keys).where(where).values(wrapped=wrapped))
        self._database.truncate_log()
        return len(rows)

    def labels(self, vault: str, *, older_than_s: float = 0.0) -> set[str]:
        """The labels of the keys of a vault that were made so long ago, by this machine's own clock."""
        before = timestamp(utc_now() - timedelta(seconds=older_than_s))
        wanted = select(record_keys.c.label).where(record_keys.c.vault == vault, record_keys.c.made_at <= before)
        with self._database.read() as tx:
            return set(tx.execute(wanted).scalars())

    def count(self) -> int:
        """How many keys there are."""
        with self._database.read() as tx:
            return int(tx.execute(select(func.count()).select_from(record_keys)).scalar_one())

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()


def create_record_keys(url: str) -> None:
    """Make the key store; one that is there is left as it is."""
    database = Database(url, name=_NAME)
    try:
        with database.write() as tx:
            record_keys_metadata.create_all(tx)
    finally:
        database.close()


def open_record_keys(url: str) -> RecordKeys:
    """The key store; StorageError where its file is missing."""
    require_file(url, _NAME)
    return RecordKeys(Database(url, name=_NAME))
