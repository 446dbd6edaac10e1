"""Two whole nodes in one process, with a wire between them that a test can cut, and a clock that it can turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mithaq.errors import PartnerError
from mithaq.node import flow, officers, upkeep, witness
from mithaq.node.gateway import Files, Node
from mithaq.node.initialise import initialise, read_party
from mithaq.node.opening import open_node
from mithaq.node.store import conversations, messages
from mithaq.pact.certificate import certificate_der
from mithaq.pact.proposal import propose
from mithaq.pact.signed import sign, unsigned
from mithaq.units import timestamp

START = datetime(2026, 3, 1, tzinfo=UTC)
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
PASSPHRASE = "a passphrase for tests"
NAMES = {
    "QA": {"en": "A ministry of interior (demonstration)", "ar": "وزارة داخلية (عرض توضيحي)"},
    "US": {"en": "A federal investigation bureau (demonstration)", "ar": "مكتب تحقيقات اتحادي (عرض توضيحي)"},
}


@dataclass
class Clock:
    """The time of both nodes; it moves only when a test moves it."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def turn(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Wire:
    """The way from one node to the other, without a network. `cut` makes it fail; `lost` loses that many receipts."""

    to: Callable[[], Node]
    certificate: bytes
    cut: bool = False
    lost: int = 0
    carried: list[bytes] = field(default_factory=list)

    def deliver(self, sealed: bytes) -> bytes:
        if self.cut:
            raise PartnerError("NOD-042", "the partner cannot be reached", place="test")
        self.carried.append(sealed)
        receipt = flow.receive(self.to(), sealed, self.certificate)
        if self.lost:
            self.lost -= 1
            raise PartnerError("NOD-040", "the partner did not answer in time", place="test")
        return receipt

    def exchange_checkpoint(self, body: bytes) -> tuple[int, str]:
        return witness.co_sign(self.to(), body, self.certificate)


class Pair:
    """Nodes QA and US below a folder, with officers, under one agreement that both signed.

    `listen` gives the partner addresses where the two are also to run as processes of their own.
    """

    def __init__(self, folder: Path, *, listen: Mapping[str, str] | None = None, **terms: Any) -> None:
        self.clock = Clock()
        self.homes = {code: folder / code for code in ("QA", "US")}
        for code, home in self.homes.items():
            initialise(
                home, party=code, contact=f"{code.lower()}-ncp", name=NAMES[code], demonstration=True,
                desk="127.0.0.1:0",
                **({"listen": listen[code]} if listen else {"listen": "127.0.0.1:0", "url": "https://127.0.0.1:1"}),
            )  # fmt: skip
        self.nodes = {code: open_node(home, clock=self.clock) for code, home in self.homes.items()}
        self.signed = self.agree(**terms)
        self.wires = {code: self.wire(code) for code in self.nodes}
        for code, node in self.nodes.items():
            node.posters = {other: self.wires[code] for other in self.nodes if other != code}
            for name, roles in (("examiner-1", ["examiner"]), ("officer-1", ["officer"]), ("officer-2", ["officer"])):
                officers.add(node, name, roles=roles, name=NAMES[code], passphrase=PASSPHRASE)

    def wire(self, sender: str) -> Wire:
        other = next(code for code in self.nodes if code != sender)
        der = certificate_der(Files(self.homes[sender]).certificate.read_bytes())
        return Wire(lambda: self.nodes[other], der)

    def agree(self, **terms: Any) -> bytes:
        """Propose, sign on both sides and install; returns the signed file."""
        parties = dict(read_party((home / "party.json").read_bytes(), place="test") for home in self.homes.values())
        signed = unsigned(propose(parties, valid_from=START, **terms))
        for code, node in self.nodes.items():
            key = node.keys.sign
            signed = sign(signed, code, signer=key.sign, thumbprint=key.thumbprint, at=self.clock())
        for node in self.nodes.values():
            node.agreements.install(signed.to_bytes())
        return signed.to_bytes()

    def run(self) -> None:
        """Do everything that is due on both sides, until nothing is."""
        for _ in range(50):
            if not sum(self.run_once(node) for node in self.nodes.values()):
                return
        raise AssertionError("the two nodes never come to rest")

    def run_once(self, node: Node) -> int:
        now = timestamp(self.clock())
        with node.database.read() as tx:
            due_out = messages.due_messages(tx, now, limit=100)
            due_in = conversations.due_conversations(tx, now, limit=100)
        flow.deliver(node, *due_out)
        for conversation in due_in:
            flow.answer(node, conversation.id)
        return len(due_out) + len(due_in)

    def cosign(self) -> None:
        for node in self.nodes.values():
            upkeep.cosign(node)

    def close(self) -> None:
        for node in self.nodes.values():
            node.close()
