"""What a simulation found, in words: lines for a terminal, and one self-contained page in English and Arabic."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from mithaq.pact.paper import NOTHING, Cell, both, paper, table
from mithaq.pact.simulate import HELD, Erasure, QuotaUse, RefusedKind, Simulation
from mithaq.pact.terms import Bilingual, Clause
from mithaq.pact.wording import label

_NOTE = Bilingual(
    en="Both agreements were replayed as if each had been in force all the time. Only what the proposal changes is shown;"
    " which queries would have been asked otherwise nobody can know.",
    ar="أُعيد تشغيل الاتفاقيتين كأن كلًّا منهما كانت نافذة طوال المدة. لا يظهر إلا ما يغيّره المقترح،"
    " ولا يمكن معرفة الاستعلامات التي كانت ستُرسل لو اختلفت الشروط.",
)


def lines(found: Simulation, language: str) -> list[str]:
    """The simulation for a terminal, "en" or "ar"."""
    made = [_text(_summary(found), language), _text(_NOTE, language)]
    for title, _, rows in _tables(found):
        made += ["", _text(title, language)]
        if not rows:
            made.append("  " + _text(NOTHING, language))
        made += ["  " + " · ".join(filter(None, (_text(cell, language) for cell in row))) for row in rows]
    return made


def page(found: Simulation, *, language: str = "en") -> str:
    """The simulation as one HTML page, opened in `language`."""
    title = Bilingual(en="A proposal tried on the past", ar="تجربة مقترح على ما مضى")
    tables = "".join(table(*one) for one in _tables(found))
    return paper(title, f'<p>{both(_summary(found))}</p><p class="soft">{both(_NOTE)}</p>{tables}', language=language)


def _summary(found: Simulation) -> Bilingual:
    turned = sum(one.count for one in found.refused)
    since, until = found.since[:10], found.until[:10]
    return Bilingual(
        en=f"{since} to {until}: {found.queries} queries replayed, {found.unreadable} could not be; the proposal would have"
        f" refused {turned} that passed, and let {found.allowed} pass that did not; {found.both_refuse} both refuse",
        ar=f"من {since} إلى {until}: أُعيد تشغيل {found.queries} استعلامًا، وتعذّر ذلك في {found.unreadable}؛ كان المقترح"
        f" سيرفض {turned} مما قُبل، ويقبل {found.allowed} مما رُفض؛ وترفض الاتفاقيتان معًا {found.both_refuse}",
    )


def _tables(found: Simulation) -> Iterable[tuple[Bilingual, Sequence[Cell], list[Sequence[Cell]]]]:
    yield (
        Bilingual(en="Would be refused", ar="ما كان سيُرفض"),
        (_HEADS["side"], _HEADS["count"], _HEADS["reason"], _HEADS["clause"]),
        [_refusal(one) for one in found.refused],
    )
    yield (
        Bilingual(en="Quotas", ar="الحصص اليومية"),
        (_HEADS["side"], _HEADS["type"], _HEADS["limit"], _HEADS["busiest"], _HEADS["full"]),
        [_quota(one) for one in found.quotas],
    )
    yield (
        Bilingual(en="Would no longer be released", ar="ما لن يُفصح عنه بعد ذلك"),
        (_HEADS["field"], _HEADS["count"], _HEADS["clause"]),
        [(label(name), str(count), _clause(clause)) for name, count, clause in found.fields],
    )
    yield (
        Bilingual(en="Would be erased sooner", ar="ما كان سيُمحى قبل موعده الحالي"),
        (_HEADS["kind"], _HEADS["kept"], _HEADS["sooner"], _HEADS["clause"]),
        [_erasure(one) for one in found.erasures if one.before != one.after],
    )
    yield (
        Bilingual(en="What the proposal changes", ar="ما يغيّره المقترح"),
        (_HEADS["path"], _HEADS["kept"], _HEADS["clause"]),
        [(one.path, f"{_value(one.before)} → {_value(one.after)}", _clause(one.clause)) for one in found.changes],
    )


_HEADS = {
    "side": Bilingual(en="Whose queries", ar="استعلامات مَن"),
    "count": Bilingual(en="How many", ar="العدد"),
    "reason": Bilingual(en="Why (the first of them)", ar="السبب (لأولها)"),
    "clause": Bilingual(en="Clause", ar="البند"),
    "type": Bilingual(en="Search type", ar="نوع البحث"),
    "limit": Bilingual(en="A day, now → proposed", ar="في اليوم، الآن ← المقترح"),
    "busiest": Bilingual(en="Busiest day", ar="أكثر الأيام استعلامًا"),
    "full": Bilingual(en="Days on which it fills", ar="أيام امتلاء الحصة"),
    "field": Bilingual(en="Field", ar="العنصر"),
    "kind": Bilingual(en="Data", ar="البيانات"),
    "kept": Bilingual(en="Now → proposed", ar="الآن ← المقترح"),
    "sooner": Bilingual(en="How much", ar="المقدار"),
    "path": Bilingual(en="Term", ar="الشرط"),
}


def _value(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else text[:199] + "…"


def _side(by_us: bool) -> Bilingual:
    return Bilingual(en="ours", ar="استعلاماتنا") if by_us else Bilingual(en="the partner's", ar="استعلامات الشريك")


def _refusal(one: RefusedKind) -> Sequence[Cell]:
    return _side(one.by_us), str(one.count), one.text, _clause(one.clause)


def _quota(one: QuotaUse) -> Sequence[Cell]:
    turned = sum(count for _, _, count in one.full)
    shown = ", ".join(f"{day} ({at[11:16] + 'Z' if at else '00:00Z'})" for day, at, _ in one.full[:10])
    more = f" … {len(one.full)}" if len(one.full) > 10 else ""
    full: Cell = Bilingual(en=f"{shown}{more}: {turned} queries turned away", ar=f"{shown}{more}: رُدّ {turned} استعلامًا")
    before = "–" if one.limit_before is None else str(one.limit_before)
    return (
        _side(one.by_us),
        one.search_type,
        f"{before} → {one.limit}",
        f"{one.busiest_day}: {one.busiest}",
        full if one.full else NOTHING,
    )


def _erasure(one: Erasure) -> Sequence[Cell]:
    units = {"d": ("days", "يومًا"), "m": ("months", "شهرًا")}
    (before, unit), (after, _) = one.before.split(), one.after.split()
    kept = Bilingual(en=f"{before} → {after} {units[unit][0]}", ar=f"{before} ← {after} {units[unit][1]}")
    much = Bilingual(
        en=f"{one.sooner} of {one.held}, {one.at_once} at once" + (f", the first on {one.first}" if one.first else ""),
        ar=f"{one.sooner} من {one.held}، منها {one.at_once} فورًا" + (f"، أولها في {one.first}" if one.first else ""),
    )
    return HELD[one.kind][0], kept, much, _clause(one.clause)


def _clause(clause: Clause | None) -> Cell:
    return "" if clause is None else Bilingual(en=clause.reference("en"), ar=clause.reference("ar"))


def _text(cell: Cell, language: str) -> str:
    return cell if isinstance(cell, str) else cell.in_language(language)
