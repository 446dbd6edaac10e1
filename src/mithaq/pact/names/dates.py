"""A document's dates: in the calendar that the document uses, and the same day in the other one, as far as is known.

    12 Ramadan 1445 (Hijri) ──convert──► 20 to 23 March 2024, method tabular-civil

The Hijri calendar here is the *tabular* one: a cycle of 30 years, leap years 2, 5, 7, 10, 13, 16, 18, 21, 24, 26 and
29, year 1 beginning on Friday 16 July 622 (Julian). Official dates of the Gulf follow *Umm al-Qura*, which is published
as a table and not computed: in all 1,896 months of the years 1343 to 1500 its first day lies between two days before
and one day after the tabular one (compared with the table in hijridate 2.6.0, 2026-11-24). So each conversion is given
as that window of days, never as one certain day. Local sightings of the moon may differ by a day more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from mithaq.errors import FormatError

Calendar = Literal["hijri", "gregorian"]
METHOD = "tabular-civil"
EARLIER_DAYS, LATER_DAYS = 2, 1  # how far Umm al-Qura lies before and after the tabular calendar
_EPOCH = 227_015  # the day number (1 is 1 January of year 1, Gregorian) of 1 Muharram 1
_CYCLE_DAYS = 10_631  # of 30 years
MONTHS = {
    "hijri": {
        "en": ("Muharram", "Safar", "Rabi I", "Rabi II", "Jumada I", "Jumada II", "Rajab", "Shaban", "Ramadan",
               "Shawwal", "Dhu al-Qada", "Dhu al-Hijja"),
        "ar": ("محرم", "صفر", "ربيع الأول", "ربيع الآخر", "جمادى الأولى", "جمادى الآخرة", "رجب", "شعبان", "رمضان",
               "شوال", "ذو القعدة", "ذو الحجة"),
    },
    "gregorian": {
        "en": ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
               "November", "December"),
        "ar": ("يناير", "فبراير", "مارس", "أبريل", "مايو", "يونيو", "يوليو", "أغسطس", "سبتمبر", "أكتوبر", "نوفمبر",
               "ديسمبر"),
    },
}  # fmt: skip


@dataclass(frozen=True)
class DocumentDate:
    """A date as a document states it; the day, or day and month, may be unknown. FormatError PAC-204, PAC-205."""

    calendar: Calendar
    year: int
    month: int | None = None
    day: int | None = None

    def __post_init__(self) -> None:
        first, last = (1, 2000) if self.calendar == "hijri" else (623, 2600)
        if not first <= self.year <= last:
            raise _date_error(f"the year {self.year}", f"a {self.calendar} year from {first} to {last}")
        if self.day is not None and self.month is None:
            raise _date_error("a day without a month", "a month, or neither")
        if self.month is not None and not 1 <= self.month <= 12:
            raise _date_error(f"the month {self.month}", "1 to 12")
        if self.day is not None:
            longest = month_days(self.calendar, self.year, self.month or 1)
            if self.calendar == "hijri":
                longest = 30  # a month of 29 days in the tabular calendar may have 30 in Umm al-Qura
            if not 1 <= self.day <= longest:
                raise _date_error(f"the day {self.day}", f"1 to {longest}")

    def in_language(self, language: str) -> str:
        """The date in words, its calendar included: "12 Ramadan 1445 (Hijri)"."""
        arabic = language == "ar"
        calendar = {"hijri": ("Hijri", "هجري"), "gregorian": ("Gregorian", "ميلادي")}[self.calendar][arabic]
        month = MONTHS[self.calendar]["ar" if arabic else "en"][self.month - 1] if self.month else ""
        return " ".join(filter(None, (str(self.day or ""), month, str(self.year), f"({calendar})")))


@dataclass(frozen=True)
class Converted:
    """The other calendar's first and last day that the document's date can mean. `uncertain_days` counts the days
    beyond those that the document leaves open itself; `method` says by which rule."""

    source: DocumentDate
    earliest: DocumentDate
    latest: DocumentDate
    method: str
    uncertain_days: int

    def in_language(self, language: str) -> str:
        """Both dates and the method, for a person."""
        first, last = self.earliest.in_language(language), self.latest.in_language(language)
        source = self.source.in_language(language)
        if language == "ar":
            method = "التقويم الهجري الحسابي؛ قد يختلف تقويم أم القرى بيومين قبله أو بيوم بعده"
            return f"{source} = من {first} إلى {last}؛ {method}"
        method = "tabular Hijri calendar; Umm al-Qura may lie up to two days before or one day after"
        return f"{source} = {first} to {last}; {method}"


@dataclass(frozen=True)
class DateComparison:
    """How two dates stand to each other. `rule`: `same-date` (word for word), `same-day` (within what the two documents
    and the conversion leave open), `day-and-month-swapped`, `neighbouring-year` (a document that knew the age alone),
    `different`. `days_apart` counts the days between the two windows, 0 where they meet."""

    rule: Literal["same-date", "same-day", "day-and-month-swapped", "neighbouring-year", "different"]
    days_apart: int


def month_days(calendar: Calendar, year: int, month: int) -> int:
    """The days of a month: Gregorian, or of the tabular Hijri calendar."""
    if calendar == "hijri":
        following = (year, month + 1) if month < 12 else (year + 1, 1)
        return _hijri_day(*following, 1) - _hijri_day(year, month, 1)
    following = (year, month + 1) if month < 12 else (year + 1, 1)
    return date(*following, 1).toordinal() - date(year, month, 1).toordinal()


def convert(source: DocumentDate) -> Converted:
    """The same day or days in the other calendar, with the window that the method leaves."""
    first, last = _window(source)
    if source.calendar == "hijri":
        earliest, latest = _gregorian(first - EARLIER_DAYS), _gregorian(last + LATER_DAYS)
    else:
        # Where Umm al-Qura's month begins two days earlier, the same day bears a number two higher.
        earliest, latest = _hijri(first - LATER_DAYS), _hijri(last + EARLIER_DAYS)
    return Converted(source, earliest, latest, METHOD, EARLIER_DAYS + LATER_DAYS)


def compare_dates(a: DocumentDate, b: DocumentDate) -> DateComparison:
    """Which rule makes the two dates one, or `different`; across calendars by `convert`."""
    if a == b:
        return DateComparison("same-date", 0)
    (a_first, a_last), (b_first, b_last) = (_gregorian_window(one, other.calendar) for one, other in ((a, b), (b, a)))
    apart = max(0, a_first - b_last, b_first - a_last)
    if apart == 0:
        return DateComparison("same-day", 0)
    if (a.calendar, a.year) == (b.calendar, b.year) and (a.month, a.day) == (b.day, b.month):
        return DateComparison("day-and-month-swapped", apart)
    if a.calendar == b.calendar and abs(a.year - b.year) == 1 and (a.month is None or b.month is None):
        return DateComparison("neighbouring-year", apart)
    return DateComparison("different", apart)


def parse_date(text: str, calendar: Calendar) -> DocumentDate:
    """`1445-09-12`, `1445-09` or `1445`; FormatError PAC-205."""
    steps = text.strip().split("-")
    if not 1 <= len(steps) <= 3 or not all(step.isascii() and step.isdigit() and len(step) <= 4 for step in steps):
        raise FormatError("PAC-205", "the date cannot be read", expected="YYYY, YYYY-MM or YYYY-MM-DD")
    return DocumentDate(calendar, *(int(step) for step in steps))


def _gregorian_window(one: DocumentDate, other: Calendar) -> tuple[int, int]:
    """First and last day number; widened by the method where the other date is of the other calendar."""
    first, last = _window(one)
    if one.calendar == "hijri" and other == "gregorian":
        return first - EARLIER_DAYS, last + LATER_DAYS
    return first, last


def _window(one: DocumentDate) -> tuple[int, int]:
    """The day numbers of the first and last day that the date leaves open, in its own calendar."""
    first_month, last_month = (one.month, one.month) if one.month else (1, 12)
    first_day = one.day or 1
    last_day = one.day or month_days(one.calendar, one.year, last_month)
    if one.calendar == "hijri":
        return _hijri_day(one.year, first_month, first_day), _hijri_day(one.year, last_month, last_day)
    return (date(one.year, first_month, first_day).toordinal(), date(one.year, last_month, last_day).toordinal())


def _hijri_day(year: int, month: int, day: int) -> int:
    return _EPOCH - 1 + (year - 1) * 354 + (3 + 11 * year) // 30 + 29 * (month - 1) + month // 2 + day


def _hijri(number: int) -> DocumentDate:
    year = (30 * (number - _EPOCH) + 10_646) // _CYCLE_DAYS
    month = next(m for m in range(12, 0, -1) if _hijri_day(year, m, 1) <= number)
    return DocumentDate("hijri", year, month, number - _hijri_day(year, month, 1) + 1)


def _gregorian(number: int) -> DocumentDate:
    found = date.fromordinal(number)
    return DocumentDate("gregorian", found.year, found.month, found.day)


def _date_error(problem: str, expected: str) -> FormatError:
    return FormatError("PAC-204", problem, place="date", expected=expected)
