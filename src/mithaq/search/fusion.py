"""Several fingers of one query, one score a person: evidence is added up over fingers before any threshold.

    scores of k fingers ─ evidence_of ─► −ln(false-match rate) each ─ fuse ─► −ln(rate of the person) ─ score_of ─► 0 … 1

The rate of a person is that of meeting a stranger whose fingers agree so much. For the j fingers that agree best it is the
tail of a sum of j exponentials (Fisher 1925), times the ways in which j could have been chosen, times the choices of j; the
least over j counts. So a finger that does not match (a scar, a swapped pair) costs a bounded amount, a missing one
nothing, and `threshold_for` means for persons what it means for fingers. Fingers of one person are taken as independent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment

from mithaq.finger.calibration import false_match_rate, threshold_for

_LEAST_RATE = 1e-9  # as in finger.calibration: what is rarer is not claimed of one finger
_MOST = -math.log(_LEAST_RATE)
_LOG_FACTORIAL = np.array([math.lgamma(n + 1.0) for n in range(64)])


def evidence_of(score: float, impressions: int = 1) -> float:
    """Nats against chance of the best score over `impressions` of one finger: −ln of its false-match rate, 0 to 20.7."""
    return max(0.0, -math.log(false_match_rate(score)) - math.log(impressions))


def score_of(evidence: float) -> float:
    """The score that is as rare as this: `score_of(e) >= threshold_for(fmr)` where e >= −ln fmr; below 1, rising.

    Past the rarest rate that a threshold can ask for, 1e-9, the rest up to 1 is shared out in the order of the evidence.
    """
    if evidence <= _MOST:
        return threshold_for(min(1.0, max(_LEAST_RATE, math.exp(-evidence))))
    highest = threshold_for(_LEAST_RATE)
    return highest + (1.0 - highest) * (1.0 - _MOST / evidence)


def _sum_tail(j: NDArray[np.int64], total: NDArray[np.float64]) -> NDArray[np.float64]:
    """−ln of how often the sum of j independent standard exponentials reaches `total`; shapes (j) and (…, j)."""
    terms = np.arange(len(j))
    with np.errstate(divide="ignore"):
        logs = terms * np.log(np.maximum(total, 1e-300))[..., None] - _LOG_FACTORIAL[terms]
    logs = np.where(terms < j[:, None], logs, -np.inf)
    top = logs.max(axis=-1)
    result: NDArray[np.float64] = total - top - np.log(np.exp(logs - top[..., None]).sum(axis=-1))
    return result


def _log_choices(n: NDArray[np.int64], j: NDArray[np.int64]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = _LOG_FACTORIAL[n] - _LOG_FACTORIAL[j] - _LOG_FACTORIAL[np.maximum(n - j, 0)]
    return result


def fuse(evidence: ArrayLike) -> NDArray[np.float64]:
    """Nats against chance of persons (c), from those of their fingers (c, k), NaN where probe or person lacks the finger.

    The order of the fingers does not matter; more evidence in a finger never lowers the result, a missing one is as if
    it had not been asked for; one finger alone keeps its own. Nobody is below 0.
    """
    table = np.atleast_2d(np.asarray(evidence, np.float64))
    if not table.shape[1]:
        return np.zeros(len(table))  # nothing was compared
    compared = np.isfinite(table).sum(axis=1)
    falling = -np.sort(-np.where(np.isfinite(table), table, 0.0), axis=1)
    j = np.arange(1, table.shape[1] + 1)
    choices = _log_choices(compared[:, None], j) + np.log(np.maximum(compared, 1))[:, None]
    nats = _sum_tail(j, np.cumsum(falling, axis=1)) - choices
    nats = np.where(j <= compared[:, None], nats, 0.0)
    result: NDArray[np.float64] = nats.max(axis=1, initial=0.0)
    return result


@dataclass(frozen=True, slots=True)
class Assignment:
    """Which finger of the person each probe is, and what that says: `pairs` (probe, finger) by falling evidence, nats."""

    pairs: tuple[tuple[int, int], ...]
    evidence: float


def assign(evidence: ArrayLike) -> Assignment:
    """The best one-to-one assignment of m probes to n fingers of one person whose positions are swapped or not known.

    `evidence` (m, n) nats, NaN where a pair was not compared. Every way of assigning could have come about by chance, so
    the same evidence says less than under declared positions: by ln of the number of ways.
    """
    table = np.asarray(evidence, np.float64)
    known = np.where(np.isfinite(table), table, 0.0)
    rows, columns = linear_sum_assignment(known, maximize=True)
    own = known[rows, columns]
    order = np.argsort(-own, kind="stable")
    pairs = tuple((int(rows[k]), int(columns[k])) for k in order if own[k] > 0.0)
    if not pairs:
        return Assignment((), 0.0)
    probes, fingers = np.array(table.shape[0]), np.array(table.shape[1])
    j = np.arange(1, len(own) + 1)
    ways = _log_choices(probes, j) + _log_choices(fingers, j) + _LOG_FACTORIAL[j] + math.log(len(own))
    return Assignment(pairs, max(0.0, float((_sum_tail(j, np.cumsum(own[order])) - ways).max())))
