"""Two parties' files: complete for enrolment, the same for the same seed, and taken up again where a run was cut short."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from mithaq.demo.people import IDENTITY_FIELDS
from mithaq.demo.population import CSV_COLUMNS, Kind, Population, finger_seed, make_population
from mithaq.errors import StorageError


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Population]:
    directory = tmp_path_factory.mktemp("population")
    return directory, make_population(directory, 5, persons=1)


def contents(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_either_side_can_be_enrolled(made: tuple[Path, Population]) -> None:
    _, population = made
    assert set(population.holdings) == {"QA", "US"}
    for party, holding in population.holdings.items():
        with holding.csv.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == 2
        assert tuple(rows[0]) == CSV_COLUMNS
        for row in rows:
            assert row["person"].startswith(f"{party}-")
            assert row["file"] == f"{row['person']}_{row['position']}.png"
            assert (holding.folder / row["file"]).read_bytes().startswith(b"\x89PNG")
        person = holding.people[0]
        for name in IDENTITY_FIELDS:
            value = person.identity[name]
            assert rows[0][name] == value or json.loads(rows[0][name]) == value
        assert {path.name for path in holding.folder.iterdir()} == {"persons.csv", *(row["file"] for row in rows)}


def test_each_direction_has_each_kind_of_probe(made: tuple[Path, Population]) -> None:
    directory, population = made
    assert [(probe.origin, probe.kind) for probe in population.probes] == [
        (origin, kind) for origin in ("QA", "US") for kind in Kind
    ]
    for probe in population.probes:
        assert probe.destination != probe.origin
        assert probe.file.is_relative_to(directory / probe.origin / "cases")
        assert probe.file.read_bytes().startswith(b"\x89PNG")
        assert (probe.person is None) == (probe.kind is not Kind.MATE)
        if probe.person is not None:
            held = population.holdings[probe.destination]
            assert probe.person in {person.key for person in held.people}
            enrolled = held.folder / f"{probe.person}_{probe.position.value}.png"
            assert enrolled.read_bytes() != probe.file.read_bytes()


def test_file_names_hold_no_names(made: tuple[Path, Population]) -> None:
    directory, _ = made
    allowed = {"QA", "US", "enrol", "cases", "persons.csv", "population.json"}
    for path in directory.rglob("*"):
        assert path.name in allowed or path.stem in set(Kind) or path.stem[:3] in ("QA-", "US-")


def test_what_is_kept_equals_what_is_made_anew(made: tuple[Path, Population], tmp_path: Path) -> None:
    directory, population = made
    before = contents(directory)
    lost = population.probes[0].file
    lost.unlink()  # as if the run had been cut short before this one
    steps: list[tuple[int, int]] = []
    assert (
        make_population(directory, 5, persons=1, progress=lambda done, all_: steps.append((done, all_))) == population
    )
    assert steps == [(12, 12)]
    assert contents(directory) == before
    make_population(tmp_path, 5, persons=1)
    assert contents(tmp_path) == before


def test_another_population_is_not_mixed_in(made: tuple[Path, Population]) -> None:
    directory, _ = made
    before = contents(directory)
    with pytest.raises(StorageError, match="DEM-002"):
        make_population(directory, 6, persons=1)
    assert contents(directory) == before


def test_a_directory_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    occupied = tmp_path / "occupied"
    occupied.write_text("a file stands where the directory should be")
    with pytest.raises(StorageError, match="DEM-001"):
        make_population(occupied, 5, persons=1)


def test_no_two_fingers_share_a_seed() -> None:
    seeds = [
        finger_seed(seed, party, number, position)
        for seed in (0, 1)
        for party in ("QA", "US")
        for number in (1, 2, 500, 9001, 9002)
        for position in (1, 2, 7, 10)
    ]
    assert len(set(seeds)) == len(seeds)
