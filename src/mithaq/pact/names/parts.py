"""A name as parts: what a document wrote, in which script, and every romanised form with the scheme it follows.

    حمد بن خليفة آل ثاني ──words──► حمد · (بن) خليفة · (آل) ثاني ──parse_name──► given حمد, father خليفة, family ثاني

The order given, father, grandfather, family is the usual one, not a law: `parse_name` proposes, and a person may say
otherwise. No form that a document shows is ever replaced (REQ-170): `add_romanised` adds beside it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Annotated, Any, Literal

from mithaq.errors import FormatError
from mithaq.pact.names.letters import HARAKAT, clean, is_arabic, matching_key, plain_latin
from mithaq.pact.schemes import Scheme
from mithaq.pact.strict import Rule, canonical, load, plain, read

Kind = Literal["given", "father", "grandfather", "ancestor", "family", "kunya", "laqab"]
Source = Literal["passport", "qid", "statement", "alias", "other"]
Marker = Literal["article", "family-marker", "nasab", "kunya", "abd"]
Role = Literal["name", "abd", "kunya", "suffix", "nasab", "marker", "article"]
MAX_WORDS = 24


@dataclass(frozen=True)
class Romanised:
    """One Latin form, and the scheme that it follows; a document's own spelling is `passport` or `as-given`."""

    value: str
    scheme: Scheme


@dataclass(frozen=True)
class NamePart:
    """One part: its kind, the original form with its script (ISO 15924: Arab, Latn), the markers found on it (article
    ال, family marker آل, بن, أبو, عبد), and every romanised form."""

    kind: Kind
    original: str
    script: Literal["Arab", "Latn", "Zyyy"]
    markers: tuple[Marker, ...]
    romanised: tuple[Romanised, ...]


@dataclass(frozen=True)
class Name:
    """A whole name as one source gives it. `original` is that source's text to the letter."""

    original: str
    source: Source
    parts: Annotated[tuple[NamePart, ...], Rule("at least one part", least=1, may_repeat=True)]


@dataclass(frozen=True)
class Word:
    """One word of a name, or a piece of it: `core` is its folded Arabic or plain Latin form without an article, `full`
    the same with one that is written together with it, `start` and `end` its place in the cleaned text."""

    core: str
    full: str
    bare: str  # as written, without vowel marks and article: hamzas and ى ة are still there
    is_arabic: bool
    role: Role
    has_article: bool
    start: int
    end: int


def parse_name(text: str, source: Source = "statement") -> Name:
    """The parts of a name in either script; `FAMILY, GIVEN` is read as such. FormatError PAC-201 for more than a name
    can hold, PAC-206 where there is no name in it."""
    cleaned = clean(text)
    found = words(text)
    groups = _groups(found)
    if not groups:
        raise FormatError("PAC-206", "there is no name in the text", expected="letters")
    family, comma, _ = cleaned.partition(",")
    if comma and family.strip():
        groups = _family_last(groups, len(family))
    kinds = _kinds(groups, has_comma=bool(comma))
    parts = []
    for kind, group in zip(kinds, groups, strict=True):
        named = [word for word in group if word.role != "nasab"]
        original = cleaned[named[0].start : named[-1].end].strip(" ,،")
        script: Literal["Arab", "Latn"] = "Arab" if is_arabic(original) else "Latn"
        given_form = (
            () if script == "Arab" else (Romanised(original, "passport" if source == "passport" else "as-given"),)
        )
        parts.append(NamePart(kind, original, script, tuple(_markers(group)), given_form))
    return Name(text, source, tuple(parts))


def add_romanised(name: Name, index: int, form: Romanised) -> Name:
    """The name with one more Latin form beside those that part `index` has; none is replaced."""
    part = name.parts[index]
    if form in part.romanised:
        return name
    part = replace(part, romanised=(*part.romanised, form))
    return replace(name, parts=(*name.parts[:index], part, *name.parts[index + 1 :]))


def name_to_json(name: Name) -> bytes:
    """The name as canonical JSON, for a message or a store."""
    return canonical(plain(name))


def name_from_json(data: bytes) -> Name:
    """The name in these bytes, exactly as it was; TrustError PAC-001 to PAC-009 for anything else."""
    return read(Name, load(data, what="name"), what="name")


# ---------------------------------------------------------------- words

_WORD = re.compile(r"[^\s\-‐-―,،./]+")
_ABD_GLUED = re.compile("عبدال(?=..)")
_DIN_GLUED = re.compile("(?<=..)الدين$")
_ALLAH_GLUED = re.compile("(?<=..)(?:الله|اللة)$")
_LATIN_ABD = re.compile(r"abd(?:[aeiou]?(?:ll|l|rr|r|ss|s|nn|n|dd|d|zz|z|tt|t|sh)(?=.{3})|[aeou](?=.{3}))")
_LATIN_ALLAH = re.compile(r"[aeou]?l+ah?")
_LATIN_DIN = re.compile(r"(?<=...)[aeiou](?:dd|ld)(?:ine|in|een|yn|ien)$")
_LATIN_ALLAH_END = re.compile(r"(?<=...)[aeou]llah?$")


def words(text: str) -> list[Word]:
    """The words of a name in order, each with its role; what is written together is taken apart, what stands for an
    article, a family marker or a descent is marked. FormatError PAC-201."""
    cleaned = clean(text)
    tokens = [(match.start(), match.end(), match[0]) for match in _WORD.finditer(cleaned)]
    if len(tokens) > MAX_WORDS:
        raise FormatError("PAC-201", f"a name of {len(tokens)} words", expected=f"at most {MAX_WORDS}")
    found: list[Word] = []
    for at, (start, end, token) in enumerate(tokens):
        following = tokens[at + 1][2] if at + 1 < len(tokens) else ""
        if is_arabic(token):
            found.extend(_arabic_words(token, start, end, following, is_first=not found))
        elif plain_latin(token).isalpha():
            found.extend(_latin_words(token, start, end, following, is_first=not found))
    return found


def _arabic_words(token: str, start: int, end: int, following: str, *, is_first: bool) -> list[Word]:
    bare = HARAKAT.sub("", token)
    folded = matching_key(token)

    def word(core: str, role: Role, written: str = "", *, article: bool = False, full: str = "") -> Word:
        return Word(core, full or core, written or core, True, role, article, start, end)

    table = _lists()
    if bare == "آل" or (bare in ("ال", "ٱل") and following):  # before folding, which makes the two one
        return [word("ال", "marker", bare)]
    if folded in table["nasab"] and following and not is_first:
        return [word(folded, "nasab")]
    if folded in table["kunya"] and following:
        return [word("ابو" if folded != "ام" else "ام", "kunya")]
    if folded == "عبد" and following:
        return [word("عبد", "abd")]
    if folded == "الله":
        return [word("الله", "suffix")]
    if folded == "الدين" and not is_first:
        return [word("دين", "suffix", article=True)]
    if match := _ABD_GLUED.match(folded):
        rest = folded[match.end() :]
        second = (
            word("الله", "suffix") if rest in ("له", "لله") else word(rest, "name", bare[match.end() :], article=True)
        )
        return [word("عبد", "abd"), second]
    if match := _DIN_GLUED.search(folded):
        return [word(folded[: match.start()], "name"), word("دين", "suffix", article=True)]
    if match := _ALLAH_GLUED.search(folded):
        return [word(folded[: match.start()], "name"), word("الله", "suffix")]
    if folded.startswith("ابو") and len(folded) >= 6:
        return [word("ابو", "kunya"), word(folded[3:], "name", bare[3:])]
    has_article = bare[:2] in ("ال", "ٱل") and len(folded) >= 5 and folded not in table["no_article"]
    if has_article:
        return [word(folded[2:], "name", bare[2:], article=True, full=folded)]
    return [word(folded, "name", bare)]


def _latin_words(token: str, start: int, end: int, following: str, *, is_first: bool) -> list[Word]:
    letters = plain_latin(token)
    after = plain_latin(following)
    table = _lists()

    def word(core: str, role: Role, *, article: bool = False, full: str = "") -> Word:
        return Word(core, full or core, core, False, role, article, start, end)

    if letters in table["nasab_latin"] and following and not is_first:
        return [word(letters, "nasab")]
    if letters in table["kunya_latin"] and following:
        return [word("umm" if letters in ("um", "umm", "oum", "omm") else "abu", "kunya")]
    if following and (letters in ("al", "el", "ul") or _is_assimilated(letters, after)):
        return [word(letters, "article")]
    if _LATIN_ALLAH.fullmatch(letters) and len(letters) >= 4 and not is_first:
        return [word("allah", "suffix")]
    if letters in table["din_latin"] and not is_first:
        return [word("din", "suffix")]
    if letters.startswith("abd"):
        if _LATIN_ALLAH.fullmatch(letters[3:]) and letters[3:] not in ("", "a", "ah"):
            return [word("abd", "abd"), word("allah", "suffix")]
        if following and letters in table["abd_latin"]:
            return [word("abd", "abd")]
        if match := _LATIN_ABD.match(letters):
            rest = letters[match.end() :]
            doubled = letters[match.end() - 1] if letters[match.end() - 1] not in "aeiou" else ""
            if doubled and doubled != "l":  # Abdurrahman, Abdussalam: the assimilated letter begins the name
                rest = rest if rest.startswith(doubled) or letters[match.end() - 2] == doubled else doubled + rest
                if letters[match.end() - 2] == doubled and not rest.startswith(doubled):
                    rest = doubled + rest
            elif letters[match.end() - 2 : match.end()] == "ll":  # Abdullatif
                rest = "l" + rest
            return [word("abd", "abd"), word(rest, "name", article=True)]
    if match := _LATIN_DIN.search(letters):
        return [word(letters[: match.start()], "name"), word("din", "suffix", article=True)]
    if match := _LATIN_ALLAH_END.search(letters):
        return [word(letters[: match.start()], "name"), word("allah", "suffix")]
    if letters[:2] in ("al", "el") and len(letters) >= 6 and letters not in table["no_article_latin"]:
        return [word(letters[2:], "name", article=True, full=letters)]
    return [word(letters, "name")]


def _is_assimilated(letters: str, after: str) -> bool:
    """True for ar, as, ash and the like before a word that begins with that letter."""
    return letters in _lists()["assimilated"] and after.startswith(letters[1:])


@cache
def _lists() -> dict[str, frozenset[str]]:
    data = resources.files("mithaq.pact.names").joinpath("words.toml").read_text(encoding="utf-8")
    return {key: frozenset(values) for key, values in tomllib.loads(data)["lists"].items()}


# ---------------------------------------------------------------- groups of words


def _groups(found: Iterable[Word]) -> list[list[Word]]:
    """Words that make one part: عبد with what follows, أبو with what follows, a particle with what follows, الدين and
    الله with what stands before."""
    groups: list[list[Word]] = []
    is_open = False
    for word in found:
        if groups and (is_open or word.role == "suffix" or word.start == groups[-1][-1].start):
            groups[-1].append(word)
        else:
            groups.append([word])
        is_open = word.role in ("abd", "kunya", "nasab", "marker", "article")
    return [group for group in groups if any(word.role not in ("nasab", "marker", "article") for word in group)]


def _family_last(groups: list[list[Word]], comma: int) -> list[list[Word]]:
    before = [group for group in groups if group[0].start < comma]
    return [*groups[len(before) :], *before]


def _kinds(groups: list[list[Word]], *, has_comma: bool) -> list[Kind]:
    lineage: tuple[Kind, ...] = ("given", "father", "grandfather")
    kinds: list[Kind] = []
    position = 0
    names = [at for at, group in enumerate(groups) if not _is_kunya(group)]
    for at, group in enumerate(groups):
        roles = [word.role for word in group]
        if _is_kunya(group):
            kinds.append("kunya")
            continue
        is_last = at == names[-1] and len(names) > 1
        if position and is_last and (has_comma or "marker" in roles or "nasab" not in roles):
            kinds.append("family")
        elif position and _has_article(group) and "nasab" not in roles and "abd" not in roles:
            kinds.append("laqab")
            continue
        else:
            kinds.append(lineage[position] if position < len(lineage) else "ancestor")
        position += 1
    return kinds


def _is_kunya(group: list[Word]) -> bool:
    return any(word.role == "kunya" for word in group) and group[0].role != "nasab"


def _has_article(group: list[Word]) -> bool:
    return any(word.role == "article" or (word.has_article and word.role == "name") for word in group)


def _markers(group: list[Word]) -> list[Marker]:
    roles = {word.role for word in group}
    marked: list[tuple[Marker, bool]] = [
        ("article", _has_article(group)),
        ("family-marker", "marker" in roles),
        ("nasab", "nasab" in roles),
        ("kunya", "kunya" in roles),
        ("abd", "abd" in roles),
    ]
    return [marker for marker, is_there in marked if is_there]


def texts(section: str) -> dict[str, dict[str, Any]]:
    """A section of `words.toml`: its rules, levels and notes in both languages, or its false friends."""
    data = resources.files("mithaq.pact.names").joinpath("words.toml").read_text(encoding="utf-8")
    return dict(tomllib.loads(data)[section])
