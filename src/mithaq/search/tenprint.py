"""A query of several fingers against persons: the first stage of all fingers is added up before any is compared in full.

    probe of finger p ─ first_stage over the rows of finger p ─► evidence a row ─┐
    …                                                                            ├─► sum a person ─► the best persons
    in full, those persons alone ─► evidence a finger ─ fuse, or assign where positions are not known ─► one score each

With declared positions a probe meets the rows of its own position and those of unknown position; otherwise all rows. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mithaq.finger import Template
from mithaq.finger.compiled import compiled
from mithaq.search import kernels, parameters
from mithaq.search.fields import Fields
from mithaq.search.fusion import assign, evidence_of, fuse, score_of
from mithaq.search.ranking import first_stage
from mithaq.units import FingerPosition

UNKNOWN = int(FingerPosition.UNKNOWN)
_PLAIN = {
    int(FingerPosition.PLAIN_RIGHT_THUMB): int(FingerPosition.RIGHT_THUMB),
    int(FingerPosition.PLAIN_LEFT_THUMB): int(FingerPosition.LEFT_THUMB),
}
Rescore = Callable[[Fields, NDArray[np.int64], Template], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Found:
    """A person of the gallery: the fused `score` 0 to 1 with its `evidence` in nats, how many fingers were `compared`,
    and `fingers` (probe, row, its own score), those that agree best first."""

    person: int
    score: float
    evidence: float
    compared: int
    fingers: tuple[tuple[int, int, float], ...]


def finger_of(position: int) -> int:
    """The finger that a position names: a plain thumb is that thumb."""
    return _PLAIN.get(int(position), int(position))


def rows_by_finger(fields: Fields, allowed: NDArray[np.uint8] | None = None) -> dict[int, NDArray[np.int64]]:
    """The rows of each finger, ascending, without those that are 0 in `allowed` (in `live` where it is None)."""
    kept = np.flatnonzero(fields.live if allowed is None else allowed)
    fingers = np.array([finger_of(position) for position in range(256)], np.uint8)[fields.position[kept]]
    order = np.argsort(fingers, kind="stable")
    ends = np.searchsorted(fingers[order], np.arange(257))
    return {
        finger: kept[order[ends[finger] : ends[finger + 1]]] for finger in range(256) if ends[finger] < ends[finger + 1]
    }


def search(
    fields: Fields,
    probes: Sequence[Template],
    positions: Sequence[int] | None,
    rescore: Rescore,
    *,
    rows_at: Mapping[int, NDArray[np.int64]] | None = None,
    rescored: int = parameters.RESCORED_ROWS,
) -> list[Found]:
    """Persons by falling score, equal ones by number; those alone that the first stage puts first and that have evidence.

    `positions` declared for each probe, None where they are swapped or unknown; `rows_at` from rows_by_finger, made here
    where it is None. About `rescored` comparisons are done in full for each probe's share.
    """
    known = rows_by_finger(fields) if rows_at is None else rows_at
    wanted = [rows_to_meet(known, None if positions is None else positions[i]) for i in range(len(probes))]
    persons = first_persons(fields, probes, wanted, max(parameters.LEAST_PERSONS, rescored // max(1, len(probes))))
    chosen = np.zeros(_persons(fields), np.bool_)
    chosen[persons] = True
    scores: dict[int, list[tuple[int, int, float]]] = {}
    for i, probe in enumerate(probes):
        rows = wanted[i][chosen[fields.person[wanted[i]]]]
        for row, score in zip(rows.tolist(), rescore(fields, rows, probe).tolist(), strict=True):
            scores.setdefault(int(fields.person[row]), []).append((i, row, score))
    asked = [-1 - i if p == UNKNOWN else finger_of(p) for i, p in enumerate(positions or [UNKNOWN] * len(probes))]
    found = [_person(fields, person, met, asked) for person, met in scores.items()]
    return sorted((one for one in found if one.evidence > 0.0), key=lambda one: (-one.score, one.person))


def rows_to_meet(rows_at: Mapping[int, NDArray[np.int64]], position: int | None) -> NDArray[np.int64]:
    """The rows that a probe of this position may be, ascending: of its finger or of an unknown one; all where unknown."""
    if position is None or position == UNKNOWN:
        parts = list(rows_at.values())
    else:
        parts = [rows_at[finger] for finger in (finger_of(position), UNKNOWN) if finger in rows_at]
    if len(parts) == 1:
        return parts[0]
    return np.sort(np.concatenate([np.zeros(0, np.int64), *parts]))


def _persons(fields: Fields) -> int:
    return int(fields.person.max()) + 1 if len(fields) else 0


def first_persons(
    fields: Fields, probes: Sequence[Template], wanted: Sequence[NDArray[np.int64]], k: int
) -> NDArray[np.int64]:
    """The k persons whose rows agree most in the first stage, summed over the probes, ascending.

    A row's evidence is half the square of its score's distance from the mean of all rows, in standard deviations: what a
    normal tail says in nats; nothing below the mean, and a finger adds parameters.MOST_FIRST_EVIDENCE at most.
    """
    total, best = (np.zeros(_persons(fields), np.float32) for _ in range(2))
    for probe, rows in zip(probes, wanted, strict=True):
        if len(rows):
            scores = first_stage(fields, rows, probe)
            mean, deviation = scores.mean(dtype=np.float64), scores.std(dtype=np.float64)
            _add_evidence(
                scores,
                rows,
                fields.person,
                np.float32(mean),
                np.float32(1.0 / max(deviation, 1e-9)),
                np.float32(parameters.MOST_FIRST_EVIDENCE),
                best,
                total,
            )
    return kernels.best_places(total, k)


@compiled
def _add_evidence(
    scores: NDArray[np.float32],
    rows: NDArray[np.int64],
    person: NDArray[np.uint32],
    mean: np.float32,
    per_deviation: np.float32,
    most: np.float32,
    best: NDArray[np.float32],
    total: NDArray[np.float32],
) -> None:
    """Adds to each person's `total` the evidence of its best row; `best` is zeros before and after."""
    for i in range(len(rows)):
        away = max(np.float32(0.0), (scores[i] - mean) * per_deviation)
        one = min(most, np.float32(0.5) * away * away)
        best[person[rows[i]]] = max(best[person[rows[i]]], one)
    for i in range(len(rows)):
        at = person[rows[i]]
        total[at] += best[at]
        best[at] = np.float32(0.0)


def _person(fields: Fields, person: int, met: Sequence[tuple[int, int, float]], asked: Sequence[int]) -> Found:
    """One person from the full scores (probe, row, score); `asked` the finger of each probe, negative where unknown.

    Probes of one declared finger are impressions of it. A row of unknown position is taken as a finger of its own.
    """
    best: dict[tuple[int, tuple[int, int]], tuple[float, int, int, int]] = {}  # score, probe, row, comparisons
    for probe, row, score in met:
        finger = finger_of(int(fields.position[row]))
        pair = (asked[probe], (finger, row if finger == UNKNOWN else 0))
        known = best.get(pair)
        if known is None or score > known[0]:
            best[pair] = (score, probe, row, known[3] + 1 if known else 1)
        else:
            best[pair] = (*known[:3], known[3] + 1)
    mine, theirs = list(dict.fromkeys(one for one, _ in best)), list(dict.fromkeys(one for _, one in best))
    table = np.full((len(mine), len(theirs)), np.nan)
    for (finger, its_finger), (score, _, _, comparisons) in best.items():
        table[mine.index(finger), theirs.index(its_finger)] = evidence_of(score, comparisons)
    if len(best) == len(mine) == len(theirs):  # no pair could have been another
        pairs, evidence = (
            tuple(zip(*np.nonzero(np.isfinite(table)), strict=True)),
            float(fuse([np.nanmax(table, 1)])[0]),
        )
    else:
        assigned = assign(table)
        pairs, evidence = assigned.pairs, assigned.evidence
    order = sorted(((i, j) for i, j in pairs if np.isfinite(table[i, j])), key=lambda at: (-table[at], at))
    told = tuple((probe, row, score) for score, probe, row, _ in (best[mine[i], theirs[j]] for i, j in order))
    own = len(asked) == 1 and len(best) == 1 and best[mine[0], theirs[0]][3] == 1  # nothing to fuse
    return Found(person, told[0][2] if own else score_of(evidence), evidence, min(len(mine), len(theirs)), told)
