"""mithaq (ميثاق, pact): two agencies query each other's fingerprint files under an agreement that both signed.

The rooms are libraries of their own: `mithaq.record` (ANSI/NIST-ITL files), `mithaq.image`, `mithaq.finger`
(minutiae and comparison), `mithaq.search` (galleries), `mithaq.pact` (agreement, gate, messages, ledger). The few names
below are what most outsiders need; each is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mithaq.errors import MithaqError as MithaqError
    from mithaq.finger import compare as compare
    from mithaq.finger import extract as extract
    from mithaq.record import read_transaction as read_transaction
    from mithaq.record import write_transaction as write_transaction
    from mithaq.search import Gallery as Gallery

__version__ = "0.1.0"

_HOMES = {
    "MithaqError": "errors",
    "compare": "finger",
    "extract": "finger",
    "read_transaction": "record",
    "write_transaction": "record",
    "Gallery": "search",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"mithaq.{_HOMES[name]}"), name)
