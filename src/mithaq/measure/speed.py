"""How fast prints are extracted and compared on this machine: `mithaq measure speed DIR`. It reports; it gates nothing."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mithaq.finger import Extractor, Template
from mithaq.finger.compare import arrays_of, score_arrays, similarities
from mithaq.image import Box
from mithaq.measure.accuracy import Progress, image_files, read_image
from mithaq.units import GrayImage

SAMPLE = 24
"""Pictures extracted; spread evenly over the folder."""
COMPARE_S = 2.0
"""Seconds for each of the four comparison figures."""


def measure_speed(directory: Path, *, ppi: float | None = None, progress: Progress | None = None) -> dict[str, Any]:
    """Speed of each step, for one core and for all of this process's.

    `extract_ms` (median of a sample, decoding left out), `first_stage_per_s` (similarity of all codes of two prints) and
    `full_score_per_s` (whole comparisons), each a dict with "one" and "all"; `bytes_per_finger` (mean template file),
    `cores`, `sample`. Errors as measure_accuracy.
    """
    cores = len(os.sched_getaffinity(0))
    images = _images(directory, ppi)
    templates, one = _extract(Extractor(threads=1), images, progress)
    _, all_cores = _extract(Extractor(threads=cores), images, progress)
    arrays = [arrays_of(template) for template in templates]
    return {
        "cores": cores,
        "sample": len(images),
        "extract_ms": {"one": one, "all": all_cores},
        "first_stage_per_s": _rates(similarities, [each[2:] for each in arrays], cores, progress, "first stage"),
        "full_score_per_s": _rates(score_arrays, arrays, cores, progress, "full score"),
        "bytes_per_finger": round(statistics.mean(len(template.to_bytes()) for template in templates)),
    }


def _images(directory: Path, ppi: float | None) -> list[GrayImage]:
    files = [path for path, _, _ in image_files(directory)]
    chosen = [files[k] for k in np.unique(np.linspace(0, len(files) - 1, SAMPLE).round().astype(int))]
    with Box() as box:
        return [read_image(box, path, ppi) for path in chosen]


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


Kernel = Callable[..., Any]


def _rates(
    kernel: Kernel, arrays: Sequence[tuple[NDArray[Any], ...]], cores: int, progress: Progress | None, name: str
) -> dict[str, int]:
    """Comparisons a second of all pairs of the sample, over and over, on one thread and on one a core."""
    kernel(*arrays[0], *arrays[-1])

    def run(first: int) -> int:
        done, k = 0, first
        until = time.perf_counter() + COMPARE_S
        while time.perf_counter() < until:
            for other in arrays:
                kernel(*arrays[k % len(arrays)], *other)
            done += len(arrays)
            k += 1
        return done

    rates = {}
    for label, threads in (("one", 1), ("all", cores)):
        if progress:
            progress(name, 0 if threads == 1 else 1, 2)
        begin = time.perf_counter()
        with ThreadPoolExecutor(threads) as pool:
            done = sum(pool.map(run, range(threads)))
        rates[label] = round(done / (time.perf_counter() - begin))
    return rates
