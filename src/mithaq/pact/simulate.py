"""A proposal tried on the past: what it would have refused, which quotas would have filled, what would be erased sooner.

    past queries and releases ─┐
    days of what is held ──────┼──simulate(now, proposed)──► Simulation ──► lines, JSON, `simulation_page`
    the agreement of now ──────┘

Both agreements are replayed as if each had been in force all the time; only the difference is shown, since what both
refuse the proposal does not change. A query that one of them refuses uses none of its quota, as at the gate itself.
Nobody can know which queries would have been asked otherwise had the terms been other ones.
"""

from __future__ import annotations

import calendar
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Literal

from mithaq.pact.agreement import Agreement, Change, clause_text, difference
from mithaq.pact.gate import QueryFacts, Refused, gate, refused
from mithaq.pact.quota import quota_day
from mithaq.pact.terms import Bilingual, Clause
from mithaq.units import timestamp

Held = Literal["hit-reference", "released", "log"]
HELD: Mapping[Held, tuple[Bilingual, str]] = {
    "hit-reference": (
        Bilingual(ar="البصمات المرجعية للتطابقات", en="reference prints of hits"),
        "retention.hit_reference_at_requester_days",
    ),
    "released": (
        Bilingual(ar="البيانات الشخصية المُفصَح عنها (موعد المراجعة)", en="released personal data (date of review)"),
        "retention.released_review_months",
    ),
    "log": (Bilingual(ar="مضامين قيود السجل", en="bodies of ledger entries"), "retention.log_months"),
}


@dataclass(frozen=True, slots=True)
class PastQuery:
    """A query as the ledger has it: when, what the gate was told, and whether this node sent it."""

    at: datetime
    facts: QueryFacts
    is_ours: bool


@dataclass(frozen=True, slots=True)
class PastRelease:
    """A release as the ledger has it: when, and which fields were supplied, never their values."""

    at: datetime
    fields: tuple[str, ...]


@dataclass(frozen=True)
class RefusedKind:
    """Queries of one side that only the proposal refuses, for one reason: how many, when first and last, the sentence
    of the first, the parameter and the clause."""

    by_us: bool
    reason: str
    count: int
    first: str
    last: str
    text: Bilingual
    parameter: str
    clause: Clause | None


@dataclass(frozen=True)
class QuotaUse:
    """One search type and direction under the proposal: its limit, the busiest day with all that was asked on it, and
    the days on which the quota would have been full: (day, instant at which it filled, queries turned away)."""

    by_us: bool
    search_type: str
    limit_before: int | None
    limit: int
    busiest_day: str
    busiest: int
    full: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True)
class Erasure:
    """One kind of data: how long it is kept now and under the proposal ("30 d", "24 m"), how much is held, how much of
    that would go sooner, how much of it at once, and the first day on which some goes."""

    kind: Held
    before: str
    after: str
    held: int
    sooner: int
    at_once: int
    first: str | None
    clause: Clause | None


@dataclass(frozen=True)
class Simulation:
    """What a proposal would have changed. `unreadable` counts queries whose entry was erased or does not say enough."""

    before: str
    after: str
    since: str
    until: str
    queries: int
    unreadable: int
    refused: tuple[RefusedKind, ...]
    allowed: int
    both_refuse: int
    quotas: tuple[QuotaUse, ...]
    fields: tuple[tuple[str, int, Clause | None], ...]
    erasures: tuple[Erasure, ...]
    changes: tuple[Change, ...]

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON values, clauses by their article."""
        return {
            **{name: getattr(self, name) for name in ("before", "after", "since", "until", "queries", "unreadable")},
            "newly_allowed": self.allowed,
            "refused_by_both": self.both_refuse,
            "newly_refused": [
                {**vars(one), "text": vars(one.text), "clause": one.clause and one.clause.ref} for one in self.refused
            ],
            "quotas": [
                {**vars(one), "full": [dict(zip(("day", "at", "refused"), day, strict=True)) for day in one.full]}
                for one in self.quotas
            ],
            "fields_no_longer_released": [
                {"field": name, "releases": count, "clause": clause and clause.ref}
                for name, count, clause in self.fields
            ],
            "erased_sooner": [{**vars(one), "clause": one.clause and one.clause.ref} for one in self.erasures],
            "changes": [
                {"path": one.path, "before": one.before, "after": one.after, "clause": one.clause and one.clause.ref}
                for one in self.changes
            ],
        }


@dataclass
class _Tally:
    """What one direction and search type used of the proposal's quota on each day."""

    used: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    filled: dict[str, str] = field(default_factory=dict)
    turned_away: Counter[str] = field(default_factory=Counter)


def simulate(
    queries: Iterable[PastQuery],
    releases: Iterable[PastRelease],
    held: Mapping[Held, Mapping[str, int]],
    *,
    before: Agreement,
    after: Agreement,
    since: datetime,
    until: datetime,
    served: Sequence[str] | None = None,
) -> Simulation:
    """The past, replayed under both agreements. `queries` come in the order of their time; `held` counts, for each kind
    of data, what is held now by the day on which its term began ("2026-03-10"). `served` are the search types of this node;
    who reads the past fills in `unreadable`. ValueError where the two agreements are
    not between the same parties."""
    if set(before.parties) != set(after.parties):
        raise ValueError("two agreements of other parties cannot be compared")
    old, new = (replace(one, valid=replace(one.valid, start=timestamp(since), to=None)) for one in (before, after))
    counts: Counter[tuple[bool, str, str]] = Counter()
    tallies: dict[tuple[bool, str], _Tally] = {}
    found: dict[tuple[bool, str, str], list[Any]] = {}
    number = allowed = both = 0
    for query in queries:
        number += 1
        kind, at = (query.is_ours, query.facts.search_type), query.at
        side: Literal["sender", "holder"] = "sender" if query.is_ours else "holder"
        own_served = None if query.is_ours else served
        day = quota_day(at, old)
        was = gate(query.facts, old, at=at, used_today=counts[(*kind, day)], side=side, served=own_served)
        if not isinstance(was, Refused):
            counts[(*kind, day)] += 1
        tally = tallies.setdefault(kind, _Tally())
        day = quota_day(at, new)
        would = gate(query.facts, new, at=at, used_today=tally.used[day], side=side, served=own_served)
        if not isinstance(would, Refused):
            tally.used[day] += 1
            tally.asked[day] += 1
            if would.remaining_today == 0:
                tally.filled[day] = timestamp(at)
            allowed += isinstance(was, Refused)
            continue
        if would.reason == "quota-exceeded":
            tally.asked[day] += 1
            tally.turned_away[day] += 1
        if isinstance(was, Refused):
            both += 1
            continue
        group = found.setdefault((query.is_ours, would.reason, would.parameter), [0, timestamp(at), "", would])
        group[0] += 1
        group[2] = timestamp(at)
    kinds = [
        RefusedKind(by_us, reason, count, first, last, would.text, parameter, would.clause)
        for (by_us, reason, parameter), (count, first, last, would) in found.items()
    ]
    return Simulation(
        before=before.id,
        after=after.id,
        since=timestamp(since),
        until=timestamp(until),
        queries=number,
        unreadable=0,
        refused=tuple(sorted(kinds, key=lambda one: (-one.count, one.reason, one.by_us))),
        allowed=allowed,
        both_refuse=both,
        quotas=tuple(_quotas(tallies, before, after)),
        fields=tuple(_fields(releases, before, after)),
        erasures=tuple(_erasures(held, before, after, until.date())),
        changes=tuple(change for change in difference(before, after) if not change.path.startswith("clauses.")),
    )


def _quotas(tallies: Mapping[tuple[bool, str], _Tally], before: Agreement, after: Agreement) -> Iterable[QuotaUse]:
    old, new = ({str(name): terms.day for name, terms in one.search_types.items()} for one in (before, after))
    for (by_us, search_type), tally in sorted(tallies.items(), key=lambda item: (not item[0][0], item[0][1])):
        if search_type not in new or not (tally.asked or tally.filled):
            continue
        busiest = min(tally.asked, key=lambda day: (-tally.asked[day], day))
        full = {day: (at, tally.turned_away[day]) for day, at in tally.filled.items()}
        full |= {day: ("", count) for day, count in tally.turned_away.items() if day not in full}  # a quota of none
        yield QuotaUse(
            by_us,
            search_type,
            old.get(search_type),
            new[search_type],
            busiest,
            tally.asked[busiest],
            tuple((day, *full[day]) for day in sorted(full)),
        )


def _fields(
    releases: Iterable[PastRelease], before: Agreement, after: Agreement
) -> Iterable[tuple[str, int, Clause | None]]:
    gone = set(before.follow_up.core_data) - set(after.follow_up.core_data)
    counts = Counter(name for release in releases for name in release.fields if name in gone)
    for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        yield name, count, refused("field-not-agreed", after, field=name).clause


def _erasures(
    held: Mapping[Held, Mapping[str, int]], before: Agreement, after: Agreement, today: date
) -> Iterable[Erasure]:
    for kind, (_, parameter) in HELD.items():
        days = held.get(kind, {})
        terms = [getattr(one.retention, parameter.partition(".")[2]) for one in (before, after)]
        in_months = parameter.endswith("months")
        sooner = at_once = 0
        first: date | None = None
        for text, count in days.items():
            day = date.fromisoformat(text)
            was, would = (_end(day, term, in_months=in_months) for term in terms)
            if would >= was:
                continue
            sooner += count
            at_once += count if would <= today < was else 0
            first = would if first is None else min(first, would)
        unit = "m" if in_months else "d"
        yield Erasure(
            kind,
            f"{terms[0]} {unit}",
            f"{terms[1]} {unit}",
            sum(days.values()),
            sooner,
            at_once,
            None if first is None else max(first, today).isoformat(),
            clause_text(after, parameter),
        )


def _end(day: date, term: int, *, in_months: bool) -> date:
    """The day on which a term of days or months that began on `day` is over."""
    if not in_months:
        return day + timedelta(days=term)
    year, month = divmod(day.year * 12 + day.month - 1 + term, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
