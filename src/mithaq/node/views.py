"""What a person may see of a node, as plain data: queues, one conversation, two prints side by side, quotas, ledger.

The desk and the command line show these and nothing else. No view hands out what the agreement withholds: a holder sees
no reference print it did not itself store, a requester sees personal data only once it was released.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mithaq.errors import FormatError
from mithaq.finger import Template, compare, extract
from mithaq.image import png_bytes, to_matcher
from mithaq.node import chain, extracts, officers, standing
from mithaq.node import quotas as counted
from mithaq.node.gateway import Node
from mithaq.node.store import conversations, ledger, messages
from mithaq.node.store.conversations import Conversation as Conversation
from mithaq.pact.agreement import Agreement
from mithaq.pact.lifecycle import Actor, Side, State, possible
from mithaq.pact.quota import day_limit


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """A query print and a candidate's print for the examiner: PNG pictures at 500 ppi, minutiae, and the pairs found.

    `query` and `candidate` hold (x_px, y_px, angle_rad) rows; `pairs` index into them. The score is this node's own,
    computed here for its own examiner; it never crossed the border.
    """

    query_png: bytes
    candidate_png: bytes
    query: NDArray[np.float64]
    candidate: NDArray[np.float64]
    pairs: NDArray[np.int64]
    score: float
    parts: Mapping[str, float]
    size: tuple[int, int]
    candidate_size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Quota:
    """One search type's day: how many may be asked of a partner, how many were, how many are left."""

    partner: str
    search_type: str
    day: int
    used: int

    @property
    def left(self) -> int:
        return max(0, self.day - self.used)


def queue(
    node: Node, *, side: str | None = None, states: Sequence[str] | None = None, limit: int = 200
) -> list[Conversation]:
    """Conversations, newest first."""
    with node.database.read() as tx:
        return conversations.list_conversations(tx, side=side, states=states, limit=limit)


def find(node: Node, conversation_id: str) -> Conversation:
    """One conversation by its id or the beginning of it; FormatError where there is none, or more than one."""
    with node.database.read() as tx:
        found = conversations.search_conversations(tx, conversation_id)
    exact = [one for one in found if one.id == conversation_id] or found
    if len(exact) != 1:
        raise FormatError(
            "NOD-106",
            "there is no such conversation here" if not exact else "more than one conversation begins like that",
            place=conversation_id[:40],
            remedy="`mithaq node status` lists them",
        )
    return exact[0]


def history(node: Node, conversation_id: str) -> list[dict[str, Any]]:
    """What happened in a conversation: messages with their receipts, and officers' signed acts, oldest first."""
    with node.database.read() as tx:
        rows = [
            {
                "at": message.created_at,
                "what": f"{message.kind}-{'sent' if message.direction == 'out' else 'received'}",
                "by": message.partner if message.direction == "in" else node.party,
                "receipted": message.receipt is not None,
                "attempts": message.attempts,
                "error": message.last_error or "",
            }
            for message in messages.conversation_messages(tx, conversation_id)
        ]
        rows += [
            {"at": act.at, "what": act.kind, "by": act.officer, "receipted": True, "attempts": 0, "error": ""}
            for act in conversations.conversation_acts(tx, conversation_id)
        ]
    return sorted(rows, key=lambda row: str(row["at"]))


def next_steps(conversation: Conversation) -> list[tuple[str, str]]:
    """The steps that a person can take now: (event, role)."""
    rows = possible(Side(conversation.side), State(conversation.state))
    people = (Actor.EXAMINER, Actor.OFFICER, Actor.SECOND_OFFICER)
    return [(str(event), str(row.actor)) for event, row in rows.items() if row.actor in people]


def quotas(node: Node, partner: str) -> list[Quota]:
    """What is left of today's quotas towards a partner: the figures that the gate will use (REQ-132)."""
    now = node.clock()
    agreement = node.agreements.current(partner, now)
    names = [str(name) for name in agreement.search_types if str(name) in node.served]
    with node.database.read() as tx:
        found = {name: counted.used_of(tx, node, agreement, partner, "out", name) for name in names}
    return [Quota(partner, name, day_limit(agreement, name, used), today) for name, (today, used) in found.items()]


def comparison(node: Node, conversation_id: str, reference: str) -> Comparison | None:
    """The query print and the print of the candidate `reference` that fit each other best; None where either is gone."""
    with node.database.read() as tx:
        asked = [node.open_print(p) for p in conversations.conversation_prints(tx, conversation_id, "query")]
        kept = conversations.conversation_prints(tx, conversation_id, "candidate")
        found = [node.open_print(p) for p in kept if p.reference == reference]
    if not asked or not found:
        return None
    network = node.settings.extract.network
    left = [(image, extract(image, network=network)) for image in (to_matcher(node.gray(one)) for one in asked)]
    right = [(image, extract(image, network=network)) for image in (to_matcher(node.gray(one)) for one in found)]
    scored = [(compare(a[1], b[1]), a, b) for a in left for b in right]
    score, (image_a, a), (image_b, b) = max(scored, key=lambda item: item[0].value)
    return Comparison(
        png_bytes(image_a),
        png_bytes(image_b),
        _rows(a),
        _rows(b),
        np.asarray(score.pairs, dtype=np.int64),
        float(score.value),
        dict(score.parts),
        (image_a.width, image_a.height),
        (image_b.width, image_b.height),
    )


def _rows(template: Template) -> NDArray[np.float64]:
    return np.column_stack([template.x_px, template.y_px, template.angle_rad]).astype(np.float64)


def request_of(node: Node, conversation_id: str) -> chain.Request | None:
    """The follow-up request that a holder keeps, or None."""
    with node.database.read() as tx:
        return chain.kept_request(tx, conversation_id)


def prepared_fields(node: Node, conversation_id: str) -> tuple[str, ...]:
    """The fields that the first officer prepared for release."""
    with node.database.read() as tx:
        acts = {act.kind: act for act in conversations.conversation_acts(tx, conversation_id)}
    return tuple(officers.read_act(acts["release-prepared"])["fields"]) if "release-prepared" in acts else ()


def available_fields(node: Node, conversation: Conversation, agreement: Agreement) -> list[str]:
    """Which agreed fields this holder has for the reference; names of fields, not their content."""
    fields = [str(name) for name in agreement.follow_up.core_data]
    return list(chain.held_fields(node.person(conversation.reference or ""), fields))


def ledger_status(node: Node) -> dict[str, Any]:
    """The ledger's size, its newest entries (kinds and times), and which checkpoint each partner co-signed."""
    with node.database.read() as tx:
        size = ledger.ledger_size(tx)
        rows = ledger.latest_entries(tx, 20)
        newest = [{"position": position, "kind": kind, "at": at} for position, kind, at in rows]
        cosigned = {}
        for partner in sorted(node.agreements.partners()):
            checkpoint = ledger.find_note(tx, node.party, partner)
            cosigned[partner] = {"size": checkpoint.size, "at": checkpoint.at} if checkpoint else None
    return {"party": node.party, "size": size, "cosigned": cosigned, "newest": newest}


def status(node: Node) -> dict[str, Any]:
    """What `mithaq node status` prints: agreements, states, what waits, the ledger."""
    with node.database.read() as tx:
        states = conversations.count_states(tx)
        waiting = messages.count_waiting(tx)
    return {
        "party": node.party,
        "contact": node.contact,
        "demonstration": node.settings.node.demonstration,
        "agreements": [
            {**one, "in_force": one["standing"] == "in-force", "to": one["end"]} for one in standing.overview(node)
        ],
        "agreement_problems": {name: str(error) for name, error in node.agreements.problems.items()},
        "conversations": [{"side": s, "state": t, "count": n} for (s, t), n in sorted(states.items())],
        "messages_waiting": waiting,
        "extracts_due": [
            {"extract": one.id, "due_at": one.due_at, "late": left < 0} for one, left in extracts.due(node)
        ],
        "ledger": ledger_status(node),
    }
