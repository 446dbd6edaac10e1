"""Messages that no step of ours would send, and the proof that a refused one changed nothing: what attacks on a node need.

letter(pair, …) ──► sealed by the sender's own keys      refused(node) ─► what was logged; everything else as before
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any

import pytest
from hits import Hits, picture

from mithaq.errors import MithaqError
from mithaq.node import flow
from mithaq.node.gateway import Node
from mithaq.node.order import control_number
from mithaq.node.store import ledger
from mithaq.pact.gate import refused
from mithaq.pact.keys import SigningKey
from mithaq.pact.message import Kind, make_manifest, seal
from mithaq.pact.strict import canonical
from mithaq.record import query_transaction, write_transaction
from mithaq.units import FingerPosition, PrintImage

LEDGER = ("ledger_entries", "ledger_nodes", "ledger_head")


def letter(
    pair: Hits, body: bytes, *, kind: Kind, sender: str = "QA", key: SigningKey | None = None, **changes: Any
) -> bytes:
    """A message with the sender's own seal and signature, whatever it says; `changes` go into its manifest."""
    node = pair.nodes[sender]
    other = next(one for code, one in pair.nodes.items() if code != sender)
    agreement = node.agreements.current(other.party, pair.clock())
    values: dict[str, Any] = {
        "kind": kind, "sender": sender, "sender_contact": f"{sender.lower()}-ncp", "recipient": other.party,
        "recipient_contact": f"{other.party.lower()}-ncp", "agreement": agreement.id,
        "body_type": "ansi-nist" if kind in ("query", "answer") else "json", "created": pair.clock(),
        "expires": pair.clock() + timedelta(days=7), **changes,
    }  # fmt: skip
    values["expires"] = changes.get("expires", values["created"] + timedelta(days=7))
    return seal(make_manifest(body, **values), body, sign_key=key or node.keys.sign, encrypt_to=other.keys.encrypt.jwk)


def query_body(pair: Hits, **changes: Any) -> bytes:
    """A query's body as QA would write it; `changes` go into it."""
    found = PrintImage(FingerPosition.RIGHT_INDEX, 0, "PNG", *_size(), 500.0, picture())
    values: dict[str, Any] = {
        "tcn": control_number(pair.nodes["QA"]), "origin": "QA/qa-ncp", "destination": "US/us-ncp", "instant": pair.clock(), "priority": 4,
        "case": "CASE-1", "purpose": "investigate-serious-crime", "offence": "robbery:120",
        "legal_basis": "Criminal Procedure Code, section 1", "search_type": "TP/TP", "prints": [found], **changes,
    }  # fmt: skip
    return write_transaction(query_transaction(**values))


def _size() -> tuple[int, int]:
    data = picture()
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


def request_body(**changes: Any) -> bytes:
    """A follow-up request's body with a whole chain behind it; `changes` go into it."""
    conclusion = {"by": "examiner-1", "second_by": "", "decision": "identified", "reference": "US-FIRST"}
    values = {
        "reference": "US-FIRST", "case": "CASE-1", "fields": ["family_name"], "urgent": False,
        "requested_by": "officer-1", "conclusion": conclusion, "act": "x",
    }  # fmt: skip
    return canonical(values | changes)


def release_body(**changes: Any) -> bytes:
    """A release's body as the holder would write it; `changes` go into it."""
    handling = {"caveats": [], "source": None, "accuracy": None}
    values = {
        "reference": "US-FIRST", "case": "CASE-1", "mla": False, "outcome": "released",
        "released": {"family_name": "x"}, "withheld": {}, "handling": handling,
    }  # fmt: skip
    return canonical(values | changes)


def receive(pair: Hits, sealed: bytes, sender: str = "QA") -> bytes:
    """Hand a message to the other side over the sender's own connection."""
    return flow.receive(pair.wires[sender].to(), sealed, pair.wires[sender].certificate)


def fingerprint(node: Node, but: Collection[str] = ()) -> dict[str, str]:
    """Everything that a node holds but its ledger, each table and file by a digest: states, counters, prints, released
    data, keys, agreements, the gallery. Rows that name one of `but` (a refusal's own conversation) are left out."""
    found = {}
    for path in sorted(one for one in node.settings.home.rglob("*") if one.is_file()):
        name = str(path.relative_to(node.settings.home))
        if path.suffix == ".sqlite":
            found |= {f"{name} {table}": _digest(rows) for table, rows in _tables(path, but)}
        elif ".sqlite-" not in name:  # the databases' own logs
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def _tables(path: Any, but: Collection[str]) -> Iterator[tuple[str, list[str]]]:
    with closing(sqlite3.connect(path)) as database:
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in sorted(set(names) - set(LEDGER)):
            rows = [row for row in database.execute(f'SELECT * FROM "{name}"') if not set(but) & set(map(str, row))]
            yield name, sorted(map(repr, rows))


def _digest(rows: list[str]) -> str:
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


@contextmanager
def without_effect(node: Node, but: Collection[str] = ()) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """Fails where the node changed in anything but its ledger; filled afterwards with (kind, data) of what was logged."""
    before, size = fingerprint(node, but), _size_of(node)
    logged: list[tuple[str, dict[str, Any]]] = []
    yield logged
    after = fingerprint(node, but)
    assert {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} == set()
    with node.database.read() as tx:
        for entry in [one for one in ledger.entries(tx) if one.index >= size and one.body]:
            body = json.loads(entry.body or b"")
            logged.append((body["kind"], body["data"]))


def _size_of(node: Node) -> int:
    with node.database.read() as tx:
        return ledger.ledger_size(tx)


def check_said(node: Node, data: dict[str, Any], reason: str) -> None:
    """The entry names the reason and its clause, and both stand in both languages."""
    assert data["reason"] == reason
    partner = next(iter(node.agreements.partners()))
    facts = dict.fromkeys(("party", "contact", "role", "event", "state", "actor", "field", "code", "part"), "a")
    facts |= dict.fromkeys(("purpose", "search_type", "limit", "met", "agreed", "needed"), "a")
    meant = refused(reason, node.agreements.current(partner, node.clock()), **facts)
    assert meant.clause is not None
    assert data["clause"] == meant.clause_ref
    for text in (meant.text.ar, meant.clause.ar):
        assert any("\u0621" <= letter <= "\u064a" for letter in text)
    assert meant.text.en and meant.clause.en


def turned_away(pair: Hits, sealed: bytes, code: str, reason: str, sender: str = "QA") -> None:
    """The other side refuses the message with this code, logs it under this reason and its clause, and nothing changed."""
    node = pair.wires[sender].to()
    with without_effect(node) as logged:
        with pytest.raises(MithaqError) as caught:
            receive(pair, sealed, sender)
        assert caught.value.code == code, caught.value
    ((kind, data),) = logged
    assert (kind, data["code"], data["party"]) == ("message-refused", code, sender)
    assert data["digest"] == hashlib.sha256(sealed).hexdigest()
    check_said(node, data, reason)


def answered_with_refusal(pair: Hits, sealed: bytes, conversation: str, reason: str) -> None:
    """The holder answers the query with a refusal: beside that one conversation nothing changed, no quota and no print."""
    node = pair.nodes["US"]
    with without_effect(node, but=[conversation]) as logged:
        receive(pair, sealed)
    assert [kind for kind, _ in logged] == ["query-received", "answer-sent"]
    answer = logged[1][1]
    assert (answer["outcome"], answer["references"]) == ("refused", [])
    check_said(node, {"reason": answer["reasons"][0], "clause": answer["clause"]}, reason)
    with node.database.write() as tx:  # QA knows nothing of the query: the answer stays where it is
        tx.exec_driver_sql("UPDATE messages SET due_at = NULL WHERE conversation = ?", (conversation,))
        assert not tx.exec_driver_sql("SELECT * FROM prints WHERE conversation = ?", (conversation,)).all()
