"""The bytes of a gallery: what stands where in its two files. Pure: no file is opened here.

    commit       two halves, 4,096 bytes apart, written in turn; the sound one with the higher step is the gallery
    records.N    header | record | record | …      append-only, but that a removed record's body becomes zeros

    record       head (32 bytes: kind, position, impression, lengths, ordinal, checksums) | body | zeros up to 8 bytes
    body         an impression: reference in ASCII, then the template's bytes; a removal: offsets (uint64) of records

All numbers are little-endian. Not done here: writing, locking, recovery (`files`), and what a template's bytes mean.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

FORMAT_VERSION = 1
LOG_HEADER_BYTES = 64
HALF_DISTANCE = 4096  # a torn write of one half cannot reach a sector or page of the other
COMMIT_BYTES = HALF_DISTANCE + 64
RECORD_HEAD_BYTES = 32
IMPRESSION, REMOVAL = 1, 2

_LOG_HEADER = struct.Struct("<8sHxxI16s28xI")  # magic, version, log number, gallery, checksum
_HALF = struct.Struct("<8sHxxI16sQQQxxxxI")  # magic, version, log number, gallery, step, length, records, checksum
_HEAD = struct.Struct("<4sBBBBIIQxxxxI")  # magic, kind, position, impression, reference, body, body CRC, ordinal, CRC
_LOG_MAGIC = b"MITHAQGL"
_COMMIT_MAGIC = b"MITHAQGC"
_RECORD_MAGIC = b"MQRC"


class Damaged(Exception):
    """Bytes that are not what this layout says; `files` turns it into a StorageError with its place."""

    def __init__(self, kind: str, met: int = 0) -> None:
        super().__init__(kind)
        self.kind = kind
        self.met = met


@dataclass(frozen=True, slots=True)
class Commit:
    """The gallery as of one step: `length` bytes of `records.<log>` hold `records` records; nothing past them exists."""

    gallery: bytes
    log: int
    step: int
    length: int
    records: int


@dataclass(frozen=True, slots=True)
class RecordHead:
    """One record's head: `reference_bytes` of its `body_bytes` are the reference; `span` reaches the next record."""

    kind: int
    position: int
    impression: int
    reference_bytes: int
    body_bytes: int
    body_crc: int
    ordinal: int

    @property
    def span(self) -> int:
        return RECORD_HEAD_BYTES + self.body_bytes + (-self.body_bytes % 8)


def _closed(packed: bytes) -> bytes:
    """`packed` with its last four bytes replaced by the checksum of what stands before them."""
    return packed[:-4] + zlib.crc32(packed[:-4]).to_bytes(4, "little")


def pack_log_header(gallery: bytes, log: int) -> bytes:
    return _closed(_LOG_HEADER.pack(_LOG_MAGIC, FORMAT_VERSION, log, gallery, 0))


def check_log_header(data: bytes, gallery: bytes, log: int) -> None:
    """Damaged "mixed" where the header is another gallery's or another log's, "version" or "commit" where unreadable."""
    if len(data) != LOG_HEADER_BYTES or data[:8] != _LOG_MAGIC:
        raise Damaged("mixed")
    _, version, met_log, met_gallery, _ = _LOG_HEADER.unpack(data)
    if version != FORMAT_VERSION:
        raise Damaged("version", version)
    if data != _closed(data) or met_gallery != gallery or met_log != log:
        raise Damaged("mixed")


def pack_half(commit: Commit) -> bytes:
    return _closed(
        _HALF.pack(
            _COMMIT_MAGIC, FORMAT_VERSION, commit.log, commit.gallery, commit.step, commit.length, commit.records, 0
        )
    )


def half_offset(step: int) -> int:
    """Where the half of `step` stands: the two take turns, so that the last sound state is never written over."""
    return (step % 2) * HALF_DISTANCE


def read_commit(data: bytes) -> Commit:
    """The newest sound half of a commit file; Damaged "foreign", "version" or "commit" where there is none."""
    halves = [data[:64], data[HALF_DISTANCE : HALF_DISTANCE + 64]]
    found: list[Commit] = []
    other_version = 0
    for half in halves:
        if len(half) != 64 or half[:8] != _COMMIT_MAGIC:
            continue
        _, version, log, gallery, step, length, records, _ = _HALF.unpack(half)
        if version != FORMAT_VERSION:  # said even where its checksum fails: another version may place that elsewhere
            other_version = version
        elif half == _closed(half):
            found.append(Commit(gallery, log, step, length, records))
    if not found and other_version:
        raise Damaged("version", other_version)
    if not found:
        raise Damaged("commit" if any(half[:8] == _COMMIT_MAGIC for half in halves) or not data else "foreign")
    return max(found, key=lambda commit: commit.step)


def has_damaged_half(data: bytes) -> bool:
    """True where one half is neither sound nor never written: torn, or damaged since."""
    halves = [data[:64], data[HALF_DISTANCE : HALF_DISTANCE + 64]]
    return any(half != _closed(half) and any(half) for half in halves)


def sound_records(tail: bytes, ordinal: int) -> tuple[int, int]:
    """(bytes, records) at the start of `tail` that are whole, `ordinal` being the number of the first."""
    at = count = 0
    while at < len(tail):
        try:
            head = read_head(tail[at : at + RECORD_HEAD_BYTES])
        except Damaged:
            break
        body = tail[at + RECORD_HEAD_BYTES : at + RECORD_HEAD_BYTES + head.body_bytes]
        if head.ordinal != ordinal + count or at + head.span > len(tail) or zlib.crc32(body) != head.body_crc:
            break
        at, count = at + head.span, count + 1
    return at, count


def pack_record(
    kind: int, ordinal: int, body: bytes, *, position: int = 0, impression: int = 0, name: int = 0
) -> bytes:
    """One whole record with its padding; `name` counts the bytes of the reference at the start of `body`."""
    head = _closed(_HEAD.pack(_RECORD_MAGIC, kind, position, impression, name, len(body), zlib.crc32(body), ordinal, 0))
    return head + body + bytes(-len(body) % 8)


def read_head(data: bytes) -> RecordHead:
    """The head in exactly 32 bytes; Damaged "record" where its checksum or its kind does not hold."""
    if len(data) != RECORD_HEAD_BYTES or data[:4] != _RECORD_MAGIC or data != _closed(data):
        raise Damaged("record")
    _, kind, position, impression, name, body, crc, ordinal, _ = _HEAD.unpack(data)
    if kind not in (IMPRESSION, REMOVAL) or name > body or (kind == REMOVAL and (name or body % 8)):
        raise Damaged("record")
    return RecordHead(kind, position, impression, name, body, crc, ordinal)
