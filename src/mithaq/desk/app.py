"""The desk: pages for examiners and officers, in Arabic and English. Thin: forms in, `node.flow`, `node.views` out.

    GET  /            what waits, and all conversations          GET /c/ID   one conversation, its prints, its steps
    GET  /query       the query form with the quota left         POST /query
    POST /c/ID/STEP   conclude, request, prepare, approve, refuse: each signed with the person's own passphrase
    GET  /ledger, /agreement, /sign-in, /language

Pages show what `node.views` hands out and nothing else. /healthz and /metrics are here too, for the agency's network.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from importlib import resources
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from mithaq.desk.guard import COOKIE, HEADERS, SESSION_S, Guard
from mithaq.desk.language import LANGUAGES, Texts
from mithaq.errors import FormatError, MithaqError, TrustError
from mithaq.node import flow, officers, views
from mithaq.node.app import operations
from mithaq.node.gateway import Node
from mithaq.node.officers import Officer
from mithaq.node.views import Conversation
from mithaq.pact.agreement import active, clause_text, terms_of
from mithaq.pact.gate import Offence, Refused
from mithaq.pact.lifecycle import Conclusion
from mithaq.pact.wording import label, release_refusals
from mithaq.units import FingerPosition

LARGEST_FORM = 30 * 1024 * 1024  # bytes: a tenprint transaction at 1000 ppi
COMPARISONS_KEPT = 8
STEPS = ("conclude", "request", "prepare", "approve", "refuse")


class Desk:
    """The pages of one node."""

    def __init__(self, node: Node) -> None:
        self.node = node
        host = node.settings.desk_address[0]
        self.guard = Guard(frozenset({host, "127.0.0.1", "localhost", "testserver"} - {"0.0.0.0", "::"}))
        folder = Path(str(resources.files("mithaq.desk")))
        self.pages = Environment(
            loader=FileSystemLoader(folder / "pages"),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.static = folder / "static"
        self.comparisons: OrderedDict[tuple[str, str, str], views.Comparison | None] = OrderedDict()

    def render(
        self, request: Request, page: str, officer: Officer | None, status: int = 200, **values: Any
    ) -> Response:
        """A page in the reader's language."""
        texts = self.texts(request)
        session = request.cookies.get(COOKIE, "")
        html = self.pages.get_template(page).render(
            t=texts,
            node=self.node,
            officer=officer,
            form_token=self.guard.token(session),
            path=request.url.path,
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

    def refused(self, request: Request, officer: Officer | None, refusal: Refused, back: str) -> Response:
        """A refusal with its clause."""
        return self.render(
            request,
            "refused.html",
            officer,
            403,
            text=refusal.text,
            clause=refusal.clause,
            code=refusal.reason,
            back=back,
        )

    def failed(self, request: Request, officer: Officer | None, error: MithaqError) -> Response:
        """An error as one sentence with its code."""
        status = 403 if isinstance(error, TrustError) else 503 if error.exit_status == 1 else 422
        return self.render(request, "error.html", officer, status, error=error)

    def compare(self, conversation: Conversation, reference: str) -> views.Comparison | None:
        """The query's print and one candidate's, computed once for a few of them."""
        key = (conversation.id, conversation.state, reference)
        if key not in self.comparisons:
            self.comparisons[key] = views.comparison(self.node, conversation.id, reference)
            while len(self.comparisons) > COMPARISONS_KEPT:
                self.comparisons.popitem(last=False)
        return self.comparisons[key]


def desk_app(node: Node) -> FastAPI:
    """The application behind the desk's listener."""
    desk = Desk(node)
    app = FastAPI(title="mithaq desk", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(operations(node))
    app.mount("/static", StaticFiles(directory=desk.static), name="static")

    @app.middleware("http")
    async def guarded(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
        try:
            desk.guard.check_host(request)
            response = await go_on(request)
        except MithaqError as error:
            response = desk.failed(request, None, error)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    async def signed_in(request: Request) -> Officer | None:
        token = request.cookies.get(COOKIE)
        return await run_in_threadpool(officers.session, node, token) if token else None

    async def form_of(request: Request) -> dict[str, Any]:
        """The form's values, after its token was checked."""
        if int(request.headers.get("content-length") or 0) > LARGEST_FORM:
            raise FormatError("DSK-003", "the file is too large", expected=f"at most {LARGEST_FORM // 2**20} MB")
        form = dict(await request.form(max_files=1, max_fields=40))
        desk.guard.check_form(request, request.cookies.get(COOKIE, ""), str(form.get("form_token", "")))
        return form

    @app.get("/sign-in")
    async def sign_in_page(request: Request) -> Response:
        return desk.render(request, "sign-in.html", None, problem="")

    @app.post("/sign-in")
    async def sign_in(request: Request) -> Response:
        form = await request.form(max_fields=5)
        code, passphrase = str(form.get("officer", ""))[:64], str(form.get("passphrase", ""))[:1024]
        who = (f"officer {code}", f"address {request.client.host if request.client else ''}")
        if not desk.guard.may_try(*who):
            return desk.render(request, "sign-in.html", None, 429, problem="sign-in.too-often")
        try:
            token = await run_in_threadpool(officers.open_session, node, code, passphrase, life_s=SESSION_S)
        except TrustError:
            desk.guard.failed(*who)
            return desk.render(request, "sign-in.html", None, 403, problem="sign-in.wrong")
        response = RedirectResponse("/", 303)
        secure = request.url.scheme == "https"
        response.set_cookie(COOKIE, token, max_age=int(SESSION_S), httponly=True, samesite="strict", secure=secure)
        return response

    @app.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        await form_of(request)
        await run_in_threadpool(officers.close_session, node, request.cookies.get(COOKIE, ""))
        response = RedirectResponse("/sign-in", 303)
        response.delete_cookie(COOKIE)
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
        rows = await run_in_threadpool(views.queue, node)
        mine = [row for row in rows if _waits_for(row, officer)]
        return desk.render(request, "queue.html", officer, mine=mine, rows=rows)

    @app.get("/query")
    async def query_page(request: Request) -> Response:
        officer = await signed_in(request)
        if officer is None:
            return RedirectResponse("/sign-in", 303)
        return await run_in_threadpool(_query_page, desk, request, officer, [], None)

    @app.post("/query")
    async def query(request: Request) -> Response:
        officer = await signed_in(request)
        if officer is None:
            return RedirectResponse("/sign-in", 303)
        try:
            form = await form_of(request)
            upload = form.get("file")
            data = await upload.read() if upload is not None and not isinstance(upload, str) else b""
            order = _order(form, officer)
            result = await run_in_threadpool(flow.submit_query, node, data, order, place="file")
        except MithaqError as error:
            return await run_in_threadpool(_query_page, desk, request, officer, [], error)
        if isinstance(result, Refused):
            return desk.refused(request, officer, result, "/query")
        if isinstance(result, flow.Unsearchable):
            return await run_in_threadpool(_query_page, desk, request, officer, list(result.reasons), None)
        return RedirectResponse(f"/c/{result.id}", 303)

    @app.get("/c/{conversation_id}")
    async def conversation(request: Request, conversation_id: str, candidate: str = "") -> Response:
        officer = await signed_in(request)
        if officer is None:
            return RedirectResponse("/sign-in", 303)
        try:
            return await run_in_threadpool(_conversation_page, desk, request, officer, conversation_id, candidate)
        except MithaqError as error:
            return desk.failed(request, officer, error)

    @app.get("/c/{conversation_id}/{which}.png")
    async def picture(request: Request, conversation_id: str, which: str, candidate: str = "") -> Response:
        if await signed_in(request) is None:
            return Response(status_code=404)
        found = await run_in_threadpool(views.find, node, conversation_id)
        pair = await run_in_threadpool(desk.compare, found, _shown(found, candidate))
        if pair is None or which not in ("query", "candidate"):
            return Response(status_code=404)
        return Response(pair.query_png if which == "query" else pair.candidate_png, media_type="image/png")

    @app.post("/c/{conversation_id}/{step}")
    async def act(request: Request, conversation_id: str, step: str) -> Response:
        officer = await signed_in(request)
        if officer is None:
            return RedirectResponse("/sign-in", 303)
        try:
            await form_of(request)
            form = await request.form()
            fields = tuple(str(value) for value in form.getlist("fields"))
            values = {key: str(value) for key, value in form.items()}
            result = await run_in_threadpool(_act, node, officer, conversation_id, step, values, fields)
        except MithaqError as error:
            return desk.failed(request, officer, error)
        if isinstance(result, Refused):
            return desk.refused(request, officer, result, f"/c/{conversation_id}")
        return RedirectResponse(f"/c/{conversation_id}", 303)

    @app.get("/ledger")
    async def ledger(request: Request) -> Response:
        officer = await signed_in(request)
        if officer is None:
            return RedirectResponse("/sign-in", 303)
        status = await run_in_threadpool(views.ledger_status, node)
        return desk.render(request, "ledger.html", officer, ledger=status)

    @app.get("/agreement")
    async def agreement(request: Request) -> Response:
        officer = await signed_in(request)
        if officer is None:
            return RedirectResponse("/sign-in", 303)
        now = node.clock()
        shown = [
            (
                one,
                active(one, now),
                [(path, value, clause_text(one, path)) for path, value in terms_of(one) if "keys." not in path],
            )
            for one in node.agreements.all()
        ]
        return desk.render(request, "agreement.html", officer, shown=shown)

    return app


def _waits_for(row: Conversation, officer: Officer) -> bool:
    """True where the next step of a conversation is one that this officer may take."""
    needed = {"examiner": "examiner", "officer": "officer", "second-officer": "officer"}
    return any(needed.get(actor) in officer.roles for _, actor in views.next_steps(row))


def _order(form: dict[str, Any], officer: Officer) -> flow.Order:
    months = str(form.get("months", ""))
    ppi = str(form.get("ppi", "")).strip()
    position = str(form.get("position", "0"))
    try:
        return flow.Order(
            partner=str(form.get("partner", "")),
            purpose=str(form.get("purpose", "")),
            case=str(form.get("case", "")).strip(),
            offence=Offence(str(form.get("offence", "")).strip(), int(months)),
            legal_basis=str(form.get("legal_basis", "")).strip(),
            ordered_by=str(form.get("ordered_by", "")).strip(),
            run_by=officer.id,
            approved_by=str(form.get("approved_by", "")).strip(),
            expedited=form.get("expedited") == "on",
            ppi=float(ppi) if ppi else None,
            position=FingerPosition(int(position)),
        )
    except ValueError:
        raise FormatError(
            "DSK-004", "a number of the form cannot be read", expected="months and resolution as digits"
        ) from None


def _query_page(
    desk: Desk, request: Request, officer: Officer, reasons: list[str], error: MithaqError | None
) -> Response:
    node = desk.node
    partners = sorted(node.agreements.partners())
    quotas = [quota for partner in partners for quota in views.quotas(node, partner)]
    purposes = sorted({str(p) for partner in partners for p in node.agreements.current(partner, node.clock()).purposes})
    status = 422 if reasons or error else 200
    return desk.render(
        request,
        "query.html",
        officer,
        status,
        partners=partners,
        quotas=quotas,
        purposes=purposes,
        reasons=reasons,
        error=error,
        positions=[position for position in FingerPosition if position <= FingerPosition.LEFT_LITTLE],
    )


def _shown(found: Conversation, candidate: str) -> str:
    """The candidate to show: the one asked for where the hit has it, else the one that is followed."""
    return candidate if candidate in found.candidates else found.reference or ""


def _conversation_page(
    desk: Desk, request: Request, officer: Officer, conversation_id: str, candidate: str
) -> Response:
    node = desk.node
    found = views.find(node, conversation_id)
    shown = _shown(found, candidate)
    agreement = node.agreements.by_id(found.agreement)
    steps = [event for event, _ in views.next_steps(found)]
    is_holder = found.side == "holder"
    return desk.render(
        request,
        "conversation.html",
        officer,
        found=found,
        agreement=agreement,
        steps=steps,
        history=views.history(node, found.id),
        shown=shown,
        pair=None if is_holder else desk.compare(found, shown),
        request_=views.request_of(node, found.id) if is_holder else None,
        available=views.available_fields(node, found, agreement) if "prepare-release" in steps else [],
        prepared=views.prepared_fields(node, found.id) if is_holder else (),
        released=views.released(node, found.id) if not is_holder else {},
        refusals=release_refusals(),
        clause_of=lambda path: clause_text(agreement, path),
    )


def _act(
    node: Node, officer: Officer, conversation_id: str, step: str, form: dict[str, str], fields: tuple[str, ...]
) -> Conversation | Refused:
    """One step of a person, signed with the passphrase that the form carries."""
    who = {"officer": officer.id, "passphrase": form.get("passphrase", "")}
    if step == "conclude" and form.get("decision") in set(Conclusion):
        note = form.get("note", "")[:500]
        decision, reference = Conclusion(form["decision"]), form.get("reference", "")
        return flow.conclude(node, conversation_id, decision=decision, reference=reference, note=note, **who)
    if step == "request":
        return flow.request_data(node, conversation_id, fields=fields, urgent=form.get("urgent") == "on", **who)
    if step == "prepare":
        return flow.prepare_release(node, conversation_id, fields=fields, **who)
    if step == "approve":
        return flow.approve_release(node, conversation_id, **who)
    if step == "refuse":
        return flow.refuse_release(node, conversation_id, reason=form.get("reason", ""), **who)
    raise FormatError("DSK-005", "the desk knows no such step", expected=", ".join(STEPS))
