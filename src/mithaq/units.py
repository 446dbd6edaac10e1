"""The few plain types that several rooms share, so that rooms of one floor can meet without importing each other.

Coordinates: pixels, origin top-left, x to the right, y down. Angles: radians in [0, 2π), counter-clockwise from the
positive x axis as a person sees the print (ISO/IEC 19794-2), pointing from the minutia along its ridge (ending) or
valley (bifurcation). Resolution: pixels per inch (ppi); the matcher works at 500 ppi. Time: aware UTC datetimes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # named in annotations alone, so that reading and checking files loads no numpy
    import numpy as np
    from numpy.typing import NDArray

MATCHER_PPI = 500


class FingerPosition(IntEnum):
    """Finger position codes 0 to 10 of ANSI/NIST-ITL (FGP); 11 to 15 name plain thumbs and slaps of several fingers."""

    UNKNOWN = 0
    RIGHT_THUMB = 1
    RIGHT_INDEX = 2
    RIGHT_MIDDLE = 3
    RIGHT_RING = 4
    RIGHT_LITTLE = 5
    LEFT_THUMB = 6
    LEFT_INDEX = 7
    LEFT_MIDDLE = 8
    LEFT_RING = 9
    LEFT_LITTLE = 10
    PLAIN_RIGHT_THUMB = 11
    PLAIN_LEFT_THUMB = 12
    PLAIN_RIGHT_FOUR = 13
    PLAIN_LEFT_FOUR = 14
    BOTH_THUMBS = 15

    @property
    def is_one_finger(self) -> bool:
        """True where the code names at most one finger, so that its picture can be searched as one print."""
        return self <= FingerPosition.PLAIN_LEFT_THUMB


@dataclass(frozen=True, slots=True, eq=False)
class GrayImage:
    """A grey print: `pixels` uint8 of shape (h, w), 0 black ridge to 255 white, at `ppi` pixels per inch."""

    pixels: NDArray[np.uint8]
    ppi: float

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])


@dataclass(frozen=True, slots=True)
class PrintImage:
    """One finger's picture as it travels: still compressed, with what its record or its file says about it.

    `compression` is a Type-14 code of ANSI/NIST-ITL (NONE, WSQ20, JPEGB, JPEGL, JP2, JP2L, PNG). `ppi` is None where
    nothing states it. `impression` is an IMP code (0 plain, 1 rolled, 4 latent, …).
    """

    position: FingerPosition
    impression: int
    compression: str
    width: int
    height: int
    ppi: float | None
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One answer of a search: a reference and position in the gallery, with the score and the parts it is made of."""

    reference: str
    position: FingerPosition
    impression: int
    score: float
    parts: dict[str, float] = field(default_factory=dict)
    probe: int = 0  # index of the probe that scored best


def utc_now() -> datetime:
    """The present instant, aware and in UTC. Code that decides by time takes it as an argument instead."""
    return datetime.now(UTC)


def timestamp(instant: datetime) -> str:
    """ISO 8601 in UTC with microseconds and a Z, the only form of time on the wire and in the ledger."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_timestamp(text: str) -> datetime:
    """The instant that `timestamp` wrote; ValueError where the text is not of exactly that form."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
