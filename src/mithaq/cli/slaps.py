"""`mithaq finger segment` and `sequence`: slaps cut into fingers, and the fingers of a card against one another."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mithaq.cli.files import Ppi
from mithaq.cli.output import Json, read_file, say, write_file
from mithaq.errors import FormatError, SettingsError
from mithaq.units import FingerPosition

if TYPE_CHECKING:
    from mithaq.finger.sequence import CardPrint, Place
    from mithaq.finger.slap import Slap
    from mithaq.image import Box
    from mithaq.record import Transaction
    from mithaq.units import GrayImage

Missing = Annotated[
    list[str] | None, typer.Option("--missing", help="A finger that is not there, with its reason: 3=XX or 3=UP.")
]
PLAIN = (0, 2)  # IMP codes: live-scan and not live-scan, plain
SERIOUS = ("swapped", "repeated", "unexpected")


def segment(
    source: Annotated[Path, typer.Argument(metavar="IMAGE|TRANSACTION", help="A slap, or a file with slaps.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder for the fingers (PNG).")],
    position: Annotated[int, typer.Option(min=0, max=15, help="Of a picture: 13, 14, 15, or one finger's.")] = 0,
    missing: Missing = None,
    ppi: Ppi = None,
    json_: Json = False,
) -> None:
    """Cut slaps into fingers, each with its box, its position and what is doubtful."""
    from mithaq.finger.slap import cut
    from mithaq.image import Box, gray_image, png_bytes, to_matcher
    from mithaq.node.intake import is_transaction
    from mithaq.record import read_transaction

    data, declared = read_file(source), _missing(missing)
    with Box() as box:
        if is_transaction(data):
            slaps = _slaps(box, read_transaction(data), declared, ppi, source.name)
        else:
            image = to_matcher(gray_image(box, data, user_ppi=ppi, place=source.name))
            slaps = [(image, _segmented(image, FingerPosition(position), declared))]
    if not slaps:
        raise FormatError(
            "FIN-055", "the transaction holds no slap", place=source.name, expected="a record of position 11 to 15"
        )
    output.mkdir(parents=True, exist_ok=True)
    rows, lines = [], []
    for number, (image, found) in enumerate(slaps, 1):
        files = [f"{number}-{k}-{int(one.position)}.png" for k, one in enumerate(found.fingers, 1)]
        for name, one in zip(files, found.fingers, strict=True):
            write_file(output / name, png_bytes(cut(image, one)))
        rows.append(_slap_row(found, files))
        lines += _slap_lines(found, files)
    say({"slaps": rows}, json_, lines)
    if not all(found.is_usable for _, found in slaps):
        raise typer.Exit(1)


def sequence(
    source: Annotated[Path, typer.Argument(metavar="TRANSACTION", help="A card: rolled prints and slaps.")],
    missing: Missing = None,
    ppi: Ppi = None,
    json_: Json = False,
) -> None:
    """Whether each finger of a card is the one stated: swapped, repeated, missing. Exit 1 where one is not."""
    from mithaq.finger.sequence import check_sequence
    from mithaq.image import Box
    from mithaq.record import missing_fingers, read_transaction

    tx = read_transaction(read_file(source))
    declared = {**missing_fingers(tx), **_missing(missing)}
    with Box() as box:
        prints, slaps = _card(box, tx, declared, ppi, source.name)
    places = check_sequence(prints, declared)
    rows = [
        {**asdict(place), "code": place.code, "sentence": place.sentences and dict(zip(("en", "ar"), place.sentences, strict=True))}
        for place in places
    ]  # fmt: skip
    findings = [{"position": int(found.position), **asdict(one)} for found in slaps for one in found.findings]
    say(
        {"places": rows, "slap_findings": findings},
        json_,
        [
            *[_place_line(place) for place in places],
            *[f"  slap {row['position']}: {row['problem']}" for row in findings],
        ],
    )
    if any(place.state in SERIOUS for place in places):
        raise typer.Exit(1)


def _missing(texts: list[str] | None) -> dict[FingerPosition, str]:
    found = {}
    for text in texts or []:
        number, _, code = text.partition("=")
        if not (number.isascii() and number.isdigit() and 1 <= int(number) <= 10 and code in ("XX", "UP", "SR")):
            raise SettingsError(
                "FIN-053", f"--missing {text[:16]}", expected="a finger 1 to 10 and XX, UP or SR, as in 3=XX"
            )
        found[FingerPosition(int(number))] = code
    return found


def _segmented(image: GrayImage, position: FingerPosition, declared: Mapping[FingerPosition, str]) -> Slap:
    from mithaq.finger import slap

    return slap.segment(image, position, {k: code for k, code in declared.items() if k in slap.ORDER.get(position, ())})


def _slaps(
    box: Box, tx: Transaction, declared: Mapping[FingerPosition, str], ppi: float | None, place: str
) -> list[tuple[GrayImage, Slap]]:
    """The pictures of several fingers, and the plain thumbs, which show a joint too."""
    from mithaq.image import gray_image, to_matcher
    from mithaq.record import images, missing_fingers

    stated = {**missing_fingers(tx), **declared}
    found = [one for one in images(tx) if one.position >= FingerPosition.PLAIN_RIGHT_THUMB]
    pictures = [(to_matcher(gray_image(box, one, user_ppi=ppi, place=place)), one.position) for one in found]
    return [(image, _segmented(image, position, stated)) for image, position in pictures]


def _card(
    box: Box, tx: Transaction, declared: Mapping[FingerPosition, str], ppi: float | None, place: str
) -> tuple[list[CardPrint], list[Slap]]:
    """Each finger's prints: from the records of one finger, and cut from slaps. Of two of a kind the first counts."""
    from mithaq.finger import extract
    from mithaq.finger.sequence import CardPrint
    from mithaq.finger.slap import fingers_of
    from mithaq.image import gray_image, to_matcher
    from mithaq.record import images

    slaps = _slaps(box, tx, declared, ppi, place)
    pictures = {
        (True, position): picture for image, found in slaps[::-1] for position, picture in fingers_of(image, found)
    }
    for one in images(tx):
        key = (one.impression in PLAIN, one.position)
        if 1 <= one.position <= 10 and key not in pictures:
            pictures[key] = to_matcher(gray_image(box, one, user_ppi=ppi, place=place))
    prints = [CardPrint(position, is_plain, extract(picture)) for (is_plain, position), picture in pictures.items()]
    return prints, [found for _, found in slaps]


def _slap_row(found: Slap, files: list[str]) -> dict[str, Any]:
    fingers = [
        {
            "position": int(one.position),
            "corners": [[round(x, 1), round(y, 1)] for x, y in one.corners],
            "seg": list(one.box),
            "lean_deg": round(math.degrees(one.lean_rad), 1),
            "confidence": one.confidence,
            "marks": list(one.marks),
            "file": name,
        }
        for one, name in zip(found.fingers, files, strict=True)
    ]
    return {
        "position": int(found.position),
        "lean_deg": round(math.degrees(found.lean_rad), 1),
        "usable": found.is_usable,
        "fingers": fingers,
        "findings": [asdict(one) for one in found.findings],
    }


def _slap_lines(found: Slap, files: list[str]) -> list[str]:
    lean = math.degrees(found.lean_rad)
    lines = [
        f"position {int(found.position)}: {len(found.fingers)} finger{'' if len(found.fingers) == 1 else 's'}, leaning {lean:+.0f} degrees"
    ]
    for name, one in zip(files, found.fingers, strict=True):
        marks = f" ({', '.join(one.marks)})" if one.marks else ""
        lines.append(f"  {name}: finger {int(one.position)}, confidence {one.confidence:.2f}{marks}")
    return lines + [f"  {one}" for one in found.findings]


def _place_line(place: Place) -> str:
    shown = f"{int(place.position):2} {place.state:11} {place.reason}"
    if place.rate is not None:
        shown += f" (score {place.score:.4f}, false matches {place.rate:.1e})"
    return f"{shown} [{place.code}]" if place.code else shown
