"""Data that a partner supplied: how they stand, each use of them, each body that got them, and the recall of all that.

    use ──gate_use──► the data, with what is wrong about them     (ledger: data-used, or use-refused)
    disclose ──gate_use──► one file for one recipient, and a row of the dissemination list (data-disclosed)
    mark ──► active · flagged · blocked · deleted ──► recall: every recipient is told, and the matter waits for all

No page shows these data without a use; `received.export` and `received.show_special` ask the same gate (`uses`, REQ-100).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mithaq.errors import FormatError, SettingsError
from mithaq.node import journal, officers, received
from mithaq.node.exchanges.matters import Subject, find, note, sign, subject_of, texts
from mithaq.node.exchanges.uses import CONSENT_TYPE, gate, read_consent, standing
from mithaq.node.gateway import Node
from mithaq.node.retention import RELEASED, forget_release
from mithaq.node.states import erase_prints
from mithaq.node.store import Tx, retention
from mithaq.node.store import matters as store
from mithaq.node.store.matters import Dissemination, Mark, Matter, Recall
from mithaq.node.store.retention import HeldErasure
from mithaq.pact.exchanges import MARKS
from mithaq.pact.gate import Refused, refused
from mithaq.pact.gate import gate_use as gate_handling
from mithaq.units import timestamp


@dataclass(frozen=True, slots=True)
class Held:
    """Supplied data as an officer sees them: never without their mark, their conditions and where they came from."""

    subject: str
    supplier: str
    case: str
    state: str
    fault: str
    handling: str
    conditions: tuple[Mapping[str, Any], ...]  # {code, ground, en, ar}
    data: Mapping[str, Any]


def mark(
    tx: Tx,
    node: Node,
    subject: Subject,
    event: str,
    *,
    reason: str,
    by: str,
    matter: str = "",
    use: str = "",
    act: str = "",
    data: Mapping[str, Any] | None = None,
) -> Mark:
    """Move supplied data along `MARKS`: correct them with `data`, block them but for `use`, delete them, and so on.

    Deleting erases the released data and the prints of the subject; under a legal hold (REQ-085) it blocks them for every
    use instead, says so in the ledger, and the first sweep after the hold's end deletes them. FormatError NOD-244 for a step
    that is not there.
    """
    now = timestamp(node.clock())
    if event == "delete" and subject.id in retention.held_subjects(tx, now):
        agreement = node.agreements.by_id(subject.agreement)
        why = {"reason": "under-hold", "clause": refused("under-hold", agreement).clause_ref, "by": by}
        journal.write(tx, node, "step-refused", event="delete", conversation=subject.id, **why)
        retention.hold_erasure(tx, HeldErasure(subject.id, RELEASED, matter, reason))
        if subject.conversation is not None:
            erase_prints(tx, node, subject.id, ["candidate", "query"], reason=reason)  # held, too
        event, use = "block", ""
    before = standing(tx, subject.id)
    after = MARKS.get((before.state, event))
    if after is None:
        raise FormatError("NOD-244", f"{event} does not follow {before.state}", place=subject.id[:12])
    if event == "correct":
        came = node.released(subject.id)
        merged = {**came, "fields": {**came["fields"], **(data or {})}}
        sealed = node.identity_vault.seal(json.dumps(merged, ensure_ascii=False).encode(), f"released:{subject.id}")
        with node.identities.write() as identities:
            store.replace_received(identities, subject.id, sealed)
    elif event == "delete":
        had = bool(node.released(subject.id))
        with node.identities.write() as identities:
            store.erase_received(identities, subject.id)
        source = subject.conversation or store.find_matter(tx, subject.id)
        on_record = source is not None and (
            isinstance(source, Matter) or retention.release_digest(tx, subject.id, "in")
        )
        if source is not None and had and on_record:
            ended = "declined" if reason in ("not-needed", "conditions-declined") else "corrected"
            forget_release(tx, node, node.agreements.by_id(subject.agreement), source, ended)
        retention.plan_erasures(tx, [f"released:{subject.id}"], now)
        if subject.conversation is not None:
            erase_prints(tx, node, subject.id, ["candidate", "query"], reason=reason)
    kept = event == "flag" and before.state == "blocked"  # what is doubted stays blocked for its old reason
    set_ = before if kept else Mark(subject.id, after, reason, use or before.use, matter, timestamp(node.clock()))
    store.set_mark(tx, set_)
    names = sorted(data) if data else None
    facts = {"subject": subject.id, "event": after if event != "correct" else "corrected", "by": by}
    journal.write(tx, node, "data-marked", **facts, reason=reason, matter=matter, act=act, fields=names)
    return set_


# ---------------------------------------------------------------- use and dissemination


def use(node: Node, subject_id: str, *, officer: str, passphrase: str, use: str, consent: str = "") -> Held | Refused:
    """Open supplied data for one of the four uses, "consented" with the matter of the consent (REQ-100)."""
    officers.unlock(node, officer, passphrase, role="officer")
    with node.database.write() as tx:
        subject = subject_of(tx, subject_id)
        if refusal := gate(tx, node, subject, officer, use=use, consent=consent):
            return refusal
        held = _held(tx, node, subject)
        if not held.data:
            return refused("conditions-open", node.agreements.by_id(subject.agreement))
        facts = {"subject": subject.id, "use": use, "by": officer, "case": subject.case, "fields": sorted(held.data)}
        journal.write(tx, node, "data-used", **facts, matter=consent)
        return held


def disclose(
    node: Node,
    subject_id: str,
    *,
    officer: str,
    passphrase: str,
    use: str,
    recipient: str,
    recipient_kind: str,
    caveat: str = "",
    fields: tuple[str, ...] = (),
    consent: str = "",
) -> bytes | Refused:
    """One JSON file for one recipient: the data, their mark, conditions and caveat, and the signed consent where one is
    needed. Recipients abroad and private ones need it (REQ-101); every recipient stands on the list (REQ-103)."""
    credential = officers.unlock(node, officer, passphrase, role="officer")
    with node.database.write() as tx:
        subject = subject_of(tx, subject_id)
        refusal = gate(
            tx, node, subject, officer, use=use, consent=consent, recipient=recipient, recipient_kind=recipient_kind
        )
        if refusal:
            return refusal
        held = _held(tx, node, subject)
        if refusal := _forbidden(node, subject, consent):
            return refusal
        data = {name: value for name, value in held.data.items() if not fields or name in fields}
        if not data:
            return refused("nothing-to-release", node.agreements.by_id(subject.agreement))
        names = sorted(data)
        terms = {"use": use, "recipient_kind": recipient_kind, "fields": names, "consent": consent}
        act = sign(tx, node, credential, subject.id, "disclosed", **terms)
        row = Dissemination(
            id=node.new_id(),
            subject=subject.id,
            recipient=recipient.strip()[:200],
            recipient_kind=recipient_kind,
            use=use,
            caveat=caveat[:2000],
            fields=names,
            consent=consent,
            officer=officer,
            at=timestamp(node.clock()),
        )
        store.add_dissemination(tx, row)
        log = {"use": use, "recipient_kind": recipient_kind, "fields": names, "by": officer, "act": act.digest}
        journal.write(tx, node, "data-disclosed", subject=subject.id, **log, matter=consent, case=subject.case)
        proof = texts(node, consent)["consent-answer"]["proof"] if consent else None
    file = {
        "supplier": held.supplier, "case": held.case, "state": held.state, "fault": held.fault,
        "handling": held.handling, "conditions": list(held.conditions), "caveat": row.caveat,
        "recipient": row.recipient, "use": use, "at": row.at, "number": row.id, "consent": proof, "data": data,
    }  # fmt: skip
    return json.dumps(file, ensure_ascii=False, indent=1).encode()


def _forbidden(node: Node, subject: Subject, consent: str) -> Refused | None:
    """What the supplier's handling code forbids without its consent: handing on data that came under H2 (REQ-057)."""
    if subject.conversation is None or consent:
        return None
    agreement = node.agreements.by_id(subject.agreement)
    handling = received.received(node, subject.conversation).handling
    decision = gate_handling(handling, agreement, "share")
    return decision if isinstance(decision, Refused) else None


def _held(tx: Tx, node: Node, subject: Subject) -> Held:
    """What is held, data of special nature left out; no data at all while nobody has accepted their conditions."""
    state = standing(tx, subject.id)
    values = subject.id, subject.partner, subject.case, state.state, state.reason
    if subject.conversation is None:
        supply = texts(node, subject.id).get("supply", {})
        return Held(*values, str(supply.get("handling", "")), conditions(node, supply), data_of(node, subject.id))
    came = received.received(node, subject.conversation)
    return Held(*values, "", tuple(received.conditions(node, came.handling)), came.fields)


def conditions(node: Node, supply: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """The conditions of a supply like those of a release (`received.conditions`): code, ground, and what each says."""
    rows: list[dict[str, Any]] = []
    if supply.get("handling_ground"):
        text = node.text(supply["handling"])
        rows.append({"code": supply["handling"], "ground": supply["handling_ground"], "en": text.en, "ar": text.ar})
    for one in supply.get("conditions", ()):
        old = {"ground": "", "text": one} if isinstance(one, str) else one  # kept before conditions had grounds
        rows.append({"code": "H3", "ground": old["ground"], "en": old["text"], "ar": old["text"]})
    return tuple(rows)


def data_of(node: Node, subject_id: str) -> dict[str, Any]:
    """The supplied data themselves, without their conditions; empty where there are none."""
    return dict(node.released(subject_id).get("fields", {}))


def shown(node: Node, subject_id: str) -> tuple[Mark, list[Dissemination]]:
    """How supplied data stand and who got them; without the data themselves."""
    with node.database.read() as tx:
        return standing(tx, subject_id), store.disseminated(tx, subject_id)


# ---------------------------------------------------------------- recall: everybody who got the data is told


def recall(tx: Tx, matter: Matter, subject: Subject, action: str) -> int:
    """Note that everybody on the list must be told; returns how many that are (REQ-094)."""
    everybody = store.disseminated(tx, subject.id)
    for row in everybody:
        store.add_recall(tx, Recall(matter.id, row.id, action, None, None, None))
    return len(everybody)


def told(node: Node, matter_id: str, dissemination: str, *, officer: str, passphrase: str, receipt: str) -> Matter:
    """Record that one recipient was told and how it confirmed that (`receipt`: a letter's number, a date).

    With the last one the matter ends, and a demand is answered "done".
    """
    from mithaq.node.exchanges.correction import settle

    credential = officers.unlock(node, officer, passphrase, role="officer")
    with node.database.write() as tx:
        matter = store.find_matter(tx, matter_id)
        now = timestamp(node.clock())
        if matter is None or not receipt.strip():
            raise FormatError("NOD-245", "how the recipient confirmed it is missing", field="receipt")
        if not store.told(tx, matter_id, dissemination, at=now, by=officer, receipt=receipt.strip()[:200]):
            raise FormatError("NOD-246", "nobody of that number waits to be told in this matter", place=matter_id[:12])
        act = sign(tx, node, credential, matter.id, "told", dissemination=dissemination)
        log = {"subject": matter.subject, "matter": matter.id, "by": officer, "act": act.digest}
        journal.write(tx, node, "recipient-informed", **log)
        if all(row.told_at for row in store.list_recalls(tx, matter.id)):
            settle(tx, node, matter)
    node.wake.set()
    return find(node, matter_id)


def recalls(node: Node, matter_id: str) -> list[tuple[Recall, Dissemination]]:
    """Who must be told in a matter, with what each got."""
    with node.database.read() as tx:
        rows = store.list_recalls(tx, matter_id)
        matter = store.find_matter(tx, matter_id)
        known = {one.id: one for one in store.disseminated(tx, matter.subject)} if matter else {}
    return [(row, known[row.dissemination]) for row in rows]


def decide(node: Node, subject_id: str, event: str, *, officer: str, passphrase: str, reason: str = "") -> Mark:
    """An officer lifts a flag or a block because the data are right ("clear"), or deletes what was blocked (REQ-093)."""
    if event not in ("clear", "delete"):
        raise SettingsError("NOD-256", "this is no decision on marked data", key="decision", expected="clear or delete")
    credential = officers.unlock(node, officer, passphrase, role="officer")
    with node.database.write() as tx:
        subject = subject_of(tx, subject_id)
        act = sign(tx, node, credential, subject.id, f"mark-{event}", reason=reason)
        code = "found-right" if event == "clear" else "no-longer-needed"
        return mark(tx, node, subject, event, reason=code, by=officer, act=act.digest)


__all__ = [
    "CONSENT_TYPE", "Held", "decide", "disclose", "mark", "note", "read_consent", "recall", "recalls", "shown",
    "standing", "told", "use",
]  # fmt: skip
