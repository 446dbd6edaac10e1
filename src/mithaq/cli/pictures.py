"""The picture of any record as grey pixels, decoded in the box: what `record show --html` and `record images` show.

    Record ──picture_of──► Shown(pixels, ppi), None where the record holds none, a sentence where it is no raster picture,
                           ImageError where it cannot be decoded

Compressed pictures go to the box as they are. What is not compressed is unpacked here: grey and RGB a byte a value, bilevel
pixels eight to a byte, 1 black; a bare CCITT Group 4 stream gets the TIFF header that the decoder needs.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mithaq.image import Box
from mithaq.record import Record, Transaction
from mithaq.record.images import stated_ppi
from mithaq.record.payload import payload_kind

WITH_PICTURES = (*range(3, 9), 10, 13, 14, 15, 16, 17, 19, 20, 22)
_BILEVEL = (5, 6, 8)
_GROUP_4 = "1"  # BCA of Types 5 and 6, SRT of Type-8
_LUMINANCE = np.array((0.299, 0.587, 0.114))  # ITU-R BT.601
_TIFF = (b"II*\x00", b"MM\x00*")


@dataclass(frozen=True, slots=True)
class Shown:
    """Grey pixels (h, w), and the resolution that the record or the file states, None where neither does."""

    pixels: NDArray[np.uint8]
    ppi: float | None


def picture_of(box: Box, tx: Transaction, record: Record, place: str) -> Shown | str | None:
    """The record's picture; None where its type holds none or it is empty; why not where it is in no format of pictures.

    ImageError where it cannot be decoded.
    """
    data = record.data
    if record.type not in WITH_PICTURES or not data:
        return None
    width, height = record.integer(6) or 0, record.integer(7) or 0
    compression = _compression(record)
    raw = bytes(data)
    is_known = payload_kind(data) != "" or raw[:4] in _TIFF
    if record.type in _BILEVEL and compression == _GROUP_4 and not is_known:
        raw, is_known = _as_tiff(raw, width, height), True
    if is_known or compression not in ("0", "NONE"):
        if record.type == 7 and not is_known:
            return "the format is the user's own"
        if record.type == 8 and compression == "2":
            return "the signature is a list of strokes"
        found = box.decode(raw, place=place)
        return Shown(found.pixels, stated_ppi(tx, record) or found.ppi)
    bare = _bare(raw, width, height, is_bilevel=record.type in _BILEVEL)
    if bare is None:
        bare = box.decode(raw, place=place, raw_shape=(height, width), compression="NONE").pixels
    return Shown(bare, stated_ppi(tx, record))


def reduced(pixels: NDArray[np.uint8], longest_px: int) -> NDArray[np.uint8]:
    """The pixels, each side divided by the smallest whole number that brings both within `longest_px`, by means."""
    factor = -(-max(pixels.shape) // longest_px)
    height, width = (side // factor * factor for side in pixels.shape)
    if factor == 1 or not height or not width:
        return pixels if factor == 1 else pixels[::factor, ::factor].copy()
    blocks = pixels[:height, :width].reshape(height // factor, factor, width // factor, factor)
    return np.asarray(blocks.mean(axis=(1, 3)), np.uint8)


def _compression(record: Record) -> str:
    """0 or NONE for bare pixels, else the code; Type-8 says it in SRT, Types 3 to 6 in their last item."""
    number = {7: 0, 8: 4}.get(record.type, 8 if record.is_binary else 11)
    if record.is_binary and number:
        return str(record.integer(number))
    found = record.field(number) if number else None
    return "" if found is None else str(found.value[:16], "ascii", "replace").strip().upper()


def _bare(raw: bytes, width: int, height: int, *, is_bilevel: bool) -> NDArray[np.uint8] | None:
    """Pixels of RGB or packed bilevel data; None for anything else, grey pixels among it."""
    across = (width + 7) // 8
    if is_bilevel and width and len(raw) == across * height:
        bits = np.unpackbits(np.frombuffer(raw, np.uint8).reshape(height, across), axis=1)[:, :width]
        return np.where(bits, 0, 255).astype(np.uint8)
    if width and len(raw) == 3 * width * height:
        return np.asarray(np.frombuffer(raw, np.uint8).reshape(height, width, 3) @ _LUMINANCE, np.uint8)
    return None


def _as_tiff(stream: bytes, width: int, height: int) -> bytes:
    """A Group 4 stream as the one strip of a TIFF file, 1 black (TIFF 6.0: tags 256 to 279)."""
    strip = 8 + 2 + 8 * 12 + 4
    tags = ((256, width), (257, height), (258, 1), (259, 4), (262, 0), (273, strip), (278, height), (279, len(stream)))
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\x00" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + stream
