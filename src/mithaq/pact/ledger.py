"""The ledger: what happened, provable to the partner and to an auditor, and erasable all the same.

    salt (16 random bytes), body ──SHA-256──► commitment ──SHA-256(0x00 ‖ …)──► leaf ──merkle──► root ──► checkpoint

An entry keeps its commitment for ever; salt and body are erased together at the end of their life, and without the
salt nobody can try bodies against the commitment. Every proof then still verifies. An `erased` entry says which went.
The node stores entries and tree nodes and appends inside the transaction of the effect; `MemoryLedger` does the same
in memory. `entries.py` lists what may be recorded, `checkpoint.py` signs the head. Findings are PAC-180 to PAC-188.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from mithaq.errors import TrustError
from mithaq.pact.checkpoint import Checkpoint, sign_checkpoint, verify_checkpoint, verify_cosignature
from mithaq.pact.entries import entry_body, erased_ranges, kind_of, read_entry
from mithaq.pact.keys import CheckpointKey, Vkey
from mithaq.pact.merkle import (
    EMPTY_ROOT,
    Get,
    append_nodes,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root,
)

SALT_BYTES = 16  # 128 bits: nobody can guess a body behind a commitment by trying


@dataclass(frozen=True)
class Entry:
    """One entry as it is stored. `commitment` is 32 bytes and stays; `salt` and `body` are None once erased."""

    index: int
    commitment: bytes
    salt: bytes | None = field(repr=False)
    body: bytes | None = field(repr=False)

    @property
    def leaf_hash(self) -> bytes:
        """The entry's leaf in the tree: SHA-256(0x00 ‖ SHA-256(salt ‖ body))."""
        return leaf_hash(self.commitment)

    @property
    def is_erased(self) -> bool:
        """True once its body is gone."""
        return self.body is None

    def erased(self) -> Entry:
        """The same entry without its salt and body; its leaf is unchanged."""
        return replace(self, salt=None, body=None)


@dataclass(frozen=True)
class LedgerFinding:
    """One thing that is wrong with a ledger: its code, where, and what."""

    code: str
    place: str
    problem: str


@dataclass(frozen=True)
class LedgerReport:
    """What `verify_ledger` found: the tree that the entries make, how many bodies are erased, up to which size each
    partner cosigned, and everything that is wrong. What stands past the last cosignature only this node vouches for.
    """

    size: int
    root: bytes
    erased: int
    checkpoints: int
    cosigned: Mapping[str, int]
    findings: tuple[LedgerFinding, ...]

    @property
    def agrees(self) -> bool:
        """True where nothing is wrong."""
        return not self.findings

    @property
    def past_cosigned(self) -> int:
        """Entries that no partner has cosigned yet."""
        return self.size - max(self.cosigned.values(), default=0)


def commit(salt: bytes, body: bytes) -> bytes:
    """SHA-256(salt ‖ body), the salt being of `SALT_BYTES`, so that where it ends is never in doubt."""
    return hashlib.sha256(salt + body).digest()


def new_entry(index: int, body: bytes, *, salt: bytes | None = None) -> Entry:
    """The entry at `index` (the ledger's size before it) for these bytes, as `entries.entry_body` makes them, under a
    fresh salt. A caller stores it with the nodes of `append_nodes(index, entry.leaf_hash, get)` in one transaction."""
    salt = os.urandom(SALT_BYTES) if salt is None else salt
    return Entry(index, commit(salt, body), salt, body)


def verify_body(commitment: bytes, salt: bytes, body: bytes) -> bool:
    """True where these are the salt and body behind the commitment."""
    return len(salt) == SALT_BYTES and hmac.compare_digest(commit(salt, body), commitment)


class MemoryLedger:
    """A ledger in memory, with the interface that the node's store has: for tests, and to rebuild one from entries."""

    def __init__(self, key: CheckpointKey) -> None:
        self.key = key
        self.entries: list[Entry] = []
        self.nodes: dict[tuple[int, int], bytes] = {}

    @property
    def size(self) -> int:
        """How many entries it has."""
        return len(self.entries)

    def get(self, level: int, index: int) -> bytes:
        """The stored hash of a complete subtree."""
        return self.nodes[level, index]

    def append(self, kind: str, at: datetime, data: Mapping[str, Any]) -> Entry:
        """The new entry; TrustError PAC-170, PAC-171."""
        return self.append_body(entry_body(kind, at, data))

    def append_body(self, body: bytes) -> Entry:
        """The new entry, for bytes that `entry_body` made."""
        entry = new_entry(self.size, body)
        for level, index, value in append_nodes(self.size, entry.leaf_hash, self.get):
            self.nodes[level, index] = value
        self.entries.append(entry)
        return entry

    def erase(self, ranges: Iterable[tuple[int, int]], *, at: datetime, reason: str, by: str) -> Entry:
        """The `erased` entry, after the bodies of these (first, last) ranges are gone. Entries that are erased already
        and `erased` entries themselves are passed over."""
        pairs = [[first, last] for first, last in ranges]
        record = self.append("erased", at, {"entries": pairs, "reason": reason, "by": by})
        for first, last in pairs:
            for index in range(first, min(last, record.index - 1) + 1):
                entry = self.entries[index]
                if entry.body is not None and kind_of(entry.body) != "erased":
                    self.entries[index] = entry.erased()
        return record

    def head(self, size: int | None = None) -> Checkpoint:
        """The checkpoint of the first `size` entries, of all by default; not signed."""
        count = self.size if size is None else size
        return Checkpoint(self.key.name, count, root(count, self.get))

    def checkpoint(self, size: int | None = None) -> str:
        """The same, as a signed note."""
        return sign_checkpoint(self.head(size), self.key)

    def prove_inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        """The proof that entry `index` stands in the first `size` entries."""
        return inclusion_proof(index, self.size if size is None else size, self.get)

    def prove_consistency(self, first: int, second: int | None = None) -> list[bytes]:
        """The proof that the first `second` entries begin with the first `first`."""
        return consistency_proof(first, self.size if second is None else second, self.get)


def verify_ledger(
    entries: Iterable[Entry],
    *,
    own_keys: Sequence[Vkey],
    checkpoints: Iterable[str | bytes] = (),
    partner_keys: Sequence[Vkey] = (),
    get: Get | None = None,
    progress: Callable[[int], None] | None = None,
) -> LedgerReport:
    """The tree recomputed from the entries, compared with everything that was ever signed about it.

    `entries` come in the order of their index and are read once. `checkpoints` are this node's signed notes with the
    cosignatures on them, its own copies and those that the partner sends; `own_keys` and `partner_keys` are the
    verifier keys of the agreements. With `get`, every stored node is compared too, so that proofs will hold. `progress`
    is told the number of entries read, every thousand.
    """
    findings: list[LedgerFinding] = []
    heads, cosigned = _read_checkpoints(checkpoints, own_keys, partner_keys, findings)
    wanted: dict[int, list[Checkpoint]] = {}
    for head in heads:
        wanted.setdefault(head.size, []).append(head)
    peaks: list[bytes] = []  # the complete subtrees over the entries so far, largest first
    missing: list[int] = []
    permitted: list[tuple[int, int]] = []
    size = 0
    _compare_heads(wanted.pop(0, []), EMPTY_ROOT, findings)
    for entry in entries:
        if entry.index != size:
            findings.append(LedgerFinding("PAC-180", f"entry {size}", f"entry {entry.index} stands in its place"))
        if entry.body is None or entry.salt is None:
            missing.append(size)
        _check_entry(entry, size, permitted, findings)
        _append_peak(peaks, size, entry.leaf_hash, get, findings)
        size += 1
        if heads_here := wanted.pop(size, None):
            _compare_heads(heads_here, _fold(peaks), findings)
        if progress is not None and size % 1000 == 0:
            progress(size)
    for head in (head for later in wanted.values() for head in later):
        findings.append(
            LedgerFinding("PAC-186", f"checkpoint of {head.size} entries", f"the ledger has only {size} entries left")
        )
    findings.extend(
        LedgerFinding("PAC-183", f"entry {index}", "its body is gone, and no `erased` entry says so")
        for index in _unrecorded(missing, permitted)
    )
    return LedgerReport(size, _fold(peaks), len(missing), len(heads), cosigned, tuple(findings))


def _read_checkpoints(
    notes: Iterable[str | bytes], own_keys: Sequence[Vkey], partner_keys: Sequence[Vkey], findings: list[LedgerFinding]
) -> tuple[list[Checkpoint], dict[str, int]]:
    """The checkpoints whose own signature holds, and the largest size that each partner's key cosigned."""
    heads: list[Checkpoint] = []
    cosigned: dict[str, int] = {}
    for number, note in enumerate(notes, 1):
        try:
            head = verify_checkpoint(note, own_keys)
        except TrustError as error:
            findings.append(LedgerFinding("PAC-187", f"checkpoint number {number}", f"{error.code}: {error.problem}"))
            continue
        heads.append(head)
        for key in partner_keys:
            try:
                name = verify_cosignature(note, [key]).name
            except TrustError as error:
                if error.code != "PAC-161":  # this partner has not cosigned this one
                    findings.append(LedgerFinding("PAC-188", f"checkpoint of {head.size} entries", error.problem))
                continue
            cosigned[name] = max(head.size, cosigned.get(name, 0))
    return heads, cosigned


def _check_entry(entry: Entry, place: int, permitted: list[tuple[int, int]], findings: list[LedgerFinding]) -> None:
    """The body against its commitment; what an `erased` entry permits is added to `permitted`."""
    where = f"entry {place}"
    if entry.body is None and entry.salt is None:
        return
    if entry.body is None or entry.salt is None:
        findings.append(LedgerFinding("PAC-181", where, "its body or its salt is gone, but not both"))
        return
    if not verify_body(entry.commitment, entry.salt, entry.body):
        findings.append(LedgerFinding("PAC-181", where, "its body is not the one that was logged"))
        return
    kind = kind_of(entry.body)
    if kind is None:
        findings.append(LedgerFinding("PAC-182", where, "its body is not an entry of a known kind"))
    if kind == "erased":
        try:
            permitted.extend((first, min(last, place - 1)) for first, last in erased_ranges(read_entry(entry.body)))
        except TrustError as error:
            findings.append(LedgerFinding("PAC-182", where, f"{error.code}: {error.problem}"))


def _append_peak(peaks: list[bytes], index: int, leaf: bytes, get: Get | None, findings: list[LedgerFinding]) -> None:
    """The leaf joins the tree: each bit that is set at the end of its index merges it with the peak before it."""
    level, value = 0, leaf
    _compare_node(level, index, value, get, findings)
    while index & 1:
        value = node_hash(peaks.pop(), value)
        level, index = level + 1, index >> 1
        _compare_node(level, index, value, get, findings)
    peaks.append(value)


def _compare_node(level: int, index: int, value: bytes, get: Get | None, findings: list[LedgerFinding]) -> None:
    if get is None:
        return
    try:
        stored = get(level, index)
    except KeyError:
        stored = b""
    if stored != value:
        findings.append(LedgerFinding("PAC-184", f"node {index} of level {level}", "the stored hash is another"))


def _compare_heads(heads: Sequence[Checkpoint], value: bytes, findings: list[LedgerFinding]) -> None:
    findings.extend(
        LedgerFinding("PAC-185", f"checkpoint of {head.size} entries", "the entries make another root")
        for head in heads
        if head.root != value
    )


def _fold(peaks: Sequence[bytes]) -> bytes:
    """The root over complete subtrees, largest first."""
    if not peaks:
        return EMPTY_ROOT
    value = peaks[-1]
    for peak in reversed(peaks[:-1]):
        value = node_hash(peak, value)
    return value


def _unrecorded(missing: Sequence[int], permitted: Sequence[tuple[int, int]]) -> list[int]:
    """The indexes (rising) that no range covers."""
    result, ranges, position, reach = [], sorted(permitted), 0, -1
    for index in missing:
        while position < len(ranges) and ranges[position][0] <= index:
            reach = max(reach, ranges[position][1])
            position += 1
        if index > reach:
            result.append(index)
    return result


__all__ = [
    "SALT_BYTES", "Entry", "LedgerFinding", "LedgerReport", "MemoryLedger", "commit", "new_entry", "verify_body",
    "verify_ledger",
]  # fmt: skip
