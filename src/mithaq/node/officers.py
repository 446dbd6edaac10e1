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
from datetime import datetime, timedelta
from typing import Any

from mithaq.errors import SettingsError, TrustError
from mithaq.node import journal
from mithaq.node.gateway import Node
from mithaq.node.roles import DUTIES, ROLES, conflict
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

CODE = re.compile("[a-z][a-z0-9]*(-[a-z0-9]+){0,7}")


def add(
    node: Node,
    officer_id: str,
    *,
    roles: Sequence[str],
    name: Mapping[str, str],
    passphrase: str,
    by: str = "",
    by_passphrase: str = "",
) -> Officer:
    """Add an officer with a new credential; SettingsError or TrustError where a value does not fit.

    Once the register has an administrator, `by` must be one, with their passphrase (NOD-286).
    """
    if not CODE.fullmatch(officer_id):
        raise SettingsError(
            "NOD-150",
            "the officer's code does not fit",
            key="officer",
            expected="a short code in lower case, as qa-examiner-1",
        )
    if not roles or set(roles) - set(ROLES):
        raise SettingsError("NOD-151", "a role is not known", key="roles", expected=", ".join(ROLES))
    if alone := conflict(roles):
        raise SettingsError(
            "NOD-285", f"the role {alone} excludes every other", key="roles", expected=f"{alone} alone (REQ-120)"
        )
    appointed_by = _appointer(node, by, by_passphrase)
    credential = create_credential(officer_id, passphrase).to_record()
    officer = Officer(officer_id, dict(name), list(dict.fromkeys(roles)), credential, timestamp(node.clock()), None)
    with node.database.write() as tx:
        if references.find_officer(tx, officer_id) is not None:
            raise SettingsError("NOD-152", "an officer of that code is already there", key="officer")
        references.add_officer(tx, officer)
        facts = {"officer": officer_id, "event": "added", "roles": list(officer.roles), "by": appointed_by}
        journal.write(tx, node, "officer-changed", **facts)
    return officer


def everyone(node: Node) -> list[Officer]:
    """All officers, past ones included."""
    with node.database.read() as tx:
        return references.list_officers(tx)


def authorised_at(node: Node, at: datetime) -> list[Officer]:
    """The officers whose right to act held at that instant, by code (REQ-004)."""
    return [officer for officer in everyone(node) if officer.is_valid(timestamp(at))]


def end(node: Node, officer_id: str, *, by: str = "", by_passphrase: str = "") -> None:
    """End an officer's right to act and close their sessions; who may is said at `add`."""
    ended_by = _appointer(node, by, by_passphrase)
    with node.database.write() as tx:
        if references.find_officer(tx, officer_id) is None:
            raise SettingsError("NOD-153", "there is no officer of that code", key="officer")
        references.end_officer(tx, officer_id, timestamp(node.clock()))
        journal.write(tx, node, "officer-changed", officer=officer_id, event="ended", by=ended_by)


def _appointer(node: Node, by: str, passphrase: str) -> str:
    """Who changes the register: an administrator, or "node" (whoever set it up) while it has none."""
    if by:
        return unlock(node, by, passphrase, duty="appoint").officer
    if any("administrator" in officer.roles for officer in authorised_at(node, node.clock())):
        raise TrustError(
            "NOD-286",
            "the register of officers has an administrator, who alone changes it",
            place="officers",
            expected="an administrator's code and passphrase",
        )
    return "node"


def authorised(node: Node, officer_id: str, duty: str) -> Officer:
    """The officer of that code, who may do this now (`roles.DUTIES`); TrustError NOD-154, NOD-155.

    It asks for no passphrase: the desk has a session, and who runs a command holds the node's files anyway. What an
    officer signs goes through `unlock`.
    """
    with node.database.read() as tx:
        officer = references.find_officer(tx, officer_id)
    if officer is None:
        raise TrustError("NOD-154", "no officer of that code may act", place=officer_id[:64])
    _require(officer, DUTIES[duty], timestamp(node.clock()))
    return officer


def unlock(node: Node, officer_id: str, passphrase: str, *, role: str = "", duty: str = "") -> OfficerKey:
    """The officer's key for one act; TrustError where officer, passphrase, validity, role or duty is not right."""
    with node.database.read() as tx:
        officer = references.find_officer(tx, officer_id)
    if officer is None:
        refuse_unknown_officer(passphrase)
    credential = open_credential(parse_credential(officer.credential), passphrase)
    _require(officer, DUTIES[duty] if duty else (role,) if role else (), timestamp(node.clock()))
    return credential


def _require(officer: Officer, roles: Sequence[str], now: str) -> None:
    """The exclusions are asked for again here: a row of the register may have been edited."""
    if not officer.is_valid(now):
        raise TrustError("NOD-154", "the officer's right to act has ended", place=officer.id)
    if alone := conflict(officer.roles):
        raise TrustError("NOD-285", f"the role {alone} excludes every other", place=officer.id)
    if roles and not set(roles) & set(officer.roles):
        raise TrustError(
            "NOD-155",
            f"this step is for the role {' or '.join(roles)}",
            place=officer.id,
            expected=f"an officer with the role {' or '.join(roles)}",
        )


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
    named = {"conversation": conversation.id, "case": conversation.case_number, "agreement": conversation.agreement}
    signed = sign(node, credential, kind, **named, **terms)
    at = timestamp(node.clock())
    conversations.add_act(tx, Act(node.new_id(), conversation.id, kind, credential.officer, signed.signed, at))
    return signed


def sign(node: Node, credential: OfficerKey, kind: str, **terms: Any) -> Signed:
    """Sign what an officer does outside any conversation; whoever calls keeps it."""
    said = {"act": kind, "party": node.party, "officer": credential.officer, "at": timestamp(node.clock()), **terms}
    return Signed(credential.sign_act(said))


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
    """Sign an officer in; returns the session's token, of which only a digest is kept. The ledger holds both the
    sign-in and one that was refused, under the officer's code where there is such an officer (what else was typed may be
    anything, and is not kept)."""
    try:
        unlock(node, officer_id, passphrase)
    except TrustError as error:
        with node.database.write() as tx:
            known = references.find_officer(tx, officer_id)
            journal.write(tx, node, "sign-in-refused", code=error.code, by=known.id if known else None)
        raise
    token = secrets.token_urlsafe(32)
    with node.database.write() as tx:
        references.add_session(tx, _digest(token), officer_id, timestamp(node.clock() + timedelta(seconds=life_s)))
        journal.write(tx, node, "signed-in", by=officer_id)
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
