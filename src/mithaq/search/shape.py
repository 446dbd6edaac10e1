"""The one small interface through which a node searches: an agency's existing AFIS can stand in its place.

Whatever offers `search` and `count` is a Searcher: `Gallery` (files of our own), `RemoteGallery` (another process), or
an adapter to an AFIS. Rules that hold for each: a comparison is a candidate at `score >= threshold`; a person is
answered once, with the best impression over all probes and fingers; best first, equal scores by reference.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from mithaq.finger import Template
from mithaq.search.parameters import LONGEST_REFERENCE, MOST_PERSONS, MOST_PROBES
from mithaq.search.refusals import refusal
from mithaq.units import Candidate, FingerPosition

_REFERENCE = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._:@+-]{{0,{LONGEST_REFERENCE - 1}}}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Counts:
    """What is searched: persons (references), fingers (positions of a reference), impressions."""

    persons: int
    fingers: int
    impressions: int


@dataclass(frozen=True, slots=True)
class Impression:
    """One print of a finger as a gallery holds it: whose (a reference number), which finger, which kind (an IMP code)."""

    reference: str
    position: FingerPosition
    impression: int
    template: Template


@runtime_checkable
class Searcher(Protocol):
    """What a node needs of a fingerprint file."""

    def search(self, probes: Sequence[Template], *, threshold: float, top: int) -> list[Candidate]:
        """At most `top` persons, best first, one Candidate per reference. StorageError where it cannot be searched."""
        ...

    def count(self) -> Counts:
        """What is searched at this moment."""
        ...


def check_reference(reference: str, place: str) -> str:
    """The reference number itself; StorageError GAL-010 where a gallery does not take it."""
    if not isinstance(reference, str) or _REFERENCE.fullmatch(reference) is None:
        raise refusal("reference", place)
    return reference


def check_request(probes: int, threshold: float, top: int, place: str) -> None:
    """StorageError GAL-035 where a search is asked for that means nothing."""
    reason = ""
    if not 1 <= probes <= MOST_PROBES:
        reason = f"{probes} templates"
    elif not (math.isfinite(threshold) and 0.0 <= threshold <= 1.0):
        reason = f"a threshold of {threshold}"
    elif not 1 <= top <= MOST_PERSONS:
        reason = f"{top} persons"
    if reason:
        raise refusal("request", place, reason=reason, probes=MOST_PROBES, persons=MOST_PERSONS)


def persons(found: Iterable[Candidate], top: int) -> list[Candidate]:
    """The best of each reference, at most `top`: highest score first, equal scores by reference.

    Of equal scores of one reference the lowest position counts, then the lowest impression, then the first probe.
    """
    best: dict[str, Candidate] = {}
    for candidate in found:
        known = best.get(candidate.reference)
        if known is None or _order(candidate) < _order(known):
            best[candidate.reference] = candidate
    return sorted(best.values(), key=lambda candidate: (-candidate.score, candidate.reference))[:top]


def _order(candidate: Candidate) -> tuple[float, int, int, int]:
    return -candidate.score, candidate.position, candidate.impression, candidate.probe
