"""The ledger: published vectors, and that nothing co-signed can be changed without being found."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mithaq.errors import TrustError
from mithaq.pact import merkle
from mithaq.pact.checkpoint import (
    AddCheckpoint,
    Conflict,
    Cosigned,
    add_signatures,
    check_own,
    consider_checkpoint,
    cosign,
    format_add_checkpoint,
    parse_checkpoint,
    parse_note,
    sign_checkpoint,
    verify_checkpoint,
    verify_cosignature,
    verify_note,
)
from mithaq.pact.entries import entry_body
from mithaq.pact.keys import generate_checkpoint_key, parse_vkey
from mithaq.pact.ledger import Entry, MemoryLedger, commit, new_entry, verify_ledger

AT = datetime(2026, 3, 10, 12, tzinfo=UTC)

# The eight leaves and their roots as Certificate Transparency's own Merkle tree tests have them (RFC 6962's reference
# implementation, merkletree_test). A root that was remembered wrongly could not come out of the hash function.
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def tree(leaves: list[bytes]) -> Callable[[int, int], bytes]:
    nodes: dict[tuple[int, int], bytes] = {}
    for size, leaf in enumerate(leaves):
        for level, index, value in merkle.append_nodes(size, merkle.leaf_hash(leaf), lambda a, b: nodes[a, b]):
            nodes[level, index] = value
    return lambda level, index: nodes[level, index]


def naive_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1, as the text has it."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def test_roots_of_the_eight_leaves() -> None:
    leaves = [bytes.fromhex(text) for text in LEAVES]
    get = tree(leaves)
    assert [merkle.root(size, get).hex() for size in range(1, 9)] == ROOTS
    assert merkle.root(0, get) == hashlib.sha256(b"").digest()


def test_paths_of_the_eight_leaves() -> None:
    get = tree([bytes.fromhex(text) for text in LEAVES])
    first = [value.hex() for value in merkle.inclusion_proof(0, 8, get)]
    assert first == [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]
    sixth = [value.hex() for value in merkle.inclusion_proof(5, 8, get)]
    assert sixth == [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


def test_the_example_of_seven_leaves_in_rfc_6962() -> None:
    """RFC 6962, 2.1.3, names the proofs by the letters of its drawing; the hashes are derived from that text."""
    d = [bytes([n]) for n in range(7)]
    get = tree(d)
    a, b, c, _, e, f, j = (merkle.leaf_hash(x) for x in d)
    g, h, i = merkle.node_hash(a, b), merkle.node_hash(c, merkle.leaf_hash(d[3])), merkle.node_hash(e, f)
    k, low = merkle.node_hash(g, h), merkle.node_hash(i, j)
    assert merkle.root(7, get) == merkle.node_hash(k, low)
    assert merkle.inclusion_proof(0, 7, get) == [b, h, low]
    assert merkle.inclusion_proof(3, 7, get) == [c, g, low]
    assert merkle.inclusion_proof(4, 7, get) == [f, j, k]
    assert merkle.inclusion_proof(6, 7, get) == [i, k]
    assert merkle.consistency_proof(3, 7, get) == [c, merkle.leaf_hash(d[3]), g, low]
    assert merkle.consistency_proof(4, 7, get) == [low]
    assert merkle.consistency_proof(6, 7, get) == [i, j, k]


@given(st.integers(1, 70), st.data())
def test_every_proof_holds_and_no_other_does(size: int, data: st.DataObject) -> None:
    leaves = [bytes([n]) for n in range(size)]
    get, top = tree(leaves), naive_root(leaves)
    assert merkle.root(size, get) == top
    index, older = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size))
    proof = merkle.inclusion_proof(index, size, get)
    merkle.verify_inclusion(merkle.leaf_hash(leaves[index]), index, size, proof, top)
    consistency = merkle.consistency_proof(older, size, get)
    merkle.verify_consistency(older, naive_root(leaves[:older]), size, top, consistency)
    with pytest.raises(TrustError):
        merkle.verify_inclusion(merkle.leaf_hash(b"other"), index, size, proof, top)
    with pytest.raises(TrustError):
        merkle.verify_inclusion(merkle.leaf_hash(leaves[index]), index, size, [*proof, top], top)
    with pytest.raises(TrustError):
        merkle.verify_consistency(older, b"\x00" * 32, size, top, consistency)


# ---------------------------------------------------------------- C2SP

# The note of golang.org/x/mod/sumdb/note, from which signed-note was written: its key, its text, its signature.
NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NEUMANN_NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
# The example of C2SP tlog-cosignature: a checkpoint with its log's and a witness's line. Their keys are not published.
BEHIND_THE_SOFA = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa"
    " Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1"
    " jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)


def test_the_published_note_verifies_and_an_edited_one_does_not() -> None:
    text, key = verify_note(NEUMANN_NOTE, [parse_vkey(NEUMANN)])
    assert text.endswith("problem is.\n") and key.name == "PeterNeumann"
    with pytest.raises(TrustError) as error:
        verify_note(NEUMANN_NOTE.replace("your problem,", "our problem,"), [parse_vkey(NEUMANN)])
    assert error.value.code == "PAC-162"


def test_the_published_checkpoint_is_read_as_c2sp_has_it() -> None:
    text, lines = parse_note(BEHIND_THE_SOFA)
    checkpoint = parse_checkpoint(text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.text == text
    log, witness = lines
    assert (log.name, len(log.signature)) == ("example.com/behind-the-sofa", 64)
    assert (witness.name, len(witness.signature)) == ("witness.example.com/w1", 72)
    assert int.from_bytes(witness.signature[:8], "big") == 1679315147  # the time that the specification states
    assert text + "\n" + "".join(map(str, lines)) == BEHIND_THE_SOFA


def test_a_witness_signs_what_extends_and_nothing_else() -> None:
    key, witness = generate_checkpoint_key("a/ledger"), generate_checkpoint_key("b/ledger")
    ledger = filled(key, 9)
    known = verify_checkpoint(ledger.checkpoint(5), [key.verifier])

    def ask(note: str, old: int, proof: list[bytes]) -> Cosigned | Conflict:
        body = format_add_checkpoint(AddCheckpoint(old, tuple(proof), note))
        return consider_checkpoint(body, keys=[key.verifier], known=known, key=witness, at=AT)

    good = ask(ledger.checkpoint(), 5, ledger.prove_consistency(5))
    assert isinstance(good, Cosigned)
    signed = add_signatures(ledger.checkpoint(), good.line)
    assert verify_cosignature(signed, [witness.verifier]).at == AT
    assert ask(ledger.checkpoint(), 3, ledger.prove_consistency(3)) == Conflict(5)
    for note, old, proof, code in (
        (ledger.checkpoint(4), 4, [], "PAC-165"),
        (filled(key, 5).checkpoint(), 5, [], "PAC-164"),
        (filled(key, 9).checkpoint(), 5, ledger.prove_consistency(5), "PAC-151"),
    ):
        with pytest.raises(TrustError) as error:
            ask(note, old, proof)
        assert error.value.code == code
    check_own(9, ledger.get, known)
    for other, code in ((filled(key, 9), "PAC-164"), (filled(key, 4), "PAC-165")):
        with pytest.raises(TrustError) as error:
            check_own(other.size, other.get, known)
        assert error.value.code == code


# ---------------------------------------------------------------- 1,000 changes


def filled(key: object, size: int) -> MemoryLedger:
    ledger = MemoryLedger(key)  # type: ignore[arg-type]
    for number in range(size):
        ledger.append("signed-in", AT, {"by": f"officer-{number}"})
    return ledger


def with_body(draw: random.Random, entries: list[Entry], last: int) -> int:
    return draw.choice([index for index in range(last) if entries[index].body is not None])


Change = Callable[[random.Random, list[Entry], int], list[Entry]]


def edit_body(draw: random.Random, entries: list[Entry], last: int) -> list[Entry]:
    at = with_body(draw, entries, last)
    body = bytearray(entries[at].body or b"")
    body[draw.randrange(len(body))] ^= 1 << draw.randrange(8)
    return [*entries[:at], replace(entries[at], body=bytes(body)), *entries[at + 1 :]]


def edit_salt(draw: random.Random, entries: list[Entry], last: int) -> list[Entry]:
    at = with_body(draw, entries, last)
    salt = bytearray(entries[at].salt or b"")
    salt[draw.randrange(len(salt))] ^= 1 << draw.randrange(8)
    return [*entries[:at], replace(entries[at], salt=bytes(salt)), *entries[at + 1 :]]


def replace_entry(draw: random.Random, entries: list[Entry], last: int) -> list[Entry]:
    """Another body with a commitment that fits it: what somebody with the whole database can do."""
    at = draw.randrange(last)
    body = entry_body("signed-in", AT, {"by": f"other-{draw.randrange(10**6)}"})
    return [*entries[:at], new_entry(at, body, salt=draw.randbytes(16)), *entries[at + 1 :]]


def delete(draw: random.Random, entries: list[Entry], last: int) -> list[Entry]:
    at = draw.randrange(last)
    return renumber([*entries[:at], *entries[at + 1 :]])


def insert(draw: random.Random, entries: list[Entry], last: int) -> list[Entry]:
    at = draw.randrange(last)
    return renumber([*entries[:at], new_entry(at, entry_body("signed-in", AT, {"by": "ghost"})), *entries[at:]])


def swap(draw: random.Random, entries: list[Entry], last: int) -> list[Entry]:
    a, b = draw.sample(range(last), 2)
    changed = list(entries)
    changed[a], changed[b] = changed[b], changed[a]
    return renumber(changed)


def truncate(draw: random.Random, entries: list[Entry], last: int) -> list[Entry]:
    return entries[: draw.randrange(last)]


def erase_unsaid(draw: random.Random, entries: list[Entry], last: int) -> list[Entry]:
    at = with_body(draw, entries, last)
    return [*entries[:at], entries[at].erased(), *entries[at + 1 :]]


def fork(draw: random.Random, entries: list[Entry], last: int) -> list[Entry]:
    """From some entry on another history, as long or longer."""
    at = draw.randrange(last)
    length = len(entries) - at + draw.randrange(5)
    new = [new_entry(at + n, entry_body("signed-in", AT, {"by": f"fork-{n}"})) for n in range(length)]
    return [*entries[:at], *new]


def renumber(entries: list[Entry]) -> list[Entry]:
    return [replace(entry, index=index) for index, entry in enumerate(entries)]


CHANGES: tuple[Change, ...] = (
    edit_body, edit_salt, replace_entry, delete, insert, swap, truncate, erase_unsaid, fork,
)  # fmt: skip


def test_a_thousand_changes_before_the_cosignature_are_all_found() -> None:
    key, witness = generate_checkpoint_key("a/ledger"), generate_checkpoint_key("b/ledger")
    ledger = filled(key, 40)
    ledger.erase([(3, 4)], at=AT, reason="retention-over", by="node")
    cosigned = 37
    note = add_signatures(ledger.checkpoint(cosigned), cosign(ledger.checkpoint(cosigned), witness, at=AT))

    def findings(entries: list[Entry]) -> set[str]:
        report = verify_ledger(entries, own_keys=[key.verifier], checkpoints=[note], partner_keys=[witness.verifier])
        return {finding.code for finding in report.findings}

    assert findings(ledger.entries) == set()
    draw = random.Random(20_261_124)
    unfound = []
    for number in range(1000):
        change = CHANGES[number % len(CHANGES)]
        changed = change(draw, ledger.entries, cosigned)
        assert changed != ledger.entries
        if not findings(changed):
            unfound.append((number, change.__name__))
    assert unfound == []


def test_what_lies_past_the_cosignature_nobody_can_prove() -> None:
    """docs/security.md says so: a node that rewrites what nobody has co-signed yet, and signs anew, is not found."""
    key, witness = generate_checkpoint_key("a/ledger"), generate_checkpoint_key("b/ledger")
    ledger = filled(key, 10)
    note = add_signatures(ledger.checkpoint(6), cosign(ledger.checkpoint(6), witness, at=AT))
    rewritten = [*ledger.entries[:6], *(new_entry(n, entry_body("signed-in", AT, {"by": "other"})) for n in (6, 7))]
    report = verify_ledger(rewritten, own_keys=[key.verifier], checkpoints=[note], partner_keys=[witness.verifier])
    assert report.agrees and report.past_cosigned == 2


def test_a_commitment_hides_its_body_behind_the_salt() -> None:
    body = entry_body("signed-in", AT, {"by": "officer-1"})
    assert commit(b"a" * 16, body) != commit(b"b" * 16, body)
    assert sign_checkpoint(filled(generate_checkpoint_key("x"), 0).head(), generate_checkpoint_key("x"))
