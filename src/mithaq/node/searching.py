"""A query's prints -> candidates from the node's file, as the agreement says: threshold, cap, and way of searching.

    several prints, each of another declared finger ─► evidence joined ─ nobody ─► again, as if the fingers were not known
    one print, or positions missing or said twice   ─► each print by itself, against any finger

A search for swapped fingers comes second, and only where the declared ones led to nobody.
"""

from __future__ import annotations

from collections.abc import Sequence

from mithaq.finger import Template, threshold_for
from mithaq.node.intake import Examined
from mithaq.pact.agreement import Agreement, candidate_cap, search_way, threshold_fmr
from mithaq.search import Searcher
from mithaq.units import Candidate, FingerPosition


def search_file(
    searcher: Searcher, agreement: Agreement, search_type: str, examined: Sequence[Examined]
) -> list[Candidate]:
    """The candidates for the prints that can be searched; none where there is no such print. StorageError from the file."""
    usable = [found for found in examined if not found.shortcomings]
    if not usable:
        return []
    templates = [found.template for found in usable]
    positions = declared_fingers([found.print.position for found in usable])

    def ask(templates: Sequence[Template], positions: Sequence[FingerPosition] | None) -> list[Candidate]:
        return searcher.search(
            templates,
            threshold=threshold_for(threshold_fmr(agreement, search_type)),
            top=candidate_cap(agreement, search_type),
            positions=positions,
            how=search_way(agreement, search_type),
        )

    found = ask(templates, positions)
    if not found and positions is not None:
        found = ask(templates, [FingerPosition.UNKNOWN] * len(templates))
    return found


def declared_fingers(positions: Sequence[FingerPosition]) -> list[FingerPosition] | None:
    """The positions, where they say that the prints are different fingers of one person; else None."""
    if len(positions) < 2 or FingerPosition.UNKNOWN in positions or len(set(positions)) < len(positions):
        return None
    return list(positions)
