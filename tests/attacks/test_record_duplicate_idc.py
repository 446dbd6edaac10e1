"""Two records of one type under one IDC, IDCs that are none, and a change to one of the two."""

from __future__ import annotations

import pytest
from transactions import PIXELS, binary, first, print14, tagged

from mithaq.record import check, differences, load_profile, read_transaction, write_transaction


def test_both_are_kept_found_and_told_apart() -> None:
    data = first((14, 1), (14, 1), (4, 1), (4, 1)) + print14(1) + print14(1, PIXELS[::-1]) + binary(4, 1) * 2
    tx = read_transaction(data)
    assert write_transaction(tx) == data
    assert [finding.code for finding in check(tx, load_profile("mithaq-1"))].count("REC-127") == 3
    changed = tx.replace_record(2, tx.records[2].with_field(13, "2"))
    assert (
        write_transaction(changed)
        == first((14, 1), (14, 1), (4, 1), (4, 1)) + print14(1) + print14(1, PIXELS[::-1], f13=b"2") + binary(4, 1) * 2
    )
    (found,) = differences(tx, changed)
    assert (found.field, found.before, found.after) == ("14.013", "1", "2")


@pytest.mark.parametrize("idc", [b"", b"x", b"-1", b"1.5", b"9" * 30, b"\xff", b"00\x1e01", b"01\x1f02"])
def test_what_is_no_number_is_no_idc(idc: bytes) -> None:
    data = first((2, 0)) + tagged(2, (2, idc), (3, b"free"))
    tx = read_transaction(data)
    assert write_transaction(tx) == data
    assert tx.records[1].idc is None
    assert "REC-127" in {finding.code for finding in check(tx, load_profile("mithaq-1"))}
