"""Whether a stated resolution is the picture's: what the ridges say, and what the file says (REQ-072)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from agreements import agreement

from mithaq.demo.prints import finger, impression
from mithaq.errors import ImageError
from mithaq.node import scales
from mithaq.node.intake import Examined, examine
from mithaq.node.scales import is_another_scale, is_doubtful
from mithaq.node.searching import search_file
from mithaq.node.stages import Stages
from mithaq.search import Gallery
from mithaq.units import FingerPosition, GrayImage

INDEX = FingerPosition.RIGHT_INDEX
AGREED = agreement()


def taken(seed: int, touch: int, stated: float) -> tuple[GrayImage, Examined]:
    image = GrayImage(impression(finger(seed), touch).pixels, stated)
    return image, examine(image, INDEX, 0, stages=Stages(), network="fast")


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    with Gallery(Path(tmp_path_factory.mktemp("gallery")), writable=True) as made:
        for seed in (7, 8):
            made.add(f"US-{seed}", INDEX, 0, taken(seed, 1, 500.0)[1].template)
        yield made


@pytest.mark.parametrize("stated", [400.0, 600.0, 625.0])
def test_a_person_on_file_under_a_wrong_ppi_is_found_to_be_under_a_wrong_ppi(gallery: Gallery, stated: float) -> None:
    picture = taken(8, 2, stated)
    assert not search_file(gallery, AGREED, "TP/TP", [picture[1]])  # the silent no-hit that it would be
    assert is_another_scale(gallery, AGREED, "TP/TP", [picture], network="fast")


def test_a_stranger_stays_one_at_every_scale(gallery: Gallery) -> None:
    picture = taken(9, 1, 500.0)
    assert not search_file(gallery, AGREED, "TP/TP", [picture[1]])
    assert not is_another_scale(gallery, AGREED, "TP/TP", [picture], network="fast")


def test_a_picture_too_large_at_another_scale_is_not_tried_there(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_large(image: GrayImage) -> GrayImage:
        raise ImageError("IMG-022", "too large")

    monkeypatch.setattr(scales, "to_matcher", too_large)
    assert not is_another_scale(gallery, AGREED, "TP/TP", [taken(8, 2, 600.0)], network="fast")


def test_ridges_far_from_a_fingers_are_doubtful() -> None:
    image = impression(finger(8), 1)
    stated = {ppi: is_doubtful([GrayImage(image.pixels, ppi)]) for ppi in (250.0, 300.0, 500.0, 800.0, 1000.0)}
    assert stated == {250.0: True, 300.0: True, 500.0: False, 800.0: True, 1000.0: True}
    assert not is_doubtful([GrayImage(image.pixels[:20, :20].copy(), 1000.0)])  # too small to measure
