"""The bytes of a gallery: what stands where in its files. Pure: no file is opened here.

    commit           two halves, 4,096 bytes apart, written in turn; the sound one with the higher step is the gallery;
                     each half holds two copies of itself
    fields.N/codes   head (64 bytes) | element | element | …      append-only, but that a removed row's elements become 0
    fields.N/angle   the same, and so on: one file a column, named as in COLUMNS

A half counts what each file holds (rows, blocks, persons, …) and carries for each column two sums: of all elements ever
appended, and of those that were removed. Their difference is what the file must add up to (`sums`). All numbers are
little-endian. Not done here: writing, locking, recovery (`files`), and what the elements mean (`fields`).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

FORMAT_VERSION = 2
FIRST_FORMAT = 1  # a log of records; `upgrading` reads it
HEAD_BYTES = 64
COPY_BYTES = 512
COPY_DISTANCE = 2048  # each half is there twice, written one after the other: one damaged sector loses nothing
HALF_DISTANCE = 4096  # a torn write of one half cannot reach a sector or page of the other
COMMIT_BYTES = 2 * HALF_DISTANCE

_HEAD = struct.Struct("<8sHBxI16s16s12xI")  # magic, version, descriptor, generation, gallery, column, checksum
# magic, version, descriptor, words, generation, gallery, step, six counts, then the sums and the checksum
_HALF = struct.Struct("<8sHBBI16sQ6Q")
_HEAD_MAGIC = b"MITHAQGF"
_COMMIT_MAGIC = b"MITHAQGC"  # as in the first format, so that each tells the other by its version
_SUM = struct.Struct("<QQ")


class Damaged(Exception):
    """Bytes that are not what this layout says, `where` in a folder; `files` turns it into a StorageError with its place."""

    def __init__(self, kind: str, met: int = 0, where: str = "") -> None:
        super().__init__(kind)
        self.kind = kind
        self.met = met
        self.where = where


@dataclass(frozen=True, slots=True)
class Column:
    """One field's file: elements of `dtype` and `shape`, as many as the commit's count `unit` says and `extra` more.

    `erased`: a removal writes zeros over the row's elements. `optional`: there is no file until something is stored.
    """

    name: str
    dtype: str
    unit: str
    shape: tuple[int, ...] = ()
    extra: int = 0
    erased: bool = True
    optional: bool = False

    def shaped(self, words: int) -> tuple[int, ...]:
        """The shape of one element; 0 stands for the words of a code."""
        return tuple(words if part == 0 else part for part in self.shape)

    def item_bytes(self, words: int) -> int:
        return int(np.dtype(self.dtype).itemsize * np.prod(self.shaped(words), dtype=int))

    def end(self, commit: Commit) -> int:
        """How many bytes of the file the commit covers."""
        return HEAD_BYTES + (commit.count(self.unit) + self.extra) * self.item_bytes(commit.words)


COLUMNS = (
    Column("starts", "<u4", "rows", extra=1, erased=False),
    Column("codes", "<u8", "blocks", (0, 8)),
    Column("angle", "u1", "blocks", (8,)),
    Column("reliability", "u1", "blocks", (8,)),
    Column("x", "<i2", "blocks", (8,)),
    Column("y", "<i2", "blocks", (8,)),
    Column("quality", "u1", "blocks", (8,)),
    Column("kind", "<u2", "blocks"),
    Column("count", "u1", "rows"),
    Column("position", "u1", "rows"),
    Column("impression", "u1", "rows"),
    Column("size", "<u2", "rows", (2,)),
    Column("grade", "u1", "rows"),
    Column("person", "<u4", "rows", erased=False),
    Column("attributes", "<u4", "rows", optional=True),
    Column("name_ends", "<u4", "persons", extra=1, erased=False),
    Column("names", "u1", "letters"),
    Column("removed", "<u4", "removed", erased=False),
)
Sums = tuple[tuple[int, int], ...]  # of each column: everything appended, what of it was removed; modulo 2**64


@dataclass(frozen=True, slots=True)
class Commit:
    """The gallery as of one step. Nothing in a file past what is counted here exists.

    Of the `removed` rows the first `erased` are zeros in every file. `attributed`: attributes are kept, so they have a file.
    """

    gallery: bytes
    descriptor: int
    words: int
    generation: int = 0
    step: int = 0
    rows: int = 0
    blocks: int = 0
    persons: int = 0
    letters: int = 0
    removed: int = 0
    erased: int = 0
    attributed: bool = False
    sums: Sums = ((0, 0),) * len(COLUMNS)

    def count(self, unit: str) -> int:
        return int(getattr(self, unit))

    @property
    def columns(self) -> tuple[Column, ...]:
        """Those that have a file."""
        return tuple(column for column in COLUMNS if self.attributed or not column.optional)

    @property
    def bytes(self) -> int:
        """What is stored, in bytes: of all files together, without their heads."""
        return sum(column.end(self) - HEAD_BYTES for column in self.columns)

    def grown(self, by: Mapping[str, int]) -> Commit:
        """The same with these added to the counts."""
        return replace(
            self,
            rows=self.rows + by.get("rows", 0),
            blocks=self.blocks + by.get("blocks", 0),
            persons=self.persons + by.get("persons", 0),
            letters=self.letters + by.get("letters", 0),
            removed=self.removed + by.get("removed", 0),
        )

    def with_sums(self, added: dict[str, int], removed: dict[str, int]) -> Commit:
        """The same with these added to the sums."""
        sums = tuple(
            ((all_ + added.get(column.name, 0)) % 2**64, (gone + removed.get(column.name, 0)) % 2**64)
            for column, (all_, gone) in zip(COLUMNS, self.sums, strict=True)
        )
        return replace(self, sums=sums)


def _closed(packed: bytes) -> bytes:
    """`packed` with its last four bytes replaced by the checksum of what stands before them."""
    return packed[:-4] + zlib.crc32(packed[:-4]).to_bytes(4, "little")


def pack_head(commit: Commit, column: Column) -> bytes:
    """The head of that column's file in the commit's generation."""
    name = column.name.encode("ascii")
    return _closed(
        _HEAD.pack(_HEAD_MAGIC, FORMAT_VERSION, commit.descriptor, commit.generation, commit.gallery, name, 0)
    )


def check_head(data: bytes, commit: Commit, column: Column) -> None:
    """Damaged "version" where the file is another format's, "mixed" where it is another gallery's, column's, generation's."""
    if len(data) == HEAD_BYTES and data[:8] == _HEAD_MAGIC and data[8:10] != FORMAT_VERSION.to_bytes(2, "little"):
        raise Damaged("version", int.from_bytes(data[8:10], "little"), column.name)
    if data != pack_head(commit, column):
        raise Damaged("mixed", where=column.name)


def pack_copy(commit: Commit) -> bytes:
    """One copy of a half, COPY_BYTES long."""
    head = _HALF.pack(
        _COMMIT_MAGIC,
        FORMAT_VERSION,
        commit.descriptor,
        commit.words,
        commit.generation,
        commit.gallery,
        commit.step,
        commit.rows,
        commit.blocks,
        commit.persons,
        commit.letters,
        commit.removed,
        commit.erased * 2 + commit.attributed,
    )
    body = head + b"".join(_SUM.pack(*pair) for pair in commit.sums)
    return _closed(body + bytes(COPY_BYTES - len(body)))


def _read_copy(copy: bytes) -> Commit:
    _, _, descriptor, words, generation, gallery, step, *counts = _HALF.unpack_from(copy)
    rows, blocks, persons, letters, removed, erased = counts
    sums = tuple(_SUM.unpack_from(copy, _HALF.size + n * _SUM.size) for n in range(len(COLUMNS)))
    return Commit(
        gallery,
        descriptor,
        words,
        generation,
        step,
        rows,
        blocks,
        persons,
        letters,
        removed,
        erased // 2,
        bool(erased % 2),
        sums,
    )


def copy_offsets(step: int) -> tuple[int, int]:
    """Where the copies of `step` stand: the halves take turns, so that the last sound state is never written over."""
    start = (step % 2) * HALF_DISTANCE
    return start, start + COPY_DISTANCE


def _halves(data: bytes) -> list[list[bytes]]:
    return [[data[at : at + COPY_BYTES] for at in copy_offsets(step)] for step in (0, 1)]


def _is_sound(copy: bytes) -> bool:
    return len(copy) == COPY_BYTES and _version(copy) == FORMAT_VERSION and copy == _closed(copy)


def _version(copy: bytes) -> int | None:
    return int.from_bytes(copy[8:10], "little") if copy[:8] == _COMMIT_MAGIC else None


def version_of(data: bytes) -> int | None:
    """The format that a commit file says it is of; None where it is no commit file."""
    versions = [_version(copy) for half in _halves(data) for copy in half]
    return next((version for version in versions if version is not None), None)


def read_commit(data: bytes) -> Commit:
    """The newest sound half of a commit file; Damaged "foreign", "first", "version" or "commit" where there is none."""
    copies = [copy for half in _halves(data) for copy in half]
    found = [_read_copy(copy) for copy in copies if _is_sound(copy)]
    if not found:
        versions = {version for copy in copies if (version := _version(copy)) is not None}
        others = versions - {FORMAT_VERSION}  # said though no checksum was looked at: it may stand elsewhere there
        if others:
            raise Damaged("first" if others == {FIRST_FORMAT} else "version", max(others))
        raise Damaged("commit" if versions or not data else "foreign")
    if len(data) != COMMIT_BYTES:
        raise Damaged("commit")
    return max(found, key=lambda commit: commit.step)


def has_damaged_half(data: bytes) -> bool:
    """True where no copy of one half is sound: then the other half may be older than what was acknowledged."""
    return not all(any(map(_is_sound, half)) for half in _halves(data))


def has_damaged_copy(data: bytes) -> bool:
    return not all(_is_sound(copy) for half in _halves(data) for copy in half)
