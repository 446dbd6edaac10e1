"""How well mates are told from strangers on folders of prints: `mithaq measure accuracy DIR...`.

    FINGER_IMPRESSION.ext ─► templates ─┬─ compare, every pair ──► eer, fmr1000, … with 90 % intervals, rank-1
                                        ├─ the first stage alone ► first_stage_eer
                                        ├─ quality gate ─────────► what a search refuses, and its rates at the threshold
                                        └─ peers, same pictures ─► their figures (peers.py)

The engine's figures count every print: only one that could not be extracted scores 0 everywhere. Beside them stands what
happens in operation, where a print that cannot be searched is refused: then all its comparisons are lost, and so is the
chance that it hits a stranger. Neither figure replaces the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mithaq.finger import Extractor, compare, threshold_for
from mithaq.measure.prints import (
    Folder,
    Prints,
    Progress,
    cut,
    extract_all,
    image_files,
    read_image,
    read_images,
    read_prints,
)
from mithaq.measure.rates import SEED, Scores, interval, resampled, scores_of, summarise

AGREEMENT_FMR = 1e-6
"""The false-match rate per comparison that the demonstration's agreement sets for a print against a print."""
AVERAGED = ("eer", "fmr100", "fmr1000", "zerofmr", "rank1", "first_stage_eer", "first_stage_fmr1000")


def measure_accuracy(
    folders: Sequence[Folder],
    *,
    network: str | None = None,
    partial_px: float | None = None,
    plots: Path | None = None,
    peers: Sequence[Any] = (),
    progress: Progress | None = None,
) -> dict[str, Any]:
    """The figures of one folder, or of several with their mean.

    Of one folder, rates as fractions: `images`, `failed` extractions, `fingers`, `genuine`, `impostor`, `eer`, `fmr100`,
    `fmr1000`, `zerofmr`, `rank1`; `eer_90`, `fmr1000_90` the ends of 90 % intervals over fingers; `first_stage_eer`,
    `first_stage_fmr1000`; `gate` (below); `peers`: by name the same figures, or `missing` with the reason. Of several:
    the means at the top, counts summed, and each folder's under `sets`. `network` and `partial_px` as given are repeated.

    `gate`: `refused` prints; at `threshold`, the agreement's for `fmr` 1e-6: `fnmr` and `false_hits` with the gate (a
    refused print matches nobody), `fnmr_ungated` and `false_hits_ungated` without it.

    SettingsError MEA-001 to MEA-005; the errors of reading and extracting.
    """
    extractor = _extractor(network)
    sets: dict[str, dict[str, Any]] = {}
    curves: dict[str, Scores] = {}
    draws: dict[str, list[dict[str, NDArray[np.float64]]]] = {}
    for name, folder in zip(set_names([folder.path for folder in folders]), folders, strict=True):
        images = read_images(folder, progress=progress)
        prints = extract_all(images, extractor, progress=progress)
        probes = prints if partial_px is None else cut(prints, partial_px)
        matrix = score_matrix(probes, prints, progress=progress)
        figures, curves[name] = _figures(matrix, prints, "", draws)
        figures |= {"images": len(prints.templates), "failed": sum(t is None for t in prints.templates)}
        figures |= _first_stage(probes, prints)
        figures["gate"] = gate_figures(matrix, probes)
        if peers:
            figures["peers"] = {}
            for peer in peers:
                figures["peers"][peer.name] = _peer_figures(peer, images, prints, draws, curves, name, progress)
        sets[name] = figures
    found = _together(sets, draws)
    found |= {"network": network or "default", "partial_px": partial_px}
    if plots is not None:
        from mithaq.measure.plots import write_plots

        found["plots"] = [str(path) for path in write_plots(curves, plots)]
    return found


def _extractor(network: str | None) -> Extractor:
    return Extractor() if network is None else Extractor(network)


def set_names(paths: Sequence[Path]) -> list[str]:
    """A short name for each folder: its own, with the one above it where two are called alike."""
    names = [path.resolve().name for path in paths]
    if len(set(names)) < len(names):
        names = ["/".join(path.resolve().parts[-2:]) for path in paths]
    return [f"{name} ({number})" if names.index(name) != number else name for number, name in enumerate(names)]


def score_matrix(probes: Prints, gallery: Prints, *, progress: Progress | None = None) -> NDArray[np.float64]:
    """(n, n): row i is probe i against every print; 0 on the diagonal and where a print could not be extracted."""
    count = len(gallery.templates)
    matrix = np.zeros((count, count))
    for i, probe in enumerate(probes.templates):
        if progress:
            progress("compare", i, count)
        for j in range(i) if probes is gallery else range(count):
            other = gallery.templates[j]
            if probe is not None and other is not None and i != j:
                matrix[i, j] = compare(probe, other).value
    return matrix + matrix.T if probes is gallery else matrix


def _figures(
    matrix: NDArray[np.float64], prints: Prints, whose: str, draws: dict[str, list[dict[str, NDArray[np.float64]]]]
) -> tuple[dict[str, Any], Scores]:
    scores = scores_of(matrix, prints.fingers)
    drawn = resampled(scores, seed=SEED + len(draws.get(whose, ())))  # the same fingers for every engine
    draws.setdefault(whose, []).append(drawn)
    figures = summarise(scores)
    return figures | {f"{rate}_90": interval(values) for rate, values in drawn.items()}, scores


def _first_stage(probes: Prints, gallery: Prints) -> dict[str, float]:
    """What the first stage alone would decide: it ranks millions, so its own errors bound what a search can find."""
    from mithaq.measure.stages import first_stage_matrix

    figures = summarise(scores_of(first_stage_matrix(probes, gallery), gallery.fingers))
    return {f"first_stage_{name}": figures[name] for name in ("eer", "fmr1000")}


def gate_figures(matrix: NDArray[np.float64], probes: Prints) -> dict[str, Any]:
    """What the quality gate changes at the agreement's threshold: see measure_accuracy."""
    threshold = threshold_for(AGREEMENT_FMR)
    open_ = probes.is_searchable
    gated = np.where(open_[:, None] & open_[None, :], matrix, 0.0)
    found: dict[str, Any] = {"refused": int((~open_).sum()), "fmr": AGREEMENT_FMR, "threshold": threshold}
    for suffix, values in (("", gated), ("_ungated", matrix)):
        scores = scores_of(values, probes.fingers)
        found[f"fnmr{suffix}"] = float((scores.genuine < threshold).mean())
        found[f"false_hits{suffix}"] = int((scores.impostor >= threshold).sum())
    return found


def _peer_figures(
    peer: Any,
    images: Sequence[Any],
    prints: Prints,
    draws: dict[str, list[dict[str, NDArray[np.float64]]]],
    curves: dict[str, Scores],
    name: str,
    progress: Progress | None,
) -> dict[str, Any]:
    reason = peer.missing()
    if reason:
        return {"missing": reason}
    if progress:
        progress(peer.name, 0, len(images))
    matrix = peer.scores([image for _, _, image in images])
    figures, curves[f"{name}, {peer.name}"] = _figures(matrix, prints, peer.name, draws)
    return figures


def _together(
    sets: dict[str, dict[str, Any]], draws: dict[str, list[dict[str, NDArray[np.float64]]]]
) -> dict[str, Any]:
    """One folder's figures as they are; of several their mean, the counts summed, and all of them under `sets`."""
    if len(sets) == 1:
        return dict(next(iter(sets.values())))
    found = _mean(list(sets.values()), draws[""])
    gates = [figures["gate"] for figures in sets.values()]
    found["gate"] = {
        **{name: gates[0][name] for name in ("fmr", "threshold")},
        **{name: sum(gate[name] for gate in gates) for name in ("refused", "false_hits", "false_hits_ungated")},
        **{name: float(np.mean([gate[name] for gate in gates])) for name in ("fnmr", "fnmr_ungated")},
    }
    first = next(iter(sets.values()))
    if "peers" in first:
        found["peers"] = {
            peer: figures if "missing" in figures else _mean([s["peers"][peer] for s in sets.values()], draws[peer])
            for peer, figures in first["peers"].items()
        }
    return found | {"sets": sets}


def _mean(sets: list[dict[str, Any]], draws: list[dict[str, NDArray[np.float64]]]) -> dict[str, Any]:
    counts = [name for name in ("images", "failed", "fingers", "genuine", "impostor") if name in sets[0]]
    found: dict[str, Any] = {name: sum(figures[name] for figures in sets) for name in counts}
    found |= {name: float(np.mean([f[name] for f in sets])) for name in AVERAGED if name in sets[0]}
    for rate in (
        "eer",
        "fmr1000",
    ):  # the databases' draws are independent: their mean's interval, not the intervals' mean
        found[f"{rate}_90"] = interval(np.mean([drawn[rate] for drawn in draws], axis=0))
    return found


__all__ = ["Folder", "Prints", "image_files", "measure_accuracy", "read_image", "read_prints", "score_matrix"]
