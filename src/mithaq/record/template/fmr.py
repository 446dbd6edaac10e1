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
from functools import partial

from mithaq.errors import FormatError
from mithaq.record.images import INCH_CM
from mithaq.record.minutiae import LEAST_PPI, MOST_PPI, impossible
from mithaq.record.template.octets import (
    Cursor,
    Extension,
    Parts,
    capture_bytes,
    extension_bytes,
    extensions_of,
    judge_length,
    number_bytes,
    packed,
    read_capture,
    soundest,
    too_much,
)
from mithaq.record.template.remarks import Fault, repeated_views

MAGIC = b"FMR\0"
MOST_BYTES = 32 * 1024 * 1024  # 255 views with 64 KiB of extensions are 17 MB
MOST_VIEWS = 255

_SCAN: Parts = (("width", 2), ("height", 2), ("x_scale", 2), ("y_scale", 2))
_VIEWS: Parts = (("views", 1), ("reserved", 1))
_PRODUCT: Parts = (("owner", 2), ("product", 2))
_VIEW_2004: Parts = (("position", 1), ("view_impression", 1), ("score", 1), ("count", 1))
_VIEW_2009: Parts = (
    ("position", 1), ("view", 1), ("impression", 1), ("score", 1), ("quality_vendor", 2), ("quality_algorithm", 2),
    *_SCAN, ("count", 1),
)  # fmt: skip
_VIEW_2011: Parts = (
    ("position", 1), ("view", 1), ("x_scale", 2), ("y_scale", 2), ("impression", 1), ("width", 2), ("height", 2),
    ("layout", 1), ("count", 1),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Layout:
    """One edition: the parts of its header after the length, of a view before its minutiae, and their widths in bytes.

    `length` is the width of the total length: 2 has a long variant of 2 + 4 bytes, marked by a zero. Where
    `captured`, a length of its own, how it was captured, and quality and certification blocks come before each view.
    """

    form: str
    versions: tuple[bytes, ...]
    length: int
    header: Parts
    view: Parts
    captured: bool = False


_20, _30, _35 = (b" 20\0", b"020\0"), (b"030\0",), (b"035\0",)
LAYOUTS: dict[str, Layout] = {
    row.form: row
    for row in (
        Layout("incits378-2004", _20, 2, (*_PRODUCT, ("device", 2), *_SCAN, *_VIEWS), _VIEW_2004),
        Layout("iso19794-2-2005", _20, 4, (("device", 2), *_SCAN, *_VIEWS), _VIEW_2004),
        Layout("incits378-2009", _30, 4, (*_PRODUCT, ("certified", 1), ("device", 2), *_VIEWS), _VIEW_2009),
        Layout("incits378-2009-draft", _30, 4, (*_PRODUCT, ("device", 2), *_VIEWS), _VIEW_2009),
        Layout("iso19794-2-2011", _30, 4, (("views", 2), ("certified", 1)), _VIEW_2011, captured=True),
        Layout("incits378-2009am1", _35, 4, (*_PRODUCT, ("certified", 1), ("device", 2), *_VIEWS), _VIEW_2009),
    )
}


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


def read_fmr(data: bytes | memoryview, form: str = "") -> MinutiaeRecord:
    """The record in `data`, its edition found out or given as `form`. Minutiae and extensions are views of `data`.

    FormatError REC-064 where it is none, REC-065 where it is cut off, REC-066 past the limits, REC-067 where size or
    resolution are impossible.
    """
    source = memoryview(data)
    if bytes(source[:4]) != MAGIC:
        raise FormatError("REC-064", "not a minutiae record", offset=0, expected="a file that begins with FMR")
    if len(source) > MOST_BYTES:
        raise too_much(f"{len(source)} bytes", f"at most {MOST_BYTES}")
    layouts = [row for row in LAYOUTS.values() if bytes(source[4:8]) in row.versions and form in ("", row.form)]
    if not layouts:
        raise FormatError("REC-064", "a minutiae record of an unknown version", offset=4, expected="020, 030 or 035")
    layouts.sort(key=lambda row: not _length_fits(source, row))
    return soundest([partial(_record, source, layout) for layout in layouts], lambda record: len(record.faults))


def write_fmr(record: MinutiaeRecord) -> bytes:
    """The record's bytes; lengths and counts are set right. FormatError REC-069 where a number does not fit its width."""
    layout = record.layout
    certified = bool(layout.captured and record.header["certified"])
    body = b"".join(_view_bytes(view, layout, certified) for view in record.views)
    counted = {**record.header, "views": len(record.views)}
    head = packed(layout.header, counted)
    width = 6 if record.long_length else layout.length
    total = 8 + width + len(head) + len(body)
    if width == 2 and total >= 1 << 16:
        width, total = 6, total + 4
    return MAGIC + record.version + number_bytes(total, width, "total length") + head + body


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
    judge_length(stated, cursor.at, len(data), faults)
    faults += repeated_views([(view.fields["position"], view_number(view.fields)) for view in views])
    return MinutiaeRecord(layout.form, bytes(data[4:8]), header, views, tuple(faults), long_length)


def view_number(fields: Mapping[str, int]) -> int:
    """The view's number, which the 2004 and 2005 editions keep in the high half of a byte."""
    return fields["view"] if "view" in fields else fields["view_impression"] >> 4


def _view(cursor: Cursor, layout: Layout, header: Mapping[str, int], faults: list[Fault], number: int) -> RecordView:
    start, end = cursor.at, cursor.end
    what = f"view {number}"
    fields: dict[str, int] = {}
    qualities = certificates = memoryview(b"")
    stated = 0
    if layout.captured:
        stated = cursor.number(4, what)
        fields, qualities, certificates = read_capture(cursor, bool(header["certified"]), what)
    fields |= cursor.numbers(layout.view, what)
    _require_scan(fields, layout.view, start)
    size = 6
    if layout.captured:
        size = fields["layout"] >> 4
        if size not in (5, 6):
            raise FormatError("REC-065", f"minutiae of {size} bytes", offset=start, expected="5 or 6")
    minutiae = cursor.take(size * fields["count"], what)
    if cursor.at == end:
        faults.append(Fault("REC-074", number, "it ends without the length of its extensions", "taken as none", end))
        return RecordView(fields, minutiae, size, (), qualities, certificates, start)
    extensions = extensions_of(cursor, cursor.number(2, what), faults, number)
    if layout.captured and stated != cursor.at - start:
        after = start + stated
        if cursor.at < after <= end:
            faults.append(
                Fault(
                    "REC-073", number, f"{after - cursor.at} bytes at its end belong to nothing", "ignored", cursor.at
                )
            )
            cursor.at = after
        else:
            faults.append(Fault("REC-072", number, "its length is not its content's", "the content counts", start))
    return RecordView(fields, minutiae, size, extensions, qualities, certificates, start)


def _require_scan(fields: Mapping[str, int], parts: Parts, offset: int) -> None:
    """Size and resolution must be possible: else nothing could be placed, or the record is of another edition."""
    if ("width", 2) not in parts:
        return
    scales = [fields[name] * INCH_CM for name in ("x_scale", "y_scale")]
    if not fields["width"] or not fields["height"] or not all(LEAST_PPI <= ppi <= MOST_PPI for ppi in scales):
        raise impossible(
            f"{fields['width']} x {fields['height']} pixels at {scales[0]:g} x {scales[1]:g} ppi", offset=offset
        )


def _view_bytes(view: RecordView, layout: Layout, certified: bool) -> bytes:
    blocks = extension_bytes(view.extensions)
    fields = {**view.fields, "count": len(view.minutiae) // view.size}
    made = packed(layout.view, fields) + view.minutiae + number_bytes(len(blocks), 2, "extensions") + blocks
    if not layout.captured:
        return made
    head = capture_bytes(fields, view.qualities, view.certificates, certified)
    return number_bytes(4 + len(head) + len(made), 4, "view") + head + made
