"""The partner's figures of a period, as its notice `statistics` states them: kept for `node.statistics` to hold against ours."""

from __future__ import annotations

from typing import Any

from mithaq.errors import TrustError
from mithaq.node.gateway import Node
from mithaq.node.store import Tx, oversight
from mithaq.node.store.oversight import StoredSummary
from mithaq.pact.agreement import Agreement
from mithaq.pact.message import Opened
from mithaq.pact.statistics import Summary
from mithaq.pact.strict import plain
from mithaq.units import timestamp


def take_summary(tx: Tx, node: Node, agreement: Agreement, opened: Opened, terms: Summary) -> dict[str, Any]:
    """Keep what the partner states of a period that is over (TrustError NOD-289 otherwise)."""
    if not terms.start < terms.to <= opened.manifest.created:
        raise TrustError("NOD-289", "these statistics are of a period that is not over", place="notice")
    at = timestamp(node.clock())
    partner = opened.manifest.sender
    oversight.keep_summary(tx, StoredSummary(partner, terms.start, terms.to, "theirs", plain(terms), "", at))
    return {}
