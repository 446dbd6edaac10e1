"""The persons who act at a node, each with a credential of their own: signing in, and signing what they do.

A name on a form is a record. An act (a conclusion, a preparation, an approval) is signed with the officer's own key,
which only their passphrase opens, for that one act; the node keeps the sealed key and the public half.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from mithaq.errors import SettingsError, TrustError
from mithaq.node import journal
from mithaq.node.gateway import Node
from mithaq.node.store import Tx, conversations, references
from mithaq.node.store.conversations import Act, Conversation
from mithaq.node.store.references import Officer as Officer
from mithaq.pact.credential import (
    OfficerKey,
    create_credential,
    open_credential,
    parse_credential,
    refuse_unknown_officer,
)
from mithaq.units import timestamp

ROLES = ("examiner", "officer")
CODE = re.compile("[a-z][a-z0-9]*(-[a-z0-9]+){0,7}")


def add(node: Node, officer_id: str, *, roles: Sequence[str], name: Mapping[str, str], passphrase: str) -> Officer:
    """Add an officer with a new credential; SettingsError or TrustError where a value does not fit."""
    if not CODE.fullmatch(officer_id):
        raise SettingsError(
            "NOD-150",
            "the officer's code does not fit",
            key="officer",
            expected="a short code in lower case, as qa-examiner-1",
        )
    unknown = set(roles) - set(ROLES)
    if unknown or not roles:
        raise SettingsError("NOD-151", "a role is not known", key="roles", expected=" or ".join(ROLES))
    credential = create_credential(officer_id, passphrase).to_record()
    officer = Officer(officer_id, dict(name), list(roles), credential, timestamp(node.clock()), None)
    with node.database.write() as tx:
        if references.find_officer(tx, officer_id) is not None:
            raise SettingsError("NOD-152", "an officer of that code is already there", key="officer")
        references.add_officer(tx, officer)
        journal.write(tx, node, "officer-changed", officer=officer_id, event="added")
    return officer


def everyone(node: Node) -> list[Officer]:
    """All officers, past ones included."""
    with node.database.read() as tx:
        return references.list_officers(tx)


def end(node: Node, officer_id: str) -> None:
    """End an officer's right to act and close their sessions."""
    with node.database.write() as tx:
        if references.find_officer(tx, officer_id) is None:
            raise SettingsError("NOD-153", "there is no officer of that code", key="officer")
        references.end_officer(tx, officer_id, timestamp(node.clock()))
        journal.write(tx, node, "officer-changed", officer=officer_id, event="ended")


def unlock(node: Node, officer_id: str, passphrase: str, *, role: str = "") -> OfficerKey:
    """The officer's key for one act; TrustError where officer, passphrase, validity or role is not right."""
    with node.database.read() as tx:
        officer = references.find_officer(tx, officer_id)
    if officer is None:
        refuse_unknown_officer(passphrase)
    credential = open_credential(parse_credential(officer.credential), passphrase)
    if not officer.is_valid(timestamp(node.clock())):
        raise TrustError("NOD-154", "the officer's right to act has ended", place=officer.id)
    if role and role not in officer.roles:
        raise TrustError(
            "NOD-155",
            f"this step is for the role {role}",
            place=officer.id,
            expected=f"an officer with the role {role}",
        )
    return credential


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed act and the digest under which the ledger knows it."""

    signed: str

    @property
    def digest(self) -> str:
        """SHA-256 of the signed act, hex."""
        return hashlib.sha256(self.signed.encode("ascii")).hexdigest()


def act(tx: Tx, node: Node, credential: OfficerKey, conversation: Conversation, kind: str, **terms: Any) -> Signed:
    """Sign and keep what an officer does in a conversation."""
    at = timestamp(node.clock())
    signed = credential.sign_act(
        {
            "act": kind,
            "conversation": conversation.id,
            "case": conversation.case_number,
            "agreement": conversation.agreement,
            "party": node.party,
            "officer": credential.officer,
            "at": at,
            **terms,
        }
    )
    conversations.add_act(tx, Act(node.new_id(), conversation.id, kind, credential.officer, signed, at))
    return Signed(signed)


def read_act(stored: Act) -> dict[str, Any]:
    """What a stored act says. Its signature was made here; `mithaq ledger verify` checks it again."""
    return _payload(stored.signed)


def officer_of(signed: str) -> str:
    """Who a signed act says it is by, not yet verified."""
    return str(_payload(signed).get("officer", ""))


def _payload(signed: str) -> dict[str, Any]:
    payload = signed.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))


# ---------------------------------------------------------------- sessions of the desk


def open_session(node: Node, officer_id: str, passphrase: str, *, life_s: float) -> str:
    """Sign an officer in; returns the session's token, of which only a digest is kept."""
    unlock(node, officer_id, passphrase)
    token = secrets.token_urlsafe(32)
    with node.database.write() as tx:
        references.add_session(tx, _digest(token), officer_id, timestamp(node.clock() + timedelta(seconds=life_s)))
    return token


def session(node: Node, token: str) -> Officer | None:
    """The officer of a session that has not ended, or None."""
    now = timestamp(node.clock())
    with node.database.read() as tx:
        officer = references.session_officer(tx, _digest(token), now)
    return officer if officer is not None and officer.is_valid(now) else None


def close_session(node: Node, token: str) -> None:
    """Sign out."""
    with node.database.write() as tx:
        references.end_session(tx, _digest(token))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
