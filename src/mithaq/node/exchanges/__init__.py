"""The exchanges beside a query: each a matter with an id that both nodes share, a state, a deadline, and signed acts.

    an officer's act ─► matter + ledger entry + notice ──► the partner's node: matter + ledger entry ─► an officer's act
                              └─ one transaction ─┘               └─ FOLLOWS[about] ─┘

`matters` is the common ground; `held` how supplied data stand, are used and handed on; `correction` demands, wrong data,
withdrawals and false hits; `supply` data that nobody asked for; `onward` the supplier's consent; `access` a person's own
request; `incidents` breaches, and errors found in the own file.
"""

from collections.abc import Callable, Mapping
from typing import Any

from mithaq.node.exchanges import access, correction, incidents, onward, supply

# What follows from a partner's notice: (tx, node, agreement, opened, terms) -> what its ledger entry says besides.
FOLLOWS: Mapping[str, Callable[..., dict[str, Any]]] = {
    **supply.FOLLOWS,
    **correction.FOLLOWS,
    **onward.FOLLOWS,
    **access.FOLLOWS,
    **incidents.FOLLOWS,
}

__all__ = ["FOLLOWS", "access", "correction", "incidents", "onward", "supply"]
