"""What can be searched, and why not.

    picture ─► 32 x 32 windows ─► spectrum ─► share of the energy in one ridge frequency and direction = clarity
                                         └─► clear windows = ridge area; their deviation = contrast; mean period
    minutiae ─► count, certainty, extent ─┬─► quality 0..100, and its parts
                        clarity ──────────┘

A window of ridges has one bright pair of spots in its spectrum, at 4.5 to 16 px a period; noise spreads its energy over
all frequencies, and a smudge, a shaded wall or a face puts it into the lowest. The quality itself comes from the minutiae
first: what a matcher can use. It is a number of our own, with its parts; no other measure's name fits it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import parameters
from .minutiae import Minutiae
from .template import Statistics, Template


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """Per window (rows, columns): `clarity` 0..1, `deviation` in grey levels, `period_px`; `is_ridge` where it counts."""

    clarity: NDArray[np.float32]
    deviation: NDArray[np.float32]
    period_px: NDArray[np.float32]
    is_ridge: NDArray[np.bool_]


def blocks(pixels: NDArray[np.uint8]) -> Blocks:
    """The windows of a picture at 500 ppi, a half window apart; none where the picture is smaller than one."""
    side, step = parameters.BLOCK, parameters.BLOCK_STEP
    height, width = pixels.shape
    if height < side or width < side:
        empty = np.zeros((0, 0), np.float32)
        return Blocks(empty, empty, empty, empty.astype(np.bool_))
    rows = [_row(pixels[top : top + side]) for top in range(0, height - side + 1, step)]
    clarity, deviation, period = (np.stack(parts) for parts in zip(*rows, strict=True))
    is_ridge = (clarity >= parameters.MIN_CLARITY) & (deviation >= parameters.MIN_DEVIATION)
    return Blocks(clarity, deviation, period, is_ridge)


def _row(strip: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Clarity, deviation and period of each window in a strip one window high."""
    side = parameters.BLOCK
    views = np.lib.stride_tricks.sliding_window_view(strip, side, axis=1)[:, :: parameters.BLOCK_STEP]
    windows = views.transpose(1, 0, 2).astype(np.float32)
    windows -= windows.mean(axis=(1, 2), keepdims=True)
    deviation = windows.std(axis=(1, 2))
    taper = np.hanning(side + 2)[1:-1].astype(np.float32)
    power = np.abs(np.fft.fft2(windows * taper * taper[:, None])) ** 2
    power[:, 0, 0] = 0.0
    banded = np.where(_BAND, power, 0.0)
    around = sum(np.roll(banded, (dy, dx), axis=(1, 2)) for dy in (-1, 0, 1) for dx in (-1, 0, 1))
    in_band = np.where(_BAND, around, 0.0).reshape(len(power), -1)
    best = in_band.argmax(axis=1)
    total = power.sum(axis=(1, 2))
    clarity = 2.0 * in_band[np.arange(len(best)), best] / np.maximum(total, 1e-6)
    return (
        np.minimum(clarity, 1.0).astype(np.float32),
        deviation.astype(np.float32),
        (1.0 / np.maximum(_RADIUS.reshape(-1)[best], 1e-6)).astype(np.float32),
    )


def orientation(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Per window as `blocks`: the ridges' direction in [0, π), counter-clockwise as seen, from the gradients' squares."""
    side, step = parameters.BLOCK, parameters.BLOCK_STEP
    if min(pixels.shape) < side:
        return np.zeros((0, 0), np.float32)
    down, across = np.gradient(pixels.astype(np.float32))
    squared = (across - 1j * down) ** 2  # doubled angles add up where opposite gradients would cancel
    sums = np.pad(squared.cumsum(0, np.complex128).cumsum(1), ((1, 0), (1, 0)))
    tops, lefts = (np.arange(0, size - side + 1, step) for size in pixels.shape)
    upper, lower = sums[tops], sums[tops + side]
    window = lower[:, lefts + side] - lower[:, lefts] - upper[:, lefts + side] + upper[:, lefts]
    return np.asarray(np.mod(np.angle(window) / 2.0 + np.pi / 2.0, np.pi), np.float32)


_FREQUENCY = np.fft.fftfreq(parameters.BLOCK)
_RADIUS = np.hypot(_FREQUENCY[:, None], _FREQUENCY[None, :])
_BAND = (_RADIUS >= 1.0 / parameters.MAX_PERIOD) & (_RADIUS <= 1.0 / parameters.MIN_PERIOD)


def statistics(pixels: NDArray[np.uint8], found: Blocks) -> Statistics:
    """The picture's windows in six numbers; all 0 where it is smaller than a window."""
    if not found.is_ridge.size:
        return Statistics(0.0, 0.0, 0.0, 0.0, 0.0, float(pixels.std()) if pixels.size else 0.0)
    ridge = found.is_ridge
    count = int(ridge.sum())
    marked = int((found.deviation >= parameters.MIN_DEVIATION).sum())
    area = count * (parameters.BLOCK_STEP * parameters.MM_PER_PIXEL) ** 2
    numbers = (
        area,
        float(found.deviation[ridge].mean()) if count else 0.0,
        count / marked if marked else 0.0,
        float(found.clarity[ridge].mean()) if count else 0.0,
        float(np.median(found.period_px[ridge])) if count else 0.0,
        float(pixels.std()),
    )
    return Statistics(*(float(np.float32(n)) for n in numbers))


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the quality: `value` 0..1 as it counts, `measured` in its own `unit`, `grade` good, fair or poor.

    `reason` is the key of the sentence that a person reads, "minutiae-poor" and the like (pact/labels.toml, `quality`).
    """

    name: str
    value: float
    measured: float
    unit: str

    @property
    def grade(self) -> str:
        return "good" if self.value >= GOOD else "fair" if self.value >= FAIR else "poor"

    @property
    def reason(self) -> str:
        return f"{self.name}-{self.grade}"


GOOD, FAIR = 0.75, 0.45


def parts(found: Minutiae, measured: Statistics | None) -> tuple[Part, ...]:
    """What the quality is made of.

    "minutiae" how many, each counted as far as it is sure; "certainty" how sure they are; "extent" the area that they
    span (their convex hull); "clarity" of the ridges, only where a picture was seen.
    """
    sure = found.quality.astype(np.float64) / 100.0
    certainty = float(sure.mean()) if len(sure) else 0.0
    extent = _hull_px2(found) * parameters.MM_PER_PIXEL**2
    rows = [
        ("minutiae", float(sure.sum()), parameters.FULL_MINUTIAE, "minutiae"),
        ("certainty", certainty, parameters.FULL_CERTAINTY, "share"),
        ("extent", extent, parameters.FULL_EXTENT_MM2, "mm2"),
    ]
    if measured is not None:
        rows.append(("clarity", measured.clarity, parameters.FULL_CLARITY, "share"))
    return tuple(Part(name, min(1.0, value / full), value, unit) for name, value, full, unit in rows)


def score(found: Minutiae, measured: Statistics | None) -> int:
    """0..100: the weighted geometric mean of the parts, so that one part that is missing is not made good by the others."""
    shares = parts(found, measured)
    if not all(part.value for part in shares):
        return 0
    weights = [parameters.QUALITY_WEIGHTS[part.name] for part in shares]
    total = sum(weight * math.log(part.value) for weight, part in zip(weights, shares, strict=True))
    return round(100.0 * math.exp(total / sum(weights)))


def _hull_px2(found: Minutiae) -> float:
    """The area of the minutiae's convex hull (Andrew's monotone chain); 0 for fewer than three."""
    points = sorted(set(zip(found.x_px.tolist(), found.y_px.tolist(), strict=True)))
    outline: list[tuple[int, int]] = []
    for way in (points, points[::-1]):
        start = len(outline)
        for x, y in way:
            while len(outline) >= start + 2:
                (ax, ay), (bx, by) = outline[-2:]
                if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0:
                    break
                outline.pop()
            outline.append((x, y))
        outline.pop() if outline else None
    ends = zip(outline, outline[1:] + outline[:1], strict=True)
    return abs(sum(ax * by - bx * ay for (ax, ay), (bx, by) in ends)) / 2.0


def shortcomings(template: Template) -> tuple[str, ...]:
    """Why the print cannot be searched, gravest first; () where it can.

    "blank" nothing on the picture; "no-ridges" marks that are not ridges (a smudge, noise, a face); "small-area" too
    little ridge area; "low-contrast" ridges too faint; "too-few-minutiae". Without a picture only the last is judged.
    Ridges have two witnesses: where few windows show them, minutiae of the network speak for a print nevertheless.
    """
    found = []
    has_few = int(np.count_nonzero(template.reliability)) < parameters.MIN_CODED_MINUTIAE
    measured = template.statistics
    if measured is not None:
        if measured.deviation < parameters.BLANK_DEVIATION:
            found.append("blank")
        elif measured.ridge_share < (parameters.MIN_RIDGE_SHARE if has_few else parameters.LEAST_RIDGE_SHARE):
            found.append("no-ridges")
        if measured.ridge_area_mm2 < parameters.MIN_AREA_MM2:
            found.append("small-area")
        elif measured.contrast < parameters.MIN_CONTRAST:
            found.append("low-contrast")
    if has_few:
        found.append("too-few-minutiae")
    return tuple(found)
