"""What the partner may find: a rule over local codes, an override, and withdrawal that leaves no bytes behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kept import REFERENCE, ask, make_pair
from pair import PASSPHRASE, Pair

from mithaq.errors import FormatError, SettingsError, TrustError
from mithaq.node import erasing, exposure, holds, retention, upkeep, views
from mithaq.node.exposure import ExposureRule, LocalRecord, decide
from mithaq.node.gateway import Node
from mithaq.node.opening import open_gallery
from mithaq.node.store import ledger, references

RULE = ExposureRule(categories=("arrestee",), offences=(), dispositions=("charged", "convicted"), min_age=18)
FITS = LocalRecord("arrestee", "robbery", "convicted", "1980-05-06")
NOW = datetime(2026, 3, 10, tzinfo=UTC)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    made = make_pair(tmp_path_factory.mktemp("exposure"))
    with open_gallery(made.nodes["US"]) as gallery:
        assert erasing.make_searchable(made.nodes["US"], gallery, REFERENCE) == 1
    yield made
    made.close()


def events(node: Node) -> list[tuple[str, str]]:
    with node.database.read() as tx:
        found = [json.loads(one.body) for one in ledger.entries(tx) if one.body]
    return [(one["data"]["event"], one["data"]["reason"]) for one in found if one["kind"] == "exposure-changed"]


def searchable(node: Node) -> int:
    with open_gallery(node) as gallery:
        return sum(slot[0] == REFERENCE for slot in gallery.slots())


def in_gallery(pair: Pair, codes: bytes) -> bool:
    files = [file for file in (pair.homes["US"] / "gallery").rglob("*") if file.is_file()]
    return any(codes in file.read_bytes() for file in files)


def answer(pair: Pair) -> str:
    sent = ask(pair)
    pair.run()
    return views.find(pair.nodes["QA"], sent.id).state


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (FITS, "rule"),
        (LocalRecord("applicant", "robbery", "convicted", "1980-05-06"), "category"),
        (LocalRecord("arrestee", "robbery", "acquitted", "1980-05-06"), "disposition"),
        (LocalRecord("arrestee", "robbery", "convicted", "2008-03-11"), "age"),
        (LocalRecord("arrestee", "robbery", "convicted", ""), "age"),
        (LocalRecord(), "category"),
    ],
)
def test_the_rule_exposes_who_has_every_code_that_it_asks_for(record: LocalRecord, reason: str) -> None:
    assert decide(RULE, record, "", NOW) == (reason == "rule", reason)


@given(st.builds(LocalRecord, *[st.sampled_from(["", "arrestee", "convicted", "2000-01-01"])] * 4))
def test_an_override_counts_before_every_rule_and_no_rule_hides_nobody(record: LocalRecord) -> None:
    for rule in (RULE, None):
        assert decide(rule, record, "expose", NOW) == (True, "override")
        assert decide(rule, record, "hide", NOW) == (False, "override")
    assert decide(None, record, "", NOW) == (True, "no-rule")


def test_an_acquittal_leaves_the_exchange_set_before_the_next_answer_and_an_override_brings_it_back(pair: Pair) -> None:
    node = pair.nodes["US"]
    assert answer(pair) == "candidate"
    exposure.change(node, REFERENCE, vars(FITS), by="node")
    exposure.set_rule(node, RULE, officer="officer-1", passphrase=PASSPHRASE)
    assert (answer(pair), searchable(node)) == ("candidate", 1)
    before = len(events(node))
    assert exposure.change(node, REFERENCE, {"disposition": "acquitted"}, by="node")
    # The scripted searcher still finds the record: the decision alone keeps it out, before its templates are gone.
    assert (answer(pair), searchable(node)) == ("no-hit", 0)
    with open_gallery(node):  # another process writes: the decision holds, and is carried out later
        assert exposure.override(node, REFERENCE, "expose", officer="officer-1", passphrase=PASSPHRASE)
    assert searchable(node) == 0
    erasing.finish(node)
    assert (answer(pair), searchable(node)) == ("candidate", 1)
    # A change decides anew, and the override still counts; taken back, the rule does.
    assert not exposure.change(node, REFERENCE, {"disposition": "expunged"}, by="node")
    assert exposure.override(node, REFERENCE, "", officer="officer-1", passphrase=PASSPHRASE)
    assert answer(pair) == "no-hit"
    assert exposure.change(node, REFERENCE, {"disposition": "convicted"}, by="node")
    assert answer(pair) == "candidate"
    assert events(node)[before:] == [
        ("hidden", "disposition"), ("exposed", "override"), ("hidden", "disposition"), ("exposed", "rule")
    ]  # fmt: skip


def test_a_serving_node_exposes_who_came_of_age_on_the_day_itself(pair: Pair) -> None:
    node = pair.nodes["US"]
    exposure.set_rule(node, RULE, officer="officer-1", passphrase=PASSPHRASE)
    today = pair.clock()
    born = f"{today.year - 18}-{(today + timedelta(days=2)):%m-%d}"  # eighteen the day after tomorrow
    exposure.change(node, REFERENCE, {**vars(FITS), "birth_date": born}, by="node")
    exposed = []
    for _ in range(3):
        upkeep.expire(node)
        with node.database.read() as tx:
            exposed.append(exposure.is_exposed(tx, REFERENCE))
        pair.clock.turn(days=1)
    assert exposed == [False, False, True]
    assert events(node)[-1] == ("exposed", "rule")
    exposure.change(node, REFERENCE, vars(FITS), by="node")


def test_a_change_needs_an_officer_a_known_record_and_codes_that_fit(pair: Pair) -> None:
    node = pair.nodes["US"]
    with pytest.raises(TrustError):
        exposure.override(node, REFERENCE, "hide", officer="examiner-1", passphrase=PASSPHRASE)
    with pytest.raises(TrustError):
        exposure.set_rule(node, RULE, officer="officer-1", passphrase="not the right one")
    with pytest.raises(FormatError):
        exposure.change(node, "US-NOBODY", {}, by="node")
    with pytest.raises(SettingsError):
        exposure.change(node, REFERENCE, {"category": 7}, by="node")
    for data in (b'{"categories": []}', b"[", b'{"categories": [], "offences": [], "dispositions": [], "min_age": -1}'):
        with pytest.raises(FormatError):
            exposure.read_rule(data)


def test_a_withdrawal_waits_for_a_hold_hidden_and_then_leaves_neither_keys_nor_rows_nor_templates(pair: Pair) -> None:
    node = pair.nodes["US"]
    with open_gallery(node) as gallery:
        template = next(one.template for one in gallery.impressions() if one.reference == REFERENCE)
    codes = template.codes[0, 0].tobytes()
    assert in_gallery(pair, codes)
    until = pair.clock.now + timedelta(days=10)
    holds.place(node, REFERENCE, reason="court-order", ends=until, officer="officer-1", passphrase=PASSPHRASE)
    assert exposure.withdraw(node, REFERENCE, reason="expunged", by="officer-1", passphrase=PASSPHRASE) == 0
    assert (answer(pair), searchable(node)) == ("no-hit", 0)
    assert retention.sweep(node).held == 1
    assert node.person(REFERENCE)
    pair.clock.turn(days=11)
    assert retention.sweep(node).after_hold == 1
    assert node.person(REFERENCE) == {}
    assert not [one for one in node.record_keys.labels("prints") if REFERENCE in one]
    assert not [one for one in node.record_keys.labels("identities") if REFERENCE in one]
    with node.database.read() as tx:
        assert references.prints_of(tx, REFERENCE) == []
    assert not in_gallery(pair, codes)
    with pytest.raises(FormatError):
        exposure.withdraw(node, REFERENCE, reason="expunged", by="officer-1", passphrase=PASSPHRASE)
