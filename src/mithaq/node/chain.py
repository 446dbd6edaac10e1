"""The second step's paperwork: request and release as they travel, and the chain that the gate holds them against.

    on_record    query -> answer -> conclusion -> request, as this node's own rows and acts have it
    request      {"reference", "case", "fields", "urgent", "requested_by", "act",
                  "conclusion": {"by", "decision", "reference"}}
    release      {"reference", "case", "released": {field: value}} or {"reference", "case", "reason"}

Bodies are canonical JSON with exactly these keys; anything else is a FormatError.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mithaq.errors import FormatError, SettingsError
from mithaq.node import officers
from mithaq.node.gateway import Node
from mithaq.node.store import Tx, conversations, messages
from mithaq.node.store.conversations import Act, Conversation
from mithaq.pact.agreement import Agreement, clause_text
from mithaq.pact.gate import Chain, Offence, Refused, ReleaseFacts, RequestFacts, refused
from mithaq.pact.lifecycle import Side
from mithaq.pact.message import Opened
from mithaq.pact.strict import canonical
from mithaq.pact.wording import reason_terms, release_refusals
from mithaq.units import parse_timestamp, timestamp


@dataclass(frozen=True, slots=True)
class Request:
    """A follow-up request as it came: who concluded what at the other side, who asks, and for which fields."""

    reference: str
    case: str
    fields: tuple[str, ...]
    urgent: bool
    requested_by: str
    concluded_by: str
    conclusion: str
    concluded_reference: str
    act: str


@dataclass(frozen=True, slots=True)
class Release:
    """A release as it came: the fields, or the reason why there are none."""

    reference: str
    fields: Mapping[str, Any]
    reason: str


def on_record(tx: Tx, node: Node, conversation: Conversation, request: Request | None = None) -> Chain:
    """The chain of a conversation. On the holder's side the conclusion is the one that the request states."""
    acts = {act.kind: act for act in conversations.conversation_acts(tx, conversation.id)}
    answers = [message for message in messages.conversation_messages(tx, conversation.id) if message.kind == "answer"]
    is_holder = conversation.side == Side.HOLDER
    origin = conversation.partner if is_holder else node.party
    known = request or (_kept_request(acts) if is_holder else None)
    conclusion = officers.read_act(acts["conclusion"]) if "conclusion" in acts else {}
    asked = acts.get("request-kept") or acts.get("request")
    return Chain(
        origin_party=origin,
        origin_contact="",
        case=conversation.case_number,
        purpose=conversation.purpose,
        offence=Offence(conversation.offence["category"], int(conversation.offence["max_penalty_months"])),
        outcome="hit" if conversation.reference else None,
        references=tuple(conversation.candidates),
        answered_at=parse_timestamp(answers[0].created_at) if answers else None,
        conclusion=known.conclusion if known else conclusion.get("decision"),
        concluded_reference=known.concluded_reference if known else str(conclusion.get("reference", "")),
        concluded_by=known.concluded_by if known else (acts["conclusion"].officer if "conclusion" in acts else ""),
        requested_at=_at(asked),
        requested_reference=known.reference if known else "",
        requested_by=known.requested_by if known else "",
    )


def request_facts(
    node: Node, agreement: Agreement, conversation: Conversation, officer: str, fields: tuple[str, ...]
) -> RequestFacts:
    """What our own request says to the gate."""
    return RequestFacts(
        origin_party=node.party,
        origin_contact=node.own_contact(agreement, "query"),
        destination_party=conversation.partner,
        destination_contact=node.partner_contact(agreement, conversation.partner, "release"),
        case=conversation.case_number,
        reference=conversation.reference or "",
        requested_by=officer,
        fields=fields,
    )


def their_request(node: Node, opened: Opened, request: Request) -> RequestFacts:
    """What a partner's request says to the gate."""
    return RequestFacts(
        origin_party=opened.manifest.sender,
        origin_contact=opened.manifest.sender_contact,
        destination_party=node.party,
        destination_contact=opened.manifest.recipient_contact,
        case=request.case,
        reference=request.reference,
        requested_by=request.requested_by,
        fields=request.fields,
    )


def release_facts(
    tx: Tx, node: Node, agreement: Agreement, conversation: Conversation, *, approved_by: str
) -> ReleaseFacts:
    """What our own release says to the gate: the fields that the first officer prepared, approved by the second."""
    acts = {act.kind: act for act in conversations.conversation_acts(tx, conversation.id)}
    prepared = acts["release-prepared"]
    terms = officers.read_act(prepared)
    return ReleaseFacts(
        origin_party=node.party,
        origin_contact=node.own_contact(agreement, "release"),
        destination_party=conversation.partner,
        destination_contact=node.partner_contact(agreement, conversation.partner, "query"),
        case=conversation.case_number,
        reference=str(terms["reference"]),
        fields=tuple(terms["fields"]),
        prepared_by=prepared.officer,
        approved_by=approved_by,
    )


def field_refusal(agreement: Agreement, fields: tuple[str, ...]) -> Refused | None:
    """The refusal of the first field that is not among the agreed core data; None where all are."""
    if not fields:
        return refused("nothing-to-release", agreement)
    extra = [name for name in fields if name not in agreement.follow_up.core_data]
    return refused("field-not-agreed", agreement, field=extra[0]) if extra else None


def held_fields(person: Mapping[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    """Those of `fields` that this holder has something for."""
    return {name: person[name] for name in fields if person.get(name) not in (None, "", [])}


def check_release_reason(reason: str) -> None:
    """SettingsError where the reason is not one of the coded ones."""
    if reason not in release_refusals():
        raise SettingsError(
            "NOD-110",
            "this is not a coded reason for refusing a release",
            key="reason",
            expected=", ".join(release_refusals()),
        )


def clause_of(agreement: Agreement, reasons: Sequence[tuple[str, str]]) -> dict[str, str] | None:
    """The clause behind the first of `reasons` (code, text) as {"ref", "ar", "en"}; None where there is none."""
    clause = clause_text(agreement, reasons[0][0]) if reasons else None
    return {"ref": clause.ref, "ar": clause.ar, "en": clause.en} if clause else None


# ---------------------------------------------------------------- bodies


def request_body(tx: Tx, facts: RequestFacts, conversation: Conversation, *, urgent: bool, act: str) -> bytes:
    """Our request's body; it states the examiner's conclusion that stands behind it."""
    concluded = next(a for a in conversations.conversation_acts(tx, conversation.id) if a.kind == "conclusion")
    terms = officers.read_act(concluded)
    return canonical(
        {
            "reference": facts.reference,
            "case": facts.case,
            "fields": list(facts.fields),
            "urgent": urgent,
            "requested_by": facts.requested_by,
            "conclusion": {"by": concluded.officer, "decision": terms["decision"], "reference": terms["reference"]},
            "act": act,
        }
    )


def read_request(body: bytes) -> Request:
    """A partner's request; FormatError for anything but exactly its keys."""
    values = _object(body, {"reference", "case", "fields", "urgent", "requested_by", "conclusion", "act"})
    conclusion = values["conclusion"]
    _keys(conclusion, {"by", "decision", "reference"})
    fields = values["fields"]
    texts = [values["reference"], values["case"], values["requested_by"], values["act"], *conclusion.values()]
    if (
        not isinstance(fields, list)
        or not all(isinstance(text, str) and len(text) < 20_000 for text in [*texts, *fields])
        or not isinstance(values["urgent"], bool)
    ):
        raise FormatError("NOD-111", "a value of the request is of the wrong type", expected="as docs/protocol.md says")
    return Request(
        values["reference"],
        values["case"],
        tuple(fields),
        values["urgent"],
        values["requested_by"],
        conclusion["by"],
        conclusion["decision"],
        conclusion["reference"],
        values["act"],
    )


def keep_request(tx: Tx, node: Node, conversation: Conversation, request: Request) -> None:
    """Keep the request with the conversation: fields, officers' codes, the partner's signed act; no personal data."""
    kept = {
        "reference": request.reference,
        "case": request.case,
        "fields": list(request.fields),
        "urgent": request.urgent,
        "requested_by": request.requested_by,
        "conclusion": {
            "by": request.concluded_by,
            "decision": request.conclusion,
            "reference": request.concluded_reference,
        },
        "act": request.act,
    }
    act = Act(
        id=node.new_id(),
        conversation=conversation.id,
        kind="request-kept",
        officer=request.requested_by[:64],
        signed=canonical(kept).decode(),
        at=timestamp(node.clock()),
    )
    conversations.add_act(tx, act)


def kept_request(tx: Tx, conversation_id: str) -> Request | None:
    """The request that a holder keeps, or None."""
    return _kept_request({act.kind: act for act in conversations.conversation_acts(tx, conversation_id)})


def _kept_request(acts: Mapping[str, Act]) -> Request | None:
    return read_request(acts["request-kept"].signed.encode()) if "request-kept" in acts else None


def release_body(conversation: Conversation, reference: str, released: Mapping[str, Any]) -> bytes:
    """Our release's body: the fields that were approved and exist, nothing else."""
    return canonical({"reference": reference, "case": conversation.case_number, "released": dict(released)})


def refusal_body(conversation: Conversation, reason: str) -> bytes:
    """The body that says why nothing is released."""
    return canonical({"reference": conversation.reference or "", "case": conversation.case_number, "reason": reason})


def read_release(body: bytes, conversation: Conversation, agreement: Agreement) -> Release:
    """A partner's release; FormatError for another reference or case, or a field that was not agreed."""
    values = _object(body, None)
    _keys(values, {"reference", "case", "reason"} if "reason" in values else {"reference", "case", "released"})
    if values["reference"] != (conversation.reference or "") or values["case"] != conversation.case_number:
        raise FormatError("NOD-112", "the release is for another reference or case", expected="those of the request")
    reason, fields = values.get("reason", ""), values.get("released", {})
    if not isinstance(reason, str) or not isinstance(fields, dict):
        raise FormatError("NOD-111", "a value of the release is of the wrong type", expected="as docs/protocol.md says")
    extra = sorted(set(fields) - set(agreement.follow_up.core_data))
    if extra:
        raise FormatError("NOD-113", "the release holds a field that was not agreed", clause="REQ-052")
    if "reason" in values and reason not in release_refusals() and reason_terms(reason) is None:
        raise FormatError("NOD-114", "the refusal's reason is not a known code", field="reason")
    return Release(values["reference"], fields, reason)


def _object(body: bytes, keys: set[str] | None) -> dict[str, Any]:
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise FormatError("NOD-115", "the body is not a JSON object", expected="canonical JSON, UTF-8")
    if keys is not None:
        _keys(values, keys)
    return values


def _keys(values: object, keys: set[str]) -> None:
    if not isinstance(values, dict) or set(values) != keys:
        raise FormatError("NOD-116", "the body's keys are not the agreed ones", expected=", ".join(sorted(keys)))


def _at(act: Act | None) -> datetime | None:
    return parse_timestamp(act.at) if act else None
