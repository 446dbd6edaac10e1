"""The whole demonstration with few persons: what it prints, and that nothing stays behind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import psutil


def test_the_demo_reaches_a_released_hit_in_both_directions_and_leaves_nothing_running(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mithaq", "demo", "--once", "--json", "--persons", "2", "--dir", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=170)
    assert result.returncode == 0, result.stderr
    facts = json.loads(result.stdout)
    outcomes = {(one["from"], one["to"], one["outcome"], one["released"]) for one in facts["queries"]}
    for a, b in (("QA", "US"), ("US", "QA")):
        expected = {("hit", True), ("no-hit", False), ("unsearchable", False), ("refused", False)}
        assert {(a, b, *one) for one in expected} <= outcomes
    refused = [one for one in facts["queries"] if one["outcome"] == "refused"]
    assert all(one["clause"].startswith("Art.") for one in refused)
    assert all(one["reference"] for one in facts["queries"] if one["outcome"] == "hit")
    assert [(one["what"], one["done"]) for one in facts["duties"]] == [
        ("amendment", True), ("correction", True), ("erasure", True),
    ]  # fmt: skip
    assert [one["agrees"] for one in facts["ledgers"]] == [True, True]
    assert "no affiliation" in result.stderr
    left = [p for p in psutil.process_iter(["cmdline"]) if str(tmp_path) in " ".join(p.info["cmdline"] or [])]
    assert left == []
