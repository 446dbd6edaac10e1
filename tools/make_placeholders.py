"""Makes the placeholder pictures that `mithaq record new` puts into a skeleton: 128 by 128 pixels, the word PLACEHOLDER.

    a drawing ──► src/mithaq/record/placeholders/picture.wsq, .jpg, .jp2, .png (grey, 500 ppi), colour.jpg, flat.wsq

Run it again only to change the drawing: the files are part of the repository. Nobody's print is in them.
"""

from __future__ import annotations

import io
from pathlib import Path

import wsq  # noqa: F401  registers the format
from PIL import Image, ImageDraw

SIDE = 128
FOLDER = Path(__file__).parents[1] / "src" / "mithaq" / "record" / "placeholders"


def drawing(*, hatched: bool) -> Image.Image:
    """The word, on a hatch where no encoder may make it smaller than a profile allows."""
    hatch = bytes(200 if (x * 7 + y * 13 + x * y % 11) % 5 else 120 for y in range(SIDE) for x in range(SIDE))
    image = Image.frombytes("L", (SIDE, SIDE), hatch) if hatched else Image.new("L", (SIDE, SIDE), 200)
    pen = ImageDraw.Draw(image)
    for y in range(4, SIDE, 24):
        pen.rectangle((20, y - 1, 108, y + 12), fill=255)
        pen.text((28, y), "PLACEHOLDER", fill=0)
    return image


def main() -> None:
    image, plain = drawing(hatched=True), drawing(hatched=False)
    FOLDER.mkdir(exist_ok=True)
    made = {
        "picture.wsq": (image, "WSQ", {}),
        "picture.jpg": (plain, "JPEG", {"dpi": (500, 500), "quality": 70}),
        "picture.jp2": (plain, "JPEG2000", {"irreversible": False}),
        "picture.png": (plain, "PNG", {"dpi": (500, 500), "optimize": True}),
        "flat.wsq": (Image.new("L", (SIDE, SIDE), 128), "WSQ", {}),  # smaller than any profile allows
        "colour.jpg": (plain.convert("RGB"), "JPEG", {"quality": 70}),
    }
    for name, (picture, kind, options) in made.items():
        out = io.BytesIO()
        picture.save(out, kind, **options)
        (FOLDER / name).write_bytes(out.getvalue())
        print(f"{name}: {len(out.getvalue())} bytes")


if __name__ == "__main__":
    main()
