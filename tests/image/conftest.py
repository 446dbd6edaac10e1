"""One box for the room's tests, and a synthetic print: rings whose spacing is known to the pixel."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from mithaq.image import Box, Limits

Rings = Callable[..., NDArray[np.uint8]]


@pytest.fixture(scope="session")
def box() -> Iterator[Box]:
    with Box(Limits(time_s=20.0)) as opened:
        yield opened


@pytest.fixture(scope="session")
def rings() -> Rings:
    def draw(height: int = 300, width: int = 260, period_px: float = 9.0) -> NDArray[np.uint8]:
        y, x = np.mgrid[:height, :width].astype(np.float64)
        distance = np.hypot(x - width * 0.4, y - height * 0.6)
        wave = 128 + 100 * np.sin(2 * np.pi * distance / period_px)
        noise = np.random.default_rng(7).normal(0.0, 8.0, wave.shape)
        return np.clip(wave + noise, 0, 255).astype(np.uint8)

    return draw
