"""Several fingers against persons: equal to brute force over all persons, whatever is missing, doubled or swapped."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from first_stage_twins import Codes, agreement_twin, fields_of, random_codes
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mithaq.search.fields import Fields
from mithaq.search.fusion import assign, evidence_of, fuse, score_of
from mithaq.search.ranking import first_stage
from mithaq.search.tenprint import finger_of, first_persons, rows_by_finger, rows_to_meet, search


def rescore(fields: Fields, rows: NDArray[np.int64], probe: Codes) -> NDArray[np.float64]:
    """Any score of a probe and a row serves to test what is made of it: here a tenth of the first stage's."""
    return first_stage(fields, rows, probe).astype(np.float64) / 10.0


def again(finger: int, *, changed: int = 12) -> Codes:
    """Another impression of `finger`: a few minutiae replaced."""
    print_, other = random_codes(finger, 30, unreliable=0.0), random_codes(finger + 5000, 30, unreliable=0.0)
    kept = np.arange(30) >= changed
    return replace(
        print_,
        codes=np.where(kept[:, None], print_.codes, other.codes),
        angle=np.where(kept, print_.angle, other.angle),
    )


def ten_fingers(persons: int) -> tuple[Fields, list[Codes]]:
    prints = [random_codes(n, 30, unreliable=0.0) for n in range(10 * persons)]
    return fields_of(prints, [n % 10 + 1 for n in range(10 * persons)], [n // 10 for n in range(10 * persons)]), prints


@pytest.mark.parametrize("positions", [tuple(range(1, 11)), (2, 7), (4,), (2, 0)])
def test_the_person_is_found_first_by_declared_positions(positions: tuple[int, ...]) -> None:
    fields, _ = ten_fingers(12)
    probes = [again(70 + (p or 5) - 1) for p in positions]
    first, *others = search(fields, probes, positions, rescore)
    assert first.person == 7
    assert {(probe, row) for probe, row, _ in first.fingers} >= {(i, 70 + p - 1) for i, p in enumerate(positions) if p}
    assert first.compared == len(positions)
    assert all(first.score > other.score for other in others)


def test_swapped_fingers_are_recovered_where_positions_are_not_relied_on() -> None:
    fields, _ = ten_fingers(12)
    declared = (1, 2, 3, 4)
    truly = (2, 1, 4, 3)
    probes = [again(70 + p - 1) for p in truly]
    found = search(fields, probes, None, rescore)[0]
    assert found.person == 7
    assert {(i, row) for i, row, _ in found.fingers} == {(i, 70 + p - 1) for i, p in enumerate(truly)}
    trusting = search(fields, probes, declared, rescore)
    assert not trusting or trusting[0].evidence < found.evidence


def test_missing_fingers_on_either_side_are_survived() -> None:
    _, prints = ten_fingers(12)
    kept = [n for n in range(120) if not (n // 10 == 7 and n % 10 in (1, 6, 8))]
    fewer = fields_of([prints[n] for n in kept], [n % 10 + 1 for n in kept], [n // 10 for n in kept])
    probes = [again(70 + p - 1) for p in (1, 2, 3, 7)]
    found = search(fewer, probes, (1, 2, 3, 7), rescore)[0]
    assert (found.person, found.compared) == (7, 2)
    assert {kept[row] for _, row, _ in found.fingers} == {70, 72}


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 2**20),
    positions=st.one_of(st.none(), st.lists(st.sampled_from([0, 1, 2, 3, 11]), min_size=1, max_size=3)),
    doubled=st.booleans(),
)
def test_all_persons_in_full_give_what_brute_force_gives(seed: int, positions: list[int] | None, doubled: bool) -> None:
    rng = np.random.default_rng(seed)
    rows = 30
    where = rng.choice([0, 1, 2, 3, 11] if doubled else [1, 2, 3], rows)
    persons = rng.integers(0, 6, rows) if doubled else np.repeat(np.arange(10), 3)
    if not doubled:
        where = np.tile([1, 2, 3], 10)
    gallery = [again(n % 15, changed=int(rng.integers(0, 30))) for n in range(rows)]
    fields = fields_of(gallery, where.tolist(), persons.tolist())
    probes = [again(int(rng.integers(15))) for _ in positions or (1, 2)]
    found = search(fields, probes, positions, rescore, rescored=10_000)
    expected = {person: brute_force(fields, gallery, person, probes, positions) for person in set(persons.tolist())}
    assert {one.person: pytest.approx(one.score, rel=1e-9) for one in found} == {
        person: score for person, score in expected.items() if score is not None
    }
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


def brute_force(
    fields: Fields, gallery: list[Codes], person: int, probes: list[Codes], positions: list[int] | None
) -> float | None:
    """A person's score by loops; None where there is no evidence."""
    theirs = [row for row in range(len(gallery)) if fields.person[row] == person]
    asked = [(_thumb(p), 0 if p else i) for i, p in enumerate(positions or [0] * len(probes))]
    held = [(_thumb(fields.position[row]), 0 if fields.position[row] else row) for row in theirs]
    met: dict[tuple[tuple[int, int], tuple[int, int]], list[float]] = {}
    for probe, mine in zip(probes, asked, strict=True):
        for row, finger in zip(theirs, held, strict=True):
            if mine[0] == finger[0] or 0 in (mine[0], finger[0]):
                score = float(np.float32(agreement_twin(probe, gallery[row])[1])) / 10.0
                met.setdefault((mine, finger), []).append(score)
    mines, fingers = sorted({mine for mine, _ in met}), sorted({finger for _, finger in met})
    table = np.full((len(mines), len(fingers)), math.nan)
    for (mine, finger), scores in met.items():
        table[mines.index(mine), fingers.index(finger)] = evidence_of(max(scores), len(scores))
    if len(met) == len(mines) == len(fingers):
        evidence = float(fuse([table[np.isfinite(table)]])[0])
    else:
        evidence = assign(table).evidence if met else 0.0
    if evidence <= 0.0:
        return None
    alone = [scores for scores in met.values() if len(probes) == len(met) == len(scores) == 1]
    return alone[0][0] if alone else score_of(evidence)


def _thumb(position: int) -> int:
    return {11: 1, 12: 6}.get(int(position), int(position))


def test_rows_of_a_finger_are_its_own_those_of_a_plain_thumb_and_none_left_out() -> None:
    fields = fields_of([random_codes(n, 3) for n in range(7)], [1, 11, 2, 0, 12, 1, 6])
    allowed = np.array([1, 1, 1, 1, 1, 0, 1], np.uint8)
    rows_at = rows_by_finger(fields, allowed)
    assert {finger: rows.tolist() for finger, rows in rows_at.items()} == {0: [3], 1: [0, 1], 2: [2], 6: [4, 6]}
    assert rows_to_meet(rows_at, 11).tolist() == [0, 1, 3]
    assert rows_to_meet(rows_at, 9).tolist() == [3]
    assert rows_to_meet(rows_at, 0).tolist() == rows_to_meet(rows_at, None).tolist() == [0, 1, 2, 3, 4, 6]
    assert [finger_of(p) for p in (0, 6, 11, 12)] == [0, 6, 1, 6]
    assert rows_by_finger(fields.with_live(np.zeros(7, np.uint8))) == {}


def test_the_first_stage_of_a_person_is_the_sum_over_probes_of_its_best_row() -> None:
    fields, _ = ten_fingers(12)
    rows_at = rows_by_finger(fields)
    probes = [again(74), again(75)]
    wanted = [rows_at[5], rows_at[6]]
    total = np.zeros(12)
    for probe, rows in zip(probes, wanted, strict=True):
        scores = first_stage(fields, rows, probe).astype(float)
        away = np.maximum(0.0, (scores - scores.mean()) / scores.std())
        total += np.minimum(30.0, away**2 / 2)
    for k in (1, 3, 12):
        assert set(first_persons(fields, probes, wanted, k)) == set(np.argsort(-total, kind="stable")[:k])


def test_nothing_is_found_in_nothing() -> None:
    assert search(fields_of([]), [again(1)], (1,), rescore) == []
    fields, _ = ten_fingers(2)
    assert search(fields, [random_codes(1, 0)], (1,), rescore) == []
