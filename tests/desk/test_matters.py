"""The exchanges at the desk: every form is drawn in both languages, a step is signed, data open only for a use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import get_args

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from pair import PASSPHRASE, Pair

from mithaq.desk import matters as pages
from mithaq.desk.app import desk_app
from mithaq.desk.language import LANGUAGES, catalogue
from mithaq.node import officers
from mithaq.node.exchanges import correction, matters
from mithaq.node.store.matters import Matter
from mithaq.pact.credential import Argon2Cost, create_credential
from mithaq.pact.wording import label

FAMILY = "Qwertzfamily"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with pytest.MonkeyPatch.context() as patch:  # a passphrase that costs an attacker little: many are asked here
        weak = Argon2Cost(passes=1, memory_kib=64, lanes=1)
        patch.setattr(officers, "create_credential", partial(create_credential, cost=weak))
        made = Pair(tmp_path_factory.mktemp("matters"))
    yield made
    made.close()


def desk(pair: Pair, code: str, officer: str, language: str = "en") -> TestClient:
    made = TestClient(desk_app(pair.nodes[code]), base_url="http://localhost", follow_redirects=False)
    made.cookies.set("mithaq-language", language)
    assert made.post("/sign-in", data={"officer": officer, "passphrase": PASSPHRASE}).status_code == 303
    return made


def send(at: TestClient, page: str, target: str, **form: str) -> Response:
    found = re.search('name="form_token" value="([^"]+)"', at.get(page).text)
    assert found is not None
    return at.post(target, data={"form_token": found[1], "passphrase": PASSPHRASE, **form})


@pytest.fixture(scope="module")
def supplied(pair: Pair) -> str:
    """A supply, prepared and approved on the pages of US."""
    form = {
        "partner": "QA", "ground": "serious-crime", "facts": "f", "circumstances": "c", "case": "S-1",
        "offence": "robbery", "handling": "H0", "conditions": "one\ntwo", "condition_ground": "court-order", "data.family_name": FAMILY,
    }  # fmt: skip
    made = send(desk(pair, "US", "officer-1"), "/matters", "/matters/begin/prepare-supply", **form)
    assert made.status_code == 303, made.text
    page = made.headers["location"]
    same = send(desk(pair, "US", "officer-1"), page, f"{page}/approve-supply")
    assert same.status_code == 403
    assert send(desk(pair, "US", "officer-2"), page, f"{page}/approve-supply").status_code == 303
    pair.run()
    return page.removeprefix("/matters/")


def test_supplied_data_open_only_for_a_use(pair: Pair, supplied: str) -> None:
    at, page = desk(pair, "QA", "officer-1"), f"/data/{supplied}"
    assert FAMILY not in at.get(page).text
    assert FAMILY not in at.get(f"/matters/{supplied}").text
    opened = send(at, page, f"{page}/use", use="public-security")
    assert FAMILY in opened.text
    refused = send(at, page, f"{page}/use", use="consented")
    assert refused.status_code == 403
    assert FAMILY not in refused.text
    wrong = send(at, page, f"{page}/use", use="public-security", passphrase="not the one at all")
    assert wrong.status_code == 403
    assert FAMILY not in wrong.text
    file = send(at, page, f"{page}/disclose", use="public-security", recipient="A court", recipient_kind="domestic")
    assert file.headers["content-disposition"].startswith("attachment")
    assert file.json()["data"] == {"family_name": FAMILY}
    assert "A court" in at.get(page).text
    for language in LANGUAGES:
        reader = desk(pair, "QA", "examiner-1", language)
        assert f'action="{page}/use"' not in reader.get(page).text
        assert f'action="{page}/false-hit"' in reader.get(page).text


def test_a_demand_is_met_and_recalled_on_the_pages(pair: Pair, supplied: str) -> None:
    asked = correction.demand(
        pair.nodes["US"], supplied, action="delete", fault="wrong", explanation="e", officer="officer-1",
        passphrase=PASSPHRASE,
    )  # fmt: skip
    assert isinstance(asked, Matter)
    pair.run()
    pair.clock.turn(hours=70)
    early = desk(pair, "QA", "officer-1")
    assert "<bdi>2</bdi> hours left" in early.get(f"/matters/{asked.id}").text
    assert "<bdi>2</bdi> hours left" in early.get("/matters").text
    pair.clock.turn(hours=3)
    at, page = desk(pair, "QA", "officer-1", "ar"), f"/matters/{asked.id}"
    assert catalogue("ar")["exchange.late"] in at.get("/matters").text
    assert send(at, page, f"{page}/meet", block_for="").status_code == 303
    number = re.search('name="dissemination" value="([^"]+)"', at.get(page).text)
    assert number is not None
    assert send(at, page, f"{page}/told", dissemination=number[1], receipt="a letter").status_code == 303
    assert matters.find(pair.nodes["QA"], asked.id).state == "done"
    assert send(at, page, f"{page}/meet", block_for="").status_code == 422


def test_nobody_sees_matters_without_signing_in(pair: Pair, supplied: str) -> None:
    stranger = TestClient(desk_app(pair.nodes["QA"]), base_url="http://localhost", follow_redirects=False)
    for page in ("/matters", f"/matters/{supplied}", f"/data/{supplied}"):
        assert stranger.get(page).headers["location"] == "/sign-in"


def test_every_step_and_field_has_its_words() -> None:
    tables = [pages._BEGIN, pages._HOLDING, pages._SUPPLYING, pages._EITHER, *pages._IN_MATTER.values()]
    for language in LANGUAGES:
        texts = catalogue(language)
        for table in tables:
            for name, step in table.items():
                assert texts[f"exchange.step.{name}"]
                for field in step.fields:
                    assert texts[f"exchange.field.{field.name}"]
        for _, _, state in pages._IN_MATTER:
            assert texts[f"exchange.state.{state}"]
    codes = {code for table in tables for step in table.values() for field in step.fields for code in field.choices}
    for code in codes - set(get_args(pages.forms.Handling)):
        assert label(code).ar


def test_every_signed_act_has_its_words() -> None:
    room = Path(matters.__file__).parent
    signed = re.compile(r"""\bsign\(\s*tx,\s*node,\s*credential,\s*[\w.]+,\s*f?"([a-z{}-]+)""")
    kinds = {kind for page in room.glob("*.py") for kind in signed.findall(page.read_text(encoding="utf-8"))}
    kinds = (kinds - {"mark-{event}", "information-{state}"}) | {"mark-clear", "mark-delete", "information-withheld"}
    assert len(kinds) > 25
    for language in LANGUAGES:
        for kind in kinds:
            assert f"history.{kind}" in catalogue(language) or label(kind).in_language(language)
