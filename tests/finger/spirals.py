"""Prints and templates made of formulas, with minutiae whose places are known; no print of anyone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mithaq.finger import Template

PERIOD_PX = 9.0


def scattered(count: int, width: int, height: int, apart: float, seed: int) -> NDArray[np.float64]:
    """(count, 2) places at least `apart` from one another and 40 px from the border."""
    random = np.random.default_rng(seed)
    places: list[NDArray[np.float64]] = []
    for _ in range(100_000):
        place = random.uniform([40, 40], [width - 40, height - 40])
        if all(np.hypot(*(place - other)) >= apart for other in places):
            places.append(place)
        if len(places) == count:
            return np.array(places)
    raise AssertionError("no room for so many places")


def spiral_print(
    seed: int = 3, count: int = 24, width: int = 360, height: int = 400
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Level ridges in whose phase each place is a turn: there one ridge begins, forking off or ending. Pixels, places."""
    places = scattered(count, width, height, 45.0, seed)
    y, x = np.mgrid[:height, :width].astype(float)
    phase = 2.0 * np.pi * y / PERIOD_PX
    for k, (px, py) in enumerate(places):
        phase += (-1) ** k * np.arctan2(y - py, x - px)
    return np.clip(128.0 + 90.0 * np.cos(phase), 0, 255).astype(np.uint8), places


def field(x: NDArray[np.float64], y: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """A smooth direction at each place, with random half turns as minutiae have."""
    random = np.random.default_rng(seed)
    a, b, c = random.uniform(-1, 1, 3)
    return a + b * x / 150.0 + c * y / 150.0 + np.pi * random.integers(0, 2, len(x))


def finger(seed: int, count: int = 36) -> Template:
    """A template of a finger that does not exist."""
    places = scattered(count, 360, 420, 14.0, seed)
    random = np.random.default_rng(seed + 1000)
    return Template.from_minutiae(
        360,
        420,
        places[:, 0],
        places[:, 1],
        field(places[:, 0], places[:, 1], seed),
        quality=random.integers(40, 101, count),
        kind=random.integers(1, 3, count),
    )


def impression(of: Template, seed: int, turn: float = 0.3, keep: float = 0.8) -> Template:
    """Another impression: turned, shifted, jittered, some minutiae missing, on a picture of 500 x 560."""
    random = np.random.default_rng(seed)
    kept = np.sort(random.permutation(len(of))[: int(keep * len(of))])
    x, y = of.x_px[kept] - 180.0, of.y_px[kept] - 210.0
    cosine, sine = np.cos(turn), np.sin(turn)
    jitter = random.normal(0.0, 1.5, (2, len(kept)))
    return Template.from_minutiae(
        500,
        560,
        np.clip(cosine * x + sine * y + 250 + jitter[0], 0, 499),
        np.clip(-sine * x + cosine * y + 280 + jitter[1], 0, 559),
        of.angle_rad[kept] + turn + random.normal(0.0, 0.05, len(kept)),
        quality=of.quality[kept],
        kind=of.kind[kept],
    )
