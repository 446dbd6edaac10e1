"""Bytes that would end a field or record once they stand in a traditional file: they do not get there."""

from __future__ import annotations

import base64

import pytest

from mithaq.record import Loss, read_transaction, read_xml, write_transaction

OWN = '<mithaq:Field number="5"><mithaq:Subfield><mithaq:Item>00000000</mithaq:Item></mithaq:Subfield></mithaq:Field>'
RECORD = b"\x1c14.001:20\x1d14.002:07\x1c"


def own(number: int, data: bytes) -> str:
    return f'<mithaq:Field number="{number}" encoding="base64">{base64.b64encode(data).decode()}</mithaq:Field>'


@pytest.mark.parametrize("data", [RECORD, b"\x1d14.013:7", b"a\x1c", b"\x1d"])
@pytest.mark.parametrize("number", [5, 20, 200, 998])
def test_separators_in_our_own_element_are_left_out_and_named(xml: str, number: int, data: bytes) -> None:
    assert OWN in xml
    losses: list[Loss] = []
    tx = read_xml(xml.replace(OWN, own(number, data)).encode(), losses=losses)
    assert ("REC-047", f"14.{number:03d}") in {(loss.code, loss.field) for loss in losses}
    assert read_transaction(write_transaction(tx)) == tx
    assert len(tx.records) == 2 and tx.records[1].text(13) == "1"


def test_a_second_payload_in_our_own_element_does_not_replace_the_picture(xml: str) -> None:
    losses: list[Loss] = []
    tx = read_xml(xml.replace(OWN, own(999, b"other") + own(999, RECORD)).encode(), losses=losses)
    assert tx.records[1].data == read_xml(xml.encode()).records[1].data
    assert ("REC-047", "14.999") in {(loss.code, loss.field) for loss in losses}
    assert read_transaction(write_transaction(tx)) == tx


@pytest.mark.parametrize("element", ["biom:ImageScaleUnitsCode", "biom:ImageCaptureDetail", "biom:FingerPositionCode"])
def test_base64_is_decoded_where_the_standard_has_it_alone(xml: str, element: str) -> None:
    tx = read_xml(xml.replace(f"<{element}>", f'<{element} encoding="base64">', 1).encode())
    assert (tx.records[1].text(8), tx.records[1].text(13)) == ("1", "1")


def test_elements_beside_base64_are_named(xml: str) -> None:
    both = own(5, b"QQ").replace(
        "</mithaq:Field>", "<mithaq:Subfield><mithaq:Item>x</mithaq:Item></mithaq:Subfield></mithaq:Field>"
    )
    losses: list[Loss] = []
    assert read_xml(xml.replace(OWN, both).encode(), losses=losses).records[1].text(5) == "QQ"
    assert "REC-045" in {loss.code for loss in losses}
