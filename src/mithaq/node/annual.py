"""A node's report of a year: figures from its ledger, reconciliations, checks and extracts, as one page (REQ-151)."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise

from mithaq.errors import SettingsError
from mithaq.node import extracts, journal, officers, statistics
from mithaq.node.gateway import Node
from mithaq.node.store import oversight
from mithaq.pact.annual_page import Year, page
from mithaq.pact.statistics import figures
from mithaq.pact.terms import Bilingual
from mithaq.units import timestamp


def report(node: Node, year: int, *, by: str, partner: str = "", language: str = "en") -> str:
    """The report as HTML in both languages, opened in `language`. It reads the log, and that is logged.

    SettingsError NOD-296 for a year that has not begun; TrustError where the officer may not.
    """
    officers.authorised(node, by, "statistics")
    if not 1970 <= year <= node.clock().year:
        raise SettingsError("NOD-296", "that year has not begun", key="year", expected=f"up to {node.clock().year}")
    with node.database.write() as tx:
        journal.write(tx, node, "log-read", by=by, reason="statistics")
    return page(_year(node, year, partner), language=language)


def _year(node: Node, year: int, partner: str) -> Year:
    months = [datetime(year + n // 12, n % 12 + 1, 1, tzinfo=UTC) for n in range(13)]
    facts, unreadable = statistics.facts_of(node, months[0], months[-1])
    found = statistics.count(node, facts, unreadable, months[0], months[-1], partner=partner)
    start, end = timestamp(months[0]), timestamp(months[-1])
    stated = [one for one in statistics.all_reconciled(node) if not partner or one.partner == partner]
    inside = [one for one in stated if start <= one.start and one.end <= end and one.ours and one.theirs]
    whole = [one.theirs["concluded"] for one in stated if (one.start, one.end) == (start, end) and one.theirs]
    theirs = dict(sum((Counter(one) for one in whole), Counter())) if whole else None
    with node.database.read() as tx:
        checks = Counter(
            item.outcome or "open"
            for check in oversight.list_checks(tx)
            if start <= check.at < end
            for item in oversight.items_of(tx, check.id)
        )
    given = [one for one in extracts.every(node) if start <= one.asked_at < end]
    now = timestamp(node.clock())
    return Year(
        year=year,
        party=_name(node, node.party),
        partner=_name(node, partner) if partner else None,
        months=[figures(facts, *period, partner=partner) for period in pairwise(months)],
        total=found.shared,
        own=found.own,
        theirs=theirs,
        agreed=(sum(one.agrees for one in inside), len(inside)),
        checks=dict(sorted(checks.items())),
        extracts=(len(given), sum((one.given_at or now) > one.due_at for one in given)),
        unreadable=unreadable,
    )


def _name(node: Node, party: str) -> Bilingual:
    """What the newest agreement calls a party; its code where there is none."""
    names = [one.parties[party].name for one in node.agreements.all() if party in one.parties]
    return names[-1] if names else Bilingual(ar=party, en=party)


__all__ = ["report"]
