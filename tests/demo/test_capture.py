"""Hard captures: the same from the same seed, and minutiae carried through the warp to where the skin lies."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from mithaq.demo.capture import CELL, capture, coded
from mithaq.demo.ridges import finger


@pytest.fixture(scope="module")
def masters():  # type: ignore[no-untyped-def]
    return finger(1), finger(2)


def test_a_capture_is_made_from_its_seed_alone(masters) -> None:  # type: ignore[no-untyped-def]
    first, second, other = (
        capture(masters[0], np.random.default_rng(seed), 128, 160, ghost=masters[1]) for seed in (3, 3, 4)
    )
    assert np.array_equal(first.pixels, second.pixels)
    assert not np.array_equal(first.pixels, other.pixels)
    assert first.pixels.shape == (128, 160)
    assert first.shown.shape == (128 // CELL, 160 // CELL)


@pytest.mark.parametrize("seed", range(6))
def test_skin_points_are_found_again_in_the_picture(masters, seed: int) -> None:  # type: ignore[no-untyped-def]
    made = capture(masters[0], np.random.default_rng((9, seed)), 224, 224)
    random = np.random.default_rng(seed)
    rows, columns = random.integers(12, 212, (2, 40))
    step = random.uniform(0, 2 * np.pi, 40)
    ahead = np.rint(columns + 9 * np.cos(step)).astype(int), np.rint(rows - 9 * np.sin(step)).astype(int)
    x, y = made.columns[rows, columns], made.rows[rows, columns]
    dx, dy = made.columns[ahead[1], ahead[0]] - x, made.rows[ahead[1], ahead[0]] - y
    back_x, back_y, angle, inside = made.places(x, y, np.arctan2(-dy, dx).astype(np.float32))
    assert inside.all()
    assert np.hypot(back_x - columns, back_y - rows).max() < 1.0
    off = np.angle(np.exp(1j * (angle - np.arctan2(rows - ahead[1], ahead[0] - columns))))
    assert np.abs(off).max() < 0.25


def test_what_is_shown_is_higher_where_the_finger_touches(masters) -> None:  # type: ignore[no-untyped-def]
    every = [capture(masters[0], np.random.default_rng((5, seed)), 224, 224).shown for seed in range(12)]
    assert all((shown >= 0).all() and (shown <= 1).all() for shown in every)
    assert np.mean([shown.max() for shown in every]) > 0.75
    assert np.mean([shown.min() for shown in every]) < 0.2


@pytest.mark.parametrize("quality", [20, 50, 75])
def test_coding_leaves_what_a_jpeg_codec_leaves(masters, quality: int) -> None:  # type: ignore[no-untyped-def]
    pixels = capture(masters[1], np.random.default_rng(8), 100, 92).pixels
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality)
    other = np.asarray(Image.open(stream), np.float32)
    off = np.abs(coded(pixels.astype(np.float32), quality) - other)
    assert off.mean() < 0.5
    assert off.mean() < 0.1 * np.abs(pixels - other).mean()
