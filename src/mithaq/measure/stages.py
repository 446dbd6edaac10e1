"""The first stage alone, as a matcher: how much of the accuracy the ranking of millions already has."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mithaq.measure.prints import Prints


def first_stage_matrix(probes: Prints, gallery: Prints) -> NDArray[np.float64]:
    """(n, n): row i is probe i's first-stage score against every print; 0 where a print could not be extracted."""
    from mithaq.search.fields import Fields
    from mithaq.search.ranking import first_stage

    known = [j for j, template in enumerate(gallery.templates) if template is not None]
    count = len(gallery.templates)
    fields = Fields.of([t for t in gallery.templates if t is not None], [0] * len(known), list(range(len(known))))
    matrix = np.zeros((count, count))
    for i, probe in enumerate(probes.templates):
        if probe is not None:
            matrix[i, known] = first_stage(fields, None, probe)
    return matrix
