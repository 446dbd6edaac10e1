"""The command line: parse, call, print. Nothing is decided here.

Exit status: 0 done; 1 refused, or a finding of severity error; 2 wrong usage or settings; 3 input that is not what it
claims to be. `--json` prints one JSON object on standard output; progress and errors go to standard error.
"""

from __future__ import annotations

import os
import sys

import typer

from mithaq.cli import (
    agreement,
    demo,
    duties,
    exchange,
    files,
    gallery,
    keep,
    ledger,
    life,
    measure,
    names,
    node,
    oversight,
    record,
    slaps,
    template,
)
from mithaq.cli.output import TRACEBACK, fail, fault, refused_by_system
from mithaq.errors import MithaqError, SettingsError

app = typer.Typer(
    name="mithaq",
    help="Two agencies query each other's fingerprint files under an agreement that both signed.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("demo")(demo.demo)
app.add_typer(record.app, name="record")
app.add_typer(template.app, name="template")
app.add_typer(files.finger, name="finger")
files.finger.command("segment")(slaps.segment)
files.finger.command("sequence")(slaps.sequence)
app.add_typer(gallery.app, name="gallery")
oversight.add_to(node.app)
node.app.add_typer(keep.app)  # without a name: its commands are those of `node`
app.add_typer(node.app, name="node")
app.add_typer(agreement.app, name="agreement")
app.add_typer(exchange.app, name="exchange")
exchange.app.add_typer(duties.supply, name="supply")
exchange.app.add_typer(duties.consent, name="consent")
exchange.app.add_typer(duties.access, name="access")
exchange.app.add_typer(duties.breach, name="breach")
for _step in (life.suspend, life.resume, life.terminate, life.extend, life.consult, life.status):
    agreement.app.command(_step.__name__)(_step)
node.app.command("override")(life.override)
node.app.add_typer(life.keys_app, name="keys")
app.add_typer(ledger.app, name="ledger")
app.add_typer(names.app, name="names")
app.add_typer(measure.app, name="measure")


def main() -> None:
    """The console script: every error of this program ends as one sentence and an exit status, never as a traceback."""
    as_json = "--json" in sys.argv
    try:
        sys.exit(app(standalone_mode=False) or 0)
    except typer.Abort:
        print("mithaq: given up; nothing was done", file=sys.stderr)
        sys.exit(1)
    except typer.TyperException as error:
        sys.exit(_wrong_usage(error, as_json=as_json))
    except MithaqError as error:
        sys.exit(fail(error, as_json=as_json))
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        if os.environ.get(TRACEBACK) == "1":
            raise
        sys.exit(fail(refused_by_system(error), as_json=as_json))
    except Exception as error:
        if os.environ.get(TRACEBACK) == "1":
            raise
        sys.exit(fail(fault(error), as_json=as_json))


def _wrong_usage(error: typer.TyperException, *, as_json: bool) -> int:
    """Say what was wrong with the command line, and print its usage where a person reads; returns the exit status."""
    if as_json:
        text = error.format_message().replace("Value error, ", "").rstrip(".")
        return fail(SettingsError("CLI-004", text, remedy="see the command's --help"), as_json=True)
    show = getattr(error, "show", None)
    if show is not None:
        show()
    return error.exit_code
