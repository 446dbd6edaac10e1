"""Letters: which of them mean the same when names are compared, and what it costs where they do not quite.

    أحمد, احمد ──matching_key──► احمد            folded for comparing only; what a document says is never changed
    شوقي ~ Shawqi  ──distance──► 0.05            ش sh, و w, ق q, ي i, and one short vowel that Arabic does not write

The equivalences are those that the requirements page lists (REQ-172, REQ-176; from Freeman, Condon and Ackerman 2006),
with a price each: 0 for the usual spelling, up to 0.7 for a rare one, 1 for letters that are not related.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache

from mithaq.errors import FormatError

MAX_CHARACTERS = 400  # of one name; the longest real ones have some 120

HARAKAT = re.compile("[\u064b-\u0652\u0670]")
INVISIBLE = re.compile("[\u0640\u061c\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")  # tatweel too
APOSTROPHES = re.compile("['’‘`´ʿʾʼʻˈ]")
_FOLD = str.maketrans({
    "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ة": "ه", "ؤ": "و", "ئ": "ي", "ک": "ك", "ی": "ي",
})  # fmt: skip
_DIGITS = {ord(zero) + n: str(n) for zero in "٠۰" for n in range(10)}

DIALECTS = ("standard", "egypt", "gulf", "maghreb")
"""Which way a letter may be romanised: no dialect has both ق and ج as g (REQ-177)."""


def clean(text: str) -> str:
    """The text in NFKC without what nobody sees (tatweel, zero width, direction); FormatError PAC-201 past the limit."""
    if len(text) > MAX_CHARACTERS:
        raise FormatError("PAC-201", f"a name of {len(text)} characters", expected=f"at most {MAX_CHARACTERS}")
    return " ".join(INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).split())


def matching_key(text: str) -> str:
    """The Arabic letters folded for comparing (REQ-172): no vowel marks, one alif, ى as ي, ة as ه, digits in ASCII.

    Who needs the family marker آل apart from the article ال looks for it before: this makes them one.
    """
    return HARAKAT.sub("", clean(text)).translate(_FOLD).translate(_DIGITS)


def is_arabic(text: str) -> bool:
    """True where the text holds an Arabic letter."""
    return any("\u0620" <= letter <= "\u06d3" for letter in text)


def plain_latin(text: str) -> str:
    """Lower-case a to z and the separators, without apostrophes and without marks on the letters."""
    bare = APOSTROPHES.sub("", clean(text)).casefold().replace("ı", "i").replace("ð", "dh").replace("þ", "th")
    return "".join(letter for letter in unicodedata.normalize("NFKD", bare) if not unicodedata.combining(letter))


# ---------------------------------------------------------------- Latin letters as sounds

_SOUNDS = re.compile("sch|tch|sh|ch|kh|th|dh|gh|dj|zh|ph|ck|qu|ou|oo|ee|aa|[a-z]")
_ONE_SOUND = {
    "sch": "sh",
    "tch": "ch",
    "dj": "j",
    "zh": "j",
    "ph": "f",
    "ck": "k",
    "c": "k",
    "qu": "k",
    "x": "ks",
    "oo": "ou",
}
LONG = {"ou": "u", "ee": "i", "aa": "a"}  # where two letters write one vowel
VOWELS = frozenset((*"aeiouy", *LONG))
DIPHTHONGS = {("a", "i"), ("a", "y"), ("a", "e"), ("e", "i"), ("e", "y")}


@cache
def sounds(word: str) -> tuple[str, ...]:
    """A Latin word as sounds: "sh" is one, doubled letters are one, the French e that closes -ine and -ane is none."""
    found: list[str] = []
    for sound in _SOUNDS.findall(plain_latin(word)):
        one = _ONE_SOUND.get(sound, sound)
        if not found or found[-1] != one:
            found.append(one)
    if len(found) > 3 and found[-2:] == ["n", "e"] and found[-3] in VOWELS:
        found.pop()
    return tuple(found)


def without_final_h(word: tuple[str, ...]) -> tuple[str, ...]:
    """The same without an h that closes the word after a vowel: it may be ة, and it may be ه or ح."""
    return word[:-1] if len(word) > 2 and word[-1] == "h" and word[-2] in VOWELS else word


def latin_vowels_joined(word: tuple[str, ...]) -> tuple[str, ...]:
    """The same with ai, ay, ei, ey, ae as one sound "ei", au and ow as "au": for comparing Latin with Latin."""
    found: list[str] = []
    for sound in (LONG.get(sound, sound) for sound in word):
        if found and (found[-1], sound) in DIPHTHONGS:
            found[-1] = "ei"
        elif found and (found[-1], sound) in {("a", "u"), ("o", "w")}:
            found[-1] = "au"
        elif found and found[-1] == "ei" and sound in ("e", "i", "y"):
            continue
        else:
            found.append(sound)
    return tuple(found)


# ---------------------------------------------------------------- prices

_ARABIC_LATIN: dict[str, dict[str, float]] = {
    "ا": {"a": 0, "aa": 0, "e": 0, "i": 0.5, "o": 0.5, "u": 0.5},
    "ء": {},
    "ب": {"b": 0, "p": 0.2, "v": 0.3},
    "ت": {"t": 0},
    "ث": {"th": 0, "t": 0.1, "s": 0.1},
    "ج": {"j": 0},
    "ح": {"h": 0, "kh": 0.4},
    "خ": {"kh": 0, "ch": 0.1, "k": 0.3, "h": 0.3},
    "د": {"d": 0},
    "ذ": {"dh": 0, "z": 0.1, "d": 0.1, "th": 0.1},
    "ر": {"r": 0},
    "ز": {"z": 0, "s": 0.5},
    "س": {"s": 0, "k": 0.6},
    "ش": {"sh": 0, "s": 0.5},
    "ص": {"s": 0},
    "ض": {"d": 0, "dh": 0, "z": 0.2},
    "ط": {"t": 0},
    "ظ": {"z": 0, "dh": 0, "d": 0.2, "th": 0.2},
    "ع": {"a": 0, "aa": 0, "e": 0, "ee": 0.5, "i": 0, "o": 0, "ou": 0, "u": 0},
    "غ": {"gh": 0, "g": 0.1},
    "ف": {"f": 0, "v": 0.2},
    "ق": {"q": 0, "k": 0},
    "ك": {"k": 0},
    "ل": {"l": 0},
    "م": {"m": 0},
    "ن": {"n": 0},
    "ه": {"h": 0},
    "و": {"w": 0, "v": 0.2, "u": 0, "ou": 0, "o": 0},
    "ي": {"y": 0, "i": 0, "ee": 0, "e": 0.1},
    "پ": {"p": 0, "b": 0.2},
    "چ": {"ch": 0, "j": 0.2},
    "ژ": {"j": 0},
    "گ": {"g": 0},
}
_BY_DIALECT: dict[str, dict[str, dict[str, float]]] = {
    "standard": {},
    "egypt": {"ج": {"g": 0}},
    "gulf": {"ق": {"g": 0, "gh": 0.1}, "ج": {"y": 0.3}},
    "maghreb": {"ش": {"ch": 0}, "ق": {"g": 0.1}, "خ": {"kh": 0}},
}
_ARABIC_PAIRS = {
    frozenset(pair): price
    for pair, price in {
        "ضظ": 0.3, "ذز": 0.4, "ثس": 0.5, "ثت": 0.5, "تط": 0.4, "سص": 0.4, "دض": 0.5, "قك": 0.5, "هح": 0.6, "دذ": 0.4,
        "اع": 0.7, "اه": 0.7,
    }.items()
}  # fmt: skip
_LATIN_PAIRS = {
    frozenset(pair): price
    for pair, price in {
        ("a", "e"): 0.1, ("e", "i"): 0.1, ("i", "y"): 0.1, ("e", "y"): 0.2, ("o", "u"): 0.1, ("a", "o"): 0.2,
        ("a", "u"): 0.2, ("e", "u"): 0.4, ("e", "o"): 0.4, ("a", "i"): 0.5, ("i", "u"): 0.6, ("i", "o"): 0.6,
        ("ei", "i"): 0.2, ("ei", "e"): 0.2, ("ei", "a"): 0.5, ("au", "u"): 0.2, ("au", "o"): 0.1, ("w", "u"): 0.1,
        ("w", "o"): 0.1, ("th", "t"): 0.2, ("th", "s"): 0.3, ("th", "dh"): 0.2, ("th", "z"): 0.4, ("dh", "d"): 0.1,
        ("dh", "z"): 0.2, ("d", "z"): 0.5, ("sh", "ch"): 0.1, ("sh", "s"): 0.5, ("kh", "ch"): 0.2, ("kh", "h"): 0.3,
        ("kh", "k"): 0.3, ("gh", "g"): 0.1, ("gh", "q"): 0.2, ("q", "k"): 0.0, ("w", "v"): 0.1, ("f", "v"): 0.2,
        ("b", "p"): 0.2, ("s", "z"): 0.4, ("j", "y"): 0.4,
    }.items()
}  # fmt: skip
_LATIN_DIALECT = {
    "egypt": {frozenset(("j", "g")): 0.0},
    "gulf": {frozenset(("q", "g")): 0.0, frozenset(("k", "g")): 0.1},
    "maghreb": {frozenset(("q", "g")): 0.1},
}
SHORT_VOWEL = 0.05  # Arabic does not write it
UNWRITTEN = {"ou": 0.15, "aa": 0.3, "ee": 0.5}  # French writes a short u as ou; ee is nearly always ي
GLIDE = 0.5  # the i of ei, ai, oy: nearly always ي


def arabic_distance(a: str, b: str) -> float:
    """The price of turning one folded Arabic word into the other."""

    def drop(word: str, at: int) -> float:
        if word[at] == "ء":
            return 0.3
        return 0.7 if word[at] == "ا" and at else 1.0

    def replace(i: int, j: int) -> float:
        return 0.0 if a[i] == b[j] else _ARABIC_PAIRS.get(frozenset((a[i], b[j])), 1.0)

    return _distance(len(a), len(b), lambda i, _: drop(a, i), lambda _, j: drop(b, j), replace)


def latin_distance(a: Sequence[str], b: Sequence[str], dialect: str) -> float:
    """The price of turning one row of sounds into the other."""
    special = _LATIN_DIALECT.get(dialect, {})

    def drop(word: Sequence[str], at: int) -> float:
        if word[at] in VOWELS or word[at] in ("ei", "au"):
            return (
                0.4 if 0 < at < len(word) - 1 else 1.0
            )  # a vowel at either end makes another name: Salam, Islam, Salma
        return 1.0

    def replace(i: int, j: int) -> float:
        pair = frozenset((a[i], b[j]))
        return 0.0 if len(pair) == 1 else special.get(pair, _LATIN_PAIRS.get(pair, 1.0))

    return _distance(len(a), len(b), lambda i, _: drop(a, i), lambda _, j: drop(b, j), replace)


def across_distance(arabic: str, latin: Sequence[str], dialect: str) -> float:
    """The price of reading folded Arabic letters as these sounds. Vowels that Arabic does not write cost next to nothing
    inside a word, and a whole letter at its ends."""
    special = _BY_DIALECT[dialect]
    last_letter, last_sound = len(arabic) - 1, len(latin) - 1

    def drop_letter(i: int, _: int) -> float:
        if arabic[i] in "عء":
            return 0.0
        if arabic[i] == "ا":
            return 0.7 if i else 1.0
        return 0.3 if arabic[i] == "ه" and i == last_letter else 1.0

    def add_sound(i: int, j: int) -> float:
        if latin[j] not in VOWELS or j == last_sound or (j == 0 and i == 0):
            return 1.0
        if latin[j] in "iy" and j and latin[j - 1] in VOWELS:
            return GLIDE
        return UNWRITTEN.get(latin[j], SHORT_VOWEL)

    def replace(i: int, j: int) -> float:
        letter, sound = arabic[i], latin[j]
        if letter == "ا" and i == 0 and sound in VOWELS:
            return 0.0  # أ, إ and آ are folded to it
        if i == last_letter and letter == "ه" and sound in ("a", "aa", "e", "t"):
            return 0.3 if sound == "t" else 0.0  # ة
        if i == last_letter and letter == "ي" and sound in ("a", "aa"):
            return 0.1  # ى
        return special.get(letter, {}).get(sound, _ARABIC_LATIN.get(letter, {}).get(sound, 1.0))

    return _distance(len(arabic), len(latin), drop_letter, add_sound, replace)


def consonants(latin: Sequence[str]) -> int:
    """How many of the sounds are not vowels."""
    return sum(sound not in VOWELS and sound not in ("ei", "au") for sound in latin)


def jaro_winkler(a: str, b: str) -> float:
    """The similarity of Jaro and Winkler (0 to 1): letters in common within half the longer word, and a bonus of a tenth
    of the rest for each of the first four letters that agree."""
    if a == b:
        return 1.0
    if not a or not b:
        return 0.0
    reach = max(max(len(a), len(b)) // 2 - 1, 0)
    taken = [False] * len(b)
    ours: list[str] = []
    for i, letter in enumerate(a):
        for j in range(max(0, i - reach), min(len(b), i + reach + 1)):
            if not taken[j] and b[j] == letter:
                taken[j] = True
                ours.append(letter)
                break
    theirs = [letter for letter, is_taken in zip(b, taken, strict=True) if is_taken]
    if not ours:
        return 0.0
    swapped = sum(x != y for x, y in zip(ours, theirs, strict=True)) / 2
    common = len(ours)
    jaro = (common / len(a) + common / len(b) + (common - swapped) / common) / 3
    prefix = 0
    while prefix < min(4, len(a), len(b)) and a[prefix] == b[prefix]:
        prefix += 1
    return jaro + prefix * 0.1 * (1 - jaro)


def _distance(
    n: int,
    m: int,
    drop: Callable[[int, int], float],
    add: Callable[[int, int], float],
    replace: Callable[[int, int], float],
) -> float:
    """The cheapest way from n letters to m: drop(i, j), add(i, j) and replace(i, j) say what each step costs."""
    row = [0.0] * (m + 1)
    for j in range(m):
        row[j + 1] = row[j] + add(0, j)
    for i in range(n):
        above, row = row, [row[0] + drop(i, 0)] + [0.0] * m
        for j in range(m):
            row[j + 1] = min(above[j] + replace(i, j), above[j + 1] + drop(i, j), row[j] + add(i + 1, j))
    return row[m]
