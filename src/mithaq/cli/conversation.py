"""`mithaq node STEP CONVERSATION`: each step that a person takes in a conversation, and what it shows of one.

requester   conclude · request · accept · decline · show-special · export · outcome
holder      conclude · pause · resume · release --prepare|--approve|--return|--refuse · ask-outcome
either      channel · limits
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

from mithaq.cli.exchange import ConsentOf, matter_id
from mithaq.cli.output import Home, Json, PassphraseFile, passphrase, say
from mithaq.pact.exchanges import Use

if TYPE_CHECKING:
    from mithaq.node.store.conversations import Conversation
    from mithaq.pact.caveats import Handling
    from mithaq.pact.gate import Refused

Done = TypeVar("Done")  # what a step comes to: the conversation, or the data that it shows
Officer = Annotated[str, typer.Option("--officer", help="Who acts; signs with their own passphrase.")]
Found = Annotated[str, typer.Argument(help="The conversation's id or its beginning.")]


def add_to(app: typer.Typer) -> None:
    """Put these commands under `mithaq node`."""
    for name, step in (
        ("conclude", conclude), ("request", request), ("release", release), ("pause", pause), ("resume", resume),
        ("accept", accept), ("decline", decline), ("show-special", show_special), ("export", export),
        ("ask-outcome", ask_outcome), ("outcome", outcome), ("channel", channel), ("limits", limits),
    ):  # fmt: skip
        app.command(name)(step)


def conclude(
    conversation: Found,
    officer: Officer,
    decision: Annotated[str, typer.Option(help="identified, excluded or inconclusive.")],
    home: Home = Path(),
    reference: Annotated[str, typer.Option(help="The candidate identified, where the hit has several.")] = "",
    note: Annotated[str, typer.Option(help="A note for the record.")] = "",
    passphrase_file: PassphraseFile = None,
    json_: Json = False,
) -> None:
    """Record an examiner's conclusion on a candidate: the only one, the first of two, the second, or the third."""
    from mithaq.node import flow
    from mithaq.pact.lifecycle import Conclusion

    if decision not in set(Conclusion):
        raise typer.BadParameter("write identified, excluded or inconclusive", param_hint="--decision")
    terms = {"decision": Conclusion(decision), "reference": reference, "note": note}
    _step(flow.conclude, home, conversation, officer, passphrase_file, json_, **terms)


def request(
    conversation: Found,
    officer: Officer,
    home: Home = Path(),
    fields: Annotated[str, typer.Option(help="Fields asked for, by comma; all agreed ones where empty.")] = "",
    urgent: Annotated[bool, typer.Option("--urgent", help="Ask for the urgent clock.")] = False,
    passphrase_file: PassphraseFile = None,
    json_: Json = False,
) -> None:
    """Ask the holder for the personal data behind a confirmed hit."""
    from mithaq.node import flow

    terms = {"fields": words(fields), "urgent": urgent}
    _step(flow.request_data, home, conversation, officer, passphrase_file, json_, **terms)


def release(
    conversation: Found,
    officer: Officer,
    home: Home = Path(),
    prepare: Annotated[str, typer.Option(help="First officer: the fields to release, by comma.")] = "",
    approve: Annotated[bool, typer.Option("--approve", help="Next officer: let the prepared fields go.")] = False,
    back: Annotated[bool, typer.Option("--return", help="Next officer: send it back to be prepared again.")] = False,
    refuse: Annotated[str, typer.Option(help="Refuse, with a coded reason.")] = "",
    withhold: Annotated[
        list[str] | None, typer.Option(help="With --prepare: FIELD=REASON, or a reason for all the rest; may repeat.")
    ] = None,
    relevance: Annotated[str, typer.Option(help="Why data of special nature are relevant; name no person.")] = "",
    caveat: Annotated[
        list[str] | None, typer.Option(help="CODE:GROUND, as H2:protects-a-source; H3:GROUND:ENGLISH:ARABIC.")
    ] = None,
    source: Annotated[str, typer.Option(help="Reliability of the source: A, B, C or X.")] = "",
    accuracy: Annotated[int | None, typer.Option(min=1, max=4, help="Accuracy of the information, 1 to 4.")] = None,
    mla: Annotated[bool, typer.Option("--mla", help="Use as evidence needs mutual legal assistance.")] = False,
    passphrase_file: PassphraseFile = None,
    json_: Json = False,
) -> None:
    """Prepare, approve, return or refuse the release of personal data."""
    from mithaq.node import flow, followup

    if sum((bool(prepare), approve, back, bool(refuse))) != 1:
        raise typer.BadParameter("give exactly one of --prepare FIELDS, --approve, --return, --refuse REASON")
    step: Any = flow.approve_release if approve else followup.return_release
    terms: dict[str, Any] = {}
    if prepare:
        step = flow.prepare_release
        pairs = [one.partition("=") for one in withhold or []]
        terms = {
            "fields": words(prepare),
            "withheld": {name: reason for name, equals, reason in pairs if equals},
            "reason": next((name for name, equals, _ in pairs if not equals), ""),
            "relevance": relevance,
            "handling": _handling(caveat or [], source, accuracy),
            "mla": mla,
        }
    elif refuse:
        step, terms = flow.refuse_release, {"reason": refuse, "mla": mla}
    _step(step, home, conversation, officer, passphrase_file, json_, **terms)


def pause(
    conversation: Found,
    officer: Officer,
    home: Home = Path(),
    reason: Annotated[str, typer.Option(help="A reason of the agreement.")] = "judicial-authorisation",
    passphrase_file: PassphraseFile = None,
    json_: Json = False,
) -> None:
    """Let the follow-up's clock stand still; the requester is told why."""
    from mithaq.node import followup

    _step(followup.pause_clock, home, conversation, officer, passphrase_file, json_, reason=reason)


def resume(
    conversation: Found,
    officer: Officer,
    home: Home = Path(),
    passphrase_file: PassphraseFile = None,
    json_: Json = False,
) -> None:
    """Let the follow-up's clock run again."""
    from mithaq.node import followup

    _step(followup.resume_clock, home, conversation, officer, passphrase_file, json_)


def accept(
    conversation: Found,
    officer: Officer,
    home: Home = Path(),
    passphrase_file: PassphraseFile = None,
    json_: Json = False,
) -> None:
    """Accept the conditions of released data: they bind this party from now on."""
    from mithaq.node import received

    _step(received.accept, home, conversation, officer, passphrase_file, json_)


def decline(
    conversation: Found,
    officer: Officer,
    home: Home = Path(),
    passphrase_file: PassphraseFile = None,
    json_: Json = False,
) -> None:
    """Decline the conditions: the data are erased unseen, and the supplier is told."""
    from mithaq.node import received

    _step(received.decline, home, conversation, officer, passphrase_file, json_)


def show_special(
    conversation: Found,
    officer: Officer,
    reason: Annotated[str, typer.Option(help="Why they are looked at, as a code; it is logged.")],
    use: Annotated[Use, typer.Option(help="Which of the four uses; it is logged.")],
    home: Home = Path(),
    consent: ConsentOf = "",
    passphrase_file: PassphraseFile = None,
    json_: Json = False,
) -> None:
    """Data of special nature, for the officer who asked for them."""
    from mithaq.node import received

    terms = {"reason": reason, "use": use, "consent": consent}
    _step(received.show_special, home, conversation, officer, passphrase_file, json_, **terms)


def export(
    conversation: Found,
    officer: Officer,
    use: Annotated[Use, typer.Option(help="Which of the four uses; it is logged.")],
    home: Home = Path(),
    to: Annotated[
        Literal["own", "share", "judicial"], typer.Option(help="This case file, another authority, a court.")
    ] = "own",
    consent: ConsentOf = "",
    passphrase_file: PassphraseFile = None,
    json_: Json = False,
) -> None:
    """Released data with their conditions; what these forbid is refused, and each export is logged."""
    from mithaq.node import received

    terms = {"use": use, "consent": consent, "to": None if to == "own" else to}
    _step(received.export, home, conversation, officer, passphrase_file, json_, **terms)


def ask_outcome(
    conversation: Found,
    officer: Officer,
    home: Home = Path(),
    passphrase_file: PassphraseFile = None,
    json_: Json = False,
) -> None:
    """Ask the receiver what was done with released data."""
    from mithaq.node import received

    _step(received.ask_outcome, home, conversation, officer, passphrase_file, json_)


def outcome(
    conversation: Found,
    officer: Officer,
    result: Annotated[str, typer.Option(help="A coded result, as result-arrest.")],
    home: Home = Path(),
    passphrase_file: PassphraseFile = None,
    json_: Json = False,
) -> None:
    """Tell the supplier what became of the data, asked or not."""
    from mithaq.node import received

    _step(received.report_outcome, home, conversation, officer, passphrase_file, json_, result=result)


def channel(
    conversation: Annotated[str, typer.Argument(help="The conversation; none to list those of the channel.")] = "",
    to: Annotated[str, typer.Option(help="interpol, legal-assistance, liaison or diplomatic.")] = "interpol",
    officer: Annotated[str, typer.Option(help="Who records it.")] = "",
    home: Home = Path(),
    passphrase_file: PassphraseFile = None,
    json_: Json = False,
) -> None:
    """Record that an answer also went through another channel, or list the conversations of which that is recorded."""
    from mithaq.node import received, views
    from mithaq.node.opening import open_node

    if conversation:
        if not officer:
            raise typer.BadParameter("say who records it", param_hint="--officer")
        _step(received.record_channel, home, conversation, officer, passphrase_file, json_, channel=to)
        return
    with open_node(home) as node:
        rows = [facts(found) for found in views.by_channel(node, to)]
    say({"channel": to, "conversations": rows}, json_, [f"{row['conversation']}  {row['state']}" for row in rows])


def limits(
    conversation: Annotated[str, typer.Argument(help="A conversation; none for every limit that has passed.")] = "",
    home: Home = Path(),
    json_: Json = False,
) -> None:
    """The clocks of a conversation, or all those that are overdue. Exit 1 where one is."""
    from dataclasses import asdict

    from mithaq.node import clocks, views
    from mithaq.node.opening import open_node

    with open_node(home) as node:
        rows = clocks.of_conversation(node, views.find(node, conversation).id) if conversation else clocks.late(node)
    lines = [f"{row.conversation[:12]}  {row.name:10} due {row.due_at[:19]}  {_standing(row)}" for row in rows]
    say({"limits": [asdict(row) for row in rows]}, json_, lines or ["no limit has passed"])
    if any(row.breached_at for row in rows):
        raise typer.Exit(1)


def _standing(row: Any) -> str:
    stands = "ended" if row.stopped_at else f"stands still: {row.reason}" if row.paused_at else "runs"
    return f"{stands}, overdue" if row.breached_at else stands


def _handling(caveats: list[str], source: str, accuracy: int | None) -> Handling:
    """The conditions on the command line; what does not fit is the gate's to refuse."""
    from mithaq.pact.caveats import Caveat, Handling
    from mithaq.pact.terms import Bilingual

    rows: list[Any] = []
    for one in caveats:
        code, ground, english, arabic = (*one.split(":", 3), "", "", "")[:4]
        text = Bilingual(arabic, english) if arabic and english else None
        rows.append(Caveat(code, ground, text))  # type: ignore[arg-type]
    return Handling(tuple(rows), source or None, accuracy)  # type: ignore[arg-type]


def _step(
    step: Any, home: Path, conversation: str, officer: str, passphrase_file: Path | None, json_: bool, /, **terms: Any
) -> None:
    """Take one step in a conversation, signed by the officer, and say what came of it."""
    from mithaq.node import views
    from mithaq.node.opening import open_node
    from mithaq.node.store.conversations import Conversation

    with open_node(home) as node:
        found = views.find(node, conversation).id
        if "consent" in terms:
            terms["consent"] = matter_id(node, terms["consent"])
        secret = passphrase(passphrase_file, officer)
        done = accepted(step(node, found, officer=officer, passphrase=secret, **terms), json_)
    if isinstance(done, Conversation):
        say(facts(done), json_, [f"{done.id}  {done.state}"])
        return
    shown = dict(done)
    rules = [f"{one['code']} ({one['ground']}): {one['en']}" for one in shown.get("conditions", [])]
    fields = shown.get("fields", shown)
    say(shown, json_, [*rules, *(f"{name:24} {value}" for name, value in fields.items())])


def words(text: str) -> tuple[str, ...]:
    """The words of a list by comma."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def facts(found: Conversation) -> dict[str, Any]:
    """One conversation as `--json` prints it."""
    return {
        "conversation": found.id,
        "side": found.side,
        "partner": found.partner,
        "state": found.state,
        "search_type": found.search_type,
        "purpose": found.purpose,
        "case": found.case_number,
        "reference": found.reference,
        "candidates": list(found.candidates),
        "release": found.release,
        "other_channel": found.other_channel,
        "reasons": [list(reason) for reason in found.reasons],
        "clause": found.clause,
        "created_at": found.created_at,
        "stage_ms": dict(found.stages),
    }


def accepted(result: Done | Refused, json_: bool) -> Done:
    """The result, or the refusal printed with its clause and exit status 1."""
    from mithaq.pact.gate import Refused

    if not isinstance(result, Refused):
        return result
    clause = {"ref": result.clause.ref, "en": result.clause.en, "ar": result.clause.ar} if result.clause else None
    say(
        {
            "outcome": "refused",
            "reason": result.reason,
            "text": {"en": result.text.en, "ar": result.text.ar},
            "clause": clause,
        },
        json_,
        [f"Refused ({result.reason}): {result.text.en}", *([f"  {clause['ref']}: {clause['en']}"] if clause else [])],
    )
    raise typer.Exit(1)
