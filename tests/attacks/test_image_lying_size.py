"""Pictures that announce one size and hold another, or no size, or one that would fill the machine."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mithaq.errors import ImageError
from mithaq.image import Box, Limits, gray_image, headers
from mithaq.units import FingerPosition, PrintImage

PIXELS = np.random.default_rng(11).integers(0, 256, (40, 60), dtype=np.uint8)


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with Box(Limits(time_s=20.0, pixels=1_000_000)) as opened:
        yield opened


def saved(kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(PIXELS).save(out, kind, **options)
    return out.getvalue()


def code_of(box: Box, data: bytes) -> str:
    with pytest.raises(ImageError) as caught:
        box.decode(data, place="scan")
    assert caught.value.place == "scan"
    assert caught.value.expected
    assert caught.value.remedy
    return caught.value.code


def png_of_size(width: int, height: int) -> bytes:
    data = bytearray(saved("PNG"))
    data[16:24] = struct.pack(">II", width, height)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)


def jpeg_of_size(width: int, height: int) -> bytes:
    data = bytearray(saved("JPEG"))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def jp2_of_size(width: int, height: int) -> bytes:
    """The box says one size and the codestream behind it another."""
    data = bytearray(saved("JPEG2000"))
    at = data.index(b"ihdr") + 4
    data[at : at + 8] = struct.pack(">II", height, width)
    return bytes(data)


def bmp_of_size(width: int, height: int) -> bytes:
    data = bytearray(saved("BMP"))
    data[18:26] = struct.pack("<ii", width, height)
    return bytes(data)


def tiff_of_size(width: int, height: int) -> bytes:
    data = bytearray(saved("TIFF"))
    (directory,) = struct.unpack_from("<I", data, 4)
    (entries,) = struct.unpack_from("<H", data, directory)
    for at in range(directory + 2, directory + 2 + 12 * entries, 12):
        (tag,) = struct.unpack_from("<H", data, at)
        if tag in (256, 257):
            struct.pack_into("<HII", data, at + 2, 4, 1, width if tag == 256 else height)
    return bytes(data)


def pgm_of_size(width: int, height: int) -> bytes:
    return f"P5 {width} {height} 255\n".encode() + PIXELS.tobytes()


def wsq_of_size(width: int, height: int) -> bytes:
    pytest.importorskip("wsq", reason="the wsq package has no wheel for this machine")
    data = bytearray(saved("WSQ"))
    at = data.index(b"\xff\xa2") + 6
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


WRITERS = [png_of_size, jpeg_of_size, jp2_of_size, bmp_of_size, tiff_of_size, pgm_of_size, wsq_of_size]


@pytest.mark.parametrize("write", WRITERS)
def test_the_writers_themselves_are_honest_at_the_true_size(box: Box, write: Any) -> None:
    assert box.decode(write(60, 40)).pixels.shape == (40, 60)


@pytest.mark.parametrize("write", WRITERS)
def test_a_bomb_is_refused_before_it_is_decoded(box: Box, write: Any) -> None:
    assert code_of(box, write(60_000, 60_000)) in {"IMG-005", "IMG-008", "IMG-026"}


# JPEG is left out: its scan may end early by design, and libjpeg fills what is missing with even grey.
@pytest.mark.parametrize("write", [write for write in WRITERS if write is not jpeg_of_size])
def test_more_rows_than_the_data_hold_are_refused(box: Box, write: Any) -> None:
    assert code_of(box, write(60, 400)) in {"IMG-007", "IMG-008", "IMG-009"}


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("size", [(0, 40), (60, 0), (0, 0)])
def test_no_width_or_no_height_is_refused(box: Box, write: Any, size: tuple[int, int]) -> None:
    assert code_of(box, write(*size)) in {"IMG-006", "IMG-007", "IMG-008", "IMG-026"}


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "I;16"])
@pytest.mark.parametrize("size", [(1, 1), (3, 2), (8, 8), (60, 40)])
def test_a_whole_png_of_any_depth_is_known_as_whole(box: Box, mode: str, size: tuple[int, int]) -> None:
    out = io.BytesIO()
    Image.fromarray(PIXELS).convert(mode).resize(size).save(out, "PNG")
    assert box.decode(out.getvalue()).pixels.shape == size[::-1]


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (9, 11), (60, 40)])
def test_an_interlaced_png_is_whole_or_refused(box: Box, size: tuple[int, int]) -> None:
    width, height = size
    body = b""
    for left, top, across, down in headers._ADAM7:
        part = PIXELS[:height, :width][top::down, left::across]
        if part.size:
            body += b"".join(b"\0" + row.tobytes() for row in part)
    np.testing.assert_array_equal(box.decode(interlaced_png(width, height, body)).pixels, PIXELS[:height, :width])
    assert code_of(box, interlaced_png(width, height, body[:-1])) == "IMG-007"


def interlaced_png(width: int, height: int, body: bytes) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 1))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")


def test_a_negative_height_of_a_bmp_is_a_direction_and_not_a_size(box: Box) -> None:
    np.testing.assert_array_equal(box.decode(bmp_of_size(60, -40)).pixels, PIXELS[::-1])


def test_a_picture_that_its_record_sizes_otherwise_is_refused(box: Box) -> None:
    source = PrintImage(FingerPosition.RIGHT_INDEX, 0, "PNG", 800, 750, 500.0, saved("PNG"))
    with pytest.raises(ImageError) as caught:
        gray_image(box, source)
    assert caught.value.code == "IMG-016"
    assert "800 x 750" in caught.value.problem


def test_a_record_that_states_no_size_does_not_lie(box: Box) -> None:
    source = PrintImage(FingerPosition.RIGHT_INDEX, 0, "PNG", 0, 0, 500.0, saved("PNG"))
    assert gray_image(box, source).pixels.shape == PIXELS.shape


def test_text_that_unpacks_to_gigabytes_does_not_matter(box: Box) -> None:
    body = b"Comment\0\0" + zlib.compress(bytes(200_000_000), 9)
    chunk = struct.pack(">I", len(body)) + b"zTXt" + body + struct.pack(">I", zlib.crc32(b"zTXt" + body))
    data = saved("PNG")
    with pytest.raises(ImageError):
        box.decode(data[:33] + chunk + data[33:])


def test_a_bomb_within_the_pixel_limit_meets_the_memory_limit() -> None:
    out = io.BytesIO()
    Image.new("RGB", (6000, 6000)).save(out, "PNG")
    with Box(Limits(memory_mb=128, pixels=40_000_000)) as small:
        assert code_of(small, out.getvalue()) == "IMG-011"
        assert small.decode(saved("PNG")).format == "PNG"


def test_too_many_bytes_never_reach_the_decoder() -> None:
    with Box(Limits(bytes=1000)) as box:
        assert code_of(box, saved("PNG")) == "IMG-004"
        assert box.pid is None
