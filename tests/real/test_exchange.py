"""Real prints through the same code as the demo: enrolled at one node, asked about by the other."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pair import Pair
from serve_order import ORDER

from mithaq.node import flow, views
from mithaq.node.enrol import enrol, list_items
from mithaq.node.opening import open_gallery
from mithaq.node.store.conversations import Conversation

pytestmark = pytest.mark.real
FINGERS = range(101, 107)


@pytest.fixture(scope="module")
def pair(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """US holds impression 1 of six fingers of FVC2002 DB1 and a tenprint card; QA asks."""
    folder = tmp_path_factory.mktemp("real")
    prints, cards = folder / "prints", folder / "cards"
    prints.mkdir()
    cards.mkdir()
    for finger in FINGERS:
        shutil.copy(shared_data / f"fvc/fvc2002/db1_b/{finger}_1.tif", prints / f"P{finger}_0.tif")
    shutil.copy(shared_data / "nist-itl/nistref__type-4-tpcard.an2", cards / "CARD_0.an2")
    made = Pair(folder)
    with open_gallery(made.nodes["US"]) as gallery:
        done = enrol(made.nodes["US"], gallery, [*list_items(prints, default_ppi=500), *list_items(cards)])
        assert [one.outcome for one in done] == ["enrolled"] * (len(FINGERS) + 1)
        again = enrol(made.nodes["US"], gallery, list_items(prints, default_ppi=500))
        assert {one.outcome for one in again} == {"known"}
    yield made
    made.close()


def ask(pair: Pair, file: Path, ppi: float | None) -> Conversation:
    sent = flow.submit_query(pair.nodes["QA"], file.read_bytes(), replace(ORDER, ppi=ppi), place=file.name)
    assert isinstance(sent, Conversation), sent
    pair.run()
    return views.find(pair.nodes["QA"], sent.id)


def test_mates_are_found_among_all_other_fingers(pair: Pair, shared_data: Path) -> None:
    found = [ask(pair, shared_data / f"fvc/fvc2002/db1_b/{finger}_2.tif", 500) for finger in FINGERS]
    references = [one.reference for one in found if one.state == "candidate"]
    assert len(references) == len(FINGERS)
    assert len(set(references)) == len(FINGERS), "each finger leads to a person of its own"


def test_strangers_are_no_hit(pair: Pair, shared_data: Path) -> None:
    for finger in (109, 110):
        assert ask(pair, shared_data / f"fvc/fvc2002/db1_b/{finger}_1.tif", 500).state == "no-hit"


def test_a_tenprint_card_finds_itself_with_the_resolution_that_its_records_state(pair: Pair, shared_data: Path) -> None:
    found = ask(pair, shared_data / "nist-itl/nistref__type-4-tpcard.an2", None)
    assert found.state == "candidate"
