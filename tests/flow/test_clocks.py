"""The answer's limit, order of receipt, and what a requester learns of a holder that cannot answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hits import Hits
from pair import START, Pair

from mithaq.errors import StorageError
from mithaq.node import clocks, flow, statistics, upkeep, views
from mithaq.node.store import conversations, messages
from mithaq.units import timestamp


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hits]:
    made = Hits(tmp_path_factory.mktemp("clocks"), search_types={"TP/TP": {"day": 100}})
    yield made
    made.close()


def answer_clock(pair: Hits, code: str, found: str) -> clocks.Clock:
    return next(one for one in clocks.of_conversation(pair.nodes[code], found) if one.name == clocks.ANSWER)


def breached(pair: Hits, found: str) -> list[bool]:
    return [answer_clock(pair, code, found).breached_at is not None for code in ("QA", "US")]


def sweep(pair: Pair) -> None:
    for node in pair.nodes.values():
        upkeep.expire(node)


def carry(pair: Hits) -> None:
    """Deliver what is out, without answering."""
    for node in pair.nodes.values():
        with node.database.read() as tx:
            due = messages.due_messages(tx, timestamp(pair.clock()), limit=100)
        flow.deliver(node, *due)


def test_queries_are_answered_in_order_of_receipt_and_expedited_ones_first(pair: Hits) -> None:
    asked = []
    for expedited in (False, True, False, True, False):
        asked.append(pair.ask(expedited=expedited).id)
        carry(pair)
        pair.clock.turn(seconds=1)
    with pair.nodes["US"].database.read() as tx:
        due = conversations.due_conversations(tx, timestamp(pair.clock()), limit=100)
    assert [asked.index(one.id) for one in due] == [1, 3, 0, 2, 4]
    pair.run()


def test_after_an_outage_the_queue_goes_on_in_order_of_receipt(pair: Hits) -> None:
    holder, asked = pair.nodes["US"], []
    for _ in range(3):
        asked.append(pair.ask().id)
        carry(pair)
        pair.clock.turn(seconds=1)
    for number in (1, 0, 2):  # each postponed at another time
        upkeep.postpone(holder, conversation_id=asked[number])
        pair.clock.turn(seconds=1)
    pair.clock.turn(seconds=2.5)
    with holder.database.read() as tx:
        (first,) = conversations.due_conversations(tx, timestamp(pair.clock()), limit=100)
    flow.answer(holder, first.id)
    with holder.database.read() as tx:
        due = conversations.due_conversations(tx, timestamp(pair.clock()), limit=100)
    assert [one.id for one in due] == [one for one in asked if one != first.id]
    pair.run()


@pytest.mark.parametrize(("expedited", "limit_s"), [(False, 24 * 3600), (True, 10)])
def test_an_answer_in_time_is_no_breach_and_a_late_one_is_on_both_sides(
    pair: Hits, expedited: bool, limit_s: int
) -> None:
    in_time, late = pair.ask(expedited=expedited).id, pair.ask(expedited=expedited).id
    carry(pair)
    pair.clock.turn(seconds=limit_s - 1)
    flow.answer(pair.nodes["US"], in_time)
    carry(pair)
    sweep(pair)
    pair.clock.turn(seconds=1)
    sweep(pair)
    pair.run()
    assert breached(pair, in_time) == [False, False]
    assert breached(pair, late) == [True, True]
    assert views.find(pair.nodes["QA"], late).state == "candidate"


def test_a_holder_whose_search_is_down_for_thirty_hours_says_so_and_answers_after(pair: Hits) -> None:
    found = pair.ask().id
    carry(pair)
    pair.searcher.broken = True
    for hours, state in ((0, "sent"), (23, "sent"), (1, "delayed"), (6, "delayed")):
        pair.clock.turn(hours=hours)
        with pytest.raises(StorageError):
            flow.answer(pair.nodes["US"], found)
        upkeep.postpone(pair.nodes["US"], conversation_id=found)
        sweep(pair)
        carry(pair)
        assert pair.state("QA", found) == state
    pair.searcher.broken = False
    pair.clock.turn(seconds=upkeep.RETRY_STEP_S)
    pair.run()
    assert pair.states(found) == ("candidate", "answered-hit")
    assert breached(pair, found) == [True, True]
    for node, way in ((pair.nodes["QA"], "out"), (pair.nodes["US"], "in")):  # and it is in the statistics
        facts, _ = statistics.facts_of(node, START, pair.clock())
        counted = [fact for fact in facts if fact.key == "limits-passed.answer"]
        assert counted and {fact.direction for fact in counted} == {way}


def test_a_delayed_query_outlives_its_ordinary_life_while_the_holder_keeps_saying_so(pair: Hits) -> None:
    found = pair.ask().id
    carry(pair)
    for _ in range(12):
        pair.clock.turn(days=1)
        sweep(pair)
        carry(pair)
    assert pair.state("QA", found) == "delayed"
    pair.run()
    assert pair.state("QA", found) == "candidate"


def test_a_query_that_nobody_speaks_of_expires(pair: Hits) -> None:
    found = pair.ask().id
    pair.wires["QA"].cut = True
    pair.clock.turn(days=8)
    sweep(pair)
    pair.run()
    pair.wires["QA"].cut = False
    assert pair.state("QA", found) == "expired"
    assert answer_clock(pair, "QA", found).breached_at is not None
