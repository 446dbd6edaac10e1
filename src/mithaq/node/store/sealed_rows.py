"""Every sealed record of the two databases, by the label under which it is sealed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, select, update

from mithaq.node.store.database import Tx
from mithaq.node.store.tables import persons, prints, received, reference_prints


@dataclass(frozen=True, slots=True)
class SealedKind:
    """A table of sealed records, and the label of a row."""

    table: Table
    label: Callable[[Any], str]


PRINTS = (
    SealedKind(prints, lambda row: f"print:{row.conversation}:{row.id}"),
    SealedKind(reference_prints, lambda row: f"reference:{row.reference}:{row.position}:{row.impression}"),
)
IDENTITIES = (
    SealedKind(persons, lambda row: f"person:{row.reference}"),
    SealedKind(received, lambda row: f"released:{row.conversation}"),
)


def rows(tx: Tx, kind: SealedKind) -> list[tuple[Sequence[Any], str, bytes]]:
    """(primary key, label, sealed bytes) of every row."""
    keys = list(kind.table.primary_key.columns)
    return [
        (tuple(getattr(row, column.name) for column in keys), kind.label(row), bytes(row.sealed))
        for row in tx.execute(select(kind.table))
    ]


def replace(tx: Tx, kind: SealedKind, key: Sequence[Any], sealed: bytes) -> None:
    """Set the sealed bytes of one row."""
    statement = update(kind.table)
    for column, value in zip(kind.table.primary_key.columns, key, strict=True):
        statement = statement.where(column == value)
    tx.execute(statement.values(sealed=sealed))
