"""How far apart the ridges of a picture are, in pixels: the one thing a picture says about its own resolution.

    pixels ──► overlapping tiles ──► power spectrum of each ──► its strongest wave, if one stands out ──► median period

A print's ridges are waves of one length and slowly changing direction, so that a tile's spectrum has one pair of sharp
peaks. Tiles without such a peak (blank, smudged, lettering) say nothing. Not done here: orientation, quality, judgement.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

TILE_PX = 64  # seven ridges of an adult's print at 500 ppi: enough to tell periods apart, few enough to stay parallel
SHORTEST_PX = 2.5  # just above two pixels, where a wave can no longer be told from noise
LONGEST_PX = 36.0  # 0.76 mm at 1200 ppi; above it strokes of lettering look like ridges
# The strongest wave and its neighbours must hold this share of a tile's power. Noise gives a hundredth, random squares of
# 6 to 20 px stay below 0.45; in prints, poor ones too, a tenth of the tiles and mostly half of them are above.
STANDS_OUT = 0.4
LEAST_CONTRAST = 6.0  # grey levels (standard deviation); paper and sensor noise stay below
LEAST_TILES = 4
LEAST_SHARE = 0.1  # of the tiles that show anything
_MOST_TILES = 64
_LOOK_BEYOND = 1.4
_SURE = 0.6


def ridge_period_px(pixels: NDArray[np.uint8]) -> float | None:
    """The median ridge period of a grey picture uint8 (h, w), in pixels; None where too few tiles show ridges.

    Periods from 2.5 to 16 px are measured with tiles of 64 px; where fewer than 0.6 of those show any, tiles of 128 px
    are tried too, for ridges 13 to 36 px apart (1000 ppi and above), and the size that shows more ridges is taken.
    """
    small = _median_period(pixels, TILE_PX, SHORTEST_PX, TILE_PX / 4)
    if small is not None and small[1] >= _SURE:
        return small[0]
    large = _median_period(pixels, 2 * TILE_PX, TILE_PX / 5, LONGEST_PX)
    if small is None or large is None:
        return small[0] if small else (large[0] if large else None)
    return small[0] if small[1] >= large[1] else large[0]


def _median_period(
    pixels: NDArray[np.uint8], tile_px: int, shortest_px: float, longest_px: float
) -> tuple[float, float] | None:
    """(median period in pixels, share of tiles that show ridges), or None where too few do."""
    tiles = _tiles(pixels, tile_px)
    if tiles is None:
        return None
    tiles = tiles - tiles.mean(axis=(1, 2), keepdims=True)
    tiles = tiles[tiles.std(axis=(1, 2)) >= LEAST_CONTRAST]
    if len(tiles) < LEAST_TILES:
        return None
    window = np.hanning(tile_px).astype(np.float32)
    padded = 2 * tile_px  # zero padding: peaks are read off at half a frequency step
    power = np.abs(np.fft.rfft2(tiles * window[:, None] * window[None, :], s=(padded, padded), axes=(1, 2))) ** 2
    rows = np.abs(np.fft.fftfreq(padded))[:, None]
    columns = np.fft.rfftfreq(padded)[None, :]
    frequency = np.hypot(rows, columns)
    # A wave beyond the band leaks into it at the edge: look a little further, and drop tiles whose peak lies out there.
    in_band = (frequency >= 1.0 / (_LOOK_BEYOND * longest_px)) & (frequency <= _LOOK_BEYOND / shortest_px)
    # Zero frequency is left out of the total, its leak through the window too: uneven inking is no rival wave.
    total = np.where(frequency >= 2.5 / tile_px, power, 0.0).sum(axis=(1, 2))
    band = np.where(in_band, power, 0.0)
    flat = band.reshape(len(band), -1)
    peak = flat.argmax(axis=1)
    row, column = np.unravel_index(peak, frequency.shape)
    periods, shares = [], []
    reach = np.arange(-5, 6)
    for index in range(len(band)):
        rows_near = (row[index] + reach) % padded
        columns_near = column[index] + reach
        columns_near = columns_near[(columns_near >= 0) & (columns_near < frequency.shape[1])]
        near = band[index][np.ix_(rows_near, columns_near)]
        shares.append(float(near.sum() / total[index]) if total[index] > 0 else 0.0)
        middle = float((near * frequency[np.ix_(rows_near, columns_near)]).sum() / max(near.sum(), 1e-12))
        periods.append(1.0 / middle if middle > 0 else 0.0)
    found, share = np.asarray(periods), np.asarray(shares)
    clear = found[(share >= STANDS_OUT) & (found >= shortest_px) & (found <= longest_px)]
    if len(clear) < max(LEAST_TILES, LEAST_SHARE * len(tiles)):
        return None
    return float(np.median(clear)), len(clear) / len(tiles)


def _tiles(pixels: NDArray[np.uint8], tile_px: int) -> NDArray[np.float32] | None:
    """Up to 64 tiles (n, tile_px, tile_px) spread evenly over the picture, half overlapping where it is small."""
    height, width = pixels.shape
    if height < tile_px or width < tile_px:
        return None
    tops = range(0, height - tile_px + 1, tile_px // 2)
    lefts = range(0, width - tile_px + 1, tile_px // 2)
    places = [(top, left) for top in tops for left in lefts]
    step = max(1, -(-len(places) // (4 * _MOST_TILES)))
    tiles = np.stack(
        [pixels[top : top + tile_px, left : left + tile_px].astype(np.float32) for top, left in places[::step]]
    )
    if len(tiles) > _MOST_TILES:  # keep the ones with the most contrast: a small print on a large card is still found
        tiles = tiles[np.argsort(tiles.std(axis=(1, 2)))[-_MOST_TILES:]]
    return tiles
