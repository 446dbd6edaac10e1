"""What keeps the desk's pages to the people who may see them: sessions, one-page form tokens, hosts, tries, headers.

request ─► body small enough? ─► host known? ─► session? ─► (POST) token and origin ─► page ─► strict headers
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import defaultdict, deque
from collections.abc import Mapping
from urllib.parse import urlsplit

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mithaq.errors import FormatError, TrustError

SESSION_S = 8 * 3600.0  # a working day; every act asks for the passphrase again
TRIES_WITHIN_S = 300.0
TRIES, TRIES_OF_ADDRESS = 5, 25  # wrong passphrases of one officer; of an address, which a whole office may share
DRAINED = 8  # times the limit: a browser shows the answer only when it could send its form to the end
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """Owns the secret that form tokens are made with, and remembers failed sign-ins for a while."""

    def __init__(self, hosts: frozenset[str], *, cookie: str) -> None:
        self.cookie = cookie
        self._key = secrets.token_bytes(32)
        self._hosts = hosts
        self._failures: dict[tuple[str, int], deque[float]] = defaultdict(deque)

    def check_host(self, request: Request) -> None:
        """Refuse a request under another name than the desk's own (DNS rebinding)."""
        host = (request.headers.get("host") or "").lower()
        if urlsplit(f"//{host}").hostname not in self._hosts:
            raise TrustError(
                "DSK-001",
                "the desk is not known under this name",
                expected=", ".join(sorted(self._hosts)),
                remedy="open it under one of these, or add the name to listen.desk_names in node.toml",
            )

    def token(self, request: Request) -> str:
        """The token that a form of this request's session carries."""
        session = request.cookies.get(self.cookie, "")
        return hmac.new(self._key, session.encode(), hashlib.sha256).hexdigest()

    def check_origin(self, request: Request) -> None:
        """Refuse a form that another site's page sent."""
        origin = request.headers.get("origin")
        site = request.headers.get("sec-fetch-site", "same-origin")
        foreign = origin not in (None, "null") and urlsplit(origin).netloc != request.headers.get("host")
        if foreign or site not in ("same-origin", "none"):
            raise _not_ours()

    def check_form(self, request: Request, token: str) -> None:
        """Refuse a form that this session's own pages did not make."""
        self.check_origin(request)
        if not hmac.compare_digest(token.encode(), self.token(request).encode()):
            raise _not_ours()

    def may_try(self, officer: str, address: str = "") -> bool:
        """True while neither the officer nor the address has failed too often of late."""
        now = time.monotonic()
        for name, tries in _limits(officer, address):
            failures = self._failures[name, tries]
            while failures and failures[0] < now - TRIES_WITHIN_S:
                failures.popleft()
            if len(failures) >= tries:
                return False
            if not failures:
                del self._failures[name, tries]
        return True

    def failed(self, officer: str, address: str = "") -> None:
        """Remember a wrong passphrase."""
        for limit in _limits(officer, address):
            self._failures[limit].append(time.monotonic())

    def succeeded(self, officer: str) -> None:
        """Forget an officer's slips once they signed in; the address keeps its own."""
        self._failures.pop((officer, TRIES), None)


def _limits(officer: str, address: str) -> list[tuple[str, int]]:
    return [(officer, TRIES), *([(address, TRIES_OF_ADDRESS)] if address else [])]


def _not_ours() -> TrustError:
    return TrustError("DSK-002", "the form is not from this session", remedy="open the page again and repeat it")


class BodyLimit:
    """ASGI middleware that ends a form larger than its page takes, announced or not (DSK-003)."""

    def __init__(self, app: ASGIApp, *, largest: int, at: Mapping[str, int]) -> None:
        self._app, self._largest, self._at = app, largest, at

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on with its body counted."""
        limit = self._at.get(scope.get("path", ""), self._largest)
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size <= limit:
                return message
            while message.get("more_body") and size <= DRAINED * limit:
                message = await receive()
                size += len(message.get("body", b""))
            raise FormatError("DSK-003", "the file is too large", expected=f"at most {limit / 2**20:.2g} MB")

        await self._app(scope, counted, send)
