"""The second step: personal data, asked for after an examiner's conclusion, released by two officers (REQ-050 ff.).

      requester                                            holder
      request_data ──request──────────────────────────►   take_request
                                                           prepare_release (officer), approve_release (another)
      take_release ◄───────────────────release──────────   or refuse_release, with a coded reason

`flow` tells the whole story and hands these functions on.
"""

from __future__ import annotations

from mithaq.node import chain, journal, officers, outgoing
from mithaq.node.gateway import Node
from mithaq.node.stages import Stages
from mithaq.node.standing import life_of
from mithaq.node.states import may, move, of_message, open_conversation
from mithaq.node.store import Tx
from mithaq.node.store.conversations import Conversation
from mithaq.pact.agreement import Agreement
from mithaq.pact.gate import Refused, gate_release, gate_request, refused
from mithaq.pact.ledger import Entry
from mithaq.pact.lifecycle import Actor, Event, Side, State
from mithaq.pact.message import Opened


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
        _send_no_release(tx, node, agreement, conversation, decision.reason, Actor.OFFICER)
    return entry


def prepare_release(
    node: Node, conversation_id: str, *, officer: str, passphrase: str, fields: tuple[str, ...]
) -> Conversation | Refused:
    """The first officer chooses which fields may leave; nothing leaves yet (REQ-054)."""
    credential = officers.unlock(node, officer, passphrase, role="officer")
    with node.database.write() as tx:
        conversation, agreement = open_conversation(tx, node, conversation_id)
        refusal = may(conversation, Event.PREPARE_RELEASE, Actor.OFFICER, agreement)
        if refusal := refusal or chain.field_refusal(agreement, fields):
            return refusal
        reference = conversation.reference or ""
        if not chain.held_fields(node.person(reference), fields):
            return refused("nothing-to-release", agreement)
        act = officers.act(
            tx, node, credential, conversation, "release-prepared", reference=reference, fields=list(fields)
        )
        log = {"reference": reference, "outcome": "released", "fields": list(fields), "by": officer, "act": act.digest}
        journal.write(tx, node, "release-prepared", conversation=conversation.id, **log)
        return move(tx, node, conversation, Event.PREPARE_RELEASE, Actor.OFFICER, agreement)


def approve_release(node: Node, conversation_id: str, *, officer: str, passphrase: str) -> Conversation | Refused:
    """The second officer, who must be another person, lets the prepared fields go (REQ-054)."""
    credential = officers.unlock(node, officer, passphrase, role="officer")
    with node.database.write() as tx:
        conversation, agreement = open_conversation(tx, node, conversation_id)
        if refusal := may(conversation, Event.RELEASE, Actor.SECOND_OFFICER, agreement):
            return refusal
        facts = chain.release_facts(tx, node, agreement, conversation, approved_by=officer)
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
        terms = {"reference": facts.reference, "fields": sorted(released)}
        act = officers.act(tx, node, credential, conversation, "release-approved", **terms)
        log = {"reference": facts.reference, "prepared_by": facts.prepared_by, "by": officer, "act": act.digest}
        journal.write(tx, node, "release-approved", conversation=conversation.id, **log)
        conversation = move(tx, node, conversation, Event.RELEASE, Actor.SECOND_OFFICER, agreement)
        body = chain.release_body(conversation, facts.reference, released)
        outgoing.post(
            tx,
            node,
            agreement,
            conversation.partner,
            conversation.id,
            "release",
            body,
            stages=Stages(),
            in_reply_to=outgoing.first_message(tx, conversation.id, "request"),
            reference=facts.reference,
            case=facts.case,
            purpose=conversation.purpose,
            outcome="released",
            fields=sorted(released),
            prepared_by=facts.prepared_by,
            approved_by=officer,
        )
    node.wake.set()
    node.metrics.releases.labels("released").inc()
    return conversation


def refuse_release(
    node: Node, conversation_id: str, *, officer: str, passphrase: str, reason: str
) -> Conversation | Refused:
    """An officer refuses the release with a coded reason (REQ-051); the requester is told."""
    chain.check_release_reason(reason)
    credential = officers.unlock(node, officer, passphrase, role="officer")
    with node.database.write() as tx:
        conversation, agreement = open_conversation(tx, node, conversation_id)
        by = Actor.SECOND_OFFICER if conversation.state == State.PREPARED else Actor.OFFICER
        if refusal := may(conversation, Event.REFUSE_RELEASE, by, agreement):
            return refusal
        officers.act(tx, node, credential, conversation, "release-refused", reason=reason)
        conversation = _send_no_release(tx, node, agreement, conversation, reason, by)
    node.wake.set()
    return conversation


def _send_no_release(
    tx: Tx, node: Node, agreement: Agreement, conversation: Conversation, reason: str, by: Actor
) -> Conversation:
    reasons = [[reason, node.text(reason).en]]
    conversation = move(tx, node, conversation, Event.REFUSE_RELEASE, by, agreement, reasons=reasons)
    outgoing.post(
        tx,
        node,
        agreement,
        conversation.partner,
        conversation.id,
        "release",
        chain.refusal_body(conversation, reason),
        stages=Stages(),
        in_reply_to=outgoing.first_message(tx, conversation.id, "request"),
        reference=conversation.reference,
        case=conversation.case_number,
        purpose=conversation.purpose,
        outcome="refused",
        fields=[],
        reasons=[reason],
    )
    node.metrics.releases.labels("refused").inc()
    return conversation


def take_release(tx: Tx, node: Node, agreement: Agreement, opened: Opened, stages: Stages) -> Entry:
    """Keep released personal data sealed in the identities store; this message's receipt acknowledges it (REQ-059)."""
    conversation = of_message(tx, node, opened, Side.REQUESTER)
    release = chain.read_release(opened.body, conversation, agreement)
    entry = journal.received(
        tx,
        node,
        opened,
        stages,
        in_reply_to=outgoing.first_message(tx, conversation.id, "request"),
        reference=release.reference,
        case=conversation.case_number,
        purpose=conversation.purpose,
        outcome="refused" if release.reason else "released",
        fields=sorted(release.fields),
        reasons=[release.reason] if release.reason else None,
    )
    if release.reason:
        reasons = [[release.reason, node.text(release.reason).en]]
        move(tx, node, conversation, Event.REFUSE_RELEASE, Actor.PARTNER, agreement, reasons=reasons)
        return entry
    conversation = move(tx, node, conversation, Event.RELEASE, Actor.PARTNER, agreement)
    node.keep_released(conversation.id, release.fields)
    move(tx, node, conversation, Event.ACKNOWLEDGE, Actor.SYSTEM, agreement)
    return entry
