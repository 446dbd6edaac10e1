"""XML that grows, or reaches outside: refused where its document type begins, before anything of it is expanded."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from mithaq.errors import FormatError
from mithaq.record import read_any, read_xml

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
BOMBS = {
    "billion laughs": f'<!DOCTYPE r [<!ENTITY l0 "ha">{LAUGHS}]><r>&l9;</r>',
    "quadratic blow-up": f'<!DOCTYPE r [<!ENTITY a "{"a" * 50_000}">]><r>{"&a;" * 50_000}</r>',
    "external entity": '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/hostname">]><r>&x;</r>',
    "external entity over the network": '<!DOCTYPE r [<!ENTITY x SYSTEM "http://127.0.0.1:9/x">]><r>&x;</r>',
    "parameter entity": '<!DOCTYPE r [<!ENTITY % p SYSTEM "file:///etc/hostname">%p;]><r/>',
    "external document type": '<!DOCTYPE r SYSTEM "http://127.0.0.1:9/r.dtd"><r/>',
    "public document type": '<!DOCTYPE r PUBLIC "-//r" "r.dtd"><r/>',
    "empty document type": "<!DOCTYPE r><r/>",
    "attribute default": '<!DOCTYPE r [<!ATTLIST r number CDATA "3">]><r/>',
    "recursive entity": '<!DOCTYPE r [<!ENTITY a "&b;"><!ENTITY b "&a;">]><r>&a;</r>',
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("name", BOMBS)
def test_a_document_type_is_refused(name: str, encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("something outside the file was opened")

    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr(socket, "socket", refuse)
    for read in (read_xml, read_any):
        with pytest.raises(FormatError) as caught:
            read(BOMBS[name].encode(encoding))
        assert caught.value.code == "REC-031"


def test_an_entity_that_nobody_defined_is_refused() -> None:
    with pytest.raises(FormatError) as caught:
        read_xml(b"<r>&x;</r>")
    assert caught.value.code in ("REC-030", "REC-033")


def test_xinclude_is_text_that_nobody_follows(xml: str) -> None:
    include = '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/hostname"/>'
    tx = read_xml(xml.replace("<biom:ImageScaleUnitsCode>", f"{include}<biom:ImageScaleUnitsCode>").encode())
    assert tx.records[1].text(8) == "1"
