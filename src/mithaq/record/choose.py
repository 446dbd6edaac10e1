"""Which profile a transaction was made for, by what its Type-1 record says, with the reason in words.

    1.013 DOM, 1.004 TOT ──profile_for──► ("ebts-9.1", "its domain NORAM and transaction CAR are the profile's")

Not done here: loading it with a partner's override, checking (`profile`, `check`).
"""

from __future__ import annotations

from mithaq.record.model import Transaction
from mithaq.record.profile import load_profile, profile_names
from mithaq.record.rules.file import BASE


def profile_for(tx: Transaction) -> tuple[str, str]:
    """Name of the profile and why: the one that has both domain and transaction, of several the one of the same version;
    else, where no domain is stated, the only one that has the transaction; else the standard itself.
    """
    (domain, version), tot = tx.domain, tx.tot or ""
    profiles = [load_profile(name) for name in profile_names() if name != BASE]
    ours = [one for one in profiles if tot in one.transactions and (not domain or one.domain[:1] == (domain,))]
    if len(ours) > 1 and domain:
        ours = [one for one in ours if _major(one.domain[1:]) == _major((version,))] or ours
    if len(ours) == 1:
        said = f"its domain {domain} and " if domain else "it states no domain, and "
        return ours[0].name, said + (f"transaction {tot} are the profile's" if domain else f"only there is {tot} known")
    if ours:
        return BASE, f"several profiles have the transaction {tot}: {', '.join(one.name for one in ours)}"
    return BASE, "no profile has its domain and transaction"


def _major(version: tuple[str, ...]) -> str:
    """What "4.22", "0600" and "06.00" begin with: 4, 6 and 6."""
    return "".join(version).lstrip("0")[:1]
