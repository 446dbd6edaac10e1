"""Milliseconds a print of both networks, on one core and on two, in one run: the network alone, and pixels to template.

    python tools/time_extractors.py [--rounds 15]

The pictures are synthetic (time depends on their size alone). The four are measured in turn, round by round, so that a busy
machine slows them alike; the least and the median are shown.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from mithaq.demo.capture import capture
from mithaq.demo.ridges import finger
from mithaq.finger import Extractor, parameters
from mithaq.finger.trace import SILENT
from mithaq.units import GrayImage

SHAPES = ((374, 388), (480, 640))  # height and width of FVC2002 DB1 and FVC2004 DB1


def picture(height: int, width: int) -> GrayImage:
    whole = capture(finger(1), np.random.default_rng(1), -(-height // 4) * 4, -(-width // 4) * 4)
    return GrayImage(np.ascontiguousarray(whole.pixels[:height, :width]), 500.0)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=15)
    rounds = arguments.parse_args().rounds
    extractors = {
        (name, threads): Extractor(name, threads=threads) for threads in (1, 2) for name in parameters.NETWORKS
    }
    for shape in SHAPES:
        image = picture(*shape)
        taken: dict[tuple[str, int], list[tuple[float, float]]] = {key: [] for key in extractors}
        for k in range(rounds + 1):
            for key, extractor in extractors.items():
                a = time.perf_counter()
                extractor._found(image.pixels, SILENT)
                b = time.perf_counter()
                extractor.extract(image)
                c = time.perf_counter()
                if k:  # the first sizes the runtime's memory
                    taken[key].append((1e3 * (b - a), 1e3 * (c - b)))
        for (name, threads), times in taken.items():
            least, middle = np.min(times, axis=0), np.median(times, axis=0)
            print(
                f"{shape[1]} x {shape[0]}  {name:8} {threads} core(s): minutiae {least[0]:.1f} (median {middle[0]:.1f}), "
                f"template {least[1]:.1f} (median {middle[1]:.1f}) ms"
            )


if __name__ == "__main__":
    main()
