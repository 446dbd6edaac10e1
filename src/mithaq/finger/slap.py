"""A slap -> its fingers: where each ends at its first joint, how it lies, which finger it is, and what is doubtful.

    pixels ─ half scale, windows ─► clear ridges ─ parted at necks ─► pieces ─ one under another ─► fingers
                                                                                     └─ first crease ─► boxes, positions

Pieces are finger ends and the phalanges below them; all that lies under a piece, along the hand, is the same finger. Our own
method, without a learned part. Which fingers there are, the caller says (FGP and AMP codes): a slap with fewer than that
gets boxes without positions, since a picture cannot tell which one is missing. Not done here: left or right from the
picture alone, a hand upside down, lifting prints off one another.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy import ndimage

from mithaq.errors import ImageError
from mithaq.units import FingerPosition, GrayImage

from . import parameters as p
from .slap_findings import SlapFinding, finding

Floats = NDArray[np.float32]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Segment:
    """One finger's end in a slap.

    `box` is left, right, top, bottom of its ridges, upright, all included: the order of x.021 SEG. `corners`, for x.025
    ASEG, are those of the box that lies as the finger does: left of the tip, right of the tip, right and left of the base,
    and may reach beyond the picture. `lean_rad` is how far it leans from upright, counter-clockwise; `confidence` 0..1;
    `marks` what lowers it: "no-crease" (the base is assumed), "cut" by the picture's edge, "touching" another, "odd-size".
    """

    position: FingerPosition
    box: tuple[int, int, int, int]
    corners: tuple[Point, Point, Point, Point]
    lean_rad: float
    confidence: float
    marks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Slap:
    """The fingers from left to right, how the hand leans (radians from upright, counter-clockwise), and the findings."""

    position: FingerPosition
    fingers: tuple[Segment, ...]
    lean_rad: float
    findings: tuple[SlapFinding, ...]

    @property
    def is_usable(self) -> bool:
        """True where every finger has its position: no finding says that the fingers could not be told."""
        return bool(self.fingers) and not any(found.is_error for found in self.findings)


_R, _L = (1, 2, 3, 4, 5), (6, 7, 8, 9, 10)
ORDER: dict[int, tuple[int, ...]] = {
    **{code: (code,) for code in range(1, 11)},
    11: (1,),
    12: (6,),
    13: _R[1:],
    14: _L[:0:-1],
    15: (6, 1),
}
"""Fingers from left to right as the picture shows them, backs of the hands up: the right index is the first of its four,
the left index the last; of two thumbs the left one is left."""
MISSING_CODES = ("XX", "UP")
"""AMP: amputated or partial; unable to print. The third code, SR, is a scar: such a finger is there."""


def segment(image: GrayImage, position: FingerPosition, missing: Mapping[FingerPosition, str] | None = None) -> Slap:
    """The fingers of a slap at 500 ppi.

    `position`: 13, 14 or 15; 1 to 12 for a picture of one finger; 0 where nothing is declared, and then no finger gets a
    position. `missing` names absent fingers with their AMP code (XX, UP; SR is a scar, its finger is expected).
    ImageError FIN-050 to FIN-053: another resolution, no pixels, too many, a code or finger that the slap cannot have.
    """
    _check(image, position, missing or {})
    absent = {finger for finger, code in (missing or {}).items() if code in MISSING_CODES}
    expected = tuple(FingerPosition(code) for code in ORDER.get(position, ()) if code not in absent)
    half = _half(image.pixels)
    if float(half.std()) < p.BLANK_DEVIATION:
        return Slap(position, (), 0.0, (finding("FIN-054"),))
    clarity, deviation, mean = _windows(half)
    mask = _foreground(clarity, deviation, mean)
    labels = _pieces(mask)
    hand, groups = _grouped(labels)
    texture = _texture(half)
    found = [_finger_end(labels, group, hand, clarity, texture) for group in groups]
    ends = [end for end in found if end is not None]
    return _judged(image, position, expected, ends, hand)


def cut(image: GrayImage, finger: Segment) -> GrayImage:
    """The finger's own picture: its upright box, not turned or resampled, and white where the box of another may lie."""
    margin = p.SLAP_CUT_MARGIN
    left, right, top, bottom = finger.box
    left, top = max(0, left - margin), max(0, top - margin)
    right, bottom = min(image.width - 1, right + margin), min(image.height - 1, bottom + margin)
    pixels = image.pixels[top : bottom + 1, left : right + 1].copy()
    y, x = np.mgrid[top : bottom + 1, left : right + 1].astype(np.float32)
    across, along = _frame(x, y, finger.lean_rad)
    us, vs = zip(*(_frame(px, py, finger.lean_rad) for px, py in finger.corners), strict=True)
    inside = (across >= min(us) - margin) & (across <= max(us) + margin)
    inside &= (along >= min(vs) - margin) & (along <= max(vs) + margin)
    pixels[~inside] = np.uint8(np.percentile(image.pixels, 95))
    return GrayImage(pixels, image.ppi)


def fingers_of(image: GrayImage, found: Slap) -> tuple[tuple[FingerPosition, GrayImage], ...]:
    """Each finger's position and own picture, left to right; () where the slap is not usable."""
    return tuple((finger.position, cut(image, finger)) for finger in found.fingers) if found.is_usable else ()


def _check(image: GrayImage, position: FingerPosition, missing: Mapping[FingerPosition, str]) -> None:
    pixels = image.pixels
    if not math.isfinite(image.ppi) or abs(image.ppi / p.PPI - 1.0) > p.PPI_TOLERANCE:
        raise ImageError(
            "FIN-050",
            f"a slap at {image.ppi:g} ppi",
            expected=f"{p.PPI} ppi",
            remedy="resample it first (mithaq.image.to_matcher)",
        )
    if pixels.ndim != 2 or pixels.dtype != np.uint8 or not pixels.size:
        raise ImageError("FIN-051", "a slap without grey pixels", expected="uint8 of shape (h, w)")
    if pixels.size > p.SLAP_MAX_PIXELS or max(pixels.shape) > p.SLAP_MAX_SIDE:
        raise ImageError(
            "FIN-052",
            f"a slap of {image.width} x {image.height} pixels at 500 ppi",
            expected=f"at most {p.SLAP_MAX_PIXELS} pixels and {p.SLAP_MAX_SIDE} a side",
            remedy="cut it to one slap",
        )
    for finger, code in missing.items():
        if finger not in ORDER.get(position, ()) or code not in (*MISSING_CODES, "SR"):
            raise ImageError(
                "FIN-053",
                f"finger {int(finger)} declared {code[:8]!r} in a slap of position {int(position)}",
                expected="one of the slap's fingers with XX, UP or SR",
                remedy="correct the declaration (14.018 AMP)",
            )


def _half(pixels: NDArray[np.uint8]) -> Floats:
    """The picture at 250 ppi: means of 2 x 2."""
    even = np.pad(pixels, ((0, pixels.shape[0] % 2), (0, pixels.shape[1] % 2)), mode="edge")
    wide = even.reshape(even.shape[0] // 2, 2, even.shape[1] // 2, 2)
    return np.asarray(wide.sum(axis=(1, 3), dtype=np.uint16), np.float32) / np.float32(4)


_CELL_MM2 = (p.SLAP_STEP * p.MM_PER_PIXEL) ** 2
_WINDOW = p.BLOCK // 2
_STEP = p.SLAP_STEP // 2
_FY, _FX = np.fft.fftfreq(_WINDOW)[:, None], np.fft.rfftfreq(_WINDOW)[None, :]
_FREQUENCY = np.hypot(_FY, _FX)
_IN_BAND = (_FREQUENCY >= 2.0 / p.MAX_PERIOD) & (_FREQUENCY <= 2.0 / p.MIN_PERIOD)
_TWICE = np.where((_FX == 0) | (_FX == 0.5), 1.0, 2.0).astype(np.float32)  # rfft keeps one of each mirrored pair


def _windows(half: Floats) -> tuple[Floats, Floats, Floats]:
    """Clarity, deviation (quality.py says what they are) and mean around every point of a grid SLAP_STEP pixels wide."""
    reach = _WINDOW // 2
    padded = np.pad(half, reach, mode="symmetric")
    window = np.hanning(_WINDOW + 2)[1:-1].astype(np.float32)
    views = np.lib.stride_tricks.sliding_window_view(padded, (_WINDOW, _WINDOW))[::_STEP, ::_STEP]
    mean = ndimage.uniform_filter(padded, _WINDOW)[reach::_STEP, reach::_STEP]
    square = ndimage.uniform_filter(padded * padded, _WINDOW)[reach::_STEP, reach::_STEP]
    mean, square = (part[: views.shape[0], : views.shape[1]] for part in (mean, square))
    deviation = np.sqrt(np.maximum(square - mean * mean, 0.0))
    clarity = np.zeros(deviation.shape, np.float32)
    rows, columns = np.nonzero(deviation >= p.MIN_DEVIATION)
    for start in range(0, len(rows), 512):  # as many as the processor's cache holds
        at = rows[start : start + 512], columns[start : start + 512]
        clarity[at] = _clarity((views[at] - mean[at][:, None, None]) * (window[:, None] * window))
    return clarity, deviation, mean


def _clarity(windows: Floats) -> Floats:
    """Share of each window's energy in its strongest ridge frequency and those beside it."""
    spectrum = scipy.fft.rfft2(windows, axes=(1, 2))
    power = (spectrum.real**2 + spectrum.imag**2) * _TWICE
    power[:, 0, 0] = 0.0
    total = power.sum(axis=(1, 2))
    power *= _IN_BAND
    rows, columns = np.unravel_index(power.reshape(len(power), -1).argmax(axis=1), _FREQUENCY.shape)
    near = np.arange(-1, 2)
    beside = columns[:, None, None] + near
    inside = (beside >= 0) & (beside < power.shape[2])
    around = power[
        np.arange(len(power))[:, None, None], (rows[:, None, None] + near[:, None]) % _WINDOW, beside * inside
    ]
    share = (around * inside).sum(axis=(1, 2)) / np.maximum(total, 1e-6)
    return np.asarray(np.minimum(share, 1.0), np.float32)


def _foreground(clarity: Floats, deviation: Floats, mean: Floats) -> NDArray[np.bool_]:
    """Where ridges are, on the grid: clear windows, and poorer or black ones that hang together with them."""
    clear = clarity >= p.MIN_CLARITY
    if not clear.any():
        return clear
    strong = max(p.MIN_DEVIATION, p.SLAP_CONTRAST_SHARE * float(np.percentile(deviation[clear], 90)))
    smooth = ndimage.uniform_filter(clarity, 3)
    poorer = ((smooth >= p.SLAP_POOR_CLARITY) & (deviation >= strong)) | (mean < p.SLAP_BLACK)
    poorer = ndimage.binary_opening(poorer, _disc(2))
    mask = ndimage.binary_propagation(ndimage.binary_erosion(clear & poorer), mask=poorer)
    mask = ndimage.binary_closing(np.pad(mask, 3), _disc(2))[3:-3, 3:-3]
    holes, count = ndimage.label(~mask)
    sizes = np.bincount(holes.reshape(-1), minlength=count + 1)
    mask |= (sizes <= p.SLAP_HOLE_MM2 / _CELL_MM2)[holes]
    return np.asarray(ndimage.binary_erosion(mask, border_value=1), np.bool_)  # a window sees ridges beside it


def _disc(radius: int) -> NDArray[np.bool_]:
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return np.asarray(x * x + y * y <= radius * radius, np.bool_)


_BEYOND = 30  # windows: more than half a finger


def _pieces(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """The mask parted at its necks, numbered from 1: a phalanx each, or several that hang together along a finger."""
    # What the picture's edge cuts goes on beyond it.
    beyond = ndimage.distance_transform_edt(np.pad(mask, _BEYOND, mode="symmetric"))
    depth = ndimage.gaussian_filter(beyond[_BEYOND:-_BEYOND, _BEYOND:-_BEYOND], 1.5)
    depth[~mask] = 0.0
    tops = (depth == ndimage.maximum_filter(depth, 9)) & (depth >= p.SLAP_LEAST_DEPTH)
    rows, columns = np.nonzero(tops)
    order = np.argsort(-depth[rows, columns], kind="stable")
    rows, columns = rows[order], columns[order]
    owner = np.arange(len(rows))
    for k in range(len(rows)):
        for j in range(k):
            # Between the two deepest points of one shape nothing is much narrower than the lesser of them.
            steps = int(max(abs(rows[k] - rows[j]), abs(columns[k] - columns[j]))) + 1
            y = np.rint(np.linspace(rows[k], rows[j], steps)).astype(int)
            x = np.rint(np.linspace(columns[k], columns[j], steps)).astype(int)
            if depth[y, x].min() >= p.SLAP_NECK * depth[rows[k], columns[k]]:
                owner[k] = owner[j]
                break
    labels = np.zeros(mask.shape, np.int32)
    labels[rows, columns] = owner + 1
    for level in np.arange(math.floor(float(depth.max(initial=0.0))), -1, -1):
        region = mask & (depth > level)
        while True:
            grown = np.where((labels == 0) & region, ndimage.maximum_filter(labels, 3), labels)
            if np.array_equal(grown, labels):
                break
            labels = grown
    return labels


@dataclass(frozen=True, slots=True)
class _Piece:
    label: int
    area: float  # grid cells
    x: float
    y: float
    xx: float  # second moments about the middle
    xy: float
    yy: float

    @property
    def spread(self) -> float:
        """How long against wide: 0 round."""
        return math.hypot(self.xx - self.yy, 2.0 * self.xy) / max(self.xx + self.yy, 1e-9)

    @property
    def lean(self) -> float:
        """Of the longer axis, radians from upright, counter-clockwise as seen."""
        return 0.5 * math.atan2(2.0 * self.xy, self.yy - self.xx)


def _measured(labels: NDArray[np.int32], members: tuple[int, ...]) -> _Piece:
    rows, columns = np.nonzero(np.isin(labels, members))
    x, y = float(columns.mean()), float(rows.mean())
    dx, dy = columns - x, rows - y
    return _Piece(
        members[0], float(len(rows)), x, y, float((dx * dx).mean()), float((dx * dy).mean()), float((dy * dy).mean())
    )


def _frame(x: float | Floats, y: float | Floats, lean: float) -> tuple[float | Floats, float | Floats]:
    """Across (to the right) and along (towards the wrist) for something that leans so far counter-clockwise."""
    cosine, sine = math.cos(lean), math.sin(lean)
    return x * cosine - y * sine, x * sine + y * cosine


def _unframe(u: float, v: float, lean: float) -> Point:
    cosine, sine = math.cos(lean), math.sin(lean)
    return u * cosine + v * sine, -u * sine + v * cosine


def _grouped(labels: NDArray[np.int32]) -> tuple[float, list[tuple[int, ...]]]:
    """How the hand leans, and the pieces of each finger, topmost first."""
    pieces = [
        _measured(labels, (number,)) for number in range(1, int(labels.max(initial=0)) + 1) if (labels == number).any()
    ]
    pieces = [piece for piece in pieces if piece.area >= p.SLAP_LEAST_PIECE_MM2 / _CELL_MM2]
    if not pieces:
        return 0.0, []
    hand = _common_lean(pieces)
    groups: list[tuple[int, ...]] = []
    for _ in range(3):
        groups = _stacked(pieces, hand)
        hand = _common_lean([_measured(labels, group) for group in groups])
    return hand, groups


def _common_lean(pieces: list[_Piece]) -> float:
    """The mean of the longer axes, each counted by its area and how long it is; 0 for a lone print wider than long."""
    weights = [piece.area * piece.spread for piece in pieces]
    s = sum(w * math.sin(2 * piece.lean) for w, piece in zip(weights, pieces, strict=True))
    c = sum(w * math.cos(2 * piece.lean) for w, piece in zip(weights, pieces, strict=True))
    lean = 0.5 * math.atan2(s, c)
    # One print alone may be wider than long, as rolled ones are: that tells nothing of how the hand lies.
    many = sum(piece.area >= p.SLAP_LEAST_AREA_SHARE * max(one.area for one in pieces) for piece in pieces) > 1
    return lean if many or abs(lean) <= p.SLAP_MOST_LEAN_RAD else 0.0


def _stacked(pieces: list[_Piece], hand: float) -> list[tuple[int, ...]]:
    """Pieces that lie under one another along the hand, as one finger."""
    placed = sorted((float(v), float(u), piece) for piece in pieces for u, v in [_frame(piece.x, piece.y, hand)])
    fingers: list[list[tuple[float, _Piece]]] = []
    for _, u, piece in placed:
        half_width = 2.0 * math.sqrt(max(_across(piece, hand), 1e-9))
        distances = [abs(u - finger[-1][0]) for finger in fingers]
        nearest = min(range(len(fingers)), key=distances.__getitem__, default=None)
        if nearest is not None and distances[nearest] < p.SLAP_BELOW * max(
            half_width, 2.0 * math.sqrt(_across(fingers[nearest][0][1], hand))
        ):
            fingers[nearest].append((u, piece))
        else:
            fingers.append([(u, piece)])
    return [tuple(piece.label for _, piece in finger) for finger in fingers]


def _across(piece: _Piece, lean: float) -> float:
    """Second moment across that direction."""
    cosine, sine = math.cos(lean), math.sin(lean)
    return cosine**2 * piece.xx - 2 * cosine * sine * piece.xy + sine**2 * piece.yy


def _texture(half: Floats) -> Floats:
    """How much ridge there is at each pixel of the half scale, finely: low in a crease a millimetre wide."""
    detail = np.abs(half - ndimage.gaussian_filter(half, 4.0, truncate=2.5))
    return np.asarray(ndimage.gaussian_filter(detail, 1.8, truncate=2.5), np.float32)


@dataclass(frozen=True, slots=True)
class _End:
    """A finger's end in its own frame, pixels: `left`, `right` across, `tip`, `base` along."""

    left: float
    right: float
    tip: float
    base: float
    lean: float
    area_mm2: float
    clarity: float
    has_crease: bool
    cells: NDArray[np.bool_]  # of the grid, that are this end

    @property
    def width_mm(self) -> float:
        return (self.right - self.left) * p.MM_PER_PIXEL

    @property
    def length_mm(self) -> float:
        return (self.base - self.tip) * p.MM_PER_PIXEL

    @property
    def corners(self) -> tuple[Point, Point, Point, Point]:
        one, two, three, four = (
            _unframe(u, v, self.lean)
            for u, v in (
                (self.left, self.tip), (self.right, self.tip), (self.right, self.base), (self.left, self.base)
            )
        )  # fmt: skip
        return one, two, three, four


def _finger_end(
    labels: NDArray[np.int32], group: tuple[int, ...], hand: float, clarity: Floats, texture: Floats
) -> _End | None:
    """The end of the finger whose pieces these are; None where they are too small for one."""
    whole = _measured(labels, group)
    lean = hand
    if whole.spread >= p.SLAP_LONG:
        turn = math.remainder(whole.lean - hand, math.pi)
        lean = hand + min(max(turn, -p.SLAP_FAN_RAD), p.SLAP_FAN_RAD)
    rows, columns = np.nonzero(np.isin(labels, group))
    u, v = _frame(columns.astype(np.float32) * p.SLAP_STEP, rows.astype(np.float32) * p.SLAP_STEP, lean)
    assert not isinstance(u, float) and not isinstance(v, float)
    tip = float(np.percentile(v, 0.5))
    near = v <= tip + p.SLAP_NEAR_MM / p.MM_PER_PIXEL
    left, right = (float(q) for q in np.percentile(u[near], (2, 98)))
    lowest = _first_gap(v, tip)
    crease = _crease(texture, (left + right) / 2, right - left, tip, lowest, lean)
    base = crease if crease is not None else lowest
    has_crease = crease is not None or lowest < float(v.max()) - p.SLAP_STEP
    longest = p.SLAP_ASSUMED_LENGTH * (right - left)
    if not has_crease and base - tip > longest:
        base = tip + longest
    inside = v <= base
    if not inside.any():
        return None
    left, right = (float(q) for q in np.percentile(u[inside], (1, 99)))
    cells = np.zeros(labels.shape, np.bool_)
    cells[rows[inside], columns[inside]] = True
    area, clear = float(inside.sum()) * _CELL_MM2, float(clarity[cells].mean())
    edge = float(p.SLAP_STEP)  # what the foreground was worn down by
    if crease is None:
        base += edge
    end = _End(left - edge, right + edge, tip - edge, base, lean, area, clear, has_crease, cells)
    is_finger = end.area_mm2 >= p.SLAP_LEAST_FINGER_MM2 and end.width_mm >= p.SLAP_LEAST_WIDTH_MM
    return end if is_finger and end.length_mm >= p.SLAP_LEAST_LENGTH_MM else None


def _first_gap(v: Floats, tip: float) -> float:
    """Where, from the tip on, no ridges follow for a while: the end of what hangs together."""
    steps = np.bincount(((v - tip).clip(0) / p.SLAP_STEP).astype(int))
    empty = steps <= 0.15 * np.percentile(steps, 75)
    first = int(p.SLAP_LEAST_LENGTH_MM / p.MM_PER_PIXEL / p.SLAP_STEP)
    for k in range(first, len(steps) - 1):
        if empty[k] and empty[k + 1]:
            return tip + k * p.SLAP_STEP
    return tip + len(steps) * p.SLAP_STEP


def _crease(texture: Floats, middle: float, width: float, tip: float, end: float, lean: float) -> float | None:
    """Where the first joint's crease crosses the finger's middle, along it; None where none stands out."""
    per_mm = 1.0 / p.MM_PER_PIXEL
    first = tip + max(p.SLAP_CREASE_MM[0] * per_mm, p.SLAP_CREASE_LEAST * width)
    last = min(tip + p.SLAP_CREASE_MM[1] * per_mm, end)
    if last - first < 3 * per_mm:
        return None
    along = np.arange(tip, last + 2 * per_mm, 4.0)
    across = np.linspace(-p.SLAP_CREASE_WIDTH * width, p.SLAP_CREASE_WIDTH * width, 17)
    usual, best = None, None
    for slant in p.SLAP_CREASE_SLANTS:
        v = along[:, None] + slant * across
        u = middle + np.broadcast_to(across, v.shape)
        x, y = u * math.cos(lean) + v * math.sin(lean), v * math.cos(lean) - u * math.sin(lean)
        values = ndimage.map_coordinates(texture, [y / 2 - 0.25, x / 2 - 0.25], order=1, mode="nearest")
        profile = ndimage.gaussian_filter1d(values.mean(axis=1), 1.5)
        if usual is None:
            usual = float(np.median(profile[along < first + 4 * per_mm]))
        inner = np.flatnonzero((along >= first) & (along <= last))
        lowest = int(inner[profile[inner].argmin()])
        if best is None or profile[lowest] < best[0]:
            best = (float(profile[lowest]), profile, inner)
    assert usual is not None and best is not None
    depth, profile, inner = best
    if depth > p.SLAP_CREASE_DEPTH * usual:
        return None
    # The first dip that is about as deep as the deepest, and there its bottom.
    limit = max(depth * 1.3, depth + 0.1 * usual)
    k = int(inner[np.flatnonzero(profile[inner] <= limit)[0]])
    while k + 1 < len(profile) and profile[k + 1] < profile[k]:
        k += 1
    return float(along[k])


def _judged(
    image: GrayImage, position: FingerPosition, expected: tuple[FingerPosition, ...], ends: list[_End], hand: float
) -> Slap:
    """Ends in order, with positions where their number is the declared one, and what must be said."""
    if not ends:
        return Slap(position, (), hand, (finding("FIN-055"),))
    widest = max(end.width_mm for end in ends)
    if widest > p.SLAP_MOST_WIDTH_MM:
        return Slap(position, (), hand, (finding("FIN-058", met=f"{widest:.0f} mm"),))
    if abs(hand) > p.SLAP_MOST_LEAN_RAD:
        return Slap(position, (), hand, (finding("FIN-059", met=f"{math.degrees(hand):.0f} degrees"),))
    largest = max(end.area_mm2 for end in ends)
    ends = [
        end
        for end in ends
        if end.area_mm2 >= p.SLAP_LEAST_AREA_SHARE * largest and end.width_mm >= p.SLAP_LEAST_WIDTH_SHARE * widest
    ]
    ends.sort(key=lambda end: _frame(*_middle(end), hand)[0])
    findings: list[SlapFinding] = []
    if expected and len(ends) != len(expected):
        code = "FIN-057" if len(ends) > len(expected) else "FIN-056"
        findings.append(finding(code, expected=str(len(expected)), met=str(len(ends))))
    told = expected if len(expected) == len(ends) else (FingerPosition.UNKNOWN,) * len(ends)
    fingers = []
    for k, (end, finger) in enumerate(zip(ends, told, strict=True)):
        marks = _marks(end, [other for j, other in enumerate(ends) if j != k])
        confidence = min(1.0, end.clarity / p.FULL_CLARITY) * math.prod(p.SLAP_MARKS[mark] for mark in marks)
        fingers.append(Segment(finger, _box(end, image), end.corners, end.lean, round(confidence, 3), marks))
    for mark, code in (("touching", "FIN-060"), ("cut", "FIN-061"), ("no-crease", "FIN-062"), ("odd-size", "FIN-063")):
        places = tuple(k + 1 for k, finger in enumerate(fingers) if mark in finger.marks)
        if places:
            findings.append(finding(code, fingers=places))
    return Slap(position, tuple(fingers), hand, tuple(findings))


def _box(end: _End, image: GrayImage) -> tuple[int, int, int, int]:
    rows, columns = (np.flatnonzero(end.cells.any(axis=axis)) * p.SLAP_STEP for axis in (1, 0))
    left, right = int(columns[0]) - p.SLAP_STEP, int(columns[-1]) + p.SLAP_STEP
    top, bottom = int(rows[0]) - p.SLAP_STEP, int(rows[-1]) + p.SLAP_STEP
    return max(0, left), min(image.width - 1, right), max(0, top), min(image.height - 1, bottom)


def _middle(end: _End) -> Point:
    return _unframe((end.left + end.right) / 2, (end.tip + end.base) / 2, end.lean)


def _marks(end: _End, others: list[_End]) -> tuple[str, ...]:
    named = []
    if not end.has_crease:
        named.append("no-crease")
    edges = (end.cells[0], end.cells[-1], end.cells[:, 0], end.cells[:, -1])
    if max(int(edge.sum()) for edge in edges) >= p.SLAP_CUT_WINDOWS:
        named.append("cut")
    around = ndimage.binary_dilation(end.cells, _disc(1))
    if any((around & other.cells).sum() >= p.SLAP_TOUCHING_WINDOWS for other in others):
        named.append("touching")
    (narrow, wide), (short, long) = p.SLAP_USUAL_WIDTH_MM, p.SLAP_USUAL_LENGTH_MM
    if not (narrow <= end.width_mm <= wide and short <= end.length_mm <= long):
        named.append("odd-size")
    return tuple(named)
