"""The sequence check on templates of synthetic persons: ten fingers, each rolled and plain, with what can go wrong."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from spirals import scattered

from mithaq.errors import FormatError
from mithaq.finger import Template
from mithaq.finger.sequence import CardPrint, Place, State, check_sequence
from mithaq.units import FingerPosition

P = FingerPosition


def template(seed: int, impression: int) -> Template:
    """36 minutiae of a finger; another impression has most of them, shifted a little."""
    places = scattered(40, 400, 440, 24.0, seed)
    random = np.random.default_rng((seed, 1))
    angles = random.uniform(0.0, 2 * np.pi, len(places))
    random = np.random.default_rng((seed, impression, 2))
    kept = random.permutation(len(places))[:36]
    moved = places[kept] + random.normal(0.0, 1.2, (36, 2))
    turned = angles[kept] + random.normal(0.0, 0.05, 36)
    return Template.from_minutiae(400, 440, moved[:, 0], moved[:, 1], turned)


FINGERS = {(k, plain): template(100 + k, int(plain)) for k in range(1, 12) for plain in (False, True)}


def card(rolled: dict[int, int] | None = None, plain: dict[int, int] | None = None) -> list[CardPrint]:
    """A person's card; `rolled` and `plain` name whose finger stands at a position instead, 0 for none."""
    return [
        CardPrint(P(k), is_plain, FINGERS[finger, is_plain])
        for is_plain, instead in ((False, rolled or {}), (True, plain or {}))
        for k in range(1, 11)
        if (finger := instead.get(k, k))
    ]


def states(places: Iterable[Place]) -> dict[int, State]:
    return {int(place.position): place.state for place in places if place.state is not State.CONSISTENT}


def test_a_card_without_fault_is_consistent_everywhere() -> None:
    places = check_sequence(card())
    assert [place.position for place in places] == list(range(1, 11))
    assert states(places) == {} and all(place.code is None and place.rate is not None for place in places)


def test_two_rolled_fingers_in_each_others_place_are_swapped() -> None:
    places = check_sequence(card(rolled={2: 3, 3: 2}))
    assert states(places) == {2: State.SWAPPED, 3: State.SWAPPED}
    assert (places[1].other, places[2].other) == (3, 2) and places[1].code == "FIN-064"


def test_slaps_of_the_wrong_hands_are_swapped_across_the_hands() -> None:
    crossed = {k: (k + 5 if k <= 5 else k - 5) for k in range(1, 11)}
    assert states(check_sequence(card(plain=crossed))) == dict.fromkeys(range(1, 11), State.SWAPPED)


def test_a_finger_rolled_twice_is_repeated_at_both_places() -> None:
    places = check_sequence(card(rolled={4: 2}))
    assert states(places) == {2: State.REPEATED, 4: State.REPEATED}
    assert places[3].sentences is not None and places[3].other == 2


def test_a_print_of_a_finger_declared_missing_is_unexpected() -> None:
    places = check_sequence(card(plain={9: 0}), {P(9): "XX"})
    assert states(places) == {9: State.UNEXPECTED} and places[8].missing_code == "XX"
    scarred = check_sequence(card(), {P(9): "SR"})
    assert states(scarred) == {}


def test_a_finger_that_is_not_there_is_missing_with_its_code_and_absent_without() -> None:
    gone = {5: 0, 10: 0}
    places = check_sequence(card(rolled=gone, plain=gone), {P(5): "UP"})
    assert states(places) == {5: State.MISSING, 10: State.ABSENT}
    assert places[4].missing_code == "UP" and places[4].code is None and places[9].code == "FIN-067"


def test_a_strangers_good_print_is_unlike_and_one_print_alone_undecided() -> None:
    places = check_sequence(card(rolled={7: 11}, plain={1: 0}))
    assert states(places) == {7: State.UNLIKE, 1: State.UNDECIDED}


def test_a_poor_print_is_undecided_and_not_unlike() -> None:
    x = FINGERS[11, False]
    few = Template.from_minutiae(400, 440, x.x_px[:6], x.y_px[:6], x.angle_rad[:6])
    prints = [*card(rolled={7: 0}), CardPrint(P(7), False, few)]
    assert states(check_sequence(prints)) == {7: State.UNDECIDED}


def test_a_rolled_finger_that_the_slap_shows_elsewhere_is_unexpected_there() -> None:
    # The little finger was rolled as the thumb; the slap has all at their places.
    places = check_sequence(card(rolled={1: 5, 5: 0}))
    assert places[0].state is State.UNEXPECTED and places[0].other == 5
    assert places[4].state is State.UNEXPECTED and places[4].other == 1


@pytest.mark.parametrize(
    ("prints", "missing"),
    [
        ([CardPrint(P(2), True, FINGERS[2, True])] * 2, {}),
        ([CardPrint(P(13), True, FINGERS[2, True])], {}),
        ([], {P(2): "ZZ"}),
        ([], {P(11): "XX"}),
    ],
)
def test_what_no_card_can_hold_is_refused(prints: list[CardPrint], missing: dict[P, str]) -> None:
    with pytest.raises(FormatError) as caught:
        check_sequence(prints, missing)
    assert caught.value.code == "FIN-053"
