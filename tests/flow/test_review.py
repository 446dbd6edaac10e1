"""What both logs hold, an annual report without one personal datum, a review pack that verifies without mithaq."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pair import NOON, PASSPHRASE, Pair
from people import PEOPLE, add_people
from serve_order import ORDER

from mithaq.demo.population import Kind, make_population
from mithaq.errors import SettingsError, StorageError, TrustError
from mithaq.node import annual, flow, journal, review, views
from mithaq.node.enrol import enrol, list_items
from mithaq.node.opening import open_gallery
from mithaq.node.store import ledger
from mithaq.node.store.conversations import Conversation
from mithaq.pact.lifecycle import Conclusion
from mithaq.pact.paper import policy

START, END = NOON - timedelta(days=1), NOON + timedelta(days=1)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A hit with released data, a no hit and a refusal, in cases of their own."""
    population = make_population(tmp_path_factory.mktemp("population"), 5, persons=2)
    made = Pair(tmp_path_factory.mktemp("pair"))
    for code, node in made.nodes.items():
        add_people(node)
        with open_gallery(node) as gallery:
            enrol(node, gallery, list_items(population.holdings[code].folder))
    for number, kind in enumerate((Kind.MATE, Kind.STRANGER)):
        probe = next(one for one in population.probes if one.kind is kind and one.origin == "QA")
        order = replace(ORDER, case=f"QA-2026-{number:04d}")
        sent = flow.submit_query(made.nodes["QA"], Path(probe.file).read_bytes(), order)
        assert isinstance(sent, Conversation)
        made.run()
        if kind is Kind.MATE:
            who: Any = {"passphrase": PASSPHRASE}
            flow.conclude(made.nodes["QA"], sent.id, officer="examiner-1", decision=Conclusion.IDENTIFIED, **who)
            flow.request_data(made.nodes["QA"], sent.id, officer="officer-1", **who)
            made.run()
            fields = ("family_name", "given_names", "birth_date")
            flow.prepare_release(
                made.nodes["US"], sent.id, officer="officer-1", fields=fields, reason="national-law", **who
            )
            flow.approve_release(made.nodes["US"], sent.id, officer="officer-2", **who)
            made.run()
    made.cosign()
    yield made
    made.close()


def logged(pair: Pair, code: str, kind: str) -> list[tuple[str, dict[str, Any]]]:
    with pair.nodes[code].database.read() as tx:
        return [(v["at"], v["data"]) for _, body in ledger.bodies(tx, [kind], "") if body and (v := json.loads(body))]


BODIES = ("message", "digest", "body_type", "sender", "sender_contact", "recipient", "recipient_contact")


@pytest.mark.parametrize(
    ("kind", "sender", "fields"),
    [
        ("query", "QA", ("fingers", "purpose", "offence", "case", "legal_basis", "search_type")),  # REQ-110
        ("answer", "US", ("outcome", "references", "in_reply_to")),
        ("request", "QA", ("purpose", "case", "reference")),  # REQ-111: reason, data, date, both bodies
        ("release", "US", ("purpose", "case", "reference", "outcome", "fields")),
    ],
)
def test_both_sides_log_the_same_of_every_message(pair: Pair, kind: str, sender: str, fields: tuple[str, ...]) -> None:
    """Field by field: what was sent (digest, type, fingers or items), when, between which bodies, and why."""
    recipient = {"QA": "US", "US": "QA"}[sender]
    sent, came = logged(pair, sender, f"{kind}-sent"), logged(pair, recipient, f"{kind}-received")
    assert len(sent) == len(came) == (2 if kind in ("query", "answer") else 1)
    for (at, ours), (received, theirs) in zip(sent, came, strict=True):
        assert at[:10] == received[:10] == f"{NOON:%Y-%m-%d}"
        for name in (*BODIES, *fields):
            assert ours[name] == theirs[name], name
            assert ours[name] or name in ("references", "fields"), name
        receipt = next(
            data for _, data in logged(pair, sender, "receipt-received") if data["message"] == ours["message"]
        )
        assert receipt["received_at"] == received


def test_who_ordered_and_who_ran_a_query_is_logged_where_it_was_run(pair: Pair) -> None:
    for _, query in logged(pair, "QA", "query-sent"):
        assert (query["ordered_by"], query["run_by"], query["approved_by"]) == (
            "captain-1",
            "officer-1",
            "prosecutor-1",
        )
    (_, request), (_, release) = logged(pair, "QA", "request-sent")[0], logged(pair, "US", "release-sent")[0]
    assert request["by"] == "officer-1"
    assert (release["prepared_by"], release["approved_by"]) == ("officer-1", "officer-2")


def personal(pair: Pair) -> set[str]:
    """Everything that a report must not hold: names, dates, references, cases, officers, ids, digests."""
    found = {*PEOPLE, "examiner-1", "officer-1", "officer-2", "captain-1", "prosecutor-1"}
    for node in pair.nodes.values():
        for row in views.queue(node):
            found |= {row.id, row.case_number, row.tcn, row.legal_basis, *row.candidates}
            for reference in row.candidates:
                found |= _texts(pair.nodes["US"].person(reference))
        with node.database.read() as tx:
            found |= {entry.commitment.hex() for entry in ledger.entries(tx)}
    return {text for text in found if len(text) > 3}


def _texts(values: Any) -> set[str]:
    if isinstance(values, dict):
        values = [one for key, one in values.items() if key not in ("script", "scheme", "kind", "language", "sex")]
    if isinstance(values, list):
        return set().union(*map(_texts, values)) if values else set()
    return {str(values)}


@pytest.mark.parametrize("code", ["QA", "US"])
@pytest.mark.parametrize("partner", ["", "other"])
def test_the_annual_report_holds_no_personal_datum(pair: Pair, code: str, partner: str) -> None:
    other = {"QA": "US", "US": "QA"}[code] if partner else ""
    made = annual.report(pair.nodes[code], 2026, by="auditor-1", partner=other)
    forbidden = personal(pair)
    assert len(forbidden) > 30
    leaked = [text for text in forbidden if text.lower() in made.lower()]
    assert leaked == []
    assert not re.search(r"<img|<image|data:|url\(|https?:", made)  # no picture, nothing fetched
    rest = made.replace(policy(), "")  # which holds the style sheet's hash
    assert re.findall(r"[A-Za-z0-9+/_-]{24,}", rest) == []  # no bytes written as text


def test_the_leak_scan_finds_a_name_that_is_there(pair: Pair) -> None:
    (reference,) = {one for row in views.queue(pair.nodes["QA"]) for one in row.candidates}
    name = pair.nodes["US"].person(reference)["family_name"]["original"]
    assert name in personal(pair)
    assert "QA-2026-0000" in personal(pair)


def test_the_annual_report_says_what_happened_in_both_languages_with_plots(pair: Pair) -> None:
    made = annual.report(pair.nodes["QA"], 2026, by="supervisor-1", language="ar")
    assert '<html lang="ar"' in made
    assert made.count("<svg") == 2
    assert re.search(r'<rect class="out" x="\d+" y="20" width="16" height="140"/>', made)  # March has most
    english, arabic = (re.findall(rf'<span lang="{code}"[^>]*>([^<]+)', made) for code in ("en", "ar"))
    assert len(english) == len(arabic)
    assert {"Queries by month", "hit", "no hit", "identification"} <= set(english)
    assert all(re.search("[\u0621-\u064a]", text) for text in arabic if re.search("[A-Za-z]{4}", text))
    for officer in ("officer-1", "examiner-1"):
        with pytest.raises(TrustError):
            annual.report(pair.nodes["QA"], 2026, by=officer)
    with pytest.raises(SettingsError):
        annual.report(pair.nodes["QA"], 2027, by="auditor-1")


def test_one_command_packs_a_review_and_the_offline_verifier_passes(pair: Pair, tmp_path: Path) -> None:
    node = pair.nodes["QA"]
    envelope = {
        "agreement": "sha256:" + "0" * 64, "digest": "0" * 64, "sender": "US", "sender_contact": "us-ncp",
        "recipient": "QA", "recipient_contact": "qa-ncp", "body_type": "json", "body_bytes": 1,
    }  # fmt: skip
    with node.database.write() as tx:
        for number, about in enumerate(("correction-demand", "correction-demand", "breach")):
            facts = {"message": f"{number:032x}", "conversation": f"{number:032x}", "about": about}
            journal.write(tx, node, "notice-received", **envelope, **facts)
        done = {**envelope, "sender": "QA", "recipient": "US", "message": "f" * 32, "conversation": f"{0:032x}"}
        journal.write(tx, node, "notice-sent", **done, about="correction-done")
    folder = tmp_path / "pack"
    said = review.pack(node, folder, "US", START, END, by="auditor-1", count=5, seed="the-reviewers-own")
    assert (said["cases_of_period"], said["cases_drawn"]) == (2, 2)
    cases = sorted((folder / "cases").iterdir())
    assert len(cases) == 2
    for case in cases:
        result = subprocess.run(
            [sys.executable, "-I", "-S", "verify_bundle.py", f"cases/{case.name}", "--agreement", "agreement-1.json"],
            cwd=folder, capture_output=True, text=True, env={},
        )  # fmt: skip
        assert result.returncode == 0, result.stdout
        assert "ALL OF IT HOLDS" in result.stdout
        assert "US co-signed" in result.stdout
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert set(manifest) == {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()} - {"manifest.json"}
    for name, digest in manifest.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    open_ = json.loads((folder / "corrections.json").read_bytes())
    assert [one["matter"] for one in open_] == [f"{1:032x}"]
    assert [one["what"] for one in json.loads((folder / "incidents.json").read_bytes())] == ["breach"]
    ours = json.loads((folder / "statistics.json").read_bytes())["ours"]["figures"]
    assert ours["out"]["queries"] == 2
    assert "<svg" in (folder / "report-2026.html").read_text()
    # A byte that changed in a case is found.
    broken = cases[0].read_text().replace("robbery", "burglary")
    cases[0].write_text(broken)
    result = subprocess.run(
        [sys.executable, "-I", "-S", "verify_bundle.py", f"cases/{cases[0].name}", "--agreement", "agreement-1.json"],
        cwd=folder, capture_output=True, text=True, env={},
    )  # fmt: skip
    assert result.returncode == 1
    with pytest.raises(StorageError):
        review.pack(node, folder, "US", START, END, by="auditor-1")


def test_a_pack_is_for_those_who_look_on(pair: Pair, tmp_path: Path) -> None:
    for officer in ("officer-1", "supervisor-1"):
        with pytest.raises(TrustError):
            review.pack(pair.nodes["QA"], tmp_path / "pack", "US", START, END, by=officer)
    with pytest.raises(SettingsError):
        review.pack(pair.nodes["QA"], tmp_path / "pack", "US", END, START, by="auditor-1")
    assert list(tmp_path.iterdir()) == []
