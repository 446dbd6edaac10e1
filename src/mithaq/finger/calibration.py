"""Score <-> false-match rate, from impostor scores on the visible prints (parameters.CALIBRATION says which).

    rate   1 ........ 0.01 | 0.01 ........ 1/N | below 1/N
           measured points |      a generalised Pareto tail, fitted to the top hundredth, extrapolated below 1/N

A rate is that of one comparison of two searchable prints of different fingers. It is measured on ten fingers a database
and three kinds of sensor: an agency calibrates on prints of its own before it relies on a rate (docs/accuracy.md).
"""

from __future__ import annotations

import math

from .parameters import CALIBRATION


def threshold_for(fmr: float) -> float:
    """The score that this share of impostor comparisons reaches; ValueError outside 1e-9 to 1."""
    if not 1e-9 <= fmr <= 1.0:
        raise ValueError(f"a false-match rate of {fmr:g}; it lies between 1e-9 and 1")
    tail = CALIBRATION
    if fmr <= tail.tail_rate:
        growth = math.pow(tail.tail_rate / fmr, tail.tail_shape)
        return tail.tail_start + tail.tail_scale / tail.tail_shape * (growth - 1.0)
    for (high, low_score), (low, high_score) in zip(tail.points, tail.points[1:], strict=False):
        if fmr >= low:
            share = math.log(high / fmr) / math.log(high / low)
            return low_score + share * (high_score - low_score)
    return tail.tail_start


def false_match_rate(score: float) -> float:
    """The inverse of threshold_for: how often two different fingers score this much or more, 1e-9 at the least."""
    tail = CALIBRATION
    if score >= tail.tail_start:
        base = 1.0 + tail.tail_shape * (score - tail.tail_start) / tail.tail_scale
        return max(1e-9, tail.tail_rate * math.pow(base, -1.0 / tail.tail_shape))
    for (high, low_score), (low, high_score) in zip(tail.points, tail.points[1:], strict=False):
        if score < high_score:
            share = max(0.0, score - low_score) / (high_score - low_score)
            return high * math.pow(low / high, share)
    return tail.tail_rate


def is_extrapolated(fmr: float) -> bool:
    """True where no comparison was seen that often: the threshold rests on the tail's form alone."""
    return fmr < 1.0 / CALIBRATION.comparisons
