"""Proofs from a node's ledger: for one entry, for two sizes, and a bundle of them that checks without mithaq.

The log serves to check lawfulness and security, for the roles that do (REQ-112): whoever reads it is an officer with the
duty, says which of those purposes it is for, and leaves a `log-read` entry, which a bundle's head covers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from mithaq.errors import SettingsError
from mithaq.node import journal, officers
from mithaq.node.gateway import Node
from mithaq.node.store import Tx, ledger
from mithaq.pact.bundle import Selection, choose, make_bundle
from mithaq.pact.checkpoint import Checkpoint, sign_checkpoint
from mithaq.pact.entries import EntryBody, read_entry
from mithaq.pact.merkle import Get, consistency_proof, inclusion_proof, root
from mithaq.pact.rotation import ledger_keys

PURPOSES = ("audit", "lawfulness", "security", "authority", "review")


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof as a person can pass it on: what it shows, the hashes (hex), and the signed checkpoint it leads to."""

    shows: str
    index: int | None
    leaf: str | None
    first: int | None
    first_root: str | None
    size: int
    root: str
    hashes: tuple[str, ...]
    checkpoint: str

    def as_dict(self) -> dict[str, Any]:
        """The proof as JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


def prove_inclusion(node: Node, index: int, size: int | None = None) -> Proof:
    """That entry `index` stands in the first `size` entries (all of them by default); TrustError PAC-152 where it does
    not."""
    with node.database.read() as tx:
        count, get = _size(tx, size), _reader(tx)
        hashes = inclusion_proof(index, count, get)
        return _proof(node, "inclusion", count, get, hashes, index=index, leaf=get(0, index).hex())


def prove_consistency(node: Node, first: int, size: int | None = None) -> Proof:
    """That the first `size` entries begin with the first `first`; TrustError PAC-152 for sizes that fall."""
    with node.database.read() as tx:
        count, get = _size(tx, size), _reader(tx)
        hashes = consistency_proof(first, count, get)
        return _proof(node, "consistency", count, get, hashes, first=first, first_root=root(first, get).hex())


def may_read(node: Node, by: str, reason: str) -> None:
    """SettingsError NOD-190 for a name in place of a code, NOD-287 for a purpose that the log does not serve; TrustError
    NOD-154, NOD-155 where it is nobody's, or not this officer's, to read."""
    if not officers.CODE.fullmatch(by):
        raise SettingsError("NOD-190", "this is not a code", key="by", expected="a lower-case word, as auditor-1")
    if reason not in PURPOSES:
        raise SettingsError(
            "NOD-287",
            "the log is not read for this",
            key="reason",
            expected=" or ".join(PURPOSES),
            remedy="the log serves to check lawfulness and security alone (REQ-112)",
        )
    officers.authorised(node, by, "read-log")


def read_log(node: Node, selection: Selection, *, by: str, reason: str) -> list[EntryBody | None]:
    """The entries that a selection means, in order, None where erased, after a `log-read` entry; errors as of
    `may_read`."""
    may_read(node, by, reason)
    with node.database.write() as tx:
        indexes = choose(selection, ledger.entry_instants(tx), ledger.ledger_size(tx))
        _log_reading(tx, node, selection, indexes, by=by, reason=reason)
        return [read_entry(one.body) if one.body else None for one in ledger.entries_at(tx, indexes)]


def _log_reading(tx: Tx, node: Node, selection: Selection, indexes: list[int], *, by: str, reason: str) -> None:
    known: dict[str, Any] = {"case": selection.case} if selection.case else {}
    if indexes:
        known |= {"first": indexes[0], "last": indexes[-1]}
    journal.write(tx, node, "log-read", by=by, reason=reason, **known)


def bundle(node: Node, selection: Selection, *, by: str, reason: str) -> dict[str, Any]:
    """The bundle as JSON values, after a `log-read` entry; errors as of `may_read`."""
    may_read(node, by, reason)
    keys: dict[str, list[str]] = {}
    told = {partner: node.told(partner) for partner in node.agreements.partners()}
    for agreement in node.agreements.all():
        for code in agreement.parties:
            every = [str(key) for key in ledger_keys(agreement, code, told[agreement.other(node.party)], ever=True)]
            keys.setdefault(code, []).extend(key for key in every if key not in keys.get(code, []))
    keys.setdefault(node.party, [node.keys.checkpoint.vkey])
    with node.database.write() as tx:
        size = ledger.ledger_size(tx)
        indexes = choose(selection, ledger.entry_instants(tx), size)
        _log_reading(tx, node, selection, indexes, by=by, reason=reason)
        if selection.start is not None and indexes[-1:] == [size - 1]:
            indexes.append(size)  # the period reaches the entry that has just been written
        notes = {
            partner: found.note
            for partner in keys
            if partner != node.party and (found := ledger.find_note(tx, node.party, partner)) is not None
        }
    with node.database.read() as tx:  # complete subtrees never change, so nobody has to wait while proofs are made
        return make_bundle(
            node.party,
            selection,
            ledger.entries_at(tx, indexes),
            size=size if selection.seed else size + 1,
            get=cache(_reader(tx)),
            key=node.keys.checkpoint,
            keys=keys,
            notes=notes,
            at=node.clock(),
        )


def _proof(node: Node, shows: str, size: int, get: Get, hashes: list[bytes], **what: Any) -> Proof:
    head = Checkpoint(node.keys.checkpoint.name, size, root(size, get))
    empty: dict[str, Any] = dict.fromkeys(("index", "leaf", "first", "first_root"))
    return Proof(
        shows=shows,
        **(empty | what),
        size=size,
        root=head.root.hex(),
        hashes=tuple(value.hex() for value in hashes),
        checkpoint=sign_checkpoint(head, node.keys.checkpoint),
    )


def _size(tx: Tx, size: int | None) -> int:
    have = ledger.ledger_size(tx)
    if size is not None and not 0 <= size <= have:
        raise SettingsError("NOD-191", f"the ledger has {have} entries", key="size", expected=f"0 to {have}")
    return have if size is None else size


def _reader(tx: Tx) -> Get:
    return lambda level, index: ledger.node_hash(tx, level, index)


__all__ = ["PURPOSES", "Proof", "bundle", "may_read", "prove_consistency", "prove_inclusion", "read_log"]
