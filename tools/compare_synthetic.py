"""How synthetic prints differ from real ones: impostor and genuine scores, minutia counts and quality, as curves.

    python tools/compare_synthetic.py FOLDER_OF_REAL_PRINTS... -o docs/pictures/synthetic-and-real.png

Each folder holds one set of real prints (FINGER_IMPRESSION.ext). Beside them stand as many synthetic fingers as the
largest set has, in four kinds: the three difficulties of `mithaq.demo.prints`, and the hard captures of
`mithaq.demo.capture`. One network reads all. A synthetic gallery stands for a real one only as far as its curve of
impostor scores lies on theirs.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from mithaq.demo.capture import capture
from mithaq.demo.prints import Difficulty, impression
from mithaq.demo.ridges import finger
from mithaq.finger import Extractor, Template, compare
from mithaq.image import Box
from mithaq.measure.accuracy import image_files, read_image
from mithaq.units import GrayImage

FINGERS, IMPRESSIONS = 10, 8
FIRST_FINGER = 900_000  # far from those that any network was trained on


@dataclass
class Set:
    name: str
    prints: list[tuple[str, Template]] = field(default_factory=list)

    def scores(self) -> tuple[np.ndarray, np.ndarray]:
        """Genuine and impostor scores of all pairs, sorted."""
        genuine: list[float] = []
        impostor: list[float] = []
        for k, (name, template) in enumerate(self.prints):
            for other, against in self.prints[:k]:
                (genuine if other == name else impostor).append(compare(template, against).value)
        return np.sort(genuine), np.sort(impostor)


def synthetic(kind: str) -> Iterator[tuple[str, GrayImage]]:
    for seed in range(FIRST_FINGER, FIRST_FINGER + FINGERS):
        master = finger(seed)
        for k in range(IMPRESSIONS):
            if kind == "capture":
                made = capture(master, np.random.default_rng((seed, k)), 400, 352)
                yield str(seed), GrayImage(made.pixels, 500.0)
            else:
                yield str(seed), impression(master, k, Difficulty(kind))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folders", type=Path, nargs="+")
    arguments.add_argument("-o", "--output", type=Path, required=True)
    arguments.add_argument("--network", default="teacher")
    arguments.add_argument("--ppi", type=float)
    chosen = arguments.parse_args()
    extractor = Extractor(chosen.network)
    sets = []
    with Box() as box:
        for folder in chosen.folders:
            found = Set(f"{folder.parent.name} {folder.name}")
            for path, name, _ in image_files(folder):
                found.prints.append((name, extractor.extract(read_image(box, path, chosen.ppi))))
            sets.append(found)
    for kind in (*Difficulty, "capture"):
        found = Set(f"synthetic, {kind}")
        found.prints = [(name, extractor.extract(image)) for name, image in synthetic(str(kind))]
        sets.append(found)
    draw(sets, chosen.output)


def draw(sets: list[Set], output: Path) -> None:
    figure, ((a, b), (c, d)) = plt.subplots(2, 2, figsize=(11, 8))
    print(f"{'set':34} minutiae quality genuine-median genuine-5% impostor-median impostor-99.9%")
    for one in sets:
        genuine, impostor = one.scores()
        style = {"linestyle": "--" if one.name.startswith("synthetic") else "-", "linewidth": 1.2, "label": one.name}
        counts = np.sort([len(template) for _, template in one.prints])
        quality = np.sort([template.quality_score for _, template in one.prints])
        share = np.linspace(0, 1, len(impostor))
        a.semilogy(impostor, np.maximum(1 - share, 0.5 / len(impostor)), **style)
        for axes, values in ((b, genuine), (c, counts), (d, quality)):
            axes.plot(values, np.linspace(0, 1, len(values)), **style)
        figures = (
            np.median(counts),
            np.median(quality),
            np.median(genuine),
            np.quantile(genuine, 0.05),
            np.median(impostor),
            np.quantile(impostor, 0.999),
        )
        print(f"{one.name:34} " + " ".join(f"{value:.3f}" for value in figures))
    a.set(title="Impostor scores", xlabel="score", ylabel="share above")
    b.set(title="Genuine scores", xlabel="score", ylabel="share below")
    c.set(title="Minutiae a print", xlabel="count", ylabel="share below")
    d.set(title="Quality", xlabel="0 to 100", ylabel="share below")
    b.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(output, dpi=110)


if __name__ == "__main__":
    main()
