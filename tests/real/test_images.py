"""Real prints and codec samples: WSQ against pixel-exact decodes, resolutions as stated, ridges as measured."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mithaq.errors import ImageError
from mithaq.image import Box, gray_image, ridge_period_px, to_matcher

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
CODECS = SHARED / "codecs"
FVC = SHARED / "fvc"

pytestmark = pytest.mark.skipif(not CODECS.is_dir(), reason="the codec samples are not beside this checkout")


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with Box() as opened:
        yield opened


@pytest.fixture(scope="module", autouse=True)
def _wsq_is_here() -> None:
    pytest.importorskip("wsq", reason="the wsq package has no wheel for this machine")


def read(name: str) -> bytes:
    return (CODECS / name).read_bytes()


@pytest.mark.parametrize("name", ["jnbis__sample", "jnbis__fp-13"])
def test_wsq_is_decoded_as_the_independent_decoder_did(box: Box, name: str) -> None:
    ours = box.decode(read(name + ".wsq")).pixels.astype(int)
    theirs = box.decode(read(name + ".png")).pixels
    difference = np.abs(ours - theirs)
    assert difference.max() <= 1  # the standard allows one grey level; the two round alike nearly everywhere
    assert (difference == 0).mean() > 0.999


def test_wsq_stays_as_close_to_its_original_as_the_reference_decoder(box: Box) -> None:
    original = box.decode(read("jet__a001.raw"), raw_shape=(1008, 1508)).pixels.astype(float)
    error = ((box.decode(read("jet__a001.wsq")).pixels - original) ** 2).mean()
    assert 10 * np.log10(255**2 / error) == pytest.approx(35.5, abs=0.1)


@pytest.mark.parametrize(
    ("name", "shape", "ppi"),
    [
        ("libbiomeval__img.wsq", (256, 256), 500.0),
        ("jet__a001.wsq", (1008, 1508), None),
        ("jet__image_not_provided.wsq", (800, 750), 500.0),
        ("jet__sample.wsq", (480, 640), None),
        ("openebts__finger8.wsq", (374, 374), 500.0),
        ("jnbis__sample.wsq", (622, 545), 500.0),
        ("jnbis__fp-1.wsq", (752, 804), 500.0),
        ("nodenist__Fingerprint_LeftPointer.wsq", (480, 320), 500.0),
        ("pywsq__test.wsq", (520, 540), None),
        ("sourceafis__wsq-original.wsq", (768, 832), 500.0),
        ("libbiomeval__img.jp2", (1007, 908), 1000.0),
        ("nodenist__imageHeader_test.jp2", (320, 240), 186.0),
        ("openebts__finger8.jp2", (374, 374), None),
        ("openebts__finger8.jpg", (374, 374), 150.0),
        ("openebts__finger8.png", (374, 374), 150.0),
        ("openebts__finger1.fx4", (374, 374), 72.0),
        ("nfiq2__SFinGe_Test01.pgm", (560, 416), None),
        ("imagecodecs__int8_4bit.j2k", (256, 256), None),
    ],
)
def test_size_and_stated_resolution(box: Box, name: str, shape: tuple[int, int], ppi: float | None) -> None:
    picture = box.decode(read(name))
    assert picture.pixels.shape == shape
    assert picture.ppi == ppi


@pytest.mark.parametrize("name", ["openebts__finger8.jpg", "openebts__finger8.png", "openebts__finger1.fx4"])
def test_a_scan_that_calls_itself_72_or_150_ppi_needs_the_users_word(box: Box, name: str) -> None:
    with pytest.raises(ImageError) as caught:
        gray_image(box, read(name))
    assert caught.value.code in {"IMG-018", "IMG-019"}
    assert gray_image(box, read(name), user_ppi=500.0).ppi == 500.0


def test_one_print_in_four_formats_is_one_print(box: Box) -> None:
    png = box.decode(read("openebts__finger8.png")).pixels.astype(float)
    for name in ("openebts__finger8.jpg", "openebts__finger8.jp2", "openebts__finger8.wsq"):
        other = box.decode(read(name)).pixels.astype(float)
        assert np.corrcoef(png.ravel(), other.ravel())[0, 1] > 0.97


@pytest.mark.skipif(not FVC.is_dir(), reason="the FVC prints are not beside this checkout")
@pytest.mark.parametrize(
    ("folder", "ppi"),
    [("fvc2000/db1_b", 500.0), ("fvc2000/db3_b", 500.0), ("fvc2002/db2_b", 569.0), ("fvc2002/db3_b", 500.0)],
)
def test_the_ridges_of_real_prints_are_where_the_bounds_expect_them(box: Box, folder: str, ppi: float) -> None:
    measured = 0
    for path in sorted((FVC / folder).glob("*_[15].tif")):
        with pytest.raises(ImageError) as caught:
            gray_image(box, path.read_bytes())
        assert caught.value.code == "IMG-017"  # these files state none
        image = gray_image(box, path.read_bytes(), user_ppi=ppi)
        period_px = ridge_period_px(image.pixels)
        if period_px is not None:
            measured += 1
            assert 0.3 < period_px / ppi * 25.4 < 0.75
            at_500 = ridge_period_px(to_matcher(image).pixels)
            assert at_500 is None or at_500 == pytest.approx(period_px * 500 / ppi, rel=0.1)
    assert measured >= 15
