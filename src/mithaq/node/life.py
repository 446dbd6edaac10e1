"""The agreement's life as persons lead it: suspend, resume, terminate, consult, pass a quota in an emergency.

    officer ──passphrase──► signed act ─┐
                                        ├─ one transaction: life event + ledger + notice ──► the partner's `take_…`
    agreement, life so far ──checks─────┘

What one party declares has its effect here at once and at the other side on arrival of its notice, which is sent within
a second while the partner can be reached. Refusals are values with their clause; codes NOD-203 to NOD-207.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from mithaq.errors import SettingsError, TrustError
from mithaq.node import journal, notices, officers
from mithaq.node.gateway import Node
from mithaq.node.refusals import logged
from mithaq.node.standing import life_of
from mithaq.node.store import Tx
from mithaq.node.store.life import LifeEvent, add_event, events_with, find_event, make_work_due
from mithaq.pact.agreement import Agreement, clause_text
from mithaq.pact.credential import OfficerKey
from mithaq.pact.gate import Refused, refused, same_person
from mithaq.pact.message import Opened
from mithaq.pact.notices import notice_body
from mithaq.pact.quota import quota_day
from mithaq.pact.standing import Consultation, Override, Resumption, Suspension, Termination, earliest_end
from mithaq.pact.strict import plain
from mithaq.units import parse_timestamp, timestamp


@logged
def suspend(
    node: Node, partner: str, *, parts: Sequence[str], reason: str, officer: str, passphrase: str
) -> LifeEvent | Refused:
    """Suspend the agreement with a partner, whole (no parts) or in part; the event's id is what `resume` takes
    (REQ-163). Nothing of that part passes from this instant on, here and, on arrival, there."""
    terms = Suspension(cast(Any, tuple(dict.fromkeys(parts))), cast(Any, reason))
    key = officers.unlock(node, officer, passphrase, role="officer")
    agreement = _current(node, partner)
    _check_parts(agreement, parts)
    with node.database.write() as tx:
        if agreement.life.consult_first and not _consulted(events_with(tx, partner)):
            return refused("consultation-missing", agreement)
        return declare(tx, node, agreement, "suspension", terms, [key], event="suspended", reason=reason)


@logged
def resume(node: Node, partner: str, suspension: str, *, officer: str, passphrase: str) -> LifeEvent | Refused:
    """End a suspension that this party declared; `suspension` is its id or the beginning of it (REQ-163)."""
    key = officers.unlock(node, officer, passphrase, role="officer")
    agreement = _current(node, partner)
    with node.database.write() as tx:
        found = [
            one for one in life_of(tx, node, agreement).suspensions
            if suspension and one.id.startswith(suspension) and one.by == node.party
        ]  # fmt: skip
        if len(found) != 1:
            return refused("not-suspended", agreement)
        event = declare(tx, node, agreement, "resumption", Resumption(found[0].id), [key], event="resumed")
        make_work_due(tx, partner, timestamp(node.clock()))
    node.wake.set()
    return event


@logged
def terminate(
    node: Node, partner: str, *, at: datetime | None = None, reason: str = "denounced", officer: str, passphrase: str
) -> LifeEvent | Refused:
    """Terminate the agreement on notice, at the earliest instant that it allows where none is named (REQ-164)."""
    key = officers.unlock(node, officer, passphrase, role="officer")
    agreement = _current(node, partner)
    earliest = earliest_end(agreement, node.clock())
    end = at or earliest
    if end < earliest:
        return refused("notice-too-short", agreement, months=agreement.valid.notice_months)
    terms = Termination(timestamp(end), cast(Any, reason))
    with node.database.write() as tx:
        return declare(tx, node, agreement, "termination", terms, [key], event="terminated", reason=reason)


@logged
def consult(
    node: Node, partner: str, *, kind: str, about: str, held_at: datetime, text: str, officer: str, passphrase: str
) -> LifeEvent | Refused:
    """Record a consultation under the clause of a parameter or requirement, at both nodes (REQ-166). SettingsError
    NOD-206 where no clause stands behind `about`."""
    key = officers.unlock(node, officer, passphrase, role="officer")
    agreement = _current(node, partner)
    _require_clause(agreement, about)
    terms = Consultation(cast(Any, kind), about, timestamp(held_at), text)
    with node.database.write() as tx:
        return declare(tx, node, agreement, "consultation", terms, [key], event="consulted", reason=kind)


@logged
def override(
    node: Node, partner: str, *, search_type: str, extra: int, reason: str, approvals: Sequence[tuple[str, str]]
) -> LifeEvent | Refused:
    """Add queries to today's quota in an emergency: `approvals` are (officer, passphrase) of different persons. It holds
    once the partner's receipt of the notice is in, so that both ends count alike (REQ-131)."""
    keys = [officers.unlock(node, officer, passphrase, role="officer") for officer, passphrase in approvals]
    agreement = _current(node, partner)
    names = tuple(key.officer for key in keys)
    with node.database.write() as tx:
        day = quota_day(node.clock(), agreement)
        terms = Override(cast(Any, search_type), day, extra, cast(Any, reason), names)
        if refusal := _override_refusal(tx, agreement, partner, node.party, terms):
            return refusal
        return declare(tx, node, agreement, "override-used", terms, keys, event="quota-passed", reason=reason)


# ---------------------------------------------------------------- the partner's declarations


def take_suspension(tx: Tx, node: Node, agreement: Agreement, opened: Opened, terms: Suspension) -> dict[str, Any]:
    """The partner suspended: it holds from this transaction on."""
    return keep(tx, node, agreement, opened, "suspension", terms, event="suspended", reason=terms.reason)


def take_resumption(tx: Tx, node: Node, agreement: Agreement, opened: Opened, terms: Resumption) -> dict[str, Any]:
    """The partner ended a suspension of its own; what was parked is due at once. TrustError NOD-205 for any other."""
    begun = find_event(tx, terms.suspension)
    if begun is None or begun.about != "suspension" or begun.by != opened.manifest.sender:
        raise TrustError("NOD-205", "the sender has declared no such suspension", place="resumption")
    log = keep(tx, node, agreement, opened, "resumption", terms, event="resumed")
    make_work_due(tx, opened.manifest.sender, timestamp(node.clock()))
    return log


def take_termination(tx: Tx, node: Node, agreement: Agreement, opened: Opened, terms: Termination) -> dict[str, Any]:
    """The partner terminated on notice. TrustError NOD-204 where its notice is too short."""
    if _instant(terms.at) < earliest_end(agreement, opened.manifest.created_at):
        raise _unfit("the termination takes effect too soon", f"{agreement.valid.notice_months} months of notice")
    return keep(tx, node, agreement, opened, "termination", terms, event="terminated", reason=terms.reason)


def take_consultation(tx: Tx, node: Node, agreement: Agreement, opened: Opened, terms: Consultation) -> dict[str, Any]:
    """The partner recorded a consultation. TrustError NOD-204 where no clause stands behind it."""
    if clause_text(agreement, terms.about) is None:
        raise _unfit("no clause stands behind what was consulted about", "a parameter or requirement with a clause")
    _instant(terms.held_at)
    return keep(tx, node, agreement, opened, "consultation", terms, event="consulted", reason=terms.kind)


def take_override(tx: Tx, node: Node, agreement: Agreement, opened: Opened, terms: Override) -> dict[str, Any]:
    """The partner passes its quota in an emergency: counted here for that day. TrustError NOD-204 where the agreement
    does not allow it, or not so much of it."""
    sender = opened.manifest.sender
    if refusal := _override_refusal(tx, agreement, sender, sender, terms):
        raise _unfit(refusal.text.en, refusal.clause_ref or refusal.parameter)
    if terms.day not in (quota_day(opened.manifest.created_at, agreement), quota_day(node.clock(), agreement)):
        raise _unfit("the override is for another day", "the counting day on which it was declared")
    return keep(tx, node, agreement, opened, "override-used", terms, event="quota-passed", reason=terms.reason)


# ---------------------------------------------------------------- shared


def declare(
    tx: Tx, node: Node, agreement: Agreement, about: str, terms: Any, keys: Sequence[OfficerKey], **log: Any
) -> LifeEvent:
    """Sign, log, keep and tell a declaration of ours, in the caller's transaction."""
    partner, now = agreement.other(node.party), timestamp(node.clock())
    notice_body(about, terms)  # a term that the partner could not read is refused before anything is signed
    facts = {"agreement": agreement.id, "party": node.party, "at": now, "terms": plain(terms)}
    acts = [key.sign_act({"act": about, "officer": key.officer, **facts}) for key in keys]
    digests = [hashlib.sha256(act.encode("ascii")).hexdigest() for act in acts]
    by, reason = keys[0].officer, log.get("reason")
    message = notices.send(tx, node, agreement, partner, about, terms, by=by, act=digests[0], reason=reason)
    _log(tx, node, agreement, node.party, by=by, **log)
    event = LifeEvent(message.id, partner, node.party, about, agreement.id, plain(terms), acts, message.id, now)
    add_event(tx, event)
    node.wake.set()
    return event


def keep(
    tx: Tx, node: Node, agreement: Agreement, opened: Opened, about: str, terms: Any, **log: Any
) -> dict[str, Any]:
    """Keep and log the partner's declaration; returns what the notice's own entry says besides."""
    manifest, now = opened.manifest, timestamp(node.clock())
    event = LifeEvent(
        manifest.id, manifest.sender, manifest.sender, about, agreement.id, plain(terms), [], manifest.id, now
    )
    _log(tx, node, agreement, manifest.sender, **log)
    add_event(tx, event)
    return {"reason": log.get("reason")}


def _log(tx: Tx, node: Node, agreement: Agreement, party: str, *, event: str, reason: str = "", by: str = "") -> None:
    journal.write(tx, node, "agreement-changed", agreement=agreement.id, event=event, party=party, reason=reason, by=by)


def _override_refusal(tx: Tx, agreement: Agreement, partner: str, by: str, terms: Override) -> Refused | None:
    emergency = agreement.quota.emergency
    if not emergency.allowed:
        return refused("emergency-not-agreed", agreement)
    day = {str(name): one.day for name, one in agreement.search_types.items()}.get(terms.search_type)
    if day is None:
        return refused("search-type-not-agreed", agreement, search_type=terms.search_type)
    different = [
        name for at, name in enumerate(terms.approved_by)
        if not any(same_person(name, other) for other in terms.approved_by[:at])
    ]  # fmt: skip
    if len(different) < emergency.approvers or len(different) < len(terms.approved_by):
        return refused("override-approvers", agreement, needed=emergency.approvers)
    before = sum(
        event.terms["extra"]
        for event in events_with(tx, partner)
        if (event.about, event.by) == ("override-used", by)
        and (event.terms["search_type"], event.terms["day"]) == (terms.search_type, terms.day)
    )
    if before + terms.extra > day:  # an emergency doubles a day at most: without a bound there would be no quota
        return refused("override-too-large", agreement, search_type=terms.search_type, limit=day)
    return None


def _consulted(events: Sequence[LifeEvent]) -> bool:
    """True where a consultation about the agreement's life was recorded since the last suspension."""
    since = max((at for at, event in enumerate(events) if event.about == "suspension"), default=-1)
    return any(
        event.about == "consultation" and event.terms["about"].partition(".")[0] in ("life", "REQ-163")
        for event in events[since + 1 :]
    )


def _current(node: Node, partner: str) -> Agreement:
    return node.agreements.current(partner, node.clock())


def _check_parts(agreement: Agreement, parts: Sequence[str]) -> None:
    known = [*map(str, agreement.search_types), "release", "spontaneous"]
    if unknown := [part for part in parts if part not in known]:
        raise SettingsError(
            "NOD-207", f"{unknown[0][:40]} is no part of the agreement", key="part", expected=", ".join(known)
        )


def _require_clause(agreement: Agreement, about: str) -> None:
    if clause_text(agreement, about) is None:
        raise SettingsError(
            "NOD-206",
            "no clause of the agreement stands behind that",
            key="about",
            expected='a parameter, as "quota", or a requirement that the agreement names, as "REQ-054"',
            remedy="`mithaq agreement show` lists them",
        )


def _instant(text: str) -> datetime:
    try:
        return parse_timestamp(text)
    except ValueError:
        raise _unfit("there is no such instant", "a date and time of the calendar") from None


def _unfit(problem: str, expected: str) -> TrustError:
    return TrustError("NOD-204", problem, place="notice", expected=expected)


__all__ = [
    "consult", "declare", "keep", "override", "resume", "suspend", "take_consultation", "take_override", "take_resumption",
    "take_suspension", "take_termination", "terminate",
]  # fmt: skip
