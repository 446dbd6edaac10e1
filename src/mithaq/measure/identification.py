"""Errors of searches, not of comparisons: FNIR at a stated FPIR, from what each search answered.

    mated searches: score and rank of the mate ─┐
    searches without a mate: the highest score ─┴─► threshold of a rate ─► FNIR with a 90 % interval, and rank-1

FPIR is the share of searches without a mate that answer somebody; FNIR the share of mated searches that do not answer the
mate at the same threshold. No FPIR below ten divided by the number of such searches is stated. Searches of one finger
resemble each other, so intervals come from drawing fingers again, not searches: a search with ten fingers moves with each
of the ten, as often as it is put together anew with others. The threshold stays what it is meanwhile.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mithaq.finger import threshold_for
from mithaq.measure.rates import DRAWS, SEED, interval, share_interval

LEVELS = (0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
FEWEST = 10
"""False positives that a stated rate must rest on."""


@dataclass(frozen=True, slots=True)
class Search:
    """What one search answered. `fingers`: whose prints it was made with. `mate`: the mate's score, NaN where it was not answered, None
    where there is none; `rank` of the mate, 0 where not answered; `highest` score of anybody else, 0 for nobody."""

    fingers: tuple[str, ...]
    mate: float | None
    rank: int
    highest: float


def figures(searches: Sequence[Search]) -> dict[str, Any]:
    """`mated`, `unmated` counts, `rank1` and `rank1_90`; `at`: {FPIR: {threshold, fnir, fnir_90}} for the rates that the count
    of searches without a mate bears; `at_agreement`: `fnir` and `fpir` at the agreement's threshold for 1e-6."""
    mated = [search for search in searches if search.mate is not None]
    strangers = [search for search in searches if search.mate is None]
    unmated = np.sort([search.highest for search in strangers])
    found: dict[str, Any] = {"mated": len(mated), "unmated": len(unmated)}
    if mated:
        found["rank1"], found["rank1_90"] = _share(mated, [search.rank == 1 for search in mated])
    found["at"] = {}
    for level in LEVELS:
        if level * len(unmated) < FEWEST or not mated:
            continue
        allowed = math.floor(level * len(unmated) + 1e-9)
        threshold = float(np.nextafter(unmated[-allowed - 1], 2.0))  # at most `allowed` of them reach it
        fnir, bounds = _share(mated, [not _value(search) >= threshold for search in mated])
        found["at"][f"{level:g}"] = {"threshold": threshold, "fnir": fnir, "fnir_90": bounds}
    threshold = threshold_for(1e-6)
    found["at_agreement"] = {"threshold": threshold}
    if mated:
        fnir, bounds = _share(mated, [not _value(search) >= threshold for search in mated])
        found["at_agreement"] |= {"fnir": fnir, "fnir_90": bounds}
    if len(unmated):
        fpir, bounds = _share(strangers, [search.highest >= threshold for search in strangers])
        found["at_agreement"] |= {"fpir": fpir, "fpir_90": bounds}
    return found


def _value(search: Search) -> float:
    return -1.0 if search.mate is None or math.isnan(search.mate) else search.mate


def _share(searches: Sequence[Search], is_so: Sequence[bool]) -> tuple[float, list[float]]:
    """The share of those that are so, and its interval over fingers; where none or all are, what so many persons can say.

    A finger drawn w times gives each of its searches w - 1 more votes. For searches with one finger each that is the
    bootstrap over fingers; with several it is its first order, the part that does not vanish with more shuffles.
    """
    number = {name: k for k, name in enumerate(dict.fromkeys(name for search in searches for name in search.fingers))}
    hits, sizes = np.zeros(len(number)), np.zeros(len(number))
    for search, so in zip(searches, is_so, strict=True):
        at = [number[name] for name in search.fingers]
        hits[at] += so
        sizes[at] += 1.0
    all_hits, all_sizes = float(sum(is_so)), float(len(searches))
    share = all_hits / all_sizes
    if share in (0.0, 1.0):
        persons = max(1, len(number) // max(len(search.fingers) for search in searches))
        return share, share_interval(round(share * persons), persons)
    drawn = np.random.default_rng(SEED).multinomial(len(number), np.full(len(number), 1.0 / len(number)), DRAWS) - 1
    votes = (all_hits + drawn @ hits) / (all_sizes + drawn @ sizes)
    return share, interval(votes.clip(0.0, 1.0))
