"""Checks of lawfulness by a recorded seed, and the authority's extract with its clock."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pair import NOON, PASSPHRASE, Pair
from people import ENVELOPE, QUERY, add_people

from mithaq.errors import FormatError, SettingsError, TrustError
from mithaq.node import audit, extracts, journal, sampling, upkeep, views
from mithaq.node.gateway import Node
from mithaq.node.store import ledger
from mithaq.pact import verify_bundle
from mithaq.pact.bundle import Selection

START, END = NOON - timedelta(days=1), NOON + timedelta(days=1)
WHO: Any = {"officer": "protection-1", "passphrase": PASSPHRASE}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    made = Pair(tmp_path_factory.mktemp("pair"))
    node = made.nodes["QA"]
    add_people(node)
    with node.database.write() as tx:
        for number in range(40):
            query = {**ENVELOPE, **QUERY, "conversation": f"{number:032x}", "case": f"CASE-{number}"}
            query["approved_by"] = "protection-1" if number == 3 else "prosecutor-1"
            journal.write(tx, node, "query-sent", **query)
            journal.write(tx, node, "log-read", by="auditor-1", reason="audit")
    yield made
    made.close()


@pytest.fixture(scope="module")
def node(pair: Pair) -> Node:
    return pair.nodes["QA"]


def last(node: Node, kind: str) -> dict[str, Any]:
    with node.database.read() as tx:
        return [json.loads(body)["data"] for _, body in ledger.bodies(tx, [kind], "") if body][-1]


def test_a_sample_is_drawn_by_its_seed_and_can_be_drawn_again(node: Node) -> None:
    first = sampling.draw(node, START, END, 10, seed="chosen-by-the-authority", **WHO)
    again = sampling.draw(node, START, END, 10, seed="chosen-by-the-authority", **WHO)
    other = sampling.draw(node, START, END, 10, **WHO)
    drawn = {check.id: [item.position for item in items] for check, items in sampling.all_checks(node, by="auditor-1")}
    assert drawn[first.id] == drawn[again.id] != drawn[other.id]
    assert len(set(drawn[first.id])) == 10
    assert len(other.seed) == 32
    for check in (first, other):
        assert sampling.redrawn(node, check) == drawn[check.id]
        assert check.population == 40
    written = last(node, "check-drawn")
    assert (written["seed"], written["count"], written["by"]) == (other.seed, 10, "protection-1")


def test_every_query_is_drawn_where_there_are_no_more(node: Node) -> None:
    check = sampling.draw(node, START, END, 100, **WHO)
    assert len(sampling.redrawn(node, check)) == 40


def test_results_are_signed_kept_and_given_once(node: Node) -> None:
    check = sampling.draw(node, START, END, 40, seed="all", **WHO)
    _, items = sampling.to_check(node, check.id, by="protection-1")
    assert last(node, "log-read")["reason"] == "lawfulness"
    assert items[0][1]["purpose"] == "terrorism"
    own = next(item.position for item, query in items if query["approved_by"] == "protection-1")
    first, second = [item.position for item, query in items if query["approved_by"] != "protection-1"][:2]
    sampling.record(node, check.id, first, outcome="lawful", **WHO)
    sampling.record(node, check.id, second, outcome="unlawful", ground="purpose", **WHO)
    with pytest.raises(FormatError) as twice:
        sampling.record(node, check.id, first, outcome="unclear", ground="record", **WHO)
    assert twice.value.code == "NOD-292"
    with pytest.raises(TrustError) as part:
        sampling.record(node, check.id, own, outcome="lawful", **WHO)
    assert part.value.code == "NOD-293"
    for outcome, ground in (("unlawful", ""), ("lawful", "purpose"), ("fine", ""), ("unclear", "gossip")):
        with pytest.raises(SettingsError) as unfit:
            sampling.record(node, check.id, items[5][0].position, outcome=outcome, ground=ground, **WHO)
        assert unfit.value.code == "NOD-291"
    with pytest.raises(FormatError):
        sampling.record(node, check.id, 10_000, outcome="lawful", **WHO)
    kept = {item.position: item for item, _ in sampling.to_check(node, check.id, by="auditor-1")[1]}
    assert (kept[second].outcome, kept[second].ground, kept[second].officer) == ("unlawful", "purpose", "protection-1")
    assert last(node, "check-done")["outcome"] == "unlawful"
    assert not [problem for problem in audit.verify(node).problems if "act" in problem]
    with node.database.write() as tx:
        tx.exec_driver_sql("UPDATE check_items SET signed = (SELECT signed FROM checks) WHERE outcome = 'unlawful'")
    assert any("act check-done" in problem for problem in audit.verify(node).problems)


def test_only_the_protection_officer_checks(node: Node) -> None:
    for officer in ("auditor-1", "officer-1", "supervisor-1"):
        with pytest.raises(TrustError) as refused:
            sampling.draw(node, START, END, 1, officer=officer, passphrase=PASSPHRASE)
        assert refused.value.code == "NOD-155"
    with pytest.raises(TrustError):
        sampling.all_checks(node, by="officer-1")
    with pytest.raises(SettingsError) as unfit:
        sampling.draw(node, START, END, 0, **WHO)
    assert unfit.value.code == "NOD-290"


def test_the_authority_gets_its_extract_by_its_day(pair: Pair, node: Node) -> None:
    asked = extracts.ask(node, Selection(case="CASE-7"), authority="dpa-1", **WHO)
    assert asked.due_at[:10] == f"{NOON + timedelta(days=28):%Y-%m-%d}"
    assert last(node, "extract-asked")["due_at"] == asked.due_at
    pair.clock.turn(days=27)
    ((waiting, left),) = extracts.due(node)
    assert (waiting.id, round(left, 6)) == (asked.id, 1.0)
    assert views.status(node)["extracts_due"] == [{"extract": asked.id, "due_at": asked.due_at, "late": False}]
    pair.clock.turn(days=2)
    assert extracts.due(node)[0][1] < 0
    upkeep.measure(node)
    assert b"mithaq_extracts_late 1.0" in _metrics(node)
    given, data = extracts.give(node, asked.id, by="protection-1")
    assert given.given_at is not None
    assert extracts.due(node) == []
    bundle = json.loads(data)
    assert "CASE-7" in data.decode()
    assert "CASE-8" not in data.decode()
    verify_bundle.check(bundle, {"QA": [node.keys.checkpoint.vkey]})
    assert last(node, "extract-given")["content"] == given.digest
    again, _ = extracts.give(node, asked.id, by="protection-1")  # the same clock stays stopped
    assert (again.given_at, again.digest) == (given.given_at, given.digest)


def test_an_extract_is_for_an_authority_that_asked(node: Node) -> None:
    with pytest.raises(FormatError) as unknown:
        extracts.give(node, "0" * 32, by="protection-1")
    assert unknown.value.code == "NOD-295"
    for authority, asked_at in (("The Authority", None), ("dpa-1", node.clock() + timedelta(days=1))):
        with pytest.raises(SettingsError) as unfit:
            extracts.ask(node, Selection(case="C"), authority=authority, asked_at=asked_at, **WHO)
        assert unfit.value.code == "NOD-294"
    for officer in ("auditor-1", "officer-1"):
        with pytest.raises(TrustError):
            extracts.ask(node, Selection(case="C"), authority="dpa-1", officer=officer, passphrase=PASSPHRASE)
        with pytest.raises(TrustError):
            extracts.give(node, "0" * 32, by=officer)


def _metrics(node: Node) -> bytes:
    from prometheus_client import generate_latest

    return generate_latest(node.metrics.registry)
