"""The demonstration: two agencies, four queries each way, up to a released hit, what follows (`duties`), both ledgers.

    population ─► agencies, agreement ─► enrolment ─► two node processes ─► queries ─► conclusions ─► releases ─► ledgers

Nothing here takes a short cut: queries go in as the command line puts them in, travel between two processes over mutual
TLS, and every person's step is signed with that person's own credential. No agency takes part in it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mithaq.demo import duties
from mithaq.demo.agencies import PASSPHRASE, Agency, enrol_both, fresh_folder, make_agencies, serving
from mithaq.demo.population import Kind, Probe, make_population
from mithaq.errors import PartnerError
from mithaq.node import audit, flow, views
from mithaq.node.exchanges import held
from mithaq.node.gateway import Node
from mithaq.node.opening import open_node
from mithaq.node.store.conversations import Conversation
from mithaq.pact.gate import Refused, parse_offence
from mithaq.pact.lifecycle import Conclusion, State

PATIENCE_S: Final = 60.0  # how long a step of the other process may take
POLL_S: Final = 0.05
EXPECTED: Final = {Kind.MATE: "hit", Kind.STRANGER: "no-hit", Kind.SMUDGE: "unsearchable", Kind.PETTY: "refused"}
OUTCOME: Final = {
    State.NO_HIT: "no-hit",
    State.UNSEARCHABLE: "unsearchable",
    State.REFUSED: "refused",
    State.CANDIDATE: "hit",
}
WAITING: Final = (str(State.PREPARED), str(State.SENT))
Say = Callable[[str], None]


@dataclass
class Result:
    """What one query came to. `as_dict` is an element of `demo --json`'s "queries"."""

    probe: Probe
    outcome: str
    conversation: str = ""
    reference: str | None = None
    reasons: list[str] = field(default_factory=list)
    clause: str | None = None
    released: bool = False
    fields: list[str] = field(default_factory=list)
    stage_ms: dict[str, float] = field(default_factory=dict)

    @property
    def is_expected(self) -> bool:
        """True where it ended as the demo promises; a hit counts once it is released."""
        return self.outcome == EXPECTED[self.probe.kind] and self.released == (self.probe.kind is Kind.MATE)

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "from": self.probe.origin,
            "to": self.probe.destination,
            "outcome": self.outcome,
            "reference": self.reference,
            "reasons": self.reasons,
            "clause": self.clause,
            "released": self.released,
            "stage_ms": self.stage_ms,
        }


@dataclass
class Demonstration:
    """A finished run."""

    agencies: dict[str, Agency]
    results: list[Result]
    duties: list[duties.Duty]
    ledgers: list[audit.Report]
    disagreements: list[str]
    seconds: float

    @property
    def is_as_promised(self) -> bool:
        """True where every query ended as expected and both ledgers are whole and agree."""
        return (
            all(result.is_expected for result in self.results)
            and all(duty.is_done for duty in self.duties)
            and all(report.agrees for report in self.ledgers)
            and not self.disagreements
        )

    def as_dict(self) -> dict[str, Any]:
        """What `demo --json` prints."""
        agree = not self.disagreements
        return {
            "queries": [result.as_dict() for result in self.results],
            "duties": [{"what": one.what, "done": one.is_done, "detail": one.detail} for one in self.duties],
            "ledgers": [
                {"node": one.node, "size": one.size, "head": one.head, "agrees": one.agrees and agree}
                for one in self.ledgers
            ],
            "seconds": round(self.seconds, 1),
        }


@contextlib.contextmanager
def demonstration(
    folder: Path, *, seed: int, persons: int, workers: int, say: Say, count: Callable[[int, int], None] | None = None
) -> Iterator[Demonstration]:
    """Run the demonstration below a folder; both nodes still serve inside the block, and are gone after it."""
    began = time.monotonic()
    say(f"{persons} synthetic persons with two fingers each on either side")
    population = make_population(
        folder / f"population-{seed}-{persons}", seed, persons, workers=workers, progress=count
    )
    say("two agencies: keys, certificates, settings, databases, and one agreement that both sign")
    fresh_folder(folder / "agencies")
    agencies = make_agencies(folder / "agencies")
    say("enrolling both files")
    for code, counts in enrol_both(agencies, population).items():
        say(f"  {code}: {counts['enrolled']} prints enrolled, {counts['unsearchable']} not searchable")
    say("starting two nodes")
    with serving(agencies), contextlib.ExitStack() as stack:
        nodes = {code: stack.enter_context(open_node(agency.home)) for code, agency in agencies.items()}
        results = [_ask(nodes, probe, say) for probe in population.probes]
        done = _duties(nodes, results, say)
        say("waiting for both sides' co-signatures")
        _wait("the co-signatures", lambda: all(_is_cosigned(node) for node in nodes.values()))
        ledgers = [audit.verify(node) for node in nodes.values()]
        disagreements = audit.disagreements(*nodes.values())
        yield Demonstration(agencies, results, done, ledgers, disagreements, time.monotonic() - began)


def _ask(nodes: dict[str, Node], probe: Probe, say: Say) -> Result:
    """One query from the file to its end, with every person's step where there is a hit."""
    node, holder = nodes[probe.origin], nodes[probe.destination]
    order = flow.Order(
        partner=probe.destination,
        purpose=probe.purpose,
        case=probe.case,
        offence=parse_offence(probe.offence),
        legal_basis=probe.legal_basis,
        ordered_by="captain-1",
        run_by="officer-1",
        approved_by="prosecutor-1",
        position=probe.position,
        despite_quality=True,  # so that the holder's own check is seen, too
    )
    title = f"{probe.origin} asks {probe.destination}: {probe.kind}"
    sent = flow.submit_query(node, probe.file.read_bytes(), order, place=probe.file.name)
    if isinstance(sent, flow.Unsearchable):
        return Result(probe, "unsearchable", reasons=list(sent.reasons))
    if isinstance(sent, Refused):
        say(f"{title} → refused, {sent.clause_ref}: {sent.text.en}")
        return Result(probe, "refused", reasons=[sent.reason], clause=sent.clause_ref or None)
    found = _until(node, sent.id, lambda one: one.state not in WAITING)
    result = Result(
        probe,
        OUTCOME.get(State(found.state), found.state),
        found.id,
        found.reference,
        [code for code, _ in found.reasons],
        found.clause["ref"] if found.clause else None,
    )
    detail = found.reference or ", ".join(text for _, text in found.reasons)
    say(f"{title} → {result.outcome}{': ' + detail if detail else ''}")
    if found.state == State.CANDIDATE:
        _release(node, holder, found, result, say)
    _wait("the receipts", lambda: not views.status(node)["messages_waiting"] + views.status(holder)["messages_waiting"])
    result.stage_ms = _stages(views.find(node, sent.id), views.find(holder, sent.id))
    return result


def _duties(nodes: dict[str, Node], results: Sequence[Result], say: Say) -> list[duties.Duty]:
    """The amendment that lets a refused query pass, a correction and an erasure of what was released."""
    refused = next(one for one in results if one.outcome == "refused")
    probe = refused.probe
    offence = parse_offence(probe.offence)
    agreement = duties.amend(nodes, offence=offence.category, months=offence.max_penalty_months)
    say(f"both sign version {agreement.version}, which lists {offence.category}")
    again = _ask(nodes, probe, say)
    detail = f"{refused.clause} refused it; under version {agreement.version}: {again.outcome}"
    done = [duties.Duty("amendment", again.outcome == "no-hit", detail)]
    released = [one for one in results if one.released]
    for one, duty in zip(released, (duties.correct, duties.take_back), strict=True):
        done.append(duty(nodes[one.probe.destination], nodes[one.probe.origin], one.conversation, _wait))
    for seen in done[1:]:
        say(f"{seen.what}: {seen.detail}")
    _wait("the receipts", lambda: not any(views.status(node)["messages_waiting"] for node in nodes.values()))
    return done


def _release(node: Node, holder: Node, found: Conversation, result: Result, say: Say) -> None:
    """An examiner confirms, an officer requests; at the other side one officer prepares and another approves."""
    _done(flow.conclude(node, found.id, officer="examiner-1", passphrase=PASSPHRASE, decision=Conclusion.IDENTIFIED))
    say(f"  {node.party}: the examiner confirms; an officer asks for the personal data")
    _done(flow.request_data(node, found.id, officer="officer-1", passphrase=PASSPHRASE))
    asked = _until(holder, found.id, lambda one: one.state == State.REQUESTED)
    agreement = holder.agreements.by_id(asked.agreement)
    there = views.available_fields(holder, asked, agreement)
    fields = tuple(name for name in there if name in agreement.follow_up.core_data)
    _done(flow.prepare_release(holder, found.id, officer="officer-1", passphrase=PASSPHRASE, fields=fields))
    _done(flow.approve_release(holder, found.id, officer="officer-2", passphrase=PASSPHRASE))
    say(f"  {holder.party}: one officer prepares the release, another approves it")
    _until(node, found.id, lambda one: one.state == State.ACKNOWLEDGED)
    opened = held.use(node, found.id, officer="officer-1", passphrase=PASSPHRASE, use="criminal-investigation")
    result.fields = [] if isinstance(opened, Refused) else sorted(opened.data)
    result.released = bool(result.fields)
    say(f"  {node.party}: received {', '.join(result.fields)}")


def _done(step: Conversation | Refused) -> None:
    if isinstance(step, Refused):
        raise PartnerError("DEM-020", f"a step of the demo was refused ({step.reason})", may_retry=False)


def _until(node: Node, conversation_id: str, true: Callable[[Conversation], bool]) -> Conversation:
    _wait("the other node", lambda: true(views.find(node, conversation_id)))
    return views.find(node, conversation_id)


def _wait(what: str, true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > deadline:
            raise PartnerError(
                "DEM-021", f"waited {PATIENCE_S:.0f} s for {what}", remedy="look into log/node.jsonl of both agencies"
            )
        time.sleep(POLL_S)


def _is_cosigned(node: Node) -> bool:
    status = views.ledger_status(node)
    return all(one is not None and one["size"] == status["size"] for one in status["cosigned"].values())


def _stages(asked: Conversation, answered: Conversation) -> dict[str, float]:
    """Milliseconds by stage, both sides together."""
    names = [*asked.stages, *(name for name in answered.stages if name not in asked.stages)]
    return {name: round(asked.stages.get(name, 0.0) + answered.stages.get(name, 0.0), 1) for name in names}
