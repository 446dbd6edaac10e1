"""Attributes and filters against the same rules written out over plain values; fingers joined before the threshold."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from search_twins import MATE, template_of

from mithaq.errors import StorageError
from mithaq.finger.calibration import threshold_for
from mithaq.search import Attributes, Filters, Gallery, Impression
from mithaq.search.fields import Fields
from mithaq.units import FingerPosition

SEXES = st.sampled_from([None, "F", "M", "X"])
SETS = st.frozensets(st.integers(0, 15), max_size=3)
ATTRIBUTES = st.builds(Attributes, SEXES, st.none() | st.integers(1870, 2040), SETS)
BORN = st.none() | st.tuples(st.integers(1850, 2050), st.integers(0, 40)).map(lambda pair: (pair[0], sum(pair)))
POSITIONS = st.frozensets(st.sampled_from(list(FingerPosition)[:13]), max_size=3)
FILTERS = st.builds(Filters, POSITIONS, SEXES, BORN, SETS)
THUMBS = {11: 1, 12: 6}


def passes(position: int, known: Attributes | None, filters: Filters) -> bool:
    """The rules one by one: what is not known does not exclude, but a set does."""
    known = known or Attributes()
    fingers = {THUMBS.get(int(one), int(one)) for one in filters.positions}
    if fingers and position and THUMBS.get(position, position) not in fingers:
        return False
    if filters.sex and known.sex and known.sex != filters.sex:
        return False
    if filters.born and known.birth_year:
        first_of_band = known.birth_year - known.birth_year % 5
        if not (filters.born[0] <= first_of_band + 4 and first_of_band <= filters.born[1]):
            return False
    return not filters.sets or bool(filters.sets & known.sets)


@given(ATTRIBUTES)
def test_attributes_keep_a_birth_year_as_its_band_of_five(known: Attributes) -> None:
    kept = Attributes.unpack(known.pack(""))
    assert (kept.sex, kept.sets) == (known.sex, known.sets)
    assert kept.birth_year == (None if known.birth_year is None else known.birth_year - known.birth_year % 5)
    assert 0 <= known.pack("") < 2**32


@given(rows=st.lists(st.tuples(st.integers(0, 12), st.none() | ATTRIBUTES), max_size=12), filters=FILTERS)
def test_filters_equal_their_rules_written_out(rows: list[tuple[int, Attributes | None]], filters: Filters) -> None:
    empty = template_of(1)
    fields = Fields.of([empty] * len(rows), positions=[position for position, _ in rows])
    bits = np.array([known.pack("") if known else 0 for _, known in rows], np.uint32)
    kept = filters.rows(fields, bits)
    assert kept.tolist() == [int(passes(position, known, filters)) for position, known in rows]
    without = filters.rows(fields, None)
    assert without.tolist() == [int(passes(position, None, filters)) for position, _ in rows]
    assert Filters.from_json(filters.to_json()) == filters


def test_an_age_band_is_a_span_of_birth_years() -> None:
    assert Filters.aged(30, 40, 2026).born == (1985, 1996)
    assert Filters.aged(30, 40, 2026, sex="F").sex == "F"


@pytest.mark.parametrize(
    "known",
    [Attributes("Q"), Attributes(None, 1800), Attributes(None, 4000), Attributes(sets=frozenset({16}))],  # type: ignore[arg-type]
)
def test_attributes_that_there_are_not(place: Path, known: Attributes) -> None:
    with Gallery(place, writable=True) as gallery, pytest.raises(StorageError, match="GAL-044"):
        gallery.add("A", 1, 0, template_of(1), known)


def test_filters_that_there_are_not(three: Path) -> None:
    wrong: list[dict[str, Any]] = [{"sex": "Q"}, {"born": (1990, 1980)}, {"sets": frozenset({16})}]
    for one in wrong:
        with Gallery(three) as gallery, pytest.raises(StorageError, match="GAL-044"):
            gallery.search([template_of(1)], threshold=0.1, top=1, filters=Filters(**one))


def test_a_gallery_that_needs_no_attributes_has_no_file_of_them(three: Path) -> None:
    assert not (three / "fields.0" / "attributes").exists()
    with Gallery(three) as reader, Gallery(three, writable=True) as gallery:
        reader.count()
        gallery.add("D-4", 3, 0, template_of(9), Attributes("F", 1987, frozenset({3})))
        kept = [one.attributes for one in reader.impressions()]
        assert kept == [None] * 4 + [Attributes("F", 1985, frozenset({3}))]
        gallery.compact()
        assert [one.attributes for one in reader.impressions()] == kept
        gallery.remove("D-4")
        assert (three / "fields.1" / "attributes").read_bytes()[64:] == bytes(5 * 4)
        gallery.check()
        with pytest.raises(StorageError, match="GAL-045"):
            gallery.add("B-2", 2, 0, template_of(3), Attributes("M"))
        assert not gallery.add("B-2", 2, 0, template_of(3))


def test_first_attributes_that_do_not_fit_leave_no_trace(three: Path) -> None:
    def full(point: str) -> None:
        if point == "append:half":
            raise OSError(28, "no space left")

    with Gallery(three, writable=True, stop_at=full) as gallery, pytest.raises(StorageError, match="GAL-013"):
        gallery.add("D-4", 3, 0, template_of(9), Attributes("F"))
    assert not (three / "fields.0" / "attributes").exists()
    with Gallery(three) as reader:
        reader.check()


HELD = st.lists(
    st.tuples(st.sampled_from("ABC"), st.integers(0, 12), st.integers(1, 4), st.none() | ATTRIBUTES),
    max_size=8,
    unique_by=lambda item: item[:3],
)


@settings(max_examples=15, deadline=None)
@given(held=HELD, filters=FILTERS, finger=st.integers(1, 4))
def test_a_narrowed_search_equals_one_of_a_smaller_gallery(
    held: list[tuple[str, int, int, Attributes | None]], filters: Filters, finger: int
) -> None:
    def impressions(items: list[tuple[str, int, int, Attributes | None]]) -> list[Impression]:
        return [Impression(ref, FingerPosition(pos), 0, template_of(of), known) for ref, pos, of, known in items]

    with TemporaryDirectory() as folder:
        kept = [item for item in held if passes(item[1], item[3], filters)]
        with (
            Gallery(Path(folder) / "all", writable=True) as gallery,
            Gallery(Path(folder) / "few", writable=True) as few,
        ):
            gallery.add_many(impressions(held))
            few.add_many(impressions(kept))
            found = gallery.search([template_of(finger, 1)], threshold=MATE, top=9, filters=filters)
            assert found == few.search([template_of(finger, 1)], threshold=MATE, top=9)


# ---- several fingers of one person ----------------------------------------------------------------------------------


@pytest.fixture
def tenprints(place: Path) -> Path:
    """Six persons with five fingers each; person n's finger p is finger 10 n + p of the twins."""
    with Gallery(place, writable=True) as gallery:
        gallery.add_many(
            Impression(f"P-{n}", FingerPosition(p), 0, template_of(10 * n + p)) for n in range(6) for p in range(1, 6)
        )
    return place


def probes_of(person: int, fingers: list[int]) -> list[Any]:
    return [template_of(10 * person + finger, 2) for finger in fingers]


@pytest.mark.parametrize("limits", [{}, {"exhaustive": 0, "rescored": 200}])
def test_fingers_of_one_person_are_joined(tenprints: Path, limits: dict[str, int]) -> None:
    with Gallery(tenprints, **limits) as gallery:
        declared = [FingerPosition(p) for p in (1, 2, 4)]
        (found,) = gallery.search(probes_of(3, [1, 2, 4]), threshold=threshold_for(1e-6), top=5, positions=declared)
        assert found.reference == "P-3"
        single = max(c.score for p in (1, 2, 4) for c in gallery.search(probes_of(3, [p]), threshold=MATE, top=1))
        assert found.score >= single  # three fingers say at least as much as one
        assert found.position == (1, 2, 4)[found.probe]


@pytest.mark.parametrize("limits", [{}, {"exhaustive": 0, "rescored": 200}])
def test_a_missing_and_a_foreign_finger_are_survived(tenprints: Path, limits: dict[str, int]) -> None:
    with Gallery(tenprints, **limits) as gallery:
        probes = [*probes_of(2, [1, 2]), template_of(99), template_of(98)]
        declared = [FingerPosition(p) for p in (1, 2, 3, 9)]  # nobody has a finger 9 enrolled, and 3 is another's
        assert gallery.search(probes, threshold=threshold_for(1e-5), top=5, positions=declared)[0].reference == "P-2"


def test_declared_positions_are_believed_and_unknown_ones_found(tenprints: Path) -> None:
    with Gallery(tenprints) as gallery:
        wrong = [FingerPosition(3), FingerPosition(4), FingerPosition(5)]
        threshold = threshold_for(1e-4)
        assert gallery.search(probes_of(1, [1, 2, 3]), threshold=threshold, top=5, positions=wrong) == []
        unknown = [FingerPosition.UNKNOWN] * 3
        (found,) = gallery.search(probes_of(1, [1, 2, 3]), threshold=threshold, top=5, positions=unknown)
        assert found.reference == "P-1"


@pytest.mark.parametrize("positions", [[1], [1, 2, 3], [1, 13], [1, 99]])
def test_positions_that_do_not_fit_the_probes(tenprints: Path, positions: list[Any]) -> None:
    with Gallery(tenprints) as gallery, pytest.raises(StorageError, match="GAL-035"):
        gallery.search(probes_of(1, [1, 2]), threshold=0.1, top=5, positions=positions)
