"""Intermediate results under keys, for an expert who asks why. Nothing is computed or kept unless its key was asked for.

trace = Trace("maps", "quality-blocks")
extract(image, trace=trace)
trace["maps"]        # (4, h, w): presence, cosine, sine, type

extract    input           (h, w) float32, padded as the network reads it
           maps            (4, h, w) float32
           peaks           (n, 3): column, row, presence of each peak kept
           quality-blocks  quality.Blocks: the windows' clarity, deviation, period
           orientation     (rows, columns) radians in [0, π): the ridges' direction in these windows
           quality-parts   tuple of quality.Part
           codes           (n, words)
compare    similarity      (n_a, n_b) of every two minutiae
           greedy-pairs    (k, 2) one to one, most similar first
           own, relaxed    (k,) their similarity before and after the pairs that agree gave their support
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

KEYS = frozenset(
    {
        "input", "maps", "peaks", "quality-blocks", "orientation", "quality-parts", "codes",
        "similarity", "greedy-pairs", "own", "relaxed",
    }
)  # fmt: skip


class Trace(Mapping[str, Any]):
    """Holds what was asked for; a mapping from key to result once the work is done."""

    def __init__(self, *keys: str) -> None:
        """ValueError for a key that nothing writes."""
        unknown = sorted(set(keys) - KEYS)
        if unknown:
            raise ValueError(f"no intermediate result is called {unknown[0]!r}; there are {', '.join(sorted(KEYS))}")
        self._asked = frozenset(keys)
        self._results: dict[str, Any] = {}

    def keep(self, key: str, compute: Callable[[], Any]) -> None:
        """Calls `compute` and keeps its result where `key` was asked for; else does nothing."""
        if key in self._asked:
            self._results[key] = compute()

    def __getitem__(self, key: str) -> Any:
        return self._results[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._results)

    def __len__(self) -> int:
        return len(self._results)


class _Silent(Trace):
    def keep(self, key: str, compute: Callable[[], Any]) -> None:
        pass


SILENT = _Silent()
