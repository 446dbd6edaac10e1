"""Deletion certificates at a node: made when released data are erased here, verified when they come from the partner.

requester: sweep ─► certificate ─► kept, and a notice ─────► holder: take ─► verified against its own release, kept
"""

from __future__ import annotations

import hashlib
from typing import Any

from mithaq.errors import TrustError
from mithaq.node.gateway import Node
from mithaq.node.store import Tx, conversations, matters, retention
from mithaq.node.store.conversations import Conversation
from mithaq.node.store.matters import Matter
from mithaq.node.store.retention import Certificate
from mithaq.pact.agreement import Agreement
from mithaq.pact.deletion import Deletion, DeletionCertificate, make_certificate, read_certificate
from mithaq.pact.lifecycle import Side
from mithaq.pact.message import Opened
from mithaq.units import timestamp


def digest(signed: str) -> str:
    """SHA-256 of a certificate, hex: the name under which the ledger knows it."""
    return hashlib.sha256(signed.encode("ascii")).hexdigest()


def make(tx: Tx, node: Node, source: Conversation | Matter, reason: str) -> Certificate:
    """The certificate that a conversation's released data, or those of a supply, are erased; kept."""
    reference, release = _release(tx, source, "in")
    now = timestamp(node.clock())
    deletion = Deletion(
        schema="mithaq-deletion-1",
        id=node.new_id(),
        party=node.party,
        partner=source.partner,
        agreement=source.agreement,
        conversation=source.id,
        reference=reference,
        release=release,
        reason=reason,  # type: ignore[arg-type]
        erased_at=now,
    )
    signed = make_certificate(deletion, node.keys.sign)
    made = Certificate(
        deletion.id, "out", deletion.partner, deletion.conversation, deletion.reference, signed, deletion.erased_at
    )
    retention.keep_certificate(tx, made)
    return made


def _release(tx: Tx, source: Conversation | Matter, direction: str) -> tuple[str, str]:
    """(reference, digest) of what was released in a conversation, or supplied: a supply's own id is its reference."""
    if isinstance(source, Conversation):
        return source.reference or "", retention.release_digest(tx, source.id, direction)
    return source.id, str(source.facts.get("release", ""))


def take(tx: Tx, node: Node, agreement: Agreement, opened: Opened, terms: DeletionCertificate) -> dict[str, Any]:
    """Verify the partner's certificate against what we released, and keep it; what the ledger says of it.

    TrustError PAC-108 to PAC-110, PAC-260, PAC-261 for a certificate that is none of that party's; NOD-262 where it is of
    another release than the one that this node sent. Where our log of the release is past its time already, the signature
    alone was checked, and the ledger says `no-record`.
    """
    sender = opened.manifest.sender
    keys = agreement.parties[sender].keys.sign
    deletion = read_certificate(terms.signed, keys, party=sender, partner=node.party)
    source = conversations.find_conversation(tx, deletion.conversation) or matters.find_matter(
        tx, deletion.conversation
    )
    if source is not None:
        supplied = source.side == Side.HOLDER if isinstance(source, Conversation) else source.ours
        held = (source.partner, supplied, *_release(tx, source, "out"))
        if held != (sender, True, deletion.reference, deletion.release):
            raise TrustError(
                "NOD-262",
                "the certificate is of a release that this node did not send",
                place="deletion certificate",
                expected="the reference number and the digest of our own release",
            )
    kept = Certificate(
        deletion.id, "in", sender, deletion.conversation, deletion.reference, terms.signed, deletion.erased_at
    )
    retention.keep_certificate(tx, kept)
    outcome = "verified" if source is not None else "no-record"
    return {"reference": deletion.reference, "document": digest(terms.signed), "outcome": outcome}


def everything(node: Node) -> list[tuple[Certificate, Deletion | None]]:
    """All certificates of both directions, newest first, each read and verified again; None where it does not verify."""
    with node.database.read() as tx:
        kept = retention.list_certificates(tx)
    return [(one, _verified(node, one)) for one in kept]


def _verified(node: Node, kept: Certificate) -> Deletion | None:
    party, partner = (node.party, kept.partner) if kept.direction == "out" else (kept.partner, node.party)
    keys = [
        key for one in node.agreements.all() if one.party(party) is not None for key in one.parties[party].keys.sign
    ]
    try:
        return read_certificate(kept.signed, keys, party=party, partner=partner)
    except TrustError:
        return None
