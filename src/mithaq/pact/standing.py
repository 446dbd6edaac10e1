"""How an agreement stands at an instant, for one part of it; and what two parties tell each other about that.

    document (from, to, entry) ┐
    suspensions, an end        ├──standing(part, at)──► not begun · not entered · in force · suspended · ended
    a later version            ┘

A part is a search type, "release" or "spontaneous"; None asks about the agreement as a whole. A suspension of no named
part is one of all parts (REQ-163). What protects a person passes however the agreement stands (`notices.Form.always`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Literal

from mithaq.pact.agreement import Agreement, active
from mithaq.pact.message import _UUID
from mithaq.pact.strict import Rule
from mithaq.pact.terms import _INSTANT, _PLAIN, _WORD, Part, SearchType
from mithaq.units import parse_timestamp

ALARM_DAYS = (7, 30, 90)  # before an agreement's end (REQ-165)

SuspensionReason = Literal["duties-not-met", "national-law-changed", "security-incident", "suspended-by-consent"]
TerminationReason = Literal["denounced", "ended-by-consent", "agreement-replaced"]
OverrideReason = Literal["danger-to-life", "attack-expected", "person-abducted"]
ConsultationKind = Literal["meeting", "dispute", "decision"]

_ABOUT = Rule(
    'a parameter\'s path or a requirement, as "quota" or "REQ-163"',
    re.compile(r"REQ-\d{3}|[a-z_]+(\.[A-Za-z0-9_/*-]+){0,5}"),
)
_TEXT = Rule("1 to 2000 letters without control characters", re.compile(rf"{_PLAIN}{{1,2000}}"))
_COUNT = Rule("0 to 10000000 queries", low=0, high=10_000_000)
_DAY = Rule("a day, as 2026-01-31", re.compile(r"\d{4}-\d{2}-\d{2}"))


# ---------------------------------------------------------------- what the parties tell each other


@dataclass(frozen=True)
class Suspension:
    """From its arrival on, `parts` (none named: all of them) are not used; the notice's matter is its id (REQ-163)."""

    parts: Annotated[tuple[Part, ...], Rule("at most 9 parts", most=9)]
    reason: SuspensionReason


@dataclass(frozen=True)
class Resumption:
    """The party that suspended lets the agreement run again: `suspension` is the id of what it ends."""

    suspension: Annotated[str, _UUID]


@dataclass(frozen=True)
class Termination:
    """The agreement ends at `at`, no sooner than its notice allows (REQ-164)."""

    at: Annotated[str, _INSTANT]
    reason: TerminationReason


@dataclass(frozen=True)
class Consultation:
    """What the parties consulted about: a meeting, a dispute or a decision, under the clause of `about` (REQ-166). The
    text is about the agreement, never about a person."""

    kind: ConsultationKind
    about: Annotated[str, _ABOUT]
    held_at: Annotated[str, _INSTANT]
    text: Annotated[str, _TEXT]


@dataclass(frozen=True)
class Override:
    """So many queries more than the quota on one day, in an emergency, approved by several officers (REQ-131)."""

    search_type: SearchType
    day: Annotated[str, _DAY]
    extra: Annotated[int, Rule("1 to 1000000 queries", low=1, high=1_000_000)]
    reason: OverrideReason
    approved_by: Annotated[tuple[Annotated[str, _WORD], ...], Rule("2 to 5 officers", least=2, most=5)]


@dataclass(frozen=True)
class QuotaCounted:
    """What the sender counted on a day and in its year: `received` of the recipient's queries by search type, `sent` to
    it. Each end takes the larger figure, so no restored back-up sets a quota back (REQ-130). `asks`: answer in kind."""

    day: Annotated[str, _DAY]
    received: Mapping[SearchType, Annotated[int, _COUNT]]
    sent: Mapping[SearchType, Annotated[int, _COUNT]]
    received_in_year: Annotated[int, _COUNT]
    sent_in_year: Annotated[int, _COUNT]
    asks: bool


# ---------------------------------------------------------------- how the agreement stands


class How(StrEnum):
    """How a part of an agreement stands."""

    NOT_BEGUN = "not-begun"
    NOT_ENTERED = "not-entered"  # in force, but this part enters into force later (REQ-162)
    IN_FORCE = "in-force"
    SUSPENDED = "suspended"
    EXPIRED = "ended"
    TERMINATED = "terminated"


@dataclass(frozen=True)
class Suspended:
    """A suspension that nobody has ended yet, since when it has its effect here; no parts: all of them."""

    id: str
    by: str
    parts: frozenset[str]
    since: datetime
    reason: str

    def covers(self, part: str | None) -> bool:
        """True where the part may not be used; the agreement as a whole (None) only where all of it is suspended."""
        return not self.parts or part in self.parts


@dataclass(frozen=True)
class Life:
    """What happened to an agreement beside its document: suspensions, the end that a termination set, and whether a
    later version has taken its place, under which conversations that began with this one go on (REQ-161)."""

    suspensions: tuple[Suspended, ...] = ()
    ends: datetime | None = None
    continued: bool = False


UNDISTURBED = Life()


def standing(agreement: Agreement, part: str | None, at: datetime, life: Life = UNDISTURBED) -> How:
    """How that part stands at that instant. An end comes before a suspension: what is over is not suspended."""
    if at < agreement.valid_from:
        return How.NOT_BEGUN
    if life.ends is not None and at >= life.ends:
        return How.TERMINATED
    if not active(agreement, at) and not life.continued:
        return How.EXPIRED
    entry = {str(name): instant for name, instant in agreement.valid.entry.items()}.get(part or "")
    if entry is not None and at < parse_timestamp(entry):
        return How.NOT_ENTERED
    if any(one.covers(part) and at >= one.since for one in life.suspensions):
        return How.SUSPENDED
    return How.IN_FORCE


def end_of(agreement: Agreement, life: Life = UNDISTURBED) -> datetime | None:
    """The first instant at which it is over, by its document or by a termination; None where it is open-ended."""
    ends = [end for end in (agreement.valid_to, life.ends) if end is not None]
    return min(ends) if ends else None


def alarm_days(end: datetime | None, at: datetime) -> int | None:
    """90, 30 or 7 where that many days or fewer are left before the end, the smallest that holds; None otherwise."""
    if end is None or at >= end:
        return None
    left = (end - at).total_seconds() / 86_400
    return next((days for days in ALARM_DAYS if left <= days), None)


def earliest_end(agreement: Agreement, at: datetime) -> datetime:
    """The first instant for which a termination may be declared at `at`: the agreement's months of notice later, on the
    same day of the month or the last one before it."""
    at = at.astimezone(UTC)
    year, month = divmod(at.year * 12 + at.month - 1 + agreement.valid.notice_months, 12)
    for day in range(at.day, 0, -1):
        try:
            return at.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    raise AssertionError("every month has a first day")


def chain_of(agreement: Agreement, known: Iterable[Agreement]) -> list[Agreement]:
    """The agreement and the versions that follow it, oldest first, as far as each names the one before."""
    by_previous = {one.previous: one for one in known if one.previous is not None}
    chain = [agreement]
    while (found := by_previous.get(chain[-1].id)) is not None:  # an id is a digest: no version can follow itself
        chain.append(found)
    return chain


def governing(agreement: Agreement, known: Iterable[Agreement], at: datetime) -> Agreement:
    """Under which version a conversation goes on that began with this one: the same, unless a later version that has
    entered into force says that open conversations follow it (`life.in_flight`, REQ-161)."""
    found = agreement
    for later in chain_of(agreement, known)[1:]:
        if at < later.valid_from:
            break
        if later.life.in_flight == "new":
            found = later
    return found


def continued(agreement: Agreement, known: Iterable[Agreement], at: datetime) -> bool:
    """True where a later version, in force at that instant, has taken the agreement's place without a gap."""
    chain = chain_of(agreement, known)
    for before, after in pairwise(chain):
        if at < after.valid_from or (before.valid_to is not None and after.valid_from > before.valid_to):
            return False
        if active(after, at):
            return True
    return False


__all__ = [
    "ALARM_DAYS", "UNDISTURBED", "Consultation", "How", "Life", "Override", "QuotaCounted", "Resumption", "Suspended", "Suspension",
    "Termination", "alarm_days", "chain_of", "continued", "earliest_end", "end_of", "governing", "standing",
]  # fmt: skip
