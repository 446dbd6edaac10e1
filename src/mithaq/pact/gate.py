"""The gate: a query, a follow-up request or a release, held against the agreement in numbered checks, read as a list.

    QueryFacts + Agreement + the day's count ──gate──► Accepted | Refused(reason, clause, text, parameter)

No path sends or answers a query that `gate` did not accept: the sender asks it before sending, the holder on arrival.
A refusal is a value with its clause in both languages. Each gate returns the first check that fails, since later ones
may mean nothing once an earlier one has failed. No name, print or reference of a person is ever put into a text.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Literal, get_args

from mithaq.pact.agreement import Agreement, clause_text, modality_of
from mithaq.pact.caveats import Handling, Use, problem, sharing_problem
from mithaq.pact.facts import (
    CASE,
    CODE,
    Accepted,
    Chain,
    Concluded,
    Decision,
    Offence,
    QueryFacts,
    Refused,
    ReleaseFacts,
    RequestFacts,
    parse_offence,
)
from mithaq.pact.quota import Used, day_limit
from mithaq.pact.standing import UNDISTURBED, How, Life, standing
from mithaq.pact.terms import Bilingual, SpecialField
from mithaq.pact.wording import reason_terms, release_refusals

Side = Literal["sender", "holder"]
SPECIAL_FIELDS = frozenset(get_args(SpecialField))


def refused(reason: str, agreement: Agreement, **facts: object) -> Refused:
    """The refusal for a reason, its sentence filled with `facts`, its clause found. KeyError for an unknown reason."""
    terms = reason_terms(reason)
    if terms is None:
        raise KeyError(reason)
    safe = {name: fact if isinstance(fact, int) or CODE.fullmatch(str(fact)) else "?" for name, fact in facts.items()}
    parameter = terms.parameter.format(**{"search_type": "*", "party": "*", **safe})
    # A code or figure inside an Arabic sentence keeps its own direction (U+2066 … U+2069).
    isolated = {name: f"\u2066{fact}\u2069" for name, fact in safe.items()}
    text = Bilingual(ar=terms.sentence.ar.format(**isolated), en=terms.sentence.en.format(**safe))
    clause = agreement.clauses.get(terms.requirement) or clause_text(agreement, parameter)
    return Refused(reason, clause, text, parameter)


def gate(
    facts: QueryFacts,
    agreement: Agreement,
    *,
    at: datetime,
    used_today: int,
    side: Side,
    served: Collection[str] | None = None,
    used: Used | None = None,
    life: Life = UNDISTURBED,
) -> Decision:
    """Whether this query may be sent (`side="sender"`) or answered ("holder") at the instant `at`.

    `used_today` counts the queries of this search type, in this direction, on `quota_day(at, agreement)`, without this
    one; `used` says what else the quota rests on, `life` what happened to the agreement beside its document. `served`
    names the search types that the holder's node serves; None means all that are agreed. The persons who ordered, ran
    and approved a query are its sender's to name and to keep, so only the sender's gate asks for them.
    """
    _aware(at)
    if used_today < 0:
        raise ValueError("used_today counts from zero")
    search_terms = {str(name): terms for name, terms in agreement.search_types.items()}.get(facts.search_type)

    # 1. The two parties of this agreement, and not one of them twice.
    if refusal := _parties(facts.origin_party, facts.destination_party, agreement):
        return refusal
    # 2. The contact points: known on their own side, in the role of queries.
    if refusal := _contacts(facts, agreement, "query", "query", at):
        return refusal
    # 3. In force at this instant, this search type too.
    if refusal := _in_force(agreement, at, facts.search_type if search_terms else None, life):
        return refusal
    # 4. The version of the interface control document.
    if facts.format_version != agreement.icd.version:
        return refused("format-version", agreement, met=facts.format_version, agreed=agreement.icd.version)
    # 5. The purpose: agreed, and within the competence of both contact points.
    if facts.purpose not in agreement.purposes:
        return refused("purpose-not-agreed", agreement, purpose=facts.purpose)
    if refusal := _competence(facts, agreement):
        return refusal
    # 6. The search type: agreed, and served here.
    if search_terms is None:
        return refused("search-type-not-agreed", agreement, search_type=facts.search_type)
    if served is not None and facts.search_type not in served:
        return refused("search-type-not-served", agreement, search_type=facts.search_type)
    # 7. The modality, and that the records hold what this search type searches with.
    if not getattr(agreement.modalities, modality_of(facts.search_type)):
        return refused("modality-not-agreed", agreement, modality=modality_of(facts.search_type))
    if facts.contents and facts.contents != facts.search_type.partition("/")[0]:
        return refused("search-type-contents", agreement, search_type=facts.search_type, contents=facts.contents)
    # 8. The offence: stated, and serious enough.
    if not CODE.fullmatch(facts.offence.category):
        return refused("offence-missing", agreement)
    if not is_serious(facts.offence, agreement):
        return refused(
            "offence-below-threshold",
            agreement,
            months=facts.offence.max_penalty_months,
            limit=penalty_limit(facts.offence, agreement),
        )
    # 9. An individual case: one reference, one person's prints.
    if not facts.case.strip():
        return refused("case-missing", agreement)
    if not CASE.fullmatch(facts.case) or facts.persons != 1:
        return refused("case-not-individual", agreement)
    # 10. The national legal basis, and the officer who approved the query under it.
    if not facts.legal_basis.strip():
        return refused("legal-basis-missing", agreement)
    if side == "sender" and not facts.approved_by.strip():
        return refused("approver-missing", agreement)
    # 11. Who ordered it, and who ran it.
    if side == "sender" and not facts.ordered_by.strip():
        return refused("originator-missing", agreement)
    if side == "sender" and not facts.run_by.strip():
        return refused("executor-missing", agreement)
    # 12. The prints: at least one, and no more than one query may hold.
    if facts.prints < 1:
        return refused("prints-missing", agreement, search_type=facts.search_type)
    if facts.prints > search_terms.prints:
        return refused("prints-too-many", agreement, search_type=facts.search_type, limit=search_terms.prints)
    # 13. The day's quota, the same figure at both ends: the sender must not pass it, the holder answers none past it.
    limit = day_limit(agreement, facts.search_type, used or Used())
    if used_today >= limit:
        return refused("quota-exceeded", agreement, search_type=facts.search_type, limit=limit)
    # 14. The year's quota of all search types together, which no emergency passes.
    if agreement.quota.year is not None and used is not None and used.year >= agreement.quota.year:
        return refused("quota-year-exceeded", agreement, limit=agreement.quota.year)
    return Accepted(limit - used_today - 1, not is_excluded(facts.offence, agreement, facts.destination_party))


def gate_request(
    facts: RequestFacts, chain: Chain, agreement: Agreement, *, at: datetime, life: Life = UNDISTURBED
) -> Decision:
    """Whether this follow-up request may be sent or worked on: only after a hit that an examiner confirmed."""
    _aware(at)
    # 1. The parties and their contact points: the query's sender asks, the holder's release point answers.
    if refusal := _parties(facts.origin_party, facts.destination_party, agreement):
        return refusal
    if facts.origin_party != chain.origin_party:
        return refused("not-the-requester", agreement)
    if refusal := _contacts(facts, agreement, "query", "release", at):
        return refusal
    if refusal := _competence(facts, agreement, chain.purpose):
        return refusal
    # 2. In force at this instant.
    if refusal := _in_force(agreement, at, "release", life):
        return refusal
    # 3. A hit, and one of its references.
    if refusal := _hit(facts.reference, chain, agreement):
        return refusal
    # 4. A person's conclusion on that very reference.
    if refusal := _confirmed(facts.reference, chain, agreement):
        return refusal
    # 5. The same case.
    if facts.case != chain.case:
        return refused("case-differs", agreement)
    # 6. While the requester may still keep the reference print; after that there is nothing left to request on.
    days = agreement.retention.hit_reference_at_requester_days
    if chain.answered_at is None or at >= chain.answered_at + timedelta(days=days):
        return refused("request-too-late", agreement, days=days)
    # 7. An offence for which personal data may follow at all.
    if is_excluded(chain.offence, agreement, facts.destination_party):
        return refused("offence-excluded", agreement, offence=chain.offence.category)
    # 8. Who asks.
    if not facts.requested_by.strip():
        return refused("originator-missing", agreement)
    # 9. Fields that may be asked for.
    return _fields(facts.fields, agreement, special_allowed=True) or Accepted()


def gate_release(
    facts: ReleaseFacts, chain: Chain, agreement: Agreement, *, at: datetime, life: Life = UNDISTURBED
) -> Decision:
    """Whether these fields may leave the holder: the whole chain, two officers, and only what was agreed."""
    _aware(at)
    # 1. The parties, the other way round: the holder's release point to the query's sender.
    if refusal := _parties(facts.origin_party, facts.destination_party, agreement):
        return refusal
    if facts.destination_party != chain.origin_party:
        return refused("not-the-requester", agreement)
    if refusal := _contacts(facts, agreement, "release", "query", at):
        return refusal
    # 2. In force at this instant.
    if refusal := _in_force(agreement, at, "release", life):
        return refusal
    # 3. The chain: a hit, a conclusion, a request, all on the same reference and case.
    if refusal := _hit(facts.reference, chain, agreement) or _confirmed(facts.reference, chain, agreement):
        return refusal
    if chain.requested_at is None or chain.requested_reference != facts.reference or not chain.requested_by.strip():
        return refused("not-requested", agreement)
    if not _in_order(chain.answered_at, chain.requested_at, at):
        return refused("chain-out-of-order", agreement)
    if facts.case != chain.case:
        return refused("case-differs", agreement)
    # 4. An offence for which personal data may follow at all.
    if is_excluded(chain.offence, agreement, facts.origin_party):
        return refused("offence-excluded", agreement, offence=chain.offence.category)
    # 5. Two persons.
    if not facts.prepared_by.strip() or not facts.approved_by.strip():
        return refused("approver-missing", agreement)
    if same_person(facts.prepared_by, facts.approved_by):
        return refused("same-officer", agreement)
    # 6. Something to release, field by field within what was agreed.
    if not facts.fields:
        return refused("nothing-to-release", agreement)
    if refusal := _fields(facts.fields, agreement, special_allowed=_special_allowed(facts, agreement)):
        return refusal
    # 7. A coded reason for what was asked for and is withheld.
    for name, reason in facts.withheld.items():
        if reason not in release_refusals():
            return refused("withheld-without-reason", agreement, field=name)
    # 8. Conditions: agreed codes, each with its ground.
    if found := problem(facts.handling, agreement.handling):
        return refused(found[0], agreement, code=found[1])
    return Accepted()


def gate_use(handling: Handling, agreement: Agreement, use: Use) -> Decision:
    """Whether data that came under these conditions may be put to this use without the supplier's leave (REQ-057)."""
    code = sharing_problem(handling, use)
    return refused("caveat-forbids", agreement, code=code) if code else Accepted()


def is_excluded(offence: Offence, agreement: Agreement, holder: str) -> bool:
    """True where no personal data of that holder follow a hit: an offence that both, or that party, excluded (REQ-014)."""
    by_party = {str(party): categories for party, categories in agreement.crime.excluded_by.items()}
    return offence.category in agreement.crime.excluded or offence.category in by_party.get(holder, ())


def is_serious(offence: Offence, agreement: Agreement) -> bool:
    """True where the offence's longest custody reaches the agreement's threshold, or its own if it is listed."""
    crime = agreement.crime
    if any(
        item.category == offence.category and offence.max_penalty_months >= item.min_max_penalty_months
        for item in crime.listed
    ):
        return True
    if crime.bound == "above":
        return offence.max_penalty_months > crime.min_max_penalty_months
    return offence.max_penalty_months >= crime.min_max_penalty_months


def penalty_limit(offence: Offence, agreement: Agreement) -> int:
    """The fewest months of longest custody from which an offence of this category is within the agreement."""
    crime = agreement.crime
    general = crime.min_max_penalty_months + (1 if crime.bound == "above" else 0)
    return min([general, *(item.min_max_penalty_months for item in crime.listed if item.category == offence.category)])


def same_person(a: str, b: str) -> bool:
    """True where two identifiers mean the same officer: case, outer spaces and width of letters do not count."""
    return unicodedata.normalize("NFKC", a).strip().casefold() == unicodedata.normalize("NFKC", b).strip().casefold()


def _aware(at: datetime) -> None:
    if at.tzinfo is None:
        raise ValueError("the gate decides by aware instants")


def _parties(origin: str, destination: str, agreement: Agreement) -> Refused | None:
    for code in (origin, destination):
        if agreement.party(code) is None:
            return refused("party-unknown", agreement, party=code)
    if origin == destination:
        return refused("party-same", agreement, party=origin)
    return None


def _contacts(
    facts: QueryFacts | RequestFacts | ReleaseFacts,
    agreement: Agreement,
    origin_role: str,
    destination_role: str,
    at: datetime,
) -> Refused | None:
    for code, identifier, role in (
        (facts.origin_party, facts.origin_contact, origin_role),
        (facts.destination_party, facts.destination_contact, destination_role),
    ):
        party = agreement.party(code)
        point = party.contact(identifier) if party else None
        if point is None:
            return refused("contact-unknown", agreement, party=code, contact=identifier)
        if role not in point.roles:
            return refused("contact-role", agreement, party=code, contact=identifier, role=role)
        if not point.acts_at(at):
            return refused("contact-not-valid", agreement, party=code, contact=identifier)
    return None


def _competence(facts: QueryFacts | RequestFacts, agreement: Agreement, purpose: str = "") -> Refused | None:
    purpose = purpose or (facts.purpose if isinstance(facts, QueryFacts) else "")
    for code, identifier in (
        (facts.origin_party, facts.origin_contact),
        (facts.destination_party, facts.destination_contact),
    ):
        party = agreement.party(code)
        point = party.contact(identifier) if party else None
        if point is None or not point.serves(purpose):
            return refused("contact-purpose", agreement, party=code, contact=identifier, purpose=purpose)
    return None


_STANDING = {
    How.NOT_BEGUN: "agreement-not-yet-in-force",
    How.NOT_ENTERED: "part-not-yet-in-force",
    How.SUSPENDED: "agreement-suspended",
    How.EXPIRED: "agreement-expired",
    How.TERMINATED: "agreement-terminated",
}


def _in_force(agreement: Agreement, at: datetime, part: str | None, life: Life) -> Refused | None:
    how = standing(agreement, part, at, life)
    return None if how is How.IN_FORCE else refused(_STANDING[how], agreement, part=part or "agreement")


def _hit(reference: str, chain: Chain, agreement: Agreement) -> Refused | None:
    if chain.outcome != "hit":
        return refused("no-hit-to-follow", agreement)
    if reference not in chain.references:
        return refused("reference-not-answered", agreement)
    return None


def _confirmed(reference: str, chain: Chain, agreement: Agreement) -> Refused | None:
    own = Concluded(chain.conclusion, chain.concluded_reference, chain.concluded_by, chain.second_concluded_by)
    theirs = chain.by_holder or Concluded(None, "", "")
    needed = {"requester": (own,), "holder": (theirs,), "both": (own, theirs)}[agreement.answer.confirm_by]
    for one in needed:
        if one.decision is None or not one.by.strip():
            return refused("conclusion-missing", agreement)
        if one.decision != "identified":
            return refused("not-identified", agreement)
        if one.reference != reference:
            return refused("reference-not-concluded", agreement)
        if agreement.answer.examiners == 2 and (not one.second_by.strip() or same_person(one.by, one.second_by)):
            return refused("second-examiner-missing", agreement)
    return None


def _in_order(*instants: datetime | None) -> bool:
    known = [instant for instant in instants if instant is not None]
    return len(known) == len(instants) and known == sorted(known)


def _special_allowed(facts: ReleaseFacts, agreement: Agreement) -> bool:
    second = facts.second_approved_by
    kept = {
        "relevance-statement": bool(facts.relevance_statement.strip()),
        "second-approval": bool(second.strip())
        and not same_person(second, facts.prepared_by)
        and not same_person(second, facts.approved_by),
    }
    return all(kept[need] for need in agreement.special_categories.needs)


def _fields(fields: tuple[str, ...], agreement: Agreement, *, special_allowed: bool) -> Refused | None:
    for name in fields:
        if name in agreement.follow_up.core_data:
            continue
        if name not in SPECIAL_FIELDS:
            return refused("field-not-agreed", agreement, field=name)
        if not special_allowed:
            return refused("special-category-blocked", agreement, field=name)
    return None


__all__ = [
    "CASE", "CODE", "SPECIAL_FIELDS", "Accepted", "Chain", "Concluded", "Decision", "Offence", "QueryFacts", "Refused", "ReleaseFacts",
    "RequestFacts", "Side", "gate", "gate_release", "gate_request", "gate_use", "is_excluded", "is_serious", "parse_offence",
    "penalty_limit", "refused", "same_person",
]  # fmt: skip
