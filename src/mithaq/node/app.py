"""The partner API, and the node's own health and metrics page. Thin: bytes in, `flow`, bytes out.

partner ── mutual TLS ──► POST /v1/messages      sealed message -> signed receipt
                          POST /v1/checkpoints   our partner's checkpoint -> our co-signature
                          GET  /healthz          "ok", nothing else
our own people ─────────► GET  /healthz, /metrics (mounted on the desk's listener, never on the partner's)
"""

from __future__ import annotations

import structlog
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from mithaq.errors import FormatError, MithaqError, PartnerError, StorageError, TrustError
from mithaq.node import flow, upkeep, witness
from mithaq.node.gateway import Node
from mithaq.node.peer import CHECKPOINTS_PATH, MESSAGES_PATH, SEALED_TYPE, peer_certificate

_log = structlog.get_logger("mithaq.api")


def _status(error: MithaqError) -> int:
    """The HTTP status of an error: 4xx where the sender must change something, 503 where trying again helps."""
    if isinstance(error, PartnerError | StorageError):
        return 503
    return 403 if isinstance(error, TrustError) else 422


def _refuse(error: MithaqError) -> JSONResponse:
    detail = getattr(error, "detail", "")
    _log.warning("message refused", code=error.code, problem=error.problem, detail=detail)
    return JSONResponse({"code": error.code}, status_code=_status(error))  # the partner learns the code alone


async def read_body(request: Request, limit: int) -> bytes:
    """The request's body, given up as soon as it passes the limit."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise FormatError(
                "NOD-060", "the message is larger than this node takes", expected=f"at most {limit} bytes"
            )
        parts.append(part)
    return b"".join(parts)


def partner_app(node: Node) -> FastAPI:
    """The application behind the partner's listener."""
    app = FastAPI(title="mithaq partner API", version="1", docs_url=None, redoc_url=None)
    limit = node.settings.delivery.largest_message_bytes

    @app.post(MESSAGES_PATH, response_class=Response, responses={200: {"content": {SEALED_TYPE: {}}}})
    async def messages(request: Request) -> Response:
        """Take a sealed message; the answer is the signed receipt, the same one however often it is sent."""
        try:
            certificate = peer_certificate(request.scope)
            sealed = await read_body(request, limit)
            receipt = await run_in_threadpool(flow.receive, node, sealed, certificate)
        except MithaqError as error:
            return _refuse(error)
        node.wake.set()
        return Response(receipt, media_type=SEALED_TYPE)

    @app.post(CHECKPOINTS_PATH, response_class=PlainTextResponse)
    async def checkpoints(request: Request) -> Response:
        """Take a partner's checkpoint and proof; the answer is our co-signature, or the size we know."""
        try:
            certificate = peer_certificate(request.scope)
            body = await read_body(request, 65536)
            status, text = await run_in_threadpool(witness.co_sign, node, body, certificate)
        except MithaqError as error:
            return _refuse(error)
        return PlainTextResponse(text, status_code=status)

    @app.api_route("/healthz", methods=["GET", "HEAD"], response_class=PlainTextResponse)
    async def healthz() -> str:
        """That the process answers."""
        return "ok\n"

    @app.exception_handler(Exception)
    async def unexpected(_request: Request, error: Exception) -> JSONResponse:
        _log.error("unexpected error", kind=type(error).__name__)
        return JSONResponse({"code": "NOD-999"}, status_code=500)

    return app


def operations(node: Node) -> APIRouter:
    """Health and metrics for the agency's own network."""
    router = APIRouter()

    @router.api_route("/healthz", methods=["GET", "HEAD"])
    async def healthz() -> JSONResponse:
        """Whether the node can serve, part by part: 200 or 503."""
        health = await run_in_threadpool(upkeep.health, node)
        return JSONResponse(health, status_code=200 if health["ok"] else 503)

    @router.get("/metrics")
    async def metrics() -> Response:
        """Counters for Prometheus; no label carries a person, a case or a print."""
        await run_in_threadpool(upkeep.measure, node)
        return Response(generate_latest(node.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return router
