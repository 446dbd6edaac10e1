"""The desk: pages for examiners and officers, in Arabic and English. Thin: forms in, `node.flow`, `node.views` out.

    GET  /            what waits, and all conversations          GET /c/ID   one conversation, its prints, its steps
    GET  /query       the query form with the quota left         POST /query
    POST /c/ID/STEP   a person's step (`conversation.STEPS`), signed with their own passphrase
    GET  /ledger, /sign-in, /language; /agreement and the forms of its life are in `life`

Pages show what `node.views` hands out and nothing else. /healthz and /metrics are here too, for the agency's network.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from mithaq.desk import conversation, keeping, life, matters, oversight
from mithaq.desk.guard import HEADERS, SESSION_S, BodyLimit, Guard
from mithaq.desk.language import LANGUAGES, Texts
from mithaq.errors import FormatError, MithaqError, TrustError
from mithaq.node import clocks, flow, officers, standing, views
from mithaq.node.app import operations
from mithaq.node.gateway import Node
from mithaq.node.officers import Officer
from mithaq.node.roles import DUTIES, WORKING
from mithaq.node.views import Conversation
from mithaq.pact.gate import Offence, Refused
from mithaq.pact.wording import label
from mithaq.units import FingerPosition

_log = structlog.get_logger("mithaq.desk")
LARGEST_UPLOAD = 30 * 1024 * 1024  # bytes: a tenprint transaction at 1000 ppi
LARGEST_FORM = 64 * 1024  # bytes: every other form, which a visitor who has not signed in may send too
COMPARISONS_KEPT, COMPARISON_LIFE_S = 8, 300.0  # a print that the node erased is gone here soon after


class Desk:
    """The pages of one node."""

    def __init__(self, node: Node) -> None:
        self.node = node
        names = {node.settings.desk_address[0], *node.settings.listen.desk_names, "127.0.0.1", "localhost"}
        # Browsers tell cookies of one host apart by name, not by port: two desks on one machine need two names.
        self.guard = Guard(
            frozenset(name.lower() for name in names - {"0.0.0.0", "::"}), cookie=f"mithaq-session-{node.party.lower()}"
        )
        folder = Path(str(resources.files("mithaq.desk")))
        self.pages = Environment(
            loader=FileSystemLoader(folder / "pages"),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.pages.globals["follow_up_closed"] = views.follow_up_closed
        self.static = folder / "static"
        self.comparisons: OrderedDict[tuple[str, str, str], tuple[float, views.Comparison | None]] = OrderedDict()

    def render(self, request: Request, page: str, status: int = 200, **values: Any) -> Response:
        """A page in the reader's language, with the officer whom `signed_in` found."""
        texts = self.texts(request)
        officer = _officer(request)
        roles = set(officer.roles) if officer else set()
        html = self.pages.get_template(page).render(
            t=texts,
            node=self.node,
            officer=officer,
            works=bool(roles & set(WORKING)),
            oversees=bool(roles & set(DUTIES["register"])),
            form_token=self.guard.token(request),
            here=_here(request),
            name_of=self.name_of,
            **values,
        )
        return HTMLResponse(html, status)

    def texts(self, request: Request) -> Texts:
        """The language of the cookie, else of the browser, else English."""
        chosen = request.cookies.get("mithaq-language") or request.headers.get("accept-language", "en")[:2]
        return Texts(chosen)

    def name_of(self, code: str, texts: Texts) -> str:
        """What a code is called; the code itself where it has no name."""
        try:
            return texts.of(label(code))
        except KeyError:
            return texts.of(self.node.text(code))

    def refused(self, request: Request, refusal: Refused) -> Response:
        """A refusal with its clause."""
        return self.render(request, "refused.html", 403, refusal=refusal)

    def failed(self, request: Request, error: MithaqError) -> Response:
        """An error as one sentence with its code."""
        by_code = {"NOD-106": 404, "DSK-006": 500, "DSK-008": 429}
        by_family = 403 if isinstance(error, TrustError) else 503 if error.exit_status == 1 else 422
        return self.render(request, "error.html", by_code.get(error.code, by_family), error=error)

    def compare(self, conversation: Conversation, reference: str) -> views.Comparison | None:
        """The query's print and one candidate's, computed once for a few of them and a few minutes."""
        key, now = (conversation.id, conversation.state, reference), self.node.monotonic()
        made, found = self.comparisons.get(key, (now - COMPARISON_LIFE_S, None))
        if now - made >= COMPARISON_LIFE_S:
            found = views.comparison(self.node, conversation.id, reference)
            self.comparisons[key] = now, found
            self.comparisons.move_to_end(key)
            while len(self.comparisons) > COMPARISONS_KEPT:
                self.comparisons.popitem(last=False)
        return found


def desk_app(node: Node) -> FastAPI:
    """The application behind the desk's listener."""
    desk = Desk(node)
    app = FastAPI(title="mithaq desk", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(operations(node))
    app.mount("/static", StaticFiles(directory=desk.static), name="static")
    app.add_middleware(BodyLimit, largest=LARGEST_FORM, at={"/query": LARGEST_UPLOAD})

    @app.middleware("http")
    async def guarded(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
        try:
            desk.guard.check_host(request)
            response = await go_on(request)
        except MithaqError as error:
            response = desk.failed(request, error)
        except Exception as error:  # the reader gets a page of the desk, our log the kind alone
            _log.error("unexpected error", kind=type(error).__name__)
            response = desk.failed(request, MithaqError("DSK-006", "the desk broke here", remedy="tell its keepers"))
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    @app.exception_handler(HTTPException)
    async def no_page(request: Request, error: HTTPException) -> Response:
        """An address or method that is not the desk's, as a page of the desk."""
        await signed_in(request)
        page = desk.render(request, "missing.html", error.status_code)
        page.headers.update(error.headers or {})  # a 405 says which methods there are
        return page

    async def signed_in(request: Request) -> Officer | None:
        token = request.cookies.get(desk.guard.cookie)
        request.state.officer = await run_in_threadpool(officers.session, node, token) if token else None
        return _officer(request)

    async def form_of(request: Request) -> FormData:
        """The form's values, after its token was checked."""
        form = await request.form(max_files=1, max_fields=80)
        desk.guard.check_form(request, str(form.get("form_token", "")))
        return form

    @app.get("/sign-in")
    async def sign_in_page(request: Request) -> Response:
        ended = request.cookies.get(desk.guard.cookie) and await signed_in(request) is None
        return desk.render(request, "sign-in.html", problem="sign-in.ended" if ended else "", code="")

    @app.post("/sign-in")
    async def sign_in(request: Request) -> Response:
        desk.guard.check_origin(request)
        form = await request.form(max_files=0, max_fields=5)
        code, passphrase = str(form.get("officer", "")).strip()[:64], str(form.get("passphrase", ""))[:1024]
        address = request.client.host if request.client else ""
        if not desk.guard.may_try(code, address):
            return desk.render(request, "sign-in.html", 429, problem="sign-in.too-often", code=code)
        try:
            token = await run_in_threadpool(officers.open_session, node, code, passphrase, life_s=SESSION_S)
        except TrustError:
            desk.guard.failed(code, address)
            return desk.render(request, "sign-in.html", 403, problem="sign-in.wrong", code=code)
        desk.guard.succeeded(code)
        response = RedirectResponse("/", 303)
        secure = request.url.scheme == "https"
        response.set_cookie(desk.guard.cookie, token, httponly=True, samesite="strict", secure=secure)
        return response

    @app.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        await form_of(request)
        await run_in_threadpool(officers.close_session, node, request.cookies.get(desk.guard.cookie, ""))
        response = RedirectResponse("/sign-in", 303)
        response.delete_cookie(desk.guard.cookie)
        return response

    @app.get("/language")
    async def language(request: Request, to: str = "en", back: str = "/") -> Response:
        response = RedirectResponse(back if back.startswith("/") and not back.startswith("//") else "/", 303)
        response.set_cookie("mithaq-language", to if to in LANGUAGES else "en", max_age=31_536_000, samesite="lax")
        return response

    @app.get("/")
    async def queue(request: Request) -> Response:
        officer = await signed_in(request)
        if officer is None:
            return RedirectResponse("/sign-in", 303)
        if not set(officer.roles) & set(WORKING):
            return RedirectResponse("/oversight", 303)
        rows = await run_in_threadpool(views.queue, node)
        mine = await run_in_threadpool(lambda: [row for row in rows if conversation.waits_for(node, row, officer)])
        late = await run_in_threadpool(lambda: {clock.conversation for clock in clocks.late(node)})
        agreements = await run_in_threadpool(standing.overview, node)
        return desk.render(request, "queue.html", mine=mine, rows=rows, late=late, agreements=agreements)

    @app.get("/query")
    async def query_page(request: Request) -> Response:
        officer = await signed_in(request)
        if officer is None:
            return RedirectResponse("/sign-in", 303)
        return await run_in_threadpool(_query_page, desk, request)

    @app.post("/query")
    async def query(request: Request) -> Response:
        officer = await signed_in(request)
        if officer is None:
            return RedirectResponse("/sign-in", 303)
        values: dict[str, str] = {}
        try:
            form = await form_of(request)
            upload = form.get("file")
            values = {key: value for key, value in form.items() if isinstance(value, str)}
            if upload is None or isinstance(upload, str) or not upload.filename:
                raise FormatError("DSK-007", "no file was chosen", expected="the picture or transaction to search with")
            order = _order(values, officer)
            result = await run_in_threadpool(flow.submit_query, node, await upload.read(), order, place="file")
        except MithaqError as error:
            return await run_in_threadpool(_query_page, desk, request, 422, values, error=error)
        if isinstance(result, Refused):
            return await run_in_threadpool(_query_page, desk, request, 403, values, refusal=result)
        if isinstance(result, flow.Unsearchable):
            return await run_in_threadpool(_query_page, desk, request, 422, values, reasons=result.reasons)
        return RedirectResponse(f"/c/{result.id}", 303)

    @app.get("/c/{conversation_id}")
    async def one(request: Request, conversation_id: str, candidate: str = "") -> Response:
        officer = await signed_in(request)
        if officer is None:
            return RedirectResponse("/sign-in", 303)
        return await run_in_threadpool(conversation.page, desk, request, officer, conversation_id, candidate)

    @app.get("/c/{conversation_id}/{which}.png")
    async def picture(request: Request, conversation_id: str, which: str, candidate: str = "") -> Response:
        officer = await signed_in(request)
        if officer is None:
            raise HTTPException(404)
        await run_in_threadpool(officers.authorised, node, officer.id, "cases")
        found = await run_in_threadpool(views.find, node, conversation_id)
        pair = await run_in_threadpool(desk.compare, found, conversation.shown(found, candidate))
        if pair is None or which not in ("query", "candidate"):
            raise HTTPException(404)
        return Response(pair.query_png if which == "query" else pair.candidate_png, media_type="image/png")

    @app.post("/c/{conversation_id}/{step}")
    async def act(request: Request, conversation_id: str, step: str) -> Response:
        officer = await signed_in(request)
        if officer is None:
            return RedirectResponse("/sign-in", 303)
        form = await form_of(request)
        acts = f"acts of {officer.id}"  # apart from sign-ins, so that nobody outside can hold up a release
        if not desk.guard.may_try(acts):
            raise TrustError("DSK-008", "the passphrase was wrong too often", remedy="wait five minutes")
        try:
            result = await run_in_threadpool(conversation.act, node, officer, conversation_id, step, form)
        except TrustError as error:
            if error.code == "PAC-141":
                desk.guard.failed(acts)
            raise
        if isinstance(result, Refused):
            return desk.refused(request, result)
        if isinstance(result, dict):  # data to look at, now and on this page only
            return desk.render(request, "conversation_data.html", data=result, conversation_id=conversation_id)
        return RedirectResponse(f"/c/{conversation_id}", 303)

    @app.get("/ledger")
    async def ledger(request: Request) -> Response:
        officer = await signed_in(request)
        if officer is None:
            return RedirectResponse("/sign-in", 303)
        status = await run_in_threadpool(views.ledger_status, node)
        return desk.render(request, "ledger.html", ledger=status)

    life.mount(app, desk, signed_in, form_of)

    matters.mount(app, desk, signed_in, form_of)
    keeping.mount(app, desk, signed_in, form_of)

    app.include_router(oversight.routes(desk, signed_in, form_of))
    for route in app.routes:
        if isinstance(route, APIRoute) and route.methods and "GET" in route.methods:
            route.methods.add("HEAD")  # monitors and link checkers ask with it
    return app


def _officer(request: Request) -> Officer | None:
    return getattr(request.state, "officer", None)


def _here(request: Request) -> str:
    """The page to come back to: this one, or the one whose form was sent."""
    path = request.url.path
    return path if request.method == "GET" or path == "/query" else path.rpartition("/")[0] or "/"


def _order(form: dict[str, str], officer: Officer) -> flow.Order:
    def text(key: str) -> str:
        return form.get(key, "").strip()

    try:
        return flow.Order(
            partner=text("partner"),
            purpose=text("purpose"),
            case=text("case"),
            offence=Offence(text("offence"), int(text("months"))),
            legal_basis=text("legal_basis"),
            ordered_by=text("ordered_by"),
            run_by=officer.id,
            approved_by=text("approved_by"),
            expedited=text("expedited") == "on",
            ppi=float(text("ppi")) if text("ppi") else None,
            position=FingerPosition(int(text("position") or 0)),
        )
    except ValueError:
        raise FormatError(
            "DSK-004", "a number of the form cannot be read", expected="months and resolution as digits"
        ) from None


def _query_page(
    desk: Desk,
    request: Request,
    status: int = 200,
    values: dict[str, str] | None = None,
    *,
    reasons: Sequence[str] = (),
    error: MithaqError | None = None,
    refusal: Refused | None = None,
) -> Response:
    """The form, with what was typed and why it did not go out."""
    node = desk.node
    now = node.clock()
    partners = {code: node.agreements.current(code, now) for code in sorted(node.agreements.partners())}
    return desk.render(
        request,
        "query.html",
        status,
        partners={code: agreement.parties[code].name for code, agreement in partners.items()},
        quotas=[quota for partner in partners for quota in views.quotas(node, partner)],
        purposes=sorted({str(purpose) for agreement in partners.values() for purpose in agreement.purposes}),
        values=values or {},
        reasons=reasons,
        error=error,
        refusal=refusal,
        largest=LARGEST_UPLOAD - LARGEST_FORM,
        positions=[position for position in FingerPosition if position <= FingerPosition.LEFT_LITTLE],
    )
