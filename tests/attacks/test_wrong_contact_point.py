"""A message from a contact point that is unknown, in another role, or outside its competence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import agreements
import pytest
from agreements import CHAIN, LATER, QUERY, RELEASE
from forged import answered_with_refusal, letter, query_body
from hits import Hits

from mithaq.pact.gate import Refused, gate, gate_release

BORDER = replace(
    QUERY, origin_party="US", origin_contact="us-border", destination_party="QA", destination_contact="qa-ncp"
)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"origin_contact": "us-cyber"}, "contact-unknown"),
        ({"origin_contact": "qa-ncp"}, "contact-unknown"),
        ({"destination_contact": "qa-supply"}, "contact-role"),
        ({"purpose": "terrorism"}, "contact-purpose"),
        ({"purpose": "missing-or-remains"}, "contact-purpose"),
    ],
)
def test_the_holder_refuses(changes: dict[str, Any], expected: str) -> None:
    agreement = agreements.agreement()
    assert not isinstance(gate(BORDER, agreement, at=agreements.AT, used_today=0, side="holder"), Refused)
    decision = gate(replace(BORDER, **changes), agreement, at=agreements.AT, used_today=0, side="holder")
    assert isinstance(decision, Refused)
    assert decision.reason == expected
    assert decision.parameter.startswith("parties.")


def test_a_point_without_the_role_releases_nothing() -> None:
    decision = gate_release(replace(RELEASE, origin_contact="us-border"), CHAIN, agreements.agreement(), at=LATER)
    assert isinstance(decision, Refused)
    assert decision.reason == "contact-role"


def test_a_query_from_a_point_that_the_agreement_does_not_name(hits: Hits) -> None:
    sealed = letter(hits, query_body(hits), kind="query", sender_contact="qa-cyber", id="5" * 32)
    answered_with_refusal(hits, sealed, "5" * 32, "contact-unknown")
