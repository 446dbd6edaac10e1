"""How often strangers score past what was seen: a tail fitted to the highest hundredth, and how far it is uncertain.

    impostor scores ─ highest hundredth ─► generalised Pareto (start, scale, shape) ─► rate at a threshold
                   └─ fingers drawn again ─► as many tails ─► 90 % of the rates there

Fitted by probability-weighted moments, which need no search. A rate below one in the number of comparisons rests on the form
of the tail alone; its interval says how far other fingers would have moved it, not whether the form is right.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mithaq.measure.rates import interval

TAIL_RATE = 0.01
DRAWS = 300


def tail_of(scores: NDArray[np.float64]) -> tuple[float, float, float]:
    """(start, scale, shape) of the tail above the highest hundredth."""
    start = float(np.quantile(scores, 1.0 - TAIL_RATE))
    over = np.sort(scores[scores > start] - start)
    mean = over.mean()
    weighted = (over * (1.0 - (np.arange(len(over)) + 0.65) / len(over))).mean()
    shape = 2.0 - mean / (mean - 2.0 * weighted)
    scale = 2.0 * mean * weighted / (mean - 2.0 * weighted)
    return start, float(scale), float(shape)


def rate_above(threshold: float, start: float, scale: float, shape: float) -> float:
    """The share of scores that reach a threshold in the tail."""
    base = 1.0 + shape * (threshold - start) / scale
    return float(TAIL_RATE * base ** (-1.0 / shape)) if base > 0.0 else 0.0


def uncertain_rates(
    scores: NDArray[np.float64],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    thresholds: Sequence[float],
    *,
    draws: int = DRAWS,
) -> list[tuple[float, list[float]]]:
    """Of each threshold the fitted rate and its 90 % interval over fingers; `first`, `second` number each pair's fingers."""
    fitted = tail_of(scores)
    fingers = int(max(first.max(), second.max())) + 1
    random = np.random.default_rng(1)
    drawn = np.empty((draws, len(thresholds)))
    for k in range(draws):
        times = np.bincount(random.integers(0, fingers, fingers), minlength=fingers)
        tail = tail_of(np.repeat(scores, times[first] * times[second]))
        drawn[k] = [rate_above(threshold, *tail) for threshold in thresholds]
    return [(rate_above(one, *fitted), interval(drawn[:, k])) for k, one in enumerate(thresholds)]
