"""A sender that goes on after its hundredth query of the day: the hundred-and-first is refused at both ends."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import agreements
from agreements import QUERY
from forged import answered_with_refusal, check_said, letter, query_body, receive, without_effect
from hits import Hits, picture
from serve_order import ORDER

from mithaq.node import flow
from mithaq.node.store import conversations
from mithaq.pact.gate import Accepted, Refused, gate
from mithaq.pact.quota import quota_day


def test_query_101_of_100() -> None:
    agreement = agreements.agreement()
    used: Counter[str] = Counter()
    answers = []
    for number in range(130):
        at = datetime(2026, 3, 10, 0, 0, tzinfo=UTC) + timedelta(minutes=number)
        decision = gate(QUERY, agreement, at=at, used_today=used[quota_day(at, agreement)], side="holder")
        answers.append(decision)
        if isinstance(decision, Accepted):
            used[quota_day(at, agreement)] += 1
    assert all(isinstance(decision, Accepted) for decision in answers[:100])
    assert {decision.reason for decision in answers[100:] if isinstance(decision, Refused)} == {"quota-exceeded"}
    assert len([decision for decision in answers if isinstance(decision, Refused)]) == 30
    tomorrow = datetime(2026, 3, 11, 0, 0, tzinfo=UTC)
    assert isinstance(
        gate(QUERY, agreement, at=tomorrow, used_today=used[quota_day(tomorrow, agreement)], side="holder"), Accepted
    )


def test_marking_a_query_as_expedited_does_not_pass_the_quota() -> None:
    decision = gate(
        replace(QUERY, expedited=True), agreements.agreement(), at=agreements.AT, used_today=100, side="holder"
    )
    assert isinstance(decision, Refused)
    assert decision.reason == "quota-exceeded"


def test_the_hundred_and_first_between_two_nodes(hits: Hits) -> None:
    """The sender's own gate holds it back; a sender that forgot its count is answered with the refusal."""
    sender, body = hits.nodes["QA"], query_body(hits)
    for _ in range(100):
        receive(hits, letter(hits, body, kind="query"))
    answered_with_refusal(hits, letter(hits, body, kind="query", id="6" * 32), "6" * 32, "quota-exceeded")
    with sender.database.write() as tx:
        day = quota_day(hits.clock(), sender.agreements.current("US", hits.clock()))
        for _ in range(100):
            conversations.count_query(tx, "US", "out", "TP/TP", day)
    with without_effect(sender) as logged:
        held = flow.submit_query(sender, picture(), ORDER)
    assert isinstance(held, Refused)
    ((kind, data),) = logged
    assert kind == "query-held"
    check_said(sender, data, "quota-exceeded")
