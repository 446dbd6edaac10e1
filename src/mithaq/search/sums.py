"""The checksum of a column: each element times an odd weight of its place, added up modulo 2**64.

    sum = Σ element(i) · weight(i)      weight(i) = w ^ (w >> 32), made odd, of w = (i + 1) · 0x9E3779B97F4A7C15

A weight is odd, so that one changed element always shows; zeros count nothing. What is appended is added and what is
zeroed is subtracted, so the sum follows a file that grows and forgets without reading it anew, and a whole file is
checked at the speed of memory. It tells damage; it is no defence against somebody who means it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mithaq.finger.compiled import compiled

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_ONE = np.uint64(1)
_HALF = np.uint64(32)


@compiled
def _weighted(elements: Any, first: Any) -> Any:
    total = np.uint64(0)
    place = np.uint64(first)
    for i in range(len(elements)):
        weight = (place + np.uint64(i) + _ONE) * _GOLDEN
        total += np.uint64(elements[i]) * ((weight ^ (weight >> _HALF)) | _ONE)
    return total


def weighted_sum(elements: NDArray[Any], first: int = 0) -> int:
    """The sum of a column's elements, of which the first is the column's element number `first`; any unsigned type, any shape.

    Signed numbers count as the unsigned ones of the same bits; eight bytes of one block count as one number.
    """
    flat = np.ascontiguousarray(elements)
    if flat.ndim == 2 and flat.shape[1] == 8 and flat.itemsize == 1:
        flat = flat.view(np.uint64)
    per_row = flat.size // max(1, len(flat)) if flat.ndim else 1
    unsigned = flat.reshape(-1).view(f"u{flat.itemsize}")
    return int(_weighted(unsigned, np.uint64(first * per_row)))
