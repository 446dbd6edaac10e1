"""A signature by a key that the agreement does not list for its party."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import agreements
import pytest
from agreements import side

from mithaq.errors import TrustError
from mithaq.pact.signed import Signed, sign, unsigned, verify
from mithaq.pact.strict import plain


def test_a_new_key_that_the_agreement_does_not_list() -> None:
    both = agreements.signed_by(agreements.document(), "QA", "US")
    forged = replace(both.signatures["US"], key=side("US", "stolen").thumbprint)
    with pytest.raises(TrustError) as caught:
        verify(Signed(both.document, {**both.signatures, "US": forged}))
    assert caught.value.code == "PAC-024"


def test_the_listed_name_over_another_keys_signature() -> None:
    both = agreements.signed_by(agreements.document(), "QA")
    thief = side("US", "stolen")
    with pytest.raises(TrustError) as caught:
        sign(both, "US", signer=thief.signer, thumbprint=side("US").thumbprint, at=agreements.AT)
    assert caught.value.code == "PAC-022"


def test_a_listed_key_that_is_not_the_first() -> None:
    """A second key may sign messages; the agreement itself is signed with the first, so that all read it alike."""
    spare = side("QA", "spare")
    keys: dict[str, Any] = plain(side("QA").keys)
    keys["sign"] = [*keys["sign"], *plain(spare.keys)["sign"]]
    blank = unsigned(agreements.document(parties={"QA": {"keys": keys}}))
    with pytest.raises(TrustError) as caught:
        sign(blank, "QA", signer=spare.signer, thumbprint=spare.thumbprint, at=agreements.AT)
    assert caught.value.code == "PAC-024"
