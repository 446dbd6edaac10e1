"""The traditional encoding of ANSI/NIST-ITL, both ways.

    bytes ──read_transaction──► Transaction ──write_transaction──► the same bytes

Reading is lenient: whatever has a structure is kept as it is, wrong lengths, odd separators, unknown fields and decoys
included, and `check` says what is wrong with it. What has none is a FormatError (REC-001 to REC-009). Where a record ends:

    Type-1          at its first FS: it is 7-bit ASCII
    Types 3 to 8    at its LEN, which alone can say it
    other types     at its LEN where a record, or the end, follows there; else at the first FS that a record follows

Every byte is looked at a bounded number of times, and payloads are views of the input. Not done here: XML, rules.
"""

from __future__ import annotations

import re
from collections import deque

from mithaq.errors import FormatError
from mithaq.record.model import BINARY_ITEMS, FS, GS, Field, Record, Transaction, number_in

_FIRST_TAG = re.compile(rb"0{0,7}([1-9][0-9]?)\.0{0,7}1:")
_TAG = re.compile(rb"0{0,7}([1-9][0-9]?)\.([0-9]{1,9}):")
_DECOY = re.compile(rb"[\x20-\x7e]{0,64}\x1d0{0,7}([1-9][0-9]?)\.0{0,7}999:")
_DIGITS = re.compile(rb"[0-9]{1,20}")
_SEPARATOR = re.compile(rb"[\x1c\x1d]")
_PADDING = b"\r\n\t \x00\x1a"  # what mail programs and file copies leave behind
_MOST_PADDING = 16  # bytes; also what keeps looking for it cheap
_PAYLOAD_FROM_TYPE = 10  # from Type-10 on, x.999 holds bytes that may look like separators

_STRUCTURE = "ANSI/NIST-ITL 1-2011, traditional encoding"


def read_transaction(data: bytes | bytearray | memoryview) -> Transaction:
    """The transaction in `data`, all of it: `write_transaction` gives the same bytes. Values are views of `data`.

    FormatError REC-001 to REC-009 where the bytes have not the structure of a transaction, or are cut off.
    """
    source = data if isinstance(data, bytes) else bytes(data)
    _refuse_what_is_none(source)
    return _Reader(source).transaction()


def write_transaction(tx: Transaction) -> bytes:
    """The transaction's bytes: those that were read where nothing was changed."""
    chunks: list[bytes | memoryview] = []
    for record in tx.records:
        chunks.extend(record.chunks())
    chunks.append(tx.tail)
    return b"".join(chunks)


def contents(first: Record) -> list[tuple[int, int | None]]:
    """What 1.003 CNT of the Type-1 record lists: type and IDC of each further record, in order. Odd entries are left out."""
    found = first.field(3)
    if found is None:
        return []
    listed = []
    for entry in bytes(found.value).split(b"\x1e")[1:]:
        kind, _, idc = entry.partition(b"\x1f")
        record_type = number_in(kind)
        if record_type is not None:
            listed.append((record_type, number_in(idc)))
    return listed


def _refuse_what_is_none(data: bytes) -> None:
    problem = ""
    if not data:
        problem = "the file is empty"
    elif data.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"<":
        raise FormatError(
            "REC-002",
            "the file is XML",
            offset=0,
            expected="a transaction in traditional encoding",
            remedy="ask the sender for the traditional encoding",
            clause=_STRUCTURE,
        )
    else:
        match = _FIRST_TAG.match(data)
        if match is None or int(match[1]) != 1:
            problem = "the file does not begin with a Type-1 record"
    if problem:
        raise FormatError(
            "REC-001",
            problem,
            offset=0,
            expected='an ANSI/NIST-ITL transaction, which begins with "1.001:"',
            remedy="give a transaction, or a picture under its own format",
            clause=_STRUCTURE,
        )


class _Reader:
    """Walks once over the bytes. `_binary` holds the types of the binary records still to come, as 1.003 lists them."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._view = memoryview(data)
        self._binary: deque[int] = deque()
        self._expected = 0

    def transaction(self) -> Transaction:
        at = 0
        records: list[Record] = []
        while at < len(self._data):
            record, after = self._record(at, len(records) + 1)
            if record is None:
                break
            records.append(record)
            at = after
        return Transaction(tuple(records), self._view[at:])

    def _record(self, at: int, number: int) -> tuple[Record | None, int]:
        """The record at `at` and where it ends; None where what follows is no record, but may stand there."""
        match = _FIRST_TAG.match(self._data, at)
        if match is not None:
            return self._tagged(at, int(match[1]), number)
        if self._is_padding(at):
            return None, at
        if self._binary:
            return self._binary_record(at, number)
        if number > self._expected + 1:
            return None, at
        raise FormatError(
            "REC-003",
            "no record begins here",
            record=number,
            offset=at,
            expected='a tag such as "14.001:", or a binary record that 1.003 CNT lists',
            clause=_STRUCTURE,
        )

    # ------------------------------------------------------------ binary records

    def _binary_record(self, at: int, number: int) -> tuple[Record, int]:
        left = len(self._data) - at
        length = int.from_bytes(self._view[at : at + 4], "big")
        if left < 5 or not 5 <= length <= left:
            raise FormatError(
                "REC-004",
                f"the binary record states {length} bytes" if left >= 4 else "the record is cut off",
                record=number,
                offset=at,
                expected=f"5 to {left} bytes, which is what is left",
                remedy="the file is cut off or damaged: ask for it again",
                clause=_STRUCTURE,
            )
        record_type = self._binary.popleft()
        end = at + length
        fields = []
        place = at
        for item, width in BINARY_ITEMS[record_type]:
            if place + width > end:
                if place < end:
                    fields.append(Field(record_type, 0, self._view[place:end]))
                break
            fields.append(Field(record_type, item, self._view[place : place + width]))
            place += width
        else:
            fields.append(Field(record_type, len(fields) + 1, self._view[place:end]))
        return Record(record_type, tuple(fields), b""), end

    # ------------------------------------------------------------ tagged records

    def _tagged(self, at: int, record_type: int, number: int) -> tuple[Record, int]:
        value = self._data.index(b":", at) + 1
        stated = self._stated_end(at, value)
        if record_type == 1:
            payload, end = None, self._end_of_first(at, stated)
        elif stated is not None and value <= stated <= len(self._data) and self._starts(stated):
            payload, end = self._payload(value, stated, record_type), stated
        else:
            payload, end = self._end_by_separator(value, record_type, stated)
        if end is None:
            cut = stated is not None and stated > len(self._data)
            raise FormatError(
                "REC-005" if cut else "REC-006",
                "the record is longer than what is left of the file" if cut else "the record's end cannot be found",
                record=number,
                offset=at,
                field=f"{record_type}.001",
                expected="a length that ends at a separator FS, before the next record or the end of the file",
                remedy="the file is cut off or damaged: ask for it again",
                clause=_STRUCTURE,
            )
        closed = end - 1 if self._data[end - 1] == FS[0] else end
        record = Record(record_type, tuple(self._fields(at, closed, record_type, payload)), self._data[closed:end])
        if record_type == 1:
            listed = contents(record)
            self._expected += len(listed)
            self._binary.extend(kind for kind, _ in listed if kind in BINARY_ITEMS)
        return record, end

    def _stated_end(self, at: int, value: int) -> int | None:
        """Where the record at `at` ends by its LEN, whose digits begin at `value`; None where they are no number."""
        match = _DIGITS.match(self._data, value)
        length = None if match is None else number_in(match[0])
        return None if length is None else at + length

    def _end_of_first(self, at: int, stated: int | None) -> int | None:
        first = self._data.find(FS, at)
        if first >= 0:
            return first + 1
        return stated if stated == len(self._data) else None

    def _end_by_separator(self, at: int, record_type: int, stated: int | None) -> tuple[int | None, int | None]:
        """Payload and end of a record whose LEN is wrong: it ends at the first FS that a record, or the end, follows."""
        data = self._data
        payload = None
        for found in _SEPARATOR.finditer(data, at):
            place = found.end()
            if data[place - 1] == FS[0]:
                if self._starts(place):
                    return payload, place
            elif payload is None:
                payload = self._payload_at(place, len(data), record_type)
                if payload is not None and stated is not None and stated > len(data):
                    break  # a picture that is cut off: an FS in what is left of it would be chance
        return payload, None

    def _payload(self, at: int, end: int, record_type: int) -> int | None:
        """Where the bytes of the first real x.999 begin between `at` and `end`, or None."""
        place = self._data.find(GS, at, end) + 1
        while place:
            payload = self._payload_at(place, end, record_type)
            if payload is not None:
                return payload
            place = self._data.find(GS, place, end) + 1
        return None

    def _payload_at(self, at: int, end: int, record_type: int) -> int | None:
        """Where the bytes begin if the field at `at` is x.999; decoys, short texts under the same tag, are passed over."""
        match = _TAG.match(self._data, at, end) if record_type >= _PAYLOAD_FROM_TYPE else None
        if match is None or int(match[1]) != record_type or int(match[2]) != 999:
            return None
        place = match.end()
        while (decoy := _DECOY.match(self._data, place, end)) is not None and int(decoy[1]) == record_type:
            place = decoy.end()
        return place

    def _starts(self, at: int) -> bool:
        """True where a record can begin at `at`, or the file ends there but for padding."""
        data = self._data
        if at == len(data) or _FIRST_TAG.match(data, at) is not None:
            return True
        if self._binary and len(data) - at >= 5:
            length = int.from_bytes(self._view[at : at + 4], "big")
            after = at + length
            if length >= 5 and after <= len(data):
                return after == len(data) or len(self._binary) > 1 or _FIRST_TAG.match(data, after) is not None
        return self._is_padding(at)

    def _is_padding(self, at: int) -> bool:
        return len(self._data) - at <= _MOST_PADDING and not self._data[at:].strip(_PADDING)

    def _fields(self, at: int, end: int, record_type: int, payload: int | None) -> list[Field]:
        data, view = self._data, self._view
        fields = []
        while True:
            match = _TAG.match(data, at, end)
            start = at if match is None else match.end()
            stop = end if payload is not None and start == payload else data.find(GS, start, end)
            if stop < 0:
                stop = end
            if match is None:
                fields.append(Field(record_type, 0, view[at:stop]))
            else:
                fields.append(Field(int(match[1]), int(match[2]), view[start:stop], data[at:start]))
            if stop == end:
                return fields
            at = stop + 1
