"""A page to hand on, in English and Arabic: one file, nothing fetched, nothing that runs.

The page's own policy forbids everything but its style sheet; the languages are switched by two radio buttons.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from html import escape

from mithaq.pact.terms import Bilingual

Cell = Bilingual | str
NOTHING = Bilingual(en="nothing", ar="لا شيء")
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
figure { margin: .6rem 0; background: #fff; border: 1px solid #d5dce2; padding: .6rem; } figcaption { font-weight: 600; }
svg { width: 100%; height: auto; direction: ltr; } svg text { font: 11px sans-serif; fill: #51606d; }
.key { display: inline-block; width: .8rem; height: .8rem; margin-inline: 1rem .35rem; vertical-align: -1px; }
.out { fill: #0b5d8a; background: #0b5d8a; } .in { fill: #d98a00; background: #d98a00; }
td.n { text-align: end; font-variant-numeric: tabular-nums; white-space: nowrap; }
@media print { html { background: #fff; font-size: 11px; } header { background: none; color: inherit; } .languages { display: none; } }
"""


def policy() -> str:
    """The content security policy of every such page."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def paper(title: Bilingual, content: str, *, language: str = "en") -> str:
    """The page around `content` (HTML), opened in `language`."""
    chosen = {code: " checked" if code == language else "" for code in ("en", "ar")}
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy()}"><meta name="referrer" content="no-referrer">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title.in_language(language))}</title><style>{_STYLE}</style></head><body>"
        f'<input class="choice" type="radio" name="language" id="en" aria-label="English"{chosen["en"]}>'
        f'<input class="choice" type="radio" name="language" id="ar" aria-label="العربية"{chosen["ar"]}>'
        f'<header><h1>{both(title)}</h1><div class="languages"><label for="en">English</label>'
        f'<label for="ar">العربية</label></div></header><main>{content}</main></body></html>\n'
    )


def both(cell: Cell) -> str:
    """A text in both languages, of which the page shows one; a code as it is."""
    if isinstance(cell, str):
        return f'<bdi dir="ltr">{escape(cell)}</bdi>'
    return f'<span lang="en" dir="ltr">{escape(cell.en)}</span><span lang="ar" dir="rtl">{escape(cell.ar)}</span>'


def table(title: Bilingual, head: Sequence[Cell], rows: Sequence[Sequence[Cell]]) -> str:
    """A table under its title; where it has no rows, a word that says so."""
    if not rows:
        return f'<h2>{both(title)}</h2><p class="soft">{both(NOTHING)}</p>'
    top = "".join(f'<th scope="col">{both(cell)}</th>' for cell in head)
    body = "".join(f"<tr>{''.join(f'<td>{both(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f'<h2>{both(title)}</h2><div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'
