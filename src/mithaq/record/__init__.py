"""ANSI/NIST-ITL transactions: bytes to values and back, the rules they are checked by, the ones that cross the border.

    bytes ──► Transaction ──► check, images, tree, read_query, read_answer
    query_transaction, answer_transaction, error_transaction ──► Transaction ──► bytes

Reading then writing gives the same bytes. No pictures are decoded here, and nothing is read from or written to disk but
the package's own profiles.
"""

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
from mithaq.record.explain import Explanation, explain
from mithaq.record.findings import Finding
from mithaq.record.images import images
from mithaq.record.model import Field, Record, Transaction
from mithaq.record.new import skeleton
from mithaq.record.profile import Profile, load_profile, profile_names
from mithaq.record.show import Row, tree

__all__ = [
    "Answer",
    "Explanation",
    "Field",
    "Finding",
    "Profile",
    "Query",
    "Record",
    "Row",
    "Transaction",
    "answer_transaction",
    "binary_record",
    "check",
    "error_transaction",
    "explain",
    "images",
    "load_profile",
    "new_transaction",
    "profile_names",
    "query_transaction",
    "read_answer",
    "read_query",
    "read_transaction",
    "skeleton",
    "tagged_record",
    "tree",
    "write_transaction",
]
