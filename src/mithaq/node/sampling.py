"""Random checks of lawfulness: queries drawn by a recorded seed, and what the protection officer found (REQ-143).

    seed, period ─► the period's queries in the ledger ─draw─► sample ─► one signed result each, kept for inspection

Whoever has the ledger and the seed draws the same sample again (`redrawn`): nobody chose which queries were looked at.
The draw is that of `pact.verify_bundle.sample`, over the queries of the period in the ledger's order.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from mithaq.errors import FormatError, SettingsError, TrustError
from mithaq.node import journal, officers
from mithaq.node.gateway import Node
from mithaq.node.store import Tx, ledger, oversight
from mithaq.node.store.oversight import Check as Check
from mithaq.node.store.oversight import CheckItem as CheckItem
from mithaq.pact.verify_bundle import sample
from mithaq.units import timestamp

LARGEST = 1000
QUERIES = ("query-sent", "query-received")
OUTCOMES = ("lawful", "unlawful", "unclear")
GROUNDS = ("purpose", "offence", "necessity", "legal-basis", "authority", "record")  # what was not in order
_SEED = re.compile("[A-Za-z0-9-]{1,64}")


def draw(
    node: Node, start: datetime, end: datetime, count: int, *, officer: str, passphrase: str, seed: str = ""
) -> Check:
    """Draw `count` queries of a period (its end not included); without a seed the node throws one of 128 bits.

    SettingsError NOD-290 for a period, count or seed that does not fit; TrustError where the officer may not.
    """
    credential = officers.unlock(node, officer, passphrase, duty="check")
    seed = seed or secrets.token_hex(16)
    if not _SEED.fullmatch(seed) or not 1 <= count <= LARGEST or not start < end:
        raise SettingsError(
            "NOD-290",
            "the sample cannot be drawn so",
            key="check",
            expected=f"1 to {LARGEST} queries of a period, a seed of 1 to 64 letters and digits",
        )
    since, until = timestamp(start), timestamp(end)
    with node.database.write() as tx:
        queries = list(_queries(tx, since, until))
        size = ledger.ledger_size(tx)
        drawn = sorted(sample(seed, len(queries), min(count, len(queries))))
        terms = {"seed": seed, "from": since, "to": until, "queries": len(queries), "ledger_size": size, "count": count}
        act = officers.sign(node, credential, "check-drawn", **terms)
        at = timestamp(node.clock())
        check = Check(node.new_id(), seed, since, until, len(queries), size, officer, act.signed, at)
        items = [CheckItem(check.id, queries[index][0], queries[index][1]["conversation"]) for index in drawn]
        oversight.add_check(tx, check, items)
        facts = {"check": check.id, "seed": seed, "count": len(items), "size": size, "by": officer, "act": act.digest}
        journal.write(tx, node, "check-drawn", **facts)
    return check


def record(
    node: Node, check_id: str, position: int, *, outcome: str, officer: str, passphrase: str, ground: str = ""
) -> CheckItem:
    """Record, signed and once, what the check of one query found; `ground` says what was not in order.

    SettingsError NOD-291 for another outcome or ground; FormatError NOD-292 where the sample lacks that query, or it has
    a result; TrustError NOD-293 for somebody who had a part in it.
    """
    credential = officers.unlock(node, officer, passphrase, duty="check")
    if outcome not in OUTCOMES or (ground not in GROUNDS if outcome != "lawful" else bool(ground)):
        raise SettingsError(
            "NOD-291",
            "this is no result of a check",
            key="outcome",
            expected=f"lawful, or unlawful or unclear with one of {', '.join(GROUNDS)}",
        )
    with node.database.write() as tx:
        item = next((one for one in oversight.items_of(tx, check_id) if one.position == position), None)
        query = _query_at(tx, position) if item else None
        if item is None or query is None:
            raise FormatError("NOD-292", "the sample has no such query", place=f"entry {position}")
        if officer in (query.get("ordered_by"), query.get("run_by"), query.get("approved_by")):
            raise TrustError("NOD-293", "nobody checks a query that they had a part in", place=officer)
        terms = {"check": check_id, "entry": position, "conversation": item.conversation, "outcome": outcome}
        act = officers.sign(node, credential, "check-done", **terms, ground=ground)
        at = timestamp(node.clock())
        done = CheckItem(check_id, position, item.conversation, outcome, ground, officer, act.signed, at)
        if not oversight.keep_result(tx, done):
            raise FormatError("NOD-292", "this query of the sample has its result", place=f"entry {position}")
        facts = {"check": check_id, "conversation": item.conversation, "outcome": outcome, "ground": ground}
        journal.write(tx, node, "check-done", **facts, by=officer, act=act.digest)
    return done


def all_checks(node: Node, *, by: str) -> list[tuple[Check, list[CheckItem]]]:
    """Every sample with its queries and their results, newest first."""
    officers.authorised(node, by, "see-checks")
    with node.database.read() as tx:
        return [(check, oversight.items_of(tx, check.id)) for check in oversight.list_checks(tx)]


def to_check(node: Node, check_id: str, *, by: str) -> tuple[Check, list[tuple[CheckItem, dict[str, Any]]]]:
    """A sample with what the log says of each query (empty where erased); the reading is logged. FormatError NOD-292."""
    officers.authorised(node, by, "see-checks")
    with node.database.write() as tx:
        check = oversight.find_check(tx, check_id)
        if check is None:
            raise FormatError("NOD-292", "there is no such sample", place=check_id[:40])
        items = oversight.items_of(tx, check_id)
        for item in items:
            facts = {"first": item.position, "last": item.position, "conversation": item.conversation}
            journal.write(tx, node, "log-read", by=by, reason="lawfulness", **facts)
        return check, [(item, _query_at(tx, item.position) or {}) for item in items]


def redrawn(node: Node, check: Check) -> list[int]:
    """The entries that the check's seed draws, drawn again from the ledger as it stood then; erasure changes none."""
    with node.database.read() as tx:
        queries = [one for one in _queries(tx, check.start, check.end) if one[0] < check.ledger_size]
        count = len(oversight.items_of(tx, check.id))
    return sorted(queries[index][0] for index in sample(check.seed, len(queries), count))


def _queries(tx: Tx, since: str, until: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Position and data of the period's queries. An erased one has its place in the draw and no conversation."""
    for position, _, at, body in ledger.dated_bodies(tx, QUERIES):
        if since <= at < until:
            yield position, json.loads(body)["data"] if body else {"conversation": ""}


def _query_at(tx: Tx, position: int) -> dict[str, Any] | None:
    found = [entry.body for entry in ledger.entries_at(tx, [position]) if entry.body]
    return dict(json.loads(found[0])["data"]) if found else None


__all__ = ["GROUNDS", "OUTCOMES", "Check", "CheckItem", "all_checks", "draw", "record", "redrawn", "to_check"]
