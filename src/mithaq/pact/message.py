"""A message between two nodes: sealed by one, opened by the other in numbered checks.

    manifest ──canonical JSON──► JWS (sender's key) ┐
                                       "\\n" + body ─┴─► JWE (recipient's key) ──► bytes for POST /v1/messages

The body is encoded once: it stands raw inside the encryption, and the signed manifest carries its SHA-256. What an
opened message says may be acted on only after the three steps that need the node's store (`node.flow`):

    10  duplicate: (sender, message id) is inserted under a unique key, in the transaction of the message's effect;
        a second time, the same digest gets the stored receipt again, and another digest is refused
    11  schema: the body is what `body_type` says, in the profile that the agreement names
    12  gate: `gate.gate`, `gate_request` or `gate_release` accepts it

Every failure is a `TrustError`, PAC-101 to PAC-119; the partner learns its code alone. Receipts are in `receipt.py`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from mithaq.errors import TrustError
from mithaq.pact.agreement import Agreement, active
from mithaq.pact.jose import decrypt_compact, encrypt_compact, sign_compact, verify_compact
from mithaq.pact.keys import EncryptionKey, SigningKey
from mithaq.pact.strict import Rule, canonical, load, plain, read
from mithaq.pact.terms import _IDENTIFIER, _INSTANT, _PARTY, _WORD, Jwk
from mithaq.units import parse_timestamp, timestamp

SCHEMA = "mithaq-message-1"
SEALED_TYPE = "mithaq-sealed-1"  # typ of the JWE
MANIFEST_TYPE = "mithaq-message-1"  # typ of the JWS inside
PLACE = "message"
MAX_BODY_BYTES = 33_554_432  # ten rolled prints at 1000 ppi, lossless, are about 20 MB
MAX_SKEW_S = 300.0  # clocks of two nodes with NTP differ by milliseconds; five minutes is the custom (Kerberos)
MAX_LIFE_S = 31 * 86_400.0  # as long as a duplicate can still arrive, its id must be remembered

Kind: TypeAlias = Literal["query", "answer", "request", "release", "notice"]
PROTECTIVE_KINDS: frozenset[str] = frozenset({"notice"})  # pass although the agreement is suspended or over (law 10)

_UUID = Rule("32 hexadecimal digits", re.compile("[0-9a-f]{32}"))
_DIGEST = Rule("SHA-256 as 64 hexadecimal digits", re.compile("[0-9a-f]{64}"))
_TYPE = Rule("a body's type, as ansi-nist", re.compile("[a-z][a-z0-9]*([-+./][a-z0-9]+){0,7}"))
_SIZE = Rule(f"0 to {MAX_BODY_BYTES} bytes", low=0, high=MAX_BODY_BYTES)


@dataclass(frozen=True)
class Manifest:
    """What a message is: who sends what to whom, under which agreement, in which conversation, until when.

    `id` and `conversation` are 32 hexadecimal digits (a conversation has the id of its query), `in_reply_to` the id of
    the message answered, or None. `created` and `expires` are instants as `units.timestamp` writes them.
    """

    schema: Literal["mithaq-message-1"]
    id: Annotated[str, _UUID]
    kind: Kind
    sender: Annotated[str, _PARTY]
    sender_contact: Annotated[str, _WORD]
    recipient: Annotated[str, _PARTY]
    recipient_contact: Annotated[str, _WORD]
    agreement: Annotated[str, _IDENTIFIER]
    conversation: Annotated[str, _UUID]
    in_reply_to: Annotated[str, _UUID] | None
    created: Annotated[str, _INSTANT]
    expires: Annotated[str, _INSTANT]
    body_type: Annotated[str, _TYPE]
    body_sha256: Annotated[str, _DIGEST]
    body_bytes: Annotated[int, _SIZE]

    @property
    def created_at(self) -> datetime:
        """The instant of `created`."""
        return parse_timestamp(self.created)

    @property
    def expires_at(self) -> datetime:
        """The instant of `expires`."""
        return parse_timestamp(self.expires)


class Standing(StrEnum):
    """How a message's agreement stands at the node that opens it."""

    IN_FORCE = "in-force"
    CLOSED = "closed"  # known, but not begun, suspended for this kind of message, or over
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Partner:
    """What is pinned for one partner: SHA-256 of its TLS certificates' DER (hex), and its signing keys."""

    party: str
    certificates: frozenset[str]
    signing_keys: tuple[Jwk, ...]


@dataclass(frozen=True)
class Context:
    """What a node knows when a message arrives.

    `certificate` is the SHA-256 (hex) of the certificate that the connection showed; `partner` finds whose it is among
    all agreements, revoked keys left out; `standing` tells how the manifest's agreement stands for this very message.
    """

    party: str
    keys: Sequence[EncryptionKey]
    certificate: str
    now: datetime
    partner: Callable[[str], Partner | None]
    standing: Callable[[Manifest], Standing]
    max_body_bytes: int = MAX_BODY_BYTES
    max_skew_s: float = MAX_SKEW_S
    max_life_s: float = MAX_LIFE_S


@dataclass(frozen=True)
class Opened:
    """A message whose nine checks hold. `digest` is the SHA-256 (hex) of the sealed bytes, as its receipt names it."""

    manifest: Manifest
    body: bytes = field(repr=False)
    digest: str


def make_manifest(
    body: bytes,
    *,
    kind: Kind,
    sender: str,
    sender_contact: str,
    recipient: str,
    recipient_contact: str,
    agreement: str,
    body_type: str,
    created: datetime,
    expires: datetime,
    id: str | None = None,
    conversation: str | None = None,
    in_reply_to: str | None = None,
) -> Manifest:
    """The manifest for this body, its schema checked. A new id where none is given; without a conversation, the message
    begins one under its own id. TrustError PAC-111 for a value that may not stand there."""
    identifier = id or uuid.uuid4().hex
    return _read_manifest({
        "schema": SCHEMA, "id": identifier, "kind": kind, "sender": sender, "sender_contact": sender_contact,
        "recipient": recipient, "recipient_contact": recipient_contact, "agreement": agreement,
        "conversation": conversation or identifier, "in_reply_to": in_reply_to, "created": timestamp(created),
        "expires": timestamp(expires), "body_type": body_type, "body_sha256": hashlib.sha256(body).hexdigest(),
        "body_bytes": len(body),
    })  # fmt: skip


def seal(manifest: Manifest, body: bytes, *, sign_key: SigningKey, encrypt_to: Jwk) -> bytes:
    """The sealed bytes, about 4/3 of the body and 1.7 kB. The keys' curves decide the algorithms, as the agreement's
    suite pins them. TrustError PAC-119 where the manifest is not this body's."""
    _require_body(manifest, body)
    signed = sign_compact(canonical(plain(manifest)), sign_key, typ=MANIFEST_TYPE)
    return encrypt_compact(b"\n".join((signed, body)), encrypt_to, typ=SEALED_TYPE)


def sealed_digest(data: bytes) -> str:
    """SHA-256 (hex) of sealed bytes: what a receipt names, and what tells a duplicate from a second message."""
    return hashlib.sha256(data).hexdigest()


def max_sealed_bytes(max_body_bytes: int = MAX_BODY_BYTES) -> int:
    """The most bytes that a sealed message with a body of this size can have; a server reads no more than that."""
    return (max_body_bytes + 4096) * 4 // 3 + 2048


def open_message(data: bytes, context: Context) -> Opened:
    """The message in sealed bytes, once checks 1 to 9 hold; TrustError PAC-101 to PAC-119 for every other case."""
    # 1. Size: nothing is parsed that is larger than a message can be.
    if len(data) > max_sealed_bytes(context.max_body_bytes):
        raise _refuse("PAC-101", "the message is too large", f"a body of at most {context.max_body_bytes} bytes")
    # 2. TLS partner: the connection's certificate is pinned for one party.
    partner = context.partner(context.certificate)
    if partner is None or context.certificate not in partner.certificates:
        raise _refuse("PAC-102", "the connection's certificate is pinned for nobody", "a certificate of an agreement")
    # 3. Decryption: one algorithm, one of our keys, nothing negotiated.
    plaintext = decrypt_compact(data, context.keys, typ=SEALED_TYPE, place=PLACE)
    signed, line_feed, body = plaintext.partition(b"\n")
    if not line_feed:
        raise _refuse("PAC-107", "there is no body inside", "a signed manifest, a line feed, and the body")
    # 4. Signature: by a key pinned for that party, under that key's algorithm.
    verified = verify_compact(signed, partner.signing_keys, typ=MANIFEST_TYPE, place=PLACE)
    # 5. Manifest: canonical JSON with every known key and no other.
    manifest = _read_manifest(_load_manifest(verified.payload))
    # 6. Agreement: known, and in force for a message of this kind.
    standing = context.standing(manifest)
    if standing is Standing.UNKNOWN:
        raise _refuse("PAC-112", "the agreement is not known", "an agreement that both parties signed")
    if standing is not Standing.IN_FORCE:
        raise _refuse("PAC-113", "the agreement is not in force for this message", "an agreement in force")
    # 7. Parties: to us, from the partner that the connection and the signature showed.
    if manifest.recipient != context.party:
        raise _refuse("PAC-114", "the message is for another party", context.party)
    if manifest.sender != partner.party:
        raise _refuse("PAC-115", "the sender is not the partner of this connection", partner.party)
    # 8. Time: created within the clocks' tolerance, not expired, and not good for longer than ids are remembered.
    _require_time(manifest, context)
    # 9. Body: the very bytes that the manifest was signed over.
    _require_body(manifest, body)
    return Opened(manifest, body, sealed_digest(data))


def partner_of(agreements: Iterable[Agreement], party: str) -> Partner:
    """What these agreements pin for the party, together. A node leaves out agreements that are over, and takes revoked
    keys away from the result."""
    certificates: set[str] = set()
    keys: dict[str, Jwk] = {}
    for agreement in agreements:
        if (found := agreement.parties.get(party)) is not None:
            certificates.update(found.keys.certificate_digests)
            keys.update((key.thumbprint, key) for key in found.keys.sign)
    return Partner(party, frozenset(certificates), tuple(keys.values()))


def standing_of(manifest: Manifest, agreements: Mapping[str, Agreement], *, at: datetime) -> Standing:
    """How the manifest's agreement stands among these, by id: unknown where it is not between these two parties; a
    protective message passes under every agreement that both once signed."""
    agreement = agreements.get(manifest.agreement)
    if agreement is None or {manifest.sender, manifest.recipient} != set(agreement.parties):
        return Standing.UNKNOWN
    if manifest.kind in PROTECTIVE_KINDS or active(agreement, at):
        return Standing.IN_FORCE
    return Standing.CLOSED


def _load_manifest(payload: bytes) -> object:
    """The JSON values of a manifest's canonical bytes; TrustError PAC-111."""
    try:
        return load(payload, what="manifest")
    except TrustError as error:
        raise _manifest_error(error) from None


def _read_manifest(values: object) -> Manifest:
    try:
        manifest = read(Manifest, values, what="manifest")
    except TrustError as error:
        raise _manifest_error(error) from None
    try:
        _ = manifest.created_at, manifest.expires_at
    except ValueError:
        raise _refuse("PAC-111", "the manifest names an instant that does not exist", "dates of the calendar") from None
    return manifest


def _manifest_error(error: TrustError) -> TrustError:
    return TrustError(
        "PAC-111",
        error.problem,
        place=error.place,
        expected=error.expected,
        remedy="both nodes must run versions that know the same messages",
        detail=error.code,
    )


def _require_time(manifest: Manifest, context: Context) -> None:
    skew = timedelta(seconds=context.max_skew_s)
    if manifest.created_at - context.now > skew:
        raise _refuse(
            "PAC-117",
            "the message was made in the future",
            f"clocks that differ by at most {context.max_skew_s:.0f} s",
            "check the clock of both nodes",
        )
    if manifest.expires_at + skew <= context.now:
        raise _refuse("PAC-116", "the message has expired", "a message that arrives before it expires")
    life_s = (manifest.expires_at - manifest.created_at).total_seconds()
    if not 0 < life_s <= context.max_life_s:
        raise _refuse(
            "PAC-118", "the message's life is out of range", f"more than 0 and at most {context.max_life_s:.0f} s"
        )


def _require_body(manifest: Manifest, body: bytes) -> None:
    digest = hashlib.sha256(body).hexdigest()
    if len(body) != manifest.body_bytes or not hmac.compare_digest(digest, manifest.body_sha256):
        raise _refuse("PAC-119", "the body is not the one that was signed", "the length and SHA-256 of the manifest")


def _refuse(code: str, problem: str, expected: str, remedy: str = "") -> TrustError:
    return TrustError(code, problem, place=PLACE, expected=expected, remedy=remedy)


__all__ = [
    "MAX_BODY_BYTES", "MAX_LIFE_S", "MAX_SKEW_S", "PROTECTIVE_KINDS", "Context", "Kind", "Manifest", "Opened",
    "Partner", "Standing", "make_manifest", "max_sealed_bytes", "open_message", "partner_of", "seal", "sealed_digest",
    "standing_of",
]  # fmt: skip
