"""Keys that rotate and are revoked without an amendment (REQ-124).

    KeyAnnounced (under the old key) ──► partner: accepts it, KeyConfirmed ──► announcer: uses it from now on
    KeyRevoked   ──► partner: refuses every message under it from that instant; what was signed before still verifies

A party's keys are those of the agreements, those that it announced since, less those that it revoked. The keys that
sign, that encrypt and that sign a ledger's checkpoints rotate so; TLS certificates change by an amendment, and can be
revoked. Errors are `TrustError` PAC-209 and PAC-210.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Protocol

from mithaq.errors import TrustError
from mithaq.pact.agreement import SUITES, Agreement
from mithaq.pact.keys import NOTE_ED25519, SigningKey, Vkey, parse_vkey
from mithaq.pact.message import Partner
from mithaq.pact.signed import signature_holds
from mithaq.pact.strict import Rule, canonical, read
from mithaq.pact.terms import Jwk, b64url

Rotating = Literal["sign", "encrypt", "checkpoint"]
_NAME = Rule(
    "a key's RFC 7638 thumbprint, or a certificate's SHA-256 in hex", re.compile("[A-Za-z0-9_-]{43}|[0-9a-f]{64}")
)
_PROOF = Rule("64 bytes in base64url, or nothing for a key that cannot sign", re.compile("([A-Za-z0-9_-]{86})?"))


@dataclass(frozen=True)
class KeyAnnounced:
    """A party's further key. `proof` is the new key's own signature (none for one that only encrypts)."""

    kind: Rotating
    key: Jwk
    proof: Annotated[str, _PROOF]


@dataclass(frozen=True)
class KeyConfirmed:
    """The partner has pinned the announced key: its owner may use it."""

    kind: Rotating
    name: Annotated[str, _NAME]


@dataclass(frozen=True)
class KeyRevoked:
    """No message under that key is its owner's any more, from the arrival of this notice on."""

    kind: Literal["sign", "encrypt", "checkpoint", "tls"]
    name: Annotated[str, _NAME]
    reason: Literal["key-compromised", "key-retired"]


class Told(Protocol):
    """Something that a party declared: its kind and the terms of its notice, as JSON values."""

    @property
    def by(self) -> str: ...
    @property
    def about(self) -> str: ...
    @property
    def terms(self) -> Mapping[str, Any]: ...


def announce(party: str, key: SigningKey, kind: Literal["sign", "checkpoint"] = "sign") -> KeyAnnounced:
    """The announcement of a key that signs messages, or a ledger's checkpoints, with its proof."""
    return KeyAnnounced(kind, key.jwk, b64url(key.sign(_proven(party, key.jwk))))


def check_announced(agreement: Agreement, party: str, terms: KeyAnnounced) -> None:
    """Nothing where the key is of the agreed suite, belongs to nobody else and is held by whoever announced it;
    TrustError PAC-209 otherwise."""
    key = terms.key
    agreed = SUITES["default"]["sign"] if terms.kind == "checkpoint" else SUITES[agreement.crypto_suite][terms.kind]
    if (key.kty, key.crv) != agreed or (key.y is None) is (key.kty == "EC"):
        raise _refuse("PAC-209", "the key is not of the agreed cryptographic suite", agreement.crypto_suite)
    others = agreement.parties[agreement.other(party)].keys
    ledgers = {ledger_key(parse_vkey(text)).thumbprint for text in others.checkpoint}
    if key.thumbprint in {one.thumbprint for one in (*others.sign, *others.encrypt)} | ledgers:
        raise _refuse("PAC-209", "the key is another party's", "a new key")
    if terms.kind != "encrypt":
        value = base64.urlsafe_b64decode(terms.proof + "=" * (-len(terms.proof) % 4))
        if not signature_holds(key, _proven(party, key), value):
            raise _refuse("PAC-209", "the new key did not sign its own announcement", "a signature by the new key")


def revoked(party: str, told: Iterable[Told]) -> frozenset[str]:
    """The names of the keys and certificates that the party revoked."""
    return frozenset(one.terms["name"] for one in told if one.by == party and one.about == "key-revoked")


def announced(party: str, kind: Rotating, told: Iterable[Told]) -> tuple[Jwk, ...]:
    """The keys of a kind that the party announced, oldest first, revoked ones included."""
    return tuple(
        read(Jwk, one.terms["key"], what="key")
        for one in told
        if one.by == party and one.about == "key-announced" and one.terms["kind"] == kind
    )


def partner_now(partner: Partner, told: Iterable[Told]) -> Partner:
    """What is pinned for the partner now: its agreements' keys and those announced, without what it revoked."""
    told = list(told)
    gone = revoked(partner.party, told)
    keys = {key.thumbprint: key for key in (*partner.signing_keys, *announced(partner.party, "sign", told))}
    return Partner(
        partner.party, partner.certificates - gone, tuple(key for name, key in keys.items() if name not in gone)
    )


def ever_signed(partner: Partner, told: Iterable[Told]) -> tuple[Jwk, ...]:
    """Every key that was ever the party's to sign with: what was signed before a revocation stays verifiable."""
    return (*partner.signing_keys, *announced(partner.party, "sign", told))


def ledger_key(key: Vkey) -> Jwk:
    """A ledger's verifier key as a JWK: its thumbprint names it in announcements and revocations."""
    return Jwk("OKP", "Ed25519", b64url(key.public))


def ledger_keys(agreement: Agreement, party: str, told: Iterable[Told], *, ever: bool = False) -> list[Vkey]:
    """The keys with which a party signs its ledger and co-signs the other's: the agreement's and those announced,
    without what it revoked; with it where `ever`, for what was signed before."""
    told = list(told)
    agreed = [parse_vkey(text) for text in agreement.parties[party].keys.checkpoint]
    name, gone = agreed[0].name, frozenset[str]() if ever else revoked(party, told)
    added = [
        Vkey(name, NOTE_ED25519, base64.urlsafe_b64decode(key.x + "=" * (-len(key.x) % 4)))
        for key in announced(party, "checkpoint", told)
    ]
    return [key for key in dict.fromkeys((*agreed, *added)) if ledger_key(key).thumbprint not in gone]


def encrypt_to(agreement: Agreement, party: str, told: Iterable[Told]) -> Jwk:
    """The key that messages to the party are sealed with: its newest that is not revoked. TrustError PAC-210 where
    none is left."""
    told = list(told)
    gone = revoked(party, told)
    keys = (*reversed(announced(party, "encrypt", told)), *agreement.parties[party].keys.encrypt)
    found = next((key for key in keys if key.thumbprint not in gone), None)
    if found is None:
        raise _refuse("PAC-210", "every key to encrypt to the partner was revoked", "a new key by an amendment")
    return found


def _proven(party: str, key: Jwk) -> bytes:
    return canonical({"schema": "mithaq-key-announced-1", "party": party, "key": key.thumbprint})


def _refuse(code: str, problem: str, expected: str) -> TrustError:
    return TrustError(code, problem, place="key", expected=expected)


__all__ = [
    "KeyAnnounced", "KeyConfirmed", "KeyRevoked", "announce", "announced", "check_announced", "encrypt_to",
    "ever_signed", "ledger_key", "ledger_keys", "partner_now", "revoked",
]  # fmt: skip
