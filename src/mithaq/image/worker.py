"""The process inside the box: it imports the decoders and forks one child for each picture.

    Box ──(a byte and a socket)──► worker ──fork──► child ◄──picture── Box
    Box ◄──exit status──────────── worker ◄─wait─── child ──pixels───► Box

The worker itself never reads a foreign byte, so a decoder that writes outside its memory spoils one picture and nothing
after it. Run as `python -P -m mithaq.image.worker` by `mithaq.image.box`, with the control socket as standard input;
it ends when that socket closes. Numpy is not imported: a small process forks fast.
"""

from __future__ import annotations

import gc
import io
import json
import os
import resource
import signal
import socket
import struct
import sys
import warnings
from importlib import import_module
from typing import Any

from PIL import (
    BmpImagePlugin,
    Image,
    ImageOps,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
)

from mithaq.image import headers

LENGTH = struct.Struct("<I")
# Imported before a child loses the right to open files. Pillow itself reaches for Mpo when a JPEG holds several frames.
PLUGINS = (
    BmpImagePlugin,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
)
_PILLOW_NAMES = {"PNM": "PPM"}
_TIFF_X, _TIFF_Y, _TIFF_UNIT, _TIFF_BITS, _TIFF_PHOTOMETRIC = 282, 283, 296, 258, 262
_TIFF_WIDTH, _TIFF_HEIGHT = 256, 257
_TIFF_STRIP_OFFSETS, _TIFF_ROWS_PER_STRIP = 273, 278
_TIFF_TILE_WIDTH, _TIFF_TILE_HEIGHT, _TIFF_TILE_OFFSETS = 322, 323, 324
_TIFF_SUBFILE, _PAGES_LOOKED_AT = 254, 16
_INCHES_PER_UNIT = {2: 1.0, 3: 2.54}


class Unreadable(Exception):
    """Why a picture is refused: a key of the table in `box`, and the size that was met, where it was."""

    def __init__(self, key: str, size: tuple[int, int] = (0, 0)) -> None:
        self.key = key
        self.size = size
        super().__init__(key)


def wsq_decoder() -> Any:
    """The WSQ package's decoding module, or None where this machine has none."""
    try:
        return import_module("_wsq")
    except ImportError:
        return None


def main() -> None:
    """Serve pictures until the control socket closes."""
    control = socket.socket(fileno=os.dup(0))
    silence = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):  # C libraries print what they like; none of it may reach the parent's terminal
        os.dup2(silence, descriptor)
    warnings.simplefilter("ignore")
    Image.MAX_IMAGE_PIXELS = None  # the pixel limit is checked below, before decoding and with our own error
    Image.preinit()
    wsq = wsq_decoder()
    gc.freeze()  # a collection in a child would touch, and so copy, every page shared with this process
    control.sendall(b"r")
    while True:
        byte, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not byte:
            return
        pid = os.fork()
        if pid == 0:
            control.close()
            with socket.socket(fileno=descriptors[0]) as channel:
                serve(channel, wsq)
            os._exit(0)
        os.close(descriptors[0])
        _, status = os.waitpid(pid, 0)
        control.sendall(LENGTH.pack(status))


def serve(channel: socket.socket, wsq: Any) -> None:
    """Read one request from the channel, decode it under its limits and write the reply: JSON, then pixels."""
    request = io.BytesIO()
    while chunk := channel.recv(1 << 17):
        request.write(chunk)
    body = request.getbuffer()
    (length,) = LENGTH.unpack_from(body)
    asked = json.loads(bytes(body[LENGTH.size : LENGTH.size + length]))
    data = bytes(body[LENGTH.size + length :])
    confine(memory_mb=asked["memory_mb"], time_s=asked["time_s"])
    pixels = b""
    try:
        width, height, pixels, density, name = decode(data, pixel_limit=asked["pixels"], wsq=wsq)
        reply: dict[str, Any] = {"width": width, "height": height, "density": density, "format": name}
    except Unreadable as error:
        reply = {"error": error.key, "width": error.size[0], "height": error.size[1]}
    except headers.Truncated:
        reply = {"error": "truncated"}
    except headers.Damaged:
        reply = {"error": "damaged"}
    except MemoryError:
        reply = {"error": "memory"}
    except Exception as error:
        reply = {"error": "truncated" if "truncated" in str(error).lower() else "damaged"}
    text = json.dumps(reply).encode()
    channel.sendall(LENGTH.pack(len(text)) + text)
    channel.sendall(pixels)


def confine(*, memory_mb: int, time_s: float) -> None:
    """Take away from this process what decoding does not need: time, memory, core dumps, new files and sockets."""
    # SIGALRM's default action ends the process even while a decoder holds the interpreter.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, time_s)
    cpu_s = int(time_s) + 2
    for limit, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_AS, memory_mb << 20),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),  # not enforced for root
        (resource.RLIMIT_NOFILE, 0),  # what is open stays open; nothing else can be opened or connected
    ):
        resource.setrlimit(limit, (value, value))


def decode(data: bytes, *, pixel_limit: int, wsq: Any) -> tuple[int, int, bytes, tuple[float, float] | None, str]:
    """(width, height, grey bytes row by row, density or None, format) of one compressed picture.

    Unreadable, headers.Truncated, headers.Damaged, or whatever Pillow raises.
    """
    name = headers.detect(data)
    if not name:
        raise Unreadable("text" if _is_text(data) else "unknown")
    if name == "WSQ":
        return _decode_wsq(data, pixel_limit, wsq)
    if name == "TIFF" and headers.tiff_is_cut(data):
        raise headers.Truncated
    try:
        opened = Image.open(io.BytesIO(data), formats=[_PILLOW_NAMES.get(name, name)])
    except UnidentifiedImageError:
        raise Unreadable("variant") from None
    with opened as image:
        _check_size(image.size, pixel_limit)
        if name == "PNG" and getattr(image, "n_frames", 1) > 1:
            raise Unreadable("animated", image.size)
        if name == "TIFF" and _has_more_pages(image):
            raise Unreadable("pages", image.size)
        density = _density(image, name, data)
        tags: Any = getattr(image, "tag_v2", {})
        if name == "TIFF":
            _check_tiff(tags)
        if name == "PNG" and not headers.png_is_whole(data):
            raise Unreadable("truncated", image.size)
        bits = tags.get(_TIFF_BITS, (16,))[0] if image.mode != "I" or name == "PNM" else 32
        announced = image.size
        image.load()
        if image.size not in (announced, announced[::-1]):
            raise Unreadable("damaged", image.size)
        gray = to_gray(_upright(image), deep_bits=bits)
        # Pillow turns white-is-zero round for eight bits and fewer, not for more.
        if bits > 8 and image.mode.startswith("I") and tags.get(_TIFF_PHOTOMETRIC) == 0:
            gray = ImageOps.invert(gray)
        return gray.width, gray.height, gray.tobytes(), density, name


def _decode_wsq(data: bytes, pixel_limit: int, wsq: Any) -> tuple[int, int, bytes, tuple[float, float] | None, str]:
    size = headers.wsq_size(data)
    _check_size(size, pixel_limit)
    if wsq is None:
        raise Unreadable("no-wsq", size)
    try:
        pixels, width, height, _ = wsq.decompress(data)
    except Exception as error:  # the extension raises bare Exception with its own error number
        raise Unreadable("damaged" if headers.wsq_is_whole(data) else "truncated", size) from error
    if (width, height) != size or len(pixels) != width * height:
        raise Unreadable("damaged", size)
    return width, height, pixels, headers.wsq_density(data), "WSQ"


def _check_size(size: tuple[int, int], pixel_limit: int) -> None:
    if size[0] < 1 or size[1] < 1:
        raise Unreadable("zero", size)
    if size[0] * size[1] > pixel_limit:
        raise Unreadable("pixels", size)


def _check_tiff(tags: Any) -> None:
    """Refuse a TIFF whose strips or tiles are too few for its size: Pillow leaves what they lack black, in silence."""
    width, height = (
        int(tags[_TIFF_WIDTH]),
        int(tags[_TIFF_HEIGHT]),
    )  # as stored: Pillow's size is already turned upright
    if _TIFF_TILE_OFFSETS in tags:
        tile_width, tile_height = int(tags[_TIFF_TILE_WIDTH]), int(tags[_TIFF_TILE_HEIGHT])
        if tile_width < 1 or tile_height < 1:
            raise headers.Damaged
        wanted, held = -(-width // tile_width) * -(-height // tile_height), len(tags[_TIFF_TILE_OFFSETS])
    else:
        rows = int(tags.get(_TIFF_ROWS_PER_STRIP, height))
        if rows < 1:
            raise headers.Damaged
        wanted, held = -(-height // rows), len(tags[_TIFF_STRIP_OFFSETS])
    if held < wanted:
        raise headers.Truncated


def _has_more_pages(image: Image.Image) -> bool:
    """True where a TIFF holds more pictures than its first; smaller copies of it (thumbnails) do not count."""
    more = False
    for page in range(1, min(getattr(image, "n_frames", 1), _PAGES_LOOKED_AT)):
        image.seek(page)
        tags: Any = getattr(image, "tag_v2", {})
        more = more or not int(tags.get(_TIFF_SUBFILE, 0)) & 1
    image.seek(0)
    return more


def _is_text(data: bytes) -> bool:
    head = data[:512]
    return all(byte >= 0x20 or byte in b"\t\r\n\f" for byte in head) and b"\x7f" not in head and _is_utf8(head)


def _is_utf8(head: bytes) -> bool:
    try:
        head[: len(head) - 3 if len(head) == 512 else None].decode("utf-8")
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return True


def _density(image: Image.Image, name: str, data: bytes) -> tuple[float, float] | None:
    """What the file states, without the defaults that Pillow would put in its place."""
    if name == "JPEG2000":
        return headers.jp2_density(data)
    if name == "TIFF":
        tags: Any = getattr(image, "tag_v2", {})
        return _tagged(tags)
    if name == "JPEG":
        scale = _INCHES_PER_UNIT.get(image.info.get("jfif_unit", 0) + 1)
        if scale:
            x, y = image.info["jfif_density"]
            return headers.credible(x * scale, y * scale)
        return _tagged(image.getexif())
    if name in ("PNG", "BMP") and "dpi" in image.info:
        x, y = image.info["dpi"]
        return headers.credible(float(x), float(y))
    return None


def _tagged(tags: Any) -> tuple[float, float] | None:
    """XResolution and YResolution of TIFF 6.0 or Exif, inches unless the unit says centimetres or "ratio only"."""
    scale = _INCHES_PER_UNIT.get(tags.get(_TIFF_UNIT, 2))
    if scale is None or _TIFF_X not in tags or _TIFF_Y not in tags:
        return None
    try:
        return headers.credible(float(tags[_TIFF_X]) * scale, float(tags[_TIFF_Y]) * scale)
    except (TypeError, ValueError, ZeroDivisionError):  # a tag of a wrong type or a rational over zero states nothing
        return None


def _upright(image: Image.Image) -> Image.Image:
    """The picture turned as its orientation tag asks: a mirrored print would match nobody."""
    try:
        return ImageOps.exif_transpose(image)
    except (ValueError, TypeError, KeyError, IndexError, struct.error, SyntaxError, OSError):
        return image  # damaged metadata beside a sound picture: read it as it lies


def to_gray(image: Image.Image, *, deep_bits: int) -> Image.Image:
    """Mode "L", ridges dark: colour by ITU-R BT.601 luma, transparency laid on white, deep pixels to their upper eight bits.

    `deep_bits` is how many bits a pixel has where it has more than eight: 9 to 16, else Unreadable.
    """
    mode = image.mode
    if mode.startswith("I"):
        return _from_deep(image, deep_bits)
    if mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        over = image.convert("RGBA")
        paper = Image.new("RGBA", over.size, (255, 255, 255, 255))
        return Image.alpha_composite(paper, over).convert("L")
    if mode not in ("1", "L", "P", "RGB", "RGBX", "CMYK", "YCbCr"):
        raise Unreadable("depth", image.size)
    return image.convert("L")


def _from_deep(image: Image.Image, bits: int) -> Image.Image:
    if not 8 < bits <= 16:
        raise Unreadable("depth", image.size)
    wide = image.convert("I")
    low, high = wide.getextrema()
    if not 0 <= float(low) <= float(high) < 1 << bits:  # type: ignore[arg-type]
        raise Unreadable("depth", image.size)
    if bits < 16:
        wide = wide.point(lambda value: value * (1 << (16 - bits)) + 0)
    pixels = wide.tobytes()  # four bytes each, in this machine's order; the second of the lower two is wanted
    return Image.frombytes("L", image.size, pixels[1::4] if sys.byteorder == "little" else pixels[2::4])


if __name__ == "__main__":
    main()
