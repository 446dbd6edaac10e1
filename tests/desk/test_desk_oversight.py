"""The pages of oversight: whom each is for, in both languages; the roles that look on see no case and take no step."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from pair import NOON, PASSPHRASE, Pair
from people import ENVELOPE, QUERY, add_people

from mithaq.desk.app import desk_app
from mithaq.node import journal, officers
from mithaq.node.store import ledger, oversight

PERIOD = {"from": "2026-03-01", "to": "2026-03-11"}
PAGES = {
    "/oversight?from=2026-03-01&to=2026-03-11": {"supervisor-1", "protection-1", "auditor-1"},
    "/oversight/report?year=2026": {"supervisor-1", "protection-1", "auditor-1"},
    "/oversight/checks": {"protection-1", "auditor-1"},
    "/oversight/extracts": {"protection-1"},
    "/oversight/log": {"protection-1", "auditor-1"},
    "/oversight/officers": {"supervisor-1", "protection-1", "auditor-1", "keeper-1"},
    "/query": {"examiner-1", "officer-1", "supervisor-1", "protection-1", "auditor-1", "keeper-1"},
}
EVERYBODY = ("examiner-1", "officer-1", "supervisor-1", "protection-1", "auditor-1", "keeper-1")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    made = Pair(tmp_path_factory.mktemp("pair"))
    node = made.nodes["QA"]
    add_people(node)
    officers.add(node, "keeper-1", roles=["administrator"], name={}, passphrase=PASSPHRASE)
    with node.database.write() as tx:
        for number in range(3):
            query = {**ENVELOPE, **QUERY, "conversation": f"{number:032x}", "approved_by": "prosecutor-1"}
            query["agreement"] = node.agreements.all()[0].id
            journal.write(tx, node, "query-sent", **query, penalty_months=120)
    yield made
    made.close()


@pytest.fixture(scope="module")
def desks(pair: Pair) -> dict[str, TestClient]:
    made = {}
    for officer in EVERYBODY:
        made[officer] = TestClient(desk_app(pair.nodes["QA"]), base_url="http://localhost", follow_redirects=False)
        answer = made[officer].post("/sign-in", data={"officer": officer, "passphrase": PASSPHRASE})
        assert answer.status_code == 303
    return made


def send(desk: TestClient, page: str, step: str, **values: object) -> object:
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', desk.get(page).text)
    assert found
    return desk.post(f"/oversight/{step}", data={"form_token": found[1], "passphrase": PASSPHRASE, **values})


@pytest.mark.parametrize("page", PAGES)
def test_each_page_is_for_its_roles_in_both_languages(desks: dict[str, TestClient], page: str) -> None:
    for officer, desk in desks.items():
        for language, direction in (("en", "ltr"), ("ar", "rtl")):
            desk.cookies.set("mithaq-language", language)
            answer = desk.get(page)
            if officer in PAGES[page]:
                assert answer.status_code == 200, (officer, page, answer.text[-2000:])
                assert f'dir="{direction}"' in answer.text or "report" in page
                assert not re.search(r"\son\w+=|style=|<script>", answer.text)
            else:
                assert answer.status_code in (303, 403), (officer, page)
                assert answer.headers.get("location", "/oversight/").startswith("/")
        desk.cookies.set("mithaq-language", "en")


def test_the_report_keeps_a_policy_of_its_own(desks: dict[str, TestClient]) -> None:
    policy = desks["auditor-1"].get("/oversight/report?year=2026").headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")


def test_who_looks_on_sees_no_case_and_is_led_to_their_own_pages(desks: dict[str, TestClient]) -> None:
    for officer in ("protection-1", "auditor-1", "keeper-1"):
        desk = desks[officer]
        assert desk.get("/").headers["location"] == "/oversight"
        assert desk.get("/c/" + "0" * 32).status_code == 403
        assert desk.get("/c/" + "0" * 32 + "/query.png").status_code == 403
    assert desks["keeper-1"].get("/oversight").headers["location"] == "/oversight/officers"
    assert "/oversight" not in desks["officer-1"].get("/").text
    assert desks["officer-1"].get("/oversight").headers["location"] == "/"


def test_a_check_is_drawn_looked_at_and_recorded(pair: Pair, desks: dict[str, TestClient]) -> None:
    desk = desks["protection-1"]
    drawn = send(desk, "/oversight/checks", "draw", count="2", seed="seven", **PERIOD)
    page = drawn.headers["location"]  # type: ignore[attr-defined]
    text = desk.get(page).text
    assert "counter-terrorism" in text
    entry = re.search(r'name="entry" value="(\d+)"', text)
    assert entry
    check = page.rpartition("/")[2]
    send(desk, page, "record", check=check, entry=entry[1], outcome="unlawful", ground="necessity")
    text = desks["auditor-1"].get(page).text
    assert "the need for it" in text
    assert "<form" not in text.split("<main")[1]
    with pair.nodes["QA"].database.read() as tx:
        assert [item.outcome for item in oversight.items_of(tx, check)].count("unlawful") == 1


def test_an_extract_a_pack_and_the_log(pair: Pair, desks: dict[str, TestClient]) -> None:
    desk = desks["protection-1"]
    send(desk, "/oversight/extracts", "ask", authority="dpa-1", case="CASE-1")
    text = desk.get("/oversight/extracts").text
    assert "days left:" in text
    found = re.search(r'name="extract" value="([0-9a-f]{32})"', text)
    assert found
    given = send(desk, "/oversight/extracts", "give", extract=found[1])
    assert json.loads(given.content)["selection"] == {"kind": "case", "case": "CASE-1"}  # type: ignore[attr-defined]
    assert "handed over" in desk.get("/oversight/extracts").text
    packed = send(desks["auditor-1"], "/oversight?from=", "review", partner="US", count="5", seed="s", **PERIOD)
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:  # type: ignore[attr-defined]
        assert {"manifest.json", "verify_bundle.py", "cases/01.json"} <= set(archive.namelist())
    assert [one.name for one in pair.homes["QA"].iterdir() if one.name.startswith("tmp")] == []
    read = send(desks["auditor-1"], "/oversight/log", "log", reason="lawfulness", **PERIOD)
    assert "query sent" in read.text  # type: ignore[attr-defined]
    with pair.nodes["QA"].database.read() as tx:
        assert ledger.latest_entries(tx, 1)[0][1] == "log-read"


def test_an_auditor_can_change_nothing(pair: Pair, desks: dict[str, TestClient]) -> None:
    """Every form of every page, sent by the auditor: refused, and the ledger has the refusals alone (REQ-144)."""
    desk = desks["auditor-1"]
    steps = {
        "reconcile": {"partner": "US", **PERIOD}, "draw": {"count": "1", **PERIOD},
        "record": {"check": "0" * 32, "entry": "1", "outcome": "lawful"}, "ask": {"authority": "dpa-1", "case": "C"},
        "give": {"extract": "0" * 32}, "appoint": {"officer": "new-1", "roles": "officer", "name_en": "N",
        "officer_passphrase": PASSPHRASE}, "end": {"officer": "officer-1"},
    }  # fmt: skip
    token = "/oversight/log"
    with pair.nodes["QA"].database.read() as tx:
        before = ledger.ledger_size(tx)
    for step, values in steps.items():
        answer = send(desk, token, step, **values)
        assert answer.status_code == 403, (step, answer.text[-500:])  # type: ignore[attr-defined]
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', desk.get(token).text)
    assert found
    for step in ("conclude", "request", "prepare", "approve", "refuse"):
        form = {"form_token": found[1], "passphrase": PASSPHRASE, "decision": "identified", "reason": "national-law"}
        answer = desk.post(f"/c/{'0' * 32}/{step}", data={**form, "fields": "family_name"})
        assert answer.status_code in (403, 422), step
    with pair.nodes["QA"].database.read() as tx:
        written = [kind for _, kind, _ in ledger.latest_entries(tx, ledger.ledger_size(tx) - before)]
    assert written == ["step-refused"] * 5


def test_an_administrator_keeps_the_register_and_nothing_else(desks: dict[str, TestClient]) -> None:
    desk = desks["keeper-1"]
    values = {"officer": "officer-9", "roles": ["officer"], "name_en": "Nine", "officer_passphrase": PASSPHRASE}
    assert send(desk, "/oversight/officers", "appoint", **values).status_code == 303  # type: ignore[attr-defined]
    assert "officer-9" in desk.get("/oversight/officers").text
    assert "officer-9" not in desk.get(f"/oversight/officers?at={NOON:%Y-%m-%d}").text
    bad = {**values, "officer": "officer-10", "roles": ["officer", "auditor"]}
    assert send(desk, "/oversight/officers", "appoint", **bad).status_code == 422  # type: ignore[attr-defined]
    assert send(desk, "/oversight/officers", "end", officer="officer-9").status_code == 303  # type: ignore[attr-defined]
    for step in ("draw", "log", "review", "give"):
        assert send(desk, "/oversight/officers", step, count="1", **PERIOD).status_code in (403, 422)  # type: ignore[attr-defined]
