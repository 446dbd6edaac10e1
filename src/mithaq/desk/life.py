"""The agreement's pages: how it stands, its alarms and proposals, consultations under their clause, and the officers'
forms for its life.

    GET  /agreement                                     POST /agreement/suspend, /resume, /terminate, /consult

Thin, like the rest of the desk: `node.standing` says how it stands, `node.life` takes each step and checks the role.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, get_args

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from mithaq.errors import FormatError, MithaqError, TrustError
from mithaq.node import life, standing
from mithaq.node.gateway import Node
from mithaq.node.officers import Officer
from mithaq.pact.agreement import PARAMETERS, Agreement, Change, clause_text, difference, parse_agreement, terms_of
from mithaq.pact.gate import Refused
from mithaq.pact.standing import ConsultationKind, SuspensionReason, TerminationReason
from mithaq.pact.terms import Clause

STEPS = ("suspend", "resume", "terminate", "consult")
CHOICES = {
    "suspension": get_args(SuspensionReason),
    "termination": get_args(TerminationReason),
    "consultation": get_args(ConsultationKind),
}


def mount(
    app: FastAPI,
    desk: Any,
    signed_in: Callable[[Request], Awaitable[Officer | None]],
    form_of: Callable[[Request], Awaitable[FormData]],
) -> None:
    """Put these pages on the desk's application."""
    node: Node = desk.node

    @app.get("/agreement")
    async def agreement(request: Request) -> Response:
        if await signed_in(request) is None:
            return RedirectResponse("/sign-in", 303)
        shown, proposals = await run_in_threadpool(lambda: (_agreements(node), _proposals(node)))
        values = {"shown": shown, "proposals": proposals, "choices": CHOICES, "parameters": PARAMETERS}
        page: Response = desk.render(request, "agreement.html", **values)
        return page

    @app.post("/agreement/{step}")
    async def act(request: Request, step: str) -> Response:
        officer = await signed_in(request)
        if officer is None:
            return RedirectResponse("/sign-in", 303)
        form = await form_of(request)
        parts = tuple(str(value) for value in form.getlist("parts"))
        values = {key: str(value).strip() for key, value in form.items() if key != "passphrase"}
        values["passphrase"] = str(form.get("passphrase", ""))[:1024]
        acts = f"acts of {officer.id}"
        if not desk.guard.may_try(acts):
            raise TrustError("DSK-008", "the passphrase was wrong too often", remedy="wait five minutes")
        try:
            result = await run_in_threadpool(_act, node, officer, step, values, parts)
        except TrustError as error:
            if error.code == "PAC-141":
                desk.guard.failed(acts)
            raise
        page: Response = (
            desk.refused(request, result) if isinstance(result, Refused) else RedirectResponse("/agreement", 303)
        )
        return page


def _act(node: Node, officer: Officer, step: str, values: dict[str, str], parts: tuple[str, ...]) -> Any:
    def text(key: str) -> str:
        return values.get(key, "")

    partner, signs = text("partner"), {"officer": officer.id, "passphrase": text("passphrase")}
    if step == "suspend":
        return life.suspend(node, partner, parts=parts, reason=text("reason"), **signs)
    if step == "resume":
        return life.resume(node, partner, text("suspension"), **signs)
    if step == "terminate":
        return life.terminate(node, partner, at=_day(text("at")), reason=text("reason"), **signs)
    if step == "consult":
        return life.consult(
            node, partner, kind=text("kind"), about=text("about"), held_at=_day(text("held_at")) or node.clock(),
            text=" ".join(text("text").split()), **signs,
        )  # fmt: skip
    raise FormatError("DSK-005", "there is no such step", expected=", ".join(STEPS))


def _day(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC) if text else None
    except ValueError:
        raise FormatError("DSK-009", "the day cannot be read", expected="a day as 2026-01-31") from None


def _agreements(node: Node) -> list[tuple[Agreement, dict[str, Any], list[Any]]]:
    """Each agreement, how it stands, and its terms and consultations under their clauses; those in force first."""
    shown = []
    for found in standing.overview(node):
        agreement = node.agreements.by_id(found["id"])
        shown.append((agreement, found, _by_clause(agreement, standing.consultations(node, found["partner"]))))
    return sorted(shown, key=lambda one: (one[1]["superseded"], one[1]["standing"] != "in-force"))


def _by_clause(
    agreement: Agreement, consultations: list[dict[str, Any]]
) -> list[tuple[Clause | None, list[tuple[str, Any]], list[dict[str, Any]]]]:
    """The terms under the clause that each comes from, with what was consulted about it; keys are left out."""
    groups: dict[str, tuple[Clause | None, list[tuple[str, Any]], list[dict[str, Any]]]] = {}
    for path, value in terms_of(agreement):
        if "keys." not in path:
            clause = clause_text(agreement, path)
            groups.setdefault(repr(clause), (clause, [], []))[1].append((path, value))
    for record in consultations:
        clause = clause_text(agreement, record["about"])
        groups.setdefault(repr(clause), (clause, [], []))[2].append(record)
    return list(groups.values())


def _proposals(node: Node) -> list[tuple[Agreement, list[str], list[Change]]]:
    """What is under review: the document, who has signed, and how it differs from the version in force (REQ-161)."""
    found = []
    for signed in node.agreements.proposals():
        proposal = parse_agreement(signed.document)
        try:
            before = node.agreements.current(proposal.other(node.party), node.clock())
            changes = difference(before, proposal)
        except (MithaqError, ValueError):  # the first agreement with that partner, or one of other parties
            changes = []
        found.append((proposal, sorted(signed.signatures), changes))
    return found
