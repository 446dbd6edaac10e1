"""The commands of oversight on a real node: each prints one JSON object, and asks for the role that it is for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pair import NOON, PASSPHRASE, Pair
from people import add_people
from typer.testing import CliRunner

from mithaq.cli import app
from mithaq.errors import TrustError

PERIOD = ["--from", "2026-03-01", "--to", "2026-04-01"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pair")
    made = Pair(folder)
    add_people(made.nodes["QA"])
    made.close()
    (folder / "passphrase").write_text(PASSPHRASE + "\n")
    return made.homes["QA"]


def run(home: Path, *words: str, status: int = 0, signed: bool = False) -> Any:
    more = ["--passphrase-file", str(home.parent / "passphrase")] if signed else []
    result = CliRunner().invoke(app, ["node", *words, "--dir", str(home), "--json", *more])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == status, result.output
    return json.loads(result.output)


def test_statistics_and_a_report(home: Path, tmp_path: Path) -> None:
    found = run(home, "statistics", "--by", "auditor-1", *PERIOD)
    assert found["figures"] == {"out": {}, "in": {}}
    run(home, "report", "2026", "--by", "auditor-1", "-o", str(tmp_path / "year.html"), "--language", "ar")
    assert '<html lang="ar"' in (tmp_path / "year.html").read_text(encoding="utf-8")
    said = run(home, "reconcile", "--officer", "supervisor-1", "--partner", "US", *PERIOD, signed=True)
    assert (said["theirs"], said["agrees"]) == (None, False)
    with pytest.raises(TrustError):
        run(home, "statistics", "--by", "officer-1", *PERIOD)


def test_a_check_from_draw_to_show(home: Path) -> None:
    who = ["--officer", "protection-1"]
    made = run(home, "check", "draw", *who, "--seed", "seven", *PERIOD, signed=True)
    assert (made["seed"], made["queries"]) == ("seven", 0)
    assert run(home, "check", "show", made["check"], "--by", "auditor-1")["redrawn"] is True
    assert [one["seed"] for one in run(home, "check", "show", "--by", "auditor-1")["checks"]] == ["seven"]


def test_an_extract_from_asked_to_given(home: Path, tmp_path: Path) -> None:
    asked = run(
        home, "extract", "ask", "--officer", "protection-1", "--authority", "dpa-1", "--asked", "2026-03-20", *PERIOD,
        signed=True,
    )  # fmt: skip
    assert asked["due_at"].startswith("2026-04-17")
    assert run(home, "extract", "list", status=1)["extracts"][0]["days_left"] < 0
    given = run(home, "extract", "give", asked["extract"], "--by", "protection-1", "-o", str(tmp_path / "bundle.json"))
    assert given["late"] is True
    assert json.loads((tmp_path / "bundle.json").read_bytes())["selection"]["kind"] == "period"
    assert run(home, "extract", "list")["extracts"][0]["days_left"] is None


def test_the_log_a_review_and_the_register(home: Path, tmp_path: Path) -> None:
    day = f"{NOON:%Y-%m-%d}"
    entries = run(home, "log", "--by", "auditor-1", "--from", day, "--to", "2026-03-11", "--reason", "security")[
        "entries"
    ]
    assert {entry["kind"] for entry in entries} >= {"officer-changed"}
    pack = ["review", "--by", "auditor-1", "--partner", "US", *PERIOD, "-o", str(tmp_path / "pack")]
    assert run(home, *pack)["cases_drawn"] == 0
    assert (tmp_path / "pack" / "verify_bundle.py").is_file()
    everyone = run(home, "officers", "list")["officers"]
    assert len(everyone) == 6
    assert run(home, "officers", "list", "--at", "2026-03-10")["officers"] == []
    at = run(home, "officers", "list", "--at", "2026-03-11T00:00:00Z")
    assert (at["party"], len(at["officers"]), set(at["officers"][0])) == ("QA", 6, {"id", "roles", "from", "to"})
