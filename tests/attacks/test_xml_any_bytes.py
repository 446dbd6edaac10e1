"""XML cut off at every byte, damaged anywhere, or not XML at all: nothing but FormatError comes out."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transactions import query

from mithaq.errors import FormatError
from mithaq.record import Loss, read_any, read_transaction, read_xml, write_transaction, write_xml

ROUNDS = 1_500
SMALL = write_xml(query())


def outcome(data: bytes) -> str:
    try:
        tx = read_xml(data, losses=[])
    except FormatError as refusal:
        return refusal.code
    assert read_transaction(write_transaction(tx)) == tx  # what is read is a transaction
    lost: list[Loss] = []
    assert write_transaction(read_xml(write_xml(tx, losses=lost))) == write_transaction(tx) or lost
    return ""


def test_cut_off_at_every_byte() -> None:
    end = SMALL.rindex(b">")
    for size in range(len(SMALL)):
        assert outcome(SMALL[:size]) == ("" if size > end else "REC-030"), size


def test_damaged_in_every_way() -> None:
    rng = random.Random(20260310)
    words = [
        b"<",
        b">",
        b"/",
        b"&",
        b'"',
        b"\0",
        b"\xff",
        b"]]>",
        b"<![CDATA[",
        b"<!--",
        b"biom:",
        b"nc:",
        b"=",
        b"0",
        b"99999999999",
    ]
    tags = [b"<" + part.split(b">")[0] + b">" for part in SMALL.split(b"<")[1:]]
    codes = set()
    for _ in range(ROUNDS):
        data = bytearray(SMALL)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(data))
            match rng.randrange(5):
                case 0:
                    data[at] = rng.randrange(256)
                case 1:
                    del data[at : at + rng.randint(1, 60)]
                case 2:
                    data[at:at] = rng.choice(words)
                case 3:
                    old, new = rng.choice(tags), rng.choice(tags)
                    data = bytearray(bytes(data).replace(old, new, 1))
                case 4:
                    other = rng.randrange(len(data))
                    data[at:at] = data[other : other + rng.randint(1, 300)]
        codes.add(outcome(bytes(data)))
    assert "" in codes and "REC-030" in codes


def test_elements_swapped_and_repeated_keep_the_tree_sound() -> None:
    """Well-formed documents of our own elements in any order and number."""
    rng = random.Random(5)
    lines = SMALL.decode().splitlines(keepends=True)
    leaves = [
        n for n, line in enumerate(lines) if "</" in line and line.lstrip().startswith("<") and line.count("<") == 2
    ]
    seen = set()
    for _ in range(300):
        copy = list(lines)
        for _ in range(rng.randint(1, 6)):
            a, b = rng.choice(leaves), rng.choice(leaves)
            copy[a] = rng.choice([lines[b], lines[b] * rng.randint(0, 3), lines[a].replace(">1<", ">x<")])
        seen.add(outcome("".join(copy).encode()))
    assert "" in seen


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    for made in (data, b"<" + data, SMALL[:400] + data):
        for read in (read_xml, read_any):
            try:
                read(made)
            except FormatError as refusal:
                assert refusal.code.startswith("REC-")


ENCODINGS = [
    "utf-7",
    "utf-32",
    "cp1256",
    "unicode_escape",
    "idna",
    "base64",
    "hex",
    "rot13",
    "x" * 300,
    "ebcdic-cp-us",
    "utf-8-sig",
    "é",
]


@pytest.mark.parametrize("name", ENCODINGS)
def test_an_encoding_that_is_not_read_here_is_refused(name: str) -> None:
    assert outcome(SMALL.replace(b"UTF-8", name.encode(), 1)) in ("REC-030", "REC-033")


@pytest.mark.parametrize("declared", ["UTF-16", "US-ASCII", "UTF-8"])
def test_an_encoding_that_lies_is_refused(declared: str) -> None:
    data = SMALL.replace(b">DEMO-1<", ">سبابة<".encode())
    lie = data.replace(b"UTF-8", declared.encode(), 1)
    lie = lie if declared != "UTF-8" else lie.replace("سبابة".encode(), b"\xff\xfe\xc0")
    assert outcome(lie) == "REC-030"


def test_utf_16_and_latin_1_are_read_as_declared() -> None:
    text = SMALL.decode()
    plain = write_transaction(read_xml(SMALL))
    assert write_transaction(read_xml(text.replace("UTF-8", "UTF-16").encode("utf-16"))) == plain
    assert write_transaction(read_xml(text.replace("UTF-8", "ISO-8859-1").encode("latin-1"))) == plain
