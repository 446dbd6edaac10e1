"""Envelopes that are bombs: document types, entities, depth, numbers of elements, blocks that are no base64."""

from __future__ import annotations

import pytest
from minutiae_samples import by_hand

from mithaq.errors import FormatError
from mithaq.record import read_template, write_template
from mithaq.record.template.cbeff import DEEPEST, MOST_ELEMENTS, NAMESPACE

GOOD = write_template([by_hand()], "cbeff-xml").data
BIR = f'<BIR xmlns="{NAMESPACE}">'.encode()


def refused(data: bytes) -> str:
    with pytest.raises(FormatError) as caught:
        read_template(data)
    return caught.value.code


@pytest.mark.parametrize(
    "doctype",
    [
        b"<!DOCTYPE BIR>",
        b'<!DOCTYPE BIR SYSTEM "file:///etc/passwd">',
        b'<!DOCTYPE BIR [<!ENTITY a "b">]>',
        b'<!DOCTYPE BIR [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>',
        b'<!DOCTYPE BIR [<!ENTITY % x SYSTEM "http://127.0.0.1/x"> %x;]>',
    ],
)
def test_document_types_and_entities_are_refused(doctype: bytes) -> None:
    assert refused(GOOD.replace(b"?>\n", b"?>\n" + doctype, 1)) == "REC-070"


def test_depth_and_number_are_limited_before_a_tree_is_built() -> None:
    assert refused(BIR + b"<BIR>" * DEEPEST) == "REC-066"
    assert refused(BIR + b"<a/>" * MOST_ELEMENTS) == "REC-066"
    assert refused(BIR + b"<BIR>" * 1_000_000) == "REC-066"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"<", "REC-070"),
        (b"<BIR/>", "REC-064"),
        (b"<html></html>", "REC-064"),
        (BIR + b"</BIR>", "REC-064"),
        (BIR + b"&undefined;</BIR>", "REC-070"),
        (b'<?xml version="1.0" encoding="nonsense"?><BIR/>', "REC-070"),
        (b'<?xml version="1.0" encoding="UTF-32"?><BIR/>', "REC-070"),
        (b"\xff\xfe<\0B\0I\0R\0/\0>\0", "REC-064"),
        (BIR + b"<BDB>****</BDB></BIR>", "REC-071"),
        (BIR + b"<BDB>RklS</BDB></BIR>", "REC-064"),
        (BIR + b"<BDB>RklSAA==</BDB></BIR>", "REC-064"),
        (BIR + b"<BDB>RklSAA</BDB></BIR>", "REC-071"),
        (BIR + "<BDB>ﷺ</BDB></BIR>".encode(), "REC-071"),
    ],
)
def test_what_is_no_envelope_is_refused(data: bytes, code: str) -> None:
    assert refused(data) == code


def test_comments_and_a_foreign_namespace_are_read_and_said() -> None:
    data = GOOD.replace(b"?>\n", b"?>\n<!-- note -->", 1).replace(NAMESPACE.encode(), b"urn:other")
    assert {fault.code for fault in read_template(data).faults} == {"REC-073", "REC-079"}


def test_text_between_elements_is_said() -> None:
    data = GOOD.replace(b"</Version>", b"stray</Version>")
    assert len(read_template(data).faults) == 1
    assert {fault.code for fault in read_template(data).faults} == {"REC-077"}
