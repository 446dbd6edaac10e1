"""Prints of a folder as templates, for the measurements: FINGER_IMPRESSION.ext ─ box ─► 500 ppi ─ extractor ─► Template.

A print that cannot be extracted stays in the list as None: it counts against whoever is measured, never out of the count.
`cut` is the test for small prints: of each print only the minutiae within a disc are left.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mithaq.errors import ImageError, SettingsError
from mithaq.finger import Extractor, Template, shortcomings
from mithaq.image import Box, gray_image, to_matcher
from mithaq.units import GrayImage

Progress = Callable[[str, int, int], None]

DEFAULT_PPI = 500.0
UNSTATED_PPI = frozenset({"IMG-017", "IMG-018", "IMG-019", "IMG-020", "IMG-021"})
EXTENSIONS = frozenset({".bmp", ".jp2", ".jpeg", ".jpg", ".pgm", ".png", ".tif", ".tiff", ".wsq"})


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of prints, and the resolution that holds for all of them where the files are not to be asked."""

    path: Path
    ppi: float | None = None

    @classmethod
    def parse(cls, text: str, ppi: float | None = None) -> Folder:
        """ "DIR", or "DIR@PPI" where one folder of several has a resolution of its own. SettingsError MEA-005."""
        path, at, own = text.rpartition("@")
        if not at or Path(text).is_dir():
            return cls(Path(text), ppi)
        try:
            return cls(Path(path), float(own))
        except ValueError:
            raise SettingsError(
                "MEA-005", f"{own!r} is no resolution", key=text, expected="DIR or DIR@PPI, as in db2_b@569"
            ) from None


@dataclass(frozen=True, slots=True, eq=False)
class Prints:
    """n prints: which finger and impression each is, and its template, None where none could be made."""

    fingers: tuple[str, ...]
    impressions: tuple[str, ...]
    templates: tuple[Template | None, ...]

    @property
    def is_searchable(self) -> NDArray[np.bool_]:
        """(n,) what the quality gate lets through to a search."""
        return np.array([t is not None and not shortcomings(t) for t in self.templates], np.bool_)


def image_files(directory: Path) -> list[tuple[Path, str, str]]:
    """(file, finger, impression) of every picture below `directory`, by name; the last underscore parts the two.

    SettingsError MEA-001 where the folder cannot be read, MEA-002 where a name has no underscore, MEA-003 without pairs.
    """
    if not directory.is_dir():
        raise SettingsError("MEA-001", "the folder of prints is not there", file=str(directory), expected="a folder")
    found = []
    for path in sorted(directory.iterdir()):
        if path.suffix.lower() not in EXTENSIONS:
            continue
        finger, underscore, impression = path.stem.rpartition("_")
        if not underscore or not finger or not impression:
            raise SettingsError(
                "MEA-002", "a picture's name does not tell its finger", file=path.name, expected="FINGER_IMPRESSION.ext"
            )
        found.append((path, finger, impression))
    fingers = {finger for _, finger, _ in found}
    if len(fingers) < 2 or len(fingers) == len(found):
        raise SettingsError(
            "MEA-003",
            f"{len(found)} pictures of {len(fingers)} fingers",
            file=str(directory),
            expected="two fingers or more, one of them with two impressions",
        )
    return found


def read_images(folder: Folder, *, progress: Progress | None = None) -> list[tuple[str, str, GrayImage]]:
    """(finger, impression, print at 500 ppi) of every picture. `ppi` holds for all; without it the file's, else 500."""
    files = image_files(folder.path)
    found = []
    with Box() as box:
        for done, (path, finger, impression) in enumerate(files):
            if progress:
                progress("read", done, len(files))
            found.append((finger, impression, read_image(box, path, folder.ppi)))
    return found


def read_image(box: Box, path: Path, ppi: float | None) -> GrayImage:
    """The print at 500 ppi, from `ppi` where it is given, else what the file states, else 500."""
    data = path.read_bytes()
    try:
        image = gray_image(box, data, user_ppi=ppi, place=path.name)
    except ImageError as error:
        if ppi is not None or error.code not in UNSTATED_PPI:
            raise
        image = gray_image(box, data, user_ppi=DEFAULT_PPI, place=path.name)
    return to_matcher(image)


def extract_all(
    images: Sequence[tuple[str, str, GrayImage]], extractor: Extractor, *, progress: Progress | None = None
) -> Prints:
    """The templates of these prints."""
    templates: list[Template | None] = []
    for done, (_, _, image) in enumerate(images):
        if progress:
            progress("extract", done, len(images))
        try:
            templates.append(extractor.extract(image))
        except ImageError:
            templates.append(None)
    return Prints(tuple(f for f, _, _ in images), tuple(i for _, i, _ in images), tuple(templates))


def read_prints(directory: Path, *, ppi: float | None = None, progress: Progress | None = None) -> Prints:
    """Every print of the folder, by the default extractor."""
    return extract_all(read_images(Folder(directory, ppi), progress=progress), Extractor(), progress=progress)


def cut(prints: Prints, radius_px: float) -> Prints:
    """Each print with only those minutiae that lie within `radius_px` of a centre, and codes made of these alone.

    The centre is drawn evenly from the rectangle around the print's minutiae, by the names of finger and impression: the
    same discs in every run. Of the readings tried of "a disc of 90 px" this one gives the first engine the errors that
    were published for it (docs/accuracy.md). Cut before the codes are made, so that no code knows what lay outside; what
    the edge of a small sensor does to the picture is not imitated.
    """
    discs: list[Template | None] = []
    for finger, impression, whole in zip(prints.fingers, prints.impressions, prints.templates, strict=True):
        if whole is None or not len(whole):
            discs.append(whole)
            continue
        x, y = whole.x_px.astype(float), whole.y_px.astype(float)
        draw = np.random.default_rng(zlib.crc32(f"{finger}_{impression}".encode()))
        middle_x, middle_y = draw.uniform(x.min(), x.max()), draw.uniform(y.min(), y.max())
        kept = np.hypot(x - middle_x, y - middle_y) <= radius_px
        parts: dict[str, Any] = {"quality": whole.quality[kept], "kind": whole.kind[kept]}
        discs.append(
            Template.from_minutiae(
                whole.width, whole.height, whole.x_px[kept], whole.y_px[kept], whole.angle_rad[kept], **parts
            )
        )
    return Prints(prints.fingers, prints.impressions, tuple(discs))
