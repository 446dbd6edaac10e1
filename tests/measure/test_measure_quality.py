"""Error-against-reject curves, beside a slow twin and the curves that are known beforehand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mithaq.errors import SettingsError
from mithaq.finger import Template
from mithaq.measure.accuracy import Prints
from mithaq.measure.quality import (
    LEFT_OUT,
    START,
    Pairs,
    area,
    genuine_pairs,
    measure_quality,
    reject_curve,
    summarise_quality,
)


def test_a_perfect_number_leaves_out_the_misses_first_and_an_even_one_none() -> None:
    score = np.linspace(0.0, 1.0, 200)
    curve = reject_curve(score, score)
    assert curve[0] == pytest.approx(START)
    assert curve[int(START * 200) :].max() == 0.0
    assert reject_curve(score, np.ones(200)) == pytest.approx(np.full(int(LEFT_OUT * 200) + 1, START))
    assert reject_curve(score, -score)[-1] > START


def test_the_curve_is_what_leaving_pairs_out_gives() -> None:
    random = np.random.default_rng(5)
    score, worse = random.random(120), random.permutation(120).astype(float)
    limit = np.sort(score)[11]
    curve = reject_curve(score, worse)
    for left_out, value in enumerate(curve):
        stay = np.argsort(worse)[left_out:]
        assert value == pytest.approx((score[stay] <= limit).mean())


def test_pairs_are_as_good_as_their_worse_print() -> None:
    x = np.arange(36) * 9 % 300
    few, many = (Template.from_minutiae(300, 300, x[:n], np.arange(n) * 8, np.zeros(n)) for n in (20, 36))
    prints = Prints(("a", "a", "b"), ("1", "2", "1"), (few, many, many))
    pairs = genuine_pairs(prints, np.full((3, 3), 0.5))
    assert pairs.worse["minutiae"].tolist() == [20.0]
    assert pairs.worse["contrast"].tolist() == [0.0]


def test_a_number_that_predicts_is_told_from_one_that_does_not() -> None:
    random = np.random.default_rng(6)
    score = random.random(280)
    noise = random.random(280)
    pairs = Pairs(
        score, np.repeat(np.arange(10), 28), {"quality": score + 0.05 * noise, "minutiae": noise, "contrast": noise}
    )
    found = summarise_quality([pairs])
    assert found["quality"]["area"] == area(pairs, "quality") < 0.4
    assert found["minutiae"]["area"] > 0.7
    assert found["quality_minus_minutiae"]["interval"][1] < 0.0


def test_resolutions_that_fit_no_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="MEA-040"):
        measure_quality([tmp_path, tmp_path, tmp_path], ppi=[500.0, 569.0])
