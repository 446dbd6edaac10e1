"""`mithaq gallery`: what a script may rely on, and what each command says of a gallery that cannot be used."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mithaq import cli
from mithaq.finger import Template
from mithaq.search import Attributes, Gallery
from mithaq.search.files import GalleryFiles


def template_of(seed: int) -> Template:
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(40, 260, (2, 30))
    return Template.from_minutiae(300, 300, x, y, rng.uniform(0, 6.28, 30), quality=rng.integers(50, 100, 30))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    def call(*arguments: object) -> tuple[int, dict[str, Any]]:
        monkeypatch.setattr(sys, "argv", ["mithaq", "gallery", *map(str, arguments), "--json"])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0), json.loads(capsys.readouterr().out)

    return call


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    """A CSV of three persons' templates; one file is none."""
    rows = ["person,position,file"]
    for n in (1, 2, 3):
        (tmp_path / f"{n}.template").write_bytes(template_of(n).to_bytes())
        rows.append(f"P-{n},{n},{n}.template")
    (tmp_path / "bad.template").write_text("no template")
    rows.append("P-4,4,bad.template")
    (tmp_path / "persons.csv").write_text("\n".join(rows))
    return tmp_path / "persons.csv"


def test_a_gallery_is_built_taken_up_again_searched_and_compacted(run: Any, listed: Path, tmp_path: Path) -> None:
    place = tmp_path / "gallery"
    status, said = run("build", listed, "-o", place)
    assert (status, said["added"], said["known"], said["impressions"]) == (0, 3, 0, 3)
    assert said["left_out"] == [{"file": "bad.template", "reasons": ["FIN-020"]}]
    with Gallery(place, writable=True) as gallery:
        gallery.remove("P-1")
    status, said = run("build", listed, "-o", place)  # as after a break: what is there is not read again
    assert (status, said["added"], said["known"], said["impressions"]) == (0, 1, 2, 3)

    status, said = run("search", place, tmp_path / "2.template")
    assert status == 0
    assert [(row["reference"], row["position"], row["probe"]) for row in said["candidates"]] == [("P-2", 2, 0)]
    assert run("search", place, tmp_path / "2.template", "--finger", 5)[1] == {"candidates": []}
    assert run("search", place, tmp_path / "2.template", "--how", "indexed")[1] == said
    joined = run("search", place, tmp_path / "2.template", tmp_path / "1.template", "--position", 2, "--position", 9)[1]
    assert [row["reference"] for row in joined["candidates"]] == ["P-2"]

    status, said = run("info", place)
    assert (status, said["fingers"], said["removed"], said["attributes"]) == (0, 3, 1, False)
    assert run("check", place) == (0, {"sound": True, "impressions": 3})
    status, said = run("compact", place)
    assert status == 0
    assert said["bytes"] < said["bytes_before"]
    assert run("info", place)[1]["removed"] == 0


def test_a_search_is_narrowed(run: Any, tmp_path: Path) -> None:
    place = tmp_path / "gallery"
    with Gallery(place, writable=True) as gallery:
        gallery.add("P-1", 1, 0, template_of(1), Attributes("F", 1987, frozenset({3})))
    (tmp_path / "1.template").write_bytes(template_of(1).to_bytes())
    for narrowed, found in (
        (("--sex", "F"), 1),
        (("--sex", "M"), 0),
        (("--born", 1980, 1989), 1),
        (("--born", 1990, 1999), 0),
        (("--set", 3), 1),
        (("--set", 4), 0),
    ):
        assert len(run("search", place, tmp_path / "1.template", *narrowed)[1]["candidates"]) == found, narrowed


@pytest.mark.parametrize(
    "wrong",
    [("--how", "guess"), ("--sex", "Q"), ("--fmr", "2"), ("--fmr", "nan"), ("--position", "13"), ("--set", "16")],
)
def test_a_search_that_means_nothing(run: Any, tmp_path: Path, wrong: tuple[str, ...]) -> None:
    with Gallery(tmp_path / "gallery", writable=True):
        pass
    status, said = run("search", tmp_path / "gallery", tmp_path / "x", *wrong)
    assert (status, said["error"]["code"]) == (2, "CLI-004")


@pytest.mark.parametrize("command", ["info", "check", "compact", "upgrade"])
def test_a_gallery_that_cannot_be_used(run: Any, tmp_path: Path, command: str) -> None:
    assert run(command, tmp_path / "absent")[1]["error"]["code"] == "GAL-001"
    assert not (tmp_path / "absent").exists()
    (tmp_path / "letter.txt").write_text("no gallery")
    status, said = run(command, tmp_path)
    assert (status, said["error"]["code"]) == (1, "GAL-002")
    other = tmp_path / "other"
    GalleryFiles(other, writable=True, descriptor=(99, 2)).close()
    if command == "upgrade":
        assert run(command, other) == (0, {"from_format": 2, "from_descriptor": 99, "impressions": 0})
        assert run(command, other)[1]["error"]["code"] == "GAL-043"
    else:
        assert run(command, other)[1]["error"]["code"] == "GAL-041"
