"""Names: parts, keys, dates, and what is one name and what is not. Every name here is common; none is a person's."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mithaq.errors import FormatError, TrustError
from mithaq.pact import names
from mithaq.pact.names import (
    DocumentDate,
    Romanised,
    add_romanised,
    compare_dates,
    compare_names,
    convert,
    from_icao,
    icao_key,
    icao_name,
    icao_search_key,
    matching_key,
    name_from_json,
    name_to_json,
    parse_name,
)
from mithaq.pact.names.dates import _hijri, _hijri_day, month_days
from mithaq.pact.names.icao import TABLE, is_icao_key
from mithaq.pact.names.letters import jaro_winkler
from mithaq.pact.names.parts import texts

# ---------------------------------------------------------------- keys

FOLDED = {
    "أحمد": "احمد", "إبراهيم": "ابراهيم", "آمنة": "امنه", "ٱلله": "الله", "مصطفى": "مصطفي", "فاطمة": "فاطمه",
    "رؤوف": "رووف", "عائشة": "عايشه", "کریم": "كريم", "مـحـمـد": "محمد", "مُحَمَّد": "محمد", "هٰذا": "هذا",
    "\u202bمحمد\u202c": "محمد", "م\u200cحمد": "محمد", "٠١٢٣٤٥٦٧٨٩": "0123456789", "۰۱۲": "012", "ﷲ": "الله",
}  # fmt: skip


@pytest.mark.parametrize(("text", "key"), FOLDED.items())
def test_matching_key_folds_what_writers_vary(text: str, key: str) -> None:
    assert matching_key(text) == key


def test_matching_key_keeps_the_hamza_that_stands_alone() -> None:
    assert matching_key("ضياء") == "ضياء"  # NFD and stripping marks would lose it


ICAO = {  # the vectors of the requirements page; the third is ICAO's own example
    "محمد": "MXHMD", "عبّاس": "EBBAS", "ابو بكر محمد بن زكريا الرازي": "ABW<BKR<MXHMD<BN<ZKRYA<ALRAZY",
    "فاطمة": "FAXTTMXAH", "عبدالرحيم": "EBDALRXHYM", "محمود": "MXHMWD",
}  # fmt: skip


@pytest.mark.parametrize(("text", "key"), ICAO.items())
def test_icao_key_of_the_vectors(text: str, key: str) -> None:
    assert icao_key(text) == key


def test_icao_key_of_other_writing() -> None:
    assert icao_key("هبة الله") == "HBXAH<ALLH"  # ة closes a component
    assert icao_key("هبةالله") == "HBXTAALLH"  # and here it does not
    assert icao_key("مُحَمَّد") == "MXHMMD"
    assert icao_key("O'Connor-Müller") == "OCONNOR<MULLER"
    assert icao_name("آل ثاني", "حمد") == "XAAL<XTHANY<<XHMD"
    with pytest.raises(FormatError) as error:
        icao_key("محمد 2")
    assert error.value.code == "PAC-202"


def test_search_key_forgives_a_missing_shadda_and_both_ta_marbuta() -> None:
    assert icao_search_key("عباس") == icao_search_key("عبّاس")
    assert icao_search_key("EBBAS") == icao_search_key("عباس")
    assert icao_search_key("هبةالله") != icao_search_key("هبت الله")
    assert icao_search_key("FAXTTMXTA") == icao_search_key("فاطمة")


@given(st.text(alphabet=sorted(TABLE), min_size=1, max_size=12))
def test_the_icao_key_reads_back(word: str) -> None:
    key = icao_key(word)
    assert icao_key(from_icao(key)) == key
    assert from_icao(key) == word


def test_only_a_key_is_read_as_one() -> None:
    assert from_icao("MXWMN") == "مؤمن"  # as the draft of 2011 wrote ؤ
    assert is_icao_key("MXHMD") and not is_icao_key("MOHAMED") and not is_icao_key("FELIX")
    with pytest.raises(FormatError) as error:
        from_icao("FELIX")
    assert error.value.code == "PAC-203"


# ---------------------------------------------------------------- parts


def kinds(text: str) -> list[tuple[str, str]]:
    return [(part.kind, part.original) for part in parse_name(text).parts]


def test_parts_of_the_usual_structures() -> None:
    assert kinds("حمد بن خليفة آل ثاني") == [("given", "حمد"), ("father", "خليفة"), ("family", "آل ثاني")]
    assert kinds("محمد أحمد علي حسن السيد") == [
        ("given", "محمد"), ("father", "أحمد"), ("grandfather", "علي"), ("ancestor", "حسن"), ("family", "السيد"),
    ]  # fmt: skip
    assert kinds("أم كلثوم إبراهيم") == [("kunya", "أم كلثوم"), ("given", "إبراهيم")]
    assert kinds("هارون الرشيد بن محمد") == [("given", "هارون"), ("laqab", "الرشيد"), ("father", "محمد")]
    assert kinds("صلاح الدين يوسف") == [("given", "صلاح الدين"), ("family", "يوسف")]
    assert kinds("AL THANI, HAMAD") == [("given", "HAMAD"), ("family", "AL THANI")]
    assert kinds("خالد") == [("given", "خالد")]


@pytest.mark.parametrize("text", ["عبدالرحمن العتيبي", "عبد الرحمن العتيبي"])
def test_abd_with_what_follows_is_one_part(text: str) -> None:
    first, family = parse_name(text).parts
    assert first.original == text.rpartition(" ")[0] and "abd" in first.markers
    assert family.markers == ("article",)


def test_the_family_marker_is_not_the_article() -> None:
    assert parse_name("حمد آل ثاني").parts[1].markers == ("family-marker",)
    assert parse_name("حمد الثاني").parts[1].markers == ("article",)


def test_a_name_travels_unchanged_and_no_form_is_replaced() -> None:
    name = parse_name("Gamal ʿAbd an-Nāṣir", "passport")
    more = add_romanised(name, 0, Romanised("Jamal", "ics-630-01"))
    assert more.parts[0].romanised == (Romanised("Gamal", "passport"), Romanised("Jamal", "ics-630-01"))
    assert add_romanised(more, 0, Romanised("Jamal", "ics-630-01")) == more
    assert name_from_json(name_to_json(more)) == more
    arabic = parse_name("محمّد بن عليّ آل ثاني")
    assert name_from_json(name_to_json(arabic)) == arabic and arabic.original == "محمّد بن عليّ آل ثاني"
    with pytest.raises(TrustError):
        name_from_json(name_to_json(arabic).replace(b'"father"', b'"neighbour"'))


@given(
    st.lists(
        st.sampled_from(["محمد", "علي", "بن", "آل", "عبد", "الله", "أبو", "Ali", "ثاني", "الدين"]),
        min_size=1,
        max_size=9,
    )
)
def test_any_name_travels_unchanged(given_words: list[str]) -> None:
    text = " ".join(given_words)
    try:
        name = parse_name(text)
    except FormatError as error:
        assert error.code == "PAC-206"
        return
    assert name_from_json(name_to_json(name)) == name


def test_what_is_no_name_is_refused() -> None:
    for text, code in (("", "PAC-206"), ("123 !!", "PAC-206"), ("أ" * 401, "PAC-201"), ("a " * 30, "PAC-201")):
        with pytest.raises(FormatError) as error:
            parse_name(text)
        assert error.value.code == code


# ---------------------------------------------------------------- comparing

MATCH = [
    ("محمد", "Mohamed"), ("محمد", "Muhammad"), ("محمد", "Mouhamed"), ("محمد", "Mehmet"), ("محمد", "MXHMD"),
    ("عباس", "EBBAS"), ("عبّاس", "عباس"), ("أحمد", "احمد"), ("مصطفى", "مصطفي"), ("فاطمة", "فاطمه"),
    ("Abdulrahman", "Abd al Rahman"), ("عبدالرحمن", "عبد الرحمن"), ("عبد الرحمن", "Abdurrahman"),
    ("عبد السلام", "Abdussalam"), ("عبداللطيف", "Abdullatif"), ("عبدالله", "Abdallah"), ("عبد القادر", "Abdelkader"),
    ("حمد بن خليفة آل ثاني", "Hamad bin Khalifa Al Thani"), ("حمد بن خليفة آل ثاني", "Hamad Khalifa Al-Thani"),
    ("أم كلثوم", "ام كلثوم"), ("أم كلثوم", "Umm Kulthum"), ("أبو بكر", "Abubakr"), ("نور الدين", "Noureddine"),
    ("ابو بكر محمد بن زكريا الرازي", "ABW<BKR<MXHMD<BN<ZKRYA<ALRAZY"), ("صلاح الدين", "Salahuddin"),
    ("ابو بكر محمد بن زكريا الرازي", "Abu Bakr Muhammad ibn Zakariya al-Razi"), ("جمال", "Gamal"), ("Gamal", "Jamal"),
    ("جمال عبد الناصر", "Gamal Abdel Nasser"), ("القحطاني", "Al-Gahtani"), ("Alqahtani", "Gahtani"),
    ("القذافي", "Gaddafi"), ("Qaddafi", "Kadhafi"), ("حسين", "Husayn"), ("Hussein", "Husayn"), ("يوسف", "Youssef"),
    ("عائشة", "Ayesha"), ("عائشة", "Aïcha"), ("عثمان", "Osman"), ("شوقي", "Chawki"), ("ظافر", "Dhafer"),
    ("رؤوف", "Raouf"), ("داوود", "Dawood"), ("هيثم", "Haytham"), ("يحيى", "Yehia"), ("طه", "Taha"), ("ضياء", "Diaa"),
    ("خديجة", "Khadijah"), ("أمين", "Amine"), ("ياسين", "Yassine"), ("سعيد", "Saeed"), ("Said", "Saeed"),
    ("عمرو", "Amr"), ("عمر", "Omar"), ("حسن", "Hassan"), ("حسّان", "Hassan"), ("إلياس", "Elias"), ("عالية", "Alia"),
    ("Mohamed Ali Hassan Al Thani", "Mohamed Al Thani"), ("خالد سعيد", "سعيد خالد"), ("AL THANI, HAMAD", "حمد آل ثاني"),
    ("ابراهيم", "ابرهيم"), ("Christopher", "Christofer"),
]  # fmt: skip
NO_MATCH = [
    ("حسن", "حسّان"), ("عمر", "عمرو"), ("Amr", "Omar"), ("عمر", "Amr"), ("عمرو", "Omar"), ("Alia", "Ia"),
    ("Elias", "Ias"), ("إلياس", "ياس"), ("محمد", "محمود"), ("محمد", "أحمد"), ("محمد", "Mahmoud"), ("محمود", "Mohamed"),
    ("أحمد", "Hamad"), ("سالم", "سليم"), ("سلام", "Islam"), ("Salma", "Salem"), ("Hassan", "Hussein"), ("حسن", "حسين"),
    ("حسن", "Hussein"), ("Abdulrahman", "Abdulrahim"), ("عبدالرحمن", "عبد الرحيم"), ("Abdullah", "Abdulrahman"),
    ("Ali", "Alia"), ("محمد حسن", "محمد حسان"), ("Fahad", "Fatima"), ("سعد", "Saeed"), ("خالد", "Waleed"),
    ("Mohamed Ali", "Ahmed Ali"), ("أحمد علي", "Mohamed Ali"), ("نور", "Nora"), ("زيد", "Yazid"), ("Salam", "Salim"),
    ("عبدالله", "عبد"), ("", "محمد"),
]  # fmt: skip


@pytest.mark.parametrize(("a", "b"), MATCH)
def test_must_match(a: str, b: str) -> None:
    found = compare_names(a, b)
    assert found.level != "different", found
    assert found.pairs and all(pair.rule in texts("rules") and 0.85 <= pair.score <= 1 for pair in found.pairs)
    assert compare_names(b, a).level == found.level


@pytest.mark.parametrize(("a", "b"), NO_MATCH)
def test_must_not_match(a: str, b: str) -> None:
    assert compare_names(a, b).level == "different"
    assert compare_names(b, a).level == "different"


def test_q_and_j_are_never_both_g() -> None:
    assert compare_names("قاسم", "Gasim").dialect == "gulf"
    assert compare_names("جاسم", "Gasim").dialect == "egypt"
    assert compare_names("قاسم الجابر", "Gasim Al-Gaber").level == "different"
    assert compare_names("قاسم الجابر", "Gasim Al-Jaber").level == "likely"


def test_the_rule_that_fired_is_said() -> None:
    rules = {("محمد", "MXHMD"): "icao-key", ("عباس", "EBBAS"): "icao-key", ("أحمد", "احمد"): "same-letters",
             ("خالد", "Khaled"): "sounds", ("ابراهيم", "ابرهيم"): "near-spelling", ("عمرو", "Amr"): "known-spelling",
             ("حسن", "Hassan"): "ambiguous-spelling", ("خالد", "خالد"): "identical",
             ("عثمان", "Osman"): "near-sounds", ("Bergstrom", "Bergsrtom"): "jaro-winkler"}  # fmt: skip
    for (a, b), rule in rules.items():
        assert [pair.rule for pair in compare_names(a, b).pairs] == [rule], (a, b)
    assert "ambiguous" in compare_names("حسّان", "Hassan").notes
    assert compare_names("حسّان", "Hassan").level == "possible"
    assert "false-friend" in compare_names("عمر", "Amr").notes
    assert "reordered" in compare_names("خالد سعيد", "سعيد خالد").notes
    assert "joined" in compare_names("شمس النهار", "Shamsalnahar").notes
    marked = compare_names("حمد آل ثاني", "حمد الثاني")
    assert "family-marker" in marked.notes and marked.level == "likely"


def test_the_explanation_speaks_both_languages() -> None:
    for section in ("rules", "levels", "notes"):
        for code, text in texts(section).items():
            assert set(text) == {"en", "ar"} and any("\u0621" <= letter <= "\u064a" for letter in text["ar"]), code
    english, arabic = (compare_names("محمد", "Mohamed").explain(language) for language in ("en", "ar"))
    assert "identifies nobody" in english[-1] and "لا تثبت هوية أحد" in arabic[-1]
    assert len(english) == len(arabic)


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_two_texts_can_be_compared(a: str, b: str) -> None:
    one, other = compare_names(a, b), compare_names(b, a)
    assert one.level == other.level and abs(one.score - other.score) < 1e-9


def test_jaro_winkler_of_known_pairs() -> None:
    # Winkler 1990 (the pairs that every description of the measure repeats), to three places
    assert round(jaro_winkler("MARTHA", "MARHTA"), 3) == 0.961
    assert round(jaro_winkler("DWAYNE", "DUANE"), 3) == 0.84
    assert round(jaro_winkler("DIXON", "DICKSONX"), 3) == 0.813
    assert jaro_winkler("", "a") == 0.0


# ---------------------------------------------------------------- dates


def test_known_days_in_both_calendars() -> None:
    # 1 Muharram 1400 began the fifteenth century: 21 November 1979 by the tabular calendar, 20 November by Umm al-Qura
    found = convert(DocumentDate("hijri", 1400, 1, 1))
    assert found.earliest == DocumentDate("gregorian", 1979, 11, 19)
    assert found.latest == DocumentDate("gregorian", 1979, 11, 22)
    assert (found.method, found.uncertain_days) == ("tabular-civil", 3)
    back = convert(DocumentDate("gregorian", 2024, 3, 11))  # the first of Ramadan 1445 in Umm al-Qura
    assert (back.earliest, back.latest) == (DocumentDate("hijri", 1445, 8, 29), DocumentDate("hijri", 1445, 9, 3))


def test_an_unknown_day_or_month_leaves_its_whole_span_open() -> None:
    found = convert(DocumentDate("hijri", 1445))
    assert found.earliest.year == 2023 and found.latest.year == 2024
    for language in ("en", "ar"):
        text = found.in_language(language)
        assert "1445" in text and "2023" in text
    assert "tabular" in found.in_language("en") and "أم القرى" in found.in_language("ar")


def test_dates_are_compared_by_a_rule() -> None:
    day = DocumentDate("gregorian", 1979, 11, 20)
    assert compare_dates(day, day).rule == "same-date"
    assert compare_dates(day, DocumentDate("hijri", 1400, 1, 1)).rule == "same-day"
    assert compare_dates(day, DocumentDate("hijri", 1400)).rule == "same-day"
    assert compare_dates(DocumentDate("gregorian", 1979, 11, 18), DocumentDate("hijri", 1400)).days_apart == 1
    assert compare_dates(day, DocumentDate("gregorian", 1979)).rule == "same-day"
    a, b = DocumentDate("gregorian", 1980, 4, 7), DocumentDate("gregorian", 1980, 7, 4)
    assert compare_dates(a, b).rule == "day-and-month-swapped"
    assert compare_dates(a, DocumentDate("gregorian", 1981)).rule == "neighbouring-year"
    far = compare_dates(a, DocumentDate("gregorian", 1990, 4, 7))
    assert far.rule == "different" and far.days_apart == 3652


@given(st.integers(227_015, 227_015 + 700_000))
def test_every_day_has_one_tabular_date(number: int) -> None:
    found = _hijri(number)
    assert found.month is not None and found.day is not None
    assert _hijri_day(found.year, found.month, found.day) == number
    assert 1 <= found.day <= month_days("hijri", found.year, found.month)


def test_leap_years_are_those_of_the_cycle() -> None:
    leap = {2, 5, 7, 10, 13, 16, 18, 21, 24, 26, 29}
    for year in range(1, 61):
        assert sum(month_days("hijri", year, month) for month in range(1, 13)) == (
            355 if (year - 1) % 30 + 1 in leap else 354
        )


@given(st.dates(datetime.date(1900, 1, 1), datetime.date(2080, 12, 31)))
def test_a_day_lies_in_the_window_of_its_conversion(day: datetime.date) -> None:
    there = convert(DocumentDate("gregorian", day.year, day.month, day.day))
    assert compare_dates(there.source, there.earliest).rule == "same-day"
    assert compare_dates(there.source, there.latest).rule == "same-day"


def test_impossible_dates_are_refused() -> None:
    for values in ((1445, 13, 1), (1445, 1, 31), (1445, None, 3), (0, 1, 1)):
        with pytest.raises(FormatError) as error:
            DocumentDate("hijri", *values)
        assert error.value.code == "PAC-204"
    with pytest.raises(FormatError) as error:
        names.dates.parse_date("12/3/1445", "hijri")
    assert error.value.code == "PAC-205"


def test_alike_is_enough_for_a_person_to_look() -> None:
    from mithaq.pact.names import alike

    assert alike("Mohammed Al-Thani", "Muhammad Al Thani")
    assert alike("محمد", "Mohammed")
    assert not alike("Mohammed", "Ahmed")
    assert not alike("12345", "Ahmed")
