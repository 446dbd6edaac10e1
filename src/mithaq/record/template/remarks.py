"""What reading a template forgave, and what a conversion dropped: values with a stable code, never silence.

    bytes ──read──► views + Fault, ...          views ──write──► bytes + TemplateLoss, ...

A loss is found by reading back what was written, so it holds for every form alike. Neither says what a field held.
docs/minutiae.md lists the codes, REC-072 to REC-089.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mithaq.record.minutiae import SAME_SCALE, TURN, Minutiae

LIKENESS_PX = 0.01  # places that differ by less are the same
LIKENESS_RAD = 1e-4


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong that was read nevertheless. `view` counts from 1, 0 is the whole; `offset` counts bytes of the file."""

    code: str
    view: int
    problem: str
    done: str
    offset: int | None = None

    def __str__(self) -> str:
        where = (f"view {self.view}: " if self.view else "") + ("" if self.offset is None else f"byte {self.offset}: ")
        return f"warning {self.code} {where}{self.problem}; {self.done}"


@dataclass(frozen=True, slots=True)
class TemplateLoss:
    """Something that the target cannot hold, or the plain value does not carry. `view` counts from 1, 0 is the whole."""

    code: str
    view: int
    reason: str

    def __str__(self) -> str:
        return f"loss {self.code} {f'view {self.view}: ' if self.view else ''}{self.reason}"


def losses(before: Minutiae, after: Minutiae, kept: NDArray[np.intp], view: int) -> tuple[TemplateLoss, ...]:
    """What `after`, read back from the target, has no longer of `before`; `kept` are the indices that were written."""
    found: list[TemplateLoss] = []

    def lost(code: str, is_so: bool, reason: str) -> None:
        if is_so:
            found.append(TemplateLoss(code, view, reason))

    source = before.subset(kept)
    gone = len(before) - len(source)
    lost("REC-085", gone > 0, f"{gone} minutiae are left out: too many, or beyond the form's coordinates")
    scale = _scale(source, after)
    away = _largest(np.hypot(after.x_px * scale[0] - source.x_px, after.y_px * scale[1] - source.y_px))
    lost("REC-085", away > LIKENESS_PX, f"places are rounded, by {away:.2f} pixels at most")
    turned = _turn(after.angle_rad - source.angle_rad)
    lost("REC-086", turned > LIKENESS_RAD, f"angles are rounded, by {np.degrees(turned):.2f} degrees at most")
    _count(found, "REC-084", view, source.kind, after.kind, "minutiae lose their kind")
    _count(found, "REC-082", view, source.quality, after.quality, "minutiae change or lose their quality")
    lost("REC-082", before.score != after.score, "the quality of the print as a whole is dropped or changed")
    counts = len(before.ridge_counts) - len(after.ridge_counts)
    lost("REC-083", counts > 0, f"{counts} ridge counts are dropped")
    if counts == 0 and len(after.ridge_counts):
        lost(
            "REC-083",
            not np.array_equal(source.ridge_counts, after.ridge_counts),
            "ridge counts lose the places of neighbours that are not there",
        )
        lost("REC-083", before.ridge_method != after.ridge_method, "the method of the ridge counts is dropped")
    for name in ("position", "impression", "view"):
        lost("REC-087", getattr(before, name) != getattr(after, name), f"the {name} cannot be written as it is")
    size = (before.width, before.height) != (after.width, after.height)
    lost("REC-088", size, "the width or height of the picture is not kept")
    scales = np.allclose((before.ppi, before.ppi_y), (after.ppi, after.ppi_y), rtol=1e-9)
    lost("REC-088", not scales, "the resolution is rounded or not kept")
    lost("REC-088", before.region is not None and after.region is None, "the region of interest is dropped")
    for name in ("cores", "deltas"):
        lost(
            "REC-089", _points_differ(getattr(source, name), getattr(after, name), scale),
            f"{name} are dropped, or lose angles, or are rounded",
        )  # fmt: skip
    return tuple(found)


def _scale(source: Minutiae, after: Minutiae) -> tuple[float, float]:
    """Pixels of `source` in one of `after`; a resolution that was only rounded leaves the pixels as they are."""
    ratios = (source.ppi / after.ppi, source.ppi_y / after.ppi_y)
    across, down = (1.0 if abs(ratio - 1) <= SAME_SCALE else ratio for ratio in ratios)
    return across, down


def _largest(values: NDArray[np.float64]) -> float:
    return float(values.max(initial=0.0))


def _turn(difference: NDArray[np.float64]) -> float:
    half = TURN / 2
    return _largest(np.abs((difference + half) % TURN - half))


def _count(
    found: list[TemplateLoss],
    code: str,
    view: int,
    before: NDArray[np.generic],
    after: NDArray[np.generic],
    reason: str,
) -> None:
    differing = int((before != after).sum())
    if differing:
        found.append(TemplateLoss(code, view, f"{differing} {reason}"))


def _points_differ(before: NDArray[np.float64], after: NDArray[np.float64], scale: tuple[float, float]) -> bool:
    if before.shape != after.shape:
        return True
    places = np.abs(after[:, :2] * scale - before[:, :2]).max(initial=0.0) > LIKENESS_PX
    unstated = (np.isnan(before[:, 2:]) != np.isnan(after[:, 2:])).any()
    return bool(places or unstated or _turn(np.nan_to_num(after[:, 2:] - before[:, 2:])) > LIKENESS_RAD)


def identifiers_lost(parts: Iterable[Mapping[str, int]], names: Sequence[str]) -> list[TemplateLoss]:
    """One loss that names the identifiers which are stated anywhere; none where there are none."""
    stated = {name for part in parts for name in names if part.get(name)}
    reason = f"identifiers stay in the record: {', '.join(sorted(stated))}"
    return [TemplateLoss("REC-089", 0, reason)] if stated else []


def repeated_views(numbers: Sequence[tuple[int, int]]) -> list[Fault]:
    """A fault for each view whose (position, number) an earlier one has."""
    again = [at for at, number in enumerate(numbers, 1) if number in numbers[: at - 1]]
    return [Fault("REC-078", at, "the finger has an earlier view of the same number", "both are read") for at in again]
