"""Arabic comes back as it was written: as 1.015 declares it, or as two partners agreed; where neither says so, it is found."""

from __future__ import annotations

import pytest
from sound import made

from mithaq.errors import FormatError
from mithaq.record import Transaction, check, differences, load_profile, tagged_record, tree, write_transaction
from mithaq.record.text import codec_of, field_text

BASE = load_profile("base-2015")
NAMES = [["محمد بن عليّ", "قطر"], ["second", "مريم ١٢٣"]]
FLAT = "محمد بن عليّ\x1fقطر\x1esecond\x1fمريم ١٢٣"
CASES = [("utf-8", "003", None), ("utf-16-be", "002", None), ("utf-32-be", "004", None)]
CASES += [("windows-1256", "128", "windows-1256"), ("utf-8", "000", "utf-8")]


def written(encoding: str, index: str) -> Transaction:
    names = [[item.replace("١٢٣", "") for item in subfield] for subfield in NAMES] if "1256" in encoding else NAMES
    return made(tagged_record(2, {3: names}, idc=0, encoding=encoding), f11="00.00", f12="00.00", f15=[[index, "NAME"]])


@pytest.mark.parametrize(("encoding", "index", "agreed"), CASES)
def test_arabic_survives(encoding: str, index: str, agreed: str | None) -> None:
    tx = written(encoding, index)
    assert [str(found) for found in check(tx, BASE, encoding=agreed)] == []
    two = tx.first(2)
    assert two is not None
    part = two.field(3)
    assert part is not None
    expected = FLAT.replace("١٢٣", "") if agreed == "windows-1256" else FLAT
    assert field_text(part, codec_of(tx, agreed)) == expected
    row = next(row for row in tree(tx, encoding=agreed) if row.field == "2.003")
    assert row.text == expected.replace("\x1f", " ␟ ").replace("\x1e", " ␞ ")
    assert next(row for row in tree(tx, encoding=agreed) if row.field == "2.002").text == "00"
    assert bytes(part.value) in write_transaction(tx)


def test_a_difference_is_told_in_the_characters_of_its_field() -> None:
    tx = written("utf-16-be", "002")
    text = tx.records[1].with_field(3, [["قطر"]], encoding="utf-16-be")
    code = text.with_field(4, "CODE", encoding="ascii")
    said = {one.field: one.said for one in differences(tx, tx.replace_record(1, code))}
    assert said["2.003"].endswith("is قطر")
    assert said["2.004"] == "is new: CODE"


@pytest.mark.parametrize("index", ["000", "128"])
def test_arabic_that_nobody_declared_is_found_and_not_shown(index: str) -> None:
    found = check(written("windows-1256", index), BASE)
    assert {(one.code, one.field) for one in found} == {("REC-119", "2.003")}
    assert {(one.subfield, one.item) for one in found} == {(1, 1), (1, 2), (2, 2)}
    assert "محمد" not in "".join(str(one) for one in found)


@pytest.mark.parametrize("name", ["no-such-codec", "hex", "", "\x00"])
def test_an_encoding_that_does_not_exist(name: str) -> None:
    for ask in (lambda tx: check(tx, BASE, encoding=name), lambda tx: tree(tx, encoding=name)):
        with pytest.raises(FormatError) as caught:
            ask(written("utf-8", "003"))
        assert caught.value.code == "REC-160"
