"""Transactions as one self-contained HTML page, in English and Arabic, for a screen or for paper.

    [(name, Transaction), ...], pictures ──page──► "<!doctype html>..."

Nothing is fetched and nothing runs: pictures are data URIs, the languages are switched by two radio buttons and the style
sheet, and the page's own policy forbids everything else. A picture arrives here decoded and encoded anew as PNG, so that no
foreign picture bytes reach the reader's browser. Not done here: decoding (the caller passes the PNG, or why there is none).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from html import escape
from itertools import groupby

from mithaq.record.model import Transaction
from mithaq.record.names import record_name
from mithaq.record.show import Item, Row, tree

Pictures = Mapping[tuple[int, int], bytes | str]

_STYLE = """
:root { --ink: #16212b; --soft: #51606d; --line: #d5dce2; --paper: #fff;
  --ground: #f3f5f7; --deep: #0f3d5c; --bad: #9c1c1c; }
* { box-sizing: border-box; }
html { font: 16px/1.5 "Noto Sans", "Noto Sans Arabic", "Noto Naskh Arabic", system-ui, sans-serif;
  color: var(--ink); background: var(--ground); }
body { margin: 0; }
#ar:checked ~ header, #ar:checked ~ main { direction: rtl; }
#en:checked ~ * [lang="ar"], #ar:checked ~ * [lang="en"] { display: none; }
.choice { position: absolute; opacity: 0; }
header { display: flex; flex-wrap: wrap; gap: .4rem 1.5rem; align-items: center;
  padding: .7rem 1.5rem; background: var(--deep); color: #fff; }
h1 { margin: 0; font-size: 1.2rem; }
.languages { margin-inline-start: auto; display: flex; gap: .3rem; }
.languages label { padding: .2rem .8rem; border: 1px solid #ffffff80; border-radius: 99px; cursor: pointer; }
#en:checked ~ header label[for="en"], #ar:checked ~ header label[for="ar"] { background: #fff; color: var(--deep); font-weight: 600; }
#en:focus-visible ~ header label[for="en"], #ar:focus-visible ~ header label[for="ar"] { outline: 3px solid #f0a500; }
main { max-width: 76rem; margin: 0 auto; padding: 1rem 1.5rem 3rem; }
h2 { margin: 1.6rem 0 .2rem; font-size: 1.25rem; overflow-wrap: anywhere; }
h3 { margin: 0; padding: .6rem 1rem; font-size: 1.02rem; background: #e9eef2; border-bottom: 1px solid var(--line);
  display: flex; flex-wrap: wrap; gap: 0 1rem; }
h3 .size { margin-inline-start: auto; }
.record { background: var(--paper); border: 1px solid var(--line); border-radius: 8px; margin-block: .9rem; overflow: hidden; }
.soft, .size { color: var(--soft); font-weight: 400; }
.facts { margin: 0; color: var(--soft); }
.body { display: flex; flex-wrap: wrap-reverse; align-items: start; }
.scroll { flex: 1 1 40rem; min-width: 0; overflow-x: auto; }
figure { flex: 1 1 16rem; max-width: 30rem; margin: 1rem; text-align: center; }
figure img { max-width: 100%; max-height: 32rem; border: 1px solid var(--line); background: #fff; }
figcaption { color: var(--soft); font-size: .88rem; }
.none { color: var(--bad); }
table { width: 100%; border-collapse: collapse; }
th, td { padding: .3rem .8rem; text-align: start; vertical-align: top; border-bottom: 1px solid var(--line); font-size: .93rem; }
th { color: var(--soft); font-weight: 600; font-size: .82rem; }
tr:last-child > td { border-bottom: 0; }
.code { font-family: ui-monospace, "DejaVu Sans Mono", monospace; white-space: nowrap; }
.value { overflow-wrap: anywhere; }
.bytes { text-align: end; white-space: nowrap; color: var(--soft); }
.items { margin-block: .3rem; width: auto; border: 1px solid var(--line); }
.items th, .items td { padding: .1rem .5rem; font-size: .85rem; }
@media print {
  html { background: #fff; font-size: 11px; } header { background: none; color: inherit; border-bottom: 2px solid var(--ink); }
  .languages { display: none; } main { max-width: none; padding: 0; }
  .record { break-inside: auto; } h3, tr, figure { break-inside: avoid; } h3 { break-after: avoid; }
  figure img { max-height: 18rem; }
}
"""


def page(files: Sequence[tuple[str, Transaction]], pictures: Pictures | None = None, *, language: str = "en") -> str:
    """The page of these transactions, each under its name, opened in `language` ("en" or "ar").

    `pictures` maps (index of the file, index of the record), both from 0, to a PNG file or to a sentence that says why there
    is none. What is no text is shown as replacement characters.
    """
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    body = "".join(_file(index, name, tx, pictures or {}) for index, (name, tx) in enumerate(files))
    chosen = {code: " checked" if code == language else "" for code in ("en", "ar")}
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}"><meta name="referrer" content="no-referrer">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_plain(files[0][0]) if files else ''} · ANSI/NIST-ITL</title><style>{_STYLE}</style></head><body>"
        f'<input class="choice" type="radio" name="language" id="en" aria-label="English"{chosen["en"]}>'
        f'<input class="choice" type="radio" name="language" id="ar" aria-label="العربية"{chosen["ar"]}>'
        f"<header><h1>{_both('ANSI/NIST-ITL transactions', 'معاملات ANSI/NIST-ITL')}</h1>"
        '<div class="languages"><label for="en">English</label><label for="ar">العربية</label></div></header>'
        f"<main>{body}</main></body></html>\n"
    )


def _file(index: int, name: str, tx: Transaction, pictures: Pictures) -> str:
    rows = tree(tx)
    size = sum(record.size for record in tx.records) + len(tx.tail)
    facts = _both(f"{len(tx.records)} records, {size:,} bytes", f"عدد السجلات: {len(tx.records)}، الحجم: {size:,} بايت")
    made = [f'<h2><bdi dir="ltr">{_plain(name)}</bdi></h2><p class="facts">{facts}</p>']
    for number, group in groupby(rows, lambda row: row.record):
        whole = tx.records[number - 1].size if number <= len(tx.records) else len(tx.tail)
        made.append(_record(list(group), whole, pictures.get((index, number - 1))))
    return "".join(made)


def _record(rows: list[Row], size: int, picture: bytes | str | None) -> str:
    first = rows[0]
    idc = "" if first.idc is None else f'<span class="code">IDC {first.idc:02d}</span>'
    title = (
        f"<span>Type-{first.record_type}</span>{_both(*record_name(first.record_type))}" if first.record_type else ""
    )
    columns = (("field", "الحقل"), ("name", "الاسم"), ("value", "القيمة"))
    head = (
        "".join(f"<th>{_both(*column)}</th>" for column in columns) + f'<th class="bytes">{_both("bytes", "بايت")}</th>'
    )
    body = "".join(_row(row) for row in rows)
    return (
        f'<section class="record"><h3>{title}{idc}<span class="size">{_both(f"{size:,} bytes", f"{size:,} بايت")}</span></h3>'
        f'<div class="body"><div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
        f"{_figure(picture, f'Type-{first.record_type}')}</div></section>"
    )


def _figure(picture: bytes | str | None, described: str) -> str:
    if picture is None:
        return ""
    if isinstance(picture, str):
        why = _both("The picture cannot be shown", "لا يمكن عرض الصورة")
        return f'<figure class="none">{why}: <span dir="ltr">{_plain(picture)}</span></figure>'
    caption = _both("decoded, in grey, scaled to the page", "بعد فك الترميز، بتدرج رمادي، مصغّرة لتلائم الصفحة")
    data = base64.b64encode(picture).decode("ascii")
    return (
        f'<figure><img alt="{described}" src="data:image/png;base64,{data}"><figcaption>{caption}</figcaption></figure>'
    )


def _row(row: Row) -> str:
    name = _both(row.name, row.name_ar or row.name)
    meaning = f' <span class="soft">{_plain(row.meaning)}</span>' if row.meaning else ""
    value = _items(row) if row.subfields else f"<bdi>{_plain(row.text)}</bdi>{meaning}"
    return (
        f'<tr><td class="code"><bdi dir="ltr">{_plain(row.field)} {_plain(row.mnemonic)}</bdi></td><td>{name}</td>'
        f'<td class="value">{value}</td><td class="bytes">{row.size:,}</td></tr>'
    )


def _items(row: Row) -> str:
    """The subfields as a table of their own, a column for each item."""
    widest = max(row.subfields, key=len)
    head = ""
    if any(item.name or item.mnemonic for item in widest):
        head = f"<thead><tr>{''.join(_heading(item) for item in widest)}</tr></thead>"
    rows = "".join(f"<tr>{''.join(f'<td>{_item(item)}</td>' for item in subfield)}</tr>" for subfield in row.subfields)
    if row.left_out:
        rows += (
            f'<tr><td colspan="{len(widest)}">{_both(f"{row.left_out:,} more", f"و{row.left_out:,} أخرى")}</td></tr>'
        )
    return f'<table class="items">{head}<tbody>{rows}</tbody></table>'


def _heading(item: Item) -> str:
    if item.mnemonic and item.name:
        return f'<th title="{_plain(item.name)}">{_both(item.mnemonic, item.name_ar or item.mnemonic)}</th>'
    return f"<th>{_both(item.name, item.name_ar or item.name)}</th>"


def _item(item: Item) -> str:
    meaning = f' <span class="soft">{_plain(item.meaning)}</span>' if item.meaning else ""
    return f"<bdi>{_plain(item.text)}</bdi>{meaning}"


def _both(en: str, ar: str) -> str:
    """The text in both languages, of which the style sheet shows one."""
    if en == ar:
        return f'<bdi dir="ltr">{_plain(en)}</bdi>'
    return f'<span lang="en" dir="ltr">{_plain(en)}</span><span lang="ar" dir="rtl">{_plain(ar)}</span>'


def _plain(text: str) -> str:
    """Text as HTML; a file name that is no text becomes one."""
    return escape(text.encode("utf-8", "replace").decode("utf-8"))
