"""What is refused leaves an entry in this node's own ledger: its code or reason, its clause, and nothing else changes.

    a partner's message      FormatError, TrustError ──log_message──► message-refused (reason, clause, digest, code)
    a partner's checkpoint   TrustError ──log_checkpoint──► checkpoint-refused (origin, size, root, code, clause)
    an officer's own step    Refused, TrustError ──logged──► step-refused (step, reason or code, clause)

The partner learns the code alone. `refusal_of` says what a code means in both languages, with the clause behind it.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Concatenate, ParamSpec, TypeVar

from mithaq.errors import FormatError, MithaqError, TrustError
from mithaq.node import journal
from mithaq.node.gateway import Node
from mithaq.node.store import references
from mithaq.pact.agreement import Agreement
from mithaq.pact.certificate import certificate_fingerprint
from mithaq.pact.checkpoint import parse_add_checkpoint, parse_checkpoint, parse_note
from mithaq.pact.gate import Refused, refused

P = ParamSpec("P")
R = TypeVar("R")
SUSPENDED = "NOD-306"  # worth another try once the agreement is resumed, and logged all the same
# The reason (`pact/reasons.toml`) behind the code of a message that was refused; `_BY_KIND` has it for all others.
REASONS: Mapping[str, str] = {
    "PAC-112": "agreement-unknown", "PAC-113": "agreement-unknown", "NOD-108": "agreement-unknown",
    "NOD-132": "agreement-unknown",
    "PAC-111": "message-unfit", "PAC-207": "message-unfit", "PAC-208": "message-unfit",
    "PAC-116": "message-too-old", "PAC-117": "clocks-differ", "PAC-118": "message-too-old", "NOD-307": "clocks-differ",
    "NOD-105": "step-out-of-turn", "NOD-107": "step-out-of-turn", "NOD-102": "step-out-of-turn",
    "NOD-112": "not-requested", "NOD-113": "field-not-agreed", "NOD-225": "withheld-without-reason",
    "NOD-226": "caveat-not-agreed", "NOD-305": "caveat-without-ground", "NOD-202": "contact-role",
    "NOD-104": "candidates-too-many", SUSPENDED: "agreement-suspended",
    "PAC-151": "ledger-not-extended", "PAC-163": "ledger-not-extended", "PAC-164": "ledger-not-extended",
    "PAC-165": "ledger-not-extended", "PAC-168": "ledger-not-extended",
}  # fmt: skip
_FACTS = {
    "party": "partner",
    "field": "unnamed",
    "code": "unnamed",
    "contact": "unnamed",
    "role": "asked",
    "part": "release",
}


def refusal_of(error: MithaqError, agreement: Agreement) -> Refused:
    """What an error with which a message was refused means under an agreement: the reason in both languages, its clause."""
    reason = REASONS.get(error.code, "message-unfit" if isinstance(error, FormatError) else "message-not-trusted")
    return refused(reason, agreement, **_FACTS)


def log_message(node: Node, sealed: bytes, certificate: bytes, error: MithaqError) -> None:
    """Log a partner's message that had no effect; an error that only asks for another try is no refusal."""
    if not isinstance(error, FormatError | TrustError) and error.code != SUSPENDED:
        return
    fingerprint = certificate_fingerprint(certificate)
    partner = node.partner_with(fingerprint)
    facts = {"digest": hashlib.sha256(sealed).hexdigest(), "body_bytes": len(sealed), "certificate": fingerprint}
    with node.database.write() as tx:
        journal.write(
            tx, node, "message-refused", **facts, code=error.code, party=partner.party if partner else None,
            **_meaning(node, partner.party if partner else "", error),
        )  # fmt: skip


def log_checkpoint(node: Node, partner: str, body: bytes, error: TrustError) -> None:
    """Log a checkpoint that was not co-signed, as the partner wrote it; the same one offered again is not logged again."""
    digest = hashlib.sha256(body).hexdigest()
    if node.refused_heads.get(partner) == digest:
        return
    try:
        head = parse_checkpoint(parse_note(parse_add_checkpoint(body).note)[0])
        kind, facts = "checkpoint-refused", {"origin": head.origin, "size": head.size, "root": head.root.hex()}
    except TrustError:
        kind, facts = "message-refused", {"digest": digest, "body_bytes": len(body)}
    with node.database.write() as tx:
        journal.write(tx, node, kind, **facts, code=error.code, party=partner, **_meaning(node, partner, error))
    node.refused_heads[partner] = digest


def logged(step: Callable[Concatenate[Node, str, P], R]) -> Callable[Concatenate[Node, str, P], R]:
    """An officer's step (node, conversation or partner, officer=…) whose refusal is logged; it changes nothing else."""

    @functools.wraps(step)
    def done(node: Node, subject: str, /, *args: P.args, **terms: P.kwargs) -> R:
        by = str(terms.get("officer", ""))
        try:
            result = step(node, subject, *args, **terms)
        except TrustError as error:
            _log_step(node, step.__name__, subject, by, code=error.code)
            raise
        if isinstance(result, Refused):
            _log_step(node, step.__name__, subject, by, reason=result.reason, clause=result.clause_ref)
        return result

    return done


def _log_step(node: Node, step: str, subject: str, by: str, **why: str | None) -> None:
    """What else was typed for an officer's code may be anything, and is not kept."""
    conversation = subject if re.fullmatch("[0-9a-f]{32}", subject) else None
    with node.database.write() as tx:
        known = references.find_officer(tx, by)
        who = known.id if known else None
        journal.write(tx, node, "step-refused", event=step.replace("_", "-"), conversation=conversation, by=who, **why)


def _meaning(node: Node, partner: str, error: MithaqError) -> dict[str, str | None]:
    if not partner:
        return {}
    refusal = refusal_of(error, node.agreements.current(partner, node.clock()))
    return {"reason": refusal.reason, "clause": refusal.clause_ref or None}


__all__ = ["REASONS", "SUSPENDED", "log_checkpoint", "log_message", "logged", "refusal_of"]
