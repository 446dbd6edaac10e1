"""Older galleries: refused with the command that helps, and brought to this version in place, also when killed on the way.

The first format is written here byte by byte, as its last version did (decision 0004), so that these tests do not lean on
the code that reads it.
"""

from __future__ import annotations

import dataclasses
import os
import signal
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from search_twins import MATE, everything, held, template_of

from mithaq.errors import StorageError
from mithaq.finger import Template
from mithaq.search import Attributes, Gallery, Upgraded, entry, gallery, layout, upgrade

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

GALLERY = bytes(range(16))
FIRST = [("A-1", 2, 0, 1), ("A-1", 7, 0, 2), ("B-2", 2, 1, 3), ("C-3", 0, 0, 4)]


def closed(data: bytes) -> bytes:
    return data + zlib.crc32(data).to_bytes(4, "little")


def first_template(template: Template) -> bytes:
    """Version 1: angles as float32, five words of cylinder codes a minutia."""
    head = struct.pack("<4sBBHHHBBH6f", b"MTQF", 1, 1, len(template), template.width, template.height,
                       template.quality_score, 0, 6, *[0.0] * 6)  # fmt: skip
    minutiae = b"".join(
        struct.pack("<HHfBB", x, y, angle, quality, kind)
        for x, y, angle, quality, kind in zip(
            template.x_px, template.y_px, template.angle_rad, template.quality, template.kind, strict=True
        )
    )
    return closed(head + minutiae + b"\x5a" * (48 * len(template)))


def first_record(kind: int, ordinal: int, body: bytes, position: int = 0, impression: int = 0, name: int = 0) -> bytes:
    head = struct.pack(
        "<4sBBBBIIQxxxx", b"MQRC", kind, position, impression, name, len(body), zlib.crc32(body), ordinal
    )
    return closed(head) + body + bytes(-len(body) % 8)


def write_first(place: Path, *, remove: str | None = None, log: int = 0) -> None:
    """A gallery of the first format with the impressions FIRST; those of `remove` are taken out and zeros."""
    place.mkdir()
    data = closed(struct.pack("<8sHxxI16s28x", b"MITHAQGL", 1, log, GALLERY))
    offsets = []
    for ordinal, (reference, position, impression, finger) in enumerate(FIRST):
        body = reference.encode() + first_template(template_of(finger))
        record = first_record(1, ordinal, body, position, impression, len(reference))
        if reference == remove:
            offsets.append(len(data))
            record = record[:32] + bytes(len(record) - 32)
        data += record
    records = len(FIRST)
    if offsets:
        data += first_record(2, records, np.array(offsets, "<u8").tobytes())
        records += 1
    (place / f"records.{log}").write_bytes(data + b"past the commit")
    half = struct.pack("<8sHxxI16sQQQxxxx", b"MITHAQGC", 1, log, GALLERY, 7, len(data), records)
    (place / "commit").write_bytes(bytes(4096) + closed(half))


def expected(remove: str | None = None) -> list[tuple[str, int, int, bytes]]:
    return [(r, p, i, template_of(f).to_bytes()) for r, p, i, f in FIRST if r != remove]


@pytest.mark.parametrize("writable", [False, True])
def test_the_first_format_is_refused_with_the_command_that_helps(place: Path, writable: bool) -> None:
    write_first(place)
    before = everything(place)
    with pytest.raises(StorageError, match=r"GAL-040.*mithaq gallery upgrade"):
        Gallery(place, writable=writable)
    assert everything(place) == before


@pytest.mark.parametrize("remove", [None, "A-1"])
@pytest.mark.parametrize("log", [0, 3])
def test_the_first_format_is_upgraded_in_place(place: Path, remove: str | None, log: int) -> None:
    write_first(place, remove=remove, log=log)
    told: list[tuple[int, int]] = []
    count = len(expected(remove))
    assert upgrade(place, progress=lambda *numbers: told.append(numbers)) == Upgraded(1, 1, count)
    assert told == [(n, count) for n in range(1, count + 1)]
    assert sorted(path.name for path in place.iterdir()) == ["commit", "fields.0", "lock"]
    with Gallery(place, writable=True) as made:
        assert held(made) == expected(remove)
        assert made.search([template_of(3, 1)], threshold=MATE, top=1)[0].reference == "B-2"
        assert made.add("D-4", 1, 0, template_of(9))
    with pytest.raises(StorageError, match="GAL-043"):
        upgrade(place)


POINTS = ["rewrite:start", "rewrite:half", "rewrite:fields", "create:commit", "upgrade:switched"]


def kill_at(point: str) -> Callable[[str], None]:
    def stop(reached: str) -> None:
        if reached == point:
            os.kill(os.getpid(), signal.SIGKILL)

    return stop


def in_child(work: Callable[[], object]) -> int:
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1]


@pytest.mark.parametrize("point", POINTS)
def test_an_upgrade_that_is_killed_loses_nothing_and_can_be_repeated(place: Path, point: str) -> None:
    write_first(place)
    reached: list[str] = []
    assert os.WTERMSIG(in_child(lambda: upgrade(place, stop_at=kill_at(point)))) == signal.SIGKILL
    if point == "upgrade:switched":
        with pytest.raises(StorageError, match="GAL-043"):
            upgrade(place)
        with Gallery(place) as reader:
            assert held(reader) == expected()
    else:
        with pytest.raises(StorageError, match="GAL-040"):
            Gallery(place)
        upgrade(place, stop_at=reached.append)
        assert reached == POINTS
    with Gallery(place, writable=True) as made:
        assert held(made) == expected()
    assert sorted(path.name for path in place.iterdir()) == ["commit", "fields.0", "lock"]


def test_the_old_log_is_zeros_before_its_name_goes(place: Path) -> None:
    write_first(place)
    size = (place / "records.0").stat().st_size
    os.link(place / "records.0", place.parent / "kept")
    upgrade(place)
    assert (place.parent / "kept").read_bytes() == bytes(size)


def test_a_damaged_gallery_of_the_first_format_is_not_upgraded(place: Path) -> None:
    write_first(place)
    log, commit = place / "records.0", place / "commit"
    data, half = log.read_bytes(), commit.read_bytes()
    for at in (70, 110, 400, len(data) - 200):
        log.write_bytes(data[:at] + bytes([data[at] ^ 0x41]) + data[at + 1 :])
        with pytest.raises(StorageError, match="GAL-047"):
            upgrade(place)
    log.write_bytes(data[:-100])
    with pytest.raises(StorageError, match="GAL-005"):
        upgrade(place)
    log.write_bytes(data[:20] + b"x" + data[21:])
    with pytest.raises(StorageError, match="GAL-007"):
        upgrade(place)
    log.unlink()
    with pytest.raises(StorageError, match="GAL-005"):
        upgrade(place)
    log.write_bytes(data)
    commit.write_bytes(half[:4130] + b"x" + half[4131:])
    with pytest.raises(StorageError, match="GAL-004"):
        upgrade(place)
    commit.write_bytes(half)
    assert upgrade(place).impressions == 4


def test_nothing_to_upgrade(place: Path, three: Path) -> None:
    with pytest.raises(StorageError, match="GAL-001"):
        upgrade(place.parent / "absent")
    with Gallery(three, writable=True), pytest.raises(StorageError, match="GAL-008"):
        upgrade(three)


@pytest.mark.parametrize("full", ["rewrite:half", "rewrite:fields"])
def test_an_upgrade_without_room_changes_nothing(place: Path, full: str) -> None:
    write_first(place)

    def stop(point: str) -> None:
        if point == full:
            raise OSError(28, "no space left")

    with pytest.raises(StorageError, match="GAL-013"):
        upgrade(place, stop_at=stop)
    assert sorted(path.name for path in place.iterdir()) == ["commit", "lock", "records.0"]
    assert upgrade(place).impressions == 4


@pytest.fixture
def of_another_descriptor(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A gallery as a version with descriptor 77 would have left it: the same minutiae, other codes."""
    with monkeypatch.context() as other:
        other.setattr(gallery, "DESCRIPTOR", 77)
        other.setattr(entry, "DESCRIPTOR", 77)
        with Gallery(place, writable=True) as made:
            for reference, position, impression, finger in FIRST:
                template = template_of(finger)
                codes = np.where(template.codes, np.uint64(finger), np.uint64(0))
                old = dataclasses.replace(template, descriptor=77, codes=codes)
                made.add(reference, position, impression, old, Attributes("F") if finger == 1 else None)
            made.remove("B-2")
    return place


def test_another_descriptor_is_refused_and_upgraded(of_another_descriptor: Path) -> None:
    for writable in (False, True):
        with pytest.raises(StorageError, match=r"GAL-041.*mithaq gallery upgrade"):
            Gallery(of_another_descriptor, writable=writable)
    assert upgrade(of_another_descriptor) == Upgraded(2, 77, 3)
    with Gallery(of_another_descriptor, writable=True) as made:
        assert held(made) == expected("B-2")
        assert [one.attributes for one in made.impressions()] == [Attributes("F"), None, None]
    assert sorted(path.name for path in of_another_descriptor.iterdir()) == ["commit", "fields.1", "lock"]


@pytest.mark.parametrize("point", ["rewrite:half", "rewrite:fields", "commit:half", "commit:written", "commit:synced"])
def test_another_descriptor_s_upgrade_can_be_killed(of_another_descriptor: Path, point: str) -> None:
    place = of_another_descriptor
    assert os.WTERMSIG(in_child(lambda: upgrade(place, stop_at=kill_at(point)))) == signal.SIGKILL
    try:
        upgrade(place)
    except StorageError as error:
        assert error.code == "GAL-043"
    with Gallery(place, writable=True) as made:
        assert held(made) == expected("B-2")
    assert len(list(place.iterdir())) == 3


def test_damage_is_not_upgraded(of_another_descriptor: Path) -> None:
    path = of_another_descriptor / "fields.0" / "x"
    data = path.read_bytes()
    path.write_bytes(data[:70] + bytes([data[70] ^ 1]) + data[71:])
    with pytest.raises(StorageError, match="GAL-006"):
        upgrade(of_another_descriptor)


def test_the_commit_keeps_what_it_says() -> None:
    commit = layout.Commit(GALLERY, 2, 2, 3, 4, 5, 6, 7, 8, 9, 10, True, tuple((n, 2**64 - n - 1) for n in range(18)))
    data = bytearray(layout.COMMIT_BYTES)
    for offset in layout.copy_offsets(4):
        data[offset : offset + layout.COPY_BYTES] = layout.pack_copy(commit)
    assert layout.read_commit(bytes(data)) == commit
