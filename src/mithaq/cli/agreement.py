"""`mithaq agreement`: propose, show, compare, sign and install the document that both sides act under."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mithaq.cli.output import Home, Json, read_file, say, write_file
from mithaq.errors import TrustError

if TYPE_CHECKING:
    from mithaq.pact.signed import Signed

app = typer.Typer(no_args_is_help=True, help="Propose, show, compare and sign agreements.")

Language = Annotated[Literal["en", "ar"], typer.Option(help="The language of the clauses.")]


@app.command()
def propose(
    party: Annotated[list[Path], typer.Option(help="A party file; give both.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Where the proposal goes.")],
    valid_from: Annotated[str, typer.Option(help="First day, YYYY-MM-DD (UTC).")] = "",
    valid_to: Annotated[str, typer.Option(help="Day on which it ends, YYYY-MM-DD (UTC); open where empty.")] = "",
    term: Annotated[
        list[str] | None, typer.Option("--set", help="A term to change: PATH=JSON, as search_types.TP/TP.day=3.")
    ] = None,
    json_: Json = False,
) -> None:
    """Write a proposal from the model's terms and two party files."""
    from mithaq.node.initialise import read_party
    from mithaq.pact.agreement import identifier
    from mithaq.pact.proposal import propose as make

    if len(party) != 2:
        raise typer.BadParameter("give --party twice, once for each side")
    parties = dict(read_party(read_file(one), place=str(one)) for one in party)
    document = make(
        parties,
        valid_from=day_option(valid_from) or datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0),
        valid_to=day_option(valid_to),
        **overrides_option(term or []),
    )
    write_file(output, document + b"\n")
    say(
        {"id": identifier(document), "file": str(output)},
        json_,
        [f"{output}: {identifier(document)}", "Both sides now sign it: mithaq agreement sign FILE --dir NODE"],
    )


@app.command()
def sign(
    file: Annotated[Path, typer.Argument(help="A proposal, or one that the other side has signed.")],
    home: Home = Path(),
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Where it goes; FILE itself if left out.")
    ] = None,
    json_: Json = False,
) -> None:
    """Sign with this node's key. Once both have signed, it is installed here and the other side installs it too."""
    from mithaq.node.opening import open_node
    from mithaq.pact.signed import sign as add_signature
    from mithaq.pact.signed import verify

    with open_node(home) as node:
        signed = _signed(file)
        is_new = node.party not in signed.signatures
        if is_new:
            key = node.keys.sign
            signed = add_signature(signed, node.party, signer=key.sign, thumbprint=key.thumbprint, at=node.clock())
        complete = len(signed.signatures) == 2
        if complete:  # before it is written: our signature goes under no document that the other side did not sign
            verify(signed, anchor=node.keys.sign.thumbprint)
        if is_new or output is not None:
            write_file(output or file, signed.to_bytes())
        if complete:
            node.agreements.install(signed.to_bytes())
        else:
            node.agreements.keep_proposal(signed)
    lines = [f"{signed.id}: signed by {', '.join(sorted(signed.signatures))}"]
    lines.append(
        "Both have signed; it is installed here." if complete else "The other side signs next, then install it here."
    )
    say({"id": signed.id, "signed_by": sorted(signed.signatures), "installed": complete}, json_, lines)


@app.command()
def install(
    file: Annotated[Path, typer.Argument(help="An agreement that both have signed.")],
    home: Home = Path(),
    json_: Json = False,
) -> None:
    """Verify an agreement that both have signed, and act under it from its first instant."""
    from mithaq.node.opening import open_node

    with open_node(home) as node:
        agreement = node.agreements.install(read_file(file))
    say({"id": agreement.id, "installed": True}, json_, [f"{agreement.id}: installed, version {agreement.version}"])


@app.command()
def show(
    file: Annotated[Path, typer.Argument(help="A proposal or a signed agreement.")],
    language: Language = "en",
    json_: Json = False,
) -> None:
    """Every term with the clause behind it, and who has signed. Exit 3 where the signatures of both do not hold."""
    from mithaq.pact.agreement import clause_text, parse_agreement, terms_of
    from mithaq.pact.signed import verify

    signed = _signed(file)
    agreement = parse_agreement(signed.document)
    if len(signed.signatures) > 1:
        verify(signed)
    lines = [
        agreement.title.in_language(language),
        agreement.id,
        f"signed by: {', '.join(sorted(signed.signatures)) or 'nobody'}",
    ]
    for path, value in terms_of(agreement):
        clause = clause_text(agreement, path)
        reference = clause.reference(language) if clause else ""
        lines.append(f"{path:44} {json.dumps(value, ensure_ascii=False):30} {reference}".rstrip())
    document = json.loads(signed.document)
    say({"id": agreement.id, "signed_by": sorted(signed.signatures), "document": document}, json_, lines)


@app.command()
def diff(
    before: Annotated[Path, typer.Argument(help="An agreement.")],
    after: Annotated[Path, typer.Argument(help="Another one, for example a proposed amendment.")],
    language: Language = "en",
    json_: Json = False,
) -> None:
    """What an amendment changes, term by term, with the clause. Exit 0 either way."""
    from mithaq.pact.agreement import difference, parse_agreement

    old, new = (parse_agreement(_signed(one).document) for one in (before, after))
    changes = difference(old, new)
    rows = [
        {
            "path": change.path,
            "before": change.before,
            "after": change.after,
            "clause": change.clause.reference(language) if change.clause else None,
        }
        for change in changes
    ]
    lines = [f"{row['path']}: {row['before']!r} -> {row['after']!r}  ({row['clause'] or 'no clause'})" for row in rows]
    say({"changes": rows}, json_, lines or ["They say the same."])


@app.command()
def simulate(
    proposal: Annotated[Path, typer.Argument(help="A proposed amendment; it need not be signed.")],
    days: Annotated[int, typer.Option(help="So many past days are replayed.", min=1, max=3660)] = 90,
    html: Annotated[Path | None, typer.Option(help="Also write a page in both languages there.")] = None,
    by: Annotated[str, typer.Option(help="The code of whoever reads the log.")] = "node",
    language: Language = "en",
    home: Home = Path(),
    json_: Json = False,
) -> None:
    """Past traffic under a proposal: what it would refuse, which quotas would fill, what would be erased sooner."""
    from mithaq.node import simulation
    from mithaq.node.opening import open_node
    from mithaq.pact.agreement import parse_agreement
    from mithaq.pact.simulation_page import lines, page

    agreement = parse_agreement(_signed(proposal).document)
    with open_node(home) as node:
        found = simulation.simulate(node, agreement, days=days, by=by)
    if html is not None:
        write_file(html, page(found, language=language).encode())
    say(found.as_dict(), json_, lines(found, language))


def _signed(file: Path) -> Signed:
    """The agreement in a file; TrustError says which file where there is none in it."""
    from mithaq.pact.signed import parse_signed

    try:
        return parse_signed(read_file(file))
    except TrustError as error:
        raise TrustError(
            error.code,
            error.problem,
            place=f"{file}, {error.place}" if error.place else str(file),
            expected=error.expected,
            remedy=error.remedy,
        ) from None


def day_option(text: str) -> datetime | None:
    """The first instant of a day written YYYY-MM-DD; None for ""."""
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise typer.BadParameter("write the day as YYYY-MM-DD") from None


def overrides_option(terms: list[str]) -> dict[str, Any]:
    """`search_types.TP/TP.day=3` as the nested object that `propose` merges."""
    merged: dict[str, Any] = {}
    for term in terms:
        path, separator, text = term.partition("=")
        steps = path.split(".")
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        if not separator or not all(steps):
            raise typer.BadParameter(f"{term!r}: write PATH=VALUE", param_hint="--set")
        place = merged
        for step in steps[:-1]:
            place = place.setdefault(step, {})
            if not isinstance(place, dict):
                raise typer.BadParameter(f"{path!r}: a part of it was given a value before", param_hint="--set")
        place[steps[-1]] = value
    return merged
