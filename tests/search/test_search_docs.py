"""The examples of docs/search.md run as they are printed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from search_twins import template_of

from mithaq.search import Counts, RemoteGallery
from mithaq.search.parameters import EXHAUSTIVE_IMPRESSIONS, PLACES, RESCORED_IMPRESSIONS
from mithaq.units import Candidate, FingerPosition

PAGE = Path(__file__).parents[2] / "docs" / "search.md"


def examples() -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_a_gallery_in_five_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("enrolled.template").write_bytes(template_of(1).to_bytes())
    Path("probe.template").write_bytes(template_of(1, 1).to_bytes())
    exec(compile(examples()[0], str(PAGE), "exec"), {})
    assert capsys.readouterr().out.startswith("QA-000017 RIGHT_INDEX 0.")


def test_an_afis_in_a_process_of_its_own() -> None:
    with TemporaryDirectory(dir="/tmp") as folder:  # a socket's path must be short
        afis = subprocess.Popen([sys.executable, "-c", examples()[1]], cwd=folder, stdout=subprocess.PIPE, text=True)
        try:
            assert afis.stdout is not None
            assert afis.stdout.readline() == "ready\n"
            remote = RemoteGallery(Path(folder) / "search.socket")
            found = remote.search([template_of(1)], threshold=0.1, top=20)
            assert found == [Candidate("QA-000017", FingerPosition.RIGHT_INDEX, 0, 0.42)]
            assert remote.search([template_of(1)], threshold=0.5, top=20) == []
            assert remote.count() == Counts(1, 1, 1)
        finally:
            afis.terminate()
            afis.communicate()


def test_the_page_names_the_numbers_in_force() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert f"up to {EXHAUSTIVE_IMPRESSIONS:,} impressions" in page
    assert f"the best {RESCORED_IMPRESSIONS:,} for each probe" in page
    assert f"at most {PLACES} at a time" in page
