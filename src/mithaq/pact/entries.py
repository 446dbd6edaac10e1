"""What the ledger records: every kind of entry with its fields, and the requirement that asks for it.

    kind, at, data ──entry_body──► canonical JSON {"at", "data", "kind"} ──read_entry──► EntryBody

An entry says that something happened, when, between whom and why; it holds digests, types and finger positions, never
a picture and never a person's name. Officers stand under their identifiers. A field that its kind does not list is
refused, so no caller can put more into the ledger than this page shows. TrustError PAC-170 and PAC-171.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, cast

from mithaq.errors import TrustError
from mithaq.pact.message import _DIGEST, _TYPE, _UUID
from mithaq.pact.strict import Rule, canonical, load, plain, read
from mithaq.pact.terms import _IDENTIFIER, _INSTANT, _PARTY, _PLAIN, _WORD
from mithaq.units import parse_timestamp, timestamp

_COUNT = Rule("0 or more", low=0, high=2**53 - 1)
_REFERENCE = Rule("a reference number", re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}"))
_TEXT = Rule("1 to 200 letters without control characters", re.compile(rf"{_PLAIN}{{1,200}}"))
_HANDLING = Rule("a handling code, as H2", re.compile("H[0-3]"))
_CODE = Rule("a code, as PAC-101", re.compile(r"[A-Z]{3}-\d{3}"))
_ITEM = Rule("an item's name, as family_name", re.compile("[a-z][a-z_]{0,63}"))
_ORIGIN = Rule("a ledger's name", re.compile(r"[!-*,-~]{1,128}"))
_SEARCH = Rule("a search type, as TP/TP", re.compile("[A-Z]{2}/[A-Z]{2,3}"))
_CLAUSE = Rule("an article", re.compile(r"Art\. \d{1,3}(\(\d{1,3}\))?(\([a-z]\))?"))
_SEED = Rule("1 to 64 letters and digits", re.compile("[A-Za-z0-9-]{1,64}"))
_RANGE = Rule("first and last", least=2, most=2, may_repeat=True)
_POSITION = Rule("a finger position, 0 to 15", low=0, high=15)
_JWS = Rule("a compact JWS", re.compile(r"[A-Za-z0-9_-]{1,1500}(\.[A-Za-z0-9_-]{1,1500}){2}"))
_VERSION = Rule("a version", re.compile(r"[0-9A-Za-z.+-]{1,32}"))

# One meaning for each name, in every kind.
FIELDS: Mapping[str, Any] = {
    "about": Annotated[str, _WORD],  # what a notice is about
    "act": Annotated[str, _DIGEST],  # SHA-256 of the officer's signed act, which the store keeps
    "agreement": Annotated[str, _IDENTIFIER],
    "approved_by": Annotated[str, _WORD],
    "authority": Annotated[str, _WORD],  # who asked for an extract
    "body_bytes": Annotated[int, _COUNT],
    "body_type": Annotated[str, _TYPE],
    "by": Annotated[str, _WORD],  # an officer's identifier, or "node" for what no person did
    "case": Annotated[str, _TEXT],
    "certificate": Annotated[str, _DIGEST],
    "check": Annotated[str, _UUID],  # a random check of lawfulness
    "clause": Annotated[str, _CLAUSE],
    "clock": Annotated[str, _WORD],  # which limit: answer, confirm, follow-up, outcome
    "code": Annotated[str, _CODE],
    "conclusion": Annotated[str, _WORD],
    "content": Annotated[str, _DIGEST],  # SHA-256 of what was handed over
    "conversation": Annotated[str, _UUID],
    "created": Annotated[str, _INSTANT],  # by the sender's clock, which it signed; the entry's own instant is ours
    "channel": Annotated[str, _WORD],  # another way on which an answer went too
    "conditions": tuple[Annotated[str, _HANDLING], ...],  # handling codes
    "count": Annotated[int, _COUNT],  # how many were drawn
    "digest": Annotated[str, _DIGEST],  # SHA-256 of the sealed message
    "due_at": Annotated[str, _INSTANT],
    "document": Annotated[str, _DIGEST],  # SHA-256 of a signed document that the store keeps
    "entries": tuple[Annotated[tuple[Annotated[int, _COUNT], ...], _RANGE], ...],  # both included; equal for one entry
    "event": Annotated[str, _WORD],
    "expedited": bool,
    "extract": Annotated[str, _UUID],
    "fields": tuple[Annotated[str, _ITEM], ...],  # which items were supplied, never their values
    "fingers": tuple[Annotated[int, _POSITION], ...],  # positions, each once
    "first": Annotated[int, _COUNT],
    "ground": Annotated[str, _WORD],
    "hold": Annotated[str, _UUID],
    "impressions": Annotated[int, _COUNT],
    "in_reply_to": Annotated[str, _UUID],
    "last": Annotated[int, _COUNT],
    "leaf": Annotated[str, _DIGEST],  # the entry's hash in the partner's ledger
    "legal_basis": Annotated[str, _TEXT],
    "matter": Annotated[str, _UUID],  # the id of an exchange beside a query (`node.exchanges`)
    "message": Annotated[str, _UUID],
    "offence": Annotated[str, _WORD],
    "officer": Annotated[str, _WORD],  # whose right to act began or ended
    "ordered_by": Annotated[str, _WORD],
    "origin": Annotated[str, _ORIGIN],
    "outcome": Annotated[str, _WORD],
    "partner_index": Annotated[int, _COUNT],
    "party": Annotated[str, _PARTY],
    "penalty_months": Annotated[int, _COUNT],
    "persons": Annotated[int, _COUNT],
    "prints": Annotated[int, _COUNT],  # how many were erased
    "prepared_by": Annotated[str, _WORD],
    "purpose": Annotated[str, _WORD],
    "reason": Annotated[str, _WORD],
    "reasons": tuple[Annotated[str, _WORD], ...],
    "receipt": Annotated[str, _DIGEST],  # SHA-256 of the receipt's bytes
    "received_at": Annotated[str, _INSTANT],
    "recipient": Annotated[str, _PARTY],
    "recipient_contact": Annotated[str, _WORD],
    "reference": Annotated[str, _REFERENCE],
    "references": tuple[Annotated[str, _REFERENCE], ...],
    "roles": tuple[Annotated[str, _WORD], ...],
    "root": Annotated[str, _DIGEST],
    "run_by": Annotated[str, _WORD],
    "recipient_kind": Annotated[str, _WORD],
    "search_type": Annotated[str, _SEARCH],
    "sender": Annotated[str, _PARTY],
    "sender_contact": Annotated[str, _WORD],
    "seed": Annotated[str, _SEED],
    "signed": Annotated[str, _JWS],  # an officer's act itself, codes alone, where no table keeps it
    "size": Annotated[int, _COUNT],
    "subject": Annotated[
        str, _REFERENCE
    ],  # of a hold, or of supplied data: a conversation, a supply, a reference, "log"
    "until": Annotated[str, _INSTANT],
    "use": Annotated[str, _WORD],  # which of the four permitted uses (REQ-100)
    "version": Annotated[str, _VERSION],
    "withheld": tuple[Annotated[str, _ITEM], ...],  # which items were asked for and not supplied
    "what": Annotated[str, _WORD],
}


@dataclass(frozen=True)
class EntryKind:
    """The fields that an entry of this kind must have, those that it may have, and the requirement behind it."""

    requirement: str
    fields: tuple[str, ...]
    optional: tuple[str, ...] = ()


@dataclass(frozen=True)
class EntryBody:
    """What an entry says."""

    kind: str
    at: datetime
    data: Mapping[str, Any]


_ENVELOPE = (
    "message", "conversation", "agreement", "digest", "sender", "sender_contact", "recipient", "recipient_contact",
    "body_type", "body_bytes",
)  # fmt: skip
_REASON = ("purpose", "offence", "case", "legal_basis")
_QUERY = EntryKind(
    "REQ-110",
    (*_ENVELOPE, *_REASON, "search_type", "fingers", "expedited"),
    ("created", "penalty_months", "ordered_by", "run_by", "approved_by"),
)
_ANSWER = EntryKind(
    "REQ-110", (*_ENVELOPE, "in_reply_to", "outcome", "references"), ("created", "fingers", "reasons", "clause")
)
_REQUEST = EntryKind(
    "REQ-111", (*_ENVELOPE, "reference", "case"), ("created", "purpose", "by", "ordered_by", "act", "in_reply_to")
)
_RELEASE = EntryKind(
    "REQ-111",
    (*_ENVELOPE, "in_reply_to", "reference", "case", "outcome", "fields"),
    ("created", "reasons", "clause", "purpose", "prepared_by", "approved_by", "withheld", "conditions"),
)
_NOTICE = EntryKind(
    "REQ-111",
    (*_ENVELOPE, "about"),
    (
        "in_reply_to", "reason", "by", "act", "reference", "case", "subject", "fields", "outcome", "prepared_by",
        "approved_by", "document", "created", "conclusion",
    ),
)  # fmt: skip

KINDS: Mapping[str, EntryKind] = {
    "query-held": EntryKind(  # our own gate refused it, and nothing was sent
        "REQ-130", ("conversation", "search_type", "reason"), ("clause", "case", "ordered_by", "run_by", "party")
    ),
    "query-sent": _QUERY,
    "query-received": _QUERY,
    "answer-sent": _ANSWER,
    "answer-received": _ANSWER,
    "receipt-received": EntryKind("REQ-110", ("message", "digest", "receipt", "received_at", "partner_index", "leaf")),
    "message-refused": EntryKind(
        "REQ-121", ("digest", "body_bytes", "code"), ("certificate", "party", "message", "reason", "clause")
    ),
    "step-refused": EntryKind("REQ-054", ("event",), ("conversation", "reason", "clause", "code", "by")),
    "conversation-expired": EntryKind("REQ-110", ("conversation", "reason")),
    "undeliverable": EntryKind("REQ-110", ("conversation", "message", "reason"), ("code",)),
    "prints-erased": EntryKind("REQ-080", ("conversation", "prints", "reason")),
    "clock-breached": EntryKind("REQ-041", ("conversation", "clock"), ("party",)),
    "examined": EntryKind("REQ-035", ("conversation", "by", "act")),  # what it says waits for the second examiner
    "conclusion": EntryKind("REQ-110", ("conversation", "conclusion", "by", "act"), ("reference", "reason")),
    "request-prepared": EntryKind("REQ-111", ("conversation", "reference", "case", "by", "act"), ("ordered_by",)),
    "request-sent": _REQUEST,
    "request-received": _REQUEST,
    "release-prepared": EntryKind(
        "REQ-111", ("conversation", "reference", "outcome", "fields", "by", "act"), ("reasons",)
    ),
    "release-approved": EntryKind("REQ-111", ("conversation", "reference", "prepared_by", "by", "act")),
    "release-returned": EntryKind("REQ-054", ("conversation", "by", "act")),
    "data-shown": EntryKind(  # released data, to whom and for which of the four uses
        "REQ-100", ("conversation", "by", "fields", "reason", "use"), ("matter",)
    ),
    "data-erased": EntryKind("REQ-056", ("conversation", "reason"), ("by",)),
    "channel-recorded": EntryKind("REQ-167", ("conversation", "channel", "by")),
    "release-sent": _RELEASE,
    "release-received": _RELEASE,
    "notice-sent": _NOTICE,
    "notice-received": _NOTICE,
    "matter-changed": EntryKind("REQ-111", ("matter", "about", "event", "by"), ("act", "reason", "subject", "party")),
    "data-marked": EntryKind("REQ-091", ("subject", "event", "by"), ("reason", "matter", "act", "fields")),
    "data-used": EntryKind("REQ-100", ("subject", "use", "by"), ("matter", "case", "fields")),
    "data-disclosed": EntryKind(
        "REQ-103", ("subject", "use", "recipient_kind", "fields", "by", "act"), ("matter", "case")
    ),
    "use-refused": EntryKind("REQ-100", ("subject", "reason", "by"), ("use", "recipient_kind", "matter")),
    "recipient-informed": EntryKind("REQ-094", ("subject", "matter", "by", "act")),
    "agreement-changed": EntryKind("REQ-124", ("agreement", "event"), ("by", "reason", "clause", "party")),
    "checkpoint-refused": EntryKind("REQ-114", ("origin", "size", "root", "code"), ("party", "reason", "clause")),
    "enrolled": EntryKind("REQ-110", ("persons", "impressions", "by"), ("fingers", "reason")),
    "withdrawn": EntryKind("REQ-025", ("references", "reason", "by"), ("prints", "signed")),
    "record-changed": EntryKind("REQ-025", ("references", "by")),
    "exposure-changed": EntryKind("REQ-025", ("references", "event", "reason", "by"), ("signed",)),
    "exposure-rule-changed": EntryKind("REQ-025", ("version", "by", "act")),
    "hold-changed": EntryKind("REQ-085", ("hold", "subject", "event", "reason", "by", "until"), ("act",)),
    "deleted": EntryKind("REQ-083", ("conversation", "what", "reason", "by"), ("reference", "document")),
    "log-read": EntryKind("REQ-112", ("by", "reason"), ("first", "last", "case", "conversation")),
    "officer-changed": EntryKind("REQ-003", ("officer", "event"), ("roles", "by")),
    "signed-in": EntryKind("REQ-120", ("by",)),
    "sign-in-refused": EntryKind("REQ-120", ("code",), ("by",)),
    "node-started": EntryKind("REQ-120", ("version", "size")),
    "check-drawn": EntryKind("REQ-143", ("check", "seed", "count", "size", "by", "act")),
    "check-done": EntryKind("REQ-143", ("check", "conversation", "outcome", "by", "act"), ("ground",)),
    "extract-asked": EntryKind("REQ-113", ("extract", "authority", "due_at", "by", "act"), ("case",)),
    "extract-given": EntryKind("REQ-113", ("extract", "authority", "content", "by")),
    "review-packed": EntryKind("REQ-152", ("content", "party", "seed", "count", "by")),
    "erased": EntryKind("REQ-114", ("entries", "reason", "by")),  # itself never erased: it names no person
}


def entry_body(kind: str, at: datetime, data: Mapping[str, Any]) -> bytes:
    """The canonical bytes of an entry; tuples become lists. TrustError PAC-170 for a kind that is not listed, PAC-171
    for data that its kind does not allow."""
    checked = _check(kind, plain(data))
    return canonical({"kind": kind, "at": timestamp(at), "data": checked})


def read_entry(body: bytes) -> EntryBody:
    """What these bytes record; TrustError PAC-170, PAC-171."""
    try:
        values = load(body, what="ledger entry")
        if not isinstance(values, dict) or values.keys() != {"kind", "at", "data"}:
            raise _data_error("the entry is not of a kind, an instant and data")
        kind, at = read(str, values["kind"], what="kind"), read(str, values["at"], what="at")
        data = values["data"]
        if not isinstance(data, dict):
            raise _data_error("the entry's data are not an object")
        return EntryBody(kind, parse_timestamp(at), _check(kind, data))
    except TrustError as error:
        if error.code in ("PAC-170", "PAC-171"):
            raise
        raise _data_error(error.problem, error.expected, error.code) from None
    except ValueError:
        raise _data_error("the entry names an instant that does not exist") from None


def kind_of(body: bytes) -> str | None:
    """The kind of an entry, read at no more cost than it takes; None where it has none."""
    try:
        kind = json.loads(body)["kind"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return kind if isinstance(kind, str) and kind in KINDS else None


def erased_ranges(entry: EntryBody) -> list[tuple[int, int]]:
    """The (first, last) indexes that an `erased` entry names, both included."""
    return [(pair[0], pair[1]) for pair in entry.data["entries"]]


def _check(kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
    form = KINDS.get(kind)
    if form is None:
        raise TrustError("PAC-170", "this kind of entry is not known", place="ledger entry", expected=", ".join(KINDS))
    lacking = [name for name in form.fields if name not in data]
    foreign = [name for name in data if name not in form.fields and name not in form.optional]
    if lacking or foreign:
        problem = f"{kind} lacks {lacking[0]}" if lacking else f"{kind} has a field that is not known"
        raise _data_error(problem, ", ".join((*form.fields, *form.optional)))
    try:
        for name, value in data.items():
            read(cast(Any, FIELDS[name]), value, what=name)
    except TrustError as error:
        raise _data_error(f"{kind}: the value does not fit", f"{error.place}: {error.expected}", error.code) from None
    pairs = data.get("entries", [])
    if any(len(pair) != 2 or pair[0] > pair[1] for pair in pairs):
        raise _data_error("a range is not of two rising indexes", "[first, last]")
    return dict(data)


def _data_error(problem: str, expected: str = "", detail: str = "") -> TrustError:
    return TrustError("PAC-171", problem, place="ledger entry", expected=expected, detail=detail)


__all__ = ["FIELDS", "KINDS", "EntryBody", "EntryKind", "entry_body", "erased_ranges", "kind_of", "read_entry"]
