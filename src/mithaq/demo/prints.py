"""Impressions of synthetic fingers: the same skin pressed again, turned, stretched, drier or wetter, and cut off elsewhere.

    Master ─► where each pixel touches the skin ─► pressure, moisture, pores, creases ─► ink and noise ─► GrayImage

`smudge` is a touch that left no ridges. What a sensor or a lift adds beyond that (background texture, halftone) is not
imitated.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from mithaq.demo.ridges import HEIGHT_PX, WIDTH_PX, Floats, Master, Pattern, finger, smooth_noise
from mithaq.units import MATCHER_PPI, GrayImage

CANVAS_WIDTH_PX: Final = 352  # of an impression at 500 ppi, near a single-finger sensor's window
CANVAS_HEIGHT_PX: Final = 400


__all__ = ["Difficulty", "Master", "Pattern", "finger", "impression", "smudge"]


class Difficulty(StrEnum):
    """How much an impression differs from the finger."""

    CLEAN = "clean"  # taken with care, as for enrolment
    NORMAL = "normal"  # a usual second capture
    HARD = "hard"  # partial, dry or wet, and turned


@dataclass(frozen=True, slots=True)
class _Spread:
    """How far an impression's parameters range; standard deviations unless a name says otherwise."""

    turn_deg: float
    shift_px: float
    stretch_px: float  # amplitude of the smooth distortion
    twist_deg: float  # more turned at the rim than in the middle
    size: tuple[float, float]  # of the contact area, least and greatest
    pressure: float  # ridges thicker (wet, hard) or thinner (dry, light), in units of the ridge height
    patchiness: float  # the same, from place to place
    grain: float  # ragged edges and gaps of dry skin
    crease: float  # how strongly creases show at most
    noise: float  # of the sensor, in grey levels


_SPREADS: Final = {
    Difficulty.CLEAN: _Spread(4, 7, 2.0, 1.0, (0.93, 1.04), 0.16, 0.14, 0.26, 0.8, 5),
    Difficulty.NORMAL: _Spread(11, 16, 4.0, 2.2, (0.78, 0.96), 0.28, 0.28, 0.42, 1.0, 9),
    Difficulty.HARD: _Spread(18, 26, 6.0, 3.2, (0.60, 0.82), 0.42, 0.40, 0.58, 1.2, 14),
}


def impression(master: Master, seed: int, difficulty: Difficulty = Difficulty.NORMAL, *, ppi: int = 500) -> GrayImage:
    """One impression of the finger, (400, 352) pixels at 500 ppi or twice that at 1000; ValueError for another resolution.

    The same finger, seed, difficulty and resolution give the same pixels.
    """
    scale = _scale(ppi)
    spread = _SPREADS[Difficulty(difficulty)]
    rng = np.random.default_rng((master.seed, seed, 0x70726E74))
    shape = CANVAS_HEIGHT_PX * scale, CANVAS_WIDTH_PX * scale
    rows, columns, contact = _touch(rng, spread, shape, scale)
    skin = np.stack([rows, columns])
    order = (
        1 if scale == 1 else 3
    )  # between samples 9 to a period a straight line is enough; at twice the scale it shows
    ridges = map_coordinates(master.ridges, skin, order=order, output=np.float32, cval=-127) / np.float32(127)
    missing = map_coordinates(master.creases, skin, order=1, output=np.float32) * (
        spread.crease * rng.uniform(0.3, 1.0)
    )
    missing += map_coordinates(master.pores, skin, order=1, output=np.float32) * rng.uniform(0.0, 1.0)
    pressure = np.clip(rng.normal(0.05, spread.pressure), -0.6, 0.6)
    pressure = pressure + spread.patchiness * smooth_noise(rng, *shape, cell=48 * scale)
    grain = gaussian_filter(rng.standard_normal(shape, dtype=np.float32), 1.1 * scale) * np.float32(3.9 * scale)
    touch = ridges + pressure + spread.grain * grain - missing / np.float32(110) - 4.0 * (1 - contact)
    inked = 1 / (1 + np.exp(-touch * np.float32(5.0)))
    return GrayImage(_develop(inked, contact, rng, spread.noise, scale), float(ppi))


def smudge(seed: int, *, ppi: int = 500) -> GrayImage:
    """A smeared touch without ridges, of an impression's size: it must not be searchable."""
    scale = _scale(ppi)
    rng = np.random.default_rng((seed, 0x736D7564))
    shape = CANVAS_HEIGHT_PX * scale, CANVAS_WIDTH_PX * scale
    _, _, contact = _touch(rng, _SPREADS[Difficulty.NORMAL], shape, scale)
    # A slide sideways leaves streaks along the slide, much wider than ridges and without their rhythm.
    streaks = rng.standard_normal(shape, dtype=np.float32)
    streaks = gaussian_filter(streaks, (14 * scale, 90 * scale))
    streaks = streaks / streaks.std()
    film = 0.45 + 0.16 * streaks + 0.10 * smooth_noise(rng, *shape, cell=40 * scale)
    return GrayImage(_develop(np.clip(film, 0, 1) * contact, contact, rng, 6.0, scale), float(ppi))


def _scale(ppi: int) -> int:
    """Pixels of the impression to one of the master."""
    if ppi not in (MATCHER_PPI, 2 * MATCHER_PPI):
        raise ValueError("impressions are rendered at 500 or 1000 ppi")
    return ppi // MATCHER_PPI


def _touch(
    rng: np.random.Generator, spread: _Spread, shape: tuple[int, int], scale: int
) -> tuple[Floats, Floats, Floats]:
    """Per pixel of the impression: the row and column of the skin it touches, and how firmly, 0 to 1."""
    y = (np.arange(shape[0], dtype=np.float32)[:, None] + 0.5) / scale - CANVAS_HEIGHT_PX / 2
    x = (np.arange(shape[1], dtype=np.float32)[None, :] + 0.5) / scale - CANVAS_WIDTH_PX / 2
    shift_x, shift_y = np.clip(rng.normal(0, spread.shift_px, 2), -45, 45)  # of the finger on the sensor
    turn = np.deg2rad(np.clip(rng.normal(0, spread.turn_deg), -40, 40))
    u = np.cos(turn) * (x - shift_x) + np.sin(turn) * (y - shift_y)
    v = -np.sin(turn) * (x - shift_x) + np.cos(turn) * (y - shift_y)
    size = rng.uniform(*spread.size)
    part_x, part_y = (rng.normal(0, spread.shift_px * 0.8), rng.normal(0, spread.shift_px * 1.2))
    across, along = (136 * size * rng.uniform(0.95, 1.05), 182 * size * rng.uniform(0.95, 1.05))
    # Narrow towards the tip, square towards the joint, with a rim that is never quite smooth.
    s = (u - part_x) / (across * np.where(v < 0, 1.0 - 0.06 * (v / along) ** 2, 1.0))
    t = (v - part_y) / along
    reach = (np.abs(s) ** 2.4 + np.abs(t) ** 2.4) ** (1 / 2.4)
    reach += 0.025 * smooth_noise(rng, *shape, cell=22 * scale)
    contact = 1 / (1 + np.exp((reach - 1) * np.float32(28)))
    twist = np.deg2rad(rng.normal(0, spread.twist_deg)) * reach**2
    bent_u = u - twist * v + spread.stretch_px * smooth_noise(rng, *shape, cell=95 * scale)
    bent_v = v + twist * u + spread.stretch_px * smooth_noise(rng, *shape, cell=95 * scale)
    rows = (bent_v + (HEIGHT_PX - 1) / 2).astype(np.float32)
    columns = (bent_u + (WIDTH_PX - 1) / 2).astype(np.float32)
    return rows, columns, contact.astype(np.float32)


def _develop(inked: Floats, contact: Floats, rng: np.random.Generator, noise: float, scale: int) -> NDArray[np.uint8]:
    """Grey pixels from inking in [0, 1]: tones of ridge and ground, the sensor's blur and noise."""
    shape = inked.shape
    dark = rng.uniform(25, 75) + 14 * smooth_noise(rng, shape[0], shape[1], cell=60 * scale)
    ground = rng.uniform(238, 252)
    valley = ground - rng.uniform(5, 35) * contact
    grey = valley + (dark - valley) * inked
    grey = gaussian_filter(grey.astype(np.float32), 0.6 * scale)
    grey += rng.standard_normal(shape, dtype=np.float32) * (noise * (0.25 + 0.75 * contact))
    pixels: NDArray[np.uint8] = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
    return pixels
