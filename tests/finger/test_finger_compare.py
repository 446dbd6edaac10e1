"""The comparison: against its twin, symmetric, deterministic, and right about mates and strangers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spirals import finger, impression
from twins import score, similarities

from mithaq.errors import FormatError
from mithaq.finger import Template, Trace, compare, threshold_for


def random_template(seed: int, most: int = 40) -> Template:
    random = np.random.default_rng(seed)
    count = int(random.integers(0, most + 1))
    return Template.from_minutiae(
        300, 300, random.integers(0, 300, count), random.integers(0, 300, count), random.uniform(0, 6.28, count)
    )


@pytest.mark.parametrize("seed", range(4))
def test_value_is_the_twins(seed: int) -> None:
    a = finger(seed, 14 + 6 * seed)
    for b in (impression(a, seed), finger(seed + 50, 20), random_template(seed)):
        trace = Trace("similarity", "greedy-pairs", "own", "relaxed")
        found = compare(a, b, trace=trace)
        assert np.allclose(trace["similarity"], similarities(a, b), atol=1e-6)
        swapped = len(a) > len(b)  # the kernel breaks ties in the order of the smaller print's rows
        first, second = (b, a) if swapped else (a, b)
        exact = trace["similarity"].astype(float)
        assert found.value == pytest.approx(score(first, second, exact.T if swapped else exact), rel=1e-6)
        assert len(trace["own"]) == len(trace["greedy-pairs"]) == len(trace["relaxed"])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 2**31))
def test_either_order_gives_the_same_score_to_the_last_bit(seed: int, other: int) -> None:
    a, b = random_template(seed), random_template(other)
    one, two = compare(a, b), compare(b, a)
    assert one.value == two.value
    assert one.parts == two.parts
    assert np.array_equal(one.pairs, two.pairs[:, ::-1])
    assert 0.0 <= one.value <= 1.0
    assert compare(a, b).value == one.value


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(-1.0, 1.0))
def test_a_mate_is_told_from_a_stranger(seed: int, turn: float) -> None:
    a, stranger = finger(seed), finger(seed + 20_000)
    mate = impression(a, seed, turn=turn)
    limit = threshold_for(1e-6)
    assert compare(a, mate).value > limit > compare(a, stranger).value
    assert compare(stranger, mate).value < limit


def test_pairs_name_the_minutiae_that_fall_on_one_another() -> None:
    a = finger(7)
    b = impression(a, 7, turn=0.4, keep=1.0)
    found = compare(a, b)
    turned = (b.angle_rad[found.pairs[:, 1]] - a.angle_rad[found.pairs[:, 0]] - 0.4 + np.pi) % (2 * np.pi) - np.pi
    assert len(found.pairs) >= 30
    assert np.abs(turned).max() < 0.53
    assert found.parts["pairs"] == len(found.pairs)
    assert found.parts["paired"] == pytest.approx(len(found.pairs) / min(len(a), len(b)))
    product = (
        found.parts["similarity"] * found.parts["support"] * found.parts["evidence"] * found.parts["placed"] ** 0.5
    )
    assert found.value == pytest.approx(product**0.5)
    for column in found.pairs.T:
        assert len(set(column.tolist())) == len(column)


@pytest.mark.parametrize("seed", range(6))
def test_prints_that_overlap_by_a_third_are_laid_on_one_another_rightly(seed: int) -> None:
    """Few of the most similar pairs are right there: what most of them say together would be a wrong place."""
    whole = finger(seed, 60)
    left, right = whole.x_px < 225, whole.x_px >= 135
    a, b = (
        Template.from_minutiae(
            360, 420, whole.x_px[part], whole.y_px[part], whole.angle_rad[part],
            quality=whole.quality[part], kind=whole.kind[part],
        )
        for part in (left, right)
    )  # fmt: skip
    found = compare(a, impression(b, seed, keep=1.0))
    same = whole.x_px[left][found.pairs[:, 0]] == whole.x_px[right][found.pairs[:, 1]]
    shared = int((left & right).sum())
    assert shared < 0.4 * len(whole)
    assert same.sum() >= 0.8 * shared
    assert found.value > threshold_for(1e-4)


def test_a_print_turned_upside_down_is_not_found() -> None:
    a = finger(9)
    assert compare(a, impression(a, 9, turn=np.pi)).value < threshold_for(1e-3)


def test_empty_templates_score_nothing() -> None:
    nobody = Template.from_minutiae(10, 10, [], [], [])
    found = compare(nobody, finger(1))
    assert found.value == 0.0
    assert found.pairs.shape == (0, 2)
    assert set(found.parts.values()) == {0.0}


def test_foreign_codes_are_not_compared() -> None:
    a = finger(1)
    foreign = Template(**{name: getattr(a, name) for name in a.__slots__} | {"descriptor": 1})
    with pytest.raises(FormatError, match="FIN-030"):
        compare(a, foreign)
