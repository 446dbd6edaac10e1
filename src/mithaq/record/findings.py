"""What a check found: one value for each departure from a rule, with everything a person needs to mend it.

Codes REC-101 to REC-177 name the kind of departure and never change; `rule` names the rule of the profile. A finding
says where and of what shape, never what the field held: that may be personal.
"""

from __future__ import annotations

from dataclasses import dataclass

from mithaq.record.rules.kinds import Severity, Trust

KINDS: dict[str, str] = {
    "REC-101": "the type of transaction is not one of the profile's",
    "REC-102": "another number of records than the transaction has to hold",
    "REC-103": "a type of record that the profile does not know",
    "REC-110": "a field that has to stand here is absent",
    "REC-111": "a field that may not stand here",
    "REC-112": "another number of subfields than the field may hold",
    "REC-113": "another number of items than a subfield holds",
    "REC-114": "a value of another length",
    "REC-115": "a value with characters of another kind",
    "REC-116": "a value that is not in the list of codes",
    "REC-117": "a value of another form",
    "REC-118": "a date or instant that does not exist",
    "REC-119": "text that is not in the encoding that 1.015 names",
    "REC-120": "a length (x.001) that is not the record's size",
    "REC-121": "a list of contents (1.003) that does not agree with the records",
    "REC-122": "a field out of its place",
    "REC-123": "a field that occurs twice",
    "REC-124": "bytes under no tag, or under the tag of another type",
    "REC-125": "a separator where none may stand, or none where one must",
    "REC-126": "bytes after the last record",
    "REC-127": "a designation character (x.002) that is absent or used twice",
    "REC-128": "a picture of another kind than its record states, or of another length where it is not compressed",
    "REC-129": "records and the field that names them do not agree",
    "REC-130": "tags without leading zeros, as editions before 2007 wrote them",
    "REC-131": "a number outside its range",
    "REC-132": "a field that the standard does not have",
    "REC-133": "a record of a type that the standard does not have",
    "REC-134": "a field, record or code that the edition in 1.002 does not have",
    "REC-135": "a field that stands there and holds nothing",
    "REC-136": "more findings of the same kind than are listed",
    "REC-140": "a picture of another size than its record states",
    "REC-141": "a picture with another number of bits for a pixel than its record states",
    "REC-142": "a resolution that does not suit the picture or its record",
    "REC-143": "a picture that claims another resolution than its record",
    "REC-144": "a position that a record of this type cannot hold",
    "REC-145": "an impression that does not go with the position or the record",
    "REC-146": "a minutia, or a segment, outside its picture",
    "REC-147": "another number of minutiae than the record states",
    "REC-148": "minutiae without the picture that they belong to",
    "REC-149": "more than one Type-1 record",
    "REC-150": "a hash that is not that of the data",
    "REC-170": "a picture that is larger than the profile allows",
    "REC-171": "a picture of another resolution than the profile allows",
    "REC-172": "a picture that is compressed otherwise than the profile allows",
    "REC-173": "a picture with another number of bits for a pixel than the profile allows",
    "REC-174": "a picture that is compressed further than the profile allows",
    "REC-175": "a check letter that does not belong to its number",
    "REC-176": "a field that counts otherwise than what it counts",
    "REC-177": "a number outside the profile's range",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One departure from a profile. `record` counts from 1 as in the file; 0 is the transaction as a whole."""

    code: str
    rule: str
    severity: Severity
    record: int
    record_type: int | None
    field: str
    problem: str
    expected: str
    met: str
    clause: str
    trust: Trust
    remedy: str
    subfield: int = 0  # from 1; 0 where it is not about one
    item: int = 0
    offset: int | None = None  # of the byte in the file where it begins, where that is known

    @property
    def place(self) -> str:
        """Where it is, in words: "record 3 (Type-14), field 14.013, item 2, byte 1204"."""
        if not self.record:
            return "transaction" if self.offset is None else f"transaction, byte {self.offset}"
        parts = [f"record {self.record} (Type-{self.record_type})"]
        if self.field:
            parts.append(f"field {self.field}")
        if self.subfield:
            parts.append(f"subfield {self.subfield}")
        if self.item:
            parts.append(f"item {self.item}")
        if self.offset is not None:
            parts.append(f"byte {self.offset}")
        return ", ".join(parts)

    def __str__(self) -> str:
        sentence = f"{self.severity} {self.code} {self.place}: {self.problem}"
        if self.expected:
            sentence += f"; expected {self.expected}"
        if self.met:
            sentence += f", met {self.met}"
        return f"{sentence}; {self.remedy} ({self.clause})"
