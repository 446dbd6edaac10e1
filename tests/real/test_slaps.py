"""The five real slaps of ../shared/data: number, order and places of their fingers against marks made by eye, and the real card."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

from mithaq.finger.slap import segment
from mithaq.image import Box, gray_image, to_matcher
from mithaq.record import images, missing_fingers, read_transaction
from mithaq.units import FingerPosition

pytestmark = pytest.mark.real
TOOL = Path(__file__).parents[2] / "tools" / "measure_slaps.py"


def test_real_slaps_give_their_fingers_in_order(shared_data: Path) -> None:
    tool = runpy.run_path(str(TOOL))
    overlaps = []
    for name, image, position, truth in tool["real_slaps"](shared_data):
        verdict = tool["judge"](segment(image, position), truth)
        assert verdict["count"] and verdict["positions"], name
        assert min(verdict["iou"]) > 0.6, (name, verdict)
        overlaps += verdict["iou"]
    assert len(overlaps) == 20 and sum(overlaps) / 20 > 0.85


def test_a_real_palm_and_rolled_prints_are_no_slap(shared_data: Path) -> None:
    with Box() as box:
        palms = read_transaction((shared_data / "nist-itl/nistref__type-15-palms.an2").read_bytes())
        palm = next(record for record in palms.all(15) if record.integer(6) == 2750)
        found = segment(to_matcher(gray_image(box, bytes(palm.data or b""), user_ppi=1000)), FingerPosition(13))
        assert [one.code for one in found.findings] == ["FIN-058"] and not found.fingers
        card = read_transaction((shared_data / "nist-itl/nistref__type-4-tpcard.an2").read_bytes())
        for rolled in images(card)[:3]:
            found = segment(to_matcher(gray_image(box, rolled)), FingerPosition(13))
            assert found.findings[0].code == "FIN-056" and not found.is_usable


def test_the_codes_of_missing_fingers_are_read(shared_data: Path) -> None:
    tx = read_transaction((shared_data / "nist-itl/nbis__valid1.11.an2").read_bytes())
    assert missing_fingers(tx) == {FingerPosition(k): "UP" for k in (1, 2, 3, 4)}


@pytest.mark.slow
def test_the_sequence_of_the_real_card_holds(shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from mithaq.cli import app

    file = shared_data / "nist-itl/nistref__type-4-tpcard.an2"
    assert not app(["finger", "sequence", str(file), "--json"], standalone_mode=False)
    places = json.loads(capsys.readouterr().out)["places"]
    assert sum(place["state"] == "consistent" for place in places) >= 9
    assert {place["state"] for place in places} <= {"consistent", "undecided"}
