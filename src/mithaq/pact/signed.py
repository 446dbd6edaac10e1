"""Signing an agreement and verifying it: both parties, each with the first signing key that the document lists for it.

    {"schema": "mithaq-signed-agreement-1", "document": {…}, "signatures": [{party, key, signed_at, value}, …]}

A signature covers the document's id, the party, the key and the time, so none of them can be swapped or edited. The
algorithm follows from the agreement's cryptographic suite (Ed25519, or ES256 under `fips`) and is never read from the
signature. Errors are `TrustError`, PAC-020 to PAC-029, a code for each way in which a signature can fail.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils

from mithaq.errors import TrustError
from mithaq.pact.agreement import Agreement, identifier, parse_agreement
from mithaq.pact.strict import Rule, canonical, load, plain, read
from mithaq.pact.terms import _B64URL, _INSTANT, _PARTY, Jwk, b64url
from mithaq.units import parse_timestamp, timestamp

SCHEMA = "mithaq-signed-agreement-1"
WHAT = "signed agreement"
_MEND = "ask the partner for the file that both signed, or sign the document again on both sides"


@dataclass(frozen=True)
class Signature:
    """One party's signature: which key made it (RFC 7638 thumbprint), when, and its 64 bytes in base64url."""

    party: Annotated[str, _PARTY]
    key: Annotated[str, _B64URL]
    signed_at: Annotated[str, _INSTANT]
    value: str


@dataclass(frozen=True)
class _File:
    """The file form, before its document is looked at."""

    schema: Literal["mithaq-signed-agreement-1"]
    document: None  # taken out and read by `parse_agreement`, whose paths begin at the document
    signatures: Annotated[tuple[Signature, ...], Rule("at most 8 signatures", most=8)]


@dataclass(frozen=True)
class Signed:
    """An agreement's canonical bytes with the signatures that were given so far, by party."""

    document: bytes
    signatures: Mapping[str, Signature]

    @property
    def id(self) -> str:
        """The agreement's id; the signatures do not change it."""
        return identifier(self.document)

    def to_bytes(self) -> bytes:
        """The file form: canonical JSON and a line feed."""
        signatures = [plain(self.signatures[party]) for party in sorted(self.signatures)]
        document = load(self.document, what=WHAT)
        return canonical({"schema": SCHEMA, "document": document, "signatures": signatures}) + b"\n"


def unsigned(document: bytes) -> Signed:
    """A document that nobody has signed yet; TrustError where it is not an agreement."""
    parse_agreement(document)
    return Signed(document, {})


def parse_signed(data: bytes) -> Signed:
    """The signed agreement in a file, its signatures not yet verified; TrustError for anything else.

    A bare document (as `mithaq agreement propose` writes it) is taken as one without signatures. One line feed at the
    end is allowed.
    """
    data = data.removesuffix(b"\n")
    values = load(data, what=WHAT)
    if isinstance(values, dict) and "signatures" not in values:
        return unsigned(data)
    document = values.get("document") if isinstance(values, dict) else None
    if isinstance(values, dict) and "document" in values:
        values = {**values, "document": None}  # the document has a reader of its own, with paths of its own
    file = read(_File, values, what=WHAT)
    parties = [signature.party for signature in file.signatures]
    if len(set(parties)) != len(parties):
        raise _trust("PAC-026", "one party signed twice", "one signature of each party")
    if parties != sorted(parties):
        raise _trust("PAC-026", "the signatures are not in the order of their parties", "the order of the codes")
    signed = Signed(canonical(document), {signature.party: signature for signature in file.signatures})
    parse_agreement(signed.document)
    return signed


def sign(signed: Signed, party: str, *, signer: Callable[[bytes], bytes], thumbprint: str, at: datetime) -> Signed:
    """The same agreement with that party's signature added.

    `signer` returns the 64 bytes of its key's signature over what it is given (Ed25519; ES256 as r‖s). `thumbprint`
    names the key (RFC 7638), which must be the first signing key that the document lists for the party. It is
    verified before it is returned. TrustError PAC-022, PAC-024, PAC-025, PAC-026.
    """
    agreement = parse_agreement(signed.document)
    if agreement.party(party) is None:
        raise _trust("PAC-025", f"{party} is not a party to this agreement", " or ".join(sorted(agreement.parties)))
    if party in signed.signatures:
        raise _trust("PAC-026", f"{party} has signed already", "one signature of each party")
    if thumbprint != _own_key(agreement, party).thumbprint:
        raise _trust(
            "PAC-024",
            f"the key at hand is not the one that the agreement lists first for {party}",
            "the first key under keys.sign of that party",
            "propose the agreement anew with this node's public keys",
        )
    blank = Signature(party, thumbprint, timestamp(at), "")
    value = b64url(signer(_payload(signed.id, blank)))
    result = Signed(signed.document, {**signed.signatures, party: replace(blank, value=value)})
    _verify_one(agreement, result, result.signatures[party])
    return result


def verify(signed: Signed, *, anchor: str | None = None) -> Agreement:
    """The agreement, where both parties' signatures hold; TrustError PAC-020 to PAC-028 for every other case.

    The document lists its own keys, so by itself a verified agreement says only that two key holders agreed. A node
    passes `anchor`, the thumbprint of its own signing key: one of the two signatures must be by that key.
    """
    agreement = parse_agreement(signed.document)
    parties = set(agreement.parties)
    # 1. Somebody signed.
    if not signed.signatures:
        raise _trust(
            "PAC-020",
            "nobody has signed this agreement",
            "the signatures of both parties",
            "sign it with `mithaq agreement sign`, then let the partner sign",
        )
    # 2. Only parties signed.
    strangers = set(signed.signatures) - parties
    if strangers:
        raise _trust("PAC-025", f"{min(strangers)} signed, but is not a party", " and ".join(sorted(parties)))
    # 3. Both signed.
    missing = parties - set(signed.signatures)
    if missing:
        raise _trust(
            "PAC-021",
            f"{min(missing)} has not signed",
            "the signatures of both parties",
            "let the other party sign with `mithaq agreement sign`",
        )
    # 4. Each signature is by the key listed for its party, over this very document.
    for code in sorted(parties):
        _verify_one(agreement, signed, signed.signatures[code])
    # 5. One of the two is this node's own.
    if anchor is not None and anchor not in {signature.key for signature in signed.signatures.values()}:
        raise _trust(
            "PAC-028",
            "this node's own key has not signed this agreement",
            "a signature by this node's key",
            "use the agreement that this node signed, or sign this one",
        )
    return agreement


def _trust(code: str, problem: str, expected: str, remedy: str = _MEND) -> TrustError:
    return TrustError(code, problem, place=WHAT, expected=expected, remedy=remedy)


def _own_key(agreement: Agreement, party: str) -> Jwk:
    return agreement.parties[party].keys.sign[0]


def _payload(agreement_id: str, signature: Signature) -> bytes:
    """What is signed. It begins with a brace, so it can never be the signing input of a JWS under the same key."""
    return canonical({
        "schema": "mithaq-agreement-signature-1",
        "agreement": agreement_id,
        "party": signature.party,
        "key": signature.key,
        "signed_at": signature.signed_at,
    })  # fmt: skip


def _verify_one(agreement: Agreement, signed: Signed, signature: Signature) -> None:
    code, other = signature.party, agreement.other(signature.party)
    own, others = _own_key(agreement, code), _own_key(agreement, other)
    if signature.key == others.thumbprint:
        raise _trust(
            "PAC-023", f"the signature of {code} was made with the key of {other}", f"a signature by the key of {code}"
        )
    if signature.key != own.thumbprint:
        raise _trust(
            "PAC-024",
            f"the signature of {code} is by a key that is not its first one in the agreement",
            f"a signature by the first key under parties.{code}.keys.sign",
        )
    try:
        parse_timestamp(signature.signed_at)
    except ValueError:
        raise _trust("PAC-027", f"the signature of {code} has no real date", "a date of the calendar") from None
    value = _value(signature)
    if signature_holds(own, _payload(signed.id, signature), value):
        return
    twin = signed.signatures.get(other)
    times = [signature.signed_at] if twin is None else [signature.signed_at, twin.signed_at]
    for signed_at in times:
        if signature_holds(others, _payload(signed.id, Signature(other, others.thumbprint, signed_at, "")), value):
            raise _trust(
                "PAC-023",
                f"the signature of {other} stands in the place of that of {code}",
                "each party's own signature in its own place",
            )
    raise _trust(
        "PAC-022",
        f"the signature of {code} does not fit this document",
        "a document that nobody changed after it was signed",
    )


def _value(signature: Signature) -> bytes:
    try:
        raw = base64.b64decode(signature.value + "=" * (-len(signature.value) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raw = b""
    if len(raw) != 64 or b64url(raw) != signature.value:
        raise _trust("PAC-027", f"the signature of {signature.party} cannot be read", "64 bytes in base64url")
    return raw


def signature_holds(key: Jwk, payload: bytes, value: bytes) -> bool:
    """True where `value` (64 bytes) is the key's signature over `payload`. The key's curve decides the algorithm."""
    x = base64.urlsafe_b64decode(key.x + "=")
    try:
        if key.crv == "Ed25519":
            ed25519.Ed25519PublicKey.from_public_bytes(x).verify(value, payload)
            return True
        y = base64.urlsafe_b64decode((key.y or "") + "=")
        public = ec.EllipticCurvePublicNumbers(
            int.from_bytes(x, "big"), int.from_bytes(y, "big"), ec.SECP256R1()
        ).public_key()
        der = utils.encode_dss_signature(int.from_bytes(value[:32], "big"), int.from_bytes(value[32:], "big"))
        public.verify(der, payload, ec.ECDSA(hashes.SHA256()))
        return True
    except (InvalidSignature, ValueError):  # ValueError: the numbers are no point on the curve
        return False
