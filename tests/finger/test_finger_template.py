"""Templates as bytes: the round trip, and what is refused."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spirals import finger

from mithaq.errors import FormatError
from mithaq.finger import Statistics, Template, shortcomings


def resealed(data: bytes, offset: int, new: bytes) -> bytes:
    body = data[:offset] + new + data[offset + len(new) : -4]
    return body + struct.pack("<I", zlib.crc32(body))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 300), st.booleans())
def test_bytes_give_back_the_template(seed: int, count: int, seen: bool) -> None:
    random = np.random.default_rng(seed)
    template = Template.from_minutiae(
        700,
        800,
        random.uniform(0, 699, count),
        random.uniform(0, 799, count),
        random.uniform(-10, 10, count),
        quality=random.uniform(0, 100, count),
        kind=random.integers(0, 3, count),
    )
    if seen:
        statistics = Statistics(100.0, 30.0, 0.5, 0.5, 9.0, 40.0)
        template = Template.described(700, 800, template.minutiae, 60, statistics)
    again = Template.from_bytes(template.to_bytes())
    assert again == template
    assert again.statistics == template.statistics
    assert len(again) == min(count, 255)
    assert shortcomings(again) == shortcomings(template)
    assert (np.diff(again.quality.astype(int)) <= 0).all()


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_the_bytes_nothing_but_a_format_error_escapes(data: st.DataObject) -> None:
    good = finger(1).to_bytes()
    bad = bytearray(good[: data.draw(st.integers(0, len(good)))] + data.draw(st.binary(max_size=40)))
    for place in data.draw(st.lists(st.integers(0, max(0, len(bad) - 1)), max_size=4)):
        if bad:
            bad[place] = data.draw(st.integers(0, 255))
    sealed = bytes(bad[:-4]) + struct.pack("<I", zlib.crc32(bytes(bad[:-4])))
    for attempt in (bytes(bad), sealed):
        try:
            Template.from_bytes(attempt)
        except FormatError as error:
            assert error.code.startswith("FIN-")


@pytest.mark.parametrize(
    ("offset", "new", "code"),
    [
        (0, b"FMR\0", "FIN-020"),
        (4, b"\x01", "FIN-021"),
        (5, b"\x09", "FIN-022"),
        (6, struct.pack("<H", 40_000), "FIN-023"),
        (6, struct.pack("<H", 30), "FIN-024"),
        (8, struct.pack("<H", 0), "FIN-010"),
        (8, struct.pack("<H", 20), "FIN-013"),
        (12, b"\xff", "FIN-026"),
        (16, struct.pack("<f", float("nan")), "FIN-026"),
        (40 + 5, b"\x00", "FIN-027"),
        (40 + 5, b"\xc8", "FIN-014"),
        (40 + 6, b"\x07", "FIN-014"),
        (40 + 7, b"\x00", "FIN-028"),
    ],
)
def test_a_template_that_cannot_be_is_refused(offset: int, new: bytes, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        Template.from_bytes(resealed(finger(1).to_bytes(), offset, new))
    assert caught.value.code == code


def test_damage_is_told_by_the_checksum() -> None:
    data = bytearray(finger(1).to_bytes())
    data[100] ^= 1
    with pytest.raises(FormatError, match="FIN-025"):
        Template.from_bytes(bytes(data))


@pytest.mark.parametrize(
    ("arrays", "code"),
    [
        (([1, 2], [1], [0.0, 0.0]), "FIN-011"),
        (([float("nan")], [1], [0.0]), "FIN-012"),
        (([1], [1], [float("inf")]), "FIN-012"),
        (([100], [1], [0.0]), "FIN-013"),
        (([-1], [1], [0.0]), "FIN-013"),
    ],
)
def test_minutiae_that_cannot_be_are_refused(arrays: tuple[list[float], ...], code: str) -> None:
    with pytest.raises(FormatError, match=code):
        Template.from_minutiae(100, 100, *arrays)


def test_of_a_hundred_thousand_minutiae_the_surest_255_are_kept() -> None:
    random = np.random.default_rng(0)
    count = 100_000
    template = Template.from_minutiae(
        600,
        600,
        *random.integers(0, 600, (2, count)),
        random.uniform(0, 6, count),
        quality=random.integers(0, 101, count),
    )
    assert len(template) == 255
    assert template.quality.min() == 100
