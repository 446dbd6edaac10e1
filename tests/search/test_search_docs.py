"""The examples of docs/search.md run as they are printed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from search_twins import template_of

from mithaq.finger import Template
from mithaq.search import Attributes, Counts, Gallery, RemoteGallery
from mithaq.search.filters import SETS
from mithaq.search.parameters import EXHAUSTIVE_IMPRESSIONS, INDEX_CANDIDATES, LEAST_PERSONS, PLACES, RESCORED_ROWS
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


def test_a_narrowed_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("probe.template").write_bytes(template_of(1).to_bytes())
    exec(compile(examples()[1], str(PAGE), "exec"), {})
    assert capsys.readouterr().out == "['QA-000018']\n"


def test_an_afis_in_a_process_of_its_own() -> None:
    with TemporaryDirectory(dir="/tmp") as folder:  # a socket's path must be short
        afis = subprocess.Popen([sys.executable, "-c", examples()[2]], cwd=folder, stdout=subprocess.PIPE, text=True)
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
    assert f"the best {RESCORED_ROWS:,} for each probe" in page
    assert f"the best {LEAST_PERSONS:,} persons" in page
    assert f"some {INDEX_CANDIDATES:,} impressions" in page
    assert f"sets (0 to {SETS - 1})" in page
    assert f"at most {PLACES} at a time" in page


def test_a_finger_takes_what_the_page_says(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    x, y, angle = rng.uniform(20, 280, 37), rng.uniform(20, 280, 37), rng.uniform(0, 6.28, 37)
    template = Template.from_minutiae(300, 300, x, y, angle)
    page = PAGE.read_text(encoding="utf-8")
    with Gallery(tmp_path / "gallery", writable=True) as gallery:
        for n, known in enumerate((None, Attributes("F"))):
            gallery.add(f"QA-{n:012d}", 2, 0, template, known)
            before = gallery.commit.rows
            per_finger = (gallery.commit.bytes - 8) / before  # 8: the first start and the first end
            assert f"{per_finger:.0f}" in page
            assert per_finger <= 1000
