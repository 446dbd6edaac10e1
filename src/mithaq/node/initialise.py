"""Making a node: keys, certificate and request, settings, databases, gallery; and the party file for the partner.

A folder that already holds a node is never touched. What was begun and could not be finished is removed again.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mithaq.errors import FormatError, SettingsError, StorageError
from mithaq.node.gateway import Files, log_name
from mithaq.node.rekey import give_each_a_key
from mithaq.node.settings import FILE_NAME, is_address, read_settings, split_address
from mithaq.node.store import create_database, create_identities, create_record_keys
from mithaq.node.vault import make_key
from mithaq.pact.certificate import make_certificate_request, make_tls_identity
from mithaq.pact.keys import Suite, generate_checkpoint_key, generate_encryption_key, generate_signing_key
from mithaq.pact.proposal import contact_point, public_keys
from mithaq.pact.strict import canonical, plain, read
from mithaq.pact.terms import Bilingual, Party
from mithaq.search import Gallery
from mithaq.units import utc_now

CERTIFICATE_DAYS = 730
PARTY_FILE = "party.json"
URL = r"https://(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?(/[A-Za-z0-9._~/-]*)?"  # as an agreement may hold it

_SETTINGS = """# The settings of this node. Every key is listed in docs/operate.md.
[node]
party = {party}
contact = {contact}
suite = {suite}
demonstration = {demonstration}   # true: every page says "demonstration, no affiliation"

[listen]
partner = {listen}
desk = {desk}

[database]
# PostgreSQL instead: url = "postgresql+psycopg://user@host/mithaq" (and steps_url alike)
url = "sqlite:///node.sqlite"
identities_url = "sqlite:///identities.sqlite"
steps_url = "sqlite:///steps.sqlite"

[search]
gallery = "gallery"
# socket = "/run/afis.sock"   # an existing AFIS in the gallery's place
"""


def initialise(
    home: Path,
    *,
    party: str,
    contact: str,
    name: Mapping[str, str],
    listen: str = "127.0.0.1:8443",
    desk: str = "127.0.0.1:8080",
    url: str = "",
    demonstration: bool = False,
    suite: Suite = "default",
) -> Path:
    """Make a node in `home`, which must be new or empty; returns the path of the party file."""
    url = url or f"https://{listen}"
    _check(party, contact, name)
    _check_addresses(listen, desk, url)
    try:
        existed = home.exists()
        if existed and any(home.iterdir()):
            raise SettingsError(
                "NOD-180", "the folder is not empty; nothing was changed", file=str(home), remedy="choose a new folder"
            )
    except OSError as error:
        raise StorageError(
            "NOD-181", f"the node could not be made ({error.strerror})", place=str(home), remedy="choose a new folder"
        ) from None
    try:
        return _make(home, party, contact, name, listen, desk, url, demonstration, suite)
    except OSError as error:
        _undo(home, existed)
        raise StorageError(
            "NOD-181", f"the node could not be made ({error.strerror})", place=str(home), remedy="check path and space"
        ) from None
    except BaseException:
        _undo(home, existed)
        raise


def _make(
    home: Path,
    party: str,
    contact: str,
    name: Mapping[str, str],
    listen: str,
    desk: str,
    url: str,
    demonstration: bool,
    suite: Suite,
) -> Path:
    files = Files(home)
    for folder in (home, files.keys, files.certificate.parent, files.agreements):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    sign, encrypt = generate_signing_key(suite), generate_encryption_key(suite)
    checkpoint = generate_checkpoint_key(log_name(party))
    hosts = sorted({split_address(listen)[0], "localhost", "127.0.0.1", _host(url)} - {"0.0.0.0", "::"})
    tls = make_tls_identity(f"mithaq {party}", hosts, days=CERTIFICATE_DAYS, now=utc_now())
    request = make_certificate_request(tls.key_pem, f"mithaq {party}", hosts)
    for key_name, pem in {
        "sign": sign.to_pem(),
        "encrypt": encrypt.to_pem(),
        "checkpoint": checkpoint.to_pem(),
        "tls": tls.key_pem,
    }.items():
        _write_private(files.keys / f"{key_name}.pem", pem)
    make_key(files.keys / "prints.key")
    make_key(files.keys / "identities.key")
    files.certificate.write_bytes(tls.certificate_pem)
    (files.certificate.parent / "request.pem").write_bytes(request)

    text = _SETTINGS.format(
        party=json.dumps(party),
        contact=json.dumps(contact),
        suite=json.dumps(suite),
        demonstration=json.dumps(demonstration),
        listen=json.dumps(listen),
        desk=json.dumps(desk),
    )
    (home / FILE_NAME).write_text(text, encoding="utf-8")
    settings = read_settings(home)
    create_database(settings.database_url(settings.database.url))
    create_identities(settings.database_url(settings.database.identities_url))
    create_record_keys(settings.record_keys_url)
    Gallery(settings.path(settings.search.gallery), writable=True).close()

    keys = public_keys(
        tls=[tls.certificate_der],
        sign=[sign.jwk.public()],
        encrypt=[encrypt.jwk.public()],
        checkpoint=[checkpoint.vkey],
    )
    names = Bilingual(ar=name["ar"], en=name["en"])
    described = Party(party, names, (contact_point(contact, names, url),), keys)
    target = home / PARTY_FILE
    target.write_bytes(canonical({"schema": "mithaq-party-1", "code": party, "party": plain(described)}) + b"\n")
    return target


def read_party(data: bytes, *, place: str) -> tuple[str, Party]:
    """The code and description in a party file; FormatError or TrustError for anything else."""
    try:
        values: Any = json.loads(data)
    except (ValueError, RecursionError):
        values = None
    if (
        not isinstance(values, dict)
        or set(values) != {"schema", "code", "party"}
        or values["schema"] != "mithaq-party-1"
    ):
        raise FormatError(
            "NOD-182", "this is not a party file", place=place, expected=f"{PARTY_FILE} as `mithaq node init` wrote it"
        )
    return str(values["code"]), read(Party, values["party"], what="party")


def upgrade(home: Path) -> None:
    """Bring a node's databases to the version this program knows, each sealed record under a key of its own."""
    settings = read_settings(home)
    create_database(settings.database_url(settings.database.url))
    create_identities(settings.database_url(settings.database.identities_url))
    create_record_keys(settings.record_keys_url)
    give_each_a_key(settings)


def _check(party: str, contact: str, name: Mapping[str, str]) -> None:
    if not re.fullmatch("[A-Z]{2}", party):
        raise SettingsError("NOD-183", "the party's code does not fit", key="--party", expected="two letters, as QA")
    if not re.fullmatch("[a-z][a-z0-9]*(-[a-z0-9]+){0,7}", contact):
        raise SettingsError(
            "NOD-184", "the contact point's code does not fit", key="--contact", expected="a short word, as qa-ncp"
        )
    if not re.search("[A-Za-z]", name.get("en", "")) or not re.search("[\u0621-\u064a]", name.get("ar", "")):
        raise SettingsError(
            "NOD-185", "the agency's name is missing in a language", key="--name-en, --name-ar", expected="both"
        )


def _check_addresses(listen: str, desk: str, url: str) -> None:
    for key, address in (("--listen", listen), ("--desk", desk)):
        if not is_address(address):
            raise SettingsError("NOD-186", "this is no address", key=key, expected="HOST:PORT, as 127.0.0.1:8443")
    if not re.fullmatch(URL, url):
        raise SettingsError(
            "NOD-187",
            "the partner cannot reach a node under this address",
            key="--url",
            expected="https://HOST or https://HOST:PORT",
        )


def _host(url: str) -> str:
    return urlsplit(url).hostname or "localhost"


def _write_private(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)


def _undo(home: Path, existed: bool) -> None:
    if not existed:
        shutil.rmtree(home, ignore_errors=True)
        return
    for child in home.iterdir():
        shutil.rmtree(child) if child.is_dir() else child.unlink(missing_ok=True)
