"""One query and its second step between two whole nodes in one process, with a clock and a wire that tests can turn."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pair import PASSPHRASE, Pair
from serve_order import ORDER

from mithaq.demo.population import Kind, Population, make_population
from mithaq.errors import FormatError, MithaqError, TrustError
from mithaq.node import audit, flow, upkeep, views
from mithaq.node.enrol import enrol, list_items
from mithaq.node.opening import open_gallery
from mithaq.node.store import compact, conversations, ledger, messages
from mithaq.node.store.conversations import Conversation
from mithaq.pact.gate import Refused, parse_offence
from mithaq.pact.lifecycle import Conclusion


@pytest.fixture(scope="module")
def population(tmp_path_factory: pytest.TempPathFactory) -> Population:
    return make_population(tmp_path_factory.mktemp("population"), 5, persons=2)


@pytest.fixture(scope="module")
def pair(population: Population, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    made = Pair(tmp_path_factory.mktemp("pair"))
    for code, node in made.nodes.items():
        with open_gallery(node) as gallery:
            enrol(node, gallery, list_items(population.holdings[code].folder))
    yield made
    made.close()


def ask(pair: Pair, population: Population, kind: Kind, **changes: object) -> Conversation:
    probe = next(one for one in population.probes if one.kind is kind and one.origin == "QA")
    order = replace(ORDER, offence=parse_offence("robbery:120"), **changes)  # type: ignore[arg-type]
    sent = flow.submit_query(pair.nodes["QA"], Path(probe.file).read_bytes(), order)
    assert isinstance(sent, Conversation), sent
    return sent


def state(pair: Pair, code: str, conversation: Conversation) -> str:
    return views.find(pair.nodes[code], conversation.id).state


def test_a_mate_ends_as_released_data_after_an_examiner_and_two_officers(pair: Pair, population: Population) -> None:
    requester, holder = pair.nodes["QA"], pair.nodes["US"]
    sent = ask(pair, population, Kind.MATE)
    pair.run()
    assert (state(pair, "QA", sent), state(pair, "US", sent)) == ("candidate", "answered-hit")
    # No request before a person's conclusion.
    early = flow.request_data(requester, sent.id, officer="officer-1", passphrase=PASSPHRASE)
    assert isinstance(early, Refused)
    assert early.reason == "conclusion-missing"
    # An officer is no examiner; a wrong passphrase signs nothing.
    with pytest.raises(TrustError) as wrong_role:
        flow.conclude(requester, sent.id, officer="officer-1", passphrase=PASSPHRASE, decision=Conclusion.IDENTIFIED)
    assert wrong_role.value.code == "NOD-155"
    with pytest.raises(TrustError) as wrong_phrase:
        flow.conclude(
            requester, sent.id, officer="examiner-1", passphrase="not the one", decision=Conclusion.IDENTIFIED
        )
    assert wrong_phrase.value.code == "PAC-141"
    flow.conclude(requester, sent.id, officer="examiner-1", passphrase=PASSPHRASE, decision=Conclusion.IDENTIFIED)
    flow.request_data(requester, sent.id, officer="officer-1", passphrase=PASSPHRASE)
    pair.run()
    fields = ("family_name", "birth_date")
    flow.prepare_release(
        holder, sent.id, officer="officer-1", passphrase=PASSPHRASE, fields=fields, reason="national-law"
    )
    same = flow.approve_release(holder, sent.id, officer="officer-1", passphrase=PASSPHRASE)
    assert isinstance(same, Refused)
    assert same.reason == "same-officer"
    assert same.clause is not None
    flow.approve_release(holder, sent.id, officer="officer-2", passphrase=PASSPHRASE)
    pair.run()
    assert state(pair, "QA", sent) == "acknowledged"
    assert set(views.released(requester, sent.id)) == set(fields)


def test_a_partners_print_is_not_enrolled_and_the_attempt_is_logged(
    pair: Pair, population: Population, tmp_path: Path
) -> None:
    """REQ-015: the picture that the desk shows of a hit, saved and enrolled under a name of our own."""
    requester = pair.nodes["QA"]
    sent = ask(pair, population, Kind.MATE)
    pair.run()
    shown = views.comparison(requester, sent.id, views.find(requester, sent.id).reference or "")
    assert shown is not None
    (tmp_path / "NEW-0001_2.png").write_bytes(shown.candidate_png)
    with open_gallery(requester) as gallery, pytest.raises(TrustError) as refused:
        enrol(requester, gallery, list_items(tmp_path, default_ppi=500))
    assert refused.value.code == "NOD-247"
    with requester.database.read() as tx:
        assert ledger.latest_entries(tx, 1)[0][1] == "use-refused"


def test_a_stranger_is_no_hit_and_a_smudge_is_unsearchable_with_reasons(pair: Pair, population: Population) -> None:
    stranger = ask(pair, population, Kind.STRANGER)
    smudge = ask(pair, population, Kind.SMUDGE, despite_quality=True)
    pair.run()
    assert state(pair, "QA", stranger) == "no-hit"
    found = views.find(pair.nodes["QA"], smudge.id)
    assert found.state == "unsearchable"
    assert "no-ridges" in [code for code, _ in found.reasons]


def test_a_smudge_is_not_even_sent_unless_told_to(pair: Pair, population: Population) -> None:
    probe = next(one for one in population.probes if one.kind is Kind.SMUDGE)
    result = flow.submit_query(pair.nodes["QA"], Path(probe.file).read_bytes(), ORDER)
    assert isinstance(result, flow.Unsearchable)


def test_the_gate_refuses_a_petty_case_with_its_clause_and_logs_it(pair: Pair, population: Population) -> None:
    probe = next(one for one in population.probes if one.kind is Kind.PETTY)
    order = replace(ORDER, offence=parse_offence("petty-theft:6"))
    result = flow.submit_query(pair.nodes["QA"], Path(probe.file).read_bytes(), order)
    assert isinstance(result, Refused)
    assert (result.reason, result.clause_ref) == ("offence-below-threshold", "Art. 1(1)")
    with pair.nodes["QA"].database.read() as tx:
        assert "query-held" in [kind for _, kind, _ in ledger.latest_entries(tx, 5)]


def test_a_lost_receipt_leads_to_one_effect_and_the_same_receipt(pair: Pair, population: Population) -> None:
    wire = pair.wires["QA"]
    wire.lost = 1
    carried = len(wire.carried)
    sent = ask(pair, population, Kind.STRANGER)
    pair.run()
    pair.clock.turn(seconds=5)
    pair.run()
    first, second = wire.carried[carried : carried + 2]
    assert first == second
    assert state(pair, "QA", sent) == "no-hit"
    with pair.nodes["US"].database.read() as tx:
        came = [one for one in messages.conversation_messages(tx, sent.id) if one.direction == "in"]
    assert len(came) == 1
    again = flow.receive(pair.nodes["US"], first, wire.certificate)
    assert again == came[0].receipt


def test_a_partner_that_is_down_gets_the_query_later(pair: Pair, population: Population) -> None:
    pair.wires["QA"].cut = True
    sent = ask(pair, population, Kind.STRANGER)
    pair.run()
    assert state(pair, "QA", sent) == "prepared"
    pair.wires["QA"].cut = False
    pair.clock.turn(seconds=2)
    pair.run()
    assert state(pair, "QA", sent) == "no-hit"


def test_a_query_nobody_answers_expires_and_its_print_is_erased(pair: Pair, population: Population) -> None:
    pair.wires["QA"].cut = True
    sent = ask(pair, population, Kind.STRANGER)
    pair.clock.turn(days=8)
    upkeep.expire(pair.nodes["QA"])
    pair.run()
    pair.wires["QA"].cut = False
    assert state(pair, "QA", sent) == "expired"
    with pair.nodes["QA"].database.read() as tx:
        assert conversations.conversation_prints(tx, sent.id, "query") == []


def test_the_holder_keeps_no_query_print_after_its_answer(pair: Pair, population: Population) -> None:
    sent = ask(pair, population, Kind.STRANGER)
    node = pair.nodes["US"]
    pair.run_once(pair.nodes["QA"])
    with node.database.read() as tx:
        (kept,) = conversations.conversation_prints(tx, sent.id, "query")
    fragment = kept.sealed[100:160]
    pair.run()
    compact(node.database)
    with node.database.read() as tx:
        assert conversations.conversation_prints(tx, sent.id, "query") == []
    files = [path for path in pair.homes["US"].rglob("*") if path.is_file()]
    assert [path.name for path in files if fragment in path.read_bytes()] == []


def test_a_body_of_another_schema_is_refused_and_changes_nothing(pair: Pair, population: Population) -> None:
    from mithaq.node import outgoing
    from mithaq.node.stages import Stages

    node = pair.nodes["QA"]
    sent = ask(pair, population, Kind.STRANGER)
    pair.run()
    with node.database.write() as tx:
        found = views.find(node, sent.id)
        agreement = node.agreements.by_id(found.agreement)
        body = json.dumps({"reference": "X"}).encode()
        facts = {"reference": "US-1", "case": "C", "by": "officer-1"}
        message = outgoing.post(tx, node, agreement, found.partner, found.id, "request", body, stages=Stages(), **facts)
    with pair.nodes["US"].database.read() as tx:
        before = ledger.ledger_size(tx)
    with pytest.raises(MithaqError) as refused:
        flow.receive(pair.nodes["US"], message.sealed or b"", pair.wires["QA"].certificate)
    assert isinstance(refused.value, FormatError)
    with pair.nodes["US"].database.read() as tx:
        assert ledger.ledger_size(tx) == before + 1
        assert ledger.latest_entries(tx, 1)[0][1] == "message-refused"
    with node.database.write() as tx:
        messages.change_message(tx, message, due_at=None, sealed=None)


def test_both_ledgers_verify_agree_and_show_an_edit(pair: Pair) -> None:
    pair.run()
    for node in pair.nodes.values():
        node._cosign_at.clear()
    pair.cosign()
    for node in pair.nodes.values():
        report = audit.verify(node)
        assert report.problems == ()
        assert set(report.cosigned.values()) == {report.size}
    assert audit.disagreements(*pair.nodes.values()) == []
    node = pair.nodes["US"]
    with node.database.write() as tx:
        tx.exec_driver_sql("UPDATE ledger_entries SET body = body || 'x' WHERE position = 3")
    assert any("entry 3" in problem for problem in audit.verify(node).problems)
