"""The teacher's minutiae for tools/train_extractor.py: of synthetic fingers' bare ridges, and of public-domain prints.

    python tools/label_prints.py DIR --fingers 0 600            # DIR/finger-00000.npz ...
    python tools/label_prints.py DIR --prints FILE.an2 ...      # DIR/print-FILE-1.npz ..., with the pixels

A finger is shown to the teacher three times, plain, mirrored and turned by a quarter, pressed normally, firmly and
lightly, without noise, distortion or rim; the three answers are laid over each other and averaged before minutiae are
read, so that what the teacher sees once only counts for a third. Every impression of that finger can then be labelled
through the warp that made it, however bad it is, without asking the teacher again. A print of a transaction is shown
three ways too, and keeps its own pixels. Nothing here may be pointed at research images whose terms forbid it: what is
made here is what the shipped network sees. Files that exist are left alone, so that a broken run can be started again.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mithaq.demo.ridges import finger
from mithaq.finger import parameters
from mithaq.finger.extract import Extractor, _minutiae
from mithaq.finger.trace import SILENT
from mithaq.image import Box, gray_image, to_matcher
from mithaq.record import images, read_any
from mithaq.units import GrayImage

THRESHOLD = 0.20
"""Mean presence from which a peak is kept; the trainer gives a weak one a low target."""
PRESSURES = (0.0, 0.22, -0.22)
LARGEST = 900_000
"""Pixels shown to the teacher at once: a slap of four fingers is cut in two."""

Floats = NDArray[np.float32]


def maps_of(teacher: Extractor, views: list[NDArray[np.uint8]]) -> Floats:
    """The mean of the teacher's maps (presence, cosine, sine, type) over a picture, its mirror image and its turned one.

    `views` are three pictures of one shape; the second is shown mirrored, the third turned by a quarter.
    """
    plain = teacher._maps(views[0], SILENT)
    mirrored = teacher._maps(np.ascontiguousarray(views[1][:, ::-1]), SILENT)[:, :, ::-1]
    turned = np.rot90(teacher._maps(np.ascontiguousarray(np.rot90(views[2])), SILENT), -1, axes=(1, 2))
    unmirrored = np.stack([mirrored[0], -mirrored[1], mirrored[2], mirrored[3]])
    # Turned by +90 degrees the direction gained a quarter: (cos, sin) of it is (-sin, cos) of the true one.
    unturned = np.stack([turned[0], turned[2], -turned[1], turned[3]])
    every: list[Floats] = []
    for one in (plain, unmirrored, unturned):
        length = np.maximum(np.hypot(one[1], one[2]), 1e-6)
        every.append(np.stack([one[0], one[1] / length, one[2] / length, np.clip(one[3], -4, 4)]))
    return np.mean(np.stack(every), axis=0, dtype=np.float32)


def labels(maps: Floats) -> dict[str, NDArray[np.float32]]:
    parameters.PEAK_THRESHOLD = THRESHOLD
    found = _minutiae(maps, SILENT)
    return {
        "x": found.x_px.astype(np.float32),
        "y": found.y_px.astype(np.float32),
        "angle": found.angle_rad,
        "presence": found.quality.astype(np.float32) / 100,
        "ending": maps[3, found.y_px, found.x_px] >= 0,
    }


def bare(ridges: NDArray[np.int8], pressure: float) -> NDArray[np.uint8]:
    inked = 1 / (1 + np.exp(-5 * (ridges / np.float32(127) + np.float32(pressure))))
    return np.rint(235 - 185 * inked).astype(np.uint8)


def prints(files: list[Path]) -> Iterator[tuple[str, GrayImage]]:
    """Name and picture at 500 ppi of each finger picture in the transactions."""
    with Box() as box:
        for file in files:
            for k, found in enumerate(images(read_any(file.read_bytes()))):
                try:
                    picture = to_matcher(gray_image(box, found))
                except Exception as error:  # a sample may hold a placeholder: say so and go on
                    print(f"{file.name} picture {k}: {error}")
                    continue
                pixels = picture.pixels
                parts = 2 if pixels.size > LARGEST else 1
                for part, pixels_part in enumerate(np.array_split(pixels, parts, axis=1)):
                    yield f"print-{file.stem}-{k}-{part}", GrayImage(np.ascontiguousarray(pixels_part), picture.ppi)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--fingers", type=int, nargs=2, default=(0, 0), metavar=("FIRST", "END"))
    arguments.add_argument("--prints", type=Path, nargs="*", default=[])
    chosen = arguments.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    teacher = Extractor()
    for seed in range(*chosen.fingers):
        path = chosen.folder / f"finger-{seed:05d}.npz"
        if not path.exists():
            ridges = finger(seed).ridges
            np.savez(path, **labels(maps_of(teacher, [bare(ridges, pressure) for pressure in PRESSURES])))
    for name, picture in prints(chosen.prints):
        path = chosen.folder / f"{name}.npz"
        if not path.exists():
            np.savez(path, pixels=picture.pixels, **labels(maps_of(teacher, [picture.pixels] * 3)))


if __name__ == "__main__":
    main()
