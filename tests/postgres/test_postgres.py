"""The same node on PostgreSQL, by changing URLs: one query end to end, ledgers verified."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pair import PASSPHRASE, Pair
from serve_order import ORDER

from mithaq.demo.population import Kind, make_population
from mithaq.node import audit, flow, views
from mithaq.node.enrol import enrol, list_items
from mithaq.node.exchanges import correction, matters
from mithaq.node.opening import open_gallery
from mithaq.node.store.conversations import Conversation
from mithaq.node.store.matters import Matter

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


class _Lowered(str):
    """The settings' template with the party's code in lower letters at hand, as names of databases are."""

    def format(self, **values: object) -> str:  # type: ignore[override]
        return str.format(self, low=str(values["party"]).strip('"').lower(), **values)
