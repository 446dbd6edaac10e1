"""Which few of many impressions deserve even the first stage: buckets of minutiae whose codes agree in some bits.

    a minutia ─ direction in eighths, some bits of its code ─► a bucket in each table ─► rows that hold such a minutia
    a probe   ─ three eighths × the key and its one-bit neighbours, in each table ─► votes a row ─► the rows most voted for

Rows that were added after the index was built are candidates without a vote, so it need not be rebuilt at each enrolment.
An index forgets: a mate whose codes agree in too few keys is not found. docs/accuracy.md draws what is kept against the
share of the gallery that is looked at; a search that may not lose it scans all rows. Pure: arrays in, arrays out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mithaq.finger import Template
from mithaq.finger.compiled import compiled
from mithaq.search import parameters
from mithaq.search.fields import Fields
from mithaq.search.ranking import on_all_cores

SECTORS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """t tables over the first `rows` rows. `bits` int64 (t, b): the bits of a code that make its key; `starts` uint32
    (t, SECTORS · 2^b + 1): where each bucket begins in `postings` uint32 (t, coded minutiae): row numbers, ascending in
    each bucket. A row stands in a bucket once for each of its minutiae there."""

    rows: int
    bits: NDArray[np.int64]
    starts: NDArray[np.uint32]
    postings: NDArray[np.uint32]

    @property
    def size_bytes(self) -> int:
        return int(self.starts.nbytes + self.postings.nbytes)


def build(fields: Fields, *, tables: int = parameters.INDEX_TABLES, key_bits: int = parameters.INDEX_KEY_BITS) -> Index:
    """The index of all rows as they stand, on all cores: about 10 s of one core for a million fingers."""
    bits = choose_bits(_sample(fields), tables, key_bits)
    coded = int(np.count_nonzero(fields.reliability))
    starts = np.zeros((tables, SECTORS * 2**key_bits + 1), np.uint32)
    postings = np.empty((tables, coded), np.uint32)
    arrays = (fields.starts, fields.count, fields.codes, fields.angle, fields.reliability)
    on_all_cores(lambda t: _fill(*arrays, bits[t], starts[t], postings[t]), range(tables))
    return Index(len(fields), bits, starts, postings)


def _sample(fields: Fields) -> NDArray[np.uint8]:
    """Bits (s, 64 · words) of some thousand codes from all over the gallery."""
    blocks = np.linspace(0, max(0, len(fields.codes) - 1), min(len(fields.codes), 2000)).astype(np.int64)
    codes = fields.codes[blocks].transpose(0, 2, 1)[fields.reliability[blocks] > 0]
    return np.unpackbits(np.ascontiguousarray(codes).astype("<u8").view(np.uint8), axis=1, bitorder="little")


def choose_bits(sample: NDArray[np.uint8], tables: int, key_bits: int) -> NDArray[np.int64]:
    """For each table `key_bits` bits, none in two tables: evenly split ones first, unlike those already in the table."""
    centred = sample.astype(np.float64) - (sample.mean(axis=0) if len(sample) else 0.5)
    spread = np.sqrt((centred**2).mean(axis=0)) if len(sample) else np.ones(sample.shape[1])
    scaled = centred / np.maximum(spread, 1e-9)
    alike = np.abs(scaled.T @ scaled) / max(1, len(sample))
    free, nearest = np.ones(len(spread), bool), np.zeros((tables, len(spread)))
    bits = np.zeros((tables, key_bits), np.int64)
    for k in range(key_bits):
        for t in range(tables):
            worth = np.where(free, spread * (1.0 - 0.999 * np.minimum(1.0, nearest[t])), -1.0)
            bit = int(worth.argmax())
            bits[t, k], free[bit] = bit, False
            nearest[t] = np.maximum(nearest[t], alike[bit])
    return np.sort(bits, axis=1)


@compiled
def _key(codes: NDArray[np.uint64], block: np.int64, lane: np.int64, bits: NDArray[np.int64]) -> np.int64:
    key = np.int64(0)
    for k in range(len(bits)):
        word, shift = bits[k] >> 6, np.uint64(bits[k] & 63)
        key |= np.int64((codes[block, word, lane] >> shift) & np.uint64(1)) << k
    return key


@compiled
def _fill(
    starts: NDArray[np.uint32],
    count: NDArray[np.uint8],
    codes: NDArray[np.uint64],
    angle: NDArray[np.uint8],
    reliability: NDArray[np.uint8],
    bits: NDArray[np.int64],
    begins: NDArray[np.uint32],
    postings: NDArray[np.uint32],
) -> None:
    """One table, by counting: how many each bucket holds, where each begins, then every row into its place."""
    for filling in range(2):
        for row in range(len(count)):
            for j in range(np.int64(count[row])):
                block, lane = np.int64(starts[row]) + (j >> 3), np.int64(j & 7)
                if reliability[block, lane] == 0:
                    continue
                bucket = ((np.int64(angle[block, lane]) >> 5) << len(bits)) | _key(codes, block, lane, bits)
                if filling == 0:
                    begins[bucket + 1] += np.uint32(1)
                else:
                    postings[begins[bucket]] = np.uint32(row)
                    begins[bucket] += np.uint32(1)
        if filling == 0:
            for before in range(len(begins) - 1):
                begins[before + 1] += begins[before]
    for after in range(len(begins) - 1, 0, -1):
        begins[after] = begins[after - 1]
    begins[0] = np.uint32(0)


@compiled
def _vote(
    codes: NDArray[np.uint64],
    angle: NDArray[np.uint8],
    order: NDArray[np.int64],
    bits: NDArray[np.int64],
    begins: NDArray[np.uint32],
    postings: NDArray[np.uint32],
    budget: np.int64,
    votes: NDArray[np.uint8],
) -> np.int64:
    """Adds a vote, up to 255, for every posting in the buckets of the probe's minutiae; how many were read.

    Table by table for each minutia, in the order given, until `budget` postings were read.
    """
    read = np.int64(0)
    tables, key_bits = bits.shape
    for i in order:
        middle = (np.int64(angle[i]) >> 5) + 8
        for t in range(tables):
            key = np.int64(0)
            for k in range(key_bits):
                word, shift = bits[t, k] >> 6, np.uint64(bits[t, k] & 63)
                key |= np.int64((codes[i, word] >> shift) & np.uint64(1)) << k
            for side in range(-1, 2):
                sector = ((middle + side) & 7) << key_bits
                for flipped in range(-1, key_bits):
                    bucket = sector | (key if flipped < 0 else key ^ (np.int64(1) << flipped))
                    first, last = np.int64(begins[t, bucket]), np.int64(begins[t, bucket + 1])
                    for p in range(first, last):
                        row = postings[t, p]
                        votes[row] += np.uint8(votes[row] < 255)
                    read += last - first
        if read >= budget:
            break
    return read


@compiled
def _most_voted(
    votes: NDArray[np.uint8],
    count: NDArray[np.uint8],
    allowed: NDArray[np.uint8],
    share: NDArray[np.float32],
    wanted: np.int64,
    found: NDArray[np.int64],
) -> np.int64:
    """Writes to `found`, ascending, the allowed rows with most votes for their count of minutiae; how many."""
    levels = np.zeros(4096, np.int64)
    for row in range(len(votes)):
        if allowed[row] and votes[row]:
            levels[min(np.int64(4095), np.int64(np.float32(votes[row]) * share[count[row]]))] += 1
    level, held = 4096, np.int64(0)
    while level > 0 and held + levels[level - 1] <= wanted:
        level -= 1
        held += levels[level]
    spare, size = wanted - held, np.int64(0)  # of the next level, the earlier rows
    for row in range(len(votes)):
        if allowed[row] and votes[row]:
            at = min(np.int64(4095), np.int64(np.float32(votes[row]) * share[count[row]]))
            if at >= level or (at == level - 1 and spare > 0):
                if at < level:
                    spare -= 1
                found[size] = row
                size += 1
    return size


def candidates(
    index: Index,
    fields: Fields,
    probe: Template,
    *,
    allowed: NDArray[np.uint8] | None = None,
    wanted: int = parameters.INDEX_CANDIDATES,
    budget: int = parameters.INDEX_BUDGET,
) -> NDArray[np.int64]:
    """The rows that the probe's minutiae vote for most, at most `wanted`, and all rows newer than the index, ascending.

    `allowed` uint8 (r): 0 rows are left out; without it, those that are not live.
    """
    kept = fields.live if allowed is None else allowed
    surest = np.argsort(-probe.reliability.astype(np.int64), kind="stable")
    surest = surest[probe.reliability[surest] > 0]
    votes = np.zeros(index.rows, np.uint8)
    _vote(probe.codes, probe.angle, surest, index.bits, index.starts, index.postings, np.int64(budget), votes)
    share = (16.0 * (64.0 / (np.arange(256) + 64.0)) ** parameters.INDEX_COUNT_POWER).astype(np.float32)
    found = np.empty(max(0, min(wanted, index.rows)), np.int64)
    size = _most_voted(votes, fields.count[: index.rows], kept[: index.rows], share, np.int64(len(found)), found)
    newer = index.rows + np.flatnonzero(kept[index.rows :])
    return np.concatenate([found[:size], newer])
