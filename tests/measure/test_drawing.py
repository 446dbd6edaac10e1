"""Pictures of prints: what must be in them is there, whatever the template."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mithaq.finger import Template, compare, parameters
from mithaq.finger.quality import blocks, orientation
from mithaq.image import Box, png_pixels
from mithaq.measure import drawing, lettering
from mithaq.measure.drawing import BLUE, MARGIN, ORANGE, SCALE, Seen, draw_pair, draw_print


def ridges(angle_rad: float, size: int = 160) -> np.ndarray:
    y, x = np.mgrid[:size, :size]
    across = -x * np.sin(angle_rad) - y * np.cos(angle_rad)
    return (128 + 90 * np.cos(2 * np.pi * across / 9)).astype(np.uint8)


def template(count: int = 20, seed: int = 0, size: int = 160) -> Template:
    random = np.random.default_rng(seed)
    x, y = random.integers(12, size - 12, (2, count))
    return Template.from_minutiae(size, size, x, y, random.uniform(0, 6, count), kind=random.integers(0, 3, count))


@pytest.mark.parametrize("angle", [0.0, 0.4, 1.2, 2.0, 3.0])
def test_the_ridges_run_as_they_were_made(angle: float) -> None:
    found = orientation(ridges(angle))
    assert found.shape == blocks(ridges(angle)).clarity.shape
    assert np.abs(np.exp(2j * found) - np.exp(2j * angle)).max() < 0.05


def test_an_ending_is_blue_a_fork_orange_and_both_where_they_belong() -> None:
    one = Template.from_minutiae(100, 100, [30, 70], [40, 60], [0.0, np.pi / 2], kind=[1, 2])
    drawn = draw_print(Seen(one, np.full((100, 100), 255, np.uint8))).astype(int)
    for x, y, colour in ((30, 40, BLUE), (70, 60, ORANGE)):
        near = drawn[
            MARGIN + SCALE * y - 12 : MARGIN + SCALE * y + 12, MARGIN + SCALE * x - 12 : MARGIN + SCALE * x + 12
        ]
        assert np.abs(near - np.array(colour)).sum(axis=2).min() < 12
    assert drawn[MARGIN + 81, MARGIN + 61 + 15].sum() < 700  # the ending's stroke points to the right
    assert drawn[MARGIN + 121 - 15, MARGIN + 141].sum() < 700  # the fork's upwards


def test_less_sure_is_paler() -> None:
    sums = []
    for quality in (20, 100):
        one = Template.from_minutiae(100, 100, [50], [50], [0.0], quality=[quality])
        sums.append(int(draw_print(Seen(one))[:200].sum()))
    assert sums[0] > sums[1]


def test_two_prints_stand_side_by_side_with_a_line_for_each_pair() -> None:
    a = template()
    score = compare(a, a)
    assert len(score.pairs) > 10
    drawn = draw_pair(Seen(a, ridges(0.0)), Seen(a, ridges(0.0)), score)
    unpaired = draw_pair(Seen(a, ridges(0.0)), Seen(a, ridges(0.0)), dataclasses.replace(score, pairs=score.pairs[:0]))
    seam = slice(MARGIN + SCALE * 160 + 2, 2 * MARGIN + SCALE * 160 - 2)
    assert drawn.shape == unpaired.shape
    assert (unpaired[: SCALE * 160, seam] == 255).all()
    assert (drawn[: SCALE * 160, seam] < 255).any(axis=2).sum() > 10


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 30), st.integers(0, 99))
def test_any_size_and_any_template_can_be_drawn(width: int, height: int, count: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    x, y = random.integers(0, width, count), random.integers(0, height, count)
    one = Template.from_minutiae(width, height, x, y, random.uniform(0, 6, count))
    pixels = random.integers(0, 256, (height, width)).astype(np.uint8)
    assert draw_print(Seen(one, pixels, blocks(pixels), orientation(pixels))).shape[2] == 3
    assert draw_pair(Seen(one), Seen(one, pixels), compare(one, one)).dtype == np.uint8


def test_the_words_have_their_letters() -> None:
    for name in (*parameters.QUALITY_WEIGHTS, *compare(template(), template()).parts, "quality 12 / 100", "mm2", "0.5"):
        assert lettering.letters(name).any()
    assert len({glyph.tobytes() for glyph in lettering.GLYPHS.values()}) == len(lettering.GLYPHS)
    assert drawing.SCALE == 2


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_a_colour_png_reads_back_as_it_was(width: int, height: int, seed: int) -> None:
    import io

    from PIL import Image

    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
    with Image.open(io.BytesIO(png_pixels(pixels, 1000))) as read:
        np.testing.assert_array_equal(np.asarray(read), pixels)


def test_the_box_reads_the_drawing_too() -> None:
    with Box() as box:
        assert box.decode(png_pixels(draw_print(Seen(template())), 1000)).pixels.shape[1] >= 640
