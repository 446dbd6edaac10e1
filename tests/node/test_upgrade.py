"""A database of the first version becomes one of this version, with what it held; and it then is what the code expects."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from mithaq.node.store import conversations, create_database, open_database
from mithaq.node.store.database import Database, _migrations
from mithaq.node.store.life import counts
from mithaq.node.store.tables import metadata

AT = "2026-03-10T12:00:00.000000Z"


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


def test_the_first_versions_database_is_upgraded_with_its_rows(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'node.sqlite'}"
    database = Database(url, name="database")
    config = _migrations(url)
    with database.write() as tx:
        config.attributes["connection"] = tx
        command.upgrade(config, "0001")
        columns = "id, side, partner, agreement, state, search_type, purpose, case_number, offence, legal_basis"
        rest = "expedited, ordered_by, run_by, approved_by, tcn, candidates, reasons, stages, created_at, changed_at"
        values = "'c', 'holder', 'QA', 'a', 'prepared', 'TP/TP', 'terrorism', 'C', '{}', 'L'"
        more = f"0, '', '', '', 't', '[]', '[]', '{{}}', '{AT}', '{AT}'"
        tx.exec_driver_sql(
            f"INSERT INTO conversations ({columns}, {rest}, expires_at, attempts) VALUES ({values}, {more}, '{AT}', 0)"
        )
        tx.exec_driver_sql(f"INSERT INTO acts VALUES ('x', 'c', 'release-prepared', 'officer-1', 'signed', '{AT}')")
    database.close()
    create_database(url)
    upgraded = open_database(url)
    with upgraded.write() as tx:
        found = conversations.find_conversation(tx, "c")
        assert found is not None
        assert (found.release, found.other_channel, found.state) == (None, "", "prepared")
        (act,) = conversations.conversation_acts(tx, "c")
        conversations.add_act(tx, conversations.Act("y", "c", act.kind, act.officer, act.signed, act.at))
        assert [one.turn for one in conversations.conversation_acts(tx, "c")] == [0, 1]
    with upgraded.read() as tx:
        assert compare_metadata(MigrationContext.configure(tx), metadata) == []
    upgraded.close()
