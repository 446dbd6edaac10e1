"""GrayImage -> Template, readable on one page.

    pixels ─ pad ─► network ─► maps: presence, direction, type ─ peaks ─► minutiae ─ describe ─► codes
       └─────────────────────── windows, spectra ─────────────────────► quality, statistics

Two networks to choose from, `teacher` (LEADER) and `fast` (ours, docs/extractor-card.md); what is chosen is what is used:
where its file cannot be had there is no other in its place, but SettingsError FIN-001.
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
from .cells import minutiae_of_cells
from .minutiae import BIFURCATION, ENDING, Minutiae, minutiae
from .template import Template
from .trace import SILENT, Trace


class Extractor:
    """Owns one session of the network. Safe to call from several threads; each call uses `threads` of the processor's."""

    def __init__(self, network: str = parameters.DEFAULT_NETWORK, *, threads: int = 1) -> None:
        """`network` is `teacher` or `fast`; SettingsError FIN-001, FIN-002 or FIN-006 where it cannot be had."""
        self._session, self._tidy = _session(_model(network), threads)
        self._is_fast = network == parameters.FAST

    def extract(self, image: GrayImage, *, trace: Trace | None = None) -> Template:
        """The template of one print.

        `image` at 500 ppi within 2 % (`mithaq.image.to_matcher` resamples). A picture without ridges gives a template
        that says so (`shortcomings`). ImageError FIN-003 to FIN-005: another resolution, no pixels, too many of them.
        """
        kept = SILENT if trace is None else trace
        pixels = _checked(image)
        found = self._found(pixels, kept)
        windows = quality.blocks(pixels)
        kept.keep("quality-blocks", lambda: windows)
        kept.keep("orientation", lambda: quality.orientation(pixels))
        measured = quality.statistics(pixels, windows)
        score = quality.score(found, measured)
        kept.keep("quality-parts", lambda: quality.parts(found, measured))
        template = Template.described(image.width, image.height, found, score, measured)
        kept.keep("codes", lambda: template.codes)
        return template

    def _found(self, pixels: NDArray[np.uint8], trace: Trace) -> Minutiae:
        if not self._is_fast:
            return _minutiae(self._maps(pixels, trace), trace)
        whole, top, left = self._whole(pixels, trace, parameters.FAST_STEP)
        trace.keep("maps", lambda: whole.copy())
        return minutiae_of_cells(whole, top, left, pixels.shape[0], pixels.shape[1], trace)

    def _maps(self, pixels: NDArray[np.uint8], trace: Trace) -> NDArray[np.float32]:
        """(4, h, w) of the teacher: presence 0..1, direction's cosine and sine, type as a logit."""
        whole, top, left = self._whole(pixels, trace, parameters.SIZE_STEP)
        maps = whole[:, top : top + pixels.shape[0], left : left + pixels.shape[1]]
        trace.keep("maps", lambda: maps.copy())
        return maps

    def _whole(self, pixels: NDArray[np.uint8], trace: Trace, step: int) -> tuple[NDArray[np.float32], int, int]:
        """What the network makes of the padded picture, and the picture's top and left in that."""
        padded, top, left = _padded(pixels, step)
        trace.keep("input", lambda: padded)
        options = self._tidy if padded.size > parameters.KEPT_PIXELS else None
        return self._session.run(None, {"pixels": padded[None, None]}, options)[0][0], top, left


def extract(image: GrayImage, *, trace: Trace | None = None, network: str = parameters.DEFAULT_NETWORK) -> Template:
    """`Extractor.extract` of the one extractor of that network that this process shares, on one processor core."""
    return shared_extractor(network).extract(image, trace=trace)


_shared: dict[str, Extractor] = {}
_making = threading.Lock()


def shared_extractor(network: str = parameters.DEFAULT_NETWORK) -> Extractor:
    """The process's extractor, made at the first call; SettingsError FIN-001, FIN-002 or FIN-006 as Extractor."""
    with _making:
        if network not in _shared:
            _shared[network] = Extractor(network)
        return _shared[network]


def require_model(network: str = parameters.DEFAULT_NETWORK) -> None:
    """Returns where prints can be extracted here; SettingsError as Extractor where not. A node calls it first."""
    shared_extractor(network)


def _model(network: str) -> bytes:
    if network not in parameters.NETWORKS:
        raise SettingsError(
            "FIN-006",
            "a network that does not exist",
            expected=" or ".join(parameters.NETWORKS),
            remedy="name one of these",
        )
    file, digest, maker = (
        (parameters.FAST_FILE, parameters.FAST_SHA256, "tools/train_extractor.py")
        if network == parameters.FAST
        else (parameters.MODEL_FILE, parameters.MODEL_SHA256, "tools/make_leader.py")
    )
    remedy = f"make it with {maker}, or install mithaq again"
    try:
        data = (resources.files("mithaq.finger") / file).read_bytes()
    except OSError as error:
        raise SettingsError("FIN-001", "the extractor's network cannot be read", file=file, remedy=remedy) from error
    if hashlib.sha256(data).hexdigest() != digest:
        raise SettingsError(
            "FIN-001",
            "the extractor's network is not the one this version was measured with",
            file=file,
            expected=f"SHA-256 {digest}",
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


def _padded(pixels: NDArray[np.uint8], step: int) -> tuple[NDArray[np.float32], int, int]:
    """Centred on whole steps of the network, filled with the border's median; and the offsets of the picture in it."""
    height, width = pixels.shape
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
