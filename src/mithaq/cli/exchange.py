"""`mithaq exchange`: what waits, supplied data and their corrections; `duties` adds supply, consent, access and breach.

A MATTER or SUBJECT is an id or, for a matter, the beginning of one. A subject is what data came with: the conversation
of a query, or the matter of a supply. Exit 0 done, 1 refused with its clause.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mithaq.cli.output import Home, Json, PassphraseFile, passphrase, read_file, say, write_file
from mithaq.errors import SettingsError
from mithaq.pact.exchanges import Action, Fault, RecipientKind, RefusalGround, Use, WithholdingGround

if TYPE_CHECKING:
    from mithaq.node.gateway import Node

app = typer.Typer(no_args_is_help=True, help="Supplies, corrections, consents, persons' requests and breaches.")

Officer = Annotated[str, typer.Option("--officer", help="Who acts; signs with their own passphrase.")]
Matter = Annotated[str, typer.Argument(help="The matter's id or its beginning.")]
Subject = Annotated[str, typer.Argument(help="The id of the conversation or supply that the data came with.")]
Partner = Annotated[str, typer.Option(help="The partner's code.")]
Explanation = Annotated[str, typer.Option(help="In words; sealed on its way and at rest.")]
Task = Annotated[str, typer.Option(help="The task of an error in our own file that this settles.")]
Conditions = Annotated[list[str] | None, typer.Option("--condition", help="A condition; may be repeated.")]
ConsentOf = Annotated[str, typer.Option("--consent", help="The matter of the supplier's consent.")]
Output = Annotated[Path, typer.Option("-o", "--output", help="Where the file goes.")]
Data = Annotated[Path | None, typer.Option("--data", help="A JSON object: core data by their field names.")]


@app.command()
def matters(
    matter: Annotated[str, typer.Argument(help="One matter, by its id or its beginning.")] = "",
    overdue: Annotated[bool, typer.Option("--overdue", help="Only those that wait longer than their time.")] = False,
    home: Home = Path(),
    json_: Json = False,
) -> None:
    """What waits, what was done; or one matter with its history and the recipients who must be told."""
    from mithaq.node.exchanges import held
    from mithaq.node.exchanges import matters as rooms
    from mithaq.node.opening import open_node

    with open_node(home) as node:
        if matter:
            found = rooms.find(node, matter)
            facts = {**_facts(found), "overdue": rooms.overdue(node, found), "history": rooms.history(node, found.id)}
            facts["recalls"] = [
                {"number": row.id, "recipient": row.recipient, "action": one.action, "told_at": one.told_at}
                for one, row in held.recalls(node, found.id)
            ]
            lines = [f"{key:10} {value}" for key, value in facts.items() if key not in ("history", "recalls")]
            lines += [f"  tell {row['number']}  {row['recipient']}: {row['action']}" for row in facts["recalls"]]
            lines += [f"  {row['at']}  {row['what']:22} {row['by']}" for row in facts["history"]]
            say(facts, json_, lines)
            return
        rows = [
            {**_facts(found), "overdue": rooms.overdue(node, found)}
            for found in rooms.everything(node)
            if not overdue or rooms.overdue(node, found)
        ]
    lines = [
        f"{row['matter'][:12]}  {row['kind']:12} {row['state']:12} {row['partner']}  {row['due_at'] or ''}"
        f"{'  OVERDUE' if row['overdue'] else ''}"
        for row in rows
    ]
    say({"matters": rows}, json_, lines or ["There is no such matter."])


# ---------------------------------------------------------------- data that a partner supplied


@app.command()
def use(
    subject: Subject, officer: Officer, use: Annotated[Use, typer.Option(help="What the data are opened for.")],
    consent: ConsentOf = "", home: Home = Path(), passphrase_file: PassphraseFile = None, json_: Json = False,
) -> None:  # fmt: skip
    """Open supplied data for one of the four uses; the use is recorded (REQ-100)."""
    from mithaq.node.exchanges import held

    def step(node: Node, who: dict[str, str]) -> Any:
        return held.use(node, subject, use=use, consent=matter_id(node, consent), **who)

    act(home, officer, passphrase_file, json_, step)


@app.command()
def disclose(
    subject: Subject, officer: Officer, output: Output, use: Annotated[Use, typer.Option(help="What for.")],
    recipient: Annotated[str, typer.Option(help="The body that gets the data.")],
    recipient_kind: Annotated[RecipientKind, typer.Option(help="What kind of recipient.")],
    caveat: Annotated[str, typer.Option(help="What the recipient must keep to.")] = "",
    fields: Annotated[str, typer.Option(help="Items by comma; all where empty.")] = "", consent: ConsentOf = "",
    home: Home = Path(), passphrase_file: PassphraseFile = None, json_: Json = False,
) -> None:  # fmt: skip
    """Write supplied data into a file for one recipient, and put it on the dissemination list (REQ-101, REQ-103)."""
    from mithaq.node.exchanges import held

    def step(node: Node, who: dict[str, Any]) -> Any:
        names = tuple(word.strip() for word in fields.split(",") if word.strip())
        return held.disclose(
            node, subject, use=use, recipient=recipient, recipient_kind=recipient_kind, caveat=caveat, fields=names,
            consent=matter_id(node, consent), **who,
        )  # fmt: skip

    act(home, officer, passphrase_file, json_, step, output)


@app.command()
def mark(
    subject: Subject, officer: Officer,
    decision: Annotated[str, typer.Option(help="clear: the data are right; delete: they are no longer needed.")],
    home: Home = Path(), passphrase_file: PassphraseFile = None, json_: Json = False,
) -> None:  # fmt: skip
    """Decide on data that are flagged or blocked (REQ-093)."""
    from mithaq.node.exchanges import held

    act(home, officer, passphrase_file, json_, lambda node, who: held.decide(node, subject, decision, **who))


@app.command()
def told(
    matter: Matter, number: Annotated[str, typer.Argument(help="The recipient's number, as `matters MATTER` shows it.")],
    officer: Officer, receipt: Annotated[str, typer.Option(help="How the recipient confirmed it.")],
    home: Home = Path(), passphrase_file: PassphraseFile = None, json_: Json = False,
) -> None:  # fmt: skip
    """Record that a recipient was told of a correction (REQ-094)."""
    from mithaq.node.exchanges import held

    def step(node: Node, who: dict[str, str]) -> Any:
        return held.told(node, matter_id(node, matter), number, receipt=receipt, **who)

    act(home, officer, passphrase_file, json_, step)


@app.command()
def inform(
    subject: Subject, officer: Officer,
    withhold: Annotated[WithholdingGround | None, typer.Option(help="Why the person is not informed.")] = None,
    home: Home = Path(), passphrase_file: PassphraseFile = None, json_: Json = False,
) -> None:  # fmt: skip
    """Record that the person was informed, or why not (REQ-140)."""
    from mithaq.node.exchanges import access as rooms

    act(home, officer, passphrase_file, json_, lambda node, who: rooms.inform(node, subject, ground=withhold, **who))


# ---------------------------------------------------------------- corrections


@app.command()
def correct(
    subject: Subject, officer: Officer, action: Annotated[Action, typer.Option(help="What the receiver is to do.")],
    fault: Annotated[Fault, typer.Option(help="What is wrong.")], explanation: Explanation, data: Data = None,
    home: Home = Path(), passphrase_file: PassphraseFile = None, json_: Json = False,
) -> None:  # fmt: skip
    """Demand that the receiver correct, block or delete what we supplied (REQ-090)."""
    from mithaq.node.exchanges import correction

    def step(node: Node, who: dict[str, Any]) -> Any:
        values = json_object(data) if data else None
        return correction.demand(
            node, subject, action=action, fault=fault, explanation=explanation, data=values, **who
        )  # fmt: skip

    act(home, officer, passphrase_file, json_, step)


@app.command()
def meet(
    matter: Matter, officer: Officer,
    block_for: Annotated[Use | None, typer.Option(help="Block instead of deleting, leaving this use.")] = None,
    home: Home = Path(), passphrase_file: PassphraseFile = None, json_: Json = False,
) -> None:  # fmt: skip
    """Do what the supplier demands."""
    from mithaq.node.exchanges import correction

    def step(node: Node, who: dict[str, str]) -> Any:
        return correction.meet(node, matter_id(node, matter), block_for=block_for or "", **who)

    act(home, officer, passphrase_file, json_, step)


@app.command()
def refuse(
    matter: Matter, officer: Officer, reason: Annotated[RefusalGround, typer.Option(help="Why.")],
    explanation: Explanation = "", home: Home = Path(), passphrase_file: PassphraseFile = None, json_: Json = False,
) -> None:  # fmt: skip
    """Refuse a demand, with a coded reason."""
    from mithaq.node.exchanges import correction

    def step(node: Node, who: dict[str, str]) -> Any:
        return correction.refuse(node, matter_id(node, matter), reason=reason, explanation=explanation, **who)

    act(home, officer, passphrase_file, json_, step)


@app.command()
def wrong(
    subject: Subject, officer: Officer, fault: Annotated[Fault, typer.Option(help="What is wrong.")],
    explanation: Explanation, task: Task = "", home: Home = Path(), passphrase_file: PassphraseFile = None,
    json_: Json = False,
) -> None:  # fmt: skip
    """Tell the partner that data which passed between us are wrong; ours are flagged (REQ-091, REQ-092)."""
    from mithaq.node.exchanges import correction

    def step(node: Node, who: dict[str, str]) -> Any:
        settles = matter_id(node, task)
        return correction.report_wrong(node, subject, fault=fault, explanation=explanation, task=settles, **who)

    act(home, officer, passphrase_file, json_, step)


@app.command()
def withdraw(
    subject: Subject, officer: Officer, fault: Annotated[Fault, typer.Option(help="What is wrong.")],
    explanation: Explanation, home: Home = Path(), passphrase_file: PassphraseFile = None, json_: Json = False,
) -> None:  # fmt: skip
    """Take back what we supplied; the receiver deletes it."""
    from mithaq.node.exchanges import correction

    def step(node: Node, who: dict[str, str]) -> Any:
        return correction.withdraw(node, subject, fault=fault, explanation=explanation, **who)

    act(home, officer, passphrase_file, json_, step)


@app.command("false-hit")
def false_hit(
    subject: Subject, officer: Officer, explanation: Explanation, task: Task = "", home: Home = Path(),
    passphrase_file: PassphraseFile = None, json_: Json = False,
) -> None:  # fmt: skip
    """An examiner finds that a confirmed match was none: what rests on it ends on both sides (REQ-095)."""
    from mithaq.node.exchanges import correction

    def step(node: Node, who: dict[str, str]) -> Any:
        return correction.find_false(node, subject, explanation=explanation, task=matter_id(node, task), **who)

    act(home, officer, passphrase_file, json_, step)


@app.command()
def errors(
    references: Annotated[list[str], typer.Argument(help="Reference numbers of our own file.")], officer: Officer,
    fault: Annotated[Fault, typer.Option(help="What is wrong.")], home: Home = Path(),
    passphrase_file: PassphraseFile = None, json_: Json = False,
) -> None:  # fmt: skip
    """An error found in our own file: a task for each past answer that named one of the references (REQ-073)."""
    from mithaq.node.exchanges import incidents

    def step(node: Node, who: dict[str, str]) -> Any:
        return incidents.ground_truth(node, references, fault=fault, **who)

    act(home, officer, passphrase_file, json_, step)


@app.command()
def close(
    matter: Matter, officer: Officer, home: Home = Path(), passphrase_file: PassphraseFile = None, json_: Json = False,
) -> None:  # fmt: skip
    """A partner's notice about data that we supplied was looked into."""
    from mithaq.node.exchanges import correction

    act(home, officer, passphrase_file, json_, lambda node, who: correction.close(node, matter_id(node, matter), **who))


# ---------------------------------------------------------------- shared


def act(
    home: Path,
    officer: str,
    passphrase_file: Path | None,
    json_: bool,
    step: Callable[[Node, dict[str, Any]], Any],
    output: Path | None = None,
) -> None:
    """Open the node, take the step, print what it gave; a refusal is printed with its clause and exit status 1."""
    from mithaq.cli.conversation import accepted
    from mithaq.node.exchanges.held import Held
    from mithaq.node.opening import open_node
    from mithaq.node.store.matters import Mark
    from mithaq.pact.gate import Refused

    with open_node(home) as node:
        result = step(node, {"officer": officer, "passphrase": passphrase(passphrase_file, officer)})
    if isinstance(result, Refused):
        accepted(result, json_)
    elif isinstance(result, bytes) and output is not None:
        write_file(output, result)
        say({"file": str(output)}, json_, [f"written: {output}"])
    elif isinstance(result, Held):
        facts = {name: getattr(result, name) for name in ("subject", "supplier", "case", "state", "fault")}
        facts |= {"handling": result.handling, "conditions": list(result.conditions), "data": dict(result.data)}
        lines = [f"{key:12} {value}" for key, value in facts.items() if key != "data" and value not in ("", [])]
        lines += [f"  {name:20} {json.dumps(value, ensure_ascii=False)}" for name, value in result.data.items()]
        say(facts, json_, lines)
    elif isinstance(result, Mark):
        say({"subject": result.subject, "state": result.state}, json_, [f"{result.subject}  {result.state}"])
    elif isinstance(result, list):
        rows = [_facts(one) for one in result]
        say({"matters": rows}, json_, [f"{row['matter']}  {row['kind']}  {row['subject']}" for row in rows])
    else:
        say(_facts(result), json_, [f"{result.id}  {result.kind}  {result.state}"])


def _facts(matter: Any) -> dict[str, Any]:
    facts = {name: getattr(matter, name) for name in ("kind", "ours", "partner", "subject", "state", "due_at")}
    return {"matter": matter.id, **facts, "facts": dict(matter.facts), "created_at": matter.created_at}


def matter_id(node: Node, begins: str) -> str:
    from mithaq.node.exchanges import matters as rooms

    return rooms.find(node, begins).id if begins else ""


def json_object(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(read_file(path, largest=1 << 20))
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise SettingsError("CLI-006", "the file is not a JSON object", file=str(path), expected="core data by field")
    return values


def instant(text: str) -> Any:
    from mithaq.units import parse_timestamp

    try:
        return parse_timestamp(f"{text}.000000Z")
    except ValueError:
        raise typer.BadParameter("write it as 2026-01-31 or 2026-01-31T09:30:00") from None
