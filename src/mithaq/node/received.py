"""What the receiver does with released personal data, and what both sides do once the data are there.

    release with conditions ─► accept ─► acknowledged ─► the data may be seen ─► show, export ─► report_outcome
                            └► decline ─► erased here, and the supplier is told (REQ-056)

Conditions stay with the data: sealed with them, shown with them, exported with them (REQ-057). Data of special nature
are shown to the officer who asked for them alone, with a reason, and that is logged (REQ-055).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mithaq.errors import SettingsError
from mithaq.node import chain, clocks, erasing, journal, notices, officers, retention
from mithaq.node.gateway import Node
from mithaq.node.refusals import logged
from mithaq.node.states import may, move, open_conversation
from mithaq.node.store import Tx, conversations, matters
from mithaq.node.store.conversations import Conversation
from mithaq.node.store.retention import held_subjects
from mithaq.pact.agreement import Agreement
from mithaq.pact.caveats import Handling, Use
from mithaq.pact.gate import Refused, gate_use, refused, same_person
from mithaq.pact.lifecycle import Actor, Event, Side, State
from mithaq.pact.steps import CHANNELS, RESULTS, By, Outcome
from mithaq.pact.strict import read
from mithaq.units import timestamp

BOUND = (State.ACKNOWLEDGED, State.OUTCOME_ASKED, State.REPORTED)  # the receiver may see what it received


@dataclass(frozen=True, slots=True)
class Received:
    """Released data as a person may see them, with the conditions that bind whoever sees them. `special` names the
    fields of special nature that are there and not shown."""

    fields: Mapping[str, Any]
    handling: Handling
    special: tuple[str, ...] = ()


def received(node: Node, conversation: Conversation) -> Received:
    """What came, data of special nature left out; no fields at all while nobody has accepted the conditions."""
    kept = node.released(conversation.id) if conversation.side == Side.REQUESTER else {}
    if not kept:
        return Received({}, Handling())
    handling = read(Handling, kept["handling"], what="handling")
    if conversation.state not in BOUND:
        return Received({}, handling)
    special = chain.special_fields(kept["fields"])
    return Received({n: value for n, value in kept["fields"].items() if n not in special}, handling, special)


def accept(node: Node, conversation_id: str, *, officer: str, passphrase: str) -> Conversation | Refused:
    """Accept the conditions: from now on they bind this party, and the data may be seen (REQ-056)."""
    credential = officers.unlock(node, officer, passphrase, role="officer")
    with node.database.write() as tx:
        conversation, agreement = open_conversation(tx, node, conversation_id)
        if refusal := may(conversation, Event.ACCEPT, Actor.OFFICER, agreement):
            return refusal
        codes = list((conversation.release or {}).get("conditions", []))
        act = officers.act(tx, node, credential, conversation, "conditions-accepted", conditions=codes)
        clocks.stop(tx, node, conversation, clocks.CONDITIONS)
        conversation = move(tx, node, conversation, Event.ACCEPT, Actor.OFFICER, agreement)
        _tell(tx, node, agreement, conversation, "conditions-accepted", By(officer), by=officer, act=act.digest)
    node.wake.set()
    return conversation


@logged
def decline(node: Node, conversation_id: str, *, officer: str, passphrase: str) -> Conversation | Refused:
    """Decline the conditions: the data are erased unseen, that is logged, and the supplier is told (REQ-056).
    Refused while a legal hold keeps them (REQ-085)."""
    credential = officers.unlock(node, officer, passphrase, role="officer")
    with node.database.write() as tx:
        conversation, agreement = open_conversation(tx, node, conversation_id)
        if refusal := may(conversation, Event.DECLINE, Actor.OFFICER, agreement):
            return refusal
        if {conversation.id, conversation.reference} & held_subjects(tx, timestamp(node.clock())):
            return refused("under-hold", agreement)
        act = officers.act(tx, node, credential, conversation, "conditions-declined")
        conversation = move(tx, node, conversation, Event.DECLINE, Actor.OFFICER, agreement)
        journal.write(tx, node, "data-erased", conversation=conversation.id, reason="conditions-declined", by=officer)
        _tell(tx, node, agreement, conversation, "conditions-declined", By(officer), by=officer, act=act.digest)
        retention.forget_release(tx, node, agreement, conversation, "declined")
    erasing.settle(node)
    node.wake.set()
    return conversation


def show_special(
    node: Node, conversation_id: str, *, officer: str, passphrase: str, reason: str, use: str, consent: str = ""
) -> Mapping[str, Any] | Refused:
    """Data of special nature, to the officer who asked for them and nobody else, for a reason code (REQ-055) and one of
    the four uses, "consented" with the matter of the consent (REQ-100); both are logged."""
    officers.unlock(node, officer, passphrase, role="officer")
    _require_code(reason)
    with node.database.write() as tx:
        conversation, agreement = open_conversation(tx, node, conversation_id)
        if refusal := _gate_use(tx, node, conversation, officer, use, consent):
            return refusal
        if conversation.state not in BOUND:
            return refused("conditions-open", agreement)
        acts = {act.kind: act for act in conversations.conversation_acts(tx, conversation.id)}
        fields = node.released(conversation.id)["fields"]
        special = chain.special_fields(fields)
        if not special or not same_person(acts["request"].officer, officer):
            return refused("special-category-blocked", agreement, field=special[0] if special else "health")
        _log_shown(tx, node, conversation, officer, special, reason, use, consent)
    return {name: fields[name] for name in special}


def export(
    node: Node,
    conversation_id: str,
    *,
    officer: str,
    passphrase: str,
    use: str,
    consent: str = "",
    to: Use | None = None,
) -> dict[str, Any] | Refused:
    """Released data with their conditions, for one of the four uses, which is logged (REQ-100); for this agency's own
    case file, or to `share` or for a court (`judicial`): what the conditions forbid is refused (REQ-057). Data of special
    nature are never in it (REQ-055)."""
    officers.unlock(node, officer, passphrase, role="officer")
    with node.database.write() as tx:
        conversation, agreement = open_conversation(tx, node, conversation_id)
        found = received(node, conversation)
        if refusal := _gate_use(tx, node, conversation, officer, use, consent):
            return refusal
        mark = matters.find_mark(tx, conversation.id)
        if not found.fields:
            return refused("conditions-open" if found.handling.caveats else "nothing-to-release", agreement)
        decision = gate_use(found.handling, agreement, to) if to else None
        if isinstance(decision, Refused):
            node.metrics.refused.labels(decision.reason, "requester").inc()
            return decision
        reason = f"export-{to}" if to else "export"
        _log_shown(tx, node, conversation, officer, tuple(found.fields), reason, use, consent)
    return {
        "conversation": conversation.id,
        "case": conversation.case_number,
        "supplier": conversation.partner,
        "agreement": conversation.agreement,
        "reference": conversation.reference,
        "fields": dict(found.fields),
        "state": mark.state if mark else "active",
        "fault": mark.reason if mark else "",
        "conditions": conditions(node, found.handling),
        "source": found.handling.source,
        "accuracy": found.handling.accuracy,
        "mla": bool((conversation.release or {}).get("mla")),
    }


def conditions(node: Node, handling: Handling) -> list[dict[str, Any]]:
    """The caveats as they stand in an export and on a page: code, ground, and what each says in both languages."""
    rows = []
    for caveat in handling.caveats:
        text = caveat.text or node.text(caveat.code)
        rows.append({"code": caveat.code, "ground": caveat.ground, "en": text.en, "ar": text.ar})
    return rows


def ask_outcome(node: Node, conversation_id: str, *, officer: str, passphrase: str) -> Conversation | Refused:
    """The supplier asks what was done with its data; the answer has a limit (REQ-059)."""
    credential = officers.unlock(node, officer, passphrase, role="officer")
    with node.database.write() as tx:
        conversation, agreement = open_conversation(tx, node, conversation_id)
        if refusal := may(conversation, Event.ASK_OUTCOME, Actor.OFFICER, agreement):
            return refusal
        act = officers.act(tx, node, credential, conversation, "outcome-asked")
        conversation = move(tx, node, conversation, Event.ASK_OUTCOME, Actor.OFFICER, agreement)
        clocks.start(tx, node, conversation.id, clocks.OUTCOME, clocks.limit_of(agreement, clocks.OUTCOME))
        _tell(tx, node, agreement, conversation, "outcome-request", By(officer), by=officer, act=act.digest)
    node.wake.set()
    return conversation


def report_outcome(
    node: Node, conversation_id: str, *, officer: str, passphrase: str, result: str
) -> Conversation | Refused:
    """The receiver says, as a code, what became of the data (REQ-059); asked or not."""
    if result not in RESULTS:
        raise SettingsError("NOD-227", "this is not a coded result", key="result", expected=", ".join(RESULTS))
    credential = officers.unlock(node, officer, passphrase, role="officer")
    with node.database.write() as tx:
        conversation, agreement = open_conversation(tx, node, conversation_id)
        if refusal := may(conversation, Event.REPORT_OUTCOME, Actor.OFFICER, agreement):
            return refusal
        act = officers.act(tx, node, credential, conversation, "outcome", result=result)
        clocks.stop(tx, node, conversation, clocks.OUTCOME)
        conversation = move(tx, node, conversation, Event.REPORT_OUTCOME, Actor.OFFICER, agreement)
        terms = Outcome(result, officer)  # type: ignore[arg-type]  # one of RESULTS
        log = {"by": officer, "act": act.digest, "outcome": result}
        _tell(tx, node, agreement, conversation, "outcome-report", terms, **log)
    node.wake.set()
    return conversation


def record_channel(node: Node, conversation_id: str, *, officer: str, passphrase: str, channel: str) -> Conversation:
    """Record that an answer also went through another channel; nothing is ever blocked by it (REQ-167)."""
    if channel not in CHANNELS:
        raise SettingsError("NOD-228", "this channel is not known", key="channel", expected=", ".join(CHANNELS))
    credential = officers.unlock(node, officer, passphrase, duty="cases")
    with node.database.write() as tx:
        conversation, _ = open_conversation(tx, node, conversation_id)
        officers.act(tx, node, credential, conversation, "channel", channel=channel)
        journal.write(tx, node, "channel-recorded", conversation=conversation.id, channel=channel, by=officer)
        conversations.change_conversation(tx, conversation.id, other_channel=channel)
        return conversations.find_conversation(tx, conversation.id) or conversation


def _tell(
    tx: Tx, node: Node, agreement: Agreement, conversation: Conversation, about: str, terms: object, **log: Any
) -> None:
    notices.send(tx, node, agreement, conversation.partner, about, terms, matter=conversation.id, **log)


def _gate_use(tx: Tx, node: Node, conversation: Conversation, officer: str, use: str, consent: str) -> Refused | None:
    from mithaq.node.exchanges.matters import subject_of
    from mithaq.node.exchanges.uses import gate  # the rooms of the exchanges open data through this module

    return gate(tx, node, subject_of(tx, conversation.id), officer, use=use, consent=consent)


def _log_shown(
    tx: Tx,
    node: Node,
    conversation: Conversation,
    officer: str,
    fields: tuple[str, ...],
    reason: str,
    use: str,
    consent: str,
) -> None:
    shown = {"by": officer, "fields": sorted(fields), "reason": reason, "use": use, "matter": consent}
    journal.write(tx, node, "data-shown", conversation=conversation.id, **shown)


def _require_code(reason: str) -> None:
    if not officers.CODE.fullmatch(reason):
        raise SettingsError(
            "NOD-229",
            "the reason is not a code",
            key="reason",
            expected="a short word in lower case, as threat-to-life",
        )
