"""Reading a node's past for `pact.simulate`: queries and releases from its ledger, and the days of what it holds.

The ledger's own bodies are read, so what was erased cannot be replayed and is counted. Reading the log is logged.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from mithaq.errors import SettingsError
from mithaq.node import journal, officers
from mithaq.node.gateway import Node
from mithaq.node.store import conversations, ledger, references
from mithaq.pact.agreement import Agreement
from mithaq.pact.gate import Offence, QueryFacts
from mithaq.pact.simulate import Held, PastQuery, PastRelease, Simulation
from mithaq.pact.simulate import simulate as replay
from mithaq.units import parse_timestamp, timestamp

QUERIES = ("query-sent", "query-received", "query-held")
RELEASES = ("release-sent", "release-received")


def simulate(node: Node, proposal: Agreement, *, days: int, by: str = "node") -> Simulation:
    """The last `days` days of traffic with the proposal's other party, replayed under it and under the agreement of now.

    SettingsError NOD-192 where this node is no party of the proposal, NOD-190 for a name in place of a code; TrustError
    where there is no agreement with that partner yet.
    """
    if not officers.CODE.fullmatch(by):
        raise SettingsError("NOD-190", "this is not a code", key="by", expected="a lower-case word, as officer-1")
    if proposal.party(node.party) is None:
        raise SettingsError(
            "NOD-192",
            f"{node.party} is no party of this proposal",
            key="PROPOSAL",
            expected=f"a proposal between {node.party} and its partner",
        )
    now = node.clock()
    partner = proposal.other(node.party)
    before = node.agreements.current(partner, now)
    with node.database.write() as tx:
        journal.write(tx, node, "log-read", by=by, reason="simulation")
    with node.database.read() as tx, node.identities.read() as identities:
        since = now - timedelta(days=days)
        lost = [0]
        queries = _queries(ledger.bodies(tx, QUERIES, timestamp(since)), node.party, partner, lost)
        releases = [
            PastRelease(parse_timestamp(body["at"]), tuple(body["data"]["fields"]))
            for body in _read(ledger.bodies(tx, RELEASES, timestamp(since)))
            if body is not None and partner in (body["data"]["sender"], body["data"]["recipient"])
        ]
        held: dict[Held, dict[str, int]] = {
            "hit-reference": conversations.candidate_days(tx, partner),
            "released": references.received_days(identities),
            "log": ledger.body_days(tx),
        }
        found = replay(
            queries, releases, held, before=before, after=proposal, since=since, until=now, served=tuple(node.served)
        )
    return replace(found, unreadable=lost[0])


def _queries(
    rows: Iterator[tuple[str, bytes | None]], party: str, partner: str, lost: list[int]
) -> Iterator[PastQuery]:
    """The queries with that partner; `lost[0]` counts those that cannot be replayed: erased, or held before sending
    (an entry of that kind does not keep what the gate was told)."""
    for body in _read(rows):
        if body is None:
            lost[0] += 1
            continue
        data = body["data"]
        if body["kind"] == "query-held":
            lost[0] += data.get("party") == partner
        elif {data["sender"], data["recipient"]} == {party, partner}:
            yield PastQuery(parse_timestamp(body["at"]), _facts(data), body["kind"] == "query-sent")


def _facts(data: dict[str, Any]) -> QueryFacts:
    return QueryFacts(
        origin_party=data["sender"],
        origin_contact=data["sender_contact"],
        destination_party=data["recipient"],
        destination_contact=data["recipient_contact"],
        purpose=data["purpose"],
        offence=Offence(data["offence"], int(data.get("penalty_months", 0))),
        case=data["case"],
        legal_basis=data["legal_basis"],
        search_type=data["search_type"],
        prints=max(1, len(data["fingers"])),  # positions, each once: two prints of one finger count once
        expedited=data["expedited"],
        ordered_by=data.get("ordered_by", ""),
        run_by=data.get("run_by", ""),
        approved_by=data.get("approved_by", ""),
    )


def _read(rows: Iterator[tuple[str, bytes | None]]) -> Iterator[dict[str, Any] | None]:
    for kind, body in rows:
        yield None if body is None else {**json.loads(body), "kind": kind}
