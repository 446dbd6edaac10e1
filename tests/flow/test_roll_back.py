"""A node that was restored from an old back-up finds out from its partner, and no query passes until it is settled."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pair import Pair
from serve_order import ORDER
from sqlalchemy import text

from mithaq.demo.population import Kind, Population, make_population
from mithaq.errors import PartnerError, TrustError
from mithaq.node import flow, journal, notices, upkeep, views, witness
from mithaq.node.gateway import Node
from mithaq.node.opening import open_node
from mithaq.node.store import ledger, messages
from mithaq.node.store.conversations import Conversation
from mithaq.pact.gate import parse_offence
from mithaq.pact.notices import Exercise


@pytest.fixture(scope="module")
def population(tmp_path_factory: pytest.TempPathFactory) -> Population:
    return make_population(tmp_path_factory.mktemp("population"), 5, persons=2)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    made = Pair(tmp_path)
    yield made
    made.close()


def write(node: Node, count: int = 3) -> None:
    with node.database.write() as tx:
        for number in range(count):
            journal.write(tx, node, "signed-in", by=f"officer-{number}")


def reopen(pair: Pair, code: str, *, back_up: Path | None = None) -> Node:
    """The node stops and starts again, on its own folder or on what an earlier copy of it held."""
    pair.nodes[code].close()
    if back_up is not None:
        shutil.rmtree(pair.homes[code])
        shutil.copytree(back_up, pair.homes[code])
    node = open_node(pair.homes[code], clock=pair.clock)
    pair.nodes[code] = node
    node.posters = {other: pair.wires[code] for other in pair.nodes if other != code}
    witness.begin(node)
    return node


def copy(pair: Pair, code: str, to: Path) -> Path:
    pair.nodes[code].close()
    shutil.copytree(pair.homes[code], to)
    reopen(pair, code)
    upkeep.cosign(pair.nodes[code])
    return to


def ask(pair: Pair, population: Population, code: str) -> Conversation:
    probe = next(one for one in population.probes if one.kind is Kind.STRANGER)
    order = replace(ORDER, offence=parse_offence("robbery:120"), partner=next(c for c in pair.nodes if c != code))
    sent = flow.submit_query(pair.nodes[code], Path(probe.file).read_bytes(), order)
    assert isinstance(sent, Conversation), sent
    return sent


def notify(pair: Pair, code: str, conversation: Conversation) -> str:
    node = pair.nodes[code]
    agreement = node.agreements.by_id(conversation.agreement)
    with node.database.write() as tx:
        sent = notices.send(tx, node, agreement, agreement.other(code), "exercise", Exercise("drill"))
    flow.deliver(node, sent.id)
    with node.database.read() as tx:
        found = messages.find_message(tx, sent.id, "out")
    assert found is not None
    return "delivered" if found.receipt else "waiting"


def test_an_old_back_up_is_found_out_and_no_query_passes(pair: Pair, population: Population, tmp_path: Path) -> None:
    first = ask(pair, population, "QA")
    pair.run()
    pair.cosign()
    old = copy(pair, "QA", tmp_path / "old")
    write(pair.nodes["QA"])
    pair.nodes["QA"].monotonic = lambda: 1e9
    upkeep.cosign(pair.nodes["QA"])  # the partner co-signs what the back-up does not hold
    restored = reopen(pair, "QA", back_up=old)
    assert restored.held == {"US": witness.NOT_COMPARED}
    upkeep.cosign(restored)
    assert restored.held == {"US": "PAC-165"}
    assert upkeep.health(restored)["ok"] is False
    with pair.nodes["US"].database.read() as tx:
        assert "checkpoint-refused" in [kind for _, kind, _ in ledger.latest_entries(tx, 3)]
    # Our query waits here; the partner's is turned away for now, and waits there.
    ours, theirs = ask(pair, population, "QA"), ask(pair, population, "US")
    carried = len(pair.wires["QA"].carried)
    pair.run()
    assert len(pair.wires["QA"].carried) == carried
    assert views.find(restored, ours.id).state == "prepared"
    assert views.find(pair.nodes["US"], theirs.id).state == "prepared"
    # What protects a person passes, both ways.
    assert notify(pair, "QA", first) == "delivered"
    assert notify(pair, "US", first) == "delivered"


def test_another_history_is_found_out_as_a_fork(pair: Pair, tmp_path: Path) -> None:
    old = copy(pair, "QA", tmp_path / "old")
    node = pair.nodes["QA"]
    write(node)
    node.monotonic = lambda: 1e9
    upkeep.cosign(node)
    restored = reopen(pair, "QA", back_up=old)
    write(restored, 9)  # longer than what the partner knows, and another
    upkeep.cosign(restored)
    assert restored.held == {"US": "PAC-151"}


def test_a_ledger_that_contradicts_its_own_cosignature_does_not_start(pair: Pair) -> None:
    pair.cosign()
    node = pair.nodes["QA"]
    with node.database.read() as tx:
        note = ledger.find_note(tx, "QA", "US")
        size = ledger.ledger_size(tx)
    assert note is not None and note.size == size
    with node.database.write() as tx:
        tx.execute(text("UPDATE ledger_head SET size = :size"), {"size": size - 1})
    with pytest.raises(TrustError) as error:
        witness.begin(node)
    assert error.value.code == "PAC-165"


def test_while_the_partner_is_away_queries_wait_and_then_pass(pair: Pair, population: Population) -> None:
    pair.cosign()
    node = reopen(pair, "QA")
    away = pair.wires["QA"]

    def unreachable(body: bytes) -> tuple[int, str]:
        raise PartnerError("NOD-042", "the partner cannot be reached", place="test")

    reach, away.exchange_checkpoint = away.exchange_checkpoint, unreachable  # type: ignore[method-assign]
    upkeep.cosign(node)
    assert node.held == {"US": witness.NOT_COMPARED}
    assert upkeep.health(node)["ok"] is True
    sent = ask(pair, population, "QA")
    pair.run()
    assert views.find(node, sent.id).state == "prepared"
    away.exchange_checkpoint = reach  # type: ignore[method-assign]
    now = node.monotonic()
    node.monotonic = lambda: now + 10
    upkeep.cosign(node)
    assert node.held == {}
    pair.clock.turn(seconds=2)
    pair.run()
    assert views.find(node, sent.id).state == "no-hit"
