"""Proofs and bundles from a real node, and that a node whose ledger went back does not ask and does not answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from pair import PASSPHRASE, Pair

from mithaq.errors import SettingsError, TrustError
from mithaq.node import audit, journal, officers, proofs
from mithaq.node.store import ledger
from mithaq.pact import merkle, verify_bundle
from mithaq.pact.bundle import Selection


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    made = Pair(tmp_path_factory.mktemp("pair"))
    officers.add(made.nodes["QA"], "auditor-1", roles=["auditor"], name={}, passphrase=PASSPHRASE)
    write(made, "QA", 5)
    made.cosign()
    write(made, "QA", 3)
    yield made
    made.close()


def write(pair: Pair, code: str, count: int) -> None:
    with pair.nodes[code].database.write() as tx:
        for number in range(count):
            journal.write(tx, pair.nodes[code], "log-read", by=f"auditor-{number}", reason="test", case="CASE-1")


def test_proofs_by_command_hold(pair: Pair) -> None:
    node = pair.nodes["QA"]
    one = proofs.prove_inclusion(node, 2)
    hashes = [bytes.fromhex(value) for value in one.hashes]
    assert one.leaf is not None and one.index == 2
    merkle.verify_inclusion(bytes.fromhex(one.leaf), 2, one.size, hashes, bytes.fromhex(one.root))
    two = proofs.prove_consistency(node, 3)
    assert two.first_root is not None
    hashes = [bytes.fromhex(value) for value in two.hashes]
    merkle.verify_consistency(3, bytes.fromhex(two.first_root), two.size, bytes.fromhex(two.root), hashes)
    with pytest.raises(TrustError):
        proofs.prove_inclusion(node, one.size)
    with pytest.raises(SettingsError) as error:
        proofs.prove_inclusion(node, 0, one.size + 1)
    assert error.value.code == "NOD-191"


@pytest.mark.parametrize(
    "selection",
    [
        Selection(start=datetime(2026, 3, 10, tzinfo=UTC), end=datetime(2026, 3, 11, tzinfo=UTC)),
        Selection(case="CASE-1"),
        Selection(seed="seven", count=4),
    ],
)
def test_a_bundle_of_a_node_holds_under_the_agreement(pair: Pair, selection: Selection) -> None:
    node = pair.nodes["QA"]
    made = proofs.bundle(node, selection, by="auditor-1", reason="review")
    _, keys = verify_bundle.keys_of_agreement(pair.signed)
    said = [english for english, _ in verify_bundle.check(made, keys)]
    assert any("US co-signed the first" in line for line in said)
    assert audit.verify(node).agrees
    with node.database.read() as tx:
        assert ledger.latest_entries(tx, 1)[0][1] == "log-read"


def test_who_reads_the_log_is_a_code(pair: Pair) -> None:
    with pytest.raises(SettingsError) as error:
        proofs.bundle(pair.nodes["QA"], Selection(case="CASE-1"), by="A Person", reason="review")
    assert error.value.code == "NOD-190"
