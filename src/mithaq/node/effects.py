"""What follows from a partner's notice, one line for each kind (`pact.notices`).

      notice ──take──► the form's checks ─► what follows from it here (`_FOLLOWS`) ─► ledger

`take` runs in the transaction of the message's effect, so a notice has its effect exactly once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from mithaq.errors import TrustError
from mithaq.node import certificates, heard, journal, life, quotas, rotation, standing, summaries
from mithaq.node.exchanges import FOLLOWS
from mithaq.node.gateway import Node
from mithaq.node.stages import Stages
from mithaq.node.store import Tx
from mithaq.pact.agreement import Agreement
from mithaq.pact.ledger import Entry
from mithaq.pact.message import Opened
from mithaq.pact.notices import Notice, read_notice

# (tx, node, agreement, opened, terms) -> what the ledger entry says besides.
_FOLLOWS: Mapping[str, Callable[[Tx, Node, Agreement, Opened, Any], dict[str, Any]]] = MappingProxyType({
    **FOLLOWS,
    "suspension": life.take_suspension,
    "resumption": life.take_resumption,
    "termination": life.take_termination,
    "consultation": life.take_consultation,
    "override-used": life.take_override,
    "quota-counted": quotas.take_counted,
    "key-announced": rotation.take_announced,
    "key-confirmed": rotation.take_confirmed,
    "key-revoked": rotation.take_revoked,
    "deletion-certificate": certificates.take,
    "statistics": summaries.take_summary,
    **heard.FOLLOWS,
})  # fmt: skip


def take(tx: Tx, node: Node, agreement: Agreement, opened: Opened, stages: Stages) -> Entry:
    """Check a partner's notice against its form, log it, and do what follows from it."""
    notice = read_notice(opened.body)
    _check_contacts(node, agreement, opened, notice)
    part = None if notice.form.recipient == "query" else notice.form.recipient
    if not notice.form.passes(standing.how(tx, node, agreement, part)):
        raise TrustError(
            "NOD-201",
            f"a notice of this kind ({notice.about}) does not pass as the agreement stands",
            place="notice",
            expected=f"an agreement in force ({notice.form.requirement})",
        )
    follows = _FOLLOWS.get(notice.about)
    log = follows(tx, node, agreement, opened, notice.terms) if follows else {}
    return journal.received(tx, node, opened, stages, about=notice.about, **log)


def _check_contacts(node: Node, agreement: Agreement, opened: Opened, notice: Notice) -> None:
    """A notice goes to the contact point whose role it is (REQ-002, REQ-006), while that acts (REQ-001)."""
    manifest = opened.manifest
    ends = (
        (manifest.sender, manifest.sender_contact, notice.form.sender),
        (manifest.recipient, manifest.recipient_contact, notice.form.recipient),
    )
    for party, contact, role in ends:
        point = agreement.parties[party].contact(contact)
        if point is None or role not in point.roles or not point.acts_at(opened.manifest.created_at):
            raise TrustError(
                "NOD-202",
                f"the contact point does not have the role {role}",
                place=f"{party} {contact}",
                expected=f"a contact point of {party} that acts now in that role (REQ-001, REQ-006)",
            )


__all__ = ["take"]
