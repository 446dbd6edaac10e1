"""What can be wrong with a card as a whole, though each print by itself can be searched (REQ-071, 072).

    prints ──► finger-twice       one finger of the same kind (plain, rolled) stands twice
               fingers-swapped    plain and rolled prints show that two fingers stand in each other's place
               finger-repeated    one finger was taken as two
               wrong-resolution   ridges finer or coarser than any finger's: the stated ppi is not the picture's

The sender asks before it sends, the holder again before it searches: such a card is unsearchable, never a guess. A ppi
that is wrong by a third or less is not seen here, since fingers differ by as much: `node.scales` sees it.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from mithaq.finger.sequence import CardPrint, State, check_sequence
from mithaq.node.intake import PRINTS_AT_ONCE, Examined
from mithaq.units import FingerPosition, PrintImage

# Ridge periods at 500 ppi: a small child's are about 0.29 mm (5.7 px), the widest of adults about 0.75 mm (14.8 px).
FINEST_PERIOD_PX, COARSEST_PERIOD_PX = 5.6, 15.0
PLAIN = (0, 2)  # IMP codes: live-scan and non-live plain


def card_problems(examined: Sequence[Examined]) -> tuple[str, ...]:
    """The codes of what is wrong with these prints as one person's card; () where nothing is."""
    problems = []
    periods = [found.template.statistics.period_px for found in examined if found.template.statistics]
    period = statistics.median(one for one in periods if one) if any(periods) else FINEST_PERIOD_PX
    if not FINEST_PERIOD_PX <= period <= COARSEST_PERIOD_PX:
        problems.append("wrong-resolution")
    named = [one for one in examined if FingerPosition.UNKNOWN < one.print.position <= FingerPosition.LEFT_LITTLE]
    cards = [CardPrint(one.print.position, one.print.impression in PLAIN, one.template) for one in named]
    if len({(card.position, card.is_plain) for card in cards}) < len(cards):
        return (*problems, "finger-twice")
    states = {place.state for place in check_sequence(cards)} if len(cards) > 1 else set()
    if State.SWAPPED in states:
        problems.append("fingers-swapped")
    if states & {State.REPEATED, State.UNEXPECTED}:
        problems.append("finger-repeated")
    return tuple(problems)


def travelling(prints: Sequence[PrintImage]) -> list[PrintImage]:
    """The prints of a card that are sent: all, where a query may hold them; else of each finger the first, rolled before
    plain, as the plain ones served the check of the card."""
    if len(prints) <= PRINTS_AT_ONCE:
        return list(prints)
    rolled_first = sorted(prints, key=lambda found: found.impression in PLAIN)
    kept: dict[FingerPosition, PrintImage] = {}
    for found in rolled_first:
        kept.setdefault(found.position, found)
    return sorted(kept.values(), key=lambda found: found.position)
