"""Slow, obvious numpy and plain-Python twins of the room's kernels, written from the paper again."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mithaq.finger import Template, parameters
from mithaq.finger.cylinder import cell_centres


def turn(angle: float) -> float:
    return (angle + math.pi) % (2.0 * math.pi) - math.pi


def outside(point: NDArray[np.float64], corners: NDArray[np.float64]) -> float:
    """Distance from a convex polygon, 0 within it: the largest gap over many supporting directions."""
    angles = np.linspace(0.0, 2.0 * np.pi, 3600, endpoint=False)
    normals = np.stack([np.cos(angles), np.sin(angles)])
    return max(0.0, float((point @ normals - (corners @ normals).max(axis=0)).max()))


def codes(template: Template) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.float64]]:
    """(n, cells, layers) bits, (n, cells) known cells, and (n, cells) the distances from the hull that decided it."""
    place = np.stack([template.x_px, template.y_px], axis=1).astype(np.float64)
    angle = template.angle_rad.astype(np.float64)
    cells = cell_centres()
    layers = parameters.CYLINDER_LAYERS
    bits = np.zeros((len(place), len(cells), layers), np.bool_)
    known = np.zeros((len(place), len(cells)), np.bool_)
    gaps = np.zeros((len(place), len(cells)))
    for m in range(len(place)):
        along = np.array([math.cos(angle[m]), -math.sin(angle[m])])
        across = np.array([math.sin(angle[m]), math.cos(angle[m])])
        others = [t for t in range(len(place)) if t != m]
        contributed = set()
        for c, (u, v) in enumerate(cells):
            point = place[m] + u * along + v * across
            gaps[m, c] = outside(point, place)
            if gaps[m, c] > parameters.HULL_MARGIN:
                continue
            known[m, c] = True
            total = np.zeros(layers)
            for t in others:
                far = float(np.hypot(*(place[t] - point)))
                if far > 3.0 * parameters.POSITION_SIGMA:
                    continue
                contributed.add(t)
                sigma = parameters.POSITION_SIGMA
                weight = math.exp(-0.5 * (far / sigma) ** 2) / (sigma * math.sqrt(2.0 * math.pi))
                for layer in range(layers):
                    middle = -math.pi + (layer + 0.5) * 2.0 * math.pi / layers
                    away = turn(middle - turn(angle[m] - angle[t]))
                    steps = away + (np.arange(200) + 0.5) / 200 * 2.0 * math.pi / layers - math.pi / layers
                    density = np.exp(-0.5 * (steps / parameters.DIRECTION_SIGMA) ** 2)
                    total[layer] += (
                        weight
                        * density.sum()
                        * (2.0 * math.pi / layers / 200)
                        / (parameters.DIRECTION_SIGMA * math.sqrt(2.0 * math.pi))
                    )
            bits[m, c] = total > parameters.CELL_THRESHOLD
        if known[m].mean() < parameters.MIN_CELLS or len(contributed) < parameters.MIN_NEIGHBOURS:
            bits[m] = known[m] = False
    return bits, known, gaps


def unpacked(template: Template) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """The template's packed codes as (n, cells, layers) bits and (n, cells) known cells."""
    cells = np.arange(parameters.CELLS, dtype=np.uint64)
    words = (template.codes[:, :, None] >> cells) & np.uint64(1)
    return words[:, :-1].transpose(0, 2, 1).astype(np.bool_), words[:, -1].astype(np.bool_)


def similarities(a: Template, b: Template) -> NDArray[np.float64]:
    bits_a, known_a = unpacked(a)
    bits_b, known_b = unpacked(b)
    result = np.zeros((len(a), len(b)))
    for i in range(len(a)):
        for j in range(len(b)):
            common = known_a[i] & known_b[j]
            if common.sum() < parameters.MIN_COMMON_CELLS * parameters.CELLS:
                continue
            if abs(turn(float(a.angle_rad[i]) - float(b.angle_rad[j]))) > parameters.MAX_TURN_RAD:
                continue
            left, right = bits_a[i][common].astype(float), bits_b[j][common].astype(float)
            size = np.linalg.norm(left) + np.linalg.norm(right)
            if size > 0:
                result[i, j] = 1.0 - np.linalg.norm(left - right) / size
    return result


def sigmoid(value: float, middle: float, slope: float) -> float:
    return 1.0 / (1.0 + math.exp(-slope * (value - middle)))


def score(a: Template, b: Template, similarity: NDArray[np.float64]) -> float:
    """The value, from the similarities on."""
    flat = sorted((-similarity[i, j], i, j) for i in range(len(a)) for j in range(len(b)) if similarity[i, j] > 0)
    pairs: list[tuple[int, int]] = []
    for _, i, j in flat:
        if all(i != k and j != m for k, m in pairs) and len(pairs) < parameters.MAX_PAIRS:
            pairs.append((i, j))
    if len(pairs) < 2:
        return 0.0

    def agreement(s: tuple[int, int], t: tuple[int, int]) -> float:
        def seen(template: Template, i: int, k: int) -> tuple[float, float, float]:
            dx = float(template.x_px[k]) - float(template.x_px[i])
            dy = float(template.y_px[i]) - float(template.y_px[k])
            own = float(template.angle_rad[i])
            return math.hypot(dx, dy), own - float(template.angle_rad[k]), own - math.atan2(dy, dx)

        da, ta, ra = seen(a, s[0], t[0])
        db, tb, rb = seen(b, s[1], t[1])
        if abs(da - db) > parameters.DISTANCE_REACH:
            return 0.0
        bend = parameters.ANGLE_MIDDLE, parameters.ANGLE_SLOPE
        return (
            sigmoid(abs(da - db), parameters.DISTANCE_MIDDLE, parameters.DISTANCE_SLOPE)
            * sigmoid(abs(turn(ta - tb)), *bend)
            * sigmoid(abs(turn(ra - rb)), *bend)
        )

    count = len(pairs)
    support = np.array([[agreement(s, t) if s != t else 0.0 for t in pairs] for s in pairs])
    own = np.array([similarity[i, j] for i, j in pairs])
    now = own.copy()
    for _ in range(parameters.RELAXATION_ROUNDS):
        now = parameters.RELAXATION_WEIGHT * now + (1 - parameters.RELAXATION_WEIGHT) * support @ now / (count - 1)
    smaller = min(len(a), len(b))
    share = sigmoid(smaller, parameters.TOP_MIDDLE, parameters.TOP_SLOPE)
    top = parameters.MIN_TOP + round(share * (parameters.MAX_TOP - parameters.MIN_TOP))
    best = np.argsort(-now / own, kind="stable")[:top]
    return float(now[best].sum() / top * smaller / (smaller + parameters.EVIDENCE_HALF))
