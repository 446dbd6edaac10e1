"""Minutiae of a Type-9 record in each of its forms, read.

    Record ──type9_views──► (form, Minutiae), ... with faults and losses

Forms: type9-legacy (9.005 to 9.012), type9-iafis (9.014 to 9.023, read only), type9-m1 (9.126 to 9.141), type9-efs (9.300
to 9.335); how each counts stands in `minutiae.CONVENTIONS`. A record may hold several. The legacy form counts from the
bottom, so its picture's height is needed: it comes from the picture of the same IDC. Blocks of other vendors stay in the
record. Not done here: writing (`type9_write`), the rules that a profile has for these fields (`check`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mithaq.errors import FormatError
from mithaq.record.images import INCH_CM, UNKNOWN_IMPRESSION, image_of
from mithaq.record.minutiae import (
    CONVENTIONS,
    HUNDREDTHS_MM,
    LEAST_PPI,
    MOST_PPI,
    MOST_SIDE,
    UNSTATED,
    Minutiae,
    from_steps,
    new_minutiae,
    rounded,
    settled,
    top_of,
)
from mithaq.record.model import Record, Transaction
from mithaq.record.template.remarks import Fault, TemplateLoss
from mithaq.units import MATCHER_PPI

MOST_ROWS = 80_000  # 9.333 of 9,999 minutiae with eight neighbours each
_NUMBER = re.compile(r"\s*(-?[0-9]{1,9})\s*")
_KINDS = {"A": 1, "B": 2, "C": 0, "D": 0, "E": 1, "X": 0}
BEST, WORST = 2, 63  # of the legacy quality; 0 is manual, 1 none
METHODS = {"0": 0, "1": 4, "2": 8}
_EFS_METHODS = {"QUADRANT": 4, "OCTANT": 8, "EFTS7": 8}
MOST_NEIGHBOURS = 8
NO_NEIGHBOUR = (255, 15)  # number and ridges, in records of the FBI; others write 0
_PICTURE_TYPES = (4, 13, 14, 15)
_FIELDS = {
    "type9-legacy": (6, 8, 9, 10, 11, 12),
    "type9-iafis": (11, 14, 15, 21, 22, 23),
    "type9-m1": (128, 129, 130, 131, 132, 133, 134, 135, 136, 137, 138, 139, 140, 141),
    "type9-efs": (300, 302, 320, 321, 331, 332, 333),
}
_POSITIONS = {"type9-legacy": (6,), "type9-iafis": (14,), "type9-m1": (134,), "type9-efs": (302,)}
_MARK = {"type9-legacy": 12, "type9-iafis": 23, "type9-m1": 137, "type9-efs": 331}
Points = list[list[float]]


@dataclass(frozen=True, slots=True)
class Picture:
    """Size and resolution of the picture that the minutiae belong to; `ppi` None where nothing states it."""

    width: int
    height: int
    ppi: float | None


def picture_of(tx: Transaction, record: Record) -> Picture | None:
    """The picture of the same IDC, or None."""
    for other in tx.records:
        if other.type not in _PICTURE_TYPES or other.idc != record.idc:
            continue
        width, height = other.integer(6), other.integer(7)
        if width and height and max(width, height) <= MOST_SIDE:
            ppi = _ppi(tx, other)
            return Picture(width, height, ppi if ppi and LEAST_PPI <= ppi <= MOST_PPI else None)
    return None


def type9_views(
    record: Record, picture: Picture | None = None
) -> tuple[tuple[tuple[str, Minutiae], ...], tuple[Fault, ...], tuple[TemplateLoss, ...]]:
    """Each form in the record as a plain value, what was wrong with it, and what the plain values do not carry.

    FormatError REC-068 where no form is there, REC-066 past the limits, REC-067 where its numbers describe no print.
    """
    reader = _Reader(record, picture)
    found: list[tuple[str, Minutiae]] = []
    read: dict[str, Callable[[], Minutiae]] = {
        "type9-legacy": reader.legacy, "type9-iafis": reader.iafis, "type9-m1": reader.m1, "type9-efs": reader.efs,
    }  # fmt: skip
    for form, number in _MARK.items():
        if record.field(number) is not None:
            reader.begin(form, len(found) + 1)
            found.append((form, read[form]()))
    if not found:
        raise FormatError(
            "REC-068", "the record holds no minutiae", record=9, expected="field 9.012, 9.023, 9.137 or 9.331"
        )
    known = {1, 2, 3, 4, *(number for form, _ in found for number in _FIELDS[form])}
    others = sorted({part.number for part in record.fields} - known)
    if others:
        named = ", ".join(f"9.{number:03d}" for number in others[:40])
        reader.dropped.append(TemplateLoss("REC-089", 0, f"fields stay in the record: {named}"))
    return tuple(found), tuple(reader.faults), tuple(reader.dropped)


class _Reader:
    """Reads the forms of one record, and remembers what it forgave."""

    def __init__(self, record: Record, picture: Picture | None) -> None:
        self.record, self.picture = record, picture
        self.faults: list[Fault] = []
        self.dropped: list[TemplateLoss] = []
        self.view = 0
        self.row = CONVENTIONS["type9-legacy"]

    def begin(self, form: str, view: int) -> None:
        self.row, self.view = CONVENTIONS[form], view

    def fault(self, code: str, problem: str, done: str) -> None:
        self.faults.append(Fault(code, self.view, problem, done))

    def lost(self, code: str, reason: str) -> None:
        self.dropped.append(TemplateLoss(code, self.view, reason))

    # ------------------------------------------------------------ forms

    def legacy(self) -> Minutiae:
        items, units, kept, total = self.read(12, lambda row: _packed(_item(row, 1)))
        points = [[pair for row in self.rows(number) if (pair := _pair(row[0]))] for number in (8, 9)]
        highest = max([*units[:, 1], *(y for part in points for _, y in part)], default=0.0)
        picture = self.believed(float(units[:, 0].max(initial=0.0)), highest)
        ppi = picture.ppi or MATCHER_PPI
        top = top_of(picture.height, ppi)
        scale = ppi / HUNDREDTHS_MM

        def placed(part: Points, angles: int) -> Points:
            return [[x * scale, (top - y) * scale, *[np.nan] * angles] for x, y in part]

        return self.made(
            picture, units[:, 0] * scale, (top - units[:, 1]) * scale, units[:, 2], [_item(row, 3) for row in items],
            quality=[_legacy_quality(_int(_item(row, 2))) for row in items],
            cores=placed(points[0], 1), deltas=placed(points[1], 3), position=self.number(6, 0), stated=self.number(10),
            counts=self.neighbours(kept, [(_int(_item(row, 0)), row[4:]) for row in items], total),
        )  # fmt: skip

    def iafis(self) -> Minutiae:
        items, units, kept, total = self.read(23, lambda row: _packed(_item(row, 1)))
        picture = self.believed(float(units[:, 0].max(initial=0.0)), float(units[:, 1].max(initial=0.0)))
        scale = (picture.ppi or MATCHER_PPI) / HUNDREDTHS_MM

        def points(number: int, angles: int) -> Points:
            return [
                [pair[0] * scale, pair[1] * scale, *self.angles(row[1:], angles)]
                for row in self.rows(number)
                if (pair := _pair(row[0]))
            ]

        return self.made(
            picture, units[:, 0] * scale, units[:, 1] * scale, units[:, 2], [_item(row, 3) for row in items],
            quality=[_legacy_quality(_int(_item(row, 2))) for row in items],
            cores=points(21, 1), deltas=points(22, 3), position=self.number(14, 0), stated=self.number(15),
            counts=self.neighbours(kept, [(_int(_item(row, 0)), row[4:-1]) for row in items], total),
        )  # fmt: skip

    def m1(self) -> Minutiae:
        items, numbers, kept, _ = self.read(137, lambda row: [_int(_item(row, at)) for at in range(1, 4)])
        unit = INCH_CM if self.number(130) == 2 else 1.0
        scales = [settled(value, unit) for number in (131, 132) if (value := self.number(number))]
        stated = Picture(self.number(128) or 0, self.number(129) or 0, scales[0] if scales else None)
        if not stated.ppi and self.picture is not None:
            stated = Picture(stated.width, stated.height, self.picture.ppi)
        if stated.width and stated.height and stated.ppi:
            picture = stated
        else:
            picture = self.believed(float(numbers[:, 0].max(initial=0.0)), float(numbers[:, 1].max(initial=0.0)))
        kinds = np.array([_number(row, 4) for row in items])
        quality = np.array([_number(row, 5) for row in items])
        odd = ~np.isin(kinds, (0, 1, 2)) | (quality > 100) | (quality < 0)
        if odd.any():
            self.fault("REC-077", f"{int(odd.sum())} minutiae with a kind or quality of no meaning", "left open")

        def points(number: int, angles: int) -> Points:
            further = self.rows(141) if angles == 3 else []
            made = []
            for at, row in enumerate(self.rows(number)):
                x, y = _int(row[0]), _int(_item(row, 1))
                if x is not None and y is not None:
                    more = [*row[2:3], *(further[at] if at < len(further) else [])]
                    made.append([x, y, *self.angles(more, angles)])
            return made

        score = _int(_item(self.first(135), 0))
        counts, method = self.m1_counts(kept, [_int(_item(row, 0)) for row in items])
        return self.made(
            picture, numbers[:, 0], numbers[:, 1], numbers[:, 2],
            ["EB"[int(kind) - 1] if kind in (1, 2) else "X" for kind in kinds],
            quality=[int(value) if 0 < value <= 100 else UNSTATED for value in quality],
            cores=points(139, 1), deltas=points(140, 3), position=self.number(134, 0), stated=self.number(136),
            counts=counts, method=method, view=self.number(133) or 0,
            score=score if score is not None and 0 <= score <= 100 else UNSTATED,
            ppi_y=scales[1] if len(scales) == 2 and picture is stated else None,
        )  # fmt: skip

    def efs(self) -> Minutiae:
        items, units, kept, _ = self.read(331, lambda row: [_int(_item(row, at)) for at in range(3)])
        stated = self.first(300)
        width, height, left, top = (max(_number(stated, at), 0) for at in range(4))
        if not width or not height:
            self.fault("REC-081", "no region of interest (9.300)", "taken as the whole picture")
        right, down = (width or units[:, 0].max(initial=0.0)), (height or units[:, 1].max(initial=0.0))
        picture = self.believed(float(left + right), float(top + down))
        scale = (picture.ppi or MATCHER_PPI) / HUNDREDTHS_MM
        if _item(stated, 4):
            self.lost("REC-088", "the polygon of the region of interest stays in the record")
        for number, last in ((331, 4), (320, 3), (321, 5)):
            if any(any(row[last:]) for row in self.rows(number)):
                self.lost("REC-089", f"uncertainties and types beside places (9.{number}) stay in the record")

        def points(number: int, angles: int) -> Points:
            made = []
            for row in self.rows(number):
                x, y = _int(row[0]), _int(_item(row, 1))
                if x is not None and y is not None:
                    made.append([(left + x) * scale, (top + y) * scale, *self.angles(row[2:], angles)])
            return made

        algorithm = _item(self.first(332), 0)
        return self.made(
            picture, (left + units[:, 0]) * scale, (top + units[:, 1]) * scale, units[:, 2],
            [_item(row, 3) for row in items], cores=points(320, 1), deltas=points(321, 3),
            position=self.number(302, 0), counts=self.efs_counts(kept, one_more=algorithm == "EFTS7"),
            method=_EFS_METHODS.get(algorithm, 0),
            region=(left * scale, top * scale, width * scale, height * scale) if width and height else None,
        )  # fmt: skip

    def efs_counts(self, kept: Sequence[int], *, one_more: bool) -> list[list[int]]:
        """Ridge counts 9.333; by the algorithm EFTS7 each is one more than the ridges between."""
        index = {at + 1: place for place, at in enumerate(kept)}
        counts, rows = [], self.rows(333)
        for row in rows:
            centre, other, ridges = (_number(row, at) for at in range(3))
            if centre in index and other in index and ridges >= 0:
                counts.append([index[centre], index[other], max(ridges - one_more, 0), max(_number(row, 3), 0)])
        if len(counts) < len(rows):
            problem = f"{len(rows) - len(counts)} ridge counts that cannot be read, or to no minutia"
            self.fault("REC-077", problem, "left out")
        if any(_item(row, 4) for row in rows):
            self.lost("REC-083", "residuals of ridge counts (9.333) stay in the record")
        return counts

    # ------------------------------------------------------------ what they share

    def rows(self, number: int) -> list[list[str]]:
        """The field's subfields and their items, [] where it is absent or empty."""
        found = self.record.field(number)
        if found is None or not len(found.value):
            return []
        if bytes(found.value).count(b"\x1e") >= MOST_ROWS:
            raise FormatError(
                "REC-066", "more subfields than can be", field=found.name, expected=f"at most {MOST_ROWS}"
            )
        return [list(subfield) for subfield in found.subfields]

    def first(self, number: int) -> list[str]:
        """The items of the field's first subfield, [] where it is absent."""
        return next(iter(self.rows(number)), [])

    def number(self, number: int, otherwise: int | None = None) -> int | None:
        """The first item of the field as a number."""
        found = _int(_item(self.first(number), 0))
        return otherwise if found is None or found < 0 else found

    def read(
        self, number: int, parse: Callable[[list[str]], Sequence[int | None]]
    ) -> tuple[list[list[str]], NDArray[np.float64], list[int], int]:
        """The minutiae whose x, y and angle `parse` finds: items, numbers (n, 3), indices among all, and how many those are."""
        rows = self.rows(number)
        parsed = [parse(row) for row in rows]
        kept = [at for at, row in enumerate(parsed) if all(value is not None and value >= 0 for value in row)]
        if len(kept) < len(rows):
            self.fault("REC-077", f"{len(rows) - len(kept)} minutiae without a readable place or angle", "left out")
        if len(kept) > self.row.most:
            raise FormatError("REC-066", f"{len(kept)} minutiae", record=9, expected=f"at most {self.row.most}")
        return (
            [rows[at] for at in kept],
            np.array([parsed[at] for at in kept], np.float64).reshape(-1, 3),
            kept,
            len(rows),
        )

    def believed(self, right: float, down: float) -> Picture:
        """Size and resolution as the picture states them, else as the coordinates need them; `right`, `down` in the unit."""
        known = self.picture
        ppi = known.ppi if known and known.ppi else None
        if ppi is None:
            self.fault("REC-081", "no resolution is stated", f"{MATCHER_PPI} ppi assumed")
        if known is not None:
            return Picture(known.width, known.height, ppi or float(MATCHER_PPI))
        scale = 1.0 if self.row.unit == "pixel" else (ppi or MATCHER_PPI) / HUNDREDTHS_MM
        size = [min(max(1, int(rounded(value * scale)) + 1), MOST_SIDE) for value in (right, down)]
        self.fault("REC-081", "no picture states the size", "the smallest that holds the minutiae is assumed")
        return Picture(size[0], size[1], ppi or float(MATCHER_PPI))

    def angles(self, items: Sequence[str], count: int) -> list[float]:
        """The first `count` items as angles in radians, NaN for those that are no number."""
        steps = [_int(_item(items, at)) for at in range(count)]
        return [float("nan") if step is None else float(from_steps(step, self.row)) for step in steps]

    def neighbours(
        self, kept: Sequence[int], rows: Sequence[tuple[int | None, Sequence[str]]], total: int
    ) -> list[list[int]]:
        """Ridge counts behind each minutia: pairs of neighbour and count, as two items, "n,c", or five digits."""
        index = self.indices(kept, [number for number, _ in rows])
        counts, further, strange = [], 0, 0
        for at, (_, items) in enumerate(rows):
            listed = _pairs(items)
            further += max(0, len(listed) - MOST_NEIGHBOURS)
            for place, (other, ridges) in enumerate(listed[:MOST_NEIGHBOURS], 1):
                if (other, ridges) == NO_NEIGHBOUR:
                    continue
                if other in index and ridges is not None and ridges >= 0:
                    counts.append([at, index[other], ridges, place])
                elif other and not 0 < other <= total:
                    strange += 1
        if strange:
            self.fault("REC-077", f"{strange} ridge counts to minutiae that do not exist", "left out")
        if further:
            problem = f"{further} ridge counts beyond the eight neighbours of a minutia"
            self.fault("REC-077", problem, "left out")
        return counts

    def indices(self, kept: Sequence[int], numbers: Sequence[int | None]) -> dict[int | None, int]:
        """Index of each kept minutia by the number that it bears."""
        index = {number: at for at, number in enumerate(numbers)}
        if len(index) == len(numbers) and None not in index:
            return index
        self.fault("REC-077", "minutiae without a number of their own", "numbered in file order")
        return {at + 1: place for place, at in enumerate(kept)}

    def m1_counts(self, kept: Sequence[int], numbers: Sequence[int | None]) -> tuple[list[list[int]], int]:
        rows = self.rows(138)
        method = METHODS.get(_item(rows[0], 0), 0) if rows else 0
        index = self.indices(kept, numbers)
        counts, place = [], dict[int, int]()
        for row in rows[1:]:
            centre, other, ridges = (_int(_item(row, at)) for at in range(3))
            if centre in index:
                at = index[centre]
                place[at] = place.get(at, 0) + 1
                if (other, ridges) != NO_NEIGHBOUR and other in index and ridges is not None and ridges >= 0:
                    counts.append([at, index[other], ridges, place[at]])
        return counts, method

    def made(
        self,
        picture: Picture,
        x_px: NDArray[np.float64],
        y_px: NDArray[np.float64],
        steps: NDArray[np.float64],
        letters: Sequence[str],
        *,
        position: int | None,
        counts: Sequence[Sequence[int]],
        quality: Sequence[int] | None = None,
        cores: Points = (),  # type: ignore[assignment]
        deltas: Points = (),  # type: ignore[assignment]
        stated: int | None = None,
        method: int = 0,
        view: int = 0,
        score: int = UNSTATED,
        ppi_y: float | None = None,
        region: tuple[float, float, float, float] | None = None,
    ) -> Minutiae:
        if stated is not None and stated != len(letters):
            self.fault("REC-080", f"{stated} minutiae are announced, {len(letters)} are there", "those there are read")
        beyond = int((steps >= round(360 / self.row.step)).sum())
        if beyond:
            self.fault("REC-075", f"{beyond} angles beyond the unit", "taken modulo a turn")
        if any(len(self.rows(number)) > 1 for number in _POSITIONS[self.row.form]):
            self.lost("REC-087", "further finger positions stay in the record")
        if any(letter in ("C", "D") for letter in letters):
            self.lost("REC-084", "compound and undetermined minutiae are read as other")
        if any(letter not in _KINDS for letter in letters):
            self.fault("REC-077", "minutiae of a kind that the form does not list", "read as other")
        found = new_minutiae(
            picture.width, picture.height, x_px, y_px, from_steps(steps, self.row),
            kind=[_KINDS.get(letter, 0) for letter in letters], quality=quality, ppi=picture.ppi or MATCHER_PPI,
            ppi_y=ppi_y, cores=cores, deltas=deltas, ridge_counts=counts, position=min(position or 0, 255),
            impression=min(self.number(3, UNKNOWN_IMPRESSION) or 0, 255), view=min(view, 255), score=score,
            ridge_method=method, region=region,
        )  # fmt: skip
        outside = int((~found.inside).sum())
        if outside:
            self.fault("REC-076", f"{outside} minutiae outside the picture", "kept as they are")
        return found


# ---------------------------------------------------------------- items


def _item(items: Sequence[str], at: int) -> str:
    return items[at].strip() if at < len(items) else ""


def _int(text: str) -> int | None:
    match = _NUMBER.fullmatch(text)
    return int(match[1]) if match else None


def _number(items: Sequence[str], at: int) -> int:
    """The item as a number, 0 where it is none."""
    return _int(_item(items, at)) or 0


def _packed(text: str) -> tuple[int | None, int | None, int | None]:
    """XXXXYYYYTTT; 13 digits are XXXXXYYYYYTTT."""
    width = {11: 4, 13: 5}.get(len(text))
    if width is None or not (text.isascii() and text.isdigit()):
        return None, None, None
    return int(text[:width]), int(text[width : 2 * width]), int(text[2 * width :])


def _pair(text: str) -> list[float]:
    """XXXXYYYY as two numbers, [] where it is none."""
    return [float(text[:4]), float(text[4:8])] if len(text) == 8 and text.isascii() and text.isdigit() else []


def _pairs(items: Sequence[str]) -> list[tuple[int | None, int | None]]:
    joined = [item for item in items if item.strip()]
    if any("," in item for item in joined):
        parts = [item.partition(",") for item in joined]
        return [(_int(one), _int(other)) for one, _, other in parts]
    if joined and all(len(item) == 5 for item in joined):
        return [(_int(item[:3]), _int(item[3:])) for item in joined]
    numbers = [_int(item) for item in joined]
    return list(zip(numbers[::2], numbers[1::2], strict=False))


def _legacy_quality(value: int | None) -> int:
    """0 (manual) is sure, as the paired sample has it; 1 says nothing; 2 is the best and 63 the worst."""
    if value is None or value == 1 or not 0 <= value <= WORST:
        return UNSTATED
    return 100 if value == 0 else int(rounded((WORST - value) * 100 / (WORST - BEST)))


def _ppi(tx: Transaction, record: Record) -> float | None:
    picture = image_of(tx, record)
    if picture is not None and picture.ppi:
        return picture.ppi
    scale = record.integer(9)
    if record.is_binary or not scale or record.integer(8) not in (1, 2):
        return None
    return settled(scale, INCH_CM if record.integer(8) == 2 else 1.0)
