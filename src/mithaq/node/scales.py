"""Is the stated resolution the picture's? What the ridges say, and what the file says (REQ-072).

    ridges ── wider or finer than those of nearly all fingers ──► doubtful: the officer looks at the scan before sending
    no hit ── the best print again, as if its ppi were wrong by a usual factor ── somebody ──► wrong: unsearchable

Ridges alone cannot tell 500 from 569 ppi: fingers differ by more than that. The comparison can. It bears 6 %, and loses
nearly every finger at 14 %, so that a wrong tag would make a silent no-hit of a person who is on file; that person is
found at another scale (docs/conversation.md has the figures). Whom the search found there is never answered.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import replace

from mithaq.errors import ImageError
from mithaq.finger import extract
from mithaq.image import to_matcher
from mithaq.image.ridges import ridge_period_px
from mithaq.node.intake import Examined
from mithaq.node.searching import search_file
from mithaq.pact.agreement import Agreement
from mithaq.search import Searcher
from mithaq.units import FingerPosition, GrayImage

MM_PER_INCH = 25.4
# Of 466 prints of six public sets at their true resolution, 2 lie outside (0.4 %).
NARROWEST_MM, WIDEST_MM = 0.36, 0.66
# real/stated: 1000, 600, 569, 500 and 400 ppi taken for one another; each serves 6 % to either side.
FACTORS = (0.75, 0.816, 0.879, 1.138, 1.225, 1.333)


def is_doubtful(images: Sequence[GrayImage]) -> bool:
    """True where these prints' ridges are farther apart, or nearer, than those of nearly all fingers; False where they
    cannot be measured."""
    periods = [(ridge_period_px(image.pixels), image.ppi) for image in images]
    measured = [period / ppi * MM_PER_INCH for period, ppi in periods if period is not None]
    return bool(measured) and not NARROWEST_MM <= statistics.median(measured) <= WIDEST_MM


def is_another_scale(
    searcher: Searcher,
    agreement: Agreement,
    search_type: str,
    pictures: Sequence[tuple[GrayImage, Examined]],
    *,
    network: str,
) -> bool:
    """True where the best of these prints has a candidate at another resolution than the stated one: it is wrong.

    To be asked where the stated one has none. It costs six extractions and one search. StorageError from the file.
    """
    usable = [picture for picture in pictures if not picture[1].shortcomings]
    if not usable:
        return False
    image, best = max(usable, key=lambda picture: picture[1].template.quality_score)
    tried = []
    for factor in FACTORS:
        try:
            template = extract(to_matcher(GrayImage(image.pixels, image.ppi * factor)), network=network)
        except ImageError:  # larger at that scale than any print; the picture itself was fit to be searched
            continue
        tried.append(replace(best, template=template, print=replace(best.print, position=FingerPosition.UNKNOWN)))
    return bool(tried) and bool(search_file(searcher, agreement, search_type, tried))
