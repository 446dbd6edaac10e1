"""The agreement: what two parties may ask of each other, as one canonical JSON document that both sign.

    document bytes ──parse_agreement──► Agreement ──► gate, lifecycle, message      id = "sha256:" + hex of the bytes
                                            └──► clause_text(parameter or refusal reason) ──► Clause in two languages

`terms.py` holds the sections, `strict.py` the reading, `proposal.py` makes a document, `signed.py` signs and verifies
it. The checks here are those between the parts: nothing is accepted that this version could not keep (fail closed).
Errors are `TrustError`: PAC-010 to PAC-019 here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, Literal

from cryptography import x509

from mithaq.errors import TrustError
from mithaq.pact.countries import COUNTRIES
from mithaq.pact.strict import Rule, canonical, load, plain, read
from mithaq.pact.terms import (
    _IDENTIFIER,
    _ONE_OR_MORE,
    _PARTY,
    AccessRequest,
    AnswerTerms,
    Bilingual,
    Clause,
    ContactPoint,
    Crime,
    Duties,
    Emergency,
    FollowUp,
    Icd,
    Incident,
    Jwk,
    Keys,
    Life,
    Modalities,
    Party,
    Purpose,
    Quota,
    Retention,
    SearchTerms,
    SearchType,
    SpecialCategories,
    Validity,
)
from mithaq.pact.wording import reason_terms
from mithaq.units import parse_timestamp

SCHEMA = "mithaq-agreement-1"
WHAT = "agreement"

# Every term that a person may ask "who says so?" about; the document must answer for each.
PARAMETERS = (
    "parties", "valid", "crime", "purposes", "modalities", "search_types", "quota", "answer", "follow_up",
    "special_categories", "handling", "retention", "incident", "access_request", "duties", "life", "icd", "crypto_suite", "languages",
)  # fmt: skip

# The curve of each kind of key, by suite. Checkpoints stay Ed25519 in both: C2SP names it, and FIPS 186-5 approves it.
SUITES: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "default": {"sign": ("OKP", "Ed25519"), "encrypt": ("OKP", "X25519")},
    "fips": {"sign": ("EC", "P-256"), "encrypt": ("EC", "P-256")},
}


@dataclass(frozen=True)
class Agreement:
    """The whole document. `id` names it on the wire; `party(code)` and `other(code)` find the two sides."""

    schema: Literal["mithaq-agreement-1"]
    title: Bilingual
    version: Annotated[int, Rule("1 to 9999", low=1, high=9999)]
    previous: Annotated[str, _IDENTIFIER] | None
    parties: Annotated[Mapping[Annotated[str, _PARTY], Party], Rule("exactly two parties", least=2, most=2)]
    valid: Validity
    crime: Crime
    purposes: Annotated[tuple[Purpose, ...], _ONE_OR_MORE]
    modalities: Modalities
    search_types: Annotated[Mapping[SearchType, SearchTerms], _ONE_OR_MORE]
    quota: Quota
    answer: AnswerTerms
    follow_up: FollowUp
    special_categories: SpecialCategories
    handling: tuple[Literal["H0", "H1", "H2", "H3"], ...]
    retention: Retention
    incident: Incident
    access_request: AccessRequest
    duties: Duties
    life: Life
    icd: Icd
    crypto_suite: Literal["default", "fips"]
    languages: Annotated[tuple[Literal["ar", "en"], ...], Rule('both "ar" and "en"', least=2, most=2)]
    clauses: Mapping[str, Clause]

    @cached_property
    def document(self) -> bytes:
        """The canonical bytes that both parties sign."""
        return canonical(plain(self))

    @cached_property
    def id(self) -> str:
        """ "sha256:" and the hex digest of the canonical bytes, carried by every message."""
        return identifier(self.document)

    def party(self, code: str) -> Party | None:
        """The party of that code, or None."""
        return self.parties.get(code)

    def other(self, code: str) -> str:
        """The code of the party that is not `code`. ValueError where `code` is not a party."""
        if code not in self.parties:
            raise ValueError("not a party to this agreement")
        return next(other for other in self.parties if other != code)

    @cached_property
    def valid_from(self) -> datetime:
        """The instant of entry into force."""
        return parse_timestamp(self.valid.start)

    @cached_property
    def valid_to(self) -> datetime | None:
        """The first instant at which the agreement is no longer in force; None where it is open-ended."""
        return None if self.valid.to is None else parse_timestamp(self.valid.to)


@dataclass(frozen=True)
class Change:
    """One parameter that differs between two agreements; None stands for "not there"."""

    path: str
    before: object
    after: object
    clause: Clause | None


def identifier(document: bytes) -> str:
    """The name of a document: "sha256:" and the hex digest of its bytes."""
    return "sha256:" + hashlib.sha256(document).hexdigest()


def parse_agreement(data: bytes) -> Agreement:
    """The agreement that `data` is, byte for byte; TrustError PAC-001 to PAC-018 for anything else.

    Its signatures are not looked at here: `signed.verify` does both.
    """
    values = load(data, what=WHAT)
    if isinstance(values, dict):
        _refuse_schema(values)
        _refuse_private_keys(values)
    agreement = read(Agreement, values, what=WHAT)
    _check(agreement)
    return agreement


def active(agreement: Agreement, at: datetime) -> bool:
    """True where the agreement is in force at that instant: from its start, up to and not including its end."""
    return agreement.valid_from <= at and (agreement.valid_to is None or at < agreement.valid_to)


def clause_text(agreement: Agreement, about: str) -> Clause | None:
    """The clause behind a parameter's path, a requirement ("REQ-130") or a refusal's reason; None where there is none.

    A path falls back to the term that holds it: "search_types.TP/TP.day", "search_types.*.day", then "search_types".
    """
    terms = reason_terms(about)
    if terms is not None:
        return agreement.clauses.get(terms.requirement) or clause_text(agreement, terms.parameter)
    steps = re.sub(r"\[\d+\]", "", about).split(".")
    for length in range(len(steps), 0, -1):
        if exact := agreement.clauses.get(".".join(steps[:length])):
            return exact
        for key, clause in agreement.clauses.items():
            wanted = key.split(".")
            if len(wanted) == length and all(a in ("*", b) for a, b in zip(wanted, steps, strict=False)):
                return clause
    return None


def difference(before: Agreement, after: Agreement) -> list[Change]:
    """Every parameter that differs, in the order of its path, with the clause that stands behind it."""
    old, new = _leaves(plain(before)), _leaves(plain(after))
    changes = []
    for path in sorted(old.keys() | new.keys()):
        if old.get(path) != new.get(path):
            about = path.removeprefix("clauses.") if path.startswith("clauses.") else path
            changes.append(
                Change(path, old.get(path), new.get(path), clause_text(after, about) or clause_text(before, about))
            )
    return changes


def terms_of(agreement: Agreement) -> list[tuple[str, object]]:
    """Every parameter's path and value in the order of its path, the clauses' own texts left out."""
    document = {key: value for key, value in plain(agreement).items() if key != "clauses"}
    return sorted(_leaves(document).items())


def candidate_cap(agreement: Agreement, search_type: str) -> int:
    """The most candidates that an answer of this search type may hold. KeyError for a type that was not agreed."""
    return _terms(agreement, search_type).candidates


def threshold_fmr(agreement: Agreement, search_type: str) -> float:
    """The false-match rate at or below which a finger comparison counts. KeyError for a type that was not agreed."""
    return _terms(agreement, search_type).threshold_fmr


def search_way(agreement: Agreement, search_type: str) -> Literal["exhaustive", "indexed"]:
    """Whether the whole file is looked at or an index says what is. KeyError for a type that was not agreed."""
    return _terms(agreement, search_type).search


def _terms(agreement: Agreement, search_type: str) -> SearchTerms:
    return {str(name): terms for name, terms in agreement.search_types.items()}[search_type]


def _leaves(value: object, path: str = "") -> dict[str, object]:
    """Paths of all values that hold no further names. Contact points are told apart by identifier, not by place."""
    if isinstance(value, dict) and set(value) != {"ref", "ar", "en"}:
        outer = f"{path}." if path else ""
        return {leaf: end for name, part in value.items() for leaf, end in _leaves(part, outer + name).items()}
    if isinstance(value, list) and value and all(isinstance(item, dict) and "id" in item for item in value):
        return _leaves({item["id"]: item for item in value}, path)
    return {path: value}


def _trust(code: str, problem: str, path: str, expected: str, remedy: str = "") -> TrustError:
    remedy = remedy or "correct the document, then let both parties sign again"
    return TrustError(code, problem, place=f"{WHAT}, {path}", expected=expected, remedy=remedy)


def _refuse_schema(values: dict[str, Any]) -> None:
    if "schema" in values and values["schema"] != SCHEMA:
        raise _trust(
            "PAC-010",
            "this is not an agreement that this version knows",
            "schema",
            SCHEMA,
            "use a version of mithaq that knows it, or agree on this one",
        )


def _refuse_private_keys(values: object, path: str = "") -> None:
    """A private member beside a public key must be named for what it is, not as an unknown key."""
    if isinstance(values, dict):
        if "kty" in values and {"d", "p", "q", "k"} & values.keys():
            raise _trust(
                "PAC-014",
                "a private key stands in the agreement",
                path or "keys",
                "public keys only",
                "make a new key: this one is no longer secret",
            )
        for name, part in values.items():
            _refuse_private_keys(part, f"{path}.{name}" if path else name)
    elif isinstance(values, list):
        for index, part in enumerate(values):
            _refuse_private_keys(part, f"{path}[{index}]")


def _check(agreement: Agreement) -> None:
    """What the parts must say about each other."""
    _check_parties(agreement)
    _check_keys(agreement)
    _check_terms(agreement)
    _check_clauses(agreement)


def _check_parties(agreement: Agreement) -> None:
    seen: set[str] = set()
    for code, party in agreement.parties.items():
        if party.country not in COUNTRIES:
            raise _trust(
                "PAC-011",
                f"{party.country} is not a country code",
                f"parties.{code}.country",
                "an ISO 3166-1 alpha-2 code in use",
            )
        for point in party.contact_points:
            path = f"parties.{code}.contact_points"
            if point.id in seen:
                raise _trust("PAC-015", f"the contact point {point.id} stands twice", path, "every contact point once")
            seen.add(point.id)
            if point.purposes != "all" and not set(point.purposes) <= set(agreement.purposes):
                raise _trust("PAC-015", f"{point.id} serves a purpose that is not agreed", path, "agreed purposes only")
        for role in ("query", "release"):
            if not any(role in point.roles for point in party.contact_points):
                raise _trust(
                    "PAC-015",
                    f"no contact point has the role {role}",
                    f"parties.{code}.contact_points",
                    "at least one for queries and one for releases",
                )


def _check_keys(agreement: Agreement) -> None:
    suite = SUITES[agreement.crypto_suite]
    owners: dict[str, str] = {}
    for code, party in agreement.parties.items():
        path = f"parties.{code}.keys"
        for kind, keys in (("sign", party.keys.sign), ("encrypt", party.keys.encrypt)):
            for key in keys:
                if (key.kty, key.crv) != suite[kind] or (key.y is None) is (key.kty == "EC"):
                    raise _trust(
                        "PAC-013",
                        "a key is not of the agreed cryptographic suite",
                        f"{path}.{kind}",
                        f"{' '.join(suite[kind])} keys, as the suite {agreement.crypto_suite} says",
                    )
                if any(part is not None and not _is_b64url(part) for part in (key.x, key.y)):
                    raise _trust(
                        "PAC-013",
                        "a key's coordinate is not base64url of 32 bytes",
                        f"{path}.{kind}",
                        "a public key as `mithaq node init` wrote it",
                    )
        for der in party.keys.tls:
            if not _is_certificate(der):
                raise _trust(
                    "PAC-013",
                    "a TLS certificate cannot be read",
                    f"{path}.tls",
                    "a certificate as `mithaq node init` wrote it",
                )
        for vkey in party.keys.checkpoint:
            if not _is_vkey(vkey):
                raise _trust(
                    "PAC-013",
                    "a ledger key does not carry its own key identifier",
                    f"{path}.checkpoint",
                    "a C2SP verifier key as `mithaq node init` wrote it",
                )
        names = [
            *party.keys.tls,
            *(key.thumbprint for key in (*party.keys.sign, *party.keys.encrypt)),
            *(vkey.rsplit("+", 1)[1] for vkey in party.keys.checkpoint),
        ]
        for name in names:
            if owners.setdefault(name, code) != code:
                raise _trust(
                    "PAC-012",
                    "both parties name the same key",
                    path,
                    "keys that one party alone holds",
                    "each party makes its own keys: whoever holds both could sign for both",
                )


def _is_b64url(text: str) -> bool:
    """True for the one way to write 32 bytes: the unused low bits of the last letter are zero."""
    return base64.urlsafe_b64encode(base64.urlsafe_b64decode(text + "=")).decode("ascii").rstrip("=") == text


def _is_certificate(text: str) -> bool:
    try:
        der = base64.b64decode(text, validate=True)
        x509.load_der_x509_certificate(der)
    except ValueError:  # binascii.Error is one
        return False
    return base64.b64encode(der).decode("ascii") == text


def _is_vkey(text: str) -> bool:
    name, number, key = text.split("+", 2)
    try:
        raw = base64.b64decode(key, validate=True)
    except binascii.Error:
        return False
    kind_known = len(raw) == 33 and raw[0] in (0x01, 0x04)  # Ed25519; Ed25519 cosignature
    return kind_known and hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4].hex() == number


def _check_terms(agreement: Agreement) -> None:
    for path, instant in _instants(agreement):
        try:
            if instant is not None:
                parse_timestamp(instant)
        except ValueError:
            raise _trust("PAC-015", "there is no such instant", path, "a date and time of the calendar") from None
    if agreement.valid_to is not None and agreement.valid_to <= agreement.valid_from:
        raise _trust("PAC-015", "the agreement ends before it begins", "valid", "an end after the start")
    for part, instant in agreement.valid.entry.items():
        entry = parse_timestamp(instant)
        if part not in ("release", "spontaneous") and part not in agreement.search_types:
            raise _trust(
                "PAC-015", f"{part} enters into force without being agreed", "valid.entry", "agreed parts only"
            )
        if entry < agreement.valid_from or (agreement.valid_to is not None and entry >= agreement.valid_to):
            raise _trust(
                "PAC-015", f"{part} enters into force outside the agreement's own time", "valid.entry", "within it"
            )
    for code in agreement.crime.excluded_by:
        if code not in agreement.parties:
            raise _trust(
                "PAC-015", f"{code} excludes offences, but is no party", "crime.excluded_by", "the two parties"
            )
    if (agreement.previous is None) is not (agreement.version == 1):
        raise _trust(
            "PAC-015",
            "the version and the document before it do not fit",
            "previous",
            "null for version 1, and the id of the version before for every other",
        )
    if agreement.follow_up.hours_urgent > agreement.follow_up.hours_ordinary:
        raise _trust(
            "PAC-015",
            "urgent requests would take longer than ordinary ones",
            "follow_up",
            "hours_urgent of at most hours_ordinary",
        )
    categories = [listed.category for listed in agreement.crime.listed]
    if len(set(categories)) != len(categories):
        raise _trust("PAC-015", "an offence is listed twice", "crime.listed", "every offence once")
    for search_type in agreement.search_types:
        if not getattr(agreement.modalities, modality_of(search_type)):
            raise _trust(
                "PAC-015",
                f"{search_type} needs a modality that is off",
                f"search_types.{search_type}",
                "search types of agreed modalities only",
            )
    # Terms that are good in themselves but that this version cannot keep: it must not act as if it did.
    cannot = [
        ("answer.score_returned", agreement.answer.score_returned, "false"),
        (
            "modalities",
            any((agreement.modalities.face, agreement.modalities.iris, agreement.modalities.dna)),
            "fingerprint and palm only",
        ),
    ]
    for path, present, expected in cannot:
        if present:
            raise _trust(
                "PAC-017",
                "this version of mithaq cannot keep this term",
                path,
                expected,
                "agree on what it can keep, or use a version that keeps it",
            )


def _instants(agreement: Agreement) -> list[tuple[str, str | None]]:
    """Every instant of the document, with its path."""
    found = [("valid.from", agreement.valid.start), ("valid.to", agreement.valid.to)]
    found += [(f"valid.entry.{part}", instant) for part, instant in agreement.valid.entry.items()]
    points = [point for party in agreement.parties.values() for point in party.contact_points]
    for period, path in ((point.valid, f"{point.id}.valid") for point in points if point.valid is not None):
        found += [(f"{path}.from", period.start), (f"{path}.to", period.to)]
    return found


def _check_clauses(agreement: Agreement) -> None:
    known = _paths(plain(agreement))
    for key in agreement.clauses:
        steps = key.split(".")
        if re.fullmatch(r"REQ-\d{3}", key) or any(
            len(path) >= len(steps) and all(a in ("*", b) for a, b in zip(steps, path, strict=False)) for path in known
        ):
            continue
        raise _trust(
            "PAC-016",
            "a clause points at a parameter that is not there",
            "clauses",
            'paths of this document, as "search_types.*.day", and requirements, as "REQ-130"',
        )
    for parameter in PARAMETERS:
        if clause_text(agreement, parameter) is None:
            raise _trust(
                "PAC-016",
                f"no clause stands behind {parameter}",
                "clauses",
                "a clause in both languages for every term",
            )


def _paths(document: dict[str, Any]) -> set[tuple[str, ...]]:
    return {tuple(path.split(".")) for path in _leaves({k: v for k, v in document.items() if k != "clauses"})}


def modality_of(search_type: str) -> str:
    """ "palm" for the search types of palm prints and marks, "fingerprint" for the others."""
    return "palm" if search_type.partition("/")[0] in ("PP", "LP") else "fingerprint"


__all__ = [
    "PARAMETERS", "SCHEMA", "SUITES", "AccessRequest", "Agreement", "AnswerTerms", "Bilingual", "Change",
    "Clause", "ContactPoint", "Crime", "Duties", "Emergency", "FollowUp", "Icd", "Incident", "Jwk", "Keys", "Life", "Modalities", "Party",
    "Quota", "Retention", "SearchTerms", "SpecialCategories", "Validity", "active", "candidate_cap", "clause_text",
    "difference", "identifier", "modality_of", "parse_agreement", "search_way", "threshold_fmr",
]  # fmt: skip
