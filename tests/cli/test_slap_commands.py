"""`mithaq finger segment` on a composed slap and on what is none. Its fingers are not extracted here: see tests/real."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mithaq.cli import app
from mithaq.demo.slaps import hand, slap
from mithaq.errors import SettingsError
from mithaq.image import png_bytes
from mithaq.units import FingerPosition


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("slap") / "slap.png"
    missing = (FingerPosition.LEFT_RING,)
    file.write_bytes(png_bytes(slap(hand(3), FingerPosition.PLAIN_LEFT_FOUR, 5, missing=missing).image))
    return file


def test_a_slap_is_cut_into_its_fingers(picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["finger", "segment", str(picture), "-o", str(tmp_path / "out"), "--position", "14", "--json"]
    assert not app([*command, "--missing", "9=XX"], standalone_mode=False)
    (found,) = json.loads(capsys.readouterr().out)["slaps"]
    assert found["usable"] and [one["position"] for one in found["fingers"]] == [10, 8, 7]
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["1-1-10.png", "1-2-8.png", "1-3-7.png"]
    assert app(command, standalone_mode=False) == 1  # a finger fewer than declared
    (found,) = json.loads(capsys.readouterr().out)["slaps"]
    assert found["findings"][0]["code"] == "FIN-056" and found["findings"][0]["problem_ar"]


def test_a_missing_finger_is_stated_with_its_code(picture: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        app(["finger", "segment", str(picture), "-o", str(tmp_path), "--missing", "9"], standalone_mode=False)
    assert caught.value.code == "FIN-053"
