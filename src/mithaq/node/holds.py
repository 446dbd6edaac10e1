"""Legal holds: what is under one is not erased until it ends, with a reason, an author and an end (REQ-085).

    place ─► nothing of the subject is erased ─► its end, or lift ─► the first sweep after it erases what is due

A subject is the id of a conversation or a matter, a reference number, or "log" for the whole ledger. Author and end are
signed with the author's own credential; the author's words stay in the table, the ledger has the code.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from mithaq.errors import FormatError, SettingsError
from mithaq.node import journal, officers
from mithaq.node.gateway import Node
from mithaq.node.store import conversations, matters, references, retention
from mithaq.node.store.retention import Hold
from mithaq.units import timestamp

REASONS = ("court-order", "investigation", "oversight", "data-subject-request")
LOG = "log"


def place(
    node: Node, subject: str, *, reason: str, ends: datetime, officer: str, passphrase: str, note: str = ""
) -> Hold:
    """Place a hold. FormatError where there is no such subject here; SettingsError for a reason or end that means nothing;
    TrustError where officer or passphrase is not right."""
    now = node.clock()
    if reason not in REASONS:
        raise SettingsError("NOD-263", "this is not a reason for a hold", key="reason", expected=", ".join(REASONS))
    if ends <= now:
        raise SettingsError("NOD-264", "the hold would have ended already", key="until", expected="an instant to come")
    credential = officers.unlock(node, officer, passphrase, role="officer")
    with node.database.write() as tx:
        if subject != LOG and not _is_here(node, tx, subject):
            raise FormatError(
                "NOD-265",
                "there is nothing of that name to hold",
                place=subject[:40],
                expected="a conversation's id, a reference number, or log",
            )
        hold_id, until = node.new_id(), timestamp(ends)
        act = officers.sign(node, credential, "hold", hold=hold_id, subject=subject, reason=reason, until=until)
        hold = Hold(hold_id, subject, reason, note[:500], officer, act.signed, "", timestamp(now), until)
        retention.add_hold(tx, hold)
        _log(tx, node, hold, "placed", officer, act)
    return hold


def lift(node: Node, hold_id: str, *, officer: str, passphrase: str) -> Hold:
    """End a hold now; FormatError where there is none of that id in force."""
    credential = officers.unlock(node, officer, passphrase, role="officer")
    now = timestamp(node.clock())
    with node.database.write() as tx:
        hold = retention.find_hold(tx, hold_id) if re.fullmatch("[0-9a-f]{32}", hold_id) else None
        if hold is None or hold.ends_at <= now:
            raise FormatError("NOD-266", "there is no such hold in force", place=hold_id[:40])
        act = officers.sign(node, credential, "hold-lifted", hold=hold_id)
        retention.end_hold(tx, hold_id, now, act.signed)
        _log(tx, node, hold, "lifted", officer, act, until=now)
    return hold


def everything(node: Node) -> list[Hold]:
    """All holds, past ones included, newest first."""
    with node.database.read() as tx:
        return retention.list_holds(tx)


def _is_here(node: Node, tx: Any, subject: str) -> bool:
    if conversations.find_conversation(tx, subject) or matters.find_matter(tx, subject):
        return True
    with node.identities.read() as identities:
        return references.sealed_person(identities, subject) is not None


def _log(tx: Any, node: Node, hold: Hold, event: str, officer: str, act: officers.Signed, *, until: str = "") -> None:
    facts = {"hold": hold.id, "subject": hold.subject, "event": event, "reason": hold.reason, "by": officer}
    journal.write(tx, node, "hold-changed", **facts, until=until or hold.ends_at, act=act.digest)
