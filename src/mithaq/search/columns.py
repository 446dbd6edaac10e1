"""The open files of one generation: a folder with one file a column (`layout.COLUMNS`).

    create ─► heads alone        open ─► heads and lengths looked at ─► map: arrays of exactly what a commit counts
    write: pieces at the ends ─► sync      zero: a row's elements ─► sync      cut: back to what a commit counts

Nothing here decides what counts: that is the commit's, and `files` writes it.
"""

from __future__ import annotations

import mmap
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mithaq.search import layout
from mithaq.search.layout import COLUMNS, HEAD_BYTES, Column, Commit, Damaged
from mithaq.search.sums import weighted_sum

Piece = Mapping[str, NDArray[Any]]
"""Rows to append: of each column its new elements; `starts` and `name_ends` counted from the piece's own beginning."""

Spans = Mapping[str, Sequence[tuple[int, int]]]
"""Elements of columns, by unit ("rows", "blocks", "letters"): the first and one past the last."""

_RELATIVE = {"starts": "blocks", "name_ends": "letters"}
LARGEST_COUNT = 2**32 - 1  # of what starts, ends, persons and removed rows can name


class Columns:
    """The files of `folder`. Damaged or OSError where they are not what the commit says; close them."""

    def __init__(self, folder: Path, commit: Commit, *, writable: bool) -> None:
        self.folder = folder
        self._flags = (os.O_RDWR if writable else os.O_RDONLY) | os.O_CLOEXEC
        self._fds: dict[str, int] = {}
        self._changed: set[str] = set()  # files that are to be synced
        try:
            self.take_up(commit)
        except BaseException:
            self.close()
            raise

    @classmethod
    def create(cls, folder: Path, commit: Commit) -> Columns:
        """A new folder with files of heads alone (and the first start and end, which are 0), in place of what is there."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        for column in commit.columns:
            _make(folder / column.name, commit, column)
        made = cls(folder, commit, writable=True)
        made._changed.update(made._fds)
        return made

    def take_up(self, commit: Commit) -> None:
        """Opens the files that are not open yet and looks at the length of all: reading past a cut would end the process."""
        for column in commit.columns:
            if column.name not in self._fds:
                self._open(column, commit)
            size = os.fstat(self._fds[column.name]).st_size
            if size < column.end(commit):
                raise Damaged("short", size, column.name)

    def _open(self, column: Column, commit: Commit) -> None:
        try:
            fd = os.open(self.folder / column.name, self._flags)
        except FileNotFoundError:
            raise Damaged("short", 0, column.name) from None
        self._fds[column.name] = fd
        head = os.pread(fd, HEAD_BYTES, 0)
        if len(head) < HEAD_BYTES:
            raise Damaged("short", len(head), column.name)
        layout.check_head(head, commit, column)

    def map(self, commit: Commit) -> dict[str, NDArray[Any]]:
        """What the commit counts, each column as a read-only array on its file; an optional one without a file is left out."""
        arrays = {}
        for column in commit.columns:
            end = column.end(commit)
            mapped = mmap.mmap(self._fds[column.name], end, access=mmap.ACCESS_READ)
            flat = np.frombuffer(
                mapped, column.dtype, (end - HEAD_BYTES) // np.dtype(column.dtype).itemsize, HEAD_BYTES
            )
            arrays[column.name] = flat.reshape(-1, *column.shaped(commit.words))
        return arrays

    # ---- writing ----------------------------------------------------------------------------------------------

    def write(self, pieces: Iterable[Piece], commit: Commit, stop: Callable[[str], None], half_point: str) -> Commit:
        """The pieces written behind what the commit counts; what the commit would then count. Nothing is synced."""
        for piece in pieces:
            added: dict[str, int] = {}
            if not commit.attributed and "attributes" in piece and piece["attributes"].any():
                commit = self._begin_attributes(commit)
            for column in commit.columns:
                if column.name not in piece:
                    continue
                elements = piece[column.name]
                if column.name in _RELATIVE:
                    elements = (elements + commit.count(_RELATIVE[column.name])).astype(column.dtype)
                data = np.ascontiguousarray(elements, column.dtype)
                end = column.end(commit)
                added[column.name] = weighted_sum(data, commit.count(column.unit) + column.extra)
                if column.name == "quality":
                    stop(half_point)
                self._changed.add(column.name)
                _write_all(self._fds[column.name], data.tobytes(), end)
            grown = {unit: len(piece[name]) for unit, name in _COUNTED.items() if name in piece}
            commit = commit.with_sums(added, {}).grown(grown)
        return commit

    def _begin_attributes(self, commit: Commit) -> Commit:
        """The first attributes of a gallery: its earlier rows have none, which is 0."""
        commit = replace(commit, attributed=True)
        column = next(column for column in COLUMNS if column.optional)
        if column.name in self._fds:
            os.close(self._fds.pop(column.name))
        _make(self.folder / column.name, commit, column)
        os.truncate(self.folder / column.name, column.end(commit))
        self._open(column, commit)
        return commit

    def zero(self, spans: Spans, commit: Commit, stop: Callable[[str], None], half_point: str) -> None:
        """Zeros over these elements of every column that a removal reaches."""
        for column in commit.columns:
            if column.erased:
                if column.name == "quality":
                    stop(half_point)
                self._changed.add(column.name)
                item = column.item_bytes(commit.words)
                for first, last in spans.get(column.unit, ()):
                    _write_all(self._fds[column.name], bytes((last - first) * item), HEAD_BYTES + first * item)

    def sync(self) -> None:
        """All that was written on the disk when this returns, new files with their names.

        All files at once: the file system then writes its journal once or twice, not once for each (ten times faster).
        """
        changed = [self._fds[name] for name in self._changed if name in self._fds]
        if changed:
            with ThreadPoolExecutor(len(changed)) as pool:
                list(pool.map(os.fdatasync, changed))
        if any(column.optional and column.name in self._changed for column in COLUMNS):
            sync_folder(self.folder)
        self._changed.clear()

    def cut(self, commit: Commit) -> None:
        """Takes away what stands past the commit, and files that it does not count."""
        counted = {column.name for column in commit.columns}
        for column in commit.columns:
            if os.fstat(self._fds[column.name]).st_size > column.end(commit):
                os.ftruncate(self._fds[column.name], column.end(commit))
        for name in [name for name in self._fds if name not in counted]:
            os.close(self._fds.pop(name))
        for path in self.folder.iterdir():
            if path.name not in counted:
                path.unlink()

    def close(self) -> None:
        for fd in self._fds.values():
            os.close(fd)
        self._fds.clear()


_COUNTED = {"rows": "count", "blocks": "angle", "persons": "name_ends", "letters": "names", "removed": "removed"}


def sums_of(arrays: Mapping[str, NDArray[Any]], spans: Spans) -> dict[str, int]:
    """What these elements of each column that a removal reaches add up to."""
    return {
        column.name: sum(
            weighted_sum(arrays[column.name][first:last], first) for first, last in spans.get(column.unit, ())
        )
        for column in COLUMNS
        if column.erased and column.name in arrays
    }


def sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _make(path: Path, commit: Commit, column: Column) -> None:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        _write_all(fd, layout.pack_head(commit, column) + bytes(column.extra * column.item_bytes(commit.words)), 0)
    finally:
        os.close(fd)


def _write_all(fd: int, data: bytes | memoryview, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(fd, view, offset)
        view, offset = view[written:], offset + written
