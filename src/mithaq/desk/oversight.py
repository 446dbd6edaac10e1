"""The desk's pages for those who look on: statistics, checks, extracts, the log, the register, reports and packs.

    GET  /oversight (statistics)  /oversight/checks[/ID]  /oversight/extracts  /oversight/log  /oversight/officers
    GET  /oversight/report        POST /oversight/STEP: each asks in `node` for the role that it is for

What a person states or decides here is signed with their own passphrase, as on the other pages.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from mithaq.errors import FormatError, TrustError
from mithaq.node import annual, extracts, officers, proofs, review, sampling, statistics
from mithaq.node.gateway import Node
from mithaq.node.officers import Officer
from mithaq.node.roles import DUTIES, ROLES
from mithaq.pact.annual_page import figure_name
from mithaq.pact.bundle import Selection
from mithaq.pact.entries import EntryBody
from mithaq.pact.paper import policy
from mithaq.units import timestamp

if TYPE_CHECKING:
    from mithaq.desk.app import Desk

Values = Mapping[str, Any]
PAGES = ("statistics", "checks", "extracts", "log", "officers")
_DUTY = {"checks": "see-checks", "extracts": "extract", "log": "read-log", "officers": "register"}
SHOWN = 500  # log entries on one page; the command line has no such limit


def routes(
    desk: Desk,
    signed_in: Callable[[Request], Awaitable[Officer | None]],
    form_of: Callable[[Request], Awaitable[FormData]],
) -> APIRouter:
    """The routes of these pages; `signed_in` and `form_of` are the desk's own."""
    router, node = APIRouter(prefix="/oversight"), desk.node

    async def shown(request: Request, page: str, read: Callable[[Officer], Values]) -> Response:
        """A page under `read`'s values; `read` asks the node, which asks for the role."""
        officer = await signed_in(request)
        if officer is None:
            return RedirectResponse("/sign-in", 303)
        values = await run_in_threadpool(read, officer)
        return desk.render(request, f"oversight-{page}.html", tab=page, may=_may(officer), **values)

    @router.get("")
    async def figures(request: Request, partner: str = "") -> Response:
        officer = await signed_in(request)
        if officer is not None and not _may(officer)("statistics"):
            own = [page for page in PAGES if page in _DUTY and _may(officer)(_DUTY[page])]
            return RedirectResponse(f"/oversight/{own[0]}" if own else "/", 303)
        period = request.query_params.get("from", ""), request.query_params.get("to", "")
        return await shown(request, "statistics", lambda who: _statistics(node, who, *period, partner))

    @router.get("/report")
    async def report(request: Request, year: int, partner: str = "") -> Response:
        officer = await signed_in(request)
        if officer is None:
            return RedirectResponse("/sign-in", 303)
        language = desk.texts(request).language
        made = await run_in_threadpool(annual.report, node, year, by=officer.id, partner=partner, language=language)
        return Response(made, media_type="text/html", headers={"Content-Security-Policy": policy()})

    @router.get("/checks")
    async def checks(request: Request) -> Response:
        return await shown(request, "checks", lambda who: {"checks": sampling.all_checks(node, by=who.id)})

    @router.get("/checks/{check_id}")
    async def one_check(request: Request, check_id: str) -> Response:
        def read(who: Officer) -> Values:
            check, items = sampling.to_check(node, check_id, by=who.id)
            whole = sampling.redrawn(node, check) == [item.position for item, _ in items]
            return {"check": check, "items": items, "whole": whole}

        return await shown(request, "check", lambda who: {**read(who), **_CODES})

    @router.get("/extracts")
    async def asked(request: Request) -> Response:
        def read(who: Officer) -> Values:
            officers.authorised(node, who.id, "extract")
            return {"extracts": extracts.every(node), "left": {one.id: days for one, days in extracts.due(node)}}

        return await shown(request, "extracts", read)

    @router.get("/log")
    async def log(request: Request) -> Response:
        def read(who: Officer) -> Values:
            officers.authorised(node, who.id, "read-log")
            return {"entries": None, "purposes": proofs.PURPOSES}

        return await shown(request, "log", read)

    @router.get("/officers")
    async def register(request: Request, at: str = "") -> Response:
        def read(who: Officer) -> Values:
            officers.authorised(node, who.id, "register")
            found = officers.authorised_at(node, _day(at)) if at else officers.everyone(node)
            return {"officers": found, "at": at, "roles": ROLES}

        return await shown(request, "officers", read)

    @router.post("/{step}")
    async def act(request: Request, step: str) -> Response:
        officer = await signed_in(request)
        if officer is None:
            return RedirectResponse("/sign-in", 303)
        form = await form_of(request)
        values = {key: str(value).strip() for key, value in form.items()}
        roles = tuple(str(value) for value in form.getlist("roles"))
        acts = f"acts of {officer.id}"
        if not desk.guard.may_try(acts):
            raise TrustError("DSK-008", "the passphrase was wrong too often", remedy="wait five minutes")
        if step == "log":
            return await shown(request, "log", lambda who: _read_log(node, who, values))
        try:
            done = await run_in_threadpool(_act, node, officer, step, values, roles)
        except TrustError as error:
            if error.code == "PAC-141":
                desk.guard.failed(acts)
            raise
        return done if isinstance(done, Response) else RedirectResponse(done, 303)

    return router


_CODES: Values = {"outcomes": sampling.OUTCOMES, "grounds": sampling.GROUNDS}


def _may(officer: Officer) -> Callable[[str], bool]:
    """What a page offers this officer; the step asks again."""
    return lambda duty: bool(set(DUTIES[duty]) & set(officer.roles))


def _statistics(node: Node, officer: Officer, start: str, end: str, partner: str) -> Values:
    officers.authorised(node, officer.id, "statistics")
    found = (
        statistics.statistics(node, _day(start), _day(end), by=officer.id, partner=partner) if start and end else None
    )
    return {
        "found": found,
        "start": start,
        "end": end,
        "partner": partner,
        "partners": sorted(node.agreements.partners()),
        "compared": statistics.all_reconciled(node),
        "figure_name": figure_name,
        "year": node.clock().year,
    }


def _read_log(node: Node, officer: Officer, form: Mapping[str, str]) -> Values:
    found = proofs.read_log(node, _selection(form), by=officer.id, reason=form.get("reason", ""))
    rows: list[EntryBody | None] = found[:SHOWN]
    entries = [
        None if one is None else {"kind": one.kind, "at": timestamp(one.at), "data": one.data.items()} for one in rows
    ]
    return {"entries": entries, "purposes": proofs.PURPOSES, "more": len(found) - len(rows)}


def _act(node: Node, officer: Officer, step: str, form: Mapping[str, str], roles: tuple[str, ...]) -> Response | str:
    """One step of a person: where to go next, or a file."""
    signed: dict[str, Any] = {"officer": officer.id, "passphrase": form.get("passphrase", "")}
    if step == "reconcile":
        start, end = form.get("from", ""), form.get("to", "")
        statistics.reconcile(node, form.get("partner", ""), _day(start), _day(end), **signed)
        return f"/oversight?from={start}&to={end}"
    if step == "draw":
        made = sampling.draw(
            node, _day(form.get("from", "")), _day(form.get("to", "")), _number(form, "count"), seed=form.get("seed", ""),
            **signed,
        )  # fmt: skip
        return f"/oversight/checks/{made.id}"
    if step == "record":
        check, facts = form.get("check", ""), {"outcome": form.get("outcome", ""), "ground": form.get("ground", "")}
        sampling.record(node, check, _number(form, "entry"), **facts, **signed)
        return f"/oversight/checks/{check}"
    if step == "ask":
        extracts.ask(node, _selection(form), authority=form.get("authority", ""), **signed)
        return "/oversight/extracts"
    if step == "give":
        _, data = extracts.give(node, form.get("extract", ""), by=officer.id)
        return _file(data, "extract.json", "application/json")
    if step == "review":
        return _file(_pack(node, officer, form), "review.zip", "application/zip")
    by = {"by": officer.id, "by_passphrase": form.get("passphrase", "")}
    if step == "appoint":
        name = {"en": form.get("name_en", ""), "ar": form.get("name_ar", "") or form.get("name_en", "")}
        secret = form.get("officer_passphrase", "")
        officers.add(node, form.get("officer", ""), roles=roles, name=name, passphrase=secret, **by)
        return "/oversight/officers"
    if step == "end":
        officers.end(node, form.get("officer", ""), **by)
        return "/oversight/officers"
    raise FormatError("DSK-005", "the desk knows no such step", expected="reconcile, draw, record, ask, give, review")


def _pack(node: Node, officer: Officer, form: Mapping[str, str]) -> bytes:
    """The review pack as one ZIP file; what stood on the disk meanwhile is removed."""
    with tempfile.TemporaryDirectory(dir=node.settings.home) as folder:
        target = Path(folder) / "review"
        period = _day(form.get("from", "")), _day(form.get("to", ""))
        review.pack(
            node, target, form.get("partner", ""), *period, by=officer.id, count=_number(form, "count"),
            seed=form.get("seed", ""),
        )  # fmt: skip
        return Path(shutil.make_archive(str(Path(folder) / "pack"), "zip", target)).read_bytes()


def _file(data: bytes, name: str, media: str) -> Response:
    return Response(data, media_type=media, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _selection(form: Mapping[str, str]) -> Selection:
    if case := form.get("case", ""):
        return Selection(case=case)
    return Selection(start=_day(form.get("from", "")), end=_day(form.get("to", "")))


def _number(form: Mapping[str, str], key: str) -> int:
    try:
        return int(form.get(key, ""))
    except ValueError:
        raise FormatError("DSK-004", "a number of the form cannot be read", expected="digits") from None


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise FormatError("DSK-009", "a day cannot be read", expected="YYYY-MM-DD") from None


__all__ = ["routes"]
