"""Statistics of both nodes after a run with faults: to the unit the same, and a difference is found where one is made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pair import NOON, PASSPHRASE, Pair
from people import add_people
from serve_order import ORDER

from mithaq.demo.population import Kind, Population, make_population
from mithaq.errors import SettingsError, TrustError
from mithaq.node import flow, received, statistics, upkeep
from mithaq.node.enrol import enrol, list_items
from mithaq.node.opening import open_gallery
from mithaq.node.store.conversations import Conversation
from mithaq.pact.gate import Refused, parse_offence
from mithaq.pact.lifecycle import Conclusion
from mithaq.pact.statistics import Difference

START, END = NOON.replace(hour=0), NOON.replace(hour=0) + timedelta(days=2)


@pytest.fixture(scope="module")
def population(tmp_path_factory: pytest.TempPathFactory) -> Population:
    return make_population(tmp_path_factory.mktemp("population"), 5, persons=2)


def ask(pair: Pair, population: Population, origin: str, kind: Kind, **changes: object) -> Conversation:
    probe = next(one for one in population.probes if one.kind is kind and one.origin == origin)
    partner = "US" if origin == "QA" else "QA"
    order = replace(ORDER, partner=partner, offence=parse_offence("robbery:120"), **changes)  # type: ignore[arg-type]
    sent = flow.submit_query(pair.nodes[origin], Path(probe.file).read_bytes(), order)
    assert isinstance(sent, Conversation), sent
    return sent


def settle(pair: Pair) -> None:
    """Until nothing is due, with time going on between the tries."""
    for _ in range(3):
        pair.run()
        pair.clock.turn(seconds=30)


@pytest.fixture(scope="module")
def pair(population: Population, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A day of traffic both ways with lost receipts, a cut wire, second deliveries, and a border between two days in the
    middle of a conversation."""
    made = Pair(tmp_path_factory.mktemp("pair"), search_types={"TP/TP": {"day": 3}})
    for code, node in made.nodes.items():
        add_people(node)
        with open_gallery(node) as gallery:
            enrol(node, gallery, list_items(population.holdings[code].folder))
    made.wires["QA"].lost, made.wires["US"].lost = 1, 2
    hit = ask(made, population, "QA", Kind.MATE)
    settle(made)
    ask(made, population, "US", Kind.STRANGER, purpose="terrorism", expedited=True)
    settle(made)
    requester, holder = made.nodes["QA"], made.nodes["US"]
    flow.conclude(requester, hit.id, officer="examiner-1", passphrase=PASSPHRASE, decision=Conclusion.IDENTIFIED)
    made.wires["QA"].cut = True
    flow.request_data(
        requester, hit.id, officer="officer-1", passphrase=PASSPHRASE, fields=("family_name", "birth_date")
    )
    settle(made)
    made.wires["QA"].cut = False
    made.clock.turn(hours=1)
    made.wires["QA"].lost = 1
    settle(made)
    who = {"passphrase": PASSPHRASE}
    flow.prepare_release(holder, hit.id, officer="officer-1", fields=("family_name", "birth_date"), **who)
    flow.approve_release(holder, hit.id, officer="officer-2", **who)
    made.wires["US"].cut = True
    settle(made)
    made.clock.turn(hours=13)  # the release arrives on the next day
    made.wires["US"].cut = False
    settle(made)
    made.wires["QA"].lost = 1
    received.report_outcome(requester, hit.id, officer="officer-1", result="result-false-identity", **who)
    settle(made)
    for _ in range(3):
        ask(made, population, "QA", Kind.STRANGER)
    held = flow.submit_query(
        requester, Path(next(p.file for p in population.probes if p.kind is Kind.STRANGER)).read_bytes(), ORDER
    )
    assert isinstance(held, Refused)
    with requester.database.write() as tx:  # a hostile sender forgets its counts
        tx.exec_driver_sql("UPDATE counters SET used = 0")
    ask(made, population, "QA", Kind.SMUDGE, despite_quality=True)
    ask(made, population, "QA", Kind.STRANGER)
    settle(made)
    for sealed in made.wires["QA"].carried[:3]:
        flow.receive(holder, sealed, made.wires["QA"].certificate)
    made.wires["US"].cut = True
    ask(made, population, "US", Kind.STRANGER)
    made.clock.turn(days=9)
    for node in made.nodes.values():
        upkeep.expire(node)
    settle(made)
    made.wires["US"].cut = False
    yield made
    made.close()


def figures(pair: Pair, code: str, **period: object) -> statistics.Statistics:
    return statistics.statistics(pair.nodes[code], START, END, by="auditor-1", **period)  # type: ignore[arg-type]


def test_both_nodes_count_the_same_to_the_unit(pair: Pair) -> None:
    ours, theirs = figures(pair, "QA"), figures(pair, "US")
    assert ours.shared["out"] == theirs.shared["in"]
    assert ours.shared["in"] == theirs.shared["out"]
    out = ours.shared["out"]
    assert out["queries"] == out["queries.type.TP/TP"] == 6
    assert {key: n for key, n in out.items() if key.startswith("answers.")} == {
        "answers.hit": 1, "answers.no-hit": 3, "answers.refused": 2,
    }  # fmt: skip
    assert out["refused.reason.quota-exceeded"] == 2
    assert out["false-identities"] == out["outcomes.result-false-identity"] == 1
    assert (out["follow-ups"], out["releases.released"]) == (1, 1)
    assert "releases.special" not in out
    assert (out["quota.TP/TP.busiest-day"], out["quota.TP/TP.day-limit"]) == (5, 3)
    assert out["reply-ms.longest"] >= out["reply-ms.p50"] >= 0
    assert (ours.shared["in"]["queries"], ours.shared["in"]["queries.purpose.terrorism"]) == (1, 1)
    assert ours.shared["in"]["queries.priority.expedited"] == 1
    assert ours.own["out"]["concluded.identified"] == 1
    assert ours.own["out"]["held.reason.quota-exceeded"] == 1


def test_the_days_of_a_period_add_up(pair: Pair) -> None:
    """A border in the middle of a conversation cuts nothing in two and counts nothing twice."""
    days = [
        statistics.statistics(
            pair.nodes["QA"], START + timedelta(days=n), START + timedelta(days=n + 1), by="auditor-1"
        )
        for n in range(2)
    ]
    whole = figures(pair, "QA")
    for key, total in whole.shared["out"].items():
        if key.split(".")[0] not in ("reply-ms", "quota"):
            assert sum(day.shared["out"].get(key, 0) for day in days) == total, key
    assert (days[0].shared["out"]["follow-ups"], days[0].shared["out"].get("releases.released", 0)) == (1, 0)


def test_what_nobody_received_is_under_way_and_no_query(pair: Pair) -> None:
    late = statistics.statistics(pair.nodes["US"], START, END + timedelta(days=20), by="auditor-1")
    assert late.shared["out"]["queries"] == 1
    assert late.own["out"]["under-way.query"] == 1
    assert late.own["out"]["undeliverable"] + late.own["out"].get("expired", 0) >= 1


def test_both_state_their_figures_and_agree_and_an_edit_shows(pair: Pair) -> None:
    who = {"officer": "supervisor-1", "passphrase": PASSPHRASE}
    first = statistics.reconcile(pair.nodes["QA"], "US", START, END, **who)
    assert first.theirs is None
    assert not first.agrees
    settle(pair)
    second = statistics.reconcile(pair.nodes["US"], "QA", START, END, **who)
    assert second.agrees
    assert second.theirs is not None
    assert second.theirs["concluded"] == {"concluded.identified": 1}
    settle(pair)
    assert [one.agrees for one in statistics.all_reconciled(pair.nodes["QA"])] == [True]
    carried = len(pair.wires["US"].carried)
    statistics.reconcile(pair.nodes["US"], "QA", START, END, **who)  # nothing new to say, nothing is sent
    settle(pair)
    assert len(pair.wires["US"].carried) == carried
    # Somebody takes one query out of a ledger's bodies: the figures no longer agree, and it is said where.
    with pair.nodes["US"].database.write() as tx:
        tx.exec_driver_sql(
            "UPDATE ledger_entries SET body = NULL, salt = NULL WHERE position ="
            " (SELECT min(position) FROM ledger_entries WHERE kind = 'query-received')"
        )
    statistics.reconcile(pair.nodes["US"], "QA", START, END, **who)
    settle(pair)
    (found,) = statistics.all_reconciled(pair.nodes["QA"])
    assert Difference("out", "queries", 6, 5) in found.differences
    assert figures(pair, "US").unreadable == 1


def test_a_period_that_is_not_over_is_not_stated(pair: Pair) -> None:
    with pytest.raises(SettingsError) as refused:
        statistics.reconcile(
            pair.nodes["QA"],
            "US",
            START,
            pair.clock() + timedelta(days=1),
            officer="supervisor-1",
            passphrase=PASSPHRASE,
        )
    assert refused.value.code == "NOD-288"


@pytest.mark.parametrize("officer", ["auditor-1", "officer-1", "examiner-1"])
def test_an_auditor_states_nothing_and_an_officer_asks_for_none(pair: Pair, officer: str) -> None:
    node = pair.nodes["QA"]
    with pytest.raises(TrustError) as refused:
        statistics.reconcile(node, "US", START, END, officer=officer, passphrase=PASSPHRASE)
    assert refused.value.code == "NOD-155"
    if officer != "auditor-1":
        with pytest.raises(TrustError):
            statistics.statistics(node, START, END, by=officer)
