"""Rates against a slow twin that tries every threshold; intervals that hold what they should and are the same each time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mithaq.measure.rates import equal_error_rate, fnmr_at, interval, resampled, scores_of, share_interval, summarise

LISTS = st.lists(st.integers(0, 12).map(lambda n: n / 10), min_size=1, max_size=30)


def rates_twin(genuine: list[float], impostor: list[float]) -> list[tuple[float, float]]:
    thresholds = [*sorted({*genuine, *impostor}), 99.0]
    return [
        (sum(s >= t for s in impostor) / len(impostor), sum(s < t for s in genuine) / len(genuine)) for t in thresholds
    ]


@given(LISTS, LISTS, st.sampled_from([0.0, 0.001, 0.1, 0.5]))
def test_fnmr_is_the_least_at_a_rate(genuine: list[float], impostor: list[float], rate: float) -> None:
    least = min(fnmr for fmr, fnmr in rates_twin(genuine, impostor) if fmr <= rate)
    assert fnmr_at(np.array(genuine), np.array(impostor), rate) == pytest.approx(least)


@given(LISTS, LISTS)
def test_the_equal_error_rate_lies_where_the_rates_cross(genuine: list[float], impostor: list[float]) -> None:
    closest = min(abs(fmr - fnmr) for fmr, fnmr in rates_twin(genuine, impostor))
    among = [(fmr + fnmr) / 2 for fmr, fnmr in rates_twin(genuine, impostor) if abs(fmr - fnmr) <= closest + 1e-12]
    assert min(abs(equal_error_rate(np.array(genuine), np.array(impostor)) - value) for value in among) < 1e-9


def a_matrix(fingers: int, impressions: int, seed: int) -> tuple[np.ndarray, list[str]]:
    draw = np.random.default_rng(seed)
    owners = [f"F{n // impressions}" for n in range(fingers * impressions)]
    same = np.equal.outer(owners, owners)
    matrix = np.round(draw.normal(0.3 + 0.3 * same, 0.15), 2)
    return np.tril(matrix, -1) + np.tril(matrix, -1).T, owners


def test_pairs_and_ranks_of_a_matrix_by_hand() -> None:
    matrix = np.zeros((4, 4))
    owners = ["A", "A", "B", "B"]
    for (i, j), score in {(1, 0): 0.9, (2, 0): 0.1, (2, 1): 0.2, (3, 0): 0.5, (3, 1): 0.3, (3, 2): 0.5}.items():
        matrix[i, j] = matrix[j, i] = score
    scores = scores_of(matrix, owners)
    assert scores.genuine.tolist() == [0.5, 0.9]
    assert scores.impostor.tolist() == [0.1, 0.2, 0.3, 0.5]
    assert scores.ranks.tolist() == [1, 2], "a tie counts against the mate"
    assert summarise(scores)["rank1"] == 0.5


def test_the_draws_are_around_the_figure_and_the_same_each_time() -> None:
    scores = scores_of(*a_matrix(12, 4, 1))
    drawn = resampled(scores, draws=300)
    low, high = interval(drawn["eer"])
    assert low < summarise(scores)["eer"] < high
    assert high - low > 0.01
    assert (drawn["eer"] == resampled(scores, draws=300)["eer"]).all()


def test_drawing_every_finger_once_is_the_figure_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    class Once:
        def integers(self, low: int, high: int, size: int) -> np.ndarray:
            return np.arange(size)

    monkeypatch.setattr(np.random, "default_rng", lambda seed: Once())
    scores = scores_of(*a_matrix_of_the_test())
    drawn = resampled(scores, draws=1)
    assert drawn["eer"][0] == pytest.approx(summarise(scores)["eer"])
    assert drawn["fmr1000"][0] == pytest.approx(summarise(scores)["fmr1000"])


def a_matrix_of_the_test() -> tuple[np.ndarray, list[str]]:
    values = np.random.RandomState(4).uniform(0, 1, (20, 20)).round(1)
    return np.tril(values, -1) + np.tril(values, -1).T, [f"F{n // 4}" for n in range(20)]


@given(st.integers(0, 50), st.integers(1, 50))
def test_a_share_lies_in_its_interval(hits: int, of: int) -> None:
    low, high = share_interval(min(hits, of), of)
    assert 0.0 <= low <= min(hits, of) / of + 1e-9
    assert min(hits, of) / of - 1e-9 <= high <= 1.0
    assert high - low > 0.0
