"""Which profile a transaction was made for, by what its Type-1 record says, with the reason in words.

    1.013 DOM, 1.004 TOT ──profile_for──► ("ebts-9.1", "its domain NORAM and transaction CAR are the profile's")

Not done here: loading it with a partner's override, checking (`profile`, `check`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from mithaq.record import profile as shelf
from mithaq.record.model import Transaction
from mithaq.record.profile import load_profile

BASE = "base-2015"
OWN = "mithaq-1"


def profile_for(tx: Transaction) -> tuple[str, str]:
    """Name of the profile and why: the one that has both domain and transaction; else, where no domain is stated, the
    only one that has the transaction; else the standard itself.
    """
    domain, tot = domain_of(tx), tx.tot or ""
    profiles = [load_profile(name) for name in names() if name != BASE]
    ours = [one.name for one in profiles if tot in one.transactions and (not domain or one.domain[:1] == (domain,))]
    if len(ours) == 1:
        said = f"its domain {domain} and " if domain else "it states no domain, and "
        return ours[0], f"{said}transaction {tot} are the profile's" if domain else f"{said}only there is {tot} known"
    base = BASE if BASE in names() else OWN
    if len(ours) > 1:
        return base, f"several profiles have the transaction {tot}: {', '.join(ours)}"
    return base, "no profile has its domain and transaction"


def domain_of(tx: Transaction) -> str:
    """The first item of 1.013 DOM; "" where there is none."""
    found = tx.records[0].field(13)
    return "" if found is None else str(found.value[:64], "ascii", "replace").split("\x1e")[0].split("\x1f")[0]


@cache
def names() -> tuple[str, ...]:
    """The profiles that the package ships."""
    known: Callable[[], tuple[str, ...]] | None = getattr(shelf, "profile_names", None)
    return (OWN,) if known is None else known()
