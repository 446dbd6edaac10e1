"""The node's two databases: opening, versions, and transactions that either commit whole or leave no trace.

SQLite by default, PostgreSQL by changing one URL. On SQLite a write transaction takes the lock at its start and every
commit reaches the disk (`synchronous=FULL`), so two processes of one node wait for each other instead of failing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, delete, event, insert, inspect, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from mithaq.errors import StorageError
from mithaq.node.store import tables

Tx = Connection
IDENTITIES_VERSION = 2  # `create_identities` adds the tables that are missing
BUSY_TIMEOUT_S = 15.0  # a second process of the node (an enrolment, a command) may hold the write lock this long


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    if not parsed.drivername.startswith("sqlite"):
        return create_engine(parsed, pool_size=8, max_overflow=8, pool_pre_ping=True)
    engine = create_engine(parsed, connect_args={"timeout": BUSY_TIMEOUT_S})

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy's "begin" below opens the transaction, not the driver
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA secure_delete=ON")  # erased prints leave no bytes in freed pages

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("mithaq_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _migrations(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parents[1] / "migrations"))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


class Database:
    """One database of a node. `read` and `write` give a transaction; a failure inside rolls it back whole."""

    def __init__(self, url: str, *, name: str) -> None:
        self.url = url
        self.name = name
        self.engine = _engine(url)
        # SQLite lets whoever finds the write lock taken sleep, up to 0.1 s at a time: this process's threads queue here.
        self._turn = threading.RLock() if self.engine.dialect.name == "sqlite" else nullcontext()

    @contextmanager
    def _transaction(self, *, writes: bool) -> Iterator[Tx]:
        turn = self._turn if writes else nullcontext()
        try:
            with turn, self.engine.connect().execution_options(mithaq_writes=writes) as connection, connection.begin():
                yield connection
        except (OperationalError, DBAPIError) as error:
            raise _storage_error(error, self.name) from None
        except SQLAlchemyError as error:
            raise StorageError("NOD-013", f"the database failed ({type(error).__name__})", place=self.name) from None

    def read(self) -> Any:
        """A transaction for questions; it sees one state of the database throughout."""
        return self._transaction(writes=False)

    def write(self) -> Any:
        """A transaction for changes; on SQLite it holds the write lock from its start."""
        return self._transaction(writes=True)

    def truncate_log(self) -> bool:
        """Empty SQLite's write-ahead log, which may hold what was erased; False where a reader was in the way."""
        if self.engine.dialect.name != "sqlite":
            return True
        with self.engine.connect() as connection:
            driver = connection.connection.driver_connection
            busy, _, _ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()  # type: ignore[union-attr]
        return not busy

    def close(self) -> None:
        self.engine.dispose()


def require_file(url: str, name: str) -> None:
    """Opening a missing SQLite file would make an empty one, which looks like a database of an older version."""
    parsed = make_url(url)
    if parsed.drivername.startswith("sqlite") and parsed.database and not Path(parsed.database).is_file():
        raise StorageError(
            "NOD-016",
            "the database file is not there",
            place=name,
            expected=Path(parsed.database).name,
            remedy="restore it from the back-up, or mend its path in node.toml",
        )


def _storage_error(error: DBAPIError, name: str) -> StorageError:
    reason = f"{error.orig} {getattr(error.orig, 'sqlite_errorname', '')}".lower()
    if "full" in reason or "no space" in reason or "ioerr" in reason:
        return StorageError(
            "NOD-010",
            "the disk is full or failing; nothing of this step was kept",
            place=name,
            remedy="free space or mend the disk, then try again",
        )
    if "locked" in reason:
        return StorageError(
            "NOD-011", "another process holds the database", place=name, remedy="wait for it to finish, then try again"
        )
    if (
        "readonly" in reason
        or "unable to open" in reason
        or "not a database" in reason
        or "malformed" in reason
        or "connect" in reason
    ):
        return StorageError(
            "NOD-012",
            "the database cannot be opened",
            place=name,
            expected="a database that `mithaq node init` made",
            remedy="check the path or URL in node.toml and its permissions; this account must be able to write there",
        )
    return StorageError("NOD-013", f"the database failed ({type(error.orig).__name__})", place=name)


def create_database(url: str) -> None:
    """Make the node's tables in an empty database, at the newest version."""
    database = Database(url, name="database")
    try:
        config = _migrations(url)
        with database.write() as tx:
            config.attributes["connection"] = tx
            command.upgrade(config, "head")
            if tx.execute(select(tables.ledger_head.c.size)).first() is None:
                tx.execute(insert(tables.ledger_head).values(id=1, size=0))
    finally:
        database.close()


def open_database(url: str) -> Database:
    """The node's database at the version this program knows; StorageError where it is missing or of another."""
    require_file(url, "database")
    database = Database(url, name="database")
    with database.read() as tx:
        found = MigrationContext.configure(tx).get_current_revision()
    known = ScriptDirectory.from_config(_migrations(url)).get_current_head()
    if found != known:
        database.close()
        raise StorageError(
            "NOD-014",
            f"the database is of version {found or 'none'}",
            place="database",
            expected=f"version {known}",
            remedy="run `mithaq node init --upgrade` after a back-up, or start the program version that made it",
        )
    return database


def create_identities(url: str) -> None:
    """Make the tables of the identities database, which is never the node's own."""
    database = Database(url, name="identities database")
    try:
        with database.write() as tx:
            tables.identities.create_all(tx)
            tx.execute(delete(tables.identities_version))
            tx.execute(insert(tables.identities_version).values(version=IDENTITIES_VERSION))
    finally:
        database.close()


def open_identities(url: str) -> Database:
    """The identities database; StorageError where it is missing or of another version."""
    require_file(url, "identities database")
    database = Database(url, name="identities database")
    with database.read() as tx:
        has = inspect(tx).has_table("identities_version")
        found = tx.execute(select(tables.identities_version.c.version)).scalar() if has else None
    if found != IDENTITIES_VERSION:
        database.close()
        raise StorageError(
            "NOD-015",
            f"the identities database is of version {found or 'none'}",
            place="identities database",
            expected=f"version {IDENTITIES_VERSION}",
            remedy="run `mithaq node init --upgrade` after a back-up, or start the program version that made it",
        )
    return database


# SQLite ignores FOR UPDATE: there the transaction holds the write lock from its start.
_LOCK = select(tables.ledger_head.c.size).where(tables.ledger_head.c.id == 1).with_for_update()


def lock_ledger(tx: Tx) -> int:
    """Take the ledger's lock for this transaction (a row lock on PostgreSQL) and return the ledger's size."""
    return int(tx.execute(_LOCK).scalar_one())


def compact(database: Database) -> None:
    """Give erased rows' pages back (SQLite: empty the write-ahead log, so that old pages do not linger)."""
    if database.engine.dialect.name == "sqlite":
        database.truncate_log()
    else:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM"))
