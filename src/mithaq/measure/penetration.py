"""How much of a gallery an index must look at before the mate is among what it looks at: the penetration curve.

    probe ─ votes ─► the 10, 100, 1,000, … rows most voted for ─► is the mate one of them?     the same by the first stage

The first stage ranks every row, so its curve is what the index gives away by not looking: the space between the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mithaq.finger import Template
from mithaq.search.fields import Fields

SHARES = (0.00001, 0.0001, 0.001, 0.003, 0.01, 0.03, 0.1)


def measure_penetration(
    fields: Fields, mated: Sequence[tuple[Template, int]], *, plots: Path | None = None
) -> dict[str, Any]:
    """`searches`, and for `index` and `first_stage` {share of the gallery: share of mates found in it}; with `plots` a picture.

    `mated`: (probe, the mate's row).
    """
    from mithaq.search.index import build, candidates
    from mithaq.search.ranking import first_stage

    index = build(fields)
    shares = [share for share in SHARES if share * len(fields) >= 1.0]
    within = {"index": np.zeros(len(shares)), "first_stage": np.zeros(len(shares))}
    for probe, row in mated:
        for k, share in enumerate(shares):
            found = candidates(index, fields, probe, wanted=round(share * len(fields)))
            within["index"][k] += row in found
        scores = first_stage(fields, None, probe)
        rank = int((scores >= scores[row]).sum())  # a tie counts against the mate
        within["first_stage"] += [rank <= round(share * len(fields)) for share in shares]
    curves = {name: (found / max(1, len(mated))).tolist() for name, found in within.items()}
    result: dict[str, Any] = {"searches": len(mated), "index_mb": round(index.size_bytes / 1e6, 1)}
    result |= {
        name: {f"{share:g}": found for share, found in zip(shares, curve, strict=True)}
        for name, curve in curves.items()
    }
    if plots is not None:
        from mithaq.measure.plots import write_lines

        lines = {name.replace("_", " "): (shares, curve) for name, curve in curves.items()}
        path = plots / "penetration.svg"
        result["plot"] = str(write_lines(path, lines, x="share of the gallery looked at", y="mates found", log="x"))
    return result
