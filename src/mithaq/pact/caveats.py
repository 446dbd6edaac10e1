"""Conditions that travel with released data: handling codes H0 to H3, each with its ground, and how good the data are.

    Handling ──plain──► {"caveats": [{"code": "H2", "ground": "protects-a-source", "text": null}],
                         "source": "B", "accuracy": 2} ──strict.read──► Handling, as the release carries it

A caveat binds the receiver once it accepts it, and data whose caveats it declines are erased (REQ-056). A ground comes
from a closed list (REQ-058): a general legal condition is none. `gate` asks `problem` before a release and
`sharing_problem` before anybody passes data on.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from mithaq.pact.strict import Rule
from mithaq.pact.terms import Bilingual

Code = Literal["H0", "H1", "H2", "H3"]
Ground = Literal[
    "protects-a-source", "protects-an-investigation", "protects-a-person", "third-party-condition", "court-order"
]
Source = Literal["A", "B", "C", "X"]
Use = Literal["share", "judicial"]  # what needs the supplier's leave beforehand under H2, under H1
GROUNDS: tuple[str, ...] = get_args(Ground)
CODES: tuple[str, ...] = get_args(Code)
_LEAVE = {"H2": "share", "H1": "judicial"}


@dataclass(frozen=True)
class Caveat:
    """One condition: its handling code, the specific ground for it, and for H3 what it says, in both languages."""

    code: Code
    ground: Ground
    text: Bilingual | None


@dataclass(frozen=True)
class Handling:
    """The conditions of a release, and the supplier's word on its source (A reliable to C unreliable, X unknown) and
    accuracy (1 not in doubt to 4 not corroborated); None where it says nothing (REQ-057)."""

    caveats: Annotated[tuple[Caveat, ...], Rule("at most eight caveats", most=8)] = ()
    source: Source | None = None
    accuracy: Annotated[int, Rule("1 to 4", low=1, high=4)] | None = None


def problem(handling: Handling, agreed: Collection[str]) -> tuple[str, str] | None:
    """The refusal's reason and the caveat's code for the first caveat that may not be set; None where all may."""
    seen: set[str] = set()
    for caveat in handling.caveats:
        if caveat.code not in agreed:
            return "caveat-not-agreed", caveat.code
        if caveat.ground not in GROUNDS:
            return "caveat-without-ground", caveat.code
        if (caveat.text is None) is (caveat.code == "H3"):
            return "caveat-text", caveat.code
        if caveat.code in seen:
            return "caveat-text", caveat.code
        seen.add(caveat.code)
    return None


def sharing_problem(handling: Handling, use: Use) -> str | None:
    """The code that forbids this use without the supplier's permission: H2 any sharing, H1 a court's; else None."""
    return next((caveat.code for caveat in handling.caveats if _LEAVE.get(caveat.code) == use), None)


__all__ = ["CODES", "GROUNDS", "Caveat", "Handling", "Use", "problem", "sharing_problem"]
