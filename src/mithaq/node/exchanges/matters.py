"""What every exchange shares: the matter and its subject, the officer's signed act, the texts, the notice.

subject   a query's conversation, or a supply's own matter: what the data in question came with
begin     a matter begun here · begin_theirs a matter that the partner's notice begins · of_notice one it goes on with
say       notice + ledger entry in the transaction of the change (Law 7); the texts go to the identities store (Law 6)
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from mithaq.errors import FormatError
from mithaq.node import journal, notices
from mithaq.node.gateway import Node
from mithaq.node.officers import Signed
from mithaq.node.store import Tx, conversations, messages
from mithaq.node.store import matters as store
from mithaq.node.store.conversations import Act, Conversation
from mithaq.node.store.matters import Matter
from mithaq.node.store.messages import Message
from mithaq.pact.agreement import Agreement
from mithaq.pact.credential import OfficerKey
from mithaq.pact.message import Opened
from mithaq.pact.strict import plain
from mithaq.units import parse_timestamp, timestamp


@dataclass(frozen=True, slots=True)
class Subject:
    """What data in question came with. `held` is True where this node received them, False where it supplied them."""

    id: str
    partner: str
    agreement: str
    case: str
    held: bool
    conversation: Conversation | None


def subject_of(tx: Tx, subject_id: str, *, partner: str = "") -> Subject:
    """The subject of that id, shared with `partner` where one is named; FormatError NOD-240 where there is none."""
    conversation = conversations.find_conversation(tx, subject_id, lock=True)
    if conversation is not None and partner in ("", conversation.partner):
        return Subject(
            conversation.id,
            conversation.partner,
            conversation.agreement,
            conversation.case_number,
            conversation.side == "requester",
            conversation,
        )
    matter = store.find_matter(tx, subject_id)
    if matter is None or matter.kind != "supply" or partner not in ("", matter.partner):
        raise FormatError(
            "NOD-240",
            "there is no conversation and no supply of that id here",
            place=subject_id[:40],
            remedy="`mithaq node status` and `mithaq exchange matters` show them",
        )
    return Subject(matter.id, matter.partner, matter.agreement, str(matter.facts["case"]), not matter.ours, None)


def begin(
    tx: Tx,
    node: Node,
    kind: str,
    agreement: Agreement,
    partner: str,
    *,
    state: str,
    subject: str = "",
    due: datetime | None = None,
    ours: bool = True,
    matter_id: str = "",
    **facts: Any,
) -> Matter:
    """A new matter, stored. `due` is until when whoever has the next step must have taken it."""
    now = timestamp(node.clock())
    matter = Matter(
        id=matter_id or node.new_id(),
        kind=kind,
        ours=ours,
        partner=partner,
        agreement=agreement.id,
        subject=subject,
        state=state,
        facts=facts,
        due_at=timestamp(due) if due else None,
        created_at=now,
        changed_at=now,
    )
    store.add_matter(tx, matter)
    return matter


def begin_theirs(
    tx: Tx, node: Node, kind: str, agreement: Agreement, opened: Opened, terms: object, about: str, **values: Any
) -> Matter:
    """The matter that a partner's notice begins; FormatError NOD-241 where its id is taken."""
    matter_id = opened.manifest.conversation
    if store.find_matter(tx, matter_id) or conversations.find_conversation(tx, matter_id):
        raise FormatError("NOD-241", "a matter or conversation of that id is there already", field="conversation")
    matter = begin(
        tx, node, kind, agreement, opened.manifest.sender, ours=False, matter_id=matter_id, **values
    )  # fmt: skip
    keep_text(node, matter, about, terms)
    return matter


def of_notice(
    tx: Tx, opened: Opened, kind: str, states: Sequence[str], *, ours: bool = True, subject: str = ""
) -> Matter:
    """The matter that a partner's notice goes on with; FormatError NOD-242 where none waits for it."""
    matter = store.find_matter(tx, opened.manifest.conversation)
    if (
        matter is None
        or (matter.kind, matter.ours, matter.partner) != (kind, ours, opened.manifest.sender)
        or matter.state not in states
        or (subject and subject != matter.subject)
    ):
        raise FormatError("NOD-242", "no matter here waits for this notice", field="conversation")
    return matter


def open_matter(tx: Tx, node: Node, matter_id: str, kind: str, *, ours: bool | None = None) -> tuple[Matter, Agreement]:
    """A matter of that kind for an officer's step, with its agreement; FormatError NOD-243 where there is none."""
    matter = store.find_matter(tx, matter_id)
    if matter is None or matter.kind != kind or ours not in (None, matter.ours):
        raise FormatError(
            "NOD-243",
            f"there is no matter of that id and kind ({kind}) for this step",
            place=matter_id[:40],
            remedy="`mithaq exchange matters` shows them",
        )
    return matter, node.agreements.by_id(matter.agreement)


def change(tx: Tx, node: Node, matter: Matter, state: str, *, due: datetime | None = None, **facts: Any) -> Matter:
    """The matter in another state, with facts added; what was due is done unless `due` says otherwise."""
    values: dict[str, Any] = {
        "state": state,
        "facts": {**matter.facts, **facts},
        "due_at": timestamp(due) if due else None,
        "changed_at": timestamp(node.clock()),
    }
    store.change_matter(tx, matter.id, **values)
    return replace(matter, **values)


def sign(tx: Tx, node: Node, credential: OfficerKey, place: str, kind: str, **terms: Any) -> Signed:
    """Sign and keep what an officer does in a matter, or with the data of a subject (`place` is its id).

    Texts do not go into acts: an act says codes, and the digest of what was sent stands in the ledger.
    """
    at = timestamp(node.clock())
    values = {"act": kind, "conversation": place, "party": node.party, "officer": credential.officer, "at": at}
    signed = credential.sign_act({**values, **terms})
    store.add_act(tx, Act(node.new_id(), place, kind, credential.officer, signed, at))
    return Signed(signed)


def say(tx: Tx, node: Node, matter: Matter, agreement: Agreement, about: str, terms: object, **log: Any) -> Message:
    """Put the matter's notice out and keep its texts; returns the message. Wake the node after the commit."""
    keep_text(node, matter, about, terms)
    log.setdefault("subject", matter.subject)
    return notices.send(tx, node, agreement, matter.partner, about, terms, matter=matter.id, **log)


def note(tx: Tx, node: Node, matter: Matter, event: str, by: str, **log: Any) -> None:
    """Log a step that the partner is not told of."""
    facts = {"matter": matter.id, "about": matter.kind, "event": event, "by": by, "subject": matter.subject}
    journal.write(tx, node, "matter-changed", **{**facts, **log})


def keep_text(node: Node, matter: Matter, step: str, terms: object) -> None:
    """Keep what was written in a step, sealed, in the identities store."""
    data = json.dumps(plain(terms), ensure_ascii=False).encode()
    sealed = node.identity_vault.seal(data, f"matter:{matter.id}:{step}")
    with node.identities.write() as tx:
        store.keep_text(tx, matter.id, step, sealed, timestamp(node.clock()))


def texts(node: Node, matter_id: str) -> Mapping[str, dict[str, Any]]:
    """What was written in each step of a matter; an officer's view opens it (Law 6)."""
    with node.identities.read() as tx:
        rows = store.texts(tx, matter_id)
    return {
        step: json.loads(node.identity_vault.open(sealed, f"matter:{matter_id}:{step}")) for step, sealed, _ in rows
    }


def find(node: Node, begins: str) -> Matter:
    """One matter by its id or the beginning of it; FormatError NOD-243 where there is none, or more than one."""
    with node.database.read() as tx:
        found = store.list_matters(tx, begins=begins, limit=2) if begins else []
    if len(found) != 1:
        raise FormatError(
            "NOD-243",
            "more than one matter begins like that" if found else "there is no such matter here",
            place=begins[:40],
            remedy="`mithaq exchange matters` shows them",
        )
    return found[0]


def everything(node: Node, **which: Any) -> list[Matter]:
    """Matters, newest first (`store.matters.list_matters`)."""
    with node.database.read() as tx:
        return store.list_matters(tx, **which)


def hours_left(node: Node, matter: Matter) -> float | None:
    """Hours until a matter's step is due, negative where it is late; None where nothing is due."""
    left = parse_timestamp(matter.due_at) - node.clock() if matter.due_at else None
    return None if left is None else left.total_seconds() / 3600


def overdue(node: Node, matter: Matter) -> bool:
    """True where a matter waits longer than its time."""
    left = hours_left(node, matter)
    return left is not None and left <= 0


def history(node: Node, matter_id: str) -> list[dict[str, Any]]:
    """What happened in a matter: its notices with their receipts, and officers' signed acts, oldest first."""
    with node.database.read() as tx:
        rows = [
            {
                "at": one.created_at,
                "what": f"notice-{'sent' if one.direction == 'out' else 'received'}",
                "by": one.partner if one.direction == "in" else node.party,
                "receipted": one.receipt is not None,
                "error": one.last_error or "",
            }
            for one in messages.conversation_messages(tx, matter_id)
        ]
        acts = store.acts(tx, matter_id)
    rows += [{"at": act.at, "what": act.kind, "by": act.officer, "receipted": True, "error": ""} for act in acts]
    return sorted(rows, key=lambda row: str(row["at"]))
