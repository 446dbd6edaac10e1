"""Minutiae -> packed bit vectors, after the literature's minutia cylinder-code (Cappelli, Ferrara, Maltoni 2010).

    around each minutia, in its own frame:          52 cells in a disc of 70 px  x  6 direction differences
    a cell's bit = enough neighbours lie near it with about that direction difference

`describe` is the only way in, and says all that the rest of the room knows of the descriptor: a learned one takes its
place behind the same function (docs/decisions/0002-cylinder-code-for-now.md). Written from the paper; no code was read.

Codes: uint64 (n, 7). Words 0 to 5 are the direction layers, bit c the cell c; word 6 is the mask of cells that are
known (within the widened hull of the minutiae). An all-zero row is a minutia without a code.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from . import parameters
from .compiled import compiled
from .minutiae import Minutiae

WORDS = parameters.CYLINDER_LAYERS + 1
MASK_WORD = parameters.CYLINDER_LAYERS
DESCRIPTOR = 1
"""Number of this descriptor in template files; codes of different descriptors are never compared."""


def describe(minutiae: Minutiae) -> NDArray[np.uint64]:
    """The code of each minutia, uint64 (n, 7); rows of zeros where too little of the neighbourhood is known."""
    x = minutiae.x_px.astype(np.float64)
    y = minutiae.y_px.astype(np.float64)
    return _codes(x, y, minutiae.angle_rad.astype(np.float64), cell_centres())


def cell_centres() -> NDArray[np.float64]:
    """(52, 2): along and across the minutia's direction, pixels; in the order of the bits."""
    step = 2.0 * parameters.CYLINDER_RADIUS / parameters.CYLINDER_SIDE
    along = (np.arange(parameters.CYLINDER_SIDE) + 0.5) * step - parameters.CYLINDER_RADIUS
    grid = np.stack(np.meshgrid(along, along, indexing="ij"), axis=-1).reshape(-1, 2)
    within: NDArray[np.float64] = grid[np.hypot(grid[:, 0], grid[:, 1]) <= parameters.CYLINDER_RADIUS]
    return within


_LAYERS = parameters.CYLINDER_LAYERS
_REACH = 3.0 * parameters.POSITION_SIGMA
_POSITION_SIGMA = parameters.POSITION_SIGMA
_DIRECTION_SIGMA = parameters.DIRECTION_SIGMA
_RADIUS = parameters.CYLINDER_RADIUS
_CELL_THRESHOLD = parameters.CELL_THRESHOLD
_HULL_MARGIN = parameters.HULL_MARGIN
_MIN_KNOWN = math.ceil(parameters.MIN_CELLS * parameters.CELLS)
_MIN_NEIGHBOURS = parameters.MIN_NEIGHBOURS


@compiled
def _hull(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.int64]:
    """Indices of the convex hull's corners, in one turning sense (monotone chain)."""
    count = len(x)
    order = np.argsort(x * 65536.0 + y)
    chain = np.empty(2 * count + 2, np.int64)
    top = 0
    for half in range(2):
        base = top
        for step in range(count):
            k = order[step] if half == 0 else order[count - 1 - step]
            while top - base >= 2:
                a, b = chain[top - 2], chain[top - 1]
                if (x[b] - x[a]) * (y[k] - y[a]) - (y[b] - y[a]) * (x[k] - x[a]) > 0.0:
                    break
                top -= 1
            chain[top] = k
            top += 1
        top -= 1
    return chain[: max(top, 1)].copy()


@compiled
def _is_known(px: float, py: float, hull_x: NDArray[np.float64], hull_y: NDArray[np.float64]) -> bool:
    """True within the hull or at most the margin away from it."""
    corners = len(hull_x)
    inside = corners >= 3
    nearest = 1e30
    for k in range(corners):
        ax, ay = hull_x[k], hull_y[k]
        bx, by = hull_x[(k + 1) % corners], hull_y[(k + 1) % corners]
        ex, ey = bx - ax, by - ay
        if ex * (py - ay) - ey * (px - ax) < 0.0:
            inside = False
        length = ex * ex + ey * ey
        t = 0.0
        if length > 0.0:
            t = min(1.0, max(0.0, ((px - ax) * ex + (py - ay) * ey) / length))
        dx, dy = px - ax - t * ex, py - ay - t * ey
        nearest = min(nearest, dx * dx + dy * dy)
    return inside or nearest <= _HULL_MARGIN * _HULL_MARGIN


@compiled
def _layer_weights(difference: float, weights: NDArray[np.float64]) -> None:
    """The share of a neighbour's direction difference that each layer takes: a Gaussian over the layer's sector."""
    width = 2.0 * math.pi / _LAYERS
    scale = 1.0 / (_DIRECTION_SIGMA * math.sqrt(2.0))
    for layer in range(_LAYERS):
        middle = -math.pi + (layer + 0.5) * width
        away = middle - difference
        away -= 2.0 * math.pi * math.floor((away + math.pi) / (2.0 * math.pi))
        weights[layer] = 0.5 * (math.erf((away + width / 2.0) * scale) - math.erf((away - width / 2.0) * scale))


@compiled
def _codes(
    x: NDArray[np.float64], y: NDArray[np.float64], angle: NDArray[np.float64], cells: NDArray[np.float64]
) -> NDArray[np.uint64]:
    count = len(x)
    codes = np.zeros((count, _LAYERS + 1), np.uint64)
    if count < 2:
        return codes
    hull = _hull(x, y)
    hull_x, hull_y = x[hull], y[hull]
    near = np.empty(count, np.int64)
    weights = np.empty((count, _LAYERS))
    total = np.empty(_LAYERS)
    far = (_RADIUS + _REACH) * (_RADIUS + _REACH)
    peak = 1.0 / (_POSITION_SIGMA * math.sqrt(2.0 * math.pi))
    for m in range(count):
        neighbours = 0
        for t in range(count):
            dx, dy = x[t] - x[m], y[t] - y[m]
            if t != m and dx * dx + dy * dy <= far:
                near[neighbours] = t
                _layer_weights(angle[m] - angle[t], weights[neighbours])
                neighbours += 1
        if neighbours < _MIN_NEIGHBOURS:
            continue
        cosine, sine = math.cos(angle[m]), math.sin(angle[m])
        known = 0
        contributes = np.zeros(neighbours, np.bool_)
        for c in range(len(cells)):
            # Rows count downwards, angles upwards: along = (cos, -sin), across = (sin, cos).
            px = x[m] + cells[c, 0] * cosine + cells[c, 1] * sine
            py = y[m] - cells[c, 0] * sine + cells[c, 1] * cosine
            if not _is_known(px, py, hull_x, hull_y):
                continue
            known += 1
            bit = np.uint64(1) << np.uint64(c)
            codes[m, _LAYERS] |= bit
            total[:] = 0.0
            for k in range(neighbours):
                dx, dy = x[near[k]] - px, y[near[k]] - py
                square = dx * dx + dy * dy
                if square <= _REACH * _REACH:
                    contributes[k] = True
                    weight = peak * math.exp(-square / (2.0 * _POSITION_SIGMA * _POSITION_SIGMA))
                    for layer in range(_LAYERS):
                        total[layer] += weight * weights[k, layer]
            for layer in range(_LAYERS):
                if total[layer] > _CELL_THRESHOLD:
                    codes[m, layer] |= bit
        if known < _MIN_KNOWN or contributes.sum() < _MIN_NEIGHBOURS:
            codes[m, :] = np.uint64(0)
    return codes
