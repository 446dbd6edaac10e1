"""Every number of this room: its unit, why it has this value, and where it comes from.

Sources: [MCC] Cappelli, Ferrara, Maltoni, "Minutia Cylinder-Code", IEEE TPAMI 32(12), 2010, the parameters of its local
similarity sort with relaxation; [LEADER] Cappelli, Ferrara, arXiv 2602.15493, and pyfing 0.7.3; [FVC] measured on the set-B
images of FVC2000 and FVC2002 (docs/accuracy.md says how). Lengths are pixels at 500 ppi (0.0508 mm each).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from mithaq.units import MATCHER_PPI

# Images that the extractor takes.
PPI_TOLERANCE = 0.02
"""Relative; a picture further than this from 500 ppi must be resampled first. 2 % moves a minutia 4 px in 200."""
MAX_PIXELS = 1_500_000
"""Pixels of one print. A rolled one is 800 x 750; the network needs 1.2 kB of memory a pixel, so this is 1.8 GB."""
MAX_SIDE = 32767
"""Pixels; places are kept in 16 bits."""
KEPT_PIXELS = 300_000
"""After a larger picture the runtime hands its memory back: a rolled print would leave 0.8 GB behind, at 0.1 s saved."""

# The network [LEADER].
MODEL_FILE = "leader.onnx"
MODEL_SHA256 = "4cf9c3894a2ef825050f07322168991784d43725fce8d2dc0146dee098f785cf"
"""Of the file that tools/make_leader.py writes from the wheel of pyfing 0.7.3."""
SIZE_STEP = 32
"""Pixels. The network halves its input five times."""
PEAK_THRESHOLD = 0.35
"""Presence from which a peak is a minutia. pyfing's 0.6 throws good ones away: FVC EER 0.45 % at 0.35-0.40 against
0.80 % at 0.6 on FVC2002, and FVC2004, which was not swept on, agrees (1.42 against 2.23 %)."""
PEAK_RADIUS = 3
"""Pixels; a peak is the largest within 7 x 7 [LEADER], and of two equal ones so near the first is kept."""

# The fast network (ours; docs/extractor-card.md).
TEACHER, FAST = "teacher", "fast"
NETWORKS = (TEACHER, FAST)
DEFAULT_NETWORK = TEACHER
"""The fast one takes its place when its errors are within a tenth of the teacher's on each set (docs/decisions/0010)."""
FAST_FILE = "fast.onnx"
FAST_SHA256 = "da991ddf5c6cccf50f906847c656cfd00cb0717756d2b64cec80f7e1bf835654"
"""Of the file that tools/train_extractor.py --export wrote."""
FAST_STEP = 16
"""Pixels. The network halves its input four times."""
FAST_CELL = 4
"""Pixels on a side of what one output speaks of."""
FAST_THRESHOLD = 0.20
"""Presence from which a peak is a minutia."""
FAST_MERGE = 6.0
"""Pixels, under one ridge period: two peaks nearer than this mean the same minutia."""

MAX_MINUTIAE = 255
"""Kept per print, the surest first: the count byte of ISO/IEC 19794-2. A rolled print holds 100 to 180."""

# What can be searched (quality.py): set between all 640 prints of [FVC] and pictures that are no prints.
BLOCK = 32
"""Pixels, side of the window whose spectrum is read: three to four ridge periods at 500 ppi."""
BLOCK_STEP = 16
"""Pixels between windows: half a window, so that no ridge patch falls between two."""
MIN_PERIOD, MAX_PERIOD = 4.5, 14.0
"""Pixels. Ridges lie 6 to 12 apart at 500 ppi; below 1/14 a window's spectrum cannot tell ridges from shading."""
MIN_CLARITY = 0.3
"""Share of a window's energy in one ridge frequency and direction. [FVC] windows on ridges: 0.4 to 0.9; noise 0.03,
smudges and a portrait below 0.2 nearly everywhere."""
MIN_DEVIATION = 5.0
"""Grey levels; a window with less is plain background, sensor noise included."""
BLANK_DEVIATION = 3.0
"""Grey levels over the whole picture; the faintest print of [FVC] has 8.4."""
MIN_RIDGE_SHARE, LEAST_RIDGE_SHARE = 0.15, 0.05
"""Of the windows that are not plain, those that are ridges: the first where minutiae are too few, the second where the
network found enough. FVC2000: 0.157 at the least, 0.68 at the median; square codes and smudges up to 0.12 without a
minutia, a drawn face with six of them 0.00."""
MIN_AREA_MM2 = 20.0
"""Of ridges: a disc of 5 mm. The smallest of [FVC] shows 21, the median 142; a portrait's hair and cloth 14."""
MIN_CONTRAST = 8.0
"""Grey levels of deviation within the ridge windows. [FVC]: 8.1 at the least, 12 at the 1st percentile."""
MIN_CODED_MINUTIAE = 6
"""Minutiae with a code. FVC2000: 7 at the least (a print that matches mates of its own), 35 at the median. Bar codes,
lettering, rings, gratings, noise and smudges give none or one, a drawn face up to six but no ridges."""
FULL_MINUTIAE, FULL_CERTAINTY, FULL_EXTENT_MM2, FULL_CLARITY = 60.0, 0.9, 150.0, 0.6
"""From here on a part of the quality is full: sum of certainties, mean certainty, hull of the minutiae, clarity."""
QUALITY_WEIGHTS = {"minutiae": 1.0, "certainty": 4.0, "extent": 0.5, "clarity": 1.0}
"""Exponents, chosen on FVC2000 by the area under the error-against-reject curve among 0, 1, 2 and 4 (docs/quality.md)."""

# The descriptor (tools/train_descriptor.py; docs/decisions/0009-learned-descriptor.md).
DESCRIPTOR_FILE = "descriptor.npz"
DESCRIPTOR_SHA256 = "79a602a2fa460502ab881066d303edd040f881f957423a28211e409b92c15d06"
"""Of the file that tools/train_descriptor.py wrote."""
NEIGHBOURS = 20
"""Of a minutia that its code is made from, the nearest. A plain print holds some 37 minutiae in all."""
NEIGHBOUR_REACH = 110
"""Pixels within which a minutia is a neighbour: 5.6 mm, some twelve ridges."""
MIN_NEIGHBOURS = 2
"""Neighbours without which a minutia has no code."""
EXTENT_REACH = 160
"""Pixels up to which the descriptor sees how far the print reaches."""

# Comparison: relaxation after [MCC], chosen anew on FVC2000 alone with the learned codes, whole prints and discs of 90 px.
MAX_TURN = 64
"""256ths of a turn: minutiae whose directions differ by more are not compared: nobody is searched upside down [MCC delta_theta]."""
MIN_TOP, MAX_TOP, TOP_MIDDLE, TOP_SLOPE = 4, 12, 20.0, 0.4
"""Pairs averaged in the score: a sigmoid of the smaller count of minutiae, 4 for few to 12 for many [MCC n_P]."""
RELAXATION_ROUNDS = 5
RELAXATION_WEIGHT = 0.3
"""Share of a pair's own similarity kept each round; the rest comes from the pairs that agree with it. [FVC] 0.5 and 0.7
lose on whole and on cut prints, 0.15 on whole ones."""
DISTANCE_MIDDLE, DISTANCE_SLOPE = 5.0, -1.6
"""Pixels; two pairs agree where the distances between their minutiae differ by less [MCC mu_1, tau_1]."""
ANGLE_MIDDLE, ANGLE_SLOPE = 0.2, -20.0
"""Radians; the same for relative direction and, as a sine, for the bearing of one minutia from the other."""
ANGLE_REACH = 25
"""256ths of a turn; beyond it two pairs agree by less than 3e-4 and count as strangers."""
DISTANCE_REACH = 10.0
"""Pixels; beyond it two pairs agree by less than 4e-4 and count as strangers, which saves most of the work."""
MAX_PAIRS = 30
"""One-to-one pairs that enter the relaxation, the most similar ones: bounds the time for the largest prints."""
EVIDENCE_HALF = 2.0
"""Minutiae of the smaller print at which its evidence counts half, n / (n + 2): small prints agree by chance more often."""
AGAIN_PX, AGAIN_TURN = 40.0, 25
"""Pixels and 256ths of a turn: minutiae farther apart under the placement are no pair in the second reading. FVC2000 is level
from 30 px on and worse at 15 to 20: the placement is rigid, skin is not; what agrees is judged from pair to pair."""
AGAIN_PART = 4
"""One in so many minutiae of the smaller print must be placed for a pair to find full support: two pairs in a sliver of overlap
agree by chance. FVC2000 is level in EER and FMR1000 without it and has more misses before the first false match; with as
many as the averaged pairs it loses prints of seven minutiae."""
AGAIN_SUPPORT = 0.5
"""Agreement from which a pair takes part in the placement; 0.1 and 0.25 are level with it."""
PLACE_PX, PLACE_RAD = 14.0, math.pi / 6.0
"""Two minutiae fall on one another within this, after turn and shift: about 1.5 ridges of skin distortion [FVC]."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Rates of impostor scores. `points` (rate, score) measured, rates falling; from `tail_start`, which the share
    `tail_rate` reaches, a generalised Pareto tail of `tail_scale` and `tail_shape`."""

    comparisons: int
    points: tuple[tuple[float, float], ...]
    tail_rate: float
    tail_start: float
    tail_scale: float
    tail_shape: float


CALIBRATION = Calibration(
    comparisons=201600,
    points=(
        (1, 0.000000),
        (0.5, 0.002589),
        (0.2, 0.003296),
        (0.1, 0.003750),
        (0.05, 0.004207),
        (0.02, 0.004840),
        (0.01, 0.005374),
    ),
    tail_rate=0.01,
    tail_start=0.005374,
    tail_scale=0.000766,
    tail_shape=0.1419,
)
"""Of every two searchable prints of different fingers among the 640 of [FVC], across databases too (FVC2000 DB1 and DB2
hold the same fingers: those pairs are left out); written by tools/calibrate.py on 2026-11-24. Highest score met: 0.01487
Again whenever the network, the descriptor or the comparison changes."""

PPI = MATCHER_PPI
MM_PER_PIXEL = 25.4 / MATCHER_PPI

# Slaps (slap.py). Set on the few real slaps of docs/slaps.md and on composed ones; sizes are those of adults' fingers.
SLAP_MAX_PIXELS = 6_000_000
"""Of a slap; four fingers are 1600 x 1000, a whole ten-finger sheet's slaps 1600 x 1500."""
SLAP_MAX_SIDE = 4000
SLAP_STEP = 8
"""Pixels between windows: 0.4 mm, a quarter of a window, so that edges are known to about 5 px."""
SLAP_CONTRAST_SHARE = 0.22
"""Of the contrast of the best tenth of the clear windows; fainter is the ghost of the capture before, or paper."""
SLAP_POOR_CLARITY = 0.16
"""Of windows that still count where they hang together with clear ones: worn or wet parts of a finger."""
SLAP_BLACK = 60.0
"""Grey level; a window darker than this on ridges is a punched hole or ink without form, and belongs to the finger."""
SLAP_HOLE_MM2 = 5.0
"""A hole in the ridges up to this size is a worn spot; the space that four fingers enclose is larger."""
SLAP_LEAST_DEPTH = 3.0
"""Windows (SLAP_STEP) to the nearest edge from the middle of a piece: marks under 3 mm wide have no middle."""
SLAP_NECK = 0.88
"""A shape that narrows to less than this between two middles is two pieces."""
SLAP_LEAST_PIECE_MM2 = 20.0
SLAP_BELOW = 0.55
"""Of a finger's width: a piece whose middle lies nearer than this to a finger's line is part of that finger."""
SLAP_LONG = 0.35
"""Spread (0 round) from which pieces show their own direction: about 1.45 times as long as wide."""
SLAP_FAN_RAD = math.radians(15.0)
"""A finger leans from its hand by no more."""
SLAP_NEAR_MM = 14.0
"""From the tip, where the width is first taken."""
SLAP_CREASE_MM = (9.0, 34.0)
"""From the tip: where a first joint's crease may lie, little finger of a small hand to thumb of a large one."""
SLAP_CREASE_LEAST = 1.0
"""Of the finger's width, likewise."""
SLAP_CREASE_WIDTH = 0.3
"""Of the finger's width to either side of its middle, over which a crease must run."""
SLAP_CREASE_SLANTS = (-0.3, -0.15, 0.0, 0.15, 0.3)
SLAP_CREASE_DEPTH = 0.6
"""Of the usual texture; a crease with less beside it is none."""
SLAP_ASSUMED_LENGTH = 1.5
"""Of the width: how long a finger's end is taken to be where no crease shows."""
SLAP_LEAST_FINGER_MM2, SLAP_LEAST_WIDTH_MM, SLAP_LEAST_LENGTH_MM = 45.0, 6.0, 8.0
SLAP_LEAST_AREA_SHARE, SLAP_LEAST_WIDTH_SHARE = 0.25, 0.55
"""Of the largest finger: what is smaller is a remnant of another print. A little finger is at least 0.65 as wide."""
SLAP_MOST_WIDTH_MM = 34.0
"""Wider than any finger end, thumbs pressed flat included: 25 mm is wide."""
SLAP_USUAL_WIDTH_MM, SLAP_USUAL_LENGTH_MM = (8.0, 27.0), (11.0, 36.0)
SLAP_MOST_LEAN_RAD = math.radians(60.0)
SLAP_TOUCHING_WINDOWS, SLAP_CUT_WINDOWS = 3, 4
"""Along which two fingers touch, or one reaches the picture's edge: 1.2 and 1.6 mm."""
SLAP_CUT_MARGIN = 12
"""Pixels kept around a finger that is cut out."""
SLAP_MARKS = {"no-crease": 0.8, "cut": 0.6, "touching": 0.7, "odd-size": 0.5}
"""What is left of the confidence for each mark."""

# The sequence of a card (sequence.py).
SEQUENCE_ALPHA = 1e-3
"""Chance that a card without fault is said to hold one finger at two positions, over all its comparisons."""
SEQUENCE_SAME_RATE = 1e-3
"""False-match rate up to which the rolled and the plain print of one position are one finger: one comparison each."""
SEQUENCE_UNLIKE_RATE = 0.1
"""Up to this rate two prints are a little alike. Of 1,113 pairs of one finger in FVC2000, both of fair quality, one lies past it, of
pairs of two fingers nine in ten; a rolled and a plain print of one real finger had 0.023."""
SEQUENCE_QUALITY = 40
"""Below it a print is too poor for its unlikeness to mean anything."""
