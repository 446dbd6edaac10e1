"""A file from outside -> prints that can travel and be searched. The same steps for a query, an enrolment and a drop.

bytes ──record──► PrintImage… ──box──► GrayImage ──finger──► Template, shortcomings
                      (a picture that is no transaction becomes one PrintImage)
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mithaq.errors import ImageError
from mithaq.finger import Template, extract, shortcomings
from mithaq.finger.slap import ORDER, fingers_of, segment
from mithaq.image import Box, gray_image, print_image, to_matcher
from mithaq.node.stages import Stages
from mithaq.record import contents, images, missing_fingers, read_transaction
from mithaq.record.payload import payload_kind
from mithaq.units import FingerPosition, GrayImage, PrintImage

_TRANSACTION = re.compile(rb"\A0*1\.0*1:")
SLAP_FINGERS = {position: ORDER[position] for position in (13, 14, 15)}
LOSSY = ("WSQ20", "JPEGB", "JP2")
MOST_COMPRESSED = 15.0  # times; Pruem and INT-I say so of WSQ at 500 ppi, by recollection
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
    slaps: Literal["leave", "try", "cut"] = "leave",
) -> list[tuple[GrayImage, FingerPosition, int]]:
    """The single-finger pictures in a file with their positions and impressions, decoded in the box.

    A slap of several fingers is left out ("leave"), or cut into its fingers ("cut"), which "try" does only where they can
    be told. FormatError or ImageError where the file is not what it claims to be, or holds no picture of one finger;
    NOD-310 for a slap that is to be cut and cannot be.
    """
    if not is_transaction(data):
        with stages("decode"):
            image = gray_image(box, data, user_ppi=user_ppi, default_ppi=default_ppi, place=place)
            return [(image, position, impression)]
    with stages("read"):
        transaction = read_transaction(data)
        prints = [found for found in images(transaction) if slaps != "leave" or found.position.is_one_finger]
        missing = missing_fingers(transaction)
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
        pictures = []
        for found in prints:
            image = gray_image(box, found, user_ppi=user_ppi, default_ppi=default_ppi, place=place)
            if found.position.is_one_finger:
                pictures.append((image, found.position, found.impression))
                continue
            fingers = _fingers(image, found.position, missing, place, must=slaps == "cut")
            pictures += [(finger, position, found.impression) for position, finger in fingers]
        return pictures


def contents_of(data: bytes) -> str:
    """What a file searches with, as `mithaq.record.contents` says; a picture that is no transaction is a tenprint."""
    return contents(read_transaction(data)) if is_transaction(data) else "TP"


def is_squeezed(data: bytes, pictures: Sequence[tuple[GrayImage, FingerPosition, int]]) -> bool:
    """True where a picture in the file was compressed with loss beyond what is usual (REQ-071); `pictures` are the file's,
    decoded. The limit is recalled, not read: it warns, and refuses nothing."""
    if is_transaction(data):
        found = images(read_transaction(data))
        sizes = [(one.compression, one.width * one.height, len(one.data)) for one in found]
    else:
        sizes = [(payload_kind(data) or "", pictures[0][0].pixels.size, len(data))]
    return any(kind in LOSSY and pixels > MOST_COMPRESSED * size for kind, pixels, size in sizes)


def _fingers(
    image: GrayImage, position: FingerPosition, missing: Mapping[FingerPosition, str], place: str, *, must: bool
) -> tuple[tuple[FingerPosition, GrayImage], ...]:
    """The fingers of a slap, each with its position; where they cannot be told, ImageError NOD-310 if they `must` be."""
    own = {finger: code for finger, code in missing.items() if finger in SLAP_FINGERS[position]}
    found = segment(to_matcher(image), position, own)
    if must and not found.is_usable:
        why = next((one.problem for one in found.findings if one.is_error), "no finger was found")
        raise ImageError(
            "NOD-310",
            f"a slap (FGP {int(position)}) cannot be cut into its fingers: {why}",
            place=place,
            expected="each finger that is not declared missing, apart from the others",
            remedy="take it again, or declare missing fingers (14.018 AMP)",
        )
    return fingers_of(to_matcher(image), found)


def examine(image: GrayImage, position: FingerPosition, impression: int, *, stages: Stages, network: str) -> Examined:
    """The print as it will travel, its template as `network` reads it, and the reasons for which it could not be searched."""
    with stages("extract"):
        template = extract(to_matcher(image), network=network)
    return Examined(print_image(image, position, impression), template, shortcomings(template))
