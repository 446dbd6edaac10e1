"""A small gallery measured as a large one is: gone on from where a run ended, mates found, the model in proportion."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mithaq.errors import SettingsError
from mithaq.finger import threshold_for
from mithaq.measure import scale, synthetic
from mithaq.measure.forecast import forecast
from mithaq.measure.scale import _plant, build
from mithaq.search import Gallery, Impression
from mithaq.units import FingerPosition

RATES = {"first_stage_per_s": 2_000_000, "full_score_per_s": 50_000, "bytes_per_finger": 900.0}


def test_the_model_is_in_proportion_and_its_strangers_keep_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = forecast(50_000, RATES), forecast(100_000, RATES, mates=[0.9] * 20)
    assert small["costs"]["one_finger_core_s"] == pytest.approx(0.065, abs=0.006)
    assert large["costs"]["memory_gb"] == pytest.approx(0.1)
    assert large["one_finger"]["false_positives_at"]["1e-06"] == pytest.approx(0.1)
    assert large["one_finger"]["is_claimable"]
    monkeypatch.setattr("mithaq.measure.forecast.FPIR", 1e-5)
    assert not forecast(100_000, RATES)["one_finger"]["is_claimable"]
    ten = large["ten_fingers"]
    assert max(ten["highest_of_searches"]) < ten["nats_for_fpir"]
    assert ten["fnir"] == 0.0


def test_false_positives_come_from_the_strangers_that_were_measured() -> None:
    """Scores whose tail is known: exponential past the threshold that the calibration sets for 1 in 100."""
    random = np.random.default_rng(1)
    scale_of = (threshold_for(1e-6) - threshold_for(1e-2)) / np.log(1e4)
    scores = threshold_for(1e-2) + scale_of * (random.exponential(1.0, 40_000) - np.log(100.0))
    first = random.integers(0, 40, len(scores))
    strangers = scores, first, (first + random.integers(1, 40, len(scores))) % 40
    found = forecast(100_000, RATES, strangers=strangers)["one_finger"]["false_positives_measured"]
    expected, (low, high) = found["1e-06"]
    assert low < 0.1 < high
    assert low < expected < high
    assert found["1e-09"][0] < found["1e-07"][0] < expected


def test_a_gallery_is_gone_on_from_where_a_run_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scale, "PACKED", 30)
    scale.build(tmp_path / "g", 60, True, None)
    scale.build(tmp_path / "g", 120, True, None)
    scale.build(tmp_path / "whole", 120, True, None)
    with Gallery(tmp_path / "g") as one, Gallery(tmp_path / "whole") as other:
        assert one.count() == other.count()
        assert one.count().persons == 12
        assert [i.template for i in one.impressions()] == [i.template for i in other.impressions()]
        assert [i.position for i in one.impressions()][:10] == list(range(1, 11))
    with pytest.raises(SettingsError) as error:
        scale.build(tmp_path / "g", 120, False, None)
    assert error.value.code == "MEA-021"


def test_a_number_of_fingers_that_cannot_be_is_refused() -> None:
    for fingers in (0, 999, 1005):
        with pytest.raises(SettingsError) as error:
            scale.measure_scale(fingers)
        assert error.value.code == "MEA-020"


def test_a_gallery_that_was_kept_is_used_again_without_what_was_planted_in_it(tmp_path: Path) -> None:
    build(tmp_path / "kept", 1000, False, None)
    template = synthetic.impression(1, 1)
    _plant(tmp_path / "kept", [Impression("REAL-one", FingerPosition.RIGHT_INDEX, 0, template)])
    build(tmp_path / "kept", 1000, False, None)
    with Gallery(tmp_path / "kept") as gallery:
        assert gallery.count().persons == 1000
        assert "REAL-one" not in gallery
