"""What a query's file holds: marks asked for as tenprints, slaps, a wrong resolution, much compression."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from pair import Pair
from PIL import Image
from serve_order import ORDER

from mithaq.demo.prints import finger, impression
from mithaq.demo.slaps import hand, slap
from mithaq.errors import ImageError
from mithaq.image import png_bytes, print_image
from mithaq.node import flow, views
from mithaq.node.enrol import Item, enrol
from mithaq.node.opening import open_gallery
from mithaq.node.store import conversations
from mithaq.node.store.conversations import Conversation
from mithaq.pact.gate import Refused
from mithaq.record import query_transaction, write_transaction
from mithaq.units import FingerPosition, GrayImage, PrintImage

P = FingerPosition
LEFT = slap(hand(3), P.PLAIN_LEFT_FOUR, 5).image


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    made = Pair(tmp_path_factory.mktemp("pair"), search_types={"TP/TP": {"day": 50}})
    folder = tmp_path_factory.mktemp("file")
    (folder / "one.png").write_bytes(png_bytes(impression(finger(8), 1)))
    with open_gallery(made.nodes["US"]) as gallery:
        enrol(made.nodes["US"], gallery, [Item(folder / "one.png", "ONE", P.RIGHT_INDEX)])
    yield made
    made.close()


def file(*prints: PrintImage) -> bytes:
    return write_transaction(
        query_transaction(
            tcn="QATEST0000001", origin="QA/qa-ncp", destination="US/us-ncp", instant=datetime(2026, 3, 1, tzinfo=UTC), priority=4,
            case="CASE-1", purpose="investigate-serious-crime", offence="robbery:120", legal_basis="law",
            search_type="TP/TP", prints=prints,
        )
    )  # fmt: skip


def ask(pair: Pair, data: bytes, **changes: object) -> Conversation | Refused | flow.Unsearchable:
    return flow.submit_query(pair.nodes["QA"], data, replace(ORDER, **changes))  # type: ignore[arg-type]


def sent(pair: Pair, data: bytes, **changes: object) -> Conversation:
    made = ask(pair, data, **changes)
    assert isinstance(made, Conversation), made
    return made


MARK = print_image(impression(finger(8), 2), P.UNKNOWN, 4)


def test_a_mark_is_not_asked_for_as_a_tenprint_by_the_sender(pair: Pair) -> None:
    refused = ask(pair, file(MARK))
    assert isinstance(refused, Refused)
    assert refused.reason == "search-type-contents"
    assert refused.clause is not None


def test_nor_answered_by_the_holder(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "contents_of", lambda data: "")  # a sender that does not look
    made = sent(pair, file(MARK))
    pair.run()
    found = views.find(pair.nodes["QA"], made.id)
    assert (found.state, found.reasons[0][0]) == ("refused", "search-type-contents")
    assert found.clause


def test_a_slap_is_cut_into_its_fingers_before_it_is_sent(pair: Pair) -> None:
    made = sent(pair, file(print_image(LEFT, P.PLAIN_LEFT_FOUR, 0)))
    with pair.nodes["QA"].database.read() as tx:
        kept = conversations.conversation_prints(tx, made.id, "query")
    assert {pair.nodes["QA"].open_print(one).position for one in kept} == {7, 8, 9, 10}


def test_a_slap_whose_fingers_cannot_be_told_is_not_sent(pair: Pair) -> None:
    three = slap(hand(3), P.PLAIN_LEFT_FOUR, 5, missing=(P.LEFT_LITTLE,)).image  # and nothing declares one missing
    with pytest.raises(ImageError) as refused:
        ask(pair, file(print_image(three, P.PLAIN_LEFT_FOUR, 0)))
    assert refused.value.code == "NOD-310"


def test_a_card_whose_rolled_prints_contradict_its_slap_is_not_sent(pair: Pair) -> None:
    """The sequence check reaches into the slap."""
    index, ring = (impression(hand(3)[finger], 9) for finger in (P.LEFT_INDEX, P.LEFT_RING))
    plain = print_image(LEFT, P.PLAIN_LEFT_FOUR, 0)
    sent(pair, file(plain, print_image(index, P.LEFT_INDEX, 1), print_image(ring, P.LEFT_RING, 1)))
    found = ask(pair, file(plain, print_image(ring, P.LEFT_INDEX, 1), print_image(index, P.LEFT_RING, 1)))
    assert isinstance(found, flow.Unsearchable)
    assert found.reasons
    assert set(found.reasons) <= {"fingers-swapped", "finger-repeated"}


@pytest.mark.parametrize("stated", [400.0, 600.0])
def test_a_wrong_resolution_is_unsearchable_and_never_a_silent_no_hit(pair: Pair, stated: float) -> None:
    made = sent(pair, png_bytes(impression(finger(8), 2)), ppi=stated)
    pair.run()
    found = views.find(pair.nodes["QA"], made.id)
    assert (found.state, [code for code, _ in found.reasons]) == ("unsearchable", ["wrong-resolution"])
    true = sent(pair, png_bytes(impression(finger(8), 2)), ppi=500.0)
    pair.run()
    assert views.find(pair.nodes["QA"], true.id).state == "candidate"


def test_doubtful_ridges_are_asked_about_before_sending(pair: Pair) -> None:
    narrow = GrayImage(impression(finger(8), 2).pixels, 700.0)
    found = ask(pair, png_bytes(narrow))
    assert isinstance(found, flow.Unsearchable)
    assert found.reasons == ("doubtful-resolution",)
    assert isinstance(ask(pair, png_bytes(narrow), despite_quality=True), Conversation)


def test_much_compression_is_a_warning(pair: Pair) -> None:
    pixels = np.pad(impression(finger(8), 2).pixels, 400, constant_values=255)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=40, dpi=(500, 500))
    made = sent(pair, out.getvalue())
    assert [code for code, _ in made.reasons] == ["much-compressed"]
    assert not sent(pair, png_bytes(impression(finger(8), 2))).reasons
