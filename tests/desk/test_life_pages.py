"""The agreement's page: how it stands in both languages, its forms, what was consulted under which clause, proposals."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient
from pair import NOON, PASSPHRASE, Pair

from mithaq.desk.app import desk_app
from mithaq.node.store.conversations import Conversation
from mithaq.node.views import follow_up_closed
from mithaq.pact.agreement import parse_agreement
from mithaq.pact.proposal import next_version, propose
from mithaq.pact.signed import unsigned
from mithaq.units import timestamp

END = datetime(2026, 4, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    made = Pair(tmp_path_factory.mktemp("desk"), valid_to=END)
    yield made
    made.close()


def client(pair: Pair, officer: str, language: str = "en") -> TestClient:
    made = TestClient(desk_app(pair.nodes["QA"]), base_url="http://localhost", follow_redirects=False)
    made.cookies.set("mithaq-language", language)
    assert made.post("/sign-in", data={"officer": officer, "passphrase": PASSPHRASE}).status_code == 303
    return made


def send(desk: TestClient, step: str, **values: str) -> int:
    token = re.search('name="form_token" value="([^"]+)"', desk.get("/agreement").text)
    assert token is not None
    values = {"partner": "US", "passphrase": PASSPHRASE, "form_token": token[1], **values}
    return desk.post(f"/agreement/{step}", data=values).status_code


def test_an_officer_suspends_and_resumes_and_everybody_sees_it(pair: Pair) -> None:
    desk = client(pair, "officer-1")
    assert "suspended by" not in desk.get("/").text
    assert send(desk, "suspend", reason="duties-not-met", passphrase="not the one") == 403
    assert send(desk, "suspend", reason="duties-not-met", form_token="x") == 403
    assert send(desk, "suspend", reason="duties-not-met", parts="TP/TP") == 303
    for page in ("/", "/agreement"):
        assert "suspended by" in desk.get(page).text
        assert "علّق العمل بها" in client(pair, "examiner-1", "ar").get(page).text
    found = re.search('name="suspension" value="([0-9a-f]{32})"', desk.get("/agreement").text)
    assert found is not None
    assert send(desk, "resume", suspension=found[1]) == 303
    assert send(desk, "resume", suspension=found[1]) == 403
    assert "suspended by" not in desk.get("/").text


def test_who_is_no_officer_has_no_forms_and_no_step(pair: Pair) -> None:
    desk = client(pair, "examiner-1")
    page = desk.get("/agreement").text
    assert "/agreement/suspend" not in page
    token = re.search('name="form_token" value="([^"]+)"', page)
    values = {"partner": "US", "reason": "duties-not-met", "passphrase": PASSPHRASE}
    for step in ("suspend", "terminate"):
        sent = desk.post(f"/agreement/{step}", data={**values, "form_token": token[1] if token else ""})
        assert sent.status_code == 403


def test_a_consultation_stands_under_its_clause_at_both_nodes(pair: Pair) -> None:
    desk = client(pair, "officer-1")
    text = "Both sides looked at <quotas>"
    assert send(desk, "consult", kind="decision", about="quota", held_at="2026-03-09", text=text) == 303
    pair.run()
    for code in pair.nodes:
        other = TestClient(desk_app(pair.nodes[code]), base_url="http://localhost", follow_redirects=False)
        other.post("/sign-in", data={"officer": "officer-1", "passphrase": PASSPHRASE})
        sections = re.findall(r"<section.*?</section>", other.get("/agreement").text, re.DOTALL)
        assert ["&lt;quotas&gt;" in one for one in sections if "quota.day_boundary" in one] == [True]
        assert sum("&lt;quotas&gt;" in one for one in sections) == 1


def test_an_end_that_nothing_follows_and_a_proposal_with_its_difference_are_shown(pair: Pair) -> None:
    node = pair.nodes["QA"]
    desk, arabic = client(pair, "officer-1"), client(pair, "officer-1", "ar")
    assert "nothing follows it" in desk.get("/").text
    current = node.agreements.current("US", NOON)
    terms = {"quota": {"year": 3000}}
    node.agreements.keep_proposal(unsigned(next_version(current, valid_from=END, valid_to=None, **terms)))
    page = desk.get("/agreement").text
    row = re.search(r"<tr><td><bdi dir=.ltr. class=.code.>quota\.year</bdi>.*?</tr>", page, re.DOTALL)
    assert row is not None
    assert "3000" in row[0]
    assert "Art. " in row[0]
    assert "المادة" in arabic.get("/agreement").text


def test_a_hit_of_an_offence_that_the_holder_excluded_says_that_nothing_follows(pair: Pair) -> None:
    now = timestamp(NOON)
    found = Conversation(
        id="a" * 32, side="requester", partner="US", agreement=pair.nodes["QA"].agreements.all()[0].id,
        state="candidate", search_type="TP/TP", purpose="terrorism", case_number="CASE-1",
        offence={"category": "tax-fraud", "max_penalty_months": 60}, legal_basis="section 1", expedited=False,
        ordered_by="", run_by="", approved_by="", tcn="T1", candidates=["R-1"], reference="R-1", reasons=[], clause=None,
        stages={}, created_at=now, changed_at=now, expires_at=now, attempts=0, due_at=None,
    )  # fmt: skip
    parties = {code: pair.nodes["QA"].agreements.all()[0].parties[code] for code in pair.nodes}
    for party, closed in (("US", True), ("QA", False)):
        document = propose(parties, valid_from=NOON, crime={"excluded_by": {party: ["tax-fraud"]}})
        refusal = follow_up_closed(found, parse_agreement(document))
        assert (refusal is not None) is closed
    document = propose(parties, valid_from=NOON, crime={"excluded": ["tax-fraud"]})
    both = follow_up_closed(found, parse_agreement(document))
    assert both is not None and both.reason == "offence-excluded" and both.clause is not None


def test_a_termination_needs_its_notice(pair: Pair) -> None:
    desk = client(pair, "officer-1")
    assert send(desk, "terminate", reason="denounced", at="2026-03-11") == 403
    assert send(desk, "terminate", reason="denounced", at="tomorrow") == 422
