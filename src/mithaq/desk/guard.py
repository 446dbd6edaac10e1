"""What keeps the desk's pages to the people who may see them: sessions, one-page form tokens, hosts, tries, headers.

request ─► host known? ─► session? ─► (POST) token and origin ─► page ─► strict headers
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import defaultdict, deque
from urllib.parse import urlsplit

from fastapi import Request

from mithaq.errors import TrustError

COOKIE = "mithaq-session"
SESSION_S = 8 * 3600.0  # a working day; every act asks for the passphrase again
TRIES, TRIES_WITHIN_S = 5, 300.0
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

    def __init__(self, hosts: frozenset[str]) -> None:
        self._key = secrets.token_bytes(32)
        self._hosts = hosts
        self._failures: dict[str, deque[float]] = defaultdict(deque)

    def check_host(self, request: Request) -> None:
        """Refuse a request under another name than the desk's own (DNS rebinding)."""
        host = (request.headers.get("host") or "").lower()
        if urlsplit(f"//{host}").hostname not in self._hosts:
            raise TrustError(
                "DSK-001", "the desk is not known under this name", expected=", ".join(sorted(self._hosts))
            )

    def token(self, session: str) -> str:
        """The token that a form of this session carries."""
        return hmac.new(self._key, session.encode(), hashlib.sha256).hexdigest()

    def check_form(self, request: Request, session: str, token: str) -> None:
        """Refuse a form that this session's own pages did not make."""
        origin = request.headers.get("origin")
        site = request.headers.get("sec-fetch-site", "same-origin")
        foreign = origin not in (None, "null") and urlsplit(origin).netloc != request.headers.get("host")
        if foreign or site not in ("same-origin", "none") or not hmac.compare_digest(token, self.token(session)):
            raise TrustError("DSK-002", "the form is not from this session", remedy="open the page again and repeat it")

    def may_try(self, *names: str) -> bool:
        """True while neither the officer nor the address has failed too often of late."""
        now = time.monotonic()
        for name in names:
            failures = self._failures[name]
            while failures and failures[0] < now - TRIES_WITHIN_S:
                failures.popleft()
            if len(failures) >= TRIES:
                return False
        return True

    def failed(self, *names: str) -> None:
        """Remember a failed sign-in."""
        for name in names:
            self._failures[name].append(time.monotonic())
