"""The second step: personal data, asked for after an examiner's conclusion, released by two officers (REQ-050 ff.).

      requester                                            holder
      request_data ──request──────────────────────────►   take_request       pause_clock, resume_clock
                                                           prepare_release (officer), approve_release (another; for
                                                           data of special nature a third), or return_release
      take_release ◄───────────────────release──────────   or refuse_release, with a coded reason

A release is whole, or partial with a coded reason for each field withheld; it carries its conditions (REQ-051 to 058).
What the receiver does with it is in `received`. `flow` tells the whole story and hands these functions on.
"""

from __future__ import annotations

from collections.abc import Mapping

from mithaq.errors import PartnerError
from mithaq.node import chain, clocks, journal, notices, officers, outgoing
from mithaq.node.gateway import Node
from mithaq.node.refusals import SUSPENDED, logged
from mithaq.node.stages import Stages
from mithaq.node.standing import how, life_of
from mithaq.node.states import may, move, of_message, open_conversation
from mithaq.node.store import Tx
from mithaq.node.store.conversations import Conversation
from mithaq.pact.agreement import Agreement
from mithaq.pact.caveats import Handling, problem
from mithaq.pact.gate import Refused, gate_release, gate_request, refused, same_person
from mithaq.pact.ledger import Entry
from mithaq.pact.lifecycle import RELEASE_EVENT, Actor, Event, Side, State
from mithaq.pact.message import Opened
from mithaq.pact.schemes import require_schemes
from mithaq.pact.standing import How
from mithaq.pact.steps import Pause
from mithaq.pact.strict import plain, read


@logged
def request_data(
    node: Node,
    conversation_id: str,
    *,
    officer: str,
    passphrase: str,
    fields: tuple[str, ...] = (),
    urgent: bool = False,
) -> Conversation | Refused:
    """Ask the holder for the personal data behind a confirmed hit: a separate, explicit request (REQ-050)."""
    credential = officers.unlock(node, officer, passphrase, role="officer")
    with node.database.write() as tx:
        conversation, agreement = open_conversation(tx, node, conversation_id)
        facts = chain.request_facts(node, agreement, conversation, officer, fields)
        decision = gate_request(
            facts,
            chain.on_record(tx, node, conversation),
            agreement,
            at=node.clock(),
            life=life_of(tx, node, agreement),
        )
        refusal = (
            decision if isinstance(decision, Refused) else may(conversation, Event.REQUEST, Actor.OFFICER, agreement)
        )
        if refusal:
            node.metrics.refused.labels(refusal.reason, "sender").inc()
            return refusal
        terms = {"reference": facts.reference, "fields": list(fields), "urgent": urgent}
        act = officers.act(tx, node, credential, conversation, "request", **terms)
        conversation = move(tx, node, conversation, Event.REQUEST, Actor.OFFICER, agreement)
        clocks.start(
            tx, node, conversation.id, clocks.FOLLOW_UP, clocks.limit_of(agreement, clocks.FOLLOW_UP, urgent=urgent)
        )
        body = chain.request_body(tx, facts, conversation, urgent=urgent, act=act.signed)
        log = {"reference": facts.reference, "case": facts.case, "by": officer, "act": act.digest}
        log["purpose"] = conversation.purpose
        outgoing.post(
            tx, node, agreement, conversation.partner, conversation.id, "request", body, stages=Stages(), **log
        )
    node.wake.set()
    return conversation


def take_request(tx: Tx, node: Node, agreement: Agreement, opened: Opened, stages: Stages) -> Entry:
    """Gate a follow-up request on arrival; accepted, it waits for the first officer."""
    conversation = of_message(tx, node, opened, Side.HOLDER)
    request = chain.read_request(opened.body)
    with stages("gate"):
        facts = chain.their_request(node, opened, request)
        record = chain.on_record(tx, node, conversation, request)
        decision = gate_request(facts, record, agreement, at=node.clock(), life=life_of(tx, node, agreement))
    named = {"reference": request.reference} if request.reference in conversation.candidates else {}
    conversation = move(tx, node, conversation, Event.REQUEST, Actor.PARTNER, agreement, **named)
    chain.keep_request(tx, node, conversation, request)
    log = {"reference": request.reference, "case": request.case, "by": request.requested_by}
    log["purpose"] = conversation.purpose
    entry = journal.received(tx, node, opened, stages, **log)
    # While releases are suspended a request waits as it came: nothing leaves, since the release has a gate of its own.
    if isinstance(decision, Refused) and decision.reason != "agreement-suspended":
        node.metrics.refused.labels(decision.reason, "holder").inc()
        refusal = chain.Release(conversation.reference or "", reason=decision.reason)
        _send(tx, node, agreement, conversation, refusal, Actor.OFFICER, to=opened.manifest.id)
        return entry
    limit = clocks.limit_of(agreement, clocks.FOLLOW_UP, urgent=request.urgent)
    clocks.start(tx, node, conversation.id, clocks.FOLLOW_UP, limit)
    return entry


@logged
def pause_clock(
    node: Node, conversation_id: str, *, officer: str, passphrase: str, reason: str = "judicial-authorisation"
) -> Conversation | Refused:
    """Let the follow-up's clock stand still for an agreed reason, which the requester is told (REQ-044)."""
    return _clock(node, conversation_id, officer, passphrase, Event.PAUSE, reason)


@logged
def resume_clock(node: Node, conversation_id: str, *, officer: str, passphrase: str) -> Conversation | Refused:
    """Let the follow-up's clock run again (REQ-044)."""
    return _clock(node, conversation_id, officer, passphrase, Event.RESUME, "")


def _clock(
    node: Node, conversation_id: str, officer: str, passphrase: str, event: Event, reason: str
) -> Conversation | Refused:
    credential = officers.unlock(node, officer, passphrase, role="officer")
    with node.database.write() as tx:
        conversation, agreement = open_conversation(tx, node, conversation_id)
        if refusal := may(conversation, event, Actor.OFFICER, agreement):
            return refusal
        if event is Event.PAUSE:
            if reason not in agreement.follow_up.pause_on:
                return refused("pause-not-agreed", agreement, pause=reason)
            clocks.pause(tx, node, conversation.id, clocks.FOLLOW_UP, reason)
        else:
            clock = clocks.find(tx, conversation.id, clocks.FOLLOW_UP)
            reason = clock.reason if clock else reason
            clocks.resume(tx, node, conversation.id, clocks.FOLLOW_UP)
        about = "clock-paused" if event is Event.PAUSE else "clock-resumed"
        act = officers.act(tx, node, credential, conversation, about, reason=reason)
        conversation = move(tx, node, conversation, event, Actor.OFFICER, agreement)
        log = {"reason": reason, "by": officer, "act": act.digest}
        terms = Pause(reason)  # type: ignore[arg-type]  # one of the agreement's own, whose type is the same
        notices.send(tx, node, agreement, conversation.partner, about, terms, matter=conversation.id, **log)
    node.wake.set()
    return conversation


@logged
def prepare_release(
    node: Node,
    conversation_id: str,
    *,
    officer: str,
    passphrase: str,
    fields: tuple[str, ...],
    withheld: Mapping[str, str] | None = None,
    reason: str = "",
    relevance: str = "",
    handling: Handling | None = None,
    mla: bool = False,
) -> Conversation | Refused:
    """The first officer chooses which fields may leave, and under which conditions; nothing leaves yet (REQ-054).

    Each field that was asked for, is held and does not leave needs a coded reason: its own in `withheld`, or `reason`
    for all of them. Data of special nature need a statement of their `relevance`, which must name no person.
    """
    credential = officers.unlock(node, officer, passphrase, role="officer")
    handling = handling or Handling()
    with node.database.write() as tx:
        conversation, agreement = open_conversation(tx, node, conversation_id)
        refusal = may(conversation, Event.PREPARE_RELEASE, Actor.OFFICER, agreement)
        if refusal := refusal or chain.field_refusal(agreement, fields):
            return refusal
        reference = conversation.reference or ""
        person = node.person(reference)
        if not chain.held_fields(person, fields):
            return refused("nothing-to-release", agreement)
        require_schemes(chain.held_fields(person, fields))
        kept_back = _withheld(tx, conversation, agreement, person, fields, dict(withheld or {}), reason)
        if isinstance(kept_back, Refused):
            return kept_back
        special = chain.special_fields(fields)
        if special and "relevance-statement" in agreement.special_categories.needs and not relevance.strip():
            return refused("relevance-missing", agreement)
        if found := problem(handling, agreement.handling):
            return refused(found[0], agreement, code=found[1])
        read(Handling, plain(handling), what="handling")  # every value of a kind that the receiver will read
        terms = {
            "reference": reference,
            "fields": list(fields),
            "withheld": kept_back,
            "relevance": relevance.strip()[:1000],
            "handling": plain(handling),
            "mla": mla,
        }
        act = officers.act(tx, node, credential, conversation, "release-prepared", **terms)
        log = {"reference": reference, "outcome": "released", "fields": list(fields), "by": officer, "act": act.digest}
        journal.write(tx, node, "release-prepared", conversation=conversation.id, **log)
        return move(tx, node, conversation, Event.PREPARE_RELEASE, Actor.OFFICER, agreement)


def _withheld(
    tx: Tx,
    conversation: Conversation,
    agreement: Agreement,
    person: Mapping[str, object],
    fields: tuple[str, ...],
    given: Mapping[str, str],
    reason: str,
) -> dict[str, str] | Refused:
    """The coded reason for each field that was asked for and does not leave; a refusal for one without (REQ-051)."""
    request = chain.kept_request(tx, conversation.id)
    asked = (request.fields if request else ()) or tuple(str(name) for name in agreement.follow_up.core_data)
    result = {}
    for name in (one for one in asked if one not in fields):
        code = given.get(name) or reason if chain.held_fields(person, [name]) else chain.NOT_AVAILABLE
        if not code:
            return refused("withheld-without-reason", agreement, field=name)
        chain.check_release_reason(code)
        result[name] = code
    return result


@logged
def approve_release(node: Node, conversation_id: str, *, officer: str, passphrase: str) -> Conversation | Refused:
    """The second officer, who must be another person, lets the prepared fields go (REQ-054).

    Where data of special nature are among them and the agreement asks for it, they go with a third person's approval
    alone: the second's only brings the release before that one (REQ-055).
    """
    credential = officers.unlock(node, officer, passphrase, role="officer")
    with node.database.write() as tx:
        conversation, agreement = open_conversation(tx, node, conversation_id)
        by = Actor.THIRD_OFFICER if conversation.state == State.APPROVED else Actor.SECOND_OFFICER
        if refusal := may(conversation, Event.RELEASE, by, agreement):
            return refusal
        facts = chain.release_facts(tx, node, agreement, conversation, approved_by=officer)
        terms = chain.prepared_release(tx, conversation.id)
        if same_person(facts.prepared_by, officer) or (
            facts.second_approved_by and same_person(facts.approved_by, officer)
        ):
            node.metrics.refused.labels("same-officer", "holder").inc()
            return refused("same-officer", agreement)
        log = {"reference": facts.reference, "prepared_by": facts.prepared_by, "by": officer}
        special = chain.special_fields(facts.fields)
        if special and by is Actor.SECOND_OFFICER and "second-approval" in agreement.special_categories.needs:
            signed = {"reference": facts.reference, "fields": sorted(facts.fields)}
            act = officers.act(tx, node, credential, conversation, "release-approved", **signed)
            journal.write(tx, node, "release-approved", conversation=conversation.id, **log, act=act.digest)
            return move(tx, node, conversation, Event.APPROVE, by, agreement)
        decision = gate_release(
            facts,
            chain.on_record(tx, node, conversation),
            agreement,
            at=node.clock(),
            life=life_of(tx, node, agreement),
        )
        if isinstance(decision, Refused):
            node.metrics.refused.labels(decision.reason, "holder").inc()
            return decision
        released = chain.held_fields(node.person(facts.reference), facts.fields)
        if not released:  # withdrawn since it was prepared
            return refused("nothing-to-release", agreement)
        require_schemes(released)
        signed = {"reference": facts.reference, "fields": sorted(released)}
        act = officers.act(tx, node, credential, conversation, "release-approved", **signed)
        journal.write(tx, node, "release-approved", conversation=conversation.id, **log, act=act.digest)
        gone = {name: chain.NOT_AVAILABLE for name in facts.fields if name not in released}
        withheld = {**facts.withheld, **gone}
        release = chain.Release(facts.reference, released, "", withheld, facts.handling, bool(terms["mla"]))
        people = {"prepared_by": facts.prepared_by, "approved_by": officer}
        conversation = _send(tx, node, agreement, conversation, release, by, **people)
    node.wake.set()
    return conversation


@logged
def return_release(
    node: Node, conversation_id: str, *, officer: str, passphrase: str, note: str = ""
) -> Conversation | Refused:
    """The officer who should approve sends the release back to be prepared again (REQ-054)."""
    credential = officers.unlock(node, officer, passphrase, role="officer")
    with node.database.write() as tx:
        conversation, agreement = open_conversation(tx, node, conversation_id)
        by = Actor.THIRD_OFFICER if conversation.state == State.APPROVED else Actor.SECOND_OFFICER
        if refusal := may(conversation, Event.RETURN_RELEASE, by, agreement):
            return refusal
        act = officers.act(tx, node, credential, conversation, "release-returned", note=note[:500])
        journal.write(tx, node, "release-returned", conversation=conversation.id, by=officer, act=act.digest)
        return move(tx, node, conversation, Event.RETURN_RELEASE, by, agreement)


@logged
def refuse_release(
    node: Node, conversation_id: str, *, officer: str, passphrase: str, reason: str, mla: bool = False
) -> Conversation | Refused:
    """An officer refuses the release with a coded reason (REQ-051); the requester is told."""
    chain.check_release_reason(reason)
    credential = officers.unlock(node, officer, passphrase, role="officer")
    with node.database.write() as tx:
        conversation, agreement = open_conversation(tx, node, conversation_id)
        later = {State.PREPARED: Actor.SECOND_OFFICER, State.APPROVED: Actor.THIRD_OFFICER}
        by = later.get(State(conversation.state), Actor.OFFICER)
        if refusal := may(conversation, Event.REFUSE_RELEASE, by, agreement):
            return refusal
        officers.act(tx, node, credential, conversation, "release-refused", reason=reason)
        release = chain.Release(conversation.reference or "", reason=reason, mla=mla)
        conversation = _send(tx, node, agreement, conversation, release, by)
    node.wake.set()
    return conversation


def _send(
    tx: Tx,
    node: Node,
    agreement: Agreement,
    conversation: Conversation,
    release: chain.Release,
    by: Actor,
    to: str = "",
    **people: str,
) -> Conversation:
    """Move to what a release's outcome says, stop the clock, and put it out: whole, partial or refused (REQ-051).

    `to` is the request that it answers, where that is only just coming in and not stored yet."""
    reasons = [[release.reason, node.text(release.reason).en]] if release.reason else list(conversation.reasons)
    event = RELEASE_EVENT[release.outcome]
    summary = release.summary()
    conversation = move(tx, node, conversation, event, by, agreement, reasons=reasons, release=summary)
    clocks.stop(tx, node, conversation, clocks.FOLLOW_UP)
    if release.handling.caveats:
        clocks.start(tx, node, conversation.id, clocks.CONDITIONS, clocks.limit_of(agreement, clocks.CONDITIONS))
    outgoing.post(
        tx,
        node,
        agreement,
        conversation.partner,
        conversation.id,
        "release",
        chain.release_body(conversation, release),
        stages=Stages(),
        in_reply_to=to or outgoing.first_message(tx, conversation.id, "request"),
        **_log_of_release(conversation, release, agreement),
        **people,
    )
    node.metrics.releases.labels(str(release.outcome)).inc()
    return conversation


def _log_of_release(conversation: Conversation, release: chain.Release, agreement: Agreement) -> dict[str, object]:
    """What both sides log of a release: items by name, conditions by code, never a value (REQ-111)."""
    clause = chain.clause_of(agreement, [(release.reason, "")]) if release.reason else None
    return {
        "reference": release.reference,
        "case": conversation.case_number,
        "purpose": conversation.purpose,
        "outcome": str(release.outcome),
        "fields": sorted(release.fields),
        "reasons": [release.reason] if release.reason else None,
        "clause": clause["ref"] if clause else None,
        "withheld": sorted(release.withheld) or None,
        "conditions": [caveat.code for caveat in release.handling.caveats] or None,
    }


def take_release(tx: Tx, node: Node, agreement: Agreement, opened: Opened, stages: Stages) -> Entry:
    """Keep released personal data sealed in the identities store. Without conditions this message's receipt acknowledges
    them (REQ-059); with conditions they stay closed until an officer accepts (REQ-056)."""
    conversation = of_message(tx, node, opened, Side.REQUESTER)
    if how(tx, node, agreement, "release") is How.SUSPENDED:  # the partner's own gate keeps it back once it knows
        raise PartnerError(SUSPENDED, "releases are suspended; nothing was taken", place=conversation.partner)
    release = chain.read_release(opened.body, conversation, agreement)
    event, values = RELEASE_EVENT[release.outcome], {"release": release.summary()}
    reasons = [[release.reason, node.text(release.reason).en]] if release.reason else list(conversation.reasons)
    conversation = move(tx, node, conversation, event, Actor.PARTNER, agreement, reasons=reasons, **values)
    log = _log_of_release(conversation, release, agreement)
    asked = outgoing.first_message(tx, conversation.id, "request")
    entry = journal.received(tx, node, opened, stages, in_reply_to=asked, **log)
    clocks.stop(tx, node, conversation, clocks.FOLLOW_UP)
    if release.reason:
        return entry
    node.keep_released(conversation.id, release.fields, plain(release.handling))
    if release.handling.caveats:
        clocks.start(tx, node, conversation.id, clocks.CONDITIONS, clocks.limit_of(agreement, clocks.CONDITIONS))
    else:
        move(tx, node, conversation, Event.ACKNOWLEDGE, Actor.SYSTEM, agreement)
    return entry


def release_receipted(tx: Tx, node: Node, conversation: Conversation, agreement: Agreement) -> Conversation:
    """The holder's conversation once the partner's receipt for the release is in: acknowledged, unless the receiver must
    first accept its conditions; a refusal ends it (REQ-059)."""
    if conversation.state == State.RELEASE_REFUSED:
        return move(tx, node, conversation, Event.CLOSE, Actor.SYSTEM, agreement)
    if conversation.state == State.RELEASED and not (conversation.release or {}).get("conditions"):
        return move(tx, node, conversation, Event.ACKNOWLEDGE, Actor.PARTNER, agreement)
    return conversation
