"""One gallery in several folders, each searched by a process of its own, over Ray (extra `cluster`; the only importer of ray).

    Shards([folder, …]).search(probes, …)  ─► actor 0: Gallery(folder 0) ─┐
                                           ─► actor 1: Gallery(folder 1) ─┴─► the best of all, in one order

The same interface and the same answer as one gallery: a person's fingers lie in one folder, so evidence is fused where it
lies, and merging is choosing the best. An actor that dies is started again and opens its folder anew, and the question it
held is asked again. A question finds a place or is refused at once; nothing queues without end.

Ray runs code for whoever reaches its ports. It is started here bound to the loopback address alone, with its token
authentication on, without dashboard and usage reports, and never in a process that talks to a partner's network.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import BoundedSemaphore, RLock
from types import TracebackType
from typing import Any, Self

from mithaq.errors import MithaqError, StorageError
from mithaq.finger import Template
from mithaq.search.filters import Filters
from mithaq.search.parameters import ANSWER_WAIT_S
from mithaq.search.shape import Counts, How, check_request, in_order
from mithaq.units import Candidate, FingerPosition

IN_FLIGHT = 4
"""Questions under way at a time. Each holds every shard's core, so more would only make all of them slower."""
START_S = 180.0
"""Seconds for opening a shard and loading its compiled comparisons; the first run after an installation compiles them."""
RETRIES = 3
"""Times that a question is asked again of an actor that died over it, before the question is given up."""
OBJECT_STORE_BYTES = 80 << 20
"""Ray's least. Templates and candidates are kilobytes and travel within the messages."""
LOOPBACK = "127.0.0.1"
_LOCAL = {
    # Ray takes the machine's outward address for 127.0.0.1 unless clusters are off; with them off all it opens is loopback.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS": "0",
}

_OPEN = (
    "GAL-076",
    "Ray was loaded in this process before, in a way that opens it to the network",
    "",
    "a process in which nothing else uses Ray",
    "make the Shards in a process of their own",
)

_lock = RLock()
_users = 0


def split(references: Sequence[str], shards: int) -> list[int]:
    """The shard of each reference: by its CRC-32, so that a person's fingers, whenever enrolled, lie together."""
    import zlib

    return [zlib.crc32(reference.encode("ascii")) % shards for reference in references]


class Shards:
    """A Searcher over folders that each hold a gallery. Safe for several threads; close it, or use it as a context.

    StorageError GAL-070 without ray, GAL-071 where a shard does not answer in `wait_s` seconds (it is replaced), GAL-072 with
    `in_flight` questions under way already, GAL-073 where a shard dies again and again, GAL-076 where this process used Ray before;
    what the galleries refuse, as they do.
    """

    def __init__(
        self, paths: Sequence[str | os.PathLike[str]], *, in_flight: int = IN_FLIGHT, wait_s: float = ANSWER_WAIT_S
    ) -> None:
        if not paths:
            raise _refusal("GAL-074", "no shard was named", "", "a gallery's folder for each", "name them")
        self.paths = tuple(Path(path).resolve() for path in paths)
        self.wait_s = wait_s
        self._places = BoundedSemaphore(in_flight)
        self._closed = False
        self._ray = _start(len(self.paths))
        options: dict[str, Any] = {"max_restarts": -1, "max_task_retries": RETRIES, "num_cpus": 1}
        actor = self._ray.remote(**options)(_Shard)
        self._actors = [actor.remote(str(path), number) for number, path in enumerate(self.paths)]
        try:
            self._ask("prepare", wait_s=max(wait_s, START_S))  # a folder that cannot be opened is said now
        except BaseException:
            self.close()
            raise

    def search(
        self,
        probes: Sequence[Template],
        *,
        threshold: float,
        top: int,
        positions: Sequence[FingerPosition] | None = None,
        filters: Filters | None = None,
        how: How = "exhaustive",
    ) -> list[Candidate]:
        """As `Gallery.search`. Each shard chooses its own rows for the full comparison, so that no fewer are compared."""
        check_request(len(probes), threshold, top, self._place, positions=positions, filters=filters, how=how)
        sent = [probe.to_bytes() for probe in probes]
        rest = {"threshold": threshold, "top": top, "positions": positions, "filters": filters, "how": how}
        answers = self._ask("search", sent, rest)
        return in_order((candidate for answer in answers for candidate in answer), top)

    def count(self) -> Counts:
        """Persons, fingers and impressions of all shards together."""
        answers = self._ask("count")
        return Counts(
            sum(answer.persons for answer in answers),
            sum(answer.fingers for answer in answers),
            sum(answer.impressions for answer in answers),
        )

    def processes(self) -> list[int]:
        """The process of each shard, as it is at this moment."""
        return list(self._ask("process"))

    @property
    def _place(self) -> str:
        return f"{len(self.paths)} shards"

    def _ask(self, question: str, *arguments: Any, wait_s: float | None = None) -> list[Any]:
        if self._closed:
            raise _refusal("GAL-075", "the shards were closed", self._place, "open ones", "open them again")
        if not self._places.acquire(blocking=False):
            raise _refusal(
                "GAL-072", "all places for questions are taken", self._place, "a free place", "try again in a moment"
            )
        try:
            asked = [getattr(actor, question).remote(*arguments) for actor in self._actors]
            return [self._answer(number, reference, wait_s or self.wait_s) for number, reference in enumerate(asked)]
        finally:
            self._places.release()

    def _answer(self, number: int, reference: Any, wait_s: float) -> Any:
        place = str(self.paths[number])
        try:
            answer = self._ray.get(reference, timeout=wait_s)
        except self._ray.exceptions.GetTimeoutError:
            self._ray.kill(self._actors[number], no_restart=False)
            raise _refusal(
                "GAL-071",
                f"a shard did not answer in {wait_s:g} s, and its process was replaced",
                place,
                "an answer in time",
                "look at its load, or allow more time",
            ) from None
        except self._ray.exceptions.RayError as error:
            raise _refusal(
                "GAL-073",
                f"a shard died over the same question again and again ({type(error).__name__})",
                place,
                "a process that stays",
                "look at the machine's memory and at the shard's files",
            ) from None
        if isinstance(answer, dict):
            raise StorageError(**answer)
        return answer

    def close(self) -> None:
        """Ends the shards' processes, and Ray's own with the last Shards of this process."""
        with _lock:
            if not self._closed:
                self._closed = True
                for actor in self._actors:
                    self._ray.kill(actor)
                _stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Shard:
    """In a process of its own: one folder. Opened at the first question, so that a refusal is an answer and no death."""

    def __init__(self, path: str, number: int) -> None:
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[number % len(cores)]})  # one core a shard: together they take them all
        self._path = path
        self._gallery: Any = None

    def _open(self) -> Any:
        if self._gallery is None:
            from mithaq.search.gallery import Gallery

            self._gallery = Gallery(self._path)
        return self._gallery

    def search(self, probes: list[bytes], how: dict[str, Any]) -> list[Candidate] | dict[str, str]:
        try:
            return list(self._open().search([Template.from_bytes(probe) for probe in probes], **how))
        except MithaqError as error:
            return error.as_dict()

    def count(self) -> Counts | dict[str, str]:
        try:
            found: Counts = self._open().count()
            return found
        except MithaqError as error:
            return error.as_dict()

    def prepare(self) -> dict[str, str] | None:
        try:
            self._open().prepare()
        except MithaqError as error:
            return error.as_dict()
        return None

    def process(self) -> int:
        return os.getpid()


def _start(shards: int) -> Any:
    """Ray, started for this process where it is not yet, with a core for each shard."""
    global _users
    os.environ.update(_LOCAL)
    try:
        import ray
    except ImportError as error:
        raise _refusal(
            "GAL-070", "ray cannot be imported", "", "the package ray", "install mithaq with its extra `cluster`"
        ) from error
    with _lock:
        if not _users:
            if ray.is_initialized():
                raise _refusal(*_OPEN)
            ray.init(
                num_cpus=max(64, shards),  # shards are counted, not cores: each binds itself to one
                include_dashboard=False,
                _node_ip_address=LOOPBACK,
                object_store_memory=OBJECT_STORE_BYTES,
                log_to_driver=False,
                configure_logging=False,
            )
            address: Any = ray.util.get_node_ip_address
            if address() != LOOPBACK:  # it read its settings before they were made here
                ray.shutdown()
                raise _refusal(*_OPEN)
        _users += 1
    return ray


def _stop() -> None:
    global _users
    _users -= 1
    if _users == 0:
        sys.modules["ray"].shutdown()


def _refusal(code: str, problem: str, place: str, expected: str, remedy: str) -> StorageError:
    return StorageError(code, problem, place=place, expected=expected, remedy=remedy)
