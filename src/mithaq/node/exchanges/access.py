"""A person's own rights: what is held about them, what was sent about them, and how they were informed.

    open_request ─► consult ──access-consultation──► take_consultation ─► answer        : supplier
                    take_answer ◄──access-answer──
                    decide ──access-outcome──► take_outcome        (no request ends without it: REQ-142)

The search goes from the agency's own number of the person, or from names, dates and documents in what was supplied;
no print is compared with anything (REQ-141). `inform` records that a person was told, or why not (REQ-140).
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from mithaq.errors import FormatError, SettingsError
from mithaq.node import journal, officers
from mithaq.node.exchanges import held
from mithaq.node.exchanges.correction import _in_state
from mithaq.node.exchanges.matters import (
    begin,
    begin_theirs,
    change,
    keep_text,
    note,
    of_notice,
    open_matter,
    overdue,
    say,
    sign,
    subject_of,
)
from mithaq.node.gateway import Node
from mithaq.node.retention import codes_of
from mithaq.node.store import Tx, conversations, references
from mithaq.node.store import matters as store
from mithaq.node.store.matters import Matter
from mithaq.pact.agreement import Agreement
from mithaq.pact.exchanges import AccessAnswer, AccessConsultation, AccessOutcome, Opinion, Outcome, WithholdingGround
from mithaq.pact.gate import Refused, refused
from mithaq.pact.message import Opened
from mithaq.units import timestamp


def open_request(
    node: Node,
    partner: str,
    *,
    officer: str,
    passphrase: str,
    person: str = "",
    name: str = "",
    birth_date: str = "",
    document: str = "",
    cases: tuple[str, ...] = (),
    alike: Callable[[str, str], bool] | None = None,
) -> Matter:
    """Open a person's request and find what there is: supplied by the partner (`held`) and sent to it (`sent`).

    `person` is the agency's own number of them, as at enrolment; the others are looked for in what the partner supplied:
    a document's number, or the birth date together with a name that is `alike` (the same words, where None). The node
    compares no names across scripts: `pact.names.alike` is for the desk and the command to pass (REQ-175).
    """
    if not (person or document or cases or (name and birth_date)):
        raise SettingsError(
            "NOD-259",
            "nothing to look for",
            key="person",
            expected="the agency's number, a document's number, a case, or name and birth date",
        )
    credential = officers.unlock(node, officer, passphrase, role="officer")
    agreement = node.agreements.current(partner, node.clock())
    with node.identities.read() as identities:
        reference = references.reference_of(identities, node.identity_vault.digest(person)) if person else None
        received = store.received_subjects(identities)
    with node.database.write() as tx:
        about = store.conversations_about(tx, [reference] if reference else [], cases)
        found = [one for subject in about if (one := conversations.find_conversation(tx, subject))]
        sent = [one.id for one in found if one.side == "holder" and one.partner == partner]
        asked = {one.id for one in found if one.side == "requester" and one.partner == partner and one.reference}
        supplied = [one for one in store.list_matters(tx, kinds=["supply"]) if one.partner == partner]
        went = [one for one in supplied if one.ours and one.state in ("sent", "kept")]
        sent += [
            one.id for one in went if one.facts["case"] in cases or (reference and one.facts["reference"] == reference)
        ]
        theirs = [one for one in received if subject_of(tx, one).partner == partner]
        wanted = name, birth_date, document, alike or same_words
        have = [one for one in theirs if one in asked or subject_of(tx, one).case in cases or _is(node, one, *wanted)]
        matter = begin(
            tx, node, "access", agreement, partner, state="open", held=sorted({*have, *asked}), sent=sorted(set(sent))
        )
        act = sign(tx, node, credential, matter.id, "access-opened", held=len(have), sent=len(sent))
        note(tx, node, matter, "opened", officer, act=act.digest, party=partner)
        asked_for = {"person": person, "name": name, "birth_date": birth_date, "document": document}
        keep_text(node, matter, "request", {**asked_for, "cases": list(cases)})
    return matter


def consult(node: Node, matter_id: str, *, officer: str, passphrase: str) -> Matter:
    """Ask the supplier what it thinks of showing the person its data; it has the agreed days."""
    credential = officers.unlock(node, officer, passphrase, role="officer")
    with node.database.write() as tx:
        matter, agreement = open_matter(tx, node, matter_id, "access", ours=True)
        _in_state(matter, "open")
        due = node.clock() + timedelta(days=agreement.access_request.consult_days)
        act = sign(tx, node, credential, matter.id, "access-consultation")
        matter = change(tx, node, matter, "consulting", due=due)
        terms = AccessConsultation(tuple(matter.facts["held"]), timestamp(due))
        say(
            tx, node, matter, agreement, "access-consultation", terms, by=officer, act=act.digest
        )  # fmt: skip
    node.wake.set()
    return matter


def take_consultation(
    tx: Tx, node: Node, agreement: Agreement, opened: Opened, terms: AccessConsultation
) -> dict[str, Any]:
    """The partner asks about data that we supplied."""
    for subject in terms.subjects:
        if subject_of(tx, subject, partner=opened.manifest.sender).held:
            raise FormatError("NOD-251", "the supplier of data is consulted, not their receiver", field="subjects")
    begin_theirs(
        tx, node, "access", agreement, opened, terms, "access-consultation", state="received",
        due=node.clock() + timedelta(days=agreement.access_request.consult_days), sent=list(terms.subjects), held=[],
    )  # fmt: skip
    return {}


def answer(
    node: Node,
    matter_id: str,
    *,
    opinion: Opinion,
    officer: str,
    passphrase: str,
    ground: WithholdingGround | None = None,
    explanation: str = "",
) -> Matter:
    """What the supplier thinks of it; an objection has a ground."""
    if (opinion == "objection") is not bool(ground):
        raise SettingsError("NOD-256", "an objection has a ground, and nothing else has", key="ground")
    credential = officers.unlock(node, officer, passphrase, role="officer")
    with node.database.write() as tx:
        matter, agreement = open_matter(tx, node, matter_id, "access", ours=False)
        _in_state(matter, "received")
        act = sign(tx, node, credential, matter.id, "access-answer", opinion=opinion, ground=ground)
        matter = change(tx, node, matter, "answered", opinion=opinion, ground=ground)
        terms = AccessAnswer(opinion, ground, explanation)
        say(
            tx, node, matter, agreement, "access-answer", terms, outcome=opinion, reason=ground, by=officer,
            act=act.digest,
        )  # fmt: skip
    node.wake.set()
    return matter


def take_answer(tx: Tx, node: Node, agreement: Agreement, opened: Opened, terms: AccessAnswer) -> dict[str, Any]:
    """The supplier's opinion; it binds nobody, and is shown where the request is decided."""
    matter = of_notice(tx, opened, "access", ["consulting", "closed"])
    if matter.state == "consulting":
        change(tx, node, matter, "answered", opinion=terms.opinion, opinion_ground=terms.ground)
    keep_text(node, matter, "access-answer", terms)
    return {"outcome": terms.opinion, "reason": terms.ground}


def decide(
    node: Node,
    matter_id: str,
    *,
    outcome: Outcome,
    officer: str,
    passphrase: str,
    ground: WithholdingGround | None = None,
) -> bytes | Refused:
    """End the request: the partner is told in the same step, and what is disclosed comes back as one JSON file.

    Refused while data of the partner are at stake and it has neither been heard nor let its days pass (REQ-141).
    """
    withheld = outcome in ("disclosed-in-part", "withheld", "rejected")
    if withheld is not bool(ground):
        raise SettingsError("NOD-256", "whatever is withheld has a ground, and nothing else has", key="ground")
    credential = officers.unlock(node, officer, passphrase, role="officer")
    with node.database.write() as tx:
        matter, agreement = open_matter(tx, node, matter_id, "access", ours=True)
        _in_state(matter, "open", "consulting", "answered")
        heard = matter.state == "answered" or (matter.state == "consulting" and overdue(node, matter))
        if matter.facts["held"] and not heard:
            return refused("supplier-not-consulted", agreement)
        act = sign(tx, node, credential, matter.id, "access-decided", outcome=outcome, ground=ground)
        subjects = (*matter.facts["held"], *matter.facts["sent"])
        matter = change(tx, node, matter, "closed", outcome=outcome, ground=ground)
        say(
            tx, node, matter, agreement, "access-outcome", AccessOutcome(tuple(sorted(set(subjects))), outcome, ground),
            outcome=outcome, reason=ground, by=officer, act=act.digest,
        )  # fmt: skip
        told = (
            [_told(tx, node, one, officer) for one in matter.facts["held"]] if outcome.startswith("disclosed") else []
        )
        sent = list(matter.facts["sent"]) if outcome.startswith("disclosed") else []
    node.wake.set()
    file = {"partner": matter.partner, "outcome": outcome, "ground": ground, "held": told, "sent": sent}
    return json.dumps(file, ensure_ascii=False, indent=1).encode()


def _told(tx: Tx, node: Node, subject_id: str, officer: str) -> dict[str, Any]:
    """What is held under one subject, for the person; logged as a use of its own kind."""
    subject, data = subject_of(tx, subject_id), held.data_of(node, subject_id)
    mark = held.standing(tx, subject_id)
    facts = {"subject": subject.id, "use": "person-access", "by": officer, "fields": sorted(data)}
    journal.write(tx, node, "data-used", **facts)
    recipients = [row.recipient for row in store.disseminated(tx, subject_id)]
    return {"subject": subject.id, "state": mark.state, "data": data, "recipients": recipients}


def take_outcome(tx: Tx, node: Node, agreement: Agreement, opened: Opened, terms: AccessOutcome) -> dict[str, Any]:
    """How a person's request about our common data ended at the partner."""
    matter = store.find_matter(tx, opened.manifest.conversation)
    if matter is None:  # nothing that we supplied was at stake, so we were not consulted
        begin_theirs(tx, node, "access", agreement, opened, terms, "access-outcome", state="closed",
                     sent=[], held=[], outcome=terms.outcome)  # fmt: skip
    else:
        matter = of_notice(tx, opened, "access", ["received", "answered"], ours=False)
        change(tx, node, matter, "closed", outcome=terms.outcome)
        keep_text(node, matter, "access-outcome", terms)
    return {"outcome": terms.outcome, "reason": terms.ground}


# ---------------------------------------------------------------- informing the person (REQ-140)


def inform(node: Node, subject_id: str, *, ground: WithholdingGround | None, officer: str, passphrase: str) -> Matter:
    """Record that the person was informed, or (with a ground) that this is withheld; a later record may change it."""
    credential = officers.unlock(node, officer, passphrase, role="officer")
    with node.database.write() as tx:
        subject = subject_of(tx, subject_id)
        agreement = node.agreements.by_id(subject.agreement)
        state = "withheld" if ground else "informed"
        matter = begin(
            tx, node, "information", agreement, subject.partner, state=state, subject=subject.id, ground=ground
        )
        act = sign(tx, node, credential, matter.id, f"information-{state}", subject=subject.id, ground=ground)
        note(tx, node, matter, state, officer, act=act.digest, reason=ground)
    return matter


def information(node: Node, subject_id: str) -> dict[str, Any]:
    """What a person is to be told of the processing of their data: facts of the agreement and of this case."""
    with node.database.read() as tx:
        subject = subject_of(tx, subject_id)
        records = [one for one in store.list_matters(tx, subject=subject.id) if one.kind == "information"]
        recipients = [row.recipient for row in store.disseminated(tx, subject.id)]
        source = subject.conversation or store.find_matter(tx, subject.id)
        codes = codes_of(source) if source else []
    agreement = node.agreements.by_id(subject.agreement)
    conversation = subject.conversation
    return {
        "subject": subject.id,
        "case": subject.case,
        "controller": agreement.parties[node.party].name,
        "partner": agreement.parties[subject.partner].name,
        "purposes": [conversation.purpose] if conversation else list(agreement.purposes),
        "legal_basis": conversation.legal_basis if conversation else "",
        "agreement": agreement.title,
        "review_months": agreement.retention.review_months(codes),
        "log_months": agreement.retention.log_months,
        "recipients": recipients,
        "records": [(one.state, one.facts.get("ground") or "", one.created_at) for one in records],
    }


# ---------------------------------------------------------------- finding a person in what was supplied


def _is(
    node: Node, subject_id: str, name: str, birth_date: str, document: str, alike: Callable[[str, str], bool]
) -> bool:
    if not (document or (name and birth_date)):
        return False
    data = held.data_of(node, subject_id)
    numbers = {_folded(text) for field in ("document_numbers", "passport_number") for text in _texts(data.get(field))}
    if document and _folded(document) in numbers:
        return True
    born = bool(name and birth_date) and data.get("birth_date") == birth_date
    return born and any(alike(name, one) for one in _whole_names(data))


def _whole_names(data: Mapping[str, Any]) -> list[str]:
    """A person's names as one would write them: given and family name together, and each other name by itself."""
    given, family = _originals(data.get("given_names")) or [""], _originals(data.get("family_name")) or [""]
    others = [
        text for field in ("aliases", "former_names", "alternative_spellings") for text in _originals(data.get(field))
    ]
    return [text for one in given for two in family if (text := f"{one} {two}".strip())] + others


def _originals(value: object) -> list[str]:
    """A name as its document has it: a text, the `original` of a name's forms, or a list of either."""
    if isinstance(value, (list, tuple)):
        return [text for part in value for text in _originals(part)]
    text = value.get("original") if isinstance(value, Mapping) else value
    return [text] if isinstance(text, str) and text.strip() else []


def same_words(a: str, b: str) -> bool:
    """True where one name's words are all among the other's, case and letter forms folded."""
    ours, theirs = (frozenset(_folded(word) for word in name.split()) for name in (a, b))
    return ours <= theirs or theirs <= ours


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _texts(part)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().casefold()


FOLLOWS: Mapping[str, Callable[..., dict[str, Any]]] = {
    "access-consultation": take_consultation,
    "access-answer": take_answer,
    "access-outcome": take_outcome,
}
