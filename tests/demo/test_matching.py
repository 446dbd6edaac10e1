"""The prints give the matcher real work: a mate stands out, a stranger does not, a smudge is not searchable."""

from __future__ import annotations

from mithaq.demo.prints import Difficulty, finger, impression, smudge
from mithaq.finger import compare, extract, shortcomings


def test_a_mate_stands_out_from_a_stranger_and_a_smudge_cannot_be_searched() -> None:
    held = extract(impression(finger(41), 0, Difficulty.CLEAN))
    mate = extract(impression(finger(41), 3))
    stranger = extract(impression(finger(42), 3))
    for template in (held, mate, stranger):
        assert 20 <= len(template.x_px) <= 70
        assert shortcomings(template) == ()
    assert shortcomings(extract(smudge(41)))
    same, other = compare(mate, held).value, compare(stranger, held).value
    assert other < 0.05
    assert 0.08 < same < 0.9  # found with room to spare, and not the same picture twice
