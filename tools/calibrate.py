"""Prints the calibration of the score for src/mithaq/finger/parameters.py, from folders of prints.

    python tools/calibrate.py --fingers-in-common fvc2000/db1_b fvc2000/db2_b  ROOT fvc2000/db1_b … fvc2002/db2_b@569 …

Each folder is read as `mithaq measure accuracy` reads it, "@N" states its resolution. Every pair of searchable prints of
different fingers is an impostor comparison, across folders too; folders named in --fingers-in-common hold the same
fingers under the same names on two sensors (FVC2000 DB1 and DB2 do), so those pairs are left out. The tail is a
generalised Pareto distribution fitted by maximum likelihood to the highest hundredth.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from scipy.stats import genpareto

from mithaq.finger import compare
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
    impostor = np.sort(
        [
            compare(templates[i], templates[j]).value
            for i in range(len(templates))
            for j in range(i)
            if owners[i] != owners[j]
        ]
    )
    points = [(1.0, 0.0)] + [(rate, float(impostor[int(len(impostor) * (1.0 - rate))])) for rate in RATES]
    start = points[-1][1]
    shape, _, scale = genpareto.fit(impostor[impostor > start] - start, floc=0.0)
    print("CALIBRATION = Calibration(")
    print(f"    comparisons={len(impostor)},")
    print(f"    points=({', '.join(f'({rate:g}, {score:.5f})' for rate, score in points)}),")
    print(f"    tail_rate={TAIL_RATE},\n    tail_start={start:.5f},")
    print(f"    tail_scale={scale:.6f},\n    tail_shape={shape:.4f},\n)")
    print(f"highest: {', '.join(f'{score:.5f}' for score in impostor[-5:])}", file=sys.stderr)


if __name__ == "__main__":
    main()
