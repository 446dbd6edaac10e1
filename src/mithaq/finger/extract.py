"""GrayImage -> Template, readable on one page.

    pixels ─ pad ─► network ─► maps: presence, direction, type ─ peaks ─► minutiae ─ describe ─► codes
       └─────────────────────── windows, spectra ─────────────────────► quality, statistics

One way only: where the network cannot be had there is no extractor of second rank, but SettingsError FIN-001.
"""

from __future__ import annotations

import hashlib
import threading
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mithaq.errors import ImageError, SettingsError
from mithaq.units import GrayImage

from . import parameters, quality
from .minutiae import BIFURCATION, ENDING, Minutiae, minutiae
from .template import Template
from .trace import SILENT, Trace


class Extractor:
    """Owns one session of the network. Safe to call from several threads; each call uses `threads` of the processor's."""

    def __init__(self, *, threads: int = 1) -> None:
        """SettingsError FIN-001 or FIN-002 where the model or its runtime cannot be had."""
        self._session, self._tidy = _session(_model(), threads)

    def extract(self, image: GrayImage, *, trace: Trace | None = None) -> Template:
        """The template of one print.

        `image` at 500 ppi within 2 % (`mithaq.image.to_matcher` resamples). A picture without ridges gives a template
        that says so (`shortcomings`). ImageError FIN-003 to FIN-005: another resolution, no pixels, too many of them.
        """
        kept = SILENT if trace is None else trace
        pixels = _checked(image)
        maps = self._maps(pixels, kept)
        found = _minutiae(maps, kept)
        windows = quality.blocks(pixels)
        kept.keep("quality-blocks", lambda: windows)
        kept.keep("orientation", lambda: quality.orientation(pixels))
        measured = quality.statistics(pixels, windows)
        score = quality.score(found, measured)
        kept.keep("quality-parts", lambda: quality.parts(found, measured))
        template = Template.described(image.width, image.height, found, score, measured)
        kept.keep("codes", lambda: template.codes)
        return template

    def _maps(self, pixels: NDArray[np.uint8], trace: Trace) -> NDArray[np.float32]:
        """(4, h, w): presence 0..1, direction's cosine and sine, type as a logit."""
        padded, top, left = _padded(pixels)
        trace.keep("input", lambda: padded)
        options = self._tidy if padded.size > parameters.KEPT_PIXELS else None
        whole: NDArray[np.float32] = self._session.run(None, {"pixels": padded[None, None]}, options)[0][0]
        maps = whole[:, top : top + pixels.shape[0], left : left + pixels.shape[1]]
        trace.keep("maps", lambda: maps.copy())
        return maps


def extract(image: GrayImage, *, trace: Trace | None = None) -> Template:
    """`Extractor.extract` of one extractor that this process shares, made at the first call, on one processor core."""
    return shared_extractor().extract(image, trace=trace)


_shared: list[Extractor] = []
_making = threading.Lock()


def shared_extractor() -> Extractor:
    """The process's extractor; SettingsError FIN-001 or FIN-002 as Extractor."""
    with _making:
        if not _shared:
            _shared.append(Extractor())
        return _shared[0]


def require_model() -> None:
    """Returns where prints can be extracted here; SettingsError FIN-001 or FIN-002 where not. A node calls it first."""
    shared_extractor()


def _model() -> bytes:
    place = resources.files("mithaq.finger") / parameters.MODEL_FILE
    remedy = "make it with tools/make_leader.py, or install mithaq again"
    try:
        data = place.read_bytes()
    except OSError as error:
        raise SettingsError(
            "FIN-001", "the extractor's network cannot be read", file=parameters.MODEL_FILE, remedy=remedy
        ) from error
    if hashlib.sha256(data).hexdigest() != parameters.MODEL_SHA256:
        raise SettingsError(
            "FIN-001",
            "the extractor's network is not the one this version was measured with",
            file=parameters.MODEL_FILE,
            expected=f"SHA-256 {parameters.MODEL_SHA256}",
            remedy=remedy,
        )
    return data


def _session(model: bytes, threads: int) -> tuple[Any, Any]:
    """The session, and the options of a run that hands its memory back."""
    try:
        import onnxruntime
    except ImportError as error:
        raise SettingsError(
            "FIN-002", "onnxruntime cannot be imported", remedy="install mithaq with its dependencies"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    tidy = onnxruntime.RunOptions()
    tidy.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"]), tidy


def _checked(image: GrayImage) -> NDArray[np.uint8]:
    pixels = image.pixels
    if abs(image.ppi / parameters.PPI - 1.0) > parameters.PPI_TOLERANCE or not np.isfinite(image.ppi):
        raise ImageError(
            "FIN-003",
            f"a print at {image.ppi:g} ppi",
            expected=f"{parameters.PPI} ppi",
            remedy="resample it first (mithaq.image.to_matcher)",
        )
    if pixels.ndim != 2 or pixels.dtype != np.uint8 or not pixels.size:
        raise ImageError("FIN-004", "a picture without grey pixels", expected="uint8 of shape (h, w)")
    if pixels.size > parameters.MAX_PIXELS or max(pixels.shape) > parameters.MAX_SIDE:
        raise ImageError(
            "FIN-005",
            f"a picture of {image.width} x {image.height} pixels at 500 ppi",
            expected=f"at most {parameters.MAX_PIXELS} pixels",
            remedy="cut it to the print",
        )
    return pixels


def _padded(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], int, int]:
    """Centred on whole steps of the network, filled with the border's median; and the offsets of the picture in it."""
    height, width = pixels.shape
    step = parameters.SIZE_STEP
    full_height, full_width = -(-height // step) * step, -(-width // step) * step
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    padded = np.full((full_height, full_width), np.median(border), np.float32)
    top, left = (full_height - height) // 2, (full_width - width) // 2
    padded[top : top + height, left : left + width] = pixels
    return padded, top, left


def _minutiae(maps: NDArray[np.float32], trace: Trace) -> Minutiae:
    """The peaks of the presence map, merged where two lie within one peak's reach, the surest kept."""
    presence, cosine, sine, kind = maps
    height, width = presence.shape
    radius = parameters.PEAK_RADIUS
    rows, columns = np.nonzero(presence >= parameters.PEAK_THRESHOLD)
    around = np.pad(presence, radius)
    windows = np.lib.stride_tricks.sliding_window_view(around, (2 * radius + 1, 2 * radius + 1))
    is_peak = presence[rows, columns] >= windows[rows, columns].max(axis=(1, 2), initial=0.0)
    rows, columns = rows[is_peak], columns[is_peak]
    order = np.lexsort((columns, rows, -presence[rows, columns]))
    rows, columns = rows[order], columns[order]
    kept: list[int] = []
    for k in range(len(rows)):
        near = (np.abs(rows[kept] - rows[k]) <= radius) & (np.abs(columns[kept] - columns[k]) <= radius)
        if not near.any():
            kept.append(k)
    rows, columns = rows[kept], columns[kept]
    trace.keep("peaks", lambda: np.stack([columns, rows, presence[rows, columns]], axis=1))
    return minutiae(
        width,
        height,
        columns,
        rows,
        np.arctan2(sine[rows, columns], cosine[rows, columns]),
        100.0 * np.clip(presence[rows, columns], 0.0, 1.0),
        np.where(kind[rows, columns] >= 0.0, ENDING, BIFURCATION),
    )
