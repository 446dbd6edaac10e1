"""How fast transactions are read, written and checked: `mithaq measure record DIR`. It reports; it gates nothing.

    files ──► read · read, every field · read and rewrite · read and check      files a second, megabytes a second
          └─► nistitl, where it is installed: the same in the same run on the same files
    a hundred megabytes of palms, made here and mapped ──► listed

All in one process on one thread. A record is cut into fields when they are asked for, so that reading alone is told apart
from reading every field, which is what nistitl always does. Memory is what Python's own allocator counts.
"""

from __future__ import annotations

import mmap
import os
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mithaq.errors import FormatError, SettingsError
from mithaq.record import (
    check,
    load_profile,
    new_transaction,
    profile_for,
    read_transaction,
    tagged_record,
    tree,
    write_transaction,
)
from mithaq.record.codec import begins_as_transaction

ROUND_S = 1.0
"""Seconds for each figure: all files over and over until they are spent."""
ROUNDS = 3
"""The best of so many is reported, since whatever else the machine does can only slow a round down."""
LARGE = 1_000_000
"""Bytes from which a file counts for the figures on large ones."""
PALMS, PALM_BYTES = 40, 2_600_000
"""Palms at 1000 ppi, compressed, as a live scanner makes them: a hundred megabytes in one file."""
MB = 1e6

Step = Callable[[bytes], Any]


def measure_record(directory: Path) -> dict[str, Any]:
    """`ours` and `nistitl` (None where it is not installed): for each step `files_per_s`, `mb_per_s`, and `large_mb_per_s`
    on files of a megabyte and more; `byte_equal` counts. `memory`: the largest file, and the peak beside it in each step.
    `palms`: size, time and peak of listing a large mapped file. SettingsError MEA-010 where the folder has no transaction.
    """
    files = _files(directory)
    steps: dict[str, Step] = {
        "read": read_transaction,
        "read_every_field": lambda data: [record.fields for record in read_transaction(data).records],
        "read_rewrite": lambda data: write_transaction(read_transaction(data)),
        "read_check": _check,
    }
    theirs = _nistitl()
    ours = {name: _rates(step, files) for name, step in steps.items()}
    figures: dict[str, Any] = {
        "files": len(files),
        "megabytes": round(sum(map(len, files)) / MB, 1),
        "cores": 1,
        "load": round(os.getloadavg()[0], 1),
        "ours": ours | {"byte_equal": _equal(steps["read_rewrite"], files)},
        "nistitl": None,
        "times_nistitl": None,
        "memory": _memory(max(files, key=len), steps),
        "palms": _palms(),
    }
    if theirs is not None:
        rates = {name: _rates(step, files) for name, step in theirs.items()}
        figures["nistitl"] = rates | {"byte_equal": _equal(theirs["read_rewrite"], files)}
        pairs = {"read": "read", "read_every_field": "read", "read_rewrite": "read_rewrite"}
        figures["times_nistitl"] = {
            mine: round(ours[mine]["files_per_s"] / rates[other]["files_per_s"], 1) for mine, other in pairs.items()
        }
    return figures


def write_palms(path: Path) -> None:
    """A transaction of forty Type-15 records of 2.6 MB each. Their pictures begin as JPEG 2000 does, and are empty."""
    fields = {3: "10", 4: "ORI", 6: "5000", 7: "5500", 8: "1", 9: "1000", 10: "1000", 11: "JP2L", 12: "8", 13: "21"}
    picture = b"\xff\x4f\xff\x51".ljust(PALM_BYTES, b"\0")
    records = [tagged_record(15, {**fields, 999: picture}, idc=idc) for idc in range(PALMS)]
    tx = new_transaction({2: "0502", 4: "CAR", 5: "20260310", 7: "DAI", 8: "ORI", 9: "TCN1"}, records)
    with path.open("wb") as file:
        for record in tx.records:
            file.writelines(record.chunks())


def _palms() -> dict[str, float]:
    """What it takes to list the palms: every record and field, no payload looked at."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "palms.an2")
        write_palms(path)
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        times = []
        for _ in range(ROUNDS):
            begin = time.process_time()
            tree(read_transaction(mapped))
            times.append(time.process_time() - begin)
        tracemalloc.start()
        tree(read_transaction(mapped))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return {
            "megabytes": round(len(mapped) / MB, 1),
            "list_ms": round(1e3 * min(times), 2),
            "peak_mb": round(peak / MB, 2),
        }


def _files(directory: Path) -> list[bytes]:
    """Every traditional transaction below the folder."""
    found = []
    for path in sorted(directory.rglob("*")):
        if path.is_file() and begins_as_transaction(data := path.read_bytes()):
            try:
                read_transaction(data)
            except FormatError:
                continue
            found.append(data)
    if not found:
        raise SettingsError(
            "MEA-010", "the folder holds no transaction", file=str(directory), expected="*.an2 and such"
        )
    return found


def _check(data: bytes) -> None:
    tx = read_transaction(data)
    check(tx, load_profile(profile_for(tx)[0]))


def _nistitl() -> dict[str, Step] | None:
    try:
        import nistitl
    except ImportError:
        return None

    def read(data: bytes) -> Any:
        message = nistitl.Message()
        message.parse(data)
        return message

    return {"read": read, "read_rewrite": lambda data: read(data).NIST}


def _rates(step: Step, files: Sequence[bytes]) -> dict[str, float]:
    """The best of some rounds over all files, and over the large ones."""
    large = [data for data in files if len(data) >= LARGE]
    per_pass = min(_pass_s(step, files) for _ in range(ROUNDS))
    large_s = min(_pass_s(step, large) for _ in range(ROUNDS)) if large else 0.0
    return {
        "files_per_s": round(len(files) / per_pass, 1),
        "mb_per_s": round(sum(map(len, files)) / MB / per_pass, 1),
        "large_mb_per_s": round(sum(map(len, large)) / MB / large_s, 1) if large else 0.0,
    }


def _pass_s(step: Step, files: Sequence[bytes]) -> float:
    """Mean seconds of one pass over the files, as many passes as fit into a round. A fault in a file counts as done."""
    passes, begin = 0, time.process_time()
    while (spent := time.process_time() - begin) < ROUND_S or not passes:
        for data in files:
            try:
                step(data)
            except Exception:
                pass  # nistitl lets others than its own errors out; the time it took stands
        passes += 1
    return spent / passes


def _equal(step: Step, files: Sequence[bytes]) -> int:
    equal = 0
    for data in files:
        try:
            equal += step(data) == data
        except Exception:
            continue
    return equal


def _memory(data: bytes, steps: dict[str, Step]) -> dict[str, float]:
    """Peak megabytes beside the file itself."""
    peaks = {"file_mb": round(len(data) / MB, 2)}
    for name, step in steps.items():
        tracemalloc.start()
        step(data)
        peaks[f"{name}_mb"] = round(tracemalloc.get_traced_memory()[1] / MB, 2)
        tracemalloc.stop()
    return peaks
