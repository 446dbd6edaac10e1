"""The first stage in machine code: how alike two sets of minutia codes are, and the best k of many.

    codes uint64 (n, 5) ─┐
    roots float32 (n)    ├─ local_similarity ─► float32 (r), 0 to 1 per gallery impression ─ best_places ─► int64 (k)
    angle float32 (n)   ─┘

For each probe minutia the nearest gallery minutia within a quarter turn, 1 - |a xor b| / (|a| + |b|) with Euclidean
norms, as the cylinder code's authors compare their bits; then the mean of the best few. It knows nothing of where
minutiae lie, so it ranks and never decides: `mithaq.finger.compare` does. A slow numpy twin stands in the tests.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mithaq.finger.compiled import compiled, count_bits

_TURN = np.float32(2.0 * np.pi)


@compiled
def squeezed(codes: NDArray[np.uint64], layers: int, cells: int) -> NDArray[np.uint64]:
    """The first `layers` words of each code, `cells` bits in each, without their gaps: (n, w) -> (n, fewer words)."""
    words = (layers * cells + 63) // 64
    tight = np.zeros((codes.shape[0], words), np.uint64)
    for i in range(codes.shape[0]):
        for layer in range(layers):
            word, shift = (layer * cells) // 64, (layer * cells) % 64
            tight[i, word] |= codes[i, layer] << np.uint64(shift)
            if shift + cells > 64:
                tight[i, word + 1] |= codes[i, layer] >> np.uint64(64 - shift)
    return tight


@compiled
def roots_of(codes: NDArray[np.uint64]) -> NDArray[np.float32]:
    """Square root of the bits set in each code: its Euclidean norm, float32 (n)."""
    roots = np.empty(codes.shape[0], np.float32)
    for i in range(codes.shape[0]):
        total = 0
        for w in range(codes.shape[1]):
            total += count_bits(codes[i, w])
        roots[i] = np.float32(np.sqrt(total))
    return roots


@compiled
def local_similarity(
    probe_codes: NDArray[np.uint64],
    probe_roots: NDArray[np.float32],
    probe_angle: NDArray[np.float32],
    codes: NDArray[np.uint64],
    roots: NDArray[np.float32],
    angle: NDArray[np.float32],
    starts: NDArray[np.int64],
    rows: NDArray[np.int64],
    widest_turn_rad: np.float32,
    averaged: NDArray[np.int64],
    scores: NDArray[np.float32],
) -> None:
    """Writes to `scores` (r) how alike the probe and each of `rows` are, 0 to 1.

    Row i's minutiae are starts[i] to starts[i + 1] of the packed arrays. `averaged[m]` is how many best minutiae make
    the mean where the smaller print has m; it is as long as the larger probe can ask. No lock is held.
    """
    probes, words = probe_codes.shape
    best = np.empty(probes, np.float32)
    for r in range(rows.shape[0]):
        first, last = starts[rows[r]], starts[rows[r] + 1]
        for p in range(probes):
            nearest = np.float32(1.0)
            if probe_roots[p] > 0:
                for g in range(first, last):
                    turn = abs(probe_angle[p] - angle[g])
                    turn = min(turn, _TURN - turn)
                    if turn > widest_turn_rad or roots[g] == 0:
                        continue
                    apart = 0
                    for w in range(words):
                        apart += count_bits(probe_codes[p, w] ^ codes[g, w])
                    both = probe_roots[p] + roots[g]
                    nearest = min(nearest, np.float32(apart) / (both * both))
            best[p] = nearest
        take = averaged[min(min(probes, last - first), averaged.shape[0] - 1)]
        total = np.float32(0.0)
        for _ in range(min(take, probes)):  # the smallest few by selection: at most a dozen of some forty
            least = 0
            for p in range(1, probes):
                if best[p] < best[least]:
                    least = p
            total += np.float32(1.0) - np.sqrt(best[least])
            best[least] = np.float32(2.0)
        scores[r] = total / np.float32(take) if take > 0 else np.float32(0.0)


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
