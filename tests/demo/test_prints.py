"""Synthetic prints: the same seed gives the same pixels, and what is drawn has the measures of a fingerprint."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mithaq.demo.prints import Difficulty, Master, Pattern, finger, impression, smudge

SEEDS = (65, 18, 6, 0, 3)  # one of each class


@pytest.fixture(scope="module")
def masters() -> dict[int, Master]:
    return {seed: finger(seed) for seed in SEEDS}


def ridge_period_px(pixels: NDArray[np.generic]) -> float:
    """Median over windows of the period at which a window's spectrum peaks; nan where no window has a rhythm."""
    size = 64
    frequency = np.fft.fftfreq(size * 4)
    radius = np.hypot(frequency[:, None], frequency[None, :])
    ring = (radius > 1 / 16) & (radius < 1 / 5)
    taper = np.hanning(size)[:, None] * np.hanning(size)[None, :]
    periods = []
    for row in range(0, pixels.shape[0] - size + 1, size // 2):
        for column in range(0, pixels.shape[1] - size + 1, size // 2):
            window = pixels[row : row + size, column : column + size].astype(np.float64)
            if window.std() < 20:
                continue
            power = np.abs(np.fft.fft2((window - window.mean()) * taper, (size * 4, size * 4))) ** 2
            if power[ring].sum() < 0.5 * power.sum():
                continue
            periods.append(1 / radius.ravel()[np.argmax(np.where(ring, power, 0))])
    return float(np.median(periods)) if len(periods) >= 10 else float("nan")


def alikeness(a: NDArray[np.generic], b: NDArray[np.generic]) -> float:
    return float(np.corrcoef(a.ravel().astype(float), b.ravel().astype(float))[0, 1])


def test_a_finger_is_decided_by_its_seed(masters: dict[int, Master]) -> None:
    again = finger(SEEDS[0])
    first = masters[SEEDS[0]]
    assert again.pattern is first.pattern
    for name in ("ridges", "pores", "creases"):
        assert np.array_equal(getattr(again, name), getattr(first, name))
    assert abs(alikeness(first.ridges, masters[SEEDS[1]].ridges)) < 0.1


@pytest.mark.parametrize("seed", SEEDS)
def test_ridges_have_the_period_of_a_finger_at_500_ppi(masters: dict[int, Master], seed: int) -> None:
    assert 8.0 <= ridge_period_px(masters[seed].ridges) <= 10.0
    assert 8.0 <= ridge_period_px(impression(masters[seed], 1).pixels) <= 10.0


def test_ridges_and_valleys_share_the_skin(masters: dict[int, Master]) -> None:
    for master in masters.values():
        assert 0.45 < float((master.ridges > 0).mean()) < 0.55


def test_the_period_varies_over_a_finger(masters: dict[int, Master]) -> None:
    above, below = (
        [ridge_period_px(master.ridges[part]) for master in masters.values()]
        for part in (slice(0, 200), slice(300, 448))
    )
    assert np.mean(np.abs(np.subtract(above, below))) > 0.1


def test_every_class_of_pattern_occurs(masters: dict[int, Master]) -> None:
    assert [master.pattern for master in masters.values()] == list(Pattern)


def test_an_impression_is_decided_by_its_seed(masters: dict[int, Master]) -> None:
    master = masters[SEEDS[0]]
    for difficulty in Difficulty:
        first = impression(master, 5, difficulty)
        assert first.ppi == 500
        assert first.pixels.shape == (400, 352)
        assert np.array_equal(first.pixels, impression(master, 5, difficulty).pixels)


def test_impressions_of_one_finger_differ(masters: dict[int, Master]) -> None:
    master = masters[SEEDS[1]]
    pictures = [impression(master, seed).pixels for seed in range(4)]
    for i in range(4):
        for j in range(i):
            assert alikeness(pictures[i], pictures[j]) < 0.8


def test_an_impression_shows_less_of_the_finger_the_harder_it_is(masters: dict[int, Master]) -> None:
    def inked(difficulty: Difficulty) -> float:
        return float(np.mean([(impression(master, 2, difficulty).pixels < 128).mean() for master in masters.values()]))

    assert inked(Difficulty.CLEAN) > inked(Difficulty.NORMAL) > inked(Difficulty.HARD) > 0.02


def test_an_impression_at_1000_ppi_is_the_same_touch_at_twice_the_scale(masters: dict[int, Master]) -> None:
    image = impression(masters[SEEDS[2]], 1, ppi=1000)
    assert image.ppi == 1000
    assert image.pixels.shape == (800, 704)
    assert 8.0 <= ridge_period_px(image.pixels[::2, ::2]) <= 10.0


def test_another_resolution_is_refused(masters: dict[int, Master]) -> None:
    with pytest.raises(ValueError, match="500 or 1000 ppi"):
        impression(masters[SEEDS[0]], 1, ppi=300)
    with pytest.raises(ValueError, match="500 or 1000 ppi"):
        smudge(1, ppi=300)


def test_a_smudge_is_dark_and_has_no_ridges() -> None:
    for seed in range(3):
        image = smudge(seed)
        assert np.array_equal(image.pixels, smudge(seed).pixels)
        assert image.pixels.std() > 20
        assert np.isnan(ridge_period_px(image.pixels))
