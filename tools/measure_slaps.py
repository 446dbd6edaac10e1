"""How well slaps are segmented and cards checked: on the few real slaps there are, on composed ones, on cards made of FVC prints.

    python tools/measure_slaps.py ../shared/data [--persons 3] [--cards 2]

Real: the boxes of tests/real/slap_marks.json. Composed: `mithaq.demo.slaps`, whose truth is known. Cards: the ten fingers of an
FVC database as one person, one impression as rolled and another as plain, left alone or spoilt; FVC prints are neither
rolled nor cut from slaps, so that this measures the decision and not the capture.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mithaq.demo.prints import Difficulty
from mithaq.demo.slaps import hand, slap
from mithaq.finger import Template, extract
from mithaq.finger.sequence import CardPrint, State, check_sequence
from mithaq.finger.slap import Slap, segment
from mithaq.image import Box, gray_image, to_matcher
from mithaq.record import Transaction, images, read_transaction
from mithaq.record.images import first_position
from mithaq.units import FingerPosition, GrayImage, PrintImage

MARKS = Path(__file__).parents[1] / "tests/real/slap_marks.json"
BOX = tuple[float, float, float, float]
CONDITIONS: dict[str, dict[str, Any]] = {
    "upright": {},
    "leaning 20 degrees": {"lean_deg": 20.0},
    "leaning 40 degrees": {"lean_deg": -40.0},
    "no phalanges": {"phalanges": False},
    "1 mm apart": {"gap_px": 20.0},
    "touching": {"gap_px": 0.0},
    "overlapping 0.5 mm": {"gap_px": -10.0},
    "one missing": {"missing": 1},
    "noise of 25 grey levels": {"noise": 25.0},
    "normal second capture": {"difficulty": Difficulty.NORMAL},
    "hard: partial, dry or wet": {"difficulty": Difficulty.HARD},
}


def overlap(a: Sequence[float], b: Sequence[float]) -> float:
    """Intersection over union of two upright boxes (left, right, top, bottom)."""
    across = min(a[1], b[1]) - max(a[0], b[0])
    down = min(a[3], b[3]) - max(a[2], b[2])
    both = max(0.0, across) * max(0.0, down)
    return both / ((a[1] - a[0]) * (a[3] - a[2]) + (b[1] - b[0]) * (b[3] - b[2]) - both)


def real_slap(box: Box, tx: Transaction, record_type: int, position: int) -> GrayImage:
    """The slap at 500 ppi. Type-3 records, which `images` leaves out, are read here."""
    if record_type != 3:
        return to_matcher(gray_image(box, next(one for one in images(tx) if one.position == position)))
    record = next(one for one in tx.all(3) if first_position(one) == position)
    width, height = record.integer(6), record.integer(7)
    assert record.data is not None and width and height
    print_image = PrintImage(FingerPosition(position), 1, "NONE", width, height, None, bytes(record.data))
    return to_matcher(gray_image(box, print_image, user_ppi=250))  # the class of Type-3; the record's word is false


def real_slaps(folder: Path) -> Iterator[tuple[str, GrayImage, FingerPosition, dict[int, BOX]]]:
    """Name, picture, position and marked boxes of each real slap."""
    with Box() as box:
        for row in json.loads(MARKS.read_text(encoding="utf-8"))["slaps"]:
            tx = read_transaction((folder / "nist-itl" / row["file"]).read_bytes())
            image = real_slap(box, tx, row["type"], row["position"])
            yield row["file"], image, FingerPosition(row["position"]), {int(k): v for k, v in row["fingers"].items()}


def judge(found: Slap, truth: dict[int, BOX]) -> dict[str, Any]:
    """Whether number and positions are right, and the overlap with each true finger, by position, 0 where none has it."""
    boxes = {int(one.position): one.box for one in found.fingers}
    order = [int(one.position) for one in found.fingers]
    return {
        "count": len(found.fingers) == len(truth),
        "positions": order == list(truth),
        "iou": [overlap(boxes[k], true) if k in boxes else 0.0 for k, true in truth.items()],
    }


def composed(persons: int) -> dict[str, Any]:
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in CONDITIONS}
    for person in range(persons):
        fingers = hand(1000 + person)
        for name, stated in CONDITIONS.items():
            for position in (
                FingerPosition.PLAIN_RIGHT_FOUR,
                FingerPosition.PLAIN_LEFT_FOUR,
                FingerPosition.BOTH_THUMBS,
            ):
                options = dict(stated)
                if "missing" in options:
                    if position == FingerPosition.BOTH_THUMBS:
                        continue
                    base = 2 if position == FingerPosition.PLAIN_RIGHT_FOUR else 7
                    options["missing"] = (FingerPosition(base + person % 4),)
                made = slap(fingers, position, person, **options)
                start = time.process_time()
                found = segment(made.image, position, dict.fromkeys(options.get("missing", ()), "XX"))
                spent = time.process_time() - start
                truth = {int(one.position): one.box for one in made.fingers}
                rows[name].append({**judge(found, truth), "ms": 1000 * spent})
    return {name: summary(one) for name, one in rows.items()}


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    every = [value for row in rows for value in row["iou"]]
    return {
        "slaps": len(rows),
        "count_right": sum(row["count"] for row in rows),
        "positions_right": sum(row["positions"] for row in rows),
        "fingers": len(every),
        "iou_median": round(statistics.median(every), 3),
        "iou_below_half": sum(value < 0.5 for value in every),
        "ms_median": round(statistics.median(row["ms"] for row in rows), 1),
    }


def cards(folder: Path, count: int) -> dict[str, Any]:
    """Of each FVC2000 and FVC2002 database one person, `count` pairs of impressions, each left alone and spoilt."""
    told: dict[str, Counter[str]] = {}
    rng = np.random.default_rng(4)
    for base in sorted(p for year in ("fvc2000", "fvc2002") for p in folder.glob(f"fvc/{year}/*") if p.is_dir()):
        names = sorted({file.stem.rpartition("_")[0] for file in base.glob("*_*.*")})
        prints = Prints(base)
        for _ in range(count):
            rolled, plain, other = (int(k) for k in rng.permutation(8)[:3] + 1)
            a, b = (int(k) for k in rng.permutation(10)[:2])
            for case in ("whole", "swapped", "repeated"):
                first = [prints[name, rolled] for name in names]
                second = [prints[name, plain] for name in names]
                if case == "swapped":
                    first[a], first[b] = first[b], first[a]
                elif case == "repeated":
                    first[b] = prints[names[a], other]
                places = check_sequence(
                    [CardPrint(FingerPosition(k + 1), False, t) for k, t in enumerate(first)]
                    + [CardPrint(FingerPosition(k + 1), True, t) for k, t in enumerate(second)]
                )
                spoilt = set() if case == "whole" else {a, b}
                for k, place in enumerate(places):
                    told.setdefault(f"{case}, {'spoilt' if k in spoilt else 'sound'} fingers", Counter())[
                        place.state
                    ] += 1
    return {name: {state.value: row[state] for state in State if row[state]} for name, row in told.items()}


class Prints(dict[tuple[str, int], Template]):
    """The templates of one database by finger and impression, extracted when first asked for."""

    def __init__(self, base: Path) -> None:
        super().__init__()
        self.base = base

    def __missing__(self, key: tuple[str, int]) -> Template:
        (file,) = self.base.glob(f"{key[0]}_{key[1]}.*")
        with Box() as box:
            self[key] = extract(to_matcher(gray_image(box, file.read_bytes(), default_ppi=500)))
        return self[key]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder with nist-itl and fvc")
    parser.add_argument("--persons", type=int, default=3, help="composed: hands")
    parser.add_argument("--cards", type=int, default=0, help="cards of each FVC database; 0 leaves them out")
    options = parser.parse_args()
    result: dict[str, Any] = {"real": [], "composed": composed(options.persons)}
    for name, image, position, truth in real_slaps(options.data):
        segment(image, position)
        start = time.process_time()
        found = segment(image, position)
        row = {**judge(found, truth), "ms": round(1000 * (time.process_time() - start), 1)}
        row["iou"] = [round(value, 3) for value in row["iou"]]
        result["real"].append(
            {"file": name, "position": int(position), **row, "findings": [f.code for f in found.findings]}
        )
    if options.cards:
        result["cards"] = cards(options.data, options.cards)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
