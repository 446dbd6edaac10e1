"""What the search tests share: synthetic fingers, and a slow, obvious twin of the first stage."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from mithaq.finger import Template, parameters

MATE = 0.05
"""A score that impressions of one of these fingers pass and no two of different fingers do (0.12 and 0.01)."""


@cache
def template_of(finger: int, impression: int = 0) -> Template:
    """Impression 0, 1, … of one random finger: moved and turned by a few pixels and degrees, some minutiae missing."""
    base = np.random.default_rng(finger)
    count = int(base.integers(14, 26))
    x, y = base.uniform(60, 240, count), base.uniform(60, 240, count)
    angle, quality = base.uniform(0, 2 * np.pi, count), base.integers(30, 100, count)
    kind = base.integers(1, 3, count)
    change = np.random.default_rng([finger, impression])
    kept = change.random(count) < (1.0 if impression == 0 else 0.9)
    moved = change.normal(0, 1.5 if impression else 0.0, (2, count)) + change.integers(-9, 10, (2, 1)) * (
        impression > 0
    )
    turned = change.normal(0, 0.05 if impression else 0.0, count)
    return Template.from_minutiae(
        300,
        300,
        (x + moved[0])[kept],
        (y + moved[1])[kept],
        (angle + turned)[kept],
        quality=quality[kept],
        kind=kind[kept],
    )


def similarity_twin(probe: Template, other: Template) -> float:
    """The first stage in numpy, from the bits themselves and in double precision."""
    if not len(probe):
        return 0.0
    smaller = min(len(probe), len(other))
    share = 1.0 / (1.0 + np.exp(-parameters.TOP_SLOPE * (smaller - parameters.TOP_MIDDLE)))
    take = int(parameters.MIN_TOP + np.rint(share * (parameters.MAX_TOP - parameters.MIN_TOP)))
    a, b = bits_of(probe), bits_of(other)
    alike = np.zeros((len(a), max(1, len(b))))
    for i in range(len(a)):
        for j in range(len(b)):
            turn = abs(float(probe.angle_rad[i]) - float(other.angle_rad[j]))
            if min(turn, 2 * np.pi - turn) <= np.pi / 2 + 1e-5:
                trust = float(probe.reliability[i]) * float(other.reliability[j]) / 255.0**2
                alike[i, j] = max(0.0, (1.0 - 2.0 * (a[i] != b[j]).mean()) * trust)
    best = np.sort(alike.max(axis=1))[::-1]
    return float(best[:take].sum() / take)


def bits_of(template: Template) -> NDArray[np.int64]:
    """The codes' bits, one a column."""
    shifts = np.arange(64, dtype=np.uint64)
    bits = (template.codes[:, :, None] >> shifts) & np.uint64(1)
    return bits.reshape(len(template), 64 * template.codes.shape[1]).astype(np.int64)
