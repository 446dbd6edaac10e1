"""The sweep: what has outlived its time is erased, and the ledger, a report and a certificate say so (REQ-080 to 086).

    hits' reference prints · erasures whose hold ended · data at their review date · matters · logs ─► decided ─► done

Data that a partner released or supplied are erased at their review date: who needs them longer places a hold before it
(`node.holds`). A certificate goes to that partner where the agreement asks for one. The log of a conversation ends with its
last entry and its data: while these are kept, so is the log of where they came from.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from mithaq.node import certificates, clocks, ending, erasing, exposure, journal, notices
from mithaq.node.gateway import Node
from mithaq.node.states import erase_prints
from mithaq.node.store import Tx, conversations, matters, retention
from mithaq.node.store.conversations import Conversation
from mithaq.node.store.matters import Mark, Matter
from mithaq.node.store.retention import HeldErasure
from mithaq.pact.agreement import Agreement
from mithaq.pact.deletion import DeletionCertificate, months_later
from mithaq.pact.lifecycle import Side, State
from mithaq.units import timestamp

# A requester in one of these waits for the holder: for an answer, or for data that are asked for (REQ-082).
WAITING = {
    State.NEW, State.PREPARED, State.SENT, State.DELAYED, State.REQUESTED, State.REQUEST_RECEIPTED, State.PAUSED,
    State.APPROVED, State.RELEASED,
}  # fmt: skip
RELEASED = "released"  # the role under which a demanded deletion that a hold suspends is remembered
STRAY_AFTER_S = 86_400.0  # a key is made before its record, which an enrolment may take a while to keep
LEGAL_DEFAULT_MONTHS = 24  # REQ-084, where no agreement says otherwise


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep did: hits whose prints went, suspended erasures done, releases and supplies erased, certificates sent,
    log entries and rows erased, keys without a record destroyed, what holds kept back, supplies given up because nobody
    approved them, and matters whose texts and rows ended."""

    hits: int = 0
    after_hold: int = 0
    releases: int = 0
    certificates: int = 0
    entries: int = 0
    rows: int = 0
    keys: int = 0
    held: int = 0
    given_up: int = 0
    matters: int = 0

    def as_dict(self) -> dict[str, int]:
        """The report as JSON values."""
        return asdict(self)


def sweep(node: Node) -> Swept:
    """Erase what has outlived its time. Repeating it is safe; a crash in between leaves the rest to the next one."""
    erasing.finish(node)  # what an earlier sweep decided
    hits = late_candidates(node)
    after_hold, held = _after_holds(node)
    releases, sent, held_releases = _released(node)
    given_up = ending.give_up(node)
    ended = ending.end(node)
    entries, rows, held_logs = _logs(node)
    keys = erasing.destroy_stray_keys(node, older_than_s=STRAY_AFTER_S)
    erasing.settle(node)
    if sent:
        node.wake.set()
    return Swept(
        hits, after_hold, releases, sent, entries, rows, keys, held + held_releases + held_logs, given_up, ended
    )


def late_candidates(node: Node) -> int:
    """Erase hits' reference prints at the requester when the agreement's days for them are over (REQ-082)."""
    with node.database.read() as tx:
        found = retention.with_prints(tx, str(Side.REQUESTER), [str(one) for one in State if one not in WAITING])
        waiting = {held.conversation for held in retention.held_erasures(tx)}
    count = 0
    for conversation, of, created_at in found:
        agreement = node.agreements.find(of)
        if agreement is None or conversation in waiting:
            continue
        limit = timedelta(days=agreement.retention.hit_reference_at_requester_days)
        if created_at <= timestamp(node.clock() - limit):
            with node.database.write() as tx:
                count += erase_prints(tx, node, conversation, ["candidate", "query"], reason="retention-over") > 0
    return count


def _after_holds(node: Node) -> tuple[int, int]:
    """Do the erasures whose hold has ended; (done, still held)."""
    done = kept = 0
    with node.database.write() as tx:
        holds = retention.held_subjects(tx, timestamp(node.clock()))
        for one in retention.held_erasures(tx):
            if one.conversation in holds:
                kept += 1
                continue
            retention.release_erasure(tx, one)
            if one.role == exposure.RECORD:
                exposure.forget(tx, node, one.conversation, reason=one.reason, by=one.but)
            elif one.role == RELEASED:
                _delete_released(tx, node, one)
            else:
                erase_prints(tx, node, one.conversation, [one.role], reason=one.reason, but=one.but)
            done += 1
    return done, kept


def _delete_released(tx: Tx, node: Node, one: HeldErasure) -> None:
    """Delete data that a hold kept blocked when their deletion was demanded; `but` is the matter of that demand."""
    conversation = conversations.find_conversation(tx, one.conversation, lock=True)
    agreement = node.agreements.find(conversation.agreement) if conversation else None
    if conversation and agreement and retention.release_digest(tx, one.conversation, "in"):
        forget_release(tx, node, agreement, conversation, "corrected")
    retention.plan_erasures(tx, [f"released:{one.conversation}"], timestamp(node.clock()))
    mark = Mark(one.conversation, "deleted", one.reason, "", one.but, timestamp(node.clock()))
    matters.set_mark(tx, mark)
    facts = {"event": "deleted", "reason": one.reason, "matter": one.but, "by": "node"}
    journal.write(tx, node, "data-marked", subject=one.conversation, **facts)


def _released(node: Node) -> tuple[int, int, int]:
    """Erase released data at their review date; (erased, certificates sent, held)."""
    with node.identities.read() as identities:
        kept = retention.received_since(identities)
    now = node.clock()
    erased = sent = held = 0
    for conversation_id, at in kept:
        with node.database.write() as tx:
            of_query = conversations.find_conversation(tx, conversation_id, lock=True)
            source = of_query or matters.find_matter(tx, conversation_id)
            agreement = node.agreements.find(source.agreement) if source else None
            if source is None or agreement is None or review_date(agreement, at, codes_of(source)) > now:
                continue
            if {conversation_id, reference_of(source)} & retention.held_subjects(tx, timestamp(now)):
                held += 1
                continue
            if forget_release(tx, node, agreement, source, "retention-over"):
                sent += 1
            if isinstance(source, Matter):
                matters.change_matter(tx, source.id, state="erased", due_at=None, changed_at=timestamp(now))
        erased += 1
    return erased, sent, held


def review_date(agreement: Agreement, received_at: str, codes: Iterable[str]) -> datetime:
    """When data that came then under these handling codes are erased, unless a hold keeps them (REQ-083)."""
    return months_later(datetime.fromisoformat(received_at), agreement.retention.review_months(codes))


def codes_of(source: Conversation | Matter) -> list[str]:
    """The handling codes that the data of a conversation, or of a supply, came under."""
    if isinstance(source, Conversation):
        return [str(code) for code in (source.release or {}).get("conditions", [])]
    return [str(source.facts.get("handling", ""))]


def reference_of(source: Conversation | Matter) -> str | None:
    """The reference number that a release names; a supply is named by its own id."""
    return source.reference if isinstance(source, Conversation) else source.id


def forget_release(tx: Tx, node: Node, agreement: Agreement, source: Conversation | Matter, reason: str) -> bool:
    """Decide, log and certify the erasure of released or supplied data; True where a certificate goes out.

    For a correction or a declined condition, too: the caller finishes it with `erasing.finish` after the commit.
    """
    retention.plan_erasures(tx, [f"released:{source.id}"], timestamp(node.clock()))
    if isinstance(source, Conversation):
        clocks.stop(tx, node, source, clocks.CONDITIONS)  # nobody accepts conditions on data that are gone
    if isinstance(source, Matter) and not source.facts.get("release"):  # came before supplies were kept on record so
        journal.write(tx, node, "deleted", conversation=source.id, what="supplied", reason=reason, by="node")
        return False
    certificate = certificates.make(tx, node, source, reason)
    document = certificates.digest(certificate.signed)
    what = "released" if isinstance(source, Conversation) else "supplied"
    facts = {"conversation": source.id, "what": what, "reason": reason, "by": "node"}
    journal.write(tx, node, "deleted", **facts, reference=reference_of(source), document=document)
    if not agreement.retention.certificates:
        return False
    terms = DeletionCertificate(certificate.signed)
    partner, reference = source.partner, reference_of(source)
    notices.send(
        tx,
        node,
        agreement,
        partner,
        "deletion-certificate",
        terms,
        reference=reference,
        document=document,
        reason=reason,
    )
    return True


# ---------------------------------------------------------------- logs (REQ-084)


def _logs(node: Node) -> tuple[int, int, int]:
    """Erase entries and workflow rows past the agreement's months; (entries, rows, entries that holds kept)."""
    now = node.clock()
    agreements = {one.id: one for one in node.agreements.all()}
    limits = {key: timestamp(months_later(now, -one.retention.log_months)) for key, one in agreements.items()}
    otherwise = min(limits.values(), default=timestamp(months_later(now, -LEGAL_DEFAULT_MONTHS)))
    newest = max(limits.values(), default=otherwise)
    with node.identities.read() as identities:
        kept_data = {conversation for conversation, _ in retention.received_since(identities)}
    with node.database.write() as tx:
        holds = retention.held_subjects(tx, timestamp(now))
        if "log" in holds:
            return 0, 0, len(retention.old_entries(tx, otherwise))
        ended = [
            conversation
            for conversation, agreement, changed_at in retention.finished_conversations(tx, newest)
            if conversation not in holds | kept_data and changed_at < limits.get(agreement, otherwise)
        ]
        rows = 0
        for conversation in ended:
            erase_prints(tx, node, conversation, ["query", "candidate"], reason="retention-over")
            rows += retention.delete_conversation(tx, conversation)
        rows += retention.delete_old_messages(tx, otherwise, but=kept_data | holds)
        there = retention.kept_ids(tx)  # entries of what is still kept are kept with it
        erase, held = [], 0
        for index, body in retention.old_entries(tx, newest):
            entry: dict[str, Any] = json.loads(body)
            data = entry["data"]
            if entry["at"] >= limits.get(data.get("agreement", ""), otherwise):
                continue
            named = {data.get(name) for name in ("conversation", "reference", "subject", "matter")}
            if {*named, *data.get("references", ())} & holds:
                held += 1
            elif not {data.get("conversation"), data.get("message")} & there:
                erase.append(index)
        ranges = list(_ranges(erase))
        erased = sum(retention.erase_entries(tx, first, last) for first, last in ranges)
        if ranges:
            journal.write(tx, node, "erased", entries=[list(pair) for pair in ranges], reason="log-period", by="node")
    return erased, rows, held


def _ranges(indexes: Iterable[int]) -> Iterable[tuple[int, int]]:
    """Rising indexes as (first, last) of each unbroken run."""
    first = last = -2
    for index in indexes:
        if index != last + 1:
            if last >= 0:
                yield first, last
            first = index
        last = index
    if last >= 0:
        yield first, last
