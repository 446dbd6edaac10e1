"""Files that are no picture, half a picture, or several: one clear error each."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mithaq.errors import ImageError
from mithaq.image import Box, Limits, headers, worker

PIXELS = np.random.default_rng(12).integers(0, 256, (40, 60), dtype=np.uint8)


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with Box(Limits(time_s=20.0)) as opened:
        yield opened


def saved(kind: str, **options: Any) -> bytes:
    if kind == "WSQ":
        pytest.importorskip("wsq", reason="the wsq package has no wheel for this machine")
    out = io.BytesIO()
    Image.fromarray(PIXELS).save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "IMG-001"),
        (b"This is no print.\nBut it is called print.wsq.\n", "IMG-002"),
        ("بصمة الإصبع".encode(), "IMG-002"),
        (b"P", "IMG-002"),
        (bytes(100), "IMG-003"),
        (b"GIF89a" + bytes(100), "IMG-003"),
        (b"RIFF\x24\x00\x00\x00WEBPVP8 " + bytes(40), "IMG-003"),
        (b"%PDF-1.7\n\xe2\xe3\xcf\xd3", "IMG-003"),
        (b"FMR\x00 20\x00" + bytes(100), "IMG-003"),
        (b"\xff\xa0", "IMG-007"),
        (b"\x89PNG\r\n\x1a\n", "IMG-026"),
        (b"BM", "IMG-026"),
        (b"II*\x00", "IMG-007"),
        (b"\xff\xd8\xff", "IMG-026"),
    ],
)
def test_what_is_no_picture_is_named_for_what_it_is(box: Box, data: bytes, code: str) -> None:
    with pytest.raises(ImageError) as caught:
        box.decode(data, place="print.wsq")
    error = caught.value
    assert error.code == code
    assert str(error).startswith(f"{code}: print.wsq: ")
    assert error.expected
    assert error.remedy


@pytest.mark.parametrize("kind", ["WSQ", "PNG", "JPEG", "JPEG2000", "TIFF", "BMP", "PPM"])
@pytest.mark.parametrize("kept", [0.02, 0.3, 0.7, 0.97])
def test_a_file_cut_short_is_refused(box: Box, kind: str, kept: float) -> None:
    data = saved(kind)
    with pytest.raises(ImageError) as caught:
        box.decode(data[: int(len(data) * kept)])
    assert caught.value.code in {"IMG-003", "IMG-007", "IMG-008", "IMG-009", "IMG-026"}


@pytest.mark.parametrize("kind", ["WSQ", "PNG", "JPEG", "TIFF", "BMP", "PPM"])
def test_a_file_cut_in_half_is_said_to_be_cut(box: Box, kind: str) -> None:
    data = saved(kind)
    with pytest.raises(ImageError) as caught:
        box.decode(data[: len(data) // 2])
    assert caught.value.code == "IMG-007"


@pytest.mark.parametrize("kind", ["WSQ", "PNG", "JPEG", "JPEG2000", "TIFF", "BMP", "PPM"])
def test_what_follows_a_whole_picture_does_not_matter(box: Box, kind: str) -> None:
    data = saved(kind)
    np.testing.assert_array_equal(box.decode(data + b"\0trailing").pixels, box.decode(data).pixels)


def test_an_animation_is_refused(box: Box) -> None:
    data = saved("PNG", save_all=True, append_images=[Image.fromarray(255 - PIXELS)])
    with pytest.raises(ImageError) as caught:
        box.decode(data)
    assert caught.value.code == "IMG-012"


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_pixels_of_no_fixed_range_are_refused(box: Box, kind: Any) -> None:
    out = io.BytesIO()
    Image.fromarray(PIXELS.astype(kind)).save(out, "TIFF")
    with pytest.raises(ImageError) as caught:
        box.decode(out.getvalue())
    assert caught.value.code == "IMG-013"


def test_where_wsq_cannot_be_decoded_it_says_so_and_what_to_do() -> None:
    class NoWsq(Box):
        command = ("-P", "-c", "from mithaq.image import worker; worker.wsq_decoder = lambda: None; worker.main()")

    with NoWsq() as box:
        with pytest.raises(ImageError) as caught:
            box.decode(saved("WSQ"))
        assert caught.value.code == "IMG-014"
        assert "JPEG 2000" in caught.value.remedy
        assert box.decode(saved("PNG")).format == "PNG"


def test_an_error_carries_nothing_of_the_picture(box: Box) -> None:
    with pytest.raises(ImageError) as caught:
        box.decode(b"Name: Nobody, Born: never")
    assert "Nobody" not in repr(caught.value)
    assert "Nobody" not in str(caught.value.as_dict())


def test_a_wsq_header_of_endless_comments_ends() -> None:
    data = b"\xff\xa0" + b"\xff\xa8\x00\x02" * 200_000
    with pytest.raises(headers.Truncated):
        worker.decode(data, pixel_limit=10, wsq=None)


def test_boxes_within_boxes_end() -> None:
    nested = b""
    for _ in range(5000):
        nested = (len(nested) + 8).to_bytes(4, "big") + b"res " + nested
    data = b"\x00\x00\x00\x0cjP  \r\n\x87\n" + nested
    assert headers.jp2_density(data) is None
