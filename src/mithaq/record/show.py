"""A transaction as rows that a person reads: one for each field, its items named, short values, never raw bytes.

    Transaction ──tree──► Row, Row, ...

Values are shown to whoever holds the file, so rows may name a person: they belong on a screen, not in a log.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from mithaq.errors import FormatError
from mithaq.record.dictionary import is_payload
from mithaq.record.model import Field, Record, Transaction
from mithaq.record.names import Name, Names, record_name
from mithaq.record.payload import payload_kind
from mithaq.record.text import codec_of, decode, field_encoding

LONGEST = 72  # characters of a value
MOST_SUBFIELDS = 200  # shown of one field; nobody reads more, and a hostile file could hold a million
MOST_ITEMS = 40  # shown of one subfield
_MARKS = {"\x1e": " ␞ ", "\x1f": " ␟ "}


@dataclass(frozen=True, slots=True)
class Item:
    """One information item: its names, its value ("" where it is empty), and what that means where it is a code."""

    mnemonic: str
    name: str
    name_ar: str
    text: str
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One field. `record` counts from 1; `field` reads "14.013", or "" for bytes without a tag; `size` is in bytes.

    `subfields` holds the items of a field that has more than one, at most 200 subfields of 40 items; `left_out` counts the
    subfields after those.
    """

    record: int
    record_type: int
    idc: int | None
    field: str
    mnemonic: str
    name: str
    text: str
    size: int
    name_ar: str = ""
    meaning: str = ""
    subfields: tuple[tuple[Item, ...], ...] = ()
    left_out: int = 0


def tree(tx: Transaction, *, encoding: str | None = None) -> tuple[Row, ...]:
    """One row for each field in file order, and a last one for bytes after the last record, where there are any.

    Text is cut to 72 characters and cleared of control and direction marks; separators are shown as ␞ and ␟. `encoding` is
    the codec of text outside Type-1 where the partner's agreement says another than 1.015 does; FormatError REC-160 where
    there is none of that name.
    """
    names = Names(tx)
    declared = codec_of(tx, encoding)
    rows = []
    for index, record in enumerate(tx.records, 1):
        idc = record.idc
        for part in record.fields:
            codec = field_encoding(part, declared)
            name, items = names.field(part.record_type, part.number)
            subfields = _subfields(part, codec, items, names)
            left_out = bytes(part.value).count(b"\x1e") + 1 - len(subfields) if subfields else 0
            rows.append(
                Row(
                    record=index,
                    record_type=record.type,
                    idc=idc,
                    field=part.name if part.tag or part.number else "",
                    mnemonic=name.mnemonic,
                    name=name.en,
                    text=value_text(part, codec),
                    size=part.size,
                    name_ar=name.ar,
                    meaning=_meaning(part, name, names),
                    subfields=subfields,
                    left_out=left_out,
                )
            )
    if tx.tail:
        text = f"{len(tx.tail)} bytes after the last record"
        rows.append(Row(len(tx.records) + 1, 0, None, "", "", "", text, len(tx.tail)))
    return tuple(rows)


def summary(record: Record, language: str = "en") -> str:
    """One line about a record: its type and what that is, its designation character, its size in bytes."""
    idc = "" if record.idc is None else f", IDC {record.idc:02d}"
    en, ar = record_name(record.type)
    if language == "ar":
        return f"Type-{record.type} {ar}{idc}, {record.size:,} بايت"
    return f"Type-{record.type} {en}{idc}, {record.size:,} bytes"


def value_text(part: Field, encoding: str) -> str:
    """The field's value as a person reads it, one short line; a payload by its size and kind."""
    if is_payload(part.record_type, part.number):
        kind = payload_kind(part.value)
        return f"{len(part.value):,} bytes of data" + (f", begins as {kind}" if kind else "")
    if part.is_binary_item:
        try:
            return part.text()
        except FormatError:
            return f"{len(part.value):,} bytes"
    text = decode(part.value[: 4 * LONGEST + 4], encoding, "replace")
    shown = _clear(text)
    return shown if len(part.value) <= 4 * LONGEST and len(text) <= LONGEST else shown[: LONGEST - 1] + "…"


def _meaning(part: Field, name: Name, names: Names) -> str:
    """What a field of one value means, where it is a code."""
    if not name.codes or len(part.value) > 16:
        return ""
    try:
        return names.meaning(name.codes, part.text("ascii"))
    except FormatError:
        return ""


def _subfields(part: Field, encoding: str, items: tuple[Name, ...], names: Names) -> tuple[tuple[Item, ...], ...]:
    """The items of a field that has more than one in a subfield, or should have."""
    if part.is_binary_item or is_payload(part.record_type, part.number):
        return ()
    pieces = bytes(part.value).split(b"\x1e", MOST_SUBFIELDS)[:MOST_SUBFIELDS]
    if len(items) < 2 and not any(b"\x1f" in piece for piece in pieces):
        return ()
    return tuple(_items(piece, encoding, items, names) for piece in pieces)


def _items(piece: bytes, encoding: str, known: tuple[Name, ...], names: Names) -> tuple[Item, ...]:
    made = []
    for at, raw in enumerate(piece.split(b"\x1f", MOST_ITEMS)[:MOST_ITEMS]):
        name = known[at] if at < len(known) else Name()
        text = _clear(decode(raw[: 4 * LONGEST], encoding, "replace"))
        made.append(Item(name.mnemonic, name.en, name.ar, text, names.meaning(name.codes, text)))
    return tuple(made)


def _clear(text: str) -> str:
    """At most 72 characters, separators as marks, and everything that cannot be printed as a replacement."""
    marked = (_MARKS.get(c) or (c if c.isprintable() else "\N{REPLACEMENT CHARACTER}") for c in text)
    return "".join(islice(marked, LONGEST))
