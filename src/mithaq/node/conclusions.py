"""What examiners conclude of a hit: one or two on a side, a third where two differ; said by whichever side confirms.

    one examiner    conclude ─► identified · excluded · inconclusive
    two             examine ─► the second concludes alike ─► the same, or otherwise ─► disagreement ─► a third decides
    the holder's    goes to the requester as the notice "conclusion"; its query prints are erased with it (REQ-080)

Each opinion is signed with the examiner's own credential. The second is blind: no page and no entry shows the first
before there is a conclusion. An identification needs, where two are agreed, two persons who say so of one reference.
"""

from __future__ import annotations

from collections.abc import Sequence

from mithaq.errors import FormatError, SettingsError
from mithaq.node import heard, journal, notices, officers
from mithaq.node.gateway import Node
from mithaq.node.refusals import logged
from mithaq.node.states import erase_prints, may, move, open_conversation
from mithaq.node.store import Tx, conversations
from mithaq.node.store.conversations import Act, Conversation
from mithaq.pact.agreement import Agreement
from mithaq.pact.gate import Concluded, Refused, refused, same_person
from mithaq.pact.lifecycle import CONCLUSION_EVENT, Actor, Conclusion, Event, Side, State
from mithaq.pact.steps import HolderConclusion

OPINIONS = ("examination", "conclusion")


@logged
def conclude(
    node: Node,
    conversation_id: str,
    *,
    officer: str,
    passphrase: str,
    decision: Conclusion,
    reference: str = "",
    note: str = "",
) -> Conversation | Refused:
    """Record what an examiner concluded of the hit, signed with that examiner's own credential (REQ-032, 033, 035).

    "Identified" is said of one candidate, which `reference` names where there are several; the prints of the others are
    erased. "Excluded" and "inconclusive" are said of all of them. Where the agreement wants two examiners, the first
    opinion only waits for the second.
    """
    credential = officers.unlock(node, officer, passphrase, role="examiner")
    with node.database.write() as tx:
        conversation, agreement = open_conversation(tx, node, conversation_id)
        before = _opinions(tx, conversation.id)
        reference = _concluded_on(conversation, reference, decision)
        event, by = _step(conversation, agreement, decision, reference, before)
        if refusal := may(conversation, event, by, agreement):
            return refusal
        if any(same_person(opinion.by, officer) for opinion in before):
            return refused("same-examiner", agreement)
        concluding = event is CONCLUSION_EVENT[decision]
        second = next((one.by for one in before if (one.decision, one.reference) == (str(decision), reference)), "")
        if concluding and by is Actor.THIRD_EXAMINER and decision is Conclusion.IDENTIFIED and not second:
            return refused("second-examiner-missing", agreement)
        of = [reference] if decision is Conclusion.IDENTIFIED else list(conversation.candidates)
        terms = {"decision": str(decision), "reference": reference, "references": of, "note": note}
        act = officers.act(tx, node, credential, conversation, OPINIONS[concluding], **terms)
        if not concluding:
            journal.write(tx, node, "examined", conversation=conversation.id, by=officer, act=act.digest)
            return move(tx, node, conversation, event, by, agreement)
        facts = {"conclusion": str(decision), "by": officer, "act": act.digest, "reference": reference}
        journal.write(tx, node, "conclusion", conversation=conversation.id, **facts)
        conversation = move(tx, node, conversation, event, by, agreement, reference=reference)
        said = HolderConclusion(decision.value, reference, officer, second or None)
        conversation = _after(tx, node, conversation, agreement, said)
    node.wake.set()
    node.metrics.conclusions.labels(str(decision)).inc()
    return conversation


def _after(
    tx: Tx, node: Node, conversation: Conversation, agreement: Agreement, said: HolderConclusion
) -> Conversation:
    """What a side's conclusion brings about: the holder tells it, the requester looks what the holder has said."""
    heard.settle(tx, node, conversation)
    if conversation.side == Side.HOLDER:
        erase_prints(tx, node, conversation.id, ["query"], reason="concluded")
        log = {"conclusion": said.decision, "reference": said.reference, "by": said.by}
        notices.send(tx, node, agreement, conversation.partner, "conclusion", said, matter=conversation.id, **log)
    elif conversation.state == State.CONFIRMED and (word := heard.holders_word(tx, conversation.id)):
        conversation = heard.apply_conclusion(tx, node, conversation, agreement, word)
    return conversation


def _step(
    conversation: Conversation, agreement: Agreement, decision: Conclusion, reference: str, before: Sequence[Concluded]
) -> tuple[Event, Actor]:
    """Which row of the table this opinion is: the only one, the first of two, the second, or the third."""
    event = CONCLUSION_EVENT[decision]
    if conversation.state == State.DISAGREEMENT:
        return event, Actor.THIRD_EXAMINER
    if conversation.state == State.EXAMINED:
        alike = any((one.decision, one.reference) == (str(decision), reference) for one in before)
        return (event if alike else Event.DISAGREE), Actor.SECOND_EXAMINER
    if conversation.state in (State.CANDIDATE, State.ANSWERED_HIT) and agreement.answer.examiners == 2:
        return Event.EXAMINE, Actor.EXAMINER
    return event, Actor.EXAMINER


def _concluded_on(conversation: Conversation, reference: str, decision: Conclusion) -> str:
    """The candidate that a conclusion is said of: the one named, or the only one; the best where it is said of all."""
    candidates = conversation.candidates
    if reference and reference not in candidates:
        raise FormatError(
            "NOD-117",
            "the hit has no candidate of that number",
            place=conversation.id[:12],
            expected=f"one of its {len(candidates)} candidates",
            remedy="`mithaq node status` lists them",
        )
    if decision is Conclusion.IDENTIFIED and not reference and len(candidates) > 1:
        raise SettingsError(
            "NOD-118",
            "the hit has several candidates, and an identification is of one",
            key="reference",
            expected="the number of the candidate that was identified",
        )
    return (reference if decision is Conclusion.IDENTIFIED else "") or conversation.reference or ""


def _opinions(tx: Tx, conversation_id: str) -> list[Concluded]:
    """What examiners of this side have said so far, oldest first."""
    return [opinion(act) for act in conversations.conversation_acts(tx, conversation_id) if act.kind in OPINIONS]


def opinion(act: Act) -> Concluded:
    """What one examiner's act says."""
    terms = officers.read_act(act)
    return Concluded(terms["decision"], terms["reference"], act.officer)


def own_conclusion(acts: Sequence[Act]) -> Concluded | None:
    """This side's conclusion with the examiner who said the same, among a conversation's acts; None before there is one."""
    concluded = next((opinion(act) for act in acts if act.kind == "conclusion"), None)
    if concluded is None:
        return None
    said = (concluded.decision, concluded.reference)
    others = [opinion(act) for act in acts if act.kind == "examination"]
    second = next((one.by for one in others if (one.decision, one.reference) == said), "")
    return Concluded(*said, concluded.by, second)
