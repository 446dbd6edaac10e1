"""A partner whose clock is two hours ahead, or two hours behind.

Ahead: every message of it is of the future, and refused. Behind: what it says in a conversation was made before that
began, and its receipts are of before what they are for; a query alone looks like one that waited for two hours, and is
counted and answered by the holder's own clock.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from forged import letter, query_body, request_body, turned_away
from hits import Hits

from mithaq.errors import TrustError
from mithaq.pact.message import make_manifest
from mithaq.pact.receipt import make_receipt, verify_receipt

OFF = timedelta(hours=2)


@pytest.mark.parametrize("kind", ["query", "answer", "request", "release", "notice"])
def test_two_hours_ahead(hits: Hits, kind: str) -> None:
    sealed = letter(hits, query_body(hits), kind=kind, created=hits.clock() + OFF)  # type: ignore[arg-type]
    turned_away(hits, sealed, "PAC-117", "clocks-differ")


def test_two_hours_behind_in_a_conversation(hits: Hits) -> None:
    found = hits.identified()
    behind = letter(hits, request_body(), kind="request", conversation=found, created=hits.clock() - OFF)
    turned_away(hits, behind, "NOD-307", "clocks-differ")
    waiting = hits.ask()
    answer = letter(hits, b"x", kind="answer", sender="US", conversation=waiting.id, created=hits.clock() - OFF)
    turned_away(hits, answer, "NOD-307", "clocks-differ", sender="US")
    hits.run()
    assert hits.states(waiting.id) == ("candidate", "answered-hit")


@pytest.mark.parametrize("off", [OFF, -OFF])
def test_the_receipt_of_such_a_partner_is_not_taken(hits: Hits, off: timedelta) -> None:
    key, now = hits.nodes["US"].keys.sign, hits.clock()
    manifest = make_manifest(
        b"x", kind="query", sender="QA", sender_contact="qa-ncp", recipient="US", recipient_contact="us-ncp",
        agreement="sha256:" + "5" * 64, body_type="ansi-nist", created=now, expires=now + timedelta(days=7),
    )  # fmt: skip
    receipt = make_receipt(manifest, "0" * 64, received_at=now + off, index=1, leaf_hash=bytes(32), sign_key=key)
    with pytest.raises(TrustError) as caught:
        verify_receipt(receipt, [key.jwk], manifest=manifest, digest="0" * 64, now=now)
    assert caught.value.code == "PAC-123"
