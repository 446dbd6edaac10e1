"""A year's report in English and Arabic: one page with plots and without a personal datum (REQ-151).

    twelve months of figures ──► bars by month · what became of the queries · a table for each group of figures

It holds counts, and codes that the agreement or this program names; no case, reference, officer, name, number or print
comes near it, since `pact.statistics` reads none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mithaq.pact.paper import Cell, both, paper, table
from mithaq.pact.statistics import Direction, Figures
from mithaq.pact.terms import Bilingual
from mithaq.pact.wording import label, reason_terms, release_refusals

Ways = Mapping[Direction, Figures]


@dataclass(frozen=True)
class Year:
    """What a year's report is made of. `months` are twelve pairs of figures, `theirs` what the partners' examiners
    concluded (None where they did not state it), `agreed` how many stated periods of it both parties agree on, of how
    many; `checks` counts results by outcome."""

    year: int
    party: Bilingual
    partner: Bilingual | None
    months: Sequence[Ways]
    total: Ways
    own: Ways
    theirs: Figures | None
    agreed: tuple[int, int]
    checks: Figures
    extracts: tuple[int, int]
    unreadable: int


_GROUPS: Sequence[tuple[str, Bilingual]] = (
    ("queries", Bilingual(en="Queries", ar="الاستعلامات")),
    ("answers", Bilingual(en="Answers", ar="الأجوبة")),
    ("refused.reason", Bilingual(en="Queries refused, by reason", ar="الاستعلامات المرفوضة بحسب السبب")),
    ("unsearchable.reason", Bilingual(en="Unsearchable prints, by reason", ar="بصمات غير صالحة للبحث بحسب السبب")),
    ("reply-ms", Bilingual(en="Time to the answer", ar="مدة الإجابة")),
    ("quota", Bilingual(en="Use of the day's quotas", ar="استخدام الحصص اليومية")),
    ("follow-ups", Bilingual(en="Requests for personal data", ar="طلبات البيانات الشخصية")),
    ("releases", Bilingual(en="Releases", ar="الإفصاح")),
    ("outcomes", Bilingual(en="What released data led to", ar="ما أفضت إليه البيانات المفصح عنها")),
    ("false-identities", Bilingual(en="False identities", ar="الهويات الزائفة")),
    ("notices", Bilingual(en="Notices", ar="الإشعارات")),
)
_NAMES: Mapping[str, Bilingual] = {
    "queries": Bilingual(en="all queries", ar="كل الاستعلامات"),
    "queries.priority.expedited": Bilingual(en="expedited", ar="مستعجل"),
    "queries.priority.ordinary": Bilingual(en="ordinary", ar="عادي"),
    "reply-ms.p50": Bilingual(en="half of them within", ar="نصفها خلال"),
    "reply-ms.p90": Bilingual(en="nine in ten within", ar="تسعة أعشارها خلال"),
    "reply-ms.p99": Bilingual(en="99 in 100 within", ar="99 من كل 100 خلال"),
    "reply-ms.longest": Bilingual(en="the longest", ar="أطولها"),
    "follow-ups": Bilingual(en="requests", ar="الطلبات"),
    "releases.special": Bilingual(en="with data of special nature", ar="تضمّنت بيانات ذات طبيعة خاصة"),
    "false-identities": Bilingual(en="false identities found", ar="هويات زائفة كُشفت"),
    "expired": Bilingual(en="without an answer in time", ar="دون جواب في المهلة"),
    "undeliverable": Bilingual(en="messages that could not be delivered", ar="رسائل تعذّر تسليمها"),
    "checkpoints-refused": Bilingual(en="checkpoints refused", ar="نقاط تحقّق مرفوضة"),
}
_PLAIN: Mapping[str, Bilingual] = {
    "under-way": Bilingual(en="without a receipt yet", ar="لم يصل إيصالها بعد"),
    "messages-refused": Bilingual(en="messages refused", ar="رسائل مرفوضة"),
    "limits-passed": Bilingual(en="limit passed", ar="مهلة انقضت"),
    "held": Bilingual(en="held back by our own gate", ar="أوقفتها بوابتنا"),
    "busiest-day": Bilingual(en="busiest day", ar="أكثر الأيام"),
    "day-limit": Bilingual(en="a day at most", ar="الحد اليومي"),
    "lawful": Bilingual(en="lawful", ar="مشروع"),
    "unlawful": Bilingual(en="unlawful", ar="غير مشروع"),
    "unclear": Bilingual(en="unclear", ar="غير واضح"),
    "open": Bilingual(en="not checked yet", ar="لم يُفحص بعد"),
}
_OUT = Bilingual(en="by us", ar="منّا")
_IN = Bilingual(en="by the partner", ar="من الشريك")
_FIGURE = Bilingual(en="Figure", ar="البند")


def figure_name(key: str) -> Bilingual:
    """What a figure is called, in both languages; the code itself where it has no name."""
    if key in _NAMES:
        return _NAMES[key]
    head, _, rest = key.partition(".")
    last = key.rpartition(".")[2]
    if head in ("under-way", "messages-refused"):
        return _join(_PLAIN[head], Bilingual(ar=last, en=last))
    if head == "quota":
        return _join(_code(rest.rpartition(".")[0]), _PLAIN[last])
    if head == "limits-passed":
        return _join(_PLAIN[head], _code(f"clock-{last}"))
    if head == "held":
        return _join(_PLAIN["held"], _code(last))
    return _code(last)


def page(year: Year, *, language: str = "en") -> str:
    """The report as one HTML page, opened in `language`."""
    title = Bilingual(en=f"Report of the year {year.year}", ar=f"تقرير سنة {year.year}")
    parties = both(year.party) + (" · " + both(year.partner) if year.partner else "")
    parts = [f"<p>{parties}</p><p class='soft'>{both(_intro(year))}</p>".replace("'", '"')]
    bars = [
        (str(n), month["out"].get("queries", 0), month["in"].get("queries", 0))
        for n, month in enumerate(year.months, 1)
    ]
    parts.append(_bars(Bilingual(en="Queries by month", ar="الاستعلامات بحسب الشهر"), bars))
    found = sorted({key for way in year.total.values() for key in way if key.startswith("answers.")})
    answers = [(figure_name(key), year.total["out"].get(key, 0), year.total["in"].get(key, 0)) for key in found]
    parts.append(_bars(Bilingual(en="What became of the queries", ar="مآل الاستعلامات"), answers))
    for prefix, name in _GROUPS:
        parts.append(table(name, (_FIGURE, _OUT, _IN), _rows(prefix, year.total)))
    parts.append(table(*_concluded(year)))
    rest = {way: {k: n for k, n in found.items() if not k.startswith("concluded.")} for way, found in year.own.items()}
    own = Bilingual(en="Known to this side alone", ar="ما يعرفه هذا الجانب وحده")
    parts.append(table(own, (_FIGURE, _OUT, _IN), _rows("", rest)))
    checks = Bilingual(en="Random checks of lawfulness", ar="الفحوص العشوائية للمشروعية")
    count = Bilingual(en="How many", ar="العدد")
    parts.append(table(checks, (_FIGURE, count), [(_PLAIN.get(k, _code(k)), str(n)) for k, n in year.checks.items()]))
    return paper(title, "".join(parts), language=language)


def _intro(year: Year) -> Bilingual:
    agreed, stated = year.agreed
    given, late = year.extracts
    return Bilingual(
        en=f"Counted from the ledger. Of {stated} periods that both parties stated, {agreed} agree to the unit. Extracts for"
        f" an authority: {given}, of them late: {late}. Log entries that were erased and are in no figure: {year.unreadable}.",
        ar=f"أُحصيت من سجل التدقيق. المدد التي صرّح بها الطرفان: {stated}، والمتطابقة منها تمامًا: {agreed}. المستخرجات المقدمة"
        f" إلى سلطة: {given}، والمتأخر منها: {late}. القيود التي مُحي مضمونها ولا تدخل في أي رقم: {year.unreadable}.",
    )


def _concluded(year: Year) -> tuple[Bilingual, Sequence[Cell], list[Sequence[Cell]]]:
    ours = {k: n for way in year.own.values() for k, n in way.items() if k.startswith("concluded.")}
    theirs = year.theirs
    rows: list[Sequence[Cell]] = [
        (figure_name(key), str(ours.get(key, 0)), "–" if theirs is None else str(theirs.get(key, 0)))
        for key in sorted({*ours, *(theirs or ())})
    ]
    name = Bilingual(en="Examiners\u2019 conclusions on hits", ar="ما انتهى إليه خبراء البصمات في التطابقات")
    return name, (_FIGURE, _OUT, _IN), rows


def _rows(prefix: str, ways: Ways) -> list[Sequence[Cell]]:
    keys = sorted({key for way in ways.values() for key in way})
    return [
        (figure_name(key), *(_shown(key, ways[way].get(key)) for way in ("out", "in")))
        for key in keys
        if not prefix or key == prefix or key.startswith(f"{prefix}.")
    ]


def _shown(key: str, value: int | None) -> Cell:
    if not key.startswith("reply-ms"):
        return str(value or 0)
    if value is None:
        return "–"
    seconds = f"{value / 1000:,.1f}"
    return Bilingual(en=f"{seconds} s", ar=f"{seconds} ثانية")


def _code(code: str) -> Bilingual:
    terms = reason_terms(code)
    if terms is not None:  # a sentence with gaps for the facts of one query, which are not here
        return Bilingual(*(re.sub(r"{\w+}", "…", text) for text in (terms.sentence.ar, terms.sentence.en)))
    try:
        return release_refusals().get(code) or label(code)
    except KeyError:
        return Bilingual(ar=code, en=code)


def _join(a: Bilingual, b: Bilingual) -> Bilingual:
    return Bilingual(ar=f"{a.ar}: {b.ar}", en=f"{a.en}: {b.en}")


def _bars(title: Bilingual, rows: Sequence[tuple[Cell, int, int]]) -> str:
    """Two bars for each row, ours and the partner's, with their counts; names stand below as a list where they are words."""
    most = max([1, *(max(ours, theirs) for _, ours, theirs in rows)])
    step, height = 50, 140
    drawn = []
    for place, (name, ours, theirs) in enumerate(rows):
        left = 10 + place * step
        for shift, way, value in ((0, "out", ours), (18, "in", theirs)):
            tall = round(value / most * height)
            drawn.append(
                f'<rect class="{way}" x="{left + shift}" y="{height + 20 - tall}" width="16" height="{tall}"/>'
            )
            drawn.append(f'<text x="{left + shift + 8}" y="{height + 15 - tall}" text-anchor="middle">{value}</text>')
        number = name if isinstance(name, str) else str(place + 1)
        drawn.append(f'<text x="{left + 17}" y="{height + 36}" text-anchor="middle">{number}</text>')
    words = [name for name, _, _ in rows if not isinstance(name, str)]
    listed = f"<ol>{''.join(f'<li>{both(word)}</li>' for word in words)}</ol>" if words else ""
    return (
        f"<figure><figcaption>{both(title)}</figcaption>"
        f'<svg viewBox="0 0 {20 + step * max(12, len(rows))} {height + 45}" role="img" aria-label="{title.en}">{"".join(drawn)}</svg>'
        f'<p><span class="key out"></span>{both(_OUT)}<span class="key in"></span>{both(_IN)}</p>{listed}</figure>'
    )


__all__ = ["Year", "figure_name", "page"]
