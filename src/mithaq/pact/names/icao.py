"""ICAO Doc 9303-3: Arabic letters in the machine-readable zone, as one stable key without vowels, and back again.

    محمد ──icao_key──► MXHMD ──from_icao──► محمد          X stands before the letter that it modifies

The table is that of the requirements page (7th edition; compare it with the 8th, of 2021, before a release). Marks of
vowels are not written; a shadda doubles what stands before it. `icao_search_key` also lets a shadda be missing and ة be
written either way, as the standard asks of whoever searches. The key is for comparing: no document is rewritten by it.
"""

from __future__ import annotations

import re
import unicodedata

from mithaq.errors import FormatError
from mithaq.pact.names.letters import APOSTROPHES, HARAKAT, clean, is_arabic

SHADDA = "\u0651"
TABLE = {
    "ء": "XE", "آ": "XAA", "أ": "XAE", "ؤ": "U", "إ": "I", "ئ": "XI", "ا": "A", "ب": "B", "ة": "XTA", "ت": "T",
    "ث": "XTH", "ج": "J", "ح": "XH", "خ": "XKH", "د": "D", "ذ": "XDH", "ر": "R", "ز": "Z", "س": "S", "ش": "XSH",
    "ص": "XSS", "ض": "XDZ", "ط": "XTT", "ظ": "XZZ", "ع": "E", "غ": "G", "ف": "F", "ق": "Q", "ك": "K", "ل": "L",
    "م": "M", "ن": "N", "ه": "H", "و": "W", "ى": "XAY", "ي": "Y", "ٱ": "XXA", "پ": "P", "چ": "XC", "ژ": "XJ",
    "ک": "XKK", "گ": "XGG", "ٹ": "XXT", "ڈ": "XXD", "ڑ": "XXR", "ں": "XNN", "ھ": "XDO", "ہ": "XXG", "ی": "XYA",
    "ے": "XYB", "ۓ": "XBE", "ۀ": "XYH", "ۃ": "XTG",
}  # fmt: skip
FINAL_TA = "XAH"  # ة at the end of a name's component
_READ = {code: letter for letter, code in TABLE.items()} | {FINAL_TA: "ة", "XW": "ؤ"}  # XW: a draft of 2011
_TOKEN = re.compile("|".join(sorted(_READ, key=len, reverse=True)))
_MARKS = re.compile("[\u064b-\u0650\u0652\u0670]")  # harakat but not the shadda
_LONGEST = re.compile(r"[\s\-‐-―]+")


def icao_key(text: str) -> str:
    """The name in the letters of the machine-readable zone, words joined by "<": `MXHMD`, `ABW<BKR`.

    Latin letters lose their marks. FormatError PAC-202 for a letter that the table does not have.
    """
    words = _LONGEST.split(APOSTROPHES.sub("", clean(text)).strip())
    return "<".join(filter(None, (_word(word) for word in words)))


def icao_name(primary: str, secondary: str = "") -> str:
    """Primary and secondary identifier, joined by "<<"; the length of a document's field is not applied."""
    return "<<".join(filter(None, (icao_key(primary), icao_key(secondary))))


def icao_search_key(text: str) -> str:
    """The key to look under: doubled letters once, ة as at the end of a word. It may find more than `icao_key` does."""
    return "<".join("".join(_searched(word)) for word in icao_key(text).split("<"))


def from_icao(key: str) -> str:
    """The Arabic letters behind a key, "<" as a space and "<<" as two; `icao_key` of it is the key again.

    A doubled letter stays doubled: whether it was a shadda the key does not say. FormatError PAC-203 for no such key.
    """
    parts = []
    for word in key.strip().strip("<").split("<"):
        tokens = _tokens(word)
        if tokens is None:
            raise FormatError("PAC-203", "this is no key of Arabic letters", expected="letters as ICAO 9303-3 has them")
        parts.append("".join(_READ[token] for token in tokens))
    return " ".join(parts)


def is_icao_key(text: str) -> bool:
    """True for capital Latin letters that read as Arabic ones, with at least one escape: not for a plain Latin name."""
    words = text.strip().strip("<").split("<")
    return "X" in text and all(_tokens(word) is not None for word in words)


def _tokens(word: str) -> list[str] | None:
    tokens = _TOKEN.findall(word)
    return tokens if "".join(tokens) == word else None


def _searched(word: str) -> list[str]:
    tokens = _tokens(word)
    if tokens is None:  # a Latin word
        return list(word)
    kept: list[str] = []
    for token in (FINAL_TA if token == TABLE["ة"] else token for token in tokens):
        if not kept or kept[-1] != token:
            kept.append(token)
    return kept


def _word(word: str) -> str:
    letters = _MARKS.sub("", word)
    if not is_arabic(letters):
        return _latin(letters)
    codes: list[str] = []
    for at, letter in enumerate(letters):
        if letter == SHADDA:
            codes.extend(codes[-1:])
        elif letter == "ة" and not letters[at + 1 :].strip(SHADDA):
            codes.append(FINAL_TA)
        elif letter in TABLE:
            codes.append(TABLE[letter])
        elif letter.isascii() and letter.isalpha():
            codes.append(letter.upper())
        elif letter not in ".,،":
            raise _no_letter()
    return "".join(codes)


def _latin(word: str) -> str:
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", word) if not unicodedata.combining(letter))
    kept = HARAKAT.sub("", bare).upper().replace("ß", "SS").strip(".,،")
    if not all("A" <= letter <= "Z" for letter in kept):
        raise _no_letter()
    return kept


def _no_letter() -> FormatError:
    return FormatError(
        "PAC-202",
        "the name has a character that the table of ICAO 9303-3 lacks",
        expected="Arabic letters of the table, or Latin letters",
        remedy="write digits and signs outside the name",
    )
