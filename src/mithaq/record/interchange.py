"""Templates in any form: known by their first bytes, read to plain views, written to another form with what that dropped.

    bytes ──read_template──► TemplateFile(form, views, faults, losses)          views ──write_template──► Written(data, losses)

Forms: `FORMS`. A Type-9 form is written as records without a transaction around them, and read so, too; from a transaction
every Type-9 record is read. Not done here: pictures of a transaction (`images`), faces and irises, the on-card forms of
19794-2, which have no header to know them by, ISO/IEC 39794, binary CBEFF.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mithaq.errors import FormatError
from mithaq.record.codec import looks_like_xml, read_transaction
from mithaq.record.minutiae import CONVENTIONS, Minutiae, fitted
from mithaq.record.model import FIRST_TAG, Record, Transaction
from mithaq.record.template import cbeff, fmr, fmr_views, iso19794_4
from mithaq.record.template.iso19794_4 import IMAGE_FORMS, FingerImage
from mithaq.record.template.octets import too_much
from mithaq.record.template.remarks import Fault, TemplateLoss, losses
from mithaq.record.template.type9 import Picture, picture_of, type9_views
from mithaq.record.template.type9_write import type9_record

View = Minutiae | FingerImage
TYPE9_FORMS = ("type9-legacy", "type9-m1", "type9-efs")
_UNSIZED = ("type9-legacy", "type9-efs")
CBEFF_FORM = "cbeff-xml"
FORMS = (*TYPE9_FORMS, *fmr.LAYOUTS, *IMAGE_FORMS, CBEFF_FORM)
MOST_RECORDS = 99  # IDC
_INNER_MINUTIAE, _INNER_IMAGE = "iso19794-2-2011", iso19794_4.FORM_2011
_HEAD = b"1.001:34\x1d1.003:1\x1f1\x1e9\x1f01\x1d1.004:X\x1c"  # gives records of Type-9 alone a beginning
_OTHERS = {b"FAC\0": "a face record (19794-5)", b"IIR\0": "an iris record (19794-6)", b"MTQF": "mithaq's own template"}

Reading = tuple[tuple[tuple[str, View], ...], tuple[Fault, ...], tuple[TemplateLoss, ...]]


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """What a file holds: its form, its views with the form of each, what was wrong, and what the views do not carry."""

    form: str
    views: tuple[View, ...]
    forms: tuple[str, ...]
    faults: tuple[Fault, ...]
    losses: tuple[TemplateLoss, ...]

    def __iter__(self) -> Iterator[View]:
        return iter(self.views)

    def __len__(self) -> int:
        return len(self.views)


@dataclass(frozen=True, slots=True)
class Written:
    """A file that was written, and what it cannot hold of what it was made from."""

    data: bytes = field(repr=False)
    losses: tuple[TemplateLoss, ...]


def read_template(data: bytes | memoryview) -> TemplateFile:
    """The views in `data`, whatever form it has.

    FormatError REC-064 where no form is known by it, REC-065 to REC-071 where it cannot be read; of a transaction also
    REC-001 to REC-009.
    """
    head = bytes(data[:64])
    if head[:4] == fmr.MAGIC:
        return _file("", _read_fmr(data))
    if head[:4] == iso19794_4.MAGIC:
        return _file("", _read_fir(data))
    tag = FIRST_TAG.match(head)
    if tag is not None and int(tag[1]) == 1:
        return _file("type9", _read_records(read_transaction(data)))
    if tag is not None and int(tag[1]) == 9:
        return _file("type9", _read_records(_bare(bytes(data))))
    if looks_like_xml(head):
        return _file(CBEFF_FORM, _read_cbeff(data))
    raise FormatError(
        "REC-064",
        f"{_OTHERS[head[:4]]} is not read here" if head[:4] in _OTHERS else "a file of no form that is known here",
        offset=0,
        expected="FMR, FIR, a Type-9 record, a transaction with one, or CBEFF in XML",
        remedy="say in which form the sender wrote it",
    )


def write_template(views: Sequence[View], form: str) -> Written:
    """The views in that form of `FORMS`, with what it cannot hold of them: found by reading back what was written.

    FormatError REC-069 where the form is not known, or can hold none of the views; REC-066 for too many.
    """
    if form == CBEFF_FORM:
        return _write_cbeff(views)
    pictures = {number: view for number, view in enumerate(views, 1) if isinstance(view, FingerImage)}
    prints = {number: view for number, view in enumerate(views, 1) if isinstance(view, Minutiae)}
    held, left_out = (pictures, prints) if form in IMAGE_FORMS else (prints, pictures)
    if form not in FORMS or not held:
        raise FormatError(
            "REC-069",
            "there is nothing that could be written in that form",
            expected=f"one of {', '.join(FORMS)}, and a view that it can hold",
            remedy="minutiae are made from a picture with `mithaq finger extract`",
        )
    dropped = [
        TemplateLoss("REC-088", number, "the view is of a kind that the form does not hold") for number in left_out
    ]
    written = _write_pictures(pictures, form) if form in IMAGE_FORMS else _write_prints(prints, form)
    return Written(written.data, (*dropped, *written.losses))


def convert_template(data: bytes | memoryview, form: str) -> tuple[TemplateFile, Written]:
    """A file's views in another form: what was read, and what was written with every loss of both halves."""
    found = read_template(data)
    written = write_template(found.views, form)
    return found, Written(written.data, (*found.losses, *written.losses))


# ---------------------------------------------------------------- reading


def _file(form: str, read: Reading) -> TemplateFile:
    views, faults, dropped = read
    forms = tuple(name for name, _ in views)
    return TemplateFile(form or forms[0], tuple(view for _, view in views), forms, faults, dropped)


def _read_fmr(data: bytes | memoryview) -> Reading:
    record = fmr.read_fmr(data)
    found, faults, dropped = fmr_views.views(record)
    return tuple((record.form, view) for view in found), faults, dropped


def _read_fir(data: bytes | memoryview) -> Reading:
    record = iso19794_4.read_fir(data)
    found, faults, dropped = iso19794_4.finger_images(record)
    return tuple((record.form, view) for view in found), faults, dropped


def _read_records(tx: Transaction) -> Reading:
    views: list[tuple[str, View]] = []
    faults: list[Fault] = []
    dropped: list[TemplateLoss] = []
    for record in tx.all(9):
        try:
            read = type9_views(record, picture_of(tx, record))
        except FormatError as error:
            if error.code != "REC-068":
                raise
            faults.append(Fault("REC-077", 0, "a Type-9 record holds minutiae in no form that is known", "left out"))
            continue
        _gather(read, views, faults, dropped)
    if not views:
        raise FormatError("REC-068", "no Type-9 record with minutiae", expected="field 9.012, 9.023, 9.137 or 9.331")
    return tuple(views), tuple(faults), tuple(dropped)


def _gather(
    read: tuple[Sequence[tuple[str, View]], Sequence[Fault], Sequence[TemplateLoss]],
    views: list[tuple[str, View]],
    faults: list[Fault],
    dropped: list[TemplateLoss],
) -> None:
    """Put together what parts of a file gave; their views are numbered through."""
    before = len(views)
    views += read[0]
    faults += [replace(fault, view=fault.view + before if fault.view else before + 1) for fault in read[1]]
    dropped += [replace(loss, view=loss.view + before if loss.view else before + 1) for loss in read[2]]


def _bare(data: bytes) -> Transaction:
    try:
        return read_transaction(_HEAD + data)
    except FormatError as error:
        offset = None if error.offset is None else max(0, error.offset - len(_HEAD))
        raise FormatError(
            error.code, error.problem, expected=error.expected, remedy=error.remedy, offset=offset, clause=error.clause
        ) from None


def _read_cbeff(data: bytes | memoryview) -> Reading:
    envelope = cbeff.read_cbeff(data)
    views: list[tuple[str, View]] = []
    faults = list(envelope.faults)
    dropped: list[TemplateLoss] = []
    for number, block in enumerate(cbeff.blocks(envelope), 1):
        head = block.data[:4]
        if head not in (fmr.MAGIC, iso19794_4.MAGIC):
            named = block.kind if block.kind in ("Face", "Iris", "Finger") else "other"
            dropped.append(TemplateLoss("REC-089", 0, f"block {number} ({named}) is not read here"))
            continue
        before = len(views)
        _gather((_read_fmr if head == fmr.MAGIC else _read_fir)(block.data), views, faults, dropped)
        stated = block.position
        for at, (_, view) in enumerate(views[before:], before + 1):
            if stated is not None and view.position not in (0, stated):
                faults.append(
                    Fault("REC-080", at, "the envelope names another finger than the record", "the record counts")
                )
        if block.is_signed:
            dropped.append(
                TemplateLoss("REC-089", before + 1, "the signature stays in the envelope, and was not checked")
            )
    if not views:
        raise FormatError("REC-064", "the envelope holds no finger record", expected="a block of FMR or FIR data")
    return tuple(views), tuple(faults), tuple(dropped)


# ---------------------------------------------------------------- writing


def _write_pictures(pictures: Mapping[int, FingerImage], form: str) -> Written:
    data = iso19794_4.write_fir(iso19794_4.image_record(list(pictures.values()), form))
    back, _, _ = iso19794_4.finger_images(iso19794_4.read_fir(data))
    dropped: list[TemplateLoss] = []
    for (number, before), after in zip(pictures.items(), back, strict=True):
        dropped += iso19794_4.image_losses(before, after, number)
    return Written(data, tuple(dropped))


def _write_prints(prints: Mapping[int, Minutiae], form: str) -> Written:
    found = list(prints.values())
    if form in TYPE9_FORMS:
        data, back = _write_records(found, form)
        stated = found
    else:
        data = fmr.write_fmr(fmr_views.record_of(found, form))
        back, _, _ = fmr_views.views(fmr.read_fmr(data, form))
        stated = fmr_views.aligned(found, form)
    dropped: list[TemplateLoss] = []
    for (number, before), after, view in zip(prints.items(), back, stated, strict=True):
        dropped += losses(before, after, fitted(view, CONVENTIONS[form]), number)
        if form in _UNSIZED:
            reason = "size and resolution stay with the picture: send it along, under the same IDC"
            dropped.append(TemplateLoss("REC-088", number, reason))
    return Written(data, tuple(dropped))


def _write_records(found: Sequence[Minutiae], form: str) -> tuple[bytes, tuple[Minutiae, ...]]:
    if len(found) > MOST_RECORDS:
        raise too_much(f"{len(found)} Type-9 records", f"at most {MOST_RECORDS}")
    records = [type9_record(one, form, idc=idc) for idc, one in enumerate(found, 1)]
    back = tuple(_back(record, one) for record, one in zip(records, found, strict=True))
    return b"".join(chunk for record in records for chunk in record.chunks()), back


def _back(record: Record, one: Minutiae) -> Minutiae:
    return type9_views(record, Picture(one.width, one.height, one.ppi))[0][0][1]


def _write_cbeff(views: Sequence[View]) -> Written:
    parts: list[tuple[bytes, str, int]] = []
    dropped: list[TemplateLoss] = []
    for number, view in enumerate(views, 1):
        is_image = isinstance(view, FingerImage)
        written = write_template([view], _INNER_IMAGE if is_image else _INNER_MINUTIAE)
        dropped += [replace(loss, view=number) for loss in written.losses]
        parts.append((written.data, cbeff.IMAGE_TYPE if is_image else cbeff.MINUTIAE_TYPE, view.position))
    if not parts:
        raise FormatError("REC-069", "there is no view to write", expected="one at least")
    return Written(cbeff.write_cbeff(cbeff.envelope_of(parts)), tuple(dropped))
