"""`mithaq template`: what it prints, and the exit status for a file that is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from minutiae_samples import by_hand

from mithaq.cli import main
from mithaq.record import FORMS, read_template, write_template
from mithaq.record.interchange import IMAGE_FORMS


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr("sys.argv", ["mithaq", "template", *map(str, words)])
    with pytest.raises(SystemExit) as caught:
        main()
    return int(caught.value.code or 0)


def test_show_prints_one_json_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "print.fmr"
    file.write_bytes(write_template([by_hand()], "incits378-2009").data + b"\0\0")
    assert run(monkeypatch, "show", file, "--json", "--points") == 0
    shown = json.loads(capsys.readouterr().out)[str(file)]
    assert shown["form"] == "incits378-2009"
    (view,) = shown["views"]
    assert (view["minutiae"], view["endings"], view["bifurcations"], view["score"]) == (2, 1, 1, 70)
    assert view["points"] == [[100.0, 200.0, 90.0, "E", 80], [30.0, 40.0, 180.0, "B", -1]]
    assert [fault["code"] for fault in shown["faults"]] == ["REC-073"]
    assert run(monkeypatch, "show", file, "--points") == 0
    assert "2 minutiae (1 endings, 1 bifurcations)" in capsys.readouterr().out


@pytest.mark.parametrize("form", [form for form in FORMS if form not in IMAGE_FORMS])
def test_convert_writes_the_form_and_says_what_was_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    file, out = tmp_path / "print.fmr", tmp_path / "out"
    file.write_bytes(write_template([by_hand()], "iso19794-2-2011").data)
    assert run(monkeypatch, "convert", file, "--to", form, "-o", out, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["from"], said["form"], said["views"], said["bytes"]) == (
        "iso19794-2-2011",
        form,
        1,
        out.stat().st_size,
    )
    assert len(read_template(out.read_bytes())) == 1
    assert {loss["code"] for loss in said["losses"]} == {
        loss.code for loss in write_template(read_template(file.read_bytes()).views, form).losses
    }


def test_a_file_that_is_none_ends_with_status_3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "picture.png"
    file.write_bytes(b"\x89PNG")
    assert run(monkeypatch, "show", file, "--json") == 3
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "REC-064"
    file.write_bytes(write_template([by_hand()], "type9-m1").data)
    assert run(monkeypatch, "convert", file, "--to", "nonsense", "-o", tmp_path / "out") == 3
    assert not (tmp_path / "out").exists()


def test_forms_lists_every_form(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "forms", "--json") == 0
    assert [row["form"] for row in json.loads(capsys.readouterr().out)["forms"]] == list(FORMS)
