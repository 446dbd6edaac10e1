"""Reading then writing gives the same bytes; what is read is what stands there; what is changed is written in order."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transactions import PIXELS, binary, first, print14, tagged

from mithaq.errors import FormatError
from mithaq.record import (
    Record,
    Transaction,
    binary_record,
    new_transaction,
    read_transaction,
    tagged_record,
    write_transaction,
)

TEXT2 = tagged(2, (2, b"00"), (3, b"free"), (2001, b"four digits"))


def read_back(data: bytes) -> Transaction:
    tx = read_transaction(data)
    assert write_transaction(tx) == data
    return tx


def test_every_binary_type_is_kept_with_its_header() -> None:
    kinds = [3, 4, 5, 6, 7, 8]
    tx = read_back(first(*((kind, kind) for kind in kinds)) + b"".join(binary(kind, kind) for kind in kinds))
    assert [record.type for record in tx.records] == [1, *kinds]
    four = tx.first(4)
    assert four is not None and four.idc == 4
    assert [part.text() for part in four.fields[:-1]] == [str(18 + len(PIXELS)), "4", "0", "1", "0", "32", "32", "0"]
    assert all(record.data == PIXELS for record in tx.records[1:])
    assert [record.integer(1) for record in tx.records] == [r.size for r in tx.records]


@pytest.mark.parametrize("kind", [10, 11, 12, 13, 14, 15, 16, 17, 19, 20, 21, 22, 23, 50, 99])
def test_data_may_hold_separators_and_tags(kind: int) -> None:
    data = b"\x1c\x1d\x1e\x1f14.001:5\x1c%d.999:\x1d2.001:\x1c" % kind + PIXELS
    tx = read_back(first((kind, 1), (2, 0)) + tagged(kind, (2, b"01"), (999, data)) + TEXT2)
    assert [record.type for record in tx.records] == [1, kind, 2]
    assert tx.records[1].data == data


def test_data_is_a_view_of_the_input() -> None:
    data = first((14, 1), (4, 2)) + print14(1) + binary(4, 2)
    tx = read_transaction(data)
    for record in tx.records[1:]:
        assert record.data is not None and record.data.obj is data
    assert all(part.value.obj is data for record in tx.records for part in record.fields)


def test_unpadded_and_overpadded_tags_are_kept() -> None:
    old = first((2, 0), width=2).replace(b"1.01:", b"01.01:", 1)
    tx = read_back(old + tagged(2, (2, b"0"), (18, b"X"), width=2) + tagged(9, (2, b"1"), (3, b"0"), width=5))
    assert [part.number for part in tx.records[1].fields] == [1, 2, 18]
    assert [part.number for part in tx.records[2].fields] == [1, 2, 3]


def test_subfields_and_items() -> None:
    tx = read_back(first((9, 1)) + tagged(9, (2, b"01"), (12, b"1\x1f2\x1f\x1e\x1e3\x1f4"), (13, b"")))
    found = tx.records[1].field(12)
    assert found is not None and found.subfields == (("1", "2", ""), ("",), ("3", "4"))
    empty = tx.records[1].field(13)
    assert empty is not None and empty.subfields == (("",),)


def test_foreign_tags_empty_fields_and_stray_separators_are_kept() -> None:
    body = tagged(9, (2, b"01"), (4, b"S\x1d\x1d13.005:x\x1dno tag\x1d9.0x:y"), (5, b"\x1d"))
    tx = read_back(first((9, 1)) + body)
    assert [(part.record_type, part.number) for part in tx.records[1].fields] == [
        (9, 1), (9, 2), (9, 4), (9, 0), (13, 5), (9, 0), (9, 0), (9, 5), (9, 0)
    ]  # fmt: skip


def test_two_decoys_before_the_data() -> None:
    tx = read_back(first((14, 1)) + print14(1, b"4732\x1d14.999:9238\x1d14.999:" + PIXELS))
    record = tx.records[1]
    assert record.data == PIXELS
    assert [bytes(part.value) for part in record.fields if part.number == 999][:2] == [b"4732", b"9238"]


@pytest.mark.parametrize("shift", [-400, -3, -1, 1, 3, 40, 10**6])
def test_a_wrong_length_of_a_text_record_is_kept(shift: int) -> None:
    fields = ((2, b"00"), (3, b"text" * 120))
    two = tagged(2, *fields, shift=shift)
    tx = read_back(first((2, 0), (4, 1), (14, 2)) + two + binary(4, 1) + print14(2))
    assert [record.type for record in tx.records] == [1, 2, 4, 14]
    assert tx.records[1].integer(1) == len(tagged(2, *fields)) + shift


@pytest.mark.parametrize("shift", [-700, -1, 1, 20])
def test_a_wrong_length_of_a_picture_is_kept_where_its_end_can_be_found(shift: int) -> None:
    tx = read_back(first((14, 1), (2, 0)) + print14(1, PIXELS[:200], shift=shift) + TEXT2)
    assert [record.type for record in tx.records] == [1, 14, 2]
    assert tx.records[1].data == PIXELS[:200]


def test_wrong_length_of_type_1() -> None:
    assert len(read_back(first((2, 0), shift=-5) + TEXT2).records) == 2
    assert len(read_back(first((2, 0), shift=len(TEXT2)) + TEXT2).records) == 2


def test_a_missing_closing_separator_is_kept() -> None:
    tx = read_back(first((2, 0)) + tagged(2, (2, b"00"), end=b""))
    assert tx.records[1].end == b""


def test_padding_at_the_end_is_kept() -> None:
    assert read_back(first((2, 0)) + TEXT2 + b"\r\n").tail == b"\r\n"
    assert read_back(first((4, 1), (4, 2)) + binary(4, 1) + b"\0\0\0\0").tail == bytes(4)


def test_unknown_encoding_of_characters() -> None:
    arabic = "قضية".encode("cp1256")
    tx = read_back(first((2, 0)) + tagged(2, (2, b"00"), (3, arabic)))
    found = tx.records[1].field(3)
    assert found is not None and found.text("cp1256") == "قضية"
    with pytest.raises(FormatError, match="REC-021"):
        found.text("utf-8")
    assert found.subfields[0][0].encode("utf-8", "surrogateescape") == arabic


# ---------------------------------------------------------------- laws

values = st.binary(max_size=60).map(lambda b: b.translate(None, b"\x1c\x1d"))
numbers = st.integers(3, 9999)
text_fields = st.lists(st.tuples(numbers, values), max_size=5)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    made, listed = [], []
    for idc in range(draw(st.integers(0, 5))):
        kind = draw(st.sampled_from([2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 17, 18, 21, 98, 99]))
        listed.append((kind, idc))
        if 3 <= kind <= 8:
            made.append(binary(kind, idc, draw(st.binary(max_size=90))))
        else:
            fields = [(2, b"%02d" % idc), *((n, v) for n, v in draw(text_fields) if n != 999)]
            if kind >= 10 and kind not in (18, 98) and draw(st.booleans()):
                fields.append((999, draw(st.binary(max_size=90))))
            made.append(tagged(kind, *fields, width=draw(st.sampled_from([1, 2, 3, 4]))))
    return first(*listed, width=draw(st.sampled_from([1, 2, 3]))) + b"".join(made)


@given(files())
def test_write_of_read_is_the_identity(data: bytes) -> None:
    tx = read_back(data)
    assert all(record.size == record.integer(1) for record in tx.records)
    assert [record.idc for record in tx.records[1:]] == list(range(len(tx.records) - 1))


@given(files(), st.data())
def test_any_mutation_gives_a_transaction_or_a_format_error(data: bytes, draw: st.DataObject) -> None:
    raw = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 4))):
        at = draw.draw(st.integers(0, max(0, len(raw) - 1)))
        piece = draw.draw(
            st.sampled_from([b"", b"\x1c", b"\x1d", b"14.001:9\x1c", b"\xff\xff", b"1", b"9" * 30, b"\x00" * 4])
        )
        raw[at : at + draw.draw(st.sampled_from([0, 1, 5, 200]))] = piece
    try:
        tx = read_transaction(bytes(raw))
    except FormatError as error:
        assert error.code.startswith("REC-")
    else:
        assert write_transaction(tx) == raw


@given(st.binary(max_size=300))
def test_any_bytes_after_a_type_1_tag(data: bytes) -> None:
    raw = b"1.001:" + data
    try:
        assert write_transaction(read_transaction(raw)) == raw
    except FormatError:
        pass


texts = st.text(st.characters(exclude_characters="\x02\x03\x1c\x1d\x1e\x1f", exclude_categories=["Cs"]), max_size=8)
shapes = st.lists(st.lists(texts, min_size=1, max_size=4), min_size=1, max_size=3)


@st.composite
def built(draw: st.DrawFn) -> Transaction:
    records = []
    for idc in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from([2, 4, 8, 9, 14, 15, 99]))
        data = draw(st.binary(max_size=50))
        if kind == 4:
            records.append(binary_record(4, idc, [0, [1], 0, 3, 4, 0], data))
        elif kind == 8:
            records.append(binary_record(8, idc, [0, 0, 0, 3, 4], data))
        else:
            fields = draw(st.dictionaries(st.integers(3, 998), shapes, max_size=4))
            payload = {999: b"\xff" + data} if kind >= 10 else {}  # a payload of digits and a tag would be a decoy
            records.append(tagged_record(kind, {**fields, **payload}, idc=idc))
    return new_transaction({4: "CAR", 15: [["3", "UTF-8", ""]]}, records)


@given(built())
def test_read_of_write_is_the_identity(tx: Transaction) -> None:
    again = read_back(write_transaction(tx))
    assert again == tx
    assert [record.integer(1) for record in again.records] == [record.size for record in tx.records]


@given(built(), st.data())
def test_a_change_touches_its_record_and_the_contents_alone(tx: Transaction, draw: st.DataObject) -> None:
    read = read_back(write_transaction(tx))
    at = draw.draw(st.integers(0, len(read.records) - 1))
    one = read.records[at]
    number = 9 if one.type == 4 else 8 if one.type == 8 else draw.draw(st.integers(16, 998))
    value = draw.draw(st.binary(max_size=30).map(lambda raw: raw.translate(None, b"\x1c\x1d\x1e\x1f")))
    changed = read.replace_record(at, one.with_field(number, value))
    again = read_back(write_transaction(changed))
    assert again == changed
    assert [record for k, record in enumerate(again.records) if k != at] == [
        record for k, record in enumerate(read.records) if k != at
    ]
    assert again.records[at].integer(1) == again.records[at].size


# ---------------------------------------------------------------- changes


def test_a_changed_field_sets_its_length_right_and_leaves_the_rest() -> None:
    data = first((2, 0), (4, 1)) + TEXT2 + binary(4, 1)
    tx = read_transaction(data)
    changed = tx.replace_record(1, tx.records[1].with_field(3, "much longer than before" * 5))
    written = write_transaction(changed)
    assert written.startswith(bytes(write_transaction(Transaction((tx.records[0],)))))
    assert written.endswith(binary(4, 1))
    again = read_back(written)
    assert again.records[1].text(3) == "much longer than before" * 5
    assert again.records[1].integer(1) == again.records[1].size


def test_a_field_put_in_has_the_records_style_and_place() -> None:
    tx = read_transaction(first((2, 0), width=2) + tagged(2, (2, b"0"), (18, b"X"), (30, b"Y"), width=2))
    record = tx.records[1].with_field(20, [["a", "b"], ["c"]])
    assert [part.tag for part in record.fields] == [b"2.01:", b"2.02:", b"2.18:", b"2.20:", b"2.30:"]
    assert record.text(20) == "a\x1fb\x1ec"
    assert record.without_field(20).fields == tx.records[1].fields


def test_contents_are_listed_anew_only_where_records_change() -> None:
    wrong = first((9, 3), (2, 0)) + TEXT2
    tx = read_transaction(wrong)
    same = tx.replace_record(1, tx.records[1].with_field(3, "other"))
    assert same.records[0] == tx.records[0]
    added = tx.with_records([*tx.records, binary_record(4, 7, [0, [1, 2], 0, 32, 32, 0], PIXELS)])
    listed = added.records[0].field(3)
    assert listed is not None and listed.subfields == (("1", "2"), ("2", "00"), ("4", "07"))
    assert [record.type for record in read_back(write_transaction(added)).records] == [1, 2, 4]


@pytest.mark.parametrize("size", [*range(1, 12), *range(80, 110), *range(980, 1010)])
def test_the_length_counts_its_own_digits(size: int) -> None:
    record = tagged_record(2, {3: b"x" * size}, idc=0)
    written = b"".join(bytes(chunk) for chunk in record.chunks())
    assert record.integer(1) == len(written) == record.size


def test_binary_items_keep_their_width() -> None:
    record = binary_record(4, 1, [0, [1], 0, 32, 32, 0], PIXELS)
    assert b"".join(bytes(chunk) for chunk in record.chunks()) == binary(4, 1)
    assert record.with_field(9, b"short").integer(1) == 18 + 5
    for wrong in (lambda: record.with_field(6, b"\0"), lambda: record.with_field(10, b"")):
        with pytest.raises(FormatError, match="REC-024"):
            wrong()
    for items in ([0, [1], 0, 70000, 32, 0], [0, [1] * 7, 0, 32, 32, 0], [0]):
        with pytest.raises(FormatError, match="REC-026"):
            binary_record(4, 1, items, PIXELS)


@pytest.mark.parametrize("text", ["a\x1cb", "a\x1d2.018:NAME", "a\x1eb", "a\x1fb", "\x02", "\x03"])
def test_text_with_a_separator_is_refused(text: str) -> None:
    with pytest.raises(FormatError, match="REC-022"):
        tagged_record(2, {3: text}, idc=0)


def test_type_1_is_ascii() -> None:
    with pytest.raises(FormatError, match="REC-023"):
        new_transaction({8: "قطر"}, [])


def test_the_first_record_stays_type_1() -> None:
    tx = read_transaction(first((2, 0)) + TEXT2)
    with pytest.raises(FormatError, match="REC-025"):
        tx.with_records(tx.records[1:])


def test_values_are_not_shown_in_repr() -> None:
    assert "free" not in repr(read_transaction(first((2, 0)) + TEXT2).records[1])


def test_lengths_of_many_fields_take_linear_work() -> None:
    """Counted, not timed: the reader touches each of 20,000 fields and records once, deep in nothing."""
    fields = tuple((n, b"x") for n in range(3, 20_003))
    tx = read_back(first((2, 0)) + tagged(2, (2, b"00"), *fields) + b"2.001:9\x1c" * 2_000)
    assert len(tx.records[1].fields) == 20_002 and len(tx.records) == 2_002


def test_importing_the_room_loads_no_heavy_package() -> None:
    code = "import sys, mithaq.record; print(sorted({'numba', 'fastapi', 'scipy', 'onnxruntime', 'PIL', 'lxml'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_record_without_number_has_no_idc() -> None:
    assert read_transaction(first((2, 0)) + tagged(2, (2, b"xx"))).records[1].idc is None
    assert Record(2, ()).data is None
