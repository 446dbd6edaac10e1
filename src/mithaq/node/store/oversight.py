"""Questions about oversight: summaries of statistics, checks of lawfulness, extracts for an authority."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import delete, insert, select, update

from mithaq.node.store.database import Tx
from mithaq.node.store.tables import check_items, checks, extracts, summaries


@dataclass(frozen=True, slots=True)
class StoredSummary:
    """One party's figures of a period; `whose` is "ours" or "theirs", `signed` our officer's act."""

    partner: str
    start: str
    end: str
    whose: str
    figures: Mapping[str, Any]
    signed: str
    at: str


@dataclass(frozen=True, slots=True)
class Check:
    """How a sample was drawn: the seed, from how many queries of which period, of a ledger of which size, by whom."""

    id: str
    seed: str
    start: str
    end: str
    population: int
    ledger_size: int
    officer: str
    signed: str
    at: str


@dataclass(frozen=True, slots=True)
class CheckItem:
    """One query of a sample; what the check found is None until it was done."""

    check: str
    position: int
    conversation: str
    outcome: str | None = None
    ground: str | None = None
    officer: str | None = None
    signed: str | None = None
    at: str | None = None


@dataclass(frozen=True, slots=True)
class Extract:
    """An extract that an authority asked for, with its clock."""

    id: str
    authority: str
    selection: Mapping[str, Any]
    asked_at: str
    due_at: str
    officer: str
    signed: str
    given_at: str | None = None
    given_by: str | None = None
    digest: str | None = None


def keep_summary(tx: Tx, summary: StoredSummary) -> None:
    """Keep a party's figures, in place of what it stated of that period before."""
    columns = summaries.c
    tx.execute(
        delete(summaries).where(
            columns.partner == summary.partner, columns.start == summary.start, columns.end == summary.end,
            columns.whose == summary.whose,
        )
    )  # fmt: skip
    tx.execute(insert(summaries).values(_values(summary)))


def list_summaries(tx: Tx) -> list[StoredSummary]:
    """All summaries, by partner and period, ours before theirs."""
    rows = select(*summaries.c).order_by(summaries.c.partner, summaries.c.start, summaries.c.end, summaries.c.whose)
    return [StoredSummary(*row) for row in tx.execute(rows)]


def add_check(tx: Tx, check: Check, items: list[CheckItem]) -> None:
    """Keep a sample as it was drawn."""
    tx.execute(insert(checks).values(_values(check)))
    for item in items:
        tx.execute(insert(check_items).values(_values(item)))


def list_checks(tx: Tx) -> list[Check]:
    """All samples, newest first."""
    return [Check(*row) for row in tx.execute(select(*checks.c).order_by(checks.c.at.desc(), checks.c.id))]


def find_check(tx: Tx, check_id: str) -> Check | None:
    """The sample of that id, or None."""
    row = tx.execute(select(*checks.c).where(checks.c.id == check_id)).first()
    return Check(*row) if row else None


def items_of(tx: Tx, check_id: str) -> list[CheckItem]:
    """The queries of a sample, in the ledger's order."""
    rows = select(*check_items.c).where(check_items.c.check == check_id).order_by(check_items.c.position)
    return [CheckItem(*row) for row in tx.execute(rows)]


def keep_result(tx: Tx, item: CheckItem) -> bool:
    """Keep what the check of one query found; False where there is a result already."""
    where = (check_items.c.check == item.check) & (check_items.c.position == item.position)
    statement = update(check_items).where(where, check_items.c.outcome.is_(None)).values(_values(item))
    return bool(tx.execute(statement).rowcount)


def add_extract(tx: Tx, extract: Extract) -> None:
    """Keep an authority's request."""
    tx.execute(insert(extracts).values(_values(extract)))


def list_extracts(tx: Tx) -> list[Extract]:
    """All requests for extracts, by when they are due."""
    return [Extract(*row) for row in tx.execute(select(*extracts.c).order_by(extracts.c.due_at, extracts.c.id))]


def find_extract(tx: Tx, extract_id: str) -> Extract | None:
    """The request of that id, or None."""
    row = tx.execute(select(*extracts.c).where(extracts.c.id == extract_id)).first()
    return Extract(*row) if row else None


def extract_given(tx: Tx, extract_id: str, **values: str) -> None:
    """Keep when, by whom and with what content an extract was handed over."""
    tx.execute(update(extracts).where(extracts.c.id == extract_id).values(values))


def signed_acts(tx: Tx) -> list[tuple[str, str, str]]:
    """Every act of oversight: (act, officer, signature)."""
    drawn = [("check-drawn", one.officer, one.signed) for one in list_checks(tx)]
    rows = select(check_items.c.officer, check_items.c.signed).where(check_items.c.outcome.is_not(None))
    done = [("check-done", str(row.officer), str(row.signed)) for row in tx.execute(rows)]
    return drawn + done + [("extract-asked", one.officer, one.signed) for one in list_extracts(tx)]


def _values(stored: Any) -> dict[str, Any]:
    return {f.name: getattr(stored, f.name) for f in fields(stored)}
