"""From a picture to a GrayImage whose resolution can be believed, and from that to the matcher's 500 ppi.

    bytes or PrintImage ──► Box.decode ──► whose word on resolution? ──► GrayImage ──► to_matcher ──► GrayImage at 500 ppi
                                            user, record, file, else an error

The user's word on a picture (`--ppi`) wins. Without it the record's is taken, else the file's, and neither is taken where
the ridges say that it cannot be true; a word on a whole folder counts after both. Not done here: any guess at a
resolution. A wrong scale would lose a true mate in silence.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mithaq.errors import ImageError
from mithaq.image.box import Box, Picture
from mithaq.image.refusals import refusal
from mithaq.image.ridges import ridge_period_px
from mithaq.units import MATCHER_PPI, GrayImage, PrintImage

MM_PER_INCH = 25.4
# Ridge periods of 320 prints of eight public sets measure 0.33 to 0.67 mm at their true resolution; the bounds leave a
# quarter on either side. The usual lies, 72, 96 and 150 ppi of scanner software for a scan at 500 ppi, come out at 1.1 mm and
# more, 1000 for 500 mostly below 0.25 mm; 300 for 500 is possible, and believed (docs/decisions/0003-decoder-box.md).
NARROWEST_RIDGE_MM = 0.25
WIDEST_RIDGE_MM = 0.85
# Below 200 ppi an adult's ridges are under four pixels apart; above 4000 no live-scan, card or latent scanner works.
LEAST_PPI = 200.0
MOST_PPI = 4000.0
LEAST_USER_PPI = 100.0  # the user may know better than the ridges do, but not better than the sampling theorem
# Exchange standards allow 1 % about the nominal scale, and 197 pixels per centimetre is how records write 500 ppi.
SAME_SCALE = 0.01
MOST_SCALED_PIXELS = 64_000_000
_LOBES = 3  # Lanczos-3: flat to near the new limit of resolution, and little that is above it folds back


def gray_image(
    box: Box,
    source: bytes | PrintImage,
    *,
    user_ppi: float | None = None,
    default_ppi: float | None = None,
    place: str = "",
) -> GrayImage:
    """The print in `source`, decoded in `box`, at its own resolution.

    `user_ppi` is what the user states of this picture (100 to 4000) and wins over record and file; `default_ppi` what
    the user states of many, taken where neither can be believed. ImageError: IMG-001 to IMG-015 and IMG-023 to IMG-027
    as `Box.decode`, IMG-016 where the record states another size than the picture has, IMG-017 to IMG-021 where no
    resolution is stated, or one that cannot be true.
    """
    for stated in (user_ppi, default_ppi):
        if stated is not None:
            _check_user(stated, place)
    if not isinstance(source, PrintImage):
        picture = box.decode(source, place=place)
        return GrayImage(picture.pixels, user_ppi or _believed(picture, None, default_ppi, place))
    uncompressed = source.compression == "NONE"
    picture = box.decode(
        source.data,
        place=place,
        raw_shape=(source.height, source.width) if uncompressed else None,
        compression=source.compression,
    )
    height, width = picture.pixels.shape
    # A width of 0 is a record that states none.
    if source.width > 0 and source.height > 0 and (width, height) != (source.width, source.height):
        facts = {"width": width, "height": height, "stated_width": source.width, "stated_height": source.height}
        raise refusal("size", place, **facts)
    return GrayImage(picture.pixels, user_ppi or _believed(picture, source.ppi, default_ppi, place))


def to_matcher(image: GrayImage) -> GrayImage:
    """The same print at 500 ppi: unchanged where it is within 1 % of that, else resampled with a Lanczos-3 filter.

    The filter is widened by the reduction, so that what 500 ppi cannot show is removed and not folded back. Pixel centres
    keep their place: pixel i of the result lies at (i + 1/2) ppi / 500 - 1/2 of the source. ImageError IMG-022 where
    the result would be empty or past 64 million pixels.
    """
    scale = MATCHER_PPI / image.ppi
    if abs(image.ppi - MATCHER_PPI) <= SAME_SCALE * MATCHER_PPI:
        return GrayImage(image.pixels, float(MATCHER_PPI))
    height, width = round(image.height * scale), round(image.width * scale)
    if height < 1 or width < 1 or height * width > MOST_SCALED_PIXELS:
        raise refusal("scaled-size", "", width=width, height=height, limit=MOST_SCALED_PIXELS)
    narrowed = _resampled(image.pixels.astype(np.float32).T, width, scale).T
    pixels = np.clip(np.rint(_resampled(narrowed, height, scale)), 0, 255).astype(np.uint8)
    return GrayImage(np.ascontiguousarray(pixels), float(MATCHER_PPI))


def _check_user(user_ppi: float, place: str) -> None:
    if not (math.isfinite(user_ppi) and LEAST_USER_PPI <= user_ppi <= MOST_PPI):
        raise refusal("user-ppi", place, ppi=f"{user_ppi:g}", low=f"{LEAST_USER_PPI:g}", high=f"{MOST_PPI:g}")


def _believed(picture: Picture, record_ppi: float | None, default_ppi: float | None, place: str) -> float:
    """The resolution that the record states, else the file; where none does, or it cannot be true, the default.

    ImageError where there is no default either.
    """
    source, ppi = ("record", record_ppi) if record_ppi else ("file", picture.ppi)
    if ppi is None:
        problem = refusal("uneven-ppi" if picture.density_is_uneven else "no-ppi", place)
    else:
        found = _disbelief(picture.pixels, ppi, source, place)
        if found is None:
            return ppi
        problem = found
    if default_ppi is None:
        raise problem
    return default_ppi


def _disbelief(pixels: NDArray[np.uint8], ppi: float, source: str, place: str) -> ImageError | None:
    """Why a stated resolution cannot be true, or None. A picture that shows no ridges contradicts only the absurd."""
    period_px = ridge_period_px(pixels)
    if period_px is not None:
        ridge_mm = period_px / ppi * MM_PER_INCH
        if not NARROWEST_RIDGE_MM <= ridge_mm <= WIDEST_RIDGE_MM:
            return refusal(
                "false-ppi",
                place,
                source=source,
                ppi=f"{ppi:g}",
                ridge_mm=f"{ridge_mm:.2f}",
                low=NARROWEST_RIDGE_MM,
                high=WIDEST_RIDGE_MM,
            )
    if not LEAST_PPI <= ppi <= MOST_PPI:
        return refusal("low-ppi", place, source=source, ppi=f"{ppi:g}", low=f"{LEAST_PPI:g}", high=f"{MOST_PPI:g}")
    return None


def _resampled(lines: NDArray[np.float32], new_size: int, scale: float) -> NDArray[np.float32]:
    """The first axis of `lines` (size, k) resampled to (new_size, k); beyond the edges the last line repeats."""
    size = len(lines)
    stretch = max(1.0, 1.0 / scale)
    reach = math.ceil(_LOBES * stretch)
    centres = (np.arange(new_size) + 0.5) / scale - 0.5
    taps = np.floor(centres).astype(np.int64)[:, None] + np.arange(1 - reach, 1 + reach)[None, :]
    distance = (taps - centres[:, None]) / stretch
    weights = np.where(np.abs(distance) < _LOBES, np.sinc(distance) * np.sinc(distance / _LOBES), 0.0)
    weights = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    taps = np.clip(taps, 0, size - 1)
    result = np.zeros((new_size, lines.shape[1]), np.float32)
    for tap in range(2 * reach):
        result += weights[:, tap, None] * lines[taps[:, tap]]
    return result
