"""Headers of compressed pictures: size and depth from a few bytes, and None, never an error, from any others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sound import codestream, jp2, jpeg, png, wsq

from mithaq.record.payload import Header, read_header

KINDS = {
    "wsq": (wsq(300, 200, 500), Header("WSQ20", 300, 200, 8, 500)),
    "wsq without a comment": (wsq(300, 200), Header("WSQ20", 300, 200, 8)),
    "jpeg": (jpeg(300, 200), Header("JPEGB", 300, 200, 8)),
    "jpeg in colour": (jpeg(300, 200, 3, 0xC2), Header("JPEGB", 300, 200, 24)),
    "jpeg, lossless": (jpeg(300, 200, 1, 0xC3), Header("JPEGL", 300, 200, 8)),
    "png": (png(300, 200), Header("PNG", 300, 200, 8)),
    "png in colour": (png(300, 200, 2), Header("PNG", 300, 200, 24)),
    "jpeg 2000": (jp2(300, 200), Header("JP2", 300, 200, 8)),
    "jpeg 2000, codestream alone": (codestream(300, 200, 3), Header("JP2", 300, 200, 24)),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_header_says_size_and_depth(name: str) -> None:
    data, header = KINDS[name]
    assert read_header(data) == header == read_header(memoryview(data))


@pytest.mark.parametrize("name", KINDS)
def test_a_header_cut_anywhere_is_none_or_the_same(name: str) -> None:
    data, header = KINDS[name]
    for end in range(len(data)):
        assert read_header(data[:end]) in (None, header)


@given(st.sampled_from([b"", *(data[:length] for data, _ in KINDS.values() for length in (2, 4, 8, 12))]), st.binary())
def test_whatever_follows_a_beginning_raises_nothing(start: bytes, rest: bytes) -> None:
    found = read_header(start + rest)
    assert found is None or (found.width >= 0 and found.height >= 0)


@given(st.data())
def test_changed_headers_raise_nothing(data: st.DataObject) -> None:
    made = bytearray(data.draw(st.sampled_from([one for one, _ in KINDS.values()])))
    for _ in range(data.draw(st.integers(1, 4))):
        made[data.draw(st.integers(0, len(made) - 1))] = data.draw(st.integers(0, 255))
    read_header(bytes(made))


def test_a_chain_of_empty_segments_is_given_up() -> None:
    assert read_header(b"\xff\xd8" + b"\xff\xe0\x00\x02" * 100_000 + jpeg()[2:]) is None
    assert read_header(jp2()[:12] + b"\x00\x00\x00\x08free" * 100_000) is None
