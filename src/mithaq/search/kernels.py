"""The first stage in machine code: how alike two sets of minutia codes are, and the best k of many.

    codes uint64 (n, w) ───────┐
    reliability, angle uint8 ──┴─ local_similarity ─► float32 (r), 0 to 1 per gallery impression ─ best_places ─► int64 (k)

For each probe minutia the most similar gallery minutia within a quarter turn, then the mean of the best few. It knows
nothing of where minutiae lie, so it ranks and never decides: `mithaq.finger.compare` does. A slow numpy twin stands in
the tests.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mithaq.finger.compiled import compiled, count_bits


@compiled
def local_similarity(
    probe_codes: NDArray[np.uint64],
    probe_reliability: NDArray[np.uint8],
    probe_angle: NDArray[np.uint8],
    codes: NDArray[np.uint64],
    reliability: NDArray[np.uint8],
    angle: NDArray[np.uint8],
    starts: NDArray[np.int64],
    rows: NDArray[np.int64],
    widest_turn: int,
    averaged: NDArray[np.int64],
    scores: NDArray[np.float32],
) -> None:
    """Writes to `scores` (r) how alike the probe and each of `rows` are, 0 to 1.

    Row i's minutiae are starts[i] to starts[i + 1] of the packed arrays. `averaged[m]` is how many best minutiae make
    the mean where the smaller print has m; it is as long as the larger probe can ask. No lock is held.
    """
    probes, words = probe_codes.shape
    best = np.empty(probes, np.int64)
    for r in range(rows.shape[0]):
        first, last = starts[rows[r]], starts[rows[r] + 1]
        for p in range(probes):
            best[p] = 0
            for g in range(first, last):
                turn = (np.int64(probe_angle[p]) - np.int64(angle[g])) & 255
                if min(turn, 256 - turn) > widest_turn:
                    continue
                apart = 0
                for w in range(words):
                    apart += count_bits(probe_codes[p, w] ^ codes[g, w])
                best[p] = max(best[p], (64 * words - 2 * apart) * np.int64(reliability[g]))
            best[p] *= np.int64(probe_reliability[p])
        take = averaged[min(min(probes, last - first), averaged.shape[0] - 1)]
        total = 0
        for _ in range(min(take, probes)):  # the largest few by selection: at most a dozen of some forty
            most = 0
            for p in range(1, probes):
                if best[p] > best[most]:
                    most = p
            total += best[most]
            best[most] = -1
        scores[r] = np.float32(total / (take * 64.0 * words * 255.0 * 255.0)) if take > 0 else np.float32(0.0)


@compiled
def _sift(heap: NDArray[np.int64], size: int, scores: NDArray[np.float32], at: int) -> None:
    """Restores the heap below `at`; its top is the worst kept: the lowest score, of equal ones the latest place."""
    while True:
        worst = at
        for child in (2 * at + 1, 2 * at + 2):
            if child < size:
                a, b = heap[child], heap[worst]
                if scores[a] < scores[b] or (scores[a] == scores[b] and a > b):
                    worst = child
        if worst == at:
            return
        heap[at], heap[worst] = heap[worst], heap[at]
        at = worst


@compiled
def best_places(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Places of the k highest scores, equal ones by the earlier place, in ascending order of place."""
    size = min(k, scores.shape[0])
    heap = np.arange(size)
    if size == 0:
        return heap
    for at in range(size // 2 - 1, -1, -1):
        _sift(heap, size, scores, at)
    for place in range(size, scores.shape[0]):
        if scores[place] > scores[heap[0]]:
            heap[0] = place
            _sift(heap, size, scores, 0)
    return np.sort(heap)
