"""What may be known of a print's owner beside the print, and the part of a gallery that a search is narrowed to.

    Attributes(sex, birth year, sets) ─ pack ─► uint32 an impression: bits 0-1 sex, 2-9 birth band, 16-31 sets
    Filters(positions, sex, born, sets) ─ rows ─► which rows of a gallery are searched

All of it is optional: a gallery without attributes stores none (least data), and of a birth year only the band of five
years is kept. Whether a search may be narrowed, and by what, is the agreement's matter, not decided here. What is not
known of an impression never excludes it: an unknown sex, birth or position passes, since a mate left out unseen is the
worse mistake. A set that an impression is not said to belong to is one that it does not belong to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mithaq.search.fields import Fields
from mithaq.search.refusals import refusal
from mithaq.units import FingerPosition

Sex = Literal["F", "M", "X"]
_SEXES: tuple[str | None, ...] = (None, "F", "M", "X")
BIRTH_BAND = 5  # years; band 1 begins with FIRST_YEAR, 0 is unknown
FIRST_YEAR = 1870
_BANDS = 255
SETS = 16  # numbered 0 to 15; what each means is the gallery's keeper's to say
_SET_SHIFT = 16
_THUMBS = {
    FingerPosition.PLAIN_RIGHT_THUMB: FingerPosition.RIGHT_THUMB,
    FingerPosition.PLAIN_LEFT_THUMB: FingerPosition.LEFT_THUMB,
}


@dataclass(frozen=True, slots=True)
class Attributes:
    """Of an impression's owner: `sex` as a record states it, year of birth, and the sets (0 to 15) that it belongs to."""

    sex: Sex | None = None
    birth_year: int | None = None
    sets: frozenset[int] = frozenset()

    def pack(self, place: str) -> int:
        """The 32 bits that are stored, 0 where nothing is known; StorageError GAL-044 for what cannot be."""
        if self.sex not in _SEXES:
            raise refusal("attributes", place)
        band = 0 if self.birth_year is None else (self.birth_year - FIRST_YEAR) // BIRTH_BAND + 1
        if (self.birth_year is not None and not 1 <= band <= _BANDS) or not all(0 <= one < SETS for one in self.sets):
            raise refusal("attributes", place)
        return _SEXES.index(self.sex) | band << 2 | sum(1 << one for one in self.sets) << _SET_SHIFT

    @classmethod
    def unpack(cls, bits: int) -> Attributes:
        """What was stored; of a birth year the first of its band."""
        sex: Any = _SEXES[bits & 3]
        band = bits >> 2 & _BANDS
        sets = frozenset(one for one in range(SETS) if bits >> _SET_SHIFT & 1 << one)
        return cls(sex, FIRST_YEAR + (band - 1) * BIRTH_BAND if band else None, sets)


@dataclass(frozen=True, slots=True)
class Filters:
    """What a search is narrowed to; what is left out (empty, None) does not narrow it.

    `positions`: impressions of these fingers. `sex`; `born`: the first and the last year of birth that count. `sets`:
    impressions in at least one of these.
    """

    positions: frozenset[FingerPosition] = frozenset()
    sex: Sex | None = None
    born: tuple[int, int] | None = None
    sets: frozenset[int] = frozenset()

    @classmethod
    def aged(cls, youngest: int, oldest: int, year: int, **others: Any) -> Filters:
        """Filters for persons who may be `youngest` to `oldest` years old at some time in `year`."""
        return cls(born=(year - oldest - 1, year - youngest), **others)

    def __bool__(self) -> bool:
        return bool(self.positions or self.sex or self.born or self.sets)

    def check(self, place: str) -> None:
        """StorageError GAL-044 where these mean nothing."""
        positions_known = all(position in set(FingerPosition) for position in self.positions)
        years_known = self.born is None or self.born[0] <= self.born[1]
        if (
            self.sex not in _SEXES
            or not positions_known
            or not years_known
            or not all(0 <= s < SETS for s in self.sets)
        ):
            raise refusal("attributes", place)

    def rows(self, fields: Fields, attributes: NDArray[np.uint32] | None) -> NDArray[np.uint8]:
        """uint8 (r): 1 where a row is to be searched, by these and by `fields.live`. `attributes` (r), None where there are none."""
        kept = fields.live.astype(bool)
        if self.positions:
            wanted = [
                FingerPosition.UNKNOWN,
                *(p for p in FingerPosition if same_finger(p) in map(same_finger, self.positions)),
            ]
            kept &= np.isin(fields.position, np.array(wanted, np.uint8))
        if attributes is not None:
            if self.sex is not None:
                sexes = attributes & np.uint32(3)
                kept &= (sexes == 0) | (sexes == _SEXES.index(self.sex))
            if self.born is not None:
                band = attributes >> np.uint32(2) & np.uint32(_BANDS)
                first = (self.born[0] - FIRST_YEAR) // BIRTH_BAND + 1
                last = (self.born[1] - FIRST_YEAR) // BIRTH_BAND + 1
                kept &= (band == 0) | ((band >= max(0, first)) & (band <= max(0, last)))
        if self.sets:
            wanted_sets = np.uint32(sum(1 << one for one in self.sets) << _SET_SHIFT)
            kept &= (attributes & wanted_sets) != 0 if attributes is not None else False
        return kept.astype(np.uint8)

    def to_json(self) -> dict[str, Any]:
        """Plain values, for the socket; `from_json` reads them."""
        return {
            "positions": sorted(int(position) for position in self.positions),
            "sex": self.sex,
            "born": list(self.born) if self.born else None,
            "sets": sorted(self.sets),
        }

    @classmethod
    def from_json(cls, values: object) -> Filters:
        """ValueError or TypeError where these are none; StorageError GAL-044 where they mean nothing."""
        if (
            not isinstance(values, dict)
            or values.keys() != {"positions", "sex", "born", "sets"}
            or values["sex"] not in _SEXES
        ):
            raise ValueError
        born = values["born"]
        numbers = [*values["positions"], *values["sets"], *(born or [])]
        if not all(type(number) is int for number in numbers) or (born is not None and len(born) != 2):
            raise ValueError
        found = cls(
            frozenset(FingerPosition(position) for position in values["positions"]),
            values["sex"],
            (born[0], born[1]) if born else None,
            frozenset(values["sets"]),
        )
        found.check("")
        return found


def same_finger(position: int) -> FingerPosition:
    """The finger that a position names, a plain thumb being that thumb."""
    finger = FingerPosition(position)
    return _THUMBS.get(finger, finger)
