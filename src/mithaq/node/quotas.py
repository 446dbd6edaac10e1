"""Quotas: what was counted of the day, the day before and the year, and the gate asked with it (REQ-130, REQ-131).

    counters (partner, direction, type, day) ┐
    emergency overrides (life events)        ├──decide──► Accepted | Refused      count ──► +1 on the day and the year
    life of the agreement                    ┘

Both ends count every query that their gate accepted, in the transaction of its effect. An override of ours counts once
the partner has receipted it, one of the partner from its arrival on: neither end is ahead of the other.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any, Literal, cast

from mithaq.node import notices
from mithaq.node.gateway import Node
from mithaq.node.standing import life_of
from mithaq.node.store import Tx, conversations
from mithaq.node.store.life import counts, events_with, has_receipt, queries_on_their_way, raise_count
from mithaq.node.witness import NOT_COUNTED
from mithaq.pact.agreement import Agreement
from mithaq.pact.gate import Decision, QueryFacts, Side, gate
from mithaq.pact.message import Opened
from mithaq.pact.quota import Used, quota_day
from mithaq.pact.standing import QuotaCounted
from mithaq.units import parse_timestamp

Direction = Literal["out", "in"]
YEAR = "*"  # the search type under which a year's sum is counted


def decide(
    tx: Tx,
    node: Node,
    agreement: Agreement,
    facts: QueryFacts,
    partner: str,
    side: Side,
    *,
    served: Collection[str] | None = None,
) -> Decision:
    """The gate's decision on a query now, with everything that this node has counted and knows of the agreement."""
    today, used = used_of(tx, node, agreement, partner, "out" if side == "sender" else "in", facts.search_type)
    life = life_of(tx, node, agreement)
    return gate(facts, agreement, at=node.clock(), used_today=today, side=side, served=served, used=used, life=life)


def count(tx: Tx, node: Node, agreement: Agreement, partner: str, direction: Direction, search_type: str) -> None:
    """Count one query, in the transaction of its effect."""
    day = quota_day(node.clock(), agreement)
    conversations.count_query(tx, partner, direction, search_type, day)
    conversations.count_query(tx, partner, direction, YEAR, day[:4])


def used_of(
    tx: Tx, node: Node, agreement: Agreement, partner: str, direction: Direction, search_type: str
) -> tuple[int, Used]:
    """Today's count of a search type, and what else its quota rests on."""
    today = quota_day(node.clock(), agreement)
    yesterday = (date.fromisoformat(today) - timedelta(days=1)).isoformat()
    found = counts(tx, partner, direction, [today, yesterday, today[:4]])
    entry = {str(name): instant for name, instant in agreement.valid.entry.items()}.get(search_type)
    began = agreement.valid_from if entry is None else parse_timestamp(entry)
    before = found.get((search_type, yesterday), 0) if quota_day(began, agreement) <= yesterday else None
    extra = _override(tx, node, partner, direction, search_type, today)
    return found.get((search_type, today), 0), Used(before, found.get((YEAR, today[:4]), 0), extra)


def begin(node: Node) -> None:
    """When a node starts to serve: tell each partner what was counted here and ask for its count. Queries with it wait
    until that is in (`witness.require_compared`): this node may be one restored from an old back-up (REQ-130)."""
    for partner in sorted(node.agreements.partners()):
        node.uncounted.add(partner)
        agreement = node.agreements.current(partner, node.clock())
        with node.database.write() as tx:
            notices.send(
                tx, node, agreement, partner, "quota-counted", _counted(tx, node, agreement, partner, asks=True)
            )


def take_counted(tx: Tx, node: Node, agreement: Agreement, opened: Opened, terms: QuotaCounted) -> dict[str, Any]:
    """Take the partner's figures where they are higher than ours, and answer in kind where it asks. It can raise a count
    and so have us ask it less; it can never lower one.

    It counts no more than we sent, unless we lost count: then what has no receipt yet comes on top, though it may have
    counted some of that already.
    """
    partner, year = opened.manifest.sender, terms.day[:4]
    unseen = queries_on_their_way(tx, partner)
    known = counts(tx, partner, "out", [terms.day, year])
    for search_type, used in terms.received.items():
        if used > known.get((str(search_type), terms.day), 0):
            raise_count(tx, partner, "out", str(search_type), terms.day, used + unseen.get(str(search_type), 0))
    if terms.received_in_year > known.get((YEAR, year), 0):
        raise_count(tx, partner, "out", YEAR, year, terms.received_in_year + sum(unseen.values()))
    for search_type, used in terms.sent.items():
        raise_count(tx, partner, "in", str(search_type), terms.day, used)
    raise_count(tx, partner, "in", YEAR, year, terms.sent_in_year)
    if terms.asks:
        notices.send(tx, node, agreement, partner, "quota-counted", _counted(tx, node, agreement, partner, asks=False))
    else:
        node.uncounted.discard(partner)
        if node.held.get(partner) == NOT_COUNTED:
            del node.held[partner]
    return {}


def _counted(tx: Tx, node: Node, agreement: Agreement, partner: str, *, asks: bool) -> QuotaCounted:
    """Our figures for the partner: what is still on its way there it will count itself."""
    day = quota_day(node.clock(), agreement)
    received, sent = (
        {kind: used for (kind, _), used in counts(tx, partner, way, [day, day[:4]]).items()} for way in ("in", "out")
    )
    unseen = queries_on_their_way(tx, partner)
    years = received.pop(YEAR, 0), max(0, sent.pop(YEAR, 0) - sum(unseen.values()))
    sent = {kind: max(0, used - unseen.get(kind, 0)) for kind, used in sent.items()}
    return QuotaCounted(day, cast(Any, received), cast(Any, sent), *years, asks)


def _override(tx: Tx, node: Node, partner: str, direction: Direction, search_type: str, day: str) -> int:
    """By how many queries an emergency passes the day's quota in that direction."""
    by = node.party if direction == "out" else partner
    return sum(
        event.terms["extra"]
        for event in events_with(tx, partner)
        if event.about == "override-used"
        and event.by == by
        and (event.terms["search_type"], event.terms["day"]) == (search_type, day)
        and (direction == "in" or has_receipt(tx, event.message))
    )


__all__ = ["YEAR", "begin", "count", "decide", "used_of"]
