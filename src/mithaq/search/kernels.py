"""The first stage in machine code: how much the codes of two prints agree beyond chance, and the best k of many.

    probe minutiae, 8 to a register ─┐  for each gallery minutia: xor, count bits, a mask of the angle gate, minimum
    gallery minutiae, one by one    ─┴─► nearest distance per probe minutia ─► Σ weight · max(0, reach − nearest)² · scale

The probe stays in registers (five of them hold 40 minutiae) and the gallery streams past once, so nothing is reduced
across lanes but the last sum. It knows nothing of where minutiae lie: it ranks and never decides; `mithaq.finger.compare`
does. All is integer arithmetic but one last product, so every path gives the same bits; a slow numpy twin stands in the tests.
numba's own loops reach a quarter of this: LLVM does not find the vector form by itself, so it is written out here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.registry import cpu_target
from numba.extending import intrinsic
from numpy.typing import NDArray

from mithaq.finger.compiled import compiled, count_bits

LANES = 8
GROUPS = 8  # of eight probe minutiae: 16 registers of codes, 8 of minima; more would spill
AHEAD = 4  # rows whose lines are asked for beforehand: the rows of an index or a position lie far apart
FAR = 255  # distance of a probe minutia that met none within the gate


def chosen_path() -> str:
    """The form in which the first stage runs on this processor: "avx512-vpopcntdq", "avx2" or "plain"."""
    features = set(cpu_target.target_context.codegen().magic_tuple()[2].split(","))
    if {"+avx512vpopcntdq", "+avx512bw", "+avx512vl"} <= features:
        return "avx512-vpopcntdq"
    return "avx2" if "+avx2" in features else "plain"


# ---- the vector form -----------------------------------------------------------------------------------------------

_BYTE, _WORD, _SELECTOR = ir.IntType(8), ir.IntType(64), ir.IntType(32)
_LANES64, _BYTES64 = ir.VectorType(_WORD, LANES), ir.VectorType(_BYTE, GROUPS * LANES)


def _number(value: int) -> ir.Constant:
    return ir.Constant(_WORD, value)


def _everywhere(value: int) -> ir.Constant:
    return ir.Constant(_LANES64, [_number(value)] * LANES)


def _call(builder: Any, name: str, *operands: Any) -> Any:
    """An LLVM intrinsic whose result has the type of its first operand."""
    form = ir.FunctionType(operands[0].type, [operand.type for operand in operands])
    known = builder.module.globals.get(name)
    return builder.call(known if known is not None else ir.Function(builder.module, form, name), operands)


def _spread(builder: Any, value: Any, vector: ir.VectorType) -> Any:
    """One value in every lane."""
    nothing = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(nothing, value, ir.Constant(_SELECTOR, 0))
    return builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(_SELECTOR, vector.count), None))


def _load(builder: Any, pointer: Any, index: Any, kind: Any, align: int) -> Any:
    return builder.load(builder.bitcast(builder.gep(pointer, [index]), kind.as_pointer()), align=align)


def _agreement(
    typing: Any, groups: Any, words: Any, probe_codes: Any, probe_angle: Any, weight: Any, gate: Any, reach: Any,
    codes: Any, angle: Any, reliability: Any, block: Any, count: Any,
) -> Any:  # fmt: skip
    """As agreement_plain, for a number of groups and words that is known when it is compiled."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        b, taken, width = builder, groups.literal_value, words.literal_value

        def data(index: int) -> Any:
            return context.make_array(signature.args[index])(context, builder, arguments[index]).data

        near, far_codes, far_angle, trust = data(2), data(7), data(8), data(9)
        gate_byte, reach_word, first_block, minutiae = arguments[5], arguments[6], arguments[10], arguments[11]
        probe = [
            [_load(b, near, _number((g * width + w) * LANES), _LANES64, 8) for w in range(width)] for g in range(taken)
        ]
        directions = _load(b, data(3), _number(0), _BYTES64, 1)

        before, head, body, end = b.block, *(b.append_basic_block(name) for name in ("next", "minutia", "sum"))
        b.branch(head)
        b.position_at_end(head)
        at = b.phi(_WORD)
        at.add_incoming(_number(0), before)
        nearest = [b.phi(_LANES64) for _ in range(taken)]
        for minimum in nearest:
            minimum.add_incoming(_everywhere(FAR), before)
        b.cbranch(b.icmp_signed("<", at, minutiae), body, end)

        b.position_at_end(body)
        lane, its_block = b.and_(at, _number(LANES - 1)), b.add(first_block, b.lshr(at, _number(3)))
        place = b.add(b.mul(its_block, _number(LANES)), lane)
        place_of_code = b.add(b.mul(its_block, _number(LANES * width)), lane)
        its_codes = [
            _spread(b, _load(b, far_codes, b.add(place_of_code, _number(LANES * w)), _WORD, 8), _LANES64)
            for w in range(width)
        ]
        coded = b.icmp_unsigned(">", _load(b, trust, place, _BYTE, 1), ir.Constant(_BYTE, 0))
        its_gate = _spread(b, b.select(coded, gate_byte, ir.Constant(_BYTE, 0)), _BYTES64)
        turn = b.sub(directions, _spread(b, _load(b, far_angle, place, _BYTE, 1), _BYTES64))
        turn = _call(b, "llvm.abs.v64i8", turn, ir.Constant(ir.IntType(1), 0))
        allowed = b.bitcast(b.icmp_unsigned("<", turn, its_gate), _WORD)
        smaller = []
        for g in range(taken):
            counts = [_call(b, "llvm.ctpop.v8i64", b.xor(probe[g][w], its_codes[w])) for w in range(width)]
            distance = counts[0]
            for more in counts[1:]:
                distance = b.add(distance, more)
            its_lanes = b.bitcast(b.trunc(b.lshr(allowed, _number(LANES * g)), _BYTE), ir.VectorType(ir.IntType(1), 8))
            minimum = _call(b, "llvm.umin.v8i64", nearest[g], distance)
            smaller.append(b.select(its_lanes, minimum, nearest[g]))
        at.add_incoming(b.add(at, _number(1)), b.block)
        for minimum, value in zip(nearest, smaller, strict=True):
            minimum.add_incoming(value, b.block)
        b.branch(head)

        b.position_at_end(end)
        limit, low, total = _spread(b, reach_word, _LANES64), _everywhere(0xFFFFFFFF), _everywhere(0)
        for g in range(taken):  # the masks tell LLVM that 32-bit products are enough
            gain = b.and_(b.sub(_call(b, "llvm.umax.v8i64", limit, nearest[g]), nearest[g]), low)
            weights = b.and_(_load(b, data(4), _number(LANES * g), _LANES64, 8), low)
            total = b.add(total, b.mul(b.and_(b.mul(gain, gain), low), weights))
        form = ir.FunctionType(_WORD, [_LANES64])
        name = "llvm.vector.reduce.add.v8i64"
        return b.call(b.module.globals.get(name) or ir.Function(b.module, form, name), [total])

    signature = types.int64(
        groups, words, probe_codes, probe_angle, weight, types.uint8, types.int64,
        codes, angle, reliability, types.int64, types.int64,
    )  # fmt: skip
    return signature, generate


agreement_vector = cast("Callable[..., int]", intrinsic(prefer_literal=True)(_agreement))


def _prefetch(typing: Any, array: Any, offset: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        first = builder.bitcast(data, _BYTE.as_pointer())
        selectors = [ir.Constant(_SELECTOR, value) for value in (0, 3, 1)]  # read, into every cache, data
        name = "llvm.prefetch.p0"
        form = ir.FunctionType(ir.VoidType(), [first.type, *(s.type for s in selectors)])
        known = builder.module.globals.get(name)
        function = known if known is not None else ir.Function(builder.module, form, name)
        builder.call(function, [builder.gep(first, [arguments[1]]), *selectors])
        return context.get_dummy_value()

    return types.void(array, types.int64), generate


prefetch = cast("Callable[..., None]", intrinsic(_prefetch))
"""Asks for the cache line at a byte offset of an array; never faults."""


# ---- the plain form ------------------------------------------------------------------------------------------------


@compiled
def agreement_plain(
    groups: int,
    words: int,
    probe_codes: NDArray[np.uint64],
    probe_angle: NDArray[np.uint8],
    weight: NDArray[np.uint64],
    gate: np.uint8,
    reach: int,
    codes: NDArray[np.uint64],
    angle: NDArray[np.uint8],
    reliability: NDArray[np.uint8],
    block: np.int64,
    count: np.int64,
) -> int:
    """Σ over the probe's minutiae of weight · max(0, reach − distance of the nearest gallery minutia within the gate)²."""
    total = 0
    for g in range(groups):
        for lane in range(8):
            nearest = np.int64(FAR)
            for j in range(count):
                its_block, its_lane = block + j // 8, j % 8
                turn = (np.int64(probe_angle[g * 8 + lane]) - np.int64(angle[its_block, its_lane])) & 255
                if reliability[its_block, its_lane] == 0 or min(turn, 256 - turn) >= gate:
                    continue
                distance = np.int64(0)
                for w in range(words):
                    distance += count_bits(probe_codes[g, w, lane] ^ codes[its_block, w, its_lane])
                nearest = min(nearest, distance)
            if nearest < reach:
                gain = reach - nearest
                total += int(gain * gain * np.int64(weight[g * 8 + lane]))
    return total


# ---- over a gallery ------------------------------------------------------------------------------------------------


@compiled
def scan_plain(
    starts: NDArray[np.uint32],
    count: NDArray[np.uint8],
    codes: NDArray[np.uint64],
    angle: NDArray[np.uint8],
    reliability: NDArray[np.uint8],
    rows: NDArray[np.int64],
    groups: int,
    probe_codes: NDArray[np.uint64],
    probe_angle: NDArray[np.uint8],
    weight: NDArray[np.uint64],
    gate: np.uint8,
    reach: NDArray[np.int64],
    scale: np.float32,
    scores: NDArray[np.float32],
) -> None:
    """Writes to `scores` (r) the agreement of the probe with each of `rows`, times `scale`, in the plain form.

    The probe: `groups` of eight minutiae, `probe_codes` (8, words, 8), `probe_angle` (64), `weight` (64), 0 in unused lanes.
    `reach[count]`: the distance from which a minutia of an impression of so many counts. `gate`: turns below it are allowed.
    """
    for i in range(rows.shape[0]):
        row = rows[i]
        total = agreement_plain(
            groups, codes.shape[1], probe_codes, probe_angle, weight, gate, reach[count[row]],
            codes, angle, reliability, np.int64(starts[row]), np.int64(count[row]),
        )  # fmt: skip
        scores[i] = np.float32(total) * scale


@compiled
def scan_vector(
    starts: NDArray[np.uint32],
    count: NDArray[np.uint8],
    codes: NDArray[np.uint64],
    angle: NDArray[np.uint8],
    reliability: NDArray[np.uint8],
    rows: NDArray[np.int64],
    groups: int,
    probe_codes: NDArray[np.uint64],
    probe_angle: NDArray[np.uint8],
    weight: NDArray[np.uint64],
    gate: np.uint8,
    reach: NDArray[np.int64],
    scale: np.float32,
    scores: NDArray[np.float32],
) -> None:
    """The same in the vector form, for codes of two words: each number of groups is code of its own."""
    for i in range(rows.shape[0]):
        row = rows[i]
        size = np.int64(count[row])
        first, limit, total = np.int64(starts[row]), reach[size], 0
        ahead = rows[min(i + AHEAD, rows.shape[0] - 1)]
        for block in range(np.int64(starts[ahead]), np.int64(starts[ahead + 1])):
            prefetch(codes, block * 128)
            prefetch(codes, block * 128 + 64)
        prefetch(angle, np.int64(starts[ahead]) * 8)
        prefetch(reliability, np.int64(starts[ahead]) * 8)
        if groups == 1:
            total = agreement_vector(
                1, 2, probe_codes, probe_angle, weight, gate, limit, codes, angle, reliability, first, size
            )
        elif groups == 2:
            total = agreement_vector(
                2, 2, probe_codes, probe_angle, weight, gate, limit, codes, angle, reliability, first, size
            )
        elif groups == 3:
            total = agreement_vector(
                3, 2, probe_codes, probe_angle, weight, gate, limit, codes, angle, reliability, first, size
            )
        elif groups == 4:
            total = agreement_vector(
                4, 2, probe_codes, probe_angle, weight, gate, limit, codes, angle, reliability, first, size
            )
        elif groups == 5:
            total = agreement_vector(
                5, 2, probe_codes, probe_angle, weight, gate, limit, codes, angle, reliability, first, size
            )
        elif groups == 6:
            total = agreement_vector(
                6, 2, probe_codes, probe_angle, weight, gate, limit, codes, angle, reliability, first, size
            )
        elif groups == 7:
            total = agreement_vector(
                7, 2, probe_codes, probe_angle, weight, gate, limit, codes, angle, reliability, first, size
            )
        elif groups == 8:
            total = agreement_vector(
                8, 2, probe_codes, probe_angle, weight, gate, limit, codes, angle, reliability, first, size
            )
        scores[i] = np.float32(total) * scale


scan = scan_plain if chosen_path() == "plain" else scan_vector


@compiled
def _sift(heap: NDArray[np.int64], size: int, scores: NDArray[np.float32], at: int) -> None:
    """Restores the heap below `at`; its top is the worst kept: the lowest score, of equal ones the latest place."""
    while True:
        worst = at
        for child in (2 * at + 1, 2 * at + 2):
            if child < size:
                a, b = heap[child], heap[worst]
                if scores[a] < scores[b] or (scores[a] == scores[b] and a > b):
                    worst = child
        if worst == at:
            return
        heap[at], heap[worst] = heap[worst], heap[at]
        at = worst


@compiled
def best_places(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Places of the k highest scores, equal ones by the earlier place, in ascending order of place."""
    size = min(k, scores.shape[0])
    heap = np.arange(size)
    if size == 0:
        return heap
    for at in range(size // 2 - 1, -1, -1):
        _sift(heap, size, scores, at)
    for place in range(size, scores.shape[0]):
        if scores[place] > scores[heap[0]]:
            heap[0] = place
            _sift(heap, size, scores, 0)
    return np.sort(heap)
