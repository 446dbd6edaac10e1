"""`docs/agreement.md` names every requirement once, and files and tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "agreement.md").read_text(encoding="utf-8")
# The requirements of each section: what the page must account for, no more and no less.
NUMBERS = [
    *range(1, 8), *range(10, 16), *range(20, 26), *range(30, 37), *range(40, 46), *range(50, 60), *range(60, 64),
    *range(70, 75), *range(80, 87), *range(90, 96), *range(100, 104), *range(110, 115), *range(120, 125),
    *range(130, 133), *range(140, 145), *range(150, 153), *range(160, 168), *range(170, 180),
]  # fmt: skip


def test_every_requirement_stands_on_the_page_once() -> None:
    assert sorted(re.findall(r"REQ-\d{3}", PAGE)) == [f"REQ-{number:03}" for number in NUMBERS]


def test_the_files_and_tests_that_it_names_are_there() -> None:
    names = set(re.findall(r"`((?:pact|node|desk|record|tests)/[\w/]+\.py)`", PAGE))
    assert len(names) >= 60
    for name in names:
        assert (ROOT / name if name.startswith("tests/") else ROOT / "src" / "mithaq" / name).is_file(), name


def test_what_is_kept_names_its_file_and_its_test_and_what_is_not_says_what_is_missing() -> None:
    rows = [line.split("|")[1:-1] for line in PAGE.splitlines() if line.startswith("| REQ-")]
    assert len(rows) == len(NUMBERS)
    for number, kept, file, test, missing in ([cell.strip() for cell in row] for row in rows):
        assert kept in ("whole", "part", "no"), number
        assert (kept == "whole") is not bool(missing), number
        assert kept == "no" or (file and "tests/" in test), number
