"""A template of the same print seen in a mirror.

One print does not tell whether it is mirrored: every pattern exists in both hands. Two prints do, where one matches the
other's reflection alone. Nothing here is done by the search: a mirrored probe finds no mate there.
"""

from __future__ import annotations

import numpy as np

from .minutiae import minutiae
from .template import Template


def mirrored(template: Template) -> Template:
    """Left and right exchanged, the codes computed anew; quality and statistics stay."""
    found = minutiae(
        template.width,
        template.height,
        template.width - 1 - template.x_px.astype(np.float64),
        template.y_px,
        np.pi - template.angle_rad.astype(np.float64),
        template.quality,
        template.kind,
    )
    return Template.described(template.width, template.height, found, template.quality_score, template.statistics)
