"""An agreement that nobody signed, or only one side, or a stranger, gives nobody the right to anything."""

from __future__ import annotations

import json
from dataclasses import replace

import agreements
import pytest
from agreements import side
from forged import letter, query_body, turned_away
from hits import Hits
from pair import START

from mithaq.errors import TrustError
from mithaq.pact.proposal import propose
from mithaq.pact.signed import Signed, parse_signed, sign, unsigned, verify
from mithaq.pact.strict import canonical


def refusal(signed: Signed) -> TrustError:
    with pytest.raises(TrustError) as caught:
        verify(signed)
    return caught.value


def test_nobody_signed() -> None:
    error = refusal(parse_signed(agreements.document()))
    assert error.code == "PAC-020"
    assert "agreement sign" in error.remedy


@pytest.mark.parametrize(("signer", "other"), [("QA", "US"), ("US", "QA")])
def test_one_side_alone_signed(signer: str, other: str) -> None:
    error = refusal(agreements.signed_by(agreements.document(), signer))
    assert error.code == "PAC-021"
    assert other in error.problem


def test_one_side_signed_in_both_names() -> None:
    once = agreements.signed_by(agreements.document(), "QA")
    mine = once.signatures["QA"]
    assert refusal(Signed(once.document, {"QA": mine, "US": replace(mine, party="US")})).code == "PAC-023"
    theirs = replace(mine, party="US", key=side("US").thumbprint)
    assert refusal(Signed(once.document, {"QA": mine, "US": theirs})).code == "PAC-023"


def test_a_third_signature() -> None:
    both = agreements.signed_by(agreements.document(), "QA", "US")
    stranger = replace(both.signatures["QA"], party="FR")
    assert refusal(Signed(both.document, {**both.signatures, "FR": stranger})).code == "PAC-025"


def test_one_party_twice_in_the_file() -> None:
    file = json.loads(agreements.signed_file())
    file["signatures"][1] = {**file["signatures"][0], "signed_at": "2026-01-01T00:00:00.000001Z"}
    with pytest.raises(TrustError) as caught:
        parse_signed(canonical(file))
    assert caught.value.code == "PAC-026"


def test_a_whole_agreement_between_two_strangers() -> None:
    """Both signatures hold, but neither is ours: the node's own key is the anchor."""
    both = agreements.signed_by(agreements.document(), "QA", "US")
    assert verify(both, anchor=side("QA").thumbprint)
    with pytest.raises(TrustError) as caught:
        verify(both, anchor=side("QA", "another key").thumbprint)
    assert caught.value.code == "PAC-028"


def test_a_message_under_a_proposal_that_one_side_alone_signed(hits: Hits) -> None:
    """The file lies in the receiver's folder, and counts for nothing."""
    before = hits.nodes["QA"].agreements.current("US", hits.clock())
    signed = unsigned(propose(dict(before.parties), valid_from=START, version=2, previous=before.id))
    key = hits.nodes["QA"].keys.sign
    signed = sign(signed, "QA", signer=key.sign, thumbprint=key.thumbprint, at=hits.clock())
    (hits.homes["US"] / "agreements" / "proposal.json").write_bytes(signed.to_bytes())
    sealed = letter(hits, query_body(hits), kind="query", agreement=signed.id)
    turned_away(hits, sealed, "PAC-112", "agreement-unknown")
