"""A transaction as rows that a person reads: one for each field, with a short value and its size, never raw bytes.

    Transaction ──tree──► Row, Row, ...

Values are shown to whoever holds the file, so rows may name a person: they belong on a screen, not in a log.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from mithaq.errors import FormatError
from mithaq.record.dictionary import field_name, is_payload
from mithaq.record.images import payload_kind
from mithaq.record.model import Field, Record, Transaction
from mithaq.record.profile import Profile, load_profile
from mithaq.record.text import codec_of, decode, field_encoding

LONGEST = 72  # characters of a value
_OWN_PROFILE = "mithaq-1"
_MARKS = {"\x1e": " ␞ ", "\x1f": " ␟ "}


@dataclass(frozen=True, slots=True)
class Row:
    """One field. `record` counts from 1; `field` reads "14.013", or "" for bytes without a tag; `size` is in bytes."""

    record: int
    record_type: int
    idc: int | None
    field: str
    mnemonic: str
    name: str
    text: str
    size: int


def tree(tx: Transaction, *, encoding: str | None = None) -> tuple[Row, ...]:
    """One row for each field in file order, and a last one for bytes after the last record, where there are any.

    Text is cut to 72 characters and cleared of control and direction marks; separators are shown as ␞ and ␟. `encoding` is
    the codec of text outside Type-1 where the partner's agreement says another than 1.015 does; FormatError REC-160 where
    there is none of that name.
    """
    profile = _profile_of(tx)
    declared = codec_of(tx, encoding)
    rows = []
    for index, record in enumerate(tx.records, 1):
        idc = record.idc
        for part in record.fields:
            mnemonic, name = _named(profile, part)
            named = part.name if part.tag or part.number else ""
            text = _value(part, field_encoding(part, declared))
            rows.append(Row(index, record.type, idc, named, mnemonic, name, text, part.size))
    if tx.tail:
        text = f"{len(tx.tail)} bytes after the last record"
        rows.append(Row(len(tx.records) + 1, 0, None, "", "", "", text, len(tx.tail)))
    return tuple(rows)


def summary(record: Record) -> str:
    """One line about a record: its type, its designation character, its size in bytes."""
    idc = "" if record.idc is None else f" IDC {record.idc:02d}"
    return f"Type-{record.type}{idc}, {record.size} bytes"


def _profile_of(tx: Transaction) -> Profile | None:
    """The profile whose domain 1.013 names; it says what the Type-2 fields are called."""
    found = tx.records[0].field(13)
    profile = load_profile(_OWN_PROFILE)
    return profile if found is not None and found.subfields[0][:1] == profile.domain[:1] else None


def _named(profile: Profile | None, part: Field) -> tuple[str, str]:
    if part.record_type == 2 and profile is not None:
        for rule in profile.fields:
            if (rule.record_type, rule.number) == (2, part.number):
                return rule.mnemonic, rule.name
    return field_name(part.record_type, part.number)


def _value(part: Field, encoding: str) -> str:
    if is_payload(part.record_type, part.number):
        kind = payload_kind(part.value)
        return f"{len(part.value)} bytes of data" + (f", begins as {kind}" if kind else "")
    if part.is_binary_item:
        try:
            return part.text()
        except FormatError:
            return f"{len(part.value)} bytes"
    text = decode(part.value[: 4 * LONGEST + 4], encoding, "replace")
    shown = "".join(islice(_clear(text), LONGEST))
    return shown if len(part.value) <= 4 * LONGEST and len(text) <= LONGEST else shown[: LONGEST - 1] + "…"


def _clear(text: str) -> list[str]:
    """The characters with separators as marks, and everything that cannot be printed as a replacement."""
    return [_MARKS.get(c) or (c if c.isprintable() else "\N{REPLACEMENT CHARACTER}") for c in text]
