"""A node's own keys, changed and revoked while it serves (`pact.rotation`, REQ-124).

    announce ─► keys/next-KIND.pem ─► notice under the old key ─► partner pins it, confirms ─► adopt: KIND.pem
                                                                                       └─ the old one: KIND-NAME.pem
    revoke   ─► notice ─► the partner refuses every message under that key from its arrival on

Nothing is lost on the way: until it revokes it, the partner accepts the old key too, and what was sealed to an old key
is still opened. Codes NOD-209 to NOD-212.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, cast, get_args

from mithaq.errors import SettingsError, StorageError, TrustError
from mithaq.node import life, notices, officers
from mithaq.node.gateway import Files, Node
from mithaq.node.initialise import PARTY_FILE, read_party
from mithaq.node.store import Tx
from mithaq.node.store.life import LifeEvent, events_with
from mithaq.pact.agreement import Agreement
from mithaq.pact.keys import (
    checkpoint_key_from_pem,
    encryption_key_from_pem,
    generate_encryption_key,
    generate_signing_key,
    signing_key_from_pem,
)
from mithaq.pact.message import Opened, partner_of
from mithaq.pact.rotation import (
    KeyAnnounced,
    KeyConfirmed,
    KeyRevoked,
    Rotating,
    announced,
    check_announced,
    ledger_key,
    ledger_keys,
    revoked,
)
from mithaq.pact.rotation import announce as announcement
from mithaq.pact.strict import canonical, plain
from mithaq.pact.terms import Jwk

Named = Mapping[str, Any]


def announce(node: Node, kind: Rotating, *, officer: str, passphrase: str) -> list[LifeEvent]:
    """Make a new key and announce it to every partner under the present one; it is used once all of them confirmed it.
    SettingsError NOD-209 while another new key of that kind waits for its confirmation."""
    credential = officers.unlock(node, officer, passphrase, role="officer")
    target = _next(node, kind)
    if kind != "encrypt":
        sign = generate_signing_key(node.settings.node.suite if kind == "sign" else "default")
        terms, pem = announcement(node.party, sign, kind), sign.to_pem()
    else:
        encrypt = generate_encryption_key(node.settings.node.suite)
        terms, pem = KeyAnnounced("encrypt", encrypt.jwk, ""), encrypt.to_pem()
    try:
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise SettingsError(
            "NOD-209",
            "a new key of that kind waits for its confirmation already",
            file=target.name,
            remedy="let the node serve until the partner has confirmed it; `mithaq node keys list` shows it",
        ) from None
    except OSError as error:
        raise StorageError("NOD-210", f"the key could not be kept ({error.strerror})", place=target.name) from None
    try:
        return _declare_to_all(node, "key-announced", terms, [credential], event="key-announced")
    except BaseException:
        target.unlink()  # nobody was told of it
        raise


def revoke(
    node: Node,
    kind: Literal["sign", "encrypt", "checkpoint", "tls"],
    name: str,
    *,
    reason: str,
    officer: str,
    passphrase: str,
) -> list[LifeEvent]:
    """Tell every partner that a key of ours, or a certificate, holds no more. Without another confirmed key this node
    stops until an amendment names one: announce first. SettingsError NOD-211 for a key that is not ours."""
    credential = officers.unlock(node, officer, passphrase, role="officer")
    found = [one for one in listed(node) if one["kind"] == kind and name and one["name"].startswith(name)]
    if len(found) != 1:
        raise SettingsError(
            "NOD-211",
            "this node has no such key, or more than one begins like that",
            key="key",
            remedy="`mithaq node keys list` shows them",
        )
    terms = KeyRevoked(kind, found[0]["name"], cast(Any, reason))
    return _declare_to_all(node, "key-revoked", terms, [credential], event="key-revoked", reason=reason)


def listed(node: Node) -> list[dict[str, Any]]:
    """Our keys that sign, encrypt and hold connections: kind, name, and whether each is used, next, former or revoked."""
    gone: set[str] = set()
    names: dict[tuple[str, str], str] = {}
    with node.database.read() as tx:
        for partner in sorted(node.agreements.partners()):
            told = events_with(tx, partner)
            gone |= revoked(node.party, told)
            names |= {("sign", key.thumbprint): "next" for key in announced(node.party, "sign", told)}
            names |= {("encrypt", key.thumbprint): "next" for key in announced(node.party, "encrypt", told)}
            names |= {("checkpoint", key.thumbprint): "next" for key in announced(node.party, "checkpoint", told)}
    for agreement in node.agreements.all():
        keys = agreement.parties[node.party].keys
        names |= {("sign", key.thumbprint): "former" for key in keys.sign}
        names |= {("encrypt", key.thumbprint): "former" for key in keys.encrypt}
        ledger = ledger_keys(agreement, node.party, ())
        names |= {("checkpoint", ledger_key(key).thumbprint): "former" for key in ledger}
        names |= {("tls", digest): "used" for digest in keys.certificate_digests}
    for kind, former in (
        ("sign", node.former_signing()), ("encrypt", node.former_encryption()), ("checkpoint", node.former_ledger()),
    ):  # fmt: skip
        names |= {(kind, name): "former" for name in former}
    names |= {(kind, _used(node, kind)): "used" for kind in get_args(Rotating)}
    return [
        {"kind": kind, "name": name, "state": "revoked" if name in gone else state}
        for (kind, name), state in names.items()
    ]


# ---------------------------------------------------------------- the partner's keys


def take_announced(tx: Tx, node: Node, agreement: Agreement, opened: Opened, terms: KeyAnnounced) -> dict[str, Any]:
    """Pin the partner's new key and confirm it, in one transaction."""
    sender = opened.manifest.sender
    check_announced(agreement, sender, terms)
    log = life.keep(tx, node, agreement, opened, "key-announced", terms, event="key-announced")
    confirmed = KeyConfirmed(terms.kind, terms.key.thumbprint)
    notices.send(tx, node, agreement, sender, "key-confirmed", confirmed, matter=opened.manifest.conversation)
    return log


def take_confirmed(tx: Tx, node: Node, agreement: Agreement, opened: Opened, terms: KeyConfirmed) -> dict[str, Any]:
    """The partner pinned our new key: once every partner did, it is used. A confirmation of anything else says nothing."""
    log = life.keep(tx, node, agreement, opened, "key-confirmed", terms, event="key-confirmed")
    if all(_has_confirmed(events_with(tx, partner), partner, terms) for partner in node.agreements.partners()):
        adopt(node, terms)
    return log


def take_revoked(tx: Tx, node: Node, agreement: Agreement, opened: Opened, terms: KeyRevoked) -> dict[str, Any]:
    """Refuse that key of the partner from now on. TrustError NOD-212 for one that is not the sender's."""
    sender = opened.manifest.sender
    told = events_with(tx, sender)
    pinned = partner_of(node.agreements.all(), sender)
    encrypting = [key for one in node.agreements.all() if one.party(sender) for key in one.parties[sender].keys.encrypt]
    names: dict[str, set[str]] = {
        "sign": {key.thumbprint for key in (*pinned.signing_keys, *announced(sender, "sign", told))},
        "encrypt": {key.thumbprint for key in (*encrypting, *announced(sender, "encrypt", told))},
        "checkpoint": {ledger_key(key).thumbprint for key in ledger_keys(agreement, sender, told, ever=True)},
        "tls": set(pinned.certificates),
    }
    if terms.name not in names[terms.kind]:
        raise TrustError("NOD-212", "the sender has no such key to revoke", place="key-revoked", expected=terms.kind)
    return life.keep(tx, node, agreement, opened, "key-revoked", terms, event="key-revoked", reason=terms.reason)


def adopt(node: Node, terms: KeyConfirmed) -> None:
    """Use our confirmed new key from now on and keep the old one beside it; nothing where that was done before."""
    source, folder = _next(node, terms.kind), Files(node.settings.home).keys
    used = folder / f"{terms.kind}.pem"
    try:
        pem = source.read_bytes()
    except FileNotFoundError:
        return
    if _jwk(terms.kind, pem).thumbprint != terms.name:
        return
    former = folder / f"{terms.kind}-{_used(node, terms.kind)}.pem"
    if not former.exists():
        os.link(used, former)
    source.replace(used)  # whole or not at all: at every instant there is one key under that name
    if terms.kind == "sign":
        node.keys = replace(node.keys, sign=signing_key_from_pem(pem))
        node.agreements.trust(terms.name)
    elif terms.kind == "checkpoint":
        node.keys = replace(node.keys, checkpoint=checkpoint_key_from_pem(pem, node.keys.checkpoint.name))
    else:
        node.keys = replace(node.keys, encrypt=encryption_key_from_pem(pem))
    _rewrite_party(node, terms.kind, _jwk(terms.kind, pem))


def _rewrite_party(node: Node, kind: Rotating, key: Jwk) -> None:
    """Name the new key first in the party file, so that the next version of an agreement is signed with it."""
    file = node.settings.home / PARTY_FILE
    if not file.is_file():
        return
    code, party = read_party(file.read_bytes(), place=PARTY_FILE)
    new: Any = node.keys.checkpoint.vkey if kind == "checkpoint" else key
    others = tuple(one for one in getattr(party.keys, kind) if one != new)
    keys = replace(party.keys, **{kind: (new, *others)})
    described = {"schema": "mithaq-party-1", "code": code, "party": plain(replace(party, keys=keys))}
    temporary = file.with_suffix(".part")
    temporary.write_bytes(canonical(described) + b"\n")
    temporary.replace(file)


def _declare_to_all(node: Node, about: str, terms: Any, credentials: list[Any], **log: Any) -> list[LifeEvent]:
    with node.database.write() as tx:
        now = node.clock()
        return [
            life.declare(tx, node, node.agreements.current(partner, now), about, terms, credentials, **log)
            for partner in sorted(node.agreements.partners())
        ]


def _has_confirmed(told: list[LifeEvent], partner: str, terms: KeyConfirmed) -> bool:
    return any(one.by == partner and one.about == "key-confirmed" and one.terms == plain(terms) for one in told)


def _jwk(kind: Rotating, pem: bytes) -> Jwk:
    return encryption_key_from_pem(pem).jwk if kind == "encrypt" else signing_key_from_pem(pem).jwk


def _used(node: Node, kind: Rotating) -> str:
    if kind == "checkpoint":
        return ledger_key(node.keys.checkpoint.verifier).thumbprint
    return node.keys.sign.thumbprint if kind == "sign" else node.keys.encrypt.thumbprint


def _next(node: Node, kind: Rotating) -> Path:
    return Files(node.settings.home).keys / f"next-{kind}.pem"


__all__ = ["adopt", "announce", "listed", "revoke", "take_announced", "take_confirmed", "take_revoked"]
