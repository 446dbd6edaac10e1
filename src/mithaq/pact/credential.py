"""An officer's own key, sealed under a passphrase that only the officer knows, and the acts that it signs.

    passphrase ──argon2id──► key ──A256GCM──► sealed Ed25519 key        (the record, kept by the node)
    act ──canonical JSON──► compact JWS, typ mithaq-act-1               (in the ledger and the conversation)

A conclusion, a preparation or an approval is signed with the credential of the person who made it; a node's
administrator who reads the record cannot sign in that person's name. Ed25519 in both suites. argon2id is no
FIPS-approved function: under `fips` a smart card or a WebAuthn key has to stand in for this file.
Errors are `TrustError` PAC-140 to PAC-142, and a signature's own PAC-108 to PAC-110.
"""

from __future__ import annotations

import base64
import os
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NoReturn

from argon2.exceptions import HashingError
from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mithaq.errors import TrustError
from mithaq.pact.jose import sign_compact, verify_compact
from mithaq.pact.keys import SigningKey
from mithaq.pact.strict import Rule, canonical, load, plain, read
from mithaq.pact.terms import _WORD, Jwk, b64url

SCHEMA: Literal["mithaq-credential-1"] = "mithaq-credential-1"
ACT_TYPE = "mithaq-act-1"  # typ of the JWS
PLACE = "credential"
MIN_PASSPHRASE = 12  # letters; NIST SP 800-63B asks for at least 8, and this file can be attacked off line


@dataclass(frozen=True)
class Argon2Cost:
    """What one guess costs: passes over the memory, KiB of memory, lanes in parallel (RFC 9106)."""

    passes: Annotated[int, Rule("1 to 10 passes", low=1, high=10)]
    memory_kib: Annotated[int, Rule("8 KiB a lane to 1 GiB", low=64, high=1_048_576)]
    lanes: Annotated[int, Rule("1 to 8 lanes", low=1, high=8)]


STRONG = Argon2Cost(passes=3, memory_kib=65_536, lanes=4)  # RFC 9106, section 4, second recommended option


@dataclass(frozen=True)
class Credential:
    """The record: whose key it is, the public half, and the private half sealed. Nothing in it opens without the
    passphrase; `to_record` gives JSON values."""

    schema: Literal["mithaq-credential-1"]
    officer: Annotated[str, _WORD]
    public: Jwk
    cost: Argon2Cost
    salt: str  # 16 bytes, base64url
    nonce: str  # 12 bytes, base64url
    sealed: str = field(repr=False)  # 32 bytes of key and 16 of tag, base64url

    def to_record(self) -> dict[str, Any]:
        """The credential as JSON values, for the store."""
        record: dict[str, Any] = plain(self)
        return record


@dataclass(frozen=True)
class OfficerKey:
    """An opened credential: it signs until it is dropped. Keep it no longer than the person is at the desk."""

    officer: str
    key: SigningKey = field(repr=False)

    def sign_act(self, act: Mapping[str, Any]) -> str:
        """The compact JWS over the act's canonical JSON; TrustError PAC-003 for what has none."""
        return sign_compact(canonical(dict(act), what="act"), self.key, typ=ACT_TYPE).decode("ascii")


def create_credential(officer: str, passphrase: str, *, cost: Argon2Cost = STRONG) -> Credential:
    """A new key for the officer, sealed under the passphrase; TrustError PAC-142 where that is too short, PAC-140 for
    an identifier that is not a short lower-case word."""
    if len(unicodedata.normalize("NFC", passphrase)) < MIN_PASSPHRASE:
        raise TrustError(
            "PAC-142",
            "the passphrase is too short",
            place=PLACE,
            expected=f"at least {MIN_PASSPHRASE} letters",
            remedy="four or five unrelated words are easy to keep in mind",
        )
    private = ed25519.Ed25519PrivateKey.generate()
    salt, nonce = os.urandom(16), os.urandom(12)
    blank = Credential(SCHEMA, officer, SigningKey(private).jwk, cost, b64url(salt), b64url(nonce), "")
    credential = parse_credential(blank.to_record())
    sealed = AESGCM(_stretch(passphrase, salt, cost)).encrypt(nonce, private.private_bytes_raw(), _bound(credential))
    return Credential(SCHEMA, officer, blank.public, cost, blank.salt, blank.nonce, b64url(sealed))


def parse_credential(record: Mapping[str, Any]) -> Credential:
    """The credential that `to_record` gave; TrustError PAC-140."""
    try:
        return read(Credential, dict(record), what=PLACE)
    except TrustError as error:
        raise TrustError(
            "PAC-140", error.problem, place=error.place, expected=error.expected, detail=error.code
        ) from None


def open_credential(credential: Credential, passphrase: str) -> OfficerKey:
    """The officer's key; TrustError PAC-141 for another passphrase and for a record that was changed, which cannot be
    told apart (the tag is compared in constant time), PAC-140 for a record that holds no key."""
    salt, nonce, sealed = (_bytes(text) for text in (credential.salt, credential.nonce, credential.sealed))
    if (len(salt), len(nonce), len(sealed)) != (16, 12, 48):
        raise TrustError("PAC-140", "the record holds no sealed key", place=PLACE, expected="16, 12 and 48 bytes")
    try:
        raw = AESGCM(_stretch(passphrase, salt, credential.cost)).decrypt(nonce, sealed, _bound(credential))
    except InvalidTag:
        raise _wrong_passphrase() from None
    return OfficerKey(credential.officer, SigningKey(ed25519.Ed25519PrivateKey.from_private_bytes(raw)))


def refuse_unknown_officer(passphrase: str, *, cost: Argon2Cost = STRONG) -> NoReturn:
    """TrustError PAC-141 after the work of a true check, so that the time a sign-in takes does not tell whether the
    officer exists."""
    _stretch(passphrase, bytes(16), cost)
    raise _wrong_passphrase()


def sign_act(credential: Credential, passphrase: str, act: Mapping[str, Any]) -> str:
    """The act signed by its officer, as a compact JWS; TrustError as `open_credential`."""
    return open_credential(credential, passphrase).sign_act(act)


def verify_act(signed: str, public: Jwk) -> dict[str, Any]:
    """The act that this officer's key signed; TrustError PAC-108 to PAC-110, or PAC-140 where it is no JSON object."""
    try:
        data = signed.encode("ascii")
    except UnicodeEncodeError:
        raise TrustError("PAC-108", "this is not a compact JWS", place="act", expected="ASCII text") from None
    payload = verify_compact(data, [public], typ=ACT_TYPE, place="act").payload
    try:
        values = load(payload, what="act")
    except TrustError as error:
        raise TrustError("PAC-140", error.problem, place="act", expected=error.expected, detail=error.code) from None
    if not isinstance(values, dict):
        raise TrustError("PAC-140", "the act is not a JSON object", place="act", expected="a JSON object")
    return values


def _stretch(passphrase: str, salt: bytes, cost: Argon2Cost) -> bytes:
    """32 bytes. The passphrase in NFC, so that every keyboard writes the same letters the same way (RFC 8265)."""
    secret = unicodedata.normalize("NFC", passphrase).encode("utf-8", "surrogatepass")
    try:
        return hash_secret_raw(secret, salt, cost.passes, cost.memory_kib, cost.lanes, 32, Type.ID)
    except HashingError as error:  # a record that asks for more memory than there is
        raise TrustError(
            "PAC-140",
            "the credential cannot be opened on this machine",
            place=PLACE,
            expected=f"{cost.memory_kib} KiB of free memory",
            detail=type(error).__name__,
        ) from None


def _bound(credential: Credential) -> bytes:
    """What the tag also covers: the officer, the public key and the cost cannot be exchanged under a sealed key."""
    return canonical({name: value for name, value in credential.to_record().items() if name != "sealed"})


def _bytes(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""


def _wrong_passphrase() -> TrustError:
    return TrustError(
        "PAC-141",
        "the credential does not open",
        place=PLACE,
        expected="the officer's own passphrase",
        remedy="try again; a passphrase that is lost is lost, and the officer needs a new credential",
    )


__all__ = [
    "ACT_TYPE", "MIN_PASSPHRASE", "STRONG", "Argon2Cost", "Credential", "OfficerKey", "create_credential",
    "open_credential", "parse_credential", "refuse_unknown_officer", "sign_act", "verify_act",
]  # fmt: skip
