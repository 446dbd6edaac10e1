"""Two Type-1 records, one inside another's place, or none at all."""

from __future__ import annotations

import pytest
from transactions import binary, first, print14, tagged

from mithaq.errors import FormatError
from mithaq.record import check, load_profile, read_transaction, tree, write_transaction

TEXT2 = tagged(2, (2, b"00"), (3, b"free"))


@pytest.mark.parametrize(
    "data",
    [
        first((2, 0)) + first((2, 0)) + TEXT2,
        first((2, 0)) + TEXT2 + first((2, 0)) + TEXT2,
        first() + first() + first(),
        first((1, 0), (2, 0)) + first() + TEXT2,
    ],
)
def test_two_are_kept_and_found(data: bytes) -> None:
    tx = read_transaction(data)
    assert write_transaction(tx) == data
    assert sum(record.type == 1 for record in tx.records) > 1
    assert any(finding.severity == "error" for finding in check(tx, load_profile("mithaq-1")))
    tree(tx)


def test_a_second_list_of_contents_cannot_bring_binary_records_in_the_first_did_not_announce() -> None:
    """What 1.003 of a second Type-1 lists comes after what the first does: the first's record is read by its own type."""
    data = first((4, 1), (1, 0), (7, 2)) + binary(4, 1) + first((7, 2)) + binary(7, 2)
    tx = read_transaction(data)
    assert write_transaction(tx) == data
    assert [record.type for record in tx.records] == [1, 4, 1, 7]


@pytest.mark.parametrize(
    "data", [TEXT2, print14(1), binary(4, 1), b"", b"\x1c", b"1.002:0500\x1c", b"1.001", b"11.001:9\x1c", b"\x00" * 50]
)
def test_none_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError, match="REC-001"):
        read_transaction(data)
