"""The quality's parts, its sentences, and what lowers it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import ConvexHull
from spirals import finger

from mithaq.finger import Statistics, parameters, shortcomings
from mithaq.finger.minutiae import Minutiae, minutiae
from mithaq.finger.quality import FAIR, GOOD, Part, _hull_px2, parts, score
from mithaq.pact.wording import label

CLEAR = Statistics(160.0, 40.0, 0.7, 0.6, 9.0, 50.0)


def with_quality(of: Minutiae, quality: int) -> Minutiae:
    return dataclasses.replace(of, quality=np.full(len(of), quality, np.uint8))


def test_the_parts_are_named_and_each_has_a_sentence_in_both_languages() -> None:
    shown = parts(finger(1).minutiae, CLEAR)
    assert (
        [part.name for part in shown]
        == list(parameters.QUALITY_WEIGHTS)
        == ["minutiae", "certainty", "extent", "clarity"]
    )
    assert [part.name for part in parts(finger(1).minutiae, None)] == ["minutiae", "certainty", "extent"]
    sentences = set()
    for name in parameters.QUALITY_WEIGHTS:
        for value, grade in ((0.0, "poor"), (FAIR, "fair"), (GOOD, "good"), (1.0, "good")):
            part = Part(name, value, 1.0, "share")
            assert part.grade == grade
            text = label(part.reason)
            assert text.en and text.ar
            sentences.add((text.en, text.ar))
    assert len(sentences) == 12


def test_nothing_gives_nothing_and_everything_gives_a_hundred() -> None:
    assert score(minutiae(300, 300, [], [], []), CLEAR) == 0
    x, y = (part.ravel() for part in np.meshgrid(np.arange(20, 340, 40), np.arange(20, 400, 40)))
    assert score(minutiae(360, 400, x, y, np.zeros(len(x))), CLEAR) == 100


@pytest.mark.parametrize("seed", range(5))
def test_fewer_doubtful_crowded_or_unclear_minutiae_lower_it(seed: int) -> None:
    whole = with_quality(finger(seed).minutiae, 80)
    best = score(whole, CLEAR)
    half = Minutiae(*(getattr(whole, f.name)[::2] for f in dataclasses.fields(whole)))
    crowded = dataclasses.replace(whole, x_px=(whole.x_px // 3).astype(np.int16))
    assert score(half, CLEAR) < best
    assert score(with_quality(whole, 60), CLEAR) < best
    assert score(crowded, CLEAR) < best
    assert score(whole, dataclasses.replace(CLEAR, clarity=0.4)) < best


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=12))
def test_the_hull_is_that_of_scipy(points: list[tuple[int, int]]) -> None:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    area = _hull_px2(minutiae(40, 40, xs, ys, np.zeros(len(points))))
    spread = np.linalg.matrix_rank(np.array(points, float) - points[0]) if points else 0
    assert area == pytest.approx(ConvexHull(points).volume if spread == 2 else 0.0)


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({}, ()),
        ({"deviation": 1.0}, ("blank",)),
        ({"ridge_share": 0.10}, ()),  # the network found a print there
        ({"ridge_share": 0.02}, ("no-ridges",)),
        ({"ridge_area_mm2": 10.0}, ("small-area",)),
        ({"contrast": 5.0}, ("low-contrast",)),
    ],
)
def test_a_reason_for_each_gate(changes: dict[str, float], reasons: tuple[str, ...]) -> None:
    template = dataclasses.replace(finger(2), statistics=dataclasses.replace(CLEAR, **changes))
    assert shortcomings(template) == reasons


def test_few_ridges_and_few_minutiae_together_are_no_print() -> None:
    few = dataclasses.replace(finger(2, count=4), statistics=dataclasses.replace(CLEAR, ridge_share=0.10))
    assert shortcomings(few) == ("no-ridges", "too-few-minutiae")


def test_every_reason_has_its_name_in_both_languages() -> None:
    for reason in ("blank", "no-ridges", "small-area", "low-contrast", "too-few-minutiae"):
        assert label(reason).en and label(reason).ar
