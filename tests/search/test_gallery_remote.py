"""The gallery behind a socket: the same answers, and one clear error for everything the other side can do wrong."""

from __future__ import annotations

import json
import os
import socket
import stat
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from search_twins import MATE, template_of

from mithaq.errors import StorageError
from mithaq.finger import Template
from mithaq.search import Attributes, Counts, Filters, Gallery, RemoteGallery, Searcher, serve_gallery
from mithaq.search.parameters import PLACES
from mithaq.units import Candidate, FingerPosition

FOUND = Candidate("A-1", FingerPosition.RIGHT_INDEX, 0, 0.75, {"similarity": 0.5}, 0)


class Afis:
    """A Searcher that is no gallery of ours; `before` runs at each search."""

    def __init__(self, before: Callable[[], object] = lambda: None) -> None:
        self.before = before

    def search(self, probes: Sequence[Template], *, threshold: float, top: int, **narrowed: Any) -> list[Candidate]:
        self.before()
        self.narrowed = narrowed
        return [FOUND]

    def count(self) -> Counts:
        return Counts(3, 4, 5)


@pytest.fixture
def path() -> Iterator[Path]:
    with TemporaryDirectory(dir="/tmp") as folder:  # a socket's path must be short
        yield Path(folder) / "search"


@contextmanager
def serving(searcher: Searcher, path: Path, wait_s: float = 5.0) -> Iterator[None]:
    ready, stop = threading.Event(), threading.Event()
    thread = threading.Thread(
        target=lambda: serve_gallery(searcher, path, stop=stop, ready=ready.set, wait_s=wait_s), daemon=True
    )
    thread.start()
    assert ready.wait(5)
    try:
        yield
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()
        assert not path.exists()


@contextmanager
def answering(path: Path, reply: bytes, *, close: bool = True) -> Iterator[None]:
    """Something at the other end of the socket that reads a question and says `reply`."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(reply)
                if not close:
                    connection.recv(1)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield
        thread.join(5)


def frame(header: bytes, body: bytes = b"") -> bytes:
    return b"MQS2" + struct.pack("!II", len(header), len(body)) + header + body


def ask_raw(path: Path, question: bytes) -> dict[str, object]:
    """The header of the answer to these bytes."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(str(path))
        connection.sendall(question)
        connection.shutdown(socket.SHUT_WR)
        said = b""
        with suppress(ConnectionResetError):  # it closed without reading all; what it said came first
            while piece := connection.recv(65536):
                said += piece
    answer: dict[str, object] = json.loads(said[12:])
    return answer


def test_the_same_answers_as_the_gallery_itself(three: Path, path: Path) -> None:
    remote = RemoteGallery(path)
    assert isinstance(remote, Searcher)
    with Gallery(three, writable=True) as gallery, serving(gallery, path):
        for probes in ([template_of(1)], [template_of(3, 1), template_of(2, 2), template_of(40)]):
            for threshold in (0.0, 0.1, 0.9):
                assert remote.search(probes, threshold=threshold, top=3) == gallery.search(
                    probes, threshold=threshold, top=3
                )
        assert remote.count() == Counts(3, 4, 4)
        gallery.add("D-4", 1, 0, template_of(9))
        assert remote.search([template_of(9)], threshold=MATE, top=1)[0].reference == "D-4"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_positions_filters_and_the_way_of_searching_arrive(path: Path) -> None:
    afis = Afis()
    narrowed = Filters(frozenset({FingerPosition(2)}), "F", (1980, 1990), frozenset({3, 4}))
    questions: list[dict[str, Any]] = [
        {"positions": None, "filters": None, "how": "exhaustive"},
        {"positions": [FingerPosition(2), FingerPosition(0)], "filters": narrowed, "how": "indexed"},
        {"positions": None, "filters": Filters(), "how": "exhaustive"},
    ]
    with serving(afis, path):
        for question in questions:
            assert RemoteGallery(path).search([template_of(1)] * 2, threshold=0.5, top=1, **question) == [FOUND]
            assert afis.narrowed == question


def test_narrowed_searches_have_the_gallery_s_own_answers(three: Path, path: Path) -> None:
    with Gallery(three, writable=True) as gallery, serving(gallery, path):
        gallery.add("D-4", 2, 0, template_of(3, 2), Attributes("M"))
        probes = [template_of(1, 1), template_of(2, 1)]
        for filters in (None, Filters(sex="F"), Filters(frozenset({FingerPosition(7)}))):
            for positions in (None, [FingerPosition(2), FingerPosition(7)], [FingerPosition(0)] * 2):
                asked: dict[str, Any] = {"positions": positions, "filters": filters, "threshold": MATE, "top": 5}
                found = gallery.search(probes, **asked)
                assert found
                assert RemoteGallery(path).search(probes, **asked) == found


def test_any_searcher_can_be_served(path: Path) -> None:
    with serving(Afis(), path):
        remote = RemoteGallery(path)
        assert remote.search([template_of(1)], threshold=MATE, top=2) == [FOUND]
        assert remote.count() == Counts(3, 4, 5)


def test_a_service_that_is_down(path: Path) -> None:
    remote = RemoteGallery(path)
    for _ in range(2):
        with pytest.raises(StorageError, match="GAL-030"):
            remote.count()
        with socket.socket(socket.AF_UNIX) as dead:  # its file stays, nobody listens
            if not path.exists():
                dead.bind(str(path))
    with serving(Afis(), path):  # a dead service's socket is replaced
        assert remote.count() == Counts(3, 4, 5)
    with pytest.raises(StorageError, match="GAL-030"):
        remote.search([template_of(1)], threshold=MATE, top=1)


def test_a_service_that_is_slow(path: Path) -> None:
    go_on = threading.Event()
    with serving(Afis(lambda: go_on.wait(5)), path):
        with pytest.raises(StorageError, match=r"GAL-031.*0\.05 s"):
            RemoteGallery(path, wait_s=0.05).search([template_of(1)], threshold=MATE, top=1)
        go_on.set()
    with answering(path, b"MQS2", close=False), pytest.raises(StorageError, match="GAL-031"):
        RemoteGallery(path, wait_s=0.05).count()


def test_a_service_whose_search_fails(path: Path) -> None:
    def fail() -> None:
        raise StorageError("GAL-006", "the record at byte 64 of the gallery is damaged")

    with serving(Afis(fail), path), pytest.raises(StorageError, match=r"GAL-033.*\(GAL-006\)"):
        RemoteGallery(path).search([template_of(1)], threshold=MATE, top=1)


def test_a_service_that_is_full(path: Path) -> None:
    go_on, inside = threading.Event(), threading.Semaphore(0)

    def wait() -> None:
        inside.release()
        go_on.wait(10)

    with serving(Afis(wait), path):
        asking = [
            threading.Thread(target=lambda: RemoteGallery(path).search([template_of(1)], threshold=MATE, top=1))
            for _ in range(PLACES)
        ]
        for thread in asking:
            thread.start()
        for _ in asking:
            assert inside.acquire(timeout=10)
        with pytest.raises(StorageError, match="GAL-036"):
            RemoteGallery(path).count()
        go_on.set()
        for thread in asking:
            thread.join()
        assert RemoteGallery(path).count() == Counts(3, 4, 5)


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"MQS3" + frame(b"{}")[4:],
        frame(b"[]"),
        frame(b"{}"),
        frame(b"not json"),
        frame(b"[" * 100_000),
        b"MQS2\xff\xff\xff\xff\xff\xff\xff\xff",
        frame(b'{"counts": {"persons": 1, "fingers": -1, "impressions": 2}}'),
        frame(b'{"counts": {"persons": true, "fingers": 1, "impressions": 2}}'),
        frame(b'{"counts": 7}'),
    ],
)
def test_a_service_that_says_nonsense(path: Path, reply: bytes) -> None:
    with answering(path, reply), pytest.raises(StorageError, match="GAL-032"):
        RemoteGallery(path, wait_s=5).count()


@pytest.mark.parametrize(
    "change",
    [
        {"reference": "../../etc"},
        {"reference": 7},
        {"position": 99},
        {"impression": 999},
        {"score": 1.5},
        {"score": 0.4},
        {"score": "0.9"},
        {"parts": [1]},
        {"probe": 1},
        {"probe": -1},
    ],
)
def test_candidates_that_cannot_be(path: Path, change: dict[str, object]) -> None:
    good = {"reference": "A-1", "position": 2, "impression": 0, "score": 0.75, "parts": {}, "probe": 0}
    for items in ([{**good, **change}], [good, {**good, **change}], [good, good], [{}], 5):
        path.unlink(missing_ok=True)
        reply = frame(json.dumps({"candidates": items}).encode())
        with answering(path, reply), pytest.raises(StorageError, match="GAL-032"):
            RemoteGallery(path, wait_s=5).search([template_of(1)], threshold=0.5, top=1)


def test_an_answer_that_breaks_off(path: Path) -> None:
    with answering(path, frame(b'{"counts": 1}')[:15]), pytest.raises(StorageError, match="GAL-030"):
        RemoteGallery(path, wait_s=5).count()


def test_hostile_questions_end_their_own_connection(three: Path, path: Path) -> None:
    template = template_of(1).to_bytes()

    def search(**changes: object) -> bytes:
        rest = {"positions": None, "filters": None, "how": "exhaustive"}
        question = {"ask": "search", "threshold": 0.1, "top": 1, "templates": [len(template)], **rest, **changes}
        return frame(json.dumps(question).encode(), template)

    hostile = [
        b"GET / HTTP/1.1\r\n\r\n",
        frame(b"[]"),
        frame(b"\xff\xfe"),
        frame(b'{"ask": "count"}', b"more"),
        frame(b'{"ask": "remove", "reference": "A-1"}'),
        b"MQS2" + struct.pack("!II", 2**31, 2**31),
        search(threshold=2),
        search(threshold="0.1"),
        search(top=10**9),
        search(top=True),
        search(templates=[]),
        search(templates=[1] * 21),
        search(templates=[len(template) - 1]),
        search(templates=[-5, len(template) + 5]),
        search(templates="x"),
        search(more=1),
        search(threshold=float("nan")),
        search(positions=[99]),
        search(positions=[1, 2]),
        search(positions="1"),
        search(positions=[True]),
        search(filters={}),
        search(filters={"positions": [1], "sex": "Q", "born": None, "sets": []}),
        search(filters={"positions": [1], "sex": None, "born": [1980], "sets": []}),
        search(filters={"positions": [1], "sex": None, "born": [1980, "1990"], "sets": []}),
        search(filters=[1]),
        search(how="guess"),
        search(how=["exhaustive"]),
    ]
    with Gallery(three) as gallery, serving(gallery, path, wait_s=2):
        for question in hostile:
            assert ask_raw(path, question) == {"error": "GAL-035"}, question[:80]
        damaged = search(templates=[4])[: -len(template)] + b"MTQF"
        damaged = damaged[:8] + struct.pack("!I", 4) + damaged[12:]
        assert str(ask_raw(path, damaged)["error"]).startswith("FIN-")
        with socket.socket(socket.AF_UNIX) as leaving:
            leaving.connect(str(path))
            leaving.sendall(search()[:50])
        assert RemoteGallery(path).search([template_of(1)], threshold=MATE, top=1)[0].reference == "A-1"


def test_a_socket_where_none_can_be(path: Path) -> None:
    with serving(Afis(), path):
        with pytest.raises(StorageError, match=r"GAL-034.*listens there"):
            serve_gallery(Afis(), path, stop=threading.Event())
        assert RemoteGallery(path).count() == Counts(3, 4, 5)
    path.write_text("a file")
    with pytest.raises(StorageError, match=r"GAL-034.*something else"):
        serve_gallery(Afis(), path)
    assert path.read_text() == "a file"
    with pytest.raises(StorageError, match=r"GAL-034.*too long"):
        serve_gallery(Afis(), path.parent / ("x" * 100))
    with pytest.raises(StorageError, match="GAL-034"):
        serve_gallery(Afis(), path.parent / "absent" / "search")
    assert os.listdir(path.parent) == ["search"]


def test_a_request_that_means_nothing_is_not_sent(path: Path) -> None:
    with pytest.raises(StorageError, match="GAL-035"):
        RemoteGallery(path).search([], threshold=MATE, top=1)
