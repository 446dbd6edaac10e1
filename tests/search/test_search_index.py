"""The index against a slow twin of its votes, and what it may never do: lose a newer row, or answer with one left out."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from first_stage_twins import Codes, fields_of, random_codes
from hypothesis import given, settings
from hypothesis import strategies as st

from mithaq.search import index
from mithaq.search.index import SECTORS, Index, build, candidates, choose_bits


def keys(codes: Codes, built: Index) -> list[list[tuple[int, tuple[int, ...]]]]:
    """By table: (sector, key bits) of each coded minutia."""
    bits = np.unpackbits(codes.codes.astype("<u8").view(np.uint8).reshape(len(codes), 16), axis=1, bitorder="little")
    return [
        [(int(codes.angle[i]) // 32, tuple(bits[i, table].tolist())) for i in range(len(codes)) if codes.reliability[i]]
        for table in built.bits
    ]


def votes_twin(probe: Codes, other: Codes, built: Index) -> int:
    """Over all tables and pairs of minutiae: those within a sector of each other whose keys differ in one bit at most."""
    total = 0
    for mine, theirs in zip(keys(probe, built), keys(other, built), strict=True):
        for sector, key in mine:
            for its_sector, its_key in theirs:
                near = (sector - its_sector) % SECTORS in (0, 1, SECTORS - 1)
                total += near and sum(a != b for a, b in zip(key, its_key, strict=True)) <= 1
    return total


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31), counts=st.lists(st.integers(0, 30), min_size=1, max_size=8))
def test_votes_are_those_of_the_twin(seed: int, counts: list[int]) -> None:
    gallery = [random_codes(seed + n, count, spread=10) for n, count in enumerate(counts)]
    probe = random_codes(seed + 99, 20, spread=10)
    built = build(fields_of(gallery), tables=3, key_bits=7)
    votes = np.zeros(len(gallery), np.uint8)
    order = np.flatnonzero(probe.reliability)
    read = index._vote(
        probe.codes, probe.angle, order, built.bits, built.starts, built.postings, np.int64(10**9), votes
    )
    expected = [votes_twin(probe, other, built) for other in gallery]
    assert read == sum(expected)
    assert votes.tolist() == [min(255, v) for v in expected]


def test_every_coded_minutia_stands_once_in_each_table() -> None:
    gallery = [random_codes(n, 5 + n) for n in range(12)]
    built = build(fields_of(gallery), tables=4, key_bits=6)
    coded = {n: int(np.count_nonzero(print_.reliability)) for n, print_ in enumerate(gallery)}
    for t in range(4):
        assert Counter(built.postings[t].tolist()) == Counter(coded)
        assert built.starts[t, 0] == 0 and built.starts[t, -1] == len(built.postings[t])
        assert (np.diff(built.starts[t].astype(np.int64)) >= 0).all()
        for first, last in zip(built.starts[t], built.starts[t, 1:], strict=False):
            bucket = built.postings[t, first:last].astype(np.int64)
            assert (np.diff(bucket) >= 0).all()


def test_a_print_finds_itself_first_and_few_others() -> None:
    gallery = [random_codes(n, 30, unreliable=0.1) for n in range(300)]
    fields = fields_of(gallery)
    built = build(fields)
    for n in range(0, 300, 37):
        found = candidates(built, fields, gallery[n], wanted=10)
        assert n in found
        assert len(found) <= 10


def test_all_rows_with_votes_are_candidates_where_all_are_wanted() -> None:
    gallery = [random_codes(n, 30, spread=12) for n in range(40)]
    fields, probe = fields_of(gallery), random_codes(1000, 30, spread=12)
    built = build(fields, tables=3, key_bits=7)
    expected = [n for n, other in enumerate(gallery) if votes_twin(probe, other, built)]
    assert candidates(built, fields, probe, wanted=1000).tolist() == expected
    fewer = [set(candidates(built, fields, probe, wanted=w).tolist()) for w in range(41)]
    assert all(len(rows) == min(w, len(expected)) for w, rows in enumerate(fewer))
    assert all(a <= b for a, b in itertools.pairwise(fewer))


def test_rows_newer_than_the_index_are_candidates_and_rows_left_out_are_not() -> None:
    gallery = [random_codes(n, 20) for n in range(30)]
    built = build(fields_of(gallery[:20]))
    fields = fields_of(gallery)
    allowed = np.ones(30, np.uint8)
    allowed[[3, 25]] = 0
    for probe in (gallery[3], gallery[25], gallery[4], random_codes(5, 0)):
        found = candidates(built, fields, probe, allowed=allowed).tolist()
        assert found == sorted(found)
        assert {3, 25}.isdisjoint(found)
        assert {*range(20, 30)} - {25} <= set(found)
    assert 4 in candidates(built, fields, gallery[4], allowed=allowed)
    dead = fields.with_live(np.zeros(30, np.uint8))
    assert len(candidates(built, dead, gallery[4])) == 0


def test_the_budget_bounds_what_is_read() -> None:
    gallery = [random_codes(n, 30, spread=2) for n in range(50)]
    fields = fields_of(gallery)
    built = build(fields, tables=2, key_bits=4)
    votes, order = np.zeros(50, np.uint8), np.arange(30)
    read = index._vote(
        gallery[0].codes, gallery[0].angle, order, built.bits, built.starts, built.postings, np.int64(100), votes
    )
    assert 100 <= read <= 100 + 2 * 50 * 30


@pytest.mark.parametrize("prints", [0, 1])
def test_an_index_of_nothing_is_an_index(prints: int) -> None:
    fields = fields_of([random_codes(1, 0)] * prints)
    built = build(fields)
    assert len(candidates(built, fields, random_codes(1, 30))) == 0


def test_chosen_bits_are_all_different_and_split_the_codes() -> None:
    rng = np.random.default_rng(1)
    sample = rng.integers(0, 2, (500, 128), dtype=np.uint8)
    sample[:, 5] = 1  # says nothing
    sample[:, 6] = sample[:, 7]  # says nothing new
    bits = choose_bits(sample, 6, 14)
    assert bits.shape == (6, 14)
    assert len(set(bits.ravel().tolist())) == 84
    assert 5 not in bits
    assert not any({6, 7} <= set(table) for table in bits.tolist())
