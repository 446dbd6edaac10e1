"""Synthetic slaps with known truth: impressions of a hand's fingers beside one another on one picture.

    hand ─► Master for each position ─► impression, phalanx below ─ turned, set in place ─► GrayImage, boxes of the ends

Fingers lie as a hand's do (the middle one reaches furthest, the little one least), fan out a little, and are darker where two
overlap. Not imitated: a palm, rings, wet halos, writing, punched holes, the ghost of the capture before.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from mithaq.demo.prints import Difficulty, Master, finger, impression
from mithaq.demo.ridges import Floats, smooth_noise
from mithaq.finger.slap import ORDER
from mithaq.units import MATCHER_PPI, FingerPosition, GrayImage

Point = tuple[float, float]
HEIGHT, WIDTH, THUMBS_WIDTH = 1000, 1600, 1000  # pixels: 2 inches by 3.2, and by 2 for two thumbs
_SIZE = {1: 1.0, 2: 0.88, 3: 0.92, 4: 0.88, 5: 0.76}  # of a finger against its picture, by 1 thumb to 5 little
_DOWN = {1: 0, 2: 20, 3: -50, 4: -20, 5: 90}  # pixels, of the tip
_BEYOND = 420  # pixels below the end that the phalanx may take


@dataclass(frozen=True, slots=True)
class TrueFinger:
    """Where a finger's end lies in pixels: `corners` as `mithaq.finger.slap.Segment` has them, and the upright `box` of its
    ridges: left, right, top, bottom, within the picture."""

    position: FingerPosition
    corners: tuple[Point, ...]
    box: tuple[float, float, float, float]
    lean_rad: float


@dataclass(frozen=True, slots=True, eq=False)
class ComposedSlap:
    """The picture at 500 ppi, and its fingers from left to right."""

    image: GrayImage
    fingers: tuple[TrueFinger, ...]


def hand(seed: int) -> dict[FingerPosition, Master]:
    """The ten fingers of a synthetic person."""
    return {FingerPosition(k): finger(seed * 16 + k) for k in range(1, 11)}


def slap(
    fingers: Mapping[FingerPosition, Master],
    position: FingerPosition,
    seed: int,
    *,
    missing: Collection[FingerPosition] = (),
    lean_deg: float = 0.0,
    gap_px: float = 40.0,
    shift_px: tuple[float, float] = (0.0, 0.0),
    phalanges: bool = True,
    difficulty: Difficulty = Difficulty.CLEAN,
    noise: float = 3.0,
) -> ComposedSlap:
    """A slap of those fingers; the same arguments give the same picture.

    `lean_deg` turns the hand counter-clockwise; `gap_px` lies between neighbouring fingers, and below 0 they overlap;
    `phalanges` shows what lies below the first joint; `noise` in grey levels over the whole picture.
    """
    rng = np.random.default_rng((seed, int(position), 0x736C6170))
    order = ORDER[position]
    width = WIDTH if len(order) == 4 else THUMBS_WIDTH
    canvas = np.full((HEIGHT, width), 250.0, np.float32)
    digits = [code if code <= 5 else code - 5 for code in order]
    sizes = [_SIZE[digit] * float(rng.uniform(0.95, 1.05)) for digit in digits]
    widths = [272.0 * size for size in sizes]
    total = sum(widths) + gap_px * (len(order) - 1)
    at = -total / 2
    truth = []
    for code, digit, size, wide in zip(order, digits, sizes, widths, strict=True):
        across, down = at + wide / 2, _DOWN[digit] - 180.0 + float(rng.normal(0, 8))
        at += wide + gap_px
        fan = float(rng.normal(0, 2.0)) + across / 300.0 * -2.0  # degrees; fingers spread towards their tips
        own_seed = int(rng.integers(1 << 31))
        if code in missing:
            continue
        drawn, end, outline = _finger(fingers[FingerPosition(code)], own_seed, difficulty, phalanges, rng)
        lean = math.radians(lean_deg)
        centre = (
            width / 2 + shift_px[0] + across * math.cos(lean) + down * math.sin(lean),
            HEIGHT / 2 + shift_px[1] - across * math.sin(lean) + down * math.cos(lean),
        )
        turn = lean + math.radians(fan)
        _set(canvas, drawn, centre, turn, size)
        corners = tuple(_place(x, y, centre, turn, size) for x, y in end)
        xs, ys = zip(*(_place(x, y, centre, turn, size) for x, y in outline), strict=True)
        box = (max(0.0, min(xs)), min(width - 1.0, max(xs)), max(0.0, min(ys)), min(HEIGHT - 1.0, max(ys)))
        truth.append(TrueFinger(FingerPosition(code), corners, box, turn))
    canvas += rng.standard_normal(canvas.shape, dtype=np.float32) * noise
    pixels: NDArray[np.uint8] = np.clip(np.rint(canvas), 0, 255).astype(np.uint8)
    return ComposedSlap(GrayImage(pixels, float(MATCHER_PPI)), tuple(truth))


_MIDDLE = (176.0, 200.0)  # of an impression's picture: where a finger is turned about


def _finger(
    master: Master, seed: int, difficulty: Difficulty, phalanges: bool, rng: np.random.Generator
) -> tuple[Floats, list[Point], list[Point]]:
    """A finger upright on a picture of its own; corners and outline of its end there."""
    end = impression(master, seed, difficulty).pixels.astype(np.float32)
    end = np.minimum(255.0, end + (255.0 - np.percentile(end, 75)))  # its ground must not show as a tinted square
    marked = gaussian_filter(255.0 - end, 6.0) > 40.0
    rows, columns = np.flatnonzero(marked.any(axis=1)), np.flatnonzero(marked.any(axis=0))
    (top, bottom), (left, right) = (rows[0], rows[-1]), (columns[0], columns[-1])
    drawn = np.full((end.shape[0] + _BEYOND, end.shape[1]), 255.0, np.float32)
    drawn[: end.shape[0]] = end
    if phalanges:
        first = int(bottom + rng.uniform(18, 45))  # the crease, 1 to 2 mm without ridges
        length = int(rng.uniform(200, min(380, drawn.shape[0] - first)))
        below = _phalanx(rng, length, end.shape[1], (left + right) / 2, (right - left) * float(rng.uniform(0.72, 0.9)))
        drawn[first : first + length] = np.minimum(drawn[first : first + length], below)
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    outline = [(float(x), float(y)) for y in rows for x in np.flatnonzero(marked[y])[[0, -1]]]
    return drawn, [(float(x), float(y)) for x, y in corners], outline


def _phalanx(rng: np.random.Generator, length: int, width: int, middle: float, wide: float) -> Floats:
    """Ridges that run across the finger, bent a little, on a piece with rounded corners."""
    y, x = np.mgrid[:length, :width].astype(np.float32)
    bend = smooth_noise(rng, length, width, cell=70) * 1.2 + (x - middle) * float(rng.normal(0, 0.02))
    ridges = np.sin(2 * np.pi * y / float(rng.uniform(8.5, 10.5)) + bend)
    ridges = ridges + 0.5 * smooth_noise(rng, length, width, cell=24)
    reach = (np.abs((x - middle) / (wide / 2)) ** 4 + np.abs((y - length / 2) / (length / 2)) ** 4) ** 0.25
    contact = 1 / (1 + np.exp((reach - 0.97) * 40))
    return np.asarray(250.0 - 170.0 * contact / (1 + np.exp(-4.0 * ridges)), np.float32)


def _place(x: float, y: float, centre: tuple[float, float], lean: float, size: float) -> tuple[float, float]:
    """A point of the finger's own picture on the slap."""
    u, v = (x - _MIDDLE[0]) * size, (y - _MIDDLE[1]) * size
    return (centre[0] + u * math.cos(lean) + v * math.sin(lean), centre[1] - u * math.sin(lean) + v * math.cos(lean))


def _set(canvas: Floats, drawn: Floats, centre: tuple[float, float], lean: float, size: float) -> None:
    """Darken the canvas by the finger, turned and sized, where it lies on it."""
    corners = [_place(x, y, centre, lean, size) for x in (0, drawn.shape[1]) for y in (0, drawn.shape[0])]
    xs, ys = zip(*corners, strict=True)
    left, right = max(0, int(min(xs))), min(canvas.shape[1], int(max(xs)) + 1)
    top, bottom = max(0, int(min(ys))), min(canvas.shape[0], int(max(ys)) + 1)
    if left >= right or top >= bottom:
        return
    y, x = np.mgrid[top:bottom, left:right].astype(np.float32)
    dx, dy = x - centre[0], y - centre[1]
    u = (dx * math.cos(lean) - dy * math.sin(lean)) / size + _MIDDLE[0]
    v = (dx * math.sin(lean) + dy * math.cos(lean)) / size + _MIDDLE[1]
    seen = map_coordinates(drawn, [v, u], order=1, cval=255.0)
    part = canvas[top:bottom, left:right]
    np.minimum(part, seen, out=part)
