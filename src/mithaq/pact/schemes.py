"""Does each romanised form of a name say which scheme it follows? (REQ-053)

    {"original": …, "romanised": [{"value": …, "scheme": …}, …]}     a name field: text, such an object, or a list of them

A name in Latin letters alone is as its document writes it; beside one in Arabic letters it is a romanised form. Nothing is
compared here and no name is known: `pact.names` does that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from mithaq.errors import FormatError

Scheme = Literal["as-given", "passport", "icao-mrz", "icao-x", "bgn-pcgn", "ics-630-01", "ala-lc", "other"]
FIELDS = ("family_name", "given_names", "former_names", "aliases", "alternative_spellings")
SCHEMES = frozenset(get_args(Scheme))


def require_schemes(identity: Mapping[str, object], *, place: str = "") -> None:
    """FormatError PAC-270 where a romanised form names no scheme, or none that is known. It names the field, never a name."""
    for name in FIELDS:
        if name in identity and not _is_named(identity[name]):
            raise FormatError(
                "PAC-270",
                "a romanised form of a name does not say which scheme it follows",
                place=place,
                field=name,
                expected=f'"romanised": [{{"value": …, "scheme": one of {", ".join(sorted(SCHEMES))}}}]',
                remedy="name the scheme; `as-given` or `passport` for what a document shows",
                clause="REQ-053",
            )


def _is_named(value: object) -> bool:
    if isinstance(value, list | tuple):
        texts = [one for one in value if isinstance(one, str)]
        arabic = [any("\u0620" <= letter <= "\u06d3" for letter in text) for text in texts]
        return not (any(arabic) and not all(arabic)) and all(_is_named(one) for one in value)
    if not isinstance(value, Mapping):
        return True
    forms = [*value["romanised"]] if isinstance(value.get("romanised"), list | tuple) else []
    if "romanised" in value and not isinstance(value["romanised"], list | tuple):
        return False
    parts = value.get("parts")
    return all(
        isinstance(form, Mapping) and isinstance(form.get("scheme"), str) and form["scheme"] in SCHEMES
        for form in forms
    ) and (not isinstance(parts, list | tuple) or all(_is_named(part) for part in parts))
