"""The one gate before supplied data are opened: which of the four uses, and for the fourth the supplier's consent.

    use (a) to (c) ─────────────────────────► gate ─► None, or the refusal, which is logged (`use-refused`)
    use (d) + the matter of the consent ──► read_consent: signed by the supplier, for these data, standing

Whoever shows, uses, exports or hands on what a partner supplied asks here first and logs the use (REQ-100).
"""

from __future__ import annotations

from mithaq.node import journal
from mithaq.node.exchanges.matters import Subject, open_matter, texts
from mithaq.node.gateway import Node
from mithaq.node.store import Tx
from mithaq.node.store import matters as store
from mithaq.node.store.matters import Mark
from mithaq.pact.agreement import Agreement
from mithaq.pact.exchanges import Consent, UseFacts, gate_use
from mithaq.pact.gate import Refused
from mithaq.pact.jose import verify_compact
from mithaq.pact.strict import load, read

CONSENT_TYPE = "mithaq-consent+jws"


def standing(tx: Tx, subject_id: str) -> Mark:
    """The mark on supplied data; "active" where nobody set one."""
    return store.find_mark(tx, subject_id) or Mark(subject_id, "active", "", "", "", "")


def gate(
    tx: Tx,
    node: Node,
    subject: Subject,
    officer: str,
    *,
    use: str,
    consent: str,
    recipient: str = "",
    recipient_kind: str = "",
) -> Refused | None:
    """None where the data of this subject may be opened for that use, or handed to that recipient (REQ-100)."""
    agreement = node.agreements.by_id(subject.agreement)
    with node.identities.read() as identities:
        released = subject.held and subject.id in store.received_subjects(identities)
    state = standing(tx, subject.id)
    given, stands = _consent(tx, node, subject, agreement, consent)
    facts = UseFacts(released, state.state, state.use, use, recipient_kind, recipient.strip(), given, stands)
    decision = gate_use(facts, agreement, at=node.clock())
    if not isinstance(decision, Refused):
        return None
    log = {"subject": subject.id, "reason": decision.reason, "by": officer}
    codes = {"use": use, "recipient_kind": recipient_kind} if decision.reason != "use-not-permitted" else {}
    journal.write(tx, node, "use-refused", **log, **codes)
    return decision


def _consent(tx: Tx, node: Node, subject: Subject, agreement: Agreement, matter_id: str) -> tuple[Consent | None, bool]:
    """The consent that a matter holds, read from the supplier's signature anew; and whether it stands."""
    if not matter_id:
        return None, False
    matter, _ = open_matter(tx, node, matter_id, "consent", ours=True)
    proof = texts(node, matter.id).get("consent-answer", {}).get("proof")
    if not proof:
        return None, False
    consent = read_consent(str(proof), agreement, subject.partner)
    return consent, matter.state == "granted" and (consent.matter, consent.subject) == (matter.id, subject.id)


def read_consent(proof: str, agreement: Agreement, supplier: str) -> Consent:
    """The consent that the supplier signed; TrustError (`pact.jose`) where the signature is not one of its keys."""
    keys = agreement.parties[supplier].keys.sign
    payload = verify_compact(proof.encode(), keys, typ=CONSENT_TYPE, place="consent").payload
    return read(Consent, load(payload, what="consent"), what="consent")
