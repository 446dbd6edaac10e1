"""Breaches, with their clock from becoming aware; and errors found in the own file, each a task per past answer.

aware ─► matter, due aware_at + incident.notify_hours ─► notify ──breach──► take_breach ─► seen
ground_truth (references, fault) ─► a task for each conversation whose hit named one of them (REQ-073)
                                    └─► `correction.report_wrong` or `correction.find_false` settles it
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from mithaq.errors import SettingsError
from mithaq.node import officers
from mithaq.node.exchanges.correction import _in_state
from mithaq.node.exchanges.matters import (
    begin,
    begin_theirs,
    change,
    keep_text,
    note,
    of_notice,
    open_matter,
    say,
    sign,
    subject_of,
)
from mithaq.node.gateway import Node
from mithaq.node.store import Tx, conversations
from mithaq.node.store import matters as store
from mithaq.node.store.matters import Matter
from mithaq.pact.agreement import Agreement
from mithaq.pact.exchanges import Breach, BreachKind, Fault
from mithaq.pact.message import Opened
from mithaq.units import parse_timestamp, timestamp


def aware(node: Node, partner: str, *, kind: BreachKind, aware_at: datetime, officer: str, passphrase: str) -> Matter:
    """Register a breach: its clock runs from the instant at which somebody here became aware (REQ-122)."""
    if aware_at > node.clock():
        raise SettingsError("NOD-256", "nobody is aware of what is yet to come", key="aware_at")
    credential = officers.unlock(node, officer, passphrase, role="officer")
    agreement = node.agreements.current(partner, node.clock())
    with node.database.write() as tx:
        matter = begin(
            tx, node, "breach", agreement, partner, state="to-notify",
            due=aware_at + timedelta(hours=agreement.incident.notify_hours), breach=kind, aware_at=timestamp(aware_at),
        )  # fmt: skip
        act = sign(tx, node, credential, matter.id, "breach-registered", breach=kind, aware_at=timestamp(aware_at))
        note(tx, node, matter, "aware", officer, act=act.digest, reason=kind, party=partner)
    return matter


def notify(
    node: Node,
    matter_id: str,
    *,
    description: str,
    measures: str,
    officer: str,
    passphrase: str,
    subjects: Sequence[str] = (),
    persons: int = 0,
) -> Matter:
    """Tell the partner; what is learned later is told in the same matter again."""
    credential = officers.unlock(node, officer, passphrase, role="officer")
    with node.database.write() as tx:
        matter, agreement = open_matter(tx, node, matter_id, "breach", ours=True)
        _in_state(matter, "to-notify", "notified")
        for subject in subjects:
            subject_of(tx, subject, partner=matter.partner)
        kind, aware_at = cast(BreachKind, matter.facts["breach"]), str(matter.facts["aware_at"])
        act = sign(tx, node, credential, matter.id, "breach", breach=kind, subjects=list(subjects), persons=persons)
        late = bool(matter.facts.get("late", matter.due_at and matter.due_at < timestamp(node.clock())))
        matter = change(tx, node, matter, "notified", late=late)
        terms = Breach(kind, aware_at, tuple(subjects), persons, description, measures)
        outcome = "late" if late else "in-time"
        say(tx, node, matter, agreement, "breach", terms, reason=kind, by=officer, act=act.digest, outcome=outcome)
    node.wake.set()
    return matter


def take_breach(tx: Tx, node: Node, agreement: Agreement, opened: Opened, terms: Breach) -> dict[str, Any]:
    """The partner tells of a breach, or what it has learned of it since."""
    due = parse_timestamp(terms.aware_at) + timedelta(hours=agreement.incident.notify_hours)
    late = parse_timestamp(opened.manifest.created) > due
    known = store.find_matter(tx, opened.manifest.conversation)
    if known is None:
        begin_theirs(
            tx, node, "breach", agreement, opened, terms, "breach", state="received", breach=terms.kind,
            aware_at=terms.aware_at, persons=terms.persons, subjects=list(terms.subjects), late=late,
        )  # fmt: skip
    else:
        matter = of_notice(tx, opened, "breach", ["received", "seen"], ours=False)
        late = bool(matter.facts["late"])
        change(tx, node, matter, "received", persons=terms.persons, subjects=list(terms.subjects))
        keep_text(node, matter, "breach", terms)
    return {"reason": terms.kind, "outcome": "late" if late else "in-time"}


def seen(node: Node, matter_id: str, *, officer: str, passphrase: str) -> Matter:
    """An officer has read a partner's breach notice."""
    credential = officers.unlock(node, officer, passphrase, role="officer")
    with node.database.write() as tx:
        matter, _ = open_matter(tx, node, matter_id, "breach", ours=False)
        _in_state(matter, "received")
        act = sign(tx, node, credential, matter.id, "breach-seen")
        note(tx, node, matter, "seen", officer, act=act.digest)
        return change(tx, node, matter, "seen")


def ground_truth(node: Node, found: Sequence[str], *, fault: Fault, officer: str, passphrase: str) -> list[Matter]:
    """An error in our own file (a wrong person, swapped hands, two numbers of one person): a task for each past answer
    that named one of these references. Each is settled by the notice that goes out for it."""
    if not found:
        raise SettingsError("NOD-256", "no reference was named", key="references")
    credential = officers.unlock(node, officer, passphrase, role="officer")
    tasks = []
    with node.database.write() as tx:
        for conversation_id in store.conversations_about(tx, list(found), ()):
            conversation = conversations.find_conversation(tx, conversation_id)
            if conversation is None or conversation.side != "holder":
                continue
            agreement = node.agreements.by_id(conversation.agreement)
            matter = begin(
                tx, node, "wrong-data", agreement, conversation.partner, state="task", subject=conversation.id,
                due=node.clock() + timedelta(hours=agreement.duties.correction_hours), fault=fault,
            )  # fmt: skip
            act = sign(tx, node, credential, matter.id, "error-found", subject=conversation.id, fault=fault)
            note(tx, node, matter, "task", officer, act=act.digest, reason=fault, party=conversation.partner)
            tasks.append(matter)
    return tasks


FOLLOWS: Mapping[str, Callable[..., dict[str, Any]]] = {"breach": take_breach}
