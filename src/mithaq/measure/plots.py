"""DET and CMC pictures, from scores; the only importer of matplotlib (extra `eval`).

One colour a database, one line style an engine, so that many databases stay legible in one picture. A rate of zero has no
place on a logarithmic axis: it is drawn at half of the least rate that the counts can show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mithaq.errors import SettingsError
from mithaq.measure.rates import cumulative_matches, error_rates

if TYPE_CHECKING:
    from mithaq.measure.rates import Scores

_STYLES = ("-", "--", ":", "-.")


def write_plots(scores: Mapping[str, Scores], directory: Path) -> list[Path]:
    """`det.svg` and `cmc.svg` in `directory`, a line per name ("SET" or "SET, ENGINE"). SettingsError MEA-004."""
    pyplot, settings = _matplotlib()
    directory.mkdir(parents=True, exist_ok=True)
    det, cmc = directory / "det.svg", directory / "cmc.svg"
    looks = _looks(list(scores))
    with settings:
        figure, axes = pyplot.subplots(figsize=(6.0, 4.4), layout="constrained")
        least = min(0.5 / max(len(found.impostor), len(found.genuine)) for found in scores.values())
        for name, found in scores.items():
            fmr, fnmr = error_rates(found.genuine, found.impostor)
            keep = np.flatnonzero((np.diff(fmr, prepend=2.0) != 0) | (np.diff(fnmr, prepend=-1.0) != 0))
            x, y = np.maximum(fmr[keep], 0.5 / len(found.impostor)), np.maximum(fnmr[keep], 0.5 / len(found.genuine))
            axes.step(x, y, where="post", label=name, lw=1.2, **looks[name])
        axes.plot([least, 1], [least, 1], color="0.7", lw=0.8)
        axes.set(xscale="log", yscale="log", xlabel="false-match rate", ylabel="false non-match rate")
        axes.set(xlim=(least, 1.0), ylim=(1e-3, 1.0))
        axes.grid(True, which="major", alpha=0.3)
        axes.legend(fontsize=7, ncols=1 + (len(scores) > 8))
        figure.savefig(det, metadata={"Date": None})
        pyplot.close(figure)
        figure, axes = pyplot.subplots(figsize=(6.0, 3.4), layout="constrained")
        for name, found in scores.items():
            most = min(10, found.fingers)
            axes.plot(
                range(1, most + 1), cumulative_matches(found.ranks, most), marker=".", label=name, lw=1.2, **looks[name]
            )
        axes.set(xlabel="rank", ylabel="mate found by then", xticks=range(1, 11))
        axes.grid(True, alpha=0.3)
        axes.legend(fontsize=7, ncols=1 + (len(scores) > 8))
        figure.savefig(cmc, metadata={"Date": None})
        pyplot.close(figure)
    return [det, cmc]


def write_lines(
    path: Path, lines: Mapping[str, tuple[Sequence[float], Sequence[float]]], *, x: str, y: str, log: str = ""
) -> Path:
    """One picture of named curves; `log` names the logarithmic axes ("x", "xy"). SettingsError MEA-004."""
    pyplot, settings = _matplotlib()
    path.parent.mkdir(parents=True, exist_ok=True)
    with settings:
        figure, axes = pyplot.subplots(figsize=(6.0, 3.6), layout="constrained")
        for name, (across, up) in lines.items():
            axes.plot(across, up, label=name, lw=1.2)
        axes.set(xlabel=x, ylabel=y)
        if "x" in log:
            axes.set_xscale("log")
        if "y" in log:
            axes.set_yscale("log")
        axes.grid(True, alpha=0.3)
        axes.legend(fontsize=7)
        figure.savefig(path, metadata={"Date": None})
        pyplot.close(figure)
    return path


def _matplotlib() -> tuple[Any, Any]:
    try:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot
    except ImportError as error:
        raise SettingsError(
            "MEA-004", "matplotlib cannot be imported", remedy="install mithaq with its extra `eval`"
        ) from error
    settings: Any = {"svg.hashsalt": "mithaq", "svg.fonttype": "none", "font.size": 9}
    return pyplot, matplotlib.rc_context(settings)


def _looks(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The colour says which set, the style which engine."""
    sets = list(dict.fromkeys(name.partition(", ")[0] for name in names))
    engines = list(dict.fromkeys(name.partition(", ")[2] for name in names))
    looks = {}
    for name in names:
        of, _, engine = name.partition(", ")
        style = _STYLES[engines.index(engine) % len(_STYLES)]
        looks[name] = {"color": f"C{sets.index(of) % 10}", "linestyle": style}
    return looks
