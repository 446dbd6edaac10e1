"""Each format that is read, at each depth and with each trap of its own, against pixels that Pillow or a hand wrote."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mithaq.errors import ImageError
from mithaq.image import Box

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def wsq(pixels: NDArray[np.uint8]) -> bytes:
    pytest.importorskip("wsq", reason="the wsq package has no wheel for this machine")
    return saved(Image.fromarray(pixels), "WSQ")


def wsq_saying(pixels: NDArray[np.uint8], ppi: str) -> bytes:
    """A WSQ file whose NIST comment states this PPI, in the place of the comment that the package writes."""
    data = wsq(pixels)
    assert data[2:4] == b"\xff\xa8"
    (length,) = struct.unpack_from(">H", data, 4)
    text = f"NIST_COM 3\nPIX_WIDTH {pixels.shape[1]}\nPPI {ppi}\n".encode()
    return data[:2] + b"\xff\xa8" + struct.pack(">H", len(text) + 2) + text + data[4 + length :]


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("JPEG2000", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "packbits"}),
        ("TIFF", {"compression": "tiff_adobe_deflate"}),
        ("BMP", {}),
        ("PPM", {}),
    ],
)
def test_a_lossless_format_comes_back_pixel_by_pixel(box: Box, rings: Any, kind: str, options: dict[str, Any]) -> None:
    pixels = rings(120, 90)
    picture = box.decode(saved(Image.fromarray(pixels), kind, **options))
    np.testing.assert_array_equal(picture.pixels, pixels)


@pytest.mark.parametrize(("kind", "options", "error"), [("JPEG", {"quality": 95}, 3.0), ("WSQ", {}, 12.0)])
def test_a_lossy_format_comes_back_close(
    box: Box, rings: Any, kind: str, options: dict[str, Any], error: float
) -> None:
    pixels = rings()
    data = wsq(pixels) if kind == "WSQ" else saved(Image.fromarray(pixels), kind, **options)
    picture = box.decode(data)
    assert picture.format == kind
    assert np.abs(picture.pixels.astype(int) - pixels).mean() < error


def test_a_lossless_jpeg_is_decoded_exactly(box: Box, rings: Any) -> None:
    pixels = rings(60, 80)
    np.testing.assert_array_equal(box.decode(lossless_jpeg(pixels)).pixels, pixels)


@pytest.mark.parametrize("compression", ["group3", "group4", "raw"])
def test_one_bit_tiff_is_black_and_white(box: Box, rings: Any, compression: str) -> None:
    bits = rings(64, 72) > 128
    picture = box.decode(saved(Image.fromarray(bits), "TIFF", compression=compression))
    np.testing.assert_array_equal(picture.pixels, np.where(bits, 255, 0))


# (bits, photometric, order). The others are rare kinds that Pillow does not know: refused, never misread.
READ_TIFFS = {
    (8, 0, "<"),
    (8, 0, ">"),
    (8, 1, "<"),
    (8, 1, ">"),
    (12, 1, "<"),
    (16, 0, "<"),
    (16, 1, "<"),
    (16, 1, ">"),
}


@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_tiff_of_each_depth_and_order_and_polarity(
    box: Box, rings: Any, photometric: int, order: str, bits: int
) -> None:
    pixels = rings(64, 72)
    stored = pixels if photometric else 255 - pixels
    data = plain_tiff(stored, bits=bits, photometric=photometric, order=order)
    if (bits, photometric, order) not in READ_TIFFS:
        with pytest.raises(ImageError) as caught:
            box.decode(data)
        assert caught.value.code == "IMG-026"
        return
    picture = box.decode(data)
    np.testing.assert_array_equal(picture.pixels, pixels)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG2000"])
def test_sixteen_bits_keep_their_upper_eight(box: Box, rings: Any, kind: str) -> None:
    pixels = rings(64, 72)
    deep = pixels.astype(np.uint16) * 256 + 77
    np.testing.assert_array_equal(box.decode(saved(Image.fromarray(deep), kind)).pixels, pixels)


def test_sixteen_bit_pgm_keeps_its_upper_eight(box: Box, rings: Any) -> None:
    pixels = rings(64, 72)
    data = b"P5\n# drawn here\n72 64\n65535\n" + (pixels.astype(np.uint16) * 256 + 77).astype(">u2").tobytes()
    np.testing.assert_array_equal(box.decode(data).pixels, pixels)


def test_pgm_in_plain_text_with_a_small_range_is_stretched(box: Box) -> None:
    assert box.decode(b"P2 3 1 15\n0 8 15\n").pixels.tolist() == [[0, 136, 255]]


@pytest.mark.parametrize("mode", ["RGB", "CMYK", "YCbCr"])
def test_grey_written_as_colour_is_grey_again(box: Box, rings: Any, mode: str) -> None:
    pixels = rings(64, 72)
    picture = box.decode(saved(Image.fromarray(pixels).convert(mode), "TIFF"))
    assert np.abs(picture.pixels.astype(int) - pixels).max() <= 1


def test_colour_is_weighted_as_luma(box: Box) -> None:
    red_green_blue = Image.fromarray(np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8))
    assert box.decode(saved(red_green_blue, "PNG")).pixels.tolist() == [[76, 150, 29]]


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_what_is_transparent_is_paper(box: Box, mode: str) -> None:
    grey = np.array([[0, 0, 200]], np.uint8)
    alpha = np.array([[0, 255, 255]], np.uint8)
    image = Image.merge("LA", [Image.fromarray(grey), Image.fromarray(alpha)]).convert(mode)
    assert box.decode(saved(image, "PNG")).pixels.tolist() == [[255, 0, 200]]


def test_a_transparent_palette_colour_is_paper(box: Box) -> None:
    image = Image.fromarray(np.array([[0, 1]], np.uint8), "L").convert("P")
    image.putpalette([0, 0, 0, 90, 90, 90])
    assert box.decode(saved(image, "PNG", transparency=0)).pixels.tolist() == [[255, 90]]


def test_a_tiff_of_several_pages_is_refused_since_only_one_would_be_searched(box: Box, rings: Any) -> None:
    first, second = Image.fromarray(rings(64, 72)), Image.fromarray(rings(64, 72, 12.0))
    with pytest.raises(ImageError) as refused:
        box.decode(saved(first, "TIFF", save_all=True, append_images=[second]))
    assert refused.value.code == "IMG-027"


def test_a_thumbnail_behind_a_tiff_is_no_page(box: Box, rings: Any) -> None:
    small = Image.fromarray(rings(64, 72)).resize((16, 18))
    small.encoderinfo = {"tiffinfo": {254: 1}}
    data = saved(Image.fromarray(rings(64, 72)), "TIFF", save_all=True, append_images=[small])
    np.testing.assert_array_equal(box.decode(data).pixels, rings(64, 72))


def test_a_jpeg_of_several_frames_gives_its_first(box: Box, rings: Any) -> None:
    first = Image.fromarray(rings(64, 72))
    data = saved(first, "MPO", save_all=True, append_images=[Image.fromarray(rings(64, 72, 12.0))])
    np.testing.assert_array_equal(box.decode(data).pixels, box.decode(saved(first, "JPEG")).pixels)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_orientation_tag_is_obeyed(box: Box, rings: Any, kind: str, orientation: int) -> None:
    pixels = rings(64, 72)
    turns = [
        pixels,
        pixels[:, ::-1],
        pixels[::-1, ::-1],
        pixels[::-1],
        pixels.T,
        np.rot90(pixels, -1),
        pixels[::-1, ::-1].T,
        np.rot90(pixels),
    ]
    exif = Image.Exif()
    exif[274] = orientation
    options: dict[str, Any] = {"exif": exif} if kind == "PNG" else {"tiffinfo": {274: orientation}}
    picture = box.decode(saved(Image.fromarray(pixels), kind, **options))
    np.testing.assert_array_equal(picture.pixels, turns[orientation - 1])


def test_the_first_bytes_decide_and_no_label_does(box: Box, rings: Any) -> None:
    png = saved(Image.fromarray(rings(64, 72)), "PNG")
    assert box.decode(png, place="print.wsq", compression="WSQ20").format == "PNG"


def test_uncompressed_pixels_are_taken_as_they_are(box: Box, rings: Any) -> None:
    pixels = rings(40, 50)
    np.testing.assert_array_equal(box.decode(pixels.tobytes(), raw_shape=(40, 50)).pixels, pixels)
    picture = box.decode(pixels.tobytes(), raw_shape=(40, 50), compression="NONE")
    assert (picture.format, picture.ppi) == ("NONE", None)


@pytest.mark.parametrize("shape", [(40, 51), (0, 2000), None])
def test_uncompressed_pixels_must_fill_their_size(box: Box, shape: tuple[int, int] | None) -> None:
    with pytest.raises(ImageError) as caught:
        box.decode(bytes(2000), raw_shape=shape, compression="NONE")
    assert caught.value.code in {"IMG-015", "IMG-006"}


@pytest.mark.parametrize(
    ("kind", "options", "ppi"),
    [
        ("PNG", {"dpi": (500, 500)}, 500.0),
        ("PNG", {"dpi": (1000, 1000)}, 1000.0),
        ("PNG", {}, None),
        ("JPEG", {"dpi": (500, 500)}, 500.0),
        ("JPEG", {}, None),
        ("TIFF", {"dpi": (500, 500)}, 500.0),
        ("TIFF", {"resolution_unit": 3, "x_resolution": 197, "y_resolution": 197}, 500.38),
        ("TIFF", {"resolution_unit": 1, "x_resolution": 1, "y_resolution": 1}, None),
        ("TIFF", {}, None),
        ("BMP", {"dpi": (500, 500)}, 500.0),
        ("PPM", {}, None),
    ],
)
def test_the_density_that_a_file_states(
    box: Box, rings: Any, kind: str, options: dict[str, Any], ppi: float | None
) -> None:
    picture = box.decode(saved(Image.fromarray(rings(64, 72)), kind, **options))
    assert picture.ppi == (None if ppi is None else pytest.approx(ppi))
    assert not picture.density_is_uneven


def test_a_jpeg_without_jfif_density_is_asked_for_its_exif(box: Box, rings: Any) -> None:
    exif = Image.Exif()
    exif.update({282: 500.0, 283: 500.0, 296: 2})
    assert box.decode(saved(Image.fromarray(rings(64, 72)), "JPEG", exif=exif)).ppi == 500.0


def test_jfif_density_per_centimetre(box: Box, rings: Any) -> None:
    data = bytearray(saved(Image.fromarray(rings(64, 72)), "JPEG", dpi=(500, 500)))
    data[13:18] = struct.pack(">BHH", 2, 197, 197)
    assert box.decode(bytes(data)).ppi == pytest.approx(500.38)


def test_different_densities_across_and_down_are_said(box: Box, rings: Any) -> None:
    picture = box.decode(saved(Image.fromarray(rings(64, 72)), "TIFF", dpi=(500, 250)))
    assert picture.ppi is None
    assert picture.density_is_uneven


@pytest.mark.parametrize(("said", "ppi"), [("500", 500.0), ("1000", 1000.0), ("-1", None), ("255", None), ("0", None)])
def test_the_nist_comment_of_a_wsq_file(box: Box, rings: Any, said: str, ppi: float | None) -> None:
    assert box.decode(wsq_saying(rings(), said)).ppi == ppi


@pytest.mark.parametrize(
    ("boxes", "ppi"),
    [
        ([(b"resc", 500)], 500.0),
        ([(b"resd", 96), (b"resc", 1000)], 1000.0),  # what it was captured at, not how it wants to be shown
        ([(b"resd", 500)], 500.0),
        ([], None),
    ],
)
def test_the_resolution_box_of_jpeg_2000(
    box: Box, rings: Any, boxes: list[tuple[bytes, int]], ppi: float | None
) -> None:
    data = saved(Image.fromarray(rings(64, 72)), "JPEG2000")
    inner = b"".join(jp2_resolution(kind, stated) for kind, stated in boxes)
    at = data.index(b"jp2h") - 4
    (length,) = struct.unpack_from(">I", data, at)
    superbox = struct.pack(">I4s", 8 + len(inner), b"res ") + inner if inner else b""
    data = (
        data[:at]
        + struct.pack(">I", length + len(superbox))
        + data[at + 4 : at + length]
        + superbox
        + data[at + length :]
    )
    picture = box.decode(data)
    assert picture.ppi == ppi
    np.testing.assert_array_equal(picture.pixels, rings(64, 72))


def test_a_bare_jpeg_2000_codestream_is_read(box: Box, rings: Any) -> None:
    data = saved(Image.fromarray(rings(64, 72)), "JPEG2000", no_jp2=True)
    np.testing.assert_array_equal(box.decode(data).pixels, rings(64, 72))


def jp2_resolution(kind: bytes, ppi: int) -> bytes:
    per_metre = round(ppi / 0.0254)
    return struct.pack(">I4sHHHHbb", 18, kind, per_metre, 1, per_metre, 1, 0, 0)


def plain_tiff(pixels: NDArray[np.uint8], *, bits: int, photometric: int, order: str) -> bytes:
    """An uncompressed one-strip TIFF, written by hand: Pillow writes neither polarity nor big-endian on request."""
    height, width = pixels.shape
    if bits == 8:
        body = pixels.tobytes()
    elif bits == 16:
        body = (pixels.astype(np.uint16) * 256 + (7 if photometric else 248)).astype(order + "u2").tobytes()
    else:
        pairs = pixels.astype(np.uint16).reshape(-1, 2) * 16 + 5
        packed = np.stack([pairs[:, 0] >> 4, (pairs[:, 0] & 15) << 4 | pairs[:, 1] >> 8, pairs[:, 1] & 255], axis=1)
        body = packed.astype(np.uint8).tobytes()
    entries = [(256, width), (257, height), (258, bits), (259, 1), (262, photometric), (273, 8), (277, 1)]
    entries += [(278, height), (279, len(body))]
    directory = struct.pack(order + "H", len(entries))
    for tag, value in entries:
        directory += struct.pack(order + "HHII", tag, 4, 1, value)
    mark = b"II*\x00" if order == "<" else b"MM\x00*"
    return mark + struct.pack(order + "I", 8 + len(body)) + body + directory + bytes(4)


def lossless_jpeg(pixels: NDArray[np.uint8]) -> bytes:
    """Process 14 of ISO/IEC 10918-1 with predictor 1, the coding that records call JPEGL."""
    height, width = pixels.shape
    values = pixels.astype(int)
    guess = np.empty_like(values)
    guess[:, 1:] = values[:, :-1]
    guess[1:, 0] = values[:-1, 0]
    guess[0, 0] = 128
    bits = ""
    for difference in (values - guess).ravel().tolist():
        size = abs(difference).bit_length()
        bits += f"{size:04b}"
        if size:
            bits += format(difference if difference > 0 else difference + (1 << size) - 1, f"0{size}b")
    bits += "1" * (-len(bits) % 8)
    scan = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\x00")
    lengths = bytes([0, 0, 0, 9, *[0] * 12])
    return (
        b"\xff\xd8\xff\xc3"
        + struct.pack(">HBHHBBBB", 11, 8, height, width, 1, 1, 0x11, 0)
        + b"\xff\xc4"
        + struct.pack(">HB", 28, 0)
        + lengths
        + bytes(range(9))
        + b"\xff\xda"
        + struct.pack(">HBBBBBB", 8, 1, 1, 0, 1, 0, 0)
        + scan
        + b"\xff\xd9"
    )
