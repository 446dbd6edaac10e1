"""Every number of this room: its unit, why it has this value, and where it comes from.

Sources: [MCC] Cappelli, Ferrara, Maltoni, "Minutia Cylinder-Code", IEEE TPAMI 32(12), 2010, table of parameters for
the bit-based descriptor; [LEADER] Cappelli, Ferrara, arXiv 2602.15493, and pyfing 0.7.3; [FVC] measured on the set-B
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
MODEL_SHA256 = "d3b9302e1e92aa6d4b9123236f699121ac494a0d9aa833c4def52be1e7444fd4"
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
MIN_RIDGE_SHARE = 0.15
"""Of the windows that are not plain, those that are ridges. [FVC]: 0.17 at the 1st percentile, 0.68 at the median;
portrait 0.03, smudges up to 0.11."""
MIN_AREA_MM2 = 20.0
"""Of ridges: a disc of 5 mm. The smallest of [FVC] shows 21, the median 142; a portrait's hair and cloth 14."""
MIN_CONTRAST = 8.0
"""Grey levels of deviation within the ridge windows. [FVC]: 8.1 at the least, 12 at the 1st percentile."""
MIN_CODED_MINUTIAE = 8
"""Minutiae with a code. [FVC]: 11 at the 1st percentile, 35 at the median; the five chance agreements that scored
highest among 200,000 all had a print with fewer. A portrait gives 1, noise and smudges none."""
GOOD_MINUTIAE, GOOD_AREA_MM2, GOOD_CLARITY, GOOD_CONTRAST = 35, 120.0, 0.5, 30.0
"""From here on a part of the quality is full: near the medians of [FVC]."""

# The descriptor (tools/train_descriptor.py; docs/decisions/0009-learned-descriptor.md).
DESCRIPTOR_FILE = "descriptor.npz"
DESCRIPTOR_SHA256 = "cc5030b5bbb8cec77704dd53d00aad2bb3a044c204935bd62a08d0bfe9766771"
"""Of the file that tools/train_descriptor.py wrote."""
NEIGHBOURS = 20
"""Of a minutia that its code is made from, the nearest. A plain print holds some 37 minutiae in all."""
NEIGHBOUR_REACH = 110
"""Pixels within which a minutia is a neighbour: 5.6 mm, some twelve ridges."""
MIN_NEIGHBOURS = 2
"""Neighbours without which a minutia has no code."""
EXTENT_REACH = 160
"""Pixels up to which the descriptor sees how far the print reaches."""

# Comparison.
MAX_TURN = 64
"""256ths of a turn: minutiae whose directions differ by more are not compared: nobody is searched upside down [MCC delta_theta]."""
MIN_TOP, MAX_TOP, TOP_MIDDLE, TOP_SLOPE = 4, 12, 20.0, 0.4
"""Pairs averaged in the score: a sigmoid of the smaller count of minutiae, 4 for few to 12 for many [MCC n_P]."""
RELAXATION_ROUNDS = 5
RELAXATION_WEIGHT = 0.5
"""Share of a pair's own similarity kept each round; the rest comes from the pairs that agree with it [MCC w_R]."""
DISTANCE_MIDDLE, DISTANCE_SLOPE = 5.0, -1.6
"""Pixels; two pairs agree where the distances between their minutiae differ by less [MCC mu_1, tau_1]."""
ANGLE_MIDDLE, ANGLE_SLOPE = math.pi / 12.0, -30.0
"""Radians; the same for relative direction and for the bearing of one minutia from the other [MCC mu_2,3, tau_2,3]."""
ANGLE_REACH = 25
"""256ths of a turn; beyond it two pairs agree by less than 4e-4 and count as strangers."""
DISTANCE_REACH = 13.0
"""Pixels; beyond it two pairs agree by less than 3e-6 and count as strangers, which saves most of the trigonometry."""
MAX_PAIRS = 100
"""One-to-one pairs that enter the relaxation: bounds the time for the largest prints; two plain prints have about 35."""
EVIDENCE_HALF = 5.0
"""Minutiae of the smaller print at which its evidence counts half, n / (n + 5): small prints agree by chance more often.
[FVC] leaves EER as it is, and lowers FNMR at FMR 1e-4 from 3.1 to 2.8 % (2000; 2002 stays at 1.6), because the
impostor tail becomes lighter (Pareto shape 0.14 to 0.09)."""
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
    comparisons=199707,
    points=(
        (1.0, 0.0),
        (0.5, 0.0119),
        (0.2, 0.0132),
        (0.1, 0.01404),
        (0.05, 0.01487),
        (0.02, 0.01602),
        (0.01, 0.01704),
    ),
    tail_rate=0.01,
    tail_start=0.01704,
    tail_scale=0.001591,
    tail_shape=0.0926,
)
"""Of every two searchable prints of different fingers among the 640 of [FVC], across databases too (FVC2000 DB1 and DB2
hold the same fingers: those pairs are left out); written by tools/calibrate.py on 2026-11-24. Highest score met: 0.0362.
Again whenever the network, the descriptor or the comparison changes."""

PPI = MATCHER_PPI
MM_PER_PIXEL = 25.4 / MATCHER_PPI
