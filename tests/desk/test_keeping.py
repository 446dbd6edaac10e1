"""The desk's page of retention and exposure, in both languages, and the commands beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from kept import REFERENCE, make_pair, release
from pair import PASSPHRASE, Pair
from typer.testing import CliRunner

from mithaq.cli import app as command_line
from mithaq.desk.app import desk_app
from mithaq.node import exposure, holds, retention


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    made = make_pair(tmp_path / "pair")
    yield made
    made.close()


def client(pair: Pair, code: str, officer: str, language: str = "en") -> TestClient:
    made = TestClient(desk_app(pair.nodes[code]), base_url="http://localhost", follow_redirects=False)
    made.cookies.set("mithaq-language", language)
    assert made.post("/sign-in", data={"officer": officer, "passphrase": PASSPHRASE}).status_code == 303
    return made


def post(reader: TestClient, step: str, **form: str) -> int:
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', reader.get("/keeping").text)
    assert found
    data = {"form_token": found[1], "passphrase": PASSPHRASE, **form}
    return reader.post(f"/keeping/{step}", data=data).status_code


def test_a_hold_is_placed_shown_and_lifted_by_an_officer_only(pair: Pair) -> None:
    node, officer = pair.nodes["US"], client(pair, "US", "officer-1")
    until = (pair.clock.now + timedelta(days=3)).strftime("%Y-%m-%d")
    form = {"subject": REFERENCE, "reason": "court-order", "until": until, "note": "a note"}
    assert post(client(pair, "US", "examiner-1"), "hold", **form) == 403
    assert post(officer, "hold", **(form | {"subject": "nobody"})) == 422
    assert post(officer, "hold", **(form | {"until": "soon"})) == 422
    assert post(officer, "nothing") == 422
    assert post(officer, "hold", **form) == 303
    (hold,) = holds.everything(node)
    for language, text in (("en", "a court&#39;s order"), ("ar", "أمر قضائي")):
        page = client(pair, "US", "officer-1", language).get("/keeping").text
        assert text in page
        assert REFERENCE in page
    assert "/keeping/lift" not in client(pair, "US", "examiner-1").get("/keeping").text
    assert post(officer, "lift", hold=hold.id) == 303
    assert holds.everything(node)[0].ends_at <= hold.ends_at


def test_a_record_is_hidden_exposed_and_withdrawn_and_the_certificates_are_listed(pair: Pair) -> None:
    node = pair.nodes["US"]
    release(pair)
    pair.clock.turn(days=400)
    assert retention.sweep(pair.nodes["QA"]).certificates == 1
    pair.run()
    officer = client(pair, "US", "officer-1")
    assert "verified" in officer.get("/keeping").text
    assert post(officer, "override", reference=REFERENCE, to="hide") == 303
    assert "an officer decided" in officer.get("/keeping").text
    assert not exposure.everything(node)[0].exposed
    assert post(client(pair, "US", "examiner-1"), "withdraw", reference=REFERENCE, reason="expunged") == 403
    assert post(officer, "withdraw", reference=REFERENCE, reason="expunged") == 303
    assert node.person(REFERENCE) == {}


def test_the_commands_say_the_same(pair: Pair, tmp_path: Path) -> None:
    release(pair)
    pair.clock.turn(days=400)
    retention.sweep(pair.nodes["QA"])
    home, secret = str(pair.homes["QA"]), tmp_path / "passphrase"
    secret.write_text(PASSPHRASE)

    def run(*words: str, status: int = 0) -> dict[str, object]:
        result = CliRunner().invoke(command_line, ["node", *words, "--dir", home, "--json"])
        assert result.exit_code == status, (result.output, result.exception)
        return dict(json.loads(result.output))

    who = ("--officer", "officer-1", "--passphrase-file", str(secret))
    made = run("hold", "place", "log", "--reason", "oversight", "--until", "2999-01-01", *who)
    assert "hold" in made
    assert len(run("hold", "list")["holds"]) == 1  # type: ignore[arg-type]
    run("hold", "lift", str(made["hold"]), *who)
    assert "held" in run("sweep")
    found = run("certificates", "--out", str(tmp_path / "out"))["certificates"]
    assert [one["verifies"] for one in found] == [True]  # type: ignore[attr-defined]
    assert len(list((tmp_path / "out").iterdir())) == 1
    rule = tmp_path / "rule.json"
    rule.write_text('{"categories": ["arrestee"], "offences": [], "dispositions": [], "min_age": 0}')
    assert run("expose", "rule", str(rule), *who) == {"changed": 0}
    assert run("expose", "list")["version"] == 1
    assert run("expose", "again") == {"changed": 0}
    assert run("residue", "--text", "Zubayribakthaf")["clean"] is True
    (pair.homes["QA"] / "note.txt").write_text("Zubayribakthaf")
    assert run("residue", "--text", "Zubayribakthaf", status=1)["clean"] is False
