"""The kernels against slow, obvious twins."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from search_twins import similarity_twin

from mithaq.finger import Template
from mithaq.search import kernels
from mithaq.search.ranking import averaged_minutiae, first_stage
from mithaq.search.shelf import Packed


def pack(templates: list[Template]) -> Packed:
    codes = np.concatenate([np.empty((0, 2), np.uint64), *(t.codes for t in templates)])
    reliability = np.concatenate([np.empty(0, np.uint8), *(t.reliability for t in templates)])
    angle = np.concatenate([np.empty(0, np.uint8), *(t.angle for t in templates)])
    starts = np.concatenate([[0], np.cumsum([len(t) for t in templates])]).astype(np.int64)
    return Packed(codes, reliability, angle, starts)


def sparse(seed: int, count: int) -> Template:
    """A print with `count` minutiae, not all of which have a code."""
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, 299, (2, count))
    return Template.from_minutiae(300, 300, xy[0], xy[1], rng.uniform(0, 6.28, count))


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), counts=st.lists(st.integers(0, 40), min_size=1, max_size=6), size=st.integers(0, 40)
)
def test_first_stage_equals_its_twin(seed: int, counts: list[int], size: int) -> None:
    probe = sparse(seed, size)
    gallery = [sparse(seed + 1 + n, count) for n, count in enumerate(counts)] + [probe]
    rows = np.random.default_rng(seed).permutation(len(gallery)).astype(np.int64)
    scores = first_stage(probe, pack(gallery), rows)
    assert np.allclose(scores, [similarity_twin(probe, gallery[row]) for row in rows], atol=2e-6)


def test_first_stage_shares_its_work_and_gives_the_same() -> None:
    gallery = [sparse(n, 6) for n in range(40)]
    packed, probe = pack(gallery), sparse(7, 12)
    rows = np.tile(np.arange(40, dtype=np.int64), 300)
    whole = first_stage(probe, packed, rows)
    assert np.array_equal(whole, np.tile(first_stage(probe, packed, rows[:40]), 300))


def test_a_print_is_most_like_itself() -> None:
    gallery = [sparse(n, 30) for n in range(20)]
    packed = pack(gallery)
    for n, probe in enumerate(gallery):
        assert int(np.argmax(first_stage(probe, packed, np.arange(20)))) == n


def test_averaged_minutiae_grow_from_four_to_twelve() -> None:
    averaged = averaged_minutiae(100)
    assert averaged[0] == 4
    assert averaged[100] == 12
    assert (np.diff(averaged) >= 0).all()


@given(scores=st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), max_size=60), k=st.integers(0, 70))
@settings(deadline=None)
def test_best_places_equal_a_stable_sort(scores: list[float], k: int) -> None:
    array = np.array(scores, np.float32)
    expected = np.sort(np.argsort(-array, kind="stable")[:k])
    assert np.array_equal(kernels.best_places(array, k), expected)
