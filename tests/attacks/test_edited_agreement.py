"""An agreement that one side edited after both had signed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import agreements
import pytest

from mithaq.errors import TrustError
from mithaq.pact.signed import Signed, parse_signed, sign, verify
from mithaq.pact.strict import canonical


def code_of(file: dict[str, Any]) -> str:
    with pytest.raises(TrustError) as caught:
        verify(parse_signed(canonical(file)))
    return caught.value.code


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document["search_types"]["TP/TP"].update(day=1000),
        lambda document: document["follow_up"]["core_data"].append("face_image"),
        lambda document: document["purposes"].append("border-identification"),
        lambda document: document["valid"].update(to=None),
        lambda document: document["clauses"]["quota"].update(en="No quota applies."),
        lambda document: document["parties"]["US"]["contact_points"][1].update(purposes="all"),
        lambda document: document["retention"].update(log_months=1),
    ],
)
def test_any_edit_ends_the_agreement(change: Any) -> None:
    file = json.loads(agreements.signed_file())
    change(file["document"])
    assert code_of(file) == "PAC-022"


def test_an_edit_that_one_side_signed_again() -> None:
    """The editor's own new signature is good; the other side's is over what it had read."""
    before = agreements.signed_by(agreements.document(), "QA", "US")
    edited = agreements.signed_by(agreements.document(search_types={"TP/TP": {"day": 1000}}), "QA")
    with pytest.raises(TrustError) as caught:
        verify(Signed(edited.document, {**edited.signatures, "US": before.signatures["US"]}))
    assert caught.value.code == "PAC-022"
    assert "US" in caught.value.problem


def test_a_signature_moved_to_another_day() -> None:
    file = json.loads(agreements.signed_file())
    file["signatures"][0]["signed_at"] = "2027-01-01T00:00:00.000000Z"
    assert code_of(file) == "PAC-022"
    file["signatures"][0]["signed_at"] = "2027-02-31T00:00:00.000000Z"
    assert code_of(file) == "PAC-027"


def test_two_signatures_that_changed_places() -> None:
    file = json.loads(agreements.signed_file())
    first, second = file["signatures"]
    first["value"], second["value"] = second["value"], first["value"]
    assert code_of(file) == "PAC-023"
    both = agreements.signed_by(agreements.document(), "QA", "US")
    qatar, states = both.signatures["QA"], both.signatures["US"]
    swapped = Signed(both.document, {"QA": replace(states, party="QA"), "US": replace(qatar, party="US")})
    with pytest.raises(TrustError) as caught:
        verify(swapped)
    assert caught.value.code == "PAC-023"


def test_a_signature_that_is_written_in_another_way() -> None:
    """The last letter of 64 bytes in base64url has four spare bits; only one way to write them is accepted."""
    file = json.loads(agreements.signed_file())
    value = file["signatures"][0]["value"]
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    file["signatures"][0]["value"] = value[:-1] + letters[letters.index(value[-1]) + 1]
    assert code_of(file) == "PAC-027"
    file["signatures"][0]["value"] = value + "=="
    assert code_of(file) == "PAC-027"


def test_an_unknown_term_closes_the_agreement() -> None:
    """A side that signs a term which the other's software would not see: refused before any signature is looked at."""
    file = json.loads(agreements.signed_file())
    file["document"]["answer"]["names_returned"] = True
    assert code_of(file) == "PAC-005"
    file = json.loads(agreements.signed_file())
    file["note"] = "amended by telephone"
    assert code_of(file) == "PAC-005"


def test_signing_does_not_mend_an_edited_document() -> None:
    half = agreements.signed_by(agreements.document(), "QA")
    other = Signed(agreements.document(search_types={"TP/TP": {"day": 1000}}), half.signatures)
    us = agreements.side("US")
    with pytest.raises(TrustError):
        verify(sign(other, "US", signer=us.signer, thumbprint=us.thumbprint, at=agreements.AT))
