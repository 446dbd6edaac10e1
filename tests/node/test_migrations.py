"""A database of the first version comes up to this one, and then has exactly the tables that the store speaks of."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from mithaq.node.store import Database, create_database, open_database, tables
from mithaq.node.store.database import _migrations


def differences(database: Database) -> list[object]:
    with database.read() as tx:
        return list(compare_metadata(MigrationContext.configure(tx, opts={"compare_type": True}), tables.metadata))


def test_the_migrations_make_the_tables(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    create_database(url)
    assert differences(open_database(url)) == []


def test_a_database_of_the_first_version_is_brought_up(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'old.db'}"
    old = Database(url, name="old")
    config = _migrations(url)
    with old.write() as tx:
        config.attributes["connection"] = tx
        command.upgrade(config, "0001")
        tx.exec_driver_sql("INSERT INTO ledger_head (id, size) VALUES (1, 0)")
    assert differences(old) != []
    old.close()
    create_database(url)  # what `mithaq node init --upgrade` does
    assert differences(open_database(url)) == []
