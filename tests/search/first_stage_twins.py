"""What the first stage's tests share: galleries of random codes, and a slow, obvious twin in numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mithaq.search import parameters
from mithaq.search.fields import Fields


@dataclass(frozen=True)
class Codes:
    """The part of a template that the first stage reads; x and y for the packing alone."""

    codes: NDArray[np.uint64]
    angle: NDArray[np.uint8]
    reliability: NDArray[np.uint8]
    x_px: NDArray[np.int16]
    y_px: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.angle)


def random_codes(seed: int, count: int, *, unreliable: float = 0.2, spread: int = 40) -> Codes:
    """`count` minutiae whose codes differ from one common code in about `spread` bits, so that distances vary."""
    rng = np.random.default_rng(seed)
    common = np.random.default_rng(7).integers(0, 2, 128, dtype=np.uint8)
    bits = common ^ (rng.random((count, 128)) < spread / 128).astype(np.uint8)
    codes = np.packbits(bits, axis=1, bitorder="little").view("<u8").astype(np.uint64)
    reliability = np.where(rng.random(count) < unreliable, 0, rng.integers(1, 256, count)).astype(np.uint8)
    codes[reliability == 0] = 0
    place = rng.integers(0, 500, (2, count)).astype(np.int16)
    return Codes(codes.reshape(count, 2), rng.integers(0, 256, count).astype(np.uint8), reliability, place[0], place[1])


def fields_of(gallery: list[Codes], positions: list[int] | None = None, persons: list[int] | None = None) -> Fields:
    """Packed one lane after another, by hand: the twin of Fields.of."""
    rows, starts = len(gallery), [0]
    for print_ in gallery:
        starts.append(starts[-1] + -(-len(print_) // 8))
    codes = np.zeros((starts[-1], 2, 8), np.uint64)
    lanes = {name: np.zeros((starts[-1], 8), np.uint8) for name in ("angle", "reliability")}
    places = {name: np.zeros((starts[-1], 8), np.int16) for name in ("x", "y")}
    for first, print_ in zip(starts, gallery, strict=False):
        for j in range(len(print_)):
            block, lane = first + j // 8, j % 8
            codes[block, :, lane] = print_.codes[j]
            lanes["angle"][block, lane], lanes["reliability"][block, lane] = print_.angle[j], print_.reliability[j]
            places["x"][block, lane], places["y"][block, lane] = print_.x_px[j], print_.y_px[j]
    return Fields(
        np.array(starts, np.uint32),
        codes,
        **lanes,
        **places,
        count=np.array([len(p) for p in gallery], np.uint8),
        position=np.array(positions or [0] * rows, np.uint8),
        impression=np.zeros(rows, np.uint8),
        person=np.array(persons or range(rows), np.uint32),
        live=np.ones(rows, np.uint8),
    )


def agreement_twin(probe: Codes, other: Codes) -> tuple[int, float]:
    """(sum of the gains, score): bit by bit, minutia by minutia."""
    surest = sorted(range(len(probe)), key=lambda i: -int(probe.reliability[i]))[: parameters.FIRST_STAGE_MINUTIAE]
    surest = [i for i in surest if probe.reliability[i]]
    reach = max(0, round(parameters.REACH - parameters.REACH_FALL * float(np.log2(len(other) + 1.0))))
    weight = {
        i: max(1, round(255.0 * (int(probe.reliability[i]) / 255.0) ** parameters.RELIABILITY_POWER)) for i in surest
    }
    total = 0
    for i in surest:
        nearest = 255
        for j in range(len(other)):
            turn = (int(probe.angle[i]) - int(other.angle[j])) % 256
            if other.reliability[j] and min(turn, 256 - turn) <= parameters.GATE:
                nearest = min(nearest, int(np.bitwise_count(probe.codes[i] ^ other.codes[j]).sum()))
        total += max(0, reach - nearest) ** 2 * weight[i]
    most = max(1, sum(weight.values())) * parameters.REACH**2
    return total, float(np.float32(total) * np.float32(1.0 / most))
