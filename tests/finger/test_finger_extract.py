"""From pixels to minutiae and searchability, on prints and other things made of formulas."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from spirals import spiral_print

from mithaq.errors import ImageError, SettingsError
from mithaq.finger import Trace, compare, extract, parameters, require_model, shortcomings, threshold_for
from mithaq.finger import extract as extract_function
from mithaq.finger.quality import blocks
from mithaq.finger.trace import KEYS
from mithaq.units import GrayImage


def print_of(pixels: NDArray[np.generic]) -> GrayImage:
    return GrayImage(np.clip(pixels, 0, 255).astype(np.uint8), 500.0)


def test_minutiae_are_where_ridges_begin_and_point_along_them() -> None:
    pixels, places = spiral_print()
    template = extract(print_of(pixels))
    gaps = np.hypot(template.x_px[:, None] - places[:, 0], template.y_px[:, None] - places[:, 1])
    assert len(template) == len(places)
    assert gaps.min(axis=0).max() < 3.0
    level = np.abs(np.sin(template.angle_rad))  # the ridges run level
    assert level.max() < 0.35
    as_defined = []  # an ending points along its dark ridge, a fork along the light valley between its branches
    for x, y, angle, kind in zip(template.x_px, template.y_px, template.angle_rad, template.kind, strict=True):
        ahead, behind = (
            np.mean([pixels[y, x + round(side * step * np.cos(angle))] for step in (5, 6, 7)]) for side in (1, -1)
        )
        as_defined.append((ahead < behind) == (kind == 1))
    assert np.mean(as_defined) > 0.75  # where the phase leaves the kind open, either is right
    assert shortcomings(template) == ()
    assert template.quality_score > 60


def test_a_cut_and_shifted_print_is_still_the_same_finger() -> None:
    pixels, _ = spiral_print()
    stranger, _ = spiral_print(seed=8)
    whole, part, other = (extract(print_of(p)) for p in (pixels, pixels[37:, 21:330], stranger))
    limit = threshold_for(1e-6)
    assert compare(whole, part).value > limit > compare(whole, other).value


def test_extraction_is_deterministic() -> None:
    pixels, _ = spiral_print(seed=5, width=240, height=260, count=8)
    assert extract(print_of(pixels)).to_bytes() == extract(print_of(pixels)).to_bytes()


def _unsearchable() -> dict[str, tuple[NDArray[np.generic], str]]:
    random = np.random.default_rng(1)
    height, width = 320, 300
    y, x = np.mgrid[:height, :width]
    smudge = gaussian_filter(random.normal(size=(height, width)), 8)
    fine = gaussian_filter(random.normal(size=(height, width)), 1)
    portrait = 60 + 120 * (np.hypot((x - 150) / 0.75, y - 150) < 110) + 20 * gaussian_filter(fine, 3) / 0.02
    portrait[120:135, 100:130] = portrait[120:135, 170:200] = 40
    portrait[200:210, 120:180] = 70
    return {
        "black": (np.zeros((height, width)), "blank"),
        "white": (np.full((height, width), 255), "blank"),
        "one pixel": (np.zeros((1, 1)), "blank"),
        "noise": (random.integers(0, 256, (height, width)), "no-ridges"),
        "smudge": (128 + 60 * smudge / smudge.std(), "no-ridges"),
        "fine smudge": (128 + 60 * fine / fine.std(), "no-ridges"),
        "face": (portrait, "no-ridges"),
        "shading": (x / width * 255, "no-ridges"),
        "stripes": (128 + 80 * np.sin(x * 2 * np.pi / 9), "too-few-minutiae"),
        "a small piece": (spiral_print()[0][150:190, 150:200], "small-area"),
        "tiny": (random.integers(0, 256, (20, 20)), "no-ridges"),
    }


@pytest.mark.parametrize("name", list(_unsearchable()))
def test_what_is_no_print_cannot_be_searched(name: str) -> None:
    pixels, reason = _unsearchable()[name]
    template = extract(print_of(pixels))
    assert reason in shortcomings(template)
    assert template.quality_score < 50


def test_a_faint_print_is_named_so() -> None:
    pixels, _ = spiral_print(width=240, height=260, count=8)
    faint = extract(print_of(128 + (pixels.astype(float) - 128) / 10))
    assert "low-contrast" in shortcomings(faint)


def test_an_inverted_print_does_no_harm() -> None:
    pixels, places = spiral_print()
    template = extract(print_of(255 - pixels))
    assert abs(len(template) - len(places)) <= 6


@pytest.mark.parametrize(
    ("image", "code"),
    [
        (GrayImage(np.zeros((10, 10), np.uint8), 1000.0), "FIN-003"),
        (GrayImage(np.zeros((10, 10), np.uint8), float("nan")), "FIN-003"),
        (GrayImage(np.zeros((0, 10), np.uint8), 500.0), "FIN-004"),
        (GrayImage(np.zeros((10, 10), np.float64), 500.0), "FIN-004"),  # type: ignore[arg-type]
        (GrayImage(np.zeros((3000, 3000), np.uint8), 500.0), "FIN-005"),
        (GrayImage(np.zeros((1, 40_000), np.uint8), 500.0), "FIN-005"),
    ],
)
def test_pictures_outside_the_limits_are_refused(image: GrayImage, code: str) -> None:
    with pytest.raises(ImageError, match=code):
        extract(image)


def test_without_the_right_model_nothing_is_extracted(monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules[extract_function.__module__]
    require_model()
    monkeypatch.setattr(module, "_shared", {})
    monkeypatch.setattr(parameters, "MODEL_FILE", "nowhere.onnx")
    with pytest.raises(SettingsError, match="FIN-001"):
        require_model()
    monkeypatch.setattr(parameters, "MODEL_FILE", "parameters.py")
    with pytest.raises(SettingsError, match="FIN-001"):
        require_model()


def test_intermediate_results_are_kept_only_where_asked() -> None:
    pixels, _ = spiral_print(width=240, height=260, count=8)
    silent, asked = Trace(), Trace("maps", "peaks", "quality-blocks")
    extract(print_of(pixels), trace=silent)
    extract(print_of(pixels), trace=asked)
    assert dict(silent) == {}
    assert set(asked) == {"maps", "peaks", "quality-blocks"}
    assert asked["maps"].shape == (4, 260, 240)
    silent.keep("codes", lambda: pytest.fail("computed although nobody asked"))
    with pytest.raises(ValueError, match="no intermediate result"):
        Trace("everything")


def test_every_stage_can_be_kept() -> None:
    whole = Trace(*KEYS)
    template = extract(print_of(spiral_print(width=240, height=260, count=8)[0]), trace=whole)
    compare(template, template, trace=whole)
    assert set(whole) == KEYS
    assert whole["orientation"].shape == whole["quality-blocks"].clarity.shape
    assert [part.name for part in whole["quality-parts"]] == ["minutiae", "certainty", "extent", "clarity"]


def test_clarity_is_high_on_ridges_and_low_on_noise() -> None:
    pixels, _ = spiral_print()
    noise = np.random.default_rng(2).integers(0, 256, (200, 200)).astype(np.uint8)
    assert np.median(blocks(pixels).clarity) > 0.8
    assert blocks(noise).clarity.max() < 0.3
    assert abs(np.median(blocks(pixels).period_px) - 9.0) < 1.5
    assert blocks(noise[:31]).clarity.size == 0


def test_importing_the_room_loads_neither_runtime_nor_compiler() -> None:
    check = "import sys, mithaq.finger; sys.exit(any(m in sys.modules for m in ('numba', 'onnxruntime', 'numpy')))"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
