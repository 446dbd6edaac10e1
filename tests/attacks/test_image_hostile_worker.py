"""A decoder that was broken into answers what it likes: the parent believes none of it and keeps nothing of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mithaq.errors import ImageError
from mithaq.image import Box, Limits

FORGER = """
import struct
from mithaq.image import worker
def serve(channel, wsq):
    request = b""
    while chunk := channel.recv(1 << 16):
        request += chunk
    (length,) = struct.unpack_from("<I", request)
    channel.sendall(request[4 + length:])
worker.serve = serve
worker.main()
"""


class ForgedBox(Box):
    command = ("-P", "-c", FORGER)


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with ForgedBox(Limits(pixels=10_000)) as opened:
        yield opened


def reply(header: str, pixels: bytes = b"") -> bytes:
    return len(header).to_bytes(4, "little") + header.encode() + pixels


def good(width: int = 2, height: int = 1, density: str = "null", name: str = '"PNG"') -> str:
    return f'{{"width": {width}, "height": {height}, "density": {density}, "format": {name}}}'


def test_the_forger_can_also_tell_the_truth() -> None:
    with ForgedBox() as box:
        assert box.decode(reply(good(), b"ab")).pixels.tolist() == [[97, 98]]


@pytest.mark.parametrize(
    "forged",
    [
        b"x",
        b"\xff\xff\xff\xff",
        reply("not json"),
        reply("[]"),
        reply("[" * 1000),
        reply('"' + "a" * 5000 + '"'),
        reply("{}"),
        reply(good(3), b"ab"),
        reply(good(-2, -1), b"ab"),
        reply(good(2**40, 1), b"ab"),
        reply(good(0, 0)),
        reply(good(density="[NaN, NaN]"), b"ab"),
        reply(good(density="[1e999, 500]"), b"ab"),
        reply(good(density='"500"'), b"ab"),
        reply(good(density="[500]"), b"ab"),
        reply(good(name='"{user.password}"'), b"ab"),
        reply(good(name="[]"), b"ab"),
        reply('{"error": "no-ppi"}'),
        reply('{"error": "raw"}'),
        reply('{"error": "{place}"}'),
        reply('{"error": ["text"]}'),
        reply(good(), b"ab" * 100_000),
    ],
)
def test_a_forged_reply_is_refused_and_the_worker_ended(box: Box, forged: bytes) -> None:
    assert box.decode(reply(good(), b"ab")).format == "PNG"
    with pytest.raises(ImageError) as caught:
        box.decode(forged)
    assert caught.value.code == "IMG-025"
    assert box.pid is None


def test_a_forged_refusal_is_only_a_refusal() -> None:
    with ForgedBox() as box, pytest.raises(ImageError) as caught:
        box.decode(reply('{"error": "pixels", "width": "{0.__class__}", "height": 1e400}'))
    assert caught.value.code == "IMG-005"
    assert "0 x 0" in caught.value.problem
