"""Synthetic people: complete in both scripts, decided by the seed, and recognisably not real."""

from __future__ import annotations

import json
import re
from datetime import date

import pytest

from mithaq.demo.people import IDENTITY_FIELDS, Person, make_people

ARABIC = re.compile(r"[\u0621-\u064a ]+")
LATIN = re.compile(r"[A-Z][A-Za-z -]+")


@pytest.fixture(scope="module")
def people() -> tuple[Person, ...]:
    return make_people("QA", 7, 60) + make_people("US", 7, 60)


def test_people_are_decided_by_the_seed(people: tuple[Person, ...]) -> None:
    assert make_people("QA", 7, 60) == people[:60]
    assert make_people("QA", 8, 60) != people[:60]
    assert make_people("QA", 7, 20) == people[:20]


def test_names_stand_in_both_scripts(people: tuple[Person, ...]) -> None:
    for person in people:
        names = [person.identity["family_name"], person.identity["given_names"]]
        aliases = person.identity["aliases"]
        assert isinstance(aliases, list)
        for name in (*names, *aliases):
            assert isinstance(name, dict)
            assert LATIN.fullmatch(name["romanised"][0]["value"])
            assert ARABIC.fullmatch(name["transcribed"][0]["value"])
            assert name["original"] in (name["romanised"][0]["value"], name["transcribed"][0]["value"])
            assert (name["script"] == "Arab") == bool(ARABIC.fullmatch(name["original"]))


def test_identities_hold_the_core_data_and_survive_json(people: tuple[Person, ...]) -> None:
    for person in people:
        assert tuple(person.identity) == IDENTITY_FIELDS
        assert json.loads(json.dumps(person.identity)) == person.identity
        assert person.identity["sex"] in ("M", "F")
        assert date(1951, 1, 1) <= date.fromisoformat(str(person.identity["birth_date"])) <= date(2006, 12, 31)


def test_document_numbers_are_plainly_synthetic(people: tuple[Person, ...]) -> None:
    for person in people:
        documents = person.identity["document_numbers"]
        assert isinstance(documents, list)
        assert documents
        assert all(document["number"].startswith("DEMO-") for document in documents)


def test_keys_and_whole_names_are_unique(people: tuple[Person, ...]) -> None:
    assert len({person.key for person in people}) == len(people)
    for party in ("QA", "US"):
        names = [
            (str(person.identity["given_names"]), str(person.identity["family_name"]))
            for person in people
            if person.party == party
        ]
        assert len(set(names)) == len(names)


def test_both_scripts_occur_on_either_side(people: tuple[Person, ...]) -> None:
    for party in ("QA", "US"):
        scripts = {
            person.identity["family_name"]["script"]  # type: ignore[index]
            for person in people
            if person.party == party
        }
        assert scripts == {"Arab", "Latn"}


def test_other_parties_and_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="QA and US"):
        make_people("FR", 1, 1)
    with pytest.raises(ValueError, match="500"):
        make_people("QA", 1, 501)
