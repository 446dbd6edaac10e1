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

__all__ = [
    "Database",
    "Tx",
    "compact",
    "create_database",
    "create_identities",
    "lock_ledger",
    "open_database",
    "open_identities",
]
