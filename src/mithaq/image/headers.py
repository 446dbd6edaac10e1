"""What a picture's bytes say about it before anything is decoded: its format, its WSQ size and its density.

    bytes ──► detect ──► "PNG" … ──► density ──► (x, y) pixels per inch, or None where nothing credible is stated

Runs in the worker alone. Plain Python on bytes, bounded by the length of the data. Sizes of the other formats come from
Pillow, which reads the header without decoding.
"""

from __future__ import annotations

import re
import struct

PNM = frozenset(b"123456")
_JP2_SIGNATURE = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
_JP2_PARENTS = (b"jp2h", b"res ")
_WSQ_SOI, _WSQ_EOI, _WSQ_SOF, _WSQ_SOB, _WSQ_COM = 0xFFA0, 0xFFA1, 0xFFA2, 0xFFA3, 0xFFA8
# Writers put -1, 0 or 255 (-1 in eight bits) into PPI to say that they do not know.
_WSQ_UNKNOWN_PPI = frozenset({-1, 0, 255})
# 1 is TIFF's and JFIF's way to say "only the ratio"; nothing that calls itself a scan lies below ten.
_LEAST_STATED_PPI = 10.0


class Truncated(Exception):
    """The bytes end before the structure that they announce."""


class Damaged(Exception):
    """The bytes contradict their own format."""


def detect(data: bytes) -> str:
    """The format that the first bytes announce, or "" where they announce none that is read here."""
    if data[:2] == b"\xff\xa0":
        return "WSQ"
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "PNG"
    if data[:3] == b"\xff\xd8\xff":
        return "JPEG"
    if data[:12] == _JP2_SIGNATURE or data[:4] == b"\xff\x4f\xff\x51":
        return "JPEG2000"
    if data[:4] in (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"):
        return "TIFF"
    if data[:2] == b"BM":
        return "BMP"
    if data[:1] == b"P" and len(data) > 2 and data[1] in PNM and data[2:3] in b" \t\r\n#":
        return "PNM"
    return ""


def wsq_segments(data: bytes) -> list[tuple[int, bytes]]:
    """(marker, body) of each segment from the start of a WSQ file up to its first block of coefficients.

    Stops at the first SOB or EOI. Truncated or Damaged where the chain of markers breaks (ISO/IEC 19794-4 and the
    WSQ specification, IAFIS-IC-0110, give the segments their lengths: two bytes that count themselves).
    """
    segments: list[tuple[int, bytes]] = []
    offset = 2
    while True:
        if offset + 4 > len(data):
            raise Truncated
        marker, length = struct.unpack_from(">HH", data, offset)
        if marker in (_WSQ_SOB, _WSQ_EOI):
            return segments
        if not _WSQ_SOI < marker <= _WSQ_COM or length < 2:
            raise Damaged
        end = offset + 2 + length
        if end > len(data):
            raise Truncated
        segments.append((marker, data[offset + 4 : end]))
        offset = end


def wsq_size(data: bytes) -> tuple[int, int]:
    """(width, height) of a WSQ file from its frame header."""
    for marker, body in wsq_segments(data):
        if marker == _WSQ_SOF:
            if len(body) < 6:
                raise Damaged
            height, width = struct.unpack_from(">HH", body, 2)
            return width, height
    raise Damaged


def wsq_is_whole(data: bytes) -> bool:
    """True where a WSQ file has its end marker, so that a failure to decode is damage and not a cut."""
    return data.rfind(b"\xff\xa1") > 0


def wsq_density(data: bytes) -> tuple[float, float] | None:
    """PPI of the NIST comment of a WSQ file; None where it has none, or one of the values that mean "unknown"."""
    for marker, body in wsq_segments(data):
        if marker == _WSQ_COM and body.startswith(b"NIST_COM"):
            found = re.search(rb"^PPI[ \t]+(-?\d{1,6})[ \t\r]*$", body, re.MULTILINE)
            if found and int(found[1]) not in _WSQ_UNKNOWN_PPI:
                return credible(float(found[1]), float(found[1]))
    return None


def jp2_density(data: bytes) -> tuple[float, float] | None:
    """Capture resolution of a JP2 file, else its default display resolution (ISO/IEC 15444-1, I.5.3.7); else None."""
    found: dict[bytes, tuple[float, float]] = {}
    _walk_jp2(data, 0, len(data), found)
    return found.get(b"resc") or found.get(b"resd")


def _walk_jp2(data: bytes, start: int, end: int, found: dict[bytes, tuple[float, float]]) -> None:
    while start + 8 <= end:
        length, kind = struct.unpack_from(">I4s", data, start)
        body = start + 8
        if length == 1 and body + 8 <= end:
            (length,) = struct.unpack_from(">Q", data, body)
            body += 8
        stop = end if length == 0 else start + length
        if stop < body or stop > end:
            return
        if kind in _JP2_PARENTS:
            _walk_jp2(data, body, stop, found)
        elif kind in (b"resc", b"resd") and stop - body >= 10:
            vr_n, vr_d, hr_n, hr_d, vr_e, hr_e = struct.unpack_from(">HHHHbb", data, body)
            if vr_d and hr_d:
                per_metre_x, per_metre_y = hr_n / hr_d * 10.0**hr_e, vr_n / vr_d * 10.0**vr_e
                stated = credible(per_metre_x * 0.0254, per_metre_y * 0.0254)
                if stated:
                    found.setdefault(kind, stated)
        start = stop


def credible(x_ppi: float, y_ppi: float) -> tuple[float, float] | None:
    """The pair, rounded to a thousandth, or None where it cannot be a density (ratios, zero, nonsense)."""
    if not all(_LEAST_STATED_PPI <= value <= 100_000.0 for value in (x_ppi, y_ppi)):
        return None
    return round(x_ppi, 3), round(y_ppi, 3)
