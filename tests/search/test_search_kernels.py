"""The kernels against slow, obvious twins, and the vector form against the plain one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from first_stage_twins import Codes, agreement_twin, fields_of, random_codes
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mithaq.search import kernels, parameters
from mithaq.search.ranking import best, first_stage, lay_out

BOTH = pytest.mark.parametrize("scan", [kernels.scan_plain, kernels.scan_vector], ids=["plain", "vector"])


@BOTH
@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    counts=st.lists(st.one_of(st.integers(0, 48), st.integers(200, 255)), min_size=1, max_size=4),
    size=st.integers(0, 90),
    unreliable=st.sampled_from([0.0, 0.3, 1.0]),
)
@example(seed=1, counts=[0], size=0, unreliable=0.0)
@example(seed=2, counts=[255], size=64, unreliable=0.0)
@example(seed=3, counts=[40], size=12, unreliable=1.0)
def test_first_stage_equals_its_twin(scan, seed: int, counts: list[int], size: int, unreliable: float) -> None:
    probe = random_codes(seed, size, unreliable=unreliable)
    gallery = [random_codes(seed + 1 + n, count) for n, count in enumerate(counts)] + [probe]
    rows = np.random.default_rng(seed).permutation(len(gallery))
    scores = first_stage(fields_of(gallery), rows, probe, scan=scan)
    expected = np.array([agreement_twin(probe, gallery[row])[1] for row in rows], np.float32)
    assert np.array_equal(scores, expected)


@pytest.mark.parametrize("groups", range(1, kernels.GROUPS + 1))
def test_both_forms_give_the_same_bits_for_every_number_of_groups(groups: int) -> None:
    probe = random_codes(1, groups * 8, unreliable=0.0, spread=30)
    fields = fields_of([random_codes(seed, 30 + seed, spread=30) for seed in range(20)])
    plain, vector = (first_stage(fields, None, probe, scan=scan) for scan in (kernels.scan_plain, kernels.scan_vector))
    assert np.array_equal(plain, vector)
    assert lay_out(probe).groups == groups
    assert (plain > 0).any()


@BOTH
def test_every_lane_of_probe_and_gallery_is_read(scan) -> None:
    """One minutia moved through all lanes on both sides keeps its weight; so does each turn on the edge of the gate."""
    one = random_codes(3, 1, unreliable=0.0)
    for lane in range(24):
        others = random_codes(4, 24, unreliable=1.0)
        gallery = _with(others, lane, one, turn=0)
        probe = _with(others, lane, one, turn=0)
        assert first_stage(fields_of([gallery]), None, probe, scan=scan)[0] > 0.5
    for turn in range(256):
        far = first_stage(fields_of([_with(one, 0, one, turn)]), None, one, scan=scan)[0]
        assert (far > 0.5) == (min(turn, 256 - turn) <= parameters.GATE)


def _with(codes: Codes, lane: int, one: Codes, turn: int) -> Codes:
    """The same with minutia `lane` replaced by `one`, turned."""
    kept = np.arange(len(codes)) == lane
    return replace(
        codes,
        codes=np.where(kept[:, None], one.codes, codes.codes),
        angle=np.where(kept, one.angle + np.uint8(turn), codes.angle),
        reliability=np.where(kept, one.reliability, codes.reliability),
    )


def test_first_stage_shares_its_work_and_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    fields, probe = fields_of([random_codes(n, 6) for n in range(40)]), random_codes(7, 12)
    whole = first_stage(fields, None, probe)
    monkeypatch.setattr(parameters, "ROWS_A_TASK", 3)
    assert np.array_equal(first_stage(fields, None, probe), whole)


def test_a_print_is_most_like_itself() -> None:
    gallery = [random_codes(n, 30) for n in range(20)]
    fields = fields_of(gallery)
    for n, probe in enumerate(gallery):
        scores = first_stage(fields, None, probe)
        assert int(np.argmax(scores)) == n
        assert scores.max() <= 1.0


def test_the_path_has_one_of_three_names() -> None:
    assert kernels.chosen_path() in {"avx512-vpopcntdq", "avx2", "plain"}
    assert (kernels.scan is kernels.scan_plain) == (kernels.chosen_path() == "plain")


@given(scores=st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), max_size=60), k=st.integers(0, 70))
@settings(deadline=None)
def test_best_equals_a_stable_sort(scores: list[float], k: int) -> None:
    array = np.array(scores, np.float32)
    assert np.array_equal(best(array, k), np.sort(np.argsort(-array, kind="stable")[:k]))
