"""Each romanised form of a name says which scheme it follows, or the name is refused (REQ-053)."""

from __future__ import annotations

import pytest

from mithaq.errors import FormatError
from mithaq.pact.names import Romanised, add_romanised, parse_name
from mithaq.pact.schemes import require_schemes
from mithaq.pact.strict import plain

GOOD = {"original": "الكواري", "script": "Arab", "romanised": [{"value": "Al-Kuwari", "scheme": "passport"}]}


@pytest.mark.parametrize(
    "value",
    [
        "الكواري",
        "Smith",
        ["Smith", "Smythe"],
        GOOD,
        [GOOD, "كواري"],
        plain(add_romanised(parse_name("جمال الكواري"), 0, Romanised("Jamal", "bgn-pcgn"))),
    ],
)
def test_names_with_their_schemes_pass(value: object) -> None:
    require_schemes({"family_name": value, "birth_place": {"romanised": "no name"}})


@pytest.mark.parametrize(
    "value",
    [
        {**GOOD, "romanised": ["Al-Kuwari"]},
        {**GOOD, "romanised": "Al-Kuwari"},
        {**GOOD, "romanised": [{"value": "Al-Kuwari"}]},
        {**GOOD, "romanised": [{"value": "Al-Kuwari", "scheme": ""}]},
        {**GOOD, "romanised": [{"value": "Al-Kuwari", "scheme": "mine"}]},
        {**GOOD, "romanised": [{"value": "Al-Kuwari", "scheme": ["passport"]}]},
        [GOOD, {**GOOD, "romanised": [{"value": "Al-Kuwari"}]}],
        ["الكواري", "Al-Kuwari"],
        {"original": "جمال", "parts": [{"original": "جمال", "romanised": [{"value": "Jamal"}]}]},
    ],
)
@pytest.mark.parametrize("field", ["family_name", "given_names", "former_names", "aliases", "alternative_spellings"])
def test_a_romanised_form_without_a_scheme_is_refused_without_naming_it(field: str, value: object) -> None:
    with pytest.raises(FormatError) as refused:
        require_schemes({field: value})
    assert (refused.value.code, refused.value.field) == ("PAC-270", field)
    assert "uwari" not in str(refused.value)
