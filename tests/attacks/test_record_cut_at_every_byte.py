"""A small file cut at every byte, and with every byte left out: refused with the place, or read and written back as it is."""

from __future__ import annotations

from transactions import PIXELS, binary, first, print14, tagged

from mithaq.errors import FormatError
from mithaq.record import read_transaction, tree, write_transaction

WHOLE = (
    first((2, 0), (4, 1), (9, 2), (14, 3))
    + tagged(2, (2, b"00"), (3, b"free\x1ftext\x1emore"))
    + binary(4, 1, PIXELS[:40])
    + tagged(9, (2, b"02"), (4, b"S"), (12, b"1\x1f2\x1e3\x1f4"))
    + print14(3, PIXELS[:40])
)


def outcome(data: bytes) -> str:
    try:
        tx = read_transaction(data)
    except FormatError as refused:
        assert refused.offset is None or 0 <= refused.offset <= len(data)
        return refused.code
    assert write_transaction(tx) == data
    tree(tx)
    return "read"


def test_cut_at_every_byte() -> None:
    found = [outcome(WHOLE[:end]) for end in range(len(WHOLE))]
    assert found[0] == "REC-001" and outcome(WHOLE) == "read"
    inside_the_last = range(len(WHOLE) - 30, len(WHOLE) - 1)
    assert {found[end] for end in inside_the_last} == {"REC-005"}
    assert set(found) <= {"read", "REC-001", "REC-003", "REC-004", "REC-005", "REC-006"}


def test_every_byte_left_out_or_changed() -> None:
    for at in range(len(WHOLE)):
        outcome(WHOLE[:at] + WHOLE[at + 1 :])
        for other in (0x00, 0x1C, 0x1D, 0x1E, 0x1F, 0x30, 0x39, 0xFF):
            outcome(WHOLE[:at] + bytes((other,)) + WHOLE[at + 1 :])
