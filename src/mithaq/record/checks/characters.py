"""The kinds of characters that a value may be written in, and the forms of days and instants: what every rule asks alike.

    CHARACTERS["AN"] ──► (pattern, "letters and digits")          is_moment("20260310", "date") ──► True

Not done here: free text, which the dictionary and a profile limit each in its own way (`items`, `values`).
"""

from __future__ import annotations

import re
from datetime import datetime

CHARACTERS = {
    "A": (re.compile(r"[A-Za-z]*"), "letters"),
    "N": (re.compile(r"[0-9]*"), "digits"),
    "AN": (re.compile(r"[A-Za-z0-9]*"), "letters and digits"),
    "AS": (re.compile(r"[ -/:-~]*"), "letters and special characters"),
    "NS": (re.compile(r"[0-9!-/:-@\[-`{-~ ]*"), "digits and special characters"),
    "ANS": (re.compile(r"[ -~]*"), "printable ASCII characters"),
    "H": (re.compile(r"[0-9A-Fa-f]*"), "hexadecimal digits"),
}
FORMS = {"date": ("%Y%m%d", 8, "YYYYMMDD"), "instant": ("%Y%m%d%H%M%SZ", 15, "YYYYMMDDHHMMSSZ")}


def is_moment(text: str, form: str) -> bool:
    """True where the text is a day or instant that exists, written in that form."""
    layout, length, _ = FORMS[form]
    if len(text) != length:
        return False
    try:
        datetime.strptime(text, layout)
    except ValueError:
        return False
    return True
