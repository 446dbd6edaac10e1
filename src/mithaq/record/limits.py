"""How much of anything a file may hold: every limit of this room, each with its unit and its reason.

A limit is far above what any transaction in use holds, and low enough that what lies within it is read in time and
memory that grow with the file alone. What lies above is refused with FormatError REC-010 before anything is made of it.
"""

from __future__ import annotations

from mithaq.errors import FormatError

MOST_BYTES = 1 << 32
"""Bytes of a file. The LEN of a binary record has four bytes; no record, and so no sensible file, is longer."""

MOST_RECORDS = 4_000
"""Records of a transaction: four times what the three digits of 1.003 can count. A record costs about 0.3 kB."""

MOST_FIELDS = 100_000
"""Fields of a transaction, payloads left out: a hundred records of a thousand fields. A field costs about 0.3 kB once cut."""

MOST_SEPARATORS = 2_000_000
"""RS and US of a transaction, payloads left out: forty palms of 2,000 minutiae with eight neighbours each."""

MOST_GUESSES = 10_000
"""Places that are tried as the end of one record whose LEN is wrong and which a binary record follows; and one more for
every 128 bytes of the file, since one byte of 256 in a picture looks like a separator. A try costs about a microsecond."""

MOST_TAG_ZEROS = 7
"""Zeros before the digits of a tag. Some writers pad to more than three digits; none is known to pad to nine."""

MOST_LENGTH_DIGITS = 20
"""Digits of a number that is believed. Twenty hold any 64-bit count."""

MOST_DECOY_CHARACTERS = 64
"""Characters of an x.999 that is text, with another x.999 after it, and so no payload. Known ones hold a few digits."""

MOST_PADDING = 16
"""Bytes of blank space after the last record that are no fault of the file's end: what mail and file copies leave."""


def refuse_more(count: int, most: int, what: str, *, offset: int | None = None, record: int | None = None) -> None:
    """Nothing where `count` is within `most`; else FormatError REC-010."""
    if count > most:
        raise FormatError(
            "REC-010",
            f"the file holds more {what} than any transaction does",
            offset=offset,
            record=record,
            expected=f"at most {most:,}",
            remedy="ask the sender what the file is",
        )
