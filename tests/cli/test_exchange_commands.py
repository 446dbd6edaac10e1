"""`mithaq exchange`: one supply from its preparation to its withdrawal, by commands alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pair import PASSPHRASE, Pair
from typer.testing import CliRunner

from mithaq.cli import app
from mithaq.node import officers
from mithaq.pact.credential import Argon2Cost, create_credential
from mithaq.units import utc_now


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("commands")
    with pytest.MonkeyPatch.context() as patch:  # a passphrase that costs an attacker little: many are asked here
        weak = Argon2Cost(passes=1, memory_kib=64, lanes=1)
        patch.setattr(officers, "create_credential", partial(create_credential, cost=weak))
        made = Pair(folder)
    (folder / "passphrase").write_text(PASSPHRASE)
    yield made
    made.close()


def run(pair: Pair, code: str, *words: str, officer: str = "officer-1", status: int = 0) -> dict[str, Any]:
    """What a command printed as JSON; the two nodes then exchange what is due, at the commands' own time."""
    home = pair.homes[code]
    signed = ["--officer", officer, "--passphrase-file", str(home.parent / "passphrase")] if officer else []
    result = CliRunner().invoke(app, ["exchange", *words, *signed, "--dir", str(home), "--json"])
    assert result.exit_code == status, result.output
    pair.clock.now = utc_now()
    pair.run()
    return dict(json.loads(result.stdout))


def test_a_supply_by_commands(pair: Pair, tmp_path: Path) -> None:
    data = tmp_path / "data.json"
    data.write_text(json.dumps({"family_name": "Poiuyfamily"}))
    made = run(
        pair, "US", "supply", "prepare", "--partner", "QA", "--ground", "serious-crime", "--facts", "f",
        "--circumstances", "c", "--case", "S-1", "--offence", "robbery", "--data", str(data),
    )["matter"]  # fmt: skip
    refused = run(pair, "US", "supply", "approve", made[:8], status=1)
    assert (refused["reason"], refused["clause"]["ref"]) == ("same-officer", "Art. 5(3)")
    run(pair, "US", "supply", "approve", made[:8], officer="officer-2")
    assert [row["state"] for row in run(pair, "QA", "matters", officer="")["matters"]] == ["to-assess"]
    assert run(pair, "QA", "matters", "--overdue", officer="")["matters"] == []
    opened = run(pair, "QA", "use", made, "--use", "public-security")
    assert opened["data"] == {"family_name": "Poiuyfamily"}
    file = tmp_path / "for-a-court.json"
    to = ("--recipient", "A court", "-o", str(file), "--use", "public-security")
    run(pair, "QA", "disclose", made, "--recipient-kind", "domestic", *to)
    assert json.loads(file.read_text())["recipient"] == "A court"
    abroad = run(pair, "QA", "disclose", made, "--recipient-kind", "third-state", *to, status=1)
    assert abroad["reason"] == "consent-missing"
    run(pair, "US", "withdraw", made, "--fault", "wrong", "--explanation", "e")
    (waiting,) = [row for row in run(pair, "QA", "matters", officer="")["matters"] if row["kind"] == "withdrawal"]
    (recall,) = run(pair, "QA", "matters", waiting["matter"], officer="")["recalls"]
    assert recall["recipient"] == "A court"
    assert (
        run(pair, "QA", "told", waiting["matter"][:8], recall["number"], "--receipt", "letter 1")["state"] == "closed"
    )
    assert run(pair, "QA", "use", made, "--use", "public-security", status=1)["reason"] == "data-deleted"


def test_a_breach_by_commands(pair: Pair) -> None:
    aware = "2026-11-01T10:00:00"
    made = run(pair, "QA", "breach", "register", "--partner", "US", "--kind", "loss", "--aware-at", aware)
    assert made["due_at"] == "2026-11-02T10:00:00.000000Z"
    run(pair, "QA", "breach", "notify", made["matter"], "--description", "d", "--measures", "m", "--persons", "3")
    (row,) = [row for row in run(pair, "US", "matters", officer="")["matters"] if row["kind"] == "breach"]
    assert row["facts"]["persons"] == 3
    assert run(pair, "US", "breach", "seen", row["matter"])["state"] == "seen"
