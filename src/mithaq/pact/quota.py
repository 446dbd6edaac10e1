"""What a quota comes to: the counting day, and the most queries of a search type on it (REQ-130, REQ-131)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mithaq.pact.agreement import Agreement


@dataclass(frozen=True)
class Used:
    """What a quota rests on beside today's count: the count of the counting day before (None: the part was not in force
    yet, and nothing is carried over), that of the year over all search types, and what an override adds today."""

    yesterday: int | None = None
    year: int = 0
    override: int = 0


def quota_day(at: datetime, agreement: Agreement) -> str:
    """The key of the counting day that `at` falls in, as "2026-01-31": the date on which that day began, in UTC."""
    if at.tzinfo is None:
        raise ValueError("a counting day is that of an aware instant")
    hours, minutes = agreement.quota.day_boundary.removesuffix("Z").split(":")
    return (at.astimezone(UTC) - timedelta(hours=int(hours), minutes=int(minutes))).date().isoformat()


def day_limit(agreement: Agreement, search_type: str, used: Used) -> int:
    """The most queries of a search type on this counting day: the day's own, what the day before left unused where the
    agreement carries it over, and what an emergency override adds (REQ-130, REQ-131). KeyError for a type not agreed."""
    day = {str(name): terms.day for name, terms in agreement.search_types.items()}[search_type]
    carried = 0
    if agreement.quota.carry_over and used.yesterday is not None:
        carried = max(0, day - used.yesterday)
    return day + carried + (used.override if agreement.quota.emergency.allowed else 0)


__all__ = ["Used", "day_limit", "quota_day"]
