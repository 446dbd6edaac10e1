"""`mithaq gallery`: many prints in one searchable folder, without a node."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Literal

import typer

from mithaq.cli.files import Ppi, template_in
from mithaq.cli.output import Json, progress, say

app = typer.Typer(no_args_is_help=True, help="Many prints in one searchable folder.")

Place = Annotated[Path, typer.Argument(metavar="GALLERY", help="A gallery's folder.")]


@app.command()
def build(
    folder: Annotated[Path, typer.Argument(help="Pictures named REFERENCE_POSITION.ext, or a CSV that lists them.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The gallery's folder.")],
    ppi: Annotated[
        float | None, typer.Option(min=100, max=4000, help="Resolution, where the files do not say it.")
    ] = None,
    json_: Json = False,
) -> None:
    """Make a gallery from a folder of pictures, or add to one. A second run takes up where the first one ended."""
    from mithaq.errors import FormatError, ImageError
    from mithaq.finger import shortcomings
    from mithaq.image import Box
    from mithaq.node.enrol import list_items
    from mithaq.search import Gallery

    items = list_items(folder, default_ppi=ppi)
    added, known, left_out = 0, 0, []
    with Box() as box, Gallery(output, writable=True) as target, progress() as bar:
        there = Counter(target.slots())
        task = bar.add_task("building", total=len(items))
        for item in items:
            bar.advance(task)
            slot = item.person, int(item.position), item.impression
            if there[slot]:  # its picture was read in an earlier run
                there[slot] -= 1
                known += 1
                continue
            try:
                template = template_in(box, item.file, item.ppi, item.default_ppi)
                reasons = shortcomings(template)
            except (ImageError, FormatError) as error:
                reasons = (error.code,)
            if reasons:
                left_out.append({"file": item.file.name, "reasons": list(reasons)})
            else:
                added += target.add(*slot, template)
        counts = target.count()
    say(
        {
            "added": added,
            "known": known,
            "left_out": left_out,
            "persons": counts.persons,
            "impressions": counts.impressions,
        },
        json_,
        [f"{added} added, {known} were there; {counts.persons} persons, {counts.impressions} impressions in all",
         *[f"left out: {row['file']} ({', '.join(row['reasons'])})" for row in left_out]],
    )  # fmt: skip


@app.command()
def search(
    path: Place,
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Pictures or templates.")],
    top: Annotated[int, typer.Option(min=1, max=1000, help="Candidates at most.")] = 10,
    fmr: Annotated[float, typer.Option(help="False-match rate that a comparison must not exceed.")] = 1e-4,
    ppi: Ppi = None,
    position: Annotated[
        list[int] | None,
        typer.Option(
            min=0, max=12, help="Which finger each image is, in their order (0 unknown): joins their evidence."
        ),
    ] = None,
    finger: Annotated[list[int] | None, typer.Option(min=0, max=12, help="Search these fingers only.")] = None,
    sex: Annotated[str | None, typer.Option(help="Search persons of this sex, or of unknown: F, M or X.")] = None,
    born: Annotated[
        tuple[int, int] | None, typer.Option(metavar="FIRST LAST", help="Years of birth, or unknown.")
    ] = None,
    in_set: Annotated[list[int] | None, typer.Option("--set", min=0, max=15, help="Search these sets only.")] = None,
    how: Annotated[str, typer.Option(help="exhaustive, or indexed: faster, and may miss.")] = "exhaustive",
    json_: Json = False,
) -> None:
    """The candidates for a print, or for several prints of one person, best first."""
    from mithaq.finger import threshold_for
    from mithaq.image import Box
    from mithaq.search import Filters, Gallery
    from mithaq.units import FingerPosition

    if not 1e-9 <= fmr <= 1.0:
        raise typer.BadParameter("a rate from 1e-9 to 1", param_hint="--fmr")
    way: Literal["exhaustive", "indexed"] = "indexed" if how == "indexed" else "exhaustive"
    if how != way or sex not in (None, "F", "M", "X"):
        raise typer.BadParameter("exhaustive or indexed; F, M or X", param_hint="--how, --sex")
    filters = Filters(
        frozenset(map(FingerPosition, finger or ())),
        sex,  # type: ignore[arg-type]
        born,
        frozenset(in_set or ()),
    )
    with Box() as box, Gallery(path) as source:
        found = source.search(
            [template_in(box, image, ppi) for image in images],
            threshold=threshold_for(fmr),
            top=top,
            positions=[FingerPosition(one) for one in position] if position else None,
            filters=filters,
            how=way,
        )
    rows = [
        {"reference": c.reference, "position": int(c.position), "score": c.score, "probe": c.probe, "parts": c.parts}
        for c in found
    ]
    lines = [f"{c.reference:24} position {int(c.position):2}  score {c.score:.4f}" for c in found]
    say({"candidates": rows}, json_, lines or ["No candidate."])


@app.command()
def info(path: Place, json_: Json = False) -> None:
    """What a gallery holds."""
    from mithaq.search import Gallery

    with Gallery(path) as source:
        counts, commit = source.count(), source.commit
    facts = {
        "persons": counts.persons,
        "fingers": counts.fingers,
        "impressions": counts.impressions,
        "removed": commit.removed,
        "bytes": commit.bytes,
        "bytes_per_finger": round(commit.bytes / counts.fingers, 1) if counts.fingers else None,
        "attributes": commit.attributed,
        "descriptor": commit.descriptor,
        "generation": commit.generation,
        "step": commit.step,
    }
    say(facts, json_, [f"{name.replace('_', ' '):17} {value}" for name, value in facts.items()])


@app.command()
def check(path: Place, json_: Json = False) -> None:
    """Read all of a gallery's files and add them up. Exit 1 where one is damaged."""
    from mithaq.search import Gallery

    with Gallery(path) as source:
        source.check()
        counts = source.count()
    say({"sound": True, "impressions": counts.impressions}, json_, [f"sound: {counts.impressions} impressions"])


@app.command()
def compact(path: Place, json_: Json = False) -> None:
    """Give back the room of what was removed. Searches may go on meanwhile; needs room for a second copy."""
    from mithaq.search import Gallery

    with Gallery(path) as source:  # a writer would make a gallery where there is none
        before = source.commit.bytes
    with Gallery(path, writable=True) as target:
        target.compact()
        after = target.commit.bytes
    say({"bytes_before": before, "bytes": after}, json_, [f"{before} bytes before, {after} now"])


@app.command()
def upgrade(path: Place, json_: Json = False) -> None:
    """Bring an older gallery to this version, in place: its minutiae are described anew. Can be repeated after a break."""
    from mithaq.search import upgrade as upgrade_gallery

    with progress() as bar:
        task = bar.add_task("describing", total=None)
        done = upgrade_gallery(path, progress=lambda now, total: bar.update(task, completed=now, total=total))
    say(
        {"from_format": done.format, "from_descriptor": done.descriptor, "impressions": done.impressions},
        json_,
        [f"{done.impressions} impressions described anew, from format {done.format}, descriptor {done.descriptor}"],
    )
