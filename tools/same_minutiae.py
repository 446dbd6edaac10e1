"""Whether two networks give the same minutiae: every print of some folders through both, decoded and compared.

    python tools/same_minutiae.py OLD.onnx NEW.onnx FOLDER... [--ppi N]

A minutia is the same where place, kind and the 256th of a turn are equal and the certainty differs by at most 1 in 100.
Exit status 1 where a print differs.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from mithaq.finger import Extractor, Template
from mithaq.finger import extract as extract_function
from mithaq.image import Box
from mithaq.measure.accuracy import image_files, read_image


def extractor_of(model: Path) -> Extractor:
    """An extractor that runs the network in the file, whichever it is."""
    module = sys.modules[extract_function.__module__]
    module._model = model.read_bytes  # type: ignore[attr-defined]
    return Extractor()


def differences(a: Template, b: Template) -> int:
    """How many minutiae one has and the other has not."""
    left, right = (
        {(int(x), int(y), int(t), int(k)): int(q) for x, y, t, k, q in zip(*parts, strict=True)}
        for parts in ((of.x_px, of.y_px, of.angle, of.kind, of.quality) for of in (a, b))
    )
    shared = left.keys() & right.keys()
    unlike = sum(abs(left[key] - right[key]) > 1 for key in shared)
    return len(left) + len(right) - 2 * len(shared) + unlike


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare the decoded minutiae of two networks.")
    parser.add_argument("models", nargs=2, type=Path)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--ppi", type=float)
    options = parser.parse_args()
    old, new = (extractor_of(model) for model in options.models)
    prints = minutiae = 0
    unlike: list[tuple[str, int]] = []
    with Box() as box:
        for folder in options.folders:
            for path, _, _ in image_files(folder):
                image = read_image(box, path, options.ppi)
                a, b = old.extract(image), new.extract(image)
                prints, minutiae = prints + 1, minutiae + len(a)
                if count := differences(a, b):
                    unlike.append((f"{folder.name}/{path.name}", count))
    print(f"{prints} prints, {minutiae} minutiae, {sum(np.array([c for _, c in unlike], int))} differences")
    for name, count in unlike:
        print(f"  {name}: {count}")
    sys.exit(1 if unlike else 0)


if __name__ == "__main__":
    main()
