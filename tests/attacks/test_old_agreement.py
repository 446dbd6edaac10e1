"""A message under a version of the agreement that a later one has replaced."""

from __future__ import annotations

import pytest
from forged import answered_with_refusal, letter, query_body, request_body, turned_away
from hits import Hits
from pair import START

from mithaq.pact.proposal import propose
from mithaq.pact.signed import sign, unsigned


@pytest.fixture(scope="module")
def old(hits: Hits) -> str:
    """The id of the first version; a second one replaces it."""
    before = hits.nodes["QA"].agreements.current("US", hits.clock())
    document = propose(dict(before.parties), valid_from=START, version=2, previous=before.id)
    signed = unsigned(document)
    for code, node in hits.nodes.items():
        key = node.keys.sign
        signed = sign(signed, code, signer=key.sign, thumbprint=key.thumbprint, at=hits.clock())
    for node in hits.nodes.values():
        node.agreements.install(signed.to_bytes())
    return before.id


def test_a_query_under_it(hits: Hits, old: str) -> None:
    sealed = letter(hits, query_body(hits), kind="query", agreement=old, id="1" * 32)
    answered_with_refusal(hits, sealed, "1" * 32, "agreement-superseded")


def test_a_request_under_it_in_a_conversation_that_began_under_the_next(hits: Hits, old: str) -> None:
    sent = hits.identified()
    sealed = letter(hits, request_body(), kind="request", agreement=old, conversation=sent)
    turned_away(hits, sealed, "NOD-108", "agreement-unknown")
