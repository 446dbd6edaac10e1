"""`mithaq finger`: prints on files, without a node."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mithaq.cli.output import Json, read_file, say, write_file

if TYPE_CHECKING:
    from mithaq.finger import Template
    from mithaq.finger.quality import Part
    from mithaq.image import Box
    from mithaq.measure.drawing import Seen

finger = typer.Typer(no_args_is_help=True, help="Minutiae of one print, and the comparison of two.")
Ppi = Annotated[float | None, typer.Option(min=100, max=4000, help="Resolution; counts before what the file says.")]
Network = Annotated[str, typer.Option(help="teacher (accurate) or fast (some thirty times faster).")]
TEMPLATE_SUFFIX = ".template"
PAIRS_SHOWN = 12
MIRROR_FMR = 1e-4  # a mirrored print is named where its reflection would be taken for a stranger's no oftener


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
    from mithaq.finger.quality import parts
    from mithaq.image import Box

    with Box() as box:
        template = template_in(box, image, ppi, network=network)
    write_file(output, template.to_bytes())
    reasons = list(shortcomings(template))
    quality = [_part(part) for part in parts(template.minutiae, template.statistics)]
    say(
        {
            "minutiae": len(template), "quality": template.quality_score, "quality_parts": quality,
            "shortcomings": reasons, "file": str(output),
        },
        json_,
        [f"{len(template)} minutiae, quality {template.quality_score}",
         *[f"  {row['name']:10} {row['value']:.2f}  {row['reason']['en']} ({row['measured']:.3g} {row['unit']})" for row in quality],
         *[f"  not searchable: {r}" for r in reasons]],
    )  # fmt: skip


@finger.command("compare")
def finger_compare(
    a: Annotated[Path, typer.Argument(help="A picture or a template.")],
    b: Annotated[Path, typer.Argument(help="Another one.")],
    ppi: Ppi = None,
    json_: Json = False,
) -> None:
    """How alike two prints are, with the score's parts. Exit 1 where one of them cannot be searched: a low score says nothing then."""
    from mithaq.finger import compare, false_match_rate, shortcomings, threshold_for
    from mithaq.finger.mirrored import mirrored
    from mithaq.image import Box

    with Box() as box:
        first, second = template_in(box, a, ppi), template_in(box, b, ppi)
    score = compare(first, second)
    rate = false_match_rate(score.value)
    reasons = {str(file): list(shortcomings(print_)) for file, print_ in ((a, first), (b, second))}
    looks_mirrored = compare(first, mirrored(second)).value > max(score.value, threshold_for(MIRROR_FMR))
    say(
        {
            "score": score.value, "parts": dict(score.parts), "pairs": score.pairs.tolist(), "false_match_rate": rate,
            "shortcomings": reasons, "looks_mirrored": looks_mirrored,
        },
        json_,
        [
            f"score {score.value:.4f}; a stranger reaches this {_how_often(rate)}",
            *[f"  {name:16} {value:.4f}" for name, value in score.parts.items()],
            *[f"  {file}: not searchable: {reason}" for file, found in reasons.items() for reason in found],
            *(["  one of the two looks mirrored: turned over, they match"] if looks_mirrored else []),
        ],
    )  # fmt: skip
    if any(reasons.values()):
        raise typer.Exit(1)


@finger.command("draw")
def finger_draw(
    image: Annotated[Path, typer.Argument(metavar="IMAGE|TEMPLATE", help="A picture of one print, or a template.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The picture to write (PNG).")],
    other: Annotated[Path | None, typer.Argument(metavar="[OTHER]", help="A second one, to show the pairs.")] = None,
    ppi: Ppi = None,
    json_: Json = False,
) -> None:
    """The print with its minutiae, ridge flow and quality; or two prints with the minutiae that fall on one another."""
    from mithaq.finger import compare
    from mithaq.image import Box, png_pixels
    from mithaq.measure.drawing import SCALE, draw_pair, draw_print
    from mithaq.units import MATCHER_PPI

    with Box() as box:
        first = _seen(box, image, ppi)
        second = None if other is None else _seen(box, other, ppi)
    values: dict[str, Any] = {"minutiae": len(first.template), "quality": first.template.quality_score}
    if second is None:
        drawn = draw_print(first)
    else:
        score = compare(first.template, second.template)
        drawn = draw_pair(first, second, score)
        values |= {"score": score.value, "pairs": len(score.pairs)}
    write_file(output, png_pixels(drawn, SCALE * MATCHER_PPI))
    say({**values, "file": str(output)}, json_, [str(output)])


def _part(part: Part) -> dict[str, Any]:
    """A part of the quality, with its sentence in both languages."""
    from mithaq.pact.wording import label

    text = label(part.reason)
    return {
        "name": part.name, "value": part.value, "measured": part.measured, "unit": part.unit, "grade": part.grade,
        "reason": {"en": text.en, "ar": text.ar},
    }  # fmt: skip


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


def _seen(box: Box, file: Path, ppi: float | None) -> Seen:
    """What can be drawn of a file: a template alone, or a picture and what the extractor saw in it."""
    from mithaq.finger import Template, Trace, extract
    from mithaq.image import gray_image, to_matcher
    from mithaq.measure.drawing import Seen

    data = read_file(file)
    if file.suffix == TEMPLATE_SUFFIX:
        return Seen(Template.from_bytes(data))
    picture = to_matcher(gray_image(box, data, user_ppi=ppi, place=file.name))
    trace = Trace("quality-blocks", "orientation")
    return Seen(extract(picture, trace=trace), picture.pixels, trace["quality-blocks"], trace["orientation"])
