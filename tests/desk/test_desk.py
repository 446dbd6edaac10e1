"""The desk behind a test client: who may see what, forms with tokens, refusals with clauses, both languages."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from pair import PASSPHRASE, Pair
from serve_order import ORDER

from mithaq.demo.population import Kind, Population, make_population
from mithaq.desk import app as desk_module
from mithaq.desk.app import desk_app
from mithaq.desk.language import catalogue
from mithaq.node import flow, views
from mithaq.node.enrol import enrol, list_items
from mithaq.node.opening import open_gallery
from mithaq.node.store.conversations import Conversation
from mithaq.pact.entries import KINDS

FORM = {"content-type": "application/x-www-form-urlencoded"}


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


def test_a_print_that_the_node_erased_is_shown_no_longer(
    pair: Pair, hit: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = client(pair, "QA", "examiner-1")
    assert reader.get(f"/c/{hit.id}/candidate.png").status_code == 200
    monkeypatch.setattr(views, "comparison", lambda node, conversation_id, reference: None)  # as after the erasure
    assert reader.get(f"/c/{hit.id}/candidate.png").status_code == 200, "kept a while, since it costs two extractions"
    monkeypatch.setattr(pair.nodes["QA"], "monotonic", lambda: time.monotonic() + 301)
    assert reader.get(f"/c/{hit.id}/candidate.png").status_code == 404


def test_a_form_without_this_sessions_token_does_nothing(pair: Pair, hit: Conversation) -> None:
    reader = client(pair, "QA", "examiner-1")
    form = {"decision": "identified", "passphrase": PASSPHRASE, "form_token": "0" * 64}
    assert reader.post(f"/c/{hit.id}/conclude", data=form).status_code == 403
    form["form_token"] = token(reader.get(f"/c/{hit.id}").text)
    foreign = reader.post(f"/c/{hit.id}/conclude", data=form, headers={"origin": "https://elsewhere.example"})
    assert foreign.status_code == 403
    assert views.find(pair.nodes["QA"], hit.id).state == "candidate"


def test_the_desk_answers_to_its_own_names_alone(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    node = pair.nodes["QA"]
    listen = node.settings.listen.model_copy(update={"desk_names": ("desk.qa.example",)})
    monkeypatch.setattr(node, "settings", node.settings.model_copy(update={"listen": listen}))
    visitor = client(pair, "QA")
    assert visitor.get("/sign-in", headers={"host": "evil.example"}).status_code == 403
    assert visitor.get("/sign-in", headers={"host": "Desk.QA.example:8080"}).status_code == 200


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
    own, other = client(pair, "US", "officer-1"), client(pair, "US", "officer-2")
    assert "another person must go on" in own.get(f"/c/{hit.id}").text
    assert own.get("/").text.count(hit.id) == 1, "among all, not among what waits for the one who prepared"
    assert other.get("/").text.count(hit.id) == 2
    assert do("US", "officer-1", "approve") == 403  # the same person
    assert do("US", "officer-2", "approve") == 303
    name = pair.nodes["US"].person(hit.reference or "")["family_name"]["original"]
    reader = client(pair, "QA", "officer-1", "ar")
    assert name not in reader.get(f"/c/{hit.id}").text, "only for a use (REQ-100)"
    use = {"form_token": token(reader.get(f"/data/{hit.id}").text), "passphrase": PASSPHRASE, "use": "public-security"}
    assert name in reader.post(f"/data/{hit.id}/use", data=use).text
    assert name not in client(pair, "QA", "examiner-1").get(f"/data/{hit.id}").text, "for officers alone"
    for holder in (own, other, client(pair, "US", "examiner-1")):
        assert name not in holder.get(f"/c/{hit.id}").text
        assert [holder.get(f"/c/{hit.id}/{which}.png").status_code for which in ("query", "candidate")] == [404, 404]


def query(reader: TestClient, file: tuple[str, bytes] | None, **changed: str) -> Response:
    form = {
        "form_token": token(reader.get("/query").text), "partner": "US", "purpose": "investigate-serious-crime",
        "case": "C-1", "offence": "armed-robbery", "months": "120", "legal_basis": "code", "ordered_by": "captain-1",
        "approved_by": "prosecutor-1",
    } | changed  # fmt: skip
    return reader.post("/query", data=form, files={"file": file} if file else {"none": ("", b"")})


def test_a_refused_query_shows_its_clause(pair: Pair, population: Population) -> None:
    probe = next(one for one in population.probes if one.kind is Kind.PETTY)
    reader = client(pair, "QA", "officer-1")
    answer = query(reader, ("p.png", Path(probe.file).read_bytes()), offence="petty-theft", months="6")
    assert answer.status_code == 403
    assert "Art. 1(1)" in answer.text
    assert 'value="petty-theft"' in answer.text, "what was typed stays"


@pytest.mark.parametrize(
    ("file", "changed", "code", "arabic"),
    [
        (None, {}, "DSK-007", "لم يُختر ملف"),
        (("p.wsq", b"some words"), {}, "IMG-002", "ملف نصي"),
        (("p.png", b""), {}, "IMG-001", "الملف فارغ"),
        (("p.png", b"x"), {"ppi": "five"}, "DSK-004", "أرقامًا"),
        (("p.png", bytes(range(99, 255))), {"ppi": "٥٠٠", "months": "١٢٠"}, "IMG-003", "ليس من أنواع الصور"),
        (("p.png", b"x"), {"ordered_by": "Captain Adam"}, "NOD-100", "مثل captain-1"),
    ],
)
def test_wrong_input_is_told_in_arabic_and_what_was_typed_stays(
    pair: Pair, file: tuple[str, bytes] | None, changed: dict[str, str], code: str, arabic: str
) -> None:
    answer = query(client(pair, "QA", "officer-1", "ar"), file, case="C-77", expedited="on", position="3", **changed)
    assert answer.status_code == 422
    assert code in answer.text
    assert arabic in answer.text
    for kept in ('value="C-77"', 'name="expedited" checked', 'value="3" selected'):
        assert kept in answer.text


def test_a_form_that_is_too_large_is_refused_before_and_after_signing_in(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_module, "LARGEST_UPLOAD", 5000)
    big = query(client(pair, "QA", "officer-1"), ("p.png", bytes(6000)))
    assert (big.status_code, "DSK-003" in big.text) == (422, True)
    flood = client(pair, "QA").post("/sign-in", content=(b"x" * 9000 for _ in range(10)), headers=FORM)
    assert (flood.status_code, "DSK-003" in flood.text) == (422, True)


@pytest.mark.parametrize(
    "path", ["/nothing", "/c/ffffff", "/sign-out", "/c/ffffff/conclude", "/static/none", "/c/ffffff/x.png"]
)
@pytest.mark.parametrize(("language", "band"), [("en", "no affiliation"), ("ar", "دون أي انتماء")])
def test_what_is_no_page_is_answered_by_a_page_of_the_desk(pair: Pair, path: str, language: str, band: str) -> None:
    answer = client(pair, "QA", "officer-1", language).get(path)
    assert answer.status_code in (404, 405)
    assert band in answer.text
    assert 'href="/ledger"' in answer.text, "the way back is there"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_fault_of_the_desk_tells_the_reader_and_shows_nothing_of_itself(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = client(pair, "QA", "officer-1")
    monkeypatch.setattr(views, "ledger_status", lambda node: 1 // 0)
    answer = reader.get("/ledger")
    assert answer.status_code == 500
    assert "DSK-006" in answer.text
    assert "division" not in answer.text
    assert answer.headers["cache-control"] == "no-store"


def test_two_desks_in_one_browser_keep_their_sessions_apart(pair: Pair) -> None:
    reader = client(pair, "QA", "officer-1")
    neighbour = client(pair, "US")
    neighbour.cookies.update(reader.cookies)  # a browser sends a host's cookies to all its ports
    signed = neighbour.post("/sign-in", data={"officer": "officer-2", "passphrase": PASSPHRASE})
    assert signed.status_code == 303
    reader.cookies.update(neighbour.cookies)
    assert reader.get("/").status_code == 200
    assert "officer-1" in reader.get("/").text


def test_another_sites_page_cannot_sign_somebody_in(pair: Pair) -> None:
    form = {"officer": "officer-1", "passphrase": PASSPHRASE}
    answer = client(pair, "QA").post("/sign-in", data=form, headers={"origin": "https://elsewhere.example"})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_a_session_that_ended_says_so(pair: Pair) -> None:
    reader = client(pair, "QA", "officer-1")
    page = reader.get("/").text
    assert reader.post("/sign-out", data={"form_token": token(page)}).headers["location"] == "/sign-in"
    reader.cookies.set("mithaq-session-qa", "gone")
    assert reader.get("/query").headers["location"] == "/sign-in"
    assert "session has ended" in reader.get("/sign-in").text


@pytest.mark.parametrize(
    "back", ["//elsewhere.example", "https://elsewhere.example", "/\\elsewhere.example", "\t//e.example"]
)
def test_choosing_a_language_leads_nowhere_else(pair: Pair, back: str) -> None:
    target = client(pair, "QA").get("/language", params={"to": "ar", "back": back}).headers["location"]
    assert target.startswith("/")
    assert not target.startswith(("//", "/\\"))


def test_a_stolen_session_cannot_try_passphrases_for_ever(pair: Pair, hit: Conversation) -> None:
    reader = client(pair, "QA", "examiner-1")
    form = {"form_token": token(reader.get("/").text), "decision": "excluded", "passphrase": "guess"}
    tries = [reader.post(f"/c/{hit.id}/conclude", data=form).status_code for _ in range(6)]
    assert tries == [403] * 5 + [429]


def test_every_kind_of_ledger_entry_has_a_text() -> None:
    assert {f"history.{kind}" for kind in KINDS} <= set(catalogue("en"))


def test_health_and_metrics_carry_no_person_or_case(pair: Pair, hit: Conversation) -> None:
    visitor = client(pair, "QA")
    assert visitor.get("/healthz").json()["ok"] is True
    assert [visitor.head(page).status_code for page in ("/sign-in", "/")] == [200, 303]
    metrics = visitor.get("/metrics").text
    assert "mithaq_ledger_size" in metrics
    assert hit.case_number not in metrics
    assert hit.id not in metrics
