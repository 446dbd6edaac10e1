"""The same node on PostgreSQL, by changing URLs: one query end to end, ledgers verified."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pair import NOON, PASSPHRASE, Pair
from people import add_people
from serve_order import ORDER

from mithaq.demo.population import Kind, make_population
from mithaq.node import audit, extracts, flow, life, quotas, rotation, sampling, statistics, views
from mithaq.node.enrol import enrol, list_items
from mithaq.node.exchanges import correction, matters
from mithaq.node.opening import open_gallery
from mithaq.node.store.conversations import Conversation
from mithaq.node.store.life import LifeEvent
from mithaq.node.store.matters import Matter
from mithaq.pact.bundle import Selection
from mithaq.pact.gate import Refused

pytestmark = pytest.mark.postgres


def programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The start of URLs on a server of our own on loopback, ended afterwards."""
    folder = programs()
    if folder is None:
        pytest.skip("there is no PostgreSQL server on this machine")
    place = Path(tempfile.mkdtemp(prefix="mithaq-pg-"))
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if as_user:
        shutil.chown(place, "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = place / "data"
    quiet = {"check": True, "capture_output": True}
    subprocess.run([*as_user, str(folder / "initdb"), "-D", str(data), "-U", "mithaq", "-A", "trust"], **quiet)  # type: ignore[call-overload]
    options = f"-p {port} -k {place} -c listen_addresses=127.0.0.1"
    control = [*as_user, str(folder / "pg_ctl"), "-D", str(data), "-w"]
    subprocess.run([*control, "-o", options, "-l", str(place / "log"), "start"], check=True, stdout=subprocess.DEVNULL)
    for name in ("qa", "qa_identities", "us", "us_identities"):
        command = [str(folder / "createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", "mithaq", name]
        subprocess.run([*as_user, *command], **quiet)  # type: ignore[call-overload]
    yield f"postgresql+psycopg://mithaq@127.0.0.1:{port}/"
    subprocess.run([*control, "-m", "immediate", "stop"], check=False, stdout=subprocess.DEVNULL)
    shutil.rmtree(place, ignore_errors=True)


def test_a_query_ends_as_on_sqlite(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mithaq.node import initialise

    template = initialise._SETTINGS
    pair = None
    try:
        url = server + "{low}"
        changed = template.replace('url = "sqlite:///node.sqlite"', f'url = "{url}"')
        changed = changed.replace('"sqlite:///identities.sqlite"', f'"{url}_identities"')
        monkeypatch.setattr(initialise, "_SETTINGS", _Lowered(changed))
        pair = Pair(tmp_path)
        assert "postgresql" in (tmp_path / "QA" / "node.toml").read_text()
        population = make_population(tmp_path / "population", 5, persons=2)
        with open_gallery(pair.nodes["US"]) as gallery:
            enrol(pair.nodes["US"], gallery, list_items(population.holdings["US"].folder))
        probe = next(one for one in population.probes if one.kind is Kind.MATE and one.origin == "QA")
        sent = flow.submit_query(pair.nodes["QA"], Path(probe.file).read_bytes(), ORDER)
        assert isinstance(sent, Conversation)
        pair.run()
        assert views.find(pair.nodes["QA"], sent.id).state == "candidate"
        # The agreement's life: what is declared holds at both, quotas are compared, and keys rotate.
        signs = {"officer": "officer-1", "passphrase": PASSPHRASE}
        stopped = life.suspend(pair.nodes["US"], "QA", parts=(), reason="security-incident", **signs)
        assert isinstance(stopped, LifeEvent)
        pair.run()
        assert isinstance(flow.submit_query(pair.nodes["QA"], Path(probe.file).read_bytes(), ORDER), Refused)
        life.resume(pair.nodes["US"], "QA", stopped.id, **signs)
        quotas.begin(pair.nodes["QA"])
        rotation.announce(pair.nodes["QA"], "sign", **signs)
        both = [("officer-1", PASSPHRASE), ("officer-2", PASSPHRASE)]
        terms = {"search_type": "TP/TP", "extra": 1, "reason": "danger-to-life"}
        life.override(pair.nodes["QA"], "US", approvals=both, **terms)
        pair.run()
        assert views.quotas(pair.nodes["QA"], "US")[0].day == 101
        assert views.quotas(pair.nodes["QA"], "US")[0].used == 1
        oversee(pair)
        who = {"officer": "examiner-1", "passphrase": PASSPHRASE}
        matter = correction.find_false(pair.nodes["US"], sent.id, explanation="another finger", **who)
        assert isinstance(matter, Matter)
        pair.run()
        assert views.find(pair.nodes["QA"], sent.id).state == "false-hit"
        assert matters.texts(pair.nodes["QA"], matter.id)["false-hit"]["explanation"] == "another finger"
        pair.cosign()
        for node in pair.nodes.values():
            assert audit.verify(node).problems == ()
        assert audit.disagreements(*pair.nodes.values()) == []
    finally:
        if pair is not None:
            pair.close()


def oversee(pair: Pair) -> None:
    """Statistics that both state and that agree, a check with its result, an extract: every table of oversight."""
    who: Any = {"passphrase": PASSPHRASE}
    pair.clock.turn(days=1)
    for node in pair.nodes.values():
        add_people(node)
    start, end = NOON - timedelta(days=1), NOON + timedelta(hours=1)
    for code, other in (("QA", "US"), ("US", "QA")):
        statistics.reconcile(pair.nodes[code], other, start, end, officer="supervisor-1", **who)
        pair.run()
    assert [one.agrees for node in pair.nodes.values() for one in statistics.all_reconciled(node)] == [True, True]
    node = pair.nodes["QA"]
    check = sampling.draw(node, start, end, 5, officer="protection-1", **who)
    (position,) = sampling.redrawn(node, check)
    sampling.record(node, check.id, position, outcome="lawful", officer="protection-1", **who)
    asked = extracts.ask(node, Selection(case=ORDER.case), authority="dpa-1", officer="protection-1", **who)
    assert extracts.give(node, asked.id, by="protection-1")[0].given_at is not None


class _Lowered(str):
    """The settings' template with the party's code in lower letters at hand, as names of databases are."""

    def format(self, **values: object) -> str:  # type: ignore[override]
        return str.format(self, low=str(values["party"]).strip('"').lower(), **values)
