"""A query for a purpose that the agreement does not know, however it is written."""

from __future__ import annotations

from dataclasses import replace

import agreements
import pytest
from agreements import QUERY

from mithaq.pact.gate import Refused, gate


@pytest.mark.parametrize(
    "purpose",
    ["", "immigration-control", "border-identification", "Terrorism", "terrorism ", " terrorism", "terrorism\x00",
     "terrorism,immigration-control", "all", "*", "\u202eterrorism"],
)  # fmt: skip
@pytest.mark.parametrize("side", ["sender", "holder"])
def test_a_foreign_purpose(purpose: str, side: str) -> None:
    decision = gate(replace(QUERY, purpose=purpose), agreements.agreement(), at=agreements.AT, used_today=0, side=side)  # type: ignore[arg-type]
    assert isinstance(decision, Refused)
    assert decision.reason == "purpose-not-agreed"
    assert decision.clause_ref == "Art. 4(1)"
