"""Which impressions deserve a full comparison, and which of them score enough. Pure: no files, no locks.

probe ─ first_stage over all rows ─► best_rows: k of them ─ in_full: finger.compare each ─► (row, Score), …
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mithaq.finger import Template, parameters
from mithaq.finger.compare import Score, compare
from mithaq.search import kernels
from mithaq.search.shelf import Packed

_ROWS_A_TASK = 4096  # of the first stage, about 10 ms of one core: even shares, and large beside a task's own cost
_Result = TypeVar("_Result")


def averaged_minutiae(most: int) -> NDArray[np.int64]:
    """How many of the best minutiae make the mean where the smaller print has 0 to `most`: the comparison's own rule."""
    count = np.arange(most + 1)
    share = 1.0 / (1.0 + np.exp(-parameters.TOP_SLOPE * (count - parameters.TOP_MIDDLE)))
    few, many = parameters.MIN_TOP, parameters.MAX_TOP
    return np.asarray(few + np.rint(share * (many - few)), np.int64)


def first_stage(probe: Template, packed: Packed, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """How alike the probe and each of `rows` are by their codes alone, float32 (r), 0 to 1, on all cores of this process."""
    averaged = averaged_minutiae(max(1, len(probe)))
    scores = np.zeros(len(rows), np.float32)

    def score(first: int) -> None:
        part = slice(first, first + _ROWS_A_TASK)
        kernels.local_similarity(
            probe.codes,
            probe.reliability,
            probe.angle,
            packed.codes,
            packed.reliability,
            packed.angle,
            packed.starts,
            rows[part],
            parameters.MAX_TURN,
            averaged,
            scores[part],
        )

    _on_all_cores(score, range(0, len(rows), _ROWS_A_TASK))
    return scores


def in_full(
    probe: Template, rows: Sequence[int], template_of: Callable[[int], Template | None], threshold: float
) -> list[tuple[int, Score]]:
    """The rows whose full comparison with the probe scores `threshold` or more, in their order, each with its Score.

    `template_of` gives None for a row that was removed meanwhile. One thread: a comparison is so short that two threads
    spend on Python's lock what they gain (measured: no faster).
    """
    found = []
    for row in rows:
        template = template_of(row)
        if template is not None:
            score = compare(probe, template)
            if score.value >= threshold:
                found.append((row, score))
    return found


def _on_all_cores(task: Callable[[int], _Result], firsts: range) -> list[_Result]:
    """`task` of each of `firsts`, in their order, on the cores that this process may use: the kernels hold no lock."""
    cores = min(len(os.sched_getaffinity(0)), len(firsts))
    if cores <= 1:
        return [task(first) for first in firsts]
    with ThreadPoolExecutor(cores) as pool:
        return list(pool.map(task, firsts))


def best_rows(probe: Template, packed: Packed, rows: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """The k of `rows` that the first stage puts first, in the order of enrolment; equal ones by the earlier row."""
    places = kernels.best_places(first_stage(probe, packed, rows), k)
    return np.take(rows, places)
