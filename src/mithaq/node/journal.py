"""Writing the ledger: one entry for each thing that happened, in the transaction in which it happened.

What an entry may hold is `pact.entries`: digests, types, finger positions, codes of officers and bodies, the reason.
Never a picture, a name or a template; a field that is not listed there is refused before anything is stored.
"""

from __future__ import annotations

from typing import Any

from mithaq.node.gateway import Node
from mithaq.node.stages import Stages
from mithaq.node.store import Tx, ledger, lock_ledger
from mithaq.pact.entries import entry_body
from mithaq.pact.ledger import Entry, new_entry
from mithaq.pact.merkle import append_nodes
from mithaq.pact.message import Manifest, Opened
from mithaq.units import timestamp


def write(tx: Tx, node: Node, kind: str, **data: Any) -> Entry:
    """Append an entry to the ledger within the caller's transaction. Facts that are None are left out."""
    at = node.clock()
    body = entry_body(kind, at, {name: value for name, value in data.items() if value not in (None, "")})
    entry = new_entry(lock_ledger(tx), body)
    nodes = append_nodes(entry.index, entry.leaf_hash, lambda level, index: ledger.node_hash(tx, level, index))
    ledger.add_entry(tx, entry, kind, timestamp(at), nodes)
    return entry


def envelope(manifest: Manifest, digest: str) -> dict[str, Any]:
    """The facts of a message that every entry about one holds."""
    return {
        "message": manifest.id,
        "conversation": manifest.conversation,
        "agreement": manifest.agreement,
        "digest": digest,
        "sender": manifest.sender,
        "sender_contact": manifest.sender_contact,
        "recipient": manifest.recipient,
        "recipient_contact": manifest.recipient_contact,
        "body_type": manifest.body_type,
        "body_bytes": manifest.body_bytes,
        "created": manifest.created,
    }


def received(tx: Tx, node: Node, opened: Opened, stages: Stages, **data: Any) -> Entry:
    """Append the entry of a message that came in."""
    with stages("ledger"):
        kind = f"{opened.manifest.kind}-received"
        return write(tx, node, kind, **envelope(opened.manifest, opened.digest), **data)
