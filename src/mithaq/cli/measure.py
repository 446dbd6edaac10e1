"""`mithaq measure`: figures, each by one command. Benchmarks report; nothing here judges."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from mithaq.cli.output import Json, progress, say

app = typer.Typer(no_args_is_help=True, help="Accuracy, speed and throughput, measured here and now.")

Ppi = Annotated[float | None, typer.Option(help="Resolution, where the files do not say it.")]


@contextmanager
def advancing() -> Iterator[Callable[[str, int, int], None]]:
    """A bar on standard error, as what the measurements call after each step."""
    with progress() as bar:
        task = bar.add_task("measuring", total=None)
        yield lambda stage, done, of: bar.update(task, description=stage, completed=done, total=of)


Folders = Annotated[
    list[str],
    typer.Argument(help="Folders of pictures named FINGER_IMPRESSION.ext; DIR@PPI gives one its own resolution."),
]


@app.command()
def accuracy(
    folders: Folders,
    ppi: Ppi = None,
    peers: Annotated[
        bool, typer.Option("--peers", help="Other engines on the same pictures, where installed.")
    ] = False,
    peer_path: Annotated[Path | None, typer.Option(help="A folder with SourceAFIS's jars.")] = None,
    partial: Annotated[
        float | None, typer.Option(help="Cut every probe to a disc of this radius, px at 500 ppi.", min=20)
    ] = None,
    network: Annotated[str | None, typer.Option(help="Which extractor: teacher or fast; else the default.")] = None,
    plots: Annotated[Path | None, typer.Option(help="A folder for the DET and CMC curves.")] = None,
    json_: Json = False,
) -> None:
    """Error rates over all pairs with their 90 % intervals, rank-1, and what the quality gate does to them."""
    from mithaq.measure.accuracy import measure_accuracy
    from mithaq.measure.peers import peers as known
    from mithaq.measure.prints import Folder

    with advancing() as advance:
        figures = measure_accuracy(
            [Folder.parse(folder, ppi) for folder in folders],
            network=network,
            partial_px=partial,
            plots=plots,
            peers=known(peer_path) if peers else (),
            progress=advance,
        )
    say(figures, json_, _lines(figures))


@app.command()
def speed(
    folder: Annotated[str, typer.Argument(help="Pictures named FINGER_IMPRESSION.ext.")],
    ppi: Ppi = None,
    json_: Json = False,
) -> None:
    """Extraction by each network and comparison, on one core and on all; which form of the first stage runs here."""
    from mithaq.measure.prints import Folder
    from mithaq.measure.speed import measure_speed

    with advancing() as advance:
        figures = measure_speed(Folder.parse(folder, ppi), progress=advance)
    say(figures, json_, _lines(figures))


@app.command()
def scale(
    fingers: Annotated[int, typer.Option(help="Synthetic fingers in the gallery.")] = 100_000,
    persons: Annotated[
        bool, typer.Option("--persons", help="Ten fingers a person; queries with ten and with two.")
    ] = False,
    prints: Annotated[
        list[str] | None, typer.Option(help="A folder of real prints, planted and searched; again for more; DIR@PPI.")
    ] = None,
    searches: Annotated[int, typer.Option(help="Searches of each kind, mated and unmated.", min=10)] = 200,
    keep: Annotated[
        Path | None, typer.Option(help="Where the gallery stays; a run that was ended goes on there.")
    ] = None,
    simulate: Annotated[
        float | None, typer.Option(help="Only the cost model for so many fingers (1e8), from rates measured now.")
    ] = None,
    plots: Annotated[Path | None, typer.Option(help="A folder for the index's penetration curve.")] = None,
    json_: Json = False,
) -> None:
    """Searches of a large file: times, memory, rank-1, FNIR at FPIR; and what larger ones would cost."""
    from mithaq.measure.prints import Folder
    from mithaq.measure.scale import measure_model, measure_scale, read_sets

    with advancing() as advance:
        sets = read_sets([Folder.parse(one) for one in prints or ()], progress=advance)
        if simulate is not None:
            figures = measure_model(round(simulate), sets=sets, progress=advance)
        else:
            figures = measure_scale(
                fingers, persons=persons, searches=searches, sets=sets, keep=keep, plots=plots, progress=advance
            )
    say(figures, json_, _lines(figures))


@app.command()
def persons(
    prints: Folders,
    shuffles: Annotated[int, typer.Option(help="How often the fingers are put together anew.", min=1)] = 100,
    json_: Json = False,
) -> None:
    """Persons put together from real fingers: FNIR at FPIR with one, two, five and ten of them."""
    from mithaq.measure.chimeras import measure_chimeras
    from mithaq.measure.prints import Folder
    from mithaq.measure.scale import read_sets

    with advancing() as advance:
        sets = read_sets([Folder.parse(one) for one in prints], progress=advance)
        figures = measure_chimeras(sets, shuffles=shuffles, progress=advance)
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


@app.command()
def ledger(
    entries: Annotated[
        list[int] | None, typer.Option(help="A size to grow to; again for more.  [default: 1000, 10000, 100000]")
    ] = None,
    json_: Json = False,
) -> None:
    """Append, prove, verify and open a ledger as it grows: entries a second, milliseconds, bytes, memory."""
    from mithaq.measure.ledger import measure_ledger

    with advancing() as advance:
        figures = measure_ledger(entries or [1000, 10_000, 100_000], advance=advance)
    say(figures, json_, _lines(figures))


def _lines(figures: dict[str, Any], indent: str = "") -> list[str]:
    lines: list[str] = []
    for name, value in figures.items():
        if isinstance(value, dict):
            lines += [f"{indent}{name}", *_lines(value, indent + "  ")]
        else:
            lines.append(f"{indent}{name:24} {value:.6g}" if isinstance(value, float) else f"{indent}{name:24} {value}")
    return lines
