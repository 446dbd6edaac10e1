"""Every number of the search room, with its unit and its reason."""

from __future__ import annotations

# References are printed, typed and sent in records; 40 ASCII characters is what the border's transactions carry.
LONGEST_REFERENCE = 40  # characters

# A person has ten fingers; a query may bring a second impression of each, and no more.
MOST_PROBES = 20  # templates in one search

# Far above every candidate cap that an agreement may state; it bounds the answer of a remote gallery.
MOST_PERSONS = 1000  # persons in one answer

# 255 minutiae with their codes take about 14 kB; what is larger than this is no template of one finger.
LARGEST_TEMPLATE = 256 * 1024  # bytes

# Up to so many impressions every one is compared in full, so that the answer is that of brute force by construction.
# Measured: 0.4 to 0.8 s of one core for 10,000 fingers, which an officer may wait.
EXHAUSTIVE_IMPRESSIONS = 10_000

# Beyond, the first stage ranks and this many of the best are compared in full, for each probe: about 0.2 s of one core.
# Measured on three FVC databases: of the mates that a full comparison finds, 100, 100 and 99.1 % stand among the best
# 1 % of all other prints (docs/search.md), so 2,000 are enough for some 200,000 impressions.
RESCORED_IMPRESSIONS = 2000

# Parsed templates kept in memory, about 4 kB each; others are read from the mapped file anew, at 0.15 ms each.
TEMPLATES_KEPT = 20_000

# The local socket. A template with 255 minutiae has 17 kB; twenty of them and their header stay far below this.
LARGEST_FRAME = 8 * 1024 * 1024  # bytes
ANSWER_WAIT_S = 30.0  # seconds for one answer; the delivery of messages waits no longer either
PLACES = 16  # requests served at a time; more would only make all of them slower

# ---- The first stage (kernels, ranking) ----------------------------------------------------------------------------

# Directions further apart are not compared: 64 of 256 is a quarter of a turn; nobody is searched upside down.
GATE = 64  # 256ths of a turn

# The most reliable minutiae of a probe: eight registers of eight. A plain print has 37, a rolled one up to 180.
FIRST_STAGE_MINUTIAE = 64

# Of 128 bits: a distance counts by how far it lies below what the nearest of n strangers has.
REACH, REACH_FALL = 52.0, 2.0  # bits, and bits per doubling of n; chosen on FVC2000, flat around the choice

# Rows of the first stage that a thread takes at a time, about 10 ms: even shares, and large beside a task's own cost.
ROWS_A_TASK = 32_768

# ---- One query (engine) --------------------------------------------------------------------------------------------

# Of several fingers each brings fewer rows, since one of them is enough to name the person, but never fewer than this.
FEWEST_RESCORED = 200  # impressions for each probe

# So many persons, by what the first comparisons say, are compared with all their fingers before the threshold.
FUSED_PERSONS = 200
# ---- The index (index) ---------------------------------------------------------------------------------------------

INDEX_TABLES, INDEX_KEY_BITS = 8, 14  # 8 x 14 of 128 bits, each in one table; 32 bytes a minutia
INDEX_CANDIDATES = 20_000  # rows that are given to the first stage
INDEX_BUDGET = 8_000_000  # postings read for one probe, about 1 ns each: bounds the time where buckets are crowded
INDEX_COUNT_POWER = 0.5  # votes count less in prints with many minutiae, as their number to this power

# ---- Full comparison of the best (ranking, tenprint) ----------------------------------------------------------------

RESCORED_ROWS = 1000  # of one probe against a million: 0.1 %
SCORES_A_TASK = 100  # full comparisons that a thread takes at a time, a few milliseconds
LEAST_PERSONS = 100  # however many fingers a query has
MOST_FIRST_EVIDENCE = 30.0  # nats of one finger in the first stage, so that one alone cannot outvote nine
