"""The gallery's files on disk: one writer, any number of readers, and nothing acknowledged is ever lost.

    append:  records -> records.N -> fdatasync -> the other half of commit -> fdatasync -> acknowledged
    remove:  the same with a removal record, then zeros over the removed bodies -> fdatasync -> acknowledged
    open:    newest sound half of commit -> records.N must reach that far -> the writer cuts off what stands past it

A process killed anywhere leaves the last commit whole: the step under way either happened or did not. The fsync policy
is fixed: every acknowledged step is on the disk, two syncs each, however many impressions it holds. Readers take no
lock. The folder must be on a local file system, because locks and shared mappings are not dependable on others.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

from mithaq.errors import StorageError
from mithaq.search import layout
from mithaq.search.layout import COMMIT_BYTES, LOG_HEADER_BYTES, Commit, Damaged
from mithaq.search.refusals import from_os_error, refusal

_COMMIT, _NEW_COMMIT, _LOCK = "commit", "commit.new", "lock"


def _log_name(log: int) -> str:
    return f"records.{log}"


class GalleryFiles:
    """The open files of one gallery. `commit` is the state that this handle has seen last.

    Not safe for several threads: the Gallery holds its lock around every call. `stop_at` is called with the name of
    each point at which a crash could matter; tests kill or raise there, and an OSError from it counts as the disk's.
    """

    commit: Commit

    def __init__(self, path: Path, *, writable: bool, stop_at: Callable[[str], None] | None = None) -> None:
        self.path = path
        self.writable = writable
        self._stop_at = stop_at
        self._may_write = writable  # False after a failed write, until the gallery is opened again
        self._lock_fd = self._commit_fd = self._log_fd = -1
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
        if not (self.path / _COMMIT).exists():
            raise self._why_no_commit() or refusal("absent", str(self.path))
        self._commit_fd = os.open(self.path / _COMMIT, os.O_RDONLY | os.O_CLOEXEC)
        self._wait_for_whole_commit()
        self.commit = self._read_commit()
        self._open_log(self.commit)

    def _wait_for_whole_commit(self) -> None:
        """Refuses a half that stays damaged: the other may be older than what was acknowledged. A writer mends it."""
        for _ in range(64):  # a half that is just being written is whole again within microseconds
            data = os.pread(self._commit_fd, COMMIT_BYTES, 0)
            if not layout.has_damaged_half(data):
                return
        self._read_commit()  # says more where neither half can be used
        raise refusal("half", str(self.path / _COMMIT))

    def _open_to_write(self) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise refusal("foreign", str(self.path))
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._check_place()
        self._lock_fd = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise refusal("locked", str(self.path)) from None
        self._check_place()
        if not (self.path / _COMMIT).exists():
            self._create()
        self._commit_fd = os.open(self.path / _COMMIT, os.O_RDWR | os.O_CLOEXEC)
        self.commit = self._read_commit()
        self._open_log(self.commit)
        self._recover()
        self._sweep()

    def _check_place(self) -> None:
        """Refuses a folder that is no gallery before anything in it is touched."""
        why = None if (self.path / _COMMIT).exists() else self._why_no_commit()
        if why is not None:
            raise why

    def _why_no_commit(self) -> StorageError | None:
        """Why a folder has no commit file: None where there is no folder, or where a creation was cut short."""
        if not self.path.exists():
            return None
        if not self.path.is_dir():
            return refusal("foreign", str(self.path))
        names = {entry.name for entry in os.scandir(self.path)} - {_LOCK, _NEW_COMMIT}
        first = _log_name(0)
        if first in names and (self.path / first).stat().st_size <= LOG_HEADER_BYTES:
            names.discard(first)
        if any(name.startswith("records.") for name in names):
            return refusal("commit", str(self.path))
        return refusal("foreign", str(self.path)) if names else None

    def _create(self) -> None:
        """An empty gallery. The commit file comes last and whole, so that a creation cut short is seen as none."""
        gallery = secrets.token_bytes(16)
        self._write_new(_log_name(0), [layout.pack_log_header(gallery, 0)])
        self._stop("create:log")
        half = layout.pack_half(Commit(gallery, 0, 0, LOG_HEADER_BYTES, 0))
        self._write_new(_NEW_COMMIT, [half + bytes(COMMIT_BYTES - len(half))])
        self._stop("create:commit")
        os.rename(self.path / _NEW_COMMIT, self.path / _COMMIT)
        self._sync_folder()

    def _write_new(self, name: str, pieces: Iterable[bytes]) -> int:
        """A new file of these pieces, on the disk when this returns its length."""
        fd = os.open(self.path / name, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        length = 0
        try:
            for piece in pieces:
                _write_all(fd, piece, length)
                length += len(piece)
            os.fsync(fd)
        finally:
            os.close(fd)
        return length

    def _sync_folder(self) -> None:
        fd = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def _read_commit(self) -> Commit:
        try:
            return layout.read_commit(os.pread(self._commit_fd, COMMIT_BYTES, 0))
        except Damaged as damage:
            raise self.refuse(damage, _COMMIT) from None

    def _open_log(self, commit: Commit) -> None:
        """Opens the log that `commit` names in place of the present one, once it is that gallery's and long enough."""
        name = _log_name(commit.log)
        flags = os.O_RDWR if self.writable else os.O_RDONLY
        try:
            fd = os.open(self.path / name, flags | os.O_CLOEXEC)
        except FileNotFoundError:
            raise refusal("short", str(self.path / name), met=0, expected=commit.length) from None
        try:
            layout.check_log_header(os.pread(fd, LOG_HEADER_BYTES, 0), commit.gallery, commit.log)
            self._check_length(fd, commit)
        except Damaged as damage:
            os.close(fd)
            raise self.refuse(damage, name) from None
        except BaseException:
            os.close(fd)
            raise
        if self._log_fd >= 0:
            os.close(self._log_fd)
        self._log_fd = fd

    def _check_length(self, fd: int, commit: Commit) -> None:
        size = os.fstat(fd).st_size
        if size < commit.length:
            raise refusal("short", str(self.path / _log_name(commit.log)), met=size, expected=commit.length)

    def _recover(self) -> None:
        """Where the newest half of the commit is damaged: whole records past the other half are taken up, not cut off.

        They were on the disk before that half was written, so the step that it confirmed may have been acknowledged.
        """
        if not layout.has_damaged_half(os.pread(self._commit_fd, COMMIT_BYTES, 0)):
            return
        start = self.commit.length
        tail = os.pread(self._log_fd, os.fstat(self._log_fd).st_size - start, start)
        length, records = layout.sound_records(tail, self.commit.records)
        step = self.commit.step + 1
        self._confirm(replace(self.commit, step=step, length=start + length, records=self.commit.records + records))

    def _sweep(self) -> None:
        """What a killed writer left: bytes past the commit, and files of a creation or compaction cut short."""
        if os.fstat(self._log_fd).st_size > self.commit.length:
            os.ftruncate(self._log_fd, self.commit.length)
            os.fsync(self._log_fd)
        for name in (_NEW_COMMIT, _log_name(self.commit.log - 1), _log_name(self.commit.log + 1)):
            (self.path / name).unlink(missing_ok=True)

    # ---- reading ----------------------------------------------------------------------------------------------

    @property
    def log_path(self) -> Path:
        return self.path / _log_name(self.commit.log)

    def advance(self) -> Commit:
        """The newest commit, read again: a few microseconds where nothing changed. StorageError where it went."""
        try:
            for attempts_left in reversed(range(8)):
                self._check_same_place()
                newest = self._read_commit()
                if newest.step <= self.commit.step:
                    newest = self.commit
                if newest.log == self.commit.log:
                    self._check_length(self._log_fd, newest)  # reading a mapping past a cut would end the process
                    self.commit = newest
                    break
                try:
                    self._open_log(newest)
                except StorageError:
                    if not attempts_left:
                        raise
                    continue  # compacted again in between: that log is gone already, the next commit names another
                self.commit = newest
                break
        except OSError as error:
            raise from_os_error(error, str(self.path)) from None
        return self.commit

    def _check_same_place(self) -> None:
        try:
            there = os.stat(self.path / _COMMIT)
        except FileNotFoundError:
            raise refusal("absent", str(self.path)) from None
        if not os.path.samestat(there, os.fstat(self._commit_fd)):
            raise refusal("mixed", str(self.path))

    def map_log(self) -> mmap.mmap:
        """The committed part of the log, mapped for reading. The writer never shortens what a commit covers."""
        try:
            return mmap.mmap(self._log_fd, self.commit.length, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            if isinstance(error, OSError):
                raise from_os_error(error, str(self.log_path)) from None
            raise refusal("short", str(self.log_path), met=0, expected=self.commit.length) from None

    # ---- writing ----------------------------------------------------------------------------------------------

    def require_writer(self) -> None:
        if not self.writable:
            raise refusal("read-only", str(self.path))
        if not self._may_write:
            raise refusal("failed", str(self.path))

    def append(self, records: Sequence[bytes]) -> None:
        """Adds whole records as one step: all of them or none. They are on the disk when this returns."""
        self.require_writer()
        start = self.commit.length
        data = b"".join(records)
        try:
            self._stop("append:start")
            self._write(self._log_fd, data, start, "append:half")
        except OSError as error:
            self._cut_back(start)
            raise from_os_error(error, str(self.log_path)) from None
        try:
            self._stop("append:written")
            os.fdatasync(self._log_fd)
        except OSError as error:
            self._may_write = False  # after a failed sync the kernel may have dropped what it could not write
            self._cut_back(start)
            raise from_os_error(error, str(self.log_path)) from None
        self._stop("append:synced")
        self._confirm(
            replace(
                self.commit,
                step=self.commit.step + 1,
                length=start + len(data),
                records=self.commit.records + len(records),
            )
        )

    def _cut_back(self, length: int) -> None:
        try:
            os.ftruncate(self._log_fd, length)
        except OSError:
            self._may_write = False  # harmless for what is there: nothing past the commit is ever read

    def _confirm(self, newest: Commit) -> None:
        """Writes the half that makes `newest` the state. If this is interrupted, the handle writes no more."""
        self._may_write = False
        try:
            self._write(self._commit_fd, layout.pack_half(newest), layout.half_offset(newest.step), "commit:half")
            self._stop("commit:written")
            os.fdatasync(self._commit_fd)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise refusal("uncertain", str(self.path), reason=reason) from None
        self.commit = newest
        self._may_write = True
        self._stop("commit:synced")

    def erase(self, spans: Sequence[tuple[int, int]]) -> None:
        """Zeros over these (offset, length) of the log, on the disk when this returns. Only for removed bodies."""
        self.require_writer()
        try:
            for offset, length in spans:
                self._write(self._log_fd, bytes(length), offset, "erase:half")
            self._stop("erase:written")
            os.fdatasync(self._log_fd)
        except OSError as error:
            raise refusal("erasure", str(self.path), reason=error.strerror or type(error).__name__) from None

    def replace_log(self, records: Iterable[bytes], count: int) -> None:
        """A new log with only these `count` records becomes the gallery's, as one step; the old file is deleted."""
        self.require_writer()
        old = self.commit
        new = replace(old, log=old.log + 1, step=old.step + 1, records=count)
        header = layout.pack_log_header(old.gallery, new.log)
        try:
            self._stop("compact:start")
            length = self._write_new(_log_name(new.log), chain([header], records))
            self._stop("compact:log")
            self._sync_folder()
        except OSError as error:
            (self.path / _log_name(new.log)).unlink(missing_ok=True)
            raise from_os_error(error, str(self.path)) from None
        self._confirm(replace(new, length=length))
        self._may_write = False
        self._open_log(self.commit)
        self._may_write = True
        (self.path / _log_name(old.log)).unlink(missing_ok=True)

    # ---- the rest ---------------------------------------------------------------------------------------------

    def refuse(self, damage: Damaged, name: str, offset: int = 0) -> StorageError:
        """The StorageError for damage found in the file `name`."""
        facts = {"met": damage.met, "expected": layout.FORMAT_VERSION, "offset": offset}
        return refusal(damage.kind, str(self.path / name), **facts)

    def close(self) -> None:
        """Lets go of the files and the writer's lock. Writes nothing: what was acknowledged is already safe."""
        for fd in (self._log_fd, self._commit_fd, self._lock_fd):
            if fd >= 0:
                os.close(fd)
        self._log_fd = self._commit_fd = self._lock_fd = -1
        self._may_write = False

    def _stop(self, point: str) -> None:
        if self._stop_at is not None:
            self._stop_at(point)

    def _write(self, fd: int, data: bytes, offset: int, half_point: str) -> None:
        """All of `data` at `offset`; where a test listens, in two halves with a point between them."""
        half = len(data) // 2 if self._stop_at is not None else 0
        if half:
            _write_all(fd, data[:half], offset)
            self._stop(half_point)
        _write_all(fd, data[half:], offset + half)


def _write_all(fd: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(fd, view, offset)
        view, offset = view[written:], offset + written
