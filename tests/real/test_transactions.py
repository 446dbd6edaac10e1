"""Every traditional transaction of the visible set is read, and written back as the same bytes."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mithaq.errors import FormatError
from mithaq.record import Transaction, images, read_transaction, write_transaction

pytestmark = pytest.mark.real
FOLDER = Path(__file__).parents[2].parent / "shared" / "data" / "nist-itl"
FILES = sorted(p for p in FOLDER.glob("*") if p.suffix not in {".xml", ".json", ".md"}) if FOLDER.is_dir() else []


@pytest.mark.skipif(not FILES, reason="the real transactions (../shared/data/nist-itl) are not on this machine")
def test_every_file_is_written_back_byte_equal() -> None:
    assert len(FILES) > 40
    for file in FILES:
        data = file.read_bytes()
        assert write_transaction(read_transaction(data)) == data, file.name


@pytest.mark.skipif(not FILES, reason="the real transactions (../shared/data/nist-itl) are not on this machine")
@pytest.mark.parametrize("name", ["nistref__type-4-tpcard.an2", "nistref__type-14-tpcard-nqm.an2"])
def test_a_tenprint_card_holds_fourteen_prints_at_500_ppi(name: str) -> None:
    found = images(read_transaction((FOLDER / name).read_bytes()))
    assert len(found) == 14
    assert {int(one.position) for one in found} == set(range(1, 15))
    assert all(abs((one.ppi or 0) - 500) < 2 for one in found)


@pytest.mark.skipif(not FILES, reason="the real transactions (../shared/data/nist-itl) are not on this machine")
@given(st.data())
def test_a_damaged_real_file_is_written_back_or_refused(draw: st.DataObject) -> None:
    data = bytearray(_small(draw.draw(st.sampled_from(FILES))))
    for _ in range(draw.draw(st.integers(1, 5))):
        at = draw.draw(st.integers(0, len(data)))
        piece = draw.draw(st.one_of(st.binary(max_size=6), st.sampled_from([b"\x1c", b"\x1d", b"14.999:", b"9" * 22])))
        data[at : at + draw.draw(st.sampled_from([0, 0, 1, 8, 300]))] = piece
    try:
        tx = read_transaction(bytes(data))
    except FormatError as refused:
        assert refused.code.startswith("REC-0")
    else:
        assert write_transaction(tx) == data
        assert sum(len(part.value) for record in tx.records for part in record.fields) <= len(data)


@functools.cache
def _small(file: Path) -> bytes:
    """The file with its payloads cut to a few bytes, so that structure is what gets hurt."""
    tx = read_transaction(file.read_bytes())
    records = [
        one.with_field(one.fields[-1].number, one.fields[-1].value[:40]) if len(one.fields[-1].value) > 40 else one
        for one in tx.records
    ]
    return write_transaction(Transaction(tuple(records), tx.tail))
