"""Data supplied without a request end like released ones: review date, certificate, hold; and matters end with the log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pair import PASSPHRASE, Pair

from mithaq.node import audit, certificates, erasing, holds, retention
from mithaq.node.exchanges import held, matters, supply
from mithaq.node.store.matters import Matter
from mithaq.pact.exchanges import Condition, Supply
from mithaq.pact.gate import Refused

TERMS = {"log_months": 24, "released_review_months": 12, "review_months_by_code": {"H2": 3}, "certificates": True}
ONE: dict[str, Any] = {"officer": "officer-1", "passphrase": PASSPHRASE}
TWO: dict[str, Any] = {"officer": "officer-2", "passphrase": PASSPHRASE}
SUPPLY = Supply(
    ground="serious-crime",
    facts="A report names the person.",
    circumstances="No conviction is known.",
    case="S-2026/1",
    offence="robbery",
    handling="H0",
    handling_ground=None,
    conditions=(),
    data={"family_name": "Zyxwfamily"},
)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    made = Pair(tmp_path, retention=TERMS)
    yield made
    made.close()


def supplied(pair: Pair, **changes: Any) -> str:
    prepared = supply.prepare(pair.nodes["US"], "QA", replace(SUPPLY, **changes), **ONE)
    assert isinstance(prepared, Matter), prepared
    assert isinstance(supply.approve(pair.nodes["US"], prepared.id, **TWO), Matter)
    pair.run()
    return prepared.id


def keep(pair: Pair, subject: str) -> None:
    supply.assess(pair.nodes["QA"], subject, result="kept", **ONE)
    pair.run()


def test_a_supply_is_erased_at_its_review_date_with_a_certificate_that_the_supplier_verifies(pair: Pair) -> None:
    node = pair.nodes["QA"]
    ordinary, short = supplied(pair), supplied(pair, handling="H2", handling_ground="protects-a-source")
    for subject in (ordinary, short):
        keep(pair, subject)
    pair.clock.turn(days=85)
    assert retention.sweep(node).releases == 0
    pair.clock.turn(days=10)  # the code's own class ends first
    assert retention.sweep(node).releases == 1
    pair.run()
    assert (bool(node.released(ordinary)), node.released(short)) == (True, {})
    assert isinstance(held.use(node, short, use="public-security", **ONE), Refused)
    assert f"released:{short}" not in node.record_keys.labels("identities")
    pair.clock.turn(days=280)
    assert retention.sweep(node).releases == 1
    pair.run()
    taken = {kept.conversation: deletion for kept, deletion in certificates.everything(pair.nodes["US"])}
    assert set(taken) == {ordinary, short}
    assert all(one is not None and one.reference == subject for subject, one in taken.items())
    assert matters.find(node, ordinary).state == "erased"
    assert not any(audit.verify(one).problems for one in pair.nodes.values())


def test_a_hold_keeps_a_supply_and_one_that_is_not_needed_is_certified_at_once(pair: Pair) -> None:
    node = pair.nodes["QA"]
    subject, declined = supplied(pair), supplied(pair)
    keep(pair, subject)
    supply.assess(node, declined, result="not-needed", **ONE)
    pair.run()
    assert [kept.conversation for kept, _ in certificates.everything(pair.nodes["US"])] == [declined]
    holds.place(node, subject, reason="court-order", ends=pair.clock() + timedelta(days=500), **ONE)
    pair.clock.turn(days=400)
    swept = retention.sweep(node)
    assert (swept.releases, swept.held) == (0, 1)
    assert node.released(subject)


def test_a_supply_that_nobody_approved_is_given_up_and_what_went_leaves_no_data_behind(pair: Pair) -> None:
    node = pair.nodes["US"]
    left = supply.prepare(node, "QA", SUPPLY, **ONE)
    assert isinstance(left, Matter)
    sent = supplied(pair)
    assert f"matter:{sent}:supply" not in node.record_keys.labels("identities")
    assert set(matters.texts(node, sent)) == {"supplied"}
    assert matters.texts(node, sent)["supplied"]["data"] == {}
    assert retention.sweep(node).given_up == 0
    pair.clock.turn(days=31)
    assert retention.sweep(node).given_up == 1
    assert (matters.find(node, left.id).state, matters.texts(node, left.id)) == ("given-up", {})
    assert f"matter:{left.id}:supply" not in node.record_keys.labels("identities")


def test_matters_end_with_the_log_and_their_keys_are_no_strays_before(pair: Pair) -> None:
    node = pair.nodes["QA"]
    subject = supplied(pair)
    assert not erasing.stray_keys(node)
    assert not erasing.stray_keys(pair.nodes["US"])
    keep(pair, subject)
    pair.clock.turn(days=380)
    assert retention.sweep(node).matters == 0  # the data go now; the matter is proof of where they came from
    pair.run()
    pair.clock.turn(days=740)
    for one in pair.nodes.values():
        assert retention.sweep(one).matters == 1
        assert not [label for label in one.record_keys.labels("identities") if label.startswith("matter:")]
        assert not matters.everything(one)
        assert not audit.verify(one).problems


def test_a_condition_without_ground_is_refused_and_declined_conditions_erase_the_supply(pair: Pair) -> None:
    node = pair.nodes["QA"]
    for bare in ({"handling": "H2"}, {"conditions": (Condition("", "not for the press"),)}):  # type: ignore[arg-type]
        refused = supply.prepare(pair.nodes["US"], "QA", replace(SUPPLY, **bare), **ONE)  # type: ignore[arg-type]
        assert isinstance(refused, Refused)
        assert refused.reason == "caveat-without-ground"
    press = Condition("protects-an-investigation", "not for the press")
    subject = supplied(pair, conditions=(press,), handling="H2", handling_ground="protects-a-source")
    shown = held.use(node, subject, use="public-security", **ONE)
    assert isinstance(shown, held.Held)
    assert [(one["code"], one["ground"]) for one in shown.conditions] == [
        ("H2", "protects-a-source"),
        ("H3", "protects-an-investigation"),
    ]
    pair.clock.turn(days=31)
    assert matters.overdue(node, matters.find(node, subject))
    assert matters.find(node, subject).state == "to-assess", "nothing is accepted by itself"
    supply.assess(node, subject, result="conditions-declined", **ONE)
    pair.run()
    erasing.finish(node)
    assert node.released(subject) == {}
    assert f"released:{subject}" not in node.record_keys.labels("identities")
    supplier = matters.find(pair.nodes["US"], subject)
    assert (supplier.state, supplier.facts["result"]) == ("erased", "conditions-declined")
    ((_, deletion),) = certificates.everything(pair.nodes["US"])
    assert deletion is not None
    assert deletion.reason == "declined"
