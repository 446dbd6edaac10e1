"""`mithaq measure`: figures, each by one command. Benchmarks report; nothing here judges."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from mithaq.cli.output import Json, progress, say

app = typer.Typer(no_args_is_help=True, help="Accuracy, speed and throughput, measured here and now.")

Ppi = Annotated[float | None, typer.Option(help="Resolution, where the files do not say it.")]


@app.command()
def accuracy(
    folder: Annotated[Path, typer.Argument(help="Pictures named FINGER_IMPRESSION.ext.")],
    ppi: Ppi = None,
    plots: Annotated[Path | None, typer.Option(help="A folder for the DET and CMC curves.")] = None,
    json_: Json = False,
) -> None:
    """Error rates over all pairs, rank-1, and hits on strangers at the agreement's threshold."""
    from mithaq.measure.accuracy import measure_accuracy

    with progress() as bar:
        task = bar.add_task("measuring", total=None)

        def advance(stage: str, done: int, of: int) -> None:
            bar.update(task, description=stage, completed=done, total=of)

        figures = measure_accuracy(folder, ppi=ppi, plots=plots, progress=advance)
    say(figures, json_, _lines(figures))


@app.command()
def speed(
    folder: Annotated[Path, typer.Argument(help="Pictures named FINGER_IMPRESSION.ext.")],
    ppi: Ppi = None,
    json_: Json = False,
) -> None:
    """Extraction and comparison, on one core and on all."""
    from mithaq.measure.speed import measure_speed

    figures = measure_speed(folder, ppi=ppi)
    say(figures, json_, _lines(figures))


@app.command()
def quality(
    folders: Annotated[list[Path], typer.Argument(help="Folders of pictures named FINGER_IMPRESSION.ext.")],
    ppi: Annotated[list[float] | None, typer.Option(help="Resolution, once or once for each folder.")] = None,
    plots: Annotated[Path | None, typer.Option(help="A folder for the error-against-reject curves.")] = None,
    json_: Json = False,
) -> None:
    """Whether leaving out prints of low quality leaves out those that do not match; beside minutia count and contrast."""
    from mithaq.measure.quality import measure_quality

    figures = measure_quality(folders, ppi=ppi or (), plots=plots)
    say(figures, json_, _lines(figures))


@app.command()
def record(
    folder: Annotated[Path, typer.Argument(help="Transactions in traditional encoding.")], json_: Json = False
) -> None:
    """Files a second: read, read and rewrite, read and check; beside nistitl where it is installed."""
    from mithaq.measure.record import measure_record

    figures = measure_record(folder)
    lines = [f"{figures['files']} files, {figures['megabytes']} MB, one core, load {figures['load']}"]
    lines.append(f"{'':26}{'files/s':>10}{'MB/s':>10}{'MB/s large':>12}")
    for whose in ("ours", "nistitl"):
        for step, rates in (figures[whose] or {}).items():
            if isinstance(rates, dict):
                values = f"{rates['files_per_s']:10,.0f}{rates['mb_per_s']:10,.0f}{rates['large_mb_per_s']:12,.0f}"
                lines.append(f"{whose:8} {step:17}{values}")
            else:
                lines.append(f"{whose:8} {step:17}{rates:10}")
    lines += [f"times nistitl {step:12}{times:10}" for step, times in (figures["times_nistitl"] or {}).items()]
    lines += [f"{part:9}{name:17}{value:10}" for part in ("memory", "palms") for name, value in figures[part].items()]
    say(figures, json_, lines)


@app.command()
def flow(
    seconds: Annotated[float, typer.Option(help="How long each body size is sent.")] = 60.0,
    fingers: Annotated[int, typer.Option(help="Fingers in each gallery (synthetic templates).")] = 10_000,
    json_: Json = False,
) -> None:
    """One query by stage, then sealed, logged and receipted messages a second between two node processes."""
    from mithaq.measure.flow import measure_flow

    with progress() as bar:
        task = bar.add_task("starting two nodes", total=None)
        figures = measure_flow(seconds=seconds, fingers=fingers, say=lambda text: bar.update(task, description=text))
    say(figures, json_, _lines(figures))


def _lines(figures: dict[str, Any], indent: str = "") -> list[str]:
    lines: list[str] = []
    for name, value in figures.items():
        if isinstance(value, dict):
            lines += [f"{indent}{name}", *_lines(value, indent + "  ")]
        else:
            lines.append(f"{indent}{name:24} {value:.6g}" if isinstance(value, float) else f"{indent}{name:24} {value}")
    return lines
