"""Template x Template -> Score: local similarity sort, then relaxation, then the pairs that one placement explains.

    codes ─► similarity of every two minutiae ─► best one-to-one pairs ─► pairs that agree support each other ─► value
                                                                              └─► turn and shift ─► paired minutiae

Local similarity sort and distortion-tolerant relaxation are written from the literature (Feng 2008; Cappelli, Ferrara,
Maltoni 2010); the codes are mithaq's own (descriptor.py). Symmetric to the last bit: the two templates are put in one
order first. Deterministic.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mithaq.errors import FormatError

from . import parameters
from .compiled import compiled, count_bits
from .template import Template
from .trace import Trace


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """`value` 0..1, the higher the likelier one finger; `threshold_for` says from where.

    `parts`: "similarity" mean code similarity of the pairs that count, "support" how far other pairs agree with them,
    "evidence" what the smaller print's count of minutiae lets one conclude, and value is the product of these three;
    beside it "paired" the share of the smaller print's minutiae that fall on one another, "pairs" their count. Each is 0
    where nothing could be compared. `pairs` int16 (k, 2): index in the first and the second template, nearest first.
    """

    value: float
    parts: dict[str, float]
    pairs: NDArray[np.int16]


def compare(a: Template, b: Template, *, trace: Trace | None = None) -> Score:
    """How alike two prints are. `compare(a, b)` and `compare(b, a)` give the same value and parts, pairs mirrored.

    FormatError FIN-030 where their codes are of different descriptors.
    """
    if a.descriptor != b.descriptor:
        raise FormatError(
            "FIN-030",
            f"codes of descriptors {a.descriptor} and {b.descriptor}",
            expected="the same in both templates",
            remedy="extract both again",
        )
    swapped = _comes_after(a, b)
    first, second = (b, a) if swapped else (a, b)
    arrays = (*arrays_of(first), *arrays_of(second))
    numbers, pairs = score_arrays(*arrays)
    if trace is not None:
        _explain(trace, arrays, swapped)
    parts = dict(zip(PARTS, (float(n) for n in numbers[1:]), strict=True))
    return Score(float(numbers[0]), parts, pairs[:, ::-1].copy() if swapped else pairs)


PARTS = ("similarity", "support", "evidence", "paired", "pairs")


Arrays = tuple[NDArray[np.int16], NDArray[np.int16], NDArray[np.uint8], NDArray[np.uint64], NDArray[np.uint8]]


def _explain(trace: Trace, arrays: Any, swapped: bool) -> None:
    """Computes again, step by step, what the expert asked for."""
    ax, ay, aa, ac, ar, bx, by, ba, bc, br = arrays
    similarity = similarities(aa, ac, ar, ba, bc, br)
    pairs = best_pairs(similarity)
    own = similarity[pairs[:, 0], pairs[:, 1]].astype(np.float64)
    trace.keep("similarity", lambda: similarity.T if swapped else similarity)
    trace.keep("greedy-pairs", lambda: pairs[:, ::-1] if swapped else pairs)
    trace.keep("own", lambda: own)
    trace.keep("relaxed", lambda: relax(own, agreement(pairs, ax, ay, aa, bx, by, ba)))


def arrays_of(template: Template) -> Arrays:
    """What the kernels read of a template."""
    return template.x_px, template.y_px, template.angle, template.codes, template.reliability


def _comes_after(a: Template, b: Template) -> bool:
    """A total order on what the kernel reads, so that either order of arguments runs the same instructions."""
    if len(a) != len(b):
        return len(a) > len(b)
    left, right = (b"".join(part.tobytes() for part in arrays_of(template)) for template in (a, b))
    return left > right


_MAX_TURN = parameters.MAX_TURN
_MAX_PAIRS = parameters.MAX_PAIRS
_ROUNDS = parameters.RELAXATION_ROUNDS
_OWN = parameters.RELAXATION_WEIGHT
_DISTANCE_MIDDLE, _DISTANCE_SLOPE = (parameters.DISTANCE_MIDDLE, parameters.DISTANCE_SLOPE)
_DISTANCE_REACH = parameters.DISTANCE_REACH
_ANGLE_MIDDLE, _ANGLE_SLOPE = parameters.ANGLE_MIDDLE, parameters.ANGLE_SLOPE
_MIN_TOP, _MAX_TOP = parameters.MIN_TOP, parameters.MAX_TOP
_TOP_MIDDLE, _TOP_SLOPE = parameters.TOP_MIDDLE, parameters.TOP_SLOPE
_EVIDENCE_HALF = parameters.EVIDENCE_HALF
_STEP = 2.0 * math.pi / 256.0
_PLACE_PX, _PLACE_RAD = parameters.PLACE_PX, parameters.PLACE_RAD


@compiled
def _turn(radians: float) -> float:
    """The same angle in [-π, π)."""
    return radians - 2.0 * math.pi * math.floor((radians + math.pi) / (2.0 * math.pi))


@compiled
def _sigmoid(value: float, middle: float, slope: float) -> float:
    return 1.0 / (1.0 + math.exp(-slope * (value - middle)))


@compiled
def _apart(one: np.uint8, other: np.uint8) -> int:
    """256ths of a turn between two directions, 0 to 128."""
    apart = int(np.int64(one) - np.int64(other)) & 255
    return min(apart, 256 - apart)


@compiled
def similarities(
    aa: NDArray[np.uint8],
    ac: NDArray[np.uint64],
    ar: NDArray[np.uint8],
    ba: NDArray[np.uint8],
    bc: NDArray[np.uint64],
    br: NDArray[np.uint8],
) -> NDArray[np.float32]:
    """(n_a, n_b): (1 - 2 different bits / bits) x both reliabilities; 0 below nothing and beyond a quarter turn."""
    result = np.zeros((len(aa), len(ba)), np.float32)
    words = ac.shape[1]
    scale = np.float32(1.0 / (64.0 * words * 255.0 * 255.0))
    for i in range(len(aa)):
        for j in range(len(ba)):
            if _apart(aa[i], ba[j]) > _MAX_TURN:
                continue
            differ = 0
            for w in range(words):
                differ += count_bits(ac[i, w] ^ bc[j, w])
            alike = (64 * words - 2 * differ) * np.int64(ar[i]) * np.int64(br[j])
            if alike > 0:
                result[i, j] = np.float32(alike) * scale
    return result


@compiled
def best_pairs(similarity: NDArray[np.float32]) -> NDArray[np.int64]:
    """(k, 2) greedy one-to-one pairs, most similar first, ties in row order; at most the cap."""
    rows, columns = similarity.shape
    limit = min(rows, columns, _MAX_PAIRS)
    bins = 1024
    counts = np.zeros(bins + 1, np.int64)
    filled = 0
    for i in range(rows):
        for j in range(columns):
            if similarity[i, j] > 0.0:
                counts[bins - 1 - min(bins - 1, int(similarity[i, j] * bins)) + 1] += 1
                filled += 1
    for k in range(bins):
        counts[k + 1] += counts[k]
    order = np.empty(filled, np.int64)
    for i in range(rows):
        for j in range(columns):
            if similarity[i, j] > 0.0:
                k = bins - 1 - min(bins - 1, int(similarity[i, j] * bins))
                order[counts[k]] = i * columns + j
                counts[k] += 1
    for k in range(1, filled):  # within a bin, few places off: insertion makes the order exact
        item = order[k]
        value = similarity[item // columns, item % columns]
        place = k
        while place > 0:
            other = order[place - 1]
            if similarity[other // columns, other % columns] >= value:
                break
            order[place] = other
            place -= 1
        order[place] = item
    pairs = np.empty((limit, 2), np.int64)
    row_taken = np.zeros(rows, np.bool_)
    column_taken = np.zeros(columns, np.bool_)
    found = 0
    for k in range(filled):
        i, j = order[k] // columns, order[k] % columns
        if not row_taken[i] and not column_taken[j]:
            row_taken[i] = column_taken[j] = True
            pairs[found, 0], pairs[found, 1] = i, j
            found += 1
            if found == limit:
                break
    return pairs[:found]


@compiled
def agreement(
    pairs: NDArray[np.int64],
    ax: NDArray[np.int16],
    ay: NDArray[np.int16],
    aa: NDArray[np.uint8],
    bx: NDArray[np.int16],
    by: NDArray[np.int16],
    ba: NDArray[np.uint8],
) -> NDArray[np.float64]:
    """(k, k): how well two pairs lie alike in both prints: distance, relative direction, bearing of one from the other."""
    count = len(pairs)
    result = np.zeros((count, count))
    for s in range(count):
        i, j = pairs[s]
        for t in range(s):
            k, m = pairs[t]
            dxa, dya = float(ax[k] - ax[i]), float(ay[i] - ay[k])
            dxb, dyb = float(bx[m] - bx[j]), float(by[j] - by[m])
            apart = abs(math.sqrt(dxa * dxa + dya * dya) - math.sqrt(dxb * dxb + dyb * dyb))
            if apart > _DISTANCE_REACH:
                continue
            turned = abs(_turn(_STEP * (np.int64(aa[i]) - np.int64(aa[k]) - np.int64(ba[j]) + np.int64(ba[m]))))
            alike = _sigmoid(apart, _DISTANCE_MIDDLE, _DISTANCE_SLOPE) * _sigmoid(turned, _ANGLE_MIDDLE, _ANGLE_SLOPE)
            bearing = math.atan2(dya, dxa) - math.atan2(dyb, dxb)
            from_s = abs(_turn(bearing - _STEP * (np.int64(aa[i]) - np.int64(ba[j]))))
            from_t = abs(_turn(bearing - _STEP * (np.int64(aa[k]) - np.int64(ba[m]))))
            result[s, t] = alike * _sigmoid(from_s, _ANGLE_MIDDLE, _ANGLE_SLOPE)
            result[t, s] = alike * _sigmoid(from_t, _ANGLE_MIDDLE, _ANGLE_SLOPE)
    return result


@compiled
def relax(own: NDArray[np.float64], alike: NDArray[np.float64]) -> NDArray[np.float64]:
    """(k,) similarities after each pair took its share from those that agree with it, several rounds."""
    count = len(own)
    now = own.copy()
    if count < 2:
        return now
    for _ in range(_ROUNDS):
        before = now.copy()
        for s in range(count):
            support = 0.0
            for t in range(count):
                support += alike[s, t] * before[t]
            now[s] = _OWN * before[s] + (1.0 - _OWN) * support / (count - 1)
    return now


@compiled
def _place(
    chosen: NDArray[np.int64],
    ax: NDArray[np.int16],
    ay: NDArray[np.int16],
    bx: NDArray[np.int16],
    by: NDArray[np.int16],
) -> tuple[float, float, float]:
    """Turn and shift that lay the chosen pairs' second minutiae on the first ones, by least squares."""
    count = len(chosen)
    max_, may, mbx, mby = 0.0, 0.0, 0.0, 0.0
    for i, j in chosen:
        max_ += ax[i]
        may += ay[i]
        mbx += bx[j]
        mby += by[j]
    max_, may, mbx, mby = max_ / count, may / count, mbx / count, mby / count
    dot, cross = 0.0, 0.0
    for i, j in chosen:
        ux, uy = bx[j] - mbx, by[j] - mby
        vx, vy = ax[i] - max_, ay[i] - may
        dot += ux * vx + uy * vy
        cross += ux * vy - uy * vx
    angle = math.atan2(cross, dot)
    cosine, sine = math.cos(angle), math.sin(angle)
    return angle, max_ - (cosine * mbx - sine * mby), may - (sine * mbx + cosine * mby)


@compiled
def _overlaid(
    chosen: NDArray[np.int64],
    ax: NDArray[np.int16],
    ay: NDArray[np.int16],
    aa: NDArray[np.uint8],
    bx: NDArray[np.int16],
    by: NDArray[np.int16],
    ba: NDArray[np.uint8],
) -> NDArray[np.int16]:
    """(k, 2) minutiae that fall on one another under the chosen pairs' placement, nearest first, one to one."""
    angle, shift_x, shift_y = _place(chosen, ax, ay, bx, by)
    cosine, sine = math.cos(angle), math.sin(angle)
    columns = len(ba)
    gaps = np.empty(len(aa) * columns)
    where = np.empty(len(aa) * columns, np.int64)
    count = 0
    for j in range(columns):
        px = cosine * bx[j] - sine * by[j] + shift_x
        py = sine * bx[j] + cosine * by[j] + shift_y
        for i in range(len(aa)):
            dx, dy = ax[i] - px, ay[i] - py
            gap = dx * dx + dy * dy
            # The image's y axis points down, so a turn by `angle` there lowers directions by it.
            if (
                gap <= _PLACE_PX * _PLACE_PX
                and abs(_turn(_STEP * (np.int64(aa[i]) - np.int64(ba[j])) + angle)) <= _PLACE_RAD
            ):
                gaps[count] = gap
                where[count] = i * columns + j
                count += 1
    order = np.argsort(gaps[:count], kind="mergesort")
    row_taken = np.zeros(len(aa), np.bool_)
    column_taken = np.zeros(columns, np.bool_)
    result = np.empty((min(len(aa), columns), 2), np.int16)
    found = 0
    for k in order:
        i, j = where[k] // columns, where[k] % columns
        if not row_taken[i] and not column_taken[j]:
            row_taken[i] = column_taken[j] = True
            result[found, 0], result[found, 1] = i, j
            found += 1
    return result[:found]


@compiled
def score_arrays(
    ax: NDArray[np.int16],
    ay: NDArray[np.int16],
    aa: NDArray[np.uint8],
    ac: NDArray[np.uint64],
    ar: NDArray[np.uint8],
    bx: NDArray[np.int16],
    by: NDArray[np.int16],
    ba: NDArray[np.uint8],
    bc: NDArray[np.uint64],
    br: NDArray[np.uint8],
) -> tuple[NDArray[np.float64], NDArray[np.int16]]:
    """([value, *PARTS], pairs (k, 2)): the whole comparison without the interpreter.

    For mithaq.search's kernels too; symmetric only up to rounding, `compare` makes it exact by ordering its arguments.
    """
    numbers = np.zeros(6)
    nothing = np.empty((0, 2), np.int16)
    similarity = similarities(aa, ac, ar, ba, bc, br)
    pairs = best_pairs(similarity)
    count = len(pairs)
    smaller = min(len(aa), len(ba))
    top = _MIN_TOP + round(_sigmoid(smaller, _TOP_MIDDLE, _TOP_SLOPE) * (_MAX_TOP - _MIN_TOP))
    if count < 2:
        return numbers, nothing
    own = np.empty(count)
    for k in range(count):
        own[k] = similarity[pairs[k, 0], pairs[k, 1]]
    relaxed = relax(own, agreement(pairs, ax, ay, aa, bx, by, ba))
    order = np.argsort(-relaxed / own, kind="mergesort")
    used = min(top, count)
    chosen = np.empty((used, 2), np.int64)
    total = 0.0
    total_own = 0.0
    for k in range(used):
        chosen[k] = pairs[order[k]]
        total += relaxed[order[k]]
        total_own += own[order[k]]
    overlaid = _overlaid(chosen, ax, ay, aa, bx, by, ba)
    evidence = smaller / (smaller + _EVIDENCE_HALF)
    numbers[0] = total / top * evidence
    numbers[1] = total_own / top
    numbers[2] = total / total_own
    numbers[3] = evidence
    numbers[4] = len(overlaid) / smaller
    numbers[5] = len(overlaid)
    return numbers, overlaid
