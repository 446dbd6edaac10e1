"""Deletion certificates: a party's signed word that data which the other released are erased (REQ-083).

    Deletion ──make_certificate──► compact JWS ──notice──► read_certificate ──► Deletion, at the party that released them

A certificate names the release by the digest of its sealed message, which stands in both ledgers; it holds no personal
data. Errors are `TrustError` PAC-260 and PAC-261, and the signature's own PAC-108 to PAC-110.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from mithaq.errors import TrustError
from mithaq.pact.jose import sign_compact, verify_compact
from mithaq.pact.keys import SigningKey
from mithaq.pact.message import _DIGEST, _UUID
from mithaq.pact.strict import Rule, canonical, load, plain, read
from mithaq.pact.terms import _IDENTIFIER, _INSTANT, _PARTY, Jwk
from mithaq.units import parse_timestamp

CERTIFICATE_TYPE = "mithaq-deletion-1"  # typ of the JWS
PLACE = "deletion certificate"


@dataclass(frozen=True)
class Deletion:
    """What was erased, by whom, why and when. `release` is the SHA-256 (hex) of the sealed message that released it."""

    schema: Literal["mithaq-deletion-1"]
    id: Annotated[str, _UUID]
    party: Annotated[str, _PARTY]
    partner: Annotated[str, _PARTY]
    agreement: Annotated[str, _IDENTIFIER]
    conversation: Annotated[str, _UUID]
    reference: Annotated[str, Rule("a reference number", re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}"))]
    release: Annotated[str, _DIGEST]
    reason: Literal["retention-over", "withdrawn", "corrected", "declined"]
    erased_at: Annotated[str, _INSTANT]


@dataclass(frozen=True)
class DeletionCertificate:
    """The terms of the notice that carries a certificate to the party that released the data."""

    signed: Annotated[str, Rule("a compact JWS", re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"))]


def make_certificate(deletion: Deletion, sign_key: SigningKey) -> str:
    """The certificate, signed with the party's key for messages."""
    return sign_compact(canonical(plain(deletion)), sign_key, typ=CERTIFICATE_TYPE).decode("ascii")


def read_certificate(signed: str, keys: Sequence[Jwk], *, party: str, partner: str) -> Deletion:
    """What the certificate says, signed by one of the `keys` of `party` for `partner`.

    TrustError PAC-260 for another form, PAC-261 for other parties, PAC-108 to PAC-110 for the signature.
    """
    try:
        data = signed.encode("ascii")
    except UnicodeEncodeError:
        raise _unfit("this is not a compact JWS", "ASCII text") from None
    verified = verify_compact(data, keys, typ=CERTIFICATE_TYPE, place=PLACE)
    try:
        deletion = read(Deletion, load(verified.payload, what=PLACE), what=PLACE)
        parse_timestamp(deletion.erased_at)
    except TrustError as error:
        raise _unfit(error.problem, error.expected, error.code) from None
    except ValueError:
        raise _unfit("it names an instant that does not exist", "a date of the calendar") from None
    if (deletion.party, deletion.partner) != (party, partner):
        raise TrustError(
            "PAC-261", "the certificate is of other parties", place=PLACE, expected=f"{party} to {partner}"
        )
    return deletion


def _unfit(problem: str, expected: str, detail: str = "") -> TrustError:
    return TrustError("PAC-260", problem, place=PLACE, expected=expected, detail=detail)


def months_later(instant: datetime, months: int) -> datetime:
    """The same day and time so many months later (earlier where negative), or the month's last day where it is shorter."""
    year, month = divmod(instant.year * 12 + instant.month - 1 + months, 12)
    day = min(instant.day, calendar.monthrange(year, month + 1)[1])
    return instant.replace(year=year, month=month + 1, day=day)


__all__ = [
    "CERTIFICATE_TYPE", "Deletion", "DeletionCertificate", "make_certificate", "months_later", "read_certificate",
]  # fmt: skip
