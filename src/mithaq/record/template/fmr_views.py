"""What the numbers of a minutiae record mean, and the numbers for a meaning.

    MinutiaeRecord ──views──► Minutiae, ... with faults and losses          Minutiae, ... ──record_of──► MinutiaeRecord

The units of each edition stand in `minutiae.CONVENTIONS`. Extensions that are not ridge counts or cores and deltas stay
in the record alone; `views` says so. Not done here: the record's bytes (`fmr`).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mithaq.errors import FormatError
from mithaq.record.images import INCH_CM
from mithaq.record.minutiae import (
    CONVENTIONS,
    UNSTATED,
    Convention,
    Minutiae,
    fitted,
    from_steps,
    new_minutiae,
    rounded,
    settled,
    to_steps,
)
from mithaq.record.template.fmr import LAYOUTS, MOST_VIEWS, MinutiaeRecord, RecordView, view_number
from mithaq.record.template.octets import NO_CAPTURE, Extension, too_much
from mithaq.record.template.remarks import Fault, TemplateLoss, identifiers_lost

_RIDGE_COUNTS, _POINTS = 1, 2
_METHODS = {0: 0, 1: 4, 2: 8}
_FAR = 1 << 14  # coordinates have 14 bits
_HAS_ANGLE = 0x40  # in the high byte of a count (ANSI) or of X (ISO)
_MOST_POINTS = 15
_IMPRESSIONS = frozenset({*range(10), *range(20, 30)})
_FOREIGN_ANGLES = 2  # beyond 2-degree units, from which the record counts as written in 1/256 turns; one may be damage
_IDENTIFIERS = (
    "owner", "product", "device", "certified", "vendor", "technology", "quality_vendor", "quality_algorithm",
)  # fmt: skip


def views(record: MinutiaeRecord) -> tuple[tuple[Minutiae, ...], tuple[Fault, ...], tuple[TemplateLoss, ...]]:
    """Every view as a plain value, what was wrong with the numbers, and what the plain values do not carry."""
    found: list[Minutiae] = []
    faults, dropped = list(record.faults), list[TemplateLoss]()
    step = _angle_step(record, faults)
    for number, view in enumerate(record.views, 1):
        found.append(_minutiae(record, view, step, number, faults, dropped))
    dropped += identifiers_lost((record.header, *(view.fields for view in record.views)), _IDENTIFIERS)
    return tuple(found), tuple(faults), tuple(dropped)


def aligned(found: Sequence[Minutiae], form: str) -> list[Minutiae]:
    """The views as the form can state them: at the first one's resolution, where the header states one for all."""
    scales = {(one.ppi, one.ppi_y) for one in found}
    if ("width", 2) not in LAYOUTS[form].header or len(scales) <= 1:
        return list(found)
    return [one.at(found[0].ppi) for one in found]


def record_of(found: Sequence[Minutiae], form: str) -> MinutiaeRecord:
    """A record of that form with these views, `aligned`; of each the minutiae that are `fitted`.

    Where the header states one size for all, it is the largest. FormatError REC-066 for more than 255 views, REC-069 for none.
    """
    layout, row = LAYOUTS[form], CONVENTIONS[form]
    if len(found) > MOST_VIEWS:
        raise too_much(f"{len(found)} views", f"at most {MOST_VIEWS}")
    if not found:
        raise FormatError("REC-069", "there is no view to write", expected="one at least")
    chosen = [one.subset(fitted(one, row)) for one in aligned(found, form)]
    header = dict.fromkeys((name for name, _ in layout.header), 0)
    if "width" in header:
        header |= _scan(chosen[0], max(one.width for one in chosen), max(one.height for one in chosen))
    return MinutiaeRecord(form, layout.versions[0], header, tuple(_record_view(one, row) for one in chosen))


# ---------------------------------------------------------------- numbers to meaning


def _minutiae(
    record: MinutiaeRecord, view: RecordView, step: float, number: int, faults: list[Fault], dropped: list[TemplateLoss]
) -> Minutiae:
    row = CONVENTIONS[record.form]
    scan = record.header if "width" in record.header else view.fields
    table = np.frombuffer(view.minutiae, np.uint8).reshape(-1, view.size).astype(np.int64)
    x, y = (table[:, 0] & 0x3F) << 8 | table[:, 1], (table[:, 2] & 0x3F) << 8 | table[:, 3]
    kinds = table[:, 0] >> 6

    def fault(code: str, wrong: NDArray[np.bool_], problem: str, done: str) -> None:
        if wrong.any():
            faults.append(Fault(code, number, f"{int(wrong.sum())} {problem}", done, view.offset))

    fault("REC-077", kinds == 3, "minutiae of a reserved kind", "read as other")
    fault("REC-077", table[:, 2] >> 6 != 0, "minutiae with reserved bits set", "the bits are ignored")
    fault("REC-076", (x >= scan["width"]) | (y >= scan["height"]), "minutiae outside the picture", "kept as they are")
    quality = table[:, 5] if view.size == 6 else np.full(len(table), 254)
    unstated = (quality >= 254) if row.unstated else (quality == 0)
    fault("REC-079", ~unstated & (quality > 100), "minutiae with a quality beyond 100", "read as not stated")
    extra = _extension_values(view, row, number, len(table), faults, dropped)
    fields = view.fields
    impression = fields["impression"] if "impression" in fields else fields["view_impression"] & 0x0F
    fault("REC-079", np.array([fields["position"] > row.positions]), "finger position beyond 10", "kept as it is")
    fault("REC-079", np.array([impression not in _IMPRESSIONS]), "impression of an unknown code", "kept as it is")
    return new_minutiae(
        scan["width"],
        scan["height"],
        x,
        y,
        np.radians(table[:, 4] * step),
        kind=np.where(kinds == 3, 0, kinds),
        quality=np.where(unstated | (quality > 100), UNSTATED, quality),
        ppi=settled(scan["x_scale"], INCH_CM),
        ppi_y=settled(scan["y_scale"], INCH_CM),
        position=fields["position"],
        impression=impression,
        view=view_number(fields),
        score=_score(view),
        cores=extra[0],
        deltas=extra[1],
        ridge_counts=extra[2],
        ridge_method=extra[3],
    )


def _angle_step(record: MinutiaeRecord, faults: list[Fault]) -> float:
    """The angle unit in degrees. ISO angles written into an ANSI record are known by their range."""
    row = CONVENTIONS[record.form]
    steps = [angle for view in record.views for angle in view.minutiae[4 :: view.size]]
    beyond = sum(angle >= round(360 / row.step) for angle in steps)
    if not beyond:
        return row.step
    foreign = beyond >= _FOREIGN_ANGLES
    done = "all read in units of 1/256 turn, as 19794-2 writes them" if foreign else "taken modulo a turn"
    faults.append(Fault("REC-075", 0, f"{beyond} angles beyond the unit, up to {max(steps)}", done))
    return 360 / 256 if foreign else row.step


def _score(view: RecordView) -> int:
    score = view.qualities[0] if view.qualities else view.fields.get("score", 255)
    return score if score <= 100 else UNSTATED


Extra = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], int]


def _extension_values(
    view: RecordView, row: Convention, number: int, count: int, faults: list[Fault], dropped: list[TemplateLoss]
) -> Extra:
    cores, deltas = np.zeros((0, 3)), np.zeros((0, 5))
    counts, method = np.zeros((0, 4), np.int64), 0
    for block in view.extensions:
        if block.type == _RIDGE_COUNTS and block.data:
            method = _METHODS.get(block.data[0], 0)
            counts, wrong = _ridge_counts(block.data, count)
        elif block.type == _POINTS:
            cores, deltas, wrong = _points(block.data, row)
        else:
            wrong = ""
            name = "zonal quality" if block.type == 3 else f"extension {block.type:04X}"
            dropped.append(TemplateLoss("REC-089", number, f"{name} of {len(block.data)} bytes stays in the record"))
        if wrong:
            faults.append(Fault("REC-074", number, wrong, "what can be read is kept", view.offset))
    if len(view.qualities) > 5:
        dropped.append(TemplateLoss("REC-089", number, "further quality blocks stay in the record"))
    return cores, deltas, counts, method


def _ridge_counts(data: memoryview, count: int) -> tuple[NDArray[np.int64], str]:
    """Triples of index, index, count. Files count from 0 or from 1, where a neighbour 0 means that there is none.

    It is 1 where that index reaches the number of minutiae, or where rows without a neighbour stand and none of index 0.
    """
    whole = (len(data) - 1) // 3
    table = np.frombuffer(data, np.uint8, 3 * whole, 1).reshape(-1, 3).astype(np.int64)
    none = (table[:, 1] == 0) & (table[:, 2] == 0)
    base = int(bool(len(table)) and table[:, 0].min() > 0 and (none.any() or table[:, :2].max() >= count))
    place = np.zeros(len(table), np.int64)
    for centre in np.unique(table[:, 0]):
        mine = table[:, 0] == centre
        place[mine] = np.arange(1, mine.sum() + 1)
    absent = none & bool(base)
    table[:, :2] -= base
    held = ((table[:, :2] >= 0) & (table[:, :2] < count)).all(axis=1)
    wrong = "" if (held | absent).all() and 3 * whole == len(data) - 1 else "ridge counts cut off, or to no minutia"
    return np.column_stack((table, place))[held], wrong or ("ridge counts that count minutiae from 1" if base else "")


def _points(data: memoryview, row: Convention) -> tuple[NDArray[np.float64], NDArray[np.float64], str]:
    """Cores with 0 or 1 angle, then deltas with 0 or 3. ANSI flags the angles once in the count, ISO in each X."""
    made: list[NDArray[np.float64]] = []
    at, wrong, ansi = 0, "", row.form.startswith("incits")
    for angles in (1, 3):
        head = data[at] if at < len(data) else 0
        at += 1
        points = []
        for _ in range(head & _MOST_POINTS):
            flag = head if ansi else (data[at] if at < len(data) else 0)
            size = 4 + (angles if flag & _HAS_ANGLE else 0)
            if at + size > len(data):
                wrong = "cores and deltas that are cut off"
                break
            x, y = (value & (_FAR - 1) for value in struct.unpack_from(">HH", data, at))
            stated = from_steps(list(data[at + 4 : at + size]), row).tolist()
            points.append([x, y, *(stated or [np.nan] * angles)])
            at += size
        made.append(np.array(points, np.float64).reshape(-1, 2 + angles))
    return made[0], made[1], wrong or ("bytes after cores and deltas" if at < len(data) else "")


# ---------------------------------------------------------------- meaning to numbers


def _record_view(found: Minutiae, row: Convention) -> RecordView:
    x, y = rounded(found.x_px), rounded(found.y_px)
    quality = found.quality.astype(np.int64)
    unstated = row.unstated or 0
    quality = np.where(quality < 0, unstated, quality if unstated else np.maximum(quality, 1))
    table = np.column_stack(
        (found.kind.astype(np.int64) << 6 | x >> 8, x & 255, y >> 8, y & 255, to_steps(found.angle_rad, row), quality)
    ).astype(np.uint8)
    position = found.position if found.position <= row.positions else 0
    view = min(found.view, 15)
    fields = {"position": position, **_scan(found, found.width, found.height)}
    qualities = b""
    if row.form in ("incits378-2004", "iso19794-2-2005"):
        impression = found.impression if found.impression < 16 else 0
        fields |= {"view_impression": view << 4 | impression, "score": max(found.score, 0)}
    elif row.form == "iso19794-2-2011":
        fields |= {"view": view, "impression": found.impression, "layout": 0x61, **NO_CAPTURE}
        qualities = bytes((found.score, 0, 0, 0, 0)) if found.score >= 0 else b""
    else:
        fields |= {"view": view, "impression": found.impression, "quality_vendor": 0, "quality_algorithm": 0}
        fields |= {"score": found.score if found.score >= 0 else 254}
    return RecordView(fields, memoryview(table.tobytes()), 6, _blocks(found, row), memoryview(qualities))


def _scan(found: Minutiae, width: int, height: int) -> dict[str, int]:
    scales = (round(found.ppi / INCH_CM), round(found.ppi_y / INCH_CM))
    return {"width": width, "height": height, "x_scale": scales[0], "y_scale": scales[1]}


def _blocks(found: Minutiae, row: Convention) -> tuple[Extension, ...]:
    made = []
    if len(found.ridge_counts):
        method = next((code for code, method in _METHODS.items() if method == found.ridge_method), 0)
        order = np.lexsort((found.ridge_counts[:, 3], found.ridge_counts[:, 0]))
        counts = np.minimum(found.ridge_counts[order, :3], 255).astype(np.uint8)
        made.append(Extension(_RIDGE_COUNTS, memoryview(bytes((method,)) + counts[: (1 << 14)].tobytes())))
    if len(found.cores) or len(found.deltas):
        made.append(Extension(_POINTS, memoryview(b"".join(_points_bytes(part, row) for part in _kept(found)))))
    return tuple(made)


def _kept(found: Minutiae) -> list[NDArray[np.float64]]:
    """Cores and deltas that the form has room for: 15 of each, within 14 bits."""
    held = []
    for points in (found.cores, found.deltas):
        place = rounded(points[:, :2])
        held.append(points[((place >= 0) & (place < _FAR)).all(axis=1)][:_MOST_POINTS])
    return held


def _points_bytes(points: NDArray[np.float64], row: Convention) -> bytes:
    """An angle is written where every angle of the point is stated; ANSI has them for all points or for none."""
    ansi = row.form.startswith("incits")
    stated = [not np.isnan(point[2:]).any() for point in points]
    if ansi:
        stated = [all(stated)] * len(points)
    made = [bytes(((_HAS_ANGLE if ansi and any(stated) else 0) | len(points),))]
    for point, has in zip(points, stated, strict=True):
        x, y = rounded(point[:2]).tolist()
        flag = 0 if ansi or not has else _HAS_ANGLE << 8
        made.append(struct.pack(">HH", x | flag, y))
        if has:
            made.append(bytes(to_steps(point[2:], row).tolist()))
    return b"".join(made)
