"""`mithaq template`: minutiae and pictures in interchange formats, shown and brought into another form."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mithaq.cli.output import Json, read_file, say, write_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mithaq.record import Fault, FingerImage, Minutiae, TemplateLoss

app = typer.Typer(no_args_is_help=True, help="Templates: INCITS 378, ISO/IEC 19794-2 and -4, CBEFF, Type-9.")

KINDS = ("other", "endings", "bifurcations")
KIND_LETTERS = "OEB"


@app.command("show")
def show(
    files: Annotated[list[Path], typer.Argument(help="Templates, or transactions with Type-9 records.")],
    points: Annotated[bool, typer.Option(help="List every minutia.")] = False,
    json_: Json = False,
) -> None:
    """What each file holds, what is wrong with it, and what the plain view does not carry."""
    from mithaq.record import read_template

    shown: dict[str, Any] = {}
    lines: list[str] = []
    for file in files:
        found = read_template(read_file(file))
        views = [_view(view, form, points) for view, form in zip(found.views, found.forms, strict=True)]
        shown[str(file)] = {"form": found.form, "views": views, **_remarks(found.faults, found.losses)}
        lines.append(f"{file}: {found.form}")
        for number, view in enumerate(views, 1):
            lines += _lines(number, view)
        lines += [f"  {remark}" for remark in (*found.faults, *found.losses)]
    say(shown, json_, lines)


@app.command("convert")
def convert(
    file: Annotated[Path, typer.Argument(help="A template, or a transaction with Type-9 records.")],
    to: Annotated[str, typer.Option("--to", help="The form to write; `mithaq template forms` lists them.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The file to write.")],
    json_: Json = False,
) -> None:
    """Write a file in another form, and say what that form cannot hold."""
    from mithaq.record import convert_template

    found, written = convert_template(read_file(file), to)
    write_file(output, written.data)
    values = {"file": str(output), "from": found.form, "form": to, "views": len(found), "bytes": len(written.data)}
    say(
        {**values, **_remarks(found.faults, written.losses)},
        json_,
        [
            f"{output}: {to}, {len(written.data)} bytes, {len(found)} views of {found.form}",
            *[f"  {remark}" for remark in (*found.faults, *written.losses)],
        ],
    )


@app.command("forms")
def forms(json_: Json = False) -> None:
    """The forms that can be written, and how each counts places and angles."""
    from mithaq.record import CONVENTIONS, FORMS

    rows = [asdict(CONVENTIONS[form]) if form in CONVENTIONS else {"form": form} for form in FORMS]
    lines = [
        f"{row['form']:21}"
        + (
            f" {row['origin']}, {row['unit']}, {row['step']:g} degrees" + (", away" if row["away"] else "")
            if "unit" in row
            else ""
        )
        for row in rows
    ]
    say({"forms": rows}, json_, lines)


def _remarks(faults: Sequence[Fault], losses: Sequence[TemplateLoss]) -> dict[str, Any]:
    return {"faults": [asdict(fault) for fault in faults], "losses": [asdict(loss) for loss in losses]}


def _view(view: Minutiae | FingerImage, form: str, points: bool) -> dict[str, Any]:
    shared = {
        "form": form, "position": view.position, "impression": view.impression, "view": view.view,
        "width": view.width, "height": view.height, "ppi": view.ppi, "ppi_y": view.ppi_y,
        "score": view.score if view.score >= 0 else None,
    }  # fmt: skip
    from mithaq.record import Minutiae

    if not isinstance(view, Minutiae):
        return {**shared, "compression": view.compression, "depth": view.depth, "bytes": len(view.data)}
    kinds = {name: int((view.kind == code).sum()) for code, name in enumerate(KINDS)}
    counts = {"minutiae": len(view), **kinds, "cores": len(view.cores), "deltas": len(view.deltas)}
    listed = {"points": _points(view)} if points else {}
    return {**shared, **counts, "ridge_counts": len(view.ridge_counts), **listed}


def _points(view: Minutiae) -> list[list[float | str]]:
    """Each minutia as x and y in pixels, angle in degrees, kind O, E or B, quality (-1 none)."""
    import numpy as np

    columns = (view.x_px.round(2), view.y_px.round(2), np.degrees(view.angle_rad).round(2))
    letters = [KIND_LETTERS[code] for code in view.kind]
    numbers = zip(*(column.tolist() for column in columns), letters, view.quality.tolist(), strict=True)
    return [list(row) for row in numbers]


def _lines(number: int, view: dict[str, Any]) -> list[str]:
    scale = "no resolution" if view["ppi"] is None else f"{view['ppi']:.0f} ppi"
    head = f"  view {number}: position {view['position']}, impression {view['impression']}, "
    head += f"{view['width']} x {view['height']} pixels, {scale}"
    if view["score"] is not None:
        head += f", quality {view['score']}"
    if "compression" in view:
        return [f"{head}; picture {view['compression']}, {view['bytes']:,} bytes"]
    kinds = ", ".join(f"{view[name]} {name}" for name in KINDS if view[name])
    head += f"; {view['minutiae']} minutiae" + (f" ({kinds})" if kinds else "")
    extra = [f"{view[name]} {name.replace('_', ' ')}" for name in ("cores", "deltas", "ridge_counts") if view[name]]
    points = [
        f"    {x:8.2f} {y:8.2f} {angle:7.2f} {kind} {quality:4}"
        for x, y, angle, kind, quality in view.get("points", [])
    ]
    return ["; ".join([head, *extra]), *points]
