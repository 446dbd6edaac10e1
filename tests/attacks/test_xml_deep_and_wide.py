"""XML whose structure is the weapon: refused by a limit while it is read, before it is stored."""

from __future__ import annotations

import tracemalloc

import pytest

from mithaq.errors import FormatError
from mithaq.record import Loss, new_transaction, read_xml, tagged_record, write_xml
from mithaq.record.limits import (
    XML_MOST_ATTRIBUTES,
    XML_MOST_BYTES,
    XML_MOST_DEPTH,
    XML_MOST_ELEMENTS,
    XML_MOST_RECORDS,
    XML_MOST_TEXT,
    XML_MOST_TOKEN,
)
from mithaq.record.loss import MOST_LOSSES
from mithaq.record.xml import parse as xml_parse

HERE = "<biom:ImageScaleUnitsCode>"


def refusal(data: bytes) -> FormatError:
    with pytest.raises(FormatError) as caught:
        read_xml(data)
    return caught.value


def with_part(xml: str, part: str) -> bytes:
    assert xml.count(HERE) == 1
    return xml.replace(HERE, part + HERE).encode()


def test_a_deep_tree_is_refused_at_the_limit(xml: str) -> None:
    depth = 200_000
    for part in ("<biom:a>" * depth + "</biom:a>" * depth, "<biom:a>" * depth, "<nc:Date>" * (XML_MOST_DEPTH + 1)):
        assert refusal(with_part(xml, part)).code == "REC-032"


def test_a_million_attributes_are_refused(xml: str) -> None:
    many = " ".join(f'a{n}=""' for n in range(1_000_000))
    assert refusal(with_part(xml, f"<biom:a {many}/>")).code == "REC-032"
    few = " ".join(f'a{n}=""' for n in range(XML_MOST_ATTRIBUTES + 1))
    assert refusal(with_part(xml, f"<biom:a {few}/>")).code == "REC-032"


def test_a_million_namespaces_are_refused(xml: str) -> None:
    many = " ".join(f'xmlns:a{n}="u{n}"' for n in range(1_000_000))
    assert refusal(with_part(xml, f"<biom:a {many}/>")).code == "REC-032"


def test_a_million_elements_are_refused(xml: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal(with_part(xml, "<biom:a/>" * (XML_MOST_ELEMENTS + 1))).code == "REC-032"
    monkeypatch.setattr(xml_parse, "XML_MOST_ELEMENTS", 2_000)
    known = "<biom:FingerPositionCode>1</biom:FingerPositionCode>"
    assert refusal(with_part(xml, known * 2_001)).code == "REC-032"
    assert len(read_xml(with_part(xml, known * 1_000)).records[1].text(13) or "") == 2 * 1_000 + 1


def test_unknown_elements_below_the_limit_make_a_short_report(xml: str) -> None:
    losses: list[Loss] = []
    read_xml(with_part(xml, "".join(f"<biom:a{n}/>" for n in range(20_000))), losses=losses)
    assert len(losses) == MOST_LOSSES + 1 and losses[-1].code == "REC-052"


def test_a_giant_tag_comment_or_instruction_is_refused(xml: str) -> None:
    long = "a" * (XML_MOST_TOKEN + 200_000)
    for part in (f"<biom:{long}/>", f"<!--{long}-->", f"<?a {long}?>", f'<biom:a b="{long}"/>', f"<!--{long}"):
        assert refusal(with_part(xml, part)).code == "REC-032"


def test_a_giant_value_is_refused(xml: str) -> None:
    long = "a" * (XML_MOST_TEXT + 1)
    assert refusal(with_part(xml, f"<biom:ImageCommentText>{long}</biom:ImageCommentText>")).code == "REC-032"
    assert (
        refusal(with_part(xml, f"<biom:ImageCommentText><![CDATA[{long}]]></biom:ImageCommentText>")).code == "REC-032"
    )


def test_a_polygon_of_forty_thousand_points_is_gone_through_once() -> None:
    polygon = "-".join(["1,2"] * 40_000)
    tx = new_transaction(
        {2: "0502", 4: "CAR", 9: "T"}, [tagged_record(9, {300: [["1", "2", "0", "0", polygon]]}, idc=1)]
    )
    assert read_xml(write_xml(tx)).records[1].text(300) == tx.records[1].text(300)


def test_too_many_records_are_refused(xml: str) -> None:
    record = "<itl:PackageDescriptiveTextRecord/>"
    root = "</itl:NISTBiometricInformationExchangePackage>"
    assert refusal(xml.replace(root, record * XML_MOST_RECORDS + root).encode()).code == "REC-032"


def test_a_file_over_the_limit_is_refused_unread() -> None:
    class Huge(bytes):
        def __len__(self) -> int:
            return XML_MOST_BYTES + 1

    assert refusal(Huge()).code == "REC-032"


def test_a_giant_payload_takes_little_more_than_itself(xml: str) -> None:
    size = 12 << 20
    start, end = "<nc:BinaryBase64Object>", "</nc:BinaryBase64Object>"
    head, tail = xml.split(start)[0], xml.split(end)[1]
    data = (head + start + "QUJD" * (size // 3) + end + tail).encode()
    tracemalloc.start()
    tx = read_xml(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert tx.records[1].data == b"ABC" * (size // 3)
    assert peak < 1.5 * size


@pytest.mark.parametrize(
    "payload",
    ["QUJ", "QUJD=", "QUJD QQ=Q", "=QUJ", "QQ==QUJD", "QUJ\u00e9", "Q" * 70_001, "QQ==" + " " * 70_000 + "QUJD", "*"],
)
def test_a_payload_that_is_not_base64_is_refused(xml: str, payload: str) -> None:
    start, end = "<nc:BinaryBase64Object>", "</nc:BinaryBase64Object>"
    head, tail = xml.split(start)[0], xml.split(end)[1]
    assert refusal((head + start + payload + end + tail).encode()).code == "REC-035"
