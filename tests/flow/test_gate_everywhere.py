"""Whatever is done in whatever order: nothing leaves that the gate refuses, no first answer names a person, no count
goes back."""

from __future__ import annotations

import base64
import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hits import PERSON, REFERENCES, Hits, picture
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pair import PASSPHRASE
from serve_order import ORDER

from mithaq.errors import FormatError
from mithaq.node import flow, followup, intake, outgoing, quotas
from mithaq.node.store import conversations, ledger, references
from mithaq.node.store.conversations import Conversation
from mithaq.pact.entries import read_entry
from mithaq.pact.gate import refused
from mithaq.pact.lifecycle import Conclusion
from mithaq.pact.quota import quota_day
from mithaq.record import check, load_profile, read_transaction

NAMES = ("query", "request", "release")
STEPS = ("ask", "run", "conclude", "request", "prepare", "approve")


class Watched(Hits):
    """The pair with gates that a test can shut, and everything that is put out written down with its body."""

    def __init__(self, folder: Any, patch: pytest.MonkeyPatch) -> None:
        super().__init__(folder, search_types={"TP/TP": {"day": 1000}})
        self.shut: set[str] = set()
        self.out: list[tuple[str, str, bytes]] = []
        self.open: list[str] = []
        for module, name, kind, place in (
            (quotas, "gate", "query", 1),
            (followup, "gate_request", "request", 2),
            (followup, "gate_release", "release", 2),
        ):
            patch.setattr(module, name, self.gate(getattr(module, name), kind, place))
        patch.setattr(outgoing, "post", self.written(outgoing.post))
        examine = intake.examine
        patch.setattr(flow, "examine", lambda *a, stages, network: examine(*a, stages=stages, network="fast"))

    def gate(self, real: Callable[..., Any], kind: str, place: int) -> Callable[..., Any]:
        @functools.wraps(real)
        def decided(*args: Any, **facts: Any) -> Any:
            shut = refused("agreement-expired", args[place])
            return shut if kind in self.shut else real(*args, **facts)

        return decided

    def written(self, real: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(real)
        def post(*args: Any, **facts: Any) -> Any:
            kind, body = args[5:7]
            self.out.append((kind, str(facts.get("outcome", "")), body))
            return real(*args, **facts)

        return post

    def step(self, name: str) -> None:
        """One step of a person or of the nodes, on the newest conversation that it can be done on; refusals are fine."""
        qa, us = self.nodes["QA"], self.nodes["US"]
        newest = self.open[-1] if self.open else ""
        if name == "ask":
            sent = flow.submit_query(qa, picture(), ORDER)
            self.open += [sent.id] if isinstance(sent, Conversation) else []
        elif name == "run":
            self.run()
        elif newest and name == "conclude":
            who = {"officer": "examiner-1", "passphrase": PASSPHRASE}
            flow.conclude(qa, newest, decision=Conclusion.IDENTIFIED, **who)
        elif newest and name == "request":
            flow.request_data(qa, newest, **self.officer(1), fields=("family_name",))
        elif newest and name == "prepare" and self.there(newest):
            flow.prepare_release(us, newest, **self.officer(1), fields=("family_name",))
        elif newest and name == "approve" and self.there(newest):
            flow.approve_release(us, newest, **self.officer(2))

    def there(self, found: str) -> bool:
        with self.nodes["US"].database.read() as tx:
            return conversations.find_conversation(tx, found) is not None

    def counts(self) -> list[int]:
        """Queries counted today, by the sender and by the holder."""
        day = quota_day(self.clock(), self.nodes["QA"].agreements.current("US", self.clock()))
        ends = (("QA", "US", "out"), ("US", "QA", "in"))
        found = []
        for code, partner, direction in ends:
            with self.nodes[code].database.read() as tx:
                found.append(conversations.used_today(tx, partner, direction, "TP/TP", day))
        return found


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with pytest.MonkeyPatch.context() as patch:
        made = Watched(tmp_path_factory.mktemp("gate"), patch)
        yield made
        made.close()


WALK = st.lists(st.tuples(st.sampled_from(STEPS), st.frozensets(st.sampled_from(NAMES), max_size=2)), max_size=10)
# What must not be put out while a gate is shut: (kind of message, outcome); "" stands for every outcome.
FORBIDDEN = {
    "query": {("query", ""), ("answer", "hit"), ("answer", "no-hit")},
    "request": {("request", "")},
    "release": {("release", "released"), ("release", "partial")},
}
EVERYTHING = [
    ("ask", ()),
    ("run", ()),
    ("conclude", ()),
    ("request", ()),
    ("run", ()),
    ("prepare", ()),
    ("approve", ()),
]


def walk(pair: Watched, steps: Any) -> list[tuple[str, str]]:
    """What a walk put out; fails where something left while its gate was shut, or a count went back."""
    left = []
    for name, shut in steps:
        pair.shut, pair.out = set(shut), []
        before = pair.counts()
        # Messages and queries that were accepted while their gate was open may still be on their way.
        moved = name == "run"
        with contextlib.suppress(FormatError):  # a step that does not fit is refused, too
            pair.step(name)
        assert all(a <= b for a, b in zip(before, pair.counts(), strict=True))
        for kind, outcome, _ in pair.out:
            left.append((kind, outcome))
            for gate in shut:
                accepted_before = moved and gate == "query" and kind == "answer"
                assert accepted_before or not {(kind, ""), (kind, outcome)} & FORBIDDEN[gate], (name, gate, kind)
    pair.shut = set()
    return left


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(WALK)
def test_nothing_leaves_while_its_gate_is_shut(pair: Watched, steps: Any) -> None:
    walk(pair, steps)


@pytest.mark.parametrize("gate", NAMES)
def test_a_shut_gate_stops_the_whole_way_and_an_open_one_does_not(pair: Watched, gate: str) -> None:
    reached = {("query", ""), ("answer", "hit"), ("request", ""), ("release", "released")}
    assert reached <= {*walk(pair, EVERYTHING), ("release", "released")}
    stopped = walk(pair, [(name, {gate}) for name, _ in EVERYTHING])
    assert not {(kind, outcome) for kind, outcome in stopped} & FORBIDDEN[gate]


def test_a_query_that_the_holder_refuses_is_answered_with_the_refusal_and_nothing_else(pair: Watched) -> None:
    walk(pair, [("ask", ())])
    assert walk(pair, [("run", {"query"})]) == [("answer", "refused")]


LETTERS = st.characters(min_codepoint=0x21, max_codepoint=0x6FF, exclude_categories=("Cs", "Cn", "Cc"))
SECRETS = st.text(LETTERS, max_size=30).map("secret-".__add__)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(SECRETS)
def test_no_first_answer_holds_a_personal_field_whatever_the_holder_has_on_file(pair: Watched, secret: str) -> None:
    person = {name: [secret] if isinstance(value, list) else secret for name, value in PERSON.items()}
    holder = pair.nodes["US"]
    sealed = holder.seal_person(REFERENCES[0], person)
    with holder.identities.write() as identities:
        references.replace_person(identities, REFERENCES[0], sealed)
    assert holder.person(REFERENCES[0])["family_name"] == secret
    pair.shut, pair.out = set(), []
    pair.step("ask")
    pair.run()
    (body,) = [body for kind, outcome, body in pair.out if (kind, outcome) == ("answer", "hit")]
    for way in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le"):
        raw = secret.encode(way)
        assert raw not in body
        assert base64.b64encode(raw)[: len(raw) // 3 * 4] not in body
    assert not [found for found in check(read_transaction(body), load_profile("mithaq-1")) if found.severity == "error"]


def test_the_ledger_says_of_every_message_that_left_what_the_gate_was_asked(pair: Watched) -> None:
    node = pair.nodes["QA"]
    with node.database.read() as tx:
        kinds = [read_entry(entry.body).kind for entry in ledger.entries(tx) if entry.body]
    assert kinds.count("query-sent") == len(pair.open)
