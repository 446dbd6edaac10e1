"""A bundle of proofs, checked by the single file alone, in a process that has no mithaq."""

from __future__ import annotations

import copy
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from agreements import signed_file
from cryptography.hazmat.primitives.asymmetric import ed25519
from hypothesis import given
from hypothesis import strategies as st

from mithaq.errors import SettingsError
from mithaq.pact import verify_bundle
from mithaq.pact.bundle import Selection, choose, make_bundle, verifier
from mithaq.pact.checkpoint import add_signatures, cosign
from mithaq.pact.keys import CheckpointKey, generate_checkpoint_key
from mithaq.pact.ledger import MemoryLedger, new_entry
from mithaq.pact.signed import parse_signed
from mithaq.pact.verify_bundle import ed25519_verifies, keys_of_agreement, sample
from mithaq.units import timestamp

FIRST = datetime(2026, 3, 1, tzinfo=UTC)

# RFC 8032, 7.1: TEST 1, 2, 3 and SHA(abc).
RFC_8032 = [
    ("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", b"",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
    ("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", b"\x72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
    ("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", b"\xaf\x82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"),
    ("ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf", hashlib.sha512(b"abc").digest(),
     "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"),
]  # fmt: skip


@pytest.mark.parametrize(("public", "message", "signature"), RFC_8032)
def test_ed25519_of_rfc_8032(public: str, message: bytes, signature: str) -> None:
    key, signed = bytes.fromhex(public), bytes.fromhex(signature)
    assert ed25519_verifies(key, message, signed)
    assert not ed25519_verifies(key, message + b"x", signed)
    assert not ed25519_verifies(key, message, signed[:63] + bytes([signed[63] ^ 1]))
    assert not ed25519_verifies(key, message, bytes([signed[0] ^ 1]) + signed[1:])
    order = verify_bundle.L + int.from_bytes(signed[32:], "little")
    assert not ed25519_verifies(key, message, signed[:32] + order.to_bytes(32, "little"))  # S must be below L


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200))
def test_ed25519_agrees_with_the_library(seed: bytes, message: bytes) -> None:
    private = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
    assert ed25519_verifies(private.public_key().public_bytes_raw(), message, private.sign(message))
    assert not ed25519_verifies(private.public_key().public_bytes_raw(), message + b"\0", private.sign(message))


@pytest.fixture(scope="module")
def keys() -> tuple[CheckpointKey, CheckpointKey]:
    return generate_checkpoint_key("mithaq/QA/ledger"), generate_checkpoint_key("mithaq/US/ledger")


def filled(key: CheckpointKey, days: int = 10, per_day: int = 3) -> MemoryLedger:
    """A few entries on each day, one of each day about a case of its own."""
    ledger = MemoryLedger(key)
    for number in range(days * per_day):
        at = FIRST + timedelta(days=number // per_day, minutes=number % per_day)
        if number % per_day == 1:
            ledger.append(
                "log-read", at, {"by": "auditor-1", "reason": "audit", "case": f"CASE-{number // per_day % 4}"}
            )
        else:
            ledger.append("signed-in", at, {"by": f"officer-{number}"})
    ledger.erase([(4, 4), (8, 9)], at=FIRST + timedelta(days=days), reason="retention-over", by="node")
    return ledger


def bundle_of(
    ledger: MemoryLedger, keys: tuple[CheckpointKey, CheckpointKey], selection: Selection, cosigned: int = 25
) -> dict[str, Any]:
    own, partner = keys
    note = ledger.checkpoint(cosigned)
    rows = [(entry.index, instant(entry.index), entry.body) for entry in ledger.entries]
    indexes = choose(selection, rows, ledger.size)
    return make_bundle(
        "QA",
        selection,
        [ledger.entries[index] for index in indexes],
        size=ledger.size,
        get=ledger.get,
        key=own,
        keys={"QA": [own.vkey], "US": [partner.vkey]},
        notes={"US": add_signatures(note, cosign(note, partner, at=FIRST + timedelta(days=9)))},
        at=FIRST + timedelta(days=11),
    )


def instant(index: int, per_day: int = 3) -> str:
    return timestamp(FIRST + timedelta(days=index // per_day, minutes=index % per_day))


PERIOD = Selection(start=FIRST + timedelta(days=3), end=FIRST + timedelta(days=5))
CASE = Selection(case="CASE-2")
SAMPLE = Selection(seed="chosen by the auditor", count=6)


def trusted(keys: tuple[CheckpointKey, CheckpointKey]) -> dict[str, list[str]]:
    return {"QA": [keys[0].vkey], "US": [keys[1].vkey]}


@pytest.mark.parametrize("selection", [PERIOD, CASE, SAMPLE])
def test_a_bundle_of_each_kind_holds(keys: tuple[CheckpointKey, CheckpointKey], selection: Selection) -> None:
    made = bundle_of(filled(keys[0]), keys, selection)
    said = verify_bundle.check(made, trusted(keys))
    assert all(any("\u0621" <= letter <= "\u064a" for letter in arabic) for _, arabic in said)
    assert not any("bundle's own" in english for english, _ in said)
    assert "bundle's own" in verify_bundle.check(made, None)[0][0]


def test_a_period_has_its_borders_and_a_gap_shows(keys: tuple[CheckpointKey, CheckpointKey]) -> None:
    made = bundle_of(filled(keys[0]), keys, PERIOD)
    assert [entry["index"] for entry in made["entries"]] == [7, 8, 9, 10, 11, 12, 13, 14, 15]  # 8 and 9 are erased
    quiet = Selection(start=FIRST + timedelta(days=3, hours=1), end=FIRST + timedelta(days=3, hours=2))
    assert [entry["index"] for entry in bundle_of(filled(keys[0]), keys, quiet)["entries"]] == [11, 12]


def edited_body(bundle: dict[str, Any]) -> None:
    entry = next(entry for entry in bundle["entries"] if entry["body"])
    entry["body"] = entry["body"].replace("officer", "0fficer").replace("audit", "aud1t")


def other_commitment(bundle: dict[str, Any]) -> None:
    entry = bundle["entries"][0]
    new = new_entry(entry["index"], b'{"at":"2026-03-03T00:00:00.000000Z","data":{},"kind":"x"}', salt=b"0" * 16)
    entry.update(commitment=new.commitment.hex(), salt=(new.salt or b"").hex(), body=(new.body or b"").decode())


def moved(bundle: dict[str, Any]) -> None:
    bundle["entries"][-1]["index"] += 1


def dropped_in_the_middle(bundle: dict[str, Any]) -> None:
    del bundle["entries"][3]


def dropped_border(bundle: dict[str, Any]) -> None:
    del bundle["entries"][0]


def other_head(bundle: dict[str, Any]) -> None:
    bundle["head"] = bundle["head"].replace("\n31\n", "\n32\n")


def other_cosignature(bundle: dict[str, Any]) -> None:
    bundle["witnessed"][0]["note"] = bundle["witnessed"][0]["note"].replace("\n25\n", "\n24\n")


def no_consistency(bundle: dict[str, Any]) -> None:
    bundle["witnessed"][0]["consistency"] = bundle["witnessed"][0]["consistency"][:-1]


@pytest.mark.parametrize(
    "change",
    [edited_body, other_commitment, moved, dropped_in_the_middle, dropped_border, other_head, other_cosignature,
     no_consistency],
)  # fmt: skip
def test_a_changed_bundle_does_not_hold(
    keys: tuple[CheckpointKey, CheckpointKey], change: Callable[[dict[str, Any]], None]
) -> None:
    made = bundle_of(filled(keys[0]), keys, PERIOD)
    changed = copy.deepcopy(made)
    change(changed)
    assert changed != made
    with pytest.raises(verify_bundle.Wrong):
        verify_bundle.check(changed, trusted(keys))


def test_a_rewritten_ledger_does_not_hold(keys: tuple[CheckpointKey, CheckpointKey]) -> None:
    """The node signs another history with its own key, and shows the partner's old co-signature beside it."""
    honest = bundle_of(filled(keys[0]), keys, PERIOD)
    forged = bundle_of(filled(keys[0]), keys, PERIOD)  # other salts, so another tree
    forged["witnessed"][0]["note"] = honest["witnessed"][0]["note"]
    with pytest.raises(verify_bundle.Wrong, match="co-signed"):
        verify_bundle.check(forged, trusted(keys))


def test_a_node_cannot_witness_itself(keys: tuple[CheckpointKey, CheckpointKey]) -> None:
    alone = bundle_of(filled(keys[0]), (keys[0], keys[0]), PERIOD)
    with pytest.raises(verify_bundle.Wrong):
        verify_bundle.check(alone, {"": [keys[0].vkey, keys[1].vkey]})


def test_a_sample_that_somebody_chose_does_not_hold(keys: tuple[CheckpointKey, CheckpointKey]) -> None:
    made = bundle_of(filled(keys[0]), keys, SAMPLE)
    assert [entry["index"] for entry in made["entries"]] == sample("chosen by the auditor", 31, 6)
    made["selection"]["seed"] = "another"
    with pytest.raises(verify_bundle.Wrong):
        verify_bundle.check(made, trusted(keys))


def test_what_lies_past_the_cosignature_is_said(keys: tuple[CheckpointKey, CheckpointKey]) -> None:
    said = verify_bundle.check(bundle_of(filled(keys[0]), keys, PERIOD, cosigned=10), trusted(keys))
    assert any("node's own word" in english for english, _ in said)


def test_a_selection_is_one_thing() -> None:
    for values in ({}, {"case": "A", "seed": "b", "count": 1}, {"seed": "a"}, {"count": 3}, {"start": FIRST},
                   {"start": FIRST, "end": FIRST}):  # fmt: skip
        with pytest.raises(SettingsError) as error:
            Selection(**values)
        assert error.value.code == "PAC-190"


@given(st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
    st.sampled_from(["schema", "node", "keys", "head", "entries", "witnessed", "selection"]), inner, max_size=7)))  # fmt: skip
def test_any_json_is_judged(value: Any) -> None:
    if isinstance(value, dict):
        value["schema"] = verify_bundle.SCHEMA
    with pytest.raises((verify_bundle.NotABundle, verify_bundle.Wrong)):
        verify_bundle.check(value, None)


@given(st.data())
def test_a_bundle_with_any_part_replaced_is_judged(data: st.DataObject) -> None:
    made = copy.deepcopy(_GOOD)
    place: Any = made
    for _ in range(data.draw(st.integers(0, 3))):
        if isinstance(place, dict | list) and place:
            steps = sorted(place) if isinstance(place, dict) else list(range(len(place)))
            step = data.draw(st.sampled_from(steps))
            if isinstance(place[step], dict | list):
                place = place[step]
    if isinstance(place, dict | list) and place:
        steps = sorted(place) if isinstance(place, dict) else list(range(len(place)))
        place[data.draw(st.sampled_from(steps))] = data.draw(st.sampled_from([None, 1, -1, "", "x", [], {}, True]))
    try:
        verify_bundle.check(made, None)
    except (verify_bundle.NotABundle, verify_bundle.Wrong):
        pass


_KEYS = generate_checkpoint_key("mithaq/QA/ledger"), generate_checkpoint_key("mithaq/US/ledger")
_GOOD = bundle_of(filled(_KEYS[0], days=4), _KEYS, CASE, cosigned=9)


# ---------------------------------------------------------------- the file alone


def run_alone(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """In an isolated interpreter without site packages, in a folder with nothing but the two files."""
    (folder / "verify_bundle.py").write_bytes(verifier())
    return subprocess.run(
        [sys.executable, "-I", "-S", "verify_bundle.py", *arguments], cwd=folder, capture_output=True, text=True
    )


def test_the_single_file_checks_a_bundle_without_mithaq(
    tmp_path: Path, keys: tuple[CheckpointKey, CheckpointKey]
) -> None:
    made = bundle_of(filled(keys[0]), keys, PERIOD)
    (tmp_path / "good.json").write_text(json.dumps(made), encoding="utf-8")
    own = ["--key", keys[0].vkey, "--key", keys[1].vkey]
    without = [sys.executable, "-I", "-S", "-c", "import mithaq"]
    assert subprocess.run(without, cwd=tmp_path, capture_output=True).returncode == 1, "mithaq cannot be imported there"
    good = run_alone(tmp_path, "good.json", *own)
    assert good.returncode == 0, good.stdout + good.stderr
    assert "ALL OF IT HOLDS" in good.stdout and "كل ذلك صحيح" in good.stdout
    assert "ALL OF IT" not in run_alone(tmp_path, "good.json", *own, "--language", "ar").stdout
    edited_body(made)
    (tmp_path / "bad.json").write_text(json.dumps(made), encoding="utf-8")
    bad = run_alone(tmp_path, "bad.json", *own)
    assert bad.returncode == 1 and "DOES NOT HOLD" in bad.stdout and "لا يصح" in bad.stdout
    stranger = generate_checkpoint_key("mithaq/QA/ledger").vkey
    assert run_alone(tmp_path, "good.json", "--key", stranger).returncode == 1
    (tmp_path / "none.json").write_text("[]", encoding="utf-8")
    assert run_alone(tmp_path, "none.json").returncode == 3
    assert run_alone(tmp_path, "missing.json").returncode == 3
    assert run_alone(tmp_path).returncode == 2


def test_the_single_file_imports_the_standard_library_alone() -> None:
    import ast

    names = {
        (node.module if isinstance(node, ast.ImportFrom) else alias.name)
        for node in ast.walk(ast.parse(verifier()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert {str(name).partition(".")[0] for name in names} <= set(sys.stdlib_module_names)


def test_the_keys_come_from_the_agreement_that_both_signed() -> None:
    number, keys = keys_of_agreement(signed_file())
    assert f"sha256:{number}" == parse_signed(signed_file()).id
    assert set(keys) == {"QA", "US"}
    with pytest.raises(verify_bundle.NotABundle):
        keys_of_agreement(b"{}")
