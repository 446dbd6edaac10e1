"""The fast network: its file, its decoding against a slow twin, and what it finds on prints whose minutiae are known."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from spirals import spiral_print

from mithaq.errors import ImageError, SettingsError
from mithaq.finger import Extractor, Trace, compare, extract, parameters, threshold_for
from mithaq.finger import extract as extract_function
from mithaq.finger.cells import minutiae_of_cells
from mithaq.finger.trace import SILENT
from mithaq.units import GrayImage


def slow_twin(
    maps: NDArray[np.float32], top: int, left: int, height: int, width: int
) -> list[tuple[int, int, int, int]]:
    """x, y, presence in percent and kind of each minutia, cell by cell."""
    rows, columns = maps.shape[1:]
    found = []
    for r in range(rows):
        for c in range(columns):
            here = maps[0, r, c]
            around = [
                maps[0, a, b]
                for a in range(max(0, r - 1), min(rows, r + 2))
                for b in range(max(0, c - 1), min(columns, c + 2))
            ]
            if here < np.float32(parameters.FAST_THRESHOLD) or here < max(around):
                continue
            x = round(float((np.float32(c) + maps[1, r, c]) * np.float32(4) + np.float32(1.5) - np.float32(left)))
            y = round(float((np.float32(r) + maps[2, r, c]) * np.float32(4) + np.float32(1.5) - np.float32(top)))
            if 0 <= x < width and 0 <= y < height:
                found.append((-here, r, c, x, y, 1 if maps[5, r, c] >= 0 else 2))
    kept: list[tuple[int, int, int, int]] = []
    for presence, _, _, x, y, kind in sorted(found):
        if all(math.hypot(x - other[0], y - other[1]) >= parameters.FAST_MERGE for other in kept):
            kept.append((x, y, round(100 * float(-presence)), kind))
    return kept


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 12), st.floats(0.0, 0.95))
def test_decoding_equals_its_slow_twin(seed: int, rows: int, columns: int, plain: float) -> None:
    random = np.random.default_rng(seed)
    maps = random.normal(0, 0.8, (6, rows, columns)).astype(np.float32)
    maps[0] = random.integers(0, 9, (rows, columns)) / np.float32(8)  # equal neighbours on purpose
    maps[0][random.random((rows, columns)) < plain] = 0
    top, left = int(random.integers(0, 8)), int(random.integers(0, 8))
    height, width = max(1, rows * 4 - 2 * top), max(1, columns * 4 - 2 * left)
    found = minutiae_of_cells(maps, top, left, height, width, SILENT)
    expected = slow_twin(maps, top, left, height, width)
    got = zip(found.x_px, found.y_px, found.quality, found.kind, strict=True)
    assert sorted(tuple(int(v) for v in row) for row in got) == sorted(expected)


@pytest.mark.parametrize("network", parameters.NETWORKS)
def test_known_minutiae_are_found(network: str) -> None:
    pixels, places = spiral_print()
    template = extract(GrayImage(pixels, 500.0), network=network)
    gaps = np.hypot(template.x_px[:, None] - places[:, 0], template.y_px[:, None] - places[:, 1])
    assert np.mean(gaps.min(axis=0) < 6) >= 0.9
    assert np.mean(gaps.min(axis=1) < 6) >= 0.8


def test_both_networks_see_the_same_finger() -> None:
    pixels, _ = spiral_print()
    stranger, _ = spiral_print(seed=8)
    slow, fast, other = (
        extract(GrayImage(shown, 500.0), network=network)
        for shown, network in ((pixels, "teacher"), (pixels[21:, 13:], "fast"), (stranger, "fast"))
    )
    assert compare(slow, fast).value > threshold_for(1e-6) > compare(slow, other).value


def test_the_fast_network_is_deterministic_and_keeps_its_stages() -> None:
    pixels, _ = spiral_print(seed=5, width=242, height=261, count=8)
    trace = Trace("maps", "peaks")
    image = GrayImage(pixels, 500.0)
    extractor = Extractor("fast")
    assert extractor.extract(image).to_bytes() == extractor.extract(image, trace=trace).to_bytes()
    assert trace["maps"].shape == (6, 272 // 4, 256 // 4)
    with pytest.raises(ImageError, match="FIN-003"):
        extractor.extract(GrayImage(pixels, 1000.0))


def test_a_network_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="FIN-006"):
        Extractor("swift")
    monkeypatch.setattr(sys.modules[extract_function.__module__], "_shared", {})
    for file in ("nowhere.onnx", "parameters.py"):
        monkeypatch.setattr(parameters, "FAST_FILE", file)
        with pytest.raises(SettingsError, match="FIN-001"):
            Extractor("fast")
