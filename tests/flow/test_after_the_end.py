"""After the agreement's end: which kind of notice still passes, kind by kind, at the sender and at the receiver."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from pair import PASSPHRASE, Pair

from mithaq.errors import TrustError
from mithaq.node import effects, flow, life, notices, outgoing
from mithaq.node.gateway import Node
from mithaq.node.stages import Stages
from mithaq.node.store import messages
from mithaq.node.store.messages import Message
from mithaq.pact import notices as forms
from mithaq.pact.notices import FORMS, Exercise, notice_body

# REQ-164, stated again by hand: the duties of sections 9 to 11, the person's rights, and the security of what is held.
GO_ON = {
    "deletion-certificate", "correction-demand", "correction-done", "correction-refused", "wrong-data", "withdrawal",
    "false-hit", "consent-request", "consent-answer", "consent-revoked", "supply-assessed", "conditions-accepted",
    "conditions-declined", "access-consultation", "access-answer", "access-outcome", "breach", "consultation",
    "statistics", "key-announced", "key-confirmed", "key-revoked", "quota-counted",
}  # fmt: skip
END = {
    "exercise", "supply", "conclusion", "delay", "clock-paused", "clock-resumed", "outcome-request", "outcome-report",
    "suspension", "resumption", "termination", "override-used",
}  # fmt: skip
REFUSED_BY_THE_GATE = {"supply", "conclusion", "override-used"}  # their own steps ask it before they send


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A pair whose agreement was terminated; every kind of notice has the terms of a drill and no consequence, so that
    nothing but the agreement's standing decides."""
    made = Pair(tmp_path_factory.mktemp("ended"))
    life.terminate(made.nodes["QA"], "US", officer="officer-1", passphrase=PASSPHRASE)
    made.run()
    made.clock.turn(days=93)
    with pytest.MonkeyPatch.context() as patch:
        drills = {about: replace(form, terms=Exercise) for about, form in FORMS.items()}
        for module in (forms, notices):
            patch.setattr(module, "FORMS", drills)
        patch.setattr(effects, "_FOLLOWS", {})
        yield made
    made.close()


def put_out(node: Node, about: str) -> Message:
    """A notice as a hostile node would send it: without asking how the agreement stands."""
    form, terms = FORMS[about], Exercise("x")
    agreement = node.agreements.current("US", node.clock())
    contacts = (form.sender, form.recipient)
    with node.database.write() as tx:
        log: dict[str, Any] = {"about": about, "stages": Stages()}
        return outgoing.post(
            tx, node, agreement, "US", node.new_id(), "notice", notice_body(about, terms), contacts, **log
        )  # fmt: skip


def test_the_table_names_every_kind_once() -> None:
    assert not GO_ON & END
    assert set(FORMS) == GO_ON | END


@pytest.mark.parametrize("about", sorted(FORMS))
def test_after_the_end_the_receiver_takes_what_goes_on_and_nothing_else(pair: Pair, about: str) -> None:
    node = pair.nodes["QA"]
    sent = put_out(node, about)
    if about in GO_ON:
        flow.deliver(node, sent.id)
    else:
        with pytest.raises(TrustError) as refused:
            flow.deliver(node, sent.id)
        assert refused.value.code == "NOD-201"
    with node.database.write() as tx:
        found = messages.find_message(tx, sent.id, "out")
        assert found is not None
        assert (found.receipt is not None) == (about in GO_ON)
        messages.change_message(tx, found, due_at=None)


@pytest.mark.parametrize("about", sorted(set(FORMS) - REFUSED_BY_THE_GATE))
def test_after_the_end_the_sender_puts_out_what_goes_on_and_nothing_else(pair: Pair, about: str) -> None:
    node = pair.nodes["QA"]
    agreement = node.agreements.current("US", node.clock())
    with node.database.write() as tx:
        if about in GO_ON:
            sent = notices.send(tx, node, agreement, "US", about, Exercise("x"))
            messages.change_message(tx, sent, due_at=None)
        else:
            with pytest.raises(TrustError) as refused:
                notices.send(tx, node, agreement, "US", about, Exercise("x"))
            assert refused.value.code == "NOD-315"
