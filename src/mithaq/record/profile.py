"""Loads profiles: those that the package ships, by name, and as a partner's override changes them.

    profiles/NAME.toml ──load_profile──► Profile(transactions, weights, rules, encodings)
                              ▲
    a partner's override ─────┘ severities changed, rules added or replaced, encodings declared

Rules are data: the file names, beside each rule, its severity, its clause and how far its source is trusted. What a closed
profile does not name may not stand in its transactions; what an open one does not name is left to the dictionary.
Not done here: reading the file's text (`rules.file`), applying the rules (`check`).
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from pathlib import Path

from mithaq.errors import SettingsError
from mithaq.record.rules.file import BASE, overridden, read_profile
from mithaq.record.rules.kinds import Profile

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")


def load_profile(name: str, override: Path | str | None = None) -> Profile:
    """The profile of that name, changed by a partner's override: TOML text, or the path of a file of it.

    SettingsError REC-090 where there is no such profile, REC-091 where its file or the override is not in order, REC-092
    where a rule that is only recalled would refuse a transaction, REC-093 where the override cannot be read or is for
    another profile.
    """
    profile = _shipped(name)
    if override is None:
        return profile
    if isinstance(override, str):
        return overridden(profile, override, file="override")
    try:
        text = override.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise SettingsError(
            "REC-093", "the override cannot be read", file=override.name, expected="a file of TOML in UTF-8"
        ) from None
    return overridden(profile, text, file=override.name)


def profile_names() -> tuple[str, ...]:
    """The names of the profiles that the package ships."""
    shelf = files("mithaq.record").joinpath("profiles")
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in shelf.iterdir() if entry.name.endswith(".toml")))


@cache
def _shipped(name: str) -> Profile:
    known = profile_names()
    if not _NAME.fullmatch(name) or name not in known:
        raise SettingsError("REC-090", "there is no profile of that name", key="profile", expected=", ".join(known))
    text = files("mithaq.record").joinpath("profiles", f"{name}.toml").read_text(encoding="utf-8")
    return read_profile(text, file=f"{name}.toml", shipped=None if name == BASE else _shipped)
