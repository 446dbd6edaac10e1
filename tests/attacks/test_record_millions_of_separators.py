"""Two megabytes of whatever could make many small things: read or refused within three times the file's memory."""

from __future__ import annotations

import pytest
from hostile import HOSTILE, OBJECTS, peak_beside

from mithaq.errors import FormatError
from mithaq.record import read_transaction, write_transaction


@pytest.mark.parametrize("name", HOSTILE)
def test_memory_grows_with_the_file_alone(name: str) -> None:
    data = HOSTILE[name](2_000_000)
    assert peak_beside(data) < 2 * len(data)
    try:
        assert write_transaction(read_transaction(data)) == data
    except FormatError as refused:
        assert refused.code in {"REC-001", "REC-002", "REC-006", "REC-010"}


@pytest.mark.parametrize("name", HOSTILE)
def test_memory_of_a_small_file_is_that_of_its_records(name: str) -> None:
    assert peak_beside(HOSTILE[name](20_000)) < OBJECTS
