"""Minutiae of one print as one plain value, and how each form counts places, directions and quality.

    Type-9, INCITS 378, ISO/IEC 19794-2 ──► Minutiae ──► any of them again; arrays for the matcher

The value counts as `mithaq.units` says: pixels from the top left, y down, radians counter-clockwise along the ridge or
valley. `CONVENTIONS` is the one table of how the forms count (docs/minutiae.md prints it). Not done here: bytes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mithaq.errors import FormatError
from mithaq.record.images import CLASSES_PPI, UNKNOWN_IMPRESSION
from mithaq.units import MATCHER_PPI

OTHER, ENDING, BIFURCATION = 0, 1, 2  # kinds of ISO/IEC 19794-2
UNSTATED = -1  # a quality that the form does not give
MOST_SIDE = 100_000  # pixels; no print is larger, and every form's numbers fit
LEAST_PPI, MOST_PPI = 50.0, 10_000.0
SAME_SCALE = 0.01  # of `image.to_matcher`, which leaves such a picture as it is: its minutiae stay with it
HUNDREDTHS_MM = 2540  # in an inch
TURN = 2.0 * math.pi


@dataclass(frozen=True, slots=True)
class Convention:
    """How one form counts. `away` is true where an angle points away from the ridge: half a turn from the others.

    `step` is the angle unit in degrees, `side` and `most` the largest coordinate (in `unit`) and number of minutiae,
    `positions` the largest finger position, `quality` the values a minutia may state, `unstated` the value for none.
    Rounding is everywhere to the nearest, a half upwards.
    """

    form: str
    place: str
    origin: str
    unit: str
    step: float
    away: bool
    side: int
    most: int
    positions: int
    quality: str
    unstated: int | None
    trust: str


def _fmr(form: str, step: float, unstated: int, trust: str) -> Convention:
    quality = "1 to 100" if unstated == 0 else "0 to 100"
    return Convention(
        form, "record of its own", "top left", "pixel", step, False, 16383, 255, 10, quality, unstated, trust
    )


_UNIT_256 = 360 / 256
CONVENTIONS: dict[str, Convention] = {
    row.form: row
    for row in (
        Convention("type9-legacy", "9.005 to 9.012", "bottom left", "0.01 mm", 1.0, True, 9999, 999, 99,
                   "2 (best) to 63; 0 manual, 1 no method", 1, "paired sample; quality scale recalled"),
        Convention("type9-iafis", "9.014 to 9.023", "top left", "0.01 mm", 1.0, False, 9999, 999, 99,
                   "0 manual to 63", 1, "one sample, read only"),
        Convention("type9-m1", "9.126 to 9.141", "top left", "pixel", 2.0, False, 99999, 9999, 99,
                   "1 to 100", 0, "paired sample"),
        Convention("type9-efs", "9.300 to 9.335", "top left of the region of interest 9.300", "0.01 mm", 1.0, False,
                   99999, 9999, 99, "none", None, "samples; direction compared with one picture"),
        _fmr("incits378-2004", 2.0, 0, "samples"),
        _fmr("incits378-2009-draft", 2.0, 254, "one sample"),
        _fmr("incits378-2009", 2.0, 254, "one sample"),
        _fmr("incits378-2009am1", 2.0, 254, "one sample"),
        _fmr("iso19794-2-2005", _UNIT_256, 0, "samples"),
        _fmr("iso19794-2-2011", _UNIT_256, 254, "one sample"),
    )
}  # fmt: skip


class MatcherArrays(TypedDict):
    """What `finger.Template.from_minutiae` takes, at 500 ppi."""

    width: int
    height: int
    x_px: NDArray[np.float64]
    y_px: NDArray[np.float64]
    angle_rad: NDArray[np.float64]
    quality: NDArray[np.float64]
    kind: NDArray[np.uint8]


def _none(columns: int) -> NDArray[np.float64]:
    return np.zeros((0, columns))


@dataclass(frozen=True, slots=True, eq=False)
class Minutiae:
    """n minutiae of one view of one print, in file order; make it with `new_minutiae`, which checks.

    `x_px`, `y_px`, `angle_rad` float64 (n); `kind` uint8 (n), 0 other, 1 ending, 2 bifurcation; `quality` int16 (n), 0 to
    100 or -1 where none is stated. `position` (FGP), `impression` (IMP) and `view` are codes; `score` is the quality of
    the whole, 0 to 100 or -1. `cores` (c, 3) hold x, y, angle; `deltas` (d, 5) x, y and three angles; NaN for an angle
    that is not stated. `ridge_counts` int32 (r, 4) hold the index of a minutia, of its neighbour, the ridges between
    them, and the neighbour's place from 1 in that minutia's list (0 where the form has none); `ridge_method` is 0 for any,
    4 for quadrants, 8 for octants. `region` is left, top, width, height in pixels, where a region of interest is stated.
    """

    width: int
    height: int
    ppi: float
    ppi_y: float
    x_px: NDArray[np.float64] = field(repr=False)
    y_px: NDArray[np.float64] = field(repr=False)
    angle_rad: NDArray[np.float64] = field(repr=False)
    kind: NDArray[np.uint8] = field(repr=False)
    quality: NDArray[np.int16] = field(repr=False)
    position: int = 0
    impression: int = UNKNOWN_IMPRESSION
    view: int = 0
    score: int = UNSTATED
    cores: NDArray[np.float64] = field(repr=False, default_factory=lambda: _none(3))
    deltas: NDArray[np.float64] = field(repr=False, default_factory=lambda: _none(5))
    ridge_counts: NDArray[np.int32] = field(repr=False, default_factory=lambda: np.zeros((0, 4), np.int32))
    ridge_method: int = 0
    region: tuple[float, float, float, float] | None = None

    def __len__(self) -> int:
        return len(self.x_px)

    @property
    def inside(self) -> NDArray[np.bool_]:
        """Which minutiae round to a pixel of the picture (n)."""
        x, y = rounded(self.x_px), rounded(self.y_px)
        return (x >= 0) & (x < self.width) & (y >= 0) & (y < self.height)

    def subset(self, kept: NDArray[np.intp]) -> Minutiae:
        """The minutiae at these indices, in this order; ridge counts to others are dropped."""
        place = np.full(len(self) + 1, -1, np.int32)
        place[kept] = np.arange(len(kept), dtype=np.int32)
        counts = self.ridge_counts.copy()
        counts[:, 0], counts[:, 1] = place[counts[:, 0]], place[counts[:, 1]]
        arrays = {name: getattr(self, name)[kept] for name in ("x_px", "y_px", "angle_rad", "kind", "quality")}
        return replace(self, **arrays, ridge_counts=counts[(counts[:, 0] >= 0) & (counts[:, 1] >= 0)])

    def at(self, ppi: float) -> Minutiae:
        """The same at another resolution, as a resampled picture: pixel centres keep their place."""
        sx, sy = ppi / self.ppi, ppi / self.ppi_y

        def moved(points: NDArray[np.float64]) -> NDArray[np.float64]:
            made = points.copy()
            made[:, 0], made[:, 1] = (points[:, 0] + 0.5) * sx - 0.5, (points[:, 1] + 0.5) * sy - 0.5
            return made

        region = None
        if self.region is not None:
            left, top, width, height = self.region
            region = (left * sx, top * sy, width * sx, height * sy)
        return replace(
            self,
            width=max(1, round(self.width * sx)),
            height=max(1, round(self.height * sy)),
            ppi=ppi,
            ppi_y=ppi,
            x_px=(self.x_px + 0.5) * sx - 0.5,
            y_px=(self.y_px + 0.5) * sy - 0.5,
            cores=moved(self.cores),
            deltas=moved(self.deltas),
            region=region,
        )

    def matcher_arrays(self) -> MatcherArrays:
        """For `finger.Template.from_minutiae`: at 500 ppi, those inside the picture; an unstated quality counts as sure.

        A resolution within 1 % of 500 ppi is left alone, as `image.to_matcher` leaves the picture.
        """
        near = all(abs(scale - MATCHER_PPI) <= SAME_SCALE * MATCHER_PPI for scale in (self.ppi, self.ppi_y))
        found = (self if near else self.at(float(MATCHER_PPI))).subset(np.flatnonzero(self.inside))
        return {
            "width": found.width,
            "height": found.height,
            "x_px": np.clip(found.x_px, 0, found.width - 1),
            "y_px": np.clip(found.y_px, 0, found.height - 1),
            "angle_rad": found.angle_rad,
            "quality": np.where(found.quality < 0, 100.0, found.quality),
            "kind": found.kind,
        }


def new_minutiae(
    width: int,
    height: int,
    x_px: ArrayLike,
    y_px: ArrayLike,
    angle_rad: ArrayLike,
    *,
    kind: ArrayLike | None = None,
    quality: ArrayLike | None = None,
    ppi: float = MATCHER_PPI,
    ppi_y: float | None = None,
    cores: ArrayLike = (),
    deltas: ArrayLike = (),
    ridge_counts: ArrayLike = (),
    position: int = 0,
    impression: int = UNKNOWN_IMPRESSION,
    view: int = 0,
    score: int = UNSTATED,
    ridge_method: int = 0,
    region: tuple[float, float, float, float] | None = None,
) -> Minutiae:
    """Checked and copied, angles brought into [0, 2π). The arrays of a `finger.Template` can be given as they are.

    FormatError REC-067 where sizes, resolutions or arrays describe no print. A minutia may lie outside the picture.
    """
    down = ppi if ppi_y is None else ppi_y
    x, y = (np.array(part, np.float64).reshape(-1) for part in (x_px, y_px))
    angle = wrapped(np.asarray(angle_rad, np.float64).reshape(-1))
    kinds = np.zeros(len(x)) if kind is None else np.asarray(kind, np.float64).reshape(-1)
    sure = np.full(len(x), UNSTATED) if quality is None else np.asarray(quality, np.float64).reshape(-1)
    points = [np.array(found, np.float64).reshape(-1, columns) for found, columns in ((cores, 3), (deltas, 5))]
    counts = np.asarray(ridge_counts, np.int64).reshape(-1, 4)
    problem = ""
    if not (0 < width <= MOST_SIDE and 0 < height <= MOST_SIDE):
        problem = f"a print of {width} x {height} pixels"
    elif not all(LEAST_PPI <= scale <= MOST_PPI for scale in (ppi, down)):
        problem = f"a resolution of {ppi:g} x {down:g} pixels per inch"
    elif {len(y), len(angle), len(kinds), len(sure)} != {len(x)}:
        problem = "minutia arrays of different lengths"
    elif not all(np.isfinite(part).all() for part in (x, y, angle, *(found[:, :2] for found in points))):
        problem = "a place or an angle that is not a number"
    elif not (np.isin(kinds, (OTHER, ENDING, BIFURCATION)).all() and ((sure >= -1) & (sure <= 100)).all()):
        problem = "a kind or a quality that does not exist"
    elif len(counts) and not ((counts >= 0).all() and (counts[:, :2] < len(x)).all() and (counts < 1 << 31).all()):
        problem = "a ridge count to a minutia that does not exist"
    elif not (UNSTATED <= score <= 100 and 0 <= position <= 255 and 0 <= impression <= 255 and 0 <= view <= 255):
        problem = "a position, impression, view or score that does not exist"
    if problem:
        raise impossible(problem)
    for found in points:
        found[:, 2:] = wrapped(found[:, 2:])
    return Minutiae(
        width, height, float(ppi), float(down), x, y, angle, kinds.astype(np.uint8), np.rint(sure).astype(np.int16),
        position, impression, view, score, points[0], points[1], counts.astype(np.int32), ridge_method, region,
    )  # fmt: skip


def impossible(problem: str, *, offset: int | None = None) -> FormatError:
    """The error for values that describe no print."""
    return FormatError(
        "REC-067",
        problem,
        offset=offset,
        expected=f"1 to {MOST_SIDE} pixels each way, {LEAST_PPI:g} to {MOST_PPI:g} ppi, finite values, kinds 0 to 2",
        remedy="the file is damaged, or made by a faulty program: ask for it again",
    )


def rounded(values: ArrayLike) -> NDArray[np.int64]:
    """To the nearest whole number, a half upwards: the one rounding of every form."""
    return np.floor(np.asarray(values, np.float64) + 0.5).astype(np.int64)


def wrapped(angle_rad: NDArray[np.float64]) -> NDArray[np.float64]:
    """The angle in [0, 2π); NaN stays."""
    with np.errstate(invalid="ignore"):
        turned = np.mod(angle_rad, TURN)
    return np.where(turned >= TURN, 0.0, turned)


def to_steps(angle_rad: ArrayLike, row: Convention) -> NDArray[np.int64]:
    """The angle in the form's unit: 0 to the units of a turn less one. NaN becomes 0."""
    degrees = np.degrees(np.nan_to_num(np.asarray(angle_rad, np.float64))) + (180.0 if row.away else 0.0)
    return rounded(degrees / row.step) % round(360 / row.step)


def from_steps(steps: ArrayLike, row: Convention) -> NDArray[np.float64]:
    """The angle in radians that the form's number means, larger numbers taken modulo a turn."""
    degrees = np.asarray(steps, np.float64) * row.step - (180.0 if row.away else 0.0)
    return wrapped(np.radians(degrees))


def settled(scale: float, unit_ppi: float) -> float:
    """Pixels per inch of a whole number `scale` of the unit; what is within one step of 500 or 1000 ppi is that (197 per cm)."""
    ppi = scale * unit_ppi
    return next((exact for exact in CLASSES_PPI if abs(ppi - exact) < unit_ppi and unit_ppi != 1.0), ppi)


def fitted(found: Minutiae, row: Convention) -> NDArray[np.intp]:
    """Indices of the minutiae that the form can hold: the surest where there are too many, none beyond its coordinates."""
    unit = (found.ppi, found.ppi_y) if row.unit == "pixel" else (HUNDREDTHS_MM, HUNDREDTHS_MM)
    x, y = rounded(found.x_px * unit[0] / found.ppi), rounded(found.y_px * unit[1] / found.ppi_y)
    if row.origin == "bottom left":
        y = top_of(found.height, found.ppi_y) - y
    held = np.flatnonzero((x >= 0) & (y >= 0) & (x <= row.side) & (y <= row.side))
    if len(held) > row.most:
        sure = np.where(found.quality < 0, 100, found.quality)[held]
        held = np.sort(held[np.argsort(-sure, kind="stable")[: row.most]])
    return held


def top_of(height: int, ppi: float) -> int:
    """Y of the top line in a form that counts from the bottom in 0.01 mm: the picture's height less one, as NBIS has it."""
    return int(rounded(height * HUNDREDTHS_MM / ppi)) - 1
