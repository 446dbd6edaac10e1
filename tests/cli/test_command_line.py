"""What a script may rely on: one JSON object on standard output, whatever happens, and the exit status."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pair import NAMES

from mithaq import cli
from mithaq.cli import output
from mithaq.errors import SettingsError, TrustError
from mithaq.node.initialise import initialise, read_party
from mithaq.pact.proposal import propose
from mithaq.pact.signed import parse_signed


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    def call(*arguments: str) -> tuple[int, dict[str, Any]]:
        monkeypatch.setattr(sys, "argv", ["mithaq", *arguments, "--json"])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0), json.loads(capsys.readouterr().out)

    return call


@pytest.mark.parametrize(
    "arguments",
    [
        ("node", "query"),
        ("node", "enrol", "x", "--ppi", "many"),
        ("node", "conclude", "x", "--officer", "o", "--decision", "maybe"),
        ("node", "release", "x", "--officer", "o"),
        ("agreement", "show", "x", "--language", "fr"),
        ("agreement", "propose", "--party", "x", "-o", "y"),
        ("ledger", "prove"),
        ("ledger", "prove", "1", "--since", "2"),
        ("agreement", "simulate", "x", "--days", "0"),
        ("names", "date", "1445", "--calendar", "lunar"),
        ("no-such-command",),
    ],
)
def test_wrong_usage_is_one_json_object_and_two(run: Any, arguments: tuple[str, ...]) -> None:
    status, said = run(*arguments)
    assert (status, said["error"]["code"]) == (2, "CLI-004")


def test_a_bundle_of_nothing_in_particular_is_wrong_usage(run: Any) -> None:
    status, said = run("ledger", "bundle", "-o", "x", "--by", "auditor-1")
    assert (status, said["error"]["code"]) == (2, "PAC-190")


def test_names_say_the_rule_and_that_they_identify_nobody(run: Any) -> None:
    status, said = run("names", "compare", "محمد", "Mohamed")
    assert (status, said["level"], said["pairs"][0]["rule"]) == (0, "likely", "known-spelling")
    assert "identifies nobody" in said["explanation"]["en"][-1]


def test_a_file_without_an_end_is_not_read_to_it() -> None:
    with pytest.raises(SettingsError) as refused:
        output.read_file(Path("/dev/zero"), largest=1000)
    assert refused.value.code == "CLI-002"


def test_a_fault_of_ours_is_one_sentence_that_tells_nothing_of_the_data() -> None:
    with pytest.raises(ValueError) as raised:
        output.passphrase(Path("Jane\0Doe"), "o")
    said = output.fault(raised.value)
    assert (said.code, said.place.split(",")[0]) == ("CLI-009", "cli/output.py")
    assert "Jane" not in str(said)


def test_no_signature_goes_under_an_agreement_that_was_edited_after_the_first(tmp_path: Path, run: Any) -> None:
    homes = {code: tmp_path / code for code in ("QA", "US")}
    for code, home in homes.items():
        initialise(home, party=code, contact=f"{code.lower()}-ncp", name=NAMES[code])
    parties = dict(read_party((home / "party.json").read_bytes(), place="test") for home in homes.values())
    file = tmp_path / "agreement.json"
    file.write_bytes(propose(parties, valid_from=datetime(2026, 1, 1, tzinfo=UTC)))
    assert run("agreement", "sign", str(file), "--dir", str(homes["QA"]))[1]["signed_by"] == ["QA"]
    signed = file.read_bytes()
    edited = json.loads(signed)
    edited["document"]["search_types"]["TP/TP"]["day"] += 1
    from mithaq.pact.strict import canonical

    file.write_bytes(canonical(edited))
    before = file.read_bytes()
    status, said = run("agreement", "sign", str(file), "--dir", str(homes["US"]))
    assert (status, said["error"]["code"]) == (TrustError.exit_status, "PAC-022")
    assert file.read_bytes() == before
    file.write_bytes(signed)
    assert run("agreement", "sign", str(file), "--dir", str(homes["US"]))[1]["installed"] is True
    both = json.loads(file.read_bytes())
    both["document"]["search_types"]["TP/TP"]["day"] += 1
    file.write_bytes(canonical(both))
    assert run("agreement", "show", str(file))[1]["error"]["code"] == "PAC-022"
    assert set(parse_signed(file.read_bytes()).signatures) == {"QA", "US"}
