"""ANSI/NIST-ITL transactions: bytes to values and back, the rules they are checked by, the ones that cross the border.

    bytes, XML ──► Transaction ──► check, images, tree, read_query, read_answer
    query_transaction, answer_transaction, error_transaction ──► Transaction ──► bytes

Reading then writing gives the same bytes. No pictures are decoded here, and nothing is read from or written to disk but
the package's own profiles.
"""

from mithaq.record.build import binary_record, new_transaction, tagged_record
from mithaq.record.check import check
from mithaq.record.codec import read_transaction, write_transaction
from mithaq.record.either import read_any
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
from mithaq.record.loss import Loss
from mithaq.record.model import Field, Record, Transaction
from mithaq.record.profile import Profile, load_profile
from mithaq.record.show import Row, tree
from mithaq.record.xml import read_xml, write_xml, xml_chunks

__all__ = [
    "Answer",
    "Field",
    "Finding",
    "Loss",
    "Profile",
    "Query",
    "Record",
    "Row",
    "Transaction",
    "answer_transaction",
    "binary_record",
    "check",
    "error_transaction",
    "images",
    "load_profile",
    "new_transaction",
    "query_transaction",
    "read_answer",
    "read_any",
    "read_query",
    "read_transaction",
    "read_xml",
    "tagged_record",
    "tree",
    "write_transaction",
    "write_xml",
    "xml_chunks",
]
