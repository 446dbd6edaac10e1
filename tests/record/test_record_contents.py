"""What records search with, by their types, positions and impressions (REQ-023)."""

from __future__ import annotations

import pytest

from mithaq.record import binary_record, contents, new_transaction, tagged_record
from mithaq.record.model import Record


def tagged(record_type: int, position: int, impression: int) -> Record:
    return tagged_record(record_type, {3: str(impression), 13: str(position), 999: b"x"}, idc=1)


@pytest.mark.parametrize(
    ("records", "held"),
    [
        ([tagged(14, 2, 0), tagged(14, 13, 0)], "TP"),
        ([binary_record(4, 1, [1, [3], 1, 1, 1, 0], b"x")], "TP"),
        ([tagged(14, 0, 4)], "LT"),
        ([tagged(13, 0, 4)], "LT"),
        ([tagged(13, 2, 0)], "LT"),
        ([tagged(13, 21, 12)], "LP"),
        ([tagged(15, 21, 10)], "PP"),
        ([tagged(14, 2, 0), tagged(13, 0, 4)], "mixed"),
        ([], ""),
    ],
)
def test_the_records_say_what_they_search_with(records: list[Record], held: str) -> None:
    assert contents(new_transaction({2: "0502", 4: "CPS"}, records)) == held
