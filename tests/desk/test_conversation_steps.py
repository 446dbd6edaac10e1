"""The steps of a conversation through the desk's pages, in both languages, and on the command line."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hits import PERSON, Hits
from pair import PASSPHRASE

from mithaq import cli
from mithaq.desk.app import desk_app
from mithaq.node import opening, views

WORDS = {"h3-en": "not after 2027", "h3-ar": "ليس بعد عام 2027"}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hits]:
    made = Hits(tmp_path_factory.mktemp("steps"), answer={"confirm_by": "both", "examiners": 2})
    yield made
    made.close()


@pytest.fixture(scope="module")
def readers(pair: Hits) -> dict[str, TestClient]:
    """One signed-in browser for each person: examiners read Arabic, officers English."""
    found = {}
    for code, node in pair.nodes.items():
        for role, language in (("examiner", "ar"), ("officer", "en")):
            for number in (1, 2, 3):
                reader = TestClient(desk_app(node), base_url="http://localhost", follow_redirects=False)
                reader.cookies.set("mithaq-language", language)
                who = {"officer": f"{role}-{number}", "passphrase": PASSPHRASE}
                assert reader.post("/sign-in", data=who).status_code == 303
                found[f"{code} {role}-{number}"] = reader
    return found


class Pages:
    """The pages of one conversation, for several persons."""

    def __init__(self, pair: Hits, readers: dict[str, TestClient], found: str) -> None:
        self.pair, self.readers, self.found = pair, readers, found

    def read(self, who: str) -> str:
        answer = self.readers[who].get(f"/c/{self.found}")
        assert answer.status_code == 200, answer.text
        return answer.text

    def do(self, who: str, step: str, **form: Any) -> Any:
        page = self.read(who)
        assert f'action="/c/{self.found}/{step}"' in page, f"{who} is not offered {step}"
        token = re.search(r'name="form_token" value="([0-9a-f]{64})"', page)
        assert token
        form |= {"form_token": token[1], "passphrase": PASSPHRASE}
        answer = self.readers[who].post(f"/c/{self.found}/{step}", data=form)
        self.pair.run()
        return answer

    def concluded(self) -> None:
        for who in ("QA examiner-1", "QA examiner-2", "US examiner-1", "US examiner-2"):
            assert self.do(who, "conclude", decision="identified").status_code == 303


def test_a_conversation_from_four_examiners_to_a_reported_result(pair: Hits, readers: dict[str, TestClient]) -> None:
    pages = Pages(pair, readers, pair.hit())
    for code in ("QA", "US"):  # the holder's examiner sees both prints, too
        assert readers[f"{code} examiner-1"].get(f"/c/{pages.found}/query.png").status_code == 200
        assert readers[f"{code} examiner-1"].get(f"/c/{pages.found}/candidate.png").status_code == 200
    pages.do("QA examiner-1", "conclude", decision="identified")
    assert "conclude" not in re.findall(r'action="/c/[^/]+/([a-z-]+)"', pages.read("QA examiner-1"))
    assert pages.found not in readers["QA examiner-1"].get("/").text.split("<h2>")[0]
    pages.do("QA examiner-2", "conclude", decision="identified")
    assert "بانتظار فاحص الطرف الآخر" in pages.read("QA examiner-3")
    for who in ("US examiner-1", "US examiner-2"):
        pages.do(who, "conclude", decision="identified")
    assert pages.do("QA officer-1", "request", fields=["family_name", "birth_date", "health"]).status_code == 303
    assert pages.do("US officer-1", "pause", reason="judicial-authorisation").status_code == 303
    assert "judicial authorisation is awaited" in pages.read("QA officer-1")
    pages.do("US officer-1", "resume")
    terms = {"fields": ["family_name", "health"], "relevance": "infection", "source": "B", "accuracy": "2", "mla": "on"}
    caveats = {"caveats": ["H2", "H3"], "ground-H2": "protects-a-source", "ground-H3": "court-order", **WORDS}
    refused = pages.do("US officer-1", "prepare", **terms, **caveats)
    assert "coded reason" in refused.text
    why = {"why-birth_date": "third-party-rule"}
    assert pages.do("US officer-1", "prepare", **terms, **caveats, **why).status_code == 303
    assert "You have taken a part" in pages.read("US officer-1")
    page = pages.read("US officer-2")
    assert all(text in page for text in (WORDS["h3-en"], "a third officer must approve", "infection", "third party"))
    for who in ("US officer-2", "US officer-3"):
        assert pages.do(who, "approve").status_code == 303
    page = pages.read("QA officer-1")
    assert WORDS["h3-en"] in page and "mutual legal assistance" in page
    assert PERSON["family_name"] not in page
    pages.do("QA officer-1", "accept")
    page = pages.read("QA officer-1")
    assert str(PERSON["family_name"]) not in page, "only for a use (REQ-100)"
    assert WORDS["h3-en"] in page
    reader = pages.readers["QA officer-1"]
    token = re.search(r'name="form_token" value="([0-9a-f]{64})"', reader.get(f"/data/{pages.found}").text)
    assert token
    use = {"form_token": token[1], "passphrase": PASSPHRASE, "use": "public-security"}
    page = reader.post(f"/data/{pages.found}/use", data=use).text
    assert str(PERSON["family_name"]) in page and str(PERSON["health"]) not in page
    assert WORDS["h3-en"] in page, "the conditions stand beside the data"
    assert pages.do("QA officer-1", "export", value="share", use="public-security").status_code == 403
    shown = pages.do("QA officer-1", "export", value="", use="public-security").text
    assert str(PERSON["family_name"]) in shown and WORDS["h3-en"] in shown
    assert pages.do("QA officer-1", "export", value="", use="").status_code == 403, "no use is named"
    assert pages.do("QA officer-1", "export", value="", use="consented").status_code == 403, "no consent is named"
    why = {"value": "threat-to-life", "use": "public-security"}
    assert str(PERSON["health"]) in pages.do("QA officer-1", "special", **why).text
    assert pages.do("QA officer-2", "special", **why).status_code == 403
    pages.do("US officer-1", "ask-outcome")
    pages.do("QA officer-2", "outcome", value="result-charge")
    pages.do("US officer-1", "channel", value="interpol")
    assert "INTERPOL" in pages.read("US officer-2")
    assert pair.states(pages.found) == ("reported", "closed")


def test_conditions_can_be_declined_and_a_release_returned(pair: Hits, readers: dict[str, TestClient]) -> None:
    pages = Pages(pair, readers, pair.hit())
    pages.concluded()
    pages.do("QA officer-1", "request", fields=["family_name"])
    form = {"fields": ["family_name"], "caveats": ["H0"], "ground-H0": "court-order"}
    pages.do("US officer-1", "prepare", **form)
    pages.do("US officer-2", "return", note="again")
    pages.do("US officer-1", "prepare", **form)
    pages.do("US officer-2", "approve")
    pages.do("QA officer-2", "decline")
    assert pair.states(pages.found) == ("conditions-declined", "conditions-declined")


def test_what_is_overdue_stands_in_the_queue(pair: Hits) -> None:
    pair.ask()
    for hours, late in ((23, False), (2, True)):
        pair.clock.turn(hours=hours)
        reader = TestClient(desk_app(pair.nodes["QA"]), base_url="http://localhost", follow_redirects=False)
        reader.post("/sign-in", data={"officer": "officer-1", "passphrase": PASSPHRASE})
        assert ("overdue" in reader.get("/").text) is late
    pair.clock.turn(hours=-25)
    pair.run()


def test_the_command_line_takes_the_same_steps(
    pair: Hits, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(opening, "open_node", partial(opening.open_node, clock=pair.clock))
    secret = tmp_path / "passphrase"
    secret.write_text(PASSPHRASE + "\n")
    found = pair.hit()

    def run(code: str, step: str, *arguments: str, who: str = "officer-1") -> dict[str, Any]:
        home, signed = str(pair.homes[code]), ("--officer", who, "--passphrase-file", str(secret))
        words = ["mithaq", "node", step, found, "--dir", home, *signed, *arguments, "--json"]
        monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit):
            cli.main()
        pair.run()
        return dict(json.loads(capsys.readouterr().out))

    for code, number in (("QA", 1), ("QA", 2), ("US", 1), ("US", 2)):
        run(code, "conclude", "--decision", "identified", who=f"examiner-{number}")
    assert run("QA", "request", "--fields", "family_name,birth_date")["state"] == "requested"
    assert run("US", "pause")["state"] == "paused"
    assert run("US", "resume")["state"] == "requested"
    assert run("US", "release", "--prepare", "family_name")["reason"] == "withheld-without-reason"
    caveat = ("--caveat", "H2:protects-a-source", "--withhold", "birth_date=national-law", "--mla")
    assert run("US", "release", "--prepare", "family_name", *caveat)["state"] == "prepared"
    assert run("US", "release", "--return", who="officer-2")["state"] == "requested"
    run("US", "release", "--prepare", "family_name", *caveat)
    assert run("US", "release", "--approve", who="officer-2")["release"]["outcome"] == "partial"
    assert run("QA", "accept")["state"] == "acknowledged"
    case = ("--use", "criminal-investigation")
    assert run("QA", "export", *case, "--to", "share")["reason"] == "caveat-forbids"
    assert run("QA", "export", "--use", "consented")["reason"] == "consent-missing"
    assert run("QA", "export", *case)["fields"] == {"family_name": PERSON["family_name"]}
    assert run("QA", "outcome", "--result", "result-lead")["state"] == "reported"
    assert run("US", "channel", "--to", "liaison")["other_channel"] == "liaison"
    assert views.by_channel(pair.nodes["US"], "liaison")[0].id == found
