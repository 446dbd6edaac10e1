"""Fingers of nobody, by the million: minutiae along ridge flow with cores and deltas, and impressions of them.

    number ─► pattern, cores, deltas ─► ridge flow ─► minutiae that keep their distance ─► finger(number)
    finger ─► turned, moved, stretched, some lost, some false ─► impression(number, k)

They fill galleries for speed and memory, and stand among the strangers of a large search; whether they may is measured,
not assumed: `mithaq.measure.realism` lays their impostor scores beside those of real prints. The spread of counts, distances,
directions and qualities follows 640 prints of FVC2000 and FVC2002; no minutia was taken from a real print. Each number gives the
same finger in every run, alone or among others: fingers are drawn in batches of BATCH, each with a generator of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mithaq.finger import Template
from mithaq.finger.compiled import compiled

BATCH = 500
SEED = 7
_CANDIDATES = 200
"""Places tried for each finger; some 40 of them are kept."""
_WIDTH, _HEIGHT = (240.0, 50.0, 140.0, 360.0), (325.0, 65.0, 190.0, 480.0)
"""Pixels at 500 ppi around the minutiae of a print: mean, deviation, least, most."""
_COUNT = (37.6, 14.0, 12.0, 120.0)
"""Minutiae of a print: mean, deviation, least, most."""
_APART = (8.0, 22.0)
"""Pixels that a minutia keeps from those before it: between these."""
_QUALITY = (35, 45, 55, 80, 93, 96, 97)
_QUALITY_SHARE = (0.0, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0)
_ENDINGS = 0.67
_SAME_WAY = 1.1
"""How strongly neighbours point the same way along the ridges: a smooth field of this weight against noise of 1."""
_PATTERNS = (0.06, 0.36, 0.68)
"""Up to here arches, loops one way, loops the other; the rest are whorls."""


@dataclass(frozen=True, slots=True, eq=False)
class Finger:
    """n minutiae of one synthetic finger, px at 500 ppi around (0, 0) with y down, directions in radians."""

    x_px: NDArray[np.float32]
    y_px: NDArray[np.float32]
    angle_rad: NDArray[np.float32]
    quality: NDArray[np.uint8]
    kind: NDArray[np.uint8]

    def template(self) -> Template:
        """As a print of its own size."""
        return _printed(self.x_px, self.y_px, self.angle_rad, self.quality, self.kind)


def finger(number: int) -> Finger:
    """The finger of this number, 0 and up."""
    return _batch(number // BATCH)[number % BATCH]


def fingers(first: int, count: int) -> Iterator[Finger]:
    """`count` fingers from number `first` on."""
    for number in range(first, first + count):
        yield finger(number)


def impression(number: int, k: int) -> Template:
    """A print of the finger; the same (number, k) gives the same print, k = 0 the finger undisturbed.

    Turned by some 8 degrees, moved by some 20 px, distorted by 3 px at wavelengths of 120 to 400 px, cut by a window, each
    minutia off by 1.3 px and 0.07 rad, a sixth of them lost (weak ones first) and a tenth false.
    """
    whole = finger(number)
    if k == 0:
        return whole.template()
    draw = np.random.default_rng([SEED, 1, number, k])
    x, y, angle = (part.astype(float) for part in (whole.x_px, whole.y_px, whole.angle_rad))
    kept = draw.random(len(x)) > 0.17 * 2.0 * (1.0 - whole.quality / 130.0)
    left, top = draw.uniform(-0.18, 0.18, 2)
    kept &= (x / np.ptp(x) - left < 0.5) & (x / np.ptp(x) - left > -0.5)
    kept &= (y / np.ptp(y) - top < 0.5) & (y / np.ptp(y) - top > -0.5)
    if kept.sum() < 6:
        kept[np.argsort(-whole.quality.astype(int), kind="stable")[:6]] = True
    x, y, angle = x[kept], y[kept], angle[kept]
    quality, kind = whole.quality[kept], whole.kind[kept]
    for _ in range(3):
        wave, turn, phase = (
            draw.uniform(120.0, 400.0),
            draw.uniform(0.0, 2 * math.pi),
            draw.uniform(0.0, 2 * math.pi, 2),
        )
        along = (x * math.cos(turn) + y * math.sin(turn)) * (2 * math.pi / wave)
        x, y = (
            x + draw.normal(0.0, 1.7) * np.sin(along + phase[0]),
            y + draw.normal(0.0, 1.7) * np.sin(along + phase[1]),
        )
    false = draw.poisson(0.1 * len(x))
    at = draw.integers(0, len(x), false)
    x = np.append(x + draw.normal(0.0, 1.3, len(x)), x[at] + draw.uniform(-60, 60, false))
    y = np.append(y + draw.normal(0.0, 1.3, len(y)), y[at] + draw.uniform(-60, 60, false))
    angle = np.append(angle + draw.normal(0.0, 0.07, len(angle)), angle[at] + draw.normal(0.0, 0.5, false))
    quality = np.append(quality, draw.integers(35, 70, false)).astype(np.uint8)
    kind = np.append(kind, draw.integers(1, 3, false)).astype(np.uint8)
    turn = draw.normal(0.0, math.radians(8.0))
    cosine, sine = math.cos(turn), math.sin(turn)
    return _printed(cosine * x - sine * y, sine * x + cosine * y, angle - turn, quality, kind)


def _printed(
    x: NDArray[Any], y: NDArray[Any], angle: NDArray[Any], quality: NDArray[np.uint8], kind: NDArray[np.uint8]
) -> Template:
    """On a picture with a margin of 20 px, the minutiae rounded to whole pixels."""
    x, y = np.rint(x - x.min()) + 20, np.rint(y - y.min()) + 20
    width, height = int(x.max()) + 21, int(y.max()) + 21
    return Template.from_minutiae(width, height, x, y, np.mod(angle, 2 * math.pi), quality=quality, kind=kind)


@lru_cache(maxsize=16)
def _batch(number: int) -> list[Finger]:
    draw = np.random.default_rng([SEED, 0, number])
    shape = (BATCH, _CANDIDATES)
    width, height = (np.clip(draw.normal(m, s, BATCH), low, high) for m, s, low, high in (_WIDTH, _HEIGHT))
    mean, deviation, low, high = _COUNT
    spread = math.sqrt(math.log(1.0 + (deviation / mean) ** 2))
    area = width * height / (_WIDTH[0] * _HEIGHT[0])
    wanted = np.exp(draw.normal(math.log(mean) - spread * spread / 2.0, 0.85 * spread, BATCH)) * np.sqrt(area)
    wanted = np.clip(np.rint(wanted), low, high).astype(np.int64)
    away, around = np.sqrt(draw.random(shape)), draw.uniform(0.0, 2 * math.pi, shape)
    x, y = 0.5 * width[:, None] * away * np.cos(around), 0.5 * height[:, None] * away * np.sin(around)
    kept = _thinned(x, y, draw.uniform(*_APART, shape), wanted)
    flow = _flow(draw, x, y)
    way = _SAME_WAY * _waves(draw, x, y, 250.0, 600.0) + draw.normal(0.0, 1.0, shape) > 0.0
    turn = draw.normal(0.0, math.radians(8.0), BATCH)[:, None]
    angle = flow + math.pi * way + draw.normal(0.0, 0.18, shape)
    cosine, sine = np.cos(turn), np.sin(turn)
    x, y, angle = cosine * x - sine * y, sine * x + cosine * y, np.mod(angle - turn, 2 * math.pi)
    level = np.clip(draw.random(shape) + draw.normal(0.0, 0.12, BATCH)[:, None], 0.0, 1.0)
    quality = np.interp(level, _QUALITY_SHARE, _QUALITY).astype(np.uint8)
    kind = np.where(draw.random(shape) < _ENDINGS, 1, 2).astype(np.uint8)
    parts = (x.astype(np.float32), y.astype(np.float32), angle.astype(np.float32), quality, kind)
    return [Finger(*(part[row, kept[row]] for part in parts)) for row in range(BATCH)]


def _flow(draw: np.random.Generator, x: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
    """Ridge direction at each place: half the bearings from the cores less half those from the deltas, slightly waved."""
    kind = draw.random(BATCH)
    is_loop, is_whorl = (kind > _PATTERNS[0]) & (kind <= _PATTERNS[2]), kind > _PATTERNS[2]
    side = np.where(kind > _PATTERNS[1], 1.0, -1.0)
    core_x, core_y = draw.normal(0.0, 12.0, BATCH), draw.normal(-25.0, 20.0, BATCH)
    gap = draw.uniform(12.0, 60.0, BATCH)
    delta_x, delta_y = draw.uniform(60.0, 120.0, BATCH), draw.uniform(70.0, 150.0, BATCH)
    other_x, other_y = draw.uniform(60.0, 120.0, BATCH), draw.uniform(70.0, 150.0, BATCH)

    def bearing(at_x: NDArray[Any], at_y: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(np.arctan2(-(y - at_y[:, None]), x - at_x[:, None]))

    loop = 0.5 * (bearing(core_x, core_y) - bearing(core_x + side * delta_x, core_y + delta_y))
    whorl = 0.5 * (
        bearing(core_x, core_y - gap / 2.0)
        + bearing(core_x, core_y + gap / 2.0)
        - bearing(core_x + delta_x, core_y + delta_y)
        - bearing(core_x - other_x, core_y + other_y)
    )
    lift = draw.uniform(0.2, 0.9, BATCH)[:, None]
    arch = -lift * np.tanh(x / 60.0) * np.exp(-(((y - core_y[:, None] - 20.0) / 90.0) ** 2))
    flow = np.where(is_whorl[:, None], whorl, np.where(is_loop[:, None], loop, arch))
    return np.asarray(flow + 0.15 * _waves(draw, x, y, 200.0, 500.0))


def _waves(draw: np.random.Generator, x: NDArray[Any], y: NDArray[Any], short: float, long: float) -> NDArray[Any]:
    """A smooth random field of deviation about 1."""
    field = np.zeros_like(x)
    for _ in range(3):
        wave, turn, phase = (
            draw.uniform(a, b, BATCH)[:, None] for a, b in ((short, long), (0, 2 * math.pi), (0, 2 * math.pi))
        )
        field += np.sin((x * np.cos(turn) + y * np.sin(turn)) * (2 * math.pi / wave) + phase)
    return field * math.sqrt(2.0 / 3.0)


@compiled
def _thinned(
    x: NDArray[np.float64], y: NDArray[np.float64], apart: NDArray[np.float64], wanted: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """(fingers, candidates): the first `wanted` places that lie at least their `apart` from each kept before."""
    kept = np.zeros(x.shape, np.bool_)
    for row in range(x.shape[0]):
        count = 0
        for at in range(x.shape[1]):
            near = False
            for other in range(at):
                if kept[row, other]:
                    dx, dy = x[row, at] - x[row, other], y[row, at] - y[row, other]
                    if dx * dx + dy * dy < apart[row, at] * apart[row, at]:
                        near = True
                        break
            if not near:
                kept[row, at] = True
                count += 1
                if count == wanted[row]:
                    break
    return kept
