"""Pictures and templates that are no print, or not as they should be: a reason or a code, never a silent low score.

Blank pictures, noise, smudges and shading are in tests/finger/test_finger_extract.py, lying sizes in
test_image_lying_size.py, templates byte by byte in tests/finger/test_finger_template.py.
"""

from __future__ import annotations

import json
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from mithaq import cli
from mithaq.demo.prints import Difficulty, finger, impression
from mithaq.finger import Template, compare, extract, shortcomings, threshold_for
from mithaq.finger.mirrored import mirrored
from mithaq.image import png_bytes
from mithaq.units import GrayImage

SIZE = 288


def print_of(seed: int = 3, period_px: float = 9.0, size: int = SIZE) -> GrayImage:
    """Level ridges with a dozen of minutiae: a finger that does not exist."""
    y, x = np.mgrid[:size, :size].astype(float)
    phase = 2.0 * np.pi * y / period_px
    random = np.random.default_rng(seed)
    places = [(a, b) for a in range(60, 280, 60) for b in range(60, 280, 60)]
    for k, (px, py) in enumerate(places):
        px, py = np.array([px, py]) * size / SIZE + random.uniform(-15, 15, 2)
        phase += (-1) ** (k + k // 4) * np.arctan2(y - py, x - px)
    return GrayImage(np.clip(128.0 + 90.0 * np.cos(phase), 0, 255).astype(np.uint8), 500.0)


def bar_code(module_px: int, tilt: float) -> NDArray[np.float64]:
    y, x = np.mgrid[:SIZE, :SIZE]
    bits = np.random.default_rng(module_px).integers(0, 2, 1000)
    return 20.0 + 215.0 * bits[np.floor((x + tilt * y) / module_px).astype(int)]


def square_code(module_px: int) -> NDArray[np.float64]:
    count = -(-SIZE // module_px)
    bits = np.random.default_rng(module_px).integers(0, 2, (count, count))
    return 20.0 + 215.0 * np.kron(bits, np.ones((module_px, module_px)))[:SIZE, :SIZE]


def lettering() -> NDArray[np.float64]:
    page = np.full((SIZE, SIZE), 240.0)
    random = np.random.default_rng(9)
    for top in range(10, SIZE - 14, 22):
        for left in range(8, SIZE - 14, 12):
            shape = random.integers(0, 6)
            if shape:
                page[top : top + 13, left : left + 2] = 20
                page[top + 2 * shape : top + 2 * shape + 2, left : left + 9] = 20
    return gaussian_filter(page, 0.6)


def face() -> NDArray[np.float64]:
    """A drawn face: an oval, hair in strands, eyes, brows, a nose and a mouth."""
    y, x = np.mgrid[:360, :SIZE].astype(float)
    page = 150.0 + 30.0 * x / SIZE
    oval = ((x - 144) / 90) ** 2 + ((y - 185) / 130) ** 2 < 1
    page[oval] = (195 - 25 * ((x - 130) / 90) ** 2 - 15 * ((y - 170) / 130) ** 2)[oval]
    hair = (((x - 144) / 102) ** 2 + ((y - 140) / 112) ** 2 < 1) & (y < 122)
    page[hair] = 50 + 20 * np.sin(x / 2.3 + 3 * np.sin(y / 30))[hair]
    for middle in (110, 178):
        page[((x - middle) / 18) ** 2 + ((y - 170) / 8) ** 2 < 1] = 225
        page[np.hypot(x - middle, y - 170) < 7] = 40
        page[(abs(x - middle) < 23) & (abs(y - 150) < 4)] = 60
    page[(abs(x - 144) < 5) & (y > 175) & (y < 225)] -= 25
    page[((x - 144) / 36) ** 2 + ((y - 265) / 9) ** 2 < 1] = 110
    return gaussian_filter(page, 1) + np.random.default_rng(1).normal(0, 3, page.shape)


def waves(period_px: float, *, rings: bool) -> NDArray[np.float64]:
    y, x = np.mgrid[:SIZE, :SIZE]
    turn = 2 * np.pi / period_px
    if rings:
        return 128 + 90 * np.cos(turn * np.hypot(x - 130, y - 150))
    return 128 + 50 * np.cos(turn * x) + 50 * np.cos(turn * y)


@pytest.mark.parametrize(
    ("name", "draw"),
    [
        ("bar code", lambda: bar_code(3, 0.0)),
        ("tilted bar code", lambda: bar_code(4, 0.3)),
        ("square code", lambda: square_code(4)),
        ("lettering", lettering),
        ("face", face),
        ("rings", lambda: waves(9.0, rings=True)),
        ("grating", lambda: waves(9.0, rings=False)),
    ],
)
def test_a_picture_of_something_else_is_not_searched(name: str, draw: Callable[[], NDArray[np.float64]]) -> None:
    template = extract(GrayImage(np.clip(draw(), 0, 255).astype(np.uint8), 500.0))
    assert set(shortcomings(template)) & {"no-ridges", "too-few-minutiae"}
    assert template.quality_score < 50


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    def call(*arguments: object) -> tuple[int, dict[str, Any]]:
        monkeypatch.setattr(sys, "argv", ["mithaq", *map(str, arguments), "--json"])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0), json.loads(capsys.readouterr().out)

    return call


def test_a_picture_of_400_million_pixels_is_refused_from_its_header(run: Any, tmp_path: Path) -> None:
    side = 20_000
    body = zlib.compressobj()
    rows = b"".join(body.compress(bytes(side + 1)) for _ in range(side)) + body.flush()

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    data = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    (tmp_path / "large.png").write_bytes(data)
    status, found = run("finger", "extract", tmp_path / "large.png", "-o", tmp_path / "x.template", "--ppi", 500)
    assert status == 3
    assert found["error"]["code"] == "IMG-005"
    assert not (tmp_path / "x.template").exists()


def test_a_print_at_a_resolution_that_is_not_stated_is_refused(run: Any, tmp_path: Path) -> None:
    twice = print_of(period_px=22.0, size=2 * SIZE)  # ridges 22 px apart: 1100 to 1200 ppi, and the file says 500
    (tmp_path / "twice.png").write_bytes(png_bytes(twice))
    status, found = run("finger", "extract", tmp_path / "twice.png", "-o", tmp_path / "x.template")
    assert status == 3
    assert found["error"]["code"].startswith("IMG-0")
    assert not (tmp_path / "x.template").exists()


def test_an_inverted_print_still_matches() -> None:
    upright = extract(print_of())
    inverted = extract(GrayImage(255 - print_of().pixels, 500.0))
    assert shortcomings(inverted) == ()
    assert compare(upright, inverted).value > threshold_for(1e-6)


def test_a_mirrored_print_is_a_stranger_in_itself_and_the_comparison_says_what_it_is(run: Any, tmp_path: Path) -> None:
    image = impression(
        finger(0), 1, Difficulty.CLEAN
    )  # print_of's minutiae lie on a grid that looks the same reflected
    (tmp_path / "a.png").write_bytes(png_bytes(image))
    (tmp_path / "b.png").write_bytes(png_bytes(GrayImage(np.ascontiguousarray(image.pixels[:, ::-1]), 500.0)))
    status, found = run("finger", "compare", tmp_path / "a.png", tmp_path / "b.png", "--ppi", 500)
    assert status == 0
    assert found["looks_mirrored"]
    assert found["score"] < threshold_for(1e-4)
    status, found = run("finger", "compare", tmp_path / "a.png", tmp_path / "a.png", "--ppi", 500)
    assert not found["looks_mirrored"]
    template = extract(image)
    assert mirrored(mirrored(template)).to_bytes() == template.to_bytes()


def test_what_cannot_be_searched_is_named_beside_its_score(run: Any, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png_bytes(print_of()))
    (tmp_path / "white.png").write_bytes(png_bytes(GrayImage(np.full((SIZE, SIZE), 255, np.uint8), 500.0)))
    status, found = run("finger", "compare", tmp_path / "a.png", tmp_path / "white.png", "--ppi", 500)
    assert status == 1
    assert found["score"] == 0.0
    assert found["shortcomings"][str(tmp_path / "white.png")][0] == "blank"
    assert found["shortcomings"][str(tmp_path / "a.png")] == []


@pytest.mark.parametrize(
    ("offset", "new", "code"),
    [
        (4, b"\x07", "FIN-021"),
        (16, struct.pack("<f", float("nan")), "FIN-026"),
        (6, struct.pack("<H", 65535), "FIN-023"),
    ],
)
def test_a_template_that_cannot_be_ends_with_its_code(
    run: Any, tmp_path: Path, offset: int, new: bytes, code: str
) -> None:
    whole = Template.from_minutiae(300, 300, np.arange(20) * 10, np.arange(20) * 12, np.zeros(20)).to_bytes()
    body = bytearray(whole[:-4])
    body[offset : offset + len(new)] = new
    good, bad = tmp_path / "good.template", tmp_path / "bad.template"
    good.write_bytes(whole)
    bad.write_bytes(bytes(body) + struct.pack("<I", zlib.crc32(bytes(body))))
    for command in (("compare", good, bad), ("compare", bad, good), ("draw", bad, "-o", tmp_path / "x.png")):
        status, found = run("finger", *command)
        assert status == 3
        assert found["error"]["code"] == code
    assert not (tmp_path / "x.png").exists()
