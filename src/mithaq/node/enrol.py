"""A folder or a CSV of persons and prints -> the node's own file. Resumable: what was done is known by its content.

    each file ──intake──► print, template ──► gallery (searchable)          reference number only
                                          ├─► reference_prints (sealed)     reference number only
    each person ─────────────────────────►  persons (identities database)   the one place with a name

A folder holds `PERSON_POSITION[_IMPRESSION].ext`; a CSV has the columns `person`, `position`, `file` and optionally
`impression` and `ppi`; every further column is a field of that person's identity. Transactions enrol each single-finger
record they hold. What could not be searched is reported and not enrolled.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mithaq.errors import FormatError, ImageError, SettingsError
from mithaq.node import journal
from mithaq.node.gateway import Node
from mithaq.node.intake import Examined, examine, is_transaction, read_prints
from mithaq.node.stages import Stages
from mithaq.node.store import references
from mithaq.node.store.references import Enrolment, ReferencePrint
from mithaq.search import Gallery
from mithaq.units import FingerPosition, timestamp

SUFFIXES = frozenset(
    [
        ".wsq",
        ".png",
        ".jpg",
        ".jpeg",
        ".jp2",
        ".j2k",
        ".tif",
        ".tiff",
        ".bmp",
        ".pgm",
        ".an2",
        ".an2k",
        ".eft",
        ".ebts",
        ".nst",
        ".nist",
        ".lffs",
    ]
)
_NAME = re.compile(r"(?P<person>.+?)_(?P<position>\d{1,2})(?:_(?P<impression>\d{1,2}))?")
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # no letters or digits that are mistaken for each other
_COLUMNS = {"person", "position", "impression", "file", "ppi"}
LARGEST_FILE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Item:
    """One file to enrol: whose it is, which finger it shows unless it says so itself, what is known of the person."""

    file: Path
    person: str
    position: FingerPosition
    impression: int = 0
    ppi: float | None = None
    identity: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file: `enrolled`, `known` (from an earlier run), `unsearchable` or `unreadable`, with reasons."""

    file: str
    outcome: str
    reasons: tuple[str, ...] = ()


def list_items(source: Path, *, user_ppi: float | None = None) -> list[Item]:
    """The files of a folder (named by its `persons.csv`, if there is one) or of a CSV; SettingsError where there are none."""
    table = source / "persons.csv" if source.is_dir() else source
    if table.is_file() and table.suffix.lower() == ".csv":
        items = list(_csv_items(table, user_ppi))
    elif source.is_dir():
        items = list(_folder_items(source, user_ppi))
    else:
        raise SettingsError("NOD-120", "there is no such folder or CSV", file=str(source))
    if not items:
        raise SettingsError(
            "NOD-121",
            "nothing to enrol was found",
            file=str(source),
            expected="files named PERSON_POSITION.ext, or a CSV with the columns person, position, file",
        )
    return items


def _folder_items(folder: Path, user_ppi: float | None) -> Iterator[Item]:
    for file in sorted(folder.iterdir()):
        if file.suffix.lower() not in SUFFIXES:
            continue
        match = _NAME.fullmatch(file.stem)
        if match is None:
            yield Item(file, file.stem, FingerPosition.UNKNOWN, ppi=user_ppi)
        else:
            position = _position(match["position"], file.name)
            yield Item(file, match["person"], position, int(match["impression"] or 0), user_ppi)


def _csv_items(table: Path, user_ppi: float | None) -> Iterator[Item]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            missing = {"person", "file"} - set(reader.fieldnames or [])
            if missing:
                raise FormatError(
                    "NOD-122",
                    f"the CSV has no column {min(missing)}",
                    place=str(table),
                    expected="person, position, file",
                )
            for number, row in enumerate(reader, start=2):
                identity = {key: _value(text) for key, text in row.items() if key and key not in _COLUMNS and text}
                yield Item(
                    table.parent / row["file"],
                    row["person"],
                    _position(row.get("position") or "0", f"{table}, line {number}"),
                    int(row.get("impression") or 0),
                    float(row["ppi"]) if row.get("ppi") else user_ppi,
                    identity,
                )
    except (UnicodeDecodeError, csv.Error, ValueError) as error:
        raise FormatError(
            "NOD-123", f"the CSV cannot be read ({type(error).__name__})", place=str(table), expected="UTF-8 text"
        ) from None


def _value(text: str) -> object:
    """A CSV cell that holds a JSON list or object is read as one (aliases, names in two scripts); others are text."""
    if text[:1] in "[{":
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _position(text: str, place: str) -> FingerPosition:
    try:
        return FingerPosition(int(text))
    except ValueError:
        raise FormatError(
            "NOD-124", "this is no finger position", place=place, expected="0 to 10, as ANSI/NIST-ITL numbers fingers"
        ) from None


def enrol(
    node: Node, gallery: Gallery, items: Sequence[Item], *, progress: Callable[[Outcome], None] | None = None
) -> list[Outcome]:
    """Enrol the items one by one, each complete before the next; a second run takes up where the first one ended."""
    outcomes = []
    for item in items:
        outcome = _enrol_item(node, gallery, item)
        outcomes.append(outcome)
        if progress:
            progress(outcome)
    with node.database.write() as tx:
        enrolled = sum(done.outcome == "enrolled" for done in outcomes)
        persons = len({item.person for item in items})
        journal.write(tx, node, "enrolled", persons=persons, impressions=enrolled, by="node")
    return outcomes


def _enrol_item(node: Node, gallery: Gallery, item: Item) -> Outcome:
    name = item.file.name
    try:
        if item.file.stat().st_size > LARGEST_FILE_BYTES:
            return Outcome(name, "unreadable", ("NOD-125",))
        data = item.file.read_bytes()
    except OSError:
        return Outcome(name, "unreadable", ("NOD-126",))
    digest = _digest(item, data)
    with node.database.read() as tx:
        known = references.find_enrolment(tx, digest)
    if known is not None:
        return Outcome(name, "known", tuple(code for code, _ in known.reasons))
    try:
        pictures = read_prints(
            node.box,
            data,
            stages=Stages(),
            user_ppi=item.ppi,
            position=item.position,
            impression=item.impression,
            place=name,
        )
    except (FormatError, ImageError) as error:
        return _record(node, digest, item, name, None, "unreadable", (error.code,))
    examined = [examine(*picture, stages=Stages()) for picture in pictures]
    usable = [found for found in examined if not found.shortcomings]
    reasons = tuple(dict.fromkeys(reason for found in examined for reason in found.shortcomings))
    if not usable:
        return _record(node, digest, item, name, None, "unsearchable", reasons)
    reference = _reference(node, item)
    _add_prints(node, gallery, reference, usable, numbered=is_transaction(data))
    return _record(node, digest, item, name, reference, "enrolled", reasons)


def _add_prints(node: Node, gallery: Gallery, reference: str, usable: Sequence[Examined], *, numbered: bool) -> None:
    """Store the prints first, then make them searchable: a hit always has its prints to return."""
    now = timestamp(node.clock())
    with node.database.write() as tx:
        for found in usable:
            sealed = node.seal_reference(reference, found.print)
            references.add_reference_print(
                tx, ReferencePrint(reference, int(found.print.position), found.print.impression, sealed, now)
            )
    for found in usable:
        gallery.add(reference, found.print.position, found.print.impression, found.template)


def _reference(node: Node, item: Item) -> str:
    """The person's reference number: random, so that nothing about the person can be derived from it (REQ-020)."""
    key = node.identity_vault.digest(item.person)
    with node.identities.write() as identities:
        known = references.reference_of(identities, key)
        if known is not None:
            return known
        reference = f"{node.party}-" + "".join(secrets.choice(_ALPHABET) for _ in range(12))
        references.add_person(identities, reference, key, node.seal_person(reference, item.identity))
        return reference


def _record(
    node: Node, digest: str, item: Item, name: str, reference: str | None, outcome: str, reasons: tuple[str, ...]
) -> Outcome:
    with node.database.write() as tx:
        references.add_enrolment(
            tx,
            Enrolment(
                digest,
                item.file.parent.name[:64],
                reference,
                outcome,
                [[code, ""] for code in reasons],
                timestamp(node.clock()),
            ),
        )
    return Outcome(name, outcome, reasons)


def _digest(item: Item, data: bytes) -> str:
    head = f"{item.person}\0{int(item.position)}\0{item.impression}\0{item.ppi}\0".encode()
    return hashlib.sha256(head + data).hexdigest()
