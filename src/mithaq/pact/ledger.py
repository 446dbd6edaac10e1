"""The ledger: a Merkle log (RFC 6962) whose bodies can be erased, with checkpoints that the partner co-signs (C2SP).

    body + salt ──► SHA-256 ──► leaf = SHA-256(0x00 ‖ that) ──► tree of complete subtrees ──► root in a checkpoint
                                                                     │
                       (level, index) -> hash, stored by the caller ─┘   level 0 holds the leaves

A leaf commits to its body through a random salt, so an erased body cannot be guessed from what stays, and every proof
still verifies. The caller stores the hashes; this page holds none, so a proof reads a handful of them however long the
log is. Errors are `TrustError`, PAC-131 to PAC-149.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from mithaq.errors import TrustError

SALT_BYTES = 16
LOG_KEY, WITNESS_KEY = 0x01, 0x04  # C2SP signed-note: Ed25519; Ed25519 cosignature/v1 with a time
GetNode = Callable[[int, int], bytes]  # (level, index) -> hash; KeyError where the tree has none there


# ---------------------------------------------------------------- the tree (RFC 6962, section 2.1)


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf: SHA-256 over 0x00 and the data."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256 over 0x01 and both children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def salted_leaf(salt: bytes, body: bytes) -> bytes:
    """The leaf of an entry whose body can be erased: it commits to SHA-256 of salt and body."""
    return leaf_hash(hashlib.sha256(salt + body).digest())


def append_nodes(size: int, leaf: bytes, get: GetNode) -> list[tuple[int, int, bytes]]:
    """The hashes to store when `leaf` joins a tree of `size` leaves: itself, and each subtree it completes."""
    level, index, value = 0, size, leaf
    made = [(level, index, value)]
    while index % 2:
        value = node_hash(get(level, index - 1), value)
        level, index = level + 1, index // 2
        made.append((level, index, value))
    return made


def root(size: int, get: GetNode) -> bytes:
    """The root of the first `size` leaves; of the empty tree, the hash of nothing."""
    return hashlib.sha256().digest() if size == 0 else _range(0, size, get)


def inclusion_proof(index: int, size: int, get: GetNode) -> list[bytes]:
    """The hashes that lead from leaf `index` to the root of `size` leaves. ValueError where there is no such leaf."""
    if not 0 <= index < size:
        raise ValueError("the leaf is not in a tree of that size")
    return _path(index, 0, size, get)


def consistency_proof(old: int, new: int, get: GetNode) -> list[bytes]:
    """The hashes that show the first `old` of `new` leaves to be unchanged. ValueError where old is not within new."""
    if not 0 <= old <= new:
        raise ValueError("the older tree is not the smaller one")
    return [] if old in (0, new) else _subproof(old, 0, new, True, get)


def inclusion_holds(index: int, size: int, leaf: bytes, proof: Sequence[bytes], head: bytes) -> bool:
    """True where the proof leads from the leaf to the root (RFC 9162, section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    node, last, value = index, size - 1, leaf
    for part in proof:
        if last == 0:
            return False
        if node % 2 or node == last:
            value = node_hash(part, value)
            while node % 2 == 0 and node:
                node, last = node >> 1, last >> 1
        else:
            value = node_hash(value, part)
        node, last = node >> 1, last >> 1
    return last == 0 and value == head


def consistency_holds(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """True where the proof shows the older tree to be the beginning of the newer one (RFC 9162, section 2.1.4.2)."""
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == hashlib.sha256().digest()
    if not 0 < old < new:
        return False
    parts = list(proof)
    if old & (old - 1) == 0:
        parts.insert(0, old_root)
    if not parts:
        return False
    node, last = old - 1, new - 1
    while node % 2:
        node, last = node >> 1, last >> 1
    older = newer = parts[0]
    for part in parts[1:]:
        if last == 0:
            return False
        if node % 2 or node == last:
            older, newer = node_hash(part, older), node_hash(part, newer)
            while node % 2 == 0 and node:
                node, last = node >> 1, last >> 1
        else:
            newer = node_hash(newer, part)
        node, last = node >> 1, last >> 1
    return last == 0 and older == old_root and newer == new_root


def _split(size: int) -> int:
    """The largest power of two below `size` (2 or more)."""
    return 1 << ((size - 1).bit_length() - 1)


def _range(start: int, size: int, get: GetNode) -> bytes:
    level = size.bit_length() - 1
    if size == 1 << level:
        return get(level, start >> level)
    left = _split(size)
    return node_hash(_range(start, left, get), _range(start + left, size - left, get))


def _path(index: int, start: int, size: int, get: GetNode) -> list[bytes]:
    if size == 1:
        return []
    left = _split(size)
    if index < left:
        return [*_path(index, start, left, get), _range(start + left, size - left, get)]
    return [*_path(index - left, start + left, size - left, get), _range(start, left, get)]


def _subproof(old: int, start: int, size: int, whole: bool, get: GetNode) -> list[bytes]:
    if old == size:
        return [] if whole else [_range(start, size, get)]
    left = _split(size)
    if old <= left:
        return [*_subproof(old, start, left, whole, get), _range(start + left, size - left, get)]
    return [*_subproof(old - left, start + left, size - left, False, get), _range(start, left, get)]


# ---------------------------------------------------------------- checkpoints (C2SP tlog-checkpoint, signed-note)


@dataclass(frozen=True)
class VerifierKey:
    """A public key as a vkey string names it: name, kind (log or witness), Ed25519 key."""

    name: str
    kind: int
    key: bytes

    def __str__(self) -> str:
        return f"{self.name}+{self.number.hex()}+{base64.b64encode(bytes([self.kind]) + self.key).decode('ascii')}"

    @property
    def number(self) -> bytes:
        """The four bytes by which a signature line names its key."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.key).digest()[:4]


@dataclass(frozen=True)
class Checkpoint:
    """A ledger's head: whose (origin), how many entries, which root. `text` is what is signed."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode('ascii')}\n"


def parse_vkey(text: str) -> VerifierKey:
    """The key that a vkey string names; TrustError PAC-131 where it does not carry its own number."""
    try:
        name, number, encoded = text.split("+", 2)
        raw = base64.b64decode(encoded, validate=True)
        key = VerifierKey(name, raw[0], raw[1:])
        if len(key.key) == 32 and key.kind in (LOG_KEY, WITNESS_KEY) and key.number.hex() == number:
            return key
    except (ValueError, IndexError):
        pass
    raise TrustError("PAC-131", "this is not a verifier key", expected="name+8 hex digits+base64, as C2SP writes it")


def vkey(name: str, kind: int, key: Ed25519PrivateKey) -> str:
    """The vkey string of a private key's public half."""
    return str(VerifierKey(name, kind, key.public_key().public_bytes_raw()))


def sign_checkpoint(checkpoint: Checkpoint, key: Ed25519PrivateKey, name: str) -> str:
    """The signed note: the checkpoint's text, a blank line, and the log's own signature line."""
    signer = VerifierKey(name, LOG_KEY, key.public_key().public_bytes_raw())
    return f"{checkpoint.text}\n{_line(name, signer.number + key.sign(checkpoint.text.encode()))}"


def cosign(note: str, key: Ed25519PrivateKey, name: str, *, at: int) -> str:
    """A witness's cosignature/v1 line over a note's text; `at` is the time in whole seconds since 1970."""
    text = _split_note(note)[0]
    signer = VerifierKey(name, WITNESS_KEY, key.public_key().public_bytes_raw())
    return _line(name, signer.number + struct.pack(">Q", at) + key.sign(_cosigned(text, at)))


def open_checkpoint(note: str, log_keys: Sequence[str]) -> Checkpoint:
    """The checkpoint of a note that one of the log's keys signed; TrustError PAC-132 to PAC-134 otherwise."""
    text, lines = _split_note(note)
    checkpoint = _parse_checkpoint(text)
    for log_key in (parse_vkey(one) for one in log_keys):
        if log_key.kind == LOG_KEY and any(
            name == log_key.name
            and value[:4] == log_key.number
            and _verifies(log_key.key, value[4:], text.encode())
            for name, value in lines
        ):
            return checkpoint
    raise TrustError("PAC-134", "the checkpoint is not signed by its ledger's key", place="checkpoint",
                     expected="a signature by a key that the agreement lists")  # fmt: skip


def cosigned_at(note: str, witness_keys: Sequence[str]) -> int | None:
    """When one of the witness's keys co-signed the note, in seconds since 1970; None where none did."""
    text, lines = _split_note(note)
    for key in (parse_vkey(one) for one in witness_keys):
        for name, value in lines:
            if key.kind == WITNESS_KEY and name == key.name and value[:4] == key.number and len(value) == 76:
                at = int(struct.unpack(">Q", value[4:12])[0])
                if _verifies(key.key, value[12:], _cosigned(text, at)):
                    return at
    return None


def _cosigned(text: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def _line(name: str, value: bytes) -> str:
    return f"— {name} {base64.b64encode(value).decode('ascii')}\n"


def _verifies(key: bytes, value: bytes, data: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(value, data)
        return True
    except (InvalidSignature, ValueError):
        return False


def _split_note(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    text, separator, signatures = note.partition("\n\n")
    lines = signatures.splitlines()
    if not separator or not lines or len(lines) > 16 or len(note) > 16384 or "\r" in note:
        raise TrustError("PAC-132", "this is not a signed note", place="checkpoint", expected="as C2SP signed-note says")
    parsed = []
    for line in lines:
        parts = line.split(" ")
        try:
            if len(parts) != 3 or parts[0] != "—":
                raise ValueError
            parsed.append((parts[1], base64.b64decode(parts[2], validate=True)))
        except (ValueError, binascii.Error):
            raise TrustError(
                "PAC-132", "a signature line cannot be read", place="checkpoint", expected="— NAME BASE64"
            ) from None
    return text + "\n", parsed


def _parse_checkpoint(text: str) -> Checkpoint:
    lines = text.split("\n")
    try:
        if len(lines) != 4 or not lines[0] or (lines[1] != str(int(lines[1]))) or int(lines[1]) < 0:
            raise ValueError
        value = base64.b64decode(lines[2], validate=True)
        if len(value) != 32:
            raise ValueError
        return Checkpoint(lines[0], int(lines[1]), value)
    except (ValueError, binascii.Error, IndexError):
        raise TrustError(
            "PAC-133", "the checkpoint's text cannot be read", place="checkpoint", expected="origin, size, root"
        ) from None


# ---------------------------------------------------------------- the exchange (C2SP tlog-witness, add-checkpoint)


def offer_text(old: int, proof: Sequence[bytes], note: str) -> str:
    """The body of an offer: the size that the witness knows, the consistency proof, the signed checkpoint."""
    lines = [f"old {old}\n", *(base64.b64encode(part).decode("ascii") + "\n" for part in proof)]
    return "".join(lines) + "\n" + note


def parse_offer(body: str) -> tuple[int, list[bytes], str]:
    """Size, proof and note of an offer; TrustError PAC-135 for anything else."""
    head, separator, note = body.partition("\n\n")
    lines = head.split("\n")
    try:
        if not separator or not lines[0].startswith("old ") or len(lines) > 64:
            raise ValueError
        proof = [base64.b64decode(line, validate=True) for line in lines[1:]]
        old = int(lines[0].removeprefix("old "))
        if old < 0 or any(len(part) != 32 for part in proof):
            raise ValueError
        return old, proof, note
    except (ValueError, binascii.Error):
        raise TrustError(
            "PAC-135", "the offer of a checkpoint cannot be read", place="checkpoint", expected="old N, proof, note"
        ) from None


def check_growth(known: Checkpoint | None, offered: Checkpoint, proof: Sequence[bytes]) -> None:
    """Refuse a ledger that does not extend what its witness knows of it: PAC-136 rolled back, PAC-137 forked."""
    if known is None:
        return
    if offered.origin != known.origin:
        raise TrustError("PAC-138", "the checkpoint is of another ledger", place="checkpoint", expected=known.origin)
    if offered.size < known.size:
        raise TrustError("PAC-136", f"the ledger has {offered.size} entries where {known.size} were co-signed",
                         place="checkpoint", expected="a ledger that only grows")  # fmt: skip
    if not consistency_holds(known.size, offered.size, known.root, offered.root, proof):
        raise TrustError("PAC-137", f"the ledger does not extend its first {known.size} entries", place="checkpoint",
                         expected="entries that were co-signed, unchanged")  # fmt: skip


# ---------------------------------------------------------------- checking a whole ledger


class StoredEntry(Protocol):
    """One stored entry as a check reads it."""

    @property
    def position(self) -> int: ...
    @property
    def salt(self) -> bytes | None: ...
    @property
    def body(self) -> bytes | None: ...
    @property
    def leaf(self) -> bytes: ...


@dataclass
class Recount:
    """A ledger recounted from its leaves: size, root, how many bodies were erased, and what does not fit."""

    size: int = 0
    root: bytes = hashlib.sha256().digest()
    erased: int = 0
    problems: list[str] = field(default_factory=list)
    roots: dict[int, bytes] = field(default_factory=dict)  # at the sizes that were asked for


def recount(entries: Iterable[StoredEntry], *, at: Iterable[int] = ()) -> Recount:
    """Compute the tree anew from the stored leaves, check each body against its leaf, and note the roots at the sizes `at`.

    Nothing that is stored of the tree itself is believed. Memory grows with the logarithm of the ledger.
    """
    wanted, result = set(at), Recount()
    peaks: list[tuple[int, bytes]] = []  # (level, hash) of complete subtrees, left to right
    if 0 in wanted:
        result.roots[0] = result.root
    for entry in entries:
        if entry.position != result.size:
            result.problems.append(f"entry {result.size} is missing")
            return result
        if entry.body is None or entry.salt is None:
            result.erased += 1
        elif salted_leaf(entry.salt, entry.body) != entry.leaf:
            result.problems.append(f"entry {entry.position}: the body is not the one that was logged")
        level, value = 0, entry.leaf
        while peaks and peaks[-1][0] == level:
            value = node_hash(peaks.pop()[1], value)
            level += 1
        peaks.append((level, value))
        result.size += 1
        if result.size in wanted:
            result.roots[result.size] = _fold(peaks)
    if result.size:
        result.root = _fold(peaks)
    return result


def _fold(peaks: Sequence[tuple[int, bytes]]) -> bytes:
    value = peaks[-1][1]
    for _, left in reversed(peaks[:-1]):
        value = node_hash(left, value)
    return value
