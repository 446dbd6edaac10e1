"""The three transactions that cross the border, built from the profile `mithaq-1` and read back under it.

    case, purpose, prints ... ──query_transaction──► CPS ──read_query──► Query
    candidates ──answer_transaction──► SRE ─┐
    reasons ──error_transaction──► ERR ─────┴──read_answer──► Answer

What is built has passed its own check, and what is read passes it first: anything that the profile does not name, in the
answer above all, is a FormatError. Field numbers, editions and names stand in the profile's file, not here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from mithaq.errors import FormatError
from mithaq.record.build import new_transaction, tagged_record
from mithaq.record.check import check
from mithaq.record.findings import Finding
from mithaq.record.images import image_of, images
from mithaq.record.model import Record, Transaction, Value, number_in
from mithaq.record.profile import load_profile
from mithaq.record.rules.kinds import Profile
from mithaq.units import PrintImage

PROFILE = "mithaq-1"
_NO_RESOLUTION = "00.00"  # of 1.011 and 1.012 where each print states its own
_PER_INCH = "1"
_WITHHELD = "00000000"
_GREY_BITS = "8"


@dataclass(frozen=True, slots=True)
class Query:
    """A partner's query. `priority` 1 is the highest, 4 the usual; `offence` is "category:months of custody"."""

    tcn: str
    origin: str
    destination: str
    case: str
    purpose: str
    offence: str
    legal_basis: str
    search_type: str
    priority: int
    prints: tuple[PrintImage, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A partner's answer. `outcome` is "hit", "no-hit", "unsearchable" or "refused".

    `candidates` are (reference number, its prints), best first, for a hit; `reasons` are (code, sentence) for the last two.
    """

    tcn: str
    tcr: str
    outcome: str
    candidates: tuple[tuple[str, tuple[PrintImage, ...]], ...]
    reasons: tuple[tuple[str, str], ...]


def query_transaction(
    *,
    tcn: str,
    origin: str,
    destination: str,
    instant: datetime,
    priority: int,
    case: str,
    purpose: str,
    offence: str,
    legal_basis: str,
    search_type: str,
    prints: Sequence[PrintImage],
) -> Transaction:
    """A query (CPS) with 1 to 14 prints in Type-14 records. FormatError REC-060 where the profile would refuse it.

    `origin` and `destination` are "PARTY/contact-point"; `instant` is aware; every print states its resolution.
    """
    header = {"PRY": str(priority)}
    texts: dict[str, Value] = {"CNO": case, "PUR": purpose, "OFF": offence, "LGB": legal_basis, "STY": search_type}
    records = [_print_record(found, idc, origin) for idc, found in enumerate(prints, 1)]
    return _transaction("CPS", tcn, origin, destination, instant, header, texts, records)


def answer_transaction(
    *,
    tcn: str,
    tcr: str,
    origin: str,
    destination: str,
    instant: datetime,
    outcome: str,
    candidates: Sequence[tuple[str, Sequence[PrintImage]]],
) -> Transaction:
    """An answer (SRE): "hit" with reference numbers and their prints, best first, or "no-hit" with nothing.

    `tcr` is the query's control number. FormatError REC-060 where the profile would refuse it: more than 99 prints, a
    candidate without prints, a hit without candidates, no hit with some.
    """
    for _, prints in candidates:
        if not prints:
            raise FormatError(
                "REC-061",
                "a candidate has no print",
                field="2.906",
                expected="a reference number and at least one reference print",
                clause="REQ-030",
            )
    listed = [(reference, found) for reference, prints in candidates for found in prints]
    texts: dict[str, Value] = {"OUT": outcome}
    if listed:
        texts["REF"] = [[reference, f"{idc:02d}"] for idc, (reference, _) in enumerate(listed, 1)]
    records = [_print_record(found, idc, origin) for idc, (_, found) in enumerate(listed, 1)]
    return _transaction("SRE", tcn, origin, destination, instant, {"TCR": tcr}, texts, records)


def error_transaction(
    *,
    tcn: str,
    tcr: str,
    origin: str,
    destination: str,
    instant: datetime,
    outcome: str,
    reasons: Sequence[tuple[str, str]],
) -> Transaction:
    """An answer without a search (ERR): "unsearchable" or "refused", with 1 to 20 reasons, each a code and a sentence.

    FormatError REC-060 where the profile would refuse it.
    """
    texts: dict[str, Value] = {"OUT": outcome, "ERM": [[code, sentence] for code, sentence in reasons]}
    return _transaction("ERR", tcn, origin, destination, instant, {"TCR": tcr}, texts, [])


def read_query(tx: Transaction) -> Query:
    """The query that a partner sent. FormatError REC-060 where it departs from the profile or is no query."""
    _require(tx, "CPS")
    header, texts = _text(tx, 1), _text(tx, 2)
    return Query(
        tcn=header["TCN"],
        origin=header["ORI"],
        destination=header["DAI"],
        case=texts["CNO"],
        purpose=texts["PUR"],
        offence=texts["OFF"],
        legal_basis=texts["LGB"],
        search_type=texts["STY"],
        priority=int(header["PRY"]),
        prints=images(tx),
    )


def read_answer(tx: Transaction) -> Answer:
    """The answer that a partner sent, of either kind. FormatError REC-060 where it departs from the profile."""
    _require(tx, "SRE", "ERR")
    header, texts = _text(tx, 1), _text(tx, 2)
    return Answer(
        tcn=header["TCN"],
        tcr=header["TCR"],
        outcome=texts["OUT"],
        candidates=_candidates(tx, texts.get("REF", "")),
        reasons=tuple((code, sentence) for code, sentence in _items(texts.get("ERM", ""))),
    )


def require(tx: Transaction, profile: Profile) -> None:
    """FormatError REC-060 with the first finding of severity error, where `check` has any; it counts the others."""
    errors = [found for found in check(tx, profile) if found.severity == "error"]
    if errors:
        raise _refusal(errors, profile)


# ---------------------------------------------------------------- building


def _transaction(
    kind: str,
    tcn: str,
    origin: str,
    destination: str,
    instant: datetime,
    header: Mapping[str, str],
    texts: Mapping[str, Value],
    prints: Sequence[Record],
) -> Transaction:
    if instant.tzinfo is None:
        raise FormatError("REC-062", "the instant has no time zone", field="1.014", expected="an aware instant")
    profile = load_profile(PROFILE)
    universal = instant.astimezone(UTC)
    body = tagged_record(2, _numbered(profile, 2, texts), idc=0)
    values: dict[str, Value] = {
        "VER": profile.edition,
        "TOT": kind,
        "DAT": f"{universal:%Y%m%d}",
        "DAI": destination,
        "ORI": origin,
        "TCN": tcn,
        "NSR": _NO_RESOLUTION,
        "NTR": _NO_RESOLUTION,
        "DOM": [profile.domain],
        "GMT": f"{universal:%Y%m%d%H%M%SZ}",
        "APS": [profile.application],
        **header,
    }
    if any(not bytes(part.value).isascii() for part in body.fields):
        values["DCS"] = [["003", "UTF-8"]]
    tx = new_transaction(_numbered(profile, 1, values), [body, *prints])
    require(tx, profile)
    return tx


def _print_record(found: PrintImage, idc: int, origin: str) -> Record:
    values: dict[str, Value] = {
        "IMP": str(found.impression),
        "SRC": origin.partition("/")[0],
        "FCD": _WITHHELD,
        "HLL": str(found.width),
        "VLL": str(found.height),
        "CGA": found.compression,
        "BPX": _GREY_BITS,
        "FGP": str(int(found.position)),
        "DATA": found.data,
    }
    if found.ppi is not None:
        scale = str(round(found.ppi))
        values.update(SLC=_PER_INCH, THPS=scale, TVPS=scale)
    return tagged_record(14, _numbered(load_profile(PROFILE), 14, values), idc=idc)


def _numbered(profile: Profile, record_type: int, values: Mapping[str, Value]) -> dict[int, Value]:
    numbers = _numbers(profile.name, record_type)
    return {numbers[mnemonic]: value for mnemonic, value in values.items()}


@cache
def _numbers(profile: str, record_type: int) -> dict[str, int]:
    return {rule.mnemonic: rule.number for rule in load_profile(profile).fields if rule.record_type == record_type}


# ---------------------------------------------------------------- reading


def _require(tx: Transaction, *kinds: str) -> None:
    profile = load_profile(PROFILE)
    require(tx, profile)
    if tx.tot not in kinds:
        raise FormatError(
            "REC-063",
            "the transaction is of another type",
            field="1.004",
            expected=" or ".join(kinds),
            remedy="send a query as a query, and an answer as an answer",
            clause=profile.title,
        )


def _text(tx: Transaction, record_type: int) -> dict[str, str]:
    """Every field of the first record of that type by its mnemonic, decoded."""
    record = tx.first(record_type)
    encoding = "ascii" if record_type == 1 else tx.encoding
    names = {number: mnemonic for mnemonic, number in _numbers(PROFILE, record_type).items()}
    fields = () if record is None else record.fields
    return {names[part.number]: part.text(encoding) for part in fields}


def _items(text: str) -> list[list[str]]:
    return [subfield.split("\x1f") for subfield in text.split("\x1e")] if text else []


def _candidates(tx: Transaction, listed: str) -> tuple[tuple[str, tuple[PrintImage, ...]], ...]:
    """The prints of each reference number, in the order in which the numbers are listed."""
    by_idc = {record.idc: image_of(tx, record) for record in tx.records}
    grouped: dict[str, list[PrintImage]] = {}
    for reference, idc in _items(listed):
        found = by_idc.get(number_in(idc.encode()))
        if found is not None:  # the check saw to it that each is there
            grouped.setdefault(reference, []).append(found)
    return tuple((reference, tuple(prints)) for reference, prints in grouped.items())


def _refusal(errors: Sequence[Finding], profile: Profile) -> FormatError:
    first = errors[0]
    more = f", and {len(errors) - 1} more findings" if len(errors) > 1 else ""
    return FormatError(
        "REC-060",
        f"the transaction departs from {profile.name}: {first.code}, {first.problem}{more}",
        record=first.record or None,
        field=first.field or None,
        expected=first.expected,
        remedy=f"{first.remedy}; mithaq.record.check lists every finding",
        clause=first.clause,
    )
