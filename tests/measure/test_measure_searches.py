"""FNIR at FPIR: no rate that the searches do not bear, and never more false positives than stated."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mithaq.measure.identification import FEWEST, Search, figures
from mithaq.measure.realism import compared

TABLE = st.lists(st.integers(0, 30).map(lambda n: n / 30), min_size=20, max_size=250)


@given(TABLE, TABLE)
def test_a_stated_rate_is_kept_and_borne_by_its_searches(mates: list[float], strangers: list[float]) -> None:
    searches = [Search((f"P{n}",), score, 1, 0.0) for n, score in enumerate(mates)]
    searches += [Search((f"S{n}",), None, 0, score) for n, score in enumerate(strangers)]
    found = figures(searches)
    for level, at in found["at"].items():
        assert float(level) * len(strangers) >= FEWEST
        assert sum(score >= at["threshold"] for score in strangers) <= float(level) * len(strangers) + 1e-9
        assert math.isclose(at["fnir"], sum(score < at["threshold"] for score in mates) / len(mates))
        assert at["fnir_90"][0] - 1e-9 <= at["fnir"] <= at["fnir_90"][1] + 1e-9
    assert len(found["at"]) == sum(len(strangers) * level >= FEWEST for level in (0.1, 0.05, 0.02, 0.01, 0.005))


def test_a_mate_that_was_not_answered_is_missed_at_every_threshold() -> None:
    searches = [Search(("P",), float("nan"), 0, 0.2), Search(("Q",), 0.9, 1, 0.1)]
    searches += [Search((f"S{n}",), None, 0, 0.3) for n in range(100)]
    found = figures(searches)
    assert found["rank1"] == 0.5
    assert found["at"]["0.1"]["fnir"] == 0.5


def test_no_miss_among_few_persons_still_has_an_interval() -> None:
    searches = [Search((f"P{n % 7}",), 0.9, 1, 0.1) for n in range(700)]
    assert figures(searches)["rank1_90"][0] < 0.75, "seven persons, however often searched"


def test_intervals_of_chimeras_are_as_wide_as_new_fingers_would_spread_them() -> None:
    """Forty fingers, one in ten of them bad, put together into persons of two a hundred times: what matters is how many of
    the forty are bad, which other forty would tell, and no further shuffle does."""
    draw, persons, widths, shares = np.random.default_rng(4), 20, [], []
    for _ in range(60):
        bad = draw.random(40) < 0.1
        shuffled = [draw.permutation(40).reshape(persons, 2) for _ in range(100)]
        searches = [
            Search(tuple(f"F{finger}" for finger in pair), 0.1 if bad[pair].any() else 0.9, 1, 0.0)
            for order in shuffled
            for pair in order
        ]
        found = figures([*searches, *(Search((f"F{n % 40}",), None, 0, 0.5) for n in range(200))])["at"]["0.1"]
        shares.append(found["fnir"])
        widths.append(found["fnir_90"][1] - found["fnir_90"][0])
    low, high = np.quantile(shares, [0.05, 0.95])
    assert 0.75 * (high - low) < np.mean(widths) < 1.33 * (high - low)


def test_what_is_said_of_synthetic_strangers() -> None:
    real = np.random.default_rng(1).exponential(0.01, 20_000)
    assert compared(real, np.random.default_rng(2).exponential(0.01, 20_000))["alike"]
    fewer = compared(real, np.random.default_rng(2).exponential(0.005, 20_000))
    assert not fewer["alike"]
    assert "less often" in fewer["verdict"]
    assert "more often" in compared(real, np.random.default_rng(2).exponential(0.03, 20_000))["verdict"]
