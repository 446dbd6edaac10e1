"""Resampling to the matcher's 500 ppi: what is kept, what is removed, and where things lie afterwards."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mithaq.errors import ImageError
from mithaq.image import ridge_period_px, to_matcher
from mithaq.units import GrayImage


def wave(size: int, period_px: float) -> NDArray[np.uint8]:
    line = 128 + 100 * np.sin(2 * np.pi * (np.arange(size) + 0.5) / period_px)
    return np.tile(np.rint(line).astype(np.uint8), (size, 1))


@pytest.mark.parametrize("ppi", [495.0, 500.0, 500.38, 505.0])
def test_what_is_at_500_within_one_percent_is_left_alone(rings: Any, ppi: float) -> None:
    image = GrayImage(rings(), ppi)
    scaled = to_matcher(image)
    assert scaled.pixels is image.pixels
    assert scaled.ppi == 500.0


@pytest.mark.parametrize(("ppi", "shape"), [(1000.0, (150, 130)), (569.0, (264, 228)), (250.0, (600, 520))])
def test_the_size_follows_the_scale(rings: Any, ppi: float, shape: tuple[int, int]) -> None:
    assert to_matcher(GrayImage(rings(300, 260), ppi)).pixels.shape == shape


@pytest.mark.parametrize("ppi", [1000.0, 569.0, 400.0])
def test_a_ridge_wave_is_the_same_wave_at_500(ppi: float) -> None:
    size = 400
    scaled = to_matcher(GrayImage(wave(size, 9.0 * ppi / 500), ppi)).pixels
    expected = wave(len(scaled), 9.0)
    inner = slice(8, -8)  # the edges repeat their last pixel
    assert np.abs(scaled[inner, inner].astype(int) - expected[inner, inner]).max() <= 3


def test_what_500_ppi_cannot_show_is_removed_and_not_folded_back() -> None:
    scaled = to_matcher(GrayImage(wave(400, 2.6), 1000.0)).pixels[8:-8, 8:-8]
    assert scaled.std() < 3.0
    assert wave(400, 2.6)[:, ::2].std() > 50.0  # what leaving out every second pixel would have made of it


@settings(max_examples=40, deadline=None)
@given(st.integers(3, 60), st.integers(3, 60), st.floats(200, 2000), st.integers(0, 255))
def test_a_flat_picture_stays_flat(height: int, width: int, ppi: float, level: int) -> None:
    if min(height, width) * 500 / ppi < 1:
        return
    scaled = to_matcher(GrayImage(np.full((height, width), level, np.uint8), ppi))
    assert (scaled.pixels == level).all()


def test_a_picture_turned_on_its_side_scales_alike(rings: Any) -> None:
    pixels = rings()
    upright = to_matcher(GrayImage(pixels, 569.0)).pixels
    np.testing.assert_array_equal(to_matcher(GrayImage(np.ascontiguousarray(pixels.T), 569.0)).pixels, upright.T)


def test_the_ridge_period_scales(rings: Any) -> None:
    assert ridge_period_px(to_matcher(GrayImage(rings(600, 600, 18.0), 1000.0)).pixels) == pytest.approx(9.0, rel=0.05)


@pytest.mark.parametrize(("shape", "ppi"), [((1, 1), 4000.0), ((6000, 6000), 100.0)])
def test_a_size_that_no_print_has_is_refused(shape: tuple[int, int], ppi: float) -> None:
    with pytest.raises(ImageError) as caught:
        to_matcher(GrayImage(np.zeros(shape, np.uint8), ppi))
    assert caught.value.code == "IMG-022"
