"""What crosses the border: a signed manifest and a body, sealed for one recipient. Opening reads as a list of checks.

    manifest (canonical JSON) ──JWS──┐
                                     ├─ "\n" ─► plaintext ──JWE──► sealed bytes
    body (a transaction, or JSON) ───┘                (ECDH-ES, A256GCM)

The manifest carries the body's SHA-256, so one signature covers both and the body is not encoded twice. Algorithms are
those of the agreement's suite, compared byte for byte with the header, never read from it. The recipient's signed
receipt names the message, its digest and the ledger entry that it became.

Checks 1 to 9 are here. The node goes on: 10 duplicate (the same receipt), 11 schema of the body, 12 gate (`node.flow`).
Every failure is a `TrustError`, PAC-101 to PAC-119; the partner learns the code alone.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from joserfc import jwe
from joserfc.errors import JoseError

from mithaq.errors import TrustError
from mithaq.pact.agreement import Agreement
from mithaq.pact.keys import (
    EncryptKey,
    SignKey,
    b64decode,
    certificate_digest,
    jose_key,
    open_jws,
    public_jose,
    public_jwk,
    sign_jws,
    thumbprint,
)
from mithaq.pact.strict import Rule, canonical, load, plain, read
from mithaq.pact.terms import _IDENTIFIER, _INSTANT, _PARTY
from mithaq.units import parse_timestamp, timestamp

MESSAGE_TYPE = "mithaq-message"
MANIFEST_TYPE = "mithaq-manifest"
RECEIPT_TYPE = "mithaq-receipt"
LARGEST_SEALED = 24 * 1024 * 1024  # bytes; fourteen prints at 1000 ppi, PNG, are about 15 MB

_HEX32 = Rule("32 lower-case hexadecimal digits", re.compile("[0-9a-f]{32}"))
_SHA256 = Rule("64 lower-case hexadecimal digits (SHA-256)", re.compile("[0-9a-f]{64}"))
_CONTACT = Rule("a contact point's code", re.compile("[a-z][a-z0-9]*(-[a-z0-9]+){0,7}"))
_TYPE = Rule("a media type", re.compile(r"[a-z]+/[a-z0-9.+-]{1,64}"))

Kind = Literal["query", "answer", "request", "release", "notice"]


@dataclass(frozen=True)
class Manifest:
    """What the sender signs: who to whom, under which agreement, in which conversation, until when, over which body."""

    schema: Literal["mithaq-manifest-1"]
    id: Annotated[str, _HEX32]
    kind: Kind
    sender: Annotated[str, _PARTY]
    sender_contact: Annotated[str, _CONTACT]
    recipient: Annotated[str, _PARTY]
    recipient_contact: Annotated[str, _CONTACT]
    agreement: Annotated[str, _IDENTIFIER]
    conversation: Annotated[str, _HEX32]
    created: Annotated[str, _INSTANT]
    expires: Annotated[str, _INSTANT]
    body_type: Annotated[str, _TYPE]
    body_sha256: Annotated[str, _SHA256]


@dataclass(frozen=True)
class Opened:
    """A message that passed checks 1 to 9. `digest` is the SHA-256 of the sealed bytes, hex."""

    manifest: Manifest
    body: bytes
    digest: str


@dataclass(frozen=True)
class Opening:
    """What a recipient knows when a message comes in.

    `certificate` is the DER certificate that the connection showed; `find_agreement` returns an agreement that both
    signed, by its id, or None; `is_usable` says whether that agreement may still carry this kind of message now.
    """

    party: str
    certificate: bytes
    certificates: Mapping[str, Sequence[bytes]]  # pinned DER certificates, by partner
    decrypt_keys: Sequence[EncryptKey]
    find_agreement: Callable[[str], Agreement | None]
    is_usable: Callable[[Agreement, str], bool]
    now: datetime
    clock_skew: timedelta = timedelta(seconds=120)
    largest: int = LARGEST_SEALED


def manifest_for(
    *,
    message_id: str,
    kind: str,
    sender: tuple[str, str],
    recipient: tuple[str, str],
    agreement: str,
    conversation: str,
    created: datetime,
    expires: datetime,
    body: bytes,
    body_type: str,
) -> Manifest:
    """The manifest of a body. `sender` and `recipient` are (party, contact point). TrustError where a value does not fit."""
    values = {
        "schema": "mithaq-manifest-1",
        "id": message_id,
        "kind": kind,
        "sender": sender[0],
        "sender_contact": sender[1],
        "recipient": recipient[0],
        "recipient_contact": recipient[1],
        "agreement": agreement,
        "conversation": conversation,
        "created": timestamp(created),
        "expires": timestamp(expires),
        "body_type": body_type,
        "body_sha256": hashlib.sha256(body).hexdigest(),
    }
    return read(Manifest, values, what="manifest")


def seal(manifest: Manifest, body: bytes, *, sign_key: SignKey, encrypt_to: Mapping[str, str]) -> bytes:
    """The sealed message for the holder of the key `encrypt_to` (a public JWK of the recipient)."""
    signed = sign_jws(sign_key, canonical(plain(manifest)), typ=MANIFEST_TYPE)
    header = _encryption_header(encrypt_to)
    plaintext = signed.encode("ascii") + b"\n" + body
    return jwe.encrypt_compact(header, plaintext, public_jose(encrypt_to), registry=_registry(LARGEST_SEALED)).encode("ascii")


def open_message(sealed: bytes, opening: Opening) -> Opened:
    """The manifest and body of a sealed message that passed checks 1 to 9; TrustError otherwise."""
    # 1. Size.
    if len(sealed) > opening.largest:
        raise _refuse("PAC-101", "the message is larger than this node takes", f"at most {opening.largest} bytes")
    # 2. TLS partner: the connection's certificate is one that an agreement pins for exactly one partner.
    partner = _tls_partner(opening)
    # 3. Decryption, with the agreed algorithms for one of our own keys.
    signed, body = _decrypt(sealed, opening)
    # 4. Signature: of the manifest, by a key of that partner. Which agreement's keys is said by the manifest itself, so it
    #    is read once before it is believed, and used only to look up keys.
    claimed = _claimed_agreement(signed)
    agreement = opening.find_agreement(claimed)
    if agreement is None:
        raise _refuse("PAC-107", "the message names no agreement that both signed and that is installed here",
                      "an agreement in force")  # fmt: skip
    party = agreement.party(partner)
    if party is None:
        raise _refuse("PAC-108", "the agreement that the message names is not with this partner", "an agreement of both")
    payload = open_jws(signed, [key.public() for key in party.keys.sign], typ=MANIFEST_TYPE)
    # 5. The manifest's schema: exactly its keys, canonical bytes.
    manifest = read(Manifest, load(payload, what="manifest"), what="manifest")
    # 6. The agreement: the one whose keys were used, and usable for this kind of message now.
    if manifest.agreement != agreement.id:
        raise _refuse("PAC-109", "the manifest names another agreement than its signature was checked under", "the same")
    if not opening.is_usable(agreement, manifest.kind):
        raise _refuse("PAC-110", f"the agreement is not in force for a {manifest.kind}", "an agreement in force")
    # 7. From the TLS partner, to us.
    if manifest.sender != partner:
        raise _refuse("PAC-111", "the sender is not the partner at the other end of the connection", "the same party")
    if manifest.recipient != opening.party:
        raise _refuse("PAC-112", "the message is not for this node", "our own party as recipient")
    # 8. Expiry, and a clock that agrees with ours.
    created, expires = parse_timestamp(manifest.created), parse_timestamp(manifest.expires)
    if opening.now >= expires:
        raise _refuse("PAC-113", "the message has expired", "a message within its life")
    if created > opening.now + opening.clock_skew or expires <= created:
        raise _refuse("PAC-114", "the message comes from the future, or ends before it begins",
                      f"clocks within {opening.clock_skew.total_seconds():.0f} s of each other")  # fmt: skip
    # 9. The body is the one that was signed.
    if hashlib.sha256(body).hexdigest() != manifest.body_sha256:
        raise _refuse("PAC-115", "the body is not the one that the manifest names", "the body that was signed")
    return Opened(manifest, body, hashlib.sha256(sealed).hexdigest())


# ---------------------------------------------------------------- receipts


@dataclass(frozen=True)
class Receipt:
    """What the recipient signs: that it has this message, since when, and as which entry of its ledger."""

    schema: Literal["mithaq-receipt-1"]
    message: Annotated[str, _HEX32]
    digest: Annotated[str, _SHA256]
    sender: Annotated[str, _PARTY]
    recipient: Annotated[str, _PARTY]
    received_at: Annotated[str, _INSTANT]
    ledger_index: Annotated[int, Rule("a position in the ledger", low=0)]
    leaf: Annotated[str, _SHA256]


def make_receipt(opened: Opened, *, received_at: datetime, ledger_index: int, leaf: bytes, sign_key: SignKey) -> bytes:
    """The recipient's signed receipt, the answer to every delivery of this message."""
    receipt = Receipt(
        "mithaq-receipt-1",
        opened.manifest.id,
        opened.digest,
        opened.manifest.sender,
        opened.manifest.recipient,
        timestamp(received_at),
        ledger_index,
        leaf.hex(),
    )
    return sign_jws(sign_key, canonical(plain(receipt)), typ=RECEIPT_TYPE).encode("ascii")


def verify_receipt(
    data: bytes, *, message: str, digest: str, sender: str, recipient: str, keys: Sequence[Mapping[str, str]]
) -> Receipt:
    """The receipt, where it is the recipient's own for exactly that message; TrustError otherwise."""
    payload = open_jws(_ascii(data), keys, typ=RECEIPT_TYPE)
    receipt = read(Receipt, load(payload, what="receipt"), what="receipt")
    if (receipt.message, receipt.digest, receipt.sender, receipt.recipient) != (message, digest, sender, recipient):
        raise _refuse("PAC-116", "the receipt is for another message", "the receipt of this message")
    return receipt


# ---------------------------------------------------------------- the steps of opening


def _tls_partner(opening: Opening) -> str:
    digest = certificate_digest(opening.certificate)
    partners = [
        partner
        for partner, ders in opening.certificates.items()
        if any(certificate_digest(der) == digest for der in ders)
    ]
    if len(partners) != 1:
        raise _refuse("PAC-102", "the connection's certificate is pinned by no agreement", "a pinned certificate")
    return partners[0]


def _decrypt(sealed: bytes, opening: Opening) -> tuple[str, bytes]:
    text = _ascii(sealed)
    try:
        header = json.loads(b64decode(text.partition(".")[0]))
    except (ValueError, RecursionError):
        raise _refuse("PAC-103", "this is not a compact JWE", "a sealed message") from None
    if not isinstance(header, dict):
        raise _refuse("PAC-103", "this is not a compact JWE", "a sealed message")
    epk = header.pop("epk", None)
    for key in opening.decrypt_keys:
        public = public_jwk(key)
        if header != _encryption_header(public):
            continue
        if not isinstance(epk, dict) or {name: epk.get(name) for name in ("kty", "crv")} != {
            "kty": public["kty"],
            "crv": public["crv"],
        }:
            break
        try:
            plaintext = jwe.decrypt_compact(text, jose_key(key), registry=_registry(opening.largest)).plaintext or b""
        except (JoseError, ValueError, TypeError, KeyError, OverflowError):
            raise _refuse("PAC-105", "the message does not decrypt", "a message sealed for this node's key") from None
        signed, separator, body = bytes(plaintext).partition(b"\n")
        if not separator:
            raise _refuse("PAC-106", "the plaintext is not a signed manifest and a body", "both, parted by a line feed")
        return _ascii(signed), body
    raise _refuse("PAC-104", "the message is sealed for another key, or in another way", "the agreed algorithms and key")


def _claimed_agreement(signed: str) -> str:
    try:
        claimed = json.loads(b64decode(signed.split(".")[1]))["agreement"]
    except (ValueError, IndexError, KeyError, TypeError, RecursionError):
        claimed = None
    if not isinstance(claimed, str):
        raise _refuse("PAC-106", "the manifest cannot be read", "canonical JSON with exactly the keys of a manifest")
    return claimed


def _encryption_header(jwk: Mapping[str, str]) -> dict[str, Any]:
    return {"alg": "ECDH-ES", "enc": "A256GCM", "kid": thumbprint(jwk), "typ": MESSAGE_TYPE}


def _registry(largest: int) -> jwe.JWERegistry:
    registry = jwe.JWERegistry(algorithms=["ECDH-ES", "A256GCM"])
    registry.max_ciphertext_length = largest  # the library's own limit is 64 KiB
    return registry


def _ascii(data: bytes) -> str:
    try:
        return data.decode("ascii")
    except UnicodeDecodeError:
        raise _refuse("PAC-103", "the message is not ASCII text", "a compact JOSE serialisation") from None


def _refuse(code: str, problem: str, expected: str) -> TrustError:
    return TrustError(code, problem, place="message", expected=expected)
