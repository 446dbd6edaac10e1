"""What the gate is told, and what it says: facts of a query, a follow-up request and a release; accepted, or refused.

    QueryFacts · RequestFacts + Chain · ReleaseFacts + Chain ──pact.gate──► Accepted | Refused

Values only; every rule stands in `pact.gate`. Officers are named by whatever the node keeps for them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mithaq.errors import FormatError
from mithaq.pact.caveats import Handling
from mithaq.pact.terms import Bilingual, Clause

CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9/._-]{0,63}")
# One case reference: nothing in it that could part a list or hide what follows.
_PARTING = r",;|\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069"
CASE = re.compile(rf"[^\s{_PARTING}]([^{_PARTING}]{{0,126}}[^\s{_PARTING}])?")


@dataclass(frozen=True)
class Offence:
    """An offence: its category, and the longest custody that the law allows for it, in months. Text: "robbery:120"."""

    category: str
    max_penalty_months: int

    def __str__(self) -> str:
        return f"{self.category}:{self.max_penalty_months}"


def parse_offence(text: str) -> Offence:
    """The offence that `str(offence)` wrote; FormatError PAC-030 for any other text."""
    match = re.fullmatch(r"([a-z][a-z0-9]*(?:-[a-z0-9]+){0,7}):(\d{1,4})", text)
    if match is None:
        raise FormatError(
            "PAC-030",
            "the offence cannot be read",
            place="offence",
            expected="a category and the longest custody in months, as robbery:120",
            remedy="write the category in lower case and the months after a colon",
        )
    return Offence(match[1], int(match[2]))


@dataclass(frozen=True)
class QueryFacts:
    """What the gate must know of a query. Officers are named by whatever the node keeps for them; a holder that is not
    told them leaves them empty. `expedited` changes the order of work, never what is allowed. `contents` is what the
    records hold, by `mithaq.record.contents` ("TP", "LT", "LP", "PP", "mixed"); "" where nobody looked."""

    origin_party: str
    origin_contact: str
    destination_party: str
    destination_contact: str
    purpose: str
    offence: Offence
    case: str
    legal_basis: str
    search_type: str
    prints: int
    persons: int = 1
    expedited: bool = False
    ordered_by: str = ""
    run_by: str = ""
    approved_by: str = ""
    format_version: str = "mithaq-1"
    contents: str = ""


@dataclass(frozen=True)
class Concluded:
    """What one side's examiners concluded: the decision, the reference it is about, and who they were (`second_by` where
    the agreement wants two)."""

    decision: str | None
    reference: str
    by: str
    second_by: str = ""


@dataclass(frozen=True)
class Chain:
    """What is on record of a conversation when the second step is asked for: query → hit → conclusion → request.

    Party and contact are the query's; `references` those of the hit; `concluded_reference` the one that the requester's
    examiner named; `by_holder` the holder's own conclusion. Times are aware; None and "" stand for what did not happen.
    """

    origin_party: str
    origin_contact: str
    case: str
    purpose: str
    offence: Offence
    outcome: str | None
    references: tuple[str, ...] = ()
    answered_at: datetime | None = None
    conclusion: str | None = None
    concluded_reference: str = ""
    concluded_by: str = ""
    second_concluded_by: str = ""
    by_holder: Concluded | None = None
    requested_at: datetime | None = None
    requested_reference: str = ""
    requested_by: str = ""


@dataclass(frozen=True)
class RequestFacts:
    """A follow-up request: the requester asks the holder for the personal data behind one reference number.

    `fields` may be empty, which asks for all core data.
    """

    origin_party: str
    origin_contact: str
    destination_party: str
    destination_contact: str
    case: str
    reference: str
    requested_by: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReleaseFacts:
    """A release by the holder: which fields, prepared by one officer and approved by another.

    `withheld` gives the coded reason for each field that was asked for and does not go; `handling` the conditions. Data
    of special nature needs, besides, what the agreement names: a statement of its relevance and a second approval.
    """

    origin_party: str
    origin_contact: str
    destination_party: str
    destination_contact: str
    case: str
    reference: str
    fields: tuple[str, ...]
    prepared_by: str
    approved_by: str
    relevance_statement: str = ""
    second_approved_by: str = ""
    withheld: Mapping[str, str] = field(default_factory=dict)
    handling: Handling = Handling()


@dataclass(frozen=True)
class Accepted:
    """Every check held. `remaining_today` counts after this query; `follow_up` is False where a hit of this offence
    opens no follow-up (REQ-014)."""

    remaining_today: int = 0
    follow_up: bool = True


@dataclass(frozen=True)
class Refused:
    """An expected refusal: its reason code, the clause behind it, the sentence in both languages, the parameter."""

    reason: str
    clause: Clause | None
    text: Bilingual
    parameter: str

    @property
    def clause_ref(self) -> str:
        """The article's number, or "" where the agreement names none."""
        return "" if self.clause is None else self.clause.ref


Decision = Accepted | Refused
