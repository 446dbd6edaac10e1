"""A partner's checkpoint that does not continue the last one: shorter, forked at a size or past it, by a foreign key."""

from __future__ import annotations

from dataclasses import replace

import pytest
from forged import check_said, without_effect
from hits import Hits

from mithaq.errors import TrustError
from mithaq.node import witness
from mithaq.node.store import ledger
from mithaq.pact.checkpoint import (
    AddCheckpoint,
    Checkpoint,
    format_add_checkpoint,
    parse_checkpoint,
    parse_note,
    sign_checkpoint,
)
from mithaq.pact.keys import generate_checkpoint_key


@pytest.fixture
def head(hits: Hits) -> Checkpoint:
    """The head of QA's ledger that US last co-signed."""
    hits.identified()
    for node in hits.nodes.values():
        node._cosign_at.clear()
    hits.cosign()
    with hits.nodes["US"].database.read() as tx:
        note = ledger.find_note(tx, "QA", "US")
    assert note is not None
    return parse_checkpoint(parse_note(note.note)[0])


@pytest.mark.parametrize(
    ("attack", "code", "reason"),
    [
        ("shrunk", "PAC-165", "ledger-not-extended"),
        ("forked at the same size", "PAC-164", "ledger-not-extended"),
        ("forked past it", "PAC-151", "ledger-not-extended"),
        ("an old size past the new one", "PAC-168", "ledger-not-extended"),
        ("a foreign key", "PAC-161", "message-not-trusted"),
        ("another ledger's name", "PAC-161", "message-not-trusted"),
    ],
)
def test_it_is_not_co_signed(hits: Hits, head: Checkpoint, attack: str, code: str, reason: str) -> None:
    key, offered, old = hits.nodes["QA"].keys.checkpoint, head, head.size
    proof: tuple[bytes, ...] = ()
    if attack == "shrunk":
        offered, old = replace(head, size=head.size - 1, root=bytes(32)), head.size - 1
    elif attack == "forked at the same size":
        offered = replace(head, root=bytes(32))
    elif attack == "forked past it":
        offered, proof = replace(head, size=head.size + 5, root=bytes(32)), (bytes(32),) * 3
    elif attack == "an old size past the new one":
        old = head.size + 9
    elif attack == "a foreign key":
        key = generate_checkpoint_key(key.name)
    else:
        key = generate_checkpoint_key("mithaq/FR/ledger")
        offered = replace(head, origin="mithaq/FR/ledger")
    body = format_add_checkpoint(AddCheckpoint(old, proof, sign_checkpoint(offered, key)))
    node = hits.nodes["US"]
    certificate = hits.wires["QA"].certificate
    with without_effect(node) as logged:
        for _ in range(3):  # the same offer again is refused again, and logged once
            with pytest.raises(TrustError) as caught:
                witness.co_sign(node, body, certificate)
            assert caught.value.code == code
    ((kind, data),) = logged
    assert (kind, data["code"], data["party"]) == ("checkpoint-refused", code, "QA")
    assert (data["size"], data["root"]) == (offered.size, offered.root.hex())
    check_said(node, data, reason)


def test_what_is_no_checkpoint_at_all(hits: Hits) -> None:
    node = hits.nodes["US"]
    with without_effect(node) as logged, pytest.raises(TrustError) as caught:
        witness.co_sign(node, b"a letter to the editor", hits.wires["QA"].certificate)
    ((kind, data),) = logged
    assert (kind, data["code"]) == ("message-refused", caught.value.code)
    check_said(node, data, "message-not-trusted")
