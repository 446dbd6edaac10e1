"""Ten million subfields in one field are refused before anything is made of them; a million separators are shown in part."""

from __future__ import annotations

import pytest
from hostile import HOSTILE, peak_beside
from transactions import first, tagged

from mithaq.errors import FormatError
from mithaq.record import check, load_profile, page, read_transaction, tree
from mithaq.record.limits import MOST_SEPARATORS
from mithaq.record.show import MOST_SUBFIELDS


@pytest.mark.parametrize("name", ["subfields", "subfields, wrong length", "items"])
def test_ten_million(name: str) -> None:
    data = HOSTILE[name](20_000_000)
    with pytest.raises(FormatError, match="REC-010"):
        read_transaction(data)
    assert peak_beside(data) < 2 * len(data)


def test_as_many_as_the_limit_allows_are_read_and_shown_in_part() -> None:
    allowed = MOST_SEPARATORS - first((2, 0)).count(b"\x1e") - first((2, 0)).count(b"\x1f")
    data = first((2, 0)) + tagged(2, (2, b"00"), (3, b"\x1e\x1f" * (allowed // 2)))
    tx = read_transaction(data)
    row = next(row for row in tree(tx) if row.field == "2.003")
    assert len(row.subfields) == MOST_SUBFIELDS
    assert row.left_out == allowed // 2 + 1 - MOST_SUBFIELDS
    assert len(page([("many", tx)])) < 200_000
    assert check(tx, load_profile("mithaq-1"))
