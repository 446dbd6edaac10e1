"""An amendment, a suspension and an extension while 100 conversations are open at every stage, and both nodes keep dying.

    prepare (one process)        then two processes, each killed by SIGKILL at one named point after another
    100 conversations, halted ─► suspended ─► amended ─► resumed ─► extended ─► each is led to its end

A conversation's plan says how it is to end and where it stands when the trouble begins. `lead` does whatever its two
states allow next, as the officers and examiners of both sides would; it knows no other order.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pair import PASSPHRASE, Pair
from serve_order import ORDER
from serve_until import turned
from test_sigkill import BACK, CHILD, HOLDER, REQUESTER, free_port, wait_until

from mithaq.demo.population import make_population
from mithaq.demo.prints import finger, impression
from mithaq.image.write import png_bytes
from mithaq.node import audit, flow, followup, life, officers, received, standing, views
from mithaq.node.enrol import enrol, list_items
from mithaq.node.exchanges import correction
from mithaq.node.initialise import read_party
from mithaq.node.opening import open_gallery, open_node
from mithaq.node.store import conversations, messages
from mithaq.node.store.conversations import Conversation
from mithaq.pact.caveats import Caveat, Handling
from mithaq.pact.credential import Argon2Cost, create_credential
from mithaq.pact.gate import Refused
from mithaq.pact.lifecycle import Conclusion
from mithaq.pact.proposal import propose
from mithaq.pact.signed import sign, unsigned
from mithaq.units import GrayImage, utc_now

pytestmark = [pytest.mark.crash, pytest.mark.slow]

POINTS = {"QA": [*REQUESTER[1:], *BACK], "US": [*HOLDER, *REQUESTER[1:]]}
WIDE = {"TP/TP": {"day": 200}}
BOUND = Handling((Caveat("H2", "protects-a-source", None),))
FIELD = "family_name"
PATIENCE_S = 300.0

# Where a conversation can stand, in order, as (requester's state, holder's state).
WAY = [
    ("prepared", ""), ("sent", "received"), ("candidate", "answered-hit"), ("examined", "answered-hit"),
    ("disagreement", "answered-hit"), ("identified", "answered-hit"), ("request-receipted", "requested"),
    ("request-receipted", "paused"), ("request-receipted", "prepared"), ("released", "released"),
    ("acknowledged", "acknowledged"), ("outcome-asked", "outcome-asked"),
]  # fmt: skip
UNANSWERED = ("prepared", "sent", "delayed")
# How a conversation can end, and how far along the way it comes before that.
ENDS = {
    ("no-hit", "answered-no-hit"): 2,
    ("unsearchable", "answered-unsearchable"): 2,
    ("excluded", "answered-hit"): 5,
    ("inconclusive", "answered-hit"): 5,
    ("release-refused", "closed"): 9,
    ("conditions-declined", "conditions-declined"): 10,
    ("reported", "closed"): 12,
}


@dataclass
class Plan:
    """One conversation: how it ends, where it halts until the trouble begins, and what was refused meanwhile."""

    end: tuple[str, str]
    halt: tuple[str, str] | None
    id: str = ""
    agreement: str = ""
    paused: bool = False
    refused: list[str] = field(default_factory=list)

    @property
    def decision(self) -> Conclusion:
        return Conclusion(self.end[0]) if self.end[0] in ("excluded", "inconclusive") else Conclusion.IDENTIFIED

    @property
    def quarrels(self) -> bool:
        """The second examiner concludes otherwise, and a third decides."""
        return self.halt == ("disagreement", "answered-hit")


def plans(count: int) -> list[Plan]:
    """Every end from every stage on its way, again and again."""
    every = [(end, halt) for end, length in ENDS.items() for halt in WAY[:length]]
    return [Plan(*every[number % len(every)]) for number in range(count)]


class Trouble(Pair):
    """The pair, with a real file at US, a clock that processes share, and a hundred conversations."""

    def __init__(self, folder: Path, **terms: Any) -> None:
        with pytest.MonkeyPatch.context() as patch:  # passphrases that are cheap to try: this is no test of them
            patch.setattr(officers, "create_credential", partial(create_credential, cost=Argon2Cost(1, 64, 1)))
            super().__init__(folder, listen={code: f"127.0.0.1:{free_port()}" for code in ("QA", "US")}, **terms)
            for node in self.nodes.values():
                for number in (2, 3):
                    officers.add(
                        node,
                        f"examiner-{number}",
                        roles=["examiner"],
                        name={"en": "x", "ar": "x"},
                        passphrase=PASSPHRASE,
                    )
        self.folder = folder
        held = make_population(folder / "population", 11, persons=2).holdings["US"]
        with open_gallery(self.nodes["US"]) as gallery:
            enrol(self.nodes["US"], gallery, list_items(held.folder))
        self.pictures = {"no-hit": png_bytes(impression(finger(991), 1)), "unsearchable": flat()}
        self.mate = next(file for file in sorted(held.folder.rglob("*.png"))).read_bytes()

    def ask(self, plan: Plan) -> Plan | Refused:
        sent = flow.submit_query(
            self.nodes["QA"], self.pictures.get(plan.end[0], self.mate), replace(ORDER, ppi=500.0, despite_quality=True)
        )
        if isinstance(sent, Refused):
            return sent
        assert isinstance(sent, Conversation), sent
        plan.id, plan.agreement = sent.id, sent.agreement
        return plan

    def states(self, plan: Plan) -> tuple[str, str]:
        found = []
        for node in self.nodes.values():
            with node.database.read() as tx:
                conversation = conversations.find_conversation(tx, plan.id)
            found.append(conversation.state if conversation else "")
        return found[0], found[1]

    def lead(self, plan: Plan) -> bool:
        """Do what is next in a conversation, if its two sides allow anything; a refusal is kept in the plan."""
        qa, us = self.nodes["QA"], self.nodes["US"]
        one, two = ({"officer": f"officer-{number}", "passphrase": PASSPHRASE} for number in (1, 2))
        asks, holds = self.states(plan)
        done: Any = None
        match asks, holds:
            case "candidate" | "examined" | "disagreement", "answered-hit":
                examiner = ["candidate", "examined", "disagreement"].index(asks) + 1
                decision = plan.decision
                if plan.quarrels and examiner == 2:
                    decision = Conclusion("excluded" if decision is Conclusion.INCONCLUSIVE else "inconclusive")
                reference = views.find(qa, plan.id).candidates[0]
                who = {"officer": f"examiner-{examiner}", "passphrase": PASSPHRASE}
                done = flow.conclude(qa, plan.id, decision=decision, reference=reference, **who)
            case "identified", "answered-hit":
                done = followup.request_data(qa, plan.id, fields=(FIELD,), **one)
            case "request-receipted", "requested" if plan.halt == ("request-receipted", "paused") and not plan.paused:
                done = followup.pause_clock(us, plan.id, **one)
                plan.paused = not isinstance(done, Refused)
            case "request-receipted", "paused":
                done = followup.resume_clock(us, plan.id, **one)
            case "request-receipted", "requested":
                done = followup.prepare_release(us, plan.id, fields=(FIELD,), handling=BOUND, **one)
            case "request-receipted", "prepared":
                refuses = plan.end[0] == "release-refused"
                step = partial(followup.refuse_release, reason="national-law") if refuses else followup.approve_release
                done = step(us, plan.id, **two)
            case "released", "released":
                step = received.decline if plan.end[0] == "conditions-declined" else received.accept
                done = step(qa, plan.id, **one)
            case "acknowledged", "acknowledged":
                done = received.ask_outcome(us, plan.id, **one)
            case "outcome-asked", "outcome-asked":
                done = received.report_outcome(qa, plan.id, result="result-charge", **one)
        if isinstance(done, Refused):
            plan.refused.append(done.reason)
        return done is not None and not isinstance(done, Refused)

    def prepare(self, hundred: Sequence[Plan]) -> None:
        """Bring each conversation to where it halts, and no further."""
        ahead = [plan for plan in hundred if plan.halt not in WAY[:2]]
        for plan in ahead:
            self.ask(plan)
        for _ in range(20):
            self.run()
            if not sum(self.lead(plan) for plan in ahead if self.states(plan) != plan.halt):
                break
        for plan in hundred:
            if plan.halt == WAY[1]:
                self.ask(plan)
                with self.nodes["QA"].database.read() as tx:
                    flow.deliver(self.nodes["QA"], *(one.id for one in messages.conversation_messages(tx, plan.id)))
        for plan in hundred:
            if plan.halt == WAY[0]:
                self.ask(plan)

    def reopen(self) -> None:
        """From now on with the clock of the processes; theirs are the wires, so that ours are never used."""
        self.close()
        self.nodes = {code: open_node(home, clock=turned(self.folder)) for code, home in self.homes.items()}

    def amend(self, *, start: datetime, end: datetime, version: int, **terms: Any) -> str:
        """A further version that both sign and install; its id."""
        parties = dict(read_party((home / "party.json").read_bytes(), place="") for home in self.homes.values())
        before = max(self.nodes["QA"].agreements.all(), key=lambda one: one.version)
        signed = unsigned(
            propose(parties, valid_from=start, valid_to=end, version=version, previous=before.id, **terms)
        )
        for code, node in self.nodes.items():
            key = node.keys.sign
            signed = sign(signed, code, signer=key.sign, thumbprint=key.thumbprint, at=node.clock())
        for node in self.nodes.values():
            node.agreements.install(signed.to_bytes())
        return signed.id

    def turn(self, hours: float) -> None:
        """Put the clock of all processes forward, in one write."""
        before = float((self.folder / "clock").read_text())
        (self.folder / "clock.part").write_text(str(before + hours * 3600))
        (self.folder / "clock.part").replace(self.folder / "clock")

    def at_rest(self) -> bool:
        waiting = 0
        for node in self.nodes.values():
            with node.database.read() as tx:
                waiting += messages.count_waiting(tx) + len(conversations.due_conversations(tx, "9999", limit=1))
        return waiting == 0


@cache
def flat() -> bytes:
    """A grey picture without a ridge."""
    return png_bytes(GrayImage(np.full((256, 256), 200, np.uint8), 500.0))


@contextmanager
def mortal(home: Path, points: Sequence[str]) -> Iterator[list[str]]:
    """A node's process that dies at one point after another and is started again each time; yields its deaths."""
    left, deaths, ending = deque(points), [], threading.Event()
    running: list[subprocess.Popen[bytes]] = []

    def live() -> None:
        while not ending.is_set():
            point = left[0] if left else "-"
            process = subprocess.Popen(
                [sys.executable, str(CHILD), str(home), point], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            running[:] = [process]
            if process.wait() == -9 and left and not ending.is_set():
                deaths.append(left.popleft())

    thread = threading.Thread(target=live)
    thread.start()
    try:
        yield deaths
    finally:
        ending.set()
        for process in running:
            process.terminate()
        thread.join(30)
        for process in running:
            process.kill()
            process.wait()


def test_a_hundred_conversations_end_as_their_rules_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MITHAQ__EXTRACT__NETWORK", "fast")  # in all three processes: what is found is no matter here
    (tmp_path / "clock").write_text("0")
    begun = utc_now()
    pair = Trouble(tmp_path, valid_to=begun + timedelta(hours=10), search_types=WIDE, answer={"examiners": 2})
    pair.clock.now = begun
    hundred, taken_back = plans(100), Plan(("reported", "closed"), ("reported", "closed"))
    pair.prepare([*hundred, taken_back])
    assert [pair.states(plan) for plan in hundred] == [plan.halt for plan in hundred]
    assert {plan.halt for plan in hundred} == set(WAY)
    pair.reopen()
    first = hundred[0].agreement
    try:
        with mortal(pair.homes["QA"], POINTS["QA"]) as qa_deaths, mortal(pair.homes["US"], POINTS["US"]) as us_deaths:
            amended, extended = suspend_amend_extend(pair, hundred, taken_back, begun)
            everyone = [*hundred, *amended, *extended]
            wait_until("every conversation's end", partial(all_ended, pair, everyone), PATIENCE_S)
            wait_until("every named death", lambda: (len(qa_deaths), len(us_deaths)) == (6, 9), PATIENCE_S)
            wait_until("the last receipt", pair.at_rest, PATIENCE_S)
            wait_until("both co-signatures", lambda: all(audit.verify(node).agrees for node in pair.nodes.values()))
        check(pair, everyone, first)
        assert not pair.nodes["QA"].released(taken_back.id), "what was withdrawn during the suspension is gone"
    finally:
        pair.close()


def suspend_amend_extend(
    pair: Trouble, hundred: list[Plan], taken_back: Plan, begun: datetime
) -> tuple[list[Plan], list[Plan]]:
    """The trouble itself; the conversations that began under the amendment, and those under the extension."""
    qa, us = pair.nodes["QA"], pair.nodes["US"]
    one = {"officer": "officer-1", "passphrase": PASSPHRASE}

    suspended = life.suspend(us, "QA", parts=(), reason="security-incident", **one)
    assert not isinstance(suspended, Refused), suspended
    wait_until("the suspension at QA", lambda: how_it_stands(qa) == {"suspended"})
    assert isinstance(denied := pair.ask(Plan(("no-hit", ""), None)), Refused)
    assert denied.reason == "agreement-suspended"
    assert not isinstance(
        correction.withdraw(us, taken_back.id, fault="wrong-person", explanation="Another person.", **one), Refused
    )
    before = {plan.id: pair.states(plan) for plan in hundred}
    for plan in hundred[::2]:
        pair.lead(plan)
    wait_until("the withdrawal, while all is suspended", lambda: not qa.released(taken_back.id))
    for plan in hundred:  # nothing was answered, requested or released meanwhile, and what was tried has its reason
        (asked_was, held_was), (asks, holds) = before[plan.id], pair.states(plan)
        assert asked_was not in UNANSWERED or asks in UNANSWERED
        assert holds != "requested" or held_was in ("requested", "paused")
        assert holds != "released" or held_was == "released"
        assert set(plan.refused) <= {"agreement-suspended"}
    assert sum(bool(plan.refused) for plan in hundred) >= 4

    second = pair.amend(start=begun + timedelta(hours=2), end=begun + timedelta(hours=10), version=2, search_types=WIDE)
    pair.turn(hours=2)
    assert isinstance(pair.ask(Plan(("no-hit", ""), None)), Refused), "an amendment ends no suspension"
    assert not isinstance(life.resume(us, "QA", suspended.id, **one), Refused)
    wait_until("the resumption at QA", lambda: "suspended" not in how_it_stands(qa))
    amended = [asked(pair, Plan(end, None)) for end in ENDS]
    assert {plan.agreement for plan in amended} == {second}

    third = pair.amend(start=begun + timedelta(hours=10), end=begun + timedelta(days=400), version=3, search_types=WIDE)
    for plan in hundred[1::4]:
        pair.lead(plan)
    pair.turn(hours=9)
    extended = [asked(pair, Plan(end, None)) for end in ENDS]
    assert {plan.agreement for plan in extended} == {third}
    return amended, extended


def asked(pair: Trouble, plan: Plan) -> Plan:
    sent = pair.ask(plan)
    assert isinstance(sent, Plan), sent
    return sent


def how_it_stands(node: Any) -> set[str]:
    return {one["standing"] for one in standing.overview(node)} - {"expired", "not-begun"}


def all_ended(pair: Trouble, everyone: Sequence[Plan]) -> bool:
    """Lead each conversation one step on; True once none is left to lead."""
    open_ones = [plan for plan in everyone if pair.states(plan) != plan.end]
    for plan in open_ones:
        pair.lead(plan)
    return not open_ones


def check(pair: Trouble, everyone: Sequence[Plan], first: str) -> None:
    """Each ended under the version it began with, by as many examiners as that asks for; each message passed once."""
    for plan in everyone:
        assert pair.states(plan) == plan.end
        opinions = 1 + (plan.agreement == first) + plan.quarrels if plan.end[0] not in ("no-hit", "unsearchable") else 0
        for code, node in pair.nodes.items():
            with node.database.read() as tx:
                kept = conversations.find_conversation(tx, plan.id)
                passed = messages.conversation_messages(tx, plan.id)
                acts = conversations.conversation_acts(tx, plan.id)
            assert kept is not None
            assert kept.agreement == plan.agreement
            once = Counter((one.direction, one.kind) for one in passed if one.kind != "notice")
            assert set(once.values()) == {1}, (plan, once)
            if code == "QA":
                assert sum(act.kind in ("examination", "conclusion") for act in acts) == opinions
                assert bool(node.released(plan.id)) == (plan.end[0] == "reported")
    for node in pair.nodes.values():
        assert audit.verify(node).problems == ()
        day_of = {plan.id for plan in everyone}
        with node.database.read() as tx:
            found = conversations.list_conversations(tx, limit=1000)
            partner = next(iter(node.agreements.partners()))
            direction = "out" if node.party == "QA" else "in"
            days = {one.created_at[:10] for one in found}
            used = sum(conversations.used_today(tx, partner, direction, "TP/TP", day) for day in days)
        assert len(found) == used == len(day_of) + 1
    assert audit.disagreements(*pair.nodes.values()) == []
