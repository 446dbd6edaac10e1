"""`mithaq ledger`: proving that a node's record is whole."""

from __future__ import annotations

from pathlib import Path

import typer

from mithaq.cli.output import Home, Json, say

app = typer.Typer(no_args_is_help=True, help="Check the ledger that both sides co-sign.")


@app.callback()
def _group() -> None:
    """Check the ledger that both sides co-sign."""


@app.command()
def verify(home: Home = Path(), json_: Json = False) -> None:
    """Recount the ledger, check every signature and receipt. Exit 1 where something does not fit."""
    from mithaq.node import audit
    from mithaq.node.opening import open_node

    with open_node(home) as node:
        report = audit.verify(node)
    lines = [f"{report.node}: {report.size} entries, head {report.head}"]
    lines += [f"  co-signed by {partner} up to entry {size}" for partner, size in report.cosigned.items()]
    if report.erased:
        lines.append(f"  bodies erased: {report.erased}")
    beyond = report.size - min(report.cosigned.values(), default=0)
    if beyond:
        lines.append(f"  the newest {beyond} entries have this node's word alone, no partner's yet")
    lines += [f"  PROBLEM: {problem}" for problem in report.problems] or ["  nothing was found that does not fit"]
    say(report.as_dict(), json_, lines)
    if not report.agrees:
        raise typer.Exit(1)
