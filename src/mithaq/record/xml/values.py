"""One value in the two spellings: "20160411" and "2016-04-11", "Y" and "true", "20472583" and the two halves 2047, 2583.

    text of an item ──to_xml──► what the row's element holds, or None where it cannot
                    ◄─to_text── (lenient: what has no traditional spelling stays as it was written)

Not done here: which element, and in which order.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

from mithaq.record.limits import XML_MOST_TEXT
from mithaq.record.xml.table import Row

NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML 1.0 can write in no way
_XML_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:Z|[+-]\d\d:\d\d)?", re.ASCII)
_XML_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,12})?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_DATE = re.compile(r"\d{8}", re.ASCII)
_TIME = re.compile(r"\d{14}Z", re.ASCII)
_SPACES = " \t\r\n"


def to_xml(row: Row, text: str) -> list[str | None]:
    """What the row's elements hold for an item, one for each point of a polygon and else a single one.

    None where the element cannot hold it, or there is nothing to hold.
    """
    if len(text) > XML_MOST_TEXT or NOT_XML.search(text) or (not text and row.kind != "text"):
        return [None]
    match row.kind:
        case "date":
            return [_to_date(text)]
        case "flag":
            letters = row.form.split(".")
            return [("true", "false")[letters.index(text)] if text in letters else None]
        case "cut":
            widths = [int(width) for width in row.form.split(".")]
            start = sum(widths[: row.part])
            return [text[start : start + widths[row.part]] if len(text) == sum(widths) else None]
        case "pair" | "point":
            pairs = (point.split(",") for point in (text.split("-") if row.kind == "point" else [text]))
            return [halves[row.part] if len(halves) == 2 else None for halves in pairs]
        case "const":
            return [None]
    return [text]


def to_text(row: Row, text: str) -> str:
    """The item, or the part of one, that the row's element holds."""
    if row.kind == "text":
        return text
    bare = text.strip(_SPACES)
    match row.kind:
        case "date":
            return _from_date(bare)
        case "flag":
            letters = row.form.split(".")
            meant = {"true": 0, "1": 0, "false": 1, "0": 1}.get(bare, 2)
            return letters[meant] if meant < len(letters) else bare
        case "const":
            return row.form
    return bare


def joined(row: Row, parts: dict[tuple[int, int], str]) -> str:
    """The item whose parts, by repetition and part, are these."""
    if row.kind in ("pair", "point"):
        last = max(repetition for repetition, _ in parts)
        pairs = (",".join(parts.get((at, part), "") for part in (0, 1)) for at in range(last + 1))
        return "-".join(pairs)
    return "".join(parts[at] for at in sorted(parts))


def _to_date(text: str) -> str | None:
    try:
        if _DATE.fullmatch(text):
            return date(int(text[:4]), int(text[4:6]), int(text[6:])).isoformat()
        if _TIME.fullmatch(text):
            return datetime.strptime(text, "%Y%m%d%H%M%SZ").isoformat() + "Z"
    except ValueError:
        pass
    return None


def _from_date(text: str) -> str:
    found = _XML_DATE.fullmatch(text)
    if found is not None:
        return "".join(found.groups())
    found = _XML_TIME.fullmatch(text)
    if found is not None:
        try:
            instant = datetime.fromisoformat(found[1] + (found[2] or "Z"))
            return f"{instant.astimezone(UTC):%Y%m%d%H%M%SZ}".rjust(15, "0")
        except (ValueError, OverflowError):
            pass
    return text
