"""Checking a node's ledger: nothing that is stored of it is believed until it was computed again.

1. The tree, from its entries; each body against its commitment; each stored hash; every checkpoint anyone signed
   (`pact.ledger.verify_ledger`).
2. Each message that was sent has the partner's receipt for exactly its bytes; each message is logged.
3. Each officer's act has that officer's signature.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mithaq.errors import TrustError
from mithaq.node import officers
from mithaq.node.gateway import Node
from mithaq.node.outgoing import manifest_of
from mithaq.node.store import Tx, conversations, ledger, matters, messages, oversight, references, retention
from mithaq.node.store.life import events_with
from mithaq.pact.credential import parse_credential, verify_act
from mithaq.pact.entries import read_entry
from mithaq.pact.keys import Vkey
from mithaq.pact.ledger import verify_ledger
from mithaq.pact.message import partner_of
from mithaq.pact.receipt import verify_receipt
from mithaq.pact.rotation import ever_signed, ledger_keys
from mithaq.pact.terms import Jwk

_LOGGED = ("withdrawal", "exposure-override")  # acts that stand in the ledger alone


@dataclass(frozen=True, slots=True)
class Report:
    """What `mithaq ledger verify` prints. `agrees` is True where nothing was found that does not fit.

    `cosigned` holds, by partner, the size up to which the partner vouches for this ledger; past it only this node's own
    word stands, and that is said.
    """

    node: str
    size: int
    head: str
    erased: int
    cosigned: Mapping[str, int]
    problems: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """True where nothing was found that does not fit."""
        return not self.problems

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON values."""
        return {
            "node": self.node,
            "size": self.size,
            "head": self.head,
            "agrees": self.agrees,
            "erased": self.erased,
            "cosigned": dict(self.cosigned),
            "problems": list(self.problems),
        }


def verify(node: Node) -> Report:
    """Check the whole ledger; a problem is a sentence in the report, never an exception."""
    agreements = node.agreements.all()
    told = {partner: node.told(partner) for partner in node.agreements.partners()}
    own = [key for one in agreements for key in ledger_keys(one, node.party, told[one.other(node.party)], ever=True)]
    partners: dict[str, list[Vkey]] = {}
    for one in agreements:
        partner = one.other(node.party)
        partners.setdefault(partner, []).extend(ledger_keys(one, partner, told[partner], ever=True))
    with node.database.read() as tx:
        notes = [found for partner in partners if (found := ledger.find_note(tx, node.party, partner))]
        report = verify_ledger(
            ledger.entries(tx),
            own_keys=own,
            checkpoints=[found.note for found in notes],
            partner_keys=[key for keys in partners.values() for key in keys],
            get=ledger.NodeReader(tx),
        )
        problems = [f"{finding.code} at {finding.place}: {finding.problem}" for finding in report.findings]
        if ledger.ledger_size(tx) != report.size:
            problems.append(f"the ledger says {ledger.ledger_size(tx)} entries and has {report.size}")
        problems += _check_messages(tx, node)
        problems += _check_acts(tx)
        problems += [text for partner in partners for text in _check_declared(tx, node, partner)]
    cosigned = {
        partner: max((report.cosigned.get(key.name, 0) for key in keys), default=0)
        for partner, keys in partners.items()
    }
    return Report(node.party, report.size, report.root.hex(), report.erased, cosigned, tuple(problems))


def _check_messages(tx: Tx, node: Node) -> list[str]:
    logged = _logged(tx)
    found = []
    for message in messages.receipted_messages(tx, "out"):
        try:
            agreement = node.agreements.by_id(message.agreement)
            verify_receipt(
                message.receipt or b"",
                ever_signed(partner_of([agreement], message.partner), events_with(tx, message.partner)),
                manifest=manifest_of(message),
                digest=message.digest,
                now=node.clock(),
            )
        except TrustError as error:
            found.append(f"message {message.id}: {error.problem}")
        if message.digest not in logged["sent"]:
            found.append(f"message {message.id} was sent but its sending is not in the ledger")
    for message in messages.receipted_messages(tx, "in"):
        if message.digest not in logged["received"]:
            found.append(f"message {message.id} was received but that is not in the ledger")
    return found


def _check_acts(tx: Tx) -> list[str]:
    known = {officer.id: parse_credential(officer.credential).public for officer in references.list_officers(tx)}
    found = []
    for act in [*conversations.all_acts(tx), *matters.acts(tx)]:
        if act.kind in ("request-kept", "holder-conclusion", "outcome-kept"):
            continue  # the partner's own word: its officers' keys are not ours to check
        try:
            terms = verify_act(act.signed, known[act.officer])
            if (terms.get("act"), terms.get("conversation")) != (act.kind, act.conversation):
                found.append(f"act {act.id} was signed for another step")
        except (TrustError, KeyError):
            found.append(f"act {act.id} lacks its officer's signature")
    kept = [(kind, "", signed) for kind, signed in retention.signed_acts(tx)]
    for kind, officer, signed in [*oversight.signed_acts(tx), *kept]:
        try:
            if verify_act(signed, known[officer or officers.officer_of(signed)]).get("act") != kind:
                found.append(f"an act {kind} was signed for another step")
        except (TrustError, KeyError, ValueError, IndexError):
            found.append(f"an act {kind} lacks its officer's signature")
    return found + _check_logged_acts(tx, known)


def _check_logged_acts(tx: Tx, known: Mapping[str, Jwk]) -> list[str]:
    """Withdrawals and overrides of records, whose signed act stands in the entry itself (REQ-025)."""
    found = []
    for index, _, _, body in ledger.dated_bodies(tx, ("withdrawn", "exposure-changed")):
        try:
            data = dict(read_entry(body).data) if body else {}
            if "signed" not in data:
                continue  # erased, a rule's or a system's doing
            terms = verify_act(data["signed"], known[data["by"]])
            if (terms["officer"], [terms["reference"]]) != (data["by"], data["references"]) or terms[
                "act"
            ] not in _LOGGED:
                found.append(f"the act in entry {index} was signed for another step")
        except (TrustError, KeyError):
            found.append(f"the act in entry {index} lacks its officer's signature")
    return found


def _check_declared(tx: Tx, node: Node, partner: str) -> list[str]:
    """Each declaration of ours about the agreement has the signatures of its officers (REQ-163, REQ-131)."""
    known = {officer.id: parse_credential(officer.credential).public for officer in references.list_officers(tx)}
    found = []
    for event in events_with(tx, partner):
        for act in event.acts:
            try:
                terms = verify_act(act, known[officers.officer_of(act)])
                if (terms.get("act"), terms.get("terms")) != (event.about, event.terms):
                    found.append(f"declaration {event.id} was signed for another one")
            except (TrustError, KeyError):
                found.append(f"declaration {event.id} lacks its officer's signature")
        if event.by == node.party and not event.acts:
            found.append(f"declaration {event.id} has no signature")
    return found


def _logged(tx: Tx) -> dict[str, set[str]]:
    """Digests of the messages whose sending and whose arrival the ledger holds."""
    result: dict[str, set[str]] = {"sent": set(), "received": set()}
    for entry in ledger.entries(tx):
        if entry.body is None:
            continue
        try:
            read = read_entry(entry.body)
        except TrustError:
            continue  # reported by `verify_ledger` already
        what = read.kind.rpartition("-")[2]
        if what in result and "digest" in read.data and read.kind != "receipt-received":
            result[what].add(read.data["digest"])
    return result


def disagreements(a: Node, b: Node) -> list[str]:
    """What two nodes' ledgers do not agree on: a message delivered by one stands in both, under the same digest."""
    found = []
    for sender, receiver in ((a, b), (b, a)):
        with sender.database.read() as tx:
            sent = {one.digest for one in messages.receipted_messages(tx, "out") if one.partner == receiver.party}
            sent &= _logged(tx)["sent"]
        with receiver.database.read() as tx:
            came = {one.digest for one in messages.receipted_messages(tx, "in") if one.partner == sender.party}
            came &= _logged(tx)["received"]
        found += [
            f"{receiver.party} has no entry for a message of {sender.party}: {d[:16]}" for d in sorted(sent - came)
        ]
        found += [
            f"{sender.party} has no receipt for a message at {receiver.party}: {d[:16]}" for d in sorted(came - sent)
        ]
    return found
