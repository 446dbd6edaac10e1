"""DET and CMC pictures, from scores; the only importer of matplotlib (extra `eval`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mithaq.errors import SettingsError

if TYPE_CHECKING:
    from mithaq.measure.accuracy import Scores


def write_plots(scores: Mapping[str, Scores], directory: Path) -> list[Path]:
    """`det.svg` and `cmc.svg` in `directory`, a line per name. SettingsError MEA-004 without matplotlib."""
    from mithaq.measure.accuracy import cumulative_matches, error_rates

    try:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot
    except ImportError as error:
        raise SettingsError(
            "MEA-004", "matplotlib cannot be imported", remedy="install mithaq with its extra `eval`"
        ) from error
    directory.mkdir(parents=True, exist_ok=True)
    det, cmc = directory / "det.svg", directory / "cmc.svg"
    settings: Any = {"svg.hashsalt": "mithaq", "svg.fonttype": "none", "font.size": 9}
    with matplotlib.rc_context(settings):
        figure, axes = pyplot.subplots(figsize=(5.2, 4.2), layout="constrained")
        for name, found in scores.items():
            fmr, fnmr = error_rates(found.genuine, found.impostor)
            keep = np.flatnonzero((np.diff(fmr, prepend=2.0) != 0) | (np.diff(fnmr, prepend=-1.0) != 0))
            floor = 0.5 / max(len(found.impostor), len(found.genuine))
            axes.step(np.maximum(fmr[keep], floor), np.maximum(fnmr[keep], floor), where="post", label=name, lw=1.2)
        axes.set(xscale="log", yscale="log", xlabel="false-match rate", ylabel="false non-match rate", ylim=(5e-4, 1.0))
        axes.set_xlim(1e-4, 1.0)
        axes.grid(True, which="major", alpha=0.3)
        axes.legend(fontsize=7)
        figure.savefig(det, metadata={"Date": None})
        pyplot.close(figure)
        figure, axes = pyplot.subplots(figsize=(5.2, 3.4), layout="constrained")
        for name, found in scores.items():
            most = min(10, found.fingers)
            axes.plot(range(1, most + 1), cumulative_matches(found.ranks, most), marker=".", label=name, lw=1.2)
        axes.set(xlabel="rank", ylabel="mate found by then", xticks=range(1, 11))
        axes.grid(True, alpha=0.3)
        axes.legend(fontsize=7)
        figure.savefig(cmc, metadata={"Date": None})
        pyplot.close(figure)
    return [det, cmc]
