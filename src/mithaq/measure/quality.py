"""Whether the quality tells beforehand which prints will not match: `mithaq measure quality DIR... [--plots OUT]`.

    genuine pairs ─ the worse print's quality ─► worst pairs left out first ─► misses among those that stay = the curve

A pair is as good as its worse print. The threshold is set where a tenth of a folder's genuine pairs are missed, so that
every folder weighs alike; the area is the curve's mean over the first 30 % left out, divided by its start: 1 says that
the number predicts nothing, 0.27 is the best possible. Equal numbers are left out in no order (their mean counts).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mithaq.errors import SettingsError
from mithaq.finger import Template
from mithaq.measure.accuracy import score_matrix
from mithaq.measure.prints import Prints, Progress, read_prints

START = 0.1
"""Share of the genuine pairs that the threshold misses before anything is left out."""
LEFT_OUT = 0.3
"""Share of the pairs up to which they are left out: a service that refuses more is none."""
ROUNDS, SEED = 1000, 20261124
"""Of the bootstrap over fingers."""

PREDICTORS: Mapping[str, Callable[[Template], float]] = {
    "quality": lambda template: float(template.quality_score),
    "minutiae": lambda template: float(len(template)),
    "contrast": lambda template: template.statistics.contrast if template.statistics else 0.0,
}


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """k genuine pairs of one folder: `score`, `finger` (k) as a number, and the worse print's value by predictor."""

    score: NDArray[np.float64]
    finger: NDArray[np.int64]
    worse: Mapping[str, NDArray[np.float64]]


def measure_quality(
    folders: Sequence[Path], *, ppi: Sequence[float] = (), plots: Path | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """`area` by predictor with its 90 % `interval`, and `quality_minus` the others, the same of the paired difference.

    All are means over the folders. `ppi` holds for all folders, or one value for each. With `plots` the curves are drawn
    there. SettingsError MEA-001 to MEA-004, and MEA-040 where `ppi` fits neither way.
    """
    if len(ppi) not in (0, 1, len(folders)):
        raise SettingsError(
            "MEA-040", f"{len(ppi)} resolutions for {len(folders)} folders", expected="one, or one each"
        )
    given: list[float | None] = [*ppi] * (len(folders) if len(ppi) == 1 else 1) or [None] * len(folders)
    sets = []
    for folder, resolution in zip(folders, given, strict=True):
        prints = read_prints(folder, ppi=resolution, progress=progress)
        sets.append(genuine_pairs(prints, score_matrix(prints, prints, progress=progress)))
    figures = summarise_quality(sets)
    figures["folders"] = [str(folder) for folder in folders]
    if plots is not None:
        figures["plots"] = [str(draw_curves(sets, plots))]
    return figures


def genuine_pairs(prints: Prints, matrix: NDArray[np.float64]) -> Pairs:
    """Every pair of one finger, from the (n, n) scores."""
    _, number = np.unique(np.array(prints.fingers), return_inverse=True)
    i, j = np.tril_indices(len(number), -1)
    is_mate = number[i] == number[j]
    i, j = i[is_mate], j[is_mate]
    values = {
        name: np.array([0.0 if t is None else of(t) for t in prints.templates]) for name, of in PREDICTORS.items()
    }
    return Pairs(matrix[i, j], number[i], {name: np.minimum(value[i], value[j]) for name, value in values.items()})


def reject_curve(score: NDArray[np.float64], worse: NDArray[np.float64]) -> NDArray[np.float64]:
    """(m,) misses among the pairs that stay when the worst 0, 1, … of them are left out, up to the share LEFT_OUT."""
    count = len(score)
    limit = np.sort(score)[max(0, round(START * count) - 1)]
    _, level = np.unique(worse, return_inverse=True)
    per_level = np.bincount(level, score <= limit) / np.bincount(level)
    misses = np.sort(level)  # levels in the order in which they are left out
    staying = np.cumsum(per_level[misses][::-1])[::-1] / np.arange(count, 0, -1)
    return np.asarray(staying[: int(LEFT_OUT * count) + 1])


def area(pairs: Pairs, name: str, chosen: NDArray[np.int64] | None = None) -> float:
    """The curve's mean divided by its start, of all pairs or the `chosen` ones (indices)."""
    at = np.arange(len(pairs.score)) if chosen is None else chosen
    curve = reject_curve(pairs.score[at], pairs.worse[name][at])
    return float(curve.mean() / curve[0])


def summarise_quality(sets: Sequence[Pairs]) -> dict[str, Any]:
    """The figures of measure_quality that follow from the pairs."""
    random = np.random.default_rng(SEED)
    names = list(PREDICTORS)
    drawn = np.empty((ROUNDS, len(names)))
    members = [[np.flatnonzero(p.finger == f) for f in range(p.finger.max() + 1)] for p in sets]
    for row in drawn:
        chosen = [np.concatenate([of[k] for k in random.integers(0, len(of), len(of))]) for of in members]
        row[:] = [np.mean([area(p, name, at) for p, at in zip(sets, chosen, strict=True)]) for name in names]
    means = [float(np.mean([area(p, name) for p in sets])) for name in names]

    def figure(mean: float, values: NDArray[np.float64]) -> dict[str, Any]:
        return {"area": mean, "interval": [float(q) for q in np.quantile(values, (0.05, 0.95))]}

    return {
        "genuine": sum(len(p.score) for p in sets),
        "start": START,
        "left_out": LEFT_OUT,
        **{name: figure(means[k], drawn[:, k]) for k, name in enumerate(names)},
        **{
            f"quality_minus_{name}": figure(means[0] - means[k], drawn[:, 0] - drawn[:, k])
            for k, name in enumerate(names)
            if k
        },
    }


def draw_curves(sets: Sequence[Pairs], directory: Path) -> Path:
    """`erc.svg`: the mean curve of the folders by predictor. SettingsError MEA-004 without matplotlib."""
    try:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot
    except ImportError as error:
        raise SettingsError(
            "MEA-004", "matplotlib cannot be imported", remedy="install mithaq with its extra `eval`"
        ) from error
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "erc.svg"
    at = np.linspace(0.0, LEFT_OUT, 61)
    settings: Any = {"svg.hashsalt": "mithaq", "svg.fonttype": "none", "font.size": 9}
    with matplotlib.rc_context(settings):
        figure, axes = pyplot.subplots(figsize=(5.2, 3.6), layout="constrained")
        for name, colour, dash in zip(PREDICTORS, ("#0072b2", "#d55e00", "#555555"), ("-", "--", ":"), strict=True):
            curves = [reject_curve(p.score, p.worse[name]) for p in sets]
            mean = np.mean([np.interp(at, np.linspace(0, LEFT_OUT, len(c)), c) for c in curves], axis=0)
            axes.plot(100 * at, 100 * mean, dash, color=colour, label=name, lw=1.6)
        best = 100 * np.maximum(START - at, 0.0) / (1.0 - at)
        axes.plot(100 * at, best, color="#bbbbbb", lw=1.0, label="best possible")
        axes.set(xlabel="worst pairs left out, %", ylabel="misses among the rest, %", ylim=(0, None), xlim=(0, 30))
        axes.grid(True, alpha=0.3)
        axes.legend(fontsize=8)
        figure.savefig(path, metadata={"Date": None})
        pyplot.close(figure)
    return path
