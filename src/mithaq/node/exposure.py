"""Which of a node's own records may be found by the partner: a rule over local codes, and an override for one record.

    codes of a record (category, offence, disposition, birth date) ─ rule ─► exposed ─► searchable
    override: expose | hide  ─────────────── counts before the rule ─► hidden  ─► never a candidate, templates overwritten

Decided anew whenever the record, its override or the rule changes (REQ-022); each change is logged with who made it
(REQ-025). The decision counts from its commit: an answer that is made after it names no hidden record, also while the
templates are still being overwritten. The codes lie sealed in the identities database, under a key for each record.
Without a rule and an override everything that was enrolled is exposed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Annotated, Literal

from mithaq.errors import FormatError, SettingsError, TrustError
from mithaq.node import erasing, journal, officers
from mithaq.node.gateway import Node
from mithaq.node.store import Tx, exposures, references, retention
from mithaq.node.store.exposures import Exposure, StoredRule
from mithaq.node.store.retention import HeldErasure
from mithaq.pact.strict import Rule, plain, read
from mithaq.pact.terms import _WORD
from mithaq.units import timestamp

Override = Literal["", "expose", "hide"]
WITHDRAWALS = ("acquitted", "expunged", "enrolled-by-mistake", "court-order", "national-withdrawal")
RECORD = "reference"  # the role under which a withdrawal that a hold suspends is remembered
NO_RULE, BY_OVERRIDE, BY_RULE = "no-rule", "override", "rule"


@dataclass(frozen=True)
class ExposureRule:
    """What a record must be to be exposed; an empty list and an age of 0 ask nothing. A code that a record lacks does
    not fulfil what is asked of it."""

    categories: tuple[Annotated[str, _WORD], ...]
    offences: tuple[Annotated[str, _WORD], ...]
    dispositions: tuple[Annotated[str, _WORD], ...]
    min_age: Annotated[int, Rule("0 to 120 years", low=0, high=120)]


@dataclass(frozen=True)
class LocalRecord:
    """The codes of a record. `birth_date` is YYYY-MM-DD, or "" where it is not known."""

    category: str = ""
    offence: str = ""
    disposition: str = ""
    birth_date: str = ""


CODES = tuple(one.name for one in fields(LocalRecord))


def decide(rule: ExposureRule | None, record: LocalRecord, override: Override, now: datetime) -> tuple[bool, str]:
    """Whether a record is exposed, and why: `override`, `no-rule`, `rule`, or the code that the rule did not find."""
    if override:
        return override == "expose", BY_OVERRIDE
    if rule is None:
        return True, NO_RULE
    for name, allowed, met in (
        ("category", rule.categories, record.category),
        ("offence", rule.offences, record.offence),
        ("disposition", rule.dispositions, record.disposition),
    ):
        if allowed and met not in allowed:
            return False, name
    if rule.min_age and (_age(record.birth_date, now) or 0) < rule.min_age:
        return False, "age"
    return True, BY_RULE


def _age(birth_date: str, now: datetime) -> int | None:
    try:
        born = datetime.strptime(birth_date, "%Y-%m-%d")
    except ValueError:
        return None
    return now.year - born.year - ((now.month, now.day) < (born.month, born.day))


# ---------------------------------------------------------------- the rule


def current_rule(node: Node) -> tuple[int, ExposureRule | None]:
    """The rule in force with its version; (0, None) where there never was one."""
    with node.database.read() as tx:
        return _rule(tx)


def _rule(tx: Tx) -> tuple[int, ExposureRule | None]:
    stored = exposures.newest_rule(tx)
    return (stored.version, read(ExposureRule, stored.rule, what="exposure rule")) if stored else (0, None)


def read_rule(data: bytes) -> ExposureRule:
    """A rule from a JSON file; FormatError where it is none."""
    try:
        return read(ExposureRule, json.loads(data), what="exposure rule")
    except (ValueError, RecursionError):
        raise FormatError("NOD-271", "the exposure rule is not JSON", place="exposure rule") from None
    except TrustError as error:
        raise FormatError("NOD-271", error.problem, place=error.place, expected=error.expected) from None


def set_rule(node: Node, rule: ExposureRule, *, officer: str, passphrase: str) -> int:
    """Put a rule in force, signed by its author, and decide every record anew; returns how many decisions changed."""
    credential = officers.unlock(node, officer, passphrase, role="officer")
    at = timestamp(node.clock())
    with node.database.write() as tx:
        version = _rule(tx)[0] + 1
        values = plain(rule)
        act = officers.sign(node, credential, "exposure-rule", version=version, rule=values)
        exposures.add_rule(tx, StoredRule(version, values, officer, act.signed, at))
        journal.write(tx, node, "exposure-rule-changed", version=str(version), by=officer, act=act.digest)
    return again(node, by=officer)


def again(node: Node, *, by: str = "node") -> int:
    """Decide every record anew (a rule changed, or birthdays passed); returns how many decisions changed."""
    with node.identities.read() as identities:
        everyone = references.local_references(identities)
    return sum(apply(node, reference, by=by) for reference in everyone)


# ---------------------------------------------------------------- one record


def record_of(node: Node, reference: str) -> LocalRecord:
    """The codes of a record; empty ones where it has none."""
    with node.identities.read() as identities:
        sealed = references.local_record(identities, reference)
    if sealed is None:
        return LocalRecord()
    return LocalRecord(**json.loads(node.identity_vault.open(sealed, f"local:{reference}")))


def change(node: Node, reference: str, codes: Mapping[str, object], *, by: str) -> bool:
    """Set a record's codes and decide anew; True where it became exposed or hidden. FormatError where there is no such
    record, SettingsError for a code that does not fit."""
    require(node, reference)
    keep_codes(node, reference, codes)
    return apply(node, reference, by=by)


def keep_codes(node: Node, reference: str, codes: Mapping[str, object]) -> None:
    """Seal a record's codes; those that are not named stay as they were."""
    values = {**plain(record_of(node, reference)), **{name: codes[name] for name in CODES if name in codes}}
    if not all(isinstance(value, str) and len(value) <= 64 for value in values.values()):
        raise SettingsError(
            "NOD-267", "a code of the record does not fit", key=", ".join(CODES), expected="short texts"
        )
    sealed = node.identity_vault.seal(json.dumps(values).encode(), f"local:{reference}")
    with node.identities.write() as identities:
        references.keep_local_record(identities, reference, sealed)


def override(node: Node, reference: str, to: Override, *, officer: str, passphrase: str) -> bool:
    """Expose or hide one record against the rule, or leave it to the rule again (""); True where that changed anything."""
    credential = officers.unlock(node, officer, passphrase, role="officer")
    require(node, reference)
    act = officers.sign(node, credential, "exposure-override", reference=reference, to=to or "rule")
    return apply(node, reference, by=officer, override=to, signed=act.signed)


def apply(node: Node, reference: str, *, by: str, override: Override | None = None, signed: str = "") -> bool:
    """Decide a record anew and make it so; True where it became exposed or hidden. `signed` is the officer's act."""
    record, now = record_of(node, reference), node.clock()
    with node.database.write() as tx:
        known = exposures.find(tx, reference)
        kept = known.override if known and known.override in ("expose", "hide") else ""
        wanted: Override = override if override is not None else kept  # type: ignore[assignment]
        exposed, reason = decide(_rule(tx)[1], record, wanted, now)
        was = known.exposed if known else True
        exposures.keep(tx, Exposure(reference, exposed, wanted, reason, timestamp(now)))
        if exposed != was or wanted != kept:
            event = "exposed" if exposed else "hidden"
            facts = {"event": event, "reason": reason, "by": by, "signed": signed}
            journal.write(tx, node, "exposure-changed", references=[reference], **facts)
        if exposed != was:
            hide, show = f"gallery:{reference}", f"searchable:{reference}"
            retention.erasures_done(tx, [hide if exposed else show])
            retention.plan_erasures(tx, [show if exposed else hide], timestamp(now))
    if exposed != was:
        erasing.finish(node)
    return exposed != was


def is_exposed(tx: Tx, reference: str) -> bool:
    """False where the last decision hid the record."""
    found = exposures.find(tx, reference)
    return found is None or found.exposed


def require(node: Node, reference: str) -> None:
    """FormatError where this node has no record of that number."""
    with node.identities.read() as identities:
        if references.sealed_person(identities, reference) is None:
            raise FormatError("NOD-268", "there is no record of that number here", place=reference[:40])


def reference_of(node: Node, person: str) -> str:
    """The reference number of the person whom the agency knows under that key; FormatError where nobody is."""
    with node.identities.read() as identities:
        found = references.reference_of(identities, node.identity_vault.digest(person))
    if found is None:
        raise FormatError("NOD-269", "nobody is enrolled under that key", place="person", expected="an enrolled person")
    return found


# ---------------------------------------------------------------- withdrawal


def withdraw(node: Node, reference: str, *, reason: str, by: str, passphrase: str | None = None) -> int:
    """Take a record out for good: prints, identity and codes lose their keys, templates are overwritten (REQ-080, 086).

    `by` is an officer, who signs it with `passphrase`, or (without one) the national system. Returns how many prints went;
    0 where a legal hold keeps them, hidden, until the first sweep after its end.
    FormatError where there is no such record, SettingsError for a reason that is not a coded one.
    """
    if reason not in WITHDRAWALS:
        raise SettingsError("NOD-270", "this is not a coded reason", key="reason", expected=", ".join(WITHDRAWALS))
    credential = None if passphrase is None else officers.unlock(node, by, passphrase, role="officer")
    require(node, reference)
    signed = (
        officers.sign(node, credential, "withdrawal", reference=reference, reason=reason).signed if credential else ""
    )
    now = timestamp(node.clock())
    with node.database.write() as tx:
        if reference in retention.held_subjects(tx, now):
            exposures.keep(tx, Exposure(reference, False, "hide", "withdrawn", now))
            retention.hold_erasure(tx, HeldErasure(reference, RECORD, by, reason))
            retention.plan_erasures(tx, [f"gallery:{reference}"], now)
            facts = {"event": "hidden", "reason": "withdrawn", "by": by, "signed": signed}
            journal.write(tx, node, "exposure-changed", references=[reference], **facts)
            count = 0
        else:
            count = forget(tx, node, reference, reason=reason, by=by, signed=signed)
    erasing.finish(node)
    return count


def forget(tx: Tx, node: Node, reference: str, *, reason: str, by: str, signed: str = "") -> int:
    """Decide and log the erasure of a whole record; `erasing.finish` does it after the commit. How many prints it had."""
    labels = references.delete_reference(tx, reference)
    whole = [*labels, f"person:{reference}", f"local:{reference}", f"gallery:{reference}"]
    retention.plan_erasures(tx, whole, timestamp(node.clock()))
    exposures.forget(tx, reference)
    facts = {"reason": reason, "by": by, "prints": len(labels), "signed": signed}
    journal.write(tx, node, "withdrawn", references=[reference], **facts)
    return len(labels)


def everything(node: Node, *, limit: int = 200) -> Sequence[Exposure]:
    """The newest decisions, newest first."""
    with node.database.read() as tx:
        return exposures.newest(tx, limit=limit)


__all__ = [
    "CODES", "WITHDRAWALS", "ExposureRule", "LocalRecord", "again", "apply", "change", "current_rule",
    "decide", "everything", "forget", "is_exposed", "keep_codes", "override", "read_rule",
    "record_of", "reference_of", "require", "set_rule", "withdraw",
]  # fmt: skip
