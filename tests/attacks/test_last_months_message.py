"""A message of last month, sent once more, and one of today sent twice."""

from __future__ import annotations

from datetime import timedelta

from forged import letter, query_body, receive, turned_away, without_effect
from hits import Hits

from mithaq.node import flow


def test_last_months_messages_again(hits: Hits) -> None:
    """The very bytes that passed then, of every kind of message that a conversation has."""
    asked = hits.requested()
    holder = hits.nodes["US"]
    flow.prepare_release(holder, asked, **hits.officer(1), fields=("family_name",), reason="national-law")
    flow.approve_release(holder, asked, **hits.officer(2))
    hits.run()
    carried = [(code, sealed) for code, wire in hits.wires.items() for sealed in wire.carried]
    assert len(carried) == 4
    for code, sealed in carried:
        node = hits.wires[code].to()
        with without_effect(node) as logged:
            receive(hits, sealed, code)  # today: the same receipt, and no second effect
        assert logged == []
    hits.clock.turn(days=30)
    for code, sealed in carried:
        turned_away(hits, sealed, "PAC-116", "message-too-old", sender=code)


def test_a_message_that_would_be_valid_for_longer_than_ids_are_remembered(hits: Hits) -> None:
    sealed = letter(hits, query_body(hits), kind="query", expires=hits.clock() + timedelta(days=40))
    turned_away(hits, sealed, "PAC-118", "message-too-old")


def test_other_bytes_under_an_id_that_was_received(hits: Hits) -> None:
    receive(hits, letter(hits, query_body(hits), kind="query", id="4" * 32))
    turned_away(hits, letter(hits, query_body(hits), kind="query", id="4" * 32), "NOD-047", "message-not-trusted")
