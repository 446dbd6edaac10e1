"""The plain value of minutiae: what it refuses, how it is scaled, and that it meets the matcher's template."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from minutiae_samples import by_hand, prints

from mithaq.errors import FormatError
from mithaq.finger import Template
from mithaq.record import CONVENTIONS, new_minutiae
from mithaq.record.minutiae import from_steps, rounded, settled, to_steps

TURN = 2 * np.pi
DOCUMENT = Path(__file__).parents[2] / "docs/minutiae.md"


@pytest.mark.parametrize(
    "changed",
    [
        {"width": 0}, {"height": -3}, {"width": 10**9}, {"ppi": 0.0}, {"ppi": float("nan")}, {"ppi": float("inf")},
        {"ppi_y": 1e-9}, {"x_px": [1.0]}, {"x_px": [1.0, float("nan")]}, {"angle_rad": [0.0, float("inf")]},
        {"kind": [0, 3]}, {"kind": [0.5, 1]}, {"quality": [101, 0]}, {"quality": [-2, 0]}, {"score": 101},
        {"position": 256}, {"view": -1}, {"ridge_counts": [[0, 2, 1, 1]]}, {"ridge_counts": [[-1, 0, 1, 1]]},
        {"cores": [[float("nan"), 1, 1]]},
    ],
)  # fmt: skip
def test_values_that_describe_no_print_are_refused(changed: dict[str, Any]) -> None:
    values = {"width": 100, "height": 100, "x_px": [1.0, 2.0], "y_px": [1.0, 2.0], "angle_rad": [0.0, 1.0]}
    with pytest.raises(FormatError) as caught:
        new_minutiae(**{**values, **changed})
    assert caught.value.code == "REC-067"


def test_angles_are_brought_into_one_turn() -> None:
    found = new_minutiae(9, 9, [1] * 4, [1] * 4, [-1e-20, TURN, 5 * np.pi, -np.pi / 2], cores=[[1, 1, -np.pi]])
    assert found.angle_rad.tolist() == pytest.approx([0, 0, np.pi, 1.5 * np.pi])
    assert found.cores[0, 2] == pytest.approx(np.pi)
    assert (found.angle_rad < TURN).all()


def test_the_callers_arrays_are_left_alone() -> None:
    places, cores = np.array([1.0, 2.0]), np.array([[1.0, 2.0, -1.0]])
    found = new_minutiae(9, 9, places, places, places, cores=cores)
    places[0] = 7.0
    assert found.x_px.tolist() == [1, 2] and cores[0, 2] == -1.0


def test_a_minutia_outside_the_picture_is_kept_but_not_handed_to_the_matcher() -> None:
    found = new_minutiae(100, 50, [10, 99.6, 20, 99.4], [10, 10, -1, 49.4], [0] * 4, kind=[1, 1, 1, 2])
    assert found.inside.tolist() == [True, False, False, True]
    given_on = found.matcher_arrays()
    assert given_on["x_px"].tolist() == [10, 99] and given_on["y_px"].tolist() == [10, 49]


def test_scaling_keeps_pixel_centres_as_a_resampled_picture_does() -> None:
    half = by_hand(ppi=1000.0).at(500.0)
    assert (half.width, half.height, half.ppi, half.ppi_y) == (250, 200, 500.0, 500.0)
    assert half.x_px.tolist() == [49.75, 14.75] and half.y_px.tolist() == [99.75, 19.75]
    assert half.cores[0].tolist() == [124.75, 99.75, np.pi / 2]
    assert half.angle_rad.tolist() == by_hand().angle_rad.tolist()


@given(prints(), st.sampled_from([250.0, 500.0, 1200.0]))
def test_scaling_there_and_back_gives_the_same_places(found: Any, ppi: float) -> None:
    again = found.at(ppi).at(found.ppi)
    assert np.allclose(again.x_px, found.x_px) and np.allclose(again.deltas, found.deltas)


@given(prints())
def test_the_matchers_template_takes_every_print_and_gives_its_arrays_back(found: Any) -> None:
    template = Template.from_minutiae(**found.matcher_arrays())
    assert len(template) == found.inside.sum() or abs(found.ppi - 500) > 5
    again = new_minutiae(
        template.width, template.height, template.x_px, template.y_px, template.angle_rad,
        kind=template.kind, quality=template.quality,
    )  # fmt: skip
    assert Template.from_minutiae(**again.matcher_arrays()).to_bytes() == template.to_bytes()


def test_subset_renumbers_ridge_counts_and_drops_those_to_what_is_gone() -> None:
    found = new_minutiae(9, 9, [1, 2, 3], [1, 2, 3], [0] * 3, ridge_counts=[[0, 1, 5, 1], [2, 0, 6, 2], [1, 2, 7, 1]])
    assert found.subset(np.array([2, 0])).ridge_counts.tolist() == [[0, 1, 6, 2]]


def test_every_form_rounds_to_the_nearest_and_a_half_upwards() -> None:
    assert rounded([0.5, 1.5, 2.4999, -0.5, -0.51]).tolist() == [1, 2, 2, 0, -1]


@pytest.mark.parametrize("form", sorted(CONVENTIONS))
@given(st.integers(0, 255))
def test_an_angle_in_a_forms_unit_comes_back_as_the_same_number(form: str, step: int) -> None:
    row = CONVENTIONS[form]
    units = round(360 / row.step)
    assert to_steps(from_steps(step, row), row) == step % units
    angle = step / 255 * TURN
    turned = (from_steps(to_steps(angle, row), row) - angle + np.pi) % TURN - np.pi
    assert abs(turned) <= np.radians(row.step) / 2 + 1e-9


def test_resolutions_stated_in_whole_numbers_are_taken_as_their_class() -> None:
    assert settled(197, 2.54) == 500.0 and settled(394, 2.54) == 1000.0
    assert settled(499, 1.0) == 499.0 and settled(100, 2.54) == 254.0


def test_the_document_shows_the_table_of_the_code() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    for row in CONVENTIONS.values():
        direction = "away from the ridge" if row.away else "along the ridge"
        cells = (f"`{row.form}`", row.place, row.origin, row.unit, f"{row.step:g}", direction, row.quality, row.trust)
        assert f"| {' | '.join(cells)} |" in text, row.form
