"""A holder that says what the agreement does not allow: refused with a code, and nothing has changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hits import REFERENCES, Hits

from mithaq.errors import FormatError, MithaqError, TrustError
from mithaq.node import chain, flow, notices, outgoing, views
from mithaq.node.gateway import Node
from mithaq.node.stages import Stages
from mithaq.node.store import ledger, messages
from mithaq.pact.caveats import Caveat, Handling
from mithaq.pact.steps import By, Delay, HolderConclusion, Outcome, Pause
from mithaq.pact.strict import canonical

SAID = HolderConclusion("identified", REFERENCES[0], "examiner-1", "examiner-2")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hits]:
    made = Hits(tmp_path_factory.mktemp("hostile"), answer={"confirm_by": "both", "examiners": 2})
    yield made
    made.close()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hits]:
    made = Hits(tmp_path_factory.mktemp("plain"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def asked(plain: Hits) -> str:
    return plain.requested()


def size(node: Node) -> int:
    with node.database.read() as tx:
        return ledger.ledger_size(tx)


def send(pair: Hits, sender: str, found: str, about: str, terms: object) -> MithaqError | None:
    """Send a notice that no step of ours would send; the error at the other side, which then has not changed."""
    node = pair.nodes[sender]
    other = next(one for code, one in pair.nodes.items() if code != sender)
    conversation = views.find(node, found)
    agreement = node.agreements.by_id(conversation.agreement)
    with node.database.write() as tx:
        message = notices.send(tx, node, agreement, other.party, about, terms, matter=found)
        messages.change_message(tx, message, due_at=None)
    before = (size(other) + 1, views.find(other, found))  # the refusal is logged, and nothing else
    try:
        flow.receive(other, message.sealed or b"", pair.wires[sender].certificate)
    except (FormatError, TrustError) as error:
        assert (size(other), views.find(other, found)) == before
        return error
    return None


def test_a_conclusion_that_does_not_fit(pair: Hits, plain: Hits, asked: str) -> None:
    found = pair.hit()
    codes = {"NOD-221": replace(SAID, reference="US-NOBODY"), "NOD-222": replace(SAID, second_by="examiner-1")}
    for code, terms in codes.items():
        error = send(pair, "US", found, "conclusion", terms)
        assert error is not None and error.code == code
    assert send(pair, "US", found, "conclusion", SAID) is None
    again = send(pair, "US", found, "conclusion", SAID)
    assert again is not None and again.code == "NOD-223"
    uncalled = send(plain, "US", asked, "conclusion", SAID)
    assert uncalled is not None and uncalled.code == "NOD-220"
    turned = send(pair, "QA", found, "conclusion", SAID)
    assert turned is not None and turned.code == "NOD-107", "a requester concludes by its request alone"


def test_words_out_of_turn_change_no_state(plain: Hits, asked: str) -> None:
    for sender, about, terms in (
        ("QA", "conditions-accepted", By("officer-1")),
        ("QA", "conditions-declined", By("officer-1")),
        ("QA", "outcome-report", Outcome("result-arrest", "officer-1")),
    ):
        error = send(plain, sender, asked, about, terms)
        assert error is not None and error.code == "NOD-105", about
    before = plain.states(asked)
    assert send(plain, "US", asked, "delay", Delay("force-majeure")) is None, "late, and of no effect"
    assert send(plain, "US", asked, "outcome-request", By("officer-1")) is None
    assert plain.states(asked) == before
    for sender, about, terms in (
        ("QA", "delay", Delay("force-majeure")),
        ("QA", "clock-paused", Pause("judicial-authorisation")),
    ):
        assert send(plain, sender, asked, about, terms) is not None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"handling": {"caveats": [{"code": "H9", "ground": "court-order", "text": None}], "source": None, "accuracy": None}}, "NOD-226"),
        ({"handling": {"caveats": [], "source": "D", "accuracy": None}}, "NOD-226"),
        ({"handling": {"caveats": [], "source": None, "accuracy": None, "more": 1}}, "NOD-226"),
        ({"withheld": {"birth_date": "we would rather not"}}, "NOD-225"),
        ({"withheld": {"shoe_size": "national-law"}}, "NOD-113"),
        ({"released": {"shoe_size": 44}}, "NOD-113"),
        ({"mla": "perhaps"}, "NOD-111"),
        ({"outcome": "whole"}, "NOD-111"),
        ({"reason": "national-law"}, "NOD-116"),
        ({"reference": "US-SECOND"}, "NOD-112"),
    ],
)  # fmt: skip
def test_a_release_that_does_not_fit_its_form(plain: Hits, asked: str, changes: dict[str, Any], code: str) -> None:
    holder, requester = plain.nodes["US"], plain.nodes["QA"]
    row = views.find(holder, asked)
    agreement = holder.agreements.by_id(row.agreement)
    handling = Handling((Caveat("H2", "court-order", None),))
    good = chain.Release(REFERENCES[0], {"family_name": "x"}, "", {}, handling)
    body = canonical(json.loads(chain.release_body(row, good)) | changes)
    facts = {"in_reply_to": "0" * 32, "reference": REFERENCES[0], "case": "C", "outcome": "released", "fields": []}
    with holder.database.write() as tx:
        message = outgoing.post(tx, holder, agreement, "QA", asked, "release", body, stages=Stages(), **facts)
        messages.change_message(tx, message, due_at=None)
    before = size(requester) + 1, views.find(requester, asked)
    with pytest.raises(FormatError) as refused:
        flow.receive(requester, message.sealed or b"", plain.wires["US"].certificate)
    assert refused.value.code == code
    assert (size(requester), views.find(requester, asked)) == before
