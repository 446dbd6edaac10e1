"""The two JOSE forms that mithaq uses, with everything pinned: a compact JWS, and a compact JWE around it.

    payload ──sign_compact──► header.payload.signature             header: alg, kid, typ, byte for byte as expected
    plaintext ──encrypt_compact──► header..iv.ciphertext.tag       header: alg, enc, kid, typ, epk, and no others

A header chooses nothing here. The key that is pinned for the sender decides the algorithm, the key that is named in
the header must be one of the keys at hand, and `zip`, `crit`, `jku`, `x5c` or any other member is refused before a key
is touched. joserfc does the cryptography. Errors are `TrustError` PAC-103 to PAC-106 and PAC-108 to PAC-110.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from joserfc import jwe, jws
from joserfc.errors import JoseError
from joserfc.jwe import JWERegistry

from mithaq.errors import TrustError
from mithaq.pact.keys import EncryptionKey, SigningKey, jose_public
from mithaq.pact.strict import canonical
from mithaq.pact.terms import Jwk, b64url

JWE_ALGORITHM = "ECDH-ES"
JWE_ENCRYPTION = "A256GCM"
JWS_ALGORITHM = {"Ed25519": "Ed25519", "P-256": "ES256"}  # by curve; RFC 9864 and RFC 7518
MAX_JWS_BYTES = 131_072  # a manifest is under 2 kB; an officer's act may hold the text of a release
_MAX_JWE_HEADER = 1024
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@dataclass(frozen=True)
class Verified:
    """What a JWS said, and which of the pinned keys signed it."""

    payload: bytes
    key: Jwk


def sign_compact(payload: bytes, key: SigningKey, *, typ: str) -> bytes:
    """The compact JWS over the payload, under the key's own algorithm."""
    header = _jws_header(key.jwk, typ)
    return jws.serialize_compact(header, payload, key.jose, algorithms=[header["alg"]]).encode("ascii")


def verify_compact(data: bytes, keys: Sequence[Jwk], *, typ: str, place: str) -> Verified:
    """The payload of a compact JWS that one of the pinned keys signed, of exactly this type.

    TrustError PAC-108 for another form or another header, PAC-109 for a key that is not pinned, PAC-110 for a
    signature that does not fit. `place` names the document in errors.
    """
    segments = data.split(b".") if len(data) <= MAX_JWS_BYTES else []
    if len(segments) != 3 or not all(_is_base64url(segment) for segment in segments):
        raise TrustError("PAC-108", "this is not a compact JWS", place=place, expected="three parts in base64url")
    key = next((key for key in keys if segments[0] == _jws_header_segment(key, typ)), None)
    if key is None:
        raise _jws_header_error(segments[0], keys, typ, place)
    try:
        content = jws.deserialize_compact(data, jose_public(key), algorithms=[JWS_ALGORITHM[key.crv]])
    except (JoseError, ValueError) as error:
        raise TrustError(
            "PAC-110",
            "the signature does not fit",
            place=place,
            expected="a signature by the key that the header names",
            detail=type(error).__name__,
        ) from None
    return Verified(content.payload, key)


def encrypt_compact(plaintext: bytes, key: Jwk, *, typ: str) -> bytes:
    """The compact JWE that only the holder of the key can open: ECDH-ES with a fresh key, A256GCM, no compression."""
    header = {"alg": JWE_ALGORITHM, "enc": JWE_ENCRYPTION, "kid": key.thumbprint, "typ": typ}
    return jwe.encrypt_compact(header, plaintext, jose_public(key), registry=_registry(len(plaintext))).encode("ascii")


def decrypt_compact(data: bytes, keys: Sequence[EncryptionKey], *, typ: str, place: str) -> bytes:
    """The plaintext of a compact JWE that was sealed to one of these keys.

    TrustError PAC-103 for another form, PAC-104 for another header, PAC-105 for a key that is not ours, PAC-106 where
    it does not open. The caller bounds the size first.
    """
    segments = data.split(b".", 5)
    if len(segments) != 5 or not all(_is_base64url(segment) for segment in segments):
        raise TrustError("PAC-103", "this is not a compact JWE", place=place, expected="five parts in base64url")
    header = _json_object(segments[0]) if len(segments[0]) <= _MAX_JWE_HEADER else None
    fixed = {"alg": JWE_ALGORITHM, "enc": JWE_ENCRYPTION, "typ": typ}
    if header is None or header.keys() != {*fixed, "kid", "epk"} or any(header[name] != fixed[name] for name in fixed):
        raise TrustError(
            "PAC-104",
            "the encryption header is not the agreed one",
            place=place,
            expected=f"{JWE_ALGORITHM}, {JWE_ENCRYPTION}, {typ}, kid and epk, and nothing else",
        )
    key = next((key for key in keys if key.thumbprint == header["kid"]), None)
    if key is None:
        raise TrustError(
            "PAC-105",
            "the message is sealed to a key that is not this node's",
            place=place,
            expected="one of this node's encryption keys",
            remedy="compare the keys in the agreement with this node's own",
        )
    if segments[1] or len(segments[2]) != 16 or len(segments[4]) != 22 or not _is_ephemeral(header["epk"], key.jwk):
        raise TrustError(
            "PAC-104", "the encryption header is not the agreed one", place=place, expected="a key of the same curve"
        )
    try:
        plaintext = jwe.decrypt_compact(data, key.jose, registry=_registry(len(segments[3]))).plaintext
    except (JoseError, ValueError) as error:
        raise _does_not_open(place, type(error).__name__) from None
    if plaintext is None:  # joserfc's type allows it
        raise _does_not_open(place, "no plaintext")
    return plaintext


def _does_not_open(place: str, detail: str) -> TrustError:
    return TrustError(
        "PAC-106", "the message does not open", place=place, expected="bytes that nobody changed", detail=detail
    )


def _registry(ciphertext: int) -> JWERegistry:
    """joserfc refuses more than 64 KiB unless told; the caller of `decrypt_compact` has bounded the size."""
    registry = JWERegistry(algorithms=[JWE_ALGORITHM, JWE_ENCRYPTION])
    registry.max_ciphertext_length = max(registry.max_ciphertext_length, ciphertext)
    return registry


def _jws_header(key: Jwk, typ: str) -> dict[str, Any]:
    return {"alg": JWS_ALGORITHM[key.crv], "kid": key.thumbprint, "typ": typ}


def _jws_header_segment(key: Jwk, typ: str) -> bytes:
    return b64url(canonical(_jws_header(key, typ))).encode("ascii")


def _jws_header_error(segment: bytes, keys: Sequence[Jwk], typ: str, place: str) -> TrustError:
    """Which of the two it was: a good header that names a foreign key, or another header."""
    header = _json_object(segment)
    names = [key.thumbprint for key in keys]  # a list: what a header names need not be hashable
    if (
        header is not None
        and header.keys() == {"alg", "kid", "typ"}
        and header["typ"] == typ
        and header["alg"] in JWS_ALGORITHM.values()
        and header["kid"] not in names
    ):
        return TrustError(
            "PAC-109", "the signing key is not pinned for this party", place=place, expected="a key of the agreement"
        )
    return TrustError(
        "PAC-108",
        "the signature's header is not the agreed one",
        place=place,
        expected=f"alg as the pinned key has it, its kid, and typ {typ}, in this order and form",
    )


def _is_ephemeral(value: object, own: Jwk) -> bool:
    """True for a public key of our key's curve, and nothing beside it."""
    members = set(own.public())
    if not isinstance(value, dict) or value.keys() != members or (value["kty"], value["crv"]) != (own.kty, own.crv):
        return False
    return all(
        isinstance(value[name], str)
        and len(value[name]) == 43
        and value[name].isascii()
        and _is_base64url(value[name].encode())
        for name in members - {"kty", "crv"}
    )


def _is_base64url(segment: bytes) -> bool:
    """True where the bytes are the one way to write their value: the letters of RFC 4648 section 5, no padding, and
    unused low bits of zero. Only the last group can have such bits, so only that one is written again."""
    if segment.translate(None, _LETTERS):
        return False
    tail = segment[len(segment) // 4 * 4 :]
    if not tail:
        return True
    return len(tail) > 1 and b64url(base64.urlsafe_b64decode(tail + b"=" * (4 - len(tail)))).encode() == tail


def _json_object(segment: bytes) -> dict[str, Any] | None:
    """The JSON object in a header, or None; a member that stands twice makes it None too."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) != len(pairs):
            raise ValueError("a member stands twice")
        return members

    try:
        value = json.loads(base64.urlsafe_b64decode(segment + b"=" * (-len(segment) % 4)), object_pairs_hook=unique)
    except (ValueError, RecursionError, binascii.Error):
        return None
    return value if isinstance(value, dict) else None
