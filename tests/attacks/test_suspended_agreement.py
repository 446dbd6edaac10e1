"""Messages while the agreement is suspended: a query is refused with its clause, and no personal data are taken."""

from __future__ import annotations

from forged import answered_with_refusal, letter, query_body, receive, release_body, turned_away
from hits import Hits

from mithaq.node import life
from mithaq.node.store.life import LifeEvent


def test_a_query_and_a_release_while_it_is_suspended(hits: Hits) -> None:
    asked = hits.requested()
    done = life.suspend(hits.nodes["US"], "QA", parts=(), reason="duties-not-met", **hits.officer(1))
    assert isinstance(done, LifeEvent)
    hits.run()
    sealed = letter(hits, query_body(hits), kind="query", id="2" * 32)
    answered_with_refusal(hits, sealed, "2" * 32, "agreement-suspended")
    release = letter(hits, release_body(), kind="release", sender="US", conversation=asked)
    turned_away(hits, release, "NOD-306", "agreement-suspended", sender="US")
    assert hits.nodes["QA"].released(asked) == {}
    # The very same bytes pass once the party that suspended it has resumed it.
    assert isinstance(life.resume(hits.nodes["US"], "QA", done.id, **hits.officer(1)), LifeEvent)
    hits.run()
    receive(hits, release, "US")
    assert hits.nodes["QA"].released(asked)["fields"] == {"family_name": "x"}
