"""Checkpoints: a ledger's size and root as a signed note (C2SP signed-note, tlog-checkpoint), and the partner's
cosignature on it (tlog-cosignature v1), asked for as a witness is asked (tlog-witness, add-checkpoint).

    qa.example/ledger                     origin: the name of the key that signs
    20852163                              size
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=      root
                                          (an empty line)
    — qa.example/ledger Az3g…             the node's own signature
    — us.example/ledger jWbP…             the partner's cosignature: time and signature

A partner cosigns only what extends the last checkpoint that it cosigned, so neither side can show two histories up to
there. Comparing and storing the last checkpoint in one step is the store's work. TrustError PAC-160 to PAC-168.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from mithaq.errors import TrustError
from mithaq.pact.keys import NOTE_COSIGNATURE, NOTE_ED25519, CheckpointKey, Vkey
from mithaq.pact.merkle import EMPTY_ROOT, MAX_PROOF, Get, verify_consistency
from mithaq.pact.merkle import root as tree_root

MAX_NOTE_BYTES = 16_384
MAX_SIGNATURES = 32  # C2SP: at least 16 must be accepted
MAX_REQUEST_BYTES = MAX_NOTE_BYTES + 4096  # 63 proof lines of 45 bytes, and the first
MAX_SKEW_S = 300.0
SIZE_TYPE = "text/x.tlog.size"  # content type of a 409 answer, which holds the size of the last checkpoint cosigned
WITNESS_STATUS = {  # HTTP status for each refusal of add-checkpoint, as tlog-witness has them
    "PAC-151": 422,
    "PAC-152": 400,
    "PAC-160": 400,
    "PAC-161": 403,
    "PAC-162": 403,
    "PAC-163": 404,
    "PAC-164": 409,
    "PAC-165": 409,
    "PAC-167": 400,
    "PAC-168": 400,
}
_SIZE = re.compile("0|[1-9][0-9]{0,15}")  # below 2^53, so that it is the same number in every JSON reader
_SIGNATURE_LINE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")


@dataclass(frozen=True)
class NoteSignature:
    """One signature line: the key's name, its four identifying bytes, and the signature."""

    name: str
    key_id: bytes
    signature: bytes

    def __str__(self) -> str:
        return f"— {self.name} {base64.b64encode(self.key_id + self.signature).decode('ascii')}\n"


@dataclass(frozen=True)
class Checkpoint:
    """A ledger's head: whose it is, how many entries it has, and the root over them (32 bytes). `extensions` are lines
    that a foreign log may add; mithaq writes none."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The text that is signed, its last line feed included."""
        lines = [self.origin, str(self.size), base64.b64encode(self.root).decode("ascii"), *self.extensions]
        return "".join(f"{line}\n" for line in lines)


@dataclass(frozen=True)
class Cosignature:
    """A partner's word that, at that time, this was the longest consistent ledger that it had seen."""

    name: str
    at: datetime
    checkpoint: Checkpoint


@dataclass(frozen=True)
class AddCheckpoint:
    """A request to cosign: the size that the witness should know, the consistency proof from there, the signed note."""

    old: int
    proof: tuple[bytes, ...]
    note: str


@dataclass(frozen=True)
class Cosigned:
    """The witness's answer: the line to send back, and the checkpoint to store as the last one cosigned."""

    checkpoint: Checkpoint
    line: str


@dataclass(frozen=True)
class Conflict:
    """The request began at another size than the last one cosigned (`size`): ask again from there. HTTP 409."""

    size: int


def sign_checkpoint(checkpoint: Checkpoint, key: CheckpointKey) -> str:
    """The signed note. The key's name must be the origin; TrustError PAC-163."""
    if checkpoint.origin != key.name:
        raise _wrong_origin(key.name)
    text = checkpoint.text
    return text + "\n" + str(NoteSignature(key.name, key.verifier.key_id, key.sign(text.encode())))


def parse_note(note: str | bytes) -> tuple[str, tuple[NoteSignature, ...]]:
    """The text and the signatures of a note, none verified yet; TrustError PAC-160."""
    try:
        decoded = note.decode("utf-8") if isinstance(note, bytes) else note
        decoded.encode("utf-8")
    except UnicodeError:
        raise _note_error("the note is not UTF-8") from None
    if len(decoded) > MAX_NOTE_BYTES:
        raise _note_error("the note is too long")
    if any(letter < " " and letter != "\n" for letter in decoded):
        raise _note_error("the note holds control characters")
    text, gap, tail = decoded.rpartition("\n\n")
    if not gap or not text or not tail.endswith("\n"):
        raise _note_error("the note has no text with signatures below it")
    return text + "\n", parse_signatures(tail)


def parse_signatures(lines: str | bytes) -> tuple[NoteSignature, ...]:
    """The signatures in signature lines, as a witness answers with them; TrustError PAC-160."""
    try:
        decoded = lines.decode("utf-8") if isinstance(lines, bytes) else lines
    except UnicodeError:
        raise _note_error("the signature lines are not UTF-8") from None
    if not decoded.endswith("\n") or not 1 <= decoded.count("\n") <= MAX_SIGNATURES:
        raise _note_error(f"there are not 1 to {MAX_SIGNATURES} signature lines")
    return tuple(_signature(line) for line in decoded[:-1].split("\n"))


def verify_note(note: str | bytes, keys: Sequence[Vkey]) -> tuple[str, Vkey]:
    """The text, with the first of these keys that signed it; other keys' lines are passed over. TrustError PAC-160 for
    no note, PAC-161 where none of the keys signed, PAC-162 where one of them is named but its signature does not fit.
    """
    text, signatures = parse_note(note)
    holders = []
    for key in (key for key in keys if key.kind == NOTE_ED25519):
        for line in _lines_of(key, signatures):
            if len(line.signature) != 64 or not key.verifies(line.signature, text.encode()):
                raise _bad_signature(key.name)
            holders.append(key)
    if not holders:
        raise TrustError(
            "PAC-161",
            "no known key signed the note",
            place="checkpoint",
            expected="a signature by a key of the agreement",
        )
    return text, holders[0]


def verify_checkpoint(note: str | bytes, keys: Sequence[Vkey]) -> Checkpoint:
    """The checkpoint that one of these keys signed for the ledger of its own name; TrustError PAC-160 to PAC-163."""
    text, key = verify_note(note, keys)
    checkpoint = parse_checkpoint(text)
    if checkpoint.origin != key.name:
        raise _wrong_origin(key.name)
    return checkpoint


def parse_checkpoint(text: str) -> Checkpoint:
    """The checkpoint in a note's text; TrustError PAC-160."""
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
        raise _note_error("the text has not three lines or more, none empty")
    origin, size, encoded, *extensions = lines[:-1]
    digest = _base64(encoded)
    if _SIZE.fullmatch(size) is None or digest is None or len(digest) != 32:
        raise _note_error("the second line is no size, or the third no root")
    return Checkpoint(origin, int(size), digest, tuple(extensions))


def cosign(note: str | bytes, key: CheckpointKey, *, at: datetime) -> str:
    """This node's cosignature on another ledger's checkpoint, as one signature line. Only `consider_checkpoint` decides
    whether it may be given."""
    text, _ = parse_note(note)
    seconds = int(at.timestamp())
    signature = key.sign(_cosigned_text(seconds, text))
    return str(NoteSignature(key.name, key.verifier.cosigner.key_id, seconds.to_bytes(8, "big") + signature))


def add_signatures(note: str, lines: str | bytes) -> str:
    """The note with these signature lines below its own, each once."""
    _, present = parse_note(note)
    new = [line for line in parse_signatures(lines) if line not in present]
    return note + "".join(str(line) for line in dict.fromkeys(new))


def verify_cosignature(
    note: str | bytes, keys: Sequence[Vkey], *, now: datetime | None = None, max_skew_s: float = MAX_SKEW_S
) -> Cosignature:
    """The latest cosignature that one of these keys gave to the note; a log's own verifier key stands for its cosigner
    key too. TrustError PAC-161 where none did, PAC-166 where a known key's cosignature does not fit or lies in the
    future."""
    text, signatures = parse_note(note)
    checkpoint = parse_checkpoint(text)
    found = []
    for key in dict.fromkeys(key.cosigner for key in keys):
        for line in _lines_of(key, signatures):
            at = _cosigned_at(line, text, key)
            if at is None or (now is not None and at - now > timedelta(seconds=max_skew_s)):
                raise TrustError(
                    "PAC-166",
                    f"the cosignature of {key.name} does not hold",
                    place="checkpoint",
                    expected="one that does",
                )
            found.append(Cosignature(key.name, at, checkpoint))
    if not found:
        raise TrustError(
            "PAC-161", "no known key cosigned the checkpoint", place="checkpoint", expected="the partner's"
        )
    return max(found, key=lambda cosignature: cosignature.at)


def format_add_checkpoint(request: AddCheckpoint) -> bytes:
    """The body of add-checkpoint."""
    proof = "".join(f"{base64.b64encode(value).decode('ascii')}\n" for value in request.proof)
    return f"old {request.old}\n{proof}\n{request.note}".encode()


def parse_add_checkpoint(data: bytes) -> AddCheckpoint:
    """The request in a body of add-checkpoint; TrustError PAC-167. The note is not looked at yet."""
    head, gap, tail = data.partition(b"\n\n")
    try:
        first, *lines = head.decode("ascii").split("\n")
        note = tail.decode("utf-8")
    except UnicodeError:
        raise _request_error("the request is not text") from None
    if len(data) > MAX_REQUEST_BYTES or not gap or not first.startswith("old ") or len(lines) > MAX_PROOF:
        raise _request_error("the request has not the lines that it needs")
    proof = [_base64(line) for line in lines]
    hashes = tuple(value for value in proof if value is not None and len(value) == 32)
    if _SIZE.fullmatch(first[4:]) is None or len(hashes) != len(proof):
        raise _request_error("a line is neither a size nor a hash")
    return AddCheckpoint(int(first[4:]), hashes, note)


def consider_checkpoint(
    data: bytes, *, keys: Sequence[Vkey], known: Checkpoint | None, key: CheckpointKey, at: datetime
) -> Cosigned | Conflict:
    """What a node answers a partner's add-checkpoint. `known` is the last checkpoint of that ledger that this node
    cosigned; the caller stores the new one in the same transaction, before it answers.

    TrustError PAC-167 and PAC-160 to PAC-163 for a request that cannot be read or is not that partner's; PAC-168 where
    `old` is past the checkpoint; PAC-165 for a ledger that became shorter; PAC-164 for two roots at one size; PAC-151
    where the proof does not show that it was only extended. `WITNESS_STATUS` has their HTTP status.
    """
    request = parse_add_checkpoint(data)
    checkpoint = verify_checkpoint(request.note, keys)
    before = known or replace(checkpoint, size=0, root=EMPTY_ROOT)
    if request.old > checkpoint.size:
        raise TrustError(
            "PAC-168", "the old size is past the new one", place="checkpoint", expected="sizes that do not fall"
        )
    if checkpoint.size < before.size:
        raise _roll_back(checkpoint.size, before.size)
    if request.old != before.size:
        return Conflict(before.size)
    check_advance(before, checkpoint, request.proof)
    return Cosigned(checkpoint, cosign(request.note, key, at=at))


def check_advance(before: Checkpoint, after: Checkpoint, proof: Sequence[bytes]) -> None:
    """Nothing where the ledger of `after` is that of `before`, extended; TrustError PAC-163 for two ledgers, PAC-165
    for a roll-back, PAC-164 for two roots at one size, PAC-151 for another history."""
    if before.origin != after.origin:
        raise _wrong_origin(before.origin)
    if after.size < before.size:
        raise _roll_back(after.size, before.size)
    if after.size == before.size and after.root != before.root:
        raise _fork(after.size)
    verify_consistency(before.size, before.root, after.size, after.root, proof)


def check_own(size: int, get: Get, cosigned: Checkpoint) -> None:
    """Nothing where this node's ledger (`size` entries, nodes by `get`) still holds what the partner last cosigned. At
    start a node asks the partner for it, and does not serve otherwise: TrustError PAC-165 where the ledger is shorter
    (an old back-up), PAC-164 where its history is another."""
    if size < cosigned.size:
        raise _roll_back(size, cosigned.size)
    if tree_root(cosigned.size, get) != cosigned.root:
        raise _fork(cosigned.size)


def _lines_of(key: Vkey, signatures: Sequence[NoteSignature]) -> list[NoteSignature]:
    return [line for line in signatures if line.name == key.name and line.key_id == key.key_id]


def _cosigned_text(seconds: int, text: str) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def _cosigned_at(line: NoteSignature, text: str, key: Vkey) -> datetime | None:
    """When the key cosigned the text, or None where it did not."""
    if key.kind != NOTE_COSIGNATURE or len(line.signature) != 72:
        return None
    seconds = int.from_bytes(line.signature[:8], "big")
    if not key.verifies(line.signature[8:], _cosigned_text(seconds, text)):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):  # a time past the year 9999
        return None


def _signature(line: str) -> NoteSignature:
    match = _SIGNATURE_LINE.fullmatch(line)
    raw = _base64(match[2]) if match else None
    if match is None or raw is None or len(raw) <= 4:
        raise _note_error("a signature line cannot be read")
    return NoteSignature(match[1], raw[:4], raw[4:])


def _base64(text: str) -> bytes | None:
    """The bytes, where the text is the one way to write them."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return raw if base64.b64encode(raw).decode("ascii") == text else None


def _note_error(problem: str) -> TrustError:
    return TrustError("PAC-160", problem, place="checkpoint", expected="a signed note as C2SP tlog-checkpoint has it")


def _request_error(problem: str) -> TrustError:
    return TrustError("PAC-167", problem, place="checkpoint", expected="a request as C2SP tlog-witness has it")


def _bad_signature(name: str) -> TrustError:
    return TrustError("PAC-162", f"the signature of {name} does not fit", place="checkpoint", expected="one that does")


def _wrong_origin(expected: str) -> TrustError:
    return TrustError("PAC-163", "the checkpoint is of another ledger", place="checkpoint", expected=expected)


def _roll_back(size: int, known: int) -> TrustError:
    return TrustError(
        "PAC-165",
        f"the ledger has {size} entries, fewer than were cosigned",
        place="checkpoint",
        expected=f"at least {known} entries",
        remedy="restore the ledger from its newest copy; stop, and tell the partner, where there is none",
    )


def _fork(size: int) -> TrustError:
    return TrustError(
        "PAC-164",
        f"there are two histories of {size} entries",
        place="checkpoint",
        expected="the root that was cosigned",
        remedy="keep both checkpoints as evidence, stop, and tell the partner",
    )


__all__ = [
    "MAX_NOTE_BYTES", "MAX_REQUEST_BYTES", "SIZE_TYPE", "WITNESS_STATUS", "AddCheckpoint", "Checkpoint", "Conflict",
    "Cosignature", "Cosigned", "NoteSignature", "add_signatures", "check_advance", "check_own", "consider_checkpoint",
    "cosign", "format_add_checkpoint", "parse_add_checkpoint", "parse_checkpoint", "parse_note", "parse_signatures",
    "sign_checkpoint", "verify_checkpoint", "verify_cosignature", "verify_note",
]  # fmt: skip
