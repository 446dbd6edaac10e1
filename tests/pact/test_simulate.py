"""A proposal tried on the past: against a slow restatement, case by case, in both languages."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from agreements import QUERY, agreement
from hypothesis import given, settings
from hypothesis import strategies as st

from mithaq.pact.agreement import Agreement
from mithaq.pact.gate import Offence, Refused, gate
from mithaq.pact.quota import quota_day
from mithaq.pact.simulate import HELD, PastQuery, PastRelease, Simulation, simulate
from mithaq.pact.simulation_page import lines, page

SINCE, UNTIL = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 31, tzinfo=UTC)
NOW = agreement()


def past(at: datetime, *, ours: bool = True, **facts: Any) -> PastQuery:
    query = QUERY if ours else replace(
        QUERY, origin_party="US", origin_contact="us-ncp", destination_party="QA", destination_contact="qa-ncp"
    )  # fmt: skip
    return PastQuery(at, replace(query, **facts), ours)


def run(queries: list[PastQuery], after: Agreement, **more: Any) -> Simulation:
    values = {"releases": [], "held": {}, "before": NOW, "since": SINCE, "until": UNTIL} | more
    return simulate(queries, after=after, **values)


def test_nothing_changes_under_the_same_terms() -> None:
    found = run([past(SINCE + timedelta(hours=n)) for n in range(50)], NOW)
    assert (found.queries, found.refused, found.allowed, found.both_refuse, found.changes) == (50, (), 0, 0, ())
    (quota,) = found.quotas
    assert (quota.limit, quota.busiest, quota.full) == (100, 24, ())


def test_what_a_stricter_proposal_refuses_is_said_with_its_clause() -> None:
    after = agreement(crime={"min_max_penalty_months": 36}, purposes=["terrorism", "investigate-serious-crime"])
    queries = [
        past(SINCE + timedelta(hours=1), offence=Offence("theft", 24), purpose="terrorism"),
        past(SINCE + timedelta(hours=2), offence=Offence("theft", 30), purpose="terrorism", ours=False),
        past(SINCE + timedelta(hours=3), purpose="prevent-serious-crime"),
        past(SINCE + timedelta(hours=4), purpose="prevent-serious-crime"),
        past(SINCE + timedelta(hours=5), purpose="terrorism"),
    ]
    found = run(queries, after)
    kinds = {(one.reason, one.by_us): one for one in found.refused}
    assert {key: one.count for key, one in kinds.items()} == {
        ("purpose-not-agreed", True): 2, ("offence-below-threshold", True): 1, ("offence-below-threshold", False): 1,
    }  # fmt: skip
    assert kinds["offence-below-threshold", True].clause is not None
    assert "24 months" in kinds["offence-below-threshold", True].text.en
    assert found.allowed == 0 and any(change.path == "crime.min_max_penalty_months" for change in found.changes)


def test_a_wider_proposal_lets_more_pass() -> None:
    after = agreement(crime={"min_max_penalty_months": 6})
    petty = past(SINCE, offence=Offence("theft", 8))
    found = run([petty, petty, past(SINCE, case="")], after)
    assert (found.allowed, found.both_refuse, found.refused) == (2, 1, ())


def test_a_smaller_quota_fills_on_its_day_and_a_refused_query_uses_none() -> None:
    after = agreement(search_types={"TP/TP": {"day": 3}})
    day = SINCE + timedelta(days=4)
    queries = [past(day + timedelta(hours=n)) for n in range(5)]
    queries.insert(1, past(day + timedelta(minutes=30), case=""))  # both refuse it
    queries += [past(day + timedelta(hours=n), ours=False) for n in range(2)]
    queries += [past(day + timedelta(days=1))]
    found = run(queries, after)
    ours, theirs = found.quotas
    assert (ours.limit_before, ours.limit, ours.busiest_day, ours.busiest) == (100, 3, "2026-03-05", 5)
    assert ours.full == (("2026-03-05", "2026-03-05T02:00:00.000000Z", 2),)
    assert theirs.full == ()
    assert [(one.reason, one.count) for one in found.refused] == [("quota-exceeded", 2)]


def test_a_quota_of_none_turns_all_away() -> None:
    found = run([past(SINCE)], agreement(search_types={"TP/TP": {"day": 0}}))
    assert found.quotas[0].full == (("2026-03-01", "", 1),)


def test_shorter_retention_says_what_goes_and_when() -> None:
    after = agreement(retention={"hit_reference_at_requester_days": 10, "log_months": 12})
    held = {
        "hit-reference": {"2026-03-25": 2, "2026-03-15": 3, "2026-01-01": 1},
        "released": {"2026-03-01": 4},
        "log": {"2025-03-31": 5, "2025-01-31": 6, "2026-03-01": 7},
    }
    hits, released, log = run([], after, held=held).erasures
    assert (hits.before, hits.after, hits.held, hits.sooner) == ("30 d", "10 d", 6, 6)
    assert (hits.at_once, hits.first) == (3, "2026-03-31")  # that of January is past both terms already
    assert (released.sooner, released.first) == (0, None)
    assert (log.before, log.after, log.sooner, log.at_once) == ("24 m", "12 m", 18, 11)
    assert hits.clause is not None


def test_fields_that_were_released_and_no_longer_may_be() -> None:
    fields = [name for name in NOW.follow_up.core_data if name != "birth_place"]
    after = agreement(follow_up={"core_data": fields})
    releases = [PastRelease(SINCE, ("birth_place", "sex")), PastRelease(SINCE, ("birth_place",))]
    found = run([], after, releases=releases)
    assert [(name, count) for name, count, _ in found.fields] == [("birth_place", 2)]
    assert found.fields[0][2] is not None


def test_other_parties_are_no_amendment() -> None:
    other = replace(NOW, parties={"AT": NOW.parties["QA"], "US": NOW.parties["US"]})
    with pytest.raises(ValueError):
        run([], other)


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.integers(0, 200), st.booleans(), st.sampled_from(["robbery:120", "theft:14", "theft:3"])),
        max_size=60,
    ),
    st.integers(0, 12),
    st.sampled_from([6, 12, 24]),
)
def test_the_counts_are_those_of_a_slow_replay(moments: list[tuple[int, bool, str]], day: int, months: int) -> None:
    after = agreement(search_types={"TP/TP": {"day": day}}, crime={"min_max_penalty_months": months})
    queries = [
        past(SINCE + timedelta(hours=hour), ours=ours, offence=Offence(text.split(":")[0], int(text.split(":")[1])))
        for hour, ours, text in sorted(moments)
    ]
    outcomes = []
    for terms in (NOW, after):
        used: Counter[tuple[bool, str]] = Counter()
        mine = []
        for query in queries:
            key = (query.is_ours, quota_day(query.at, terms))
            side = "sender" if query.is_ours else "holder"
            result = gate(query.facts, terms, at=query.at, used_today=used[key], side=side)  # type: ignore[arg-type]
            used[key] += not isinstance(result, Refused)
            mine.append(isinstance(result, Refused))
        outcomes.append(mine)
    pairs = Counter(zip(*outcomes, strict=True))
    found = run(queries, after)
    assert sum(one.count for one in found.refused) == pairs[False, True]
    assert (found.allowed, found.both_refuse) == (pairs[True, False], pairs[True, True])


def test_words_json_and_page() -> None:
    after = agreement(
        crime={"min_max_penalty_months": 36}, search_types={"TP/TP": {"day": 2}}, retention={"log_months": 6}
    )
    queries = [past(SINCE + timedelta(hours=n), offence=Offence("theft", 24 if n % 2 else 60)) for n in range(8)]
    found = run(queries, after, held={"log": {"2025-12-01": 9}})
    found = replace(found, unreadable=2)
    english, arabic = lines(found, "en"), lines(found, "ar")
    assert len(english) == len(arabic) and any("Art. 1(1)" in line for line in english)
    assert any("المادة 1(1)" in line for line in arabic) and "8 queries" in english[0]
    values = json.loads(json.dumps(found.as_dict(), ensure_ascii=False))
    assert values["unreadable"] == 2 and values["newly_refused"][0]["clause"] and values["quotas"][0]["full"]
    html = page(found, language="ar")
    assert '<html lang="ar">' in html and "http://" not in html and "https://" not in html and "<script" not in html
    for kind in HELD:
        assert (HELD[kind][0].en in html) == (kind == "log")
    assert html.count('lang="en"') == html.count('lang="ar"') - 1
    assert "nothing" in " ".join(lines(run([], NOW), "en"))
