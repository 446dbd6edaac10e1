"""The second step: whole, partial, refused; conditions; data of special nature; pauses, clocks, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hits import PERSON, Hits

from mithaq.errors import FormatError, SettingsError, TrustError
from mithaq.node import audit, clocks, flow, followup, received, upkeep, views
from mithaq.node.exchanges import onward
from mithaq.node.gateway import Node
from mithaq.node.store import conversations, ledger
from mithaq.node.store.conversations import Conversation
from mithaq.pact.caveats import Caveat, Handling
from mithaq.pact.entries import read_entry
from mithaq.pact.gate import Refused
from mithaq.pact.terms import Bilingual

CASE = "criminal-investigation"
CORE = ("family_name", "aliases", "birth_date")
H2 = Handling((Caveat("H2", "protects-a-source", None),), "B", 2)
WORDS = Bilingual("لا تُستخدم بعد عام 2027", "not to be used after 2027")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hits]:
    made = Hits(tmp_path_factory.mktemp("release"), search_types={"TP/TP": {"day": 100}})
    yield made
    made.close()


def prepare(pair: Hits, found: str, fields: tuple[str, ...] = CORE, **terms: Any) -> Conversation | Refused:
    return flow.prepare_release(pair.nodes["US"], found, fields=fields, **{**terms, **pair.officer(1)})


def approve(pair: Hits, found: str, number: int = 2) -> Conversation | Refused:
    done = flow.approve_release(pair.nodes["US"], found, **pair.officer(number))
    pair.run()
    return done


def released(pair: Hits, **terms: Any) -> str:
    found = pair.requested()
    for done in (prepare(pair, found, **terms), approve(pair, found)):
        assert isinstance(done, Conversation), done
    return found


def reason(result: object) -> str:
    assert isinstance(result, Refused), result
    return result.reason


def entries(node: Node, kind: str, conversation: str) -> list[dict[str, Any]]:
    with node.database.read() as tx:
        found = [read_entry(entry.body) for entry in ledger.entries(tx) if entry.body is not None]
    return [dict(one.data) for one in found if one.kind == kind and one.data["conversation"] == conversation]


def test_a_whole_release_is_acknowledged_and_the_arabic_name_comes_unchanged(pair: Hits) -> None:
    found = released(pair)
    assert pair.states(found) == ("acknowledged", "acknowledged")
    assert views.released(pair.nodes["QA"], found) == {name: PERSON[name] for name in CORE}
    for node in pair.nodes.values():
        summary = views.find(node, found).release
        assert summary is not None
        assert (summary["outcome"], summary["mla"]) == ("released", False)
        assert set(summary["withheld"].values()) == {"not-available"}


def test_what_is_withheld_needs_a_reason_which_the_requester_reads(pair: Hits) -> None:
    found = pair.requested(fields=CORE)
    assert reason(prepare(pair, found, ("family_name",))) == "withheld-without-reason"
    withheld = {"birth_date": "ongoing-investigation"}
    done = prepare(pair, found, ("family_name",), withheld=withheld, reason="national-law", mla=True)
    assert isinstance(done, Conversation)
    approve(pair, found)
    row = views.find(pair.nodes["QA"], found)
    assert row.release == {
        "outcome": "partial",
        "withheld": {"birth_date": "ongoing-investigation", "aliases": "national-law"},
        "conditions": [],
        "mla": True,
    }
    (entry,) = entries(pair.nodes["QA"], "release-received", found)
    assert (entry["outcome"], entry["withheld"]) == ("partial", ["aliases", "birth_date"])


def test_a_romanised_name_without_a_scheme_does_not_leave(pair: Hits, monkeypatch: pytest.MonkeyPatch) -> None:
    found = pair.requested()
    name = {"original": "الكواري", "script": "Arab", "romanised": [{"value": "Al-Kuwari"}]}
    with monkeypatch.context() as patch:
        patch.setattr(pair.nodes["US"], "person", lambda reference: {**PERSON, "family_name": name})
        with pytest.raises(FormatError) as refused:
            prepare(pair, found)
    assert (refused.value.code, refused.value.field) == ("PAC-270", "family_name")
    assert isinstance(prepare(pair, found), Conversation)


def test_a_release_can_be_sent_back_and_prepared_again(pair: Hits) -> None:
    found = pair.requested()
    prepare(pair, found)
    node = pair.nodes["US"]
    assert isinstance(followup.return_release(node, found, note="less", **pair.officer(2)), Conversation)
    assert isinstance(prepare(pair, found, ("birth_date",), reason="national-law"), Conversation)
    approve(pair, found)
    assert set(views.released(pair.nodes["QA"], found)) == {"birth_date"}


def test_a_refusal_has_its_code_and_may_point_to_legal_assistance(pair: Hits) -> None:
    found = pair.requested()
    flow.refuse_release(pair.nodes["US"], found, reason="human-rights-condition", mla=True, **pair.officer(1))
    pair.run()
    row = views.find(pair.nodes["QA"], found)
    assert (row.state, row.reasons[0][0]) == ("release-refused", "human-rights-condition")
    assert row.release is not None and row.release["mla"] is True
    assert pair.state("US", found) == "closed"


def test_conditions_travel_and_nothing_is_seen_before_they_are_accepted(pair: Hits) -> None:
    handling = Handling((*H2.caveats, Caveat("H3", "court-order", WORDS)), "B", 2)
    found = released(pair, handling=handling)
    node, who = pair.nodes["QA"], pair.officer(1)
    assert pair.states(found) == ("released", "released")
    assert views.released(node, found) == {}
    assert reason(received.export(node, found, use=CASE, **who)) == "conditions-open"
    accepted = received.accept(node, found, **who)
    assert isinstance(accepted, Conversation)
    pair.run()
    assert pair.states(found) == ("acknowledged", "acknowledged")
    exported = received.export(node, found, use=CASE, **who)
    assert isinstance(exported, dict)
    assert exported["fields"]["family_name"] == PERSON["family_name"]
    assert [one["code"] for one in exported["conditions"]] == ["H2", "H3"]
    assert exported["conditions"][1]["ar"] == WORDS.ar
    assert (exported["source"], exported["accuracy"]) == ("B", 2)
    assert reason(received.export(node, found, use=CASE, to="share", **who)) == "caveat-forbids"
    assert isinstance(received.export(node, found, use=CASE, to="judicial", **who), dict)
    shown = [(one["reason"], one["use"]) for one in entries(node, "data-shown", found)]
    assert shown == [("export", CASE), ("export-judicial", CASE)]


def test_no_export_and_no_view_without_one_of_the_four_uses(pair: Hits) -> None:
    both = ("family_name", "health")
    found = pair.requested(fields=both)
    prepare(pair, found, both, relevance="infection during the arrest")
    for number in (2, 3):
        approve(pair, found, number)
    node, who = pair.nodes["QA"], pair.officer(1)
    for use, expected in (
        ("", "use-not-permitted"),
        ("curiosity", "use-not-permitted"),
        ("consented", "consent-missing"),
    ):
        assert reason(received.export(node, found, use=use, **who)) == expected
        assert reason(received.show_special(node, found, reason="threat-to-life", use=use, **who)) == expected
    assert not entries(node, "data-shown", found)
    asked = onward.ask(node, found, use="other-use", recipient="A court", purpose="p", safeguards="s", **who)
    assert not isinstance(asked, Refused)
    assert reason(received.export(node, found, use="consented", consent=asked.id, **who)) == "consent-missing"
    pair.run()
    until = pair.clock() + timedelta(days=1)
    onward.grant(pair.nodes["US"], asked.id, until=until, **pair.officer(1))
    pair.run()
    assert isinstance(received.export(node, found, use="consented", consent=asked.id, **who), dict)
    again = received.show_special(node, found, reason="a-trial", use="consented", consent=asked.id, **who)
    assert again == {"health": PERSON["health"]}
    assert [(one["use"], one["matter"]) for one in entries(node, "data-shown", found)] == [("consented", asked.id)] * 2


def test_declined_conditions_erase_the_data_and_tell_the_supplier(pair: Hits) -> None:
    found = released(pair, handling=H2)
    node = pair.nodes["QA"]
    assert node.released(found)
    with node.identities.read() as tx:
        (sealed,) = tx.exec_driver_sql("SELECT sealed FROM received WHERE conversation = ?", (found,)).one()
    assert isinstance(received.decline(node, found, **pair.officer(2)), Conversation)
    pair.run()
    assert pair.states(found) == ("conditions-declined", "conditions-declined")
    assert node.released(found) == {}
    assert [one["reason"] for one in entries(node, "data-erased", found)] == ["conditions-declined"]
    files = [path for path in pair.homes["QA"].rglob("*") if path.is_file()]
    assert [path.name for path in files if sealed[20:60] in path.read_bytes()] == []
    assert reason(received.accept(node, found, **pair.officer(1))) == "step-not-allowed"


def test_a_release_whose_conditions_nobody_accepts_is_an_alarm_on_both_sides_and_no_more(pair: Hits) -> None:
    found, answered = released(pair, handling=H2), released(pair, handling=H2)
    pair.clock.turn(hours=167)
    received.accept(pair.nodes["QA"], answered, **pair.officer(1))
    pair.run()
    pair.clock.turn(hours=2)
    for code, side in (("QA", "requester"), ("US", "holder")):
        node = pair.nodes[code]
        upkeep.expire(node)
        assert [one["clock"] for one in entries(node, "clock-breached", found)] == ["conditions"], side
        ours = [one for one in clocks.late(node) if one.conversation in (found, answered)]  # other tests have theirs
        assert [(one.conversation, one.name) for one in ours] == [(found, "conditions")]
        assert not entries(node, "clock-breached", answered)
    assert pair.states(found) == ("released", "released")
    assert views.released(pair.nodes["QA"], found) == {}
    assert isinstance(received.decline(pair.nodes["QA"], found, **pair.officer(1)), Conversation)
    pair.run()
    assert not [
        one for node in pair.nodes.values() for one in clocks.late(node) if one.conversation in (found, answered)
    ]


def test_a_general_law_is_no_ground(pair: Hits) -> None:
    found = pair.requested()
    blanket = Handling((Caveat("H1", "data-protection-law", None),))  # type: ignore[arg-type]
    assert reason(prepare(pair, found, handling=blanket)) == "caveat-without-ground"
    with pytest.raises(TrustError):
        prepare(pair, found, handling=Handling((), "Q", 9))  # type: ignore[arg-type]


def test_data_of_special_nature_need_a_statement_and_three_persons_and_are_seen_by_one(pair: Hits) -> None:
    found = pair.requested(fields=("family_name", "health"))
    both = ("family_name", "health")
    assert reason(prepare(pair, found, both)) == "relevance-missing"
    assert isinstance(prepare(pair, found, both, relevance="infection during the arrest"), Conversation)
    approve(pair, found)
    assert pair.state("US", found) == "approved"
    assert pair.state("QA", found) == "request-receipted"
    for number in (1, 2):
        assert reason(approve(pair, found, number)) == "same-officer"
    assert isinstance(approve(pair, found, 3), Conversation)
    node = pair.nodes["QA"]
    assert set(views.released(node, found)) == {"family_name"}
    exported = received.export(node, found, use=CASE, **pair.officer(1))
    assert isinstance(exported, dict)
    assert set(exported["fields"]) == {"family_name"}
    other = received.show_special(node, found, reason="threat-to-life", use="public-security", **pair.officer(2))
    assert reason(other) == "special-category-blocked"
    mine = received.show_special(node, found, reason="threat-to-life", use="public-security", **pair.officer(1))
    assert mine == {"health": PERSON["health"]}
    shown = entries(node, "data-shown", found)[-1]
    assert (shown["fields"], shown["by"], shown["reason"]) == (["health"], "officer-1", "threat-to-life")


def clock(pair: Hits, code: str, found: str) -> clocks.Clock:
    return next(one for one in clocks.of_conversation(pair.nodes[code], found) if one.name == clocks.FOLLOW_UP)


def test_the_follow_ups_clock_stands_still_on_both_sides_and_says_why(pair: Hits) -> None:
    found = pair.requested(urgent=True)
    node, who = pair.nodes["US"], pair.officer(1)
    pair.clock.turn(hours=7)
    assert reason(followup.pause_clock(node, found, reason="holidays", **who)) == "pause-not-agreed"
    followup.pause_clock(node, found, **who)
    pair.run()
    pair.clock.turn(days=3)
    for one in pair.nodes.values():
        upkeep.expire(one)
    for code in pair.nodes:
        paused = clock(pair, code, found)
        assert (paused.reason, paused.breached_at) == ("judicial-authorisation", None)
        assert paused.paused_at is not None
    assert reason(prepare(pair, found)) == "step-not-allowed"
    followup.resume_clock(node, found, **who)
    pair.run()
    pair.clock.turn(minutes=59)
    for one in pair.nodes.values():
        upkeep.expire(one)
    assert [clock(pair, code, found).breached_at for code in pair.nodes] == [None, None]
    pair.clock.turn(minutes=1)
    for code, one in pair.nodes.items():
        upkeep.expire(one)
        assert clock(pair, code, found).breached_at is not None
        (entry,) = entries(one, "clock-breached", found)
        assert entry["clock"] == "follow-up"
        assert found in {late["conversation"] for late in views.status(one)["limits_passed"]}
        assert one.metrics.registry.get_sample_value(
            "mithaq_limits_passed_total", {"clock": "follow-up", "side": views.find(one, found).side}
        )
    prepare(pair, found)
    approve(pair, found)
    for code, one in pair.nodes.items():
        assert clock(pair, code, found).stopped_at is not None
        assert len(entries(one, "clock-breached", found)) == 1


def test_the_receiver_says_what_became_of_the_data_when_it_is_asked(pair: Hits) -> None:
    found = released(pair)
    requester, holder, who = pair.nodes["QA"], pair.nodes["US"], pair.officer(1)
    assert isinstance(received.ask_outcome(holder, found, **who), Conversation)
    pair.run()
    assert pair.states(found) == ("outcome-asked", "outcome-asked")
    with pytest.raises(SettingsError):
        received.report_outcome(requester, found, result="nothing much", **who)
    assert isinstance(received.report_outcome(requester, found, result="result-arrest", **who), Conversation)
    pair.run()
    assert pair.states(found) == ("reported", "closed")
    (notice,) = [one for one in entries(holder, "notice-received", found) if one["about"] == "outcome-report"]
    assert notice["outcome"] == "result-arrest"
    unasked = released(pair)
    received.report_outcome(requester, unasked, result="result-unused", **who)
    pair.run()
    assert pair.states(unasked) == ("reported", "closed")


def test_another_channel_is_recorded_and_found_and_blocks_nothing(pair: Hits) -> None:
    found = pair.hit()
    node = pair.nodes["US"]
    received.record_channel(node, found, channel="interpol", **pair.officer(1))
    with node.database.read() as tx:
        assert [one.id for one in conversations.channel_conversations(tx, "interpol")] == [found]
    assert pair.conclude("QA", found, 1)
    assert pair.state("QA", found) == "identified"


def test_each_message_has_its_time_by_both_clocks(pair: Hits) -> None:
    found = released(pair)
    for node, way in ((pair.nodes["QA"], "received"), (pair.nodes["US"], "sent")):
        assert entries(node, f"release-{way}", found)
        rows = views.times(node, found)
        assert {row["what"].split("-")[0] for row in rows} == {"query", "answer", "request", "release"}
        assert all(row["own"] and row["partner"] for row in rows)
        assert all("created" in one for one in entries(node, f"release-{way}", found))


def test_both_ledgers_and_every_act_verify(pair: Hits) -> None:
    for node in pair.nodes.values():
        assert audit.verify(node).problems == ()
