"""Files that are not what they should be: one clear refusal with a code, or the very same content. Nothing silent."""

from __future__ import annotations

import dataclasses
import os
import shutil
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from search_twins import Held, held, template_of

from mithaq.errors import StorageError
from mithaq.search import Gallery
from mithaq.search.files import GalleryFiles
from mithaq.search.layout import COLUMNS, has_damaged_copy


def content(place: Path, *, writable: bool = False) -> Held:
    with Gallery(place, writable=writable) as gallery:
        return held(gallery)


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
    for path in (three / "fields.0").iterdir():
        os.truncate(path, path.stat().st_size // 2)
    assert code_of(three, writable=writable) == "GAL-005"
    shutil.rmtree(three / "fields.0")
    assert code_of(three, writable=writable) == "GAL-005"


def test_a_gallery_cut_while_it_is_read(three: Path) -> None:
    with Gallery(three) as gallery:
        os.truncate(three / "fields.0" / "codes", 100)
        with pytest.raises(StorageError, match="GAL-005"):
            gallery.search([template_of(1)], threshold=0.1, top=1)


@pytest.mark.parametrize("writable", [False, True])
def test_a_commit_file_that_is_gone_or_empty(three: Path, writable: bool) -> None:
    (three / "commit").write_bytes(b"")
    assert code_of(three, writable=writable) == "GAL-004"
    (three / "commit").unlink()
    assert code_of(three, writable=writable) == "GAL-004"
    assert (three / "fields.0" / "codes").stat().st_size > 64


@pytest.mark.parametrize("writable", [False, True])
def test_another_version_of_the_format(three: Path, writable: bool) -> None:
    data = bytearray((three / "commit").read_bytes())
    for start in (0, 2048, 4096, 6144):
        data[start + 8] = 3
        data[start : start + 512] = closed(bytes(data[start : start + 512]))
    (three / "commit").write_bytes(data)
    assert code_of(three, writable=writable) == "GAL-003"


def test_files_of_two_galleries(three: Path, tmp_path: Path) -> None:
    with Gallery(tmp_path / "other", writable=True) as other:
        for n in range(6):
            other.add("X", n, 0, template_of(n))
    shutil.copy(tmp_path / "other" / "fields.0" / "codes", three / "fields.0" / "codes")
    assert code_of(three) == "GAL-007"
    assert code_of(three, writable=True) == "GAL-007"


def test_a_folder_that_was_replaced_under_a_reader(three: Path, tmp_path: Path) -> None:
    with Gallery(three) as reader:
        three.rename(tmp_path / "moved")
        with pytest.raises(StorageError, match="GAL-001"):
            reader.count()
        with Gallery(three, writable=True), pytest.raises(StorageError, match="GAL-007"):
            reader.count()


def test_a_file_of_another_generation(three: Path, tmp_path: Path) -> None:
    shutil.copytree(three, tmp_path / "copy")
    with Gallery(tmp_path / "copy", writable=True) as other:
        other.compact()
    shutil.copy(tmp_path / "copy" / "fields.1" / "angle", three / "fields.0" / "angle")
    assert code_of(three) == code_of(three, writable=True) == "GAL-007"


def test_a_file_under_another_name(three: Path) -> None:
    shutil.copy(three / "fields.0" / "x", three / "fields.0" / "y")
    assert code_of(three) == "GAL-007"


def test_codes_of_another_descriptor(three: Path, place: Path) -> None:
    with Gallery(three) as gallery:
        other = dataclasses.replace(template_of(1), descriptor=99)
        with pytest.raises(StorageError, match="GAL-042"):
            gallery.search([other], threshold=0.1, top=1)
    with Gallery(three, writable=True) as gallery, pytest.raises(StorageError, match="GAL-042"):
        gallery.add("D-4", 1, 0, other)
    other_gallery = place.parent / "other"
    GalleryFiles(other_gallery, writable=True, descriptor=(99, 2)).close()
    assert code_of(other_gallery) == code_of(other_gallery, writable=True) == "GAL-041"


@pytest.mark.parametrize("column", [column.name for column in COLUMNS if not column.optional])
def test_each_file_cut_gone_or_damaged(three: Path, column: str) -> None:
    """A file that is shorter is refused when the gallery is opened, one that differs before the first answer."""
    with Gallery(three, writable=True) as gallery:
        gallery.remove("C-3")
    path = three / "fields.0" / column
    whole = path.read_bytes()
    for length in (len(whole) - 1, 64, 40, 0):
        path.write_bytes(whole[:length])
        assert code_of(three) == code_of(three, writable=True) == "GAL-005"
        with pytest.raises(StorageError, match=f"fields.0/{column}"):
            Gallery(three)
    path.unlink()
    assert code_of(three) == "GAL-005"
    changed = bytearray(whole)
    changed[65] ^= 1
    path.write_bytes(changed)
    for writable in (False, True):
        with (
            pytest.raises(StorageError, match=r"GAL-006.*fields\.0") as refused,
            Gallery(three, writable=writable) as gallery,
        ):
            gallery.search([template_of(1)], threshold=0.1, top=1)
        assert column in str(refused.value)
    with pytest.raises(StorageError, match="GAL-006"), Gallery(three, writable=True) as gallery:
        gallery.compact()  # damage is not copied into files that then add up
    path.write_bytes(whole)
    with Gallery(three) as gallery:
        gallery.check()


def test_damage_behind_an_open_gallery_is_found_by_a_check(three: Path) -> None:
    with Gallery(three) as gallery:
        gallery.check()
        path = three / "fields.0" / "codes"
        with path.open("r+b") as file:
            file.seek(100)
            file.write(b"\xff\x00")
        with pytest.raises(StorageError, match="GAL-006"):
            gallery.check()


def test_what_was_appended_is_checked_before_it_is_searched(three: Path) -> None:
    with Gallery(three) as reader:
        reader.check()
        with Gallery(three, writable=True) as gallery:
            gallery.add("D-4", 1, 0, template_of(9))
        with (three / "fields.0" / "angle").open("r+b") as file:
            file.seek(-3, os.SEEK_END)
            file.write(b"\x77")
        with pytest.raises(StorageError, match="GAL-006"):
            reader.search([template_of(1)], threshold=0.1, top=1)


def test_no_single_damaged_byte_goes_unnoticed(three: Path) -> None:
    """Every byte that means something, changed alone: a refusal, or the same content as before."""
    before = content(three)
    paths = [three / "commit", *sorted((three / "fields.0").iterdir())]
    for path in paths:
        whole = path.read_bytes()
        places = range(0, len(whole), max(1, len(whole) // 9))
        if path.name == "commit":
            places = (*range(0, 512, 9), *range(4096, 4608, 9), *range(2048, 2560, 19), *range(6144, 6656, 19))
        for place in places:
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :])
            try:
                assert content(three) == before
            except StorageError as error:
                assert error.code in ("GAL-002", "GAL-003", "GAL-004", "GAL-006", "GAL-007", "GAL-020"), (path, place)
        path.write_bytes(whole)
    assert content(three) == before


def test_one_damaged_copy_of_a_half_loses_nothing_and_is_mended(three: Path) -> None:
    before = content(three)
    path = three / "commit"
    whole = path.read_bytes()
    for at in (0, 2048, 4096, 6144):
        path.write_bytes(whole[:at] + bytes(512) + whole[at + 512 :])
        assert content(three) == before
    assert content(three, writable=True) == before
    assert not has_damaged_copy(path.read_bytes())


def test_a_half_without_a_sound_copy_is_refused(three: Path) -> None:
    """The other half may be older than what was acknowledged."""
    path = three / "commit"
    whole = path.read_bytes()
    for at in (0, 4096):
        path.write_bytes(whole[: at + 20] + bytes(2100) + whole[at + 2120 :])
        assert code_of(three) == code_of(three, writable=True) == "GAL-020"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["commit", *(f"fields.0/{column.name}" for column in COLUMNS if not column.optional)]),
    at=st.integers(0, 4200),
    junk=st.binary(min_size=1, max_size=300),
)
def test_junk_gives_only_storage_errors(three: Path, name: str, at: int, junk: bytes) -> None:
    path = three / name
    saved = {file: file.read_bytes() for file in three.rglob("*") if file.is_file()}
    whole = saved[path]
    at = at if name == "commit" else at % len(whole)
    try:
        path.write_bytes(whole[:at] + junk + whole[at + len(junk) :])
        for writable in (False, True):
            try:
                content(three, writable=writable)
            except StorageError as error:
                assert error.code.startswith("GAL-")
    finally:
        for file, data in saved.items():
            file.write_bytes(data)


def test_a_folder_that_may_not_be_written(three: Path) -> None:
    (three / "lock").unlink()
    (three / "lock").mkdir()
    assert code_of(three, writable=True) == "GAL-014"
    assert len(content(three)) == 4
