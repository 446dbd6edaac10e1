"""What a picture's bytes say about it before anything is decoded: its format, its WSQ size and its density.

    bytes ──► detect ──► "PNG" … ──► density ──► (x, y) pixels per inch, or None where nothing credible is stated

Runs in the worker alone. Plain Python on bytes, bounded by the length of the data. Sizes of the other formats come from
Pillow, which reads the header without decoding.
"""

from __future__ import annotations

import re
import struct
import zlib

PNM = frozenset(b"123456")
_JP2_SIGNATURE = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
_JP2_PARENTS = (b"jp2h", b"res ")
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # ISO/IEC 15948, table 11.1
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
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
    """(width, height) of a WSQ file from its frame header; Damaged where a NIST comment states another size.

    The decoder does not notice too few coefficients for the size, so that a size that lies gives a picture of nothing.
    """
    size: tuple[int, int] | None = None
    stated: dict[str, int] = {}
    for marker, body in wsq_segments(data):
        if marker == _WSQ_SOF:
            if len(body) < 6:
                raise Damaged
            height, width = struct.unpack_from(">HH", body, 2)
            size = width, height
        elif marker == _WSQ_COM and body.startswith(b"NIST_COM"):
            for key in ("PIX_WIDTH", "PIX_HEIGHT"):
                found = re.search(rb"^" + key.encode() + rb"[ \t]+(\d{1,6})[ \t\r]*$", body, re.MULTILINE)
                if found:
                    stated[key] = int(found[1])
    if size is None or stated.get("PIX_WIDTH", size[0]) != size[0] or stated.get("PIX_HEIGHT", size[1]) != size[1]:
        raise Damaged
    return size


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


def tiff_is_cut(data: bytes) -> bool:
    """True where the first directory of a TIFF file, often its last part, lies beyond the end of the data."""
    order = "<" if data[:1] == b"I" else ">"
    is_big = data[2:4] in (b"+\x00", b"\x00+")
    pointer, at, count, entry = (order + "Q", 8, order + "Q", 20) if is_big else (order + "I", 4, order + "H", 12)
    try:
        (directory,) = struct.unpack_from(pointer, data, at)
        (entries,) = struct.unpack_from(count, data, directory)
    except (struct.error, OverflowError):
        return True
    return bool(directory + struct.calcsize(count) + entries * entry > len(data))


def png_is_whole(data: bytes) -> bool:
    """True where a PNG file's first picture has all the rows that its header announces.

    Pillow fills missing rows with black in silence. The stream is unpacked here piece by piece and only counted.
    """
    width, height, depth, colour, _, _, interlace = struct.unpack_from(">IIBBBBB", data, 16)
    bits = depth * _PNG_CHANNELS.get(colour, 1)
    passes = _ADAM7 if interlace else ((0, 0, 1, 1),)
    wanted = 0
    for left, top, across, down in passes:
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            wanted += rows * (1 + (columns * bits + 7) // 8)
    unpacker = zlib.decompressobj()
    offset = 8
    while offset + 8 <= len(data) and wanted > 0:
        length, kind = struct.unpack_from(">I4s", data, offset)
        if kind == b"IDAT":
            piece = data[offset + 8 : offset + 8 + length]
            while piece and wanted > 0:
                try:
                    wanted -= len(unpacker.decompress(piece, min(wanted, 1 << 20)))
                except zlib.error:
                    return False
                piece = unpacker.unconsumed_tail
        offset += 12 + length
    return wanted <= 0


def jp2_density(data: bytes) -> tuple[float, float] | None:
    """Capture resolution of a JP2 file, else its default display resolution (ISO/IEC 15444-1, I.5.3.7); else None."""
    found: dict[bytes, tuple[float, float]] = {}
    _walk_jp2(data, 0, len(data), _JP2_PARENTS, found)
    return found.get(b"resc") or found.get(b"resd")


def _walk_jp2(
    data: bytes, start: int, end: int, parents: tuple[bytes, ...], found: dict[bytes, tuple[float, float]]
) -> None:
    """The resolution boxes between `start` and `end`: jp2h first, within it res, within that resc and resd."""
    while start + 8 <= end:
        length, kind = struct.unpack_from(">I4s", data, start)
        body = start + 8
        if length == 1 and body + 8 <= end:
            (length,) = struct.unpack_from(">Q", data, body)
            body += 8
        stop = end if length == 0 else start + length
        if stop < body or stop > end:
            return
        if parents and kind == parents[0]:
            _walk_jp2(data, body, stop, parents[1:], found)
        elif not parents and kind in (b"resc", b"resd") and stop - body >= 10:
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
