"""The agreement's life on the command line: `mithaq agreement suspend, resume, terminate, extend, consult, status` and
`mithaq node override` and `mithaq node keys`. What is declared here the serving node tells the partner within a second."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from mithaq.cli.agreement import day_option, overrides_option
from mithaq.cli.conversation import Officer
from mithaq.cli.output import Home, Json, PassphraseFile, passphrase, read_file, say, say_refused, write_file

if TYPE_CHECKING:
    from mithaq.node.gateway import Node
    from mithaq.node.store.life import LifeEvent
    from mithaq.pact.gate import Refused

Partner = Annotated[str, typer.Option(help="The partner's code.")]


def suspend(
    partner: Partner,
    reason: Annotated[
        str, typer.Option(help="duties-not-met, national-law-changed, security-incident or suspended-by-consent.")
    ],
    officer: Officer,
    part: Annotated[
        list[str] | None, typer.Option(help="A search type, release or spontaneous; repeat it. Left out: everything.")
    ] = None,
    home: Home = Path(),
    passphrase_file: PassphraseFile = None,
    json_: Json = False,
) -> None:
    """Stop the agreement with a partner at once, whole or in part. Exit 1 where the agreement asks for consultation."""
    from mithaq.node import life

    signs = _signs(officer, passphrase_file)
    _declare(home, json_, lambda node: life.suspend(node, partner, parts=tuple(part or ()), reason=reason, **signs))


def resume(
    suspension: Annotated[str, typer.Argument(help="The suspension's id or its beginning (`agreement status`).")],
    partner: Partner,
    officer: Officer,
    home: Home = Path(),
    passphrase_file: PassphraseFile = None,
    json_: Json = False,
) -> None:
    """End a suspension that this party declared; what was waiting goes on."""
    from mithaq.node import life

    signs = _signs(officer, passphrase_file)
    _declare(home, json_, lambda node: life.resume(node, partner, suspension, **signs))


def terminate(
    partner: Partner,
    officer: Officer,
    at: Annotated[str, typer.Option(help="Day of the end, YYYY-MM-DD (UTC); the earliest one where empty.")] = "",
    reason: Annotated[str, typer.Option(help="denounced, ended-by-consent or agreement-replaced.")] = "denounced",
    home: Home = Path(),
    passphrase_file: PassphraseFile = None,
    json_: Json = False,
) -> None:
    """End the agreement on the notice that it asks for; protection of supplied data goes on after it."""
    from mithaq.node import life

    signs = _signs(officer, passphrase_file)
    end = day_option(at)
    _declare(home, json_, lambda node: life.terminate(node, partner, at=end, reason=reason, **signs))


def consult(
    partner: Partner,
    kind: Annotated[str, typer.Option(help="meeting, dispute or decision.")],
    about: Annotated[str, typer.Option(help='A parameter or requirement with a clause, as "quota" or "REQ-054".')],
    text: Annotated[str, typer.Option(help="What was discussed or decided; never about a person.")],
    officer: Officer,
    held: Annotated[str, typer.Option(help="Day on which it was held, YYYY-MM-DD; today where empty.")] = "",
    home: Home = Path(),
    passphrase_file: PassphraseFile = None,
    json_: Json = False,
) -> None:
    """Record a consultation under its clause, at both nodes."""
    from mithaq.node import life

    signs, day = _signs(officer, passphrase_file), day_option(held)

    def record(node: Node) -> LifeEvent | Refused:
        held_at: datetime = day or node.clock()
        return life.consult(node, partner, kind=kind, about=about, held_at=held_at, text=text, **signs)

    _declare(home, json_, record)


def extend(
    partner: Partner,
    output: Annotated[Path, typer.Option("-o", "--output", help="Where the proposal goes.")],
    to: Annotated[str, typer.Option(help="Its new last day's end, YYYY-MM-DD (UTC); open where empty.")] = "",
    valid_from: Annotated[
        str, typer.Option("--from", help="First day, YYYY-MM-DD; the present version's end where empty.")
    ] = "",
    term: Annotated[
        list[str] | None, typer.Option("--set", help="A term to change besides: PATH=JSON, as quota.year=3000.")
    ] = None,
    party: Annotated[list[Path] | None, typer.Option(help="A party file with new contact points or keys.")] = None,
    home: Home = Path(),
    json_: Json = False,
) -> None:
    """Propose the next version: another end, other terms, or both. Both sides then sign it as they signed the first."""
    from mithaq.node.initialise import read_party
    from mithaq.node.opening import open_node
    from mithaq.pact.agreement import difference, parse_agreement
    from mithaq.pact.proposal import next_version
    from mithaq.pact.signed import unsigned

    with open_node(home) as node:
        current = node.agreements.current(partner, node.clock())
        start = day_option(valid_from) or current.valid_to
        if start is None:
            raise typer.BadParameter(
                "the present version has no end: say from when the new one holds", param_hint="--from"
            )
        parties = dict(read_party(read_file(one), place=str(one)) for one in party or [])
        document = next_version(
            current, valid_from=start, valid_to=day_option(to), parties=parties, **overrides_option(term or [])
        )
        write_file(output, document + b"\n")
        node.agreements.keep_proposal(unsigned(document))
    proposal = parse_agreement(document)
    changes = [change.path for change in difference(current, proposal)]
    lines = [f"{output}: version {proposal.version}, {proposal.id}", *[f"  changes {path}" for path in changes]]
    lines.append(
        "Review it with `mithaq agreement diff`, then both sides sign it: mithaq agreement sign FILE --dir NODE"
    )
    say({"id": proposal.id, "version": proposal.version, "file": str(output), "changes": changes}, json_, lines)


def status(home: Home = Path(), json_: Json = False) -> None:
    """How each agreement stands now, part by part: suspensions, its end, and the alarm 90, 30 and 7 days before."""
    from mithaq.node import standing
    from mithaq.node.opening import open_node

    with open_node(home) as node:
        found = standing.overview(node)
        proposals = [one.id for one in node.agreements.proposals()]
    lines = []
    for one in found:
        end = f", ends {one['end'][:10]}" if one["end"] else ""
        lines.append(f"with {one['partner']}: version {one['version']}, {one['standing']}{end}, {one['id'][:23]}…")
        if one["alarm_days"]:
            lines.append(f"  ends within {one['alarm_days']} days and nothing follows it: `mithaq agreement extend`")
        lines += [
            f"  suspended by {each['by']} since {each['since'][:19]}: {', '.join(each['parts']) or 'everything'}"
            f" ({each['reason']}), {each['id'][:12]}"
            for each in one["suspensions"]
        ]
        lines += [f"  {part:12} {how}" for part, how in one["parts"].items() if how != one["standing"]]
    lines += [f"proposal not signed by both: {identifier[:23]}…" for identifier in proposals]
    say({"agreements": found, "proposals": proposals}, json_, lines or ["There is no agreement yet."])


def override(
    partner: Partner,
    search_type: Annotated[str, typer.Option(help="A search type, as TP/TP.")],
    extra: Annotated[int, typer.Option(min=1, help="So many queries more today.")],
    reason: Annotated[str, typer.Option(help="danger-to-life, attack-expected or person-abducted.")],
    officer: Annotated[list[str], typer.Option(help="Who approves it; give it once for each, at least twice.")],
    passphrase_file: Annotated[
        list[Path] | None,
        typer.Option(help="A file with a passphrase, in the order of --officer; asked for otherwise."),
    ] = None,
    home: Home = Path(),
    json_: Json = False,
) -> None:
    """Pass today's quota in an emergency: two officers approve, the partner is told, then it holds."""
    from mithaq.node import life

    files = [*(passphrase_file or []), *[None] * len(officer)]
    approvals = [(name, passphrase(file, name)) for name, file in zip(officer, files, strict=False)]
    _declare(
        home,
        json_,
        lambda node: life.override(
            node, partner, search_type=search_type, extra=extra, reason=reason, approvals=approvals
        ),
    )


def _signs(officer: str, file: Path | None) -> dict[str, Any]:
    return {"officer": officer, "passphrase": passphrase(file, officer)}


def _declare(home: Path, json_: bool, step: Callable[[Node], LifeEvent | Refused]) -> None:
    """Open the node, take the step, and print what was declared or why not (exit 1)."""
    from mithaq.node.opening import open_node
    from mithaq.pact.gate import Refused

    with open_node(home) as node:
        done = step(node)
    if isinstance(done, Refused):
        say_refused(done, json_)
        raise typer.Exit(1)
    say(
        {"id": done.id, "about": done.about, "partner": done.partner, "terms": dict(done.terms), "at": done.at},
        json_,
        [f"{done.about} {done.id[:12]}: holds here; {done.partner} is told by the serving node"],
    )


keys_app = typer.Typer(no_args_is_help=True, help="This node's keys: list, announce a new one, revoke one.")


@keys_app.command("list")
def list_keys(home: Home = Path(), json_: Json = False) -> None:
    """Each key by kind and name: used, next (announced, not confirmed yet), former or revoked."""
    from mithaq.node import rotation
    from mithaq.node.opening import open_node

    with open_node(home) as node:
        found = rotation.listed(node)
    say({"keys": found}, json_, [f"{one['kind']:8} {one['state']:8} {one['name']}" for one in found])


@keys_app.command()
def announce(
    kind: Annotated[str, typer.Option(help="sign, encrypt or checkpoint.")],
    officer: Officer,
    home: Home = Path(),
    passphrase_file: PassphraseFile = None,
    json_: Json = False,
) -> None:
    """Make a new key and announce it under the old one; the serving node uses it once every partner has confirmed it."""
    from mithaq.node import rotation
    from mithaq.node.opening import open_node

    if kind not in ("sign", "encrypt", "checkpoint"):
        raise typer.BadParameter("write sign, encrypt or checkpoint", param_hint="--kind")
    signs = _signs(officer, passphrase_file)
    with open_node(home) as node:
        told = rotation.announce(node, cast(Any, kind), **signs)
    partners = [one.partner for one in told]
    say({"kind": kind, "told": partners}, json_, [f"a new key to {kind}: announced to {', '.join(partners)}"])


@keys_app.command()
def revoke(
    kind: Annotated[str, typer.Option(help="sign, encrypt, checkpoint or tls.")],
    key: Annotated[str, typer.Option(help="The key's name or its beginning (`mithaq node keys list`).")],
    reason: Annotated[str, typer.Option(help="key-compromised or key-retired.")],
    officer: Officer,
    home: Home = Path(),
    passphrase_file: PassphraseFile = None,
    json_: Json = False,
) -> None:
    """Tell the partner that nothing under that key is this node's. Announce another one first, or this node stops."""
    from mithaq.node import rotation
    from mithaq.node.opening import open_node

    if kind not in ("sign", "encrypt", "checkpoint", "tls"):
        raise typer.BadParameter("write sign, encrypt, checkpoint or tls", param_hint="--kind")
    signs = _signs(officer, passphrase_file)
    with open_node(home) as node:
        told = rotation.revoke(node, kind, key, reason=reason, **signs)  # type: ignore[arg-type]
    partners = [one.partner for one in told]
    say({"name": told[0].terms["name"], "told": partners}, json_, [f"revoked: {', '.join(partners)} is told"])
