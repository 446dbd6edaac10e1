"""Roles and what they exclude, asked by the steps themselves; the register at a date; sign-ins and readings in the ledger."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from forged import without_effect
from pair import NAMES, NOON, PASSPHRASE, Pair
from people import add_people
from serve_order import ORDER

from mithaq.demo.population import Kind, Population, make_population
from mithaq.errors import MithaqError, SettingsError, TrustError
from mithaq.node import flow, officers, proofs
from mithaq.node.gateway import Node
from mithaq.node.roles import ALONE, DUTIES, ROLES, WORKING, conflict
from mithaq.node.store import ledger
from mithaq.pact.bundle import Selection
from mithaq.pact.gate import Refused
from mithaq.pact.lifecycle import Conclusion


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    made = Pair(tmp_path_factory.mktemp("pair"))
    add_people(made.nodes["QA"])
    yield made
    made.close()


@pytest.fixture(scope="module")
def population(tmp_path_factory: pytest.TempPathFactory) -> Population:
    return make_population(tmp_path_factory.mktemp("population"), 5, persons=2)


def written(node: Node, kind: str) -> list[dict[str, Any]]:
    with node.database.read() as tx:
        return [json.loads(body)["data"] for _, body in ledger.bodies(tx, [kind], "") if body]


def size(node: Node) -> int:
    with node.database.read() as tx:
        return ledger.ledger_size(tx)


def test_a_role_that_looks_on_stands_alone() -> None:
    for one in ROLES:
        for other in set(ROLES) - {one}:
            assert bool(conflict([one, other])) is (one in ALONE or other in ALONE), (one, other)
    assert {role for roles in DUTIES.values() for role in roles} | set(WORKING) == set(ROLES)


def test_the_register_refuses_roles_that_exclude_each_other(pair: Pair) -> None:
    for roles in (["auditor", "officer"], ["protection-officer", "examiner"], ["administrator", "auditor"]):
        with pytest.raises(SettingsError) as refused:
            officers.add(pair.nodes["QA"], "two-hats", roles=roles, name=NAMES["QA"], passphrase=PASSPHRASE)
        assert refused.value.code == "NOD-285"


def test_a_register_edited_behind_the_steps_gives_no_rights(pair: Pair) -> None:
    node = pair.nodes["QA"]
    with node.database.write() as tx:
        tx.exec_driver_sql("UPDATE officers SET roles = '[\"auditor\", \"officer\"]' WHERE id = 'auditor-1'")
    try:
        for step in (
            lambda: officers.unlock(node, "auditor-1", PASSPHRASE, role="officer"),
            lambda: officers.authorised(node, "auditor-1", "read-log"),
            lambda: officers.open_session(node, "auditor-1", PASSPHRASE, life_s=60),
        ):
            with pytest.raises(TrustError) as refused:
                step()
            assert refused.value.code == "NOD-285"
    finally:
        with node.database.write() as tx:
            tx.exec_driver_sql("UPDATE officers SET roles = '[\"auditor\"]' WHERE id = 'auditor-1'")


@pytest.mark.parametrize("officer", ["auditor-1", "protection-1"])
def test_who_looks_on_takes_no_step_of_a_conversation(pair: Pair, officer: str) -> None:
    """Each step that changes or sends something refuses the auditor before it looks at anything else (REQ-144)."""
    node = pair.nodes["QA"]
    who = {"officer": officer, "passphrase": PASSPHRASE}
    steps: list[Callable[[], object]] = [
        lambda: flow.conclude(node, "0" * 32, decision=Conclusion.IDENTIFIED, **who),
        lambda: flow.request_data(node, "0" * 32, **who),
        lambda: flow.prepare_release(node, "0" * 32, fields=("family_name",), **who),
        lambda: flow.approve_release(node, "0" * 32, **who),
        lambda: flow.refuse_release(node, "0" * 32, reason="national-law", **who),
        lambda: officers.add(
            node, "new-one", roles=["officer"], name={}, passphrase=PASSPHRASE, by=officer, by_passphrase=PASSPHRASE
        ),
        lambda: officers.end(node, "officer-1", by=officer, by_passphrase=PASSPHRASE),
    ]
    with without_effect(node) as logged:
        for step in steps:
            with pytest.raises(MithaqError) as refused:
                step()
            assert refused.value.code in ("NOD-155", "NOD-110")
    assert {(kind, data["by"], data["code"]) for kind, data in logged} == {("step-refused", officer, "NOD-155")}


@pytest.mark.parametrize("run_by", ["auditor-1", "protection-1", "clerk-1"])
def test_a_query_is_run_by_an_authorised_officer_alone(pair: Pair, population: Population, run_by: str) -> None:
    node = pair.nodes["QA"]
    probe = next(one for one in population.probes if one.kind is Kind.STRANGER and one.origin == "QA")
    refused = flow.submit_query(node, Path(probe.file).read_bytes(), replace(ORDER, run_by=run_by))
    assert isinstance(refused, Refused)
    assert refused.reason == "executor-not-authorised"
    assert refused.clause is not None
    assert written(node, "query-held")[-1]["run_by"] == run_by
    assert written(node, "query-sent") == []


def test_the_authorised_officers_at_a_date(pair: Pair) -> None:
    node = pair.nodes["US"]
    pair.clock.turn(days=1)
    officers.add(node, "officer-3", roles=["officer", "supervisor"], name=NAMES["US"], passphrase=PASSPHRASE)
    pair.clock.turn(days=1)
    officers.end(node, "officer-1")

    def at(**after: float) -> set[str]:
        return {one.id for one in officers.authorised_at(node, NOON + timedelta(**after))}

    assert at(seconds=-1) == set()
    assert at(seconds=0) == {"examiner-1", "officer-1", "officer-2"}
    assert at(days=1) == at(days=1, hours=23) == {"examiner-1", "officer-1", "officer-2", "officer-3"}
    assert at(days=2) == {"examiner-1", "officer-2", "officer-3"}
    # The ledger tells the same story, so that an edited register shows.
    told = [(one["officer"], one["event"]) for one in written(node, "officer-changed")]
    assert told[-2:] == [("officer-3", "added"), ("officer-1", "ended")]
    assert written(node, "officer-changed")[-2]["roles"] == ["officer", "supervisor"]


def test_once_there_is_an_administrator_nobody_else_changes_the_register(pair: Pair) -> None:
    node = pair.nodes["US"]
    officers.add(node, "keeper-1", roles=["administrator"], name={}, passphrase=PASSPHRASE)
    with pytest.raises(TrustError) as refused:
        officers.add(node, "officer-4", roles=["officer"], name={}, passphrase=PASSPHRASE)
    assert refused.value.code == "NOD-286"
    by = {"by": "keeper-1", "by_passphrase": PASSPHRASE}
    officers.add(node, "officer-4", roles=["officer"], name={}, passphrase=PASSPHRASE, **by)
    officers.end(node, "officer-4", **by)
    assert [one["by"] for one in written(node, "officer-changed")][-2:] == ["keeper-1", "keeper-1"]
    with pytest.raises(TrustError):
        officers.unlock(node, "keeper-1", PASSPHRASE, role="officer")


def test_sign_ins_are_in_the_ledger_with_nothing_else_that_was_typed(pair: Pair) -> None:
    node = pair.nodes["QA"]
    officers.open_session(node, "officer-1", PASSPHRASE, life_s=60)
    assert written(node, "signed-in")[-1] == {"by": "officer-1"}
    for typed, known in (("officer-1", {"by": "officer-1"}), ("a-name-or-a-passphrase", {})):
        with pytest.raises(TrustError):
            officers.open_session(node, typed, "not the passphrase", life_s=60)
        assert written(node, "sign-in-refused")[-1] == {"code": "PAC-141", **known}


def test_the_log_is_read_by_its_readers_for_its_purposes_and_that_is_logged(pair: Pair) -> None:
    node = pair.nodes["QA"]
    period = Selection(start=NOON, end=NOON + timedelta(days=30))
    for reader in ("officer-1", "examiner-1", "supervisor-1", "nobody-1"):
        for read in (proofs.read_log, proofs.bundle):
            before = size(node)
            with pytest.raises(TrustError) as refused:
                read(node, period, by=reader, reason="audit")
            assert refused.value.code in ("NOD-154", "NOD-155")
            assert size(node) == before
    with pytest.raises(SettingsError) as purpose:
        proofs.read_log(node, period, by="auditor-1", reason="investigation")
    assert purpose.value.code == "NOD-287"
    found = proofs.read_log(node, period, by="auditor-1", reason="lawfulness")
    last = written(node, "log-read")[-1]
    assert (last["by"], last["reason"], last["first"]) == ("auditor-1", "lawfulness", 0)
    assert len(found) == last["last"] + 1
    assert all(entry is not None for entry in found)


def test_no_step_unlocks_a_credential_without_a_role() -> None:
    """A step that signs names the role or duty it is for, wherever it stands; signing in alone does not."""
    room = Path(officers.__file__).parent
    calls = [
        (path.name, line.strip())
        for path in sorted(room.rglob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if "unlock(" in line and "def unlock" not in line
    ]
    assert len(calls) > 8
    bare = [call for call in calls if "role=" not in call[1] and "duty=" not in call[1]]
    assert bare == [("officers.py", "unlock(node, officer_id, passphrase)")]
