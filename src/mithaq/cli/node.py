"""`mithaq node`: make a node, serve it, fill its file, ask a partner, and take each step of a conversation."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mithaq.cli import conversation as steps
from mithaq.cli.conversation import accepted, facts, words
from mithaq.cli.output import Home, Json, PassphraseFile, instant, passphrase, progress, read_file, say
from mithaq.errors import PartnerError

if TYPE_CHECKING:
    pass

app = typer.Typer(no_args_is_help=True, help="Make and run a node; send queries and take each step of a conversation.")
officers_app = typer.Typer(no_args_is_help=True, help="The persons who may act at this node.")
app.add_typer(officers_app, name="officers")
steps.add_to(app)

POLL_S = 0.2  # how often `--wait` looks
WAITING = ("prepared", "sent")


@app.command()
def init(
    home: Home = Path(),
    party: Annotated[str, typer.Option(help="This agency's code, for example QA.")] = "",
    contact: Annotated[str, typer.Option(help="The contact point's code, for example qa-ncp.")] = "",
    name_en: Annotated[str, typer.Option(help="The agency's name in English.")] = "",
    name_ar: Annotated[str, typer.Option(help="The agency's name in Arabic.")] = "",
    listen: Annotated[str, typer.Option(help="HOST:PORT of the partner API.")] = "127.0.0.1:8443",
    desk: Annotated[str, typer.Option(help="HOST:PORT of the desk.")] = "127.0.0.1:8080",
    url: Annotated[str, typer.Option(help="The address under which the partner reaches this node.")] = "",
    demonstration: Annotated[bool, typer.Option(help="Every page says 'demonstration, no affiliation'.")] = False,
    upgrade: Annotated[bool, typer.Option(help="Bring an existing node's database to this version.")] = False,
    json_: Json = False,
) -> None:
    """Make keys, certificate and certificate request, settings and databases in a new folder."""
    from mithaq.node import initialise

    if upgrade:
        initialise.upgrade(home)
        say({"upgraded": str(home)}, json_, [f"{home}: the databases are of this program's version."])
        return
    made = initialise.initialise(
        home,
        party=party,
        contact=contact,
        name={"en": name_en, "ar": name_ar},
        listen=listen,
        desk=desk,
        url=url,
        demonstration=demonstration,
    )
    say(
        {"dir": str(home), "party_file": str(made)},
        json_,
        [
            f"A node for {party} was made in {home}.",
            f"Give {made} to the partner; it holds public keys only.",
            "Then: mithaq agreement propose --party A.json --party B.json -o agreement.json",
        ],
    )


@app.command()
def serve(home: Home = Path(), json_: Json = False) -> None:
    """Serve the partner API and the desk until Ctrl-C."""
    from mithaq.desk.app import desk_app
    from mithaq.node.opening import open_node
    from mithaq.node.serve import run

    with open_node(home, serving=True) as node:
        scheme = "https" if node.settings.listen.desk_certificate else "http"

        def ready(partner: str, desk: str) -> None:
            say(
                {"partner": partner, "desk": desk},
                json_,
                [f"partner API  https://{partner}", f"desk         {scheme}://{desk}/", "Ctrl-C stops."],
            )

        run(node, desk_app(node), ready=ready)


@app.command()
def status(
    conversation: Annotated[str, typer.Argument(help="A conversation's id or its beginning.")] = "",
    home: Home = Path(),
    json_: Json = False,
) -> None:
    """Agreements, conversations and ledger; or one conversation with its history."""
    from mithaq.node import views
    from mithaq.node.opening import open_node

    with open_node(home) as node:
        if conversation:
            found = views.find(node, conversation)
            history = views.history(node, found.id)
            shown = {**facts(found), "history": history, "next": views.next_steps(node, found)}
            plain = {name: value for name, value in shown.items() if name not in ("history", "next", "stage_ms")}
            lines = [f"{key:14} {value}" for key, value in plain.items() if value not in (None, [], "")]
            lines += [f"  {row['at']}  {row['what']:20} {row['by']}  {row['error']}".rstrip() for row in history]
            lines += [f"next: {step} ({role})" for step, role in shown["next"]]
            say(shown, json_, lines)
            return
        now = views.status(node)
        lines = [f"{now['party']} ({now['contact']}), ledger {now['ledger']['size']} entries"]
        for one in now["agreements"]:
            force = "in force" if one["in_force"] else "not in force"
            lines.append(f"agreement with {one['partner']}: version {one['version']}, {force}, {one['id'][:23]}…")
        lines += [f"agreement file {name}: {text}" for name, text in now["agreement_problems"].items()]
        lines.append(f"messages waiting for a receipt: {now['messages_waiting']}")
        if late := now["limits_passed"]:
            lines.append(f"limits that have passed: {len(late)} (`mithaq node limits` names them)")
        for found in views.queue(node, limit=20):
            lines.append(f"  {found.id[:12]}  {found.side:9} {found.partner}  {found.state:18} {found.created_at[:19]}")
        say(now, json_, lines)


@app.command()
def rebuild(home: Home = Path(), json_: Json = False) -> None:
    """Make the gallery anew from the reference prints in the node's database. The node must not be serving meanwhile."""
    from mithaq.node.opening import gallery_place, open_node
    from mithaq.node.rebuild import new_place, put_in_place
    from mithaq.node.rebuild import rebuild as rebuild_gallery
    from mithaq.node.settings import read_settings
    from mithaq.search import Gallery

    place = gallery_place(read_settings(home))
    with Gallery(new_place(place), writable=True) as gallery, progress() as bar:
        with open_node(home, searcher=gallery) as node:
            task = bar.add_task("rebuilding", total=None)
            done = rebuild_gallery(node, gallery, lambda now, total: bar.update(task, completed=now, total=total))
            counts = gallery.count()
    put_in_place(place)
    say(
        {
            "added": done.added,
            "known": done.known,
            "left_out": [{"position": position, "code": code} for position, code in done.left_out],
            "persons": counts.persons,
            "impressions": counts.impressions,
        },
        json_,
        [
            f"{counts.persons} persons, {counts.impressions} impressions; the gallery before is kept as {place.name}.old",
            *[f"left out: a print of position {position} ({code})" for position, code in done.left_out],
        ],
    )


@app.command()
def enrol(
    source: Annotated[Path, typer.Argument(help="A folder, or a CSV with the columns person, position, file.")],
    home: Home = Path(),
    ppi: Annotated[
        float | None, typer.Option(min=100, max=4000, help="Resolution, where the files do not say it.")
    ] = None,
    json_: Json = False,
) -> None:
    """Enrol persons' prints; a second run takes up where the first one ended. Reports what was not searchable."""
    from mithaq.node.enrol import Outcome, list_items, passed_over
    from mithaq.node.enrol import enrol as enrol_items
    from mithaq.node.opening import open_gallery, open_node

    with open_node(home) as node, open_gallery(node) as gallery, progress() as bar:
        items = list_items(source, default_ppi=ppi)
        task = bar.add_task("enrolling", total=len(items))

        def advance(_done: Outcome) -> None:
            bar.advance(task)

        outcomes = enrol_items(node, gallery, items, progress=advance)
        counts = node.searcher.count()
    names = ("enrolled", "known", "unsearchable", "unreadable", "taken")
    by_outcome = {name: sum(done.outcome == name for done in outcomes) for name in names}
    left_out = [done for done in outcomes if done.outcome in names[2:]]
    others = passed_over(source)
    lines = [f"{name:13} {count}" for name, count in by_outcome.items()]
    lines.append(f"gallery: {counts.persons} persons, {counts.fingers} fingers, {counts.impressions} impressions")
    for done in left_out:
        lines.append(f"not enrolled: {done.file}: {done.outcome}")
        lines += [f"  {code}: {text}" for code, text in done.reasons]
    lines += [f"passed over, since its ending is no picture's: {name}" for name in others]
    say(
        {
            **by_outcome,
            "persons": counts.persons,
            "not_enrolled": [
                {
                    "file": done.file,
                    "outcome": done.outcome,
                    "reasons": [{"code": code, "text": text} for code, text in done.reasons],
                }
                for done in left_out
            ],
            "passed_over": others,
        },
        json_,
        lines,
    )


@app.command()
def query(
    file: Annotated[Path, typer.Argument(help="A picture, or a transaction with Type-4, 13 or 14 records.")],
    partner: Annotated[str, typer.Option(help="The partner's code.")],
    purpose: Annotated[str, typer.Option(help="A purpose of the agreement.")],
    case: Annotated[str, typer.Option(help="The case number.")],
    offence: Annotated[str, typer.Option(help="Category and longest custody in months, as robbery:120.")],
    legal_basis: Annotated[str, typer.Option(help="The national legal basis.")],
    ordered_by: Annotated[str, typer.Option(help="Who ordered the query (a record).")],
    run_by: Annotated[str, typer.Option(help="Who runs it (a record).")],
    approved_by: Annotated[str, typer.Option(help="Who approved it (a record).")],
    home: Home = Path(),
    expedited: Annotated[bool, typer.Option("--expedited", help="Ask for expedited handling.")] = False,
    ppi: Annotated[
        float | None, typer.Option(min=100, max=4000, help="Resolution; counts before what the file says.")
    ] = None,
    position: Annotated[int, typer.Option(min=0, max=10, help="Finger position, 0 where unknown.")] = 0,
    despite_quality: Annotated[bool, typer.Option("--despite-quality", help="Send what looks unsearchable.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the answer (the node must be serving).")] = False,
    wait_s: Annotated[float, typer.Option(help="How long --wait waits, in seconds.")] = 60.0,
    json_: Json = False,
) -> None:
    """Ask a partner about one print. Exit 0 sent (or answered, with --wait); 1 refused or unsearchable."""
    from mithaq.node import flow, views
    from mithaq.node.opening import open_node
    from mithaq.pact.gate import parse_offence
    from mithaq.units import FingerPosition

    order = flow.Order(
        partner=partner,
        purpose=purpose,
        case=case,
        offence=parse_offence(offence),
        legal_basis=legal_basis,
        ordered_by=ordered_by,
        run_by=run_by,
        approved_by=approved_by,
        expedited=expedited,
        ppi=ppi,
        position=FingerPosition(position),
        despite_quality=despite_quality,
    )
    with open_node(home) as node:
        result = flow.submit_query(node, read_file(file), order, place=file.name)
        if isinstance(result, flow.Unsearchable):
            reasons = [{"code": reason, "text": node.text(reason).en} for reason in result.reasons]
            say(
                {"outcome": "unsearchable", "sent": False, "reasons": reasons},
                json_,
                ["Nothing was sent: the print cannot be searched.", *[f"  {r['code']}: {r['text']}" for r in reasons]],
            )
            raise typer.Exit(1)
        found = accepted(result, json_)
        if not wait:
            say(facts(found), json_, [f"{found.id}  {found.state}"])
            return
        deadline = time.monotonic() + wait_s
        while (found := views.find(node, found.id)).state in WAITING:
            if time.monotonic() > deadline:
                raise PartnerError(
                    "CLI-010",
                    "no answer yet; the query is kept and goes on",
                    place=found.id,
                    remedy=f"look again with `mithaq node status {found.id[:12]}`; is `mithaq node serve` running?",
                )
            time.sleep(POLL_S)
        lines = [f"{found.id}  {found.state}"]
        lines += [f"  candidate {reference}" for reference in found.candidates]
        lines += [f"  {code}: {text}" for code, text in found.reasons]
        lines += [f"  {found.clause['ref']}: {found.clause['en']}"] if found.clause else []
        say(facts(found), json_, lines)
        if found.state in ("refused", "unsearchable", "expired"):
            raise typer.Exit(1)


By = Annotated[str, typer.Option(help="The administrator who changes the register, once it has one.")]
ByFile = Annotated[
    Path | None, typer.Option("--by-passphrase-file", help="A file with the administrator's passphrase.")
]


@officers_app.command("add")
def officers_add(
    officer: Annotated[str, typer.Argument(help="A short code, never a name.")],
    roles: Annotated[
        str,
        typer.Option(
            help="examiner, officer, supervisor, by comma; or protection-officer, auditor, administrator alone."
        ),
    ],
    name_en: Annotated[str, typer.Option(help="Name in Latin script, for this node's own pages.")],
    name_ar: Annotated[str, typer.Option(help="Name in Arabic script.")] = "",
    home: Home = Path(),
    passphrase_file: PassphraseFile = None,
    by: By = "",
    by_file: ByFile = None,
    json_: Json = False,
) -> None:
    """Add a person with a credential of their own."""
    from mithaq.node import officers
    from mithaq.node.opening import open_node

    with open_node(home) as node:
        officers.add(
            node,
            officer,
            roles=words(roles),
            name={"en": name_en, "ar": name_ar or name_en},
            passphrase=passphrase(passphrase_file, officer),
            by=by,
            by_passphrase=passphrase(by_file, by) if by else "",
        )
    say({"added": officer}, json_, [f"{officer} may act as {roles}."])


@officers_app.command("list")
def officers_list(
    at: Annotated[str, typer.Option(help="Those whose right held then: YYYY-MM-DD, or an instant in UTC.")] = "",
    home: Home = Path(),
    json_: Json = False,
) -> None:
    """The officers, their roles and validity, by their codes; all of them, past ones too, without --at (REQ-004)."""
    from mithaq.node import officers
    from mithaq.node.opening import open_node

    with open_node(home) as node:
        found = officers.authorised_at(node, instant(at, "--at")) if at else officers.everyone(node)
        rows = [{"id": one.id, "roles": list(one.roles), "from": one.valid_from, "to": one.valid_to} for one in found]
        party = node.party
    lines = [f"{row['id']:20} {', '.join(row['roles'] or []):30} {row['from']} – {row['to'] or ''}" for row in rows]
    say({"party": party, "at": at or None, "officers": rows}, json_, lines)


@officers_app.command("end")
def officers_end(officer: str, home: Home = Path(), by: By = "", by_file: ByFile = None, json_: Json = False) -> None:
    """End an officer's right to act, now."""
    from mithaq.node import officers
    from mithaq.node.opening import open_node

    with open_node(home) as node:
        officers.end(node, officer, by=by, by_passphrase=passphrase(by_file, by) if by else "")
    say({"ended": officer}, json_, [f"{officer} may no longer act."])
