"""Every number of the search room, with its unit and its reason."""

from __future__ import annotations

# References are printed, typed and sent in records; 40 ASCII characters is what the border's transactions carry.
LONGEST_REFERENCE = 40  # characters

# A person has ten fingers; a query may bring a second impression of each, and no more.
MOST_PROBES = 20  # templates in one search

# Far above every candidate cap that an agreement may state; it bounds the answer of a remote gallery.
MOST_PERSONS = 1000  # persons in one answer

# What is larger than this is no template of one finger: 255 minutiae with their codes take about 6 kB.
LARGEST_TEMPLATE = 256 * 1024  # bytes

# Up to so many impressions every one is compared in full, so that the answer is that of brute force by construction.
# Measured: 0.4 to 0.8 s of one core for 10,000 fingers, which an officer may wait.
EXHAUSTIVE_IMPRESSIONS = 10_000

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
REACH, REACH_FALL = 56.0, 2.5  # bits, and bits per doubling of n; chosen on FVC2000, flat around the choice

# A probe minutia weighs as its reliability, a share of 255, to this power: on FVC2000 4 was better than 1 and 2.
RELIABILITY_POWER = 4

# Rows of the first stage that a thread takes at a time, about 10 ms: even shares, and large beside a task's own cost.
ROWS_A_TASK = 32_768

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
