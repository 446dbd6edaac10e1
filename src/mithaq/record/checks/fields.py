"""A transaction against the dictionary: what every field must be whatever its profile, in one pass over the bytes.

    Transaction, dictionary ──dictionary_findings──► findings, weighed as the profile's [fields] says

Only fields that no rule of the profile covers are looked at. A departure from a row that is not confirmed is at most a
warning. Time and memory grow with the file: each value is cut once, and alike faults of one record are counted after the
first thousand. Not done here: one item (`items`), what several fields say together (`cross`), structure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import cast

from mithaq.record.checks.faults import MOST_ALIKE, Fault, Weigher
from mithaq.record.checks.items import item_fault, layout_of
from mithaq.record.dictionary import NUMBERS, TYPE_FIRST, code_table, entries, entry, is_payload
from mithaq.record.fields import Entry
from mithaq.record.findings import Finding
from mithaq.record.model import Field, Record
from mithaq.record.rules.kinds import Trust, Weight

MOST_REMEMBERED = 10_000  # values of one item whose judgement is kept

_REMEDIES = {
    "mandatory": "add the field",
    "conditional": "add the field",
    "occurrences": "mend the number of subfields",
    "items": "mend the number of items",
    "length": "mend the value's length",
    "characters": "write the value in the characters of its kind",
    "range": "mend the number",
    "codes": "write a code of the list",
    "form": "write the value as shown",
    "date": "write a day or instant that exists",
    "encoding": "write it in that encoding, or name another in 1.015",
    "empty": "give the value, or leave the field out",
    "data": "give the data, or leave the field out",
    "unknown": "leave the field out, or put it into the range of user-defined fields",
    "type": "leave the record out",
    "edition": "state the edition that the transaction keeps, or use what that edition has",
}


def dictionary_findings(weigher: Weigher, encoding: str) -> Iterator[Finding]:
    """Findings about fields that no rule of the profile covers, record by record; rules that are off give none.

    `encoding` is the codec of text outside Type-1.
    """
    return (found for found in _Check(weigher, encoding).findings() if found is not None)


class _Check:
    """What one check is about, looked up once."""

    def __init__(self, weigher: Weigher, encoding: str) -> None:
        tx = weigher.tx
        self._weigher = weigher
        self._tx = tx
        self._profile = weigher.profile
        self._encoding = encoding
        self._transaction = tx.tot or ""
        self._places = weigher.places
        version = tx.version or ""
        self._stated = version if version in code_table("VER") else ""  # "" goes by no rule
        self._edition = self._stated
        self._alike: Counter[tuple[str, str, int, int]] = Counter()  # in the record at hand

    def findings(self) -> Iterator[Finding | None]:
        for index, record in enumerate(self._tx.records, 1):
            if record.type not in NUMBERS:
                fault = Fault("type", "REC-133", "the standard has no record of that type", "Types 1 to 22, 98 and 99")
                yield self._finding(fault, index, None, self._places.record(index))
                continue
            first = TYPE_FIRST[record.type]
            self._edition = self._stated
            if self._is_before(first):
                yield self._finding(self._newer(first), index, None, self._places.record(index))
                self._edition = first  # said once for the record; its fields are measured by the oldest that has it
            yield from self._absent(index, record)
            for at, part in enumerate(record.fields):
                if part.record_type == record.type and part.number and not self._is_covered(record.type, part.number):
                    yield from self._field(index, part, self._places.fields(index)[at])
            yield from self._not_listed(index, record)

    def _not_listed(self, index: int, record: Record) -> Iterator[Finding | None]:
        """One finding for each kind of which a record holds more than are listed."""
        for (name, code, number, slot), times in list(self._alike.items()):
            if times > MOST_ALIKE:
                said = f"{times - MOST_ALIKE} more findings {code} of one kind are not listed"
                known = entry(record.type, number)
                fault = Fault(name, "REC-136", said, f"at most {MOST_ALIKE} alike")
                yield self._finding(fault, index, known, self._places.record(index), slot=slot)
        self._alike.clear()

    def _is_covered(self, record_type: int, number: int) -> bool:
        return self._profile.rule(record_type, number, self._transaction) is not None

    def _is_before(self, edition: str) -> bool:
        return bool(self._edition) and self._edition < edition

    def _newer(self, edition: str) -> Fault:
        expected = f"edition {edition} or later in 1.002"
        return Fault("edition", "REC-134", "the edition in 1.002 does not have it yet", expected, self._stated)

    # ------------------------------------------------------------ fields that must stand

    def _absent(self, index: int, record: Record) -> Iterator[Finding | None]:
        present = {part.number for part in record.fields if part.record_type == record.type}
        for known in entries(record.type):
            if known.number in present or self._is_covered(record.type, known.number):
                continue
            if known.when:
                if _holds(known.when, record, present):
                    said = f"the field is absent, which must stand {_said(known)}"
                    fault = Fault("conditional", "REC-110", said, known.name)
                    yield self._finding(fault, index, known, self._places.record(index))
            elif known.condition == "M":
                fault = Fault("mandatory", "REC-110", "the field is absent", known.name)
                yield self._finding(fault, index, known, self._places.record(index))

    # ------------------------------------------------------------ what a field holds

    def _field(self, index: int, part: Field, start: int) -> Iterator[Finding | None]:
        known = entry(part.record_type, part.number)
        if known is None:
            fault = Fault("unknown", "REC-132", "the standard has no field of that number", "a field that it has")
            yield self._finding(fault, index, None, start, number=part.number)
            return
        first, last = known.editions
        if self._is_before(first):
            yield self._finding(self._newer(first), index, known, start)
        if last is not None and self._edition > last:
            fault = Fault("edition", "REC-134", "the edition in 1.002 has it no more", f"edition {last} or earlier")
            yield self._finding(fault, index, known, start)
        if len(part.value) == 0:
            name = "data" if is_payload(part.record_type, part.number) else "empty"
            fault = Fault(name, "REC-135", "the field stands there and holds nothing", "a value, or no such field")
            yield self._finding(fault, index, known, start)
        elif not is_payload(part.record_type, part.number):
            yield from self._value(index, known, part, start)

    def _value(self, index: int, known: Entry, part: Field, start: int) -> Iterator[Finding | None]:
        subfields = _cut(part)
        least, most = max(known.occurs[0], 1), known.occurs[1]
        if len(subfields) < least or (most is not None and len(subfields) > most):
            said = "the field has another number of subfields"
            expected = f"{least} to {most}" if most is not None else f"{least} or more"
            fault = Fault("occurrences", "REC-112", said, expected, str(len(subfields)))
            yield self._finding(fault, index, known, start)
        layout = layout_of(part.record_type, part.number)
        encoding = "ascii" if part.record_type == 1 else self._encoding
        seen: list[dict[bytes, Fault | None]] = [{} for _ in layout.rules]  # values repeat: each is looked at once
        offset = start + len(part.tag)
        for number, items in enumerate(subfields, 1):
            if (amiss := layout.amiss(items)) is not None:
                yield self._finding(amiss, index, known, offset, subfield=number)
            for item, raw in enumerate(items, 1):
                slot = layout.slot(item - 1)
                if slot is not None and (raw or amiss is None):  # an empty item of too few is one fault, not two
                    rule, faults = layout.rules[slot], seen[slot]
                    if raw not in faults:
                        if len(faults) >= MOST_REMEMBERED:
                            faults.clear()
                        faults[raw] = item_fault(rule, raw, encoding, self._edition, counted=bool(part.tag))
                    if (found := faults[raw]) is not None:
                        shown = item if len(items) > 1 else 0
                        yield self._finding(
                            found, index, known, offset, trust=rule.trust, subfield=number, item=shown, slot=slot
                        )
                offset += len(raw) + 1 if part.tag else 0

    # ------------------------------------------------------------ how it is said

    def _finding(
        self,
        fault: Fault,
        index: int,
        known: Entry | None,
        offset: int,
        *,
        number: int = 0,
        trust: str = "",
        subfield: int = 0,
        item: int = 0,
        slot: int = 0,
    ) -> Finding | None:
        """The fault as the profile weighs it; None where it does not, or where a thousand alike are listed already.

        Only a confirmed row can make an error.
        """
        weight = self._profile.families["fields"].get(fault.name)
        if weight is None or weight.severity == "off":
            return None
        alike = (fault.name, fault.code, 0 if known is None else known.number, slot)
        self._alike[alike] += 1
        if self._alike[alike] > MOST_ALIKE:
            return None
        trusted = cast(Trust, trust or (weight.trust if known is None else known.trust))
        severity = weight.severity if trusted == "C" else "warn"
        return self._weigher.finding(
            f"fields.{fault.name}",
            Weight(severity, trusted, weight.clause if known is None else known.clause),
            fault.code,
            index,
            number or (0 if known is None else known.number),
            fault.said,
            fault.expected,
            fault.met,
            remedy=_REMEDIES[fault.name],
            subfield=subfield,
            item=item,
            offset=offset,
        )


def _cut(part: Field) -> list[list[bytes]]:
    """Subfields of items; each number of a binary item stands alone."""
    if part.is_binary_item:
        return [[number.encode()] for number in part.text().split(" ")]
    return part.pieces


def _holds(when: str, record: Record, present: set[int]) -> bool:
    """Whether the condition of a row asks for its field in this record."""
    if when[0] in "+-":
        return (int(when[1:]) in present) == (when[0] == "+")
    number, _, words = when.partition("=")
    found = record.field(int(number))
    return found is not None and str(found.value, "ascii", "replace").split("\x1f")[0] in words.split(",")


def _said(known: Entry) -> str:
    if known.when[0] in "+-":
        state = "stands" if known.when[0] == "+" else "does not stand"
        return f"where {known.record_type}.{int(known.when[1:]):03d} {state}"
    number, _, words = known.when.partition("=")
    return f"where {known.record_type}.{int(number):03d} is {words.replace(',', ' or ')}"
