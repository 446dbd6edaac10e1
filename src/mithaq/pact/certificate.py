"""The node's TLS key with its self-made certificate, and what a certificate says about itself.

    make_tls_identity ──► TlsIdentity(key_pem, certificate_pem) ──► uvicorn and httpx, each in both roles
                                          └── certificate_der ──► the agreement pins it · certificate_facts

Partners pin each other's certificates in the agreement, so no authority has to vouch for them; where a state has one,
`make_certificate_request` is what it signs. P-256 in both suites: every TLS library and every FIPS module takes it.
Errors are `TrustError` PAC-133 and PAC-135.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mithaq.errors import TrustError

BACKDATE = timedelta(minutes=5)  # so that a partner whose clock is a little behind accepts it at once
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")


@dataclass(frozen=True)
class TlsIdentity:
    """A TLS key and its certificate, both in PEM."""

    key_pem: bytes = field(repr=False)
    certificate_pem: bytes

    @property
    def certificate_der(self) -> bytes:
        """The certificate as the agreement and the fingerprint take it."""
        return certificate_der(self.certificate_pem)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, 64 hexadecimal digits."""
        return certificate_fingerprint(self.certificate_der)


@dataclass(frozen=True)
class CertificateFacts:
    """What a certificate says: its subject's common name, its hosts, and from when to when it holds (UTC)."""

    common_name: str
    hosts: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    fingerprint: str

    def holds_at(self, instant: datetime) -> bool:
        """True within the certificate's own dates, both included."""
        return self.not_before <= instant <= self.not_after

    def days_left(self, instant: datetime) -> int:
        """Whole days until it ends; negative once it has."""
        return (self.not_after - instant) // timedelta(days=1)


def make_tls_identity(
    common_name: str,
    hosts: Sequence[str],
    *,
    days: int,
    now: datetime,
    key_pem: bytes | None = None,
    passphrase: bytes | None = None,
) -> TlsIdentity:
    """A key (or the one given) with a self-made certificate for these host names and addresses, good as server and as
    client. TrustError PAC-135 where a host or a name cannot stand in a certificate."""
    private = _tls_key(key_pem, passphrase) if key_pem else ec.generate_private_key(ec.SECP256R1())
    name = _name(common_name)
    public = private.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(), critical=True)
        .add_extension(_extended_key_usage(), critical=False)
        .add_extension(x509.SubjectAlternativeName(_general_names(hosts)), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
    )
    certificate = builder.sign(private, hashes.SHA256())
    encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return TlsIdentity(
        private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption),
        certificate.public_bytes(serialization.Encoding.PEM),
    )


def make_certificate_request(
    key_pem: bytes, common_name: str, hosts: Sequence[str], *, passphrase: bytes | None = None
) -> bytes:
    """A PKCS#10 request in PEM, for an authority to sign; it asks for the same uses as the self-made certificate."""
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(_name(common_name))
        .add_extension(x509.SubjectAlternativeName(_general_names(hosts)), critical=False)
        .add_extension(_key_usage(), critical=True)
        .add_extension(_extended_key_usage(), critical=False)
        .sign(_tls_key(key_pem, passphrase), hashes.SHA256())
    )
    return request.public_bytes(serialization.Encoding.PEM)


def certificate_der(pem: bytes) -> bytes:
    """The first certificate of a PEM file as DER; TrustError PAC-133."""
    try:
        return x509.load_pem_x509_certificate(pem).public_bytes(serialization.Encoding.DER)
    except ValueError:
        raise _unreadable("PEM") from None


def certificate_fingerprint(der: bytes) -> str:
    """SHA-256 of a DER certificate, 64 hexadecimal digits: what is compared with the agreement."""
    return hashlib.sha256(der).hexdigest()


def certificate_facts(der: bytes) -> CertificateFacts:
    """What the certificate says about itself; TrustError PAC-133."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return CertificateFacts(
            str(names[0].value) if names else "",
            _hosts(certificate),
            certificate.not_valid_before_utc,
            certificate.not_valid_after_utc,
            certificate_fingerprint(der),
        )
    except ValueError:
        raise _unreadable("DER") from None


def _hosts(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return (
        *names.get_values_for_type(x509.DNSName),
        *(str(address) for address in names.get_values_for_type(x509.IPAddress)),
    )


def _tls_key(pem: bytes, passphrase: bytes | None) -> ec.EllipticCurvePrivateKey:
    try:
        private = serialization.load_pem_private_key(pem, passphrase)
    except (ValueError, TypeError):
        private = None
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise TrustError(
            "PAC-130", "this is not the TLS key of a node", place="TLS key", expected="a P-256 key in PEM that opens"
        )
    return private


def _name(common_name: str) -> x509.Name:
    if not 1 <= len(common_name) <= 64 or not common_name.isprintable():
        raise TrustError(
            "PAC-135", "the name cannot stand in a certificate", place="certificate", expected="1 to 64 letters"
        )
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_names(hosts: Sequence[str]) -> list[x509.GeneralName]:
    if not hosts:
        raise TrustError("PAC-135", "no host is named", place="certificate", expected="at least one name or address")
    return [_general_name(host) for host in dict.fromkeys(hosts)]


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        pass
    if _HOST.fullmatch(host) is None:
        raise TrustError(
            "PAC-135",
            f"{host[:60]!r} cannot stand in a certificate",
            place="certificate",
            expected="a host name in lower-case ASCII, or an IP address",
        )
    return x509.DNSName(host)


def _key_usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _extended_key_usage() -> x509.ExtendedKeyUsage:
    """Both: a node listens, and it calls."""
    return x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])


def _unreadable(form: str) -> TrustError:
    return TrustError("PAC-133", "this is not a certificate", place="certificate", expected=f"X.509 in {form}")


__all__ = [
    "BACKDATE", "CertificateFacts", "TlsIdentity", "certificate_der", "certificate_facts", "certificate_fingerprint",
    "make_certificate_request", "make_tls_identity",
]  # fmt: skip
