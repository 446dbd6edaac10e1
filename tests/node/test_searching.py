"""What a node asks of its file: as the agreement says, fingers of one query joined where each is declared, and once more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from agreements import agreement

from mithaq.finger import Template, threshold_for
from mithaq.node.intake import Examined
from mithaq.node.searching import declared_fingers, search_file
from mithaq.search import Counts
from mithaq.units import Candidate, FingerPosition, PrintImage


class File:
    """A Searcher that keeps what it was asked; it answers at the question number `hit`."""

    def __init__(self, hit: int) -> None:
        self.asked: list[dict[str, Any]] = []
        self.hit = hit

    def search(self, probes: Sequence[Template], **question: Any) -> list[Candidate]:
        self.asked.append({"probes": len(probes), **question})
        return [Candidate("QA-1", FingerPosition(1), 0, 0.9)] if len(self.asked) == self.hit else []

    def count(self) -> Counts:
        return Counts(1, 1, 1)


def prints(*positions: int, unsearchable: int = 0) -> list[Examined]:
    template = Template.from_minutiae(300, 300, [10, 50], [20, 60], [0.5, 1.0])
    usable = [Examined(PrintImage(FingerPosition(p), 0, "PNG", 300, 300, 500.0, b""), template, ()) for p in positions]
    return usable + [replace(usable[0], shortcomings=("few-minutiae",))] * unsearchable


@pytest.mark.parametrize("way", ["exhaustive", "indexed"])
def test_the_agreement_says_how_and_from_where_on(way: str) -> None:
    agreed = agreement(search_types={"TP/TP": {"search": way}})
    terms = agreed.search_types["TP/TP"]
    file = File(1)
    assert search_file(file, agreed, "TP/TP", prints(3, unsearchable=1))[0].reference == "QA-1"
    (asked,) = file.asked
    assert asked == {
        "probes": 1,
        "threshold": threshold_for(terms.threshold_fmr),
        "top": terms.candidates,
        "positions": None,
        "how": way,
    }


def test_declared_fingers_are_joined_and_swapped_ones_looked_for_afterwards() -> None:
    agreed = agreement()
    for hit, asked in ((1, [[1, 2]]), (2, [[1, 2], [0, 0]]), (3, [[1, 2], [0, 0]])):
        file = File(hit)
        assert len(search_file(file, agreed, "TP/TP", prints(1, 2))) == (hit < 3)
        assert [question["positions"] for question in file.asked] == asked


@pytest.mark.parametrize("positions", [[1], [0, 0], [1, 0], [2, 2], [1, 2, 2]])
def test_prints_that_are_not_all_of_another_declared_finger_are_searched_by_themselves(positions: list[int]) -> None:
    file = File(9)
    assert search_file(file, agreement(), "TP/TP", prints(*positions)) == []
    assert [question["positions"] for question in file.asked] == [None]
    assert declared_fingers([FingerPosition(p) for p in positions]) is None


def test_nothing_is_asked_where_nothing_can_be_searched() -> None:
    file = File(1)
    assert search_file(file, agreement(), "TP/TP", prints(1, unsearchable=1)[1:]) == []
    assert file.asked == []
