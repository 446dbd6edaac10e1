"""Finger image records of ISO/IEC 19794-4, editions 2005 and 2011, and of INCITS 381-2004.

    bytes ──read_fir──► ImageRecord(header, views, extension blocks) ──write_fir──► bytes
    ImageRecord ──finger_images──► FingerImage, ... (still compressed)  ──image_record──► ImageRecord

Pictures are views of the data. Numbers are kept as they stand, so a record without faults is written back as the same
bytes. Not done here: decoding pictures; packed pixels (compression 1), which are read and named, not unpacked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from mithaq.errors import FormatError
from mithaq.record.images import INCH_CM
from mithaq.record.minutiae import MOST_PPI, UNSTATED, settled
from mithaq.record.payload import payload_kind
from mithaq.record.template.octets import (
    NO_CAPTURE,
    Cursor,
    Extension,
    Parts,
    block_list,
    capture_bytes,
    extension_bytes,
    judge_length,
    number_bytes,
    packed,
    read_capture,
    soundest,
    too_much,
)
from mithaq.record.template.remarks import Fault, TemplateLoss, identifiers_lost, repeated_views
from mithaq.units import FingerPosition, PrintImage

MAGIC = b"FIR\0"
MOST_BYTES = 256 * 1024 * 1024
MOST_VIEWS = 255
FORM_2005, FORM_2011, FORM_381 = "iso19794-4-2005", "iso19794-4-2011", "incits381-2004"
IMAGE_FORMS = (FORM_2005, FORM_2011, FORM_381)
_VERSIONS = {FORM_2005: b"010\0", FORM_381: b"010\0", FORM_2011: b"020\0"}
_SCALES: Parts = (
    ("scale_units", 1), ("capture_x", 2), ("capture_y", 2), ("x_scale", 2), ("y_scale", 2), ("depth", 1),
    ("compression", 1),
)  # fmt: skip
_HEADER: dict[str, Parts] = {
    FORM_2005: (("device", 2), ("level", 2), ("views", 1), *_SCALES, ("reserved", 2)),
    FORM_381: (("owner", 2), ("product", 2), ("device", 2), ("level", 2), ("views", 1), *_SCALES, ("reserved", 2)),
    FORM_2011: (("views", 2), ("certified", 1), ("positions", 1)),
}
_VIEW_2005: Parts = (
    ("position", 1), ("view_count", 1), ("view", 1), ("score", 1), ("impression", 1), ("width", 2), ("height", 2),
    ("reserved", 1),
)  # fmt: skip
_VIEW_2011: Parts = (("position", 1), ("view", 1), *_SCALES, ("impression", 1), ("width", 2), ("height", 2))
_COMPRESSIONS = {
    FORM_2005: ("NONE", "PACKED", "WSQ20", "JPEGB", "JP2", "PNG"),
    FORM_381: ("NONE", "PACKED", "WSQ20", "JPEGB", "JP2", "PNG"),
    FORM_2011: ("NONE", "PACKED", "WSQ20", "JPEGB", "JP2", "JP2L", "PNG"),
}
_UNITS = {1: 1.0, 2: INCH_CM}
_IDENTIFIERS = ("owner", "product", "device", "vendor", "technology", "certified", "level")


@dataclass(frozen=True, slots=True)
class ImageView:
    """One view as it stands: `fields` by the names of the layout, its picture, and the blocks after it."""

    fields: Mapping[str, int]
    data: memoryview = field(repr=False)
    extensions: tuple[Extension, ...] = ()
    qualities: memoryview = field(default=memoryview(b""), repr=False)
    certificates: memoryview = field(default=memoryview(b""), repr=False)
    offset: int = 0


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """A whole record. In the 2005 edition and 381 the header states scale, depth and compression for all views."""

    form: str
    header: Mapping[str, int]
    views: tuple[ImageView, ...]
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class FingerImage:
    """One finger's picture, still compressed. `compression` is a Type-14 code, or PACKED; `score` -1 where none is stated.

    `position` is the file's code, which may name a palm; `ppi` None where the scale units are unknown.
    """

    position: int
    impression: int
    compression: str
    width: int
    height: int
    ppi: float | None
    ppi_y: float | None
    depth: int
    view: int
    score: int
    data: memoryview = field(repr=False)

    def print_image(self) -> PrintImage:
        """As other rooms take it; a position that is no finger becomes UNKNOWN, and unlike scales give no resolution."""
        known = self.position in FingerPosition.__members__.values()
        return PrintImage(
            FingerPosition(self.position) if known else FingerPosition.UNKNOWN,
            self.impression,
            self.compression,
            self.width,
            self.height,
            self.ppi if self.ppi == self.ppi_y else None,
            bytes(self.data),
        )


def read_fir(data: bytes | memoryview) -> ImageRecord:
    """The record in `data`. FormatError REC-064 to REC-067 where it is none, cut off, past the limits or impossible."""
    source = memoryview(data)
    forms = [form for form, version in _VERSIONS.items() if bytes(source[4:8]) == version]
    if bytes(source[:4]) != MAGIC or not forms:
        raise FormatError("REC-064", "not a finger image record", offset=0, expected="FIR of version 010 or 020")
    if len(source) > MOST_BYTES:
        raise too_much(f"{len(source)} bytes", f"at most {MOST_BYTES}")
    return soundest([partial(_record, source, form) for form in forms], lambda record: len(record.faults))


def _record(source: memoryview, form: str) -> ImageRecord:
    faults: list[Fault] = []
    cursor = Cursor(source, 8)
    stated = cursor.number(4 if form == FORM_2011 else 6, "the length")
    header = cursor.numbers(_HEADER[form], "the header")
    if not 0 < header["views"] <= MOST_VIEWS:
        raise too_much(f"{header['views']} views", f"1 to {MOST_VIEWS}")
    if form != FORM_2011 and header["scale_units"] not in _UNITS:
        faults.append(Fault("REC-079", 0, "scale units that are not listed", "no resolution is read", cursor.at))
    read = _view_2011 if form == FORM_2011 else _view_2005
    views = tuple(read(cursor, header, faults, number) for number in range(1, header["views"] + 1))
    judge_length(stated, cursor.at, len(source), faults)
    faults += repeated_views([(view.fields["position"], view.fields["view"]) for view in views])
    return ImageRecord(form, header, views, tuple(faults))


def write_fir(record: ImageRecord) -> bytes:
    """The record's bytes; lengths and counts are set right. FormatError REC-069 where a number does not fit its width."""
    old = record.form != FORM_2011
    body = b"".join(_bytes_2005(view) if old else _bytes_2011(view, record.header) for view in record.views)
    head = packed(_HEADER[record.form], {**record.header, "views": len(record.views)})
    width = 6 if old else 4
    total = 8 + width + len(head) + len(body)
    return MAGIC + _VERSIONS[record.form] + number_bytes(total, width, "total length") + head + body


def finger_images(record: ImageRecord) -> tuple[tuple[FingerImage, ...], tuple[Fault, ...], tuple[TemplateLoss, ...]]:
    """The pictures, what was wrong with their numbers, and what the plain values do not carry."""
    faults, dropped = list(record.faults), list[TemplateLoss]()
    found = tuple(_image(record, view, number, faults, dropped) for number, view in enumerate(record.views, 1))
    dropped += identifiers_lost((record.header, *(view.fields for view in record.views)), _IDENTIFIERS)
    return found, tuple(faults), tuple(dropped)


def image_record(found: Sequence[FingerImage], form: str) -> ImageRecord:
    """A record of that form with these pictures.

    FormatError REC-069 for a compression, scale or position that the form cannot state, and in the 2005 edition for
    pictures of unlike scale, depth or compression, which its header states for all; REC-066 for more than 255.
    """
    if len(found) > MOST_VIEWS:
        raise too_much(f"{len(found)} views", f"at most {MOST_VIEWS}")
    if not found:
        raise FormatError("REC-069", "there is no picture to write", expected="one at least")
    scales = [_scales(one, form) for one in found]
    if form != FORM_2011:
        if any(part != scales[0] for part in scales):
            raise FormatError(
                "REC-069",
                "the pictures differ in scale, depth or compression",
                expected="one of each for all of them",
                remedy=f"write them one by one, or as {FORM_2011}",
            )
        header = {**dict.fromkeys((name for name, _ in _HEADER[form]), 0), **scales[0]}
    else:
        header = {"views": 0, "certified": 0, "positions": len({one.position for one in found})}
    count = {one.position: sum(other.position == one.position for other in found) for one in found}
    views = []
    for one, scale in zip(found, scales, strict=True):
        fields = {name: getattr(one, name) for name in ("position", "view", "impression", "width", "height")}
        qualities = b""
        if form != FORM_2011:
            fields |= {"view_count": count[one.position], "score": one.score if one.score >= 0 else 254, "reserved": 0}
        else:
            fields |= scale | NO_CAPTURE
            qualities = bytes((one.score, 0, 0, 0, 0)) if one.score >= 0 else b""
        views.append(ImageView(fields, one.data, (), memoryview(qualities)))
    return ImageRecord(form, header, tuple(views))


# ---------------------------------------------------------------- views


def _view_2005(cursor: Cursor, header: Mapping[str, int], faults: list[Fault], number: int) -> ImageView:
    start, what = cursor.at, f"view {number}"
    stated = cursor.number(4, what)
    fields = cursor.numbers(_VIEW_2005, what)
    size = stated - (cursor.at - start)
    if size < 0:
        raise _short(stated, start)
    return ImageView(fields, cursor.take(size, what), offset=start)


def _view_2011(cursor: Cursor, header: Mapping[str, int], faults: list[Fault], number: int) -> ImageView:
    start, what = cursor.at, f"view {number}"
    stated = cursor.number(4, what)
    fields, qualities, certificates = read_capture(cursor, bool(header["certified"]), what)
    fields |= cursor.numbers(_VIEW_2011, what)
    data = cursor.take(cursor.number(4, what), what)
    end = start + stated
    if end < cursor.at or end > cursor.end:
        faults.append(Fault("REC-072", number, "its length is not its content's", "the content counts", start))
        end = cursor.at
    extensions = block_list(cursor, end, faults, number)
    return ImageView(fields, data, extensions, qualities, certificates, start)


def _short(stated: int, offset: int) -> FormatError:
    return FormatError("REC-065", f"a view of {stated} bytes", offset=offset, expected="at least its header's size")


def _bytes_2005(view: ImageView) -> bytes:
    body = packed(_VIEW_2005, view.fields)
    return b"".join((number_bytes(4 + len(body) + len(view.data), 4, "view"), body, view.data))


def _bytes_2011(view: ImageView, header: Mapping[str, int]) -> bytes:
    head = capture_bytes(view.fields, view.qualities, view.certificates, bool(header["certified"]))
    head += packed(_VIEW_2011, view.fields) + number_bytes(len(view.data), 4, "picture")
    blocks = extension_bytes(view.extensions)
    return b"".join((number_bytes(4 + len(head) + len(view.data) + len(blocks), 4, "view"), head, view.data, blocks))


def _image(
    record: ImageRecord, view: ImageView, number: int, faults: list[Fault], dropped: list[TemplateLoss]
) -> FingerImage:
    fields = {**record.header, **view.fields}
    unit = _UNITS.get(fields["scale_units"])
    scales: list[float | None] = [
        None if unit is None else settled(fields[name], unit) for name in ("x_scale", "y_scale")
    ]
    names = _COMPRESSIONS[record.form]
    compression = names[fields["compression"]] if fields["compression"] < len(names) else str(fields["compression"])

    def fault(code: str, is_so: bool, problem: str, done: str) -> None:
        if is_so:
            faults.append(Fault(code, number, problem, done, view.offset))

    if not fields["width"] or not fields["height"]:
        raise FormatError("REC-067", "a width or height of zero", offset=view.offset, expected="the picture's size")
    fault(
        "REC-079", unit is None and record.form == FORM_2011, "scale units that are not listed", "no resolution is read"
    )
    fault("REC-079", unit is not None and not all(scales), "a resolution of zero", "no resolution is read")
    fault("REC-079", fields["compression"] >= len(names), "a compression that is not listed", "kept as a number")
    shown = payload_kind(view.data)
    unlike = shown and shown not in (compression, compression.removesuffix("L"))
    fault("REC-080", bool(unlike), f"a picture stated as {compression} begins as {shown}", "the statement is kept")
    pixels = fields["width"] * fields["height"] * ((fields["depth"] + 7) // 8)
    wrong = compression == "NONE" and pixels != len(view.data)
    fault("REC-080", wrong, "an uncompressed picture of another size than its pixels", "kept as it is")
    score = view.qualities[0] if view.qualities else fields.get("score", 255)
    if view.extensions:
        dropped.append(TemplateLoss("REC-089", number, f"{len(view.extensions)} extension blocks stay in the record"))
    return FingerImage(
        position=fields["position"],
        impression=fields["impression"],
        compression=compression,
        width=fields["width"],
        height=fields["height"],
        ppi=scales[0] or None,
        ppi_y=scales[1] or None,
        depth=fields["depth"],
        view=fields["view"],
        score=score if score <= 100 else UNSTATED,
        data=view.data,
    )


def _scales(one: FingerImage, form: str) -> dict[str, int]:
    names = _COMPRESSIONS[form]
    spelt = "JP2" if one.compression == "JP2L" and form != FORM_2011 else one.compression
    if spelt not in names or one.ppi is None or one.ppi_y is None or not max(one.ppi, one.ppi_y) <= MOST_PPI:
        raise FormatError(
            "REC-069",
            f"a picture of compression {one.compression} at {one.ppi or 0:g} ppi",
            expected=f"one of {', '.join(names)}, with its resolution",
        )
    scale = {"x_scale": round(one.ppi), "y_scale": round(one.ppi_y)}
    captured = {"capture_x": scale["x_scale"], "capture_y": scale["y_scale"]}
    return {"scale_units": 1, **captured, **scale, "depth": one.depth, "compression": names.index(spelt)}


def image_losses(before: FingerImage, after: FingerImage, view: int) -> tuple[TemplateLoss, ...]:
    """What `after`, read back from the target, has no longer of `before`."""
    found = []
    for name, code in (
        ("position", "REC-087"), ("impression", "REC-087"), ("view", "REC-087"), ("score", "REC-082"),
        ("ppi", "REC-088"), ("ppi_y", "REC-088"), ("compression", "REC-089"), ("depth", "REC-089"),
    ):  # fmt: skip
        if getattr(before, name) != getattr(after, name):
            found.append(TemplateLoss(code, view, f"the {name} cannot be written as it is"))
    return tuple(found)
