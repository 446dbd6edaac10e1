"""A transaction against itself: what several fields, or a field and the data, must say alike.

    Transaction ──cross_faults──► PlacedFault, PlacedFault, ...
                 pictures and their data (`picture_faults`) · minutiae and their pictures (`minutiae`)
                 positions and impressions · hashes · one Type-1 record

Payloads are not decoded: their headers are read, and where the caller hands in a decoder, it is asked instead. Not done
here: weighing what is found (`faults`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from mithaq.record.checks.faults import PlacedFault
from mithaq.record.checks.minutiae import minutiae_faults
from mithaq.record.checks.picture_faults import picture_faults
from mithaq.record.checks.pictures import Decoder, pictures
from mithaq.record.model import UNUSED_POSITION, Field, Record, Transaction, number_in

# Positions (FGP) that each type may hold. Types 3 to 6 and 13 to 15 after the draft of Update 2013, 19 after the code table.
_FINGERS = frozenset(range(16))
_PALMS = frozenset((*range(20, 39), *range(81, 85)))
_SOLES = frozenset(range(60, 80))
_POSITIONS = {
    **dict.fromkeys((3, 4, 5, 6), _FINGERS),
    13: _FINGERS | _PALMS | _SOLES | frozenset((16, 17, 18, 19, *range(40, 51))),
    14: _FINGERS | frozenset((16, 17, 18, 19, 33, 36, *range(40, 51))),
    15: _PALMS,
    19: _SOLES,
}
_PALM_IMPRESSIONS = frozenset(range(10, 16))
_SOLE_IMPRESSIONS = frozenset(range(30, 36))
_LATENT_IMPRESSIONS = frozenset((4, 5, 6, 7, 12, 13, 14, 15, *range(32, 40)))
_ROLLED = frozenset((1, 3, 21, 23, 25, 27, 41))
_PLAIN_ONLY = frozenset((11, 12, 13, 14, 15))  # plain thumbs, and several fingers at once

CROSS_REMEDIES = {
    "compression": "state the compression that the picture has",
    "length": "state the picture's true size",
    "size": "state the picture's true size",
    "bits": "state the picture's true depth",
    "scale": "state the resolution, alike on both axes",
    "resolution": "scan again, or state the true resolution",
    "scanning": "state the resolution of the binary pictures in 1.011 and 1.012",
    "comment": "find out which of the two is true",
    "position": "mend the position, or use the type of record that holds it",
    "impression": "mend the impression or the position",
    "segment": "mend the segment's coordinates",
    "minutiae": "mend the coordinates, or the size that they refer to",
    "count": "count again",
    "picture": "send the picture too, or give the minutiae its IDC",
    "hash": "ask the sender again: the data, or its hash, was changed",
    "first": "send each transaction in a file of its own",
}


def cross_faults(tx: Transaction, decode: Decoder | None = None) -> Iterator[PlacedFault]:
    """Everything within the transaction that does not agree."""
    found = pictures(tx, decode)
    for index, record in enumerate(tx.records[1:], 2):
        if record.type == 1:
            yield PlacedFault("first", "REC-149", index, 1, "a second Type-1 record", "one Type-1 record")
        yield from _positions(index, record)
        yield from _hash(index, record)
    yield from picture_faults(tx, found)
    yield from minutiae_faults(tx, found)


def _positions(index: int, record: Record) -> Iterator[PlacedFault]:
    allowed = _POSITIONS.get(record.type)
    number = 4 if record.is_binary else 13
    part = record.field(number)
    if allowed is None or part is None:
        return
    impression = record.integer(3)
    for at, code in enumerate(_codes(part), 1):
        if code is None:
            continue  # a finding of the field's own rule
        if code not in allowed:
            said = "the position is none that a record of this type holds"
            yield PlacedFault("position", "REC-144", index, number, said, "another position", subfield=at)
        elif impression is not None and (problem := _contradiction(record.type, impression, code)):
            yield PlacedFault("impression", "REC-145", index, 3, *problem)


def _contradiction(record_type: int, impression: int, position: int) -> tuple[str, str] | None:
    """What is odd about an impression at a position, and what was expected; None where nothing is."""
    if impression in _PALM_IMPRESSIONS and position not in _PALMS | {18}:
        return "an impression of a palm stands with a position that is none", "a palm position"
    if impression in _SOLE_IMPRESSIONS and position not in _SOLES | {18}:
        return "an impression of a sole stands with a position that is none", "a plantar position"
    if impression in _ROLLED and position in _PLAIN_ONLY:
        return "a rolled impression stands with a position of plain prints", "a plain impression"
    if impression in _LATENT_IMPRESSIONS and record_type not in (13, 19):
        return "a latent impression stands in a record of known prints", "a Type-13 record"
    return None


def _codes(part: Field) -> list[int | None]:
    if part.is_binary_item:
        return [code for code in part.value if code != UNUSED_POSITION]
    return [number_in(items[0]) for items in part.pieces]


def _hash(index: int, record: Record) -> Iterator[PlacedFault]:
    stated, data = record.field(996), record.data
    if stated is None or not data or record.is_binary or len(stated.value) != 64:
        return
    if bytes(stated.value).lower() != hashlib.sha256(data).hexdigest().encode():
        said = "the hash is not that of the data"
        yield PlacedFault("hash", "REC-150", index, 996, said, "the SHA-256 of x.999", "another")
