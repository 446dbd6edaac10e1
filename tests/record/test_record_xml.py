"""XML both ways: an empty report means that the same comes back, and what a report does not name comes back equal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transactions import PIXELS, answer, binary, error, first, print14, query, tagged

from mithaq.errors import FormatError
from mithaq.record import (
    Loss,
    Transaction,
    new_transaction,
    read_any,
    read_transaction,
    read_xml,
    tagged_record,
    write_transaction,
    write_xml,
    xml_chunks,
)
from mithaq.record.xml import package
from mithaq.record.xml.table import RECORDS, table

ROOT = Path(__file__).parents[2]
HEADER = {2: "0502", 4: "CAR", 5: "20260310", 7: "DAI", 8: "ORI", 9: "TCN1", 11: "19.69", 12: "19.69"}


def there_and_back(tx: Transaction) -> tuple[Transaction, list[Loss]]:
    losses: list[Loss] = []
    data = write_xml(tx, losses=losses)
    assert data == b"".join(xml_chunks(tx))
    back = read_xml(data)
    again: list[Loss] = []
    repeated = write_transaction(read_xml(write_xml(back, losses=again)))
    assert again or repeated == write_transaction(back)
    assert losses or write_transaction(back) == write_transaction(tx)
    return back, losses


def of(record_type: int, fields: dict[int, object], **header: str) -> Transaction:
    body = tagged_record(record_type, fields, idc=1)  # type: ignore[arg-type]
    return new_transaction({**HEADER, **{int(key[1:]): value for key, value in header.items()}}, [body])


def xml_of(tx: Transaction) -> str:
    return write_xml(tx).decode()


# ---------------------------------------------------------------- the law


def fields_of(record_type: int) -> list[int]:
    known = [number for number in table(record_type).rows if number > 2]
    return [*known, 3, 55, 200, 777]


SEPARATED = st.lists(
    st.lists(st.text("0123459ABTYSU.,-/ é✓<&\r\n", max_size=12), min_size=1, max_size=5), min_size=1, max_size=4
)
SPELT = st.sampled_from(["20260310", "20260310120000Z", "Y", "1", "0", "S", "20472583", "01", "FACE", "00000000", ""])
TYPES = sorted(set(RECORDS) - {1, 3, 4, 5, 6, 7, 8})


@st.composite
def transactions(draw: st.DrawFn) -> Transaction:
    records = []
    for idc in range(draw(st.integers(1, 3))):
        record_type = draw(st.sampled_from(TYPES))
        numbers = draw(st.lists(st.sampled_from(fields_of(record_type)), max_size=8, unique=True))
        fields = {
            number: draw(st.one_of(SEPARATED, SPELT, st.binary(max_size=6))) for number in numbers if number != 999
        }
        if 999 in numbers:
            fields[999] = draw(st.binary(max_size=100))
        records.append(tagged_record(record_type, fields, idc=idc))
    header = dict(HEADER)
    if draw(st.booleans()):
        header[15] = [["003", "UTF-8"]]
    if draw(st.booleans()):
        header[13] = [["INT-I", "0600"]]
    return new_transaction(header, records)


@given(transactions())
def test_what_the_report_does_not_name_comes_back_equal(tx: Transaction) -> None:
    back, losses = there_and_back(tx)
    named = {(loss.record, loss.field) for loss in losses}
    assert len(back.records) == len(tx.records)
    for number, (record, other) in enumerate(zip(tx.records, back.records, strict=True), 1):
        kept = {part.name: bytes(part.value) for part in other.fields}
        for part in record.fields:
            if part.number != 1 and (number, part.name) not in named:
                assert kept.get(part.name) == bytes(part.value), part.name


@given(transactions())
def test_an_empty_report_of_reading_means_the_same_document(tx: Transaction) -> None:
    data = write_xml(tx)
    losses: list[Loss] = []
    back = read_xml(data, losses=losses)
    if not losses:
        assert write_xml(back) == data


@pytest.mark.parametrize("tx", [query(), answer(), answer([]), error()], ids=["query", "hit", "no-hit", "error"])
def test_the_transactions_of_the_border_lose_nothing(tx: Transaction) -> None:
    _, losses = there_and_back(tx)
    assert losses == []


# ---------------------------------------------------------------- each form of value


@pytest.mark.parametrize(
    ("record_type", "number", "value", "spelt"),
    [
        (14, 5, "20260310", "<nc:Date>2026-03-10</nc:Date>"),
        (14, 902, [["20260310120000Z", "a", "b", "c"]], "<nc:DateTime>2026-03-10T12:00:00Z</nc:DateTime>"),
        (14, 27, "Y", "<biom:FingerprintImageStitchedIndicator>true<"),
        (9, 4, "U", "<biom:MinutiaeFormatNISTStandardIndicator>false<"),
        (9, 8, "20472583", "<biom:PositionVerticalCoordinateValue>2583<"),
        (9, 12, [["001", "24992578095", "00", "D", "048,01", "003,02"]], "<biom:RidgeCountValue>02<"),
        (9, 138, [["0", "0", "0"], ["001", "048", "01"]], "<biom:INCITSRidgeCountAlgorithmCode>0<"),
        (9, 140, [["1", "2", "3", "4", "5"]], "<biom:ImageLocationThetaAngleMeasure>5<"),
        (9, 300, [["1", "2", "0", "0", "0,0-0,28-19,28"]], "<biom:ImageLocationVerticalCoordinateMeasure>28<"),
        (
            10,
            33,
            [["chin", "2", "1", "2", "3", "4"], ["eyetop", "1", "5", "6"]],
            "<biom:FaceImageContourCategoryCode>chin<",
        ),
        (14, 25, [["2", "3", "1", "2", "3", "4", "5", "6"]], "<biom:PositionVerticalCoordinateValue>6<"),
        (14, 13, [["1"], ["2"]], "<biom:FingerPositionCode>2<"),
        (13, 13, "25", "<biom:PalmPositionCode>25<"),
        (14, 20, " a <b> & c\r\n", "> a &lt;b&gt; &amp; c&#13;\n<"),
        (
            14,
            200,
            [["own", "", "x"], [""]],
            '<mithaq:Field number="200"><mithaq:Subfield><mithaq:Item>own</mithaq:Item>',
        ),
        (14, 5, "00000000", '<mithaq:Field number="5"><mithaq:Subfield><mithaq:Item>00000000<'),
        (14, 27, "N", '<mithaq:Field number="27">'),
        (9, 8, "123456789", '<mithaq:Field number="8">'),
        (14, 20, "a\x0bb", '<mithaq:Field number="20" encoding="base64">'),
        (14, 24, "", '<mithaq:Field number="24">'),
        (14, 201, b"\x00\xff", '<mithaq:Field number="201" encoding="base64">AP8=</mithaq:Field>'),
        (16, 3, "ear", "<nc:BinaryDescriptionText>ear<"),
        (17, 27, [["500", "510"]], "<biom:AcquisitionLightingSpectrumUpperMeasure>510<"),
        (98, 900, [["Added", "", "8,21.016,NA,NA", "me"]], "<biom:AssuranceLogAgentText>me<"),
        (99, 102, [["100", "FF00", "1"], ["255", "000A", "2"]], "<biom:QualityValue>255<"),
    ],
)
def test_a_value_takes_its_own_spelling_in_xml(record_type: int, number: int, value: object, spelt: str) -> None:
    fields = {3: "FACE", number: value} if record_type == 10 else {number: value}
    tx = of(record_type, fields)
    assert spelt in xml_of(tx)
    _, losses = there_and_back(tx)
    assert losses == []


@pytest.mark.parametrize(
    ("record_type", "number", "value"),
    [
        (14, 7, " 12"),
        (14, 21, [["1", "2", "3", "4", ""]]),
        (14, 13, [["1"], [""], ["2"]]),
        (14, 30, [["ASSISTED"], ["OBSERVED"]]),
        (17, 16, [["1", "2", "3", "4"]]),
    ],
)
def test_a_value_that_its_element_cannot_hold_is_reported(record_type: int, number: int, value: object) -> None:
    _, losses = there_and_back(of(record_type, {number: value}))
    assert [(loss.code, loss.record, loss.field) for loss in losses] == [("REC-042", 2, f"{record_type}.{number:03d}")]


def test_binary_records_and_their_payloads_are_kept() -> None:
    data = first((4, 1), (7, 2), (8, 3)) + binary(4, 1) + binary(7, 2) + binary(8, 3)
    tx = read_transaction(data)
    back, losses = there_and_back(tx)
    assert losses == [] and write_transaction(back) == data
    assert back.records[1].data == PIXELS and back.records[1].data.readonly


def test_a_signature_of_vectors_is_written_as_points() -> None:
    points = bytes.fromhex("0001000203 ffff000000")
    head = bytes((0, 0, 0, 17 + 5, 1, 0, 2, 0)) + bytes(4)
    tx = read_transaction(first((8, 1)) + head + points)
    assert "<biom:VectorPositionHorizontalCoordinateValue>65535<" in xml_of(tx)
    assert there_and_back(tx)[1] == []


def test_a_face_and_a_mark_stand_in_different_elements() -> None:
    assert "<biom:FaceImage>" in xml_of(of(10, {3: "FACE", 6: "480"}))
    mark = of(10, {3: "TATTOO", 6: "480", 42: [["TATTOO", "ANIMAL", "CAT", "a cat"]]})
    assert "<biom:PhysicalFeatureImage>" in xml_of(mark) and "FaceImage" not in xml_of(mark)
    assert there_and_back(mark)[1] == []


def test_a_field_that_has_no_place_beside_the_others_goes_into_our_own_element() -> None:
    tx = of(10, {3: "FACE", 42: [["TATTOO", "ANIMAL"]]})
    assert "PhysicalFeature" not in xml_of(tx) and '<mithaq:Field number="42">' in xml_of(tx)
    assert there_and_back(tx)[1] == []


def test_int_i_6_has_elements_of_its_own() -> None:
    fields = {7: [["DEU", "77"]], 30: [["", "Erika", "", "Muster"]], 35: "19501201", 500: "ours"}
    tx = of(2, fields, f13=[["INT-I", "0600"]], f17=[["A", "B", "XPO", "DEU"]])  # type: ignore[arg-type]
    text = xml_of(tx)
    for name in ("NationalCaseIdentifier", "PersonName", "TransactionCategoryCode", "CustomDefinedDescriptiveDetail"):
        assert f"<int-i:{name}>" in text
    assert 'xmlns:int-i="http://interpol.gov/int-i/1.0"' in text
    assert there_and_back(tx)[1] == []
    assert "int-i" not in xml_of(of(2, fields, f13=[["INT-I", "4.22"]]))  # type: ignore[arg-type]


# ---------------------------------------------------------------- what is lost


def test_record_types_without_an_element_are_left_out_and_named() -> None:
    data = first((3, 1), (18, 2), (14, 3)) + binary(3, 1) + tagged(18, (2, b"02"), (3, b"x")) + print14(3)
    back, losses = there_and_back(read_transaction(data))
    assert [record.type for record in back.records] == [1, 14]
    assert back.records[0].field(3).subfields == (("1", "1"), ("14", "03"))  # type: ignore[union-attr]
    assert [(loss.code, loss.record, loss.field) for loss in losses] == [
        ("REC-044", 1, "1.003"),
        ("REC-040", 2, ""),
        ("REC-040", 3, ""),
    ]


@pytest.mark.parametrize(
    ("data", "code", "reason"),
    [
        (first((14, 1)) + first((14, 1)) + print14(1), "REC-040", "second Type-1"),
        (first((14, 1), width=2) + print14(1), "REC-044", "three digits"),
        (first((14, 1), shift=1) + print14(1), "REC-044", "LEN"),
        (first((14, 9)) + print14(1), "REC-044", "CNT"),
        (first((14, 1)) + print14(1) + b"\r\n", "REC-044", "after the last"),
        (first((2, 1)) + tagged(2, (2, b"01"), (9, b"b"), (3, b"a")), "REC-044", "order"),
        (first((14, 1)) + tagged(14, (2, b"01"), (999, b"decoy"), (999, PIXELS)), "REC-043", "more than once"),
        (first((2, 1)).replace(b"1.004:CAR", b"1.044:CAR") + tagged(2, (2, b"01")), "REC-041", "no element"),
    ],
)
def test_a_spelling_that_xml_has_no_form_for_is_reported(data: bytes, code: str, reason: str) -> None:
    _, losses = there_and_back(read_transaction(data))
    assert any(loss.code == code and reason in loss.reason for loss in losses), losses


def packaged(tx: Transaction, old: str, new: str) -> tuple[Transaction, list[Loss]]:
    data = xml_of(tx)
    assert data.count(old) >= 1
    losses: list[Loss] = []
    return read_xml(data.replace(old, new, 1).encode(), losses=losses), losses


HERE = "<biom:ImageScaleUnitsCode>"
LISTED = "<biom:RecordCategoryCode>{}</biom:RecordCategoryCode>\n    </biom:ContentRecordSummary>"
OPENING = "<itl:PackageFingerprintImageRecord>\n  <biom:RecordCategoryCode>{}<"


@pytest.mark.parametrize(
    ("old", "new", "code", "field"),
    [
        ("2026-03-10</nc:Date>", "2026-03-10+03:00</nc:Date>", "REC-047", "1.005"),
        (">500</biom:ImageV", "> 500</biom:ImageV", "REC-047", "14.010"),
        (HERE, f"<!-- scale -->{HERE}", "REC-046", ""),
        (HERE, f"<?odd it?>{HERE}", "REC-046", ""),
        (HERE, f"odd{HERE}", "REC-046", ""),
        (HERE, "<biom:ImageScaleUnitsCode odd='1'>", "REC-048", ""),
        (HERE, f"<biom:Odd><nc:Odd/></biom:Odd>{HERE}", "REC-045", ""),
        (f"{HERE}1<", f"{HERE}1</biom:ImageScaleUnitsCode>{HERE}2<", "REC-045", ""),
        (OPENING.format(14), OPENING.format(15), "REC-045", ""),
        ("</itl:PackageInformationRecord>", "</itl:PackageInformationRecord><itl:PackageOddRecord/>", "REC-045", ""),
        ("<biom:ContentRecordQuantity>1<", "<biom:ContentRecordQuantity>01<", "", ""),
        (LISTED.format(14), LISTED.format(15), "REC-047", "1.003"),
        (">DAI<", ">قطر<", "REC-047", "1.007"),
    ],
)
def test_what_a_transaction_cannot_hold_is_reported(old: str, new: str, code: str, field: str) -> None:
    tx = of(14, {5: "20260310", 8: "1", 10: "500", 999: PIXELS})
    back, losses = packaged(tx, old, new)
    assert [(loss.code, loss.field) for loss in losses] == ([(code, field)] if code else [])
    assert back.records[1].data == PIXELS


def test_text_that_the_declared_set_cannot_encode_makes_the_transaction_utf_8() -> None:
    back, losses = packaged(of(14, {20: "plain"}), ">plain<", ">سبابة<")
    assert back.encoding == "utf-8" and back.records[1].text(20) == "سبابة"
    assert ("REC-051", "1.015") in {(loss.code, loss.field) for loss in losses}
    assert there_and_back(back)[1] == []


def test_an_old_name_is_read_and_reported() -> None:
    data = xml_of(of(14, {13: "1"})).replace("biom:FingerImpressionImage>", "itl:FingerprintImage>")
    losses: list[Loss] = []
    assert read_xml(data.encode(), losses=losses).records[1].text(13) == "1"
    assert [loss.code for loss in losses] == ["REC-049"]


def test_the_2008_edition_is_read() -> None:
    data = (
        xml_of(of(14, {13: "1"}))
        .replace("http://biometrics.nist.gov/standard/2011", "http://biometrics.nist.gov/standard/2-2008")
        .replace("http://niem.gov/niem/biometrics/1.0", "http://niem.gov/niem/ansi-nist/2.0")
        .replace("ContentRecordQuantity", "ContentRecordCount")
    )
    losses: list[Loss] = []
    assert read_xml(data.encode(), losses=losses).records[1].text(13) == "1"
    assert [loss.code for loss in losses] == ["REC-050"]


# ---------------------------------------------------------------- the rest


def test_any_encoding_is_told_apart_by_its_first_bytes() -> None:
    tx = of(14, {13: "1"})
    plain = write_transaction(tx)
    text = xml_of(tx)
    for data in (
        plain,
        text.encode(),
        b"\xef\xbb\xbf" + text.encode(),
        text.replace("UTF-8", "UTF-16").encode("utf-16"),
    ):
        assert write_transaction(read_any(data)) == plain
    with pytest.raises(FormatError) as caught:
        read_transaction(text.encode())
    assert caught.value.code == "REC-002"


@pytest.mark.parametrize("limit", ["MOST_ELEMENTS", "MOST_RECORDS", "MOST_BYTES"])
def test_what_would_not_be_read_back_is_not_written(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tx = of(9, {331: [["1", "2", "3", "E"]] * 100})
    monkeypatch.setattr(package, f"XML_{limit}", {"MOST_ELEMENTS": 500, "MOST_RECORDS": 1, "MOST_BYTES": 600}[limit])
    with pytest.raises(FormatError) as caught:
        write_xml(tx)
    assert caught.value.code == "REC-032"


def test_the_table_is_the_one_that_the_script_makes() -> None:
    subprocess.run([sys.executable, ROOT / "tools" / "make_xml_paths.py", "--check"], check=True)
    for record_type in RECORDS:
        for rows in table(record_type).rows.values():
            assert all(row.places for row in rows)


def test_importing_the_room_loads_no_foreign_xml() -> None:
    code = "import sys, mithaq.record; raise SystemExit('lxml' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
