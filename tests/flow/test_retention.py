"""What is kept is erased in time, in every copy; holds suspend that, certificates prove it, and logs end too."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from kept import IDENTITY, REFERENCE, ask, make_pair, release
from pair import PASSPHRASE, Pair

from mithaq.errors import FormatError, SettingsError, StorageError, TrustError
from mithaq.node import audit, certificates, erasing, flow, holds, retention, upkeep, views
from mithaq.node.opening import open_node
from mithaq.node.store import conversations, ledger, messages
from mithaq.pact.deletion import Deletion, DeletionCertificate, make_certificate

TERMS = {"retention": {"log_months": 24, "released_review_months": 12, "certificates": True}}


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    made = make_pair(tmp_path, **TERMS)
    yield made
    made.close()


def kinds(pair: Pair, code: str) -> list[str]:
    with pair.nodes[code].database.read() as tx:
        return [json.loads(one.body)["kind"] for one in ledger.entries(tx) if one.body is not None]


def agrees(pair: Pair) -> list[str]:
    return [problem for node in pair.nodes.values() for problem in audit.verify(node).problems]


def test_a_restored_older_database_leaves_an_erased_print_and_released_data_unreadable(pair: Pair) -> None:
    requester, home = pair.nodes["QA"], pair.homes["QA"]
    sent = release(pair)
    with requester.database.read() as tx:
        (query,) = conversations.conversation_prints(tx, sent.id, "query")
    assert requester.open_print(query).data
    assert requester.released(sent.id)["fields"]["family_name"] == IDENTITY["family_name"]
    for database in (requester.database, requester.identities):  # the back-up, everything but the key store
        assert database.truncate_log()
    for name in ("node.sqlite", "identities.sqlite"):
        shutil.copy(home / name, home / f"{name}.backup")

    pair.clock.turn(days=366)
    swept = retention.sweep(requester)
    assert (swept.hits, swept.releases) == (1, 1)
    pair.nodes["QA"].close()
    for name in ("node.sqlite", "identities.sqlite"):  # restored
        shutil.copy(home / f"{name}.backup", home / name)
    with open_node(home, clock=pair.clock) as restored:
        with restored.database.read() as tx:
            (query,) = conversations.conversation_prints(tx, sent.id, "query")
        with pytest.raises(TrustError) as erased:
            restored.open_print(query)
        assert erased.value.code == "NOD-260"
        with pytest.raises(TrustError) as erased:
            restored.released(sent.id)
        assert erased.value.code == "NOD-260"


def test_a_holder_keeps_no_key_of_a_query_print_that_was_answered(pair: Pair) -> None:
    holder = pair.nodes["US"]
    before = holder.record_keys.labels("prints")
    sent = ask(pair)
    with pair.nodes["QA"].database.read() as tx:
        (due,) = messages.due_messages(tx, "9999", limit=9)
    flow.deliver(pair.nodes["QA"], due)
    (label,) = holder.record_keys.labels("prints") - before
    assert label.startswith(f"print:{sent.id}:")
    pair.run()
    upkeep.expire(holder)
    assert holder.record_keys.labels("prints") == before


def test_released_data_end_at_their_review_date_with_a_certificate_that_the_other_side_verifies(pair: Pair) -> None:
    requester, holder = pair.nodes["QA"], pair.nodes["US"]
    sent = release(pair)
    pair.clock.turn(days=364)
    assert retention.sweep(requester).releases == 0
    pair.clock.turn(days=1)
    swept = retention.sweep(requester)
    assert (swept.releases, swept.certificates) == (1, 1)
    assert requester.released(sent.id) == {}
    assert retention.sweep(requester).releases == 0
    pair.run()
    ((kept, deletion),) = certificates.everything(holder)
    assert deletion is not None
    assert (kept.direction, deletion.conversation, deletion.reference) == ("in", sent.id, REFERENCE)
    assert "deleted" in kinds(pair, "QA")
    assert "notice-received" in kinds(pair, "US")
    assert agrees(pair) == []


@pytest.mark.parametrize("change", ["release", "party", "signature"])
def test_a_certificate_of_another_release_or_by_another_hand_is_refused(pair: Pair, change: str) -> None:
    requester, holder = pair.nodes["QA"], pair.nodes["US"]
    sent = release(pair)
    with requester.database.write() as tx:
        conversation = conversations.find_conversation(tx, sent.id)
        assert conversation is not None
        good = certificates.make(tx, requester, conversation, "withdrawn")
        agreement = requester.agreements.by_id(conversation.agreement)
    deletion = certificates.read_certificate(good.signed, agreement.parties["QA"].keys.sign, party="QA", partner="US")
    values = {field: getattr(deletion, field) for field in Deletion.__dataclass_fields__}
    if change == "release":
        values["release"] = "0" * 64
    elif change == "party":
        values["party"] = "US"
    key = holder.keys.sign if change == "signature" else requester.keys.sign
    forged = DeletionCertificate(make_certificate(Deletion(**values), key))

    class Sender:
        class manifest:
            sender = "QA"

    with pytest.raises(TrustError) as refused, holder.database.write() as tx:
        certificates.take(tx, holder, agreement, Sender, forged)  # type: ignore[arg-type]
    assert refused.value.code in ("NOD-262", "PAC-261", "PAC-109", "PAC-110")
    assert certificates.everything(holder) == []


def test_a_hold_keeps_prints_and_released_data_until_the_first_sweep_after_its_end(pair: Pair) -> None:
    requester = pair.nodes["QA"]
    sent = release(pair)
    until = pair.clock.now + timedelta(days=500)
    hold = holds.place(
        requester, sent.id, reason="court-order", ends=until, officer="officer-1", passphrase=PASSPHRASE, note="order 7"
    )
    pair.clock.turn(days=400)
    for _ in range(2):
        swept = retention.sweep(requester)
        assert (swept.hits, swept.releases, swept.certificates) == (0, 0, 0)
        assert swept.held >= 2
    assert requester.released(sent.id)
    with requester.database.read() as tx:
        assert conversations.conversation_prints(tx, sent.id, "candidate")
    pair.clock.turn(days=101)
    swept = retention.sweep(requester)
    assert (swept.after_hold, swept.releases) == (2, 1)
    assert requester.released(sent.id) == {}
    with requester.database.read() as tx:
        assert not conversations.conversation_prints(tx, sent.id, "candidate")
    assert "order 7" not in json.dumps(kinds(pair, "QA"))
    assert holds.everything(requester) == [hold]
    assert agrees(pair) == []


def test_a_hold_needs_an_officer_a_subject_a_reason_and_an_end_and_can_be_lifted(pair: Pair) -> None:
    node = pair.nodes["QA"]
    soon = pair.clock.now + timedelta(days=1)
    with pytest.raises(TrustError):
        holds.place(node, "log", reason="court-order", ends=soon, officer="examiner-1", passphrase=PASSPHRASE)
    with pytest.raises(FormatError):
        holds.place(node, "nothing", reason="court-order", ends=soon, officer="officer-1", passphrase=PASSPHRASE)
    for reason, ends in (("because", soon), ("court-order", pair.clock.now)):
        with pytest.raises(SettingsError):
            holds.place(node, "log", reason=reason, ends=ends, officer="officer-1", passphrase=PASSPHRASE)
    hold = holds.place(node, "log", reason="court-order", ends=soon, officer="officer-1", passphrase=PASSPHRASE)
    holds.lift(node, hold.id, officer="officer-2", passphrase=PASSPHRASE)
    with pytest.raises(FormatError):
        holds.lift(node, hold.id, officer="officer-2", passphrase=PASSPHRASE)
    assert kinds(pair, "QA").count("hold-changed") == 2
    assert audit.verify(node).problems == ()
    with node.database.write() as tx:  # another's word in the author's place
        tx.exec_driver_sql("UPDATE holds SET lifted = signed")
    assert audit.verify(node).problems == ("an act hold-lifted was signed for another step",)


def test_logs_end_after_their_months_and_every_proof_still_verifies(pair: Pair) -> None:
    requester, holder = pair.nodes["QA"], pair.nodes["US"]
    old = release(pair)
    pair.cosign()
    pair.clock.turn(days=400)  # released data go
    retention.sweep(requester)
    pair.run()
    pair.clock.turn(days=320)
    new = ask(pair)
    pair.run()
    assert retention.sweep(requester).entries == 0  # 720 days: not yet two years
    pair.clock.turn(days=12)
    for node in (requester, holder):
        swept = retention.sweep(node)
        assert swept.entries > 5
        assert swept.rows > 5
        with pytest.raises(FormatError):
            views.find(node, old.id)
        assert views.find(node, new.id).id == new.id
        assert retention.sweep(node).entries == 0
    with requester.database.read() as tx:
        bodies = [json.loads(one.body) for one in ledger.entries(tx) if one.body]
    of = {sent.id: {one["kind"] for one in bodies if sent.id in str(one)} for sent in (old, new)}
    assert of[old.id] == {"prints-erased", "deleted"}  # those are of a year ago
    assert "query-sent" in of[new.id]
    pair.cosign()
    assert agrees(pair) == []


def test_a_hold_on_the_log_suspends_its_erasure(pair: Pair) -> None:
    node = pair.nodes["US"]
    release(pair)
    until = pair.clock.now + timedelta(days=800)
    holds.place(node, "log", reason="oversight", ends=until, officer="officer-1", passphrase=PASSPHRASE)
    pair.clock.turn(days=750)
    swept = retention.sweep(node)
    assert (swept.entries, swept.rows) == (0, 0)
    assert swept.held > 5
    pair.clock.turn(days=60)
    assert retention.sweep(node).entries > 5


def test_keys_are_destroyed_in_the_files_themselves_and_what_cannot_be_done_is_done_later(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    node, home = pair.nodes["QA"], pair.homes["QA"]
    release(pair)
    wrapped = [node.record_keys.find("prints", label) for label in node.record_keys.labels("prints")]
    pair.clock.turn(days=400)
    with monkeypatch.context() as broken:
        broken.setattr(node.record_keys, "destroy", _raise)
        with pytest.raises(StorageError):
            retention.sweep(node)
    assert node.record_keys.labels("prints")
    erasing.settle(node)
    assert not node.record_keys.labels("prints")
    files = b"".join(file.read_bytes() for file in home.glob("record-keys.sqlite*"))
    assert wrapped
    assert not any(one in files for one in wrapped if one)


def _raise(pairs: object) -> int:
    raise StorageError("NOD-261", "broken for the test", place="test")


def test_a_restored_copy_of_the_key_store_gives_nothing_back_after_the_next_sweep(pair: Pair) -> None:
    node, home = pair.nodes["QA"], pair.homes["QA"]
    sent = release(pair)
    shutil.copy(home / "record-keys.sqlite", home / "copy")
    for file in home.glob("record-keys.sqlite-*"):
        shutil.copy(file, home / file.name.replace("record-keys.sqlite", "copy"))
    pair.clock.turn(days=400)
    retention.sweep(node)
    assert erasing.stray_keys(node) == []
    node.close()
    for file in home.glob("record-keys.sqlite*"):
        file.unlink()
    for file in home.glob("copy*"):
        file.rename(home / file.name.replace("copy", "record-keys.sqlite"))
    pair.nodes["QA"] = node = open_node(home, clock=pair.clock)
    stray = erasing.stray_keys(node)
    assert ("identities", f"released:{sent.id}") in stray
    assert retention.sweep(node).keys == 0  # too young to be sure of
    assert erasing.destroy_stray_keys(node, older_than_s=0.0) == len(stray)
    assert erasing.stray_keys(node) == []
