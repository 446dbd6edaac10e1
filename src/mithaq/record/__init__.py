"""ANSI/NIST-ITL transactions: bytes to values and back, the rules they are checked by, the ones that cross the border.

    bytes ──► Transaction ──► check, images, tree, read_query, read_answer
    bytes of a template ──read_template──► Minutiae, FingerImage ──write_template──► bytes of another form
    query_transaction, answer_transaction, error_transaction ──► Transaction ──► bytes

Reading then writing gives the same bytes. No pictures are decoded here, and nothing is read from or written to disk but
the package's own profiles.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mithaq.record.build import binary_record, new_transaction, tagged_record
from mithaq.record.check import check
from mithaq.record.codec import read_transaction, write_transaction
from mithaq.record.exchange import (
    Answer,
    Query,
    answer_transaction,
    error_transaction,
    query_transaction,
    read_answer,
    read_query,
)
from mithaq.record.findings import Finding
from mithaq.record.images import images
from mithaq.record.model import Field, Record, Transaction
from mithaq.record.profile import Profile, load_profile
from mithaq.record.show import Row, tree

if TYPE_CHECKING:
    from mithaq.record.interchange import FORMS, TemplateFile, Written, convert_template, read_template, write_template
    from mithaq.record.iso19794_4 import FingerImage
    from mithaq.record.minutiae import CONVENTIONS, Convention, Minutiae, new_minutiae
    from mithaq.record.remarks import Fault, Loss
    from mithaq.record.type9 import picture_of, type9_views
    from mithaq.record.type9_write import type9_record

_LATER = {
    "CONVENTIONS": "minutiae",
    "Convention": "minutiae",
    "FORMS": "interchange",
    "Fault": "remarks",
    "FingerImage": "iso19794_4",
    "Loss": "remarks",
    "Minutiae": "minutiae",
    "TemplateFile": "interchange",
    "Written": "interchange",
    "convert_template": "interchange",
    "new_minutiae": "minutiae",
    "picture_of": "type9",
    "read_template": "interchange",
    "type9_record": "type9_write",
    "type9_views": "type9",
    "write_template": "interchange",
}  # templates: loaded when first used

__all__ = [
    "CONVENTIONS",
    "FORMS",
    "Answer",
    "Convention",
    "Fault",
    "Field",
    "Finding",
    "FingerImage",
    "Loss",
    "Minutiae",
    "Profile",
    "Query",
    "Record",
    "Row",
    "TemplateFile",
    "Transaction",
    "Written",
    "answer_transaction",
    "binary_record",
    "check",
    "convert_template",
    "error_transaction",
    "images",
    "load_profile",
    "new_minutiae",
    "new_transaction",
    "picture_of",
    "query_transaction",
    "read_answer",
    "read_query",
    "read_template",
    "read_transaction",
    "tagged_record",
    "tree",
    "type9_record",
    "type9_views",
    "write_template",
    "write_transaction",
]


def __getattr__(name: str) -> Any:
    home = _LATER.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
