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

from mithaq.finger import Template, compare
from mithaq.measure.accuracy import read_prints
from mithaq.measure.tail import TAIL_RATE, tail_of, uncertain_rates

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
    rates = (1e-3, 1e-4, 1e-5, 1e-6)
    thresholds = [start + scale / shape * ((TAIL_RATE / fmr) ** shape - 1.0) for fmr in rates]
    for fmr, threshold, (_, (low, high)) in zip(
        rates, thresholds, uncertain_rates(scores, first, second, thresholds), strict=True
    ):
        print(f"threshold {threshold:.5f}: {fmr:g}, 90 % {low:.2g} to {high:.2g}", file=sys.stderr)


if __name__ == "__main__":
    main()
