"""Files that are not what they should be: one clear refusal with a code, or the very same content. Nothing silent."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from search_twins import template_of

from mithaq.errors import StorageError
from mithaq.search import Gallery
from mithaq.search.files import GalleryFiles
from mithaq.search.layout import IMPRESSION, REMOVAL, pack_record

Held = list[tuple[str, int, int, bytes]]


def content(place: Path, *, writable: bool = False) -> Held:
    with Gallery(place, writable=writable) as gallery:
        return [(i.reference, int(i.position), i.impression, i.template.to_bytes()) for i in gallery.impressions()]


def code_of(place: Path, *, writable: bool = False) -> str:
    """The code of the refusal, which must be one sentence that names the place."""
    with pytest.raises(StorageError) as refused:
        Gallery(place, writable=writable)
    assert str(place) in str(refused.value)
    return refused.value.code


def closed(half: bytes) -> bytes:
    return half[:-4] + zlib.crc32(half[:-4]).to_bytes(4, "little")


def test_no_gallery(tmp_path: Path) -> None:
    assert code_of(tmp_path / "nothing") == "GAL-001"
    assert not (tmp_path / "nothing").exists()
    (tmp_path / "empty").mkdir()
    assert code_of(tmp_path / "empty") == "GAL-001"


@pytest.mark.parametrize("writable", [False, True])
def test_a_foreign_folder_is_left_alone(tmp_path: Path, writable: bool) -> None:
    (tmp_path / "letter.txt").write_text("not a gallery")
    assert code_of(tmp_path, writable=writable) == "GAL-002"
    assert code_of(tmp_path / "letter.txt", writable=writable) == "GAL-002"
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]
    (tmp_path / "commit").write_text("something else under this name, and rather longer than a commit's half is" * 2)
    assert code_of(tmp_path, writable=writable) in ("GAL-002", "GAL-004")


@pytest.mark.parametrize("writable", [False, True])
def test_a_gallery_cut_in_half(three: Path, writable: bool) -> None:
    log = three / "records.0"
    os.truncate(log, log.stat().st_size // 2)
    assert code_of(three, writable=writable) == "GAL-005"
    log.unlink()
    assert code_of(three, writable=writable) == "GAL-005"


def test_a_gallery_cut_while_it_is_read(three: Path) -> None:
    with Gallery(three) as gallery:
        os.truncate(three / "records.0", 100)
        with pytest.raises(StorageError, match="GAL-005"):
            gallery.search([template_of(1)], threshold=0.1, top=1)


@pytest.mark.parametrize("writable", [False, True])
def test_a_commit_file_that_is_gone_or_empty(three: Path, writable: bool) -> None:
    (three / "commit").write_bytes(b"")
    assert code_of(three, writable=writable) == "GAL-004"
    (three / "commit").unlink()
    assert code_of(three, writable=writable) == "GAL-004"
    assert (three / "records.0").stat().st_size > 64


@pytest.mark.parametrize("writable", [False, True])
def test_another_version_of_the_format(three: Path, writable: bool) -> None:
    data = bytearray((three / "commit").read_bytes())
    for start in (0, 4096):
        data[start + 8] = 2
        data[start : start + 64] = closed(bytes(data[start : start + 64]))
    (three / "commit").write_bytes(data)
    assert code_of(three, writable=writable) == "GAL-003"


def test_files_of_two_galleries(three: Path, tmp_path: Path) -> None:
    with Gallery(tmp_path / "other", writable=True) as other:
        for n in range(6):
            other.add("X", n, 0, template_of(n))
    (three / "records.0").write_bytes((tmp_path / "other" / "records.0").read_bytes())
    assert code_of(three) == "GAL-007"
    assert code_of(three, writable=True) == "GAL-007"


def test_a_folder_that_was_replaced_under_a_reader(three: Path, tmp_path: Path) -> None:
    with Gallery(three) as reader:
        three.rename(tmp_path / "moved")
        with pytest.raises(StorageError, match="GAL-001"):
            reader.count()
        with Gallery(three, writable=True), pytest.raises(StorageError, match="GAL-007"):
            reader.count()


@pytest.mark.parametrize("writable", [False, True])
def test_templates_of_another_version(place: Path, writable: bool) -> None:
    with Gallery(place, writable=True):
        pass
    old = bytearray(template_of(1).to_bytes())
    old[4] = 99
    files = GalleryFiles(place, writable=True)
    files.append([pack_record(IMPRESSION, 0, b"A-1" + bytes(old), position=1, name=3)])
    files.close()
    assert code_of(place, writable=writable) == "GAL-017"


def test_a_removal_of_what_is_not_there(three: Path) -> None:
    files = GalleryFiles(three, writable=True)
    files.append([pack_record(REMOVAL, 4, (65).to_bytes(8, "little"))])
    files.close()
    assert code_of(three) == "GAL-006"


def test_no_single_damaged_byte_goes_unnoticed(three: Path) -> None:
    """Every byte that means something, changed alone: a refusal, or the same content as before."""
    before = content(three)
    for name in ("commit", "records.0"):
        path = three / name
        whole = path.read_bytes()
        places = range(0, len(whole), 7) if name != "commit" else (*range(64), *range(4096, 4160))
        for place in places:
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :])
            try:
                assert content(three) == before
            except StorageError as error:
                assert error.code in ("GAL-002", "GAL-003", "GAL-004", "GAL-006", "GAL-007", "GAL-020"), place
        path.write_bytes(whole)
    assert content(three) == before


def test_a_damaged_newest_half_is_mended_without_loss(three: Path) -> None:
    before = content(three)
    path = three / "commit"
    newest = max((0, 4096), key=lambda at: int.from_bytes(path.read_bytes()[at + 32 : at + 40], "little"))
    whole = bytearray(path.read_bytes())
    whole[newest + 20 : newest + 40] = bytes(20)
    path.write_bytes(whole)
    assert code_of(three) == "GAL-020"
    assert content(three, writable=True) == before
    assert content(three) == before


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(["commit", "records.0"]), at=st.integers(0, 4200), junk=st.binary(min_size=1, max_size=300))
def test_junk_gives_only_storage_errors(three: Path, name: str, at: int, junk: bytes) -> None:
    path = three / name
    whole = path.read_bytes()
    try:
        path.write_bytes(whole[:at] + junk + whole[at + len(junk) :])
        for writable in (False, True):
            try:
                content(three, writable=writable)
            except StorageError as error:
                assert error.code.startswith("GAL-")
    finally:
        path.write_bytes(whole)
        with Gallery(three, writable=True):
            pass


def test_a_folder_that_may_not_be_written(three: Path) -> None:
    (three / "lock").unlink()
    (three / "lock").mkdir()
    assert code_of(three, writable=True) == "GAL-014"
    assert len(content(three)) == 4
