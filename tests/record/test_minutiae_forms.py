"""Each form of minutiae: numbers worked out by hand, round trips, and a loss for everything that a form cannot hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from minutiae_samples import MINUTIAE_FORMS, RECORD_FORMS, by_hand, prints

from mithaq.errors import FormatError
from mithaq.record import (
    CONVENTIONS,
    FORMS,
    FingerImage,
    Minutiae,
    convert_template,
    new_minutiae,
    read_template,
    read_transaction,
    type9_record,
    write_template,
)
from mithaq.record.interchange import IMAGE_FORMS, TYPE9_FORMS
from mithaq.record.template.fmr import Extension, read_fmr, write_fmr
from mithaq.record.template.type9 import Picture, type9_views


def codes(remarks: Any) -> set[str]:
    return {remark.code for remark in remarks}


def back(found: Minutiae, form: str) -> Minutiae:
    """Written and read again, with the picture that a Type-9 record belongs to."""
    data = write_template([found], form).data
    if form not in TYPE9_FORMS:
        found_again = read_template(data)
        assert (found_again.form, found_again.faults) == (form, ())
        (view,) = found_again
    else:
        record = read_transaction(b"1.001:20\x1d1.003:1\x1f0\x1c" + data).records[1]
        ((_, view),), _, _ = type9_views(record, Picture(found.width, found.height, found.ppi))
    assert isinstance(view, Minutiae)
    return view


# ---------------------------------------------------------------- by hand


def test_the_legacy_form_counts_from_the_bottom_in_hundredths_of_a_millimetre_and_points_away() -> None:
    record = type9_record(by_hand(), "type9-legacy")
    assert {number: record.text(number) for number in (3, 4, 6, 8, 9, 10, 11)} == {
        3: "0", 4: "S", 6: "02", 8: "12701015", 9: "06100507", 10: "2", 11: "1"
    }  # fmt: skip
    # 100 x 5.08 = 508; 400 x 5.08 - 1 - 200 x 5.08 = 1015; up is 90, away from the ridge 270
    assert record.text(12) == (
        "001\x1f05081015270\x1f14\x1fA\x1f002\x1f03\x1e002\x1f01521828000\x1f1\x1fB\x1f001\x1f03"
    )


def test_the_m1_form_counts_pixels_from_the_top_and_two_degrees() -> None:
    record = type9_record(by_hand(), "type9-m1", idc=7)
    assert record.idc == 7
    assert record.text(137) == "001\x1f100\x1f200\x1f45\x1f1\x1f80\x1e002\x1f30\x1f40\x1f90\x1f2\x1f0"
    assert record.text(138) == "2\x1f0\x1f0\x1e001\x1f002\x1f03\x1e002\x1f001\x1f03"
    assert [record.text(number) for number in (128, 129, 130, 131, 132)] == ["500", "400", "1", "500", "500"]
    assert record.text(139) == "250\x1f200\x1f45"
    assert (record.text(140), record.text(141)) == ("120\x1f300\x1f0", "45\x1f90")


def test_the_efs_form_counts_hundredths_of_a_millimetre_from_its_region() -> None:
    record = type9_record(by_hand(region=(20.0, 30.0, 400.0, 300.0)), "type9-efs")
    assert record.text(300) == "2032\x1f1524\x1f102\x1f152"
    assert record.text(331) == "406\x1f864\x1f90\x1fE\x1e50\x1f51\x1f180\x1fB"
    assert record.text(320) == "1168\x1f864\x1f90"
    assert record.text(321) == "508\x1f1372\x1f0\x1f90\x1f180"
    assert (record.text(332), record.text(333)) == ("OCTANT", "1\x1f2\x1f3\x1f1\x1e2\x1f1\x1f3\x1f1")


@pytest.mark.parametrize(("form", "angles", "unstated"), [
    ("incits378-2004", (45, 90), 0), ("incits378-2009", (45, 90), 254), ("incits378-2009am1", (45, 90), 254),
    ("iso19794-2-2005", (64, 128), 0), ("iso19794-2-2011", (64, 128), 254),
])  # fmt: skip
def test_the_records_hold_type_and_place_in_fourteen_bits(form: str, angles: tuple[int, int], unstated: int) -> None:
    record = read_fmr(write_template([by_hand()], form).data)
    assert record.form == form
    assert bytes(record.views[0].minutiae) == bytes(
        (0x40, 100, 0, 200, angles[0], 80, 0x80, 30, 0, 40, angles[1], unstated)
    )
    first, second = record.views[0].extensions
    assert (first.type, bytes(first.data)) == (1, bytes((2, 0, 1, 3, 1, 0, 3)))
    assert second.type == 2


@pytest.mark.parametrize("form", RECORD_FORMS)
def test_a_record_states_500_ppi_as_197_pixels_a_centimetre(form: str) -> None:
    record = read_fmr(write_template([by_hand()], form).data, form)
    scan = record.header if "x_scale" in record.header else record.views[0].fields
    assert (scan["x_scale"], scan["y_scale"], scan["width"], scan["height"]) == (197, 197, 500, 400)


# ---------------------------------------------------------------- round trips


@pytest.mark.parametrize("form", MINUTIAE_FORMS)
@settings(max_examples=15)
@given(found=prints())
def test_every_form_gives_places_back_to_a_pixel_and_angles_to_a_unit(form: str, found: Minutiae) -> None:
    row, again = CONVENTIONS[form], back(found, form)
    scale = 1.0 if row.unit == "pixel" else found.ppi / again.ppi
    unit = 1.0 if row.unit == "pixel" else found.ppi / 2540
    assert len(again) == len(found)
    assert np.abs(again.x_px * scale - found.x_px).max() <= unit + 1e-6
    assert np.abs(again.y_px * scale - found.y_px).max() <= unit + 1e-6
    turned = (again.angle_rad - found.angle_rad + np.pi) % (2 * np.pi) - np.pi
    assert np.abs(turned).max() <= np.radians(row.step) / 2 + 1e-9
    assert np.array_equal(again.kind, found.kind)
    assert (again.position, again.impression) == (found.position, found.impression)
    if form not in ("type9-legacy", "type9-efs"):
        assert np.array_equal(again.quality, found.quality)
    assert np.array_equal(again.ridge_counts[:, :3], found.ridge_counts[:, :3])


@pytest.mark.parametrize("form", MINUTIAE_FORMS)
@settings(max_examples=10)
@given(found=prints())
def test_what_was_read_is_written_as_the_same_bytes(form: str, found: Minutiae) -> None:
    first = write_template([found], form).data
    assert write_template([back(found, form)], form).data == first


@settings(max_examples=40)
@given(found=prints(), form=st.sampled_from(MINUTIAE_FORMS))
def test_a_second_round_through_the_same_form_loses_nothing_more(found: Minutiae, form: str) -> None:
    once = back(found, form)
    report = write_template([once], form).losses
    sized = [loss for loss in report if "stay with the picture" not in loss.reason]
    assert sized == [], form


@settings(max_examples=10)
@given(found=st.lists(prints(10), min_size=1, max_size=4), form=st.sampled_from(RECORD_FORMS))
def test_several_views_stay_in_order(found: list[Minutiae], form: str) -> None:
    views = read_template(write_template(found, form).data).views
    assert [len(view) for view in views if isinstance(view, Minutiae)] == [len(one) for one in found]
    assert [view.position for view in views] == [one.position for one in found]


def test_views_of_unlike_size_or_resolution_share_a_header_where_the_edition_has_one() -> None:
    small = new_minutiae(200, 100, [10], [20], [0], kind=[1], quality=[50], position=1, score=1, impression=0)
    double = new_minutiae(
        400, 200, [20.5], [40.5], [0], kind=[1], quality=[50], ppi=1000.0, position=1, view=1, score=1
    )
    far = new_minutiae(90_000, 200, [20.5, 80_000], [40.5, 9], [0, 0], kind=[1, 1], ppi=60.0, position=2, score=1)
    for form in RECORD_FORMS:
        (first, second) = read_template(write_template([small, double], form).data)
        assert isinstance(first, Minutiae) and isinstance(second, Minutiae)
        own = form in ("incits378-2004", "iso19794-2-2005")
        assert (second.ppi, second.x_px.tolist()) == ((500.0, [10]) if own else (1000.0, [21]))
        with pytest.raises(FormatError) as caught:
            write_template([small, far], form)
        assert caught.value.code == "REC-069"  # 90,000 pixels
    near = new_minutiae(3000, 200, [20.5, 2900], [40.5, 9], [0, 0], kind=[1, 1], ppi=60.0, position=2, score=1)
    written = write_template([small, near], "iso19794-2-2005")
    assert len(read_template(written.data).views[1]) == 1  # type: ignore[arg-type]
    assert any(loss.view == 2 and "1 minutiae are left out" in loss.reason for loss in written.losses)


@pytest.mark.parametrize("form", RECORD_FORMS)
def test_unknown_extensions_are_kept_through_reading_and_writing(form: str) -> None:
    from dataclasses import replace

    record = read_fmr(write_template([by_hand(), by_hand(view=1)], form).data, form)
    vendor = Extension(0x0144, memoryview(b"\0vendor\xff"))
    views = (replace(record.views[0], extensions=(vendor, *record.views[0].extensions)), record.views[1])
    data = write_fmr(replace(record, views=views))
    again = read_fmr(data, form)
    assert again.faults == () and bytes(again.views[0].extensions[0].data) == b"\0vendor\xff"
    assert write_fmr(again) == data
    found = read_template(data)
    assert "REC-089" in codes(found.losses) and found.faults == ()


def test_quality_and_certification_blocks_of_the_2011_edition_are_kept() -> None:
    from dataclasses import replace

    record = read_fmr(write_template([by_hand()], "iso19794-2-2011").data)
    view = replace(
        record.views[0], qualities=memoryview(bytes(range(10))), certificates=memoryview(b"\0\1\2"),
        fields={**record.views[0].fields, "layout": 0x51}, size=5, minutiae=memoryview(bytes(10)),
    )  # fmt: skip
    data = write_fmr(replace(record, views=(view,), header={**record.header, "certified": 1}))
    assert write_fmr(read_fmr(data)) == data
    (found,) = read_template(data)
    assert isinstance(found, Minutiae) and found.quality.tolist() == [-1, -1] and found.score == 0


def test_a_record_past_64_kilobytes_has_the_long_length_of_378_2004() -> None:
    found = [by_hand(view=view, position=position) for position in range(1, 11) for view in range(16)] * 2
    many = new_minutiae(500, 400, [3] * 255, [4] * 255, [0] * 255, position=1)
    data = write_template([many] * 50, "incits378-2004").data
    assert data[8:10] == b"\0\0" and int.from_bytes(data[10:14], "big") == len(data) > 65536
    again = read_template(data)
    assert (again.form, len(again)) == ("incits378-2004", 50)
    assert codes(again.faults) == {"REC-078"}  # one number for all views of the finger
    with pytest.raises(FormatError) as caught:
        write_template(found, "incits378-2004")
    assert caught.value.code == "REC-066"


def test_a_print_without_minutiae_goes_through_every_form() -> None:
    empty = new_minutiae(500, 400, [], [], [], position=3)
    for form in MINUTIAE_FORMS:
        if form == "type9-efs":
            assert type9_record(empty, form).text(334) == "Y"
        assert len(back(empty, form)) == 0


# ---------------------------------------------------------------- losses


@pytest.mark.parametrize(
    ("changed", "form", "code"),
    [
        ({"quality": [80, 0]}, "incits378-2004", "REC-082"),
        ({"quality": [80, 0]}, "type9-m1", "REC-082"),
        ({"quality": [80, 7]}, "type9-efs", "REC-082"),
        ({"quality": [80, 77]}, "type9-legacy", "REC-082"),
        ({"score": -1}, "iso19794-2-2005", "REC-082"),
        ({"ridge_counts": [[0, 1, 3, 4]]}, "incits378-2009", "REC-083"),
        ({"ridge_counts": [[0, 1, 3, 1]], "ridge_method": 4}, "type9-legacy", "REC-083"),
        ({"x_px": [100.3, 30]}, "iso19794-2-2011", "REC-085"),
        ({"x_px": [16384, 30], "width": 20000}, "iso19794-2-2011", "REC-085"),
        ({"y_px": [-1, 30]}, "type9-m1", "REC-085"),
        ({"angle_rad": [0.01, 0]}, "type9-efs", "REC-086"),
        ({"angle_rad": [np.radians(45), 0]}, "incits378-2009am1", "REC-086"),
        ({"position": 21}, "iso19794-2-2005", "REC-087"),
        ({"impression": 24}, "incits378-2004", "REC-087"),
        ({"view": 16}, "iso19794-2-2011", "REC-087"),
        ({"view": 1}, "type9-legacy", "REC-087"),
        ({"ppi": 512.0}, "iso19794-2-2011", "REC-088"),
        ({"ppi_y": 1000.0}, "type9-efs", "REC-088"),
        ({"region": (1.0, 2.0, 30.0, 40.0)}, "type9-m1", "REC-088"),
        ({"deltas": [[120, 300, 0, float("nan"), float("nan")]]}, "incits378-2004", "REC-089"),
        ({"cores": [[5, 5, 0]] * 16}, "iso19794-2-2011", "REC-089"),
    ],
)  # fmt: skip
def test_what_a_form_cannot_hold_is_reported(changed: dict[str, Any], form: str, code: str) -> None:
    base = {
        "width": 500, "height": 400, "x_px": [100, 30], "y_px": [200, 40], "angle_rad": [np.pi / 2, np.pi],
        "kind": [1, 2], "quality": [80, 100], "position": 2, "impression": 0, "score": 70,
    }  # fmt: skip
    plain = write_template([new_minutiae(**base)], form).losses
    assert code in codes(write_template([new_minutiae(**{**base, **changed})], form).losses)
    assert code not in codes(plain) or form.startswith("type9")


def test_nothing_is_reported_where_a_form_holds_everything() -> None:
    for form in ("iso19794-2-2005", "iso19794-2-2011", "incits378-2009", "incits378-2009am1", "incits378-2004"):
        assert write_template([by_hand()], form).losses == (), form


def test_the_surest_are_kept_where_there_are_too_many() -> None:
    count = 300
    quality = [1] * 45 + [90] * 255
    found = new_minutiae(900, 900, range(count), range(count), [0] * count, kind=[1] * count, quality=quality)
    written = write_template([found], "iso19794-2-2011")
    (again,) = read_template(written.data)
    assert isinstance(again, Minutiae) and again.x_px.tolist() == list(range(45, 300))
    assert any("45 minutiae are left out" in loss.reason for loss in written.losses)


def test_kinds_that_the_plain_value_does_not_know_are_reported_on_reading() -> None:
    record = type9_record(by_hand(), "type9-legacy")
    changed = record.with_field(12, [["001", "05081015270", "14", "C"], ["002", "01521828000", "1", "D"]])
    ((_, found),), faults, dropped = type9_views(changed, Picture(500, 400, 500.0))
    assert found.kind.tolist() == [0, 0] and "REC-084" in codes(dropped) and faults == ()


def efs(**fields: Any) -> tuple[Minutiae, set[str], set[str]]:
    """What an EFS record gives with some fields changed ("f331")."""
    record = type9_record(by_hand(), "type9-efs")
    for name, value in fields.items():
        record = record.with_field(int(name[1:]), value)
    ((_, found),), faults, dropped = type9_views(record, Picture(500, 400, 500.0))
    return found, codes(faults), codes(dropped)


def test_efs_counts_by_eft7_are_one_more_than_the_ridges_between() -> None:
    assert efs()[0].ridge_counts[:, 2].tolist() == [3, 3]
    assert efs(f332="EFTS7")[0].ridge_counts[:, 2].tolist() == [2, 2]


def test_what_an_efs_record_states_beyond_the_plain_value_is_reported() -> None:
    assert efs()[1:] == (set(), set())
    assert efs(f300=[["2540", "2032", "0", "0", "0,0-1,1-2,2"]])[2] == {"REC-088"}
    assert efs(f331=[["406", "864", "90", "E", "12"]])[1:] == ({"REC-077"}, {"REC-089"})  # the counts' minutia is gone
    assert efs(f302=[["2"], ["3"]])[2] == {"REC-087"}
    assert efs(f333=[["1", "2", "3", "1", "0"]])[2] == {"REC-083"}


def test_a_minutia_that_cannot_be_read_is_left_out_and_the_counts_follow() -> None:
    found, faults, _ = efs(f331=[["", "864", "90", "E"], ["406", "864", "90", "E"], ["50", "51", "180", "B"]])
    assert len(found) == 2 and faults == {"REC-077"}
    assert found.ridge_counts.tolist() == []  # 1 is gone
    found, _, _ = efs(f331=[["1", "1", "1", "E"], ["x", "1", "1", "E"], ["5", "5", "1", "B"]], f333=[["1", "3", "4"]])
    assert found.ridge_counts.tolist() == [[0, 1, 4, 0]]


def test_a_conversion_reports_both_halves() -> None:
    record = type9_record(by_hand(), "type9-efs").with_field(351, "comment")
    found, written = convert_template(b"".join(record.chunks()), "incits378-2009")
    assert any("9.351" in loss.reason for loss in written.losses)
    assert codes(found.faults) == {"REC-081"}  # no picture travelled along


# ---------------------------------------------------------------- pictures and envelopes


def picture(**changed: Any) -> FingerImage:
    values: dict[str, Any] = {
        "position": 7, "impression": 0, "compression": "WSQ20", "width": 300, "height": 200, "ppi": 500.0,
        "ppi_y": 500.0, "depth": 8, "view": 0, "score": 61, "data": memoryview(b"\xff\xa0\xff\xa8...\xff\xa1"),
    }  # fmt: skip
    return FingerImage(**{**values, **changed})


@pytest.mark.parametrize("form", IMAGE_FORMS)
def test_pictures_go_through_both_editions(form: str) -> None:
    written = write_template([picture(), picture(position=8, view=0)], form)
    found = read_template(written.data)
    assert (found.form, found.faults, written.losses) == (form, (), ())
    first, second = found.views
    assert isinstance(first, FingerImage) and bytes(first.data) == bytes(picture().data)
    assert (first.position, second.position, first.score, first.ppi) == (7, 8, 61, 500.0)
    image = first.print_image()
    assert (image.position, image.compression, image.ppi, image.data) == (7, "WSQ20", 500.0, bytes(picture().data))


def test_a_picture_is_a_view_of_the_file() -> None:
    data = write_template([picture()], "iso19794-4-2011").data
    (found,) = read_template(data)
    assert isinstance(found, FingerImage) and found.data.obj is data


def test_a_palm_is_no_finger_of_the_matcher() -> None:
    assert picture(position=21).print_image().position == 0
    assert picture(ppi_y=400.0).print_image().ppi is None


@pytest.mark.parametrize("changed", [{"compression": "JPEGL"}, {"ppi": None}, {"ppi": 70000.0}, {"position": 256}])
def test_pictures_that_a_form_cannot_state_are_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(FormatError) as caught:
        write_template([picture(**changed)], "iso19794-4-2011")
    assert caught.value.code == "REC-069"


@pytest.mark.parametrize("form", ["iso19794-4-2005", "incits381-2004"])
def test_the_older_editions_state_one_scale_for_all(form: str) -> None:
    with pytest.raises(FormatError) as caught:
        write_template([picture(), picture(ppi=1000.0, ppi_y=1000.0)], form)
    assert caught.value.code == "REC-069"
    assert "REC-089" in codes(write_template([picture(compression="JP2L")], form).losses)


def test_a_view_that_ends_without_extensions_is_read_and_said() -> None:
    data = write_template([by_hand(ridge_counts=(), cores=(), deltas=())], "incits378-2004").data
    found = read_template(data[:-2])
    assert codes(found.faults) == {"REC-072", "REC-074"} and len(found.views[0]) == 2  # type: ignore[arg-type]


def test_the_255th_minutia_and_no_neighbour_are_told_apart() -> None:
    counts = [[0, 254, 14, 1], [1, 254, 3, 3], [254, 0, 15, 1]]
    found = new_minutiae(
        500, 400, range(300), range(300), [0] * 300, kind=[1] * 300, ridge_counts=counts, ridge_method=8
    )
    for form in ("type9-legacy", "type9-m1"):
        assert back(found, form).ridge_counts.tolist() == counts


def test_an_envelope_holds_minutiae_and_pictures_and_names_their_fingers() -> None:
    written = write_template([by_hand(), picture(), by_hand(position=0)], "cbeff-xml")
    assert b"<Subtype>Right IndexFinger</Subtype>" in written.data and b"<Type>Finger</Type>" in written.data
    found = read_template(written.data)
    assert found.forms == ("iso19794-2-2011", "iso19794-4-2011", "iso19794-2-2011") and found.faults == ()
    assert [view.position for view in found] == [2, 7, 0]
    from mithaq.record.template.cbeff import read_cbeff, write_cbeff

    assert write_cbeff(read_cbeff(written.data)) == written.data


def test_an_envelope_that_names_another_finger_is_reported() -> None:
    data = write_template([by_hand()], "cbeff-xml").data.replace(b"Right Index", b"Left Index")
    assert codes(read_template(data).faults) == {"REC-080"}


def test_views_of_another_kind_are_left_out_and_reported() -> None:
    written = write_template([picture(), by_hand()], "iso19794-2-2011")
    assert any(loss.view == 1 and loss.code == "REC-088" for loss in written.losses)
    assert len(read_template(written.data)) == 1
    with pytest.raises(FormatError) as caught:
        write_template([by_hand()], "iso19794-4-2011")
    assert caught.value.code == "REC-069"


@pytest.mark.parametrize("form", ["", "iso19794-2-card", "type9-iafis", "xml"])
def test_a_form_that_is_not_written_is_refused(form: str) -> None:
    assert form not in FORMS
    with pytest.raises(FormatError) as caught:
        write_template([by_hand()], form)
    assert caught.value.code == "REC-069"
