"""Steps that survive a crash: delivering a message and answering a query, each a DBOS workflow under a fixed id.

    store (what is due) ──► dispatcher ──► workflow "deliver/ID/ATTEMPT" or "answer/ID/ATTEMPT" ──► node.flow

What is due stands in the node's own database, committed together with the state it follows from; the workflow id is
made of that row, so a step that is dispatched twice, or recovered after a crash, is the same workflow and runs once.
The steps themselves are safe to repeat (message id, state table), because a crash may fall between effect and record.
DBOS's admin server and cloud console stay off. The only importer of dbos.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog
from dbos import DBOS, DBOSConfig, SetWorkflowID

from mithaq.errors import MithaqError
from mithaq.node import flow, upkeep
from mithaq.node.gateway import Node
from mithaq.node.store import conversations, messages
from mithaq.units import timestamp

APPLICATION_VERSION = "1"  # of the steps below, not of the program: pending steps outlive an upgrade
DELIVERIES_AT_ONCE = 8  # connections to partners in flight; more does not help two cores
IDLE_WAIT_S = 0.2  # how long a row written by another process (a command) may wait unseen
UPKEEP_EVERY_S = 1.0  # expiry and co-signing

_log = structlog.get_logger("mithaq.durable")
_engine: Engine | None = None  # DBOS binds workflows to module functions, so the process's one engine is kept here


@DBOS.workflow(name="deliver")
def _deliver(message_id: str, attempt: int) -> None:
    engine = _running()
    try:
        _deliver_step(message_id)
    except Exception as error:
        engine.failed(error, message_id=message_id)
    finally:
        engine.ended(f"deliver/{message_id}/{attempt}")


@DBOS.step(name="deliver-once")
def _deliver_step(message_id: str) -> None:
    flow.deliver(_running().node, message_id)


@DBOS.workflow(name="answer")
def _answer(conversation_id: str, attempt: int) -> None:
    engine = _running()
    try:
        _answer_step(conversation_id)
    except Exception as error:
        engine.failed(error, conversation_id=conversation_id)
    finally:
        engine.ended(f"answer/{conversation_id}/{attempt}")


@DBOS.step(name="answer-once")
def _answer_step(conversation_id: str) -> None:
    flow.answer(_running().node, conversation_id)


class Engine:
    """Drives a node's durable steps in this process; one per process, since DBOS is."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dispatcher", daemon=True)
        self._in_flight: set[str] = set()
        self._last_upkeep = 0.0

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
            if not started:
                self.node.wake.wait(IDLE_WAIT_S)
                self.node.wake.clear()

    def _dispatch(self) -> int:
        delivering = sum(key.startswith("deliver/") for key in set(self._in_flight))
        answering = len(self._in_flight) - delivering
        now = timestamp(self.node.clock())
        with self.node.database.read() as tx:
            due_out = messages.due_messages(tx, now, limit=DELIVERIES_AT_ONCE)
            due_in = conversations.due_conversations(tx, now, limit=1000 if self.node.held else 1)
        due_in = [conversation for conversation in due_in if conversation.partner not in self.node.held][:1]
        started = 0
        for message_id, attempt in due_out:
            if delivering + started < DELIVERIES_AT_ONCE:
                started += self._start(f"deliver/{message_id}/{attempt}", _deliver, message_id, attempt)
        if not answering:  # one at a time, in order of receipt: the search itself uses the cores
            for conversation in due_in:
                key = f"answer/{conversation.id}/{conversation.attempts}"
                started += self._start(key, _answer, conversation.id, conversation.attempts)
        return started

    def _start(self, key: str, workflow: Callable[[str, int], None], row_id: str, attempt: int) -> int:
        if key in self._in_flight:
            return 0
        self._in_flight.add(key)
        with SetWorkflowID(key):
            DBOS.start_workflow(workflow, row_id, attempt)
        return 1

    def ended(self, key: str) -> None:
        """A step has ended, well or not: look for the next one."""
        self._in_flight.discard(key)
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
            upkeep.cosign(self.node)


def _running() -> Engine:
    if _engine is None:
        raise RuntimeError("durable steps run only between start() and stop()")
    return _engine
