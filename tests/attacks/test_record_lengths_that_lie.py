"""A LEN that says four gigabytes, nothing, less than a header, or the middle of something else."""

from __future__ import annotations

import pytest
from hostile import OBJECTS, peak_beside
from transactions import PIXELS, binary, first, print14, tagged

from mithaq.errors import FormatError
from mithaq.record import read_transaction, write_transaction

TEXT2 = tagged(2, (2, b"00"), (3, b"free"))


@pytest.mark.parametrize("length", [0, 1, 4, 19, 0x7FFFFFFF, 0xFFFFFFFF])
@pytest.mark.parametrize("kind", [3, 4, 5, 6, 7, 8])
def test_a_binary_length(kind: int, length: int) -> None:
    data = first((kind, 1), (2, 0)) + binary(kind, 1, length=length) + TEXT2
    with pytest.raises(FormatError) as refused:
        read_transaction(data)
    assert refused.value.code in {"REC-003", "REC-004"}
    assert refused.value.offset is not None and refused.value.offset <= len(data)
    assert peak_beside(data) < OBJECTS


@pytest.mark.parametrize(
    "length", [b"0", b"7", b"4294967295", b"4294967296", b"9" * 20, b"9" * 21, b"9" * 5000, b"-5", b""]
)
def test_a_length_in_digits(length: bytes) -> None:
    body = b"2.001:%s\x1d2.002:00\x1d2.003:free\x1c" % length
    data = first((2, 0), (14, 1)) + body + print14(1)
    tx = read_transaction(data)
    assert write_transaction(tx) == data
    assert [record.type for record in tx.records] == [1, 2, 14]
    assert tx.records[1].text(3) == "free"


@pytest.mark.parametrize("length", [b"4294967296", b"99999999999999999999"])
def test_a_picture_that_states_more_than_the_file_is_cut_off(length: bytes) -> None:
    data = first((14, 1)) + b"14.001:%s\x1d14.002:01\x1d14.999:" % length + PIXELS + b"\x1c"
    with pytest.raises(FormatError, match="REC-005"):
        read_transaction(data)


def test_every_length_from_the_record_s_start_to_the_file_s_end() -> None:
    """Whatever LEN points at, the file is refused or kept as it is."""
    rest = b"\x1d14.002:01\x1d14.999:" + PIXELS[:60] + b"\x1c" + TEXT2
    for length in range(len(rest) + 20):
        data = first((14, 1), (2, 0)) + b"14.001:%03d" % length + rest
        try:
            assert write_transaction(read_transaction(data)) == data
        except FormatError as refused:
            assert refused.code.startswith("REC-00")
