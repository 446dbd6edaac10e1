"""Notices: what two nodes tell each other beside a query and its second step, one form for each.

    {"about": "suspension", "terms": {...}}  ──read_notice──►  Notice(about, terms)  ──notice_body──► the same bytes

A form says which contact points a notice runs between, whether it passes although the agreement is suspended or over
(Law 10: what protects a person always passes), and the dataclass that its terms must fit, key by key. Notices of one
matter (a demand and its answer, a consent and its revocation) share the id of that matter as their conversation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any

from mithaq.errors import TrustError
from mithaq.pact import exchanges, rotation, standing, steps
from mithaq.pact.deletion import DeletionCertificate
from mithaq.pact.standing import How
from mithaq.pact.statistics import Summary
from mithaq.pact.strict import Rule, canonical, load, plain, read
from mithaq.pact.terms import _PLAIN, Role

PLACE = "notice"


@dataclass(frozen=True)
class Exercise:
    """A drill: nothing follows from it but its ledger entry and its receipt. `filling` gives it a size."""

    filling: Annotated[str, Rule("text without control characters", re.compile(rf"{_PLAIN}{{0,1000000}}"))]


@dataclass(frozen=True)
class Form:
    """One kind of notice: its terms, the roles of the two contact points, the requirement, whether it passes while the
    agreement is suspended or over, and whether it stops with the agreement all the same: after the end only the duties
    for what was supplied go on, and what those rest on (REQ-164)."""

    terms: type
    requirement: str
    sender: Role = "query"
    recipient: Role = "query"
    always: bool = False
    ends: bool = False

    def passes(self, how: How) -> bool:
        """True where a notice of this kind passes while its part of the agreement stands so."""
        over = how in (How.EXPIRED, How.TERMINATED)
        return how is How.IN_FORCE or (self.always and not (self.ends and over))


FORMS: Mapping[str, Form] = MappingProxyType({
    "exercise": Form(Exercise, "REQ-120", always=True, ends=True),
    "supply": Form(exchanges.Supply, "REQ-060", "spontaneous", "spontaneous"),
    "supply-assessed": Form(exchanges.SupplyAssessed, "REQ-063", "spontaneous", "spontaneous", always=True),
    "correction-demand": Form(exchanges.CorrectionDemand, "REQ-090", always=True),
    "correction-done": Form(exchanges.CorrectionDone, "REQ-090", always=True),
    "correction-refused": Form(exchanges.CorrectionRefused, "REQ-090", always=True),
    "wrong-data": Form(exchanges.WrongData, "REQ-092", always=True),
    "withdrawal": Form(exchanges.Withdrawal, "REQ-092", always=True),
    "false-hit": Form(exchanges.FalseHit, "REQ-095", always=True),
    "consent-request": Form(exchanges.ConsentRequest, "REQ-102", always=True),
    "consent-answer": Form(exchanges.ConsentAnswer, "REQ-102", always=True),
    "consent-revoked": Form(exchanges.ConsentRevoked, "REQ-102", always=True),
    "access-consultation": Form(exchanges.AccessConsultation, "REQ-141", always=True),
    "access-answer": Form(exchanges.AccessAnswer, "REQ-141", always=True),
    "access-outcome": Form(exchanges.AccessOutcome, "REQ-142", always=True),
    "breach": Form(exchanges.Breach, "REQ-122", always=True),
    "conclusion": Form(steps.HolderConclusion, "REQ-033"),
    "delay": Form(steps.Delay, "REQ-043", always=True, ends=True),
    "clock-paused": Form(steps.Pause, "REQ-044", "release", "query", always=True, ends=True),
    "clock-resumed": Form(steps.Pause, "REQ-044", "release", "query", always=True, ends=True),
    "conditions-accepted": Form(steps.By, "REQ-056", "query", "release", always=True),
    "conditions-declined": Form(steps.By, "REQ-056", "query", "release", always=True),
    "outcome-request": Form(steps.By, "REQ-059", "release", "query", always=True, ends=True),
    "outcome-report": Form(steps.Outcome, "REQ-059", "query", "release", always=True, ends=True),
    "suspension": Form(standing.Suspension, "REQ-163", always=True, ends=True),
    "resumption": Form(standing.Resumption, "REQ-163", always=True, ends=True),
    "termination": Form(standing.Termination, "REQ-164", always=True, ends=True),
    "consultation": Form(standing.Consultation, "REQ-166", always=True),
    "key-announced": Form(rotation.KeyAnnounced, "REQ-124", always=True),
    "key-confirmed": Form(rotation.KeyConfirmed, "REQ-124", always=True),
    "key-revoked": Form(rotation.KeyRevoked, "REQ-124", always=True),
    "quota-counted": Form(standing.QuotaCounted, "REQ-130", always=True),
    "override-used": Form(standing.Override, "REQ-131"),
    "statistics": Form(Summary, "REQ-150", always=True),
    "deletion-certificate": Form(DeletionCertificate, "REQ-083", recipient="release", always=True),
})  # fmt: skip


@dataclass(frozen=True)
class Notice:
    """A notice as it was read: what it is about, and its terms as the form's dataclass."""

    about: str
    terms: Any

    @property
    def form(self) -> Form:
        """The form that it has."""
        return FORMS[self.about]


def notice_body(about: str, terms: object) -> bytes:
    """The canonical bytes of a notice; TrustError PAC-207, PAC-208 where they would not be read at the other side."""
    body = canonical({"about": about, "terms": plain(terms)}, what=PLACE)
    read_notice(body)
    return body


def read_notice(body: bytes) -> Notice:
    """The notice that these bytes are; TrustError PAC-207 for a kind that is not known, PAC-208 for other terms than
    its form has."""
    try:
        values = load(body, what=PLACE)
    except TrustError as error:
        raise _unfit(error.problem, error.expected, error.code) from None
    if not isinstance(values, dict) or values.keys() != {"about", "terms"}:
        raise _unfit("the notice's keys are not the agreed ones", "about, terms")
    about = values["about"]
    if not isinstance(about, str) or about not in FORMS:
        raise TrustError("PAC-207", "this kind of notice is not known here", place=PLACE, expected=", ".join(FORMS))
    try:
        return Notice(about, read(FORMS[about].terms, values["terms"], what=about))
    except TrustError as error:
        raise _unfit(
            f"{about}: the terms do not fit its form", f"{error.place}: {error.expected}", error.code
        ) from None


def _unfit(problem: str, expected: str, detail: str = "") -> TrustError:
    return TrustError("PAC-208", problem, place=PLACE, expected=expected, detail=detail)


__all__ = ["FORMS", "Exercise", "Form", "Notice", "notice_body", "read_notice"]
