"""A print with its minutiae drawn in, as grey pixels: a ring at each minutia and a stroke along its direction."""

from __future__ import annotations

import math

import numpy as np

from mithaq.finger import Template
from mithaq.units import GrayImage

RADIUS_PX = 4
STROKE_PX = 12


def with_minutiae(image: GrayImage, template: Template) -> GrayImage:
    """The picture, faded, with the template's minutiae in black; both at 500 ppi."""
    pixels = (128 + image.pixels.astype(np.uint16) // 2).astype(np.uint8)
    for x, y, angle in zip(template.x_px, template.y_px, template.angle_rad, strict=True):
        for turn in np.linspace(0, 2 * math.pi, 40, endpoint=False):
            _dot(pixels, x + RADIUS_PX * math.cos(turn), y + RADIUS_PX * math.sin(turn))
        for along in np.arange(RADIUS_PX, STROKE_PX, 0.5):
            _dot(pixels, x + along * math.cos(angle), y - along * math.sin(angle))
    return GrayImage(pixels, image.ppi)


def _dot(pixels: np.ndarray, x: float, y: float) -> None:
    row, column = round(float(y)), round(float(x))
    if 0 <= row < pixels.shape[0] and 0 <= column < pixels.shape[1]:
        pixels[row, column] = 0
