"""An older gallery -> this version's: its stored minutiae are described anew, and one commit switches over.

    format 1    commit, records.N ──┐ read, each minutia kept, its code not
    format 2    another descriptor ─┴─► fields.N+1, whole and synced ─► commit names it ─► the old files are deleted

A kill before the switch leaves the old gallery as it was, one after it leaves the new one; either way the command can be
repeated. The old log is overwritten with zeros before it is deleted, since later removals could not reach it. The first
format is read here and nowhere else; its layout is that of decision 0004.
"""

from __future__ import annotations

import mmap
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mithaq.finger import Template
from mithaq.finger.descriptor import DESCRIPTOR, WORDS
from mithaq.finger.minutiae import minutiae
from mithaq.search import layout
from mithaq.search.entry import Entry
from mithaq.search.files import (
    COMMIT,
    FIRST_LOG,
    GalleryFiles,
    lock_folder,
    why_no_commit,
    write_first_commit,
    write_generation,
    zero_and_delete,
)
from mithaq.search.layout import Commit, Damaged
from mithaq.search.refusals import from_os_error, refusal
from mithaq.search.shape import Impression
from mithaq.search.shelf import Register, View
from mithaq.units import FingerPosition

_HALF = struct.Struct("<8sHxxI16sQQQxxxxI")  # magic, version, log number, gallery, step, length, records, checksum
_LOG_HEAD = struct.Struct("<8sHxxI16s28xI")  # magic, version, log number, gallery, checksum
_RECORD = struct.Struct("<4sBBBBIIQxxxxI")  # magic, kind, position, impression, reference, body, body CRC, ordinal, CRC
_TEMPLATE = struct.Struct(
    "<4sBBHHHBBH6f"
)  # magic, version, descriptor, n, width, height, quality, flags, words, numbers
_MINUTIA = np.dtype([("x", "<u2"), ("y", "<u2"), ("angle", "<f4"), ("quality", "u1"), ("kind", "u1")])
_IMPRESSION, _REMOVAL = 1, 2


@dataclass(frozen=True, slots=True)
class Upgraded:
    """What an upgrade did: from which format and descriptor, and how many impressions were described anew."""

    format: int
    descriptor: int
    impressions: int


def upgrade(
    path: str | os.PathLike[str],
    *,
    progress: Callable[[int, int], None] | None = None,
    stop_at: Callable[[str], None] | None = None,
) -> Upgraded:
    """Brings the gallery in a folder to this version, in place; `progress` gets (done, total) impressions.

    StorageError GAL-043 where there is nothing to do, GAL-047 or GAL-004 to GAL-007 where the old one is damaged (nothing is
    changed then), GAL-008 where it is being written to, GAL-013 where there is no room for a second copy.
    """
    place = Path(path)
    told = progress or (lambda done, total: None)
    try:
        version = layout.version_of((place / COMMIT).read_bytes())
    except FileNotFoundError:
        raise why_no_commit(place) or refusal("absent", str(place)) from None
    except OSError as error:
        raise from_os_error(error, str(place)) from None
    if version == layout.FIRST_FORMAT:
        return _from_first(place, told, stop_at or (lambda point: None))
    return _from_descriptor(place, told, stop_at)


def _from_descriptor(
    place: Path, progress: Callable[[int, int], None], stop_at: Callable[[str], None] | None
) -> Upgraded:
    new = DESCRIPTOR, WORDS
    files = GalleryFiles(place, writable=True, descriptor=new, any_descriptor=True, stop_at=stop_at)
    try:
        old = files.commit
        if (old.descriptor, old.words) == new:
            raise refusal("up-to-date", str(place))
        view = View.of(old, files.map())
        damaged = view.damaged_column()
        if damaged is not None:
            raise files.refuse(Damaged("column", where=damaged), files.folder.name)
        entry = Entry(str(place), None, Register())
        files.rewrite(entry.pieces(_counted(_again(view), len(view.rows), progress)))
        return Upgraded(layout.FORMAT_VERSION, old.descriptor, entry.added)
    finally:
        files.close()


def _again(view: View) -> Iterator[Impression]:
    """The impressions of a view with the codes of today's descriptor."""
    for row in view.rows.tolist():
        one = view.impression(row)
        old = one.template
        found = minutiae(old.width, old.height, old.x_px, old.y_px, old.angle_rad, old.quality, old.kind)
        template = Template.described(old.width, old.height, found, old.quality_score, None)
        yield Impression(one.reference, one.position, one.impression, template, one.attributes)


def _counted(
    impressions: Iterator[Impression], total: int, progress: Callable[[int, int], None]
) -> Iterator[Impression]:
    for done, one in enumerate(impressions, 1):
        yield one
        progress(done, total)


# ---- the first format -----------------------------------------------------------------------------------------------


def _from_first(place: Path, progress: Callable[[int, int], None], stop: Callable[[str], None]) -> Upgraded:
    lock = -1
    try:
        lock = lock_folder(place)
        gallery, number, length, records = _first_commit(place)
        log_path = place / f"{FIRST_LOG}{number}"
        with log_path.open("rb") as file:
            if os.fstat(file.fileno()).st_size < max(length, layout.HEAD_BYTES):
                raise refusal("short", str(log_path), met=os.fstat(file.fileno()).st_size)
            log = mmap.mmap(file.fileno(), length, access=mmap.ACCESS_READ)
        head = log[: layout.HEAD_BYTES]
        if not _is_closed(head) or _LOG_HEAD.unpack(head)[1:4] != (layout.FIRST_FORMAT, number, gallery):
            raise refusal("mixed", str(log_path))
        kept = _kept_records(log, length, records, log_path)
        entry = Entry(str(place), None, Register())
        impressions = (_first_impression(log, at, log_path) for at in kept)
        empty = Commit(gallery, DESCRIPTOR, WORDS)
        newest = write_generation(place, empty, entry.pieces(_counted(impressions, len(kept), progress)), stop)
        write_first_commit(place, newest, stop)
        stop("upgrade:switched")
        for old in place.glob(f"{FIRST_LOG}*"):
            zero_and_delete(old)
        return Upgraded(layout.FIRST_FORMAT, 1, entry.added)
    except FileNotFoundError:
        raise refusal("short", str(place), met=0) from None
    except OSError as error:
        raise from_os_error(error, str(place)) from None
    finally:
        if lock >= 0:
            os.close(lock)


def _is_closed(data: bytes) -> bool:
    return zlib.crc32(data[:-4]) == int.from_bytes(data[-4:], "little")


def _first_commit(place: Path) -> tuple[bytes, int, int, int]:
    """Gallery, log number, length and records of the newest half; both must be sound, or one never written."""
    data = (place / COMMIT).read_bytes()
    halves = [half for half in (data[:64], data[4096:4160]) if any(half)]
    if not halves or not all(len(half) == 64 and _is_closed(half) for half in halves):
        raise refusal("half" if any(map(_is_closed, halves)) else "commit", str(place / COMMIT))
    newest = max((_HALF.unpack(half) for half in halves), key=lambda half: half[4])
    _, _, number, gallery, _, length, records, _ = newest
    return gallery, number, length, records


def _kept_records(log: mmap.mmap, length: int, records: int, place: Path) -> list[int]:
    """Where the records of impressions stand that were not removed."""
    kept: dict[int, None] = {}
    at = layout.HEAD_BYTES
    for ordinal in range(records):
        head = log[at : at + _RECORD.size]
        if len(head) < _RECORD.size or not _is_closed(head):
            raise refusal("first-record", str(place), met=at)
        _, kind, _, _, _, body_bytes, body_crc, number, _ = _RECORD.unpack(head)
        end = at + _RECORD.size + body_bytes
        if number != ordinal or end > length:
            raise refusal("first-record", str(place), met=at)
        if kind == _IMPRESSION:
            kept[at] = None
        else:
            body = log[at + _RECORD.size : end]
            if kind != _REMOVAL or body_bytes % 8 or zlib.crc32(body) != body_crc:
                raise refusal("first-record", str(place), met=at)
            for offset in np.frombuffer(body, "<u8").tolist():
                kept.pop(offset, None)
        at = end + -body_bytes % 8
    if at != length:
        raise refusal("first-record", str(place), met=at)
    return list(kept)


def _first_impression(log: mmap.mmap, at: int, place: Path) -> Impression:
    """The impression of one record, its template described anew."""
    _, _, position, impression, name_bytes, body_bytes, body_crc, _, _ = _RECORD.unpack_from(log, at)
    body = log[at + _RECORD.size : at + _RECORD.size + body_bytes]
    data = body[name_bytes:]
    if zlib.crc32(body) != body_crc or len(data) < _TEMPLATE.size or position not in set(FingerPosition):
        raise refusal("first-record", str(place), met=at)
    magic, version, _, count, width, height, quality, *_ = _TEMPLATE.unpack_from(data)
    if magic != b"MTQF" or version != 1 or len(data) < _TEMPLATE.size + count * _MINUTIA.itemsize:
        raise refusal("first-record", str(place), met=at)
    table = np.frombuffer(data, _MINUTIA, count, _TEMPLATE.size)
    found = minutiae(width, height, table["x"], table["y"], table["angle"], table["quality"], table["kind"])
    template = Template.described(width, height, found, quality, None)
    return Impression(body[:name_bytes].decode("ascii", "replace"), FingerPosition(position), impression, template)
