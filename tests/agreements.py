"""Two synthetic agencies, their keys and their agreement: what tests of several rooms begin with.

Keys come from fixed seeds, so that every run makes the same bytes. No agency takes part.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils, x25519

from mithaq.pact.agreement import Agreement, parse_agreement
from mithaq.pact.gate import Chain, Offence, QueryFacts, ReleaseFacts, RequestFacts
from mithaq.pact.proposal import contact_point, propose, public_keys
from mithaq.pact.signed import Signed, sign, unsigned
from mithaq.pact.terms import Bilingual, Keys, Party, b64url

START = datetime(2026, 1, 1, tzinfo=UTC)
AT = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
END = datetime(2027, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Side:
    """One party's code, the signing half of its first key, and the public keys for the document."""

    code: str
    signer: Callable[[bytes], bytes]
    keys: Keys

    @property
    def thumbprint(self) -> str:
        return self.keys.sign[0].thumbprint


@cache
def side(code: str, seed: str = "1", suite: str = "default") -> Side:
    def secret(kind: str) -> bytes:
        return hashlib.sha256(f"{code} {seed} {kind}".encode()).digest()

    note = ed25519.Ed25519PrivateKey.from_private_bytes(secret("checkpoint")).public_key().public_bytes_raw()
    name = f"{code.lower()}.example/ledger"
    raw = b"\x01" + note
    number = hashlib.sha256(name.encode() + b"\n" + raw).hexdigest()[:8]
    signer: Callable[[bytes], bytes]
    if suite == "default":
        private = ed25519.Ed25519PrivateKey.from_private_bytes(secret("sign"))
        signer = private.sign
        sign_jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64url(private.public_key().public_bytes_raw())}
        agree = x25519.X25519PrivateKey.from_private_bytes(secret("encrypt")).public_key().public_bytes_raw()
        encrypt_jwk = {"kty": "OKP", "crv": "X25519", "x": b64url(agree)}
    else:
        curve = ec.derive_private_key(int.from_bytes(secret("sign"), "big"), ec.SECP256R1())

        def signer(data: bytes) -> bytes:
            r, s = utils.decode_dss_signature(curve.sign(data, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")

        sign_jwk = p256(curve)
        encrypt_jwk = p256(ec.derive_private_key(int.from_bytes(secret("encrypt"), "big"), ec.SECP256R1()))
    keys = public_keys(
        tls=[certificate(code, secret("tls"))],
        sign=[sign_jwk],
        encrypt=[encrypt_jwk],
        checkpoint=[f"{name}+{number}+{base64.b64encode(raw).decode()}"],
    )
    return Side(code, signer, keys)


def certificate(code: str, seed: bytes) -> bytes:
    """A self-made certificate, the same for the same seed."""
    key = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"{code} demonstration")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), int.from_bytes(seed[:8], "big") | 1, START, END)
    return builder.sign(key, None).public_bytes(serialization.Encoding.DER)


def p256(private: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    numbers = private.public_key().public_numbers()
    return {
        "kty": "EC",
        "crv": "P-256",
        "x": b64url(numbers.x.to_bytes(32, "big")),
        "y": b64url(numbers.y.to_bytes(32, "big")),
    }


def parties(suite: str = "default") -> dict[str, Party]:
    qatar = Party(
        "QA",
        Bilingual(ar="وزارة الداخلية (عرض تجريبي)", en="Ministry of Interior (demonstration)"),
        (
            contact_point(
                "qa-ncp",
                Bilingual(ar="نقطة الاتصال الوطنية", en="National contact point"),
                "https://127.0.0.1:8441",
                roles=("query", "release"),
            ),
            contact_point(
                "qa-supply",
                Bilingual(ar="نقطة التزويد", en="Supply point"),
                "https://127.0.0.1:8441",
                roles=("spontaneous",),
            ),
        ),
        side("QA", suite=suite).keys,
    )
    states = Party(
        "US",
        Bilingual(ar="مكتب التحقيقات (عرض تجريبي)", en="Investigation bureau (demonstration)"),
        (
            contact_point(
                "us-ncp", Bilingual(ar="نقطة الاتصال الوطنية", en="National contact point"), "https://127.0.0.1:8442"
            ),
            contact_point(
                "us-border",
                Bilingual(ar="جهاز أمن الحدود", en="Border agency"),
                "https://127.0.0.1:8443",
                roles=("query",),
                purposes=("investigate-serious-crime",),
            ),
        ),
        side("US", suite=suite).keys,
    )
    return {"QA": qatar, "US": states}


def document(suite: str = "default", **overrides: Any) -> bytes:
    return propose(parties(suite), valid_from=START, valid_to=END, crypto_suite=suite, **overrides)


def agreement(**overrides: Any) -> Agreement:
    return parse_agreement(document(**overrides))


def signed_by(data: bytes, *codes: str, suite: str = "default") -> Signed:
    result = unsigned(data)
    for code in codes:
        result = sign(
            result, code, signer=side(code, suite=suite).signer, thumbprint=side(code, suite=suite).thumbprint, at=START
        )
    return result


@cache
def signed_file() -> bytes:
    return signed_by(document(), "QA", "US").to_bytes()


QUERY = QueryFacts(
    origin_party="QA", origin_contact="qa-ncp", destination_party="US", destination_contact="us-ncp",
    purpose="investigate-serious-crime", offence=Offence("robbery", 120), case="CASE-2026-0042",
    legal_basis="Criminal Procedure Act, section 12", search_type="TP/TP", prints=2, ordered_by="officer-1",
    run_by="officer-2", approved_by="officer-3",
)  # fmt: skip
CHAIN = Chain(
    origin_party="QA", origin_contact="qa-ncp", case=QUERY.case, purpose=QUERY.purpose, offence=QUERY.offence,
    outcome="hit", references=("r-7f", "r-81"), answered_at=datetime(2026, 3, 10, 12, 1, tzinfo=UTC),
    conclusion="identified", concluded_reference="r-7f", concluded_by="examiner-1",
    requested_at=datetime(2026, 3, 10, 13, 0, tzinfo=UTC), requested_reference="r-7f", requested_by="officer-1",
)  # fmt: skip
REQUEST = RequestFacts("QA", "qa-ncp", "US", "us-ncp", QUERY.case, "r-7f", "officer-1")
RELEASE = ReleaseFacts("US", "us-ncp", "QA", "qa-ncp", QUERY.case, "r-7f", ("family_name", "sex"), "us-1", "us-2")
LATER = datetime(2026, 3, 10, 14, 0, tzinfo=UTC)

__all__ = [
    "AT",
    "CHAIN",
    "END",
    "LATER",
    "QUERY",
    "RELEASE",
    "REQUEST",
    "START",
    "agreement",
    "document",
    "parties",
    "replace",
    "side",
    "signed_by",
    "signed_file",
]
