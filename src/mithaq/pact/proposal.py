"""A proposal: the model agreement's terms with two parties' names, contact points and keys put in.

    two Party + overrides ──propose──► canonical document bytes, ready for `signed.unsigned` and `signed.sign`

Every default is a figure of a real instrument of this family (agreement-requirements, section 14) or the model's own
choice where that says nothing; all can be overridden. Whatever comes out has been parsed and checked as if it came from
the partner.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, cast

from mithaq.errors import TrustError
from mithaq.pact.agreement import SCHEMA, Agreement, parse_agreement
from mithaq.pact.strict import canonical, plain
from mithaq.pact.terms import Bilingual, ContactPoint, Jwk, Keys, Party
from mithaq.pact.wording import model_clauses
from mithaq.units import timestamp

TITLE = Bilingual(
    ar="اتفاقية نموذجية للاستعلام المتبادل عن البصمات", en="Model agreement on mutual fingerprint queries"
)

# day: REQ-130; candidates: REQ-034; threshold_fmr: 1e-6 for tenprints is section 14's, the looser ones are for marks
# and unsolved files, which hold less detail and go to an examiner as a list; prints: ten rolled and four plain ones of
# a card, and for marks what one scene may plausibly leave of one person.
_SEARCH_TYPES: dict[str, tuple[int, int, float, int]] = {
    "TP/TP": (100, 1, 1e-6, 14),
    "TP/UL": (100, 5, 1e-5, 14),
    "PP/ULP": (100, 5, 1e-5, 4),
    "LT/TP": (20, 10, 1e-4, 10),
    "LP/PP": (20, 5, 1e-4, 4),
    "LT/UL": (5, 5, 1e-4, 10),
    "LP/ULP": (5, 5, 1e-4, 4),
}


def model_terms() -> dict[str, Any]:
    """The model's terms as plain JSON values, without parties, title and validity."""
    return {
        "schema": SCHEMA,
        "version": 1,
        "previous": None,
        "crime": {"min_max_penalty_months": 12, "bound": "above", "listed": [], "excluded": [], "excluded_by": {}},
        "purposes": ["prevent-serious-crime", "investigate-serious-crime", "terrorism", "missing-or-remains"],
        "modalities": {"fingerprint": True, "palm": True, "face": False, "iris": False, "dna": False},
        "search_types": {
            name: {"day": day, "candidates": cap, "threshold_fmr": fmr, "prints": prints, "search": "exhaustive"}
            for name, (day, cap, fmr, prints) in _SEARCH_TYPES.items()
        },
        "quota": {
            "day_boundary": "00:00Z",
            "carry_over": False,
            "year": None,
            "emergency": {"allowed": True, "approvers": 2},
        },
        "answer": {
            "automated_hours": 24,
            "expedited_seconds": 10,
            "confirm_by": "requester",
            "examiners": 1,
            "score_returned": False,
        },
        "follow_up": {
            "hours_urgent": 8,
            "hours_ordinary": 168,
            "core_data": [
                "family_name",
                "given_names",
                "aliases",
                "sex",
                "birth_date",
                "birth_place",
                "nationality",
                "document_numbers",
            ],
            "pause_on": ["judicial-authorisation"],
        },
        "special_categories": {"default": "blocked", "needs": ["relevance-statement", "second-approval"]},
        "handling": ["H0", "H1", "H2", "H3"],
        "retention": {
            "query_at_holder": "immediate",
            "hit_reference_at_requester_days": 30,
            "released_review_months": 12,
            "log_months": 24,
            "certificates": True,
        },
        "incident": {"notify_hours": 24},
        "access_request": {"authority_days": 28, "consult_days": 14},
        "duties": {"correction_hours": 72, "consent_days": 14, "assess_days": 30, "outcome_days": 30},
        "life": {"in_flight": "begun", "consult_first": False},
        "icd": {"format": "ANSI/NIST-ITL 1-2011:2015", "domain": "EBTS-like", "version": "mithaq-1"},
        "crypto_suite": "default",
        "languages": ["ar", "en"],
        "clauses": {key: plain(clause) for key, clause in model_clauses().items()},
    }


def contact_point(
    identifier: str,
    name: Bilingual,
    url: str,
    *,
    roles: Sequence[str] = ("query", "release", "spontaneous"),
    purposes: Sequence[str] | Literal["all"] = "all",
) -> ContactPoint:
    """A contact point; its values are checked when the proposal is made."""
    allowed = "all" if purposes == "all" else tuple(purposes)
    return ContactPoint(identifier, name, cast(Any, tuple(roles)), cast(Any, allowed), url)


def public_key(jwk: Mapping[str, Any]) -> Jwk:
    """The public members of a JWK that an agreement carries (`kid`, `use` and `alg` are left behind).

    TrustError PAC-014 for a private key, PAC-013 where a member is missing.
    """
    if "d" in jwk:
        raise TrustError(
            "PAC-014", "this is a private key", place="keys", expected="a public key", remedy="pass the public half"
        )
    try:
        return Jwk(jwk["kty"], jwk["crv"], jwk["x"], jwk.get("y"))
    except KeyError as error:
        raise TrustError(
            "PAC-013", f"the key has no member {error.args[0]}", place="keys", expected="a JWK with kty, crv and x"
        ) from None


def public_keys(
    *,
    tls: Sequence[bytes],
    sign: Sequence[Mapping[str, Any]],
    encrypt: Sequence[Mapping[str, Any]],
    checkpoint: Sequence[str],
) -> Keys:
    """One party's public keys: TLS certificates as DER bytes, JWKs to sign and to encrypt, C2SP verifier keys."""
    certificates = tuple(base64.b64encode(der).decode("ascii") for der in tls)
    return Keys(certificates, tuple(map(public_key, sign)), tuple(map(public_key, encrypt)), tuple(checkpoint))


def propose(
    parties: Mapping[str, Party],
    /,
    *,
    valid_from: datetime,
    valid_to: datetime | None = None,
    title: Bilingual = TITLE,
    **overrides: Any,
) -> bytes:
    """The canonical bytes of a document between exactly two parties, by code, unsigned.

    `overrides` are terms of the model to change, as plain JSON values: objects are merged key by key, all else is
    replaced (`quota={"day_boundary": "21:00Z"}`, `search_types={"TP/TP": {"day": 3}}`); None takes a search type or a
    clause out of its object. TrustError PAC-0xx, with the path, where the result is not an agreement.
    """
    document = model_terms()
    document |= {
        "title": plain(title),
        "parties": {code: plain(party) for code, party in parties.items()},
        "valid": {
            "from": timestamp(valid_from),
            "to": None if valid_to is None else timestamp(valid_to),
            "notice_months": 3,
            "entry": {},
        },
    }
    merged = _merge(document, overrides)
    merged["clauses"] = _clauses_present(merged, overrides.get("clauses", {}))
    data = canonical(merged)
    parse_agreement(data)
    return data


def next_version(
    agreement: Agreement,
    *,
    valid_from: datetime,
    valid_to: datetime | None,
    parties: Mapping[str, Party] | None = None,
    **overrides: Any,
) -> bytes:
    """The canonical bytes of the version that follows this agreement: its terms, with another time, further overrides
    (as `propose` takes them) and the parties given anew; unsigned. TrustError PAC-015 where it would begin after the
    present one ended: an extension leaves no gap (REQ-161, REQ-165)."""
    if agreement.valid_to is not None and valid_from > agreement.valid_to:
        raise TrustError(
            "PAC-015",
            "the next version would begin after the present one has ended",
            place="agreement, valid.from",
            expected=f"{agreement.valid.to} or earlier",
            remedy="let it begin at that instant at the latest",
        )
    document = plain(agreement)
    entry = {part: at for part, at in document["valid"]["entry"].items() if at >= timestamp(valid_from)}
    document |= {
        "version": agreement.version + 1,
        "previous": agreement.id,
        "parties": {**document["parties"], **{code: plain(party) for code, party in (parties or {}).items()}},
        "valid": {
            **document["valid"],
            "from": timestamp(valid_from),
            "to": None if valid_to is None else timestamp(valid_to),
            "entry": entry,
        },
    }
    data = canonical(_merge(document, overrides))
    parse_agreement(data)
    return data


def _merge(base: dict[str, Any], change: Mapping[str, Any], inside: str = "") -> dict[str, Any]:
    merged = dict(base)
    for key, value in change.items():
        if value is None and inside in ("search_types", "clauses"):
            merged.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(merged.get(key), dict):
            merged[key] = _merge(merged[key], value, key)
        else:
            merged[key] = value
    return merged


def _clauses_present(document: dict[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """The clauses without those of the model whose term an override replaced by something without that part."""
    clauses: dict[str, Any] = document["clauses"]
    return {key: clause for key, clause in clauses.items() if key in asked or _stands(document, key.split("."))}


def _stands(document: Any, steps: list[str]) -> bool:
    if not steps or steps[0].startswith("REQ-"):
        return True
    if not isinstance(document, dict):
        return False
    inner = document.values() if steps[0] == "*" else [document[steps[0]]] if steps[0] in document else []
    return any(_stands(part, steps[1:]) for part in inner)
