"""Where each record and field begins in the bytes of a transaction, found in one pass.

    Transaction ──offsets──► Places: record 3 at 1204, its fields at 1204, 1216, ...

Offsets count from the first byte of the file as read (or as it would be written), for findings and for people with a hex
editor. Not done here: what stands there.
"""

from __future__ import annotations

from itertools import accumulate

from mithaq.record.model import RS, US, Transaction


class Places:
    """Byte offsets of the records (numbered from 1), their fields and items; one record and one field are kept at a time."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._starts = [0, *accumulate(record.size for record in tx.records)]
        self._index = 0
        self._fields: tuple[int, ...] = ()
        self._first: dict[int, int] = {}  # of each field number in the record at hand
        self._cut = (0, 0)  # the field whose subfields are at hand
        self._subfields: list[bytes] = []
        self._subfield_starts: list[int] = []

    def record(self, index: int) -> int:
        """Where record `index` begins."""
        return self._starts[index - 1]

    @property
    def tail(self) -> int:
        """Where the last record ends."""
        return self._starts[-1]

    def fields(self, index: int) -> tuple[int, ...]:
        """Where each field of record `index` begins, its tag included."""
        if index != self._index:
            record = self._tx.records[index - 1]
            gap = 0 if record.is_binary else 1
            sizes = (part.size + gap for part in record.fields[:-1])
            self._index, self._fields = index, tuple(accumulate(sizes, initial=self._starts[index - 1]))
            self._first = {
                part.number: start
                for part, start in zip(reversed(record.fields), reversed(self._fields), strict=True)
                if part.number and part.record_type == record.type
            }
        return self._fields

    def field(self, index: int, number: int) -> int:
        """Where the first field of that number begins in record `index`; the record's own beginning where it has none."""
        self.fields(index)
        return self._first.get(number, self.record(index))

    def item(self, index: int, number: int, subfield: int, item: int = 0) -> int:
        """Where a subfield of that field begins, or an item of it, both counted from 1; 0 is the field itself."""
        if (index, number) != self._cut:
            part = self._tx.records[index - 1].field(number)
            if part is None or part.is_binary_item or not subfield:
                return self.field(index, number)
            self._cut, self._subfields = (index, number), bytes(part.value).split(RS)
            first = self.field(index, number) + len(part.tag)
            self._subfield_starts = [*accumulate((len(one) + 1 for one in self._subfields), initial=first)]
        if not subfield:
            return self.field(index, number)
        items = self._subfields[subfield - 1].split(US)[: max(item - 1, 0)]
        return self._subfield_starts[subfield - 1] + sum(len(one) + 1 for one in items)


def offsets(tx: Transaction) -> Places:
    """The byte offsets of the transaction's records and fields."""
    return Places(tx)
