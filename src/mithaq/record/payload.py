"""What the first bytes of a compressed picture say of it: kind, size, depth, and the resolution that it claims.

    bytes of x.999 or of a binary record ──payload_kind──► "WSQ20"
                                         ──read_header──► Header(kind, width, height, bits, ppi), or None

WSQ, JPEG, JPEG 2000 and PNG. A few hundred segments are looked at, no pixel is decoded, and whatever the bytes hold, nothing
is raised: what cannot be read is None. Not done here: decoding (a caller hands in a decoder where it has one).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

MOST_SEGMENTS = 400  # markers or boxes before the size must have come
_CODESTREAM = b"\xff\x4f\xff\x51"
_MAGIC = (
    (b"\xff\xa0\xff", "WSQ20"),
    (b"\xff\xd8\xff", "JPEGB"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\x00\x00\x00\x0cjP  ", "JP2"),
    (_CODESTREAM, "JP2"),
)
_PPI = re.compile(rb"(?:^|\n)PPI ([0-9]{1,5})(?:\.[0-9]{1,6})?\n")
_NO_FRAME = frozenset((0xC4, 0xC8, 0xCC))  # tables and extensions among the markers C0 to CF
_LOSSLESS = frozenset((0xC3, 0xC7, 0xCB, 0xCF))


@dataclass(frozen=True, slots=True)
class Header:
    """`kind` is a code of x.011 (JP2 also for JP2L); `bits` are those of a pixel, all its components together.

    `ppi` is what the picture itself says, where it says so in a way that the standard knows (the comment in a WSQ).
    """

    kind: str
    width: int
    height: int
    bits: int
    ppi: int | None = None


def payload_kind(data: bytes | memoryview) -> str:
    """The compression that the first bytes show: WSQ20, JPEGB, PNG or JP2 (JPEGL and JP2L begin alike); "" for others."""
    head = bytes(data[:16])
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), "")


def read_header(data: bytes | memoryview) -> Header | None:
    """The header of a picture, or None where the bytes are none of the four kinds or end before they say their size."""
    read = {"WSQ20": _wsq, "JPEGB": _jpeg, "PNG": _png, "JP2": _jp2}.get(payload_kind(data))
    return None if read is None else read(memoryview(data))


def _segments(view: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Marker and content of each segment after the first marker, as WSQ and JPEG write them."""
    at = 2
    for _ in range(MOST_SEGMENTS):
        while at + 1 < len(view) and view[at] == 0xFF and view[at + 1] == 0xFF:
            at += 1  # fill bytes before a marker
        if at + 4 > len(view) or view[at] != 0xFF:
            return
        length = _number(view, at + 2, 2)
        if length < 2 or at + 2 + length > len(view):
            return
        yield view[at + 1], view[at + 4 : at + 2 + length]
        at += 2 + length


def _wsq(view: memoryview) -> Header | None:
    ppi, size = None, None
    for marker, content in _segments(view):
        if marker == 0xA8 and (found := _PPI.search(bytes(content[:4096]))) is not None:
            ppi = int(found[1])
        if marker == 0xA2 and len(content) >= 6:
            size = _number(content, 4, 2), _number(content, 2, 2)
        if marker == 0xA3:
            break
    return None if size is None else Header("WSQ20", *size, 8, ppi)


def _jpeg(view: memoryview) -> Header | None:
    for marker, content in _segments(view):
        if 0xC0 <= marker <= 0xCF and marker not in _NO_FRAME and len(content) >= 6:
            kind = "JPEGL" if marker in _LOSSLESS else "JPEGB"
            return Header(kind, _number(content, 3, 2), _number(content, 1, 2), content[0] * content[5])
    return None


def _png(view: memoryview) -> Header | None:
    if len(view) < 26 or bytes(view[12:16]) != b"IHDR":
        return None
    components = {2: 3, 3: 3, 4: 2, 6: 4}.get(view[25], 1)  # a palette stands for three
    bits = 8 if view[25] == 3 else view[24]
    return Header("PNG", _number(view, 16, 4), _number(view, 20, 4), bits * components)


def _jp2(view: memoryview) -> Header | None:
    """The image header inside the first header box; a box of length 1 carries its length in eight bytes more."""
    if bytes(view[:4]) == _CODESTREAM:
        return _codestream(view)
    at, end = 0, len(view)
    for _ in range(MOST_SEGMENTS):
        if at + 8 > end:
            return None
        length, name, start = _number(view, at, 4), bytes(view[at + 4 : at + 8]), at + 8
        if length == 1:
            length, start = _number(view, at + 8, 8), at + 16
        if name == b"ihdr" and start + 11 <= end:
            depth = (view[start + 10] & 0x7F) + 1 if view[start + 10] != 255 else 8
            return Header(
                "JP2", _number(view, start + 4, 4), _number(view, start, 4), depth * _number(view, start + 8, 2)
            )
        if name == b"jp2c":
            return _codestream(view[start:])
        if name == b"jp2h":
            at = start
        elif length < 8:
            return None
        else:
            at += length
    return None


def _codestream(view: memoryview) -> Header | None:
    if len(view) < 43 or bytes(view[:4]) != _CODESTREAM:
        return None
    width = _number(view, 8, 4) - _number(view, 16, 4)
    height = _number(view, 12, 4) - _number(view, 20, 4)
    bits = ((view[42] & 0x7F) + 1) * _number(view, 40, 2)
    return Header("JP2", width, height, bits) if width > 0 and height > 0 else None


def _number(view: memoryview, at: int, width: int) -> int:
    return int.from_bytes(view[at : at + width], "big")
