"""Every traditional transaction of the visible set is read, and written back as the same bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from mithaq.record import images, read_transaction, write_transaction

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
