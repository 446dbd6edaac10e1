"""Slaps cut into fingers, on composed hands whose fingers are known; and pictures that are no slap."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import pytest

from mithaq.demo.prints import Master, impression
from mithaq.demo.slaps import ComposedSlap, hand, slap
from mithaq.errors import ImageError
from mithaq.finger.slap import Slap, cut, fingers_of, segment
from mithaq.finger.slap_findings import ERRORS, SENTENCES
from mithaq.units import FingerPosition, GrayImage

P = FingerPosition
RIGHT, LEFT, THUMBS = P.PLAIN_RIGHT_FOUR, P.PLAIN_LEFT_FOUR, P.BOTH_THUMBS


@cache
def fingers() -> dict[P, Master]:
    return hand(3)


@cache
def made(position: P, **options: Any) -> ComposedSlap:
    return slap(fingers(), position, 5, **options)


def overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    across, down = min(a[1], b[1]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[2], b[2])
    both = max(0.0, across) * max(0.0, down)
    return both / ((a[1] - a[0]) * (a[3] - a[2]) + (b[1] - b[0]) * (b[3] - b[2]) - both)


def assert_found(found: Slap, true: ComposedSlap, least: float) -> None:
    assert [one.position for one in found.fingers] == [one.position for one in true.fingers], found.findings
    for one, other in zip(found.fingers, true.fingers, strict=True):
        assert overlap(one.box, other.box) > least, (one, other)
        assert 0.0 < one.confidence <= 1.0
        assert 0 <= one.box[0] < one.box[1] < true.image.width and 0 <= one.box[2] < one.box[3] < true.image.height


def codes(found: Slap) -> list[str]:
    return [one.code for one in found.findings]


@pytest.mark.parametrize("position", [RIGHT, LEFT, THUMBS])
def test_fingers_are_found_in_their_order(position: P) -> None:
    true = made(position)
    found = segment(true.image, position)
    assert_found(found, true, 0.7)
    assert found.is_usable and abs(found.lean_rad) < math.radians(8)


@pytest.mark.parametrize("options", [{"lean_deg": 25.0}, {"lean_deg": -25.0}, {"phalanges": False}, {"noise": 25.0}])
def test_a_leaning_hand_lone_ends_and_noise_are_taken(options: dict[str, Any]) -> None:
    true = made(RIGHT, **options)
    found = segment(true.image, RIGHT)
    assert_found(found, true, 0.6)
    assert found.lean_rad == pytest.approx(math.radians(options.get("lean_deg", 0.0)), abs=math.radians(8))


def test_boxes_move_with_the_picture() -> None:
    pixels = made(RIGHT).image.pixels
    first = segment(GrayImage(pixels, 500.0), RIGHT)
    for down, across in ((16, -24), (5, 11)):
        shifted = np.full_like(pixels, 250)
        shifted[max(0, down) :, max(0, across) : pixels.shape[1] + min(0, across)] = pixels[
            : pixels.shape[0] - down, max(0, -across) : pixels.shape[1] - max(0, across)
        ]
        second = segment(GrayImage(shifted, 500.0), RIGHT)
        assert len(second.fingers) == 4
        for one, other in zip(first.fingers, second.fingers, strict=True):
            moved = np.subtract(other.box, one.box) - (across, across, down, down)
            # To the pixel where the windows fall as before, else within a window's step and what a crease's bottom moves.
            assert np.abs(moved).max() <= (0 if down % 8 == across % 8 == 0 else 24)


def test_a_missing_finger_is_left_out_and_the_others_keep_their_names() -> None:
    true = made(RIGHT, missing=(P.RIGHT_MIDDLE,))
    assert_found(segment(true.image, RIGHT, {P.RIGHT_MIDDLE: "XX"}), true, 0.7)
    for declared in ({}, {P.RIGHT_MIDDLE: "SR"}):  # a scarred finger is there
        untold = segment(true.image, RIGHT, declared)
        assert codes(untold)[0] == "FIN-056" and not untold.is_usable
        assert {one.position for one in untold.fingers} == {P.UNKNOWN} and len(untold.fingers) == 3
        assert fingers_of(true.image, untold) == ()


def test_a_finger_declared_missing_that_is_there_is_said() -> None:
    found = segment(made(LEFT).image, LEFT, {P.LEFT_RING: "UP"})
    assert codes(found)[0] == "FIN-057" and str(found.findings[0]).endswith("expected 3, met 4")


def test_touching_fingers_are_parted_and_said_to_touch() -> None:
    found = segment(made(RIGHT, phalanges=False, gap_px=0.0).image, RIGHT)
    assert [one.position for one in found.fingers] == [2, 3, 4, 5] and "FIN-060" in codes(found)


def test_a_cut_finger_is_said_to_be_cut() -> None:
    image = made(RIGHT).image
    top = min(int(one.box[2]) for one in made(RIGHT).fingers) + 60
    found = segment(GrayImage(image.pixels[top:].copy(), 500.0), RIGHT)
    assert "FIN-061" in codes(found) and any("cut" in one.marks for one in found.fingers)


def test_the_picture_of_one_finger_has_no_ridges_of_its_neighbours() -> None:
    true = made(RIGHT, lean_deg=25.0)
    for position, picture in fingers_of(true.image, segment(true.image, RIGHT)):
        other = max((one for one in true.fingers if one.position != position), key=lambda one: one.box[1])
        assert picture.ppi == 500 and picture.width < 520 and picture.height < 560
        assert position != other.position
    one = segment(true.image, RIGHT).fingers[0]
    picture = cut(true.image, one)
    middle = true.image.pixels[(one.box[2] + one.box[3]) // 2, (one.box[0] + one.box[1]) // 2]
    row, column = (one.box[2] + one.box[3]) // 2 - one.box[2] + 12, (one.box[0] + one.box[1]) // 2 - one.box[0] + 12
    assert picture.pixels[row, column] == middle


def blank(height: int = 1000, width: int = 1600) -> GrayImage:
    return GrayImage(np.full((height, width), 250, np.uint8), 500.0)


def noise() -> GrayImage:
    random = np.random.default_rng(1)
    return GrayImage(random.integers(0, 256, (1000, 1600)).astype(np.uint8), 500.0)


def palm() -> GrayImage:
    y, x = np.mgrid[:1000, :1600].astype(np.float32)
    ridges = 128 + 100 * np.sin(2 * np.pi * (y + 0.3 * x + 20 * np.sin(x / 150)) / 9)
    ridges[(x - 800) ** 2 / 600**2 + (y - 500) ** 2 / 450**2 > 1] = 250
    return GrayImage(ridges.astype(np.uint8), 500.0)


def alone() -> GrayImage:
    return impression(fingers()[P.RIGHT_INDEX], 1)


def quarter_turned() -> GrayImage:
    return GrayImage(np.ascontiguousarray(np.rot90(made(THUMBS).image.pixels)), 500.0)


@pytest.mark.parametrize(
    ("picture", "code"),
    [(blank, "FIN-054"), (lambda: blank(1, 1), "FIN-054"), (noise, "FIN-055"), (alone, "FIN-056"), (palm, "FIN-058"),
     (quarter_turned, "FIN-059")],
)  # fmt: skip
def test_what_is_no_slap_is_said_and_never_named(picture: Any, code: str) -> None:
    found = segment(picture(), RIGHT if picture is not quarter_turned else THUMBS)
    assert codes(found)[0] == code and not found.is_usable
    assert all(one.position == P.UNKNOWN for one in found.fingers)


@pytest.mark.parametrize(
    ("image", "missing", "code"),
    [
        (GrayImage(np.zeros((10, 10), np.uint8), 1000.0), {}, "FIN-050"),
        (GrayImage(np.zeros((10, 10), np.uint8), math.nan), {}, "FIN-050"),
        (GrayImage(np.zeros((0, 10), np.uint8), 500.0), {}, "FIN-051"),
        (GrayImage(np.zeros((10, 10, 3), np.uint8), 500.0), {}, "FIN-051"),
        (GrayImage(np.broadcast_to(np.uint8(0), (20_000, 20_000)), 500.0), {}, "FIN-052"),
        (GrayImage(np.zeros((10, 10), np.uint8), 500.0), {P.LEFT_INDEX: "XX"}, "FIN-053"),
        (GrayImage(np.zeros((10, 10), np.uint8), 500.0), {P.RIGHT_INDEX: "AB"}, "FIN-053"),
    ],
)
def test_what_cannot_be_asked_is_refused(image: GrayImage, missing: dict[P, str], code: str) -> None:
    with pytest.raises(ImageError) as caught:
        segment(image, RIGHT, missing)
    assert caught.value.code == code


def test_nothing_declared_gives_boxes_without_names() -> None:
    found = segment(alone(), P.UNKNOWN)
    assert len(found.fingers) == 1 and found.fingers[0].position == P.UNKNOWN
    assert segment(alone(), P.PLAIN_LEFT_THUMB).fingers[0].position == P.LEFT_THUMB


def test_every_finding_has_a_sentence_in_both_languages() -> None:
    assert list(SENTENCES) == [f"FIN-{k:03d}" for k in range(54, 70)] and set(ERRORS) < set(SENTENCES)
    for english, arabic in SENTENCES.values():
        assert english.isascii() and any("\u0600" <= letter <= "\u06ff" for letter in arabic)
