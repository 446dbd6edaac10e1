"""Hard captures of synthetic fingers, with each skin point's place in them: what an extractor is trained and tested on.

    Master ─► window: turned, scaled, bent ─► dry, wet, worn, creased, cut ─► ghost, lines, sensor, coding ─► pixels
                        └──► where each minutia of the skin now lies, and how well its ridges can still be read

`prints.impression` imitates a decent touch; this goes where real captures go wrong, with every fault drawn at random:
pressure from hair-thin to flooded ridges, pores, grain, wrinkles, scars, blank and smeared patches, rims and narrow
windows, another finger's ghost, printed lines, uneven light, faint or saturated contrast, inverted tones, striped and
salted sensors, blocks of too few pixels, blur, lossy coding, ridge periods of 6 to 13.5 pixels, and elastic distortion.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates, zoom

from mithaq.demo.ridges import HEIGHT_PX, WIDTH_PX, Floats, Master, smooth_noise

CELL = 4
"""Pixels between the samples of `Capture.shown`."""


@dataclass(frozen=True, slots=True, eq=False)
class Capture:
    """One capture: `pixels` uint8 (h, w) at nominal 500 ppi, and how it was made.

    `rows`, `columns` float32 (h, w): the skin point under each pixel, in pixels of the master. `shown` float32
    (h / 4, w / 4): the correlation of the pixels around there with the skin's true ridges, 1 for a perfect rendering,
    about 0 where nothing can be read. Of pixels in ridge tones: an inverted capture shows as much as the plain one.
    """

    pixels: NDArray[np.uint8]
    rows: Floats
    columns: Floats
    shown: Floats

    def places(self, x: Floats, y: Floats, angle: Floats) -> tuple[Floats, Floats, Floats, NDArray[np.bool_]]:
        """Where points of the skin with a direction lie in the picture: x, y, angle (radians, counter-clockwise) and whether inside."""
        height, width = self.rows.shape
        # The warp is one turn and scale plus a small bend: a few steps of a fixed point invert it.
        cy, cx = height // 2, width // 2
        far = min(cy, cx) - 1
        right = (self.columns[cy, cx + far] - self.columns[cy, cx - far]) / (2 * far)
        right_y = (self.rows[cy, cx + far] - self.rows[cy, cx - far]) / (2 * far)
        down = (self.columns[cy + far, cx] - self.columns[cy - far, cx]) / (2 * far)
        down_y = (self.rows[cy + far, cx] - self.rows[cy - far, cx]) / (2 * far)
        back = np.linalg.inv(np.array([[right, down], [right_y, down_y]], np.float64))
        px, py = np.full(len(x), float(cx)), np.full(len(x), float(cy))
        for _ in range(12):
            c = np.clip(np.rint(px), 0, width - 1).astype(int)
            r = np.clip(np.rint(py), 0, height - 1).astype(int)
            ex, ey = x - self.columns[r, c], y - self.rows[r, c]
            # Beyond the picture the bend is not known, and need not be.
            px, py = c + back[0, 0] * ex + back[0, 1] * ey, r + back[1, 0] * ex + back[1, 1] * ey
        inside = (px >= 0) & (px <= width - 1) & (py >= 0) & (py <= height - 1)
        inside &= np.hypot(ex, ey) < 12
        c = np.clip(np.rint(px), 2, width - 3).astype(int)
        r = np.clip(np.rint(py), 2, height - 3).astype(int)
        jxx = (self.columns[r, c + 2] - self.columns[r, c - 2]) / 4
        jyx = (self.rows[r, c + 2] - self.rows[r, c - 2]) / 4
        jxy = (self.columns[r + 2, c] - self.columns[r - 2, c]) / 4
        jyy = (self.rows[r + 2, c] - self.rows[r - 2, c]) / 4
        sx, sy = np.cos(angle), -np.sin(angle)
        turned = np.arctan2(-(jxx * sy - jyx * sx), jyy * sx - jxy * sy)
        return px.astype(np.float32), py.astype(np.float32), np.mod(turned, 2 * pi).astype(np.float32), inside


def capture(
    master: Master, rng: np.random.Generator, height: int, width: int, *, ghost: Master | None = None
) -> Capture:
    """A hard capture of the finger, (height, width) pixels, both multiples of 4, all its faults drawn from `rng`."""
    shape = height, width
    chance = rng.random
    rows, columns, contact = _touch(rng, height, width)
    skin = np.stack([rows, columns])
    ridges = map_coordinates(master.ridges, skin, order=1, output=np.float32, cval=0) / np.float32(127)
    missing = map_coordinates(master.creases, skin, order=1, output=np.float32) * np.float32(rng.uniform(0, 1.6))
    missing += map_coordinates(master.pores, skin, order=1, output=np.float32) * np.float32(rng.uniform(0, 1.2))
    pressure = np.clip(rng.normal(0.05, 0.33), -0.75, 0.8)
    pressure = pressure + np.float32(rng.uniform(0.05, 0.45)) * smooth_noise(
        rng, *shape, cell=float(rng.choice([30, 48, 70]))
    )
    grain = gaussian_filter(rng.standard_normal(shape, dtype=np.float32), rng.uniform(0.7, 1.8))
    grain *= np.float32(rng.uniform(0.05, 0.75)) / max(float(grain.std()), 1e-6)
    touch = ridges + pressure + grain - missing / np.float32(110)
    if chance() < 0.35:
        touch -= _wrinkles(rng, height, width)
    touch -= np.float32(4) * (1 - contact)
    if chance() < 0.25:  # patches that did not touch, or are flooded
        patches = smooth_noise(rng, *shape, cell=float(rng.choice([25, 40, 60])))
        touch += np.float32(rng.choice([-3.0, 1.5])) / (1 + np.exp(-(patches - rng.uniform(1.0, 1.8)) * 6))
    inked = 1 / (1 + np.exp(-touch * np.float32(rng.uniform(2.0, 6.0))))
    if ghost is not None and chance() < 0.12:
        shift = rng.uniform(-60, 60, 2)[:, None, None].astype(np.float32)
        old = map_coordinates(ghost.ridges, skin + shift, order=1, output=np.float32, cval=-127) / np.float32(127)
        inked = np.maximum(inked, np.float32(rng.uniform(0.1, 0.4)) / (1 + np.exp(-4 * old)))
    pixels = _sensor(inked.astype(np.float32), contact, rng)
    shown = _shown(ridges, pixels, contact)
    if chance() < 0.04:
        pixels = 255 - pixels
    return Capture(np.clip(np.rint(pixels), 0, 255).astype(np.uint8), rows, columns, shown)


def _touch(rng: np.random.Generator, height: int, width: int) -> tuple[Floats, Floats, Floats]:
    """Per pixel: the row and column of the skin it touches, and how firmly, 0 to 1."""
    scale = float(np.clip(np.exp(rng.normal(0.03, 0.19)), 0.7, 1.5))
    turn = rng.uniform(-pi, pi) if rng.random() < 0.4 else rng.normal(0, 0.35)
    y = (np.arange(height, dtype=np.float32)[:, None] - (height - 1) / 2) / np.float32(scale)
    x = (np.arange(width, dtype=np.float32)[None, :] - (width - 1) / 2) / np.float32(scale)
    u = np.float32(np.cos(turn)) * x + np.float32(np.sin(turn)) * y + np.float32(rng.normal(0, WIDTH_PX * 0.17))
    v = -np.float32(np.sin(turn)) * x + np.float32(np.cos(turn)) * y + np.float32(rng.normal(0, HEIGHT_PX * 0.17))
    across, along = np.float32(rng.uniform(110, 175)), np.float32(rng.uniform(130, 205))
    reach = (np.abs(u / across) ** 2.4 + np.abs(v / along) ** 2.4) ** (1 / 2.4)
    edge = reach + np.float32(rng.uniform(0.01, 0.06)) * smooth_noise(rng, height, width, cell=22)
    contact = 1 / (1 + np.exp((edge - 1) * np.float32(rng.uniform(10, 40))))
    within = (np.abs(u) < WIDTH_PX / 2 - 3) & (np.abs(v) < HEIGHT_PX / 2 - 3)
    stretch, twist = np.float32(abs(rng.normal(0, 5))), np.float32(rng.normal(0, 0.05))
    bent_u = u - twist * reach**2 * v + stretch * smooth_noise(rng, height, width, cell=95)
    bent_v = v + twist * reach**2 * u + stretch * smooth_noise(rng, height, width, cell=95)
    rows = (bent_v + (HEIGHT_PX - 1) / 2).astype(np.float32)
    columns = (bent_u + (WIDTH_PX - 1) / 2).astype(np.float32)
    return rows, columns, (contact * within).astype(np.float32)


def _wrinkles(rng: np.random.Generator, height: int, width: int) -> Floats:
    """White lines of aged or cut skin, of this capture alone: (height, width), 0 to 3."""
    y = np.arange(height, dtype=np.float32)[:, None]
    x = np.arange(width, dtype=np.float32)[None, :]
    lines = np.zeros((height, width), np.float32)
    base = rng.uniform(0, pi)
    for _ in range(int(rng.integers(1, 9))):
        turn, bend = base + rng.normal(0, 0.4), np.float32(rng.normal(0, 0.002))
        px, py, thick, reach = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0.7, 2.2), rng.uniform(15, 90)
        along = (x - np.float32(px)) * np.float32(np.cos(turn)) + (y - np.float32(py)) * np.float32(np.sin(turn))
        aside = (y - np.float32(py)) * np.float32(np.cos(turn)) - (x - np.float32(px)) * np.float32(np.sin(turn))
        near = np.exp(-0.5 * ((aside + bend * along**2) / np.float32(thick)) ** 2)
        lines = np.maximum(lines, near * (np.abs(along) < reach))
    return lines * np.float32(rng.uniform(0.8, 3.0))


def _sensor(inked: Floats, contact: Floats, rng: np.random.Generator) -> Floats:
    """Grey levels as float32 0..255 from inking in [0, 1]: tones, light, blur, noise, lines, blocks and coding."""
    shape = inked.shape
    chance = rng.random
    ground = rng.uniform(150, 255) if chance() < 0.6 else rng.uniform(235, 255)
    depth = rng.uniform(18, 60) if chance() < 0.2 else rng.uniform(60, max(61.0, ground - 5))
    fog = np.float32(rng.uniform(0, 0.35)) * contact  # valleys darker than the ground around the finger
    grey = np.float32(ground) - np.float32(depth) * np.maximum(inked, fog)
    if chance() < 0.5:
        grey *= 1 + np.float32(rng.uniform(0.02, 0.14)) * smooth_noise(
            rng, *shape, cell=float(rng.choice([40, 90, 180]))
        )
    if chance() < 0.12:  # a background that has a texture
        texture = gaussian_filter(rng.standard_normal(shape, dtype=np.float32), rng.uniform(1, 4))
        grey += (
            np.float32(rng.uniform(4, 18)) * texture / max(float(texture.std()), 1e-6) * (1 - contact * np.float32(0.7))
        )
    grey = gaussian_filter(grey.astype(np.float32), rng.uniform(0.3, 1.5))
    if chance() < 0.15:  # a sensor of fewer pixels
        factor = rng.uniform(0.45, 0.8)
        small = zoom(grey, factor, order=1)
        grey = map_coordinates(
            small,
            np.meshgrid(
                np.linspace(0, small.shape[0] - 1, shape[0], dtype=np.float32),
                np.linspace(0, small.shape[1] - 1, shape[1], dtype=np.float32),
                indexing="ij",
            ),
            order=0 if chance() < 0.4 else 1,
            output=np.float32,
        )
    noise = rng.standard_normal(shape, dtype=np.float32)
    if chance() < 0.3:
        noise = gaussian_filter(noise, 0.7) * np.float32(2.4)
    grey = grey + noise * np.float32(rng.uniform(0, 0.22) * depth * rng.random())
    if chance() < 0.12:
        stripes = rng.standard_normal((shape[1],), dtype=np.float32)[None, :] * np.float32(rng.uniform(1, 7))
        grey = grey + (stripes if chance() < 0.5 else rng.standard_normal((shape[0],), dtype=np.float32)[:, None] * 4)
    if chance() < 0.1:
        salt = rng.random(shape, dtype=np.float32)
        grey = np.where(salt < rng.uniform(0.002, 0.03), np.float32(ground), grey)
        grey = np.where(salt > 1 - rng.uniform(0.002, 0.02), np.float32(ground - depth), grey)
    if chance() < 0.15:  # high gain: near black and white
        middle = np.float32(ground - depth * rng.uniform(0.3, 0.7))
        grey = middle + (grey - middle) * np.float32(rng.uniform(1.5, 4))
    if chance() < 0.1:
        grey = _lined(grey, rng, float(ground - depth))
    if chance() < 0.12:
        grey = _framed(grey, rng, float(ground))
    grey = np.clip(grey, 0, 255)
    if chance() < 0.25:
        grey = coded(grey, int(rng.integers(20, 80)))
    return np.asarray(grey, np.float32)


# The luminance table of ITU-T T.81, annex K.1.
_STEPS = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    np.float32,
)


def coded(grey: Floats, quality: int) -> Floats:
    """What JPEG at that quality (1 to 100) leaves of grey levels 0..255: its blocks, their cosines rounded to its steps."""
    height, width = grey.shape
    padded = np.pad(grey, ((0, -height % 8), (0, -width % 8)), mode="edge")
    rows, columns = padded.shape
    steps = np.clip(np.floor((_STEPS * (5000 / quality if quality < 50 else 200 - 2 * quality) + 50) / 100), 1, 255)
    blocks = padded.reshape(rows // 8, 8, columns // 8, 8).swapaxes(1, 2) - np.float32(128)
    spectrum = np.rint(scipy.fft.dctn(blocks, axes=(2, 3), norm="ortho") / steps) * steps
    back = scipy.fft.idctn(spectrum, axes=(2, 3), norm="ortho").swapaxes(1, 2).reshape(rows, columns) + 128
    return np.asarray(np.clip(np.rint(back[:height, :width]), 0, 255), np.float32)


def _lined(grey: Floats, rng: np.random.Generator, dark: float) -> Floats:
    """Printed or drawn lines across, as on cards."""
    grey = grey.copy()
    for _ in range(int(rng.integers(1, 4))):
        thick = int(rng.integers(1, 4))
        if rng.random() < 0.5:
            at = int(rng.integers(0, grey.shape[0]))
            grey[at : at + thick] = dark
        else:
            at = int(rng.integers(0, grey.shape[1]))
            grey[:, at : at + thick] = dark
    return grey


def _framed(grey: Floats, rng: np.random.Generator, ground: float) -> Floats:
    """A window narrower than the picture: the rest is one tone."""
    tone = float(rng.choice([0.0, 255.0, 128.0, ground]))
    framed = np.full_like(grey, tone)
    top, left = (int(rng.integers(0, side // 4)) for side in grey.shape)
    bottom, right = (side - int(rng.integers(0, side // 4)) for side in grey.shape)
    framed[top:bottom, left:right] = grey[top:bottom, left:right]
    return framed


def _shown(ridges: Floats, grey: Floats, contact: Floats) -> Floats:
    """The local correlation of the picture with the true ridges, a value for each cell of 4 x 4 pixels."""
    height, width = grey.shape

    def cells(field: Floats) -> Floats:
        means = field.reshape(height // CELL, CELL, width // CELL, CELL).mean(axis=(1, 3), dtype=np.float32)
        return np.asarray(gaussian_filter(means, 2.0), np.float32)

    def spread(field: Floats) -> Floats:  # of cell means to pixels, coarse
        return np.repeat(np.repeat(field, CELL, axis=0), CELL, axis=1)

    a = ridges - spread(cells(ridges))
    b = -(grey - spread(cells(grey)))
    norm = np.sqrt(np.maximum(cells(a * a), 1e-3) * np.maximum(cells(b * b), 4.0))
    return np.asarray(np.clip(cells(a * b) / norm, 0, 1) * cells(contact), np.float32)
