"""A receipt: the recipient's signed word that it has a message and has logged it.

    message + its ledger entry ──make_receipt──► compact JWS ──verify_receipt──► Receipt, at the sender

It names the sealed bytes by their SHA-256, the instant, and the entry's index and leaf hash in the recipient's ledger,
with the recipient's latest checkpoint where there is one; a duplicate gets the same bytes again. A receipt says nothing
about what the message asked. Errors are `TrustError` PAC-120 to PAC-123, and the signature's own PAC-108 to PAC-110.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from mithaq.errors import TrustError
from mithaq.pact.jose import sign_compact, verify_compact
from mithaq.pact.keys import SigningKey
from mithaq.pact.message import _DIGEST, _UUID, MAX_SKEW_S, Manifest
from mithaq.pact.strict import Rule, canonical, load, plain, read
from mithaq.pact.terms import _INSTANT, _PARTY, Jwk
from mithaq.units import parse_timestamp, timestamp

SCHEMA: Literal["mithaq-receipt-1"] = "mithaq-receipt-1"
RECEIPT_TYPE = "mithaq-receipt-1"  # typ of the JWS
PLACE = "receipt"


@dataclass(frozen=True)
class Receipt:
    """Who received what, when, and where it stands in the recipient's ledger.

    `message` is its id, `digest` the SHA-256 (hex) of the sealed bytes; `index` and `leaf` are the entry's, `leaf` its
    hash in hex; `checkpoint` is a signed note of the recipient's ledger, or None.
    """

    schema: Literal["mithaq-receipt-1"]
    message: Annotated[str, _UUID]
    digest: Annotated[str, _DIGEST]
    sender: Annotated[str, _PARTY]
    recipient: Annotated[str, _PARTY]
    received_at: Annotated[str, _INSTANT]
    index: Annotated[int, Rule("0 or more", low=0, high=2**53 - 1)]
    leaf: Annotated[str, _DIGEST]
    checkpoint: str | None


def make_receipt(
    manifest: Manifest,
    digest: str,
    *,
    received_at: datetime,
    index: int,
    leaf_hash: bytes,
    sign_key: SigningKey,
    checkpoint: str | None = None,
) -> bytes:
    """The compact JWS that the recipient of this message stores, and sends for it each time that it arrives."""
    receipt = Receipt(
        SCHEMA, manifest.id, digest, manifest.sender, manifest.recipient, timestamp(received_at), index,
        leaf_hash.hex(), checkpoint,
    )  # fmt: skip
    return sign_compact(canonical(plain(receipt)), sign_key, typ=RECEIPT_TYPE)


def verify_receipt(
    data: bytes, keys: Sequence[Jwk], *, manifest: Manifest, digest: str, now: datetime, max_skew_s: float = MAX_SKEW_S
) -> Receipt:
    """The receipt for exactly this message, signed by one of the recipient's pinned keys.

    TrustError PAC-120 for another form, PAC-121 for another message or party, PAC-122 for other sealed bytes, PAC-123
    where the two clocks disagree: received before it was made, or later than now.
    """
    verified = verify_compact(data, keys, typ=RECEIPT_TYPE, place=PLACE)
    try:
        receipt = read(Receipt, load(verified.payload, what=PLACE), what=PLACE)
        received_at = parse_timestamp(receipt.received_at)
    except TrustError as error:
        raise TrustError(
            "PAC-120", error.problem, place=error.place, expected=error.expected, detail=error.code
        ) from None
    except ValueError:
        raise _refuse("PAC-120", "the receipt names an instant that does not exist", "a date of the calendar") from None
    if (receipt.message, receipt.sender, receipt.recipient) != (manifest.id, manifest.sender, manifest.recipient):
        raise _refuse("PAC-121", "the receipt is for another message", "the message that was sent")
    if receipt.digest != digest:
        raise _refuse("PAC-122", "the receipt is for other bytes", "the SHA-256 of the sealed message")
    skew = timedelta(seconds=max_skew_s)
    if not manifest.created_at - skew <= received_at <= now + skew:
        raise _refuse(
            "PAC-123", "the receipt's time cannot be true", f"clocks that differ by at most {max_skew_s:.0f} s"
        )
    return receipt


def _refuse(code: str, problem: str, expected: str) -> TrustError:
    return TrustError(code, problem, place=PLACE, expected=expected)


__all__ = ["RECEIPT_TYPE", "Receipt", "make_receipt", "verify_receipt"]
