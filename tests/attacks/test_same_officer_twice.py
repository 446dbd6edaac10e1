"""One person in both halves of a step that takes two: by the function, on the desk's own API, and in another's name."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from forged import check_said, without_effect
from hits import Hits
from pair import PASSPHRASE

from mithaq.desk.app import desk_app
from mithaq.errors import TrustError
from mithaq.node import flow, life, officers
from mithaq.pact.gate import Refused

FIELDS = ("family_name",)


@pytest.fixture
def prepared(hits: Hits) -> str:
    """The id of a conversation whose release officer-1 of the holder has prepared."""
    asked = hits.requested()
    flow.prepare_release(hits.nodes["US"], asked, **hits.officer(1), fields=FIELDS, reason="national-law")
    return asked


def test_by_the_function(hits: Hits, prepared: str) -> None:
    holder = hits.nodes["US"]
    with without_effect(holder) as logged:
        done = flow.approve_release(holder, prepared, **hits.officer(1))
    assert isinstance(done, Refused)
    ((kind, data),) = logged
    assert (kind, data["event"], data["by"]) == ("step-refused", "approve-release", "officer-1")
    check_said(holder, data, "same-officer")


def test_through_a_delegation(hits: Hits, prepared: str) -> None:
    """The register knows no delegation: a colleague's code opens with the colleague's passphrase alone, a spelling of
    one's own code opens nothing, and one's own key signs for nobody else."""
    holder = hits.nodes["US"]
    officers.add(holder, "officer-9", roles=["officer"], name={"en": "x", "ar": "س"}, passphrase="another passphrase")
    for code, expected in (("officer-9", "PAC-141"), ("OFFICER-1", "PAC-141"), (" officer-1", "PAC-141")):
        with without_effect(holder) as logged:
            with pytest.raises(TrustError) as caught:
                flow.approve_release(holder, prepared, officer=code, passphrase=PASSPHRASE)
        assert caught.value.code == expected
        ((kind, data),) = logged
        assert (kind, data["event"], data["code"]) == ("step-refused", "approve-release", expected)
        assert data.get("by") == ("officer-9" if code == "officer-9" else None)


def test_through_the_desks_api(hits: Hits, prepared: str) -> None:
    holder = hits.nodes["US"]
    reader = TestClient(desk_app(holder), base_url="http://localhost", follow_redirects=False)
    assert reader.post("/sign-in", data={"officer": "officer-1", "passphrase": PASSPHRASE}).status_code == 303
    page = reader.get(f"/c/{prepared}").text
    token = re.search(r'name="form_token" value="([0-9a-f]{64})"', page)
    assert token
    for claimed in ({}, {"officer": "officer-2"}):  # whoever the form says it is, the session's officer acts
        with without_effect(holder) as logged:
            form = {"form_token": token[1], "passphrase": PASSPHRASE, **claimed}
            answer = reader.post(f"/c/{prepared}/approve", data=form)
        assert answer.status_code in (403, 409, 422, 200)
        ((kind, data),) = logged
        assert (kind, data["by"]) == ("step-refused", "officer-1")
        check_said(holder, data, "same-officer")


def test_two_approvals_of_an_emergency_by_one(hits: Hits) -> None:
    node = hits.nodes["QA"]
    twice: Callable[[str, str], object] = lambda first, second: life.override(  # noqa: E731
        node, "US", search_type="TP/TP", extra=1, reason="terrorist-threat",
        approvals=[(first, PASSPHRASE), (second, PASSPHRASE)],
    )  # fmt: skip
    with without_effect(node) as logged:
        done = twice("officer-1", "officer-1")
    assert isinstance(done, Refused)
    ((kind, data),) = logged
    assert (kind, data["event"]) == ("step-refused", "override")
    check_said(node, data, done.reason)
