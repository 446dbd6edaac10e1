"""What the search tests share: synthetic fingers, and what a gallery holds as plain values."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from mithaq.finger import Template
from mithaq.search import Gallery

MATE = 0.02
"""A score that impressions of one of these fingers pass and no two of different fingers do (0.2 and 0.01)."""


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


Held = list[tuple[str, int, int, bytes]]


def held(gallery: Gallery) -> Held:
    """All that it holds, in order."""
    return [(i.reference, int(i.position), i.impression, i.template.to_bytes()) for i in gallery.impressions()]


def everything(place: Path) -> bytes:
    """The bytes of all files of a gallery's folder."""
    return b"".join(path.read_bytes() for path in sorted(place.rglob("*")) if path.is_file())
