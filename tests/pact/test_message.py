"""Messages and receipts: what was sealed opens as it was, and whatever else arrives is refused with a code."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any, get_args

import agreements
import pytest
import wire
from hypothesis import given
from hypothesis import strategies as st
from wire import AT, QA, US, code_of, context, manifest, sealed, sealed_raw

from mithaq.errors import TrustError
from mithaq.pact.jose import sign_compact
from mithaq.pact.keys import Suite
from mithaq.pact.message import (
    MANIFEST_TYPE,
    Standing,
    make_manifest,
    max_sealed_bytes,
    open_message,
    partner_of,
    seal,
    sealed_digest,
    standing_of,
)
from mithaq.pact.receipt import RECEIPT_TYPE, make_receipt, verify_receipt
from mithaq.pact.strict import canonical, plain

LEAF = hashlib.sha256(b"leaf").digest()


def signed_values(values: Any) -> bytes:
    """Any JSON values in the manifest's place, signed by the sender and sealed."""
    return sealed_raw(sign_compact(canonical(values), QA.sign, typ=MANIFEST_TYPE) + b"\n" + wire.BODY)


# ── what was sealed opens ──


@pytest.mark.parametrize("suite", get_args(Suite))
@pytest.mark.parametrize("body", [b"", b"\n", b"\n\n.", wire.BODY, bytes(range(256)) * 2000])
def test_a_message_opens_as_it_was(suite: Suite, body: bytes) -> None:
    qa, us = wire.node("QA", suite), wire.node("US", suite)
    sent = manifest(body)
    data = seal(sent, body, sign_key=qa.sign, encrypt_to=us.encrypt.jwk)
    assert len(data) <= max_sealed_bytes(len(body))
    opened = open_message(data, context(us, qa, suite=suite))
    assert (opened.manifest, opened.body, opened.digest) == (sent, body, sealed_digest(data))


@pytest.mark.parametrize("suite", get_args(Suite))
def test_a_hundred_messages_open(suite: Suite) -> None:
    """A fresh P-256 key now and then has a coordinate that begins with a zero byte."""
    qa, us = wire.node("QA", suite), wire.node("US", suite)
    at = context(us, qa, suite=suite)
    for number in range(130):
        body = b"%d" % number
        data = seal(manifest(body), body, sign_key=qa.sign, encrypt_to=us.encrypt.jwk)
        assert open_message(data, at).body == body


def test_a_message_hides_all_but_the_key_it_is_sealed_to() -> None:
    header = json.loads(wire_header(sealed()))
    assert header.keys() == {"alg", "enc", "kid", "typ", "epk"}
    assert header["kid"] == US.encrypt.thumbprint


def wire_header(data: bytes) -> bytes:
    segment = data.split(b".")[0]
    return base64.urlsafe_b64decode(segment + b"=" * (-len(segment) % 4))


def test_two_seals_of_one_message_differ() -> None:
    sent = manifest()
    first, second = (seal(sent, wire.BODY, sign_key=QA.sign, encrypt_to=US.encrypt.jwk) for _ in range(2))
    assert first != second
    assert open_message(first, context()).manifest == open_message(second, context()).manifest


def test_a_manifest_begins_or_continues_a_conversation() -> None:
    query = manifest()
    assert query.conversation == query.id
    answer = manifest(kind="answer", conversation=query.conversation, in_reply_to=query.id)
    assert answer.id != query.id
    assert (answer.conversation, answer.in_reply_to) == (query.id, query.id)


def test_no_body_in_a_representation() -> None:
    opened = open_message(sealed(b"biometric"), context())
    assert "biometric" not in repr(opened)


def test_a_seal_is_for_its_own_body() -> None:
    with pytest.raises(TrustError) as caught:
        seal(manifest(b"one"), b"two", sign_key=QA.sign, encrypt_to=US.encrypt.jwk)
    assert caught.value.code == "PAC-119"


# ── the nine checks ──


def test_1_size() -> None:
    assert code_of(b"x" * (max_sealed_bytes(100) + 1), context(max_body_bytes=100)) == "PAC-101"


def test_2_partner() -> None:
    assert code_of(sealed(), replace(context(), certificate="0" * 64)) == "PAC-102"
    assert code_of(sealed(), replace(context(), partner=lambda certificate: US.pinned)) == "PAC-102"


def test_3_decryption() -> None:
    assert code_of(b"") == "PAC-103"
    assert code_of(b"a.b.c") == "PAC-103"
    assert code_of(sealed() + b".") == "PAC-103"
    assert code_of(sealed() + b"=") == "PAC-103"
    assert code_of(sealed(to=wire.FR)) == "PAC-105"
    assert code_of(sealed_raw(b"no line feed")) == "PAC-107"


def test_4_signature() -> None:
    assert code_of(sealed_raw(b"not a signature\nbody")) == "PAC-108"
    assert code_of(sealed(by=wire.FR)) == "PAC-109"


@pytest.mark.parametrize(
    "change",
    [
        {"unknown": 1},
        {"schema": "mithaq-message-2"},
        {"kind": "order"},
        {"id": "not-hex"},
        {"id": None},
        {"sender": "qa"},
        {"agreement": "sha256:"},
        {"created": "2026-02-31T00:00:00.000000Z"},
        {"created": "2026-03-10 12:00"},
        {"body_bytes": -1},
        {"body_bytes": True},
        {"body_bytes": 2.5},
        {"body_type": "Ansi Nist"},
        {"recipient_contact": ["us-ncp"]},
    ],
)
def test_5_manifest(change: dict[str, Any]) -> None:
    assert code_of(signed_values({**plain(manifest()), **change})) == "PAC-111"


def test_5_every_key_is_needed() -> None:
    values = plain(manifest())
    for name in values:
        assert code_of(signed_values({key: value for key, value in values.items() if key != name})) == "PAC-111"


@pytest.mark.parametrize("payload", [b"", b"[]", b"null", b'{"a":1,"a":1}', b"{ }", b"\xff", b"[" * 5000, b"1e999"])
def test_5_a_payload_that_is_no_manifest(payload: bytes) -> None:
    assert code_of(sealed_raw(sign_compact(payload, QA.sign, typ=MANIFEST_TYPE) + b"\n")) == "PAC-111"


def test_6_agreement() -> None:
    assert code_of(sealed(), context(standing=lambda manifest: Standing.UNKNOWN)) == "PAC-112"
    assert code_of(sealed(), context(standing=lambda manifest: Standing.CLOSED)) == "PAC-113"


def test_7_parties() -> None:
    assert code_of(sealed(recipient="FR")) == "PAC-114"
    assert code_of(sealed(sender="FR")) == "PAC-115"


def test_8_time() -> None:
    data = sealed()
    skew, life = timedelta(seconds=300), timedelta(days=1)
    open_message(data, context(now=AT - skew))
    assert code_of(data, context(now=AT - skew - timedelta(seconds=1))) == "PAC-117"
    open_message(data, context(now=AT + life + skew - timedelta(seconds=1)))
    assert code_of(data, context(now=AT + life + skew)) == "PAC-116"
    assert code_of(sealed(expires=AT)) == "PAC-118"
    assert code_of(sealed(expires=AT - timedelta(seconds=10))) == "PAC-118"
    assert code_of(sealed(expires=AT + timedelta(days=32))) == "PAC-118"


def test_9_body() -> None:
    sent = sign_compact(canonical(plain(manifest())), QA.sign, typ=MANIFEST_TYPE)
    assert code_of(sealed_raw(sent + b"\n" + wire.BODY + b"!")) == "PAC-119"


# ── what the agreement pins ──


def test_a_partner_is_what_the_agreements_pin() -> None:
    agreement = agreements.agreement()
    partner = partner_of([agreement], "US")
    assert partner.certificates == set(agreement.parties["US"].keys.certificate_digests)
    assert partner.signing_keys == agreement.parties["US"].keys.sign
    assert partner_of([agreement], "FR").certificates == frozenset()


def test_how_an_agreement_stands() -> None:
    agreement = agreements.agreement()
    known = {agreement.id: agreement}
    query = manifest(agreement=agreement.id)
    assert standing_of(query, known, at=agreements.AT) is Standing.IN_FORCE
    assert standing_of(query, known, at=agreements.END) is Standing.CLOSED
    assert standing_of(query, {}, at=agreements.AT) is Standing.UNKNOWN
    assert standing_of(manifest(agreement=agreement.id, sender="FR"), known, at=agreements.AT) is Standing.UNKNOWN
    notice = manifest(agreement=agreement.id, kind="notice")
    assert standing_of(notice, known, at=agreements.END) is Standing.IN_FORCE  # protection stays open


# ── receipts ──


def receipt(**changes: Any) -> bytes:
    values: dict[str, Any] = {"received_at": AT, "index": 7, "leaf_hash": LEAF, "sign_key": US.sign, **changes}
    return make_receipt(SENT, DIGEST, **values)


SENT = manifest()
DIGEST = "ab" * 32


def test_a_receipt_says_what_was_received() -> None:
    read = verify_receipt(receipt(checkpoint="note"), [US.sign.jwk], manifest=SENT, digest=DIGEST, now=AT)
    assert (read.message, read.digest, read.index, read.leaf) == (SENT.id, DIGEST, 7, LEAF.hex())
    assert (read.sender, read.recipient, read.checkpoint) == ("QA", "US", "note")


@pytest.mark.parametrize(
    ("data", "expected", "code"),
    [
        (receipt(), {"manifest": manifest()}, "PAC-121"),
        (receipt(), {"digest": "cd" * 32}, "PAC-122"),
        (receipt(received_at=AT + timedelta(hours=2)), {}, "PAC-123"),
        (receipt(received_at=AT - timedelta(hours=2)), {}, "PAC-123"),
        (receipt(sign_key=QA.sign), {}, "PAC-109"),
        (sign_compact(b"{}", US.sign, typ=RECEIPT_TYPE), {}, "PAC-120"),
        (sign_compact(b"{}", US.sign, typ=MANIFEST_TYPE), {}, "PAC-108"),
        (receipt()[:-1], {}, "PAC-108"),
        (b"", {}, "PAC-108"),
    ],
)
def test_a_receipt_that_does_not_hold(data: bytes, expected: dict[str, Any], code: str) -> None:
    known: dict[str, Any] = {"manifest": SENT, "digest": DIGEST, "now": AT, **expected}
    with pytest.raises(TrustError) as caught:
        verify_receipt(data, [US.sign.jwk], **known)
    assert caught.value.code == code


def test_a_receipt_names_a_day_of_the_calendar() -> None:
    values = {
        "schema": "mithaq-receipt-1", "message": SENT.id, "digest": DIGEST, "sender": "QA", "recipient": "US",
        "received_at": "2026-02-31T00:00:00.000000Z", "index": 0, "leaf": LEAF.hex(), "checkpoint": None,
    }  # fmt: skip
    with pytest.raises(TrustError) as caught:
        data = sign_compact(canonical(values), US.sign, typ=RECEIPT_TYPE)
        verify_receipt(data, [US.sign.jwk], manifest=SENT, digest=DIGEST, now=AT)
    assert caught.value.code == "PAC-120"


# ── nothing but the room's own error leaves it ──

EDITS = st.lists(st.tuples(st.integers(0, 10**6), st.binary(max_size=4), st.integers(0, 6)), min_size=1, max_size=3)


def edited(data: bytes, edits: list[tuple[int, bytes, int]]) -> bytes:
    """The data with a few places cut out and others put in."""
    for place, new, length in edits:
        place %= len(data) + 1
        data = data[:place] + new + data[place + length :]
    return data


def must_refuse(data: bytes) -> None:
    try:
        open_message(data, context())
    except TrustError as error:
        assert error.code.startswith("PAC-1")
    else:
        raise AssertionError("a changed message was opened")


GOOD = sealed()
INSIDE = sign_compact(canonical(plain(manifest())), QA.sign, typ=MANIFEST_TYPE) + b"\n" + wire.BODY


@given(EDITS)
def test_fuzz_sealed_bytes(edits: list[tuple[int, bytes, int]]) -> None:
    if (data := edited(GOOD, edits)) != GOOD:
        must_refuse(data)


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_fuzz_one_byte(place: int, mask: int) -> None:
    must_refuse(GOOD[:place] + bytes([GOOD[place] ^ mask]) + GOOD[place + 1 :])


@given(EDITS)
def test_fuzz_what_is_inside(edits: list[tuple[int, bytes, int]]) -> None:
    if (inside := edited(INSIDE, edits)) != INSIDE:
        must_refuse(sealed_raw(inside))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
HEADER_NAMES = st.sampled_from(["alg", "enc", "kid", "typ", "epk", "zip", "crit", "jwk", "kty", "crv", "x", "y"])


def b64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


@given(st.dictionaries(HEADER_NAMES, JSON | st.sampled_from(["none", "HS256", "Ed25519", QA.sign.thumbprint])))
def test_fuzz_headers(changes: dict[str, Any]) -> None:
    """Whatever members a header gets, at either layer, with the other members as they should be."""
    outer = {**json.loads(wire_header(GOOD)), **changes}
    if outer != json.loads(wire_header(GOOD)):
        must_refuse(b".".join((b64(json.dumps(outer).encode()), *GOOD.split(b".")[1:])))
    signed, _, body = INSIDE.partition(b"\n")
    inner = {"alg": "Ed25519", "kid": QA.sign.thumbprint, "typ": MANIFEST_TYPE}
    if {**inner, **changes} != inner:
        header = b64(json.dumps({**inner, **changes}).encode())
        must_refuse(sealed_raw(b".".join((header, *signed.split(b".")[1:])) + b"\n" + body))


@given(st.dictionaries(st.sampled_from(list(plain(manifest()))), JSON))
def test_fuzz_manifests(changes: dict[str, Any]) -> None:
    try:
        data = signed_values({**plain(manifest()), **changes})
    except TrustError:  # no canonical form
        return
    if changes:
        try:
            open_message(data, context())
        except TrustError as error:
            assert error.code.startswith("PAC-1")


@given(st.binary(max_size=200))
def test_fuzz_receipts(data: bytes) -> None:
    for candidate in (
        data,
        sign_compact(data, US.sign, typ=RECEIPT_TYPE),
        edited(receipt(), [(len(data) * 7, data, 3)]),
    ):
        with pytest.raises(TrustError):
            verify_receipt(candidate, [US.sign.jwk], manifest=SENT, digest=DIGEST, now=AT)


def test_a_manifest_is_checked_when_it_is_made() -> None:
    with pytest.raises(TrustError) as caught:
        make_manifest(
            b"", kind="query", sender="qatar", sender_contact="qa-ncp", recipient="US", recipient_contact="us-ncp",
            agreement=wire.AGREEMENT, body_type="ansi-nist", created=AT, expires=AT + timedelta(days=1),
        )  # fmt: skip
    assert caught.value.code == "PAC-111"
