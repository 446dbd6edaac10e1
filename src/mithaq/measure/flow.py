"""One query by stage, and sealed, logged and receipted messages a second between two node processes on this machine.

a query      the demo's first mate: milliseconds by stage, both sides together
throughput   notices (no search) of 1 kB and of 500 kB, put out as fast as the receiver takes them, for some seconds each
memory       the larger resident size of each node process, with a gallery of synthetic templates behind it
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from mithaq.demo.agencies import Agency, make_agencies, serving
from mithaq.demo.population import Kind, make_population
from mithaq.finger import Template
from mithaq.node import flow, notices, views
from mithaq.node.enrol import enrol, list_items
from mithaq.node.gateway import Node
from mithaq.node.opening import open_gallery, open_node
from mithaq.node.store import messages
from mithaq.node.store.conversations import Conversation
from mithaq.pact.gate import parse_offence
from mithaq.pact.notices import Exercise
from mithaq.search import Impression
from mithaq.units import FingerPosition

BODIES: Final = {"1_kB": 1_000, "500_kB": 500_000}
IN_FLIGHT: Final = 64  # unreceipted messages that the sender keeps out at a time
MINUTIAE: Final = 37  # about what a real print has (docs/accuracy.md)
BATCH: Final = 500


def measure_flow(*, seconds: float, fingers: int, say: Callable[[str], None]) -> dict[str, Any]:
    """The figures as a nested dictionary, with the date, the processors and the gallery's size they were taken with."""
    with tempfile.TemporaryDirectory(prefix="mithaq-measure-") as folder:
        say("two agencies")
        population = make_population(Path(folder) / "population", 1, 2, workers=os.cpu_count() or 1)
        agencies = make_agencies(Path(folder))
        for code, agency in agencies.items():
            with open_node(agency.home) as node, open_gallery(node) as gallery:
                enrol(node, gallery, list_items(population.holdings[code].folder))
                say(f"{fingers} synthetic fingers at {code}")
                _fill(gallery, fingers)
        probe = next(one for one in population.probes if one.kind is Kind.MATE)
        with serving(agencies), contextlib.ExitStack() as stack:
            nodes = {code: stack.enter_context(open_node(agency.home)) for code, agency in agencies.items()}
            say("one query")
            order = flow.Order(
                partner=probe.destination, purpose=probe.purpose, case=probe.case, offence=parse_offence(probe.offence),
                legal_basis=probe.legal_basis, ordered_by="captain-1", run_by="officer-1", approved_by="prosecutor-1",
            )  # fmt: skip
            figures: dict[str, Any] = {
                "date": datetime.now(UTC).date().isoformat(),
                "cores": os.cpu_count(),
                "gallery_fingers": fingers,
                "query_ms_first": _one_query(nodes, probe.origin, probe.destination, probe.file, order),
                "query_ms_second": _one_query(nodes, probe.origin, probe.destination, probe.file, order),
            }
            for name, size in BODIES.items():
                say(f"messages of {name} for {seconds:.0f} s")
                figures[name] = _throughput(nodes["QA"], Exercise(os.urandom(size // 2).hex()), seconds)
            figures["memory_MB"] = _memory(agencies)
        return figures


def _fill(gallery: Any, fingers: int) -> None:
    """Templates of random minutiae: right in size and number, which is what speed and memory depend on."""
    draw = np.random.default_rng(7)
    for start in range(0, fingers, BATCH):
        gallery.add_many(
            Impression(f"SYN-{number:08d}", FingerPosition.RIGHT_INDEX, 0, _synthetic(draw))
            for number in range(start, min(start + BATCH, fingers))
        )


def _synthetic(draw: np.random.Generator) -> Template:
    return Template.from_minutiae(
        350, 400, draw.uniform(20, 330, MINUTIAE), draw.uniform(20, 380, MINUTIAE), draw.uniform(0, 2 * np.pi, MINUTIAE)
    )


def _one_query(
    nodes: dict[str, Node], origin: str, destination: str, file: Path, order: flow.Order
) -> dict[str, float]:
    node, holder = nodes[origin], nodes[destination]
    began = time.monotonic()
    sent = flow.submit_query(node, file.read_bytes(), order)
    if not isinstance(sent, Conversation):
        raise RuntimeError("the measured query was not sent")
    while views.find(node, sent.id).state in ("prepared", "sent"):
        time.sleep(0.01)
    total = (time.monotonic() - began) * 1000
    time.sleep(1.0)  # receipts
    stages: dict[str, float] = {}
    for found in (views.find(node, sent.id), views.find(holder, sent.id)):
        for name, spent in found.stages.items():
            stages[name] = round(stages.get(name, 0.0) + spent, 1)
    return {"total": round(total, 1), **stages}


def _throughput(node: Node, exercise: Exercise, seconds: float) -> dict[str, float]:
    """Messages that had their receipt by the end, a second; and how long the slowest second was without any."""
    agreement = node.agreements.current("US", node.clock())
    matter = node.new_id()
    with node.database.read() as tx:
        before = messages.count_receipted(tx)
    began = last = time.monotonic()
    delivered, stall = 0, 0.0
    while (now := time.monotonic()) - began < seconds:
        with node.database.read() as tx:
            waiting = messages.count_waiting(tx)
            done = messages.count_receipted(tx) - before
        if done > delivered:
            delivered, stall, last = done, max(stall, now - last), now
        with node.database.write() as tx:
            for _ in range(max(0, IN_FLIGHT - waiting)):
                notices.send(tx, node, agreement, "US", "exercise", exercise, matter=matter)
        time.sleep(0.02)
    spent = time.monotonic() - began
    while True:  # what is still out must not count, and must not disturb the next figure
        with node.database.read() as tx:
            if not messages.count_waiting(tx):
                break
        time.sleep(0.1)
    return {
        "messages_per_s": round(delivered / spent, 1),
        "MB_per_s": round(delivered * len(exercise.filling) / spent / 1e6, 2),
        "longest_stall_s": round(max(stall, 0.0), 2),
    }


def _memory(agencies: dict[str, Agency]) -> dict[str, float]:
    """Resident memory of each node process, in MB, from /proc."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if b"serve" in words:
                for code, agency in agencies.items():
                    if str(agency.home).encode() in words:
                        pages = int((process / "statm").read_text().split()[1])
                        found[code] = round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)
    return found


__all__ = ["measure_flow"]
