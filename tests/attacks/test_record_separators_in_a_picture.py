"""Pictures made of separators, of tags, and of whole transactions: nothing of them is read as structure."""

from __future__ import annotations

import pytest
from transactions import binary, first, print14, tagged

from mithaq.record import read_transaction, write_transaction

INNER = first((2, 0)) + tagged(2, (2, b"00"), (3, b"inner"))
PICTURES = [
    b"\x1c" * 500,
    b"\x1d" * 500,
    b"\x1e\x1f" * 300,
    b"\x1c14.001:30\x1d14.002:09\x1c" * 20,
    b"\x1d14.999:" * 20 + b"\xff",
    INNER,
    INNER * 5,
    bytes(range(256)) * 3,
]


@pytest.mark.parametrize("picture", PICTURES)
def test_in_tagged_and_in_binary_records(picture: bytes) -> None:
    data = first((14, 1), (4, 2), (2, 0)) + print14(1, b"\xff" + picture) + binary(4, 2, picture)
    data += tagged(2, (2, b"00"), (3, b"outer"))
    tx = read_transaction(data)
    assert write_transaction(tx) == data
    assert [record.type for record in tx.records] == [1, 14, 4, 2]
    assert tx.records[1].data == b"\xff" + picture and tx.records[2].data == picture
    assert tx.records[3].text(3) == "outer"


def test_a_changed_field_leaves_the_picture_alone() -> None:
    data = first((14, 1)) + print14(1, b"\xff" + INNER)
    tx = read_transaction(data)
    changed = read_transaction(write_transaction(tx.replace_record(1, tx.records[1].with_field(20, "a comment"))))
    assert changed.records[1].data == b"\xff" + INNER
    assert changed.records[1].integer(1) == changed.records[1].size
