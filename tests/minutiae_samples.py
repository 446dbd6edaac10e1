"""Minutiae for tests of every form: drawn by hypothesis, or one print whose numbers are worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from mithaq.record import CONVENTIONS, FORMS, Minutiae, new_minutiae

MINUTIAE_FORMS = [form for form in FORMS if form in CONVENTIONS]
RECORD_FORMS = [form for form in MINUTIAE_FORMS if not form.startswith("type9")]


def by_hand(**changed: Any) -> Minutiae:
    """An ending that points up at (100, 200), and a bifurcation that points left at (30, 40), in 500 x 400 at 500 ppi."""
    values: dict[str, Any] = {
        "kind": [1, 2], "quality": [80, -1], "position": 2, "impression": 0, "score": 70,
        "cores": [[250, 200, np.pi / 2]], "deltas": [[120, 300, 0, np.pi / 2, np.pi]],
        "ridge_counts": [[0, 1, 3, 1], [1, 0, 3, 1]], "ridge_method": 8,
    }  # fmt: skip
    return new_minutiae(500, 400, [100, 30], [200, 40], [np.pi / 2, np.pi], **{**values, **changed})


@st.composite
def prints(draw: st.DrawFn, most: int = 40) -> Minutiae:
    """Up to `most` minutiae anywhere in a picture of any size, at a usual resolution, with all that a form may hold."""
    width, height = draw(st.integers(40, 1900)), draw(st.integers(40, 1900))
    count = draw(st.integers(1, most))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    ppi = draw(st.sampled_from([500.0, 1000.0, 600.0]))
    method = draw(st.sampled_from([0, 4, 8]))
    pairs = [
        [a, b, int(rng.integers(0, 15)), 1] for a, b in zip(range(count), rng.permutation(count), strict=True) if a != b
    ]
    return new_minutiae(
        width,
        height,
        rng.uniform(0, width - 1, count),
        rng.uniform(0, height - 1, count),
        rng.uniform(0, 2 * np.pi, count),
        kind=rng.integers(0, 3, count),
        quality=np.where(rng.random(count) < 0.2, -1, rng.integers(1, 101, count)),
        ppi=ppi,
        position=draw(st.integers(0, 10)),
        impression=draw(st.integers(0, 8)),
        view=0,
        score=draw(st.integers(-1, 100)),
        cores=[
            [rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0, 6)] for _ in range(draw(st.integers(0, 3)))
        ],
        deltas=[
            [rng.uniform(0, width), rng.uniform(0, height), *rng.uniform(0, 6, 3)]
            for _ in range(draw(st.integers(0, 3)))
        ],
        ridge_counts=pairs if draw(st.booleans()) else (),
        ridge_method=method,
    )
