"""The resolution that a record states: by its scale where it is tagged, by its ISR and the class of its type where not."""

from __future__ import annotations

import pytest
from transactions import binary, first, print14

from mithaq.record import read_transaction
from mithaq.record.images import stated_ppi


@pytest.mark.parametrize(
    ("record_type", "isr", "ppi"),
    [(3, 0, 250.0), (4, 0, 500.0), (5, 0, 250.0), (6, 0, 500.0), (4, 1, 500.0), (3, 1, 500.0), (7, 0, None)],
)
def test_binary_records(record_type: int, isr: int, ppi: float | None) -> None:
    tx = read_transaction(first((record_type, 1)) + binary(record_type, 1, isr=isr))  # 1.011 and 1.012 say 19.69
    assert stated_ppi(tx, tx.records[1]) == ppi


@pytest.mark.parametrize(
    ("scale", "ppi"),
    [
        ({"f8": b"1", "f9": b"1000", "f10": b"1000"}, 1000.0),
        ({"f8": b"2", "f9": b"197", "f10": b"197"}, 500.0),
        ({"f8": b"1", "f9": b"500", "f10": b"300"}, None),
        ({"f8": b"0"}, None),
    ],
)
def test_tagged_records(scale: dict[str, bytes], ppi: float | None) -> None:
    tx = read_transaction(first((14, 1)) + print14(1, **scale))
    assert stated_ppi(tx, tx.records[1]) == ppi
