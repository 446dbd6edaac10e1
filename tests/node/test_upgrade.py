"""A database of the first version becomes one of this version, with what it held; and it then is what the code expects."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from mithaq.node.store import conversations, create_database, open_database
from mithaq.node.store.database import Database, _migrations
from mithaq.node.store.tables import metadata

AT = "2026-03-10T12:00:00.000000Z"


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
