"""What the code of a refused message means: a reason, and a clause of the agreement, in both languages."""

from __future__ import annotations

import agreements
import pytest

from mithaq.errors import FormatError, MithaqError, TrustError
from mithaq.node.refusals import REASONS, refusal_of


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (FormatError("NOD-104", "x"), "candidates-too-many"),
        (FormatError("REC-060", "x"), "message-unfit"),
        (TrustError("PAC-999", "x"), "message-not-trusted"),
        *((TrustError(code, "x"), reason) for code, reason in REASONS.items()),
    ],
)
def test_each_code_has_its_reason_and_clause(error: MithaqError, reason: str) -> None:
    meant = refusal_of(error, agreements.agreement())
    assert meant.reason == reason
    assert meant.clause is not None
    for text in (meant.text.ar, meant.clause.ar):
        assert any("\u0621" <= letter <= "\u064a" for letter in text)
    assert meant.text.en.isascii()
    assert meant.clause.en
