"""Notices on their way out: everything that is neither a query nor its second step (`pact.notices`).

      send  ──notice──►  effects.take  at the other side

`send` is called within the transaction of the act that it tells of.
"""

from __future__ import annotations

from typing import Any

from mithaq.errors import TrustError
from mithaq.node import outgoing, standing
from mithaq.node.gateway import Node
from mithaq.node.stages import Stages
from mithaq.node.store import Tx
from mithaq.node.store.messages import Message
from mithaq.pact.agreement import Agreement
from mithaq.pact.notices import FORMS, notice_body


def send(
    tx: Tx, node: Node, agreement: Agreement, partner: str, about: str, terms: object, *, matter: str = "", **log: Any
) -> Message:
    """Put a notice out; `matter` is the id of the exchange that it belongs to (a new one where it is the first), `log`
    what its ledger entry says besides (`pact.entries`). Wake the node after the commit. TrustError NOD-315 for a kind
    that ends with the agreement, after its end (REQ-164)."""
    form = FORMS[about]
    if form.ends and not form.passes(standing.how(tx, node, agreement, None)):
        raise TrustError(
            "NOD-315",
            f"a notice of this kind ({about}) ends with the agreement",
            place="notice",
            expected="an agreement that has not ended, or one of the duties that go on after it (REQ-164)",
        )
    return outgoing.post(
        tx,
        node,
        agreement,
        partner,
        matter or node.new_id(),
        "notice",
        notice_body(about, terms),
        (form.sender, form.recipient),
        stages=Stages(),
        about=about,
        **log,
    )


__all__ = ["send"]
