"""The loopback API for a national system: the drop folder's form over HTTP, with a bearer token.

POST /v1/records   a change (`node.national`) -> {"reference", "exposed", "prints"}     401 without the token, 422 what
                   does not fit, 503 to be sent again; the body is never logged
It listens on this machine only: whoever needs more puts a proxy of their own before it.
"""

from __future__ import annotations

import hmac
import os
import secrets
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from mithaq.errors import MithaqError, SettingsError, StorageError
from mithaq.node import national
from mithaq.node.app import read_body
from mithaq.node.gateway import Files, Node
from mithaq.node.settings import Settings

RECORDS_PATH = "/v1/records"
LARGEST_CHANGE = 64 * 1024 * 1024  # bytes: ten rolled prints at 1000 ppi, uncompressed, in base64
LEAST_TOKEN = 32  # letters


def token_file(settings: Settings) -> Path:
    """Where the token lies."""
    return Files(settings.home).keys / "national.token"


def make_token(settings: Settings) -> Path:
    """Write a new token that only its owner may read, in place of an older one; returns its file."""
    place = token_file(settings)
    place.unlink(missing_ok=True)
    descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(32) + "\n")
    return place


def _token(settings: Settings) -> bytes:
    try:
        token = token_file(settings).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        token = ""
    if len(token) < LEAST_TOKEN:
        raise SettingsError(
            "NOD-273",
            "the API for the national system has no token",
            file=str(token_file(settings)),
            expected=f"a file with {LEAST_TOKEN} letters or more",
            remedy="make one with `mithaq node national token`",
        )
    return token.encode()


def national_app(node: Node) -> FastAPI:
    """The application behind the national system's listener; SettingsError where there is no token."""
    app = FastAPI(title="mithaq national API", version="1", docs_url=None, redoc_url=None, openapi_url=None)
    wanted = b"Bearer " + _token(node.settings)

    @app.post(RECORDS_PATH)
    async def records(request: Request) -> JSONResponse:
        """Take one change."""
        if not hmac.compare_digest(request.headers.get("authorization", "").encode(), wanted):
            return JSONResponse({"code": "NOD-274"}, 401)
        try:
            data = await read_body(request, LARGEST_CHANGE)
            done = await run_in_threadpool(lambda: national.apply(node, national.read_change(data)))
        except MithaqError as error:
            return JSONResponse({"error": error.as_dict()}, 503 if isinstance(error, StorageError) else 422)
        return JSONResponse(done.as_dict())

    return app
