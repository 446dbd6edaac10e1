"""Who may import whom (pyproject's contracts), complete translations, documents that name what exists, no machine's paths."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def tracked() -> list[Path]:
    found = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if found.returncode:
        pytest.skip("this is not a git checkout")
    return [ROOT / name for name in found.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_every_import_keeps_the_floors() -> None:
    program = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_both_languages_hold_every_text() -> None:
    from mithaq.desk.language import LANGUAGES, catalogue

    keys = {language: set(catalogue(language)) for language in LANGUAGES}
    assert keys["en"] == keys["ar"]
    for language in LANGUAGES:
        assert all(text.strip() for text in catalogue(language).values())
    pages = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "src/mithaq/desk/pages").glob("*.html"))
    used = set(re.findall(r"""\bt\(["']([a-z][\w.-]*[\w])["']\)""", pages))
    assert used <= keys["en"], used - keys["en"]


def test_the_readme_shows_exactly_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```(?:sh|bash)\n(.*?)```", text, re.S)
    commands = [line.split("#")[0].strip() for block in blocks for line in block.splitlines() if line.strip()]
    assert commands == ["make demo", "make test"]
    for language in ("en", "ar"):
        assert f"docs/pictures/desk-{language}.png" in text


def test_the_documents_name_files_that_exist() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        named = set(re.findall(r"`((?:src/mithaq|tests|docs|tools)/[\w./-]+)`", page.read_text(encoding="utf-8")))
        assert page.name != "flow.md" or len(named) > 20
        assert [name for name in sorted(named) if not (ROOT / name).exists()] == [], page.name


def test_documented_commands_exist() -> None:
    import typer

    from mithaq.cli import app

    command = typer.main.get_command(app)
    documents = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in documents)
    for group, name in set(
        re.findall(
            r"mithaq (node|agreement|ledger|names|record|template|finger|gallery|measure) ([a-z]+(?:-[a-z]+)*)", text
        )
    ):
        assert name in command.commands[group].commands, f"mithaq {group} {name}"  # type: ignore[attr-defined]


def test_no_path_of_a_machine_is_committed() -> None:
    pattern = re.compile(rb"(?<![\w.-])/(?:" + b"|".join((b"work", b"root", b"home")) + rb")/[a-z]")
    found = []
    for path in tracked():
        if path.suffix not in {".png", ".onnx", ".svg", ".bin"} and pattern.search(path.read_bytes()):
            found.append(str(path.relative_to(ROOT)))
    assert found == []
