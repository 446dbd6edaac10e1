"""A key for each record: sealed and opened under it, gone with it, and given to the records of an older node."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pair import NAMES

from mithaq.errors import StorageError, TrustError
from mithaq.node.initialise import initialise, upgrade
from mithaq.node.opening import open_node
from mithaq.node.store import RecordKeys, create_record_keys, open_record_keys, references
from mithaq.node.store.references import ReferencePrint
from mithaq.node.vault import FileKey, Vault
from mithaq.units import FingerPosition, PrintImage

PERSON = {"family_name": "Zubayribakthaf"}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecordKeys]:
    url = f"sqlite:///{tmp_path_factory.mktemp('keys')}/record-keys.sqlite"
    create_record_keys(url)
    made = open_record_keys(url)
    yield made
    made.close()


@settings(max_examples=25)
@given(st.binary(max_size=300), st.text(st.sampled_from("ab:1"), min_size=1, max_size=20))
def test_what_was_sealed_opens_under_its_label_until_its_key_is_destroyed(
    keys: RecordKeys, plain: bytes, label: str
) -> None:
    vault = Vault(FileKey(b"k" * 32), keys, name="prints")
    sealed = vault.seal(plain, label)
    assert vault.open(sealed, label) == plain
    assert vault.open(vault.seal(b"another", label), label) == b"another"  # the same record, the same key
    with pytest.raises(TrustError):
        vault.open(sealed, label + "x")
    with pytest.raises(TrustError) as other_store:
        Vault(FileKey(b"o" * 32), keys, name="prints").open(sealed, label)
    assert other_store.value.code == "NOD-020"
    with pytest.raises(TrustError) as altered:
        vault.open(sealed[:-1] + bytes([sealed[-1] ^ 1]), label)
    assert altered.value.code == "NOD-020"
    assert keys.destroy([("prints", label)]) == 1
    with pytest.raises(TrustError) as erased:
        vault.open(sealed, label)
    assert erased.value.code == "NOD-260"
    vault.make_keys([label])  # a new key under the old name does not bring the record back
    with pytest.raises(TrustError):
        vault.open(sealed, label)
    assert keys.destroy([("prints", label), ("prints", label)]) == 1


def test_an_older_node_is_upgraded_to_a_key_for_each_record(tmp_path: Path) -> None:
    home = tmp_path / "QA"
    initialise(home, party="QA", contact="qa-ncp", name=NAMES["QA"])
    found = PrintImage(FingerPosition.LEFT_INDEX, 0, "PNG", 8, 8, 500.0, b"picture")
    with open_node(home) as node:
        with node.database.write() as tx:
            references.add_reference_print(tx, ReferencePrint("QA-1", 7, 0, node.seal_reference("QA-1", found), "now"))
        with node.identities.write() as identities:
            references.add_person(identities, "QA-1", "key", node.seal_person("QA-1", PERSON))
        # As an older program sealed them: under the store's own key.
        for vault, database, label in (
            (node.print_vault, node.database, "reference:QA-1:7:0"),
            (node.identity_vault, node.identities, "person:QA-1"),
        ):
            with database.write() as tx:
                if vault is node.print_vault:
                    (stored,) = references.prints_of(tx, "QA-1")
                    old = vault.wrapper.wrap(vault.open(stored.sealed, label), label)
                    references.add_reference_print(tx, ReferencePrint("QA-1", 7, 0, old, "now"))
                else:
                    sealed = references.sealed_person(tx, "QA-1")
                    assert sealed
                    references.replace_person(tx, "QA-1", vault.wrapper.wrap(vault.open(sealed, label), label))
    for file in home.glob("record-keys.sqlite*"):
        file.unlink()
    with pytest.raises(StorageError):
        open_node(home)
    for _ in range(2):
        upgrade(home)
    with open_node(home) as node:
        assert node.person("QA-1") == PERSON
        with node.database.read() as tx:
            (stored,) = references.prints_of(tx, "QA-1")
        assert node.open_reference(stored) == found
        assert node.record_keys.labels("prints") == {"reference:QA-1:7:0"}
        assert node.record_keys.labels("identities") == {"person:QA-1"}
