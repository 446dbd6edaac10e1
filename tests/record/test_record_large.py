"""A hundred megabytes of palms at 1000 ppi, made here: mapped, listed and written, and no payload is copied or looked at."""

from __future__ import annotations

import mmap
import tracemalloc
from array import array
from pathlib import Path

import pytest
from transactions import first, print14

from mithaq.errors import FormatError
from mithaq.measure.record import PALMS, write_palms
from mithaq.record import Field, Record, read_transaction, tree, write_transaction
from mithaq.record.payload import payload_kind


@pytest.fixture(scope="module")
def palms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "palms.an2"
    write_palms(path)
    return path


def test_a_mapped_file_is_listed_without_a_copy(palms: Path) -> None:
    with palms.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    read_transaction(first())
    tracemalloc.start()
    tx = read_transaction(mapped)
    rows = tree(tx)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(mapped) > 100e6 and peak < 2e6
    assert len(tx.records) == PALMS + 1
    assert [row.text for row in rows if row.field == "15.999"] == ["2,600,000 bytes of data, begins as JP2"] * PALMS
    data = tx.records[7].data
    assert data is not None and data.obj is mapped and payload_kind(data) == "JP2"
    assert all(record.integer(1) == record.size for record in tx.records)


def test_it_is_written_as_it_was_read(palms: Path) -> None:
    data = palms.read_bytes()
    assert write_transaction(read_transaction(data)) == data


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_bytes_are_read_in_place(kind: type) -> None:
    data = kind(first((14, 1)) + print14(1))
    tx = read_transaction(data)
    source = data.obj if isinstance(data, memoryview) else data
    assert all(part.value.obj is source for record in tx.records for part in record.fields)
    assert write_transaction(tx) == data


def test_a_view_that_is_not_of_bytes_in_a_row_is_read_all_the_same() -> None:
    data = first((14, 1)) + print14(1)
    assert write_transaction(read_transaction(memoryview(data + bytes(-len(data) % 4)).cast("I")))[: len(data)] == data
    every_other = memoryview(bytes(byte for pair in zip(data, data, strict=True) for byte in pair))[::2]
    assert write_transaction(read_transaction(every_other)) == data
    with pytest.raises(FormatError, match="REC-001"):
        read_transaction(memoryview(array("d", [1.0])))


def test_fields_are_cut_when_asked_for_and_belong_to_the_record_s_value() -> None:
    data = first((14, 1)) + print14(1)
    read, again = read_transaction(data), read_transaction(data)
    assert read == again and hash(read.records[1]) == hash(again.records[1])
    built = Record(14, tuple(Field(f.record_type, f.number, f.value, f.tag) for f in read.records[1].fields))
    assert built == read.records[1] and built.size == read.records[1].size
    with pytest.raises(AttributeError):
        _ = read.records[0].nothing  # type: ignore[attr-defined]
