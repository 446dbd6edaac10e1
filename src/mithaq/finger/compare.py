"""Template x Template -> Score: local similarity sort, relaxation, and both again where one placement puts the minutiae.

    codes ─► similarity of every two minutiae ─► best one-to-one pairs ─► pairs that agree support each other ─┬─► value
                          │                                                    └─► turn and shift, paired ones │
                          └─ of those that lie near each other under it ─► best pairs ─► they support each other ┘

Local similarity sort and distortion-tolerant relaxation are written from the literature (Feng 2008; Cappelli, Ferrara,
Maltoni 2010); the codes are mithaq's own (descriptor.py). Symmetric to the last bit: the two templates are put in one
order first. Deterministic. `score_rows` is the same without what a search does not show, over a gallery's arrays.
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
from .descriptor import BITS, WORDS
from .template import Template
from .trace import Trace


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """`value` 0..1, the higher the likelier one finger; `threshold_for` says from where.

    `parts`: "similarity" mean code similarity of the pairs that count, "support" how far other pairs agree with them,
    "evidence" what the smaller print's count of minutiae lets one conclude, "placed" what the best pairs are worth among
    those that one placement allows; value is the root of the product of the first three and the root of the fourth. Beside
    it "paired" the share of the smaller print's minutiae that fall on one another, "pairs" their count. Each is 0
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
    one, other = arrays_of(a), arrays_of(b)
    swapped = comes_after(*one, *other)
    arrays = (*other, *one) if swapped else (*one, *other)
    numbers, pairs = score_arrays(*arrays)
    if trace is not None:
        _explain(trace, arrays, swapped)
    parts = dict(zip(PARTS, (float(n) for n in numbers[1:]), strict=True))
    return Score(float(numbers[0]), parts, pairs[:, ::-1].copy() if swapped else pairs)


PARTS = ("similarity", "support", "evidence", "placed", "paired", "pairs")


I16 = NDArray[np.int16]
U8 = NDArray[np.uint8]
U64 = NDArray[np.uint64]
Arrays = tuple[I16, I16, U8, U64, U8]


def _explain(trace: Trace, arrays: Any, swapped: bool) -> None:
    """Computes again, step by step, what the expert asked for."""
    ax, ay, aa, ac, ar, bx, by, ba, bc, br = arrays
    similarity = similarities(aa, ac, ar, ba, bc, br)
    pairs, own = best_pairs(similarity)
    trace.keep("similarity", lambda: (similarity.T if swapped else similarity) * _SCALE)
    trace.keep("greedy-pairs", lambda: pairs[:, ::-1] if swapped else pairs)
    trace.keep("own", lambda: own)
    trace.keep("relaxed", lambda: relax(own, agreement(pairs, ax, ay, aa, bx, by, ba), 1))


def arrays_of(template: Template) -> Arrays:
    """What the kernels read of a template."""
    return template.x_px, template.y_px, template.angle, template.codes, template.reliability


_MAX_TURN = parameters.MAX_TURN
_MAX_PAIRS = parameters.MAX_PAIRS
_ROUNDS = parameters.RELAXATION_ROUNDS
_OWN = parameters.RELAXATION_WEIGHT
_DISTANCE_MIDDLE, _DISTANCE_SLOPE = parameters.DISTANCE_MIDDLE, parameters.DISTANCE_SLOPE
_DISTANCE_REACH = parameters.DISTANCE_REACH
_ANGLE_MIDDLE, _ANGLE_SLOPE = parameters.ANGLE_MIDDLE, parameters.ANGLE_SLOPE
_ANGLE_REACH = parameters.ANGLE_REACH
_MIN_TOP, _MAX_TOP = parameters.MIN_TOP, parameters.MAX_TOP
_TOP_MIDDLE, _TOP_SLOPE = parameters.TOP_MIDDLE, parameters.TOP_SLOPE
_EVIDENCE_HALF = parameters.EVIDENCE_HALF
_PLACE_PX, _PLACE_RAD = parameters.PLACE_PX, parameters.PLACE_RAD
_AGAIN_PX, _AGAIN_TURN = parameters.AGAIN_PX, parameters.AGAIN_TURN
_AGAIN_PART = parameters.AGAIN_PART
_AGAIN_SCALE = 1.0 / _AGAIN_PX
_SPEAKS = parameters.AGAIN_SUPPORT
_STEP = 2.0 * math.pi / 256.0
_COSINE = np.cos(np.arange(256) * _STEP)
_ALIKE_TURN = 1.0 / (1.0 + np.exp(-_ANGLE_SLOPE * (np.arange(129) * _STEP - _ANGLE_MIDDLE)))
_SCALE = 1.0 / (BITS * 255.0 * 255.0)
_BINS = 512
_BIN_SHIFT = (BITS * 255 * 255).bit_length() - 9


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
def similarities(aa: U8, ac: U64, ar: U8, ba: U8, bc: U64, br: U8) -> NDArray[np.int32]:
    """(n_a, n_b): (bits - 2 different bits) x both reliabilities; 0 below nothing and beyond a quarter turn."""
    result = np.empty((len(aa), len(ba)), np.int32)
    for i in range(len(aa)):
        for j in range(len(ba)):
            differ = 0
            for w in range(WORDS):
                differ += count_bits(ac[i, w] ^ bc[j, w])
            trust = np.int64(ar[i]) * np.int64(br[j]) * np.int64(_apart(aa[i], ba[j]) <= _MAX_TURN)
            result[i, j] = max(0, BITS - 2 * differ) * trust
    return result


@compiled
def best_pairs(similarity: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(k, 2) greedy one-to-one pairs, most similar first, ties in row order, at most the cap; and (k) how similar, 0..1."""
    rows, columns = similarity.shape
    keys = np.empty(rows * columns + 1, np.int64)  # similarity, then what is larger the earlier the row and column
    filled = 0
    for i in range(rows):
        for j in range(columns):
            value = np.int64(similarity[i, j])
            keys[filled] = (value << 16) | (65535 - ((i << 8) | j))
            filled += int(value > 0)
    return _greedy(keys[:filled], rows, columns)


@compiled
def _greedy(keys: NDArray[np.int64], rows: int, columns: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    limit = min(rows, columns, _MAX_PAIRS)
    counts = np.zeros(_BINS + 1, np.int64)
    filled = len(keys)
    for k in range(filled):
        counts[_BINS - (keys[k] >> (16 + _BIN_SHIFT))] += 1
    for k in range(_BINS):
        counts[k + 1] += counts[k]
    order = np.empty(filled, np.int64)
    for k in range(filled):
        slot = _BINS - 1 - (keys[k] >> (16 + _BIN_SHIFT))
        order[counts[slot]] = keys[k]
        counts[slot] += 1
    pairs, own = np.empty((limit, 2), np.int64), np.empty(limit)
    row_taken, column_taken = np.zeros(rows, np.bool_), np.zeros(columns, np.bool_)
    found = first = 0
    while first < filled and found < limit:
        last = first + 1  # a bin at a time: within it insertion makes the order exact
        while last < filled and order[last] >> (16 + _BIN_SHIFT) == order[first] >> (16 + _BIN_SHIFT):
            key, place = order[last], last
            while place > first and order[place - 1] < key:
                order[place] = order[place - 1]
                place -= 1
            order[place] = key
            last += 1
        for k in range(first, last):
            at = 65535 - (order[k] & 65535)
            i, j = at >> 8, at & 255
            if not row_taken[i] and not column_taken[j] and found < limit:
                row_taken[i] = column_taken[j] = True
                pairs[found, 0], pairs[found, 1], own[found] = i, j, (order[k] >> 16) * _SCALE
                found += 1
        first = last
    return pairs[:found], own[:found]


@compiled
def agreement(pairs: NDArray[np.int64], ax: I16, ay: I16, aa: U8, bx: I16, by: I16, ba: U8) -> NDArray[np.float64]:
    """(k, k): [t, s] is how far pair t speaks for pair s: alike in distance, relative direction, bearing from pair s.

    The bearing is judged by its sine: the arm in b, turned as the minutiae of s are, against the arm in a.
    """
    count = len(pairs)
    result = np.zeros((count, count))
    place = np.empty((count, 4))
    turns = np.empty(count, np.int64)
    for s in range(count):
        i, j = pairs[s]
        place[s, 0], place[s, 1], place[s, 2], place[s, 3] = ax[i], ay[i], bx[j], by[j]
        turns[s] = (np.int64(aa[i]) - np.int64(ba[j])) & 255
    for s in range(count):
        for t in range(s):
            turned = (turns[s] - turns[t]) & 255
            turned = min(turned, 256 - turned)
            if turned > _ANGLE_REACH:
                continue
            dxa, dya = place[t, 0] - place[s, 0], place[s, 1] - place[t, 1]
            dxb, dyb = place[t, 2] - place[s, 2], place[s, 3] - place[t, 3]
            far_a, far_b = math.sqrt(dxa * dxa + dya * dya), math.sqrt(dxb * dxb + dyb * dyb)
            apart = abs(far_a - far_b)
            if apart > _DISTANCE_REACH:
                continue
            alike = _sigmoid(apart, _DISTANCE_MIDDLE, _DISTANCE_SLOPE) * _ALIKE_TURN[turned]
            arms = far_a * far_b + 1e-9
            dot, cross = dxa * dxb + dya * dyb, dxb * dya - dyb * dxa
            for side in range(2):
                turn = turns[s] if side == 0 else turns[t]
                cosine, sine = _COSINE[turn], _COSINE[(turn + 192) & 255]
                if dot * cosine + cross * sine > 0.0:
                    off = _sigmoid(abs(cross * cosine - dot * sine) / arms, _ANGLE_MIDDLE, _ANGLE_SLOPE)
                    if side == 0:
                        result[t, s] = alike * off
                    else:
                        result[s, t] = alike * off
    return result


@compiled
def relax(own: NDArray[np.float64], alike: NDArray[np.float64], least: int) -> NDArray[np.float64]:
    """(k,) similarities after each pair took its share from those that speak for it, several rounds.

    Its share of all others, or of `least` where they are fewer: two pairs that agree are no full support.
    """
    count = len(own)
    now = own.copy()
    if count < 2:
        return now
    support = np.empty(count)
    share = (1.0 - _OWN) / max(count - 1, least)
    for _ in range(_ROUNDS):
        support[:] = 0.0
        for t in range(count):  # the inner loop runs along memory, and each sum in one order
            for s in range(count):
                support[s] += alike[t, s] * now[t]
        for s in range(count):
            now[s] = _OWN * now[s] + share * support[s]
    return now


@compiled
def _place(
    seed: int, pairs: NDArray[np.int64], alike: NDArray[np.float64], ax: I16, ay: I16, aa: U8, bx: I16, by: I16, ba: U8
) -> tuple[float, float, float]:
    """Turn and shift that lay b on a: by least squares over the seed and the pairs that speak for it; alone, by its directions."""
    count, mean_ax, mean_ay, mean_bx, mean_by = 0, 0.0, 0.0, 0.0, 0.0
    for t in range(len(pairs)):
        if t == seed or alike[t, seed] > _SPEAKS:
            i, j = pairs[t]
            mean_ax, mean_ay, mean_bx, mean_by = mean_ax + ax[i], mean_ay + ay[i], mean_bx + bx[j], mean_by + by[j]
            count += 1
    mean_ax, mean_ay, mean_bx, mean_by = mean_ax / count, mean_ay / count, mean_bx / count, mean_by / count
    dot, cross = 0.0, 0.0
    for t in range(len(pairs)):
        if t == seed or alike[t, seed] > _SPEAKS:
            i, j = pairs[t]
            ux, uy, vx, vy = bx[j] - mean_bx, by[j] - mean_by, ax[i] - mean_ax, ay[i] - mean_ay
            dot += ux * vx + uy * vy
            cross += ux * vy - uy * vx
    angle = math.atan2(cross, dot)
    if count == 1:  # the image's y axis points down, so a turn by `angle` there lowers directions by it
        angle = _STEP * (np.int64(ba[pairs[seed, 1]]) - np.int64(aa[pairs[seed, 0]]))
    cosine, sine = math.cos(angle), math.sin(angle)
    return angle, mean_ax - (cosine * mean_bx - sine * mean_by), mean_ay - (sine * mean_bx + cosine * mean_by)


@compiled
def pairs_under(
    placement: tuple[float, float, float],
    similarity: NDArray[np.int32],
    ax: I16,
    ay: I16,
    aa: U8,
    bx: I16,
    by: I16,
    ba: U8,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """As best_pairs, of the minutiae near each other under the placement; their similarity counts less the farther they are.

    It is 1 at the least: minutiae that lie on one another and are not alike speak against the placement, since they find
    no support and take a share of the others'.
    """
    angle, shift_x, shift_y = placement
    cosine, sine = math.cos(angle), math.sin(angle)
    rows, columns = similarity.shape
    px, py, turned = np.empty(columns), np.empty(columns), np.empty(columns, np.int64)
    turn = round(angle / _STEP)
    for j in range(columns):
        px[j] = (cosine * bx[j] - sine * by[j] + shift_x) * _AGAIN_SCALE
        py[j] = (sine * bx[j] + cosine * by[j] + shift_y) * _AGAIN_SCALE
        turned[j] = np.int64(ba[j]) - turn
    gaps, offs = np.empty(columns), np.empty(columns, np.int64)
    keys = np.empty(rows * columns + 1, np.int64)
    filled = 0
    for i in range(rows):
        x, y, direction = ax[i] * _AGAIN_SCALE, ay[i] * _AGAIN_SCALE, np.int64(aa[i])
        for j in range(columns):  # many at a time: nothing here depends on a branch
            gaps[j] = (x - px[j]) * (x - px[j]) + (y - py[j]) * (y - py[j])
            off = (direction - turned[j]) & 255
            offs[j] = min(off, 256 - off)
        first = filled
        for j in range(columns):
            keys[filled] = j
            filled += int((gaps[j] < 1.0) & (offs[j] <= _AGAIN_TURN))
        for k in range(first, filled):
            j = keys[k]
            kept = (1.0 - 0.5 * gaps[j]) * (1.0 - offs[j] * (0.5 / _AGAIN_TURN))
            value = max(1, int(similarity[i, j] * kept))
            keys[k] = (value << 16) | (65535 - ((i << 8) | j))
    return _greedy(keys[:filled], rows, columns)


@compiled
def _overlaid(placement: tuple[float, float, float], ax: I16, ay: I16, aa: U8, bx: I16, by: I16, ba: U8) -> I16:
    """(k, 2) minutiae that fall on one another under the placement, nearest first, one to one."""
    angle, shift_x, shift_y = placement
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
def _consolidated(
    ax: I16, ay: I16, aa: U8, ac: U64, ar: U8, bx: I16, by: I16, ba: U8, bc: U64, br: U8
) -> tuple[NDArray[np.float64], tuple[float, float, float]]:
    """([value, similarity, support, evidence, placed], placement); all 0 where there are not two pairs."""
    numbers = np.zeros(5)
    similarity = similarities(aa, ac, ar, ba, bc, br)
    pairs, own = best_pairs(similarity)
    count = len(pairs)
    if count < 2:
        return numbers, (0.0, 0.0, 0.0)
    alike = agreement(pairs, ax, ay, aa, bx, by, ba)
    relaxed = relax(own, alike, 1)
    smaller = min(len(aa), len(ba))
    top = _MIN_TOP + round(_sigmoid(smaller, _TOP_MIDDLE, _TOP_SLOPE) * (_MAX_TOP - _MIN_TOP))
    seed = int(np.argmax(relaxed))
    placement = _place(seed, pairs, alike, ax, ay, aa, bx, by, ba)
    total, total_own = 0.0, 0.0
    ratio = relaxed / own
    for _ in range(min(top, count)):  # the best few by selection, of equal ones the earlier
        best = np.argmax(ratio)
        ratio[best] = -1.0
        total += relaxed[best]
        total_own += own[best]
    placed, own_placed = pairs_under(placement, similarity, ax, ay, aa, bx, by, ba)
    again = 0.0
    if len(placed) > 1:
        worth = np.sort(relax(own_placed, agreement(placed, ax, ay, aa, bx, by, ba), smaller // _AGAIN_PART))
        for k in range(min(top, len(worth))):
            again += worth[len(worth) - 1 - k]
    numbers[1] = total_own / top
    numbers[2] = total / total_own
    numbers[3] = smaller / (smaller + _EVIDENCE_HALF)
    numbers[4] = again / top
    numbers[0] = math.sqrt(total / top * numbers[3] * math.sqrt(numbers[4]))
    return numbers, placement


@compiled
def score_arrays(
    ax: I16, ay: I16, aa: U8, ac: U64, ar: U8, bx: I16, by: I16, ba: U8, bc: U64, br: U8
) -> tuple[NDArray[np.float64], I16]:
    """([value, *PARTS], pairs (k, 2)): the whole comparison without the interpreter.

    Symmetric only up to rounding; `compare` makes it exact by ordering its arguments.
    """
    numbers = np.zeros(7)
    numbers[:5], placement = _consolidated(ax, ay, aa, ac, ar, bx, by, ba, bc, br)
    if numbers[1] == 0.0:
        return numbers, np.empty((0, 2), np.int16)
    overlaid = _overlaid(placement, ax, ay, aa, bx, by, ba)
    numbers[5] = len(overlaid) / min(len(aa), len(ba))
    numbers[6] = len(overlaid)
    return numbers, overlaid


@compiled
def comes_after(ax: I16, ay: I16, aa: U8, ac: U64, ar: U8, bx: I16, by: I16, ba: U8, bc: U64, br: U8) -> bool:
    """A total order on what the kernel reads, so that either order of arguments runs the same instructions."""
    if len(aa) != len(ba):
        return len(aa) > len(ba)
    for i in range(len(aa)):
        if ax[i] != bx[i]:
            return bool(ax[i] > bx[i])
        if ay[i] != by[i]:
            return bool(ay[i] > by[i])
        if aa[i] != ba[i]:
            return bool(aa[i] > ba[i])
        if ar[i] != br[i]:
            return bool(ar[i] > br[i])
        for w in range(ac.shape[1]):
            if ac[i, w] != bc[i, w]:
                return bool(ac[i, w] > bc[i, w])
    return False


@compiled
def score_rows(
    px: I16,
    py: I16,
    pa: U8,
    pc: U64,
    pr: U8,
    starts: NDArray[np.uint32],
    count: U8,
    x: I16,
    y: I16,
    angle: U8,
    codes: U64,
    reliability: U8,
    rows: NDArray[np.int64],
    values: NDArray[np.float64],
) -> None:
    """Writes to `values` (r) what compare() gives as value for the probe and each of `rows` of a gallery's fields.

    Minutia j of a row lies in block starts[row] + j // 8, lane j % 8 of `x`, `y`, `angle`, `reliability` (b, 8) and
    `codes` (b, words, 8).
    """
    bx, by = np.empty(256, np.int16), np.empty(256, np.int16)
    ba, br = np.empty(256, np.uint8), np.empty(256, np.uint8)
    bc = np.empty((256, codes.shape[1]), np.uint64)
    for r in range(len(rows)):
        first, size = np.int64(starts[rows[r]]), np.int64(count[rows[r]])
        for j in range(size):
            block, lane = first + (j >> 3), j & 7
            bx[j], by[j], ba[j], br[j] = x[block, lane], y[block, lane], angle[block, lane], reliability[block, lane]
            for w in range(codes.shape[1]):
                bc[j, w] = codes[block, w, lane]
        fx, fy, fa, fc, fr = bx[:size], by[:size], ba[:size], bc[:size], br[:size]
        if comes_after(px, py, pa, pc, pr, fx, fy, fa, fc, fr):
            values[r] = _consolidated(fx, fy, fa, fc, fr, px, py, pa, pc, pr)[0][0]
        else:
            values[r] = _consolidated(px, py, pa, pc, pr, fx, fy, fa, fc, fr)[0][0]
