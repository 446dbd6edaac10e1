"""Intermediate results under keys, for an expert who asks why. Nothing is computed or kept unless its key was asked for.

    trace = Trace("maps", "quality-blocks")
    extract(image, trace=trace)
    trace["maps"]        # (4, h, w): presence, cosine, sine, type

Keys of extract: input, maps, peaks, quality-blocks, codes. Keys of compare: similarity, greedy-pairs, own, relaxed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

KEYS = frozenset({"input", "maps", "peaks", "quality-blocks", "codes", "similarity", "greedy-pairs", "own", "relaxed"})


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
