"""A query, a request and a release under an agreement that is over, or not yet in force."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import agreements
import pytest
from agreements import CHAIN, END, QUERY, RELEASE, REQUEST, START

from mithaq.pact.gate import Refused, gate, gate_release, gate_request


@pytest.mark.parametrize(
    ("at", "expected"),
    [(END, "agreement-expired"), (END + timedelta(days=400), "agreement-expired"),
     (START - timedelta(seconds=1), "agreement-not-yet-in-force")],
)  # fmt: skip
def test_nothing_passes(at: object, expected: str) -> None:
    agreement = agreements.agreement()
    chain = replace(CHAIN, answered_at=END - timedelta(days=2), requested_at=END - timedelta(days=1))
    for side in ("sender", "holder"):
        decision = gate(QUERY, agreement, at=at, used_today=0, side=side)  # type: ignore[arg-type]
        assert isinstance(decision, Refused)
        assert decision.reason == expected
        assert decision.clause_ref == "Art. 20(1)"
    for later in (gate_request(REQUEST, chain, agreement, at=at), gate_release(RELEASE, chain, agreement, at=at)):  # type: ignore[arg-type]
        assert isinstance(later, Refused)
        assert later.reason == expected
