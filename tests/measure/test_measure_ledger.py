"""The ledger that is measured is one: each way of growing it gives the same tree, and what is read ahead is what is stored."""

from __future__ import annotations

import pytest

from mithaq.errors import SettingsError
from mithaq.measure import ledger as measured
from mithaq.node.store import create_database, ledger, open_database
from mithaq.pact.ledger import verify_ledger
from mithaq.pact.merkle import root


def silent(*_: object) -> None:
    """No progress bar."""


def test_every_size_is_verified_and_proved() -> None:
    figures = measured.measure_ledger([70, 7], advance=silent, by_node=30)
    assert [name for name in figures if name.endswith("_entries")] == ["7_entries", "70_entries"]
    for size in (7, 70):
        found = figures[f"{size}_entries"]
        assert found["verify"] == {"entries": size, "problems": 0, "s": found["verify"]["s"]}
        assert found["bundle"]["entries"] == size
    assert figures["70_entries"]["append"]["by_the_node"] == 30
    with pytest.raises(SettingsError, match="MEA-007"):
        measured.measure_ledger([0], advance=silent)


def test_rows_in_bulk_are_the_node_s_own_and_are_read_ahead_as_they_are(tmp_path) -> None:  # type: ignore[no-untyped-def]
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    create_database(url)
    database = open_database(url)
    measured._grow(database, 53, 20, silent)
    with database.read() as tx:
        reader = ledger.NodeReader(tx, block=3)
        for level in range(6):
            for place in range(53 >> level):
                assert reader(level, place) == ledger.node_hash(tx, level, place)
            with pytest.raises(KeyError):
                reader(level, 53 >> level)
        report = verify_ledger(ledger.entries(tx), own_keys=(), get=reader)
        assert (report.size, report.findings) == (53, ())
        assert report.root == root(53, reader)
    database.close()
