"""The other exchanges: what two parties owe each other about data that one of them supplied, one form each.

    supply ─► supply-assessed                    correction-demand ─► correction-done | correction-refused
    consent-request ─► consent-answer ─► consent-revoked      access-consultation ─► access-answer ─► access-outcome
    wrong-data · withdrawal · false-hit · breach: told once, answered by nothing but the receipt

`subject` is always the id of what the data came with: a query's conversation or a supply's matter, which both nodes
know. Texts may speak about a person: a notice is sealed, and a node keeps its texts in the identities store only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, get_args

from mithaq.pact.agreement import Agreement
from mithaq.pact.caveats import GROUNDS
from mithaq.pact.caveats import Ground as CaveatGround
from mithaq.pact.gate import (
    CASE,
    Accepted,
    Decision,
    Refused,
    Side,
    _contacts,
    _fields,
    _in_force,
    _parties,
    refused,
    same_person,
)
from mithaq.pact.message import _UUID
from mithaq.pact.standing import UNDISTURBED, Life
from mithaq.pact.strict import Rule
from mithaq.pact.terms import _INSTANT, _PLAIN, CoreField
from mithaq.units import parse_timestamp

_TEXT = Rule("1 to 4000 letters without control characters", re.compile(rf"{_PLAIN}{{1,4000}}"))
_LINE = Rule("1 to 200 letters without control characters", re.compile(rf"{_PLAIN}{{1,200}}"))
_NOTE = Rule("at most 4000 letters without control characters", re.compile(rf"{_PLAIN}{{0,4000}}"))
_SUBJECTS = Rule("at most 1000 subjects", most=1000)
_CONDITIONS = Rule("at most 20 conditions", most=20)
_COUNT = Rule("0 to 10000000", low=0, high=10_000_000)
_PROOF = Rule("a compact JWS", re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"))

Subject = Annotated[str, _UUID]
Text = Annotated[str, _TEXT]
Line = Annotated[str, _LINE]
Note = Annotated[str, _NOTE]
Data = Mapping[CoreField, object]
Assessed = Literal["kept", "not-needed", "wrong", "conditions-declined"]
Conditions = Annotated[tuple[Line, ...], _CONDITIONS]

Ground = Literal["terrorist-offences", "terrorist-training", "serious-crime"]  # REQ-060 (a), (b), (c)
Handling = Literal["H0", "H1", "H2", "H3"]
Action = Literal["correct", "block", "delete"]
Done = Literal["corrected", "blocked", "deleted"]
Fault = Literal["wrong-person", "wrong", "incomplete", "unlawful", "unreliable", "doubtful", "swapped-hands"]
RefusalGround = Literal["not-held", "data-accurate", "needed-as-evidence", "national-law"]
Measure = Literal["flagged", "corrected", "blocked", "deleted", "none"]
Use = Literal["criminal-investigation", "public-security", "related-proceedings", "consented"]  # REQ-100 (a) to (d)
RecipientKind = Literal["domestic", "third-state", "international-body", "private"]
Opinion = Literal["no-objection", "objection"]
WithholdingGround = Literal["prejudice-to-purpose", "investigation", "rights-of-others", "national-security"]
Outcome = Literal["disclosed", "disclosed-in-part", "withheld", "rectified", "rejected"]
BreachKind = Literal["security-breach", "unauthorised-use", "unauthorised-disclosure", "loss"]

USES = frozenset(get_args(Use))
ABROAD = frozenset({"third-state", "international-body", "private"})  # never without the supplier's consent (REQ-101)


@dataclass(frozen=True)
class Condition:
    """A condition on the use of supplied data in words, with the specific ground for it (REQ-062, REQ-058)."""

    ground: CaveatGround
    text: Line


@dataclass(frozen=True)
class Supply:
    """Data that nobody asked for, in an individual case, with its ground, the facts behind it and the circumstances;
    and under which conditions: a handling code, with its ground unless it is H0, and conditions in words."""

    ground: Ground
    facts: Text
    circumstances: Text
    case: Line
    offence: Line
    handling: Handling
    handling_ground: CaveatGround | None
    conditions: Annotated[tuple[Condition, ...], _CONDITIONS]
    data: Annotated[Data, Rule("at least one item", least=1)]


@dataclass(frozen=True)
class SupplyAssessed:
    """What the receiver made of a supply: it keeps the data and is bound by their conditions, or has erased them."""

    result: Assessed
    explanation: Note


@dataclass(frozen=True)
class CorrectionDemand:
    """The supplier's demand to correct, block or delete what it supplied; `data` are the right values."""

    subject: Subject
    action: Action
    fault: Fault
    explanation: Text
    data: Data


@dataclass(frozen=True)
class CorrectionDone:
    """The demand was met, and everybody whom the data had reached was told: so many."""

    action: Done
    informed: Annotated[int, _COUNT]


@dataclass(frozen=True)
class CorrectionRefused:
    """Why a demand was not met."""

    reason: RefusalGround
    explanation: Note


@dataclass(frozen=True)
class WrongData:
    """Data that passed between us are wrong, unreliable or doubtful; `measure` is what the sender of this did."""

    subject: Subject
    fault: Fault
    measure: Measure
    explanation: Text


@dataclass(frozen=True)
class Withdrawal:
    """The supplier takes back what it supplied: the receiver deletes it."""

    subject: Subject
    fault: Fault
    explanation: Text


@dataclass(frozen=True)
class FalseHit:
    """A confirmed match was no match: whatever rests on it ends on both sides."""

    subject: Subject
    explanation: Text


@dataclass(frozen=True)
class ConsentRequest:
    """May the data be used for another purpose, or handed to somebody outside?"""

    subject: Subject
    use: Literal["other-use", "third-state", "international-body", "private"]
    recipient: Line
    purpose: Text
    safeguards: Text
    fields: tuple[CoreField, ...]


@dataclass(frozen=True)
class Consent:
    """The consent itself, which the supplier signs: what for, to whom, under which conditions, until when."""

    matter: Subject
    subject: Subject
    use: Literal["other-use", "third-state", "international-body", "private"]
    recipient: Line
    conditions: Conditions
    until: Annotated[str, _INSTANT]


@dataclass(frozen=True)
class ConsentAnswer:
    """Granted, with `proof` the signed `Consent`; or refused, with the reason in `explanation` and no proof."""

    decision: Literal["granted", "refused"]
    explanation: Note
    proof: Annotated[str, _PROOF] | None


@dataclass(frozen=True)
class ConsentRevoked:
    """A consent ends now."""

    explanation: Text


@dataclass(frozen=True)
class AccessConsultation:
    """A person asks what is held about them: has the supplier of these data anything against showing them?"""

    subjects: Annotated[tuple[Subject, ...], _SUBJECTS]
    answer_by: Annotated[str, _INSTANT]


@dataclass(frozen=True)
class AccessAnswer:
    """The supplier's opinion, with its ground where it objects."""

    opinion: Opinion
    ground: WithholdingGround | None
    explanation: Note


@dataclass(frozen=True)
class AccessOutcome:
    """How a person's request or complaint ended."""

    subjects: Annotated[tuple[Subject, ...], _SUBJECTS]
    outcome: Outcome
    ground: WithholdingGround | None


@dataclass(frozen=True)
class Breach:
    """A breach of security, or unauthorised use or disclosure, with the instant at which its sender became aware."""

    kind: BreachKind
    aware_at: Annotated[str, _INSTANT]
    subjects: Annotated[tuple[Subject, ...], _SUBJECTS]
    persons: Annotated[int, _COUNT]
    description: Text
    measures: Text


@dataclass(frozen=True)
class SupplyFacts:
    """What the gate must know of a spontaneous supply."""

    origin_party: str
    origin_contact: str
    destination_party: str
    destination_contact: str
    ground: str
    facts: str
    case: str
    offence: str
    fields: tuple[str, ...]
    prepared_by: str = ""
    approved_by: str = ""
    conditions: tuple[tuple[str, str], ...] = ()  # (handling code, its ground), H3 for each condition in words


def conditions_of(terms: Supply) -> tuple[tuple[str, str], ...]:
    """The conditions of a supply as codes with their grounds, for the gate; H0 with no ground is no condition."""
    code = (terms.handling, terms.handling_ground or "")
    return (*([] if code == ("H0", "") else [code]), *(("H3", one.ground) for one in terms.conditions))


def gate_supply(
    facts: SupplyFacts, agreement: Agreement, *, at: datetime, side: Side, life: Life = UNDISTURBED
) -> Decision:
    """Whether data may be supplied unasked ("sender"), or taken in ("holder"): REQ-006, REQ-060 to REQ-062."""
    refusal = (
        _parties(facts.origin_party, facts.destination_party, agreement)
        or _contacts(facts, agreement, "spontaneous", "spontaneous", at)  # type: ignore[arg-type]
        or _in_force(agreement, at, "spontaneous", life)
    )
    if refusal:
        return refusal
    if not facts.ground or not facts.facts.strip():
        return refused("supply-ground-missing", agreement)
    if not CASE.fullmatch(facts.case):
        return refused("case-not-individual" if facts.case.strip() else "case-missing", agreement)
    if facts.offence in agreement.crime.excluded:
        return refused("offence-excluded", agreement, offence=facts.offence)
    if side == "sender" and not (facts.prepared_by and facts.approved_by):
        return refused("approver-missing", agreement)
    if side == "sender" and same_person(facts.prepared_by, facts.approved_by):
        return refused("same-officer", agreement)
    if not facts.fields:
        return refused("nothing-to-release", agreement)
    refusal = gate_conditions(facts.conditions, agreement) or _fields(facts.fields, agreement, special_allowed=False)
    return refusal or Accepted()


def gate_conditions(conditions: tuple[tuple[str, str], ...], agreement: Agreement) -> Refused | None:
    """Whether these (handling code, ground) may be set on a supply: agreed, each with a specific ground (REQ-062)."""
    for code, ground in conditions:
        if code not in agreement.handling:
            return refused("caveat-not-agreed", agreement, code=code)
        if ground not in GROUNDS:
            return refused("caveat-without-ground", agreement, code=code)
    return None


# How supplied data may stand at their receiver, and what moves them (REQ-091, REQ-093). Deleted is the end.
_MARKS = """
active    flag     flagged
active    block    blocked
active    correct  active
active    delete   deleted
flagged   flag     flagged
flagged   block    blocked
flagged   correct  active
flagged   clear    active
flagged   delete   deleted
blocked   flag     blocked
blocked   block    blocked
blocked   correct  blocked
blocked   clear    active
blocked   delete   deleted
"""
MARKS: Mapping[tuple[str, str], str] = {
    (state, event): after for state, event, after in (line.split() for line in _MARKS.strip().splitlines())
}


@dataclass(frozen=True)
class UseFacts:
    """What the gate must know before supplied data are opened, or handed on where there is a `recipient_kind`.

    `state` and `use_left` are those of the mark; `consent` is the signed consent that is offered, None for none, and
    `consent_stands` False where it was revoked or is for other data.
    """

    released: bool
    state: str
    use_left: str
    use: str
    recipient_kind: str = ""
    recipient: str = ""
    consent: Consent | None = None
    consent_stands: bool = False


def gate_use(facts: UseFacts, agreement: Agreement, *, at: datetime) -> Decision:
    """Whether supplied data may be used for this, or handed to that recipient: REQ-015, REQ-093, REQ-100 to REQ-102."""
    # 1. There is something: an answer alone, without a release, is never used or handed on.
    if facts.state == "deleted":
        return refused("data-deleted", agreement)
    if not facts.released:
        return refused("not-released", agreement)
    # 2. One of the four uses; a blocked record for nothing but what stopped its deletion.
    if facts.use not in USES:
        return refused("use-not-permitted", agreement)
    if facts.state == "blocked" and facts.use != facts.use_left:
        return refused("data-blocked", agreement)
    # 3. A recipient of a known kind, where there is one.
    if facts.recipient_kind and (facts.recipient_kind not in get_args(RecipientKind) or not facts.recipient.strip()):
        return refused("recipient-missing", agreement)
    # 4. The supplier's consent, documented, for this, still standing.
    if facts.use != "consented" and facts.recipient_kind not in ABROAD:
        return Accepted()
    consent = facts.consent
    if consent is None:
        return refused("consent-missing", agreement)
    if not facts.consent_stands or at >= parse_timestamp(consent.until):
        return refused("consent-ended", agreement)
    wanted = facts.recipient_kind if facts.recipient_kind in ABROAD else "other-use"
    if consent.use != wanted or (facts.recipient_kind in ABROAD and consent.recipient != facts.recipient):
        return refused("consent-for-another", agreement)
    return Accepted()
