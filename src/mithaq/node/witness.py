"""Co-signing: each side shows the other its ledger's head, and signs the other's only where it extends what it knew.

begin      at start: our ledger against the co-signatures we keep; then no query until the partner agrees, too
offer      our checkpoint, proof since the size they know ──► their co-signature, kept with it
co_sign    their checkpoint and proof, held against the newest we know ──► our co-signature, or the size we know
"""

from __future__ import annotations

from mithaq.errors import MithaqError, PartnerError, TrustError
from mithaq.node import refusals
from mithaq.node.gateway import COMPARE_RETRY_S, Node
from mithaq.node.store import Tx, ledger
from mithaq.node.store.ledger import Note
from mithaq.pact.certificate import certificate_fingerprint
from mithaq.pact.checkpoint import (
    AddCheckpoint,
    Checkpoint,
    Conflict,
    add_signatures,
    check_own,
    consider_checkpoint,
    format_add_checkpoint,
    parse_add_checkpoint,
    parse_checkpoint,
    parse_note,
    sign_checkpoint,
    verify_checkpoint,
    verify_cosignature,
)
from mithaq.pact.merkle import consistency_proof, root
from mithaq.pact.rotation import ledger_keys
from mithaq.units import timestamp

NOT_COMPARED = "NOD-164"  # the partner has not said yet what it knows of our ledger
NOT_COUNTED = "NOD-208"  # nor what it counted of our quotas (`quotas.begin`)
ROLLED_BACK = frozenset({"PAC-151", "PAC-164", "PAC-165", "NOD-160"})  # it knows a longer or another one


def begin(node: Node) -> None:
    """Before a node serves: TrustError PAC-164 or PAC-165 where its ledger is not the one that a partner co-signed.

    An old back-up holds the old co-signature too, so what the partner itself knows counts: queries with each partner
    wait, both ways, until `offer` has brought its co-signature on our present head (`upkeep.cosign` tries it every
    second). Everything else passes: corrections, withdrawals and notices must (Law 10).
    """
    for partner in node.agreements.partners():
        with node.database.read() as tx:
            known = ledger.find_note(tx, node.party, partner)
            if known is not None:
                checkpoint = parse_checkpoint(parse_note(known.note)[0])
                check_own(ledger.ledger_size(tx), lambda level, at: ledger.node_hash(tx, level, at), checkpoint)
        node.held[partner] = NOT_COMPARED


def failed(node: Node, partner: str, error: MithaqError) -> None:
    """Our head was not co-signed; where the partner knows another history, queries with it wait until that is settled."""
    if error.code in ROLLED_BACK:
        node.held[partner] = error.code
    node.cosign_failed(partner)


def require_compared(node: Node, partner: str) -> None:
    """PartnerError NOD-164 where queries with the partner must wait."""
    if partner in node.held:
        raise PartnerError(
            NOT_COMPARED,
            f"queries wait: the partner has not agreed on this ledger ({node.held[partner]})",
            place=partner,
            retry_after_s=COMPARE_RETRY_S,
            remedy="none while the partner is being reached; after a restored back-up see docs/operate.md",
        )


def offer(node: Node, partner: str) -> bool:
    """Have the partner co-sign our newest head; True where there was something new. PartnerError where it did not."""
    agreement = node.agreements.current(partner, node.clock())
    poster = node.post(partner, agreement)
    with node.database.read() as tx:
        size = ledger.ledger_size(tx)
        known = ledger.find_note(tx, node.party, partner)
        old = known.size if known else 0
        if size == old and partner not in node.held:
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
        verify_cosignature(signed, ledger_keys(agreement, partner, node.told(partner)), now=node.clock())
    except TrustError as error:
        raise PartnerError("NOD-161", f"the partner did not co-sign our ledger ({error.code})", place=partner) from None
    with node.database.write() as tx:
        ledger.keep_note(tx, Note(node.party, partner, size, signed, timestamp(node.clock())))
    if partner in node.held and partner in node.uncounted:
        node.held[partner] = NOT_COUNTED
    elif node.held.pop(partner, None) is not None:
        node.wake.set()
    return True


def _request(tx: Tx, old: int, size: int, note: str) -> bytes:
    proof = consistency_proof(old, size, lambda level, at: ledger.node_hash(tx, level, at))
    return format_add_checkpoint(AddCheckpoint(old, tuple(proof), note))


def co_sign(node: Node, body: bytes, certificate: bytes) -> tuple[int, str]:
    """Answer a partner's offer: (200, our signature line) or (409, the size we know).

    TrustError for a stranger, a foreign key, a fork or a roll-back; what a partner offered is logged (`refusals`).
    """
    partner = node.partner_with(certificate_fingerprint(certificate))
    if partner is None:
        raise TrustError("PAC-102", "the connection's certificate is pinned for nobody", place="checkpoint")
    agreement = node.agreements.current(partner.party, node.clock())
    told = node.told(partner.party)
    keys = ledger_keys(agreement, partner.party, told)
    ever = ledger_keys(agreement, partner.party, told, ever=True)
    try:
        with node.database.write() as tx:
            stored = ledger.find_note(tx, partner.party, node.party)
            known = verify_checkpoint(stored.note, ever) if stored else None
            answer = consider_checkpoint(body, keys=keys, known=known, key=node.keys.checkpoint, at=node.clock())
            if isinstance(answer, Conflict):
                return 409, f"{answer.size}\n"
            note = parse_add_checkpoint(body).note
            signed = add_signatures(note, answer.line)
            size = answer.checkpoint.size
            ledger.keep_note(tx, Note(partner.party, node.party, size, signed, timestamp(node.clock())))
        return 200, answer.line
    except TrustError as error:
        refusals.log_checkpoint(node, partner.party, body, error)
        raise
