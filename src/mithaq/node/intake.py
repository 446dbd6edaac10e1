"""A file from outside -> prints that can travel and be searched. The same steps for a query, an enrolment and a drop.

bytes ──record──► PrintImage… ──box──► GrayImage ──finger──► Template, shortcomings
                      (a picture that is no transaction becomes one PrintImage)
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mithaq.errors import ImageError
from mithaq.finger import Template, extract, shortcomings
from mithaq.image import Box, gray_image, print_image, to_matcher
from mithaq.node.stages import Stages
from mithaq.record import images, read_transaction
from mithaq.units import FingerPosition, GrayImage, PrintImage

_TRANSACTION = re.compile(rb"\A0*1\.0*1:")
PRINTS_AT_ONCE = 14  # a tenprint card has ten rolled prints, two plain thumbs and two slaps


@dataclass(frozen=True, slots=True, eq=False)
class Examined:
    """One finger of a file: its picture as it will travel (PNG), its template, and why it cannot be searched, if so."""

    print: PrintImage
    template: Template
    shortcomings: tuple[str, ...]


def is_transaction(data: bytes) -> bool:
    """True where the bytes begin like an ANSI/NIST-ITL transaction in traditional encoding."""
    return _TRANSACTION.match(data) is not None


def read_prints(
    box: Box,
    data: bytes,
    *,
    stages: Stages,
    user_ppi: float | None = None,
    default_ppi: float | None = None,
    position: FingerPosition = FingerPosition.UNKNOWN,
    impression: int = 0,
    place: str = "",
) -> list[tuple[GrayImage, FingerPosition, int]]:
    """The single-finger pictures in a file with their positions and impressions, decoded in the box.

    Slaps of several fingers are left out: cutting them into fingers is not done here. FormatError or ImageError where
    the file is not what it claims to be, or holds no picture of one finger.
    """
    if not is_transaction(data):
        with stages("decode"):
            image = gray_image(box, data, user_ppi=user_ppi, default_ppi=default_ppi, place=place)
            return [(image, position, impression)]
    with stages("read"):
        prints = [found for found in images(read_transaction(data)) if found.position.is_one_finger]
    if not prints:
        raise ImageError(
            "NOD-050",
            "the transaction holds no picture of a single finger",
            place=place,
            expected="a Type-4, Type-13 or Type-14 record with one finger position",
        )
    if len(prints) > PRINTS_AT_ONCE:
        raise ImageError(
            "NOD-051", f"the transaction holds {len(prints)} prints", place=place, expected=f"at most {PRINTS_AT_ONCE}"
        )
    with stages("decode"):
        return [
            (
                gray_image(box, found, user_ppi=user_ppi, default_ppi=default_ppi, place=place),
                found.position,
                found.impression,
            )
            for found in prints
        ]


def examine(image: GrayImage, position: FingerPosition, impression: int, *, stages: Stages, network: str) -> Examined:
    """The print as it will travel, its template as `network` reads it, and the reasons for which it could not be searched."""
    with stages("extract"):
        template = extract(to_matcher(image), network=network)
    return Examined(print_image(image, position, impression), template, shortcomings(template))
