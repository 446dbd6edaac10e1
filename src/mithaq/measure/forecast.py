"""What a file that does not fit one machine would cost and answer: `mithaq measure scale --simulate 1e8`.

    rates measured here ─► seconds, cores and memory for N fingers, by plain proportion
    strangers' scores ───► false positives of one finger among N, with an interval; without prints, the calibration's rate
    ten draws a person ──► false positives and misses of ten fingers fused, N / 10 strangers drawn one by one

A model, and said to be one: time is proportional to fingers (measured from 10^4 to 10^6), cores add up (two were measured),
fingers of one stranger agree independently, and the tail of the score goes on as it was fitted. What a network between
machines adds, a few milliseconds a query, is left out.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mithaq.finger import threshold_for
from mithaq.measure import synthetic
from mithaq.measure.prints import Progress
from mithaq.measure.tail import uncertain_rates

FINGERS_A_PERSON = 10
SAMPLE = 4_000
"""Synthetic fingers whose rates are measured, over and over for RATE_S seconds each."""
RATE_S = 2.0
WAIT_S = 1.0
"""An answer within this time is what the cores are counted for."""
MACHINE_GB, MACHINE_CORES = 256, 64
"""A common server, for counting machines; a quarter of its memory is left to everything else."""
FPIR = 0.01
FMRS = (1e-6, 1e-7, 1e-8, 1e-9)
SEARCHES = 3
"""Searches drawn stranger by stranger; one where there are more than a million persons, which takes a minute."""
PIECE = 10_000
MATES = 100_000

Strangers = tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]
"""Scores of pairs of different fingers, and the number of each one's two fingers."""


def measure_rates(progress: Progress | None = None) -> dict[str, float]:
    """`first_stage_per_s` and `full_score_per_s` on one core, `bytes_per_finger` of the packed fields."""
    from mithaq.measure.speed import rates_of

    templates = [one.template() for one in synthetic.fingers(0, SAMPLE)]
    return rates_of(templates, seconds=RATE_S, progress=progress)


def forecast(
    fingers: int,
    rates: dict[str, float],
    *,
    rescored: int = 2000,
    mates: Sequence[float] = (),
    strangers: Strangers | None = None,
    seed: int = 5,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """The model for a file of so many fingers, from `rates` as measure_rates gives them.

    `costs`: memory in GB, seconds of one core for one finger and for ten with positions declared, cores for an answer of
    either within a second, machines for the memory. `one_finger`: false positives expected in a search at each false-match
    rate that a threshold is set for, and the rate needed for FPIR 1 %; with `strangers`, scores of pairs of real prints,
    under `false_positives_measured` what their tail says at those thresholds, and its 90 % interval over fingers.
    `ten_fingers`: evidence in nats that FPIR 1 % needs, by the bound and by drawing, with the highest of `searches` drawn;
    with `mates`, scores of true pairs, the share of persons missed there (`fnir`).
    """
    persons = fingers // FINGERS_A_PERSON
    one = fingers / rates["first_stage_per_s"] + rescored / rates["full_score_per_s"]
    ten = fingers / rates["first_stage_per_s"] + FINGERS_A_PERSON * rescored / rates["full_score_per_s"]
    memory = fingers * rates["bytes_per_finger"] / 1e9
    needed = FPIR / fingers
    found: dict[str, Any] = {
        "fingers": fingers,
        "rates": rates,
        "costs": {
            "memory_gb": round(memory, 1),
            "one_finger_core_s": round(one, 2),
            "ten_fingers_core_s": round(ten, 2),
            "cores_one_finger": math.ceil(one / WAIT_S),
            "cores_ten_fingers": math.ceil(ten / WAIT_S),
            "machines": math.ceil(max(memory / (0.75 * MACHINE_GB), one / WAIT_S / MACHINE_CORES)),
            "machine": f"{MACHINE_CORES} cores, {MACHINE_GB} GB",
        },
        "one_finger": {
            "false_positives_at": {f"{fmr:g}": fingers * fmr for fmr in FMRS},
            "fmr_for_fpir": needed,
            "is_claimable": needed >= 1e-9,
        },
    }
    if needed >= 1e-9 and len(mates):
        found["one_finger"]["fnir"] = float((np.asarray(mates) < threshold_for(needed)).mean())
    if strangers is not None:
        thresholds = [threshold_for(fmr) for fmr in FMRS]
        found["one_finger"]["false_positives_measured"] = {
            f"{fmr:g}": [fingers * rate, [fingers * end for end in ends]]
            for fmr, (rate, ends) in zip(FMRS, uncertain_rates(*strangers, thresholds), strict=True)
        }
    found["ten_fingers"] = _fused(persons, mates, seed, progress)
    return found


def _fused(persons: int, mates: Sequence[float], seed: int, progress: Progress | None) -> dict[str, Any]:
    """Strangers' fingers agree by chance: −ln of their rates are standard exponentials. Persons are independent."""
    from mithaq.search.fusion import evidence_of, fuse

    draw = np.random.default_rng(seed)
    bound = math.log(persons / FPIR)
    searches = SEARCHES if persons <= 1_000_000 else 1
    highest, over, began = [], 0, time.monotonic()
    for search in range(searches):
        best = 0.0
        for first in range(0, persons, PIECE):
            if progress:
                progress("strangers drawn", search * persons + first, searches * persons)
            nats = fuse(draw.exponential(1.0, (min(PIECE, persons - first), FINGERS_A_PERSON)))
            best = max(best, float(nats.max()))
            over += int((nats >= math.log(persons)).sum())
        highest.append(round(best, 2))
    found: dict[str, Any] = {
        "persons": persons,
        "nats_for_fpir": round(bound, 2),
        "highest_of_searches": highest,
        "reached_once_expected": round(over / searches, 3),
        "simulated_s": round(time.monotonic() - began, 1),
    }
    if len(mates):
        nats = np.array([evidence_of(score) for score in mates])
        fused = fuse(draw.choice(nats, (MATES, FINGERS_A_PERSON)))
        found["fnir"] = float((fused < bound).mean())
        two: NDArray[np.float64] = fuse(draw.choice(nats, (MATES, 2)))
        found["fnir_two_fingers"] = float((two < bound).mean())
    return found
