"""What can be searched, and why not.

    picture ─► 32 x 32 windows ─► spectrum ─► share of the energy in one ridge frequency and direction = clarity
                                         └─► clear windows = ridge area; their deviation = contrast; mean period

A window of ridges has one bright pair of spots in its spectrum, at 4.5 to 16 px a period; noise spreads its energy over
all frequencies, and a smudge, a shaded wall or a face puts it into the lowest. Only ISO-like wishes are met here (a number
0..100 with its parts): it is not NFIQ 2 and must not be written where NFIQ 2 is asked for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import parameters
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


def parts(count: int, measured: Statistics | None) -> dict[str, float]:
    """Named parts of the quality, each 0..1: "minutiae", and where a picture was seen "area", "clarity", "contrast"."""
    named = {"minutiae": min(1.0, count / parameters.GOOD_MINUTIAE)}
    if measured is not None:
        named["area"] = min(1.0, measured.ridge_area_mm2 / parameters.GOOD_AREA_MM2)
        named["clarity"] = min(1.0, measured.clarity / parameters.GOOD_CLARITY)
        named["contrast"] = min(1.0, measured.contrast / parameters.GOOD_CONTRAST)
    return named


def score(count: int, measured: Statistics | None) -> int:
    """0..100: the geometric mean of the parts, so that one part that is missing is not made good by the others."""
    values = list(parts(count, measured).values())
    return round(100.0 * math.prod(values) ** (1.0 / len(values)))


def shortcomings(template: Template) -> tuple[str, ...]:
    """Why the print cannot be searched, gravest first; () where it can.

    "blank" nothing on the picture; "no-ridges" marks that are not ridges (a smudge, noise, a face); "small-area" too
    little ridge area; "low-contrast" ridges too faint; "too-few-minutiae". Without a picture only the last is judged.
    """
    found = []
    measured = template.statistics
    if measured is not None:
        if measured.deviation < parameters.BLANK_DEVIATION:
            found.append("blank")
        elif measured.ridge_share < parameters.MIN_RIDGE_SHARE:
            found.append("no-ridges")
        if measured.ridge_area_mm2 < parameters.MIN_AREA_MM2:
            found.append("small-area")
        elif measured.contrast < parameters.MIN_CONTRAST:
            found.append("low-contrast")
    if int(np.count_nonzero(template.reliability)) < parameters.MIN_CODED_MINUTIAE:
        found.append("too-few-minutiae")
    return tuple(found)
