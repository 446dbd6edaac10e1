"""`mithaq demo`: two agencies on this machine, queries both ways, up to a released hit."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mithaq.cli.output import Json, say

if TYPE_CHECKING:
    from mithaq.demo.run import Demonstration

BAND = "demonstration, no affiliation  ·  عرض توضيحي، دون أي انتماء"


def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the run instead of staying up.")] = False,
    folder: Annotated[Path, typer.Option("--dir", help="Everything is kept below this folder.")] = Path("demo"),
    seed: Annotated[int, typer.Option(help="Another seed makes other people and other prints.")] = 1,
    persons: Annotated[int, typer.Option(min=2, max=500, help="Persons on either side, two fingers each.")] = 30,
    json_: Json = False,
) -> None:
    """Two agencies, one agreement, queries both ways; a demonstration, no affiliation."""
    from mithaq.demo.run import demonstration

    for name in (signal.SIGINT, signal.SIGTERM):  # both end in order, with nothing left behind
        signal.signal(name, signal.default_int_handler)
    began = time.monotonic()

    def tell(text: str) -> None:
        print(f"[{time.monotonic() - began:5.1f} s] {text}", file=sys.stderr, flush=True)

    print(BAND, file=sys.stderr, flush=True)
    with demonstration(folder.resolve(), seed=seed, persons=persons, workers=os.cpu_count() or 1, say=tell) as done:
        say(done.as_dict(), json_, _lines(done))
        sys.stdout.flush()
        if not once:
            print("Both desks stay up; Ctrl-C ends the demonstration.", file=sys.stderr, flush=True)
            with contextlib.suppress(KeyboardInterrupt):
                while True:
                    time.sleep(3600)
            print("Ending both nodes ...", file=sys.stderr, flush=True)
    if not done.is_as_promised:
        raise typer.Exit(1)


def _lines(done: Demonstration) -> list[str]:
    from mithaq.demo.agencies import PASSPHRASE, PEOPLE

    lines = [BAND, ""]
    for result in done.results:
        mark = "✓" if result.is_expected else "✗ not as expected"
        detail = result.reference or result.clause or ", ".join(result.reasons)
        released = ", released" if result.released else ""
        lines.append(
            f"{mark} {result.probe.origin} → {result.probe.destination}  {result.probe.kind:9} "
            f"{result.outcome}{released}  {detail}"
        )
    lines += [f"{'✓' if one.is_done else '✗ not as promised'} {one.what}: {one.detail}" for one in done.duties]
    lines.append("")
    for report in done.ledgers:
        state = "whole, co-signed" if report.agrees else "; ".join(report.problems)
        lines.append(f"ledger of {report.node}: {report.size} entries, {state}, head {report.head[:16]}…")
    lines += done.disagreements or ["both ledgers agree on every message"]
    lines += ["", *(f"desk of {agency.code}: {agency.desk_url}" for agency in done.agencies.values())]
    lines.append("sign in as " + ", ".join(f"{one.code} ({'/'.join(one.roles)})" for one in PEOPLE))
    lines.append(f'passphrase of all of them: "{PASSPHRASE}"')
    lines.append(f"{done.seconds:.1f} s")
    return lines
