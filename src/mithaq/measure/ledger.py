"""What a ledger costs as it grows: `mithaq measure ledger`.

append        one entry, and `TOGETHER` entries, to a durable transaction, by `node.journal`, as the node does
proofs        inclusion and consistency at random places, from the stored nodes
verify        the whole ledger by `pact.ledger.verify_ledger`, and a bundle by the verifier that ships
opening       what `node serve` reads of the ledger at its start, and the peak memory of a process that does so

Up to `by_node` entries every row is written by the node's own code; past that the rest are the same rows from the same
functions, many to a statement, and the figures say how many. Times are of this machine as it is.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast

from mithaq.errors import SettingsError
from mithaq.node import journal
from mithaq.node.gateway import Node, log_name
from mithaq.node.store import Tx, create_database, ledger, open_database
from mithaq.node.store.database import Database
from mithaq.pact.bundle import Selection, choose, make_bundle
from mithaq.pact.checkpoint import Checkpoint, check_own
from mithaq.pact.entries import entry_body
from mithaq.pact.keys import generate_checkpoint_key
from mithaq.pact.ledger import new_entry, verify_ledger
from mithaq.pact.merkle import append_nodes, consistency_proof, inclusion_proof, root
from mithaq.pact.verify_bundle import check
from mithaq.units import timestamp

TOGETHER: Final = 16  # entries to a transaction, as a courier keeps receipts (`node.durable.BATCH`)
ALONE: Final = 200  # transactions of one entry that are timed
BY_NODE: Final = 20_000
BULK: Final = 10_000
PROOFS: Final = 200
SAMPLE: Final = 100  # entries in the bundle
AT: Final = datetime(2026, 3, 10, 12, tzinfo=UTC)

Advance = Callable[[str, int, int], None]


def measure_ledger(sizes: Sequence[int], *, advance: Advance, by_node: int = BY_NODE) -> dict[str, Any]:
    """Figures by size of one ledger that grows in a temporary folder; SettingsError MEA-007 where a size is not positive."""
    if not sizes or min(sizes) < 1:
        raise SettingsError("MEA-007", "a ledger to measure has entries", key="entries", expected="sizes from 1 on")
    with tempfile.TemporaryDirectory(prefix="mithaq-ledger-") as folder, contextlib.ExitStack() as stack:
        file = Path(folder) / "ledger.sqlite"
        create_database(f"sqlite:///{file}")
        database = open_database(f"sqlite:///{file}")
        stack.callback(database.close)
        figures: dict[str, Any] = {"date": datetime.now(UTC).date().isoformat(), "cores": os.cpu_count()}
        for size in sorted(set(sizes)):
            before = os.getloadavg()[0]
            found: dict[str, Any] = {"append": _grow(database, size, by_node, advance)}
            advance("proofs", 0, 1)
            found |= {"proofs": _proofs(database, size), "bundle": _bundle(database, size)}
            found |= {"verify": _verify(database, size, advance), "opening": _in_a_process(database.url)}
            database.truncate_log()
            found["bytes_an_entry"] = round(file.stat().st_size / size, 1)
            figures[f"{size}_entries"] = {**found, "load": f"{before:.2f} to {os.getloadavg()[0]:.2f}"}
        return figures


def _facts(number: int) -> dict[str, Any]:
    """The facts of a received query's entry: the largest kind that comes often."""
    return {
        "message": f"{number:032x}", "conversation": f"{number:032x}", "agreement": "sha256:" + "a" * 64,
        "digest": f"{number:064x}", "sender": "US", "sender_contact": "us-ncp", "recipient": "QA",
        "recipient_contact": "qa-ncp", "body_type": "ansi-nist", "body_bytes": 60_000, "created": timestamp(AT),
        "purpose": "terrorism", "offence": "fraud", "penalty_months": 36, "case": f"C-{number}", "legal_basis": "Art. 1",
        "search_type": "TP/TP", "fingers": [1, 2], "expedited": False,
    }  # fmt: skip


def _grow(database: Database, size: int, by_node: int, advance: Advance) -> dict[str, Any]:
    """The ledger brought to `size`, and entries a second of each way that it took."""
    node = cast(Node, SimpleNamespace(clock=lambda: AT))  # all that `journal.write` asks of a node
    with database.read() as tx:
        start = now = ledger.ledger_size(tx)
    figures: dict[str, Any] = {}
    by_node = min(size, start + by_node)
    for name, end, together in (("alone_per_s", min(by_node, start + ALONE), 1), ("together_per_s", by_node, TOGETHER)):
        first, began = now, time.perf_counter()
        while now < end:
            with database.write() as tx:
                for number in range(now, min(end, now + together)):
                    journal.write(tx, node, "query-received", **_facts(number))
            now = min(end, now + together)
            advance("appending", now, size)
        if now > first:
            figures[name] = round((now - first) / (time.perf_counter() - began), 1)
    figures["by_the_node"] = now - start
    while now < size:
        with database.write() as tx:
            _bulk(tx, now, end := min(size, now + BULK))
        now = end
        advance("appending in bulk", now, size)
    return figures


def _bulk(tx: Tx, start: int, end: int) -> None:
    """The same rows as `journal.write` stores, in few statements."""
    fresh: dict[tuple[int, int], bytes] = {}
    entries = []

    def get(level: int, index: int) -> bytes:
        found = fresh.get((level, index))
        return ledger.node_hash(tx, level, index) if found is None else found

    for number in range(start, end):
        entries.append(entry := new_entry(number, entry_body("query-received", AT, _facts(number))))
        fresh.update({(level, at): value for level, at, value in append_nodes(number, entry.leaf_hash, get)})
    ledger.add_entries(
        tx, entries, "query-received", timestamp(AT), [(*place, value) for place, value in fresh.items()]
    )


def _proofs(database: Database, size: int) -> dict[str, float]:
    """Milliseconds a proof: the middle one and the slowest of `PROOFS` at random places."""
    draw = random.Random(size)
    figures: dict[str, float] = {}
    with database.read() as tx:
        for name, prove in (("inclusion", inclusion_proof), ("consistency", consistency_proof)):
            spent = []
            for _ in range(PROOFS):
                place, began = draw.randrange(size), time.perf_counter()
                prove(place, size, lambda level, at: ledger.node_hash(tx, level, at))
                spent.append((time.perf_counter() - began) * 1000)
            spent.sort()
            figures |= {f"{name}_ms": round(spent[len(spent) // 2], 3), f"{name}_slowest_ms": round(spent[-1], 3)}
    return figures


def _bundle(database: Database, size: int) -> dict[str, float]:
    """Seconds to make a bundle of `SAMPLE` entries drawn by a seed, and to check it; the verifier raises where it fails."""
    key, began = generate_checkpoint_key(log_name("QA")), time.perf_counter()
    with database.read() as tx:
        selection = Selection(seed="measure", count=min(SAMPLE, size))
        found = ledger.entries_at(tx, choose(selection, (), size))
        bundle = make_bundle(
            "QA", selection, found, size=size, get=lambda level, at: ledger.node_hash(tx, level, at), key=key,
            keys={"QA": [str(key.vkey)]}, notes={}, at=AT,
        )  # fmt: skip
    made = time.perf_counter()
    check(bundle, {"QA": [str(key.vkey)]})
    return {"entries": len(found), "made_s": round(made - began, 3), "checked_s": round(time.perf_counter() - made, 3)}


def _verify(database: Database, size: int, advance: Advance) -> dict[str, float]:
    """Seconds to recompute the tree from all entries, each body and each stored hash compared."""
    began = time.perf_counter()
    with database.read() as tx:
        report = verify_ledger(
            ledger.entries(tx), own_keys=(), get=ledger.NodeReader(tx), progress=lambda n: advance("verifying", n, size)
        )
    return {"entries": report.size, "problems": len(report.findings), "s": round(time.perf_counter() - began, 2)}


def _in_a_process(url: str) -> dict[str, float]:
    """Seconds in which a fresh process opens the ledger and compares it with a co-signed head, as a node does at its
    start, and that process's peak memory beyond what it had before, in MB."""
    context = multiprocessing.get_context("spawn")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=_open, args=(url, send))
    process.start()
    send.close()
    try:
        return cast(dict[str, float], receive.recv())
    finally:
        process.join()


def _open(url: str, send: Any) -> None:
    before, began = _peak_mb(), time.perf_counter()
    database = open_database(url)
    with database.read() as tx:
        size = ledger.ledger_size(tx)
        old = size // 2 + 1

        def get(level: int, at: int) -> bytes:
            return ledger.node_hash(tx, level, at)

        check_own(size, get, Checkpoint(log_name("QA"), old, root(old, get)))  # as `witness.begin`
        root(size, get)
    spent = time.perf_counter() - began
    database.close()
    send.send({"s": round(spent, 3), "peak_MB_more": round(_peak_mb() - before, 1)})


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
