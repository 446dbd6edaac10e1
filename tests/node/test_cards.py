"""A card as a whole: what is wrong with it though each print is good, and prints that were spoilt on the way."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from mithaq.demo.prints import finger, impression
from mithaq.node.cards import card_problems
from mithaq.node.intake import Examined, examine
from mithaq.node.stages import Stages
from mithaq.units import FingerPosition, GrayImage

INDEX, MIDDLE, RING = FingerPosition.RIGHT_INDEX, FingerPosition.RIGHT_MIDDLE, FingerPosition.RIGHT_RING
PLAIN, ROLLED = 0, 1


@cache
def taken(seed: int, touch: int) -> Examined:
    return examine(impression(finger(seed), touch), INDEX, PLAIN, stages=Stages(), network="teacher")


def one(seed: int, position: FingerPosition, kind: int = PLAIN) -> Examined:
    """The finger of that seed, declared as that position; rolled prints are another touch of it."""
    made = taken(seed, kind + 1)
    return replace(made, print=replace(made.print, position=position, impression=kind))


def test_a_card_in_order_has_no_problem() -> None:
    card = [one(7, INDEX), one(7, INDEX, ROLLED), one(8, MIDDLE), one(8, MIDDLE, ROLLED)]
    assert card_problems(card) == ()
    assert card_problems(card[:1]) == ()
    assert card_problems([one(7, FingerPosition.UNKNOWN), one(8, FingerPosition.UNKNOWN)]) == ()


def test_swapped_repeated_and_doubled_fingers_are_seen() -> None:
    swapped = [one(7, INDEX), one(8, INDEX, ROLLED), one(8, MIDDLE), one(7, MIDDLE, ROLLED)]
    assert card_problems(swapped) == ("fingers-swapped",)
    assert card_problems([one(7, INDEX), one(8, MIDDLE), one(7, RING, ROLLED)]) == ("finger-repeated",)
    assert card_problems([one(7, INDEX), one(7, INDEX)]) == ("finger-twice",)


def spoilt(how: str) -> GrayImage:
    image = impression(finger(8), 1)
    if how == "blank":
        return GrayImage(np.full_like(image.pixels, 250), image.ppi)
    if how == "cropped":
        return GrayImage(np.ascontiguousarray(image.pixels[150:230, 130:210]), image.ppi)
    return GrayImage(image.pixels, {"twice the ppi": 1000.0, "half the ppi": 250.0, "as it was": 500.0}[how])


@pytest.mark.parametrize("how", ["blank", "cropped", "twice the ppi", "half the ppi", "as it was"])
def test_a_print_spoilt_on_the_way_is_unsearchable_and_never_a_guess(how: str) -> None:
    found = examine(spoilt(how), INDEX, PLAIN, stages=Stages(), network="teacher")
    assert bool(found.shortcomings or card_problems([found])) is (how != "as it was")
