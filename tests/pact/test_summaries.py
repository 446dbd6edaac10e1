"""Statistics of two ledgers that saw the same messages: the same figures whatever was late, lost or repeated."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import agreements
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mithaq.errors import TrustError
from mithaq.pact.entries import entry_body
from mithaq.pact.notices import notice_body, read_notice
from mithaq.pact.statistics import Summary, differences, figures, read_facts
from mithaq.units import timestamp

DAY = datetime(2026, 3, 10, tzinfo=UTC)
AGREEMENT = agreements.agreement()
REASON = {"purpose": "terrorism", "offence": "robbery", "case": "CASE-1", "legal_basis": "law"}


@dataclass
class Ledgers:
    """The ledgers of QA and US, written as nodes write them, with a clock that goes on at every step."""

    seconds: st.SearchStrategy[int]
    data: st.DataObject
    now: datetime = DAY
    rows: dict[str, list[tuple[str, bytes | None]]] = field(default_factory=lambda: {"QA": [], "US": []})
    number: int = 0

    def write(self, party: str, kind: str, **facts: Any) -> None:
        self.now += timedelta(seconds=self.data.draw(self.seconds))
        self.rows[party].append((kind, entry_body(kind, self.now, facts)))

    def message(self, kind: str, sender: str, conversation: str, **facts: Any) -> str:
        """Sent, received, receipted; in between other clocks tick. Returns its id."""
        recipient = {"QA": "US", "US": "QA"}[sender]
        self.number += 1
        number = f"{self.number:032x}"
        envelope = {
            "message": number, "conversation": conversation, "agreement": AGREEMENT.id, "digest": "0" * 64, "sender": sender,
            "sender_contact": "a", "recipient": recipient, "recipient_contact": "b", "body_type": "json", "body_bytes": 1,
        }  # fmt: skip
        self.write(sender, f"{kind}-sent", **envelope, **facts)
        self.write(recipient, f"{kind}-received", **envelope, **facts)
        received = timestamp(self.now)
        self.write(
            sender, "receipt-received", message=number, digest="0" * 64, receipt="0" * 64, received_at=received,
            partner_index=1, leaf="0" * 64,
        )  # fmt: skip
        return number


def run(data: st.DataObject) -> Ledgers:
    ledgers = Ledgers(st.integers(0, 40_000), data)
    for conversation in range(data.draw(st.integers(1, 6))):
        asker = data.draw(st.sampled_from(["QA", "US"]))
        holder = {"QA": "US", "US": "QA"}[asker]
        name = f"{conversation:032x}"
        query = ledgers.message(
            "query", asker, name, **REASON, search_type="TP/TP", fingers=[2], expedited=data.draw(st.booleans())
        )
        outcome = data.draw(st.sampled_from(["hit", "no-hit", "unsearchable", "refused"]))
        why = {"reasons": ["no-ridges"]} if outcome in ("unsearchable", "refused") else {}
        ledgers.message("answer", holder, name, in_reply_to=query, outcome=outcome, references=[], **why)
        if outcome == "hit" and data.draw(st.booleans()):
            request = ledgers.message("request", asker, name, reference="R-1", case="CASE-1")
            fields = data.draw(st.sampled_from([["family_name"], ["belief"], []]))
            ledgers.message(
                "release", holder, name, in_reply_to=request, reference="R-1", case="CASE-1",
                outcome="released" if fields else "refused", fields=fields,
            )  # fmt: skip
        if data.draw(st.booleans()):
            ledgers.message(
                "notice", data.draw(st.sampled_from(["QA", "US"])), f"{conversation + 99:032x}", about="exercise"
            )
    return ledgers


def facts(ledgers: Ledgers, party: str) -> Any:
    return read_facts(ledgers.rows[party], party, lambda number: AGREEMENT if number == AGREEMENT.id else None)


@given(st.data())
def test_two_ledgers_of_the_same_messages_agree_in_every_period(data: st.DataObject) -> None:
    ledgers = run(data)
    start = DAY + timedelta(seconds=data.draw(st.integers(-100_000, 400_000)))
    end = start + timedelta(seconds=data.draw(st.integers(1, 400_000)))
    ours, theirs = (figures(facts(ledgers, party), start, end) for party in ("QA", "US"))
    assert differences(ours, theirs) == []
    # What one side does not have, the other has at most once more: a message taken out of one ledger shows.
    queries = [place for place, (kind, _) in enumerate(ledgers.rows["US"]) if kind == "query-received"]
    whole = DAY, DAY + timedelta(days=60)
    if queries:
        del ledgers.rows["US"][queries[0]]
        found = differences(*(figures(facts(ledgers, party), *whole) for party in ("QA", "US")))
        assert ("out", "queries", 1) in {(one.direction, one.key, one.ours - one.theirs) for one in found}


@given(st.data())
def test_no_message_is_counted_twice_or_lost_between_periods(data: st.DataObject) -> None:
    found = facts(run(data), "QA")
    cuts = sorted(data.draw(st.lists(st.integers(0, 2_000_000), min_size=1, max_size=5, unique=True)))
    borders = [DAY - timedelta(days=1), *(DAY + timedelta(seconds=cut) for cut in cuts), DAY + timedelta(days=90)]
    whole = figures(found, borders[0], borders[-1])
    parts = [figures(found, *pair) for pair in pairwise(borders)]
    for way, counted in whole.items():
        for key, total in counted.items():
            if not key.startswith(("reply-ms", "quota")):
                assert sum(part[way].get(key, 0) for part in parts) == total


@given(st.data())
def test_every_figure_fits_the_notice_that_states_it(data: st.DataObject) -> None:
    found = figures(facts(run(data), "QA"), DAY, DAY + timedelta(days=60))
    terms = Summary(timestamp(DAY), timestamp(DAY + timedelta(days=60)), found["out"], found["in"], {})
    assert read_notice(notice_body("statistics", terms)).terms == terms


@pytest.mark.parametrize("key", ["", "Queries", "a name", "a.b.c.d.e", "x" * 65, "قضية"])
def test_a_figure_that_is_no_code_is_refused(key: str) -> None:
    with pytest.raises(TrustError) as refused:
        notice_body("statistics", Summary(timestamp(DAY), timestamp(DAY), {key: 1}, {}, {}))
    assert refused.value.code == "PAC-208"


def test_percentiles_are_of_the_nearest_rank_and_special_data_are_counted() -> None:
    rows: list[tuple[str, bytes | None]] = []
    envelope = {
        "agreement": AGREEMENT.id, "digest": "0" * 64, "sender": "US", "sender_contact": "a", "recipient": "QA",
        "recipient_contact": "b", "body_type": "json", "body_bytes": 1,
    }  # fmt: skip
    for number in range(1, 11):
        name = f"{number:032x}"
        ask = {**envelope, "sender": "QA", "recipient": "US", "message": name, "conversation": name}
        rows.append(("query-sent", entry_body("query-sent", DAY, {
            **ask, **REASON, "search_type": "TP/TP", "fingers": [2], "expedited": False})))  # fmt: skip
        rows.append(("receipt-received", entry_body("receipt-received", DAY, {
            "message": name, "digest": "0" * 64, "receipt": "0" * 64, "received_at": timestamp(DAY), "partner_index": 1,
            "leaf": "0" * 64})))  # fmt: skip
        reply = {**envelope, "message": f"{number + 99:032x}", "conversation": name, "in_reply_to": name}
        answered = entry_body("answer-received", DAY + timedelta(seconds=number), {
            **reply, "outcome": "hit", "references": []})  # fmt: skip
        rows.append(("answer-received", answered))
    release = {**envelope, "message": "f" * 32, "conversation": f"{1:032x}", "in_reply_to": f"{1:032x}"}
    rows.append(("release-received", entry_body("release-received", DAY, {
        **release, "reference": "R", "case": "C", "outcome": "released", "fields": ["belief", "family_name"]})))  # fmt: skip
    rows.append(("log-read", None))  # erased: nothing to count
    out = figures(read_facts(rows, "QA", lambda _: AGREEMENT), DAY, DAY + timedelta(days=1))["out"]
    assert [out[f"reply-ms.{name}"] for name in ("p50", "p90", "p99", "longest")] == [5000, 9000, 10000, 10000]
    assert (out["releases.released"], out["releases.special"]) == (1, 1)
    assert (out["quota.TP/TP.busiest-day"], out["quota.TP/TP.day-limit"]) == (10, AGREEMENT.search_types["TP/TP"].day)


def test_what_released_data_led_to_is_counted_on_both_sides() -> None:
    data = {
        "sender": "QA",
        "recipient": "US",
        "message": "1" * 32,
        "about": "outcome-report",
        "outcome": "result-identity",
    }
    sent = json.dumps({"at": timestamp(DAY), "kind": "notice-sent", "data": data}).encode()
    receipt = {"message": "1" * 32, "received_at": timestamp(DAY)}
    rows = [
        ("notice-sent", sent),
        ("receipt-received", json.dumps({"at": timestamp(DAY), "kind": "receipt-received", "data": receipt}).encode()),
    ]
    ours = figures(read_facts(rows, "QA", lambda _: None), DAY, DAY + timedelta(days=1))
    theirs = figures(read_facts([("notice-received", sent)], "US", lambda _: None), DAY, DAY + timedelta(days=1))
    assert ours["out"] == theirs["in"] == {"notices.outcome-report": 1, "outcomes.result-identity": 1}
