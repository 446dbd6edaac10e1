"""The one small interface through which a node searches: an agency's existing AFIS can stand in its place.

Whatever offers `search` and `count` is a Searcher: `Gallery` (files of our own), `RemoteGallery` (another process), or
an adapter to an AFIS. Rules that hold for each: a person is a candidate at `score >= threshold` and is answered once;
best first, equal scores by reference. Without `positions` the score is that of the best comparison over all probes and
fingers; with them the evidence of all fingers is joined before the threshold (`fusion`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from mithaq.finger import Template
from mithaq.search.filters import Attributes, Filters
from mithaq.search.parameters import LONGEST_REFERENCE, MOST_PERSONS, MOST_PROBES
from mithaq.search.refusals import refusal
from mithaq.units import Candidate, FingerPosition

How = Literal["exhaustive", "indexed"]
"""Every impression is looked at, or an index names those that are."""
HOW: tuple[How, ...] = ("exhaustive", "indexed")

_REFERENCE = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._:@+-]{{0,{LONGEST_REFERENCE - 1}}}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Counts:
    """What is searched: persons (references), fingers (positions of a reference), impressions."""

    persons: int
    fingers: int
    impressions: int


@dataclass(frozen=True, slots=True)
class Impression:
    """One print of a finger as a gallery holds it: whose (a reference number), which finger, which kind (an IMP code).

    `attributes` only where the file is to be searched by them.
    """

    reference: str
    position: FingerPosition
    impression: int
    template: Template
    attributes: Attributes | None = None


@runtime_checkable
class Searcher(Protocol):
    """What a node needs of a fingerprint file."""

    def search(
        self,
        probes: Sequence[Template],
        *,
        threshold: float,
        top: int,
        positions: Sequence[FingerPosition] | None = None,
        filters: Filters | None = None,
        how: How = "exhaustive",
    ) -> list[Candidate]:
        """At most `top` persons, best first, one Candidate per reference. StorageError where it cannot be searched.

        `positions`, one for each probe: these prints are one person's, of these fingers (0 where that is not known).
        """
        ...

    def count(self) -> Counts:
        """What is searched at this moment."""
        ...


def check_reference(reference: str, place: str) -> str:
    """The reference number itself; StorageError GAL-010 where a gallery does not take it."""
    if not isinstance(reference, str) or _REFERENCE.fullmatch(reference) is None:
        raise refusal("reference", place)
    return reference


def check_request(
    probes: int,
    threshold: float,
    top: int,
    place: str,
    *,
    positions: Sequence[int] | None = None,
    filters: Filters | None = None,
    how: str = "exhaustive",
) -> None:
    """StorageError GAL-035, or GAL-044 for filters, where a search is asked for that means nothing."""
    reason = ""
    if not 1 <= probes <= MOST_PROBES:
        reason = f"{probes} templates"
    elif not (math.isfinite(threshold) and 0.0 <= threshold <= 1.0):
        reason = f"a threshold of {threshold}"
    elif not 1 <= top <= MOST_PERSONS:
        reason = f"{top} persons"
    elif positions is not None and len(positions) != probes:
        reason = f"{len(positions)} positions for {probes} templates"
    elif positions is not None and not all(position in ONE_FINGER for position in positions):
        reason = "a position that is no single finger's"
    elif how not in HOW:
        reason = "a way of searching that there is not"
    if reason:
        raise refusal("request", place, reason=reason, probes=MOST_PROBES, persons=MOST_PERSONS)
    if filters is not None:
        filters.check(place)


ONE_FINGER = frozenset(position for position in FingerPosition if position.is_one_finger)


def in_order(found: Iterable[Candidate], top: int) -> list[Candidate]:
    """At most `top` of them, highest score first, equal scores by reference."""
    return sorted(found, key=lambda candidate: (-candidate.score, candidate.reference))[:top]
