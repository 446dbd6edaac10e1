"""Hundreds of damaged pictures: nothing but ImageError leaves the box, and a sound picture is read after each batch."""

from __future__ import annotations

import io
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mithaq.errors import ImageError
from mithaq.image import Box, Limits

ROUNDS = 120
Y, X = np.mgrid[:96, :80]
PIXELS = np.rint(128 + 100 * np.sin(np.hypot(X - 30.0, Y - 50.0) * 0.7)).astype(np.uint8)


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with Box(Limits(time_s=5.0, pixels=4_000_000, memory_mb=512)) as opened:
        yield opened


def saved(kind: str, **options: Any) -> bytes:
    if kind == "WSQ":
        pytest.importorskip("wsq", reason="the wsq package has no wheel for this machine")
    out = io.BytesIO()
    Image.fromarray(PIXELS).save(out, kind, **options)
    return out.getvalue()


def damaged(data: bytes, rng: random.Random) -> bytes:
    """The data with one of five injuries; the head, where the tables are, is hurt as often as all the rest."""
    head = min(len(data), 400)
    body = bytearray(data)
    kind = rng.randrange(5)
    if kind <= 1:
        for _ in range(rng.randint(1, 6)):
            body[rng.randrange(head if rng.random() < 0.6 else len(body))] = rng.randrange(256)
    elif kind == 2:
        del body[rng.randrange(2, len(body)) :]
    elif kind == 3:
        start = rng.randrange(2, len(body))
        del body[start : start + rng.randint(1, 40)]
    else:
        start = rng.randrange(2, len(body))
        body[start:start] = rng.randbytes(rng.randint(1, 40))
    return bytes(body)


@pytest.mark.parametrize(
    ("kind", "options"),
    [("WSQ", {}), ("JPEG2000", {}), ("PNG", {}), ("JPEG", {}), ("TIFF", {"compression": "tiff_lzw"}), ("BMP", {})],
)
def test_damage_ends_in_an_image_error_or_a_picture(box: Box, kind: str, options: dict[str, Any]) -> None:
    sound = saved(kind, **options)
    expected = box.decode(sound).pixels
    rng = random.Random(f"mithaq {kind}")
    outcomes: Counter[str] = Counter()
    for _ in range(ROUNDS if kind in ("WSQ", "JPEG2000", "PNG") else ROUNDS // 3):
        try:
            picture = box.decode(damaged(sound, rng))
        except ImageError as error:
            outcomes[error.code] += 1
        else:
            outcomes["read"] += 1
            assert picture.pixels.ndim == 2
            assert picture.pixels.size <= box.limits.pixels
    assert sum(outcomes.values()) - outcomes["read"] > 10, outcomes
    assert outcomes["IMG-025"] == 0, outcomes
    np.testing.assert_array_equal(box.decode(sound).pixels, expected)


def test_noise_behind_each_magic_number(box: Box) -> None:
    rng = random.Random("mithaq noise")
    magics = [
        b"\xff\xa0",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0",
        b"\x00\x00\x00\x0cjP  \r\n\x87\n",
        b"\xff\x4f\xff\x51",
        b"II*\x00",
        b"MM\x00*",
        b"BM",
        b"P5 ",
        b"P2\n",
        b"P4\n",
    ]
    for magic in magics:
        for size in (0, 1, 20, 3000):
            with pytest.raises(ImageError):
                box.decode(magic + rng.randbytes(size))
