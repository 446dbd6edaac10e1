"""A finding says where: the byte, the subfield, the item. It never says what stood there."""

from __future__ import annotations

import hashlib

import pytest
from sound import LEGACY, M1, PRINT, four, made, sound, tagged, wsq
from transactions import answer, error, picture, query

from mithaq.record import Transaction, check, load_profile, read_transaction, write_transaction
from mithaq.record.findings import KINDS
from mithaq.record.offsets import offsets

BASE, OWN = load_profile("base-2015"), load_profile("mithaq-1")


def test_offsets_are_where_the_bytes_are() -> None:
    tx = sound()
    data = write_transaction(tx)
    places = offsets(tx)
    for index, record in enumerate(tx.records, 1):
        start = places.record(index)
        assert data[start : start + record.size] == b"".join(record.chunks())
        for at, part in enumerate(record.fields):
            here = places.fields(index)[at]
            assert data[here : here + part.size] == part.tag + bytes(part.value)
    assert places.tail == len(data)


def test_a_fault_is_placed_at_its_own_byte() -> None:
    tx = made(tagged(14, 1, PRINT, {22: [["1", "3"], ["2", "7"], ["99", "3"]]}), f11="00.00", f12="00.00")
    data = write_transaction(tx)
    found = check(tx, BASE)
    assert [(one.code, one.field, one.subfield, one.item) for one in found] == [
        ("REC-131", "14.022", 2, 2),
        ("REC-131", "14.022", 3, 1),
    ]
    field = data.index(b"14.022:") + 7
    assert [one.offset for one in found] == [field + 6, field + 8]
    assert all(f"byte {one.offset}" in one.place for one in found)


def test_a_minutia_outside_its_picture_is_placed_too() -> None:
    rows = [["1", "10", "10", "45", "1", "50"], ["2", "10", "99", "45", "1", "50"]]
    tx = made(tagged(14, 1, PRINT), tagged(9, 1, M1, {137: rows}), f11="00.00", f12="00.00")
    (found,) = check(tx, BASE)
    assert (found.field, found.subfield, found.item) == ("9.137", 2, 3)
    assert found.offset == write_transaction(tx).index(b"\x1f99\x1f") + 1


def test_every_fault_of_a_transaction_in_one_pass() -> None:
    print14 = {3: "99", 4: None, 5: "20261301", 9: "x", 11: "WSQ20", 13: "21", 999: wsq(10, 10, 250)}
    tx = made(four(1, positions=(60,)), tagged(14, 1, PRINT, print14), f2="0300", f6="0", f7=None)
    data = write_transaction(tx).replace(b"1\x1f2\x1e", b"1\x1f3\x1e") + b"\r\n"
    found = check(read_transaction(data), BASE)
    assert {(one.code, one.field) for one in found} >= {
        ("REC-121", "1.003"),
        ("REC-131", "1.006"),
        ("REC-110", "1.007"),
        ("REC-116", "14.003"),
        ("REC-110", "14.004"),
        ("REC-118", "14.005"),
        ("REC-115", "14.009"),
        ("REC-140", "14.006"),
        ("REC-144", "4.004"),
        ("REC-144", "14.013"),
        ("REC-126", ""),
        ("REC-127", "14.002"),
    }
    assert all(one.code in KINDS and one.offset is not None for one in found)


SECRET = "Zq7"


@pytest.mark.parametrize("number", [4, 5, 6, 8, 9, 11, 12, 13, 18, 20, 22, 23, 30, 31, 903, 996, 998])
def test_no_finding_shows_what_a_field_held(number: int) -> None:
    tx = made(
        tagged(14, 1, PRINT, {number: [[SECRET, SECRET + "\u0000"], [SECRET * 60] * 9]}), f11="00.00", f12="00.00"
    )
    found = check(tx, BASE)
    assert found
    assert SECRET not in "".join(map(repr, found))


@pytest.mark.parametrize("make", [query, answer, error, lambda: answer([]), lambda: query(case="قضية ١٢")])
def test_what_our_own_nodes_send_keeps_the_standard_and_the_profile(make: object) -> None:
    tx = make()  # type: ignore[operator]
    assert [str(one) for one in check(tx, OWN)] == []
    assert [str(one) for one in check(tx, BASE)] == []


def test_what_our_nodes_send_with_compressed_prints() -> None:
    prints = [picture(1, compression="WSQ20", data=wsq(ppi=500)), picture(2, ppi=1000.0)]
    tx = query(prints)
    assert check(tx, OWN) == [] == check(tx, BASE)


@pytest.mark.parametrize("encoded", [(b"\x1d14.011:NONE", b"\x1d14.011:PNG"), (b"\x1d14.006:32", b"\x1d14.006:33")])
def test_a_picture_that_is_not_what_it_says_is_an_error_under_our_own_profile(encoded: tuple[bytes, bytes]) -> None:
    tx = query()
    record = tx.records[2]
    number = int(encoded[1][4:7])
    changed = tx.replace_record(2, record.with_field(number, encoded[1].partition(b":")[2]))
    assert [(one.code, one.severity) for one in check(changed, OWN)] == [("REC-128", "error")]
    assert {one.severity for one in check(changed, BASE)} == {"warn"}


# ---------------------------------------------------------------- the caller's decoder


def compressed(ppi: int = 500) -> Transaction:
    return made(tagged(14, 1, PRINT, {11: "WSQ20", 999: wsq(ppi=ppi)}), f11="00.00", f12="00.00")


def test_a_decoder_is_asked_where_it_is_given() -> None:
    asked = []

    def decode(data: memoryview, kind: str) -> tuple[int, int, int] | None:
        asked.append((len(data), kind))
        return 32, 32, 8

    assert check(compressed(), BASE, decode=decode) == []
    assert asked == [(len(wsq(ppi=500)), "WSQ20")]
    found = check(compressed(), BASE, decode=lambda data, kind: (32, 31, 8))
    assert [(one.code, one.field) for one in found] == [("REC-140", "14.007")]
    found = check(compressed(), BASE, decode=lambda data, kind: None)
    assert [(one.code, one.field) for one in found] == [("REC-128", "14.011")]


# ---------------------------------------------------------------- minutiae and positions, form by form


def nine(values: dict[int, object], changes: dict[int, object]) -> list[tuple[str, str, int, int]]:
    tx = made(tagged(14, 1, PRINT), tagged(9, 1, values, changes), f11="00.00", f12="00.00")  # type: ignore[arg-type]
    return [(one.code, one.field, one.subfield, one.item) for one in check(tx, BASE)]


def test_minutiae_outside_the_picture_in_each_form() -> None:
    # 32 pixels at 500 ppi are 1.63 mm
    assert nine(LEGACY, {12: [["001", "01620162000"]]}) == []  # type: ignore[arg-type]
    assert nine(LEGACY, {12: [["001", "01800050000"]]}) == [("REC-146", "9.012", 1, 2)]  # type: ignore[arg-type]
    assert nine(M1, {128: "64"}) == [("REC-146", "9.128", 0, 0)]  # type: ignore[arg-type]
    efs = {3: "4", 4: "U", 300: [["100", "100", "10", "10"]], 331: [["100", "100", "0", "E"]]}
    assert nine(efs, {}) == []  # type: ignore[arg-type]
    assert nine(efs, {331: [["1", "1", "0", "E"], ["101", "5", "0", "E"]]}) == [("REC-146", "9.331", 2, 1)]  # type: ignore[arg-type]
    assert nine(efs, {300: [["160", "100", "10", "10"]]}) == [("REC-146", "9.300", 1, 0)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("impression", "position", "field"),
    [("12", "1", "15.013"), ("3", "21", ""), ("4", "21", "15.003"), ("33", "21", "15.003"), ("0", "1", "15.013")],
)
def test_impressions_go_with_positions(impression: str, position: str, field: str) -> None:
    tx = made(tagged(15, 1, PRINT, {3: impression, 13: position}), f2="0500", f11="00.00", f12="00.00")
    assert {one.field for one in check(tx, BASE) if one.rule.startswith("base-2015:cross")} == (
        {field} if field else set()
    )


def test_a_hash_that_holds() -> None:
    good = hashlib.sha256(bytes(PRINT[999])).hexdigest()  # type: ignore[arg-type]
    for spelt in (good, good.upper()):
        assert check(made(tagged(14, 1, PRINT, {996: spelt}), f11="00.00", f12="00.00"), BASE) == []
