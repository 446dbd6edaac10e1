"""Section 11: the supplier's consent to another use of its data, or to handing them on. A consent is a signed document.

    receiver   ask ──consent-request──► take_request ─► grant (signed Consent) | refuse              : supplier
               take_answer ◄──consent-answer──            revoke
               take_revoked ◄──consent-revoked──

Without one that stands, `held.use` and `held.disclose` are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from mithaq.errors import SettingsError, TrustError
from mithaq.node import officers
from mithaq.node.exchanges.correction import _in_state
from mithaq.node.exchanges.held import CONSENT_TYPE, read_consent
from mithaq.node.exchanges.matters import (
    begin,
    begin_theirs,
    change,
    keep_text,
    of_notice,
    open_matter,
    say,
    sign,
    subject_of,
    texts,
)
from mithaq.node.gateway import Node
from mithaq.node.store import Tx
from mithaq.node.store.matters import Matter
from mithaq.pact.agreement import Agreement
from mithaq.pact.exchanges import Consent, ConsentAnswer, ConsentRequest, ConsentRevoked
from mithaq.pact.gate import Refused, refused
from mithaq.pact.jose import sign_compact
from mithaq.pact.message import Opened
from mithaq.pact.strict import canonical, plain, read
from mithaq.units import parse_timestamp, timestamp


def ask(
    node: Node,
    subject_id: str,
    *,
    use: Literal["other-use", "third-state", "international-body", "private"],
    recipient: str,
    purpose: str,
    safeguards: str,
    officer: str,
    passphrase: str,
    fields: tuple[str, ...] = (),
) -> Matter | Refused:
    """Ask the supplier whether its data may be used otherwise, or handed to a recipient, with the safeguards there."""
    credential = officers.unlock(node, officer, passphrase, role="officer")
    with node.database.write() as tx:
        subject = subject_of(tx, subject_id)
        agreement = node.agreements.by_id(subject.agreement)
        if not subject.held or not node.released(subject.id):
            return refused("not-released", agreement)
        terms = ConsentRequest(subject.id, use, recipient.strip(), purpose, safeguards, fields)  # type: ignore[arg-type]
        due = node.clock() + timedelta(days=agreement.duties.consent_days)
        matter = begin(
            tx, node, "consent", agreement, subject.partner, state="sent", subject=subject.id, due=due, use=use
        )
        act = sign(tx, node, credential, matter.id, "consent-request", subject=subject.id, use=use)
        say(
            tx, node, matter, agreement, "consent-request", terms, reason=use, by=officer, act=act.digest,
            case=subject.case, fields=list(fields),
        )  # fmt: skip
    node.wake.set()
    return matter


def take_request(tx: Tx, node: Node, agreement: Agreement, opened: Opened, terms: ConsentRequest) -> dict[str, Any]:
    """The receiver asks: the matter waits for an officer."""
    subject = subject_of(tx, terms.subject, partner=opened.manifest.sender)
    if subject.held:
        raise TrustError("NOD-255", "only the supplier of data can consent to their use", place="consent-request")
    begin_theirs(
        tx, node, "consent", agreement, opened, terms, "consent-request", state="received", subject=subject.id,
        due=node.clock() + timedelta(days=agreement.duties.consent_days), use=terms.use,
    )  # fmt: skip
    return {"subject": subject.id, "reason": terms.use, "fields": list(terms.fields)}


def grant(
    node: Node,
    matter_id: str,
    *,
    until: datetime,
    officer: str,
    passphrase: str,
    conditions: tuple[str, ...] = (),
    explanation: str = "",
) -> Matter | Refused:
    """Consent, under conditions and until an instant; the consent is signed with the node's own key."""
    if until <= node.clock():
        raise SettingsError("NOD-256", "the consent would have ended already", key="until", expected="a later instant")
    credential = officers.unlock(node, officer, passphrase, role="officer")
    with node.database.write() as tx:
        matter, agreement = open_matter(tx, node, matter_id, "consent", ours=False)
        _in_state(matter, "received")
        asked = read(ConsentRequest, texts(node, matter.id)["consent-request"], what="consent-request")
        consent = Consent(matter.id, matter.subject, asked.use, asked.recipient, conditions, timestamp(until))
        read(Consent, plain(consent), what="consent")
        proof = sign_compact(canonical(plain(consent)), node.keys.sign, typ=CONSENT_TYPE).decode()
        act = sign(tx, node, credential, matter.id, "consent-granted", subject=matter.subject, until=consent.until)
        matter = change(tx, node, matter, "granted", until=consent.until)
        terms = ConsentAnswer("granted", explanation, proof)
        say(
            tx, node, matter, agreement, "consent-answer", terms, outcome="granted", by=officer, act=act.digest
        )  # fmt: skip
    node.wake.set()
    return matter


def refuse(node: Node, matter_id: str, *, explanation: str, officer: str, passphrase: str) -> Matter | Refused:
    """Refuse consent."""
    credential = officers.unlock(node, officer, passphrase, role="officer")
    with node.database.write() as tx:
        matter, agreement = open_matter(tx, node, matter_id, "consent", ours=False)
        _in_state(matter, "received")
        act = sign(tx, node, credential, matter.id, "consent-refused", subject=matter.subject)
        matter = change(tx, node, matter, "refused")
        terms = ConsentAnswer("refused", explanation, None)
        say(
            tx, node, matter, agreement, "consent-answer", terms, outcome="refused", by=officer, act=act.digest
        )  # fmt: skip
    node.wake.set()
    return matter


def take_answer(tx: Tx, node: Node, agreement: Agreement, opened: Opened, terms: ConsentAnswer) -> dict[str, Any]:
    """The supplier's answer; a consent must be signed by it, for this matter, subject and recipient."""
    matter = of_notice(tx, opened, "consent", ["sent", "revoked"])
    if (terms.decision == "granted") is (terms.proof is None):
        raise TrustError("NOD-257", "a consent comes with its signature, a refusal without", place="consent-answer")
    facts: dict[str, Any] = {}
    if terms.proof is not None:
        consent = read_consent(terms.proof, agreement, matter.partner)
        asked = texts(node, matter.id)["consent-request"]
        wanted = (matter.id, matter.subject, asked["use"], asked["recipient"])
        if (consent.matter, consent.subject, consent.use, consent.recipient) != wanted:
            raise TrustError("NOD-258", "the consent is for something else than was asked", place="consent-answer")
        parse_timestamp(consent.until)
        facts = {"until": consent.until}
    if matter.state == "sent":  # a revocation that overtook the consent stands
        change(tx, node, matter, terms.decision, **facts)
    keep_text(node, matter, "consent-answer", terms)
    return {"subject": matter.subject, "outcome": terms.decision}


def revoke(node: Node, matter_id: str, *, explanation: str, officer: str, passphrase: str) -> Matter:
    """End a consent; from the notice's arrival nothing more is used or handed on under it."""
    credential = officers.unlock(node, officer, passphrase, role="officer")
    with node.database.write() as tx:
        matter, agreement = open_matter(tx, node, matter_id, "consent", ours=False)
        _in_state(matter, "granted")
        act = sign(tx, node, credential, matter.id, "consent-revoked", subject=matter.subject)
        matter = change(tx, node, matter, "revoked")
        terms = ConsentRevoked(explanation)
        say(
            tx, node, matter, agreement, "consent-revoked", terms, by=officer, act=act.digest
        )  # fmt: skip
    node.wake.set()
    return matter


def take_revoked(tx: Tx, node: Node, agreement: Agreement, opened: Opened, terms: ConsentRevoked) -> dict[str, Any]:
    """The supplier ends its consent."""
    matter = of_notice(tx, opened, "consent", ["granted", "sent"])
    change(tx, node, matter, "revoked")
    keep_text(node, matter, "consent-revoked", terms)
    return {"subject": matter.subject}


FOLLOWS: Mapping[str, Callable[..., dict[str, Any]]] = {
    "consent-request": take_request,
    "consent-answer": take_answer,
    "consent-revoked": take_revoked,
}
