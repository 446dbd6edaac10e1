"""One query over a gallery's fields: which rows are compared in full, and which persons that makes. No files, no locks.

each probe ─► live rows ─ few: all of them ──────────────────────────────────────────────────────────────────┐
                        ├ exhaustive: the best of the first stage over all ──────────────────────────────────┤
                        └ indexed: the best of the first stage over what the index names and what is newer ──┴► rescore
probes of one person, with positions ─► `tenprint`: their evidence is added up before any threshold
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from mithaq.finger import Template
from mithaq.search import tenprint
from mithaq.search.fields import Fields
from mithaq.search.index import Index, build, candidates
from mithaq.search.ranking import best, first_stage, rescore
from mithaq.search.shape import How


@dataclass(frozen=True, slots=True)
class Find:
    """A person's number and score, with the row and the probe that agree best."""

    person: int
    score: float
    row: int
    probe: int


class Engine:
    """How a gallery is searched. `exhaustive`: so many live rows are all compared in full; else `rescored` a probe.

    It keeps what it builds for later searches: the index of a generation, and the rows of each finger. Safe for threads.
    """

    def __init__(self, *, exhaustive: int, rescored: int) -> None:
        self._exhaustive = exhaustive
        self._rescored = rescored
        self._lock = Lock()
        self._index: tuple[int, Index] | None = None
        self._rows_at: tuple[Fields, Mapping[int, NDArray[np.int64]]] | None = None

    def persons(
        self,
        fields: Fields,
        generation: int,
        probes: Sequence[Template],
        positions: Sequence[int] | None,
        threshold: float,
        how: How,
    ) -> list[Find]:
        """Each person of the live rows who scores `threshold` or more, once, in no order. `how` is for single prints."""
        if positions is not None:
            found = tenprint.search(
                fields, probes, positions, rescore, rows_at=self._by_finger(fields), rescored=self._rescored
            )
            return [Find(one.person, one.score, *one.fingers[0][1::-1]) for one in found if one.score >= threshold]
        finds: list[tuple[Find, int, int]] = []
        for number, probe in enumerate(probes):
            rows = self._rows(fields, generation, probe, how)
            scores = rescore(fields, rows, probe)
            for place in np.flatnonzero(scores >= threshold).tolist():
                row = int(rows[place])
                find = Find(int(fields.person[row]), float(scores[place]), row, number)
                finds.append((find, int(fields.position[row]), int(fields.impression[row])))
        finds.sort(key=lambda one: (-one[0].score, one[1], one[2], one[0].probe))
        return list({find.person: find for find, _, _ in reversed(finds)}.values())

    def _rows(self, fields: Fields, generation: int, probe: Template, how: How) -> NDArray[np.int64]:
        """The live rows that are compared in full with this probe."""
        if how == "indexed":
            rows = candidates(self._index_of(fields, generation), fields, probe)
        else:
            rows = np.flatnonzero(fields.live)
        if len(rows) <= (self._rescored if how == "indexed" else max(self._rescored, self._exhaustive)):
            return rows
        return np.take(rows, best(first_stage(fields, rows, probe), self._rescored))

    def _index_of(self, fields: Fields, generation: int) -> Index:
        """The generation's index; made anew once an eighth of the rows is newer, since those are all looked at."""
        with self._lock:
            kept = self._index
            if kept is None or kept[0] != generation or len(fields) > kept[1].rows + max(4096, kept[1].rows // 8):
                kept = self._index = generation, build(fields)
            return kept[1]

    def _by_finger(self, fields: Fields) -> Mapping[int, NDArray[np.int64]]:
        with self._lock:
            kept = self._rows_at
        if kept is None or kept[0] is not fields:
            kept = fields, tenprint.rows_by_finger(fields)
            with self._lock:
                self._rows_at = kept
        return kept[1]
