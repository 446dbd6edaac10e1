"""Seeded people who do not exist: common names in both scripts, and data as an agreement's core data name them.

Names are put together at random from short lists of the most common given and family names, document numbers begin with
DEMO, and no list holds a public figure's whole name. A name keeps the script of its document and a second form beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, TypeAlias

import numpy as np

Names: TypeAlias = tuple[tuple[str, str], ...]  # (Latin, Arabic)

_ARABIC_MEN: Final[Names] = (
    ("Ahmed", "أحمد"), ("Ali", "علي"), ("Khalid", "خالد"), ("Omar", "عمر"), ("Yousef", "يوسف"), ("Ibrahim", "إبراهيم"),
    ("Hassan", "حسن"), ("Saeed", "سعيد"), ("Abdulrahman", "عبد الرحمن"), ("Faisal", "فيصل"), ("Salem", "سالم"),
    ("Nasser", "ناصر"), ("Mahmoud", "محمود"), ("Tariq", "طارق"), ("Rashid", "راشد"), ("Majid", "ماجد"), ("Sami", "سامي"),
    ("Ziad", "زياد"), ("Bilal", "بلال"), ("Karim", "كريم"),
)  # fmt: skip
_ARABIC_WOMEN: Final[Names] = (
    ("Fatima", "فاطمة"), ("Aisha", "عائشة"), ("Mariam", "مريم"), ("Noura", "نورة"), ("Sara", "سارة"), ("Layla", "ليلى"),
    ("Huda", "هدى"), ("Amina", "أمينة"), ("Salma", "سلمى"), ("Reem", "ريم"), ("Hind", "هند"), ("Khadija", "خديجة"),
    ("Zainab", "زينب"), ("Dalal", "دلال"), ("Rania", "رانيا"), ("Samira", "سميرة"),
)  # fmt: skip
_ARABIC_FAMILIES: Final[Names] = (
    ("Al-Najjar", "النجار"), ("Al-Haddad", "الحداد"), ("Al-Khatib", "الخطيب"), ("Al-Masri", "المصري"),
    ("Al-Sayed", "السيد"), ("Al-Zahrani", "الزهراني"), ("Al-Ansari", "الأنصاري"), ("Al-Hashimi", "الهاشمي"),
    ("Al-Attar", "العطار"), ("Al-Qadi", "القاضي"), ("Al-Sabbagh", "الصباغ"), ("Al-Bahri", "البحري"), ("Mansour", "منصور"),
    ("Darwish", "درويش"), ("Shaheen", "شاهين"), ("Saleh", "صالح"), ("Al-Omari", "العمري"), ("Al-Rawi", "الراوي"),
    ("Al-Yami", "اليامي"), ("Qasim", "قاسم"),
)  # fmt: skip
_LATIN_MEN: Final[Names] = (
    ("James", "جيمس"), ("Robert", "روبرت"), ("Michael", "مايكل"), ("David", "ديفيد"), ("William", "ويليام"),
    ("Daniel", "دانيال"), ("Thomas", "توماس"), ("Carlos", "كارلوس"), ("Kevin", "كيفن"), ("Brian", "براين"),
    ("Eric", "إريك"), ("Luis", "لويس"), ("Mark", "مارك"), ("Peter", "بيتر"), ("Samuel", "صامويل"), ("Andrew", "أندرو"),
)  # fmt: skip
_LATIN_WOMEN: Final[Names] = (
    ("Mary", "ماري"), ("Linda", "ليندا"), ("Jennifer", "جنيفر"), ("Susan", "سوزان"), ("Karen", "كارين"),
    ("Emily", "إميلي"), ("Laura", "لورا"), ("Maria", "ماريا"), ("Nancy", "نانسي"), ("Sandra", "ساندرا"),
    ("Rachel", "راشيل"), ("Julia", "جوليا"), ("Diana", "ديانا"), ("Anna", "آنا"),
)  # fmt: skip
_LATIN_FAMILIES: Final[Names] = (
    ("Smith", "سميث"), ("Johnson", "جونسون"), ("Brown", "براون"), ("Garcia", "غارسيا"), ("Miller", "ميلر"),
    ("Davis", "ديفيس"), ("Martinez", "مارتينيز"), ("Wilson", "ويلسون"), ("Anderson", "أندرسون"), ("Taylor", "تايلور"),
    ("Moore", "مور"), ("Lee", "لي"), ("Walker", "ووكر"), ("Young", "يونغ"), ("Hill", "هيل"), ("Baker", "بيكر"),
    ("Turner", "تيرنر"), ("Cooper", "كوبر"), ("Reed", "ريد"), ("Ward", "وارد"),
)  # fmt: skip
_OTHER_SPELLINGS: Final = {
    "Ahmed": "Ahmad", "Omar": "Umar", "Yousef": "Yusuf", "Saeed": "Said", "Abdulrahman": "Abd al-Rahman",
    "Faisal": "Faysal", "Nasser": "Nasir", "Mahmoud": "Mahmud", "Tariq": "Tarek", "Majid": "Majed", "Ziad": "Ziyad",
    "Karim": "Kareem", "Fatima": "Fatma", "Aisha": "Aysha", "Mariam": "Maryam", "Noura": "Nura", "Layla": "Leila",
    "Huda": "Hoda", "Reem": "Rim", "Khadija": "Khadeeja", "Zainab": "Zaynab", "Samira": "Sameera",
}  # fmt: skip
_QA_PLACES: Final[tuple[tuple[str, str, str], ...]] = (  # (Latin, Arabic, ISO 3166-1 alpha-3)
    ("Doha", "الدوحة", "QAT"), ("Al Rayyan", "الريان", "QAT"), ("Al Khor", "الخور", "QAT"),
    ("Al Wakrah", "الوكرة", "QAT"), ("Amman", "عمّان", "JOR"), ("Cairo", "القاهرة", "EGY"), ("Tunis", "تونس", "TUN"),
    ("Beirut", "بيروت", "LBN"),
)  # fmt: skip
_US_PLACES: Final[tuple[tuple[str, str, str], ...]] = (
    ("Chicago", "شيكاغو", "USA"), ("Houston", "هيوستن", "USA"), ("Phoenix", "فينيكس", "USA"),
    ("Denver", "دنفر", "USA"), ("Portland", "بورتلاند", "USA"), ("Dayton", "دايتون", "USA"),
    ("Toronto", "تورونتو", "CAN"), ("Detroit", "ديترويت", "USA"),
)  # fmt: skip
_LATIN_SHARE: Final = {"QA": 0.15, "US": 0.8}  # of people whose documents are in Latin script; the rest in Arabic
_PLACES: Final = {"QA": _QA_PLACES, "US": _US_PLACES}
_YOUNGEST: Final = date(2006, 12, 31)
_OLDEST: Final = date(1951, 1, 1)


@dataclass(frozen=True, slots=True)
class Person:
    """One synthetic person: `key` names them in the file of the party that holds them ("QA-0007").

    `identity` is JSON-ready, under the core data's names: `family_name`, `given_names` and each of `aliases` are names
    (see `name_form`), `sex` "M" or "F", `birth_date` an ISO 8601 date in the Gregorian calendar, `birth_place` in both
    languages, `nationality` ISO 3166-1 alpha-3 codes, `document_numbers` kind, number and issuing country.
    """

    key: str
    party: str
    identity: dict[str, object]


IDENTITY_FIELDS: Final = (
    "family_name",
    "given_names",
    "aliases",
    "sex",
    "birth_date",
    "birth_place",
    "nationality",
    "document_numbers",
)


def make_people(party: str, seed: int, count: int) -> tuple[Person, ...]:
    """`count` people in the file of "QA" or "US"; no two share a whole name; the same seed gives the same people.

    ValueError for another party, or for more people than there are names.
    """
    if party not in _PLACES:
        raise ValueError("people are made for QA and US")
    if not 0 <= count <= 500:
        raise ValueError("there are names for at most 500 people")
    rng = np.random.default_rng((seed, *party.encode(), 0x70656F70))
    people: list[Person] = []
    taken: set[tuple[str, ...]] = set()
    while len(people) < count:
        is_latin, is_man = bool(rng.random() < _LATIN_SHARE[party]), bool(rng.random() < 0.6)
        given, family = _draw_name(rng, is_latin, is_man)
        whole = (*(latin for latin, _ in given), family[0])
        if whole in taken:
            continue
        taken.add(whole)
        key = f"{party}-{len(people) + 1:04d}"
        people.append(Person(key, party, _identity(rng, party, key, is_latin, is_man, given, family)))
    return tuple(people)


def name_form(names: tuple[tuple[str, str], ...], *, is_latin: bool, source: str) -> dict[str, object]:
    """A name as its document has it, with the other script's form beside it (REQ-170).

    `original` and `script` (ISO 15924), `romanised` values with their scheme, `transcribed` values with their script,
    `source` the kind of document.
    """
    latin = " ".join(name for name, _ in names)
    arabic = " ".join(name for _, name in names)
    return {
        "original": latin if is_latin else arabic,
        "script": "Latn" if is_latin else "Arab",
        "romanised": [{"value": latin, "scheme": "as-given" if is_latin else "passport"}],
        "transcribed": [{"value": arabic, "script": "Arab"}],
        "source": source,
    }


def _draw_name(
    rng: np.random.Generator, is_latin: bool, is_man: bool
) -> tuple[tuple[tuple[str, str], ...], tuple[str, str]]:
    """Given names and a family name. An Arabic name goes on with the father's, and often the grandfather's."""
    if is_latin:
        given = (_pick(rng, _LATIN_MEN if is_man else _LATIN_WOMEN),)
        return given, _pick(rng, _LATIN_FAMILIES)
    names = [_pick(rng, _ARABIC_MEN if is_man else _ARABIC_WOMEN)]
    for _ in range(1 + int(rng.random() < 0.6)):
        names.append(_pick(rng, tuple(name for name in _ARABIC_MEN if name not in names)))
    return tuple(names), _pick(rng, _ARABIC_FAMILIES)


def _identity(
    rng: np.random.Generator,
    party: str,
    key: str,
    is_latin: bool,
    is_man: bool,
    given: tuple[tuple[str, str], ...],
    family: tuple[str, str],
) -> dict[str, object]:
    aliases: list[dict[str, object]] = []
    first = given[0]
    if first[0] in _OTHER_SPELLINGS and rng.random() < 0.5:
        aliases.append(name_form(((_OTHER_SPELLINGS[first[0]], first[1]), family), is_latin=True, source="statement"))
    if not is_latin and rng.random() < 0.25:
        child = _pick(rng, _ARABIC_MEN)
        parent = ("Abu", "أبو") if is_man else ("Umm", "أم")
        aliases.append(name_form((parent, child), is_latin=False, source="statement"))
    places = _PLACES[party]
    latin_place, arabic_place, country = places[int(rng.integers(len(places)))]
    born = _OLDEST + timedelta(days=int(rng.integers((_YOUNGEST - _OLDEST).days + 1)))
    serial = int(rng.integers(10**6))
    documents = [{"kind": "passport", "number": f"DEMO-{country}-P{serial:06d}", "country": country}]
    if rng.random() < 0.5:
        home = "QAT" if party == "QA" else "USA"
        documents.append(
            {"kind": "national-id", "number": f"DEMO-{home}-N{key[-4:]}{serial % 1000:03d}", "country": home}
        )
    return {
        "family_name": name_form((family,), is_latin=is_latin, source="passport"),
        "given_names": name_form(given, is_latin=is_latin, source="passport"),
        "aliases": aliases,
        "sex": "M" if is_man else "F",
        "birth_date": born.isoformat(),
        "birth_place": {"en": latin_place, "ar": arabic_place, "country": country},
        "nationality": [country],
        "document_numbers": documents,
    }


def _pick(rng: np.random.Generator, names: Names) -> tuple[str, str]:
    return names[int(rng.integers(len(names)))]
