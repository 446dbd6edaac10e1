"""Notices: exactly the keys of their form, and the same bytes out as in."""

from __future__ import annotations

import json

import pytest

from mithaq.errors import TrustError
from mithaq.pact.notices import FORMS, Exercise, notice_body, read_notice
from mithaq.pact.wording import label


def test_a_notice_is_read_as_it_was_written() -> None:
    body = notice_body("exercise", Exercise("drill"))
    notice = read_notice(body)
    assert (notice.about, notice.terms) == ("exercise", Exercise("drill"))
    assert notice_body(notice.about, notice.terms) == body


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"drill", "PAC-208"),
        (b'{"about":"exercise","terms":{"filling":"x"} }', "PAC-208"),
        (b'{"about":"exercise"}', "PAC-208"),
        (b'{"about":"exercise","more":1,"terms":{"filling":"x"}}', "PAC-208"),
        (b'{"about":"exercise","terms":{"filling":"x","more":1}}', "PAC-208"),
        (b'{"about":"exercise","terms":{}}', "PAC-208"),
        (b'{"about":"exercise","terms":{"filling":1}}', "PAC-208"),
        (b'{"about":"gossip","terms":{}}', "PAC-207"),
        (b'{"about":["exercise"],"terms":{}}', "PAC-207"),
        (json.dumps({"about": "exercise", "terms": {"filling": "x" * 1_048_577}}).encode(), "PAC-208"),
    ],
)
def test_a_notice_of_another_form_is_refused(body: bytes, code: str) -> None:
    with pytest.raises(TrustError) as refused:
        read_notice(body)
    assert refused.value.code == code


@pytest.mark.parametrize("about", FORMS)
def test_every_kind_of_notice_has_a_name_in_both_languages(about: str) -> None:
    assert label(about).ar
    assert label(about).en
