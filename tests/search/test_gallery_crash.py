"""A writer killed anywhere, a disk that fills, two writers, readers beside a writer: nothing acknowledged is lost."""

from __future__ import annotations

import errno
import os
import random
import resource
import select
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from search_twins import MATE, Held, everything, held, template_of

from mithaq.errors import StorageError
from mithaq.search import Gallery, Impression
from mithaq.units import FingerPosition

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

APPEND = ["append:start", "append:half", "append:written", "append:synced"]
COMMIT = ["commit:half", "commit:half", "commit:written", "commit:synced"]
POINTS = {
    "create": ["create:fields", "create:commit"],
    "add": APPEND + COMMIT,
    "add_many": APPEND + COMMIT,
    "remove": [
        *[point for point in APPEND if point != "append:half"],
        *COMMIT,
        *["erase:half", "erase:written", "erase:synced"],
        *COMMIT,
    ],
    "compact": ["rewrite:start", "rewrite:half", "rewrite:fields", *COMMIT],
}
EACH_POINT = [(step, point) for step, points in POINTS.items() for point in dict.fromkeys(points)]


def batch() -> list[Impression]:
    return [Impression(f"N-{n}", FingerPosition(n), 0, template_of(20 + n)) for n in range(4)]


def do(step: str, place: Path, stop_at: Callable[[str], None]) -> None:
    """One step of a writer on the gallery `three`, or the creation of one."""
    with Gallery(place, writable=True, stop_at=stop_at if step == "create" else None) as gallery:
        pass
    if step != "create":
        with Gallery(place, writable=True, stop_at=stop_at) as gallery:
            if step == "add":
                gallery.add("N-9", 1, 0, template_of(9))
            elif step == "add_many":
                gallery.add_many(batch())
            elif step == "remove":
                gallery.remove("A-1")
            else:
                gallery.compact()


def codes_of(finger: int) -> bytes:
    """Eight bytes that a gallery holds of this finger: the first word of its first block's codes."""
    return template_of(finger).codes[:8, 0].tobytes()


def in_child(work: Callable[[], None]) -> int:
    """The wait status of a forked child that did `work`."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1]


def kill_at(point: str) -> Callable[[str], None]:
    def stop(reached: str) -> None:
        if reached == point:
            os.kill(os.getpid(), signal.SIGKILL)

    return stop


@pytest.mark.parametrize("step", POINTS)
def test_points_are_all_reached(step: str, place: Path, three: Path, tmp_path: Path) -> None:
    reached: list[str] = []
    do(step, tmp_path / "new" if step == "create" else three, reached.append)
    assert reached == POINTS[step]


@pytest.mark.parametrize(("step", "point"), EACH_POINT)
def test_killed_at_a_named_point(step: str, point: str, three: Path, tmp_path: Path) -> None:
    place = tmp_path / "new" if step == "create" else three
    before: Held = []
    after: Held = []
    if step != "create":
        with Gallery(three) as gallery:
            before = after = held(gallery)
    if step == "add":
        after = [*before, ("N-9", 1, 0, template_of(9).to_bytes())]
    elif step == "add_many":
        after = before + [(i.reference, int(i.position), i.impression, i.template.to_bytes()) for i in batch()]
    elif step == "remove":
        after = [item for item in before if item[0] != "A-1"]

    assert os.WTERMSIG(in_child(lambda: do(step, place, kill_at(point)))) == signal.SIGKILL

    with Gallery(place, writable=True) as gallery:
        found = held(gallery)
        assert found in (before, after)
        if point in ("commit:written", "commit:synced", "erase:half", "erase:written", "erase:synced"):
            assert found == after
        if step == "remove" and found == after:
            for n in (1, 2):
                assert codes_of(n) not in everything(place)
            assert b"A-1" not in everything(place)
        assert gallery.add("Z-0", 3, 0, template_of(30))
        assert gallery.search([template_of(30, 1)], threshold=MATE, top=1)[0].reference == "Z-0"
    with Gallery(place) as reader:
        assert held(reader) == [*found, ("Z-0", 3, 0, template_of(30).to_bytes())]
    names = {path.name for path in place.iterdir()}
    assert names in ({"commit", "lock", "fields.0"}, {"commit", "lock", "fields.1"})


def test_killed_at_random_moments(place: Path) -> None:
    """Six lives of a writer that adds and removes; its acknowledgements come through a pipe that outlives it."""
    moments = random.Random(20261124)
    alive: dict[str, bytes] = {}
    number = 0
    for n in range(50):
        template_of(n)  # made once here, not in every life
    with Gallery(place, writable=True) as gallery:
        gallery.prepare()
    for _ in range(6):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                with Gallery(place, writable=True) as gallery:
                    n = number
                    while True:
                        os.write(writing, f"try + {n}\n".encode())
                        gallery.add(f"P-{n}", 1, 0, template_of(n % 50))
                        os.write(writing, f"ack + {n}\n".encode())
                        if n % 5 == 4:
                            os.write(writing, f"try - {n - 2}\n".encode())
                            gallery.remove(f"P-{n - 2}")
                            os.write(writing, f"ack - {n - 2}\n".encode())
                        n += 1
            finally:
                os._exit(1)
        os.close(writing)
        said = _listen(reading, moments.uniform(0.05, 0.3))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        said += _listen(reading, 5.0)
        os.close(reading)
        steps = [line.split() for line in said.decode().splitlines()]
        pending = ("", -1)
        for word, sign, n in steps:
            if word == "try":
                pending = (sign, int(n))
                continue
            pending = ("", -1)
            if sign == "+":
                alive[f"P-{n}"] = template_of(int(n) % 50).to_bytes()
            else:
                alive.pop(f"P-{n}", None)  # an addition that an earlier death cut short is not there to remove
        number = 1 + max((int(n) for _, _, n in steps), default=number)
        with Gallery(place, writable=True) as gallery:
            found = {reference: data for reference, _, _, data in held(gallery)}
            maybe = f"P-{pending[1]}"
            unsure = {maybe} if pending[0] else set()
            assert {r: d for r, d in found.items() if r not in unsure} == {
                r: d for r, d in alive.items() if r not in unsure
            }
            if maybe in found:
                assert found[maybe] == template_of(pending[1] % 50).to_bytes()
            alive = found
            if not found:
                continue  # it was killed before it had done anything
            last = next(reversed(found))
            best = gallery.search([template_of(int(last[2:]) % 50)], threshold=MATE, top=1000)
            assert last in {candidate.reference for candidate in best}
    assert alive


def _listen(pipe: int, seconds: float) -> bytes:
    """What comes through the pipe until it closes or the time is up."""
    said, end = b"", time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and select.select([pipe], [], [], left)[0]:
        piece = os.read(pipe, 65536)
        if not piece:
            break
        said += piece
    return said


def test_readers_beside_a_writer_see_what_was_acknowledged(three: Path) -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with Gallery(three, writable=True) as gallery:
                for n in range(10, 50):
                    gallery.add(f"P-{n}", 1, 0, template_of(n))
                    if n % 4 == 0:
                        gallery.remove(f"P-{n - 1}")
                    if n % 25 == 0:
                        gallery.compact()
                    os.write(writing, bytes([n]))
        finally:
            os._exit(0)
    os.close(writing)
    with Gallery(three) as reader:
        while said := os.read(reading, 4096):
            last = said[-1]
            stays = last - 1 if last % 4 == 3 else last  # the last of every four is removed by the next step
            gone = (last + 1) // 4 * 4 - 1 if last % 4 != 3 else last - 4
            assert reader.search([template_of(stays)], threshold=MATE, top=1)[0].reference == f"P-{stays}"
            assert not reader.search([template_of(gone)], threshold=MATE, top=1)
        assert not reader.refresh()
    os.close(reading)
    os.waitpid(child, 0)


def test_one_writer_at_a_time(three: Path) -> None:
    with Gallery(three, writable=True) as first:
        with pytest.raises(StorageError, match="GAL-008"):
            Gallery(three, writable=True)

        def second() -> None:
            try:
                Gallery(three, writable=True)
            except StorageError as error:
                os.kill(os.getpid(), signal.SIGUSR1 if error.code == "GAL-008" else signal.SIGKILL)

        assert os.WTERMSIG(in_child(second)) == signal.SIGUSR1
        first.add("D-4", 1, 0, template_of(9))
    with Gallery(three, writable=True) as next_one:
        assert "D-4" in next_one


def fail_at(point: str, number: int) -> Callable[[str], None]:
    """An OSError at the first time that `point` is reached."""
    failed: list[str] = []

    def stop(reached: str) -> None:
        if reached == point and not failed:
            failed.append(reached)
            raise OSError(number, os.strerror(number))

    return stop


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO])
@pytest.mark.parametrize("point", ["append:start", "append:half"])
def test_a_full_disk_keeps_nothing_of_the_step_and_all_before_it(three: Path, point: str, number: int) -> None:
    with Gallery(three, writable=True, stop_at=fail_at(point, number)) as gallery:
        before = held(gallery)
        with pytest.raises(StorageError, match="GAL-014" if number == errno.EIO else "GAL-013"):
            gallery.add_many(batch())
        assert held(gallery) == before
        assert gallery.add_many(batch()) == 4  # there is room again
        assert held(gallery)[4:] == [(i.reference, i.position, i.impression, i.template.to_bytes()) for i in batch()]


@pytest.mark.parametrize(
    ("point", "code"), [("append:written", "GAL-014"), ("commit:half", "GAL-019"), ("commit:written", "GAL-019")]
)
def test_a_disk_that_fails_ends_the_writing(three: Path, point: str, code: str) -> None:
    with Gallery(three, writable=True, stop_at=fail_at(point, errno.EIO)) as gallery:
        before = held(gallery)
        with pytest.raises(StorageError, match=code):
            gallery.add("D-4", 1, 0, template_of(9))
        with pytest.raises(StorageError, match="GAL-015"):
            gallery.add("D-5", 1, 0, template_of(10))
        assert held(gallery)[:4] == before
    with Gallery(three, writable=True) as gallery:
        assert held(gallery) in (before, [*before, ("D-4", 1, 0, template_of(9).to_bytes())])
        assert gallery.add("D-5", 1, 0, template_of(10))


def test_an_erasure_that_fails_is_finished_later(three: Path) -> None:
    with Gallery(three, writable=True, stop_at=fail_at("erase:half", errno.EIO)) as gallery:
        with pytest.raises(StorageError, match="GAL-018"):
            gallery.remove("A-1")
        assert "A-1" not in gallery
        assert b"A-1" in everything(three)
        gallery.remove("B-2")  # finishes the earlier one with its own
        assert b"A-1" not in everything(three)
        assert [item[0] for item in held(gallery)] == ["C-3"]
        gallery.check()


def test_an_erasure_that_failed_is_finished_at_the_next_opening(three: Path) -> None:
    with Gallery(three, writable=True, stop_at=fail_at("erase:written", errno.EIO)) as gallery:
        with pytest.raises(StorageError, match="GAL-018"):
            gallery.remove("A-1")
    with Gallery(three) as reader:
        assert [item[0] for item in held(reader)] == ["B-2", "C-3"]  # sound, though not erased to the end
    with Gallery(three, writable=True):
        pass
    assert codes_of(2) not in everything(three)


def test_a_compaction_without_room_changes_nothing(three: Path) -> None:
    with Gallery(three, writable=True, stop_at=fail_at("rewrite:fields", errno.ENOSPC)) as gallery:
        before = held(gallery)
        with pytest.raises(StorageError, match="GAL-013"):
            gallery.compact()
        assert held(gallery) == before
        assert not (three / "fields.1").exists()
        gallery.compact()
        assert held(gallery) == before


def test_a_real_limit_on_the_file_size(three: Path) -> None:
    """The system itself stops the write half way, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Gallery(three, writable=True) as gallery:
        before = held(gallery)
        codes = three / "fields.0" / "codes"
        size = codes.stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, hard))
        try:
            with pytest.raises(StorageError, match="GAL-013"):
                gallery.add_many(batch())
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert codes.stat().st_size == size
        assert held(gallery) == before
        assert gallery.add_many(batch()) == 4
