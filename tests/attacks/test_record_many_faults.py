"""Two hundred thousand faults in one field, or one in each of as many fields: all counted, a thousand of a kind listed."""

from __future__ import annotations

from collections import Counter

import pytest
from transactions import first, tagged

from mithaq.record import check, load_profile, read_transaction
from mithaq.record.checks.fields import MOST_ALIKE

BASE = load_profile("base-2015")
MANY = 200_000


def counted(*fields: tuple[int, bytes], record_type: int = 9) -> Counter[str]:
    data = first((record_type, 1)) + tagged(record_type, (2, b"01"), (3, b"0"), (4, b"U"), *fields)
    return Counter(found.code for found in check(read_transaction(data), BASE) if found.record == 2)


def test_many_subfields_of_which_each_has_a_fault() -> None:
    met = counted((137, b"\x1e".join(b"%d\x1f1\x1f1\x1f999\x1f1\x1f50" % (at % 9999 + 1) for at in range(MANY))))
    assert met["REC-131"] == MOST_ALIKE
    assert met["REC-136"] == 1  # which says how many more there are
    assert met["REC-112"] == 1


def test_many_subfields_without_items() -> None:
    met = counted((137, b"\x1e" * MANY))
    assert met["REC-113"] == MOST_ALIKE
    assert met["REC-136"] == 1


def test_one_subfield_of_many_items() -> None:
    met = counted((331, b"\x1f" * MANY))
    assert met["REC-113"] <= MOST_ALIKE
    assert (
        counted((12, b"1\x1f00000000000" + b"\x1fx" * MANY))["REC-115"] == MOST_ALIKE + 1
    )  # and one in the item for quality


@pytest.mark.parametrize("number", [20, 5000])
def test_many_fields(number: int) -> None:
    """The same field again and again, or each under a number of its own that the standard does not have."""
    fields = [(20 if number == 20 else 5000 + at, b"\x01") for at in range(50_000)]
    met = counted(*fields, record_type=14)
    assert met["REC-115" if number == 20 else "REC-132"] == MOST_ALIKE
    assert met["REC-136"] == 1
