"""Templates that are cut off, lie about counts and lengths, or are noise: a FormatError, or views with faults, nothing else."""

from __future__ import annotations

import random
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from minutiae_samples import MINUTIAE_FORMS, RECORD_FORMS, by_hand

from mithaq.errors import FormatError
from mithaq.record import FORMS, FingerImage, Minutiae, TemplateFile, read_template, write_template
from mithaq.record.interchange import IMAGE_FORMS
from mithaq.record.template.fmr import read_fmr

PICTURE = FingerImage(1, 0, "NONE", 4, 4, 500.0, 500.0, 8, 0, 50, memoryview(bytes(16)))
WHOLE = {
    **{form: write_template([by_hand(), by_hand(view=1)], form).data for form in MINUTIAE_FORMS},
    **{form: write_template([PICTURE], form).data for form in IMAGE_FORMS},
    "cbeff-xml": write_template([by_hand(), PICTURE], "cbeff-xml").data,
}


def outcome(data: bytes) -> TemplateFile | FormatError:
    """What reading gives; any other exception fails the test. What was read can be written, or is refused likewise."""
    try:
        found = read_template(data)
    except FormatError as error:
        return error
    for form in ("iso19794-2-2005", "type9-efs", "iso19794-4-2005"):
        try:
            read_template(write_template(found.views, form).data)
        except FormatError as error:
            assert error.code in ("REC-066", "REC-069"), error
    return found


@pytest.mark.parametrize("form", FORMS)
def test_cut_off_at_every_byte(form: str) -> None:
    data = WHOLE[form]
    complete = outcome(data)
    assert isinstance(complete, TemplateFile)
    for size in range(len(data)):
        found = outcome(data[:size])
        if isinstance(found, TemplateFile) and not form.startswith("type9"):
            assert found.faults or (form == "cbeff-xml" and size >= len(data.rstrip())), f"{size} of {len(data)} bytes"


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1))
def test_damaged_in_a_few_bytes(form: str, seed: int) -> None:
    rng = random.Random(seed)
    data = bytearray(WHOLE[form])
    for _ in range(rng.choice((1, 1, 2, 8))):
        at = rng.randrange(len(data))
        kind = rng.randrange(3)
        if kind == 0:
            data[at] = rng.choice((0, 1, 0x1C, 0x1D, 0x1E, 0x1F, 45, 48, 57, 127, 255, rng.randrange(256)))
        elif kind == 1:
            del data[at : at + rng.randint(1, 6)]
        else:
            data[at:at] = rng.randbytes(rng.randint(1, 4))
    outcome(bytes(data))


@settings(max_examples=150)
@given(
    st.binary(max_size=200),
    st.sampled_from([b"", *(data[:12] for data in WHOLE.values()), b"FMR\0 20\0", b"FMR\x00030\0"]),
)
def test_noise_behind_any_beginning(noise: bytes, beginning: bytes) -> None:
    outcome(beginning + noise)


@pytest.mark.parametrize("form", RECORD_FORMS)
def test_a_count_that_lies_reads_no_byte_that_is_not_there(form: str) -> None:
    data = bytearray(write_template([by_hand(ridge_counts=(), cores=(), deltas=())], form).data)
    at = data.index(read_fmr(bytes(data), form).views[0].minutiae.tobytes()) - 1
    assert data[at] == 2
    for count in (3, 200, 255):
        data[at] = count
        with pytest.raises(FormatError) as caught:
            read_fmr(bytes(data), form)
        assert caught.value.code == "REC-065"


@pytest.mark.parametrize("form", RECORD_FORMS)
def test_views_that_lie_about_their_number(form: str) -> None:
    data = write_template([by_hand()], form).data
    head = data.index(read_fmr(data, form).views[0].minutiae.tobytes())
    for at in range(8, head):
        for value in (0, 255):
            found = outcome(data[:at] + bytes((value,)) + data[at + 1 :])
            assert not isinstance(found, TemplateFile) or len(found) == 1


@pytest.mark.parametrize("length", [0, 1, 25, 0x7FFFFFFF, 0xFFFFFFFF])
@pytest.mark.parametrize("form", ["iso19794-2-2005", "iso19794-2-2011", "incits378-2009", "iso19794-4-2011"])
def test_a_total_length_of_four_gigabytes_or_none_is_a_fault(form: str, length: int) -> None:
    data = bytearray(WHOLE[form])
    data[8:12] = struct.pack(">I", length)
    found = outcome(bytes(data))
    if isinstance(found, TemplateFile) and found.form == form:
        assert "REC-072" in {fault.code for fault in found.faults}


def test_a_view_or_picture_of_four_gigabytes_is_refused_or_a_fault() -> None:
    two = bytearray(WHOLE["iso19794-2-2011"])
    two[15:19] = b"\xff\xff\xff\xff"
    found = outcome(bytes(two))
    assert isinstance(found, TemplateFile) and "REC-072" in {fault.code for fault in found.faults}
    for form in IMAGE_FORMS:
        data = bytearray(WHOLE[form])
        at = {"iso19794-4-2005": 32, "incits381-2004": 36}.get(form, bytes(data).index(bytes(16)) - 4)
        data[at : at + 4] = b"\xff\xff\xff\xff"
        found = outcome(bytes(data))
        assert isinstance(found, FormatError) and found.code == "REC-065"


@pytest.mark.parametrize("form", RECORD_FORMS)
@pytest.mark.parametrize("length", [0, 3, 5, 0xFFFF])
def test_an_extension_length_past_the_end_is_cut_and_said(form: str, length: int) -> None:
    data = bytearray(write_template([by_hand(cores=(), deltas=())], form).data)
    at = bytes(data).rindex(b"\0\1\0\x0b")  # ridge counts: type 1, length 11
    data[at + 2 : at + 4] = struct.pack(">H", length)
    found = outcome(bytes(data))
    assert isinstance(found, TemplateFile) and "REC-074" in {fault.code for fault in found.faults}
    data[at + 2 : at + 4] = struct.pack(">H", 11)
    data[at - 2 : at] = b"\xff\xff"
    found = outcome(bytes(data))
    assert isinstance(found, TemplateFile) and "REC-074" in {fault.code for fault in found.faults}


def test_ten_thousand_empty_extension_blocks_are_refused() -> None:
    data = write_template([by_hand(ridge_counts=(), cores=(), deltas=())], "iso19794-2-2005").data
    for head in (4, 0):
        found = outcome(data[:-2] + struct.pack(">H", 40_000) + struct.pack(">HH", 0x0144, head) * 10_000)
        assert isinstance(found, FormatError) and found.code == "REC-066"


@pytest.mark.parametrize("form", RECORD_FORMS)
@pytest.mark.parametrize("name", ["width", "height", "x_scale", "y_scale"])
def test_a_size_or_resolution_of_zero_is_refused(form: str, name: str) -> None:
    from dataclasses import replace

    from mithaq.record.template.fmr import write_fmr

    record = read_fmr(write_template([by_hand()], form).data, form)
    if name in record.header:
        broken = replace(record, header={**record.header, name: 0})
    else:
        broken = replace(record, views=(replace(record.views[0], fields={**record.views[0].fields, name: 0}),))
    with pytest.raises(FormatError) as caught:
        read_fmr(write_fmr(broken), form)
    assert caught.value.code == "REC-067"


@pytest.mark.parametrize("scale", [b"0", b"-1", b"NaN", b"1e9", b"99999999", b""])
def test_a_resolution_of_an_m1_record_that_is_no_resolution(scale: bytes) -> None:
    data = WHOLE["type9-m1"].replace(b"9.131:500", b"9.131:" + scale)
    found = outcome(data)
    if isinstance(found, FormatError):
        assert found.code == "REC-067"
    else:
        assert all(isinstance(view, Minutiae) and np.isfinite(view.ppi) for view in found)


@pytest.mark.parametrize("field", [b"9.012", b"9.137", b"9.331", b"9.138", b"9.333", b"9.300", b"9.140", b"9.320"])
def test_fields_with_too_few_too_many_or_strange_items(field: bytes) -> None:
    for value in (b"", b"\x1f", b"\x1e\x1e", b"1", b"-1\x1f-1\x1f-1\x1f-1", b"9" * 40 + b"\x1f1\x1f1", b"\x1f".join([b"9"] * 500),
                  b"\xff\xfe\x1f\x00", "١\x1f٢\x1f٣".encode(), b"1\x1f2\x1f3\x1fE\x1e" * 300):  # fmt: skip
        for form in ("type9-legacy", "type9-m1", "type9-efs"):
            outcome(WHOLE[form][:-1] + b"\x1d" + field + b":" + value + b"\x1c")
            at = WHOLE[form].find(b"\x1d" + field + b":")
            if at >= 0:
                end = min(
                    place for place in (WHOLE[form].find(b"\x1d", at + 1), WHOLE[form].find(b"\x1c", at)) if place > 0
                )
                outcome(WHOLE[form][: at + 7] + value + WHOLE[form][end:])


def test_ten_million_subfields_are_refused_before_they_are_taken_apart() -> None:
    record = b"9.001:99\x1d9.002:01\x1d9.004:U\x1d9.331:" + b"1\x1e" * 10_000_000 + b"\x1c"
    found = outcome(record)
    assert isinstance(found, FormatError) and found.code == "REC-010"


def test_the_most_views_and_minutiae_that_a_record_can_hold() -> None:
    view = by_hand()
    with pytest.raises(FormatError) as caught:
        write_template([view] * 256, "iso19794-2-2011")
    assert caught.value.code == "REC-066"
    with pytest.raises(FormatError) as caught:
        write_template([view] * 100, "type9-efs")
    assert caught.value.code == "REC-066"
