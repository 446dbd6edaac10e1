"""The descriptor against its slow twin, and what it must not depend on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spirals import finger
from twins import codes, unpacked

from mithaq.finger import Template, parameters
from mithaq.finger.cylinder import cell_centres


def test_there_are_52_cells_within_the_radius() -> None:
    centres = cell_centres()
    assert centres.shape == (parameters.CELLS, 2)
    assert np.hypot(*centres.T).max() <= parameters.CYLINDER_RADIUS


@pytest.mark.parametrize(("seed", "count"), [(1, 3), (2, 9), (3, 16)])
def test_codes_are_those_of_the_twin(seed: int, count: int) -> None:
    template = finger(seed, count)
    bits, known, gaps = codes(template)
    got_bits, got_known = unpacked(template)
    doubtful = (
        np.abs(gaps - parameters.HULL_MARGIN) < 0.02
    )  # the twin measures the hull in steps of a tenth of a degree
    rows = ~doubtful.any(axis=1)
    assert rows.sum() > count / 2
    assert np.array_equal(got_known[rows], known[rows])
    assert (got_bits[rows] != bits[rows]).mean() < 1e-4  # the twin integrates the Gaussian in 200 steps


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 60), st.integers(-30, 30), st.integers(-30, 30))
def test_a_shifted_print_has_the_same_codes(seed: int, count: int, right: int, down: int) -> None:
    random = np.random.default_rng(seed)
    x, y = random.integers(30, 330, count), random.integers(30, 330, count)
    angle = random.uniform(0, 6.28, count)
    still = Template.from_minutiae(400, 400, x, y, angle)
    moved = Template.from_minutiae(400, 400, x + right, y + down, angle)
    assert np.array_equal(still.codes, moved.codes)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.floats(0, 6.28)), max_size=12))
def test_points_on_a_line_or_on_one_another_do_no_harm(points: list[tuple[int, int, float]]) -> None:
    x, y, angle = (np.array(part) for part in zip(*points, strict=True)) if points else (np.zeros(0),) * 3
    template = Template.from_minutiae(60, 60, x, y, angle)
    bits, known = unpacked(template)
    assert not (bits & ~known[:, :, None]).any()
    level = Template.from_minutiae(60, 60, x, np.zeros(len(x)), angle)
    assert level.codes.shape == (len(x), parameters.CYLINDER_LAYERS + 1)


def test_lonely_minutiae_have_no_code() -> None:
    assert not Template.from_minutiae(100, 100, [50], [50], [0.0]).codes.any()
    assert not Template.from_minutiae(1000, 1000, [50, 900], [50, 900], [0.0, 1.0]).codes.any()
