"""NULs, half characters and surrogates where text should be: kept byte for byte, and shown without harm."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
from transactions import first, tagged

from mithaq.errors import FormatError
from mithaq.record import check, differences, load_profile, page, read_transaction, tree, write_transaction

BAD = [
    b"\x00",
    b"\x00" * 400,
    b"\xff\xfe",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"a\xc0\xafb",
    b"\xef\xbf\xbe",
    b"\x80" * 300,
]
TURNED = "\u202eelif\u202c \u2066x\u2069 \u0000".encode()


@pytest.mark.parametrize("value", [*BAD, TURNED, b"<script>alert(1)</script>", b"'\"&<>"])
@pytest.mark.parametrize(
    "declared", [b"", b"\x1d1.015:3\x1fUTF-8\x1f", b"\x1d1.015:2\x1f\x1f", b"\x1d1.015:4\xff\x1f", b"\x1d1.015:\x00"]
)
def test_kept_and_shown(value: bytes, declared: bytes) -> None:
    head = first((2, 0)).replace(b"\x1d1.011:", declared + b"\x1d1.011:")
    data = head + tagged(2, (2, b"00"), (3, value), (4, value + b"\x1e" + value + b"\x1f" + value))
    tx = read_transaction(data)
    assert write_transaction(tx) == data
    rows = tree(tx)
    json.dumps([asdict(row) for row in rows]).encode()
    shown = page([("bad \udcff name", tx)])
    shown.encode()
    assert "<script>alert" not in shown and "\x00" not in shown and "\u202e" not in shown
    assert all(row.text.isprintable() for row in rows)
    check(tx, load_profile("mithaq-1"))
    assert list(differences(tx, read_transaction(head + tagged(2, (2, b"00"), (3, b"sound"), (4, b"sound")))))
    for part in tx.records[1].fields:
        try:
            part.text(tx.encoding)
        except FormatError as refused:
            assert refused.code == "REC-021"


@pytest.mark.parametrize("value", BAD)
def test_in_the_type_1_record(value: bytes) -> None:
    data = first((2, 0)).replace(b"CAR", value).replace(b"TCN1", value) + tagged(2, (2, value))
    tx = read_transaction(data)
    assert write_transaction(tx) == data
    assert tx.tot is None or tx.tot.isascii()
    check(tx, load_profile("mithaq-1"))
    page([("bad", tx)])
