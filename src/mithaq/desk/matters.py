"""The exchanges at the desk: what waits, one matter with its steps, and data that a partner supplied.

    GET /matters       all matters, and what can be begun        POST /matters/begin/STEP
    GET /matters/ID    one matter: facts, texts, steps           POST /matters/ID/STEP
    GET /data/ID       supplied data: mark, recipients, steps    POST /data/ID/STEP    (opening them is a step, too)

A form is a row of `_STEPS`: its fields, and the node's function that it calls. Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from mithaq.errors import FormatError, TrustError
from mithaq.node.exchanges import access, correction, held, incidents, matters, onward, supply
from mithaq.node.gateway import Node
from mithaq.node.officers import Officer
from mithaq.node.store.matters import Mark, Matter
from mithaq.pact import exchanges as forms
from mithaq.pact.caveats import Ground as CaveatGround
from mithaq.pact.exchanges import Condition, Supply
from mithaq.pact.gate import Refused
from mithaq.pact.names import alike
from mithaq.pact.terms import CoreField
from mithaq.units import parse_timestamp

if TYPE_CHECKING:
    from mithaq.desk.app import Desk

Act = Callable[[Node, str, dict[str, Any], dict[str, Any]], Any]  # (node, id, form, who) -> what the step gives
CORE = get_args(CoreField)


@dataclass(frozen=True)
class Field:
    """One field of a form: a choice of codes, a line, a text, a number, an instant, or (kind "data") the core data."""

    name: str
    kind: str = "line"
    choices: tuple[str, ...] = ()
    required: bool = True


@dataclass(frozen=True)
class Step:
    """A form: its fields, what it does, and which role signs it."""

    fields: tuple[Field, ...]
    act: Act
    role: str = "officer"


def _choice(name: str, values: Any, *, required: bool = True) -> Field:
    return Field(name, "choice", get_args(values), required)


def _optional(name: str, kind: str = "line") -> Field:
    return Field(name, kind, required=False)


FAULT = _choice("fault", forms.Fault)
EXPLANATION = Field("explanation", "text")
GROUND = _choice("ground", forms.WithholdingGround, required=False)
USE = _choice("use", forms.Use)

# What can be begun without a subject, with data that a subject names, and in a matter of a kind, side and state.
_BEGIN: Mapping[str, Step] = {
    "prepare-supply": Step(
        (
            Field("partner", "partner"), _choice("ground", forms.Ground), Field("facts", "text"),
            Field("circumstances", "text"), Field("case"), Field("offence"), _choice("handling", forms.Handling),
            _choice("handling_ground", CaveatGround, required=False), _optional("conditions", "text"),
            _choice("condition_ground", CaveatGround, required=False), _optional("reference"), _optional("data", "data"),
        ),
        lambda node, _, form, who: supply.prepare(
            node, form["partner"], _supply(form), reference=form["reference"], **who
        ),
    ),
    "open-access": Step(
        (
            Field("partner", "partner"), _optional("person"), _optional("name"), _optional("birth_date"),
            _optional("document"), _optional("cases", "text"),
        ),
        lambda node, _, form, who: access.open_request(
            node, form["partner"], person=form["person"], name=form["name"], birth_date=form["birth_date"],
            document=form["document"], cases=_lines(form["cases"]), alike=alike, **who,
        ),
    ),
    "aware": Step(
        (Field("partner", "partner"), _choice("breach", forms.BreachKind), Field("aware_at", "instant")),
        lambda node, _, form, who: incidents.aware(
            node, form["partner"], kind=form["breach"], aware_at=_instant(form["aware_at"]), **who
        ),
    ),
    "ground-truth": Step(
        (Field("references", "text"), FAULT),
        lambda node, _, form, who: incidents.ground_truth(
            node, _lines(form["references"]), fault=form["fault"], **who
        ),
    ),
}  # fmt: skip
_HOLDING: Mapping[str, Step] = {
    "use": Step(
        (USE, _optional("consent")),
        lambda node, of, form, who: held.use(node, of, use=form["use"], consent=_matter(node, form["consent"]), **who),
    ),
    "disclose": Step(
        (
            USE, _choice("recipient_kind", forms.RecipientKind), Field("recipient"), _optional("caveat", "text"),
            _optional("consent"),
        ),
        lambda node, of, form, who: held.disclose(
            node, of, use=form["use"], recipient=form["recipient"], recipient_kind=form["recipient_kind"],
            caveat=form["caveat"], consent=_matter(node, form["consent"]), **who,
        ),
    ),
    "ask-consent": Step(
        (
            Field("use", "choice", ("other-use", "third-state", "international-body", "private")), Field("recipient"),
            Field("purpose", "text"), Field("safeguards", "text"),
        ),
        lambda node, of, form, who: onward.ask(
            node, of, use=form["use"], recipient=form["recipient"], purpose=form["purpose"],
            safeguards=form["safeguards"], **who,
        ),
    ),
    "clear": Step((), lambda node, of, form, who: held.decide(node, of, "clear", **who)),
    "delete": Step((), lambda node, of, form, who: held.decide(node, of, "delete", **who)),
}  # fmt: skip
_SUPPLYING: Mapping[str, Step] = {
    "demand": Step(
        (_choice("action", forms.Action), FAULT, EXPLANATION, _optional("data", "data")),
        lambda node, of, form, who: correction.demand(
            node, of, action=form["action"], fault=form["fault"], explanation=form["explanation"],
            data=_data(form), **who,
        ),
    ),
    "withdraw": Step(
        (FAULT, EXPLANATION),
        lambda node, of, form, who: correction.withdraw(
            node, of, fault=form["fault"], explanation=form["explanation"], **who
        ),
    ),
}  # fmt: skip
_EITHER: Mapping[str, Step] = {
    "report-wrong": Step(
        (FAULT, EXPLANATION),
        lambda node, of, form, who: correction.report_wrong(
            node, of, fault=form["fault"], explanation=form["explanation"], **who
        ),
    ),
    "false-hit": Step(
        (EXPLANATION,),
        lambda node, of, form, who: correction.find_false(node, of, explanation=form["explanation"], **who),
        role="examiner",
    ),
    "inform": Step(
        (GROUND,),
        lambda node, of, form, who: access.inform(node, of, ground=form["ground"] or None, **who),
    ),
}  # fmt: skip
_TASK: Mapping[str, Step] = {
    "report-wrong": Step(
        (FAULT, EXPLANATION),
        lambda node, of, form, who: correction.report_wrong(
            node, matters.find(node, of).subject, fault=form["fault"],
            explanation=form["explanation"], task=of, **who,
        ),
    ),
    "false-hit": Step(
        (EXPLANATION,),
        lambda node, of, form, who: correction.find_false(
            node, matters.find(node, of).subject, explanation=form["explanation"], task=of, **who
        ),
        role="examiner",
    ),
}  # fmt: skip
_DECIDE = Step(
    (_choice("outcome", forms.Outcome), GROUND),
    lambda node, of, form, who: access.decide(
        node, of, outcome=form["outcome"], ground=form["ground"] or None, **who
    ),
)  # fmt: skip
_NOTIFY = Step(
    (Field("description", "text"), Field("measures", "text"), Field("persons", "number"), _optional("subjects", "text")),
    lambda node, of, form, who: incidents.notify(
        node, of, description=form["description"], measures=form["measures"], persons=_number(form["persons"]),
        subjects=_lines(form["subjects"]), **who,
    ),
)  # fmt: skip
_IN_MATTER: Mapping[tuple[str, bool, str], Mapping[str, Step]] = {
    ("supply", True, "prepared"): {
        "approve-supply": Step((), lambda node, of, form, who: supply.approve(node, of, **who)),
        "give-up": Step((), lambda node, of, form, who: supply.cancel(node, of, **who)),
    },
    ("supply", False, "to-assess"): {
        "assess": Step(
            (_choice("result", forms.Assessed), _optional("explanation", "text")),
            lambda node, of, form, who: supply.assess(
                node, of, result=form["result"], explanation=form["explanation"], **who
            ),
        )
    },
    ("correction", False, "received"): {
        "meet": Step(
            (_choice("block_for", forms.Use, required=False),),
            lambda node, of, form, who: correction.meet(node, of, block_for=form["block_for"], **who),
        ),
        "refuse-demand": Step(
            (_choice("reason", forms.RefusalGround), EXPLANATION),
            lambda node, of, form, who: correction.refuse(
                node, of, reason=form["reason"], explanation=form["explanation"], **who
            ),
        ),
    },
    ("wrong-data", False, "received"): {
        "close": Step((), lambda node, of, form, who: correction.close(node, of, **who))
    },
    ("wrong-data", True, "task"): _TASK,
    ("consent", False, "received"): {
        "grant": Step(
            (Field("until", "instant"), _optional("conditions", "text"), _optional("explanation", "text")),
            lambda node, of, form, who: onward.grant(
                node, of, until=_instant(form["until"]), conditions=_lines(form["conditions"]),
                explanation=form["explanation"], **who,
            ),
        ),
        "refuse-consent": Step(
            (EXPLANATION,), lambda node, of, form, who: onward.refuse(node, of, explanation=form["explanation"], **who)
        ),
    },
    ("consent", False, "granted"): {
        "revoke": Step(
            (EXPLANATION,), lambda node, of, form, who: onward.revoke(node, of, explanation=form["explanation"], **who)
        )
    },
    ("access", True, "open"): {
        "consult": Step((), lambda node, of, form, who: access.consult(node, of, **who)),
        "decide": _DECIDE,
    },
    ("access", True, "consulting"): {"decide": _DECIDE},
    ("access", True, "answered"): {"decide": _DECIDE},
    ("access", False, "received"): {
        "answer": Step(
            (_choice("opinion", forms.Opinion), GROUND, _optional("explanation", "text")),
            lambda node, of, form, who: access.answer(
                node, of, opinion=form["opinion"], ground=form["ground"] or None,
                explanation=form["explanation"], **who,
            ),
        )
    },
    ("breach", True, "to-notify"): {"notify": _NOTIFY},
    ("breach", True, "notified"): {"notify": _NOTIFY},
    ("breach", False, "received"): {"seen": Step((), lambda node, of, form, who: incidents.seen(node, of, **who))},
}  # fmt: skip
_TOLD = Step(
    (Field("receipt"),),
    lambda node, of, form, who: held.told(node, of, form["dissemination"], receipt=form["receipt"], **who),
)


def steps_of(matter: Matter) -> Mapping[str, Step]:
    """The steps that a matter has now."""
    return _IN_MATTER.get((matter.kind, matter.ours, matter.state), {})


def steps_with(found: held.Held | matters.Subject) -> Mapping[str, Step]:
    """The steps that may be taken with the data of a subject: other ones where we hold them than where we supplied."""
    return {**(_HOLDING if getattr(found, "held", False) else _SUPPLYING), **_EITHER}


def mount(
    app: FastAPI,
    desk: Desk,
    signed_in: Callable[[Request], Awaitable[Officer | None]],
    form_of: Callable[[Request], Awaitable[FormData]],
) -> None:
    """Put these pages into the desk."""
    node = desk.node

    async def page(request: Request, make: Callable[[Officer], Response]) -> Response:
        officer = await signed_in(request)
        return RedirectResponse("/sign-in", 303) if officer is None else await run_in_threadpool(make, officer)

    async def act(request: Request, of: str, name: str, find: Callable[[], Step | None]) -> Response:
        officer = await signed_in(request)
        if officer is None:
            return RedirectResponse("/sign-in", 303)
        form = await form_of(request)
        acts = f"acts of {officer.id}"
        if not desk.guard.may_try(acts):
            raise TrustError("DSK-008", "the passphrase was wrong too often", remedy="wait five minutes")
        step = await run_in_threadpool(find)
        if step is None:
            raise FormatError("DSK-005", "the desk knows no such step here", place=name[:40])
        names = {field.name for field in step.fields}
        values = {key: str(value).strip() for key, value in form.items()} | {
            name: str(form.get(name, "")).strip() for name in names
        }
        who = {"officer": officer.id, "passphrase": str(form.get("passphrase", ""))}
        try:
            result = await run_in_threadpool(step.act, node, of, values, who)
        except TrustError as error:
            if error.code == "PAC-141":
                desk.guard.failed(acts)
            raise
        return await run_in_threadpool(_after, desk, request, officer, of, result)

    @app.get("/matters")
    async def all_matters(request: Request) -> Response:
        return await page(request, lambda officer: _list_page(desk, request))

    @app.get("/matters/{matter_id}")
    async def one_matter(request: Request, matter_id: str) -> Response:
        return await page(request, lambda officer: _matter_page(desk, request, officer, matter_id))

    @app.get("/data/{subject_id}")
    async def data(request: Request, subject_id: str) -> Response:
        return await page(request, lambda officer: _data_page(desk, request, subject_id, None))

    @app.post("/matters/begin/{name}")
    async def begin(request: Request, name: str) -> Response:
        return await act(request, "", name, lambda: _BEGIN.get(name))

    @app.post("/matters/{matter_id}/{name}")
    async def go_on(request: Request, matter_id: str, name: str) -> Response:
        def find() -> Step | None:
            return _TOLD if name == "told" else steps_of(matters.find(node, matter_id)).get(name)

        return await act(request, matter_id, name, find)

    @app.post("/data/{subject_id}/{name}")
    async def with_data(request: Request, subject_id: str, name: str) -> Response:
        return await act(request, subject_id, name, lambda: steps_with(_subject(node, subject_id)).get(name))


def _after(desk: Desk, request: Request, officer: Officer, of: str, result: Any) -> Response:
    """What a step gave, as a page, a file, or the way to the next page."""
    if isinstance(result, Refused):
        return desk.refused(request, result)
    if isinstance(result, bytes):
        name = {"content-disposition": f'attachment; filename="mithaq-{of[:12]}.json"'}
        return Response(result, media_type="application/json", headers=name)
    if isinstance(result, held.Held):
        return _data_page(desk, request, of, result)
    if isinstance(result, Mark):
        return RedirectResponse(f"/data/{result.subject}", 303)
    return RedirectResponse(f"/matters/{result.id}" if isinstance(result, Matter) else "/matters", 303)


def _list_page(desk: Desk, request: Request) -> Response:
    node = desk.node
    rows = matters.everything(node)
    left = {row.id: matters.hours_left(node, row) for row in rows}
    rows.sort(key=lambda row: (row.due_at is None, row.due_at or ""))
    return desk.render(
        request, "matters.html", rows=rows, left=left, steps=_BEGIN, core=_core(node), partners=_partners(node)
    )


def _matter_page(desk: Desk, request: Request, officer: Officer, matter_id: str) -> Response:
    node = desk.node
    matter = matters.find(node, matter_id)
    return desk.render(
        request,
        "matter.html",
        matter=matter,
        left=matters.hours_left(node, matter),
        texts=matters.texts(node, matter.id) if "officer" in officer.roles else {},
        recalls=held.recalls(node, matter.id),
        history=matters.history(node, matter.id),
        steps=steps_of(matter),
        told=_TOLD,
        core=_core(node),
        partners={},
    )


def _data_page(desk: Desk, request: Request, subject_id: str, opened: held.Held | None) -> Response:
    node = desk.node
    subject = _subject(node, subject_id)
    mark, recipients = held.shown(node, subject.id)
    return desk.render(
        request,
        "data.html",
        subject=subject,
        mark=mark,
        recipients=recipients,
        opened=opened,
        about=matters.everything(node, subject=subject.id),
        sheet=access.information(node, subject.id),
        steps=steps_with(subject),
        core=_core(node),
        partners={},
    )


def _subject(node: Node, subject_id: str) -> matters.Subject:
    with node.database.read() as tx:
        return matters.subject_of(tx, subject_id)


def _partners(node: Node) -> dict[str, Any]:
    now = node.clock()
    return {code: node.agreements.current(code, now).parties[code].name for code in sorted(node.agreements.partners())}


def _core(node: Node) -> list[str]:
    """The core data that some agreement here names, in the order of the schema."""
    agreed = {str(name) for one in node.agreements.all() for name in one.follow_up.core_data}
    return [name for name in CORE if name in agreed]


def _matter(node: Node, begins: str) -> str:
    return matters.find(node, begins).id if begins else ""


def _supply(form: dict[str, Any]) -> Supply:
    rules = tuple(Condition(form["condition_ground"], line) for line in _lines(form["conditions"]))
    return Supply(
        form["ground"], form["facts"], form["circumstances"], form["case"], form["offence"],
        form["handling"], form["handling_ground"] or None, rules, _data(form),
    )  # fmt: skip


def _data(form: dict[str, Any]) -> Any:
    return {name: form[f"data.{name}"] for name in CORE if form.get(f"data.{name}")}


def _lines(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


def _number(text: str) -> int:
    if not text.isdigit():
        raise FormatError("DSK-004", "a number of the form cannot be read", expected="digits")
    return int(text)


def _instant(text: str) -> Any:
    try:
        return parse_timestamp(f"{text}:00.000000Z" if len(text) == 16 else text)
    except ValueError:
        raise FormatError(
            "DSK-004", "an instant of the form cannot be read", expected="2026-01-31T09:30, UTC"
        ) from None


__all__ = ["mount"]
