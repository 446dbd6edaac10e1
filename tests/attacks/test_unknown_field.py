"""A field that nobody agreed on, in every part of a message: the manifest, each kind of body, and deep inside one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from forged import letter, query_body, release_body, request_body, turned_away
from hits import Hits

from mithaq.pact.jose import encrypt_compact, sign_compact
from mithaq.pact.message import MANIFEST_TYPE, SEALED_TYPE, make_manifest
from mithaq.pact.strict import canonical, plain
from mithaq.record import read_transaction


def test_in_the_manifest(hits: Hits) -> None:
    body = query_body(hits)
    qa, us = hits.nodes["QA"], hits.nodes["US"]
    agreement = qa.agreements.current("US", hits.clock())
    manifest = make_manifest(
        body, kind="query", sender="QA", sender_contact="qa-ncp", recipient="US", recipient_contact="us-ncp",
        agreement=agreement.id, body_type="ansi-nist", created=hits.clock(), expires=hits.clock().replace(day=12),
    )  # fmt: skip
    values: dict[str, Any] = {**plain(manifest), "priority": "mine first"}
    signed = sign_compact(canonical(values), qa.keys.sign, typ=MANIFEST_TYPE)
    turned_away(
        hits, encrypt_compact(signed + b"\n" + body, us.keys.encrypt.jwk, typ=SEALED_TYPE), "PAC-111", "message-unfit"
    )


def test_in_a_query(hits: Hits) -> None:
    """A user-defined field of Type-2 that the profile does not list: a name that somebody sends along."""
    sound = query_body(hits)
    assert read_transaction(sound)
    start = sound.index(b"2.001:")
    end = sound.index(b"\x1c", start)
    record = sound[start:end] + b"\x1d2.018:Somebody"
    length, _, rest = record.partition(b"\x1d")
    size = int(length.removeprefix(b"2.001:")) + len(b"\x1d2.018:Somebody")
    body = sound[:start] + b"2.001:%d\x1d" % size + rest + sound[end:]
    assert read_transaction(body), "sound as a file, and not agreed"
    turned_away(hits, letter(hits, body, kind="query"), "REC-060", "message-unfit")


def test_in_a_request(hits: Hits) -> None:
    asked = hits.identified()
    for body in (
        request_body(note="please"),
        request_body(conclusion={**json.loads(request_body())["conclusion"], "sure": 1}),
    ):
        turned_away(hits, letter(hits, body, kind="request", conversation=asked), "NOD-116", "message-unfit")


def test_in_a_release(hits: Hits) -> None:
    asked = hits.requested()
    for body, code, reason in (
        (release_body(note="x"), "NOD-116", "message-unfit"),
        (release_body(released={"family_name": "x", "shoe_size": 44}), "NOD-113", "field-not-agreed"),
        (
            release_body(handling={"caveats": [], "source": None, "accuracy": None, "more": 1}),
            "NOD-226",
            "caveat-not-agreed",
        ),
    ):
        sealed = letter(hits, body, kind="release", sender="US", conversation=asked)
        turned_away(hits, sealed, code, reason, sender="US")


@pytest.mark.parametrize(
    ("notice", "code"),
    [
        ({"about": "exercise", "terms": {"kind": "drill", "name": "somebody"}}, "PAC-208"),
        ({"about": "exercise", "terms": {"kind": "drill"}, "note": "x"}, "PAC-208"),
        ({"about": "greeting", "terms": {}}, "PAC-207"),
    ],
)
def test_in_a_notice(hits: Hits, notice: dict[str, Any], code: str) -> None:
    turned_away(hits, letter(hits, canonical(notice), kind="notice"), code, "message-unfit")
