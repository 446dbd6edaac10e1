"""A person's name in an EBTS Type-2 record: plain ASCII in NAM and AKA, the original script where Unicode may stand.

    family, given ─► "FAMILY,GIVEN MIDDLE" ──────────► 2.018 NAM, 2.019 AKA   printable 7-bit ASCII, cut with a flag
    original script ─► a field that may hold Unicode, 1.015 DCS says UTF-8  │  or handed back for the gateway's envelope

Nothing here transliterates: the caller gives the Latin form that the document has (REQ-170, REQ-174). How long a name may
be is the profile's to say: 30 letters in ebts-9.1, 50 since the revision of December 2012 (an override's `2.018`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mithaq.errors import FormatError
from mithaq.record.model import Transaction, Value
from mithaq.record.rules.kinds import FieldRule, Profile

NAM, AKA = 18, 19
UNICODE = ("U", "ANY")  # kinds of items that may hold more than ASCII
_PART = re.compile(r"[\x21-\x2b\x2d-\x7e](?:[\x20-\x2b\x2d-\x7e]*[\x21-\x2b\x2d-\x7e])?")  # printable, without a comma
_UTF8 = [["003", "UTF-8"]]


@dataclass(frozen=True, slots=True)
class LatinName:
    """A name in Latin letters as a document has it: `given` holds the first and the middle names, or nothing."""

    family: str
    given: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    """The transaction with the names in it. `cut` says which names were too long or too many, as "2.018" or "2.019[2]";
    `envelope` holds the original forms that could not go into it, by field, for the message around the file."""

    transaction: Transaction
    cut: tuple[str, ...]
    envelope: Mapping[int, str]


def with_names(
    tx: Transaction,
    profile: Profile,
    name: LatinName,
    *,
    others: Sequence[LatinName] = (),
    original: Mapping[int, str] | None = None,
    utf8: bool = True,
) -> Named:
    """The transaction with these names in its Type-2 record, under a profile that has NAM and AKA as EBTS does.

    `original` are names in their own script, by the number of a Type-2 field that may hold Unicode; where `utf8` is False
    the partner cannot take it, and they come back in `envelope`. FormatError REC-180 for a Latin form that is not printable
    7-bit ASCII, REC-181 for a field that may not hold Unicode, REC-182 where the profile or the transaction has no place.
    """
    at = next((index for index, record in enumerate(tx.records) if record.type == 2), None)
    of_name, of_others = (profile.rule(2, number, tx.tot or "") for number in (NAM, AKA))
    if at is None or of_name is None or of_name.mnemonic != "NAM":
        raise FormatError(
            "REC-182",
            "there is no place for a name",
            field="2.018",
            expected="a Type-2 record of a transaction with NAM",
        )
    cut: list[str] = []
    record = tx.records[at].with_field(NAM, _fitted(name, of_name, "2.018", cut))
    if others:
        if of_others is None:
            raise FormatError("REC-182", "there is no place for other names", field="2.019")
        record = record.with_field(AKA, _others(others, of_others, cut))
    for number, text in (original or {}).items() if utf8 else ():
        rule = profile.rule(2, number, tx.tot or "")
        if number in (NAM, AKA) or (rule is not None and rule.items[0].kind not in UNICODE):
            raise FormatError(
                "REC-181",
                "this field may not hold Unicode",
                field=f"2.{number:03d}",
                expected="a field whose characters may be any, such as one of the domain's own",
                clause="REQ-174",
            )
        record = record.with_field(number, text, encoding="utf-8")
    tx = tx.replace_record(at, record)
    if any(not bytes(part.value).isascii() for part in record.fields) and tx.encoding != "utf-8":
        tx = tx.replace_record(0, tx.records[0].with_field(15, _UTF8, encoding="ascii"))
    return Named(tx, tuple(cut), {} if utf8 else dict(original or {}))


def _others(names: Sequence[LatinName], rule: FieldRule, cut: list[str]) -> Value:
    most = rule.occurs.most or len(names)
    if len(names) > most:
        cut.append("2.019")
    return [[_fitted(one, rule, f"2.019[{place}]", cut)] for place, one in enumerate(names[:most], 1)]


def _fitted(name: LatinName, rule: FieldRule, place: str, cut: list[str]) -> str:
    """The name in its form, cut to the rule's length; the comma and one letter after it stay."""
    for part in (name.family, *([name.given] if name.given else ())):
        if not _PART.fullmatch(part):
            raise FormatError(
                "REC-180",
                "the name is not printable 7-bit ASCII without a comma",
                field=place,
                expected="the Latin form that the document has; the original script goes into a field of its own",
                clause="REQ-174",
            )
    whole = f"{name.family},{name.given}" if name.given else name.family
    most = rule.items[0].length.most or len(whole)
    if len(whole) <= most:
        return whole
    cut.append(place)
    return f"{name.family[: most - 2].rstrip()},{name.given}"[:most].rstrip() if name.given else whole[:most].rstrip()


__all__ = ["LatinName", "Named", "with_names"]
