"""A transaction in either encoding, told apart by the first bytes."""

from __future__ import annotations

from mithaq.record.codec import read_transaction
from mithaq.record.loss import Loss
from mithaq.record.model import Transaction
from mithaq.record.xml.package import read_xml

_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")  # what may stand before the first letter of a text file


def read_any(data: bytes | bytearray | memoryview, *, losses: list[Loss] | None = None) -> Transaction:
    """The transaction in `data`: by `read_xml` where it is XML, else by `read_transaction`. FormatError as theirs."""
    if looks_like_xml(data):
        return read_xml(data, losses=losses)
    return read_transaction(data)


def looks_like_xml(data: bytes | bytearray | memoryview) -> bool:
    """True where the first bytes are those of an XML file in UTF-8 or UTF-16."""
    head = bytes(data[:64])
    mark = next((mark for mark in _MARKS if head.startswith(mark)), b"")
    return head[len(mark) :].lstrip(b" \r\n\t\0").startswith(b"<")
