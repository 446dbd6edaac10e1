"""A deletion that somebody demands of data under a legal hold: not done, for a reason that is said, and done after its end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from kept import make_pair, release
from pair import PASSPHRASE, Pair

from mithaq.node import audit, exposure, flow, holds, journal, received, retention, views
from mithaq.node.exchanges import correction, held
from mithaq.node.store import ledger
from mithaq.pact.caveats import Caveat, Handling
from mithaq.pact.gate import Refused

OFFICER = {"officer": "officer-1", "passphrase": PASSPHRASE}


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    made = make_pair(tmp_path)
    yield made
    made.close()


def logged(pair: Pair, code: str, kind: str) -> list[dict[str, object]]:
    with pair.nodes[code].database.read() as tx:
        bodies = [json.loads(one.body) for one in ledger.entries(tx) if one.body]
    return [body["data"] for body in bodies if body["kind"] == kind]


def hold(pair: Pair, subject: str) -> None:
    until = pair.clock.now + timedelta(days=10)
    holds.place(pair.nodes["QA"], subject, reason="court-order", ends=until, **OFFICER)


def state(pair: Pair, subject: str) -> str:
    with pair.nodes["QA"].database.read() as tx:
        return held.standing(tx, subject).state


@pytest.mark.parametrize("how", ["demand", "withdrawal", "false hit"])
def test_data_under_a_hold_are_blocked_and_deleted_by_the_first_sweep_after_it(pair: Pair, how: str) -> None:
    requester, supplier = pair.nodes["QA"], pair.nodes["US"]
    sent = release(pair)
    hold(pair, sent.id)
    why = {"explanation": "the wrong person", **OFFICER}
    if how == "demand":
        asked = correction.demand(supplier, sent.id, action="delete", fault="wrong-person", **why)
        assert not isinstance(asked, Refused)
        pair.run()
        assert correction.meet(requester, asked.id, **OFFICER).facts["result"] == "blocked"
    elif how == "withdrawal":
        assert not isinstance(correction.withdraw(supplier, sent.id, fault="wrong-person", **why), Refused)
    else:
        found = {**why, "officer": "examiner-1"}
        assert not isinstance(correction.find_false(supplier, sent.id, **found), Refused)
    pair.run()
    assert state(pair, sent.id) == "blocked"
    assert requester.released(sent.id)
    (refusal,) = logged(pair, "QA", "step-refused")
    assert (refusal["event"], refusal["reason"], refusal["clause"]) == ("delete", "under-hold", "Art. 13(1)")
    assert isinstance(held.use(requester, sent.id, use="same-case", **OFFICER), Refused)
    assert retention.sweep(requester).held >= 1
    pair.clock.turn(days=11)
    assert retention.sweep(requester).after_hold >= 1
    assert state(pair, sent.id) == "deleted"
    assert requester.released(sent.id) == {}
    pair.run()
    assert [problem for node in pair.nodes.values() for problem in audit.verify(node).problems] == []


def test_conditions_cannot_be_declined_while_a_hold_keeps_the_data(pair: Pair) -> None:
    requester = pair.nodes["QA"]
    handling = Handling((Caveat("H1", "court-order", None),))
    prepare = flow.prepare_release

    def with_conditions(*args: object, **terms: object) -> object:
        return prepare(*args, handling=handling, **terms)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flow, "prepare_release", with_conditions)
        sent = release(pair)
    hold(pair, sent.id)
    before = views.find(requester, sent.id)
    done = received.decline(requester, sent.id, **OFFICER)
    assert isinstance(done, Refused)
    assert (done.reason, done.clause_ref) == ("under-hold", "Art. 13(1)")
    assert views.find(requester, sent.id) == before
    assert requester.released(sent.id)
    assert logged(pair, "QA", "step-refused")[0]["reason"] == "under-hold"
    pair.clock.turn(days=11)
    assert not isinstance(received.decline(requester, sent.id, **OFFICER), Refused)
    assert requester.released(sent.id) == {}


def test_withdrawals_and_overrides_of_records_bear_their_officers_signature(pair: Pair) -> None:
    node = pair.nodes["US"]
    reference = "US-TESTPERSON22"
    assert exposure.override(node, reference, "hide", **OFFICER)
    exposure.withdraw(node, reference, reason="expunged", by="officer-1", passphrase=PASSPHRASE)
    acts = [entry["signed"] for kind in ("exposure-changed", "withdrawn") for entry in logged(pair, "US", kind)]
    assert len(acts) == 2
    assert audit.verify(node).problems == ()
    # The same act under another record's number, or in another officer's name, proves nothing.
    with node.database.write() as tx:
        facts = {"reason": "expunged", "prints": 1, "signed": acts[1]}
        journal.write(tx, node, "withdrawn", references=["US-ANOTHER"], by="officer-1", **facts)
        journal.write(tx, node, "withdrawn", references=[reference], by="officer-2", **facts)
    found = [text.partition(" entry")[2].partition(" ")[2].partition(" ")[2] for text in audit.verify(node).problems]
    assert found == ["was signed for another step", "lacks its officer's signature"]
