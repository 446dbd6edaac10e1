"""One query over a gallery's fields: which rows are compared in full, and which persons that makes. No files, no locks.

    probes ─► rows ─ exhaustive: all of few, or the best of the first stage ─┐
                   └ indexed: what the index names, and what is newer ───────┴► rescore ─► a Find a person

Without positions a person's score is that of the best comparison; with them, of all fingers together (`fusion`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mithaq.finger import Template, compare
from mithaq.search.fields import Fields
from mithaq.search.shape import How


@dataclass(frozen=True, slots=True)
class Find:
    """A person's number and score, with the row and the probe that scored best together."""

    person: int
    score: float
    row: int
    probe: int


class Engine:
    """How a gallery is searched; it keeps what it builds of one generation for later searches."""

    def __init__(self, *, exhaustive: int, rescored: int) -> None:
        self._exhaustive = exhaustive
        self._rescored = rescored

    def persons(
        self,
        fields: Fields,
        generation: int,
        probes: Sequence[Template],
        positions: Sequence[int] | None,
        threshold: float,
        how: How,
    ) -> list[Find]:
        """Each person of the live rows who scores `threshold` or more, once, in no order."""
        best: dict[int, tuple[tuple[float, int, int, int], Find]] = {}
        for number, probe in enumerate(probes):
            rows = self._rows(fields, generation, probe, how)
            scores = rescore(fields, rows, probe)
            for place in np.flatnonzero(scores >= threshold).tolist():
                row, score = int(rows[place]), float(scores[place])
                person = int(fields.person[row])
                order = (-score, int(fields.position[row]), int(fields.impression[row]), number)
                if person not in best or order < best[person][0]:
                    best[person] = (order, Find(person, score, row, number))
        return [find for _, find in best.values()]

    def _rows(self, fields: Fields, generation: int, probe: Template, how: How) -> NDArray[np.int64]:
        return np.flatnonzero(fields.live)


def rescore(fields: Fields, rows: NDArray[np.int64], probe: Template) -> NDArray[np.float64]:
    """The interim: one comparison after another."""
    return np.array([compare(probe, _template(fields, int(row))).value for row in rows], np.float64)


def _template(fields: Fields, row: int) -> Template:
    blocks, count = slice(int(fields.starts[row]), int(fields.starts[row + 1])), int(fields.count[row])

    def lanes(part: NDArray[Any]) -> NDArray[Any]:
        return part[blocks].reshape(-1)[:count]

    return Template(
        width=1,
        height=1,
        x_px=lanes(fields.x),
        y_px=lanes(fields.y),
        angle=lanes(fields.angle),
        quality=np.zeros(count, np.uint8),
        kind=np.zeros(count, np.uint8),
        codes=fields.codes[blocks].transpose(0, 2, 1).reshape(-1, fields.codes.shape[1])[:count],
        reliability=lanes(fields.reliability),
        quality_score=0,
    )
