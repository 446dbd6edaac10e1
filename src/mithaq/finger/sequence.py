"""The sequence check of a tenprint card: is each rolled finger the one that its slap shows there, and each a different one?

    templates with positions, AMP codes ─► every two prints compared ─► p-values ─► one Place for each of ten positions

A p-value is the rate of false matches at the score (calibration.py). Two prints are taken for one finger where it is at most
SEQUENCE_ALPHA shared among all comparisons made, so that a whole card is accused wrongly once in a thousand, as far as the
calibration holds. Prints that are not alike prove nothing by that: poor ones are said to be undecided, good ones unlike,
and a person looks. Not done here: templates from pictures (extract), fingers from slaps (slap).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mithaq.errors import FormatError
from mithaq.units import FingerPosition

from . import parameters as p
from .calibration import false_match_rate
from .compare import compare
from .quality import shortcomings
from .slap_findings import SENTENCES
from .template import Template


class State(StrEnum):
    """What is known of one position."""

    CONSISTENT = "consistent"  # rolled and plain are one finger
    SWAPPED = "swapped"  # two fingers stand in each other's place, rolled or plain
    REPEATED = "repeated"  # this finger was also taken as another one
    UNEXPECTED = "unexpected"  # declared missing and there, or the finger of another position
    MISSING = "missing"  # declared so, and no print is there
    ABSENT = "absent"  # neither print nor code
    UNLIKE = "unlike"  # two good prints without likeness
    UNDECIDED = "undecided"  # one print alone, or prints too poor to tell


CODES: dict[State, str] = {
    State.SWAPPED: "FIN-064",
    State.REPEATED: "FIN-065",
    State.UNEXPECTED: "FIN-066",
    State.ABSENT: "FIN-067",
    State.UNLIKE: "FIN-068",
    State.UNDECIDED: "FIN-069",
}


@dataclass(frozen=True, slots=True, eq=False)
class CardPrint:
    """One print of a card: a finger 1 to 10, plain (cut from a slap, or a plain thumb) or rolled."""

    position: FingerPosition
    is_plain: bool
    template: Template


@dataclass(frozen=True, slots=True)
class Place:
    """What was found at one position.

    `score` and `rate` (its false-match rate) of the comparison that decided, None where none did; `other` the position
    whose print is this finger too, or stands in its place; `missing_code` XX or UP where declared; `reason` a clause.
    """

    position: FingerPosition
    state: State
    reason: str
    score: float | None = None
    rate: float | None = None
    other: FingerPosition | None = None
    missing_code: str | None = None

    @property
    def code(self) -> str | None:
        """FIN-064 to FIN-069; None where all is well."""
        return CODES.get(self.state)

    @property
    def sentences(self) -> tuple[str, str] | None:
        """The finding in English and in Arabic."""
        return None if self.code is None else SENTENCES[self.code]


@dataclass(frozen=True, slots=True)
class _Match:
    score: float
    rate: float
    same: bool


def check_sequence(
    prints: Sequence[CardPrint], missing: Mapping[FingerPosition, str] | None = None
) -> tuple[Place, ...]:
    """The ten places, right thumb to left little finger.

    At most one rolled and one plain print for each position; `missing` as in `slap.segment`. FormatError FIN-053: a
    position that is no finger, stated twice, or a code that does not exist.
    """
    declared = {finger: code for finger, code in (missing or {}).items() if code in ("XX", "UP")}
    held: dict[tuple[bool, FingerPosition], Template] = {}
    for one in prints:
        key = (one.is_plain, one.position)
        if not 1 <= one.position <= 10 or key in held:
            raise FormatError(
                "FIN-053",
                f"a print of position {int(one.position)} {'twice' if key in held else 'in a sequence of fingers'}",
                expected="one rolled and one plain print of each finger, 1 to 10",
            )
        held[key] = one.template
    if any(not 1 <= finger <= 10 or code not in ("XX", "UP", "SR") for finger, code in (missing or {}).items()):
        raise FormatError("FIN-053", "a missing finger or code that does not exist", expected="1 to 10; XX, UP or SR")
    matches = _compared(held)
    return tuple(_place(FingerPosition(k), held, matches, declared) for k in range(1, 11))


_Key = tuple[bool, FingerPosition]


def _compared(held: Mapping[_Key, Template]) -> dict[tuple[_Key, _Key], _Match]:
    """Every two prints, both ways round."""
    keys = sorted(held)
    pairs = [(a, b) for k, a in enumerate(keys) for b in keys[k + 1 :]]
    limit = p.SEQUENCE_ALPHA / max(len(pairs), 1)
    found: dict[tuple[_Key, _Key], _Match] = {}
    for a, b in pairs:
        score = compare(held[a], held[b]).value
        rate = false_match_rate(score)
        # One finger's two prints need not stand out among all the card's pairs: that they are one is what was stated.
        enough = p.SEQUENCE_SAME_RATE if a[1] == b[1] else limit
        found[a, b] = found[b, a] = _Match(score, rate, rate <= enough)
    return found


def _place(
    position: FingerPosition,
    held: Mapping[_Key, Template],
    matches: Mapping[tuple[_Key, _Key], _Match],
    declared: Mapping[FingerPosition, str],
) -> Place:
    """The gravest that holds of one position: unexpected, repeated, swapped, then what its own prints say."""
    code = declared.get(position)
    mine = [key for key in ((False, position), (True, position)) if key in held]
    if not mine:
        if code is not None:
            return Place(position, State.MISSING, f"declared {code}, no print is there", missing_code=code)
        return Place(position, State.ABSENT, "no print, and no reason for its absence is declared")
    elsewhere: list[tuple[float, _Key, _Key, _Match]] = [
        (match.rate, other, key, match)
        for key in mine
        for other in held
        if other[1] != position and (match := matches[key, other]).same
    ]
    own = matches[mine[0], mine[1]] if len(mine) == 2 else None
    if elsewhere:
        # Two rolled or two plain prints that are one finger tell more than a rolled and a plain one.
        _, other, key, match = min(elsewhere, key=lambda row: (row[1][0] != row[2][0], row[0], row[1]))
        return _elsewhere(position, other, key, match, own, held, matches, code)
    if code is not None:
        return Place(position, State.UNEXPECTED, f"declared {code}, yet a print is there", missing_code=code)
    if own is None:
        kind = "plain" if mine[0][0] else "rolled"
        return Place(position, State.UNDECIDED, f"only a {kind} print is there, like none of another position")
    if own.same:
        return Place(position, State.CONSISTENT, "rolled and plain are one finger", own.score, own.rate)
    if own.rate <= p.SEQUENCE_UNLIKE_RATE:
        return Place(
            position, State.UNDECIDED, "both prints are a little alike, too little to tell", own.score, own.rate
        )
    poor = [key for key in mine if _is_poor(held[key])]
    if poor:
        kinds = " and ".join("plain" if key[0] else "rolled" for key in poor)
        return Place(position, State.UNDECIDED, f"the {kinds} print is too poor to tell", own.score, own.rate)
    return Place(position, State.UNLIKE, "both prints are good and show no likeness", own.score, own.rate)


def _elsewhere(
    position: FingerPosition,
    other: _Key,
    key: _Key,
    match: _Match,
    own: _Match | None,
    held: Mapping[_Key, Template],
    matches: Mapping[tuple[_Key, _Key], _Match],
    code: str | None,
) -> Place:
    """A print of this position is the same finger as one of another."""
    kind, there = ("plain" if key[0] else "rolled"), ("plain" if other[0] else "rolled")
    told = f"its {kind} print is the finger of the {there} print at {int(other[1])}"
    numbers = (match.score, match.rate, other[1], code)
    if code is not None:
        return Place(position, State.UNEXPECTED, f"declared {code}, and {told}", *numbers)
    if key[0] == other[0] or (own is not None and own.same):
        return Place(position, State.REPEATED, told, *numbers)
    # Rolled here is plain there: a swap where the other two prints agree as well, or cannot speak against it.
    back = ((other[0], position), (key[0], other[1]))
    returned = matches[back].same if back[0] in held and back[1] in held else None
    if returned:
        return Place(position, State.SWAPPED, f"{told}, and the other way round", *numbers)
    return Place(position, State.UNEXPECTED, told, *numbers)


def _is_poor(template: Template) -> bool:
    return bool(shortcomings(template)) or template.quality_score < p.SEQUENCE_QUALITY
