"""Rules over several fields or records at once: links, limits of pictures, check letters, and counts that a field states.

    Transaction, rules of its profile ──joint_findings──► findings, weighed as each rule says

Sizes and resolutions are those that the records state. Not done here: what the picture itself says of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator

from mithaq.record.checks.faults import Weigher
from mithaq.record.findings import Finding
from mithaq.record.images import BINARY_COMPRESSION, INCH_CM, INCH_MM, first_position
from mithaq.record.model import Field, Record, Transaction, number_in
from mithaq.record.rules.conditions import When
from mithaq.record.rules.kinds import ImageRule, LetterRule, LinkRule, TallyRule, types_in_words

_NUMBER_AND_LETTER = re.compile(rb"([0-9]{1,40})([A-Za-z])")
_CLASS_PPI = 500.0  # of a Type-4 record whose ISR says that the resolution is the nominal one
_TOLERANCE = 0.01  # 19.69 pixels per millimetre, or 197 per centimetre, are 500 ppi

Holds = Callable[[When | None, Record | None], bool]


def joint_findings(weigher: Weigher, holds: Holds) -> Iterator[Finding]:
    """Findings of the profile's rules over several fields or records; `holds` says whether a condition is fulfilled."""
    tx = weigher.tx
    for rule in weigher.profile.joint:
        if tx.tot not in rule.transactions:
            continue
        if isinstance(rule, ImageRule):
            for index, record in enumerate(tx.records, 1):
                if record.type in rule.types and holds(rule.when, record):
                    yield from _image(weigher, rule, index, record)
        elif holds(rule.when, None):
            if isinstance(rule, LinkRule):
                yield from _link(weigher, rule)
            elif isinstance(rule, LetterRule):
                yield from _letter(weigher, rule)
            else:
                yield from _tally(weigher, rule)


def _link(weigher: Weigher, rule: LinkRule) -> Iterator[Finding]:
    tx = weigher.tx
    found, _ = _first(tx, rule.record_type, rule.number)
    items = [] if found is None else found.pieces
    named = Counter(number_in(item[rule.item - 1]) for item in items if len(item) >= rule.item)
    carried = Counter(other.idc for other in tx.records if other.type in rule.types)
    if named != carried:
        said, remedy = (
            f"field {rule.field} does not name each print exactly once",
            "name every print that is sent, and no other",
        )
        expected, met = f"the IDC of each of {carried.total()} prints", f"{named.total()} entries"
        yield weigher.finding(rule.id, rule.weight, "REC-129", 0, 0, said, expected, met, remedy=remedy)


def _letter(weigher: Weigher, rule: LetterRule) -> Iterator[Finding]:
    """A value of another form than digits and a letter is a finding of the field's own rule."""
    found, index = _first(weigher.tx, rule.record_type, rule.number)
    match = None if found is None else _NUMBER_AND_LETTER.fullmatch(found.value)
    if match is not None and match[2].decode() != rule.letter(match[1].decode()):
        said = "the check letter does not belong to the number"
        expected, remedy = (
            f"the letter of the number modulo {len(rule.letters)}",
            "ask the sender for the number, or how it counts the letter",
        )
        yield weigher.finding(
            rule.id, rule.weight, "REC-175", index, rule.number, said, expected, "another", remedy=remedy
        )


def _tally(weigher: Weigher, rule: TallyRule) -> Iterator[Finding]:
    tx = weigher.tx
    found, index = _first(tx, rule.record_type, rule.number)
    if found is None:
        return
    if rule.of:
        other, _ = _first(tx, rule.record_type, rule.of)
        stated: int | None = bytes(found.value).count(b"\x1e") + 1
        counted = 0 if other is None else bytes(other.value).count(b"\x1e") + 1
        what = f"as many subfields as {rule.record_type}.{rule.of:03d} has: {counted}"
    else:
        stated = number_in(found.value)
        counted = sum(record.type in rule.types for record in tx.records)
        what = f"the number of {types_in_words(rule.types, 'and')} records: {counted}"
    if stated is not None and stated != counted:
        said, met = "the field counts otherwise than what it counts", "another number"
        yield weigher.finding(
            rule.id, rule.weight, "REC-176", index, rule.number, said, what, met, remedy="count again"
        )


def _image(weigher: Weigher, rule: ImageRule, index: int, record: Record) -> Iterator[Finding]:
    data = record.data
    if not data or (rule.positions and first_position(record) not in rule.positions):
        return
    width, height = record.integer(6), record.integer(7)
    compression, bits = _compression(record), 8 if record.is_binary else record.integer(12)
    ppi = _ppi(weigher.tx, record)
    made: list[tuple[str, int, str, str, str]] = []
    for number, name, stated, span in ((6, "wide", width, rule.width), (7, "high", height, rule.height)):
        if span is not None and stated is not None and stated not in span:
            made.append(
                ("REC-170", number, f"the picture is not as {name} as it may be", f"{span} pixels", f"{stated}")
            )
    if ppi is not None and not _has_resolution(rule, ppi):
        wanted = " or ".join(f"{one} ppi" for one in rule.ppi) or f"{rule.least_ppi} ppi or more"
        made.append(("REC-171", 9, "the picture has another resolution", wanted, f"{ppi:.0f} ppi"))
    if rule.compression and compression is not None and compression not in rule.compression:
        allowed = " or ".join(rule.compression)
        made.append(("REC-172", 11, "the picture is compressed otherwise", allowed, "another"))
    if rule.bits and bits is not None and bits not in rule.bits:
        made.append(("REC-173", 12, "a pixel has another number of bits", " or ".join(map(str, rule.bits)), f"{bits}"))
    if rule.ratio is not None and width and height and width * height * (bits or 8) > rule.ratio * len(data) * 8:
        met = f"{width * height * (bits or 8) / 8 / len(data):.0f} to 1"
        made.append(("REC-174", 0, "the picture is compressed further than allowed", f"{rule.ratio} to 1", met))
    numbers = {9: 5, 11: 8, 12: 0} if record.is_binary else {}
    remedy = "send the picture as the profile wants it"
    for code, number, said, expected, met in made:
        at = numbers.get(number, number)
        yield weigher.finding(rule.id, rule.weight, code, index, at, said, expected, met, remedy=remedy)


def _has_resolution(rule: ImageRule, ppi: float) -> bool:
    if ppi < rule.least_ppi * (1 - _TOLERANCE):
        return False
    return not rule.ppi or any(abs(ppi - wanted) <= wanted * _TOLERANCE for wanted in rule.ppi)


def _first(tx: Transaction, record_type: int, number: int) -> tuple[Field | None, int]:
    """The field in the first record of that type, and which record that is."""
    for index, record in enumerate(tx.records, 1):
        if record.type == record_type:
            return record.field(number), index
    return None, 0


def _compression(record: Record) -> str | None:
    if record.is_binary:
        return BINARY_COMPRESSION.get(record.integer(8) or 0, "unknown")
    found = record.field(11)
    return None if found is None else str(found.value[:16], "ascii", "replace")


def _ppi(tx: Transaction, record: Record) -> float | None:
    """The resolution that is stated; None where it is not, or where the pixels are not square."""
    if record.is_binary:
        stated = tx.records[0].field(11)
        if record.integer(5) == 0 or stated is None:
            return _CLASS_PPI
        match = re.fullmatch(rb"[0-9]{1,3}\.[0-9]{1,3}", stated.value)
        return None if match is None else float(match[0]) * INCH_MM
    units, across, down = (record.integer(number) for number in (8, 9, 10))
    if not across or across != (down or across) or units not in (1, 2):
        return None
    return float(across) if units == 1 else across * INCH_CM
