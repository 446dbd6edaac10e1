"""Section 10: data that are wrong. Whoever finds it tells the other side, and whoever holds the data stops relying on it.

supplier  demand ──correction-demand──► take_demand (flagged at once) ─► meet | refuse        : receiver
          take_done ◄──correction-done── once everybody who got the data was told (`held.told`)
          withdraw ──withdrawal──► take_withdrawal: deleted at once, everybody recalled
either    report_wrong ──wrong-data──► take_wrong: flagged (receiver), to be looked into (supplier)
either    find_false ──false-hit──► take_false: the conversation ends on both sides, what was released is deleted
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, cast

from mithaq.errors import FormatError, SettingsError
from mithaq.node import officers
from mithaq.node.exchanges import held
from mithaq.node.exchanges.matters import (
    Subject,
    begin,
    begin_theirs,
    change,
    note,
    of_notice,
    open_matter,
    say,
    sign,
    subject_of,
    texts,
)
from mithaq.node.gateway import Node
from mithaq.node.states import erase_prints
from mithaq.node.store import Tx, conversations
from mithaq.node.store import matters as store
from mithaq.node.store.matters import Matter
from mithaq.pact.agreement import Agreement
from mithaq.pact.exchanges import (
    Action,
    CorrectionDemand,
    CorrectionDone,
    CorrectionRefused,
    Done,
    FalseHit,
    Fault,
    Measure,
    RefusalGround,
    Withdrawal,
    WrongData,
)
from mithaq.pact.gate import Refused, refused
from mithaq.pact.lifecycle import Side, State, overturn
from mithaq.pact.message import Opened
from mithaq.units import timestamp

DONE: Mapping[str, Done] = {"correct": "corrected", "block": "blocked", "delete": "deleted"}


# ---------------------------------------------------------------- the supplier's demand (REQ-090)


def demand(
    node: Node,
    subject_id: str,
    *,
    action: Action,
    fault: Fault,
    explanation: str,
    officer: str,
    passphrase: str,
    data: Mapping[str, Any] | None = None,
) -> Matter | Refused:
    """Demand that the receiver correct, block or delete what we supplied; it answers within the agreed hours."""
    credential = officers.unlock(node, officer, passphrase, role="officer")
    if (action == "correct") is not bool(data):
        raise SettingsError(
            "NOD-248", "the right values do not fit the demand", key="data", expected="for correct only"
        )
    with node.database.write() as tx:
        subject = subject_of(tx, subject_id)
        agreement = node.agreements.by_id(subject.agreement)
        if subject.held:
            return refused("not-the-supplier", agreement)
        due = node.clock() + timedelta(hours=agreement.duties.correction_hours)
        matter = begin(
            tx, node, "correction", agreement, subject.partner, state="sent", subject=subject.id, due=due,
            action=action, fault=fault,
        )  # fmt: skip
        act = sign(tx, node, credential, matter.id, "correction-demand", subject=subject.id, action=action, fault=fault)
        terms = CorrectionDemand(subject.id, action, fault, explanation, cast(Any, dict(data or {})))
        say(
            tx, node, matter, agreement, "correction-demand", terms, reason=fault, by=officer, act=act.digest,
            case=subject.case, fields=sorted(terms.data),
        )  # fmt: skip
    node.wake.set()
    return matter


def take_demand(tx: Tx, node: Node, agreement: Agreement, opened: Opened, terms: CorrectionDemand) -> dict[str, Any]:
    """A supplier's demand: the data are flagged at once and wait for an officer. What is not here is answered so."""
    subject = _known(tx, terms.subject, opened.manifest.sender)
    here = subject is not None and subject.held and held.standing(tx, subject.id).state != "deleted"
    due = node.clock() + timedelta(hours=agreement.duties.correction_hours)
    matter = begin_theirs(
        tx, node, "correction", agreement, opened, terms, "correction-demand", state="received", subject=terms.subject,
        due=due, action=terms.action, fault=terms.fault,
    )  # fmt: skip
    if not here or subject is None or not node.released(subject.id):
        change(tx, node, matter, "refused", reason="not-held")
        refusal = CorrectionRefused("not-held", "")
        say(tx, node, matter, agreement, "correction-refused", refusal, reason="not-held", by="node")
    else:
        held.mark(tx, node, subject, "flag", reason=terms.fault, by="node", matter=matter.id)
    return {"subject": terms.subject, "reason": terms.fault, "fields": sorted(terms.data)}


def meet(node: Node, matter_id: str, *, officer: str, passphrase: str, block_for: str = "") -> Matter:
    """Do what the supplier demands; `block_for` blocks instead of deleting, for the one use that forbids it (REQ-093).

    The answer "done" goes out once everybody whom the data had reached was told: at once where that is nobody.
    """
    credential = officers.unlock(node, officer, passphrase, role="officer")
    with node.database.write() as tx:
        matter, _ = open_matter(tx, node, matter_id, "correction", ours=False)
        _in_state(matter, "received")
        subject = subject_of(tx, matter.subject, partner=matter.partner)
        action = str(matter.facts["action"])
        if block_for and action != "delete":
            raise SettingsError("NOD-249", "only a deletion can be a blocking instead", key="block_for")
        step = "block" if block_for else action
        act = sign(tx, node, credential, matter.id, "correction-met", subject=subject.id, action=step, use=block_for)
        data = texts(node, matter.id)["correction-demand"]["data"] if step == "correct" else None
        after = held.mark(
            tx, node, subject, step, reason=str(matter.facts["fault"]), by=officer, matter=matter.id, act=act.digest,
            use=block_for, data=data,
        )  # fmt: skip
        result = "blocked" if step == "delete" and after.state == "blocked" else DONE[step]
        _end(tx, node, matter, subject, result, officer, act.digest)
    node.wake.set()
    return _now(node, matter_id)


def refuse(
    node: Node, matter_id: str, *, reason: RefusalGround, explanation: str, officer: str, passphrase: str
) -> Matter:
    """Refuse a demand with a coded reason; data that were found right lose their flag, others keep it."""
    credential = officers.unlock(node, officer, passphrase, role="officer")
    with node.database.write() as tx:
        matter, agreement = open_matter(tx, node, matter_id, "correction", ours=False)
        _in_state(matter, "received")
        act = sign(tx, node, credential, matter.id, "correction-refused", reason=reason)
        subject = subject_of(tx, matter.subject, partner=matter.partner)
        if reason == "data-accurate" and held.standing(tx, subject.id).state == "flagged":
            held.mark(tx, node, subject, "clear", reason=reason, by=officer, matter=matter.id, act=act.digest)
        matter = change(tx, node, matter, "refused", reason=reason)
        terms = CorrectionRefused(reason, explanation)
        say(
            tx, node, matter, agreement, "correction-refused", terms, reason=reason, by=officer, act=act.digest
        )  # fmt: skip
    node.wake.set()
    return matter


def take_done(tx: Tx, node: Node, agreement: Agreement, opened: Opened, terms: CorrectionDone) -> dict[str, Any]:
    """The receiver did what we demanded, or blocked instead of deleting."""
    matter = of_notice(tx, opened, "correction", ["sent"])
    change(tx, node, matter, "done", result=terms.action, informed=terms.informed)
    return {"subject": matter.subject, "outcome": terms.action}


def take_refused(tx: Tx, node: Node, agreement: Agreement, opened: Opened, terms: CorrectionRefused) -> dict[str, Any]:
    """The receiver does not do what we demanded."""
    matter = of_notice(tx, opened, "correction", ["sent"])
    change(tx, node, matter, "refused", reason=terms.reason)
    return {"subject": matter.subject, "reason": terms.reason}


# ---------------------------------------------------------------- wrong data, withdrawal (REQ-091, REQ-092)


def report_wrong(
    node: Node, subject_id: str, *, fault: Fault, explanation: str, officer: str, passphrase: str, task: str = ""
) -> Matter:
    """Tell the partner that data which passed between us are wrong or doubtful; what we hold of them is flagged.

    `task` is the matter of an error in our own file that this notice settles (`incidents.ground_truth`).
    """
    credential = officers.unlock(node, officer, passphrase, role="officer")
    with node.database.write() as tx:
        matter, subject, agreement = _to_tell(tx, node, subject_id, "wrong-data", task, fault)
        act = sign(tx, node, credential, matter.id, "wrong-data", subject=subject.id, fault=fault)
        measure: Measure = "none"
        if subject.held and held.standing(tx, subject.id).state in ("active", "flagged") and node.released(subject.id):
            held.mark(tx, node, subject, "flag", reason=fault, by=officer, matter=matter.id, act=act.digest)
            measure = "flagged"
        terms = WrongData(subject.id, fault, measure, explanation)
        say(
            tx, node, matter, agreement, "wrong-data", terms, reason=fault, by=officer, act=act.digest,
            case=subject.case, outcome=measure,
        )  # fmt: skip
        _end(tx, node, matter, subject, measure, officer, act.digest)
    node.wake.set()
    return _now(node, matter.id)


def take_wrong(tx: Tx, node: Node, agreement: Agreement, opened: Opened, terms: WrongData) -> dict[str, Any]:
    """Flag what we hold and recall it; what we supplied ourselves waits for an officer to look into it."""
    subject = subject_of(tx, terms.subject, partner=opened.manifest.sender)
    matter = begin_theirs(
        tx, node, "wrong-data", agreement, opened, terms, "wrong-data", state="received", subject=subject.id,
        fault=terms.fault,
    )  # fmt: skip
    if subject.held:
        has = held.standing(tx, subject.id).state != "deleted" and node.released(subject.id)
        if has:
            held.mark(tx, node, subject, "flag", reason=terms.fault, by="node", matter=matter.id)
        _end(tx, node, matter, subject, "flagged" if has else "none", "node", "")
    return {"subject": subject.id, "reason": terms.fault, "outcome": terms.measure}


def close(node: Node, matter_id: str, *, officer: str, passphrase: str) -> Matter:
    """An officer looked into a partner's notice about data that we supplied, and ends the matter."""
    credential = officers.unlock(node, officer, passphrase, role="officer")
    with node.database.write() as tx:
        matter, _ = open_matter(tx, node, matter_id, "wrong-data", ours=False)
        _in_state(matter, "received")
        act = sign(tx, node, credential, matter.id, "looked-into", subject=matter.subject)
        note(tx, node, matter, "looked-into", officer, act=act.digest)
        return change(tx, node, matter, "closed")


def withdraw(
    node: Node, subject_id: str, *, fault: Fault, explanation: str, officer: str, passphrase: str
) -> Matter | Refused:
    """Take back what we supplied: the receiver deletes it as the notice arrives, and recalls it everywhere."""
    credential = officers.unlock(node, officer, passphrase, role="officer")
    with node.database.write() as tx:
        subject = subject_of(tx, subject_id)
        agreement = node.agreements.by_id(subject.agreement)
        if subject.held:
            return refused("not-the-supplier", agreement)
        matter = begin(
            tx, node, "withdrawal", agreement, subject.partner, state="closed", subject=subject.id, fault=fault
        )
        act = sign(tx, node, credential, matter.id, "withdrawal", subject=subject.id, fault=fault)
        terms = Withdrawal(subject.id, fault, explanation)
        log = {"reason": fault, "by": officer, "act": act.digest, "case": subject.case}
        say(tx, node, matter, agreement, "withdrawal", terms, **log)
    node.wake.set()
    return matter


def take_withdrawal(tx: Tx, node: Node, agreement: Agreement, opened: Opened, terms: Withdrawal) -> dict[str, Any]:
    """Delete what the supplier takes back, and recall it."""
    subject = subject_of(tx, terms.subject, partner=opened.manifest.sender)
    if not subject.held:
        raise FormatError("NOD-250", "only the supplier withdraws what it supplied", field="subject")
    matter = begin_theirs(
        tx, node, "withdrawal", agreement, opened, terms, "withdrawal", state="received", subject=subject.id,
        fault=terms.fault,
    )  # fmt: skip
    _delete(tx, node, subject, terms.fault, "node", matter)
    _end(tx, node, matter, subject, "deleted", "node", "")
    return {"subject": subject.id, "reason": terms.fault}


# ---------------------------------------------------------------- a false hit (REQ-095)


def find_false(
    node: Node, conversation_id: str, *, explanation: str, officer: str, passphrase: str, task: str = ""
) -> Matter | Refused:
    """An examiner of either side finds that a confirmed match was none: everything that rests on it ends, here and there."""
    credential = officers.unlock(node, officer, passphrase, role="examiner")
    with node.database.write() as tx:
        subject = subject_of(tx, conversation_id)
        refusal = _rests_on_no_hit(node, subject)
        if refusal:
            return refusal
        matter, subject, agreement = _to_tell(tx, node, conversation_id, "false-hit", task, "wrong-person")
        _overturn(tx, node, subject, by=officer, matter=matter)
        act = sign(tx, node, credential, matter.id, "false-hit", subject=subject.id)
        terms = FalseHit(subject.id, explanation)
        reference = subject.conversation.reference if subject.conversation else None
        say(
            tx, node, matter, agreement, "false-hit", terms, by=officer, act=act.digest, case=subject.case,
            reference=reference,
        )  # fmt: skip
        _end(tx, node, matter, subject, "deleted", officer, act.digest)
    node.wake.set()
    return _now(node, matter.id)


def take_false(tx: Tx, node: Node, agreement: Agreement, opened: Opened, terms: FalseHit) -> dict[str, Any]:
    """The partner found that a match was none: what rests on it ends here too, where anything still does."""
    subject = subject_of(tx, terms.subject, partner=opened.manifest.sender)
    matter = begin_theirs(
        tx, node, "false-hit", agreement, opened, terms, "false-hit", state="received", subject=subject.id
    )
    if _rests_on_no_hit(node, subject, told=True) is None:
        _overturn(tx, node, subject, by="node", matter=matter)
    _end(tx, node, matter, subject, "deleted", "node", "")
    return {
        "subject": subject.id,
        "reference": subject.conversation.reference if subject.conversation else None,
        "case": subject.case,
    }


def _rests_on_no_hit(node: Node, subject: Subject, *, told: bool = False) -> Refused | None:
    agreement, conversation = node.agreements.by_id(subject.agreement), subject.conversation
    if conversation is None or not conversation.reference:
        return refused("no-hit-to-follow", agreement)
    after = overturn(Side(conversation.side), State(conversation.state), agreement, told=told)
    return after if isinstance(after, Refused) else None


def _overturn(tx: Tx, node: Node, subject: Subject, *, by: str, matter: Matter) -> None:
    """End the conversation and erase what rests on it: prints on both sides, and the released data."""
    now = timestamp(node.clock())
    conversations.change_conversation(tx, subject.id, state=str(State.FALSE_HIT), due_at=None, changed_at=now)
    erase_prints(tx, node, subject.id, ["candidate", "query"], reason="false-hit")
    if subject.held:
        _delete(tx, node, subject, "wrong-person", by, matter)


# ---------------------------------------------------------------- shared


def settle(tx: Tx, node: Node, matter: Matter) -> None:
    """End a matter in which everybody was told; a demand is answered "done" with it."""
    facts = matter.facts
    if matter.kind != "correction":
        change(tx, node, matter, "closed")
        return
    agreement = node.agreements.by_id(matter.agreement)
    change(tx, node, matter, "done")
    terms = CorrectionDone(cast(Done, facts["result"]), int(facts["informed"]))
    log = {"outcome": terms.action, "by": facts["by"], "act": facts["act"]}
    say(tx, node, matter, agreement, "correction-done", terms, **log)


def _end(tx: Tx, node: Node, matter: Matter, subject: Subject, result: str, by: str, act: str) -> None:
    """The matter's own step is done; it ends now, or once everybody who got the data was told."""
    count = held.recall(tx, matter, subject, result) if subject.held and result != "none" else 0
    due = node.clock() + timedelta(hours=node.agreements.by_id(matter.agreement).duties.correction_hours)
    facts = {"result": result, "informed": count, "by": by, "act": act}
    matter = change(tx, node, matter, "informing" if count else matter.state, due=due if count else None, **facts)
    if not count:
        settle(tx, node, matter)


def _delete(tx: Tx, node: Node, subject: Subject, fault: str, by: str, matter: Matter) -> None:
    if held.standing(tx, subject.id).state != "deleted":
        held.mark(tx, node, subject, "delete", reason=fault, by=by, matter=matter.id)


def _to_tell(
    tx: Tx, node: Node, subject_id: str, kind: str, task: str, fault: str
) -> tuple[Matter, Subject, Agreement]:
    """The matter of a notice that begins here: a new one, or the task that an error in our own file opened."""
    subject = subject_of(tx, subject_id)
    agreement = node.agreements.by_id(subject.agreement)
    if not task:
        matter = begin(
            tx, node, kind, agreement, subject.partner, state="open", subject=subject.id, fault=fault
        )  # fmt: skip
        return matter, subject, agreement
    matter = store.find_matter(tx, task) or begin(tx, node, kind, agreement, subject.partner, state="open")
    if (matter.subject, matter.state, matter.ours) != (subject.id, "task", True):
        raise FormatError("NOD-252", "this is no task about that subject", place=task[:12])
    store.change_matter(tx, matter.id, kind=kind)
    return store.find_matter(tx, task) or matter, subject, agreement


def _known(tx: Tx, subject_id: str, partner: str) -> Subject | None:
    try:
        return subject_of(tx, subject_id, partner=partner)
    except FormatError:
        return None


def _in_state(matter: Matter, *states: str) -> None:
    if matter.state not in states:
        raise FormatError(
            "NOD-253", f"the matter is {matter.state}", place=matter.id[:12], expected=" or ".join(states)
        )


def _now(node: Node, matter_id: str) -> Matter:
    with node.database.read() as tx:
        matter = store.find_matter(tx, matter_id)
    if matter is None:
        raise FormatError("NOD-243", "there is no such matter here", place=matter_id[:12])
    return matter


FOLLOWS: Mapping[str, Callable[..., dict[str, Any]]] = {
    "correction-demand": take_demand,
    "correction-done": take_done,
    "correction-refused": take_refused,
    "wrong-data": take_wrong,
    "withdrawal": take_withdrawal,
    "false-hit": take_false,
}
