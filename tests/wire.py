"""Three synthetic nodes with keys of their own, and messages between them: what tests of the wire begin with.

The third one, FR, is a partner of both under agreements of its own, so that a message can end in the wrong hands.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest

from mithaq.errors import TrustError
from mithaq.pact.jose import encrypt_compact
from mithaq.pact.keys import (
    CheckpointKey,
    EncryptionKey,
    SigningKey,
    Suite,
    generate_checkpoint_key,
    generate_encryption_key,
    generate_signing_key,
)
from mithaq.pact.message import SEALED_TYPE, Context, Manifest, Partner, Standing, make_manifest, open_message, seal

AT = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
AGREEMENT = "sha256:" + "5" * 64
BODY = b"1.001:200\x1d1.002:0502\x1c"


@dataclass(frozen=True)
class Node:
    party: str
    sign: SigningKey
    encrypt: EncryptionKey
    checkpoint: CheckpointKey

    @property
    def certificate(self) -> str:
        return hashlib.sha256(self.party.encode()).hexdigest()

    @property
    def pinned(self) -> Partner:
        return Partner(self.party, frozenset({self.certificate}), (self.sign.jwk,))


def node(party: str, suite: Suite = "default") -> Node:
    """The same node each time."""
    return _node(party, suite)


@cache
def _node(party: str, suite: Suite) -> Node:
    return Node(
        party,
        generate_signing_key(suite),
        generate_encryption_key(suite),
        generate_checkpoint_key(f"{party.lower()}.example/ledger"),
    )


QA, US, FR = node("QA"), node("US"), node("FR")


def context(
    to: Node = US,
    over: Node = QA,
    *,
    now: datetime = AT,
    suite: Suite = "default",
    standing: Callable[[Manifest], Standing] = lambda manifest: Standing.IN_FORCE,
    **changes: Any,
) -> Context:
    """What `to` knows when a message arrives on a connection of `over`."""
    pinned = {partner.certificate: partner.pinned for partner in (node(code, suite) for code in ("QA", "US", "FR"))}
    return Context(to.party, [to.encrypt], over.certificate, now, pinned.get, standing, **changes)


def manifest(body: bytes = BODY, **changes: Any) -> Manifest:
    values: dict[str, Any] = {
        "kind": "query", "sender": "QA", "sender_contact": "qa-ncp", "recipient": "US", "recipient_contact": "us-ncp",
        "agreement": AGREEMENT, "body_type": "ansi-nist", "created": AT, "expires": AT + timedelta(days=1),
    }  # fmt: skip
    return make_manifest(body, **{**values, **changes})


def sealed(body: bytes = BODY, *, by: Node = QA, to: Node = US, **changes: Any) -> bytes:
    return seal(manifest(body, **changes), body, sign_key=by.sign, encrypt_to=to.encrypt.jwk)


def sealed_raw(inside: bytes, to: Node = US) -> bytes:
    """Any bytes, sealed to a node as a message is."""
    return encrypt_compact(inside, to.encrypt.jwk, typ=SEALED_TYPE)


def code_of(data: bytes, at: Context | None = None) -> str:
    """The code with which the message is refused."""
    with pytest.raises(TrustError) as caught:
        open_message(data, at or context())
    return caught.value.code
