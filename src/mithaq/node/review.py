"""The pack for a joint review with a partner, by one command, checked without this program (REQ-152).

    period, seed ─► cases drawn ─► a bundle of proofs for each ─┐
    statistics, ours beside the partner's ── yearly reports ────┼──► a folder with its own verifier and its digests
    open corrections · incidents · checks · the agreements ─────┘

The seed is for the reviewers to choose. A case that this node also took to another partner is not drawn: its entries are
not this partner's to read.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from mithaq.errors import SettingsError, StorageError
from mithaq.node import annual, journal, officers, proofs, statistics
from mithaq.node.gateway import Node
from mithaq.node.store import Tx, ledger, oversight
from mithaq.pact.bundle import Selection, verifier
from mithaq.pact.verify_bundle import sample
from mithaq.units import timestamp

LARGEST = 100  # cases
# Which notices end a matter that a notice of this kind opened.
ENDS: Mapping[str, tuple[str, ...]] = {"correction-demand": ("correction-done", "correction-refused")}
INCIDENTS = ("breach", "wrong-data", "false-hit")
REFUSALS = ("message-refused", "checkpoint-refused")
_README = """Joint review pack · حزمة المراجعة المشتركة

Check each case, on any machine with Python 3.8 or newer, without mithaq:
للتحقق من كل قضية على أي جهاز فيه بايثون 3.8 أو أحدث، دون ميثاق:

    python3 verify_bundle.py cases/01.json --agreement agreement-1.json

Compare the agreement's number with the one that was signed. manifest.json has the SHA-256 of every file; its own stands in
the node's ledger. The cases were drawn by the seed in review.json, which the reviewers chose or should choose.
قارن رقم الاتفاقية برقم الاتفاقية الموقّعة. في manifest.json بصمة SHA-256 لكل ملف، وبصمته هو مثبتة في سجل العقدة. سُحبت القضايا
بالبذرة المذكورة في review.json، ويختارها المراجعون.
"""


def pack(
    node: Node, folder: Path, partner: str, start: datetime, end: datetime, *, by: str, count: int = 5, seed: str = ""
) -> dict[str, Any]:
    """Write the pack into a new folder; returns what `review.json` says of it.

    SettingsError NOD-297 for a period or count that does not fit; StorageError NOD-298 where it cannot be written;
    TrustError where the officer may not, or there is no agreement with that partner.
    """
    officers.authorised(node, by, "review")
    if not start < end or not 1 <= count <= LARGEST:
        raise SettingsError(
            "NOD-297", "the review is not clear", key="review", expected=f"a period, 1 to {LARGEST} cases"
        )
    node.agreements.current(partner, node.clock())
    seed = seed or secrets.token_hex(16)
    since, until = timestamp(start), timestamp(end)
    with node.database.read() as tx:
        cases = _cases(tx, node, partner, since, until)
        drawn = [cases[index] for index in sorted(sample(seed, len(cases), min(count, len(cases))))]
        corrections, incidents = _open(tx, partner), _incidents(tx, partner, since, until)
        checks = [
            {"check": one.id, "seed": one.seed, "from": one.start, "to": one.end, "outcomes": _outcomes(tx, one.id)}
            for one in oversight.list_checks(tx)
        ]
    found = statistics.statistics(node, start, end, by=by, partner=partner)
    stated = [one.as_dict() for one in statistics.all_reconciled(node) if one.partner == partner]
    review = {
        "node": node.party, "partner": partner, "from": since, "to": until, "made": timestamp(node.clock()), "by": by,
        "seed": seed, "cases_of_period": len(cases), "cases_drawn": len(drawn),
    }  # fmt: skip
    files: dict[str, bytes] = {
        "README.txt": _README.encode(),
        "verify_bundle.py": verifier(),
        "statistics.json": _json({"ours": found.as_dict(), "stated": stated}),
        "corrections.json": _json(corrections),
        "incidents.json": _json(incidents),
        "checks.json": _json(checks),
        "review.json": _json(review),
    }
    for number, agreement in enumerate((one for one in node.agreements.all() if one.party(partner)), 1):
        files[f"agreement-{number}.json"] = node.agreements.signed_file(agreement.id)
    for number, case in enumerate(drawn, 1):
        made = proofs.bundle(node, Selection(case=case), by=by, reason="review")
        files[f"cases/{number:02d}.json"] = _json(made)
    for year in range(start.year, min(end.year, node.clock().year) + 1):
        files[f"report-{year}.html"] = annual.report(node, year, by=by, partner=partner).encode()
    manifest = _json({name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())})
    with node.database.write() as tx:
        facts = {"content": hashlib.sha256(manifest).hexdigest(), "party": partner, "seed": seed, "count": len(drawn)}
        journal.write(tx, node, "review-packed", **facts, by=by)
    _write(folder, {**files, "manifest.json": manifest})
    return review


def _cases(tx: Tx, node: Node, partner: str, since: str, until: str) -> list[str]:
    """The period's cases with that partner and no other, by when the first query was."""
    partners: dict[str, set[str]] = defaultdict(set)
    found: dict[str, None] = {}
    for _, at, data in _bodies(tx, ("query-sent", "query-received")):
        other = data["recipient"] if data["sender"] == node.party else data["sender"]
        partners[data["case"]].add(other)
        if other == partner and since <= at < until:
            found[data["case"]] = None
    return [case for case in found if partners[case] == {partner}]


def _open(tx: Tx, partner: str) -> list[dict[str, Any]]:
    """Demands that no answer has met yet, from the notices in the ledger."""
    waiting: dict[str, dict[str, Any]] = {}
    for kind, at, data in _bodies(tx, ("notice-sent", "notice-received")):
        if partner not in (data["sender"], data["recipient"]):
            continue
        matter, about = data["conversation"], data["about"]
        if about in ENDS:
            waiting[matter] = {"matter": matter, "about": about, "by": data["sender"], "at": at, "entry": kind}
        elif matter in waiting and about in ENDS[waiting[matter]["about"]]:
            del waiting[matter]
    return list(waiting.values())


def _incidents(tx: Tx, partner: str, since: str, until: str) -> list[dict[str, Any]]:
    """Breaches, wrong data, false hits and refused messages of the period."""
    found = []
    for kind, at, data in _bodies(tx, ("notice-sent", "notice-received", *REFUSALS)):
        parties = {data.get("sender"), data.get("recipient"), data.get("party"), data.get("origin", "/").split("/")[1]}
        if since <= at < until and partner in parties and (kind in REFUSALS or data["about"] in INCIDENTS):
            found.append({"at": at, "entry": kind, "what": data.get("about") or data["code"]})
    return found


def _outcomes(tx: Tx, check_id: str) -> dict[str, int]:
    items = [item.outcome or "open" for item in oversight.items_of(tx, check_id)]
    return {outcome: items.count(outcome) for outcome in sorted(set(items))}


def _bodies(tx: Tx, kinds: tuple[str, ...]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for _, kind, at, body in ledger.dated_bodies(tx, kinds):
        if body is not None:
            yield kind, at, json.loads(body)["data"]


def _json(values: Any) -> bytes:
    return json.dumps(values, ensure_ascii=False, indent=1, sort_keys=isinstance(values, dict)).encode() + b"\n"


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    try:
        (folder / "cases").mkdir(parents=True, exist_ok=False)
        for name, data in files.items():
            (folder / name).write_bytes(data)
    except OSError as error:
        raise StorageError(
            "NOD-298", f"the pack cannot be written ({error.strerror})", place=str(folder), remedy="choose a new folder"
        ) from None


__all__ = ["pack"]
