"""Shards answer as one gallery does, also when one of their processes is killed in the middle; nobody outside reaches Ray."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from search_twins import MATE, template_of

from mithaq.errors import StorageError
from mithaq.search import Gallery, Impression
from mithaq.search.shards import Shards, split
from mithaq.units import FingerPosition

psutil = pytest.importorskip("psutil")
if find_spec("ray") is None:
    pytest.skip("ray (extra `cluster`) is not installed: the shards are not tested here", allow_module_level=True)

PERSONS, FINGERS, SHARDS = 12, 2, 2


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Path]]:
    """The same twelve persons in one gallery and in two shards; one of them in two impressions."""
    folder = tmp_path_factory.mktemp("shards")
    whole, parts = folder / "whole", [folder / f"part-{n}" for n in range(SHARDS)]
    held = [
        Impression(f"P{p:03}", FingerPosition(2 + f), 0, template_of(10 * p + f))
        for p in range(PERSONS)
        for f in range(FINGERS)
    ]
    held.append(Impression("P003", FingerPosition.RIGHT_INDEX, 1, template_of(30, 1)))
    homes = split([one.reference for one in held], SHARDS)
    assert set(homes) == set(range(SHARDS))
    with Gallery(whole, writable=True) as gallery:
        gallery.add_many(held)
    for number, part in enumerate(parts):
        with Gallery(part, writable=True) as gallery:
            gallery.add_many(one for one, home in zip(held, homes, strict=True) if home == number)
    return whole, parts


@pytest.fixture(scope="module")
def shards(folders: tuple[Path, list[Path]]) -> Iterator[Shards]:
    with Shards(folders[1]) as opened:
        yield opened


@pytest.fixture(scope="module")
def whole(folders: tuple[Path, list[Path]]) -> Iterator[Gallery]:
    with Gallery(folders[0]) as opened:
        yield opened


PROBES = st.lists(
    st.tuples(st.integers(0, PERSONS + 2), st.integers(0, FINGERS - 1), st.integers(0, 3)), min_size=1, max_size=3
)


@given(PROBES, st.sampled_from([0.0, 0.01, MATE]), st.integers(1, 15))
@settings(max_examples=25)
def test_the_answer_is_that_of_one_gallery(
    shards: Shards, whole: Gallery, asked: list[tuple[int, int, int]], threshold: float, top: int
) -> None:
    probes = [template_of(10 * person + finger, impression) for person, finger, impression in asked]
    assert shards.search(probes, threshold=threshold, top=top) == whole.search(probes, threshold=threshold, top=top)


def test_the_count_is_that_of_one_gallery(shards: Shards, whole: Gallery) -> None:
    assert shards.count() == whole.count()


def test_a_process_killed_in_the_middle_is_replaced_and_no_answer_changes(shards: Shards, whole: Gallery) -> None:
    probes = [template_of(30, 2)]
    expected = whole.search(probes, threshold=0.0, top=15)
    before = shards.processes()
    answers: list[object] = []
    stopped = before[1]
    os.kill(stopped, signal.SIGSTOP)  # it holds the question, and dies over it
    asking = Thread(target=lambda: answers.append(shards.search(probes, threshold=0.0, top=15)))
    asking.start()
    os.kill(stopped, signal.SIGKILL)
    asking.join()
    assert answers == [expected]
    after = shards.processes()
    assert after[0] == before[0]
    assert after[1] != before[1]
    assert shards.search(probes, threshold=0.0, top=15) == expected


def test_a_shard_that_does_not_answer_is_replaced(
    folders: tuple[Path, list[Path]], shards: Shards, whole: Gallery
) -> None:
    with Shards(folders[1], in_flight=1, wait_s=10.0) as own:
        own.wait_s = 0.2
        process = own.processes()[0]
        os.kill(process, signal.SIGSTOP)
        with pytest.raises(StorageError) as slow:
            own.search([template_of(1)], threshold=MATE, top=1)
        assert slow.value.code == "GAL-071"
        own.wait_s = 30.0
        probes = [template_of(0, 1)]
        assert own.search(probes, threshold=MATE, top=3) == whole.search(probes, threshold=MATE, top=3)
        assert own.processes()[0] != process


def test_a_question_without_a_place_is_refused_at_once(folders: tuple[Path, list[Path]], shards: Shards) -> None:
    with Shards(folders[1], in_flight=1) as own:
        process = own.processes()[0]
        os.kill(process, signal.SIGSTOP)
        asking = Thread(target=lambda: own.search([template_of(1)], threshold=MATE, top=1))
        asking.start()
        while own._places.acquire(blocking=False):  # until the thread has the only place
            own._places.release()
        with pytest.raises(StorageError) as full:
            own.count()
        os.kill(process, signal.SIGCONT)
        asking.join()
        assert full.value.code == "GAL-072"
        assert own.count() == shards.count()


def test_nothing_listens_but_on_the_loopback_address(shards: Shards) -> None:
    shards.count()
    listening = set()
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):  # one that just ended listens no more
            listening |= {c.laddr.ip for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN}
    assert listening
    assert {address.removeprefix("::ffff:") for address in listening} <= {"127.0.0.1", "::1"}


def test_a_folder_that_is_no_gallery_is_refused_as_a_gallery_refuses_it(tmp_path: Path, shards: Shards) -> None:
    with pytest.raises(StorageError) as absent:
        Shards([tmp_path / "nothing"])
    assert absent.value.code == "GAL-001"
    assert str(tmp_path) in absent.value.place


def test_no_shards_and_closed_ones(folders: tuple[Path, list[Path]], shards: Shards) -> None:
    with pytest.raises(StorageError) as none:
        Shards([])
    assert none.value.code == "GAL-074"
    own = Shards(folders[1][:1])
    own.close()
    own.close()
    with pytest.raises(StorageError) as closed:
        own.count()
    assert closed.value.code == "GAL-075"
    assert shards.count().persons == PERSONS


def test_a_person_has_one_shard() -> None:
    assert split(["A", "B", "A"], 7)[0] == split(["A"], 7)[0]
    assert set(split([f"P{n}" for n in range(200)], 4)) == {0, 1, 2, 3}
