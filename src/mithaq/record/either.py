"""A transaction in either encoding, told apart by the first bytes.

    bytes ──read_any──► by `read_transaction`, or by `read_xml` ──► Transaction

Not done here: either way of reading.
"""

from __future__ import annotations

from mithaq.record.codec import looks_like_xml, read_transaction
from mithaq.record.loss import Loss
from mithaq.record.model import Transaction
from mithaq.record.xml.package import read_xml


def read_any(data: bytes | bytearray | memoryview, *, losses: list[Loss] | None = None) -> Transaction:
    """The transaction in `data`: by `read_xml` where it is XML, else by `read_transaction`. FormatError as theirs."""
    if looks_like_xml(data):
        return read_xml(data, losses=losses)
    return read_transaction(data)
