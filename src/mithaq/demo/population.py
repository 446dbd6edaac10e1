"""The files of two parties and the prints that they ask each other about, written as any agency would hand them to a node.

    seed ─► people, fingers ─► D/QA/enrol, D/US/enrol   KEY_POSITION.png and persons.csv, for `mithaq node enrol`
                            └► D/QA/cases, D/US/cases   what that party asks the other: a mate, a stranger, a smudge, a petty case

Pictures are written once: a run that was cut short goes on where it stopped, and a second run reads what is there.
"""

from __future__ import annotations

import csv
import io
import json
import multiprocessing
import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import numpy as np

from mithaq.demo.people import IDENTITY_FIELDS, Person, make_people
from mithaq.demo.prints import Difficulty, finger, impression, smudge
from mithaq.errors import StorageError
from mithaq.image.write import png_bytes
from mithaq.units import FingerPosition

PARTIES: Final = ("QA", "US")
POSITIONS: Final = (FingerPosition.RIGHT_INDEX, FingerPosition.LEFT_INDEX)
LIVE_SCAN_PLAIN: Final = 0  # IMP code of ANSI/NIST-ITL
CSV_NAME: Final = "persons.csv"
CSV_COLUMNS: Final = ("person", "position", "impression", "file", *IDENTITY_FIELDS)
_MARK: Final = "population.json"
_VERSION: Final = 1  # raise it when the same seed gives other people or other pictures


class Kind(StrEnum):
    """What a probe is, and so what its query should end in."""

    MATE = "mate"  # another impression of somebody whom the other party holds
    STRANGER = "stranger"  # a finger that nobody holds
    SMUDGE = "smudge"  # cannot be searched
    PETTY = "petty"  # a good print in a case that is not serious enough for the agreement


@dataclass(frozen=True, slots=True)
class Probe:
    """A print in a case of `origin`, to be asked of `destination`, with what a query needs to say about the case."""

    kind: Kind
    origin: str
    destination: str
    file: Path
    position: FingerPosition
    case: str
    purpose: str
    offence: str  # category and longest custody in months, as `mithaq.pact` reads it
    legal_basis: str
    person: str | None  # the key under which `destination` holds the finger, for a mate


@dataclass(frozen=True, slots=True)
class Holding:
    """What one party holds: the folder to enrol, its CSV, its people."""

    party: str
    folder: Path
    csv: Path
    people: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class Population:
    """Both parties' files, and the probes of both directions."""

    holdings: dict[str, Holding]
    probes: tuple[Probe, ...]


@dataclass(frozen=True, slots=True)
class _Picture:
    """One file still to be drawn. `finger_seed` None draws a smudge."""

    path: Path
    finger_seed: int | None
    impression_seed: int
    difficulty: Difficulty


@dataclass(frozen=True, slots=True)
class _Case:
    kind: Kind
    offence: str
    purpose: str


_CASES: Final = (
    _Case(Kind.MATE, "aggravated-burglary:120", "investigate-serious-crime"),
    _Case(Kind.STRANGER, "armed-robbery:180", "investigate-serious-crime"),
    _Case(Kind.SMUDGE, "fraud:60", "investigate-serious-crime"),
    _Case(Kind.PETTY, "petty-theft:6", "investigate-serious-crime"),
)
_LEGAL_BASIS: Final = {
    "QA": "Demonstration code of criminal procedure (QA), section 1",
    "US": "Demonstration title (US), section 1",
}


def make_population(
    directory: Path,
    seed: int,
    persons: int = 30,
    *,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Population:
    """Both parties' people and prints below `directory`, with `persons` people of two fingers each on either side.

    The same seed gives the same files. `workers` processes draw them; `progress(done, all)` is called after each picture.
    StorageError where the directory cannot be written or holds a population of another seed or size.
    """
    if persons < 1:
        raise ValueError("a population has at least one person on either side")
    try:
        _claim(directory, {"version": _VERSION, "seed": seed, "persons": persons})
        holdings: dict[str, Holding] = {}
        pictures: list[_Picture] = []
        for party in PARTIES:
            holding, drawn = _enrolment(directory / party / "enrol", party, seed, persons)
            holdings[party] = holding
            pictures += drawn
        probes: list[Probe] = []
        for origin, destination in (PARTIES, PARTIES[::-1]):
            asked, drawn = _cases(directory / origin / "cases", origin, holdings[destination], seed)
            probes += asked
            pictures += drawn
        _draw_all([picture for picture in pictures if not picture.path.exists()], len(pictures), workers, progress)
    except OSError as error:
        raise StorageError(
            "DEM-001",
            f"the demonstration's files cannot be written ({error.strerror or type(error).__name__})",
            place=str(directory),
            remedy="free some space there, or name another directory with --dir",
        ) from error
    return Population(holdings, tuple(probes))


def finger_seed(seed: int, party: str, number: int, position: int) -> int:
    """The seed of one finger of a population: no two fingers of it share one."""
    return ((seed * len(PARTIES) + PARTIES.index(party)) * 10_000 + number) * 16 + position


def _claim(directory: Path, mark: dict[str, int]) -> None:
    """Make the directory this population's own, or find that it already is."""
    path = directory / _MARK
    directory.mkdir(parents=True, exist_ok=True)
    if path.exists():
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            found = None
        if found != mark:
            raise StorageError(
                "DEM-002",
                "the directory holds the people and prints of another demonstration",
                place=str(directory),
                expected=f"seed {mark['seed']} with {mark['persons']} persons on either side",
                remedy="name another directory with --dir, or remove this one",
            )
        return
    _write(path, json.dumps(mark, sort_keys=True).encode())


def _enrolment(folder: Path, party: str, seed: int, persons: int) -> tuple[Holding, list[_Picture]]:
    people = make_people(party, seed, persons)
    pictures = []
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(CSV_COLUMNS)
    for number, person in enumerate(people, 1):
        cells = [_cell(person.identity[name]) for name in IDENTITY_FIELDS]
        for position in POSITIONS:
            name = f"{person.key}_{position.value}.png"
            writer.writerow([person.key, position.value, LIVE_SCAN_PLAIN, name, *cells])
            drawn = finger_seed(seed, party, number, position)
            pictures.append(_Picture(folder / name, drawn, 0, Difficulty.CLEAN))
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / CSV_NAME, text.getvalue().encode("utf-8"))
    return Holding(party, folder, folder / CSV_NAME, people), pictures


def _cell(value: object) -> str:
    """A CSV cell: text as it is, anything with parts as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _cases(folder: Path, origin: str, held: Holding, seed: int) -> tuple[list[Probe], list[_Picture]]:
    """The probes of one direction, with the pictures to draw for them."""
    rng = np.random.default_rng((seed, PARTIES.index(origin), 0x63617365))
    mate = int(rng.integers(len(held.people)))
    position = POSITIONS[int(rng.integers(len(POSITIONS)))]
    fingers = {
        Kind.MATE: finger_seed(seed, held.party, mate + 1, position),
        Kind.STRANGER: finger_seed(seed, origin, 9001, position),
        Kind.SMUDGE: None,
        Kind.PETTY: finger_seed(seed, origin, 9002, position),
    }
    probes, pictures = [], []
    for number, case in enumerate(_CASES, 1):
        path = folder / f"{case.kind}.png"
        probes.append(
            Probe(
                kind=case.kind,
                origin=origin,
                destination=held.party,
                file=path,
                position=position,
                case=f"DEMO-{origin}-{number:04d}",
                purpose=case.purpose,
                offence=case.offence,
                legal_basis=_LEGAL_BASIS[origin],
                person=held.people[mate].key if case.kind is Kind.MATE else None,
            )
        )
        pictures.append(_Picture(path, fingers[case.kind], seed + number, Difficulty.NORMAL))
    folder.mkdir(parents=True, exist_ok=True)
    return probes, pictures


def _draw_all(
    pictures: Sequence[_Picture], count: int, workers: int, progress: Callable[[int, int], None] | None
) -> None:
    """Draw and write each picture, in this process or in `workers` others."""
    done = count - len(pictures)
    if workers <= 1 or len(pictures) < 2:
        for picture in pictures:
            _draw(picture)
            done += 1
            if progress is not None:
                progress(done, count)
        return
    # Spawned, since a fork would copy whatever threads the caller runs, in whatever state they are.
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        futures = [pool.submit(_draw, picture) for picture in pictures]
        try:
            for future in as_completed(futures):
                future.result()
                done += 1
                if progress is not None:
                    progress(done, count)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _draw(picture: _Picture) -> None:
    if picture.finger_seed is None:
        image = smudge(picture.impression_seed)
    else:
        image = impression(finger(picture.finger_seed), picture.impression_seed, picture.difficulty)
    _write(picture.path, png_bytes(image))


def _write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".unfinished-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
