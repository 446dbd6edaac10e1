"""Databases of an older version: they upgrade, keep what they hold, and end with the tables that the program speaks of."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from mithaq.node.store import create_database, create_identities, open_database, open_identities
from mithaq.node.store.database import Database, _migrations
from mithaq.node.store.tables import identities, metadata


def test_the_first_version_upgrades_to_the_tables_of_this_one(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'node.sqlite'}"
    old, config = Database(url, name="database"), _migrations(url)
    with old.write() as tx:
        config.attributes["connection"] = tx
        command.upgrade(config, "0001")
        tx.execute(text("INSERT INTO counters VALUES ('US', 'out', 'TP/TP', '2026-03-01', 7)"))
        assert not inspect(tx).has_table("matters")
    old.close()
    create_database(url)
    database = open_database(url)
    with database.read() as tx:
        assert tx.execute(text("SELECT used FROM counters")).scalar() == 7
        assert compare_metadata(MigrationContext.configure(tx), metadata) == []
    database.close()


def test_identities_of_the_first_version_upgrade_and_keep_what_they_hold(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'identities.sqlite'}"
    create_identities(url)
    old = Database(url, name="identities database")
    with old.write() as tx:  # as the first version left it
        tx.execute(text("DROP TABLE matter_texts"))
        tx.execute(text("UPDATE identities_version SET version = 1"))
        tx.execute(text("INSERT INTO received VALUES ('c', x'00', '2026-03-01')"))
    old.close()
    create_identities(url)
    database = open_identities(url)
    with database.read() as tx:
        assert tx.execute(text("SELECT conversation FROM received")).scalar() == "c"
        assert set(inspect(tx).get_table_names()) == set(identities.tables)
    database.close()
