"""pact: what two agencies agreed, and the proof that they kept it. No input or output happens here.

    agreement   the document's terms, its clauses, its differences        terms, strict: its schema and its reading
    proposal    a document from the model's terms and two parties         signed: both signatures, made and verified
    gate        a query, request or release + the agreement → Accepted | Refused
    lifecycle   a conversation's states and steps, as one table           wording: the texts in both languages
    keys message ledger                                                   what travels, and what proves that it did

The gate itself is `mithaq.pact.gate.gate`, since the package has a module of that name. The names below load their
module when they are first used, so that a program pays only for what it uses.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mithaq.pact.agreement import Agreement as Agreement
    from mithaq.pact.agreement import active as active
    from mithaq.pact.agreement import candidate_cap as candidate_cap
    from mithaq.pact.agreement import clause_text as clause_text
    from mithaq.pact.agreement import difference as difference
    from mithaq.pact.agreement import parse_agreement as parse_agreement
    from mithaq.pact.agreement import threshold_fmr as threshold_fmr
    from mithaq.pact.gate import Accepted as Accepted
    from mithaq.pact.gate import Chain as Chain
    from mithaq.pact.gate import Offence as Offence
    from mithaq.pact.gate import QueryFacts as QueryFacts
    from mithaq.pact.gate import Refused as Refused
    from mithaq.pact.gate import ReleaseFacts as ReleaseFacts
    from mithaq.pact.gate import RequestFacts as RequestFacts
    from mithaq.pact.gate import gate_release as gate_release
    from mithaq.pact.gate import gate_request as gate_request
    from mithaq.pact.gate import parse_offence as parse_offence
    from mithaq.pact.lifecycle import advance as advance
    from mithaq.pact.proposal import propose as propose
    from mithaq.pact.quota import quota_day as quota_day
    from mithaq.pact.signed import Signed as Signed
    from mithaq.pact.signed import parse_signed as parse_signed
    from mithaq.pact.signed import sign as sign
    from mithaq.pact.signed import unsigned as unsigned
    from mithaq.pact.signed import verify as verify
    from mithaq.pact.terms import Bilingual as Bilingual
    from mithaq.pact.terms import Clause as Clause
    from mithaq.pact.terms import Party as Party

_HOMES = {
    "agreement": ("Agreement", "active", "candidate_cap", "clause_text", "difference", "parse_agreement",
                  "threshold_fmr"),
    "gate": ("Accepted", "Chain", "Offence", "QueryFacts", "Refused", "ReleaseFacts", "RequestFacts",
             "gate_release", "gate_request", "parse_offence", "quota_day"),
    "lifecycle": ("advance",),
    "proposal": ("propose",),
    "signed": ("Signed", "parse_signed", "sign", "unsigned", "verify"),
    "terms": ("Bilingual", "Clause", "Party"),
}  # fmt: skip
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"mithaq.pact.{_HOME[name]}"), name)
