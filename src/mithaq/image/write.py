"""Our own pixels to PNG: 8-bit grey or colour without loss, with the resolution beside them.

    GrayImage ──► rows, each through the filter that suits it ──► zlib ──► IHDR pHYs IDAT IEND

Written here and not by an imaging library, so that the process that holds keys never loads one. Not done here: WSQ,
JPEG 2000.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from mithaq.units import FingerPosition, GrayImage, PrintImage

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_METRE_INCHES = 1 / 0.0254


def png_bytes(image: GrayImage) -> bytes:
    """A PNG file of the image (ISO/IEC 15948): colour type 0, 8 bits, pHYs from its ppi. Same image, same bytes."""
    return png_pixels(image.pixels, image.ppi)


def png_pixels(pixels: NDArray[np.uint8], ppi: float | None) -> bytes:
    """The same of bare pixels (h, w), or (h, w, 3) in colour; no pHYs where nothing is known of their resolution."""
    height, width = pixels.shape[:2]
    per_metre = round((ppi or 0.0) * _METRE_INCHES)
    return b"".join(
        (
            _SIGNATURE,
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0 if pixels.ndim == 2 else 2, 0, 0, 0)),
            _chunk(b"pHYs", struct.pack(">IIB", per_metre, per_metre, 1)) if per_metre else b"",
            _chunk(b"IDAT", zlib.compress(_filtered(pixels).tobytes(), 6)),
            _chunk(b"IEND", b""),
        )
    )


def print_image(image: GrayImage, position: FingerPosition, impression: int) -> PrintImage:
    """The image as one print of a transaction, compressed as PNG (CGA "PNG"); `impression` is an IMP code."""
    return PrintImage(
        position=position,
        impression=impression,
        compression="PNG",
        width=image.width,
        height=image.height,
        ppi=image.ppi,
        data=png_bytes(image),
    )


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _filtered(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(h, bytes a row + 1): each row's filter type, then its bytes, by the usual rule: the filter with the smallest sum of sizes."""
    step = pixels[0, 0].size  # a filter reads the same colour of the pixel before
    here = pixels.reshape(len(pixels), -1).astype(np.int16)
    left, up, corner = np.zeros_like(here), np.zeros_like(here), np.zeros_like(here)
    left[:, step:] = here[:, :-step]
    up[1:] = here[:-1]
    corner[1:, step:] = here[:-1, :-step]
    to_left, to_up, to_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
    paeth = np.where((to_left <= to_up) & (to_left <= to_corner), left, np.where(to_up <= to_corner, up, corner))
    guesses = (np.zeros_like(here), left, up, (left + up) // 2, paeth)
    options = np.stack([(here - guess).astype(np.uint8) for guess in guesses])
    cost = np.abs(options.view(np.int8).astype(np.int16)).sum(axis=2, dtype=np.int64)
    best = cost.argmin(axis=0)
    rows = np.arange(len(here))
    return np.concatenate([best.astype(np.uint8)[:, None], options[best, rows]], axis=1)
