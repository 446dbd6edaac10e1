"""What a check noticed, and what becomes of it once a profile has weighed it.

    Fault, PlacedFault ──Weigher──► Finding: the rule's severity, clause and trust, and the byte in the file

A fault names the weight that it goes by and what to say of it; never what a field holds. Not done here: noticing one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from mithaq.record.findings import Finding
from mithaq.record.model import Transaction
from mithaq.record.offsets import offsets
from mithaq.record.rules.kinds import Profile, Weight

MOST_ALIKE = 1000  # findings of one kind about one field or item that are listed, so that a report stays readable


@dataclass(frozen=True, slots=True)
class Fault:
    """One departure of a value: `name` is that of a weight in [fields]."""

    name: str
    code: str
    said: str
    expected: str
    met: str = ""


@dataclass(frozen=True, slots=True)
class PlacedFault:
    """One departure of a transaction: `name` is that of a weight in [structure] or [cross]; `index` counts records from 1.

    `number` is that of the field it is told at. `at` is the place of that field in its record, from 0, where the number
    does not say it. Index 0 is what follows the last record.
    """

    name: str
    code: str
    index: int
    number: int
    said: str
    expected: str
    met: str = ""
    subfield: int = 0
    item: int = 0
    at: int | None = None
    remedy: str = ""  # where it is not that of the name


class Weigher:
    """Makes the findings of one check."""

    def __init__(self, tx: Transaction, profile: Profile) -> None:
        self.tx = tx
        self.profile = profile
        self.places = offsets(tx)

    def finding(
        self,
        rule: str,
        weight: Weight,
        code: str,
        index: int,
        number: int,
        said: str,
        expected: str = "",
        met: str = "",
        *,
        remedy: str,
        subfield: int = 0,
        item: int = 0,
        offset: int | None = None,
    ) -> Finding:
        """A finding about a field of record `index`, about the record (number 0), or about the transaction (index 0).

        Without an `offset` it stands where its field begins, or the record where that has no such field.
        """
        record_type = self.tx.records[index - 1].type if index else None
        if offset is None and index:
            offset = self.places.field(index, number)
        return Finding(
            code=code,
            rule=f"{self.profile.name}:{rule}",
            severity=weight.severity,
            record=index,
            record_type=record_type,
            field=f"{record_type}.{number:03d}" if number else "",
            problem=said,
            expected=expected,
            met=met,
            clause=weight.clause,
            trust=weight.trust,
            remedy=remedy,
            subfield=subfield,
            item=item,
            offset=offset,
        )

    def weighed(self, family: str, remedies: Mapping[str, str], faults: Iterable[PlacedFault]) -> Iterator[Finding]:
        """Findings of the faults that the profile weighs in the table of that name; those that are off give none."""
        for fault in faults:
            weight = self.profile.families[family].get(fault.name)
            if weight is None or weight.severity == "off":
                continue
            if not fault.index:
                offset = self.places.tail
            elif fault.at is not None:
                offset = self.places.fields(fault.index)[fault.at]
            else:
                offset = self.places.item(fault.index, fault.number, fault.subfield, fault.item)
            yield self.finding(
                f"{family}.{fault.name}",
                weight,
                fault.code,
                fault.index,
                fault.number,
                fault.said,
                fault.expected,
                fault.met,
                remedy=fault.remedy or remedies[fault.name],
                subfield=fault.subfield,
                item=fault.item,
                offset=offset,
            )
