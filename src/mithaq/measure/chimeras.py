"""Persons put together from real fingers of different people: searches with one, two and ten fingers, all prints real.

    fingers of several folders ─ shuffled into persons ─► each enrolled with first impressions, searched with later ones

A chimera's fingers are more independent than a person's own (same sensor, same day, same skin), so fused errors come out
somewhat better than on real tenprints; no set of real tenprints was available. Every shuffle gives new persons; the fingers
stay the same, and the intervals are over fingers (identification.py), so that they do not shrink with the shuffles.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mithaq.finger import Template, compare
from mithaq.measure.identification import Search, figures
from mithaq.measure.prints import Prints, Progress

SHUFFLES = 100
SIZES = (1, 2, 5, 10)


def measure_chimeras(
    sets: Sequence[tuple[str, Prints]], *, shuffles: int = SHUFFLES, seed: int = 3, progress: Progress | None = None
) -> dict[str, Any]:
    """By the number of fingers of a person: `persons` in the gallery, and the figures of `identification.figures`."""
    owners, templates = _owned(sets)
    evidence = _evidence(owners, templates, progress)
    fingers = list(dict.fromkeys(owners))
    prints = {finger: [k for k, owner in enumerate(owners) if owner == finger] for finger in fingers}
    draw = np.random.default_rng(seed)
    found: dict[str, Any] = {"fingers": len(fingers), "shuffles": shuffles}
    for size in SIZES:
        if len(fingers) // size < 4:
            break
        searches: list[Search] = []
        for _ in range(shuffles):
            order = draw.permutation(len(fingers))
            persons = [order[k : k + size] for k in range(0, len(fingers) - size + 1, size)]
            searches += _searches(persons, fingers, prints, evidence, draw)
        found[str(size)] = {"persons": len(fingers) // size, **figures(searches)}
    return found


def _owned(sets: Sequence[tuple[str, Prints]]) -> tuple[list[str], list[Template]]:
    owners, templates = [], []
    for name, prints in sets:
        for finger, template in zip(prints.fingers, prints.templates, strict=True):
            if template is not None:
                owners.append(f"{name}/{finger}")
                templates.append(template)
    return owners, templates


def _evidence(owners: Sequence[str], templates: Sequence[Template], progress: Progress | None) -> NDArray[np.float64]:
    """(n, fingers): nats of print i against each finger's first impression; NaN where it is that impression itself."""
    from mithaq.search.fusion import evidence_of

    firsts = [owners.index(finger) for finger in dict.fromkeys(owners)]
    table = np.full((len(owners), len(firsts)), np.nan)
    for i, template in enumerate(templates):
        if progress:
            progress("persons of real fingers", i, len(templates))
        for column, first in enumerate(firsts):
            if i != first:
                table[i, column] = evidence_of(compare(template, templates[first]).value)
    return table


def _searches(
    persons: Sequence[NDArray[np.int64]],
    fingers: Sequence[str],
    prints: dict[str, list[int]],
    evidence: NDArray[np.float64],
    draw: np.random.Generator,
) -> list[Search]:
    """Each person searched once in the gallery of all, and once in that of all others."""
    from mithaq.search.fusion import fuse, score_of

    found = []
    for number, person in enumerate(persons):
        probes = [draw.choice(prints[fingers[finger]][1:]) for finger in person]
        nats = fuse(np.array([[evidence[probe, other[k]] for k, probe in enumerate(probes)] for other in persons]))
        mate = float(nats[number])
        highest = float(np.delete(nats, number).max())
        names = tuple(fingers[finger] for finger in person)
        rank = 1 + int((np.delete(nats, number) >= mate).sum())
        found.append(Search(names, score_of(mate), rank, score_of(highest)))
        found.append(Search(names, None, 0, score_of(highest)))
    return found
