"""The stores' keys in a PKCS#11 token (SoftHSM): moved there from their files, and used there."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pair import NAMES

from mithaq.errors import SettingsError, TrustError
from mithaq.node import token
from mithaq.node.initialise import initialise
from mithaq.node.opening import open_node
from mithaq.node.rekey import move_to_token
from mithaq.node.settings import FILE_NAME, read_settings
from mithaq.node.store import references

MODULES = [Path("/usr/lib/softhsm/libsofthsm2.so"), Path("/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")]
pytestmark = pytest.mark.token
PERSON = {"family_name": "Zubayribakthaf"}


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The SoftHSM library with a token of its own; a process initialises it once, so one token serves this file."""
    pytest.importorskip("pkcs11", reason="the library for tokens is not installed (extra `token`)")
    found = next((one for one in MODULES if one.is_file()), None)
    if found is None:
        pytest.skip("SoftHSM is not installed on this machine (package softhsm2)")
    folder = tmp_path_factory.mktemp("token")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\n")
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    init = ["softhsm2-util", "--init-token", "--free", "--label", "mithaq", "--so-pin", "12345678", "--pin", "87654321"]
    subprocess.run(init, check=True, capture_output=True)
    yield found
    if before is None:
        del os.environ["SOFTHSM2_CONF"]
    else:
        os.environ["SOFTHSM2_CONF"] = before


def test_keys_move_into_a_token_and_everything_that_was_sealed_still_opens_there_alone(
    module: Path, tmp_path: Path
) -> None:
    home = tmp_path / "QA"
    initialise(home, party="QA", contact="qa-ncp", name=NAMES["QA"])
    with open_node(home) as node:
        digest = node.identity_vault.digest("NATIONAL-1")
        with node.identities.write() as identities:
            references.add_person(identities, "QA-1", digest, node.seal_person("QA-1", PERSON))
    (home / "keys" / "token.pin").write_text("87654321\n")
    section = f'\n[keys]\nmodule = "{module}"\ntoken = "mithaq"\npin_file = "keys/token.pin"\n'
    (home / FILE_NAME).write_text((home / FILE_NAME).read_text() + section)
    with pytest.raises(SettingsError) as not_moved:
        open_node(home)
    assert not_moved.value.code == "NOD-276"
    assert move_to_token(read_settings(home)) == 1
    assert not list((home / "keys").glob("*.key"))
    with open_node(home) as node:
        assert node.person("QA-1") == PERSON
        assert node.identity_vault.digest("NATIONAL-1") == digest
        sealed = node.seal_person("QA-2", PERSON)
        assert node.identity_vault.open(sealed, "person:QA-2")
        wrapped = node.record_keys.find("identities", "person:QA-2")
        assert wrapped
        with pytest.raises(ValueError, match="tag"):
            node.identity_vault.wrapper.unwrap(wrapped, "person:QA-1")
        with pytest.raises(ValueError, match="tag"):
            node.print_vault.wrapper.unwrap(wrapped, "person:QA-2")
        node.record_keys.destroy([("identities", "person:QA-2")])
        with pytest.raises(TrustError):
            node.identity_vault.open(sealed, "person:QA-2")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (('token = "mithaq"', 'token = "another"'), "NOD-275"),
        (('pin_file = "keys/token.pin"', 'pin_file = "keys/none.pin"'), "NOD-275"),
        (('pin_file = "keys/token.pin"', ""), "NOD-004"),
        (("libsofthsm2.so", "nothing.so"), "NOD-275"),
    ],
)
def test_a_token_that_cannot_be_used_is_one_sentence(
    module: Path, tmp_path: Path, change: tuple[str, str], code: str
) -> None:
    home = tmp_path / "QA"
    initialise(home, party="QA", contact="qa-ncp", name=NAMES["QA"])
    (home / "keys" / "token.pin").write_text("87654321\n")
    section = f'\n[keys]\nmodule = "{module}"\ntoken = "mithaq"\npin_file = "keys/token.pin"\n'
    if code == "NOD-275" and "pin" in change[0]:  # a session that is open already asks for no PIN
        token._sessions.clear()
    (home / FILE_NAME).write_text((home / FILE_NAME).read_text() + section.replace(*change))
    with pytest.raises(SettingsError) as refused:
        open_node(home)
    assert refused.value.code == code
