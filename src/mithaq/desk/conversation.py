"""One conversation at the desk: what its page shows, and each step that a person takes there.

page    facts, prints for whoever concludes, the form of the next step, clocks, conditions, history
act     STEP + form ─► the step of `flow`, `followup`, `received`, which checks role, persons and agreement itself
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast, get_args

from fastapi import Request, Response
from starlette.datastructures import FormData

from mithaq.errors import FormatError
from mithaq.node import clocks, flow, followup, officers, received, views
from mithaq.node.exchanges import matters
from mithaq.node.gateway import Node
from mithaq.node.officers import Officer
from mithaq.node.views import Conversation
from mithaq.pact.agreement import clause_text
from mithaq.pact.caveats import GROUNDS, Caveat, Handling
from mithaq.pact.exchanges import Use
from mithaq.pact.gate import SPECIAL_FIELDS, Refused
from mithaq.pact.lifecycle import Conclusion
from mithaq.pact.steps import CHANNELS, RESULTS
from mithaq.pact.terms import Bilingual
from mithaq.pact.wording import release_refusals

if TYPE_CHECKING:
    from mithaq.desk.app import Desk

STEPS = (
    "conclude", "request", "pause", "resume", "prepare", "approve", "return", "refuse", "accept", "decline", "special",
    "export", "ask-outcome", "outcome", "channel",
)  # fmt: skip
ROLE_OF = {
    "examiner": "examiner",
    "second-examiner": "examiner",
    "third-examiner": "examiner",
    "officer": "officer",
    "second-officer": "officer",
    "third-officer": "officer",
}


def waits_for(node: Node, row: Conversation, officer: Officer) -> bool:
    """True where the next step of a conversation is one that this officer may take and should."""
    voluntary = {"ask-outcome", "report-outcome"} if row.state == "acknowledged" else set()
    steps = [(event, actor) for event, actor in views.next_steps(node, row) if event not in voluntary]
    if not any(ROLE_OF.get(actor) in officer.roles for _, actor in steps):
        return False
    return officer.id not in views.taken_by(node, row)


def shown(found: Conversation, candidate: str) -> str:
    """The candidate to show: the one asked for where the hit has it, else the one that is followed."""
    return candidate if candidate in found.candidates else found.reference or ""


def page(desk: Desk, request: Request, officer: Officer, conversation_id: str, candidate: str) -> Response:
    """The page of one conversation, for the officer who looks at it."""
    node = desk.node
    officers.authorised(node, officer.id, "cases")
    found = views.find(node, conversation_id)
    reference = shown(found, candidate)
    agreement = node.agreements.by_id(found.agreement)
    steps = dict(views.next_steps(node, found))
    is_holder = found.side == "holder"
    concludes = any("examiner" in actor for actor in steps.values())
    data = received.received(node, found)
    return desk.render(
        request,
        "conversation.html",
        found=found,
        agreement=agreement,
        steps=steps,
        history=views.history(node, found.id),
        times=views.times(node, found.id),
        clocks=clocks.of_conversation(node, found.id),
        shown=reference,
        pair=desk.compare(found, reference) if concludes or not is_holder else None,
        request_=views.request_of(node, found.id) if is_holder else None,
        available=views.available_fields(node, found, agreement) if "prepare-release" in steps else [],
        prepared=views.prepared(node, found.id) if is_holder else {},
        taken=officer.id in views.taken_by(node, found),
        data=data,
        conditions=received.conditions(node, data.handling),
        released=data.fields if "officer" in officer.roles else {},
        refusals=release_refusals(),
        special=SPECIAL_FIELDS,
        grounds=GROUNDS,
        results=RESULTS,
        channels=CHANNELS,
        uses=get_args(Use),
        clause_of=lambda path: clause_text(agreement, path),
    )


def act(
    node: Node, officer: Officer, conversation_id: str, step: str, form: FormData
) -> Conversation | Refused | dict[str, Any]:
    """One step of a person, signed with the passphrase that the form carries; data where the step shows some."""

    def text(name: str, longest: int = 500) -> str:
        return str(form.get(name, ""))[:longest].strip()

    who: dict[str, Any] = {"officer": officer.id, "passphrase": str(form.get("passphrase", ""))}
    fields = tuple(str(value) for value in form.getlist("fields"))
    if step == "conclude" and text("decision") in set(Conclusion):
        decision, reference = Conclusion(text("decision")), text("reference")
        return flow.conclude(node, conversation_id, decision=decision, reference=reference, note=text("note"), **who)
    if step == "request":
        return flow.request_data(node, conversation_id, fields=fields, urgent=text("urgent") == "on", **who)
    if step == "pause":
        return followup.pause_clock(node, conversation_id, reason=text("reason"), **who)
    if step == "resume":
        return followup.resume_clock(node, conversation_id, **who)
    if step == "prepare":
        terms: dict[str, Any] = {
            "reason": text("reason"),
            "withheld": {k.removeprefix("why-"): str(v) for k, v in form.items() if k.startswith("why-") and v},
            "relevance": text("relevance", 1000),
            "handling": _handling(form),
            "mla": text("mla") == "on",
        }
        return flow.prepare_release(node, conversation_id, fields=fields, **terms, **who)
    if step == "approve":
        return flow.approve_release(node, conversation_id, **who)
    if step == "return":
        return followup.return_release(node, conversation_id, note=text("note"), **who)
    if step == "refuse":
        mla = text("mla") == "on"
        return flow.refuse_release(node, conversation_id, reason=text("reason"), mla=mla, **who)
    if step in ("special", "export"):
        terms = {"use": text("use"), "consent": matters.find(node, text("consent")).id if text("consent") else ""}
        return _open(node, conversation_id, step, text("value"), {**terms, **who})
    return _receivers_act(node, conversation_id, step, text("value"), who)


def _open(node: Node, conversation_id: str, step: str, value: str, terms: dict[str, Any]) -> Refused | dict[str, Any]:
    """Show released data for a use: data of special nature for the reason `value`, or the rest for export to `value`."""
    if step == "special":
        found = received.show_special(node, conversation_id, reason=value, **terms)
        return found if isinstance(found, Refused) else {"fields": dict(found), "conditions": [], "mla": False}
    if value not in ("", "share", "judicial"):
        raise FormatError("DSK-005", "the desk knows no such step", expected="share, judicial")
    return received.export(node, conversation_id, to=cast(Any, value or None), **terms)


def _receivers_act(
    node: Node, conversation_id: str, step: str, value: str, who: dict[str, Any]
) -> Conversation | Refused | dict[str, Any]:
    """The steps once data are there; `value` is the step's one choice."""
    if step == "accept":
        return received.accept(node, conversation_id, **who)
    if step == "decline":
        return received.decline(node, conversation_id, **who)
    if step == "ask-outcome":
        return received.ask_outcome(node, conversation_id, **who)
    if step == "outcome":
        return received.report_outcome(node, conversation_id, result=value, **who)
    if step == "channel":
        return received.record_channel(node, conversation_id, channel=value, **who)
    raise FormatError("DSK-005", "the desk knows no such step", expected=", ".join(STEPS))


def _handling(form: FormData) -> Handling:
    """The conditions that the form sets; what does not fit is the gate's to refuse."""
    caveats = []
    for code in (str(value) for value in form.getlist("caveats")):
        ar, en = (str(form.get(f"h3-{language}", "")).strip()[:500] for language in ("ar", "en"))
        words = Bilingual(ar, en) if code == "H3" and ar and en else None
        caveats.append(Caveat(cast(Any, code), cast(Any, str(form.get(f"ground-{code}", ""))), words))
    source, accuracy = str(form.get("source", "")), str(form.get("accuracy", ""))
    return Handling(tuple(caveats), cast(Any, source or None), int(accuracy) if accuracy in tuple("1234") else None)
