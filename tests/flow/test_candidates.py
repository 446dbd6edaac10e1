"""A hit with several candidates: the examiner identifies one of them, and only that one can be followed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pair import PASSPHRASE, Pair
from serve_order import ORDER

from mithaq.demo.population import Kind, Population, make_population
from mithaq.desk.app import desk_app
from mithaq.errors import FormatError, SettingsError
from mithaq.node import flow, views
from mithaq.node.enrol import enrol, list_items
from mithaq.node.opening import open_gallery
from mithaq.node.store import conversations
from mithaq.node.store.conversations import Conversation
from mithaq.pact.gate import Refused
from mithaq.pact.lifecycle import Conclusion

WHO = {"officer": "examiner-1", "passphrase": PASSPHRASE}


@pytest.fixture(scope="module")
def population(tmp_path_factory: pytest.TempPathFactory) -> Population:
    return make_population(tmp_path_factory.mktemp("population"), 5, persons=2)


@pytest.fixture(scope="module")
def pair(population: Population, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """The holder has one finger under three numbers, as a file with double records has; the agreement lets two out."""
    made = Pair(tmp_path_factory.mktemp("candidates"), search_types={"TP/TP": {"candidates": 2}})
    mate = next(one for one in population.probes if one.kind is Kind.MATE and one.origin == "QA")
    items = list_items(population.holdings["US"].folder)
    print_ = next(item for item in items if item.person == mate.person and item.position == mate.position)
    with open_gallery(made.nodes["US"]) as gallery:
        for person in ("first", "second", "third"):
            identity = {"family_name": person.title()}
            enrol(made.nodes["US"], gallery, [replace(print_, person=person, identity=identity)])
    yield made
    made.close()


@pytest.fixture
def hit(pair: Pair, population: Population) -> Conversation:
    probe = next(one for one in population.probes if one.kind is Kind.MATE and one.origin == "QA")
    sent = flow.submit_query(pair.nodes["QA"], Path(probe.file).read_bytes(), ORDER)
    assert isinstance(sent, Conversation)
    pair.run()
    return views.find(pair.nodes["QA"], sent.id)


def kept(pair: Pair, conversation: Conversation) -> set[str]:
    with pair.nodes["QA"].database.read() as tx:
        return {one.reference for one in conversations.conversation_prints(tx, conversation.id, "candidate")}


def test_the_agreements_cap_holds_and_both_sides_know_the_candidates(pair: Pair, hit: Conversation) -> None:
    assert len(set(hit.candidates)) == 2
    assert hit.reference == hit.candidates[0]
    assert kept(pair, hit) == set(hit.candidates)
    assert list(views.find(pair.nodes["US"], hit.id).candidates) == list(hit.candidates)


def test_an_identification_names_its_candidate(pair: Pair, hit: Conversation) -> None:
    node = pair.nodes["QA"]
    with pytest.raises(SettingsError) as unnamed:
        flow.conclude(node, hit.id, decision=Conclusion.IDENTIFIED, **WHO)
    assert unnamed.value.code == "NOD-118"
    with pytest.raises(FormatError) as unknown:
        flow.conclude(node, hit.id, decision=Conclusion.IDENTIFIED, reference="US-NOBODY", **WHO)
    assert unknown.value.code == "NOD-117"
    assert views.find(node, hit.id).state == "candidate"


def test_only_the_identified_candidate_is_released(pair: Pair, hit: Conversation) -> None:
    requester, holder = pair.nodes["QA"], pair.nodes["US"]
    second = hit.candidates[1]
    flow.conclude(requester, hit.id, decision=Conclusion.IDENTIFIED, reference=second, **WHO)
    assert views.find(requester, hit.id).reference == second
    assert kept(pair, hit) == {second}
    flow.request_data(requester, hit.id, officer="officer-1", passphrase=PASSPHRASE)
    pair.run()
    assert views.find(holder, hit.id).reference == second
    empty = flow.prepare_release(holder, hit.id, officer="officer-1", passphrase=PASSPHRASE, fields=("birth_place",))
    assert isinstance(empty, Refused)
    assert empty.reason == "nothing-to-release"
    flow.prepare_release(
        holder, hit.id, officer="officer-1", passphrase=PASSPHRASE, fields=("family_name",), reason="national-law"
    )
    flow.approve_release(holder, hit.id, officer="officer-2", passphrase=PASSPHRASE)
    pair.run()
    assert views.released(requester, hit.id) == {"family_name": holder.person(second)["family_name"]}


def test_an_exclusion_is_of_all_candidates(pair: Pair, hit: Conversation) -> None:
    flow.conclude(pair.nodes["QA"], hit.id, decision=Conclusion.EXCLUDED, reference=hit.candidates[1], **WHO)
    assert kept(pair, hit) == set()


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_desk_shows_one_candidate_at_a_time(pair: Pair, hit: Conversation, language: str) -> None:
    examiner = TestClient(desk_app(pair.nodes["QA"]), base_url="http://localhost", follow_redirects=False)
    examiner.cookies.set("mithaq-language", language)
    examiner.post("/sign-in", data=WHO)
    first, second = hit.candidates
    for asked, shown in (("", first), (f"?candidate={second}", second), ("?candidate=US-NOBODY", first)):
        page = examiner.get(f"/c/{hit.id}{asked}").text
        assert f'name="reference" value="{shown}"' in page
        assert f"candidate.png?candidate={shown}" in page
        assert first in page and second in page
        assert examiner.get(f"/c/{hit.id}/candidate.png{asked}").headers["content-type"] == "image/png"
