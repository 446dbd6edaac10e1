"""Mnemonics and names of the fields that this package writes and reads most: Types 1, 3 to 8, 13, 14 and the common frame.

Type-2 belongs to its domain: a profile that names the domain names its fields. Other fields have no mnemonic here.
"""

from __future__ import annotations

from mithaq.record.model import BINARY_ITEMS, DATA_NUMBER

_TYPE_1 = {
    1: ("LEN", "record length"),
    2: ("VER", "version"),
    3: ("CNT", "transaction content"),
    4: ("TOT", "type of transaction"),
    5: ("DAT", "date"),
    6: ("PRY", "priority"),
    7: ("DAI", "destination agency"),
    8: ("ORI", "originating agency"),
    9: ("TCN", "transaction control number"),
    10: ("TCR", "transaction control reference"),
    11: ("NSR", "native scanning resolution"),
    12: ("NTR", "nominal resolution"),
    13: ("DOM", "domain"),
    14: ("GMT", "UTC time"),
    15: ("DCS", "character encoding"),
    16: ("APS", "application profiles"),
    17: ("ANM", "agency names"),
    18: ("GNS", "geographic name set"),
}
_ANY = {1: ("LEN", "record length"), 2: ("IDC", "information designation character")}
_GREY = {
    3: ("IMP", "impression type"),
    4: ("FGP", "finger positions"),
    5: ("ISR", "image scanning resolution"),
    6: ("HLL", "pixels per line"),
    7: ("VLL", "lines"),
    8: ("GCA", "compression"),
    9: ("DATA", "image data"),
}
_BILEVEL = {**_GREY, 8: ("BCA", "compression")}
_TYPE_8 = {
    3: ("SIG", "signature type"),
    4: ("SRT", "signature representation"),
    5: ("ISR", "image scanning resolution"),
    6: ("HLL", "pixels per line"),
    7: ("VLL", "lines"),
    8: ("DATA", "signature data"),
}
_TYPE_9 = {3: ("IMP", "impression type"), 4: ("FMT", "minutiae format")}
_FRAME = {
    4: ("SRC", "source agency"),
    6: ("HLL", "pixels per line"),
    7: ("VLL", "lines"),
    8: ("SLC", "scale units"),
    9: ("THPS", "horizontal pixel scale"),
    10: ("TVPS", "vertical pixel scale"),
    11: ("CGA", "compression"),
    12: ("BPX", "bits per pixel"),
    16: ("SHPS", "scanned horizontal pixel scale"),
    17: ("SVPS", "scanned vertical pixel scale"),
    20: ("COM", "comment"),
    902: ("ANN", "annotation"),
    903: ("DUI", "device identifier"),
    904: ("MMS", "make, model, serial number"),
    996: ("HAS", "hash of the data"),
    999: ("DATA", "data"),
}
_PRINTS = {3: ("IMP", "impression type"), 13: ("FGP", "friction ridge positions"), **_FRAME}
_BY_TYPE = {
    1: _TYPE_1,
    3: {**_ANY, **_GREY},
    4: {**_ANY, **_GREY},
    5: {**_ANY, **_BILEVEL},
    6: {**_ANY, **_BILEVEL},
    7: {**_ANY, DATA_NUMBER[7]: ("DATA", "user-defined data")},
    8: {**_ANY, **_TYPE_8},
    9: {**_ANY, **_TYPE_9},
    13: {**_ANY, **_PRINTS, 5: ("LCD", "latent capture date"), 14: ("SPD", "search position"), 24: ("LQM", "quality")},
    14: {
        **_ANY,
        **_PRINTS,
        5: ("FCD", "fingerprint capture date"),
        14: ("PPD", "print position"),
        18: ("AMP", "amputated or bandaged"),
        21: ("SEG", "finger segments"),
        22: ("NQM", "NIST quality"),
        23: ("SQM", "segmentation quality"),
        24: ("FQM", "fingerprint quality"),
    },
}
_IMAGE_FRAME_TYPES = frozenset((10, 15, 16, 17, 19, 20))


def field_name(record_type: int, number: int) -> tuple[str, str]:
    """Mnemonic and English name of a field; two empty strings where this dictionary does not know it."""
    known = _BY_TYPE.get(record_type)
    if known is None:
        known = {**_ANY, **_FRAME} if record_type in _IMAGE_FRAME_TYPES else _ANY
    return known.get(number, ("", ""))


def is_payload(record_type: int, number: int) -> bool:
    """True for the field that holds a record's binary data."""
    if record_type in BINARY_ITEMS:
        return number == DATA_NUMBER[record_type]
    return record_type >= 10 and number == 999
