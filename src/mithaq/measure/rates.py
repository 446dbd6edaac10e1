"""Error rates from scores, and how sure they are: from a matrix of all pairs to EER, FNMR at a rate, rank-1, intervals.

    matrix (n, n) + whose finger each print is ─► genuine, impostor ─► eer, fmr100, fmr1000, zerofmr
                                             └─► fingers drawn again with replacement, 1,000 times ─► 90 % intervals

EER is the midpoint of both rates where they cross; FMR100 and FMR1000 are the false non-match rates at a false-match rate
of at most 1 % and 0.1 %, ZeroFMR at none, as the competitions (FVC) define them. Nothing here knows where scores are from.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

DRAWS = 1000
"""Bootstrap samples; the ends of a 90 % interval then rest on fifty each."""
SEED = 2026
LEVEL = 0.90


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """All pairs of one folder, each once: `value` (p,), and the two prints' fingers `first`, `second` (p,) as numbers.

    `ranks` (q,): the rank of each probe's mate among one impression of every finger, 1 first. `fingers`: how many.
    """

    value: NDArray[np.float64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    ranks: NDArray[np.int64]
    fingers: int

    @property
    def is_genuine(self) -> NDArray[np.bool_]:
        return np.asarray(self.first == self.second, np.bool_)

    @property
    def genuine(self) -> NDArray[np.float64]:
        return np.sort(self.value[self.is_genuine])

    @property
    def impostor(self) -> NDArray[np.float64]:
        return np.sort(self.value[~self.is_genuine])


def scores_of(matrix: NDArray[np.float64], fingers: Sequence[str]) -> Scores:
    """The pairs and ranks of a symmetric (n, n) matrix of scores whose row i is a print of `fingers[i]`.

    The gallery of the ranks holds each finger's first impression, every other impression is a probe. A tie counts against
    the mate.
    """
    names = {finger: number for number, finger in enumerate(dict.fromkeys(fingers))}
    owner = np.array([names[finger] for finger in fingers], np.int64)
    gallery = np.array([int(np.flatnonzero(owner == number)[0]) for number in range(len(names))])
    probes = np.setdiff1d(np.arange(len(owner)), gallery)
    against = matrix[np.ix_(probes, gallery)]
    mate = against[np.arange(len(probes)), owner[probes]]
    ranks = (against >= mate[:, None]).sum(axis=1)
    rows, columns = np.tril_indices(len(owner), -1)
    return Scores(matrix[rows, columns], owner[rows], owner[columns], ranks, len(names))


def summarise(scores: Scores) -> dict[str, Any]:
    """`fingers`, `genuine` and `impostor` counts, and the rates as fractions."""
    genuine, impostor = scores.genuine, scores.impostor
    return {
        "fingers": scores.fingers,
        "genuine": len(genuine),
        "impostor": len(impostor),
        "eer": equal_error_rate(genuine, impostor),
        "fmr100": fnmr_at(genuine, impostor, 0.01),
        "fmr1000": fnmr_at(genuine, impostor, 0.001),
        "zerofmr": fnmr_at(genuine, impostor, 0.0),
        "rank1": float((scores.ranks == 1).mean()),
    }


def error_rates(
    genuine: NDArray[np.float64], impostor: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(false-match rates, false non-match rates) at every threshold where either changes, thresholds rising."""
    thresholds = np.append(np.unique(np.concatenate([genuine, impostor])), np.inf)
    fmr = 1.0 - np.searchsorted(np.sort(impostor), thresholds, "left") / len(impostor)
    fnmr = np.searchsorted(np.sort(genuine), thresholds, "left") / len(genuine)
    return fmr, fnmr


def _crossing(fmr: NDArray[np.float64], fnmr: NDArray[np.float64]) -> float:
    after = int(np.argmax(fnmr >= fmr))
    before = max(0, after - 1)
    at = after if fnmr[after] - fmr[after] <= fmr[before] - fnmr[before] else before
    return float((fmr[at] + fnmr[at]) / 2.0)


def _misses_at(fmr: NDArray[np.float64], fnmr: NDArray[np.float64], rate: float) -> float:
    return float(fnmr[np.argmax(fmr <= rate + 1e-12)])


def equal_error_rate(genuine: NDArray[np.float64], impostor: NDArray[np.float64]) -> float:
    """The midpoint of both rates at the threshold where they cross."""
    return _crossing(*error_rates(genuine, impostor))


def fnmr_at(genuine: NDArray[np.float64], impostor: NDArray[np.float64], fmr: float) -> float:
    """The least false non-match rate whose false-match rate is at most `fmr`."""
    return _misses_at(*error_rates(genuine, impostor), fmr)


def cumulative_matches(ranks: NDArray[np.int64], most: int) -> Sequence[float]:
    """Share of probes whose mate is among the first 1, 2, …, `most`."""
    return [float((ranks <= k).mean()) for k in range(1, most + 1)]


def resampled(scores: Scores, *, draws: int = DRAWS, seed: int = SEED) -> dict[str, NDArray[np.float64]]:
    """ "eer" and "fmr1000" (draws,) of as many galleries whose fingers were drawn from these with replacement.

    A finger drawn twice counts its genuine pairs twice and its pairs with each other finger twice; its two copies are not
    compared, since they would be no impostors. The same seed gives the same draws.
    """
    order = np.argsort(scores.value, kind="stable")
    value, first, second = scores.value[order], scores.first[order], scores.second[order]
    genuine = first == second
    ends = np.append(np.flatnonzero(np.diff(value)), len(value) - 1)  # the last of every run of equal scores
    draw = np.random.default_rng(seed)
    found = {"eer": np.empty(draws), "fmr1000": np.empty(draws)}
    for k in range(draws):
        times = np.bincount(draw.integers(0, scores.fingers, scores.fingers), minlength=scores.fingers)
        if (times > 0).sum() < 2:  # one finger alone has no impostor: a draw in ten thousand millions of ten fingers
            times = np.ones(scores.fingers, np.int64)
        mates = np.cumsum(np.where(genuine, times[first], 0))
        strangers = np.cumsum(np.where(genuine, 0, times[first] * times[second]))
        fnmr = np.append(0.0, mates[ends] / mates[-1])
        fmr = 1.0 - np.append(0.0, strangers[ends] / strangers[-1])
        found["eer"][k] = _crossing(fmr, fnmr)
        found["fmr1000"][k] = _misses_at(fmr, fnmr, 0.001)
    return found


def interval(values: NDArray[np.float64], level: float = LEVEL) -> list[float]:
    """[low, high] between which the middle `level` of the values lies."""
    low, high = np.quantile(values, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return [float(low), float(high)]


def share_interval(hits: int, of: int, level: float = LEVEL) -> list[float]:
    """[low, high] of a share counted once: Wilson's interval, which stays inside 0 to 1 and is no point at 0 hits."""
    if of == 0:
        return [0.0, 1.0]
    z = {0.90: 1.6448536, 0.95: 1.9599640}[level]
    share, weight = hits / of, z * z / of
    middle = (share + weight / 2.0) / (1.0 + weight)
    reach = z / (1.0 + weight) * math.sqrt(share * (1.0 - share) / of + weight / (4.0 * of))
    return [max(0.0, middle - reach), min(1.0, middle + reach)]
