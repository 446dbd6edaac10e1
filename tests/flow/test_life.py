"""The agreement's life between two nodes: suspended, resumed, ended, extended, consulted about, and its quotas."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pair import NOON, PASSPHRASE, Clock, Pair
from serve_order import ORDER

from mithaq.errors import MithaqError
from mithaq.image import png_bytes
from mithaq.node import audit, flow, life, quotas, standing, upkeep, views, witness
from mithaq.node.flow import Unsearchable
from mithaq.node.gateway import Files
from mithaq.node.initialise import read_party
from mithaq.node.opening import open_node
from mithaq.node.store import ledger, messages
from mithaq.node.store.conversations import Conversation
from mithaq.node.store.life import LifeEvent, counts, events_with
from mithaq.pact.gate import Refused
from mithaq.pact.proposal import propose
from mithaq.pact.signed import sign, unsigned
from mithaq.pact.strict import plain
from mithaq.units import GrayImage, timestamp

SIGN = {"officer": "officer-1", "passphrase": PASSPHRASE}
SMUDGE = png_bytes(GrayImage(np.full((256, 256), 200, np.uint8), 500.0))


class Fresh(Pair):
    """A copy of two nodes that were made once, under an agreement of its own: officers' keys are dear to make."""

    def __init__(self, made: Pair, folder: Path, **terms: Any) -> None:
        self.clock = Clock()
        self.homes = {code: shutil.copytree(home, folder / code) for code, home in made.homes.items()}
        for home in self.homes.values():
            for file in Files(home).agreements.glob("*.json"):
                file.unlink()
        self.nodes = {code: open_node(home, clock=self.clock) for code, home in self.homes.items()}
        self.signed = self.agree(**terms)
        self.wires = {code: self.wire(code) for code in self.nodes}
        for code, node in self.nodes.items():
            node.posters = {other: self.wires[code] for other in self.nodes if other != code}


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Pair]]:
    made = Pair(tmp_path_factory.mktemp("made"))
    made.close()
    copies: list[Pair] = []

    def fresh(**terms: Any) -> Pair:
        copies.append(Fresh(made, tmp_path_factory.mktemp("pair"), **terms))
        return copies[-1]

    yield fresh
    for copy in copies:
        copy.close()


@pytest.fixture
def pair(make: Callable[..., Pair]) -> Pair:
    return make()


def ask(pair: Pair, code: str = "QA", **changes: Any) -> Conversation | Refused:
    """A query that passes the gate and that the holder will find unsearchable."""
    partner = next(other for other in pair.nodes if other != code)
    order = replace(ORDER, partner=partner, ppi=500.0, despite_quality=True, **changes)
    sent = flow.submit_query(pair.nodes[code], SMUDGE, order)
    assert not isinstance(sent, Unsearchable)
    return sent


def asked(pair: Pair, code: str = "QA") -> Conversation:
    sent = ask(pair, code)
    assert isinstance(sent, Conversation), sent
    return sent


def refused(pair: Pair, code: str = "QA") -> str:
    sent = ask(pair, code)
    assert isinstance(sent, Refused)
    assert sent.clause is not None
    return sent.reason


def done(event: LifeEvent | Refused) -> LifeEvent:
    assert isinstance(event, LifeEvent), event
    return event


def state(pair: Pair, code: str, conversation: Conversation) -> str:
    return views.find(pair.nodes[code], conversation.id).state


def amend(pair: Pair, *, start: datetime, version: int, end: datetime | None = None, **terms: Any) -> None:
    """A further version that both sign now."""
    parties = _parties(pair)
    before = pair.nodes["QA"].agreements.current("US", pair.clock())
    document = propose(parties, valid_from=start, valid_to=end, version=version, previous=before.id, **terms)
    signed = unsigned(document)
    for code, node in pair.nodes.items():
        key = node.keys.sign
        signed = sign(signed, code, signer=key.sign, thumbprint=key.thumbprint, at=pair.clock())
    for node in pair.nodes.values():
        node.agreements.install(signed.to_bytes())


# ---------------------------------------------------------------- suspension (REQ-163)


@pytest.mark.parametrize("by", ["QA", "US"])
def test_a_suspension_by_either_side_stops_queries_at_both_within_one_delivery(pair: Pair, by: str) -> None:
    done(life.suspend(pair.nodes[by], _other(by), parts=(), reason="duties-not-met", **SIGN))
    assert refused(pair, by) == "agreement-suspended"
    pair.run()
    assert refused(pair, _other(by)) == "agreement-suspended"
    for code in pair.nodes:
        node = pair.nodes[code]
        assert [one["standing"] for one in standing.overview(node)] == ["suspended"]
        with node.database.read() as tx:
            assert "agreement-changed" in [kind for _, kind, _ in ledger.latest_entries(tx, 6)]
    # A notice that protects passes all the same, also from the side that was suspended.
    record = {"kind": "meeting", "about": "quota", "held_at": pair.clock(), "text": "The two sides met about quotas."}
    done(life.consult(pair.nodes[_other(by)], by, **record, **SIGN))
    pair.run()
    with pair.nodes[by].database.read() as tx:
        assert [event.about for event in events_with(tx, _other(by))] == ["suspension", "consultation"]


def test_a_query_that_is_on_its_way_waits_and_goes_on_after_the_resumption(pair: Pair) -> None:
    holder = pair.nodes["US"]
    accepted, unsent = asked(pair), asked(pair)
    flow.deliver(pair.nodes["QA"], *_due(pair, "QA")[:1])
    event = done(life.suspend(holder, "QA", parts=(), reason="security-incident", **SIGN))
    flow.deliver(holder, *_due(pair, "US"))  # the notice, and nothing else: the accepted query has no answer yet
    pair.run()
    assert {state(pair, "US", accepted), state(pair, "QA", accepted)} == {"received", "sent"}
    assert state(pair, "QA", unsent) == "prepared"
    pair.clock.turn(hours=1)
    pair.run()
    assert state(pair, "QA", unsent) == "prepared"
    theirs = life.resume(pair.nodes["QA"], "US", event.id, **SIGN)
    assert isinstance(theirs, Refused)
    assert theirs.reason == "not-suspended"
    done(life.resume(holder, "QA", event.id[:8], **SIGN))
    pair.run()
    assert {state(pair, "QA", one) for one in (accepted, unsent)} == {"unsearchable"}
    assert audit.verify(pair.nodes["QA"]).agrees
    assert audit.disagreements(*pair.nodes.values()) == []


def test_a_sender_that_does_not_keep_a_suspension_gets_no_answer(pair: Pair) -> None:
    sent = asked(pair)
    done(life.suspend(pair.nodes["US"], "QA", parts=(), reason="duties-not-met", **SIGN))
    flow.deliver(pair.nodes["QA"], *_due(pair, "QA"))  # the notice is still at US
    assert state(pair, "US", sent) == "answered-refused"


def test_a_part_is_suspended_alone(pair: Pair) -> None:
    done(life.suspend(pair.nodes["QA"], "US", parts=("release", "LT/TP"), reason="national-law-changed", **SIGN))
    pair.run()
    sent = asked(pair)
    pair.run()
    assert state(pair, "QA", sent) == "unsearchable"
    parts = standing.overview(pair.nodes["US"])[0]["parts"]
    assert {part for part, how in parts.items() if how == "suspended"} == {"release", "LT/TP"}
    assert parts["TP/TP"] == "in-force"


def test_where_the_agreement_asks_for_it_a_consultation_comes_before_a_suspension(make: Callable[..., Pair]) -> None:
    pair = make(life={"consult_first": True})
    node = pair.nodes["QA"]
    first = life.suspend(node, "US", parts=(), reason="duties-not-met", **SIGN)
    assert isinstance(first, Refused)
    assert first.reason == "consultation-missing"
    record = {"kind": "dispute", "about": "life", "held_at": NOON, "text": "No answer for three weeks."}
    done(life.consult(node, "US", **record, **SIGN))
    done(life.suspend(node, "US", parts=(), reason="duties-not-met", **SIGN))


def test_only_an_officer_with_the_passphrase_declares_anything(pair: Pair) -> None:
    for officer, passphrase in (("examiner-1", PASSPHRASE), ("officer-1", "not the one"), ("nobody", PASSPHRASE)):
        with pytest.raises(MithaqError):
            life.suspend(
                pair.nodes["QA"], "US", parts=(), reason="duties-not-met", officer=officer, passphrase=passphrase
            )
    with pytest.raises(MithaqError):
        life.suspend(pair.nodes["QA"], "US", parts=("DNA",), reason="duties-not-met", **SIGN)
    with pytest.raises(MithaqError):
        life.suspend(pair.nodes["QA"], "US", parts=(), reason="a mood", **SIGN)
    assert isinstance(ask(pair), Conversation)


# ---------------------------------------------------------------- end and extension (REQ-161, 162, 164, 165)


def test_a_termination_keeps_its_notice_and_ends_queries_but_not_protection(pair: Pair) -> None:
    node = pair.nodes["QA"]
    early = life.terminate(node, "US", at=NOON + timedelta(days=30), **SIGN)
    assert isinstance(early, Refused)
    assert (early.reason, early.clause is not None) == ("notice-too-short", True)
    event = done(life.terminate(node, "US", **SIGN))
    assert event.terms["at"] == "2026-06-10T12:00:00.000000Z"
    pair.run()
    pair.clock.now = datetime(2026, 6, 10, 11, 59, tzinfo=UTC)
    last = asked(pair)
    flow.deliver(node, *_due(pair, "QA"))
    pair.clock.turn(minutes=1)
    assert [refused(pair, code) for code in pair.nodes] == ["agreement-terminated"] * 2
    pair.run()
    assert state(pair, "QA", last) == "refused"  # it was waiting at the holder when the agreement ended
    done(life.consult(node, "US", kind="meeting", about="retention", held_at=NOON, text="What is still held.", **SIGN))
    pair.run()
    assert not _undelivered(pair)
    # What both sign after that stands on its own.
    pair.agree(title={"ar": "اتفاقية ثانية", "en": "A second agreement"})
    assert isinstance(ask(pair), Conversation)


def test_an_extension_goes_on_without_a_gap_and_an_unsigned_one_stops_at_the_instant(make: Callable[..., Pair]) -> None:
    end = datetime(2026, 4, 1, tzinfo=UTC)
    pair = make(valid_to=end)
    node = pair.nodes["QA"]
    assert standing.alarms(node) == [("US", 30, "2026-04-01T00:00:00.000000Z")]
    pair.clock.now = end - timedelta(days=3)
    assert [days for _, days, _ in standing.alarms(node)] == [7]
    pair.clock.now = end - timedelta(microseconds=1)
    before = asked(pair)
    pair.clock.now = end
    assert refused(pair) == "agreement-expired"
    pair.clock.now = end - timedelta(days=1)
    amend(pair, start=end, end=end + timedelta(days=400), version=2)
    assert standing.alarms(node) == []
    pair.clock.now = end - timedelta(microseconds=1)
    assert ask(pair).agreement == before.agreement  # type: ignore[union-attr]
    pair.clock.now = end
    after = asked(pair)
    assert after.agreement != before.agreement
    pair.run()
    assert {state(pair, "QA", before), state(pair, "QA", after)} == {"unsearchable"}


@pytest.mark.parametrize("in_flight", ["begun", "new"])
def test_an_open_conversation_ends_under_the_version_that_the_amendment_names(pair: Pair, in_flight: str) -> None:
    holder = pair.nodes["US"]
    sent = asked(pair)
    flow.deliver(pair.nodes["QA"], *_due(pair, "QA"))
    pair.clock.turn(hours=1)
    amend(pair, start=pair.clock(), version=2, life={"in_flight": in_flight})
    pair.run()
    assert state(pair, "QA", sent) == "unsearchable"
    with holder.database.read() as tx:
        answer = next(one for one in messages.conversation_messages(tx, sent.id) if one.kind == "answer")
    governs = holder.agreements.by_id(answer.agreement)
    assert governs.version == (1 if in_flight == "begun" else 2)


def test_a_new_query_under_a_version_that_was_replaced_is_refused_by_the_holder(pair: Pair) -> None:
    pair.clock.turn(hours=1)
    before = pair.nodes["QA"].agreements.current("US", NOON)
    amend(pair, start=pair.clock(), version=2)
    sender = pair.nodes["QA"].agreements
    sender.current = lambda partner, at: before  # type: ignore[method-assign]  # a sender that does not switch
    sent = asked(pair)
    pair.run()
    found = views.find(pair.nodes["QA"], sent.id)
    assert [code for code, _ in found.reasons] == ["agreement-superseded"]


def test_a_part_enters_into_force_later(make: Callable[..., Pair]) -> None:
    pair = make(valid={"from": "2026-03-01T00:00:00.000000Z", "to": None, "notice_months": 3,
                                 "entry": {"TP/TP": "2026-03-20T00:00:00.000000Z"}})  # fmt: skip
    assert refused(pair) == "part-not-yet-in-force"
    pair.clock.now = datetime(2026, 3, 20, tzinfo=UTC)
    assert isinstance(ask(pair), Conversation)


def test_a_contact_point_acts_only_while_it_is_named(make: Callable[..., Pair]) -> None:
    pair = make()
    ends = {"from": None, "to": "2026-03-15T00:00:00.000000Z"}
    parties = _parties(pair)
    points = {}
    for code in parties:
        (point,) = plain(parties[code])["contact_points"]
        later = {**point, "id": f"{code.lower()}-next", "valid": {"from": ends["to"], "to": None}}
        points[code] = {"contact_points": [{**point, "valid": ends}, later]}
    amend(pair, start=NOON, version=2, parties=points)
    first = asked(pair)
    pair.run()
    assert state(pair, "QA", first) == "unsearchable"
    pair.clock.now = datetime(2026, 3, 15, tzinfo=UTC)
    asked(pair)
    pair.run()
    with pair.nodes["US"].database.read() as tx:
        bodies = [json.loads(one.body)["data"] for one in ledger.entries(tx) if one.body]
    ends_of = [(data["sender_contact"], data["recipient_contact"]) for data in bodies if "search_type" in data]
    assert ends_of == [("qa-ncp", "us-ncp"), ("qa-next", "us-next")]


# ---------------------------------------------------------------- quotas (REQ-130, REQ-131)


def test_what_one_day_left_may_be_used_on_the_next_and_no_more(make: Callable[..., Pair]) -> None:
    pair = make(search_types={"TP/TP": {"day": 2}}, quota={"carry_over": True})
    asked(pair)
    pair.clock.turn(days=1)
    for _ in range(3):
        asked(pair)
    assert refused(pair) == "quota-exceeded"
    pair.clock.turn(days=1)
    pair.run()
    for _ in range(2):  # the day before used more than its own two: nothing is left of it
        asked(pair)
    assert refused(pair) == "quota-exceeded"
    pair.run()


def test_the_year_has_a_quota_of_its_own_at_both_ends(make: Callable[..., Pair]) -> None:
    pair = make(quota={"year": 2})
    for _ in range(2):
        asked(pair)
        pair.clock.turn(days=1)
    assert refused(pair) == "quota-year-exceeded"
    pair.clock.now = datetime(2027, 1, 1, tzinfo=UTC)
    asked(pair)


def test_two_officers_pass_the_quota_and_the_partner_knows_before_it_holds(make: Callable[..., Pair]) -> None:
    pair = make(search_types={"TP/TP": {"day": 1}})
    node, both = pair.nodes["QA"], [("officer-1", PASSPHRASE), ("officer-2", PASSPHRASE)]
    terms = {"search_type": "TP/TP", "reason": "danger-to-life"}
    asked(pair)
    assert refused(pair) == "quota-exceeded"
    for approvals in (both[:1] * 2, both[:1]):
        alone = life.override(node, "US", extra=1, approvals=approvals, **terms)
        assert isinstance(alone, Refused)
        assert alone.reason == "override-approvers"
    large = life.override(node, "US", extra=2, approvals=both, **terms)
    assert isinstance(large, Refused)
    assert large.reason == "override-too-large"
    done(life.override(node, "US", extra=1, approvals=both, **terms))
    assert refused(pair) == "quota-exceeded"  # the partner has not receipted it
    pair.run()
    sent = asked(pair)
    pair.run()
    assert state(pair, "QA", sent) == "unsearchable"
    assert refused(pair) == "quota-exceeded"
    with pair.nodes["US"].database.read() as tx:
        event = events_with(tx, "QA")[0]
    assert (event.about, event.terms["approved_by"]) == ("override-used", ["officer-1", "officer-2"])
    again = life.override(node, "US", extra=1, approvals=both, **terms)
    assert isinstance(again, Refused)
    pair.clock.turn(days=1)
    asked(pair)
    assert refused(pair) == "quota-exceeded"  # it was for one day


def test_a_quota_is_not_passed_where_that_was_not_agreed(make: Callable[..., Pair]) -> None:
    pair = make(quota={"emergency": {"allowed": False}})
    both = [("officer-1", PASSPHRASE), ("officer-2", PASSPHRASE)]
    terms = {"search_type": "TP/TP", "extra": 1, "reason": "danger-to-life"}
    found = life.override(pair.nodes["QA"], "US", approvals=both, **terms)
    assert isinstance(found, Refused)
    assert (found.reason, found.clause is not None) == ("emergency-not-agreed", True)


def test_a_restored_old_back_up_gives_no_query_back(make: Callable[..., Pair], tmp_path: Path) -> None:
    pair = make(search_types={"TP/TP": {"day": 3}}, quota={"year": 5})
    back_up = shutil.copytree(pair.homes["QA"], tmp_path / "back-up")
    for _ in range(2):
        asked(pair)
    pair.run()
    pair.nodes["QA"].close()
    shutil.rmtree(pair.homes["QA"])
    shutil.copytree(back_up, pair.homes["QA"])
    node = pair.nodes["QA"] = open_node(pair.homes["QA"], clock=pair.clock)
    node.posters = {"US": pair.wires["QA"]}
    witness.begin(node)
    quotas.begin(node)
    upkeep.cosign(node)
    assert node.held == {"US": witness.NOT_COUNTED}
    early = asked(pair)  # its own gate knows no better yet: it is kept until the partner has said what it counted
    flow.deliver(node, *_due(pair, "QA")[1:])
    assert state(pair, "QA", early) == "prepared"
    pair.run()
    assert node.held == {}
    pair.clock.turn(seconds=5)
    pair.run()
    assert state(pair, "QA", early) == "unsearchable"
    left = views.quotas(node, "US")[0]
    assert (left.used, left.day) == (3, 3)  # the two that the partner had received, and the one on its way
    with pair.nodes["US"].database.read() as tx:
        assert counts(tx, "QA", "in", ["2026-03-10", "2026"]) == {("TP/TP", "2026-03-10"): 3, ("*", "2026"): 3}


def test_a_restart_while_receipts_are_lost_counts_no_query_twice(pair: Pair) -> None:
    node = pair.nodes["QA"]
    pair.wires["QA"].lost = 2
    for _ in range(2):
        asked(pair)
    flow.deliver(node, *_due(pair, "QA"))  # the partner has both and counted them; we do not know that
    for code in pair.nodes:
        quotas.begin(pair.nodes[code])
    pair.run()  # what each counted is told while both queries wait for their next attempt
    pair.clock.turn(minutes=5)
    pair.run()
    for code, way in (("QA", "out"), ("US", "in")):
        with pair.nodes[code].database.read() as tx:
            found = counts(tx, _other(code), way, ["2026-03-10", "2026"])
        assert found == {("TP/TP", "2026-03-10"): 2, ("*", "2026"): 2}


def _parties(pair: Pair) -> dict[str, Any]:
    return dict(read_party((home / "party.json").read_bytes(), place="test") for home in pair.homes.values())


def _other(code: str) -> str:
    return "US" if code == "QA" else "QA"


def _due(pair: Pair, code: str) -> list[str]:
    with pair.nodes[code].database.read() as tx:
        return messages.due_messages(tx, timestamp(pair.clock()), limit=100)


def _undelivered(pair: Pair) -> list[str]:
    found = []
    for node in pair.nodes.values():
        with node.database.read() as tx:
            found += [one.id for one in messages.receipted_messages(tx, "out") if one.receipt is None]
            found += ["waiting"] * messages.count_waiting(tx)
    return found
