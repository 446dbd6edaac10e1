"""`mithaq finger`: prints on files, without a node."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mithaq.cli.output import Json, read_file, say, write_file

if TYPE_CHECKING:
    from mithaq.finger import Template
    from mithaq.image import Box

finger = typer.Typer(no_args_is_help=True, help="Minutiae of one print, and the comparison of two.")
Ppi = Annotated[float | None, typer.Option(min=100, max=4000, help="Resolution; counts before what the file says.")]
Network = Annotated[str, typer.Option(help="teacher (accurate) or fast (some thirty times faster).")]
TEMPLATE_SUFFIX = ".template"
PAIRS_SHOWN = 12


@finger.command("extract")
def finger_extract(
    image: Annotated[Path, typer.Argument(help="A picture of one print.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The template's file.")],
    ppi: Ppi = None,
    network: Network = "teacher",
    json_: Json = False,
) -> None:
    """Minutiae, codes and quality of a print."""
    from mithaq.finger import shortcomings
    from mithaq.image import Box

    with Box() as box:
        template = template_in(box, image, ppi, network=network)
    write_file(output, template.to_bytes())
    reasons = list(shortcomings(template))
    say(
        {"minutiae": len(template), "quality": template.quality_score, "shortcomings": reasons, "file": str(output)},
        json_,
        [f"{len(template)} minutiae, quality {template.quality_score}", *[f"  not searchable: {r}" for r in reasons]],
    )


@finger.command("compare")
def finger_compare(
    a: Annotated[Path, typer.Argument(help="A picture or a template.")],
    b: Annotated[Path, typer.Argument(help="Another one.")],
    ppi: Ppi = None,
    json_: Json = False,
) -> None:
    """How alike two prints are, with the score's parts."""
    from mithaq.finger import compare, false_match_rate
    from mithaq.image import Box

    with Box() as box:
        score = compare(template_in(box, a, ppi), template_in(box, b, ppi))
    rate = false_match_rate(score.value)
    say(
        {"score": score.value, "parts": dict(score.parts), "pairs": score.pairs.tolist(), "false_match_rate": rate},
        json_,
        [
            f"score {score.value:.4f}; a stranger reaches this {_how_often(rate)}",
            *[f"  {name:16} {value:.4f}" for name, value in score.parts.items()],
        ],
    )


@finger.command("draw")
def finger_draw(
    image: Annotated[Path, typer.Argument(help="A picture of one print.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The picture to write (PNG).")],
    ppi: Ppi = None,
    json_: Json = False,
) -> None:
    """The print with its minutiae drawn in."""
    from mithaq.finger import extract
    from mithaq.image import Box, gray_image, png_bytes, to_matcher
    from mithaq.measure.drawing import with_minutiae

    with Box() as box:
        picture = to_matcher(gray_image(box, read_file(image), user_ppi=ppi, place=image.name))
    template = extract(picture)
    write_file(output, png_bytes(with_minutiae(picture, template)))
    say({"minutiae": len(template), "file": str(output)}, json_, [str(output)])


def _how_often(rate: float) -> str:
    from mithaq.finger.calibration import is_extrapolated

    if rate <= 1e-9:
        return "less than once in 1,000,000,000 comparisons (extrapolated)"
    return f"about once in {1 / rate:,.0f} comparisons" + (" (extrapolated)" if is_extrapolated(rate) else "")


def template_in(
    box: Box, file: Path, ppi: float | None, default_ppi: float | None = None, *, network: str = "teacher"
) -> Template:
    """The template in a file, or of the picture in it."""
    from mithaq.finger import Template, extract
    from mithaq.image import gray_image, to_matcher

    data = read_file(file)
    if file.suffix == TEMPLATE_SUFFIX:
        return Template.from_bytes(data)
    picture = to_matcher(gray_image(box, data, user_ppi=ppi, default_ppi=default_ppi, place=file.name))
    return extract(picture, network=network)
