"""Real templates: every sample is read, its faults named, written back as it stands; one print in two forms agrees."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from mithaq.record import FORMS, Minutiae, TemplateFile, images, read_template, read_transaction, write_template
from mithaq.record.template.cbeff import read_cbeff, write_cbeff
from mithaq.record.template.fmr import read_fmr, write_fmr
from mithaq.record.template.iso19794_4 import IMAGE_FORMS, read_fir, write_fir

pytestmark = pytest.mark.real

# What each file is, the faults that it has (shared with its provider's own README), and whether reading and writing the
# record gives the same bytes. Where it does not, a length is set right or bytes that belong to nothing are dropped.
SAMPLES = {
    "sourceafis__iso-probe.fmr": ("iso19794-2-2005", {"REC-073"}, False),
    "sourceafis__iso-matching.fmr": ("iso19794-2-2005", {"REC-073"}, False),
    "sourceafis__iso-nonmatching.fmr": ("iso19794-2-2005", {"REC-073"}, False),
    "fingerprintio__ansi378v2004.fmr": ("incits378-2004", {"REC-072", "REC-074", "REC-075"}, False),
    "fingerprintio__ansi378v2009.fmr": ("incits378-2009", {"REC-072"}, False),
    "fingerprintio__ansi378v2009am1.fmr": ("incits378-2009am1", set(), True),
    "fingerprintio__iso19794p2v2005.fmr": ("iso19794-2-2005", {"REC-074"}, True),
    "fingerprintio__iso19794p2v2011.fmr": ("iso19794-2-2011", set(), True),
    "libbiomeval__fmr.ansi2004": ("incits378-2004", {"REC-073", "REC-074"}, False),
    "libbiomeval__fmr.ansi2007": ("incits378-2009-draft", set(), True),
    "libbiomeval__fmr.iso2005": ("iso19794-2-2005", {"REC-074"}, False),
    "mosip__Left_Index.fir": ("iso19794-4-2011", set(), True),
    "mosip__Left_Index_wsq.fir": ("iso19794-4-2011", set(), True),
    "mosip__reg_Left_Index.fir": ("iso19794-4-2011", set(), True),
}
TYPE9_FILES = [
    "libbiomeval__type9-15.an2k", "libbiomeval__type9-efs.an2k", "mdnist__all-supported-types.an2",
    "mdnist__type-9-10-14.an2", "nbis__valid1.15.an2", "nistref__type-9-10-14.an2", "nistref__type-9-13-m1.an2",
    "nistref__type-9-13-std.an2", "nistref__type-9-14-m1.an2", "nistref__type-9-4-iafis.an2",
    "nodenist__latent_with_minutiae.lffs",
]  # fmt: skip


def read(folder: Path, name: str) -> TemplateFile:
    return read_template((folder / name).read_bytes())


def only(found: TemplateFile, index: int = 0) -> Minutiae:
    view = found.views[index]
    assert isinstance(view, Minutiae)
    return view


def apart(one: Minutiae, other: Minutiae) -> tuple[float, float, float]:
    """The largest distances in x, in y, and in angle (degrees), minutia by minutia."""
    assert len(one) == len(other)
    turned = (one.angle_rad - other.angle_rad + np.pi) % (2 * np.pi) - np.pi
    across, down = np.abs(one.x_px - other.x_px).max(), np.abs(one.y_px - other.y_px).max()
    return float(across), float(down), float(np.degrees(np.abs(turned).max()))


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_every_sample_is_known_read_and_written_back(shared_data: Path, name: str) -> None:
    form, faults, is_kept = SAMPLES[name]
    data = (shared_data / "codecs" / name).read_bytes()
    found = read_template(data)
    assert found.form == form and {fault.code for fault in found.faults} == faults
    again = write_fir(read_fir(data)) if name.endswith(".fir") else write_fmr(read_fmr(data))
    assert (again == data) == is_kept
    once_more = read_template(again)
    assert {fault.code for fault in once_more.faults} <= faults - {"REC-072", "REC-073"}
    assert len(once_more) == len(found)


def test_the_sample_envelope_comes_back_byte_equal(shared_data: Path) -> None:
    data = (shared_data / "codecs" / "mosip__cbeff_createCbeffLatest2.xml").read_bytes()
    assert write_cbeff(read_cbeff(data)) == data
    found = read_template(data)
    assert found.faults == () and set(found.forms) == {"iso19794-4-2005"}
    assert sorted(view.position for view in found) == list(range(1, 11))


def test_an_envelope_of_ours_keeps_the_schema_of_the_sample(shared_data: Path) -> None:
    etree = pytest.importorskip("lxml.etree")
    schema = etree.XMLSchema(etree.parse(shared_data / "codecs" / "mosip__cbeff_updatedcbeff.xsd"))
    views = [
        *read(shared_data / "codecs", "mosip__Left_Index.fir"),
        *read(shared_data / "codecs", "libbiomeval__fmr.ansi2004"),
    ]
    schema.assertValid(etree.fromstring(write_template(views, "cbeff-xml").data))


def test_faces_and_irises_are_named_and_refused(shared_data: Path) -> None:
    from mithaq.errors import FormatError

    for name, said in (("libbiomeval__face01.iso2005", "face"), ("mosip__Left_Iris.iso19794-6", "iris")):
        with pytest.raises(FormatError) as caught:
            read(shared_data / "codecs", name)
        assert caught.value.code == "REC-064" and said in caught.value.problem


@pytest.mark.parametrize("name", TYPE9_FILES)
def test_every_type_9_record_goes_into_every_form(shared_data: Path, name: str) -> None:
    found = read(shared_data / "nist-itl", name)
    assert len(found) == (8 if "efs" in name else 1)
    for form in FORMS:
        if form not in IMAGE_FORMS:
            assert len(read_template(write_template(found.views, form).data)) == len(found)


def test_the_legacy_and_the_m1_form_of_one_latent_agree(shared_data: Path) -> None:
    folder = shared_data / "nist-itl"
    legacy, m1 = (only(read(folder, f"nistref__type-9-13-{kind}.an2")) for kind in ("std", "m1"))
    across, down, turned = apart(legacy, m1)
    assert across <= 1 and down <= 1 and turned <= 1.001  # the legacy unit; half of M1's
    assert np.array_equal(legacy.ridge_counts, m1.ridge_counts) and len(m1.ridge_counts) == 294
    assert np.abs(legacy.cores[0, :2] - m1.cores[0, :2]).max() <= 1
    assert np.abs(legacy.deltas[0, :2] - m1.deltas[0, :2]).max() <= 1


def test_three_forms_of_one_rolled_print_agree(shared_data: Path) -> None:
    folder = shared_data / "nist-itl"
    forms = [only(read(folder, f"nistref__type-9-{kind}.an2")) for kind in ("10-14", "14-m1", "4-iafis")]
    for one, other in combinations(forms, 2):
        across, down, turned = apart(one, other)
        assert across <= 0.31 and down <= 0.31 and turned <= 1.001
        assert np.array_equal(one.ridge_counts, other.ridge_counts)
        assert (one.position, one.width, one.height, one.ppi) == (8, 800, 768, 500.0)


def test_what_we_convert_agrees_with_what_nist_converted(shared_data: Path) -> None:
    folder = shared_data / "nist-itl"
    source = read(folder, "nistref__type-9-13-std.an2")
    (ours,) = read_template(write_template(source.views, "type9-m1").data)
    assert isinstance(ours, Minutiae)
    across, down, turned = apart(ours, only(read(folder, "nistref__type-9-13-m1.an2")))
    assert across <= 1 and down <= 1 and turned <= 2.001  # one pixel, one unit


# Minutiae of the first view whose angles differ between the files of two providers by 10 and 28 degrees, in every edition.
UNLIKE = [11, 13, 17]


def test_one_print_in_eight_files_of_six_editions_is_the_same(shared_data: Path) -> None:
    """Angles: each file rounds to its own unit, 2 or 1.40625 degrees."""
    names = [name for name in SAMPLES if name.startswith(("fingerprintio", "libbiomeval"))]
    files = [read(shared_data / "codecs", name) for name in names]
    assert len({found.form for found in files}) == 6
    for one, other in combinations(files, 2):
        for view in (0, 1):
            first, second = only(one, view), only(other, view)
            assert (first.position, first.score, first.width) == (second.position, second.score, second.width)
            assert np.array_equal(first.kind, second.kind) and np.array_equal(first.quality, second.quality)
            assert apart(first, second)[:2] == (0, 0)
            alike = np.setdiff1d(np.arange(len(first)), UNLIKE if view == 0 else [])
            assert apart(first.subset(alike), second.subset(alike))[2] <= 2.001


def test_a_record_of_378_and_a_legacy_record_of_one_print_agree(shared_data: Path) -> None:
    """The Type-9 stands beside a picture that is not its own, so its height, and with it y, is shifted by a constant."""
    record = only(read(shared_data / "codecs", "libbiomeval__fmr.ansi2004"), 2)
    legacy = only(read(shared_data / "nist-itl", "libbiomeval__type9-15.an2k"))
    shift = legacy.y_px - record.y_px
    across, _, turned = apart(record, legacy)
    assert across <= 0.2 and np.ptp(shift) <= 0.5 and turned < 1e-6
    assert np.array_equal(record.kind, legacy.kind)


def test_efs_directions_are_those_of_the_ridges_in_the_picture(shared_data: Path) -> None:
    """What an examiner marked and what the extractor finds in the same latent at 1000 ppi."""
    from mithaq.finger import extract
    from mithaq.image import to_matcher
    from mithaq.units import GrayImage

    data = (shared_data / "nist-itl" / "nodenist__latent_with_minutiae.lffs").read_bytes()
    (picture,) = images(read_transaction(data))
    pixels = np.frombuffer(picture.data, np.uint8).reshape(picture.height, picture.width)
    extracted = extract(to_matcher(GrayImage(pixels, 1000.0)))
    marked = only(read_template(data)).at(500.0)
    away = np.hypot(marked.x_px[:, None] - extracted.x_px, marked.y_px[:, None] - extracted.y_px)
    pairs = [(at, int(row.argmin())) for at, row in enumerate(away) if row.min() < 10]
    pairs = [(at, other) for at, other in pairs if away[:, other].argmin() == at]  # each the other's nearest
    turned = [marked.angle_rad[at] - extracted.angle_rad[other] for at, other in pairs]
    degrees = np.degrees(np.abs((np.array(turned) + np.pi) % (2 * np.pi) - np.pi))
    assert len(pairs) >= 6 and degrees.max() < 20
    assert {int(marked.kind[at]) for at, _ in pairs} == {1, 2}
