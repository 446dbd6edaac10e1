"""Grey image -> Template, and Template x Template -> Score.

    GrayImage ─ extract ─► Template (minutiae, 128-bit codes, quality) ─ compare ─► Score (value, parts, pairs)

The names below are imported when they are first used, so that `import mithaq.finger` loads neither onnxruntime nor
numba. Decoding and resampling are `mithaq.image`'s; searching many templates is `mithaq.search`'s.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .calibration import false_match_rate, threshold_for
    from .compare import Score, compare
    from .descriptor import describe
    from .extract import Extractor, extract, require_model
    from .minutiae import Minutiae
    from .quality import shortcomings
    from .template import Statistics, Template
    from .trace import Trace

_HOMES = {
    "Extractor": "extract",
    "Minutiae": "minutiae",
    "Score": "compare",
    "Statistics": "template",
    "Template": "template",
    "Trace": "trace",
    "compare": "compare",
    "describe": "descriptor",
    "extract": "extract",
    "false_match_rate": "calibration",
    "require_model": "extract",
    "shortcomings": "quality",
    "threshold_for": "calibration",
}

__all__ = [
    "Extractor",
    "Minutiae",
    "Score",
    "Statistics",
    "Template",
    "Trace",
    "compare",
    "describe",
    "extract",
    "false_match_rate",
    "require_model",
    "shortcomings",
    "threshold_for",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


class _Package(ModuleType):
    """Two functions bear the name of the file they live in. When such a file is imported, by whomever, Python would put
    the module in the function's place here; the function keeps it."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
