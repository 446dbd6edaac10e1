"""What several attacks share."""

from __future__ import annotations

import pytest
from transactions import query

from mithaq.record import write_xml


@pytest.fixture(scope="session")
def xml() -> str:
    """A sound package in XML: Type-1, Type-2 and a print."""
    tx = query()
    return write_xml(tx.with_records([tx.records[0], tx.records[2]])).decode()
