"""The examples of docs/finger.md run as they are printed, Python and command lines."""

from __future__ import annotations

import re
import shlex
from importlib.util import find_spec
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mithaq.cli import app
from mithaq.demo.prints import Difficulty, finger, impression
from mithaq.finger import extract
from mithaq.image import png_bytes

PAGE = Path(__file__).parents[2] / "docs" / "finger.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def run(example: str) -> None:
    exec(compile(example, str(PAGE), "exec"), {})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two impressions of one synthetic finger, as pictures and as templates."""
    place = tmp_path_factory.mktemp("finger-page")
    (place / "prints").mkdir()
    master = finger(11)
    pictures = {"enrolled": impression(master, 1, Difficulty.CLEAN), "probe": impression(master, 2, Difficulty.NORMAL)}
    for name, image in pictures.items():
        (place / f"{name}.png").write_bytes(png_bytes(image))
        (place / f"{name}.template").write_bytes(extract(image).to_bytes())
    (place / "prints" / "QA-000017_2.png").write_bytes((place / "enrolled.png").read_bytes())
    return place


@pytest.fixture(autouse=True)
def _there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


def test_two_prints_compared(capsys: pytest.CaptureFixture[str]) -> None:
    run(blocks("python")[0])
    said = re.fullmatch(r"one finger\? score (0\.\d+), by chance (1e-\d+|\de-\d+)\n", capsys.readouterr().out)
    assert said
    assert float(said[2]) < 1e-4


def test_minutiae_alone_make_a_template(capsys: pytest.CaptureFixture[str]) -> None:
    run(blocks("python")[1])
    assert capsys.readouterr().out.startswith("3 minutiae,")


def test_a_file_searched_and_then_in_shards(capsys: pytest.CaptureFixture[str]) -> None:
    run(blocks("python")[2])
    assert capsys.readouterr().out.startswith("QA-000017 RIGHT_INDEX 0.")
    if find_spec("ray") is None:
        pytest.skip("ray (extra `cluster`) is not installed: the example of shards did not run")
    run(blocks("python")[3])
    assert capsys.readouterr().out == "1 persons, 1 found\n"


def test_the_command_lines() -> None:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    assert len(lines) == 3
    for line in lines:
        program, *words = shlex.split(line)
        assert program == "mithaq"
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 0, result.output
    assert "QA-000017" in result.output
