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


XML_MOST_BYTES = 512 << 20
"""Bytes of an XML package: thirty palms at 1000 ppi without compression, as base64."""

XML_MOST_DEPTH = 24
"""Elements inside one another; the deepest path of the table has 10."""

XML_MOST_ELEMENTS = 250_000
"""Elements of a package; a latent with every ridge feature marked has some thousands, the largest sample 903."""

XML_MOST_ATTRIBUTES = 16
"""Attributes of one element; the standard asks for none, and samples have them on the root alone."""

XML_MOST_TEXT = 1 << 20
"""Characters of one value that is no payload; the longest field of text is far shorter."""

XML_MOST_TOKEN = 1 << 20
"""Bytes of one tag, comment or instruction, which the parser must hold whole."""

XML_MOST_RECORDS = 1_000
"""Records of a package; 1.003 can count 999, and Type-1. What would not be read back is not written either."""


XML_CLAUSE = "ANSI/NIST-ITL 1-2011, XML encoding"


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


def over_xml_limit(problem: str, expected: str) -> FormatError:
    """The refusal of a package that goes over one of the XML limits."""
    return FormatError(
        "REC-032",
        problem,
        expected=expected,
        remedy="do not accept the file: real ones stay far below",
        clause=XML_CLAUSE,
    )
