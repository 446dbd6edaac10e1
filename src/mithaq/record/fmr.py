"""Finger minutiae records: the binary templates of INCITS 378 and ISO/IEC 19794-2, every edition, from one table.

    bytes ──read_fmr──► MinutiaeRecord(header, views, raw minutiae, extension blocks) ──write_fmr──► bytes

Numbers are kept as they stand in the file, so a record without faults is written back as the same bytes. The editions
share magic and version strings: each that the version allows is tried, and the one with the fewest faults is taken, in
the order that the length field suggests. Lengths are never believed beyond the data. Not done here: what numbers mean
(`fmr_views`), the on-card forms, which have no header to know them by.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mithaq.errors import FormatError
from mithaq.record.remarks import Fault, duplicates

MAGIC = b"FMR\0"
MOST_BYTES = 32 * 1024 * 1024  # 255 views with 64 KiB of extensions are 17 MB
MOST_VIEWS = 255
_BLOCK_HEAD = 4

Parts = tuple[tuple[str, int], ...]

_SCAN: Parts = (("width", 2), ("height", 2), ("x_scale", 2), ("y_scale", 2))
_VIEWS: Parts = (("views", 1), ("reserved", 1))
_PRODUCT: Parts = (("owner", 2), ("product", 2))
_VIEW_2004: Parts = (("position", 1), ("view_impression", 1), ("score", 1), ("count", 1))
_VIEW_2009: Parts = (
    ("position", 1), ("view", 1), ("impression", 1), ("score", 1), ("quality_vendor", 2), ("quality_algorithm", 2),
    *_SCAN, ("count", 1),
)  # fmt: skip
_CAPTURE_2011: Parts = (("capture_time", 9), ("technology", 1), ("vendor", 2), ("device", 2))
_VIEW_2011: Parts = (
    ("position", 1), ("view", 1), ("x_scale", 2), ("y_scale", 2), ("impression", 1), ("width", 2), ("height", 2),
    ("layout", 1), ("count", 1),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Layout:
    """One edition: the parts of its header after the length, of a view before its minutiae, and their widths in bytes.

    `length` is the width of the total length: 2 has a long variant of 2 + 4 bytes, marked by a zero. `capture` parts,
    quality and certification blocks and a length of its own come before each view where `capture` is not empty.
    """

    form: str
    versions: tuple[bytes, ...]
    length: int
    header: Parts
    view: Parts
    capture: Parts = ()


_20, _30, _35 = (b" 20\0", b"020\0"), (b"030\0",), (b"035\0",)
LAYOUTS: dict[str, Layout] = {
    row.form: row
    for row in (
        Layout("incits378-2004", _20, 2, (*_PRODUCT, ("device", 2), *_SCAN, *_VIEWS), _VIEW_2004),
        Layout("iso19794-2-2005", _20, 4, (("device", 2), *_SCAN, *_VIEWS), _VIEW_2004),
        Layout("incits378-2009", _30, 4, (*_PRODUCT, ("certified", 1), ("device", 2), *_VIEWS), _VIEW_2009),
        Layout("incits378-2009-draft", _30, 4, (*_PRODUCT, ("device", 2), *_VIEWS), _VIEW_2009),
        Layout("iso19794-2-2011", _30, 4, (("views", 2), ("certified", 1)), _VIEW_2011, _CAPTURE_2011),
        Layout("incits378-2009am1", _35, 4, (*_PRODUCT, ("certified", 1), ("device", 2), *_VIEWS), _VIEW_2009),
    )
}


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension block: its type (1 ridge counts, 2 cores and deltas, 3 zonal quality, others a vendor's) and content.

    `head` is how many of its first four bytes its length counts: 4, or 0 in files of some writers of 19794-2:2005.
    """

    type: int
    data: memoryview = field(repr=False)
    head: int = _BLOCK_HEAD


@dataclass(frozen=True, slots=True)
class RecordView:
    """One view as it stands: `fields` by the names of the layout, `minutiae` of `size` bytes each, its extensions."""

    fields: Mapping[str, int]
    minutiae: memoryview = field(repr=False)
    size: int = 6
    extensions: tuple[Extension, ...] = ()
    qualities: memoryview = field(default=memoryview(b""), repr=False)  # blocks of 5: score, vendor 2, algorithm 2
    certificates: memoryview = field(default=memoryview(b""), repr=False)  # blocks of 3: authority 2, scheme
    offset: int = 0


@dataclass(frozen=True, slots=True)
class MinutiaeRecord:
    """A whole record. `header` is named by the layout; in the 2004 and 2005 editions it states size and resolution."""

    form: str
    version: bytes
    header: Mapping[str, int]
    views: tuple[RecordView, ...]
    faults: tuple[Fault, ...] = ()
    long_length: bool = False

    @property
    def layout(self) -> Layout:
        return LAYOUTS[self.form]


def read_fmr(data: bytes | memoryview) -> MinutiaeRecord:
    """The record in `data`, its edition found out. Minutiae and extensions are views of `data`.

    FormatError REC-064 where it is none, REC-065 where it is cut off, REC-066 past the limits, REC-067 where size or
    resolution are impossible.
    """
    source = memoryview(data)
    if bytes(source[:4]) != MAGIC:
        raise FormatError("REC-064", "not a minutiae record", offset=0, expected="a file that begins with FMR")
    if len(source) > MOST_BYTES:
        raise too_much(f"{len(source)} bytes", f"at most {MOST_BYTES}")
    layouts = [row for row in LAYOUTS.values() if bytes(source[4:8]) in row.versions]
    if not layouts:
        raise FormatError("REC-064", "a minutiae record of an unknown version", offset=4, expected="020, 030 or 035")
    layouts.sort(key=lambda row: not _length_fits(source, row))
    read: list[MinutiaeRecord] = []
    first: FormatError | None = None
    for layout in layouts:
        try:
            read.append(_record(source, layout))
        except FormatError as error:
            first = first or error
    if first is not None and not read:
        raise first
    return min(read, key=lambda record: len(record.faults))


def write_fmr(record: MinutiaeRecord) -> bytes:
    """The record's bytes; lengths and counts are set right. FormatError REC-069 where a number does not fit its width."""
    layout = record.layout
    certified = bool(layout.capture and record.header["certified"])
    body = b"".join(_view_bytes(view, layout, certified) for view in record.views)
    counted = {**record.header, "views": len(record.views)}
    head = _packed(layout.header, counted)
    width = 6 if record.long_length else layout.length
    total = 8 + width + len(head) + len(body)
    if width == 2 and total >= 1 << 16:
        width, total = 6, total + 4
    return MAGIC + record.version + _number(total, width, "total length") + head + body


def too_much(met: str, expected: str) -> FormatError:
    """The error for sizes and counts past the limits."""
    return FormatError("REC-066", met, expected=expected, remedy="split the file, or ask for a smaller one")


class Cursor:
    """Takes numbers and bytes from `data` one after another, up to `end`; FormatError REC-065 where they run out."""

    def __init__(self, data: memoryview, at: int = 0, end: int | None = None) -> None:
        self.data, self.at = data, at
        self.end = len(data) if end is None else end

    def take(self, size: int, what: str) -> memoryview:
        after = self.at + size
        if after > self.end:
            raise FormatError(
                "REC-065",
                f"the data end inside {what}",
                offset=self.at,
                expected=f"{size} bytes, {max(self.end - self.at, 0)} are left",
                remedy="the file is cut off or damaged: ask for it again",
            )
        found = self.data[self.at : after]
        self.at = after
        return found

    def number(self, width: int, what: str) -> int:
        return int.from_bytes(self.take(width, what), "big")

    def numbers(self, parts: Parts, what: str) -> dict[str, int]:
        return {name: self.number(width, what) for name, width in parts}


def _length_fits(data: memoryview, layout: Layout) -> bool:
    """Whether the length field, read as the edition's, lies near the data's size: what tells 378-2004 from 19794-2."""
    stated = int.from_bytes(data[8 : 8 + layout.length], "big")
    if layout.length == 2 and not stated:
        stated = int.from_bytes(data[10:14], "big")
    return 0 < stated <= len(data)


def _record(data: memoryview, layout: Layout) -> MinutiaeRecord:
    faults: list[Fault] = []
    cursor = Cursor(data, 8)
    stated = cursor.number(layout.length, "the length")
    long_length = layout.length == 2 and stated == 0
    if long_length:
        stated = cursor.number(4, "the length")
    header = cursor.numbers(layout.header, "the header")
    if header.get("reserved"):
        faults.append(Fault("REC-077", 0, "a reserved byte is not zero", "kept", cursor.at - 1))
    if not 0 < header["views"] <= MOST_VIEWS:
        raise too_much(f"{header['views']} views", f"1 to {MOST_VIEWS}")
    _require_scan(header, layout.header, cursor.at)
    views = tuple(_view(cursor, layout, header, faults, number) for number in range(1, header["views"] + 1))
    _judge_length(stated, cursor.at, len(data), faults)
    numbers = [(view.fields["position"], view_number(view.fields)) for view in views]
    for number in duplicates(numbers):
        faults.append(Fault("REC-078", number, "the finger has an earlier view of the same number", "both are read"))
    return MinutiaeRecord(layout.form, bytes(data[4:8]), header, views, tuple(faults), long_length)


def view_number(fields: Mapping[str, int]) -> int:
    """The view's number, which the 2004 and 2005 editions keep in the high half of a byte."""
    return fields["view"] if "view" in fields else fields["view_impression"] >> 4


def _view(
    cursor: Cursor, layout: Layout, header: Mapping[str, int], faults: list[Fault], number: int
) -> RecordView:
    start, end = cursor.at, cursor.end
    what = f"view {number}"
    fields: dict[str, int] = {}
    qualities = certificates = memoryview(b"")
    stated = 0
    if layout.capture:
        stated = cursor.number(4, what)
        fields = cursor.numbers(layout.capture, what)
        qualities = cursor.take(5 * cursor.number(1, what), what)
        if header["certified"]:
            certificates = cursor.take(3 * cursor.number(1, what), what)
    fields |= cursor.numbers(layout.view, what)
    _require_scan(fields, layout.view, start)
    size = 6
    if layout.capture:
        size = fields["layout"] >> 4
        if size not in (5, 6):
            raise FormatError("REC-065", f"minutiae of {size} bytes", offset=start, expected="5 or 6")
    minutiae = cursor.take(size * fields["count"], what)
    extensions = _extensions(cursor, cursor.number(2, what), faults, number)
    if layout.capture and stated != cursor.at - start:
        after = start + stated
        if cursor.at < after <= end:
            faults.append(
                Fault("REC-073", number, f"{after - cursor.at} bytes at its end belong to nothing", "ignored", cursor.at)
            )
            cursor.at = after
        else:
            faults.append(Fault("REC-072", number, "its length is not its content's", "the content counts", start))
    return RecordView(fields, minutiae, size, extensions, qualities, certificates, start)


def _extensions(cursor: Cursor, total: int, faults: list[Fault], number: int) -> tuple[Extension, ...]:
    start, end = cursor.at, cursor.at + total
    if end > cursor.end:
        problem = f"extensions of {total} bytes end past the data"
        faults.append(Fault("REC-074", number, problem, "cut to what is there", start))
        end = cursor.end
    head = 0 if _tiles(cursor.data, start, end, 0) and not _tiles(cursor.data, start, end, _BLOCK_HEAD) else _BLOCK_HEAD
    if not head and start < end:
        faults.append(
            Fault("REC-074", number, "extension lengths leave out their own four bytes", "read and kept so", start)
        )
    found = []
    while cursor.at + _BLOCK_HEAD <= end:
        at = cursor.at
        kind, length = cursor.number(2, "an extension"), cursor.number(2, "an extension")
        size = min(max(length - head, 0), end - cursor.at)
        if length != size + head:
            problem = f"an extension block of {length} bytes does not fit"
            faults.append(Fault("REC-074", number, problem, "cut to what is there", at))
        found.append(Extension(kind, cursor.take(size, "an extension"), head))
    if cursor.at < end:
        problem = f"{end - cursor.at} bytes after the last extension block"
        faults.append(Fault("REC-074", number, problem, "ignored", cursor.at))
        cursor.at = end
    return tuple(found)


def _tiles(data: memoryview, at: int, end: int, head: int) -> bool:
    """Whether blocks whose lengths count `head` bytes of their own heads fill the space exactly."""
    while at + _BLOCK_HEAD <= end:
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if length < head:
            return False
        at += length + _BLOCK_HEAD - head
    return at == end


def _judge_length(stated: int, used: int, present: int, faults: list[Fault]) -> None:
    if stated < used or stated > present:
        problem = f"the total length says {stated} bytes, the content has {used}"
        faults.append(Fault("REC-072", 0, problem, "the content counts", 8))
    elif stated > used:
        problem = f"{stated - used} bytes within the total length belong to nothing"
        faults.append(Fault("REC-073", 0, problem, "ignored", used))
    if present > max(used, stated):
        problem = f"{present - max(used, stated)} bytes after the record"
        faults.append(Fault("REC-073", 0, problem, "ignored", max(used, stated)))


def _require_scan(fields: Mapping[str, int], parts: Parts, offset: int) -> None:
    """Size and resolution are never zero: nothing could be placed."""
    names = [name for name, _ in _SCAN if (name, 2) in parts]
    if any(not fields[name] for name in names):
        raise FormatError(
            "REC-067",
            "a width, height or resolution of zero",
            offset=offset,
            expected="the size of the picture and its resolution",
            remedy="the file is damaged, or made by a faulty program: ask for it again",
        )


def _view_bytes(view: RecordView, layout: Layout, certified: bool) -> bytes:
    blocks = b"".join(
        _number(block.type, 2, "extension") + _number(len(block.data) + block.head, 2, "extension") + block.data
        for block in view.extensions
    )
    fields = {**view.fields, "count": len(view.minutiae) // view.size}
    made = _packed(layout.view, fields) + view.minutiae + _number(len(blocks), 2, "extensions") + blocks
    if not layout.capture:
        return made
    head = _packed(layout.capture, fields) + _number(len(view.qualities) // 5, 1, "qualities") + view.qualities
    if certified:
        head += _number(len(view.certificates) // 3, 1, "certificates") + view.certificates
    return _number(4 + len(head) + len(made), 4, "view") + head + made


def _packed(parts: Parts, values: Mapping[str, int]) -> bytes:
    return b"".join(_number(values[name], width, name) for name, width in parts)


def _number(value: int, width: int, what: str) -> bytes:
    try:
        return value.to_bytes(width, "big")
    except OverflowError:
        raise FormatError(
            "REC-069", f"the {what} is {value}", expected=f"at most {256**width - 1}", remedy="choose another form"
        ) from None
