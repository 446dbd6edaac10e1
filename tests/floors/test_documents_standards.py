"""`docs/standards.md` names files and tests that are there, and its tables have the same four columns."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "standards.md").read_text(encoding="utf-8")
CLAUSES = PAGE.partition("## Measured and tried")[0]


def test_the_files_of_the_page_of_standards_are_there() -> None:
    names = set(re.findall(r"`((?:record|pact|tests|tools)/[\w./-]+)`", PAGE))
    assert len(names) > 60
    for name in names:
        assert (ROOT / name if name.startswith("t") else ROOT / "src" / "mithaq" / name).exists(), name


def test_every_clause_has_what_is_kept_a_file_and_a_test() -> None:
    rows = [line for line in CLAUSES.splitlines() if line.startswith("|")]
    assert len(rows) > 40
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert len(cells) == 4 and all(cells), row


def test_what_is_not_supported_stands_in_every_section() -> None:
    for section in CLAUSES.split("\n## ")[1:]:
        assert "\nNot supported:" in section, section.partition("\n")[0]
