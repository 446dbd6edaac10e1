"""Maps of the fast network to minutiae: one value for each cell of 4 x 4 pixels, and where in the cell's reach it means.

presence (h/4, w/4) ─ largest of 3 x 3, above the threshold ─► cells ─ + offset ─► places ─ merge ─► Minutiae
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import parameters
from .minutiae import BIFURCATION, ENDING, Minutiae, minutiae
from .trace import Trace


def minutiae_of_cells(
    maps: NDArray[np.float32], top: int, left: int, height: int, width: int, trace: Trace
) -> Minutiae:
    """The minutiae of a picture (height, width) that lay at (top, left) in what the network saw.

    `maps` float32 (6, rows, columns): presence 0..1, offset right and down in cells from the cell's middle, the
    direction's cosine and sine, type as a logit (ending from 0 up). A place outside the picture is no minutia; of two
    nearer than FAST_MERGE pixels the surer is kept.
    """
    presence, right, down, cosine, sine, kind = maps
    around = np.pad(presence, 1, constant_values=-1.0)
    windows = np.lib.stride_tricks.sliding_window_view(around, (3, 3))
    rows, columns = np.nonzero(presence >= parameters.FAST_THRESHOLD)
    is_peak = presence[rows, columns] >= windows[rows, columns].max(axis=(1, 2), initial=-1.0)
    rows, columns = rows[is_peak], columns[is_peak]
    cell = parameters.FAST_CELL
    middle = (cell - 1) / 2
    x = np.rint((columns + right[rows, columns]) * cell + middle - left)
    y = np.rint((rows + down[rows, columns]) * cell + middle - top)
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    rows, columns, x, y = rows[inside], columns[inside], x[inside], y[inside]
    order = np.lexsort((columns, rows, -presence[rows, columns]))
    kept: list[int] = []
    for k in order:
        near = (x[kept] - x[k]) ** 2 + (y[kept] - y[k]) ** 2 < parameters.FAST_MERGE**2
        if not near.any():
            kept.append(int(k))
    rows, columns, x, y = rows[kept], columns[kept], x[kept], y[kept]
    trace.keep("peaks", lambda: np.stack([x, y, presence[rows, columns]], axis=1))
    return minutiae(
        width,
        height,
        x,
        y,
        np.arctan2(sine[rows, columns], cosine[rows, columns]),
        100.0 * np.clip(presence[rows, columns], 0.0, 1.0),
        np.where(kind[rows, columns] >= 0.0, ENDING, BIFURCATION),
    )
