"""Every finding on the visible files is one that somebody looked at, and every defect that their README lists is found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mithaq.record import Finding, check, load_profile, read_transaction

pytestmark = pytest.mark.real
ROOT = Path(__file__).parents[2]
FOLDER = ROOT.parent / "shared" / "data" / "nist-itl"
FILES = sorted(p for p in FOLDER.glob("*") if p.suffix not in {".xml", ".json", ".md"}) if FOLDER.is_dir() else []
needs_files = pytest.mark.skipif(
    not FILES, reason="the real transactions (../shared/data/nist-itl) are not on this machine"
)

# file: (code, field) of what must be found, as its README says
LISTED = {
    "jet__empty_image.eft": {("REC-135", "10.999"), ("REC-110", "1.011"), ("REC-110", "1.012")},
    "jet__sample.eft": {("REC-140", "4.006")},
    "jet__testEbts.eft": {("REC-110", "14.011")},
    "libbiomeval__type9-15.an2k": {("REC-121", "1.003")},
    "nbis__valid1.11.an2": {("REC-123", f"{kind}.999") for kind in (10, 14, 15, 16)},
    "nbis__valid1.5.an2": {("REC-123", "13.999")},
    "nbis__valid1.7.an2": {("REC-123", "14.999")},
    "nistref__rec01_rec02_rec16.nst": {("REC-114", "1.002"), ("REC-140", "16.007")},
}


def findings(file: Path) -> list[Finding]:
    return check(read_transaction(file.read_bytes()), load_profile("base-2015"))


def reviewed() -> set[tuple[str, str, str, str]]:
    text = (ROOT / "docs" / "record-findings.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| (\S+) \| ((?:structure|fields|cross)\.\w+) \| (error|warn) \| ([^|]+) \| [^|]{10,} \|$", text, re.M
    )
    return {(file, rule, severity, field) for file, rule, severity, fields in rows for field in fields.split(", ")}


@needs_files
def test_every_finding_is_in_the_reviewed_list_and_every_row_of_it_is_found() -> None:
    assert len(FILES) > 40
    met = {
        (file.name, found.rule.removeprefix("base-2015:"), found.severity, found.field or "record")
        for file in FILES
        for found in findings(file)
    }
    assert met == reviewed()


@needs_files
@pytest.mark.parametrize("name", LISTED)
def test_every_listed_defect_is_reported(name: str) -> None:
    assert {(found.code, found.field) for found in findings(FOLDER / name)} >= LISTED[name]


@needs_files
def test_the_offsets_of_findings_point_at_their_fields() -> None:
    for file in FILES:
        data = file.read_bytes()
        for found in findings(file):
            assert found.offset is not None and 0 <= found.offset <= len(data)
            placed = found.field and not found.subfield and not found.code.startswith("REC-110")
            if placed and found.record_type not in (3, 4, 5, 6, 7, 8):
                tag = re.match(rb"0*(\d+)\.0*(\d+):", data[found.offset : found.offset + 20])
                assert tag is not None and f"{int(tag[1])}.{int(tag[2]):03d}" == found.field, (file.name, found.code)
