"""Questions about exposure: the last decision for each record, and the rule's versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import delete, insert, select

from mithaq.node.store.database import Tx
from mithaq.node.store.tables import exposure_rules, exposures


@dataclass(frozen=True, slots=True)
class Exposure:
    """The last decision for a record: exposed or not, the override ("" for none), and why."""

    reference: str
    exposed: bool
    override: str
    reason: str
    changed_at: str


@dataclass(frozen=True, slots=True)
class StoredRule:
    """A version of the exposure rule, signed by its author."""

    version: int
    rule: Mapping[str, Any]
    author: str
    signed: str
    at: str


_EXPOSURE = [exposures.c[f.name] for f in fields(Exposure)]


def find(tx: Tx, reference: str) -> Exposure | None:
    """The last decision for a record, or None where there never was one."""
    row = tx.execute(select(*_EXPOSURE).where(exposures.c.reference == reference)).first()
    return Exposure(*row) if row else None


def keep(tx: Tx, exposure: Exposure) -> None:
    """Replace the decision for a record."""
    forget(tx, exposure.reference)
    tx.execute(insert(exposures).values({f.name: getattr(exposure, f.name) for f in fields(Exposure)}))


def forget(tx: Tx, reference: str) -> None:
    """Forget the decision for a record that is withdrawn."""
    tx.execute(delete(exposures).where(exposures.c.reference == reference))


def hidden(tx: Tx, references: Sequence[str]) -> set[str]:
    """Those of the references that are hidden."""
    wanted = exposures.c.reference.in_(references) & exposures.c.exposed.is_(False)
    return set(tx.execute(select(exposures.c.reference).where(wanted)).scalars()) if references else set()


def all_hidden(tx: Tx) -> set[str]:
    """The references of all records that are hidden."""
    return set(tx.execute(select(exposures.c.reference).where(exposures.c.exposed.is_(False))).scalars())


def newest(tx: Tx, *, limit: int) -> list[Exposure]:
    """Decisions, newest first."""
    statement = select(*_EXPOSURE).order_by(exposures.c.changed_at.desc(), exposures.c.reference).limit(limit)
    return [Exposure(*row) for row in tx.execute(statement)]


def newest_rule(tx: Tx) -> StoredRule | None:
    """The rule in force, or None where there never was one."""
    columns = [exposure_rules.c[f.name] for f in fields(StoredRule)]
    row = tx.execute(select(*columns).order_by(exposure_rules.c.version.desc()).limit(1)).first()
    return StoredRule(*row) if row else None


def add_rule(tx: Tx, rule: StoredRule) -> None:
    """Add the next version of the rule."""
    tx.execute(insert(exposure_rules).values({f.name: getattr(rule, f.name) for f in fields(StoredRule)}))
