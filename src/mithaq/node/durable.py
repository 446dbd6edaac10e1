"""What is due, done: messages delivered by a few couriers, and each query answered in a DBOS workflow under a fixed id.

    store (what is due) ──► dispatcher ──► couriers: batches of messages ──► node.flow.deliver
                                       └─► workflow "answer/ID/ATTEMPT" ──► node.flow.answer

What is due stands in the node's own database, committed together with the state it follows from. Delivering needs no
other record than that row: until its receipt is kept the message is due, and sending it again has no second effect at
the partner (docs/decisions/0013-couriers.md). The workflow id of an answer is made of its row, so a step that is
dispatched twice, or recovered after a crash, is the same workflow and runs once.
DBOS's admin server and cloud console stay off. The only importer of dbos.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog
from dbos import DBOS, DBOSConfig, SetWorkflowID

from mithaq.errors import MithaqError
from mithaq.node import delivery, flow, national, retention, upkeep
from mithaq.node.gateway import Node
from mithaq.node.store import conversations, messages
from mithaq.node.store.conversations import Conversation
from mithaq.units import timestamp

APPLICATION_VERSION = "1"  # of the steps below, not of the program: pending steps outlive an upgrade
COURIERS = 4  # connections to partners in flight; more does not help two cores
BATCH = 16  # messages that a courier hands over before it commits their receipts together
IDLE_WAIT_S = 0.2  # how long a row written by another process (a command) may wait unseen
UPKEEP_EVERY_S = 1.0  # expiry, co-signing, keys of erased records
SWEEP_EVERY_S = 3600.0  # retention periods are in days and months; the first sweep is at the start

_log = structlog.get_logger("mithaq.durable")
_engine: Engine | None = None  # DBOS binds workflows to module functions, so the process's one engine is kept here


@DBOS.workflow(name="answer")
def _answer(conversation_id: str, attempt: int) -> None:
    engine = _running()
    try:
        _answer_step(conversation_id)
    except Exception as error:
        engine.failed(error, conversation_id=conversation_id)
    finally:
        engine.answered(f"answer/{conversation_id}/{attempt}")


@DBOS.step(name="answer-once")
def _answer_step(conversation_id: str) -> None:
    flow.answer(_running().node, conversation_id)


class Engine:
    """Does what is due at a node, in this process; one per process, since DBOS is."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dispatcher", daemon=True)
        self._couriers = ThreadPoolExecutor(COURIERS, thread_name_prefix="courier")
        self._out: set[str] = set()  # messages that a courier has
        self._answering: set[str] = set()  # workflows that run
        self._last_upkeep = 0.0
        self._last_sweep = float("-inf")

    def start(self) -> None:
        """Recover what a crash left, then dispatch what is due until `stop`."""
        global _engine
        _engine = self
        config = DBOSConfig(
            name="mithaq",
            system_database_url=self.node.settings.database_url(self.node.settings.database.steps_url),
            application_version=APPLICATION_VERSION,
            log_level="WARNING",
            console_log_level="CRITICAL",  # its tracebacks name files and rows; what failed is said by us
            use_listen_notify=False,
        )
        upkeep.requeue(self.node)
        DBOS(config=config)
        DBOS.launch()
        self._thread.start()

    def stop(self) -> None:
        """Stop dispatching, let running steps end, and close DBOS."""
        global _engine
        self._stop.set()
        self.node.wake.set()
        self._thread.join(timeout=30)
        self._couriers.shutdown(cancel_futures=True)
        DBOS.destroy(workflow_completion_timeout_sec=20)
        _engine = None

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                started = self._dispatch()
                self._upkeep()
            except MithaqError as error:  # a full disk or a busy database: say so, wait, try again
                _log.warning("dispatch failed", code=error.code)
                started = 0
            if not started and not self._stop.is_set():
                self.node.wake.wait(IDLE_WAIT_S)
                self.node.wake.clear()

    def _dispatch(self) -> int:
        """Hand out what is due and not in hand; how many rows that were."""
        now, out = timestamp(self.node.clock()), set(self._out)
        with self.node.database.read() as tx:
            due = messages.due_messages(tx, now, limit=len(out) + COURIERS * BATCH)
            queries = conversations.due_conversations(tx, now, limit=1000 if self.node.held else 1)
        queries = [query for query in queries if query.partner not in self.node.held]
        waiting = [message_id for message_id in due if message_id not in out][: COURIERS * BATCH - len(out)]
        size = min(BATCH, -(-len(waiting) // COURIERS))  # few messages go out side by side, many in batches
        for start in range(0, len(waiting), max(1, size)):
            self._out.update(batch := waiting[start : start + size])
            self._couriers.submit(self._carry, batch)
        if self._answering:  # one at a time, in order of receipt: the search itself uses the cores
            return len(waiting)
        return len(waiting) + sum(self._answer(query) for query in queries[:1])

    def _carry(self, batch: Sequence[str]) -> None:
        """Deliver a batch; where a step of it broke, and nothing of that was kept, all of it is tried again later."""
        try:
            flow.deliver(self.node, *batch)
        except Exception as error:
            for message_id in batch:
                self.failed(error, message_id=message_id)
        finally:
            self._out.difference_update(batch)
            self.node.wake.set()

    def _answer(self, conversation: Conversation) -> int:
        key = f"answer/{conversation.id}/{conversation.attempts}"
        self._answering.add(key)
        with SetWorkflowID(key):
            DBOS.start_workflow(_answer, conversation.id, conversation.attempts)
        return 1

    def answered(self, key: str) -> None:
        """An answer's step has ended, well or not: look for the next one."""
        self._answering.discard(key)
        self.node.wake.set()

    def failed(self, error: Exception, **row: str) -> None:
        """A step broke and nothing of it was kept: postpone its row, so that it is tried again under a new id."""
        _log.error("step failed", error=getattr(error, "code", type(error).__name__), **row)
        while True:
            try:
                return upkeep.postpone(self.node, **row)
            except MithaqError:  # the database itself: wait for it
                if self._stop.wait(1.0):
                    return None

    def _upkeep(self) -> None:
        now = self.node.monotonic()
        if now - self._last_upkeep >= UPKEEP_EVERY_S:
            self._last_upkeep = now
            upkeep.expire(self.node)
            delivery.knock(self.node)
            upkeep.cosign(self.node)
            national.take_drop(self.node)
        if now - self._last_sweep >= SWEEP_EVERY_S:
            self._last_sweep = now
            retention.sweep(self.node)


def _running() -> Engine:
    if _engine is None:
        raise RuntimeError("durable steps run only between start() and stop()")
    return _engine
