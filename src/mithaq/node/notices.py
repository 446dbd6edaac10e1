"""Notices on their way out and in: everything that is neither a query nor its second step (`pact.notices`).

      send  ──notice──►  take  ─► the form's checks ─► ledger ─► what follows from it here (`_FOLLOWS`)

`send` is called within the transaction of the act that it tells of; `take` runs in that of the message's effect, so a
notice has its effect exactly once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mithaq.errors import TrustError
from mithaq.node import journal, outgoing
from mithaq.node.gateway import Node
from mithaq.node.stages import Stages
from mithaq.node.store import Tx
from mithaq.node.store.messages import Message
from mithaq.pact.agreement import Agreement, active
from mithaq.pact.ledger import Entry
from mithaq.pact.message import Opened
from mithaq.pact.notices import FORMS, Notice, notice_body, read_notice


def send(
    tx: Tx, node: Node, agreement: Agreement, partner: str, about: str, terms: object, *, matter: str = "", **log: Any
) -> Message:
    """Put a notice out; `matter` is the id of the exchange that it belongs to (a new one where it is the first), `log`
    what its ledger entry says besides (`pact.entries`). Wake the node after the commit."""
    form = FORMS[about]
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


def take(tx: Tx, node: Node, agreement: Agreement, opened: Opened, stages: Stages) -> Entry:
    """Check a partner's notice against its form, log it, and do what follows from it."""
    notice = read_notice(opened.body)
    _check_contacts(agreement, opened, notice)
    if not notice.form.always and not active(agreement, node.clock()):
        raise TrustError(
            "NOD-201",
            f"a notice of this kind ({notice.about}) passes only while the agreement is in force",
            place="notice",
            expected=f"an agreement in force ({notice.form.requirement})",
        )
    from mithaq.node.exchanges import FOLLOWS  # these rooms send notices themselves, with `send`

    follows = {**_FOLLOWS, **FOLLOWS}.get(notice.about)
    log = follows(tx, node, agreement, opened, notice.terms) if follows else {}
    return journal.received(tx, node, opened, stages, about=notice.about, **log)


def _check_contacts(agreement: Agreement, opened: Opened, notice: Notice) -> None:
    """A notice goes to the contact point whose role it is (REQ-002, REQ-006)."""
    manifest = opened.manifest
    ends = (
        (manifest.sender, manifest.sender_contact, notice.form.sender),
        (manifest.recipient, manifest.recipient_contact, notice.form.recipient),
    )
    for party, contact, role in ends:
        if not any(point.id == contact and role in point.roles for point in agreement.parties[party].contact_points):
            raise TrustError(
                "NOD-202",
                f"the contact point does not have the role {role}",
                place=f"{party} {contact}",
                expected=f"a contact point of {party} with that role (REQ-006)",
            )


# What follows from a notice: (tx, node, agreement, opened, terms) -> what the ledger entry says besides.
_FOLLOWS: Mapping[str, Callable[[Tx, Node, Agreement, Opened, Any], dict[str, Any]]] = {}


__all__ = ["send", "take"]
