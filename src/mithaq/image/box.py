"""The box: foreign pictures are decoded in a process of their own, under limits, and nowhere else.

    with Box() as box:
        picture = box.decode(data, place="scan 3")      # Picture(pixels, ppi, format), or ImageError

The box owns one worker (`mithaq.image.worker`), started at the first picture by a clean interpreter and kept; the worker
forks a child for each picture. So a decoder that crashes, hangs or writes where it must not spoils that one picture,
and the next one starts from clean memory. This process imports no decoder. Not done here: what the picture shows.
"""

from __future__ import annotations

import json
import math
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from dataclasses import dataclass
from types import TracebackType
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from mithaq.image.refusals import refusal

_LENGTH_BYTES = 4
_START_S = 30.0  # a cold disk and a busy machine; a warm start takes a tenth of a second
_GRACE_S = 1.0  # the child ends itself at `time_s`; past this the parent ends it
_CHUNK = 1 << 17
_LONGEST_HEADER = 1024
_FORMATS = frozenset({"WSQ", "PNG", "JPEG", "JPEG2000", "TIFF", "BMP", "PNM"})
# The keys of refusals that the worker may send; a broken-into child may send anything.
_WORKER_KEYS = frozenset(
    {
        "text",
        "unknown",
        "pixels",
        "zero",
        "truncated",
        "damaged",
        "memory",
        "variant",
        "animated",
        "pages",
        "depth",
        "no-wsq",
    }
)
# What a clean interpreter needs to find its libraries; the parent's other settings and secrets stay with the parent.
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME", "LANG", "LC_ALL", "TMPDIR")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one picture may cost: address space of its process, seconds from start to end, pixels, bytes as received.

    The defaults let a whole palm at 1000 ppi through (5000 x 5500 pixels) and stop what no print needs.
    """

    memory_mb: int = 1024
    time_s: float = 10.0
    pixels: int = 40_000_000
    bytes: int = 64 << 20


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded picture: `pixels` uint8 (h, w), 0 black; `ppi` as its file states it, None where it states none.

    `density_is_uneven` is true where the file states different densities across and down; `ppi` is then None.
    """

    pixels: NDArray[np.uint8]
    ppi: float | None
    format: str
    density_is_uneven: bool = False


class _WorkerGone(Exception):
    """The worker ended before it took the picture: the picture cannot be to blame."""


class Box:
    """The disposable decoder. One picture at a time, from any thread; `close` leaves no process behind."""

    command: ClassVar[tuple[str, ...]] = ("-P", "-m", "mithaq.image.worker")

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._lock = threading.Lock()
        self._worker: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._finalizer: weakref.finalize[Any, Any] | None = None  # for a box that nobody closed
        self._owner = os.getpid()
        self._closed = False
        self._starts = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """Process id of the worker, None before the first picture and after `close`."""
        return self._worker.pid if self._worker else None

    @property
    def starts(self) -> int:
        """How many workers this box has started; more than one means that one was replaced."""
        return self._starts

    def decode(
        self, data: bytes, *, place: str = "", raw_shape: tuple[int, int] | None = None, compression: str | None = None
    ) -> Picture:
        """The picture in `data`, its format told by its first bytes and never by a name or label.

        `compression="NONE"`, or `raw_shape` (h, w) without a compression, says that the data are grey pixels, a byte each.
        `place` names the picture in an error. ImageError (IMG-001 to IMG-015, IMG-023 to IMG-027) for whatever is not a sound picture.
        """
        if not data:
            raise refusal("empty", place)
        if len(data) > self.limits.bytes:
            raise refusal("bytes", place, size_bytes=len(data), limit=self.limits.bytes)
        if compression == "NONE" or (compression is None and raw_shape is not None):
            return self._raw(data, raw_shape, place)
        with self._lock:
            if self._closed:
                raise refusal("closed", place)
            try:
                return self._decode_once(data, place)
            except _WorkerGone:
                pass
            try:
                return self._decode_once(data, place)
            except _WorkerGone:
                raise refusal("no-worker", place) from None

    def close(self) -> None:
        """End the worker and wait for its end. A closed box decodes nothing more."""
        with self._lock:
            self._closed = True
            self._drop()

    def _raw(self, data: bytes, raw_shape: tuple[int, int] | None, place: str) -> Picture:
        height, width = raw_shape or (0, 0)
        if height < 1 or width < 1:
            raise refusal("zero", place, width=width, height=height)
        if height * width > self.limits.pixels:
            raise refusal("pixels", place, width=width, height=height, limit=self.limits.pixels)
        if len(data) != height * width:
            raise refusal("raw", place, width=width, height=height, size_bytes=len(data))
        return Picture(np.frombuffer(data, np.uint8).reshape(height, width).copy(), None, "NONE")

    def _decode_once(self, data: bytes, place: str) -> Picture:
        control = self._ready(place)
        limits = self.limits
        deadline = time.monotonic() + limits.time_s + _GRACE_S
        ours, theirs = _pair(place)
        with ours:
            with theirs:
                try:
                    socket.send_fds(control, [b"p"], [theirs.fileno()])
                except OSError:
                    self._drop()
                    raise _WorkerGone from None
            asked = json.dumps(
                {"memory_mb": limits.memory_mb, "time_s": limits.time_s, "pixels": limits.pixels}
            ).encode()
            try:
                header, pixels = self._exchange(ours, [len(asked).to_bytes(4, "little"), asked, data], deadline)
                status = self._status(control, deadline)
            except TimeoutError:
                self._drop(kill=True)
                raise refusal("time", place, limit=limits.time_s) from None
            except _WorkerGone:
                self._drop()
                raise
            except (OSError, ValueError, TypeError, RecursionError):
                self._drop(kill=True)
                raise refusal("reply", place) from None
            except BaseException:  # Ctrl-C between a picture and its status: the next picture must not read it
                self._drop(kill=True)
                raise
        if os.WIFSIGNALED(status):
            overran = os.WTERMSIG(status) in (signal.SIGALRM, signal.SIGXCPU)
            raise refusal("time" if overran else "crash", place, limit=limits.time_s)
        if status != 0:
            # Python could not even report: it had too little memory left to say so.
            raise refusal("memory", place, limit=limits.memory_mb)
        return self._picture(header, pixels, place)

    def _exchange(
        self, channel: socket.socket, request: list[bytes], deadline: float
    ) -> tuple[dict[str, Any], bytearray]:
        """Send the request, read the reply to its end. The reply's header is empty where the child died before it."""
        try:
            for part in request:
                channel.settimeout(_left(deadline))
                channel.sendall(part)
            channel.shutdown(socket.SHUT_WR)
        except TimeoutError:
            raise
        except OSError:
            pass  # the child died while it read; its status says how
        reply = bytearray()
        cap = self.limits.pixels + (1 << 16)
        while True:
            channel.settimeout(_left(deadline))
            try:
                chunk = channel.recv(_CHUNK)
            except ConnectionResetError:
                break
            if not chunk:
                break
            reply += chunk
            if len(reply) > cap:
                raise ValueError("longer than any picture")
        if len(reply) < _LENGTH_BYTES:
            return {}, bytearray()
        length = int.from_bytes(reply[:_LENGTH_BYTES], "little")
        if length > _LONGEST_HEADER:
            raise ValueError("longer than any header")
        if length > len(reply) - _LENGTH_BYTES:
            return {}, bytearray()
        header = json.loads(reply[_LENGTH_BYTES : _LENGTH_BYTES + length])
        if not isinstance(header, dict):
            raise TypeError("not an object")
        return header, reply[_LENGTH_BYTES + length :]

    def _status(self, control: socket.socket, deadline: float) -> int:
        control.settimeout(_left(deadline))
        try:
            status = control.recv(_LENGTH_BYTES, socket.MSG_WAITALL)
        except ConnectionResetError:
            raise _WorkerGone from None
        if len(status) < _LENGTH_BYTES:
            raise _WorkerGone
        return int.from_bytes(status, "little")

    def _picture(self, header: dict[str, Any], pixels: bytearray, place: str) -> Picture:
        """The reply as a Picture. Nothing in it is believed unchecked: a broken-into child may have written it."""
        width, height = (_count(header.get(key)) for key in ("width", "height"))
        error, name, density = header.get("error"), header.get("format"), header.get("density")
        if isinstance(error, str) and error in _WORKER_KEYS:
            limit = self.limits.memory_mb if error == "memory" else self.limits.pixels
            raise refusal(error, place, width=width, height=height, limit=limit)
        if (
            not isinstance(name, str)
            or name not in _FORMATS
            or width * height < 1
            or width * height != len(pixels)
            or not _is_density(density)
        ):
            self._drop(kill=True)
            raise refusal("reply", place)
        array = np.frombuffer(pixels, np.uint8).reshape(height, width)
        if density is None:
            return Picture(array, None, name)
        x_ppi, y_ppi = density
        if abs(x_ppi - y_ppi) > 0.01 * max(x_ppi, y_ppi):
            return Picture(array, None, name, density_is_uneven=True)
        return Picture(array, _whole(x_ppi), name)

    def _ready(self, place: str) -> socket.socket:
        """The control socket of a living worker, started where there is none."""
        if self._owner != os.getpid():  # we are a fork of the owner: its worker is not ours to talk to, nor to end
            self._drop()
            self._owner = os.getpid()
        if self._worker and self._worker.poll() is not None:
            self._drop()
        return self._control or self._start(place)

    def _start(self, place: str) -> socket.socket:
        ours, theirs = _pair(place)
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        try:
            with theirs:
                self._worker = subprocess.Popen(
                    [sys.executable, *self.command],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=environment,
                    start_new_session=True,  # a group of its own, to be ended whole; Ctrl-C goes to the parent alone
                )
            self._control = ours
            self._starts += 1
            self._finalizer = weakref.finalize(self, _end, self._worker, ours, False, self._owner)
            ours.settimeout(_START_S)
            greeting = ours.recv(1)
        except OSError:
            greeting = b""
        if greeting != b"r":
            ours.close()
            self._drop(kill=True)
            raise refusal("no-worker", place)
        return ours

    def _drop(self, *, kill: bool = False) -> None:
        worker, control = self._worker, self._control
        self._worker = self._control = None
        if self._finalizer:
            self._finalizer.detach()
        if worker and control:
            _end(worker, control, kill, self._owner)


def _end(worker: subprocess.Popen[bytes], control: socket.socket, kill: bool, owner: int) -> None:
    """Close the control socket, which ends an idle worker; end its whole group where it is busy or must go at once."""
    control.close()
    if owner != os.getpid():
        worker.returncode = 0  # a fork's copy: the owner waits for it
        return
    if worker.returncode is not None:
        return
    if not kill:
        try:
            worker.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            kill = True
    if kill:
        try:
            os.killpg(worker.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        worker.wait()


def _pair(place: str) -> tuple[socket.socket, socket.socket]:
    try:
        return socket.socketpair()
    except OSError:  # no descriptor left
        raise refusal("no-worker", place) from None


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _count(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value < 1 << 31 else 0


def _is_density(value: object) -> bool:
    if value is None:
        return True
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(isinstance(part, float | int) and math.isfinite(part) and 1.0 <= part <= 1e6 for part in value)
    )


def _whole(ppi: float) -> float:
    """A density in whole pixels per inch where rounding per metre or per centimetre explains the rest."""
    nearest = float(round(ppi))
    return nearest if abs(ppi - nearest) <= 0.0002 * ppi else float(ppi)
