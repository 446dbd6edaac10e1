"""Which characters the bytes of a field are: what 1.015 DCS declares, or what two partners agreed on instead.

    bytes of a field, codec ──field_text──► text with RS and US in place

Separators are single bytes in every encoding, so a value is cut before it is decoded. Where characters are two or four bytes
wide, only text is: tags, numbers and codes stay ASCII, and the dictionary says which is which. Not done here: refusing.
"""

from __future__ import annotations

import re

from mithaq.errors import FormatError
from mithaq.record.dictionary import entry
from mithaq.record.model import Field, Transaction

_CUT = re.compile(rb"([\x1e\x1f])")
_PLAIN = re.compile(rb"[\x1e\x1f\x20-\x7e]*")
_WIDE = ("utf-16", "utf-32")


def codec_of(tx: Transaction, encoding: str | None = None) -> str:
    """The codec of text outside Type-1: `encoding` where it is given, else what 1.015 names, else ASCII.

    FormatError REC-160 where Python has no codec of that name.
    """
    if encoding is None:
        return tx.encoding
    try:
        "".encode(encoding)
    except (LookupError, ValueError):  # a codec of bytes, such as "hex", is refused as well
        raise FormatError(
            "REC-160", "there is no text encoding of that name", expected='a codec of Python, as "windows-1256"'
        ) from None
    return encoding


def is_wide(encoding: str) -> bool:
    """True where a character takes more than one byte even if it is ASCII."""
    return encoding.lower().replace("_", "-").startswith(_WIDE)


def decode(value: bytes | memoryview, encoding: str, errors: str = "strict") -> str:
    """The value as text, separators kept. UnicodeDecodeError as `errors` says."""
    if not is_wide(encoding):
        return str(value, encoding, errors)
    parts = _CUT.split(bytes(value))
    return "".join(part.decode("ascii" if at % 2 else encoding, errors) for at, part in enumerate(parts))


def field_encoding(part: Field, encoding: str) -> str:
    """The codec of this field in a transaction whose text has that codec: ASCII for Type-1, and for what is no text."""
    if part.record_type == 1:
        return "ascii"
    if not is_wide(encoding):
        return encoding
    known = entry(part.record_type, part.number)
    kinds = {item.kind for item in known.items} if known is not None else {""}
    if kinds == {""}:
        return "ascii" if _PLAIN.fullmatch(part.value) else encoding
    return encoding if "U" in kinds else "ascii"


def field_text(part: Field, encoding: str) -> str:
    """The field as text, whatever it holds; what cannot be decoded becomes replacement characters."""
    return decode(part.value, field_encoding(part, encoding), "replace")
