"""Limits on hostile XML, each with its unit and reason, and the refusal of what goes over one.

Real packages stay far below: the largest sample has 903 elements, 10 deep, and attributes on its root alone. What would not be read back is
not written either.
"""

from __future__ import annotations

from mithaq.errors import FormatError

MOST_BYTES = 512 << 20  # bytes of a file; 30 palms at 1000 ppi without compression, as base64
MOST_DEPTH = 24  # elements inside one another; the deepest path of the table has 10
MOST_ELEMENTS = 250_000  # elements of a file; a latent with every ridge feature marked has some thousands
MOST_ATTRIBUTES = 16  # attributes of one element; the standard asks for none
MOST_TEXT = 1 << 20  # characters of one value that is no payload; the longest field of text is far shorter
MOST_TOKEN = 1 << 20  # bytes of one tag, comment or instruction, which the parser must hold whole
MOST_RECORDS = 1_000  # records of a package; 1.003 can count 999 and Type-1


def over_limit(problem: str, expected: str) -> FormatError:
    """The refusal of what goes over a limit."""
    return FormatError(
        "REC-032",
        problem,
        expected=expected,
        remedy="do not accept the file: real ones stay far below",
        clause="ANSI/NIST-ITL 1-2011, XML encoding",
    )
