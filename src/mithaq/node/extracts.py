"""The data-protection authority's extract of the log, with its clock (REQ-113).

    asked ─► due: the agreement's days, never more than four weeks ─► bundle with its proofs ─► given, with its digest

The request and the handing over are in the ledger. `due` names what waits and what is late; status and the desk show it.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from mithaq.errors import FormatError, SettingsError
from mithaq.node import journal, officers, proofs
from mithaq.node.gateway import Node
from mithaq.node.store import oversight
from mithaq.node.store.oversight import Extract as Extract
from mithaq.pact.bundle import Selection
from mithaq.units import parse_timestamp, timestamp

LONGEST_DAYS = 28


def ask(
    node: Node, selection: Selection, *, authority: str, officer: str, passphrase: str, asked_at: datetime | None = None
) -> Extract:
    """Put on record that an authority (a code) asked for an extract; `asked_at` is when, now where left out.

    SettingsError NOD-294 for a name in place of a code, or a time that has not come; TrustError where the officer may not.
    """
    credential = officers.unlock(node, officer, passphrase, duty="extract")
    now = node.clock()
    asked = asked_at or now
    if not officers.CODE.fullmatch(authority) or asked > now:
        raise SettingsError(
            "NOD-294", "the request cannot be recorded so", key="authority", expected="a code, and a time that has come"
        )
    days = min([LONGEST_DAYS, *(one.access_request.authority_days for one in node.agreements.all())])
    due, said = timestamp(asked + timedelta(days=days)), selection.as_dict()
    act = officers.sign(node, credential, "extract-asked", authority=authority, selection=said, due_at=due)
    extract = Extract(node.new_id(), authority, said, timestamp(asked), due, officer, act.signed)
    with node.database.write() as tx:
        oversight.add_extract(tx, extract)
        facts = {"extract": extract.id, "authority": authority, "due_at": due, "by": officer, "act": act.digest}
        journal.write(tx, node, "extract-asked", **facts, case=selection.case)
    return extract


def give(node: Node, extract_id: str, *, by: str) -> tuple[Extract, bytes]:
    """The extract as the bytes of a bundle, to be handed over; the first time stops the clock. FormatError NOD-295."""
    officers.authorised(node, by, "extract")
    with node.database.read() as tx:
        extract = oversight.find_extract(tx, extract_id)
    if extract is None:
        raise FormatError("NOD-295", "no authority asked for such an extract", place=extract_id[:40])
    made = proofs.bundle(node, _selection(extract.selection), by=by, reason="authority")
    data = json.dumps(made, ensure_ascii=False, indent=1).encode() + b"\n"
    digest = hashlib.sha256(data).hexdigest()
    with node.database.write() as tx:
        if extract.given_at is None:
            at = timestamp(node.clock())
            oversight.extract_given(tx, extract.id, given_at=at, given_by=by, digest=digest)
        facts = {"extract": extract.id, "authority": extract.authority, "content": digest, "by": by}
        journal.write(tx, node, "extract-given", **facts)
        kept = oversight.find_extract(tx, extract.id)
    return kept or extract, data


def due(node: Node) -> list[tuple[Extract, float]]:
    """What an authority waits for, soonest first, with the days that are left (below 0: late). REQ-113"""
    now = node.clock()
    return [
        (one, (parse_timestamp(one.due_at) - now) / timedelta(days=1))
        for one in every(node)
        if one.given_at is None
    ]  # fmt: skip


def every(node: Node) -> list[Extract]:
    """All requests for extracts, those that were met too."""
    with node.database.read() as tx:
        return oversight.list_extracts(tx)


def _selection(said: Any) -> Selection:
    if said["kind"] == "case":
        return Selection(case=said["case"])
    if said["kind"] == "sample":
        return Selection(seed=said["seed"], count=said["count"])
    return Selection(start=parse_timestamp(said["from"]), end=parse_timestamp(said["to"]))


__all__ = ["LONGEST_DAYS", "Extract", "ask", "due", "every", "give"]
