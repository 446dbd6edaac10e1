"""The fingers that a transaction declares missing, with the reason: x.018 AMP of Type-14 records, and 2.084 of EBTS files.

Not done here: whether the pictures agree (`mithaq.finger.slap`, `mithaq.finger.sequence`).
"""

from __future__ import annotations

from mithaq.record.model import Transaction, number_in
from mithaq.units import FingerPosition

_FIELDS = ((14, 18), (2, 84))
_CODES = ("XX", "UP", "SR")


def missing_fingers(tx: Transaction) -> dict[FingerPosition, str]:
    """Position 1 to 10 -> XX amputated or partial, UP unable to print, SR scar. What is not of that form is left out.

    2.084 is read where it has the form of an AMP field, since Type-2 belongs to each domain and another one may use the
    number otherwise.
    """
    found: dict[FingerPosition, str] = {}
    for record in tx.records:
        for record_type, number in _FIELDS:
            field = record.field(number) if record.type == record_type and not record.is_binary else None
            if field is None or len(field.value) > 256:
                continue
            for items in field.pieces:
                position = number_in(items[0])
                code = items[1].decode("ascii", "replace").strip() if len(items) > 1 else ""
                if position is not None and 1 <= position <= 10 and code in _CODES:
                    found[FingerPosition(position)] = code
    return found
