"""Scores and rates: rising, inverse of one another, and marked where nobody measured."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mithaq.finger import false_match_rate, threshold_for
from mithaq.finger.calibration import is_extrapolated
from mithaq.finger.parameters import CALIBRATION

RATES = st.floats(1e-9, 1.0)


@given(RATES, RATES)
def test_a_lower_rate_needs_a_higher_score(one: float, two: float) -> None:
    if one < two:
        assert threshold_for(one) >= threshold_for(two)


@given(RATES)
def test_the_rate_of_a_threshold_is_the_rate_asked_for(rate: float) -> None:
    assert false_match_rate(threshold_for(rate)) == pytest.approx(rate, rel=1e-6)


def test_the_tail_begins_where_the_points_end() -> None:
    assert CALIBRATION.points[-1] == (CALIBRATION.tail_rate, CALIBRATION.tail_start)
    assert threshold_for(0.01) == pytest.approx(threshold_for(0.0100001), rel=1e-4)


def test_rates_nobody_measured_are_marked() -> None:
    assert is_extrapolated(1e-6)
    assert not is_extrapolated(1e-4)


@pytest.mark.parametrize("rate", [0.0, -1.0, 1.5, float("nan")])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="false-match rate"):
        threshold_for(rate)
