"""What the demonstration shows beside queries: an amendment, a correction and an erasure, each with its effect seen.

refused query ─► amendment signed by both ─► the same query passes
released data ─► the supplier demands a correction ─► the receiver holds the right value
released data ─► the supplier takes them back ─► erased there, and the certificate verifies here
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mithaq.demo.agencies import PASSPHRASE
from mithaq.errors import FormatError, PartnerError
from mithaq.node import certificates
from mithaq.node.exchanges import correction, held, matters
from mithaq.node.gateway import Node
from mithaq.node.store.matters import Matter
from mithaq.pact.agreement import Agreement
from mithaq.pact.gate import Refused
from mithaq.pact.proposal import next_version
from mithaq.pact.signed import sign, unsigned

OFFICER: Final = {"officer": "officer-1", "passphrase": PASSPHRASE}
Wait = Callable[[str, Callable[[], bool]], None]


@dataclass(frozen=True, slots=True)
class Duty:
    """One duty that the demonstration promised, whether its effect was seen, and what was seen."""

    what: str
    is_done: bool
    detail: str


def amend(nodes: Mapping[str, Node], *, offence: str, months: int) -> Agreement:
    """Both parties sign and install the next version, which lists one more offence; in force at once."""
    first = next(iter(nodes.values()))
    partner = next(code for code in nodes if code != first.party)
    now = first.clock()
    present = first.agreements.current(partner, now)
    listed = [{"category": offence, "min_max_penalty_months": months}]
    document = next_version(present, valid_from=now, valid_to=present.valid_to, crime={"listed": listed})
    signed = unsigned(document)
    for code, node in nodes.items():
        key = node.keys.sign
        signed = sign(signed, code, signer=key.sign, thumbprint=key.thumbprint, at=node.clock())
    for node in nodes.values():
        node.agreements.install(signed.to_bytes())
    return first.agreements.current(partner, first.clock())


def correct(supplier: Node, receiver: Node, conversation: str, wait: Wait) -> Duty:
    """The supplier demands that a value be corrected; an officer of the receiver does it, and both sides know."""
    right = {"birth_place": "Corrected place (demonstration)"}
    demand = correction.demand(
        supplier, conversation, action="correct", fault="wrong", explanation="demonstration", data=right, **OFFICER
    )
    matter = _matter(demand)
    wait("the demand", lambda: _is_there(receiver, matter.id))
    correction.meet(receiver, matter.id, **OFFICER)
    wait("the word that it is corrected", lambda: matters.find(supplier, matter.id).state == "done")
    opened = held.use(receiver, conversation, use="criminal-investigation", **OFFICER)
    value: Any = None if isinstance(opened, Refused) else opened.data.get("birth_place")
    return Duty("correction", value == right["birth_place"], f"{supplier.party} → {receiver.party}: birth_place")


def take_back(supplier: Node, receiver: Node, conversation: str, wait: Wait) -> Duty:
    """The supplier takes released data back: erased at the receiver on arrival, with a certificate that verifies here."""
    _matter(correction.withdraw(supplier, conversation, fault="unlawful", explanation="demonstration", **OFFICER))
    wait("the deletion certificate", lambda: bool(_certified(supplier, conversation)))
    gone = not receiver.released(conversation)
    (certificate,) = _certified(supplier, conversation)
    return Duty(
        "erasure", gone, f"{receiver.party} erased it; certificate {certificate[:12]} verified at {supplier.party}"
    )


def _certified(node: Node, conversation: str) -> list[str]:
    return [
        kept.id
        for kept, deletion in certificates.everything(node)
        if kept.direction == "in" and kept.conversation == conversation and deletion is not None
    ]


def _matter(found: Matter | Refused) -> Matter:
    if isinstance(found, Refused):
        raise PartnerError("DEM-020", f"a step of the demo was refused ({found.reason})", may_retry=False)
    return found


def _is_there(node: Node, matter: str) -> bool:
    try:
        return bool(matters.find(node, matter).id)
    except FormatError:
        return False
