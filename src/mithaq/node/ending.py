"""The end of matters: a supply that nobody approved is given up, and an old matter loses its texts and its rows.

    prepared ──assess_days──► given up: its data and texts are erased (REQ-083)
    nothing due, unchanged for log_months ─► texts and their keys · acts · recipients · the matter itself (REQ-084)

A matter stays while data that it is about are kept here, while a consent in it stands, and under a hold.
"""

from __future__ import annotations

from datetime import timedelta

from mithaq.node import journal
from mithaq.node.gateway import Node
from mithaq.node.store import Tx, matters, retention
from mithaq.node.store.matters import Matter
from mithaq.pact.deletion import months_later
from mithaq.units import timestamp

_ALL = 1_000_000


def give_up(node: Node) -> int:
    """Give up the supplies that were prepared and that no second officer let go in time; returns how many."""
    with node.database.read() as tx:
        waiting = [one for one in matters.list_matters(tx, kinds=["supply"], limit=_ALL) if one.state == "prepared"]
    count = 0
    for matter in waiting:
        days = node.agreements.by_id(matter.agreement).duties.assess_days
        if matter.created_at > timestamp(node.clock() - timedelta(days=days)):
            continue
        with node.database.write() as tx:
            current = matters.find_matter(tx, matter.id)
            if current is None or current.state != "prepared":
                continue
            log = {
                "matter": matter.id,
                "about": matter.kind,
                "event": "given-up",
                "by": "node",
                "subject": matter.subject,
            }
            journal.write(tx, node, "matter-changed", **log, reason="retention-over")
            matters.change_matter(tx, matter.id, state="given-up", changed_at=timestamp(node.clock()))
            forget_texts(tx, node, matter.id, ["supply"])
            count += 1
    return count


def end(node: Node) -> int:
    """Erase the matters that ended `log_months` ago; returns how many."""
    now = timestamp(node.clock())
    with node.identities.read() as identities:
        kept = {subject for subject, _ in retention.received_since(identities)}
    with node.database.write() as tx:
        kept |= retention.held_subjects(tx, now)
        if "log" in kept:
            return 0
        everything = matters.list_matters(tx, limit=_ALL)
        ended = {one.id: one for one in everything if _has_ended(node, one, now) and not {one.id, one.subject} & kept}
        about = {one.subject for one in everything if one.id not in ended}
        gone = [one for one in ended if one not in about]  # a supply stays while another matter is about it
        for matter_id in gone:
            with node.identities.read() as identities:
                steps = matters.text_steps(identities, matter_id)
            forget_texts(tx, node, matter_id, steps)
            matters.delete_matter(tx, matter_id)
    return len(gone)


def forget_texts(tx: Tx, node: Node, matter_id: str, steps: list[str]) -> None:
    """Decide that what was written in these steps of a matter is erased, with its keys (`erasing.finish`)."""
    retention.plan_erasures(tx, [f"matter:{matter_id}:{step}" for step in steps], timestamp(node.clock()))


def _has_ended(node: Node, matter: Matter, now: str) -> bool:
    agreement = node.agreements.find(matter.agreement)
    months = agreement.retention.log_months if agreement else 24
    stands = matter.state == "granted" and str(matter.facts.get("until", "")) > now
    return matter.due_at is None and not stands and matter.changed_at < timestamp(months_later(node.clock(), -months))
