"""The agreement's life on the command line, on a node whose clock is the machine's."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pair import PASSPHRASE, Pair

from mithaq import cli


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    def call(*arguments: object) -> tuple[int, dict[str, Any]]:
        monkeypatch.setattr(sys, "argv", ["mithaq", *map(str, arguments), "--json"])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0), json.loads(capsys.readouterr().out)

    return call


def test_suspend_resume_consult_override_terminate_and_extend(run: Any, tmp_path: Path) -> None:
    end = (datetime.now(UTC) + timedelta(days=20)).replace(hour=0, minute=0, second=0, microsecond=0)
    Pair(tmp_path, valid_to=end).close()
    secret = tmp_path / "passphrase"
    secret.write_text(PASSPHRASE)
    node, partner = ("--dir", tmp_path / "QA"), ("--partner", "US")
    signs = ("--officer", "officer-1", "--passphrase-file", secret)
    status, said = run("agreement", "status", *node)
    assert (status, said["agreements"][0]["standing"], said["agreements"][0]["alarm_days"]) == (0, "in-force", 30)

    reason = ("--reason", "duties-not-met")
    status, made = run("agreement", "suspend", *partner, *reason, "--part", "TP/TP", *signs, *node)
    assert (status, made["about"], made["terms"]["parts"]) == (0, "suspension", ["TP/TP"])
    assert run("agreement", "status", *node)[1]["agreements"][0]["parts"]["TP/TP"] == "suspended"
    status, said = run("agreement", "suspend", *partner, "--reason", "a-mood", *signs, *node)
    assert (status, said["error"]["code"]) == (3, "PAC-208")
    assert run("agreement", "resume", made["id"][:10], *partner, *signs, *node)[0] == 0
    status, said = run("agreement", "resume", made["id"][:10], *partner, *signs, *node)
    assert (status, said["reason"], said["clause"]["ref"][:4]) == (1, "not-suspended", "Art.")

    text = ("--text", "The two sides looked at the quotas.")
    assert run("agreement", "consult", *partner, "--kind", "meeting", "--about", "quota", *text, *signs, *node)[0] == 0
    status, said = run(
        "agreement", "consult", *partner, "--kind", "meeting", "--about", "weather", *text, *signs, *node
    )
    assert (status, said["error"]["code"]) == (2, "NOD-206")

    emergency = ("--search-type", "TP/TP", "--extra", 5, "--reason", "danger-to-life")
    assert run("node", "override", *partner, *emergency, *signs, *node)[1]["reason"] == "override-approvers"
    second = ("--officer", "officer-2", "--passphrase-file", secret)
    assert run("node", "override", *partner, *emergency, *signs, *second, *node)[1]["terms"]["extra"] == 5

    assert run("node", "keys", "announce", "--kind", "tls", *signs, *node)[0] == 2
    assert run("node", "keys", "announce", "--kind", "sign", *signs, *node)[1]["told"] == ["US"]
    states = [one["state"] for one in run("node", "keys", "list", *node)[1]["keys"] if one["kind"] == "sign"]
    assert sorted(states) == ["next", "used"]
    compromised = ("--key", "no-such-key", "--reason", "key-compromised")
    assert run("node", "keys", "revoke", "--kind", "sign", *compromised, *signs, *node)[1]["error"]["code"] == "NOD-211"

    status, said = run("agreement", "terminate", *partner, "--at", "2026-01-01", *signs, *node)
    assert (status, said["reason"]) == (1, "notice-too-short")

    proposal = tmp_path / "next.json"
    later = (end + timedelta(days=365)).strftime("%Y-%m-%d")
    status, said = run(
        "agreement", "extend", *partner, "--to", later, "--set", "quota.year=3000", "-o", proposal, *node
    )
    assert (status, said["version"]) == (0, 2)
    assert set(said["changes"]) == {"previous", "quota.year", "valid.from", "valid.to", "version"}
    assert run("agreement", "status", *node)[1]["proposals"] == [said["id"]]
    for code in ("QA", "US"):
        assert run("agreement", "sign", proposal, "--dir", tmp_path / code)[0] == 0
    assert run("agreement", "install", proposal, *node)[0] == 0
    status, said = run("agreement", "status", *node)
    assert [one["alarm_days"] for one in said["agreements"]] == [None, None]
    assert said["proposals"] == []
    gap = ("--from", (end + timedelta(days=1)).strftime("%Y-%m-%d"))
    assert run("agreement", "extend", *partner, *gap, "-o", proposal, *node)[1]["error"]["code"] == "PAC-015"
