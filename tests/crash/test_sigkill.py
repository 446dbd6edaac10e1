"""Either node dies by SIGKILL in mid-query, at each named point, and is started again: nothing is lost or done twice."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pair import NAMES, START
from serve_until import order

from mithaq.demo.population import make_population
from mithaq.node import audit, flow, officers
from mithaq.node.enrol import enrol, list_items
from mithaq.node.initialise import initialise, read_party
from mithaq.node.opening import open_gallery, open_node
from mithaq.node.store import conversations, messages
from mithaq.pact.proposal import propose
from mithaq.pact.signed import sign, unsigned
from mithaq.units import utc_now

pytestmark = pytest.mark.crash
CHILD = Path(__file__).with_name("serve_until.py")
PATIENCE_S = 40.0

# (who dies, at which point)
REQUESTER = ["query-committed", "before-send", "sent-before-receipt-kept", "receipt-kept"]
HOLDER = [
    "opened-before-commit", "received-before-commit", "received-before-reply", "searched-before-commit",
    "answered-before-commit", "answer-committed",
]  # fmt: skip
BACK = ["opened-before-commit", "received-before-commit", "received-before-reply"]  # the answer's way back
CASES = [("QA", point) for point in [*REQUESTER, *BACK]] + [("US", point) for point in HOLDER]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two enrolled nodes under one agreement, and a probe whose mate lies at US."""
    folder = tmp_path_factory.mktemp("prepared")
    population = make_population(folder / "population", 11, persons=2)
    for code in NAMES:
        initialise(
            folder / code, party=code, contact=f"{code.lower()}-ncp", name=NAMES[code],
            listen=f"127.0.0.1:{free_port()}", desk="127.0.0.1:0", demonstration=True,
        )  # fmt: skip
    parties = dict(read_party((folder / code / "party.json").read_bytes(), place="") for code in NAMES)
    signed = unsigned(propose(parties, valid_from=START))
    nodes = {code: open_node(folder / code) for code in NAMES}
    for code, node in nodes.items():
        signed = sign(signed, code, signer=node.keys.sign.sign, thumbprint=node.keys.sign.thumbprint, at=utc_now())
    for code, node in nodes.items():
        node.agreements.install(signed.to_bytes())
        officers.add(
            node, "officer-1", roles=["officer"], name={"en": "One", "ar": "الأول"}, passphrase="a passphrase for tests"
        )
        with open_gallery(node) as gallery:
            enrol(node, gallery, list_items(population.holdings[code].folder))
        node.close()
    probe = next(p for p in population.probes if str(p.kind).endswith("mate") and p.origin == "QA")
    return folder, Path(probe.file)


@contextmanager
def served(home: Path, point: str = "-") -> Iterator[subprocess.Popen[str]]:
    """A node process that listens; ended in every case."""
    process = subprocess.Popen(
        [sys.executable, str(CHILD), str(home), point], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
        process.wait()


def wait_until(what: str, true: object, seconds: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.05)


# Three of the points run every time; all of them in `make check`, since each starts three processes.
ALWAYS = {("QA", "sent-before-receipt-kept"), ("US", "received-before-reply"), ("US", "searched-before-commit")}


@pytest.mark.parametrize(
    ("victim", "point"),
    [pytest.param(*case, marks=[] if case in ALWAYS else [pytest.mark.slow]) for case in CASES],
    ids=[f"{who}-{point}" for who, point in CASES],
)
def test_a_killed_node_loses_nothing_and_does_nothing_twice(
    prepared: tuple[Path, Path], tmp_path: Path, victim: str, point: str
) -> None:
    source, probe = prepared
    for code in NAMES:
        shutil.copytree(source / code, tmp_path / code)
    other = "US" if victim == "QA" else "QA"

    with served(tmp_path / other):
        if point == "query-committed":
            killed = subprocess.run(
                [sys.executable, str(CHILD), str(tmp_path / "QA"), point, "submit", str(probe), "US"]
            )
            assert killed.returncode == -9
        else:
            with served(tmp_path / victim, point) as process:
                with open_node(tmp_path / "QA") as requester:
                    assert isinstance(
                        flow.submit_query(requester, probe.read_bytes(), order("US")), conversations.Conversation
                    )
                assert process.wait(PATIENCE_S) == -9, "the process never came to that point"
        with served(tmp_path / victim):
            nodes = {code: open_node(tmp_path / code) for code in NAMES}
            try:
                wait_until("the answer and all receipts", lambda: is_at_rest(nodes))
                wait_until("both co-signatures", lambda: all(is_cosigned(node) for node in nodes.values()))
                check(nodes)
            finally:
                for node in nodes.values():
                    node.close()


def is_at_rest(nodes) -> bool:  # type: ignore[no-untyped-def]
    with nodes["QA"].database.read() as tx:
        asked = conversations.list_conversations(tx)
        waiting = messages.count_waiting(tx)
    with nodes["US"].database.read() as tx:
        return bool(asked) and asked[0].state == "candidate" and waiting + messages.count_waiting(tx) == 0


def is_cosigned(node) -> bool:  # type: ignore[no-untyped-def]
    report = audit.verify(node)
    return all(size == report.size for size in report.cosigned.values())


def check(nodes) -> None:  # type: ignore[no-untyped-def]
    """One conversation, one query and one answer on each side; counted once; both ledgers whole and agreeing."""
    for code, node in nodes.items():
        with node.database.read() as tx:
            (conversation,) = conversations.list_conversations(tx)
            kinds = sorted((m.direction, m.kind) for m in messages.conversation_messages(tx, conversation.id))
            day = conversation.created_at[:10]
            direction = "out" if code == "QA" else "in"
            used = conversations.used_today(tx, conversation.partner, direction, "TP/TP", day)
            left = conversations.conversation_prints(tx, conversation.id, "query")
        expected = [("in", "answer"), ("out", "query")] if code == "QA" else [("in", "query"), ("out", "answer")]
        assert kinds == expected
        assert conversation.state == ("candidate" if code == "QA" else "answered-hit")
        assert used == 1
        assert bool(left) == (code == "QA"), "the holder keeps no query print once it has answered"
        assert audit.verify(node).problems == ()
    assert audit.disagreements(*nodes.values()) == []
