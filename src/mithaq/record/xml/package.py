"""NIEM XML, both ways: ANSI/NIST-ITL 1-2011 with its updates and INT-I 6 read and written, the 2008 edition read.

    XML bytes ──read_xml──► Transaction ──write_xml──► XML bytes

What the other encoding cannot hold is told in the list that the caller passes as `losses`. Nobody has to believe the two
tables of paths: each way is checked by going back and comparing, so that an empty list means the same bytes, or the same
document, come back. LEN has no XML form and is counted anew; so is 1.003 CNT where it is not true.
"""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import pairwise

from mithaq.errors import FormatError
from mithaq.record.codec import contents
from mithaq.record.limits import XML_MOST_BYTES, XML_MOST_ELEMENTS, XML_MOST_RECORDS, over_xml_limit
from mithaq.record.loss import Loss, Losses
from mithaq.record.model import Field, Record, Transaction, with_contents, with_length
from mithaq.record.xml.leaves import Leaf, from_leaves, kept_fields, to_leaves
from mithaq.record.xml.parse import parse
from mithaq.record.xml.table import ONLY_2008, RECORDS, table
from mithaq.record.xml.write import chunks, elements_in, prefixes_of

_Leaves = Sequence[tuple[int, list[Leaf]]]


def read_xml(data: bytes | bytearray | memoryview, *, losses: list[Loss] | None = None) -> Transaction:
    """The transaction in a NIEM XML package. Payloads are decoded into the values; nothing else of `data` is kept.

    FormatError REC-030 to REC-036 where it is no package, is broken, or goes over a limit of `limits`. `losses` takes
    what a traditional transaction cannot hold: comments, unknown elements, values in another spelling.
    """
    found = Losses()
    package = parse(data, found)
    tx = _assembled(package.records)
    if losses is not None:
        if package.old:
            found.add("REC-050", "the package is of the 2008 edition; it is written back as one of 2011")
        _compare_package(package.records, tx, found, old=package.old)
        losses.extend(found.all())
    return tx


def write_xml(tx: Transaction, *, losses: list[Loss] | None = None) -> bytes:
    """The transaction as a NIEM XML package of 2011, with INT-I's elements where 1.013 names INT-I 6.

    Valid against the schemas where the values are those that the standard lists: nothing is mended on the way. `losses`
    takes what the package cannot hold: whole record types, odd fields, and spellings such as tags without zeros.
    """
    made = io.BytesIO()
    for chunk in xml_chunks(tx, losses=losses):
        made.write(chunk)
    return made.getvalue()


def xml_chunks(tx: Transaction, *, losses: list[Loss] | None = None) -> Iterator[bytes]:
    """As `write_xml`, a piece at a time: for files that should not be held whole a second time."""
    places, package = _spread(tx)
    if losses is not None:
        found = Losses()
        _compare_transaction(tx, places, _assembled(package), found)
        losses.extend(found.all())
    return chunks(package, prefixes_of(package))


def _spread(tx: Transaction) -> tuple[list[int], list[tuple[int, list[Leaf]]]]:
    """The records that XML has elements for: their places in the transaction, and their leaves."""
    int_i = _is_int_i(tx)
    homeless = ONLY_2008 | {1}
    places = [0, *(at for at, one in enumerate(tx.records) if one.type in RECORDS and one.type not in homeless)]
    records = _with_true_contents([tx.records[at] for at in places])
    package = [(record.type, to_leaves(record, _codec(tx, record), int_i=int_i)) for record in records]
    if len(package) > XML_MOST_RECORDS:
        raise over_xml_limit("the package would have too many records", f"at most {XML_MOST_RECORDS}")
    if sum(map(elements_in, (leaves for _, leaves in package))) > XML_MOST_ELEMENTS - 4 * len(package):
        raise over_xml_limit("the package would have too many elements", f"at most {XML_MOST_ELEMENTS}")
    if sum(len(leaf.value) for _, leaves in package for leaf in leaves) > XML_MOST_BYTES // 2:
        raise over_xml_limit("the package would be too large", f"at most {XML_MOST_BYTES // 2} bytes of values")
    return places, package


def _codec(tx: Transaction, record: Record) -> str:
    return "ascii" if record.type == 1 else tx.encoding


def _is_int_i(tx: Transaction) -> bool:
    """True where 1.013 DOM names INT-I 6, whose Type-2 has elements of its own."""
    name, version = tx.domain
    return name == "INT-I" and version.lstrip("0").startswith("6")


def _assembled(package: _Leaves) -> Transaction:
    """The transaction of these leaves. Text that 1.015 DCS cannot encode makes it UTF-8; a CNT that is not true is made."""
    try:
        first = from_leaves(1, package[0][1], "ascii")
    except FormatError:  # Type-1 is ASCII by rule: what is not cannot stand there
        plain = [leaf for leaf in package[0][1] if not isinstance(leaf.value, str) or leaf.value.isascii()]
        first = from_leaves(1, plain, "ascii")
    codec = Transaction((first,)).encoding
    try:
        others = [from_leaves(record_type, leaves, codec) for record_type, leaves in package[1:]]
    except FormatError as refusal:
        if refusal.code not in ("REC-022", "REC-023"):
            raise
        first = first.with_field(15, [["003", "UTF-8"]])
        others = [from_leaves(record_type, leaves, "utf-8") for record_type, leaves in package[1:]]
    return Transaction(tuple(_with_true_contents([first, *others])))


def _with_true_contents(records: list[Record]) -> list[Record]:
    """The records, 1.003 CNT made anew where it does not list them."""
    first, *others = records
    if first.field(3) is None or contents(first) != [(record.type, record.idc) for record in others]:
        first = with_contents(first, others)
    return [first, *others]


# ---------------------------------------------------------------- what XML cannot hold


def _compare_transaction(tx: Transaction, places: Sequence[int], back: Transaction, found: Losses) -> None:
    returned = dict(zip(places, back.records, strict=True))
    for at, record in enumerate(tx.records):
        if at in returned:
            _compare_record(at + 1, record, returned[at], found)
        else:
            kind = "a second Type-1" if record.type == 1 else f"Type-{record.type}"
            found.add("REC-040", f"{kind} has no element in the package; the record is left out", record=at + 1)
    if tx.tail:
        found.add("REC-044", "the bytes after the last record are left out")


def _compare_record(number: int, record: Record, back: Record, found: Losses) -> None:
    left: dict[int, deque[Field]] = {}
    for part in back.fields:
        left.setdefault(part.number, deque()).append(part)
    kept, returned = kept_fields(record), set(left)
    order = []
    for part in record.fields:
        if part.number == 1 and part.record_type == record.type:
            continue
        others = left.get(part.number, ())
        if others and part.record_type == record.type and part.value == others[0].value:
            order.append(left[part.number].popleft().number)
        else:
            code, reason = _why(record, part, kept.get(part.number) is part, part.number in returned)
            found.add(code, reason, record=number, field=part.name)
    if order != sorted(order):
        found.add("REC-044", "the order of the fields is not kept", record=number)
    if any(part.tag and part.tag != b"%d.%03d:" % (part.record_type, part.number) for part in record.fields):
        found.add("REC-044", "tags are not written with three digits; that is not kept", record=number)
    length, counted = record.field(1), with_length(record).field(1)
    if length is not None and counted is not None and length.value != counted.value:
        found.add("REC-044", "LEN is not the record's length; it is counted anew", record=number, field=length.name)
    if record.end != back.end:
        found.add("REC-044", "the record's end is not that of its type", record=number)


def _why(record: Record, part: Field, counts: bool, returned: bool) -> tuple[str, str]:
    if part.number == 0 or part.record_type != record.type:
        return "REC-044", "what is no field of this record is left out"
    if (record.type, part.number) == (1, 3):
        return "REC-044", "CNT is not what the package holds; it is made anew"
    if record.type == 1 and part.number not in table(1).rows:
        return "REC-041", "the field has no element; it is left out"
    if not counts:
        return "REC-043", "the field stands there more than once; one of them is kept"
    if not returned:
        return "REC-042", "the field's element cannot hold this value; it is left out"
    return "REC-042", "the field comes back in another spelling"


# ---------------------------------------------------------------- what a transaction cannot hold


def _compare_package(package: _Leaves, tx: Transaction, found: Losses, *, old: bool) -> None:
    int_i = _is_int_i(tx)
    for number, ((record_type, leaves), record) in enumerate(zip(package, tx.records, strict=True), 1):
        if any(leaf.key > after.key for leaf, after in pairwise(leaves)):
            found.add("REC-053", "the order of the elements is not kept where the schemas leave it free", record=number)
        back = {leaf.name: leaf for leaf in to_leaves(record, _codec(tx, record), int_i=int_i)}
        for leaf in leaves:
            other = back.pop(leaf.name, None)
            if other is None:
                _report(number, record_type, leaf, found, "REC-047", "a field cannot hold what the element says")
            elif other.value != leaf.value:
                _report(number, record_type, leaf, found, "REC-047", "the value comes back in another spelling")
            elif other.node is not leaf.node and not old:
                _report(number, record_type, leaf, found, "REC-047", "the value comes back in another element")
        for leaf in back.values():
            _report(number, record_type, leaf, found, "REC-051", "the transaction needs this element; it is added")


def _report(record: int, record_type: int, leaf: Leaf, found: Losses, code: str, reason: str) -> None:
    field = f"{record_type}.{leaf.name[0]:03d}"
    found.add(code, reason, record=record, field=field, place=f"{RECORDS[record_type]}/{leaf.node.path}")
