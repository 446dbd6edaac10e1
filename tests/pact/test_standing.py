"""How an agreement stands at an instant, part by part; and what a day's quota comes to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import agreements
import pytest
from agreements import AT, END, QUERY, START
from hypothesis import given
from hypothesis import strategies as st

from mithaq.pact.agreement import Agreement, parse_agreement
from mithaq.pact.gate import Accepted, Refused, gate
from mithaq.pact.quota import Used, day_limit
from mithaq.pact.standing import (
    UNDISTURBED,
    How,
    Life,
    Suspended,
    alarm_days,
    continued,
    earliest_end,
    end_of,
    governing,
    standing,
)
from mithaq.pact.terms import Period

INSTANTS = st.integers(-400 * 86_400, 800 * 86_400).map(lambda seconds: START + timedelta(seconds=seconds))
PARTS = ("TP/TP", "LT/TP", "release", "spontaneous", None)


def made(**terms: Any) -> Agreement:
    return parse_agreement(agreements.document(**terms))


def suspended(*parts: str, since: datetime = START) -> Suspended:
    return Suspended("0" * 32, "US", frozenset(parts), since, "duties-not-met")


def decide(agreement: Agreement, *, at: datetime = AT, used_today: int = 0, **more: Any) -> str:
    decision = gate(QUERY, agreement, at=at, used_today=used_today, side="holder", **more)
    assert not isinstance(decision, Refused) or decision.clause is not None
    return decision.reason if isinstance(decision, Refused) else "accepted"


@given(at=INSTANTS, part=st.sampled_from(PARTS), ends=st.none() | INSTANTS, parts=st.sets(st.sampled_from(PARTS[:4])))
def test_nothing_passes_that_is_suspended_or_over(
    at: datetime, part: str | None, ends: datetime | None, parts: set[str]
) -> None:
    agreement = agreements.agreement()
    how = standing(agreement, part, at, Life((suspended(*parts, since=AT),), ends))
    stopped = at >= AT and (not parts or part in parts)
    over = at < START or at >= END or (ends is not None and at >= ends)
    assert (how is How.IN_FORCE) == (not stopped and not over)
    assert (how is How.SUSPENDED) == (stopped and not over)


def test_every_way_of_not_being_in_force_has_its_own_refusal() -> None:
    agreement = agreements.agreement()
    later = made(valid={**agreements_valid(), "entry": {"TP/TP": "2026-06-01T00:00:00.000000Z"}})
    assert decide(agreement, life=Life((suspended(),))) == "agreement-suspended"
    assert decide(agreement, life=Life((suspended("TP/TP"),))) == "agreement-suspended"
    assert decide(agreement, life=Life((suspended("LT/TP", "release"),))) == "accepted"
    assert decide(agreement, life=Life((suspended(since=AT + timedelta(seconds=1)),))) == "accepted"
    assert decide(agreement, life=Life(ends=AT)) == "agreement-terminated"
    assert decide(agreement, life=Life(ends=AT + timedelta(microseconds=1))) == "accepted"
    assert decide(agreement, at=END) == "agreement-expired"
    assert decide(agreement, at=END, life=Life(continued=True)) == "accepted"
    assert decide(later) == "part-not-yet-in-force"
    assert decide(later, at=datetime(2026, 6, 1, tzinfo=UTC)) == "accepted"


def agreements_valid() -> dict[str, Any]:
    return {"from": "2026-01-01T00:00:00.000000Z", "to": "2027-01-01T00:00:00.000000Z", "notice_months": 3, "entry": {}}


def test_a_contact_point_out_of_its_time_is_refused() -> None:
    agreement = agreements.agreement()
    other = next(code for code in agreement.parties if code == QUERY.destination_party)
    party = agreement.parties[other]
    points = tuple(replace(point, valid=Period(None, "2026-03-10T12:00:00.000000Z")) for point in party.contact_points)
    short = replace(agreement, parties={**agreement.parties, other: replace(party, contact_points=points)})
    assert decide(short) == "contact-not-valid"
    assert decide(short, at=AT - timedelta(microseconds=1)) == "accepted"


def test_an_offence_that_one_party_excluded_opens_no_follow_up_from_it() -> None:
    category = QUERY.offence.category
    for party, follows in ((QUERY.destination_party, False), (QUERY.origin_party, True)):
        decision = gate(QUERY, made(crime={"excluded_by": {party: [category]}}), at=AT, used_today=0, side="holder")
        assert isinstance(decision, Accepted)
        assert decision.follow_up is follows


@given(
    day=st.integers(0, 50), yesterday=st.none() | st.integers(0, 100), extra=st.integers(0, 50), carries=st.booleans(),
    allowed=st.booleans(),
)  # fmt: skip
def test_a_day_never_holds_more_than_twice_its_quota_and_what_an_emergency_adds(
    day: int, yesterday: int | None, extra: int, carries: bool, allowed: bool
) -> None:
    agreement = made(
        search_types={"TP/TP": {"day": day}}, quota={"carry_over": carries, "emergency": {"allowed": allowed}}
    )
    limit = day_limit(agreement, "TP/TP", Used(yesterday, 0, extra))
    carried = limit - day - (extra if allowed else 0)
    assert 0 <= carried <= day
    assert carried == 0 or (carries and yesterday is not None and carried + yesterday == day)


def test_the_years_quota_is_passed_by_nothing() -> None:
    agreement = made(quota={"year": 10})
    assert decide(agreement, used=Used(year=9)) == "accepted"
    assert decide(agreement, used=Used(year=10, override=100)) == "quota-year-exceeded"


@pytest.mark.parametrize(
    ("day", "months", "end"),
    [((2026, 3, 10), 3, (2026, 6, 10)), ((2026, 11, 30), 3, (2027, 2, 28)), ((2026, 1, 31), 0, (2026, 1, 31)),
     ((2026, 12, 31), 12, (2027, 12, 31))],
)  # fmt: skip
def test_notice_is_counted_in_months_of_the_calendar(
    day: tuple[int, int, int], months: int, end: tuple[int, int, int]
) -> None:
    agreement = made(valid={**agreements_valid(), "notice_months": months})
    assert earliest_end(agreement, datetime(*day, 12, tzinfo=UTC)) == datetime(*end, 12, tzinfo=UTC)


def test_alarms_come_ninety_thirty_and_seven_days_before_the_end() -> None:
    agreement = agreements.agreement()
    assert end_of(agreement) == END
    assert end_of(agreement, Life(ends=AT)) == AT
    days = {left: alarm_days(END, END - timedelta(days=left)) for left in (91, 90, 31, 30, 8, 7, 1)}
    assert days == {91: None, 90: 90, 31: 90, 30: 30, 8: 30, 7: 7, 1: 7}
    assert alarm_days(END, END) is None
    assert alarm_days(None, AT) is None


def test_a_later_version_goes_on_without_a_gap_or_not_at_all() -> None:
    first = agreements.agreement()
    second = made(version=2, previous=first.id, valid={**agreements_valid(), "from": first.valid.to, "to": None})
    late = made(
        version=2, previous=first.id, valid={**agreements_valid(), "from": "2027-01-02T00:00:00.000000Z", "to": None}
    )
    assert continued(first, [first, second], END)
    assert not continued(first, [first, second], END - timedelta(seconds=1))
    assert not continued(first, [first, late], datetime(2027, 2, 1, tzinfo=UTC))
    assert not continued(first, [first], END)
    assert standing(first, "TP/TP", END, UNDISTURBED) is How.EXPIRED


@pytest.mark.parametrize("in_flight", ["begun", "new"])
def test_the_amendment_says_under_which_version_open_conversations_go_on(in_flight: str) -> None:
    first = agreements.agreement()
    second = made(version=2, previous=first.id, valid={**agreements_valid(), "from": "2026-06-01T00:00:00.000000Z"},
                  life={"in_flight": in_flight})  # fmt: skip
    known = [second, first]
    assert governing(first, known, AT) is first
    assert governing(first, known, datetime(2026, 6, 1, tzinfo=UTC)) is (first if in_flight == "begun" else second)
