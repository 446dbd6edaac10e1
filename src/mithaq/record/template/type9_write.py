"""Minutiae written as a Type-9 record, in the legacy, the INCITS 378 (M1) or the EFS form.

    Minutiae ──type9_record──► Record, to be put into a transaction

What a form cannot hold is dropped; `interchange.write_template` says what that was.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mithaq.errors import FormatError
from mithaq.record.build import tagged_record
from mithaq.record.minutiae import CONVENTIONS, HUNDREDTHS_MM, Convention, Minutiae, fitted, rounded, to_steps, top_of
from mithaq.record.model import Record, Value
from mithaq.record.template.type9 import BEST, METHODS, MOST_NEIGHBOURS, NO_NEIGHBOUR, WORST

_LEGACY_LETTERS, _EFS_LETTERS = "DAB", "XEB"


def type9_record(found: Minutiae, form: str, *, idc: int = 1) -> Record:
    """A Type-9 record of that form with the minutiae that are `fitted`. FormatError REC-069 for a form that is not written."""
    writers = {"type9-legacy": _legacy_fields, "type9-m1": _m1_fields, "type9-efs": _efs_fields}
    if form not in writers:
        raise FormatError("REC-069", f"{form} cannot be written", expected=" or ".join(writers))
    chosen = found.subset(fitted(found, CONVENTIONS[form]))
    fields: dict[int, Value] = {3: str(found.impression), 4: "S" if form == "type9-legacy" else "U"}
    return tagged_record(9, {**fields, **writers[form](chosen, CONVENTIONS[form])}, idc=idc)


def _legacy_fields(found: Minutiae, row: Convention) -> dict[int, Value]:
    sx, sy = HUNDREDTHS_MM / found.ppi, HUNDREDTHS_MM / found.ppi_y
    top = top_of(found.height, found.ppi_y)

    def place(x_px: float, y_px: float) -> str:
        x, y = int(rounded(x_px * sx)), top - int(rounded(y_px * sy))
        return f"{min(max(x, 0), row.side):04d}{min(max(y, 0), row.side):04d}"

    steps = to_steps(found.angle_rad, row)
    places = [place(x, y) for x, y in zip(found.x_px, found.y_px, strict=True)]
    rows = []
    for at, (where, step, quality, kind) in enumerate(zip(places, steps, found.quality, found.kind, strict=True)):
        rows.append([f"{at + 1:03d}", f"{where}{step:03d}", str(_to_legacy(int(quality))), _LEGACY_LETTERS[kind]])
    for at, neighbours in _neighbours(found).items():
        for other, ridges in neighbours:
            rows[at] += [f"{other:03d}", f"{ridges:02d}"]
    fields: dict[int, Value] = {
        5: [["converted", "U"]],
        6: f"{found.position:02d}",
        7: [["T", "UN"]],
        10: str(len(found)),
        11: "1" if len(found.ridge_counts) else "0",
    }
    for number, points in ((8, found.cores), (9, found.deltas)):
        if len(points):
            fields[number] = [[place(x, y)] for x, y in points[:, :2]]
    return {**fields, 12: rows}


def _m1_fields(found: Minutiae, row: Convention) -> dict[int, Value]:
    x, y, steps = rounded(found.x_px), rounded(found.y_px), to_steps(found.angle_rad, row)
    quality = np.where(found.quality < 0, 0, np.maximum(found.quality, 1))
    rows = [
        [f"{at:03d}", str(numbers[0]), str(numbers[1]), str(numbers[2]), str(numbers[3]), str(numbers[4])]
        for at, numbers in enumerate(zip(x, y, steps, found.kind, quality, strict=True), 1)
    ]
    counted = len(found.ridge_counts) > 0
    fields: dict[int, Value] = {
        126: [["27", "514" if counted else "513", "00000000"]],
        127: [["NONE", "0"]],
        128: str(found.width),
        129: str(found.height),
        130: "1",
        131: str(round(found.ppi)),
        132: str(round(found.ppi_y)),
        133: str(min(found.view, 15)),
        134: f"{found.position:02d}",
        135: [[str(found.score if found.score >= 0 else 254), "0000", "1"]],
        136: str(len(found)),
        137: rows,
    }
    if counted:
        method = next(code for code, method in METHODS.items() if method == found.ridge_method)
        fields[138] = [[method, "0", "0"]] + [
            [f"{at + 1:03d}", f"{other:03d}", f"{ridges:02d}"]
            for at, neighbours in _neighbours(found).items()
            for other, ridges in neighbours
        ]

    def pointed(points: NDArray[np.float64], columns: slice) -> list[list[str]]:
        return [[*map(str, rounded(point[:2])), *map(str, to_steps(point[columns], row))] for point in points]

    if len(found.cores):
        fields[139] = pointed(found.cores, slice(2, 3))
    if len(found.deltas):
        fields[140] = pointed(found.deltas, slice(2, 3))
        if not np.isnan(found.deltas[:, 3:]).any():
            fields[141] = [[*map(str, to_steps(point[3:], row))] for point in found.deltas]
    return fields


def _efs_fields(found: Minutiae, row: Convention) -> dict[int, Value]:
    sx, sy = HUNDREDTHS_MM / found.ppi, HUNDREDTHS_MM / found.ppi_y
    whole = (0.0, 0.0, float(found.width), float(found.height))
    left, top, width, height = found.region or whole
    if found.region and ((found.x_px < left) | (found.y_px < top)).any():
        left, top, width, height = whole
    region = [int(rounded(value)) for value in (left * sx, top * sy, width * sx, height * sy)]

    def places(points: NDArray[np.float64]) -> list[list[str]]:
        x, y = rounded(points[:, 0] * sx) - region[0], rounded(points[:, 1] * sy) - region[1]
        return [[str(max(one, 0)), str(max(other, 0))] for one, other in zip(x, y, strict=True)]

    def pointed(points: NDArray[np.float64]) -> list[list[str]]:
        made = []
        for where, point in zip(places(points), points, strict=True):
            made.append([*where, *("" if np.isnan(angle) else str(to_steps(angle, row)) for angle in point[2:])])
        return made

    steps = to_steps(found.angle_rad, row)
    where = places(np.column_stack((found.x_px, found.y_px)))
    fields: dict[int, Value] = {
        300: [[str(region[2]), str(region[3]), str(region[0]), str(region[1])]],
        302: [[str(found.position)]],
    }
    for number, points in ((320, found.cores), (321, found.deltas)):
        if len(points):
            fields[number] = pointed(points)
    if len(found):
        fields[331] = [
            [*place, str(step), _EFS_LETTERS[kind]] for place, step, kind in zip(where, steps, found.kind, strict=True)
        ]
    else:
        fields |= {331: b"", 334: "Y"}
    if len(found.ridge_counts):
        if found.ridge_method:
            fields[332] = "QUADRANT" if found.ridge_method == 4 else "OCTANT"
        fields[333] = [
            [str(centre + 1), str(other + 1), str(min(ridges, 99)), *([str(place)] if 0 < place <= 8 else [])]
            for centre, other, ridges, place in found.ridge_counts.tolist()
        ]
    return fields


def _neighbours(found: Minutiae) -> dict[int, list[tuple[int, int]]]:
    """For each minutia its neighbours, from 1, and ridges in the order of their places; a gap is 255 with 15 ridges."""
    lists: dict[int, list[tuple[int, int]]] = {}
    order = np.lexsort((found.ridge_counts[:, 3], found.ridge_counts[:, 0]))
    for centre, other, ridges, place in found.ridge_counts[order].tolist():
        mine = lists.setdefault(centre, [])
        mine += [NO_NEIGHBOUR] * (min(place, MOST_NEIGHBOURS) - 1 - len(mine))
        mine.append((other + 1, min(ridges, 99)))
    return lists


def _to_legacy(quality: int) -> int:
    return 1 if quality < 0 else int(rounded(WORST - quality * (WORST - BEST) / 100))
