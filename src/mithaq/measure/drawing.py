"""What the engine saw, as a picture: `mithaq finger draw`.

    one print    print + minutiae | ridge flow over the map of clarity, and the quality's parts below
    two prints   a | b, each pair of minutiae in one colour and joined by a line, and the score's parts below

Twice the prints' size. An ending is a blue ring, a fork an orange square, the stroke its direction, paler where less
sure; the palette is Okabe and Ito's, which colour-blind people can tell, and shape says the same as colour.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mithaq.finger import Score, Template
from mithaq.finger.minutiae import BIFURCATION, ENDING
from mithaq.finger.parameters import BLOCK, BLOCK_STEP
from mithaq.finger.quality import Blocks, parts
from mithaq.measure.lettering import HEIGHT, letters

Colour = tuple[int, int, int]
BLUE, ORANGE, GREY, INK, PAPER = (0, 114, 178), (213, 94, 0), (120, 120, 120), (30, 30, 30), (255, 255, 255)
PAIR_COLOURS: tuple[Colour, ...] = (
    (0, 114, 178),
    (213, 94, 0),
    (0, 158, 115),
    (204, 121, 167),
    (230, 159, 0),
    (86, 180, 233),
)
SCALE = 2
MARGIN, ROW = 16, 26
SMALLEST_PX = 640  # a canvas' width, so that the words below have room


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A print as it is drawn: `pixels` (h, w) at 500 ppi and its windows, None where only the template is there."""

    template: Template
    pixels: NDArray[np.uint8] | None = None
    windows: Blocks | None = None
    orientation: NDArray[np.float32] | None = None


def draw_print(seen: Seen) -> NDArray[np.uint8]:
    """(h, w, 3): the print with its minutiae; beside it, where the picture was seen, ridge flow and clarity."""
    template = seen.template
    across = template.width * SCALE
    has_map = seen.windows is not None and seen.windows.clarity.size > 0
    shown = parts(template.minutiae, template.statistics)
    canvas, top = _canvas([template] * (2 if has_map else 1), len(shown) + 1)
    _lay(canvas, seen, MARGIN, faded=0.5)
    for k in range(len(template)):
        _minutia(canvas, template, k, MARGIN)
    if has_map:
        left = 2 * MARGIN + across
        _lay(canvas, seen, left, faded=0.25)
        _flow(canvas, seen, left)
        for k, (colour, said) in enumerate(((BLUE, "clear ridges"), (ORANGE, "unclear"))):
            x = left + 200 * k
            canvas[top : top + 14, x : x + 14] = _tint(np.array(colour))
            _write(canvas, x + 22, top, said)
    endings, forks = (int((template.kind == kind).sum()) for kind in (ENDING, BIFURCATION))
    _write(canvas, MARGIN, top, f"quality {template.quality_score} / 100")
    x = MARGIN + 12 * 26
    _ring(canvas, x, top + 7, 7, BLUE, 1.0)
    x = _write(canvas, x + 16, top, f"{endings} endings") + 30
    _square(canvas, x, top + 7, 7, ORANGE, 1.0)
    _write(canvas, x + 16, top, f"{forks} forks")
    for k, part in enumerate(shown):
        said = (
            f"{part.measured:.2f}"
            if part.unit == "share"
            else f"{part.measured:.0f} {part.unit.replace('minutiae', '')}"
        )
        _bar(canvas, top + (k + 1) * ROW, part.name, part.value, said.strip())
    return canvas


def draw_pair(a: Seen, b: Seen, score: Score) -> NDArray[np.uint8]:
    """(h, w, 3): both prints side by side, the minutiae that fell on one another in one colour and joined."""
    canvas, top = _canvas([a.template, b.template], len(score.parts))
    lefts = (MARGIN, 2 * MARGIN + a.template.width * SCALE)
    for side, (seen, left) in enumerate(zip((a, b), lefts, strict=True)):
        _lay(canvas, seen, left, faded=0.4)
        for k in sorted(set(range(len(seen.template))) - set(score.pairs[:, side].tolist())):
            _minutia(canvas, seen.template, k, left, GREY)
    for number, (i, j) in enumerate(score.pairs.tolist()):
        colour = PAIR_COLOURS[number % len(PAIR_COLOURS)]
        (ax, ay), (bx, by) = _place(a.template, i, lefts[0]), _place(b.template, j, lefts[1])
        away = 12.0 / max(math.hypot(bx - ax, by - ay), 24.0)
        sx, sy = away * (bx - ax), away * (by - ay)
        _stroke(canvas, ax + sx, ay + sy, bx - sx, by - sy, 1.2, colour, 0.55)
    for number, (i, j) in enumerate(score.pairs.tolist()):
        colour = PAIR_COLOURS[number % len(PAIR_COLOURS)]
        _minutia(canvas, a.template, i, lefts[0], colour, bold=True)
        _minutia(canvas, b.template, j, lefts[1], colour, bold=True)
    _write(
        canvas,
        MARGIN,
        top,
        f"score {score.value:.4f}   {len(score.pairs)} pairs of {len(a.template)} and {len(b.template)} minutiae",
    )
    shares = {name: value for name, value in score.parts.items() if name != "pairs"}
    for k, (name, value) in enumerate(shares.items()):
        _bar(canvas, top + (k + 1) * ROW, name, value, f"{value:.3f}")
    return canvas


def _canvas(prints: Sequence[Template], rows: int) -> tuple[NDArray[np.uint8], int]:
    """White, with room for the prints in a row and for `rows` of words; and where these begin."""
    across = MARGIN + sum(one.width * SCALE + MARGIN for one in prints)
    top = 2 * MARGIN + max(one.height for one in prints) * SCALE
    canvas = np.empty((top + rows * ROW + MARGIN // 2, max(across, SMALLEST_PX), 3), np.uint8)
    canvas[:] = PAPER
    return canvas, top


def _lay(canvas: NDArray[np.uint8], seen: Seen, left: int, *, faded: float) -> None:
    """The print's pixels in shades of grey, mixed with white; a frame where there are none."""
    width, height = seen.template.width * SCALE, seen.template.height * SCALE
    place = canvas[MARGIN : MARGIN + height, left : left + width]
    place[:] = 245
    if seen.pixels is not None:
        large = np.kron(seen.pixels, np.ones((SCALE, SCALE), np.uint8))
        place[:] = (255.0 - faded * (255.0 - large))[:, :, None]
    for a, b in (
        ((0, 0), (width, 0)),
        ((0, height), (width, height)),
        ((0, 0), (0, height)),
        ((width, 0), (width, height)),
    ):
        _stroke(canvas, left + a[0], MARGIN + a[1], left + b[0], MARGIN + b[1], 1.0, GREY, 0.6)


def _flow(canvas: NDArray[np.uint8], seen: Seen, left: int) -> None:
    """Clarity as a tint from orange (just ridges) to blue (clear), and a stroke along the ridges, in every ridge window."""
    assert seen.windows is not None
    clarity, is_ridge = seen.windows.clarity, seen.windows.is_ridge
    half = BLOCK_STEP * SCALE // 2
    for row, column in zip(*np.nonzero(is_ridge), strict=True):
        x = left + (column * BLOCK_STEP + BLOCK // 2) * SCALE
        y = MARGIN + (row * BLOCK_STEP + BLOCK // 2) * SCALE
        share = float(np.clip((clarity[row, column] - 0.3) / 0.4, 0.0, 1.0))
        tint = np.array(ORANGE) * (1.0 - share) + np.array(BLUE) * share
        cell = canvas[y - half : y + half, x - half : x + half]
        cell[:] = 0.5 * cell + 0.5 * _tint(tint)
        if seen.orientation is not None:
            angle = float(seen.orientation[row, column])
            dx, dy = 11.0 * math.cos(angle), -11.0 * math.sin(angle)
            _stroke(canvas, x - dx, y - dy, x + dx, y + dy, 2.2, INK, 0.9)


def _tint(colour: NDArray[np.float64]) -> NDArray[np.float64]:
    return 0.6 * colour + 0.4 * 255.0


def _place(template: Template, k: int, left: int) -> tuple[float, float]:
    return left + (float(template.x_px[k]) + 0.5) * SCALE, MARGIN + (float(template.y_px[k]) + 0.5) * SCALE


def _minutia(
    canvas: NDArray[np.uint8],
    template: Template,
    k: int,
    left: int,
    colour: Colour | None = None,
    *,
    bold: bool = False,
) -> None:
    """A ring (ending) or square (fork, other) with a stroke along its direction, paler where less sure."""
    x, y = _place(template, k, left)
    is_fork = template.kind[k] == BIFURCATION
    ink = colour or (ORANGE if is_fork else BLUE)
    strength = 0.3 + 0.7 * float(template.quality[k]) / 100.0
    width = 3.0 if bold else 2.2
    if is_fork:
        _square(canvas, x, y, 7.0, ink, strength, width)
    else:
        _ring(canvas, x, y, 7.0, ink, strength, width)
    cosine, sine = math.cos(template.angle_rad[k]), -math.sin(template.angle_rad[k])
    _stroke(canvas, x + 7 * cosine, y + 7 * sine, x + 22 * cosine, y + 22 * sine, width, ink, strength)


def _bar(canvas: NDArray[np.uint8], top: int, name: str, value: float, said: str) -> None:
    """A name, a bar of 240 px filled as far as the value 0..1, and the value in words."""
    _write(canvas, MARGIN, top, name)
    x, width = MARGIN + 12 * 12, 240
    canvas[top + 1 : top + 13, x : x + width] = (225, 225, 225)
    canvas[top + 1 : top + 13, x : x + round(width * min(1.0, max(0.0, value)))] = BLUE
    _write(canvas, x + width + 12, top, said)


def _write(canvas: NDArray[np.uint8], x: int, top: int, text: str) -> int:
    """The words in capitals; returns where they end. What has no room is cut."""
    ink = letters(text)[:, : max(0, canvas.shape[1] - x)]
    canvas[top : top + 2 * HEIGHT, x : x + ink.shape[1]][ink] = INK
    return x + int(ink.shape[1])


def _ring(
    canvas: NDArray[np.uint8], x: float, y: float, radius: float, colour: Colour, strength: float, width: float = 2.2
) -> None:
    place, dx, dy = _around(canvas, x - radius - 3, y - radius - 3, x + radius + 3, y + radius + 3, x, y)
    _mix(place, width / 2 + 0.5 - np.abs(np.hypot(dx, dy) - radius), colour, strength)


def _square(
    canvas: NDArray[np.uint8], x: float, y: float, radius: float, colour: Colour, strength: float, width: float = 2.2
) -> None:
    place, dx, dy = _around(canvas, x - radius - 3, y - radius - 3, x + radius + 3, y + radius + 3, x, y)
    _mix(place, width / 2 + 0.5 - np.abs(np.maximum(np.abs(dx), np.abs(dy)) - radius + 0.7), colour, strength)


def _stroke(
    canvas: NDArray[np.uint8], ax: float, ay: float, bx: float, by: float, width: float, colour: Colour, strength: float
) -> None:
    reach = width / 2 + 1
    edges = (min(ax, bx) - reach, min(ay, by) - reach, max(ax, bx) + reach, max(ay, by) + reach)
    place, dx, dy = _around(canvas, *edges, ax, ay)
    ux, uy = bx - ax, by - ay
    along = np.clip((dx * ux + dy * uy) / max(ux * ux + uy * uy, 1e-9), 0.0, 1.0)
    _mix(place, width / 2 + 0.5 - np.hypot(dx - along * ux, dy - along * uy), colour, strength)


def _around(
    canvas: NDArray[np.uint8], left: float, top: float, right: float, bottom: float, x: float, y: float
) -> tuple[NDArray[np.uint8], NDArray[np.float64], NDArray[np.float64]]:
    """The part of the canvas within the edges, and each of its pixels' distance from (x, y)."""
    rows = np.arange(max(0, math.floor(top)), min(canvas.shape[0], math.ceil(bottom) + 1))
    columns = np.arange(max(0, math.floor(left)), min(canvas.shape[1], math.ceil(right) + 1))
    place = (
        canvas[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if len(rows) and len(columns) else canvas[:0, :0]
    )
    return place, columns[None, :] - x, rows[:, None] - y


def _mix(place: NDArray[np.uint8], cover: NDArray[np.float64], colour: Colour, strength: float) -> None:
    """Lays the colour on, as far as each pixel is covered (clipped to 0..1)."""
    share = (strength * np.clip(cover, 0.0, 1.0))[: place.shape[0], : place.shape[1], None]
    place[:] = np.rint(place * (1.0 - share) + np.array(colour) * share)
