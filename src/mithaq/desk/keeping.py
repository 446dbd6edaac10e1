"""The desk's page of what is kept and exposed: legal holds, deletion certificates, exposure, withdrawal.

GET /keeping   POST /keeping/hold|lift|override|withdraw, each with the officer's own passphrase
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from mithaq.errors import FormatError, TrustError
from mithaq.node import certificates, exposure, holds
from mithaq.node.gateway import Node
from mithaq.node.officers import Officer
from mithaq.pact.strict import plain
from mithaq.units import timestamp

if TYPE_CHECKING:
    from mithaq.desk.app import Desk

STEPS = ("hold", "lift", "override", "withdraw")


def mount(
    app: FastAPI,
    desk: Desk,
    signed_in: Callable[[Request], Awaitable[Officer | None]],
    form_of: Callable[[Request], Awaitable[FormData]],
) -> None:
    """Add the page and its steps to the desk."""
    node = desk.node

    @app.get("/keeping")
    async def keeping(request: Request) -> Response:
        if await signed_in(request) is None:
            return RedirectResponse("/sign-in", 303)
        return await run_in_threadpool(_page, desk, request)

    @app.post("/keeping/{step}")
    async def act(request: Request, step: str) -> Response:
        officer = await signed_in(request)
        if officer is None:
            return RedirectResponse("/sign-in", 303)
        form = {key: str(value).strip() for key, value in (await form_of(request)).items()}
        acts = f"acts of {officer.id}"
        if not desk.guard.may_try(acts):
            raise TrustError("DSK-008", "the passphrase was wrong too often", remedy="wait five minutes")
        try:
            await run_in_threadpool(_act, node, officer.id, step, form)
        except TrustError as error:
            if error.code == "PAC-141":
                desk.guard.failed(acts)
            raise
        return RedirectResponse("/keeping", 303)


def _page(desk: Desk, request: Request) -> Response:
    node = desk.node
    version, rule = exposure.current_rule(node)
    return desk.render(
        request,
        "keeping.html",
        holds=holds.everything(node),
        now=timestamp(node.clock()),
        certificates=certificates.everything(node),
        version=version,
        rule=plain(rule) if rule else None,
        records=exposure.everything(node, limit=50),
        reasons=holds.REASONS,
        withdrawals=exposure.WITHDRAWALS,
    )


def _act(node: Node, officer: str, step: str, form: dict[str, str]) -> None:
    passphrase = form.get("passphrase", "")
    reference, reason = form.get("reference", ""), form.get("reason", "")
    if step == "hold":
        ends = _end_of(form.get("until", ""))
        holds.place(
            node, form.get("subject", ""), reason=reason, ends=ends, officer=officer, passphrase=passphrase,
            note=form.get("note", ""),
        )  # fmt: skip
    elif step == "lift":
        holds.lift(node, form.get("hold", ""), officer=officer, passphrase=passphrase)
    elif step == "override" and form.get("to") in ("expose", "hide", ""):
        exposure.override(node, reference, form["to"], officer=officer, passphrase=passphrase)  # type: ignore[arg-type]
    elif step == "withdraw":
        exposure.withdraw(node, reference, reason=reason, by=officer, passphrase=passphrase)
    else:
        raise FormatError("DSK-005", "the desk knows no such step", expected=", ".join(STEPS))


def _end_of(day: str) -> datetime:
    try:
        return datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC) + timedelta(days=1)
    except ValueError:
        raise FormatError("DSK-004", "the day cannot be read", expected="YYYY-MM-DD") from None
