"""The gallery's files on disk: one writer, any number of readers, and nothing acknowledged is ever lost.

    append:   rows behind each column -> fdatasync each -> the other half of commit -> fdatasync -> acknowledged
    remove:   row numbers behind `removed`, the same; then zeros over the rows -> fdatasync -> commit: erased
    rewrite:  fields.N+1, whole and synced -> commit names it -> fields.N is deleted
    open:     newest sound half of commit -> heads and lengths of its columns -> the writer cuts off what stands past it

A process killed anywhere leaves the last commit whole: the step under way either happened or did not. The fsync policy
is fixed: every acknowledged step is on the disk, however many impressions it holds. Readers take no lock. The folder
must be on a local file system, because locks and shared mappings are not dependable on others.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mithaq.errors import StorageError
from mithaq.search import layout
from mithaq.search.columns import LARGEST_COUNT, Columns, Piece, Spans, sums_of, sync_folder
from mithaq.search.layout import COMMIT_BYTES, Commit, Damaged
from mithaq.search.refusals import from_os_error, refusal

COMMIT, _NEW_COMMIT, _LOCK = "commit", "commit.new", "lock"
FIRST_LOG = "records."  # of the first format: what an upgrade that was cut short may have left


def _folder_name(generation: int) -> str:
    return f"fields.{generation}"


class GalleryFiles:
    """The open files of one gallery. `commit` is the state that this handle has seen last.

    Not safe for several threads: the Gallery holds its lock around every call. `stop_at` is called with the name of
    each point at which a crash could matter; tests kill or raise there, and an OSError from it counts as the disk's.
    Where the codes are not of `descriptor` it does not open, but that `any_descriptor` is said.
    """

    commit: Commit

    def __init__(
        self,
        path: Path,
        *,
        writable: bool,
        descriptor: tuple[int, int],
        any_descriptor: bool = False,
        stop_at: Callable[[str], None] | None = None,
    ) -> None:
        self.path = path
        self.writable = writable
        self._descriptor = descriptor
        self._any_descriptor = any_descriptor
        self._stop = stop_at or (lambda point: None)
        self._may_write = writable  # False after a failed write, until the gallery is opened again
        self._lock_fd = self._commit_fd = -1
        self._columns: Columns | None = None
        try:
            if writable:
                self._open_to_write()
            else:
                self._open_to_read()
        except OSError as error:
            self.close()
            raise from_os_error(error, str(path)) from None
        except BaseException:
            self.close()
            raise

    # ---- opening ----------------------------------------------------------------------------------------------

    def _open_to_read(self) -> None:
        if not (self.path / COMMIT).exists():
            raise why_no_commit(self.path) or refusal("absent", str(self.path))
        self._commit_fd = os.open(self.path / COMMIT, os.O_RDONLY | os.O_CLOEXEC)
        self._read_first()

    def _open_to_write(self) -> None:
        self._lock_fd = lock_folder(self.path)
        if not (self.path / COMMIT).exists():
            self._create()
        self._commit_fd = os.open(self.path / COMMIT, os.O_RDWR | os.O_CLOEXEC)
        self._read_first()
        self._require_columns().cut(self.commit)
        self._sweep()
        if layout.has_damaged_copy(os.pread(self._commit_fd, COMMIT_BYTES, 0)):
            self._confirm(replace(self.commit, step=self.commit.step + 1))
            self._confirm(replace(self.commit, step=self.commit.step + 1))

    def _read_first(self) -> None:
        """The newest commit and its columns, both where a writer goes on meanwhile."""
        for attempts_left in reversed(range(8)):
            commit = self._read_commit()
            if layout.has_damaged_half(os.pread(self._commit_fd, COMMIT_BYTES, 0)):
                raise refusal("half", str(self.path / COMMIT))
            try:
                self._columns = self._open_columns(commit)
            except StorageError:
                if not attempts_left or self._read_commit().generation == commit.generation:
                    raise
                continue  # rewritten in between: those files are gone already, the next commit names others
            self.commit = commit
            return

    def _create(self) -> None:
        """An empty gallery. The commit file comes last and whole, so that a creation cut short is seen as none."""
        commit = Commit(secrets.token_bytes(16), *self._descriptor)
        columns = Columns.create(self.path / _folder_name(0), commit)
        columns.sync()
        columns.close()
        sync_folder(columns.folder)
        self._stop("create:fields")
        write_first_commit(self.path, commit, self._stop)

    def _read_commit(self) -> Commit:
        try:
            commit = layout.read_commit(os.pread(self._commit_fd, COMMIT_BYTES, 0))
        except Damaged as damage:
            raise self.refuse(damage, COMMIT) from None
        if (commit.descriptor, commit.words) != self._descriptor and not self._any_descriptor:
            raise refusal("descriptor", str(self.path), met=commit.descriptor, expected=self._descriptor[0])
        return commit

    def _open_columns(self, commit: Commit) -> Columns:
        folder = self.path / _folder_name(commit.generation)
        try:
            return Columns(folder, commit, writable=self.writable)
        except Damaged as damage:
            raise self.refuse(damage, folder.name) from None

    def _sweep(self) -> None:
        """What a killed writer left: other generations, a commit file that never came into its place, a log upgraded."""
        (self.path / _NEW_COMMIT).unlink(missing_ok=True)
        for entry in list(self.path.iterdir()):
            if entry.name.startswith("fields.") and entry.name != _folder_name(self.commit.generation):
                shutil.rmtree(entry, ignore_errors=True)
            elif entry.name.startswith(FIRST_LOG):
                zero_and_delete(entry)

    # ---- reading ----------------------------------------------------------------------------------------------

    @property
    def folder(self) -> Path:
        return self.path / _folder_name(self.commit.generation)

    def advance(self) -> Commit:
        """The newest commit, read again: microseconds where nothing changed. StorageError where it went."""
        try:
            self._check_same_place()
            newest = self._read_commit()
            if newest.generation != self.commit.generation:
                old = self._columns
                self._read_first()
                if old is not None:
                    old.close()
            else:
                newest = max(newest, self.commit, key=lambda commit: commit.step)
                try:
                    self._require_columns().take_up(newest)
                except Damaged as damage:
                    raise self.refuse(damage, self.folder.name) from None
                self.commit = newest
        except OSError as error:
            raise from_os_error(error, str(self.path)) from None
        return self.commit

    def _check_same_place(self) -> None:
        try:
            there = os.stat(self.path / COMMIT)
        except FileNotFoundError:
            raise refusal("absent", str(self.path)) from None
        if not os.path.samestat(there, os.fstat(self._commit_fd)):
            raise refusal("mixed", str(self.path))

    def map(self) -> dict[str, NDArray[Any]]:
        """The columns as the present commit counts them, each a read-only array on its file."""
        try:
            return self._require_columns().map(self.commit)
        except ValueError:
            raise refusal("short", str(self.folder), met=0, expected=self.commit.bytes) from None
        except OSError as error:
            raise from_os_error(error, str(self.folder)) from None

    def _require_columns(self) -> Columns:
        if self._columns is None:
            raise refusal("closed", str(self.path))
        return self._columns

    # ---- writing ----------------------------------------------------------------------------------------------

    def require_writer(self) -> None:
        if not self.writable:
            raise refusal("read-only", str(self.path))
        if not self._may_write:
            raise refusal("failed", str(self.path))

    def append(self, pieces: Iterable[Piece], *, removed_sums: dict[str, int] | None = None) -> None:
        """Adds the pieces as one step: all of them or none. They are on the disk when this returns."""
        self.require_writer()
        columns = self._require_columns()
        try:
            self._stop("append:start")
            newest = columns.write(pieces, self.commit, self._stop, "append:half")
            _check_counts(newest, str(self.path))
        except OSError as error:
            self._cut_back()
            raise from_os_error(error, str(self.folder)) from None
        except BaseException:
            self._cut_back()
            raise
        try:
            self._stop("append:written")
            columns.sync()
        except OSError as error:
            self._may_write = False  # after a failed sync the kernel may have dropped what it could not write
            self._cut_back()
            raise from_os_error(error, str(self.folder)) from None
        self._stop("append:synced")
        self._confirm(replace(newest.with_sums({}, removed_sums or {}), step=self.commit.step + 1))

    def _cut_back(self) -> None:
        try:
            self._require_columns().cut(self.commit)
        except OSError:
            self._may_write = False  # harmless for what is there: nothing past the commit is ever read

    def _confirm(self, newest: Commit) -> None:
        """Writes the half that makes `newest` the state. If this is interrupted, the handle writes no more."""
        self._may_write = False
        data = layout.pack_copy(newest)
        try:
            for offset in layout.copy_offsets(newest.step):
                os.pwrite(self._commit_fd, data[:200], offset)
                self._stop("commit:half")
                os.pwrite(self._commit_fd, data[200:], offset + 200)
            self._stop("commit:written")
            os.fdatasync(self._commit_fd)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise refusal("uncertain", str(self.path), reason=reason) from None
        self.commit = newest
        self._may_write = True
        self._stop("commit:synced")

    def remove(self, rows: NDArray[np.uint32], spans: Spans) -> None:
        """Takes these rows out as one step, on the disk when this returns; what `spans` names of them is still to be erased."""
        self.append([{"removed": rows}], removed_sums=sums_of(self.map(), spans))

    def erase(self, spans: Spans) -> None:
        """Zeros over these elements, on the disk when this returns: over those of all removed rows that are not erased yet."""
        self.require_writer()
        columns = self._require_columns()
        try:
            columns.zero(spans, self.commit, self._stop, "erase:half")
            self._stop("erase:written")
            columns.sync()
        except OSError as error:
            raise refusal("erasure", str(self.path), reason=error.strerror or type(error).__name__) from None
        self._stop("erase:synced")
        self._confirm(replace(self.commit, step=self.commit.step + 1, erased=self.commit.removed))

    def rewrite(self, pieces: Iterable[Piece]) -> None:
        """A new generation with only these rows becomes the gallery's, as one step; the old files are deleted."""
        self.require_writer()
        old, old_columns = self.folder, self._require_columns()
        descriptor, words = self._descriptor
        empty = Commit(self.commit.gallery, descriptor, words, self.commit.generation + 1)
        newest = write_generation(self.path, empty, pieces, self._stop)
        self._confirm(replace(newest, step=self.commit.step + 1))
        self._columns = self._open_columns(self.commit)
        old_columns.close()
        shutil.rmtree(old, ignore_errors=True)

    # ---- the rest ---------------------------------------------------------------------------------------------

    def refuse(self, damage: Damaged, name: str) -> StorageError:
        """The StorageError for damage found in the file `name`."""
        return refusal_of(damage, self.path / name)

    def close(self) -> None:
        """Lets go of the files and the writer's lock. Writes nothing: what was acknowledged is already safe."""
        if self._columns is not None:
            self._columns.close()
        for fd in (self._commit_fd, self._lock_fd):
            if fd >= 0:
                os.close(fd)
        self._commit_fd = self._lock_fd = -1
        self._may_write = False


def write_generation(path: Path, empty: Commit, pieces: Iterable[Piece], stop: Callable[[str], None]) -> Commit:
    """The files of a new generation, on the disk when this returns what they hold; nothing is left where it fails."""
    folder = path / _folder_name(empty.generation)
    columns = None
    try:
        stop("rewrite:start")
        columns = Columns.create(folder, empty)
        newest = columns.write(pieces, empty, stop, "rewrite:half")
        columns.sync()
        sync_folder(folder)
        stop("rewrite:fields")
        sync_folder(path)
        return newest
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, OSError):
            raise from_os_error(error, str(folder)) from None
        raise
    finally:
        if columns is not None:
            columns.close()


def write_first_commit(path: Path, commit: Commit, stop: Callable[[str], None]) -> None:
    """Puts a commit file of this one state in place of none, or of the first format's."""
    data = bytearray(COMMIT_BYTES)
    for step in (commit.step, commit.step + 1):
        for offset in layout.copy_offsets(step):
            data[offset : offset + layout.COPY_BYTES] = layout.pack_copy(replace(commit, step=step))
    new = path / _NEW_COMMIT
    with open(new, "wb", opener=_private) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    stop("create:commit")
    os.rename(new, path / COMMIT)
    sync_folder(path)


def refusal_of(damage: Damaged, place: Path) -> StorageError:
    """The StorageError for damage found at `place`."""
    return refusal(damage.kind, str(place / damage.where), met=damage.met, expected=layout.FORMAT_VERSION)


def lock_folder(path: Path) -> int:
    """The writer's lock on a folder that is a gallery or may become one, made where there is none. StorageError, OSError."""
    if path.exists() and not path.is_dir():
        raise refusal("foreign", str(path))
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    _check_place(path)  # before anything in it is touched
    lock = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _check_place(path)
    except BlockingIOError:
        os.close(lock)
        raise refusal("locked", str(path)) from None
    except BaseException:
        os.close(lock)
        raise
    return lock


def _check_place(path: Path) -> None:
    why = None if (path / COMMIT).exists() else why_no_commit(path)
    if why is not None:
        raise why


def why_no_commit(path: Path) -> StorageError | None:
    """Why a folder has no commit file: None where there is no folder, or where a creation was cut short."""
    if not path.exists():
        return None
    if not path.is_dir():
        return refusal("foreign", str(path))
    names = {entry.name for entry in os.scandir(path)} - {_LOCK, _NEW_COMMIT}
    created = path / _folder_name(0)
    if created.is_dir() and all(file.stat().st_size <= layout.HEAD_BYTES + 4 for file in created.iterdir()):
        names.discard(created.name)
    if any(name.startswith(("fields.", FIRST_LOG)) for name in names):
        return refusal("commit", str(path))
    return refusal("foreign", str(path)) if names else None


def zero_and_delete(path: Path) -> None:
    """Zeros over a whole file, on the disk before its name goes: a later removal could not reach what it held."""
    with path.open("r+b") as file:
        left = os.fstat(file.fileno()).st_size
        while left > 0:
            left -= file.write(bytes(min(left, 1 << 20)))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()


def _check_counts(commit: Commit, place: str) -> None:
    if max(commit.rows, commit.blocks, commit.persons, commit.letters) > LARGEST_COUNT:
        raise refusal("large", place)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
