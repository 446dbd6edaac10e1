"""ANSI/NIST-ITL transactions: bytes to values and back, the rules they are checked by, the ones that cross the border.

    bytes, XML ──► Transaction ──► check, images, tree, differences, page, write_transaction, write_xml
    bytes of a template ──read_template──► Minutiae, FingerImage ──write_template──► bytes of another form
    query_transaction, answer_transaction, error_transaction ──► Transaction ──► bytes

Reading then writing gives the same bytes. No pictures are decoded here, and nothing is read from or written to disk but
the package's own profiles. Each name is imported when it is first used.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mithaq.record.build import binary_record as binary_record
    from mithaq.record.build import new_transaction as new_transaction
    from mithaq.record.build import tagged_record as tagged_record
    from mithaq.record.check import check as check
    from mithaq.record.choose import profile_for as profile_for
    from mithaq.record.codec import read_transaction as read_transaction
    from mithaq.record.codec import write_transaction as write_transaction
    from mithaq.record.contents import contents as contents
    from mithaq.record.dictionary import code_table as code_table
    from mithaq.record.dictionary import entry as entry
    from mithaq.record.diff import Difference as Difference
    from mithaq.record.diff import differences as differences
    from mithaq.record.either import read_any as read_any
    from mithaq.record.examples.explain import Explanation as Explanation
    from mithaq.record.examples.explain import explain as explain
    from mithaq.record.examples.skeleton import skeleton as skeleton
    from mithaq.record.exchange import Answer as Answer
    from mithaq.record.exchange import Query as Query
    from mithaq.record.exchange import answer_transaction as answer_transaction
    from mithaq.record.exchange import error_transaction as error_transaction
    from mithaq.record.exchange import query_transaction as query_transaction
    from mithaq.record.exchange import read_answer as read_answer
    from mithaq.record.exchange import read_query as read_query
    from mithaq.record.fields import Entry as Entry
    from mithaq.record.findings import Finding as Finding
    from mithaq.record.images import images as images
    from mithaq.record.interchange import FORMS as FORMS
    from mithaq.record.interchange import TemplateFile as TemplateFile
    from mithaq.record.interchange import Written as Written
    from mithaq.record.interchange import convert_template as convert_template
    from mithaq.record.interchange import read_template as read_template
    from mithaq.record.interchange import write_template as write_template
    from mithaq.record.loss import Loss as Loss
    from mithaq.record.minutiae import CONVENTIONS as CONVENTIONS
    from mithaq.record.minutiae import Convention as Convention
    from mithaq.record.minutiae import Minutiae as Minutiae
    from mithaq.record.minutiae import new_minutiae as new_minutiae
    from mithaq.record.missing import missing_fingers as missing_fingers
    from mithaq.record.model import Field as Field
    from mithaq.record.model import Record as Record
    from mithaq.record.model import Transaction as Transaction
    from mithaq.record.offsets import offsets as offsets
    from mithaq.record.page import page as page
    from mithaq.record.person import LatinName as LatinName
    from mithaq.record.person import Named as Named
    from mithaq.record.person import with_names as with_names
    from mithaq.record.profile import load_profile as load_profile
    from mithaq.record.profile import profile_names as profile_names
    from mithaq.record.rules.kinds import Profile as Profile
    from mithaq.record.show import Row as Row
    from mithaq.record.show import tree as tree
    from mithaq.record.template.iso19794_4 import FingerImage as FingerImage
    from mithaq.record.template.remarks import Fault as Fault
    from mithaq.record.template.remarks import TemplateLoss as TemplateLoss
    from mithaq.record.template.type9 import picture_of as picture_of
    from mithaq.record.template.type9 import type9_views as type9_views
    from mithaq.record.template.type9_write import type9_record as type9_record
    from mithaq.record.text import codec_of as codec_of
    from mithaq.record.text import field_text as field_text
    from mithaq.record.xml.package import read_xml as read_xml
    from mithaq.record.xml.package import write_xml as write_xml
    from mithaq.record.xml.package import xml_chunks as xml_chunks

_HOMES = {
    "build": "binary_record new_transaction tagged_record",
    "check": "check",
    "choose": "profile_for",
    "codec": "read_transaction write_transaction",
    "dictionary": "code_table entry",
    "contents": "contents",
    "diff": "Difference differences",
    "either": "read_any",
    "examples.explain": "Explanation explain",
    "examples.skeleton": "skeleton",
    "exchange": "Answer Query answer_transaction error_transaction query_transaction read_answer read_query",
    "fields": "Entry",
    "findings": "Finding",
    "images": "images",
    "interchange": "FORMS TemplateFile Written convert_template read_template write_template",
    "loss": "Loss",
    "minutiae": "CONVENTIONS Convention Minutiae new_minutiae",
    "missing": "missing_fingers",
    "model": "Field Record Transaction",
    "offsets": "offsets",
    "page": "page",
    "person": "LatinName Named with_names",
    "profile": "load_profile profile_names",
    "rules.kinds": "Profile",
    "show": "Row tree",
    "template.iso19794_4": "FingerImage",
    "template.remarks": "Fault TemplateLoss",
    "template.type9": "picture_of type9_views",
    "template.type9_write": "type9_record",
    "text": "codec_of field_text",
    "xml.package": "read_xml write_xml xml_chunks",
}
_HOME = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = sorted(_HOME)


class _Room(ModuleType):
    """Keeps `check`, `images` and the like the functions: importing a file of the same name would put it in their place."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOME and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Room


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
