"""One query, top to bottom. Each function is one step; between two of them the process may die, and nothing is lost.

      requester                                            holder
      submit_query ──query──► deliver ─────────────────►  receive ─► take_query ─► answer
      take_answer  ◄───────────────────answer───────────  (search, decide)
      conclude     (an examiner)
      request_data ──request──────────────────────────►   take_request
                                                           prepare_release (officer), approve_release (another)
      take_release ◄───────────────────release──────────

Every step changes its conversation, writes its ledger entry and puts its message out in one transaction (Law 7). No
step sends or answers what `pact.gate` did not accept (Law 5). The details lie beside this page: `order` (who asks what),
`intake` (file to prints), `states` (the table), `outgoing` (seal and post), `journal` (ledger), `officers` (signed acts),
`chain` (what is on record, and the second step's bodies), `delivery` (sealed message out, receipt back).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from mithaq.errors import FormatError, MithaqError
from mithaq.node import chain, clocks, effects, journal, outgoing, quotas, refusals, standing, witness
from mithaq.node.cards import card_problems, travelling
from mithaq.node.conclusions import conclude
from mithaq.node.delivery import deliver
from mithaq.node.followup import (
    approve_release,
    prepare_release,
    refuse_release,
    request_data,
    take_release,
    take_request,
)
from mithaq.node.gateway import Node
from mithaq.node.intake import Examined, contents_of, examine, is_squeezed, read_prints
from mithaq.node.order import Order, control_number, executor_refusal, log_of_query, query_facts, require_codes
from mithaq.node.scales import is_another_scale, is_doubtful
from mithaq.node.searching import search_file
from mithaq.node.stages import Stages
from mithaq.node.states import (
    QUERY_LIFE,
    add_stages,
    begin,
    erase_prints,
    keep_prints,
    move,
    of_message,
    open_conversation,
)
from mithaq.node.store import Tx, conversations, exposures, messages, references
from mithaq.node.store.conversations import Conversation
from mithaq.pact.agreement import Agreement, candidate_cap
from mithaq.pact.gate import QueryFacts, Refused, parse_offence, refused
from mithaq.pact.ledger import Entry
from mithaq.pact.lifecycle import ANSWER_EVENT, Actor, Event, Outcome, Side, State
from mithaq.pact.message import Opened, open_message
from mithaq.pact.standing import How
from mithaq.record import (
    answer_transaction,
    contents,
    error_transaction,
    query_transaction,
    read_answer,
    read_query,
    read_transaction,
    write_transaction,
)
from mithaq.units import timestamp


@dataclass(frozen=True, slots=True)
class Unsearchable:
    """Our own quality check found no print that could be searched; nothing was sent and no quota was used."""

    reasons: tuple[str, ...]


# ---------------------------------------------------------------- requester: the query


def submit_query(node: Node, data: bytes, order: Order, *, place: str = "") -> Conversation | Refused | Unsearchable:
    """Read, check and gate a print, and put the sealed query out; delivery follows on its own.

    Returns the new conversation, or why there is none. FormatError or ImageError where the file is not what it claims
    to be; TrustError where there is no agreement with that partner; SettingsError for a name where a code belongs.
    """
    require_codes(order)
    stages = Stages()
    now = node.clock()
    agreement = node.agreements.current(order.partner, now)
    holds = contents_of(data)
    if holds and holds != order.search_type.partition("/")[0]:  # it may hold nothing that could be read as a finger
        with node.database.write() as tx:
            facts = query_facts(node, agreement, order, 0, holds)
            decision = quotas.decide(tx, node, agreement, facts, order.partner, "sender")
            if isinstance(decision, Refused):
                return _hold(tx, node, facts, decision)
    pictures = read_prints(
        node.box,
        data,
        stages=stages,
        user_ppi=order.ppi,
        position=order.position,
        place=place,
        slaps="try" if order.despite_quality else "cut",
    )
    examined = [examine(*picture, stages=stages, network=node.settings.extract.network) for picture in pictures]
    chosen = [found for found in examined if not found.shortcomings] or (examined if order.despite_quality else [])
    if not chosen:
        return Unsearchable(_shortcomings(examined))
    if not order.despite_quality:
        problems = card_problems(chosen)
        if order.ppi is None and not problems and is_doubtful([image for image, _, _ in pictures]):
            problems = ("doubtful-resolution",)  # who states a ppi has looked
        if problems:
            return Unsearchable(problems)
    prints = travelling([found.print for found in chosen])
    facts = query_facts(node, agreement, order, len(prints), holds)
    body = write_transaction(
        query_transaction(
            tcn=(tcn := control_number(node)),
            origin=f"{node.party}/{facts.origin_contact}",
            destination=f"{order.partner}/{facts.destination_contact}",
            instant=now,
            priority=1 if order.expedited else 4,
            case=order.case,
            purpose=order.purpose,
            offence=str(order.offence),
            legal_basis=order.legal_basis,
            search_type=order.search_type,
            prints=prints,
        )
    )
    with node.database.write() as tx:
        with stages("gate"):
            decision = quotas.decide(tx, node, agreement, facts, order.partner, "sender")
            if not isinstance(decision, Refused):
                decision = executor_refusal(node, agreement, order) or decision
        if isinstance(decision, Refused):
            return _hold(tx, node, facts, decision)
        quotas.count(tx, node, agreement, order.partner, "out", order.search_type)
        conversation = begin(
            node, agreement, Side.REQUESTER, uuid.uuid4().hex, facts, tcn, Event.PREPARE, Actor.OFFICER
        )
        if is_squeezed(data, pictures):  # a warning to our own officer, until the answer is in
            conversation = replace(conversation, reasons=[["much-compressed", node.text("much-compressed").en]])
        conversations.add_conversation(tx, conversation)
        keep_prints(tx, node, conversation, "query", prints)
        limit = clocks.limit_of(agreement, clocks.ANSWER, expedited=order.expedited)
        clocks.start(tx, node, conversation.id, clocks.ANSWER, limit)
        outgoing.post(
            tx,
            node,
            agreement,
            conversation.partner,
            conversation.id,
            "query",
            body,
            stages=stages,
            **log_of_query(facts, prints),
        )
        add_stages(tx, conversation, stages)
    node.stop_at("query-committed")
    node.wake.set()
    node.metrics.queries.labels("out", order.search_type).inc()
    return conversation


# ---------------------------------------------------------------- both: a message comes in


def receive(node: Node, sealed: bytes, certificate: bytes) -> bytes:
    """Open a partner's message, do what it asks in one transaction, and return the signed receipt.

    Checks 1 to 9 are `pact.message.open_message`'s; here follow 10 duplicate, 11 schema of the body, 12 gate. A message
    that was received before has no second effect and gets the same receipt, byte for byte. What is refused is logged,
    and changes nothing else.
    """
    try:
        return _receive(node, sealed, certificate)
    except MithaqError as error:
        refusals.log_message(node, sealed, certificate, error)
        raise


def _receive(node: Node, sealed: bytes, certificate: bytes) -> bytes:
    stages = Stages()
    with stages("open"):
        opened = open_message(sealed, node.opening(certificate))  # 1 to 9
    manifest = opened.manifest
    agreement = node.agreements.by_id(manifest.agreement)
    node.stop_at("opened-before-commit")
    with node.database.write() as tx:
        known = messages.find_message(tx, manifest.id, "in", manifest.sender)  # 10
        if known is not None and known.receipt is not None:
            node.metrics.received.labels(manifest.kind, "duplicate").inc()
            return outgoing.receipt_again(known, opened)
        if manifest.kind == "query":
            witness.require_compared(node, manifest.sender)
        entry = _EFFECTS[manifest.kind](tx, node, agreement, opened, stages)  # 11, 12
        with stages("receipt"):
            receipt = outgoing.receipt_for(node, opened, entry)
        messages.add_message(tx, outgoing.received_row(node, opened, receipt))
        add_stages(tx, conversations.find_conversation(tx, manifest.conversation), stages)
        node.stop_at("received-before-commit")
    node.stop_at("received-before-reply")
    node.metrics.received.labels(manifest.kind, "new").inc()
    node.wake.set()
    return receipt


# ---------------------------------------------------------------- holder: the query


def take_query(tx: Tx, node: Node, agreement: Agreement, opened: Opened, stages: Stages) -> Entry:
    """Gate a partner's query on arrival: it waits its turn, or is refused at once with its clause."""
    manifest = opened.manifest
    if conversations.find_conversation(tx, manifest.conversation) is not None:
        raise FormatError("NOD-102", "a conversation of that id is already open", field="conversation")
    query = read_query(transaction := read_transaction(opened.body))
    facts = QueryFacts(
        origin_party=manifest.sender,
        origin_contact=manifest.sender_contact,
        destination_party=node.party,
        destination_contact=manifest.recipient_contact,
        purpose=query.purpose,
        offence=parse_offence(query.offence),
        case=query.case,
        legal_basis=query.legal_basis,
        search_type=query.search_type,
        prints=len(query.prints),
        expedited=query.priority == 1,
        contents=contents(transaction),
    )
    now = node.clock()
    with stages("gate"):
        decision = standing.superseded(node, agreement, manifest) or quotas.decide(
            tx, node, agreement, facts, manifest.sender, "holder", served=node.served
        )
    conversation = begin(
        node, agreement, Side.HOLDER, manifest.conversation, facts, query.tcn, Event.RECEIVE, Actor.PARTNER
    )
    node.metrics.queries.labels("in", facts.search_type).inc()
    entry = journal.received(tx, node, opened, stages, **log_of_query(facts, query.prints))
    if isinstance(decision, Refused):
        conversations.add_conversation(tx, conversation)
        node.metrics.refused.labels(decision.reason, "holder").inc()
        reasons = [(decision.reason, decision.text.en)]
        _send_refusal(tx, node, agreement, conversation, Outcome.REFUSED, reasons, manifest.id, stages)
        return entry
    quotas.count(tx, node, agreement, manifest.sender, "in", facts.search_type)
    conversation = replace(conversation, due_at=timestamp(now))
    conversations.add_conversation(tx, conversation)
    keep_prints(tx, node, conversation, "query", query.prints)
    limit = clocks.limit_of(agreement, clocks.ANSWER, expedited=conversation.expedited)
    clocks.start(tx, node, conversation.id, clocks.ANSWER, limit)
    return entry


def answer(node: Node, conversation_id: str) -> None:
    """Search the file for a query that was accepted, and put the answer out; the query's prints are erased with it."""
    stages = Stages()
    with node.database.write() as tx:
        conversation, agreement = open_conversation(tx, node, conversation_id)
        if conversation.due_at is None:
            return  # answered by another run of this step
        if _stopped(tx, node, agreement, conversation, stages):
            return
        if conversation.state == State.RECEIVED:
            conversation = move(tx, node, conversation, Event.START, Actor.SYSTEM, agreement)
        kept = [node.open_print(stored) for stored in conversations.conversation_prints(tx, conversation_id, "query")]
        query = outgoing.first_message(tx, conversation_id, "query")
    try:
        with stages("decode"):
            images = [(node.gray(found), found.position, found.impression) for found in kept]
        examined = [examine(*picture, stages=stages, network=node.settings.extract.network) for picture in images]
        problems = card_problems([found for found in examined if not found.shortcomings])
        failures = problems or _shortcomings(examined)
    except MithaqError as error:
        if error.exit_status != 3:  # our own trouble, not the picture's: the step is tried again
            raise
        examined, problems, failures = [], (), ("unreadable",)
    usable = not problems and any(not found.shortcomings for found in examined)
    with stages("search"):
        candidates = search_file(node.searcher, agreement, conversation.search_type, examined)
        if usable and not candidates:
            looked_at = [(picture[0], found) for picture, found in zip(images, examined, strict=True)]
            network = node.settings.extract.network
            if is_another_scale(node.searcher, agreement, conversation.search_type, looked_at, network=network):
                usable, failures = False, ("wrong-resolution",)
    node.stop_at("searched-before-commit")
    with node.database.write() as tx:
        conversation, agreement = open_conversation(tx, node, conversation_id)
        if conversation.state != State.ANSWERING or _stopped(tx, node, agreement, conversation, stages):
            return
        with stages("answer"):
            if usable:
                found_references = [candidate.reference for candidate in candidates]
                _send_answer(tx, node, agreement, conversation, found_references, query, stages)
            else:
                reasons = [(reason, node.text(reason).en) for reason in failures]
                _send_refusal(tx, node, agreement, conversation, Outcome.UNSEARCHABLE, reasons, query, stages)
        clocks.stop(tx, node, conversation, clocks.ANSWER)
        if conversation.attempts:  # what hindered this one is over
            conversations.make_answers_due(tx, timestamp(node.clock()))
        hit = conversations.find_conversation(tx, conversation_id) or conversation
        if hit.state == State.ANSWERED_HIT and agreement.answer.confirm_by != "requester":  # our examiner's (REQ-033)
            clocks.start(tx, node, conversation_id, clocks.CONFIRM, clocks.limit_of(agreement, clocks.CONFIRM))
        else:
            erase_prints(tx, node, conversation_id, ["query"], reason="answered")
        add_stages(tx, conversation, stages)
        node.stop_at("answered-before-commit")
    node.stop_at("answer-committed")
    node.wake.set()


def _stopped(tx: Tx, node: Node, agreement: Agreement, conversation: Conversation, stages: Stages) -> bool:
    """True where an accepted query is not answered now: parked while its part is suspended (REQ-163), refused where the
    agreement has ended meanwhile (REQ-164)."""
    how = standing.how(tx, node, agreement, conversation.search_type)
    if how is How.IN_FORCE:
        return False
    if how is How.SUSPENDED:
        standing.park(tx, node, conversation)
        return True
    reason = "agreement-terminated" if how is How.TERMINATED else "agreement-expired"
    reasons = [(reason, refused(reason, agreement).text.en)]
    query = outgoing.first_message(tx, conversation.id, "query")
    _send_refusal(tx, node, agreement, conversation, Outcome.REFUSED, reasons, query, stages)
    erase_prints(tx, node, conversation.id, ["query"], reason="answered")
    return True


def _send_answer(
    tx: Tx, node: Node, agreement: Agreement, conversation: Conversation, found: list[str], query: str, stages: Stages
) -> None:
    """Hit or no hit: reference numbers and their prints, nothing else (REQ-030)."""
    hidden = exposures.hidden(tx, found)  # decided since, or while the search ran (REQ-022)
    prints = {
        reference: [node.open_reference(one) for one in references.prints_of(tx, reference)]
        for reference in found
        if reference not in hidden
    }
    candidates = [(reference, prints[reference]) for reference in prints if prints[reference]]
    outcome = Outcome.HIT if candidates else Outcome.NO_HIT
    transaction = answer_transaction(
        tcn=control_number(node),
        tcr=conversation.tcn,
        origin=node.party,
        destination=conversation.partner,
        instant=node.clock(),
        outcome=str(outcome),
        candidates=candidates,
    )
    named = [reference for reference, _ in candidates]
    conversation = move(
        tx,
        node,
        conversation,
        ANSWER_EVENT[outcome],
        Actor.SYSTEM,
        agreement,
        due_at=None,
        candidates=named,
        reference=named[0] if named else None,
    )
    body = write_transaction(transaction)
    facts = {"in_reply_to": query, "outcome": str(outcome), "references": named}
    outgoing.post(tx, node, agreement, conversation.partner, conversation.id, "answer", body, stages=stages, **facts)
    node.metrics.answers.labels(str(outcome)).inc()


def _send_refusal(
    tx: Tx,
    node: Node,
    agreement: Agreement,
    conversation: Conversation,
    outcome: Outcome,
    reasons: Sequence[tuple[str, str]],
    query: str,
    stages: Stages,
) -> None:
    """Refused or unsearchable, with the reasons; silence is never an answer (REQ-031)."""
    transaction = error_transaction(
        tcn=control_number(node),
        tcr=conversation.tcn,
        origin=node.party,
        destination=conversation.partner,
        instant=node.clock(),
        outcome=str(outcome),
        reasons=reasons,
    )
    clause = chain.clause_of(agreement, reasons)
    stored = [list(reason) for reason in reasons]
    conversation = move(
        tx,
        node,
        conversation,
        ANSWER_EVENT[outcome],
        Actor.SYSTEM,
        agreement,
        due_at=None,
        reasons=stored,
        clause=clause,
    )
    facts = {
        "in_reply_to": query,
        "outcome": str(outcome),
        "references": [],
        "reasons": [code for code, _ in reasons],
        "clause": clause["ref"] if clause else None,
    }
    body = write_transaction(transaction)
    outgoing.post(tx, node, agreement, conversation.partner, conversation.id, "answer", body, stages=stages, **facts)
    node.metrics.answers.labels(str(outcome)).inc()


# ---------------------------------------------------------------- requester: the answer, and what a person makes of it


def take_answer(tx: Tx, node: Node, agreement: Agreement, opened: Opened, stages: Stages) -> Entry:
    """Keep a hit's reference and prints for the examiner, or the reasons why there is none."""
    conversation = of_message(tx, node, opened, Side.REQUESTER)
    reply = read_answer(read_transaction(opened.body))
    if reply.tcr != conversation.tcn:
        raise FormatError("NOD-103", "the answer is to another query", field="1.010", expected="the query's TCN")
    cap = candidate_cap(agreement, conversation.search_type)
    if len(reply.candidates) > cap:
        raise FormatError(
            "NOD-104", "too many candidates for the agreement", clause="REQ-034", expected=f"at most {cap}"
        )
    outcome, named = Outcome(reply.outcome), [reference for reference, _ in reply.candidates]
    clause = chain.clause_of(agreement, reply.reasons)
    conversation = move(
        tx,
        node,
        conversation,
        ANSWER_EVENT[outcome],
        Actor.PARTNER,
        agreement,
        reasons=[list(reason) for reason in reply.reasons],
        clause=clause,
        candidates=named,
        reference=named[0] if named else None,
    )
    entry = journal.received(
        tx,
        node,
        opened,
        stages,
        in_reply_to=outgoing.first_message(tx, conversation.id, "query"),
        outcome=str(outcome),
        references=named,
        reasons=[code for code, _ in reply.reasons] or None,
        clause=clause["ref"] if clause else None,
    )
    for reference, found in reply.candidates:
        keep_prints(tx, node, conversation, "candidate", found, reference=reference)
    clocks.stop(tx, node, conversation, clocks.ANSWER)
    if outcome is Outcome.HIT:
        clocks.start(tx, node, conversation.id, clocks.CONFIRM, clocks.limit_of(agreement, clocks.CONFIRM))
    else:
        erase_prints(tx, node, conversation.id, ["query"], reason="answered")
    return entry


_EFFECTS: Mapping[str, Callable[[Tx, Node, Agreement, Opened, Stages], Entry]] = {
    "query": take_query,
    "answer": take_answer,
    "request": take_request,
    "release": take_release,
    "notice": effects.take,
}


def _hold(tx: Tx, node: Node, facts: QueryFacts, refusal: Refused) -> Refused:
    """Log that our own gate refused a query; nothing was sent."""
    journal.write(
        tx,
        node,
        "query-held",
        conversation=uuid.uuid4().hex,
        search_type=facts.search_type,
        reason=refusal.reason,
        clause=refusal.clause_ref,
        party=facts.destination_party,
        ordered_by=facts.ordered_by,
        run_by=facts.run_by,
    )
    node.metrics.refused.labels(refusal.reason, "sender").inc()
    return refusal


def _shortcomings(examined: Sequence[Examined]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(reason for found in examined for reason in found.shortcomings))


__all__ = [
    "QUERY_LIFE", "Order", "Unsearchable", "answer", "approve_release", "conclude", "deliver", "prepare_release",
    "receive", "refuse_release", "request_data", "submit_query",
]  # fmt: skip
