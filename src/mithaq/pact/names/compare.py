"""How close two names are, in either script, and which rule says so. A lead aid: it identifies nobody (REQ-175).

    name ──words──► words with their roles ──one to one, best sum──► pairs, each by the rule that fired ──► a level

Particles do not count, عبد and أبو count little; parts may be reordered, dropped, or written together. Each dialect of
romanisation is tried as a whole, so that ق and ج are never both g (REQ-177). The levels: `same`, `likely`, `possible`,
`different`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from scipy.optimize import linear_sum_assignment

from mithaq.errors import FormatError
from mithaq.pact.names.icao import from_icao, icao_search_key, is_icao_key
from mithaq.pact.names.letters import (
    DIALECTS,
    SHORT_VOWEL,
    across_distance,
    arabic_distance,
    clean,
    consonants,
    is_arabic,
    jaro_winkler,
    latin_distance,
    latin_vowels_joined,
    sounds,
    without_final_h,
)
from mithaq.pact.names.parts import Word, texts, words

Level = Literal["different", "possible", "likely", "same"]
LEVELS: tuple[Level, ...] = ("different", "possible", "likely", "same")
THRESHOLD = 0.85  # the best point of Freeman, Condon and Ackerman (2006) lies near it
JARO_WINKLER = 0.95  # of words of six letters or more: it forgives a slip of the pen, not another name
WEIGHTS = {"name": 1.0, "suffix": 0.5, "abd": 0.3, "kunya": 0.3}
EXACT = frozenset({"identical", "same-letters", "icao-key"})
AMBIGUOUS = 0.85
DROPPED = 0.97  # the score keeps this much for each word that only one name has


@dataclass(frozen=True)
class Pairing:
    """One word of each name, the rule that made them one, and how sure it is (0.85 to 1)."""

    a: str
    b: str
    rule: str
    score: float


@dataclass(frozen=True)
class Comparison:
    """How two names stand to each other. `dialect` is the way of romanising under which the pairs hold; `notes` are codes
    of `words.toml`."""

    level: Level
    score: float
    dialect: str
    pairs: tuple[Pairing, ...]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    notes: tuple[str, ...]

    def explain(self, language: str) -> list[str]:
        """The same in sentences, "ar" or "en": the level, each pair with its rule, the notes, and what it is worth."""
        rules, levels, notes = texts("rules"), texts("levels"), texts("notes")
        lines = [f"{levels[self.level][language]} ({self.score:.2f})"]
        lines += [f"  {pair.a} = {pair.b}: {rules[pair.rule][language]}" for pair in self.pairs]
        lines += [f"  {notes[note][language]}" for note in self.notes]
        return [*lines, notes["lead-only"][language]]

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "level": self.level,
            "score": round(self.score, 4),
            "dialect": self.dialect,
            "pairs": [vars(pair) for pair in self.pairs],
            "only_a": list(self.only_a),
            "only_b": list(self.only_b),
            "notes": list(self.notes),
            "explanation": {language: self.explain(language) for language in ("en", "ar")},
        }


def compare_names(a: str, b: str) -> Comparison:
    """The best comparison over every dialect, and over a key of ICAO 9303 read as Arabic; FormatError PAC-201."""
    found = [_compare(a.replace("<", " "), b.replace("<", " "), dialect) for dialect in DIALECTS]
    if is_icao_key(a) and is_arabic(b):
        found.append(_by_key(_compare(from_icao(a), b, DIALECTS[0])))
    if is_icao_key(b) and is_arabic(a):
        found.append(_by_key(_compare(a, from_icao(b), DIALECTS[0])))
    return max(found, key=lambda result: (LEVELS.index(result.level), round(result.score, 9)))


def alike(a: str, b: str) -> bool:
    """True where two names are likely or surely the same: enough for a person to look, never for more (REQ-175)."""
    try:
        return LEVELS.index(compare_names(a, b).level) >= LEVELS.index("likely")
    except FormatError:  # a text without letters
        return False


def _by_key(found: Comparison) -> Comparison:
    """A comparison with the letters that a key of ICAO 9303 stands for: what was exact was so by that key."""
    pairs = tuple(replace(pair, rule="icao-key") if pair.rule in EXACT else pair for pair in found.pairs)
    return replace(found, pairs=pairs)


def _compare(a: str, b: str, dialect: str) -> Comparison:
    if clean(a) == clean(b) and words(a):
        pairs = tuple(Pairing(word.bare, word.bare, "identical", 1.0) for word in _counted(words(a)))
        return Comparison("same", 1.0, dialect, pairs, (), (), ())
    all_a, all_b = words(a), words(b)
    ours, theirs = _counted(all_a), _counted(all_b)
    notes: list[str] = []
    ours, theirs = _joined(ours, theirs, dialect, notes)
    if not ours or not theirs:
        return Comparison("different", 0.0, dialect, (), _names(ours), _names(theirs), ())
    matched = _assign(ours, theirs, dialect)
    places = {(i, j) for i, j, _, _ in matched}
    only_a = [i for i in range(len(ours)) if all(i != pair[0] for pair in places)]
    only_b = [j for j in range(len(theirs)) if all(j != pair[1] for pair in places)]
    shorter = min(_weight(ours), _weight(theirs))
    weight = sum(min(WEIGHTS[ours[i].role], WEIGHTS[theirs[j].role]) for i, j, _, _ in matched)
    total = sum(min(WEIGHTS[ours[i].role], WEIGHTS[theirs[j].role]) * score for i, j, _, score in matched)
    pairs = tuple(Pairing(ours[i].bare, theirs[j].bare, rule, score) for i, j, rule, score in matched)
    cover = weight / shorter
    names = sum(bool({ours[i].role, theirs[j].role} & {"name", "suffix"}) for i, j, _, _ in matched)
    notes += _notes(all_a, all_b, ours, theirs, matched, only_a, only_b)
    level = _level(cover, names, len(ours), len(theirs), {rule for _, _, rule, _ in matched}, notes)
    score = total / shorter * DROPPED ** (len(only_a) + len(only_b))
    return Comparison(
        level,
        score,
        dialect,
        pairs,
        _names([ours[i] for i in only_a]),
        _names([theirs[j] for j in only_b]),
        tuple(notes),
    )


def _level(cover: float, names: int, n: int, m: int, rules: set[str], notes: Sequence[str]) -> Level:
    """The level, by how much of the shorter name found its like, and what the notes say."""
    if not names:  # عبد or أبو alone
        return "different"
    if cover < 0.999:
        return "possible" if names >= 2 and cover >= 0.6 else "different"
    if "ambiguous" in notes or ("one-part-only" in notes and n != m):
        return "possible"
    if n == m and rules <= EXACT and "reordered" not in notes and "family-marker" not in notes:
        return "same"
    return "possible" if "reordered" in notes and n != m else "likely"


def _notes(
    all_a: Sequence[Word],
    all_b: Sequence[Word],
    ours: Sequence[Word],
    theirs: Sequence[Word],
    matched: Sequence[tuple[int, int, str, float]],
    only_a: Sequence[int],
    only_b: Sequence[int],
) -> list[str]:
    found = []
    if [j for _, j, _, _ in matched] != sorted(j for _, j, _, _ in matched):
        found.append("reordered")
    if only_a and only_b:
        found.append("parts-contradict")
        if any(_is_false_friend(ours[i], theirs[j]) for i in only_a for j in only_b):
            found.append("false-friend")
    elif only_a or only_b:
        found.append("parts-dropped")
    if any(rule == "ambiguous-spelling" for _, _, rule, _ in matched):
        found.append("ambiguous")
    if matched and min(len(ours), len(theirs)) == 1:
        found.append("one-part-only")
    for one, other in ((all_a, all_b), (all_b, all_a)):
        if any(word.role == "marker" for word in one) and any(
            word.is_arabic and word.has_article and word.core in _after_markers(one) for word in other
        ):
            found.append("family-marker")
    return found


def _after_markers(found: Sequence[Word]) -> set[str]:
    return {after.core for before, after in pairwise(found) if before.role == "marker"}


def _counted(found: Sequence[Word]) -> list[Word]:
    return [word for word in found if word.role in WEIGHTS]


def _weight(found: Sequence[Word]) -> float:
    return sum(WEIGHTS[word.role] for word in found)


def _names(found: Sequence[Word]) -> tuple[str, ...]:
    return tuple(word.bare for word in found)


def _assign(ours: Sequence[Word], theirs: Sequence[Word], dialect: str) -> list[tuple[int, int, str, float]]:
    """The one-to-one pairs with the best sum, in our order; near places win where the scores are the same."""
    value = np.zeros((len(ours), len(theirs)))
    rule: dict[tuple[int, int], tuple[str, float]] = {}
    for i, one in enumerate(ours):
        for j, other in enumerate(theirs):
            if found := match_words(one, other, dialect):
                rule[i, j] = found
                weight = min(WEIGHTS[one.role], WEIGHTS[other.role])
                value[i, j] = weight * found[1] - 1e-4 * abs(i - j) - 1e-6 * abs(i + j)
    rows, columns = linear_sum_assignment(value, maximize=True)
    return [(int(i), int(j), *rule[i, j]) for i, j in zip(rows, columns, strict=True) if (i, j) in rule]


def _joined(ours: list[Word], theirs: list[Word], dialect: str, notes: list[str]) -> tuple[list[Word], list[Word]]:
    """Both names after two words of one that are one word of the other became one."""
    for flip in (False, True):
        many, few = (theirs, ours) if flip else (ours, theirs)
        at = 0
        while at + 1 < len(many):
            first, second = many[at], many[at + 1]
            one = _join(first, second)
            if (
                one is not None
                and any(match_words(one, other, dialect) for other in few)
                and not any(match_words(part, other, dialect) for part in (first, second) for other in few)
            ):
                many = [*many[:at], one, *many[at + 2 :]]
                notes.append("joined")
            at += 1
        ours, theirs = (few, many) if flip else (many, few)
    return ours, theirs


def _join(first: Word, second: Word) -> Word | None:
    if first.is_arabic != second.is_arabic or "name" not in (first.role, second.role):
        return None
    text = first.full + second.full
    return replace(first, core=text, full=text, bare=first.bare + second.bare, role="name", end=second.end)


# ---------------------------------------------------------------- two words


def match_words(a: Word, b: Word, dialect: str) -> tuple[str, float] | None:
    """The rule that makes two words one, with its score; None where none does. A listed false friend stops every rule."""
    if not a.is_arabic and b.is_arabic:
        a, b = b, a
    if (listed := _listed(a, b)) is not None:
        return listed or None
    best: tuple[str, float] | None = None
    for one in dict.fromkeys((a.core, a.full)):
        for other in dict.fromkeys((b.core, b.full)):
            found = _match(one, other, a, b, dialect)
            if found and (best is None or found[1] > best[1]):
                best = found
    return best


def _match(one: str, other: str, a: Word, b: Word, dialect: str) -> tuple[str, float] | None:
    if a.is_arabic and b.is_arabic:
        return _match_arabic(one, other, a, b)
    if a.is_arabic:
        return _match_across(one, other, dialect)
    return _match_latin(one, other, dialect)


def _match_arabic(one: str, other: str, a: Word, b: Word) -> tuple[str, float] | None:
    if one == other:
        return ("identical" if a.bare == b.bare else "same-letters"), 1.0
    if len(one) > 1 and len(other) > 1 and _same_key(one, other):
        return "icao-key", 1.0
    score = 1 - arabic_distance(one, other) / max(len(one), len(other))
    return ("near-spelling", score) if score >= THRESHOLD else None


def _same_key(one: str, other: str) -> bool:
    """True where both have one and the same key; a letter that ICAO's table lacks has none."""
    try:
        return icao_search_key(one) == icao_search_key(other)
    except FormatError:
        return False


def _match_across(arabic: str, latin: str, dialect: str) -> tuple[str, float] | None:
    if len(arabic) >= 3 and _same_key(arabic, latin.upper()):
        return "icao-key", 1.0
    best = 0.0, False
    whole = sounds(latin)
    for letters in {arabic, arabic.replace("وو", "و").replace("يي", "ي")}:
        for heard in {whole, without_final_h(whole)}:
            price = across_distance(letters, heard, dialect)
            score = 1 - price / max(len(letters), consonants(heard), 1)
            unwritten = len(heard) - len(letters.replace("ع", "").replace("ء", ""))
            best = max(best, (score, price <= SHORT_VOWEL * unwritten + 1e-9))
    score, is_plain = best
    return ("sounds" if is_plain else "near-sounds", score) if score >= THRESHOLD and whole else None


def _match_latin(one: str, other: str, dialect: str) -> tuple[str, float] | None:
    if one == other:
        return "same-letters", 1.0
    left, right = (latin_vowels_joined(without_final_h(sounds(word))) for word in (one, other))
    price = latin_distance(left, right, dialect)
    score = 1 - price / max(consonants(left), consonants(right), 1)
    if score >= THRESHOLD:
        return ("sounds" if price == 0 else "near-sounds"), score
    score = jaro_winkler(one, other)
    if score >= JARO_WINKLER and min(len(one), len(other)) >= 6 and one[-1] == other[-1]:
        return "jaro-winkler", score
    return None


# ---------------------------------------------------------------- false friends


def _listed(a: Word, b: Word) -> tuple[str, float] | tuple[()] | None:
    """A listed spelling's rule; () where the two are listed as two names; None where the list does not know both."""
    mine, yours = _owners(a), _owners(b)
    groups = {group for group, _ in mine} & {group for group, _ in yours}
    if not groups:
        return None
    shared = mine & yours
    if not shared:
        return ()
    if a.is_arabic == b.is_arabic:
        return None  # the letters themselves decide, and a pair of one owner may match
    most = max(len(mine), len(yours))
    return ("ambiguous-spelling", AMBIGUOUS) if most > 1 else ("known-spelling", 1.0)


def _is_false_friend(a: Word, b: Word) -> bool:
    if not a.is_arabic and b.is_arabic:
        a, b = b, a
    return _listed(a, b) == ()


def _owners(word: Word) -> set[tuple[str, str]]:
    return _friends().get(word.core, set())


@cache
def _friends() -> dict[str, set[tuple[str, str]]]:
    owners: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for group, entry in texts("friends").items():
        for one in entry["names"]:
            for spelling in (one["arabic"], *one["latin"]):
                owners[spelling].add((group, one["arabic"]))
    return dict(owners)
