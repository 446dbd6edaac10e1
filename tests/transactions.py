"""Transactions for tests: raw bytes put together without the package, and the border's own three. All synthetic."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from mithaq.record import Transaction, answer_transaction, error_transaction, query_transaction
from mithaq.units import FingerPosition, PrintImage

AT = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
TCN, TCR = "QA20260310AAAA", "US20260310BBBB"
PIXELS = bytes(range(256)) * 4  # 32 x 32, every byte value among them


def tagged(record_type: int, *fields: tuple[int, bytes], width: int = 3, shift: int = 0, end: bytes = b"\x1c") -> bytes:
    """A tagged record with its LEN, which is wrong by `shift`; tags have `width` digits."""
    body = b"".join(b"\x1d%d.%0*d:%s" % (record_type, width, number, value) for number, value in fields) + end
    tag = b"%d.%0*d:" % (record_type, width, 1)
    length = len(tag) + len(body)
    digits = next(n for n in range(1, 12) if len(str(length + n)) == n)
    return tag + str(length + digits + shift).encode() + body


def first(*records: tuple[int, int], tot: bytes = b"CAR", width: int = 3, shift: int = 0) -> bytes:
    """A Type-1 record whose 1.003 lists (type, IDC) pairs."""
    listed = b"1\x1f%d" % len(records) + b"".join(b"\x1e%d\x1f%02d" % record for record in records)
    fields = ((2, b"0400"), (3, listed), (4, tot), (5, b"20260310"), (7, b"DAI"), (8, b"ORI"), (9, b"TCN1"))
    scales = ((11, b"19.69"), (12, b"19.69"))
    return tagged(1, *fields, *scales, width=width, shift=shift)


def binary(record_type: int, idc: int, data: bytes = PIXELS, *, length: int | None = None, isr: int = 0) -> bytes:
    """A binary record of Types 3 to 8 with a 32 x 32 picture, right thumb."""
    if record_type == 7:
        head = b""
    elif record_type == 8:
        head = bytes((0, 0, isr)) + (32).to_bytes(2, "big") * 2
    else:
        head = bytes((0, 1, 255, 255, 255, 255, 255, isr)) + (32).to_bytes(2, "big") * 2 + b"\0"
    size = 5 + len(head) + len(data)
    return (size if length is None else length).to_bytes(4, "big") + bytes((idc,)) + head + data


def print14(idc: int, data: bytes = PIXELS, *, shift: int = 0, **changed: bytes) -> bytes:
    """A Type-14 record of the right thumb, uncompressed, 500 ppi; `f13=b"2"` changes a field."""
    values = {3: b"0", 4: b"ORI", 5: b"20260310", 6: b"32", 7: b"32", 8: b"1", 9: b"500", 10: b"500", 11: b"NONE"}
    values |= {12: b"8", 13: b"1"} | {int(name[1:]): value for name, value in changed.items()}
    fields = [(2, b"%02d" % idc), *sorted(values.items()), (999, data)]
    return tagged(14, *fields, shift=shift)


def picture(
    position: int = 1, *, compression: str = "NONE", ppi: float | None = 500.0, data: bytes = PIXELS
) -> PrintImage:
    return PrintImage(FingerPosition(position), 0, compression, 32, 32, ppi, data)


def query(prints: Sequence[PrintImage] = (), **changed: Any) -> Transaction:
    values: dict[str, Any] = {
        "tcn": TCR,
        "origin": "QA/qa-ncp",
        "destination": "US/us-ncp",
        "instant": AT,
        "priority": 4,
        "case": "DEMO-1",
        "purpose": "investigate-serious-crime",
        "offence": "robbery:120",
        "legal_basis": "Demonstration Act, Art. 5",
        "search_type": "TP/TP",
        "prints": prints or [picture()],
    }
    return query_transaction(**values | changed)


def answer(candidates: Sequence[tuple[str, Sequence[PrintImage]]] | None = None, **changed: Any) -> Transaction:
    found = [("US-AAAA", [picture(1), picture(2)]), ("US-BBBB", [picture(6)])] if candidates is None else candidates
    values: dict[str, Any] = {
        "tcn": TCN,
        "tcr": TCR,
        "origin": "US",
        "destination": "QA",
        "instant": AT,
        "outcome": "hit" if found else "no-hit",
        "candidates": found,
    }
    return answer_transaction(**values | changed)


def error(**changed: Any) -> Transaction:
    values: dict[str, Any] = {
        "tcn": TCN,
        "tcr": TCR,
        "origin": "US",
        "destination": "QA",
        "instant": AT,
        "outcome": "refused",
        "reasons": [("quota-exceeded", "The day's quota is used up.")],
    }
    return error_transaction(**values | changed)
