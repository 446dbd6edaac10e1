"""The desk behind a test client: who may see what, forms with tokens, refusals with clauses, both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pair import PASSPHRASE, Pair
from serve_order import ORDER

from mithaq.demo.population import Kind, Population, make_population
from mithaq.desk.app import desk_app
from mithaq.node import flow, views
from mithaq.node.enrol import enrol, list_items
from mithaq.node.opening import open_gallery
from mithaq.node.store.conversations import Conversation


@pytest.fixture(scope="module")
def population(tmp_path_factory: pytest.TempPathFactory) -> Population:
    return make_population(tmp_path_factory.mktemp("population"), 5, persons=2)


@pytest.fixture(scope="module")
def pair(population: Population, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    made = Pair(tmp_path_factory.mktemp("desk"))
    with open_gallery(made.nodes["US"]) as gallery:
        enrol(made.nodes["US"], gallery, list_items(population.holdings["US"].folder))
    yield made
    made.close()


@pytest.fixture(scope="module")
def hit(pair: Pair, population: Population) -> Conversation:
    probe = next(one for one in population.probes if one.kind is Kind.MATE and one.origin == "QA")
    sent = flow.submit_query(pair.nodes["QA"], Path(probe.file).read_bytes(), ORDER)
    assert isinstance(sent, Conversation)
    pair.run()
    return views.find(pair.nodes["QA"], sent.id)


def client(pair: Pair, code: str, officer: str | None = None, language: str = "en") -> TestClient:
    made = TestClient(desk_app(pair.nodes[code]), base_url="http://localhost", follow_redirects=False)
    made.cookies.set("mithaq-language", language)
    if officer:
        answer = made.post("/sign-in", data={"officer": officer, "passphrase": PASSPHRASE})
        assert answer.status_code == 303
    return made


def token(page: str) -> str:
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', page)
    assert found
    return found[1]


def test_nothing_is_shown_before_signing_in(pair: Pair, hit: Conversation) -> None:
    visitor = client(pair, "QA")
    for page in ("/", "/query", "/ledger", "/agreement", f"/c/{hit.id}"):
        assert visitor.get(page).headers["location"] == "/sign-in"
    assert visitor.get(f"/c/{hit.id}/query.png").status_code == 404


def test_sign_in_gives_up_after_five_wrong_tries(pair: Pair) -> None:
    visitor = client(pair, "US")
    tries = [visitor.post("/sign-in", data={"officer": "nobody", "passphrase": "x" * 12}).status_code for _ in range(6)]
    assert tries == [403] * 5 + [429]


def test_every_page_keeps_a_strict_policy_and_says_that_it_is_a_demonstration(pair: Pair, hit: Conversation) -> None:
    for language, direction, band in (("en", "ltr", "no affiliation"), ("ar", "rtl", "دون أي انتماء")):
        reader = client(pair, "QA", "examiner-1", language)
        for page in ("/", "/query", "/ledger", "/agreement", f"/c/{hit.id}"):
            answer = reader.get(page)
            assert answer.status_code == 200, page
            assert f'dir="{direction}"' in answer.text
            assert band in answer.text
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["cache-control"] == "no-store"
            assert not re.search(r"\son\w+=|style=|<script>", answer.text)


def test_the_examiner_sees_both_prints_with_pairs_and_no_personal_data(pair: Pair, hit: Conversation) -> None:
    reader = client(pair, "QA", "examiner-1")
    page = reader.get(f"/c/{hit.id}").text
    assert page.count("<svg") == 2
    assert "<circle" in page
    for which in ("query", "candidate"):
        picture = reader.get(f"/c/{hit.id}/{which}.png")
        assert picture.content.startswith(b"\x89PNG")
    person = pair.nodes["US"].person(hit.reference or "")
    assert person["family_name"]["original"] not in page
    assert person["birth_date"] not in page


def test_a_form_without_this_sessions_token_does_nothing(pair: Pair, hit: Conversation) -> None:
    reader = client(pair, "QA", "examiner-1")
    form = {"decision": "identified", "passphrase": PASSPHRASE, "form_token": "0" * 64}
    assert reader.post(f"/c/{hit.id}/conclude", data=form).status_code == 403
    form["form_token"] = token(reader.get(f"/c/{hit.id}").text)
    foreign = reader.post(f"/c/{hit.id}/conclude", data=form, headers={"origin": "https://elsewhere.example"})
    assert foreign.status_code == 403
    assert views.find(pair.nodes["QA"], hit.id).state == "candidate"


def test_the_desk_answers_to_its_own_name_alone(pair: Pair) -> None:
    assert client(pair, "QA").get("/sign-in", headers={"host": "evil.example"}).status_code == 403


def test_the_whole_second_step_through_the_pages(pair: Pair, hit: Conversation) -> None:
    def do(code: str, officer: str, step: str, **form: object) -> int:
        reader = client(pair, code, officer)
        form |= {"form_token": token(reader.get(f"/c/{hit.id}").text), "passphrase": PASSPHRASE}
        answer = reader.post(f"/c/{hit.id}/{step}", data=form)
        pair.run()
        return answer.status_code

    assert do("QA", "examiner-1", "conclude", decision="identified") == 303
    assert do("QA", "officer-1", "request", fields=["family_name"]) == 303
    assert do("US", "officer-1", "prepare", fields=["family_name"]) == 303
    assert do("US", "officer-1", "approve") == 403  # the same person
    assert do("US", "officer-2", "approve") == 303
    page = client(pair, "QA", "officer-1", "ar").get(f"/c/{hit.id}").text
    assert pair.nodes["US"].person(hit.reference or "")["family_name"]["original"] in page


def test_a_refused_query_shows_its_clause(pair: Pair, population: Population) -> None:
    reader = client(pair, "QA", "officer-1")
    probe = next(one for one in population.probes if one.kind is Kind.PETTY)
    form = {
        "form_token": token(reader.get("/query").text), "partner": "US", "purpose": "investigate-serious-crime",
        "case": "C-1", "offence": "petty-theft", "months": "6", "legal_basis": "code", "ordered_by": "captain-1",
        "approved_by": "prosecutor-1",
    }  # fmt: skip
    answer = reader.post("/query", data=form, files={"file": ("p.png", Path(probe.file).read_bytes())})
    assert answer.status_code == 403
    assert "Art. 1(1)" in answer.text


def test_health_and_metrics_carry_no_person_or_case(pair: Pair, hit: Conversation) -> None:
    visitor = client(pair, "QA")
    assert visitor.get("/healthz").json()["ok"] is True
    metrics = visitor.get("/metrics").text
    assert "mithaq_ledger_size" in metrics
    assert hit.case_number not in metrics
    assert hit.id not in metrics
