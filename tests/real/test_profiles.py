"""Real files against the profile of their domain: which of its rules each breaks, reviewed one by one.

Only rules of the profile itself are listed; what every transaction is asked has its own list. docs/record-profiles.md says why.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mithaq.record import Transaction, check, load_profile, read_transaction, read_xml

pytestmark = pytest.mark.real

# file -> rules of ebts-9.1 that it breaks, and why that is so
EBTS = {
    "jet__empty_image.eft": ("transactions", "FRS came with edition 10"),
    "jet__sample.eft": (
        "1.009 10.013 image.4",
        "short TCN; no 10.013; a header of 800 x 750 over a picture of 368 x 368",
    ),
    "jet__testEbts.eft": (
        "10.013 14.004 14.011 2.005 2.020 2.022 2.025 2.031 2.032 2.045 2.047 2.073 fields",
        "a test of the sender's: mandatory fields left out, a date under place of birth, a Type-14 without a picture",
    ),
    "nbis__sign_raw.an2": ("1.007 1.008 1.009 AMN.2 AMN.4+14 AMN.others", "a signature alone, under AMN"),
    "nbis__type_3_wvu.an2": ("CAR.4+14 CAR.others", "prints in Type-3, which CAR has not"),
    "nbis__type_6_wvu.an2": ("CAR.4+14 CAR.others", "prints in Type-6, which CAR has not"),
    "nbis__valid1.1.an2": ("", ""),
    "nbis__valid1.3.an2": ("CAR.4+14", "no prints"),
    "nbis__valid1.4.an2": ("NFUF.4+14", "a latent instead of prints"),
    "nbis__valid1.5.an2": ("13.004 NFUF.4+14", "a latent instead of prints; an agency of another length"),
    "nbis__valid1.7.an2": ("", ""),
    "nbis__valid1.9.an2": (
        "14.004 NFUF.others image.4 image.rolled",
        "Types 8 and 17; a rolled finger of 800 x 800 at 21:1",
    ),
    "nbis__valid1.10.an2": ("CAR.4+14 CAR.others", "an iris instead of prints"),
    "nbis__valid1.11.an2": (
        "14.011 15.013 2.045 2.047 CAR.others fields",
        "WSQ for WSQ20; a palm at no palm's position; Types 16, 17, 99; fields of a civil submission",
    ),
    "nbis__valid1.15.an2": ("2.006 2.009 TPIS.4+14 TPIS.others fields", "minutiae, where TPIS sends pictures"),
    "nodenist__latent_with_minutiae.lffs": ("13.013 2.076 fields", "a later edition: position 18, no priority, 2.098"),
    "openebts__NISTFile.ebts": ("", ""),
}
INT_I = {
    "intxml__Sample-ERR-INT-ITransaction.xml": "",
    "intxml__Sample-NPS-INT-ITransaction.xml": "2.039",  # sex X; and it says CPS, not NPS
    "intxml__Sample-SRE-HIT_CPS-INT-ITransaction.xml": "2.039",
    "intxml__Sample-SRE-NOHIT-INT-ITransaction.xml": "",
}


def own_rules(tx: Transaction, name: str) -> str:
    profile = load_profile(name)
    found = {finding.rule.partition(":")[2] for finding in check(tx, profile)}
    return " ".join(sorted(found & {*profile.rules, *profile.families[""]}))


@pytest.mark.parametrize("file", sorted(EBTS))
def test_a_file_of_the_ebts_domain(file: str, shared_data: Path) -> None:
    tx = read_transaction((shared_data / "nist-itl" / file).read_bytes())
    assert own_rules(tx, "ebts-9.1") == EBTS[file][0], EBTS[file][1]


@pytest.mark.parametrize("file", sorted(INT_I))
def test_a_published_sample_of_int_i(file: str, shared_data: Path) -> None:
    tx = read_xml((shared_data / "nist-itl" / file).read_bytes())
    assert own_rules(tx, "int-i-6") == INT_I[file]
