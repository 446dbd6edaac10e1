"""A node's statistics, from its ledger alone, and holding them against the partner's (REQ-150).

    ledger ─► figures of a period ──notice `statistics`, signed by an officer──► partner
              figures of the same period, as the partner states them ◄──────────
              difference by difference: none, where both ledgers tell the same story

Each side sends its figures on its own officer's word. Who asks for figures reads the log, and that is logged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mithaq.errors import SettingsError
from mithaq.node import journal, notices, officers
from mithaq.node.gateway import Node
from mithaq.node.store import Tx, ledger, oversight
from mithaq.node.store.oversight import StoredSummary
from mithaq.pact.statistics import READ, Difference, Direction, Fact, Summary, differences, figures, read_facts
from mithaq.pact.strict import plain
from mithaq.units import timestamp


@dataclass(frozen=True, slots=True)
class Statistics:
    """The figures of a period. `own` ones are known on this side alone; `unreadable` counts the entries whose bodies
    were erased, which no figure holds."""

    party: str
    partner: str
    start: str
    end: str
    shared: Mapping[Direction, Mapping[str, int]]
    own: Mapping[Direction, Mapping[str, int]]
    unreadable: int

    def as_dict(self) -> dict[str, Any]:
        """The figures as JSON values."""
        return {
            "party": self.party,
            "partner": self.partner or None,
            "from": self.start,
            "to": self.end,
            "figures": {way: dict(found) for way, found in self.shared.items()},
            "own": {way: dict(found) for way, found in self.own.items()},
            "unreadable": self.unreadable,
        }


@dataclass(frozen=True, slots=True)
class Reconciled:
    """Two parties' figures of a period. `theirs` is None until the partner stated them."""

    partner: str
    start: str
    end: str
    ours: Mapping[str, Any] | None
    theirs: Mapping[str, Any] | None
    differences: tuple[Difference, ...]

    @property
    def agrees(self) -> bool:
        """True where both have stated their figures, and they are the same to the unit."""
        return self.ours is not None and self.theirs is not None and not self.differences

    def as_dict(self) -> dict[str, Any]:
        """The comparison as JSON values."""
        return {
            "partner": self.partner,
            "from": self.start,
            "to": self.end,
            "ours": self.ours,
            "theirs": self.theirs,
            "agrees": self.agrees,
            "differences": [plain(one) for one in self.differences],
        }


def statistics(node: Node, start: datetime, end: datetime, *, by: str, partner: str = "") -> Statistics:
    """The figures of a period (its end not included), with one partner or all; TrustError NOD-154, NOD-155."""
    officers.authorised(node, by, "statistics")
    with node.database.write() as tx:
        journal.write(tx, node, "log-read", by=by, reason="statistics")
    facts, unreadable = facts_of(node, start, end)
    return count(node, facts, unreadable, start, end, partner=partner)


def count(
    node: Node, facts: list[Fact], unreadable: int, start: datetime, end: datetime, *, partner: str = ""
) -> Statistics:
    """The statistics of a period, from facts that were read before."""
    return Statistics(
        node.party,
        partner,
        timestamp(start),
        timestamp(end),
        figures(facts, start, end, partner=partner),
        figures(facts, start, end, partner=partner, own=True),
        unreadable,
    )


def facts_of(node: Node, start: datetime, end: datetime) -> tuple[list[Fact], int]:
    """What the ledger tells, and how many entries of the period were erased and tell nothing."""
    since, until, erased = timestamp(start), timestamp(end), [0]

    def rows(tx: Tx) -> Iterator[tuple[str, bytes | None]]:
        for _, kind, at, body in ledger.dated_bodies(tx, READ):
            erased[0] += body is None and since <= at < until
            yield kind, body

    with node.database.read() as tx:
        return read_facts(rows(tx), node.party, node.agreements.find), erased[0]


def reconcile(node: Node, partner: str, start: datetime, end: datetime, *, officer: str, passphrase: str) -> Reconciled:
    """State our figures of a period to the partner, signed, and hold them against the partner's where those are here.

    SettingsError NOD-288 for a period that is not over; TrustError where the officer may not, or there is no agreement.
    """
    credential = officers.unlock(node, officer, passphrase, duty="reconcile")
    now = node.clock()
    if not start < end <= now:
        raise SettingsError(
            "NOD-288", "the period is not over", key="to", expected=f"a later day than --from, not after {now:%Y-%m-%d}"
        )
    agreement = node.agreements.current(partner, now)
    facts, unreadable = facts_of(node, start, end)
    found = count(node, facts, unreadable, start, end, partner=partner)
    concluded = {key: n for way in found.own.values() for key, n in way.items() if key.startswith("concluded.")}
    terms = Summary(found.start, found.end, found.shared["out"], found.shared["in"], concluded)
    stated: dict[str, Any] = plain(terms)
    with node.database.write() as tx:
        if _stated(tx, partner, found.start, found.end).get("ours") != stated:
            act = officers.sign(node, credential, "statistics", partner=partner, figures=stated)
            stored = StoredSummary(partner, found.start, found.end, "ours", stated, act.signed, timestamp(now))
            oversight.keep_summary(tx, stored)
            notices.send(tx, node, agreement, partner, "statistics", terms, by=officer, act=act.digest)
    node.wake.set()
    return reconciled(node, partner, found.start, found.end)


def reconciled(node: Node, partner: str, start: str, end: str) -> Reconciled:
    """What both parties stated of a period (`units.timestamp`), and where they differ."""
    with node.database.read() as tx:
        stated = _stated(tx, partner, start, end)
    ours, theirs = stated.get("ours"), stated.get("theirs")
    found = differences(_ways(ours), _ways(theirs)) if ours and theirs else []
    return Reconciled(partner, start, end, ours, theirs, tuple(found))


def all_reconciled(node: Node) -> list[Reconciled]:
    """Every period that either party has stated figures of."""
    with node.database.read() as tx:
        periods = dict.fromkeys((one.partner, one.start, one.end) for one in oversight.list_summaries(tx))
    return [reconciled(node, *period) for period in periods]


def _stated(tx: Tx, partner: str, start: str, end: str) -> dict[str, Mapping[str, Any]]:
    return {
        one.whose: one.figures
        for one in oversight.list_summaries(tx)
        if (one.partner, one.start, one.end) == (partner, start, end)
    }


def _ways(stated: Mapping[str, Any]) -> dict[Direction, Mapping[str, int]]:
    return {"out": stated["out"], "in": stated["in"]}


__all__ = [
    "Reconciled", "Statistics", "all_reconciled", "count", "facts_of", "reconcile", "reconciled", "statistics",
]  # fmt: skip
