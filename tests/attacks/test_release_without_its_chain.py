"""Personal data without a hit, without a conclusion, without a request, or without a second person: neither sent nor taken."""

from __future__ import annotations

import pytest
from forged import check_said, letter, receive, release_body, request_body, turned_away, without_effect
from hits import Hits
from pair import PASSPHRASE

from mithaq.node import flow
from mithaq.pact.gate import Refused

FIELDS = ("family_name",)


def before(hits: Hits, stage: str) -> str:
    """The id of a conversation that ends at this stage."""
    if stage == "no hit":
        hits.searcher.found, kept = (), hits.searcher.found
        found = hits.hit()
        hits.searcher.found = kept
        return found
    return {"a hit": hits.hit, "a conclusion": hits.identified, "a request": hits.requested}[stage]()


@pytest.mark.parametrize("stage", ["no hit", "a hit", "a conclusion"])
def test_a_requester_takes_no_data_that_it_did_not_ask_for(hits: Hits, stage: str) -> None:
    asked = before(hits, stage)
    body = release_body(reference="") if stage == "no hit" else release_body()
    sealed = letter(hits, body, kind="release", sender="US", conversation=asked)
    turned_away(hits, sealed, "NOD-105", "step-out-of-turn", sender="US")
    assert hits.nodes["QA"].released(asked) == {}


def test_a_requester_takes_no_data_in_a_conversation_that_is_not_there(hits: Hits) -> None:
    sealed = letter(hits, release_body(), kind="release", sender="US", conversation="3" * 32)
    turned_away(hits, sealed, "NOD-107", "step-out-of-turn", sender="US")


@pytest.mark.parametrize("stage", ["no hit", "a hit", "a conclusion"])
def test_a_holder_prepares_nothing_that_was_not_asked_for(hits: Hits, stage: str) -> None:
    asked, holder = before(hits, stage), hits.nodes["US"]
    with without_effect(holder) as logged:
        done = flow.prepare_release(holder, asked, **hits.officer(1), fields=FIELDS, reason="national-law")
    said(holder, logged, done, "prepare-release", "step-not-allowed")


def test_a_holder_sends_nothing_that_nobody_prepared_or_no_other_person_approved(hits: Hits) -> None:
    asked, holder = before(hits, "a request"), hits.nodes["US"]
    with without_effect(holder) as logged:
        done = flow.approve_release(holder, asked, **hits.officer(2))
    said(holder, logged, done, "approve-release", "step-not-allowed")
    flow.prepare_release(holder, asked, **hits.officer(1), fields=FIELDS, reason="national-law")
    with without_effect(holder) as logged:
        done = flow.approve_release(holder, asked, **hits.officer(1))
    said(holder, logged, done, "approve-release", "same-officer")


def test_no_request_without_a_conclusion_at_either_end(hits: Hits) -> None:
    asked = before(hits, "a hit")
    requester, holder = hits.nodes["QA"], hits.nodes["US"]
    with without_effect(requester) as logged:
        done = flow.request_data(requester, asked, officer="officer-1", passphrase=PASSPHRASE)
    said(requester, logged, done, "request-data", "conclusion-missing")
    # A requester that asks all the same is answered with the refusal, and the holder's officers cannot go on.
    sealed = letter(hits, request_body(conclusion=None), kind="request", conversation=asked)
    with without_effect(holder, but=[asked]) as logged:
        receive(hits, sealed)
    ((came, _), (went, data)) = logged
    assert (came, went, data["outcome"], data["fields"]) == ("request-received", "release-sent", "refused", [])
    check_said(holder, {"reason": data["reasons"][0], "clause": data["clause"]}, "conclusion-missing")
    assert isinstance(
        flow.prepare_release(holder, asked, **hits.officer(1), fields=FIELDS, reason="national-law"), Refused
    )


def said(node, logged, done, step: str, reason: str) -> None:  # type: ignore[no-untyped-def]
    """The step was refused for this reason, and that alone is in the ledger."""
    assert isinstance(done, Refused)
    assert done.reason == reason
    ((kind, data),) = logged
    assert (kind, data["event"]) == ("step-refused", step)
    check_said(node, data, reason)
