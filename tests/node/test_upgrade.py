"""A database of the first version becomes one of this version, with what it held."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from sqlalchemy import text

from mithaq.node.store import create_database, open_database
from mithaq.node.store.database import Database, _migrations
from mithaq.node.store.life import counts


def test_an_old_database_is_upgraded_and_the_years_sum_begins_with_what_was_counted(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'node.sqlite'}"
    database, config = Database(url, name="test"), _migrations(url)
    with database.write() as tx:
        config.attributes["connection"] = tx
        command.upgrade(config, "0001")
        for search_type, day, used in (
            ("TP/TP", "2026-03-09", 4),
            ("LT/TP", "2026-03-10", 2),
            ("TP/TP", "2025-12-31", 9),
        ):
            tx.execute(
                text("INSERT INTO counters VALUES ('US', 'out', :type, :day, :used)"),
                {"type": search_type, "day": day, "used": used},
            )
    database.close()
    create_database(url)
    opened = open_database(url)
    try:
        with opened.read() as tx:
            assert counts(tx, "US", "out", ["2026", "2025"]) == {("*", "2026"): 6, ("*", "2025"): 9}
    finally:
        opened.close()
