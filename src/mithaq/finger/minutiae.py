"""Plain minutia arrays, checked once where they enter the room: from the extractor, a Type-9 record or ISO template."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mithaq.errors import FormatError

from . import parameters

OTHER, ENDING, BIFURCATION = 0, 1, 2  # codes of ISO/IEC 19794-2


@dataclass(frozen=True, slots=True, eq=False)
class Minutiae:
    """n minutiae of one print at 500 ppi, strongest first.

    `x_px`, `y_px` int16 (n) from the top left; `angle` uint8 (n) in 256ths of a turn (ISO/IEC 19794-2's unit), counter-
    clockwise as seen, along the ridge (ending) or valley (bifurcation), the same in radians as `angle_rad`; `quality`
    uint8 (n) 0..100; `kind` uint8 (n): 0 other, 1 ending, 2 bifurcation.
    """

    x_px: NDArray[np.int16]
    y_px: NDArray[np.int16]
    angle: NDArray[np.uint8]
    quality: NDArray[np.uint8]
    kind: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.x_px)

    @property
    def angle_rad(self) -> NDArray[np.float32]:
        return radians(self.angle)


def radians(angle: NDArray[np.uint8]) -> NDArray[np.float32]:
    """float32 in [0, 2π) of 256ths of a turn."""
    return angle.astype(np.float32) * np.float32(2.0 * np.pi / 256.0)


def minutiae(
    width: int,
    height: int,
    x_px: ArrayLike,
    y_px: ArrayLike,
    angle_rad: ArrayLike,
    quality: ArrayLike | None = None,
    kind: ArrayLike | None = None,
) -> Minutiae:
    """Checked and ordered (quality, then y, x, angle, kind), at most 255 of them, the surest kept.

    FormatError FIN-010 to FIN-013 where the arrays differ in length, hold a number that is not finite, a place outside
    the picture, or a kind or quality that does not exist. Without `quality` all count as sure; without `kind`, as other.
    """
    x = np.asarray(x_px, np.float64).reshape(-1)
    y = np.asarray(y_px, np.float64).reshape(-1)
    angle = np.asarray(angle_rad, np.float64).reshape(-1)
    sure = np.full(len(x), 100.0) if quality is None else np.asarray(quality, np.float64).reshape(-1)
    kinds = np.zeros(len(x)) if kind is None else np.asarray(kind, np.float64).reshape(-1)
    if not 0 < width <= parameters.MAX_SIDE or not 0 < height <= parameters.MAX_SIDE:
        raise FormatError(
            "FIN-010", f"a print of {width} x {height} pixels", expected=f"1 to {parameters.MAX_SIDE} each way"
        )
    if {len(y), len(angle), len(sure), len(kinds)} != {len(x)}:
        raise FormatError("FIN-011", "minutia arrays of different lengths", expected="one value per minutia in each")
    if not all(np.isfinite(part).all() for part in (x, y, angle, sure, kinds)):
        raise FormatError("FIN-012", "a minutia with a value that is not a number", expected="finite values")
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    if not (inside.all() and (np.abs(angle) < 1e6).all()):
        raise FormatError(
            "FIN-013",
            "a minutia outside the picture",
            expected=f"0 <= x < {width}, 0 <= y < {height}, an angle in radians",
        )
    if not (np.isin(kinds, (OTHER, ENDING, BIFURCATION)).all() and ((sure >= 0) & (sure <= 100)).all()):
        raise FormatError(
            "FIN-014", "a minutia kind or quality that does not exist", expected="kind 0 to 2, quality 0 to 100"
        )
    steps = np.rint(np.mod(angle, 2.0 * np.pi) * (128.0 / np.pi)).astype(np.int64).astype(np.uint8)  # 256 is 0 again
    sure_byte = np.rint(sure).astype(np.uint8)
    xs, ys = np.rint(x).astype(np.int16), np.rint(y).astype(np.int16)
    kind_byte = kinds.astype(np.uint8)
    order = np.lexsort((kind_byte, steps, xs, ys, -sure_byte.astype(np.int16)))[: parameters.MAX_MINUTIAE]
    return Minutiae(xs[order], ys[order], steps[order], sure_byte[order], kind_byte[order])
