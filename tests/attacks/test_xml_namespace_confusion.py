"""Elements with the right name in the wrong namespace, and the reverse: what counts is the namespace, never the prefix."""

from __future__ import annotations

import pytest

from mithaq.errors import FormatError
from mithaq.record import Loss, read_xml, write_transaction


def read(text: str) -> tuple[object, list[Loss]]:
    losses: list[Loss] = []
    return read_xml(text.encode(), losses=losses), losses


def test_other_prefixes_for_the_same_namespaces_change_nothing(xml: str) -> None:
    other = xml
    for prefix, letter in (("biom", "x"), ("itl", "biom2"), ("nc", "itl2")):
        other = other.replace(f"<{prefix}:", f"<{letter}:").replace(f"</{prefix}:", f"</{letter}:")
        other = other.replace(f"xmlns:{prefix}=", f"xmlns:{letter}=")
    tx, losses = read(other)
    assert not losses and write_transaction(tx) == write_transaction(read_xml(xml.encode()))  # type: ignore[arg-type]


def test_the_default_namespace_is_a_namespace_like_any_other(xml: str) -> None:
    bare = xml.replace("<biom:", "<").replace("</biom:", "</").replace("xmlns:biom=", "xmlns=")
    tx, losses = read(bare)
    assert not losses and write_transaction(tx) == write_transaction(read_xml(xml.encode()))  # type: ignore[arg-type]


def test_a_known_name_in_a_foreign_namespace_is_not_the_field(xml: str) -> None:
    foreign = xml.replace(
        "<biom:FingerPositionCode>", '<f:FingerPositionCode xmlns:f="http://niem.gov/niem/biometrics/1.0/">'
    )
    foreign = foreign.replace("</biom:FingerPositionCode>", "</f:FingerPositionCode>")
    tx, losses = read(foreign)
    assert tx.records[1].field(13) is None  # type: ignore[attr-defined]
    assert [(loss.code, loss.record, loss.place.rpartition("/")[2]) for loss in losses] == [
        ("REC-045", 2, "FingerPositionCode")
    ]


def test_a_prefix_bound_anew_halfway_is_followed(xml: str) -> None:
    start = '<biom:FingerImpressionImage xmlns:biom="urn:other">'
    tx, losses = read(xml.replace("<biom:FingerImpressionImage>", start))
    assert tx.records[1].data is None and {loss.code for loss in losses} >= {"REC-045"}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("http://biometrics.nist.gov/standard/2011", "http://biometrics.nist.gov/standard/2025"),
        ("itl:NISTBiometricInformationExchangePackage", "biom:NISTBiometricInformationExchangePackage"),
        ("itl:NISTBiometricInformationExchangePackage", "itl:PackageInformationRecord"),
    ],
)
def test_another_root_is_refused(xml: str, old: str, new: str) -> None:
    with pytest.raises(FormatError) as caught:
        read(xml.replace(old, new))
    assert caught.value.code == "REC-033"


def test_an_unbound_prefix_is_broken_xml(xml: str) -> None:
    with pytest.raises(FormatError) as caught:
        read(xml.replace("<biom:ImageScaleUnitsCode>", "<odd:Odd/><biom:ImageScaleUnitsCode>"))
    assert caught.value.code == "REC-030"


@pytest.mark.parametrize("number", ["", "2", "0", "-3", "10000", "1e3", "٣", "3 4", "9" * 5_000])
def test_our_own_element_takes_real_field_numbers_alone(xml: str, number: str) -> None:
    assert 'number="5"' in xml  # the withheld date, which has no form in XML
    with pytest.raises(FormatError) as caught:
        read(xml.replace('number="5"', f'number="{number}"'))
    assert caught.value.code == "REC-033"


def test_a_second_header_is_refused(xml: str) -> None:
    head = xml[xml.index("<itl:PackageInformationRecord>") : xml.index("</itl:PackageInformationRecord>")]
    end = "</itl:PackageInformationRecord>"
    with pytest.raises(FormatError) as caught:
        read(xml.replace(end, f"{end}{head}{end}"))
    assert caught.value.code == "REC-034"
    with pytest.raises(FormatError) as caught:
        read(xml.replace("PackageInformationRecord>", "PackageDescriptiveTextRecord>"))
    assert caught.value.code == "REC-034"
