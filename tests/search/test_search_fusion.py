"""Evidence over fingers: the laws that a person's score keeps, against simulation where a law speaks of chance."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import gamma

from mithaq.finger.calibration import threshold_for
from mithaq.search.fusion import assign, evidence_of, fuse, score_of

NATS = st.floats(0.0, 20.7)
FINGERS = st.lists(NATS, min_size=1, max_size=10)


@pytest.mark.parametrize("fmr", [0.5, 0.01, 1e-4, 1e-6, 1e-9])
def test_one_finger_alone_keeps_its_score_and_the_threshold_its_meaning(fmr: float) -> None:
    score = threshold_for(fmr)
    assert evidence_of(score) == pytest.approx(-math.log(fmr), rel=1e-6)
    assert score_of(float(fuse([[evidence_of(score)]])[0])) == pytest.approx(score, rel=1e-6)


@given(FINGERS)
@settings(deadline=None)
def test_all_fingers_equal_fishers_test_and_no_choice_says_more_than_it_may(fingers: list[float]) -> None:
    k, result = len(fingers), fuse([fingers])[0]
    falling = sorted(fingers, reverse=True)
    expected = max(-gamma.logsf(sum(falling[:j]), j) - math.log(math.comb(k, j)) - math.log(k) for j in range(1, k + 1))
    assert result == pytest.approx(max(0.0, expected), abs=1e-6)


@given(FINGERS, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_of_fingers_and_missing_ones_do_not_matter(fingers: list[float], random) -> None:
    mixed = [*fingers, *[math.nan] * (12 - len(fingers))]
    random.shuffle(mixed)
    assert fuse([mixed])[0] == pytest.approx(fuse([fingers])[0], abs=1e-9)


@given(FINGERS, st.integers(0, 9), st.floats(0.0, 10.0))
@settings(deadline=None)
def test_more_evidence_in_one_finger_never_lowers_the_person(fingers: list[float], at: int, more: float) -> None:
    raised = list(fingers)
    raised[at % len(fingers)] += more
    assert fuse([raised])[0] >= fuse([fingers])[0] - 1e-9


@given(FINGERS)
@settings(deadline=None)
def test_a_finger_that_does_not_match_costs_a_bounded_amount(fingers: list[float]) -> None:
    k, without = len(fingers), fuse([fingers])[0]
    cost = without - fuse([[*fingers, 0.0]])[0]
    assert -1e-9 <= cost <= math.log((k + 1) ** 2 / k) + 1e-9


@given(FINGERS)
@settings(deadline=None)
def test_a_person_without_a_finger_scores_nothing(fingers: list[float]) -> None:
    assert fuse([[math.nan] * len(fingers)])[0] == 0.0


def test_strangers_reach_a_rate_no_more_often_than_it_says() -> None:
    table = np.random.default_rng(1).exponential(size=(200_000, 6))
    table[::3, 4:] = np.nan
    fused = fuse(table)
    for rate in (0.1, 0.01, 0.001):
        assert (fused >= -math.log(rate)).mean() <= rate * 1.1


def test_many_weak_fingers_are_together_what_no_one_is_alone() -> None:
    assert score_of(float(fuse([[6.0] * 10])[0])) > threshold_for(1e-9)
    assert score_of(6.0) < threshold_for(1e-3)


@given(st.lists(st.floats(0.0, 500.0), min_size=2, max_size=20))
def test_scores_rise_with_the_evidence_and_stay_below_one(nats: list[float]) -> None:
    scores = [score_of(value) for value in sorted(nats)]
    assert scores == sorted(scores)
    assert scores[0] >= 0.0 and scores[-1] < 1.0


def test_best_of_several_impressions_says_less_than_one() -> None:
    score = threshold_for(1e-4)
    assert evidence_of(score, 4) == pytest.approx(evidence_of(score) - math.log(4))
    assert evidence_of(0.0, 4) == 0.0


@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=40)
def test_the_assignment_is_the_best_of_all(probes: int, fingers: int, seed: int) -> None:
    table = np.random.default_rng(seed).exponential(4.0, (probes, fingers))
    tall = table if probes >= fingers else table.T
    best = max(
        sum(tall[row, column] for column, row in enumerate(rows))
        for rows in permutations(range(tall.shape[0]), tall.shape[1])
    )
    found = assign(table)
    assert sum(table[pair] for pair in found.pairs) == pytest.approx(best)
    assert len({p for p, _ in found.pairs}) == len({f for _, f in found.pairs}) == len(found.pairs)


def test_swapped_fingers_are_found_and_say_a_little_less_than_declared_ones() -> None:
    table = np.full((4, 4), 0.5)
    order = (1, 0, 2, 3)
    for probe, finger in enumerate(order):
        table[probe, finger] = 15.0
    found = assign(table)
    assert dict(found.pairs) == dict(enumerate(order))
    assert fuse([[15.0] * 4])[0] > found.evidence > fuse([np.diag(table)])[0]
    assert assign(np.full((2, 3), np.nan)).pairs == ()


def test_strangers_with_unknown_positions_reach_a_rate_no_more_often_than_it_says() -> None:
    random = np.random.default_rng(2)
    found = np.array([assign(random.exponential(size=(3, 4))).evidence for _ in range(4000)])
    for rate in (0.1, 0.01):
        assert (found >= -math.log(rate)).mean() <= rate * 1.2 + 0.002
