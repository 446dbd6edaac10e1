"""Keys, certificates and credentials: back from their files as they went, and nothing else passes for them."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from mithaq.errors import TrustError
from mithaq.pact.certificate import (
    TlsIdentity,
    certificate_der,
    certificate_facts,
    certificate_fingerprint,
    make_certificate_request,
    make_tls_identity,
)
from mithaq.pact.credential import (
    Argon2Cost,
    create_credential,
    open_credential,
    parse_credential,
    refuse_unknown_officer,
    sign_act,
    verify_act,
)
from mithaq.pact.jose import encrypt_compact, sign_compact, verify_compact
from mithaq.pact.keys import (
    NOTE_COSIGNATURE,
    Suite,
    checkpoint_key_from_pem,
    encryption_key_from_pem,
    generate_checkpoint_key,
    generate_encryption_key,
    generate_signing_key,
    jwk_from,
    parse_vkey,
    signing_key_from_pem,
)

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
CHEAP = Argon2Cost(passes=1, memory_kib=64, lanes=1)
PASSPHRASE = "four unrelated words"


def code_of(call: Any) -> str:
    with pytest.raises(TrustError) as caught:
        call()
    return caught.value.code


@pytest.mark.parametrize("suite", get_args(Suite))
@pytest.mark.parametrize("passphrase", [None, b"a pass phrase"])
def test_keys_come_back_from_their_files(suite: Suite, passphrase: bytes | None) -> None:
    signing, encryption = generate_signing_key(suite), generate_encryption_key(suite)
    checkpoint = generate_checkpoint_key("qa.example/ledger")
    assert signing_key_from_pem(signing.to_pem(passphrase), passphrase).jwk == signing.jwk
    assert encryption_key_from_pem(encryption.to_pem(passphrase), passphrase).jwk == encryption.jwk
    again = checkpoint_key_from_pem(checkpoint.to_pem(passphrase), checkpoint.name, passphrase)
    assert again.vkey == checkpoint.vkey
    for key in (signing, encryption):
        assert jwk_from(key.jwk.public()) == key.jwk
        assert (b"ENCRYPTED" in key.to_pem(passphrase)) is (passphrase is not None)


def test_thumbprint_is_the_published_one() -> None:
    """RFC 8037, appendix A.2 and A.3."""
    jwk = jwk_from({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})
    assert jwk.thumbprint == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_the_suites_use_the_curves_of_the_agreement() -> None:
    assert (generate_signing_key().jwk.crv, generate_encryption_key().jwk.crv) == ("Ed25519", "X25519")
    assert (generate_signing_key("fips").jwk.crv, generate_encryption_key("fips").jwk.crv) == ("P-256", "P-256")


def test_a_key_file_is_refused_where_it_is_not_the_key() -> None:
    pem, sealed = generate_signing_key().to_pem(), generate_signing_key().to_pem(b"one")
    assert code_of(lambda: signing_key_from_pem(b"text")) == "PAC-130"
    assert code_of(lambda: signing_key_from_pem(pem[:80])) == "PAC-130"
    assert code_of(lambda: signing_key_from_pem(pem, b"one")) == "PAC-131"
    assert code_of(lambda: signing_key_from_pem(sealed)) == "PAC-131"
    assert code_of(lambda: signing_key_from_pem(sealed, b"two")) == "PAC-131"
    assert code_of(lambda: encryption_key_from_pem(pem)) == "PAC-132"
    assert code_of(lambda: signing_key_from_pem(generate_encryption_key().to_pem())) == "PAC-132"
    assert code_of(lambda: checkpoint_key_from_pem(generate_signing_key("fips").to_pem(), "a")) == "PAC-132"
    other = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    assert code_of(lambda: signing_key_from_pem(other)) == "PAC-132"


def test_no_private_byte_shows() -> None:
    secret = bytes(range(32))
    key = signing_key_from_pem(
        ed25519.Ed25519PrivateKey.from_private_bytes(secret).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    assert repr(key) == "SigningKey()"
    assert set(key.jwk.public()) == {"kty", "crv", "x"}


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"kty": "OKP", "crv": "Ed25519"},
        {"kty": "OKP", "crv": "Ed25519", "x": "short"},
        {"kty": "OKP", "crv": "Ed448", "x": "A" * 43},
        {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43},
        {"kty": "EC", "crv": "P-256", "x": "A" * 43},
        {"kty": "oct", "k": "AAAA"},
        {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43, "d": "A" * 43},
    ],
)
def test_a_public_key_is_of_the_agreed_kinds(members: dict[str, str]) -> None:
    assert code_of(lambda: jwk_from(members)) == "PAC-132"


@pytest.mark.parametrize("suite", get_args(Suite))
def test_every_fresh_key_fits_its_form(suite: Suite) -> None:
    """A P-256 coordinate that begins with a zero byte, in one key of 128, is 32 bytes all the same."""
    key = generate_signing_key(suite)
    for _ in range(150):
        encryption = generate_encryption_key(suite)
        assert all(len(part) == 43 for name, part in encryption.jwk.public().items() if name in "xy")
    for _ in range(150 if suite == "fips" else 1):
        data = sign_compact(b"payload", key, typ="test")
        assert verify_compact(data, [key.jwk], typ="test", place="test").payload == b"payload"
        assert len(key.sign(b"data")) == 64
        assert encrypt_compact(b"", encryption.jwk, typ="test").count(b".") == 4


# ── verifier keys ──


@pytest.mark.parametrize(
    "text",
    [
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",  # golang.org/x/mod/sumdb/note
        "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",  # Go's checksum database
    ],
)
def test_published_verifier_keys(text: str) -> None:
    assert str(parse_vkey(text)) == text
    assert parse_vkey(text).key_id.hex() == text.split("+")[1]


def test_verifier_keys_come_back_and_name_their_use() -> None:
    key = generate_checkpoint_key("qa.example/ledger")
    assert parse_vkey(key.vkey) == key.verifier
    cosigner = key.verifier.cosigner
    assert cosigner.kind == NOTE_COSIGNATURE
    assert cosigner.key_id != key.verifier.key_id
    assert parse_vkey(str(cosigner)) == cosigner


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+00000000+",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T",
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "cosignature/v1+00000000+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "é+00000000+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ],
)
def test_a_verifier_key_carries_its_own_identifier(text: str) -> None:
    assert code_of(lambda: parse_vkey(text)) == "PAC-134"


@given(st.text())
def test_any_text_as_a_verifier_key(text: str) -> None:
    try:
        parse_vkey(text)
    except TrustError as error:
        assert error.code == "PAC-134"


# ── certificates ──


def identity(name: str = "QA demonstration") -> TlsIdentity:
    return make_tls_identity(name, ["localhost", "127.0.0.1", "::1"], days=30, now=datetime.now(UTC))


def test_a_certificate_says_what_it_was_made_for() -> None:
    made = make_tls_identity("QA demonstration", ["qa.example", "127.0.0.1"], days=365, now=NOW)
    facts = certificate_facts(made.certificate_der)
    assert (facts.common_name, facts.hosts) == ("QA demonstration", ("qa.example", "127.0.0.1"))
    assert facts.not_before == NOW - timedelta(minutes=5)
    assert facts.not_after == NOW + timedelta(days=365)
    assert facts.fingerprint == made.fingerprint == certificate_fingerprint(made.certificate_der)
    assert facts.holds_at(NOW)
    assert not facts.holds_at(NOW + timedelta(days=366))
    assert not facts.holds_at(NOW - timedelta(hours=1))
    assert facts.days_left(NOW + timedelta(days=358)) == 7
    extensions = x509.load_der_x509_certificate(made.certificate_der).extensions
    usage = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert {oid.dotted_string for oid in usage} == {"1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"}
    assert extensions.get_extension_for_class(x509.BasicConstraints).critical
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_a_certificate_can_be_renewed_under_its_key() -> None:
    first = make_tls_identity("QA", ["qa.example"], days=30, now=NOW, passphrase=b"secret")
    second = make_tls_identity("QA", ["qa.example"], days=30, now=NOW, key_pem=first.key_pem, passphrase=b"secret")
    public = [x509.load_der_x509_certificate(made.certificate_der).public_key() for made in (first, second)]
    assert public[0] == public[1]
    assert first.fingerprint != second.fingerprint


def test_both_ends_of_a_connection_accept_it(tmp_path: Path) -> None:
    """A handshake in memory with OpenSSL's strict checks, each side trusting nothing but the other's certificate."""
    server, client = identity("server"), identity("client")
    contexts = []
    for side, own, other in ((ssl.PROTOCOL_TLS_SERVER, server, client), (ssl.PROTOCOL_TLS_CLIENT, client, server)):
        (tmp_path / "key.pem").write_bytes(own.key_pem)
        (tmp_path / "certificate.pem").write_bytes(own.certificate_pem)
        made = ssl.SSLContext(side)
        made.minimum_version = ssl.TLSVersion.TLSv1_3
        made.verify_mode = ssl.CERT_REQUIRED
        made.verify_flags |= ssl.VERIFY_X509_STRICT
        made.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
        made.load_verify_locations(cadata=other.certificate_der)
        contexts.append(made)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        contexts[0].wrap_bio(to_server, to_client, server_side=True),
        contexts[1].wrap_bio(to_client, to_server, server_hostname="127.0.0.1"),
    ]
    waiting = [1, 0, 1, 0]
    for turn in waiting:
        try:
            ends[turn].do_handshake()
        except ssl.SSLWantReadError:
            continue
    shown = [end.getpeercert(binary_form=True) for end in ends]
    assert [certificate_fingerprint(der) for der in shown if der] == [client.fingerprint, server.fingerprint]


def test_a_request_asks_for_the_same() -> None:
    made = make_tls_identity("QA", ["qa.example"], days=30, now=NOW)
    request = x509.load_pem_x509_csr(make_certificate_request(made.key_pem, "QA", ["qa.example", "10.0.0.1"]))
    assert request.is_signature_valid
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["qa.example"]
    assert request.public_key() == x509.load_der_x509_certificate(made.certificate_der).public_key()


@pytest.mark.parametrize("hosts", [[], [""], ["two words"], ["UPPER.example"], ["a" * 300], ["-a.example"], ["وزارة"]])
def test_a_host_must_be_one(hosts: list[str]) -> None:
    assert code_of(lambda: make_tls_identity("QA", hosts, days=1, now=NOW)) == "PAC-135"


def test_what_is_no_certificate() -> None:
    assert code_of(lambda: certificate_der(b"text")) == "PAC-133"
    assert code_of(lambda: certificate_facts(b"\x30\x03")) == "PAC-133"
    assert code_of(lambda: make_tls_identity("", ["a"], days=1, now=NOW)) == "PAC-135"
    assert code_of(lambda: make_certificate_request(b"text", "QA", ["a"])) == "PAC-130"


# ── officers' credentials ──


def test_an_officer_signs_an_act() -> None:
    credential = create_credential("officer-1", PASSPHRASE, cost=CHEAP)
    act = {"act": "conclusion", "conversation": "0" * 32, "conclusion": "identified"}
    signed = sign_act(credential, PASSPHRASE, act)
    assert verify_act(signed, credential.public) == act
    again = parse_credential(credential.to_record())
    assert again == credential
    assert open_credential(again, PASSPHRASE).sign_act(act).count(".") == 2


def test_a_passphrase_is_the_same_however_its_letters_are_composed() -> None:
    credential = create_credential("officer-1", "cafe\u0301 in the old town", cost=CHEAP)
    assert open_credential(credential, "caf\u00e9 in the old town").officer == "officer-1"


def test_nobody_else_opens_a_credential() -> None:
    credential = create_credential("officer-1", PASSPHRASE, cost=CHEAP)
    assert code_of(lambda: open_credential(credential, PASSPHRASE + " ")) == "PAC-141"
    assert code_of(lambda: open_credential(credential, "")) == "PAC-141"
    assert code_of(lambda: refuse_unknown_officer(PASSPHRASE, cost=CHEAP)) == "PAC-141"
    assert code_of(lambda: create_credential("officer-1", "short", cost=CHEAP)) == "PAC-142"
    assert code_of(lambda: create_credential("Officer One", PASSPHRASE, cost=CHEAP)) == "PAC-140"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"officer": "officer-2"}, "PAC-141"),  # the key of one officer under the name of another
        ({"public": generate_signing_key().jwk.public()}, "PAC-141"),
        ({"cost": {"passes": 2, "memory_kib": 64, "lanes": 1}}, "PAC-141"),
        ({"salt": "A" * 22}, "PAC-141"),
        ({"salt": "A"}, "PAC-140"),
        ({"sealed": "A" * 64}, "PAC-141"),
        ({"sealed": ""}, "PAC-140"),
        ({"cost": {"passes": 1, "memory_kib": 2**30, "lanes": 1}}, "PAC-140"),
        ({"extra": 1}, "PAC-140"),
        ({"public": {"kty": "OKP"}}, "PAC-140"),
    ],
)
def test_a_changed_record_does_not_open(change: dict[str, Any], code: str) -> None:
    record = {**create_credential("officer-1", PASSPHRASE, cost=CHEAP).to_record(), **change}
    assert code_of(lambda: open_credential(parse_credential(record), PASSPHRASE)) == code


def test_an_act_is_one_officers_own() -> None:
    one = create_credential("officer-1", PASSPHRASE, cost=CHEAP)
    two = create_credential("officer-2", PASSPHRASE, cost=CHEAP)
    signed = sign_act(one, PASSPHRASE, {"approve": True})
    assert code_of(lambda: verify_act(signed, two.public)) == "PAC-109"
    header, payload, signature = signed.split(".")
    other = sign_act(one, PASSPHRASE, {"approve": False}).split(".")
    assert code_of(lambda: verify_act(".".join((header, other[1], signature)), one.public)) == "PAC-110"
    assert code_of(lambda: verify_act(f"{header}.{payload}", one.public)) == "PAC-108"
    assert code_of(lambda: verify_act("é", one.public)) == "PAC-108"


def test_a_message_signature_is_no_act() -> None:
    """Each use has a type of its own, so that a signature made for one never passes for another."""
    key = generate_signing_key()
    signed = sign_compact(b"{}", key, typ="mithaq-message-1").decode()
    assert code_of(lambda: verify_act(signed, key.jwk)) == "PAC-108"
