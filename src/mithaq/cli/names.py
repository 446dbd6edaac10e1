"""`mithaq names`: a lead aid. It compares names for a person who looks for records; no search and no hit uses it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Literal

import typer

from mithaq.cli.output import Json, say

app = typer.Typer(
    no_args_is_help=True, help="Compare names across scripts. A lead for a person, never an identification."
)

Language = Annotated[Literal["en", "ar"], typer.Option(help="The language of the explanation.")]


@app.command()
def compare(
    a: Annotated[str, typer.Argument(help="A name, in Arabic or Latin letters, or its key by ICAO 9303.")],
    b: Annotated[str, typer.Argument(help="Another one.")],
    language: Language = "en",
    json_: Json = False,
) -> None:
    """How close two names are, and which rule says so. Exit 0 whatever the answer is."""
    from mithaq.pact.names import compare_names

    found = compare_names(a, b)
    say(found.as_dict(), json_, found.explain(language))


@app.command()
def key(name: Annotated[str, typer.Argument(help="A name, in Arabic or Latin letters.")], json_: Json = False) -> None:
    """The name's keys: by ICAO 9303, the one to search under, and the folded letters; and its parts."""
    from mithaq.pact.names import icao_key, icao_search_key, matching_key, parse_name

    parts = [asdict(part) for part in parse_name(name).parts]
    values = {
        "icao": icao_key(name),
        "icao_search": icao_search_key(name),
        "matching": matching_key(name),
        "parts": parts,
    }
    lines = [f"{title:12} {values[title]}" for title in ("icao", "icao_search", "matching")]
    lines += [f"{part['kind']:12} {part['original']}  {' '.join(part['markers'])}".rstrip() for part in parts]
    say(values, json_, lines)


@app.command()
def date(
    day: Annotated[str, typer.Argument(help="YYYY, YYYY-MM or YYYY-MM-DD, as the document has it.")],
    calendar: Annotated[Literal["hijri", "gregorian"], typer.Option(help="The document's calendar.")],
    language: Language = "en",
    json_: Json = False,
) -> None:
    """The date in the other calendar, as the window of days that the method leaves."""
    from mithaq.pact.names import convert
    from mithaq.pact.names.dates import parse_date

    found = convert(parse_date(day, calendar))
    say(asdict(found), json_, [found.in_language(language)])
