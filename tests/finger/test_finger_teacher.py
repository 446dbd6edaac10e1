"""The teacher's network gives the minutiae that it gave before its graph was rewritten (leader_minutiae.json, 2026-11-24).

The eight prints are made of formulas, each noisier and fainter than the one before. Rows: x, y, angle in 256ths of a
turn, certainty, kind.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from spirals import spiral_print

from mithaq.finger import Extractor
from mithaq.units import GrayImage

BEFORE = json.loads((Path(__file__).parent / "leader_minutiae.json").read_text())


@pytest.fixture(scope="module")
def teacher() -> Extractor:
    return Extractor("teacher")


@pytest.mark.parametrize("number", range(8))
def test_the_same_minutiae_as_before(teacher: Extractor, number: int) -> None:
    pixels, _ = spiral_print(seed=20 + number, width=200 + 16 * number, height=250 + 10 * number, count=8 + 2 * number)
    noise = np.random.default_rng(number).normal(0.0, 4.0 * number, pixels.shape)
    picture = np.clip(pixels * (1.0 - 0.04 * number) + noise, 0, 255).astype(np.uint8)
    found = teacher.extract(GrayImage(picture, 500.0))
    rows = np.stack([found.x_px, found.y_px, found.angle, found.quality, found.kind], axis=1)
    assert rows.tolist() == BEFORE[number]
