"""A folder or a CSV of persons and prints -> the node's own file. Resumable: what was done is known by its content.

    each file ──intake──► print, template ──► gallery (searchable)          reference number only
                                          ├─► reference_prints (sealed)     reference number only
    each person ─────────────────────────►  persons (identities database)   the one place with a name

A folder holds `PERSON_POSITION[_IMPRESSION].ext`; a CSV has the columns `person`, `position`, `file` and optionally
`impression` and `ppi`; every further column is a field of that person's identity, gathered from all of the person's
rows. Transactions enrol each single-finger record they hold. What could not be searched is reported and not enrolled.
Not done here: replacing a print that is enrolled.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from mithaq.errors import FormatError, ImageError, SettingsError
from mithaq.node import exposure, journal
from mithaq.node.exchanges.replies import require_own
from mithaq.node.gateway import Node, reference_label
from mithaq.node.intake import Examined, examine, read_prints
from mithaq.node.stages import Stages
from mithaq.node.store import references
from mithaq.node.store.references import Enrolment, ReferencePrint
from mithaq.pact.schemes import require_schemes
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
LARGEST_IMPRESSION = 255  # an IMP code is one byte in a template
_NO_DECODER = "IMG-023"  # no picture is to blame: the run ends


@dataclass(frozen=True, slots=True)
class Item:
    """One file to enrol: whose it is, which finger it shows unless it says so itself, what is known of the person.

    `ppi` is said of this file and counts before what it states; `default_ppi` of all of them, and counts after.
    """

    file: Path
    person: str
    position: FingerPosition
    impression: int = 0
    ppi: float | None = None
    default_ppi: float | None = None
    identity: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file, with (code, sentence) for each reason.

    `enrolled`; `known` from an earlier run; `unsearchable`; `unreadable`, which a later run tries again; or `taken`:
    another print stands under that person, finger and impression.
    """

    file: str
    outcome: str
    reasons: tuple[tuple[str, str], ...] = ()


def list_items(source: Path, *, default_ppi: float | None = None) -> list[Item]:
    """The files of a folder (named by its `persons.csv`, if there is one) or of a CSV; SettingsError where there are none."""
    table = source / "persons.csv" if source.is_dir() else source
    if table.is_file() and table.suffix.lower() == ".csv":
        items = _csv_items(table, default_ppi)
    elif source.is_dir():
        items = list(_folder_items(source, default_ppi))
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


def passed_over(source: Path) -> list[str]:
    """The names of a folder's files whose ending says that they are no prints, hidden files left out."""
    if not source.is_dir() or (source / "persons.csv").is_file():
        return []
    return sorted(
        file.name
        for file in source.iterdir()
        if file.is_file() and not file.name.startswith(".") and file.suffix.lower() not in SUFFIXES
    )


def _folder_items(folder: Path, default_ppi: float | None) -> Iterator[Item]:
    for file in sorted(folder.iterdir()):
        if file.suffix.lower() not in SUFFIXES:
            continue
        match = _NAME.fullmatch(file.stem)
        if match is None:
            yield Item(file, file.stem, FingerPosition.UNKNOWN, default_ppi=default_ppi)
        else:
            position = _position(match["position"], file.name)
            yield Item(file, match["person"], position, int(match["impression"] or 0), default_ppi=default_ppi)


def _csv_items(table: Path, default_ppi: float | None) -> list[Item]:
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
                    remedy="name the columns in the first line and part them by commas",
                )
            items = [_row(row, table, f"{table}, line {reader.line_num}", default_ppi) for row in reader]
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        problem = getattr(error, "strerror", None) or type(error).__name__
        raise FormatError(
            "NOD-123", f"the CSV cannot be read ({problem})", place=str(table), expected="UTF-8 text"
        ) from None
    return _with_whole_identities(items, str(table))


def _row(row: Mapping[str | None, str | list[str] | None], table: Path, place: str, default_ppi: float | None) -> Item:
    """One row as an Item; FormatError NOD-124 or NOD-127 names the line, never what a cell says of a person."""
    if None in row:
        raise _bad_row(place, "it has more cells than there are columns", "cells with a comma in double quotes")
    cells = {str(name): text.strip() for name, text in row.items() if isinstance(text, str)}
    person, file = cells.get("person", ""), cells.get("file", "")
    if not person or not file or "\0" in file:
        raise _bad_row(place, "it names no person or no file", "both")
    try:
        impression = int(cells.get("impression") or 0)
        ppi = float(cells["ppi"]) if cells.get("ppi") else None
    except ValueError:
        raise _bad_row(place, "the impression or ppi is no number", "numbers") from None
    if not 0 <= impression <= LARGEST_IMPRESSION or (ppi is not None and not (math.isfinite(ppi) and ppi > 0)):
        raise _bad_row(
            place, "the impression or ppi is out of range", f"an impression 0 to {LARGEST_IMPRESSION}, a ppi above 0"
        )
    identity = {name: _value(text) for name, text in cells.items() if name and name not in _COLUMNS and text}
    position = _position(cells.get("position") or "0", place)
    return Item(table.parent / file, person, position, impression, ppi, default_ppi, identity)


def _bad_row(place: str, problem: str, expected: str) -> FormatError:
    return FormatError(
        "NOD-127", f"this row cannot be used: {problem}", place=place, expected=expected, remedy="nothing was enrolled"
    )


def _with_whole_identities(items: Sequence[Item], place: str) -> list[Item]:
    """The items, each with all that any row says of its person; FormatError where two rows disagree."""
    whole: dict[str, dict[str, object]] = {}
    for item in items:
        known = whole.setdefault(item.person, {})
        for name, value in item.identity.items():
            if known.setdefault(name, value) != value:
                raise FormatError(
                    "NOD-129",
                    f"two rows of one person differ in the column {name}",
                    place=f"{place}, file {item.file.name}",
                    expected="one value in all rows of a person, or empty cells",
                    remedy="nothing was enrolled",
                )
    for identity in whole.values():
        require_schemes(identity, place=place)
    return [replace(item, identity=whole[item.person]) for item in items]


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
        position = FingerPosition(int(text))
    except ValueError:
        position = None
    if position is None or not position.is_one_finger:
        raise FormatError(
            "NOD-124",
            "this is no position of one finger",
            place=place,
            expected="0 to 12, as ANSI/NIST-ITL numbers fingers",
            remedy="nothing was enrolled",
        )
    return position


def enrol(
    node: Node, gallery: Gallery, items: Sequence[Item], *, progress: Callable[[Outcome], None] | None = None
) -> list[Outcome]:
    """Enrol the items one by one, each complete before the next; a second run takes up where the first one ended."""
    outcomes: list[Outcome] = []
    persons: set[str] = set()
    try:
        for item in items:
            outcome = _enrol_item(node, gallery, item)
            outcomes.append(outcome)
            if outcome.outcome == "enrolled":
                persons.add(item.person)
            if progress:
                progress(outcome)
    finally:  # a run that is interrupted has enrolled what it has enrolled
        if persons:
            with node.database.write() as tx:
                enrolled = sum(done.outcome == "enrolled" for done in outcomes)
                journal.write(tx, node, "enrolled", persons=len(persons), impressions=enrolled, by="node")
    return outcomes


def _enrol_item(node: Node, gallery: Gallery, item: Item) -> Outcome:
    name = item.file.name
    try:
        if not item.file.is_file() and item.file.exists():
            return Outcome(name, "unreadable", (("NOD-126", "the file cannot be read (it is no ordinary file)"),))
        if item.file.stat().st_size > LARGEST_FILE_BYTES:
            return Outcome(name, "unreadable", (("NOD-125", f"the file is larger than {LARGEST_FILE_BYTES} bytes"),))
        data = item.file.read_bytes()
    except OSError as error:
        return Outcome(name, "unreadable", (("NOD-126", f"the file cannot be read ({error.strerror})"),))
    return enrol_bytes(node, gallery, item, data)


def enrol_bytes(node: Node, gallery: Gallery, item: Item, data: bytes) -> Outcome:
    """Enrol one file's bytes; `item.file` is but its name."""
    require_schemes(item.identity, place=item.file.name)
    name = item.file.name
    digest = _digest(item, data)
    with node.database.read() as tx:
        known = references.find_enrolment(tx, digest)
    if known is not None and known.outcome == "enrolled":
        return Outcome(name, "known")
    if known is not None and known.outcome == "unsearchable":
        return Outcome(name, known.outcome, _reasons(node, [code for code, _ in known.reasons]))
    try:
        pictures = read_prints(
            node.box,
            data,
            stages=Stages(),
            user_ppi=item.ppi,
            default_ppi=item.default_ppi,
            position=item.position,
            impression=item.impression,
            place=name,
        )
    except (FormatError, ImageError) as error:
        if error.code == _NO_DECODER:
            raise
        return Outcome(name, "unreadable", ((error.code, error.problem),))
    require_own(node, [image for image, _, _ in pictures], name)
    examined = [examine(*picture, stages=Stages(), network=node.settings.extract.network) for picture in pictures]
    usable = [found for found in examined if not found.shortcomings]
    shortcomings = list(dict.fromkeys(reason for found in examined for reason in found.shortcomings))
    reasons = _reasons(node, shortcomings)
    if not usable:
        _record(node, digest, item, None, "unsearchable", shortcomings)
        return Outcome(name, "unsearchable", reasons)
    reference = _reference(node, item)
    added = _add_prints(node, gallery, reference, usable)
    if added < len(usable):
        reasons += (("NOD-128", "another print stands under this person, finger and impression; number it anew"),)
    if not added:
        return Outcome(name, "taken", reasons)
    _record(node, digest, item, reference, "enrolled", shortcomings)
    return Outcome(name, "enrolled", reasons)


def _reasons(node: Node, codes: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple((code, node.text(code).en) for code in codes)


def _add_prints(node: Node, gallery: Gallery, reference: str, usable: Sequence[Examined]) -> int:
    """How many could be added. The prints are stored first, then made searchable: a hit always has its prints to return.

    So a print never takes the place of another one, whose template would still be found.
    """
    now = timestamp(node.clock())
    free = []
    node.print_vault.make_keys(reference_label(reference, found.print) for found in usable)
    with node.database.write() as tx:
        stored = {(one.position, one.impression): one for one in references.prints_of(tx, reference)}
        for found in usable:
            slot = int(found.print.position), found.print.impression
            if slot not in stored:
                stored[slot] = ReferencePrint(reference, *slot, node.seal_reference(reference, found.print), now)
                references.add_reference_print(tx, stored[slot])
            elif node.open_reference(stored[slot]).data != found.print.data:
                continue
            free.append(found)
        exposed = exposure.is_exposed(tx, reference)
    for found in free if exposed else []:
        gallery.add(reference, found.print.position, found.print.impression, found.template)
    return len(free)


def _reference(node: Node, item: Item) -> str:
    """The person's reference number: random, so that nothing about the person can be derived from it (REQ-020)."""
    key = node.identity_vault.digest(item.person)
    with node.identities.write() as identities:
        known = references.reference_of(identities, key)
        if known is not None:
            return known
        reference = f"{node.party}-" + "".join(secrets.choice(_ALPHABET) for _ in range(12))
        references.add_person(identities, reference, key, node.seal_person(reference, item.identity))
    codes = {name: str(item.identity[name]) for name in exposure.CODES if name in item.identity}
    if codes or exposure.current_rule(node)[1]:
        exposure.change(node, reference, codes, by="node")  # before the first print is searchable
    return reference


def _record(node: Node, digest: str, item: Item, reference: str | None, outcome: str, reasons: Sequence[str]) -> None:
    batch = item.file.parent.name[:64]
    stored = Enrolment(digest, batch, reference, outcome, [[code, ""] for code in reasons], timestamp(node.clock()))
    with node.database.write() as tx:
        references.add_enrolment(tx, stored)


def _digest(item: Item, data: bytes) -> str:
    head = f"{item.person}\0{int(item.position)}\0{item.impression}\0{item.ppi}\0".encode()
    return hashlib.sha256(head + data).hexdigest()
