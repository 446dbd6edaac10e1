"""What a transaction searches with: tenprints, finger marks, palm marks or palm prints (REQ-023).

    Types 4, 14 ──► TP (LT where the impression is a mark's)    Type 13 ──► LT, LP by its position    Type 15 ──► PP

The records say it, not the envelope; the gate holds it against the search type that was asked for.
"""

from __future__ import annotations

from mithaq.record.images import first_position
from mithaq.record.model import Record, Transaction, number_in

MARKS = frozenset(range(4, 8))  # IMP: latent impression, tracing, photo, lift
PALM_MARKS = frozenset(range(12, 16))
PALMS = frozenset([*range(20, 39), *range(81, 87)])  # FGP


def contents(tx: Transaction) -> str:
    """ "TP", "LT", "LP" or "PP", the first half of a search type; "mixed" where records differ; "" where none has a print."""
    found = {kind for record in tx.records if (kind := _kind(record))}
    return "mixed" if len(found) > 1 else next(iter(found), "")


def _kind(record: Record) -> str:
    if record.type == 15:
        return "PP"
    if record.type not in (4, 13, 14):
        return ""
    impression = record.integer(3) if record.is_binary else _first(record)
    if first_position(record) in PALMS or impression in PALM_MARKS:
        return "LP" if record.type == 13 or impression in PALM_MARKS else "PP"
    return "LT" if record.type == 13 or impression in MARKS else "TP"


def _first(record: Record) -> int | None:
    field = record.field(3)
    return None if field is None else number_in(bytes(field.value[:8]))
