"""`mithaq exchange supply|consent|access|breach`: one group of commands for each; the rest is in `exchange`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from mithaq.cli.exchange import (
    Conditions,
    Data,
    Explanation,
    Matter,
    Officer,
    Output,
    Partner,
    Subject,
    act,
    instant,
    json_object,
    matter_id,
)
from mithaq.cli.output import Home, Json, PassphraseFile
from mithaq.pact.exchanges import BreachKind, Ground, Opinion, Outcome, WithholdingGround

if TYPE_CHECKING:
    from mithaq.node.gateway import Node

supply = typer.Typer(no_args_is_help=True, help="Supply data that nobody asked for; assess what came.")
consent = typer.Typer(no_args_is_help=True, help="Ask for the supplier's consent; give, refuse or revoke it.")
access = typer.Typer(no_args_is_help=True, help="A person's own request: find, consult the supplier, decide.")
breach = typer.Typer(no_args_is_help=True, help="Register a breach and notify the partner within the agreed hours.")


@supply.command("prepare")
def supply_prepare(
    partner: Partner, officer: Officer, ground: Annotated[Ground, typer.Option(help="Why it may be supplied.")],
    facts: Annotated[str, typer.Option(help="The facts that justify it.")],
    circumstances: Annotated[str, typer.Option(help="Conviction or circumstances.")],
    case: Annotated[str, typer.Option(help="The case number.")],
    offence: Annotated[str, typer.Option(help="The offence, as a code.")],
    handling: Annotated[str, typer.Option(help="The handling code; H1 and H2 with their ground, as H2:protects-a-source.")] = "H0",
    condition: Annotated[
        list[str] | None, typer.Option("--condition", help="GROUND:TEXT, as court-order:\"not for the press\".")
    ] = None,
    reference: Annotated[str, typer.Option(help="Our reference number, to take the agreed data from.")] = "",
    data: Data = None, home: Home = Path(), passphrase_file: PassphraseFile = None, json_: Json = False,
) -> None:  # fmt: skip
    """The first officer prepares a supply; nothing leaves yet (REQ-060)."""
    from mithaq.node.exchanges import supply as rooms
    from mithaq.pact.exchanges import Condition, Supply

    def step(node: Node, who: dict[str, str]) -> Any:
        given: Any = json_object(data) if data else {}
        code, _, why = handling.partition(":")
        rules = [
            Condition(cast(Any, one[0]), one[2].strip()) for one in (rule.partition(":") for rule in condition or ())
        ]
        terms = Supply(
            ground, facts, circumstances, case, offence, cast(Any, code), cast(Any, why or None), tuple(rules), given
        )
        return rooms.prepare(node, partner, terms, reference=reference, **who)

    act(home, officer, passphrase_file, json_, step)


@supply.command("approve")
def supply_approve(
    matter: Matter, officer: Officer, home: Home = Path(), passphrase_file: PassphraseFile = None, json_: Json = False,
) -> None:  # fmt: skip
    """The second officer lets the prepared supply go."""
    from mithaq.node.exchanges import supply as rooms

    act(home, officer, passphrase_file, json_, lambda node, who: rooms.approve(node, matter_id(node, matter), **who))


@supply.command("give-up")
def supply_give_up(
    matter: Matter, officer: Officer, home: Home = Path(), passphrase_file: PassphraseFile = None, json_: Json = False,
) -> None:  # fmt: skip
    """Give up a supply that was prepared."""
    from mithaq.node.exchanges import supply as rooms

    act(home, officer, passphrase_file, json_, lambda node, who: rooms.cancel(node, matter_id(node, matter), **who))


@supply.command("assess")
def supply_assess(
    matter: Matter, officer: Officer, result: Annotated[str, typer.Option(help="kept, not-needed, wrong or conditions-declined.")],
    explanation: Explanation = "", home: Home = Path(), passphrase_file: PassphraseFile = None, json_: Json = False,
) -> None:  # fmt: skip
    """Say whether supplied data are needed; what is not is erased (REQ-063)."""
    from mithaq.node.exchanges import supply as rooms

    def step(node: Node, who: dict[str, str]) -> Any:
        given: Any = result
        return rooms.assess(node, matter_id(node, matter), result=given, explanation=explanation, **who)

    act(home, officer, passphrase_file, json_, step)


# ---------------------------------------------------------------- consent


@consent.command("ask")
def consent_ask(
    subject: Subject, officer: Officer,
    use: Annotated[str, typer.Option(help="other-use, third-state, international-body or private.")],
    recipient: Annotated[str, typer.Option(help="The body that would use or get the data.")],
    purpose: Annotated[str, typer.Option(help="What for.")],
    safeguards: Annotated[str, typer.Option(help="What protects the data there.")], home: Home = Path(),
    passphrase_file: PassphraseFile = None, json_: Json = False,
) -> None:  # fmt: skip
    """Ask the supplier for its consent (REQ-102)."""
    from mithaq.node.exchanges import onward

    def step(node: Node, who: dict[str, Any]) -> Any:
        given: Any = use
        return onward.ask(
            node, subject, use=given, recipient=recipient, purpose=purpose, safeguards=safeguards, **who
        )  # fmt: skip

    act(home, officer, passphrase_file, json_, step)


@consent.command("grant")
def consent_grant(
    matter: Matter, officer: Officer, until: Annotated[str, typer.Option(help="Last day, YYYY-MM-DD (UTC).")],
    condition: Conditions = None, explanation: Explanation = "", home: Home = Path(),
    passphrase_file: PassphraseFile = None, json_: Json = False,
) -> None:  # fmt: skip
    """Consent, under conditions and until the end of a day; signed with the node's key."""
    from mithaq.node.exchanges import onward

    def step(node: Node, who: dict[str, str]) -> Any:
        return onward.grant(
            node, matter_id(node, matter), until=instant(f"{until}T23:59:59"), conditions=tuple(condition or ()),
            explanation=explanation, **who,
        )  # fmt: skip

    act(home, officer, passphrase_file, json_, step)


@consent.command("refuse")
def consent_refuse(
    matter: Matter, officer: Officer, explanation: Explanation, home: Home = Path(),
    passphrase_file: PassphraseFile = None, json_: Json = False,
) -> None:  # fmt: skip
    """Refuse consent."""
    from mithaq.node.exchanges import onward

    def step(node: Node, who: dict[str, str]) -> Any:
        return onward.refuse(node, matter_id(node, matter), explanation=explanation, **who)

    act(home, officer, passphrase_file, json_, step)


@consent.command("revoke")
def consent_revoke(
    matter: Matter, officer: Officer, explanation: Explanation, home: Home = Path(),
    passphrase_file: PassphraseFile = None, json_: Json = False,
) -> None:  # fmt: skip
    """End a consent that was given."""
    from mithaq.node.exchanges import onward

    def step(node: Node, who: dict[str, str]) -> Any:
        return onward.revoke(node, matter_id(node, matter), explanation=explanation, **who)

    act(home, officer, passphrase_file, json_, step)


# ---------------------------------------------------------------- access


@access.command("open")
def access_open(
    partner: Partner, officer: Officer,
    person: Annotated[str, typer.Option(help="Our own number of the person, as at enrolment.")] = "",
    name: Annotated[str, typer.Option(help="One or more of the names; needs --birth-date.")] = "",
    birth_date: Annotated[str, typer.Option(help="YYYY-MM-DD.")] = "",
    document: Annotated[str, typer.Option(help="A document's number.")] = "",
    case: Annotated[list[str] | None, typer.Option(help="A case number; may be repeated.")] = None,
    home: Home = Path(), passphrase_file: PassphraseFile = None, json_: Json = False,
) -> None:  # fmt: skip
    """Open a person's request and find what was supplied and sent (REQ-141); no print is compared."""
    from mithaq.node.exchanges import access as rooms
    from mithaq.pact.names import alike

    def step(node: Node, who: dict[str, Any]) -> Any:
        return rooms.open_request(
            node, partner, person=person, name=name, birth_date=birth_date, document=document,
            cases=tuple(case or ()), alike=alike, **who,
        )  # fmt: skip

    act(home, officer, passphrase_file, json_, step)


@access.command("consult")
def access_consult(
    matter: Matter, officer: Officer, home: Home = Path(), passphrase_file: PassphraseFile = None, json_: Json = False,
) -> None:  # fmt: skip
    """Ask the supplier what it thinks of showing the person its data."""
    from mithaq.node.exchanges import access as rooms

    act(home, officer, passphrase_file, json_, lambda node, who: rooms.consult(node, matter_id(node, matter), **who))


@access.command("answer")
def access_answer(
    matter: Matter, officer: Officer, opinion: Annotated[Opinion, typer.Option(help="The supplier's opinion.")],
    ground: Annotated[WithholdingGround | None, typer.Option(help="Of an objection.")] = None,
    explanation: Explanation = "", home: Home = Path(), passphrase_file: PassphraseFile = None, json_: Json = False,
) -> None:  # fmt: skip
    """Answer a partner's consultation."""
    from mithaq.node.exchanges import access as rooms

    def step(node: Node, who: dict[str, str]) -> Any:
        return rooms.answer(
            node, matter_id(node, matter), opinion=opinion, ground=ground, explanation=explanation, **who
        )

    act(home, officer, passphrase_file, json_, step)


@access.command("decide")
def access_decide(
    matter: Matter, officer: Officer, output: Output, outcome: Annotated[Outcome, typer.Option(help="How it ends.")],
    ground: Annotated[WithholdingGround | None, typer.Option(help="Of what is withheld.")] = None,
    home: Home = Path(), passphrase_file: PassphraseFile = None, json_: Json = False,
) -> None:  # fmt: skip
    """End the request; the partner is told in the same step, and what is disclosed goes into a file (REQ-142)."""
    from mithaq.node.exchanges import access as rooms

    def step(node: Node, who: dict[str, str]) -> Any:
        return rooms.decide(node, matter_id(node, matter), outcome=outcome, ground=ground, **who)

    act(home, officer, passphrase_file, json_, step, output)


# ---------------------------------------------------------------- breach


@breach.command("register")
def breach_register(
    partner: Partner, officer: Officer, kind: Annotated[BreachKind, typer.Option(help="What kind of breach.")],
    aware_at: Annotated[str, typer.Option(help="When somebody became aware: YYYY-MM-DDTHH:MM:SS, UTC.")],
    home: Home = Path(), passphrase_file: PassphraseFile = None, json_: Json = False,
) -> None:  # fmt: skip
    """Register a breach; its clock runs from becoming aware (REQ-122)."""
    from mithaq.node.exchanges import incidents

    def step(node: Node, who: dict[str, str]) -> Any:
        return incidents.aware(node, partner, kind=kind, aware_at=instant(aware_at), **who)

    act(home, officer, passphrase_file, json_, step)


@breach.command("notify")
def breach_notify(
    matter: Matter, officer: Officer, description: Annotated[str, typer.Option(help="What happened.")],
    measures: Annotated[str, typer.Option(help="What was done.")],
    persons: Annotated[int, typer.Option(help="How many persons are concerned.", min=0)] = 0,
    subject: Annotated[list[str] | None, typer.Option(help="Data concerned, by subject; may be repeated.")] = None,
    home: Home = Path(), passphrase_file: PassphraseFile = None, json_: Json = False,
) -> None:  # fmt: skip
    """Notify the partner; again for what is learned later."""
    from mithaq.node.exchanges import incidents

    def step(node: Node, who: dict[str, str]) -> Any:
        return incidents.notify(
            node, matter_id(node, matter), description=description, measures=measures, persons=persons,
            subjects=tuple(subject or ()), **who,
        )  # fmt: skip

    act(home, officer, passphrase_file, json_, step)


@breach.command("seen")
def breach_seen(
    matter: Matter, officer: Officer, home: Home = Path(), passphrase_file: PassphraseFile = None, json_: Json = False,
) -> None:  # fmt: skip
    """A partner's breach notice was read."""
    from mithaq.node.exchanges import incidents

    act(home, officer, passphrase_file, json_, lambda node, who: incidents.seen(node, matter_id(node, matter), **who))
