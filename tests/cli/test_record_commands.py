"""`mithaq record`: each command on files made here, its JSON, its exit status, and a bad file among good ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from transactions import PIXELS, binary, error, first, print14, query, tagged
from typer.testing import CliRunner

from mithaq.cli import app
from mithaq.errors import SettingsError
from mithaq.record import write_transaction

SIGNATURE = bytes.fromhex("f00ff00f" * 4)  # 16 x 8, a bit a pixel


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "query.an2").write_bytes(write_transaction(query()))
    text = tagged(2, (2, b"00"), (3, b"free"))
    eight = (12 + len(SIGNATURE)).to_bytes(4, "big") + bytes((2, 0, 0, 0, 0, 16, 0, 8)) + SIGNATURE
    prints = first((2, 0), (14, 1), (8, 2), (7, 3)) + text + print14(1) + eight + binary(7, 3, b"own")
    (tmp_path / "prints.an2").write_bytes(prints)
    (tmp_path / "notes.txt").write_text("no transaction")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "error.an2").write_bytes(write_transaction(error()))
    return tmp_path


def run(*arguments: object, status: int = 0) -> str:
    done = CliRunner().invoke(app, ["record", *map(str, arguments)])
    assert done.exit_code == status, (done.output, done.exception)
    return done.stdout


def run_json(*arguments: object, status: int = 0) -> Any:
    return json.loads(run(*arguments, "--json", status=status))


def test_show_takes_files_and_folders(folder: Path) -> None:
    found = run_json("show", folder)
    assert [Path(one["file"]).name for one in found["files"]] == ["error.an2", "prints.an2", "query.an2"]
    assert found["errors"] == []
    prints = found["files"][1]["records"]
    assert [(one["type"], one["idc"]) for one in prints] == [(1, None), (2, 0), (14, 1), (8, 2), (7, 3)]
    assert prints[0]["fields"][3]["text"] == "CAR"
    lines = run("show", folder / "prints.an2")
    assert "3. Type-14 fingerprint image, IDC 01" in lines and "1.004" in lines
    assert "صورة بصمة إصبع" in run("show", folder / "prints.an2", "--lang", "ar")


def test_show_writes_a_page_with_the_pictures(folder: Path) -> None:
    page = folder / "page.html"
    run("show", folder / "prints.an2", folder / "query.an2", "--html", page)
    text = page.read_text(encoding="utf-8")
    assert text.count("data:image/png;base64,") == 3  # the print and the signature; the query's print
    assert "the format is the user&#x27;s own" in text
    assert str(folder) not in text


def test_a_bad_file_does_not_stop_the_rest(folder: Path) -> None:
    bad = folder / "bad.an2"
    bad.write_bytes(b"1.001:9\x1d1.003:1\x1f1\x1e4\x1f1\x1c\xff\xff\xff\xff")
    missing = folder / "missing.an2"
    for command in ("show", "check"):
        found = run_json(command, bad, missing, folder / "query.an2", status=3)
        assert [Path(one["file"]).name for one in found["files"]] == ["query.an2"]
        assert [one["error"]["code"] for one in found["errors"]] == ["REC-004", "CLI-001"]


def test_check_says_which_profile_and_why(folder: Path) -> None:
    found = run_json("check", folder / "query.an2", folder / "inner")
    assert {one["profile"] for one in found["files"]} == {"mithaq-1"}
    assert all("MITHAQ" in one["why"] for one in found["files"])
    assert [one["findings"] for one in found["files"]] == [[], []]
    assert "0 findings by mithaq-1" in run("check", folder / "query.an2")
    broken = run_json("check", folder / "prints.an2", "--profile", "mithaq-1", status=1)
    assert {"code", "rule", "severity", "record", "field", "clause", "remedy"} <= set(broken["files"][0]["findings"][0])
    run("check", status=2)
    run("check", folder / "query.an2", "--override", folder / "notes.txt", status=2)
    with pytest.raises(SettingsError, match="REC-090"):
        CliRunner().invoke(app, ["record", "check", str(folder), "--profile", "nothing"], catch_exceptions=False)


def test_images_writes_what_is_a_picture(folder: Path) -> None:
    out = folder / "out"
    found = run_json("images", folder / "prints.an2", "--out", out)
    assert sorted(path.name for path in out.iterdir()) == ["prints_03_type14_position01.png", "prints_04_type08.png"]
    assert [(one["type"], one["width"], one["height"], one["ppi"]) for one in found["images"]] == [
        (14, 32, 32, 500.0),
        (8, 16, 8, None),
    ]
    assert [one["type"] for one in found["left_out"]] == [7]
    cut = folder / "cut.an2"
    cut.write_bytes(first((14, 1)) + print14(1, PIXELS[:-1]))
    found = run_json("images", cut, folder / "query.an2", "--out", out, status=3)
    assert [one["error"]["code"] for one in found["errors"]] == ["IMG-015"]
    assert len(found["images"]) == 1


def test_diff_in_words(folder: Path) -> None:
    changed = folder / "changed.an2"
    changed.write_bytes((folder / "prints.an2").read_bytes().replace(b"14.013:1", b"14.013:2"))
    run("diff", changed, changed)
    (line,) = run("diff", folder / "prints.an2", changed, status=1).splitlines()
    assert line.startswith("Type-14, IDC 01, 14.013 (FGP ") and line.endswith(") was 1, is 2")
    (found,) = run_json("diff", folder / "prints.an2", changed, status=1)["differences"]
    assert (found["kind"], found["before"], found["after"]) == ("changed", "1", "2")
