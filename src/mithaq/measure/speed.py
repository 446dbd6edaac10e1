"""How fast prints are extracted and compared on this machine: `mithaq measure speed DIR`. It reports; it gates nothing."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from mithaq.errors import SettingsError
from mithaq.finger import Extractor, Template, parameters
from mithaq.image import Box
from mithaq.measure.prints import Folder, Progress, image_files, read_image
from mithaq.units import GrayImage

SAMPLE = 24
"""Pictures extracted; spread evenly over the folder."""
COMPARE_S = 2.0
"""Seconds for each comparison figure."""
GALLERY = 50_000
"""Fingers that the first stage runs over: the sample again and again, 45 MB, past the processor's caches as a gallery is."""
RESCORED = 2_000
"""Rows of one call of the full comparison: what a search asks for."""


def measure_speed(folder: Folder, *, progress: Progress | None = None) -> dict[str, Any]:
    """Speed of each step, for one core and for all of this process's.

    `extract_ms` by network, the default first (median of a sample, decoding left out), `first_stage_per_s` (one print against a gallery of
    templates), `full_score_per_s` (whole comparisons, as a search asks for them), each a dict with "one" and "all";
    `bytes_per_finger` of the packed fields, `minutiae` mean of a print, `kernel` which form of the first stage this processor
    runs; `cores`, `sample`. Errors as measure_accuracy.
    """
    cores = len(os.sched_getaffinity(0))
    images = _images(folder)
    extracted: dict[str, dict[str, float] | str] = {}
    templates: list[Template] = []
    for name in sorted(parameters.NETWORKS, key=lambda name: name != parameters.DEFAULT_NETWORK):
        try:
            made, one = _extract(Extractor(name, threads=1), images, progress)
            _, all_cores = _extract(Extractor(name, threads=cores), images, progress)
        except SettingsError as error:
            if name == parameters.DEFAULT_NETWORK:
                raise
            extracted[name] = f"not here ({error.code})"
            continue
        extracted[name] = {"one": one, "all": all_cores}
        templates = templates or made
    one_core = rates_of(templates, seconds=COMPARE_S, progress=progress)
    return {
        "cores": cores,
        "sample": len(images),
        "minutiae": round(statistics.mean(len(template) for template in templates), 1),
        "kernel": kernel_path(),
        "extract_ms": extracted,
        "first_stage_per_s": {
            "one": one_core["first_stage_per_s"],
            "all": round(_first_stage_rate(templates, cores, COMPARE_S)),
        },
        "full_score_per_s": {
            "one": one_core["full_score_per_s"],
            "all": round(_full_rate(templates, cores, COMPARE_S)),
        },
        "bytes_per_finger": one_core["bytes_per_finger"],
    }


def kernel_path() -> str:
    """Which form of the first stage runs here."""
    from mithaq.search.kernels import chosen_path

    return chosen_path()


def rates_of(templates: Sequence[Template], *, seconds: float, progress: Progress | None = None) -> dict[str, float]:
    """`first_stage_per_s`, `full_score_per_s` on one core, and `bytes_per_finger`, with these as gallery and probes."""
    from mithaq.search.fields import Fields

    if progress:
        progress("comparing", 0, 2)
    fields = Fields.of(templates)
    size = sum(getattr(fields, name).nbytes for name in Fields.__dataclass_fields__) / len(fields)
    first = _first_stage_rate(templates, 1, seconds)
    if progress:
        progress("comparing", 1, 2)
    return {
        "first_stage_per_s": round(first),
        "full_score_per_s": round(_full_rate(templates, 1, seconds)),
        "bytes_per_finger": round(size, 1),
    }


def _on_cores(cores: int, seconds: float, work: Callable[[int], int]) -> float:
    """What `work` counts, a second, called over and over on one thread bound to one core, or by a call that uses all."""
    mine = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, set(sorted(mine)[:cores]))
        work(0)
        done, calls, began = 0, 0, time.perf_counter()
        while (spent := time.perf_counter() - began) < seconds:
            done += work(calls)
            calls += 1
        return done / spent
    finally:
        os.sched_setaffinity(0, mine)


def _first_stage_rate(templates: Sequence[Template], cores: int, seconds: float) -> float:
    from mithaq.search.fields import Fields
    from mithaq.search.ranking import first_stage

    fields = Fields.of([templates[k % len(templates)] for k in range(GALLERY)])

    def work(call: int) -> int:
        return len(first_stage(fields, None, templates[call % len(templates)]))

    return _on_cores(cores, seconds, work)


def _full_rate(templates: Sequence[Template], cores: int, seconds: float) -> float:
    from mithaq.search.fields import Fields
    from mithaq.search.ranking import rescore

    fields = Fields.of([templates[k % len(templates)] for k in range(RESCORED)])
    rows = np.arange(RESCORED)

    def work(call: int) -> int:
        if cores == 1:
            return len(rescore(fields, rows, templates[call % len(templates)]))
        with ThreadPoolExecutor(cores) as pool:
            probes = [templates[(call + k) % len(templates)] for k in range(cores)]
            return sum(len(found) for found in pool.map(lambda probe: rescore(fields, rows, probe), probes))

    return _on_cores(cores, seconds, work)


def _images(folder: Folder) -> list[GrayImage]:
    files = [path for path, _, _ in image_files(folder.path)]
    chosen = [files[k] for k in np.unique(np.linspace(0, len(files) - 1, SAMPLE).round().astype(int))]
    with Box() as box:
        return [read_image(box, path, folder.ppi) for path in chosen]


def _extract(
    extractor: Extractor, images: Sequence[GrayImage], progress: Progress | None
) -> tuple[list[Template], float]:
    extractor.extract(images[0])  # the first call sizes the runtime's memory
    templates, times = [], []
    for done, image in enumerate(images):
        if progress:
            progress("extract", done, len(images))
        begin = time.perf_counter()
        templates.append(extractor.extract(image))
        times.append(time.perf_counter() - begin)
    return templates, round(1000.0 * statistics.median(times), 1)
