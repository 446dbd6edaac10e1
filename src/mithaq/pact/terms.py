"""What an agreement says, as frozen dataclasses: section by section, with the type and the rule of every parameter.

These annotations are the schema (`strict.read` applies them). A term that is not here is not known, and an agreement
that holds one is refused. What the terms must say about each other is in `agreement.py`.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

from mithaq.pact.strict import Rule, canonical
from mithaq.units import parse_timestamp

SearchType = Literal["TP/TP", "TP/UL", "PP/ULP", "LT/TP", "LP/PP", "LT/UL", "LP/ULP"]
Modality = Literal["fingerprint", "palm", "face", "iris", "dna"]
Purpose = Literal[
    "prevent-serious-crime", "investigate-serious-crime", "terrorism", "border-identification", "missing-or-remains"
]
Role = Literal["query", "release", "spontaneous"]
Part = Literal["TP/TP", "TP/UL", "PP/ULP", "LT/TP", "LP/PP", "LT/UL", "LP/ULP", "release", "spontaneous"]
HandlingCode = Literal["H0", "H1", "H2", "H3"]
CoreField = Literal[
    "family_name",
    "given_names",
    "former_names",
    "aliases",
    "alternative_spellings",
    "sex",
    "birth_date",
    "birth_place",
    "nationality",
    "former_nationalities",
    "passport_number",
    "document_numbers",
    "print_taken",
    "authority",
    "case_number",
    "wanted_status",
    "face_image",
]
SpecialField = Literal[
    "racial_or_ethnic_origin", "political_opinion", "belief", "trade_union_membership", "health", "sex_life"
]
SpecialNeed = Literal["relevance-statement", "second-approval"]

# No control characters and no bidirectional overrides: what a person signs must read as it is stored.
_PLAIN = r"[^\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]"
_ENGLISH = Rule("text in English, without control characters", re.compile(rf"(?=.*[A-Za-z]){_PLAIN}{{1,2000}}"))
_ARABIC = Rule("text in Arabic, without control characters", re.compile(rf"(?=.*[\u0621-\u064a]){_PLAIN}{{1,2000}}"))
_CERTIFICATE = Rule("a DER certificate in base64", re.compile(r"[A-Za-z0-9+/]{200,8000}={0,2}"))
_IDENTIFIER = Rule('"sha256:" and 64 lower-case hexadecimal digits', re.compile("sha256:[0-9a-f]{64}"))
_INSTANT = Rule(
    "an instant in UTC, as 2026-01-31T00:00:00.000000Z", re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z")
)
_WORD = Rule("a short lower-case word, as serious-assault", re.compile("[a-z][a-z0-9]*(-[a-z0-9]+){0,7}"))
_PARTY = Rule("a party's code of two to eight capital letters and digits, as QA", re.compile("[A-Z][A-Z0-9]{1,7}"))
_COUNTRY = Rule("an ISO 3166-1 alpha-2 country code", re.compile("[A-Z]{2}"))
_B64URL = Rule("base64url without padding", re.compile("[A-Za-z0-9_-]{43}"))
_URL = Rule(
    "an https address without user, query or fragment",
    re.compile(r"https://(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?(/[A-Za-z0-9._~/-]*)?"),
)
_ONE_OR_MORE = Rule("at least one entry", least=1, most=64)

Ar = Annotated[str, _ARABIC]
En = Annotated[str, _ENGLISH]


@dataclass(frozen=True)
class Bilingual:
    """One text in both languages of the agreement."""

    ar: Ar
    en: En

    def in_language(self, language: str) -> str:
        """The Arabic text for "ar", the English one otherwise."""
        return self.ar if language == "ar" else self.en


@dataclass(frozen=True)
class Clause:
    """Where the agreement says it: the article's number, and its sense in both languages."""

    ref: Annotated[str, Rule('an article, as "Art. 9(2)"', re.compile(r"Art\. \d{1,3}(\(\d{1,3}\))?(\([a-z]\))?"))]
    ar: Ar
    en: En

    def reference(self, language: str) -> str:
        """The article's number as a reader of that language writes it: "Art. 9(2)" or "المادة 9(2)"."""
        return self.ref.replace("Art.", "المادة") if language == "ar" else self.ref


@dataclass(frozen=True)
class Jwk:
    """A public key (RFC 7517) with the members that its thumbprint covers, and no others; OKP keys have no `y`."""

    kty: Literal["OKP", "EC"]
    crv: Literal["Ed25519", "X25519", "P-256"]
    x: Annotated[str, _B64URL]
    y: Annotated[str, _B64URL] | None = field(default=None, metadata={"may_lack": True})

    def public(self) -> dict[str, str]:
        """The key as a JWK object of text members."""
        members = {"kty": self.kty, "crv": self.crv, "x": self.x}
        return members if self.y is None else {**members, "y": self.y}

    @property
    def thumbprint(self) -> str:
        """RFC 7638: base64url SHA-256 of the required members, the name that a signature gives its key."""
        return b64url(hashlib.sha256(canonical(self.public())).digest())


@dataclass(frozen=True)
class Keys:
    """What the other side pins: certificates (DER in base64), public keys, and C2SP verifier keys of the ledger."""

    tls: Annotated[tuple[Annotated[str, _CERTIFICATE], ...], _ONE_OR_MORE]
    sign: Annotated[tuple[Jwk, ...], _ONE_OR_MORE]
    encrypt: Annotated[tuple[Jwk, ...], _ONE_OR_MORE]
    checkpoint: Annotated[
        tuple[
            Annotated[
                str,
                Rule(
                    "a C2SP verifier key: name+8 hex digits+base64",
                    re.compile(r"[^\s+]{1,128}\+[0-9a-f]{8}\+[A-Za-z0-9+/]{40,64}={0,2}"),
                ),
            ],
            ...,
        ],
        _ONE_OR_MORE,
    ]

    @property
    def certificates(self) -> tuple[bytes, ...]:
        """The TLS certificates as DER bytes."""
        return tuple(base64.b64decode(text) for text in self.tls)

    @property
    def certificate_digests(self) -> tuple[str, ...]:
        """SHA-256 of each TLS certificate's DER bytes, hex: what a connection's certificate is compared with."""
        return tuple(hashlib.sha256(der).hexdigest() for der in self.certificates)


@dataclass(frozen=True)
class Period:
    """From an instant (included) up to another (not included); None is open at that end."""

    start: Annotated[str, _INSTANT] | None = field(metadata={"key": "from"})
    to: Annotated[str, _INSTANT] | None


@dataclass(frozen=True)
class ContactPoint:
    """A national contact point: what it may do (roles), for which purposes, where its node answers, and when it acts
    (None: as long as the agreement is in force)."""

    id: Annotated[str, _WORD]
    name: Bilingual
    roles: Annotated[tuple[Role, ...], _ONE_OR_MORE]
    purposes: Literal["all"] | Annotated[tuple[Purpose, ...], _ONE_OR_MORE]
    url: Annotated[str, _URL]
    valid: Period | None = field(default=None, metadata={"may_lack": True})

    def serves(self, purpose: str) -> bool:
        """True where the purpose is within this contact point's competence."""
        return self.purposes == "all" or purpose in self.purposes

    def acts_at(self, at: datetime) -> bool:
        """True where the instant is within the time for which this contact point was named (REQ-001)."""
        if self.valid is None:
            return True
        start, to = (None if end is None else parse_timestamp(end) for end in (self.valid.start, self.valid.to))
        return (start is None or start <= at) and (to is None or at < to)


@dataclass(frozen=True)
class Party:
    """One of the two parties: its country, its name, its contact points and its keys."""

    country: Annotated[str, _COUNTRY]
    name: Bilingual
    contact_points: Annotated[tuple[ContactPoint, ...], _ONE_OR_MORE]
    keys: Keys

    def contact(self, identifier: str) -> ContactPoint | None:
        """The contact point with that identifier, or None."""
        return next((point for point in self.contact_points if point.id == identifier), None)


@dataclass(frozen=True)
class Validity:
    """In force from `start` (`from` in the document), up to and not including `to`; `notice_months` to terminate.

    `entry` names the parts that enter into force later than the rest: search types, "release", "spontaneous".
    """

    start: Annotated[str, _INSTANT] = field(metadata={"key": "from"})
    to: Annotated[str, _INSTANT] | None
    notice_months: Annotated[int, Rule("0 to 60 months", low=0, high=60)]
    entry: Mapping[Part, Annotated[str, _INSTANT]]


@dataclass(frozen=True)
class ListedOffence:
    """A listed offence category, with the maximum penalty in months from which it is within the agreement."""

    category: Annotated[str, _WORD]
    min_max_penalty_months: Annotated[int, Rule("0 to 1200 months", low=0, high=1200)]


@dataclass(frozen=True)
class Crime:
    """Which offences are serious: the longest custody in months must be `above` or `at-least` the threshold, or the
    offence is listed with a threshold of its own (at-least). For `excluded` ones no personal data follow a hit, and for
    those of `excluded_by` none from that party."""

    min_max_penalty_months: Annotated[int, Rule("0 to 1200 months", low=0, high=1200)]
    bound: Literal["above", "at-least"]
    listed: tuple[ListedOffence, ...]
    excluded: tuple[Annotated[str, _WORD], ...]
    excluded_by: Mapping[Annotated[str, _PARTY], tuple[Annotated[str, _WORD], ...]]


@dataclass(frozen=True)
class Modalities:
    """What may be compared at all."""

    fingerprint: bool
    palm: bool
    face: bool
    iris: bool
    dna: bool


@dataclass(frozen=True)
class SearchTerms:
    """One search type: queries a day and direction, candidates at most, the false-match rate that a finger comparison
    must not exceed to count, prints in one query at most, and how the file is searched."""

    day: Annotated[int, Rule("0 to 1000000 queries a day", low=0, high=1_000_000)]
    candidates: Annotated[int, Rule("1 to 100 candidates", low=1, high=100)]
    threshold_fmr: Annotated[float, Rule("a false-match rate from 1e-9 to 0.01", low=1e-9, high=0.01)]
    prints: Annotated[int, Rule("1 to 20 prints", low=1, high=20)]
    search: Literal["exhaustive", "indexed"]


@dataclass(frozen=True)
class Emergency:
    """Whether the day's quota may be passed in an emergency, and how many persons must approve it."""

    allowed: bool
    approvers: Annotated[int, Rule("2 to 5 persons", low=2, high=5)]


@dataclass(frozen=True)
class Quota:
    """When the counting day begins (UTC), whether what one day left unused may be used on the next, the most queries of
    all search types in a year and direction (None: no such limit), and the emergency rule."""

    day_boundary: Annotated[str, Rule('a time of day in UTC, as "00:00Z"', re.compile(r"([01]\d|2[0-3]):[0-5]\dZ"))]
    carry_over: bool
    year: Annotated[int, Rule("1 to 10000000 queries a year", low=1, high=10_000_000)] | None
    emergency: Emergency


@dataclass(frozen=True)
class AnswerTerms:
    """By when the holder answers, who confirms a candidate, how many examiners it takes on a side, and whether a score
    may cross the border."""

    automated_hours: Annotated[int, Rule("1 to 720 hours", low=1, high=720)]
    expedited_seconds: Annotated[int, Rule("1 to 86400 seconds", low=1, high=86_400)]
    confirm_by: Literal["requester", "holder", "both"]
    examiners: Annotated[int, Rule("1 or 2 examiners", low=1, high=2)]
    score_returned: bool


@dataclass(frozen=True)
class FollowUp:
    """The second step's clocks in hours, the personal data that may be released, and what stops the clock."""

    hours_urgent: Annotated[int, Rule("1 to 720 hours", low=1, high=720)]
    hours_ordinary: Annotated[int, Rule("1 to 2160 hours", low=1, high=2160)]
    core_data: Annotated[tuple[CoreField, ...], _ONE_OR_MORE]
    pause_on: tuple[Literal["judicial-authorisation"], ...]


@dataclass(frozen=True)
class SpecialCategories:
    """Data of special nature: blocked, and what it takes to release an item all the same."""

    default: Literal["blocked"]
    needs: Annotated[tuple[SpecialNeed, ...], _ONE_OR_MORE]


@dataclass(frozen=True)
class Retention:
    """How long each kind of data is kept: query prints at the holder, hit references, supplied data, logs; whether the
    partner gets a certificate of each deletion; and for data under a handling code another review date than the rest
    have: the shortest of their codes' counts (REQ-083)."""

    query_at_holder: Literal["immediate"]
    hit_reference_at_requester_days: Annotated[int, Rule("1 to 366 days", low=1, high=366)]
    released_review_months: Annotated[int, Rule("1 to 120 months", low=1, high=120)]
    log_months: Annotated[int, Rule("1 to 120 months", low=1, high=120)]
    certificates: bool
    review_months_by_code: Mapping[HandlingCode, Annotated[int, Rule("1 to 120 months", low=1, high=120)]] | None = (
        field(default=None, metadata={"may_lack": True})
    )

    def review_months(self, codes: Iterable[str]) -> int:
        """Months after which data that came under these handling codes are erased, unless a hold keeps them."""
        classes: Mapping[str, int] = {str(code): months for code, months in (self.review_months_by_code or {}).items()}
        return min((classes[code] for code in codes if code in classes), default=self.released_review_months)


@dataclass(frozen=True)
class Incident:
    """Hours within which a breach is notified, counted from becoming aware."""

    notify_hours: Annotated[int, Rule("1 to 72 hours", low=1, high=72)]


@dataclass(frozen=True)
class AccessRequest:
    """Days within which a log extract reaches the data-protection authority, and within which the party that supplied
    data says what it thinks of showing them to the person they are about."""

    authority_days: Annotated[int, Rule("1 to 90 days", low=1, high=90)]
    consult_days: Annotated[int, Rule("1 to 90 days", low=1, high=90)]


@dataclass(frozen=True)
class Duties:
    """By when a party answers the other's demand to correct or delete, its request for consent, a supply that it did not
    ask for, and the question what became of released data."""

    correction_hours: Annotated[int, Rule("1 to 720 hours", low=1, high=720)]
    consent_days: Annotated[int, Rule("1 to 90 days", low=1, high=90)]
    assess_days: Annotated[int, Rule("1 to 90 days", low=1, high=90)]
    outcome_days: Annotated[int, Rule("1 to 365 days", low=1, high=365)]


@dataclass(frozen=True)
class Life:
    """The agreement's own life: whether a conversation that is open when an amendment takes effect goes on under the
    version that it began with or under the new one, and whether a suspension needs a recorded consultation first."""

    in_flight: Literal["begun", "new"]
    consult_first: bool


@dataclass(frozen=True)
class Icd:
    """The interface control document: format, domain, and the version (the record profile that both nodes send)."""

    format: Literal["ANSI/NIST-ITL 1-2011:2015"]
    domain: Annotated[str, Rule("a domain's name", re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}"))]
    version: Annotated[str, Rule("a profile's name, as mithaq-1", re.compile(r"[a-z0-9][a-z0-9.-]{0,31}"))]


def b64url(data: bytes) -> str:
    """Base64url without padding, as JOSE writes it."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
