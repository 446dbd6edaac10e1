"""The descriptor against its slow twin, and what it must not depend on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spirals import finger
from twins import bits_of, codes

from mithaq.errors import SettingsError
from mithaq.finger import Template, descriptor, parameters


@pytest.mark.parametrize(("seed", "count"), [(1, 12), (2, 20), (3, 36)])
def test_codes_are_those_of_the_twin(seed: int, count: int) -> None:
    template = finger(seed, count)
    values, trust, has_code = codes(template, descriptor.shipped_network())
    assert np.array_equal(template.reliability > 0, has_code)
    clear = np.abs(values) > 1e-3  # the kernel counts in single precision
    assert clear[has_code].mean() > 0.99
    assert np.array_equal(bits_of(template)[clear & has_code[:, None]], values[clear & has_code[:, None]] > 0.0)
    assert np.allclose(template.reliability[has_code], np.maximum(1.0, 255.0 * trust[has_code]), atol=0.51)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 60), st.integers(-30, 30), st.integers(-30, 30))
def test_a_shifted_print_has_the_same_codes(seed: int, count: int, right: int, down: int) -> None:
    random = np.random.default_rng(seed)
    x, y = random.integers(30, 330, count), random.integers(30, 330, count)
    angle = random.uniform(0, 6.28, count)
    still = Template.from_minutiae(400, 400, x, y, angle)
    moved = Template.from_minutiae(400, 400, x + right, y + down, angle)
    assert np.array_equal(still.codes, moved.codes)
    assert np.array_equal(still.reliability, moved.reliability)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 3))
def test_a_print_turned_by_quarters_has_the_same_codes(seed: int, quarters: int) -> None:
    a = finger(seed)
    x, y = a.x_px.astype(int), a.y_px.astype(int)
    for _ in range(quarters):
        x, y = y, 419 - x  # counter-clockwise as seen
    turned = Template.from_minutiae(420, 420, x, y, a.angle_rad + quarters * np.pi / 2, quality=a.quality, kind=a.kind)
    places = {(int(p), int(q)): k for k, (p, q) in enumerate(zip(turned.x_px, turned.y_px, strict=True))}
    order = [places[int(p), int(q)] for p, q in zip(x, y, strict=True)]
    assert (bits_of(a) != bits_of(turned)[order]).mean() < 1e-3


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.floats(0, 6.28)), max_size=12))
def test_points_on_a_line_or_on_one_another_do_no_harm(points: list[tuple[int, int, float]]) -> None:
    x, y, angle = (np.array(part) for part in zip(*points, strict=True)) if points else (np.zeros(0),) * 3
    template = Template.from_minutiae(60, 60, x, y, angle)
    assert not template.codes[template.reliability == 0].any()
    level = Template.from_minutiae(60, 60, x, np.zeros(len(x)), angle)
    assert level.codes.shape == (len(x), descriptor.WORDS)


def test_lonely_minutiae_have_no_code() -> None:
    lonely = Template.from_minutiae(1000, 1000, [50, 900], [50, 900], [0.0, 1.0])
    assert not Template.from_minutiae(100, 100, [50], [50], [0.0]).reliability.any()
    assert not lonely.codes.any()
    assert not lonely.reliability.any()


def test_a_network_that_is_not_the_measured_one_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(descriptor.resources, "files", lambda _: tmp_path)
    for content in (None, b"another"):
        if content is not None:
            (tmp_path / parameters.DESCRIPTOR_FILE).write_bytes(content)
        with pytest.raises(SettingsError, match="FIN-031"):
            descriptor.shipped_network.__wrapped__()
