"""Co-signing: each side shows the other its ledger's head, and signs the other's only where it extends what it knew.

offer      our checkpoint, proof since the size they know ──► their co-signature, kept with it
co_sign    their checkpoint and proof, held against the newest we know ──► our co-signature, or the size we know
"""

from __future__ import annotations

from mithaq.errors import PartnerError, TrustError
from mithaq.node import journal
from mithaq.node.gateway import Node
from mithaq.node.store import Tx, ledger
from mithaq.node.store.ledger import Note
from mithaq.pact.agreement import Agreement
from mithaq.pact.certificate import certificate_fingerprint
from mithaq.pact.checkpoint import (
    WITNESS_STATUS,
    AddCheckpoint,
    Checkpoint,
    Conflict,
    add_signatures,
    consider_checkpoint,
    format_add_checkpoint,
    parse_add_checkpoint,
    sign_checkpoint,
    verify_checkpoint,
    verify_cosignature,
)
from mithaq.pact.keys import Vkey, parse_vkey
from mithaq.pact.merkle import consistency_proof, root
from mithaq.units import timestamp


def checkpoint_keys(agreement: Agreement, party: str) -> list[Vkey]:
    """The keys with which a party signs its ledger and co-signs the other's."""
    return [parse_vkey(text) for text in agreement.parties[party].keys.checkpoint]


def offer(node: Node, partner: str) -> bool:
    """Have the partner co-sign our newest head; True where there was something new. PartnerError where it did not."""
    agreement = node.agreements.current(partner, node.clock())
    poster = node.post(partner, agreement)
    with node.database.read() as tx:
        size = ledger.ledger_size(tx)
        known = ledger.find_note(tx, node.party, partner)
        old = known.size if known else 0
        if size == old:
            return False
        head = Checkpoint(
            node.keys.checkpoint.name, size, root(size, lambda level, at: ledger.node_hash(tx, level, at))
        )
        note = sign_checkpoint(head, node.keys.checkpoint)
        request = _request(tx, old, size, note)
    status, text = poster.exchange_checkpoint(request)
    if status == 409:
        theirs = int(text) if text.strip().isdigit() else -1
        if not 0 <= theirs <= size:
            raise PartnerError(
                "NOD-160",
                "the partner knows a longer ledger of ours than we have",
                place=partner,
                may_retry=False,
                remedy="this node was restored from an old back-up: stop it, and follow docs/operate.md",
            )
        with node.database.read() as tx:
            request = _request(tx, theirs, size, note)
        status, text = poster.exchange_checkpoint(request)
    try:
        signed = add_signatures(note, text)
        verify_cosignature(signed, checkpoint_keys(agreement, partner), now=node.clock())
    except TrustError as error:
        raise PartnerError("NOD-161", f"the partner did not co-sign our ledger ({error.code})", place=partner) from None
    with node.database.write() as tx:
        ledger.keep_note(tx, Note(node.party, partner, size, signed, timestamp(node.clock())))
    return True


def _request(tx: Tx, old: int, size: int, note: str) -> bytes:
    proof = consistency_proof(old, size, lambda level, at: ledger.node_hash(tx, level, at))
    return format_add_checkpoint(AddCheckpoint(old, tuple(proof), note))


def co_sign(node: Node, body: bytes, certificate: bytes) -> tuple[int, str]:
    """Answer a partner's offer: (200, our signature line) or (409, the size we know).

    TrustError for a stranger, a fork or a roll-back; the latter two are logged, since they are what the ledger is for.
    """
    partner = node.partner_with(certificate_fingerprint(certificate))
    if partner is None:
        raise TrustError("PAC-102", "the connection's certificate is pinned for nobody", place="checkpoint")
    agreement = node.agreements.current(partner.party, node.clock())
    keys = checkpoint_keys(agreement, partner.party)
    try:
        with node.database.write() as tx:
            stored = ledger.find_note(tx, partner.party, node.party)
            known = verify_checkpoint(stored.note, keys) if stored else None
            answer = consider_checkpoint(body, keys=keys, known=known, key=node.keys.checkpoint, at=node.clock())
            if isinstance(answer, Conflict):
                return 409, f"{answer.size}\n"
            note = parse_add_checkpoint(body).note
            signed = add_signatures(note, answer.line)
            size = answer.checkpoint.size
            ledger.keep_note(tx, Note(partner.party, node.party, size, signed, timestamp(node.clock())))
        return 200, answer.line
    except TrustError as error:
        if WITNESS_STATUS.get(error.code) in (409, 422):
            _log_refusal(node, body, error)
        raise


def _log_refusal(node: Node, body: bytes, error: TrustError) -> None:
    """A ledger that shrank or forked: keep what the partner itself signed."""
    offered = verify_checkpoint(parse_add_checkpoint(body).note, _all_keys(node))
    with node.database.write() as tx:
        journal.write(
            tx,
            node,
            "checkpoint-refused",
            origin=offered.origin,
            size=offered.size,
            root=offered.root.hex(),
            code=error.code,
        )


def _all_keys(node: Node) -> list[Vkey]:
    return [key for one in node.agreements.all() for code in one.parties for key in checkpoint_keys(one, code)]
