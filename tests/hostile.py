"""Hostile transactions of any size, each a defect by name; and what reading them takes: python tests/hostile.py [MEGABYTES].

    HOSTILE["ten million subfields"](2 << 20) ──► bytes of about that size

The table that is printed holds each input against the promise of the reader: at most 50 ms and 20 ms a megabyte, and three
times the file's memory. Tests assert the memory (`peak_beside`), which does not depend on the machine.
"""

from __future__ import annotations

import sys
import time
import tracemalloc
from collections.abc import Callable

from transactions import binary, first, tagged

from mithaq.errors import FormatError
from mithaq.record import read_transaction

HEAD = b"\x1d14.002:01"
OBJECTS = 1 << 20  # bytes that the records of any file may take, however small the file is

HOSTILE: dict[str, Callable[[int], bytes]] = {
    "fields in a type 1 that never ends": lambda size: b"1.001:9" + b"\x1d" * size,
    "fields in type 1": lambda size: b"1.001:9" + b"\x1d" * size + b"\x1c",
    "entries in the list of contents": lambda size: b"1.001:9\x1d1.003:1\x1f9" + b"\x1e4\x1f1" * (size // 4) + b"\x1c",
    "subfields": lambda size: first((2, 0)) + tagged(2, (2, b"00"), (3, b"a\x1e" * (size // 2))),
    "subfields, wrong length": lambda size: first((2, 0)) + tagged(2, (2, b"00"), (3, b"a\x1e" * (size // 2)), shift=3),
    "items": lambda size: first((2, 0)) + tagged(2, (2, b"00"), (3, b"\x1f" * size)),
    "fields": lambda size: first((14, 1)) + b"14.001:9" + HEAD + b"\x1d" * size + b"\x1c",
    "fields with zeros": lambda size: first((14, 1)) + b"14.001:9" + HEAD + b"\x1d0000000" * (size // 8) + b"\x1c",
    "file separators": lambda size: first((2, 0)) + b"2.001:9" + b"\x1c" * size,
    "file separators and digits": lambda size: first((2, 0)) + b"2.001:9" + b"\x1c0" * (size // 2),
    "file separators and tags that are none": lambda size: (
        first((2, 0)) + b"2.001:9" + b"\x1c00000001.00000002:" * (size // 19)
    ),
    "file separators and blanks": lambda size: first((2, 0)) + b"2.001:9" + b"\x1c    " * (size // 5),
    "file separators before a binary record": lambda size: first((2, 0), (4, 1)) + b"2.001:9" + b"\x1c" * size,
    "a file separator every 65 bytes before a binary record": lambda size: (
        first((2, 0), (4, 1)) + b"2.001:9" + (b"\x1c" + b"x" * 64) * (size // 65)
    ),
    "a file separator every 256 bytes before a binary record": lambda size: (
        first((2, 0), (4, 1)) + b"2.001:9" + (b"\x1c" + b"x" * 255) * (size // 256)
    ),
    "payloads": lambda size: first((14, 1)) + b"14.001:9" + HEAD + b"\x1d14.999:" * (size // 8) + b"\x1c",
    "payloads of another type": lambda size: (
        first((14, 1)) + b"14.001:9" + HEAD + b"\x1d13.999:" * (size // 8) + b"\x1c"
    ),
    "payloads with texts between": lambda size: (
        first((14, 1)) + b"14.001:9" + HEAD + b"\x1d14.999:" + (b"x" * 64 + b"\x1d14.999:") * (size // 72) + b"\x1c"
    ),
    "tiny records": lambda size: first((2, 0)) + b"2.001:8\x1c" * (size // 8),
    "tiny records of wrong length": lambda size: first((2, 0)) + b"2.001:9\x1c" * (size // 8),
    "tiny binary records": lambda size: first(*[(7, 0)] * (size // 8)) + b"\0\0\0\5\0" * (size // 8),
    "zeros": lambda size: b"0" * size,
    "blanks before a bracket": lambda size: b" " * size + b"<",
    "text": lambda size: first((2, 0)) + tagged(2, (2, b"00"), (3, b"a" * size)),
    "a picture": lambda size: first((4, 1)) + binary(4, 1, b"\x1c" * size),
}


def peak_beside(data: bytes) -> int:
    """Bytes that reading takes at its peak, the file itself left out."""
    read_transaction(first())  # what is made once
    tracemalloc.start()
    try:
        read_transaction(data)
    except FormatError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return peak


def _outcome(data: bytes) -> str:
    try:
        return f"read, {len(read_transaction(data).records)} records"
    except FormatError as error:
        return error.code


def main() -> None:
    size = int(float(sys.argv[1]) * 1e6) if len(sys.argv) > 1 else 20_000_000
    print(f"{'':56}{'MB':>6}{'ms':>8}{'of':>7}{'memory':>8}  outcome")
    for name, make in HOSTILE.items():
        data = make(size)
        begin = time.process_time()
        outcome = _outcome(data)
        spent_ms = (time.process_time() - begin) * 1e3
        times = 1 + peak_beside(data) / len(data)
        print(f"{name:56}{len(data) / 1e6:6.1f}{spent_ms:8.1f}{50 + 20 * len(data) / 1e6:7.0f}{times:7.1f}x  {outcome}")


if __name__ == "__main__":
    main()
