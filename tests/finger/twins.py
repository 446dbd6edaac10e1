"""Slow, obvious numpy and plain-Python twins of the room's kernels, written again."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mithaq.finger import Template, parameters
from mithaq.finger.descriptor import BITS, Network


def turn(angle: float) -> float:
    return (angle + math.pi) % (2.0 * math.pi) - math.pi


def codes(template: Template, net: Network) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """(n, BITS) what the bits are the signs of, (n) reliability 0..1, (n) whether there is a code; in double precision."""
    place = np.stack([template.x_px, -template.y_px.astype(int)], axis=1).astype(np.float64)
    step = 2.0 * np.pi / 256.0
    values, trust = np.zeros((len(place), BITS)), np.zeros(len(place))
    has_code = np.zeros(len(place), np.bool_)
    for m in range(len(place)):
        away = place - place[m]
        angle = step * int(template.angle[m])
        frame = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
        local = away @ frame.T
        far = np.hypot(*away.T)
        order = [t for t in np.argsort(far, kind="stable") if t != m and far[t] <= parameters.NEIGHBOUR_REACH]
        near = order[: parameters.NEIGHBOURS]
        has_code[m] = len(near) >= parameters.MIN_NEIGHBOURS
        if not has_code[m]:
            continue
        rows = []
        for t in near:
            turned = step * (int(template.angle[t]) - int(template.angle[m]))
            phase = local[t] @ net.waves[:2] + net.waves[2] * turned / (2.0 * np.pi) + net.waves[3]
            kind = (0.0, 1.0, -1.0)[template.kind[t]]
            reach = far[t] / parameters.NEIGHBOUR_REACH
            raw = [*(local[t] / parameters.NEIGHBOUR_REACH), math.cos(turned), math.sin(turned)]
            seen = np.concatenate([np.cos(2.0 * np.pi * phase), raw, [template.quality[t] / 100.0, kind, reach]])
            opened = 1.0 / (1.0 + np.exp(-net.gate @ np.array([1.0, reach, reach**2, template.quality[t] / 100.0])))
            rows.append(np.maximum(seen @ net.near + net.near_bias, 0.0) * opened[:, None])
        out = np.exp(0.25j * np.pi * np.arange(8))
        extent = (local @ np.stack([out.real, out.imag]) / parameters.EXTENT_REACH).max(axis=0).clip(0.0, 1.0)
        beside = [len(near) / parameters.NEIGHBOURS, template.quality[m] / 100.0]
        pooled = np.concatenate([0.1 * np.sum(rows, axis=0).reshape(-1), np.max(rows, axis=0)[0], extent, beside])
        wide = np.maximum(pooled @ net.wide + net.wide_bias, 0.0)
        last = np.concatenate([wide, pooled]) @ net.bits + net.bits_bias
        values[m], trust[m] = last[:-1], 1.0 / (1.0 + math.exp(-last[-1]))
    return values, trust, has_code


def bits_of(template: Template) -> NDArray[np.bool_]:
    """(n, BITS) the template's packed codes."""
    shifts = np.arange(64, dtype=np.uint64)
    return ((template.codes[:, :, None] >> shifts) & np.uint64(1)).reshape(len(template), BITS).astype(np.bool_)


def similarities(a: Template, b: Template) -> NDArray[np.float64]:
    bits_a, bits_b = bits_of(a), bits_of(b)
    result = np.zeros((len(a), len(b)))
    for i in range(len(a)):
        for j in range(len(b)):
            if abs((int(a.angle[i]) - int(b.angle[j]) + 128) % 256 - 128) <= parameters.MAX_TURN:
                trust = float(a.reliability[i]) * float(b.reliability[j]) / 255.0**2
                result[i, j] = max(0.0, (1.0 - 2.0 * (bits_a[i] != bits_b[j]).mean()) * trust)
    return result


def sigmoid(value: float, middle: float, slope: float) -> float:
    return 1.0 / (1.0 + math.exp(-slope * (value - middle)))


def best_pairs(similarity: NDArray[np.float64]) -> list[tuple[int, int]]:
    rows, columns = np.nonzero(similarity > 0)
    pairs: list[tuple[int, int]] = []
    for _, i, j in sorted((-similarity[i, j], int(i), int(j)) for i, j in zip(rows, columns, strict=True)):
        if all(i != k and j != m for k, m in pairs) and len(pairs) < parameters.MAX_PAIRS:
            pairs.append((i, j))
    return pairs


def score(a: Template, b: Template, similarity: NDArray[np.float64]) -> float:
    """The value, from the similarities on."""
    pairs = best_pairs(similarity)
    if len(pairs) < 2:
        return 0.0

    def agreement(s: tuple[int, int], t: tuple[int, int]) -> float:
        def seen(template: Template, i: int, k: int) -> tuple[float, float, float]:
            dx = float(template.x_px[k]) - float(template.x_px[i])
            dy = float(template.y_px[i]) - float(template.y_px[k])
            own = 2.0 * math.pi / 256.0 * float(template.angle[i])
            return math.hypot(dx, dy), own - 2.0 * math.pi / 256.0 * float(template.angle[k]), own - math.atan2(dy, dx)

        da, ta, ra = seen(a, s[0], t[0])
        db, tb, rb = seen(b, s[1], t[1])
        off, turned = abs(turn(ra - rb)), abs(turn(ta - tb))
        reach = (parameters.ANGLE_REACH + 0.5) * 2.0 * math.pi / 256.0
        if abs(da - db) > parameters.DISTANCE_REACH or turned > reach or da * db == 0.0 or off >= 0.5 * math.pi:
            return 0.0
        bend = parameters.ANGLE_MIDDLE, parameters.ANGLE_SLOPE
        return (
            sigmoid(abs(da - db), parameters.DISTANCE_MIDDLE, parameters.DISTANCE_SLOPE)
            * sigmoid(turned, *bend)
            * sigmoid(math.sin(off), *bend)
        )

    def relaxed(pairs: list[tuple[int, int]], own: NDArray[np.float64], least: int) -> NDArray[np.float64]:
        support = np.array([[agreement(s, t) if s != t else 0.0 for t in pairs] for s in pairs])
        now = own.copy()
        for _ in range(parameters.RELAXATION_ROUNDS):
            passed = support @ now / max(len(pairs) - 1, least)
            now = parameters.RELAXATION_WEIGHT * now + (1 - parameters.RELAXATION_WEIGHT) * passed
        return now

    own = np.array([similarity[i, j] for i, j in pairs])
    now = relaxed(pairs, own, 1)
    smaller = min(len(a), len(b))
    share = sigmoid(smaller, parameters.TOP_MIDDLE, parameters.TOP_SLOPE)
    top = parameters.MIN_TOP + round(share * (parameters.MAX_TOP - parameters.MIN_TOP))
    best = np.argsort(-now / own, kind="stable")[:top]
    first = now[best].sum() / top * smaller / (smaller + parameters.EVIDENCE_HALF)

    seed = pairs[int(np.argmax(now))]
    voices = [t for t in pairs if t == seed or agreement(seed, t) > parameters.AGAIN_SUPPORT]
    near = under(a, b, similarity, placement(a, b, seed, voices))
    placed = best_pairs(near)
    if len(placed) < 2:
        return 0.0
    worth = relaxed(placed, np.array([near[i, j] for i, j in placed]), smaller // parameters.AGAIN_PART)
    again = np.sort(worth)[::-1][:top].sum() / top
    return math.sqrt(first * math.sqrt(again))


def placement(
    a: Template, b: Template, seed: tuple[int, int], voices: list[tuple[int, int]]
) -> tuple[complex, complex]:
    """(turn, shift) in complex numbers: a point z of b lies on turn z + shift of a."""
    there, here = (
        np.array([complex(t.x_px[p[side]], t.y_px[p[side]]) for p in voices]) for t, side in ((a, 0), (b, 1))
    )
    turned = np.vdot(here - here.mean(), there - there.mean())
    if len(voices) == 1:
        turned = np.exp(2j * math.pi / 256.0 * (int(b.angle[seed[1]]) - int(a.angle[seed[0]])))
    turned = turned / abs(turned)
    return turned, there.mean() - turned * here.mean()


def under(
    a: Template, b: Template, similarity: NDArray[np.float64], placed: tuple[complex, complex]
) -> NDArray[np.float64]:
    """The similarities under a placement, in the kernel's steps of 1 / (bits 255²), 1 at the least where near."""
    one, steps = float(BITS * 255 * 255), np.zeros(similarity.shape)
    turn = round(float(np.angle(placed[0])) * 128.0 / math.pi)
    for i in range(len(a)):
        for j in range(len(b)):
            z = placed[0] * complex(b.x_px[j], b.y_px[j]) + placed[1]
            gap = abs(complex(a.x_px[i], a.y_px[i]) - z) / parameters.AGAIN_PX
            off = abs((int(a.angle[i]) - int(b.angle[j]) + turn + 128) % 256 - 128)
            if gap < 1.0 and off <= parameters.AGAIN_TURN:
                kept = (1.0 - gap * gap / 2.0) * (1.0 - off / (2.0 * parameters.AGAIN_TURN))
                steps[i, j] = max(1, math.floor(round(similarity[i, j] * one) * kept))
    return steps / one
