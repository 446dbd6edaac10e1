"""The private keys that a node holds, and the public forms that the partner pins in the agreement.

    generate_… ──► key ──to_pem──► PKCS#8, under a passphrase or not ──…_from_pem──► the same key
                    └── .jwk, .thumbprint (RFC 7517, RFC 7638) · .vkey (C2SP)

    suite       signs with   encrypts to                     signs checkpoints with
    default     Ed25519      X25519, ECDH-ES and A256GCM     Ed25519
    fips        ES256        P-256, ECDH-ES and A256GCM      Ed25519: C2SP has no P-256 form, and FIPS 186-5 approves it

A key's curve decides its algorithm; nothing that a message says does. Certificates are in `certificate.py`, officers'
own keys in `credential.py`. Errors are `TrustError` PAC-130 to PAC-134.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any, Literal, TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils, x25519
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

from mithaq.errors import TrustError
from mithaq.pact.terms import Jwk, b64url

Suite: TypeAlias = Literal["default", "fips"]
JoseKey: TypeAlias = ECKey | OKPKey

NOTE_ED25519 = 0x01  # C2SP signed-note: a log's own signature
NOTE_COSIGNATURE = 0x04  # C2SP tlog-cosignature: a witness's signature with its time
_NOTE_NAME = re.compile(r"[!-*,-~]{1,128}")  # printable ASCII without the space and the plus sign


@dataclass(frozen=True)
class SigningKey:
    """Signs messages, receipts and agreements: Ed25519, or P-256 under the suite `fips`."""

    private: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey = field(repr=False)

    @cached_property
    def jwk(self) -> Jwk:
        """The public key."""
        return _public_jwk(self.private.public_key())

    @property
    def thumbprint(self) -> str:
        """RFC 7638, base64url: the name of the key in a signature."""
        return self.jwk.thumbprint

    @cached_property
    def jose(self) -> JoseKey:
        """The private key as joserfc takes it."""
        return OKPKey.import_key(_private_pem(self.private, None)) if self.jwk.kty == "OKP" else ECKey.import_key(
            _private_pem(self.private, None)
        )  # fmt: skip

    def sign(self, data: bytes) -> bytes:
        """64 bytes: an Ed25519 signature, or an ES256 one as r‖s. This is the `signer` of `signed.sign`."""
        if isinstance(self.private, ed25519.Ed25519PrivateKey):
            return self.private.sign(data)
        r, s = utils.decode_dss_signature(self.private.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def to_pem(self, passphrase: bytes | None = None) -> bytes:
        """PKCS#8 in PEM, encrypted (PBES2, AES-256-CBC) where a passphrase is given."""
        return _private_pem(self.private, passphrase)


@dataclass(frozen=True)
class EncryptionKey:
    """Opens messages that were sealed to this node: X25519, or P-256 under the suite `fips`."""

    private: x25519.X25519PrivateKey | ec.EllipticCurvePrivateKey = field(repr=False)

    @cached_property
    def jwk(self) -> Jwk:
        """The public key."""
        return _public_jwk(self.private.public_key())

    @property
    def thumbprint(self) -> str:
        """RFC 7638, base64url: the name of the key in a sealed message."""
        return self.jwk.thumbprint

    @cached_property
    def jose(self) -> JoseKey:
        """The private key as joserfc takes it."""
        return OKPKey.import_key(_private_pem(self.private, None)) if self.jwk.kty == "OKP" else ECKey.import_key(
            _private_pem(self.private, None)
        )  # fmt: skip

    def to_pem(self, passphrase: bytes | None = None) -> bytes:
        """PKCS#8 in PEM, encrypted (PBES2, AES-256-CBC) where a passphrase is given."""
        return _private_pem(self.private, passphrase)


@dataclass(frozen=True)
class Vkey:
    """A C2SP verifier key: who signs notes, of which kind (`NOTE_ED25519` or `NOTE_COSIGNATURE`), with 32 key bytes."""

    name: str
    kind: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The four bytes that a signature line begins with."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    @property
    def cosigner(self) -> Vkey:
        """The same key as the one that cosigns. The two signed texts begin differently, so neither passes for the
        other (C2SP signed-note allows one key for both); an agreement therefore lists one key for both uses."""
        return replace(self, kind=NOTE_COSIGNATURE)

    def __str__(self) -> str:
        raw = base64.b64encode(bytes([self.kind]) + self.public).decode("ascii")
        return f"{self.name}+{self.key_id.hex()}+{raw}"

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """True where the 64 bytes are this key's Ed25519 signature over the message."""
        try:
            ed25519.Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class CheckpointKey:
    """Signs this node's ledger checkpoints and cosigns the partner's. `name` is the ledger's origin."""

    name: str
    private: ed25519.Ed25519PrivateKey = field(repr=False)

    def __post_init__(self) -> None:
        require_note_name(self.name)

    @cached_property
    def verifier(self) -> Vkey:
        """The public half for the log's own signatures; `.verifier.cosigner` for its cosignatures."""
        return Vkey(self.name, NOTE_ED25519, self.private.public_key().public_bytes_raw())

    @property
    def vkey(self) -> str:
        """The verifier key as text, for the agreement."""
        return str(self.verifier)

    def sign(self, data: bytes) -> bytes:
        """The 64 bytes of an Ed25519 signature."""
        return self.private.sign(data)

    def to_pem(self, passphrase: bytes | None = None) -> bytes:
        """PKCS#8 in PEM, without the name; encrypted (PBES2, AES-256-CBC) where a passphrase is given."""
        return _private_pem(self.private, passphrase)


def generate_signing_key(suite: Suite = "default") -> SigningKey:
    """A new key that signs messages."""
    return SigningKey(
        ec.generate_private_key(ec.SECP256R1()) if suite == "fips" else ed25519.Ed25519PrivateKey.generate()
    )


def generate_encryption_key(suite: Suite = "default") -> EncryptionKey:
    """A new key that opens messages."""
    return EncryptionKey(
        ec.generate_private_key(ec.SECP256R1()) if suite == "fips" else x25519.X25519PrivateKey.generate()
    )


def generate_checkpoint_key(name: str) -> CheckpointKey:
    """A new key for checkpoints. `name` is the ledger's origin, as "qa.example/ledger"; TrustError PAC-134."""
    return CheckpointKey(name, ed25519.Ed25519PrivateKey.generate())


def signing_key_from_pem(data: bytes, passphrase: bytes | None = None) -> SigningKey:
    """The key that `SigningKey.to_pem` wrote; TrustError PAC-130 to PAC-132."""
    private = _from_pem(data, passphrase)
    if isinstance(private, ed25519.Ed25519PrivateKey) or _is_p256(private):
        return SigningKey(private)
    raise _wrong_kind("an Ed25519 or P-256 key")


def encryption_key_from_pem(data: bytes, passphrase: bytes | None = None) -> EncryptionKey:
    """The key that `EncryptionKey.to_pem` wrote; TrustError PAC-130 to PAC-132."""
    private = _from_pem(data, passphrase)
    if isinstance(private, x25519.X25519PrivateKey) or _is_p256(private):
        return EncryptionKey(private)
    raise _wrong_kind("an X25519 or P-256 key")


def checkpoint_key_from_pem(data: bytes, name: str, passphrase: bytes | None = None) -> CheckpointKey:
    """The key that `CheckpointKey.to_pem` wrote, under the ledger's name; TrustError PAC-130 to PAC-132, PAC-134."""
    private = _from_pem(data, passphrase)
    if not isinstance(private, ed25519.Ed25519PrivateKey):
        raise _wrong_kind("an Ed25519 key")
    return CheckpointKey(name, private)


def parse_vkey(text: str) -> Vkey:
    """The verifier key that the text names, where its identifier fits its key; TrustError PAC-134."""
    name, _, rest = text.partition("+")
    number, _, encoded = rest.partition("+")
    require_note_name(name)
    try:
        raw = base64.b64decode(encoded, validate=True)
    except ValueError:
        raw = b""
    if len(raw) != 33 or raw[0] not in (NOTE_ED25519, NOTE_COSIGNATURE):
        raise _vkey_error("the key is not an Ed25519 one")
    key = Vkey(name, raw[0], raw[1:])
    if str(key) != text:
        raise _vkey_error(f"the identifier {number[:8]!r} does not belong to the key")
    return key


def require_note_name(name: str) -> None:
    """Nothing where the name may stand in a note; TrustError PAC-134 for spaces, plus signs, and `cosignature/v1`,
    which as a ledger's origin would make a checkpoint read like a cosignature."""
    if _NOTE_NAME.fullmatch(name) is None or name == "cosignature/v1":
        raise _vkey_error("the name may not stand in a note")


@lru_cache(maxsize=256)
def jose_public(jwk: Jwk) -> JoseKey:
    """The public key as joserfc takes it; TrustError PAC-132 where the numbers are no key. Kept: parsing costs more
    than the signature itself."""
    members: dict[str, Any] = jwk.public()
    try:
        key = OKPKey.import_key(members) if jwk.kty == "OKP" else ECKey.import_key(members)
        _ = key.public_key  # joserfc reads the numbers here
    except (JoseError, ValueError, TypeError, KeyError, UnsupportedAlgorithm):
        raise _wrong_kind("a point on the key's curve") from None
    return key


def jwk_from(members: Mapping[str, str]) -> Jwk:
    """The public key with these JWK members; TrustError PAC-132 where it is not one of the agreed kinds."""
    known = {("OKP", "Ed25519"), ("OKP", "X25519"), ("EC", "P-256")}
    wanted = {"kty", "crv", "x", "y"} if members.get("kty") == "EC" else {"kty", "crv", "x"}
    if set(members) != wanted or (members["kty"], members["crv"]) not in known:
        raise _wrong_kind("the members of a public Ed25519, X25519 or P-256 key, and no others")
    if not all(isinstance(members[name], str) for name in wanted):
        raise _wrong_kind("members that are text")
    jwk = Jwk(**members)  # type: ignore[arg-type]  # the literals were compared above
    jose_public(jwk)
    return jwk


def _is_p256(private: object) -> bool:
    return isinstance(private, ec.EllipticCurvePrivateKey) and isinstance(private.curve, ec.SECP256R1)


def _public_jwk(public: ed25519.Ed25519PublicKey | x25519.X25519PublicKey | ec.EllipticCurvePublicKey) -> Jwk:
    if isinstance(public, ec.EllipticCurvePublicKey):
        numbers = public.public_numbers()
        return Jwk("EC", "P-256", b64url(numbers.x.to_bytes(32, "big")), b64url(numbers.y.to_bytes(32, "big")))
    curve: Literal["Ed25519", "X25519"] = "Ed25519" if isinstance(public, ed25519.Ed25519PublicKey) else "X25519"
    return Jwk("OKP", curve, b64url(public.public_bytes_raw()))


def _private_pem(
    private: ed25519.Ed25519PrivateKey | x25519.X25519PrivateKey | ec.EllipticCurvePrivateKey, passphrase: bytes | None
) -> bytes:
    encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def _from_pem(data: bytes, passphrase: bytes | None) -> Any:
    """The private key in a PEM file, of whatever kind. cryptography tells a wrong passphrase by its message only, so
    the file's own label decides which of the two it was."""
    is_sealed = b"BEGIN ENCRYPTED PRIVATE KEY" in data
    if is_sealed is not bool(passphrase):
        raise TrustError(
            "PAC-131",
            "the private key is under a passphrase" if is_sealed else "the private key is under no passphrase",
            place="private key",
            expected="the passphrase that it was written with" if is_sealed else "no passphrase",
        )
    try:
        return serialization.load_pem_private_key(data, passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise TrustError(
            "PAC-131" if is_sealed else "PAC-130",
            "the passphrase does not open the private key" if is_sealed else "this is not a private key in PEM",
            place="private key",
            expected="the passphrase that it was written with"
            if is_sealed
            else "PKCS#8, as `mithaq node init` wrote it",
            remedy="take the key from its back-up where the file is damaged",
            detail=type(error).__name__,
        ) from None


def _wrong_kind(expected: str) -> TrustError:
    return TrustError("PAC-132", "the key is of another kind", place="key", expected=expected)


def _vkey_error(problem: str) -> TrustError:
    return TrustError("PAC-134", problem, place="verifier key", expected="name+8 hex digits+base64, as C2SP writes it")
