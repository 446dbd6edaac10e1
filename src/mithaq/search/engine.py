"""One query over a gallery's fields: which rows are compared in full, and which persons that makes. No files, no locks.

each probe ─► live rows that may be its finger ─ exhaustive: all of few, or the best of the first stage ─┐
                                               └ indexed: what the index names, and what is newer ───────┴► rescore

without positions    the best comparison is the person's score
with positions       evidence of all fingers together (`fusion`): fuse where each is declared, assign where one is not
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mithaq.finger import Template
from mithaq.search import fusion
from mithaq.search.fields import Fields
from mithaq.search.filters import same_finger
from mithaq.search.parameters import FEWEST_RESCORED, FUSED_PERSONS
from mithaq.search.ranking import best, first_stage
from mithaq.search.shape import How
from mithaq.units import FingerPosition

_FINGERS = np.array([same_finger(p) if p in set(FingerPosition) else 0 for p in range(256)], np.uint8)


@dataclass(frozen=True, slots=True)
class Find:
    """A person's number and score, with the row and the probe that agree best."""

    person: int
    score: float
    row: int
    probe: int


@dataclass(frozen=True, slots=True, eq=False)
class _Scores:
    """Full comparisons, one an entry: `probe`, `row`, `person` int64 (m), `score` float64 (m)."""

    probe: NDArray[np.int64]
    row: NDArray[np.int64]
    person: NDArray[np.int64]
    score: NDArray[np.float64]


class Engine:
    """How a gallery is searched. `exhaustive`: so many rows are all compared in full; else `rescored` for each probe."""

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
        compared = self._compare(fields, generation, probes, positions, how)
        if positions is None:
            kept = np.flatnonzero(compared.score >= threshold)
            return [_find(compared, k, float(compared.score[k])) for k in _best_of_each(fields, compared, kept)]
        return self._fused(fields, probes, positions, compared, threshold)

    # ---- which rows ---------------------------------------------------------------------------------------------

    def _compare(
        self, fields: Fields, generation: int, probes: Sequence[Template], positions: Sequence[int] | None, how: How
    ) -> _Scores:
        live = np.flatnonzero(fields.live)
        each = max(min(self._rescored, FEWEST_RESCORED), self._rescored // (1 if positions is None else len(probes)))
        pairs = []
        for number, probe in enumerate(probes):
            rows = live if positions is None else live[_may_be(fields.position[live], positions[number])]
            if how == "indexed":
                rows = self._indexed(fields, generation, probe, rows)
            if len(live) > self._exhaustive and len(rows) > each:
                rows = rows[best(first_stage(fields, rows, probe), each)]
            pairs.append((number, rows))
        return _scores(fields, probes, pairs)

    def _indexed(self, fields: Fields, generation: int, probe: Template, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        return rows

    # ---- several fingers ----------------------------------------------------------------------------------------

    def _fused(
        self, fields: Fields, probes: Sequence[Template], positions: Sequence[int], compared: _Scores, threshold: float
    ) -> list[Find]:
        """Persons by the evidence of all their fingers. In a large gallery the most promising are compared completely."""
        persons = np.unique(compared.person)
        if int(fields.live.sum()) > self._exhaustive:
            nats = fusion.fuse(_evidence(compared, persons, len(probes), missing=0.0))
            persons = np.sort(persons[np.argsort(-nats, kind="stable")[:FUSED_PERSONS]])
            rows = np.flatnonzero(np.isin(fields.person, persons) & (fields.live != 0))
            pairs = [(n, rows[_may_be(fields.position[rows], position)]) for n, position in enumerate(positions)]
            compared = _scores(fields, probes, pairs)
        nats = fusion.fuse(_evidence(compared, persons, len(probes), missing=np.nan))
        declared = FingerPosition.UNKNOWN not in positions
        order = np.argsort(compared.person, kind="stable")
        bounds = [*np.searchsorted(compared.person[order], persons, "left").tolist(), len(order)]
        found = []
        # An assignment says at most what the best finger of each probe would, so only those who may reach it are assigned.
        slack = 0.0 if declared else math.log(len(probes))
        for place in np.flatnonzero([fusion.score_of(most + slack) >= threshold for most in nats.tolist()]).tolist():
            mine = order[bounds[place] : bounds[place + 1]]
            joint = float(nats[place]) if declared else _assigned(fields, compared, mine, len(probes))
            score = fusion.score_of(joint)
            if score >= threshold:
                found.append(_find(compared, _best_of_each(fields, compared, mine)[0], score))
        return found


def _evidence(compared: _Scores, persons: NDArray[np.int64], probes: int, *, missing: float) -> NDArray[np.float64]:
    """Nats of each person's best comparison with each probe, (persons, probes); `missing` where there is none."""
    cell = np.searchsorted(persons, compared.person) * probes + compared.probe
    best_score, impressions = np.full(len(persons) * probes, -1.0), np.bincount(cell, minlength=len(persons) * probes)
    np.maximum.at(best_score, cell, compared.score)
    table = np.full(len(best_score), missing)
    for place in np.flatnonzero(impressions).tolist():
        table[place] = fusion.evidence_of(float(best_score[place]), int(impressions[place]))
    return table.reshape(len(persons), probes)


def _assigned(fields: Fields, compared: _Scores, mine: NDArray[np.int64], probes: int) -> float:
    """Nats of one person where it is not declared which finger each probe is."""
    fingers, finger = np.unique(_FINGERS[fields.position[compared.row[mine]]], return_inverse=True)
    cell = compared.probe[mine] * len(fingers) + finger.reshape(-1)
    table = np.full(probes * len(fingers), np.nan)
    for place in np.unique(cell).tolist():
        own = compared.score[mine][cell == place]
        table[place] = fusion.evidence_of(float(own.max()), len(own))
    return fusion.assign(table.reshape(probes, len(fingers))).evidence


def _may_be(positions: NDArray[np.uint8], declared: int) -> NDArray[np.bool_]:
    """Which of these stored positions may be the declared finger: the same one, and any where one is not known."""
    fingers = _FINGERS[positions]
    if declared == FingerPosition.UNKNOWN:
        return np.ones(len(fingers), bool)
    return np.isin(fingers, [0, same_finger(declared)])


def _scores(fields: Fields, probes: Sequence[Template], pairs: Sequence[tuple[int, NDArray[np.int64]]]) -> _Scores:
    rows = np.concatenate([rows for _, rows in pairs])
    scores = np.concatenate([rescore(fields, rows, probes[number]) for number, rows in pairs])
    numbers = np.repeat([number for number, _ in pairs], [len(rows) for _, rows in pairs])
    return _Scores(numbers.astype(np.int64), rows, fields.person[rows].astype(np.int64), scores)


def _best_of_each(fields: Fields, compared: _Scores, among: NDArray[np.int64]) -> list[int]:
    """Of each person the best entry: the highest score, then the lowest position, impression and probe."""
    row = compared.row[among]
    order = np.lexsort(
        (
            compared.probe[among],
            fields.impression[row],
            fields.position[row],
            -compared.score[among],
            compared.person[among],
        )
    )
    _, firsts = np.unique(compared.person[among][order], return_index=True)
    result: list[int] = among[order[firsts]].tolist()
    return result


def _find(compared: _Scores, place: int, score: float) -> Find:
    return Find(int(compared.person[place]), score, int(compared.row[place]), int(compared.probe[place]))


def rescore(fields: Fields, rows: NDArray[np.int64], probe: Template) -> NDArray[np.float64]:
    """The interim: one comparison after another."""
    from mithaq.finger import compare
    from mithaq.search.fields import template_of

    return np.array([compare(probe, template_of(fields, int(row))).value for row in rows], np.float64)
