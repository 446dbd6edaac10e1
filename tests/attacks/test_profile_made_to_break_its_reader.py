"""A profile or a partner's override whose text is made to break its reader: numbers, nesting and patterns without end."""

from __future__ import annotations

from importlib.resources import files

import pytest

from mithaq.errors import SettingsError
from mithaq.record import load_profile
from mithaq.record.rules.file import read_profile

OWN = files("mithaq.record").joinpath("profiles", "mithaq-1.toml").read_text(encoding="utf-8")
FIRST_PATTERN = OWN[OWN.index("pattern = ") :].partition("\n")[0]


@pytest.mark.parametrize(
    "text",
    [
        OWN.replace(FIRST_PATTERN, "pattern = 'a{99999999999}'"),  # OverflowError, found by tools/fuzz.py
        OWN.replace(FIRST_PATTERN, f"pattern = '{'(' * 3000}{')' * 3000}'"),
        OWN.replace(FIRST_PATTERN, "pattern = '[a--b]'"),  # FutureWarning, found by tools/fuzz.py
        f"a = {'9' * 5000}\n{OWN}",  # ValueError: more digits than Python reads
        f"a = {'[' * 3000}\n{OWN}",
        "\x00",
        "",
    ],
)
def test_nothing_but_a_settings_error(text: str) -> None:
    with pytest.raises(SettingsError, match="REC-091"):
        read_profile(text)
    with pytest.raises(SettingsError, match="REC-09"):
        load_profile("mithaq-1", text)
