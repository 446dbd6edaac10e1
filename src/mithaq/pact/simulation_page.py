"""What a simulation found, in words: lines for a terminal, and one self-contained page in English and Arabic.

Nothing is fetched and nothing runs: the page's own policy forbids everything but its style sheet, and the languages are
switched by two radio buttons.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from html import escape

from mithaq.pact.simulate import HELD, Erasure, QuotaUse, RefusedKind, Simulation
from mithaq.pact.terms import Bilingual, Clause
from mithaq.pact.wording import label

_STYLE = """
html { font: 16px/1.5 "Noto Sans", "Noto Sans Arabic", "Noto Naskh Arabic", system-ui, sans-serif; color: #16212b;
  background: #f3f5f7; }
body { margin: 0; }
#ar:checked ~ header, #ar:checked ~ main { direction: rtl; }
#en:checked ~ * [lang="ar"], #ar:checked ~ * [lang="en"] { display: none; }
.choice { position: absolute; opacity: 0; }
header { display: flex; flex-wrap: wrap; gap: .4rem 1.5rem; align-items: center; padding: .7rem 1.5rem; background: #0f3d5c; color: #fff; }
h1 { margin: 0; font-size: 1.2rem; }
.languages { margin-inline-start: auto; display: flex; gap: .3rem; }
.languages label { padding: .2rem .8rem; border: 1px solid #ffffff80; border-radius: 99px; cursor: pointer; }
#en:checked ~ header label[for="en"], #ar:checked ~ header label[for="ar"] { background: #fff; color: #0f3d5c; font-weight: 600; }
#en:focus-visible ~ header label[for="en"], #ar:focus-visible ~ header label[for="ar"] { outline: 3px solid #f0a500; }
main { max-width: 70rem; margin: 0 auto; padding: 1rem 1.5rem 3rem; }
h2 { margin: 1.6rem 0 .3rem; font-size: 1.15rem; }
table { width: 100%; border-collapse: collapse; background: #fff; border: 1px solid #d5dce2; }
th, td { padding: .35rem .8rem; text-align: start; vertical-align: top; border-bottom: 1px solid #d5dce2;
  font-size: .93rem; overflow-wrap: anywhere; }
th { color: #51606d; font-weight: 600; font-size: .82rem; }
.soft { color: #51606d; } .scroll { overflow-x: auto; }
@media print { html { background: #fff; font-size: 11px; } header { background: none; color: inherit; } .languages { display: none; } }
"""
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
            made.append("  " + _text(_NOTHING, language))
        made += ["  " + " · ".join(filter(None, (_text(cell, language) for cell in row))) for row in rows]
    return made


def page(found: Simulation, *, language: str = "en") -> str:
    """The simulation as one HTML page, opened in `language`."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    chosen = {code: " checked" if code == language else "" for code in ("en", "ar")}
    title = Bilingual(en="A proposal tried on the past", ar="تجربة مقترح على ما مضى")
    tables = "".join(_table(*one) for one in _tables(found))
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}"><meta name="referrer" content="no-referrer">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title.in_language(language))}</title><style>{_STYLE}</style></head><body>"
        f'<input class="choice" type="radio" name="language" id="en" aria-label="English"{chosen["en"]}>'
        f'<input class="choice" type="radio" name="language" id="ar" aria-label="العربية"{chosen["ar"]}>'
        f'<header><h1>{_both(title)}</h1><div class="languages"><label for="en">English</label>'
        f'<label for="ar">العربية</label></div></header><main><p>{_both(_summary(found))}</p>'
        f'<p class="soft">{_both(_NOTE)}</p>{tables}</main></body></html>\n'
    )


Cell = Bilingual | str
_NOTHING = Bilingual(en="nothing", ar="لا شيء")


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
        full if one.full else _NOTHING,
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


def _both(cell: Cell) -> str:
    if isinstance(cell, str):
        return f'<bdi dir="ltr">{escape(cell)}</bdi>'
    return f'<span lang="en" dir="ltr">{escape(cell.en)}</span><span lang="ar" dir="rtl">{escape(cell.ar)}</span>'


def _table(title: Bilingual, head: Sequence[Cell], rows: Sequence[Sequence[Cell]]) -> str:
    if not rows:
        return f'<h2>{_both(title)}</h2><p class="soft">{_both(_NOTHING)}</p>'
    top = "".join(f'<th scope="col">{_both(cell)}</th>' for cell in head)
    body = "".join(f"<tr>{''.join(f'<td>{_both(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f'<h2>{_both(title)}</h2><div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'
