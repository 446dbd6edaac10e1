"""How the agreements of this node stand now: their documents, with what was declared about them since (`pact.standing`).

    agreements (signed files) + life events (store) ──life_of──► Life ──► gate, parked work, pages, alarms

A suspension holds for everything with that partner until the party that declared it resumes; a termination for every
document that was signed before its notice.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from mithaq.node.gateway import Node
from mithaq.node.store import Tx, conversations
from mithaq.node.store.conversations import Conversation
from mithaq.node.store.life import LifeEvent, events_with
from mithaq.node.store.messages import Message
from mithaq.pact.agreement import Agreement, active
from mithaq.pact.gate import Refused, refused
from mithaq.pact.message import Manifest
from mithaq.pact.standing import How, Life, Suspended, alarm_days, continued, end_of, standing
from mithaq.units import parse_timestamp, timestamp

# Messages that wait while their part is suspended; answers that were given before go out, and so does every notice.
PARKED_S = 60.0  # how often what is parked is looked at again
WAITING_KINDS = frozenset({"query", "request", "release"})


def life_of(tx: Tx, node: Node, agreement: Agreement) -> Life:
    """What happened to the agreement beside its document, as far as this node knows at its present instant."""
    events = events_with(tx, agreement.other(node.party))
    now = node.clock()
    follows = not active(agreement, now) and continued(agreement, node.agreements.all(), now)
    return Life(tuple(_suspensions(events)), _end(events, node.agreements.signed_at(agreement.id)), follows)


def how(tx: Tx, node: Node, agreement: Agreement, part: str | None) -> How:
    """How a part of the agreement stands now (REQ-160 to REQ-165)."""
    return standing(agreement, part, node.clock(), life_of(tx, node, agreement))


def is_parked(tx: Tx, node: Node, message: Message) -> bool:
    """True where a message must wait, because its part of the agreement is suspended (REQ-163)."""
    if message.kind not in WAITING_KINDS:
        return False
    conversation = conversations.find_conversation(tx, message.conversation)
    part = conversation.search_type if conversation and message.kind == "query" else "release"
    return how(tx, node, node.agreements.by_id(message.agreement), part) is How.SUSPENDED


def park(tx: Tx, node: Node, conversation: Conversation) -> None:
    """Set an accepted query aside while its part is suspended; a resumption makes it due (REQ-163)."""
    due = timestamp(node.clock() + timedelta(seconds=PARKED_S))
    conversations.change_conversation(tx, conversation.id, attempts=conversation.attempts + 1, due_at=due)


def superseded(node: Node, agreement: Agreement, manifest: Manifest) -> Refused | None:
    """A query names the version that was in force when it was made; one that was made before passes (REQ-160)."""
    current = node.agreements.current(manifest.sender, manifest.created_at)
    if current.version <= agreement.version:
        return None
    return refused("agreement-superseded", agreement, met=agreement.version, agreed=current.version)


def is_over(node: Node, agreement: Agreement, at: datetime) -> bool:
    """True where a termination has ended the agreement by that instant."""
    with node.database.read() as tx:
        end = life_of(tx, node, agreement).ends
    return end is not None and at >= end


def overview(node: Node) -> list[dict[str, Any]]:
    """Each agreement as it stands: its parts, suspensions, its end, and the alarm that is due (REQ-165)."""
    with node.database.read() as tx:
        return [_overview(tx, node, agreement) for agreement in node.agreements.all()]


def _overview(tx: Tx, node: Node, agreement: Agreement) -> dict[str, Any]:
    now, life = node.clock(), life_of(tx, node, agreement)
    parts = [*map(str, agreement.search_types), "release", "spontaneous"]
    superseded = node.agreements.current(agreement.other(node.party), now).id != agreement.id
    end = end_of(agreement, life)
    return {
        "id": agreement.id,
        "partner": agreement.other(node.party),
        "version": agreement.version,
        "standing": str(standing(agreement, None, now, life)),
        "parts": {part: str(standing(agreement, part, now, life)) for part in parts},
        "suspensions": [
            {
                "id": one.id,
                "by": one.by,
                "parts": sorted(one.parts),
                "since": timestamp(one.since),
                "reason": one.reason,
            }
            for one in life.suspensions
        ],
        "from": agreement.valid.start,
        "end": None if end is None else timestamp(end),
        "continued": life.continued,
        "superseded": superseded,
        # Where a later version goes on after it without a gap, the end of this one alarms nobody.
        "alarm_days": None if superseded or _extended(node, agreement, end) else alarm_days(end, now),
    }


def consultations(node: Node, partner: str) -> list[dict[str, Any]]:
    """What the two parties consulted about, newest first: kind, what about, when, the text, and who recorded it."""
    with node.database.read() as tx:
        events = [event for event in events_with(tx, partner) if event.about == "consultation"]
    return [{**event.terms, "by": event.by, "at": event.at} for event in reversed(events)]


def alarms(node: Node) -> list[tuple[str, int, str]]:
    """(partner, 90 / 30 / 7, instant of the end) for each agreement that ends soon with nothing to follow it."""
    return [(one["partner"], one["alarm_days"], one["end"]) for one in overview(node) if one["alarm_days"] is not None]


def _extended(node: Node, agreement: Agreement, end: datetime | None) -> bool:
    return end is not None and end == agreement.valid_to and continued(agreement, node.agreements.all(), end)


def _suspensions(events: list[LifeEvent]) -> list[Suspended]:
    found: dict[str, Suspended] = {}
    for event in events:
        if event.about == "suspension":
            since = parse_timestamp(event.at)
            parts = frozenset(map(str, event.terms["parts"]))
            found[event.id] = Suspended(event.id, event.by, parts, since, event.terms["reason"])
        elif event.about == "resumption":
            ended = found.get(event.terms["suspension"])
            if ended is not None and ended.by == event.by:
                del found[ended.id]
    return list(found.values())


def _end(events: list[LifeEvent], signed_at: str) -> datetime | None:
    ends = [event.terms["at"] for event in events if event.about == "termination" and signed_at <= event.at]
    return parse_timestamp(min(ends)) if ends else None


__all__ = [
    "PARKED_S", "WAITING_KINDS", "alarms", "consultations", "how", "is_over", "is_parked", "life_of", "overview", "park",
    "superseded",
]  # fmt: skip
