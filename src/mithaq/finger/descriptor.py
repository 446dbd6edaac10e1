"""Minutiae -> 128 bits each, and how far they can be relied on: a small network over the neighbours, learned.

    20 nearest neighbours ─ in the minutia's frame ─► waves, raw values ─► 96 each ─ gate ─► sum and maximum ─┐
    number of neighbours, extent of the print in 8 directions, own quality ───────────────────────────────────┴─► bits

The order of the neighbours does not matter, and there is neither grid nor cell. tools/train_descriptor.py trained it on
minutiae that a program invented: no print of anyone (docs/decisions/0009-learned-descriptor.md). Integers and float32
in a fixed order, sine by polynomial: the same bits on every call.
"""

from __future__ import annotations

import hashlib
import io
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mithaq.errors import SettingsError

from . import parameters
from .compiled import compiled
from .minutiae import Minutiae

DESCRIPTOR = 2
"""Of the codes this module makes; 1 was the cylinder code."""
WORDS = 2
BITS = 64 * WORDS


class Network(NamedTuple):
    """float32 arrays, in the order in which they are used; batch normalisation is multiplied into them."""

    waves: NDArray[np.float32]  # (4, w): turns per pixel along and across, turns per turn of direction, turns
    near: NDArray[np.float32]  # (w + 7, h)
    near_bias: NDArray[np.float32]  # (h)
    gate: NDArray[np.float32]  # (4): constant, distance, its square, quality
    wide: NDArray[np.float32]  # (2 h + 10, k)
    wide_bias: NDArray[np.float32]  # (k)
    bits: NDArray[np.float32]  # (k + 2 h + 10, BITS + 1), the last column for the reliability
    bits_bias: NDArray[np.float32]  # (BITS + 1)


def describe(found: Minutiae) -> tuple[NDArray[np.uint64], NDArray[np.uint8]]:
    """Codes uint64 (n, WORDS) and reliability uint8 (n), 1 to 255; both 0 where a minutia has too few neighbours.

    SettingsError FIN-031 where the network cannot be had.
    """
    return _codes(
        found.x_px, found.y_px, found.angle, found.quality, found.kind, _cosines(), _outward(), *shipped_network()
    )


@cache
def shipped_network() -> Network:
    """The network of this version; SettingsError FIN-031 where it is missing or another."""
    place = resources.files("mithaq.finger") / parameters.DESCRIPTOR_FILE
    remedy = "make it with tools/train_descriptor.py, or install mithaq again"
    try:
        data = place.read_bytes()
    except OSError as error:
        raise SettingsError(
            "FIN-031", "the descriptor's network cannot be read", file=parameters.DESCRIPTOR_FILE, remedy=remedy
        ) from error
    if hashlib.sha256(data).hexdigest() != parameters.DESCRIPTOR_SHA256:
        raise SettingsError(
            "FIN-031",
            "the descriptor's network is not the one this version was measured with",
            file=parameters.DESCRIPTOR_FILE,
            expected=f"SHA-256 {parameters.DESCRIPTOR_SHA256}",
            remedy=remedy,
        )
    return read_network(data)


def read_network(data: bytes) -> Network:
    """The arrays of an .npz file as tools/train_descriptor.py writes it."""
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        return Network(*(np.ascontiguousarray(file[name], np.float32) for name in Network._fields))


@cache
def _cosines() -> NDArray[np.float32]:
    """Cosine of each 256th of a turn."""
    return np.asarray(np.cos(np.arange(256) * (2.0 * np.pi / 256)), np.float32)


@cache
def _outward() -> NDArray[np.float32]:
    """(2, 8) the directions in which the print's extent is measured."""
    angle = np.arange(8) * (np.pi / 4.0)
    return np.stack([np.cos(angle), np.sin(angle)]).astype(np.float32)


_NEIGHBOURS = parameters.NEIGHBOURS
_REACH = parameters.NEIGHBOUR_REACH
_MIN_NEIGHBOURS = parameters.MIN_NEIGHBOURS
_EXTENT = parameters.EXTENT_REACH
_SCALE = np.float32(1.0 / parameters.NEIGHBOUR_REACH)


@compiled
def _cosine_of_turns(turns: Any) -> Any:
    """cos(2π t) to about 1e-6, by its own polynomial: the same bits wherever the machine counts in IEEE floats."""
    t = np.abs(turns - np.floor(turns + np.float32(0.5)))  # 0..1/2
    r = np.float32(0.25) - t  # cos(2πt) = sin(2πr), r in -1/4..1/4
    s = r * r
    value = np.float32(42.0587) * s - np.float32(76.7059)
    value = value * s + np.float32(81.605235)
    value = value * s - np.float32(41.341702)
    return r * (value * s + np.float32(6.2831853))


@compiled
def nearest(
    x: NDArray[np.int16], y: NDArray[np.int16], m: int, squares: NDArray[np.int64], found: NDArray[np.int64]
) -> int:
    """Writes the nearest neighbours of minutia m to `found`, nearest first, of equally near the earlier; how many."""
    count = 0
    for t in range(len(x)):
        dx, dy = np.int64(x[t]) - np.int64(x[m]), np.int64(y[t]) - np.int64(y[m])
        square = dx * dx + dy * dy
        if t == m or square > _REACH * _REACH or (count == _NEIGHBOURS and square >= squares[count - 1]):
            continue
        place = count if count < _NEIGHBOURS else count - 1
        while place > 0 and squares[place - 1] > square:
            squares[place], found[place] = squares[place - 1], found[place - 1]
            place -= 1
        squares[place], found[place] = square, t
        count = min(count + 1, _NEIGHBOURS)
    return count


@compiled
def _codes(
    x: NDArray[np.int16],
    y: NDArray[np.int16],
    angle: NDArray[np.uint8],
    quality: NDArray[np.uint8],
    kind: NDArray[np.uint8],
    cosines: NDArray[np.float32],
    outward: NDArray[np.float32],
    waves: NDArray[np.float32],
    near: NDArray[np.float32],
    near_bias: NDArray[np.float32],
    gate: NDArray[np.float32],
    wide: NDArray[np.float32],
    wide_bias: NDArray[np.float32],
    bits: NDArray[np.float32],
    bits_bias: NDArray[np.float32],
) -> tuple[NDArray[np.uint64], NDArray[np.uint8]]:
    count, width = len(x), len(near_bias)
    wave_count, wide_count, outputs = waves.shape[1], len(wide_bias), len(bits_bias)
    codes = np.zeros((count, (outputs - 1) // 64), np.uint64)
    reliability = np.zeros(count, np.uint8)
    squares, found = np.empty(_NEIGHBOURS, np.int64), np.empty(_NEIGHBOURS, np.int64)
    seen = np.empty(wave_count + 7, np.float32)
    one = np.empty(width, np.float32)
    pooled = np.empty(2 * width + 10, np.float32)
    last = np.empty(wide_count + len(pooled), np.float32)
    out = np.empty(outputs, np.float32)
    for m in range(count):
        neighbours = nearest(x, y, m, squares, found)
        if neighbours < _MIN_NEIGHBOURS:
            continue
        cosine, sine = cosines[angle[m]], cosines[(np.int64(angle[m]) + 192) & 255]
        pooled[:] = np.float32(0.0)
        for k in range(neighbours):
            t = found[k]
            right, up = np.float32(x[t] - x[m]), np.float32(y[m] - y[t])
            along, across = right * cosine + up * sine, up * cosine - right * sine
            turned = (np.int64(angle[t]) - np.int64(angle[m])) & 255
            turn = np.float32(turned) * np.float32(1.0 / 256.0)
            sure = np.float32(quality[t]) * np.float32(0.01)
            away = np.sqrt(np.float32(squares[k])) * _SCALE
            for w in range(wave_count):
                seen[w] = _cosine_of_turns(
                    waves[0, w] * along + waves[1, w] * across + waves[2, w] * turn + waves[3, w]
                )
            seen[wave_count] = along * _SCALE
            seen[wave_count + 1] = across * _SCALE
            seen[wave_count + 2] = cosines[turned]
            seen[wave_count + 3] = cosines[(turned + 192) & 255]
            seen[wave_count + 4] = sure
            seen[wave_count + 5] = np.float32(0.0) if kind[t] == 0 else np.float32(3 - 2 * np.int64(kind[t]))
            seen[wave_count + 6] = away
            one[:] = near_bias
            for f in range(len(seen)):
                value = seen[f]
                for o in range(width):
                    one[o] += value * near[f, o]
            opened = gate[0] + gate[1] * away + gate[2] * away * away + gate[3] * sure
            share = np.float32(1.0) / (np.float32(1.0) + np.exp(-opened))
            for o in range(width):
                value = max(one[o], np.float32(0.0)) * share
                pooled[o] += value
                pooled[width + o] = max(pooled[width + o], value)
        for o in range(width):
            pooled[o] *= np.float32(0.1)
        _surroundings(x, y, m, cosine, sine, outward, pooled[2 * width :])
        pooled[2 * width + 8] = np.float32(neighbours) * np.float32(1.0 / _NEIGHBOURS)
        pooled[2 * width + 9] = np.float32(quality[m]) * np.float32(0.01)
        last[:wide_count] = wide_bias
        for f in range(len(pooled)):
            value = pooled[f]
            for o in range(wide_count):
                last[o] += value * wide[f, o]
        for o in range(wide_count):
            last[o] = max(last[o], np.float32(0.0))
        last[wide_count:] = pooled
        out[:] = bits_bias
        for f in range(len(last)):
            value = last[f]
            for o in range(outputs):
                out[o] += value * bits[f, o]
        for o in range(outputs - 1):
            if out[o] > np.float32(0.0):
                codes[m, o // 64] |= np.uint64(1) << np.uint64(o % 64)
        trust = np.float32(1.0) / (np.float32(1.0) + np.exp(-out[outputs - 1]))
        reliability[m] = np.uint8(max(np.int64(1), np.int64(np.rint(np.float32(255.0) * trust))))
    return codes, reliability


@compiled
def _surroundings(
    x: NDArray[np.int16],
    y: NDArray[np.int16],
    m: int,
    cosine: np.float32,
    sine: np.float32,
    outward: NDArray[np.float32],
    extent: NDArray[np.float32],
) -> None:
    """How far minutiae reach in 8 directions of the minutia's frame, as a share of the reach that is looked at."""
    for t in range(len(x)):
        right, up = np.float32(x[t] - x[m]), np.float32(y[m] - y[t])
        along, across = right * cosine + up * sine, up * cosine - right * sine
        for k in range(8):
            reach = (along * outward[0, k] + across * outward[1, k]) * np.float32(1.0 / _EXTENT)
            extent[k] = max(extent[k], min(reach, np.float32(1.0)))
