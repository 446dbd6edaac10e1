"""A gallery as the kernels see it: one array a field, impressions one after another, minutiae in blocks of eight lanes.

    row i      starts[i] to starts[i + 1] are its blocks; count, position, impression, person, live: one value each
    block j    codes[j, word, lane], angle[j, lane], reliability[j, lane], x[j, lane], y[j, lane]

The arrays are the mapped files of a gallery, cut at what was committed, or arrays in memory (`Fields.of`). Only `live` is
never in a file: it follows from the list of removed rows. A lane whose reliability is 0 holds no code: it is empty, or
its minutia has too few neighbours; count says how many lanes of a row hold minutiae.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mithaq.finger import Template

LANES = 8
_Number = TypeVar("_Number", bound=np.generic)


@dataclass(frozen=True, slots=True, eq=False)
class Fields:
    """r impressions in b blocks. The arrays may be read-only, and longer ones of them are never written to.

    `starts` uint32 (r + 1); `codes` uint64 (b, words, 8); `angle` uint8 (b, 8), 256ths of a turn; `reliability` uint8 (b, 8),
    0 where there is no code; `x`, `y` int16 (b, 8), px at 500 ppi; `count`, `position`, `impression` uint8 (r); `person`
    uint32 (r), rows of one person bear one number; `live` uint8 (r), 0 where a row was removed.
    """

    starts: NDArray[np.uint32]
    codes: NDArray[np.uint64]
    angle: NDArray[np.uint8]
    reliability: NDArray[np.uint8]
    x: NDArray[np.int16]
    y: NDArray[np.int16]
    count: NDArray[np.uint8]
    position: NDArray[np.uint8]
    impression: NDArray[np.uint8]
    person: NDArray[np.uint32]
    live: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.count)

    @classmethod
    def of(
        cls,
        templates: Sequence[Template],
        positions: ArrayLike | None = None,
        persons: ArrayLike | None = None,
        impressions: ArrayLike | None = None,
    ) -> Fields:
        """These templates packed in memory, all live; without `persons` each is a person of its own."""
        rows = len(templates)
        packed = pack(templates)
        return cls(
            starts=packed.starts,
            codes=packed.codes,
            angle=packed.angle,
            reliability=packed.reliability,
            x=packed.x,
            y=packed.y,
            count=packed.count,
            position=np.asarray(np.zeros(rows) if positions is None else positions, np.uint8),
            impression=np.asarray(np.zeros(rows) if impressions is None else impressions, np.uint8),
            person=np.asarray(np.arange(rows) if persons is None else persons, np.uint32),
            live=np.ones(rows, np.uint8),
        )

    def with_live(self, live: NDArray[np.uint8]) -> Fields:
        """The same rows, of which these are searched."""
        return replace(self, live=live)


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """What r templates alone give: the fields of the same names, and what only an upgrade reads again.

    `quality` uint8 (b, 8) 0..100; `kind` uint16 (b), two bits a lane; `size` uint16 (r, 2), width and height in px;
    `grade` uint8 (r), the print's quality 0..100.
    """

    starts: NDArray[np.uint32]
    codes: NDArray[np.uint64]
    angle: NDArray[np.uint8]
    reliability: NDArray[np.uint8]
    x: NDArray[np.int16]
    y: NDArray[np.int16]
    quality: NDArray[np.uint8]
    kind: NDArray[np.uint16]
    count: NDArray[np.uint8]
    size: NDArray[np.uint16]
    grade: NDArray[np.uint8]


def pack(templates: Sequence[Template]) -> Packed:
    """The templates in blocks of eight lanes, each beginning with a block of its own; lanes past its minutiae are 0."""
    from mithaq.finger.descriptor import WORDS

    count = np.array([len(template) for template in templates], np.int64)
    blocks = (count + LANES - 1) // LANES
    starts = np.concatenate([[0], np.cumsum(blocks)])
    firsts = np.concatenate([[0], np.cumsum(count)[:-1]]) if len(count) else count
    lane = np.repeat(starts[:-1] * LANES - firsts, count) + np.arange(count.sum())

    def laid(name: str, dtype: type[_Number]) -> NDArray[_Number]:
        lanes = np.zeros(starts[-1] * LANES, dtype)
        if len(lane):
            lanes[lane] = np.concatenate([getattr(template, name) for template in templates])
        return lanes.reshape(-1, LANES)

    codes = np.zeros((starts[-1] * LANES, WORDS), np.uint64)
    if len(lane):
        codes[lane] = np.concatenate([template.codes for template in templates])
    return Packed(
        starts=starts.astype(np.uint32),
        codes=np.ascontiguousarray(codes.reshape(-1, LANES, WORDS).transpose(0, 2, 1)),
        angle=laid("angle", np.uint8),
        reliability=laid("reliability", np.uint8),
        x=laid("x_px", np.int16),
        y=laid("y_px", np.int16),
        quality=laid("quality", np.uint8),
        kind=(laid("kind", np.uint16) << _KIND_SHIFTS).sum(axis=1, dtype=np.uint16),
        count=count.astype(np.uint8),
        size=np.array([(template.width, template.height) for template in templates], np.uint16).reshape(-1, 2),
        grade=np.array([template.quality_score for template in templates], np.uint8),
    )


_KIND_SHIFTS = np.arange(0, 2 * LANES, 2, dtype=np.uint16)


def kinds(kind: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """The minutia kinds of blocks, uint8 (b, 8), from two bits a lane."""
    return ((kind[:, None] >> _KIND_SHIFTS) & np.uint16(3)).astype(np.uint8)
