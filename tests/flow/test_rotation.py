"""Keys that rotate and are revoked while two nodes talk (REQ-124)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pair import PASSPHRASE, Pair
from serve_order import ORDER

from mithaq.errors import MithaqError, TrustError
from mithaq.image import png_bytes
from mithaq.node import audit, flow, notices, rotation, views, witness
from mithaq.node.opening import open_node
from mithaq.node.store import messages
from mithaq.node.store.conversations import Conversation
from mithaq.pact.keys import generate_signing_key
from mithaq.pact.proposal import next_version
from mithaq.pact.rotation import KeyAnnounced, KeyRevoked, announce
from mithaq.pact.signed import sign, unsigned
from mithaq.units import GrayImage, timestamp

SIGN = {"officer": "officer-1", "passphrase": PASSPHRASE}
SMUDGE = png_bytes(GrayImage(np.full((256, 256), 200, np.uint8), 500.0))


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    made = Pair(tmp_path)
    yield made
    made.close()


def ask(pair: Pair, code: str) -> Conversation:
    order = replace(ORDER, partner="US" if code == "QA" else "QA", ppi=500.0, despite_quality=True)
    sent = flow.submit_query(pair.nodes[code], SMUDGE, order)
    assert isinstance(sent, Conversation)
    return sent


def due(pair: Pair, code: str) -> list[str]:
    with pair.nodes[code].database.read() as tx:
        return messages.due_messages(tx, timestamp(pair.clock()), limit=100)


def kid(pair: Pair, code: str) -> str:
    """The key that the side signs with now."""
    return pair.nodes[code].keys.sign.thumbprint


def reopen(pair: Pair, code: str) -> None:
    pair.nodes[code].close()
    node = pair.nodes[code] = open_node(pair.homes[code], clock=pair.clock)
    node.posters = {other: pair.wires[code] for other in pair.nodes if other != code}


def test_both_keys_rotate_under_load_and_nothing_is_lost(pair: Pair) -> None:
    node, before = pair.nodes["QA"], kid(pair, "QA")
    sealed_before = node.keys.encrypt.thumbprint
    open_ones = [ask(pair, "QA"), ask(pair, "US")]
    rotation.announce(node, "sign", **SIGN)
    rotation.announce(node, "encrypt", **SIGN)
    with pytest.raises(MithaqError) as twice:
        rotation.announce(node, "sign", **SIGN)
    assert twice.value.code == "NOD-209"
    open_ones.append(ask(pair, "QA"))
    assert kid(pair, "QA") == before  # nobody has confirmed it yet
    flow.deliver(node, *due(pair, "QA"))
    open_ones.append(ask(pair, "US"))  # sealed to the new key, while this node still has the old one in use
    pair.run()
    assert kid(pair, "QA") != before
    assert node.keys.encrypt.thumbprint != sealed_before
    open_ones += [ask(pair, "QA"), ask(pair, "US")]
    pair.run()
    states = {views.find(pair.nodes[code], one.id).state for one in open_ones for code in pair.nodes}
    assert states == {"unsearchable", "answered-unsearchable"}
    # A node that starts again uses the new keys, knows its agreement by the old one, and verifies what came before.
    used = kid(pair, "QA")
    reopen(pair, "QA")
    assert kid(pair, "QA") == used
    ask(pair, "QA")
    ask(pair, "US")
    pair.run()
    for one in pair.nodes.values():
        assert audit.verify(one).problems == ()
    assert audit.disagreements(*pair.nodes.values()) == []
    listed = {(one["kind"], one["state"]) for one in rotation.listed(pair.nodes["QA"])}
    both = {(kind, state) for kind in ("sign", "encrypt") for state in ("used", "former")}
    assert listed == both | {("checkpoint", "used"), ("tls", "used")}
    # The party file names the new keys, and the next version is signed with them.
    party = json.loads((pair.homes["QA"] / "party.json").read_bytes())["party"]
    assert len(party["keys"]["sign"]) == 2
    amend(pair)
    assert pair.nodes["US"].agreements.current("QA", pair.clock()).version == 2
    ask(pair, "US")
    pair.run()


def test_a_ledger_key_rotates_under_load_and_what_was_signed_under_the_old_one_still_verifies(pair: Pair) -> None:
    node, partner = pair.nodes["QA"], pair.nodes["US"]
    old = node.keys.checkpoint
    ask(pair, "QA")
    pair.run()
    assert cosigned(pair) == [True, True]
    rotation.announce(node, "checkpoint", **SIGN)
    ask(pair, "QA")
    assert cosigned(pair) == [True, True]  # nobody has confirmed it yet: the old key signs
    assert node.keys.checkpoint == old
    pair.run()
    assert node.keys.checkpoint.verifier != old.verifier
    sent = [ask(pair, "QA"), ask(pair, "US")]
    pair.run()
    # Until it is revoked the old one holds, too; the co-signature kept under it is where the new ones go on from.
    new = node.keys
    node.keys = replace(new, checkpoint=old)
    assert cosigned(pair) == [True, True]
    node.keys = new
    name = next(one["name"] for one in rotation.listed(node) if (one["kind"], one["state"]) == ("checkpoint", "former"))
    rotation.revoke(node, "checkpoint", name, reason="key-compromised", **SIGN)
    pair.run()
    node.keys = replace(new, checkpoint=old)
    with pytest.raises(MithaqError):
        witness.offer(node, "US")
    node.keys = new
    assert cosigned(pair) == [True, True]
    assert {views.find(node, one.id).state for one in sent} == {"unsearchable", "answered-unsearchable"}
    for one in (node, partner):
        assert audit.verify(one).problems == ()
        assert audit.verify(one).cosigned
    assert audit.disagreements(node, partner) == []
    reopen(pair, "QA")
    assert pair.nodes["QA"].keys.checkpoint.verifier == new.checkpoint.verifier
    assert audit.verify(pair.nodes["QA"]).problems == ()


def cosigned(pair: Pair) -> list[bool]:
    """Each ledger's newest head is offered and co-signed; an entry more gives something new to offer."""
    for code in pair.nodes:
        ask(pair, code)
    return [witness.offer(node, "US" if code == "QA" else "QA") for code, node in pair.nodes.items()]


def amend(pair: Pair) -> None:
    from mithaq.node.initialise import read_party

    code, party = read_party((pair.homes["QA"] / "party.json").read_bytes(), place="test")
    current = pair.nodes["US"].agreements.current("QA", pair.clock())
    document = next_version(current, valid_from=pair.clock(), valid_to=None, parties={code: party})
    signed = unsigned(document)
    for name, node in pair.nodes.items():
        key = node.keys.sign
        signed = sign(signed, name, signer=key.sign, thumbprint=key.thumbprint, at=pair.clock())
    for node in pair.nodes.values():
        node.agreements.install(signed.to_bytes())


def test_a_message_under_a_revoked_key_is_refused_from_the_instant_of_the_notice(pair: Pair) -> None:
    node = pair.nodes["QA"]
    old = kid(pair, "QA")
    rotation.announce(node, "sign", **SIGN)
    late = ask(pair, "QA")  # signed under the old key
    (stolen,) = due(pair, "QA")[1:]
    flow.deliver(node, due(pair, "QA")[0])
    flow.deliver(pair.nodes["US"], *due(pair, "US"))
    assert kid(pair, "QA") != old
    rotation.revoke(node, "sign", old[:12], reason="key-compromised", **SIGN)
    with node.database.read() as tx:
        message = messages.find_message(tx, stolen, "out")
    assert message is not None and message.sealed is not None
    flow.deliver(node, *[one for one in due(pair, "QA") if one != stolen])
    with pytest.raises(TrustError) as refused:
        flow.receive(pair.nodes["US"], message.sealed, pair.wires["QA"].certificate)
    assert refused.value.code == "PAC-109"
    assert views.find(node, late.id).state == "prepared"
    # Under the new key everything goes on, and what was signed before the notice still verifies.
    sent = ask(pair, "QA")
    flow.deliver(node, *[one for one in due(pair, "QA") if one != stolen])
    pair_run_without(pair, stolen)
    assert views.find(node, sent.id).state == "unsearchable"
    assert audit.verify(pair.nodes["US"]).problems == ()


def pair_run_without(pair: Pair, message: str) -> None:
    with pair.nodes["QA"].database.write() as tx:
        found = messages.find_message(tx, message, "out")
        assert found is not None
        messages.change_message(tx, found, due_at=None)
    pair.run()


def test_the_only_key_revoked_stops_everything_on_both_sides(pair: Pair) -> None:
    node = pair.nodes["QA"]
    rotation.revoke(node, "sign", kid(pair, "QA"), reason="key-compromised", **SIGN)
    with pytest.raises(TrustError) as stopped:
        ask(pair, "QA")
    assert stopped.value.code == "NOD-213"
    flow.deliver(node, *due(pair, "QA"))
    theirs = ask(pair, "US")
    flow.deliver(pair.nodes["US"], *due(pair, "US"))
    assert views.find(pair.nodes["US"], theirs.id).state == "prepared"  # a receipt under that key is none


def test_a_revoked_certificate_opens_no_connection(pair: Pair) -> None:
    node = pair.nodes["QA"]
    name = next(one["name"] for one in rotation.listed(node) if one["kind"] == "tls")
    rotation.revoke(node, "tls", name, reason="key-compromised", **SIGN)
    flow.deliver(node, *due(pair, "QA"))
    ask(pair, "QA")
    with node.database.read() as tx:
        message = messages.find_message(tx, due(pair, "QA")[-1], "out")
    assert message is not None and message.sealed is not None
    with pytest.raises(TrustError) as refused:
        flow.receive(pair.nodes["US"], message.sealed, pair.wires["QA"].certificate)
    assert refused.value.code == "PAC-102"


def _announced(pair: Pair, what: str) -> Any:
    made = generate_signing_key()
    own, theirs = announce("QA", made), pair.nodes["US"].keys.sign.jwk
    return {
        "another's proof": KeyAnnounced("sign", own.key, announce("QA", generate_signing_key()).proof),
        "no proof": KeyAnnounced("sign", own.key, ""),
        "the partner's key": KeyAnnounced("sign", theirs, own.proof),
        "another kind": KeyAnnounced("encrypt", own.key, ""),
    }[what]


@pytest.mark.parametrize("what", ["another's proof", "no proof", "the partner's key", "another kind"])
def test_a_key_that_its_announcer_does_not_hold_is_not_pinned(pair: Pair, what: str) -> None:
    node = pair.nodes["QA"]
    agreement = node.agreements.current("US", pair.clock())
    with node.database.write() as tx:
        message = notices.send(tx, node, agreement, "US", "key-announced", _announced(pair, what))
    assert message.sealed is not None
    with pytest.raises(TrustError) as refused:
        flow.receive(pair.nodes["US"], message.sealed, pair.wires["QA"].certificate)
    assert refused.value.code == "PAC-209"


def test_nobody_revokes_the_other_sides_key(pair: Pair) -> None:
    node = pair.nodes["QA"]
    agreement = node.agreements.current("US", pair.clock())
    terms = KeyRevoked("sign", kid(pair, "US"), "key-compromised")
    with node.database.write() as tx:
        message = notices.send(tx, node, agreement, "US", "key-revoked", terms)
    with pytest.raises(TrustError) as refused:
        flow.receive(pair.nodes["US"], message.sealed or b"", pair.wires["QA"].certificate)
    assert refused.value.code == "NOD-212"
    with pytest.raises(MithaqError) as ours:
        rotation.revoke(node, "sign", kid(pair, "US"), reason="key-compromised", **SIGN)
    assert ours.value.code == "NOD-211"
