"""Prints the calibration of the score for src/mithaq/finger/parameters.py, from folders of prints.

    python tools/calibrate.py --fingers-in-common fvc2000/db1_b fvc2000/db2_b  ROOT fvc2000/db1_b … fvc2002/db2_b@569 …

Each folder is read as `mithaq measure accuracy` reads it, "@N" states its resolution. Every pair of searchable prints of
different fingers is an impostor comparison, across folders too; folders named in --fingers-in-common hold the same
fingers under the same names on two sensors (FVC2000 DB1 and DB2 do), so those pairs are left out. The tail is a
generalised Pareto distribution fitted by probability-weighted moments to the highest hundredth. Beside it, on the error stream, how
far the rate of some thresholds is uncertain: 90 % of 300 samples of the fingers drawn again with replacement.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mithaq.finger import Template, compare
from mithaq.measure.accuracy import read_prints

TAIL_RATE = 0.01
RATES = (0.5, 0.2, 0.1, 0.05, 0.02, TAIL_RATE)


def main() -> None:
    parser = argparse.ArgumentParser(description="Print the calibration of the score.")
    parser.add_argument("root", type=Path)
    parser.add_argument("folders", nargs="+", help="below the root; FOLDER@PPI where it is not 500")
    parser.add_argument("--fingers-in-common", nargs="*", default=[])
    options = parser.parse_args()
    owners, templates = [], []
    for entry in options.folders:
        folder, _, ppi = entry.partition("@")
        prints = read_prints(options.root / folder, ppi=float(ppi) if ppi else None)
        print(f"{folder}: {prints.is_searchable.sum()} of {len(prints.templates)} searchable", file=sys.stderr)
        shared = "common" if folder in options.fingers_in_common else folder
        for finger, template, searchable in zip(prints.fingers, prints.templates, prints.is_searchable, strict=True):
            if searchable:
                owners.append((shared, finger))
                templates.append(template)
    report(owners, templates)


def report(owners: list[tuple[str, str]], templates: list[Template]) -> None:
    """Prints the calibration of all pairs of different owners, and how sure its rates are."""
    pairs = [(i, j) for i in range(len(templates)) for j in range(i) if owners[i] != owners[j]]
    scores = np.array([compare(templates[i], templates[j]).value for i, j in pairs])
    start, scale, shape = tail_of(scores)
    impostor = np.sort(scores)
    points = [(1.0, 0.0)] + [(rate, float(impostor[int(len(impostor) * (1.0 - rate))])) for rate in RATES]
    print("CALIBRATION = Calibration(")
    print(f"    comparisons={len(impostor)},")
    print(f"    points=({', '.join(f'({rate:g}, {score:.6f})' for rate, score in points)}),")
    print(f"    tail_rate={TAIL_RATE},\n    tail_start={start:.6f},")
    print(f"    tail_scale={scale:.6f},\n    tail_shape={shape:.4f},\n)")
    print(f"highest: {', '.join(f'{score:.5f}' for score in impostor[-5:])}", file=sys.stderr)
    named = sorted(set(owners))
    number = {owner: k for k, owner in enumerate(named)}
    first, second = (np.array([number[owners[pair[side]]] for pair in pairs]) for side in (0, 1))
    random = np.random.default_rng(1)
    for fmr in (1e-3, 1e-4, 1e-5, 1e-6):
        threshold = start + scale / shape * ((TAIL_RATE / fmr) ** shape - 1.0)
        drawn = []
        for _ in range(300):
            times = np.bincount(random.integers(0, len(named), len(named)), minlength=len(named))
            weight = times[first] * times[second]
            again = np.repeat(scores, weight)
            drawn.append(rate_above(threshold, *tail_of(again)))
        low, high = np.quantile(drawn, (0.05, 0.95))
        print(f"threshold {threshold:.5f}: {fmr:g}, 90 % {low:.2g} to {high:.2g}", file=sys.stderr)


def tail_of(scores: NDArray[np.float64]) -> tuple[float, float, float]:
    """(start, scale, shape) of the tail above the highest hundredth: probability-weighted moments, no search."""
    start = float(np.quantile(scores, 1.0 - TAIL_RATE))
    over = np.sort(scores[scores > start] - start)
    mean = over.mean()
    weighted = (over * (1.0 - (np.arange(len(over)) + 0.65) / len(over))).mean()
    shape = 2.0 - mean / (mean - 2.0 * weighted)
    scale = 2.0 * mean * weighted / (mean - 2.0 * weighted)
    return start, float(scale), float(shape)


def rate_above(threshold: float, start: float, scale: float, shape: float) -> float:
    base = 1.0 + shape * (threshold - start) / scale
    return float(TAIL_RATE * base ** (-1.0 / shape)) if base > 0.0 else 0.0


if __name__ == "__main__":
    main()
