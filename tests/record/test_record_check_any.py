"""Whatever the reader takes, the check takes: damaged transactions give findings, never an error of another kind."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from sound import sound
from transactions import answer, query

from mithaq.errors import FormatError
from mithaq.record import check, load_profile, read_transaction, tree, write_transaction
from mithaq.record.findings import KINDS

PROFILES = [load_profile("base-2015"), load_profile("mithaq-1")]
SEEDS = [write_transaction(tx) for tx in (sound(), query(), answer())]
PIECES = [
    b"\x1c",
    b"\x1d",
    b"\x1e",
    b"\x1f",
    b"\xff",
    b"\x00",
    b"-1",
    b".",
    b"\xc2\xb2",
    b"9" * 30,
    b"9" * 5000,
    b"0501",
]
PIECES += [
    b"14.999:",
    b"9.012:",
    b"\x1d1.015:003\x1fUTF-8",
    b"\x1d1.015:002\x1fUTF-16",
    b"\xd9\x85",
    b"4.001:",
    b"1.001:",
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 8))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 4))] = draw(st.sampled_from(PIECES) | st.binary(max_size=3))
    return bytes(data)


@settings(max_examples=300)
@given(damaged(), st.sampled_from([None, "windows-1256", "utf-16-be", "utf-8"]))
def test_damaged_transactions_give_findings(data: bytes, encoding: str | None) -> None:
    try:
        tx = read_transaction(data)
    except FormatError:
        return
    for profile in PROFILES:
        for found in check(tx, profile, encoding=encoding):
            assert found.code in KINDS
            assert found.offset is None or 0 <= found.offset <= len(data)
            assert str(found)
    assert tree(tx, encoding=encoding)
