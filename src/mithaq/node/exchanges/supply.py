"""Section 7: data that nobody asked for, in an individual case, from one spontaneous contact point to the other.

    prepare (officer) ─► approve (another; gate_supply) ──supply──► take_supply (gate_supply): to be assessed
                         take_assessed ◄──supply-assessed── assess: kept, or erased: not needed, wrong, or
                                                          its conditions declined

The prepared data lie in the identities store; once they are sent they are erased here, and
the receiver's to keep until their review date (REQ-083).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

from mithaq.errors import FormatError
from mithaq.node import erasing, officers
from mithaq.node.chain import held_fields
from mithaq.node.ending import forget_texts
from mithaq.node.exchanges import held
from mithaq.node.exchanges.correction import _in_state
from mithaq.node.exchanges.matters import (
    begin,
    begin_theirs,
    change,
    keep_text,
    note,
    of_notice,
    open_matter,
    say,
    sign,
    subject_of,
    texts,
)
from mithaq.node.gateway import Node
from mithaq.node.standing import life_of
from mithaq.node.store import Tx
from mithaq.node.store.matters import Matter
from mithaq.pact.agreement import Agreement
from mithaq.pact.caveats import Handling
from mithaq.pact.exchanges import (
    Assessed,
    Supply,
    SupplyAssessed,
    SupplyFacts,
    conditions_of,
    gate_conditions,
    gate_supply,
)
from mithaq.pact.gate import Refused
from mithaq.pact.message import Opened
from mithaq.pact.notices import notice_body
from mithaq.pact.strict import plain, read


def prepare(
    node: Node, partner: str, terms: Supply, *, officer: str, passphrase: str, reference: str = ""
) -> Matter | Refused:
    """The first officer prepares a supply with its ground and facts (REQ-060); nothing leaves yet.

    `reference` adds the agreed core data that this node has under that number; `terms.data` count before them.
    TrustError PAC-208 for terms that no supply may have. The gate is asked here already, so that nothing lies prepared
    that could not go.
    """
    credential = officers.unlock(node, officer, passphrase, role="officer")
    agreement = node.agreements.current(partner, node.clock())
    own = held_fields(node.person(reference), agreement.follow_up.core_data) if reference else {}
    terms = replace(terms, data=cast(Any, {**own, **terms.data}))
    if refusal := gate_conditions(conditions_of(terms), agreement):
        return refusal
    notice_body("supply", terms)
    facts = replace(_facts(node, agreement, partner, terms), prepared_by=officer, approved_by="\u2026")
    matter_id, fields = node.new_id(), sorted(map(str, terms.data))
    with node.database.write() as tx:
        life = life_of(tx, node, agreement)
        decision = gate_supply(facts, agreement, at=node.clock(), side="sender", life=life)
        if isinstance(decision, Refused):
            node.metrics.refused.labels(decision.reason, "sender").inc()
            return decision
        matter = begin(
            tx, node, "supply", agreement, partner, state="prepared", subject=matter_id, matter_id=matter_id,
            ground=terms.ground, case=terms.case, offence=terms.offence, fields=fields, prepared_by=officer, reference=reference,
        )  # fmt: skip
        act = sign(tx, node, credential, matter.id, "supply-prepared", ground=terms.ground, fields=fields)
        note(tx, node, matter, "prepared", officer, act=act.digest, reason=terms.ground, party=partner)
        keep_text(node, matter, "supply", terms)
    return matter


def approve(node: Node, matter_id: str, *, officer: str, passphrase: str) -> Matter | Refused:
    """The second officer, another person, lets the prepared supply go."""
    credential = officers.unlock(node, officer, passphrase, role="officer")
    with node.database.write() as tx:
        matter, agreement = open_matter(tx, node, matter_id, "supply", ours=True)
        _in_state(matter, "prepared")
        terms = read(Supply, texts(node, matter.id)["supply"], what="supply")
        prepared_by = str(matter.facts["prepared_by"])
        facts = _facts(node, agreement, matter.partner, terms)
        facts = replace(facts, prepared_by=prepared_by, approved_by=officer)
        life = life_of(tx, node, agreement)
        decision = gate_supply(facts, agreement, at=node.clock(), side="sender", life=life)
        if isinstance(decision, Refused):
            node.metrics.refused.labels(decision.reason, "sender").inc()
            return decision
        act = sign(tx, node, credential, matter.id, "supply-approved", fields=list(facts.fields))
        due = node.clock() + timedelta(days=agreement.duties.assess_days)
        message = say(
            tx, node, matter, agreement, "supply", terms, reason=terms.ground, fields=list(facts.fields), by=officer,
            act=act.digest, case=terms.case, prepared_by=prepared_by, approved_by=officer,
        )  # fmt: skip
        matter = change(tx, node, matter, "sent", due=due, approved_by=officer, release=message.digest)
        keep_text(node, matter, "supplied", {**plain(terms), "data": {}})
        forget_texts(tx, node, matter.id, ["supply"])
    erasing.finish(node)
    node.wake.set()
    return matter


def cancel(node: Node, matter_id: str, *, officer: str, passphrase: str) -> Matter:
    """An officer gives up a supply that was prepared; what was written is erased."""
    credential = officers.unlock(node, officer, passphrase, role="officer")
    with node.database.write() as tx:
        matter, _ = open_matter(tx, node, matter_id, "supply", ours=True)
        _in_state(matter, "prepared")
        act = sign(tx, node, credential, matter.id, "supply-given-up")
        note(tx, node, matter, "given-up", officer, act=act.digest)
        forget_texts(tx, node, matter.id, ["supply"])
        matter = change(tx, node, matter, "given-up")
    erasing.finish(node)
    return matter


def take_supply(tx: Tx, node: Node, agreement: Agreement, opened: Opened, terms: Supply) -> dict[str, Any]:
    """Gate a supply on arrival, keep its data in the identities store, and open the task to assess it (REQ-063)."""
    manifest = opened.manifest
    facts = SupplyFacts(
        manifest.sender,
        manifest.sender_contact,
        manifest.recipient,
        manifest.recipient_contact,
        terms.ground,
        terms.facts,
        terms.case,
        terms.offence,
        tuple(map(str, terms.data)),
        conditions=conditions_of(terms),
    )
    decision = gate_supply(facts, agreement, at=node.clock(), side="holder", life=life_of(tx, node, agreement))
    if isinstance(decision, Refused):
        node.metrics.refused.labels(decision.reason, "holder").inc()
        raise FormatError("NOD-254", f"this supply is not within the agreement: {decision.reason}", field="supply")
    fields = sorted(map(str, terms.data))
    matter = begin_theirs(
        tx, node, "supply", agreement, opened, {**plain(terms), "data": {}}, "supply", state="to-assess",
        subject=manifest.conversation, due=node.clock() + timedelta(days=agreement.duties.assess_days),
        ground=terms.ground, case=terms.case, offence=terms.offence, fields=fields, handling=terms.handling, release=opened.digest,
    )  # fmt: skip
    node.keep_released(matter.id, plain(terms.data), plain(Handling()))
    return {"subject": matter.id, "reason": terms.ground, "fields": fields, "case": terms.case}


def assess(
    node: Node, matter_id: str, *, result: Assessed, officer: str, passphrase: str, explanation: str = ""
) -> Matter:
    """An officer says whether the data are needed and their conditions accepted; what is not needed, is wrong, or came
    under conditions that are declined, is erased, and the supplier is told (REQ-062, REQ-063). Nothing is kept, and no
    condition accepted, by itself: a supply that nobody assesses in `duties.assess_days` is overdue."""
    credential = officers.unlock(node, officer, passphrase, role="officer")
    with node.database.write() as tx:
        matter, agreement = open_matter(tx, node, matter_id, "supply", ours=False)
        _in_state(matter, "to-assess")
        act = sign(tx, node, credential, matter.id, "supply-assessed", result=result)
        if result != "kept":
            subject = subject_of(tx, matter.id)
            held.mark(tx, node, subject, "delete", reason=result, by=officer, matter=matter.id, act=act.digest)
        matter = change(tx, node, matter, "kept" if result == "kept" else "erased", result=result)
        terms = SupplyAssessed(result, explanation)
        say(
            tx, node, matter, agreement, "supply-assessed", terms, outcome=result, by=officer, act=act.digest,
            case=str(matter.facts["case"]),
        )  # fmt: skip
        if result != "kept" and held.recall(tx, matter, subject_of(tx, matter.id), "deleted"):
            matter = change(tx, node, matter, "informing", due=node.clock() + timedelta(days=1))
    node.wake.set()
    return matter


def take_assessed(tx: Tx, node: Node, agreement: Agreement, opened: Opened, terms: SupplyAssessed) -> dict[str, Any]:
    """What the receiver made of our supply."""
    matter = of_notice(tx, opened, "supply", ["sent"])
    change(tx, node, matter, "kept" if terms.result == "kept" else "erased", result=terms.result)
    return {"subject": matter.id, "outcome": terms.result, "case": str(matter.facts["case"])}


def terms_of(node: Node, matter_id: str) -> Supply | None:
    """What lies prepared, for the second officer; None once it went."""
    kept = texts(node, matter_id).get("supply", {})
    return read(Supply, kept, what="supply") if kept.get("data") else None


def _facts(node: Node, agreement: Agreement, partner: str, terms: Supply) -> SupplyFacts:
    return SupplyFacts(
        node.party,
        node.own_contact(agreement, "spontaneous"),
        partner,
        node.partner_contact(agreement, partner, "spontaneous"),
        terms.ground,
        terms.facts,
        terms.case,
        terms.offence,
        tuple(sorted(map(str, terms.data))),
        conditions=conditions_of(terms),
    )


FOLLOWS: Mapping[str, Callable[..., dict[str, Any]]] = {"supply": take_supply, "supply-assessed": take_assessed}
