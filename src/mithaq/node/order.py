"""What a person says when ordering a query, and what the gate and the ledger are told of it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from mithaq.errors import SettingsError, TrustError
from mithaq.node import officers
from mithaq.node.gateway import Node
from mithaq.pact.agreement import Agreement
from mithaq.pact.gate import Offence, QueryFacts, Refused, refused
from mithaq.units import FingerPosition, PrintImage


@dataclass(frozen=True, slots=True)
class Order:
    """What a person says when ordering a query. `ordered_by` and `approved_by` are a record; `run_by` must be an officer
    of this node (REQ-003)."""

    partner: str
    purpose: str
    case: str
    offence: Offence
    legal_basis: str
    ordered_by: str
    run_by: str
    approved_by: str
    search_type: str = "TP/TP"
    expedited: bool = False
    ppi: float | None = None
    position: FingerPosition = FingerPosition.UNKNOWN
    despite_quality: bool = False  # send a print that our own check calls unsearchable; the holder checks again


def require_codes(order: Order) -> None:
    """SettingsError NOD-100 where a name stands in place of an officer's code."""
    for option, code in (
        ("ordered-by", order.ordered_by),
        ("run-by", order.run_by),
        ("approved-by", order.approved_by),
    ):
        if code and not officers.CODE.fullmatch(code):
            raise SettingsError(
                "NOD-100",
                "this is not an officer's code",
                key=option,
                expected="a short code in lower case, as captain-1",
            )


def executor_refusal(node: Node, agreement: Agreement, order: Order) -> Refused | None:
    """Only an officer of this node's register, valid now and of a role that may, runs a query (REQ-003)."""
    try:
        officers.authorised(node, order.run_by, "query")
    except TrustError:
        return refused("executor-not-authorised", agreement, officer=order.run_by)
    return None


def query_facts(node: Node, agreement: Agreement, order: Order, prints: int, contents: str) -> QueryFacts:
    """What the sender's gate is asked about; `contents` as in `QueryFacts`."""
    return QueryFacts(
        origin_party=node.party,
        origin_contact=node.own_contact(agreement, "query"),
        destination_party=order.partner,
        destination_contact=node.partner_contact(agreement, order.partner, "query"),
        purpose=order.purpose,
        offence=order.offence,
        case=order.case,
        legal_basis=order.legal_basis,
        search_type=order.search_type,
        prints=prints,
        expedited=order.expedited,
        ordered_by=order.ordered_by,
        run_by=order.run_by,
        approved_by=order.approved_by,
        contents=contents,
    )


def log_of_query(facts: QueryFacts, prints: Sequence[PrintImage]) -> dict[str, object]:
    """What both sides log of a query (REQ-110)."""
    return {
        "purpose": facts.purpose,
        "offence": facts.offence.category,
        "penalty_months": facts.offence.max_penalty_months,
        "case": facts.case,
        "legal_basis": facts.legal_basis,
        "search_type": facts.search_type,
        "fingers": sorted({int(found.position) for found in prints}),
        "expedited": facts.expedited,
        "ordered_by": facts.ordered_by,
        "run_by": facts.run_by,
        "approved_by": facts.approved_by,
    }


def control_number(node: Node) -> str:
    """A new transaction control number (TCN), unique for this originator."""
    return f"{node.party}{node.clock():%Y%m%d}{uuid.uuid4().hex[:12].upper()}"
