"""Every refusal of the image room as one table: key, code, what was met, what was expected, what to do.

The worker sends keys, never sentences: nothing that a decoder or a picture says reaches a reader.
"""

from __future__ import annotations

from mithaq.errors import ImageError

_FORMATS = "WSQ, PNG, JPEG, JPEG 2000, TIFF, BMP or PGM"
_AGAIN = "ask the sender for the file again"
_ASK = "state the resolution at which it was captured (--ppi)"

# Codes are never reused; a refusal that goes leaves its number behind.
_REFUSALS: dict[str, tuple[str, str, str, str]] = {
    "empty": ("IMG-001", "the picture is empty", "a picture", _AGAIN),
    "text": ("IMG-002", "this is a text file, not a picture", _FORMATS, "check that the right file was given"),
    "unknown": ("IMG-003", "its first bytes are those of no picture format read here", _FORMATS, "convert it first"),
    "bytes": (
        "IMG-004",
        "the picture has {size_bytes} bytes",
        "at most {limit}",
        "send a single print, or raise the byte limit of the decoder box",
    ),
    "pixels": (
        "IMG-005",
        "the picture announces {width} x {height} pixels",
        "at most {limit} in all",
        "send a single print, or raise the pixel limit of the decoder box",
    ),
    "zero": ("IMG-006", "the picture is {width} x {height} pixels", "at least one pixel each way", _AGAIN),
    "truncated": ("IMG-007", "the picture ends too early", "a complete file", _AGAIN),
    "damaged": ("IMG-008", "the picture is damaged and contradicts its own format", "a sound file", _AGAIN),
    "crash": (
        "IMG-009",
        "the decoder died on this picture, which is damaged or made to do harm",
        "a sound file",
        "treat the file as hostile and " + _AGAIN,
    ),
    "time": (
        "IMG-010",
        "decoding took too long and was ended",
        "at most {limit} s",
        "convert the picture to a plainer format, or raise the time limit of the decoder box",
    ),
    "memory": (
        "IMG-011",
        "decoding needs more memory than it may have",
        "at most {limit} MiB",
        "send a smaller picture, or raise the memory limit of the decoder box",
    ),
    "variant": (
        "IMG-026",
        "the header of the picture is damaged, or of a kind that is not read here",
        "a sound file of 8-bit grey",
        "convert the picture to PNG without loss, or " + _AGAIN,
    ),
    "animated": ("IMG-012", "the picture is an animation", "one still picture", "save a single frame"),
    "pages": ("IMG-027", "the file holds several pages", "one picture", "save each page as a file of its own"),
    "depth": (
        "IMG-013",
        "the picture has pixels that are not 1 to 16 bits of grey or 8 bits of colour",
        "8-bit grey",
        "convert it to 8-bit grey",
    ),
    "no-wsq": (
        "IMG-014",
        "this machine has no WSQ decoder",
        "x86-64, for which the wsq package exists",
        "convert the picture to PNG or JPEG 2000 without loss, or run the node on x86-64",
    ),
    "raw": (
        "IMG-015",
        "uncompressed pixels of {size_bytes} bytes do not fill {width} x {height}",
        "width times height bytes",
        "correct the size in the record",
    ),
    "size": (
        "IMG-016",
        "the picture is {width} x {height} pixels and its record says {stated_width} x {stated_height}",
        "the same size in both",
        "correct the record, or check that the picture belongs to it",
    ),
    "no-ppi": ("IMG-017", "neither the record nor the file states a resolution", "pixels per inch", _ASK),
    "false-ppi": (
        "IMG-018",
        "the {source} states {ppi} ppi, which cannot be true: it would put the ridges {ridge_mm} mm apart",
        "ridges {low} to {high} mm apart",
        _ASK,
    ),
    "low-ppi": (
        "IMG-019",
        "the {source} states {ppi} ppi, at which no ridges could be seen",
        "{low} to {high} ppi",
        _ASK,
    ),
    "user-ppi": ("IMG-020", "a resolution of {ppi} ppi was given", "{low} to {high} ppi", "correct it"),
    "uneven-ppi": (
        "IMG-021",
        "the file states different resolutions across and down",
        "square pixels",
        "resample the picture to square pixels, or " + _ASK,
    ),
    "scaled-size": (
        "IMG-022",
        "at 500 ppi the picture would be {width} x {height} pixels",
        "at least one pixel each way and at most {limit} in all",
        "check its resolution",
    ),
    "no-worker": (
        "IMG-023",
        "the decoder process cannot be started or ends at once",
        "a Python that can start itself, with Pillow installed",
        "check the installation, and the memory and process limits of this account",
    ),
    "closed": ("IMG-024", "the decoder box was closed", "an open one", "open a new box"),
    "reply": (
        "IMG-025",
        "the decoder process answered nonsense and was ended",
        "a decoded picture",
        "treat the file as hostile and " + _AGAIN,
    ),
}


def refusal(key: str, place: str, **facts: object) -> ImageError:
    """The ImageError of `key` at `place`, its sentences filled from `facts`. An unknown key reads as "reply"."""
    code, problem, expected, remedy = _REFUSALS.get(key, _REFUSALS["reply"])
    return ImageError(
        code,
        problem.format_map(facts),
        place=place or "picture",
        expected=expected.format_map(facts),
        remedy=remedy.format_map(facts),
    )
