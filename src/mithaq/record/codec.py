"""The traditional encoding of ANSI/NIST-ITL, both ways.

    bytes ──read_transaction──► Transaction ──write_transaction──► the same bytes

Reading is lenient: whatever has a structure is kept as it is, wrong lengths, odd separators, unknown fields and decoys
included, and `check` says what is wrong with it. What has none is a FormatError (REC-001 to REC-010). Where a record ends:

    Type-1          at its first FS: it is 7-bit ASCII
    Types 3 to 8    at its LEN, which alone can say it
    other types     at its LEN where a record, or the end, follows there; else at the first FS that a record follows

Every byte is looked at a bounded number of times, payloads not at all where the LEN is right, and everything is a view of
the input. Not done here: cutting records into fields (`model`), XML, rules.
"""

from __future__ import annotations

import re
from collections import deque
from functools import cache
from mmap import mmap

from mithaq.errors import FormatError
from mithaq.record.limits import (
    MOST_BYTES,
    MOST_DECOY_CHARACTERS,
    MOST_FIELDS,
    MOST_GUESSES,
    MOST_LENGTH_DIGITS,
    MOST_PADDING,
    MOST_RECORDS,
    MOST_SEPARATORS,
    MOST_TAG_ZEROS,
    refuse_more,
)
from mithaq.record.model import BINARY_ITEMS, FIRST_TAG, FS, GS, RS, US, Record, Transaction, number_in

_XML = re.compile(rb"[\xef\xbb\xbf\xfe\xff \r\n\t\0]*<")  # marks of UTF-8 and UTF-16, blanks
_PACKAGE = b"NISTBiometricInformationExchangePackage"
_DIGITS = re.compile(rb"[0-9]{1,%d}" % MOST_LENGTH_DIGITS)
_FS = re.compile(rb"\x1c")
_CONTENTS = re.compile(rb"\x1d0{0,%d}1\.0{0,%d}3:([^\x1d]*)" % (MOST_TAG_ZEROS, MOST_TAG_ZEROS))
_PADDING = rb"[\r\n\t \x00\x1a]{0,%d}\Z" % MOST_PADDING  # what mail programs and file copies leave behind
_IS_PADDING = re.compile(_PADDING)
_NEXT_RECORD = re.compile(rb"\x1c%s" % FIRST_TAG.pattern)
_LAST = re.compile(rb"\x1c%s" % _PADDING)
_PAYLOAD_FROM_TYPE = 10  # from Type-10 on, x.999 holds bytes that may look like separators

_STRUCTURE = "ANSI/NIST-ITL 1-2011, traditional encoding"


def read_transaction(data: bytes | bytearray | memoryview | mmap) -> Transaction:
    """The transaction in `data`, all of it: `write_transaction` gives the same bytes.

    Nothing is copied: values are views of `data`, which must not change while they are in use (a mapped file cannot be
    closed before). FormatError REC-001 to REC-006 where the bytes have not the structure of a transaction, or are cut
    off; REC-010 where they hold more than `limits` allows.
    """
    view = memoryview(data)
    if view.format != "B" or not view.c_contiguous:
        view = view.cast("B") if view.c_contiguous else memoryview(view.tobytes())
    refuse_more(len(view), MOST_BYTES, "bytes")
    _refuse_what_is_none(view)
    return _Reader(view).transaction()


def write_transaction(tx: Transaction) -> bytes:
    """The transaction's bytes: those that were read where nothing was changed."""
    chunks: list[bytes | memoryview] = []
    for record in tx.records:
        chunks.extend(record.chunks())
    chunks.append(tx.tail)
    return b"".join(chunks)


def looks_like_xml(data: bytes | bytearray | memoryview) -> bool:
    """True where the first bytes are those of an XML file in UTF-8 or UTF-16."""
    return _XML.match(data) is not None


def begins_as_transaction(head: bytes) -> bool:
    """True where a file's first few kilobytes are those of a transaction in either encoding."""
    match = FIRST_TAG.match(head)
    return (match is not None and int(match[1]) == 1) or (looks_like_xml(head) and _PACKAGE in head)


def contents(first: Record) -> list[tuple[int, int | None]]:
    """What 1.003 CNT of the Type-1 record lists: type and IDC of each further record, in order. Odd entries are left out."""
    found = first.field(3)
    return [] if found is None else _listed(bytes(found.value))


def _listed(value: bytes) -> list[tuple[int, int | None]]:
    listed = []
    for entry in value.split(RS)[1:]:
        kind, _, idc = entry.partition(US)
        record_type = number_in(kind)
        if record_type is not None:
            listed.append((record_type, number_in(idc)))
    return listed


def _refuse_what_is_none(data: memoryview) -> None:
    if looks_like_xml(data):
        raise FormatError(
            "REC-002",
            "the file is XML",
            offset=0,
            expected="a transaction in traditional encoding",
            remedy="read it with `read_any`, or ask the sender for the traditional encoding",
            clause=_STRUCTURE,
        )
    match = FIRST_TAG.match(data)
    if match is None or int(match[1]) != 1:
        raise FormatError(
            "REC-001",
            "the file does not begin with a Type-1 record" if data else "the file is empty",
            offset=0,
            expected='an ANSI/NIST-ITL transaction, which begins with "1.001:"',
            remedy="give a transaction, or a picture under its own format",
            clause=_STRUCTURE,
        )


@cache
def _payload_tag(record_type: int) -> re.Pattern[bytes]:
    """Everything from the GS before the first x.999 of that type up to its bytes, decoys passed over.

    A decoy is an x.999 that is a short text with another x.999 after it.
    """
    tag = rb"\x1d0{0,%d}%d\.0{0,%d}999:" % (MOST_TAG_ZEROS, record_type, MOST_TAG_ZEROS)
    return re.compile(rb"%s(?:[\x20-\x7e]{0,%d}%s)*+" % (tag, MOST_DECOY_CHARACTERS, tag))


class _Reader:
    """Walks once over the bytes. `_binary` holds the types of the binary records still to come, as 1.003 lists them."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._binary: deque[int] = deque()
        self._expected = 0
        self._fields = self._separators = 0
        self._guesses_left = MOST_GUESSES + len(data) // 128

    def transaction(self) -> Transaction:
        at = 0
        records: list[Record] = []
        while at < len(self._data):
            record, after = self._record(at, len(records) + 1)
            if record is None:
                break
            records.append(record)
            at = after
            refuse_more(len(records), MOST_RECORDS, "records", offset=at)
        return Transaction(tuple(records), self._data[at:])

    def _record(self, at: int, number: int) -> tuple[Record | None, int]:
        """The record at `at` and where it ends; None where what follows is no record, but may stand there."""
        match = FIRST_TAG.match(self._data, at)
        if match is not None:
            return self._tagged(at, match.end(), int(match[1]), number)
        if _IS_PADDING.match(self._data, at):
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

    def _binary_record(self, at: int, number: int) -> tuple[Record, int]:
        left = len(self._data) - at
        length = int.from_bytes(self._data[at : at + 4], "big")
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
        return Record.read(self._binary.popleft(), self._data[at : at + length], b""), at + length

    # ------------------------------------------------------------ tagged records

    def _tagged(self, at: int, value: int, record_type: int, number: int) -> tuple[Record, int]:
        digits = _DIGITS.match(self._data, value)
        stated = None if digits is None else at + int(digits[0])
        if record_type == 1:
            end = self._end_of_first(at, stated)
        elif stated is not None and value <= stated <= len(self._data) and self._starts(stated):
            end = stated
        else:
            end = self._end_by_separator(at, number)
        found = (
            None
            if record_type < _PAYLOAD_FROM_TYPE
            else _payload_tag(record_type).search(self._data, at, end or len(self._data))
        )
        payload = None if found is None else found.end()
        cut = stated is not None and stated > len(self._data)
        if end is None or (cut and payload is not None):  # a picture that is cut off: an FS in what is left is chance
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
        head = bytes(self._data[at : payload or end])
        self._fields += head.count(GS) + 1
        self._separators += head.count(RS) + head.count(US)
        refuse_more(self._fields, MOST_FIELDS, "fields", offset=at, record=number)
        refuse_more(self._separators, MOST_SEPARATORS, "subfields and items", offset=at, record=number)
        if record_type == 1:
            self._expect(head)
        close = FS if self._data[end - 1] == FS[0] else b""
        return Record.read(record_type, self._data[at:end], close, payload and payload - at), end

    def _expect(self, first: bytes) -> None:
        match = _CONTENTS.search(first, 0, len(first) - first.endswith(FS))
        if match is None:
            return
        refuse_more(first.count(RS, *match.span(1)), MOST_RECORDS, "records", record=1)
        listed = _listed(match[1])
        self._expected += len(listed)
        self._binary.extend(kind for kind, _ in listed if kind in BINARY_ITEMS)

    def _end_of_first(self, at: int, stated: int | None) -> int | None:
        found = _FS.search(self._data, at)
        if found is not None:
            return found.end()
        return stated if stated == len(self._data) else None

    def _end_by_separator(self, at: int, number: int) -> int | None:
        """Where a record whose LEN is wrong ends: at the first FS that a record, or the end, follows."""
        if not self._binary:
            found = _NEXT_RECORD.search(self._data, at)
            found = found or _LAST.search(self._data, max(at, len(self._data) - MOST_PADDING - 1))
            return None if found is None else found.start() + 1
        for found in _FS.finditer(self._data, at):
            self._guesses_left -= 1
            if self._starts(found.end()):
                return found.end()
            refuse_more(-self._guesses_left, 0, "separators in a record of wrong length", offset=at, record=number)
        return None

    def _starts(self, at: int) -> bool:
        """True where a record can begin at `at`, or the file ends there but for padding."""
        data = self._data
        if FIRST_TAG.match(data, at) is not None or _IS_PADDING.match(data, at) is not None:
            return True
        if self._binary and len(data) - at >= 5:
            length = int.from_bytes(data[at : at + 4], "big")
            after = at + length
            if length >= 5 and after <= len(data):
                return after == len(data) or len(self._binary) > 1 or FIRST_TAG.match(data, after) is not None
        return False
