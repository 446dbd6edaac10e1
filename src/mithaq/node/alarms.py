"""What follows when a limit has passed: an alarm at once, and for a late answer word to the requester.

late clock ──sweep──► breach in ledger and metrics ─► answer: "delay" to the requester, again each time the limit has
                                                       passed once more; the query stays and is answered (REQ-043)
                                                    └► the holder's conclusion: too late for any use, so it is closed
"""

from __future__ import annotations

from datetime import timedelta

from mithaq.node import clocks, notices
from mithaq.node.gateway import Node
from mithaq.node.standing import how
from mithaq.node.states import erase_prints, move
from mithaq.node.store import Tx, conversations
from mithaq.node.store import clocks as store
from mithaq.node.store.clocks import Clock
from mithaq.node.store.conversations import Conversation
from mithaq.pact.lifecycle import Actor, Event, Side
from mithaq.pact.notices import FORMS
from mithaq.pact.steps import Delay
from mithaq.units import parse_timestamp, timestamp


def sweep(node: Node) -> None:
    """See to every clock whose limit has passed; each in a transaction of its own."""
    for clock in clocks.late(node):
        with node.database.write() as tx:
            conversation = conversations.find_conversation(tx, clock.conversation, lock=True)
            current = store.find_clock(tx, clock.conversation, clock.name)
            if conversation is None or current is None or current.stopped_at is not None:
                continue
            clocks.breach(tx, node, conversation, current)
            if conversation.side == Side.HOLDER and clock.name == clocks.ANSWER:
                _tell_delay(tx, node, conversation, current)
            elif conversation.side == Side.HOLDER and clock.name == clocks.CONFIRM:
                agreement = node.agreements.by_id(conversation.agreement)
                clocks.stop(tx, node, conversation, clocks.CONFIRM)
                move(tx, node, conversation, Event.CLOSE, Actor.SYSTEM, agreement)
                erase_prints(tx, node, conversation.id, ["query"], reason="not-concluded")


def _tell_delay(tx: Tx, node: Node, conversation: Conversation, clock: Clock) -> None:
    """Tell the requester, at the ordinary limit even where the query was expedited, that its query is kept."""
    agreement = node.agreements.by_id(conversation.agreement)
    every = timedelta(hours=agreement.answer.automated_hours)
    now = node.clock()
    if now < parse_timestamp(clock.told_at or clock.started_at) + every:
        return
    store.change_clock(tx, conversation.id, clock.name, told_at=timestamp(now))
    if not FORMS["delay"].passes(how(tx, node, agreement, None)):
        return  # the agreement has ended: the query is refused instead
    terms = Delay("force-majeure")
    notices.send(
        tx, node, agreement, conversation.partner, "delay", terms, matter=conversation.id, reason="force-majeure"
    )
    node.wake.set()
