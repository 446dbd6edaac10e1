"""Compressed bytes in, grey pixels out: pictures of prints, their resolution, and the box that decodes them.

    bytes ──► Box (a process per picture) ──► Picture ──► gray_image ──► GrayImage ──► to_matcher ──► 500 ppi
                                                                            └──► png_bytes, print_image ──► bytes

Formats: WSQ, PNG, JPEG, JPEG 2000, TIFF (CCITT Group 4 among its codings), BMP, PGM and its kin, and uncompressed pixels.
Only the worker imports a decoder; this process never does. Names are imported when first used, because the worker
imports this package too and should start fast. Not done here: segmentation, quality, and anything about fingers.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mithaq.image.box import Box, Limits, Picture
    from mithaq.image.read import gray_image, to_matcher
    from mithaq.image.ridges import ridge_period_px
    from mithaq.image.write import png_bytes, png_pixels, print_image

__all__ = [
    "Box",
    "Limits",
    "Picture",
    "gray_image",
    "png_bytes",
    "png_pixels",
    "print_image",
    "ridge_period_px",
    "to_matcher",
]

_HOMES = {
    "Box": "box",
    "Limits": "box",
    "Picture": "box",
    "gray_image": "read",
    "png_bytes": "write",
    "png_pixels": "write",
    "print_image": "write",
    "ridge_period_px": "ridges",
    "to_matcher": "read",
}


def __getattr__(name: str) -> object:
    """The public name, from the module that holds it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
