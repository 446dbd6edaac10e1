"""What a person may see of a node, as plain data: queues, one conversation, two prints side by side, quotas, ledger.

The desk and the command line show these and nothing else. No view hands out what the agreement withholds: a holder sees
no reference print it did not itself store, a requester sees personal data only once it was released.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mithaq.errors import FormatError
from mithaq.finger import Template, compare, extract
from mithaq.image import png_bytes, to_matcher
from mithaq.node import chain, clocks, extracts, received, standing
from mithaq.node import quotas as counted
from mithaq.node.gateway import Node
from mithaq.node.store import conversations, ledger, messages, references
from mithaq.node.store.conversations import Conversation as Conversation
from mithaq.pact.agreement import Agreement
from mithaq.pact.gate import SPECIAL_FIELDS, Offence, Refused, is_excluded, refused
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


def by_channel(node: Node, channel: str) -> list[Conversation]:
    """Conversations whose answer also went through that other channel (REQ-167)."""
    with node.database.read() as tx:
        return conversations.channel_conversations(tx, channel)


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


def next_steps(node: Node, conversation: Conversation) -> list[tuple[str, str]]:
    """The steps that a person can take now: (event, role)."""
    agreement = node.agreements.by_id(conversation.agreement)
    rows = possible(Side(conversation.side), State(conversation.state), agreement)
    nobody = (Actor.SYSTEM, Actor.PARTNER)
    return [(str(event), str(row.actor)) for event, row in rows.items() if row.actor not in nobody]


def taken_by(node: Node, conversation: Conversation) -> frozenset[str]:
    """The officers of this node who took a part in what is decided now and may not take the next one as well: those who
    prepared or approved this release, those who gave an opinion on this hit."""
    prepared, opinions = ("release-prepared",), ("examination", "conclusion")
    kinds = {
        State.PREPARED: prepared,
        State.APPROVED: (*prepared, "release-approved"),
        State.EXAMINED: opinions,
        State.DISAGREEMENT: opinions,
    }.get(State(conversation.state), ())
    with node.database.read() as tx:
        acts = [act for act in conversations.conversation_acts(tx, conversation.id) if act.kind in kinds]
    if kinds != opinions:  # of a release that was sent back and prepared again, the newest acts count
        acts = list({act.kind: act for act in acts}.values())
    return frozenset(act.officer for act in acts)


def times(node: Node, conversation_id: str) -> list[dict[str, str]]:
    """When each message of a conversation was made and taken in, in UTC, by the own clock and by the partner's signed
    time (REQ-045): {"what", "own", "partner"}, oldest first."""
    with node.database.read() as tx:
        found = messages.conversation_messages(tx, conversation_id)
    rows = []
    for message in found:
        manifest = json.loads(message.manifest)
        out = message.direction == "out"
        partner = ""
        if not out:
            partner = manifest["created"]
        elif message.receipt is not None:
            partner = json.loads(_unsigned(message.receipt))["received_at"]
        what = f"{message.kind}-{'sent' if out else 'received'}"
        rows.append({"what": what, "own": message.created_at, "partner": partner})
    return rows


def _unsigned(receipt: bytes) -> bytes:
    """What a receipt says; its signature was checked when it came (`outgoing.check_receipt`)."""
    payload = receipt.split(b".")[1]
    return base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4))


def follow_up_closed(conversation: Conversation, agreement: Agreement) -> Refused | None:
    """Why no personal data follow a hit: an offence that the holder or both parties excluded (REQ-014); None otherwise."""
    holder = conversation.partner if conversation.side == Side.REQUESTER else agreement.other(conversation.partner)
    offence = Offence(conversation.offence["category"], int(conversation.offence["max_penalty_months"]))
    if not conversation.candidates or not is_excluded(offence, agreement, holder):
        return None
    return refused("offence-excluded", agreement, offence=offence.category)


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
        one = conversations.find_conversation(tx, conversation_id)
        if one is not None and one.side == Side.HOLDER and reference in one.candidates:  # its examiner confirms, too
            found = [node.open_reference(p) for p in references.prints_of(tx, reference)]
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
    return tuple(prepared(node, conversation_id).get("fields", ()))


def prepared(node: Node, conversation_id: str) -> dict[str, Any]:
    """What the first officer prepared: fields, withheld, relevance, handling, mla; {} before anybody did."""
    with node.database.read() as tx:
        return chain.prepared_release(tx, conversation_id)


def available_fields(node: Node, conversation: Conversation, agreement: Agreement) -> list[str]:
    """Which agreed fields this holder has for the reference; names of fields, not their content."""
    fields = [*(str(name) for name in agreement.follow_up.core_data), *sorted(SPECIAL_FIELDS)]
    return list(chain.held_fields(node.person(conversation.reference or ""), fields))


def released(node: Node, conversation_id: str) -> dict[str, Any]:
    """The personal data that the partner released in a conversation, those of special nature left out; none before the
    conditions are accepted (`received`)."""
    return dict(received.received(node, find(node, conversation_id)).fields)


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
        "limits_passed": [
            {"conversation": clock.conversation, "clock": clock.name, "due_at": clock.due_at}
            for clock in clocks.late(node)
        ],
        "extracts_due": [
            {"extract": one.id, "due_at": one.due_at, "late": left < 0} for one, left in extracts.due(node)
        ],
        "ledger": ledger_status(node),
    }
