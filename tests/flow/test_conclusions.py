"""Who concludes: requester, holder or both; one examiner or two; and what happens where they differ."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hits import REFERENCES, Hits

from mithaq.node import audit, flow, upkeep, views
from mithaq.node.store import conversations
from mithaq.node.store.conversations import Conversation
from mithaq.pact.gate import Refused


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Hits]]:
    made: dict[str, Hits] = {}

    class Lazy(dict[str, Hits]):
        def __missing__(self, key: str) -> Hits:
            confirm_by, examiners = key.split("-")
            terms = {"confirm_by": confirm_by, "examiners": int(examiners)}
            folder: Path = tmp_path_factory.mktemp(key)
            made[key] = self[key] = Hits(folder, answer=terms, search_types={"TP/TP": {"candidates": 2}})
            return self[key]

    yield Lazy()
    for one in made.values():
        one.close()


def prints(pair: Hits, code: str, found: str, role: str = "query") -> int:
    with pair.nodes[code].database.read() as tx:
        return len(conversations.conversation_prints(tx, found, role))


def ask_data(pair: Hits, found: str) -> Conversation | Refused:
    done = flow.request_data(pair.nodes["QA"], found, **pair.officer(1))
    pair.run()
    return done


def reason(result: object) -> str:
    assert isinstance(result, Refused), result
    return result.reason


def test_where_the_holder_concludes_its_word_decides_and_its_query_print_goes_with_it(pairs: dict[str, Hits]) -> None:
    pair = pairs["holder-1"]
    found = pair.hit()
    assert pair.states(found) == ("candidate", "answered-hit")
    assert prints(pair, "US", found) == 1
    assert reason(pair.conclude("QA", found, 1)) == "step-not-allowed"
    assert reason(ask_data(pair, found)) == "conclusion-missing"
    assert views.comparison(pair.nodes["US"], found, REFERENCES[0]) is not None
    pair.conclude("US", found, 1)
    assert pair.states(found) == ("identified", "identified")
    assert prints(pair, "US", found) == 0
    assert isinstance(ask_data(pair, found), Conversation)
    assert pair.states(found) == ("request-receipted", "requested")


def test_where_the_holder_excludes_nothing_can_be_asked_for(pairs: dict[str, Hits]) -> None:
    pair = pairs["holder-1"]
    found = pair.hit()
    pair.conclude("US", found, 1, "excluded")
    assert pair.states(found) == ("excluded", "excluded")
    assert reason(ask_data(pair, found)) == "not-identified"
    assert prints(pair, "QA", found) == prints(pair, "QA", found, "candidate") == 0


def test_a_holder_that_never_concludes_keeps_no_query_print(pairs: dict[str, Hits]) -> None:
    pair = pairs["holder-1"]
    found = pair.hit()
    pair.clock.turn(days=31)
    for node in pair.nodes.values():
        upkeep.expire(node)
    assert pair.state("US", found) == "closed"
    assert prints(pair, "US", found) == prints(pair, "QA", found) == 0


def test_where_both_conclude_either_may_be_first_and_both_are_needed(pairs: dict[str, Hits]) -> None:
    pair = pairs["both-1"]
    for order in ("QA US", "US QA"):
        found = pair.hit()
        first, second = order.split()
        pair.conclude(first, found, 1)
        assert pair.state("QA", found) == ("confirmed" if first == "QA" else "candidate")
        assert isinstance(ask_data(pair, found), Refused)
        pair.conclude(second, found, 1)
        assert pair.states(found) == ("identified", "identified")
        assert isinstance(ask_data(pair, found), Conversation)


@pytest.mark.parametrize(("theirs", "state"), [("excluded", "contested"), ("inconclusive", "inconclusive")])
def test_where_the_two_sides_differ_nothing_follows(pairs: dict[str, Hits], theirs: str, state: str) -> None:
    pair = pairs["both-1"]
    found = pair.hit()
    pair.conclude("US", found, 1, theirs)
    pair.conclude("QA", found, 1)
    assert pair.state("QA", found) == state
    assert isinstance(ask_data(pair, found), Refused)


def test_two_sides_that_identify_two_records_have_identified_nobody(pairs: dict[str, Hits]) -> None:
    pair = pairs["both-1"]
    pair.searcher.found = REFERENCES
    found = pair.hit()
    pair.searcher.found = REFERENCES[:1]
    pair.conclude("QA", found, 1, reference=REFERENCES[0])
    pair.conclude("US", found, 1, reference=REFERENCES[1])
    assert pair.state("QA", found) == "contested"


def test_two_examiners_must_be_two_and_the_second_is_blind(pairs: dict[str, Hits]) -> None:
    pair = pairs["requester-2"]
    found = pair.hit()
    pair.conclude("QA", found, 1)
    assert pair.state("QA", found) == "examined"
    assert reason(ask_data(pair, found)) == "conclusion-missing"
    node = pair.nodes["QA"]
    shown = str(views.history(node, found)) + str(views.find(node, found))
    assert "identified" not in shown
    assert reason(pair.conclude("QA", found, 1)) == "same-examiner"
    pair.conclude("QA", found, 2)
    assert pair.state("QA", found) == "identified"
    assert isinstance(ask_data(pair, found), Conversation)


def test_two_who_differ_need_a_third_and_an_identification_needs_two_voices(pairs: dict[str, Hits]) -> None:
    pair = pairs["requester-2"]
    found = pair.hit()
    pair.conclude("QA", found, 1, "excluded")
    pair.conclude("QA", found, 2, "inconclusive")
    assert pair.state("QA", found) == "disagreement"
    assert reason(pair.conclude("QA", found, 2)) == "same-examiner"
    assert reason(pair.conclude("QA", found, 3)) == "second-examiner-missing"
    pair.conclude("QA", found, 3, "excluded")
    assert pair.state("QA", found) == "excluded"
    other = pair.hit()
    pair.conclude("QA", other, 1)
    pair.conclude("QA", other, 2, "excluded")
    pair.conclude("QA", other, 3)
    assert isinstance(ask_data(pair, other), Conversation)


def test_both_ledgers_hold_every_conclusion(pairs: dict[str, Hits]) -> None:
    for key in ("holder-1", "both-1", "requester-2"):
        for node in pairs[key].nodes.values():
            assert audit.verify(node).problems == ()
