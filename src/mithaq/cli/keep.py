"""`mithaq node sweep|hold|certificates|expose|withdraw|residue`: what a node keeps, for how long, and what it exposes."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Annotated

import typer

from mithaq.cli.conversation import Officer
from mithaq.cli.output import Home, Json, PassphraseFile, passphrase, read_file, say, write_file

app = typer.Typer()
hold = typer.Typer(no_args_is_help=True, help="Legal holds: what is under one is not erased until it ends.")
expose = typer.Typer(no_args_is_help=True, help="Which records the partner may find: a rule, and overrides.")
app.add_typer(hold, name="hold")
app.add_typer(expose, name="expose")
national = typer.Typer(no_args_is_help=True, help="Changes from a national system: one by hand, or its API's token.")
app.add_typer(national, name="national")


@app.command()
def sweep(home: Home = Path(), json_: Json = False) -> None:
    """Erase what has outlived its time. A node that serves does this by itself, every hour."""
    from mithaq.node import retention
    from mithaq.node.opening import open_node

    with open_node(home) as node:
        swept = retention.sweep(node).as_dict()
    say(swept, json_, [f"{name:14} {count}" for name, count in swept.items()])


@app.command()
def certificates(
    home: Home = Path(),
    out: Annotated[Path | None, typer.Option(help="A folder to write each certificate into.")] = None,
    json_: Json = False,
) -> None:
    """The deletion certificates of both directions, each verified again. Exit 1 where one does not verify."""
    from mithaq.node import certificates as kept
    from mithaq.node.opening import open_node

    with open_node(home) as node:
        found = kept.everything(node)
    rows = []
    for one, deletion in found:
        facts = {name: value for name, value in asdict(one).items() if name != "signed"}
        rows.append(facts | {"verifies": deletion is not None, "reason": deletion.reason if deletion else None})
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            write_file(out / f"{one.direction}-{one.id}.jws", one.signed.encode())
    lines = [f"{row['at'][:19]}  {row['direction']:3}  {row['reference']:20} {'good' if row['verifies'] else 'BAD'}"
             for row in rows]  # fmt: skip
    say({"certificates": rows}, json_, lines or ["there are none"])
    if not all(row["verifies"] for row in rows):
        raise typer.Exit(1)


# ---------------------------------------------------------------- holds


@hold.command("place")
def hold_place(
    subject: Annotated[str, typer.Argument(help="A conversation's id, a reference number, or log.")],
    reason: Annotated[str, typer.Option(help="court-order, investigation, oversight or data-subject-request.")],
    until: Annotated[str, typer.Option(help="The last day of the hold, YYYY-MM-DD (UTC).")],
    officer: Officer,
    home: Home = Path(),
    note: Annotated[str, typer.Option(help="Words for the file; they never leave this node.")] = "",
    passphrase_file: PassphraseFile = None,
    json_: Json = False,
) -> None:
    """Suspend the erasure of a conversation's data and log, of a record, or of the whole log."""
    from mithaq.node import holds
    from mithaq.node.opening import open_node

    try:
        ends = datetime.combine(datetime.strptime(until, "%Y-%m-%d") + timedelta(days=1), time(), UTC)
    except ValueError:
        raise typer.BadParameter("the day is written YYYY-MM-DD", param_hint="--until") from None
    with open_node(home) as node:
        secret = passphrase(passphrase_file, officer)
        made = holds.place(node, subject, reason=reason, ends=ends, officer=officer, passphrase=secret, note=note)
    say({"hold": made.id, "until": made.ends_at}, json_, [f"hold {made.id} until {made.ends_at[:19]} UTC"])


@hold.command("lift")
def hold_lift(
    hold_id: str, officer: Officer, home: Home = Path(), passphrase_file: PassphraseFile = None, json_: Json = False
) -> None:
    """End a hold now; the next sweep erases what is due."""
    from mithaq.node import holds
    from mithaq.node.opening import open_node

    with open_node(home) as node:
        holds.lift(node, hold_id, officer=officer, passphrase=passphrase(passphrase_file, officer))
    say({"lifted": hold_id}, json_, [f"hold {hold_id} has ended"])


@hold.command("list")
def hold_list(home: Home = Path(), json_: Json = False) -> None:
    """All holds, past ones included."""
    from mithaq.node import holds
    from mithaq.node.opening import open_node

    with open_node(home) as node:
        rows = [
            {name: value for name, value in asdict(one).items() if name not in ("signed", "lifted")}
            for one in holds.everything(node)
        ]
    lines = [f"{row['id']}  {row['subject']:36} {row['reason']:16} {row['author']:14} until {row['ends_at'][:10]}"
             for row in rows]  # fmt: skip
    say({"holds": rows}, json_, lines or ["there are none"])


# ---------------------------------------------------------------- exposure


@expose.command("rule")
def expose_rule(
    file: Annotated[Path, typer.Argument(help="JSON: categories, offences, dispositions (lists), min_age.")],
    officer: Officer,
    home: Home = Path(),
    passphrase_file: PassphraseFile = None,
    json_: Json = False,
) -> None:
    """Put an exposure rule in force and decide every record anew."""
    from mithaq.node import exposure
    from mithaq.node.opening import open_node

    rule = exposure.read_rule(read_file(file, largest=65536))
    with open_node(home) as node:
        changed = exposure.set_rule(node, rule, officer=officer, passphrase=passphrase(passphrase_file, officer))
    say({"changed": changed}, json_, [f"the rule is in force; {changed} records were exposed or hidden by it"])


@expose.command("record")
def expose_record(
    reference: Annotated[str, typer.Argument(help="The record's reference number.")],
    to: Annotated[str, typer.Option(help="expose, hide, or rule (take the override back).")],
    officer: Officer,
    home: Home = Path(),
    passphrase_file: PassphraseFile = None,
    json_: Json = False,
) -> None:
    """Expose or hide one record against the rule."""
    from mithaq.node import exposure
    from mithaq.node.opening import open_node

    if to not in ("expose", "hide", "rule"):
        raise typer.BadParameter("expose, hide or rule", param_hint="--to")
    with open_node(home) as node:
        secret = passphrase(passphrase_file, officer)
        wanted: exposure.Override = "" if to == "rule" else to  # type: ignore[assignment]
        changed = exposure.override(node, reference, wanted, officer=officer, passphrase=secret)
    say({"reference": reference, "changed": changed}, json_, [f"{reference}: {'changed' if changed else 'as it was'}"])


@expose.command("again")
def expose_again(home: Home = Path(), json_: Json = False) -> None:
    """Decide every record anew, for birthdays that passed; a serving node does it once a day (UTC)."""
    from mithaq.node import exposure
    from mithaq.node.opening import open_node

    with open_node(home) as node:
        changed = exposure.again(node)
    say({"changed": changed}, json_, [f"{changed} records were exposed or hidden"])


@expose.command("list")
def expose_list(home: Home = Path(), json_: Json = False) -> None:
    """The rule in force and the newest decisions."""
    from mithaq.node import exposure
    from mithaq.node.opening import open_node
    from mithaq.pact.strict import plain

    with open_node(home) as node:
        version, rule = exposure.current_rule(node)
        rows = [asdict(one) for one in exposure.everything(node)]
    facts = {"version": version, "rule": plain(rule) if rule else None, "records": rows}
    lines = [f"rule {version}: {facts['rule']}" if rule else "no rule: every record is exposed"]
    lines += [f"{row['reference']:20} {'exposed' if row['exposed'] else 'hidden':8} {row['reason']}" for row in rows]
    say(facts, json_, lines)


@app.command()
def withdraw(
    reference: Annotated[str, typer.Argument(help="The record's reference number.")],
    reason: Annotated[
        str, typer.Option(help="acquitted, expunged, enrolled-by-mistake, court-order or national-withdrawal.")
    ],
    officer: Officer,
    home: Home = Path(),
    passphrase_file: PassphraseFile = None,
    json_: Json = False,
) -> None:
    """Take a record out of this node for good: prints, identity, templates. A legal hold keeps it, hidden."""
    from mithaq.node import exposure
    from mithaq.node.opening import open_node

    with open_node(home) as node:
        secret = passphrase(passphrase_file, officer)
        prints = exposure.withdraw(node, reference, reason=reason, by=officer, passphrase=secret)
    kept = "erased" if prints else "hidden; it is erased when its hold ends"
    say({"reference": reference, "prints": prints}, json_, [f"{reference}: {kept}"])


# ---------------------------------------------------------------- the national system


@national.command("token")
def national_token(home: Home = Path(), json_: Json = False) -> None:
    """Make a new token for the API on this machine; the node takes it at its next start."""
    from mithaq.node.national_api import make_token
    from mithaq.node.settings import read_settings

    place = make_token(read_settings(home))
    say({"file": str(place)}, json_, [f"the token is in {place}"])


@national.command("apply")
def national_apply(
    file: Annotated[Path, typer.Argument(help="A change as JSON; its prints may name files beside it.")],
    home: Home = Path(),
    json_: Json = False,
) -> None:
    """Add, change or withdraw one person, as the national system says it."""
    from mithaq.node import national as system
    from mithaq.node.opening import open_node

    change = system.read_change(read_file(file), folder=file.parent)
    with open_node(home) as node:
        done = system.apply(node, change).as_dict()
    lines = [f"{done['reference']}: {'exposed' if done['exposed'] else 'not exposed'}"]
    say(done, json_, lines + [f"  print: {one['outcome']}" for one in done["prints"]])


@app.command()
def token(home: Home = Path(), json_: Json = False) -> None:
    """Move the stores' keys from their files into the PKCS#11 token that node.toml names. The node must not be serving."""
    from mithaq.node.rekey import move_to_token
    from mithaq.node.settings import read_settings

    moved = move_to_token(read_settings(home))
    say({"rewrapped": moved}, json_, [f"{moved} data keys were wrapped anew; the key files are gone"])


# ---------------------------------------------------------------- residue


@app.command()
def residue(
    prints: Annotated[list[Path] | None, typer.Argument(help="Files of prints that must not be found.")] = None,
    home: Home = Path(),
    text: Annotated[list[str] | None, typer.Option(help="A name or number that must not be found; repeatable.")] = None,
    ppi: Annotated[float | None, typer.Option(help="Resolution of pictures that do not state theirs.")] = None,
    json_: Json = False,
) -> None:
    """Look for traces of erased prints and names in every file of the node. Exit 1 where something is found."""
    from mithaq.node import residue as scanner
    from mithaq.node.opening import open_node

    with open_node(home) as node:
        needles = [one for file in prints or [] for one in scanner.print_needles(node, read_file(file), ppi=ppi)]
        needles += [one for name in text or [] for one in scanner.text_needles(name)]
        found = scanner.scan(node, needles)
    lines = [f"{found.files} files, {found.bytes} bytes read"]
    lines += [f"FOUND {one.needle} in {one.file} at byte {one.offset}" for one in found.traces]
    lines += [f"FOUND {count} {name}" for name, count in found.problems.items()]
    say(
        asdict(found) | {"clean": found.is_clean}, json_, lines if not found.is_clean else [*lines, "nothing was found"]
    )
    if not found.is_clean:
        raise typer.Exit(1)
