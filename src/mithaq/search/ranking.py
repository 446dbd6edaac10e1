"""Which impressions deserve a full comparison, and what it gives. Pure functions over Fields: no files, no locks.

    probe ─ first_stage over rows ─► float32 (r) ─ best: k of them ─► rescore ─► float64 (k), those of finger.compare

The scores of the first stage rank the rows of one probe; no threshold means anything there.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mithaq.finger import Template
from mithaq.finger.compare import arrays_of, score_rows
from mithaq.search import kernels, parameters
from mithaq.search.fields import Fields


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """A template laid out for kernels.scan: `groups` of eight minutiae, `codes` uint64 (8, words, 8), `angle` uint8 (64),
    `weight` uint64 (64), `reach` int64 (256) by a row's count of minutiae, and `scale` of the sum."""

    groups: int
    codes: NDArray[np.uint64]
    angle: NDArray[np.uint8]
    weight: NDArray[np.uint64]
    reach: NDArray[np.int64]
    scale: np.float32


def lay_out(probe: Template) -> Probe:
    """The most reliable minutiae of a probe, at most parameters.FIRST_STAGE_MINUTIAE of those that have a code."""
    surest = np.argsort(-probe.reliability.astype(np.int64), kind="stable")[: parameters.FIRST_STAGE_MINUTIAE]
    surest = surest[probe.reliability[surest] > 0]
    taken, lanes, words = len(surest), kernels.GROUPS * kernels.LANES, probe.codes.shape[1]
    codes, angle, weight = np.zeros((lanes, words), np.uint64), np.zeros(lanes, np.uint8), np.zeros(lanes, np.uint64)
    codes[:taken], angle[:taken] = probe.codes[surest], probe.angle[surest]
    trust = (probe.reliability[surest] / 255.0) ** parameters.RELIABILITY_POWER
    weight[:taken] = np.maximum(1.0, np.rint(255.0 * trust)).astype(np.uint64)
    blocks = codes.reshape(kernels.GROUPS, kernels.LANES, words).transpose(0, 2, 1)
    reach = np.maximum(0, np.rint(parameters.REACH - parameters.REACH_FALL * np.log2(np.arange(256) + 1.0))).astype(
        np.int64
    )
    most = max(1.0, float(weight.sum())) * parameters.REACH**2
    groups = (taken + kernels.LANES - 1) // kernels.LANES
    return Probe(groups, np.ascontiguousarray(blocks), angle, weight, reach, np.float32(1.0 / most))


def first_stage(
    fields: Fields, rows: NDArray[np.int64] | None, probe: Template, *, scan: Callable[..., None] = kernels.scan
) -> NDArray[np.float32]:
    """How much the codes of the probe and of each of `rows` (all where None) agree, float32 (r) from 0 to 1, on all cores.

    A removed row is scored like any other: the caller leaves it out of `rows`.
    """
    wanted = np.arange(len(fields), dtype=np.int64) if rows is None else np.asarray(rows, np.int64)
    scores, laid = np.zeros(len(wanted), np.float32), lay_out(probe)
    if laid.groups == 0:
        return scores
    arrays = (fields.starts, fields.count, fields.codes, fields.angle, fields.reliability)

    def score(first: int) -> None:
        part = slice(first, first + parameters.ROWS_A_TASK)
        scan(
            *arrays,
            wanted[part],
            laid.groups,
            laid.codes,
            laid.angle,
            laid.weight,
            np.uint8(parameters.GATE + 1),
            laid.reach,
            laid.scale,
            scores[part],
        )

    on_all_cores(score, range(0, len(wanted), parameters.ROWS_A_TASK))
    return scores


def best(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Places of the k highest scores, equal ones by the earlier place, in ascending order of place."""
    return kernels.best_places(scores, k)


def rescore(fields: Fields, rows: NDArray[np.int64], probe: Template) -> NDArray[np.float64]:
    """The full score of the probe and each of `rows`, float64 (r), on all cores: that of finger.compare to the last bit."""
    wanted, values = np.asarray(rows, np.int64), np.zeros(len(rows), np.float64)
    mine = arrays_of(probe)

    def score(first: int) -> None:
        part = slice(first, first + parameters.SCORES_A_TASK)
        score_rows(
            *mine,
            fields.starts,
            fields.count,
            fields.x,
            fields.y,
            fields.angle,
            fields.codes,
            fields.reliability,
            wanted[part],
            values[part],
        )

    on_all_cores(score, range(0, len(wanted), parameters.SCORES_A_TASK))
    return values


def on_all_cores(task: Callable[[int], None], firsts: range) -> None:
    """`task` of each of `firsts` on the cores that this process may use: the kernels hold no lock."""
    cores = min(len(os.sched_getaffinity(0)), len(firsts))
    if cores <= 1:
        for first in firsts:
            task(first)
        return
    with ThreadPoolExecutor(cores) as pool:
        list(pool.map(task, firsts))
