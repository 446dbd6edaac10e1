"""The roles of a node's officers, which of them one person may not hold together, and who may do what.

    examiner · officer · supervisor   work on cases      protection-officer · auditor   look at what they did
    administrator                     keeps the register

Whoever looks at the work has no part in it, and whoever gives rights uses none: each of the three on the right and below
stands alone. The steps ask (`officers.unlock`, `officers.authorised`); a page only shows what they answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

WORKING = ("examiner", "officer", "supervisor")
ALONE = ("protection-officer", "auditor", "administrator")
ROLES = (*WORKING, *ALONE)

# What an officer does beside the steps of a conversation, and the roles that may.
DUTIES: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "query": WORKING,  # REQ-003
    "cases": WORKING,  # to see conversations and prints; who looks on reads the log
    "statistics": ("supervisor", "protection-officer", "auditor"),  # REQ-150, REQ-151
    "reconcile": ("supervisor", "protection-officer"),  # it sends a notice, so no auditor
    "register": ("supervisor", "protection-officer", "auditor", "administrator"),  # REQ-004
    "appoint": ("administrator",),
    "read-log": ("protection-officer", "auditor"),  # REQ-112
    "check": ("protection-officer",),  # REQ-143
    "see-checks": ("protection-officer", "auditor"),
    "extract": ("protection-officer",),  # REQ-113
    "review": ("protection-officer", "auditor"),  # REQ-152
})  # fmt: skip


def conflict(roles: Iterable[str]) -> str:
    """The role that excludes the others of this set (REQ-120, REQ-144); "" where one person may hold them all."""
    held = set(roles)
    return next((role for role in ALONE if role in held and len(held) > 1), "")


__all__ = ["ALONE", "DUTIES", "ROLES", "WORKING", "conflict"]
