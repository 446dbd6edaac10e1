"""The second step's paperwork: request and release as they travel, and the chain that the gate holds them against.

    on_record    query -> answer -> conclusion -> request, as this node's own rows and acts have it
    request      {"reference", "case", "fields", "urgent", "requested_by", "act",
                  "conclusion": {"by", "second_by", "decision", "reference"} or null where the holder alone concludes}
    release      {"reference", "case", "mla", "outcome": "released", "released": {field: value},
                  "withheld": {field: reason}, "handling": {"caveats": [...], "source", "accuracy"}}
                 or {"reference", "case", "mla", "outcome": "refused", "reason"}

Bodies are canonical JSON with exactly these keys; anything else is a FormatError.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mithaq.errors import FormatError, SettingsError, TrustError
from mithaq.node import officers
from mithaq.node.conclusions import own_conclusion
from mithaq.node.gateway import Node
from mithaq.node.heard import holders_word
from mithaq.node.store import Tx, conversations, messages
from mithaq.node.store.conversations import Act, Conversation
from mithaq.pact.agreement import Agreement, clause_text
from mithaq.pact.caveats import GROUNDS, Handling, problem
from mithaq.pact.gate import SPECIAL_FIELDS, Chain, Concluded, Offence, Refused, ReleaseFacts, RequestFacts, refused
from mithaq.pact.lifecycle import ReleaseOutcome, Side, State
from mithaq.pact.message import Opened
from mithaq.pact.strict import canonical, plain, read
from mithaq.pact.wording import reason_terms, release_refusals
from mithaq.units import parse_timestamp, timestamp

NOT_AVAILABLE = "not-available"  # the reason why a field that the holder has nothing for does not come


@dataclass(frozen=True, slots=True)
class Request:
    """A follow-up request as it came: who concluded what at the other side, who asks, and for which fields."""

    reference: str
    case: str
    fields: tuple[str, ...]
    urgent: bool
    requested_by: str
    conclusion: Concluded | None
    act: str


@dataclass(frozen=True, slots=True)
class Release:
    """A release as it goes and comes: the fields with their conditions and those withheld, or the reason why there are
    none; `mla` says that use as evidence needs mutual legal assistance (REQ-007)."""

    reference: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    withheld: Mapping[str, str] = field(default_factory=dict)
    handling: Handling = Handling()
    mla: bool = False

    @property
    def outcome(self) -> ReleaseOutcome:
        """Refused, or partial where a field that exists is withheld, or whole (REQ-051)."""
        if self.reason:
            return ReleaseOutcome.REFUSED
        held_back = any(reason != NOT_AVAILABLE for reason in self.withheld.values())
        return ReleaseOutcome.PARTIAL if held_back else ReleaseOutcome.RELEASED

    def summary(self) -> dict[str, Any]:
        """What the conversation's row keeps of it: codes alone."""
        return {
            "outcome": str(self.outcome),
            "withheld": dict(self.withheld),
            "conditions": [caveat.code for caveat in self.handling.caveats],
            "mla": self.mla,
        }


def on_record(tx: Tx, node: Node, conversation: Conversation, request: Request | None = None) -> Chain:
    """The chain of a conversation. On the holder's side the conclusion is the one that the request states."""
    rows = conversations.conversation_acts(tx, conversation.id)
    acts = {act.kind: act for act in rows}
    answers = [message for message in messages.conversation_messages(tx, conversation.id) if message.kind == "answer"]
    is_holder = conversation.side == Side.HOLDER
    origin = conversation.partner if is_holder else node.party
    known = request or (_kept_request(acts) if is_holder else None)
    own = own_conclusion(rows)
    word = holders_word(tx, conversation.id)
    theirs = Concluded(word.decision, word.reference, word.by, word.second_by or "") if word else None
    conclusion = (known.conclusion if known else None) if is_holder else own
    said = conclusion or Concluded(None, "", "")
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
        conclusion=said.decision,
        concluded_reference=said.reference,
        concluded_by=said.by,
        second_concluded_by=said.second_by,
        by_holder=own if is_holder else theirs,
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
    """What our own release says to the gate: what the first officer prepared, approved by the second; and where the
    second has approved already, by a third as well."""
    acts = {act.kind: act for act in conversations.conversation_acts(tx, conversation.id)}
    prepared = acts["release-prepared"]
    terms = officers.read_act(prepared)
    third = ""
    if conversation.state == State.APPROVED:
        approved_by, third = acts["release-approved"].officer, approved_by
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
        relevance_statement=str(terms["relevance"]),
        second_approved_by=third,
        withheld=dict(terms["withheld"]),
        handling=read(Handling, terms["handling"], what="handling"),
    )


def prepared_release(tx: Tx, conversation_id: str) -> dict[str, Any]:
    """The terms of the newest act that prepared a release: fields, withheld, relevance, handling, mla; {} before one."""
    acts = {act.kind: act for act in conversations.conversation_acts(tx, conversation_id)}
    return officers.read_act(acts["release-prepared"]) if "release-prepared" in acts else {}


def special_fields(fields: Collection[str]) -> tuple[str, ...]:
    """Those of the fields that are data of special nature (REQ-055)."""
    return tuple(name for name in fields if name in SPECIAL_FIELDS)


def field_refusal(agreement: Agreement, fields: tuple[str, ...]) -> Refused | None:
    """The refusal of the first field that is neither agreed core data nor of special nature; None where all are."""
    if not fields:
        return refused("nothing-to-release", agreement)
    extra = [name for name in fields if name not in agreement.follow_up.core_data and name not in SPECIAL_FIELDS]
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
    own = own_conclusion(conversations.conversation_acts(tx, conversation.id))
    return canonical(
        {
            "reference": facts.reference,
            "case": facts.case,
            "fields": list(facts.fields),
            "urgent": urgent,
            "requested_by": facts.requested_by,
            "conclusion": _plain_conclusion(own),
            "act": act,
        }
    )


def _plain_conclusion(said: Concluded | None) -> dict[str, Any] | None:
    return (
        {"by": said.by, "second_by": said.second_by, "decision": said.decision, "reference": said.reference}
        if said
        else None
    )


def read_request(body: bytes) -> Request:
    """A partner's request; FormatError for anything but exactly its keys."""
    values = _object(body, {"reference", "case", "fields", "urgent", "requested_by", "conclusion", "act"})
    conclusion = values["conclusion"]
    if conclusion is not None:
        _keys(conclusion, {"by", "second_by", "decision", "reference"})
    fields = values["fields"]
    texts = [values["reference"], values["case"], values["requested_by"], values["act"], *(conclusion or {}).values()]
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
        Concluded(conclusion["decision"], conclusion["reference"], conclusion["by"], conclusion["second_by"])
        if conclusion
        else None,
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
        "conclusion": _plain_conclusion(request.conclusion),
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


def release_body(conversation: Conversation, release: Release) -> bytes:
    """Our release's body: the fields that were approved and exist with their conditions, or why there are none."""
    body: dict[str, Any] = {
        "reference": release.reference,
        "case": conversation.case_number,
        "mla": release.mla,
        "outcome": "refused" if release.reason else "released",
    }
    if release.reason:
        return canonical({**body, "reason": release.reason})
    terms = {"withheld": dict(release.withheld), "handling": plain(release.handling)}
    return canonical({**body, "released": dict(release.fields), **terms})


def read_release(body: bytes, conversation: Conversation, agreement: Agreement) -> Release:
    """A partner's release; FormatError for another reference or case, a field or caveat that was not agreed, or a reason
    that is no code."""
    values = _object(body, None)
    refusal = values.get("outcome") == "refused"
    rest = {"reason"} if refusal else {"released", "withheld", "handling"}
    _keys(values, {"reference", "case", "mla", "outcome", *rest})
    if values["reference"] != (conversation.reference or "") or values["case"] != conversation.case_number:
        raise FormatError("NOD-112", "the release is for another reference or case", expected="those of the request")
    reason, fields, withheld = values.get("reason", ""), values.get("released", {}), values.get("withheld", {})
    if (
        not isinstance(reason, str)
        or not isinstance(fields, dict)
        or not isinstance(withheld, dict)
        or not isinstance(values["mla"], bool)
        or values["outcome"] not in ("released", "refused")
    ):
        raise FormatError("NOD-111", "a value of the release is of the wrong type", expected="as docs/protocol.md says")
    known = {*agreement.follow_up.core_data, *SPECIAL_FIELDS}
    if not {*fields, *withheld} <= known:
        raise FormatError("NOD-113", "the release holds a field that was not agreed", clause="REQ-052")
    if refusal and reason not in release_refusals() and reason_terms(reason) is None:
        raise FormatError("NOD-114", "the refusal's reason is not a known code", field="reason")
    if any(not isinstance(code, str) or code not in release_refusals() for code in withheld.values()):
        raise FormatError("NOD-225", "a withheld field has no known reason", field="withheld", clause="REQ-051")
    handling = _read_handling(values.get("handling"), agreement)
    return Release(values["reference"], fields, reason, withheld, handling, values["mla"])


def _read_handling(values: object, agreement: Agreement) -> Handling:
    """The conditions of a release; FormatError for one that is not agreed, or has no ground (REQ-057, 058)."""
    if values is None:
        return Handling()
    caveats = values.get("caveats") if isinstance(values, dict) else None
    grounds = [one.get("ground") for one in caveats if isinstance(one, dict)] if isinstance(caveats, list) else []
    if any(ground not in GROUNDS for ground in grounds):
        raise FormatError("NOD-305", "a condition has no ground of the agreed list", field="ground", clause="REQ-058")
    try:
        handling = read(Handling, values, what="handling")
    except TrustError as error:
        raise FormatError("NOD-226", "the conditions do not fit", field=error.place, expected=error.expected) from None
    if found := problem(handling, agreement.handling):
        raise FormatError("NOD-226", f"the condition {found[1]} does not fit ({found[0]})", clause="REQ-057")
    return handling


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
