"""Every number of this room: its unit, why it has this value, and where it comes from.

Sources: [MCC] Cappelli, Ferrara, Maltoni, "Minutia Cylinder-Code", IEEE TPAMI 32(12), 2010, table of parameters for
the bit-based descriptor; [LEADER] Cappelli, Ferrara, arXiv 2602.15493, and pyfing 0.7.3; [FVC] measured on the set-B
images of FVC2000 and FVC2002 (docs/accuracy.md says how). Lengths are pixels at 500 ppi (0.0508 mm each).
"""

from __future__ import annotations

import math

from mithaq.units import MATCHER_PPI

# Images that the extractor takes.
PPI_TOLERANCE = 0.02
"""Relative; a picture further than this from 500 ppi must be resampled first. 2 % moves a minutia 4 px in 200."""
MAX_PIXELS = 4_000_000
"""Pixels. A rolled print at 500 ppi is 800 x 750, a four-finger slap 1600 x 1500; the network needs 1 kB a pixel."""

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
MAX_MINUTIAE = 255
"""Kept per print, the surest first: the count byte of ISO/IEC 19794-2. A rolled print holds 100 to 180."""

# What can be searched (quality.py); all from the distributions on [FVC] and on pictures that are no prints.
BLOCK = 32
"""Pixels, side of the window whose spectrum is read: three to four ridge periods at 500 ppi."""
BLOCK_STEP = 16
"""Pixels between windows: half a window, so that no ridge patch falls between two."""
MIN_PERIOD = 4.5
MAX_PERIOD = 16.0
"""Pixels. Ridges of children and adults lie 6 to 12 px apart at 500 ppi; wet and distorted prints reach further."""
MIN_CLARITY = 0.35
MIN_DEVIATION = 8.0
BLANK_DEVIATION = 4.0
MIN_RIDGE_SHARE = 0.3
MIN_AREA_MM2 = 25.0
MIN_CONTRAST = 10.0
MIN_CODED_MINUTIAE = 8
GOOD_MINUTIAE = 35
GOOD_AREA_MM2 = 120.0
GOOD_CLARITY = 0.6
GOOD_CONTRAST = 35.0

# The descriptor [MCC].
CYLINDER_RADIUS = 70.0
"""Pixels around a minutia that its cylinder sees [MCC R]."""
CYLINDER_SIDE = 8
"""Cells along the cylinder's base [MCC Ns for the small descriptor]; those whose centre is within the radius: 52."""
CYLINDER_LAYERS = 6
"""Direction differences told apart, 60 degrees each [MCC Nd]."""
CELLS = 52
POSITION_SIGMA = 28.0 / 3.0
"""Pixels, spread of a neighbour's place [MCC sigma_S]; counted up to three of these away."""
DIRECTION_SIGMA = 2.0 * math.pi / 9.0
"""Radians, spread of a neighbour's direction [MCC sigma_D]."""
CELL_THRESHOLD = 0.005
"""A cell is set where its summed contribution is above this [MCC mu_psi, bit-based]."""
HULL_MARGIN = 50.0
"""Pixels by which the convex hull of the minutiae is widened; cells outside it are unknown, not empty [MCC Omega]."""
MIN_CELLS = 0.75
"""Share of a cylinder's cells that must be known, else the minutia has no code [MCC min_VC]."""
MIN_NEIGHBOURS = 2
"""Minutiae that must contribute to a cylinder, else it has no code [MCC min_M]."""

# Comparison [MCC].
MIN_COMMON_CELLS = 0.6
"""Share of all cells known in both codes, else the two minutiae are not compared [MCC min_ME]."""
MAX_TURN_RAD = math.pi / 2.0
"""Minutiae whose directions differ by more are not compared: nobody is searched upside down [MCC delta_theta]."""
MIN_TOP, MAX_TOP, TOP_MIDDLE, TOP_SLOPE = 4, 12, 20.0, 0.4
"""Pairs averaged in the score: a sigmoid of the smaller count of minutiae, 4 for few to 12 for many [MCC n_P]."""
RELAXATION_ROUNDS = 5
RELAXATION_WEIGHT = 0.5
"""Share of a pair's own similarity kept each round; the rest comes from the pairs that agree with it [MCC w_R]."""
DISTANCE_MIDDLE, DISTANCE_SLOPE = 5.0, -1.6
"""Pixels; two pairs agree where the distances between their minutiae differ by less [MCC mu_1, tau_1]."""
ANGLE_MIDDLE, ANGLE_SLOPE = math.pi / 12.0, -30.0
"""Radians; the same for relative direction and for the bearing of one minutia from the other [MCC mu_2,3, tau_2,3]."""
DISTANCE_REACH = 13.0
"""Pixels; beyond it two pairs agree by less than 3e-6 and count as strangers, which saves most of the trigonometry."""
MAX_PAIRS = 100
"""One-to-one pairs that enter the relaxation: bounds the time for the largest prints; two plain prints have about 35."""
PLACE_PX, PLACE_RAD = 14.0, math.pi / 6.0
"""Two minutiae fall on one another within this, after turn and shift: about 1.5 ridges of skin distortion [FVC]."""

PPI = MATCHER_PPI
MM_PER_PIXEL = 25.4 / MATCHER_PPI
