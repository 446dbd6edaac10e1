"""A gallery in another process, behind a Unix domain socket: how an AFIS of one's own stands in the gallery's place.

    client:  "MQS2" | header bytes (u32) | body bytes (u32) | header | body      one question a connection, then one answer
    server:  the same; integers big-endian, headers JSON, the body of a question its templates one after another

    {"ask": "search", "threshold": 0.31, "top": 20, "templates": [1076, 896], "positions": [2, 7] or null,
     "filters": {"positions": [], "sex": null, "born": null, "sets": []} or null, "how": "exhaustive"}   {"ask": "count"}
    {"candidates": [{"reference": …, "position": …, "impression": …, "score": …, "parts": {…}, "probe": 0}, …]}
    {"counts": {"persons": …, "fingers": …, "impressions": …}}   {"error": "GAL-035"}

Whoever may open the socket may search: it belongs to one account (mode 600). An adapter to an AFIS serves these two
questions and nothing else; nothing here runs code that it received. What each number means is in docs/search.md.
"""

from __future__ import annotations

import json
import math
import os
import socket
import stat
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import BoundedSemaphore, Event, Thread
from typing import Any

from mithaq.errors import MithaqError, StorageError
from mithaq.finger import Template
from mithaq.search.filters import Filters
from mithaq.search.parameters import ANSWER_WAIT_S, LARGEST_FRAME, LARGEST_TEMPLATE, PLACES
from mithaq.search.refusals import refusal
from mithaq.search.shape import Counts, How, Searcher, check_reference, check_request, in_order
from mithaq.units import Candidate, FingerPosition

PROTOCOL = b"MQS2"
_QUESTION = {"ask", "threshold", "top", "templates", "positions", "filters", "how"}
_FRAME = struct.Struct("!4sII")
_LONGEST_PATH = 100  # bytes; Linux takes 107, and the socket is first made under a longer name
_LOOK_S = 0.2  # between two looks at whether to stop


@dataclass(frozen=True, slots=True)
class RemoteGallery:
    """A Searcher whose file is another process's. It holds nothing: each question opens the socket anew.

    StorageError GAL-030 where nobody answers, GAL-031 where not in `wait_s` seconds, GAL-032 where the answer is none,
    GAL-033 where the service could not search, GAL-036 where it is full.
    """

    socket_path: str | os.PathLike[str]
    wait_s: float = ANSWER_WAIT_S

    def search(
        self,
        probes: Sequence[Template],
        *,
        threshold: float,
        top: int,
        positions: Sequence[FingerPosition] | None = None,
        filters: Filters | None = None,
        how: How = "exhaustive",
    ) -> list[Candidate]:
        """As `Searcher.search`. What the service says is checked and put in order again: it is another's program."""
        check_request(len(probes), threshold, top, self._place, positions=positions, filters=filters, how=how)
        bodies = [probe.to_bytes() for probe in probes]
        question = {
            "ask": "search",
            "threshold": threshold,
            "top": top,
            "templates": [len(body) for body in bodies],
            "positions": None if positions is None else [int(position) for position in positions],
            "filters": None if filters is None else filters.to_json(),
            "how": how,
        }
        answer = self._ask(question, b"".join(bodies))
        try:
            found = [_candidate(item, len(probes), threshold, self._place) for item in answer["candidates"]]
        except (KeyError, TypeError, ValueError, StorageError):
            raise self._nonsense() from None
        if len(found) > top or len({candidate.reference for candidate in found}) != len(found):
            raise self._nonsense()
        return in_order(found, top)

    def count(self) -> Counts:
        """Persons, fingers and impressions that the service searches."""
        answer = self._ask({"ask": "count"}, b"")
        try:
            counts = answer["counts"]
            return Counts(*(_whole(counts[name]) for name in ("persons", "fingers", "impressions")))
        except (KeyError, TypeError, ValueError):
            raise self._nonsense() from None

    @property
    def _place(self) -> str:
        return os.fspath(self.socket_path)

    def _nonsense(self) -> StorageError:
        return refusal("nonsense", self._place, version=PROTOCOL.decode())

    def _ask(self, question: dict[str, Any], body: bytes) -> dict[str, Any]:
        deadline = time.monotonic() + self.wait_s
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(self.wait_s)
                connection.connect(self._place)
                try:
                    _send(connection, question, body, deadline)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # a full service says so without reading: its answer may be there all the same
                answer, _ = _receive(connection, deadline)
        except TimeoutError:
            raise refusal("slow", self._place, seconds=f"{self.wait_s:g}") from None
        except BlockingIOError:
            raise refusal("busy", self._place) from None
        except (OSError, EOFError) as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise refusal("down", self._place, reason=reason) from None
        except ValueError:
            raise self._nonsense() from None
        error_code = answer.get("error")
        if error_code == "GAL-036":
            raise refusal("busy", self._place)
        if error_code is not None:
            code = error_code if isinstance(error_code, str) and error_code.isascii() else "no code"
            raise refusal("remote", self._place, code=code[:16])
        return answer


def serve_gallery(
    gallery: Searcher,
    socket_path: str | os.PathLike[str],
    *,
    stop: Event | None = None,
    ready: Callable[[], None] | None = None,
    wait_s: float = ANSWER_WAIT_S,
) -> None:
    """Answers searches of `gallery`, any Searcher, on a Unix socket until `stop` is set; then the socket is gone.

    `ready` is called once it listens. StorageError GAL-034 where the path is taken, too long or not to be had. A
    question that is none, or that takes longer than `wait_s` seconds to arrive, ends its own connection and no more.
    """
    path = Path(socket_path)
    places = BoundedSemaphore(PLACES)
    threads: set[Thread] = set()
    with _listen(path) as listener:
        mine = os.lstat(path)
        try:
            if ready is not None:
                ready()
            while stop is None or not stop.is_set():
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                if not places.acquire(blocking=False):
                    _close_with(connection, {"error": "GAL-036"})
                    continue
                thread = Thread(target=_serve_one, args=(gallery, connection, str(path), wait_s, places), daemon=True)
                thread.start()
                threads = {t for t in threads if t.is_alive()} | {thread}
        finally:
            if path.exists() and os.path.samestat(mine, os.lstat(path)):
                path.unlink(missing_ok=True)
            for thread in threads:
                thread.join(wait_s)


def _listen(path: Path) -> socket.socket:
    """A listening socket at `path`, in place of one that a dead process left; never of a file or a living service."""
    place, making = str(path), Path(f"{path}.{os.getpid()}")
    if len(os.fsencode(path)) > _LONGEST_PATH:
        raise refusal("socket-path", place, reason="it is too long", limit=_LONGEST_PATH)
    try:
        if path.is_symlink() or (path.exists() and not stat.S_ISSOCK(path.stat().st_mode)):
            raise refusal("socket-path", place, reason="something else is there", limit=_LONGEST_PATH)
        if path.exists() and _answers(path):
            raise refusal("socket-path", place, reason="a service listens there", limit=_LONGEST_PATH)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            making.unlink(missing_ok=True)
            listener.bind(str(making))
            making.chmod(0o600)  # before it listens under its own name: no moment in which others could open it
            listener.listen(PLACES)
            listener.settimeout(_LOOK_S)
            making.rename(path)
        except BaseException:
            listener.close()
            raise
        return listener
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise refusal("socket-path", place, reason=reason, limit=_LONGEST_PATH) from None


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return False
        except OSError:
            return True
        return True


def _serve_one(
    gallery: Searcher, connection: socket.socket, place: str, wait_s: float, places: BoundedSemaphore
) -> None:
    """One question and its answer. Whatever the client does ends here."""
    try:
        with connection:
            try:
                question, body = _receive(connection, time.monotonic() + wait_s)
                answer = _answer(gallery, question, body, place)
            except MithaqError as error:
                answer = {"error": error.code}
            except (ValueError, KeyError, TypeError):
                answer = {"error": "GAL-035"}
            _send(connection, answer, b"", time.monotonic() + wait_s)
    except (OSError, EOFError):
        pass  # the client went or was too slow: nobody is left to answer
    finally:
        places.release()


def _answer(gallery: Searcher, question: dict[str, Any], body: bytes, place: str) -> dict[str, Any]:
    """ValueError, KeyError or TypeError for a question that is none."""
    if question == {"ask": "count"} and not body:
        return {"counts": asdict(gallery.count())}
    if question.keys() != _QUESTION or question["ask"] != "search":
        raise ValueError
    lengths = [_whole(length) for length in question["templates"]]
    threshold, top = _number(question["threshold"]), _whole(question["top"])
    positions, filters, how = question["positions"], question["filters"], question["how"]
    if positions is not None:
        positions = [FingerPosition(_whole(position)) for position in positions]
    if filters is not None:
        filters = Filters.from_json(filters)
    check_request(len(lengths), threshold, top, place, positions=positions, filters=filters, how=how)
    if sum(lengths) != len(body) or max(lengths) > LARGEST_TEMPLATE:
        raise ValueError
    probes, at = [], 0
    for length in lengths:
        probes.append(Template.from_bytes(body[at : at + length]))
        at += length
    found = gallery.search(probes, threshold=threshold, top=top, positions=positions, filters=filters, how=how)
    return {"candidates": [{**asdict(c), "position": int(c.position)} for c in found]}


def _candidate(item: dict[str, Any], probes: int, threshold: float, place: str) -> Candidate:
    candidate = Candidate(
        reference=check_reference(item["reference"], place),
        position=FingerPosition(_whole(item["position"])),
        impression=_whole(item["impression"]),
        score=_number(item["score"]),
        parts={str(name): _number(part) for name, part in dict(item["parts"]).items()},
        probe=_whole(item["probe"]),
    )
    if not threshold <= candidate.score <= 1.0 or candidate.probe >= probes or candidate.impression > 255:
        raise ValueError
    return candidate


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError
    return value


def _number(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise ValueError
    return float(value)


def _send(connection: socket.socket, header: dict[str, Any], body: bytes, deadline: float) -> None:
    text = json.dumps(header, ensure_ascii=True, allow_nan=False).encode()
    connection.settimeout(max(0.001, deadline - time.monotonic()))
    connection.sendall(_FRAME.pack(PROTOCOL, len(text), len(body)) + text + body)


def _receive(connection: socket.socket, deadline: float) -> tuple[dict[str, Any], bytes]:
    """The header and body of one frame. ValueError where it is none, EOFError where it ends, TimeoutError where late."""
    protocol, header_bytes, body_bytes = _FRAME.unpack(_receive_exactly(connection, _FRAME.size, deadline))
    if protocol != PROTOCOL or header_bytes + body_bytes > LARGEST_FRAME:
        raise ValueError
    try:
        header = json.loads(_receive_exactly(connection, header_bytes, deadline))
    except RecursionError:
        raise ValueError from None
    body = _receive_exactly(connection, body_bytes, deadline)
    if isinstance(header, dict):
        return header, body
    raise ValueError


def _receive_exactly(connection: socket.socket, size: int, deadline: float) -> bytes:
    pieces = bytearray()
    while len(pieces) < size:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        piece = connection.recv(min(65536, size - len(pieces)))
        if not piece:
            raise EOFError("it closed the connection")
        pieces += piece
    return bytes(pieces)


def _close_with(connection: socket.socket, answer: dict[str, Any]) -> None:
    with connection:
        try:
            _send(connection, answer, b"", time.monotonic() + 1.0)
        except OSError:
            pass  # the client went
