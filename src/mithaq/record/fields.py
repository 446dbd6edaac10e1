"""What the dictionary knows of one field: its names, where it stands, how often, and what each of its items may hold.

    a row of the generated dictionary ──read_entry──► Entry(items=(ItemEntry, ...))

Rows are plain tuples of text, so that importing them costs nothing; they are taken apart when somebody asks. Bounds are
(least, most), both included, `most` None where there is none. Trust is C where two sources or the standard's draft confirm
the row, P for one restating source, R where it is recalled, ? where doubtful. Not done here: the rows themselves
(`dictionary`), applying them (`checks.fields`).
"""

from __future__ import annotations

from dataclasses import dataclass

Bounds = tuple[int, int | None]
ItemRow = tuple[str, str, str, str, str, str, str, str, str, str]
Row = tuple[str, str, str, str, str, str, str, str, str, str, str, tuple[ItemRow, ...]]


@dataclass(frozen=True, slots=True)
class ItemEntry:
    """One information item. `kind` is A, N, S and their mixtures, H, B, B64 or U; "" where nothing is known.

    `values` are ranges of whole numbers; `codes` names a code table, of which `values` may allow a part; `form` is "date",
    "instant" or a regular expression.
    """

    mnemonic: str
    name: str
    condition: str
    kind: str
    length: Bounds
    occurs: Bounds
    values: tuple[tuple[int, int], ...]
    codes: str
    form: str
    trust: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One field. `condition` is M, D, O or "" (not known); a field that is M without `when` must always stand.

    `when` says where a field that depends on another must stand: "-18" where 018 is absent, "+137" where 137 is present,
    "4=S" where the first item of 004 is one of the words. `occurs` counts subfields; 0 means that the field may be absent.
    `editions` are the first and, for what was withdrawn, the last version (1.002) that has the field.
    """

    record_type: int
    number: int
    mnemonic: str
    name: str
    name_ar: str
    condition: str
    when: str
    occurs: Bounds
    items: tuple[ItemEntry, ...]
    editions: tuple[str, str | None]
    clause: str
    source: str
    trust: str


def read_entry(record_type: int, number: int, row: Row, type_first: str) -> Entry:
    """The row as an Entry of that record type; `type_first` is the edition that brought the type."""
    mnemonic, name, name_ar, condition, when, occurs, first, last, clause, source, trust, items = row
    return Entry(
        record_type=record_type,
        number=number,
        mnemonic=mnemonic,
        name=name,
        name_ar=name_ar,
        condition=condition,
        when=when,
        occurs=_bounds(occurs),
        items=tuple(_item(item) for item in items),
        editions=(max(first, type_first), last or None),
        clause=clause or f"ANSI/NIST-ITL 1-2011, {record_type}.{number:03d}",
        source=source,
        trust=trust,
    )


def _item(row: ItemRow) -> ItemEntry:
    mnemonic, name, condition, kind, length, occurs, values, codes, form, trust = row
    return ItemEntry(
        mnemonic=mnemonic,
        name=name,
        condition=condition,
        kind=kind,
        length=_bounds(length),
        occurs=_bounds(occurs),
        values=tuple(_range(part) for part in values.split()),
        codes=codes,
        form=form,
        trust=trust,
    )


def _bounds(text: str) -> Bounds:
    """ "3", "1-40", "1-"; "" is no bound at all."""
    least, dash, most = text.partition("-")
    if not dash:
        return (int(least), int(least)) if least else (0, None)
    return int(least), int(most) if most else None


def _range(text: str) -> tuple[int, int]:
    least, _, most = text.partition("..")
    return int(least), int(most or least)
