"""May synthetic strangers stand among the strangers of a search? Their scores against real prints, beside real ones'.

    real print x real print of another finger ─► scores ┐
                                                       ├─► quantiles of log scores, and the rates at real thresholds
    real print x synthetic print ──────────────► scores ┘

A synthetic stranger counts only where it is reached as often as a real one: what is compared is the tail, since only the
tail makes false positives. The verdict is said in words and printed with every figure that rests on synthetic strangers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mithaq.finger import Template, compare
from mithaq.measure import synthetic

LEVELS = (0.5, 0.9, 0.99, 0.999, 0.9999)
PAIRS = 60_000
"""Comparisons of each kind: the last level then rests on six of them."""
FACTOR = 2.0
"""A tail within this factor of the real one counts as alike: two folders of real prints differ by as much."""
_FLOOR = 1e-6


def realism(prints: Sequence[tuple[str, Template]], *, pairs: int = PAIRS, seed: int = 1) -> dict[str, Any]:
    """`real` and `synthetic`: comparisons made; `log10_quantiles`: {level: [real, synthetic]}; `rates`: {share of real
    comparisons: share of synthetic ones that reach the same score}; `verdict` in words and `alike`.

    Synthetic prints are the undisturbed ones that fill a gallery. `prints` are (finger, template); two prints of one finger are
    never compared.
    """
    draw = np.random.default_rng(seed)
    known = [(finger, template) for finger, template in prints if len(template)]
    real = np.array([_stranger(known, draw) for _ in range(pairs)])
    strangers = [synthetic.impression(number, 0) for number in range(min(2000, pairs))]
    made = np.array(
        [
            compare(known[draw.integers(len(known))][1], strangers[draw.integers(len(strangers))]).value
            for _ in range(pairs)
        ]
    )
    return compared(real, made)


def compared(real: NDArray[np.float64], made: NDArray[np.float64]) -> dict[str, Any]:
    """As `realism`, from scores."""
    levels = [level for level in LEVELS if (1.0 - level) * min(len(real), len(made)) >= 5.0]
    logs = [np.log10(np.maximum(scores, _FLOOR)) for scores in (real, made)]
    rates = {f"{1.0 - level:g}": float((made >= np.quantile(real, level)).mean()) for level in levels}
    ratios = [rate / float(share) for share, rate in rates.items() if float(share) <= 0.1]
    alike = all(1.0 / FACTOR <= ratio <= FACTOR for ratio in ratios)
    worst = max(ratios, key=lambda ratio: abs(np.log(max(ratio, 1e-9))))
    if alike:
        verdict = (
            f"Synthetic strangers reach high scores as often as real ones (within a factor of {FACTOR:g}): they count."
        )
    elif worst < 1.0:
        verdict = (
            "Synthetic strangers reach high scores less often than real ones "
            f"({worst:.2g} times as often): false positives among them are fewer than real persons would give."
        )
    else:
        verdict = (
            "Synthetic strangers reach high scores more often than real ones "
            f"({worst:.2g} times as often): false positives among them are more than real persons would give."
        )
    return {
        "real": len(real),
        "synthetic": len(made),
        "log10_quantiles": {
            f"{level:g}": [round(float(np.quantile(log, level)), 3) for log in logs] for level in levels
        },
        "rates": rates,
        "alike": alike,
        "verdict": verdict,
    }


def _stranger(known: Sequence[tuple[str, Template]], draw: np.random.Generator) -> float:
    while True:
        a, b = draw.integers(len(known), size=2)
        if known[a][0] != known[b][0]:
            return compare(known[a][1], known[b][1]).value
