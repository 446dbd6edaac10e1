"""`mithaq node statistics|reconcile|check|extract|report|review|log`: looking at what was done, and proving it to others.

Reading asks for the code of an officer whose role may read (`--by`); what an officer states or decides is signed with
their passphrase.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mithaq.cli.conversation import Officer
from mithaq.cli.output import Home, Json, PassphraseFile, instant, passphrase, say, write_file

if TYPE_CHECKING:
    from mithaq.node.statistics import Reconciled
    from mithaq.pact.bundle import Selection

By = Annotated[str, typer.Option(help="Who reads: the code of an officer whose role may.")]
From = Annotated[str, typer.Option("--from", help="The period's first day, YYYY-MM-DD (UTC).")]
To = Annotated[str, typer.Option("--to", help="The day after its last one, YYYY-MM-DD (UTC).")]
Partner = Annotated[str, typer.Option(help="One partner's code; all partners where left out.")]
Seed = Annotated[str, typer.Option(help="Chosen by whoever checks; thrown and recorded where left out.")]

check = typer.Typer(no_args_is_help=True, help="Random checks of lawfulness: draw, show, record a result.")
extract = typer.Typer(no_args_is_help=True, help="Log extracts that an authority asked for, with their clock.")


def add_to(app: typer.Typer) -> None:
    """Put these commands under `mithaq node`."""
    for command in (statistics, reconcile, report, review, log):
        app.command(command.__name__)(command)
    app.add_typer(check, name="check")
    app.add_typer(extract, name="extract")


def statistics(by: By, start: From, end: To, partner: Partner = "", home: Home = Path(), json_: Json = False) -> None:
    """Figures of a period and direction from the ledger; the partner's ledger gives the same (REQ-150)."""
    from mithaq.node import statistics
    from mithaq.node.opening import open_node
    from mithaq.pact.annual_page import figure_name

    with open_node(home) as node:
        since, until = instant(start, "--from"), instant(end, "--to")
        found = statistics.statistics(node, since, until, by=by, partner=partner)
    lines = [
        f"{found.party} with {partner or 'all partners'}, {start} to {end}",
        f"{'':44}{'by us':>10}{'by them':>10}",
    ]
    for ways in (found.shared, found.own):
        for key in sorted({*ways["out"], *ways["in"]}):
            name = f"{key.partition('.')[0]}: {figure_name(key).en}"
            lines.append(f"{name[:43]:44}{ways['out'].get(key, 0):>10}{ways['in'].get(key, 0):>10}")
    if found.unreadable:
        lines.append(f"{found.unreadable} entries of the period were erased and are in no figure")
    say(found.as_dict(), json_, lines)


def reconcile(
    officer: Officer,
    partner: Annotated[str, typer.Option(help="The partner's code.")],
    start: From,
    end: To,
    home: Home = Path(),
    passphrase_file: PassphraseFile = None,
    json_: Json = False,
) -> None:
    """State our figures of a period to the partner and hold them against theirs. Exit 1 where they differ."""
    from mithaq.node import statistics
    from mithaq.node.opening import open_node

    with open_node(home) as node:
        since, until = instant(start, "--from"), instant(end, "--to")
        word = passphrase(passphrase_file, officer)
        found = statistics.reconcile(node, partner, since, until, officer=officer, passphrase=word)
    say(found.as_dict(), json_, _compared(found))
    if found.differences:
        raise typer.Exit(1)


def _compared(found: Reconciled) -> list[str]:
    if found.theirs is None:
        return ["Our figures are stated; the partner's are not here yet."]
    told = [f"  {one.direction:4}{one.key:44}{one.ours:>10}{one.theirs:>10}" for one in found.differences]
    return told or ["Both ledgers agree to the unit."]


def report(
    year: Annotated[int, typer.Argument(help="The calendar year (UTC).")],
    by: By,
    output: Annotated[Path, typer.Option("-o", "--output", help="Where the page goes.")],
    partner: Partner = "",
    language: Annotated[Literal["en", "ar"], typer.Option(help="The language it opens in.")] = "en",
    home: Home = Path(),
    json_: Json = False,
) -> None:
    """A year's report in English and Arabic: one HTML page with plots and no personal datum (REQ-151)."""
    from mithaq.node import annual
    from mithaq.node.opening import open_node

    with open_node(home) as node:
        made = annual.report(node, year, by=by, partner=partner, language=language)
    write_file(output, made.encode())
    say({"file": str(output), "year": year}, json_, [str(output)])


def review(
    by: By,
    partner: Annotated[str, typer.Option(help="The partner's code.")],
    start: From,
    end: To,
    output: Annotated[Path, typer.Option("-o", "--output", help="A new folder for the pack.")],
    cases: Annotated[int, typer.Option(help="How many cases to draw.", min=1)] = 5,
    seed: Seed = "",
    home: Home = Path(),
    json_: Json = False,
) -> None:
    """The pack for a joint review: cases with proofs, statistics, open corrections, incidents, a verifier (REQ-152)."""
    from mithaq.node import review
    from mithaq.node.opening import open_node

    with open_node(home) as node:
        period = instant(start, "--from"), instant(end, "--to")
        said = review.pack(node, output, partner, *period, by=by, count=cases, seed=seed)
    drawn = f"{said['cases_drawn']} of {said['cases_of_period']} cases, drawn by the seed {said['seed']}"
    say({"folder": str(output), **said}, json_, [f"{output}: {drawn}", f"what to do with it: {output / 'README.txt'}"])


def log(
    by: By,
    start: From = "",
    end: To = "",
    case: Annotated[str, typer.Option(help="A case's reference, instead of a period.")] = "",
    reason: Annotated[
        str, typer.Option(help="audit, lawfulness, security, authority or review; it is logged.")
    ] = "audit",
    home: Home = Path(),
    json_: Json = False,
) -> None:
    """Read the log of a period or case, as the roles may that check lawfulness and security; that is logged (REQ-112)."""
    from mithaq.node import proofs
    from mithaq.node.opening import open_node
    from mithaq.units import timestamp

    with open_node(home) as node:
        found = proofs.read_log(node, _selection(start, end, case), by=by, reason=reason)
    rows = [None if one is None else {"kind": one.kind, "at": timestamp(one.at), **one.data} for one in found]
    lines = [
        "(erased)" if row is None else f"{row['at']}  {row['kind']}  " + " ".join(
            f"{key}={value}" for key, value in row.items() if key not in ("at", "kind"))
        for row in rows
    ]  # fmt: skip
    say({"entries": rows}, json_, lines)


@check.command("draw")
def check_draw(
    officer: Officer,
    start: From,
    end: To,
    count: Annotated[int, typer.Option(help="How many queries.", min=1)] = 10,
    seed: Seed = "",
    home: Home = Path(),
    passphrase_file: PassphraseFile = None,
    json_: Json = False,
) -> None:
    """Draw queries of a period for a check of lawfulness (REQ-143)."""
    from mithaq.node import sampling
    from mithaq.node.opening import open_node

    with open_node(home) as node:
        period = instant(start, "--from"), instant(end, "--to")
        word = passphrase(passphrase_file, officer)
        made = sampling.draw(node, *period, count, officer=officer, passphrase=word, seed=seed)
    values = {"check": made.id, "seed": made.seed, "queries": made.population}
    say(values, json_, [f"{made.id}  drawn from {made.population} queries by the seed {made.seed}"])


@check.command("show")
def check_show(
    by: By,
    check_id: Annotated[str, typer.Argument(help="A sample's id; all samples where left out.")] = "",
    home: Home = Path(),
    json_: Json = False,
) -> None:
    """The samples, or the queries of one, with their results."""
    from mithaq.node import sampling
    from mithaq.node.opening import open_node

    def told(items: list[Any]) -> list[str]:
        return [f"  entry {one.position:8} {one.outcome or 'open':10} {one.ground or ''}" for one in items]

    with open_node(home) as node:
        if not check_id:
            found = sampling.all_checks(node, by=by)
            lines = [
                f"{one.id}  seed {one.seed}  {sum(i.outcome is not None for i in items)}/{len(items)}"
                for one, items in found
            ]
            rows = [{**asdict(one), "items": [asdict(item) for item in items]} for one, items in found]
            say({"checks": rows}, json_, lines)
            return
        made, items = sampling.to_check(node, check_id, by=by)
        drawn = sampling.redrawn(node, made) == [item.position for item, _ in items]
    values = {**asdict(made), "redrawn": drawn, "items": [{**asdict(item), "query": query} for item, query in items]}
    lines = [f"{made.id}  seed {made.seed}", *told([item for item, _ in items])]
    lines.append("  the seed draws exactly these" if drawn else "  PROBLEM: the seed draws others")
    say(values, json_, lines)


@check.command("record")
def check_record(
    check_id: Annotated[str, typer.Argument(help="The sample's id.")],
    entry: Annotated[int, typer.Argument(help="The query's entry in the ledger, as `show` has it.")],
    officer: Officer,
    outcome: Annotated[str, typer.Option(help="lawful, unlawful or unclear.")],
    ground: Annotated[str, typer.Option(help="purpose, offence, necessity, legal-basis, authority or record.")] = "",
    home: Home = Path(),
    passphrase_file: PassphraseFile = None,
    json_: Json = False,
) -> None:
    """Record, once and signed, what the check of one query found."""
    from mithaq.node import sampling
    from mithaq.node.opening import open_node

    with open_node(home) as node:
        word = passphrase(passphrase_file, officer)
        sampling.record(node, check_id, entry, outcome=outcome, ground=ground, officer=officer, passphrase=word)
    say({"check": check_id, "entry": entry, "outcome": outcome}, json_, [f"entry {entry}: {outcome} {ground}".rstrip()])


@extract.command("ask")
def extract_ask(
    officer: Officer,
    authority: Annotated[str, typer.Option(help="The authority's code, as dpa-1.")],
    start: From = "",
    end: To = "",
    case: Annotated[str, typer.Option(help="A case's reference, instead of a period.")] = "",
    asked: Annotated[str, typer.Option(help="When it asked, where not now.")] = "",
    home: Home = Path(),
    passphrase_file: PassphraseFile = None,
    json_: Json = False,
) -> None:
    """Put on record that an authority asked for an extract of the log; its clock begins (REQ-113)."""
    from mithaq.node import extracts
    from mithaq.node.opening import open_node

    with open_node(home) as node:
        made = extracts.ask(
            node,
            _selection(start, end, case),
            authority=authority,
            officer=officer,
            passphrase=passphrase(passphrase_file, officer),
            asked_at=instant(asked, "--asked") if asked else None,
        )
    say({"extract": made.id, "due_at": made.due_at}, json_, [f"{made.id}  due {made.due_at}"])


@extract.command("give")
def extract_give(
    extract_id: Annotated[str, typer.Argument(help="The request's id.")],
    by: By,
    output: Annotated[Path, typer.Option("-o", "--output", help="Where the bundle goes.")],
    home: Home = Path(),
    json_: Json = False,
) -> None:
    """Write the extract with its proofs, for `python3 verify_bundle.py FILE`; its clock stops."""
    from mithaq.node import extracts
    from mithaq.node.opening import open_node

    with open_node(home) as node:
        given, data = extracts.give(node, extract_id, by=by)
    write_file(output, data)
    late = (given.given_at or "") > given.due_at
    say({"file": str(output), "late": late}, json_, [f"{output}{': it was late' if late else ''}"])


@extract.command("list")
def extract_list(home: Home = Path(), json_: Json = False) -> None:
    """What authorities asked for, by the day on which it is due. Exit 1 where something is late."""
    from mithaq.node import extracts
    from mithaq.node.opening import open_node

    with open_node(home) as node:
        rows, waiting = extracts.every(node), {one.id: left for one, left in extracts.due(node)}
    lines = [
        f"{one.id}  {one.authority:20} due {one.due_at[:10]}  "
        + ("given" if one.given_at else "LATE" if waiting[one.id] < 0 else f"{waiting[one.id]:.0f} days left")
        for one in rows
    ]
    say({"extracts": [{**asdict(one), "days_left": waiting.get(one.id)} for one in rows]}, json_, lines)
    if any(left < 0 for left in waiting.values()):
        raise typer.Exit(1)


def _selection(start: str, end: str, case: str) -> Selection:
    from mithaq.pact.bundle import Selection

    return Selection(
        start=instant(start, "--from") if start else None, end=instant(end, "--to") if end else None, case=case
    )
