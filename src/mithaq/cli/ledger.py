"""`mithaq ledger`: proving that a node's record is whole."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from mithaq.cli.output import Home, Json, say, write_file

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


@app.command()
def prove(
    entry: Annotated[int | None, typer.Argument(help="An entry's index, from 0.", min=0)] = None,
    since: Annotated[int | None, typer.Option(help="A size that was known before, instead of an entry.", min=0)] = None,
    size: Annotated[int | None, typer.Option(help="The size to prove it in; the whole ledger if left out.")] = None,
    home: Home = Path(),
    json_: Json = False,
) -> None:
    """The proof that an entry stands in the ledger, or that the ledger continues the one of an earlier size."""
    from mithaq.node import proofs
    from mithaq.node.opening import open_node

    if (entry is None) == (since is None):
        raise typer.BadParameter("give an entry's index, or --since SIZE")
    with open_node(home) as node:
        if entry is not None:
            found = proofs.prove_inclusion(node, entry, size)
            what = f"entry {entry} (leaf {found.leaf}) stands in the first {found.size} entries"
        else:
            found = proofs.prove_consistency(node, since or 0, size)
            what = f"the first {found.size} entries continue the first {since} (root {found.first_root})"
    lines = [what, f"root {found.root}", *(f"  {value}" for value in found.hashes), "", found.checkpoint.rstrip()]
    say(found.as_dict(), json_, lines)


@app.command()
def bundle(
    output: Annotated[Path, typer.Option("-o", "--output", help="Where the bundle goes.")],
    by: Annotated[str, typer.Option(help="Who reads the log: an auditor or protection officer.")],
    start: Annotated[str, typer.Option("--from", help="A period's first day, YYYY-MM-DD (UTC).")] = "",
    end: Annotated[str, typer.Option("--to", help="The day after its last one, YYYY-MM-DD (UTC).")] = "",
    case: Annotated[str, typer.Option(help="A case's reference, instead of a period.")] = "",
    sample: Annotated[int, typer.Option(help="So many entries, drawn by --seed.", min=0)] = 0,
    seed: Annotated[str, typer.Option(help="Chosen by whoever checks, so that nobody else chose the sample.")] = "",
    reason: Annotated[
        str, typer.Option(help="audit, lawfulness, security, authority or review; it is logged.")
    ] = "audit",
    verifier: Annotated[Path | None, typer.Option(help="Also write the single-file verifier there.")] = None,
    home: Home = Path(),
    json_: Json = False,
) -> None:
    """Write entries with their proofs into one file, for `python3 verify_bundle.py FILE` on a machine without mithaq."""
    from mithaq.node import proofs
    from mithaq.node.opening import open_node
    from mithaq.pact.bundle import Selection
    from mithaq.pact.bundle import verifier as verifier_file

    selection = Selection(start=_day(start), end=_day(end), case=case, seed=seed, count=sample)
    with open_node(home) as node:
        made = proofs.bundle(node, selection, by=by, reason=reason)
    write_file(output, json.dumps(made, ensure_ascii=False, indent=1).encode() + b"\n")
    if verifier is not None:
        write_file(verifier, verifier_file())
    witnesses = [one["by"] for one in made["witnessed"]]
    lines = [f"{output}: {len(made['entries'])} entries, co-signed by {', '.join(witnesses) or 'nobody yet'}"]
    lines.append(f"check it: python3 {verifier or 'verify_bundle.py'} {output} --agreement AGREEMENT")
    say({"file": str(output), "entries": len(made["entries"]), "witnessed_by": witnesses}, json_, lines)


def _day(text: str) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise typer.BadParameter("write the day as YYYY-MM-DD") from None
