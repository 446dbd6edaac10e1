"""Template: what the file keeps of a print, as arrays and as bytes.

    offset  bytes  content (little-endian)
    0       4      "MTQF"
    4       1      version, 2
    5       1      descriptor of the codes (descriptor.DESCRIPTOR)
    6       2      n, minutiae
    8       4      width and height of the print, px at 500 ppi
    12      1      quality score 0..100
    13      1      flags: 1 the statistics were measured on a picture
    14      2      words per code
    16      24     statistics: six float32 in the order of Statistics
    40      n*8    per minutia: x and y uint16; angle in 256ths of a turn, quality, kind, reliability uint8
    ...     n*w*8  codes
    end-4   4      CRC-32 of everything before

The checksum tells damage; it is no defence against somebody who means it: sealing is the message's and the store's work.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mithaq.errors import FormatError

from . import parameters
from .minutiae import Minutiae, minutiae, radians

if TYPE_CHECKING:
    from typing import Self

MAGIC = b"MTQF"
VERSION = 2
_HEAD = struct.Struct("<4sBBHHHBBH6f")
_MINUTIA = np.dtype(
    [("x", "<u2"), ("y", "<u2"), ("angle", "u1"), ("quality", "u1"), ("kind", "u1"), ("reliability", "u1")]
)


def _table(found: Minutiae, reliability: NDArray[np.uint8]) -> NDArray[np.void]:
    table = np.empty(len(found), _MINUTIA)
    table["x"], table["y"], table["angle"] = found.x_px, found.y_px, found.angle
    table["quality"], table["kind"], table["reliability"] = found.quality, found.kind, reliability
    return table


@dataclass(frozen=True, slots=True)
class Statistics:
    """What was measured on the picture (quality.py).

    `ridge_area_mm2` covered by ridges; `contrast` their grey-level deviation, `ridge_share` of the area that is not
    plain, `clarity` 0..1 share of the windows' energy in one ridge frequency and direction, `period_px` between ridges,
    `deviation` of all grey levels.
    """

    ridge_area_mm2: float
    contrast: float
    ridge_share: float
    clarity: float
    period_px: float
    deviation: float


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """n minutiae of one print at 500 ppi with their codes.

    `x_px`, `y_px` int16, `angle` uint8, `quality` uint8 0..100, `kind` uint8, each (n), as in Minutiae; `codes` uint64
    (n, words) of `descriptor` and `reliability` uint8 (n) of each, 0 where a minutia has no code; `quality_score` 0..100;
    `statistics` None where no picture was seen.
    """

    width: int
    height: int
    x_px: NDArray[np.int16]
    y_px: NDArray[np.int16]
    angle: NDArray[np.uint8]
    quality: NDArray[np.uint8]
    kind: NDArray[np.uint8]
    codes: NDArray[np.uint64]
    reliability: NDArray[np.uint8]
    quality_score: int
    statistics: Statistics | None = None
    descriptor: int = 2

    def __len__(self) -> int:
        return len(self.x_px)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Template) and self.to_bytes() == other.to_bytes()

    def __hash__(self) -> int:
        return hash(self.to_bytes())

    @property
    def minutiae(self) -> Minutiae:
        return Minutiae(self.x_px, self.y_px, self.angle, self.quality, self.kind)

    @property
    def angle_rad(self) -> NDArray[np.float32]:
        return radians(self.angle)

    @classmethod
    def from_minutiae(
        cls,
        width: int,
        height: int,
        x_px: ArrayLike,
        y_px: ArrayLike,
        angle_rad: ArrayLike,
        *,
        quality: ArrayLike | None = None,
        kind: ArrayLike | None = None,
    ) -> Self:
        """A template without a picture, from minutiae at 500 ppi; its quality is judged by their count alone.

        FormatError FIN-010 to FIN-014 for arrays that describe no print.
        """
        from .quality import score

        found = minutiae(width, height, x_px, y_px, angle_rad, quality, kind)
        return cls.described(width, height, found, score(found, None), None)

    @classmethod
    def described(
        cls, width: int, height: int, found: Minutiae, quality_score: int, statistics: Statistics | None
    ) -> Self:
        """With the codes computed here."""
        from .descriptor import DESCRIPTOR, describe

        arrays = (found.x_px, found.y_px, found.angle, found.quality, found.kind, *describe(found))
        return cls(width, height, *arrays, quality_score, statistics, DESCRIPTOR)

    def to_bytes(self) -> bytes:
        """The layout at the top of this module; equal templates give equal bytes."""
        numbers = astuple(self.statistics) if self.statistics else (0.0,) * 6
        head = _HEAD.pack(
            MAGIC,
            VERSION,
            self.descriptor,
            len(self),
            self.width,
            self.height,
            self.quality_score,
            int(self.statistics is not None),
            self.codes.shape[1],
            *numbers,
        )
        body = head + _table(self.minutiae, self.reliability).tobytes() + self.codes.astype("<u8").tobytes()
        return body + struct.pack("<I", zlib.crc32(body))

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """FormatError FIN-010 to FIN-014 and FIN-020 to FIN-028: no template, of another version or descriptor, damaged, or impossible."""
        from .descriptor import DESCRIPTOR, WORDS

        if len(data) < _HEAD.size + 4 or data[:4] != MAGIC:
            raise FormatError("FIN-020", "not a template", expected="a file that begins with MTQF", offset=0)
        if data[4] != VERSION:
            raise FormatError(
                "FIN-021",
                f"a template of version {data[4]}",
                expected=f"version {VERSION}",
                remedy="extract it again from the picture",
                offset=4,
            )
        (_, _, descriptor, count, width, height, quality_score, flags, words, *numbers) = _HEAD.unpack_from(data)
        if descriptor != DESCRIPTOR or words != WORDS:
            raise FormatError(
                "FIN-022",
                f"codes of descriptor {descriptor} with {words} words",
                expected=f"descriptor {DESCRIPTOR} with {WORDS}",
                remedy="extract it again from the picture",
                offset=5,
            )
        if count > parameters.MAX_MINUTIAE:
            raise FormatError("FIN-023", f"{count} minutiae", expected=f"at most {parameters.MAX_MINUTIAE}", offset=6)
        size = _HEAD.size + count * (_MINUTIA.itemsize + 8 * words) + 4
        if len(data) != size:
            raise FormatError("FIN-024", f"a template of {len(data)} bytes", expected=f"{size} for {count} minutiae")
        if zlib.crc32(data[:-4]) != struct.unpack("<I", data[-4:])[0]:
            raise FormatError("FIN-025", "a template whose checksum does not fit", remedy="it was damaged: restore it")
        if quality_score > 100 or flags > 1 or not np.isfinite(numbers).all():
            raise FormatError("FIN-026", "a template with an impossible quality", expected="0 to 100", offset=12)
        table = np.frombuffer(data, _MINUTIA, count, _HEAD.size)
        codes = np.frombuffer(data, "<u8", count * words, _HEAD.size + count * _MINUTIA.itemsize)
        angle = table["angle"].astype(np.float64) * (np.pi / 128.0)
        found = minutiae(width, height, table["x"], table["y"], angle, table["quality"], table["kind"])
        reliability = table["reliability"].copy()
        if _table(found, reliability).tobytes() != table.tobytes():
            raise FormatError("FIN-027", "minutiae out of order", expected="as to_bytes writes")
        packed = codes.astype(np.uint64).reshape(count, words)
        if packed[reliability == 0].any():
            raise FormatError("FIN-028", "a code without a reliability", expected="1 to 255 where there is a code")
        arrays = (found.x_px, found.y_px, found.angle, found.quality, found.kind, packed, reliability)
        return cls(width, height, *arrays, quality_score, Statistics(*numbers) if flags else None, descriptor)
