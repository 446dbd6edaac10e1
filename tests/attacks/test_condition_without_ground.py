"""A condition on released data without a ground, or with one that the closed list does not know (REQ-058)."""

from __future__ import annotations

from typing import Any, cast

import pytest
from forged import check_said, letter, release_body, turned_away, without_effect
from hits import Hits

from mithaq.node import flow
from mithaq.pact.caveats import Caveat, Handling
from mithaq.pact.gate import Refused


@pytest.mark.parametrize("ground", ["", "the-law", "national-law", "Court-Order"])
def test_a_holder_does_not_set_it(hits: Hits, ground: str) -> None:
    asked, holder = hits.requested(), hits.nodes["US"]
    handling = Handling((Caveat("H1", cast(Any, ground), None),))
    with without_effect(holder) as logged:
        done = flow.prepare_release(
            holder, asked, **hits.officer(1), fields=("family_name",), reason="national-law", handling=handling
        )
    assert isinstance(done, Refused)
    ((kind, data),) = logged
    assert kind == "step-refused"
    check_said(holder, data, "caveat-without-ground")


@pytest.mark.parametrize(
    "caveat", [{"ground": ""}, {"ground": "the-law"}, {"ground": None}, {}, {"ground": ["court-order"]}]
)
def test_a_receiver_does_not_take_it(hits: Hits, caveat: dict[str, Any]) -> None:
    asked = hits.requested()
    handling = {"caveats": [{"code": "H1", "text": None, **caveat}], "source": None, "accuracy": None}
    sealed = letter(hits, release_body(handling=handling), kind="release", sender="US", conversation=asked)
    turned_away(hits, sealed, "NOD-305", "caveat-without-ground", sender="US")
    assert hits.nodes["QA"].released(asked) == {}
