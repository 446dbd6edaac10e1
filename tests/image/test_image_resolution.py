"""Whose word on resolution is taken, and when the ridges contradict it."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mithaq.errors import ImageError
from mithaq.image import Box, gray_image, png_bytes, print_image, ridge_period_px
from mithaq.units import FingerPosition, GrayImage, PrintImage


def png(pixels: Any, ppi: float | None) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", **({"dpi": (ppi, ppi)} if ppi else {}))
    return out.getvalue()


def record(pixels: Any, record_ppi: float | None, file_ppi: float | None) -> PrintImage:
    height, width = pixels.shape
    return PrintImage(FingerPosition.RIGHT_INDEX, 0, "PNG", width, height, record_ppi, png(pixels, file_ppi))


def test_the_record_comes_before_the_file(box: Box, rings: Any) -> None:
    assert gray_image(box, record(rings(), 500.0, 600.0)).ppi == 500.0


def test_the_file_comes_where_the_record_is_silent(box: Box, rings: Any) -> None:
    assert gray_image(box, record(rings(), None, 500.0)).ppi == 500.0
    assert gray_image(box, png(rings(), 500.0)).ppi == 500.0


def test_the_users_word_wins_over_both(box: Box, rings: Any) -> None:
    assert gray_image(box, record(rings(), 500.0, 500.0), user_ppi=569.0).ppi == 569.0
    assert gray_image(box, png(rings(), 96.0), user_ppi=500.0).ppi == 500.0
    assert gray_image(box, png(rings(), None), user_ppi=500.0).ppi == 500.0


def test_a_word_on_many_files_counts_only_where_none_can_be_believed(box: Box, rings: Any) -> None:
    assert gray_image(box, png(rings(), 500.0), default_ppi=569.0).ppi == pytest.approx(500.0, rel=1e-3)
    assert gray_image(box, record(rings(), 500.0, 500.0), default_ppi=569.0).ppi == 500.0
    assert gray_image(box, png(rings(), 72.0), default_ppi=569.0).ppi == 569.0
    assert gray_image(box, png(rings(), None), default_ppi=569.0).ppi == 569.0
    with pytest.raises(ImageError) as refused:
        gray_image(box, png(rings(), 500.0), default_ppi=20.0)
    assert refused.value.code == "IMG-020"


def test_where_nobody_says_it_the_error_says_so(box: Box, rings: Any) -> None:
    with pytest.raises(ImageError) as caught:
        gray_image(box, png(rings(), None), place="scan 3")
    assert caught.value.code == "IMG-017"
    assert caught.value.place == "scan 3"
    assert "--ppi" in caught.value.remedy


@pytest.mark.parametrize("ppi", [72.0, 96.0, 150.0, 1200.0, 2400.0])
def test_a_density_that_nine_pixel_ridges_contradict_needs_the_users_word(box: Box, rings: Any, ppi: float) -> None:
    with pytest.raises(ImageError) as caught:
        gray_image(box, png(rings(), ppi))
    assert caught.value.code == "IMG-018"
    assert "--ppi" in caught.value.remedy


@pytest.mark.parametrize("ppi", [72.0, 96.0, 150.0])
def test_a_record_is_not_believed_any_more_than_a_file(box: Box, rings: Any, ppi: float) -> None:
    with pytest.raises(ImageError) as caught:
        gray_image(box, record(rings(), ppi, 500.0))
    assert caught.value.code == "IMG-018"
    assert "record" in caught.value.problem


@pytest.mark.parametrize(("period_px", "ppi"), [(9, 500), (18, 1000), (6.5, 500), (12.5, 500), (5.4, 300), (26, 1000)])
def test_true_densities_pass(box: Box, rings: Any, period_px: float, ppi: float) -> None:
    assert gray_image(box, png(rings(400, 400, period_px), ppi)).ppi == ppi


@pytest.mark.parametrize("ppi", [72.0, 96.0, 150.0, 5000.0])
def test_a_picture_without_ridges_contradicts_only_the_absurd(box: Box, ppi: float) -> None:
    blank = np.full((300, 300), 230, np.uint8)
    assert gray_image(box, png(blank, 500.0)).ppi == 500.0
    with pytest.raises(ImageError) as caught:
        gray_image(box, png(blank, ppi))
    assert caught.value.code == "IMG-019"


@pytest.mark.parametrize("ppi", [0.0, -500.0, 72.0, 5000.0, float("nan"), float("inf")])
def test_the_users_word_must_be_one_that_a_scanner_could_keep(box: Box, rings: Any, ppi: float) -> None:
    with pytest.raises(ImageError) as caught:
        gray_image(box, png(rings(), 500.0), user_ppi=ppi)
    assert caught.value.code == "IMG-020"


def test_uneven_densities_are_refused_until_the_user_speaks(box: Box, rings: Any) -> None:
    out = io.BytesIO()
    Image.fromarray(rings()).save(out, "TIFF", dpi=(500, 250))
    with pytest.raises(ImageError) as caught:
        gray_image(box, out.getvalue())
    assert caught.value.code == "IMG-021"
    assert gray_image(box, out.getvalue(), user_ppi=500.0).ppi == 500.0


def test_uncompressed_pixels_of_a_record(box: Box, rings: Any) -> None:
    pixels = rings(300, 260)
    source = PrintImage(FingerPosition.LEFT_THUMB, 1, "NONE", 260, 300, 500.0, pixels.tobytes())
    np.testing.assert_array_equal(gray_image(box, source).pixels, pixels)


@pytest.mark.parametrize("period_px", [3.5, 5.0, 9.0, 13.0, 18.0, 25.0])
def test_the_ridge_period_is_measured(rings: Any, period_px: float) -> None:
    assert ridge_period_px(rings(400, 400, period_px)) == pytest.approx(period_px, rel=0.08)


@pytest.mark.parametrize("kind", ["noise", "blank", "tiny", "gradient", "lettering"])
def test_what_is_no_print_has_no_ridge_period(kind: str) -> None:
    rng = np.random.default_rng(3)
    pictures = {
        "noise": rng.integers(0, 256, (300, 300)),
        "blank": np.full((300, 300), 200),
        "tiny": rng.integers(0, 256, (20, 20)),
        "gradient": np.add.outer(np.arange(300), np.arange(300)) * 255 // 600,
        "lettering": np.kron(rng.integers(0, 2, (15, 15)) * 255, np.ones((20, 20), int)),
    }
    assert ridge_period_px(pictures[kind].astype(np.uint8)) is None


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 24), st.integers(1, 24), st.integers(100, 4000), st.randoms(use_true_random=False))
def test_our_own_pictures_come_back_as_they_went(box: Box, height: int, width: int, ppi: int, random: Any) -> None:
    pixels = np.frombuffer(random.randbytes(height * width), np.uint8).reshape(height, width)
    picture = box.decode(png_bytes(GrayImage(pixels, float(ppi))))
    np.testing.assert_array_equal(picture.pixels, pixels)
    assert picture.ppi == ppi


def test_a_print_image_of_ours_reads_back(box: Box, rings: Any) -> None:
    image = GrayImage(rings(), 500.0)
    travelling = print_image(image, FingerPosition.RIGHT_THUMB, 0)
    assert (travelling.compression, travelling.width, travelling.height, travelling.ppi) == ("PNG", 260, 300, 500.0)
    again = gray_image(box, travelling)
    np.testing.assert_array_equal(again.pixels, image.pixels)
    assert len(travelling.data) < image.pixels.size
