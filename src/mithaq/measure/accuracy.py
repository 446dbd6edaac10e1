"""How well mates are told from strangers on a folder of prints: `mithaq measure accuracy DIR`.

    FINGER_IMPRESSION.ext ─► templates ─► every pair once ─► error rates; every print as a probe ─► rank-1

Every picture is read through the box and probed. A print that cannot be searched counts: all its comparisons are 0, so
it is a false non-match and a missed rank, never left out. Scores are symmetric, so no pair is compared twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mithaq.errors import ImageError, SettingsError
from mithaq.finger import Extractor, Template, compare, shortcomings, threshold_for
from mithaq.image import Box, gray_image, to_matcher
from mithaq.units import GrayImage

Progress = Callable[[str, int, int], None]

AGREEMENT_FMR = 1e-6
"""The false-match rate per comparison that the demonstration's agreement sets for a print against a print."""
DEFAULT_PPI = 500.0
UNSTATED_PPI = frozenset({"IMG-017", "IMG-018", "IMG-019", "IMG-020", "IMG-021"})
EXTENSIONS = frozenset({".bmp", ".jp2", ".jpeg", ".jpg", ".pgm", ".png", ".tif", ".tiff", ".wsq"})


@dataclass(frozen=True, slots=True, eq=False)
class Prints:
    """n prints: which finger and impression each is, and its template."""

    fingers: tuple[str, ...]
    impressions: tuple[str, ...]
    templates: tuple[Template, ...]

    @property
    def is_searchable(self) -> NDArray[np.bool_]:
        return np.array([not shortcomings(template) for template in self.templates], np.bool_)


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """All pairs of one folder: `genuine` and `impostor` sorted upwards; `ranks` (n,) of each print's mate, 1 first."""

    genuine: NDArray[np.float64]
    impostor: NDArray[np.float64]
    ranks: NDArray[np.int64]
    fingers: int


def measure_accuracy(
    directory: Path, *, ppi: float | None = None, plots: Path | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """The figures of one folder.

    `eer`, `fmr100`, `fmr1000`, `zerofmr` (false non-match rate at a false-match rate of at most 1 %, 0.1 %, none),
    `rank1`, `fnmr` and `false_hits` at `threshold`, the agreement's default of `fmr` 1e-6; all but the count `false_hits`
    fractions. Counts: `images`, `fingers`, `unsearchable`, `genuine`, `impostor`. With `plots` a DET and a CMC picture
    are written there and named in `plots`. SettingsError MEA-001 to MEA-003; the errors of reading and extracting.
    """
    prints = read_prints(directory, ppi=ppi, progress=progress)
    scores = score_prints(prints, progress=progress)
    figures = summarise(scores)
    figures["images"] = len(prints.templates)
    figures["unsearchable"] = int((~prints.is_searchable).sum())
    if plots is not None:
        from mithaq.measure.plots import write_plots

        figures["plots"] = [str(path) for path in write_plots({directory.name: scores}, plots)]
    return figures


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


def read_prints(directory: Path, *, ppi: float | None = None, progress: Progress | None = None) -> Prints:
    """Every print of the folder as a template. `ppi` holds for all; without it the file's, without that 500."""
    files = image_files(directory)
    extractor = Extractor()
    templates = []
    with Box() as box:
        for done, (path, _, _) in enumerate(files):
            if progress:
                progress("extract", done, len(files))
            templates.append(extractor.extract(read_image(box, path, ppi)))
    if progress:
        progress("extract", len(files), len(files))
    return Prints(tuple(f for _, f, _ in files), tuple(i for _, _, i in files), tuple(templates))


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


def score_matrix(prints: Prints, *, progress: Progress | None = None) -> NDArray[np.float64]:
    """(n, n) symmetric; the diagonal and the rows of prints that cannot be searched are 0."""
    count = len(prints.templates)
    searchable = prints.is_searchable
    matrix = np.zeros((count, count))
    for i in range(count):
        if progress:
            progress("compare", i, count)
        for j in range(i):
            if searchable[i] and searchable[j]:
                matrix[i, j] = matrix[j, i] = compare(prints.templates[i], prints.templates[j]).value
    if progress:
        progress("compare", count, count)
    return matrix


def score_prints(prints: Prints, *, progress: Progress | None = None) -> Scores:
    """All pairs, and each print's rank among one impression of every finger.

    The gallery holds each finger's first impression; a probe that is that impression meets its finger's second. A tie
    counts against the mate. Prints of a finger with a single impression have no mate and no rank.
    """
    matrix = score_matrix(prints, progress=progress)
    fingers = np.array(prints.fingers)
    lower = np.tril_indices(len(fingers), -1)
    is_mate = fingers[lower[0]] == fingers[lower[1]]
    pairs = matrix[lower]
    members = {finger: np.flatnonzero(fingers == finger) for finger in dict.fromkeys(prints.fingers)}
    ranks = []
    for probe, finger in enumerate(prints.fingers):
        own = members[finger][members[finger] != probe]
        if len(own):
            others = [member[0] for name, member in members.items() if name != finger]
            ranks.append(1 + int((matrix[probe, others] >= matrix[probe, own[0]]).sum()))
    return Scores(np.sort(pairs[is_mate]), np.sort(pairs[~is_mate]), np.array(ranks, np.int64), len(members))


def summarise(scores: Scores) -> dict[str, Any]:
    """The figures that follow from the scores alone."""
    threshold = threshold_for(AGREEMENT_FMR)
    return {
        "fingers": scores.fingers,
        "genuine": len(scores.genuine),
        "impostor": len(scores.impostor),
        "eer": equal_error_rate(scores.genuine, scores.impostor),
        "fmr100": fnmr_at(scores.genuine, scores.impostor, 0.01),
        "fmr1000": fnmr_at(scores.genuine, scores.impostor, 0.001),
        "zerofmr": fnmr_at(scores.genuine, scores.impostor, 0.0),
        "rank1": float((scores.ranks == 1).mean()),
        "fmr": AGREEMENT_FMR,
        "threshold": threshold,
        "fnmr": float((scores.genuine < threshold).mean()),
        "false_hits": int((scores.impostor >= threshold).sum()),
    }


def error_rates(
    genuine: NDArray[np.float64], impostor: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(false-match rates, false non-match rates) at every threshold where either changes, thresholds rising."""
    thresholds = np.append(np.unique(np.concatenate([genuine, impostor])), np.inf)
    fmr = 1.0 - np.searchsorted(np.sort(impostor), thresholds, "left") / len(impostor)
    fnmr = np.searchsorted(np.sort(genuine), thresholds, "left") / len(genuine)
    return fmr, fnmr


def equal_error_rate(genuine: NDArray[np.float64], impostor: NDArray[np.float64]) -> float:
    """The midpoint of both rates at the threshold where they cross."""
    fmr, fnmr = error_rates(genuine, impostor)
    after = int(np.argmax(fnmr >= fmr))
    before = max(0, after - 1)
    at = after if fnmr[after] - fmr[after] <= fmr[before] - fnmr[before] else before
    return float((fmr[at] + fnmr[at]) / 2.0)


def fnmr_at(genuine: NDArray[np.float64], impostor: NDArray[np.float64], fmr: float) -> float:
    """The least false non-match rate whose false-match rate is at most `fmr`."""
    rates, misses = error_rates(genuine, impostor)
    return float(misses[np.argmax(rates <= fmr)])


def cumulative_matches(ranks: NDArray[np.int64], most: int) -> Sequence[float]:
    """Share of probes whose mate is among the first 1, 2, …, `most`."""
    return [float((ranks <= k).mean()) for k in range(1, most + 1)]
