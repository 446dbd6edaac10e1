"""Everything a node remembers. The only room that speaks SQL: elsewhere a transaction is only handed on."""

from mithaq.node.store.database import (
    Database,
    Tx,
    compact,
    create_database,
    create_identities,
    lock_ledger,
    open_database,
    open_identities,
)
from mithaq.node.store.record_keys import RecordKeys, create_record_keys, open_record_keys

__all__ = [
    "Database",
    "RecordKeys",
    "Tx",
    "compact",
    "create_database",
    "create_identities",
    "create_record_keys",
    "lock_ledger",
    "open_database",
    "open_identities",
    "open_record_keys",
]
