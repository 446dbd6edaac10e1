"""Statistics of a ledger, by period and direction, so counted that both parties come to the same figures (REQ-150).

    entries ──read_facts──► facts (instant, partner, direction, key) ──figures──► {"out": {key: n}, "in": {key: n}}
    our "out" is the partner's "in": ──differences──► where the two do not say the same

A message counts at the instant at which its recipient received it, which the receipt tells the sender: so a period's
border, a lost receipt and a second delivery change nothing. What has no receipt yet is "under way", and counted nowhere
else. Keys are codes of the agreement; no case, reference, officer or person is read.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal, get_args

from mithaq.pact.agreement import Agreement
from mithaq.pact.quota import quota_day
from mithaq.pact.strict import Rule
from mithaq.pact.terms import _INSTANT, SpecialField
from mithaq.units import parse_timestamp, timestamp

Direction = Literal["out", "in"]  # out: our queries, and what we sent without one; in: the partner's
Figures = Mapping[str, int]
KINDS = tuple(
    f"{kind}-{way}" for kind in ("query", "answer", "request", "release", "notice") for way in ("sent", "received")
)
READ = (
    *KINDS, "receipt-received", "query-held", "conclusion", "conversation-expired", "undeliverable", "message-refused",
    "checkpoint-refused", "clock-breached",
)  # fmt: skip
SPECIAL = frozenset(get_args(SpecialField))
_KEY = Rule("a figure's name", re.compile(r"[a-z][A-Za-z0-9_/-]{0,63}(\.[A-Za-z0-9_/-]{1,64}){0,3}"))
_COUNT = Rule("0 or more", low=0, high=2**53 - 1)
_FEW = Rule("at most 500 figures", least=0, most=500)
_Figures = Annotated[Mapping[Annotated[str, _KEY], Annotated[int, _COUNT]], _FEW]


@dataclass(frozen=True)
class Summary:
    """The notice `statistics`: one party's figures of a period, in both directions as it sees them, and what its own
    examiners concluded, which the other side cannot know."""

    start: Annotated[str, _INSTANT] = field(metadata={"key": "from"})
    to: Annotated[str, _INSTANT]
    out: _Figures
    in_: _Figures = field(metadata={"key": "in"})
    concluded: _Figures


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is counted under `key`. `value` is milliseconds for a reply, the day's limit for a quota; `day` is
    the quota's day. `own` facts are known on this side alone."""

    at: str
    partner: str
    direction: Direction
    key: str
    own: bool = False
    value: int = 1
    day: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure on which the two parties do not agree."""

    direction: Direction
    key: str
    ours: int
    theirs: int


def read_facts(
    rows: Iterable[tuple[str, bytes | None]], party: str, agreement_of: Callable[[str], Agreement | None]
) -> list[Fact]:
    """The facts of a whole ledger: (kind, body) of the entries of `READ`, in order; a body that was erased has none."""
    received: dict[str, str] = {}
    messages: list[tuple[str, str, Mapping[str, Any]]] = []
    facts: list[Fact] = []
    begun: dict[str, tuple[Direction, str]] = {}
    others: list[tuple[str, str, Mapping[str, Any]]] = []
    for kind, body in rows:
        if body is None:
            continue
        values = json.loads(body)
        at, data = values["at"], values["data"]
        if kind == "receipt-received":
            received[data["message"]] = data["received_at"]
        elif kind in KINDS:
            messages.append((kind, at, data))
            if kind.startswith("query"):
                way: Direction = "out" if kind == "query-sent" else "in"
                begun[data["conversation"]] = (way, data["recipient" if way == "out" else "sender"])
        else:
            others.append((kind, at, data))
    asked: dict[str, str] = {}  # query message -> when the holder received it
    for kind, at, data in messages:
        what, _, way_ = kind.partition("-")
        sent = way_ == "sent"
        instant = received.get(data["message"]) if sent else at
        partner = data["recipient" if sent else "sender"]
        direction = _direction(what, sent)
        if instant is None:
            facts.append(Fact(at, partner, direction, f"under-way.{what}", own=True))
            continue
        if what == "query":
            asked[data["message"]] = instant
        facts += _of_message(what, instant, partner, direction, data, asked, agreement_of)
    for kind, at, data in others:
        direction, partner = begun.get(data.get("conversation", ""), ("out", data.get("party", "")))
        facts.append(Fact(at, partner, direction, _own_key(kind, data), own=True))
    return facts


def figures(
    facts: Iterable[Fact], start: datetime, end: datetime, *, partner: str = "", own: bool = False
) -> dict[Direction, dict[str, int]]:
    """The figures of a period (its end not included), by direction; those of every partner together where `partner` is
    "". Reply times are milliseconds at the nearest rank."""
    since, until = timestamp(start), timestamp(end)
    counts: dict[Direction, Counter[str]] = {"out": Counter(), "in": Counter()}
    replies: dict[Direction, list[int]] = {"out": [], "in": []}
    days: dict[tuple[Direction, str], Counter[str]] = defaultdict(Counter)
    limits: dict[tuple[Direction, str], int] = {}
    for fact in facts:
        if fact.own is not own or not since <= fact.at < until or (partner and fact.partner != partner):
            continue
        if fact.key == "reply-ms":
            replies[fact.direction].append(fact.value)
        elif fact.key.startswith("quota."):
            days[fact.direction, fact.key][f"{fact.partner} {fact.day}"] += 1
            limits[fact.direction, fact.key] = max(fact.value, limits.get((fact.direction, fact.key), 0))
        else:
            counts[fact.direction][fact.key] += fact.value
    for (direction, key), by_day in days.items():
        counts[direction][f"{key}.busiest-day"] = max(by_day.values())
        counts[direction][f"{key}.day-limit"] = limits[direction, key]
    for direction, values in replies.items():
        for name, share in (("p50", 50), ("p90", 90), ("p99", 99), ("longest", 100)):
            if values:
                counts[direction][f"reply-ms.{name}"] = sorted(values)[-(-len(values) * share // 100) - 1]
    return {direction: dict(sorted(found.items())) for direction, found in counts.items()}


def differences(ours: Mapping[Direction, Figures], theirs: Mapping[Direction, Figures]) -> list[Difference]:
    """Where the two parties' figures of one period differ: our "out" is held against their "in"."""
    found: list[Difference] = []
    pairs: Sequence[tuple[Direction, Direction]] = (("out", "in"), ("in", "out"))
    for here, there in pairs:
        for key in sorted(ours[here].keys() | theirs[there].keys()):
            mine, other = ours[here].get(key, 0), theirs[there].get(key, 0)
            if mine != other:
                found.append(Difference(here, key, mine, other))
    return found


def _direction(what: str, sent: bool) -> Direction:
    """Whose query a message belongs to: an answer and a release go the other way than the query."""
    return "out" if sent is (what in ("query", "request", "notice")) else "in"


def _of_message(
    what: str,
    at: str,
    partner: str,
    direction: Direction,
    data: Mapping[str, Any],
    asked: Mapping[str, str],
    agreement_of: Callable[[str], Agreement | None],
) -> list[Fact]:
    def fact(key: str, **more: Any) -> Fact:
        return Fact(at, partner, direction, key, **more)

    if what == "query":
        kind, agreement = data["search_type"], agreement_of(data["agreement"])
        found = [
            fact("queries"),
            fact(f"queries.type.{kind}"),
            fact(f"queries.purpose.{data['purpose']}"),
            fact(f"queries.priority.{'expedited' if data['expedited'] else 'ordinary'}"),
        ]
        if agreement is not None and kind in agreement.search_types:
            day = quota_day(parse_timestamp(at), agreement)
            found.append(fact(f"quota.{kind}", value=agreement.search_types[kind].day, day=day))
        return found
    if what == "answer":
        outcome = data["outcome"]
        found = [fact(f"answers.{outcome}"), *(fact(f"{outcome}.reason.{one}") for one in data.get("reasons", ()))]
        if (since := asked.get(data["in_reply_to"])) is not None:
            waited = parse_timestamp(at) - parse_timestamp(since)
            found.append(fact("reply-ms", value=max(0, int(waited.total_seconds() * 1000))))
        return found
    if what == "request":
        return [fact("follow-ups")]
    if what == "release":
        found = [fact(f"releases.{data['outcome']}")]
        found += [fact(f"releases.reason.{one}") for one in data.get("reasons", ())]
        return found + [fact("releases.special")] * bool(SPECIAL & set(data["fields"]))
    result = data.get("outcome", "") if data["about"] == "outcome-report" else ""
    counted = [f"outcomes.{result}"] * bool(result) + ["false-identities"] * (result == "result-false-identity")
    return [fact(key) for key in (f"notices.{data['about']}", *counted)]


def _own_key(kind: str, data: Mapping[str, Any]) -> str:
    if kind == "conclusion":
        return f"concluded.{data['conclusion']}"
    if kind == "query-held":
        return f"held.reason.{data['reason']}"
    if kind == "clock-breached":
        return f"limits-passed.{data['clock']}"
    if kind == "message-refused":
        return f"messages-refused.{data['code']}"
    return {"conversation-expired": "expired", "checkpoint-refused": "checkpoints-refused"}.get(kind, kind)


__all__ = ["READ", "SPECIAL", "Difference", "Fact", "Figures", "Summary", "differences", "figures", "read_facts"]
