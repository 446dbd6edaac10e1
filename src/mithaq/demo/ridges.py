"""One finger's ridges from a seed: an orientation field with cores and deltas, then ridges grown along it from noise.

    seed ─► class, cores, deltas ─► orientation (h, w) ─► ridges grown by repeated directional filtering ─► Master

The orientation is the zero-pole model of Sherlock and Monro (1993): a core turns it by half a turn, a delta by minus half
a turn; a periodic correction of each singularity's angle, in the manner of Vizcaya and Gerhardt (1996), and an arching of
the flanks make it look less like algebra. Ridges grow as in Cappelli's synthesis: noise, filtered again and again along
the local orientation and near one frequency, settles into ridges that end and fork where the field forces them to.
The filters are steerable (Freeman and Adelson 1991): circular harmonics of one radial band, mixed in each pixel.
Nothing here looks at a picture, and no real finger is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from math import comb, pi
from typing import Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

Floats = NDArray[np.float32]

WIDTH_PX: Final = (
    384  # at 500 ppi: 19.5 mm, more than any impression shows, so that impressions can differ in their part
)
HEIGHT_PX: Final = 448
PERIOD_PX: Final = 9.0  # mean ridge period of adults at 500 ppi, about 0.46 mm
_STEP: Final = 2  # ridges grow on every second pixel: 4.5 samples a period are enough, and cost a quarter
_ROUNDS: Final = 9  # of filtering; fewer leave noise, more iron minutiae out
_HARMONICS: Final = 7  # the filter's angular shape is cos^14: half its height at 18 degrees
_BANDWIDTH: Final = 0.22  # of the radial band, standard deviation of log frequency
_GAIN: Final = 2.2  # of the soft clipping after a round, in standard deviations
_PORE_SPACING_PX: Final = 13.0  # mean distance of pores that show, about 0.65 mm


class Pattern(StrEnum):
    """The classes of the Henry system, as far as they are synthesised."""

    ARCH = "arch"
    TENTED_ARCH = "tented arch"
    LEFT_LOOP = "left loop"
    RIGHT_LOOP = "right loop"
    WHORL = "whorl"


# Natural frequencies, rounded (Wilson, Candela and Watson 1993).
_PATTERNS: Final = (
    (Pattern.ARCH, 0.04),
    (Pattern.TENTED_ARCH, 0.03),
    (Pattern.LEFT_LOOP, 0.34),
    (Pattern.RIGHT_LOOP, 0.31),
    (Pattern.WHORL, 0.28),
)


@dataclass(frozen=True, slots=True, eq=False)
class Master:
    """One finger's skin, from which impressions are made.

    `ridges` int8 (448, 384) at 500 ppi: 127 on a ridge's crest, -127 in a valley's floor. `pores` and `creases` uint8 of
    the same shape: how much of the ridge is missing there, 0 to 255, more or less visible from impression to impression.
    """

    seed: int
    pattern: Pattern
    ridges: NDArray[np.int8]
    pores: NDArray[np.uint8]
    creases: NDArray[np.uint8]


def finger(seed: int) -> Master:
    """The finger of that seed; the same seed gives the same finger."""
    rng = np.random.default_rng((seed, 0x72696467))
    names = [name for name, _ in _PATTERNS]
    pattern = names[int(rng.choice(len(names), p=[share for _, share in _PATTERNS]))]
    height, width = HEIGHT_PX // _STEP, WIDTH_PX // _STEP
    angle = orientation(pattern, rng, height, width, step=_STEP)
    coarse = _grow_ridges(angle, rng)
    rows, columns = _uneven_period(rng)
    ridges = map_coordinates(coarse, np.stack([rows, columns]), order=3, mode="grid-wrap", output=np.float32)
    ridges = np.clip(ridges * 1.15, -1.0, 1.0)
    return Master(
        seed=seed,
        pattern=pattern,
        ridges=np.rint(ridges * 127).astype(np.int8),
        pores=_pores(ridges, rng),
        creases=_creases(rng),
    )


def orientation(pattern: Pattern, rng: np.random.Generator, height: int, width: int, *, step: int) -> Floats:
    """Ridge orientation in radians, (height, width) samples `step` pixels apart, counter-clockwise from the x axis, modulo π."""
    x = (np.arange(width, dtype=np.float32) * step - WIDTH_PX / 2)[None, :]
    y = (HEIGHT_PX / 2 - np.arange(height, dtype=np.float32) * step)[:, None]
    cores, deltas = _singularities(pattern, rng)
    if not cores:
        rise = rng.uniform(0.9, 1.5)
        flank = np.exp(-(((y + rng.uniform(-40, 0)) / 130) ** 2))
        angle = np.arctan(-rise * flank * np.sin(np.clip(x / rng.uniform(150, 180), -1, 1) * pi))
    else:
        angle = np.zeros((height, width), dtype=np.float32)
        for sign, points in ((0.5, cores), (-0.5, deltas)):
            for px, py in points:
                turn = np.arctan2(y - py, x - px)
                a, b = rng.normal(0.0, 0.12, 2)
                angle = angle + sign * (turn + a * np.sin(turn - pi / 2) + b * np.sin(2 * turn))
        arching = rng.uniform(0.35, 0.6)
        foot = max(py for _, py in deltas) + 20
        angle = angle - arching * np.tanh((x - cores[0][0]) / 75) / (1 + np.exp(-(y - foot) / 35))
    angle = angle + 0.10 * smooth_noise(rng, height, width, cell=90 / step)
    return np.asarray(np.mod(angle, pi), dtype=np.float32)


def _singularities(
    pattern: Pattern, rng: np.random.Generator
) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """Cores and deltas as (x, y) pixels from the middle of the finger, y upwards."""
    cx, cy = float(rng.normal(0, 10)), float(rng.normal(25, 12))
    if pattern is Pattern.ARCH:
        return [], []
    if pattern is Pattern.TENTED_ARCH:
        return [(cx, cy - 10)], [(cx + float(rng.normal(0, 6)), cy - float(rng.uniform(70, 100)))]
    if pattern is Pattern.WHORL:
        gap = float(rng.uniform(18, 70))
        lean = float(rng.normal(0, 12))
        return (
            [(cx + lean / 2, cy + gap / 2), (cx - lean / 2, cy - gap / 2)],
            [
                (cx - float(rng.uniform(85, 130)), cy - float(rng.uniform(85, 140))),
                (cx + float(rng.uniform(85, 130)), cy - float(rng.uniform(85, 140))),
            ],
        )
    side = 1.0 if pattern is Pattern.LEFT_LOOP else -1.0  # a left loop runs out to the left: its delta lies right
    return [(cx, cy)], [(cx + side * float(rng.uniform(75, 125)), cy - float(rng.uniform(90, 145)))]


def _grow_ridges(angle: Floats, rng: np.random.Generator) -> Floats:
    """Ridges as float32 in [-1, 1], same shape as `angle`, grown from noise."""
    height, width = angle.shape
    bank = _filter_bank(height, width)
    orders = np.arange(_HARMONICS + 1)
    weights = np.array([comb(2 * _HARMONICS, _HARMONICS - k) * (1 if k == 0 else 2) for k in orders], dtype=np.float32)
    weights /= weights.sum()
    # In the image y runs down, and the wave runs across the ridge: hence the sign and the quarter turn.
    across = -angle + np.float32(pi / 2)
    steer = (weights[:, None, None] * np.exp(-2j * orders[:, None, None] * across[None])).astype(np.complex64)
    ridges = rng.standard_normal((height, width), dtype=np.float32)
    for _ in range(_ROUNDS):
        spectrum = scipy.fft.fft2(ridges)
        parts = scipy.fft.ifft2(bank * spectrum[None], axes=(1, 2), overwrite_x=True)
        filtered = np.einsum("khw,khw->hw", parts.real, steer.real) - np.einsum("khw,khw->hw", parts.imag, steer.imag)
        ridges = np.tanh(filtered * np.float32(_GAIN / float(filtered.std())))
    return ridges


@lru_cache(maxsize=2)
def _filter_bank(height: int, width: int) -> NDArray[np.complex64]:
    """Circular harmonics of one radial band in the frequency plane, (harmonics, height, width)."""
    fy = scipy.fft.fftfreq(height)[:, None]
    fx = scipy.fft.fftfreq(width)[None, :]
    radius = np.hypot(fx, fy)
    radius[0, 0] = 1e-6
    band = np.exp(-0.5 * (np.log(radius * PERIOD_PX / _STEP) / _BANDWIDTH) ** 2)
    direction = np.arctan2(fy, fx)
    return np.stack([band * np.exp(2j * k * direction) for k in range(_HARMONICS + 1)]).astype(np.complex64)


def _uneven_period(rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Where each pixel of the finger looks on the growth grid: a smooth warp, so that the period varies by some percent."""
    rows = np.broadcast_to(np.arange(HEIGHT_PX, dtype=np.float32)[:, None], (HEIGHT_PX, WIDTH_PX))
    columns = np.broadcast_to(np.arange(WIDTH_PX, dtype=np.float32)[None, :], (HEIGHT_PX, WIDTH_PX))
    scale = rng.normal(1.0, 0.035)  # fingers differ, and ridges below the core are wider than above it
    below = np.maximum(rows - HEIGHT_PX * 0.62, 0)
    rows = HEIGHT_PX / 2 + (rows - HEIGHT_PX / 2) / scale - 0.0006 * below**2
    columns = WIDTH_PX / 2 + (columns - WIDTH_PX / 2) / scale
    rows = rows + 5.0 * smooth_noise(rng, HEIGHT_PX, WIDTH_PX, cell=110)
    columns = columns + 5.0 * smooth_noise(rng, HEIGHT_PX, WIDTH_PX, cell=110)
    return (rows / _STEP).astype(np.float32), (columns / _STEP).astype(np.float32)


def _pores(ridges: Floats, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Sweat pores: small openings near the crest of ridges."""
    count = int(ridges.size / _PORE_SPACING_PX**2 * 2)
    rows = rng.integers(0, ridges.shape[0], count)
    columns = rng.integers(0, ridges.shape[1], count)
    on_crest = ridges[rows, columns] > 0.8
    pores = np.zeros(ridges.shape, dtype=np.float32)
    pores[rows[on_crest], columns[on_crest]] = rng.uniform(2.0, 5.5, int(on_crest.sum()))
    shown: NDArray[np.uint8] = np.clip(gaussian_filter(pores, 0.8) * 255, 0, 255).astype(np.uint8)
    return shown


def _creases(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Up to a few fine creases, and in some fingers a scar: bent lines along which no ridge prints."""
    y = np.arange(HEIGHT_PX, dtype=np.float32)[:, None]
    x = np.arange(WIDTH_PX, dtype=np.float32)[None, :]
    creases = np.zeros((HEIGHT_PX, WIDTH_PX), dtype=np.float32)
    lines = [(rng.uniform(0.7, 1.3), rng.uniform(20, 60)) for _ in range(int(rng.poisson(2.0)))]
    if rng.random() < 0.15:
        lines.append((rng.uniform(2.0, 3.5), rng.uniform(30, 70)))
    for half_width, half_length in lines:
        px, py = rng.uniform(60, WIDTH_PX - 60), rng.uniform(60, HEIGHT_PX - 60)
        turn, bend = rng.uniform(0, pi), rng.normal(0, 0.002)
        along = (x - px) * np.cos(turn) + (y - py) * np.sin(turn)
        aside = (y - py) * np.cos(turn) - (x - px) * np.sin(turn) + bend * along**2
        line = np.exp(-0.5 * (aside / half_width) ** 2) / (1 + np.exp((np.abs(along) - half_length) / 4))
        creases = np.maximum(creases, line)
    return np.rint(creases * 255).astype(np.uint8)


def smooth_noise(rng: np.random.Generator, height: int, width: int, *, cell: float) -> Floats:
    """Smooth random field (height, width), about standard normal, that changes over `cell` samples."""
    down, right = _spline(height, cell), _spline(width, cell)
    knots = rng.standard_normal((down.shape[1], right.shape[1]), dtype=np.float32)
    # Not `@`: the products are too small for the linear algebra library's threads, which would hinder the other processes.
    field: Floats = np.einsum("hk,kw->hw", down, np.einsum("kl,wl->kw", knots, right)).astype(np.float32)
    return field


@lru_cache(maxsize=64)
def _spline(length: int, cell: float) -> Floats:
    """Weights (length, knots) of cubic B-splines `cell` apart, each row scaled to unit power."""
    knots = np.arange(-1, int(np.ceil(length / cell)) + 2, dtype=np.float32)
    t = np.abs(np.arange(length, dtype=np.float32)[:, None] / np.float32(cell) - knots[None, :])
    weights = np.where(t < 1, 2 / 3 - t**2 + t**3 / 2, np.where(t < 2, (2 - t) ** 3 / 6, 0))
    return np.asarray(weights / np.sqrt((weights**2).sum(axis=1, keepdims=True)), dtype=np.float32)
