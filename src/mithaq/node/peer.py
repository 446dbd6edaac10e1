"""Mutual TLS in both directions. Each side trusts exactly the certificates that its agreements pin, and no authority.

    our Post ── TLS 1.3, our certificate ──►  partner's API        (client_context)
    our API  ◄── TLS 1.3, partner's certificate ── partner's Post  (server_context, PeerCertificateProtocol)

The handshake refuses strangers and expired certificates; which partner it was is checked again for each message
(`pact.message.open_message`, check 2), against the agreement that the message names.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx2
from uvicorn.protocols.http.h11_impl import H11Protocol

from mithaq.errors import PartnerError, SettingsError, TrustError

MESSAGES_PATH = "/v1/messages"
CHECKPOINTS_PATH = "/v1/checkpoints"
SEALED_TYPE = "application/jose"
RETRY_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})


def _context(purpose: ssl.Purpose, certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT if purpose is ssl.Purpose.SERVER_AUTH else ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False  # the partner is known by the certificate itself, which the agreement pins
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # a pinned certificate is an anchor, whoever issued it
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            "NOD-030",
            f"the TLS certificate and key do not load ({type(error).__name__})",
            file=str(certificate),
            expected="a PEM certificate and the key that belongs to it",
            remedy="restore both files, or make new ones and amend the agreement",
        ) from None
    return context


def pin(context: ssl.SSLContext, certificates: Iterable[bytes]) -> None:
    """Trust these DER certificates in the context; new connections see them at once."""
    for der in certificates:
        context.load_verify_locations(cadata=der)


def server_context(certificate: Path, key: Path, pinned: Iterable[bytes]) -> ssl.SSLContext:
    """The partner API's TLS: ours, asking for a pinned client certificate."""
    context = _context(ssl.Purpose.CLIENT_AUTH, certificate, key)
    pin(context, pinned)
    return context


def client_context(certificate: Path, key: Path, pinned: Iterable[bytes]) -> ssl.SSLContext:
    """TLS for reaching one partner: ours, accepting that partner's pinned certificates only."""
    context = _context(ssl.Purpose.SERVER_AUTH, certificate, key)
    pin(context, pinned)
    return context


class PeerCertificateProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, which also hands the client's certificate to the application, in scope["state"]."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        ssl_object = transport.get_extra_info("ssl_object")
        certificate = ssl_object.getpeercert(binary_form=True) if ssl_object else None
        self.app_state = {
            **self.app_state,
            "peer_certificate": certificate,
        }  # a copy: the state is shared by connections


class Post:
    """The way to one partner: a kept connection. A failure is a PartnerError that says whether trying again can help."""

    def __init__(self, url: str, context: ssl.SSLContext, *, timeout_s: float) -> None:
        self.url = url.rstrip("/")
        self._client = httpx2.Client(verify=context, timeout=timeout_s, trust_env=False)

    def _send(self, path: str, content: bytes, content_type: str) -> httpx2.Response:
        try:
            return self._client.post(self.url + path, content=content, headers={"content-type": content_type})
        except httpx2.TimeoutException:
            raise PartnerError("NOD-040", "the partner did not answer in time", place=self.url) from None
        except (httpx2.TransportError, ssl.SSLError) as error:
            text = str(error).lower()
            if "certificate" in text or "alert" in text:
                raise PartnerError(
                    "NOD-041",
                    "the TLS handshake failed: one side does not accept the other's certificate",
                    place=self.url,
                    expected="the certificates that the agreement pins, within their validity",
                    remedy="compare `mithaq node status` on both sides",
                ) from None
            if isinstance(error, httpx2.RemoteProtocolError):  # in TLS 1.3 a refused client learns it no sooner
                raise PartnerError(
                    "NOD-048",
                    "the partner closed the connection without an answer",
                    place=self.url,
                    remedy="it will be tried again; where it stays so, the partner may not accept this node's"
                    " certificate: compare `mithaq node status` on both sides",
                ) from None
            raise PartnerError(
                "NOD-042",
                f"the partner cannot be reached ({type(error).__name__})",
                place=self.url,
                remedy="the message is kept and will be tried again",
            ) from None
        except httpx2.InvalidURL:
            raise PartnerError(
                "NOD-043", "the partner's address in the agreement is not a URL", place=self.url, may_retry=False
            ) from None

    def deliver(self, sealed: bytes) -> bytes:
        """Send a sealed message; returns the partner's receipt as it came, not yet verified."""
        response = self._send(MESSAGES_PATH, sealed, SEALED_TYPE)
        if response.status_code == 200:
            return response.content
        raise _refusal(response, self.url)

    def exchange_checkpoint(self, body: bytes) -> tuple[int, str]:
        """Offer our checkpoint; returns the HTTP status (200 co-signed, 409 other size) and the text of the answer."""
        response = self._send(CHECKPOINTS_PATH, body, "text/plain; charset=utf-8")
        if response.status_code in (200, 409):
            return response.status_code, response.text
        refusal = _refusal(response, self.url)
        for code in ("PAC-151", "PAC-164", "PAC-165"):
            if code in refusal.problem:
                raise TrustError(
                    code,
                    "the partner knows another history of this node's ledger, or a longer one",
                    place=self.url,
                    remedy="this node may have been restored from an old back-up: follow docs/operate.md",
                )
        raise refusal

    def close(self) -> None:
        self._client.close()


def _refusal(response: httpx2.Response, url: str) -> PartnerError:
    try:
        answer: Any = response.json()
        code = str(answer.get("code", ""))[:16] if isinstance(answer, dict) else ""
    except ValueError:
        code = ""
    return PartnerError(
        "NOD-044",
        f"the partner answered {response.status_code}" + (f" with code {code}" if code else ""),
        place=url,
        may_retry=response.status_code in RETRY_STATUS,
    )


def peer_certificate(scope: Any) -> bytes:
    """The DER certificate that the connection of this request showed; TrustError where there is none."""
    der = scope.get("state", {}).get("peer_certificate")
    if not der:
        raise TrustError("NOD-045", "the connection shows no client certificate", expected="mutual TLS")
    return bytes(der)
