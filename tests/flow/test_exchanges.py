"""The exchanges beside a query, between two whole nodes: supply, correction, consent, access, breach."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pair import PASSPHRASE, START, Pair

from mithaq.errors import FormatError, MithaqError, TrustError
from mithaq.node import audit, flow, notices, officers, outgoing, upkeep
from mithaq.node.exchanges import access, correction, held, incidents, matters, onward, supply
from mithaq.node.gateway import Node
from mithaq.node.store import conversations, ledger, messages, references
from mithaq.node.store.conversations import Conversation
from mithaq.node.store.matters import Matter
from mithaq.pact.caveats import Handling
from mithaq.pact.credential import Argon2Cost, create_credential
from mithaq.pact.entries import EntryBody, read_entry
from mithaq.pact.exchanges import (
    AccessConsultation,
    Condition,
    Consent,
    ConsentAnswer,
    ConsentRequest,
    ConsentRevoked,
    CorrectionDone,
    Supply,
    Withdrawal,
    WrongData,
)
from mithaq.pact.gate import Refused
from mithaq.pact.jose import sign_compact
from mithaq.pact.strict import canonical, plain
from mithaq.units import timestamp

ONE: dict[str, Any] = {"officer": "officer-1", "passphrase": PASSPHRASE}
TWO: dict[str, Any] = {"officer": "officer-2", "passphrase": PASSPHRASE}
EXAMINER: dict[str, Any] = {"officer": "examiner-1", "passphrase": PASSPHRASE}
DATA = {"family_name": "Zyxwfamily", "birth_date": "1980-01-02", "document_numbers": [{"number": "DEMO-77"}]}
TERMS = Supply(
    ground="serious-crime",
    facts="A report names the person.",
    circumstances="No conviction is known.",
    case="S-2026/1",
    offence="robbery",
    handling="H0",
    handling_ground=None,
    conditions=(Condition("court-order", "not for the press"),),
    data=DATA,
)
INVESTIGATION = "criminal-investigation"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with pytest.MonkeyPatch.context() as patch:  # a passphrase that costs an attacker little: hundreds are asked here
        weak = Argon2Cost(passes=1, memory_kib=64, lanes=1)
        patch.setattr(officers, "create_credential", partial(create_credential, cost=weak))
        made = Pair(tmp_path_factory.mktemp("exchanges"))
    yield made
    made.close()


def supplied(pair: Pair, **changes: Any) -> str:
    """Data that US supplied to QA; the id of the supply, which is their subject."""
    prepared = supply.prepare(pair.nodes["US"], "QA", replace(TERMS, **changes), **ONE)
    assert isinstance(prepared, Matter), prepared
    sent = supply.approve(pair.nodes["US"], prepared.id, **TWO)
    assert isinstance(sent, Matter), sent
    pair.run()
    return sent.id


def answered(pair: Pair, qa: str, us: str, *, released: bool = True, reference: str = "r-7f") -> str:
    """A conversation as a query of QA leaves it on both sides, put there as rows; the searching is tested elsewhere."""
    conversation_id = pair.nodes["QA"].new_id()
    now = timestamp(pair.clock())
    agreement = pair.nodes["QA"].agreements.current("US", pair.clock())
    for code, side, partner, state in (("QA", "requester", "US", qa), ("US", "holder", "QA", us)):
        row = Conversation(
            id=conversation_id, side=side, partner=partner, agreement=agreement.id, state=state, search_type="TP/TP",
            purpose="investigate-serious-crime", case_number="C-1", offence={"category": "robbery",
            "max_penalty_months": 120}, legal_basis="law", expedited=False, ordered_by="", run_by="", approved_by="",
            tcn="t", candidates=[reference], reference=reference, reasons=[], clause=None, stages={}, created_at=now,
            changed_at=now, expires_at=now, attempts=0, due_at=None,
        )  # fmt: skip
        with pair.nodes[code].database.write() as tx:
            conversations.add_conversation(tx, row)
    if released:
        pair.nodes["QA"].keep_released(conversation_id, DATA, plain(Handling()))
    return conversation_id


def state(pair: Pair, code: str, matter_id: str) -> str:
    return matters.find(pair.nodes[code], matter_id).state


def entries(node: Node, kind: str) -> list[EntryBody]:
    with node.database.read() as tx:
        bodies = [one.body for one in ledger.entries(tx) if one.body is not None]
    return [found for body in bodies if (found := read_entry(body)).kind == kind]


def opened(pair: Pair, subject: str, use: str = INVESTIGATION, **more: Any) -> held.Held:
    result = held.use(pair.nodes["QA"], subject, use=use, **ONE, **more)
    assert isinstance(result, held.Held), result
    return result


def why(result: object) -> str:
    assert isinstance(result, Refused), result
    assert result.text.ar
    assert result.text.en
    assert result.clause is not None
    return result.reason


# ---------------------------------------------------------------- supply


def test_a_supply_needs_two_officers_carries_its_ground_and_is_assessed(pair: Pair) -> None:
    us, qa = pair.nodes["US"], pair.nodes["QA"]
    prepared = supply.prepare(us, "QA", TERMS, **ONE)
    assert isinstance(prepared, Matter)
    assert why(supply.approve(us, prepared.id, **ONE)) == "same-officer"
    pair.run()
    assert not matters.everything(qa, begins=prepared.id)
    supply.approve(us, prepared.id, **TWO)
    pair.run()
    received = matters.find(qa, prepared.id)
    assert (received.state, received.facts["ground"]) == ("to-assess", "serious-crime")
    assert received.due_at == timestamp(pair.clock() + timedelta(days=30))
    assert matters.texts(qa, received.id)["supply"]["facts"] == TERMS.facts
    (condition,) = opened(pair, received.id).conditions
    assert (condition["ground"], condition["en"]) == ("court-order", "not for the press")
    assert dict(opened(pair, received.id).data) == DATA
    # The sender keeps no second copy; its ledger and the partner's say the same of what went (REQ-111).
    assert supply.terms_of(us, prepared.id) is None
    sent, came = entries(us, "notice-sent")[-1].data, entries(qa, "notice-received")[-1].data
    for field in ("about", "reason", "fields", "case", "sender", "recipient", "digest", "sender_contact"):
        assert sent[field] == came[field]
    supply.assess(qa, prepared.id, result="not-needed", **ONE)
    pair.run()
    assert (state(pair, "QA", prepared.id), state(pair, "US", prepared.id)) == ("erased", "erased")
    assert qa.released(prepared.id) == {}
    assert why(held.use(qa, prepared.id, use=INVESTIGATION, **ONE)) == "data-deleted"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"case": "one; two"}, "case-not-individual"), ({"data": {"face_image": "x"}}, "field-not-agreed")],
)
def test_what_is_not_within_the_agreement_is_not_even_prepared(
    pair: Pair, changes: dict[str, Any], reason: str
) -> None:
    assert why(supply.prepare(pair.nodes["US"], "QA", replace(TERMS, **changes), **ONE)) == reason


def test_a_supply_without_a_ground_or_facts_has_no_form(pair: Pair) -> None:
    for changes in ({"ground": ""}, {"facts": ""}, {"data": {}}, {"data": {"health": "x"}}):
        with pytest.raises(TrustError) as refused:
            supply.prepare(pair.nodes["US"], "QA", replace(TERMS, **changes), **ONE)
        assert refused.value.code == "PAC-208"


def test_a_supply_to_the_query_contact_point_is_refused_on_arrival(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sender that takes the wrong contact point, as a broken or hostile node would (REQ-006)."""
    pair = Pair(tmp_path)
    try:
        prepared = supply.prepare(pair.nodes["US"], "QA", TERMS, **ONE)
        assert isinstance(prepared, Matter)
        make = outgoing.make_manifest
        monkeypatch.setattr(
            outgoing, "make_manifest", lambda *a, **k: make(*a, **{**k, "recipient_contact": "qa-other"})
        )
        supply.approve(pair.nodes["US"], prepared.id, **TWO)
        with pytest.raises(MithaqError) as refused:
            pair.run()
        assert refused.value.code == "NOD-202"
        assert not matters.everything(pair.nodes["QA"])
    finally:
        pair.close()


# ---------------------------------------------------------------- use, dissemination, consent


def test_every_use_has_one_of_four_purposes_and_is_logged(pair: Pair) -> None:
    subject, qa = supplied(pair), pair.nodes["QA"]
    assert why(held.use(qa, subject, use="curiosity", **ONE)) == "use-not-permitted"
    assert why(held.use(qa, subject, use="consented", **ONE)) == "consent-missing"
    assert entries(qa, "use-refused")[-1].data["reason"] == "consent-missing"
    for use in ("criminal-investigation", "public-security", "related-proceedings"):
        opened(pair, subject, use)
        assert entries(qa, "data-used")[-1].data["use"] == use
    with pytest.raises(TrustError):
        held.use(qa, subject, use=INVESTIGATION, officer="officer-1", passphrase="not the one")
    with pytest.raises(TrustError) as wrong_role:
        held.use(qa, subject, use=INVESTIGATION, **EXAMINER)
    assert wrong_role.value.code == "NOD-155"


def test_an_answer_without_a_release_is_neither_used_nor_handed_on(pair: Pair) -> None:
    qa, subject = pair.nodes["QA"], answered(pair, "candidate", "answered-hit", released=False)
    assert why(held.use(qa, subject, use=INVESTIGATION, **ONE)) == "not-released"
    result = held.disclose(qa, subject, use=INVESTIGATION, recipient="A court", recipient_kind="domestic", **ONE)
    assert why(result) == "not-released"
    assert entries(qa, "use-refused")[-1].data["subject"] == subject


def export(pair: Pair, subject: str, kind: str, recipient: str, **more: Any) -> Any:
    given = {"use": INVESTIGATION, "recipient": recipient, "recipient_kind": kind, **ONE, **more}
    result = held.disclose(pair.nodes["QA"], subject, **given)
    return json.loads(result) if isinstance(result, bytes) else why(result)


def test_nothing_goes_abroad_without_a_consent_that_stands(pair: Pair) -> None:
    qa, us, subject = pair.nodes["QA"], pair.nodes["US"], supplied(pair)
    assert export(pair, subject, "third-state", "Ministry of X") == "consent-missing"
    asked = onward.ask(
        qa, subject, use="third-state", recipient="Ministry of X", purpose="a trial", safeguards="a treaty", **ONE
    )
    assert isinstance(asked, Matter)
    pair.run()
    assert export(pair, subject, "third-state", "Ministry of X", consent=asked.id) == "consent-missing"
    until = pair.clock() + timedelta(days=10)
    onward.grant(us, asked.id, until=until, conditions=("no death penalty",), **ONE)
    pair.run()
    assert export(pair, subject, "third-state", "Ministry of Y", consent=asked.id) == "consent-for-another"
    assert export(pair, subject, "private", "Ministry of X", consent=asked.id) == "consent-for-another"
    assert why(held.use(qa, subject, use="consented", consent=asked.id, **ONE)) == "consent-for-another"
    other = supplied(pair)
    assert export(pair, other, "third-state", "Ministry of X", consent=asked.id) == "consent-ended"
    file = export(pair, subject, "third-state", "Ministry of X", consent=asked.id, caveat="return after use")
    agreement = qa.agreements.current("US", pair.clock())
    consent = held.read_consent(file["consent"], agreement, "US")
    assert (consent.recipient, consent.conditions) == ("Ministry of X", ("no death penalty",))
    with pytest.raises(TrustError):  # QA's own signature is no consent
        held.read_consent(file["consent"], agreement, "QA")
    assert (file["caveat"], file["data"]) == ("return after use", DATA)
    assert [row.recipient for row in held.shown(qa, subject)[1]] == ["Ministry of X"]
    onward.revoke(us, asked.id, explanation="circumstances changed", **ONE)
    pair.run()
    assert export(pair, subject, "third-state", "Ministry of X", consent=asked.id) == "consent-ended"


def test_a_consent_ends_with_its_time_and_may_be_refused(pair: Pair) -> None:
    qa, us, subject = pair.nodes["QA"], pair.nodes["US"], supplied(pair)
    given = {"use": "other-use", "recipient": "our statistics", "purpose": "research", "safeguards": "none"}
    refused, granted = (onward.ask(qa, subject, **given, **ONE) for _ in range(2))  # type: ignore[arg-type]
    assert isinstance(refused, Matter)
    assert isinstance(granted, Matter)
    pair.run()
    onward.refuse(us, refused.id, explanation="not for research", **ONE)
    onward.grant(us, granted.id, until=pair.clock() + timedelta(hours=1), **ONE)
    pair.run()
    assert why(held.use(qa, subject, use="consented", consent=refused.id, **ONE)) == "consent-missing"
    opened(pair, subject, "consented", consent=granted.id)
    pair.clock.turn(hours=1)
    assert why(held.use(qa, subject, use="consented", consent=granted.id, **ONE)) == "consent-ended"


def test_a_revocation_that_overtakes_its_consent_stands(pair: Pair) -> None:
    qa, us, subject = pair.nodes["QA"], pair.nodes["US"], supplied(pair)
    asked = onward.ask(qa, subject, use="private", recipient="A bank", purpose="p", safeguards="s", **ONE)
    assert isinstance(asked, Matter)
    pair.run()
    onward.grant(us, asked.id, until=pair.clock() + timedelta(days=1), **ONE)
    onward.revoke(us, asked.id, explanation="a mistake", **ONE)
    with us.database.read() as tx:
        due = messages.due_messages(tx, timestamp(pair.clock()), limit=10)
    for message in reversed(due):
        flow.deliver(us, message)
    pair.run()
    assert state(pair, "QA", asked.id) == "revoked"
    assert export(pair, subject, "private", "A bank", consent=asked.id) == "consent-ended"


# ---------------------------------------------------------------- correction


def test_a_demand_flags_at_once_and_is_done_only_when_everybody_was_told(pair: Pair) -> None:
    qa, us, subject = pair.nodes["QA"], pair.nodes["US"], supplied(pair)
    for recipient in ("A prosecutor", "A police station"):
        export(pair, subject, "domestic", recipient)
    asked = correction.demand(
        us, subject, action="correct", fault="wrong", explanation="e", data={"family_name": "Right"}, **ONE
    )
    assert isinstance(asked, Matter)
    pair.run()
    assert (opened(pair, subject).state, opened(pair, subject).fault) == ("flagged", "wrong")
    assert export(pair, subject, "domestic", "A third one")["state"] == "flagged"
    correction.meet(qa, asked.id, **ONE)
    pair.run()
    assert opened(pair, subject).data["family_name"] == "Right"
    assert opened(pair, subject).data["birth_date"] == DATA["birth_date"]
    waiting = held.recalls(qa, asked.id)
    assert {row.recipient for _, row in waiting} == {"A prosecutor", "A police station", "A third one"}
    for number, (recall, _) in enumerate(waiting):
        assert (state(pair, "QA", asked.id), state(pair, "US", asked.id)) == ("informing", "sent")
        held.told(qa, asked.id, recall.dissemination, receipt=f"letter {number}", **ONE)
        pair.run()
    assert (state(pair, "QA", asked.id), state(pair, "US", asked.id)) == ("done", "done")
    assert matters.find(us, asked.id).facts["informed"] == 3
    with pytest.raises(FormatError):
        held.told(qa, asked.id, waiting[0][0].dissemination, receipt="again", **ONE)


def test_blocking_instead_of_deletion_leaves_one_use_until_a_decision(pair: Pair) -> None:
    qa, us, subject = pair.nodes["QA"], pair.nodes["US"], supplied(pair)
    asked = correction.demand(us, subject, action="delete", fault="unlawful", explanation="e", **ONE)
    assert isinstance(asked, Matter)
    pair.run()
    correction.meet(qa, asked.id, block_for="related-proceedings", **ONE)
    pair.run()
    assert matters.find(us, asked.id).facts["result"] == "blocked"
    assert why(held.use(qa, subject, use=INVESTIGATION, **ONE)) == "data-blocked"
    opened(pair, subject, "related-proceedings")
    held.decide(qa, subject, "clear", **ONE)
    opened(pair, subject)
    correction.report_wrong(qa, subject, fault="doubtful", explanation="e", **ONE)
    pair.run()
    assert opened(pair, subject).state == "flagged"
    held.decide(qa, subject, "delete", **ONE)
    with pytest.raises(FormatError) as ended:
        held.decide(qa, subject, "clear", **ONE)
    assert ended.value.code == "NOD-244"


def test_a_demand_may_be_refused_and_only_the_supplier_demands(pair: Pair) -> None:
    qa, us, subject = pair.nodes["QA"], pair.nodes["US"], supplied(pair)
    result = correction.demand(qa, subject, action="delete", fault="wrong", explanation="e", **ONE)
    assert why(result) == "not-the-supplier"
    asked = correction.demand(us, subject, action="delete", fault="wrong", explanation="e", **ONE)
    assert isinstance(asked, Matter)
    pair.run()
    correction.refuse(qa, asked.id, reason="data-accurate", explanation="checked", **ONE)
    pair.run()
    assert (state(pair, "US", asked.id), matters.find(us, asked.id).facts["reason"]) == ("refused", "data-accurate")
    assert opened(pair, subject).state == "active"


def test_a_demand_about_what_is_not_held_is_answered_so(pair: Pair) -> None:
    us, subject = pair.nodes["US"], answered(pair, "candidate", "answered-hit", released=False)
    asked = correction.demand(us, subject, action="delete", fault="wrong", explanation="e", **ONE)
    assert isinstance(asked, Matter)
    pair.run()
    assert matters.find(us, asked.id).facts["reason"] == "not-held"


def test_a_withdrawal_deletes_on_arrival_and_recalls(pair: Pair) -> None:
    qa, us, subject = pair.nodes["QA"], pair.nodes["US"], supplied(pair)
    export(pair, subject, "domestic", "A court")
    sent = correction.withdraw(us, subject, fault="wrong-person", explanation="e", **ONE)
    assert isinstance(sent, Matter)
    pair.run()
    assert qa.released(subject) == {}
    assert state(pair, "QA", sent.id) == "informing"
    assert matters.overdue(qa, matters.find(qa, sent.id)) is False
    pair.clock.turn(hours=73)
    assert matters.overdue(qa, matters.find(qa, sent.id))
    ((recall, row),) = held.recalls(qa, sent.id)
    held.told(qa, sent.id, row.id, receipt="by telephone, noted", **ONE)
    assert (recall.action, state(pair, "QA", sent.id)) == ("deleted", "closed")


@pytest.mark.parametrize("finder", ["QA", "US"])
def test_a_false_hit_ends_everything_on_both_sides(pair: Pair, finder: str) -> None:
    subject = answered(pair, "acknowledged", "released")
    told = correction.find_false(pair.nodes[finder], subject, explanation="another finger", **EXAMINER)
    assert isinstance(told, Matter)
    pair.run()
    for code, node in pair.nodes.items():
        with node.database.read() as tx:
            found = conversations.find_conversation(tx, subject)
        assert found is not None
        assert found.state == "false-hit", code
        kind = "notice-sent" if code == finder else "notice-received"
        logged = entries(node, kind)[-1].data
        assert (logged["about"], logged["subject"], logged["reference"]) == ("false-hit", subject, "r-7f")
    assert pair.nodes["QA"].released(subject) == {}
    again = correction.find_false(pair.nodes[finder], subject, explanation="e", **EXAMINER)
    assert why(again) == "no-hit-to-follow"


def test_an_error_in_the_own_file_opens_a_task_for_each_past_answer(pair: Pair) -> None:
    us = pair.nodes["US"]
    first, second = (answered(pair, "acknowledged", "released", reference=name) for name in ("r-aa", "r-bb"))
    answered(pair, "acknowledged", "released", reference="r-cc")
    tasks = incidents.ground_truth(us, ["r-aa", "r-bb"], fault="wrong-person", **ONE)
    assert {task.subject for task in tasks} == {first, second}
    by_subject = {task.subject: task.id for task in tasks}
    correction.report_wrong(us, first, fault="swapped-hands", explanation="e", task=by_subject[first], **ONE)
    correction.find_false(us, second, explanation="e", task=by_subject[second], **EXAMINER)
    pair.run()
    assert opened(pair, first).fault == "swapped-hands"
    assert why(held.use(pair.nodes["QA"], second, use=INVESTIGATION, **ONE)) == "data-deleted"
    assert {state(pair, "US", task.id) for task in tasks} == {"closed"}


# ---------------------------------------------------------------- a person's request


def test_a_request_finds_by_number_name_or_document_and_ends_only_with_its_notice(pair: Pair) -> None:
    qa, us = pair.nodes["QA"], pair.nodes["US"]
    numbers = [{"number": "DEMO-12345"}]
    subject = supplied(pair, data={"family_name": "Nadirname", "birth_date": "1991-09-09", "document_numbers": numbers})
    for wanted in ({"document": "demo-12345"}, {"name": "NADIRNAME", "birth_date": "1991-09-09"}):
        found = access.open_request(qa, "US", **wanted, **ONE)
        assert (found.facts["held"], found.facts["sent"]) == ([subject], [])
    other = {"name": "ناديرنامي", "birth_date": "1991-09-09", "alike": lambda a, b: b == "Nadirname"}
    assert access.open_request(qa, "US", **other, **ONE).facts["held"] == [subject]
    for strange in ({"name": "Nadirname", "birth_date": "1991-09-10"}, {"name": "Nadir", "birth_date": "1991-09-09"}):
        assert access.open_request(qa, "US", **strange, **ONE).facts["held"] == []
    assert why(access.decide(qa, found.id, outcome="disclosed", **ONE)) == "supplier-not-consulted"
    access.consult(qa, found.id, **ONE)
    pair.run()
    assert why(access.decide(qa, found.id, outcome="disclosed", **ONE)) == "supplier-not-consulted"
    assert matters.find(us, found.id).due_at == timestamp(pair.clock() + timedelta(days=14))
    access.answer(us, found.id, opinion="objection", ground="investigation", **ONE)
    pair.run()
    file = access.decide(qa, found.id, outcome="disclosed", **ONE)
    assert isinstance(file, bytes)
    assert json.loads(file)["held"][0]["data"]["family_name"] == "Nadirname"
    pair.run()
    assert matters.find(us, found.id).facts["outcome"] == "disclosed"
    assert entries(qa, "notice-sent")[-1].data["about"] == "access-outcome"


def test_what_was_sent_is_found_by_the_agencys_own_number(pair: Pair) -> None:
    us = pair.nodes["US"]
    with us.identities.write() as identities:
        person = us.seal_person("r-own", {"family_name": "Zyxwfamily", "sex": "F", "remark": "not agreed"})
        references.add_person(identities, "r-own", us.identity_vault.digest("US-77"), person)
    prepared = supply.prepare(us, "QA", replace(TERMS, data={"sex": "M"}), reference="r-own", **ONE)
    assert isinstance(prepared, Matter)
    assert access.open_request(us, "QA", person="US-77", **ONE).facts["sent"] == []
    supply.approve(us, prepared.id, **TWO)
    pair.run()
    hit = answered(pair, "candidate", "answered-hit", released=False, reference="r-own")
    found = access.open_request(us, "QA", person="US-77", **ONE)
    assert set(found.facts["sent"]) == {prepared.id, hit}
    assert held.data_of(pair.nodes["QA"], prepared.id) == {"family_name": "Zyxwfamily", "sex": "M"}


def test_a_supplier_that_stays_silent_does_not_hold_up_the_person(pair: Pair) -> None:
    qa = pair.nodes["QA"]
    subject = supplied(pair, case="S-2026/9")
    opened_ = access.open_request(qa, "US", cases=("S-2026/9",), **ONE)
    assert opened_.facts["held"] == [subject]
    access.consult(qa, opened_.id, **ONE)
    pair.run()
    pair.clock.turn(days=14)
    file = access.decide(qa, opened_.id, outcome="withheld", ground="rights-of-others", **ONE)
    assert isinstance(file, bytes)
    assert b"Zyxwfamily" not in file
    pair.run()
    assert state(pair, "US", opened_.id) == "closed"


def test_informing_a_person_or_not_is_on_record_with_its_ground(pair: Pair) -> None:
    qa, subject = pair.nodes["QA"], supplied(pair)
    access.inform(qa, subject, ground="investigation", **ONE)
    pair.clock.turn(days=1)
    access.inform(qa, subject, ground=None, **ONE)
    records = access.information(qa, subject)["records"]
    assert [record[:2] for record in records] == [("informed", ""), ("withheld", "investigation")]


# ---------------------------------------------------------------- breach


def test_a_breach_has_its_clock_from_becoming_aware(pair: Pair) -> None:
    qa, us = pair.nodes["QA"], pair.nodes["US"]
    knew = pair.clock() - timedelta(hours=3)
    registered = incidents.aware(qa, "US", kind="unauthorised-use", aware_at=knew, **ONE)
    assert registered.due_at == timestamp(knew + timedelta(hours=24))
    pair.clock.turn(hours=21)
    assert matters.overdue(qa, matters.find(qa, registered.id))
    upkeep.measure(qa)
    late = [one for one in matters.everything(qa) if matters.overdue(qa, one)]
    assert qa.metrics.registry.get_sample_value("mithaq_matters_overdue") == len(late) > 0
    in_time = incidents.aware(qa, "US", kind="loss", aware_at=pair.clock(), **ONE)
    pair.clock.turn(hours=1)
    for matter in (registered, in_time):
        incidents.notify(qa, matter.id, description="d", measures="m", persons=2, **ONE)
    incidents.notify(qa, in_time.id, description="more", measures="m", persons=3, **ONE)
    pair.run()
    assert matters.find(us, registered.id).facts["late"] is True
    assert matters.find(us, in_time.id).facts["late"] is False
    assert matters.find(us, in_time.id).facts["persons"] == 3
    incidents.seen(us, in_time.id, **ONE)
    assert state(pair, "US", in_time.id) == "seen"


# ---------------------------------------------------------------- a partner that does not keep to it


def forced(pair: Pair, about: str, terms: Any, matter: str = "") -> str:
    """A notice of US that its own steps would never have sent; the code with which QA refused it."""
    us = pair.nodes["US"]
    agreement = us.agreements.current("QA", pair.clock())
    with us.database.write() as tx:
        sent = notices.send(tx, us, agreement, "QA", about, terms, matter=matter)
    with pytest.raises(MithaqError) as refused:
        flow.deliver(us, sent.id)
    with us.database.write() as tx:
        messages.change_message(tx, sent, due_at=None)
    return refused.value.code


def test_a_consent_for_something_else_or_by_nobody_is_refused(pair: Pair) -> None:
    qa, us, subject = pair.nodes["QA"], pair.nodes["US"], supplied(pair)
    asked = onward.ask(qa, subject, use="private", recipient="A bank", purpose="p", safeguards="s", **ONE)
    assert isinstance(asked, Matter)
    pair.run()

    def proof(node: Node, **changes: Any) -> str:
        consent = Consent(asked.id, subject, "private", "A bank", (), "2027-01-01T00:00:00.000000Z")
        document = canonical(plain(replace(consent, **changes)))
        return sign_compact(document, node.keys.sign, typ=held.CONSENT_TYPE).decode()

    granted = [
        (proof(us, recipient="Another bank"), "NOD-258"),
        (proof(us, subject=us.new_id()), "NOD-258"),
        (proof(qa), "PAC-109"),
        (proof(us)[:-4] + "AAAA", "PAC-110"),
        (None, "NOD-257"),
    ]
    for document, code in granted:
        assert forced(pair, "consent-answer", ConsentAnswer("granted", "", document), asked.id) == code
    assert state(pair, "QA", asked.id) == "sent"
    assert export(pair, subject, "private", "A bank", consent=asked.id) == "consent-missing"


def test_notices_that_nothing_waits_for_are_refused(pair: Pair) -> None:
    qa, subject = pair.nodes["QA"], supplied(pair)
    assert forced(pair, "correction-done", CorrectionDone("deleted", 0)) == "NOD-242"
    assert forced(pair, "consent-revoked", ConsentRevoked("e")) == "NOD-242"
    assert forced(pair, "wrong-data", WrongData(qa.new_id(), "wrong", "none", "e")) == "NOD-240"
    assert forced(pair, "withdrawal", Withdrawal(subject, "wrong", "e"), subject) == "NOD-241"
    ours = answered(pair, "released", "released")  # QA asked: it did not supply anything there
    assert forced(pair, "consent-request", ConsentRequest(ours, "private", "r", "p", "s", ())) == "NOD-255"
    assert forced(pair, "access-consultation", AccessConsultation((ours,), "2027-01-01T00:00:00.000000Z")) == "NOD-251"
    outside = replace(TERMS, offence="robbery", data={"face_image": "x"})
    assert forced(pair, "supply", outside) == "NOD-254"
    opened(pair, subject)  # and nothing was changed by any of them


def test_a_false_hit_leaves_an_open_request_nothing_to_release(pair: Pair) -> None:
    us, subject = pair.nodes["US"], answered(pair, "requested", "requested", released=False)
    correction.find_false(pair.nodes["QA"], subject, explanation="e", **EXAMINER)
    pair.run()
    result = flow.prepare_release(us, subject, fields=("family_name",), **ONE)
    assert why(result) == "step-not-allowed"


def test_only_protective_notices_pass_once_the_agreement_is_over(tmp_path: Path) -> None:
    """REQ-164: the end of an agreement stops supplies, and no consent and no correction."""
    with pytest.MonkeyPatch.context() as patch:
        weak = Argon2Cost(passes=1, memory_kib=64, lanes=1)
        patch.setattr(officers, "create_credential", partial(create_credential, cost=weak))
        pair = Pair(tmp_path, valid_to=START + timedelta(days=20))
    try:
        qa, us, subject = pair.nodes["QA"], pair.nodes["US"], supplied(pair)
        asked = onward.ask(qa, subject, use="private", recipient="A bank", purpose="p", safeguards="s", **ONE)
        assert isinstance(asked, Matter)
        pair.run()
        pair.clock.turn(days=20)
        assert why(supply.prepare(us, "QA", TERMS, **ONE)) == "agreement-expired"
        onward.grant(us, asked.id, until=pair.clock() + timedelta(days=1), **ONE)
        pair.run()
        assert state(pair, "QA", asked.id) == "granted"
        correction.withdraw(us, subject, fault="wrong", explanation="e", **ONE)
        breach = incidents.aware(us, "QA", kind="loss", aware_at=pair.clock(), **ONE)
        incidents.notify(us, breach.id, description="d", measures="m", **ONE)
        pair.run()
        assert qa.released(subject) == {}
        assert state(pair, "QA", breach.id) == "received"
    finally:
        pair.close()


# ---------------------------------------------------------------- laws


def test_the_ledgers_agree_and_no_text_of_a_person_lies_outside_the_identities_store(pair: Pair) -> None:
    """Runs last in this file, over all that the tests before it left."""
    a, b = pair.nodes.values()
    assert audit.disagreements(a, b) == []
    for node in (a, b):
        assert audit.verify(node).problems == ()
    for home in pair.homes.values():
        for file in home.rglob("*"):
            if file.is_file():
                data = file.read_bytes()
                assert b"Zyxwfamily" not in data, file
                assert b"Nadirname" not in data, file
                assert TERMS.facts.encode() not in data, file
